"""Errors in units of the covariance stated with them, against points laid out by hand."""

import math

import numpy as np
import pytest

from detente.geodesy.distance import destinations
from detente.records.stages import Warnings
from detente.studies.consistency import impact_nees


def _warnings(count, covariance_m2):
    columns = {name: np.zeros((count, *spec.shape), spec.dtype) for name, spec in Warnings.columns()}
    columns["impact_lat_rad"] = np.full(count, math.radians(50.0))
    columns["impact_lon_rad"] = np.full(count, math.radians(20.0))
    columns["impact_covariance_m2"] = np.tile(np.asarray(covariance_m2, float), (count, 1))
    return Warnings(**columns)


def _points(azimuths_deg, distances_m):
    start = np.radians([[50.0, 20.0]])
    return destinations(start, np.radians(azimuths_deg), np.asarray(distances_m, float))[:, :2]


def test_east_and_north_errors_are_measured_by_their_own_variance():
    east_m, north_m = 30e3, 10e3
    nees = impact_nees(_warnings(3, [east_m**2, 0.0, north_m**2]), _points([90.0, 0.0, 180.0], [60e3, 20e3, 10e3]))
    assert nees == pytest.approx([4.0, 4.0, 1.0], rel=1e-6)


def test_a_tilted_ellipse_is_longest_to_the_north_east():
    nees = impact_nees(_warnings(2, [2.5e8, 1.5e8, 2.5e8]), _points([45.0, 135.0], [40e3, 20e3]))
    assert nees == pytest.approx([16e8 / 4e8, 4e8 / 1e8], rel=1e-6)


def test_a_consistent_warning_holds_95_percent():
    generator = np.random.default_rng(11)
    covariance = np.array([[9e8, -4e8], [-4e8, 5e8]])
    errors = generator.multivariate_normal([0.0, 0.0], covariance, 20_000)
    points = _points(np.degrees(np.arctan2(errors[:, 0], errors[:, 1])), np.hypot(*errors.T))
    nees = impact_nees(_warnings(len(errors), [9e8, -4e8, 5e8]), points)
    assert nees.mean() == pytest.approx(2.0, abs=0.05)
    assert (nees <= 5.991).mean() == pytest.approx(0.95, abs=0.005)


def test_nothing_lies_inside_an_ellipse_that_is_none():
    assert np.isposinf(impact_nees(_warnings(1, [0.0, 0.0, 0.0]), _points([0.0], [0.0]))).all()
    assert len(impact_nees(Warnings.empty(), np.empty((0, 2)))) == 0
