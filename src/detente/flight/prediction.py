"""Where objects seen in flight will land, and where they will be: batched doors to the kernels trackers call."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.flight import _kernels_predict as kernels
from detente.flight.descent import descend, state_rows
from detente.flight.frozen import freeze
from detente.records.errors import InputError


@dataclass(frozen=True)
class Impacts:
    """One row per object. Rows whose ``flag`` is not OK hold time 0 and position 0."""

    time_s: NDArray[np.float64]  # from the state's own time
    position_ecef_m: NDArray[np.float64]  # (n, 3)
    flag: NDArray[np.uint8]


def predict_impacts(
    position_ecef_m: ArrayLike, velocity_ecef_m_s: ArrayLike, ballistic_coefficient_kg_m2: ArrayLike
) -> Impacts:
    """When and where objects that are no longer boosting will land.

    Positions and velocities (n, 3) ECEF; ballistic coefficient (n,) or scalar, kg/m2, 0 for no drag. A state that is
    still boosting is taken as coasting: the caller knows, this door cannot.
    """
    down = descend(position_ecef_m, velocity_ecef_m_s, ballistic_coefficient_kg_m2)
    return Impacts(down.time_s, down.position_ecef_m, down.flag)


def coast(
    position_ecef_m: ArrayLike, velocity_ecef_m_s: ArrayLike, time_s: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """States a time later (or earlier) in a vacuum: positions and velocities (n, 3) ECEF.

    Central gravity and J2; within 1 m over 600 s. The input must be finite and near the Earth.
    """
    states = state_rows(position_ecef_m, velocity_ecef_m_s)
    times = np.ascontiguousarray(np.broadcast_to(np.asarray(time_s, dtype=float), len(states)))
    moved = np.zeros_like(states)
    if not kernels.coast_rows(states, times, moved):
        raise InputError("a state or a time out of range", "finite, near the Earth, within 4 hours", "correct the row")
    position, velocity = np.ascontiguousarray(moved[:, :3]), np.ascontiguousarray(moved[:, 3:])
    freeze(position, velocity)
    return position, velocity


def predicted_path(
    position_ecef_m: ArrayLike, velocity_ecef_m_s: ArrayLike, ballistic_coefficient_kg_m2: float, spacing_s: float
) -> NDArray[np.float64]:
    """One object's way to the ground as rows (time from now, position, velocity), every ``spacing_s`` and at impact.

    Empty where the object has no way to the ground: ``predict_impacts`` says why.
    """
    if not 1e-3 <= spacing_s <= 1e4:
        raise InputError(f"{spacing_s} s", "a spacing of 0.001 to 10,000 s", "correct the spacing")
    state = state_rows(position_ecef_m, velocity_ecef_m_s)
    if len(state) != 1:
        raise InputError(f"{len(state)} objects", "one object", "ask for one path at a time")
    impact = predict_impacts(state[:, :3], state[:, 3:], ballistic_coefficient_kg_m2)
    if impact.flag[0] != 0:
        return np.zeros((0, 7))
    rows = np.zeros((int(impact.time_s[0] / spacing_s) + 16, 7))
    written, _ = kernels.predict_path(*state[0], float(ballistic_coefficient_kg_m2), float(spacing_s), len(rows), rows)
    path = rows[:written].copy()
    freeze(path)
    return path
