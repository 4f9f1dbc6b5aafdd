"""One drill: two stations, a line, two clocks and a heap of events in simulated time. No thread, no clock, no chance
but the seed's."""

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from random import Random

from detente.centre.exchange.digest import digest
from detente.centre.exchange.message import Mark
from detente.centre.exchange.offsets import Secret
from detente.centre.exchange.session import State
from detente.exercise.drill.faults import Anew, Clock, Plan, Word
from detente.exercise.drill.flaws import Flawed
from detente.exercise.drill.memory import remembering_means
from detente.exercise.drill.signing import signer_of
from detente.exercise.drill.station import Broken, Disk, FailingStore, KilledError, Station
from detente.exercise.drill.wire import SENDS_TO_SILENCE, Wire
from detente.exercise.drill.worlds import SHORT, TICK_S, Keep, Stage, agreement_keeping, drill_world, heard
from detente.gateway.logic.limits import Lane, Limits, Rate
from detente.gateway.logic.link import Gateway, Now
from detente.gateway.logic.node import Frame, LineDown, LineEvent, LineUp, Node, Order, Timer, start
from detente.gateway.store import Room
from detente.gateway.theatre import gateway_of

EVENTS_KEPT = 40
TIMER_S = 2.0
QUIET_S = 240.0  # after the faults: long enough for everything to be delivered or closed
CLOCKS_S = 60.0  # of quiet at least where a clock is wrong: several heartbeats, so that clocks are compared anew
CALM_DISK_S = 0.3  # and disks hang no longer than this
EPOCH = 7
TIMER = "timer"
ARRIVALS = [
    [[f"{side} → {1 - side} {lane.name.lower()}{how}" for how in ("", ", altered")] for lane in Lane] for side in (0, 1)
]
"""What a frame's arrival is called, by who sent it, lane, and whether the line altered it."""


def drill_limits(outbox_bytes: int, stage: Stage = SHORT) -> Limits:
    """Tighter than live ones, so that a drill meets them; but for what may wait for a tick: once a drill's ticks have
    ended, none makes room any more for what is still on its way."""
    rates = tuple(Rate(per_s=rate, burst=60.0) for rate in (10.0, 10.0, 5.0, 20.0))
    return Limits(
        frames_each=rates, outbox_bytes=outbox_bytes, snapshot_ticks=5, expire_s=stage.expire_s, horizon_s=5.0,
    )  # fmt: skip


@cache
def drill_gateway(
    name: str, outbox_bytes: int, quick: bool = False, stage: Stage = SHORT,
    within_s: tuple[float, float] | None = None, keep: Keep | None = None,
) -> Gateway:  # fmt: skip
    """One side's gateway in a drill; a ``quick`` one signs by keyed hashes, and remembers what it computed before.

    ``within_s``: from when to when the agreement holds, s from the drill's beginning; None: all the while. ``keep``:
    how long what is told may be kept; that changes nothing of what a centre computes, so one memory serves all.
    """
    if keep is not None:
        other = drill_gateway(name, outbox_bytes, quick, stage, within_s)
        assert other.setting.agreement is not None, "drills have one"
        agreement = agreement_keeping(other.setting.agreement, keep)
        return replace(other, digest=digest(agreement), setting=replace(other.setting, agreement=agreement))
    world = drill_world(stage)
    agreement = world.agreement if within_s is None else world.agreement_within(stage, within_s)
    gateway = gateway_of(
        world.played.theatre, name, agreement, mark=Mark.SIMULATED, signer=signer_of(name, quick),
        keys={other: (signer_of(other, quick).public_key(),) for other in world.names if other != name},
        secret=Secret(b"drill" * 6 + b"11"), limits=drill_limits(outbox_bytes, stage), quarantine=stage.quarantine,
    )  # fmt: skip
    return replace(gateway, means=remembering_means()) if quick else gateway


@cache
def _fresh(
    epoch: int, name: str, outbox_bytes: int, quick: bool, stage: Stage, within_s: tuple[float, float] | None,
    keep: Keep | None,
) -> Node:  # fmt: skip
    """What a side begins each drill with, and each epoch in it."""
    node = start(drill_gateway(name, outbox_bytes, quick, stage, within_s, keep), epoch)
    if keep is not None:
        node = replace(node, centre=_fresh(epoch, name, outbox_bytes, quick, stage, within_s, None).centre)
    return node


