"""Release under the agreement: which own tracks are told to whom, when, how coarsely, and why the rest are not."""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from detente.centre.exchange import _kernels, _kernels_coarsen, _kernels_identity
from detente.centre.exchange.offsets import Secret, secret_numbers
from detente.centre.exchange.rules import OF_TRACKS, PERIODS_S, Rules, columns_of, given
from detente.centre.exchange.sensor_status import Sampled, sample
from detente.records.slots import Bytes, Estimates, Floats, Ints, SensorStatus, Slots, Tracks
from detente.records.stages import Messages, Releases
from detente.scenario.agreement import DataClass

Rows = TypeVar("Rows", Messages, Releases)


class ReleaseReason(IntEnum):
    """Why a message left or did not, from farthest from release to release."""

    NO_CLAUSE = _kernels.NO_CLAUSE  # no clause speaks of this class to this receiver
    NOT_IN_FORCE = _kernels.NOT_IN_FORCE  # before the agreement's start, after its end, or expired while delayed
    NO_ESTIMATE = _kernels.NO_ESTIMATE  # nothing to say yet: no launch or impact estimate
    ONWARD = _kernels.ONWARD  # a sensor that is not the giver's contributed, and nothing is passed on
    OWNER_WITHHELD = _kernels.OWNER_WITHHELD  # a sensor whose owner withholds contributed
    PHASE = _kernels.PHASE  # not in a phase that the clause names
    IMPACT_ELSEWHERE = _kernels.IMPACT_ELSEWHERE  # impact unknown, or not probable enough where the clause asks
    ZONE = _kernels.ZONE  # launch, object or impact outside the zone that the clause names, or unknown
    RANGE_CLASS = _kernels.RANGE_CLASS  # not of a class of range that the clause names, or unknown
    RATE = _kernels.RATE  # too soon after the last one
    OVERFLOW = _kernels.OVERFLOW  # shed: too many delayed messages waited
    DELAYED = _kernels.DELAYED  # sampled, and waiting for its delay to pass
    RELEASED = _kernels.RELEASED


WITHHELD_REASONS = (
    ReleaseReason.NOT_IN_FORCE, ReleaseReason.ONWARD, ReleaseReason.OWNER_WITHHELD, ReleaseReason.PHASE,
    ReleaseReason.IMPACT_ELSEWHERE, ReleaseReason.ZONE, ReleaseReason.RANGE_CLASS, ReleaseReason.RATE,
    ReleaseReason.OVERFLOW,
)  # fmt: skip
"""Reasons of a clause that count as withholding. NO_CLAUSE is counted apart; NO_ESTIMATE withholds nothing."""

PENDING_MAX = 4096
"""Delayed messages that one replicate may hold; more are shed and counted. Source: assumption, range 1,000–100,000:
a minute's delay of a 1,000-object raid told every 15 seconds, and under 2 MB."""

LOST_MIN, LOST_SHARE = 64, 2
"""Lost tracks that one replicate remembers: so many, or as many times its slots, so that all may be lost at once, and
again. The oldest is forgotten first. Source: assumption, ranges 16–1,000 and 1–4."""


@dataclass(frozen=True, kw_only=True)
class Identity(Slots):
    """The number that keys each track's secret offsets, and those of tracks that were lost."""

    key: Ints  # (R, S) 0 before a track is confirmed
    motion: Floats  # (R, S, 5) what a free flight keeps
    lost_key: Ints  # (R, L) 0 where none; L lost tracks are remembered
    lost_motion: Floats  # (R, L, 5)
    lost_s: Floats  # (R, L)


