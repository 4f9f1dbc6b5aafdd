"""The kernels against a slow plain twin: scipy's DOP853 on the same physics, written out once more."""

import itertools
import math
from functools import partial

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.interpolate import PchipInterpolator
from tests.made_missiles import CD, MACH, SCUD

from detente.flight import _kernels_air as air_tables
from detente.flight import _kernels_predict as predict
from detente.flight.trajectory import ephemeris, fly_out
from detente.flight.vehicle import Missile, Stage, pack
from detente.geodesy._kernels import ecef_to_geodetic, geodetic_to_ecef
from detente.geodesy.constants import A_M, E2, G0_M_S2, J2, MU_M3_S2, OMEGA_RAD_S

TWO_STAGE = Missile(
    "two-stage",
    750.0,
    (Stage(15_000.0, 2_200.0, 240.0, 60.0, 1.25, 1.0), Stage(6_000.0, 900.0, 255.0, 60.0, 1.25)),
    MACH,
    CD,
    2_500.0,
)
THREE_STAGE = Missile(
    "three-stage",
    1000.0,
    (
        Stage(50_000.0, 5_000.0, 250.0, 60.0, 2.0),
        Stage(20_000.0, 2_500.0, 280.0, 70.0, 1.6),
        Stage(7_000.0, 900.0, 290.0, 70.0, 1.3),
    ),
    MACH,
    CD,
    8_000.0,
)
TURNING = Missile(
    "turning",
    600.0,
    (Stage(15_000.0, 2_200.0, 240.0, 60.0, 1.25, 1.0), Stage(5_000.0, 700.0, 270.0, 50.0, 1.25, None, 12.0)),
    MACH,
    CD,
    3_000.0,
    vertical_rise_s=4.0,
    pitch_over_end_s=20.0,
    gravity_turn=True,
)
THROTTLED = Missile(
    "throttled",
    750.0,
    (
        Stage(15_000.0, 2_200.0, 240.0, 60.0, 1.25, 1.0, throttle=0.8),
        Stage(6_000.0, 900.0, 255.0, 60.0, 1.25, throttle=0.45),
    ),
    MACH,
    CD,
    2_500.0,
)
PACKED = pack((SCUD, TWO_STAGE, THREE_STAGE, TURNING, THROTTLED))
AIR = air_tables.air.py_func


def height(position):
    x, y, z = position
    return ecef_to_geodetic(x, y, z)[2]


def along_radius(position):
    """Height along the line to the Earth's centre, which the kernels look the air up with."""
    x, y, z = position
    stretched = math.sqrt(x * x + y * y + z * z / (1.0 - E2))
    return math.sqrt(x * x + y * y + z * z) * (1.0 - A_M / stretched)


DRAG_CURVE = PchipInterpolator(MACH, CD)  # Fritsch and Butland's cubic, by scipy


def smooth_cd(mach):
    return float(DRAG_CURVE(min(max(mach, MACH[0]), MACH[-1])))


def free_fall(position, velocity):
    x, y, z = position
    r = np.linalg.norm(position)
    bulge = 1.5 * J2 * MU_M3_S2 * A_M**2 / r**5
    ratio = 5.0 * z**2 / r**2
    gravity = -MU_M3_S2 / r**3 * position + bulge * np.array(((ratio - 1) * x, (ratio - 1) * y, (ratio - 3) * z))
    spin = np.array((0.0, 0.0, OMEGA_RAD_S))
    return gravity - 2.0 * np.cross(spin, velocity) - np.cross(spin, np.cross(spin, position))


def drag_of_beta(position, velocity, beta, height=along_radius):
    above = height(position)
    if beta <= 0.0 or above > air_tables.DRAG_CEILING_M:
        return np.zeros(3)
    return -0.5 * AIR(above)[0] * np.linalg.norm(velocity) / beta * velocity


def drag_of_body(position, velocity, mass, diameter):
    above, speed = along_radius(position), np.linalg.norm(velocity)
    if above > air_tables.DRAG_CEILING_M:
        return np.zeros(3)
    density, _, sound = AIR(above)
    return -0.5 * density * speed * smooth_cd(speed / sound) * math.pi / 4 * diameter**2 / mass * velocity


def to_ground(start, drag):
    """(time, position, greatest height) of a coasting body; ``drag`` gives its acceleration by the air."""

    def rates(_, state):
        return np.hstack((state[3:], free_fall(state[:3], state[3:]) + drag(state[:3], state[3:])))

    def ground(_, state):
        return height(state[:3])

    def level(_, state):
        return np.dot(state[:3], state[3:])

    ground.terminal, ground.direction = True, -1.0
    flown = solve_ivp(
        rates, (0.0, 20_000.0), start, "DOP853", events=(ground, level), rtol=1e-9, atol=1e-5, max_step=8.0
    )
    top = max((height(state[:3]) for state in flown.y_events[1]), default=height(start[:3]))
    return flown.t_events[0][0], flown.y_events[0][0][:3], top


