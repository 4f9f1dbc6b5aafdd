"""What flight must keep, whatever the numbers."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.made_missiles import CD, MACH

from detente.flight import _kernels_coast as coasting
from detente.flight import _kernels_predict as predict
from detente.flight._kernels_lanes import LANES
from detente.flight.aiming import Mode, launch_plans, solve_launch
from detente.flight.descent import descend
from detente.flight.prediction import coast, predict_impacts, predicted_path
from detente.flight.trajectory import ephemeris, fly_out
from detente.flight.vehicle import Missile, Stage, pack
from detente.geodesy._kernels import ecef_to_geodetic, geodetic_to_ecef
from detente.geodesy._kernels_geodesic import geodesic_direct
from detente.geodesy.constants import A_M, E2, J2, MU_M3_S2, OMEGA_RAD_S

PACKED = pack(
    (
        Missile("one", 1_000.0, (Stage(19_900.0, 3_900.0, 240.0, 70.0, 0.88),), MACH, CD),
        Missile(
            "two",
            750.0,
            (Stage(15_000.0, 2_200.0, 240.0, 60.0, 1.25), Stage(6_000.0, 900.0, 255.0, 60.0, 1.25)),
            MACH,
            CD,
            2_500.0,
        ),
    )
)
PLANS = launch_plans(PACKED)
LATITUDE = st.floats(-1.45, 1.45)
LONGITUDE = AZIMUTH = st.floats(-3.1, 3.1)


def state(latitude, longitude, height, azimuth, speed, climb):
    position = np.array(geodetic_to_ecef(latitude, longitude, height))
    up = np.array(geodetic_to_ecef(latitude, longitude, height + 1.0)) - position
    east = np.array((-math.sin(longitude), math.cos(longitude), 0.0))
    ahead = math.sin(azimuth) * east + math.cos(azimuth) * np.cross(up, east)
    return position, speed * (math.sin(climb) * up + math.cos(climb) * ahead)


STATES = st.builds(
    state, LATITUDE, LONGITUDE, st.floats(110e3, 1_000e3), AZIMUTH, st.floats(500.0, 6_500.0), st.floats(-1.2, 1.5)
)
HIGH = st.builds(
    state, LATITUDE, LONGITUDE, st.floats(400e3, 1_000e3), AZIMUTH, st.floats(3_000.0, 6_500.0), st.floats(0.7, 1.5)
)


def energy(position, velocity):
    """The Jacobi integral: energy as seen from the turning Earth, kept in free fall."""
    x, y, z = position
    r = np.linalg.norm(position)
    bulge = J2 * (A_M / r) ** 2 * 0.5 * (3.0 * (z / r) ** 2 - 1.0)
    return 0.5 * velocity @ velocity - MU_M3_S2 / r * (1.0 - bulge) - 0.5 * OMEGA_RAD_S**2 * (x * x + y * y)


def spin(position, velocity):
    """Angular momentum about the Earth's axis, in the frame that does not turn."""
    x, y, _ = position
    return x * (velocity[1] + OMEGA_RAD_S * x) - y * (velocity[0] - OMEGA_RAD_S * y)


@settings(deadline=None)
@given(HIGH, st.floats(1.0, 600.0))
def test_a_coast_keeps_energy_and_spin(start, seconds):
    position, velocity = coast(*start, seconds)
    assert abs(energy(position[0], velocity[0]) / energy(*start) - 1.0) < 1e-8
    assert abs(spin(position[0], velocity[0]) - spin(*start)) < 1e-8 * np.linalg.norm(start[0]) * 7_000.0


@settings(deadline=None)
@given(HIGH, st.floats(1.0, 600.0))
def test_a_coast_can_be_run_back(start, seconds):
    there = coast(*start, seconds)
    position, velocity = coast(*there, -seconds)
    assert np.linalg.norm(position[0] - start[0]) < 1.0
    assert np.linalg.norm(velocity[0] - start[1]) < 2e-3


