"""What the agreement asks of a gateway: to forget in time, to give notice, to say why nothing comes of a word."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.gateway.made_gateway import FIRST_TICK, SIDES, Pair, other

from detente.centre.exchange import statement
from detente.centre.exchange.digest import digest
from detente.centre.exchange.ledger import EntryKind
from detente.centre.exchange.session import State
from detente.gateway.logic import outbound
from detente.gateway.logic.link import Out
from detente.gateway.logic.node import Frame, Order, Timer, restore, start
from detente.gateway.logic.notes import Word
from detente.gateway.logic.operator import effect, idle
from detente.gateway.logic.packing import pack
from detente.gateway.sqlite_store import SqliteStore
from detente.records.slots import Origin
from detente.scenario.agreement import Terms

NATO, RUSSIA = SIDES


def pair_under(retention_s: float | None = None, stores: dict | None = None, **terms: object) -> Pair:
    """A pair under an agreement of which every clause says this."""
    pair = Pair() if stores is None else Pair(stores=stores)
    for name, gateway in pair.gateways.items():
        agreement = gateway.setting.agreement
        assert agreement is not None
        said = {"retention_s": retention_s, "terms": Terms.model_validate(terms)}
        clauses = tuple(clause.model_copy(update=said) for clause in agreement.clauses)
        agreement = agreement.model_copy(update={"clauses": clauses})
        setting = replace(gateway.setting, agreement=agreement)
        pair.gateways[name] = replace(gateway, setting=setting, digest=digest(agreement))
        pair.nodes[name] = start(pair.gateways[name], 1)
    pair.connect()
    return pair


def tick(pair: Pair, index: int) -> None:
    pair.pass_time(5.0)
    pair.tick(index)
    pair.carry()


def forgotten(pair: Pair, name: str) -> list[tuple[int, bytes]]:
    entries = pair.stores[name].ledger(other(name))
    return [(one.sequence, one.envelope_digest) for one in entries if one.kind is EntryKind.FORGOTTEN]


def shown(pair: Pair, name: str) -> tuple[int, int]:
    """How many tracks of a partner's a side knows, and how many lines of its picture are one's."""
    assisted = pair.nodes[name].centre.assisted
    return int((assisted.partner.status > 0).sum()), int((assisted.picture.origin == Origin.PARTNER).sum())


@pytest.mark.parametrize("retention_s", [12.0, 40.0])
def test_what_a_partner_told_is_deleted_in_time_and_the_ledger_says_so(retention_s: float) -> None:
    pair = pair_under(retention_s)
    taken_s: dict[tuple[str, int, int], float] = {}
    for index in range(FIRST_TICK, FIRST_TICK + 20):
        tick(pair, index)
        now_s = 5.0 * index
        store = pair.stores[NATO]
        for name in store.applied:
            taken_s.setdefault(name, now_s)
        assert all(now_s - taken_s[name] < retention_s for name in store.inbox if name in taken_s)
        again, _ = restore(pair.gateways[NATO], store.load(), pair.now)
        assert pack(again.centre) == pack(pair.nodes[NATO].centre), "what was deleted is not needed any more"
        assert again.holds == pair.nodes[NATO].holds
    received = {one.sequence: one.envelope_digest for one in store.ledger(RUSSIA) if one.kind is EntryKind.RECEIVED}
    gone = forgotten(pair, NATO)
    assert len(gone) > 5
    assert dict(gone) == {sequence: received[sequence] for sequence, _ in gone}
    assert len(dict(gone)) == len(gone), "once each"
    assert pair.link(NATO).counts["forgotten"] == len(gone)


@pytest.mark.parametrize(("retention_s", "after"), [(12.0, "kept"), (60.0, "kept"), (66.0, "kept"), (None, "deleted")])
def test_a_store_on_disk_from_which_something_was_forgotten_is_whole(
    tmp_path: Path, retention_s: float | None, after: str
) -> None:
    """Also what was forgotten in the very tick that used it, and what waited when the exchange was left."""
    stores = {name: SqliteStore(tmp_path / name, name, epoch=1) for name in SIDES}
    pair = pair_under(retention_s, stores, after_withdrawal=after)
    for index in range(FIRST_TICK, FIRST_TICK + 20):
        tick(pair, index)
        if index == FIRST_TICK + 15 and after == "deleted":
            assert pair.link(NATO).waiting
            pair.do(RUSSIA, Order(word="withdraw", partner=NATO))
            pair.carry()
        for name, store in stores.items():
            again, _ = restore(pair.gateways[name], store.load(), pair.now)
            assert pack(again.centre) == pack(pair.nodes[name].centre)
    assert forgotten(pair, NATO)
    for store in stores.values():
        store.close()


def test_without_a_term_nothing_is_forgotten() -> None:
    pair = pair_under()
    for index in range(FIRST_TICK, FIRST_TICK + 14):
        tick(pair, index)
    assert forgotten(pair, NATO) == []
    assert len(pair.stores[NATO].inbox) == pair.link(NATO).counts["received"] > 5


def test_a_store_on_disk_forgets_the_bytes(tmp_path: Path) -> None:
    stores = {name: SqliteStore(tmp_path / name, name, epoch=1) for name in SIDES}
    pair = pair_under(12.0, stores)
    envelopes: dict[int, bytes] = {}
    for index in range(FIRST_TICK, FIRST_TICK + 14):
        tick(pair, index)
        rows = stores[NATO].base.execute("SELECT sequence, envelope FROM inbox").fetchall()
        envelopes.update(rows)
    gone = {sequence for sequence, _ in forgotten(pair, NATO)}
    assert gone == set(envelopes) - {sequence for sequence, _ in rows}
    assert len(gone) > 5
    for store in stores.values():
        store.close()
    left = (tmp_path / NATO).read_bytes()
    signatures = {sequence: envelope[40:104] for sequence, envelope in envelopes.items()}
    assert not any(signatures[sequence] in left for sequence in gone), "not even in the file's free pages"
    assert all(signatures[sequence] in left for sequence, _ in rows)


def test_after_leaving_what_was_told_is_deleted_where_the_agreement_says_so() -> None:
    pair = pair_under(after_withdrawal="deleted")
    for index in range(FIRST_TICK, FIRST_TICK + 12):
        tick(pair, index)
    received = pair.link(NATO).counts["received"]
    assert len(pair.stores[NATO].inbox) == received > 0
    pair.do(RUSSIA, Order(word="withdraw", partner=NATO))
    pair.carry()
    tick(pair, FIRST_TICK + 12)
    assert pair.stores[NATO].inbox == {}
    assert len(forgotten(pair, NATO)) == received


@pytest.mark.parametrize("after", ["kept", "deleted"])
def test_after_leaving_the_picture_shows_nothing_of_what_must_be_deleted(after: str) -> None:
    pair = pair_under(after_withdrawal=after)
    for index in range(FIRST_TICK, FIRST_TICK + 12):
        tick(pair, index)
    assert shown(pair, NATO)[0] > 0
    pair.do(RUSSIA, Order(word="withdraw", partner=NATO))
    pair.carry()
    for index in range(FIRST_TICK + 12, FIRST_TICK + 14):
        tick(pair, index)
    told, lines = shown(pair, NATO)
    assert (told > 0, lines > 0) == ((True, True) if after == "kept" else (False, False))


@pytest.mark.parametrize("retention_s", [None, 22.0])
def test_the_picture_lets_go_of_what_nothing_newer_was_told_of(retention_s: float | None) -> None:
    """While its partner tells of an object, that is new; four ticks after the last word it may be kept no longer."""
    pair = pair_under(retention_s)
    for index in range(FIRST_TICK, FIRST_TICK + 12):
        tick(pair, index)
        assert pack(restore(pair.gateways[NATO], pair.stores[NATO].load(), pair.now)[0].centre) == pack(
            pair.nodes[NATO].centre
        )
    before = shown(pair, NATO)[0]
    assert before > 0
    for index in range(FIRST_TICK + 12, FIRST_TICK + 17):
        pair.pass_time(5.0)
        pair.tick(index)
        pair.frames.clear()  # the line is broken
    assert shown(pair, NATO)[0] == (before if retention_s is None else 0)


@pytest.mark.parametrize(("word", "term", "state"), [
    ("pause", "suspension_notice_s", State.SUSPENDED), ("withdraw", "withdrawal_notice_s", State.WITHDRAWN),
])  # fmt: skip
def test_notice_is_given_and_the_word_takes_effect_after_it(word: str, term: str, state: State) -> None:
    pair = pair_under(**{term: 60.0})
    pair.do(NATO, Order(word=word, partner=RUSSIA))
    pair.carry()
    assert any(f"NATO gives notice: {word} in 60 s" in one.text for name, one in pair.notices if name == RUSSIA)
    pair.pass_time(59.0)
    pair.do(NATO, Timer())
    pair.carry()
    assert {pair.link(name).session.state for name in SIDES} == {State.EXCHANGING}
    again, _ = restore(pair.gateways[NATO], pair.stores[NATO].load(), pair.now)
    assert again.links[RUSSIA].announced == pair.link(NATO).announced != {}, "a restart forgets no notice"
    pair.pass_time(1.5)
    pair.do(NATO, Timer())
    pair.carry()
    assert {pair.link(name).session.state for name in SIDES} == {state}


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
def test_a_step_of_the_wall_clock_moves_no_notice(step_s: float) -> None:
    pair = pair_under(suspension_notice_s=60.0)
    pair.do(NATO, Order(word="pause", partner=RUSSIA))
    pair.now = replace(pair.now, wall_s=pair.now.wall_s + step_s)
    pair.pass_time(59.0)
    pair.do(NATO, Timer())
    assert not pair.link(NATO).paused_here
    pair.pass_time(1.5)
    pair.do(NATO, Timer())
    assert pair.link(NATO).paused_here


def test_a_pause_that_was_announced_can_be_taken_back() -> None:
    pair = pair_under(suspension_notice_s=60.0)
    pair.do(NATO, Order(word="pause", partner=RUSSIA))
    pair.do(NATO, Order(word="resume", partner=RUSSIA))
    pair.pass_time(100.0)
    pair.do(NATO, Timer())
    pair.carry()
    assert {pair.link(name).session.state for name in SIDES} == {State.EXCHANGING}


def test_a_side_without_the_right_cannot_pause() -> None:
    pair = pair_under(suspended_by="giver")  # each side is the receiver of some clause
    pair.do(NATO, Order(word="pause", partner=RUSSIA))
    pair.carry()
    assert not pair.link(NATO).paused_here
    assert any("no right to suspend" in one.text for name, one in pair.notices if name == NATO)
    assert {pair.link(name).session.state for name in SIDES} == {State.EXCHANGING}


def test_sides_under_different_agreements_tell_each_other() -> None:
    pair = Pair()
    pair.gateways[RUSSIA] = replace(pair.gateways[RUSSIA], digest="cd" * 32)
    pair.connect()
    for name in SIDES:
        told = [one.text for at, one in pair.notices if at == name and one.kind == "refused-there"]
        assert len(told) == 1
        assert "names agreement" in told[0]
        assert pair.link(name).counts["refused_there"] >= 1
    for _ in range(100):  # and do not shout it at each other for ever
        pair.pass_time(1.0)
        for name in SIDES:
            pair.do(name, Timer())
        pair.carry()
    for name in SIDES:
        assert sum(1 for at, one in pair.notices if at == name and one.kind == "refused-there") == 1
        assert 2 < pair.link(name).counts["refused_there"] < 20
        assert pair.link(name).counts["refused"] > 20
        entries = pair.stores[name].ledger(other(name))
        assert [one.kind for one in entries].count(EntryKind.REFUSED) == 1, "one for the cause, not one a second"


def test_a_partner_of_another_version_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pair, out = pair_under(), Out()
    with monkeypatch.context() as patch:
        patch.setattr(statement, "SCHEMA", 99)
        outbound.note(pair.gateways[RUSSIA], pair.link(RUSSIA).copied(), out, Word.PULSE, pair.now)
    before = pair.link(NATO).session
    pair.do(NATO, Frame(partner=RUSSIA, lane=3, data=out.frames[0][2]))
    pair.carry()
    assert pair.link(NATO).session == before
    told = [one.text for name, one in pair.notices if name == RUSSIA and one.kind == "refused-there"]
    assert told == ["the note is of schema 99; this side reads schema 2 and no other"]


def test_what_was_said_about_the_exchange_stands_in_both_ledgers_by_name() -> None:
    """A pause of one that has been left is no withdrawal of its own; what waited at either end is given up."""
    pair = pair_under()
    for index in range(FIRST_TICK, FIRST_TICK + 6):
        tick(pair, index)
    for index in range(FIRST_TICK + 6, FIRST_TICK + 10):
        pair.pass_time(5.0)
        pair.tick(index)
        pair.frames.clear()
    assert pair.link(NATO).pending
    pair.do(NATO, Order(word="pause", partner=RUSSIA))
    pair.carry()
    pair.do(RUSSIA, Order(word="withdraw", partner=NATO))
    pair.carry()
    pair.do(NATO, Order(word="resume", partner=RUSSIA))
    pair.carry()
    words = {name: [one.word for one in pair.stores[name].ledger(other(name)) if one.word] for name in SIDES}
    begins = "partner begins an epoch"
    assert words[NATO] == [begins, "pause", "partner withdraws"]
    assert words[RUSSIA] == [begins, "partner pauses", "withdraw"]
    assert not pair.link(NATO).pending
    assert pair.link(NATO).counts["closed_withdrawn"] > 0
    told = [one.text for name, one in pair.notices if one.kind == "session"]
    assert told == ["NATO pauses", "Russia withdraws"]


@pytest.mark.parametrize(("before", "word", "why"), [
    ([], "resume", "so already"), (["pause"], "pause", "so already"), (["quarantine"], "quarantine", "so already"),
    (["withdraw"], "resume", "has been left"), (["withdraw"], "withdraw", "has been left"), ([], "pause", ""),
    (["pause"], "resume", ""), ([], "release", ""), (["quarantine"], "release", ""), ([], "withdraw", ""),
])  # fmt: skip
def test_a_word_that_changes_nothing_says_so_and_leaves_no_line(before: list[str], word: str, why: str) -> None:
    pair = pair_under()
    for said in before:
        pair.do(NATO, Order(word=said, partner=RUSSIA))
    size = pair.link(NATO).tip.size
    pair.notices.clear()
    assert (why in idle(pair.gateways[NATO], pair.link(NATO), word)) if why else True
    pair.do(NATO, Order(word=word, partner=RUSSIA))
    (told,) = [one.text for name, one in pair.notices if one.kind == "order"]
    assert (why in told) if why else told == f"the operator's word: {word}"
    assert (pair.link(NATO).tip.size == size) == bool(why)


def test_notice_that_has_been_given_is_not_given_twice() -> None:
    pair = pair_under(withdrawal_notice_s=60.0)
    assert effect(pair.gateways[NATO], RUSSIA, "withdraw") == "notice is given: in 60 s"
    assert effect(pair.gateways[NATO], RUSSIA, "pause") == "done"
    pair.do(NATO, Order(word="withdraw", partner=RUSSIA))
    assert "notice of it has been given" in idle(pair.gateways[NATO], pair.link(NATO), "withdraw")
