"""Whole flights: flags, batches, and what changes with rotation and drag."""

import math

import numpy as np
import pytest
from tests.made_missiles import CD, MACH, SCUD

from detente.flight.flags import Flag
from detente.flight.trajectory import ephemeris, fly_out
from detente.flight.vehicle import Missile, Stage, pack
from detente.records.errors import InputError

LAUNCHER = Missile(  # far more than any missile here needs: reaches orbit, and leaves the Earth with no payload
    "launcher",
    50.0,
    (
        Stage(100_000.0, 6_000.0, 280.0, 90.0, 2.5),
        Stage(30_000.0, 2_000.0, 300.0, 90.0, 2.0),
        Stage(9_000.0, 600.0, 300.0, 90.0, 1.3),
        Stage(2_500.0, 150.0, 300.0, 60.0, 1.0),
    ),
    MACH,
    CD,
    5_000.0,
)
WEAK = Missile("weak", 100.0, (Stage(1_000.0, 500.0, 60.0, 25.0, 0.5),), MACH, CD)
PACKED = pack((SCUD, LAUNCHER, WEAK))


def test_a_row_does_not_depend_on_its_batch():
    pitch = np.linspace(0.6, 1.0, 7)
    together = fly_out(PACKED, 0, 0.6, 0.8, 0.7, pitch)
    samples = ephemeris(PACKED, 0, 0.6, 0.8, 0.7, pitch)
    for i in (0, 3, 6):
        alone = fly_out(PACKED, 0, 0.6, 0.8, 0.7, pitch[i])
        assert alone.range_m[0] == together.range_m[i]
        assert alone.impact_longitude_rad[0] == together.impact_longitude_rad[i]
        sampled = ephemeris(PACKED, 0, 0.6, 0.8, 0.7, pitch[i])
        rows = slice(samples.offsets[i], samples.offsets[i + 1])
        assert np.array_equal(sampled.position_ecef_m, samples.position_ecef_m[rows])
        assert np.array_equal(sampled.velocity_ecef_m_s, samples.velocity_ecef_m_s[rows])


def test_samples_come_the_same_whatever_the_room(monkeypatch):
    whole = ephemeris(PACKED, 0, 0.6, 0.8, 0.7, np.linspace(0.6, 1.0, 5))
    monkeypatch.setattr("detente.flight.trajectory.SAMPLES_AT_ONCE", 50)
    pieces = ephemeris(PACKED, 0, 0.6, 0.8, 0.7, np.linspace(0.6, 1.0, 5))
    assert np.array_equal(whole.offsets, pieces.offsets)
    assert np.array_equal(whole.position_ecef_m, pieces.position_ecef_m)
    assert whole.offsets[-1] > 1_000


def test_flights_that_do_not_come_back_are_flagged():
    flights = fly_out(PACKED, 1, 0.1, 0.0, math.pi / 2, [math.radians(80.0), math.radians(-8.0), math.radians(12.0)])
    assert flights.flag[0] == Flag.ESCAPES
    assert flights.burnout_speed_m_s[0] > 11_000.0
    slow = fly_out(PACKED, 1, 0.1, 0.0, math.pi / 2, np.radians(np.arange(-20.0, 20.0, 2.0)), 290.0)
    assert Flag.NEVER_LANDS in slow.flag
    assert np.all(slow.range_m[slow.flag == Flag.NEVER_LANDS] == 0.0)
    assert np.all(slow.burnout_speed_m_s[slow.flag == Flag.NEVER_LANDS] > 7_000.0)
    assert ephemeris(PACKED, 1, 0.1, 0.0, math.pi / 2, math.radians(80.0)).offsets.tolist() == [0, 0]


def test_a_missile_that_falls_back_while_burning_is_flagged():
    flights = fly_out(PACKED, [2, 0], 0.6, 0.8, 0.7, [-0.4, -0.4])
    assert flights.flag.tolist() == [Flag.GROUND_IN_BOOST] * 2
    assert flights.range_m.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("latitude", "longitude", "azimuth", "pitch", "cutoff"),
    [
        (math.nan, 0.8, 0.7, 0.7, math.inf),
        (1.6, 0.8, 0.7, 0.7, math.inf),
        (0.6, math.inf, 0.7, 0.7, math.inf),
        (0.6, 0.8, math.nan, 0.7, math.inf),
        (0.6, 0.8, 0.7, math.nan, math.inf),
        (0.6, 0.8, 0.7, 1.6, math.inf),
        (0.6, 0.8, 0.7, 0.7, math.nan),
        (0.6, 0.8, 0.7, 0.7, 0.0),
        (0.6, 0.8, 0.7, 0.7, -3.0),
    ],
)
def test_launches_that_cannot_be_are_flagged_and_leave_no_number(latitude, longitude, azimuth, pitch, cutoff):
    flights = fly_out(PACKED, 0, latitude, longitude, azimuth, pitch, cutoff)
    assert flights.flag.tolist() == [Flag.BAD_INPUT]
    assert flights.range_m.tolist() == flights.flight_time_s.tolist() == [0.0]
    assert ephemeris(PACKED, 0, latitude, longitude, azimuth, pitch, cutoff).flag.tolist() == [Flag.BAD_INPUT]


def test_a_cut_off_before_the_last_stage_is_flagged():
    flights = fly_out(PACKED, 1, 0.6, 0.8, 0.7, 0.7, [200.0, 275.0])
    assert flights.flag[0] == Flag.BAD_INPUT
    assert flights.flag[1] == Flag.OK
    assert flights.burnout_time_s[1] == 275.0


def test_a_missile_that_is_not_packed_is_refused():
    with pytest.raises(InputError, match="0 to 2"):
        fly_out(PACKED, 3, 0.6, 0.8, 0.7, 0.7)
    with pytest.raises(InputError, match="tolerance"):
        fly_out(PACKED, 0, 0.6, 0.8, 0.7, 0.7, tolerance_m=math.nan)


def test_drag_shortens_and_the_turning_earth_helps_eastward():
    still = fly_out(PACKED, 0, 0.0, 0.0, math.pi / 2, 0.75, rotation=False)
    bare = fly_out(PACKED, 0, 0.0, 0.0, math.pi / 2, 0.75, rotation=False, drag=False)
    east = fly_out(PACKED, 0, 0.0, 0.0, math.pi / 2, 0.75)
    west = fly_out(PACKED, 0, 0.0, 0.0, -math.pi / 2, 0.75)
    assert bare.range_m[0] > 1.05 * still.range_m[0]
    assert east.range_m[0] > still.range_m[0] > west.range_m[0]
    assert still.impact_latitude_rad[0] == pytest.approx(0.0, abs=1e-9)


def test_a_given_ballistic_coefficient_replaces_the_missiles_own():
    flights = fly_out(PACKED, 0, 0.6, 0.8, 0.7, 0.75, ballistic_coefficient_kg_m2=[500.0, 5_000.0, 50_000.0])
    assert np.all(np.diff(flights.range_m) > 0.0)
    # The burn is the same for all; a row that is flown again alone differs by its numerical error.
    assert np.ptp(flights.burnout_speed_m_s) < 0.01
    bad = fly_out(PACKED, 0, 0.6, 0.8, 0.7, 0.75, ballistic_coefficient_kg_m2=[math.nan, -1.0])
    assert bad.flag.tolist() == [Flag.BAD_INPUT] * 2


def test_what_is_returned_cannot_be_changed():
    flights = fly_out(PACKED, 0, 0.6, 0.8, 0.7, 0.75)
    with pytest.raises(ValueError, match="read-only"):
        flights.range_m[0] = 0.0