@dataclass(frozen=True, kw_only=True)
class ReleaseState(Slots):
    """What one giver's exchange remembers between ticks. R replicates, S slots, C clauses."""

    replicates: Ints  # (R,) their numbers in the study: part of the secret offsets' address
    number: Ints  # (R, S) track that each slot's memory is about
    due_s: Floats  # (R, S) next moment of the yardstick stream
    served: Bytes  # (R, S, sides, 3) 1 where something left since the last one, by receiver and class
    turn_s: Floats  # (R, S, 3, rates) last turn of each rate to speak of the track, by class
    identity: "Identity"  # whose offset is whose, kept only where a clause coarsens
    pending: Messages  # sampled and waiting, in order of row, then sampling; ``released_s`` is the earliest release
    counts: Ints  # (R, C, reasons) decisions so far; RELEASED is messages that left
    status_turn_s: Floats  # (R, rates) last turn of each rate to speak of sensors
    no_clause: Ints  # (R, sides, 3) withheld because no clause speaks of that class to that receiver

    @property
    def released_messages(self) -> Ints:
        """Messages that left so far, by replicate. (R,)"""
        return self.counts[:, :, ReleaseReason.RELEASED].sum(axis=1)

    @property
    def withheld_messages(self) -> Ints:
        """Messages due on the yardstick stream that did not leave so far, by replicate. (R,)"""
        return self.counts[:, :, list(WITHHELD_REASONS)].sum(axis=(1, 2)) + self.no_clause.sum(axis=(1, 2))

    @property
    def overflow(self) -> Ints:
        """Delayed messages shed so far for want of room, by replicate. (R,)"""
        return self.counts[:, :, ReleaseReason.OVERFLOW].sum(axis=1)


def initial(rules: Rules, replicates: NDArray[np.int64], slots: int) -> ReleaseState:
    """The memory of an exchange that has said nothing yet, for ``replicates`` (R,) by their numbers.

    ``slots``: how many the tracks to come have.
    """
    rows, clauses = len(replicates), len(rules.names)
    return ReleaseState(
        replicates=np.array(replicates, np.int64),
        number=np.zeros((rows, slots), np.int64),
        due_s=np.full((rows, slots), _kernels.NEVER_S),
        served=np.zeros((rows, slots, rules.sides, _kernels.CLASSES), np.uint8),
        turn_s=np.full((rows, slots, _kernels.CLASSES, len(PERIODS_S)), _kernels.NEVER_S),
        identity=_no_identity(rows, slots),
        pending=Messages.empty(),
        counts=np.zeros((rows, clauses, _kernels.REASONS), np.int64),
        status_turn_s=np.full((rows, len(PERIODS_S)), _kernels.NEVER_S),
        no_clause=np.zeros((rows, rules.sides, _kernels.CLASSES), np.int64),
    )


def renewed(state: ReleaseState, rules: Rules) -> ReleaseState:
    """The memory of an exchange whose agreement was replaced: nothing was said or waits under the new one.

    Whose offset is whose is still known, and so are the turns of rates: a new agreement averages nothing away.
    """
    fresh = initial(rules, state.replicates, state.number.shape[1])
    return replace(
        fresh, number=state.number, due_s=state.due_s, turn_s=state.turn_s, status_turn_s=state.status_turn_s,
        identity=state.identity,
    )  # fmt: skip


def _no_identity(rows: int, slots: int) -> Identity:
    motions, lost = _kernels_identity.MOTIONS, max(LOST_MIN, LOST_SHARE * slots)
    return Identity(
        key=np.zeros((rows, slots), np.int64), motion=np.zeros((rows, slots, motions)),
        lost_key=np.zeros((rows, lost), np.int64), lost_motion=np.zeros((rows, lost, motions)),
        lost_s=np.full((rows, lost), _kernels.NEVER_S),
    )  # fmt: skip


