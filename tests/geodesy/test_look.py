"""Look angles and line of sight on hand-made cases."""

import math

import numpy as np
import pytest

from detente.geodesy import _kernels
from detente.geodesy.constants import A_M
from detente.geodesy.ellipsoid import ecef_to_geodetic, geodetic_to_ecef
from detente.geodesy.look import line_of_sight_clear, look_angles


def test_a_thing_overhead_is_at_ninety_degrees():
    look = look_angles((0.9, 0.4, 100.0), geodetic_to_ecef((0.9, 0.4, 400_100.0)))
    assert look.elevation_rad[0] == pytest.approx(math.pi / 2, abs=1e-9)
    assert look.range_m[0] == pytest.approx(400_000.0, abs=1e-6)


@pytest.mark.parametrize(
    ("step", "azimuth_deg"), [((1e-4, 0), 0), ((0, 1e-4), 90), ((-1e-4, 0), 180), ((0, -1e-4), 270)]
)
def test_azimuth_runs_clockwise_from_north(step, azimuth_deg):
    look = look_angles((0.0, 1.0, 0.0), geodetic_to_ecef((step[0], 1.0 + step[1], 0.0)))
    assert math.degrees(look.azimuth_rad[0]) == pytest.approx(azimuth_deg, abs=1e-9)


def test_a_hair_west_of_north_is_north_not_a_full_turn():
    look = look_angles((0.0, 0.0, 0.0), [[A_M, -1e-12, 1e6]])
    assert look.azimuth_rad[0] == 0.0


@pytest.mark.parametrize("grazing_m", [0.0, 5_000.0])
def test_the_horizon_on_the_equator_is_where_the_circle_says(grazing_m):
    """Two heights see each other up to acos(a/(a+h₁)) + acos(a/(a+h₂))."""
    radius = A_M + grazing_m
    reach = math.acos(radius / (A_M + 6e3)) + math.acos(radius / (A_M + 3e5))
    site = geodetic_to_ecef((0.0, 0.2, 6e3))
    ends = geodetic_to_ecef([(0.0, 0.2 + reach - 1e-6, 3e5), (0.0, 0.2 + reach + 1e-6, 3e5)])
    assert line_of_sight_clear(site, ends, grazing_m).tolist() == [True, False]


def test_a_site_on_the_ground_sees_up_but_not_through_the_earth():
    site = geodetic_to_ecef((0.7, 0.2, -50.0))
    ends = geodetic_to_ecef([(0.71, 0.2, 1e6), (-0.7, 0.2 + math.pi, 1e6), (0.7, 1.4, 1e5)])
    assert line_of_sight_clear(site, ends, 1_000.0).tolist() == [True, False, False]


def test_height_alone_agrees_with_the_full_conversion():
    draws = np.random.default_rng(1)
    lat, lon, height = np.arcsin(draws.uniform(-1, 1, 500)), draws.uniform(-3, 3, 500), draws.uniform(-1e4, 5e7, 500)
    positions = geodetic_to_ecef(np.column_stack([lat, lon, height]))
    alone = np.array([_kernels.ecef_height(*row) for row in positions])
    assert np.abs(alone - ecef_to_geodetic(positions)[:, 2]).max() < 1e-6


def test_a_look_leads_back_to_the_thing():
    position = geodetic_to_ecef((1.0, -2.0, 2.5e5))[0]
    site = geodetic_to_ecef((1.1, -1.9, 30.0))[0]
    look = _kernels.azimuth_elevation_range(*site, 1.1, -1.9, *position)
    assert np.abs(np.array(_kernels.ecef_from_look(*site, 1.1, -1.9, *look)) - position).max() < 1e-8


def test_numbers_that_are_not_finite_and_degrees_are_refused():
    with pytest.raises(AssertionError, match="row 1 is not finite"):
        ecef_to_geodetic([[A_M, 0.0, 0.0], [math.nan, 0.0, 0.0]])
    with pytest.raises(AssertionError, match="degrees"):
        geodetic_to_ecef((55.0, 37.0, 0.0))
    with pytest.raises(AssertionError, match="centre"):
        ecef_to_geodetic((0.0, 0.0, 0.0))


def test_doors_leave_what_they_are_given_alone_and_return_read_only_arrays():
    given = np.array([[0.5, 0.5, 10.0]])
    kept = given.copy()
    out = geodetic_to_ecef(given)
    assert (given == kept).all()
    assert not out.flags.writeable
