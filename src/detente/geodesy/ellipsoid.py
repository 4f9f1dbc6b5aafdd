"""Latitude, longitude and height on the WGS 84 ellipsoid, and the same points as ECEF coordinates."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.geodesy import _kernels
from detente.geodesy.rows import frozen, rows_of

CENTRE_RADIUS_M = 100_000.0
"""Closer than this to the Earth's centre, latitude is not defined (the ellipsoid's evolute reaches 43 km)."""


def geodetic_to_ecef(points_geodetic: ArrayLike) -> NDArray[np.float64]:
    """Where a place is in ECEF.

    ``points_geodetic``: rows (lat_rad, lon_rad, height_m), shape (n, 3). Returns ECEF positions, m, shape (n, 3).
    """
    points = rows_of(points_geodetic, 3)
    assert (np.abs(points[:, 0]) <= 0.5 * np.pi).all(), "a latitude lies beyond a pole; are these degrees?"
    out = np.empty_like(points)
    _kernels.ecef_rows(points, out)
    return frozen(out)


def ecef_to_geodetic(positions_ecef_m: ArrayLike) -> NDArray[np.float64]:
    """Which place an ECEF position lies over, and how high.

    ``positions_ecef_m``: shape (n, 3). Returns rows (lat_rad, lon_rad in [-π, π], height_m), shape (n, 3), within
    1e-12 rad and 1 µm from 10 km below the ellipsoid to 50,000 km above, poles included. Bowring 1976, 1985.
    """
    points = rows_of(positions_ecef_m, 3)
    assert (np.einsum("ij,ij->i", points, points) > CENTRE_RADIUS_M**2).all(), "a position is at the Earth's centre"
    out = np.empty_like(points)
    _kernels.geodetic_rows(points, out)
    return frozen(out)