def _looked_at(station: Station) -> int:
    """How many of the partner's frames a station has read so far, whatever it thought of them."""
    links = [] if station.node is None else station.node.links.values()
    names = ("refused", "duplicates", "received", "old_notes", "unready", "beyond_window")
    return sum(link.counts.get(name, 0) for link in links for name in names)


class Simulation:
    """A drill under one plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.lot, self.disk_lot = plan, Random(plan.seed ^ 0x5EED), Random(plan.seed ^ 0xD15C)
        self.now_s, self.order, self.quiet = 0.0, 0, False
        self.heap: list[tuple[float, int, str, Callable[[], None], int]] = []
        self.trace: deque[tuple[float, str, int]] = deque(maxlen=EVENTS_KEPT)
        self.stations = [self._station(side) for side in range(2)]
        self.recorded: list[list[tuple[Lane, bytes]]] = [[], []]
        self.broken: list[Broken] = []
        self.corrupted = 0
        self.wire = None if plan.hang is None and plan.broken is None else Wire()

    def _station(self, side: int) -> Station:
        names = drill_world().names
        kills = {crash.commit: crash.after for crash in self.plan.crashes if crash.side == side}
        refusals = [one.commit for one in self.plan.refusals if one.side == side]
        within_s = None if self.plan.in_force is None else self.plan.in_force.within_s
        which = names[side], self.plan.outbox_bytes, self.plan.quick, self.plan.stage, within_s, self.plan.keep
        feed, gateway = heard(side, self.plan.lies[side], self.plan.stage), drill_gateway(*which)
        flaw = self.plan.flaw
        flawed = None if flaw is None or flaw.side != side else Flawed(gateway, flaw, lambda: self.now_s)
        return Station(
            gateway=gateway if flawed is None else flawed.gateway, flawed=flawed, feed=feed,
            fresh=lambda epoch: _fresh(epoch, *which), quick=self.plan.quick,
            goes_back=self.plan.anew is not None and self.plan.anew.copied_s is not None,
            store=FailingStore(EPOCH, kills, refusals, self.plan.stores[side]),
            begun=partial(self._commit_begins, side) if self.plan.disks[side] else None,
        )  # fmt: skip

    @property
    def story(self) -> tuple[str, ...]:
        """The last that happened, for people."""
        return tuple(
            f"{time_s:8.3f} s  {what}{f', {size} bytes' if size else ''}" for time_s, what, size in self.trace
        )  # fmt: skip

    def run(self) -> None:
        """Everything that is planned, then quiet until everything is delivered."""
        for side in range(2):
            self.stations[side].begin(self.plan.stage.first_tick, self._now(side))
            self._at(0.0, TIMER, lambda side=side: self._timer(side))
        self._at(0.0, "line up", self._line_up)
        for index in range(self.plan.stage.ticks):
            for side in range(2):
                self._at((index + 1) * TICK_S, f"{side} tick", lambda side=side: self._ticks(side))
        self._plan_faults()
        length_s = self.plan.stage.length_s
        self._until(length_s)
        self._calm()
        end = length_s + QUIET_S
        whole = max([length_s, *(cut.end_s for cut in self.plan.cuts)])  # while a cut lasts, no clocks are compared
        least = whole + CLOCKS_S if any(clock != Clock() for clock in self.plan.clocks) else length_s
        while self.now_s < end and not (self._settled() and self.now_s >= least):
            self._until(self.now_s + TIMER_S)

    def _plan_faults(self) -> None:
        for full in self.plan.full:
            self._at(full.start_s, f"{full.side} disk full", lambda full=full: self._fill(full.side, True))
            self._at(full.end_s, f"{full.side} disk has room", lambda full=full: self._fill(full.side, False))
        for word in self.plan.words:
            self._at(word.start_s, f"{word.side} {word.word}", lambda word=word: self._word(word, word.word))
            self._at(word.end_s, f"{word.side} {word.undo}", partial(self._take_back, word.side, word.undo))
        for side, lie in enumerate(self.plan.lies):
            if self.plan.pardon_s is not None and lie != "none":
                self._at(self.plan.pardon_s, f"{1 - side} pardons", partial(self._take_back, 1 - side, "release", True))
        if self.plan.hang is not None:
            self._at(self.plan.hang.start_s, f"{self.plan.hang.side} hangs", self._hang)
            self._at(self.plan.hang.end_s, f"{self.plan.hang.side} goes on", self._go_on)
        if self.plan.broken is not None and self.plan.broken.told:
            for side in range(2):
                self._at(self.plan.broken.start_s, f"{side} line down", partial(self._line_down, side))
        if self.plan.leaving is not None:
            side, at_s = self.plan.leaving.side, self.plan.leaving.at_s
            self._at(at_s, f"{side} leaves", partial(self._take_back, side, "withdraw"))
        if self.plan.anew is not None:
            self._plan_new_store(self.plan.anew)
        if self.plan.flood is not None:
            self._at(self.plan.flood.at_s, f"{self.plan.flood.side} floods", self._flood)

    def _plan_new_store(self, anew: Anew) -> None:
        side, station, copies = anew.side, self.stations[anew.side], list[FailingStore]()
        end_s = anew.at_s + anew.copy_s
        if anew.copied_s is not None:
            self._at(anew.copied_s, f"{side} store is copied", lambda: copies.append(station.store.copied()))
            self._at(anew.at_s, f"{side} store is the copy", lambda: self._replace(anew, copies.pop()))
        self._at(end_s, f"{side} store is gone", lambda: self._replace(anew, station.store.emptied(EPOCH + 1)))

    def _replace(self, anew: Anew, store: FailingStore) -> None:
        """Stop a side, and start it again with another store."""
        side = anew.side
        stood = self.stations[side].node is not None
        self.stations[side].replace_store(store)
        if stood:  # else it starts with it when it does
            self._gone(side, anew.down_s)
        else:
            self._say_again(side)

    def _gone(self, side: int, down_s: float) -> None:
        """A process is gone, and its line with it; it starts again."""
        if self.wire is not None:
            self.wire.stands[side] = False
            if self.wire.hangs == side:
                self.wire.wake()
        self._say_again(side)
        self._at(self.now_s, f"{1 - side} line down", lambda: self._line_down(1 - side))
        down_s = 0.1 if self.quiet else down_s
        self._at(self.now_s + down_s, f"{side} starts again", lambda: self._restart(side))

    def _at(self, time_s: float, what: str, action: Callable[[], None], size: int = 0) -> None:
        self.order += 1
        heapq.heappush(self.heap, (time_s, self.order, what, action, size))

    def _until(self, end_s: float) -> None:
        while self.heap and self.heap[0][0] <= end_s:
            self.now_s, _, what, action, size = heapq.heappop(self.heap)
            if what != TIMER:
                self.trace.append((self.now_s, what, size))
            action()
        self.now_s = max(self.now_s, end_s)

    def _now(self, side: int) -> Now:
        rate, ahead_s = self.plan.rate, 0.0 if self.plan.in_force is None else self.plan.in_force.ahead_s[side]
        return Now(
            steady_s=self.now_s, exercise_s=self.plan.stage.began_s + self.now_s + ahead_s,
            wall_s=rate * self.plan.clocks[side].wall_s(self.now_s), rate=rate,
        )  # fmt: skip

    def _do(self, side: int, act: Callable[[], None], came: bool = False) -> None:
        """Let a station act, by itself or at what ``came``; send what it wants sent; bury it where it dies."""
        station = self.stations[side]
        if station.node is None:
            return
        if self.wire is not None and self.wire.hangs == side:
            self.wire.backlog.append((act, came))
            return
        try:
            act()
        except KilledError:
            self._dead(side)
            return
        for _, lane, data in station.leaving(self._now(side)):
            self._send(side, lane, data)
        if station.unkept:
            self._say_again(side)

    def _run(self, side: int, event: LineEvent) -> None:
        self._do(side, lambda: self.stations[side].run(event, self._now(side)))

    def _commit_begins(self, side: int, disk: Disk) -> None:
        longest_s = min(self.plan.disks[side], CALM_DISK_S) if self.quiet else self.plan.disks[side]
        ends_s = self.now_s + self.disk_lot.uniform(0.0, longest_s)
        self._at(ends_s, f"{side} commit ends", lambda: self._commit_ends(side, disk))

    def _commit_ends(self, side: int, disk: Disk) -> None:
        station = self.stations[side]
        if station.disk is disk:  # else it died since
            self._do(side, lambda: station.commit_ends(self._now(side)))

    def _say_again(self, side: int) -> None:
        """An operator who took a word back was told, or sees, that it could not be kept."""
        station = self.stations[side]
        for order in station.unkept:
            if order.word in ("resume", "release", "withdraw"):
                again = partial(self._take_back, side, order.word, station.pardoned_s is not None)
                self._at(self.now_s + 1.0, f"{side} {order.word}, again", again)
        station.unkept.clear()

    def _ticks(self, side: int) -> None:
        """Every tick that is over and was not run yet."""
        last = self.plan.stage.first_tick + min(self.plan.stage.ticks, int(self.now_s // TICK_S)) - 1
        station = self.stations[side]
        while self._alive(side) and station.node is not None and station.node.tick < last:
            index = station.node.tick + 1
            self._do(side, lambda index=index: station.tick(index, self._now(side)))

    def _timer(self, side: int) -> None:
        if self._alive(side):
            self._run(side, Timer(crowded=self.stations[side].store.crowded))
            self._listen(side)
        self._at(self.now_s + TIMER_S, TIMER, lambda: self._timer(side))

    def _line_up(self) -> None:
        names = drill_world().names
        if self._reachable():
            for side in range(2):
                if self.wire is not None:
                    self.wire.begin(side, self.now_s)
                self._run(side, LineUp(partner=names[1 - side]))

    def _alive(self, side: int) -> bool:
        """Whether its process runs, and does something."""
        return self.stations[side].node is not None and (self.wire is None or self.wire.hangs != side)

    def _cut(self, giver: int) -> bool:
        """Whether nothing of what it sends arrives."""
        broken = self.plan.broken
        return any(cut.giver == giver and cut.start_s <= self.now_s < cut.end_s for cut in self.plan.cuts) or (
            broken is not None and broken.start_s <= self.now_s < broken.end_s
        )

    def _reachable(self) -> bool:
        """Whether a line can begin. Where nobody watches it, it stands though nothing passes."""
        watched = self.wire is not None
        return all(self._alive(side) and not (watched and self._cut(side)) for side in range(2))

    def _line_down(self, side: int) -> None:
        """A side's line is gone, and it knows."""
        if self.wire is not None:
            self.wire.stands[side] = False
        self._run(side, LineDown(partner=drill_world().names[1 - side]))

    def _listen(self, side: int) -> None:
        """As the live line does: one on which nothing is heard for too long is ended, and begun anew."""
        if self.wire is None:
            return
        if self.wire.silent(side, self.now_s, self.stations[side].gateway.limits.silent_s):
            self.trace.append((self.now_s, f"{side} ends the line: nothing is heard", 0))
            self._line_down(side)
            if self.wire.stands[1 - side] and not self._cut(side):
                self._line_down(1 - side)
        elif not self.wire.stands[side]:
            self._line_up()

    def _carried(self, side: int, lane: Lane, data: bytes) -> bool:
        """Whether there is a line for what a side sends. To one that says nothing it sends ever more seldom."""
        assert self.wire is not None, "a line that is watched"
        if self.wire.stands[side] and self.wire.hangs == 1 - side and lane is not Lane.NOTE:
            self.wire.sent[data] += 1
            if self.wire.sent[data] > SENDS_TO_SILENCE:
                self.broken.append(Broken("P4", f"{side} sends the same {self.wire.sent[data]} times into a silence"))
        return self.wire.stands[side]

    def _hang(self) -> None:
        """A side's process does nothing any more; what comes for it waits."""
        assert self.plan.hang is not None, "a planned one"
        assert self.wire is not None, "a line that is watched"
        if self.stations[self.plan.hang.side].node is not None:
            self.wire.hangs = self.plan.hang.side
            self.wire.sent.clear()

    def _go_on(self) -> None:
        """It goes on: with the ticks that are due, then with what waited for it."""
        assert self.plan.hang is not None, "a planned one"
        assert self.wire is not None, "a line that is watched"
        side, backlog = self.wire.wake()
        if side is None:
            return
        self._ticks(side)
        ended = not self.wire.stands[side]
        for act, came in backlog:
            if not (came and ended and self.plan.hang.unread):
                self._do(side, act)
        if ended:
            self._line_down(side)

    def _dead(self, side: int) -> None:
        crash = next(crash for crash in self.plan.crashes if crash.side == side)
        self.trace.append((self.now_s, f"{side} is killed at commit {self.stations[side].store.commits}", 0))
        self.stations[side].die()
        self._gone(side, crash.down_s)

    def _restart(self, side: int) -> None:
        station = self.stations[side]
        if station.node is not None:
            return
        try:
            station.begin(self.plan.stage.first_tick, self._now(side))
        except KilledError:
            self._dead(side)
            return
        self._line_up()
        self._ticks(side)
        if self.quiet:
            self._last_words(side)  # it was down when they were said

    def _fill(self, side: int, full: bool) -> None:
        self.stations[side].store.full = full

    def _word(self, word: Word, said: str) -> None:
        self._run(word.side, Order(word=said, partner=drill_world().names[1 - word.side]))

    def _take_back(self, side: int, word: str, pardons: bool = False) -> None:
        """An operator takes a word back, or ``pardons`` the partner, and says so again until it can be kept."""
        if self._deaf(side):
            self._at(self.now_s + 1.0, f"{side} {word}", partial(self._take_back, side, word, pardons))
            return
        if pardons:
            self.stations[side].pardoned_s = self.now_s
        self._run(side, Order(word=word, partner=drill_world().names[1 - side]))

    def _deaf(self, side: int) -> bool:
        """Whether a gateway is down, or its disk is full: an operator's word is not kept, and the operator is told."""
        return not self._alive(side) or self.stations[side].store.full

    def _send(self, side: int, lane: Lane, data: bytes) -> None:
        """Put a frame on the line, and let the line do to it what it does."""
        self.recorded[side].append((lane, data))
        line = self.plan.line
        if self._cut(side) or (self.wire is not None and not self._carried(side, lane, data)):
            return
        for _ in range(2 if self.lot.random() < line.duplicate else 1):
            if not self.quiet and self.lot.random() < line.drop:
                continue
            carried = data
            if not self.quiet and self.lot.random() < line.corrupt:
                carried = self._corrupted(data)
            delay_s = line.delay_s + self.lot.random() * line.jitter_s
            what = ARRIVALS[side][lane][carried is not data]
            arrive = partial(self._arrive, 1 - side, lane, carried)
            self._at(self.now_s + delay_s, what, arrive, len(data))

    def _corrupted(self, data: bytes) -> bytes:
        self.corrupted += 1
        changed = bytearray(data)
        place = self.lot.randrange(len(changed) * 8)
        changed[place // 8] ^= 1 << place % 8
        return bytes(changed)

    def _arrive(self, side: int, lane: int, data: bytes) -> None:
        if self.wire is not None:
            self.wire.heard_s[side] = self.now_s
        frame = Frame(partner=drill_world().names[1 - side], lane=int(lane), data=data)
        self._do(side, lambda: self.stations[side].run(frame, self._now(side)), came=True)

    def _flood(self) -> None:
        """Noise, old frames in any lane, and old frames cut short, all at once."""
        flood = self.plan.flood
        assert flood is not None, "a planned flood"
        station = self.stations[1 - flood.side]
        old = self.recorded[flood.side] or [(Lane.NOTE, b"")]
        before = _looked_at(station)
        for _ in range(flood.frames):
            lane, data = self.lot.choice(old)
            kind = self.lot.randrange(4)
            if kind == 0:
                data = self.lot.randbytes(self.lot.randrange(400))
            elif kind == 1:
                data = data[: self.lot.randrange(len(data) + 1)]
            elif kind == 2:
                lane = self.lot.randrange(5)
            self._arrive(1 - flood.side, lane, data)
        most = sum(rate.burst for rate in drill_limits(self.plan.outbox_bytes).frames_each)
        if station.node is not None and _looked_at(station) - before > most:
            self.broken.append(Broken("P4", f"a flood of {flood.frames} frames was read past the limit of {most:g}"))

    def _calm(self) -> None:
        """The faults are over: disks have room, all are up and exchange, operators have said their last word."""
        self.quiet = True
        for station in self.stations:
            station.store.full, station.store.room = False, Room(None)
            station.store.kills.clear()
            station.store.refusals.clear()
        for side, station in enumerate(self.stations):
            if station.node is not None and station.node.adrift:  # its log says that it must start again
                station.die()
                self._gone(side, 0.1)
            self._last_words(side)

    def _last_words(self, side: int) -> None:
        for word in self.plan.words:
            if word.side == side:
                self._word(word, word.undo)

    def _settled(self) -> bool:
        """Whether all is delivered, each has a word of the other's that it keeps, and clocks were compared at all.

        On a bad line no note may have come for long: whoever began anew has nothing yet that vouches for its partner.
        """
        nodes = [station.node for station in self.stations]
        if any(node is None for node in nodes):
            return False
        links = [link for node in nodes if node is not None for link in node.links.values()]
        kept = all(one.keeping is not None and one.keeping.sure is one.keeping.node for one in self.stations)
        over = State.ENDED, State.WITHDRAWN
        stands = all(link.session.open or link.session.state in over for link in links)
        told = all(link.base == link.next_sequence and link.skew.samples and any(link.testified) for link in links)
        heard = all(one.below == other.next_sequence for one, other in zip(links, reversed(links), strict=True))
        return kept and stands and told and heard
