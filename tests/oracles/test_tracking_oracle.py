"""Slow plain twins of the tracker's kernels: prediction and update, in numpy, by definition."""

import math

import numpy as np
import pytest

from detente.centre.tracking import _kernels_places as places
from detente.centre.tracking import _kernels_predict as predict
from detente.centre.tracking import _kernels_sight as sight
from detente.centre.tracking.settings import Settings
from detente.flight import atmosphere

SETTINGS = Settings()
STILL = Settings(
    coast_noise_m2_s3=1e-30, boost_noise_m2_s3=1e-30, air_noise_s=1e-30, thrust_noise_m2_s5=1e-30,
    thrust_step_hz=1e-30, log_beta_noise_hz=1e-30,
)  # fmt: skip
MU, J2, A, OMEGA = 3.986004418e14, 1.0826298213129e-3, 6_378_137.0, 7.292115e-5
CASES = {
    "coast": (places.COAST, [6.9e6, 4e5, 3e5, 900.0, 3_500.0, 1_500.0, 0.8], 8.0),
    "boost": (places.BOOST, [6.41e6, 2e5, 4e4, 700.0, 500.0, 300.0, 45.0], 4.0),
    "reentry": (places.REENTRY, [6.41e6, 1e5, -8e4, -2_500.0, 1_200.0, 300.0, 1.2], 2.0),
}


def flow(x, dt, phase):
    """The mean's motion, by many small steps."""

    def rate(y):
        p, v = y[:3], y[3:6]
        r = np.linalg.norm(p)
        bulge = 5.0 * p[2] ** 2 / r**2
        out = -MU / r**3 * p + 1.5 * J2 * MU * A**2 / r**5 * p * np.array([bulge - 1, bulge - 1, bulge - 3])
        out = out + np.array([OMEGA**2 * p[0] + 2 * OMEGA * v[1], OMEGA**2 * p[1] - 2 * OMEGA * v[0], 0.0])
        grow = 0.0
        if phase == places.BOOST:
            push = v + SETTINGS.thrust_floor_m_s * p / r
            out = out + y[6] * push / np.linalg.norm(push)
            grow = y[6] ** 2 / SETTINGS.exhaust_speed_m_s
        else:
            stretched = math.sqrt(p[0] ** 2 + p[1] ** 2 + p[2] ** 2 / (1 - 0.0066943799901413165))
            height = r * (1.0 - A / stretched)
            if height < predict.AIR_CEILING_M:
                density = float(atmosphere.density_kg_m3(height))
                drag = 0.5 * density * y[6] / SETTINGS.nominal_beta_kg_m2
                out = out - drag * np.linalg.norm(v) * v
        return np.concatenate([v, out, [grow]])

    y, n = np.array(x, float), 40
    for _ in range(n):
        h = dt / n
        a = rate(y)
        b = rate(y + 0.5 * h * a)
        c = rate(y + 0.5 * h * b)
        y = y + h / 6 * (a + 2 * b + 2 * c + rate(y + h * c))
    return y


def slopes_of_flow(x, dt, phase):
    """Φ by central differences of the flow."""
    steps = np.array([50.0] * 3 + [0.5] * 3 + [0.01])
    columns = []
    for k in range(7):
        away = np.zeros(7)
        away[k] = steps[k]
        columns.append((flow(x + away, dt, phase) - flow(x - away, dt, phase)) / (2 * steps[k]))
    return np.array(columns).T


def some_covariance(seed=1):
    root = np.random.default_rng(seed).standard_normal((7, 7)) * 0.3 + np.eye(7)
    scale = np.diag([800.0] * 3 + [40.0] * 3 + [0.3])
    return scale @ root @ root.T @ scale


def predicted(phase, x, dt, covariance, settings):
    state, P = np.array([x], float), covariance[None].copy()
    tags = np.zeros((1, places.TAGS), np.int64)
    tags[0, places.STATUS], tags[0, places.PHASE] = places.CONFIRMED, phase
    predict.predict(state, P, tags, 0, dt, settings.packed(), np.zeros((3, 7)), np.zeros((7, 7)))
    return state[0], P[0]


@pytest.mark.parametrize("name", CASES)
def test_mean_moves_as_the_plain_integration_says(name):
    phase, x, dt = CASES[name]
    got, _ = predicted(phase, x, dt, some_covariance(), SETTINGS)
    want = flow(x, dt, phase)
    # Thrust is held at its value in mid-step: some metres in a step of 4 s.
    assert np.abs(got[:3] - want[:3]).max() < (6.0 if name == "boost" else 0.5)
    assert np.abs(got[3:6] - want[3:6]).max() < 0.3
    assert got[6] == pytest.approx(want[6], abs=0.02)


@pytest.mark.parametrize("name", CASES)
def test_covariance_moves_by_the_flows_own_slopes(name):
    phase, x, dt = CASES[name]
    before = some_covariance()
    _, got = predicted(phase, x, dt, before, STILL)
    moved = slopes_of_flow(np.array(x), dt, phase)
    want = moved @ before @ moved.T
    scale = np.sqrt(np.outer(np.diag(want), np.diag(want)))
    assert np.abs((got - want) / scale).max() < (2e-5 if name == "coast" else 0.02)
    assert (got == got.T).all()


