"""Fly-out tables: shape, limits, and what they say against a direct integration."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from detente.flight._kernels_reach import OUT_OF_REACH_S, reach_time
from detente.flight.interceptor import reach_table
from detente.geodesy.constants import MEAN_RADIUS_M, MU_M3_S2
from detente.records.errors import InputError

SPEED, BURN = 3_000.0, 60.0
TABLE = reach_table(SPEED, BURN, max_range_m=1.2e6, min_altitude_m=80e3, max_altitude_m=500e3)


def read(table, range_m, altitude_m):
    return reach_time(
        range_m, altitude_m, table.range_step_m, table.altitude_0_m, table.altitude_step_m, table.time_s
    )  # fmt: skip


def flown(elevation, seconds):
    """Ground range and altitude of a launch at this elevation, integrated in the plane."""
    push = SPEED / BURN
    along = 0.5 * push * BURN**2
    at = np.array((along * math.cos(elevation), MEAN_RADIUS_M + along * math.sin(elevation)))
    velocity = SPEED * np.array((math.cos(elevation), math.sin(elevation)))

    def rates(_, state):
        r = np.hypot(*state[:2])
        return np.hstack((state[2:], -MU_M3_S2 / r**3 * state[:2]))

    end = solve_ivp(rates, (BURN, seconds), np.hstack((at, velocity)), rtol=1e-10, atol=1e-6).y[:2, -1]
    return MEAN_RADIUS_M * math.atan2(end[0], end[1]), np.hypot(*end) - MEAN_RADIUS_M


@pytest.mark.parametrize(("elevation_deg", "seconds"), [(50.0, 120.0), (60.0, 200.0), (75.0, 150.0), (85.0, 200.0)])
def test_the_table_agrees_with_a_direct_integration(elevation_deg, seconds):
    range_m, altitude_m = flown(math.radians(elevation_deg), seconds)
    assert 80e3 < altitude_m < 500e3
    assert read(TABLE, range_m, altitude_m) == pytest.approx(seconds, rel=0.01)


def test_time_grows_with_range_up_to_the_edge_of_reach():
    for column in TABLE.time_s.T:
        reached = column[column < OUT_OF_REACH_S]
        assert len(reached) > 5
        assert np.all(np.diff(reached) > 0.0)
        assert np.all(column[len(reached) :] == OUT_OF_REACH_S)


def test_outside_the_table_is_out_of_reach():
    for place in (
        (-1.0, 1e5),
        (1.3e6, 1e5),
        (1e5, 79e3),
        (1e5, 501e3),
        (math.nan, 1e5),
        (1e5, math.nan),
        (1.19e6, 4e5),
    ):
        assert read(TABLE, *place) == OUT_OF_REACH_S


def test_corners_of_the_table_are_read_exactly():
    assert read(TABLE, 0.0, 80e3) == TABLE.time_s[0, 0]
    assert read(TABLE, TABLE.range_m[3], TABLE.altitude_m[7]) == pytest.approx(TABLE.time_s[3, 7], rel=1e-9)


def test_a_faster_interceptor_is_sooner_everywhere():
    faster = reach_table(4_500.0, BURN, max_range_m=1.2e6, min_altitude_m=80e3, max_altitude_m=500e3)
    reached = TABLE.time_s < OUT_OF_REACH_S
    assert np.all(faster.time_s[reached] < TABLE.time_s[reached])
    assert (faster.time_s < OUT_OF_REACH_S).sum() > reached.sum()


def test_a_delay_is_added():
    late = reach_table(
        SPEED, BURN, max_range_m=1.2e6, min_altitude_m=80e3, max_altitude_m=500e3, launch_delay_s=12.0
    )  # fmt: skip
    reached = TABLE.time_s < OUT_OF_REACH_S
    assert np.allclose(late.time_s[reached], TABLE.time_s[reached] + 12.0)


def test_a_low_short_range_interceptor_has_no_holes():
    table = reach_table(1_700.0, 12.0, max_range_m=20e3, min_altitude_m=2e3, max_altitude_m=20e3)
    assert np.all(table.time_s < 60.0)
    assert table.time_s[0, 0] == pytest.approx(math.sqrt(2.0 * 2e3 * 12.0 / 1_700.0), rel=0.02)


def test_straight_up_is_the_vertical_throw():
    height = 0.5 * SPEED * BURN
    radius, speed = MEAN_RADIUS_M + height, SPEED
    top = 1.0 / (1.0 / radius - speed**2 / (2.0 * MU_M3_S2)) - MEAN_RADIUS_M
    reached = TABLE.altitude_m[TABLE.time_s[0] < OUT_OF_REACH_S]
    assert reached.max() == min(500e3, TABLE.altitude_m[TABLE.altitude_m < top].max())


def test_what_escapes_is_met_on_its_way_out_only():
    table = reach_table(10_500.0, 1_000.0, max_range_m=1e7, min_altitude_m=100e3, max_altitude_m=3_000e3)
    assert np.all(np.isfinite(table.time_s))
    # Straight up all the while the motor burns: 3,000 km is passed before burn-out at 5,250 km.
    assert table.time_s[0, -1] == pytest.approx(math.sqrt(2.0 * 3_000e3 * 1_000.0 / 10_500.0), rel=1e-3)


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"burnout_speed_m_s": math.nan}, "burnout_speed_m_s"),
        ({"burnout_speed_m_s": 12_000.0}, "burnout_speed_m_s"),
        ({"burn_time_s": 0.0}, "burn_time_s"),
        ({"max_range_m": -1.0}, "max_range_m"),
        ({"min_altitude_m": 600e3}, "min_altitude_m"),
        ({"launch_delay_s": math.inf}, "launch_delay_s"),
    ],
)
def test_interceptors_that_cannot_be_are_refused(changed, path):
    given = {"burnout_speed_m_s": SPEED, "burn_time_s": BURN, "max_range_m": 1e6, "min_altitude_m": 0.0}
    with pytest.raises(InputError) as raised:
        reach_table(**{**given, "max_altitude_m": 500e3, **changed})
    assert raised.value.path == path
