"""Slow plain twins of the sigma-point filter and of range rate: in numpy, by definition."""

import numba
import numpy as np
import pytest

from detente.centre.tracking import _kernels_places as places
from detente.centre.tracking import _kernels_polar as polar
from detente.centre.tracking import _kernels_predict as predict
from detente.centre.tracking import _kernels_sigma as sigma
from detente.centre.tracking.settings import TEXTBOOK, Filter, Settings

BALLISTIC = Settings(filter=Filter.SIGMA_POINT)


@numba.njit
def update_polar(line, x, P, seen, slopes, at, gain):
    """A door to a kernel that has none."""
    return polar.update_polar(line, x, P, seen, slopes, at, gain)


X = np.array([6.9e6, 4e5, 3e5, 900.0, 3_500.0, 1_500.0, 0.3])


def scratch():
    return np.empty((7, 7)), np.empty((sigma.SEEN_ROWS, sigma.MEASURED))


def some_covariance(seed, scale=(800.0, 40.0, 0.3)):
    root = np.random.default_rng(seed).standard_normal((7, 7)) * 0.3 + np.eye(7)
    spread = np.diag([scale[0]] * 3 + [scale[1]] * 3 + [scale[2]])
    return spread @ root @ root.T @ spread


def points_of(x, P):
    root = np.linalg.cholesky(P) * np.sqrt(7.0)
    return np.concatenate([x + root.T, x - root.T])


def a_line(seed):
    """A sensor with horizon axes, and what it measured a little off the state above: angles, range, range rate."""
    chance = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(chance.standard_normal((3, 3)))
    site = X[:3] - 9e5 * (0.6 * axes[0] + 0.7 * axes[1] + 0.4 * axes[2])
    line = np.zeros(places.LINES)
    exact = measured_of(X[None], site, axes)[0] + [2e-4, -3e-4, 90.0, 3.0]
    az, el = exact[:2]
    level = np.sin(az) * axes[0] + np.cos(az) * axes[1]
    line[places.FROM : places.FROM + 3] = site
    line[places.ALONG : places.ALONG + 3] = np.cos(el) * level + np.sin(el) * axes[2]
    line[places.RIGHT : places.RIGHT + 3] = np.cos(az) * axes[0] - np.sin(az) * axes[1]
    line[places.OVER : places.OVER + 3] = np.cos(el) * axes[2] - np.sin(el) * level
    line[places.EASTWARD : places.EASTWARD + 9] = axes.ravel()
    line[[places.AZIMUTH, places.ELEVATION, places.RANGE, places.RATE]] = exact
    line[[places.VAR_AZIMUTH, places.VAR_RIGHT, places.VAR_OVER]] = 1e-6, 1e-6, 2e-6
    line[[places.VAR_RANGE, places.VAR_RATE]] = 900.0, 4.0
    return line, site, axes, exact


