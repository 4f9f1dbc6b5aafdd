"""What bytes of no worth do to a gateway: forged, played again, random, or many. Each guard alone."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gateway.made_gateway import FIRST_TICK, SIDES, Pair, other, until_told

from detente.centre.exchange.dsse import envelope_digest
from detente.centre.exchange.ledger import EntryKind
from detente.centre.exchange.message import KIND
from detente.centre.exchange.statement import RECEIPT
from detente.gateway.logic import inbound
from detente.gateway.logic import node as nodes
from detente.gateway.logic.limits import Lane, Limits, Rate
from detente.gateway.logic.node import Frame, Timer
from detente.gateway.logic.notes import NOTE
from detente.gateway.logic.outbound import drop_sent

NATO, RUSSIA = SIDES


def unchanged(pair: Pair, name: str) -> tuple:
    """All of a side's state that bytes of no worth must leave alone."""
    link = pair.link(name)
    return (
        link.session, link.below, dict(link.beyond), link.waiting, dict(link.pending), link.note_seen,
        link.partner_epoch, link.partner_head, link.skew, link.paused_there, link.withdrawn, link.next_sequence,
    )  # fmt: skip


@pytest.fixture(scope="module")
def talked() -> Pair:
    """A pair that has talked, and the frames of some more ticks, not yet carried."""
    pair = Pair().begin()
    pair.pass_time(5.0)
    for index in range(FIRST_TICK + 14, FIRST_TICK + 20):
        pair.tick(index, RUSSIA)
    return pair


def kinds(pair: Pair) -> dict[str, tuple[int, bytes]]:
    """A frame of each kind, as one side would send it now; the pair itself stays as it is."""
    lane, envelope = next((lane, data) for _, _, lane, data in pair.frames if lane != Lane.NOTE)
    _, out = nodes.step(
        pair.gateways[NATO], pair.nodes[NATO], Frame(partner=RUSSIA, lane=lane, data=envelope), pair.now
    )
    receipt = next(data for _, _, data in out.frames if data[:8] == RECEIPT.mark)
    later = replace(pair.now, steady_s=pair.now.steady_s + 60.0, wall_s=pair.now.wall_s + 60.0)
    _, out = nodes.step(pair.gateways[RUSSIA], pair.nodes[RUSSIA], Timer(), later)
    note = next(data for _, _, data in out.frames if data[:8] == NOTE.mark)
    return {"envelope": (lane, envelope), "receipt": (Lane.NOTE, receipt), "note": (Lane.NOTE, note)}


