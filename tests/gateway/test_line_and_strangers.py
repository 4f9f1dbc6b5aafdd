"""The embedded line takes frames from its partner alone, and of a bounded size."""

import asyncio
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from detente.gateway import standing, transport
from detente.gateway.keys import make_keys
from detente.gateway.standing import CAUSES_MAX, Standing
from detente.gateway.transport import CALLERS_MAX, HEAD, Line, contexts, open_door


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("line") / "keys"
    make_keys(folder, ["NATO", "Russia", "Mars"], datetime.now(UTC))
    return folder


def tls(keys: Path, side: str, believes: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return contexts(keys / side / "tls.pem", keys / side / "tls.key", keys / "public" / believes / "authority.pem")


def talked(keys: Path, caller: str, believes: str, frames: list[bytes]) -> tuple[Line, list[object]]:
    """What a line of NATO's to Russia made of a caller whose authority it believes, and who sends these bytes."""
    heard: list[object] = []

    async def on_frame(lane: int, data: bytes) -> None:
        heard.append((lane, data))

    async def call() -> Line:
        line = Line("Russia", on_frame, Standing(lambda up: None, lambda up, why: heard.append(up)))
        server = await open_door("127.0.0.1:0", line.answer, line.stranger, tls(keys, "NATO", believes)[0])
        port = server.sockets[0].getsockname()[1]
        context = ssl.create_default_context() if caller == "nobody" else tls(keys, caller, "NATO")[1]
        if caller == "nobody":
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            for data in frames:
                writer.write(data)
            await writer.drain()
            if frames:
                writer.write_eof() if writer.can_write_eof() else writer.close()
            await reader.read()
            writer.close()
        except (OSError, ssl.SSLError):
            pass
        server.close()
        await asyncio.sleep(0.05)
        return line

    return asyncio.run(asyncio.wait_for(call(), 20.0)), heard


WORD = HEAD.pack(3, 1) + b"abc"


def test_a_partner_is_heard(keys: Path) -> None:
    line, heard = talked(keys, "Russia", "Russia", [WORD, WORD])
    assert heard == [True, (1, b"abc"), (1, b"abc"), False]
    assert line.strangers == 0


def test_p3_a_certificate_that_names_another_opens_no_line(keys: Path) -> None:
    """Even where an authority that is believed issued it."""
    line, heard = talked(keys, "Mars", "Mars", [WORD])
    assert heard == [False]
    assert line.standing.causes == {"a certificate names 'Mars', not 'Russia'"}
    assert line.strangers == 1
    assert line.writer is None


@pytest.mark.parametrize(("caller", "believes"), [("Mars", "Russia"), ("nobody", "Russia")])
def test_p3_a_certificate_of_another_authority_or_none_opens_no_line(keys: Path, caller: str, believes: str) -> None:
    line, heard = talked(keys, caller, believes, [WORD])
    assert heard == ([False] if caller == "Mars" else [])
    assert (line.strangers, line.writer) == (1, None)
    if caller == "Mars":
        (cause,) = line.standing.causes
        assert cause.startswith("somebody calls whose certificate is not believed: ")


@pytest.mark.parametrize(
    ("there", "believed", "cause"),
    [
        ("nobody", "Russia", "Connect call failed"), ("Russia", "Mars", "its certificate is not believed"),
        ("Mars", "Mars", "a certificate names 'Mars', not 'Russia'"),
        ("deaf to us", "Russia", "perhaps our certificate is not believed there"),
    ],
)  # fmt: skip
def test_why_a_partner_is_not_reached_is_told_once_for_each_cause(
    keys: Path, monkeypatch: pytest.MonkeyPatch, there: str, believed: str, cause: str
) -> None:
    """NATO calls: nobody, one whom it does not believe, one who is another, and one who does not believe it."""
    monkeypatch.setattr(transport, "RECONNECT_S", (0.01, 0.02))
    turned: list[bool] = []
    told: list[tuple[bool, str]] = []

    async def on_frame(lane: int, data: bytes) -> None:
        raise AssertionError("nothing is said")

    async def call() -> None:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()

        def came(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        line = Line("Russia", on_frame, Standing(turned.append, lambda up, why: told.append((up, why))))
        side, hears = ("Russia", "Mars") if there == "deaf to us" else (there, "NATO")
        if side != "nobody":
            server = await open_door(f"127.0.0.1:{port}", came, lambda error: None, tls(keys, side, hears)[0])
        running = asyncio.create_task(line.connect_for_ever("127.0.0.1", port, tls(keys, "NATO", believed)[1]))
        await asyncio.sleep(0.5)
        running.cancel()
        server.close()

    asyncio.run(asyncio.wait_for(call(), 20.0))
    ((up, why),) = told
    assert not up
    assert cause in why
    assert turned == [], "no line stood: TLS 1.3 is done at our end before the other has looked at our certificate"


def test_p4_callers_without_a_certificate_are_few_and_keep_no_partner_out(keys: Path) -> None:
    """However many call and say nothing, or no word of TLS: descriptors are for who has one."""
    up: list[bool] = []

    async def on_frame(lane: int, data: bytes) -> None: ...

    async def call() -> None:
        line = Line("Russia", on_frame, Standing(up.append))
        door = await open_door("127.0.0.1:0", line.answer, line.stranger, tls(keys, "NATO", "Russia")[0])
        port = door.sockets[0].getsockname()[1]
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CALLERS_MAX + 30)]
        while len(door.proving) < CALLERS_MAX:
            await asyncio.sleep(0.01)
        _, partner = await asyncio.open_connection("127.0.0.1", port, ssl=tls(keys, "Russia", "NATO")[1])
        while not up:
            await asyncio.sleep(0.01)
        assert await silent[0][0].read() == b"", "who called first and proved nothing is gone"
        assert len(door.proving) <= CALLERS_MAX
        silent[-1][1].write(b"GET / HTTP/1.0\r\n\r\n")
        await silent[-1][0].read()
        assert line.strangers == 1
        assert up == [True], "the line stands"
        door.close()
        for _, writer in silent:
            writer.close()
        partner.close()
        await asyncio.sleep(0.05)
        assert not door.proving

    asyncio.run(asyncio.wait_for(call(), 20.0))


