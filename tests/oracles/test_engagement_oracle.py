"""Windows against a slow plain twin: every half second of the path, every site, no short cuts.

The twin follows the vacuum with scipy's DOP853 and looks into the fly-out tables with its own arithmetic. They agree
to the sum of their steps, 0.9 s, wherever a window is longer than the planner's spacing of 5 s.
"""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from tests import made_engagement as making

from detente.engagement._kernels import EDGE_S, POINT_S
from detente.geodesy.constants import A_M, J2, MU_M3_S2, OMEGA_RAD_S
from detente.geodesy.ellipsoid import ecef_to_geodetic

STEP_S = 0.5
MEAN_RADIUS_M = 6_371_008.8


def rates(_, state):
    x, y, z, vx, vy, vz = state
    r = math.sqrt(x * x + y * y + z * z)
    bulge = 1.5 * J2 * (A_M / r) ** 2
    q = 5.0 * (z / r) ** 2
    pull = -MU_M3_S2 / r**3
    ax = pull * x * (1.0 + bulge * (1.0 - q)) + 2.0 * OMEGA_RAD_S * vy + OMEGA_RAD_S**2 * x
    ay = pull * y * (1.0 + bulge * (1.0 - q)) - 2.0 * OMEGA_RAD_S * vx + OMEGA_RAD_S**2 * y
    az = pull * z * (1.0 + bulge * (3.0 - q))
    return [vx, vy, vz, ax, ay, az]


def path(state, duration_s):
    """Seconds from now, positions, heights and speeds, down to 80 km."""
    times = np.arange(0.0, duration_s, STEP_S)
    flown = solve_ivp(rates, (0.0, duration_s), state, "DOP853", times, rtol=1e-10, atol=1e-3).y.T
    height = ecef_to_geodetic(flown[:, :3])[:, 2]
    keep = height > 80e3
    return times[keep], flown[keep, :3], height[keep], np.linalg.norm(flown[keep, 3:], axis=1)


def flight_time(arms, r, k, ground_m, height_m):
    """Read a table of times cell by cell; None out of reach."""
    first, (a, b) = arms.table_first[r, k], arms.table_shape[r, k]
    range_step, height_0, height_step = arms.table_steps[r, k]
    i, j = int(ground_m // range_step), int((height_m - height_0) // height_step)
    if not (0 <= i < a - 1 and 0 <= j < b - 1):
        return None
    cell = [[arms.times_s[first + (i + p) * b + j + q] for q in (0, 1)] for p in (0, 1)]
    if max(max(row) for row in cell) >= 1e9:
        return None
    s, t = ground_m / range_step - i, (height_m - height_0) / height_step - j
    near, far = (row[0] + t * (row[1] - row[0]) for row in cell)
    return near + s * (far - near)


def twin_window(arms, r, k, state, to_impact_s, delay_s):
    """(first, last) feasible moment from now, or None."""
    feasible = []
    lowest, highest, reach, fastest, _ = arms.limits[r, k]
    site = arms.direction_ecef[k]
    for seconds, place, height, speed in zip(*path(state, to_impact_s)):
        cosine = float(place @ site) / math.sqrt(float(place @ place))
        ground = MEAN_RADIUS_M * math.acos(max(-1.0, min(1.0, cosine)))
        if not lowest <= height <= highest or ground > reach or speed > fastest:
            continue
        needed = flight_time(arms, r, k, ground, height)
        if needed is not None and needed <= seconds - delay_s:
            feasible.append(seconds)
    return (feasible[0], feasible[-1]) if feasible else None


def cases(count):
    chance = np.random.default_rng(20_260_101)
    for _ in range(count):
        sites = [
            making.site("near", *chance.uniform([-2, -3], [8, 3]), entry=making.interceptor(altitude_min_km=100.0)),
            making.site("fast", *chance.uniform([-2, -6], [12, 6]), side=1, entry=making.interceptor(
                "bolt", burnout_speed_km_s=4.5, altitude_min_km=110.0, altitude_max_km=900.0, range_max_km=1_500.0,
                target_speed_max_km_s=3.4,
            )),
        ]  # fmt: skip
        one = making.line(
            0, 0, height_km=chance.uniform(150, 400), heading_deg=chance.uniform(0, 90),
            speed_m_s=chance.uniform(1_500, 4_000), climb_m_s=chance.uniform(0, 800),
        )  # fmt: skip
        yield sites, one, chance.uniform(5, 120)


def test_windows_agree_with_a_slow_plain_twin():
    seen_open, seen_shut, apart = 0, 0, []
    for sites, one, delay_s in cases(40):
        seen = making.picture([one])
        to_impact_s = seen.estimates.impact_s[0, 0] - seen.time_s
        arms, planned = making.once(making.scenario(sites, None, (delay_s, delay_s)), seen, making.rules(-1))
        for k in range(2):
            expected = twin_window(arms, 0, k, one["state"], to_impact_s, delay_s)
            opened = bool(planned.open[0, 0, k])
            if expected is None or expected[1] - expected[0] < POINT_S:
                assert not opened or expected is not None
                seen_shut += 1
                continue
            assert opened
            seen_open += 1
            earliest, latest = planned.earliest_s[0, 0, k] - seen.time_s, planned.latest_s[0, 0, k] - seen.time_s
            assert earliest == pytest.approx(expected[0], abs=STEP_S + EDGE_S)
            assert latest == pytest.approx(expected[1], abs=STEP_S + EDGE_S)
            apart.append(abs(earliest - expected[0]))
    assert seen_open >= 20
    assert seen_shut >= 20
    assert np.median(apart) < STEP_S
