"""Sensors' status as SAPIENT says it: what goes over comes back, a stranger is understood, all else is refused."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from google.protobuf.json_format import ParseDict
from hypothesis import given, settings
from hypothesis import strategies as st
from sapient_msg.bsi_flex_335_v2_0.sapient_message_pb2 import SapientMessage

from detente.bridges.sapient import NO_CLAUSE, NOBODY, Node, node_id, read, written
from detente.bridges.sapient_frames import MESSAGE_BYTES_MAX, ULID, UUID, frames, parsed
from detente.centre.exchange.sensor_status import ANGLE_STEP_RAD, RANGE_STEP_M
from detente.records.errors import PeerError
from detente.records.slots import DetectionKind, SensorState
from detente.records.stages import Messages
from detente.scenario.agreement import DataClass

EPOCH = datetime(2011, 6, 1, 12, tzinfo=UTC)
SIDES = ("NATO", "Russia")
NODES = (
    Node(name="fylingdales", side=0, kind=DetectionKind.RADAR, position_deg_m=(54.36, -0.67, 260.0)),
    Node(name="sbirs-geo-1", side=0, kind=DetectionKind.INFRARED),
    Node(name="gabala", side=1, kind=DetectionKind.RADAR, position_deg_m=(40.87, 47.81, 680.0)),
)


def table(*rows):
    """Statuses as (sensor's index, state, sent, stated, sector in whole steps or None), told to the other side."""
    columns = {name: np.zeros((len(rows), *spec.shape), spec.dtype) for name, spec in Messages.columns()}
    for index, (sensor, state, sent_s, stated_s, sector) in enumerate(rows):
        steps = np.array([0, 0, 0, 0, 0] if sector is None else sector, float)
        values = {
            "giver": NODES[sensor].side, "receiver": 1 - NODES[sensor].side, "data": DataClass.SENSOR_STATUS,
            "clause": NO_CLAUSE, "released_s": sent_s, "valid_s": stated_s, "number": sensor + 1, "phase": state,
            "sensors": 1 << sensor,
        }  # fmt: skip
        for name, value in values.items():
            columns[name][index] = value
        columns["state"][index, :5] = steps * np.array([ANGLE_STEP_RAD] * 4 + [RANGE_STEP_M])
    return Messages(**columns)


def sent(*rows):
    return written(table(*rows), NODES, SIDES, EPOCH, marking="exercise", every_s=60.0)


def framed(*messages):
    parts = [one if isinstance(one, bytes) else one.SerializeToString() for one in messages]
    return b"".join(len(part).to_bytes(4, "little") + part for part in parts)


def opened(stream):
    return [parsed(data) for _, data in frames(stream)]


SECTORS = st.tuples(
    st.integers(-36, 36), st.integers(0, 36), st.integers(-18, 18), st.integers(0, 18), st.integers(0, 160)
).map(lambda said: (said[0], said[1], min(said[2], said[3]), max(said[2], said[3]), said[4]))
ROWS = st.tuples(
    st.integers(0, 2), st.integers(1, 3), st.integers(0, 10**6), st.integers(0, 300_000), st.none() | SECTORS
).map(lambda said: (said[0], said[1], 0.001 * (said[2] + said[3]), 0.001 * said[2], None if said[1] == 3 else said[4]))


@settings(max_examples=60, deadline=None)
@given(st.lists(ROWS, max_size=8))
def test_what_goes_over_comes_back(rows):
    said = table(*rows)
    found = read(sent(*rows), NODES, SIDES, EPOCH)
    assert dict(found.skipped) == {}
    ordered = said.take(np.lexsort((said.number, said.valid_s, said.released_s)))
    assert len(found.messages) == len(rows)
    for name, spec in Messages.columns():
        ours, theirs = getattr(ordered, name), getattr(found.messages, name)
        if name == "state":
            turned = theirs - ours  # a boresight of 180° is one of -180°
            turned[:, 0] = np.remainder(turned[:, 0] + np.pi, 2 * np.pi) - np.pi
            assert np.abs(turned[:, :5]).max(initial=0.0) < 1e-9
        elif name in ("valid_s", "released_s"):
            assert np.abs(theirs - ours).max(initial=0.0) <= 1e-3 + 1e-9  # a ULID has milliseconds
        else:
            assert np.array_equal(theirs, ours), (name, spec)


def test_a_node_registers_before_it_reports_and_says_what_is_new():
    up, down = (0, 1, 5.0, 5.0, (2, 12, 1, 10, 80)), (0, 3, 65.0, 60.0, None)
    stream = sent(up, (0, 1, 35.0, 30.0, (2, 12, 1, 10, 80)), down, (2, 2, 6.0, 6.0, (-4, 10, 1, 11, 120)))
    messages = opened(stream)
    kinds = [(one.WhichOneof("content"), one.node_id) for one in messages]
    nato, russia = node_id("NATO", "fylingdales"), node_id("Russia", "gabala")
    assert kinds == [
        ("registration", nato), ("status_report", nato), ("registration", russia), ("status_report", russia),
        ("status_report", nato), ("status_report", nato),
    ]  # fmt: skip
    assert {one.additional_information for one in messages} == {"exercise"}
    assert {one.destination_id for one in messages} == {node_id("NATO"), node_id("Russia")}
    registered = messages[0].registration
    assert (registered.name, registered.icd_version) == ("fylingdales", "BSI Flex 335 v2.0")
    assert registered.status_definition.status_interval.value == 60.0
    reports = [one.status_report for one in messages if one.WhichOneof("content") == "status_report"]
    info, system = reports[0].Info, reports[0].System
    assert [info.Name(one.info) for one in reports] == ["INFO_NEW", "INFO_NEW", "INFO_UNCHANGED", "INFO_NEW"]
    assert [system.Name(one.system) for one in reports] == [
        "SYSTEM_OK", "SYSTEM_WARNING", "SYSTEM_OK", "SYSTEM_ERROR",
    ]  # fmt: skip
    cone = reports[1].field_of_view.range_bearing
    assert (cone.azimuth, cone.horizontal_extent, cone.range) == (340.0, 100.0, 6e6)
    assert (cone.elevation, cone.vertical_extent) == (30.0, 50.0)
    assert not reports[3].HasField("field_of_view")
    assert (reports[1].node_location.x, reports[1].node_location.y) == (47.81, 40.87)
    assert all(ULID.fullmatch(one.report_id) for one in reports)
    assert len({one.report_id for one in reports}) == len(reports)
    assert all(UUID.fullmatch(one.node_id) for one in messages)
    assert sent(up, down) == sent(up, down)


def stranger(**report):
    """A radar of somebody else's making, and one report of its own."""
    said = {
        "timestamp": "2011-06-01T12:01:00.25Z", "nodeId": "ea54bd43-304f-4d11-a80a-6e5a401bdb7d",
        "registration": {
            "nodeDefinition": [{"nodeType": "NODE_TYPE_RADAR", "nodeSubType": ["any"]}],
            "icdVersion": "BSI Flex 335 v2.0", "name": "gabala",
            "capabilities": [{"category": "radar", "type": "power", "value": "10", "units": "MW"}],
            "statusDefinition": {"statusInterval": {"units": "TIME_UNITS_SECONDS", "value": 5.0}},
            "modeDefinition": [{
                "modeName": "scan", "modeType": "MODE_TYPE_PERMANENT",
                "settleTime": {"units": "TIME_UNITS_SECONDS", "value": 1.0},
                "task": {"regionDefinition": {
                    "regionType": ["REGION_TYPE_BOUNDARY"],
                    "regionArea": [{"rangeBearingUnits": "RANGE_BEARING_COORDINATE_SYSTEM_DEGREES_KM",
                                    "rangeBearingDatum": "RANGE_BEARING_DATUM_TRUE"}],
                }},
            }],
            "configData": [{"manufacturer": "somebody", "model": "one"}],
        },
    }  # fmt: skip
    status = {
        "reportId": "014NJF0F00ZZZZZZZZZZZZZZZZ", "system": "SYSTEM_WARNING", "info": "INFO_NEW", "mode": "scan",
        "power": {"source": "POWERSOURCE_MAINS", "status": "POWERSTATUS_OK"},
        "fieldOfView": {"rangeBearing": {
            "elevation": 25.0, "azimuth": -20.0, "range": 6000.0, "horizontalExtent": 110.0, "verticalExtent": 40.0,
            "coordinateSystem": "RANGE_BEARING_COORDINATE_SYSTEM_DEGREES_KM", "datum": "RANGE_BEARING_DATUM_TRUE",
        }},
        "status": [{"statusLevel": "STATUS_LEVEL_WARNING_STATUS", "statusType": "STATUS_TYPE_CLUTTER"}],
    } | report  # fmt: skip
    first = ParseDict(said, SapientMessage())
    second = ParseDict({key: said[key] for key in ("timestamp", "nodeId")} | {"statusReport": status}, SapientMessage())
    return first, second


def made_at(seconds):
    """A ULID of that moment."""
    digits, value = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", int((EPOCH + timedelta(seconds=seconds)).timestamp() * 1000)
    return "".join(digits[value >> 5 * place & 31] for place in reversed(range(10))) + "Z" * 16


def test_a_stranger_is_understood():
    first, second = stranger(reportId=made_at(59.5))
    (skipped,) = ParseDict(
        {"timestamp": "2011-06-01T12:01:00Z", "nodeId": first.node_id, "alertAck": {
            "alertId": made_at(1), "alertAckStatus": "ALERT_ACK_STATUS_ACCEPTED"}}, SapientMessage()
    ),  # fmt: skip
    found = read(framed(first, skipped, second), NODES, SIDES, EPOCH)
    assert dict(found.skipped) == {"alert_ack": 1}
    (number,) = found.messages.number
    assert (number, found.messages.giver[0], found.messages.receiver[0]) == (3, 1, NOBODY)
    assert found.messages.phase[0] == SensorState.DEGRADED
    assert (found.messages.released_s[0], found.messages.valid_s[0]) == (60.25, 59.5)
    degrees = np.degrees(found.messages.state[0, :4])
    assert np.allclose(degrees, [-20.0, 55.0, 5.0, 45.0])
    assert found.messages.state[0, 4] == 6e6


BLIND = {"statusLevel": "STATUS_LEVEL_ERROR_STATUS", "statusType": "STATUS_TYPE_NOT_DETECTING"}


@pytest.mark.parametrize(
    ("report", "state"),
    [
        ({"system": "SYSTEM_OK"}, SensorState.UP), ({"system": "SYSTEM_GOODBYE"}, SensorState.DOWN),
        ({"system": "SYSTEM_OK", "status": [BLIND]}, SensorState.DOWN),
        ({"fieldOfView": {"rangeBearing": {
            "azimuth": 10.0, "coordinateSystem": "RANGE_BEARING_COORDINATE_SYSTEM_DEGREES_M",
            "datum": "RANGE_BEARING_DATUM_TRUE"}}}, SensorState.DEGRADED),
    ],
)  # fmt: skip
def test_what_it_says_of_its_state_is_ours(report, state):
    found = read(framed(*stranger(**{"reportId": made_at(0)} | report)), NODES, SIDES, EPOCH).messages
    assert found.phase.tolist() == [state]
    whole = state == SensorState.UP
    assert bool(found.state.any()) == whole, "half a field of view, or that of a sensor that is down, is none"


CONE = {
    "elevation": 25.0, "azimuth": 0.0, "range": 6e3, "horizontalExtent": 90.0, "verticalExtent": 40.0,
    "coordinateSystem": "RANGE_BEARING_COORDINATE_SYSTEM_DEGREES_KM", "datum": "RANGE_BEARING_DATUM_TRUE",
}  # fmt: skip


def seen(**values):
    return {"fieldOfView": {"rangeBearing": CONE | values}}


@pytest.mark.parametrize(
    ("report", "complaint"),
    [
        ({"reportId": "not-a-ulid"}, "report_id: no ULID"), ({"reportId": made_at(61)}, "after it was sent"),
        ({"reportId": "0" * 26}, "out of bounds"), ({"reportId": "7" + "Z" * 25}, "no calendar"),
        ({"system": "SYSTEM_UNSPECIFIED"}, "system: missing"), ({"info": "INFO_UNSPECIFIED"}, "info: missing"),
        ({"mode": "x" * 600}, "mode: text"), ({"mode": "a\x00b"}, "mode: text"),
        ({"status": [{}]}, "status_type: missing"),
        ({"status": [{"statusType": "STATUS_TYPE_OTHER"}] * 300}, "status: 300 times"),
        (seen(coordinateSystem="RANGE_BEARING_COORDINATE_SYSTEM_RADIANS_M"), "other units"),
        (seen(datum="RANGE_BEARING_DATUM_MAGNETIC"), "other units"), (seen(datum=None), "datum: missing"),
        (seen(range=2e5), "no radar can watch"), (seen(horizontalExtent=361.0), "no radar can watch"),
        (seen(elevation=80.0), "no radar can watch"), (seen(verticalExtent=-1.0), "no radar can watch"),
        (seen(azimuth="NaN"), "azimuth: not a number"), ({"fieldOfView": {}}, "none of range_bearing"),
    ],
)  # fmt: skip
def test_a_report_that_is_none_is_refused(report, complaint):
    with pytest.raises(PeerError, match=complaint):
        read(framed(*stranger(**{"reportId": made_at(0)} | report)), NODES, SIDES, EPOCH)


def test_what_the_schema_does_not_know_is_refused():
    first, second = (one.SerializeToString() for one in stranger(reportId=made_at(0)))
    for unknown in (b"\xfa\x01\x03abc", b"\x98\x06\x01"):
        with pytest.raises(PeerError, match="does not have"):
            read(framed(first, second + unknown), NODES, SIDES, EPOCH)
    odd = parsed(second)
    odd.status_report.system = 4  # withdrawn by the standard
    with pytest.raises(PeerError, match="4 is no value of System"):
        parsed(odd.SerializeToString())
    for part, value in (("nanos", -5), ("nanos", 10**9), ("seconds", 10**12), ("seconds", -(10**12))):
        never = parsed(second)
        setattr(never.timestamp, part, value)
        with pytest.raises(PeerError, match="timestamp: no moment"):
            parsed(never.SerializeToString())


def registered(**values):
    first, second = stranger(reportId=made_at(0))
    for name, value in values.items():
        if name == "node_type":
            first.registration.node_definition[0].node_type = value
        elif name == "node_id":
            first.node_id = value
        else:
            setattr(first.registration, name, value)
    return first, second


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        (registered(name="thule"), "no sensor's name"), (registered(icd_version="BSI Flex 335 v1.0"), "speaks"),
        (registered(node_type=4), "something else"), (registered(node_id="EA54BD43"), "node_id: no UUID"),
        (registered()[1:], "did not register"),
        ((registered()[0], registered(node_id=node_id("x"))[0]), "a second node"),
        ((registered()[0], registered(name="fylingdales")[0]), "a second name"),
    ],
)  # fmt: skip
def test_a_node_is_who_it_registered_as(messages, complaint):
    with pytest.raises(PeerError, match=complaint):
        read(framed(*messages), NODES, SIDES, EPOCH)
    first, second = registered()
    assert len(read(framed(first, first, second), NODES, SIDES, EPOCH).messages) == 1


