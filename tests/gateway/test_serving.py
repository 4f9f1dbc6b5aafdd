"""The order in which the process around a gateway works: keep, then speak; warn first, whatever the disk does."""

import asyncio
from collections import Counter
from dataclasses import replace
from functools import partial
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from tests.gateway.made_gateway import FIRST_TICK, SIDES, Pair, feed

from detente.gateway.keeping import Keeping
from detente.gateway.logic.limits import Lane
from detente.gateway.logic.node import Dropped, Frame, Timer
from detente.gateway.logic.records import StoreError
from detente.gateway.serve import BATCH_EVENTS_MAX, Server
from detente.records.errors import InputError

NATO, RUSSIA = SIDES


def serving(pair: Pair, name: str, heard: list[str], *, full: bool = False) -> Any:
    """One side's process without its sockets; ``heard`` is what it did, in order."""

    def commit(_: object) -> None:
        if full:
            raise StoreError("no room on the disk")
        heard.append("kept")

    other = SIDES[1 - SIDES.index(name)]
    server = object.__new__(Server)
    server.gateway = pair.gateways[name]
    server.counts = Counter()  # type: ignore[assignment]
    server.clock = SimpleNamespace(now=pair.now, exercise_s=pair.now.wall_s)  # type: ignore[assignment]
    store: Any = SimpleNamespace(commit=commit)
    server.keeping = Keeping(store, pair.nodes[name], kept=server._kept, lost=server._lost)
    server.lines = {other: SimpleNamespace(send=lambda lane, data: heard.append("said"))}  # type: ignore[dict-item]
    server.show = lambda line: heard.append(line.get("stream", line["event"]))
    server.batches, server.feeds, server.kept_tick = {}, set(), server.node.tick
    server.ready = SimpleNamespace(config=None)  # type: ignore[assignment]
    return server


@pytest.fixture
def talking() -> tuple[Pair, int]:
    """A pair at a tick at which one side has something to tell, on the line to the other."""
    pair = Pair()
    pair.connect()
    for index in range(FIRST_TICK, FIRST_TICK + 20):
        pair.pass_time(5.0)
        pair.tick(index)
        if any(lane != Lane.NOTE and to == NATO for _, to, lane, _ in pair.frames):
            return pair, index
        pair.carry()
    raise AssertionError("it never has anything to tell")


def letters(pair: Pair) -> list[Frame]:
    return [
        Frame(partner=sender, lane=lane, data=data) for sender, to, lane, data in pair.frames if to == NATO
    ]  # fmt: skip


def test_p6_what_came_is_kept_before_it_is_receipted(talking: tuple[Pair, int]) -> None:
    pair, heard = talking[0], []
    server = serving(pair, NATO, heard)
    server._run([*letters(pair), Timer()])
    assert heard[0] == "kept"
    assert "said" in heard
    assert heard.count("kept") == 1
    assert server.node is not pair.nodes[NATO]


def test_p4_own_sensors_wait_for_a_bounded_batch() -> None:
    """Whatever waits: a commit's worth is taken, in order, and the rest stays where it is."""
    server = object.__new__(Server)
    server.events = asyncio.Queue()
    for number in range(1000):
        server.events.put_nowait(Frame(partner=RUSSIA, lane=Lane.NOTE, data=number.to_bytes(2, "big")))
    first = [server.events.get_nowait()]
    taken = list(server._batch(first))
    assert 1 <= len(taken) <= BATCH_EVENTS_MAX
    assert [one.data for one in taken] == [number.to_bytes(2, "big") for number in range(len(taken))]
    assert server.events.qsize() == 1000 - len(taken)


def test_p7_what_cannot_be_kept_is_not_receipted_and_changes_nothing(talking: tuple[Pair, int]) -> None:
    pair, heard = talking[0], []
    server = serving(pair, NATO, heard, full=True)
    server._run([*letters(pair), Timer()])
    assert heard == ["store"], "it says so, once, and to nobody else"
    assert server.node is pair.nodes[NATO]
    assert server.counts["store_failures_total"] == 1


