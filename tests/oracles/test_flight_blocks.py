"""The block kernels against slow plain twins: scipy's DOP853 on the same physics, written out once more."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.integrate._ivp import dop853_coefficients as printed
from tests.oracles.made_descents import envelope, states

from detente.flight import _kernels as adaptive
from detente.flight import _kernels_coast as coasting
from detente.flight import _kernels_tableau as tableau
from detente.flight._kernels_lanes import LANES
from detente.flight.descent import descend
from detente.flight.flags import Flag
from detente.flight.trajectory import fly_out
from detente.flight.vehicle import Missile, Stage, pack
from detente.geodesy._kernels import ecef_height
from detente.geodesy.constants import A_M, J2, MU_M3_S2, OMEGA_RAD_S
from detente.geodesy.ellipsoid import geodetic_to_ecef as geodetic_to_ecef_rows


def anywhere(rng, count, low_m, high_m, slow, fast, flat_deg, steep_deg):
    """States spread over the whole Earth, speeds evenly in their logarithm."""
    return states(
        np.arcsin(rng.uniform(-1, 1, count)),
        rng.uniform(-math.pi, math.pi, count),
        rng.uniform(low_m, high_m, count),
        rng.uniform(-math.pi, math.pi, count),
        np.exp(rng.uniform(math.log(slow), math.log(fast), count)),
        np.radians(rng.uniform(flat_deg, steep_deg, count)),
    )


def free_fall(position):
    x, y, z = position
    r = np.linalg.norm(position)
    bulge, ratio = 1.5 * J2 * MU_M3_S2 * A_M**2 / r**5, 5.0 * z**2 / r**2
    return -MU_M3_S2 / r**3 * position + bulge * np.array(((ratio - 1) * x, (ratio - 1) * y, (ratio - 3) * z))


def inertial(state):
    spin = np.array((0.0, 0.0, OMEGA_RAD_S))
    return np.hstack((state[:3], state[3:] + np.cross(spin, state[:3])))


def coast_to_ground(state):
    """(time, ECEF position) where a state meets the ellipsoid, flown in the frame that does not turn."""

    def ground(_, s):
        return ecef_height(*s[:3])

    ground.terminal, ground.direction = True, -1.0
    flown = solve_ivp(
        lambda _, s: np.hstack((s[3:], free_fall(s[:3]))), (0.0, 15_000.0), inertial(state), "DOP853",
        events=ground, rtol=1e-11, atol=1e-5, max_step=200.0,
    )  # fmt: skip
    t, (x, y, z) = flown.t_events[0][0], flown.y_events[0][0][:3]
    c, s = math.cos(OMEGA_RAD_S * t), math.sin(OMEGA_RAD_S * t)
    return t, np.array((c * x + s * y, c * y - s * x, z))


def coasted(rows, surface_m=0.0):
    results, flags = np.zeros((len(rows), coasting.RESULTS)), np.zeros(len(rows), np.uint8)
    coasting.coast_rows(
        np.zeros(coasting.ROWS * LANES),
        np.ascontiguousarray(rows),
        np.arange(len(rows)),
        surface_m,
        OMEGA_RAD_S,
        results,
        flags,
    )
    return results, flags


def test_the_tableau_is_the_printed_one():
    assert np.array_equal(tableau._EIGHT, printed.A[:12, :12])
    assert np.array_equal(tableau.EIGHT_WEIGHTS, printed.B)
    assert np.array_equal(tableau.EIGHT_ERROR_5, printed.E5[:12])
    assert np.array_equal(tableau.EIGHT_ERROR_3, printed.E3[:12])
    assert np.allclose(tableau.EIGHT_NODES, printed.C[:12], atol=1e-15)


def test_a_coast_ends_where_scipys_does():
    rng = np.random.default_rng(11)
    rows = np.vstack(
        (
            anywhere(rng, 60, 0.0, 300e3, 700.0, 7_300.0, 10.0, 85.0),
            anywhere(rng, 20, 150e3, 900e3, 1_000.0, 6_000.0, -60.0, -5.0),
        )
    )
    results, flags = coasted(rows)
    assert flags.tolist() == [0] * len(rows)
    for row, result in zip(rows, results, strict=True):
        time_s, position = coast_to_ground(row)
        miss = np.linalg.norm(result[coasting.AT_X : coasting.AT_X + 3] - position)
        assert miss < 10.0
        assert miss < max(result[coasting.ERROR_M], 0.05)
        assert result[coasting.TIME_S] == pytest.approx(time_s, abs=0.01)
        assert abs(ecef_height(*result[coasting.AT_X : coasting.AT_X + 3])) < 1e-6


def test_a_hundred_thousand_descents_over_the_whole_envelope():
    rows, beta = envelope(np.random.default_rng(20), 100_000)
    down = descend(rows[:, :3], rows[:, 3:], beta)
    numbers = np.hstack([column.reshape(len(rows), -1) for column in vars(down).values()])
    assert np.isfinite(numbers).all()
    assert (down.flag != 0).mean() <= 1e-3
    assert set(np.unique(down.flag)) <= {Flag.OK, Flag.NEVER_LANDS, Flag.ESCAPES}
    landed = down.flag == 0
    heights = [abs(ecef_height(*place)) for place in down.position_ecef_m[landed][::50]]
    assert max(heights) < 1e-3
    # Against the adaptive integrator, which shares no step, no table and no clock with the blocks.
    some = np.arange(0, len(rows), 50)
    alone, flags = np.zeros((len(some), adaptive.DESCENT)), np.zeros(len(some), np.uint8)
    adaptive.descend_rows(rows[some], beta[some], True, 1e-4, alone, flags)
    assert np.array_equal(flags, down.flag[some])
    off = np.linalg.norm(alone[:, 1:4] - down.position_ecef_m[some], axis=1)[flags == 0]
    assert np.median(off) < 0.5
    assert np.percentile(off, 99.0) < 3.0
    assert off.max() < 10.0
    assert np.mean(off > np.maximum(down.estimated_error_m[some][flags == 0], 1.0)) < 0.01


def test_a_lane_does_not_depend_on_its_place_or_its_neighbours():
    rows, beta = envelope(np.random.default_rng(22), 300)
    together = descend(rows[:, :3], rows[:, 3:], beta)
    shuffled = np.random.default_rng(23).permutation(300)
    apart = descend(rows[shuffled, :3], rows[shuffled, 3:], beta[shuffled])
    for name, column in vars(together).items():
        assert np.array_equal(getattr(apart, name), column[shuffled]), name
    for i in (0, 77, 299):
        alone = descend(rows[i, :3], rows[i, 3:], beta[i])
        assert np.array_equal(alone.position_ecef_m[0], together.position_ecef_m[i])
        assert alone.estimated_error_m[0] == together.estimated_error_m[i]


def test_what_never_lands_is_flagged_with_its_perigee():
    radius = A_M + 400e3
    circular = math.sqrt(MU_M3_S2 / radius) - OMEGA_RAD_S * radius
    down = descend(
        [(radius, 0.0, 0.0)] * 4, [(0.0, circular, 0.0), (0.0, 12_000.0, 0.0), (9.0, 8e3, math.nan), (0, 0, 0)], 3e3
    )
    assert down.flag.tolist() == [Flag.NEVER_LANDS, Flag.ESCAPES, Flag.BAD_INPUT, Flag.OK]
    assert down.perigee_altitude_m[0] == pytest.approx(400e3, abs=25e3)
    assert np.all(down.time_s[:3] == 0.0)
    assert np.all(down.position_ecef_m[:3] == 0.0)


def test_light_bodies_and_skimming_ones_are_flown_alone():
    """What no block can be trusted with comes down all the same."""
    rows = states(
        np.full(3, 0.5), np.full(3, 3.1), np.full(3, 120e3), np.full(3, 1.0), np.array((7_400.0, 4_000.0, 3_000.0)),
        np.radians((0.5, -3.0, 20.0)),
    )  # fmt: skip
    beta = np.array((3_000.0, 30.0, 12.0))
    down = descend(rows[:, :3], rows[:, 3:], beta)
    assert down.flag.tolist() == [0, 0, 0]
    alone, flags = np.zeros((3, adaptive.DESCENT)), np.zeros(3, np.uint8)
    adaptive.descend_rows(rows, beta, True, 1e-4, alone, flags)
    assert np.all(np.linalg.norm(alone[:, 1:4] - down.position_ecef_m, axis=1) < 10.0)


MACH, CD = (0.0, 0.83, 1.0, 1.17, 2.0, 4.5), (0.2, 0.2, 0.3, 0.27, 0.2, 0.17)
MISSILES = pack(
    (
        Missile("short", 1_000.0, (Stage(4_897.0, 1_198.0, 230.0, 75.0, 0.84),), (0.0, 1.0, 3.0), (0.2, 0.3, 0.2)),
        Missile("light", 300.0, (Stage(2_400.0, 500.0, 235.0, 40.0, 0.6, 0.4),), MACH, CD, 700.0),
        Missile(
            "two stages",
            750.0,
            (Stage(15_000.0, 2_200.0, 240.0, 60.0, 1.25, 1.0), Stage(6_000.0, 900.0, 255.0, 60.0, 1.25)),
            MACH,
            CD,
            2_500.0,
        ),
        Missile(
            "three stages",
            1000.0,
            (
                Stage(50_000.0, 5_000.0, 250.0, 60.0, 2.0),
                Stage(20_000.0, 2_500.0, 280.0, 70.0, 1.6),
                Stage(7_000.0, 900.0, 290.0, 70.0, 1.3),
            ),
            MACH,
            CD,
            8_000.0,
        ),
    )
)


def launches(rng, count):
    """Launches of all four missiles from everywhere to everywhere, lofted and depressed, cut off early or not."""
    kind = rng.integers(0, 4, count)
    ignition, burnout = MISSILES.body[kind, 3], MISSILES.body[kind, 2]
    cutoff = np.where(rng.random(count) < 0.3, np.inf, ignition + (burnout - ignition) * rng.uniform(0.4, 1.0, count))
    return (
        kind, np.arcsin(rng.uniform(-1, 1, count)), rng.uniform(-math.pi, math.pi, count),
        rng.uniform(-math.pi, math.pi, count), np.radians(rng.uniform(20.0, 88.0, count)), cutoff,
    )  # fmt: skip


def test_whole_flights_at_once_end_where_they_do_alone():
    given = launches(np.random.default_rng(30), 600)
    exact = fly_out(MISSILES, *given, tolerance_m=1e-5)
    place = ecef(exact)
    for tolerance_m, worst_m in ((0.1, 10.0), (0.01, 3.0)):
        flown = fly_out(MISSILES, *given, tolerance_m=tolerance_m)
        assert np.array_equal(flown.flag, exact.flag)
        off = np.linalg.norm(ecef(flown) - place, axis=1)[flown.flag == 0]
        assert off.max() < worst_m
        assert np.mean(off > flown.estimated_error_m[flown.flag == 0]) < 0.1
        assert np.allclose(flown.apogee_m, exact.apogee_m, atol=25.0)
        assert np.allclose(flown.flight_time_s, exact.flight_time_s, atol=0.02)
        assert np.allclose(flown.burnout_speed_m_s, exact.burnout_speed_m_s, atol=0.02)
        assert np.array_equal(flown.burnout_time_s, exact.burnout_time_s)


def ecef(flights):
    at = np.stack((flights.impact_latitude_rad, flights.impact_longitude_rad, 0.0 * flights.range_m), axis=1)
    return geodetic_to_ecef_rows(at)


def test_a_flight_does_not_depend_on_its_place_or_its_neighbours():
    given = launches(np.random.default_rng(31), 300)
    together = fly_out(MISSILES, *given)
    shuffled = np.random.default_rng(32).permutation(300)
    apart = fly_out(MISSILES, *(column[shuffled] for column in given))
    for name, column in vars(together).items():
        assert np.array_equal(getattr(apart, name), column[shuffled]), name


@pytest.mark.parametrize(("rotation", "drag"), [(False, True), (True, False), (False, False)])
def test_the_still_earth_and_the_bare_one(rotation, drag):
    given = launches(np.random.default_rng(33), 60)
    exact = fly_out(MISSILES, *given, rotation=rotation, drag=drag, tolerance_m=1e-5)
    flown = fly_out(MISSILES, *given, rotation=rotation, drag=drag)
    # Without drag a body whose perigee is below the ground lands; the adaptive integrator asks for it to clear the air.
    both = (flown.flag == 0) & (exact.flag == 0)
    assert both.mean() > 0.9
    assert np.linalg.norm(ecef(flown) - ecef(exact), axis=1)[both].max() < 10.0