def release(
    state: ReleaseState, tracks: Tracks, estimates: Estimates, rules: Rules, giver: int, sensors_of_giver: int,
    secret: Secret, now_s: float, *, record: bool = False, status: SensorStatus | None = None,
) -> tuple[Messages, Releases, ReleaseState]:  # fmt: skip
    """What this side tells its partners now, and the decisions behind it.

    Every confirmed own track is judged by every clause of ``giver``. A message speaks of ``tracks.time_s``; with a
    delay it is sampled (and coarsened) at that moment and leaves at the first call with ``now_s`` at or past it plus
    the delay, if the agreement still holds. A clause samples a track at the turns of its rate (``PERIODS_S``), counted
    among the moments at which there is anything of its class to say, before any condition is asked: what is withheld
    at its turn waits for the next. ``Messages.replicate`` is the row, 0 … R-1.

    Withholding is counted against one yardstick: a stream that tells each confirmed track, by class, to each other
    side every 10 s from its confirmation. At each such moment, a class of which nothing was sampled for that receiver
    since the last one is one withheld message, with the reason of the clause that came nearest to releasing it.
    ``Releases`` holds a row for every count if ``record``, else none. ``secret`` keys the offsets that coarsen.
    ``status``: how the giver's own sensors are, told under clauses about them; not given, nothing is told of sensors.
    """
    assert state.number.shape == tracks.number.shape, "slots of the state and of the tracks differ"
    assert tracks.time_s <= now_s, "a track cannot speak of what has not happened yet"
    now_in_force = rules.in_force_at(now_s) and rules.in_force_at(tracks.time_s)
    new, verdict, withheld, withheld_clause = _decided(
        state, tracks, estimates, rules, giver, sensors_of_giver, now_in_force
    )
    rows = np.nonzero(verdict >= ReleaseReason.DELAYED)
    sampled = _sampled(new, tracks, estimates, rules, giver, secret, rows)
    leaves_now, held = verdict[rows] == ReleaseReason.RELEASED, Messages.empty()
    if status is not None:
        said = sample(status, rules, giver, state.status_turn_s, float(tracks.time_s))
        new, held = _with_status(new, said, rules), said.withheld
        leaves_now = np.concatenate([leaves_now, rules.delay_s[said.messages.clause] <= 0.0])
        sampled = Messages.concatenate([sampled, said.messages])
    delayed = Messages.empty() if leaves_now.all() else sampled.take(~leaves_now)
    queue = _queue_after(state.pending, delayed, len(state.number), rules, now_s)
    prompt = sampled.take(leaves_now) if len(delayed) else sampled
    messages = _told(queue.ripe, prompt, now_s)
    new = replace(new, pending=queue.pending, counts=_counted(new.counts, queue))
    if not record:
        return messages, Releases.empty(), new
    parts = [
        _decisions(messages, now_s, ReleaseReason.RELEASED),
        _decisions(delayed, now_s, ReleaseReason.DELAYED),
        _decisions(queue.expired, now_s, ReleaseReason.NOT_IN_FORCE),
        _decisions(queue.shed, now_s, ReleaseReason.OVERFLOW),
        _decisions(held, now_s, ReleaseReason.OWNER_WITHHELD),
        _withholdings(tracks, withheld, withheld_clause, giver, now_s),
    ]
    return messages, _by_replicate(Releases.concatenate(parts)), new


def _decided(
    state: ReleaseState, tracks: Tracks, estimates: Estimates, rules: Rules, giver: int, sensors_of_giver: int,
    in_force: bool,
) -> tuple[ReleaseState, NDArray, NDArray, NDArray]:  # fmt: skip
    """The memory after this tick's decisions, the verdicts (R, S, C), and what was withheld by which clause."""
    due_s, turn_s, served = np.zeros_like(state.due_s), np.zeros_like(state.turn_s), np.zeros_like(state.served)
    verdict = np.zeros((*tracks.number.shape, len(rules.names)), np.uint8)
    withheld, withheld_clause = np.zeros(state.served.shape, np.uint8), np.full(state.served.shape, -1)
    counts, no_clause = state.counts.copy(), state.no_clause.copy()
    _kernels.decide(
        float(tracks.time_s), int(in_force), giver, np.uint64(sensors_of_giver),
        given(tracks.status, np.uint8), given(tracks.number, np.int64), given(tracks.phase, np.uint8),
        given(tracks.sensors, np.uint64), given(tracks.mean, np.float64),
        given(estimates.launch_valid, np.uint8), given(estimates.launch_lat_rad, np.float64),
        given(estimates.launch_lon_rad, np.float64), given(estimates.impact_valid, np.uint8),
        given(estimates.impact_lat_rad, np.float64), given(estimates.impact_lon_rad, np.float64),
        given(estimates.threat_probability, np.float64),
        _carried_by(rules, giver), *columns_of(rules), rules.zones, rules.sensors_withheld, rules.parties, PERIODS_S,
        state.number, state.due_s, state.served, state.turn_s,
        due_s, served, turn_s, verdict, withheld, withheld_clause, counts, no_clause,
    )  # fmt: skip
    new = replace(
        state, number=np.array(tracks.number), due_s=due_s, served=served, turn_s=turn_s, counts=counts,
        no_clause=no_clause, identity=_followed(state, tracks) if _coarse(rules, giver).any() else state.identity,
    )  # fmt: skip
    return new, verdict, withheld, withheld_clause


