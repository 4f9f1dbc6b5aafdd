"""The line through two real NATS servers: lanes, breaks, kills, floods, and bytes that are no frames."""

import asyncio
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from random import Random

import nats
import pytest
from nats.aio.client import Client
from nats.js.api import StreamState
from tests.gateway.made_brokers import SIDES, End, Gate, until
from tests.gateway.made_gateway import FIRST_TICK

from detente.centre.exchange.ledger import EntryKind
from detente.exercise.brokers import Brokers
from detente.gateway import jetstream, jetstream_inbox, standing
from detente.gateway.jetstream import BUNDLE_FRAMES, LENGTH, JetStreamLine, bundled
from detente.gateway.jetstream_inbox import Inbox
from detente.gateway.logic.limits import Lane, Limits, Rate
from detente.gateway.standing import Standing
from detente.gateway.transport import OnFrame


@pytest.fixture
def brokers(tmp_path: Path) -> Brokers:
    return Brokers(tmp_path, SIDES)


@asynccontextmanager
async def connected(brokers: Brokers, side: str, server: str) -> AsyncIterator[Client]:
    """A plain connection of one side to a server, for what an honest gateway never does."""
    connection = await nats.connect(
        f"tls://localhost:{brokers.ports[server]}", tls=brokers.context(side), tls_hostname="localhost",
        allow_reconnect=False,
    )  # fmt: skip
    yield connection
    await connection.close()


async def nothing(lane: int, message: bytes) -> None:
    raise AssertionError("nobody reads here")


def test_frames_cross_and_a_killed_broker_is_only_a_broken_line(brokers: Brokers) -> None:
    async def story() -> None:
        with ExitStack() as stack:
            servers = {side: stack.enter_context(brokers.server(side)) for side in SIDES}
            ends = {side: End(brokers, side) for side in SIDES}
            nato, russia = (ends[side] for side in SIDES)
            await until(lambda: nato.line.up and russia.line.up)
            for number in range(500):
                nato.line.send(number % 4, bytes([number % 256]) * 900)
            russia.line.send(1, b"\x07" * 2_000_000)
            await until(lambda: len(russia.frames) == 500 and len(nato.frames) == 1)
            for lane in range(4):
                came = [data for number, data in russia.frames if number == lane]
                assert came == [bytes([number % 256]) * 900 for number in range(lane, 500, 4)], "in order, in its lane"
            assert nato.frames == [(1, b"\x07" * 2_000_000)]
            servers["Russia"].kill()
            await until(lambda: nato.ups[-1:] == [False] and russia.ups[-1:] == [False])
            nato.line.send(0, b"lost, and the outbox knows")
            with brokers.server("Russia"):
                await until(lambda: nato.line.up and russia.line.up)
                nato.line.send(0, b"after")
                await until(lambda: len(russia.frames) > 500)
                assert russia.frames[500:] == [(0, b"after")], "what was taken before does not come again"
                for end in ends.values():
                    await end.end()
        assert nato.ups[:3] == [True, False, True]

    asyncio.run(story())


def check_exactly_once(giver: Gate, taker: Gate) -> None:
    """Everything said was received and applied once, or closed in both ledgers."""
    said = {sequence for to, sequence in giver.store.accepted if to == taker.side}
    received = [record.sequence for record in taker.store.received]
    assert taker.store.broken == [], "nothing is received, or applied, twice"
    assert len(said) > 10
    assert len(received) == len(set(received))
    for gate, partner in ((giver, taker.side), (taker, giver.side)):
        closed = {one.sequence for one in gate.store.ledger(partner) if one.kind is EntryKind.TOMBSTONE}
        assert said - set(received) <= closed, f"{gate.side} knows why the rest never came"
    assert taker.link.below == len(said)


def test_a_killed_broker_loses_nothing_and_applies_nothing_twice(brokers: Brokers) -> None:
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
                await gate.end()
            return gates

    gates = asyncio.run(story())
    check_exactly_once(gates[0], gates[1])
    check_exactly_once(gates[1], gates[0])


