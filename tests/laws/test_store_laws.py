"""Stores: the one on disk behaves as the plain one in memory, whatever it is given and in whatever batches."""

import json
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.centre.exchange.dsse import envelope_digest
from detente.centre.exchange.ledger import EntryKind, Tip
from detente.gateway.logic.records import (
    Accepted,
    Closed,
    Forgotten,
    Kept,
    Logged,
    Receipted,
    Received,
    Record,
    Snapped,
    StoreError,
    Sworn,
    Ticked,
)
from detente.gateway.sqlite_store import SqliteStore
from detente.gateway.store import MemoryStore

PARTNERS = ("Russia", "Third")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("accept", "close", "receipt", "receive", "tick", "forget", "snap", "testify")),
        st.sampled_from(PARTNERS), st.integers(0, 9),
    ),
    max_size=40,
)  # fmt: skip


class Diary:
    """Records that a gateway could write, one after the other."""

    def __init__(self) -> None:
        self.tips = {partner: Tip() for partner in PARTNERS}
        self.sent = dict.fromkeys(PARTNERS, 0)
        self.open: dict[str, list[int]] = {partner: [] for partner in PARTNERS}
        self.came = dict.fromkeys(PARTNERS, 0)
        self.waiting: list[tuple[str, int, int]] = []
        self.taken: list[tuple[str, int, int]] = []
        self.digests: dict[tuple[str, int], bytes] = {}
        self.ticks = 0

    def write(self, what: str, partner: str, number: int) -> list[Record]:
        if what == "accept":
            sequence = self.sent[partner]
            self.sent[partner] += 1
            self.open[partner].append(sequence)
            envelope = bytes([sequence % 256, number]) * 5
            taken = Accepted(partner=partner, sequence=sequence, lane=number % 3, tick=self.ticks, envelope=envelope,
                             keys=((3, number),))  # fmt: skip
            self.digests[partner, sequence] = envelope_digest(envelope)
            return [taken, *self.log(partner, EntryKind.SENT, sequence, envelope_digest(envelope))]
        if what == "close" and self.open[partner]:
            sequence = self.open[partner][number % len(self.open[partner])]
            closed = Closed(
                partner=partner, sequence=sequence, reason="expired", digest=self.digests[partner, sequence]
            )
            return [closed]
        if what == "receipt" and self.open[partner]:
            gone = tuple(self.open[partner][: number + 1])
            self.open[partner] = self.open[partner][number + 1 :]
            return [Receipted(partner=partner, sequences=gone)]
        if what == "receive":
            sequence = self.came[partner]
            self.came[partner] += 1
            self.waiting.append((partner, 4, sequence))
            came = Received(partner=partner, epoch=4, sequence=sequence, lane=1, envelope=bytes([number]) * 9,
                            late=number > 7)  # fmt: skip
            return [came, *self.log(partner, EntryKind.RECEIVED, sequence)]
        if what == "tick":
            applied, self.waiting = tuple(self.waiting[:number]), self.waiting[number:]
            self.taken += applied
            self.ticks += 1
            return [Ticked(index=self.ticks - 1, detections=bytes([number]), applied=applied)]
        if what == "forget":
            names, self.taken = tuple(self.taken[:number]), self.taken[number:]
            snapshot = Snapped(index=self.ticks - 1, memory=b"needs them no more")
            return [Forgotten(names=names), snapshot] if names else []
        if what == "snap" and self.ticks:
            return [Snapped(index=self.ticks - 1, memory=bytes([number]) * 3)]
        if what == "testify":
            kind = "equivocation" if number > 7 else "latest"
            return [Sworn(partner=partner, kind=kind, word=bytes([number]) * 4)]
        return []

    def log(self, partner: str, kind: EntryKind, sequence: int, digest: bytes = bytes(32)) -> list[Record]:
        tip, entry = self.tips[partner].append(
            kind, digest, written_s=0.1 * sequence, stated_s=1.0, epoch=4, sequence=sequence
        )
        self.tips[partner] = tip
        document = json.dumps({"tip": [tip.size, [peak.hex() for peak in tip.peaks], tip.last.hex()]})
        return [Logged(partner=partner, entry=entry), Kept(partner=partner, document=document)]


def test_a_commit_that_fails_half_way_keeps_nothing(tmp_path: Path) -> None:
    """The second record of a batch cannot be kept: nor is the first, then or after a restart."""
    diary = Diary()
    with closing(SqliteStore(tmp_path / "store", "NATO", epoch=4)) as store:
        store.commit(diary.write("receive", "Russia", 1))
        before = store.load()
        same_again = diary.write("accept", "Russia", 1)
        with pytest.raises(StoreError):
            store.commit([*same_again, *same_again])
        assert store.load() == before
        store.commit(same_again)  # and it goes on
        after = store.load()
        assert len(after.outbox) == len(before.outbox) + 1
    with closing(SqliteStore(tmp_path / "store", "NATO", epoch=99)) as store:
        assert store.load() == after


@settings(max_examples=25, deadline=None)
@given(STEPS, st.integers(1, 5))
def test_a_store_on_disk_behaves_as_one_in_memory(steps: list[tuple[str, str, int]], batch: int) -> None:
    diary, plain = Diary(), MemoryStore(epoch=4)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store"
        disk = SqliteStore(path, "NATO", epoch=4)
        for first in range(0, len(steps), batch):
            records = [record for step in steps[first : first + batch] for record in diary.write(*step)]
            plain.commit(records)
            disk.commit(records)
        assert disk.load() == plain.load()
        disk.close()
        again = SqliteStore(path, "NATO", epoch=99)
        assert again.load() == plain.load()
        for partner in PARTNERS:
            assert again.ledger(partner) == plain.ledger(partner)
            assert again.testimony(partner) == plain.testimony(partner)
        again.close()
