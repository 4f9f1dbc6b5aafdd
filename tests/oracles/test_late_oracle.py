"""Slow plain twin of what a late detection says of the present: two moments of a linear system, estimated together."""

import numpy as np
import pytest
from tests.oracles import test_sigma_oracle as oracle

from detente.centre.tracking import _kernels_late as late
from detente.centre.tracking import _kernels_places as places
from detente.centre.tracking.settings import TEXTBOOK, Settings

X = oracle.X


def empty_memory(moments=2):
    shape = (1, moments)
    return (
        np.zeros(shape), np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros((*shape, 7)),
        np.zeros((*shape, 7, 7)),
    )  # fmt: skip


def a_tag(phase=places.COAST):
    tags = np.zeros((1, places.TAGS), np.int64)
    tags[0, [places.STATUS, places.NUMBER, places.PHASE]] = places.CONFIRMED, 3, phase
    return tags


def step(h):
    """Slopes, fall and noise of the constant-gravity model over ``h``."""
    F = np.eye(7)
    F[:3, 3:6] = h * np.eye(3)
    q = np.zeros((7, 7))
    for a in range(3):
        q[a, a], q[a + 3, a + 3] = h**3 / 3, h
        q[a, a + 3] = q[a + 3, a] = h * h / 2
    fall = np.zeros(7)
    fall[2], fall[5] = -0.5 * TEXTBOOK.gravity_m_s2 * h * h, -TEXTBOOK.gravity_m_s2 * h
    return F, fall, TEXTBOOK.local_noise_m2_s3 * q


def test_the_past_is_what_a_joint_estimate_of_both_moments_says():
    """Prior at 0 s; a measurement of the state at 9 s; what then is known of 4 s, given the state at 9 s?"""
    P0, chance = oracle.some_covariance(2), np.random.default_rng(3)
    P0[6, :6] = P0[:6, 6] = 0.0  # the flat model has no hidden force: nothing is tied to it
    (F1, u1, Q1), (F2, u2, Q2) = step(4.0), step(5.0)
    past, P_past = F1 @ X + u1, F1 @ P0 @ F1.T + Q1
    now = F2 @ past + u2
    joint = np.block([[P_past, P_past @ F2.T], [F2 @ P_past, F2 @ P_past @ F2.T + Q2]])
    H = np.hstack([np.zeros((3, 7)), np.eye(3, 7)])
    z = now[:3] + 300.0 * chance.standard_normal(3)
    S = H @ joint @ H.T + np.diag([4e4, 1e4, 9e4])
    K = joint @ H.T @ np.linalg.inv(S)
    means, joint = np.concatenate([past, now]) + K @ (z - now[:3]), joint - K @ H @ joint
    memory = empty_memory()
    late.remember(X[None].copy(), P0[None].copy(), a_tag(), 0.0, memory)
    y, B, W = np.empty(7), np.empty((7, 7)), np.empty((7, 7))
    late.look_back(means[None, 7:].copy(), a_tag(), 9.0, 0, 4.0, memory, TEXTBOOK.packed(), (y, B, W))
    scale = np.sqrt(np.diag(joint[:7, :7]))
    assert np.abs((y - means[:7]) / scale).max() < 1e-8
    assert np.abs((B @ joint[7:, 7:] - joint[:7, 7:]) / np.outer(scale, scale)).max() < 1e-8
    known = B @ joint[7:, 7:] @ B.T + W
    assert np.abs((known - joint[:7, :7]) / np.outer(scale, scale)).max() < 1e-8


def test_going_back_undoes_going_forward():
    """Ballistic: back and forth again, and slopes that are the inverse of the way forward."""
    settings = Settings().packed()
    state, P = X[None].copy(), oracle.some_covariance(4)[None].copy()
    work = (np.zeros((3, 7)), np.zeros((7, 7)))
    late.predict(state, P, a_tag(), 0, 20.0, settings, *work)
    y, A, N = state[0].copy(), np.empty((7, 7)), np.empty((7, 7))
    late.go_back(y, A, N, 20.0, False, False, settings)
    assert np.abs(y - X)[:3].max() < 0.05
    assert np.abs(y - X)[3:6].max() < 1e-3
    want, got = oracle.some_covariance(4), A @ P[0] @ A.T
    scale = np.sqrt(np.diag(want))
    assert np.abs((got - want) / np.outer(scale, scale)).max() < 1e-3
    assert np.diag(N)[:3] == pytest.approx(Settings().coast_noise_m2_s3 * 20.0**3 / 3, rel=1e-3)
    assert N[0, 3] == pytest.approx(-Settings().coast_noise_m2_s3 * 20.0**2 / 2, rel=1e-3)


def test_the_update_is_the_textbooks_with_those_slopes_and_that_noise():
    line, site, axes, exact = oracle.a_line(5)
    chance = np.random.default_rng(6)
    P, y = oracle.some_covariance(5), X + np.array([100.0, -200.0, 50.0, 3.0, -2.0, 1.0, 0.1])
    B = np.eye(7) + 0.01 * chance.standard_normal((7, 7))
    W = oracle.some_covariance(7, (30.0, 1.0, 0.01))
    H = np.zeros((4, 7))
    for k in range(6):
        away = np.zeros(7)
        away[k] = 5.0 if k < 3 else 0.05
        ahead, behind = (oracle.measured_of((y + s * away)[None], site, axes)[0] for s in (1, -1))
        H[:, k] = (ahead - behind) / (2.0 * away[k])
    R = np.diag([1e-6, 2e-6, 900.0, 4.0]) + H @ W @ H.T
    S = H @ B @ P @ B.T @ H.T + R
    K = P @ B.T @ H.T @ np.linalg.inv(S)
    off = exact - oracle.measured_of(y[None], site, axes)[0]
    want_x, want_P = X + K @ off, P - K @ S @ K.T
    x, got = X.copy(), P.copy()
    assert late.update_late(line, x, got, (y, B, W), True)
    scale = np.sqrt(np.diag(want_P))
    assert np.abs((x - want_x) / scale).max() < 1e-4
    assert np.abs((got - want_P) / np.outer(scale, scale)).max() < 1e-4
    distance2, log_volume = late.late_distance(line, P, (y, B, W), True)
    assert distance2 == pytest.approx(off @ np.linalg.solve(S, off), rel=1e-4)
    assert log_volume == pytest.approx(np.log(np.linalg.det(S)), rel=1e-6)
    line[places.VAR_RATE] = 0.0
    distance2, log_volume = late.late_distance(line, P, (y, B, W), True)
    assert distance2 == pytest.approx(off[:3] @ np.linalg.solve(S[:3, :3], off[:3]), rel=1e-4)
    assert log_volume == pytest.approx(np.log(np.linalg.det(S[:3, :3])), rel=1e-6)


def test_a_ring_keeps_the_latest_moments_of_its_own_track_alone():
    memory, tags = empty_memory(3), a_tag()
    for time in (1.0, 2.0, 3.0, 4.0):
        late.remember(X[None] + time, oracle.some_covariance(1)[None], tags, time, memory)
    assert sorted(memory[0][0]) == [2.0, 3.0, 4.0]
    assert memory[0][0, late.recall(tags, 0, 3.5, memory)] == 3.0
    assert late.recall(tags, 0, 1.5, memory) == -1
    tags[0, places.NUMBER] = 9
    assert late.recall(tags, 0, 9.0, memory) == -1
    late.remember(X[None], oracle.some_covariance(1)[None], tags, 5.0, memory)
    assert memory[0][0, late.recall(tags, 0, 9.0, memory)] == 5.0
    assert sorted(memory[0][0]) == [3.0, 4.0, 5.0]
