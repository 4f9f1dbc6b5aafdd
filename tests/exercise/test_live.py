"""Two real processes and a player on loopback: they warn, exchange, survive SIGKILL, and lose nothing."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from detente.centre.exchange.audit import audit
from detente.exercise.layout import Laid, lay_out
from detente.gateway.config import read_config
from detente.gateway.keys import read_public_key
from detente.gateway.ledger_file import read_ledger
from detente.scenario.files import load_agreement, load_scenario

SIDES = ("NATO", "Russia")
RATE = 40.0
PATIENCE_S = 120.0


@contextmanager
def running(*arguments: str, log: Path) -> Iterator[subprocess.Popen]:
    with log.open("a") as out:
        process = subprocess.Popen([sys.executable, "-m", "detente", *arguments], stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def health(laid: Laid, side: str) -> dict:
    host, port = laid.health[side].split(":")
    with closing(HTTPConnection(host, int(port), timeout=5)) as line:
        line.request("GET", "/health")
        return json.loads(line.getresponse().read())


def until(what: Callable[[], bool]) -> None:
    """Wait until something is so; a test that waits too long fails."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            if what():
                return
        except (OSError, HTTPException, ValueError):
            pass
        time.sleep(0.1)
    pytest.fail("waited in vain")


def partner(laid: Laid, side: str) -> dict:
    return next(iter(health(laid, side)["partners"].values()))


def laid_out(folder: Path, lead_s: float) -> Laid:
    return lay_out(
        folder, load_scenario("theatre-2011"), load_agreement("lisbon-2011"),
        origin=datetime.now(UTC) + timedelta(seconds=lead_s), rate=RATE,
    )  # fmt: skip


def warnings_of(log: Path) -> list[dict]:
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "warning"]


def test_two_processes_exchange_are_killed_and_lose_nothing(tmp_path: Path) -> None:
    laid = laid_out(tmp_path, 3.0)
    logs = {side: tmp_path / f"{side}.log" for side in SIDES}
    feeds = [part for side in SIDES for part in ("--feed", f"{side}={laid.feeds[side]}")]
    start = ["--start", laid.origin.isoformat(), "--rate", str(RATE), "--quiet"]
    with (
        running("play", "theatre-2011", *feeds, *start, log=tmp_path / "play.log"),
        running("serve", str(laid.configs["NATO"]), log=logs["NATO"]) as nato,
    ):
        with running("serve", str(laid.configs["Russia"]), log=logs["Russia"]) as russia:
            until(lambda: partner(laid, "NATO")["received"] > 20 and partner(laid, "Russia")["received"] > 20)
            russia.send_signal(signal.SIGKILL)
            russia.wait()
        # One side is dead: the other still warns of what comes to its own territory, and keeps what it has to tell.
        tick = health(laid, "NATO")["tick"]
        until(lambda: health(laid, "NATO")["tick"] > tick + 6 and partner(laid, "NATO")["outbox"] > 2)
        assert partner(laid, "NATO")["line"] is False
        with running("serve", str(laid.configs["Russia"]), log=logs["Russia"]):
            until(lambda: partner(laid, "NATO")["outbox"] <= 2 and partner(laid, "NATO")["line"])
            nato.send_signal(signal.SIGKILL)
            nato.wait()
            with running("serve", str(laid.configs["NATO"]), log=logs["NATO"]):
                until(lambda: all(health(laid, side)["tick"] > 100 for side in SIDES))
                for side in SIDES:
                    until(lambda side=side: partner(laid, side)["session"] == "exchanging")
    _nothing_is_lost(laid)
    for side in SIDES:
        own = [line for line in warnings_of(logs[side]) if line["stream"] == "own" and line["threatened"] == side]
        assert len({line["track"] for line in own}) >= 2, f"{side} warns of its own territory"


def _nothing_is_lost(laid: Laid) -> None:
    """What each accepted is received and applied once at the other, in order, or closed, or still in its outbox."""
    keys = {
        name: [read_public_key(laid.folder / f"keys/public/{name}/signing.pub")] for name in SIDES
    }  # fmt: skip
    for giver, receiver in (SIDES, SIDES[::-1]):
        with (
            sqlite3.connect(laid.folder / f"{giver}.store") as mine,
            sqlite3.connect(laid.folder / f"{receiver}.store") as theirs,
        ):
            sent = [row[0] for row in mine.execute("SELECT sequence FROM ledger WHERE kind = 1 ORDER BY place")]
            waiting = {row[0] for row in mine.execute("SELECT sequence FROM outbox")}
            got = [row[0] for row in theirs.execute("SELECT sequence FROM inbox ORDER BY sequence")]
            closed = {row[0] for row in mine.execute("SELECT sequence FROM ledger WHERE kind = 4")}
        assert sent == list(range(len(sent)))
        assert len(sent) > 30
        assert set(sent) - waiting - closed <= set(got)
        assert len(got) == len(set(got))
        book, other = (read_ledger(laid.folder / f"{name}.store", keys=keys) for name in (giver, receiver))
        assert other.proved > 10
        assert audit(book.book, other.book) == ()


def test_the_operator_pauses_resumes_and_renews(tmp_path: Path) -> None:
    laid = laid_out(tmp_path, 1.0)
    order = [sys.executable, "-m", "detente", "order", str(laid.configs["NATO"])]
    with (
        running("serve", str(laid.configs["NATO"]), log=tmp_path / "n.log") as nato,
        running("serve", str(laid.configs["Russia"]), log=tmp_path / "r.log"),
    ):
        until(lambda: all(partner(laid, side)["session"] == "exchanging" for side in SIDES))
        nato.send_signal(signal.SIGPIPE)  # what a line that breaks while we write sends us
        assert subprocess.run([*order, "pause", "Russia"], check=False).returncode == 0
        until(lambda: all(partner(laid, side)["session"] == "suspended" for side in SIDES))
        assert subprocess.run([*order, "resume", "Russia"], check=False).returncode == 0
        until(lambda: all(partner(laid, side)["session"] == "exchanging" for side in SIDES))
        assert subprocess.run([*order, "reload"], check=False).returncode == 0
        until(lambda: all(partner(laid, side)["session"] == "exchanging" for side in SIDES))
        refused = subprocess.run([*order, "pause", "Atlantis"], check=False, capture_output=True, text=True)
        assert refused.returncode == 2
        assert "Atlantis is no partner" in refused.stderr
        token = read_config(laid.configs["NATO"]).path("keys/NATO/operator.token")
        token.chmod(0o600)
        token.write_text("not the token it was\n")
        assert nato.poll() is None
        assert subprocess.run([*order, "pause", "Russia"], check=False, capture_output=True).returncode == 2
    assert os.stat(laid.folder / "keys/NATO/signing.key").st_mode & 0o077 == 0
