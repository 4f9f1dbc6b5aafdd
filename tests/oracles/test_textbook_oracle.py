"""The textbook's tracker against Stone Soup 1.9's, step by step on the same plots."""

import datetime

import numpy as np
import pytest
from tests import made_stonesoup as theirs
from tests import made_tracking as made

from detente.centre.tracking.follower import follow
from detente.centre.tracking.settings import TEXTBOOK


def their_tracker(scans):
    """Confirmed states (n, 6) and covariances of Stone Soup's multi-target tracker after each scan."""
    from stonesoup.dataassociator.neighbour import GNNWith2DAssignment
    from stonesoup.deleter.time import UpdateTimeStepsDeleter
    from stonesoup.hypothesiser.distance import DistanceHypothesiser
    from stonesoup.initiator.simple import MultiMeasurementInitiator
    from stonesoup.measures import Mahalanobis
    from stonesoup.tracker.simple import MultiTargetTracker
    from stonesoup.types.array import StateVector
    from stonesoup.types.state import GaussianState

    sees, predictor, updater = theirs.models()
    associator = GNNWith2DAssignment(DistanceHypothesiser(predictor, updater, Mahalanobis(), missed_distance=4.0))
    prior = GaussianState(StateVector(np.zeros(6)), np.diag([0.0, 2_000.0**2] * 3))
    initiator = MultiMeasurementInitiator(
        prior, deleter=UpdateTimeStepsDeleter(2), data_associator=associator, updater=updater, measurement_model=sees,
        min_points=3,
    )  # fmt: skip
    epoch = datetime.datetime(2010, 12, 1)
    times = [epoch + datetime.timedelta(seconds=k) for k in range(len(scans))]
    detector = [(time, theirs.detections(scan, time, sees)) for time, scan in zip(times, scans, strict=True)]
    tracker = MultiTargetTracker(
        initiator=initiator, deleter=UpdateTimeStepsDeleter(4), detector=detector, data_associator=associator,
        updater=updater,
    )  # fmt: skip
    for _, tracks in tracker:
        means, covariances = zip(*map(theirs.moments, tracks), strict=True) if tracks else ((), ())
        yield np.reshape(means, (-1, 6)), np.reshape(covariances, (-1, 6, 6))


@pytest.mark.parametrize("seed", [1, 2])
def test_every_state_is_stone_soups(seed):
    _, scans = made.fly(8, seed, scans=40)
    history, shed = follow(made.plots_of(scans), made.one_radar(), TEXTBOOK)
    assert (shed.unusable, shed.without_slot, shed.pairs, shed.unsound, shed.hurried) == (0, 0, 0, 0, 0)
    compared = 0
    for k, (their_means, their_covariances) in enumerate(their_tracker(scans)):
        means, covariances = made.states_of(history, (history.time_s == k) & (history.confirmed == 1))
        assert len(means) == len(their_means)
        if not len(means):
            continue
        ours, other = np.argsort(means[:, 0]), np.argsort(their_means[:, 0])
        means, covariances = means[ours], covariances[ours]
        sigma = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
        assert np.abs((means - their_means[other]) / sigma).max() < 1e-5
        scale = sigma[:, :, None] * sigma[:, None, :]
        assert np.abs((covariances - their_covariances[other]) / scale).max() < 1e-5
        compared += len(means)
    assert compared > 200
