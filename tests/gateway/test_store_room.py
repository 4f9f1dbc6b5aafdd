"""A store that is nearly full: partners wait, own ticks do not, and what goes makes room."""

import asyncio
import os
import sqlite3
from collections import deque
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.gateway.made_gateway import FIRST_TICK, Pair, key
from tests.gateway.made_live import laid, ready
from tests.gateway.test_serving import crowded

from detente.centre.exchange.dsse import envelope_digest
from detente.centre.exchange.ledger import EntryKind, Tip
from detente.gateway.logic import outbound
from detente.gateway.logic.limits import Limits
from detente.gateway.logic.link import Out, start_link
from detente.gateway.logic.node import Frame, Timer
from detente.gateway.logic.notes import Note, Word, write
from detente.gateway.logic.records import (
    INBOX_TICKS,
    Accepted,
    Forgotten,
    Logged,
    Receipted,
    Received,
    Record,
    Snapped,
    StoreError,
    Ticked,
)
from detente.gateway.sqlite_store import SqliteStore
from detente.gateway.store import ENTRY_BYTES, RESERVE, MemoryStore, ledger_share

NATO, RUSSIA = "NATO", "Russia"
BYTES_MAX = 4_000_000
LETTER, MEMORY = 40_000, 300_000


def received(number: int) -> Received:
    return Received(partner=RUSSIA, epoch=2, sequence=number, lane=1, envelope=os.urandom(LETTER), late=False)


def ticked(index: int, *applied: int, memory: int = MEMORY) -> list[Record]:
    """A tick, and all that the centre remembers after it."""
    names = tuple((RUSSIA, 2, number) for number in applied)
    return [Ticked(index=index, detections=bytes(2000), applied=names), Snapped(index=index, memory=bytes(memory))]


def sent(tip: Tip, sequence: int, size: int) -> tuple[Tip, list[Record]]:
    """An envelope of ours, and its line in the ledger."""
    envelope = bytes(size)
    tip, entry = tip.append(
        EntryKind.SENT, envelope_digest(envelope), written_s=0.0, stated_s=0.0, epoch=1, sequence=sequence
    )
    ours = Accepted(partner=RUSSIA, sequence=sequence, lane=0, tick=sequence, envelope=envelope, keys=())
    return tip, [ours, Logged(partner=RUSSIA, entry=entry)]


def made(kind: str, folder: Path) -> SqliteStore | MemoryStore:
    if kind == "memory":
        return MemoryStore(1, bytes_max=BYTES_MAX)
    return SqliteStore(folder / "store", NATO, epoch=1, bytes_max=BYTES_MAX)


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path):
    made_store = made(request.param, tmp_path)
    yield made_store
    if isinstance(made_store, SqliteStore):
        made_store.close()


def fill(store: SqliteStore | MemoryStore) -> int:
    """A partner sends until the store is crowded; how many envelopes it took."""
    store.commit(ticked(0))
    number = 0
    while not store.crowded:
        store.commit([received(number)])
        number += 1
    return number


def test_p7_what_partners_send_leaves_room_for_own_ticks_memory_and_outbox(store: SqliteStore | MemoryStore) -> None:
    """A partner that sent all it could costs no tick and no word of ours."""
    taken, tip = fill(store), Tip()
    assert 0.9 < taken * LETTER / (BYTES_MAX * (1.0 - RESERVE) - MEMORY) < 1.1
    for index in range(1, 200):
        tip, ours = sent(tip, index, 4000)
        store.commit([*ticked(index), *ours, Receipted(partner=RUSSIA, sequences=(index - 20,))])
    saved = store.load()
    assert saved.snapshot is not None
    assert saved.snapshot.index == 199
    assert len(saved.received) == taken
    assert store.crowded


