"""``make demo-live``: a world and two centres on this machine, both pictures in the terminal.

    python -m detente.exercise.demo [--folder DIR] [--scenario NAME] [--rate R] [--seconds S] [--kill SIDE]

Half-way, with ``--kill SIDE``, that side's process is killed, and started again a little later: the other goes on
warning, and what was to be told arrives afterwards.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from rich.columns import Columns
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table

from detente.exercise.drill.faults import Plan
from detente.exercise.drill.simulation import Simulation
from detente.exercise.layout import Laid, lay_out
from detente.geodesy.timescale import format_moment
from detente.records.errors import InputError
from detente.scenario.files import load_agreement, load_scenario

LEAD_S = 12.0  # until exercise time 0: processes start and read their kernels
LINES_SHOWN, WARNINGS_SHOWN = 10, 6
NOT_THERE = 0.01  # a share of a prediction below which a warning is told as one that no longer holds
OURS = ".detente-demo"  # a file that says that a folder is ours to delete
RATE_MIN, RATE_MAX = 0.01, 1000.0  # as `detente play`
DOWN_S = 6.0  # that a killed side stays down


def ask(address: str, path: str) -> dict[str, Any] | None:
    """What a side's process says at a path; None where it does not answer."""
    host, _, port = address.rpartition(":")
    try:
        with closing(HTTPConnection(host, int(port), timeout=0.5)) as line:
            line.request("GET", path)
            return json.loads(line.getresponse().read())
    except (OSError, HTTPException, ValueError):
        return None


def panel(side: str, laid: Laid, warnings: list[dict[str, Any]]) -> Panel:
    """One side as its operator would see it."""
    health, picture = ask(laid.health[side], "/health"), ask(laid.health[side], "/picture")
    if health is None or picture is None:
        return Panel("not running", title=side, width=76)
    words = [f"tick {health['tick']}, exercise time {health['exercise_s']:.0f} s, marked {health['marking']}"]
    for name, link in health["partners"].items():
        words.append(
            f"with {name}: {link['session']}; received {link['received']}, receipted {link['receipted']}, "
            f"waiting {link['outbox']}, ledger {link['ledger']}"
        )
    table = Table(box=None, pad_edge=False)
    for column in ("track", "origin", "threatens", "impact"):
        table.add_column(column)
    lines = sorted(picture["lines"], key=lambda line: not line["threatens"])
    for line in lines[:LINES_SHOWN]:
        threat = ", ".join(f"{name} {share:.0%}" for name, share in line["threatens"].items())
        table.add_row(line["track"], line["origin"], threat, impact_words(line))
    said = "\n".join(warning_words(line) for line in warnings[-WARNINGS_SHOWN:])
    return Panel(Group("\n".join(words), "", table, "", said), title=side, width=76)


def warning_words(line: dict[str, Any]) -> str:
    """A warning as logged, or what a later word on the same object makes of it."""
    update, share = line["update"], line["probability"]
    which = f"update {update} of the {line['stream']} warning" if update else f"{line['stream']} warning"
    lands = f"lands in {line['threatened']} at {line['impact_s']:.0f} s (P {share:.2f})"
    if share < NOT_THERE:
        lands = f"no longer lands in {line['threatened']}"
    return f"{which} at {line['at_s']:.0f} s: {line['track']} {lands}"


def impact_words(line: dict[str, Any]) -> str:
    """When a line's object comes down; a track stays in the picture for a while after that."""
    if "impact" not in line:
        return ""
    in_s = round(line["impact"]["in_s"])
    return f"in {in_s} s" if in_s > 0 else f"{-in_s} s ago"


def warnings_of(log: Path) -> list[dict[str, Any]]:
    """Every warning in a side's log."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return [json.loads(line) for line in lines if line.startswith('{"event": "warning"')]


class Cast:
    """The processes of the demonstration."""

    def __init__(self, laid: Laid, scenario: str) -> None:
        self.laid = laid
        self.running = {side: self._serve(side) for side in laid.configs}
        feeds = [part for side, address in laid.feeds.items() for part in ("--feed", f"{side}={address}")]
        start = ["--start", format_moment(laid.origin), "--rate", str(laid.rate), "--quiet"]
        self.player = self._begin("play", ["play", scenario, *feeds, *start])

    def _begin(self, name: str, arguments: list[str]) -> subprocess.Popen[bytes]:
        with (self.laid.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen([sys.executable, "-m", "detente", *arguments], stdout=log, stderr=log)

    def _serve(self, side: str) -> subprocess.Popen[bytes]:
        return self._begin(side, ["serve", str(self.laid.configs[side])])

    def kill(self, side: str) -> None:
        """No farewell."""
        self.running[side].kill()
        self.running[side].wait()

    def start(self, side: str) -> None:
        """Again, from its store."""
        self.running[side] = self._serve(side)

    def end(self) -> None:
        """Everybody stops."""
        for process in (*self.running.values(), self.player):
            process.terminate()
        for process in (*self.running.values(), self.player):
            try:
                process.wait(5.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def make_anew(folder: Path) -> None:
    """An empty folder of ours, in place of an earlier one of ours. Raises InputError where anybody else's is there."""
    try:
        if (folder / OURS).is_file() and not folder.is_symlink():
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        strange = next(folder.iterdir(), None)
    except OSError as error:
        raise InputError(
            found=f"a folder that cannot be made: {error}", expected="a folder for this demonstration",
            remedy="name another with --folder", file=str(folder),
        ) from error  # fmt: skip
    if strange is not None:
        raise InputError(
            found=f"a folder that this demonstration did not make, with {strange.name} in it",
            expected="a new folder, an empty one, or one of an earlier demonstration",
            remedy="name another with --folder, or move away what is in it", file=str(folder),
        )  # fmt: skip
    (folder / OURS).write_text("Made by detente.exercise.demo, which deletes this folder when it is run again.\n")


