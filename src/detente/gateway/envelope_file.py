"""Signed words on disk, as people and their tools look at them: envelopes, receipts and notes, wherever they lie.

That is the store of a gateway at rest (its inbox, and what waits in its outbox), the ledger's document of a recorded
run, a run's folder with such documents, one frame as it goes over a line, or one word in DSSE's JSON form.
"""

import json
import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from detente.centre.exchange import canonical, dsse, message, statement
from detente.centre.exchange.dsse import Keys, Kind, keyring
from detente.centre.exchange.ledger import head_fields
from detente.centre.exchange.rules import DATA
from detente.gateway.files import why_not
from detente.gateway.logic import notes
from detente.gateway.sqlite_file import is_held
from detente.records.errors import InputError, PeerError

PublicKeys = Mapping[str, Sequence[Ed25519PublicKey]]

KINDS = (message.KIND, statement.RECEIPT, notes.NOTE)
BYTES_MAX = 1 << 30
SQLITE_MARK = b"SQLite format 3\x00"
DATA_NAMES = {int(code): name for name, code in DATA.items()}
SHAPES = {
    statement.RECEIPT: (statement.RECEIPT_FIELDS, "the receipt", statement.BYTES_MAX, statement.BRACKETS_MAX),
    notes.NOTE: (notes.FIELDS, "the note", notes.BYTES_MAX, notes.BRACKETS_MAX),
}
"""Of words that are canonical JSON and nothing else: their fields, name, and bounds."""


@dataclass(frozen=True, kw_only=True)
class Word:
    """One signed word, nothing of it checked."""

    place: str  # where it lay, for people: ``inbox, from Russia``
    frame: bytes
    named: PublicKeys | None = None  # the keys that its file itself names: they show that it agrees with itself

    @property
    def kind(self) -> Kind:
        """Which kind of word it says it is. Raises PeerError where it is none."""
        return dsse.kind_of(self.frame, KINDS)


