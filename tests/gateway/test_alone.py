"""A side that runs alone, because its agreement has ended: it warns as ever, and nothing of the exchange is touched."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.gateway import made_gateway
from tests.gateway.made_gateway import FIRST_TICK, SIDES, Pair, world
from tests.gateway.made_live import both, laid, ready, ticked
from typer.testing import CliRunner

from detente.centre.exchange.signature import sign
from detente.cli.app import app
from detente.exercise.briefing import tick_feed
from detente.exercise.layout import lay_out
from detente.gateway.config import read_config, validated
from detente.gateway.files import located_file
from detente.gateway.keys import read_signing_key
from detente.gateway.logic.packing import pack
from detente.gateway.prepare import prepare
from detente.gateway.serve import Server
from detente.gateway.signatures import write_signatures
from detente.gateway.sqlite_store import SqliteStore
from detente.scenario.agreement import Agreement
from detente.scenario.files import load_agreement, load_scenario

NATO, RUSSIA = SIDES
ALONE = "`detente serve {} --alone`"
PATIENCE_S = 60.0
TICKS = 60  # of law 6: until after the first own warnings
SINCE_S = 600.0  # of exercise time that a process catches up with at once


def edited(folder: Path, **values: Any) -> dict[str, Any]:
    """NATO's configuration says this instead; what it said before."""
    path = folder / "NATO.yaml"
    before = json.loads(path.read_text())
    path.write_text(json.dumps(before | values))
    return before


def ended(folder: Path) -> None:
    """All have signed an agreement that is over."""
    path = folder / "agreement.yaml"
    valid = {"start": "2009-01-01T00:00:00Z", "end": "2010-01-01T00:00:00Z"}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"valid": valid}))
    agreement = validated(located_file(path), Agreement)
    keys = {name: read_signing_key(folder / f"keys/{name}/signing.key") for name in SIDES}
    write_signatures(
        folder / "agreement.signatures.json", agreement, [sign(agreement, name, key) for name, key in keys.items()]
    )


def broken(folder: Path) -> None:
    """Nothing of the exchange's half is what it should be."""
    (folder / "agreement.signatures.json").write_text("no signatures")
    (folder / "agreement.yaml").unlink()
    shutil.rmtree(folder / "keys/public")
    for name in ("signing.key", "offsets.secret", "tls.pem"):
        (folder / "keys/NATO" / name).chmod(0o600)
        (folder / "keys/NATO" / name).write_text("not what it was")
    (folder / "keys/NATO/tls.key").unlink()
    edited(folder, partners=[{"name": "nobody", "nats": "nowhere"}], quarantine="perhaps")


def alone(folder: Path, told: list[dict[str, Any]] | None = None) -> Server:
    """NATO's process as it starts alone."""
    show = (lambda line: None) if told is None else told.append
    return Server(prepare(read_config(folder / "NATO.yaml", alone=True)), show)


def run(server: Server, first: int, last: int) -> None:
    """Ticks of the server's, with what own sensors see in them."""
    for index in range(first, last):
        server.batches[index] = made_gateway.feed(0).tick(index)
        server._tick()
    assert server.kept_tick == last - 1


def killed(folder: Path) -> tuple[Pair, int]:
    """NATO's store after a kill: of Russia's envelopes some are not applied, and some of ours wait; the next tick."""
    with both(folder) as pair:
        index = ticked(
            pair, lambda pair: bool(pair.link(NATO).waiting and pair.link(NATO).pending),
            lambda pair, to: to == NATO or not pair.link(NATO).pending,
        )  # fmt: skip
        return pair, index


def held(folder: Path) -> dict[str, Any]:
    """What NATO's store holds of the exchange."""
    exercise = prepare(read_config(folder / "NATO.yaml", alone=True)).exercise
    with closing(SqliteStore(folder / "NATO.store", NATO, epoch=9, exercise=exercise)) as store:
        saved = store.load()
        done = {name for one in saved.ticks for name in one.applied}
        waiting = [one for one in saved.received if (one.partner, one.epoch, one.sequence) not in done]
        return {"waiting": waiting, "outbox": saved.outbox, "kept": saved.kept, "ledger": store.ledger(RUSSIA)}


