"""How fast the live exchange is: python bench/live.py [--json] [--quick]

Two gateways in one process, each with a SQLite store on this disk (WAL, synchronous=FULL), joined by a real socket
with mutual TLS: durable on both sides, signed, receipted. Wall-clock times; both ends share a core, so two machines do
better. Targets stand beside what is measured.
"""

import argparse
import asyncio
import json
import platform
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from detente.exercise.drill.faults import Plan
from detente.exercise.drill.simulation import EPOCH, Simulation, drill_gateway
from detente.exercise.drill.worlds import FIRST_TICK, TICKS, drill_world, heard
from detente.gateway.keys import make_keys
from detente.gateway.logic import outbound
from detente.gateway.logic.limits import Lane, Limits, Rate
from detente.gateway.logic.link import Gateway, Now, Out
from detente.gateway.logic.node import Frame, LineDown, LineEvent, LineUp, Node, _sealed, start, step, steps, watch
from detente.gateway.sqlite_store import SqliteStore
from detente.gateway.transport import Line, contexts, listen
from detente.records.stages import Messages

BATCH = 64
FREE = Limits(
    frames_each=(Rate(per_s=1e9, burst=1e9),) * 4, bytes_each=(Rate(per_s=1e12, burst=1e12),) * 4,
    outbox_bytes=1 << 34, expire_s=(1e9, 1e9, 1e9), retry_s=30.0, heartbeat_s=30.0,
)  # fmt: skip


def tracks(rows: int) -> Messages:
    """So many track messages of the drills' world, as one side would tell them."""
    simulation = Simulation(Plan(seed=0))
    simulation.run()
    said = [one.messages for station in simulation.stations for link in station.node.links.values()
            for one in link.waiting] if all(s.node for s in simulation.stations) else []  # fmt: skip
    table = Messages.concatenate([part.take((part.data == 3) & (part.giver == 0)) for part in said])
    return table.take(np.arange(rows) % len(table))


class End:
    """One gateway with its store and its end of the line."""

    def __init__(self, side: int, folder: Path) -> None:
        names = drill_world().names
        self.name, self.partner = names[side], names[1 - side]
        base = drill_gateway(self.name, 64_000_000)
        self.gateway = Gateway(**{**base.__dict__, "limits": FREE})
        self.store = SqliteStore(folder / f"{self.name}.store", self.name, epoch=EPOCH)
        self.node: Node = start(self.gateway, EPOCH)
        self.events: asyncio.Queue[LineEvent] = asyncio.Queue(4096)
        self.line = Line(self.partner, self._frame, self._turn)
        self.accepted_s: dict[int, float] = {}
        self.trips_s: list[float] = []

    async def _frame(self, lane: int, data: bytes) -> None:
        await self.events.put(Frame(partner=self.partner, lane=lane, data=data))

    async def _turn(self, up: bool) -> None:
        await self.events.put(LineUp(partner=self.partner) if up else LineDown(partner=self.partner))

    @property
    def now(self) -> Now:
        return Now(steady_s=time.monotonic(), wall_s=time.time())

    async def run(self) -> None:
        """As ``detente serve`` does: a batch of events, one commit, then what they send."""
        while True:
            events = [await self.events.get()]
            while len(events) < BATCH and not self.events.empty():
                events.append(self.events.get_nowait())
            self._finish(*steps(self.gateway, self.node, events, self.now))

    def tell(self, parts: list[Messages]) -> None:
        """Take these into the outbox, in one commit, and send them."""
        link, out = self.node.links[self.partner].copied(), Out()
        for part in parts:
            sequence = link.next_sequence
            envelope = _sealed(self.gateway, link, part, FIRST_TICK + TICKS + 10, sequence)
            self.accepted_s[sequence] = time.perf_counter()
            outbound.accept(self.gateway, link, out, Lane.TRACK, FIRST_TICK + TICKS + 10, envelope, (), self.now)
        outbound.flush(self.gateway, link, out, self.now)
        out.records.append(link.kept())
        node = Node(**{**self.node.__dict__, "links": {self.partner: link}})
        self._finish(node, out)

    def _finish(self, node: Node, out: Out) -> None:
        before = self.node.links[self.partner].pending
        if out.records:
            self.store.commit(out.records)
        self.node = node
        for _, lane, data in out.frames:
            self.line.send(int(lane), data)
        for sequence in before.keys() - node.links[self.partner].pending.keys():
            self.trips_s.append(time.perf_counter() - self.accepted_s.pop(sequence))


