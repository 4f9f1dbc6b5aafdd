"""The turning frame (ECEF) and the one that does not turn; they agree at time 0. And the local east, north and up."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.geodesy import _kernels
from detente.geodesy.rows import frozen, one_each, rows_of


def ecef_to_inertial(states_ecef: ArrayLike, times_s: ArrayLike) -> NDArray[np.float64]:
    """How a state looks from a frame that does not turn with the Earth.

    ``states_ecef``: rows (x, y, z, m; vx, vy, vz relative to the turning Earth, m/s), shape (n, 6). ``times_s``:
    seconds since the epoch, one or n. Returns inertial rows, shape (n, 6).
    """
    states = rows_of(states_ecef, 6)
    out = np.empty_like(states)
    _kernels.inertial_rows(states, one_each(times_s, len(states)), out)
    return frozen(out)


def inertial_to_ecef(states_inertial: ArrayLike, times_s: ArrayLike) -> NDArray[np.float64]:
    """How an inertial state looks from the turning Earth: the inverse of :func:`ecef_to_inertial`, same shapes."""
    states = rows_of(states_inertial, 6)
    out = np.empty_like(states)
    _kernels.turning_rows(states, one_each(times_s, len(states)), out)
    return frozen(out)


def enu_axes(lat_rad: float, lon_rad: float) -> NDArray[np.float64]:
    """East, north and up at a place, as the rows of a (3, 3) matrix that takes ECEF differences to local ones."""
    return frozen(np.array(_kernels.enu_axes(float(lat_rad), float(lon_rad))).reshape(3, 3))