def _carried_by(rules: Rules, giver: int) -> NDArray[np.int64]:
    """This giver's clauses that a message about a track can carry."""
    return given(np.flatnonzero((rules.giver == giver) & np.isin(rules.data, OF_TRACKS)), np.int64)


def _with_status(new: ReleaseState, said: Sampled, rules: Rules) -> ReleaseState:
    """The memory with what was decided about sensors."""
    counts = new.counts.copy()
    reasons = np.where(rules.delay_s[said.messages.clause] > 0.0, ReleaseReason.DELAYED, ReleaseReason.RELEASED)
    np.add.at(counts, (said.messages.replicate, said.messages.clause, reasons), 1)
    np.add.at(counts, (said.withheld.replicate, said.withheld.clause, int(ReleaseReason.OWNER_WITHHELD)), 1)
    return replace(new, counts=counts, status_turn_s=said.turn_s)


def _coarse(rules: Rules, giver: int) -> NDArray[np.bool_]:
    """The clauses of this giver that take detail away. (C,)"""
    amount = rules.sigma_position_m + rules.sigma_velocity_m_s + rules.grid_m + rules.time_step_s
    return (amount > 0.0) & (rules.giver == giver)


def _followed(state: ReleaseState, tracks: Tracks) -> Identity:
    """Whose offset is whose at this tick."""
    old = state.identity
    key, motion = np.zeros_like(old.key), np.zeros_like(old.motion)
    lost = old.lost_key.copy(), old.lost_motion.copy(), old.lost_s.copy()
    _kernels_identity.follow(
        float(tracks.time_s), given(tracks.status, np.uint8), given(tracks.number, np.int64),
        given(tracks.mean, np.float64), state.number, old.key, old.motion, key, motion, *lost,
    )  # fmt: skip
    return Identity(key=key, motion=motion, lost_key=lost[0], lost_motion=lost[1], lost_s=lost[2])


def _sampled(
    state_after: ReleaseState, tracks: Tracks, estimates: Estimates, rules: Rules, giver: int, secret: Secret,
    rows: tuple[NDArray, ...],
) -> Messages:  # fmt: skip
    """Messages about these (row, slot, clause), each holding what its class carries, coarsened as its clause says."""
    r, s, clause = (np.asarray(axis, np.int64) for axis in rows)
    data = rules.data[clause]
    state, covariance = np.zeros((len(r), 6)), np.zeros((len(r), 21))
    launch, impact = np.zeros((len(r), 4)), np.zeros((len(r), 7))
    columns = (
        tracks.mean, tracks.covariance, estimates.launch_lat_rad, estimates.launch_lon_rad, estimates.launch_s,
        estimates.launch_sigma_m, estimates.impact_lat_rad, estimates.impact_lon_rad, estimates.impact_s,
        estimates.impact_sigma_s, estimates.impact_covariance_m2,
    )  # fmt: skip
    _kernels.gather(r, s, data, *(given(column, np.float64) for column in columns), state, covariance, launch, impact)
    coarser = _coarse(rules, giver)[clause]
    if coarser.any():
        parts = (state, covariance, launch, impact)
        _coarsen(state_after.replicates[r], state_after.identity.key[r, s], clause, data, giver, secret, rules, parts)
    count = len(r)
    return Messages(
        replicate=r, giver=np.full(count, giver), receiver=rules.receiver[clause], data=data, clause=clause,
        released_s=tracks.time_s + rules.delay_s[clause], valid_s=np.full(count, float(tracks.time_s)),
        number=tracks.number[r, s], phase=tracks.phase[r, s], state=state, covariance=covariance,
        sensors=tracks.sensors[r, s], coarsened=coarser,
        launch_valid=data == DataClass.LAUNCH_WARNING,
        launch_lat_rad=launch[:, 0], launch_lon_rad=launch[:, 1], launch_s=launch[:, 2],
        launch_sigma_m=launch[:, 3],
        impact_valid=data == DataClass.IMPACT_PREDICTION,
        impact_lat_rad=impact[:, 0], impact_lon_rad=impact[:, 1], impact_s=impact[:, 2],
        impact_sigma_s=impact[:, 3], impact_covariance_m2=impact[:, 4:],
    )  # fmt: skip


