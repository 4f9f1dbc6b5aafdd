"""How far it is over the ground, which way to leave, and where a path of a given length ends."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.geodesy import _kernels, _kernels_geodesic
from detente.geodesy.rows import frozen, one_each, rows_of


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Shortest paths over the ellipsoid, shape (n,) each. Rows where ``ok`` is false hold NaN."""

    distance_m: NDArray[np.float64]
    azimuth_start_rad: NDArray[np.float64]  # of travel, clockwise from north, in [-π, π]
    azimuth_end_rad: NDArray[np.float64]
    ok: NDArray[np.bool_]  # false where a latitude lies beyond a pole


def great_circle_m(start_rad: ArrayLike, end_rad: ArrayLike) -> NDArray[np.float64]:
    """Distance over the mean sphere, m, shape (n,); up to 0.56 % from the ellipsoid's.

    ``start_rad``, ``end_rad``: rows (lat, lon), shape (n, 2) or a single row for all.
    """
    start, end = _paired(start_rad, end_rad)
    out = np.empty(len(start))
    _kernels.great_circle_rows(start, end, out)
    return frozen(out)


def shortest_paths(start_rad: ArrayLike, end_rad: ArrayLike) -> Paths:
    """Distance and azimuths over the WGS 84 ellipsoid, within 0.1 mm, antipodes included.

    ``start_rad``, ``end_rad``: rows (lat, lon), shape (n, 2) or a single row for all. Vincenty 1975; where that does
    not settle, Karney 2013's halving of the azimuth.
    """
    start, end = _paired(start_rad, end_rad)
    out, ok = np.empty((len(start), 3)), np.empty(len(start), np.uint8)
    _kernels_geodesic.inverse_rows(start, end, out, ok)
    distance, first, last = (frozen(np.ascontiguousarray(column)) for column in out.T)
    return Paths(distance_m=distance, azimuth_start_rad=first, azimuth_end_rad=last, ok=frozen(ok.astype(np.bool_)))


def destinations(start_rad: ArrayLike, azimuths_rad: ArrayLike, distances_m: ArrayLike) -> NDArray[np.float64]:
    """Where paths end: rows (lat_rad, lon_rad in [-π, π], azimuth_rad of arrival), shape (n, 3), within 0.1 mm.

    ``start_rad``: rows (lat, lon), shape (n, 2) or one; ``azimuths_rad`` and ``distances_m``: n or one.
    """
    start = rows_of(start_rad, 2)
    count = max(len(start), np.size(azimuths_rad), np.size(distances_m))
    start = np.array(np.broadcast_to(start, (count, 2)), order="C")
    out = np.empty((count, 3))
    _kernels_geodesic.direct_rows(start, one_each(azimuths_rad, count), one_each(distances_m, count), out)
    return frozen(out)


def _paired(start_rad: ArrayLike, end_rad: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    start, end = np.broadcast_arrays(rows_of(start_rad, 2), rows_of(end_rad, 2))
    return np.array(start, order="C"), np.array(end, order="C")
