"""Long breaks, new epochs and old stores: what becomes of what was said before."""

import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.made_gateway import FIRST_TICK, SIDES, Pair, key, other

from detente.centre.exchange.audit import Book, audit, out_of_sight
from detente.centre.exchange.dsse import keyring
from detente.centre.exchange.ledger import Entry, EntryKind
from detente.centre.exchange.message import open_envelope, seal
from detente.gateway.logic import inbound, outbound
from detente.gateway.logic.closings import BLOCK, Closings
from detente.gateway.logic.limits import Lane, Limits, Rate
from detente.gateway.logic.link import Out
from detente.gateway.logic.node import Frame, LineDown, LineUp, Timer, restore, start
from detente.gateway.logic.notes import Gone
from detente.gateway.logic.records import Closed
from detente.gateway.store import MemoryStore

NATO, RUSSIA = SIDES


def talked(ticks: int, limits: Limits | None = None) -> Pair:
    """A pair that has talked."""
    return Pair(limits).begin(ticks)


def book(pair: Pair, name: str, entries: list[Entry]) -> Book:
    """A side's ledger as an auditor is handed it."""
    link = pair.link(name)
    waiting = {(link.partner_epoch, number): had.digest for number, had in link.beyond.items()}
    return Book(side=name, partner=other(name), entries=tuple(entries), head=link.tip.head, waiting=waiting)


def test_p3_nothing_that_was_held_behind_a_gap_is_lost_when_the_partner_begins_a_new_epoch() -> None:
    """It was receipted and applied. What is missing before it never comes, and an auditor takes nobody for a liar."""
    pair = talked(6)
    lost: list[bytes] = []
    for index in range(FIRST_TICK + 6, FIRST_TICK + 20):
        pair.pass_time(5.0)
        pair.tick(index)
        lost += [data for sender, _, lane, data in pair.frames if sender == RUSSIA and lane != Lane.NOTE and not lost]
        pair.frames = [frame for frame in pair.frames if frame[3] not in lost]
        pair.carry()
    held, below = sorted(pair.link(NATO).beyond), pair.link(NATO).below
    assert len(held) > 1 < held[0] > below
    theirs = book(pair, RUSSIA, pair.stores[RUSSIA].ledger(NATO))
    assert audit(book(pair, NATO, pair.stores[NATO].ledger(RUSSIA)), theirs) == ()
    for name in SIDES:
        pair.do(name, LineDown(partner=other(name)))
    pair.stores[RUSSIA], pair.nodes[RUSSIA] = MemoryStore(epoch=2), start(pair.gateways[RUSSIA], 2)
    pair.connect()
    assert pair.link(NATO).partner_epoch == 2
    lines = [entry for entry in pair.stores[NATO].ledger(RUSSIA) if entry.epoch == 1 and entry.sequence >= below]
    of_russia = [entry.sequence for entry in lines if entry.kind is EntryKind.RECEIVED]
    assert of_russia == held
    assert audit(book(pair, NATO, pair.stores[NATO].ledger(RUSSIA)), theirs) == ()
    assert pair.talk(FIRST_TICK + 20, 6).link(NATO).below == pair.link(RUSSIA).next_sequence > 0


def put_back(pair: Pair, store: MemoryStore) -> None:
    """Russia's store is replaced by an older copy of it, and Russia starts again."""
    for name in SIDES:
        pair.do(name, LineDown(partner=other(name)))
    pair.frames.clear()
    node, out = restore(pair.gateways[RUSSIA], store.load(), pair.now)
    store.commit(out.records)
    pair.stores[RUSSIA], pair.nodes[RUSSIA] = store, node


def exchange(pair: Pair, first: int, ticks: int) -> None:
    """Both tick, unless they have run that tick, with timers between."""
    for index in range(first, first + ticks):
        pair.pass_time(5.0)
        for name in SIDES:
            if pair.nodes[name].tick < index:
                pair.tick(index, name)
        for _ in range(3):
            pair.carry()
            pair.pass_time(0.5)
            for name in SIDES:
                pair.do(name, Timer())
        pair.carry()


