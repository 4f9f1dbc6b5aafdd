"""One side in a drill: a real centre, the real gateway logic, a store that fails on order, a memory of all it did."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from detente.centre.step import Own, State
from detente.exercise.briefing import TickFeed
from detente.gateway.logic.limits import Lane
from detente.gateway.logic.link import Gateway, Now, Out
from detente.gateway.logic.node import Event, Node, Tick, ashore, restore, step, watch
from detente.gateway.logic.packing import pack
from detente.gateway.logic.records import Accepted, Received, Record, StoreError, Ticked
from detente.gateway.store import MemoryStore
from detente.records.slots import Origin
from detente.records.stages import Warnings

Frames = list[tuple[str, Lane, bytes]]


def own_stream(own: Own, warnings: Warnings) -> bytes:
    """A digest of what own sensors show and warn of: equal only where both are, to the last bit."""
    said = hashlib.sha256(pack(warnings) if len(warnings) else b"")
    for column in (own.tracks.number, own.tracks.mean, own.tracks.covariance, own.estimates.lines):
        said.update(column.tobytes())
    return said.digest()


class KilledError(Exception):
    """The process died here."""


@dataclass(frozen=True)
class Broken:
    """A promise that did not hold."""

    promise: str
    what: str


@dataclass(frozen=True)
class Doubt:
    """What a side makes of its partners after a tick: whether any is suspected, and lines that hold any's word."""

    now_s: float
    suspected: bool
    lines: int


class FailingStore(MemoryStore):
    """A store that is killed at chosen commits, fills up on order, and remembers what must never happen."""

    def __init__(self, epoch: int, kills: dict[int, bool]) -> None:
        super().__init__(epoch)
        self.kills = kills  # commit number → after it was kept (else before)
        self.commits = 0
        self.full = False
        self.broken: list[Broken] = []
        self.accepted: dict[tuple[str, int], bytes] = {}
        self.received: list[Received] = []

    def commit(self, records: Sequence[Record]) -> None:
        """Keep these, fail, or die."""
        if self.full:
            raise StoreError("no room on the disk")
        self.commits += 1
        after = self.kills.pop(self.commits, None)
        if after is False:
            raise KilledError
        for record in records:
            self._note(record)
        super().commit(records)
        if after:
            raise KilledError

    def _note(self, record: Record) -> None:
        if isinstance(record, Ticked):
            for name in (*record.applied, *record.aside):
                if name in self.applied:
                    self.broken.append(Broken("P1", f"{name} is applied twice"))
        elif isinstance(record, Accepted):
            self.accepted[record.partner, record.sequence] = record.envelope
        elif isinstance(record, Received):
            if (record.partner, record.epoch, record.sequence) in self.inbox:
                self.broken.append(Broken("P1", f"envelope {record.sequence} is received twice"))
            self.received.append(record)


@dataclass
class Station:
    """One side. ``node`` is None while it is down."""

    gateway: Gateway
    feed: TickFeed
    store: FailingStore
    fresh: Node  # what it begins with
    quick: bool = False  # of a drill that remembers what was computed before
    node: Node | None = None
    shown: dict[int, bytes] = field(default_factory=dict)  # own warnings by tick, as they were shown
    remembered: dict[int, State] = field(default_factory=dict)  # the centre's memory after each tick
    doubts: list[Doubt] = field(default_factory=list)  # after each tick, where own centre leaves suspects out
    pardoned_s: float | None = None  # when the operator believed its partners again
    broken: list[Broken] = field(default_factory=list)
    outs: list[Out] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Whose it is."""
        return self.gateway.name

    def begin(self, first_tick: int, now: Now) -> None:
        """Start, or start again from what the store holds."""
        saved = self.store.load()
        if not saved.kept:
            self.node = replace(self.fresh, tick=first_tick - 1)
            return
        node, out = restore(self.gateway, saved, now)
        if node.tick < first_tick:
            node = replace(node, tick=first_tick - 1)
        elif node.tick not in self.remembered or pack(node.centre) != pack(self.remembered[node.tick]):
            self.broken.append(Broken("P6", f"after a restart the memory of tick {node.tick} is another"))
        elif self.quick:  # go on with the equal object that functions with a memory know
            node = replace(node, centre=self.remembered[node.tick])
        self.node = node
        self.store.commit(out.records)

    def run(self, event: Event, now: Now) -> Frames:
        """One event; what is to be sent. Raises KilledError where the process dies of it."""
        assert self.node is not None, "a station that is up"
        node, out = step(self.gateway, self.node, event, now)
        if isinstance(event, Tick) and self.store.kills:
            self.remembered[event.index] = node.centre
        try:
            if out.records:
                self.store.commit(out.records)
        except StoreError:
            if isinstance(event, Tick):
                self.node = ashore(self.node, event)
            return []
        except KilledError:
            self.node = None
            raise
        self.node = node
        self._order_kept(out)
        return out.frames

    def tick(self, index: int, now: Now) -> Frames:
        """The tick: own half first, shown at once; then all the rest."""
        assert self.node is not None, "a station that is up"
        detections = self.feed.tick(index)
        own, warnings = watch(self.gateway, self.node, index, detections)
        packed = own_stream(own, warnings)
        if self.shown.setdefault(index, packed) != packed:
            self.broken.append(Broken("P6", f"tick {index} run again warns otherwise"))
        if not set(warnings.giver.tolist()) <= {self.gateway.centre.side} or set(warnings.stream.tolist()) - {1}:
            self.broken.append(Broken("P11", f"the own stream of tick {index} speaks of what a partner said"))
        frames = self.run(Tick(index=index, detections=detections, own=own), now)
        if self.gateway.centre.quarantine == "automatic":
            self._doubt(now)
        return frames

    def _doubt(self, now: Now) -> None:
        assert self.node is not None, "a station that is up"
        assisted = self.node.centre.assisted
        lines = np.isin(assisted.picture.origin, (Origin.FUSED, Origin.PARTNER)).sum()
        self.doubts.append(Doubt(now.steady_s, bool(assisted.trust.suspected.any()), int(lines)))

    def _order_kept(self, out: Out) -> None:
        """Of what leaves at once to a partner: warnings first, and in each lane the newest first."""
        assert self.node is not None, "a station that is up"
        for link in self.node.links.values():
            places = {one.envelope: (int(one.lane), -one.sequence) for one in link.pending.values() if one.envelope}
            sent = [places[data] for to, lane, data in out.frames if lane is not Lane.NOTE and data in places]
            if sent != sorted(sent):
                self.broken.append(Broken("P9", f"sent in the order {sent}"))
