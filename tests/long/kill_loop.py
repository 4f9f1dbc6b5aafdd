"""Kill a live side again and again, for real: python tests/long/kill_loop.py [KILLS]

Two processes and a player on loopback; SIGKILL at a moment drawn by lot, to a side drawn by lot; start it again; go on.
At the end everything that either side accepted was received once by the other, in order, or closed, or still waits, and
both ledgers stand against each other. Prints one JSON document; exit code 1 where something was lost.
"""

import json
import random
import runpy
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

LIVE = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "exercise" / "test_live.py")))


def main() -> int:
    """Run it."""
    kills, lot = int(sys.argv[1]) if len(sys.argv) > 1 else 200, random.Random(1)
    began = time.monotonic()
    done = world = 0
    with tempfile.TemporaryDirectory() as root:
        while done < kills:
            world += 1
            done += one_world(Path(root) / str(world), min(kills - done, 20), lot)
            print(f"{done} of {kills} kills", file=sys.stderr)
    print(json.dumps({"kills": done, "worlds": world, "lost": 0, "seconds": round(time.monotonic() - began, 1)}))
    return 0


def one_world(folder: Path, kills: int, lot: random.Random) -> int:
    """One world played through; so many kills in it."""
    folder.mkdir()
    laid = LIVE.laid_out(folder, 3.0)
    feeds = [part for side in LIVE.SIDES for part in ("--feed", f"{side}={laid.feeds[side]}")]
    start = ["--start", laid.origin.isoformat(), "--rate", str(LIVE.RATE), "--quiet"]
    with ExitStack() as stack:
        stack.enter_context(LIVE.running("play", "theatre-2011", *feeds, *start, log=folder / "play.log"))
        process = {side: begin(stack, laid, side) for side in LIVE.SIDES}
        for _ in range(kills):
            LIVE.until(lambda: all(LIVE.health(laid, side)["tick"] >= 0 for side in LIVE.SIDES))
            time.sleep(lot.uniform(0.0, 1.0))
            side = lot.choice(LIVE.SIDES)
            process[side].kill()
            process[side].wait()
            process[side] = begin(stack, laid, side)
        LIVE.until(lambda: all(LIVE.partner(laid, side)["session"] == "exchanging" for side in LIVE.SIDES))
        LIVE.until(lambda: all(LIVE.health(laid, side)["tick"] > 80 for side in LIVE.SIDES))
    LIVE._nothing_is_lost(laid)
    return kills


def begin(stack: ExitStack, laid: object, side: str) -> object:
    """A side's process, which ends with the stack."""
    return stack.enter_context(LIVE.running("serve", str(laid.configs[side]), log=laid.folder / f"{side}.log"))


if __name__ == "__main__":
    sys.exit(main())
