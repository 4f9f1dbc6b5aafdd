"""Writing results: everything or nothing, under the folder that ``--out`` names."""

import errno
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from detente import __version__
from detente.records.errors import InputError
from detente.records.table import Table

MANIFEST = "manifest.json"
PROBE_BYTES = 4_000_000  # about what a small study writes


@contextmanager
def owned_disk_errors(folder: Path, left: str = "nothing was left half-written") -> Iterator[None]:
    """A full, read-only or forbidden disk is the user's to mend: an :class:`InputError` that says what is ``left``."""
    try:
        yield
    except OSError as error:
        reasons = {
            errno.ENOSPC: "the disk is full",
            errno.EDQUOT: "the disk quota is used up",
            errno.EROFS: "the disk is read-only",
            errno.EACCES: "writing there is not allowed",
            errno.EPERM: "writing there is not allowed",
            errno.ENOTDIR: "a part of the path is a file, not a folder",
            errno.EEXIST: "a file of that name is in the way",
        }
        raise InputError(
            found=f"cannot write into {folder}: {reasons.get(error.errno or 0, error.strerror or str(error))}",
            expected="a folder with room, that this user may write",
            remedy=f"give another folder with --out, or make room; {left}",
            path="--out",
        ) from error


def check_folder(folder: Path) -> None:
    """Prove that a folder can be made and written, before any long work. Leaves nothing."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    with owned_disk_errors(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(b"\0" * PROBE_BYTES)
                probe.flush()
                os.fsync(probe.fileno())
        finally:
            for one in missing:
                if one.is_dir():
                    one.rmdir()


@contextmanager
def all_or_nothing(folder: Path) -> Iterator[Path]:
    """A scratch folder; when the block ends well, what it holds replaces the results of the same name.

    So it does all that the manifest which is there lists: no file of an earlier result stays among those of this one.
    """
    with owned_disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
        try:
            yield scratch
            made = sorted(scratch.iterdir())
            for stale in _listed(folder / MANIFEST) - {item.name for item in made}:
                _remove(folder / stale)
            for item in made:
                target = folder / item.name
                if target.is_dir():
                    _remove(target)
                os.replace(item, target)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def write_table(table: Table, path: Path) -> None:
    """One stage as Parquet, with units and frames in the field metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.to_arrow(), path, compression="zstd")


def write_json(document: Any, path: Path) -> None:
    """A JSON document, readable and without NaN."""
    path.write_text(json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _listed(manifest: Path) -> set[str]:
    """The files and folders beside a manifest that it lists; none where it is not there, or no such document."""
    try:
        names = list(json.loads(manifest.read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return {name for name in names if isinstance(name, str) and name not in ("", "..") and Path(name).name == name}


def write_manifest(folder: Path, *, what: str, digest: str, seed: int, parameters: dict[str, Any]) -> None:
    """What made a result: version, scenario digest, seed, parameters, environment; and its files. Written last."""
    packages = ("numpy", "numba", "scipy", "pyarrow", "pandas", "pydantic", "shapely", "cryptography")
    document = {
        "what": what,
        "version": __version__,
        "scenario_digest": digest,
        "seed": seed,
        "parameters": parameters,
        "files": sorted([*(item.name for item in folder.iterdir()), MANIFEST]),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "environment": {
            "python": sys.version.split()[0],
            "platform": platform.platform(),
            "machine": platform.machine(),
            "cpu": _cpu(),
            "packages": {name: version_of(name) for name in packages},
        },
    }
    write_json(document, folder / MANIFEST)


def _cpu() -> dict[str, str]:
    from llvmlite.binding import get_host_cpu_features, get_host_cpu_name

    features = get_host_cpu_features()
    wide = [name for name in ("avx2", "avx512f", "fma", "neon", "sve") if features.get(name)]
    return {"name": get_host_cpu_name(), "features": ",".join(wide)}


class Store:
    """Finished chunks of a study, kept until the study is written, so that it can be stopped and resumed."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder / ".chunks"
        self.key = key

    def open(self, *, resume: bool) -> None:
        """Start empty, or with the chunks of a stopped study of the same key. InputError rather than lose any."""
        kept = self.folder / "key"
        same = kept.is_file() and kept.read_text() == self.key
        finished = len(list(self.folder.glob("*/done")))
        if finished and not (resume and same):
            one = "a stopped study" if same else "a stopped study of another scenario, seed, architectures or version"
            raise InputError(
                found=f"{one} with {finished} finished part{'s' if finished > 1 else ''} in {self.folder}",
                expected="a folder without one" + ("" if resume else ", or --resume"),
                remedy=("go on with it (--resume), " if same else "") + f"name another --out, or delete {self.folder}",
                path="--out",
            )  # fmt: skip
        if not same:
            shutil.rmtree(self.folder, ignore_errors=True)
        with owned_disk_errors(self.folder.parent):
            self.folder.mkdir(parents=True, exist_ok=True)
            kept.write_text(self.key)

    def load(self, first: int, read: Callable[[Path], Any]) -> Any | None:
        """The chunk that begins with this replicate, if it was finished."""
        path = self.folder / f"{first:08d}"
        return read(path) if (path / "done").is_file() else None

    def save(self, first: int, write: Callable[[Path], None]) -> None:
        """Keep a finished chunk; a chunk is there whole or not at all."""
        path = self.folder / f"{first:08d}"
        with owned_disk_errors(self.folder.parent, "what was finished is kept in .chunks, where --resume finds it"):
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(parents=True)
            write(path)
            (path / "done").touch()

    def close(self) -> None:
        """The study is written: its chunks are no longer needed."""
        shutil.rmtree(self.folder, ignore_errors=True)