def test_alone_it_looks_at_nothing_of_the_exchange_and_loses_nothing_of_it(tmp_path: Path) -> None:
    _, first = killed(laid(tmp_path))
    whole = tmp_path / "whole"
    shutil.copytree(tmp_path, whole)
    before = held(tmp_path)
    assert before["waiting"]
    assert before["outbox"]
    broken(tmp_path)
    told: list[dict[str, Any]] = []
    server = alone(tmp_path, told)
    assert server.node.links == {}
    picture = server.node.centre.assisted.picture
    assert not picture.status.any(), "what partners told is not shown"
    run(server, first, first + 3)
    picture = server.node.centre.assisted.picture
    assert set(picture.giver[picture.status > 0].tolist()) == {0}, "own tracks alone"
    run(server, first + 3, first + 15)  # past a snapshot
    server.store.close()
    assert held(tmp_path) == before
    (whole / "NATO.store").unlink()
    shutil.copy(tmp_path / "NATO.store", whole / "NATO.store")
    again = Server(ready(whole, NATO), lambda line: None)
    link = again.node.links[RUSSIA]
    assert set(link.pending) == {one.sequence for one in before["outbox"]}
    assert len(link.waiting) == len(before["waiting"])
    run(again, first + 15, first + 16)
    applied = json.loads(before["kept"][0].document)["counts"].get("applied", 0)
    assert again.node.links[RUSSIA].counts["applied"] > applied
    assert again.node.links[RUSSIA].waiting == ()
    again.store.close()


@cache
def all_seen(side: int) -> Any:
    """What one side hears of all objects."""
    played = world()
    return tick_feed(played, np.flatnonzero(played.theatre.suite.side[played.detections.sensor] == side))


def test_law_6_the_own_stream_is_the_same_to_the_last_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made_gateway, "feed", all_seen)
    pair, middle = killed(laid(tmp_path))
    told: list[dict[str, Any]] = []
    server = alone(tmp_path, told)
    run(server, middle, middle + TICKS)
    server.store.close()
    nowhere: Any = SimpleNamespace(commit=lambda records: None)
    pair.stores = dict.fromkeys(SIDES, nowhere)
    for index in range(middle, middle + TICKS):  # the same ticks, exchanging all the while
        pair.pass_time(5.0)
        pair.tick(index)
        pair.carry()
    assert pair.link(NATO).counts["applied"] > 0
    assert pack(server.node.centre.own) == pack(pair.nodes[NATO].centre.own)
    own = [line for line in told if line["event"] == "warning"]
    assert len(own) == sum(len(one) for one in pair.own[NATO][middle - FIRST_TICK :]) > 0


def test_a_side_that_began_alone_has_room_for_a_partner_later(tmp_path: Path) -> None:
    """What it packed while it had none had no room for anybody's tracks."""
    server = alone(laid(tmp_path))
    run(server, 0, 13)
    server.store.close()
    again = Server(ready(tmp_path, NATO), lambda line: None)
    assert again.node.tick == 12
    assert again.node.centre.assisted.exchanging
    assert again.node.centre.assisted.partner.status.size > 0
    assert pack(again.node.centre.own) == pack(server.node.centre.own)
    run(again, 13, 14)
    again.store.close()


def test_a_reload_leaves_it_alone(tmp_path: Path) -> None:
    _, first = killed(laid(tmp_path))
    told: list[dict[str, Any]] = []
    server = alone(tmp_path, told)
    run(server, first, first + 2)
    assert asyncio.run(server._reload()) == ""
    assert server.node.links == {}
    assert not (server.node.centre.assisted.partner.status > 0).any()
    run(server, first + 2, first + 3)
    assert "runs alone" in asyncio.run(server._order("pause", RUSSIA))
    assert all(line["alone"] is True for line in told)
    assert [line["text"] for line in told if line.get("kind") == "agreement"] == [
        "this side runs alone, as --alone asks: no line is opened, nothing is exchanged, whatever was agreed"
    ]
    server.store.close()


