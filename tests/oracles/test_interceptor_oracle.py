"""Fly-out tables against slow plain twins: Kepler's ellipse over a round Earth, scipy over the flattened one."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from detente.flight import interceptor
from detente.flight._kernels_flyout import FALLING, RISING, passages
from detente.flight._kernels_reach import OUT_OF_REACH_S
from detente.geodesy._kernels import ecef_height
from detente.geodesy.constants import A_M, J2, MEAN_RADIUS_M, MU_M3_S2

ELEVATION = np.linspace(np.radians(2.0), np.radians(89.999), 361)


def ellipse(elevation, speed, burn_s):
    """Ground angle and radius at burn-out, and the ellipse from there: a, e and eccentric anomaly."""
    along = 0.5 * speed * burn_s
    up, out = MEAN_RADIUS_M + along * np.sin(elevation), along * np.cos(elevation)
    radius, angle = np.hypot(up, out), np.arctan2(out, up)
    axis = 1.0 / (2.0 / radius - speed**2 / MU_M3_S2)
    e_cos, e_sin = 1.0 - radius / axis, radius * speed * np.sin(elevation + angle) / np.sqrt(MU_M3_S2 * axis)
    return angle, axis, np.hypot(e_cos, e_sin), np.arctan2(e_sin, e_cos)


def passing(elevation, altitude, speed, burn_s):
    """[(time, ground angle) going up, coming down] of each launch through an altitude; NaN where it is not passed."""
    start, axis, e, at_burnout = ellipse(elevation, speed, burn_s)
    radius = MEAN_RADIUS_M + altitude
    sine = MEAN_RADIUS_M * np.sin(elevation)
    distance = np.sqrt(sine**2 + radius**2 - MEAN_RADIUS_M**2) - sine
    burning = np.sqrt(2.0 * distance * burn_s / speed)
    along_line = np.arctan2(distance * np.cos(elevation), MEAN_RADIUS_M + distance * np.sin(elevation))
    with np.errstate(invalid="ignore"):
        rising = np.arccos((1.0 - radius / axis) / e)
    found = []
    for anomaly in (rising, 2.0 * np.pi - rising):
        mean = (anomaly - e * np.sin(anomaly)) - (at_burnout - e * np.sin(at_burnout))
        true = [2.0 * np.arctan2(np.sqrt(1 + e) * np.sin(x / 2), np.sqrt(1 - e) * np.cos(x / 2)) for x in
                (anomaly, at_burnout)]  # fmt: skip
        time = np.where(mean >= 0.0, mean, np.nan) * np.sqrt(axis**3 / MU_M3_S2) + burn_s
        found.append((time, start + np.mod(true[0] - true[1], 2.0 * np.pi)))
    up = np.where(burning <= burn_s, burning, found[0][0]), np.where(burning <= burn_s, along_line, found[0][1])
    return up, found[1]


def closed_form(speed, burn_s, ranges, altitudes):
    """The earliest time to each range and altitude, one at a time."""
    table = np.full((len(ranges), len(altitudes)), np.inf)
    wanted = np.maximum(ranges / MEAN_RADIUS_M, interceptor.NEAREST_RAD)
    for j, altitude in enumerate(altitudes):
        up, down = passing(ELEVATION, altitude, speed, burn_s)
        times = np.concatenate((up[0][::-1], down[0]))
        angles = np.concatenate((up[1][::-1], down[1]))[np.isfinite(times)]
        times = times[np.isfinite(times)]
        for i, angle in enumerate(wanted):
            for k in np.flatnonzero((angles[:-1] - angle) * (angles[1:] - angle) <= 0.0):
                share = (angle - angles[k]) / (angles[k + 1] - angles[k]) if angles[k] != angles[k + 1] else 0.0
                table[i, j] = min(table[i, j], times[k] + share * (times[k + 1] - times[k]))
    return table


@pytest.mark.parametrize(
    ("speed", "burn_s", "max_range_m", "low_m", "high_m", "half", "most"),
    [  # the departure in half of all cells, and in any, as a share of the time
        (1_300.0, 10.0, 60e3, 1e3, 25e3, 1e-5, 1e-4),
        (1_700.0, 12.0, 20e3, 2e3, 20e3, 1e-5, 1e-4),
        (3_000.0, 60.0, 1.2e6, 80e3, 500e3, 1e-4, 0.01),
        (4_500.0, 60.0, 2.5e6, 70e3, 1_000e3, 3e-4, 0.015),
        (6_500.0, 150.0, 4.0e6, 100e3, 1_500e3, 3e-4, 0.01),
        (10_000.0, 200.0, 1.0e7, 100e3, 3_000e3, 1e-3, 0.01),
    ],
)
def test_a_table_is_that_of_keplers_ellipse_but_for_the_earths_shape(
    speed, burn_s, max_range_m, low_m, high_m, half, most
):
    table = interceptor.reach_table(
        speed, burn_s, max_range_m=max_range_m, min_altitude_m=low_m, max_altitude_m=high_m,
        range_cells=60, altitude_cells=30,
    )  # fmt: skip
    twin = closed_form(speed, burn_s, table.range_m, table.altitude_m)
    ours, theirs = table.time_s < OUT_OF_REACH_S, np.isfinite(twin)
    assert ours.sum() > 500
    # Only a cell on the very edge may be reached by one and not by the other: one in a thousand.
    assert (ours != theirs).sum() <= 1e-3 * ours.sum()
    off = np.abs(table.time_s[ours & theirs] / twin[ours & theirs] - 1.0)
    assert np.median(off) < half
    assert off.max() < most


@pytest.mark.parametrize(("speed", "burn_s", "degrees"), [(3_000.0, 60.0, 55.0), (6_500.0, 150.0, 35.0)])
def test_passages_of_one_launch_are_scipys(speed, burn_s, degrees):
    site, up, ahead = interceptor.SITE_ECEF_M, interceptor.UP, interceptor.EAST
    elevation, altitudes = np.radians([degrees]), np.array((20e3, 150e3, 400e3))
    times, angles = np.empty((1, 2, 3)), np.empty((1, 2, 3))
    passages(site, up, ahead, elevation, speed, burn_s, 0.0, altitudes, times, angles)

    direction = np.sin(elevation) * up + np.cos(elevation) * ahead

    def rates(_, state):
        (x, y, z), r = state[:3], np.linalg.norm(state[:3])
        bulge, ratio = 1.5 * J2 * MU_M3_S2 * A_M**2 / r**5, 5.0 * z**2 / r**2
        pull = -MU_M3_S2 / r**3 * state[:3] + bulge * np.array(((ratio - 1) * x, (ratio - 1) * y, (ratio - 3) * z))
        return np.hstack((state[3:], pull))

    burnout = np.hstack((site + 0.5 * speed * burn_s * direction, speed * direction))
    flown = solve_ivp(
        rates, (burn_s, 3_000.0), burnout, "DOP853", rtol=1e-11, atol=1e-5,
        events=[lambda _, s, a=a: ecef_height(*s[:3]) - a for a in altitudes],
    )  # fmt: skip
    for j, altitude in enumerate(altitudes):
        for way, at in ((FALLING, -1), (RISING, 0)):
            if way == RISING and altitude < ecef_height(*burnout[:3]):
                distance = np.linalg.norm(direction) * 0.5 * speed / burn_s * times[0, way, j] ** 2
                place = site + distance * direction
                assert times[0, way, j] < burn_s
                assert ecef_height(*place) == pytest.approx(altitude, abs=1.0)
                continue
            place = flown.y_events[j][at][:3]
            # Height along the radius, not along the normal: some metres at 400 km.
            assert times[0, way, j] == pytest.approx(flown.t_events[j][at], abs=0.02)
            ground = MEAN_RADIUS_M * np.arctan2(place @ ahead, place @ up)
            assert MEAN_RADIUS_M * angles[0, way, j] == pytest.approx(ground, abs=50.0)


def test_a_height_never_passed_is_not_a_number():
    times, angles = np.empty((2, 2, 2)), np.empty((2, 2, 2))
    passages(
        interceptor.SITE_ECEF_M, interceptor.UP, interceptor.EAST, np.radians((20.0, 80.0)), 1_500.0, 20.0, 0.0,
        np.array((10e3, 90e3)), times, angles,
    )  # fmt: skip
    assert np.isfinite(times).tolist() == np.isfinite(angles).tolist()
    assert np.isfinite(times).tolist() == [[[True, False], [True, False]], [[True, True], [True, True]]]
    assert np.all(times[1, FALLING] > times[1, RISING])