def test_a_killed_gateway_loses_nothing_and_applies_nothing_twice(brokers: Brokers) -> None:
    async def story() -> list[Gate]:
        with brokers.server("NATO"), brokers.server("Russia"):
            nato, russia = (Gate(brokers, side) for side in SIDES)
            await until(lambda: nato.link.session.open and russia.link.session.open)
            for index in range(18):
                nato.ticks(index, index + 1)
                russia.ticks(index, index + 1)
                await asyncio.sleep(0.05)
                if index in (5, 9, 13):
                    russia = await russia.killed()
                if index == 11:
                    nato = await nato.killed()
            await until(lambda: all(g.link.session.open and not g.link.pending for g in (nato, russia)))
            for gate in (nato, russia):
                await gate.end()
            return [nato, russia]

    gates = asyncio.run(story())
    check_exactly_once(gates[0], gates[1])
    check_exactly_once(gates[1], gates[0])


def test_what_a_server_holds_and_loses_is_said_again(brokers: Brokers) -> None:
    """The outbox is kept until the partner's signed receipt: a server that stored it, and synced it, is not enough."""

    async def story() -> list[Gate]:
        with brokers.server("NATO"), brokers.server("Russia"):
            nato, russia = (Gate(brokers, side) for side in SIDES)
            await until(lambda: nato.link.session.open and russia.link.session.open)
            await russia.end()
            nato.ticks(0, 14)
            said = set(nato.link.pending)
            assert said
            async with connected(brokers, "Russia", "Russia") as own:
                streams = own.jetstream()
                names = [f"INBOX_NATO_{int(lane)}" for lane in (Lane.WARNING, Lane.TRACK)]
                last = [0, 0]
                async with asyncio.timeout(30.0):
                    while not all(last):
                        last = [(await streams.stream_info(name)).state.last_seq for name in names]
                assert set(nato.link.pending) >= said, "stored by the server, and kept in the outbox all the same"
                for name in names:
                    await streams.purge_stream(name)
            russia = await russia.killed()
            await until(lambda: nato.link.session.open and not nato.link.pending)
            for gate in (nato, russia):
                await gate.end()
            return [nato, russia]

    gates = asyncio.run(story())
    check_exactly_once(gates[0], gates[1])


