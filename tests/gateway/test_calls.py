"""Who calls, how often, and what both ends tell of a call that comes to nothing."""

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
from tests.gateway.made_lines import WORD, tls

from detente.gateway import standing, transport
from detente.gateway.standing import Standing
from detente.gateway.transport import HEAD, Line, open_door


def calls_of_russia(keys: Path, port: int, many: int) -> list[ssl.SSLSocket]:
    """Calls with a right certificate, held open by somebody who answers nothing after the handshake."""
    context = tls(keys, "Russia", "NATO")[1]
    return [context.wrap_socket(socket.create_connection(("127.0.0.1", port), 10.0)) for _ in range(many)]


def test_p4_a_partner_that_calls_again_and_again_holds_one_descriptor_and_is_refused_beyond_a_rate(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever holds the partner's key: no end of a line waits for the other's, and what calls may tell is bounded."""
    monkeypatch.setattr(standing, "BEGIN_S", 1.0)
    turned: list[bool] = []
    told: list[tuple[bool, str]] = []

    async def on_frame(lane: int, data: bytes) -> None: ...

    async def story() -> None:
        line = Line("Russia", on_frame, Standing(turned.append, lambda *said: told.append(said)))
        sockets: list[socket.socket] = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            sockets.append(writer.get_extra_info("socket"))
            await line.answer(reader, writer)

        door = await open_door("127.0.0.1:0", answer, line.stranger, tls(keys, "NATO", "Russia")[0])
        port = door.sockets[0].getsockname()[1]
        calls = await asyncio.to_thread(calls_of_russia, keys, port, 40)
        async with asyncio.timeout(10.0):
            while len(sockets) < 40 or sum(one.fileno() >= 0 for one in sockets) > 1:
                await asyncio.sleep(0.01)
        begun = turned.count(True)
        assert standing.BEGINS <= begun < 40
        assert turned == [*(begun - 1) * [True, False], True], "the last that was let in stands"
        assert line.standing.pace.refused == 40 - begun
        assert told == [], "nobody said a word"
        await asyncio.sleep(standing.BEGIN_S)
        (again,) = await asyncio.to_thread(calls_of_russia, keys, port, 1)
        again.sendall(WORD)
        async with asyncio.timeout(10.0):
            while not told:
                await asyncio.sleep(0.01)
        assert turned == [*begun * [True, False], True]
        assert told == [(True, "")]
        again.sendall(HEAD.pack(1 << 31, 1))
        async with asyncio.timeout(10.0):
            while any(one.fileno() >= 0 for one in sockets):
                await asyncio.sleep(0.01)
        assert turned[-1] is False
        door.close()
        for one in (*calls, again):
            one.close()
        await asyncio.sleep(0.05)

    asyncio.run(asyncio.wait_for(story(), 30.0))


def test_who_calls_too_soon_is_told_so_and_both_ends_say_it(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A partner that is started again and again: no certificate is at fault, and nobody says that one is."""
    monkeypatch.setattr(transport, "RECONNECT_S", (0.01, 0.02))
    monkeypatch.setattr(standing, "BEGINS", 1)
    monkeypatch.setattr(standing, "BEGIN_S", 0.5)
    told: dict[str, list[tuple[bool, str]]] = {"NATO": [], "Russia": []}

    async def on_frame(lane: int, data: bytes) -> None:
        assert (lane, data) == (1, b"abc")

    def end(side: str, partner: str) -> Line:
        return Line(partner, on_frame, Standing(lambda up: None, lambda *said: told[side].append(said)))

    async def story() -> None:
        called = end("NATO", "Russia")

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            running = asyncio.create_task(called.answer(reader, writer))
            await asyncio.sleep(0)
            called.send(1, b"abc")
            await running

        door = await open_door("127.0.0.1:0", answer, called.stranger, tls(keys, "NATO", "Russia")[0])
        port = door.sockets[0].getsockname()[1]
        for _ in range(2):  # each a process that knows nothing of the one before
            caller = end("Russia", "NATO")
            running = asyncio.create_task(caller.connect_for_ever("127.0.0.1", port, tls(keys, "Russia", "NATO")[1]))
            async with asyncio.timeout(10.0):
                while caller.writer is None:
                    await asyncio.sleep(0.01)
            caller.send(1, b"abc")
            await asyncio.sleep(0.05)
            running.cancel()
            caller.hang_up()
            await asyncio.sleep(0.05)
        door.close()
        assert called.standing.pace.refused > 0

    asyncio.run(asyncio.wait_for(story(), 30.0))
    up, down = (True, ""), (False, "")
    assert told["NATO"] == [up, down, (False, transport.REFUSED_HERE), up, down]
    assert told["Russia"] == [up, down, (False, transport.REFUSED_THERE), up, down]


@pytest.mark.parametrize("says", [b"", HEAD.pack(1 << 31, 1)])
def test_a_line_that_ends_before_a_word_is_told_once_at_each_end(
    keys: Path, monkeypatch: pytest.MonkeyPatch, says: bytes
) -> None:
    """Two that have nothing to say to each other, or one that announces more than anybody reads."""
    monkeypatch.setattr(transport, "RECONNECT_S", (0.01, 0.02))
    monkeypatch.setattr(standing, "BEGIN_S", 0.0)
    turned: dict[str, list[bool]] = {"NATO": [], "Russia": []}
    told: dict[str, list[tuple[bool, str]]] = {"NATO": [], "Russia": []}
    silent_s = 5.0 if says else 0.1

    async def on_frame(lane: int, data: bytes) -> None:
        raise AssertionError("nothing is said")

    def end(side: str, partner: str) -> Line:
        return Line(
            partner, on_frame, Standing(turned[side].append, lambda *why: told[side].append(why)), silent_s=silent_s
        )

    async def story() -> None:
        called, caller = end("NATO", "Russia"), end("Russia", "NATO")

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(says)
            await called.answer(reader, writer)

        door = await open_door("127.0.0.1:0", answer, called.stranger, tls(keys, "NATO", "Russia")[0])
        port = door.sockets[0].getsockname()[1]
        running = asyncio.create_task(caller.connect_for_ever("127.0.0.1", port, tls(keys, "Russia", "NATO")[1]))
        async with asyncio.timeout(10.0):
            while len(turned["NATO"]) < 8:
                await asyncio.sleep(0.01)
        running.cancel()
        door.close()
        await asyncio.sleep(0.05)

    asyncio.run(story())
    assert turned["Russia"] == []
    causes = {side: [why for _, why in said] for side, said in told.items()}
    assert all(up is False for said in told.values() for up, _ in said)
    if says:
        assert causes["Russia"] == [
            f"a frame of {1 << 31} bytes is announced; {transport.FRAME_BYTES_MAX} are the most"
        ]
        assert causes["NATO"] == [transport.UNSAID]
        return
    for said in causes.values():  # whichever end loses patience first: the other sees a line end without a word
        assert "nothing was heard for 0.1 s" in causes["NATO"] + causes["Russia"]
        assert len(said) == len(set(said)) <= 2


def test_who_calls_stands_with_the_first_word_and_both_are_heard(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither waits for the other: who is called greets at the end of the handshake, who calls once it hears that."""
    monkeypatch.setattr(transport, "RECONNECT_S", (0.01, 0.02))
    order: list[tuple[str, object]] = []
    lines: dict[str, Line] = {}

    def end(side: str, partner: str) -> Line:
        async def on_frame(lane: int, data: bytes) -> None:
            order.append((side, data))

        def turned(up: bool) -> None:
            order.append((side, up))
            lines[side].send(1, b"hello")

        return Line(partner, on_frame, Standing(turned, lambda up, why: order.append((side, f"told {up}"))))

    async def story() -> None:
        lines.update(NATO=end("NATO", "Russia"), Russia=end("Russia", "NATO"))
        called, caller = lines["NATO"], lines["Russia"]
        door = await open_door("127.0.0.1:0", called.answer, called.stranger, tls(keys, "NATO", "Russia")[0])
        port = door.sockets[0].getsockname()[1]
        running = asyncio.create_task(caller.connect_for_ever("127.0.0.1", port, tls(keys, "Russia", "NATO")[1]))
        async with asyncio.timeout(10.0):
            while len(order) < 6:
                await asyncio.sleep(0.01)
        running.cancel()
        door.close()
        called.hang_up()
        await asyncio.sleep(0.05)

    asyncio.run(story())
    assert order[:6] == [
        ("NATO", True), ("Russia", True), ("Russia", "told True"), ("Russia", b"hello"), ("NATO", "told True"),
        ("NATO", b"hello"),
    ]  # fmt: skip


def test_a_partner_that_answers_with_a_word_and_is_gone_is_not_called_without_end(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "RECONNECT_S", (0.001, 0.002))
    monkeypatch.setattr(standing, "BEGIN_S", 0.4)
    turned: list[bool] = []

    async def on_frame(lane: int, data: bytes) -> None: ...

    async def story() -> None:
        async def came(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(WORD)
            writer.close()

        door = await open_door("127.0.0.1:0", came, lambda error: None, tls(keys, "NATO", "Russia")[0])
        line, began_s = Line("NATO", on_frame, Standing(turned.append)), asyncio.get_running_loop().time()
        call = line.connect_for_ever("127.0.0.1", door.sockets[0].getsockname()[1], tls(keys, "Russia", "NATO")[1])
        running = asyncio.create_task(call)
        async with asyncio.timeout(20.0):
            while turned.count(True) < standing.BEGINS + 3:
                await asyncio.sleep(0.01)
        running.cancel()
        door.close()
        await asyncio.sleep(0.05)
        assert asyncio.get_running_loop().time() - began_s > 3 * standing.BEGIN_S - 0.1

    asyncio.run(story())
