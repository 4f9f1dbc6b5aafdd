"""Well-signed words that a partner may not say: each is refused, counted and noted, and changes nothing else."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import pytest
from tests.gateway.made_gateway import FIRST_TICK, SIDES, Pair, key, until_told

from detente.centre.exchange.dsse import keyring
from detente.centre.exchange.ledger import EntryKind, Head
from detente.centre.exchange.message import Header, Mark, open_envelope, seal
from detente.centre.exchange.statement import Acknowledgement, Address, Outcome, Receipt, sign_receipt
from detente.gateway.logic import inbound
from detente.gateway.logic.limits import Lane, Limits, Rate
from detente.gateway.logic.link import NEVER_S, restored_link
from detente.gateway.logic.node import Frame, LineDown, Timer, restore, start, step
from detente.gateway.logic.notes import Gone, Note, Word, read, write
from detente.gateway.store import MemoryStore

NATO, RUSSIA = SIDES
NOBODYS = Head(size=3, root=b"r" * 32, last=b"l" * 32)


def talked(ticks: int = 8, limits: Limits | None = None) -> Pair:
    """A pair after some ticks; NATO has told Russia things that Russia has not receipted."""
    pair = Pair(limits).begin(ticks)
    until_told(pair, NATO, FIRST_TICK + ticks)
    pair.frames.clear()
    return pair


@pytest.fixture(scope="module")
def kept() -> Pair:
    return talked()


@pytest.fixture
def pair(kept: Pair) -> Pair:
    """Words are said to a copy: a node is never changed, only replaced."""
    other = Pair()
    other.nodes, other.stores, other.now = dict(kept.nodes), deepcopy(kept.stores), kept.now
    return other


def address(pair: Pair, **values) -> Address:
    """How Russia's next word to NATO would begin."""
    link, gateway = pair.link(RUSSIA), pair.gateways[RUSSIA]
    said = Address(
        mark=gateway.mark, giver=RUSSIA, receiver=NATO, agreement=gateway.digest, origin=gateway.origin,
        epoch=link.epoch, ordinal=link.note_number, sealed_s=pair.now.wall_s, head=link.tip.head,
        seen=link.partner_head,
    )  # fmt: skip
    return replace(said, **values)


def note(pair: Pair, address: Address, /, **values) -> bytes:
    """A note of Russia's."""
    link = pair.link(RUSSIA)
    whole = {
        "word": Word.PULSE, "heard": True, "paused": False, "withdrawn": False, "base": link.next_sequence,
        "of": 1, "below": link.below,
    }  # fmt: skip
    return write(Note(address=address, **whole | values), key(RUSSIA))


def receipt(pair: Pair, said: Address, **values) -> bytes:
    """A receipt of Russia's for the newest envelope that NATO sent."""
    held = max(pair.link(NATO).pending.values(), key=lambda one: one.sequence)
    line = {"epoch": 1, "sequence": held.sequence, "digest": held.digest, "outcome": Outcome.RECEIVED} | values
    return sign_receipt(Receipt(address=said, acknowledged=(Acknowledgement(**line),)), key(RUSSIA))


def says(pair: Pair, data: bytes, lane: Lane = Lane.NOTE) -> str:
    """What NATO notes of a word of Russia's; nothing where it believes it."""
    was, counted = standing(pair), pair.link(NATO).counts.get("refused", 0)
    pair.notices.clear()
    pair.do(NATO, Frame(partner=RUSSIA, lane=lane, data=data))
    said = [notice.text for name, notice in pair.notices if name == NATO and notice.kind == "refused"]
    if not said:
        return ""
    assert standing(pair)[1:] == was[1:]
    assert (standing(pair)[0] == was[0]) == (not pair.link(NATO).forked)
    assert pair.link(NATO).counts["refused"] == counted + 1
    return said[0]


def standing(pair: Pair) -> tuple:
    link = pair.link(NATO)
    return (
        link.session, link.below, dict(link.beyond), link.waiting, dict(link.pending), link.note_seen, link.skew,
        link.partner_epoch, link.partner_head, link.paused_there, link.withdrawn, link.next_sequence, link.agreed,
    )  # fmt: skip


