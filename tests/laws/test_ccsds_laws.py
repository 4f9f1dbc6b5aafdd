"""Whatever was detected, a TDM keeps the standard's rules for a data section, and says the same when it is read."""

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detente.gateway.ccsds.kvn import figure
from detente.gateway.ccsds.tracking import read_tdm, write_tdm
from detente.records.stages import Detections

EPOCH = datetime(2010, 12, 1, 6, tzinfo=UTC)
NAMES = ["dish", "eye"]
ROW = st.tuples(
    st.integers(0, 8).map(lambda tenths: 30.0 + tenths / 10.0),  # few times, so that many coincide
    st.sampled_from([0, 1]), st.floats(1.0, 9e6), st.floats(-3.14159, 3.14159), st.floats(-1.57, 1.57),
)  # fmt: skip


def table(rows):
    time_s, sensor, range_m, azimuth, elevation = (np.array(column) for column in zip(*rows, strict=True))
    zeros = np.zeros(len(rows))
    return Detections(
        replicate=zeros, time_s=time_s, sensor=sensor, kind=sensor + 1, range_m=np.where(sensor == 0, range_m, 0.0),
        azimuth_rad=np.where(sensor == 0, azimuth % (2 * np.pi), azimuth), elevation_rad=elevation,
        sigma_range_m=zeros, sigma_azimuth_rad=zeros, sigma_elevation_rad=zeros, snr_db=zeros,
    )  # fmt: skip


@given(st.lists(ROW, min_size=1, max_size=40))
def test_a_tdm_keeps_the_rules_and_is_read_back(rows):
    said = table(rows)
    text = write_tdm(said, NAMES, "NATO", EPOCH, EPOCH)
    for line in text.splitlines():
        assert len(line) <= 254  # 4.2.1
        assert line.isascii()
    for part in text.split("DATA_START\n")[1:]:
        seen: dict[str, list[str]] = {}
        for line in part.split("DATA_STOP")[0].splitlines():
            keyword, _, at, number = line.split()
            assert sum(map(str.isdigit, number.split("e")[0])) <= 16  # 4.3.4, 4.3.5
            seen.setdefault(keyword, []).append(at)
        for times in seen.values():
            assert times == sorted(set(times))  # 3.4.10, 3.4.11
    found = read_tdm(text, EPOCH - timedelta(hours=6)).detections.to_pydict()
    want = said.take(ordered(said))
    assert found["sensor"] == [NAMES[sensor] for sensor in want.sensor]
    assert np.allclose(found["time_s"], want.time_s + 21_600.0, rtol=0.0, atol=1e-6)
    assert [one is None for one in found["range_m"]] == (want.sensor == 1).tolist()
    assert np.allclose([one or 0.0 for one in found["range_m"]], want.range_m, rtol=1e-14, atol=0.0)
    off_rad = np.array(found["azimuth_rad"]) - want.azimuth_rad
    assert np.all(np.abs(np.arctan2(np.sin(off_rad), np.cos(off_rad))) < 1e-14)
    assert np.allclose(found["elevation_rad"], want.elevation_rad, rtol=0.0, atol=1e-15)


def ordered(said):
    """Rows by time, then sensor, then the segment that they were put into: how many of that moment came before."""
    seen, keys = {}, []
    for time_s, sensor in zip(said.time_s.tolist(), said.sensor.tolist(), strict=True):
        seen[time_s, sensor] = place = seen.get((time_s, sensor), -1) + 1
        keys.append((time_s, sensor, place))
    return np.array(sorted(range(len(keys)), key=keys.__getitem__))


@given(st.floats(-1e300, 1e300))
def test_a_figure_is_sixteen_digits_and_the_number(value):
    text = figure(value)
    mantissa, _, exponent = text.lstrip("-").partition("e")
    assert sum(map(str.isdigit, mantissa)) <= 16
    assert not exponent or mantissa[1] == "."
    assert abs(float(text) - value) <= 1e-15 * abs(value) or abs(value) < 1e-300
    assert not text.startswith("-0.0") or value < 0.0