def main(arguments: list[str] | None = None) -> None:
    """Lay an exercise out, run it, show it, and say where everything is."""
    asked = _parser().parse_args(arguments)
    try:
        scenario, agreement = load_scenario(asked.scenario), load_agreement(asked.agreement)
        _refuse(asked, scenario.side_names, agreement.parties)
        make_anew(asked.folder)
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
    sys.stdout.write("Compiling the kernels, if that was not done before …\n")
    Simulation(Plan(seed=0)).run()
    origin = datetime.now(UTC) + timedelta(seconds=LEAD_S)
    laid = lay_out(asked.folder, scenario, agreement, origin=origin, rate=asked.rate)
    cast, console = Cast(laid, asked.scenario), Console()
    began_s, killed_s = time.monotonic(), None
    try:
        with Live(console=console, refresh_per_second=4) as screen:
            while (passed_s := time.monotonic() - began_s) < asked.seconds:
                if asked.kill and killed_s is None and passed_s > asked.seconds / 2:
                    cast.kill(asked.kill)
                    killed_s = passed_s
                if killed_s is not None and killed_s >= 0.0 and passed_s > killed_s + DOWN_S:
                    cast.start(asked.kill)
                    killed_s = -1.0
                screen.update(
                    Columns([panel(side, laid, warnings_of(laid.folder / f"{side}.log")) for side in laid.configs])
                )
                time.sleep(0.25)
    except KeyboardInterrupt:
        pass
    finally:
        cast.end()
    if not console.is_terminal:
        sys.stdout.write("\n")  # what is live ends its last line on a terminal alone
    _tell(laid)


def _refuse(asked: argparse.Namespace, sides: Sequence[str], parties: Sequence[str]) -> None:
    """Raise InputError for what cannot be shown, before anything is made or started."""
    if asked.kill and asked.kill not in sides:
        raise InputError(f"--kill {asked.kill!r}", f"one of {', '.join(sides)}", "name a side of the scenario")
    if not RATE_MIN <= asked.rate <= RATE_MAX:  # nan neither
        raise InputError(
            f"--rate {asked.rate:g}", f"from {RATE_MIN:g} to {RATE_MAX:g} exercise seconds a second",
            "choose such a one",
        )  # fmt: skip
    if not 0.0 <= asked.seconds < float("inf"):
        raise InputError(f"--seconds {asked.seconds:g}", "a time from 0", "choose such a one")
    strangers = [party for party in parties if party not in sides]
    if strangers:
        raise InputError(
            f"--agreement {asked.agreement!r}, to which {strangers[0]} is a party", f"parties of {', '.join(sides)}",
            "name another agreement, or another scenario"
        )  # fmt: skip


def _tell(laid: Laid) -> None:
    partners = "partner's" if len(laid.configs) == 2 else "partners'"
    for side in laid.configs:
        own = [line for line in warnings_of(laid.folder / f"{side}.log") if line["threatened"] == side]
        streams = {name: len({line["track"] for line in own if line["stream"] == name}) for name in ("own", "assisted")}
        objects = "object" if streams["own"] == 1 else "objects"
        sys.stdout.write(
            f"{side} warned its own territory of {streams['own']} {objects} by its own sensors, of "
            f"{streams['assisted']} with its {partners} help\n"
        )
    sides = list(laid.configs)[:2]
    stores = " --against ".join(str(laid.folder / f"{side}.store") for side in sides)
    keys = " ".join(f"--key {side}={laid.folder}/keys/public/{side}/signing.pub" for side in sides)
    sys.stdout.write(
        f"logs, stores and keys: {laid.folder}\ncompare the ledgers: detente ledger verify {stores} {keys}\n"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="A world and two live centres on this machine.")
    parser.add_argument(
        "--folder", type=Path, default=Path("out/demo-live"), help="made anew each time, if a demonstration made it"
    )
    parser.add_argument("--scenario", default="theatre-2011")
    parser.add_argument("--agreement", default="lisbon-2011")
    parser.add_argument("--rate", type=float, default=10.0, help="exercise seconds a second")
    parser.add_argument("--seconds", type=float, default=75.0, help="how long to run")
    parser.add_argument("--kill", metavar="SIDE", default="", help="kill this side half-way, and start it again")
    return parser


if __name__ == "__main__":
    main()
