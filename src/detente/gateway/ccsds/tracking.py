"""Detections as CCSDS tracking data (503.0-B-2), a segment a sensor.

Radars: range in kilometres, azimuth from north and elevation in degrees (ANGLE_TYPE AZEL). Infrared: direction along
Earth-fixed axes as right ascension and declination are along inertial ones (RADEC in that frame). PATH is 2,1: what a
range says is the distance, not the way there and back. The standard has no place for standard deviations: they are
noted in comments, and a reader names them itself.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from detente.gateway.ccsds.kvn import FRAME, FRAMES, Block, Message, header, parse, stamp
from detente.records.slots import DetectionKind
from detente.records.stages import Detections

UNKNOWN = "UNKNOWN"
"""Participant 2: what is measured has no name yet."""


def write_tdm(
    detections: Detections, sensor_names: Sequence[str], originator: str, epoch: datetime, created: datetime
) -> str:
    """A Tracking Data Message with all detections, each sensor's in order of time."""
    lines = header("TDM", "2.0", originator, created)
    for sensor in np.unique(detections.sensor):
        mine = detections.take(detections.sensor == sensor)
        mine = mine.take(np.argsort(mine.time_s, kind="stable"))
        radar = int(mine.kind[0]) == DetectionKind.RADAR
        lines += [
            "", "META_START",
            f"COMMENT median sigma: range {float(np.median(mine.sigma_range_m))!r} m, angles "
            f"{math.degrees(float(np.median(mine.sigma_azimuth_rad)))!r} deg, "
            f"{math.degrees(float(np.median(mine.sigma_elevation_rad)))!r} deg",
            "TIME_SYSTEM = UTC", f"PARTICIPANT_1 = {sensor_names[int(sensor)]}", f"PARTICIPANT_2 = {UNKNOWN}",
            "MODE = SEQUENTIAL", "PATH = 2,1", "RANGE_UNITS = km",
            *(["ANGLE_TYPE = AZEL"] if radar else ["ANGLE_TYPE = RADEC", f"REFERENCE_FRAME = {FRAME}"]),
            "META_STOP", "", "DATA_START",
        ]  # fmt: skip
        for i in range(len(mine)):
            at = stamp(epoch, float(mine.time_s[i]))
            if radar:
                lines.append(f"RANGE = {at} {float(mine.range_m[i]) / 1e3!r}")
            lines.append(f"ANGLE_1 = {at} {math.degrees(float(mine.azimuth_rad[i])) % 360.0!r}")
            lines.append(f"ANGLE_2 = {at} {math.degrees(float(mine.elevation_rad[i]))!r}")
        lines.append("DATA_STOP")
    return "\n".join(lines) + "\n"


def read_tdm(
    text: str, epoch: datetime, sensors: Mapping[str, int], sigmas: Mapping[str, tuple[float, float, float]],
    file: str = "",
) -> Detections:  # fmt: skip
    """The detections in a Tracking Data Message, in order of time. Raises InputError with the line.

    ``sensors`` gives the index of each participant's name, ``sigmas`` its standard deviations (m, rad, rad). A
    detection is the angles, and for a radar the range, of one moment. ``snr_db`` is 0: the message does not say it.
    """
    message = parse(text, file, "TDM")
    parts: list[Detections] = []
    meta: Block | None = None
    for block in message.blocks:
        if block.name == "META":
            message.require(
                block.words, block.start, TIME_SYSTEM=("UTC",), RANGE_UNITS=("km",), ANGLE_TYPE=("AZEL", "RADEC"),
                REFERENCE_FRAME=FRAMES, PATH=("2,1",),
            )  # fmt: skip
            meta = block
        elif block.name == "DATA" and meta is not None:
            parts.append(_segment(message, meta, block, epoch, sensors, sigmas))
    found = Detections.concatenate(parts)
    return found.take(np.argsort(found.time_s, kind="stable"))


def _segment(
    message: Message, meta: Block, data: Block, epoch: datetime, sensors: Mapping[str, int],
    sigmas: Mapping[str, tuple[float, float, float]],
) -> Detections:  # fmt: skip
    name = message.value(meta.words, "PARTICIPANT_1", meta.start)
    if name not in sensors or name not in sigmas:
        raise message.refused(meta.words["PARTICIPANT_1"], f"sensor {name!r}", f"one of {', '.join(sensors)}")
    radar = message.value(meta.words, "ANGLE_TYPE", meta.start) == "AZEL"
    moments: dict[float, list[dict[str, float]]] = {}
    for line in (*data.words.values(), *data.rows):
        pair = line.pair
        words = [] if pair is None else pair[1].split()
        if pair is None or len(words) != 2:
            raise message.refused(line, f"{line.text[:60]!r}", "KEYWORD = time value")
        if pair[0] not in ("RANGE", "ANGLE_1", "ANGLE_2"):
            continue
        # Several detections of one moment follow one another: a keyword that comes again begins the next.
        held = moments.setdefault((message.moment(words[0], line) - epoch).total_seconds(), [{}])
        if pair[0] in held[-1]:
            held.append({})
        held[-1][pair[0]] = message.number(words[1], line)
    rows = [(time_s, one) for time_s, held in moments.items() for one in held]
    needed = {"ANGLE_1", "ANGLE_2"} | ({"RANGE"} if radar else set())
    for time_s, one in rows:
        if set(one) != needed:
            at = stamp(epoch, time_s)
            raise message.refused(data.start, f"{', '.join(sorted(one))} at {at}", f"{', '.join(sorted(needed))}")
    azimuth = np.radians([one["ANGLE_1"] for _, one in rows])
    return Detections(
        replicate=np.zeros(len(rows)), time_s=[time_s for time_s, _ in rows], sensor=np.full(len(rows), sensors[name]),
        kind=np.full(len(rows), DetectionKind.RADAR if radar else DetectionKind.INFRARED),
        range_m=[1e3 * one.get("RANGE", 0.0) for _, one in rows],
        azimuth_rad=azimuth if radar else np.where(azimuth > np.pi, azimuth - 2 * np.pi, azimuth),
        elevation_rad=np.radians([one["ANGLE_2"] for _, one in rows]),
        sigma_range_m=np.full(len(rows), sigmas[name][0]), sigma_azimuth_rad=np.full(len(rows), sigmas[name][1]),
        sigma_elevation_rad=np.full(len(rows), sigmas[name][2]), snr_db=np.zeros(len(rows)),
    )  # fmt: skip
