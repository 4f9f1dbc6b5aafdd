"""Two files in, tracks out: units, frames, bad input, and what is told of what was left out."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv
from tests import made_tracking as made
from tests.made_disks import little_room
from typer.testing import CliRunner

import detente
from detente.cli.app import app
from detente.records.errors import InputError
from detente.records.results import FollowedTracks

SENSORS = """
frame: local
azimuth: counterclockwise-from-x
sensors:
  - name: R1
    position_m: [0, 0, 0]
    sigma_range_m: 50
    sigma_azimuth_rad: 0.001
    sigma_elevation_rad: 0.001
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("following")
    (place / "sensors.yaml").write_text(SENSORS)
    return place


@pytest.fixture(scope="module")
def columns():
    _, scans = made.fly(6, 3, scans=30)
    plots = made.plots_of(scans)
    return {
        "time_s": plots.time_s, "sensor": ["R1"] * len(plots.time_s), "range_m": plots.range_m,
        "azimuth_rad": plots.azimuth_rad, "elevation_rad": plots.elevation_rad,
    }  # fmt: skip


def follow(columns, folder, **given):
    return detente.track(columns, folder / "sensors.yaml", **given)


def same(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name, _ in FollowedTracks.columns())


def test_units_and_files_make_no_difference(columns, folder):
    want = follow(columns, folder).tracks
    assert len(want) > 150
    pq.write_table(pa.table(columns), folder / "plots.parquet")
    csv.write_csv(pa.table(columns), folder / "plots.csv")
    for name in ("plots.parquet", "plots.csv"):
        assert same(detente.track(folder / name, folder / "sensors.yaml").tracks, want)
    other = {
        "time_s": columns["time_s"], "sensor": np.zeros(len(columns["time_s"]), int),
        "range_km": columns["range_m"] / 1e3, "azimuth_deg": np.degrees(columns["azimuth_rad"]),
        "elevation_deg": np.degrees(columns["elevation_rad"]),
    }  # fmt: skip
    got = follow(other, folder).tracks
    assert np.array_equal(got.track, want.track)
    assert np.abs(got.x_m - want.x_m).max() < 1e-3


def test_the_order_of_rows_means_nothing_and_is_told(columns, folder):
    turn = np.random.default_rng(5).permutation(len(columns["time_s"]))
    mixed = {name: np.asarray(values)[turn] for name, values in columns.items()}
    done = follow(mixed, folder)
    assert same(done.tracks, follow(columns, folder).tracks)
    assert done.document["detections"]["out_of_order"] > 10


def test_exact_repeats_are_one_report(columns, folder):
    twice = {name: np.concatenate([values, values[:40]]) for name, values in columns.items()}
    done = follow(twice, folder)
    assert done.document["detections"]["exact_repeats"] == 40
    assert same(done.tracks, follow(columns, folder).tracks)


def test_a_look_that_saw_nothing_is_a_miss(columns, folder):
    last = columns["time_s"] < 20.0
    short = {name: np.asarray(values)[last] for name, values in columns.items()}
    vain = {
        "time_s": [20.0, 21.0, 22.0, 23.0, 24.0, 25.0], "sensor": ["R1"] * 6, "range_m": [np.nan] * 6,
        "azimuth_rad": [np.nan] * 6, "elevation_rad": [np.nan] * 6,
    }  # fmt: skip
    done = follow({name: np.concatenate([short[name], vain[name]]) for name in short}, folder).tracks
    assert (done.time_s == 20.0).sum() > 0
    assert (done.time_s == 25.0).sum() == 0


BAD = [
    ("range_m", 7, -5.0, "a range above 0"),
    ("range_m", 7, np.nan, "a range above 0"),
    ("azimuth_rad", 7, np.inf, "a finite angle"),
    ("elevation_rad", 7, 45.0, "use elevation_deg"),
    ("time_s", 7, np.nan, "a time in seconds"),
    ("sensor", 7, "R2", "one of R1"),
    ("range_m", 7, "far", "'far'"),
    ("range_m", 7, 1e200, "a range above 0"),
    ("time_s", 7, 1.3e12, "a time in seconds"),
]


