"""Biases learnt beside the tracks, against one filter of state and biases together, written out by definition."""

from dataclasses import replace

import numpy as np
import pytest
from tests import made_biased as biased

from detente.centre.tracking import _kernels_bias as kernels
from detente.centre.tracking import _kernels_places as places
from detente.centre.tracking import _kernels_predict as predicting
from detente.centre.tracking.follower import Follower
from detente.centre.tracking.settings import TEXTBOOK, Registration, Settings
from detente.records.results import FollowedTracks

made = biased.made
ESTIMATED = replace(TEXTBOOK, registration=Registration.ESTIMATED, bias_range_m=150.0, bias_angle_rad=1.5e-3)
BIAS = np.array([[120.0, -1e-3, 1.5e-3], [-90.0, 2e-3, -0.5e-3]])


def slopes(x, site):
    """H (3, 6) of range, azimuth and elevation, by differences."""
    H = np.zeros((3, 6))
    for k in range(3):
        away = np.zeros(3)
        away[k] = 1.0
        H[:, k] = (biased.measured((x[:3] + away)[None], site) - biased.measured((x[:3] - away)[None], site))[0] / 2.0
    return H


class Joint:
    """A Kalman filter of one object's state and both radars' biases, (12,); beside it that of the state alone, whose
    gain is used, and nothing learnt of biases, until a track is confirmed.
    """

    def __init__(self, first, sensor):
        site = biased.SITES[sensor]
        far, azimuth, elevation = first
        level = np.array([np.sin(azimuth), np.cos(azimuth), 0.0]) * np.cos(elevation)
        self.s = np.zeros(12)
        self.s[:3] = site + far * (level + np.array([0.0, 0.0, np.sin(elevation)]))
        H = slopes(self.s[:6], site)[:, :3]
        R = np.diag(biased.SIGMAS**2)
        self.alone = np.zeros((6, 6))
        self.alone[:3, :3] = np.linalg.inv(H) @ R @ np.linalg.inv(H).T
        self.alone[3:, 3:] = np.eye(3) * TEXTBOOK.radar_speed_sigma_m_s**2
        self.P = np.zeros((12, 12))
        prior = np.tile([150.0, 1.5e-3, 1.5e-3], 2) ** 2
        self.P[6:, 6:] = np.diag(prior)
        D = np.zeros((6, 6))
        D[:3, 3 * sensor : 3 * sensor + 3] = -np.linalg.inv(H)
        self.P[:6, 6:] = D @ self.P[6:, 6:]
        self.P[6:, :6] = self.P[:6, 6:].T
        self.P[:6, :6] = self.alone + D @ self.P[6:, 6:] @ D.T

    def predict(self):
        F, Q = np.eye(12), np.zeros((12, 12))
        F[:3, 3:6] = np.eye(3)
        Q[:6, :6] = np.kron(np.array([[1 / 3, 1 / 2], [1 / 2, 1.0]]), np.eye(3)) * made.NOISE
        self.s = F @ self.s
        self.s[2] -= 0.5 * made.GRAVITY
        self.s[5] -= made.GRAVITY
        self.P = F @ self.P @ F.T + Q
        self.alone = F[:6, :6] @ self.alone @ F[:6, :6].T + Q[:6, :6]

    def update(self, seen, sensor, learning):
        H, R = np.zeros((3, 12)), np.diag(biased.SIGMAS**2)
        H[:, :6] = slopes(self.s[:6], biased.SITES[sensor])
        H[:, 6 + 3 * sensor : 9 + 3 * sensor] = np.eye(3)
        off = (
            seen - biased.measured(self.s[None, :3], biased.SITES[sensor])[0] - self.s[6 + 3 * sensor : 9 + 3 * sensor]
        )
        h = H[:, :6]
        own = self.alone @ h.T @ np.linalg.inv(h @ self.alone @ h.T + R)
        K = np.vstack([own, np.zeros((6, 3))])
        if learning:
            K = self.P @ H.T @ np.linalg.inv(H @ self.P @ H.T + R)
        left = np.eye(12) - K @ H
        self.s = self.s + K @ off
        self.P = left @ self.P @ left.T + K @ R @ K.T
        keep = np.eye(6) - own @ h
        self.alone = keep @ self.alone @ keep.T + own @ R @ own.T


def test_beside_the_tracks_is_as_good_as_together():
    _, plots = biased.scene(7, BIAS, objects=1, scans=25, detection=1.0)
    follower = Follower(plots=plots, sensors=biased.radars(), settings=ESTIMATED)
    history = FollowedTracks.concatenate(list(follower.chunks()))
    assert set(history.track) == {1}
    rows = np.stack([plots.range_m, plots.azimuth_rad, plots.elevation_rad], axis=1)
    twin = Joint(rows[0], 0)
    for k in range(1, 25):
        twin.predict()
        twin.update(rows[k], k % 2, k > 2)
        mean, covariance = made.states_of(history, history.time_s == k)
        sigma = np.sqrt(np.diag(twin.P))
        assert np.abs((mean[0] - twin.s[:6]) / sigma[:6]).max() < 1e-4
        assert np.abs((covariance[0] - twin.P[:6, :6]) / np.outer(sigma[:6], sigma[:6])).max() < 1e-4
    assert np.abs((follower.decided.bias.ravel() - twin.s[6:]) / sigma[6:]).max() < 1e-4
    got = follower.decided.bias_covariance
    assert np.abs((got - twin.P[6:, 6:]) / np.outer(sigma[6:], sigma[6:])).max() < 1e-4


@pytest.mark.parametrize("height_m", [6e4, 3e5])
def test_a_lean_moves_as_the_filters_own_errors_do(height_m):
    """Ballistic, in the air and in vacuum: the slopes ahead carry a covariance as the filter does."""
    still = Settings(coast_noise_m2_s3=1e-30, air_noise_s=1e-30, log_beta_noise_hz=1e-30).packed()
    start = np.array([6_378_137.0 + height_m, 2e4, -1e4, -600.0, 2_500.0, 900.0, 1.0])
    tags = np.zeros((1, places.TAGS), np.int64)
    tags[0, places.STATUS], tags[0, places.PHASE] = places.CONFIRMED, places.COAST
    root = np.random.default_rng(1).standard_normal((7, 7)) * np.array([[800.0] * 3 + [40.0] * 3 + [0.3]]).T
    before = root @ root.T
    state, P = start[None].copy(), before[None].copy()
    predicting.predict(state, P, tags, 0, 8.0, still, np.zeros((3, 7)), np.zeros((7, 7)))
    whole = kernels.way_ahead(start, 8.0, False, still)
    sigma = np.sqrt(np.diag(P[0]))
    assert np.abs((whole @ before @ whole.T - P[0]) / np.outer(sigma, sigma)).max() < 1e-9


def test_an_inverse_is_numpys_whatever_the_scales():
    chance = np.random.default_rng(2)
    root = chance.standard_normal((9, 9))
    scale = np.diag(10.0 ** chance.uniform(-4.0, 3.0, 9))
    J, M = scale @ (root @ root.T + np.eye(9)) @ scale, np.empty((9, 9))
    kernels.invert(J, M)
    assert np.abs(scale @ (M @ J - np.eye(9)) @ np.linalg.inv(scale)).max() < 1e-9
