"""Sensors that are off: found where two of them see the same objects, left alone where not, and told."""

from dataclasses import replace

import numpy as np
import pytest
from tests import made_biased as biased

import detente
from detente.centre.tracking.follower import Follower
from detente.centre.tracking.settings import TEXTBOOK, Association, Registration
from detente.records.results import FollowedTracks

ESTIMATED = replace(TEXTBOOK, registration=Registration.ESTIMATED, bias_range_m=300.0, bias_angle_rad=3e-3)
SOME = np.array([[200.0, -3e-3, 2e-3], [-150.0, 1e-3, 4e-3]])
NONE = np.zeros((2, 3))
SEEDS = range(6)


def run(plots, settings):
    follower = Follower(plots=plots, sensors=biased.radars(), settings=settings)
    return FollowedTracks.concatenate(list(follower.chunks())), follower.decided


def late_errors(truth, history):
    parts = [biased.errors(truth, history, k) for k in range(40, 60, 3)]
    return np.concatenate([error for error, _ in parts]), np.concatenate([covariance for _, covariance in parts])


def rmse(error):
    return float(np.sqrt((error[:, :3] ** 2).sum(axis=1).mean()))


@pytest.fixture(scope="module")
def flown():
    """By seed and bias: errors and covariances with sensors trusted and with biases estimated, and what was decided."""
    out = {}
    for seed in SEEDS:
        for name, bias in (("some", SOME), ("none", NONE)):
            truth, plots = biased.scene(seed, bias)
            for kind, settings in (("trusted", TEXTBOOK), ("estimated", ESTIMATED)):
                history, decided = run(plots, settings)
                out[seed, name, kind] = (*late_errors(truth, history), decided, history)
    return out


@pytest.mark.parametrize(("name", "bias"), [("some", SOME), ("none", NONE)])
def test_biases_are_found_within_their_stated_sigmas(flown, name, bias):
    """Squared errors over their own covariance: 6 degrees of freedom each, 36 over the seeds: 95 % in 21.3 to 54.4."""
    total = 0.0
    for seed in SEEDS:
        decided = flown[seed, name, "estimated"][2]
        off = (decided.bias - bias).ravel()
        total += off @ np.linalg.solve(decided.bias_covariance, off)
        sigma = np.sqrt(np.diag(decided.bias_covariance)).reshape(2, 3)
        assert np.abs((decided.bias - bias) / sigma).max() < 3.5
        assert (sigma[:, 1:] < 0.2 * 3e-3).all()
    assert 21.3 < total < 54.4


def test_what_biases_cost_is_won_back(flown):
    clean = np.mean([rmse(flown[seed, "none", "trusted"][0]) for seed in SEEDS])
    spoilt = np.mean([rmse(flown[seed, "some", "trusted"][0]) for seed in SEEDS])
    mended = np.mean([rmse(flown[seed, "some", "estimated"][0]) for seed in SEEDS])
    assert spoilt > 10.0 * clean
    assert mended < 1.8 * clean


@pytest.mark.parametrize("name", ["some", "none"])
def test_covariances_hold_what_is_not_known_of_biases(flown, name):
    values = np.concatenate([biased.nees(*flown[seed, name, "estimated"][:2]) for seed in SEEDS])
    assert 4.0 < values.mean() < 8.0
    for seed in SEEDS:
        history = flown[seed, name, "estimated"][3]
        assert np.unique(history.track[history.confirmed == 1]).size == 6


def test_one_sensors_bias_cannot_be_seen_and_nothing_is_claimed():
    truth, plots = biased.scene(3, SOME, who=(0,))
    history, decided = run(plots, ESTIMATED)
    plain, _ = run(plots, TEXTBOOK)
    assert (decided.bias == 0.0).all()
    assert np.sqrt(np.diag(decided.bias_covariance)) == pytest.approx(np.tile([300.0, 3e-3, 3e-3], 2))
    # The states are those without: only what is said of their certainty is not.
    assert np.array_equal(history.x_m, plain.x_m)
    error, covariance = late_errors(truth, history)
    trusting, narrow = late_errors(truth, plain)
    assert biased.nees(error, covariance).mean() < 12.0 < 0.1 * biased.nees(trusting, narrow).mean()


def test_with_joint_association_too():
    _, plots = biased.scene(1, SOME)
    _, decided = run(plots, replace(ESTIMATED, association=Association.JPDA))
    off = (decided.bias - SOME).ravel()
    assert off @ np.linalg.solve(decided.bias_covariance, off) < 22.5  # chi-square, 6 degrees, 99.9 %


def test_a_file_is_told_its_sensors_biases(tmp_path):
    _, plots = biased.scene(2, SOME)
    (tmp_path / "sensors.yaml").write_text(
        "frame: local\nrules: {registration: estimated}\nsensors:\n"
        + "".join(
            f"  - {{name: R{s}, position_m: {list(map(float, biased.SITES[s]))}, sigma_range_m: 50, bias_range_m: 300,"
            f" sigma_azimuth_rad: 0.001, sigma_elevation_rad: 0.001, bias_azimuth_deg: 0.2,"
            " bias_elevation_rad: 0.003}\n"
            for s in range(2)
        )
    )
    columns = {
        "time_s": plots.time_s, "sensor": plots.sensor, "range_m": plots.range_m, "azimuth_rad": plots.azimuth_rad,
        "elevation_rad": plots.elevation_rad,
    }  # fmt: skip
    told = detente.track(columns, tmp_path / "sensors.yaml").document["biases"]
    for s in range(2):
        for k, what in enumerate(("range_m", "azimuth_rad", "elevation_rad")):
            found = told[f"R{s}"][what]
            assert abs(found["mean"] - SOME[s, k]) < 3.5 * found["sigma"]
            assert found["observed"] == (found["sigma"] < 0.5 * found["prior_sigma"])
        assert told[f"R{s}"]["azimuth_rad"]["prior_sigma"] == pytest.approx(np.radians(0.2))
        assert told[f"R{s}"]["elevation_rad"]["observed"]
    trusting = (tmp_path / "sensors.yaml").read_text().replace("estimated", "trusted")
    (tmp_path / "sensors.yaml").write_text(trusting)
    assert detente.track(columns, tmp_path / "sensors.yaml").document["biases"] is None
