"""What a partner, a stranger or a forger can do at our NATS server, and which servers are refused."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import nats
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from nats.aio.client import Client
from nats.errors import Error
from tests.gateway.made_brokers import SIDES, until

from detente.exercise.brokers import Brokers
from detente.gateway.jetstream import JetStreamLine
from detente.gateway.jetstream_inbox import Inbox
from detente.gateway.jetstream_server import check_server
from detente.gateway.keys import _certificate, make_keys
from detente.gateway.logic.limits import Lane
from detente.gateway.standing import Standing
from detente.gateway.transport import contexts
from detente.records.errors import InputError

INTO_ANOTHER = ("in.NATO.0", "in.China.1", "in")
API = (
    "$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.INFO.INBOX_Russia_1", "$JS.API.STREAM.CREATE.MINE",
    "$JS.API.STREAM.UPDATE.INBOX_Russia_1", "$JS.API.STREAM.PURGE.INBOX_Russia_1",
    "$JS.API.STREAM.DELETE.INBOX_Russia_1", "$JS.API.STREAM.MSG.GET.INBOX_Russia_1",
    "$JS.API.STREAM.MSG.DELETE.INBOX_Russia_1", "$JS.API.DIRECT.GET.INBOX_Russia_1",
    "$JS.API.CONSUMER.CREATE.INBOX_Russia_1", "$JS.API.CONSUMER.NAMES.INBOX_Russia_1",
    "$JS.API.CONSUMER.MSG.NEXT.INBOX_Russia_1.gateway", "$JS.API.CONSUMER.DELETE.INBOX_Russia_1.gateway",
    "$JS.ACK.INBOX_Russia_1.gateway.1.1.1.1.0", "$JS.FC.INBOX_Russia_1.x", "$SYS.REQ.SERVER.PING",
)  # fmt: skip
TO_READ = ("in.>", "in.Russia.1", "$JS.EVENT.ADVISORY.>", "$JS.API.>", "$JS.ACK.>", "$SYS.>", "_INBOX.>", "mine", ">")


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Brokers:
    return Brokers(tmp_path_factory.mktemp("brokers"), SIDES)


@asynccontextmanager
async def partner_of(brokers: Brokers, said: list[str]) -> AsyncIterator[tuple[Client, Client]]:
    """NATO at its own server, with its inbox made and five messages in a lane of it; and Russia there."""

    async def note(error: Exception) -> None:
        said.append(str(error))

    async def never(lane: int, message: bytes) -> None:
        raise AssertionError("nobody reads here")

    address = f"tls://localhost:{brokers.ports['NATO']}"
    options = {"tls_hostname": "localhost", "allow_reconnect": False, "error_cb": note}
    own = await nats.connect(address, tls=brokers.context("NATO"), **options)
    partner = await nats.connect(address, tls=brokers.context("Russia"), **options)
    for lane in Lane:
        inbox = Inbox("Russia", lane, never)
        await inbox.make(own)
        await own.jetstream().purge_stream(inbox.name)
    for _ in range(5):
        await partner.publish("in.Russia.1", b"its own word")
    await hold(own, 5)
    yield own, partner
    for connection in (own, partner):
        await connection.close()


async def held(own: Client) -> list[tuple[str, int, int]]:
    """Every stream of the server: name, messages, consumers."""
    streams = await own.jetstream().streams_info()
    return sorted((one.config.name or "", one.state.messages, one.state.consumer_count) for one in streams)


async def hold(own: Client, messages: int) -> None:
    """Until so many messages are stored in the partner's track lane: storing is not awaited by who publishes."""
    async with asyncio.timeout(30.0):
        while (await own.jetstream().stream_info("INBOX_Russia_1")).state.messages < messages:
            await asyncio.sleep(0.02)


