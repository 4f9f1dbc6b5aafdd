"""Slow plain twins of the fusion kernels, and the two-radar benchmark that naive fusion must fail."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment, minimize_scalar

from detente.centre.picture._kernels_align import align
from detente.centre.picture.estimates import estimate
from detente.centre.picture.fusion import covariance_intersection, fuse, naive_product
from detente.centre.picture.partner import receive, start_partner
from detente.centre.picture.settings import PictureSettings
from detente.flight.prediction import coast

made = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "made_picture.py")))
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
    assert sizes[1] - sizes[0] == pytest.approx(3 * (0.5 * settings.reentry_acceleration_m_s2 * 100.0) ** 2, rel=1e-3)
    assert sizes[2] - sizes[0] == pytest.approx(3 * (0.5 * settings.boost_acceleration_m_s2 * 100.0) ** 2, rel=1e-3)


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


def _radar(truth, site, rng):
    """A radar's plot of truth and its covariance (50 m, 1 mrad, 1 mrad), linearised at the mean truth."""
    px, py, pz = truth[:, :3].mean(axis=0) - site
    r = np.sqrt(px * px + py * py + pz * pz)
    level = np.hypot(px, py)
    slope = np.array([[px / r, -py / level, -px * pz / (r * level)], [py / r, px / level, -py * pz / (r * level)],
                      [pz / r, 0.0, level / r]])  # fmt: skip
    spread = slope @ np.diag([50.0**2, (1e-3 * r) ** 2, (1e-3 * r) ** 2]) @ slope.T
    return truth[:, :3] + rng.normal(size=(len(truth), 3)) @ np.linalg.cholesky(spread).T, spread


def _updated(mean, covariance, plot, spread):
    seen = np.eye(3, 6)
    gain = covariance @ seen.T @ np.linalg.inv(seen @ covariance @ seen.T + spread)
    rest = np.eye(6) - gain @ seen
    return mean + (plot - mean[:, :3]) @ gain.T, rest @ covariance @ rest.T + gain @ spread @ gain.T


def benchmark(combine, every_s, runs=200, seconds=80, q=1.0):
    """Two radars, one target, exchange both ways and fed back: (ANEES at A, RMSE over the centralised filter's)."""
    rng = np.random.default_rng(1)
    step = np.eye(6) + np.diag([1.0] * 3, 3)
    noise = q * np.block([[np.eye(3) / 3, np.eye(3) / 2], [np.eye(3) / 2, np.eye(3)]])
    sites = np.array([[0.0, 0.0, 0.0], [900e3, 700e3, 0.0]])
    fall = np.array([0.0, 0.0, -4.9, 0.0, 0.0, -9.8])
    truth = np.tile([5e5, 3e5, 2e5, -1500.0, 800.0, 1200.0], (runs, 1))
    start = np.diag([1e6] * 3 + [4e4] * 3)
    first = [truth + rng.normal(size=(runs, 6)) @ np.sqrt(start) for _ in range(2)]
    fused = [(first[0], start), (first[1], start)]
    central = (0.5 * (first[0] + first[1]), 0.5 * start)
    nees, off, ideal = [], [], []
    for second in range(1, seconds + 1):
        truth = truth @ step.T + fall + rng.normal(size=(runs, 6)) @ np.linalg.cholesky(noise).T
        fused = [(m @ step.T + fall, step @ p @ step.T + noise) for m, p in fused]
        central = (central[0] @ step.T + fall, step @ central[1] @ step.T + noise)
        for side in range(2):
            plot, spread = _radar(truth, sites[side], rng)
            fused[side] = _updated(*fused[side], plot, spread)
            central = _updated(*central, plot, spread)
        if second % every_s == 0:
            (ma, pa), (mb, pb) = fused
            a, b = np.tile(pa, (runs, 1, 1)), np.tile(pb, (runs, 1, 1))
            one, other = combine(ma, a, mb, b), combine(mb, b, ma, a)
            fused = [(one[0], one[1][0]), (other[0], other[1][0])]
        if second > 40:
            error = truth - fused[0][0]
            nees.append(np.einsum("ni,ij,nj->n", error, np.linalg.inv(fused[0][1]), error).mean())
            off.append((error[:, :3] ** 2).sum(axis=1).mean())
            ideal.append(((truth - central[0])[:, :3] ** 2).sum(axis=1).mean())
    return float(np.mean(nees)), float(np.sqrt(np.mean(off) / np.mean(ideal)))


def test_two_radars_that_exchange_tracks_every_5_s():
    nees, ratio = benchmark(covariance_intersection, 5)
    assert nees < 6.49  # the upper end of the 95 % band of 200 runs
    assert ratio <= 1.10
    naive_nees, naive_ratio = benchmark(naive_product, 5)
    assert naive_nees > 50.0
    assert naive_ratio > 1.5
