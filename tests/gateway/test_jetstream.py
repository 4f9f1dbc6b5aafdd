"""The line through two real NATS servers: publish-only inboxes, servers that are refused, a broker that is killed."""

import asyncio
import json
import ssl
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import nats
import pytest
from nats.errors import Error
from tests.gateway.made_gateway import FIRST_TICK, feed, gateway, other

from detente.exercise.brokers import Brokers
from detente.exercise.drill.station import FailingStore
from detente.exercise.layout import lay_out
from detente.gateway.jetstream import JetStreamLine
from detente.gateway.jetstream_server import check_server
from detente.gateway.keys import make_keys
from detente.gateway.logic.limits import Limits
from detente.gateway.logic.link import Now
from detente.gateway.logic.node import Event, Frame, LineDown, LineUp, Tick, Timer, start, step, watch
from detente.gateway.transport import contexts
from detente.records.errors import InputError
from detente.scenario.files import load_agreement, load_scenario

SIDES = ("NATO", "Russia")
QUICK_TO_RETRY = Limits(retry_s=0.3, heartbeat_s=0.5)


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Brokers:
    return Brokers(tmp_path_factory.mktemp("brokers"), SIDES)


class End:
    """One side of a line."""

    def __init__(self, brokers: Brokers, side: str) -> None:
        self.frames: list[tuple[int, bytes]] = []
        self.ups: list[bool] = []
        self.line = JetStreamLine(side, other(side), self.take, self.turn)
        self.task = asyncio.create_task(self.line.run(*brokers.addresses(side), brokers.context(side)))

    async def take(self, lane: int, data: bytes) -> None:
        self.frames.append((lane, data))

    async def turn(self, up: bool) -> None:
        self.ups.append(up)

    async def until(self, what) -> None:
        async with asyncio.timeout(30.0):
            while not what():
                await asyncio.sleep(0.02)

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def test_frames_cross_and_a_killed_broker_is_only_a_broken_line(brokers: Brokers) -> None:
    async def story() -> None:
        with ExitStack() as stack:
            servers = {side: stack.enter_context(brokers.server(side)) for side in SIDES}
            ends = {side: End(brokers, side) for side in SIDES}
            nato, russia = (ends[side] for side in SIDES)
            await nato.until(lambda: nato.line.up and russia.line.up)
            for number in range(50):
                nato.line.send(number % 4, bytes([number]) * 900)
            russia.line.send(1, b"\x07" * 2_000_000)
            await nato.until(lambda: len(russia.frames) == 50 and len(nato.frames) == 1)
            for lane in range(4):
                came = [frame for frame in russia.frames if frame[0] == lane]
                assert came == [(lane, bytes([number]) * 900) for number in range(lane, 50, 4)], "in order, in its lane"
            assert nato.frames == [(1, b"\x07" * 2_000_000)]
            servers["Russia"].kill()
            await nato.until(lambda: nato.ups[-1:] == [False] and russia.ups[-1:] == [False])
            nato.line.send(0, b"lost, and the outbox knows")
            with brokers.server("Russia"):
                await nato.until(lambda: nato.line.up and russia.line.up)
                nato.line.send(0, b"after")
                await nato.until(lambda: russia.frames[-1] == (0, b"after"))
                for end in ends.values():
                    await end.end()
        assert nato.ups[:3] == [True, False, True]

    asyncio.run(story())


