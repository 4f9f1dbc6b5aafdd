"""How fast the live exchange is: python bench/live.py [--json] [--quick] [--only NAME]

Two gateways, each a process of its own with a SQLite store on this disk (WAL, synchronous=FULL), joined by a real
socket with mutual TLS, or through two real NATS servers that sync every write: durable on both sides, signed, with
receipts. Wall-clock times on one machine; targets stand beside what is measured.
"""

import argparse
import asyncio
import gc
import json
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from live_flood import flooded
from live_flood import show as show_flooded
from live_floor import brokers_floor, floor, percentiles
from live_steps import steps_alone

from detente.centre.exchange.release import initial, release
from detente.centre.step import own_sensors
from detente.exercise.brokers import Brokers
from detente.exercise.drill.faults import Plan
from detente.exercise.drill.simulation import EPOCH, Simulation, drill_gateway
from detente.exercise.drill.worlds import SHORT, drill_world
from detente.gateway.jetstream import JetStreamLine
from detente.gateway.keeping import Keeping, Step
from detente.gateway.keys import make_keys
from detente.gateway.logic import outbound
from detente.gateway.logic.limits import Buckets, Lane, Limits, Rate, admits
from detente.gateway.logic.link import Gateway, Link, Now, Out
from detente.gateway.logic.node import Batch, Frame, LineDown, LineEvent, LineUp, Node, Timer, start
from detente.gateway.logic.records import Receipted, StoreError
from detente.gateway.logic.releasing import sealed_envelope
from detente.gateway.serve import BATCH_EVENTS_MAX, BATCH_S, LOG_BYTES, TIMER_S
from detente.gateway.sqlite_store import SqliteStore
from detente.gateway.standing import Standing
from detente.gateway.transport import Line, contexts, open_door
from detente.records.stages import Messages
from detente.scenario.agreement import DataClass

MEASURED = ("round_trip", "batched", "jetstream_round_trip", "jetstream_batched", "own_warning")
SEALED_TICK = SHORT.first_tick + SHORT.ticks + 10  # some time after the drills' stage
IN_FLIGHT = 256  # envelopes: enough to keep both ends busy, few enough not to wait in buffers
FREE = Limits(
    frames_each=(Rate(per_s=1e9, burst=1e9),) * 4, bytes_each=(Rate(per_s=1e12, burst=1e12),) * 4,
    outbox_bytes=1 << 34, expire_s=(1e9, 1e9, 1e9), retry_s=30.0, retry_most_s=30.0, heartbeat_s=30.0, silent_s=90.0,
    waiting_rows=1 << 30, waiting_bytes=1 << 40, waiting_envelopes=1 << 30,
)  # fmt: skip


def tracks(rows: int) -> Messages:
    """So many track messages of the drills' world, as one side would tell them."""
    simulation = Simulation(Plan(seed=0))
    simulation.run()
    teller = simulation.stations[1]  # its tracks last longest; told here in the other's name
    assert teller.node is not None
    own, exchange = teller.node.centre.own, teller.node.centre.assisted
    nothing_said = initial(exchange.rules, np.array([0]), own.tracks.number.shape[1])
    said, _, _ = release(
        nothing_said, own.tracks, own.estimates, exchange.rules, 1, own_sensors(teller.gateway.centre),
        exchange.secret, float(own.tracks.time_s),
    )  # fmt: skip
    own = said.take(said.data == DataClass.TRACK)
    clause = int(np.flatnonzero((exchange.rules.giver == 0) & (exchange.rules.data == DataClass.TRACK))[0])
    sensor = int(np.flatnonzero(teller.gateway.centre.suite.side == 0)[0])
    ones = np.ones(len(own), np.int64)
    own = replace(
        own,
        giver=0 * ones,
        receiver=ones,
        clause=clause * ones,
        sensors=np.uint64(1 << sensor) * ones.astype(np.uint64),
    )
    return own.take(np.arange(rows) % len(own))


