"""The embedded line takes frames from its partner alone, and of a bounded size."""

import asyncio
import ssl
from pathlib import Path

import pytest
from tests.gateway.made_lines import WORD, tls

from detente.gateway import standing, transport
from detente.gateway.standing import CAUSES_MAX, Standing
from detente.gateway.transport import CALLERS_MAX, HEAD, Line, open_door


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