def ticked(server: Any, index: int) -> None:
    for tick in range(server.node.tick + 1, index + 1):
        server.batches[tick] = feed(SIDES.index(server.gateway.name)).tick(tick)
        server.clock.exercise_s = (tick + 1) * server.gateway.tick_s
        server._tick()


def test_p7_own_warnings_are_shown_before_anything_is_kept_and_with_a_full_disk_all_the_same() -> None:
    stories = []
    for full in (False, True):
        pair, heard = Pair(), []
        pair.connect()
        pair.tick(FIRST_TICK)
        server = serving(pair, RUSSIA, heard, full=full)
        ticked(server, FIRST_TICK + 20)
        stories.append(heard)
    whole, failing = stories
    warned = whole.count("own")
    assert warned > 0
    assert failing.count("own") == warned
    assert failing.count("store") == 1
    assert {"kept", "said", "assisted"}.isdisjoint(failing)
    assert whole.count("kept") == 20
    for before, what in pairwise(whole):
        assert before != "own" or what in ("own", "kept"), "of a tick, the own warnings come first"


def test_p4_a_flood_ends_at_the_door_and_is_counted() -> None:
    """What exceeds a partner's rates never waits for the loop; what does wait is not held to them once more."""
    pair, heard = Pair(), []
    pair.connect()
    server = serving(pair, NATO, heard)
    server.events, server.dropped = asyncio.Queue(4000), Counter()
    burst = int(server.gateway.limits.frames_each[Lane.TRACK].burst)
    noise = [b"DTNENV01" + bytes([n % 256, n // 256]) * 300 for n in range(2 * burst)]

    async def flood() -> None:
        take = server._on_frame(RUSSIA)
        for data in noise:
            await take(int(Lane.TRACK), data)
        await take(7, b"a lane that is none")

    asyncio.run(flood())
    waiting = [server.events.get_nowait() for _ in range(server.events.qsize())]
    assert burst <= len(waiting) < burst + burst // 2, "the burst, and what the rate allows meanwhile"
    assert all(event.admitted for event in waiting)
    assert server.dropped[RUSSIA] == len(noise) + 1 - len(waiting)
    server._run([*waiting, Dropped(partner=RUSSIA, frames=server.dropped[RUSSIA])])
    counts = server.node.links[RUSSIA].counts
    assert counts["dropped"] == len(noise) + 1 - len(waiting)
    assert counts["refused"] == len(waiting)


def test_a_line_that_ends_for_good_is_told() -> None:
    heard: list[str] = []
    server = serving(Pair(), NATO, heard)
    told: list[dict[str, Any]] = []
    server.show = told.append

    async def story() -> None:
        async def refused() -> None:
            raise InputError(found="a server that will not", expected="one that will", remedy="mend it")

        for made in (refused(), asyncio.sleep(30)):
            running = asyncio.create_task(made)
            running.add_done_callback(partial(server._line_ended, RUSSIA))
            await asyncio.sleep(0)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(story())
    assert [(one["kind"], one["partner"]) for one in told] == [("line-ended", RUSSIA)]
    assert "a server that will not" in told[0]["text"]


def test_p7_a_tick_whose_time_has_come_waits_for_no_disk_and_old_ones_do() -> None:
    pair = Pair()
    server = serving(pair, NATO, [])
    feed_of = SimpleNamespace(file=None, grace_s=2.0)
    server.ready = SimpleNamespace(config=SimpleNamespace(file=SimpleNamespace(feed=feed_of)))
    server.began_s, tick_s = 0.0, server.gateway.tick_s
    server.node = replace(server.node, tick=10)
    due_s = 12 * tick_s + feed_of.grace_s
    for late_s, on_time, behind in ((-0.1, False, False), (0.0, True, True), (1.1 * tick_s, True, False)):
        server.clock = SimpleNamespace(exercise_s=due_s + late_s, rate=1.0)
        assert server._due(False) is on_time
        assert server._due(True) is behind
