"""Scoring against slow plain twins: every pairing tried, one object at a time."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.records.paths import TruePaths
from detente.scoring.bounds import (
    ConstantGravity,
    Watch,
    constant_gravity,
    network_bounds,
    radar_information,
)
from detente.scoring.consistency import band, squared_lengths
from detente.scoring.sets import gospa_and_ospa

CUTOFF = 1000.0
ORIGIN, SIGMAS = (0.0, 0.0, 0.0), (50.0, 1e-3, 2e-3)
FLIGHT = ConstantGravity(1.0, 2000.0)


def every_pairing(truth: np.ndarray, tracks: np.ndarray, cutoff: float, order: float) -> tuple[float, float]:
    """GOSPA and OSPA by their definitions: the least over all pairings of some objects with some tracks."""
    n, m = len(truth), len(tracks)
    best_gospa, best_ospa = math.inf, math.inf
    for size in range(min(n, m) + 1):
        for objects in itertools.combinations(range(n), size):
            for numbers in itertools.permutations(range(m), size):
                apart = [math.dist(truth[i], tracks[j]) for i, j in zip(objects, numbers, strict=True)]
                gospa = sum(d**order for d in apart) + cutoff**order / 2 * (n + m - 2 * size)
                best_gospa = min(best_gospa, gospa)
                if size == min(n, m):
                    ospa = sum(min(d, cutoff) ** order for d in apart) + cutoff**order * abs(n - m)
                    best_ospa = min(best_ospa, ospa / max(n, m, 1))
    return best_gospa ** (1 / order), best_ospa ** (1 / order)


places = st.lists(st.tuples(*[st.integers(-1200, 1200)] * 3), max_size=4)


@settings(max_examples=80, deadline=None)
@given(places, places, st.sampled_from([1.0, 2.0, 3.0]))
def test_gospa_and_ospa_are_the_least_over_all_pairings(truth: list, tracks: list, order: float) -> None:
    a, b = np.array(truth, float).reshape(-1, 3), np.array(tracks, float).reshape(-1, 3)
    found = gospa_and_ospa(a, b, CUTOFF, order)
    gospa, ospa = every_pairing(a, b, CUTOFF, order)
    assert found.gospa_m == pytest.approx(gospa, rel=1e-12, abs=1e-9)
    assert found.ospa_m == pytest.approx(ospa, rel=1e-12, abs=1e-9)


def test_islands_and_the_whole_give_one_answer() -> None:
    """Three hundred objects in neighbourhoods, against one assignment over all of them."""
    from scipy.optimize import linear_sum_assignment

    rng = np.random.default_rng(4)
    truth = rng.uniform(0, 8000, (300, 3))
    tracks = np.vstack([truth[:280] + rng.normal(0, 300, (280, 3)), rng.uniform(0, 8000, (25, 3))])
    apart = np.linalg.norm(truth[:, None] - tracks[None], axis=2)
    cost = np.minimum(apart, CUTOFF) ** 2
    i, j = linear_sum_assignment(cost)
    paired = apart[i, j] < CUTOFF
    expected = math.sqrt(cost[i, j][paired].sum() + CUTOFF**2 / 2 * (300 + 305 - 2 * paired.sum()))
    assert gospa_and_ospa(truth, tracks, CUTOFF, 2.0).gospa_m == pytest.approx(expected, rel=1e-12)


def test_squared_lengths_are_those_of_a_plain_inverse_and_refuse_what_is_no_covariance() -> None:
    rng = np.random.default_rng(5)
    factors = rng.normal(size=(50, 6, 6)) * [100, 100, 100, 1, 1, 1]
    covariances = factors.transpose(0, 2, 1) @ factors
    errors = rng.normal(size=(50, 6)) * [100, 100, 100, 1, 1, 1]
    covariances[7, 0, 0] *= -1.0
    covariances[8] = np.outer(errors[8], errors[8])
    found, judged = squared_lengths(errors, covariances)
    plain = [float(e @ np.linalg.pinv(c) @ e) for e, c in zip(errors, covariances, strict=True)]
    assert np.flatnonzero(~judged).tolist() == [7, 8]
    assert found[[7, 8]].tolist() == [0.0, 0.0]
    np.testing.assert_allclose(found[judged], np.array(plain)[judged], rtol=1e-7)


def test_band_is_that_of_chi_square_tables() -> None:
    """The bounds of reference tables for six degrees of freedom."""
    assert np.round(band(6), 2).tolist() == [1.24, 14.45]
    assert np.round(band(6, 50), 2).tolist() == [5.08, 7.00]
    assert np.round(band(6, 200), 2).tolist() == [5.53, 6.49]


def test_a_look_tells_what_a_numerical_gradient_says() -> None:
    sigmas = (50.0, 1e-3, 2e-3)

    def look(p: np.ndarray) -> np.ndarray:
        return np.array([np.linalg.norm(p), math.atan2(p[1], p[0]), math.asin(p[2] / np.linalg.norm(p))])

    for place in np.array([[4e5, 3e5, 2e5], [-1e5, 2e5, 5e4], [3e5, -1e3, 9e5]]):
        gradient = np.stack([(look(place + d) - look(place - d)) / 2.0 for d in np.eye(3)], axis=1)
        expected = gradient.T @ np.diag(1 / np.square(sigmas)) @ gradient
        found = radar_information(place[None], sigmas)[0]
        np.testing.assert_allclose(found, expected, atol=1e-7 * np.abs(expected).max())


def flown(scans: int, shake: float = 0.0, objects: int = 1) -> tuple[np.ndarray, TruePaths]:
    """Places (objects, scans, 3) of objects on their way, and the truth table of them, a row a second."""
    times = np.arange(float(scans))
    places = np.array([5e5, 2e5, 3e5]) + times[:, None] * np.array([-1500.0, 900.0, 400.0])
    places = places + np.random.default_rng(6).normal(0, shake, (objects, scans, 3))
    return places, TruePaths(
        object=np.repeat(np.arange(objects), scans), time_s=np.tile(times, objects),
        position_m=places.reshape(-1, 3), velocity_m_s=np.tile([-1500.0, 900.0, 400.0], (objects * scans, 1)),
        phase=np.zeros(objects * scans), ballistic_coefficient_kg_m2=np.zeros(objects * scans),
    )  # fmt: skip


def watch(*places: tuple[float, float, float], detection: float = 0.9) -> Watch:
    """Radars with one pair of axes, turned about the vertical, which changes nothing."""
    n = len(places)
    turned = np.array([[0.6, 0.8, 0.0], [-0.8, 0.6, 0.0], [0.0, 0.0, 1.0]])
    return Watch(
        position_m=np.array(places), axes=np.tile(turned, (n, 1, 1)), sigmas=np.tile(SIGMAS, (n, 1)),
        detection_probability=np.full(n, detection), revisit_s=np.ones(n), elevation_min_rad=np.full(n, -2.0),
        elevation_max_rad=np.full(n, 2.0), range_max_m=np.full(n, 1e9),
    )  # fmt: skip


def traces(covariances: list[np.ndarray]) -> tuple[list[float], list[float]]:
    return [np.trace(c[:3, :3]) for c in covariances], [np.trace(c[3:, 3:]) for c in covariances]


def test_the_bound_of_a_linear_case_is_the_kalman_covariance() -> None:
    """With certain detection a Kalman filter with Jacobians at the truth attains it; one object at a time, plainly."""
    places, truth = flown(30, shake=10.0, objects=2)
    late = truth.take((truth.object == 0) | (truth.time_s >= 4))
    found = network_bounds(late, np.arange(30.0), watch(ORIGIN, detection=1.0), FLIGHT)
    transition, noise = constant_gravity(1.0, FLIGHT.acceleration_psd_m2_s3)
    for thing, born in enumerate((0, 4)):
        look = radar_information(places[thing], SIGMAS)
        covariance = np.diag(np.r_[np.zeros(3), np.full(3, FLIGHT.speed_sigma_m_s**2)])
        covariance[:3, :3] = np.linalg.inv(look[born])
        expected = [covariance]
        for scan in range(born + 1, 30):
            ahead = transition @ covariance @ transition.T + noise
            gain = ahead[:, :3] @ np.linalg.inv(ahead[:3, :3] + np.linalg.inv(look[scan]))
            covariance = ahead - gain @ ahead[:3, :]
            expected.append(covariance)
        rows = found.object == thing
        np.testing.assert_array_equal(found.time_s[rows], np.arange(born, 30.0))
        np.testing.assert_allclose((found.position_m2[rows], found.velocity_m2_s2[rows]), traces(expected), rtol=1e-5)


def test_the_bound_without_noise_is_that_of_one_big_least_squares() -> None:
    """No process noise: the information of all looks, brought to the last moment, added up."""
    places, truth = flown(20)
    still = ConstantGravity(0.0, 2000.0)
    found = network_bounds(truth, np.arange(20.0), watch(ORIGIN), still)
    total = np.zeros((6, 6))
    for scan in range(20):
        back = np.hstack([np.eye(3), -(19.0 - scan) * np.eye(3)])
        total += (1.0 if scan == 0 else 0.9) * back.T @ radar_information(places[0, scan][None], SIGMAS)[0] @ back
    total[3:, 3:] += np.eye(3) / 2000.0**2
    expected = traces([np.linalg.inv(total)])
    np.testing.assert_allclose(([found.position_m2[-1]], [found.velocity_m2_s2[-1]]), expected, rtol=1e-6)


def test_a_bound_begins_with_all_who_look_then_the_first_in_view_for_sure_and_others_as_often_as_they_see() -> None:
    """Three radars at one moment, the first of which is blind: nobody may know more than the bound says."""
    places, truth = flown(1)
    away, still = (9e5, 7e5, 0.0), ConstantGravity(0.0, 2000.0)
    watched = watch(ORIGIN, ORIGIN, away, detection=0.8)
    watched = replace(watched, range_max_m=np.array([1e3, 1e9, 1e9]))
    found = network_bounds(truth, np.zeros(1), watched, still)
    own = radar_information(places[0], SIGMAS)[0]
    other = radar_information(places[0] - np.array(away), SIGMAS)[0]
    assert found.position_m2 == pytest.approx([np.trace(np.linalg.inv(own + 0.8 * other))], rel=1e-9)
    assert found.velocity_m2_s2 == pytest.approx([3 * 2000.0**2], rel=1e-9)


def test_what_is_too_low_too_high_or_too_far_is_not_seen() -> None:
    """Edges of the view belong to it: of elevation 30°, at 2,000 km."""
    high, far = math.radians(30.0), 2e6
    _, truth = flown(1)
    there = replace(truth, position_m=np.array([[far * math.cos(high), 0.0, far * math.sin(high)]]))
    views = [(0.5, 0.6, 3e6), (0.1, 0.5, 3e6), (0.53, 0.6, 3e6), (0.1, 0.6, 1.99e6), (0.1, 0.6, 2.01e6)]
    lowest, highest, farthest = np.array(views).T
    found = [
        len(
            network_bounds(
                there, np.zeros(1),
                replace(watch(ORIGIN), elevation_min_rad=low, elevation_max_rad=top, range_max_m=most), FLIGHT,
            ).object
        )
        for low, top, most in zip(lowest[:, None], highest[:, None], farthest[:, None], strict=True)
    ]  # fmt: skip
    assert found == [1, 0, 0, 0, 1]


def test_more_radars_know_more_and_slow_or_blind_ones_less() -> None:
    _, truth = flown(12)
    times = np.arange(12.0)
    alone = network_bounds(truth, times, watch(ORIGIN), FLIGHT)
    both = network_bounds(truth, times, watch(ORIGIN, (9e5, 7e5, 0.0)), FLIGHT)
    assert np.all(both.position_m2[1:] < alone.position_m2[1:])
    slow = replace(watch(ORIGIN), revisit_s=np.array([4.0]))
    assert np.all(network_bounds(truth, times, slow, FLIGHT).position_m2[1:] > alone.position_m2[1:])
    blind = replace(watch(ORIGIN), range_max_m=np.array([1e3]))
    assert len(network_bounds(truth, times, blind, FLIGHT).object) == 0
    burning = replace(truth, phase=np.where(truth.time_s < 5, 1, 2))
    assert network_bounds(burning, times, watch(ORIGIN), FLIGHT).time_s.tolist() == times[5:].tolist()
