"""A store of another exercise, and one that is not what was written: refused at the start, with words, untouched."""

import asyncio
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.made_gateway import SIDES
from tests.gateway.made_live import both, laid, ready, ticked
from typer.testing import CliRunner

from detente.cli.app import app
from detente.exercise.briefing import theatre_file, theatre_text
from detente.gateway.logic.records import Ticked
from detente.gateway.serve import Server
from detente.gateway.sqlite_store import SqliteStore
from detente.scenario.files import load_scenario

NATO, RUSSIA = SIDES


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """NATO's store at rest: a snapshot, ticks after it, envelopes that wait, and one that Russia has not heard."""
    folder = laid(tmp_path_factory.mktemp("laid"))
    edited(folder, until_s=1e-9)  # one that is not refused ends at once
    with both(folder) as pair:
        ticked(
            pair, until=lambda pair: bool(pair.nodes[NATO].tick >= 37 and pair.link(NATO).waiting),
            hears=lambda pair, to: to == NATO or pair.nodes[NATO].tick < 34,
        )  # fmt: skip
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "laid"))


def refused(folder: Path) -> str:
    """What `detente serve` says, which does not start; no file is changed, and none comes."""
    before = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    result = CliRunner().invoke(app, ["serve", str(folder / "NATO.yaml")])
    assert result.exit_code == 2, result.output
    assert {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()} == before
    for part in ("error: ", "expected: ", "to do: "):
        assert part in result.output
    return result.output


def edited(folder: Path, **values: Any) -> None:
    document = json.loads((folder / "NATO.yaml").read_text()) | values
    (folder / "NATO.yaml").write_text(json.dumps(document))


def run(folder: Path, statement: str) -> None:
    with sqlite3.connect(folder / "NATO.store") as base:
        changed = base.execute(statement).rowcount
    base.close()
    assert changed >= 1, "something was damaged"


def test_the_store_as_it_was_left_is_not_refused(folder: Path) -> None:
    server = Server(ready(folder, NATO), lambda line: None)
    assert server.node.tick >= 37
    assert server.node.links[RUSSIA].waiting
    assert server.node.links[RUSSIA].tip.size > 5
    server.store.close()


def test_a_store_made_before_its_lines_were_counted_is_not_refused(folder: Path) -> None:
    run(folder, "DELETE FROM about WHERE key IN ('outbox lines', 'inbox lines that wait')")
    server = Server(ready(folder, NATO), lambda line: None)
    assert server.node.links[RUSSIA].pending
    server.store.commit(server.restored.records)
    server.store.close()


def test_yesterdays_store_under_todays_clock(folder: Path) -> None:
    """Its ticks lie ahead of today's: it would wait for them, and warn nobody meanwhile."""
    edited(folder, clock={"origin": "2026-01-01T00:00:00Z", "rate": 1.0})
    said = refused(folder)
    assert "a store of another exercise: its clock origin is 20" in said
    assert "here it is 2026-01-01T00:00:00+00:00" in said
    assert "name another file" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"marking": "simulated"}, "its marking is exercise, here it is simulated"),
        ({"tick_s": 10.0}, "its tick length is 5 s, here it is 10 s"),
        ({"slots": 64}, "its theatre is theatre-2011 "),
        ({"seed": 2}, "its theatre is theatre-2011 "),
    ],
)
def test_the_store_of_another_exercise(folder: Path, change: dict[str, Any], said: str) -> None:
    path = folder / "theatre.yaml"
    if "marking" in change:
        edited(folder, **change)
    elif "seed" in change:
        path.write_text(theatre_text(theatre_file(load_scenario("theatre-2011"), 2, 0)))
    else:
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert said in refused(folder)