def measured_of(states, site, axes):
    away = states[:, :3] - site
    far = np.linalg.norm(away, axis=1)
    local = away @ axes.T
    rate = (away * states[:, 3:6]).sum(axis=1) / far
    return np.stack([np.arctan2(local[:, 0], local[:, 1]), np.arcsin(local[:, 2] / far), far, rate], axis=1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_update_is_the_joint_one(seed):
    line, site, axes, exact = a_line(seed)
    P = some_covariance(seed)
    points = points_of(X, P)
    seen = measured_of(points, site, axes)
    middle = seen.mean(axis=0)
    R = np.diag([1e-6, 2e-6, 900.0, 4.0])
    cross = (points - X).T @ (seen - middle) / 14.0
    S = (seen - middle).T @ (seen - middle) / 14.0 + R
    K = cross @ np.linalg.inv(S)
    want_x, want_P = X + K @ (exact - middle), P - K @ S @ K.T
    x, got = X.copy(), P.copy()
    packed = Settings(model=TEXTBOOK.model, filter=Filter.SIGMA_POINT).packed()
    assert sigma.update_by_points(line, x, got, packed, *scratch())
    scale = np.sqrt(np.diag(want_P))
    assert np.abs((x - want_x) / scale).max() < 1e-6
    assert np.abs((got - want_P) / np.outer(scale, scale)).max() < 1e-6


def test_plane_and_polar_agree_where_angles_are_small():
    line, _, _, _ = a_line(4)
    P = some_covariance(4)
    one, other, first, second = X.copy(), X.copy(), P.copy(), P.copy()
    # The plane's sideways noise is the azimuth's times the cosine of the elevation.
    line[places.VAR_RIGHT] = line[places.VAR_AZIMUTH] * np.cos(line[places.ELEVATION]) ** 2
    assert sigma.update_by_points(line, one, first, BALLISTIC.packed(), *scratch())
    assert sigma.update_by_points(line, other, second, TEXTBOOK.packed(), *scratch())
    assert np.abs((one - other) / np.sqrt(np.diag(P))).max() < 2e-3


def midpoint(point, h, boosting, in_air, settings):
    """One step of a point by the midpoint rule."""
    rate = np.concatenate([point[3:6], predict.accelerate(*point, boosting, in_air, settings), [0.0]])
    half = point + 0.5 * h * rate
    return point + h * np.concatenate([half[3:6], predict.accelerate(*half, boosting, in_air, settings), [0.0]])


@pytest.mark.parametrize(("height_m", "hidden"), [(500_000.0, 0.3), (40_000.0, 0.3), (9_000.0, 30.0), (60_000.0, None)])
def test_prediction_is_the_moments_of_the_moved_points(height_m, hidden):
    """In vacuum, in the air, with drag at both its bounds, and (``hidden`` None) under thrust."""
    P, h, in_air, settings = some_covariance(5), 1.0, height_m < 120_000.0, BALLISTIC.packed()
    boosting, x = hidden is None, X.copy()
    x[:3] *= (6_370_000.0 + height_m) / np.linalg.norm(x[:3])
    x[6] = 40.0 if boosting else hidden
    if hidden == 30.0:
        P[6, 6] *= 2_500.0
    state, moved, work = x[None].copy(), P[None].copy(), np.empty((7, 7))
    assert predict.move_points(state, moved, 0, h, boosting, in_air, settings, work)
    flown = np.array([midpoint(point, h, boosting, in_air, settings) for point in points_of(x, P)])
    mean = x[None].copy()
    predict.move_mean(mean, 0, h, boosting, in_air, settings)
    middle = flown.mean(axis=0)
    want = (flown - middle).T @ (flown - middle) / 14.0
    scale = np.sqrt(np.diag(want))
    assert np.abs((state[0] - mean[0] - middle + midpoint(x, h, boosting, in_air, settings)) / scale).max() < 1e-7
    assert np.abs((moved[0] - want) / np.outer(scale, scale)).max() < 1e-7
    if hidden == 30.0:
        return  # drag beyond what a second's step may have: `longest_step` would shorten it
    # And as good as points moved by Runge and Kutta's fourth order.
    better = points_of(x, P)
    for k in range(14):
        predict.move_mean(better, k, h, boosting, in_air, settings)
    middle = better.mean(axis=0)
    want = (better - middle).T @ (better - middle) / 14.0
    assert np.abs((state[0] - middle) / scale).max() < 2e-3
    assert np.abs((moved[0] - want) / np.outer(scale, scale)).max() < 2e-3


def test_what_is_not_a_covariance_is_left_alone():
    P = some_covariance(6)
    P[2, 2] = -1.0
    before, x = P.copy(), X.copy()
    line, _, _, _ = a_line(6)
    assert not sigma.update_by_points(line, x, P, BALLISTIC.packed(), *scratch())
    assert np.array_equal(P, before)
    assert np.array_equal(x, X)


def test_the_extended_update_with_range_rate_is_the_textbooks():
    line, site, axes, exact = a_line(7)
    P = some_covariance(7)
    slopes = np.zeros((4, 7))
    for k in range(6):
        away = np.zeros(7)
        away[k] = 5.0 if k < 3 else 0.05
        slopes[:, k] = (measured_of((X + away)[None], site, axes) - measured_of((X - away)[None], site, axes))[0]
        slopes[:, k] /= 2.0 * away[k]
    R = np.diag([1e-6, 2e-6, 900.0, 4.0])
    S = slopes @ P @ slopes.T + R
    K = P @ slopes.T @ np.linalg.inv(S)
    want_x = X + K @ (exact - measured_of(X[None], site, axes)[0])
    want_P = P - K @ S @ K.T
    x, got = X.copy(), P.copy()
    assert update_polar(line, x, got, np.empty(3), np.empty((3, 3)), np.empty(7), np.empty(7))
    scale = np.sqrt(np.diag(want_P))
    assert np.abs((x - want_x) / scale).max() < 1e-4
    assert np.abs((got - want_P) / np.outer(scale, scale)).max() < 1e-4