def test_a_side_whose_new_store_is_of_an_earlier_epoch_is_told_so() -> None:
    """Its clock was behind when the store was made: the partner hears nothing of it, and both operators learn why."""
    pair = talked()
    pair.do(NATO, LineDown(partner=RUSSIA))
    pair.stores[RUSSIA], pair.nodes[RUSSIA] = MemoryStore(epoch=0), start(pair.gateways[RUSSIA], 0)
    pair.frames.clear()
    size = pair.link(NATO).tip.size
    pair.connect()
    for _ in range(8):
        pair.pass_time(5.0)
        for name in SIDES:
            pair.do(name, Timer())
        pair.carry()
    assert not pair.link(NATO).heard
    assert pair.link(NATO).tip.size == size + 1, "one entry for one cause"
    told = [(name, one.kind, one.text) for name, one in pair.notices if one.kind in ("refused", "refused-there")]
    assert [(name, kind) for name, kind, _ in told] == [(NATO, "refused"), (RUSSIA, "refused-there")]
    for _, _, text in told:
        assert text.startswith("is of epoch 0, before 1: its store was made anew under an earlier clock")
        assert text.endswith("its store made anew once more")


def test_an_honest_word_is_believed(pair: Pair) -> None:
    waits = len(pair.link(NATO).pending)
    assert says(pair, note(pair, address(pair))) == ""
    assert says(pair, receipt(pair, address(pair))) == ""
    assert len(pair.link(NATO).pending) == waits - 1


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"digest": b"x" * 32}, "not the one that was sent"), ({"sequence": 10_000}, "not the one that was sent"),
    ],
)  # fmt: skip
def test_a_receipt_names_what_was_sent(pair: Pair, values: dict, complaint: str) -> None:
    """Or the outbox would give up what the partner never had."""
    assert complaint in says(pair, receipt(pair, address(pair), **values))


@pytest.mark.parametrize("which", ["note", "receipt"])
@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"agreement": "ab" * 32}, "agreement"), ({"epoch": 0}, "epoch"), ({"epoch": 7}, "epoch"),
        ({"mark": Mark.SIMULATED}, "mark"), ({"giver": NATO, "receiver": RUSSIA}, "giver"),
    ],
)  # fmt: skip
def test_a_word_is_of_this_exchange(pair: Pair, which: str, values: dict, complaint: str) -> None:
    said = address(pair, **values)
    data = note(pair, said) if which == "note" else receipt(pair, said)
    assert complaint in says(pair, data)


@pytest.mark.parametrize("which", ["note", "receipt"])
def test_a_word_fits_both_ledgers(pair: Pair, which: str) -> None:
    """A head of ours that never was, and a second head of the partner's of the same size.

    A partner that has not heard yet of an epoch of ours countersigns what it saw in the last one.
    """
    made, earlier = (note, {"of": 0}) if which == "note" else (receipt, {"epoch": 0})
    seen = replace(NOBODYS, size=pair.link(NATO).tip.size)
    assert "our ledger never had" in says(pair, made(pair, address(pair, seen=seen)))
    assert says(pair, made(pair, address(pair, seen=seen), **earlier)) == ""
    head = replace(NOBODYS, size=pair.link(NATO).partner_head.size)
    lie = made(pair, address(pair, head=head))
    assert "equivocation" in says(pair, lie)
    assert pair.link(NATO).counts["equivocations"] == 1
    # The first such word is kept for whoever audits both ledgers, and no later one takes its place.
    assert lie in pair.stores[NATO].testimony(RUSSIA)
    again = made(pair, address(pair, head=replace(head, last=b"m" * 32)))
    pair.do(NATO, Frame(partner=RUSSIA, lane=Lane.NOTE, data=again))
    assert again not in pair.stores[NATO].testimony(RUSSIA)


def test_a_word_that_brings_no_news_costs_no_write_of_its_own(pair: Pair) -> None:
    word = note(pair, address(pair))
    node, out = step(pair.gateways[NATO], pair.nodes[NATO], Frame(partner=RUSSIA, lane=Lane.NOTE, data=word), pair.now)
    assert (out.records, node.links[RUSSIA].testimony) == ([], word)


