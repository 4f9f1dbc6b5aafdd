"""Filters say truly how wrong they are: as often inside their bands as a perfect linear filter run beside them.

Normalised squared errors of six numbers, ideal 6. Fixed seeds, in blocks; objects one at a time, so that what is
judged is the filter and not the association.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2
from tests import made_tracking as made

from detente.centre.tracking.follower import follow
from detente.centre.tracking.settings import TEXTBOOK, Filter, Settings
from detente.geodesy.ellipsoid import ecef_to_geodetic

RUNS, SCANS, BLOCK = 600, 60, 50
SETTLED = 6  # scans from which all but a few are confirmed
PATIENT = replace(TEXTBOOK, confirmed_misses=50, tentative_misses=50)
AIR_M = 120_000.0


def follow_each(truth, plots, seen, sensors, settings):
    """Squared normalised errors (runs, scans) of each object followed by itself; NaN where there is no track."""
    scans, runs = seen.shape
    out = np.full((runs, scans), np.nan)
    for i in range(runs):
        times = np.flatnonzero(seen[:, i])
        history, _ = follow(
            made.plots_of([plots[k][i : i + 1] for k in times], times.astype(float)), sensors, settings
        )  # fmt: skip
        rows = (history.confirmed == 1) & (history.track == 1)
        mean, covariance = made.states_of(history, rows)
        when = history.time_s[rows].astype(int)
        error = mean - truth[when, i]
        out[i, when] = (error * np.linalg.solve(covariance, error[:, :, None])[:, :, 0]).sum(axis=1)
    return out


def matched(seed, filter_kind=Filter.EXTENDED):
    """Objects of the constant-gravity model itself, velocities drawn from the tracker's prior."""
    chance = np.random.default_rng(seed)
    away, bearing = chance.uniform(4e5, 9e5, RUNS), chance.uniform(-0.8, 0.8, RUNS)
    states = np.zeros((RUNS, 6))
    states[:, :3] = np.stack([away * np.cos(bearing), away * np.sin(bearing), chance.uniform(1.5e5, 4e5, RUNS)], axis=1)
    states[:, 3:] = TEXTBOOK.radar_speed_sigma_m_s * chance.standard_normal((RUNS, 3))
    truth, plots = np.zeros((SCANS, RUNS, 6)), []
    for k in range(SCANS):
        states = made.moved(states, chance) if k else states
        truth[k] = states
        level = np.hypot(states[:, 0], states[:, 1])
        exact = np.stack(
            [np.arctan2(states[:, 2], level), np.arctan2(states[:, 1], states[:, 0]), np.hypot(level, states[:, 2])], 1
        )
        plots.append(exact + chance.standard_normal((RUNS, 3)) * made.SIGMAS)
    seen = chance.random((SCANS, RUNS)) < made.DETECTION
    return follow_each(truth, plots, seen, made.one_radar(), replace(PATIENT, filter=filter_kind))


def shaken(states, light, chance, settings):
    """Ballistic states and their lightness one second on, with the noise that the filter believes in."""
    parts = 4
    h = 1.0 / parts
    root = np.linalg.cholesky(np.array([[h**3 / 3, h * h / 2], [h * h / 2, h]]))
    for _ in range(parts):
        low = ecef_to_geodetic(states[:, :3])[:, 2] < AIR_M
        drag = np.linalg.norm(made.pull(states, light) - made.pull(states, 0.0 * light), axis=1) * low
        white = settings.coast_noise_m2_s3 + settings.air_noise_s * drag**2
        states = made.fall(states, light, h)
        shake = chance.standard_normal((len(states), 3, 2)) @ root.T * np.sqrt(white)[:, None, None]
        states = states + np.concatenate([shake[:, :, 0], shake[:, :, 1]], axis=1)
        walk = np.sqrt(settings.log_beta_noise_hz * h) * chance.standard_normal(len(states))
        light = light * np.where(low, 1.0 + walk, 1.0)
    return states, light


def ballistic(seed, runs, height_m, climb_m_s, scans=SCANS, filter_kind=Filter.EXTENDED):
    """Objects about the Earth, ballistic coefficients drawn from the tracker's prior: squared errors (runs, scans),
    heights (runs, scans), and what each object's lightness began as (runs,).
    """
    chance, settings = np.random.default_rng(seed), Settings(filter=filter_kind)
    axes, site = made.site_axes()
    away, bearing = chance.uniform(3e5, 7e5, runs), chance.uniform(-1.0, 1.0, runs)
    local = np.stack([away * np.sin(bearing), away * np.cos(bearing), chance.uniform(*height_m, runs)], axis=1)
    speed, heading = chance.uniform(500.0, 2_500.0, runs), chance.uniform(-np.pi, np.pi, runs)
    level = np.stack([speed * np.sin(heading), speed * np.cos(heading), chance.uniform(*climb_m_s, runs)], axis=1)
    states = np.hstack([site + local @ axes, level @ axes])
    light = np.exp(settings.log_beta_sigma * chance.standard_normal(runs)) / settings.nominal_beta_kg_m2
    drawn = light * settings.nominal_beta_kg_m2
    truth, plots, heights = np.zeros((scans, runs, 6)), [], np.zeros((scans, runs))
    for k in range(scans):
        if k:
            states, light = shaken(states, light, chance, settings)
        truth[k], heights[k] = states, ecef_to_geodetic(states[:, :3])[:, 2]
        plots.append(made.measured(states, chance))
    up = np.stack([scan[:, 0] > 0.01 for scan in plots])
    seen = (chance.random((scans, runs)) < made.DETECTION) & (heights > 1e4) & np.logical_and.accumulate(up)
    return follow_each(truth, plots, seen, made.radar_on_earth(), settings), heights.T, drawn


