"""Single flights asked for and told: the three doors of ``detente fly``."""

import math

import numpy as np
import pytest

from detente import fly, fly_burnout, fly_observed
from detente.records.errors import InputError
from detente.scenario.catalogue import MissileFile
from detente.scenario.files import load_missile

SHARED = {
    "range_km", "apogee_km", "flight_time_s", "burnout_speed_m_s", "burnout_altitude_km", "impact", "estimated_error_m",
}  # fmt: skip


def own(**changes):
    """A missile of the caller's own."""
    said = {
        "name": "mine", "source": "made up", "payload_kg": 1_000.0, "cd": ((0.0, 0.2), (1.0, 0.3)),
        "stages": ({"fuelled_kg": 4_897, "dry_kg": 1_198, "isp_s": 230, "burn_s": 75, "diameter_m": 0.84},),
    }  # fmt: skip
    return MissileFile.model_validate({**said, **changes})


def numbers_of(value):
    """Every number in a document, at any depth."""
    if isinstance(value, dict):
        return [number for part in value.values() for number in numbers_of(part)]
    if isinstance(value, list):
        return [number for part in value for number in numbers_of(part)]
    return [value] if isinstance(value, float) else []


@pytest.mark.parametrize(
    "flyout",
    [
        lambda: fly("forden-scud-b"),
        lambda: fly("sejjil-2", aim_deg=(38.0, 40.0), loft="lofted"),
        lambda: fly_burnout(3_000.0, 40.0, altitude_km=60.0),
        lambda: fly_observed(950.0, 4_475.0),
    ],
    ids=["longest", "aimed", "burnout", "observed"],
)
def test_a_document_and_its_path_tell_the_same_flight(flyout):
    result = flyout()
    told, path = result.document, result.path
    assert set(told) >= SHARED
    assert np.isfinite(numbers_of(told)).all()
    assert path.downrange_m[-1] / 1e3 == pytest.approx(told["range_km"], abs=0.01)
    assert path.altitude_m.max() / 1e3 == pytest.approx(told["apogee_km"], abs=0.3)
    assert path.time_s[-1] == pytest.approx(told["flight_time_s"], abs=0.02)
    assert np.degrees(path.lat_rad[-1]) == pytest.approx(told["impact"]["lat_deg"], abs=1e-4)
    assert np.degrees(path.lon_rad[-1]) == pytest.approx(told["impact"]["lon_deg"], abs=1e-4)
    assert abs(path.altitude_m[-1]) < 1.0
    assert np.all(np.diff(path.time_s) > 0.0)
    assert told["estimated_error_m"] < 50.0


def test_without_an_aim_no_other_pitch_goes_farther():
    best = fly("shahab-3").document
    assert best["loft"] == "longest-range"
    assert fly("shahab-3", max_range=True).document == best
    for pitch in (best["final_pitch_deg"] - 3.0, best["final_pitch_deg"] + 3.0):
        held = fly("shahab-3", loft=pitch).document
        assert held["loft"] == "held-pitch"
        assert held["final_pitch_deg"] == pytest.approx(pitch)
        assert held["range_km"] < best["range_km"]


@pytest.mark.parametrize("loft", ["minimum-energy", "lofted", "depressed", 50.0])
def test_an_aim_is_hit_in_the_way_asked_for(loft):
    told = fly("shahab-3", aim_deg=(40.0, 45.0), loft=loft).document
    assert told["aim"]["miss_m"] <= 10.0
    assert told["impact"]["lat_deg"] == pytest.approx(40.0, abs=2e-4)
    full_burn = told["burnout_time_s"] == 95.0
    assert full_burn == (loft in ("lofted", "depressed"))
    assert told["loft"] == (loft if isinstance(loft, str) else "held-pitch")


def test_an_aim_too_near_to_stop_for_is_lofted_to_and_says_so():
    told = fly("sejjil-2", aim_deg=(35.5, 51.0)).document
    assert [c for c in told["cautions"] if "lofted at full burn" in c]
    assert [c for c in told["cautions"] if "fitted" in c]
    assert fly("forden-scud-b").document["cautions"] == []
    assert told["aim"]["miss_m"] <= 10.0


