"""The block kernels against slow plain twins: scipy's DOP853 on the same physics, written out once more."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.integrate._ivp import dop853_coefficients as printed

from detente.flight import _kernels_coast as coasting
from detente.flight import _kernels_tableau as tableau
from detente.geodesy._kernels import ecef_height, geodetic_to_ecef
from detente.geodesy.constants import A_M, J2, MU_M3_S2, OMEGA_RAD_S


def states(latitude, longitude, height, azimuth, speed, climb):
    """ECEF states, velocity relative to the Earth, all angles in radians; one row per launch."""
    east = np.stack((-np.sin(longitude), np.cos(longitude), 0.0 * longitude), axis=1)
    up = np.stack(
        (np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)), axis=1
    )
    ahead = np.sin(azimuth)[:, None] * east + np.cos(azimuth)[:, None] * np.cross(up, east)
    position = np.array([geodetic_to_ecef(*row) for row in zip(latitude, longitude, height, strict=True)])
    velocity = speed[:, None] * (np.sin(climb)[:, None] * up + np.cos(climb)[:, None] * ahead)
    return np.hstack((position, velocity))


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
    coasting.coast_rows(np.ascontiguousarray(rows), surface_m, results, flags)
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
