"""Long breaks, new epochs and old stores: what becomes of what was said before."""

from tests.gateway.made_gateway import FIRST_TICK, SIDES, Pair, other

from detente.centre.exchange.audit import Book, audit
from detente.centre.exchange.ledger import Entry, EntryKind
from detente.gateway.logic.limits import Lane
from detente.gateway.logic.node import LineDown, start
from detente.gateway.store import MemoryStore

NATO, RUSSIA = SIDES


def run(pair: Pair, first: int, ticks: int) -> Pair:
    """Both sides tick and hear each other."""
    for index in range(first, first + ticks):
        pair.pass_time(5.0)
        pair.tick(index)
        pair.carry()
    return pair


def talked(ticks: int) -> Pair:
    """A pair that has talked."""
    pair = Pair()
    pair.connect()
    return run(pair, FIRST_TICK, ticks)


def book(pair: Pair, name: str, entries: list[Entry]) -> Book:
    """A side's ledger as an auditor is handed it."""
    link = pair.link(name)
    waiting = {(link.partner_epoch, number): had.digest for number, had in link.beyond.items()}
    return Book(side=name, partner=other(name), entries=tuple(entries), head=link.tip.head, waiting=waiting)


def test_p3_nothing_that_was_held_behind_a_gap_is_lost_when_the_partner_begins_a_new_epoch() -> None:
    """It was receipted and applied. What is missing before it never comes, and an auditor takes nobody for a liar."""
    pair = talked(6)
    lost: list[bytes] = []
    for index in range(FIRST_TICK + 6, FIRST_TICK + 20):
        pair.pass_time(5.0)
        pair.tick(index)
        lost += [data for sender, _, lane, data in pair.frames if sender == RUSSIA and lane != Lane.NOTE and not lost]
        pair.frames = [frame for frame in pair.frames if frame[3] not in lost]
        pair.carry()
    held, below = sorted(pair.link(NATO).beyond), pair.link(NATO).below
    assert len(held) > 1 < held[0] > below
    theirs = book(pair, RUSSIA, pair.stores[RUSSIA].ledger(NATO))
    assert audit(book(pair, NATO, pair.stores[NATO].ledger(RUSSIA)), theirs) == ()
    for name in SIDES:
        pair.do(name, LineDown(partner=other(name)))
    pair.stores[RUSSIA], pair.nodes[RUSSIA] = MemoryStore(epoch=2), start(pair.gateways[RUSSIA], 2)
    pair.connect()
    assert pair.link(NATO).partner_epoch == 2
    lines = [entry for entry in pair.stores[NATO].ledger(RUSSIA) if entry.epoch == 1 and entry.sequence >= below]
    of_russia = [entry.sequence for entry in lines if entry.kind is EntryKind.RECEIVED]
    assert of_russia == held
    assert audit(book(pair, NATO, pair.stores[NATO].ledger(RUSSIA)), theirs) == ()
    assert run(pair, FIRST_TICK + 20, 6).link(NATO).below == pair.link(RUSSIA).next_sequence > 0
