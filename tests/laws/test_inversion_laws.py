"""What holds of every impulsive arc and every inversion, whatever the numbers."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from detente.flight.burnout import burnouts, fall
from detente.flight.inversion import Observation, invert, unknowns
from detente.flight.twobody import arc_of, farthest_impulse, minimum_energy
from detente.geodesy.distance import shortest_paths

RANGES_M = st.floats(20e3, 1.8e7)


@given(RANGES_M)
def test_the_farthest_impulse_undoes_minimum_energy(range_m):
    least = minimum_energy(range_m)
    farthest = farthest_impulse(least.speed_m_s)
    assert farthest.range_m[0] == pytest.approx(range_m, rel=1e-9)
    assert farthest.elevation_rad[0] == pytest.approx(least.elevation_rad[0], abs=1e-9)


@given(RANGES_M)
def test_the_arc_of_least_energy_is_the_minimum_energy_one(range_m):
    least = minimum_energy(range_m)
    arc = arc_of(range_m, least.apogee_m)
    assert arc.speed_m_s[0] == pytest.approx(least.speed_m_s[0], rel=1e-9)
    assert arc.time_s[0] == pytest.approx(least.time_s[0], rel=1e-8)
    assert arc.elevation_rad[0] == pytest.approx(least.elevation_rad[0], abs=1e-6)


@given(RANGES_M, st.floats(0.02, 20.0))
def test_no_arc_is_slower_than_the_minimum_energy_one(range_m, stretch):
    least = minimum_energy(range_m)
    arc = arc_of(range_m, least.apogee_m * stretch)
    assert arc.speed_m_s[0] >= least.speed_m_s[0] * (1.0 - 1e-9)
    assert farthest_impulse(arc.speed_m_s).range_m[0] >= range_m * (1.0 - 1e-9)
    assert (arc.elevation_rad[0] > least.elevation_rad[0]) == (stretch > 1.0) or stretch == pytest.approx(1.0, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    speed=st.floats(1_200.0, 6_500.0),
    elevation_deg=st.floats(30.0, 89.5),
    boost_s=st.floats(40.0, 250.0),
    latitude_deg=st.floats(-75.0, 75.0),
    azimuth=st.floats(-math.pi, math.pi),
    rotation=st.booleans(),
)
def test_inverting_a_flight_of_known_boost_returns_its_burnout(
    speed, elevation_deg, boost_s, latitude_deg, azimuth, rotation
):
    """Of each draw's own boost: what is flown from a burn-out is what its observation inverts to."""
    acceleration = speed / boost_s
    assume(10.0 < acceleration < 60.0)
    pad, elevation = (math.radians(latitude_deg), 0.5), math.radians(elevation_deg)
    draw = unknowns(0.0, draws=0)
    chord = elevation + draw.chord_lift * (0.5 * np.pi - elevation)
    length = draw.chord_share * speed * boost_s
    states = burnouts(
        *pad, azimuth, speed, elevation,
        altitude_m=length * np.sin(chord), downrange_m=length * np.cos(chord), time_s=boost_s,
    )  # fmt: skip
    flight = fall(states, draw.ballistic_coefficient_kg_m2, rotation=rotation)
    assume(flight.flag[0] == 0 and flight.apogee_m[0] < 9.9e6 and flight.range_m[0] < 1.8e7)
    impact = np.array((flight.impact_latitude_rad[0], flight.impact_longitude_rad[0]))
    bearing = shortest_paths(np.array(pad), impact).azimuth_start_rad
    seen = Observation(range_m=flight.range_m[0], apogee_m=flight.apogee_m[0], boost_s=boost_s)
    found = invert(seen, *pad, dataclasses.replace(draw, bearing_rad=bearing), rotation=rotation)
    assert found.solved.all()
    # Solved to 10 m of range and apogee: some 1e-4 of the speed.
    assert found.flights.burnout_speed_m_s[0] == pytest.approx(speed, rel=1e-3)
    assert found.elevation_rad[0] == pytest.approx(elevation, abs=1e-3)
    assert found.flights.flight_time_s[0] == pytest.approx(flight.flight_time_s[0], abs=0.5)
    assert found.standard_range_m[0] >= flight.range_m[0]
