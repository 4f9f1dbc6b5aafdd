"""A ledger on disk, as an auditor reads it: the document of a recorded run, or the store of a live gateway."""

import json
import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from detente.centre.exchange.audit import Book
from detente.centre.exchange.dsse import Keys, keyring
from detente.centre.exchange.ledger import NOTHING_BEFORE, Entry, EntryKind, Fault, FaultKind, Head, Tip, head_of
from detente.centre.exchange.merkle import HASH_BYTES
from detente.centre.exchange.statement import Evidence
from detente.gateway.files import why_not
from detente.gateway.logic.notes import evidence
from detente.gateway.sqlite_file import is_held
from detente.gateway.sqlite_tables import VERSION
from detente.records.errors import InputError, PeerError

BYTES_MAX = 1 << 30
WORDS_MAX = 1000  # newest envelopes of a store that are searched for heads
EXERCISE = ("clock origin", "clock rate", "marking", "tick length", "theatre")
"""What a store says of the exercise that it belongs to, and that both sides' stores say alike."""

PublicKeys = Mapping[str, Sequence[Ed25519PublicKey]]
SQLITE_MARK = b"SQLite format 3\x00"


@dataclass(frozen=True, kw_only=True)
class LedgerFile:
    """A ledger that was read, and how far the signed words in it could be checked."""

    book: Book
    words: int  # signed words found
    proved: int  # of them, those whose signature holds by a known key; only these are evidence
    exchange: Mapping[str, str]  # of which one it is, in words, as far as it says so


def read_ledger(path: Path, *, partner: str | None = None, keys: PublicKeys | None = None) -> LedgerFile:
    """The ledger in a file. Raises InputError where it is none.

    ``partner`` chooses among those of a store with several. ``keys`` are both sides' keys as known beforehand; without
    them those that the file itself names are taken, which proves no more than that the file agrees with itself. A store
    names none.
    """
    try:
        if path.stat().st_size > BYTES_MAX:
            raise _refused(path, f"a file of {path.stat().st_size:,} bytes")
        with path.open("rb") as stream:
            mark = stream.read(len(SQLITE_MARK))
        if mark == SQLITE_MARK:
            if is_held(path):
                raise _running(path)
            found = _from_store(path, partner, keys)
        else:
            found = _from_document(path, json.loads(path.read_text(encoding="utf-8")), partner, keys)
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
        raise _refused(path, f"not a ledger: {why_not(error)}") from error
    return found


def refuse_other(mine: LedgerFile, other: LedgerFile, path: Path) -> None:
    """Raise InputError where what the ``other`` file, at ``path``, says of its exchange is not what the first says.

    Held against each other, ledgers of two exchanges would make liars of honest sides.
    """
    for what, said in mine.exchange.items():
        found = other.exchange.get(what, said)
        if found != said:
            raise InputError(
                found=f"a ledger of another exercise: its {what} is {found}, that of the first is {said}",
                expected="the partner's ledger of the same exercise", remedy="name the partner's file of that exercise",
                file=str(path),
            )  # fmt: skip


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
    path: Path, said: dict[str, Any], partner: str | None, keys: PublicKeys | None
) -> LedgerFile:  # fmt: skip
    if said["schema"] != 1:
        raise _refused(path, f"a ledger of schema {said['schema']}; 1 is known")
    sides = (str(said["side"]), str(said["partner"]))
    if partner not in (None, sides[1]):
        raise _with_another(path, partner, sides[0], sides[1:])
    named = {
        side: keyring(*(Ed25519PublicKey.from_public_bytes(bytes.fromhex(text)) for text in said["keys"].get(side, ())))
        for side in sides
    }
    rings = named if keys is None else _rings(path, sides, keys)
    names = ("index", "kind", "written_s", "stated_s", "epoch", "sequence", "envelope_digest", "previous")
    lines = [tuple(line[name] for name in names) for line in said["entries"]]
    words = [bytes.fromhex(text) for text in said["words"]]
    found = _read(sides, _entries(lines), words, rings, head=head_of(said["head"]))
    # A run is under one agreement, and its sides have a key each; in a live exercise both may be replaced.
    own = _proved_of(words, named)
    exchange = {**_said_by(own), **_alike("agreement", (word.agreement for word in own))}
    for side, ring in named.items():
        exchange |= _alike(f"key of {side}", (key.hex()[:16] for key in ring))
    return replace(found, exchange=exchange)