def test_a_flood_is_dropped_unread_at_our_own_door_and_warnings_have_another(brokers: Brokers) -> None:
    """NATS limits no rate; the gateway does, lane by lane, whatever the line."""
    few = Rate(per_s=1.0, burst=20.0)
    limits = Limits(retry_s=0.3, heartbeat_s=0.5, frames_each=(few, few, few, Rate(per_s=50.0, burst=500.0)))
    lot, frames = Random(1), 64 * 30

    async def story() -> Gate:
        with brokers.server("NATO"), brokers.server("Russia"):
            nato, russia = Gate(brokers, "NATO", limits), Gate(brokers, "Russia")
            await until(lambda: nato.link.session.open and russia.link.session.open)
            async with connected(brokers, "Russia", "NATO") as partner:
                for _ in range(frames // BUNDLE_FRAMES):
                    noise = [b"DTNENV01" + lot.randbytes(100) for _ in range(BUNDLE_FRAMES)]
                    await partner.publish("in.Russia.1", b"".join(LENGTH.pack(len(one)) + one for one in noise))
            await until(lambda: nato.link.counts.get("dropped", 0) + nato.link.counts.get("refused", 0) >= frames)
            refused = nato.link.counts["refused"]
            russia.ticks(0, 14)
            await until(lambda: any(record.lane == Lane.WARNING for record in nato.store.received))
            for gate in (nato, russia):
                await gate.end()
            assert 20 <= refused <= 20 + 60, "no more are read than the lane's rate lets through"
            return nato

    assert asyncio.run(story()).store.broken == []


def test_a_partner_that_says_nothing_is_told_once_and_greeted_anew_until_it_speaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both servers are there all the while: only its own words tell that it is."""
    monkeypatch.setattr(jetstream, "LOOK_S", 0.01)
    turned: list[bool] = []
    news: list[tuple[bool, str]] = []
    silent_s, heard, quiet = 0.2, (True, ""), (False, "nothing was heard for 0.2 s")

    async def story() -> None:
        async def on_frame(lane: int, data: bytes) -> None:
            await asyncio.sleep(2 * silent_s)  # our own disk, say, is far behind

        line = standing_line(on_frame, Standing(turned.append, lambda *told: news.append(told)), silent_s)
        await line._again()
        listening = asyncio.create_task(line._listen())
        await asyncio.sleep(3 * silent_s)
        assert news == [quiet]
        for times in (1, 2):
            await line._take(1, bundled(deque([b"frame"])))
            assert turned == [True, *times * [False, True]]
            assert news == [quiet, *(times - 1) * [heard, quiet], heard], "who waits for us is not silent"
            await asyncio.sleep(3 * silent_s)
            assert turned == [True, *(times + 1) * [False, True]]
            assert news == [quiet, *times * [heard, quiet]]
        listening.cancel()

    asyncio.run(story())


def standing_line(on_frame: OnFrame, standing: Standing, silent_s: float | None = None) -> JetStreamLine:
    """A line between two servers that are there, as far as it can see."""
    line = JetStreamLine("NATO", "Russia", on_frame, standing, silent_s)
    line.inward = line.outward = type("Connection", (), {"is_connected": True})
    return line


def test_a_message_that_is_cut_off_while_we_take_it_hides_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """As nats-py does, where a connection goes while the queue of events is full."""
    monkeypatch.setattr(jetstream, "LOOK_S", 0.01)
    turned: list[bool] = []

    async def story() -> None:
        async def on_frame(lane: int, data: bytes) -> None:
            await asyncio.sleep(3600.0)

        line = standing_line(on_frame, Standing(turned.append), 0.1)
        await line._again()
        taking = asyncio.create_task(line._take(0, bundled(deque([b"frame"]))))
        await asyncio.sleep(0.0)
        assert line.taking == 1
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        assert line.taking == 0
        listening = asyncio.create_task(line._listen())
        await until(lambda: turned == [True, False, True])
        listening.cancel()

    asyncio.run(story())


def test_p4_a_server_that_comes_and_goes_makes_a_line_begin_so_often_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The partner's is its own to stop."""
    monkeypatch.setattr(standing, "BEGIN_S", 0.5)
    monkeypatch.setattr(jetstream, "LOOK_S", 0.01)
    turned: list[bool] = []

    async def story() -> None:
        line = standing_line(nothing, Standing(turned.append))
        for _ in range(50):
            await line._again()
            await line._down()
        assert turned == standing.BEGINS * [True, False]
        listening = asyncio.create_task(line._listen())
        await until(lambda: line.up)
        listening.cancel()
        assert turned[2 * standing.BEGINS :] == [True], "once its turn has come"

    asyncio.run(story())


def test_how_long_a_servers_answer_was_waited_for_is_what_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jetstream, "ANSWER_S", 0.2)
    news: list[tuple[bool, str]] = []

    async def story() -> float:
        async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(mute, "127.0.0.1", 0)
        address = f"tls://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        line = JetStreamLine("NATO", "Russia", nothing, Standing(lambda up: None, lambda *told: news.append(told)))
        began_s = time.monotonic()
        running = asyncio.create_task(line.run(address, address, ssl.create_default_context()))
        await until(lambda: len(news) == 2)
        taken_s = time.monotonic() - began_s
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        server.close()
        await asyncio.sleep(0.1)  # for the callers that have gone
        return taken_s

    assert asyncio.run(story()) < 1.9, "nats-py's own patience is 2 s"
    assert all(why.endswith("cannot be reached: no answer within 0.2 s") for _, why in news), news