@settings(deadline=None)
@given(HIGH, st.floats(10.0, 300.0), st.floats(10.0, 300.0))
def test_two_coasts_are_one(start, first, second):
    apart = coast(*coast(*start, first), second)
    together = coast(*start, first + second)
    assert np.linalg.norm(apart[0] - together[0]) < 1.0


@settings(max_examples=15, deadline=None)
@given(LATITUDE, LONGITUDE, AZIMUTH, st.floats(0.5, 1.3))
def test_a_flight_without_drag_keeps_energy_and_spin_from_cut_off_to_impact(latitude, longitude, azimuth, pitch):
    flown = ephemeris(PACKED, 1, latitude, longitude, azimuth, pitch, drag=False, tolerance_m=1e-4)
    after = flown.phase > 1
    position, velocity = flown.position_ecef_m[after], flown.velocity_ecef_m_s[after]
    kept = np.array([energy(r, v) for r, v in zip(position, velocity, strict=True)])
    turned = np.array([spin(r, v) for r, v in zip(position, velocity, strict=True)])
    assert np.ptp(kept) < 1e-8 * abs(kept[0])
    assert np.ptp(turned) < 1e-8 * 6.4e6 * 7_000.0


@settings(max_examples=15, deadline=None)
@given(LATITUDE, LONGITUDE, AZIMUTH, st.floats(0.3, 1.4), st.sampled_from([0, 1]))
def test_an_ephemeris_starts_on_the_pad_and_ends_on_the_ground(latitude, longitude, azimuth, pitch, kind):
    flown = ephemeris(PACKED, kind, latitude, longitude, azimuth, pitch)
    flight = fly_out(PACKED, kind, latitude, longitude, azimuth, pitch)
    assert flown.flag[0] == flight.flag[0] == 0
    assert np.linalg.norm(flown.position_ecef_m[0] - geodetic_to_ecef(latitude, longitude, 0.0)) < 1e-6
    assert abs(ecef_to_geodetic(*flown.position_ecef_m[-1])[2]) < 1e-3
    steps = np.diff(flown.time_s)
    low = np.array([ecef_to_geodetic(*r)[2] for r in flown.position_ecef_m]) < 120e3
    assert steps.min() > 0.0
    assert steps.max() <= 5.0 + 1e-6
    assert steps[(flown.phase[1:] == 1) | (low[1:] & (flown.phase[1:] == 3))].max() <= 1.0 + 1e-6
    assert abs(flown.time_s[-1] - flight.flight_time_s[0]) < 0.05
    assert np.all(np.diff(flown.phase.astype(int)) >= 0)


@settings(max_examples=30, deadline=None)
@given(LATITUDE, LONGITUDE, AZIMUTH, st.floats(0.35, 0.9), st.sampled_from([0, 1]), st.sampled_from(list(Mode)))
def test_what_is_solved_for_is_hit(latitude, longitude, azimuth, share, kind, mode):
    distance = max(0.5, share) * PLANS.longest_range_m[kind]
    aim = geodesic_direct(latitude, longitude, azimuth, distance)[:2]
    launch = solve_launch(PACKED, kind, latitude, longitude, *aim, mode=mode, plans=PLANS)
    assert launch.flag[0] == 0
    flight = fly_out(
        PACKED, kind, latitude, longitude, launch.azimuth_rad, launch.pitch_final_rad, launch.cutoff_s
    )  # fmt: skip
    landed = geodetic_to_ecef(flight.impact_latitude_rad[0], flight.impact_longitude_rad[0], 0.0)
    assert np.linalg.norm(np.subtract(landed, geodetic_to_ecef(*aim, 0.0))) <= 10.0
    assert launch.miss_m[0] <= 10.0


