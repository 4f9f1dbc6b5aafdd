"""Laws of the exchange between gateways: the order in which a partner's envelopes arrive decides nothing that lasts."""

from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.made_gateway import FIRST_TICK, SIDES, Pair

from detente.centre.exchange.ledger import EntryKind
from detente.gateway.logic.limits import Lane
from detente.gateway.logic.node import Frame

NATO, RUSSIA = SIDES
TICKS = 16


@cache
def letters() -> tuple[tuple[int, int, bytes], ...]:
    """(tick, lane, envelope) of everything one side says in a while."""
    pair = Pair()
    pair.connect()
    said = []
    for index in range(FIRST_TICK, FIRST_TICK + TICKS):
        pair.pass_time(5.0)
        pair.tick(index)
        said += [(index, lane, data) for sender, _, lane, data in pair.frames if sender == RUSSIA and lane != Lane.NOTE]
        pair.carry()
    return tuple(said)


def heard(order: list[tuple[int, int, bytes]], *, late: dict[bytes, int]) -> tuple:
    """What lasts at the other side, when envelopes come in this order and ``late`` ticks late."""
    pair = Pair()
    pair.connect()
    for index in range(FIRST_TICK, FIRST_TICK + TICKS + 4):
        pair.pass_time(5.0)
        pair.tick(index, NATO)
        pair.frames = []
        for tick, lane, data in order:
            if tick + late.get(data, 0) == index:
                pair.do(NATO, Frame(partner=RUSSIA, lane=lane, data=data))
    pair.pass_time(5.0)
    pair.tick(FIRST_TICK + TICKS + 4, NATO)
    entries = [entry for entry in pair.stores[NATO].ledger(RUSSIA) if entry.kind is EntryKind.RECEIVED]
    partner = pair.nodes[NATO].centre.assisted.partner
    held = np.flatnonzero(partner.status[0])
    tracks = sorted(
        (int(partner.giver[0, q]), int(partner.number[0, q]), float(partner.valid_s[0, q]),
         partner.mean[0, q].tobytes(), partner.covariance[0, q].tobytes())
        for q in held
    )  # fmt: skip
    inbox = sorted(row.envelope for row in pair.stores[NATO].load().received)
    return [(entry.sequence, entry.envelope_digest) for entry in entries], tracks, len(inbox), pair.link(NATO).below


@settings(max_examples=12, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 2))
def test_p2_the_order_of_arrival_decides_nothing_that_lasts(lot, most_late: int) -> None:
    said = list(letters())
    assert len(said) > 10
    in_order = heard(said, late={})
    shuffled = lot.sample(said, len(said))
    late = {data: lot.randint(0, most_late) for _, _, data in said}
    ledger, tracks, _, below = heard(shuffled, late=late)
    assert ledger == in_order[0]
    assert tracks == in_order[1]
    assert below == in_order[3] == len(said)
    assert [sequence for sequence, _ in ledger] == list(range(len(said)))
