"""The log of what was said, which neither side can rewrite unseen: a hash chain under a Merkle tree.

Each side keeps one with each partner, and signs its head in everything it sends. The chain makes each entry vouch for
the one before it; the tree lets a partner who holds only an old head check in a few hashes that the log has since only
grown. A gateway keeps a :class:`Tip` in memory and the entries on disk; a :class:`Ledger` holds all of it.
"""

import hashlib
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, IntEnum
from functools import cached_property
from typing import Any

from detente.centre.exchange import canonical, merkle

FORM = struct.Struct(">8sQBddQQ32s32s")
"""An entry's bytes: mark, index, kind, two times, sender's epoch, sequence, envelope digest, previous entry's hash."""

MARK = b"DTNLDG01"

NOTHING_BEFORE = bytes(merkle.HASH_BYTES)
"""What the first entry has for the hash of the one before it."""


class EntryKind(IntEnum):
    """What an entry says happened."""

    SENT = 1
    RECEIVED = 2
    RECEIPT = 3  # the partner's signed word that it has something
    TOMBSTONE = 4  # accepted for sending, and closed without delivery: expired, superseded or shed
    REFUSED = 5  # bytes that changed nothing: forged, altered, replayed, expired or under another agreement
    SESSION = 6  # the exchange was opened, suspended, resumed, left or ended; with a sequence: what is missing before
    # it of the partner's epoch never came, and never will, because the partner began a new one
    FORGOTTEN = 7  # a received envelope whose bytes this side has deleted, as the agreement asks


WORDS = (
    "pause", "resume", "quarantine", "release", "withdraw", "notice of pause", "notice of withdraw",
    "partner pauses", "partner resumes", "partner withdraws", "partner begins an epoch", "missing before",
)  # fmt: skip
"""What a SESSION entry may say happened; that both agreed, it says by the agreement's digest."""


def word_digest(word: str) -> bytes:
    """What stands for one of these words in a SESSION entry."""
    assert word in WORDS, f"one of {WORDS}"
    return hashlib.sha256(f"detente session: {word}".encode()).digest()


_SAID = {word_digest(word): word for word in WORDS}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the ledger."""

    index: int  # from 0
    kind: EntryKind
    written_s: float  # by this side's clock, seconds since the scenario's epoch
    stated_s: float  # as the envelope says; equal to written_s where it says nothing
    epoch: int  # of the sender
    sequence: int  # of the sender's envelope
    envelope_digest: bytes  # SHA-256 of the envelope's bytes
    previous: bytes  # hash of the entry before this one

    def __post_init__(self) -> None:
        assert math.isfinite(self.written_s), "a ledger entry has a time"
        assert math.isfinite(self.stated_s), "a ledger entry has a stated time"
        assert len(self.envelope_digest) == len(self.previous) == merkle.HASH_BYTES

    @property
    def word(self) -> str:
        """What a SESSION entry says happened; empty for other entries, and for an agreement's digest."""
        return _SAID.get(self.envelope_digest, "") if self.kind is EntryKind.SESSION else ""

    @property
    def packed(self) -> bytes:
        """All of it as bytes: what a store keeps, and what is hashed."""
        return FORM.pack(
            MARK, self.index, self.kind, self.written_s, self.stated_s, self.epoch, self.sequence,
            self.envelope_digest, self.previous,
        )  # fmt: skip

    @property
    def hash(self) -> bytes:
        """The leaf hash over all of it."""
        return merkle.leaf_hash(self.packed)


