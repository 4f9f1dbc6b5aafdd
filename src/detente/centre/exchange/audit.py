"""Two sides' ledgers held against each other, and against every head that either has signed.

A side can rewrite its own log from any entry on and leave it whole in itself. It cannot rewrite the heads that it
signed and its partner kept, nor what the partner wrote down about the same envelopes.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from detente.centre.exchange import merkle
from detente.centre.exchange.ledger import EMPTY_HEAD, Entry, EntryKind, Fault, FaultKind, Head, verify
from detente.centre.exchange.statement import Evidence

MICROSECOND_S = 1.000001e-6

Number = tuple[int, int]
"""Which envelope of a side's: epoch and sequence."""


@dataclass(frozen=True, kw_only=True)
class Book:
    """One side's ledger with one partner, as handed to an auditor."""

    side: str
    partner: str
    entries: tuple[Entry, ...]
    head: Head  # as its side states it
    words: tuple[Evidence, ...] = ()  # from signed bytes that it kept, of either side
    waiting: Mapping[Number, bytes] = field(default_factory=dict)  # receipted, their turn in the log not come: digests
    epoch: int | None = None  # the side's, as its store says it; None: not known
    spoilt: tuple[Fault, ...] = ()  # lines that are no entries, as whoever read them found; others stand in for them


@dataclass(frozen=True)
class _Signed:
    """A head of the audited side, who put its signature under it, and in which of the side's epochs (None: unsaid)."""

    head: Head
    by: str
    epoch: int | None


def audit(book: Book, against: Book | None = None) -> tuple[Fault, ...]:
    """Everything found wrong with a ledger, by entry; the first is the first bad entry. Empty where nothing is.

    ``against`` is the partner's ledger of the same exchange: its entries, and the signed words that it kept, are held
    against this one's.
    """
    whole = verify(book.entries, book.head)
    found = list(book.spoilt)
    if whole is not None and whole.index not in {fault.index for fault in found}:
        found.append(whole)
    heads = _heads_of(book, against)
    found += _two_pasts(heads, book)
    heads = _of_epoch(heads, book)
    differing = [] if against is None else _differences(book, against)
    rewritten = _rewritten(book, heads, differing, whole)
    found += rewritten
    # What the heads prove to be this side's doing needs no second complaint about which side is right.
    found += [fault for fault in differing if not any(_overlap(fault, one.index, one.end) for one in rewritten)]
    return tuple(sorted(found, key=lambda fault: fault.index))


def vouched_for(book: Book, against: Book | None = None) -> int:
    """How many entries, from the first, a signed head vouches for. Of those after them only the log itself speaks."""
    return _borne_out(book, _of_epoch(_heads_of(book, against), book))[0]


def out_of_sight(book: Book, against: Book) -> dict[tuple[str, int], int]:
    """By side and epoch of its, how many envelopes its partner received of which the ledger that is given says nothing.

    That is of a later epoch: who begins one has an empty store. The store of the earlier one must be audited too.
    """
    found: Counter[tuple[str, int]] = Counter()
    for giver, receiver in ((book, against), (against, book)):
        known = _epochs(giver)
        epochs = [epoch for epoch, _ in _story(receiver).received]
        found.update((giver.side, epoch) for epoch in epochs if known and epoch not in known)
    return dict(sorted(found.items()))


def _heads_of(book: Book, against: Book | None) -> list[_Signed]:
    """Every signed head of this side's ledgers, one an epoch, shortest first."""
    pair = {book.side, book.partner}
    heads = []
    for word in (*book.words, *(against.words if against is not None else ())):
        if {word.speaker, word.listener} == pair:
            own = word.speaker == book.side
            head, epoch = (word.head, word.epoch) if own else (word.seen, word.of)
            if head != EMPTY_HEAD:
                heads.append(_Signed(head, word.speaker, epoch))
    return sorted(heads, key=lambda signed: signed.head.size)


def _of_epoch(heads: Sequence[_Signed], book: Book) -> list[_Signed]:
    """Those of the ledger that is audited: of the epoch in which its entries say that it sent, or that its store names.

    Not of the latter alone: a side would be rid of all that it signed by another number in one place.
    """
    known = _epochs(book)
    return [signed for signed in heads if not known or signed.epoch is None or signed.epoch in known]


def _epochs(book: Book) -> set[int]:
    """Of its side, those that a ledger is of; empty where nobody says."""
    sent = {entry.epoch for entry in book.entries if entry.kind is EntryKind.SENT}
    return sent if book.epoch is None else sent | {book.epoch}