@pytest.mark.parametrize("which", ["last", "older", "unproved"])
def test_a_partners_last_word_is_kept_for_an_audit_and_none_that_is_older_or_unproved(pair: Pair, which: str) -> None:
    """Older: played again to take the last one's place. Unproved: shows a head of ours that we cannot vouch for."""
    before = pair.stores[NATO].testimony(RUSSIA)
    values = {
        "last": {},
        "older": {"ordinal": 0, "head": Head(size=1, root=b"r" * 32, last=b"l" * 32)},
        "unproved": {"seen": Head(size=pair.link(NATO).tip.size + 9, root=b"r" * 32, last=b"l" * 32)},
    }
    word = receipt(pair, address(pair, **values[which]))
    assert says(pair, word) == ""
    assert pair.stores[NATO].testimony(RUSSIA) == ([word] if which == "last" else before)
    restarted = restored_link(pair.link(NATO).kept(), pair.gateways[NATO].digest, 1)
    assert restarted.testified == pair.link(NATO).testified > (1, 1)


def test_a_note_holds_nothing_that_was_never_sent(pair: Pair) -> None:
    far = pair.link(NATO).next_sequence + 1
    assert "never sent" in says(pair, note(pair, address(pair), below=far))
    assert "never sent" in says(pair, note(pair, address(pair), beyond=(far,)))


def test_a_note_played_again_is_an_old_one(pair: Pair) -> None:
    """The partner paused and resumed; whoever plays its pause again stops nothing."""
    paused = note(pair, address(pair), paused=True)
    resumed = note(pair, address(pair, ordinal=address(pair).ordinal + 1))
    for data, holds in ((paused, True), (resumed, False), (paused, False)):
        pair.do(NATO, Frame(partner=RUSSIA, lane=Lane.NOTE, data=data))
        assert pair.link(NATO).paused_there == holds
        assert pair.link(NATO).session.open != holds
    assert pair.link(NATO).counts["old_notes"] == 1


def letter(pair: Pair, lane: Lane = Lane.TRACK, **values) -> bytes:
    """An envelope of Russia's, with the content of one that it said before."""
    row = next(one for one in pair.stores[NATO].load().received if one.lane == lane)
    expected = inbound.expected_of(pair.gateways[NATO], RUSSIA)
    header, messages = open_envelope(row.envelope, keyring(key(RUSSIA).public_key()), expected)
    said: Header = replace(header, sequence=pair.link(RUSSIA).next_sequence)
    return seal(messages, replace(said, **values), key(RUSSIA))


def test_an_envelope_is_of_the_epoch_that_greeted(pair: Pair) -> None:
    assert "an envelope of epoch 2" in says(pair, letter(pair, epoch=2), Lane.TRACK)
    assert "lane" in says(pair, letter(pair), Lane.WARNING)
    received = pair.link(NATO).counts["received"]
    assert says(pair, letter(pair), Lane.TRACK) == ""
    assert pair.link(NATO).counts["received"] == received + 1


@pytest.mark.parametrize("where", ["lately", "behind a gap", "closed"])
def test_p3_what_takes_a_used_sequence_for_something_else_is_told_and_not_receipted(pair: Pair, where: str) -> None:
    """From then on nothing of that epoch counts: its sequences do not mean the same to both any more."""
    sequence = pair.link(NATO).below - 1
    if where != "lately":
        sequence += 9
        assert says(pair, letter(pair, sequence=sequence), Lane.TRACK) == ""
    pair.frames.clear()
    other = letter(pair, sequence=sequence, head=NOBODYS)
    if where == "closed":
        gone = Gone(sequence=sequence, digest=b"g" * 32, reason="expired")
        assert "again, for something else" in says(pair, note(pair, address(pair), word=Word.CLOSED, closed=(gone,)))
    else:
        assert f"uses sequence {sequence} again" in says(pair, other, Lane.TRACK)
    assert [lane for _, _, lane, _ in pair.frames] == [Lane.NOTE]
    said = read(pair.frames[0][3], keyring(key(NATO).public_key()))
    assert said.word is Word.REFUSED
    assert (said.of, said.below, said.beyond) == (0, 0, ()), "or what it accepted since would look as if it were held"
    assert {notice.kind for _, notice in pair.notices} == {"refused", "forked"}
    pair.frames.clear()
    waits = dict(pair.link(NATO).pending)
    for data, lane in ((letter(pair), Lane.TRACK), (receipt(pair, address(pair)), Lane.NOTE)):
        pair.do(NATO, Frame(partner=RUSSIA, lane=lane, data=data))
    assert (pair.link(NATO).pending, pair.link(NATO).counts["forks"]) == (waits, 1)
    assert restored_link(pair.link(NATO).kept(), pair.gateways[NATO].digest, 1).forked


