"""Whole flights: where a missile launched so will come down, how high and how long; and the path as samples."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.flight import _kernels as kernels
from detente.flight import _kernels_ascent as ascent
from detente.flight import _kernels_clock as clock
from detente.flight import _kernels_fall as falling
from detente.flight import _kernels_ground as ground
from detente.flight import _kernels_sample as sampling
from detente.flight._kernels_lanes import LANES, room_for
from detente.flight.descent import (
    FINE_STEP_M,
    REFLY_TOLERANCE_M,
    ROWS_IN_CACHE,
    UNSURE_M,
    carry_down,
    made_in_air,
)
from detente.flight.flags import Flag
from detente.flight.frozen import freeze
from detente.flight.vehicle import PackedMissiles
from detente.geodesy.constants import OMEGA_RAD_S
from detente.geodesy.distance import shortest_paths
from detente.records.errors import InputError

TOLERANCE_M = 0.1
"""Default: many flights at once, within 10 m of impact. From 0.01 m up they are flown at once within 3 m; below that
one by one, with this error per step."""

ONE_METRE_TOLERANCE_M = 0.01
LOOSE_STEP_M = 1.0
"""Error at impact that a step by the clock may make, for 10 m in all; see ``_kernels_clock``."""
SAMPLES_AT_ONCE = 65_536


@dataclass(frozen=True)
class Flights:
    """One row per launch. Rows whose ``flag`` is not ``Flag.OK`` hold zeros from where the flight was lost."""

    range_m: NDArray[np.float64]  # along the ellipsoid
    apogee_m: NDArray[np.float64]
    flight_time_s: NDArray[np.float64]
    burnout_time_s: NDArray[np.float64]
    burnout_speed_m_s: NDArray[np.float64]  # relative to the Earth
    burnout_altitude_m: NDArray[np.float64]
    impact_latitude_rad: NDArray[np.float64]
    impact_longitude_rad: NDArray[np.float64]
    estimated_error_m: NDArray[np.float64]  # numerical, at impact
    flag: NDArray[np.uint8]


@dataclass(frozen=True)
class Ephemeris:
    """Sampled flights, one after another: flight i is rows ``offsets[i]`` to ``offsets[i + 1]``.

    At most 1 s apart in boost and below 120 km, 5 s elsewhere; a row at cut-off, and the last row at impact, height 0.
    A flight whose flag is not OK has no rows.
    """

    offsets: NDArray[np.int64]  # (n + 1,)
    time_s: NDArray[np.float64]  # (m,) since launch
    position_ecef_m: NDArray[np.float64]  # (m, 3)
    velocity_ecef_m_s: NDArray[np.float64]  # (m, 3)
    phase: NDArray[np.uint8]  # (m,) 1 boost, 2 coast, 3 reentry (descending below 100 km)
    flag: NDArray[np.uint8]  # (n,)


def launch_rows(
    packed: PackedMissiles, missile_index: ArrayLike, *columns: ArrayLike, beta: ArrayLike | None
) -> tuple[NDArray, NDArray]:
    """The launches as one contiguous (n, columns + 1) array and the missiles as (n,) int64, broadcast together.

    The last column is the ballistic coefficient after cut-off: the one given, else the missile's own (0: its body).
    """
    floats = [np.asarray(column, dtype=float) for column in (*columns, 0.0 if beta is None else beta)]
    given = np.broadcast_arrays(np.atleast_1d(np.asarray(missile_index)), *floats)
    if given[0].ndim != 1:
        raise InputError(f"arrays of {given[0].ndim} dimensions", "one row per launch", "flatten them")
    missile = np.ascontiguousarray(given[0], dtype=np.int64)
    last = len(packed.missiles) - 1
    if missile.size and not (missile.min() >= 0 and missile.max() <= last):
        raise InputError(
            f"missile {missile.min()} to {missile.max()}", f"0 to {last}", "index into the packed missiles"
        )
    rows = np.ascontiguousarray(np.stack(given[1:], axis=1), dtype=np.float64)
    if beta is None:
        rows[:, -1] = packed.body[missile, 4]
    return rows, missile


def check_tolerance(tolerance_m: float) -> float:
    if not 1e-9 <= tolerance_m <= 1e3:
        raise InputError(f"tolerance {tolerance_m} m", "1e-9 to 1,000 m", "give a tolerance in that range")
    return float(tolerance_m)


def fly_out(
    packed: PackedMissiles,
    missile_index: ArrayLike,
    latitude_rad: ArrayLike,
    longitude_rad: ArrayLike,
    azimuth_rad: ArrayLike,
    pitch_final_rad: ArrayLike,
    cutoff_s: ArrayLike = np.inf,
    *,
    ballistic_coefficient_kg_m2: ArrayLike | None = None,
    rotation: bool = True,
    drag: bool = True,
    tolerance_m: float = TOLERANCE_M,
) -> Flights:
    """Where each launch comes down, how high it went and how long it took.

    All arguments (n,) or scalars, broadcast; ``pitch_final_rad`` above the pad's horizon; ``cutoff_s`` since launch,
    within the last stage's burn (later means the full burn; earlier is flagged BAD_INPUT). A given ballistic
    coefficient replaces the missile's own after cut-off. ``rotation=False`` stops the Earth; ``drag=False`` takes the
    air's drag away.
    """
    launch, missile = launch_rows(
        packed, missile_index, latitude_rad, longitude_rad, azimuth_rad, pitch_final_rad, cutoff_s,
        beta=ballistic_coefficient_kg_m2,
    )  # fmt: skip
    results, flag = fly_rows(packed, launch, missile, rotation, drag, check_tolerance(tolerance_m))
    columns = (
        kernels.RANGE, kernels.APOGEE_M, kernels.FLIGHT_S, kernels.BURNOUT_S, kernels.BURNOUT_SPEED,
        kernels.BURNOUT_HEIGHT, kernels.LATITUDE, kernels.LONGITUDE, kernels.ERROR,
    )  # fmt: skip
    values = [np.ascontiguousarray(results[:, column]) for column in columns]
    freeze(*values, flag)
    return Flights(*values, flag=flag)


def good_launches(packed: PackedMissiles, launch: NDArray, missile: NDArray) -> NDArray[np.bool_]:
    """Which launches (n,) can be flown at all; rows as :func:`launch_rows` lays them out."""
    flag, keys = np.zeros(len(missile), np.uint8), np.empty(len(missile), np.int64)
    rows = np.ascontiguousarray(launch)
    ascent.line_up(rows, missile, packed.stage_count, packed.body, packed.drag_table, flag, keys)
    return flag == Flag.OK


def fly_rows(
    packed: PackedMissiles, launch: NDArray, missile: NDArray, rotation: bool, drag: bool, tolerance_m: float
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """``fly_out`` on rows already laid out: (n, ``_kernels.RESULTS``) in m, s and radians, and flags (n,)."""
    results, flag = np.zeros((len(missile), kernels.RESULTS)), np.zeros(len(missile), dtype=np.uint8)
    if tolerance_m >= ONE_METRE_TOLERANCE_M:
        step_m = LOOSE_STEP_M if tolerance_m >= TOLERANCE_M else FINE_STEP_M
        for first in range(0, len(missile), ROWS_IN_CACHE):
            some = slice(first, first + ROWS_IN_CACHE)
            results[some], flag[some] = _fly_blocks(packed, launch[some], missile[some], rotation, drag, step_m)
        again = np.flatnonzero(
            (flag == Flag.STEP_LIMIT) | ((flag == Flag.OK) & ~(results[:, kernels.ERROR] < UNSURE_M))
        )
        tolerance_m = REFLY_TOLERANCE_M
    else:
        again = np.arange(len(missile))
    if len(again):
        alone, flags = np.zeros((len(again), kernels.RESULTS)), np.zeros(len(again), dtype=np.uint8)
        kernels.fly_rows(
            np.ascontiguousarray(launch[again]), missile[again], rotation, drag, tolerance_m,
            packed.stage_count, packed.stages, packed.body, packed.cd, alone, flags,
        )  # fmt: skip
        results[again], flag[again] = alone, flags
    return results, flag


def _fly_blocks(
    packed: PackedMissiles, launch: NDArray, missile: NDArray, rotation: bool, drag: bool, step_m: float
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Flies rows many at once; STEP_LIMIT is the flag of those that must be flown alone."""
    launch, missile = np.ascontiguousarray(launch), np.ascontiguousarray(missile)
    count, spin = len(missile), OMEGA_RAD_S if rotation else 0.0
    results, flag = np.zeros((count, kernels.RESULTS)), np.zeros(count, np.uint8)
    left, bodies, keys = np.zeros((count, ascent.LEFT)), np.zeros((count, falling.BODIES)), np.empty(count, np.int64)
    states, verticals = np.zeros((count, 6)), np.zeros((count, 3))
    ascent.line_up(launch, missile, packed.stage_count, packed.body, packed.drag_table, flag, keys)
    order = np.argsort(keys)[np.count_nonzero(flag) :]
    ascent.ascend_rows(
        launch, missile, spin, drag, step_m, packed.stage_count, packed.stages, packed.body, packed.drag_table,
        packed.drag_tables, order, room_for(clock.ROWS * LANES), left, states, verticals, bodies, results, flag,
    )  # fmt: skip
    done = carry_down(states, bodies, packed.drag_tables, spin, flag)
    made_m = made_in_air(left, done.time_s + left[:, ascent.LEFT_TIME], done.states)
    settled = np.empty(count, np.bool_)
    block = room_for(ground.ROWS * LANES)
    ground.describe_rows(block, verticals, left, done.table, made_m, flag, results, settled)
    if not settled.all():
        far = np.flatnonzero(~settled)
        ends = results[far, kernels.LATITUDE : kernels.LONGITUDE + 1]
        ways = shortest_paths(launch[far, :2], ends)
        results[far, kernels.RANGE], results[far, kernels.AZIMUTH] = ways.distance_m, ways.azimuth_start_rad
    return results, flag