@pytest.mark.parametrize(("column", "row", "value", "words"), BAD)
def test_bad_rows_are_refused_with_their_line(columns, folder, column, row, value, words):
    bad = {name: np.asarray(values).tolist() for name, values in columns.items()}
    bad[column][row] = value
    bad[column] = [str(each) for each in bad[column]] if isinstance(value, str) else bad[column]
    csv.write_csv(pa.table(bad), folder / "bad.csv")
    with pytest.raises(InputError) as caught:
        detente.track(folder / "bad.csv", folder / "sensors.yaml")
    assert caught.value.line == row + 2
    assert words in str(caught.value)
    names, *rows = (folder / "bad.csv").read_text().splitlines(keepends=True)
    (folder / "blank.csv").write_text("".join(["\n", names, "\n", *rows[:3], "\n\n", *rows[3:]]))
    with pytest.raises(InputError) as caught:
        detente.track(folder / "blank.csv", folder / "sensors.yaml")
    assert caught.value.line == row + 6, "blank lines are no rows, but lines"


def test_what_is_refused_of_sensors_is_shown_alone_not_the_whole_file(folder):
    (folder / "turned.yaml").write_text("azimuth: counterclockwise-from-x" + EARTH)
    with pytest.raises(InputError) as caught:
        detente.track({"time_s": [0.0]}, folder / "turned.yaml")
    assert (caught.value.path, caught.value.found) == ("azimuth", "'counterclockwise-from-x'")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_times_in_nanoseconds_are_refused_with_their_row(columns, folder, ending):
    """1291183200000000001 is no float64: Arrow would not take it for one."""
    moments = 1_291_183_200_000_000_001 + np.arange(len(columns["time_s"]))
    table, path = pa.table({**columns, "time_s": moments}), folder / f"nanoseconds.{ending}"
    csv.write_csv(table, path) if ending == "csv" else pq.write_table(table, path)
    with pytest.raises(InputError, match="a time in seconds") as caught:
        detente.track(path, folder / "sensors.yaml")
    assert caught.value.found == f"1.29118e+18 (and {len(moments) - 1} more)"
    assert (caught.value.line, caught.value.path) == ((2, "time_s") if ending == "csv" else (0, "row 0, time_s"))


def test_a_name_that_is_no_text_is_refused_with_its_row(columns, folder):
    """A byte of Latin-1 in a CSV file, or a name that is no text at all."""
    (folder / "latin.csv").write_bytes(b"time_s,sensor,range_m,azimuth_rad,elevation_rad\n1,R1,9,0,0\n2,R\xe9,9,0,0\n")
    with pytest.raises(InputError, match=r"R\\xe9") as caught:
        detente.track(folder / "latin.csv", folder / "sensors.yaml")
    assert (caught.value.line, caught.value.path) == (3, "sensor")
    with pytest.raises(InputError, match="one of R1"):
        follow({**columns, "sensor": [["R1"]] * len(columns["time_s"])}, folder)
    (folder / "latin.csv").write_bytes(b"time_s,sensor,range_\xe9\n1,R1,9\n")
    with pytest.raises(InputError, match="cannot read it"):
        detente.track(folder / "latin.csv", folder / "sensors.yaml")


def test_columns_that_are_missing_or_double_are_refused(columns, folder):
    with pytest.raises(InputError, match="no column 'azimuth_rad'"):
        follow({k: v for k, v in columns.items() if k != "azimuth_rad"}, folder)
    with pytest.raises(InputError, match="no column 'range_m'"):
        follow({"range" if k == "range_m" else k: v for k, v in columns.items()}, folder)
    with pytest.raises(InputError, match="both range_m and range_km"):
        follow({**columns, "range_km": columns["range_m"]}, folder)
    with pytest.raises(InputError, match="2 replicates"):
        follow({**columns, "replicate": np.arange(len(columns["time_s"])) % 2}, folder)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("sigma_range_m: 50", "sigma_range_m: 0", "more than 0"),
        ("    sigma_range_m: 50\n", "", "noise 0 of sensor 'R1'"),
        ("position_m: [0, 0, 0]", "latitude_deg: 5", "exactly one of them"),
        ("name: R1", "nam: R1", "unknown key 'nam'"),
        ("frame: local", "frame: flat", "one of"),
    ],
)
def test_bad_sensors_are_refused(columns, folder, old, new, words):
    (folder / "wrong.yaml").write_text(SENSORS.replace(old, new))
    with pytest.raises(InputError) as caught:
        detente.track(columns, folder / "wrong.yaml")
    assert words in str(caught.value)


def test_a_range_rate_without_noise_is_refused_not_left_unused(columns, folder):
    with pytest.raises(InputError, match="noise 0 of sensor 'R1'"):
        follow({**columns, "range_rate_m_s": np.zeros(len(columns["time_s"]))}, folder)


