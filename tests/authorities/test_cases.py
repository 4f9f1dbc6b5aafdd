"""Published outcomes, each with its source and the tolerance we hold it to."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from tests.authorities.published import MINIMUM_ENERGY

from detente.flight.aiming import max_range
from detente.flight.twobody import RADIUS_M, minimum_energy
from detente.flight.vehicle import Missile, Stage, pack
from detente.geodesy.constants import MU_M3_S2

# Case 2. G. Forden, "GUI_Missile_Flyout: a general program for simulating ballistic missiles", Science & Global
# Security 15 (2007): parameters and maximum ranges. They are another model's outputs; our profile (vertical rise, then
# a linear pitch to one free angle) is not his, and nothing was fitted to his ranges but that angle, maximised. The 7 %
# was chosen after a first quick integrator of ours gave 301, 715 and 985 km.
FORDEN_MACH, FORDEN_CD = (0.0, 0.85, 1.0, 1.2, 2.0, 4.5), (0.20, 0.20, 0.27, 0.27, 0.20, 0.20)
FORDEN = [
    (Missile("Scud-B", 1_000.0, (Stage(4_897.0, 1_198.0, 230.0, 75.0, 0.84),), FORDEN_MACH, FORDEN_CD), 288.0),
    (Missile("Al Hussein", 191.0, (Stage(6_073.0, 1_334.0, 230.0, 90.0, 0.84),), FORDEN_MACH, FORDEN_CD), 693.0),
    (Missile("No-dong", 1_000.0, (Stage(19_900.0, 3_900.0, 240.0, 70.0, 0.88),), FORDEN_MACH, FORDEN_CD), 973.0),
]


@pytest.mark.parametrize(("range_km", "speed", "elevation", "apogee", "time"), MINIMUM_ENERGY)
def test_minimum_energy_flight(range_km, speed, elevation, apogee, time):
    found = minimum_energy(range_km * 1e3)
    assert found.speed_m_s[0] / 1e3 == pytest.approx(speed, rel=1e-3)
    assert math.degrees(found.elevation_rad[0]) == pytest.approx(elevation, rel=1e-3)
    assert found.apogee_m[0] / 1e3 == pytest.approx(apogee, rel=1e-3, abs=0.5)
    assert found.time_s[0] == pytest.approx(time, rel=1e-3, abs=0.5)


@pytest.mark.parametrize(("range_km", "speed", "elevation", "apogee", "time"), MINIMUM_ENERGY)
def test_a_body_thrown_so_really_flies_that_far(range_km, speed, elevation, apogee, time):
    """The closed form against Newton's law alone, integrated over the same sphere: range, apogee and time to 0.1 %."""
    found = minimum_energy(range_km * 1e3)
    up, along = (found.speed_m_s[0] * part(found.elevation_rad[0]) for part in (math.sin, math.cos))

    def fall(_, s):
        pull = -MU_M3_S2 / math.hypot(s[0], s[1]) ** 3
        return [s[2], s[3], pull * s[0], pull * s[1]]

    def ground(_, s):
        return math.hypot(s[0], s[1]) - RADIUS_M

    ground.terminal, ground.direction = True, -1.0
    flown = solve_ivp(
        fall, (0.0, 5_000.0), [RADIUS_M, 0.0, up, along], events=ground, rtol=1e-10, atol=1e-4, dense_output=True
    )  # fmt: skip
    end = flown.y_events[0][0]
    highest = max(math.hypot(*flown.sol(t)[:2]) for t in np.linspace(0.0, flown.t_events[0][0], 2_001)) - RADIUS_M
    assert RADIUS_M * math.atan2(end[1], end[0]) / 1e3 == pytest.approx(range_km, rel=1e-3)
    assert highest / 1e3 == pytest.approx(apogee, rel=1e-3, abs=0.5)
    assert flown.t_events[0][0] == pytest.approx(time, rel=1e-3, abs=0.5)


@pytest.mark.parametrize(("missile", "published_km"), FORDEN, ids=[missile.name for missile, _ in FORDEN])
def test_maximum_range_of_published_missiles(missile, published_km):
    packed = pack([missile])
    reach = max_range(packed, 0, math.radians(33.0), math.radians(44.0), math.radians(40.0), rotation=False)
    assert reach.flag[0] == 0
    assert reach.range_m[0] / 1e3 == pytest.approx(published_km, rel=0.07)
    assert math.radians(35.0) < reach.pitch_final_rad[0] < math.radians(50.0)


def test_maximum_range_does_not_hang_on_where_the_still_earth_is_left():
    packed = pack([missile for missile, _ in FORDEN])
    reach = max_range(packed, np.repeat([0, 1, 2], 3), np.tile([0.0, 0.6, -1.2], 3), 0.0, 0.7, rotation=False)
    by_place = reach.range_m.reshape(3, 3)
    assert np.all(np.ptp(by_place, axis=1) < 0.01 * by_place.mean(axis=1))