def test_frames_are_whole_and_bounded():
    stream = sent((0, 1, 5.0, 5.0, (2, 12, 1, 10, 80)))
    for end in range(1, len(stream)):
        if end in {at for at, _ in frames(stream)}:
            continue
        with pytest.raises(PeerError, match="cut off"):
            read(stream[:end], NODES, SIDES, EPOCH)
    with pytest.raises(PeerError, match="at most"):
        read((MESSAGE_BYTES_MAX + 1).to_bytes(4, "little"), NODES, SIDES, EPOCH)
    with pytest.raises(PeerError, match="no SAPIENT message"):
        read(framed(b"\xff\xff"), NODES, SIDES, EPOCH)
    deep = b""
    for _ in range(400):  # configuration data of a part of a part of a part …
        deep = b"\x0a\x01a\x12\x01b" + (b"\x32" + _varint(len(deep)) + deep if deep else b"")
    with pytest.raises(PeerError):
        parsed(b"\x22" + _varint(len(deep) + 4) + b"\x52" + _varint(len(deep)) + deep)


def _varint(value):
    out = []
    while True:
        out.append(value & 127 | (128 if value > 127 else 0))
        value >>= 7
        if not value:
            return bytes(out)


def test_no_bytes_crash_it():
    stream = sent((0, 1, 5.0, 5.0, (2, 12, 1, 10, 80)), (0, 3, 65.0, 60.0, None))
    rng, refused = np.random.default_rng(3), 0
    for _ in range(1500):
        bad = bytearray(stream)
        for at in rng.integers(0, len(bad), rng.integers(1, 4)):
            bad[at] = rng.integers(0, 256)
        try:
            found = read(bytes(bad), NODES, SIDES, EPOCH).messages
            assert np.all(np.isfinite(found.state))
            assert np.isin(found.phase, (1, 2, 3)).all()
        except PeerError:
            refused += 1
    assert refused > 500


def test_without_the_schema_the_user_is_told_what_to_install():
    code = """
import sys
sys.modules["sapient_msg"] = None
from detente.bridges.sapient_frames import parsed
from detente.records.errors import InputError
try:
    parsed(b"")
except InputError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'detente[sapient]'" in result.stdout, result.stderr