EARTH = """
sensors:
  - {name: R1, kind: radar, latitude_deg: 46, longitude_deg: 24, sigma_range_m: 50, sigma_azimuth_deg: 0.05,
     sigma_elevation_deg: 0.05}
  - {name: S1, kind: infrared, latitude_deg: 0, longitude_deg: 10, height_m: 35786000, sigma_azimuth_rad: 3.0e-5,
     sigma_elevation_rad: 3.0e-5}
"""
ORBIT = (
    "orbit: {semi_major_axis_m: 2.66e7, eccentricity: 0.7, inclination_deg: 63, argument_of_perigee_deg: 270, "
    "node_longitude_deg: 30, mean_anomaly_deg: 0}"
)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("latitude_deg: 46, longitude_deg: 24", "position_m: [6.4e6, 0, 0]", "as the frame is wgs84"),
        ("latitude_deg: 46, longitude_deg: 24", ORBIT, "a radar that stands still"),
        ("latitude_deg: 46, longitude_deg: 24", "latitude_deg: 46", "exactly one of them"),
        ("longitude_deg: 24,", "longitude_deg: 24, elevation_min_deg: 9, elevation_max_deg: 5,", "the lower one first"),
        ("latitude_deg: 46", "latitude_deg: 96", "sensors.0.latitude_deg"),
        ("longitude_deg: 24,", "longitude_deg: 24, height_m: 9.0e+5,", "a radar within 100 km of the ground"),
    ],
)
def test_bad_places_on_earth_are_refused(folder, old, new, words):
    (folder / "earth.yaml").write_text(EARTH.replace(old, new))
    with pytest.raises(InputError) as caught:
        detente.track({"time_s": [0.0]}, folder / "earth.yaml")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("range_rate_m_s", "slower than light"),
        ("sigma_range_m", "a noise above 0"),
        ("received_s", "a time in seconds"),
    ],
)
def test_numbers_too_large_to_square_are_refused(columns, folder, column, words):
    more = {column: np.full(len(columns["time_s"]), 1e200)}
    with pytest.raises(InputError, match=words):
        follow({**columns, "sigma_range_rate_m_s": np.ones(len(columns["time_s"])), **more}, folder)


def test_a_satellite_measures_no_range(folder):
    (folder / "earth.yaml").write_text(EARTH)
    plots = {"time_s": [0.0], "sensor": ["S1"], "azimuth_rad": [1.0], "elevation_rad": [0.1]}
    assert detente.track(plots, folder / "earth.yaml").document["detections"]["used"] == 1
    for more, words in (({"range_km": [4e4]}, "no range from"), ({"range_rate_m_s": [5.0]}, "no range_rate from")):
        with pytest.raises(InputError, match=f"{words} an infrared sensor"):
            detente.track({**plots, **more}, folder / "earth.yaml")


def test_a_local_frame_has_no_ballistic_model(columns, folder):
    with pytest.raises(InputError, match="frame: wgs84"):
        follow(columns, folder, model="ballistic")
    with pytest.raises(InputError, match="one of ekf, ukf"):
        follow(columns, folder, filter="pf")


def test_a_flood_is_bounded_and_told(folder):
    chance = np.random.default_rng(1)
    count = 200_000
    flood = {
        "time_s": np.zeros(count), "sensor": np.zeros(count, int), "range_m": chance.uniform(1e5, 1e6, count),
        "azimuth_rad": chance.uniform(-1, 1, count), "elevation_rad": chance.uniform(0, 1, count),
    }  # fmt: skip
    done = follow(flood, folder, most_tracks=500)
    assert done.document["shed"]["without_slot"] == count - 500
    assert len(done.tracks) == 500


def test_the_command_writes_what_the_function_returns(columns, folder):
    pq.write_table(pa.table({**columns, "remark": columns["sensor"]}), folder / "plots.parquet")
    call = ["track", str(folder / "plots.parquet"), "--sensors", str(folder / "sensors.yaml"), "--out", str(folder)]
    answer = CliRunner().invoke(app, [*call, "--json"])
    assert answer.exit_code == 0, answer.output
    document = json.loads(answer.stdout)
    want = follow(columns, folder).tracks
    assert same(FollowedTracks.from_arrow(pq.read_table(folder / "tracks.parquet")), want)
    assert document["tracks"]["confirmed"] == np.unique(want.track[want.confirmed == 1]).size == 6
    assert document["detections"]["columns_ignored"] == ["remark"]
    plain = CliRunner().invoke(app, [*call, "--quiet"])
    assert "6 confirmed tracks of" in plain.stdout
    assert CliRunner().invoke(app, [*call, "--filter", "pf"]).exit_code == 2


