"""The doors to the tracker's kernels."""

import math

import numpy as np
import pytest

from detente.flight import _kernels_predict as kernels
from detente.flight.flags import Flag
from detente.flight.prediction import coast, predict_impacts, predicted_path
from detente.geodesy._kernels import ecef_height, geodetic_to_ecef
from detente.geodesy.constants import A_M, MU_M3_S2, OMEGA_RAD_S
from detente.records.errors import InputError

HIGH = np.array((A_M + 200e3, 0.0, 0.0))


def test_objects_that_stay_up_are_flagged():
    circular = math.sqrt(MU_M3_S2 / (A_M + 200e3)) - OMEGA_RAD_S * (A_M + 200e3)
    found = predict_impacts(
        np.tile(HIGH, (3, 1)), [(0.0, circular, 0.0), (11_500.0, 0.0, 0.0), (1_000.0, 3_000.0, 0.0)], 3_000.0
    )
    assert found.flag.tolist() == [Flag.NEVER_LANDS, Flag.ESCAPES, Flag.OK]
    assert found.time_s[:2].tolist() == [0.0, 0.0]
    assert np.all(found.position_ecef_m[:2] == 0.0)
    assert abs(ecef_height(*found.position_ecef_m[2])) < 0.1


@pytest.mark.parametrize(
    ("position", "velocity"),
    [
        ((math.nan, 0.0, 0.0), (0.0, 0.0, 0.0)),
        ((A_M + 1e5, 0.0, 0.0), (0.0, math.inf, 0.0)),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
        ((1e10, 0.0, 0.0), (0.0, 0.0, 0.0)),
        ((A_M - 5e3, 0.0, 0.0), (0.0, 0.0, 0.0)),  # 5 km under the ground
        ((A_M + 1e5, 0.0, 0.0), (3e4, 0.0, 0.0)),
    ],
)
def test_states_that_cannot_be_are_flagged(position, velocity):
    found = predict_impacts(position, velocity, 3_000.0)
    assert found.flag.tolist() == [Flag.BAD_INPUT]
    assert found.time_s.tolist() == [0.0]
    assert predicted_path(position, velocity, 3_000.0, 1.0).shape == (0, 7)


def test_a_state_at_the_ground_lands_where_it_is():
    found = predict_impacts((A_M - 200.0, 0.0, 0.0), (-900.0, 50.0, 0.0), 3_000.0)
    assert found.flag.tolist() == [Flag.OK]
    assert abs(found.time_s[0]) < 1.0


@pytest.mark.parametrize("beta", [10.0, 50.0, 200.0, 1e5, 0.0])
def test_any_ballistic_coefficient_comes_down(beta):
    found = predict_impacts(HIGH, (-500.0, 4_000.0, 500.0), beta)
    assert found.flag.tolist() == [Flag.OK]
    assert abs(ecef_height(*found.position_ecef_m[0])) < 0.5


def test_a_path_that_does_not_fit_is_flagged_and_good_as_far_as_it_goes():
    whole, part = np.zeros((600, 7)), np.zeros((40, 7))
    state = (*HIGH, -500.0, 4_000.0, 500.0)
    rows, flag = kernels.predict_path(*state, 3_000.0, 1.0, 600, whole)
    rows_part, flag_part = kernels.predict_path(*state, 3_000.0, 1.0, 40, part)
    assert (flag, flag_part) == (Flag.OK, Flag.NEVER_LANDS)
    assert rows_part == 40
    assert np.array_equal(part, whole[:40])
    assert np.allclose(np.diff(whole[: rows - 1, 0]), 1.0)
    assert kernels.predict_path(*state, 3_000.0, 0.0, 40, part) == (0, Flag.BAD_INPUT)


def test_a_coarse_path_is_the_fine_one_thinned():
    fine = predicted_path(HIGH, (-500.0, 4_000.0, 500.0), 3_000.0, 1.0)
    coarse = predicted_path(HIGH, (-500.0, 4_000.0, 500.0), 3_000.0, 10.0)
    shared = np.isin(fine[:, 0].round(6), coarse[:-1, 0].round(6))
    assert np.linalg.norm(fine[shared][: len(coarse) - 1, 1:4] - coarse[:-1, 1:4], axis=1).max() < 30.0


def test_coasting_keeps_a_circle_a_circle():
    radius = A_M + 500e3
    speed = math.sqrt(MU_M3_S2 / radius * (1.0 + 1.5 * 1.0826e-3 * (A_M / radius) ** 2))
    position, _ = coast((radius, 0.0, 0.0), (0.0, speed - OMEGA_RAD_S * radius, 0.0), 600.0)
    assert np.linalg.norm(position[0]) == pytest.approx(radius, abs=1.0)
    turned = (speed / radius - OMEGA_RAD_S) * 600.0
    assert math.atan2(position[0, 1], position[0, 0]) == pytest.approx(turned, abs=1e-6)


def test_coasting_refuses_what_is_not_a_state():
    with pytest.raises(InputError, match="finite"):
        coast((math.nan, 0.0, 0.0), (0.0, 0.0, 0.0), 1.0)
    with pytest.raises(InputError, match="finite"):
        coast(HIGH, (0.0, 0.0, 0.0), 1e9)
    with pytest.raises(InputError, match="one row per object"):
        coast(HIGH, (0.0, 0.0), 1.0)


def test_impact_time_of_a_stone_dropped_from_high_up():
    start = np.array(geodetic_to_ecef(1.0, 0.3, 10_000.0))
    found = predict_impacts(start, (0.0, 0.0, 0.0), 0.0)
    assert found.time_s[0] == pytest.approx(math.sqrt(2.0 * 10_000.0 / 9.80), rel=5e-3)
