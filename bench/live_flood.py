"""How long own warnings take while a partner floods: a real ``detente serve``, in a process of its own.

    python bench/live_flood.py [--json] [--quick]

A world (lisbon-2010) is recorded beforehand and its busiest ticks are played, ten a second. This process feeds both
sides as ``detente play`` does and notes when it writes a tick's batch; the warned side's process notes when that tick's
own warnings are out, also of a tick without one. The partner's process is a real one as well, with own detections and
something to tell. In turns of 20 ticks it is honest, or sends besides a hundred times an honest partner's frames:

    noise     bytes that say they are an envelope, never the same twice
    forged    the same under the partner's own key, with a signature that does not hold
    genuine   its own signed envelopes: one in four is new, with the holes that our door leaves in them; the others take
              the number of one that was given up
    healing   after that, in the turn's last four ticks: it says that what is missing will never come

``aimed``: all of a tick's share just before the tick, or ``spread`` evenly over the time between two ticks. From one
aimed showing of the world to the next the turns move on, so that each kind has the same ticks. Where there are two
cores, the warned side has one of them for itself, as on a host of its own.
"""

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from live_floor import percentiles

from detente.centre.exchange.dsse import FRAME, envelope_digest, key_id
from detente.centre.exchange.message import KIND, Header, seal
from detente.centre.exchange.rules import label_of
from detente.exercise.briefing import Played, TickFeed, play_world
from detente.exercise.drill.faults import Plan
from detente.exercise.drill.simulation import Simulation
from detente.exercise.layout import Laid, lay_out
from detente.gateway import feed as feeds
from detente.gateway.config import read_config
from detente.gateway.keeping import Step
from detente.gateway.logic import outbound
from detente.gateway.logic.limits import Lane, lane_of
from detente.gateway.logic.link import Link, Out
from detente.gateway.logic.notes import Gone
from detente.gateway.prepare import prepare
from detente.gateway.serve import Server
from detente.gateway.telling import Log, standard_output
from detente.records.stages import Messages, Warnings
from detente.scenario.files import load_agreement, load_scenario

KINDS = ("calm", "noise", "forged", "genuine")
WARNED, PARTNER = "NATO", "Russia"
SEED = 1
TICK_S = 0.1  # between ticks by this machine's clock: a fiftieth of a live exercise's
FIRST, TICKS = 60, 160  # what is measured: the busiest part of the world for either side
TURN, HEALING = 20, 4  # ticks of a turn, and those at the end of a genuine one in which its holes are closed
HONEST_FRAMES = 4  # of an honest partner in a tick: two envelopes, a receipt, a pulse
FLOOD = 100 * HONEST_FRAMES  # frames a tick
FRESH = 4  # one envelope in so many takes a sequence of its own: a turn's sequences stay inside the window
PARTS = 25  # of a tick's share that is spread
NOISE_BYTES = 800
LEAD_S = 1.0  # once both sides listen
BEFORE_S, SETTLED_S = 0.012, 1.0  # between ticks before those that are measured; and after them, until all is done
EARLY_S = 0.002  # an aimed flood begins so long before the tick
HELD_UP_S = 0.02  # a tick whose batch was written so late is left out: the machine had other things to do
SHOWINGS = {"aimed": len(KINDS), "spread": 1}
URGENCY = os.SCHED_RR, os.sched_param(1)  # of the warned side and of this process, where the machine allows it: what
# else runs here is no flood
USUAL = os.SCHED_OTHER, os.sched_param(0)


def kind_at(showing: int, tick: int) -> str:
    """What the partner does before this tick: honest before the first that is measured."""
    turn, place = divmod(tick - FIRST, TURN)
    kind = KINDS[(showing + turn) % len(KINDS)] if FIRST <= tick < FIRST + TICKS else ""
    return "healing" if kind == "genuine" and place >= TURN - HEALING else kind


def moment(began_s: float, tick: int) -> float:
    """When a tick's detections are sent, by the steady clock."""
    measured_s = SETTLED_S + TICK_S * (tick - FIRST) if tick >= FIRST else 0.0
    return began_s + BEFORE_S * min(tick, FIRST) + measured_s


