"""The textbook's tracker against Stone Soup 1.9's, step by step on the same plots.

Stone Soup takes the slopes of a measurement by differences whose step collapses for negative states; it is given exact
slopes here, so that both filters are the same filter.
"""

import datetime
import runpy
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from detente.centre.tracking.follower import follow
from detente.centre.tracking.settings import TEXTBOOK

made = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "made_tracking.py")))
STATE = [0, 2, 4, 1, 3, 5]  # Stone Soup's x vx y vy z vz in our order


def their_tracker(scans):
    """Confirmed states (n, 6) and covariances of Stone Soup's multi-target tracker after each scan."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from stonesoup.dataassociator.neighbour import GNNWith2DAssignment
        from stonesoup.deleter.time import UpdateTimeStepsDeleter
        from stonesoup.hypothesiser.distance import DistanceHypothesiser
        from stonesoup.initiator.simple import MultiMeasurementInitiator
        from stonesoup.measures import Mahalanobis
        from stonesoup.models.measurement.nonlinear import CartesianToElevationBearingRange
        from stonesoup.models.transition.linear import CombinedLinearGaussianTransitionModel, ConstantVelocity
        from stonesoup.predictor.kalman import ExtendedKalmanPredictor
        from stonesoup.tracker.simple import MultiTargetTracker
        from stonesoup.types.angle import Bearing, Elevation
        from stonesoup.types.array import StateVector
        from stonesoup.types.detection import Detection
        from stonesoup.types.state import GaussianState
        from stonesoup.updater.kalman import ExtendedKalmanUpdater

    class Falling(CombinedLinearGaussianTransitionModel):
        def function(self, state, noise=False, **given):
            h = given["time_interval"].total_seconds()
            fall = StateVector([0, 0, 0, 0, -0.5 * made.GRAVITY * h * h, -made.GRAVITY * h])
            return super().function(state, noise=noise, **given) + fall

    class Exact(CartesianToElevationBearingRange):
        def jacobian(self, state, **given):
            x, y, z = np.asarray(state.state_vector, float).ravel()[[0, 2, 4]]
            level, far2 = np.hypot(x, y), x * x + y * y + z * z
            slopes = np.zeros((3, 6))
            slopes[:, [0, 2, 4]] = [
                [-x * z / (far2 * level), -y * z / (far2 * level), level / far2],
                [-y / level**2, x / level**2, 0.0],
                [x / far2**0.5, y / far2**0.5, z / far2**0.5],
            ]
            return slopes

    sees = Exact(6, np.array([0, 2, 4]), np.diag(np.square(made.SIGMAS)))
    predictor = ExtendedKalmanPredictor(Falling([ConstantVelocity(made.NOISE)] * 3))
    updater = ExtendedKalmanUpdater(sees)
    associator = GNNWith2DAssignment(DistanceHypothesiser(predictor, updater, Mahalanobis(), missed_distance=4.0))
    prior = GaussianState(StateVector(np.zeros(6)), np.diag([0.0, 2_000.0**2] * 3))
    initiator = MultiMeasurementInitiator(
        prior, deleter=UpdateTimeStepsDeleter(2), data_associator=associator, updater=updater, measurement_model=sees,
        min_points=3,
    )  # fmt: skip
    epoch = datetime.datetime(2010, 12, 1)
    detector = []
    for k, scan in enumerate(scans):
        time = epoch + datetime.timedelta(seconds=k)
        plots = {
            Detection(StateVector([Elevation(e), Bearing(b), r]), timestamp=time, measurement_model=sees)
            for e, b, r in scan
        }
        detector.append((time, plots))
    tracker = MultiTargetTracker(
        initiator=initiator, deleter=UpdateTimeStepsDeleter(4), detector=detector, data_associator=associator,
        updater=updater,
    )  # fmt: skip
    for _, tracks in tracker:
        means = np.array([np.asarray(track.mean, float).ravel()[STATE] for track in tracks]).reshape(-1, 6)
        covariances = np.array([np.asarray(track.covar, float)[np.ix_(STATE, STATE)] for track in tracks])
        yield means, covariances.reshape(-1, 6, 6)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_state_is_stone_soups(seed):
    _, scans = made.fly(8, seed, scans=40)
    history, shed = follow(made.plots_of(scans), made.one_radar(), TEXTBOOK)
    assert (shed.unusable, shed.without_slot, shed.pairs, shed.unsound, shed.hurried) == (0, 0, 0, 0, 0)
    compared = 0
    for k, (theirs, their_covariances) in enumerate(their_tracker(scans)):
        means, covariances = made.states_of(history, (history.time_s == k) & (history.confirmed == 1))
        assert len(means) == len(theirs)
        if not len(means):
            continue
        ours, other = np.argsort(means[:, 0]), np.argsort(theirs[:, 0])
        means, covariances = means[ours], covariances[ours]
        sigma = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
        assert np.abs((means - theirs[other]) / sigma).max() < 1e-5
        scale = sigma[:, :, None] * sigma[:, None, :]
        assert np.abs((covariances - their_covariances[other]) / scale).max() < 1e-5
        compared += len(means)
    assert compared > 200