def test_why_a_server_is_not_reached_is_told_once(
    brokers: Brokers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours, then the partner's, in whose place somebody else's stands first: that is no reason to wait for ever."""
    monkeypatch.setattr(jetstream, "GONE_S", 1.0)
    news: list[tuple[bool, str]] = []
    others = Brokers(tmp_path / "others", SIDES)
    config = tmp_path / "others" / "Russia.conf"
    config.write_text(config.read_text().replace(str(others.ports["Russia"]), str(brokers.ports["Russia"])))
    others.ports = brokers.ports

    async def told(many: int) -> None:
        await until(lambda: len(news) >= many)
        await asyncio.sleep(3.0)  # it calls again and again
        assert len(news) == many

    async def story() -> None:
        line = JetStreamLine("NATO", "Russia", nothing, Standing(lambda up: None, lambda *said: news.append(said)))
        running = asyncio.create_task(line.run(*brokers.addresses("NATO"), brokers.context("NATO")))
        await told(2)
        with brokers.server("NATO"):
            with others.server("Russia"):
                await told(3)
            with brokers.server("Russia"):
                await until(lambda: line.up)
        running.cancel()

    asyncio.run(story())
    ours, nobody, other = *sorted(why for _, why in news[:2])[::-1], news[2][1]
    assert "our server" in ours
    assert "Connect call failed" in ours
    assert "Russia's server" in nobody
    assert "Connect call failed" in nobody
    assert "its certificate is not believed" in other
    assert [is_up for is_up, _ in news] == [False, False, False], "up is told with the partner's first word"


def test_p4_what_a_partners_server_does_not_take_is_dropped_beyond_a_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jetstream, "BUFFER_BYTES_MAX", 1000)
    line = JetStreamLine("NATO", "Russia", nothing, Standing(lambda up: None))

    async def story() -> None:
        line.standing.begin()
        for _ in range(100):
            line.send(1, b"x" * 96)

    asyncio.run(story())
    assert line.waiting_bytes == 1100, "one frame more than fits"
    assert line.dropped == 100 - 11


async def settled(own: Client, lane: int) -> StreamState:
    """What stands in a lane of Russia's inbox, once nothing more comes."""
    states: list[StreamState] = []
    async with asyncio.timeout(60.0):
        while len(states) < 4 or states[-1].messages == 0 or states[-1].last_seq != states[-4].last_seq:
            states.append((await own.jetstream().stream_info(f"INBOX_Russia_{lane}")).state)
            await asyncio.sleep(0.2)
    return states[-1]


def test_a_lane_that_is_full_leaves_room_for_warnings(brokers: Brokers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jetstream_inbox, "LANE_BYTES_MAX", 2_000_000)

    async def story() -> None:
        with brokers.server("NATO"), brokers.server("Russia"):
            async with connected(brokers, "NATO", "NATO") as own, connected(brokers, "Russia", "NATO") as partner:
                for lane in Lane:
                    await Inbox("Russia", lane, nothing).make(own)  # with less room than before
                    await own.jetstream().purge_stream(f"INBOX_Russia_{int(lane)}")
                track = b"\x01" * 1000
                for _ in range(3000):
                    await partner.publish("in.Russia.1", LENGTH.pack(len(track)) + track)
                await partner.publish("in.Russia.0", LENGTH.pack(7) + b"warning")
                states = [await settled(own, lane) for lane in (0, 1)]
                assert states[0].messages == 1, "room for a warning"
                assert states[1].bytes <= 2_000_000
                assert 1000 < states[1].messages < 3000, "what is too much was refused"
            end = End(brokers, "NATO")
            await until(lambda: len(end.frames) == states[1].messages + 1)
            place = end.frames.index((0, b"warning"))
            await end.end()
            assert place < 1000, "and it did not wait for what stood in the other lane"

    asyncio.run(story())


def test_bytes_that_are_no_frames_are_counted_and_the_line_goes_on(brokers: Brokers) -> None:
    bad = [
        b"", b"\x00", LENGTH.pack(9) + b"short", LENGTH.pack(1 << 31), LENGTH.pack(4) + b"long" + b"!",
        (LENGTH.pack(1) + b"x") * (BUNDLE_FRAMES + 1),
    ]  # fmt: skip

    async def story() -> None:
        with brokers.server("NATO"), brokers.server("Russia"):
            end = End(brokers, "NATO")
            await until(lambda: end.line.up)
            async with connected(brokers, "Russia", "NATO") as partner:
                for message in bad:
                    await partner.publish("in.Russia.2", message)
                for subject in ("in.Russia.9", "in.Russia.1.x", "in.Russia.-1"):
                    await partner.publish(subject, LENGTH.pack(1) + b"x")
                await partner.publish("in.Russia.2", LENGTH.pack(4) + b"good")
                await until(lambda: end.frames)
            assert end.frames == [(2, b"good")]
            assert end.line.garbled == len(bad)
            await end.end()

    asyncio.run(story())