@pytest.mark.parametrize("kind", ["envelope", "receipt", "note"])
def test_p3_a_flipped_bit_changes_nothing_and_is_noted(talked: Pair, kind: str) -> None:
    lane, data = kinds(talked)[kind]
    to = NATO if kind != "receipt" else RUSSIA
    generous = Limits(frames_each=(Rate(per_s=1e9, burst=1e9),) * 4, bytes_each=(Rate(per_s=1e9, burst=1e12),) * 4)
    gateway, was = replace(talked.gateways[to], limits=generous), unchanged(talked, to)
    refused, bits = 0, range(0, len(data) * 8, 7)  # every byte, and every bit of it in turn
    for bit in bits:
        forged = bytearray(data)
        forged[bit // 8] ^= 1 << bit % 8
        event = Frame(partner=other(to), lane=lane, data=bytes(forged))
        after, out = nodes.step(gateway, talked.nodes[to], event, talked.now)
        link = after.links[other(to)]
        talked_after = Pair.__new__(Pair)
        talked_after.nodes = {to: after}
        assert unchanged(talked_after, to) == was, f"bit {bit}"
        assert not out.frames
        refused += link.counts.get("refused", 0) - talked.link(to).counts.get("refused", 0)
    assert refused == len(bits)


def test_p3_the_same_forgery_is_noted_once() -> None:
    pair = Pair().begin(2)
    size = pair.link(NATO).tip.size
    for _ in range(5):
        pair.do(NATO, Frame(partner=RUSSIA, lane=0, data=b"DTNENV01" + bytes(200)))
    assert pair.link(NATO).counts["refused"] == 5
    assert pair.link(NATO).tip.size == size + 1
    assert pair.stores[NATO].ledger(RUSSIA)[-1].kind is EntryKind.REFUSED


@pytest.mark.parametrize("known", [True, False], ids=["by its bytes", "by its sequence"])
def test_p3_an_envelope_played_again_is_not_applied_again(known: bool) -> None:
    """Whether its digest is still remembered, or it was so long ago that its sequence alone tells."""
    pair = Pair().begin(6)
    until_told(pair, RUSSIA, FIRST_TICK + 6)
    letters = [frame for frame in pair.frames if frame[2] != Lane.NOTE and frame[1] == NATO]
    pair.carry()
    received, below = pair.link(NATO).counts["received"], pair.link(NATO).below
    if not known:
        pair.link(NATO).known.clear()
    for sender, to, lane, data in letters * 3:
        pair.do(to, Frame(partner=sender, lane=lane, data=data))
    assert pair.link(NATO).counts["received"] == received
    assert pair.link(NATO).below == below
    assert pair.link(NATO).counts["duplicates"] == 3 * len(letters)


def test_p5_a_receipt_may_name_an_envelope_twice() -> None:
    """As it does where the envelope came twice between two receipts."""
    pair = Pair().begin(6)
    until_told(pair, RUSSIA, FIRST_TICK + 6)
    link = pair.link(RUSSIA).copied()
    sent = list(link.pending)
    assert sent
    assert drop_sent(link, [*sent, *sent]) == tuple(sent)
    assert not link.pending


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 255), st.one_of(
    st.binary(max_size=300),
    st.builds(lambda mark, rest: mark + rest, st.sampled_from((b"DTNENV01", b"DTNNOT01", b"DTNRCP01")),
              st.binary(max_size=300)),
))  # fmt: skip
def test_p5_no_bytes_crash_it_or_make_it_speak(talked: Pair, lane: int, data: bytes) -> None:
    was = unchanged(talked, NATO)
    after, out = nodes.step(
        talked.gateways[NATO], talked.nodes[NATO], Frame(partner=RUSSIA, lane=lane, data=data), talked.now
    )
    assert out.frames == []
    assert len(out.records) <= 2
    kept = Pair.__new__(Pair)
    kept.nodes = {NATO: after}
    assert unchanged(kept, NATO) == was


def test_p5_refused_bytes_make_a_bounded_number_of_ledger_entries() -> None:
    """Also where each is another, so that none is known already."""
    pair = Pair().begin(2)
    size, most = pair.link(NATO).tip.size, Limits().audit.burst
    for number in range(200):
        pair.do(NATO, Frame(partner=RUSSIA, lane=int(Lane.WARNING), data=b"DTNENV01" + bytes([number]) * 200))
    assert pair.link(NATO).counts["refused"] == 200
    assert 0 < pair.link(NATO).tip.size - size <= most
    assert len(pair.link(NATO).refused) <= most


def test_p4_refused_bytes_are_not_read_through_once_no_entry_can_be_made_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A frame may be megabytes long, and its digest take as long as a tick's own half."""
    pair = Pair().begin(2)
    digested: list[int] = []

    def digest(data: bytes) -> bytes:
        digested.append(len(data))
        return envelope_digest(data)

    monkeypatch.setattr(inbound, "envelope_digest", digest)
    for number in range(100):
        pair.do(NATO, Frame(partner=RUSSIA, lane=int(Lane.WARNING), data=KIND.mark + bytes([number]) * 2000))
    assert pair.link(NATO).counts["refused"] == 100
    assert 0 < len(digested) <= Limits().audit.burst, "once for each entry, and never for another"
