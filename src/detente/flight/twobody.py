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
