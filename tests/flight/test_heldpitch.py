"""Launch here, land there, at a given pitch."""

import math

import numpy as np
import pytest
from tests.made_missiles import CD, MACH

from detente.flight.flags import Flag
from detente.flight.heldpitch import solve_cutoff
from detente.flight.trajectory import fly_out
from detente.flight.vehicle import Missile, Stage, pack
from detente.geodesy.distance import destinations, shortest_paths

STAGES = (Stage(15_000.0, 2_200.0, 240.0, 60.0, 1.25), Stage(6_000.0, 900.0, 255.0, 60.0, 1.25))
PACKED = pack([Missile("two", 750.0, STAGES, MACH, CD, 2_500.0)])


@pytest.mark.parametrize("pitch_deg", [25.0, 45.0, 75.0])
@pytest.mark.parametrize("azimuth", [0.4, 2.5, -1.6])
@pytest.mark.parametrize("start", [(0.6, 0.9), (-1.4, 3.1)])
def test_aims_within_reach_are_hit_at_the_pitch_asked_for(start, azimuth, pitch_deg):
    pitch = math.radians(pitch_deg)
    full = fly_out(PACKED, 0, *start, azimuth, pitch).range_m[0]
    aim = destinations(np.array(start), azimuth, 0.7 * full)[0, :2]
    launch = solve_cutoff(PACKED, 0, *start, *aim, pitch)
    assert launch.flag.tolist() == [Flag.OK]
    assert launch.pitch_final_rad[0] == pitch
    flight = fly_out(PACKED, 0, *start, launch.azimuth_rad, pitch, launch.cutoff_s)
    impact = np.array((flight.impact_latitude_rad[0], flight.impact_longitude_rad[0]))
    miss = shortest_paths(aim, impact).distance_m[0]
    assert miss == pytest.approx(launch.miss_m[0], abs=1e-6)
    assert miss <= 10.0
    assert launch.flight_time_s[0] == pytest.approx(flight.flight_time_s[0])
    assert launch.flights_flown[0] <= 96


def test_an_aim_too_far_or_too_near_is_flagged_with_its_shortfall():
    full = fly_out(PACKED, 0, 0.6, 0.9, 0.7, 0.8, rotation=False).range_m[0]
    far = destinations(np.array((0.6, 0.9)), 0.7, full + 50e3)[0, :2]
    launch = solve_cutoff(PACKED, 0, 0.6, 0.9, *far, 0.8, rotation=False)
    assert launch.flag.tolist() == [Flag.UNREACHABLE]
    assert launch.shortfall_m[0] == pytest.approx(50e3, abs=200.0)
    near = destinations(np.array((0.6, 0.9)), 0.7, 5e3)[0, :2]
    launch = solve_cutoff(PACKED, 0, 0.6, 0.9, *near, 0.8, rotation=False)
    assert launch.flag.tolist() == [Flag.UNREACHABLE]
    assert launch.shortfall_m[0] < 0.0
    assert launch.cutoff_s[0] == launch.azimuth_rad[0] == 0.0
