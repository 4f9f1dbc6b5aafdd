"""Two sides' processes, each with a real NATS server of its own: they exchange, and go on over changed certificates."""

import asyncio
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.errors import Error
from tests.gateway.made_brokers import SIDES

from detente.exercise.brokers import Brokers
from detente.exercise.layout import Laid, lay_out
from detente.gateway.transport import contexts
from detente.scenario.files import load_agreement, load_scenario

NEWS_S = 60.0
TLS_FILES = (("tls_certificate", "pem"), ("tls_key", "key"))


class Pair:
    """Both sides' processes and both servers, begun."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.stack, self.log = folder, stack, folder / "serve.log"
        scenario, agreement = load_scenario("theatre-2011"), load_agreement("lisbon-2011")
        self.laid: Laid = lay_out(folder, scenario, agreement, origin=datetime.now(UTC), rate=1.0)
        self.brokers = Brokers(folder, SIDES)
        self.servers: dict[str, subprocess.Popen] = {}
        for side, other in (SIDES, SIDES[::-1]):
            self.rewrite(side, lambda document, side=side, other=other: self._through_servers(document, side, other))
        for side in SIDES:
            self.serve_broker(side)
        for side in SIDES:
            self.detente("serve", str(self.laid.configs[side]))

    def _through_servers(self, document: dict[str, Any], side: str, other: str) -> None:
        partner = document["partners"][0]
        partner.pop("listen", None)
        partner.pop("connect", None)
        partner["nats"] = {
            "inbox": f"localhost:{self.brokers.ports[side]}", "monitor": f"127.0.0.1:{self.brokers.monitors[side]}",
            "outbox": f"localhost:{self.brokers.ports[other]}",
        }  # fmt: skip
        partner["authority"] = "all.pem"

    def rewrite(self, side: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change a side's configuration."""
        path = self.laid.configs[side]
        document = json.loads(path.read_text())
        change(document)
        path.write_text(json.dumps(document))

    def serve_broker(self, side: str) -> None:
        """Start a side's server."""
        self.servers[side] = self.stack.enter_context(self.brokers.server(side))

    def reload_broker(self, side: str, until: Callable[[], bool]) -> None:
        """As ``nats-server --signal reload`` does; returns once it is seen."""
        os.kill(self.servers[side].pid, signal.SIGHUP)
        end = time.monotonic() + NEWS_S
        while not until():
            assert time.monotonic() < end, (self.folder / f"{side}.log").read_text()
            time.sleep(0.2)

    def detente(self, *words: str) -> subprocess.Popen:
        """A command, running."""
        with self.log.open("ab") as log:
            process = subprocess.Popen([sys.executable, "-m", "detente", *words], stdout=log, stderr=log)
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process

    def partner(self, side: str) -> dict[str, Any]:
        """What a side's process says of its partner; nothing where it does not answer."""
        host, port = self.laid.health[side].split(":")
        try:
            with closing(HTTPConnection(host, int(port), timeout=5)) as line:
                line.request("GET", "/health")
                return next(iter(json.loads(line.getresponse().read())["partners"].values()))
        except OSError:
            return {}

    def until(self, what: Callable[[dict[str, Any]], bool], *sides: str) -> None:
        """Until these sides say so of their partners, both where none is named."""
        end = time.monotonic() + NEWS_S
        while not all(what(self.partner(side)) for side in sides or SIDES):
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.2)


def exchanging(partner: dict[str, Any]) -> bool:
    return partner.get("session") == "exchanging" and partner["line"]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with ExitStack() as stack:
        yield Pair(tmp_path, stack)


def shown_by_server(pair: Pair, side: str) -> bytes | None:
    """The certificate that a side's server shows: NATS begins with a line in the clear."""
    keys = pair.folder / "keys" / side
    context = contexts(keys / "tls.pem", keys / "tls.key", pair.folder / "all.pem")[1]
    with socket.create_connection(("localhost", pair.brokers.ports[side]), timeout=5) as bare:
        assert bare.recv(1 << 16).startswith(b"INFO ")
        with context.wrap_socket(bare) as line:
            return line.getpeercert(binary_form=True)


def is_let_in(pair: Pair, server: str, keys: Path) -> bool:
    """A side's server takes whoever shows this certificate."""
    context = contexts(keys / "tls.pem", keys / "tls.key", pair.folder / "all.pem")[1]

    async def call() -> bool:
        address = f"tls://localhost:{pair.brokers.ports[server]}"
        try:
            client = await nats.connect(address, tls=context, tls_hostname="localhost", allow_reconnect=False)
        except (Error, OSError):
            return False
        await client.close()
        return True

    return asyncio.run(call())


def test_two_sides_exchange_through_their_servers(pair: Pair) -> None:
    pair.until(exchanging)


def test_a_certificate_is_changed_under_running_sides_and_servers(pair: Pair) -> None:
    """The steps of docs/security.md, in its order; then both servers are killed, so that every handshake is new."""
    pair.until(exchanging)
    folder, believed, new = pair.folder, pair.folder / "NATO-believes.pem", pair.folder / "new"
    words = ["keys", str(new), "--sides", "Russia", "--issued-by", str(folder / "keys/Russia")]
    assert pair.detente(*words).wait() == 0, pair.log.read_text()
    given = (new / "public/Russia/tls.pem").read_text()

    believed.write_text(believed.read_text() + given)
    assert not is_let_in(pair, "NATO", new / "Russia")
    pair.reload_broker("NATO", until=lambda: is_let_in(pair, "NATO", new / "Russia"))

    def switch(document: dict[str, Any]) -> None:
        document["keys"] |= {name: str(new / "Russia" / f"tls.{end}") for name, end in TLS_FILES}

    pair.rewrite("Russia", switch)
    assert pair.detente("order", str(pair.laid.configs["Russia"]), "reload").wait() == 0, pair.log.read_text()
    config = folder / "Russia.conf"
    config.write_text(config.read_text().replace(str(folder / "keys/Russia/tls."), str(new / "Russia/tls.")))
    shown = ssl.PEM_cert_to_DER_cert(given)
    pair.reload_broker("Russia", until=lambda: shown_by_server(pair, "Russia") == shown)

    believed.write_text(believed.read_text().replace((folder / "keys/public/Russia/tls.pem").read_text(), ""))
    pair.reload_broker("NATO", until=lambda: not is_let_in(pair, "NATO", folder / "keys/Russia"))

    pair.until(exchanging)
    for side in SIDES:
        pair.servers[side].kill()
        pair.servers[side].wait()
    pair.until(lambda partner: bool(partner) and not partner["line"])
    for side in SIDES:
        pair.serve_broker(side)
    pair.until(exchanging)
