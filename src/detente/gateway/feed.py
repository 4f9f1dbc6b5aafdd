"""Own sensors' detections as they come in: batches by tick on a socket, or a recorded file. Checked like any input.

A batch is ``b"DTNFED01" · tick (u64) · rows (u32)`` and the columns of ``Detections`` one after the other,
little-endian; behind a u32 length on a socket. The gateway answers with ``b"DTNFAK01"`` and the next tick it wants: all
before that are kept, and need not be sent again.
"""

import struct
from itertools import pairwise
from pathlib import Path

import numpy as np

from detente.gateway.recorded import read_detections
from detente.records.errors import InputError
from detente.records.slots import DetectionKind, SensorSuite
from detente.records.stages import Detections

HEAD = struct.Struct("<8sQI")
ACK = struct.Struct("<8sQ")
LENGTH = struct.Struct("<I")
BATCH_MARK, ACK_MARK = b"DTNFED01", b"DTNFAK01"
ROWS_MAX = 100_000
"""Detections in one tick. source: assumption, 10,000-1,000,000: 1,000 objects, 20 sensors, false plots."""

COLUMNS = tuple(
    (name, np.dtype(spec.dtype).newbyteorder("<")) for name, spec in Detections.columns() if name != "replicate"
)
ROW_BYTES = sum(dtype.itemsize for _, dtype in COLUMNS)
BATCH_BYTES_MAX = HEAD.size + ROWS_MAX * ROW_BYTES


class FeedError(Exception):
    """A batch that own sensors' net should not have sent. It is counted and dropped; it never stops a centre."""


def write_batch(index: int, detections: Detections) -> bytes:
    """The bytes of one tick's detections."""
    assert len(detections) <= ROWS_MAX, f"{len(detections)} detections in a batch that holds {ROWS_MAX}"
    columns = [getattr(detections, name).astype(dtype, copy=False).tobytes() for name, dtype in COLUMNS]
    return b"".join([HEAD.pack(BATCH_MARK, index, len(detections)), *columns])


def read_batch(data: bytes, suite: SensorSuite, side: int, tick_s: float) -> tuple[int, Detections]:
    """(tick, its detections) of a batch. Raises FeedError for bytes that are none, or that no own sensor can say."""
    if len(data) < HEAD.size:
        raise FeedError(f"a batch of {len(data)} bytes")
    mark, index, count = HEAD.unpack_from(data)
    if mark != BATCH_MARK or count > ROWS_MAX or len(data) != HEAD.size + count * ROW_BYTES or index >= 1 << 40:
        raise FeedError("not a batch of detections, or not a whole one")
    columns, start = {}, HEAD.size
    for name, dtype in COLUMNS:
        columns[name] = np.frombuffer(data, dtype, count, start)
        start += columns[name].nbytes
    detections = Detections(replicate=np.zeros(count, np.int64), **columns)
    fault = fault_of(detections, suite, side)
    late = (detections.time_s <= index * tick_s) | (detections.time_s > (index + 1) * tick_s)
    if not fault and index > 0 and np.any(late):
        fault = f"a detection at {detections.time_s[late][0]} s in the batch of tick {index}"
    if fault:
        raise FeedError(fault)
    return index, detections


def fault_of(detections: Detections, suite: SensorSuite, side: int) -> str:
    """What no own sensor can have said; empty where all is well."""
    for name, dtype in COLUMNS:
        if dtype.kind == "f" and not np.isfinite(getattr(detections, name)).all():
            return f"{name} is not finite"
    sensors = detections.sensor
    if np.any((sensors < 0) | (sensors >= len(suite.names))):
        return "a sensor that is not in the theatre"
    if np.any(suite.side[sensors] != side):
        return "a sensor of another side's"
    if np.any(detections.kind != suite.kind[sensors]):
        return "a kind that is not the sensor's"
    radar = detections.kind == DetectionKind.RADAR
    sigmas = (detections.sigma_azimuth_rad > 0) & (detections.sigma_elevation_rad > 0)
    if np.any(radar & ((detections.range_m <= 0) | (detections.sigma_range_m <= 0))) or not sigmas.all():
        return "a range or a standard deviation that is not more than 0"
    return ""


def recorded_ticks(path: Path, suite: SensorSuite, side: int, tick_s: float, gap_s: float | None) -> list[Detections]:
    """A recorded file's detections by own sensors, tick by tick. Raises InputError where it has gaps."""
    everything = read_detections(path)
    known = (everything.sensor >= 0) & (everything.sensor < len(suite.names))
    if not known.all():
        raise _refused(path, "a sensor that is not in the theatre", "detections of this theatre's sensors")
    heard = everything.take(np.flatnonzero(suite.side[everything.sensor] == side))
    fault = fault_of(heard, suite, side)
    if fault:
        raise _refused(path, fault, "finite measurements with positive standard deviations")
    if not len(heard):
        return []
    if gap_s is not None and len(heard) > 1:
        gaps = np.diff(heard.time_s)
        worst = int(np.argmax(gaps))
        if gaps[worst] > gap_s:
            found = f"a gap of {gaps[worst]:.1f} s after {heard.time_s[worst]:.1f} s"
            raise _refused(path, found, f"no silence longer than feed.gap_s ({gap_s:g} s)")
    heard = Detections(**{**heard.__dict__, "replicate": np.zeros(len(heard), np.int64)})
    ticks = max(1, int(np.ceil(heard.time_s[-1] / tick_s)))
    edges = np.searchsorted(heard.time_s, tick_s * np.arange(ticks + 1), side="right")
    edges[0] = 0
    return [heard.rows(int(first), int(last)) for first, last in pairwise(edges)]


def _refused(path: Path, found: str, expected: str) -> InputError:
    return InputError(found=found, expected=expected, remedy="record it again, or name another file", file=str(path))
