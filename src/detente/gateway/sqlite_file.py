"""A store's file as such: held by one gateway at a time, not cut short, and how it is refused."""

import fcntl
import os
from pathlib import Path

from detente.records.errors import InputError


def refused(path: Path, found: str, expected: str, remedy: str) -> InputError:
    """What is raised of a file that cannot be this store."""
    return InputError(found=found, expected=expected, remedy=remedy, file=str(path))


def damaged(path: Path, what: str) -> InputError:
    """The same of a store of which ``what`` is wrong."""
    return refused(
        path, f"a store that is damaged or truncated: {what}", "a whole store",
        "move it away to begin a new epoch with an empty one: an older copy would deny what partners were told",
    )  # fmt: skip


def hold(path: Path) -> int:
    """Hold a store's file against other gateways until the descriptor is closed; BlockingIOError where one has it.

    It must be closed last: with it go the locks of everything else that this process has open on the file.
    """
    held = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        raise
    return held


def is_held(path: Path) -> bool:
    """True where a gateway that runs holds this store."""
    with path.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def remove(path: Path) -> None:
    """Leave nothing of a store's file, nor of what SQLite has beside it."""
    for end in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def check_size(path: Path) -> None:
    """Refuse a file cut short: SQLite would find that only when it reads there."""
    with path.open("rb") as stream:
        head = stream.read(100)
    size = path.stat().st_size
    if len(head) < 100 or head[:16] != b"SQLite format 3\0":
        raise damaged(path, f"{size} bytes")
    page = int.from_bytes(head[16:18], "big")
    page = 65_536 if page == 1 else page
    pages = int.from_bytes(head[28:32], "big")
    # With a write-ahead log beside it the file may hold fewer pages than its last commit.
    if not path.with_name(path.name + "-wal").exists() and size < page * pages:
        raise damaged(path, f"{size} bytes")
