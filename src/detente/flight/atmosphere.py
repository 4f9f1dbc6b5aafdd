"""The air as the U.S. Standard Atmosphere 1976 has it, from the ground to 1,000 km.

Flight meets the air below 150 km only (``DRAG_CEILING_M``); what that leaves out is in the room's README.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.flight._kernels_air import DRAG_CEILING_M as DRAG_CEILING_M
from detente.flight._kernels_air import standard_air
from detente.records.errors import InputError

TOP_M = 1_000_000.0


def _columns(height_m: ArrayLike) -> NDArray[np.float64]:
    height = np.asarray(height_m, dtype=float)
    if not np.all((height >= 0.0) & (height <= TOP_M)):
        raise InputError(f"{height_m}", "heights of 0 to 1,000 km, in metres", "correct the height", path="height_m")
    rows = np.array([standard_air(float(h)) for h in height.ravel()]).reshape(*height.shape, 3)
    return np.moveaxis(rows, -1, 0)


def density_kg_m3(height_m: ArrayLike) -> NDArray[np.float64]:
    """Density of the air at geometric heights of 0 to 1,000 km, any shape."""
    return np.exp(_columns(height_m)[0])


def pressure_pa(height_m: ArrayLike) -> NDArray[np.float64]:
    """Pressure of the air at geometric heights of 0 to 1,000 km, any shape."""
    return np.exp(_columns(height_m)[1])


def sound_speed_m_s(height_m: ArrayLike) -> NDArray[np.float64]:
    """Speed of sound at geometric heights of 0 to 1,000 km, any shape; above 86 km the value there is kept."""
    return _columns(height_m)[2]