class End:
    """One gateway with its store and its end of the line."""

    def __init__(self, side: int, folder: Path, *, nats: bool) -> None:
        names = drill_world().names
        self.name, self.partner, self.folder = names[side], names[1 - side], folder
        self.gateway: Gateway = replace(drill_gateway(self.name, 64_000_000), limits=FREE)
        self.store = SqliteStore(folder / f"{self.name}.store", self.name, epoch=EPOCH, log_bytes=LOG_BYTES)
        self.keeping = Keeping(self.store, start(self.gateway, EPOCH), kept=self._kept, lost=self._lost)
        self.keeping.run_in(asyncio.get_running_loop())
        self.events: asyncio.Queue[LineEvent] = asyncio.Queue(512)
        self.line = (
            JetStreamLine(self.name, self.partner, self._frame, Standing(self._turn)) if nats
            else Line(self.partner, self._frame, Standing(self._turn))
        )  # fmt: skip
        self.batch: Batch | None = None
        self.buckets: Buckets = {}
        self.accepted_s: dict[int, float] = {}
        self.trips_s: list[float] = []
        self.receipts_s: list[float] = []

    async def _frame(self, lane: int, data: bytes) -> None:
        if admits(self.buckets, FREE, lane, len(data), time.monotonic()):
            await self.events.put(Frame(partner=self.partner, lane=lane, data=data, admitted=True))

    def _turn(self, up: bool) -> None:
        self.events.put_nowait(LineUp(partner=self.partner) if up else LineDown(partner=self.partner))

    @property
    def now(self) -> Now:
        """By this machine's clocks."""
        return Now(steady_s=time.monotonic(), exercise_s=time.monotonic(), wall_s=time.time())

    @property
    def link(self) -> Link:
        """All about the partner, as if all that was made were kept."""
        return self.keeping.node.links[self.partner]

    @property
    def busy(self) -> bool:
        """True while anything waits to be kept, or to be receipted."""
        return bool(self.keeping.group or self.link.pending)

    async def run(self) -> None:
        """As ``detente serve`` does: a batch of events, one commit, then what they send; a timer when nothing comes."""
        while True:
            try:
                async with asyncio.timeout(TIMER_S):
                    first: LineEvent = await self.events.get()
            except TimeoutError:
                first = Timer()
            end_s = time.monotonic() + BATCH_S
            self._take(first)
            for _ in range(BATCH_EVENTS_MAX - 1):
                if self.events.empty() or time.monotonic() > end_s:
                    break
                await asyncio.sleep(0)
                self._take(self.events.get_nowait())
            self._close()
            while self.keeping.full:
                await asyncio.sleep(0.001)

    def _take(self, event: LineEvent) -> None:
        if self.batch is None:
            self.batch = Batch(self.gateway, self.keeping.node)
        self.batch.take(event, self.now)

    def _close(self) -> None:
        batch, self.batch = self.batch, None
        if batch is not None:
            node, out = batch.end(self.now)
            self.receipts_s += [time.perf_counter() - self.accepted_s[one] for one in _receipted(out)]
            self.keeping.take(Step(node=node, out=out))

    def tell(self, parts: list[Messages]) -> None:
        """Take these into the outbox, in one commit, and send them."""
        self._close()
        first, began_s = self.link.next_sequence, time.perf_counter()
        self.accepted_s |= {first + index: began_s for index in range(len(parts))}
        node, out = told(self.gateway, self.keeping.node, parts, self.now)
        self.keeping.take(Step(node=node, out=out))

    def _kept(self, step: Step) -> None:
        """What was kept is said; an envelope whose receipt was kept has made its round trip."""
        for _, lane, data in step.out.frames:
            self.line.send(int(lane), data)
        self.trips_s += [time.perf_counter() - self.accepted_s.pop(one) for one in _receipted(step.out)]

    def _lost(self, error: StoreError, gone: list[Step]) -> None:
        raise AssertionError(f"{len(gone)} steps could not be kept: {error}")

    async def join(self, servers: tuple[str, str] | None) -> list[asyncio.Task]:
        """Begin to run, on the line that the folder's ``port`` file or these servers make."""
        keys, port = self.folder / "keys", self.folder / "port"
        tasks = [asyncio.create_task(self.run())]
        if servers is not None:
            own = keys / self.name
            context = contexts(own / "tls.pem", own / "tls.key", self.folder / "all.pem")[1]
            tasks.append(asyncio.create_task(self.line.run(*servers, context)))
            return tasks
        serving, calling = contexts(
            keys / self.name / "tls.pem", keys / self.name / "tls.key",
            keys / "public" / self.partner / "authority.pem",
        )  # fmt: skip
        if port.exists():
            call = self.line.connect_for_ever("127.0.0.1", int(port.read_text()), calling)
            tasks.append(asyncio.create_task(call))
            return tasks
        server = await open_door("127.0.0.1:0", self.line.answer, self.line.stranger, serving)
        port.write_text(str(server.sockets[0].getsockname()[1]))
        return tasks


