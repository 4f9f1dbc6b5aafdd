"""CCSDS messages: what is written is read back, a plain message of somebody else is understood, the rest is refused."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from detente.gateway.ccsds.ephemeris import Ephemeris, of_tracks, read_ocm, read_oem, write_ocm, write_oem
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


SENSORS = {"eye": 0, "dish": 1}
SIGMAS = {"eye": (0.0, 2e-5, 2e-5), "dish": (50.0, 1e-3, 2e-3)}


def test_a_tdm_is_read_back():
    said = detections()
    text = write_tdm(said, ["eye", "dish"], "NATO", EPOCH, CREATED)
    found = read_tdm(text, EPOCH, SENSORS, SIGMAS)
    for name, _ in Detections.columns():
        assert np.allclose(getattr(found, name), getattr(said, name), rtol=1e-13, atol=1e-9), name


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("PARTICIPANT_1 = dish", "PARTICIPANT_1 = ear", "sensor 'ear'"), ("PATH = 2,1", "PATH = 1,2,1", "PATH = 1,2,1"),
        ("RANGE_UNITS = km", "RANGE_UNITS = RU", "RANGE_UNITS = RU"),
        ("ANGLE_TYPE = AZEL", "ANGLE_TYPE = XEYN", "ANGLE_TYPE = XEYN"),
        ("RANGE = 2011-06-01T12:00:15", "X = 1", "ANGLE_1, ANGLE_2 at"),
        ("RANGE = 2011-06-01T12:00:15.000000", "RANGE = 1 2", "RANGE = 1 2"),
        ("ANGLE_2 = 2011-06-01T12:00:15", "ANGLE_1 = 2011-06-01T12:00:15", "ANGLE_1"),
    ],
)  # fmt: skip
def test_a_tdm_that_is_not_understood_is_refused(old, new, complaint):
    text = write_tdm(detections(), ["eye", "dish"], "NATO", EPOCH, CREATED)
    assert old in text
    with pytest.raises(InputError) as caught:
        read_tdm(text.replace(old, new), EPOCH, SENSORS, SIGMAS)
    assert complaint in caught.value.found
