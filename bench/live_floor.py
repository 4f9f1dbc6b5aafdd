"""What a durable round trip costs here at the least: two bare commits, and a line between two processes.

``bench/live.py`` sets beside it what it measures. Here is no signature, no ledger, no receipt's commit: one row kept at
either end (WAL, synchronous=FULL, the log's room taken beforehand). The line is TLS on blocking sockets, without an
event loop; or both brokers, through the same code as the exchange's own. And this disk's bare ``fdatasync``, of bytes
written over others and of bytes that make a file longer.
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

from detente.exercise.brokers import Brokers
from detente.gateway import transport
from detente.gateway.jetstream import JetStreamLine
from detente.gateway.standing import Standing

ROW_BYTES, WORD_BYTES = 4_500, 800  # of an envelope of ten records, and of a receipt
LOG_BYTES = 16_000_000
NUMBER = struct.Struct(">Q")
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


def answer(folder: Path, name: str, partner: str, port: int) -> None:
    """The other process: keeps what comes, then says so."""
    base, word = _book(folder / "floor.theirs"), os.urandom(WORD_BYTES)
    with socket.create_connection(("127.0.0.1", port)) as bare:
        bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with transport.contexts(*_files(folder, name, partner))[1].wrap_socket(bare) as line:
            try:
                while True:
                    _keep(base, _read(line, ROW_BYTES))
                    line.sendall(word)
            except EOFError:
                return


def floor(folder: Path, names: Sequence[str], trips: int) -> dict[str, Any]:
    """Round trips between two processes, from before the commit here to their word that they kept it.

    Keys are in ``folder``.
    """
    base, row = _book(folder / "floor.ours"), os.urandom(ROW_BYTES)
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = [sys.executable, __file__, str(folder), names[1], names[0], str(server.getsockname()[1])]
        other, taken = subprocess.Popen(command), []
        bare, _ = server.accept()
        bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with transport.contexts(*_files(folder, names[0], names[1]))[0].wrap_socket(bare, server_side=True) as line:
            first = time.perf_counter()
            for index in range(trips):
                time.sleep(max(0.0, first + EVERY_S * index - time.perf_counter()))
                began = time.perf_counter()
                _keep(base, row)
                line.sendall(row)
                _read(line, WORD_BYTES)
                taken.append(time.perf_counter() - began)
        other.wait()
    return {"floor": percentiles(taken), "fdatasync": sync_times(folder)}


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
    if len(sys.argv) == 5:
        answer(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        asyncio.run(answer_brokers(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5]))