def _two_pasts(heads: Sequence[_Signed], book: Book) -> list[Fault]:
    """Two heads of one length that this side signed in one epoch, and that differ: proof without any ledger."""
    first: dict[tuple[int | None, int], Head] = {}
    for signed in heads:
        place = signed.epoch, signed.head.size
        if signed.by == book.side and first.setdefault(place, signed.head) != signed.head:
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
    index, last = agreed, first.head.size - 1
    inside = [fault for fault in suspects if _overlap(fault, index, last)]
    if inside:
        suspect = min(inside, key=lambda fault: fault.index)
        index, last = max(index, suspect.index), min(last, suspect.end)
    place = f"entry {index}" if last == index else f"one of entries {index} to {last}"
    what = f"{place} is not what stood there when {first.by} signed a head of {first.head.size} entries"
    # A log that is whole in itself and denies its own side's signature is a second past, told to somebody else.
    second = whole is None and any(signed.by == book.side for signed in denied)
    kind = FaultKind.EQUIVOCATION if second else FaultKind.EDIT
    return [Fault(index=index, last=None if last == index else last, kind=kind, what=what)]


def _overlap(fault: Fault, first: int, last: int) -> bool:
    """True where the entry of a fault may be one of these."""
    return fault.index <= last and first <= fault.end


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


@dataclass(frozen=True, kw_only=True)
class _Story:
    """What a log says became of envelopes, by number: the side's own, and its partner's."""

    sent: Mapping[Number, Entry]
    receipted: Mapping[Number, Entry]
    closed: Mapping[Number, Entry]  # tombstones of its own envelopes
    received: Mapping[Number, Entry]
    told: Mapping[Number, Entry]  # tombstones that the partner told it of

    def held(self, number: Number) -> Entry | None:
        """The line in the place of one of the partner's envelopes."""
        return self.received.get(number) or self.told.get(number)


def _story(book: Book) -> _Story:
    """A tombstone is of the side's own envelope where it bears that one's digest: epochs of both may be one number."""
    lines: dict[EntryKind, dict[Number, Entry]] = {kind: {} for kind in EntryKind}
    for entry in book.entries:
        if entry.kind is not EntryKind.TOMBSTONE:
            lines[entry.kind].setdefault(_number(entry), entry)
    sent = lines[EntryKind.SENT]
    closed: dict[Number, Entry] = {}
    told: dict[Number, Entry] = {}
    for entry in book.entries:
        if entry.kind is EntryKind.TOMBSTONE:
            own = sent.get(_number(entry))
            mine = own is not None and own.envelope_digest == entry.envelope_digest
            (closed if mine else told).setdefault(_number(entry), entry)
    return _Story(
        sent=sent, receipted=lines[EntryKind.RECEIPT], closed=closed, received=lines[EntryKind.RECEIVED], told=told
    )


def _number(entry: Entry) -> Number:
    return entry.epoch, entry.sequence


def _differences(book: Book, against: Book) -> list[Fault]:
    """Where the two logs say different things of the same envelopes."""
    mine, theirs = _story(book), _story(against)
    since, found = _since(book, against), []
    for entry in book.entries:
        unshown = entry.kind is not EntryKind.SENT and mine.closed.get(_number(entry)) is not entry
        unshown = unshown and _spoke_of(entry, mine) < since
        if not unshown and not _agreed(entry, mine, theirs, against):
            what = f"entry {entry.index}: {book.partner} has nothing like what {book.side} says it {_VERBS[entry.kind]}"
            found.append(Fault(index=entry.index, kind=FaultKind.DISAGREEMENT, what=what))
    return found + _missing(book, against, mine, theirs)


def _spoke_of(entry: Entry, mine: _Story) -> int:
    """Where the log first spoke of what a line is about: of bytes that were deleted, where it says that they came."""
    came = mine.received.get(_number(entry)) if entry.kind is EntryKind.FORGOTTEN else None
    return entry.index if came is None or not _same(entry, came) else came.index


def _since(book: Book, against: Book) -> int:
    """From which entry on a ledger was kept with the partner of the epoch that ``against`` is of.

    What stands before, an earlier store of the partner's would have to show.
    """
    begun = [entry for entry in book.entries if entry.kind is EntryKind.SESSION]
    known = _epochs(against)
    if not begun or not known:
        return 0
    return next((entry.index for entry in begun if entry.epoch in known), len(book.entries))


