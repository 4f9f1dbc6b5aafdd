"""Flights from burn-out against a slow plain twin: scipy's DOP853 in an inertial frame, and on a bare sphere."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from detente.flight._kernels_air import DRAG_CEILING_M, air
from detente.flight.burnout import Burnouts, burnouts, fall, fall_ephemeris
from detente.flight.twobody import RADIUS_M, arc_of, minimum_energy
from detente.geodesy._kernels import ecef_to_geodetic
from detente.geodesy.constants import A_M, J2, MU_M3_S2, OMEGA_RAD_S
from detente.geodesy.distance import shortest_paths

AIR = air.py_func


def fixed(t, position, spin):
    """An inertial position as the turning Earth sees it."""
    s, c = math.sin(spin * t), math.cos(spin * t)
    return np.array((c * position[0] + s * position[1], c * position[1] - s * position[0], position[2]))


def twin(states: Burnouts, row: int, beta: float, *, spin: float, drag: bool) -> tuple[np.ndarray, float, float]:
    """Impact (ECEF), time to it and apogee of one burn-out state, flown in an inertial frame."""
    axis = np.array((0.0, 0.0, spin))
    start = states.position_ecef_m[row]
    moving = states.velocity_ecef_m_s[row] + np.cross(axis, start)

    def rates(t, y):
        position, velocity = y[:3], y[3:]
        r = np.linalg.norm(position)
        bulge, ratio = 1.5 * J2 * MU_M3_S2 * A_M**2 / r**5, 5.0 * position[2] ** 2 / r**2
        pull = -MU_M3_S2 / r**3 * position + bulge * np.array((ratio - 1.0, ratio - 1.0, ratio - 3.0)) * position
        height = ecef_to_geodetic(*fixed(t, position, spin))[2]
        if drag and height < DRAG_CEILING_M:
            through = velocity - np.cross(axis, position)
            pull = pull - 0.5 * AIR(height)[0] * np.linalg.norm(through) / beta * through
        return np.concatenate((velocity, pull))

    def ground(t, y):
        return ecef_to_geodetic(*fixed(t, y[:3], spin))[2]

    ground.terminal, ground.direction = True, -1.0
    flown = solve_ivp(
        rates, (0.0, 14_400.0), np.concatenate((start, moving)), method="DOP853", rtol=1e-9, atol=1e-3,
        max_step=10.0, events=ground, dense_output=True,
    )  # fmt: skip
    end = float(flown.t_events[0][0])
    heights = [ground(t, flown.sol(t)) for t in np.linspace(0.0, end, 4_001)]
    return fixed(end, flown.y_events[0][0][:3], spin), end, max(heights)


CASES = [  # latitude, longitude, azimuth, speed, elevation deg, altitude km, beta, rotation, drag
    (0.6, 0.9, 0.7, 1_500.0, 40.0, 30.0, 3_000.0, True, True),
    (0.6, 3.1, 1.6, 4_000.0, 70.0, 120.0, 1_000.0, True, True),
    (-0.9, -2.0, 3.0, 6_500.0, 25.0, 200.0, 8_000.0, True, True),
    (1.5, 0.3, -1.0, 5_000.0, 88.0, 80.0, 2_000.0, True, True),
    (0.1, 0.3, 0.2, 3_000.0, 42.0, 0.0, 3_000.0, False, False),
    (0.4, 1.3, 4.0, 2_500.0, 15.0, 60.0, 5_000.0, False, True),
]


@pytest.mark.parametrize("case", CASES)
def test_a_fall_ends_where_the_slow_twin_says(case):
    latitude, longitude, azimuth, speed, elevation, altitude_km, beta, rotation, drag = case
    states = burnouts(latitude, longitude, azimuth, speed, math.radians(elevation), altitude_m=altitude_km * 1e3)
    flight = fall(states, beta, rotation=rotation, drag=drag)
    impact, end, apogee = twin(states, 0, beta, spin=OMEGA_RAD_S if rotation else 0.0, drag=drag)
    place = ecef_to_geodetic(*impact)
    ours = np.array((flight.impact_latitude_rad[0], flight.impact_longitude_rad[0]))
    assert flight.flag[0] == 0
    assert shortest_paths(np.array(place[:2]), ours).distance_m[0] < 6.0
    assert flight.flight_time_s[0] == pytest.approx(end, abs=0.02)
    assert flight.apogee_m[0] == pytest.approx(apogee, abs=20.0)
    path = fall_ephemeris(states, beta, rotation=rotation, drag=drag)
    assert path.time_s[-1] == pytest.approx(flight.flight_time_s[0], abs=0.01)
    assert np.linalg.norm(path.position_ecef_m[-1] - impact) < 6.0


def on_a_sphere(speed: float, elevation: float) -> tuple[float, float, float]:
    """Range, apogee and time of an impulsive launch over a round Earth that stands still, by integration."""
    start = np.array((RADIUS_M, 0.0, speed * math.sin(elevation), speed * math.cos(elevation)))

    def rates(t, y):
        r3 = math.hypot(y[0], y[1]) ** 3
        return np.array((y[2], y[3], -MU_M3_S2 * y[0] / r3, -MU_M3_S2 * y[1] / r3))

    def ground(t, y):
        return math.hypot(y[0], y[1]) - RADIUS_M

    def level(t, y):
        return y[0] * y[2] + y[1] * y[3]

    ground.terminal, ground.direction = True, -1.0
    flown = solve_ivp(
        rates, (0.0, 20_000.0), start, method="DOP853", rtol=1e-12, atol=1e-6, events=(ground, level), max_step=200.0
    )
    x, y = flown.y_events[0][-1][:2]
    top = flown.y_events[1][0]
    return math.atan2(y, x) * RADIUS_M, math.hypot(top[0], top[1]) - RADIUS_M, float(flown.t_events[0][-1])


@pytest.mark.parametrize("range_km", [300, 500, 1_000, 2_000, 3_000, 5_500, 10_000])
def test_the_closed_forms_are_what_a_sphere_does(range_km):
    least = minimum_energy(range_km * 1e3)
    distance, apogee, time = on_a_sphere(float(least.speed_m_s[0]), float(least.elevation_rad[0]))
    assert distance == pytest.approx(range_km * 1e3, rel=1e-6)
    assert apogee == pytest.approx(least.apogee_m[0], rel=1e-6)
    assert time == pytest.approx(least.time_s[0], rel=1e-6)


@pytest.mark.parametrize(("range_km", "apogee_km"), [(950, 4_475), (3_000, 200), (12_000, 3_000), (100, 400)])
def test_an_arc_has_the_range_and_apogee_it_was_made_for(range_km, apogee_km):
    arc = arc_of(range_km * 1e3, apogee_km * 1e3)
    distance, apogee, time = on_a_sphere(float(arc.speed_m_s[0]), float(arc.elevation_rad[0]))
    assert distance == pytest.approx(range_km * 1e3, rel=1e-6)
    assert apogee == pytest.approx(apogee_km * 1e3, rel=1e-6)
    assert time == pytest.approx(arc.time_s[0], rel=1e-6)