def read_words(path: Path) -> list[Word]:
    """Every signed word in a file or a run's folder, in order. Raises InputError where there is none."""
    try:
        if path.is_dir():
            found = [
                replace(word, place=f"{ledger.name}, {word.place}")
                for ledger in sorted(path.glob("ledger-*.json"))
                for word in read_words(ledger)
            ]
        else:
            found = list(_of_file(path))
    except OSError as error:
        raise _refused(path, f"a file that cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, sqlite3.Error, PeerError) as error:
        raise _refused(path, f"no signed word: {why_not(error)}") from error
    if not found:
        raise _refused(path, "no signed word")
    return found


def _of_file(path: Path) -> Iterator[Word]:
    size = path.stat().st_size
    with path.open("rb") as stream:
        mark = stream.read(len(SQLITE_MARK))
    if mark == SQLITE_MARK:
        yield from _of_store(path)
        return
    if size > BYTES_MAX:
        raise ValueError(f"a file of {size:,} bytes")
    content = path.read_bytes()
    if content.lstrip()[:1] != b"{":
        frame = Word(place="frame", frame=content)
        dsse.signer_id(frame.kind, content)
        yield frame
        return
    text = content.decode("utf-8")
    said = json.loads(text)
    if "payloadType" in said:
        yield Word(place="JSON", frame=dsse.from_json(KINDS, text))
        return
    if said["schema"] != 1:
        raise ValueError(f"a ledger of schema {said['schema']}; 1 is known")
    named = {
        party: [Ed25519PublicKey.from_public_bytes(bytes.fromhex(text)) for text in texts]
        for party, texts in said.get("keys", {}).items()
    }
    for number, word in enumerate(said["words"], 1):
        yield Word(place=f"word {number}", frame=bytes.fromhex(word), named=named or None)


def _of_store(path: Path) -> Iterator[Word]:
    if is_held(path):
        raise InputError(
            found="a store that a running gateway holds", expected="a store at rest",
            remedy="stop the gateway, or look at a copy of its store", file=str(path),
        )  # fmt: skip
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as base:
        for way, table in (("from", "inbox"), ("for", "outbox")):
            order = "epoch, sequence" if table == "inbox" else "sequence"
            rows = base.execute(f"SELECT partner, envelope FROM {table} ORDER BY partner, {order}")
            for partner, frame in rows:
                if frame:  # what was closed in the outbox keeps its line, and no envelope
                    yield Word(place=f"{table}, {way} {partner}", frame=frame)


def _refused(path: Path, found: str) -> InputError:
    return InputError(
        found=found,
        expected="a gateway's store, a run's folder or ledger, a frame, or a word in DSSE's JSON form",
        remedy="check which file is meant", file=str(path),
    )  # fmt: skip


def told(word: Word, keys: PublicKeys | None, *, rows: bool = False) -> dict[str, Any]:
    """What a word is, whether its signature holds and, only where it does, what it says: as JSON.

    ``keys`` are the parties' as known beforehand; without them those are taken that the file itself names, and where
    it names none, nothing is read of what was signed. ``rows``: with every message of an envelope, column by column.
    """
    trusted = keys if keys is not None else word.named
    document: dict[str, Any] = {
        "place": word.place, "bytes": len(word.frame), "digest": dsse.envelope_digest(word.frame).hex(),
        "kind": None, "key": None, "keys_known_beforehand": keys is not None, "signature": "unchecked",
        "signed_by": None, "why": "", "says": None,
    }  # fmt: skip
    try:
        kind = word.kind
        document |= {"kind": kind.payload_type, "key": dsse.signer_id(kind, word.frame).hex()}
        if trusted is None:
            return document
        party, ring = _party(kind, word.frame, trusted)
        says = _says(kind, word.frame, ring, rows=rows)
        if says["giver"] != party:
            raise PeerError(f"signed by {party}, and speaks for {says['giver']}")
    except PeerError as error:
        return document | {"signature": "does not hold", "why": str(error)}
    return document | {"signature": "holds", "signed_by": party, "says": says}


def only_word(path: Path, words: Sequence[Word], number: int | None) -> Word:
    """The word of this number, counted from 1; without a number the only one. Raises InputError."""
    if number is None and len(words) == 1:
        return words[0]
    if number is None or not 1 <= number <= len(words):
        raise InputError(
            f"{len(words)} signed words" if number is None else f"--number {number}", f"one, from 1 to {len(words)}",
            "name it with --number; `detente envelope show` lists them", file=str(path),
        )  # fmt: skip
    return words[number - 1]


def _party(kind: Kind, frame: bytes, keys: PublicKeys) -> tuple[str, Keys]:
    """Whose key a word says signed it, and that party's keys."""
    name = dsse.signer_id(kind, frame)
    for party, some in keys.items():
        if name in (ring := keyring(*some)):
            return party, ring
    raise PeerError(f"signed with a key that is nobody's of {', '.join(keys)}")


def _says(kind: Kind, frame: bytes, ring: Keys, *, rows: bool) -> dict[str, Any]:
    """What a word says. Raises PeerError where its signature does not hold, or it is not well formed."""
    if kind is not message.KIND:
        fields, what, bytes_max, brackets_max = SHAPES[kind]
        return canonical.read(
            dsse.opened(kind, frame, ring)[0], fields, what, schema=message.SCHEMA, bytes_max=bytes_max,
            brackets_max=brackets_max,
        )  # fmt: skip
    header = message.peek(frame, ring)
    said: dict[str, Any] = {
        "giver": header.giver, "receiver": header.receiver, "mark": header.mark.name.lower(),
        "agreement": header.agreement, "origin": header.origin, "epoch": header.epoch, "sequence": header.sequence,
        "sealed_s": header.sealed_s, "label": header.label, "hops": list(header.hops),
        "head": head_fields(header.head),
    }  # fmt: skip
    try:
        columns = message.unfold(frame, ring)[1]
    except PeerError:
        if dsse.opened(kind, frame, ring)[1]:
            raise
        return said | {"messages": None}  # others' tools keep the signed part alone
    names = [DATA_NAMES.get(int(code), f"class {code}") for code in columns["data"]]
    said["messages"] = {name: names.count(name) for name in dict.fromkeys(names)}
    if rows:
        said["columns"] = {name: _finite(values.tolist()) for name, values in columns.items()}
    return said


def _finite(values: Any) -> Any:
    """Numbers as JSON can write them: what is not finite is null."""
    if isinstance(values, list):
        return [_finite(value) for value in values]
    return values if isinstance(values, int) or math.isfinite(values) else None