async def joined(folder: Path) -> tuple[End, End, list[asyncio.Task]]:
    """Two ends with a line between them, exchanging."""
    names = drill_world().names
    make_keys(folder / "keys", names, datetime.now(UTC))
    ends = [End(side, folder) for side in (0, 1)]
    made = [
        contexts(folder / f"keys/{a}/tls.pem", folder / f"keys/{a}/tls.key", folder / f"keys/public/{b}/authority.pem")
        for a, b in (names, names[::-1])
    ]
    server = await listen("127.0.0.1:0", ends[0].line.answer, context=made[0][0])
    port = server.sockets[0].getsockname()[1]
    tasks = [asyncio.create_task(end.run()) for end in ends]
    tasks.append(asyncio.create_task(ends[1].line.connect_for_ever("127.0.0.1", port, made[1][1])))
    while not all(end.node.links[end.partner].session.open for end in ends):
        await asyncio.sleep(0.01)
    return ends[0], ends[1], tasks


async def round_trip(folder: Path, seconds: float) -> dict[str, Any]:
    """A hundred envelopes a second of ten records each: from the outbox's commit to the receipt's."""
    giver, _, tasks = await joined(folder)
    part, began = tracks(10), time.perf_counter()
    for number in range(int(100 * seconds)):
        await asyncio.sleep(max(0.0, began + number / 100 - time.perf_counter()))
        giver.tell([part])
    while giver.node.links[giver.partner].pending:
        await asyncio.sleep(0.005)
    for task in tasks:
        task.cancel()
    trips = sorted(giver.trips_s)
    return {
        "p50_ms": 1e3 * statistics.median(trips),
        "p99_ms": 1e3 * trips[int(0.99 * len(trips))],
        "envelopes": len(trips),
    }


async def throughput(folder: Path, envelopes: int) -> dict[str, Any]:
    """Envelopes of a hundred records, 64 to a commit, as fast as they go."""
    giver, taker, tasks = await joined(folder)
    part, began = tracks(100), time.perf_counter()
    for first in range(0, envelopes, BATCH):
        giver.tell([part] * min(BATCH, envelopes - first))
        while len(giver.node.links[giver.partner].pending) > 4 * BATCH:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
    while giver.node.links[giver.partner].pending:
        await asyncio.sleep(0)
    taken_s = time.perf_counter() - began
    for task in tasks:
        task.cancel()
    received = taker.node.links[taker.partner].counts["received"]
    assert received == envelopes, f"{received} of {envelopes} received"
    return {"records_per_s": 100 * envelopes / taken_s, "envelopes": envelopes}


def own_warning_latency(rounds: int) -> dict[str, Any]:
    """From a tick's detections to own warnings, behind a batch of a partner's noise."""
    gateway = drill_gateway(drill_world().names[0], 64_000_000)
    noise = [Frame(partner=drill_world().names[1], lane=1, data=b"DTNENV01" + bytes(800)) for _ in range(BATCH)]

    def latencies(flooded: bool) -> list[float]:
        found = []
        for _ in range(rounds):
            node = start(gateway, EPOCH)
            for index in range(FIRST_TICK, FIRST_TICK + TICKS):
                detections = heard(0).tick(index)
                now = Now(steady_s=5.0 * index, wall_s=5.0 * index)
                frames = noise if flooded else noise[:1]
                began = time.perf_counter()
                for frame in frames:
                    node, _ = step(gateway, node, frame, now)
                own, _ = watch(gateway, node, index, detections)
                found.append(time.perf_counter() - began)
                node = Node(**{**node.__dict__, "centre": type(node.centre)(own=own, assisted=node.centre.assisted)})
        return sorted(found)

    calm, flooded = latencies(False), latencies(True)
    place = int(0.99 * len(calm))
    return {"calm_p99_ms": 1e3 * calm[place], "flooded_p99_ms": 1e3 * flooded[place],
            "ratio": flooded[place] / calm[place]}  # fmt: skip


def main() -> None:
    """Measure, and print beside the targets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    asked = parser.parse_args()
    share = 0.1 if asked.quick else 1.0
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        trip = asyncio.run(round_trip(Path(one), 20.0 * share))
        rate = asyncio.run(throughput(Path(two), int(4000 * share)))
    own = own_warning_latency(int(50 * share))
    found = {
        "round_trip": trip,
        "batched": rate,
        "own_warning": own,
        "machine": platform.processor() or platform.machine(),
    }
    if asked.json:
        print(json.dumps(found, indent=1))
        return
    print(f"round trip at 1,000 records/s, p50 {trip['p50_ms']:.2f} ms, p99 {trip['p99_ms']:.2f} ms  (≤ 3 ms)")
    print(f"batched, {rate['records_per_s']:,.0f} records/s  (≥ 100,000)")
    print(
        f"own warning p99 {own['calm_p99_ms']:.2f} ms, with the partner flooding {own['flooded_p99_ms']:.2f} ms: "
        f"{own['ratio']:.2f} times  (≤ 2)"
    )


if __name__ == "__main__":
    main()
