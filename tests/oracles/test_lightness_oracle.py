"""Slow plain twin of how the log-normal prior of a body's lightness is kept: adaptive quadrature, by definition."""

import numpy as np
import pytest
from scipy.integrate import quad
from tests.oracles import test_sigma_oracle as oracle

from detente.centre.tracking import _kernels_lightness as kernels
from detente.centre.tracking import _kernels_places as places
from detente.centre.tracking.settings import Settings

SETTINGS = Settings()
SIGMA = SETTINGS.log_beta_sigma
PLACES = [places.SITE_PRECISION, places.SITE_PULL]


def moments(centre, sigma):
    """Mean and variance of the log-normal times what looks say, a Gaussian."""
    low, high = max(centre - 8.0 * sigma, 1e-4), max(centre, 0.0) + 8.0 * sigma

    def density(light):
        return np.exp(-0.5 * ((np.log(light) / SIGMA) ** 2 + ((light - centre) / sigma) ** 2)) / light

    total, first, second = (
        quad(lambda light, n=n: density(light) * light**n, low, high, limit=500, points=[max(centre, low)])[0]
        for n in range(3)
    )
    return first / total, second / total - (first / total) ** 2


def begun(centre, sigma):
    """State, covariance and clocks of a new track after looks that say (centre, sigma) of its lightness."""
    x, P = oracle.X.copy(), oracle.some_covariance(3)
    mean, variance = SETTINGS.lightness_mean, SETTINGS.lightness_variance
    known = 1.0 / variance + 1.0 / sigma**2
    scale = 1.0 / np.sqrt(P[6, 6] * known)
    P[6, :] *= scale
    P[:, 6] *= scale
    x[6] = (mean / variance + centre / sigma**2) / known
    return x, P, np.zeros(places.CLOCKS)


CASES = [(0.3, 0.1), (0.1, 0.4), (-0.5, 0.6), (1.5, 1.0), (4.0, 2.0), (9.0, 1.5), (2.0, 12.0)]


@pytest.mark.parametrize(("centre", "sigma"), CASES)
def test_what_looks_say_meets_the_log_normal(centre, sigma):
    x, P, clocks = begun(centre, sigma)
    x0, P0 = x.copy(), P.copy()
    kernels.weigh_lightness(x, P, clocks, SETTINGS.packed())
    mean, variance = moments(centre, sigma)
    assert x[6] == pytest.approx(mean, rel=2e-3)
    assert P[6, 6] == pytest.approx(variance, rel=1e-2)
    # All else follows as it hangs on the lightness: the spread that it leaves is unchanged.
    slope = P0[:6, 6] / P0[6, 6]
    scale = np.sqrt(np.diag(P0))[:6]
    assert np.abs((x[:6] - x0[:6] - slope * (x[6] - x0[6])) / scale).max() < 1e-9
    left0 = P0[:6, :6] - np.outer(slope, slope) * P0[6, 6]
    left = P[:6, :6] - np.outer(slope, slope) * P[6, 6]
    assert np.abs((left - left0) / np.outer(scale, scale)).max() < 1e-9
    assert np.abs(P[:6, 6] / P[6, 6] - slope).max() < 1e-9 * np.abs(slope).max()


@pytest.mark.parametrize(("centre", "sigma"), CASES)
def test_the_prior_is_counted_once(centre, sigma):
    """Weighing again, with nothing new, changes nothing."""
    x, P, clocks = begun(centre, sigma)
    kernels.weigh_lightness(x, P, clocks, SETTINGS.packed())
    once = x.copy(), P.copy(), clocks[PLACES].copy()
    for _ in range(5):
        kernels.weigh_lightness(x, P, clocks, SETTINGS.packed())
    assert x == pytest.approx(once[0], rel=1e-6)
    assert pytest.approx(once[1], rel=1e-6, abs=1e-9) == P
    assert clocks[PLACES] == pytest.approx(once[2], rel=1e-6, abs=1e-9)


def test_one_look_after_another_is_all_of_them_at_once():
    """Vague looks first, in any order: the prior leaves no trace of when it was weighed."""
    chance = np.random.default_rng(5)
    sigmas = np.array([6.0, 3.0, 3.0, 1.5, 1.0, 0.8, 0.8])
    says = 5.0 + sigmas * chance.standard_normal(sigmas.size)
    told = (sigmas**-2.0).sum()
    mean, variance = moments((says / sigmas**2).sum() / told, told**-0.5)
    for order in (np.arange(7), np.arange(7)[::-1]):
        x, P, clocks = begun(0.0, 1e6)
        for k in order:
            gain = P[:, 6] / (P[6, 6] + sigmas[k] ** 2)
            x += gain * (says[k] - x[6])
            P -= np.outer(gain, P[6, :])
            kernels.weigh_lightness(x, P, clocks, SETTINGS.packed())
        assert x[6] == pytest.approx(mean, rel=2e-3)
        assert P[6, 6] == pytest.approx(variance, rel=1e-2)


def test_nothing_said_changes_nothing():
    x, P, clocks = begun(3.0, 100.0)
    before = x.copy(), P.copy()
    kernels.weigh_lightness(x, P, clocks, SETTINGS.packed())
    assert np.array_equal(x, before[0])
    assert np.array_equal(P, before[1])
    assert not clocks.any()


def test_a_well_known_lightness_is_left_alone():
    x, P, clocks = begun(3.0, 0.05)
    before = x.copy()
    kernels.weigh_lightness(x, P, clocks, SETTINGS.packed())
    assert np.array_equal(x, before)
