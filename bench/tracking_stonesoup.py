"""The same files through Stone Soup: its extended Kalman filter, gates, global nearest neighbour and life rules."""

import time
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from stonesoup.dataassociator.neighbour import GNNWith2DAssignment
from stonesoup.dataassociator.tree import DetectionKDTreeGNN2D
from stonesoup.deleter.time import UpdateTimeStepsDeleter
from stonesoup.hypothesiser.distance import DistanceHypothesiser
from stonesoup.initiator.simple import MultiMeasurementInitiator
from stonesoup.measures import Mahalanobis
from stonesoup.models.measurement.nonlinear import CartesianToElevationBearingRange
from stonesoup.models.transition.linear import CombinedLinearGaussianTransitionModel, ConstantVelocity
from stonesoup.predictor.kalman import ExtendedKalmanPredictor
from stonesoup.tracker.simple import MultiTargetTracker
from stonesoup.types.array import StateVector
from stonesoup.types.state import GaussianState
from stonesoup.updater.kalman import ExtendedKalmanUpdater
from tracking_scenes import GRAVITY_M_S2, NOISE_M2_S3, SIGMAS, SPEED_SIGMA_M_S, Scene

from detente.bridges.stonesoup import detections_to
from detente.records.paths import TrackPaths, pack_covariance

EPOCH = datetime(2025, 1, 1)
GATE, CONFIRM_HITS, CONFIRMED_MISSES, TENTATIVE_MISSES = 4.0, 3, 4, 2
PLAIN, TREE, TREE_ANALYTIC, PLAIN_ANALYTIC = (
    "plain",
    "kd-tree",
    "kd-tree, analytic Jacobian",
    "plain, analytic Jacobian",
)
PLACES = np.array([0, 2, 4, 1, 3, 5])


class Falling(CombinedLinearGaussianTransitionModel):
    """Constant velocity with gravity known."""

    def function(self, state: Any, noise: Any = False, **how: Any) -> StateVector:
        """The state a time interval later."""
        h = how["time_interval"].total_seconds()
        fallen = StateVector([0, 0, 0, 0, -0.5 * GRAVITY_M_S2 * h * h, -GRAVITY_M_S2 * h])
        return super().function(state, noise=noise, **how) + fallen


class AnalyticRadar(CartesianToElevationBearingRange):
    """Their radar with its Jacobian written out: the stock one differs by steps that collapse for negative states."""

    def jacobian(self, state: Any, **_how: Any) -> np.ndarray:
        """Of elevation, bearing and range by x, vx, y, vy, z, vz."""
        x, _, y, _, z, _ = np.asarray(state.state_vector, float).ravel()
        level2 = x * x + y * y
        level, far2 = np.sqrt(level2), level2 + z * z
        far = np.sqrt(far2)
        slopes = np.zeros((3, 6))
        slopes[0, ::2] = -x * z / (far2 * level), -y * z / (far2 * level), level / far2
        slopes[1, :4:2] = -y / level2, x / level2
        slopes[2, ::2] = x / far, y / far, z / far
        return slopes


def tracker(which: str) -> tuple[Any, Any]:
    """A measurement model, and a function from detections to a tracker and its initiator."""
    kind = AnalyticRadar if "analytic" in which else CartesianToElevationBearingRange
    model = kind(6, np.array([0, 2, 4]), np.diag(np.square(SIGMAS[::-1])))
    predictor, updater = (
        ExtendedKalmanPredictor(Falling([ConstantVelocity(NOISE_M2_S3)] * 3)),
        ExtendedKalmanUpdater(model),
    )
    hypothesiser = DistanceHypothesiser(predictor, updater, Mahalanobis(), missed_distance=GATE)

    def associator() -> Any:
        if which.startswith(TREE):
            return DetectionKDTreeGNN2D(hypothesiser, predictor, updater, max_distance=20e3)
        return GNNWith2DAssignment(hypothesiser)

    initiator = MultiMeasurementInitiator(
        GaussianState(StateVector(np.zeros(6)), np.diag([0, SPEED_SIGMA_M_S**2] * 3), timestamp=None),
        deleter=UpdateTimeStepsDeleter(TENTATIVE_MISSES), data_associator=associator(), updater=updater,
        measurement_model=model, min_points=CONFIRM_HITS,
    )  # fmt: skip

    def built(detector: Any) -> tuple[Any, Any]:
        return MultiTargetTracker(
            initiator=initiator, deleter=UpdateTimeStepsDeleter(CONFIRMED_MISSES), detector=detector,
            data_associator=associator(), updater=updater,
        ), initiator  # fmt: skip

    return model, built


def run(scene: Scene, which: str, scans: int | None = None) -> tuple[TrackPaths, int, float]:
    """Confirmed tracks after every scan, track-updates made, and CPU seconds of the tracker alone.

    A track-update is one live track, confirmed or tentative, carried through one scan.
    """
    model, built = tracker(which)
    told = detections_to(scene.plots, scene.sensors, EPOCH)[:scans]
    for _, found in told:
        for one in found:
            one.measurement_model = model
    tracking, initiator = built(told)
    steps, updates, spent, rows = iter(tracking), 0, 0.0, []
    numbers: dict[str, int] = {}
    for scan in range(len(told)):
        updates += len(tracking.tracks) + len(initiator.holding_tracks)
        before = time.process_time()
        moment, tracks = next(steps)
        spent += time.process_time() - before
        assert moment == EPOCH + timedelta(seconds=scan), "a scan was skipped"
        for track in tracks:
            vector, covariance = np.asarray(track.state_vector, float).ravel(), np.asarray(track.covar, float)
            rows.append(
                (
                    numbers.setdefault(track.id, len(numbers) + 1),
                    float(scan),
                    vector[PLACES],
                    covariance[PLACES][:, PLACES],
                )
            )
    return _states(rows), updates, spent


def _states(rows: list[tuple]) -> TrackPaths:
    rows.sort(key=lambda row: row[:2])
    vectors = np.array([row[2] for row in rows]).reshape(-1, 6)
    return TrackPaths(
        track=np.array([row[0] for row in rows], np.int64), time_s=np.array([row[1] for row in rows], float),
        position_m=vectors[:, :3], velocity_m_s=vectors[:, 3:],
        covariance=pack_covariance(np.array([row[3] for row in rows]).reshape(-1, 6, 6)),
        has_covariance=np.ones(len(rows)),
    )  # fmt: skip
