"""Detections as other people's programs write them: each complaint names the place, the cell and what to do."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

import detente
from detente.records.errors import InputError

SENSORS = """
sensors:
  - {name: Early, latitude_deg: 40, longitude_deg: 33, sigma_range_m: 50, sigma_azimuth_deg: 0.1,
     sigma_elevation_deg: 0.1, range_max_km: 3000, elevation_min_deg: 2}
"""
HEADER = "time_s,sensor,range_m,azimuth_deg,elevation_deg"
ROWS = [f"{10 * k},Early,{1_200_000 - 1000 * k},{100 + k},{20 + k}" for k in range(30)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("foreign")
    (place / "sensors.yaml").write_text(SENSORS)
    return place


def follow(folder, text, **given):
    path = folder / "plots.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return detente.track(path, folder / "sensors.yaml", **given)


def lines(*changed):
    """The file, with rows (from 0) replaced."""
    rows = dict(changed)
    return "\n".join([HEADER, *(rows.get(k, row) for k, row in enumerate(ROWS))]) + "\n"


@pytest.mark.parametrize(
    "written",
    [
        lines().encode("utf-8-sig"),
        lines().replace("\n", "\r\n").encode(),
        lines().replace("\n", "\n\n").encode(),
        lines().replace("Early", '"Early"').encode(),
    ],
    ids=["byte-order mark", "CRLF", "blank lines", "quotes"],
)
def test_what_means_the_same_is_read_the_same(folder, written):
    done, plain = follow(folder, written), follow(folder, lines())
    assert len(plain.tracks) > 20
    assert np.array_equal(done.tracks.x_m, plain.tracks.x_m)


FAULTS = {
    "semicolons": (lines().replace(",", ";"), 1, "separated by semicolons", "with commas"),
    "decimal commas": (lines().replace(",", ";").replace(".", ","), 1, "separated by semicolons", "with commas"),
    "tabs": (lines().replace(",", "\t"), 1, "separated by tabs", "with commas"),
    "UTF-16": (lines().encode("utf-16"), 0, "text in UTF-16", "UTF-8"),
    "a cell too many": (lines((4, f"{ROWS[4]},1")), 6, "6 cells", "expected: 5"),
    "a cell too few": (lines((4, "40,Early,1,2")), 6, "4 cells", "expected: 5"),
    "a column twice": (lines().replace("azimuth_deg", "range_m"), 0, "2 columns of that name", "rename the others"),
    "capitals": (lines().replace(HEADER, HEADER.upper()), 0, "no column 'time_s'", "rename 'TIME_S' to 'time_s'"),
    "blanks": (lines().replace(",", ", "), 0, "' sensor'", "rename ' sensor' to 'sensor'"),
    "a name in capitals": (lines((4, ROWS[4].replace("Early", "EARLY"))), 6, "'EARLY'", "write it as there: Early"),
    "dates": (f"{HEADER}\n2010-12-01T06:00:00Z,Early,1200000,9,20\n", 2, "2010-12-01T06:00:00", "since any epoch"),
    "no azimuth": (lines((4, "40,Early,1200000,,20")), 6, "azimuth_deg: nothing", "a finite angle"),
    "over the top": (lines((4, "40,Early,1200000,9,95")), 6, "elevation_deg: 95", "to do: correct it"),
    "below blank lines": (lines((2, f"\n\n{ROWS[2]}"), (4, "40,Early,-7,9,20")), 8, "range_m: -7", "above 0"),
}  # fmt: skip


@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_fault_is_told_by_the_line_of_the_file(folder, fault):
    text, line, *words = FAULTS[fault]
    with pytest.raises(InputError) as caught:
        follow(folder, text)
    assert caught.value.line == line
    for said in words:
        assert said in str(caught.value)


def test_a_noise_in_two_units_is_refused_not_chosen(folder):
    columns = {
        "time_s": [0.0], "sensor": ["Early"], "range_m": [1e6], "azimuth_deg": [1.0], "elevation_deg": [30.0],
        "sigma_azimuth_deg": [0.1], "sigma_azimuth_rad": [0.1],
    }  # fmt: skip
    with pytest.raises(InputError, match="both sigma_azimuth_rad and sigma_azimuth_deg"):
        detente.track(pa.table(columns), folder / "sensors.yaml")


def test_what_no_terminal_should_obey_is_not_printed(folder):
    (folder / "plots.parquet").write_bytes(b"\x1b]0;owned\x07" * 9)
    with pytest.raises(InputError) as caught:
        detente.track(folder / "plots.parquet", folder / "sensors.yaml")
    assert "\x1b" not in str(caught.value)


def angles_in_radians(text):
    rows = [row.split(",") for row in text.splitlines()[1:]]
    turned = [",".join([*row[:3], f"{np.radians(float(row[3]))}", f"{np.radians(float(row[4]))}"]) for row in rows]
    return "\n".join([HEADER, *turned]) + "\n"


def test_what_looks_like_another_unit_is_followed_with_a_caution(folder):
    assert follow(folder, lines()).document["cautions"] == []
    told = {
        "radians": follow(folder, angles_in_radians(lines())),
        "below 10 km": follow(folder, lines().replace("000,1", ",1")),
        "beyond 100,000 km": follow(folder, lines().replace("range_m", "range_km")),
    }
    for words, done in told.items():
        assert [words in caution for caution in done.document["cautions"]] == [True], words


def test_detections_where_their_sensor_sees_nothing_get_a_caution(folder):
    far, low = (3, "30,Early,3000300,100,20"), (4, "40,Early,1200000,100,1.4")
    assert (
        follow(folder, lines((3, "30,Early,3000200,100,20"), (4, "40,Early,1200000,100,1.6"))).document["cautions"]
        == []
    )  # within what noise explains
    assert follow(folder, lines(far, low)).document["cautions"] == [
        "Early: 1 detections beyond its range_max_km",
        "Early: 1 detections below its elevation_min_deg",
    ]


def test_a_folder_stands_for_the_detections_in_it(folder, tmp_path):
    """Arrow would read every file there as one table."""
    want = follow(folder, lines()).tracks
    pq.write_table(csv.read_csv(folder / "plots.csv"), tmp_path / "detections.parquet")
    pq.write_table(csv.read_csv(folder / "plots.csv"), tmp_path / "more.parquet")
    assert np.array_equal(detente.track(tmp_path, folder / "sensors.yaml").tracks.x_m, want.x_m)
    with pytest.raises(InputError, match=r"detections\.parquet: cannot read it"):
        detente.track(folder, folder / "sensors.yaml")
