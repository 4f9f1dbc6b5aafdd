"""Whole flights: where a missile launched so will come down, how high and how long; and the path as samples."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.flight import _kernels as kernels
from detente.flight import _kernels_sample as sampling
from detente.flight.vehicle import PackedMissiles
from detente.records.errors import InputError

TOLERANCE_M = 0.1
"""Default error per step. The measured error of a whole flight is in the room's README."""

ROWS_AT_ONCE = 65_536


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


def freeze(*arrays: NDArray) -> None:
    """Makes arrays read-only, as what a room returns is."""
    for array in arrays:
        array.setflags(write=False)


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
    results, flag = np.zeros((len(missile), kernels.RESULTS)), np.zeros(len(missile), dtype=np.uint8)
    kernels.fly_rows(
        launch, missile, rotation, drag, check_tolerance(tolerance_m),
        packed.stage_count, packed.stages, packed.body, packed.cd, results, flag,
    )  # fmt: skip
    columns = (
        kernels.RANGE, kernels.APOGEE_M, kernels.FLIGHT_S, kernels.BURNOUT_S, kernels.BURNOUT_SPEED,
        kernels.BURNOUT_HEIGHT, kernels.LATITUDE, kernels.LONGITUDE, kernels.ERROR,
    )  # fmt: skip
    values = [np.ascontiguousarray(results[:, column]) for column in columns]
    freeze(*values, flag)
    return Flights(*values, flag=flag)


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
    """Each flight as samples from the pad to the impact; arguments as for ``fly_out``.

    A cubic through neighbouring samples' positions and velocities is within 1 m of the path.
    """
    launch, missile = launch_rows(
        packed, missile_index, latitude_rad, longitude_rad, azimuth_rad, pitch_final_rad, cutoff_s,
        beta=ballistic_coefficient_kg_m2,
    )  # fmt: skip
    offsets, flag = np.zeros(len(missile) + 1, dtype=np.int64), np.zeros(len(missile), dtype=np.uint8)
    parts, first, start, room = [], 0, 0, ROWS_AT_ONCE
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
