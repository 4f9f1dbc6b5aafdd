"""Own sensors' detections as they come in: batches by tick on a socket, or a recorded file. Checked like any input.

A batch is ``b"DTNFED01" · tick (u64) · rows (u32)`` and the columns of ``Detections`` one after the other,
little-endian; behind a u32 length on a socket. The gateway answers with ``b"DTNFAK01"`` and the next tick it wants: all
before that are kept, and need not be sent again.
"""

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from detente.gateway.recorded import read_recorded
from detente.records.errors import InputError
from detente.records.slots import DetectionKind, SensorSuite
from detente.records.stages import Detections

HEAD = struct.Struct("<8sQI")
ACK = struct.Struct("<8sQ")
LENGTH = struct.Struct("<I")
BATCH_MARK, ACK_MARK = b"DTNFED01", b"DTNFAK01"
ROWS_MAX = 100_000
"""Detections in one tick. source: assumption, 10,000-1,000,000: 1,000 objects, 20 sensors, false plots."""

GAP_TOLD_S = 60.0
"""A silence of all own sensors in a recording that is told. source: assumption, 20-300 s: a radar that stands in a
raid speaks every few seconds."""

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


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A recorded file's detections by own sensors, tick by tick; ``gaps`` are its long silences, (from, to) in s."""

    ticks: list[Detections]
    gaps: list[tuple[float, float]]


def recorded_ticks(
    path: Path, suite: SensorSuite, side: int, tick_s: float, *, gap_s: float | None = None,
    replicate: int | None = None, end_s: float | None = None,
) -> Recording:  # fmt: skip
    """The recording in a file, of ``replicate`` where it holds several.

    A silence longer than ``gap_s`` is refused, with an InputError; where nothing is refused, one longer than
    GAP_TOLD_S is a gap to be told. Exercise time 0 and ``end_s``, if known, bound silences as detections do.
    """
    everything = _one_replicate(path, read_recorded(path), replicate)
    known = (everything.sensor >= 0) & (everything.sensor < len(suite.names))
    if not known.all():
        raise _refused(path, "a sensor that is not in the theatre", "detections of this theatre's sensors")
    heard = everything.take(np.flatnonzero(suite.side[everything.sensor] == side))
    fault = fault_of(heard, suite, side)
    if fault:
        raise _refused(path, fault, "finite measurements with positive standard deviations")
    gaps = silences(heard.time_s, GAP_TOLD_S if gap_s is None else gap_s, end_s)
    if gaps and gap_s is not None:
        first_s, last_s = max(gaps, key=lambda gap: gap[1] - gap[0])
        found = f"a gap of {last_s - first_s:.1f} s, from {first_s:.1f} s to {last_s:.1f} s ({len(gaps)} in all)"
        raise _refused(path, found, f"no silence longer than feed.gap_s ({gap_s:g} s)")
    if not len(heard):
        return Recording(ticks=[], gaps=gaps)
    heard = Detections(**{**heard.__dict__, "replicate": np.zeros(len(heard), np.int64)})
    ticks = max(1, int(np.ceil(heard.time_s[-1] / tick_s)))
    edges = np.searchsorted(heard.time_s, tick_s * np.arange(ticks + 1), side="right")
    edges[0] = 0
    return Recording(ticks=[heard.rows(int(first), int(last)) for first, last in pairwise(edges)], gaps=gaps)


def silences(time_s: np.ndarray, longer_s: float, end_s: float | None) -> list[tuple[float, float]]:
    """Where nothing was detected for longer than that, (from, to) in s, between 0 and ``end_s`` (None: the last).

    ``time_s`` in order. What lies before 0 or after ``end_s`` bounds nothing.
    """
    last_s = [] if end_s is None else [end_s]
    inside = time_s[(time_s > 0.0) & (time_s < (np.inf if end_s is None else end_s))]
    bounds = np.concatenate([[0.0], inside, last_s])
    long = np.flatnonzero(np.diff(bounds) > longer_s)
    return [(float(bounds[place]), float(bounds[place + 1])) for place in long]


def _one_replicate(path: Path, found: Detections, wanted: int | None) -> Detections:
    """The rows of one replicate: the only one there is, or the one that was asked for."""
    there = np.unique(found.replicate)
    if wanted is None and there.size > 1:
        listed = ", ".join(map(str, there[:8])) + (", …" if there.size > 8 else "")
        raise _refused(path, f"{there.size} replicates ({listed}): as many worlds at once", "one replicate",
                       "say which with feed.replicate")  # fmt: skip
    if wanted is not None and wanted not in there:
        listed = ", ".join(map(str, there[:8])) + (", …" if there.size > 8 else "")
        rows = f"its rows are of replicate {listed}" if listed else "it has no rows"
        raise _refused(path, f"no row of replicate {wanted}: {rows}", "the replicate that feed.replicate names",
                       "name one that is there")  # fmt: skip
    return found if wanted is None else found.take(np.flatnonzero(found.replicate == wanted))


def _refused(
    path: Path, found: str, expected: str, remedy: str = "record it again, or name another file"
) -> InputError:
    return InputError(found=found, expected=expected, remedy=remedy, file=str(path))