class Gate:
    """One side's gateway, with its store, on its line: as ``detente serve`` runs it, but in the test's hands."""

    def __init__(self, brokers: Brokers, side: str) -> None:
        self.side, self.other = side, other(side)
        self.gateway, self.store = gateway(side, QUICK_TO_RETRY), FailingStore(1, {})
        self.node = start(self.gateway, 1)
        self.line = JetStreamLine(side, self.other, self.take, self.turn)
        self.tasks = [
            asyncio.create_task(self.line.run(*brokers.addresses(side), brokers.context(side))),
            asyncio.create_task(self.keep_time()),
        ]

    async def take(self, lane: int, data: bytes) -> None:
        self.do(Frame(partner=self.other, lane=lane, data=data))

    async def turn(self, up: bool) -> None:
        self.do(LineUp(partner=self.other) if up else LineDown(partner=self.other))

    async def keep_time(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            self.do(Timer())

    def do(self, event: Event) -> None:
        now = time.monotonic()
        node, out = step(self.gateway, self.node, event, Now(steady_s=now, wall_s=now))
        self.store.commit(out.records)
        self.node = node
        for _, lane, data in out.frames:
            self.line.send(int(lane), data)

    def tick(self, index: int) -> None:
        detections = feed(SIDES.index(self.side)).tick(index)
        own, _ = watch(self.gateway, self.node, index, detections)
        self.do(Tick(index=index, detections=detections, own=own))

    @property
    def link(self):
        return self.node.links[self.other]


def test_a_killed_broker_loses_nothing_and_applies_nothing_twice(brokers: Brokers) -> None:
    async def until(what) -> None:
        async with asyncio.timeout(60.0):
            while not what():
                await asyncio.sleep(0.02)

    async def story() -> list[Gate]:
        with ExitStack() as stack:
            servers = {side: stack.enter_context(brokers.server(side)) for side in SIDES}
            gates = [Gate(brokers, side) for side in SIDES]
            await until(lambda: all(gate.link.session.open for gate in gates))
            for index in range(FIRST_TICK, FIRST_TICK + 18):
                for gate in gates:
                    gate.tick(index)
                await asyncio.sleep(0.05)
                if index == FIRST_TICK + 8:
                    servers["Russia"].kill()
                    servers["Russia"].wait()
                if index == FIRST_TICK + 12:
                    assert all(gate.link.pending for gate in gates), "what is said now waits"
                    stack.enter_context(brokers.server("Russia"))
            await until(lambda: all(gate.link.session.open and not gate.link.pending for gate in gates))
            for gate in gates:
                for task in gate.tasks:
                    task.cancel()
                await asyncio.gather(*gate.tasks, return_exceptions=True)
            return gates

    gates = asyncio.run(story())
    for giver, taker in (gates, gates[::-1]):
        said = [sequence for to, sequence in giver.store.accepted if to == taker.side]
        closed = giver.link.counts.get("closed_superseded", 0) + giver.link.counts.get("closed_expired", 0)
        assert taker.store.broken == [], "nothing is received, or applied, twice"
        assert len(said) > 10
        assert len(taker.store.received) == len(said) - closed
        assert taker.link.below == len(said), "every sequence was received, or closed in both ledgers"


def test_a_partner_may_publish_into_its_inbox_and_do_nothing_else(brokers: Brokers) -> None:
    async def story() -> None:
        refused: list[str] = []

        async def note(error: Exception) -> None:
            refused.append(str(error).lower())

        with brokers.server("NATO"):
            end = End(brokers, "NATO")
            partner = await nats.connect(
                f"tls://localhost:{brokers.ports['NATO']}", tls=brokers.context("Russia"), error_cb=note,
                tls_hostname="localhost", allow_reconnect=False,
            )  # fmt: skip
            await partner.publish("in.NATO.0", b"into the wrong inbox")
            await partner.publish("$JS.API.STREAM.DELETE.INBOX_Russia_1", b"")
            await partner.subscribe("in.>")
            await partner.flush()
            await end.until(lambda: len(refused) >= 3)
            with pytest.raises((Error, TimeoutError)):
                await partner.request("$JS.API.INFO", b"", timeout=0.5)
            await partner.close()
            await end.end()
        assert sum("permissions violation for publish" in one for one in refused) >= 2
        assert any("permissions violation for subscription" in one for one in refused)

    asyncio.run(story())


def test_a_stranger_is_not_let_in(brokers: Brokers, tmp_path: Path) -> None:
    make_keys(tmp_path, ["Mallory"], datetime.now(UTC))
    context = contexts(tmp_path / "Mallory/tls.pem", tmp_path / "Mallory/tls.key", brokers.folder / "all.pem")[1]

    async def story() -> None:
        with brokers.server("NATO"), pytest.raises((Error, OSError, ssl.SSLError)):
            await nats.connect(
                f"tls://localhost:{brokers.ports['NATO']}", tls=context, tls_hostname="localhost",
                allow_reconnect=False, error_cb=lambda error: asyncio.sleep(0),
            )  # fmt: skip

    asyncio.run(story())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  sync_interval: always\n", "", "acknowledges before it syncs"),
        ("max_payload: ", "max_payload: 1048576 #", "max_payload 1048576"),
    ],
)
def test_a_server_that_cannot_be_trusted_is_refused(brokers: Brokers, old: str, new: str, said: str) -> None:
    text = (brokers.folder / "NATO.conf").read_text()
    assert old in text
    other = brokers.folder / "NATO-other.conf"
    other.write_text(text.replace(old, new))
    monitor, inbox = f"127.0.0.1:{brokers.monitors['NATO']}", f"127.0.0.1:{brokers.ports['NATO']}"
    with brokers.server("NATO", other), pytest.raises(InputError, match=said):
        check_server(monitor, inbox)
    with pytest.raises(InputError, match="no nats-server's monitoring"):
        check_server(monitor, inbox)


def test_an_old_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"/varz": {"version": "2.9.10", "max_payload": 1 << 24}, "/jsz": {"config": {"sync_always": True}}}
    monkeypatch.setattr("detente.gateway.jetstream_server._asked", lambda monitor, path: answers[path])
    with pytest.raises(InputError, match=r"nats-server 2\.9\.10"):
        check_server("127.0.0.1:1", "127.0.0.1:1")


def test_two_sides_exchange_through_their_servers(tmp_path: Path) -> None:
    laid = lay_out(
        tmp_path, load_scenario("theatre-2011"), load_agreement("lisbon-2011"), origin=datetime.now(UTC), rate=1.0
    )
    brokers = Brokers(tmp_path, SIDES)
    for side, partner_name in (SIDES, SIDES[::-1]):
        document = json.loads(laid.configs[side].read_text())
        partner = document["partners"][0]
        partner.pop("listen", None)
        partner.pop("connect", None)
        partner["nats"] = {
            "inbox": f"localhost:{brokers.ports[side]}", "monitor": f"127.0.0.1:{brokers.monitors[side]}",
            "outbox": f"localhost:{brokers.ports[partner_name]}",
        }  # fmt: skip
        partner["authority"] = "all.pem"
        laid.configs[side].write_text(json.dumps(document))
    log = (tmp_path / "serve.log").open("ab")
    with ExitStack() as stack:
        stack.callback(log.close)
        for side in SIDES:
            stack.enter_context(brokers.server(side))
        for side in SIDES:
            command = [sys.executable, "-m", "detente", "serve", str(laid.configs[side])]
            process = subprocess.Popen(command, stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.kill)
        end = time.monotonic() + 60.0
        standing: dict[str, str] = {}
        while set(standing.values()) != {"exchanging"} or len(standing) < 2:
            assert time.monotonic() < end, (tmp_path / "serve.log").read_text()
            time.sleep(0.2)
            standing = {side: session for side in SIDES if (session := session_of(laid.health[side])) is not None}


def session_of(address: str) -> str | None:
    host, port = address.split(":")
    try:
        with closing(HTTPConnection(host, int(port), timeout=5)) as line:
            line.request("GET", "/health")
            partners = json.loads(line.getresponse().read())["partners"]
    except OSError:
        return None
    return next(iter(partners.values()))["session"]
