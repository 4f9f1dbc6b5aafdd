"""A file that is there whole or not at all: what failed half-way leaves nothing in the way of the next attempt."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from detente.records.errors import InputError


@contextmanager
def whole(path: Path, *, over: bool = False) -> Iterator[Path]:
    """A name beside ``path`` to write to. When the block ends well, what was written there is put at ``path``.

    ``over``: in place of what is there; otherwise FileExistsError where anything is. Disk errors come as they are.
    """
    scratch = path.parent / f".writing-{uuid4().hex}"
    try:
        yield scratch
        if over:
            os.replace(scratch, path)
        else:
            _put(scratch, path)
    finally:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)


def _put(scratch: Path, path: Path) -> None:
    """Give a file its name, if that is free: none that came there meanwhile is written over."""
    try:
        os.link(scratch, path)
    except FileExistsError:
        raise
    except OSError:  # a disk without links
        path.open("xb").close()
        try:
            os.replace(scratch, path)
        except OSError:
            path.unlink(missing_ok=True)
            raise


@contextmanager
def all_or_none() -> Iterator[list[Path]]:
    """A list to note each new file and folder in, before anything is written to it. Where the block fails, all go."""
    made: list[Path] = []
    try:
        yield made
    except BaseException:
        for one in reversed(made):
            with suppress(OSError):  # a folder into which somebody else has put something stays
                one.rmdir() if one.is_dir() else one.unlink()
        raise


def make_folder(made: list[Path], folder: Path) -> None:
    """Make a folder that is not there, and those above it, and note them."""
    if not folder.parent.is_dir():
        make_folder(made, folder.parent)
    folder.mkdir()
    made.append(folder)


@contextmanager
def owned_disk_errors(path: Path) -> Iterator[None]:
    """A full, read-only or forbidden disk, or a path that cannot be, is the user's to mend: an InputError."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"a file that cannot be written: {os.strerror(error.errno) if error.errno else error}",
            "a writable path, and room there", "choose another, or make room", file=str(path),
        ) from error  # fmt: skip


def there_already(path: Path, says: str = "") -> InputError:
    """What to tell of a file that is not written over."""
    return InputError(
        f"a file that is there already{says}", "a name that is free", "choose another, or move the file away",
        file=str(path),
    )  # fmt: skip
