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
from detente.geodesy.constants import A_M, E2, OMEGA_RAD_S
from detente.records.errors import InputError

ROWS_AT_ONCE = 16_384
UNSURE_M = 60.0
"""Rows whose estimated error is above this are flown again. The estimate is some times the error: see the README."""
REFLY_TOLERANCE_M = 0.01
CLOCK_ERROR_FACTOR = 25.0
"""Measured: a bend in the drag curve, or in the air, inside a step hides from the embedded error estimate."""
LOOSE_PACE = np.array((4.0, 1.6, 3.0, 0.6))
FINE_PACE = np.array((3.0, 1.0, 2.0, 1.2))
"""Steps of the kernels' clock in the air, for 10 m and for 1 m at impact; see ``_kernels_ascent``."""
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


def heights_and_climbs(states: Floats) -> tuple[Floats, Floats]:
    """Height over the ellipsoid along the line to the Earth's centre (m), and climb along it (m/s)."""
    x, y, z = states[:, 0], states[:, 1], states[:, 2]
    r = np.sqrt(x * x + y * y + z * z)
    height = r * (1.0 - A_M / np.sqrt(x * x + y * y + z * z / (1.0 - E2)))
    return height, (x * states[:, 3] + y * states[:, 4] + z * states[:, 5]) / r


def carry_down(states: Floats, bodies: Floats, curves: Floats, spin: float, flag: Flags) -> Carried:
    """Brings every row whose flag is OK to the ground, the air met from where it is met on; sets the flags of others.

    ``states`` (n, 6) ECEF; ``bodies`` (n, 3) as ``_kernels_fall`` has them, zeros for a vacuum all the way. Rows in the
    air must be falling, or far below their apogee. A row that no block can be trusted with is flagged STEP_LIMIT.
    """
    count = len(states)
    done = Carried(np.zeros(count), states.copy(), np.zeros(count), np.zeros(count), np.zeros(count))
    height, climb = heights_and_climbs(states)
    bare = (bodies[:, 0] == 0.0) & (bodies[:, 1] == 0.0)
    good = flag == Flag.OK
    for surface_m, which in (
        (0.0, good & bare),
        (DRAG_CEILING_M, good & ~bare & ((climb > 0.0) | (height > DRAG_CEILING_M + 1.0))),
    ):
        rows = np.flatnonzero(which)
        if len(rows):
            coast_to(surface_m, rows, spin, done, flag)
    fallen, flags = np.zeros((count, falling.RESULTS)), np.where(bare, np.uint8(Flag.BAD_INPUT), flag)
    falling.fall_rows(done.states, bodies, curves, spin, fallen, flags)
    flag[~bare] = flags[~bare]
    landed = ~bare & (flag == Flag.OK)
    done.time_s[landed] += fallen[landed, falling.TIME]
    done.states[landed] = fallen[landed, 1:7]
    done.error_m[landed] += fallen[landed, falling.ERROR_M]
    return done


def coast_to(surface_m: float, rows: NDArray[np.intp], spin: float, done: Carried, flag: Flags) -> None:
    """Carries these rows through a vacuum down to a height."""
    results, flags = np.zeros((len(rows), coasting.RESULTS)), np.zeros(len(rows), np.uint8)
    coasting.coast_rows(np.ascontiguousarray(done.states[rows]), surface_m, spin, results, flags)
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
    flag = np.zeros(len(states), np.uint8)
    adaptive.check_states(states, beta, flag)
    bodies = np.zeros((len(states), falling.BODIES))
    np.divide(0.5, beta, out=bodies[:, 0], where=beta > 0.0)
    safe = np.where((flag == Flag.OK)[:, None], states, 0.0)
    safe[flag != Flag.OK, 0] = A_M
    height, climb = heights_and_climbs(safe)
    in_air = np.flatnonzero((flag == Flag.OK) & (height < DRAG_CEILING_M) & (beta > 0.0))
    left = np.zeros((len(states), ascent.LEFT))
    if len(in_air):
        ascent.approach_rows(safe, bodies, spin, FINE_PACE, NO_CURVES, in_air, left)
        safe[in_air] = left[in_air, :6]
    done = carry_down(safe, bodies, NO_CURVES, spin, flag)
    time_s = done.time_s + left[:, ascent.LEFT_TIME]
    error_m = done.error_m + made_in_air(left, time_s, done.states)
    passed = np.where(done.apogee_m > 0.0, done.apogee_m, left[:, ascent.LEFT_APOGEE])
    top_m = np.where(climb > 0.0, np.maximum(height, passed), height)
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
    _, climb = heights_and_climbs(np.where((ends[:, :3] == 0.0).all(axis=1)[:, None], A_M, ends))
    speed = np.sqrt((ends[:, 3:] ** 2).sum(axis=1))
    return CLOCK_ERROR_FACTOR * made / np.maximum(np.abs(climb) / np.maximum(speed, 1e-3), 0.02)
