"""Down to the ground from any state: many bodies at once, in a vacuum above 150 km and in the air below.

Which kernel flies which part is decided here, row by row; a row's answer depends on nothing but the row. What a block
of lanes cannot be trusted with is flown again, alone, by the adaptive integrator.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.flight import _kernels as adaptive
from detente.flight import _kernels_ascent as ascent
from detente.flight import _kernels_coast as coasting
from detente.flight import _kernels_fall as falling
from detente.flight._kernels_air import DRAG_CEILING_M
from detente.flight._kernels_lanes import LANES, room_for
from detente.flight.flags import Flag
from detente.flight.frozen import freeze
from detente.geodesy.constants import OMEGA_RAD_S
from detente.records.errors import InputError

ROWS_IN_CACHE = 4_096
UNSURE_M = 60.0
"""Rows whose estimated error is above this are flown again. The estimate is some times the error: see the README."""
REFLY_TOLERANCE_M = 0.01
CLOCK_ERROR_FACTOR = 4.0
"""Measured: a bend in the drag curve, or in the air, inside a step hides in part from the embedded error estimate."""
FINE_STEP_M = 0.05
"""Error at impact that a step by the clock may make; see ``_kernels_clock``."""
LEAST_STEEPNESS = 0.02
NO_CURVES = np.zeros((1, 1, 3))

Floats = NDArray[np.float64]
Flags = NDArray[np.uint8]


@dataclass(frozen=True)
class Descents:
    """One row per body. Rows whose ``flag`` is not OK hold zeros but for the perigee."""

    time_s: Floats  # from the state's own time
    position_ecef_m: Floats  # (n, 3)
    velocity_ecef_m_s: Floats  # (n, 3), relative to the Earth
    apogee_m: Floats  # greatest height from now on
    perigee_altitude_m: Floats  # of Kepler's orbit; 0 where the state is bad or starts in the air
    estimated_error_m: Floats  # numerical, along the ground
    flag: Flags


@dataclass(frozen=True)
class Carried:
    """Bodies on the ground: views into one table that the caller owns, all rows of the batch."""

    table: Floats  # (n, ``_kernels_coast.RESULTS``)

    @property
    def time_s(self) -> Floats:
        """Time to the ground, s, (n,)."""
        return self.table[:, coasting.TIME_S]

    @property
    def states(self) -> Floats:
        """Position and velocity on the ground, ECEF, m and m/s, (n, 6)."""
        return self.table[:, coasting.AT_X : coasting.AT_W + 1]

    @property
    def apogee_m(self) -> Floats:
        """Greatest height on the way, m, (n,)."""
        return self.table[:, coasting.TOP_M]

    @property
    def error_m(self) -> Floats:
        """Estimated numerical error of the impact, m, (n,)."""
        return self.table[:, coasting.ERROR_M]

    @property
    def perigee_m(self) -> Floats:
        """Height of the perigee of what never comes down, m, (n,)."""
        return self.table[:, coasting.PERIGEE_M]


def carry_down(states: Floats, bodies: Floats, curves: Floats, spin: float, flag: Flags) -> Carried:
    """Brings every row whose flag is OK to the ground, the air met from where it is met on; sets the flags of others.

    ``states`` (n, 6) ECEF; ``bodies`` (n, 3) as ``_kernels_fall`` has them, zeros for a vacuum all the way. Rows in the
    air must be falling, or far below their apogee. A row that no block can be trusted with is flagged STEP_LIMIT.
    """
    table, ways = np.empty((len(states), coasting.RESULTS)), np.empty(len(states), np.uint8)
    block = room_for(coasting.ROWS * LANES)
    falling.choose_ways(states, bodies, flag, ways, table)
    for way, surface_m in ((falling.VACUUM, 0.0), (falling.TO_THE_AIR, DRAG_CEILING_M)):
        rows = np.flatnonzero(ways == way)
        if len(rows):
            coasting.coast_rows(block, states, rows, surface_m, spin, table, flag)
    rows = np.flatnonzero((ways >= falling.TO_THE_AIR) & (flag == Flag.OK))
    if len(rows):
        fall_on(rows, bodies, curves, spin, table, flag)
    return Carried(table)


def fall_on(rows: NDArray[np.intp], bodies: Floats, curves: Floats, spin: float, table: Floats, flag: Flags) -> None:
    """Carries these rows of a table through the air, those that share their steps side by side.

    ``table`` (n, ``_kernels_coast.RESULTS``) and ``flag`` (n,) are written; ``bodies`` and ``spin`` (rad/s) as for
    :func:`carry_down`; ``curves``: the drag tables that bodies name.
    """
    key = np.empty(len(rows), np.int64)
    falling.line_up(rows, bodies, len(curves), table, flag, key)
    order = np.argsort(key.astype(np.uint16), kind="stable")
    key = key[order]
    begins = np.searchsorted(key, np.arange(falling.GRIDS * (len(curves) + 1) + 1) * (falling.MOST + 1))
    block = room_for(falling.ROWS * LANES)
    falling.fall_rows(block, rows[order], key % (falling.MOST + 1), begins, bodies, curves, spin, table, flag)


def descend(
    position_ecef_m: ArrayLike,
    velocity_ecef_m_s: ArrayLike,
    ballistic_coefficient_kg_m2: ArrayLike,
    *,
    rotation: bool = True,
) -> Descents:
    """Where and when bodies that are no longer boosting come down, and how high they go first.

    Positions and velocities (n, 3) ECEF; ballistic coefficient (n,) or scalar, kg/m2, 0 for no drag at all. Bodies in
    orbit or leaving the Earth are flagged and their perigee given; a NaN is flagged BAD_INPUT.
    """
    states = state_rows(position_ecef_m, velocity_ecef_m_s)
    count = len(states)
    beta = np.ascontiguousarray(np.broadcast_to(np.asarray(ballistic_coefficient_kg_m2, dtype=float), count))
    place, velocity = np.empty((count, 3)), np.empty((count, 3))
    time_s, apogee, perigee, error = np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    flag = np.empty(count, np.uint8)
    for first in range(0, count, ROWS_IN_CACHE):
        some = slice(first, first + ROWS_IN_CACHE)
        done = _descend_some(states[some], beta[some], rotation, flag[some])
        time_s[some], place[some], velocity[some] = done.time_s, done.states[:, :3], done.states[:, 3:]
        apogee[some], perigee[some], error[some] = done.apogee_m, done.perigee_m, done.error_m
    columns = (time_s, place, velocity, apogee, perigee, error, flag)
    freeze(*columns)
    return Descents(*columns)


def state_rows(position_ecef_m: ArrayLike, velocity_ecef_m_s: ArrayLike) -> Floats:
    """Positions, m, and velocities, m/s, as (n, 6). Raises InputError where they are not both (n, 3), or (3,)."""
    position = np.atleast_2d(np.asarray(position_ecef_m, dtype=float))
    velocity = np.atleast_2d(np.asarray(velocity_ecef_m_s, dtype=float))
    if position.shape != velocity.shape or position.ndim != 2 or position.shape[1] != 3:
        raise InputError(f"{position.shape} and {velocity.shape}", "two arrays (n, 3)", "give one row per object")
    return np.hstack((position, velocity))


def _descend_some(states: Floats, beta: Floats, rotation: bool, flag: Flags) -> Carried:
    """``descend`` of few enough rows; bad ones are written over, and ``flag`` is filled."""
    spin = OMEGA_RAD_S if rotation else 0.0
    height, rising = np.empty(len(states)), np.empty(len(states), bool)
    bodies = np.zeros((len(states), falling.BODIES))
    falling.survey_rows(states, beta, bodies, height, rising, flag)
    moved = states
    in_air = np.flatnonzero((height < DRAG_CEILING_M) & (beta > 0.0) & (flag == Flag.OK))
    left = np.zeros((len(in_air), ascent.LEFT))
    if len(in_air):
        # In order of how many steps they take, so that neighbours wait little for each other.
        in_air = in_air[np.lexsort((height[in_air], rising[in_air]))]
        ascent.approach_rows(states[in_air], bodies[in_air], spin, FINE_STEP_M, NO_CURVES, left)
        moved = states.copy()
        moved[in_air] = left[:, :6]
    done = carry_down(moved, bodies, NO_CURVES, spin, flag)
    top_m = done.apogee_m
    if len(in_air):
        done.time_s[in_air] += left[:, ascent.LEFT_TIME]
        done.error_m[in_air] += made_in_air(left, done.time_s[in_air], done.states[in_air])
        passed = np.where(top_m[in_air] > 0.0, top_m[in_air], left[:, ascent.LEFT_APOGEE])
        top_m[in_air] = np.where(rising[in_air], passed, 0.0)
    np.maximum(top_m, height, out=top_m)
    again = np.flatnonzero((flag == Flag.STEP_LIMIT) | ((flag == Flag.OK) & ~(done.error_m < UNSURE_M)))
    if len(again):
        reflown = np.zeros((len(again), adaptive.DESCENT))
        flags = np.zeros(len(again), np.uint8)
        adaptive.descend_rows(states[again], beta[again], rotation, REFLY_TOLERANCE_M, reflown, flags)
        flag[again], done.table[again, :9] = flags, reflown
    lost = np.flatnonzero(flag != Flag.OK)
    done.table[lost, : coasting.PERIGEE_M] = 0.0
    return done


def made_in_air(left: Floats, time_s: Floats, ends: Floats) -> Floats:
    """Error at impact, m, (n,) of what was flown by the clock in the air: grown with time, stretched by a shallow path.

    ``left`` (n, ``_kernels_ascent.LEFT``): how each left the air; ``time_s`` (n,) from then to impact; ``ends`` (n, 6)
    ECEF states there.
    """
    made = left[:, ascent.LEFT_OFF] + time_s * left[:, ascent.LEFT_FAST] - left[:, ascent.LEFT_LATE]
    steep = np.zeros(len(made))
    falling.steepness_rows(np.ascontiguousarray(ends), steep)
    return CLOCK_ERROR_FACTOR * made / np.maximum(steep, LEAST_STEEPNESS)