def told(gateway: Gateway, node: Node, parts: list[Messages], now: Now) -> tuple[Node, Out]:
    """The step that takes these into the outbox and sends them, as a tick does."""
    ((partner, link),) = node.links.items()
    link, out = link.copied(), Out()
    for part in parts:
        envelope = sealed_envelope(gateway, link, part, SEALED_TICK, link.next_sequence)
        outbound.accept(gateway, link, out, Lane.TRACK, SEALED_TICK, envelope, (), now)
    outbound.flush(gateway, link, out, now)
    out.records.append(link.kept())
    return replace(node, links={partner: link}), out


def _receipted(out: Out) -> list[int]:
    return [one for record in out.records if isinstance(record, Receipted) for one in record.sequences]


async def take(folder: Path, servers: tuple[str, str] | None, seen: Callable[[End], None] = lambda end: None) -> None:
    """The other process: receives until it is killed."""
    end = End(1, folder, nats=servers is not None)
    seen(end)
    tasks = await end.join(servers)
    gc.collect()
    gc.freeze()
    await asyncio.gather(*tasks)


@asynccontextmanager
async def joined(folder: Path, nats: bool, program: str = __file__) -> AsyncIterator[End]:
    """A giver that exchanges with a taker in a process of its own. Afterwards the taker's store is asked."""
    names = drill_world().names
    with ExitStack() as stack:
        servers: list[tuple[str, str]] = []
        if nats:
            brokers = Brokers(folder, names)
            for side in names:
                stack.enter_context(brokers.server(side))
            servers = [brokers.addresses(side) for side in names]
        else:
            make_keys(folder / "keys", names, datetime.now(UTC))
        giver = End(0, folder, nats=nats)
        tasks = await giver.join(servers[0] if nats else None)
        command = [sys.executable, program, "--take", str(folder), *(servers[1] if nats else ())]
        taker = subprocess.Popen(command)
        stack.callback(taker.wait)
        stack.callback(taker.kill)
        while not giver.link.session.open:
            await asyncio.sleep(0.01)
        gc.collect()
        gc.freeze()
        yield giver
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    given = giver.link.next_sequence
    kept = sqlite3.connect(folder / f"{names[1]}.store").execute("SELECT count(*) FROM inbox").fetchone()[0]
    assert kept == given, f"{kept} of {given} envelopes stand in the taker's store"


async def round_trip(folder: Path, seconds: float, nats: bool = False) -> dict[str, Any]:
    """A hundred envelopes a second of ten records each: from before the outbox's commit.

    To the commit that takes a receipted envelope out of the outbox, the third of a round trip; and to the receipt, by
    which the envelope is known to be kept at both ends.
    """
    async with joined(folder, nats) as giver:
        part, began = tracks(10), time.perf_counter()
        for number in range(int(100 * seconds)):
            await asyncio.sleep(max(0.0, began + number / 100 - time.perf_counter()))
            giver.tell([part])
        while giver.busy:
            await asyncio.sleep(0.005)
    return {
        **percentiles(giver.trips_s), "receipt": percentiles(giver.receipts_s), "envelopes": len(giver.trips_s)
    }  # fmt: skip


async def push(giver: End, part: Messages, envelopes: int) -> None:
    """So many envelopes, a commit's worth at a time, as fast as they go, until all are receipted."""
    for first in range(0, envelopes, BATCH_EVENTS_MAX):
        giver.tell([part] * min(BATCH_EVENTS_MAX, envelopes - first))
        while len(giver.link.pending) > IN_FLIGHT:
            await asyncio.sleep(0.0005)
        await asyncio.sleep(0)
    while giver.busy:
        await asyncio.sleep(0.0005)


