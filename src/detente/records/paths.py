"""Tracks and truth as anyone's files have them: one state a row, in whatever Cartesian frame both share."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.records.columns import covariance, moment, position, track_number, velocity
from detente.records.table import Table, column

FRAME = "Cartesian, the same for tracks and truth"
_LOWER = np.tril_indices(6)


@dataclass(frozen=True, kw_only=True, eq=False)
class TrackPaths(Table):
    """What a tracker says: one row a confirmed track and moment, in order of track, then time."""

    stage = "track_paths"
    track: Any = track_number()
    time_s: Any = moment("time of the state")
    position_m: Any = position(FRAME)
    velocity_m_s: Any = velocity(FRAME)
    covariance: Any = covariance(FRAME)
    has_covariance: Any = column("u1", "1 where a covariance is stated; else it is 0")


@dataclass(frozen=True, kw_only=True, eq=False)
class TruePaths(Table):
    """Where objects really were: one row an object and moment, in order of object, then time."""

    stage = "true_paths"
    object: Any = column("i8", "number of the object")
    time_s: Any = moment("time of the state")
    position_m: Any = position(FRAME)
    velocity_m_s: Any = velocity(FRAME)
    phase: Any = column("u1", "1 boost, 2 coast, 3 reentry; 0 where not told")
    ballistic_coefficient_kg_m2: Any = column("f8", "of the body; 0 where not told", unit="kg/m²")


def pack_covariance(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lower triangles by rows (n, 21) of covariances (n, 6, 6) ordered position, velocity."""
    return np.ascontiguousarray(matrices[:, _LOWER[0], _LOWER[1]])


def unpack_covariance(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Covariances (n, 6, 6) from their lower triangles by rows (n, 21)."""
    matrices = np.zeros((len(rows), 6, 6))
    matrices[:, _LOWER[0], _LOWER[1]] = rows
    matrices[:, _LOWER[1], _LOWER[0]] = rows
    return matrices