def _coarsen(
    replicate: NDArray, key: NDArray, clause: NDArray, data: NDArray, giver: int, secret: Secret, rules: Rules,
    parts: tuple[NDArray, ...],
) -> None:  # fmt: skip
    """Take away from freshly gathered messages what their clauses say; ``parts`` are changed in place."""
    amounts = (rules.sigma_position_m, rules.sigma_velocity_m_s, rules.grid_m, rules.time_step_s)
    # The amount is part of what keys an offset: two clauses that coarsen by the same amount move a track by the same
    # offset, and neither two receivers nor two messages can average it away.
    numbers = secret_numbers(secret, giver, replicate, key, clause, data, np.stack(amounts, axis=1))
    _kernels_coarsen.coarsen(clause, data, *amounts, numbers, *parts)


def _by_replicate(table: Rows) -> Rows:
    """In order of replicate, otherwise as the rows stand: a replicate's rows keep their order whatever the batch."""
    return table.take(np.argsort(table.replicate, kind="stable"))


def _told(ripe: Messages, prompt: Messages, now_s: float) -> Messages:
    """What leaves now: what waited long enough, then what need not wait."""
    messages = _by_replicate(Messages.concatenate([ripe, prompt]) if len(ripe) else prompt)
    return replace(messages, released_s=np.full(len(messages), now_s))


@dataclass(frozen=True)
class _Queue:
    """The delayed messages after a tick, sorted by what becomes of them."""

    pending: Messages
    ripe: Messages  # leave now
    expired: Messages  # would leave now, but the agreement ended
    shed: Messages  # there was no room for them


def _queue_after(pending: Messages, delayed: Messages, rows: int, rules: Rules, now_s: float) -> _Queue:
    """Queue what was sampled behind what waits, then take out what is due. Each replicate has its own room."""
    nothing = Messages.empty()
    if not len(pending) and not len(delayed):
        return _Queue(pending, nothing, nothing, nothing)
    waiting = _by_replicate(Messages.concatenate([pending, delayed]))
    first = np.searchsorted(waiting.replicate, np.arange(rows))
    place = np.arange(len(waiting)) - first[waiting.replicate]
    shed, waiting = waiting.take(place >= PENDING_MAX), waiting.take(place < PENDING_MAX)
    due = waiting.released_s <= now_s + _kernels.TOLERANCE_S
    ripe, waiting = waiting.take(due), waiting.take(~due)
    if rules.in_force_at(now_s):
        return _Queue(waiting, ripe, nothing, shed)
    return _Queue(waiting, nothing, ripe, shed)


def _counted(counts: Ints, queue: _Queue) -> Ints:
    """The counts with what came of delayed messages added; the kernel has counted the rest."""
    counts = counts.copy()
    for messages, reason in (
        (queue.ripe, ReleaseReason.RELEASED),
        (queue.expired, ReleaseReason.NOT_IN_FORCE),
        (queue.shed, ReleaseReason.OVERFLOW),
    ):
        np.add.at(counts, (messages.replicate, messages.clause, int(reason)), 1)
    return counts


def _decisions(messages: Messages, now_s: float, reason: ReleaseReason) -> Releases:
    """A row of the releases table for each of these messages."""
    count = len(messages)
    return Releases(
        replicate=messages.replicate, time_s=np.full(count, now_s), giver=messages.giver, receiver=messages.receiver,
        number=messages.number, data=messages.data, clause=messages.clause,
        released=np.full(count, reason == ReleaseReason.RELEASED), reason=np.full(count, int(reason)),
    )  # fmt: skip


def _withholdings(
    tracks: Tracks, withheld: NDArray, withheld_clause: NDArray, giver: int, now_s: float
) -> Releases:  # fmt: skip
    """A row for each message that was due on the yardstick stream and did not leave."""
    r, s, receiver, kind = np.nonzero(withheld)
    return Releases(
        replicate=r, time_s=np.full(len(r), now_s), giver=np.full(len(r), giver), receiver=receiver,
        number=tracks.number[r, s], data=kind + int(DataClass.LAUNCH_WARNING),
        clause=withheld_clause[r, s, receiver, kind], released=np.zeros(len(r)), reason=withheld[r, s, receiver, kind],
    )  # fmt: skip
