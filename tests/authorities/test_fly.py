"""What ``detente fly`` is held to in public: Forden's ranges, the minimum-energy table, tests the world watched."""

import numpy as np
import pytest
from tests.authorities.published import MINIMUM_ENERGY

from detente import fly, fly_burnout, fly_observed

# Case 2. G. Forden, Science & Global Security 15 (2007); another model's outputs. The 7 % was chosen after a first
# quick integrator of ours gave 301, 715 and 985 km. Nothing is fitted but the one free pitch, maximised.
FORDEN = [("forden-scud-b", 288.0), ("forden-al-hussein", 693.0), ("forden-no-dong", 973.0)]

# Tests on lofted paths, as reported, and what analysts then said of a standard one. Reports round; so do analysts.
WATCHED = [  # range km, apogee km, time min, standard range km, source
    (787, 2_111, 30, 4_500, "CSIS, missilethreat.csis.org/north-korea-tests-new-irbm, 2017; time: press of July 2017"),
    (930, 2_800, 39, 7_000, "CSIS, missilethreat.csis.org/north-korea-tests-icbm, 2017: 'as much as 7,000 km'"),
    (960, 4_500, 54, 13_000, "D. Wright, blog.ucsusa.org/david-wright/nk-longest-missile-test-yet, 2017: 'more than'"),
]
WONSAN_DEG = (39.2, 127.4)


@pytest.mark.parametrize(("name", "published_km"), FORDEN)
def test_fly_gives_the_published_ranges(name, published_km):
    told = fly(name, max_range=True, rotation=False, azimuth_deg=40.0).document
    assert told["range_km"] == pytest.approx(published_km, rel=0.07)
    assert told["estimated_error_m"] < 10.0


@pytest.mark.parametrize(("range_km", "speed", "elevation", "apogee_km", "time_s"), MINIMUM_ENERGY)
def test_fly_gives_the_minimum_energy_table(range_km, speed, elevation, apogee_km, time_s):
    for start in ((0.0, 10.0), (35.0, 51.0), (-70.0, 0.0)):
        told = fly_burnout(
            speed * 1e3, elevation, rotation=False, drag=False, start_deg=start, azimuth_deg=40.0
        ).document
        assert told["range_km"] == pytest.approx(range_km, rel=0.012)
        assert told["apogee_km"] == pytest.approx(apogee_km, rel=0.012)
        assert told["flight_time_s"] == pytest.approx(time_s, rel=0.012)


@pytest.mark.parametrize(("range_km", "apogee_km", "minutes", "standard_km", "source"), WATCHED)
def test_the_interval_of_a_watched_test_holds_what_analysts_said(range_km, apogee_km, minutes, standard_km, source):
    told = fly_observed(range_km, apogee_km, start_deg=WONSAN_DEG).document
    standard, time = told["standard_range_km"], told["interval"]["flight_time_s"]
    assert standard["low"] <= standard_km <= standard["high"], source
    assert standard["low"] > 0.5 * standard_km
    assert standard["high"] < 1.5 * standard_km
    assert time["low"] - 30.0 <= 60.0 * minutes <= time["high"] + 30.0, source
    assert np.isfinite(told["range_km"])
