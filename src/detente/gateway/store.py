"""Where a gateway keeps what must outlive it: the seam, and its plain twin in memory.

A store keeps a step's records all together or not at all. :mod:`detente.gateway.sqlite_store` is the one on disk.
"""

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
    Ticked,
)


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


class MemoryStore:
    """A store that lasts as long as the object: what every other store must behave like."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.snapshot: Snapped | None = None
        self.ticks: dict[int, Ticked] = {}
        self.inbox: dict[tuple[str, int, int], Received] = {}
        self.applied: dict[tuple[str, int, int], int] = {}
        self.outbox: dict[tuple[str, int], Accepted | Closed] = {}
        self.entries: dict[str, list[Entry]] = {}
        self.kept: dict[str, Kept] = {}
        self.begun: Sequence[Record] = ()

    long_log = False  # there is none

    def commit(self, records: Sequence[Record]) -> None:
        """Keep all of these."""
        self.begin(records)
        self.finish()

    def begin(self, records: Sequence[Record]) -> None:
        """Take all of these, to be kept by :meth:`finish`."""
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
        else:
            self.kept[record.partner] = record

    def _snap(self, record: Snapped) -> None:
        self.snapshot = record
        self.ticks = {index: tick for index, tick in self.ticks.items() if index > record.index}
        for name in [name for name, index in self.applied.items() if index <= record.index - INBOX_TICKS]:
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
