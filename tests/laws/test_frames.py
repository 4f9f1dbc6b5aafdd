"""Laws of frames: what goes there comes back, turning changes no length, and the Earth is in the way both ways."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.geodesy.constants import A_M, OMEGA_RAD_S
from detente.geodesy.distance import destinations, great_circle_m, shortest_paths
from detente.geodesy.ellipsoid import ecef_to_geodetic, geodetic_to_ecef
from detente.geodesy.frames import ecef_to_inertial, enu_axes, inertial_to_ecef
from detente.geodesy.look import line_of_sight_clear, look_angles

settings.register_profile("geodesy", deadline=None, max_examples=100, derandomize=True)
laws = settings(settings.get_profile("geodesy"))

latitudes = st.floats(-math.pi / 2, math.pi / 2)
longitudes = st.floats(-math.pi, math.pi)
heights_m = st.floats(-1e4, 5e7)
times_s = st.floats(-1e5, 1e5)
places = st.tuples(latitudes, longitudes, heights_m)
above_ground = st.tuples(latitudes, longitudes, st.floats(1.0, 2e7))
velocities = st.tuples(*[st.floats(-8e3, 8e3)] * 3)


@laws
@given(places)
def test_a_place_comes_back_from_ecef(place):
    position = geodetic_to_ecef(place)
    there = geodetic_to_ecef(ecef_to_geodetic(position))
    assert np.abs(there - position).max() < 1e-6
    assert ecef_to_geodetic(position)[0, 2] == pytest.approx(place[2], abs=1e-6)


@laws
@given(places, velocities, times_s)
def test_a_state_comes_back_from_the_inertial_frame_and_turning_changes_no_length(place, velocity, time_s):
    state = np.concatenate([geodetic_to_ecef(place)[0], velocity])
    inertial = ecef_to_inertial(state, time_s)[0]
    back = inertial_to_ecef(inertial, time_s)[0]
    assert np.abs(back - state).max() < 1e-6
    assert np.linalg.norm(inertial[:3]) == pytest.approx(np.linalg.norm(state[:3]), rel=1e-14)
    carried = state[3:] + np.cross([0.0, 0.0, OMEGA_RAD_S], state[:3])
    assert np.linalg.norm(inertial[3:]) == pytest.approx(np.linalg.norm(carried), rel=1e-12, abs=1e-9)


@laws
@given(places, velocities)
def test_the_frames_agree_at_time_zero_but_for_the_spin(place, velocity):
    state = np.concatenate([geodetic_to_ecef(place)[0], velocity])
    inertial = ecef_to_inertial(state, 0.0)[0]
    assert (inertial[:3] == state[:3]).all()
    assert inertial[3] == state[3] - OMEGA_RAD_S * state[1]
    assert inertial[4] == state[4] + OMEGA_RAD_S * state[0]
    assert inertial[5] == state[5]


@laws
@given(latitudes, longitudes)
def test_local_axes_are_at_right_angles_and_right_handed(lat, lon):
    axes = enu_axes(lat, lon)
    assert np.abs(axes @ axes.T - np.eye(3)).max() < 1e-15
    assert np.linalg.det(axes) == pytest.approx(1.0, abs=1e-14)


@laws
@given(places, places)
def test_look_angles_lead_to_the_thing_looked_at(site, thing):
    target = geodetic_to_ecef(thing)
    look = look_angles(site, target)
    assert 0.0 <= look.azimuth_rad[0] < 2 * math.pi
    assert abs(look.elevation_rad[0]) <= math.pi / 2
    azimuth, elevation, slant = look.azimuth_rad[0], look.elevation_rad[0], look.range_m[0]
    local = slant * np.array([
        math.cos(elevation) * math.sin(azimuth), math.cos(elevation) * math.cos(azimuth), math.sin(elevation)
    ])  # fmt: skip
    reached = geodetic_to_ecef(site)[0] + enu_axes(site[0], site[1]).T @ local
    assert np.abs(reached - target[0]).max() < 1e-6


@laws
@given(above_ground, above_ground, st.floats(0.0, 1e5))
def test_the_earth_is_in_the_way_both_ways_and_more_so_when_raised(one, other, grazing_m):
    p, q = geodetic_to_ecef(one), geodetic_to_ecef(other)
    clear = line_of_sight_clear(p, q, 0.0)[0]
    assert clear == line_of_sight_clear(q, p, 0.0)[0]
    if min(one[2], other[2]) > grazing_m and line_of_sight_clear(p, q, grazing_m)[0]:
        assert clear


@laws
@given(st.tuples(latitudes, longitudes), st.tuples(latitudes, longitudes))
def test_a_path_is_as_long_back_as_there_and_no_shorter_than_the_chord(one, other):
    there, back = shortest_paths(one, other), shortest_paths(other, one)
    assert there.ok[0]
    assert there.distance_m[0] == pytest.approx(back.distance_m[0], abs=2e-4)
    chord = np.linalg.norm(geodetic_to_ecef((*one, 0.0)) - geodetic_to_ecef((*other, 0.0)))
    assert chord - 2e-4 <= there.distance_m[0] <= math.pi * A_M
    assert great_circle_m(one, other)[0] == pytest.approx(great_circle_m(other, one)[0], abs=1e-6)


@laws
@given(st.tuples(latitudes, longitudes), longitudes, st.floats(0.0, 1.9e7))
def test_a_path_followed_to_its_end_is_no_longer_than_the_shortest(start, azimuth, distance_m):
    end = destinations(start, azimuth, distance_m)[0, :2]
    assert shortest_paths(start, end).distance_m[0] == pytest.approx(distance_m, abs=2e-4)
