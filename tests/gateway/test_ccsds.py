"""CCSDS messages: what is written is read back, a plain message of somebody else is understood, the rest is refused."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from detente.gateway.ccsds.ephemeris import Ephemeris, of_tracks, read_ocm, read_oem, write_ocm, write_oem
from detente.gateway.ccsds.kvn import read_text
from detente.gateway.ccsds.tracking import read_tdm, write_tdm
from detente.records.errors import InputError
from detente.records.stages import Detections, TrackHistory

EPOCH = datetime(2011, 6, 1, 12, tzinfo=UTC)
CREATED = datetime(2011, 6, 2, tzinfo=UTC)


def ephemeris(seed=0, count=5, name="NATO-7"):
    rng = np.random.default_rng(seed)
    state = rng.normal(size=(count, 6)) * np.repeat([5e6, 5e3], 3)
    return Ephemeris(
        name=name, time_s=np.arange(count) * 10.0 + 0.25, state=state, covariance=rng.normal(size=(count, 21)) * 1e4
    )


def same(one, other):
    assert one.name == other.name
    assert np.allclose(one.time_s, other.time_s, rtol=0, atol=1e-6)
    assert np.allclose(one.state, other.state, rtol=1e-14, atol=0)
    assert np.allclose(one.covariance, other.covariance, rtol=1e-14, atol=0)


def test_an_oem_is_read_back():
    objects = [ephemeris(0), ephemeris(1, 3, "Russia-2")]
    text = write_oem(objects, "NATO", EPOCH, CREATED)
    assert text.startswith("CCSDS_OEM_VERS = 2.0\n")
    for one, other in zip(objects, read_oem(text, EPOCH), strict=True):
        same(one, other)
    shifted = read_oem(text, EPOCH - timedelta(hours=1))
    assert np.allclose(shifted[0].time_s - objects[0].time_s, 3600.0)


def test_an_ocm_is_read_back():
    one = ephemeris(2)
    text = write_ocm(one, "NATO", EPOCH, CREATED)
    same(one, read_ocm(text, EPOCH))
    assert np.allclose(read_ocm(text, EPOCH - timedelta(days=1)).time_s - one.time_s, 86_400.0)


FOREIGN_OEM = """CCSDS_OEM_VERS = 3.0
CREATION_DATE = 2011-152T00:00:00
ORIGINATOR = SOMEBODY
META_START
OBJECT_NAME = TARGET
OBJECT_ID = 2011-001A
CENTER_NAME = EARTH
REF_FRAME = ITRF-97
TIME_SYSTEM = UTC
START_TIME = 2011-06-01T12:00:00
STOP_TIME = 2011-06-01T12:01:00
INTERPOLATION = HERMITE
META_STOP
COMMENT accelerations are left out
2011-152T12:00:00.5Z 6500.0 0 -1.5 0.1 7.5 0 0.001 0 0
2011-06-01T12:01:00 6501.0 450 -1.5 0.1 7.4 0
COVARIANCE_START
EPOCH = 2011-06-01T12:01:00
1
0 4
0 0 9
0 0 0 1e-6
0 0 0 0 2e-6
0 0 0 0 0 3e-6
COVARIANCE_STOP
"""


def test_a_message_of_somebody_else_is_understood():
    (one,) = read_oem(FOREIGN_OEM, EPOCH)
    assert one.name == "TARGET"
    assert one.time_s.tolist() == [0.5, 60.0]
    assert np.allclose(one.state[0], [6.5e6, 0, -1500, 100, 7500, 0])
    assert not one.covariance[0].any()
    diagonal = [one.covariance[1][i * (i + 3) // 2] for i in range(6)]
    assert np.allclose(diagonal, [1e6, 4e6, 9e6, 1, 2, 3])


@pytest.mark.parametrize(
    ("old", "new", "line", "complaint"),
    [
        ("CCSDS_OEM_VERS = 3.0", "CCSDS_OPM_VERS = 3.0", 1, "CCSDS_OPM_VERS"),
        ("REF_FRAME = ITRF-97", "REF_FRAME = EME2000", 8, "REF_FRAME = EME2000"),
        ("TIME_SYSTEM = UTC", "TIME_SYSTEM = TAI", 9, "TIME_SYSTEM = TAI"),
        ("CENTER_NAME = EARTH", "CENTER_NAME = MARS", 7, "CENTER_NAME = MARS"),
        ("6501.0 450", "6501.0", 16, "5 numbers"), ("6501.0 450", "6501.0 nan", 16, "'nan'"),
        ("6501.0 450", "6501.0 x", 16, "'x'"), ("2011-06-01T12:01:00 6501", "2011-13-01T12:01:00 6501", 16, "2011-13"),
        ("0 4\n", "0\n", 17, "20 terms"), ("COVARIANCE_STOP", "", 17, "no COVARIANCE_STOP"),
        ("META_STOP", "DATA_STOP", 13, "DATA_STOP"), ("OBJECT_NAME = TARGET\n", "", 4, "no OBJECT_NAME"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_told_by_line(old, new, line, complaint):
    with pytest.raises(InputError) as caught:
        read_oem(FOREIGN_OEM.replace(old, new), EPOCH, "x.oem")
    assert (caught.value.file, caught.value.line) == ("x.oem", line)
    assert complaint in caught.value.found
    with pytest.raises(InputError):
        read_oem("", EPOCH)


def test_an_oems_parts_stand_in_their_order():
    meta = FOREIGN_OEM[FOREIGN_OEM.index("META_START") : FOREIGN_OEM.index("COMMENT")]
    states = FOREIGN_OEM[FOREIGN_OEM.rindex("2011-152T") : FOREIGN_OEM.index("COVARIANCE_START")]
    spread = FOREIGN_OEM[FOREIGN_OEM.index("COVARIANCE_START") :]
    head = "CCSDS_OEM_VERS = 3.0\n"
    assert len(read_oem(head + 2 * (meta + states) + spread, EPOCH)) == 2
    for parts in ("", meta, meta + spread, states, meta + meta + states, meta + states + spread + states,
                  meta + states + spread + spread, meta + states + meta):  # fmt: skip
        with pytest.raises(InputError):
            read_oem(head + parts, EPOCH)


def test_tracks_become_ephemerides_by_line():
    count = 6
    rng = np.random.default_rng(3)
    tracks = TrackHistory(
        replicate=np.zeros(count), side=[0, 0, 1, 0, 0, 1], time_s=[10, 10, 10, 20, 20, 20], giver=[0, 1, 1, 0, 1, 1],
        number=[4, 9, 9, 4, 9, 9], origin=np.ones(count), phase=np.full(count, 2),
        position_ecef_m=rng.normal(size=(count, 3)), velocity_ecef_m_s=rng.normal(size=(count, 3)),
        covariance=rng.normal(size=(count, 21)), sensors=np.ones(count), impact_valid=np.zeros(count),
        impact_lat_rad=np.zeros(count), impact_lon_rad=np.zeros(count), impact_s=np.zeros(count),
        impact_covariance_m2=np.zeros((count, 3)),
    )  # fmt: skip
    found = of_tracks(tracks, 0, ["NATO", "Russia"])
    assert [(one.name, one.time_s.tolist()) for one in found] == [("NATO-4", [10, 20]), ("Russia-9", [10, 20])]
    assert np.array_equal(found[1].state[1, :3], tracks.position_ecef_m[4])
    assert of_tracks(TrackHistory.empty(), 0, ["NATO"]) == []


def detections():
    """A radar with two detections of one moment, and a satellite."""
    return Detections(
        replicate=np.zeros(4), time_s=[5.0, 5.0, 6.5, 15.0], sensor=[1, 1, 0, 1], kind=[1, 1, 2, 1],
        range_m=[2e6, 2.1e6, 0.0, 1.9e6], azimuth_rad=[0.5, 6.0, -2.5, 3.0], elevation_rad=[0.1, 0.2, -0.4, 0.15],
        sigma_range_m=[50.0, 50.0, 0.0, 50.0], sigma_azimuth_rad=[1e-3, 1e-3, 2e-5, 1e-3],
        sigma_elevation_rad=[2e-3, 2e-3, 2e-5, 2e-3], snr_db=np.zeros(4),
    )  # fmt: skip


NAMES = ["eye", "dish"]


def told(said=None):
    return write_tdm(detections() if said is None else said, NAMES, "NATO", EPOCH, CREATED)


def test_what_is_written_is_in_kilometres_and_degrees():
    """Number by number, as whoever has no reader of ours would take it."""
    lines = write_tdm(detections(), NAMES, "NATO", EPOCH, CREATED).splitlines()
    data = [line.split() for line in lines if line.startswith(("RANGE =", "ANGLE_1", "ANGLE_2"))]
    assert [(words[0], words[2]) for words in data[:5]] == [
        ("ANGLE_1", "2011-06-01T12:00:06.500000"), ("ANGLE_2", "2011-06-01T12:00:06.500000"),
        ("RANGE", "2011-06-01T12:00:05.000000"), ("ANGLE_1", "2011-06-01T12:00:05.000000"),
        ("ANGLE_2", "2011-06-01T12:00:05.000000"),
    ]  # fmt: skip
    told = [216.7605512, -22.91831181, 2000.0, 28.64788976, 5.729577951, 1900.0, 171.8873385, 8.594366927]
    assert [float(words[3]) for words in data[:8]] == pytest.approx(told, rel=1e-9)
    sigmas = [line for line in lines if "median sigma" in line]
    assert "range" not in sigmas[0], "a satellite has none"
    numbered = [line.split(":")[0] for line in lines if line.startswith("COMMENT segment")]
    assert numbered == [f"COMMENT segment {of}" for of in ("1 of 1 of eye", "1 of 2 of dish", "2 of 2 of dish")]
    numbers = [float(word) for word in sigmas[1].replace("deg", "").split() if word[0].isdigit()]
    assert numbers == pytest.approx([50.0, 0.05729577951, 0.1145915590], rel=1e-9)
    one = Ephemeris(
        name="NATO-7", time_s=np.array([10.25]), state=np.array([[6.5e6, -1e3, 0.0, 100.0, -7500.0, 0.5]]),
        covariance=np.arange(21.0)[None] * 1e4,
    )  # fmt: skip
    numbers = [6500.0, -1.0, 0.0, 0.1, -7.5, 0.0005]
    oem = write_oem([one], "NATO", EPOCH, CREATED).splitlines()
    (state,) = (line.split() for line in oem if line.startswith("2011-06-01T12:00:10.250000 "))
    assert [float(word) for word in state[1:]] == pytest.approx(numbers)
    rows = [line.split() for line in oem[oem.index("COVARIANCE_START") + 3 : oem.index("COVARIANCE_STOP")]]
    assert [len(row) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [float(word) for row in rows for word in row] == pytest.approx([0.01 * k for k in range(21)])
    ocm = write_ocm(one, "NATO", EPOCH, CREATED).splitlines()
    state, covariance = (line.split() for line in ocm if line.startswith("10.25 "))
    assert "EPOCH_TZERO = 2011-06-01T12:00:00.000000" in ocm
    assert [float(word) for word in state[1:]] == pytest.approx(numbers)
    assert [float(word) for word in covariance[1:]] == pytest.approx([0.01 * k for k in range(21)])


def test_a_tdm_is_read_back():
    said, found = detections(), read_tdm(told(), EPOCH)
    rows = found.detections.to_pydict()
    assert rows["sensor"] == [NAMES[i] for i in said.sensor]
    assert rows["range_m"].pop(2) is None
    assert rows["range_m"] == pytest.approx([2e6, 2.1e6, 1.9e6], rel=1e-14)
    for name in ("time_s", "azimuth_rad", "elevation_rad"):
        assert np.allclose(rows[name], getattr(said, name), rtol=1e-14, atol=1e-9), name
    assert found.angles == {"eye": "earth-axes", "dish": "horizon"}
    assert found.skipped == {}


def test_no_time_stands_twice_in_a_segment():
    """Two plots of one moment are in two segments of their sensor (503.0-B-2, 3.4.11)."""
    parts = [part.split("DATA_STOP")[0] for part in told().split("DATA_START")[1:]]
    assert ["2011-06-01T12:00:05.000000" in part for part in parts] == [False, True, True]
    for part in parts:
        keys = [line.split()[0] + line.split()[2] for line in part.splitlines() if line]
        assert len(set(keys)) == len(keys)


FOREIGN_TDM = """CCSDS_TDM_VERS = 2.0
CREATION_DATE = 2011-153T00:00:00
ORIGINATOR = SOMEBODY
META_START
TRACK_ID = 7
TIME_SYSTEM = UTC
START_TIME = 2011-06-01T12:00:00
PARTICIPANT_1 = UNKNOWN
PARTICIPANT_2 = FENCE
MODE = SEQUENTIAL
PATH = 2,1,2
TIMETAG_REF = RECEIVE
RANGE_MODULUS = 0.0
ANGLE_TYPE = AZEL
META_STOP
DATA_START
COMMENT sorted by keyword
RANGE = 2011-152T12:00:00.5Z 4000.0
RANGE = 2011-152T12:00:10Z 4100
ANGLE_1 = 2011-152T12:00:00.5Z 190.0
ANGLE_1 = 2011-152T12:00:10Z 191
ANGLE_2 = 2011-152T12:00:00.5Z 30.0
ANGLE_2 = 2011-152T12:00:10Z 31
DOPPLER_INSTANTANEOUS = 2011-152T12:00:10Z -1.5
RCS = 2011-152T12:00:10Z 2.5
DATA_STOP
"""


@pytest.mark.parametrize(("two_way", "range_m"), [("distance", [4e6, 4.1e6]), ("round-trip", [2e6, 2.05e6])])
def test_a_radar_of_somebody_else_is_understood(two_way, range_m):
    found = read_tdm(FOREIGN_TDM, EPOCH, two_way=two_way)
    rows = found.detections.to_pydict()
    assert (rows["sensor"], rows["time_s"], rows["range_m"]) == (["FENCE"] * 2, [0.5, 10.0], range_m)
    assert np.allclose(np.degrees(rows["azimuth_rad"]), [190, 191])
    assert rows["range_rate_m_s"] == [None, -1500.0]
    assert found.skipped == {"RCS": 1}


def test_a_range_there_and_back_needs_a_word():
    with pytest.raises(InputError) as caught:
        read_tdm(FOREIGN_TDM, EPOCH, "x.tdm")
    assert (caught.value.line, "--two-way distance or round-trip" in caught.value.remedy) == (11, True)


@pytest.mark.parametrize(
    ("old", "new", "line", "complaint"),
    [
        ("PATH = 2,1,2", "PATH = 1,2,3", 11, "PATH = 1,2,3"), ("PATH = 2,1,2\n", "", 4, "no PATH"),
        ("PATH = 2,1,2", "PATH = 3,1,3", 4, "no PARTICIPANT_3"), ("TIME_SYSTEM = UTC\n", "", 4, "no TIME_SYSTEM"),
        ("SYSTEM = UTC", "SYSTEM = TAI", 6, "TIME_SYSTEM = TAI"), ("= AZEL", "= XEYN", 14, "ANGLE_TYPE = XEYN"),
        ("= SEQUENTIAL", "= SINGLE_DIFF", 10, "MODE = SINGLE_DIFF"), ("= RECEIVE", "= TRANSMIT", 12, "TRANSMIT"),
        ("= AZEL", "= RADEC", 4, "no REFERENCE_FRAME"), ("TRACK_ID = 7", "RANGE_UNITS = RU", 5, "RANGE_UNITS = RU"),
        ("= RECEIVE", "= TRANSMIT", 12, "TIMETAG_REF"), ("MODULUS = 0.0", "MODULUS = 100", 13, "ambiguous"),
        ("TRACK_ID = 7", "DATA_QUALITY = DEGRADED", 5, "DEGRADED"),
        ("TRACK_ID = 7", "CORRECTIONS_APPLIED = NO", 5, "CORRECTIONS_APPLIED"),
        ("TRACK_ID = 7", "MODE = SINGLE_DIFF", 10, "MODE = SEQUENTIAL"),
        ("10Z 191", "00.5Z 191", 21, "a second ANGLE_1 of 2011-152T12:00:00.5Z"),
        ("ANGLE_2 = 2011-152T12:00:10Z 31\n", "", 19, "no ANGLE_2"),
        ("RANGE = 2011-152T12:00:10Z 4100", "RCS = 2011-152T12:00:10Z 1", 21, "no RANGE"),
        ("12:00:10Z 31", "12:00:10Z", 23, "ANGLE_2"), ("10Z 31", "10Z inf", 23, "'inf'"),
        ("START_TIME = 2011-06-01T12:00:00", "STOP_TIME = 2011-06-01T12:00:20", 24, "10.000000 s before their STOP"),
        ("DATA_STOP\n", "", 16, "no DATA_STOP"), ("META_STOP\n", "", 15, "no META_STOP"),
        ("META_STOP\nDATA_START\n", "META_STOP\nMETA_START\nMETA_STOP\nDATA_START\n", 16, "META_START here"),
        ("TRACK_ID = 7", "DATA_START\nDATA_STOP", 5, "no META_STOP"),
        ("10Z 31", "10Z 91", 23, "ANGLE_2 of 91"), ("10Z 191", "10Z 361", 21, "ANGLE_1 of 361"),
        ("10Z 4100", "10Z 0", 19, "RANGE of 0"), ("10Z 4100", "10Z -1", 19, "RANGE of -1"),
        ("Z -1.5", "Z -3e5", 24, "DOPPLER_INSTANTANEOUS of -3e5"),
    ],
)  # fmt: skip
def test_a_tdm_that_is_not_understood_is_refused(old, new, line, complaint):
    assert old in FOREIGN_TDM
    with pytest.raises(InputError) as caught:
        read_tdm(FOREIGN_TDM.replace(old, new), EPOCH, "x.tdm", two_way="distance")
    assert (caught.value.file, caught.value.line) == ("x.tdm", line)
    assert complaint in caught.value.found


def test_a_byte_order_mark_says_nothing(tmp_path):
    (tmp_path / "a.tdm").write_text(FOREIGN_TDM, encoding="utf-8-sig")
    assert read_text(tmp_path / "a.tdm") == FOREIGN_TDM


def test_a_tdm_without_data_is_refused():
    for end in ("META_START", "DATA_START"):
        with pytest.raises(InputError):
            read_tdm(FOREIGN_TDM.split(end)[0], EPOCH)


def test_weather_is_counted_and_left_out():
    weather = "META_START\nTIME_SYSTEM = UTC\nPARTICIPANT_1 = FENCE\nMETA_STOP\nDATA_START\n%sDATA_STOP\n"
    lines = "PRESSURE = 2011-06-01T12:00:00 998\nPRESSURE = 2011-06-01T13:00:00 999\n"
    found = read_tdm(FOREIGN_TDM + weather % lines, EPOCH, two_way="distance")
    assert (len(found.detections), found.skipped) == (2, {"RCS": 1, "PRESSURE": 2})
    head = FOREIGN_TDM[: FOREIGN_TDM.index("META_START")]
    for nothing in (lines, ""):
        with pytest.raises(InputError, match="no detections"):
            read_tdm(head + weather % nothing, EPOCH)


def test_one_sensor_measures_along_one_kind_of_axes():
    second = FOREIGN_TDM[FOREIGN_TDM.index("META_START") :].replace("AZEL", "RADEC\nREFERENCE_FRAME = ITRF2000")
    with pytest.raises(InputError) as caught:
        read_tdm(FOREIGN_TDM + second, EPOCH, two_way="distance")
    assert "ANGLE_TYPE = RADEC" in caught.value.found


@pytest.mark.parametrize("write", [lambda: write_oem([ephemeris(0), ephemeris(1)], "N", EPOCH, CREATED), told,
                                   lambda: write_ocm(ephemeris(0), "N", EPOCH, CREATED)])  # fmt: skip
def test_a_file_cut_short_is_refused_or_whole_in_what_it_says(write):
    """Cut after any line: refused, unless the cut is between one object's or sensor's last line and the next one's."""
    text = write()
    read = {"OEM": read_oem, "OCM": lambda text, at: [read_ocm(text, at)],
            "TDM": lambda text, at: read_tdm(text, at).detections.to_pylist()}[text[6:9]]  # fmt: skip
    lines, passed = text.splitlines(), []
    for count in range(len(lines)):
        try:
            read("\n".join(lines[:count]) + "\n", EPOCH)
            passed.append(next(line for line in reversed(lines[:count]) if line))
        except InputError:
            continue
    last_states = {line for before, line in zip(lines[1:], lines, strict=False) if not before}
    assert set(passed) <= last_states | {"DATA_STOP", "COVARIANCE_STOP", "TRAJ_STOP"}
    assert len(passed) <= 8


