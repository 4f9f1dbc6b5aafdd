"""Sensors' status as SAPIENT says it (BSI Flex 335 v2.0), out and in, for those whose tools speak it.

Of SAPIENT's messages two fit what one side tells another: ``Registration`` (who a sensor is) and ``StatusReport`` (how
it is, and what it watches). Tracks do not: its detections carry no covariance. Angles are in degrees and distances in
metres there, radians and metres here.

=================================  ========================================================================
ours                               SAPIENT's
=================================  ========================================================================
the sensor                         ``node_id``, tied to the sensor's name by its ``Registration``
``released_s``                     ``timestamp``
``valid_s``, to the millisecond    the time in ``report_id`` (a ULID)
receiver                           ``destination_id``
UP, DEGRADED, DOWN                 ``system``: OK, WARNING, ERROR; DOWN also says ``NOT_DETECTING``
what it watches                    ``field_of_view``: a cone about the boresight, true north, full widths
=================================  ========================================================================
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np

from detente.bridges.sapient_frames import framed, frames, parsed, schema
from detente.geodesy.timescale import moment_at, seconds_since
from detente.records.errors import PeerError
from detente.records.slots import DetectionKind, SensorState
from detente.records.stages import Messages
from detente.scenario.agreement import DataClass

ICD_VERSION = "BSI Flex 335 v2.0"
MODE = "watching"
NO_CLAUSE = -1
NOBODY = -1
ULID_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
UNIX = datetime(1970, 1, 1, tzinfo=UTC)
RANGE_MAX_M = 1e8
"""Of a radar, as in our own messages. Source: assumption, 1e7 to 1e9."""
TIME_MAX_S = 1e9
SYSTEM = {SensorState.UP: "SYSTEM_OK", SensorState.DEGRADED: "SYSTEM_WARNING", SensorState.DOWN: "SYSTEM_ERROR"}
STATES = {name: state for state, name in SYSTEM.items()} | {"SYSTEM_GOODBYE": SensorState.DOWN}
NODE_TYPES = {DetectionKind.RADAR: "NODE_TYPE_RADAR", DetectionKind.INFRARED: "NODE_TYPE_CAMERA"}
"""A camera, in the standard's words, is electro-optical or infra-red."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A sensor, as far as SAPIENT wants to know it."""

    name: str
    side: int
    kind: DetectionKind
    position_deg_m: tuple[float, float, float] | None = None  # latitude, longitude, height (WGS 84); satellites: None


class Read(NamedTuple):
    """What a stream of SAPIENT messages said."""

    messages: Messages  # sensor-status; clause -1, and receiver -1 where no side of ours is named
    skipped: Mapping[str, int]  # kinds of message that say nothing of a sensor's status, and how many there were


def node_id(side: str, sensor: str = "") -> str:
    """The UUID under which a sensor, or a side's centre, goes: the same for the same names.

    In the form of version 4, the only one that strict readers of the standard take.
    """
    return str(UUID(bytes=hashlib.sha256(f"detente/{side}/{sensor}".encode()).digest()[:16], version=4))


def written(
    messages: Messages, nodes: Sequence[Node], sides: Sequence[str], epoch: datetime, *, marking: str, every_s: float
) -> bytes:  # fmt: skip
    """What one side told another of its sensors, in frames: a sensor registers, then reports.

    ``messages`` of other classes are left out. ``marking`` is ``simulated`` or ``exercise``; each message says which.
    ``every_s`` is the time between two reports, as a registration promises it.
    """
    assert marking in ("simulated", "exercise"), marking
    told = messages.take(messages.data == DataClass.SENSOR_STATUS)
    told = told.take(np.lexsort((told.clause, told.number, told.valid_s, told.released_s)))
    last: dict[int, Any] = {}
    out: list[bytes] = []
    for row in range(len(told)):
        sensor = int(told.number[row]) - 1
        report = _report(told, row, nodes[sensor], sides, epoch, marking)
        if sensor not in last:
            out.append(framed(_registration(nodes[sensor], sides, report, every_s)))
        same = sensor in last and _unchanged(last[sensor].status_report, report.status_report)
        if same:
            report.status_report.info = report.status_report.Info.Value("INFO_UNCHANGED")
        out.append(framed(report))
        last[sensor] = report
    return b"".join(out)


def read(stream: bytes, nodes: Sequence[Node], sides: Sequence[str], epoch: datetime) -> Read:
    """What a stream of frames says of our sensors. Raises PeerError at the first message that is not sound.

    A node must register, under a sensor's name, before it reports. ``replicate`` is 0.
    """
    known = _Register(nodes, sides)
    rows: list[dict[str, Any]] = []
    skipped: dict[str, int] = {}
    for at, data in frames(stream):
        try:
            message = parsed(data)
            kind = message.WhichOneof("content")
            if kind == "registration":
                known.enter(message.node_id, message.registration)
            elif kind == "status_report":
                rows.append(_row(message, known.sensor(message.node_id), known, epoch))
            else:
                skipped[kind] = skipped.get(kind, 0) + 1
        except PeerError as error:
            raise PeerError(f"byte {at}: {error}") from None
    return Read(messages=_messages(rows), skipped=skipped)