def test_a_partner_may_publish_into_its_inbox_and_do_nothing_else(brokers: Brokers) -> None:
    async def story() -> list[str]:
        said: list[str] = []
        with brokers.server("NATO"):
            async with partner_of(brokers, said) as (own, partner):
                before = await held(own)
                assert before == [(f"INBOX_Russia_{lane}", 5 if lane == 1 else 0, 0) for lane in range(4)]
                heard: list[str] = []

                async def hear(message) -> None:
                    heard.append(message.subject)

                for subject in (*INTO_ANOTHER, *API):
                    await partner.publish(subject, b"{}")
                for subject in TO_READ:
                    await partner.subscribe(subject, cb=hear)
                await own.publish("in.Russia.1", b"seen by nobody but us")
                await partner.flush()
                await until(lambda: len(said) >= len((*INTO_ANOTHER, *API, *TO_READ)))
                await hold(own, 6)
                assert await held(own) == [(name, count + (name[-1] == "1"), 0) for name, count, _ in before]
                assert heard == []
        return [one.lower() for one in said]

    refused = asyncio.run(story())
    for subject in (*INTO_ANOTHER, *API):
        assert f'nats: permissions violation for publish to "{subject.lower()}"' in refused
    for subject in TO_READ:
        assert f'nats: permissions violation for subscription to "{subject.lower()}"' in refused


def test_the_server_is_nobodys_deputy(brokers: Brokers) -> None:
    """An acknowledgement goes to whatever subject a publisher names, with the server's own rights; so there is none."""

    async def story() -> None:
        said: list[str] = []
        with brokers.server("NATO"):
            async with partner_of(brokers, said) as (own, partner):
                for reply in ("in.Russia.0", "in.China.1", "$JS.API.STREAM.PURGE.INBOX_Russia_1", "anything"):
                    await partner.publish("in.Russia.1", b"with an answer elsewhere, please", reply=reply)
                heard: list[str] = []

                async def hear(message) -> None:
                    heard.append(message.subject)

                await own.subscribe("in.China.>", cb=hear)
                await own.subscribe("anything", cb=hear)
                await partner.publish("in.Russia.1", b"again", reply="anything")
                await hold(own, 10)
                await asyncio.sleep(0.2)
                assert [count for _, count, _ in await held(own)] == [0, 10, 0, 0]
                assert heard == []

    asyncio.run(story())


def test_a_server_that_will_not_hold_an_inbox_ends_the_line_with_clear_words(brokers: Brokers) -> None:
    async def nothing(*_: object) -> None:
        return

    async def story() -> None:
        with brokers.server("Russia"):
            address, context = f"tls://localhost:{brokers.ports['Russia']}", brokers.context("Russia")
            own = await nats.connect(address, tls=context, tls_hostname="localhost")
            await own.jetstream().add_stream(name="ANOTHER", subjects=["in.NATO.>"])
            line = JetStreamLine("Russia", "NATO", nothing, Standing(lambda up: None))
            with pytest.raises(InputError, match="will not hold stream INBOX_NATO_0: subjects overlap"):
                await line.run(address, f"tls://localhost:{brokers.ports['NATO']}", context)
            await own.close()

    asyncio.run(story())


def test_headers_are_not_let_in(brokers: Brokers) -> None:
    """JetStream obeys them (roll up, expire, expect a sequence), and clients take some for the server's own word."""

    async def story() -> None:
        with brokers.server("NATO"):
            async with partner_of(brokers, []) as (own, partner):
                await partner.publish("in.Russia.1", b"x", headers={"Nats-Rollup": "all"})
                await until(lambda: not partner.is_connected)
                assert [count for _, count, _ in await held(own)] == [0, 5, 0, 0]

    asyncio.run(story())


async def let_in(brokers: Brokers, context: ssl.SSLContext) -> bool:
    """Whether NATO's server lets somebody in."""

    async def quiet(_: Exception) -> None:
        return

    try:
        connection = await nats.connect(
            f"tls://localhost:{brokers.ports['NATO']}", tls=context, tls_hostname="localhost", allow_reconnect=False,
            error_cb=quiet, connect_timeout=5,
        )  # fmt: skip
    except (Error, OSError, ssl.SSLError, TimeoutError):
        return False
    await connection.close()
    return True


def test_a_stranger_is_not_let_in(brokers: Brokers, tmp_path: Path) -> None:
    make_keys(tmp_path, ["Mallory"], datetime.now(UTC))
    context = contexts(tmp_path / "Mallory/tls.pem", tmp_path / "Mallory/tls.key", brokers.folder / "all.pem")[1]
    with brokers.server("NATO"):
        assert not asyncio.run(let_in(brokers, context))


