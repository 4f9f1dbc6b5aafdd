"""What a durable round trip costs here at the least: bare commits, and a line between two processes.

``bench/live.py`` sets beside it what it measures. Here is no codec, no agreement, no ledger: one row kept at either end
(WAL, synchronous=FULL, the log's room taken beforehand). The line is TLS on blocking sockets, without an event loop; or
both brokers, through the same code as the exchange's own. Then, over TLS, the same with what no signed exchange can do
without: row and word signed and verified, and the word kept too. And this disk's bare ``fdatasync``, of bytes written
over others and of bytes that make a file longer.
"""

import asyncio
import contextlib
import os
import socket
import sqlite3
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detente.exercise.brokers import Brokers
from detente.gateway import transport
from detente.gateway.jetstream import JetStreamLine
from detente.gateway.standing import Standing

ROW_BYTES, WORD_BYTES = 4_500, 800  # of an envelope of ten records, and of a receipt
LOG_BYTES = 16_000_000
NUMBER = struct.Struct(">Q")
SIGNATURE_BYTES = 64
KEYS = tuple(Ed25519PrivateKey.from_private_bytes(bytes([side]) * 32) for side in (1, 2))  # of a measurement, no secret
STANDS_S = 1.0  # within which an answer comes once both brokers and the other process stand
EVERY_S = 0.01  # as often as the exchange's own round trips


def percentiles(times_s: list[float]) -> dict[str, float]:
    """Milliseconds."""
    ranked = sorted(times_s)
    return {"p50_ms": 1e3 * statistics.median(ranked), "p99_ms": 1e3 * ranked[int(0.99 * len(ranked))]}


def sync_times(folder: Path, times: int = 500) -> dict[str, dict[str, float]]:
    """This disk's ``fdatasync`` of 24 kB, as much as a small commit writes."""
    found = {}
    with (folder / "sync").open("wb", buffering=0) as stream:
        for name in ("longer", "over"):
            taken = []
            for index in range(times):
                began = time.perf_counter()
                os.pwrite(stream.fileno(), bytes(24_000), 24_000 * index)
                os.fdatasync(stream.fileno())
                taken.append(time.perf_counter() - began)
            found[name] = percentiles(taken)
    return found


