"""The package as Python users meet it: names, types that are taken, and words for those that are not."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import detente
from detente.records.errors import InputError
from detente.records.results import FollowedTracks
from detente.scenario.files import load_scenario
from detente.scoring.files import STATE

PATHS = pd.DataFrame([[1, 0, 0, 0, 0, 0, 0, 0]], columns=["object", "time_s", *STATE])


def test_the_doors_are_listed_before_they_are_opened():
    """A notebook completes names from dir(); nothing else stands there, and nothing is imported for it."""
    code = (
        "import sys, detente; print([name for name in dir(detente) if name[0] != '_'] == sorted(detente.__all__));"
        "print('numpy' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert shown == ["True", "False"]
    assert detente.InputError is InputError
    for name in detente.__all__:
        assert getattr(detente, name).__doc__


def test_numpys_whole_numbers_are_whole_numbers():
    """What is refused is the architecture, named whole: a single name is one architecture and not its letters."""
    with pytest.raises(InputError, match="unknown architecture 'nope'"):
        detente.study("theatre-2011", replicates=np.int64(3), seed=np.uint8(2), architectures="nope")
    with pytest.raises(InputError, match="--replicates is '20'"):
        detente.study("theatre-2011", replicates="20")
    with pytest.raises(InputError, match=r"--replicates is 2\.5"):
        detente.study("theatre-2011", replicates=2.5)


def test_one_value_set_needs_no_list():
    assert load_scenario("theatre-2011", set_values="tick_s=10").file.tick_s == 10
    assert load_scenario("theatre-2011", set_values=["tick_s=10"]).file.tick_s == 10


@pytest.mark.parametrize(
    ("ask", "option"),
    [
        (lambda: detente.fly("shahab-3", azimuth_deg="40"), "--azimuth: '40'"),
        (lambda: detente.fly("shahab-3", start_deg=(35,)), "--from: (35,)"),
        (lambda: detente.fly("shahab-3", start_deg="35,51"), "--from: '35,51'"),
        (lambda: detente.fly("shahab-3", aim_deg=("38", "40")), "--to: ('38', '40')"),
        (lambda: detente.fly("shahab-3", payload_kg="heavy"), "--payload-kg: 'heavy'"),
        (lambda: detente.fly_burnout(None, 45), "--burnout-speed: None"),
        (lambda: detente.fly_burnout(np.array([3e3, 4e3]), 45), "--burnout-speed: array("),
        (lambda: detente.fly_observed(960, "4500"), "--observed-apogee-km: '4500'"),
        (lambda: detente.score(PATHS.rename(columns={"object": "track"}), PATHS, cutoff_m="5"), "cutoff_m is '5'"),
    ],
)
def test_what_is_no_number_is_refused_in_words(ask, option):
    with pytest.raises(InputError) as caught:
        ask()
    assert option in str(caught.value)


SENSORS = """
sensors:
  - {name: R, latitude_deg: 40, longitude_deg: 30, sigma_range_m: 50, sigma_azimuth_deg: 0.1, sigma_elevation_deg: 0.1}
"""
LOOKS = {
    "time_s": [0.0, 10.0], "sensor": ["R", "R"], "range_m": [1e6, 1e6], "azimuth_deg": [9.0, 9.0],
    "elevation_deg": [30.0, 30.0],
}  # fmt: skip


@pytest.fixture
def sensors(tmp_path):
    (tmp_path / "sensors.yaml").write_text(SENSORS)
    return tmp_path / "sensors.yaml"


def test_tables_of_every_kind_are_followed(sensors, tmp_path):
    want = detente.track(LOOKS, sensors).document
    assert detente.track(pd.DataFrame(LOOKS), str(sensors)).document == want
    written = detente.track(LOOKS, sensors, out=str(tmp_path / "out"))
    assert len(pd.read_parquet(tmp_path / "out" / "tracks.parquet")) == want["rows"]
    assert len(written.tracks) == 0


@pytest.mark.parametrize("detections", [[1, 2], None, [{"time_s": 0.0}], {"time_s": [1.0], "sensor": ["R", "R"]}])
def test_what_is_no_table_is_refused(sensors, detections):
    with pytest.raises(InputError, match="columns by name, all of one length"):
        detente.track(detections, sensors)


@pytest.mark.parametrize("room", [0, -1, 1.5, "2"])
def test_room_for_no_track_is_refused(sensors, room):
    with pytest.raises(InputError, match="room for at least 1 track"):
        detente.track(LOOKS, sensors, most_tracks=room)


def test_what_comes_back_is_shown_in_a_line():
    """In a notebook every value is: a study's scenario and tables would be pages of numbers."""
    assert repr(FollowedTracks.empty()) == f"FollowedTracks(0 rows: {', '.join(FollowedTracks.arrow_schema().names)})"
    flight = detente.fly_burnout(3016, 42.75, rotation=False, drag=False)
    assert repr(flight) == "Flyout(Burn-out at 3,016 m/s, 42.75°: range 1,001.3 km, apogee 239.9 km, 474.4 s)"
    assert repr(load_scenario("theatre-2011")).startswith("Scenario(theatre-2011: NATO, Russia; digest ")