@pytest.mark.parametrize("alone", [0, 12], ids=["at once", "after some ticks alone"])
def test_p3_an_old_copy_of_a_store_that_is_put_back_is_told_to_both_and_nothing_vanishes(alone: int) -> None:
    """What it accepts from then on is receipted by nobody, and stays in its outbox until it begins a new epoch."""
    pair = talked(8)
    old, tick = deepcopy(pair.stores[RUSSIA]), FIRST_TICK + 8
    pair.talk(tick, 4)
    put_back(pair, old)
    copied, holds = pair.link(RUSSIA).next_sequence, pair.link(NATO).below
    assert copied < holds
    for index in range(tick, tick + alone):
        pair.tick(index, RUSSIA)
    assert (pair.link(RUSSIA).next_sequence > holds) == bool(alone)
    pair.notices.clear()
    pair.connect()
    received, index = pair.link(NATO).counts["received"], pair.nodes[NATO].tick + 1
    exchange(pair, index, 10)
    told = {name: {notice.text for side, notice in pair.notices if side == name} for name in SIDES}
    assert any("which was never sent" in text for text in told[RUSSIA])
    assert pair.link(NATO).counts["received"] == received
    link = pair.link(RUSSIA)
    accepted = {one.sequence for one in pair.stores[RUSSIA].ledger(NATO) if one.kind is EntryKind.SENT}
    after = {one for one in accepted if one >= copied}
    assert after
    assert after == {one for one in after if one in link.pending or one in link.closings}
    if not alone:
        assert any("after one of" in text for text in told[NATO])
        assert any("begin a new epoch" in text for text in told[RUSSIA])
        assert [notice.kind for side, notice in pair.notices if side == NATO].count("forked") == 1
    begins_anew(pair, 2)
    exchange(pair, pair.nodes[NATO].tick + 1, 6)
    assert not pair.link(NATO).forked
    assert pair.link(NATO).counts["received"] > received


def begins_anew(pair: Pair, epoch: int) -> None:
    """Russia moves its store away, and starts with an empty one."""
    for name in SIDES:
        pair.do(name, LineDown(partner=other(name)))
    pair.frames.clear()
    tick = pair.nodes[RUSSIA].tick
    pair.stores[RUSSIA] = MemoryStore(epoch=epoch)
    pair.nodes[RUSSIA] = replace(start(pair.gateways[RUSSIA], epoch), tick=tick)
    pair.connect()


def test_p2_what_was_receipted_to_an_earlier_epoch_leaves_no_gap_in_the_next() -> None:
    """Russia held it before it began anew, and NATO never sends it again: a line says so, and what follows is not held
    up. An auditor takes nobody for a liar, and says what the new store cannot show."""
    pair = talked(6)
    for index in range(FIRST_TICK + 6, FIRST_TICK + 12):
        pair.pass_time(5.0)
        pair.tick(index)
        late = min(pair.link(NATO).pending, default=-1)
        held = pair.link(NATO).pending[late].envelope if late >= 0 else b""
        pair.frames = [frame for frame in pair.frames if frame[3] != held]
        pair.carry()
    pending, following = sorted(pair.link(NATO).pending), pair.link(NATO).next_sequence
    assert pending[0] < following - len(pending), "later ones were receipted"
    received = sum(one.kind is EntryKind.RECEIVED for one in pair.stores[NATO].ledger(RUSSIA))
    begins_anew(pair, 2)
    exchange(pair, pair.nodes[NATO].tick + 1, 8)
    link = pair.link(RUSSIA)
    assert (link.below, link.beyond) == (pair.link(NATO).next_sequence, {})
    assert link.below > following
    books = [
        replace(book(pair, name, pair.stores[name].ledger(other(name))), epoch=pair.stores[name].epoch)
        for name in SIDES
    ]  # fmt: skip
    assert audit(books[0], books[1]) == audit(books[1], books[0]) == ()
    assert out_of_sight(books[0], books[1]) == out_of_sight(books[1], books[0]) == {(RUSSIA, 1): received}
    # The same store as of the epoch that it is not: then it ought to hold all that.
    assert audit(books[0], replace(books[1], epoch=1))