def test_a_thrust_that_is_not_well_known_grows_by_the_mean_of_its_square():
    """Against the plain twin in the same steps; and against thrusts drawn about 35 m/s², each growing by its square,
    whose mean grows by 1.5 m/s² more in 20 s. A step sees the spread at its start: three quarters of that.
    """
    phase, x, _ = CASES["boost"]
    before, c = np.diag([100.0] * 3 + [1.0] * 3 + [64.0]), SETTINGS.exhaust_speed_m_s
    got, _ = predicted(phase, [*x[:6], 35.0], 20.0, before, STILL)
    thrust, variance, h = 35.0, 64.0, predict.BOOST_STEP_S
    for _ in range(round(20.0 / h)):
        growth = thrust * h / c
        thrust, variance = thrust / (1.0 - growth) + variance * h / c, variance / (1.0 - growth) ** 4
    assert got[6] == pytest.approx(thrust, rel=1e-9)
    drawn = 35.0 + 8.0 * np.random.default_rng(1).standard_normal(200_000)
    alone, grown = 35.0 / (1.0 - 35.0 * 20.0 / c), (drawn / (1.0 - drawn * 20.0 / c)).mean()
    assert 0.7 < (got[6] - alone) / (grown - alone) < 1.0


def test_noise_is_that_of_white_acceleration():
    phase, x, dt = CASES["coast"]
    settings = Settings(coast_noise_m2_s3=2.0)
    before = np.diag([1.0] * 7)
    _, noisy = predicted(phase, x, dt, before, settings)
    _, quiet = predicted(phase, x, dt, before, Settings(coast_noise_m2_s3=1e-30))
    added = noisy - quiet
    assert np.diag(added)[:3] == pytest.approx(2.0 * dt**3 / 3, rel=1e-9)
    assert np.diag(added)[3:6] == pytest.approx(2.0 * dt, rel=1e-9)
    assert added[0, 3] == pytest.approx(2.0 * dt**2 / 2, rel=1e-9)


def seen(line, p):
    """What a sensor on this line would measure of a place: tangents right and over, and range."""
    away = p - line[places.FROM : places.FROM + 3]
    along, right, over = (line[k : k + 3] for k in (places.ALONG, places.RIGHT, places.OVER))
    return np.array([right @ away / (along @ away), over @ away / (along @ away), np.linalg.norm(away)])


def plain_update(line, x, P, radar):
    """The textbook update, all measured numbers at once, slopes by differences, Joseph's form."""
    count = 3 if radar else 2
    slopes = np.zeros((count, 7))
    for k in range(3):
        away = np.zeros(3)
        away[k] = 5.0
        slopes[:, k] = ((seen(line, x[:3] + away) - seen(line, x[:3] - away)) / 10.0)[:count]
    R = np.diag(line[places.VAR_RIGHT : places.VAR_RIGHT + count])
    offset = (np.array([0.0, 0.0, line[places.RANGE]]) - seen(line, x[:3]))[:count]
    S = slopes @ P @ slopes.T + R
    K = P @ slopes.T @ np.linalg.inv(S)
    left = np.eye(7) - K @ slopes
    return x + K @ offset, left @ P @ left.T + K @ R @ K.T, float(offset @ np.linalg.solve(S, offset)), S


def a_line(radar):
    """A sensor 900 km from the coasting case, pointed a little off it."""
    x = np.array(CASES["coast"][1])
    site = x[:3] - np.array([5e5, -6e5, 4e5])
    along = (x[:3] - site) / np.linalg.norm(x[:3] - site) + np.array([4e-4, -3e-4, 2e-4])
    along /= np.linalg.norm(along)
    right = np.cross(along, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    line = np.zeros(places.LINES)
    line[places.FROM : places.FROM + 3], line[places.ALONG : places.ALONG + 3] = site, along
    line[places.RIGHT : places.RIGHT + 3], line[places.OVER : places.OVER + 3] = right, np.cross(right, along)
    line[places.VAR_RIGHT : places.VAR_RANGE] = 1e-6, 2e-6
    if radar:
        line[places.RANGE], line[places.VAR_RANGE] = np.linalg.norm(x[:3] - site) + 120.0, 900.0
    return line


@pytest.mark.parametrize("radar", [True, False])
def test_update_is_the_textbooks(radar):
    line, x, P = a_line(radar), np.array(CASES["coast"][1]), some_covariance(3)
    want_x, want_P, want_d2, S = plain_update(line, x, P, radar)
    state, covariance = x[None].copy(), P[None].copy()
    d2, log_volume = sight.distance_to(line, state, covariance, 0, np.zeros(3), np.zeros((3, 3)))
    assert d2 == pytest.approx(want_d2, rel=1e-6)
    assert log_volume == pytest.approx(math.log(np.linalg.det(S)), rel=1e-6)
    done = sight.update(
        line, state, covariance, 0, np.zeros(3), np.zeros((3, 3)), np.zeros((2, 7)), np.zeros((7, 7)), np.zeros(7)
    )
    assert done
    sigma = np.sqrt(np.diag(want_P))
    assert np.abs((state[0] - want_x) / sigma).max() < 1e-6
    assert np.abs((covariance[0] - want_P) / np.outer(sigma, sigma)).max() < 1e-6


def test_iterated_update_finds_the_most_probable_place():
    """A wide prior and a sharp range: one linear step lands off the range sphere, the iterated one on it."""
    line, x = a_line(True), np.array(CASES["coast"][1])
    P = np.diag([4e9] * 3 + [1e6] * 3 + [0.5])
    x[:3] += [6e4, -5e4, 7e4]
    once, _, _, _ = plain_update(line, x, P, True)
    state, covariance = x[None].copy(), P[None].copy()
    sight.update(
        line, state, covariance, 0, np.zeros(3), np.zeros((3, 3)), np.zeros((2, 7)), np.zeros((7, 7)), np.zeros(7)
    )
    off_once = abs(seen(line, once[:3])[2] - line[places.RANGE])
    off = abs(seen(line, state[0, :3])[2] - line[places.RANGE])
    assert off < 5.0 < off_once