def test_a_number_cut_in_two_is_refused():
    text = FOREIGN_OEM[: FOREIGN_OEM.index("COVARIANCE_START")]
    assert len(read_oem(text, EPOCH)) == 1
    for cut in (1, 2):
        with pytest.raises(InputError) as caught:
            read_oem(text[:-cut], EPOCH)
        assert (caught.value.line, caught.value.found) == (16, "a last line without an end")


def test_an_oem_that_ends_before_its_time_is_refused():
    for old, new, line in (("T12:01:00\nINTER", "T12:01:01\nINTER", 16), ("T12:00:00\nSTOP", "T11:59:59\nSTOP", 15)):
        with pytest.raises(InputError) as caught:
            read_oem(FOREIGN_OEM.replace(old, new), EPOCH)
        assert (caught.value.line, "_TIME of" in caught.value.found) == (line, True)
    with pytest.raises(InputError, match="no STOP_TIME"):
        read_oem(FOREIGN_OEM.replace("STOP_TIME = ", "X = "), EPOCH)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("TRAJ_STOP\n", "", "no TRAJ_STOP"), ("COV_STOP", "", "no COV_STOP"), ("COV_ST", "TRAJ_ST", "a second TRAJ"),
        ("STOP_TIME = 2011-06-01T12:00:40", "STOP_TIME = 2011-06-01T12:00:50", "end 10.000000 s before"),
        ("STOP_TIME = 2011-06-01T12:00:40.250000", "STOP_TIME = 41.0", "end 0.750000 s before"),
        ("\n10.25 ", "\n0.25 ", "0.25, not later"), ("COV_START", "1 2 3\nCOV_START", "outside of all blocks"),
    ],
)  # fmt: skip
def test_an_ocm_that_is_not_whole_is_refused(old, new, complaint):
    text = write_ocm(ephemeris(2), "NATO", EPOCH, CREATED)
    assert old in text
    with pytest.raises(InputError) as caught:
        read_ocm(text.replace(old, new), EPOCH)
    assert complaint in caught.value.found
    assert caught.value.line > 0


def test_covariances_of_other_moments_are_counted():
    assert read_oem(FOREIGN_OEM, EPOCH)[0].apart == 0
    (one,) = read_oem(FOREIGN_OEM.replace("EPOCH = 2011-06-01T12:01:00", "EPOCH = 2011-06-01T12:00:59"), EPOCH)
    assert (one.apart, one.covariance.any()) == (1, False)