def boosted(missile, latitude, longitude, azimuth, pitch_final, cutoff):
    """The state at cut-off, one motor and one part of the pitch programme at a time."""
    up = np.array(
        (math.cos(latitude) * math.cos(longitude), math.cos(latitude) * math.sin(longitude), math.sin(latitude))
    )
    east = np.array((-math.sin(longitude), math.cos(longitude), 0.0))
    ahead = math.sin(azimuth) * east + math.cos(azimuth) * np.cross(up, east)
    rise_end, pitch_end = PACKED.body[PACKED.missiles.index(missile), :2]
    state, t, mass = np.hstack((geodetic_to_ecef(latitude, longitude, 0.0), np.zeros(3))), 0.0, 0.0
    for i, stage in enumerate(missile.stages):
        at_ignition = missile.payload_kg + sum(later.fuelled_kg for later in missile.stages[i:])
        ignition = t + stage.coast_before_s
        flow = stage.throttle * (stage.fuelled_kg - stage.dry_kg) / stage.burn_s

        def rates(t, state, stage=stage, full=at_ignition, flow=flow, ignition=ignition, turning=False):
            position, velocity = state[:3], state[3:]
            mass = full - flow * (t - ignition)
            above, speed = along_radius(position), np.linalg.norm(velocity)
            density, pressure, sound = AIR(above) if above < air_tables.DRAG_CEILING_M else (0.0, 0.0, 300.0)
            share = min(1.0, max(0.0, (t - rise_end) / (pitch_end - rise_end)))
            pitch = math.pi / 2 + share * (pitch_final - math.pi / 2)
            exit_area = math.pi / 4 * (stage.nozzle_exit_diameter_m or 0.0) ** 2
            thrust = max(flow * G0_M_S2 * stage.isp_s - pressure * exit_area, 0.0)
            drag = 0.5 * density * speed * smooth_cd(speed / sound) * math.pi / 4 * stage.diameter_m**2
            along = velocity / speed if turning else math.sin(pitch) * up + math.cos(pitch) * ahead
            return np.hstack((velocity, free_fall(position, velocity) + (thrust * along - drag * velocity) / mass))

        if ignition > t:
            spent = missile.stages[i - 1]
            resting = partial(rates, stage=spent, full=mass, flow=0.0)
            state = solve_ivp(resting, (t, ignition), state, "DOP853", rtol=1e-9, atol=1e-5, max_step=1.0).y[:, -1]
        end = min(ignition + stage.burn_s / stage.throttle, cutoff)
        stops = sorted({ignition, end, *(s for s in (rise_end, pitch_end) if ignition < s < end)})
        for first, last in itertools.pairwise(stops):
            going = partial(rates, turning=missile.gravity_turn and first >= pitch_end)
            flown = solve_ivp(going, (first, last), state, "DOP853", rtol=1e-9, atol=1e-5, max_step=1.0)
            state = flown.y[:, -1]
        t, mass = end, at_ignition - flow * (end - ignition)
    return t, state, mass


def entering(speed, angle_deg, above, latitude=0.6, longitude=0.9, azimuth=1.0):
    """A state with this speed relative to the Earth, climbing at this angle."""
    position = np.array(geodetic_to_ecef(latitude, longitude, above))
    up = np.array(
        (math.cos(latitude) * math.cos(longitude), math.cos(latitude) * math.sin(longitude), math.sin(latitude))
    )
    east = np.array((-math.sin(longitude), math.cos(longitude), 0.0))
    ahead = math.sin(azimuth) * east + math.cos(azimuth) * np.cross(up, east)
    angle = math.radians(angle_deg)
    return np.hstack((position, speed * (math.sin(angle) * up + math.cos(angle) * ahead)))


STATES = [
    (1_400.0, 42.0, 30e3, 8_000.0),  # a short-range missile at burn-out, in the air
    (1_400.0, 42.0, 40e3, 1_000.0),
    (3_000.0, 42.0, 60e3, 2_000.0),
    (4_500.0, 38.0, 120e3, 3_000.0),
    (4_500.0, 20.0, 120e3, 3_000.0),
    (4_500.0, 60.0, 120e3, 500.0),
    (6_000.0, 30.0, 200e3, 8_000.0),
    (6_900.0, 23.0, 200e3, 10_000.0),
    (6_900.0, 12.0, 200e3, 5_000.0),
    (4_000.0, -35.0, 90e3, 3_000.0),
    (6_000.0, -20.0, 60e3, 500.0),
    (6_000.0, -8.0, 95e3, 5_000.0),
    (3_000.0, -60.0, 20e3, 2_000.0),
    (5_000.0, 10.0, 800e3, 0.0),
]


