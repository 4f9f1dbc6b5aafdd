"""The embedded line takes frames from its partner alone, and of a bounded size."""

import asyncio
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from detente.gateway import transport
from detente.gateway.keys import make_keys
from detente.gateway.transport import HEAD, Line, contexts, listen


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

    async def on_line(up: bool) -> None:
        heard.append(up)

    async def call() -> Line:
        line = Line("Russia", on_frame, on_line)
        server = await listen("127.0.0.1:0", line.answer, context=tls(keys, "NATO", believes)[0])
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
    assert heard == []
    assert line.strangers == 1
    assert line.writer is None


@pytest.mark.parametrize(("caller", "believes"), [("Mars", "Russia"), ("nobody", "Russia")])
def test_p3_a_certificate_of_another_authority_or_none_opens_no_line(keys: Path, caller: str, believes: str) -> None:
    line, heard = talked(keys, caller, believes, [WORD])
    assert heard == []
    assert (line.strangers, line.writer) == (0, None)


def test_p5_a_frame_that_is_too_long_ends_the_line_unread(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "FRAME_BYTES_MAX", 10)
    _, heard = talked(keys, "Russia", "Russia", [WORD, HEAD.pack(11, 1), b"x" * 11, WORD])
    assert heard == [True, (1, b"abc"), False]