def unpacked(data: bytes) -> Entry:
    """The entry of these bytes. Raises ValueError where they are none: a store was damaged."""
    if len(data) != FORM.size:
        raise ValueError(f"an entry of {len(data)} bytes, not {FORM.size}")
    mark, index, kind, written_s, stated_s, epoch, sequence, digest, previous = FORM.unpack(data)
    if mark != MARK or kind not in tuple(EntryKind) or not (math.isfinite(written_s) and math.isfinite(stated_s)):
        raise ValueError("bytes that are no entry")
    return Entry(
        index=index, kind=EntryKind(kind), written_s=written_s, stated_s=stated_s, epoch=epoch, sequence=sequence,
        envelope_digest=digest, previous=previous,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Head:
    """What a side signs: how long its ledger is, its Merkle root and the hash of its last entry."""

    size: int
    root: bytes
    last: bytes


EMPTY_HEAD = Head(size=0, root=merkle.EMPTY_ROOT, last=NOTHING_BEFORE)
"""Of a ledger in which nothing stands."""

HEAD_FIELDS = {"last": canonical.HASH, "root": canonical.HASH, "size": canonical.whole()}


def head_fields(head: Head) -> dict[str, Any]:
    """A head as a document writes it."""
    return {"last": head.last.hex(), "root": head.root.hex(), "size": head.size}


def head_of(fields: Mapping[str, Any]) -> Head:
    """The head of checked HEAD_FIELDS."""
    return Head(size=fields["size"], root=bytes.fromhex(fields["root"]), last=bytes.fromhex(fields["last"]))


class FaultKind(Enum):
    """In what way a ledger was found wrong."""

    EDIT = "edit"  # an entry is not the one that was written
    DELETION = "deletion"
    INSERTION = "insertion"
    TRUNCATION = "truncation"  # the end is missing
    EQUIVOCATION = "equivocation"  # its side signed two pasts that cannot both be
    DISAGREEMENT = "disagreement"  # the two sides' ledgers say different things; which is wrong they alone cannot tell


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Where a ledger was found wrong; ``index`` is that of the entry, or the number of entries where one is missing.

    Where no more can be told than that it is one of several, ``index`` is the first and ``last`` the last of them.
    """

    index: int
    last: int | None = None
    kind: FaultKind
    what: str

    @property
    def end(self) -> int:
        """The last entry that it may be."""
        return self.index if self.last is None else self.last


@dataclass(frozen=True, kw_only=True)
class Tip:
    """All that is needed to append to a ledger: a few hashes, however long it is."""

    size: int = 0
    last: bytes = NOTHING_BEFORE
    peaks: tuple[bytes, ...] = ()  # roots of the perfect trees in the Merkle tree

    @cached_property
    def head(self) -> Head:
        """The statement to sign."""
        return Head(size=self.size, root=merkle.root_of_peaks(self.peaks), last=self.last)

    def append(
        self, kind: EntryKind, envelope_digest: bytes, *, written_s: float, stated_s: float, epoch: int, sequence: int
    ) -> "tuple[Tip, Entry]":
        """The tip after one more entry, and the entry."""
        entry = Entry(
            index=self.size, kind=kind, written_s=written_s, stated_s=stated_s, epoch=epoch, sequence=sequence,
            envelope_digest=envelope_digest, previous=self.last,
        )  # fmt: skip
        return self.after(entry), entry

    def after(self, entry: Entry) -> "Tip":
        """The tip after an entry that was appended before: how a store that is opened again finds its tip."""
        leaf = entry.hash
        return Tip(size=self.size + 1, last=leaf, peaks=merkle.grown(self.peaks, self.size, leaf))


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """An append-only log, whole and in memory; appending gives a new one and leaves this one as it was."""

    entries: tuple[Entry, ...] = ()
    tip: Tip = Tip()

    @property
    def head(self) -> Head:
        """The statement to sign."""
        return self.tip.head

    @property
    def leaves(self) -> tuple[bytes, ...]:
        """Hash of each entry."""
        return (*(entry.previous for entry in self.entries[1:]), self.tip.last) if self.entries else ()

    def append(
        self, kind: EntryKind, envelope_digest: bytes, *, written_s: float, stated_s: float, epoch: int, sequence: int
    ) -> "Ledger":
        """The ledger with one more entry."""
        tip, entry = self.tip.append(
            kind, envelope_digest, written_s=written_s, stated_s=stated_s, epoch=epoch, sequence=sequence
        )
        return Ledger(entries=(*self.entries, entry), tip=tip)

    def inclusion_proof(self, index: int) -> tuple[bytes, ...]:
        """Hashes that show a partner who knows the head that entry ``index`` stands in this ledger."""
        return merkle.inclusion_proof(self.leaves, index)

    def consistency_proof(self, earlier: int) -> tuple[bytes, ...]:
        """Hashes that show a partner who knows the head of size ``earlier`` that this ledger continues it."""
        return merkle.consistency_proof(self.leaves, earlier)


def document(
    side: str, partner: str, entries: Sequence[Entry], head: Head, words: Sequence[bytes] = (),
    keys: Mapping[str, Sequence[bytes]] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A ledger as a JSON document: what a run writes, and what one side hands to an auditor.

    ``words`` are signed bytes that it kept, ``keys`` the raw public keys of either side that may have signed them.
    """
    lines = [
        {
            "index": entry.index, "kind": entry.kind.name.lower(), "written_s": entry.written_s,
            "stated_s": entry.stated_s, "epoch": entry.epoch, "sequence": entry.sequence,
            "envelope_digest": entry.envelope_digest.hex(), "previous": entry.previous.hex(),
        }
        for entry in entries
    ]  # fmt: skip
    return {
        "schema": 1, "side": side, "partner": partner, "head": head_fields(head), "entries": lines,
        "words": [word.hex() for word in words],
        "keys": {name: [key.hex() for key in some] for name, some in (keys or {}).items()},
    }  # fmt: skip


def verify(entries: Sequence[Entry], head: Head) -> Fault | None:
    """None where these entries are the ledger that the head speaks of, else the first entry shown to be wrong.

    Order and number first; then each link: the hash of an entry against what the next one, or the head, says it is. A
    broken link is the fault of the entry before it, unless mending the link alone makes the entry after it whole.
    """
    for place, entry in enumerate(entries):
        if entry.index != place:
            kind = FaultKind.DELETION if entry.index > place else FaultKind.INSERTION
            return Fault(index=place, kind=kind, what=f"entry {place} carries index {entry.index}")
    if len(entries) < head.size:
        what = f"entry {len(entries)} is missing: the head counts {head.size}"
        return Fault(index=len(entries), kind=FaultKind.TRUNCATION, what=what)
    if len(entries) > head.size:
        what = f"entry {head.size} is one too many: the head counts {head.size}"
        return Fault(index=head.size, kind=FaultKind.INSERTION, what=what)
    leaves = [entry.hash for entry in entries]
    said = [*(entry.previous for entry in entries), head.last]
    if said[0] != NOTHING_BEFORE:
        what = "entry 0 follows something, or the head names a last entry that is not there"
        return Fault(index=0, kind=FaultKind.EDIT, what=what)
    for place, leaf in enumerate(leaves):
        if leaf != said[place + 1]:
            mended = place + 1 < len(entries) and replace(entries[place + 1], previous=leaf).hash == said[place + 2]
            wrong = place + 1 if mended else place
            return Fault(index=wrong, kind=FaultKind.EDIT, what=f"entry {wrong} is not the one that was written")
    if merkle.root(leaves) != head.root:
        what = "the head's root is not that of the entries its chain vouches for"
        return Fault(index=len(entries), kind=FaultKind.EDIT, what=what)
    return None
