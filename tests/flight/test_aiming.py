"""Launch here, land there."""

import math

import numpy as np
import pytest
from tests.made_missiles import CD, MACH, SCUD

from detente.flight.aiming import Mode, launch_plans, max_range, solve_launch
from detente.flight.flags import Flag
from detente.flight.trajectory import fly_out
from detente.flight.vehicle import Missile, Stage, pack
from detente.geodesy._kernels_geodesic import geodesic_direct, geodesic_inverse
from detente.records.errors import InputError

MEDIUM = Missile(
    "medium",
    750.0,
    (Stage(15_000.0, 2_200.0, 240.0, 60.0, 1.25), Stage(6_000.0, 900.0, 255.0, 60.0, 1.25)),
    MACH,
    CD,
    2_500.0,
)
SOLID = Missile("solid", 750.0, MEDIUM.stages, MACH, CD, 2_500.0, can_cut_off=False)
PACKED = pack((SCUD, MEDIUM, SOLID))
PLANS = launch_plans(PACKED)


def aims(kind, count, low, high, seed):
    rng = np.random.default_rng(seed)
    latitude, longitude = rng.uniform(-1.3, 1.3, count), rng.uniform(-math.pi, math.pi, count)
    azimuth, share = rng.uniform(-math.pi, math.pi, count), rng.uniform(low, high, count)
    distance = share * PLANS.longest_range_m[kind]
    ends = np.array([geodesic_direct(*row)[:2] for row in zip(latitude, longitude, azimuth, distance, strict=True)])
    return latitude, longitude, ends[:, 0], ends[:, 1]


@pytest.mark.parametrize(
    ("kind", "mode", "low"),
    [(0, Mode.CUT_OFF, 0.1), (1, Mode.CUT_OFF, 0.2), (1, Mode.LOFTED, 0.2), (1, Mode.DEPRESSED, 0.5)],
)
def test_aims_within_reach_are_hit(kind, mode, low):
    latitude, longitude, *aim = aims(kind, 60, low, 0.93, seed=7)
    launch = solve_launch(PACKED, kind, latitude, longitude, *aim, mode=mode, plans=PLANS)
    assert launch.flag.tolist() == [Flag.OK] * 60
    flight = fly_out(PACKED, kind, latitude, longitude, launch.azimuth_rad, launch.pitch_final_rad, launch.cutoff_s)
    misses = [
        geodesic_inverse(*row)[0]
        for row in zip(flight.impact_latitude_rad, flight.impact_longitude_rad, *aim, strict=True)
    ]
    assert max(misses) <= 10.0
    assert misses == pytest.approx(launch.miss_m, abs=1e-6)
    assert np.median(launch.flights_flown) <= 8.0
    assert np.all(launch.shortfall_m == 0.0)


def test_modes_mean_what_they_say():
    latitude, longitude, *aim = aims(1, 5, 0.7, 0.8, seed=3)
    found = {m: solve_launch(PACKED, 1, latitude, longitude, *aim, mode=m, plans=PLANS) for m in Mode}
    assert np.all(found[Mode.LOFTED].pitch_final_rad > found[Mode.CUT_OFF].pitch_final_rad)
    assert np.all(found[Mode.DEPRESSED].pitch_final_rad < found[Mode.CUT_OFF].pitch_final_rad)
    assert np.all(found[Mode.CUT_OFF].cutoff_s < MEDIUM.burn_s)
    assert np.all(found[Mode.LOFTED].cutoff_s == MEDIUM.burn_s)
    assert np.all(found[Mode.DEPRESSED].flight_time_s < found[Mode.LOFTED].flight_time_s)


def test_a_motor_that_cannot_be_stopped_is_lofted():
    latitude, longitude, *aim = aims(2, 5, 0.6, 0.8, seed=4)
    launch = solve_launch(PACKED, 2, latitude, longitude, *aim, plans=PLANS)
    assert launch.flag.tolist() == [Flag.OK] * 5
    assert np.all(launch.cutoff_s == SOLID.burn_s)


def test_an_aim_nearer_than_any_cut_off_of_the_last_stage_is_lofted():
    near = geodesic_direct(0.6, 0.8, 1.0, 0.5 * PLANS.table[1, 2, 0])[:2]
    launch = solve_launch(PACKED, 1, 0.6, 0.8, *near, plans=PLANS)
    assert launch.flag.tolist() == [Flag.OK]
    assert launch.cutoff_s[0] == MEDIUM.burn_s
    assert launch.pitch_final_rad[0] > math.radians(75.0)


def test_an_aim_too_far_is_flagged_with_its_shortfall():
    reach = max_range(PACKED, 0, 0.6, 0.8, 1.0)
    beyond = geodesic_direct(0.6, 0.8, 1.0, reach.range_m[0] + 40e3)[:2]
    launch = solve_launch(PACKED, 0, 0.6, 0.8, *beyond, plans=PLANS)
    assert launch.flag.tolist() == [Flag.UNREACHABLE]
    assert launch.shortfall_m[0] == pytest.approx(40e3, abs=500.0)
    assert launch.azimuth_rad.tolist() == launch.miss_m.tolist() == [0.0]


def test_an_aim_just_within_the_longest_range_is_hit():
    reach = max_range(PACKED, 0, 0.6, 0.8, 1.0)
    within = geodesic_direct(0.6, 0.8, 1.0, reach.range_m[0] - 300.0)[:2]
    for mode in Mode:
        assert solve_launch(PACKED, 0, 0.6, 0.8, *within, mode=mode, plans=PLANS).flag.tolist() == [Flag.OK]


def test_an_aim_too_close_is_flagged_with_a_negative_shortfall():
    near = geodesic_direct(0.6, 0.8, 1.0, 30e3)[:2]
    launch = solve_launch(PACKED, 1, 0.6, 0.8, *near, mode=Mode.DEPRESSED, plans=PLANS)
    assert launch.flag[0] in (Flag.UNREACHABLE, Flag.NO_CONVERGENCE)
    assert launch.shortfall_m[0] <= 0.0


def test_the_longest_range_is_the_longest():
    reach = max_range(PACKED, 1, 0.6, 0.8, 1.0)
    tried = fly_out(PACKED, 1, 0.6, 0.8, 1.0, np.radians(np.arange(10.0, 80.0, 0.5)))
    assert reach.range_m[0] == pytest.approx(tried.range_m.max(), rel=2e-4)
    assert reach.range_m[0] >= tried.range_m.max() - 20.0


def test_bad_aims():
    assert solve_launch(PACKED, 0, math.nan, 0.8, 0.6, 0.8, plans=PLANS).flag.tolist() == [Flag.BAD_INPUT]
    assert solve_launch(PACKED, 0, 0.6, 0.8, 2.0, 0.8, plans=PLANS).flag.tolist() == [Flag.BAD_INPUT]
    with pytest.raises(InputError, match="Mode"):
        solve_launch(PACKED, 0, 0.6, 0.8, 0.61, 0.8, mode=5, plans=PLANS)
    with pytest.raises(InputError, match="other missiles"):
        solve_launch(pack([SCUD]), 0, 0.6, 0.8, 0.61, 0.8, plans=PLANS)
