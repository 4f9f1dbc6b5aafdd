"""Where to look for a thing from a site, and whether the Earth is in the way."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.geodesy import _kernels
from detente.geodesy.rows import frozen, rows_of


@dataclass(frozen=True, kw_only=True)
class LookAngles:
    """Directions and ranges from one site, shape (n,) each."""

    azimuth_rad: NDArray[np.float64]  # clockwise from north, in [0, 2π)
    elevation_rad: NDArray[np.float64]  # over the plane normal to the ellipsoid's vertical
    range_m: NDArray[np.float64]


def look_angles(site_geodetic: ArrayLike, positions_ecef_m: ArrayLike) -> LookAngles:
    """Azimuth, elevation and range of things as a site sees them; no refraction.

    ``site_geodetic``: (lat_rad, lon_rad, height_m). ``positions_ecef_m``: shape (n, 3).
    """
    site = rows_of(site_geodetic, 3)[0]
    points = rows_of(positions_ecef_m, 3)
    out = np.empty_like(points)
    _kernels.look_rows(np.array(_kernels.geodetic_to_ecef(*site)), site[0], site[1], points, out)
    azimuth, elevation, slant = np.ascontiguousarray(out.T)
    return LookAngles(azimuth_rad=frozen(azimuth), elevation_rad=frozen(elevation), range_m=frozen(slant))


def line_of_sight_clear(
    site_ecef_m: ArrayLike, positions_ecef_m: ArrayLike, grazing_m: float = 0.0
) -> NDArray[np.bool_]:
    """True where the straight line from the site clears the ellipsoid raised by ``grazing_m``; shape (n,).

    Both ends are taken to be above ground: a line that leaves the site upward is clear however low the site stands.
    No terrain and no refraction; the raised surface is an ellipsoid too (its height errs by < 1/300 of ``grazing_m``).
    """
    site = rows_of(site_ecef_m, 3)[0]
    points = rows_of(positions_ecef_m, 3)
    out = np.empty(len(points), np.uint8)
    _kernels.clear_rows(site, points, float(grazing_m), out)
    return frozen(out.astype(np.bool_))
