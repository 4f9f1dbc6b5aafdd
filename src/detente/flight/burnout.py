"""Flights from a burn-out state: what a published speed and angle say about range, height and time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.flight import _kernels as flying
from detente.flight import _kernels_free as kernels
from detente.flight._kernels_sample import ROW
from detente.flight.flags import Flag
from detente.flight.trajectory import TOLERANCE_M, Ephemeris, Flights, check_tolerance, freeze, launch_rows
from detente.flight.vehicle import PackedMissiles
from detente.geodesy.constants import A_M, MU_M3_S2, OMEGA_RAD_S
from detente.geodesy.distance import destinations
from detente.geodesy.ellipsoid import ecef_to_geodetic, geodetic_to_ecef
from detente.records.errors import InputError

LEAST_HEIGHT_M = 1e-3
"""A burn-out at height 0 begins this high, so that coming back down is told from being there."""
FEWEST_ROWS = 1_024


@dataclass(frozen=True)
class Burnouts:
    """States at burn-out, one row each, and the point on the ground that ranges are counted from."""

    position_ecef_m: NDArray[np.float64]  # (n, 3)
    velocity_ecef_m_s: NDArray[np.float64]  # (n, 3) relative to the Earth
    origin_rad: NDArray[np.float64]  # (n, 2) latitude and longitude
    time_s: NDArray[np.float64]  # (n,) since launch
    flag: NDArray[np.uint8]  # OK, or why there is no such state (the row is then zero)


@dataclass(frozen=True)
class Orbits:
    """The two-body ellipses of states, if nothing but the Earth's centre pulled.

    Rows that escape have apogee 0; rows without a state have zeros.
    """

    perigee_m: NDArray[np.float64]  # heights above the equatorial radius; below 0: the ellipse meets the ground
    apogee_m: NDArray[np.float64]
    escapes: NDArray[np.bool_]


def burnouts(
    latitude_rad: ArrayLike,
    longitude_rad: ArrayLike,
    azimuth_rad: ArrayLike,
    speed_m_s: ArrayLike,
    elevation_rad: ArrayLike,
    *,
    altitude_m: ArrayLike = 0.0,
    downrange_m: ArrayLike = 0.0,
    time_s: ArrayLike = 0.0,
) -> Burnouts:
    """Burn-out states ``downrange_m`` from a pad along an azimuth, ``altitude_m`` high, at a speed and an elevation.

    All (n,) or scalars, broadcast. The speed is relative to the turning Earth; the elevation is counted from the
    horizon at the burn-out point, along the path's own azimuth there. Numbers must be finite: an assertion guards it.
    """
    given = [np.atleast_1d(np.asarray(value, dtype=float)) for value in (
        latitude_rad, longitude_rad, azimuth_rad, speed_m_s, elevation_rad, altitude_m, downrange_m, time_s,
    )]  # fmt: skip
    latitude, longitude, azimuth, speed, elevation, altitude, downrange, time = np.broadcast_arrays(*given)
    assert all(np.isfinite(value).all() for value in given), "a burn-out state that is not finite"
    origin = np.stack((latitude, longitude), axis=1)
    below = destinations(origin, azimuth, downrange)
    position = geodetic_to_ecef(np.column_stack((below[:, :2], np.maximum(altitude, LEAST_HEIGHT_M))))
    sin_lat, cos_lat = np.sin(below[:, 0]), np.cos(below[:, 0])
    sin_lon, cos_lon = np.sin(below[:, 1]), np.cos(below[:, 1])
    zero = np.zeros_like(sin_lat)
    east = np.stack((-sin_lon, cos_lon, zero), axis=1)
    north = np.stack((-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat), axis=1)
    up = np.stack((cos_lat * cos_lon, cos_lat * sin_lon, sin_lat), axis=1)
    ahead = np.sin(below[:, 2:]) * east + np.cos(below[:, 2:]) * north
    velocity = speed[:, None] * (np.cos(elevation)[:, None] * ahead + np.sin(elevation)[:, None] * up)
    flag, time = np.zeros(len(origin), dtype=np.uint8), np.array(time)
    freeze(velocity, origin, time, flag)
    return Burnouts(position, velocity, origin, time, flag)


def boosted(
    packed: PackedMissiles,
    missile_index: ArrayLike,
    latitude_rad: ArrayLike,
    longitude_rad: ArrayLike,
    azimuth_rad: ArrayLike,
    pitch_final_rad: ArrayLike,
    cutoff_s: ArrayLike = np.inf,
    *,
    rotation: bool = True,
    drag: bool = True,
    tolerance_m: float = TOLERANCE_M,
) -> Burnouts:
    """The state, ECEF, each launch has reached when its motor stops; arguments as for ``trajectory.fly_out``.

    Unlike a flight it exists for what never comes down too.
    """
    launch, missile = launch_rows(
        packed, missile_index, latitude_rad, longitude_rad, azimuth_rad, pitch_final_rad, cutoff_s, beta=None
    )
    states, flag = np.zeros((len(missile), 7)), np.zeros(len(missile), dtype=np.uint8)
    kernels.boost_rows(
        launch, missile, rotation, drag, check_tolerance(tolerance_m),
        packed.stage_count, packed.stages, packed.body, packed.cd, states, flag,
    )  # fmt: skip
    parts = [np.ascontiguousarray(part) for part in (states[:, 1:4], states[:, 4:7], launch[:, :2], states[:, 0])]
    freeze(*parts, flag)
    return Burnouts(*parts, flag=flag)


def fall(
    states: Burnouts,
    ballistic_coefficient_kg_m2: ArrayLike = 0.0,
    *,
    rotation: bool = True,
    drag: bool = True,
    tolerance_m: float = TOLERANCE_M,
) -> Flights:
    """Flies burn-out states to the ground. Ranges are counted from their origins, times from launch.

    ``ballistic_coefficient_kg_m2`` (n,) or scalar; 0 is no drag. ``rotation=False``: the Earth stands still and the
    velocities are inertial ones. Apogees are the highest point from burn-out on.
    """
    rows = _rows(states, ballistic_coefficient_kg_m2)
    results, flag = np.zeros((len(rows), flying.RESULTS)), np.zeros(len(rows), dtype=np.uint8)
    kernels.fall_rows(rows, rotation, drag, check_tolerance(tolerance_m), results, flag)
    flag[states.flag != 0] = states.flag[states.flag != 0]
    results[states.flag != 0] = 0.0
    landed, real = flag == 0, np.flatnonzero((states.flag == 0) & (flag != Flag.BAD_INPUT))
    results[real, flying.BURNOUT_HEIGHT] = ecef_to_geodetic(states.position_ecef_m[real])[:, 2]
    results[landed, flying.APOGEE_M] = np.maximum(
        results[landed, flying.APOGEE_M], results[landed, flying.BURNOUT_HEIGHT]
    )
    results[landed, flying.FLIGHT_S] += states.time_s[landed]
    results[real, flying.BURNOUT_S] = states.time_s[real]
    columns = (
        flying.RANGE, flying.APOGEE_M, flying.FLIGHT_S, flying.BURNOUT_S, flying.BURNOUT_SPEED,
        flying.BURNOUT_HEIGHT, flying.LATITUDE, flying.LONGITUDE, flying.ERROR,
    )  # fmt: skip
    values = [np.ascontiguousarray(results[:, column]) for column in columns]
    freeze(*values, flag)
    return Flights(*values, flag=flag)


def fall_ephemeris(
    states: Burnouts, ballistic_coefficient_kg_m2: float = 0.0, *, rotation: bool = True, drag: bool = True
) -> Ephemeris:
    """The path of one burn-out state to the ground as samples, spaced as ``trajectory.ephemeris`` spaces them."""
    rows_in = _rows(states, ballistic_coefficient_kg_m2)
    if len(rows_in) != 1:
        raise InputError(f"{len(rows_in)} burn-out states", "one state", "ask for one path at a time")
    rows = np.empty((FEWEST_ROWS, ROW))
    count, flag = kernels.sample_fall(rows_in[0], rotation, drag, TOLERANCE_M, rows)
    if count > len(rows):
        rows = np.empty((count, ROW))
        count, flag = kernels.sample_fall(rows_in[0], rotation, drag, TOLERANCE_M, rows)
    rows = rows[:count]
    time, phase = rows[:, 0] + states.time_s[0], rows[:, 7].astype(np.uint8)
    position, velocity = np.ascontiguousarray(rows[:, 1:4]), np.ascontiguousarray(rows[:, 4:7])
    offsets, flags = np.array([0, count], dtype=np.int64), np.array([flag], dtype=np.uint8)
    freeze(offsets, time, position, velocity, phase, flags)
    return Ephemeris(offsets, time, position, velocity, phase, flags)


def orbits(states: Burnouts, *, rotation: bool = True) -> Orbits:
    """Perigee and apogee of the ellipses that the states are on, to say what a flight that never lands does."""
    spin = np.array([0.0, 0.0, OMEGA_RAD_S if rotation else 0.0])
    position = states.position_ecef_m
    velocity = states.velocity_ecef_m_s + np.cross(spin, position)
    radius = np.where(states.flag == 0, np.linalg.norm(position, axis=1), A_M)
    energy = 0.5 * (velocity**2).sum(axis=1) - MU_M3_S2 / radius
    turn2 = (np.cross(position, velocity) ** 2).sum(axis=1)
    eccentricity = np.sqrt(np.maximum(0.0, 1.0 + 2.0 * energy * turn2 / MU_M3_S2**2))
    escapes = energy >= 0.0
    half_axis = -0.5 * MU_M3_S2 / np.where(escapes, -1.0, energy)
    apogee = np.where(escapes, 0.0, half_axis * (1.0 + eccentricity) - A_M)
    perigee = turn2 / MU_M3_S2 / (1.0 + eccentricity) - A_M
    perigee[states.flag != 0], apogee[states.flag != 0] = 0.0, 0.0
    freeze(perigee, apogee, escapes)
    return Orbits(perigee, apogee, escapes)


def _rows(states: Burnouts, ballistic_coefficient_kg_m2: ArrayLike) -> NDArray[np.float64]:
    count = len(states.time_s)
    beta = np.broadcast_to(np.asarray(ballistic_coefficient_kg_m2, dtype=float), count)
    return np.column_stack((states.position_ecef_m, states.velocity_ecef_m_s, beta, states.origin_rad))
