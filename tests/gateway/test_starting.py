"""What a side says when it starts, and what a start that is refused leaves behind."""

import asyncio
import errno
import gc
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.made_gateway import SIDES, feed
from tests.gateway.made_live import both, laid, ready, ticked
from tests.made_disks import little_room
from typer.testing import CliRunner

from detente.centre.exchange.signature import sign
from detente.cli.app import app
from detente.gateway.config import validated
from detente.gateway.files import located_file
from detente.gateway.keys import read_signing_key
from detente.gateway.logic.node import LineUp, Timer
from detente.gateway.logic.records import StoreError
from detente.gateway.serve import Server
from detente.gateway.signatures import write_signatures
from detente.gateway.sqlite_store import SqliteStore
from detente.records.errors import InputError
from detente.scenario.agreement import Agreement

NATO, RUSSIA = SIDES


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield laid(tmp_path)
    gc.unfreeze()  # a process that starts freezes what there is


def edited(folder: Path, **values: Any) -> None:
    document = json.loads((folder / "NATO.yaml").read_text()) | values
    (folder / "NATO.yaml").write_text(json.dumps(document))


def valid(folder: Path, start: str, end: str) -> None:
    """All sign an agreement for this time."""
    path = folder / "agreement.yaml"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"valid": {"start": start, "end": end}}))
    agreement = validated(located_file(path), Agreement)
    keys = {name: read_signing_key(folder / f"keys/{name}/signing.key") for name in SIDES}
    write_signatures(
        folder / "agreement.signatures.json", agreement, [sign(agreement, name, key) for name, key in keys.items()]
    )


def started(folder: Path) -> tuple[Server, list[dict[str, Any]]]:
    """A side that starts, and stops at once; what it logged."""
    edited(folder, until_s=1e-9)
    told: list[dict[str, Any]] = []
    server = Server(ready(folder, NATO), told.append)
    asyncio.run(server.run())
    return server, told


def test_an_agreement_not_yet_in_force_is_told_and_nothing_is_exchanged(folder: Path) -> None:
    valid(folder, "2040-01-01T00:00:00Z", "2041-01-01T00:00:00Z")
    server, told = started(folder)
    said = [one["text"] for one in told if one.get("kind") == "agreement"]
    assert said == [
        "agreement 'lisbon-2011' is in force from 2040-01-01T00:00:00Z of exercise time: nothing is exchanged before"
    ]
    assert server._state()[2]["agreement"]["standing"] == "not-yet"
    with both(folder) as pair:
        pair.talk(22, 20)
        assert [pair.link(name).next_sequence for name in SIDES] == [0, 0]


def test_an_agreement_that_begins_or_ends_meanwhile_is_told_once(folder: Path) -> None:
    told: list[dict[str, Any]] = []
    server = Server(ready(folder, NATO), told.append)
    agreement = server.gateway.setting.agreement
    assert agreement is not None
    epoch = server.gateway.setting.epoch
    for moment in (agreement.valid.start, agreement.valid.end):
        for before_s in (1.0, 0.5, 0.0, -0.5):
            server.clock.began_s = (moment - epoch).total_seconds() - before_s
            server.clock.rate = 0.0
            server._tell_standing()
    server.store.close()
    words = [one["text"].split(": ")[-1] for one in told]
    assert [word.startswith("nothing is exchanged") for word in words] == [True, False, True]


def test_a_store_ahead_of_the_clock_is_told(folder: Path) -> None:
    """No tick is run, and nobody warned, until the clock has caught up: a clock that was set back."""
    with both(folder) as pair:
        ticked(pair, lambda pair: pair.nodes[NATO].tick >= 30)
    _, told = started(folder)
    said = [one["text"] for one in told if one.get("kind") == "clock"]
    assert len(said) == 1
    assert "s ahead of the clock: no tick, and no warning, until then" in said[0]


def test_a_start_leaves_a_store_and_one_that_is_refused_none(folder: Path) -> None:
    store = folder / "NATO.store"
    partners = json.loads((folder / "NATO.yaml").read_text())["partners"]
    with socket.create_server(("127.0.0.1", 0)) as held:
        nowhere = f"127.0.0.1:{held.getsockname()[1]}"
    nats = {name: value for name, value in partners[0].items() if name not in ("listen", "connect")}
    edited(folder, partners=[nats | {"nats": {"inbox": nowhere, "monitor": nowhere, "outbox": nowhere}}])
    with pytest.raises(InputError, match="no nats-server's monitoring"):
        started(folder)
    assert list(folder.glob("NATO.store*")) == []
    edited(folder, partners=partners)
    _, told = started(folder)
    assert [one["event"] for one in told if one["event"] != "notice"] == ["started", "stopped"]
    assert store.exists()
    SqliteStore(store, NATO, epoch=9, exercise=ready(folder, NATO).exercise).close()