def linear(seed):
    """The control: a linear system of the same sizes, and the Kalman filter that is exact for it."""
    chance = np.random.default_rng(seed)
    step, noise = np.eye(6), np.kron(np.array([[1 / 3, 1 / 2], [1 / 2, 1.0]]), np.eye(3))
    step[:3, 3:] = np.eye(3)
    R = np.diag([600.0, 600.0, 50.0]) ** 2
    prior = TEXTBOOK.radar_speed_sigma_m_s
    x = np.hstack([np.zeros((RUNS, 3)), prior * chance.standard_normal((RUNS, 3))])
    mean, P, hits, out = (
        np.zeros((RUNS, 6)),
        np.zeros((RUNS, 6, 6)),
        np.zeros(RUNS, int),
        np.full((RUNS, SCANS), np.nan),
    )
    for k in range(SCANS):
        if k:
            x = x @ step.T + chance.standard_normal((RUNS, 6)) @ np.linalg.cholesky(noise).T
            mean, P = mean @ step.T, step @ P @ step.T + noise
        z = x[:, :3] + chance.standard_normal((RUNS, 3)) * np.sqrt(np.diag(R))
        seen = chance.random(RUNS) < made.DETECTION
        new, old = seen & (hits == 0), seen & (hits > 0)
        mean[new] = np.hstack([z[new], np.zeros((new.sum(), 3))])
        P[new] = np.diag([*np.diag(R), prior**2, prior**2, prior**2])
        gain = P[old][:, :, :3] @ np.linalg.inv(P[old][:, :3, :3] + R)
        mean[old] += (gain @ (z[old] - mean[old, :3])[:, :, None])[:, :, 0]
        P[old] -= gain @ P[old][:, :3]
        hits += seen
        told = seen & (hits >= TEXTBOOK.confirm_hits)
        error = x[told] - mean[told]
        out[told, k] = (error * np.linalg.solve(P[told], error[:, :, None])[:, :, 0]).sum(axis=1)
    return out


def share_inside(squares):
    """Share of blocks and scans whose average lies in the 95 % band of an average of that many."""
    blocks = squares[:, SETTLED:].reshape(-1, BLOCK, squares.shape[1] - SETTLED)
    count = np.isfinite(blocks).sum(axis=1)
    average = np.nansum(blocks, axis=1) / np.maximum(count, 1)
    low, high = chi2.ppf(0.025, 6 * np.maximum(count, 1)), chi2.ppf(0.975, 6 * np.maximum(count, 1))
    inside = (average * count > low) & (average * count < high)
    return inside[count > BLOCK // 2].mean()


def share_of_singles(squares):
    """Share of single squared errors in their own 95 % band."""
    known = squares[np.isfinite(squares)]
    low, high = chi2.ppf([0.025, 0.975], 6)
    return ((known > low) & (known < high)).mean()


@pytest.fixture(scope="module")
def perfect():
    """What a perfect filter reaches in as many blocks."""
    controls = [linear(seed) for seed in (11, 12, 13)]
    return np.mean([share_inside(c) for c in controls]), np.mean([share_of_singles(c) for c in controls])


@pytest.mark.parametrize("filter_kind", list(Filter))
def test_matched_objects(perfect, filter_kind):
    squares = np.concatenate([matched(seed, filter_kind) for seed in (1, 2, 3)])
    assert abs(share_inside(squares) - perfect[0]) < 0.03
    assert abs(share_of_singles(squares) - perfect[1]) < 0.03
    assert np.nanmean(squares) == pytest.approx(6.0, abs=0.2)


def test_coasting_objects_with_unknown_ballistic_coefficient(perfect):
    squares = np.concatenate([ballistic(seed, RUNS, (3e5, 6e5), (-200.0, 1_000.0))[0] for seed in (1, 2)])
    assert abs(share_inside(squares) - perfect[0]) < 0.03
    assert abs(share_of_singles(squares) - perfect[1]) < 0.03


def test_falling_objects_with_unknown_ballistic_coefficient(perfect):
    squares, heights, _ = ballistic(3, RUNS, (1.8e5, 2.5e5), (-2_500.0, -1_500.0), scans=80)
    in_air = np.where(heights < AIR_M, squares, np.nan)
    assert np.isfinite(in_air).sum() > 10_000
    assert abs(share_inside(in_air) - perfect[0]) < 0.03
    assert np.nanmean(in_air) == pytest.approx(6.0, abs=0.4)
    assert abs(share_of_singles(in_air) - perfect[1]) < 0.03


@pytest.mark.parametrize("filter_kind", list(Filter))
def test_falling_objects_down_to_the_ground(perfect, filter_kind):
    """From 180-250 km into the thick of the air, where drag has told light bodies from heavy ones, and after."""
    parts = [ballistic(seed, RUNS // 2, (1.8e5, 2.5e5), (-2_500.0, -1_500.0), 140, filter_kind) for seed in (3, 4, 5)]
    squares, heights, light = (np.concatenate(part) for part in zip(*parts, strict=True))
    assert abs(share_inside(squares) - perfect[0]) < 0.03
    assert abs(share_of_singles(squares) - perfect[1]) < 0.03
    assert np.nanmean(squares) == pytest.approx(6.0, abs=0.2)
    # No sort of body is left out: neither the heavy, whose lightness is near nothing, nor the light.
    low = np.where(heights < 40_000.0, squares, np.nan)
    heavy, lightest = low[light < np.quantile(light, 0.2)], low[light > np.quantile(light, 0.95)]
    assert np.isfinite(heavy).sum() > 500
    assert np.isfinite(lightest).sum() > 200
    assert 4.0 < np.nanmean(heavy) < 7.0
    assert 4.0 < np.nanmean(lightest) < 10.0
