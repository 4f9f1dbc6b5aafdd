"""Whether what a warning claims of its own error is true: the error in units of the covariance stated with it."""

import numpy as np
from numpy.typing import NDArray

from detente.geodesy.distance import shortest_paths
from detente.records.stages import Warnings

Floats = NDArray[np.float64]


def longest_variance_m2(warnings: Warnings) -> Floats:
    """Greatest variance, in any direction, of each stated impact point, shape (n,)."""
    east_east, east_north, north_north = np.asarray(warnings.impact_covariance_m2, float).T
    return 0.5 * (east_east + north_north) + np.hypot(0.5 * (east_east - north_north), east_north)


def impact_nees(warnings: Warnings, true_impact_rad: Floats) -> Floats:
    """Squared error of each stated impact point in units of its stated covariance, shape (n,).

    ``true_impact_rad``: rows (lat, lon), (n, 2). The true point is laid east and north of the stated one along the
    shortest path, as the report draws ellipses. Two degrees of freedom: a consistent warning has mean 2, and 95 % lie
    below 5.99. Infinity where the covariance is not positive: then nothing lies inside.
    """
    stated = np.stack([warnings.impact_lat_rad, warnings.impact_lon_rad], axis=1)
    if not len(stated):
        return np.empty(0)
    paths = shortest_paths(stated, true_impact_rad)
    east = paths.distance_m * np.sin(paths.azimuth_start_rad)
    north = paths.distance_m * np.cos(paths.azimuth_start_rad)
    east_east, east_north, north_north = np.asarray(warnings.impact_covariance_m2, float).T
    determinant = east_east * north_north - east_north**2
    square = north_north * east**2 - 2.0 * east_north * east * north + east_east * north**2
    positive = (determinant > 0.0) & (east_east > 0.0)
    return np.divide(square, determinant, out=np.full(len(stated), np.inf), where=positive)