def test_a_partner_that_returns_is_greeted_anew(folder: Path) -> None:
    """The line stood all the while; after the reload both greet over it."""
    server = Server(ready(folder, NATO), lambda line: None)
    heard: list[tuple[int, bytes]] = []
    line: Any = type("Line", (), {"writer": object(), "send": lambda self, lane, data: heard.append((lane, data))})()
    server.lines[RUSSIA] = line
    server._run([LineUp(partner=RUSSIA)])
    assert len(heard) == 1
    whole = json.loads((folder / "NATO.yaml").read_text())
    without = {name: value for name, value in whole.items() if name not in ("agreement", "signatures")}
    (folder / "NATO.yaml").write_text(json.dumps(without))
    assert asyncio.run(server._reload()) == ""
    index = server.node.tick + 1
    server.batches[index] = feed(0).tick(index)
    server._tick()
    assert len(heard) == 1, "nothing is said to whom nothing was agreed with"
    (folder / "NATO.yaml").write_text(json.dumps(whole))
    assert asyncio.run(server._reload()) == ""
    assert len(heard) == 2
    assert server.node.links[RUSSIA].up
    server.store.close()


def test_p7_a_start_on_a_full_disk_warns_and_exchanges_once_there_is_room(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the restart itself changed is owed: nothing is said before it is kept, and it is, as soon as can be."""
    with both(folder) as pair:
        index = ticked(pair, lambda pair: bool(pair.link(NATO).waiting))
    begin, disk = SqliteStore.begin, {"full": True}

    def full(store: SqliteStore, records: Any) -> None:
        if disk["full"]:
            raise StoreError("database or disk is full")
        begin(store, records)

    monkeypatch.setattr(SqliteStore, "begin", full)
    server, told = started(folder)
    assert [one["event"] for one in told if one["event"] != "notice"] == ["store", "started", "stopped"]
    assert "own warnings go on: database or disk is full" in told[0]["text"]
    assert server.counts["store_failures_total"] == 1

    server = Server(ready(folder, NATO), told.append)
    said: list[int] = []
    line: Any = type("Line", (), {"writer": None, "send": lambda self, lane, data: said.append(lane)})()
    server.lines[RUSSIA] = line
    boots = server.node.links[RUSSIA].boots
    server.keeping.owe(server.restored.records)
    server._run([LineUp(partner=RUSSIA)])
    server.batches[index] = feed(0).tick(index)
    server._tick()
    assert server.node.tick == index, "own sensors are listened to"
    assert said == []
    assert "make room" in asyncio.run(server._reload())
    assert server.node.tick == index, "and nothing that they heard is forgotten"
    disk["full"] = False
    server._run([Timer()])
    assert said, "the partner is greeted"
    assert json.loads(server.store.load().kept[0].document)["boots"] == boots, "and knows this start from the last"
    server.store.close()


@pytest.mark.parametrize("room", [0, 5_000, 33_000])
def test_a_first_start_without_room_for_a_store_leaves_none_in_the_way_of_the_next(folder: Path, room: int) -> None:
    """An empty file, or a store that was begun, would be taken for one that was damaged."""
    with little_room(room):
        result = CliRunner().invoke(app, ["serve", str(folder / "NATO.yaml")])
    assert (result.exit_code, "the room on the disk" in result.stderr) == (2, True)
    assert list(folder.glob("NATO.store*")) == []
    _, told = started(folder)
    assert told[-1]["event"] == "stopped"


@pytest.mark.parametrize("broken", [OSError(errno.ENOSPC, "No space left on device"), BrokenPipeError()])
def test_p7_a_log_that_cannot_be_written_stops_nothing_and_is_counted(folder: Path, broken: OSError) -> None:
    """Stdout goes to a file on the same full disk, or to a pipe that nobody reads any more."""
    edited(folder, until_s=1e-9)

    def show(line: dict[str, Any]) -> None:
        raise broken

    server = Server(ready(folder, NATO), show)
    asyncio.run(server.run())
    assert server.counts["unshown_total"] >= 3
