"""One flight's path as CSV and as a figure."""

import csv
import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from detente.records.results import FlightPath
from detente.report.flight import path_csv, profile_svg, ticks

COUNT = 9


def path():
    time = np.arange(COUNT) * 10.0
    return FlightPath(
        time_s=time,
        phase=np.array([1, 1, 1, 2, 2, 2, 3, 3, 3], np.uint8),
        lat_rad=np.linspace(0.6, 0.65, COUNT),
        lon_rad=np.linspace(0.9, 0.95, COUNT),
        altitude_m=1e3 * np.array([0, 10, 40, 70, 80, 70, 40, 10, -1e-6]),
        downrange_m=np.linspace(0.0, 300e3, COUNT),
        speed_m_s=np.full(COUNT, 1_000.0),
        position_ecef_m=np.arange(3.0 * COUNT).reshape(COUNT, 3),
        velocity_ecef_m_s=-np.arange(3.0 * COUNT).reshape(COUNT, 3),
    )


def test_a_csv_line_is_a_sample_in_kilometres_and_degrees():
    rows = list(csv.DictReader(io.StringIO(path_csv(path()))))
    assert len(rows) == COUNT
    assert rows[0]["phase"] == "boost"
    assert rows[4] == {
        "time_s": "40.000", "phase": "coast", "lat_deg": f"{np.degrees(0.625):.7f}",
        "lon_deg": f"{np.degrees(0.925):.7f}", "altitude_km": "80.0000", "downrange_km": "150.0000",
        "speed_m_s": "1000.000", "x_ecef_m": "12.000", "y_ecef_m": "13.000", "z_ecef_m": "14.000",
        "vx_ecef_m_s": "-12.000", "vy_ecef_m_s": "-13.000", "vz_ecef_m_s": "-14.000",
    }  # fmt: skip


def test_a_figure_is_whole_names_its_axes_and_cannot_be_injected_into():
    drawn = profile_svg(path(), "<script>&", "range 300 km")
    root = ET.fromstring(drawn)
    space = "{http://www.w3.org/2000/svg}"
    words = [text.text for text in root.iter(f"{space}text")]
    assert "<script>&" in words
    assert {"ground range, km", "height, km", "range 300 km", "boost", "coast", "reentry"} <= set(words)
    lines = [line.get("points", "").split() for line in root.iter(f"{space}polyline")]
    assert [len(points) for points in lines] == [3, 4, 4]
    assert lines[0][-1] == lines[1][0]  # the phases meet
    places = np.array([[float(v) for v in point.split(",")] for points in lines for point in points])
    assert places.min() >= 0.0
    assert places[:, 0].max() <= 760.0
    assert places[:, 1].max() <= 420.0
    assert places[places[:, 1].argmin(), 0] == pytest.approx(0.5 * (places[:, 0].min() + places[:, 0].max()), abs=0.2)


@pytest.mark.parametrize("longest", [0.3, 7.0, 78.3, 290.0, 1_000.0, 12_345.0])
def test_ticks_are_round_and_few(longest):
    found = ticks(longest)
    assert 4 <= len(found) <= 8
    assert found[0] == 0.0
    assert found[-1] <= longest * (1.0 + 1e-9) < found[-1] + found[1] + 1e-9
    assert f"{found[1]:.0e}"[0] in "125"