def test_a_receipt_is_for_what_is_known_to_be_the_same(pair: Pair) -> None:
    """A sequence of long ago is not receipted again, whatever its bytes; that all before `below` is held, notes say."""
    for known in (True, False):
        row = next(one for one in pair.stores[NATO].load().received if one.lane == Lane.TRACK)
        if not known:
            pair.link(NATO).known.clear()
        pair.frames.clear()
        pair.do(NATO, Frame(partner=RUSSIA, lane=Lane.TRACK, data=row.envelope))
        assert len(pair.frames) == known
    assert pair.link(NATO).counts["duplicates"] == 2
    assert not pair.link(NATO).forked


def chatter(pair: Pair, limits: Limits, seconds: int, word: Callable[[int], dict]) -> list[EntryKind]:
    """Kinds of what NATO's ledger gains where Russia says ten such words a second, and NATO ticks in between."""
    pair.gateways[NATO] = replace(pair.gateways[NATO], limits=limits)
    pair.notices.clear()
    size = pair.link(NATO).tip.size
    for number in range(10 * seconds):
        values = word(number)
        said = address(pair, ordinal=max(10**6, pair.link(NATO).note_seen + 1), **values.pop("address", {}))
        pair.do(NATO, Frame(partner=RUSSIA, lane=Lane.NOTE, data=note(pair, said, **values)))
        assert not pair.link(NATO).forked
        pair.pass_time(0.1)
    return [entry.kind for entry in pair.stores[NATO].ledger(RUSSIA)[size:]]


SELDOM = Limits(audit=Rate(per_s=0.5, burst=4), refusals=Rate(per_s=0.2, burst=2), closings=Rate(per_s=5, burst=100))


def test_p5_pauses_and_words_for_people_are_written_and_shown_at_a_bounded_rate(pair: Pair) -> None:
    """And each is obeyed all the same; a partner that leaves is always written."""
    lines = chatter(pair, SELDOM, 20, lambda n: {"paused": not n % 2, "said": f"word {n}"})
    assert 10 <= lines.count(EntryKind.SESSION) == len(lines) <= 14
    kinds = [notice.kind for side, notice in pair.notices if side == NATO]
    assert kinds.count("session") == len(lines)
    assert 5 <= kinds.count("said") <= 6
    assert pair.link(NATO).session.open
    assert not pair.link(NATO).paused_there
    paused = note(pair, address(pair, ordinal=2 * 10**6), paused=True)
    left = note(pair, address(pair, ordinal=3 * 10**6), withdrawn=True)
    size = pair.link(NATO).tip.size
    for data in (paused, paused, left):
        pair.do(NATO, Frame(partner=RUSSIA, lane=Lane.NOTE, data=data))
    assert pair.link(NATO).withdrawn
    given_up = pair.link(NATO).counts.get("closed_withdrawn", 0)
    assert pair.link(NATO).tip.size - size - given_up <= 2


def test_p5_new_epochs_begin_at_a_bounded_rate(pair: Pair) -> None:
    epochs = {"word": Word.HELLO, "base": 0}
    lines = chatter(pair, SELDOM, 20, lambda n: epochs | {"address": {"epoch": 2 + n}})
    assert lines == [EntryKind.SESSION] * len(lines)
    assert 5 <= len(lines) <= 6
    assert pair.link(NATO).counts["early_hellos"] == 200 - len(lines)
    assert 140 < pair.link(NATO).partner_epoch < 202, "one of the later ones is heard"


