"""A store read back, and held against what was written: nothing altered, invented or missing is believed.

Whole lines are summed, the ledger is walked hash by hash, ticks are counted, and the file is SQLite's to check.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from detente.centre.exchange.ledger import Entry, EntryKind, Tip
from detente.gateway.logic.records import Kept, Received, Saved, Snapped, Ticked
from detente.gateway.sqlite_file import damaged, refused
from detente.gateway.sqlite_lines import inbox_fault, names_in, outbox_fault, outbox_line, sum_of, tick_sum
from detente.gateway.sqlite_tables import APPLICATION_ID, VERSION


@dataclass(frozen=True)
class StoreReader:
    """What reads the store at ``path`` over the connection ``base``."""

    base: sqlite3.Connection
    path: Path

    def recognise(self, side: str, exercise: Mapping[str, str]) -> None:
        """Raise InputError where this is not the ``side``'s whole store, of this version and of the ``exercise``."""
        mark = self.base.execute("PRAGMA application_id").fetchone()[0]
        if mark != APPLICATION_ID:
            raise refused(self.path, "a file that is no store of a gateway", "a store that `detente serve` made",
                          "correct the path of the store")  # fmt: skip
        version = self.base.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            raise refused(
                self.path, f"a store of version {version}", f"version {VERSION}",
                "use the release of Détente that wrote it, or move the store away to begin a new epoch",
            )  # fmt: skip
        faults = [row[0] for row in self.base.execute("PRAGMA quick_check(3)") if row[0] != "ok"]
        if faults:
            raise damaged(self.path, faults[0].splitlines()[0])
        held = self._about("side")
        if held != side:
            raise refused(
                self.path, f"the store of {held}", f"the store of {side}", "give each side a store of its own"
            )
        self.refuse_other(exercise)
        books = {kept.partner: json.loads(kept.document)["tip"] for kept in self._kept()}
        for (partner,) in self.base.execute("SELECT DISTINCT partner FROM ledger ORDER BY partner").fetchall():
            if partner not in books:
                raise damaged(self.path, f"a ledger kept with {partner}, and nothing else that is known of {partner}")
        for partner, (size, peaks, last) in books.items():
            self._check_ledger(
                partner, Tip(size=size, peaks=tuple(map(bytes.fromhex, peaks)), last=bytes.fromhex(last))
            )

    def refuse_other(self, exercise: Mapping[str, str]) -> None:
        """Raise InputError where the store is of another exercise than the one that is described."""
        for what, said in exercise.items():
            held = self._about(what)
            if held != said:
                raise refused(
                    self.path, f"a store of another exercise: its {what} is {held}, here it is {said}",
                    "the store of this exercise", "name another file for this exercise's store; a new one is made",
                )  # fmt: skip

    def _check_ledger(self, partner: str, kept: Tip) -> None:
        """Refuse a ledger of which an entry is not the one that was written: hash by hash, up to the head it had."""
        tip = Tip()
        for entry in self.entries(partner):
            if entry.index == tip.size and entry.previous == tip.last:
                tip = tip.after(entry)
                continue
            if entry.index != tip.size:
                raise damaged(self.path, f"no ledger entry {tip.size} for {partner}, but an entry {entry.index}")
            raise damaged(
                self.path, f"ledger entry {max(0, tip.size - 1)} for {partner} is not the one that was written"
            )
        if tip.size != kept.size:
            raise damaged(self.path, f"{tip.size} ledger entries for {partner} where there were {kept.size}")
        if tip != kept:
            raise damaged(
                self.path, f"the last ledger entry for {partner}, {tip.size - 1}, is not the one that was written"
            )

    def _checked(self, total: int, data: bytes | str, what: str) -> None:
        """Refuse bytes that are not the ones that were written."""
        if sum_of(data) != total:
            raise damaged(self.path, f"{what} is not what was written")

    def _refuse(self, fault: str) -> None:
        """Refuse a store of which this is wrong; nothing where it is empty."""
        if fault:
            raise damaged(self.path, fault)

    def _about(self, key: str) -> str:
        row = self.base.execute("SELECT value FROM about WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise damaged(self.path, f"it does not say its {key}")
        return row[0]

    def load(self) -> Saved:
        """What a gateway needs to go on. Raises InputError where something of it is not what was written."""
        snapshot = self._snapshot()
        after = -1 if snapshot is None else snapshot.index
        ticks = self._ticks(snapshot)
        rows = self.base.execute(
            "SELECT partner, sequence, lane, tick, envelope, keys, closed, digest FROM outbox "
            "ORDER BY partner, sequence"
        ).fetchall()
        try:
            outbox = tuple(outbox_line(*row) for row in rows)
        except (ValueError, TypeError) as error:
            raise damaged(self.path, "a line of the outbox is not what was written") from error
        self._refuse(outbox_fault(self.base, outbox))
        return Saved(
            epoch=int(self._about("epoch")), snapshot=snapshot, ticks=ticks, received=self._received(after, ticks),
            outbox=outbox, kept=tuple(self._kept()),
        )  # fmt: skip

    def _received(self, after: int, ticks: Sequence[Ticked]) -> tuple[Received, ...]:
        """Inbox lines that wait, and those that ticks past ``after`` used; older ones are looked at too, and left."""
        found, used = [], {}
        asked = self.base.execute("SELECT partner, epoch, sequence, lane, envelope, late, sum, applied FROM inbox")
        with contextlib.closing(asked) as rows:
            for partner, epoch, sequence, lane, envelope, late, total, applied in rows:
                self._checked(total, envelope, f"envelope {sequence} of {partner}")
                if applied is None or applied > after:
                    used[partner, epoch, sequence] = applied
                    found.append(
                        Received(partner=partner, epoch=epoch, sequence=sequence, lane=lane, envelope=envelope,
                                 late=bool(late))
                    )  # fmt: skip
        self._refuse(inbox_fault(self.base, used, ticks))
        return tuple(sorted(found, key=lambda one: (one.partner, one.epoch, one.sequence)))

    def _kept(self) -> list[Kept]:
        rows = self.base.execute("SELECT partner, document, sum FROM kept ORDER BY partner").fetchall()
        for partner, document, total in rows:
            self._checked(total, document, f"what is known of {partner}")
        return [Kept(partner=partner, document=document) for partner, document, _ in rows]

    def _snapshot(self) -> Snapped | None:
        row = self.base.execute("SELECT tick, memory, sum FROM snapshot").fetchone()
        said = self.base.execute("SELECT value FROM about WHERE key = 'snapshot'").fetchone()
        if row is None and said is None:
            return None
        if row is None or said is None or str(row[0]) != said[0]:
            raise damaged(self.path, "the memory of its last snapshot is missing, or is another's")
        self._checked(row[2], row[1], f"the memory of tick {row[0]}")
        return Snapped(index=row[0], memory=row[1])

    def _ticks(self, snapshot: Snapped | None) -> tuple[Ticked, ...]:
        """Those since the snapshot, none missing."""
        after = -1 if snapshot is None else snapshot.index
        rows = self.base.execute(
            "SELECT tick, detections, applied, aside, sum FROM ticks WHERE tick > ? ORDER BY tick", (after,)
        ).fetchall()
        for index, detections, applied, aside, total in rows:
            if tick_sum(detections, applied, aside) != total:
                raise damaged(self.path, f"tick {index} is not what was written")
        there = [*([] if snapshot is None else [after]), *(row[0] for row in rows)]
        said = self.base.execute("SELECT value FROM about WHERE key = 'last tick'").fetchone()
        gaps = [earlier + 1 for earlier, later in pairwise(there) if later != earlier + 1]
        if said is not None and str(there[-1] if there else -1) != said[0]:
            gaps.append(int(said[0]))
        if gaps:
            raise damaged(self.path, f"tick {gaps[0]} is missing")
        return tuple(
            Ticked(index=index, detections=detections, applied=names_in(applied), aside=names_in(aside))
            for index, detections, applied, aside, _ in rows
        )

    def entries(self, partner: str) -> Iterator[Entry]:
        """The ledger kept with a partner, in order. Raises InputError at the first that is no entry."""
        asked = self.base.execute("SELECT * FROM ledger WHERE partner = ? ORDER BY place", (partner,))
        with contextlib.closing(asked) as rows:
            for _, place, kind, written, stated, epoch, sequence, digest, previous in rows:
                try:
                    yield Entry(
                        index=place, kind=EntryKind(kind), written_s=written, stated_s=stated, epoch=epoch,
                        sequence=sequence, envelope_digest=digest, previous=previous,
                    )  # fmt: skip
                except (ValueError, AssertionError) as error:
                    raise damaged(self.path, f"ledger entry {place} for {partner} is none") from error