def test_a_theatre_file_that_is_only_laid_out_anew_is_the_same_theatre(folder: Path) -> None:
    path = folder / "theatre.yaml"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=7))
    server = Server(ready(folder, NATO), lambda line: None)
    server.store.close()
    assert server.node.tick > 0, "it goes on from where it stopped"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE snapshot SET memory = zeroblob(length(memory))", "the memory of tick 35 is not what was written"),
        ("DELETE FROM snapshot", "the memory of its last snapshot is missing"),
        ("DELETE FROM about WHERE key = 'snapshot'", "the memory of its last snapshot is missing"),
        ("UPDATE kept SET document = '{}'", "what is known of Russia is not what was written"),
        ("DELETE FROM kept", "a ledger kept with Russia, and nothing else"),
        ("DELETE FROM ticks WHERE tick = 36", "tick 36 is missing"),
        ("DELETE FROM ticks WHERE tick = (SELECT max(tick) FROM ticks)", "is missing"),
        ("UPDATE ticks SET applied = '[]', aside = '[[\"Russia\", 1, 0]]' WHERE tick = 36", "tick 36 is not what was"),
        ("UPDATE inbox SET envelope = zeroblob(length(envelope)) WHERE applied IS NULL", "of Russia is not what was"),
        ("UPDATE inbox SET envelope = zeroblob(length(envelope)) WHERE applied <= 35", "of Russia is not what was"),
        ("DELETE FROM inbox WHERE applied IS NULL", "0 inbox lines that wait where there were 2"),
        ("DELETE FROM inbox WHERE applied = 36", "envelope 14 of Russia, which tick 36 used, is missing"),
        ("UPDATE inbox SET applied = 36 WHERE applied = 35", "envelope 13 of Russia is not one that tick 36 used"),
        ("DELETE FROM outbox WHERE sequence = (SELECT max(sequence) FROM outbox)", "0 outbox lines where there were 1"),
        ("UPDATE outbox SET envelope = zeroblob(10)", "for Russia is not what the ledger says was sent"),
        ("UPDATE outbox SET sequence = sequence + 1000", "for Russia is not what the ledger says was sent"),
        ("UPDATE outbox SET closed = 'expired'", "for Russia is not what the ledger says was sent"),
        ("UPDATE outbox SET keys = 'x'", "a line of the outbox is not what was written"),
        ("INSERT INTO outbox VALUES ('Russia', 999, 0, 37, zeroblob(10), '[]', '', x'')", "envelope 999 for Russia"),
        ("UPDATE ledger SET sequence = sequence + 1 WHERE place = 3", "ledger entry 3 for Russia is not the one that"),
        ("UPDATE ledger SET kind = 99 WHERE place = 3", "ledger entry 3 for Russia is none"),
        ("DELETE FROM ledger WHERE place = 3", "no ledger entry 3 for Russia"),
        ("DELETE FROM ledger WHERE place = (SELECT max(place) FROM ledger)", "ledger entries for Russia where there"),
        ("UPDATE ledger SET written_s = 0.5 WHERE place = (SELECT max(place) FROM ledger)", "the last ledger entry"),
    ],
)  # fmt: skip
def test_a_store_that_is_not_what_was_written(folder: Path, statement: str, said: str) -> None:
    run(folder, statement)
    told = refused(folder)
    assert said in told
    assert "damaged or truncated" in told
    assert "an older copy would deny what partners were told" in told


def test_a_reload_onto_a_damaged_store_is_refused_and_the_gateway_goes_on(folder: Path) -> None:
    server = Server(ready(folder, NATO), lambda line: None)
    server.store.base.execute("UPDATE snapshot SET memory = zeroblob(length(memory))")
    before = server.node
    assert "the memory of tick 35 is not what was written" in asyncio.run(server._reload())
    assert server.node is before
    server.store.close()


def test_a_store_whose_ticks_begin_late_is_whole(tmp_path: Path) -> None:
    """A side that joined late has no ticks before: nothing is missing."""
    store = SqliteStore(tmp_path / "s", NATO, epoch=1)
    store.commit([Ticked(index=40, detections=b"", applied=()), Ticked(index=41, detections=b"", applied=())])
    assert [one.index for one in store.load().ticks] == [40, 41]
    store.close()
