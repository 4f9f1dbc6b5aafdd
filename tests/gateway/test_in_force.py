"""An agreement begins and ends by our own exercise clock: outside it nothing leaves, is taken in, or is applied."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from tests.gateway.made_gateway import FIRST_TICK, SIDES, Pair, key, other, world
from tests.gateway.made_serving import serving

from detente.centre.exchange.ledger import EntryKind
from detente.centre.exchange.message import Mark
from detente.centre.exchange.offsets import Secret
from detente.centre.exchange.session import State
from detente.gateway.keeping import Step
from detente.gateway.logic.limits import Lane
from detente.gateway.logic.link import Out
from detente.gateway.logic.node import Frame, LineDown, Timer, restore, start
from detente.gateway.theatre import gateway_of
from detente.scenario.agreement import Validity
from detente.scenario.files import load_agreement

NATO, RUSSIA = SIDES


def lasting(start_s: float = -1e6, end_s: float = 1e6) -> Pair:
    """A pair under an agreement that holds so long, at the moment of its first tick's beginning."""
    theatre, pair = world().theatre, Pair()
    epoch = theatre.setting.epoch
    valid = Validity(start=epoch + timedelta(seconds=start_s), end=epoch + timedelta(seconds=end_s))
    agreement = load_agreement("lisbon-2011").model_copy(update={"valid": valid})
    for name in SIDES:
        keys = {one: (key(one).public_key(),) for one in theatre.names if one != name}
        pair.gateways[name] = gateway_of(
            theatre, name, agreement, mark=Mark.EXERCISE, signer=key(name), keys=keys, secret=Secret(bytes(32))
        )  # fmt: skip
        pair.nodes[name] = start(pair.gateways[name], 1)
    pair.pass_time(5.0 * FIRST_TICK)
    return pair


def tick(pair: Pair, index: int, *names: str) -> None:
    """A tick when its time has come; what it sends is not carried yet."""
    pair.pass_time(5.0 * (index + 1) - pair.now.exercise_s)
    pair.tick(index, *names)


def letters(pair: Pair) -> list[tuple[str, str, int, bytes]]:
    return [frame for frame in pair.frames if frame[2] != Lane.NOTE]


def run(pair: Pair, first: int, end: int) -> None:
    for index in range(first, end):
        tick(pair, index)
        pair.carry()


def until_sent(pair: Pair, index: int) -> int:
    """Ticks until envelopes are on their way; the next one's index."""
    while not letters(pair):
        pair.carry()
        tick(pair, index)
        index += 1
    return index


def ending() -> tuple[Pair, int]:
    """A pair one second before the end of its agreement, with envelopes on their way; the next tick's index."""
    pair = lasting()
    pair.connect()
    index = until_sent(pair, FIRST_TICK)
    pair = lasting(end_s=5.0 * index + 1.0)
    pair.connect()
    assert until_sent(pair, FIRST_TICK) == index
    return pair, index


def test_what_waits_when_the_agreement_ends_is_given_up_and_both_ledgers_say_so() -> None:
    pair, index = ending()
    for name in SIDES:
        pair.do(name, LineDown(partner=other(name)))
    pair.frames.clear()
    waited = {name: set(pair.link(name).pending) for name in SIDES}
    assert any(waited.values())
    pair.pass_time(10.0)
    received = {name: pair.link(name).counts.get("received", 0) for name in SIDES}
    pair.connect()
    sent = dict.fromkeys(SIDES, 0)
    for _ in range(4):
        tick(pair, index)
        for sender, *_ in letters(pair):
            sent[sender] += 1
        pair.carry()
        index += 1
    assert sent == dict.fromkeys(SIDES, 0)
    assert {name: pair.link(name).counts.get("received", 0) for name in SIDES} == received
    for name in SIDES:
        assert pair.link(name).session.state is State.ENDED
        assert pair.link(name).pending == {}
        assert pair.link(name).counts.get("closed_ended", 0) == len(waited[name])
        book = pair.stores[other(name)].ledger(name)
        told = {one.sequence for one in book if one.kind is EntryKind.TOMBSTONE}
        assert told >= waited[name], "the other ledger has them too"


def test_an_envelope_that_comes_after_the_end_is_not_taken_in() -> None:
    pair, _ = ending()
    received = {name: pair.link(name).counts.get("received", 0) for name in SIDES}
    assert letters(pair)
    pair.pass_time(2.0)
    pair.carry()
    assert {name: pair.link(name).counts.get("received", 0) for name in SIDES} == received
    assert {pair.link(name).session.state for name in SIDES} == {State.ENDED}


