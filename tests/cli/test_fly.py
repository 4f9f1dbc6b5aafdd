"""``detente fly`` as a user runs it."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from detente.cli.app import app
from detente.cli.plot import curve, profile

KEYS = {
    "range_km", "apogee_km", "flight_time_s", "burnout_speed_m_s", "burnout_altitude_km", "impact", "estimated_error_m",
}  # fmt: skip


def run(*words):
    return CliRunner().invoke(app, ["fly", *words])


def test_a_missile_as_json_in_a_process_of_its_own():
    command = [
        sys.executable,
        "-m",
        "detente",
        "fly",
        "forden-scud-b",
        "--max-range",
        "--no-rotation",
        "--azimuth",
        "40",
    ]
    result = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert result.returncode == 0
    assert result.stderr == ""
    told = json.loads(result.stdout)
    assert set(told) >= KEYS
    assert set(told["impact"]) == {"lat_deg", "lon_deg"}
    assert told["range_km"] == pytest.approx(288.0, rel=0.07)


def test_the_terminal_shows_a_table_and_the_profile():
    told = json.loads(run("forden-scud-b", "--no-rotation", "--json").stdout)
    result = run("forden-scud-b", "--no-rotation", "--quiet")
    assert result.exit_code == 0
    for name, form in (
        ("range_km", "{:,.1f} km"), ("apogee_km", "{:,.1f} km"), ("burnout_speed_m_s", "{:,.0f} m/s"),
        ("final_pitch_deg", "{:.2f}°"), ("flight_time_s", "{:,.1f} s"),
    ):  # fmt: skip
        assert form.format(told[name]) in result.stdout
    assert "impact at {lat_deg:.3f}, {lon_deg:.3f}".format(**told["impact"]) in result.stdout
    assert f"{told['apogee_km']:,.0f} km │" in result.stdout
    assert "Forden 2007" in result.stdout


def test_an_observed_test_has_its_interval():
    told = json.loads(run("--observed-range-km", "950", "--observed-apogee-km", "4475", "--json").stdout)
    assert set(told) >= KEYS
    assert set(told["standard_range_km"]) == {"mean", "low", "high"}
    shown = run("--observed-range-km", "950", "--observed-apogee-km", "4475", "--boost-s", "290", "--quiet").stdout
    assert "standard range" in shown
    assert "95 of 100 draws" in shown


def test_out_holds_the_document_the_path_and_a_figure(tmp_path):
    result = run("qiam", "--to", "38,47", "--out", str(tmp_path / "flown"), "--quiet")
    assert result.exit_code == 0
    folder = tmp_path / "flown"
    assert {path.name for path in folder.iterdir()} == {"fly.json", "path.parquet", "path.csv", "profile.svg"}
    told, table = json.loads((folder / "fly.json").read_text()), pq.read_table(folder / "path.parquet")
    assert table.column("downrange_m")[-1].as_py() / 1e3 == pytest.approx(told["range_km"], abs=0.01)
    assert table.schema.field("lat_rad").metadata[b"unit"] == b"rad"
    assert len((folder / "path.csv").read_text().splitlines()) == table.num_rows + 1
    assert (folder / "profile.svg").read_text().startswith("<svg")


def test_a_missile_file_is_flown(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: mine\nsource: made up\npayload_kg: 1000\ncd: [[0, 0.2]]\n"
        "stages: [{fuelled_kg: 4897, dry_kg: 1198, isp_s: 230, burn_s: 75, diameter_m: 0.84}]\n"
    )
    assert json.loads(run(str(path), "--json").stdout)["missile"] == "mine"
    path.write_text(path.read_text().replace("burn_s: 75", "burn_s: 0"))
    result = run(str(path))
    assert result.exit_code == 2
    assert f"{path}:5:" in result.stderr


BAD = [
    ((), "nothing to fly"),
    (("forden-scub",), "did you mean 'forden-scud-b'?"),
    (("qiam", "--burnout-speed", "3000", "--burnout-angle", "40"), "a missile and a burn-out state"),
    (("--burnout-speed", "3000"), "add --burnout-angle"),
    (("--observed-apogee-km", "3000"), "add --observed-range-km"),
    (("qiam", "--boost-s", "30"), "belongs to an observed test"),
    (("--burnout-speed", "3000", "--burnout-angle", "40", "--payload-kg", "3"), "belongs to a missile"),
    (("--observed-range-km", "950", "--observed-apogee-km", "900", "--max-range"), "belongs to a missile"),
    (("qiam", "--ballistic-coefficient", "3000"), "belongs to a burn-out state"),
    (("qiam", "--to", "40"), "LAT,LON"),
    (("qiam", "--from", "north,east"), "LAT,LON"),
    (("qiam", "--to", "60,51"), "km beyond reach"),
    (("qiam", "--payload-kg", "nan"), "--payload-kg"),
    (("--burnout-speed", "8000", "--burnout-angle", "0", "--burnout-altitude-km", "200"), "perigee 193 km"),
    (
        ("--observed-range-km", "960", "--observed-apogee-km", "4500", "--observed-time-error-s", "5"),
        "add --observed-time-s",
    ),
    (("--burnout-speed", "3000", "--burnout-angle", "-30"), "--burnout-angle: -30° at height 0"),
    (("--burnout-speed", "3000", "--burnout-angle", "-1", "--burnout-altitude-km", "0"), "--burnout-angle: -1° at"),
    (("",), "MISSILE: an empty name"),
    (("qiam", "--out", "/proc/nowhere"), "cannot write into /proc/nowhere"),
]


@pytest.mark.parametrize(("words", "said"), BAD, ids=[" ".join(words) or "nothing" for words, _ in BAD])
def test_bad_input_ends_with_2_and_words(words, said):
    result = run(*words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "expected:" in result.stderr
    assert "to do:" in result.stderr
    assert result.stdout == ""


MANUAL = Path(__file__).parents[2] / "docs" / "fly.md"


def words_of(text):
    """The words, without numbers, drawings and line ends: what no change in the last digit changes."""
    return re.sub(r"[\d.,\u2800-\u28ff]+", " ", text).split()


def numbers_of(text):
    """The numbers that no other processor changes: estimated errors of 2 m are made of the last bits."""
    lines = [line for line in text.splitlines() if "numerical error" not in line]
    return [float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*(?:\.\d+)?", "\n".join(lines))]


def shown_in_manual():
    """Commands and what the manual says they print."""
    blocks = re.findall(r"```console\n\$ detente fly (.*?)\n(.*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL)
    return [(shlex.split(command), printed) for command, printed in blocks]


@pytest.mark.parametrize(("words", "printed"), shown_in_manual(), ids=[" ".join(w) for w, _ in shown_in_manual()])
def test_the_manual_shows_what_is_printed(words, printed):
    result = run(*words, "--quiet")
    assert result.exit_code in (0, 2)
    assert words_of(result.stdout + result.stderr) == words_of(printed)
    assert numbers_of(result.stdout + result.stderr) == pytest.approx(numbers_of(printed), rel=0.002, abs=0.11)


def test_a_curve_goes_from_corner_to_corner():
    lines = curve([0.0, 1.0], [0.0, 1.0], width=4, height=2)
    assert [len(line) for line in lines] == [4, 2]
    assert lines[1][0] != " "
    assert lines[0][:2] == "  "
    drawn = profile([0.0, 50.0, 100.0], [0.0, 80.0, 0.0], width=40)
    assert drawn[0].startswith(" 80 km │")
    assert drawn[-1].endswith("100 km")
    assert max(map(len, drawn)) <= 40


def test_no_line_is_filled_with_blanks():
    """Blanks at a line's end would make every row of a wide table two lines in a narrow terminal."""
    lines = run("forden-scud-b").stdout.splitlines()
    assert [line for line in lines if line != line.rstrip()] == []
    assert max(len(line) for line in lines if "source:" not in line) <= 80


def test_a_speed_in_kilometres_a_second_gets_a_caution():
    for speed, cautioned in (("3", True), ("30", False)):
        cautions = json.loads(run("--burnout-speed", speed, "--burnout-angle", "45", "--json").stdout)["cautions"]
        assert any("3 km/s is 3000" in caution for caution in cautions) is cautioned
