"""Detections as CCSDS tracking data (503.0-B-2), out and in.

Radars: range in kilometres, azimuth from north and elevation in degrees (ANGLE_TYPE AZEL). Infrared: direction along
Earth-fixed axes as right ascension and declination are along inertial ones (RADEC in that frame). PATH is 2,1: what a
range says is the distance, not the way there and back. The standard has no place for standard deviations: they are
noted in comments, and a reader's file of sensors says them.

A keyword may stand once with each time in a segment (503.0-B-2, 3.4.11), and nobody has said yet which detections are
of one object. So a sensor has as many segments as it ever saw things at once, and the place of a detection among them
means nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from detente.gateway.ccsds.kvn import CUT, FRAME, FRAMES, Block, Line, Message, figure, header, parse, stamp
from detente.records.slots import DetectionKind
from detente.records.stages import Detections

UNKNOWN = "UNKNOWN"
"""Participant 2: what is measured has no name yet."""

KM = 1e3
ANGLES = {"AZEL": "horizon", "RADEC": "earth-axes"}
"""What a file of sensors calls the axes of these angles (docs/detections.md)."""
READ = {
    "RANGE": (0.0, 1e9, "a range above 0, in km"),
    "ANGLE_1": (-360.0, 360.0, "an angle between -360 and 360 degrees"),
    "ANGLE_2": (-90.0, 90.0, "an elevation or declination between -90 and 90 degrees"),
    "DOPPLER_INSTANTANEOUS": (-299_792.0, 299_792.0, "a speed slower than light, in km/s"),
}
"""What is read, and between which numbers: no detection lies beyond, nor at a range of 0."""
TWO_WAY = {"distance": 1.0, "round-trip": 0.5}
"""What a range says where the path is there and back, and what makes it a distance: the standard leaves it open."""


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """What a Tracking Data Message says."""

    detections: pa.Table  # in order of time; the columns of docs/detections.md, sensors by name, no sigmas
    angles: dict[str, str]  # of each sensor: along which axes, ``horizon`` or ``earth-axes``
    skipped: dict[str, int]  # lines of other data by keyword, left out


def write_tdm(
    detections: Detections, sensor_names: Sequence[str], originator: str, epoch: datetime, created: datetime
) -> str:
    """A Tracking Data Message with all detections, each sensor's segments after the other's."""
    lines = header("TDM", "2.0", originator, created)
    for sensor in np.unique(detections.sensor):
        mine = detections.take(detections.sensor == sensor)
        mine = mine.take(np.argsort(mine.time_s, kind="stable"))
        stamps = [stamp(epoch, float(time_s)) for time_s in mine.time_s]
        segments = _segments(stamps)
        for number, rows in enumerate(segments, 1):
            lines += _metadata(mine, sensor_names[int(sensor)], f"{number} of {len(segments)}")
            lines += [f"START_TIME = {stamps[rows[0]]}", f"STOP_TIME = {stamps[rows[-1]]}"]
            lines += _participants(mine, sensor_names[int(sensor)])
            lines += ["META_STOP", "", "DATA_START", *_records(mine, rows, stamps), "DATA_STOP"]
    return "\n".join(lines) + "\n"


def _segments(stamps: Sequence[str]) -> list[list[int]]:
    """The rows of each segment, so that no time stands in one twice."""
    seen: dict[str, int] = {}
    segments: list[list[int]] = []
    for row, at in enumerate(stamps):
        place = seen.get(at, 0)
        seen[at] = place + 1
        if place == len(segments):
            segments.append([])
        segments[place].append(row)
    return segments


def _metadata(mine: Detections, name: str, number: str) -> list[str]:
    range_m, *angles_rad = (
        float(np.median(sigma)) for sigma in (mine.sigma_range_m, mine.sigma_azimuth_rad, mine.sigma_elevation_rad)
    )
    azimuth, elevation = (figure(math.degrees(angle)) for angle in angles_rad)
    ranged = f"range {figure(range_m)} m, " if int(mine.kind[0]) == DetectionKind.RADAR else ""
    return [
        "", "META_START",
        f"COMMENT segment {number} of {name}: each time stands once in a segment, which is no track",
        f"COMMENT median sigma: {ranged}angles {azimuth} deg, {elevation} deg",
        "TIME_SYSTEM = UTC",
    ]  # fmt: skip


def _participants(mine: Detections, name: str) -> list[str]:
    radar = int(mine.kind[0]) == DetectionKind.RADAR
    return [
        f"PARTICIPANT_1 = {name}", f"PARTICIPANT_2 = {UNKNOWN}", "MODE = SEQUENTIAL", "PATH = 2,1", "RANGE_UNITS = km",
        *(["ANGLE_TYPE = AZEL"] if radar else ["ANGLE_TYPE = RADEC", f"REFERENCE_FRAME = {FRAME}"]),
    ]  # fmt: skip


def _records(mine: Detections, rows: Sequence[int], stamps: Sequence[str]) -> list[str]:
    lines = []
    for row in rows:
        if int(mine.kind[row]) == DetectionKind.RADAR:
            lines.append(f"RANGE = {stamps[row]} {figure(float(mine.range_m[row]) / KM)}")
        lines.append(f"ANGLE_1 = {stamps[row]} {figure(math.degrees(float(mine.azimuth_rad[row])) % 360.0)}")
        lines.append(f"ANGLE_2 = {stamps[row]} {figure(math.degrees(float(mine.elevation_rad[row])))}")
    return lines


def read_tdm(text: str, epoch: datetime, file: str = "", *, two_way: str | None = None) -> Tracking:
    """The detections in a Tracking Data Message. Raises InputError with the line.

    A detection is the angles of one moment in one segment, with the range and the range rate of that moment where
    there are any. The sensor is whoever receives, last in PATH. ``two_way`` says what a range is where the path is
    there and back (a key of ``TWO_WAY``); without it such ranges are refused. What is no such datum is counted.
    """
    message = parse(text, file, "TDM")
    rows: list[dict[str, Any]] = []
    angles: dict[str, str] = {}
    skipped: dict[str, int] = {}
    meta: Block | None = None
    for block in message.blocks:
        if block.name == "META" and meta is None:
            meta = block
        elif block.name == "DATA" and meta is not None:
            rows += _segment(message, meta, block, epoch, two_way, angles, skipped)
            meta = None
        else:
            what = f"{block.name}_START here" if block.name else f"{block.start.text[:60]!r} outside of all blocks"
            raise message.refused(block.start, what, "metadata, then the data that they describe, and so on")
    if meta is not None or not rows:
        at = message.version if meta is None else meta.start
        raise message.refused(at, "no detections" if meta is None else "metadata without data", "angles", CUT)
    return Tracking(detections=_table(rows), angles=angles, skipped=skipped)


def _segment(
    message: Message, meta: Block, data: Block, epoch: datetime, two_way: str | None, angles: dict[str, str],
    skipped: dict[str, int],
) -> list[dict[str, Any]]:  # fmt: skip
    """The detections of one segment; ``angles`` and ``skipped`` are added to."""
    found = _moments(message, data, epoch, skipped)
    if not found:
        return []  # weather, media, clocks: other metadata are right for them
    name, path = _sensor(message, meta)
    kind = message.value(meta.words, "ANGLE_TYPE", meta.start)
    if angles.setdefault(name, ANGLES[kind]) != ANGLES[kind]:
        raise message.refused(meta.words["ANGLE_TYPE"], f"ANGLE_TYPE = {kind}", f"that of {name}'s other segments")
    lines = [line for said in found.values() for _, line in said.values()]
    message.require_span(meta.words, lines, [t for t, said in found.items() for _ in said], epoch)
    to_m, ranged = KM, {time_s for time_s, said in found.items() if "RANGE" in said}
    if ranged and len(path) > 2:
        if two_way is None:
            raise message.refused(
                meta.words["PATH"], "a range there and back, which may be the distance or the whole way",
                "PATH = 2,1, or a word for it", f"say which: --two-way {' or '.join(TWO_WAY)}",
            )  # fmt: skip
        to_m *= TWO_WAY[two_way]
    rows: list[dict[str, Any]] = []
    for time_s, said in found.items():
        lacking = {"ANGLE_1", "ANGLE_2", *(["RANGE"] if ranged else [])} - set(said)
        if lacking:
            _, at = next(iter(said.values()))
            raise message.refused(
                at, f"no {' and no '.join(sorted(lacking))} at {stamp(epoch, time_s)}", "both angles of each moment, "
                "and the range where others of the segment have one",
            )  # fmt: skip
        value = {keyword: number for keyword, (number, _) in said.items()}
        rows.append(
            {
                "time_s": time_s, "sensor": name, "range_m": to_m * value["RANGE"] if ranged else None,
                "azimuth_rad": _azimuth_rad(value["ANGLE_1"], kind), "elevation_rad": math.radians(value["ANGLE_2"]),
                "range_rate_m_s": KM * value["DOPPLER_INSTANTANEOUS"] if "DOPPLER_INSTANTANEOUS" in value else None,
            }
        )  # fmt: skip
    return rows


def _azimuth_rad(degrees: float, kind: str) -> float:
    """As detections have it: a radar's clockwise from north, along the Earth's axes between -π and π."""
    return math.radians(degrees - 360.0 if kind == "RADEC" and degrees > 180.0 else degrees)


def _sensor(message: Message, meta: Block) -> tuple[str, list[str]]:
    """Who receives, and the path; refused where the metadata say what is not understood."""
    for keyword in ("TIME_SYSTEM", "PATH", "ANGLE_TYPE"):
        message.value(meta.words, keyword, meta.start)
    message.require(
        meta.words, meta.start, TIME_SYSTEM=("UTC",), MODE=("SEQUENTIAL",), RANGE_UNITS=("km",),
        ANGLE_TYPE=tuple(ANGLES), TIMETAG_REF=("RECEIVE",), CORRECTIONS_APPLIED=("YES",),
        DATA_QUALITY=("RAW", "VALIDATED"),
    )  # fmt: skip
    if message.value(meta.words, "ANGLE_TYPE", meta.start) == "RADEC":
        message.value(meta.words, "REFERENCE_FRAME", meta.start)
        message.require(meta.words, meta.start, REFERENCE_FRAME=FRAMES)
    if "RANGE_MODULUS" in meta.words:
        at = meta.words["RANGE_MODULUS"]
        if message.number(message.value(meta.words, "RANGE_MODULUS", at), at):
            raise message.refused(at, "a range that is ambiguous", "RANGE_MODULUS = 0.0")
    path = [part.strip() for part in message.value(meta.words, "PATH", meta.start).split(",")]
    if len(set(path)) != 2 or len(path) not in (2, 3) or (len(path) == 3 and path[0] != path[2]):
        raise message.refused(meta.words["PATH"], f"PATH = {','.join(path)}", "one way as 2,1 or two as 1,2,1")
    return message.value(meta.words, f"PARTICIPANT_{path[-1]}", meta.start), path


def _moments(
    message: Message, data: Block, epoch: datetime, skipped: dict[str, int]
) -> dict[float, dict[str, tuple[float, Line]]]:
    """What is said of each moment, by keyword, with its line."""
    found: dict[float, dict[str, tuple[float, Line]]] = {}
    for line in sorted((*data.words.values(), *data.rows), key=lambda line: line.number):
        keyword, said = line.pair or ("", "")
        words = said.split()
        if len(words) != 2:
            raise message.refused(line, f"{line.text[:60]!r}", "KEYWORD = time value")
        if keyword not in READ:
            skipped[keyword] = skipped.get(keyword, 0) + 1
            continue
        of_moment = found.setdefault(message.time_s(words[0], line, epoch), {})
        if keyword in of_moment:
            raise message.refused(
                line, f"a second {keyword} of {words[0]}", f"one in a segment (the first is in line "
                f"{of_moment[keyword][1].number}): 503.0-B-2, 3.4.11",
                "write what was seen at once into segments of their own",
            )  # fmt: skip
        number, (low, high, sensible) = message.number(words[1], line), READ[keyword]
        if not low <= number <= high or (keyword == "RANGE" and number == 0.0):
            raise message.refused(line, f"{keyword} of {words[1]}", sensible)
        of_moment[keyword] = number, line
    return found


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows in order of time, as a file of detections has them."""
    rows = sorted(rows, key=lambda row: row["time_s"])
    types = {"sensor": pa.string()}
    names = [name for name in rows[0] if name != "range_rate_m_s" or any(row[name] is not None for row in rows)]
    return pa.table(
        {name: pa.array([row[name] for row in rows], types.get(name, pa.float64())) for name in names}
    )  # fmt: skip
