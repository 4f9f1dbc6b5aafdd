"""Three sides of which one meets faults: what they said beforehand, a store that takes its time, and a process."""

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from tests.gateway.made_gateway import key
from tests.gateway.made_serving import serving

from detente.centre.exchange.message import Mark
from detente.centre.exchange.offsets import Secret
from detente.exercise.briefing import play_world
from detente.gateway.keeping import Keeping
from detente.gateway.logic.limits import Lane
from detente.gateway.logic.link import Now
from detente.gateway.logic.node import Event, Frame, LineUp, Tick, start, step, watch
from detente.gateway.store import MemoryStore
from detente.gateway.theatre import gateway_of
from detente.scenario.files import load_agreement, load_scenario

NORTH, WEST, SOUTH = "North", "West", "South"
FIRST, LAST = 20, 50  # at the last, both others have something to tell West, and West them


class Trio:
    """Three sides after some ticks; the frames of the last are not carried."""

    def __init__(self) -> None:
        self.played = play_world(load_scenario("three-sides"), 1, 0, slots=32)
        agreement, names = load_agreement("three-sides-2011"), self.played.theatre.names
        self.gateways = {
            name: gateway_of(
                self.played.theatre, name, agreement, mark=Mark.EXERCISE, signer=key(name),
                keys={other: (key(other).public_key(),) for other in names if other != name}, secret=Secret(bytes(32)),
            )
            for name in names
        }  # fmt: skip
        self.nodes = {name: replace(start(self.gateways[name], 1), tick=FIRST - 1) for name in names}
        self.feeds = {name: self.played.heard(names.index(name)) for name in names}
        self.store = MemoryStore(epoch=1)  # West's
        self.frames: list[tuple[str, str, Lane, bytes]] = []
        self.at(5.0 * FIRST)
        for name in names:
            for other in names:
                if other != name:
                    self.do(name, LineUp(partner=other))
        for index in range(FIRST, LAST + 1):
            self.carry()
            self.at(5.0 * (index + 1))
            for name in names:
                self.tick(name, index)

    def at(self, now_s: float) -> None:
        self.now = Now(steady_s=now_s, exercise_s=now_s, wall_s=now_s)

    def do(self, name: str, event: Event) -> None:
        self.nodes[name], out = step(self.gateways[name], self.nodes[name], event, self.now)
        if name == WEST:
            self.store.commit(out.records)
        self.frames += [(name, to, lane, data) for to, lane, data in out.frames]

    def carry(self) -> None:
        while self.frames:
            sender, to, lane, data = self.frames.pop(0)
            self.do(to, Frame(partner=sender, lane=lane, data=data))

    def tick(self, name: str, index: int) -> None:
        detections = self.feeds[name].tick(index)
        own, _ = watch(self.gateways[name], self.nodes[name], index, detections)
        self.do(name, Tick(index=index, detections=detections, own=own))

    def letters(self, sender: str) -> list[Frame]:
        """What a side has for West."""
        return [
            Frame(partner=sender, lane=lane, data=data) for one, to, lane, data in self.frames
            if (one, to) == (sender, WEST) and lane is not Lane.NOTE
        ]  # fmt: skip


@cache
def trio() -> Trio:
    return Trio()


class Disk:
    """Whoever carries out commits: each ends when it is told to."""

    error: BaseException | None = None

    def __init__(self, work: Callable[[], None], done: Callable[[], None]) -> None:
        self.work, self.done, self.busy = work, done, False

    @property
    def idle(self) -> bool:
        return not self.busy

    def start(self) -> None:
        self.busy = True

    def wait(self) -> None:
        if self.busy:
            self.work()
        self.busy = False

    def end(self) -> None:
        self.wait()
        self.done()

    def close(self) -> None:
        """There is nothing to let go of."""


class Side:
    """West's process, at the moment after its last tick."""

    def __init__(self, *, disk: bool = False, **changes: Any) -> None:
        made = trio()
        self.told: list[dict[str, Any]] = []
        self.said: list[tuple[str, Lane, bytes]] = []
        self.server = server = serving(made, WEST, [])
        server.gateway = replace(server.gateway, **changes)
        server.show = self.told.append
        server.lines = {
            name: SimpleNamespace(send=lambda lane, data, name=name: self.said.append((name, Lane(lane), data)))
            for name in (NORTH, SOUTH)
        }
        feed_of = SimpleNamespace(file=None, grace_s=60.0)
        server.ready = SimpleNamespace(config=SimpleNamespace(file=SimpleNamespace(feed=feed_of)))
        self.store = server.store = copy.deepcopy(made.store)
        server.keeping = Keeping(self.store, server.node, kept=server._kept, lost=server._lost)
        self.disks: list[Disk] = []
        if disk:
            server.keeping.run_by(lambda work, done: self.disks.append(Disk(work, done)) or self.disks[-1])
        self.at(made.now.exercise_s)

    def at(self, now_s: float) -> None:
        now = Now(steady_s=now_s, exercise_s=now_s, wall_s=now_s)
        self.server.clock = SimpleNamespace(now=now, exercise_s=now_s, rate=1.0)

    def tick(self, index: int) -> None:
        self.server.batches[index] = trio().feeds[WEST].tick(index)
        self.at(5.0 * (index + 1))
        self.server._tick()

    def link(self, name: str) -> Any:
        return self.server.node.links[name]

    @property
    def faults(self) -> list[tuple[str, int]]:
        """Whose fault was told, and the how manyeth it was."""
        return [(line.get("partner", ""), line["times"]) for line in self.told if line["event"] == "fault"]

    def to(self, name: str, note: bool) -> int:
        return sum(one == name and (lane is Lane.NOTE) == note for one, lane, _ in self.said)


def faulty(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, when: Callable[..., bool]) -> None:
    """Have a function meet a number that nobody thought of, when it is so called."""
    sound = getattr(module, name)

    def function(*given: Any, **named: Any) -> Any:
        if when(*given):
            raise OverflowError("a number that nobody thought of")
        return sound(*given, **named)

    monkeypatch.setattr(module, name, function)


def is_north(gateway: Any, link: Any, *_: object) -> bool:
    return link.partner == NORTH