def test_payload_air_and_rotation_do_what_they_must():
    plain = fly("forden-scud-b", rotation=False).document
    assert fly("forden-scud-b", rotation=False, payload_kg=700.0).document["range_km"] > plain["range_km"]
    assert fly("forden-scud-b", rotation=False, drag=False).document["range_km"] > plain["range_km"]
    east, west = (fly("shahab-3", azimuth_deg=azimuth).document["range_km"] for azimuth in (90.0, 270.0))
    assert east > fly("shahab-3", rotation=False, azimuth_deg=90.0).document["range_km"] > west


def test_a_missile_of_ones_own_flies_whole_without_a_ballistic_coefficient():
    whole, front = fly(own()).document, fly(own(ballistic_coefficient_kg_m2=3_000.0)).document
    assert whole["assumptions"]["ballistic_coefficient_kg_m2"] is None
    assert front["assumptions"]["ballistic_coefficient_kg_m2"] == 3_000.0
    assert 0.0 < abs(whole["range_km"] - front["range_km"]) < 20.0


def test_a_low_burnout_in_air_is_cautioned():
    assert fly_burnout(2_000.0, 45.0).document["cautions"]
    assert not fly_burnout(2_000.0, 45.0, altitude_km=40.0).document["cautions"]
    assert not fly_burnout(2_000.0, 45.0, drag=False).document["cautions"]
    assert not fly_burnout(2_000.0, -45.0, altitude_km=20.0).document["cautions"], "it has no way up"


def test_an_observed_test_tells_its_missile():
    told = fly_observed(950.0, 4_475.0, flight_time_s=3_180.0, start_deg=(39.0, 125.0)).document
    for name, span in {**told["interval"], "standard_range_km": told["standard_range_km"]}.items():
        assert span["low"] <= span["mean"] <= span["high"], name
    assert told["range_km"] == pytest.approx(950.0, abs=0.02)
    assert told["apogee_km"] == pytest.approx(4_475.0, abs=0.02)
    assert told["interval"]["flight_time_s"]["low"] == pytest.approx(3_180.0, abs=30.1)
    assert told["draws"]["solved"] > 0.9 * told["draws"]["all"]
    assert told["impulsive"]["burnout_speed_m_s"] > told["interval"]["burnout_speed_m_s"]["high"]
    assert told["azimuth_known"] is False
    assert max(told["explains"], key=told["explains"].__getitem__) == "loss_share"
    assert told["explains"]["bearing_rad"] > 0.05
    assert 0.6 < sum(told["explains"].values()) < 1.4  # nearly all that there is, nearly additive


def test_the_turning_earth_adds_to_a_standard_range_eastward():
    east, west = (fly_observed(950.0, 4_475.0, azimuth_deg=azimuth).document for azimuth in (90.0, 270.0))
    still = fly_observed(950.0, 4_475.0, azimuth_deg=90.0, rotation=False).document
    assert east["azimuth_known"] is west["azimuth_known"] is True
    means = [told["standard_range_km"]["mean"] for told in (west, still, east)]
    assert means == sorted(means)
    assert east["explains"]["bearing_rad"] == 0.0
    assert means[2] > 1.05 * means[0]


