"""What goes wrong in a drill: drawn whole from the seed before it begins, so that a seed replays exactly."""

from dataclasses import dataclass, replace
from random import Random

from detente.exercise.drill.flaws import PLACES, Flaw
from detente.exercise.drill.worlds import LIES, LONG, SHORT, TRIAL, Keep, Stage

LENGTH_S = SHORT.length_s
TRIAL_EVERY = 25
"""One drill of so many is long enough for a liar to be found out and set aside."""
FOUND_OUT = (1, "ghosts")
"""Who lies in trials, and how. The other side's satellites see every launch, and none that is not there."""
PARDON_S = 215.0
"""When its operator pardons it: 70 s after it is found out where nothing else goes wrong."""
SLOW_DISKS_S = ((0.0, 0.0, 0.0, 1.0, 10.0), (0.0, 0.3, 3.0, 10.0))
"""The longest that a commit takes, where nothing else befalls the disk and where something does; at most two ticks."""
STORE_BYTES = (None, None, None, None, None, 280_000)
"""How much a side's store may hold. The small one comes near it: a memory of 0.2 MB, 40 kB of the partner's."""
RATES = (1.0, 1.0, 1.0, 10.0)
"""How much faster than the line and the disks the exercise clock runs."""
IN_FORCE_S = ((-1e6, 27.5), (-1e6, 42.0), (12.5, 1e6), (7.5, 48.0))
"""From when to when the agreement holds, s from the drill's beginning, where it does not hold all the while."""
TERMS = (
    (("track", 12.0), ("launch-warning", 40.0), ("impact-prediction", 27.5)),
    (("track", 7.5), ("launch-warning", 20.0), ("impact-prediction", 20.0), ("sensor-status", 31.0)),
    (),
)
"""How long what is told may be kept, s, by what it is; what is not named, as its receiver likes."""
PLAIN_EVERY = 16
"""One drill of so many signs by Ed25519 and computes everything anew; what happens in it is the same either way."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """How the line treats frames, both ways."""

    delay_s: float = 0.05
    jitter_s: float = 0.0  # more than the time between frames reorders them
    drop: float = 0.0
    duplicate: float = 0.0
    corrupt: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Nothing of what ``giver`` sends arrives from ``start_s`` to ``end_s``; the line does not say so."""

    giver: int
    start_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True)
class Crash:
    """A side is killed at its commit number ``commit``, before or after it is kept, and starts again later."""

    side: int
    commit: int
    after: bool
    down_s: float


@dataclass(frozen=True, kw_only=True)
class FullDisk:
    """A side's store refuses everything for a while."""

    side: int
    start_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A side's disk refuses its commit number ``commit``, once: what was made since it began is lost with it."""

    side: int
    commit: int


@dataclass(frozen=True, kw_only=True)
class Clock:
    """A side's wall clock: off by ``offset_s``, and by ``step_s`` more from ``step_at_s``."""

    offset_s: float = 0.0
    step_at_s: float = 0.0
    step_s: float = 0.0

    def wall_s(self, true_s: float) -> float:
        """What it shows."""
        return true_s + self.offset_s + (self.step_s if true_s >= self.step_at_s else 0.0)


@dataclass(frozen=True, kw_only=True)
class Flood:
    """A side sends far more than it may: noise, and copies of what it sent before."""

    side: int
    at_s: float
    frames: int


@dataclass(frozen=True, kw_only=True)
class Word:
    """An operator's word, and its opposite later."""

    side: int
    word: str
    undo: str
    start_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True)
class Hang:
    """A side's process does nothing at all for a while, and holds its line open.

    ``unread``: what had come for it when its partner ended the line is lost with that.
    """

    side: int
    start_s: float
    end_s: float
    unread: bool


@dataclass(frozen=True, kw_only=True)
class Break:
    """Nothing of either side's arrives for so long that what waits expires. Where they are ``told``, both know."""

    start_s: float
    end_s: float
    told: bool


@dataclass(frozen=True, kw_only=True)
class InForce:
    """The agreement holds ``within_s`` alone, by each side's exercise clock: ``ahead_s`` of the true one."""

    within_s: tuple[float, float]
    ahead_s: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """A side leaves the exchange."""

    side: int
    at_s: float


