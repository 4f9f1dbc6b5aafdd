"""The log of what was said, which neither side can rewrite unseen: a hash chain under a Merkle tree.

Each side keeps one and signs its head in every receipt. The chain makes each entry vouch for the one before it; the
tree lets a partner who holds only an old head check in a few hashes that the log has since only grown.
"""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from detente.centre.exchange import merkle

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
    SESSION = 6  # the exchange was opened, suspended, resumed, left or ended


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
    def hash(self) -> bytes:
        """The leaf hash over all of it."""
        return merkle.leaf_hash(
            FORM.pack(
                MARK, self.index, self.kind, self.written_s, self.stated_s, self.epoch, self.sequence,
                self.envelope_digest, self.previous,
            )
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Head:
    """What a side signs: how long its ledger is, its Merkle root and the hash of its last entry."""

    size: int
    root: bytes
    last: bytes


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Where a ledger was found wrong; ``index`` is that of the entry, or the number of entries where one is missing."""

    index: int
    what: str


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """An append-only log; appending gives a new one and leaves this one as it was."""

    entries: tuple[Entry, ...] = ()
    leaves: tuple[bytes, ...] = ()  # hash of each entry
    peaks: tuple[bytes, ...] = ()  # roots of the perfect trees in the Merkle tree

    @property
    def head(self) -> Head:
        """The statement to sign."""
        last = self.leaves[-1] if self.leaves else NOTHING_BEFORE
        return Head(size=len(self.leaves), root=merkle.root_of_peaks(self.peaks), last=last)

    def append(
        self, kind: EntryKind, envelope_digest: bytes, *, written_s: float, stated_s: float, epoch: int, sequence: int
    ) -> "Ledger":
        """The ledger with one more entry."""
        entry = Entry(
            index=len(self.entries), kind=kind, written_s=written_s, stated_s=stated_s, epoch=epoch, sequence=sequence,
            envelope_digest=envelope_digest, previous=self.leaves[-1] if self.leaves else NOTHING_BEFORE,
        )  # fmt: skip
        leaf = entry.hash
        return Ledger(
            entries=(*self.entries, entry),
            leaves=(*self.leaves, leaf),
            peaks=merkle.grown(self.peaks, len(self.leaves), leaf),
        )

    def inclusion_proof(self, index: int) -> tuple[bytes, ...]:
        """Hashes that show a partner who knows the head that entry ``index`` stands in this ledger."""
        return merkle.inclusion_proof(self.leaves, index)

    def consistency_proof(self, earlier: int) -> tuple[bytes, ...]:
        """Hashes that show a partner who knows the head of size ``earlier`` that this ledger continues it."""
        return merkle.consistency_proof(self.leaves, earlier)


def verify(entries: Sequence[Entry], head: Head) -> Fault | None:
    """None where these entries are the ledger that the head speaks of, else the first entry shown to be wrong.

    Order and number are checked first, from the front. Then, because only the head is trusted, the chain is checked
    from the back: each entry that matches vouches for the hash of the one before it, so the first that does not match
    is surely wrong. (What stands before it nobody vouches for any more.)
    """
    for place, entry in enumerate(entries):
        if entry.index != place:
            return Fault(index=place, what=f"entry {place} carries index {entry.index}")
    if len(entries) < head.size:
        return Fault(index=len(entries), what=f"entry {len(entries)} is missing: the head counts {head.size}")
    if len(entries) > head.size:
        return Fault(index=head.size, what=f"entry {head.size} is one too many: the head counts {head.size}")
    expected = head.last
    leaves = [entry.hash for entry in entries]
    for entry, leaf in zip(reversed(entries), reversed(leaves), strict=True):
        if leaf != expected:
            return Fault(index=entry.index, what=f"entry {entry.index} is not the one that was written")
        expected = entry.previous
    if expected != NOTHING_BEFORE:
        return Fault(index=0, what="entry 0 follows something, or the head names a last entry that is not there")
    if merkle.root(leaves) != head.root:
        return Fault(index=len(entries), what="the head's root is not that of the entries its chain vouches for")
    return None