async def throughput(folder: Path, envelopes: int, nats: bool = False) -> dict[str, Any]:
    """Envelopes of a hundred records, once both ends are warm."""
    async with joined(folder, nats) as giver:
        part = tracks(100)
        await push(giver, part, BATCH_EVENTS_MAX)
        began = time.perf_counter()
        await push(giver, part, envelopes)
        taken_s = time.perf_counter() - began
    return {"records_per_s": 100 * envelopes / taken_s, "envelopes": envelopes}


def measured(name: str, share: float) -> dict[str, Any]:
    """One of the measurements."""
    if name == "own_warning":
        return flooded(quick=share < 1.0)
    nats = name.startswith("jetstream")
    with tempfile.TemporaryDirectory() as folder:
        if name.endswith("round_trip"):
            found = asyncio.run(round_trip(Path(folder), 20.0 * share, nats))
            trips, names = int(1000 * share), drill_world().names
            if nats:
                return found | asyncio.run(brokers_floor(Path(folder), names, trips))
            part = tracks(10)
            ours, theirs = (replace(drill_gateway(name, 64_000_000), limits=FREE) for name in names)
            alone = steps_alone((ours, theirs), lambda gateway, node, now: told(gateway, node, [part], now), trips)
            return found | {"steps": alone} | floor(Path(folder), names, trips)
        return asyncio.run(throughput(Path(folder), int(4000 * share), nats))


def show(found: dict[str, Any]) -> None:
    """Beside the targets."""
    for name, most_ms in (("round_trip", 3), ("jetstream_round_trip", 5)):
        if name in found:
            trip, to = found[name], found[name]["receipt"]
            print(f"{name} at 1,000 records/s, p50 {trip['p50_ms']:.2f} ms, p99 {trip['p99_ms']:.2f} ms  (≤ {most_ms})")
            print(f"  of which until the receipt, p50 {to['p50_ms']:.2f} ms, p99 {to['p99_ms']:.2f} ms")
            least, line = found[name]["floor"], "both brokers" if "jetstream" in name else "TLS"
            print(f"  two bare commits and {line}, p50 {least['p50_ms']:.2f} ms, p99 {least['p99_ms']:.2f} ms "
                  f"(ours is {trip['p99_ms'] / least['p99_ms']:.1f} times that)")  # fmt: skip
        if signed := found.get(name, {}).get("signed_floor"):
            print(f"  … signed, verified, and the receipt kept, p50 {signed['p50_ms']:.2f} ms, "
                  f"p99 {signed['p99_ms']:.2f} ms")  # fmt: skip
        for how, alone in found.get(name, {}).get("steps", {}).items():
            print(f"  our own steps alone, {how}, p50 {alone['p50_ms']:.2f} ms, p99 {alone['p99_ms']:.2f} ms")
        if "fdatasync" in found.get(name, {}):
            sync = found[name]["fdatasync"]["over"]
            print(f"  this disk's fdatasync, p50 {sync['p50_ms']:.2f} ms, p99 {sync['p99_ms']:.2f} ms")
    for name in ("batched", "jetstream_batched"):
        if name in found:
            print(f"{name}, {found[name]['records_per_s']:,.0f} records/s  (≥ 100,000)")
    if "own_warning" in found:
        show_flooded(found["own_warning"])


def main() -> None:
    """Measure, and print beside the targets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--only", choices=MEASURED, help="one of the measurements")
    parser.add_argument("--take", nargs="+", metavar="FOLDER", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.take:
        folder, *servers = asked.take
        asyncio.run(take(Path(folder), (servers[0], servers[1]) if servers else None))
        return
    share = 0.1 if asked.quick else 1.0
    found: dict[str, Any] = {name: measured(name, share) for name in ([asked.only] if asked.only else MEASURED)}
    found["machine"] = platform.processor() or platform.machine()
    if asked.json:
        print(json.dumps(found, indent=1))
        return
    show(found)


if __name__ == "__main__":
    main()