def test_p5_a_frame_that_is_too_long_ends_the_line_unread(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "FRAME_BYTES_MAX", 10)
    _, heard = talked(keys, "Russia", "Russia", [WORD, HEAD.pack(11, 1), b"x" * 11, WORD])
    assert heard == [True, (1, b"abc"), False]


class Held:
    """A connection's other end as a line sees it; how much waits to be sent is the test's to say."""

    def __init__(self) -> None:
        self.reader, self.closed, self.waits, self.written = asyncio.StreamReader(), False, 0, 0
        self.transport = self

    def get_extra_info(self, _: str) -> dict:
        return {"subject": ((("commonName", "Russia"),),)}

    def get_write_buffer_size(self) -> int:
        return self.waits

    def write(self, data: bytes) -> None:
        self.written += len(data)

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True
        self.reader.feed_eof()


def test_a_newer_line_takes_an_older_ones_place_and_the_last_news_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many call at once, and whatever waits to be read: one line stands, and what is told last is so."""
    news: list[bool] = []
    read: list[bytes] = []
    full = asyncio.Queue(1)
    monkeypatch.setattr(standing, "BEGINS", 20)

    async def on_frame(lane: int, data: bytes) -> None:
        read.append(data)
        await full.put(data)

    async def story() -> None:
        line = Line("Russia", on_frame, Standing(news.append))
        callers = [Held() for _ in range(20)]
        serving = []
        for one in callers:
            serving.append(asyncio.create_task(line.serve(one.reader, one, called=True)))  # type: ignore[arg-type]
            await asyncio.sleep(0)
            one.reader.feed_data(WORD * 3)  # more than anybody takes: the line's task waits in its midst
            await asyncio.sleep(0)
            one.reader.feed_data(WORD)
        assert [one.closed for one in callers] == [True] * 19 + [False]
        assert line.writer is callers[-1]
        assert news == [True] + [False, True] * 19
        while not all(task.done() for task in serving[:-1]):
            await full.get()
            await asyncio.sleep(0)
        assert 3 * 19 <= len(read) <= 3 * 19 + 4, "who was replaced is read no further"
        callers[-1].abort()
        while not serving[-1].done():
            if not full.empty():
                full.get_nowait()
            await asyncio.sleep(0)
        assert line.writer is None
        assert news[-1] is False

    asyncio.run(asyncio.wait_for(story(), 20.0))


def test_p4_what_a_partner_does_not_read_is_dropped_beyond_a_buffer() -> None:
    async def story() -> None:
        line, one = Line("Russia", None, Standing(lambda up: None)), Held()  # type: ignore[arg-type]
        line.writer = one  # type: ignore[assignment]
        one.waits = transport.BUFFER_BYTES_MAX
        line.send(1, b"abc")
        assert (one.written, line.dropped) == (len(WORD), 0)
        one.waits += 1
        line.send(1, b"abc")
        assert (one.written, line.dropped) == (len(WORD), 1)

    asyncio.run(story())


def test_a_line_on_which_nothing_is_heard_is_ended_and_told_and_one_that_waits_for_us_is_not() -> None:
    news: list[tuple[bool, str]] = []
    silent_s = 0.2

    async def story() -> None:
        async def on_frame(lane: int, data: bytes) -> None:
            await asyncio.sleep(3 * silent_s)  # our own disk, say, is far behind

        ours = Standing(lambda up: None, lambda *told: news.append(told))
        line, one = Line("Russia", on_frame, ours, silent_s=silent_s), Held()
        serving = asyncio.create_task(line.serve(one.reader, one, called=True))  # type: ignore[arg-type]
        for byte in WORD:  # slow, and not silent
            await asyncio.sleep(silent_s / 4)
            one.reader.feed_data(bytes([byte]))
        await asyncio.sleep(2 * silent_s)
        assert not one.closed
        await serving
        assert one.closed
        assert line.writer is None

    asyncio.run(asyncio.wait_for(story(), 20.0))
    assert news == [(True, ""), (False, "nothing was heard for 0.2 s")]


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


def test_of_one_silence_so_many_causes_are_told_and_no_more_and_none_while_a_line_stands() -> None:
    told: list[tuple[bool, str]] = []

    async def story() -> None:
        ours = Standing(lambda up: None, lambda *said: told.append(said))
        for number in range(2 * CAUSES_MAX):
            ours.missing(f"cause {number}")
        assert told == [(False, f"cause {number}") for number in range(CAUSES_MAX)]
        told.clear()
        ours.begin()
        ours.missing("somebody else calls")
        assert told == []
        ours.speaks()
        ours.missing("somebody else calls")
        ours.speaks()
        assert told == [(True, "")]
        ours.end()
        ours.missing("cause 1")
        ours.missing("cause 1")
        assert told == [(True, ""), (False, ""), (False, "cause 1")], "what was heard makes every cause news"

    asyncio.run(story())
