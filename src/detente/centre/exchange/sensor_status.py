"""How a side's sensors are, as it declares it: coarse, told under clauses like all else, and kept as heard."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detente.centre.exchange.rules import PERIODS_S, Rules
from detente.records.slots import Bytes, DetectionKind, Floats, Ints, SensorState, SensorStatus, SensorSuite
from detente.records.stages import Messages
from detente.scenario.agreement import DataClass

ANGLE_STEP_RAD = np.radians(5.0)
"""Declared sectors are whole multiples of this, never wider than the true ones. Source: assumption, 1 to 15 degrees."""
RANGE_STEP_M = 50_000.0
"""Likewise of ranges. Source: assumption, 10 to 200 km."""
TOLERANCE_S = 1e-6
ROUNDING = 1e-9  # of a step: what sums of doubles leave


@dataclass(frozen=True)
class Sampled:
    """Statuses that a clause lets be told: messages, their sensors' rows, and those that an owner withholds."""

    messages: Messages
    withheld: Messages  # likewise, of sensors whose owner does not consent: they stay
    turn_s: Floats  # (R, rates) last turn of each rate


def nothing_declared(rows: int, sensors: int) -> SensorStatus:
    """Of n sensors in R replicates nobody has said anything."""
    return SensorStatus(
        state=np.zeros((rows, sensors), np.uint8), stated_s=np.zeros((rows, sensors)),
        sector=np.zeros((rows, sensors, 5)),
    )  # fmt: skip


def declaration(suite: SensorSuite, side: int, states: Bytes | None = None) -> SensorStatus:
    """What a side can say of its own sensors: their ``states`` (n,), all UP where not given, and coarse sectors.

    A sector is cut down to whole steps inside the true one, so that nobody learns its edges and nobody is held to
    more than it watches. Of others' sensors it says nothing.
    """
    own = suite.side == side
    told = np.full(len(suite.kind), SensorState.UP, np.uint8) if states is None else np.asarray(states, np.uint8)
    rows = suite.revisit_s.shape[0]
    state = np.broadcast_to(np.where(own, told, SensorState.UNKNOWN).astype(np.uint8), (rows, len(own))).copy()
    works = (suite.kind == DetectionKind.RADAR) & own & np.isin(told, (SensorState.UP, SensorState.DEGRADED))
    sector = coarse_sectors(suite) * works[:, None]
    return SensorStatus(state=state, stated_s=np.zeros(state.shape), sector=sector)


def coarse_sectors(suite: SensorSuite) -> Floats:
    """(R, n, 5): boresight, half width, lowest and highest elevation (rad) and range (m), in whole steps, inside."""
    rows = suite.revisit_s.shape[0]
    out = np.zeros((rows, len(suite.kind), 5))
    boresight = ANGLE_STEP_RAD * np.rint(suite.boresight_rad / ANGLE_STEP_RAD)
    off = np.abs(boresight - suite.boresight_rad)
    all_round = suite.sector_half_width_rad >= np.pi
    width = _down(suite.sector_half_width_rad - off, ANGLE_STEP_RAD)
    out[..., 0] = np.where(all_round, 0.0, np.arctan2(np.sin(boresight), np.cos(boresight)))
    out[..., 1] = np.where(all_round, np.pi, np.maximum(width, 0.0))
    out[..., 2] = -_down(-suite.elevation_min_rad, ANGLE_STEP_RAD)
    out[..., 3] = np.maximum(_down(suite.elevation_max_rad, ANGLE_STEP_RAD), out[..., 2])
    out[..., 4] = _down(suite.instrumented_range_m, RANGE_STEP_M)
    return out


