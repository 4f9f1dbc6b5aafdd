"""Two sides' ledgers held against each other, and against every head that either has signed.

A side can rewrite its own log from any entry on and leave it whole in itself. It cannot rewrite the heads that it
signed and its partner kept, nor what the partner wrote down about the same envelopes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from detente.centre.exchange import merkle
from detente.centre.exchange.ledger import EMPTY_HEAD, Entry, EntryKind, Fault, FaultKind, Head, verify
from detente.centre.exchange.statement import Evidence

MICROSECOND_S = 1.000001e-6


@dataclass(frozen=True, kw_only=True)
class Book:
    """One side's ledger with one partner, as handed to an auditor."""

    side: str
    partner: str
    entries: tuple[Entry, ...]
    head: Head  # as its side states it
    words: tuple[Evidence, ...] = ()  # from signed bytes that it kept, of either side


@dataclass(frozen=True)
class _Signed:
    """A head of the audited side, and who put its signature under it."""

    head: Head
    by: str


def audit(book: Book, against: Book | None = None) -> tuple[Fault, ...]:
    """Everything found wrong with a ledger, by entry; the first is the first bad entry. Empty where nothing is.

    ``against`` is the partner's ledger of the same exchange: its entries, and the signed words that it kept, are held
    against this one's.
    """
    whole = verify(book.entries, book.head)
    found = [] if whole is None else [whole]
    heads = _heads_of(book, (*book.words, *(against.words if against is not None else ())))
    found += _two_pasts(heads, book)
    differing = [] if against is None else _differences(book, against)
    rewritten = _rewritten(book, heads, differing, whole)
    found += rewritten
    # What the heads prove to be this side's doing needs no second complaint about which side is right.
    blamed = {fault.index for fault in rewritten}
    found += [fault for fault in differing if fault.index not in blamed]
    return tuple(sorted(found, key=lambda fault: fault.index))


def _heads_of(book: Book, words: Iterable[Evidence]) -> list[_Signed]:
    """Every signed head of this side's ledger, shortest first."""
    pair = {book.side, book.partner}
    heads = []
    for word in words:
        if {word.speaker, word.listener} == pair:
            head = word.head if word.speaker == book.side else word.seen
            if head != EMPTY_HEAD:
                heads.append(_Signed(head, word.speaker))
    return sorted(heads, key=lambda signed: signed.head.size)


def _two_pasts(heads: Sequence[_Signed], book: Book) -> list[Fault]:
    """Two heads of one length that this side signed, and that differ: proof without any ledger."""
    first: dict[int, Head] = {}
    for signed in heads:
        if signed.by == book.side and first.setdefault(signed.head.size, signed.head) != signed.head:
            what = f"{book.side} signed two different heads of {signed.head.size} entries"
            return [Fault(index=signed.head.size - 1, kind=FaultKind.EQUIVOCATION, what=what)]
    return []


def _rewritten(
    book: Book, heads: Sequence[_Signed], differing: Sequence[Fault], whole: Fault | None
) -> list[Fault]:  # fmt: skip
    """Where the entries part from the signed heads: after the longest that they bear out."""
    agreed, denied = _borne_out(book, heads)
    if not denied:
        return []
    first = denied[0]
    if first.head.size > len(book.entries):
        what = f"entry {len(book.entries)} is missing: {first.by} signed a head of {first.head.size} entries"
        return [Fault(index=len(book.entries), kind=FaultKind.TRUNCATION, what=what)]
    suspects = [*differing, *([] if whole is None else [whole])]
    inside = [fault.index for fault in suspects if agreed <= fault.index < first.head.size]
    index = min(inside, default=agreed)
    exact = inside or first.head.size == agreed + 1
    place = f"entry {index}" if exact else f"one of entries {agreed} to {first.head.size - 1}"
    what = f"{place} is not what stood there when {first.by} signed a head of {first.head.size} entries"
    # A log that is whole in itself and denies its own side's signature is a second past, told to somebody else.
    second = whole is None and any(signed.by == book.side for signed in denied)
    return [Fault(index=index, kind=FaultKind.EQUIVOCATION if second else FaultKind.EDIT, what=what)]


def _borne_out(book: Book, heads: Sequence[_Signed]) -> tuple[int, list[_Signed]]:
    """Size of the last signed head before the entries part from one, and those that they deny, shortest first."""
    peaks: tuple[bytes, ...] = ()
    size = agreed = 0
    denied = []
    for signed in heads:
        for entry in book.entries[size : signed.head.size]:
            peaks = merkle.grown(peaks, size, entry.hash)
            size += 1
        if size != signed.head.size or merkle.root_of_peaks(peaks) != signed.head.root:
            denied.append(signed)
        elif not denied:
            agreed = size
    return agreed, denied


def _differences(book: Book, against: Book) -> list[Fault]:
    """Where the two logs say different things of the same envelopes."""
    theirs_in, theirs_out = _by_number(against, EntryKind.RECEIVED), _by_number(against, EntryKind.SENT)
    found = []
    for entry in book.entries:
        number = (entry.epoch, entry.sequence)
        other = theirs_in.get(number) if entry.kind is EntryKind.SENT else theirs_out.get(number)
        if entry.kind is EntryKind.SENT and other is None:
            continue  # not there yet, or lost: a tombstone's business
        if entry.kind not in (EntryKind.SENT, EntryKind.RECEIVED):
            continue
        if other is None or not _alike(entry, other):
            verb = "sent" if entry.kind is EntryKind.SENT else "received"
            what = f"entry {entry.index}: {book.partner} has nothing like what {book.side} says it {verb}"
            found.append(Fault(index=entry.index, kind=FaultKind.DISAGREEMENT, what=what))
    return found + _missing(book, theirs_in)


def _alike(entry: Entry, other: Entry) -> bool:
    """True where two sides' entries are of the same bytes and moment, which envelopes round to a microsecond."""
    return entry.envelope_digest == other.envelope_digest and abs(entry.stated_s - other.stated_s) <= MICROSECOND_S


def _missing(book: Book, theirs_in: dict[tuple[int, int], Entry]) -> list[Fault]:
    """What the partner received from this side, and this side's log does not hold."""
    mine = _by_number(book, EntryKind.SENT)
    found = []
    for number, entry in sorted(theirs_in.items()):
        if number not in mine:
            later = (other.index for known, other in mine.items() if known > number)
            what = f"no entry for envelope {number[1]} of epoch {number[0]}, which {book.partner} received"
            kind = FaultKind.DELETION
            found.append(Fault(index=min(later, default=len(book.entries)), kind=kind, what=what))
            assert entry.kind is EntryKind.RECEIVED
    return found


def _by_number(book: Book, kind: EntryKind) -> dict[tuple[int, int], Entry]:
    """The entries of one kind by epoch and sequence of their envelope; the first of each."""
    found: dict[tuple[int, int], Entry] = {}
    for entry in book.entries:
        if entry.kind is kind:
            found.setdefault((entry.epoch, entry.sequence), entry)
    return found