_VERBS = {
    EntryKind.SENT: "sent",
    EntryKind.RECEIVED: "received",
    EntryKind.RECEIPT: "had a receipt for",
    EntryKind.TOMBSTONE: "has a tombstone of",
    EntryKind.FORGOTTEN: "received and forgot",
}


def _agreed(entry: Entry, mine: _Story, theirs: _Story, against: Book) -> bool:
    """True unless the partner's log contradicts an entry; of lines that are of one side alone it says nothing."""
    number = _number(entry)
    if entry.kind is EntryKind.SENT:  # there may be nothing of it yet
        came, told = theirs.received.get(number), theirs.told.get(number)
        return _alike(entry, came) if came is not None else told is None or _same(entry, told)
    if entry.kind is EntryKind.RECEIVED:
        return _alike(entry, theirs.sent.get(number))
    if entry.kind is EntryKind.FORGOTTEN:
        return _same(entry, theirs.sent.get(number))
    if entry.kind is EntryKind.TOMBSTONE:
        return mine.closed.get(number) is entry or _same(entry, theirs.closed.get(number))
    if entry.kind is EntryKind.RECEIPT:
        return number in mine.sent and (theirs.held(number) is not None or number in against.waiting)
    return True


def _same(entry: Entry, other: Entry | None) -> bool:
    """True where two lines are of the same bytes."""
    return other is not None and entry.envelope_digest == other.envelope_digest


def _alike(entry: Entry, other: Entry | None) -> bool:
    """True where they are of the same bytes and moment, which envelopes round to a microsecond."""
    return other is not None and _same(entry, other) and abs(entry.stated_s - other.stated_s) <= MICROSECOND_S


def _missing(book: Book, against: Book, mine: _Story, theirs: _Story) -> list[Fault]:
    """What this side's log does not hold, though the partner received it from this side, or sent it and has a receipt.

    What came is written in order of sequence: so where a later one of the same epoch stands, nothing may be missing,
    but for what the log says never came before the partner began anew. (What it receipted did.)
    """
    received = f"which {book.partner} received"
    known, since = _epochs(book), _since(against, book)
    unsent = [one for one in theirs.received.keys() - mine.sent.keys() if not known or one[0] in known]
    found = [_absent(book, number, received, mine.sent) for number in sorted(unsent)]
    places = {**mine.told, **mine.received}
    ends: dict[int, tuple[int, int]] = {}  # of each epoch, the lowest and the highest
    for epoch, sequence in places:
        low, high = ends.get(epoch, (sequence, sequence))
        ends[epoch] = min(low, sequence), max(high, sequence)
    gaps = _given_up(book, mine)
    for number, sent in sorted(theirs.sent.items()):
        first, last = ends.get(number[0], (0, -1))
        never = any(number[1] in gap for gap in gaps.get(number[0], ()))
        receipt = theirs.receipted.get(number)
        receipted = receipt is not None and receipt.index >= since
        due = receipted or (first < number[1] < last and not never)
        if due and number not in places and book.waiting.get(number) != sent.envelope_digest:
            why = "receipted to" if receipted else "had before later ones from"
            found.append(_absent(book, number, f"which {book.side} {why} {book.partner}", places))
    return found


def _given_up(book: Book, mine: _Story) -> dict[int, list[range]]:
    """What a side says never came, by epoch of its partner: from its last line before saying so to the next one."""
    gaps: dict[int, list[range]] = {}
    ends: dict[int, int] = {}
    for entry in book.entries:
        if entry.kind is EntryKind.SESSION and entry.sequence:
            gaps.setdefault(entry.epoch, []).append(range(ends.get(entry.epoch, -1) + 1, entry.sequence))
        elif mine.held(_number(entry)) is entry:
            ends[entry.epoch] = entry.sequence
    return gaps


def _absent(book: Book, number: Number, why: str, lines: Mapping[Number, Entry]) -> Fault:
    """The complaint about an envelope of which there is no entry: it stood between the ones before and after it."""
    after = max((other.index for known, other in lines.items() if known < number), default=-1) + 1
    before = min((other.index for known, other in lines.items() if known > number), default=len(book.entries))
    what = f"no entry for envelope {number[1]} of epoch {number[0]}, {why}"
    return Fault(index=after, last=None if before <= after else before, kind=FaultKind.DELETION, what=what)