@dataclass(frozen=True, kw_only=True)
class Anew:
    """A side's store is gone: it is stopped, and starts again with an empty one, in a new epoch.

    With ``copied_s`` a copy is put back first, of the store as it was then; it is taken away ``copy_s`` later.
    """

    side: int
    at_s: float
    down_s: float
    copied_s: float | None = None
    copy_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that goes wrong in one drill."""

    seed: int
    line: Line = Line()
    cuts: tuple[Cut, ...] = ()
    crashes: tuple[Crash, ...] = ()
    full: tuple[FullDisk, ...] = ()
    disks: tuple[float, float] = (0.0, 0.0)
    """The longest that each side's disk takes for a commit, s: what is made meanwhile is kept by the next, together."""
    refusals: tuple[Refusal, ...] = ()
    stores: tuple[int | None, int | None] = (None, None)
    """The most that each side's store holds until the faults are over, bytes."""
    clocks: tuple[Clock, Clock] = (Clock(), Clock())
    rate: float = 1.0
    """Exercise seconds that both sides' clocks count in one of the line's."""
    flood: Flood | None = None
    lies: tuple[str, str] = ("none", "none")
    words: tuple[Word, ...] = ()
    outbox_bytes: int = 64_000_000
    in_force: InForce | None = None  # None: the agreement holds all the while
    anew: Anew | None = None
    keep: Keep | None = None  # None: what is told may be kept for ever
    leaving: Leaving | None = None
    flaw: Flaw | None = None
    hang: Hang | None = None
    broken: Break | None = None
    stage: Stage = SHORT
    pardon_s: float | None = None  # in a trial: when the liar's victim says that it believes it again
    quick: bool = False  # signs by keyed hashes and remembers what it computed in other drills


def draw(seed: int) -> Plan:
    """The plan of a seed."""
    lot = Random(seed)

    def chance(share: float) -> bool:
        return lot.random() < share

    def span(longest_s: float) -> tuple[float, float]:
        start = lot.uniform(0.0, LENGTH_S)
        return start, start + lot.uniform(1.0, longest_s)

    line = Line(
        delay_s=lot.uniform(0.01, 0.5), jitter_s=lot.choice((0.0, 0.5, 6.0)),
        drop=lot.choice((0.0, 0.05, 0.4)), duplicate=lot.choice((0.0, 0.05, 0.3)),
        corrupt=lot.choice((0.0, 0.0, 0.05, 0.2)),
    )  # fmt: skip
    cuts = [Cut(giver=lot.randrange(2), start_s=a, end_s=b) for a, b in _spans(span, 60.0, lot.choice((0, 0, 1, 3)))]
    if chance(0.2):
        a, b = span(60.0)
        cuts += [Cut(giver=side, start_s=a, end_s=b) for side in (0, 1)]
    crashes = [
        Crash(side=lot.randrange(2), commit=lot.randint(1, 60), after=chance(0.5), down_s=lot.uniform(0.0, 20.0))
        for _ in range(lot.choice((0, 0, 1, 2)))
    ]
    full = [FullDisk(side=lot.randrange(2), start_s=a, end_s=b) for a, b in _spans(span, 30.0, int(chance(0.2)))]
    flood = Flood(side=lot.randrange(2), at_s=lot.uniform(10.0, LENGTH_S), frames=400) if chance(0.1) else None
    lies = ["none", "none"]
    if chance(0.25):
        lies[lot.randrange(2)] = lot.choice(LIES[1:])
    clocks = tuple(_clock(lot) if chance(0.25) else Clock() for _ in range(2))
    words = []
    if chance(0.15):
        word, undo = lot.choice((("pause", "resume"), ("quarantine", "release")))
        a, b = span(30.0)
        words.append(Word(side=lot.randrange(2), word=word, undo=undo, start_s=a, end_s=b))
    plan = Plan(
        seed=seed, line=line, cuts=tuple(cuts), crashes=tuple(crashes), full=tuple(full),
        clocks=(clocks[0], clocks[1]), flood=flood, lies=(lies[0], lies[1]), words=tuple(words),
        outbox_bytes=lot.choice((64_000_000, 64_000_000, 12_000)), quick=seed % PLAIN_EVERY != 0,
    )  # fmt: skip
    plan = _with_slow_disks(replace(plan, rate=Random(seed ^ 0x8A7E).choice(RATES)))
    plan = _within_an_agreement(plan)
    plan = _with_a_new_store(plan) if plan.in_force is None else plan
    plan = _with_a_silence(_with_a_flaw(_with_terms(plan)))
    if seed % TRIAL_EVERY == TRIAL_EVERY // 2:
        return _trial(plan)
    return plan if plan.broken is not None else _with_small_stores(plan)


def _with_slow_disks(plan: Plan) -> Plan:
    """How slow each side's disk is, oftener so where something else befalls it, and which commits it refuses.

    By a lot of its own: the other faults of a seed are what they were before there were slow disks.
    """
    lot = Random(~plan.seed)
    struck = {one.side for one in (*plan.crashes, *plan.full)}
    disks = tuple(lot.choice(SLOW_DISKS_S[side in struck]) for side in range(2))
    refusals = [
        Refusal(side=side, commit=lot.randint(5, 40)) for side in range(2) if disks[side]
        for _ in range(lot.choice((0, 0, 1, 2)))
    ]  # fmt: skip
    return replace(plan, disks=(disks[0], disks[1]), refusals=tuple(refusals))


