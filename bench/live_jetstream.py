"""Where an envelope's time goes between two gateways over two NATS servers, and the floor under it.

Every stage of a round trip is stamped by one clock that both processes read. The floor is what the disk asks for the
same syncs in a row, paced alike, in the same run: commit of the outbox, the partner's server, commit of the inbox, our
server, commit of the receipt. CPU time is of each of the four processes.
"""

import argparse
import asyncio
import bisect
import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import live
from live import End, joined, push, tracks

from detente.gateway.logic.limits import Lane

STAGES = ("outbox kept", "line there", "inbox kept", "line back", "receipt kept")
SYNCS = len(STAGES)
FLOOR_BYTES = 4096  # an envelope of ten records
WARM_UP = 100  # envelopes before the clock starts: kernels are loaded with the first


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=12).hexdigest()


class Stamps:
    """When frames came to and left an end. A taker's go into a file, because it is killed."""

    def __init__(self, end: End, file: Path | None = None) -> None:
        self.lines: list[list[str]] = []
        self.descriptor = None if file is None else os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        took, sent = end.line.on_frame, end.line.send

        async def on_frame(lane: int, data: bytes) -> None:
            self.note("came", lane, data)
            await took(lane, data)

        def send(lane: int, data: bytes) -> None:
            self.note("sent", lane, data)
            sent(lane, data)

        end.line.on_frame, end.line.send = on_frame, send

    def note(self, what: str, lane: int, data: bytes) -> None:
        """One stamp."""
        line = [what, str(lane), _digest(data), str(time.perf_counter())]
        if self.descriptor is None:
            self.lines.append(line)
        else:
            os.write(self.descriptor, (" ".join(line) + "\n").encode())


class Accepted(dict[int, float]):
    """When each sequence was accepted; and, once it is taken out, when its round trip ended."""

    def __init__(self) -> None:
        super().__init__()
        self.began: dict[int, float] = {}
        self.ended: dict[int, float] = {}

    def pop(self, sequence: int, *default: float) -> float:  # pyright: ignore[reportIncompatibleMethodOverride]
        """As of a dict."""
        self.ended[sequence], self.began[sequence] = time.perf_counter(), self[sequence]
        return super().pop(sequence, *default)


def stages(accepted: Accepted, ours: list[list[str]], theirs: list[list[str]]) -> list[list[float]]:
    """Seconds in each stage of every round trip; an envelope sent twice counts from the first time."""
    sent = _first(ours, "sent", Lane.TRACK)
    came, taken = _first(ours, "came", Lane.NOTE), _first(theirs, "came", Lane.TRACK)
    words = sorted((at, word) for word, at in _first(theirs, "sent", Lane.NOTE).items())
    found = []
    for sequence, digest in enumerate(sent):
        place = bisect.bisect(words, (taken[digest], ""))
        at, word = words[place]
        times = [accepted.began[sequence], sent[digest], taken[digest], at, came[word], accepted.ended[sequence]]
        found.append([after - before for before, after in pairwise(times)])
    return found


def _first(lines: list[list[str]], what: str, lane: Lane) -> dict[str, float]:
    """When frames came or were sent for the first time, by digest, in that order."""
    found: dict[str, float] = {}
    for said, number, digest, at in lines:
        if (said, number) == (what, str(int(lane))):
            found.setdefault(digest, float(at))
    return found


def _at(values: Sequence[float], share: float) -> float:
    return 1e3 * sorted(values)[min(len(values) - 1, int(share * len(values)))]


async def floor(folder: Path, seconds: float) -> list[float]:
    """Seconds that the disk takes for the same syncs one after the other, a hundred times a second."""
    files = [os.open(folder / f"floor{number}", os.O_WRONLY | os.O_CREAT | os.O_APPEND) for number in range(SYNCS)]
    found, block, began = [], os.urandom(FLOOR_BYTES), time.perf_counter()
    for number in range(int(100 * seconds)):
        await asyncio.sleep(max(0.0, began + number / 100 - time.perf_counter()))
        start = time.perf_counter()
        for file in files:
            os.write(file, block)
            os.fsync(file)
        found.append(time.perf_counter() - start)
    for file in files:
        os.close(file)
    return found


