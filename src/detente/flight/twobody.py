"""The least a missile must do to cover a distance: the closed form over a round Earth that does not turn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.flight.frozen import freeze
from detente.geodesy.constants import MU_M3_S2
from detente.records.errors import InputError

RADIUS_M = 6_371_000.0


@dataclass(frozen=True)
class MinimumEnergy:
    """One row per distance: the slowest launch, surface to surface, that covers it."""

    speed_m_s: NDArray[np.float64]
    elevation_rad: NDArray[np.float64]
    apogee_m: NDArray[np.float64]
    time_s: NDArray[np.float64]


def minimum_energy(range_m: ArrayLike) -> MinimumEnergy:
    """The slowest launch that covers each distance: speed, elevation, apogee and time of flight.

    ``range_m`` (n,) or scalar, along a sphere of 6,371 km, above 0 and below half its circumference. Source: A. D.
    Wheelon, "Free flight of a ballistic missile", ARS Journal 29 (1959); with s = sin(φ/2), v² = (μ/R)·2s/(1 + s),
    elevation 45° − φ/4, semi-major axis R(1 + s)/2.
    """
    distance = np.atleast_1d(np.asarray(range_m, dtype=float))
    if not np.all((distance > 0.0) & (distance < np.pi * RADIUS_M)):
        raise InputError(f"{distance}", "distances above 0 and below 20,015 km", "correct the distance", path="range_m")
    angle = distance / RADIUS_M
    s = np.sin(0.5 * angle)
    speed = np.sqrt(MU_M3_S2 / RADIUS_M * 2.0 * s / (1.0 + s))
    elevation = 0.25 * np.pi - 0.25 * angle
    axis = 0.5 * RADIUS_M * (1.0 + s)
    eccentricity = np.hypot(1.0 - RADIUS_M / axis, RADIUS_M * speed * np.sin(elevation) / np.sqrt(MU_M3_S2 * axis))
    # The arc is symmetric about apogee (eccentric anomaly π): twice the time from there to the ground.
    half = np.pi - np.arccos((1.0 - RADIUS_M / axis) / eccentricity)
    time = 2.0 * (half + eccentricity * np.sin(half)) * np.sqrt(axis**3 / MU_M3_S2)
    apogee = axis * (1.0 + eccentricity) - RADIUS_M
    freeze(speed, elevation, apogee, time)
    return MinimumEnergy(speed, elevation, apogee, time)


@dataclass(frozen=True)
class Arcs:
    """One row per observation: the launch, surface to surface, that has this range and this apogee."""

    speed_m_s: NDArray[np.float64]
    elevation_rad: NDArray[np.float64]
    time_s: NDArray[np.float64]


def arc_of(range_m: ArrayLike, apogee_m: ArrayLike) -> Arcs:
    """The impulsive launch that covers a distance and rises to an apogee: speed, elevation and time of flight.

    Both (n,) or scalars, broadcast, over a sphere of 6,371 km that does not turn. An ellipse seen from its apogee at
    radius r_a is r = r_a (1 − e)/(1 − e cos θ); it meets the ground half the range φ/2 away, so that
    e = H/(H + R (1 − cos φ/2)), H being the apogee's height.
    """
    distance, apogee = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(value, dtype=float)) for value in (range_m, apogee_m))
    )
    if not np.all((distance >= 0.0) & (distance < np.pi * RADIUS_M)):
        raise InputError(f"{range_m}", "distances from 0 to below 20,015 km", "correct the distance", path="range_m")
    if not np.all((apogee > 0.0) & np.isfinite(apogee)):
        raise InputError(f"{apogee_m}", "an apogee above 0", "correct the apogee", path="apogee_m")
    half_angle = 0.5 * distance / RADIUS_M
    eccentricity = apogee / (apogee + RADIUS_M * 2.0 * np.sin(0.5 * half_angle) ** 2)
    top = RADIUS_M + apogee
    axis = top / (1.0 + eccentricity)
    speed = np.sqrt(MU_M3_S2 * (2.0 / RADIUS_M - 1.0 / axis))
    level = np.sqrt(MU_M3_S2 * axis * np.maximum(1.0 - eccentricity**2, 0.0)) / RADIUS_M  # horizontal speed
    elevation = np.arccos(np.clip(level / speed, 0.0, 1.0))
    half = np.pi - np.arccos(np.clip((1.0 - RADIUS_M / axis) / eccentricity, -1.0, 1.0))
    time = 2.0 * (half + eccentricity * np.sin(half)) * np.sqrt(axis**3 / MU_M3_S2)
    freeze(speed, elevation, time)
    return Arcs(speed, elevation, time)


@dataclass(frozen=True)
class Impulses:
    """One row per speed: the farthest that an impulsive launch goes, and the elevation that takes it there."""

    range_m: NDArray[np.float64]
    elevation_rad: NDArray[np.float64]


def farthest_impulse(speed_m_s: ArrayLike) -> Impulses:
    """The longest range of a launch speed, surface to surface: ``minimum_energy`` read the other way.

    ``speed_m_s`` (n,) or scalar. With q = v²R/μ the half range's sine is q/(2 − q); from q = 1 on, the whole Earth.
    """
    speed = np.atleast_1d(np.asarray(speed_m_s, dtype=float))
    if not np.all((speed >= 0.0) & np.isfinite(speed)):
        raise InputError(f"{speed_m_s}", "speeds of 0 m/s and more", "correct the speed", path="speed_m_s")
    q = np.minimum(speed**2 * RADIUS_M / MU_M3_S2, 1.0)
    angle = 2.0 * np.arcsin(q / (2.0 - q))
    distance, elevation = angle * RADIUS_M, 0.25 * (np.pi - angle)
    freeze(distance, elevation)
    return Impulses(distance, elevation)