@pytest.mark.parametrize(("speed", "angle", "above", "beta"), STATES)
def test_predicted_impact(speed, angle, above, beta):
    start = entering(speed, angle, above)
    time_s, *position, flag = predict.impact_from_state(*start, beta)
    true_time, true_position, _ = to_ground(start, lambda r, v: drag_of_beta(r, v, beta))
    miss = np.linalg.norm(np.array(position) - true_position)
    assert flag == 0
    assert miss < 200.0
    assert abs(time_s - true_time) < 1.0


FLIGHTS = [  # missile, latitude, longitude, azimuth, final pitch, cut-off
    (0, 0.6, 0.8, 0.7, 0.78, math.inf),
    (0, -0.9, -2.0, 4.0, 0.9, 60.0),
    (1, 0.6, 0.8, -1.0, 0.65, math.inf),
    (1, 0.1, 3.0, 3.0, 1.2, 100.0),
    (2, 0.61, 0.9, -0.5, 0.5, 180.0),
    (3, 0.3, 0.9, 1.5, 1.35, math.inf),
    (3, 0.5, -1.9, -2.5, 1.42, 100.0),
    (4, 0.4, 0.7, 2.0, 0.8, math.inf),
    (4, -0.3, -1.0, -2.0, 0.6, 150.0),
]


@pytest.mark.parametrize(("kind", "latitude", "longitude", "azimuth", "pitch", "cutoff"), FLIGHTS)
def test_whole_flight(kind, latitude, longitude, azimuth, pitch, cutoff):
    missile = PACKED.missiles[kind]
    burnout_s, state, mass = boosted(missile, latitude, longitude, azimuth, pitch, cutoff)
    beta, diameter = missile.reentry_ballistic_coefficient_kg_m2, missile.stages[-1].diameter_m
    time_s, position, top = to_ground(
        state, lambda r, v: drag_of_beta(r, v, beta) if beta else drag_of_body(r, v, mass, diameter)
    )
    flights = fly_out(PACKED, kind, latitude, longitude, azimuth, pitch, cutoff)
    landed = np.array(geodetic_to_ecef(flights.impact_latitude_rad[0], flights.impact_longitude_rad[0], 0.0))
    miss = np.linalg.norm(landed - position)
    assert flights.flag[0] == 0
    assert miss < 10.0
    assert miss < flights.estimated_error_m[0]
    assert flights.burnout_time_s[0] == pytest.approx(burnout_s, abs=1e-9)
    assert flights.burnout_speed_m_s[0] == pytest.approx(np.linalg.norm(state[3:]), abs=0.02)
    assert flights.burnout_altitude_m[0] == pytest.approx(height(state[:3]), abs=5.0)
    assert flights.flight_time_s[0] == pytest.approx(burnout_s + time_s, abs=0.02)
    assert flights.apogee_m[0] == pytest.approx(top, abs=15.0)

    exact = ephemeris(PACKED, kind, latitude, longitude, azimuth, pitch, cutoff, tolerance_m=1e-5)
    assert np.linalg.norm(exact.position_ecef_m[-1] - position) < 0.2
    at_cutoff = np.flatnonzero(exact.time_s == burnout_s)[0]
    assert np.linalg.norm(exact.position_ecef_m[at_cutoff] - state[:3]) < 0.2


@pytest.mark.parametrize("beta", [500.0, 5_000.0])
def test_air_looked_up_along_the_radius_costs_metres(beta):
    """Half-way to the pole, where the two heights differ most."""
    start = entering(3_000.0, 35.0, 60e3, latitude=0.78, azimuth=0.3)
    plain, upright = (to_ground(start, partial(drag_of_beta, beta=beta, height=h))[1] for h in (along_radius, height))
    assert 0.01 < np.linalg.norm(plain - upright) < 3.0


def test_the_kernels_air_is_the_standard():
    heights = np.arange(0.0, 149_900.0, 37.0)
    pieces = np.array([AIR(h)[0] for h in heights])
    standard = np.exp([air_tables.standard_air(h)[0] for h in heights])
    assert np.abs(pieces / standard - 1.0).max() < 5e-6


@pytest.mark.parametrize(
    ("speed", "angle", "seconds"), [(6_900.0, 23.0, 600.0), (4_500.0, 38.0, 600.0), (3_000.0, 60.0, 10.0)]
)
def test_coasting(speed, angle, seconds):
    start = entering(speed, angle, 200e3)
    moved = np.array(predict.coast_state(*start, seconds))
    exact = solve_ivp(
        lambda _, s: np.hstack((s[3:], free_fall(s[:3], s[3:]))), (0.0, seconds), start, "DOP853", rtol=1e-11, atol=1e-6
    ).y[:, -1]
    assert np.linalg.norm(moved[:3] - exact[:3]) < 1.0
    assert np.linalg.norm(moved[3:] - exact[3:]) < 2e-3
