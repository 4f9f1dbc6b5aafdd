"""A gateway's store in one SQLite file: written ahead, synced at every commit, of one side and one version.

``synchronous=FULL`` with a write-ahead log: a commit that returned survives a kill and, as far as the disk keeps its
word, a power cut. A step's records are one transaction, and a batch of frames one step's worth: that is the group
commit. A commit has two halves, so that whoever has something better to do need not wait for the disk: :meth:`begin`
writes into memory, :meth:`finish` makes it last and may run in another thread.

The log is written over again and again. Copying it into the file (:meth:`fold`) has a connection of its own, so that no
commit waits for it; and a ``log_bytes`` of room, taken when the store is opened, spares each commit the change of the
log's length, which costs a disk more than the bytes do. What reads it back is :mod:`detente.gateway.sqlite_reading`.
"""

import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from detente.centre.exchange.ledger import Entry
from detente.gateway.logic.records import (
    INBOX_TICKS,
    Accepted,
    Closed,
    Forgotten,
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
from detente.gateway.sqlite_file import check_size, damaged, hold, refused, remove
from detente.gateway.sqlite_lines import COUNTS, OUTBOX, WAITING, count, forget, sum_of, tick_sum
from detente.gateway.sqlite_reading import StoreReader
from detente.gateway.sqlite_tables import make_tables
from detente.gateway.store import Room
from detente.records.errors import InputError

WAL_PAGES = 4096
"""Pages of the write-ahead log that make SQLite copy the rest of it into the file, while everybody waits: 16 MB, where
commits left :meth:`SqliteStore.fold` no gap. source: assumption, 1,000-30,000."""

FOLD_BYTES = 4_000_000
"""What is written between two copyings of the log into the file. source: assumption, 1-16 MB: seconds of a raid."""

FOLD_PASSES = 4  # each copies what came during the one before; the last one finds nothing. source: assumption, 2-8
RECORD_BYTES = 8192  # of log that a record takes besides its own bytes: two pages. source: assumption, 4-16 kB


class SqliteStore:
    """The store of one side in one file."""

    def __init__(
        self, path: Path, side: str, *, epoch: int, exercise: Mapping[str, str] | None = None,
        bytes_max: int | None = None, log_bytes: int = 0,
    ) -> None:  # fmt: skip
        """Open the store, or make it if there is no file; ``epoch`` is that of a new one.

        ``exercise`` says in words which one it belongs to (its clock, its theatre, its marking). ``bytes_max`` bounds
        the file: near it the store is :attr:`crowded`. ``log_bytes`` is the room taken for its log at once. Raises
        InputError where the file is no store, or of another side, exercise or version, or not whole. Nothing that was
        there before is overwritten.
        """
        self.path, self.side, self.exercise, self.log_bytes = path, side, dict(exercise or {}), log_bytes
        self.room = Room(bytes_max)
        self.made = False  # by this very opening
        self.unfolded_bytes = 0  # written since the log was last copied into the file
        self.more: dict[str, int] = {}  # lines of each kind by what is being committed
        self.forgets = False  # what is being committed asks that nothing of it stay in the log
        self.folding = threading.Lock()
        self.opened = contextlib.ExitStack()
        try:
            self._open(epoch)
        except InputError:
            if self.made:
                remove(self.path)
            self.opened.close()
            raise

    def _open(self, epoch: int) -> None:
        path, new = self.path, not self.path.exists()
        try:
            if not new:
                check_size(path)
            self.opened.callback(os.close, hold(path))
            self.made = new
            self.base = self._connected()
            self.reader = StoreReader(self.base, path)
            if new:
                make_tables(self.base, self.side, epoch, self.exercise)
            else:
                self.reader.recognise(self.side, self.exercise)
            self.base.execute("PRAGMA journal_mode=WAL")
            self.base.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")
            self.base.executescript("BEGIN IMMEDIATE; COMMIT;")
            self.copier = self._connected()
            self._take_room()
            if self.room.bytes_max is not None:
                page = self._pragma("page_size")
                self.base.execute(f"PRAGMA max_page_count={max(1, self.room.bytes_max // page)}")
                self._see_room()
        except BlockingIOError as error:
            raise refused(
                path, "a store that another process holds", "a store for this process alone",
                "stop the other gateway of this side first",
            ) from error  # fmt: skip
        except (OSError, sqlite3.OperationalError) as error:
            raise refused(path, f"a store that cannot be opened: {error}", "a file in a writable folder",
                          "check the path, the permissions and the room on the disk") from error  # fmt: skip
        except sqlite3.DatabaseError as error:
            raise damaged(path, str(error)) from error

    def _pragma(self, name: str) -> int:
        return self.base.execute(f"PRAGMA {name}").fetchone()[0]

    def _see_room(self) -> None:
        """Pages that hold something: what was deleted makes room without the file becoming shorter."""
        self.room.see((self._pragma("page_count") - self._pragma("freelist_count")) * self._pragma("page_size"))

    @property
    def crowded(self) -> bool:
        """True while there is no room for what partners send: for all else there is."""
        return self.room.crowded

    def _connected(self) -> sqlite3.Connection:
        made = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        self.opened.callback(made.close)
        made.execute("PRAGMA synchronous=FULL")
        return made

    def commit(self, records: Sequence[Record]) -> None:
        """Keep all of these or none, on disk when this returns; raises StoreError where the disk refuses."""
        self.begin(records)
        self.finish()

    def begin(self, records: Sequence[Record]) -> None:
        """Write all of these, to be kept by :meth:`finish`; raises StoreError, and keeps none, where that fails."""
        self.forgets = any(isinstance(record, Forgotten) for record in records)
        self.more = dict.fromkeys(COUNTS, 0)
        partners = any(isinstance(record, (Forgotten, Snapped, Ticked)) for record in records)
        try:  # what is deleted of partners' is overwritten, not only unlinked: of our own that costs, and serves nobody
            self.base.execute(f"PRAGMA secure_delete={'ON' if partners else 'FAST'}")
            self.base.execute("BEGIN IMMEDIATE")
            if self.crowded:  # what goes makes room for what comes
                for record in records:
                    self._delete(record)
            for record in records:
                self._keep(record)
            count(self.base, self.more)
            if self.room.bytes_max is not None:
                self._see_room()
        except sqlite3.Error as error:
            self._give_up(error)
        self.unfolded_bytes += sum(RECORD_BYTES + len(getattr(record, "envelope", b"")) for record in records)

    def finish(self) -> None:
        """What was begun is on disk when this returns; raises StoreError, and keeps none of it, where that fails.

        In whatever thread: it waits for the disk and for nothing else. Until it returns nothing else may be asked.
        """
        try:
            self.base.execute("COMMIT")
        except sqlite3.Error as error:
            self._give_up(error)
        if self.forgets:
            with contextlib.suppress(sqlite3.Error), self.folding:  # nothing of it stays in the log; else at the next
                self.base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                self._take_room()

    def _give_up(self, error: sqlite3.Error) -> NoReturn:
        if self.base.in_transaction:
            self.base.execute("ROLLBACK")
        raise StoreError(str(error)) from error

    @property
    def long_log(self) -> bool:
        """True when the log ought to be copied into the file."""
        return self.unfolded_bytes > FOLD_BYTES

    def fold(self) -> None:
        """Copy the log into the file, so that it begins anew. In a thread of its own: no commit waits for it."""
        self.unfolded_bytes = 0
        with contextlib.suppress(sqlite3.Error), self.folding:  # a full disk is the next commit's to tell
            for _ in range(FOLD_PASSES):
                _, written, copied = self.copier.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                if copied >= written:
                    return

    def _take_room(self) -> None:
        """Make the log as long as it may become: write it full, and take that back. No room is no fault yet."""
        if self.log_bytes:
            with contextlib.suppress(sqlite3.Error, OSError):
                self.base.execute("BEGIN IMMEDIATE")
                self.base.execute("INSERT INTO inbox VALUES ('', 0, 0, 0, zeroblob(?), 0, 0, NULL)", (self.log_bytes,))
            with contextlib.suppress(sqlite3.Error, OSError):
                self.base.execute("ROLLBACK")
                with open(f"{self.path}-wal", "rb") as log:
                    os.fsync(log.fileno())

    def _keep(self, record: Record) -> None:
        run = self.base.execute
        if isinstance(record, Accepted):
            row = (record.partner, record.sequence, record.lane, record.tick, record.envelope, json.dumps(record.keys))
            run("INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, '', x'')", row)
            self.more[OUTBOX] += 1
        elif isinstance(record, Closed):
            row = (record.reason, record.digest, record.partner, record.sequence)
            run("UPDATE outbox SET envelope = x'', keys = '[]', closed = ?, digest = ? "
                "WHERE partner = ? AND sequence = ?", row)  # fmt: skip
        elif isinstance(record, Received):
            row = (record.partner, record.epoch, record.sequence, record.lane, record.envelope, record.late)
            run("INSERT INTO inbox VALUES (?, ?, ?, ?, ?, ?, ?, NULL)", (*row, sum_of(record.envelope)))
            self.more[WAITING] += 1
        elif isinstance(record, (Receipted, Forgotten)):
            self._delete(record)
        elif isinstance(record, Ticked):
            self._tick(record)
        elif isinstance(record, Snapped):
            self._delete(record)
            run("INSERT INTO snapshot VALUES (1, ?, ?, ?)", (record.index, record.memory, sum_of(record.memory)))
            run("INSERT OR REPLACE INTO about VALUES ('snapshot', ?)", (str(record.index),))
        elif isinstance(record, Logged):
            entry = record.entry
            row = (
                record.partner, entry.index, int(entry.kind), entry.written_s, entry.stated_s, entry.epoch,
                entry.sequence, entry.envelope_digest, entry.previous,
            )  # fmt: skip
            run("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        elif isinstance(record, Sworn):
            run("INSERT OR REPLACE INTO testimony VALUES (?, ?, ?)", (record.partner, record.kind, record.word))
        else:
            run(
                "INSERT OR REPLACE INTO kept VALUES (?, ?, ?)",
                (record.partner, record.document, sum_of(record.document)),
            )

    def _delete(self, record: Record) -> None:
        """What goes with a record; twice is as well as once. A crowded store keeps less of what partners told."""
        if isinstance(record, Receipted):
            rows = [(record.partner, sequence) for sequence in record.sequences]
            gone = self.base.executemany("DELETE FROM outbox WHERE partner = ? AND sequence = ?", rows)
            self.more[OUTBOX] -= gone.rowcount
        elif isinstance(record, Forgotten):
            self.more[WAITING] -= forget(self.base, record.names)
        elif isinstance(record, Snapped):
            last = record.index - (0 if self.crowded else INBOX_TICKS)
            self.base.execute("DELETE FROM snapshot")
            self.base.execute("DELETE FROM ticks WHERE tick <= ?", (record.index,))
            self.base.execute("DELETE FROM inbox WHERE applied <= ?", (last,))

    def _tick(self, record: Ticked) -> None:
        row = (record.index, record.detections, json.dumps(record.applied), json.dumps(record.aside))
        self.base.execute("INSERT INTO ticks VALUES (?, ?, ?, ?, ?)", (*row, tick_sum(*row[1:])))
        self.base.execute("INSERT OR REPLACE INTO about VALUES ('last tick', ?)", (str(record.index),))
        names = [(record.index, *name) for name in (*record.applied, *record.aside)]
        used = self.base.executemany(
            "UPDATE inbox SET applied = ? WHERE partner = ? AND epoch = ? AND sequence = ?", names
        )  # fmt: skip
        self.more[WAITING] -= used.rowcount

    def refuse_other(self, exercise: Mapping[str, str]) -> None:
        """Raise InputError where the store is of another exercise than the one that is described."""
        self.reader.refuse_other(exercise)

    def load(self) -> Saved:
        """What a gateway needs to go on. Raises InputError where something of it is not what was written."""
        return self.reader.load()

    def ledger(self, partner: str) -> list[Entry]:
        """Every entry of the ledger kept with a partner, in order."""
        return list(self.reader.entries(partner))

    def discard(self) -> None:
        """Let go of the file, and leave none behind where it was made by this very opening."""
        if self.made:
            remove(self.path)  # before it is let go: nobody else has it yet
        self.close()

    def testimony(self, partner: str) -> list[bytes]:
        """What is kept of a partner's signed words for an audit of both ledgers: the latest, and an equivocation."""
        rows = self.base.execute("SELECT word FROM testimony WHERE partner = ? ORDER BY kind", (partner,))
        return [row[0] for row in rows]

    def close(self) -> None:
        """Let go of the file."""
        with self.folding:
            self.opened.close()