def test_what_differs_has_a_folder_of_its_own(columns, folder, tmp_path, monkeypatch):
    """Two files of one name in different folders, and one file asked about twice."""
    monkeypatch.chdir(tmp_path)
    for place in ("a", "b", "ekf", "."):
        (tmp_path / place).mkdir(exist_ok=True)
        pq.write_table(pa.table(columns), tmp_path / place / "plots.parquet")
        (tmp_path / place / "sensors.yaml").write_text(SENSORS)
    csv.write_csv(pa.table(columns), tmp_path / "a" / "plots.csv")

    def written(*asked: object) -> str:
        answer = CliRunner().invoke(app, ["track", *map(str, asked), "--json"])
        assert answer.exit_code == 0, answer.output
        return str(Path(json.loads(answer.stdout)["written"]).parent)

    here, there = ("a/plots.parquet", "--sensors", "a/sensors.yaml"), ("b/plots.parquet", "--sensors", "b/sensors.yaml")
    assert written("plots.parquet", "--sensors", "sensors.yaml") == "out/plots"
    assert written(*here) == "out/plots-a"
    assert written(tmp_path / "a/plots.parquet", "--sensors", tmp_path / "a/sensors.yaml") == "out/plots-a"
    others = [
        written(*there), written("a/plots.csv", *here[1:]), written(*here, "--filter", "ukf"),
        written(*here[:2], "b/sensors.yaml"), written(*here, "--most-tracks", 100),
        written("ekf/plots.parquet", "--sensors", "ekf/sensors.yaml"),
    ]  # fmt: skip
    assert len({"out/plots", "out/plots-a", *others}) == 8
    assert len(list((tmp_path / "out").iterdir())) == 8


def test_tracks_that_cannot_be_written_leave_nothing(columns, folder, tmp_path):
    pq.write_table(pa.table(columns), folder / "plots.parquet")
    call = ["track", str(folder / "plots.parquet"), "--sensors", str(folder / "sensors.yaml"), "--quiet", "--out"]
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nowhere")):
        answer = CliRunner().invoke(app, [*call, str(out)])
        assert (answer.exit_code, answer.stdout) == (2, ""), out
        assert f"error: {out}" in answer.stderr
        assert "to do:" in answer.stderr
    assert (tmp_path / "file").read_text() == "mine"
    assert CliRunner().invoke(app, [*call, str(tmp_path / "good")]).exit_code == 0
    before = (tmp_path / "good" / "tracks.parquet").read_bytes()
    for out in ("new", "good"):
        with little_room(1000):
            answer = CliRunner().invoke(app, [*call, str(tmp_path / out)])
        assert (answer.exit_code, "cannot be written: File too large" in answer.stderr) == (2, True), answer.output
    assert not (tmp_path / "new").exists()
    assert [path.name for path in (tmp_path / "good").iterdir()] == ["tracks.parquet"]
    assert (tmp_path / "good" / "tracks.parquet").read_bytes() == before


def test_what_goes_wrong_while_following_leaves_nothing(columns, folder, tmp_path):
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow(columns, folder, out=tmp_path / "out/below", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_without_gravity_what_flies_level_is_followed_as_one(folder):
    """An aircraft of constant velocity: under gravity its track falls out of the gate again and again."""
    rng = np.random.default_rng(4)
    time_s = np.arange(60.0)
    x, y, z = 20e3 + 200 * time_s, 30e3 - 150 * time_s, np.full(60, 8e3)
    away = np.sqrt(x**2 + y**2 + z**2)
    plots = {
        "time_s": time_s, "sensor": ["R1"] * 60, "range_m": away + rng.normal(0, 50, 60),
        "azimuth_rad": np.arctan2(y, x) + rng.normal(0, 1e-3, 60),
        "elevation_rad": np.arcsin(z / away) + rng.normal(0, 1e-3, 60),
    }  # fmt: skip
    tracks = {}
    for gravity in ("0", "9.8"):
        (folder / "level.yaml").write_text(f"{SENSORS}rules: {{gravity_m_s2: {gravity}}}\n")
        tracks[gravity] = detente.track(plots, folder / "level.yaml")
    assert tracks["0"].document["tracks"] == {"begun": 1, "confirmed": 1}
    assert tracks["9.8"].document["tracks"]["confirmed"] > 1
    last = tracks["0"].tracks.take(np.array([-1]))
    assert abs(last.z_m[0] - 8e3) < 100
    assert abs(last.vz_m_s[0]) < 10