async def round_trip(folder: Path, seconds: float) -> dict[str, Any]:
    """A hundred envelopes a second of ten records each; every stage's quantiles, and the floor's."""
    async with joined(folder, nats=True, program=__file__) as giver:
        stamps, part, giver.accepted_s = Stamps(giver), tracks(10), (accepted := Accepted())
        began = time.perf_counter()
        for number in range(int(100 * seconds)):
            await asyncio.sleep(max(0.0, began + number / 100 - time.perf_counter()))
            giver.tell([part])
        while giver.busy:
            await asyncio.sleep(0.005)
        trips = giver.trips_s
        theirs = [line.split() for line in (folder / "stamps").read_text().splitlines()]
        found = stages(accepted, stamps.lines, theirs)
        floors = await floor(folder, seconds / 2)
    columns = list(zip(*found, strict=True))
    return {
        "p50_ms": _at(trips, 0.5), "p99_ms": _at(trips, 0.99), "envelopes": len(trips),
        "stages": {
            name: {"p50_ms": _at(column, 0.5), "p99_ms": _at(column, 0.99), "mean_ms": 1e3 * statistics.mean(column)}
            for name, column in zip(STAGES, columns, strict=True)
        },
        "floor_p50_ms": _at(floors, 0.5), "floor_p99_ms": _at(floors, 0.99),
        "p50_over_floor": _at(trips, 0.5) / _at(floors, 0.5), "p99_over_floor": _at(trips, 0.99) / _at(floors, 0.99),
    }  # fmt: skip


def _processes() -> dict[str, int]:
    """The four processes of an exchange, by name: this one gives, its children take and serve."""
    found = {"giver": os.getpid()}
    for pid in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split():
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        found["taker" if "--take" in words else f"{Path(words[2]).stem}'s server"] = int(pid)
    return found


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def batched(folder: Path, envelopes: int) -> dict[str, Any]:
    """Envelopes of a hundred records as fast as they go, and the CPU time that each process spends on one."""
    async with joined(folder, nats=True, program=__file__) as giver:
        part = tracks(100)
        await push(giver, part, WARM_UP)
        before, began = {name: _cpu_s(pid) for name, pid in _processes().items()}, time.perf_counter()
        await push(giver, part, envelopes)
        taken_s = time.perf_counter() - began
        spent = {name: 1e3 * (_cpu_s(pid) - before[name]) / envelopes for name, pid in _processes().items()}
    return {"records_per_s": 100 * envelopes / taken_s, "cpu_ms_each": spent, "cpu_ms": sum(spent.values())}


def show(found: dict[str, Any]) -> None:
    """For people."""
    if "records_per_s" in found:
        each = ", ".join(f"{name} {spent:.2f}" for name, spent in found["cpu_ms_each"].items())
        print(f"batched {found['records_per_s']:,.0f} records/s; CPU {found['cpu_ms']:.2f} ms an envelope: {each}")
        return
    print(f"round trip p50 {found['p50_ms']:.2f} ms, p99 {found['p99_ms']:.2f} ms over {found['envelopes']} envelopes")
    for name, stage in found["stages"].items():
        print(f"  {name:13s} p50 {stage['p50_ms']:6.2f}  p99 {stage['p99_ms']:6.2f}  mean {stage['mean_ms']:6.2f} ms")
    print(f"the disk's floor, {SYNCS} syncs: p50 {found['floor_p50_ms']:.2f} ms, p99 {found['floor_p99_ms']:.2f} ms; "
          f"round trip {found['p50_over_floor']:.1f} and {found['p99_over_floor']:.1f} times that")  # fmt: skip


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="a quarter of the work")
    parser.add_argument("--take", nargs="+", metavar="FOLDER", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.take:
        folder, *servers = asked.take
        asyncio.run(live.take(Path(folder), (servers[0], servers[1]), lambda end: _stamped(end, Path(folder))))
        return
    share = 0.25 if asked.quick else 1.0
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        trip = asyncio.run(round_trip(Path(first), 20.0 * share))
        rate = asyncio.run(batched(Path(second), int(4000 * share)))
    if asked.json:
        sys.stdout.write(json.dumps({"round_trip": trip, "batched": rate}, indent=1) + "\n")
        return
    show(trip)
    show(rate)


def _stamped(end: End, folder: Path) -> None:
    Stamps(end, folder / "stamps")


if __name__ == "__main__":
    main()
