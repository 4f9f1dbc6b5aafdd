"""Where a gateway keeps what must outlive it: the seam, and its plain twin in memory.

A store keeps a step's records all together or not at all. :mod:`detente.gateway.sqlite_store` is the one on disk.
"""

import copy
from collections.abc import Sequence
from typing import Protocol

from detente.centre.exchange.ledger import Entry
from detente.gateway.logic.records import (
    INBOX_TICKS,
    Accepted,
    Closed,
    Forgotten,
    Kept,
    Logged,
    Receipted,
    Received,
    Record,
    Saved,
    Snapped,
    StoreError,
    Sworn,
    Ticked,
)

ENTRY_BYTES = 150  # of a ledger entry, in a file


class Store(Protocol):
    """What a gateway asks of a store."""

    def load(self) -> Saved:
        """What a gateway needs to go on."""
        ...

    def commit(self, records: Sequence[Record]) -> None:
        """Keep all of these or none; raises StoreError where they could not be kept."""
        ...

    def ledger(self, partner: str) -> list[Entry]:
        """Every entry of the ledger kept with a partner, in order."""
        ...

    def testimony(self, partner: str) -> list[bytes]:
        """What is kept of a partner's signed words for an audit of both ledgers: the latest, and an equivocation."""
        ...


RESERVE = 0.25
"""Share of a store that nothing partners send may take: for own ticks, memory, outbox and ledger.
source: assumption, 0.1-0.5: half a GB, of which a full outbox takes 64 MB for each partner."""

SLACK = 0.05  # of the rest, that must be free again before more is taken. source: assumption, 0.01-0.2


def ledger_share(bytes_max: int, partners: int) -> int:
    """How many entries the ledger with each partner may have, so that none of them fills what others need: it is all
    that one can make grow for ever."""
    return int((1.0 - RESERVE) * bytes_max / (ENTRY_BYTES * max(1, partners)))


class Room:
    """Whether a store of at most ``bytes_max`` has room for what partners send."""

    def __init__(self, bytes_max: int | None) -> None:
        self.bytes_max = bytes_max
        self.crowded = False  # it has none: what it holds has reached the reserve, and not gone back far enough

    def see(self, held_bytes: int) -> None:
        """So much it holds now."""
        free = 1.0 - RESERVE
        if self.crowded:
            free *= 1.0 - SLACK
        self.crowded = self.bytes_max is not None and held_bytes > free * self.bytes_max


def weight(record: Record) -> int:
    """About how many bytes a record takes in a store, by what is long in it."""
    if isinstance(record, Ticked):
        return len(record.detections)
    if isinstance(record, Logged):
        return ENTRY_BYTES
    names = ("envelope", "memory", "document", "word")
    return sum(len(getattr(record, name, "")) for name in names)


class MemoryStore:
    """A store that lasts as long as the object: what every other store must behave like."""

    def __init__(self, epoch: int, bytes_max: int | None = None) -> None:
        self.epoch, self.room = epoch, Room(bytes_max)
        self.snapshot: Snapped | None = None
        self.ticks: dict[int, Ticked] = {}
        self.inbox: dict[tuple[str, int, int], Received] = {}
        self.applied: dict[tuple[str, int, int], int] = {}
        self.outbox: dict[tuple[str, int], Accepted | Closed] = {}
        self.entries: dict[str, list[Entry]] = {}
        self.kept: dict[str, Kept] = {}
        self.words: dict[tuple[str, str], bytes] = {}
        self.begun: Sequence[Record] = ()

    long_log = False  # there is none

    @property
    def crowded(self) -> bool:
        """True while there is no room for what partners send: for all else there is."""
        return self.room.crowded

    @property
    def held_bytes(self) -> int:
        """About how much it holds."""
        held = [*self.ticks.values(), *self.inbox.values(), *self.outbox.values(), *self.kept.values()]
        entries = sum(map(len, self.entries.values()))
        memory = 0 if self.snapshot is None else weight(self.snapshot)
        return sum(map(weight, held)) + memory + ENTRY_BYTES * entries + sum(map(len, self.words.values()))

    def commit(self, records: Sequence[Record]) -> None:
        """Keep all of these."""
        self.begin(records)
        self.finish()

    def begin(self, records: Sequence[Record]) -> None:
        """Take all of these, to be kept by :meth:`finish`. Raises StoreError where they find no room."""
        if self.room.bytes_max is not None:
            after = copy.copy(self)
            for name in ("ticks", "inbox", "applied", "outbox", "kept", "words"):
                setattr(after, name, getattr(self, name).copy())
            after.entries = {partner: book.copy() for partner, book in self.entries.items()}
            for record in records:
                after._keep(record)
            if after.held_bytes > self.room.bytes_max:
                raise StoreError(f"a store of more than {self.room.bytes_max} bytes")
            self.room.see(after.held_bytes)
        self.begun = records

    def finish(self) -> None:
        """Keep what was begun with."""
        for record in self.begun:
            self._keep(record)

    def fold(self) -> None:
        """Nothing: there is no log."""

    def _keep(self, record: Record) -> None:
        if isinstance(record, (Accepted, Closed)):
            self.outbox[record.partner, record.sequence] = record
        elif isinstance(record, Receipted):
            for sequence in record.sequences:
                self.outbox.pop((record.partner, sequence), None)
        elif isinstance(record, Received):
            self.inbox[record.partner, record.epoch, record.sequence] = record
        elif isinstance(record, Forgotten):
            for name in record.names:
                self.inbox.pop(name, None)
        elif isinstance(record, Ticked):
            self.ticks[record.index] = record
            self.applied.update(dict.fromkeys((*record.applied, *record.aside), record.index))
        elif isinstance(record, Snapped):
            self._snap(record)
        elif isinstance(record, Logged):
            book = self.entries.setdefault(record.partner, [])
            assert record.entry.index == len(book), "ledger entries come in order"
            book.append(record.entry)
        elif isinstance(record, Sworn):
            self.words[record.partner, record.kind] = record.word
        else:
            self.kept[record.partner] = record

    def _snap(self, record: Snapped) -> None:
        self.snapshot = record
        self.ticks = {index: tick for index, tick in self.ticks.items() if index > record.index}
        last = record.index - (0 if self.crowded else INBOX_TICKS)
        for name in [name for name, index in self.applied.items() if index <= last]:
            del self.applied[name]
            self.inbox.pop(name, None)

    def load(self) -> Saved:
        """What a gateway needs to go on."""
        after = -1 if self.snapshot is None else self.snapshot.index
        wanted = [name for name in self.inbox if self.applied.get(name, after + 1) > after]
        return Saved(
            epoch=self.epoch, snapshot=self.snapshot, ticks=tuple(self.ticks[index] for index in sorted(self.ticks)),
            received=tuple(self.inbox[name] for name in sorted(wanted)),
            outbox=tuple(self.outbox[name] for name in sorted(self.outbox)),
            kept=tuple(self.kept[name] for name in sorted(self.kept)),
        )  # fmt: skip

    def ledger(self, partner: str) -> list[Entry]:
        """Every entry of the ledger kept with a partner, in order."""
        return list(self.entries.get(partner, []))

    def testimony(self, partner: str) -> list[bytes]:
        """What is kept of a partner's signed words for an audit of both ledgers: the latest, and an equivocation."""
        return [self.words[key] for key in sorted(self.words) if key[0] == partner]