def ephemeris(
    packed: PackedMissiles,
    missile_index: ArrayLike,
    latitude_rad: ArrayLike,
    longitude_rad: ArrayLike,
    azimuth_rad: ArrayLike,
    pitch_final_rad: ArrayLike,
    cutoff_s: ArrayLike = np.inf,
    *,
    ballistic_coefficient_kg_m2: ArrayLike | None = None,
    rotation: bool = True,
    drag: bool = True,
    tolerance_m: float = TOLERANCE_M,
) -> Ephemeris:
    """Each flight as samples from the pad to the impact, ECEF; arguments as for ``fly_out``.

    Samples of flight i are rows ``offsets[i]`` to ``offsets[i + 1]``; times count from launch. A cubic through
    neighbouring samples' positions and velocities is within 1 m of the path.
    """
    launch, missile = launch_rows(
        packed, missile_index, latitude_rad, longitude_rad, azimuth_rad, pitch_final_rad, cutoff_s,
        beta=ballistic_coefficient_kg_m2,
    )  # fmt: skip
    offsets, flag = np.zeros(len(missile) + 1, dtype=np.int64), np.zeros(len(missile), dtype=np.uint8)
    parts, first, start, room = [], 0, 0, SAMPLES_AT_ONCE
    while first < len(missile):
        rows = np.empty((room, sampling.ROW))
        after = sampling.sample_rows(
            first, launch, missile, rotation, drag, check_tolerance(tolerance_m),
            packed.stage_count, packed.stages, packed.body, packed.cd, rows, offsets, flag,
        )  # fmt: skip
        # Where not even one flight fitted, the next try has twice the room.
        room = 2 * room if after == first else room
        if after > first:
            parts.append(rows[: offsets[after]].copy())
            offsets[first + 1 : after + 1] += start
            first, start = after, int(offsets[after])
    rows = np.concatenate(parts) if parts else np.empty((0, sampling.ROW))
    time_s, phase = np.ascontiguousarray(rows[:, 0]), rows[:, 7].astype(np.uint8)
    position, velocity = np.ascontiguousarray(rows[:, 1:4]), np.ascontiguousarray(rows[:, 4:7])
    freeze(offsets, time_s, position, velocity, phase, flag)
    return Ephemeris(offsets, time_s, position, velocity, phase, flag)