def closed(sequence: int) -> Gone:
    """What was given up, told apart by its digest."""
    return Gone(sequence=sequence, digest=sequence.to_bytes(32, "big"), reason="expired")


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3 * BLOCK))), st.integers(0, 3 * BLOCK))
def test_closings_are_a_dictionary_of_which_a_copy_costs_little(changes: list[tuple[int, int]], end: int) -> None:
    copies = [(Closings(), dict[int, Gone]())]
    for what, sequence in changes:
        made, plain = copies[-1]
        if what == 0:
            copies.append((made.copy(), plain.copy()))
        elif what == 1:
            made.discard(sequence)
            plain.pop(sequence, None)
        else:
            made.add(closed(sequence))
            plain[sequence] = closed(sequence)
    for made, plain in copies:
        assert list(made.until(end)) == [plain[sequence] for sequence in sorted(plain) if sequence < end]
        assert (len(made), made.lowest(7)) == (len(plain), min(plain, default=7))
        assert (end in made, made.get(end)) == (end in plain, plain.get(end))


def after_a_break(many: int, limits: Limits | None = None) -> tuple[Pair, list[bytes]]:
    """A pair whose line broke, so many envelopes were given up, and the warnings since then, the newest last."""
    pair = talked(8, limits)
    for name in SIDES:
        pair.do(name, LineDown(partner=other(name)))
    link = pair.link(RUSSIA).copied()
    for sequence in range(link.next_sequence, link.next_sequence + many):
        link.closings.add(closed(sequence))
    link.next_sequence += many
    pair.nodes[RUSSIA] = replace(pair.nodes[RUSSIA], links={NATO: link})
    for index in range(FIRST_TICK + 8, FIRST_TICK + 16):
        pair.pass_time(5.0)
        pair.tick(index)
    waiting = pair.link(RUSSIA).pending.values()
    return pair, [one.envelope for one in waiting if one.lane is Lane.WARNING]


def test_p9_after_a_long_break_the_newest_warning_does_not_wait_for_what_was_closed() -> None:
    """It is the first to leave once both have greeted, and it is taken in however far ahead of its turn."""
    pair, warnings = after_a_break(6_000)
    assert len(warnings) > 1
    pair.do(NATO, LineUp(partner=RUSSIA))
    pair.do(RUSSIA, LineUp(partner=NATO))
    left: list[bytes] = []
    while len(left) < len(warnings):
        sender, to, lane, data = pair.frames.pop(0)
        pair.frames = [one for one in pair.frames if one[0] != RUSSIA or one[2] != Lane.NOTE or not left]
        left += [data] if data in warnings and data not in left else []
        pair.do(to, Frame(partner=sender, lane=lane, data=data))
    assert left == warnings[::-1]
    taken = [one.sequence for one in pair.link(NATO).waiting if one.lane is Lane.WARNING]
    assert len(taken) == len(warnings)
    assert pair.link(NATO).below < 100
    told = len(pair.link(RUSSIA).sent) - len(pair.link(RUSSIA).pending)
    assert told <= pair.gateways[NATO].limits.window, "of what was closed no more is told than will be held"
    for _ in range(400):
        pair.pass_time(0.5)
        for name in SIDES:
            pair.do(name, Timer())
        pair.carry()
    assert pair.link(NATO).below == pair.link(RUSSIA).next_sequence > 6_000, "and all of it is written in the end"
    assert not pair.link(RUSSIA).pending
    assert not pair.link(RUSSIA).closings
    order = [one.sequence for one in pair.stores[NATO].ledger(RUSSIA)
             if one.kind in (EntryKind.RECEIVED, EntryKind.TOMBSTONE)]  # fmt: skip
    assert order == list(range(len(order)))


