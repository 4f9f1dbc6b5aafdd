"""States to come down from, spread over all that flight says it can carry to the ground."""

import math

import numpy as np

from detente.geodesy._kernels import geodetic_to_ecef


def states(latitude, longitude, height, azimuth, speed, climb):
    """ECEF states, velocity relative to the Earth, all angles in radians; one row per launch."""
    east = np.stack((-np.sin(longitude), np.cos(longitude), 0.0 * longitude), axis=1)
    up = np.stack(
        (np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)), axis=1
    )
    ahead = np.sin(azimuth)[:, None] * east + np.cos(azimuth)[:, None] * np.cross(up, east)
    position = np.array([geodetic_to_ecef(*row) for row in zip(latitude, longitude, height, strict=True)])
    velocity = speed[:, None] * (np.sin(climb)[:, None] * up + np.cos(climb)[:, None] * ahead)
    return np.hstack((position, velocity))


def envelope(rng, count):
    """Bodies as missiles leave them, from 50 km of range to half the Earth: states and ballistic coefficients.

    The faster, the higher they burn out: 20 to 60 km, 30 to 150 km, 80 to 300 km.
    """
    speed = np.exp(rng.uniform(math.log(700.0), math.log(7_800.0), count))
    low = np.select([speed < 2_000.0, speed < 4_500.0], [20e3, 30e3], 80e3)
    high = np.select([speed < 2_000.0, speed < 4_500.0], [60e3, 150e3], 300e3)
    # A tenth of all start within a degree of a pole, a tenth within a degree of the antimeridian.
    latitude, longitude = np.arcsin(rng.uniform(-1, 1, count)), rng.uniform(-math.pi, math.pi, count)
    latitude[::10] = np.copysign(0.5 * math.pi - rng.uniform(0.0, 0.0175, len(latitude[::10])), latitude[::10])
    longitude[5::10] = math.pi - rng.uniform(-0.0175, 0.0175, len(longitude[5::10]))
    rows = states(
        latitude, longitude, rng.uniform(low, high), rng.uniform(-math.pi, math.pi, count), speed,
        np.radians(rng.uniform(5.0, 88.0, count)),
    )  # fmt: skip
    return rows, np.exp(rng.uniform(math.log(500.0), math.log(10_000.0), count))
