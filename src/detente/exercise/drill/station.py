"""One side in a drill: a real centre, the real gateway logic, a store that fails on order, a memory of all it did."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

import numpy as np

from detente.centre.step import Own, State
from detente.exercise.briefing import TickFeed
from detente.exercise.drill.flaws import Flawed, FlawError
from detente.exercise.drill.terms import overdue
from detente.gateway.keeping import Keeping, Step
from detente.gateway.logic.limits import Lane
from detente.gateway.logic.link import Gateway, Link, Now, Out
from detente.gateway.logic.node import LineDown, LineEvent, LineUp, Node, Order, Tick, restore, step, steps, watch
from detente.gateway.logic.outbound import SENDS_MAX
from detente.gateway.logic.packing import pack
from detente.gateway.logic.records import Accepted, Received, Record, StoreError, Ticked
from detente.gateway.store import MemoryStore
from detente.records.slots import Origin
from detente.records.stages import Warnings

BATCH_EVENTS = 16
"""Events that waited for the disk are run so many at a time, one commit's worth."""

Frames = list[tuple[str, Lane, bytes]]


def own_stream(own: Own, warnings: Warnings) -> bytes:
    """A digest of what own sensors show and warn of: equal only where both are, to the last bit."""
    said = hashlib.sha256(pack(warnings) if len(warnings) else b"")
    for column in (own.tracks.number, own.tracks.mean, own.tracks.covariance, own.estimates.lines):
        said.update(column.tobytes())
    return said.digest()


def _same(one: State, other: State) -> bool:
    """Whether two memories are equal to the last bit."""
    return (one.own is other.own and one.assisted is other.assisted) or pack(one) == pack(other)


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
    """A store that is killed or fails at chosen commits, fills up on order, and notes what must never happen."""

    def __init__(
        self, epoch: int, kills: dict[int, bool], refusals: Iterable[int] = (), bytes_max: int | None = None
    ) -> None:  # fmt: skip
        super().__init__(epoch, bytes_max)
        self.kills = kills  # commit number → after it was kept (else before)
        self.refusals = set(refusals)  # commit numbers
        self.commits = 0
        self.full = False
        self.was_crowded = False  # and deleted what was used by its own rule
        self.broken: list[Broken] = []
        self.accepted: dict[tuple[str, int], bytes] = {}
        self.received: list[Received] = []
        self.taken: set[tuple[str, int, int]] = set()  # applied or set aside, whether or not that is kept still

    def copied(self) -> "FailingStore":
        """As it is now: to be put back later."""
        copy = FailingStore(self.epoch, {}, (), self.room.bytes_max)
        for name, value in vars(self).items():
            if isinstance(value, (dict, list, set)) and name not in ("kills", "refusals", "broken"):
                setattr(copy, name, deepcopy(value))
        copy.snapshot, copy.full, copy.was_crowded = self.snapshot, self.full, self.was_crowded
        return copy

    def emptied(self, epoch: int) -> "FailingStore":
        """An empty one on the same disk."""
        empty = FailingStore(epoch, {}, (), self.room.bytes_max)
        empty.full = self.full
        return empty

    def begin(self, records: Sequence[Record]) -> None:
        """Take these, or fail."""
        if self.full:
            raise StoreError("no room on the disk")
        try:
            super().begin(records)
        except StoreError as error:
            self.broken.append(Broken("P7", f"what partners sent left too little room: {error}"))
            raise
        self.was_crowded |= self.crowded

    def finish(self) -> None:
        """Keep what was begun with, fail, or die."""
        if self.full:
            raise StoreError("no room on the disk")
        self.commits += 1
        if self.commits in self.refusals:
            raise StoreError("an error of the disk")
        after = self.kills.pop(self.commits, None)
        if after is False:
            raise KilledError
        for record in self.begun:
            self._note(record)
        super().finish()
        if after:
            raise KilledError

    def _note(self, record: Record) -> None:
        if isinstance(record, Ticked):
            for name in (*record.applied, *record.aside):
                if name in self.taken:
                    self.broken.append(Broken("P1", f"{name} is applied twice"))
                self.taken.add(name)
        elif isinstance(record, Accepted):
            self.accepted[record.partner, record.sequence] = record.envelope
        elif isinstance(record, Received):
            name = record.partner, record.epoch, record.sequence
            if name in self.inbox or name in self.taken:
                self.broken.append(Broken("P1", f"envelope {record.sequence} is received twice"))
            self.received.append(record)