def _down(values: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    return step * np.floor(values / step + ROUNDING)


def sample(status: SensorStatus, rules: Rules, giver: int, turn_s: Floats, now_s: float) -> Sampled:
    """What every clause about sensors' status lets this giver say now, one message a sensor and clause; (R,) alike.

    A clause is asked at the turns of its rate, ``turn_s`` (R, rates) the last ones, whatever it says then. A condition
    about an object holds of no sensor, so such a clause tells nothing.
    """
    parts: list[Messages] = []
    held: list[Messages] = []
    after = turn_s.copy()
    rates = _rates_due(after, now_s)
    for clause in np.flatnonzero((rules.giver == giver) & (rules.data == DataClass.SENSOR_STATUS)):
        due = rules.rate[clause] < rates
        if not (rules.in_force_at(now_s) and due.any()) or _asks_of_an_object(rules, int(clause)):
            continue
        rows, sensors = np.nonzero((status.state != SensorState.UNKNOWN) & due[:, None])
        kept_back = (rules.sensors_withheld[clause] >> sensors.astype(np.uint64)) & np.uint64(1) == 1
        told = _messages(status, rules, giver, int(clause), rows, sensors, now_s)
        parts.append(told.take(~kept_back))
        held.append(told.take(kept_back))
    return Sampled(messages=Messages.concatenate(parts), withheld=Messages.concatenate(held), turn_s=after)


def _rates_due(turn_s: Floats, now_s: float) -> NDArray[np.int64]:
    """How many of the rates have a turn now (R,), the fastest first; notes those turns, as with tracks."""
    due = np.logical_and.accumulate(now_s - turn_s >= PERIODS_S - TOLERANCE_S, axis=1)
    turn_s[due] = now_s
    return due.sum(axis=1)


def _asks_of_an_object(rules: Rules, clause: int) -> bool:
    everything = rules.phases[clause] == 0b1110 and rules.range_classes[clause] == 0b1111
    return not everything or rules.impact_in[clause] != 0 or rules.zoned[clause] != 0


def _messages(
    status: SensorStatus, rules: Rules, giver: int, clause: int, rows: NDArray, sensors: NDArray, now_s: float
) -> Messages:
    count = len(rows)
    columns = {name: np.zeros((count, *spec.shape), spec.dtype) for name, spec in Messages.columns()}
    columns["state"][:, :5] = status.sector[rows, sensors]
    return Messages(**{
        **columns, "replicate": rows, "giver": np.full(count, giver),
        "receiver": np.full(count, rules.receiver[clause]), "data": np.full(count, DataClass.SENSOR_STATUS),
        "clause": np.full(count, clause), "released_s": np.full(count, now_s + rules.delay_s[clause]),
        "valid_s": np.full(count, now_s), "number": sensors + 1, "phase": status.state[rows, sensors],
        "sensors": np.uint64(1) << sensors.astype(np.uint64),
    })  # fmt: skip


def parted(messages: Messages, offsets: NDArray[np.int64]) -> tuple[Messages, NDArray[np.int64], Messages]:
    """What was said of objects, with offsets (R + 1,) of its own, and what was said of sensors.

    ``offsets`` (R + 1,) bound each replicate's messages; what is said of sensors carries its row as its replicate.
    """
    of_sensors = messages.data == DataClass.SENSOR_STATUS
    if not of_sensors.any():
        return messages, offsets, Messages.empty()
    before = np.concatenate([[0], np.cumsum(~of_sensors)])
    rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    statuses = messages.take(of_sensors)
    return (
        messages.take(~of_sensors), before[offsets].astype(np.int64),
        replace(statuses, replicate=rows[of_sensors]),
    )  # fmt: skip


def heard(status: SensorStatus, statuses: Messages, sides: Ints) -> SensorStatus:
    """What partners have declared after these words of theirs: of each sensor what speaks of the newest moment.

    ``sides`` (n,): whose each sensor is. What is said of a sensor that is not its speaker's changes nothing.
    """
    sensors = statuses.number - 1
    known = (sensors >= 0) & (sensors < len(sides)) & np.isin(statuses.phase, (1, 2, 3))
    known[known] &= sides[sensors[known]] == statuses.giver[known]
    if not known.any():
        return status
    statuses, sensors = statuses.take(known), sensors[known]
    order = np.lexsort((statuses.phase, statuses.clause, statuses.valid_s))  # written oldest first: the newest stays
    rows, which = statuses.replicate[order], sensors[order]
    state, stated_s, sector = status.state.copy(), status.stated_s.copy(), status.sector.copy()
    newer = (statuses.valid_s[order] >= stated_s[rows, which]) | (state[rows, which] == SensorState.UNKNOWN)
    order, rows, which = order[newer], rows[newer], which[newer]
    state[rows, which] = statuses.phase[order]
    stated_s[rows, which] = statuses.valid_s[order]
    sector[rows, which] = statuses.state[order, :5]
    return SensorStatus(state=state, stated_s=stated_s, sector=sector)
