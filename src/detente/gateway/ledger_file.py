"""A ledger on disk, as an auditor reads it: the document of a recorded run, or the store of a live gateway."""

import json
import math
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from detente.centre.exchange.audit import Book
from detente.centre.exchange.dsse import Keys, keyring
from detente.centre.exchange.ledger import Entry, EntryKind, Head, Tip, head_of
from detente.centre.exchange.statement import Evidence, evidence
from detente.gateway.sqlite_store import is_held
from detente.records.errors import InputError, PeerError

BYTES_MAX = 1 << 30
WORDS_MAX = 1000  # newest envelopes of a store that are searched for heads
SQLITE_MARK = b"SQLite format 3\x00"


@dataclass(frozen=True, kw_only=True)
class LedgerFile:
    """A ledger that was read, and how far the signed words in it could be checked."""

    book: Book
    words: int  # signed words found
    proved: int  # of them, those whose signature holds by a known key; only these are evidence


def read_ledger(
    path: Path, *, partner: str | None = None, keys: Mapping[str, Sequence[Ed25519PublicKey]] | None = None
) -> LedgerFile:
    """The ledger in a file. Raises InputError where it is none.

    ``partner`` chooses among those of a store with several. ``keys`` are the sides' keys as known beforehand; without
    them those that the file itself names are taken, which proves no more than that the file agrees with itself.
    """
    try:
        if path.stat().st_size > BYTES_MAX:
            raise _refused(path, f"a file of {path.stat().st_size:,} bytes")
        with path.open("rb") as stream:
            mark = stream.read(len(SQLITE_MARK))
        if mark == SQLITE_MARK:
            if is_held(path):
                raise _running(path)
            return _from_store(path, partner, keys or {})
        return _from_document(path, json.loads(path.read_text(encoding="utf-8")), keys)
    except IsADirectoryError as error:
        held = ", ".join(sorted(item.name for item in path.glob("ledger-*.json"))) or "none"
        raise InputError(
            found="a folder", expected=f"one ledger's file (in this folder: {held})", remedy="name the file",
            file=str(path),
        ) from error  # fmt: skip
    except OSError as error:
        raise _refused(path, f"a file that cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, sqlite3.Error) as error:
        if "locked" in str(error):
            raise _running(path) from error
        raise _refused(path, f"not a ledger: {type(error).__name__}: {error}") from error


def _running(path: Path) -> InputError:
    return InputError(
        found="a store that a running gateway holds", expected="a store at rest",
        remedy="stop the gateway, or look at a copy of its store", file=str(path),
    )  # fmt: skip


def _refused(path: Path, found: str) -> InputError:
    return InputError(
        found=found, expected="a ledger: `ledger-….json` of a run, or the store of a gateway",
        remedy="check which file is meant", file=str(path),
    )  # fmt: skip


def _from_document(
    path: Path, said: dict[str, Any], keys: Mapping[str, Sequence[Ed25519PublicKey]] | None
) -> LedgerFile:  # fmt: skip
    if said["schema"] != 1:
        raise _refused(path, f"a ledger of schema {said['schema']}; 1 is known")
    sides = (str(said["side"]), str(said["partner"]))
    if keys is None:
        keys = {
            side: [Ed25519PublicKey.from_public_bytes(bytes.fromhex(text)) for text in said["keys"].get(side, ())]
            for side in sides
        }
    words = [bytes.fromhex(text) for text in said["words"]]
    entries = tuple(_entry(line) for line in said["entries"])
    return _read(sides, entries, head_of(said["head"]), words, keys)


def _entry(line: dict[str, Any]) -> Entry:
    """An entry from a document; that it is well formed is all that is asked here."""
    digest, previous = bytes.fromhex(line["envelope_digest"]), bytes.fromhex(line["previous"])
    times = float(line["written_s"]), float(line["stated_s"])
    numbers = tuple(int(line[name]) for name in ("index", "epoch", "sequence"))
    if len(digest) != 32 or len(previous) != 32 or not all(map(math.isfinite, times)):
        raise ValueError(f"entry {line['index']} is malformed")
    if not all(0 <= number < 1 << 64 for number in numbers):
        raise ValueError(f"entry {line['index']} has a number out of bounds")
    return Entry(
        index=numbers[0], kind=EntryKind[line["kind"].upper()], written_s=times[0], stated_s=times[1],
        epoch=numbers[1], sequence=numbers[2], envelope_digest=digest, previous=previous,
    )  # fmt: skip


def _from_store(
    path: Path, partner: str | None, keys: Mapping[str, Sequence[Ed25519PublicKey]]
) -> LedgerFile:  # fmt: skip
    """From a gateway's store, opened for reading alone."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as base:
        side = base.execute("SELECT value FROM about WHERE key = 'side'").fetchone()[0]
        partners = [row[0] for row in base.execute("SELECT DISTINCT partner FROM ledger ORDER BY partner")]
        if partner is None and len(partners) != 1:
            raise InputError(
                found=f"a store with ledgers kept with {', '.join(partners) or 'nobody'}", expected="one of them",
                remedy="name one with --partner", file=str(path),
            )  # fmt: skip
        chosen = partner or partners[0]
        rows = base.execute("SELECT * FROM ledger WHERE partner = ? ORDER BY place", (chosen,))
        entries = tuple(
            Entry(
                index=place, kind=EntryKind(kind), written_s=written, stated_s=stated, epoch=epoch, sequence=sequence,
                envelope_digest=digest, previous=previous,
            )
            for _, place, kind, written, stated, epoch, sequence, digest, previous in rows
        )  # fmt: skip
        newest = base.execute(
            "SELECT envelope FROM inbox WHERE partner = ? ORDER BY epoch DESC, sequence DESC LIMIT ?",
            (chosen, WORDS_MAX),
        )
        words = [row[0] for row in newest]
        kept = base.execute("SELECT document FROM kept WHERE partner = ?", (chosen,)).fetchone()
    return _read((side, chosen), entries, _stated_head(entries, kept), words, keys)


def _stated_head(entries: Sequence[Entry], kept: tuple[str] | None) -> Head:
    """The head that a store states: of its kept tip, or, where none was kept, of its entries."""
    if kept is not None and "tip" in (said := json.loads(kept[0])):
        size, peaks, last = said["tip"]
        return Tip(size=size, peaks=tuple(map(bytes.fromhex, peaks)), last=bytes.fromhex(last)).head
    tip = Tip()
    for entry in entries:
        tip = tip.after(entry)
    return tip.head


def _read(
    sides: tuple[str, str], entries: tuple[Entry, ...], head: Head, words: Sequence[bytes],
    keys: Mapping[str, Sequence[Ed25519PublicKey]],
) -> LedgerFile:  # fmt: skip
    rings = {side: keyring(*keys.get(side, ())) for side in sides}
    proved = [found for word in words if (found := _proved(word, rings)) is not None]
    book = Book(side=sides[0], partner=sides[1], entries=entries, head=head, words=tuple(proved))
    return LedgerFile(book=book, words=len(words), proved=len(proved))


def _proved(word: bytes, rings: Mapping[str, Keys]) -> Evidence | None:
    """What a signed word proves; None where it proves nothing. The key must be one of the side that it speaks for."""
    for side, ring in rings.items():
        try:
            found = evidence(word, ring)
        except PeerError:
            continue
        if found.speaker == side:
            return found
    return None