def refused(folder: Path) -> str:
    """What a start with partners says, which is refused."""
    result = CliRunner().invoke(app, ["serve", str(folder / "NATO.yaml")])
    assert result.exit_code == 2
    return result.stderr


def test_whatever_keeps_it_from_its_partners_says_so_and_nothing_else_does(tmp_path: Path) -> None:
    way_out = ALONE.format(laid(tmp_path) / "NATO.yaml")
    whole = edited(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as held:  # a port that is held is found when lines are opened
        edited(tmp_path, partners=[whole["partners"][0] | {"listen": f"127.0.0.1:{held.getsockname()[1]}"}])
        assert refused(tmp_path).count(way_out) == 1
        edited(tmp_path, **whole | {"health": f"127.0.0.1:{held.getsockname()[1]}"})
        assert way_out not in refused(tmp_path), "alone it could not start either"
    edited(tmp_path, **whole | {"partners": [{"name": "Russia", "signing": [], "nats": "nowhere"}]})
    said = refused(tmp_path)
    assert said.count("error: ") > 1
    assert said.count(way_out) == 1
    edited(tmp_path, **whole)
    (tmp_path / "keys/NATO/tls.pem").write_text("no certificate")
    assert way_out in refused(tmp_path)
    (tmp_path / "theatre.yaml").unlink()
    assert way_out not in refused(tmp_path)


@contextmanager
def served(folder: Path, *options: str) -> Iterator[subprocess.Popen]:
    """A real process of NATO's; what it says goes to ``said`` in the folder."""
    command = [sys.executable, "-m", "detente", "serve", str(folder / "NATO.yaml"), *options]
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def asked(address: str, what: str) -> dict[str, Any]:
    host, port = address.split(":")
    with closing(HTTPConnection(host, int(port), timeout=5)) as line:
        line.request("GET", what)
        return json.loads(line.getresponse().read())


def until_tick(address: str, tick: int) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            if asked(address, "/health")["tick"] >= tick:
                return
        except (OSError, ValueError):
            pass
        time.sleep(0.1)
    pytest.fail("waited in vain")


def test_a_real_process_whose_agreement_has_ended_warns_alone(tmp_path: Path) -> None:
    made = lay_out(
        tmp_path, load_scenario("theatre-2011"), load_agreement("lisbon-2011"), rate=1.0,
        origin=datetime.now(UTC) - timedelta(seconds=SINCE_S),
    )  # fmt: skip
    played = world()
    rows = np.flatnonzero(played.theatre.suite.side[played.detections.sensor] == 0)
    pq.write_table(played.detections.take(rows).to_arrow(), tmp_path / "seen.parquet")
    edited(tmp_path, feed={"file": "seen.parquet"})
    ended(tmp_path)
    with served(tmp_path) as process:
        assert process.wait(PATIENCE_S) == 2
    refusal = (tmp_path / "said").read_text()
    assert "which ended" in refusal
    assert ALONE.format(tmp_path / "NATO.yaml") in refusal
    assert not (tmp_path / "NATO.store").exists()
    meeting = json.loads((tmp_path / "NATO.yaml").read_text())["partners"][0]["listen"]
    broken(tmp_path)
    with served(tmp_path, "--alone") as process:
        until_tick(made.health[NATO], int(SINCE_S / 5.0) - 2)
        for what in ("/health", "/picture"):
            assert asked(made.health[NATO], what)["alone"] is True
        assert asked(made.health[NATO], "/health")["agreement"] == {"standing": "alone"}
        assert asked(made.health[NATO], "/picture")["lines"], "what own sensors see"
        host, port = meeting.split(":")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)), timeout=5).close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    lines = [json.loads(line) for line in (tmp_path / "said").read_text().splitlines()]
    assert all(line["alone"] is True for line in lines)
    assert lines[-1]["event"] == "stopped"
    warnings = [line for line in lines if line["event"] == "warning"]
    assert {line["stream"] for line in warnings} == {"own"}
    assert NATO in {line["threatened"] for line in warnings}
    assert os.path.getsize(tmp_path / "NATO.store") > 0
