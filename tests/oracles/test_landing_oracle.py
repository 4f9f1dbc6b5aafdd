"""Where a vague state lands: against a slow plain twin, and against many states drawn from it."""

import math

import numpy as np
import pytest
from tests import made_picture as made

from detente.centre.picture._kernels_arc import landing_moments, landing_spread, vacuum_landing
from detente.geodesy._kernels import ecef_to_geodetic, enu_axes
from detente.geodesy.constants import MEAN_RADIUS_M


def landed(state):
    """Seconds until it comes down, and where, ECEF."""
    time_s, x, y, z, flag = vacuum_landing(*state, MEAN_RADIUS_M, 1.0)
    assert flag == 0
    return np.array([time_s, x, y, z])


def ground_of(state):
    """Latitude and longitude of its landing, and (3, 4) axes: time, east, north there."""
    lat, lon, _ = ecef_to_geodetic(*landed(state)[1:])
    axes = np.zeros((3, 4))
    axes[0, 0] = 1.0
    axes[1:, 1:] = np.array(enu_axes(lat, lon)).reshape(3, 3)[:2]
    return lat, lon, axes


def plain_moments(state, lower, axes):
    """First and second differences of each column, √3 sigmas to both sides, as vectors."""
    middle, shift, spread = landed(state), np.zeros(3), np.zeros((3, 3))
    for column in lower.T:
        ahead, behind = landed(state + math.sqrt(3.0) * column), landed(state - math.sqrt(3.0) * column)
        slope = axes @ (ahead - behind) / (2.0 * math.sqrt(3.0))
        bend = axes @ (ahead + behind - 2.0 * middle)
        shift += bend / 6.0
        spread += np.outer(slope, slope) + np.outer(bend, bend) * 2.0 / 36.0
    return shift, spread


@pytest.mark.parametrize("seed", range(4))
def test_moments_are_those_of_the_plain_twin(seed):
    state, P = made.state(speed=3_000.0, height_m=90e3), made.covariance(5_000.0, 300.0, seed=seed)
    lower, (lat, lon, axes) = np.linalg.cholesky(P), ground_of(state)
    late, east, north, tt, ee, en, nn, flag = landing_moments(state, lower, lat, lon, MEAN_RADIUS_M)
    shift, spread = plain_moments(state, lower, axes)
    assert flag == 0
    np.testing.assert_allclose([late, east, north], shift, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose([tt, ee, en, nn], spread[[0, 1, 1, 2], [0, 1, 2, 2]], rtol=1e-9)


def test_a_faster_body_flies_farther_by_more_than_a_slower_one_falls_short():
    """Of 20,000 states drawn with 400 m/s unknown along 2.8 km/s: mean and spread, and slopes alone see neither."""
    state = made.state(speed=2_800.0, height_m=90e3)
    along = state[3:] / np.linalg.norm(state[3:])
    P = np.diag([9e6] * 3 + [4e3] * 3)
    P[3:, 3:] += 400.0**2 * np.outer(along, along)
    lower, (lat, lon, axes) = np.linalg.cholesky(P), ground_of(state)
    drawn = state + np.random.default_rng(1).normal(size=(20_000, 6)) @ lower.T
    off = np.array([landed(one) for one in drawn]) - landed(state)
    true_mean, true_spread = axes @ off.mean(axis=0), np.cov(axes @ off.T)
    late, east, north, tt, ee, en, nn, _ = landing_moments(state, lower, lat, lon, MEAN_RADIUS_M)
    forward = true_mean[1:] / np.linalg.norm(true_mean[1:])
    _, plain_ee, plain_en, plain_nn, _ = landing_spread(state, lower, lat, lon, MEAN_RADIUS_M, 1.0)
    spread, plain = np.array([[ee, en], [en, nn]]), np.array([[plain_ee, plain_en], [plain_en, plain_nn]])
    assert true_mean[1:] @ forward > 10e3
    assert np.array([east, north]) @ forward == pytest.approx(true_mean[1:] @ forward, rel=0.15)
    assert late == pytest.approx(true_mean[0], rel=0.25)
    assert tt == pytest.approx(true_spread[0, 0], rel=0.05)
    assert forward @ spread @ forward == pytest.approx(forward @ true_spread[1:, 1:] @ forward, rel=0.05)
    assert forward @ plain @ forward < forward @ spread @ forward


def test_what_may_not_come_down_is_flagged():
    state = made.state(speed=7_400.0)
    lat, lon, _ = ground_of(state)
    lower = np.linalg.cholesky(made.covariance(1_000.0, 3_000.0))
    assert landing_moments(state, lower, lat, lon, MEAN_RADIUS_M)[-1] != 0