class _Register:
    """Which node is which sensor, as they registered; and which ids are sides' centres."""

    def __init__(self, nodes: Sequence[Node], sides: Sequence[str]) -> None:
        self.nodes = nodes
        self.by_name = {node.name: index for index, node in enumerate(nodes)}
        self.by_id: dict[str, int] = {}
        self.receivers = {node_id(side): index for index, side in enumerate(sides)}

    def enter(self, said_id: str, registration: Any) -> None:
        """Take down a node under its name; PeerError where it is no sensor of ours, or another than before."""
        sensor = self.by_name.get(registration.name)
        if registration.icd_version.replace("_", " ") != ICD_VERSION:
            raise PeerError(f"a node that speaks {registration.icd_version!r}, not {ICD_VERSION}")
        if sensor is None:
            raise PeerError(f"a node named {registration.name!r}, which is no sensor's name")
        types = {definition.node_type for definition in registration.node_definition}
        wanted = NODE_TYPES[self.nodes[sensor].kind]
        if types != {registration.NodeType.Value(wanted)}:
            raise PeerError(f"a node that registers {registration.name!r} as something else than {wanted}")
        if self.by_id.get(said_id, sensor) != sensor or (sensor in self.by_id.values() and said_id not in self.by_id):
            raise PeerError(f"a second node for {registration.name!r}, or a second name for a node")
        self.by_id[said_id] = sensor

    def sensor(self, said_id: str) -> int:
        """The sensor that a node registered as."""
        if said_id not in self.by_id:
            raise PeerError("a report of a node that did not register")
        return self.by_id[said_id]


def _report(told: Messages, row: int, node: Node, sides: Sequence[str], epoch: datetime, marking: str) -> Any:
    """One status as a SAPIENT message that says it is new."""
    message = schema().SapientMessage()
    message.timestamp.FromDatetime(moment_at(epoch, float(told.released_s[row])))
    message.node_id = node_id(sides[node.side], node.name)
    receiver = int(told.receiver[row])
    message.destination_id = node_id(sides[receiver])
    message.additional_information = marking
    report, state = message.status_report, SensorState(int(told.phase[row]))
    stated = moment_at(epoch, float(told.valid_s[row]))
    sent_ns = message.timestamp.ToNanoseconds()
    report.report_id = _ulid(stated, f"{message.node_id}/{receiver}/{told.clause[row]}/{sent_ns}")
    report.system = report.System.Value(SYSTEM[state])
    report.info = report.Info.Value("INFO_NEW")
    report.mode = MODE
    if state == SensorState.DOWN:
        report.status.add(
            status_level=report.StatusLevel.Value("STATUS_LEVEL_ERROR_STATUS"),
            status_type=report.StatusType.Value("STATUS_TYPE_NOT_DETECTING"), status_value="down",
        )  # fmt: skip
    if node.position_deg_m is not None:
        lat_deg, lon_deg, height_m = node.position_deg_m
        report.node_location.x, report.node_location.y, report.node_location.z = lon_deg, lat_deg, height_m
        report.node_location.coordinate_system = 1  # LAT_LNG_DEG_M
        report.node_location.datum = 1  # WGS84_E
    if told.state[row].any():
        _say_cone(report.field_of_view.range_bearing, told.state[row, :5])
    return message


def _say_cone(cone: Any, sector: np.ndarray) -> None:
    boresight, half_width, lowest, highest = (round(math.degrees(value), 9) for value in sector[:4])
    cone.azimuth, cone.horizontal_extent = boresight % 360.0, 2.0 * half_width
    cone.elevation, cone.vertical_extent = 0.5 * (lowest + highest), highest - lowest
    cone.range = float(sector[4])
    cone.coordinate_system = 1  # DEGREES_M
    cone.datum = 1  # TRUE


def _registration(node: Node, sides: Sequence[str], report: Any, every_s: float) -> Any:
    """Who a sensor is, sent with its first report."""
    message = schema().SapientMessage()
    message.timestamp.CopyFrom(report.timestamp)
    message.node_id, message.destination_id = report.node_id, report.destination_id
    message.additional_information = report.additional_information
    said = message.registration
    subtype = {DetectionKind.RADAR: "early-warning radar", DetectionKind.INFRARED: "infrared satellite"}[node.kind]
    said.node_definition.add(node_type=said.NodeType.Value(NODE_TYPES[node.kind]), node_sub_type=[subtype])
    said.icd_version, said.name, said.short_name = ICD_VERSION, node.name, node.name
    said.capabilities.add(category="reports", type="status of a sensor of", value=sides[node.side])
    said.status_definition.status_interval.units = said.TimeUnits.Value("TIME_UNITS_SECONDS")
    said.status_definition.status_interval.value = every_s
    mode = said.mode_definition.add(mode_name=MODE, mode_type=said.ModeType.Value("MODE_TYPE_DEFAULT"))
    mode.settle_time.units, mode.settle_time.value = said.TimeUnits.Value("TIME_UNITS_SECONDS"), 0.0
    # The standard wants a region in which a mode can be tasked. There is none: no command is listed, and a maximum of
    # no tasks at a time.
    mode.task.concurrent_tasks = 0
    mode.task.region_definition.region_type.append(said.RegionType.Value("REGION_TYPE_IGNORE"))
    area = mode.task.region_definition.region_area.add()
    area.location_units, area.location_datum = 1, 1  # LAT_LNG_DEG_M, WGS84_E
    said.config_data.add(manufacturer="not stated", model="not stated")
    return message