@settings(max_examples=30, deadline=None)
@given(STATES, st.floats(500.0, 10_000.0))
def test_a_prediction_and_its_path_end_together(start, beta):
    impact = predict_impacts(*start, beta)
    assert impact.flag[0] == 0
    path = predicted_path(*start, beta, 1.0)
    assert np.array_equal(path[0, 1:], np.hstack(start))
    assert np.linalg.norm(path[-1, 1:4] - impact.position_ecef_m[0]) < 400.0  # each within 200 m of the truth
    assert abs(ecef_to_geodetic(*path[-1, 1:4])[2]) < 1.0


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.floats(), st.floats(-1e7, 1e7), st.floats(-9e3, 9e3)), min_size=6, max_size=6),
    st.floats(),
)
def test_no_state_gives_a_nan_without_a_flag(numbers, beta):
    *landing, flag = predict.impact_from_state(*numbers, beta)
    assert flag != 0 or np.all(np.isfinite(landing))
    assert np.all(np.isfinite(landing)) or flag != 0


@settings(max_examples=30, deadline=None)
@given(st.floats(-2.0, 2.0), st.floats(-9.0, 9.0), st.floats(-9.0, 9.0), st.floats(-1.0, 2.0), st.floats(-10.0, 300.0))
def test_no_launch_gives_a_nan(latitude, longitude, azimuth, pitch, cutoff):
    flight = fly_out(PACKED, [0, 1], latitude, longitude, azimuth, pitch, cutoff)
    assert np.all(np.isfinite([flight.range_m, flight.apogee_m, flight.flight_time_s, flight.estimated_error_m]))
    assert np.all((flight.range_m > 0.0) == (flight.flag == 0))


LOFTS = st.builds(
    state, LATITUDE, LONGITUDE, st.floats(0.0, 400e3), AZIMUTH, st.floats(700.0, 7_300.0), st.floats(0.15, 1.5)
)


@settings(deadline=None)
@given(LOFTS)
def test_a_descent_without_air_keeps_energy_and_spin(start):
    down = descend(*start, 0.0)
    assert down.flag[0] == 0
    position, velocity = down.position_ecef_m[0], down.velocity_ecef_m_s[0]
    # To what 10 m of height, or of a state's place, weigh: the accuracy promised.
    assert abs(energy(position, velocity) - energy(*start)) < 9.8 * 10.0
    assert abs(spin(position, velocity) - spin(*start)) < 10.0 * 7_000.0


@settings(deadline=None)
@given(LOFTS)
def test_a_descent_run_back_in_time_comes_to_where_it_began(start):
    """Over an Earth that stands still time is turned by turning the velocity: back over the apogee, to the start."""
    down = descend(*start, 0.0, rotation=False)
    turned = np.hstack((down.position_ecef_m, -down.velocity_ecef_m_s))
    x, y, z = start[0]
    height_m = np.linalg.norm(start[0]) * (1.0 - A_M / math.sqrt(x * x + y * y + z * z / (1.0 - E2)))
    results, flag = np.zeros((1, coasting.RESULTS)), np.zeros(1, np.uint8)
    coasting.coast_rows(np.zeros(coasting.ROWS * LANES), turned, np.arange(1), height_m, 0.0, results, flag)
    assert flag[0] == 0
    assert np.linalg.norm(results[0, coasting.AT_X : coasting.AT_X + 3] - start[0]) < 10.0
    assert np.linalg.norm(results[0, coasting.AT_U : coasting.AT_U + 3] + start[1]) < 0.05
    assert abs(results[0, coasting.TIME_S] - down.time_s[0]) < 0.05


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.floats(), st.floats(-1e7, 1e7), st.floats(-9e3, 9e3)), min_size=6, max_size=6),
    st.floats(),
)
def test_no_descent_gives_a_nan_or_a_number_beside_a_flag(numbers, beta):
    down = descend(numbers[:3], numbers[3:], beta)
    values = np.hstack([down.time_s, down.position_ecef_m[0], down.velocity_ecef_m_s[0], down.estimated_error_m])
    assert np.all(np.isfinite(values))
    assert down.flag[0] == 0 or np.all(values == 0.0)
