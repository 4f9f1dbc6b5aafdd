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
from detente.flight.flags import Flag
from detente.flight.frozen import freeze
from detente.geodesy.constants import OMEGA_RAD_S
from detente.records.errors import InputError

ROWS_AT_ONCE = 16_384
UNSURE_M = 60.0
"""Rows whose estimated error is above this are flown again. The estimate is some times the error: see the README."""
REFLY_TOLERANCE_M = 0.01
CLOCK_ERROR_FACTOR = 4.0
"""Measured: a bend in the drag curve, or in the air, inside a step hides in part from the embedded error estimate."""
LOOSE_STEP_M, FINE_STEP_M = 1.0, 0.05
"""Error at impact that a step by the clock may make, for 10 m and for 1 m in all; see ``_kernels_clock``."""
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
    """Bodies on the ground: arrays that the caller owns, all rows of the batch."""

    time_s: Floats
    states: Floats  # (n, 6)
    apogee_m: Floats
    perigee_m: Floats
    error_m: Floats


def carry_down(states: Floats, bodies: Floats, curves: Floats, spin: float, flag: Flags) -> Carried:
    """Brings every row whose flag is OK to the ground, the air met from where it is met on; sets the flags of others.

    ``states`` (n, 6) ECEF, which are written over; ``bodies`` (n, 3) as ``_kernels_fall`` has them, zeros for a vacuum
    all the way. Rows in the air must be falling, or far below their apogee. A row that no block can be trusted with is
    flagged STEP_LIMIT.
    """
    count = len(states)
    done = Carried(np.zeros(count), states, np.zeros(count), np.zeros(count), np.zeros(count))
    ways = np.zeros(count, np.uint8)
    falling.choose_ways(states, bodies, flag, ways)
    for way, surface_m in ((falling.VACUUM, 0.0), (falling.TO_THE_AIR, DRAG_CEILING_M)):
        rows = np.flatnonzero(ways == way)
        if len(rows):
            coast_to(surface_m, rows, spin, done, flag)
    rows = np.flatnonzero((ways >= falling.TO_THE_AIR) & (flag == Flag.OK))
    if len(rows):
        fallen, flags = np.zeros((len(rows), falling.RESULTS)), np.zeros(len(rows), np.uint8)
        falling.fall_rows(done.states[rows], bodies[rows], curves, spin, fallen, flags)
        flag[rows] = flags
        done.time_s[rows] += fallen[:, falling.TIME]
        done.states[rows] = fallen[:, 1:7]
        done.error_m[rows] += fallen[:, falling.ERROR_M]
    return done


def coast_to(surface_m: float, rows: NDArray[np.intp], spin: float, done: Carried, flag: Flags) -> None:
    """Carries these rows through a vacuum down to a height."""
    results, flags = np.zeros((len(rows), coasting.RESULTS)), np.zeros(len(rows), np.uint8)
    coasting.coast_rows(done.states[rows], surface_m, spin, results, flags)
    flag[rows] = flags
    done.time_s[rows], done.apogee_m[rows] = results[:, coasting.TIME_S], results[:, coasting.TOP_M]
    done.error_m[rows], done.perigee_m[rows] = results[:, coasting.ERROR_M], results[:, coasting.PERIGEE_M]
    done.states[rows] = results[:, coasting.AT_X : coasting.AT_W + 1]


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
    beta = np.ascontiguousarray(np.broadcast_to(np.asarray(ballistic_coefficient_kg_m2, dtype=float), len(states)))
    parts = [
        _descend_some(states[first : first + ROWS_AT_ONCE], beta[first : first + ROWS_AT_ONCE], rotation)
        for first in range(0, len(states), ROWS_AT_ONCE)
    ]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else _nothing()
    freeze(*columns)
    return Descents(*columns)


def _nothing() -> list[NDArray]:
    return [np.zeros(shape) for shape in (0, (0, 3), (0, 3), 0, 0, 0)] + [np.zeros(0, np.uint8)]


def state_rows(position_ecef_m: ArrayLike, velocity_ecef_m_s: ArrayLike) -> Floats:
    """Positions and velocities as (n, 6)."""
    position = np.atleast_2d(np.asarray(position_ecef_m, dtype=float))
    velocity = np.atleast_2d(np.asarray(velocity_ecef_m_s, dtype=float))
    if position.shape != velocity.shape or position.ndim != 2 or position.shape[1] != 3:
        raise InputError(f"{position.shape} and {velocity.shape}", "two arrays (n, 3)", "give one row per object")
    return np.hstack((position, velocity))


def _descend_some(states: Floats, beta: Floats, rotation: bool) -> tuple[NDArray, ...]:
    spin = OMEGA_RAD_S if rotation else 0.0
    flag, height, rising = np.zeros(len(states), np.uint8), np.zeros(len(states)), np.zeros(len(states), bool)
    bodies, moved = np.zeros((len(states), falling.BODIES)), states.copy()
    falling.survey_rows(moved, beta, bodies, height, rising, flag)
    in_air = np.flatnonzero((flag == Flag.OK) & (height < DRAG_CEILING_M) & (bodies[:, 0] > 0.0))
    left = np.zeros((len(in_air), ascent.LEFT))
    if len(in_air):
        # In order of how many steps they take, so that neighbours wait little for each other.
        in_air = in_air[np.lexsort((height[in_air], rising[in_air]))]
        ascent.approach_rows(moved[in_air], bodies[in_air], spin, FINE_STEP_M, NO_CURVES, left)
        moved[in_air] = left[:, :6]
    done = carry_down(moved, bodies, NO_CURVES, spin, flag)
    time_s, error_m, top_m = done.time_s, done.error_m, done.apogee_m
    if len(in_air):
        time_s[in_air] += left[:, ascent.LEFT_TIME]
        error_m[in_air] += made_in_air(left, time_s[in_air], done.states[in_air])
        passed = np.where(top_m[in_air] > 0.0, top_m[in_air], left[:, ascent.LEFT_APOGEE])
        top_m[in_air] = np.where(rising[in_air], passed, 0.0)
    np.maximum(top_m, height, out=top_m)
    again = np.flatnonzero((flag == Flag.STEP_LIMIT) | ((flag == Flag.OK) & ~(error_m < UNSURE_M)))
    if len(again):
        reflown = np.zeros((len(again), adaptive.DESCENT))
        flags = np.zeros(len(again), np.uint8)
        adaptive.descend_rows(states[again], beta[again], rotation, REFLY_TOLERANCE_M, reflown, flags)
        flag[again], time_s[again], done.states[again] = flags, reflown[:, 0], reflown[:, 1:7]
        top_m[again], error_m[again] = reflown[:, 7], reflown[:, 8]
    lost = flag != Flag.OK
    for column in (time_s, done.states, top_m, error_m):
        column[lost] = 0.0
    position, velocity = np.ascontiguousarray(done.states[:, :3]), np.ascontiguousarray(done.states[:, 3:])
    return time_s, position, velocity, top_m, done.perigee_m, error_m, flag


def made_in_air(left: Floats, time_s: Floats, ends: Floats) -> Floats:
    """Error at impact of what was flown by the clock in the air: grown with time, stretched by a shallow path."""
    made = left[:, ascent.LEFT_OFF] + time_s * left[:, ascent.LEFT_FAST] - left[:, ascent.LEFT_LATE]
    steep = np.zeros(len(made))
    falling.steepness_rows(ends, steep)
    return CLOCK_ERROR_FACTOR * made / np.maximum(steep, LEAST_STEEPNESS)
