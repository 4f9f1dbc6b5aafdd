"""A key is revoked in an emergency: agreement and signatures are taken away, and own warnings go on.

What the store holds of the partner waits in it: never applied, never sent, until all have signed anew.
"""

import asyncio
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from tests.gateway.made_gateway import SIDES, feed
from tests.gateway.made_live import both, laid, ready, ticked
from typer.testing import CliRunner

from detente.cli.app import app
from detente.gateway.logic.limits import Lane
from detente.gateway.logic.node import Frame, restore
from detente.gateway.serve import Server
from detente.gateway.sqlite_store import SqliteStore

NATO, RUSSIA = SIDES


def edited(folder: Path, **values: Any) -> None:
    """NATO's configuration says this instead; None takes a key out."""
    document = json.loads((folder / "NATO.yaml").read_text()) | values
    (folder / "NATO.yaml").write_text(
        json.dumps({name: value for name, value in document.items() if value is not None})
    )


def partner(folder: Path, key: str) -> dict[str, Any]:
    """What NATO is told of Russia, with this as its key."""
    return json.loads((folder / "NATO.whole.json").read_text())["partners"][0] | {"signing": [key]}


def no_agreement(folder: Path) -> None:
    edited(folder, agreement=None, signatures=None)


def nobody(folder: Path) -> None:
    edited(folder, agreement=None, signatures=None, partners=None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """NATO's store after a kill: of Russia's envelopes some were applied since the last snapshot and some by no tick;
    and some of ours wait for it."""
    laid(tmp_path)
    (tmp_path / "NATO.whole.json").write_bytes((tmp_path / "NATO.yaml").read_bytes())
    with both(tmp_path) as pair:
        ticked(
            pair, lambda pair: bool(
                pair.link(NATO).waiting and pair.link(NATO).pending
                and any(one.applied for one in pair.stores[NATO].load().ticks)
            ),
            lambda pair, to: to == NATO or not pair.link(NATO).pending,  # at the end Russia hears nothing
        )  # fmt: skip
    return tmp_path


def held(folder: Path) -> dict[str, Any]:
    """What NATO's store holds of the exchange."""
    found = ready(folder, NATO)
    with closing(SqliteStore(folder / "NATO.store", NATO, epoch=9, exercise=found.exercise)) as store:
        saved = store.load()
        done = {name for one in saved.ticks for name in one.applied}
        waiting = [one for one in saved.received if (one.partner, one.epoch, one.sequence) not in done]
        return {"received": saved.received, "waiting": waiting, "outbox": saved.outbox, "kept": saved.kept,
                "ledger": store.ledger(RUSSIA)}  # fmt: skip


@pytest.mark.parametrize("revoke", [no_agreement, nobody])
def test_a_restart_without_the_agreement_applies_nothing_and_loses_nothing(folder: Path, revoke: Any) -> None:
    before = held(folder)
    assert len(before["received"]) > len(before["waiting"]) > 0
    assert before["outbox"]
    revoke(folder)
    server = Server(ready(folder, NATO), lambda line: None)
    assert server.node.links == {}
    assert server.restored.records == []
    index = server.node.tick + 1
    server.batches[index] = feed(0).tick(index)
    server._tick()
    assert server.node.tick == server.kept_tick == index, "own sensors' half goes on, and is kept"
    server.store.close()
    assert held(folder) == before


def test_when_all_have_signed_anew_what_the_lost_key_signed_is_still_not_applied(folder: Path) -> None:
    no_agreement(folder)
    server = Server(ready(folder, NATO), lambda line: None)
    server.store.close()
    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    (folder / "new.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "new.pub").write_bytes(public)
    signed = ["agreement", "sign", str(folder / "agreement.yaml"), "--party", RUSSIA, "--private-key"]
    assert CliRunner().invoke(app, [*signed, str(folder / "new.key")]).exit_code == 0
    names = {"agreement": "agreement.yaml", "signatures": "agreement.signatures.json"}
    edited(folder, **names, partners=[partner(folder, "new.pub")])
    found = ready(folder, NATO)
    with closing(SqliteStore(folder / "NATO.store", NATO, epoch=9, exercise=found.exercise)) as store:
        node, _ = restore(found.gateway, store.load(), found.clock.now)
    link = node.links[RUSSIA]
    assert link.waiting
    assert all(len(one.messages) == 0 for one in link.waiting), "who has the lost key may have made them"
    assert link.pending
    assert not link.closings, "what we accepted under the same agreement still goes"


def test_the_key_is_revoked_while_it_is_used(folder: Path) -> None:
    """The exchange with it ends at once: not one frame is read after it."""
    told: list[dict[str, Any]] = []
    server = Server(ready(folder, NATO), told.append)
    assert server.node.links[RUSSIA].waiting
    no_agreement(folder)
    assert asyncio.run(server._reload()) == ""
    assert server.node.links == {}
    assert told[-1]["kind"] == "agreement"
    assert "nothing is exchanged" in told[-1]["text"]
    health = server._state()[2]
    assert health["partners"] == {}
    assert health["agreement"] == {"standing": "none"}

    async def spoken_to() -> None:
        server._on_line(RUSSIA)(True)
        await server._on_frame(RUSSIA)(int(Lane.TRACK), b"anything")

    asyncio.run(spoken_to())
    assert server.events.empty()
    assert server._state()[1]["frames_without_agreement_total"] == 1
    server._run([Frame(partner=RUSSIA, lane=Lane.TRACK, data=b"read before the reload, taken after it")])
    assert server.node.links == {}
    assert "no partner" in asyncio.run(server._order("pause", RUSSIA))
    edited(folder, agreement="agreement.yaml", signatures="agreement.signatures.json")
    assert asyncio.run(server._reload()) == ""
    link = server.node.links[RUSSIA]
    assert link.waiting, "nothing is lost where the partner was trusted all the while"
    assert link.pending
    assert all(len(one.messages) for one in link.waiting)
    server.store.close()


def test_a_reload_changes_no_exercise(folder: Path) -> None:
    server = Server(ready(folder, NATO), lambda line: None)
    other_clock = {"clock": {"origin": "2026-11-01T00:00:00Z", "rate": 1.0}}
    marking = {"marking": "simulated"}
    for wrong, said in ((marking, "its marking is exercise, here it is simulated"), (other_clock, "clock origin is")):
        whole = (folder / "NATO.yaml").read_text()
        edited(folder, **wrong)
        assert said in asyncio.run(server._reload())
        (folder / "NATO.yaml").write_text(whole)
    assert asyncio.run(server._reload()) == ""
    server.store.close()
