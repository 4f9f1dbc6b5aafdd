"""Ends of a line over two real NATS servers: what the JetStream tests share."""

import asyncio
import time
from collections.abc import Callable
from itertools import count

from tests.gateway.made_gateway import FIRST_TICK, feed, gateway, other

from detente.exercise.brokers import Brokers
from detente.exercise.drill.station import FailingStore
from detente.gateway.jetstream import JetStreamLine
from detente.gateway.logic.limits import Limits
from detente.gateway.logic.link import Link, Now
from detente.gateway.logic.node import Event, Frame, LineDown, LineUp, Tick, Timer, restore, step, watch
from detente.gateway.standing import Standing

SIDES = ("NATO", "Russia")
EPOCHS = count(1)  # a new store begins a new epoch, as in life: servers may still hold what was said to an earlier one
QUICK_TO_RETRY = Limits(retry_s=0.3, heartbeat_s=0.5)


async def until(what: Callable[[], object], most_s: float = 60.0) -> None:
    """Wait for something to be true."""
    async with asyncio.timeout(most_s):
        while not what():
            await asyncio.sleep(0.02)


class End:
    """One side of a line, and the frames that came."""

    def __init__(self, brokers: Brokers, side: str) -> None:
        self.frames: list[tuple[int, bytes]] = []
        self.ups: list[bool] = []
        self.line = JetStreamLine(side, other(side), self.take, Standing(self.turn))
        self.task = asyncio.create_task(self.line.run(*brokers.addresses(side), brokers.context(side)))

    async def take(self, lane: int, data: bytes) -> None:
        self.frames.append((lane, data))

    def turn(self, up: bool) -> None:
        self.ups.append(up)

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


class Gate:
    """One side's gateway, with its store, on its line: as ``detente serve`` runs it, but in the test's hands."""

    def __init__(
        self, brokers: Brokers, side: str, limits: Limits = QUICK_TO_RETRY, store: FailingStore | None = None
    ) -> None:
        self.brokers, self.side, self.other, self.limits = brokers, side, other(side), limits
        self.gateway, self.store = gateway(side, limits), store or FailingStore(next(EPOCHS), {})
        self.node, out = restore(self.gateway, self.store.load(), self.now)
        self.store.commit(out.records)
        self.line = JetStreamLine(side, self.other, self.take, Standing(self.turn))
        self.tasks = [
            asyncio.create_task(self.line.run(*brokers.addresses(side), brokers.context(side))),
            asyncio.create_task(self.keep_time()),
        ]

    @property
    def now(self) -> Now:
        at_s = time.monotonic()
        return Now(steady_s=at_s, exercise_s=at_s, wall_s=at_s)

    @property
    def link(self) -> Link:
        return self.node.links[self.other]

    async def take(self, lane: int, data: bytes) -> None:
        self.do(Frame(partner=self.other, lane=lane, data=data))

    def turn(self, up: bool) -> None:
        self.do(LineUp(partner=self.other) if up else LineDown(partner=self.other))

    async def keep_time(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            self.do(Timer())

    def do(self, event: Event) -> None:
        node, out = step(self.gateway, self.node, event, self.now)
        self.store.commit(out.records)
        self.node = node
        for _, lane, data in out.frames:
            self.line.send(int(lane), data)

    def tick(self, index: int) -> None:
        detections = feed(SIDES.index(self.side)).tick(index)
        own, _ = watch(self.gateway, self.node, index, detections)
        self.do(Tick(index=index, detections=detections, own=own))

    def ticks(self, first: int, last: int) -> None:
        for index in range(FIRST_TICK + first, FIRST_TICK + last):
            self.tick(index)

    async def end(self) -> None:
        """Gone at once, with what it had not kept: a kill."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def killed(self) -> "Gate":
        """The same side, started again from its store."""
        await self.end()
        return Gate(self.brokers, self.side, self.limits, self.store)
