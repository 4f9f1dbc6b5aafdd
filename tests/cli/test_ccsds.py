"""``detente ccsds``: detections out as a TDM and in again, to the tracks that they give; bad files end with 2."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests import made_tracking as made
from tests.made_disks import little_room

from detente.gateway.ccsds.ephemeris import Ephemeris, write_oem
from detente.gateway.ccsds.tracking import write_tdm
from detente.gateway.following import track
from detente.records.results import FollowedTracks
from detente.records.stages import Detections, TrackHistory

EPOCH = datetime(2011, 6, 1, 12, tzinfo=UTC)
SENSORS = """
frame: local
azimuth: counterclockwise-from-x
sensors:
  - {name: R1, position_m: [0, 0, 0], sigma_range_m: 50, sigma_azimuth_rad: 0.001, sigma_elevation_rad: 0.001}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A TDM of a small raid, the same detections as a table, sensors, and an OEM."""
    place = tmp_path_factory.mktemp("ccsds")
    plots = made.plots_of(made.fly(6, 3, scans=30)[1])
    zeros = np.zeros(len(plots.time_s))
    said = Detections(
        replicate=zeros, time_s=plots.time_s, sensor=zeros, kind=zeros + 1, range_m=plots.range_m,
        azimuth_rad=plots.azimuth_rad, elevation_rad=plots.elevation_rad, sigma_range_m=zeros + 50.0,
        sigma_azimuth_rad=zeros + 1e-3, sigma_elevation_rad=zeros + 1e-3, snr_db=zeros,
    )  # fmt: skip
    pq.write_table(said.to_arrow(), place / "own.parquet")
    (place / "raid.tdm").write_text(write_tdm(said, ["R1"], "NATO", EPOCH, EPOCH))
    (place / "sensors.yaml").write_text(SENSORS)
    flight = Ephemeris(
        name="NATO-7", time_s=np.arange(3.0), state=np.ones((3, 6)) * 1e6, covariance=np.ones((3, 21))
    )  # fmt: skip
    (place / "flight.oem").write_text(write_oem([flight], "NATO", EPOCH, EPOCH))
    return place


@pytest.mark.parametrize("name", ["read.parquet", "read.csv"])
def test_a_tdm_gives_the_tracks_of_the_detections(command, folder, name):
    out = folder / name
    done = command("ccsds", "read", folder / "raid.tdm", "--epoch", "2011-06-01T12:00:00Z", "--out", out)
    assert done.exit_code == 0, done.output
    assert "R1: 3" in done.stdout
    assert "kind: radar, angles: horizon" in done.stdout
    assert command("track", out, "--sensors", folder / "sensors.yaml", "--out", folder / "t").exit_code == 0
    found = FollowedTracks.from_arrow(pq.read_table(folder / "t" / "tracks.parquet"))
    want = track(folder / "own.parquet", folder / "sensors.yaml").tracks
    assert len(found) == len(want) > 150
    for column, _ in FollowedTracks.columns():
        assert np.allclose(getattr(found, column), getattr(want, column), rtol=1e-7, atol=1e-7), column


def test_read_tells_each_kind_of_message(command, folder):
    said = json.loads(command("ccsds", "read", folder / "raid.tdm", "--json").stdout)
    assert said["sensors"]["R1"] == {"detections": len(said["detections"]), "ranged": True, "angles": "horizon"}
    assert (said["skipped"], said["written"]) == ({}, None)
    (one,) = json.loads(command("ccsds", "read", folder / "flight.oem", "--json").stdout)
    assert (one["name"], len(one["state"]), one["covariances_left_out"]) == ("NATO-7", 3, 0)
    assert "NATO-7: 3 states, 0.000 to 2.000 s" in command(
        "ccsds", "read", folder / "flight.oem", "--epoch", "2011-06-01T12:00:00Z"
    ).stdout  # fmt: skip
    for file in ("flight.oem", "raid.tdm"):
        assert "seconds are counted from 2000-01-01T00:00:00Z" in command("ccsds", "read", folder / file).stdout


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("flight.oem", "--out", "x.csv"), "an OEM with --out"),
        (("raid.tdm", "--two-way", "half"), "--two-way 'half'"),
        (("raid.tdm", "--out", "no/such/x.csv"), "cannot be written"),
        (("raid.tdm", "--out", "x.txt"), "NAME.parquet or NAME.csv"),
        (("sensors.yaml",), "CCSDS_OEM_VERS = … or CCSDS_OCM_VERS = … or CCSDS_TDM_VERS"),
        (("none",), "cannot be read"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(command, folder, words, complaint):
    file, *rest = words
    done = command("ccsds", "read", folder / file, *rest)
    assert done.exit_code == 2
    assert complaint in done.stderr


@pytest.fixture(scope="module")
def run(folder) -> Path:
    """A run's folder with what `write` reads: the raid seen by the first side's radar, and nothing else."""
    place = folder / "run"
    place.mkdir()
    setting = {
        "epoch": EPOCH.isoformat(), "sides": ["NATO", "Russia"], "agreement": None,
        "sensors": [{"name": "R1", "side": "NATO"}, {"name": "R2", "side": "Russia"}],
    }  # fmt: skip
    (place / "setting.json").write_text(json.dumps(setting))
    (place / "detections.parquet").write_bytes((folder / "own.parquet").read_bytes())
    pq.write_table(TrackHistory.empty().to_arrow(), place / "tracks.parquet")
    return place


def test_a_run_is_written_as_it_is_read(command, folder, run):
    out = folder / "run.tdm"
    words = ("ccsds", "write", run, "--kind", "tdm", "--side", "NATO")
    assert command(*words, "--out", out).exit_code == 0
    assert out.read_text().splitlines()[4:] == (folder / "raid.tdm").read_text().splitlines()[4:]
    before = out.read_bytes()
    again = command(*words, "--out", out)
    assert (again.exit_code, "there already" in again.stderr, out.read_bytes() == before) == (2, True, True)


@pytest.mark.parametrize("name", ["small.csv", "small.parquet", "small.tdm"])
def test_a_write_that_fails_leaves_nothing_in_the_way_of_the_next(command, folder, run, tmp_path, name):
    out = tmp_path / name
    words = ("read", folder / "raid.tdm") if out.suffix != ".tdm" else ("write", run, "--kind", "tdm", "--side", "NATO")
    with little_room(500):
        done = command("ccsds", *words, "--out", out)
    assert (done.exit_code, "cannot be written: File too large" in done.stderr) == (2, True), done.output
    assert list(tmp_path.iterdir()) == []
    assert command("ccsds", *words, "--out", out).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("kind", ["oem", "tdm"])
def test_no_side_of_several_is_chosen_for_the_user(command, run, kind):
    done = command("ccsds", "write", run, "--kind", kind)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "error: --side: none given\n  expected: one of NATO, Russia" in done.stderr


def test_the_only_side_of_a_run_is_meant(command, run, tmp_path):
    for path in run.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    setting = json.loads((run / "setting.json").read_text())
    alone = {**setting, "sides": ["NATO"], "sensors": setting["sensors"][:1]}
    (tmp_path / "setting.json").write_text(json.dumps(alone))
    of_two = command("ccsds", "write", run, "--kind", "tdm", "--side", "NATO").stdout
    of_one = command("ccsds", "write", tmp_path, "--kind", "tdm").stdout
    assert of_one.splitlines()[4:] == of_two.splitlines()[4:] != []


@pytest.mark.parametrize("kind", ["oem", "tdm"])
def test_one_line_alone_is_an_ocm(command, run, kind):
    done = command("ccsds", "write", run, "--kind", kind, "--line", "NATO-7")
    assert (done.exit_code, "--kind ocm" in done.stderr) == (2, True)


def test_detections_are_not_written_over_a_file(command, folder):
    out = folder / "there.csv"
    out.write_text("mine")
    done = command("ccsds", "read", folder / "raid.tdm", "--out", out)
    assert (done.exit_code, "there already" in done.stderr, out.read_text()) == (2, True, "mine")


@pytest.mark.parametrize(("kind", "side"), [("tdm", "Russia"), ("oem", "NATO"), ("ocm", "Russia")])
def test_nothing_to_write_is_told(command, run, kind, side):
    done = command("ccsds", "write", run, "--kind", kind, "--side", side)
    assert done.exit_code == 2
    assert "something to write" in done.stderr


def test_a_cut_file_is_refused_by_line(command, folder):
    lines = (folder / "flight.oem").read_text().splitlines()
    last = next(i for i, line in enumerate(lines) if line.startswith("2011-06-01T12:00:01"))
    cut = folder / "cut.oem"
    cut.write_text("\n".join(lines[: last + 1]) + "\n")
    done = command("ccsds", "read", cut)
    assert done.exit_code == 2
    assert f"cut.oem:{last + 1}: data that end 1.000000 s before their STOP_TIME" in done.stderr
