"""Made-up tracks and truth that scoring's tests share."""

import numpy as np

from detente.records.paths import TrackPaths, TruePaths, pack_covariance


def straight(start: tuple[float, float, float], speed: float, times: np.ndarray) -> np.ndarray:
    """States (n, 6) of flight along x."""
    states = np.zeros((len(times), 6))
    states[:, :3] = start
    states[:, 0] += speed * times
    states[:, 3] = speed
    return states


def truth_of(paths: dict[int, tuple[np.ndarray, np.ndarray]]) -> TruePaths:
    """From number → (times, states)."""
    keys = sorted(paths)
    states = np.vstack([paths[key][1] for key in keys])
    return TruePaths(
        object=np.repeat(keys, [len(paths[key][0]) for key in keys]),
        time_s=np.concatenate([paths[key][0] for key in keys]),
        position_m=states[:, :3], velocity_m_s=states[:, 3:], phase=np.full(len(states), 2),
        ballistic_coefficient_kg_m2=np.zeros(len(states)),
    )  # fmt: skip


def tracks_of(paths: dict[int, tuple[np.ndarray, np.ndarray]], covariance: np.ndarray | None = None) -> TrackPaths:
    """From number → (times, states), with one covariance for all or none."""
    made = truth_of(paths)
    stated = np.broadcast_to(np.zeros((6, 6)) if covariance is None else covariance, (len(made), 6, 6))
    return TrackPaths(
        track=made.object, time_s=made.time_s, position_m=made.position_m, velocity_m_s=made.velocity_m_s,
        covariance=pack_covariance(stated), has_covariance=np.full(len(made), covariance is not None),
    )  # fmt: skip