@pytest.mark.parametrize("name", SIDES)
def test_a_partners_authority_names_nobody_at_our_server(brokers: Brokers, tmp_path: Path, name: str) -> None:
    """Russia's authority may write any name: ours, and with it all rights here. The server believes one certificate."""
    keys = brokers.folder / "keys/Russia"
    tls, authority = (
        serialization.load_pem_private_key((keys / file).read_bytes(), None) for file in ("tls.key", "authority.key")
    )
    assert isinstance(tls, EllipticCurvePrivateKey)
    assert isinstance(authority, EllipticCurvePrivateKey)
    forged = _certificate(name, tls, "Russia authority", authority, datetime.now(UTC), authority_of_all=False)
    (tmp_path / "forged.pem").write_bytes(forged.public_bytes(serialization.Encoding.PEM))
    context = contexts(tmp_path / "forged.pem", keys / "tls.key", brokers.folder / "all.pem")[1]
    with brokers.server("NATO"):
        assert not asyncio.run(let_in(brokers, context))
        assert asyncio.run(let_in(brokers, brokers.context("Russia"))), "the one that was handed over is let in"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  sync_interval: always\n", "", "acknowledges before it syncs"),
        ("max_payload: ", "max_payload: 1048576 #", "max_payload 1048576"),
        ("max_file_store: ", "max_file_store: 1000000 #", "max_file_store 1000000"),
        ("no_header_support: true\n", "", "passes headers on"),
        ("jetstream {", 'leafnodes {{ listen: "127.0.0.1:{leaf}" }}\njetstream {{', r"joins others \(leaf\)"),
        ("  verify_and_map: true\n", "  verify: false\n", "asks for no certificate"),
    ],
)
def test_a_server_that_cannot_be_trusted_is_refused(brokers: Brokers, old: str, new: str, said: str) -> None:
    text = (brokers.folder / "NATO.conf").read_text()
    assert old in text
    if "{leaf}" in new:
        new = new.format(leaf=brokers.ports["Russia"])
    other = brokers.folder / "NATO-other.conf"
    other.write_text(text.replace(old, new))
    monitor, inbox = f"127.0.0.1:{brokers.monitors['NATO']}", f"127.0.0.1:{brokers.ports['NATO']}"
    with brokers.server("NATO", other), pytest.raises(InputError, match=said):
        check_server(monitor, inbox)
    with pytest.raises(InputError, match="no nats-server's monitoring"):
        check_server(monitor, inbox)


def test_a_server_as_configured_is_not_refused(brokers: Brokers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detente.gateway.jetstream_server.ASKED_S", 1.0)
    monitor, inbox = f"127.0.0.1:{brokers.monitors['NATO']}", f"127.0.0.1:{brokers.ports['NATO']}"
    with brokers.server("NATO"):
        check_server(monitor, inbox)
        with pytest.raises(InputError, match="no nats-server that greets"):
            check_server(monitor, f"127.0.0.1:{brokers.ports['Russia']}")
        with pytest.raises(InputError, match="no nats-server that greets"):
            check_server(monitor, monitor)


def test_one_server_is_asked_and_another_holds_the_inbox(brokers: Brokers) -> None:
    """What a sound server says of itself says nothing of the one beside it, which syncs when it likes."""
    lax = brokers.folder / "Russia-lax.conf"
    text = (brokers.folder / "Russia.conf").read_text()
    lax.write_text(text.replace("sync_interval: always", 'sync_interval: "1s"'))
    monitor, inbox = f"127.0.0.1:{brokers.monitors['NATO']}", f"127.0.0.1:{brokers.ports['Russia']}"
    with brokers.server("NATO"), brokers.server("Russia", lax):
        with pytest.raises(InputError, match=f"another server than the one monitored at {monitor}") as refusal:
            check_server(monitor, inbox)
        assert refusal.value.path == inbox


def test_an_old_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"/varz": {"version": "2.9.10", "max_payload": 1 << 24}, "/jsz": {"config": {"sync_always": True}}}
    monkeypatch.setattr("detente.gateway.jetstream_server._asked", lambda monitor, path: answers[path])
    with pytest.raises(InputError, match=r"nats-server 2\.9\.10"):
        check_server("127.0.0.1:1", "127.0.0.1:1")