class Disk:
    """What carries a gateway's commits out in simulated time: each takes until :meth:`end` is called."""

    def __init__(self, work: Callable[[], None], done: Callable[[], None], begun: Callable[["Disk"], None]) -> None:
        self.work, self.done, self.begun = work, done, begun
        self.error: BaseException | None = None
        self.idle = True

    def start(self) -> None:
        """A commit is on its way."""
        self.idle = False
        self.begun(self)

    def end(self) -> None:
        """It is kept, or it fails. Raises KilledError where the process dies of it."""
        try:
            self.work()
            self.error = None
        except StoreError as error:
            self.error = error
        self.idle = True
        self.done()

    def wait(self) -> None:
        """In a drill nobody waits for a disk."""
        raise AssertionError("nobody waits")

    def close(self) -> None:
        """Nothing is to be let go of."""


@dataclass
class Station:
    """One side. Its steps are kept as a live one's are; ``keeping`` is None while it is down."""

    gateway: Gateway
    feed: TickFeed
    store: FailingStore
    fresh: Callable[[int], Node]  # what it begins an epoch with
    flawed: Flawed | None = None  # it has a fault of ours
    quick: bool = False  # of a drill that remembers what was computed before
    goes_back: bool = False  # a copy of its store is put back
    begun: Callable[[Disk], None] | None = None  # is told of each commit that takes time; None: none does
    stores: list[FailingStore] = field(default_factory=list)  # that it had before
    keeping: Keeping | None = None
    disk: Disk | None = None
    shown: dict[int, bytes] = field(default_factory=dict)  # own warnings by tick, as they were shown
    remembered: dict[int, State] = field(default_factory=dict)  # the centre's memory after each tick
    doubts: list[Doubt] = field(default_factory=list)  # after each tick, where own centre leaves suspects out
    pardoned_s: float | None = None  # when the operator believed its partners again
    broken: list[Broken] = field(default_factory=list)
    said: dict[str, Link] = field(default_factory=dict)  # what it knew of each partner when it last spoke
    outgoing: Frames = field(default_factory=list)  # to be sent, now that what was made before is kept
    unread: deque[LineEvent] = field(default_factory=deque)  # came while the disk was far behind
    unsure: list[Order] = field(default_factory=list)  # the operator's words that are not kept yet
    unkept: list[Order] = field(default_factory=list)  # those that never were: the operator is told
    losses: int = 0  # commits that failed

    @property
    def name(self) -> str:
        """Whose it is."""
        return self.gateway.name

    @property
    def all_stores(self) -> list[FailingStore]:
        """Those that it had, and the one that it has."""
        return [*self.stores, self.store]

    @property
    def node(self) -> Node | None:
        """What the next step is made from; None while it is down."""
        return None if self.keeping is None else self.keeping.node

    def begin(self, first_tick: int, now: Now) -> None:
        """Start, or start again from what the store holds."""
        if self.flawed is not None:
            self.flawed.begin()
        saved = self.store.load()
        if not saved.kept:
            self._run_on(replace(self.fresh(self.store.epoch), tick=first_tick - 1), [])
            return
        again = restore if self.flawed is None else self.flawed.faults.restored
        node, out = again(self.gateway, saved, now)
        if node.tick < first_tick:
            node = replace(node, tick=first_tick - 1)
        elif not node.durable:  # a fault of ours was met: own half is as it was
            if pack(node.centre.own) != pack(self.remembered[node.tick].own):
                self.broken.append(Broken("P11", f"after a restart the own half of tick {node.tick} is another"))
        elif node.tick not in self.remembered or not _same(node.centre, self.remembered[node.tick]):
            self.broken.append(Broken("P6", f"after a restart the memory of tick {node.tick} is another"))
        elif self.quick:  # go on with the equal object that functions with a memory know
            node = replace(node, centre=self.remembered[node.tick])
        self._compare_with_said(node)
        self._run_on(node, out.records)

    def _run_on(self, node: Node, owed: list[Record]) -> None:
        self.keeping = Keeping(self.store, node, kept=self._kept, lost=self._lost)
        if self.begun is not None:
            self.keeping.run_by(partial(self._hire, self.begun))
        self.keeping.owe(owed)

    def _hire(self, begun: Callable[[Disk], None], work: Callable[[], None], done: Callable[[], None]) -> Disk:
        self.disk = Disk(work, done, begun)
        return self.disk

    def _compare_with_said(self, node: Node) -> None:
        """P6: what this side showed its partners before it died, or its disk failed, it still knows."""
        for partner, said in self.said.items():
            link = node.links[partner]
            held, spoken = (link.partner_epoch, link.below), (said.partner_epoch, said.below)
            if link.next_sequence < said.next_sequence or held < spoken:
                self.broken.append(Broken("P6", f"{self.name} has forgotten envelopes that it spoke of to {partner}"))
            if link.tip.size < said.tip.size or (link.tip.size == said.tip.size and link.tip != said.tip):
                self.broken.append(Broken("P6", f"{self.name} has lost ledger entries that it showed to {partner}"))

    def die(self) -> None:
        """The process is gone, with all that it had not kept."""
        self.unkept += self.unsure
        self.unsure, self.keeping, self.disk = [], None, None
        self.unread.clear()
        self.outgoing.clear()

    def replace_store(self, store: FailingStore) -> None:
        """Stop, and have another store: nothing that the one before knew is known any more."""
        self.die()
        self.broken += self.store.broken
        self.stores.append(self.store)
        self.store, self.said = store, {}

    def run(self, event: LineEvent, now: Now) -> None:
        """One event. Raises KilledError where the process dies of it."""
        assert self.keeping is not None, "a station that is up"
        if self.keeping.full:  # the disk is far behind: partners wait
            self.unread.append(event)
        else:
            self._run((event,), now)

    def _run(self, events: Sequence[LineEvent], now: Now) -> None:
        assert self.keeping is not None, "a station that is up"
        orders = tuple(event for event in events if isinstance(event, Order))
        self.unsure += orders
        try:
            node, out = steps(self.gateway, self.keeping.node, events, now)
        except FlawError as error:
            assert self.flawed is not None, "the one that raised it"
            refused = self.flawed.batch_again(self.keeping, events, now, error, lambda: self.losses)
            self._answer(refused)
            self.unkept += refused
            return
        self._check_taken(out, now)
        lines = tuple(event for event in events if isinstance(event, (LineUp, LineDown)))
        if len(events) == 1:  # what several events send, each in its order, is several times in order
            self._check_order(node, out)
            self._check_anew(self.keeping.node, node, out)
        self.keeping.take(Step(node=node, out=out, lines=lines, orders=orders))

    def tick(self, index: int, now: Now) -> None:
        """The tick: own half first, shown at once; then all the rest."""
        assert self.keeping is not None, "a station that is up"
        detections = self.feed.tick(index)
        own, warnings = watch(self.gateway, self.keeping.node, index, detections)
        packed = own_stream(own, warnings)
        if self.shown.setdefault(index, packed) != packed:
            self.broken.append(Broken("P6", f"tick {index} run again warns otherwise"))
        if not set(warnings.giver.tolist()) <= {self.gateway.centre.side} or set(warnings.stream.tolist()) - {1}:
            self.broken.append(Broken("P11", f"the own stream of tick {index} speaks of what a partner said"))
        event = Tick(index=index, detections=detections, own=own)
        if self.flawed is not None:
            made = self.flawed.tick(self.keeping.node, event, now)
            node, out = made.node, made.out
        else:
            node, out = step(self.gateway, self.keeping.node, event, now)
        if self.flawed is None or self.flawed.whole:
            self._check_age(node)
        self._check_taken(out, now)
        if self.store.kills or self.goes_back:
            self.remembered[index] = node.centre
        self._check_order(node, out)
        self.keeping.take(Step(node=node, out=out, tick=event))
        if self.gateway.centre.quarantine == "automatic":
            self._doubt(now)

    def commit_ends(self, now: Now) -> None:
        """The disk is done with a commit; then what waited for it goes on. Raises KilledError."""
        assert self.keeping is not None, "a station that is up"
        assert self.disk is not None, "commits take time"
        self.disk.end()
        while self.unread and not self.keeping.full:
            some = [self.unread.popleft() for _ in range(min(BATCH_EVENTS, len(self.unread)))]
            self._run(some, now)

    def _doubt(self, now: Now) -> None:
        assert self.node is not None, "a station that is up"
        assisted = self.node.centre.assisted
        lines = np.isin(assisted.picture.origin, (Origin.FUSED, Origin.PARTNER)).sum()
        self.doubts.append(Doubt(now.steady_s, bool(assisted.trust.suspected.any()), int(lines)))

    def leaving(self, now: Now) -> Frames:
        """What is to be sent, now that it is kept."""
        frames, self.outgoing = self.gateway.leaving(self.outgoing, now.exercise_s), []
        if any(lane is not Lane.NOTE for _, lane, _ in frames):
            self._check_in_force("sends envelopes", now)
        return frames

    def _check_in_force(self, what: str, now: Now) -> None:
        """P10: the agreement itself says whether it holds at this moment by this side's clock."""
        setting = self.gateway.setting
        assert setting.agreement is not None, "drills have one"
        if not setting.agreement.holds_at(setting.epoch + timedelta(seconds=now.exercise_s)):
            self.broken.append(Broken("P10", f"{self.name} {what} under no agreement, at {now.exercise_s:.1f} s"))

    def _check_taken(self, out: Out, now: Now) -> None:
        """P10: what is taken in or applied, is so under an agreement."""
        if any(
            isinstance(record, Received) or (isinstance(record, Ticked) and record.applied) for record in out.records
        ):
            self._check_in_force("takes in what its partner says", now)

    def _kept(self, step: Step) -> None:
        """What was kept counts, and is said."""
        self._answer(step.orders)
        if step.tick is not None and step.node.durable:
            self.broken += [
                Broken("P10", f"{self.name}: {what}") for what in overdue(self.gateway, step.node, self.store)
            ]
        self.outgoing += step.out.frames
        if step.out.frames:
            self.said = step.node.links

    def _answer(self, orders: Sequence[Order]) -> None:
        """It is known what became of these words."""
        answered = set(map(id, orders))
        self.unsure = [order for order in self.unsure if id(order) not in answered]

    def _lost(self, _: StoreError, gone: list[Step]) -> None:
        """Nothing of these steps counts."""
        assert self.keeping is not None, "a station that is up"
        self.losses += 1
        self._compare_with_said(self.keeping.node)
        self.unkept += self.unsure
        self.unsure = []

    def _check_anew(self, before: Node, node: Node, out: Out) -> None:
        """P9: once a partner greets over a new line, all that waits for it leaves at once."""
        for name, link in node.links.items():
            if before.links[name].heard or not (link.heard and link.session.open):
                continue
            left = {data for _, _, data in out.frames}
            waits = [one.sequence for one in link.pending.values() if one.envelope not in left]
            if waits and len(link.pending) <= SENDS_MAX:
                self.broken.append(Broken("P9", f"{name} greets over a new line, and envelopes {waits[:5]} stay"))

    def _check_age(self, node: Node) -> None:
        """P1: after a tick nothing waits for a partner that should have been given up by then."""
        expire_s, tick_s = self.gateway.limits.expire_s, self.gateway.tick_s
        for link in node.links.values() if node.durable else ():
            for one in link.pending.values():
                if (node.tick - one.tick) * tick_s > expire_s[one.lane]:
                    self.broken.append(
                        Broken("P1", f"envelope {one.sequence} waits longer than {expire_s[one.lane]:g} s")
                    )

    def _check_order(self, node: Node, out: Out) -> None:
        """Of what leaves at once to a partner: warnings first, and in each lane the newest first."""
        if sum(lane is not Lane.NOTE for _, lane, _ in out.frames) < 2:
            return
        for link in node.links.values():
            places = {one.envelope: (int(one.lane), -one.sequence) for one in link.pending.values() if one.envelope}
            sent = [places[data] for to, lane, data in out.frames if lane is not Lane.NOTE and data in places]
            if sent != sorted(sent):
                self.broken.append(Broken("P9", f"sent in the order {sent}"))