def _from_store(path: Path, partner: str | None, keys: PublicKeys | None) -> LedgerFile:
    """From a gateway's store, opened for reading alone."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as base:
        version = base.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            raise InputError(
                found=f"a store of version {version}", expected=f"version {VERSION}",
                remedy="use the release of Détente that wrote it", file=str(path),
            )  # fmt: skip
        about = dict(base.execute("SELECT key, value FROM about").fetchall())
        side = about["side"]
        rows = base.execute("SELECT partner FROM ledger UNION SELECT partner FROM kept ORDER BY partner")
        partners = tuple(row[0] for row in rows)
        if partner not in (None, *partners):
            raise _with_another(path, partner, side, partners)
        if partner is None and len(partners) != 1:
            raise InputError(
                found=f"a store with ledgers kept with {', '.join(partners) or 'nobody'}", expected="one of them",
                remedy="name one with --partner", file=str(path),
            )  # fmt: skip
        sides = (side, partner or partners[0])
        rings = _rings(path, sides, keys)
        lines = base.execute(
            "SELECT place, kind, written_s, stated_s, epoch, sequence, digest, previous FROM ledger "
            "WHERE partner = ? ORDER BY place", sides[1:],
        ).fetchall()  # fmt: skip
        words = base.execute(
            "SELECT word FROM testimony WHERE partner = ?1 UNION ALL SELECT * FROM "
            "(SELECT envelope FROM inbox WHERE partner = ?1 ORDER BY epoch DESC, sequence DESC LIMIT ?2)",
            (sides[1], WORDS_MAX),
        ).fetchall()  # fmt: skip
        kept = base.execute("SELECT document FROM kept WHERE partner = ?", sides[1:]).fetchone()
    said = {} if kept is None else json.loads(kept[0])
    found = _read(sides, _entries(lines), [row[0] for row in words], rings, said=said)
    exchange = {**found.exchange, **{what: about[what] for what in EXERCISE if what in about}}
    return replace(found, book=replace(found.book, epoch=int(about["epoch"])), exchange=exchange)


@dataclass(frozen=True, kw_only=True)
class _Entries:
    """The lines of a ledger: where one is no entry, another stands in for it, and it is told."""

    entries: tuple[Entry, ...]
    spoilt: tuple[Fault, ...]


def _entries(lines: Sequence[tuple[Any, ...]]) -> _Entries:
    """From (index, kind, written_s, stated_s, epoch, sequence, digest, previous); hashes as bytes or in hexadecimal."""
    entries: list[Entry] = []
    spoilt: list[Fault] = []
    for place, line in enumerate(lines):
        try:
            entries.append(_entry(*line))
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            what = f"entry {place} is not one that a ledger can hold: {error}"
            spoilt.append(Fault(index=place, kind=FaultKind.EDIT, what=what))
            entries.append(
                Entry(
                    index=place, kind=EntryKind.REFUSED, written_s=0.0, stated_s=0.0, epoch=0, sequence=0,
                    envelope_digest=NOTHING_BEFORE, previous=entries[-1].hash if entries else NOTHING_BEFORE,
                )
            )  # fmt: skip
    return _Entries(entries=tuple(entries), spoilt=tuple(spoilt))


def _entry(
    index: Any, kind: Any, written_s: Any, stated_s: Any, epoch: Any, sequence: Any, digest: Any, previous: Any
) -> Entry:  # fmt: skip
    """The entry of a line; that it is well formed is all that is asked here."""
    digests = [bytes.fromhex(one) if isinstance(one, str) else one for one in (digest, previous)]
    times = float(written_s), float(stated_s)
    numbers = int(index), int(epoch), int(sequence)
    if not all(isinstance(one, bytes) and len(one) == HASH_BYTES for one in digests):
        raise ValueError("a hash of another form")
    if not all(map(math.isfinite, times)):
        raise ValueError("a time that is no number")
    if not all(0 <= number < 1 << 64 for number in numbers):
        raise ValueError("a number out of bounds")
    return Entry(
        index=numbers[0], kind=EntryKind[kind.upper()] if isinstance(kind, str) else EntryKind(kind),
        written_s=times[0], stated_s=times[1], epoch=numbers[1], sequence=numbers[2],
        envelope_digest=digests[0], previous=digests[1],
    )  # fmt: skip


def _read(
    sides: tuple[str, str], lines: _Entries, words: Sequence[bytes], rings: Mapping[str, Keys], *,
    head: Head | None = None, said: Mapping[str, Any] | None = None,
) -> LedgerFile:  # fmt: skip
    """What was read; the head, where none is given, is the one that a store states in what it ``said`` of its link."""
    proved = _proved_of(words, rings)
    waiting = {}
    if said:
        size, peaks, last = said["tip"]
        head = Tip(size=size, peaks=tuple(map(bytes.fromhex, peaks)), last=bytes.fromhex(last)).head
        waiting = {(said["partner_epoch"], n): bytes.fromhex(digest) for n, _, digest, _ in said["beyond"]}
    book = Book(
        side=sides[0], partner=sides[1], entries=lines.entries, head=_head_of(lines.entries) if head is None else head,
        words=tuple(proved), waiting=waiting, spoilt=lines.spoilt,
    )  # fmt: skip
    return LedgerFile(book=book, words=len(words), proved=len(proved), exchange=_said_by(proved))


def _said_by(words: Sequence[Evidence]) -> dict[str, str]:
    """What signed words say, all alike, of the exchange that they belong to."""
    return {**_alike("marking", (word.marking for word in words)), **_alike("origin", (word.origin for word in words))}


def _alike(what: str, said: Iterable[str]) -> dict[str, str]:
    values = set(said)
    return {what: values.pop()} if len(values) == 1 else {}


def _head_of(entries: Sequence[Entry]) -> Head:
    """The head of these entries: of a store that was never told its own."""
    tip = Tip()
    for entry in entries:
        tip = tip.after(entry)
    return tip.head


def _rings(path: Path, sides: tuple[str, str], keys: PublicKeys | None) -> dict[str, Keys]:
    """Both sides' keys as known beforehand; none where none are known. Raises InputError where they are of others."""
    if keys is not None and set(keys) != set(sides):
        raise InputError(
            found=f"keys of {', '.join(sorted(keys)) or 'nobody'} for {sides[0]}'s ledger with {sides[1]}",
            expected=f"keys of {sides[0]} and {sides[1]}",
            remedy=f"give --key {sides[0]}=FILE --key {sides[1]}=FILE, repeated where a side had several",
            file=str(path),
        )  # fmt: skip
    return {side: keyring(*(keys or {}).get(side, ())) for side in sides}


def _with_another(path: Path, partner: str | None, side: str, partners: Sequence[str]) -> InputError:
    return InputError(
        found=f"{side}'s ledger with {', '.join(partners) or 'nobody'}", expected=f"a ledger kept with {partner}",
        remedy="correct --partner, or name the partner's ledger", file=str(path),
    )  # fmt: skip


def _proved_of(words: Sequence[bytes], rings: Mapping[str, Keys]) -> list[Evidence]:
    """What these words prove: those of which the signature holds."""
    return [found for word in words if (found := _proved(word, rings)) is not None]


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