class Watched(Server):
    """The warned side's process: it remembers when each tick's own warnings were out."""

    moments: dict[int, float]

    def _warn(self, stream: str, warnings: Warnings) -> None:
        super()._warn(stream, warnings)
        if stream == "own":
            self.moments[self.node.tick + 1] = time.monotonic()


def watch_side(folder: Path) -> None:
    """Serve until stopped, then write the moments, and what became of the partner's frames."""
    server = Watched(prepare(read_config(folder / f"{WARNED}.yaml")), Log(standard_output()).show)
    server.moments = {}
    asyncio.run(server.run())
    found = {"moments": server.moments, "counts": server.node.links[PARTNER].counts}
    (folder / "found.json").write_text(json.dumps(found))


class Flooder:
    """What the partner's process sends besides what it has to say."""

    def __init__(self, server: Server, showing: int, *, aimed: bool) -> None:
        self.server, self.showing, self.aimed = server, showing, aimed
        self.began_s = 0.0
        self.lot, self.parts = Random(showing), list[tuple[Lane, Messages]]()
        self.first = self.sent = self.given_up = 0
        self.fresh: dict[int, bytes] = {}  # digests of what this turn sent, by sequence
        self.key = key_id(server.gateway.signer.public_key())

    async def run(self, began: Path) -> None:
        """Every tick's share of every turn, from the moment that this file tells."""
        before = ""
        while not began.exists():
            await asyncio.sleep(0.02)
        self.began_s = float(began.read_text())
        self._spare()
        await asyncio.sleep(moment(self.began_s, FIRST) - TICK_S - time.monotonic())
        for tick in range(FIRST, FIRST + TICKS):
            kind = kind_at(self.showing, tick)
            if kind != before and kind == "genuine":
                self._begin()
            if kind != before and kind == "healing":
                self._heal()
            before = kind
            if kind in ("noise", "forged", "genuine"):
                await self._flood(kind, tick)

    async def _flood(self, kind: str, tick: int) -> None:
        line, size = self.server.lines[WARNED], FLOOD // PARTS
        end_s = moment(self.began_s, tick) - EARLY_S
        held: list[tuple[int, bytes]] = []
        for part in range(PARTS):
            held += [self._frame(kind, tick) for _ in range(size)]
            if self.aimed:
                await asyncio.sleep(0)
                continue
            await asyncio.sleep(end_s - TICK_S * (PARTS - 1 - part) / PARTS - time.monotonic())
            for lane, data in held:
                line.send(lane, data)
            held.clear()
        await asyncio.sleep(end_s - time.monotonic())
        for lane, data in held:
            line.send(lane, data)

    def _frame(self, kind: str, tick: int) -> tuple[int, bytes]:
        self.sent += 1
        if kind == "genuine":
            return self._letter(tick)
        rest = self.lot.randbytes(NOISE_BYTES)
        head = KIND.mark if kind == "noise" else FRAME.pack(KIND.mark, self.key, rest[:64], len(rest) // 2)
        return self.sent % len(Lane), head + rest

    def _begin(self) -> None:
        """Sequences for a turn are taken, and what was told lately is what will be told."""
        node, gateway = self.server.node, self.server.gateway
        told = node.said.take(node.said.receiver == gateway.names.index(WARNED))
        lanes = np.array([lane_of(int(data)) for data in told.data])
        self.parts = [(Lane(lane), told.take(np.flatnonzero(lanes == lane))) for lane in np.unique(lanes)]
        assert self.parts, "the partner has something to tell"
        link = node.links[WARNED].copied()
        self.first, self.sent = link.next_sequence, 0
        link.next_sequence += (TURN - HEALING) * FLOOD // FRESH + 1
        self._take(link, Out())

    def _spare(self) -> None:
        """A sequence that is given up before anything is sent under it: what bears it is read, and is no news."""
        link, out = self.server.node.links[WARNED].copied(), Out()
        self.given_up = link.next_sequence
        link.next_sequence += 1
        link.closings.add(Gone(sequence=self.given_up, digest=bytes(32), reason="shed"))
        outbound.flush(self.server.gateway, link, out, self.server.clock.now)
        self._take(link, out)

    def _heal(self) -> None:
        """What was dropped of them at the other side's door will never come: that is told, as by a full outbox."""
        link, out = self.server.node.links[WARNED].copied(), Out()
        for sequence, digest in self.fresh.items():
            link.closings.add(Gone(sequence=sequence, digest=digest, reason="shed"))
        self.fresh.clear()
        outbound.flush(self.server.gateway, link, out, self.server.clock.now)
        self._take(link, out)

    def _take(self, link: Link, out: Out) -> None:
        out.records.append(link.kept())
        node = replace(self.server.node, links={WARNED: link})
        self.server.keeping.take(Step(node=node, out=out))

    def _letter(self, tick: int) -> tuple[int, bytes]:
        """A sound envelope, sealed at a microsecond of its own."""
        gateway, link = self.server.gateway, self.server.node.links[WARNED]
        lane, part = self.parts[self.sent // FRESH % len(self.parts)]
        fresh = self.sent % FRESH == 0
        sequence = self.first + self.sent // FRESH if fresh else self.given_up
        header = Header(
            mark=gateway.mark, giver=gateway.name, receiver=WARNED, agreement=gateway.digest, origin=gateway.origin,
            epoch=link.epoch, sequence=sequence,
            sealed_s=tick * gateway.tick_s + 1e-6 * self.sent,
            label=label_of(gateway.rules, WARNED, part.clause), head=link.tip.head,
        )  # fmt: skip
        letter = seal(part, header, gateway.signer)
        if fresh:
            self.fresh[sequence] = envelope_digest(letter)
        return int(lane), letter


def partner_side(folder: Path, showing: int, *, aimed: bool) -> None:
    """Serve and flood until stopped."""

    async def both() -> None:
        server = Server(prepare(read_config(folder / f"{PARTNER}.yaml")), Log(standard_output()).show)
        flooding = asyncio.create_task(Flooder(server, showing, aimed=aimed).run(folder / "began"))
        await server.run()
        if flooding.done():
            flooding.result()
        flooding.cancel()  # what is flooded with is no more

    asyncio.run(both())


async def feed_to(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A side's feed, once it listens."""
    host, _, port = address.rpartition(":")
    while True:
        with contextlib.suppress(OSError):
            return await asyncio.open_connection(host, int(port))
        await asyncio.sleep(0.05)


async def feed_side(
    heard: TickFeed, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, began_s: float
) -> dict[int, float]:  # fmt: skip
    """Play every tick to a side; when each batch was written."""
    wrote = {}
    for tick in range(FIRST + TICKS):
        batch = feeds.write_batch(tick, heard.tick(tick))
        await asyncio.sleep(moment(began_s, tick) - time.monotonic())
        wrote[tick] = time.monotonic()
        writer.write(feeds.LENGTH.pack(len(batch)) + batch)
    while (tick := feeds.ACK.unpack(await reader.readexactly(feeds.ACK.size))[1]) < FIRST + TICKS:
        pass  # until all are kept
    writer.close()
    return wrote


CORES = sorted(os.sched_getaffinity(0))


@contextlib.contextmanager
def started(*arguments: str, folder: Path, core: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process of this file on one core, stopped at the end."""
    with (folder / f"{arguments[0].strip('-')}.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, __file__, *arguments], stdout=log, stderr=log)
    os.sched_setaffinity(process.pid, {core})
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


async def feed_all(played: Played, laid: Laid) -> tuple[float, dict[int, float]]:
    """Play to both sides, once both are there; when it began, and when each batch to the warned side was written."""
    lines = [await feed_to(laid.feeds[side]) for side in (WARNED, PARTNER)]
    began_s = time.monotonic() + LEAD_S
    begun = laid.folder / "begun"
    begun.write_text(str(began_s))
    begun.rename(laid.folder / "began")
    heard = [played.heard(played.theatre.names.index(side)) for side in (WARNED, PARTNER)]
    wrote, _ = await asyncio.gather(
        *(feed_side(one, *line, began_s) for one, line in zip(heard, lines, strict=True))
    )  # fmt: skip
    return began_s, wrote


def show_world(played: Played, laid: Laid, showing: int, manner: str) -> dict[str, Any]:
    """One showing of the world: latencies by kind, and what the warned side counted."""
    with (
        started("--watch", str(laid.folder), folder=laid.folder, core=CORES[0]),
        started("--flood", str(laid.folder), str(showing), manner, folder=laid.folder, core=CORES[-1]),
    ):
        began_s, wrote = asyncio.run(feed_all(played, laid))
    found = json.loads((laid.folder / "found.json").read_text())
    latencies: dict[str, list[float]] = {}
    for tick, wrote_s in wrote.items():
        kind = kind_at(showing, tick) if wrote_s - moment(began_s, tick) < HELD_UP_S else "held up"
        latencies.setdefault(kind, []).append(found["moments"][str(tick)] - wrote_s)
    return {"latencies": latencies, "counts": found["counts"]}


def _shown(played: Played, manner: str, showings: int) -> dict[str, Any]:
    """Percentiles of each kind, its ratios to calm, and how the partner's frames fared."""
    scenario, agreement = load_scenario("lisbon-2010"), load_agreement("lisbon-2011")
    latencies: dict[str, list[float]] = {}
    counts: Counter[str] = Counter()
    for showing in range(showings):
        with tempfile.TemporaryDirectory() as folder:
            origin = datetime.now(UTC)
            laid = lay_out(Path(folder) / "laid", scenario, agreement, origin=origin, rate=5.0 / TICK_S)
            found = show_world(played, laid, showing, manner)
        for kind, times in found["latencies"].items():
            latencies.setdefault(kind, []).extend(times)
        counts.update(found["counts"])
    rows = {kind: percentiles(latencies[kind]) | {"ticks": len(latencies[kind])} for kind in (*KINDS, "healing")}
    for row in rows.values():
        row |= {f"ratio_{name}": row[f"{name}_ms"] / rows["calm"][f"{name}_ms"] for name in ("p50", "p99")}
    return rows | {"frames": dict(counts), "ticks_held_up": len(latencies.get("held up", ()))}


def flooded(*, quick: bool) -> dict[str, Any]:
    """Own warnings' latencies by manner and kind of flood. ``quick``: an aimed one alone, each kind with ticks of its
    own."""
    Simulation(Plan(seed=0)).run()  # compiles the kernels, if that was not done before
    played = play_world(load_scenario("lisbon-2010"), SEED, 0)
    os.sched_setaffinity(0, {CORES[-1]})
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, *URGENCY)
    found = {manner: _shown(played, manner, many) for manner, many in ({"aimed": 1} if quick else SHOWINGS).items()}
    os.sched_setaffinity(0, CORES)
    os.sched_setscheduler(0, *USUAL)
    return found


def show(found: dict[str, Any]) -> None:
    """Beside the target."""
    for manner, rows in found.items():
        print(f"own warning, flood {manner}")
        for kind in (*KINDS, "healing"):
            row = rows[kind]
            print(f"  {kind}, {row['ticks']} ticks: p50 {row['p50_ms']:.2f} ms ({row['ratio_p50']:.2f} times), "
                  f"p99 {row['p99_ms']:.2f} ms ({row['ratio_p99']:.2f} times)  (≤ 2)")  # fmt: skip
        print(f"  frames: {', '.join(f'{name} {count}' for name, count in sorted(rows['frames'].items()))}")
        print(f"  ticks left out, the machine being held up: {rows['ticks_held_up']}")


def main() -> None:
    """Measure, and print beside the target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="a fifth of the work")
    parser.add_argument("--watch", metavar="FOLDER", help=argparse.SUPPRESS)
    parser.add_argument("--flood", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.watch:
        with contextlib.suppress(PermissionError):  # of its threads the loop alone is urgent: theirs are the store's
            os.sched_setscheduler(0, URGENCY[0] | os.SCHED_RESET_ON_FORK, URGENCY[1])
        watch_side(Path(asked.watch))
    elif asked.flood:
        folder, showing, manner = asked.flood
        os.sched_setscheduler(0, *USUAL)
        partner_side(Path(folder), int(showing), aimed=manner == "aimed")
    elif asked.json:
        print(json.dumps(flooded(quick=asked.quick), indent=1))
    else:
        show(flooded(quick=asked.quick))


if __name__ == "__main__":
    main()