def test_p7_a_crowded_store_goes_on_by_itself_once_what_it_holds_was_applied(store: SqliteStore | MemoryStore) -> None:
    taken = fill(store)
    store.commit(ticked(1, *range(taken // 2)))
    assert not store.crowded
    assert len(store.load().received) == taken - taken // 2
    store.commit([received(taken)])


def test_a_store_with_room_keeps_what_was_applied_for_its_ticks_and_no_longer(
    store: SqliteStore | MemoryStore,
) -> None:
    """The inbox is not emptied by a snapshot, but by the time."""
    store.commit([received(0), *ticked(0, 0)])
    store.commit(ticked(INBOX_TICKS - 1))
    assert inbox(store) == 1
    store.commit(ticked(INBOX_TICKS))
    assert inbox(store) == 0


def inbox(store: SqliteStore | MemoryStore) -> int:
    if isinstance(store, MemoryStore):
        return len(store.inbox)
    return store.base.execute("SELECT count(*) FROM inbox").fetchone()[0]


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_what_goes_makes_room_for_what_comes(kind: str, tmp_path: Path) -> None:
    """Of a store filled to the brim, a tick with a new memory takes the place of the old one; more is refused."""
    store = made(kind, tmp_path)
    fill(store)
    more = [[received(number)] for number in range(1000, 1000 + BYTES_MAX // LETTER)]
    with pytest.raises(StoreError):
        deque(map(store.commit, more), maxlen=0)
    before = store.load()
    _, news = sent(Tip(), 0, 2 * LETTER)
    with pytest.raises(StoreError):
        store.commit(news)
    store.commit([*news, *ticked(1, memory=MEMORY // 2)])
    after = store.load()
    assert after.received == before.received
    assert after.snapshot is not None
    assert after.snapshot.index == 1
    if isinstance(store, SqliteStore):
        store.close()
        assert (tmp_path / "store").stat().st_size <= BYTES_MAX


def test_a_store_opened_crowded_is_so(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "store", NATO, epoch=1, bytes_max=BYTES_MAX)) as store:
        fill(store)
    with closing(SqliteStore(tmp_path / "store", NATO, epoch=1, bytes_max=BYTES_MAX)) as store:
        assert store.crowded
    with closing(SqliteStore(tmp_path / "store", NATO, epoch=1, bytes_max=2 * BYTES_MAX)) as store:
        assert not store.crowded


def test_p5_a_crowded_store_takes_nothing_of_a_partner_until_it_has_room() -> None:
    """Nothing is kept and nothing receipted; it is counted and told once, and what was sent comes again."""
    pair = Pair()
    pair.connect()
    pair.do(NATO, Timer(crowded=True))
    pair.do(NATO, Timer())
    before = pair.link(NATO)
    for index in range(FIRST_TICK, FIRST_TICK + 8):
        pair.pass_time(5.0)
        pair.tick(index, RUSSIA)
        pair.carry()
    waits = dict(pair.link(RUSSIA).pending)
    assert waits
    assert not pair.link(NATO).waiting
    assert pair.link(NATO).below == before.below
    assert pair.link(NATO).counts["no_room"] >= len(waits)
    assert not pair.link(NATO).counts.get("refused")
    said = [notice.text for name, notice in pair.notices if name == NATO and notice.kind == "store"]
    assert len(said) == 1
    assert "nearly full" in said[0]
    pair.pass_time(10.0)
    pair.do(NATO, Timer(crowded=False))
    pair.do(RUSSIA, Timer())
    pair.carry()
    assert not pair.link(RUSSIA).pending
    assert {one.sequence for one in pair.link(NATO).waiting} >= set(waits)
    assert [notice.text for name, notice in pair.notices if name == NATO and notice.kind == "store"][1:] == [
        "the store has room again: what Russia sends is taken"
    ]


def test_p5_a_crowded_store_takes_no_closings_and_no_lines_about_refused_bytes() -> None:
    pair = Pair()
    pair.connect()
    for index in range(FIRST_TICK, FIRST_TICK + 8):
        pair.pass_time(5.0)
        pair.tick(index, RUSSIA)
    pair.frames.clear()
    pair.do(NATO, Timer(crowded=True))
    link, out = pair.link(RUSSIA), Out()
    outbound.close_all(link, out, "expired", pair.now)
    pair.stores[RUSSIA].commit(out.records)
    size = pair.link(NATO).tip.size
    pair.pass_time(10.0)
    pair.do(RUSSIA, Timer())
    pair.carry()
    pair.do(NATO, Frame(partner=RUSSIA, lane=1, data=b"DTNENV01" + bytes(50)))
    assert pair.link(NATO).tip.size == size
    assert not pair.link(NATO).beyond
    pair.do(NATO, Timer(crowded=False))
    pair.pass_time(20.0)
    pair.do(RUSSIA, Timer())
    pair.carry()
    assert not pair.link(RUSSIA).pending
    lines = [entry.kind for entry in pair.stores[NATO].ledger(RUSSIA)]
    assert lines.count(EntryKind.TOMBSTONE) == len(out.records) // 2


def words(pair: Pair, epoch: int = 1, **values: Any) -> list[EntryKind]:
    """What NATO's ledger gains by a note of Russia's."""
    size, link = pair.link(NATO).tip.size, pair.link(RUSSIA).copied()
    link.notes += 1
    pair.nodes[RUSSIA] = replace(pair.nodes[RUSSIA], links={NATO: link})
    note = Note(
        address=replace(outbound._address(pair.gateways[RUSSIA], link, pair.now), epoch=epoch), word=Word.PULSE,
        heard=True, paused=False, withdrawn=False, base=link.next_sequence, of=1, below=link.below,
    )  # fmt: skip
    pair.do(NATO, Frame(partner=RUSSIA, lane=3, data=write(replace(note, **values), key(RUSSIA))))
    return [entry.kind for entry in pair.stores[NATO].ledger(RUSSIA)[size:]]


@pytest.mark.parametrize("crowded", [True, False])
def test_p5_a_partners_words_leave_nothing_in_a_crowded_store_but_that_it_leaves(crowded: bool) -> None:
    """A pause is obeyed, and a new epoch waits. (With room, each leaves a line.)"""
    pair = Pair()
    pair.connect()
    pair.do(NATO, Timer(crowded=crowded))
    line = [] if crowded else [EntryKind.SESSION]
    assert words(pair, paused=True) == line
    assert pair.link(NATO).paused_there
    assert words(pair) == line
    assert words(pair, base=pair.link(NATO).below + 5) == line, "those between never come"
    assert words(pair, word=Word.HELLO, epoch=2, base=0) == line
    assert pair.link(NATO).partner_epoch == (1 if crowded else 2)
    pair.do(NATO, Timer(crowded=False))
    assert words(pair, word=Word.HELLO, epoch=3, base=0) == [EntryKind.SESSION]
    pair.do(NATO, Timer(crowded=crowded))
    assert words(pair, epoch=3, withdrawn=True) == [EntryKind.SESSION], "once, and for good"


def test_p7_a_partner_whose_ledger_has_taken_its_share_waits_and_no_other_does() -> None:
    """Closings and envelopes leave lines that nothing deletes: what one partner has of them takes no room of others."""
    limits = Limits(ledger_entries=40)
    pair = Pair(limits)
    pair.connect()
    for index in range(FIRST_TICK, FIRST_TICK + 20):
        pair.pass_time(5.0)
        pair.tick(index, RUSSIA)
        pair.carry()
        pair.do(NATO, Timer(crowded=False))
        if pair.link(NATO).crowded:
            break
        for number in range(8):
            words(pair, paused=not number % 2)
    assert 40 <= pair.link(NATO).tip.size < 50
    told = [one.text for name, one in pair.notices if name == NATO and one.kind == "store"]
    assert told == [
        "the ledger with it has taken its share of the store: nothing more of Russia is taken until there is room "
        "(store_bytes_max)"
    ]
    size = pair.link(NATO).tip.size
    other = start_link("Turkey", pair.gateways[NATO].digest, 1)
    pair.nodes[NATO] = replace(pair.nodes[NATO], links={RUSSIA: pair.link(NATO), "Turkey": other})
    for index in range(pair.nodes[RUSSIA].tick + 1, FIRST_TICK + 24):
        pair.pass_time(5.0)
        pair.tick(index, RUSSIA)
        pair.carry()
        pair.do(NATO, Timer(crowded=False))
    assert pair.link(RUSSIA).pending
    assert pair.link(NATO).tip.size == size
    assert {name: link.crowded for name, link in pair.nodes[NATO].links.items()} == {RUSSIA: True, "Turkey": False}


@pytest.mark.parametrize("partners", [1, 2, 3])
def test_the_ledgers_of_all_partners_leave_the_store_its_reserve(partners: int) -> None:
    entries = ledger_share(BYTES_MAX, partners)
    assert 0.99 * (1 - RESERVE) * BYTES_MAX < partners * entries * ENTRY_BYTES <= (1 - RESERVE) * BYTES_MAX


def test_a_side_that_starts_knows_the_share_of_each_ledger(tmp_path: Path) -> None:
    laid(tmp_path)
    assert ready(tmp_path, NATO).gateway.limits.ledger_entries == ledger_share(2_000_000_000, 1) == 10**7


def test_a_running_side_tells_its_gateway_whether_its_store_has_room() -> None:
    server = crowded([])
    server._tell_standing = server.stop  # comes with the timer: one pass is enough
    for full in (True, False):
        server.store, server.stopping = SimpleNamespace(crowded=full), False
        asyncio.run(server._loop(None))
        assert server.node.links[RUSSIA].crowded is full


@pytest.mark.parametrize("log_bytes", [0, 2_000_000])
@pytest.mark.parametrize("folded", [True, False])
def test_what_is_forgotten_is_in_no_file_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folded: bool, log_bytes: int
) -> None:  # fmt: skip
    """Not in the store, where its bytes are overwritten, and not in its log, which is cut off."""
    connected = SqliteStore._connected

    def careless(store: SqliteStore) -> sqlite3.Connection:
        """As SQLite is where it was not built to overwrite by itself."""
        made = connected(store)
        made.execute("PRAGMA secure_delete=OFF")
        return made

    monkeypatch.setattr(SqliteStore, "_connected", careless)
    secret = b"nobody may keep this" * 1000
    came = Received(partner=RUSSIA, epoch=2, sequence=0, lane=1, envelope=secret, late=False)

    def found() -> bool:
        return any(secret[:200] in path.read_bytes() for path in tmp_path.iterdir())

    with closing(SqliteStore(tmp_path / "store", NATO, epoch=1, log_bytes=log_bytes)) as store:
        store.commit([came])
        store.commit(ticked(300, 0)[:1])  # its line grows by the tick's number, and so moves
        if folded:
            store.fold()
        assert found()
        store.commit([Forgotten(names=((RUSSIA, 2, 0),)), *ticked(301)[:1]])
        assert not found()
