"""From what was seen of a test to what the missile can do: blind, and against the closed form."""

import dataclasses
import math

import numpy as np
import pytest
from tests import made_missiles as made

from detente.flight.aiming import max_range
from detente.flight.inversion import Observation, Unknowns, invert, unknowns
from detente.flight.trajectory import fly_out
from detente.flight.twobody import arc_of, farthest_impulse
from detente.flight.vehicle import pack
from detente.geodesy.distance import shortest_paths
from detente.records.errors import InputError

SLACK = 1e-3  # of a value, at the ends of an interval
DRAWS = 96


def inside(values, truth):
    low, high = np.percentile(values, (2.5, 97.5))
    return low * (1.0 - SLACK) <= truth <= high * (1.0 + SLACK)


def blind(seed, known):
    """Fly a made-up missile somewhere, somehow; invert what was seen; is the truth in the intervals?"""
    rng = np.random.default_rng(1_000 + seed)
    missile = made.made_missile(200 + seed)
    packed = pack([missile])
    if seed % 2:  # another pitch programme than the one that the ranges were measured on
        body = packed.body.copy()
        body[:, 0], body[:, 1] = 10.0, 0.8 * body[:, 2]
        packed = dataclasses.replace(packed, body=body)
    pad = (rng.uniform(-1.0, 1.0), rng.uniform(-math.pi, math.pi))
    azimuth = rng.uniform(-math.pi, math.pi)
    best = max_range(packed, 0, *pad, azimuth).pitch_final_rad[0]
    flight = fly_out(packed, 0, *pad, azimuth, rng.uniform(best, math.radians(88.0)))
    assert flight.flag[0] == 0
    impact = np.array((flight.impact_latitude_rad[0], flight.impact_longitude_rad[0]))
    bearing = float(shortest_paths(np.array(pad), impact).azimuth_start_rad[0])
    standard = max_range(packed, 0, *pad, bearing).range_m[0]
    seen = Observation(
        range_m=flight.range_m[0],
        apogee_m=flight.apogee_m[0],
        boost_s=missile.burn_s if "boost" in known else None,
        flight_time_s=60.0 * round(flight.flight_time_s[0] / 60.0) if "time" in known else None,
    )
    found = invert(seen, *pad, unknowns(bearing if "bearing" in known else None, draws=DRAWS))
    rows = found.solved
    assert rows.sum() > 0.4 * len(rows)
    assert found.flights.range_m[rows] == pytest.approx(flight.range_m[0], abs=20.0)
    assert found.flights.apogee_m[rows] == pytest.approx(flight.apogee_m[0], abs=10.0)
    return {
        "speed": inside(found.flights.burnout_speed_m_s[rows], flight.burnout_speed_m_s[0]),
        "height": inside(found.flights.burnout_altitude_m[rows], flight.burnout_altitude_m[0]),
        "time": inside(found.flights.flight_time_s[rows], flight.flight_time_s[0]),
        "standard": inside(found.standard_range_m[rows], standard),
        "error": abs(found.standard_range_m[rows].mean() / standard - 1.0),
    }


@pytest.mark.parametrize("known", [(), ("boost", "bearing"), ("time",)], ids=["nothing", "boost and bearing", "time"])
def test_the_truth_lies_in_the_intervals_of_blind_tests(known):
    found = [blind(seed, known) for seed in range(20)]
    for name in ("speed", "height", "time", "standard"):
        assert sum(row[name] for row in found) >= 17, name  # 95 of 100 is meant; 17 of 20 leaves room for chance
    assert np.median([row["error"] for row in found]) < 0.06


def test_boost_is_seen_to_matter_less_the_more_is_known():
    seen = Observation(range_m=950e3, apogee_m=4_475e3)
    timed = dataclasses.replace(seen, flight_time_s=3_180.0, flight_time_error_s=30.0)
    widths = []
    for observation in (seen, timed, dataclasses.replace(seen, boost_s=240.0)):
        found = invert(observation, 0.68, 2.18, unknowns(0.9, draws=DRAWS))
        assert found.solved.all()
        widths.append(float(np.ptp(found.flights.burnout_speed_m_s)))
    assert widths[0] > 1.5 * widths[1] > 1.5 * widths[2]


@pytest.mark.parametrize(("range_km", "apogee_km"), [(300, 75), (950, 4_475), (3_000, 655), (5_000, 400), (50, 900)])
def test_a_short_boost_without_air_or_rotation_is_the_closed_form(range_km, apogee_km):
    seen = Observation(range_m=range_km * 1e3, apogee_m=apogee_km * 1e3, boost_s=1.0)
    found = invert(seen, 0.6, 0.9, unknowns(0.7, draws=8), rotation=False, drag=False)
    arc = arc_of(range_km * 1e3, apogee_km * 1e3)
    assert found.solved.all()
    # The impulse is had on the ground, the boost ends some 400 to 3,000 m above it.
    at_ground = np.sqrt(found.flights.burnout_speed_m_s**2 + 2.0 * 9.8 * found.flights.burnout_altitude_m)
    assert at_ground == pytest.approx(np.full(9, arc.speed_m_s[0]), rel=0.004)
    assert found.elevation_rad == pytest.approx(np.full(9, arc.elevation_rad[0]), abs=0.012)
    assert found.flights.flight_time_s == pytest.approx(np.full(9, arc.time_s[0]), rel=0.01)
    assert found.standard_range_m == pytest.approx(np.full(9, farthest_impulse(at_ground).range_m), rel=0.012)


def test_draws_are_the_same_every_time_and_fill_their_ranges():
    first, second = unknowns(None), unknowns(None)
    for part in dataclasses.fields(Unknowns):
        values = getattr(first, part.name)
        assert np.array_equal(values, getattr(second, part.name))
        shares = np.sort(np.log(values) if part.name.startswith(("acc", "ball")) else values)
        even = np.linspace(shares[0], shares[-1], len(shares))
        assert np.abs(shares - even).max() < 0.03 * (shares[-1] - shares[0])
    assert first.chord_share[0] == pytest.approx(0.40)
    assert np.all(unknowns(0.4).bearing_rad == 0.4)


def test_a_time_that_cannot_be_solves_nothing():
    seen = Observation(range_m=950e3, apogee_m=4_475e3, flight_time_s=2_000.0)
    assert not invert(seen, 0.68, 2.18, unknowns(0.9, draws=8)).solved.any()


@pytest.mark.parametrize(
    ("field", "value"),
    [("range_m", -1.0), ("range_m", math.nan), ("range_m", 3e7), ("apogee_m", 0.0), ("apogee_m", math.inf),
     ("boost_s", 0.0), ("flight_time_s", -5.0), ("flight_time_error_s", math.nan)],
)  # fmt: skip
def test_an_observation_that_cannot_be_is_refused(field, value):
    with pytest.raises(InputError) as raised:
        Observation(**{"range_m": 1e6, "apogee_m": 1e6, field: value})
    assert raised.value.path == field