def _with_small_stores(plan: Plan) -> Plan:
    """How much each side's store holds: by a lot of its own, too."""
    lot = Random(plan.seed ^ 0x512E)
    stores = tuple(lot.choice(STORE_BYTES) for _ in range(2))
    return replace(plan, stores=(stores[0], stores[1]))


def _within_an_agreement(plan: Plan) -> Plan:
    """One drill in eight in which the agreement begins or ends. By a lot of its own, as above."""
    lot = Random(plan.seed ^ 0xE4D)
    if lot.random() >= 0.125:
        return plan
    ahead_s = lot.choice((0.0, 0.0, 2.0)), lot.choice((0.0, 0.0, -2.0))
    return replace(plan, in_force=InForce(within_s=lot.choice(IN_FORCE_S), ahead_s=ahead_s))


def _with_a_new_store(plan: Plan) -> Plan:
    """One drill in ten in which a side's store is gone, after a copy of it in half of these. By a lot of its own."""
    lot = Random(plan.seed ^ 0xA4E)
    if lot.random() >= 0.1:
        return plan
    at_s, down_s, copied = lot.uniform(5.0, 45.0), lot.uniform(0.0, 10.0), lot.random() < 0.5
    copied_s, copy_s = (lot.uniform(0.0, at_s), lot.uniform(1.0, LENGTH_S - at_s)) if copied else (None, 0.0)
    anew = Anew(side=lot.randrange(2), at_s=at_s, down_s=down_s, copied_s=copied_s, copy_s=copy_s)
    return replace(plan, anew=anew)


def _with_terms(plan: Plan) -> Plan:
    """One drill in four in which what is told may not be kept for ever; in half of these a side leaves.

    By a lot of its own.
    """
    lot = Random(plan.seed ^ 0x7E2A5)
    if lot.random() >= 0.25:
        return plan
    keep = Keep(retention_s=lot.choice(TERMS), after=lot.choice(("kept", "deleted")))
    leaves, leaving = lot.random() < 0.5, Leaving(side=lot.randrange(2), at_s=lot.uniform(15.0, 50.0))
    return replace(plan, keep=keep, leaving=leaving if leaves else None)


def _with_a_flaw(plan: Plan) -> Plan:
    """One drill in six in which something of a side's partners' half meets a fault of ours. By a lot of its own."""
    lot = Random(plan.seed ^ 0xF1A3)
    if lot.random() >= 1.0 / 6.0:
        return plan
    start_s = lot.uniform(0.0, 50.0)
    end_s = min(LENGTH_S, start_s + lot.uniform(3.0, 30.0))
    flaw = Flaw(side=lot.randrange(2), place=lot.choice(PLACES), start_s=start_s, end_s=end_s, once=lot.random() < 0.4)
    return replace(plan, flaw=flaw)


def _with_a_silence(plan: Plan) -> Plan:
    """One drill in ten in which a side's process hangs, and one in thirty with a long break. By a lot of its own."""
    lot = Random(plan.seed ^ 0x51E4)
    kind, start_s = lot.random(), lot.uniform(5.0, 45.0)
    if kind < 0.1:
        end_s = min(LENGTH_S, start_s + lot.uniform(5.0, 45.0))
        return replace(plan, hang=Hang(side=lot.randrange(2), start_s=start_s, end_s=end_s, unread=lot.random() < 0.5))
    if kind < 0.1 + 1.0 / 30.0:
        broken = Break(start_s=start_s, end_s=start_s + lot.uniform(65.0, 120.0), told=lot.random() < 0.5)
        return replace(plan, broken=broken, stage=LONG, in_force=None)
    return plan


def _trial(plan: Plan) -> Plan:
    """The same faults, all in the first minute, and a liar; its victim's operator believes it again once.

    But for the victim's disk, which is never full: while it is, nothing of a partner's is heard, and who heard nothing
    while the missiles rose finds a liar out only minutes later.
    """
    liar, lie = FOUND_OUT
    lies = ("none", lie) if liar else (lie, "none")
    full = tuple(one for one in plan.full if one.side == liar)
    return replace(
        plan, stage=TRIAL, lies=lies, full=full, outbox_bytes=64_000_000, in_force=None, anew=None, keep=None,
        leaving=None, flaw=None, hang=None, broken=None, pardon_s=PARDON_S,
    )  # fmt: skip


def _spans(span, longest_s: float, count: int) -> list[tuple[float, float]]:
    return [span(longest_s) for _ in range(count)]


def _clock(lot: Random) -> Clock:
    step_s = lot.choice((0.0, 0.0, -30.0, 600.0))
    return Clock(
        offset_s=lot.choice((-3600.0, -2.0, 0.1, 5.0, 3600.0)), step_at_s=lot.uniform(0.0, LENGTH_S), step_s=step_s
    )
