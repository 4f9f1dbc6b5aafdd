"""Certificates are renewed while a line stands: it goes on, and the next handshake shows the new one."""

import asyncio
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from detente.gateway.keys import make_keys
from detente.gateway.transport import contexts, open_door, renew
from detente.records.errors import InputError

SIDES = ("NATO", "Russia")


def files(folder: Path, side: str, of: str) -> tuple[Path, Path, Path]:
    return folder / side / "tls.pem", folder / side / "tls.key", folder / "public" / of / "authority.pem"


def test_a_renewed_certificate_is_shown_from_the_next_handshake_on(tmp_path: Path) -> None:
    for name in ("old", "new"):
        make_keys(tmp_path / name, SIDES, datetime.now(UTC))
    nato = contexts(*files(tmp_path / "old", *SIDES))
    russia = contexts(*files(tmp_path / "old", *SIDES[::-1]))

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    async def story() -> list[bytes]:
        server = await open_door("127.0.0.1:0", echo, lambda error: None, nato[0])
        port, shown = server.sockets[0].getsockname()[1], []
        lines = []
        for number in range(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=russia[1])
            lines.append((reader, writer))
            shown.append(writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
            if number == 0:
                renew(russia, *files(tmp_path / "new", *SIDES[::-1]))
                renew(nato, *files(tmp_path / "new", *SIDES))
        for number, (reader, writer) in enumerate(lines):
            writer.write(bytes([number]) * 5)
            assert await reader.readexactly(5) == bytes([number]) * 5
            writer.close()
        server.close()
        return shown

    shown = asyncio.run(story())
    expected = [ssl.PEM_cert_to_DER_cert((tmp_path / name / "NATO" / "tls.pem").read_text()) for name in ("old", "new")]
    assert shown == expected
    assert shown[0] != shown[1]


def test_files_that_do_not_fit_change_nothing(tmp_path: Path) -> None:
    make_keys(tmp_path, SIDES, datetime.now(UTC))
    used = contexts(*files(tmp_path, *SIDES))
    certificate, _, authority = files(tmp_path, *SIDES)
    with pytest.raises(InputError, match="do not fit"):
        renew(used, certificate, tmp_path / "Russia" / "tls.key", authority)