@pytest.mark.parametrize("rate", [1.0, 10.0])
def test_p5_closings_are_written_at_a_bounded_rate_and_put_off_none_is_lost(pair: Pair, rate: float) -> None:
    """By exercise time: as many of so many ticks, however fast they go by."""
    pair.now = replace(pair.now, rate=rate)
    limits = replace(SELDOM, closings=SELDOM.closings.times(1.0 / rate))
    below = pair.link(NATO).below

    def closes(number: int) -> dict:
        """The lowest that are not held, as an honest partner says again and again."""
        first = pair.link(NATO).below
        numbers = range(first, min(first + 30, below + 150))
        return {
            "word": Word.CLOSED,
            "closed": tuple(Gone(sequence=n, digest=bytes(32), reason="shed") for n in numbers),
        }

    lines = chatter(pair, limits, 1, closes)
    assert 100 <= lines.count(EntryKind.TOMBSTONE) == len(lines) <= 105
    assert pair.link(NATO).counts["put_off"] > 0
    pair.pass_time(60.0)
    assert len(chatter(pair, limits, 1, closes)) == 150 - len(lines)


def test_what_waits_for_its_turn_is_bounded(pair: Pair) -> None:
    """Envelopes and tombstones far ahead of what is due are counted, not kept; but some envelopes, however far."""
    pair.gateways[NATO] = replace(pair.gateways[NATO], limits=Limits(ahead=4, ahead_others=3))
    window, below = pair.gateways[NATO].limits.window, pair.link(NATO).below
    far = [below + window, 10**6, 10**12, 10**9, 10**10, 10**11]
    for lane, sequence in zip((*[Lane.TRACK] * 4, Lane.WARNING, Lane.WARNING), far, strict=True):
        assert says(pair, letter(pair, lane, sequence=sequence), lane) == ""
    assert sorted(pair.link(NATO).beyond) == sorted([*far[:3], 10**10]), "three, and a warning more"
    assert pair.link(NATO).counts["beyond_window"] == 2
    gone = tuple(Gone(sequence=below + window + n, digest=b"g" * 32, reason="expired") for n in range(1, 300))
    assert says(pair, note(pair, address(pair), word=Word.CLOSED, closed=gone)) == ""
    assert len(pair.link(NATO).beyond) == 4
    near = replace(gone[0], sequence=below + window - 1)
    said = address(pair, ordinal=address(pair).ordinal + 1)
    assert says(pair, note(pair, said, word=Word.CLOSED, closed=(near,))) == ""
    assert says(pair, letter(pair, sequence=below + window - 2), Lane.TRACK) == ""
    assert pair.link(NATO).beyond[near.sequence].kind is EntryKind.TOMBSTONE
    assert len(pair.link(NATO).beyond) == 6, "what is in the window is held whatever it is"


def test_a_tick_applies_its_share_and_warnings_before_tracks() -> None:
    """Whatever a partner sends in one go: what is over waits, and of that the most urgent goes first."""
    pair = talked(2, Limits(rows_per_tick=4))
    assert pair.link(NATO).skew.heard_at_s != NEVER_S
    for index in range(FIRST_TICK + 2, FIRST_TICK + 16):
        pair.pass_time(5.0)
        pair.tick(index, RUSSIA)
        pair.frames = [frame for frame in pair.frames if frame[1] == NATO]
        pair.frames.sort(key=lambda frame: -frame[2])  # tracks first on the line
        pair.carry()
    waiting = sorted(pair.link(NATO).waiting, key=lambda one: (one.lane, one.sequence))
    assert [one.lane for one in pair.link(NATO).waiting] != [one.lane for one in waiting]
    assert {one.lane for one in waiting} >= {Lane.WARNING, Lane.TRACK}
    applied, left = pair.link(NATO).counts["applied"], waiting
    while left:
        pair.tick(pair.nodes[NATO].tick + 1, NATO)
        taken = share(left, 4)
        assert pair.link(NATO).counts["applied"] - applied == sum(len(one.messages) for one in taken)
        left, applied = [one for one in left if one not in taken], pair.link(NATO).counts["applied"]
        assert [one.sequence for one in pair.link(NATO).waiting] == [one.sequence for one in left]


