"""The gate: range rate is part of it, and a detection on its very edge is told."""

from dataclasses import replace

import numpy as np
import pytest
from tests import made_tracking as made

import detente
from detente.centre.tracking.follower import Follower, follow
from detente.centre.tracking.settings import TEXTBOOK, Settings
from detente.records.results import FollowedTracks

QUIET = replace(TEXTBOOK, gate_sigmas=4.0)


def one_object(seed, scans=12):
    """One object seen at every look, nothing false: plots (scans, 3) elevation, azimuth, range."""
    chance = np.random.default_rng(seed)
    state = np.array([[6e5, 1e5, 3e5, 1_500.0, 400.0, 600.0]])
    truth, seen = [], []
    for k in range(scans):
        state = made.moved(state, chance) if k else state
        truth.append(state[0].copy())
        x, y, z = state[0, :3]
        exact = np.array([np.arctan2(z, np.hypot(x, y)), np.arctan2(y, x), np.sqrt(x * x + y * y + z * z)])
        seen.append((exact + chance.standard_normal(3) * made.SIGMAS)[None])
    return np.array(truth), seen


def foreseen(history, time_s):
    """What the radar would measure of the one track a second after ``time_s``, and the covariance of that, by hand."""
    mean, covariance = made.states_of(history, history.time_s == time_s)
    x, P = mean[0].copy(), covariance[0]
    step = np.eye(6) + np.diag(np.ones(3), 3)
    noise = np.kron(np.array([[1 / 3, 1 / 2], [1 / 2, 1.0]]), np.eye(3)) * made.NOISE
    x[:3] += x[3:] - [0.0, 0.0, 0.5 * made.GRAVITY]
    x[5] -= made.GRAVITY
    P = step @ P @ step.T + noise
    level, far = np.hypot(x[0], x[1]), np.linalg.norm(x[:3])
    seen = np.array([np.arctan2(x[2], level), np.arctan2(x[1], x[0]), far])
    H = np.zeros((3, 6))
    H[0, :3] = [-x[0] * x[2] / (far**2 * level), -x[1] * x[2] / (far**2 * level), level / far**2]
    H[1, :2] = [-x[1] / level**2, x[0] / level**2]
    H[2, :3] = x[:3] / far
    return seen, H @ P @ H.T + np.diag(np.square(made.SIGMAS))


def edge_case(off_by):
    """Plots of which the last is at the gate, its distance off by a share; the direction is an arbitrary one."""
    _, seen = one_object(3)
    history, _ = follow(made.plots_of(seen[:-1]), made.one_radar(), QUIET)
    middle, S = foreseen(history, 10.0)
    away = np.linalg.cholesky(S) @ (np.array([2.0, -1.0, 2.0]) / 3.0)
    seen[-1] = (middle + 4.0 * (1.0 + off_by) * away)[None]
    return made.plots_of(seen)


@pytest.mark.parametrize(
    ("off_by", "told", "inside"), [(-1e-8, 1, True), (1e-8, 1, False), (-1e-5, 0, None), (1e-5, 0, None)]
)
def test_a_detection_on_a_gates_edge_is_told(off_by, told, inside):
    follower = Follower(plots=edge_case(off_by), sensors=made.one_radar(), settings=QUIET)
    FollowedTracks.concatenate(list(follower.chunks()))
    assert follower.decided.edges == told
    for edge in follower.decided.gate_edges:
        assert (edge.row, edge.track, edge.inside) == (11, 1, inside)
        assert edge.distance_sigmas == pytest.approx(4.0, abs=1e-7)


def test_a_file_with_a_detection_on_a_gates_edge_says_which(tmp_path):
    plots = edge_case(-1e-9)
    (tmp_path / "sensors.yaml").write_text(
        "frame: local\nazimuth: counterclockwise-from-x\nsensors: [{name: R1, position_m: [0, 0, 0], sigma_range_m: 50,"
        " sigma_azimuth_rad: 0.001, sigma_elevation_rad: 0.001}]\n"
    )
    columns = {
        "time_s": plots.time_s, "sensor": ["R1"] * 12, "range_m": plots.range_m, "azimuth_rad": plots.azimuth_rad,
        "elevation_rad": plots.elevation_rad,
    }  # fmt: skip
    twice = {name: np.concatenate([values[:1], values]) for name, values in columns.items()}
    told = detente.track(twice, tmp_path / "sensors.yaml").document["gate_edges"]
    assert told["count"] == 1
    (edge,) = told["listed"]
    assert (edge["row"], edge["time_s"], edge["sensor"], edge["taken_as_inside"]) == (12, 11.0, "R1", True)
    assert detente.track(columns, tmp_path / "sensors.yaml").document["gate_edges"]["listed"][0]["row"] == 11


@pytest.mark.parametrize(("settings", "sensors"), [(TEXTBOOK, made.one_radar()), (Settings(), None)])
def test_a_range_rate_far_from_the_tracks_is_no_plot_of_it(settings, sensors):
    """Place and range fit to the metre; the rate is 40 sigmas off: the track takes it for a miss."""
    if sensors is None:
        sensors, sigma = made.radar_on_earth(), 1.0
        axes, site = made.site_axes()
        state = np.hstack([site + np.array([2e5, 5e5, 3e5]) @ axes, np.array([800.0, 1_500.0, 300.0]) @ axes])[None]
        chance, truth, seen = np.random.default_rng(2), [], []
        for k in range(14):
            state = made.fall(state, np.full(1, 4e-4), 1.0) if k else state
            truth.append(state[0, :6].copy())
            seen.append(made.measured(state, chance))
        truth = np.array(truth) - np.concatenate([site, np.zeros(3)])
    else:
        sigma = 1.0
        truth, seen = one_object(5, 14)
    rate = (truth[:, :3] * truth[:, 3:]).sum(axis=1) / np.linalg.norm(truth[:, :3], axis=1)
    right = replace(made.plots_of(seen), range_rate_m_s=rate, sigma_range_rate_m_s=np.full(14, sigma))
    wrong = replace(right, range_rate_m_s=rate + np.where(np.arange(14) == 13, 40.0, 0.0))
    last = {}
    for name, plots in (("right", right), ("wrong", wrong)):
        history, _ = follow(plots, sensors, settings)
        last[name] = history.hits[(history.time_s == 13.0) & (history.track == 1)]
    assert list(last["right"]) == [14]
    assert list(last["wrong"]) == [13]