@pytest.mark.parametrize(("rate", "tick_s"), [(1.0, 5.0), (10.0, 0.5)])
def test_p9_after_a_long_break_warnings_are_held_ahead_of_their_turn_at_any_rate(rate: float, tick_s: float) -> None:
    """More was closed than may be written at once: meanwhile each tick's warning is taken in, and of tracks some."""
    closings = Rate(per_s=2.0, burst=500.0) if rate == 1.0 else Rate(per_s=2.0, burst=50.0)
    pair, _ = after_a_break(600, Limits(window=64, ahead=16, ahead_others=4, closings=closings))
    sealed = {one.lane: one.envelope for one in pair.link(RUSSIA).pending.values()}
    expected = inbound.expected_of(pair.gateways[NATO], RUSSIA)
    rows = {lane: open_envelope(data, keyring(key(RUSSIA).public_key()), expected) for lane, data in sealed.items()}
    pair.now = replace(pair.now, rate=rate)
    pair.connect()
    newest: list[int] = []
    for half in range(round(20 * tick_s / 0.5)):
        if not half % round(tick_s / 0.5):
            link, out = pair.link(RUSSIA).copied(), Out()
            newest.append(link.next_sequence)
            for lane in (Lane.WARNING, Lane.TRACK, Lane.TRACK):
                header, messages = rows[lane]
                data = seal(messages, replace(header, sequence=link.next_sequence), key(RUSSIA))
                outbound.accept(pair.gateways[RUSSIA], link, out, lane, pair.nodes[RUSSIA].tick, data, (), pair.now)
            pair.stores[RUSSIA].commit(out.records)
            pair.nodes[RUSSIA] = replace(pair.nodes[RUSSIA], links={NATO: link})
        for name in SIDES:
            pair.do(name, Timer())
        pair.carry()
        assert inbound.had_before(pair.link(NATO), newest[-1]), "its warning is taken in at once"
        pair.pass_time(0.5)
        pair.now = replace(pair.now, exercise_s=0.0)  # it lasts
    assert pair.link(NATO).counts["put_off"] > 0, "or nothing was held up"
    assert pair.link(NATO).counts["beyond_window"] > 0, "of tracks"
    assert all(inbound.had_before(pair.link(NATO), one) for one in newest)


def test_what_was_closed_in_a_long_break_is_told_after_a_restart() -> None:
    pair, _ = after_a_break(0)
    link = pair.link(RUSSIA)
    gone = [one for one in link.pending if one % 2]
    pair.stores[RUSSIA].commit(
        [Closed(partner=NATO, sequence=one, reason="expired", digest=link.pending[one].digest) for one in gone]
    )
    node, _ = restore(pair.gateways[RUSSIA], pair.stores[RUSSIA].load(), pair.now)
    found = node.links[NATO]
    assert [one.sequence for one in found.closings.until(10**9)] == gone
    assert sorted(found.pending) == [one for one in link.pending if not one % 2]
    assert found.base == link.base


def calls(act: Callable[[], None]) -> int:
    """How many functions are called, or taken up again, by an act."""
    counted = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(None)
    return counted


def test_p4_what_was_closed_costs_a_tick_and_a_timer_nothing_that_grows_with_it() -> None:
    costs = []
    for many in (2_000, 40_000):
        pair, _ = after_a_break(many)
        last = pair.nodes[RUSSIA].tick
        ticks = calls(lambda pair=pair, last=last: pair.tick(last + 1, RUSSIA))
        costs.append((ticks, calls(lambda pair=pair: pair.do(RUSSIA, Timer()))))
    assert costs[0] == costs[1]
    assert 10 < costs[0][1] < 500