def _book(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(path, isolation_level=None)
    for line in (
        "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA wal_autocheckpoint=100000",
        "CREATE TABLE rows (place INTEGER PRIMARY KEY, bytes BLOB)", "BEGIN",
        f"INSERT INTO rows VALUES (0, zeroblob({LOG_BYTES}))", "ROLLBACK",
    ):  # fmt: skip
        base.execute(line)
    with open(f"{path}-wal", "rb") as log:
        os.fsync(log.fileno())
    return base


def _keep(base: sqlite3.Connection, data: bytes) -> None:
    base.execute("BEGIN IMMEDIATE")
    base.execute("INSERT INTO rows (bytes) VALUES (?)", (data,))
    base.execute("COMMIT")


def _read(line: Any, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = line.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _files(folder: Path, name: str, partner: str) -> tuple[Path, Path, Path]:
    keys = folder / "keys"
    return keys / name / "tls.pem", keys / name / "tls.key", keys / "public" / partner / "authority.pem"


def answer(folder: Path, name: str, partner: str, port: int, signed: bool) -> None:
    """The other process: keeps what comes, then says so."""
    base, word = _book(folder / f"floor.{name}.{signed}"), os.urandom(WORD_BYTES)
    with socket.create_connection(("127.0.0.1", port)) as bare:
        bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with transport.contexts(*_files(folder, name, partner))[1].wrap_socket(bare) as line:
            try:
                while True:
                    row = _read(line, ROW_BYTES)
                    if signed:
                        KEYS[0].public_key().verify(_read(line, SIGNATURE_BYTES), row)
                    _keep(base, row)
                    line.sendall(word + KEYS[1].sign(word) if signed else word)
            except EOFError:
                return


def floor(folder: Path, names: Sequence[str], trips: int) -> dict[str, Any]:
    """Round trips between two processes, from before the commit here to their word that they kept it; bare, and
    signed, which ends with the commit that keeps their word. Keys for TLS are in ``folder``."""
    bare, signed = (_floor(folder, names, trips, signed) for signed in (False, True))
    return {"floor": percentiles(bare), "signed_floor": percentiles(signed), "fdatasync": sync_times(folder)}


def _floor(folder: Path, names: Sequence[str], trips: int, signed: bool) -> list[float]:
    base, row = _book(folder / f"floor.{names[0]}.{signed}"), os.urandom(ROW_BYTES)
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = [str(folder), names[1], names[0], str(server.getsockname()[1]), *(["signed"] if signed else [])]
        other, taken = subprocess.Popen([sys.executable, __file__, *place]), []
        bare, _ = server.accept()
        bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with transport.contexts(*_files(folder, names[0], names[1]))[0].wrap_socket(bare, server_side=True) as line:
            first = time.perf_counter()
            for index in range(trips):
                time.sleep(max(0.0, first + EVERY_S * index - time.perf_counter()))
                began = time.perf_counter()
                if signed:
                    signature = KEYS[0].sign(row)
                _keep(base, row)
                line.sendall(row + signature if signed else row)
                word = _read(line, WORD_BYTES)
                if signed:
                    KEYS[1].public_key().verify(_read(line, SIGNATURE_BYTES), word)
                    _keep(base, word)
                taken.append(time.perf_counter() - began)
        other.wait()
    return taken


async def answer_brokers(folder: Path, name: str, partner: str, inbox: str, outbox: str) -> None:
    """The other process: keeps what its broker brings, then says so through the partner's."""
    base, word = _book(folder / "floor.theirs"), os.urandom(WORD_BYTES - NUMBER.size)

    async def came(lane: int, data: bytes) -> None:
        _keep(base, data)
        line.send(lane, data[: NUMBER.size] + word)

    line = JetStreamLine(name, partner, came, Standing(_turned))
    await line.run(inbox, outbox, _context(folder, name))


async def brokers_floor(folder: Path, names: Sequence[str], trips: int) -> dict[str, Any]:
    """The same as :func:`floor` through both brokers, which run when this is asked; the folder is theirs."""
    base, rest = _book(folder / "floor.ours"), os.urandom(ROW_BYTES - NUMBER.size)
    kept_there: asyncio.Queue[int] = asyncio.Queue()

    async def heard(_: int, data: bytes) -> None:
        kept_there.put_nowait(NUMBER.unpack_from(data)[0])

    brokers = Brokers(folder, names)
    with brokers.server(names[0]), brokers.server(names[1]):
        command = [sys.executable, __file__, str(folder), names[1], names[0], *brokers.addresses(names[1])]
        line, other = JetStreamLine(names[0], names[1], heard, Standing(_turned)), subprocess.Popen(command)
        running = asyncio.create_task(line.run(*brokers.addresses(names[0]), _context(folder, names[0])))
        taken: list[float] = []
        number = 0
        while len(taken) < trips:
            await asyncio.sleep(EVERY_S)
            number, began = number + 1, time.perf_counter()
            row = NUMBER.pack(number) + rest
            _keep(base, row)
            line.send(1, row)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STANDS_S):
                    while await kept_there.get() != number:
                        pass
                taken.append(time.perf_counter() - began)
            assert time.perf_counter() - began < STANDS_S or not taken, "an answer was lost while both stood"
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        other.kill()
        other.wait()
    return {"floor": percentiles(taken)}


def _turned(up: bool) -> None:
    """The line came or went."""


def _context(folder: Path, name: str) -> Any:
    own = folder / "keys" / name
    return transport.contexts(own / "tls.pem", own / "tls.key", folder / "all.pem")[1]


if __name__ == "__main__":
    folder, own, other, *place = sys.argv[1:]
    if place[0].startswith("tls:"):
        asyncio.run(answer_brokers(Path(folder), own, other, place[0], place[1]))
    else:
        answer(Path(folder), own, other, int(place[0]), signed=place[1:] == ["signed"])
