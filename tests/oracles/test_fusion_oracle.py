"""Slow plain twins of the fusion kernels, and the two-radar benchmark that naive fusion must fail."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment, minimize_scalar
from tests import made_picture as made
from tests import made_tracking as falls

from detente.centre.picture._kernels_align import align
from detente.centre.picture.estimates import estimate
from detente.centre.picture.fusion import (
    add_increments,
    covariance_intersection,
    fuse,
    inverse_covariance_intersection,
)
from detente.centre.picture.partner import receive, start_partner
from detente.centre.picture.settings import PictureSettings
from detente.flight.prediction import coast

linear = runpy.run_path(str(Path(__file__).parents[2] / "bench" / "linear_fusion.py"))
GROUND = made.territories()


def plain_intersection(mean_a, a, mean_b, b):
    """Covariance intersection by scipy: least log determinant over the weight."""
    ia, ib = np.linalg.inv(a), np.linalg.inv(b)

    def size(w):
        return -np.linalg.slogdet(w * ia + (1.0 - w) * ib)[1]

    inside = minimize_scalar(size, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-9})
    w = min((0.0, 1.0, inside.x), key=size)
    fused = np.linalg.inv(w * ia + (1.0 - w) * ib)
    return fused @ (w * ia @ mean_a + (1.0 - w) * ib @ mean_b), fused, w


def test_covariance_intersection_against_scipy():
    rng = np.random.default_rng(7)
    for _ in range(50):
        a, b = (made.covariance(10 ** rng.uniform(2, 4), 10 ** rng.uniform(0, 2), seed=rng.integers(1e9)) for _ in "ab")
        mean = made.state()
        other = mean + np.linalg.cholesky(a) @ rng.normal(size=6)
        means, fused, weights = covariance_intersection(mean[None], a[None], other[None], b[None])
        plain_mean, plain, w = plain_intersection(mean, a, other, b)
        assert weights[0] == pytest.approx(w, abs=0.01)
        assert np.linalg.slogdet(fused[0])[1] == pytest.approx(np.linalg.slogdet(plain)[1], abs=2e-3)
        off = means[0] - plain_mean
        assert off @ np.linalg.solve(plain, off) < 0.01


@pytest.mark.parametrize("dt_s", [5.0, 20.0, 75.0, -30.0])
def test_a_state_is_brought_to_now_as_its_samples_are(dt_s):
    mean, spread = made.state(), made.covariance(300.0, 5.0, seed=4)
    settings = PictureSettings(coast_noise_m2_s3=0.0)
    moved, carried = np.zeros(6), np.zeros((6, 6))
    align(mean, spread, dt_s, 2.0, settings, np.zeros((6, 6)), np.zeros((6, 6)), moved, carried)
    root = np.linalg.cholesky(spread)
    points = np.vstack([mean, mean + root.T, mean - root.T])
    position, velocity = coast(points[:, :3], points[:, 3:], np.full(13, dt_s))
    flown = np.hstack([position, velocity])
    assert np.allclose(moved, flown[0], atol=0.05)
    columns = 0.5 * (flown[1:7] - flown[7:])
    plain = columns.T @ columns
    scale = np.sqrt(np.outer(np.diag(plain), np.diag(plain)))
    assert np.abs((carried - plain) / scale).max() < 1e-4


def test_noise_grows_as_its_phase_says():
    mean, spread, settings = made.state(), made.covariance(), PictureSettings()
    sizes = []
    for phase in (2.0, 3.0, 1.0):
        out = np.zeros((6, 6))
        align(mean, spread, 10.0, phase, settings, np.zeros((6, 6)), np.zeros((6, 6)), np.zeros(6), out)
        sizes.append(out[:3, :3].trace())
    assert sizes[1] - sizes[0] == pytest.approx(3 * (settings.reentry_acceleration_m_s2 * 100.0) ** 2 / 3, rel=1e-3)
    assert sizes[2] - sizes[0] == pytest.approx(3 * (settings.boost_acceleration_m_s2 * 100.0) ** 2 / 3, rel=1e-3)


def test_a_partners_track_ages_truly_in_the_air():
    """Drag grows as a body falls, and the partner may have last told of a coast: no direction is thought to be known.

    Bodies of 500-5,000 kg/m² at 95-60 km and 2.5 km/s, told of exactly, as in coast, and 15-25 s old.
    """
    chance, worst = np.random.default_rng(1), []
    for _ in range(60):
        height, dive, age_s = chance.uniform(6e4, 9.5e4), chance.uniform(0.4, 1.2), chance.uniform(15.0, 25.0)
        light = 1.0 / np.exp(chance.uniform(np.log(500.0), np.log(5_000.0)))
        told = np.array([6_378_137.0 + height, 0, 0, -2_500.0 * np.sin(dive), 2_500.0 * np.cos(dive), 0])
        truth = falls.fall(told[None], np.array([light]), age_s, 0.1)[0]
        if np.linalg.norm(truth[:3]) < 6_383_000.0:
            continue
        spread, out, mean = np.diag([1e4] * 3 + [25.0] * 3), np.zeros((6, 6)), np.zeros(6)
        align(told, spread, age_s, 2.0, PictureSettings(), np.zeros((6, 6)), np.zeros((6, 6)), mean, out)
        error = truth - mean
        worst.append(error @ np.linalg.solve(out, error))
    assert len(worst) > 30
    assert np.mean(worst) < 12.0
    assert np.max(worst) < 14.45


def test_pairs_against_the_optimal_assignment():
    """A salvo of 8 missiles 5 km apart, tracks good to 1 km: as many right pairs as the optimal assignment finds."""
    right = best = 0
    for trial in range(25):
        rng = np.random.default_rng(trial)
        truth = np.array([made.state() for _ in range(8)])
        truth[:, :3] += rng.normal(size=(8, 3)) * 5e3
        truth[:, 3:] += rng.normal(size=(8, 3)) * 20.0
        a, b = made.covariance(1000.0, 15.0), made.covariance(800.0, 25.0)
        ours = truth + rng.normal(size=(8, 6)) @ np.linalg.cholesky(a).T
        order = rng.permutation(8)
        theirs = (truth + rng.normal(size=(8, 6)) @ np.linalg.cholesky(b).T)[order]
        tracks = made.tracks(ours, [a] * 8)
        messages = [made.message(s, b, number=n) for n, s in enumerate(theirs, 1)]
        known = receive(start_partner(1, 8, 2), *made.table(*messages), made.WEST, GROUND, 0.0)
        picture = fuse(tracks, estimate(tracks, None, GROUND), known, made.WEST, GROUND, 0.0)
        slot_of = {int(n) - 1: q for q, n in enumerate(known.number[0])}
        right += sum(picture.twin[0, order[k]] == 8 + slot_of[k] for k in range(8))
        off = ours[:, None, :] - theirs[None, :, :]
        cost = np.einsum("ijk,kl,ijl->ij", off, np.linalg.inv(a + b), off)
        rows, columns = linear_sum_assignment(cost)
        best += int((order[columns] == rows).sum())
    assert best >= 190
    assert right >= best - 4


@pytest.fixture(scope="module")
def scores():
    """Exchange every 5 s, 200 runs."""
    return linear["benchmark"](5, runs=200, seconds=80)


def test_two_radars_that_exchange_every_5_s(scores):
    """Against one central filter; the 95 % band of the mean NEES of 200 runs ends at 6.48."""
    assert scores["covariance intersection"].ratio <= 1.10
    assert scores["inverse covariance intersection"].ratio <= 1.10
    assert scores["tracklets"].ratio <= 1.06
    assert scores["alone"].ratio > 1.5
    for name in ("covariance intersection", "inverse covariance intersection", "tracklets"):
        assert scores[name].anees < 6.48, name
    assert scores["tracklets"].anees > 5.52
    assert scores["covariance intersection"].over == 0.0
    assert scores["tracklets"].over <= scores["centralised"].over + 0.03


def test_the_naive_product_fails_there(scores):
    assert scores["naive"].anees > 50.0
    assert scores["naive"].ratio > 1.5
    assert scores["naive"].over == 1.0


def plain_inverse_intersection(mean_a, a, mean_b, b):
    """Inverse covariance intersection by scipy, as its authors write it."""
    ia, ib = np.linalg.inv(a), np.linalg.inv(b)

    def fused(w):
        return np.linalg.inv(ia + ib - np.linalg.inv(w * a + (1.0 - w) * b))

    found = minimize_scalar(
        lambda w: np.linalg.slogdet(fused(w))[1], bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-9}
    )
    w, covariance = found.x, fused(found.x)
    bound = np.linalg.inv(w * a + (1.0 - w) * b)
    return covariance @ ((ia - w * bound) @ mean_a + (ib - (1.0 - w) * bound) @ mean_b), covariance


def test_inverse_intersection_against_scipy():
    rng = np.random.default_rng(8)
    for _ in range(50):
        a, b = (made.covariance(10 ** rng.uniform(2, 4), 10 ** rng.uniform(0, 2), seed=rng.integers(1e9)) for _ in "ab")
        mean = made.state()
        other = mean + np.linalg.cholesky(a) @ rng.normal(size=6)
        means, fused, weights = inverse_covariance_intersection(mean[None], a[None], other[None], b[None])
        plain_mean, plain = plain_inverse_intersection(mean, a, other, b)
        assert 0.0 <= weights[0] <= 1.0
        assert np.linalg.slogdet(fused[0])[1] == pytest.approx(np.linalg.slogdet(plain)[1], abs=5e-3)
        off = means[0] - plain_mean
        assert off @ np.linalg.solve(plain, off) < 0.02


def test_an_increment_is_the_measurements_in_between():
    """A filter's increment over three looks, added to another state, is those looks taken in there."""
    rng = np.random.default_rng(3)
    old_mean, old = made.state(), made.covariance(2000.0, 40.0, seed=1)
    mean, spread = made.state() + 300.0, made.covariance(1000.0, 90.0, seed=2)
    new, plain = (old_mean[None], old), (mean[None], spread)
    for _ in range(3):
        plot = made.state()[None, :3] + rng.normal(size=(1, 3)) * 200.0, np.diag(rng.uniform(1e2, 1e5, 3))
        new, plain = linear["updated"](new, plot), linear["updated"](plain, plot)
    means, spreads, done = add_increments(mean[None], spread[None], new[0], new[1][None], old_mean[None], old[None])
    assert done.tolist() == [1.0]
    assert np.allclose(means, plain[0], atol=1e-3)
    assert np.allclose(spreads[0], plain[1], rtol=1e-6)
    assert add_increments(mean[None], spread[None], old_mean[None], old[None], *(new[0], new[1][None]))[2][0] == -1.0