def hoard(pair: Pair, lane: Lane, many: int) -> int:
    """How many of so many more envelopes in a lane NATO takes in before its next tick; each is receipted or none is."""
    row = next(one for one in pair.stores[NATO].load().received if one.lane == lane)
    expected = inbound.expected_of(pair.gateways[NATO], RUSSIA)
    header, messages = open_envelope(row.envelope, keyring(key(RUSSIA).public_key()), expected)
    first, taken = pair.link(NATO).below + len(pair.link(NATO).beyond), 0
    for sequence in range(first, first + many):
        pair.frames.clear()
        said = seal(messages, replace(header, sequence=sequence), key(RUSSIA))
        before = pair.link(NATO).counts["received"]
        pair.do(NATO, Frame(partner=RUSSIA, lane=lane, data=said))
        assert len(pair.frames) == pair.link(NATO).counts["received"] - before
        if not pair.frames:
            break
        taken += 1
    return taken


@pytest.mark.parametrize("limited", ["rows", "bytes", "envelopes"])
def test_p5_what_waits_to_be_applied_is_bounded_and_warnings_have_room_of_their_own(limited: str) -> None:
    """What is over is neither kept nor receipted: its sender has it still, and a later tick makes room."""
    limits = replace(Limits(), **{f"waiting_{limited}": 16_000 if limited == "bytes" else 16})
    pair = talked(8, limits)
    pair.tick(pair.nodes[NATO].tick + 1, NATO)
    assert not pair.link(NATO).waiting
    tracks = hoard(pair, Lane.TRACK, 50)
    assert 0 < tracks < 50
    assert (pair.link(NATO).counts["put_off"], pair.link(NATO).counts.get("beyond_window")) == (1, None)
    warnings = hoard(pair, Lane.WARNING, 50)
    assert 0 < warnings < 50
    waiting = pair.link(NATO).waiting
    assert sum(len(one.messages) for one in waiting) <= limits.waiting_rows
    assert sum(one.size for one in waiting) <= limits.waiting_bytes
    assert len(waiting) <= limits.waiting_envelopes
    assert limited != "envelopes" or (tracks, len(waiting)) == (12, 16)
    node, _ = restore(pair.gateways[NATO], pair.stores[NATO].load(), pair.now)
    assert [one.size for one in node.links[RUSSIA].waiting] == [one.size for one in waiting]
    pair.tick(pair.nodes[NATO].tick + 1, NATO)
    assert hoard(pair, Lane.TRACK, 50) == tracks, "as many again"


def test_what_waits_still_after_a_tick_is_taken_as_it_is(pair: Pair) -> None:
    """Whole, and not one by one: each would cost a copy of all that wait."""
    hoard(pair, Lane.TRACK, 5)
    link, those = pair.link(NATO).copied(), pair.link(NATO).waiting[1:]
    assert len(those) > 3
    link.wait_on(those)
    assert link.waiting is those
    assert link.waiting_rows == sum(len(one.messages) for one in those)
    assert link.waiting_bytes == sum(one.size for one in those)


def share(waiting: list, most: int) -> list:
    """Those that fit, the first in any case."""
    taken = waiting[:1]
    for one in waiting[1:]:
        if sum(len(other.messages) for other in (*taken, one)) <= most:
            taken.append(one)
    return taken


def test_that_a_partner_has_two_pasts_is_kept_though_no_entry_can_be_made_of_it(pair: Pair) -> None:
    """A restart would hear it again."""
    pair.do(NATO, Timer(crowded=True))
    size, shorter = pair.link(NATO).tip.size, replace(pair.link(RUSSIA).tip.head, size=1)
    pair.do(NATO, Frame(partner=RUSSIA, lane=Lane.NOTE, data=note(pair, address(pair, ordinal=10**6, head=shorter))))
    assert pair.link(NATO).forked
    assert pair.link(NATO).tip.size == size
    node, _ = restore(pair.gateways[NATO], pair.stores[NATO].load(), pair.now)
    assert node.links[RUSSIA].forked == pair.link(NATO).forked
