"""Kill a live side again and again, for real: python tests/long/kill_loop.py [KILLS] [SEED]

Two processes and a player on loopback; SIGKILL at a moment drawn by lot, to a side drawn by lot, now and then while it
is still starting; start it again; go on until the world is over, then play the next one. After each world: everything
that either side accepted was received once by the other, in order, or closed, or still waits, and both ledgers stand
against each other. Sides are forked from one process that has loaded everything, so that a start costs no imports; each
has its own sockets, files and end. Prints one JSON document; exit code 1 where something was lost.
"""

import json
import multiprocessing
import os
import random
import runpy
import sys
import tempfile
import time
import traceback
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

from detente.exercise.drill.drills import drill
from detente.gateway.config import read_config
from detente.gateway.prepare import prepare
from detente.gateway.serve import serve

LIVE = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "exercise" / "test_live.py")))
FORK = multiprocessing.get_context("fork")
APART_S = 0.8  # at most, between a side's being up and the next kill: some six ticks
WHILE_STARTING = 0.2  # share of kills that do not wait for both sides to be up


class Side:
    """One side's process, time after time."""

    def __init__(self, laid: SimpleNamespace, name: str) -> None:
        self.config, self.log = laid.configs[name], laid.folder / f"{name}.log"
        self.start()

    def start(self) -> None:
        """A fresh process on the store as it stands."""
        self.process = FORK.Process(target=self._serve, daemon=True)
        self.process.start()

    def _serve(self) -> None:
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        sys.stdout = os.fdopen(1, "w", closefd=False)
        try:
            serve(prepare(read_config(self.config)))
        except BaseException:
            os.write(2, traceback.format_exc().encode())
            raise

    def kill(self) -> None:
        """SIGKILL. A side that ended by itself is a failure."""
        assert self.process.exitcode is None, f"a side ended by itself: {self.log.read_text()[-2000:]}"
        self.process.kill()
        self.process.join()


def main() -> int:
    """Run it."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    lot = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    began = time.monotonic()
    drill(0)  # loads every module and kernel; what it finds is the drills' business
    done = worlds = sent = 0
    while done < kills:
        worlds += 1
        with tempfile.TemporaryDirectory() as root:
            killed, said = one_world(Path(root), kills - done, lot)
        done, sent = done + killed, sent + said
        print(f"{done} of {kills} kills, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    seconds = round(time.monotonic() - began, 1)
    print(json.dumps({"kills": done, "worlds": worlds, "envelopes": sent, "lost": 0, "twice": 0, "seconds": seconds}))
    return 0


def one_world(folder: Path, most: int, lot: random.Random) -> tuple[int, int]:
    """One world played to its end; how many kills were in it, and how many envelopes were exchanged."""
    laid, killed = LIVE.laid_out(folder, 5.0), 0
    feeds = [part for side in LIVE.SIDES for part in ("--feed", f"{side}={laid.feeds[side]}")]
    start = ["--start", laid.origin.isoformat(), "--rate", str(LIVE.RATE), "--quiet"]
    with ExitStack() as stack:
        play = stack.enter_context(LIVE.running("play", "theatre-2011", *feeds, *start, log=folder / "play.log"))
        sides = {name: Side(laid, name) for name in LIVE.SIDES}
        stack.callback(lambda: [side.kill() for side in sides.values()])
        while play.poll() is None:
            if killed == most:
                time.sleep(0.1)
                continue
            if lot.random() >= WHILE_STARTING:
                LIVE.until(lambda: play.poll() is not None or all(up(laid, name) for name in LIVE.SIDES))
            time.sleep(lot.uniform(0.0, APART_S))
            side = sides[lot.choice(LIVE.SIDES)]
            side.kill()
            side.start()
            killed += 1
        assert play.returncode == 0, (folder / "play.log").read_text()
        LIVE.until(lambda: all(LIVE.partner(laid, name)["session"] == "exchanging" for name in LIVE.SIDES))
        LIVE.until(lambda: all(LIVE.partner(laid, name)["outbox"] == 0 for name in LIVE.SIDES))
        received = sum(LIVE.partner(laid, name)["received"] for name in LIVE.SIDES)
    LIVE._nothing_is_lost(laid)
    return killed, received


def up(laid: SimpleNamespace, name: str) -> bool:
    """True where a side answers and its partner is there."""
    return LIVE.health(laid, name)["tick"] >= 0 and LIVE.partner(laid, name)["session"] == "exchanging"


if __name__ == "__main__":
    sys.exit(main())
