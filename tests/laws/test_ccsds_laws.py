"""Whatever was detected, a TDM keeps the standard's rules for a data section, and says the same when it is read."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detente.gateway.ccsds.kvn import Line, Message, figure
from detente.gateway.ccsds.tracking import read_tdm, write_tdm
from detente.records.errors import InputError
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


@settings(deadline=None)  # the first of them may take long
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


NOTHING = Message(file="a.oem", version=Line(1, ""), header={}, blocks=())
MOMENT = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))


def read(how: Callable[[str, Line], Any], text: str) -> Any:
    """What a text of line 7 is read as; None where it is refused, by file and line."""
    try:
        return how(text, Line(7, text))
    except InputError as error:
        refusal = error
    assert (refusal.file, refusal.line) == ("a.oem", 7)
    return None


moment, number = partial(read, NOTHING.moment), partial(read, NOTHING.number)


def forms(at: datetime, zeros: int) -> list[str]:
    """Every way to write a moment."""
    days = f"{at.year:04d}-{at.month:02d}-{at.day:02d}", f"{at.year:04d}-{at.timetuple().tm_yday:03d}"
    fractions = [f".{at.microsecond:06d}" + "0" * zeros]
    if not at.microsecond:
        fractions += ["", ".0"]
    return [f"{day}T{at:%H:%M:%S}{fraction}{end}" for day in days for fraction in fractions for end in ("", "Z")]


@given(MOMENT, st.integers(0, 4))
@example(datetime(2012, 12, 31, 23, 59, 59, tzinfo=UTC), 0)
def test_a_time_is_read_in_either_form(at: datetime, zeros: int) -> None:
    for text in forms(at, zeros):
        assert moment(text) == at


@given(MOMENT, st.integers(0, 30), st.integers(0, 1), st.text("0123456789-+:.,TZW _\u0663", max_size=2), st.booleans())
def test_a_time_that_is_read_is_the_one_that_is_written(
    at: datetime, place: int, cut: int, put: str, yearday: bool
) -> None:
    """Of a time in which something was changed nothing is guessed: it says another in full, or it is refused."""
    text = forms(at, 0)[2 * yearday if at.microsecond else 6 * yearday]
    changed = text[:place] + put + text[place + cut :]
    found = moment(changed)
    if found is not None:
        said, _, fraction = changed.removesuffix("Z").partition(".")
        assert f"{said}.{fraction:0<6}"[: len(said) + 7] in forms(found, 0)
        assert not fraction[6:].strip("0")


@pytest.mark.parametrize(
    "text",
    [
        "2011-06-01T12:00:00+05:00", "2011-400T00:00:00", "2011-366T00:00:00", "2012-367T00:00:00",
        "2011-000T00:00:00", "2011-W22-3T12:00:00", "2011-06-01T12:00:00.1234567", "2011-06-01T12:00:00,5",
        "2011-06-01", "2011-152", "20110601T120000", "2016-12-31T23:59:60", "2011-06-01T24:00:00",
        "2011-02-29T00:00:00", "2011-06-01 12:00:00", "2011-06-01T12:00", "2011-06-01T12:00:00.",
        "0000-001T00:00:00", "9999-366T00:00:00",
    ],
)  # fmt: skip
def test_a_time_of_another_form_is_refused(text: str) -> None:
    assert moment(text) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_as_it_is_written(value: float) -> None:
    assert number(repr(value)) == value
    assert number(f"+{abs(value)!r}") == abs(value)


@given(st.text("0123456789+-.eE_ \u0663xinfna", max_size=8))
@example("1_000")
@example("\u0663")
@example("1e400")
def test_a_number_of_another_form_is_refused(text: str) -> None:
    whole, _, power = text.lower().partition("e")
    digits = whole.lstrip("+-").replace(".", "", 1)
    plain = digits.isascii() and digits.isdigit() and len(whole) - len(whole.lstrip("+-")) <= 1
    if "e" in text.lower():
        plain &= power.lstrip("+-").isdigit() and power.isascii() and len(power) - len(power.lstrip("+-")) <= 1
    found = number(text)
    assert (found is not None) == (plain and abs(float(text)) < float("inf"))
    if found is not None:
        assert found == float(text)
