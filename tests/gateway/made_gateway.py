"""Two gateways of a small world, wired by hand: what the gateway's tests share."""

from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detente.centre.exchange.message import Mark
from detente.centre.exchange.offsets import Secret
from detente.exercise.briefing import Played, play_world, tick_feed
from detente.gateway.logic.limits import Limits
from detente.gateway.logic.link import Gateway, Notice, Now
from detente.gateway.logic.node import Event, Frame, LineUp, Node, Tick, start, step, watch
from detente.gateway.store import MemoryStore, Store
from detente.gateway.theatre import gateway_of
from detente.records.stages import Warnings
from detente.scenario.files import load_agreement, load_scenario

SIDES = ("NATO", "Russia")
FIRST_TICK, TICKS = 22, 20


@cache
def world() -> Played:
    """One world of the theatre scenario."""
    return play_world(load_scenario("theatre-2011"), 1, 0, slots=16)


@cache
def feed(side: int):
    """What one side hears of four of its objects."""
    played = world()
    chosen = np.isin(played.key.object, (0, 3, 6, 8))
    return tick_feed(played, np.flatnonzero(chosen & (played.theatre.suite.side[played.detections.sensor] == side)))


def key(name: str) -> Ed25519PrivateKey:
    """A side's signing key."""
    return Ed25519PrivateKey.from_private_bytes((name * 32).encode()[:32])


@cache
def gateway(name: str, limits: Limits | None = None) -> Gateway:
    """One side's gateway under the cooperating agreement."""
    theatre = world().theatre
    return gateway_of(
        theatre, name, load_agreement("lisbon-2011"), mark=Mark.EXERCISE, signer=key(name),
        keys={other: (key(other).public_key(),) for other in theatre.names if other != name},
        secret=Secret(bytes(32)), limits=limits,
    )  # fmt: skip


def other(name: str) -> str:
    """The partner."""
    return SIDES[1 - SIDES.index(name)]


@dataclass
class Pair:
    """Both gateways, their stores and the frames between them; the test carries the frames."""

    limits: Limits | None = None
    stores: dict[str, Store] = field(default_factory=lambda: {name: MemoryStore(epoch=1) for name in SIDES})
    nodes: dict[str, Node] = field(default_factory=dict)
    frames: list[tuple[str, str, int, bytes]] = field(default_factory=list)
    notices: list[tuple[str, Notice]] = field(default_factory=list)
    own: dict[str, list[Warnings]] = field(default_factory=lambda: {name: [] for name in SIDES})
    now: Now = field(default_factory=lambda: Now(steady_s=0.0, exercise_s=0.0, wall_s=0.0))

    def __post_init__(self) -> None:
        self.gateways = {name: gateway(name, self.limits) for name in SIDES}
        self.nodes = {name: start(self.gateways[name], 1) for name in SIDES}

    def pass_time(self, seconds: float) -> None:
        """Let clocks run."""
        self.now = replace(
            self.now, steady_s=self.now.steady_s + seconds, exercise_s=self.now.exercise_s + seconds,
            wall_s=self.now.wall_s + seconds,
        )  # fmt: skip

    def do(self, name: str, event: Event) -> None:
        """One event at one side."""
        node, out = step(self.gateways[name], self.nodes[name], event, self.now)
        if out.records:
            self.stores[name].commit(out.records)
        self.nodes[name] = node
        self.frames += [(name, to, int(lane), data) for to, lane, data in out.frames]
        self.notices += [(name, notice) for notice in out.notices]

    def connect(self) -> None:
        """A line between them."""
        for name in SIDES:
            self.do(name, LineUp(partner=other(name)))
        self.carry()

    def carry(self) -> None:
        """Every frame to its receiver, and what that gives rise to."""
        while self.frames:
            sender, to, lane, data = self.frames.pop(0)
            self.do(to, Frame(partner=sender, lane=lane, data=data))

    def tick(self, index: int, *names: str) -> None:
        """One tick at these sides (default: both), frames not yet carried."""
        for name in names or SIDES:
            detections = feed(SIDES.index(name)).tick(index)
            own, warnings = watch(self.gateways[name], self.nodes[name], index, detections)
            self.own[name].append(replace(warnings))
            self.do(name, Tick(index=index, detections=detections, own=own))

    def talk(self, first: int, ticks: int) -> "Pair":
        """From tick ``first`` on both tick so often, five seconds apart, and each hears what the other says."""
        for index in range(first, first + ticks):
            self.pass_time(5.0)
            self.tick(index)
            self.carry()
        return self

    def begin(self, ticks: int = 14) -> "Pair":
        """Connect them, and let them talk for so many ticks."""
        self.connect()
        return self.talk(FIRST_TICK, ticks)

    def link(self, name: str):
        """One side's link to the other."""
        return self.nodes[name].links[other(name)]


def until_told(pair: Pair, name: str, first: int) -> int:
    """Tick one side until it has something to tell, and leave that on the line; the tick at which it had."""
    for index in range(first, first + 20):
        pair.pass_time(5.0)
        pair.tick(index, name)
        if pair.link(name).pending:
            return index
    raise AssertionError("it never has anything to tell")