@pytest.mark.parametrize("restarts", [False, True])
def test_what_came_before_the_end_and_was_not_applied_is_set_aside(restarts: bool) -> None:
    pair, index = ending()
    pair.carry()
    name = next(name for name in SIDES if pair.link(name).waiting)
    waiting = {(other(name), one.epoch, one.sequence) for one in pair.link(name).waiting}
    applied = pair.link(name).counts.get("applied", 0)
    pair.pass_time(3.0)
    if restarts:
        pair.nodes[name], out = restore(pair.gateways[name], pair.stores[name].load(), pair.now)
        pair.stores[name].commit(out.records)
        assert pair.link(name).session.state is State.ENDED
    tick(pair, index, name)
    assert pair.link(name).counts.get("applied", 0) == applied
    assert pair.link(name).waiting == ()
    assert pair.link(name).counts["set_aside"] == len(waiting)
    assert waiting <= set(pair.stores[name].applied), "and is not looked at again"


def test_a_restart_after_the_end_gives_up_what_waits() -> None:
    pair, _ = ending()
    name = letters(pair)[0][0]
    pair.frames.clear()
    waited = set(pair.link(name).pending)
    pair.pass_time(100.0)
    node, out = restore(pair.gateways[name], pair.stores[name].load(), pair.now)
    assert waited
    assert {one.reason for one in node.links[other(name)].closings.until(node.links[other(name)].next_sequence)} == {
        "ended"
    }
    pair.stores[name].commit(out.records)
    assert {getattr(one, "reason", "") for one in pair.stores[name].load().outbox} == {"ended"}


def test_before_it_begins_nothing_is_exchanged_and_then_it_is() -> None:
    begins = FIRST_TICK + 10
    pair = lasting(start_s=5.0 * begins + 1.0)
    pair.connect()
    for index in range(FIRST_TICK, begins):
        tick(pair, index)
        assert not letters(pair)
        pair.carry()
    assert {pair.link(name).session.state for name in SIDES} == {State.AGREED}
    assert {pair.link(name).next_sequence for name in SIDES} == {0}
    run(pair, begins, begins + 12)
    for name in SIDES:
        assert pair.link(name).session.state is State.EXCHANGING
        assert pair.link(name).counts["applied"] > 0


def test_a_side_whose_clock_is_behind_takes_nothing_that_comes_before_its_time() -> None:
    """The giver's agreement has begun by its own clock, the taker's has not: what comes is not taken in."""
    pair = lasting(start_s=5.0 * (FIRST_TICK + 4))
    pair.connect()
    for index in range(FIRST_TICK, FIRST_TICK + 9):
        tick(pair, index, RUSSIA)
        now = pair.now
        while pair.frames:
            sender, to, lane, data = pair.frames.pop(0)
            pair.now = now if to == RUSSIA else replace(now, exercise_s=now.exercise_s - 60.0)
            pair.do(to, Frame(partner=sender, lane=lane, data=data))
        pair.now = now
    assert pair.link(RUSSIA).next_sequence > 0
    assert pair.link(NATO).counts.get("received", 0) == 0
    assert len(pair.link(RUSSIA).pending) == pair.link(RUSSIA).next_sequence, "it waits"


def test_what_the_disk_kept_too_late_does_not_leave() -> None:
    pair, _ = ending()
    gateway = pair.gateways[NATO]
    frames = [(RUSSIA, Lane.TRACK, b"an envelope"), (RUSSIA, Lane.NOTE, b"a note")]
    end_s = gateway.rules.end_s
    assert gateway.leaving(frames, end_s - 0.1) == frames
    assert gateway.leaving(frames, end_s) == frames[1:]


def test_what_the_process_has_kept_too_late_does_not_leave_either() -> None:
    """The commit began in time and ended after the agreement: the process says of it no more than notes."""
    pair, _ = ending()
    said: list[int] = []
    server = serving(pair, NATO, [])
    server.lines = {RUSSIA: SimpleNamespace(send=lambda lane, data: said.append(lane))}
    end_s = server.gateway.rules.end_s
    step = Step(node=server.node, out=Out(frames=[(RUSSIA, Lane.TRACK, b"a track"), (RUSSIA, Lane.NOTE, b"a note")]))
    for exercise_s, leaving in ((end_s - 0.1, [Lane.TRACK, Lane.NOTE]), (end_s, [Lane.NOTE])):
        said.clear()
        server.clock.exercise_s = exercise_s
        server.keeping.take(step)
        assert said == leaving


def test_notes_go_on_after_the_end() -> None:
    """Partners still hear one another, and of what was given up."""
    pair, _ = ending()
    pair.carry()
    pair.pass_time(10.0)
    pair.do(NATO, Timer())
    assert [frame[2] for frame in pair.frames] == [Lane.NOTE]


def test_a_tick_that_is_caught_up_with_after_the_end_tells_nothing() -> None:
    """Its own time is before the end; our clock is not."""
    pair, index = ending()
    pair.carry()
    accepted = {name: pair.link(name).next_sequence for name in SIDES}
    pair = lasting(end_s=5.0 * index + 1.0)
    pair.connect()
    run(pair, FIRST_TICK, index - 1)
    pair.pass_time(100.0)
    pair.tick(index - 1)
    assert any(pair.link(name).next_sequence < accepted[name] for name in SIDES)
    assert any(pair.link(name).counts.get("not_accepted") for name in SIDES)
    assert not letters(pair)
