"""What lanes reckon with instead of the library's functions, which branch."""

import math

import numba
import numpy as np
import pytest

from detente.flight._kernels_clock import rough_log2, rough_power_of_two, time_to
from detente.flight._kernels_lanes import exponential, sine_cosine


@numba.njit
def logarithms(values):
    return np.array([rough_log2(value) for value in values])  # pyright: ignore[reportCallIssue]  # an intrinsic: numba passes the first


@numba.njit
def exponentials(values):
    return np.array([exponential(value) for value in values])


@numba.njit
def circle(values):
    return [sine_cosine(value) for value in values]


@numba.njit
def powers(values):
    return np.array([rough_power_of_two(value) for value in values])


@numba.njit
def wait(way, speed, half_gain):
    above, below = time_to(way, speed, half_gain)
    return above / below


def test_the_rough_logarithm_is_within_nine_hundredths():
    values = np.exp(np.linspace(-600.0, 600.0, 4_001))
    assert np.abs(logarithms(values) - np.log2(values)).max() < 0.09
    assert np.array_equal(logarithms(2.0 ** np.arange(-60, 61)), np.arange(-60.0, 61.0))


def test_the_rough_power_of_two_is_within_a_thousandth():
    values = np.linspace(-40.0, 40.0, 4_001)
    assert np.abs(powers(values) / 2.0**values - 1.0).max() < 1e-3
    assert np.array_equal(powers(np.arange(-60.0, 61.0)), 2.0 ** np.arange(-60, 61))


def test_exponential_sine_and_cosine():
    values = np.linspace(-600.0, 600.0, 4_001)
    assert np.abs(exponentials(values) / np.exp(values) - 1.0).max() < 1e-12
    angles = np.linspace(-2.1, 2.1, 1_001)
    assert np.abs(np.array(circle(angles)) - np.stack((np.sin(angles), np.cos(angles)), axis=1)).max() < 1e-13


@pytest.mark.parametrize("acceleration", [-2.0, 0.0, 3.0, 15.0])
def test_the_time_to_a_bend_is_foreseen_to_the_second_order(acceleration):
    """1,000 m at 200 m/s and an even acceleration: within 3 %, gaining up to a third of the speed."""
    exact = 5.0 if acceleration == 0.0 else (math.sqrt(200.0**2 + 2_000.0 * acceleration) - 200.0) / acceleration
    assert wait(1_000.0, 200.0, 0.5 * acceleration) == pytest.approx(exact, rel=0.03)


def test_where_there_is_no_way_to_go_there_is_no_time():
    assert wait(0.0, 200.0, 1.0) == 1e9
    assert wait(1e9, 200.0, 1.0) == 1e9
    assert wait(500.0, 0.0, 0.0) > 1e9
