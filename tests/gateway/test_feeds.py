"""Own sensors are heard: however long the disk is full, however far ahead they are, and whoever spoke before."""

import asyncio
import socket
from types import SimpleNamespace
from typing import Any

import pytest
from tests.gateway.made_gateway import FIRST_TICK, SIDES, Pair, feed
from tests.gateway.test_serving import serving

from detente.gateway import feeds
from detente.gateway.feed import LENGTH, write_batch
from detente.records.stages import Detections

NATO, RUSSIA = SIDES


def fed(server: Any, batches: list[tuple[int, Any]], meanwhile: Any) -> None:
    """A feed that says these batches, in order, at once; then what ``meanwhile`` does."""

    async def story() -> None:
        server.events = asyncio.Queue()
        listening = await asyncio.start_server(server.feeds.client, "127.0.0.1", 0)
        _, writer = await asyncio.open_connection(*listening.sockets[0].getsockname()[:2])
        for index, detections in batches:
            batch = write_batch(index, detections)
            writer.write(LENGTH.pack(len(batch)) + batch)
        await writer.drain()
        await meanwhile()
        writer.close()
        listening.close()
        while server.feeds.writers:
            await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(story(), 30.0))


def ticking(server: Any) -> int:
    """A side that runs ticks on order; the next one."""
    feed_of = SimpleNamespace(file=None, grace_s=60.0)
    server.ready = SimpleNamespace(config=SimpleNamespace(file=SimpleNamespace(feed=feed_of)))
    return server.node.tick + 1


@pytest.mark.parametrize("full", [False, True])
def test_p7_own_sensors_are_heard_however_long_the_disk_is_full_and_however_far_ahead_they_are(
    monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    monkeypatch.setattr(feeds, "BATCHES_MAX", 10)
    monkeypatch.setattr(feeds, "WAIT_S", 0.001)
    pair = Pair()
    pair.tick(FIRST_TICK)
    server = serving(pair, RUSSIA, [], full=full)
    first, number = ticking(server), 25
    batches = [(tick, feed(1).tick(tick)) for tick in range(first, first + number)]
    held: list[int] = []

    async def run() -> None:
        while len(server.batches) < 10:
            await asyncio.sleep(0.001)
        for _ in range(number):
            while server.node.tick + 1 not in server.batches:
                await asyncio.sleep(0.001)
            held.append(len(server.batches))
            server._tick()

    fed(server, batches, run)
    assert server.node.tick == first + number - 1
    assert max(held) == 10, "what is held is bounded"
    assert server.counts["store_failures_total"] == (number if full else 0)
    assert {server.counts[name] for name in ("feed_gaps_total", "feed_dropped_total", "late_batches_total")} == {0}
    assert server.batches == {}


def test_of_more_batches_than_can_be_held_the_nearest_stay_and_the_others_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A feed that jumped far ahead, and came back."""
    monkeypatch.setattr(feeds, "BATCHES_MAX", 10)
    server = serving(Pair(), NATO, [])
    first, nothing = ticking(server), Detections.empty()
    far = [(first + 1000 + number, nothing) for number in range(10)]

    async def run() -> None:
        while first + 3 not in server.batches:
            await asyncio.sleep(0.001)

    fed(server, [*far, *((first + number, nothing) for number in range(4))], run)
    assert sorted(server.batches) == [*range(first, first + 4), *(index for index, _ in far[:6])]
    assert server.counts["feed_dropped_total"] == 4


def test_a_tick_told_twice_and_differently_is_told_once_and_counted() -> None:
    told: list[dict[str, Any]] = []
    server = serving(Pair(), NATO, [])
    server.show = told.append
    ticking(server)
    index = next(tick for tick in range(FIRST_TICK, FIRST_TICK + 20) if len(feed(0).tick(tick)) > 1)
    whole = feed(0).tick(index)
    told_of = [whole, whole.rows(0, 1), whole, whole.rows(1, 2)]

    async def run() -> None:
        while index + 1 not in server.batches:
            await asyncio.sleep(0.001)

    fed(server, [*((index, one) for one in told_of), (index + 1, Detections.empty())], run)
    assert len(server.batches[index]) == len(whole), "the first counts"
    assert server.counts["feed_conflicts_total"] == 2
    assert [one["text"] for one in told] == [f"tick {index} is told twice, and differently: are there two feeds?"]


def test_a_feed_that_went_leaves_the_descriptor_to_the_next() -> None:
    """Its socket was closed, and another feed given the same number, before its task came to its end."""
    server = serving(Pair(), NATO, [])
    ours, theirs = socket.socketpair()

    class Ended:
        """Two connections on one descriptor."""

        closed = False

        def get_extra_info(self, _: str) -> socket.socket:
            return ours

        def write(self, _: bytes) -> None: ...

        def close(self) -> None:
            self.closed = True

    async def story() -> None:
        readers, writers = [asyncio.StreamReader(), asyncio.StreamReader()], [Ended(), Ended()]
        clients = [
            asyncio.create_task(server.feeds.client(*one)) for one in zip(readers, writers, strict=True)
        ]  # fmt: skip
        await asyncio.sleep(0)
        readers[0].feed_eof()
        await clients[0]
        theirs.send(b"x")
        assert server.feeds.ears.poll(0), "the other is listened to"
        readers[1].feed_eof()
        await clients[1]
        assert not server.feeds.ears.poll(0)
        assert [one.closed for one in writers] == [True, True]

    asyncio.run(story())
    assert (server.feeds.writers, server.feeds.ear_of) == (set(), {})
    ours.close()
    theirs.close()
