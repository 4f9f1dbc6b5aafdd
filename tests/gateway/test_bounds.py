"""What a gateway remembers of a partner is bounded, and what it flags late was late: each guard alone."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.gateway.made_gateway import SIDES, Pair, key

from detente.centre.exchange.dsse import keyring
from detente.centre.exchange.ledger import EntryKind
from detente.centre.exchange.message import open_envelope, seal
from detente.gateway.logic import inbound, outbound
from detente.gateway.logic.limits import Lane
from detente.gateway.logic.link import HEADS_KEPT, REFUSED_KEPT, SPOKEN_KEPT, Out
from detente.gateway.logic.node import Frame
from detente.gateway.logic.notes import Word
from detente.gateway.logic.records import INBOX_TICKS
from detente.gateway.logic.terms import Held, still_held

NATO, RUSSIA = SIDES
RUSSIAS: Ed25519PrivateKey = key(RUSSIA)


@pytest.fixture
def pair() -> Pair:
    """A pair that has talked."""
    return Pair().begin(8)


def letter(pair: Pair, sequence: int) -> Frame:
    """An envelope of Russia's, with the content of one that it said before."""
    row = next(one for one in pair.stores[NATO].load().received if one.lane == Lane.TRACK)
    expected = inbound.expected_of(pair.gateways[NATO], RUSSIA)
    header, messages = open_envelope(row.envelope, keyring(RUSSIAS.public_key()), expected)
    data = seal(messages, replace(header, sequence=sequence), RUSSIAS)
    return Frame(partner=RUSSIA, lane=Lane.TRACK, data=data)


def test_p4_no_more_is_sent_in_one_go_than_so_much_and_the_rest_follows(pair: Pair) -> None:
    gateway, link = pair.gateways[RUSSIA], pair.link(RUSSIA).copied()
    first, most, many = link.next_sequence, outbound.SENDS_MAX, outbound.SENDS_MAX + 44
    for number in range(many):
        outbound.accept(gateway, link, Out(), Lane.TRACK, 0, b"%d" % number, (), pair.now)
    gone = []
    for _ in range(3):
        out = Out()
        outbound.flush(gateway, link, out, pair.now)
        gone.append([int(data) for _, _, data in out.frames])
    assert link.next_sequence == first + many
    assert gone == [list(range(many - 1, many - 1 - most, -1)), list(range(many - 1 - most, -1, -1)), []]


def test_p5_heads_refusals_and_moments_that_are_remembered_are_bounded(pair: Pair) -> None:
    gateway, link, out = pair.gateways[NATO], pair.link(NATO).copied(), Out()
    for number in range(HEADS_KEPT + 50):
        link.log(out, EntryKind.SESSION, number.to_bytes(32, "big"), pair.now)
    assert list(link.heads) == list(range(link.tip.size - HEADS_KEPT + 1, link.tip.size + 1)), "the newest"
    said = [number.to_bytes(32, "big") for number in range(REFUSED_KEPT + 9)]
    assert all(link.news(one) for one in said)
    assert not any(link.news(one) for one in said[-REFUSED_KEPT:])
    assert list(link.refused) == said[-REFUSED_KEPT:]
    for _ in range(SPOKEN_KEPT + 9):
        pair.pass_time(1.0)
        outbound.note(gateway, link, out, Word.PULSE, pair.now)
    assert len(link.spoken) == SPOKEN_KEPT
    assert link.spoken[-1] == (pair.now.wall_s, pair.now.steady_s)


def test_p5_arrivals_and_digests_that_are_remembered_are_bounded(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbound, "ARRIVALS_KEPT", 4)
    monkeypatch.setattr(inbound, "KNOWN_KEPT", len(pair.link(NATO).known) + 3)
    below = pair.link(NATO).below
    for sequence in range(below, below + 9):
        pair.do(NATO, letter(pair, sequence))
    newest = list(range(below, below + 9))
    assert [sequence for _, sequence, _ in pair.link(NATO).arrivals] == newest[-4:]
    assert list(pair.link(NATO).known.values())[-9:] == newest
    assert len(pair.link(NATO).known) == inbound.KNOWN_KEPT


@pytest.mark.parametrize("late", [False, True])
def test_what_was_overtaken_for_longer_than_the_horizon_is_flagged(pair: Pair, late: bool) -> None:
    below, horizon_s = pair.link(NATO).below, pair.gateways[NATO].limits.horizon_s
    pair.do(NATO, letter(pair, below + 1))
    pair.pass_time(horizon_s + (0.1 if late else -0.1))
    pair.do(NATO, letter(pair, below))
    flags = {one.sequence: one.late for one in pair.stores[NATO].load().received}
    assert (flags[below], flags[below + 1]) == (late, False)
    assert pair.link(NATO).counts["late"] == late


def test_what_the_store_has_deleted_by_its_own_rule_is_held_no_more(pair: Pair) -> None:
    """Or a tick would carry, and a snapshot keep, whatever came since the beginning."""

    def held(tick: int) -> Held:
        return Held(partner=RUSSIA, lane=int(Lane.TRACK), tick=tick, epoch=1, sequence=tick, digest="00" * 32)

    index = 2 * INBOX_TICKS
    holds = [held(tick) for tick in (index - INBOX_TICKS - 1, index - INBOX_TICKS, index - INBOX_TICKS + 1, index)]
    assert still_held(holds, index) == tuple(holds[2:])
    last = pair.nodes[NATO].tick + 1
    old, young = held(last - INBOX_TICKS), held(last - INBOX_TICKS + 1)
    pair.nodes[NATO] = replace(pair.nodes[NATO], holds=(old, young))
    pair.tick(last, NATO)
    assert old not in pair.nodes[NATO].holds
    assert young in pair.nodes[NATO].holds
