"""Burn-out states: made, reached, flown on from."""

import math

import numpy as np
import pytest
from tests.made_missiles import CD, MACH

from detente.flight.burnout import boosted, burnouts, fall, fall_ephemeris, orbits
from detente.flight.flags import Flag
from detente.flight.trajectory import ephemeris, fly_out
from detente.flight.vehicle import Missile, Stage, pack
from detente.geodesy.distance import shortest_paths
from detente.geodesy.ellipsoid import ecef_to_geodetic
from detente.records.errors import InputError

STAGES = (Stage(15_000.0, 2_200.0, 240.0, 60.0, 1.25), Stage(6_000.0, 900.0, 255.0, 60.0, 1.25))
PACKED = pack([Missile("two", 750.0, STAGES, MACH, CD, 2_500.0)])
LIGHT = pack([Missile("light", 20.0, (*STAGES, Stage(600.0, 60.0, 280.0, 60.0, 0.8)), MACH, CD, 2_500.0)])


def test_a_state_is_where_and_how_fast_it_was_asked_to_be():
    states = burnouts(0.6, 0.9, 0.7, 3_000.0, 0.5, altitude_m=80e3, downrange_m=120e3, time_s=90.0)
    place = ecef_to_geodetic(states.position_ecef_m)[0]
    way = shortest_paths(np.array((0.6, 0.9)), place[:2])
    assert place[2] == pytest.approx(80e3, abs=1e-3)
    assert way.distance_m[0] == pytest.approx(120e3, abs=1e-3)
    assert way.azimuth_start_rad[0] == pytest.approx(0.7, abs=1e-8)
    assert np.linalg.norm(states.velocity_ecef_m_s[0]) == pytest.approx(3_000.0)
    latitude, longitude = place[:2]
    up = np.array(
        (math.cos(latitude) * math.cos(longitude), math.cos(latitude) * math.sin(longitude), math.sin(latitude))
    )
    assert up @ states.velocity_ecef_m_s[0] / 3_000.0 == pytest.approx(math.sin(0.5))
    assert not states.position_ecef_m.flags.writeable


@pytest.mark.parametrize("drag", [True, False])
@pytest.mark.parametrize("rotation", [True, False])
def test_boost_then_fall_is_the_whole_flight(rotation, drag):
    pitches, beta = np.radians((30.0, 45.0, 80.0)), 2_500.0
    how = {"rotation": rotation, "drag": drag, "tolerance_m": 1e-3}  # one by one, as the parts are always flown
    whole = fly_out(PACKED, 0, 0.6, 0.9, 0.7, pitches, **how)
    states = boosted(PACKED, 0, 0.6, 0.9, 0.7, pitches, **how)
    rest = fall(states, beta, **how)
    assert rest.flag.tolist() == [Flag.OK] * 3
    assert rest.burnout_time_s == pytest.approx(whole.burnout_time_s)
    assert rest.burnout_speed_m_s == pytest.approx(whole.burnout_speed_m_s, rel=1e-9)
    assert rest.burnout_altitude_m == pytest.approx(whole.burnout_altitude_m, abs=2.0)
    assert rest.range_m == pytest.approx(whole.range_m, abs=2.0)
    assert rest.flight_time_s == pytest.approx(whole.flight_time_s, abs=0.01)
    assert rest.apogee_m == pytest.approx(whole.apogee_m, abs=20.0)
    path = ephemeris(PACKED, 0, 0.6, 0.9, 0.7, pitches[1], rotation=rotation, drag=drag)
    cut = np.flatnonzero(path.time_s == states.time_s[1])
    assert path.position_ecef_m[cut[0]] == pytest.approx(states.position_ecef_m[1], abs=0.5)


def test_what_never_comes_down_is_flagged_and_described():
    states = burnouts(0.0, 0.0, 0.5 * math.pi, (7_900.0, 12_000.0, 3_000.0), (0.0, 0.5, 0.5), altitude_m=300e3)
    flights = fall(states, 2_000.0, rotation=False)
    found = orbits(states, rotation=False)
    assert flights.flag.tolist() == [Flag.NEVER_LANDS, Flag.ESCAPES, Flag.OK]
    assert flights.range_m[:2].tolist() == flights.flight_time_s[:2].tolist() == [0.0, 0.0]
    assert flights.burnout_speed_m_s == pytest.approx((7_900.0, 12_000.0, 3_000.0))
    assert found.escapes.tolist() == [False, True, False]
    assert found.perigee_m[0] == pytest.approx(300e3, rel=1e-6)  # faster than circular there, and level
    speed2, radius = 7_900.0**2, 6_378_137.0 + 300e3
    axis = 1.0 / (2.0 / radius - speed2 / 3.986004418e14)
    assert found.apogee_m[0] == pytest.approx(2.0 * axis - radius - 6_378_137.0, rel=1e-6)
    assert found.perigee_m[2] < 0.0
    assert fall_ephemeris(burnouts(0.0, 0.0, 1.57, 7_900.0, 0.0, altitude_m=300e3)).flag.tolist() == [Flag.NEVER_LANDS]


def test_a_boost_into_orbit_has_a_state_though_it_has_no_flight():
    pitch = math.radians(5.0)
    assert fly_out(LIGHT, 0, 0.0, 0.0, 0.5 * math.pi, pitch).flag[0] in (Flag.NEVER_LANDS, Flag.ESCAPES)
    states = boosted(LIGHT, 0, 0.0, 0.0, 0.5 * math.pi, pitch)
    assert states.flag.tolist() == [Flag.OK]
    assert np.linalg.norm(states.velocity_ecef_m_s[0]) > 7_000.0


def test_straight_up_and_along_the_ground_come_down():
    flights = fall(burnouts(0.6, 0.9, 0.0, 2_000.0, np.radians((90.0, 0.0, 0.1, -5.0))), 3_000.0, drag=False)
    assert flights.flag.tolist() == [Flag.OK] * 4
    assert flights.apogee_m[0] == pytest.approx(2_000.0**2 / (2.0 * 9.8) * 1.033, rel=0.01)
    assert np.all(flights.range_m[1:] < 20e3)


def test_bad_rows_are_flagged_and_never_nan():
    states = burnouts(0.6, 0.9, 0.7, (3_000.0, 3_000.0, 50_000.0), 0.5, altitude_m=80e3)
    flights = fall(states, (math.nan, -1.0, 2_000.0))
    assert flights.flag.tolist() == [Flag.BAD_INPUT] * 3
    assert not np.isnan(flights.range_m).any()
    assert boosted(PACKED, 0, math.nan, 0.9, 0.7, 0.7).flag.tolist() == [Flag.BAD_INPUT]
    with pytest.raises(InputError, match="3 burn-out states"):
        fall_ephemeris(states)