def _unchanged(before: Any, now: Any) -> bool:
    """Whether two reports say the same of a sensor."""
    kept = type(now)()
    kept.CopyFrom(now)
    kept.report_id, kept.info = before.report_id, before.info
    return kept == before


def _ulid(moment: datetime, address: str) -> str:
    """A ULID whose time is the moment's millisecond; the rest of it is the address's, not chance's."""
    milliseconds = (moment - UNIX) // timedelta(milliseconds=1)
    rest = int.from_bytes(hashlib.sha256(address.encode()).digest()[:10], "big")
    value = milliseconds << 80 | rest
    return "".join(ULID_DIGITS[value >> 5 * place & 31] for place in reversed(range(26)))


def _ulid_moment(ulid: str) -> datetime:
    milliseconds = 0
    for digit in ulid[:10]:
        milliseconds = milliseconds << 5 | ULID_DIGITS.index(digit)
    try:
        return UNIX + timedelta(milliseconds=milliseconds)
    except OverflowError:
        raise PeerError("status_report.report_id: a moment that no calendar has") from None


def _row(message: Any, sensor: int, known: _Register, epoch: datetime) -> dict[str, Any]:
    """One report as a row of our table."""
    report = message.status_report
    name = report.System.Name(report.system)
    down = report.StatusType.Value("STATUS_TYPE_NOT_DETECTING"), report.StatusLevel.Value("STATUS_LEVEL_ERROR_STATUS")
    state = STATES[name]
    if any((one.status_type, one.status_level) == down for one in report.status):
        state = SensorState.DOWN
    sent_s = seconds_since(epoch, message.timestamp.ToDatetime(tzinfo=UTC))
    stated_s = seconds_since(epoch, _ulid_moment(report.report_id))
    if stated_s > sent_s or max(abs(stated_s), abs(sent_s)) > TIME_MAX_S:
        raise PeerError("a report made after it was sent, or at a time out of bounds")
    watched = state != SensorState.DOWN and report.field_of_view.WhichOneof("fov_oneof") == "range_bearing"
    sector = _sector(report.field_of_view.range_bearing) if watched else (0.0,) * 6
    return {
        "giver": known.nodes[sensor].side, "receiver": known.receivers.get(message.destination_id, NOBODY),
        "number": sensor + 1, "sensors": 1 << sensor, "phase": int(state), "valid_s": stated_s, "released_s": sent_s,
        "state": sector,
    }  # fmt: skip


def _sector(cone: Any) -> tuple[float, ...]:
    """A cone as our six numbers; all 0 where it does not say enough. PeerError for one that no radar can watch."""
    scale = {1: 1.0, 3: 1e3}.get(cone.coordinate_system)
    if scale is None or cone.datum != 1:
        raise PeerError("a field of view in other units than degrees with metres or kilometres, or not from true north")
    if not all(map(cone.HasField, ("azimuth", "elevation", "range", "horizontal_extent", "vertical_extent"))):
        return (0.0,) * 6
    lowest, highest = (cone.elevation + sign * 0.5 * cone.vertical_extent for sign in (-1.0, 1.0))
    range_m = scale * cone.range
    sound = -360.0 <= cone.azimuth <= 360.0 and 0.0 <= cone.horizontal_extent <= 360.0
    if not (sound and -90.0 <= lowest <= highest <= 90.0 and 0.0 <= range_m <= RANGE_MAX_M):
        raise PeerError("a field of view that no radar can watch")
    angles = math.remainder(cone.azimuth, 360.0), 0.5 * cone.horizontal_extent, lowest, highest
    return (*map(math.radians, angles), range_m, 0.0)


def _messages(rows: Sequence[Mapping[str, Any]]) -> Messages:
    columns = {name: np.zeros((len(rows), *spec.shape), spec.dtype) for name, spec in Messages.columns()}
    columns["data"][:] = DataClass.SENSOR_STATUS
    columns["clause"][:] = NO_CLAUSE
    for index, row in enumerate(rows):
        for name, value in row.items():
            columns[name][index] = value
    return Messages(**columns)