BAD = [
    (lambda: fly("forden-scub"), "MISSILE", "did you mean 'forden-scud-b'?"),
    (lambda: fly("forden-scud-b", payload_kg=0.0), "--payload-kg", "correct the number"),
    (lambda: fly("forden-scud-b", payload_kg=-5.0), "--payload-kg", "correct the number"),
    (lambda: fly("forden-scud-b", payload_kg=math.nan), "--payload-kg", "correct the number"),
    (lambda: fly("forden-scud-b", payload_kg=9_000.0), "--payload-kg", "lighter"),
    (lambda: fly("forden-scud-b", azimuth_deg=math.inf), "--azimuth", "correct the number"),
    (lambda: fly("forden-scud-b", start_deg=(91.0, 0.0)), "--from", "LAT,LON"),
    (lambda: fly("forden-scud-b", aim_deg=(math.nan, 0.0)), "--to", "LAT,LON"),
    (lambda: fly("forden-scud-b", aim_deg=(36.0, 52.0), azimuth_deg=40.0), "--to", "leave one out"),
    (lambda: fly("forden-scud-b", aim_deg=(36.0, 52.0), max_range=True), "--max-range", "--to"),
    (lambda: fly("forden-scud-b", loft=45.0, max_range=True), "--max-range", "--loft"),
    (lambda: fly("forden-scud-b", loft="high"), "--loft", "choose one"),
    (lambda: fly("forden-scud-b", loft="lofted"), "--loft", "--to LAT,LON"),
    (lambda: fly("forden-scud-b", loft=95.0), "--loft", "correct the number"),
    (lambda: fly("forden-scud-b", loft=-20.0), "--loft", "steeper"),
    (lambda: fly_burnout(math.nan, 40.0), "--burnout-speed", "correct the number"),
    (lambda: fly_burnout(3_000.0, 91.0), "--burnout-angle", "correct the number"),
    (lambda: fly_burnout(3_000.0, -1.0), "--burnout-angle", "--burnout-altitude-km"),
    (lambda: fly_burnout(3_000.0, 40.0, altitude_km=-1.0), "--burnout-altitude-km", "correct the number"),
    (lambda: fly_burnout(3_000.0, 40.0, ballistic_coefficient_kg_m2=0.0), "--ballistic-coefficient", "correct"),
    (lambda: fly_observed(-1.0, 100.0), "--observed-range-km", "correct the observation"),
    (lambda: fly_observed(100.0, math.nan), "--observed-apogee-km", "correct the observation"),
    (lambda: fly_observed(100.0, 100.0, boost_s=0.0), "--boost-s", "correct the observation"),
    (lambda: fly_observed(950.0, 4_475.0, flight_time_s=2_000.0), "--observed-time-s", "leave the time out"),
    (lambda: fly_observed(950.0, 6.0), "--observed-apogee-km", "glides"),
]


@pytest.mark.parametrize(("ask", "path", "remedy"), BAD, ids=[f"{i}{case[1]}" for i, case in enumerate(BAD)])
def test_what_cannot_be_flown_is_refused_in_words(ask, path, remedy):
    with pytest.raises(InputError) as raised:
        ask()
    assert raised.value.path == path
    assert remedy in raised.value.remedy
    assert raised.value.found
    assert raised.value.expected


def test_an_aim_beyond_reach_is_told_with_its_shortfall():
    with pytest.raises(InputError) as raised:
        fly("forden-scud-b", aim_deg=(40.0, 51.0))
    assert "555 km away" in raised.value.found
    reach = fly("forden-scud-b", azimuth_deg=0.0).document["range_km"]
    short = float(raised.value.found.split("away, ")[1].split(" km")[0])
    assert short == pytest.approx(554.9 - reach, abs=1.0)
    with pytest.raises(InputError, match="km too near"):
        fly("shahab-3", aim_deg=(35.2, 51.0), loft="depressed")
    with pytest.raises(InputError, match="beyond reach at a final pitch of 80°"):
        fly("shahab-3", aim_deg=(40.0, 45.0), loft=80.0)


def test_an_orbit_is_told_with_its_perigee():
    with pytest.raises(InputError, match=r"an orbit that never lands: perigee 193 km, apogee 2,0\d\d km"):
        fly_burnout(8_000.0, 0.0, altitude_km=200.0)
    with pytest.raises(InputError, match="leaves the Earth for good"):
        fly_burnout(12_000.0, 40.0)
    with pytest.raises(InputError, match="perigee up to"):
        fly("notional-icbm-solid", payload_kg=100.0)
    with pytest.raises(InputError, match="perigee"):
        fly("notional-icbm-solid", payload_kg=100.0, loft=2.0)


def test_an_entry_may_be_given_instead_of_its_name():
    assert fly(load_missile("qiam")).document == fly("qiam").document
