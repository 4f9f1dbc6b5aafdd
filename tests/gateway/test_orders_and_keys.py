"""What changes between two sides that talk: the operator's words, a key, the agreement."""

from dataclasses import replace

from tests.gateway.made_gateway import FIRST_TICK, SIDES, Pair, key, until_told

from detente.centre.exchange.dsse import keyring
from detente.centre.exchange.session import State
from detente.gateway.logic.node import Order, Timer, restore
from detente.gateway.logic.packing import pack

NATO, RUSSIA = SIDES


def test_an_operator_pauses_quarantines_and_withdraws() -> None:
    pair = Pair().begin(6)
    pair.do(NATO, Order(word="quarantine", partner=RUSSIA))
    before = pack(pair.nodes[NATO].centre.assisted.partner)
    pair.talk(FIRST_TICK + 6, 4)
    assert pair.link(NATO).counts["set_aside"] > 0
    partner = pair.nodes[NATO].centre.assisted.partner
    assert (partner.received_s <= (FIRST_TICK + 6) * 5.0).all()
    assert before != b""
    pair.do(NATO, Order(word="release", partner=RUSSIA))
    pair.do(NATO, Order(word="pause", partner=RUSSIA))
    pair.carry()
    assert [pair.link(name).session.state for name in SIDES] == [State.SUSPENDED] * 2
    accepted = [pair.link(name).counts["accepted"] for name in SIDES]
    pair.talk(FIRST_TICK + 10, 4)
    assert [pair.link(name).counts["accepted"] for name in SIDES] == accepted
    pair.do(NATO, Order(word="resume", partner=RUSSIA))
    pair.carry()
    assert [pair.link(name).session.state for name in SIDES] == [State.EXCHANGING] * 2
    pair.do(RUSSIA, Order(word="withdraw", partner=NATO))
    pair.carry()
    assert [pair.link(name).session.state for name in SIDES] == [State.WITHDRAWN] * 2


def test_a_revoked_key_is_believed_no_more_and_a_new_one_is() -> None:
    pair = Pair().begin(6)
    pair.gateways[NATO] = replace(pair.gateways[NATO], keys={RUSSIA: {}})
    received = pair.link(NATO).counts["received"]
    pair.talk(FIRST_TICK + 6, 4)
    assert pair.link(NATO).counts["received"] == received
    assert pair.link(NATO).counts["refused"] > 0
    pair.gateways[NATO] = replace(pair.gateways[NATO], keys={RUSSIA: keyring(key(RUSSIA).public_key())})
    for _ in range(3):
        pair.pass_time(3.0)
        pair.do(RUSSIA, Timer())
        pair.carry()
    assert pair.link(NATO).below == pair.link(RUSSIA).next_sequence > received


def test_a_renewed_agreement_closes_what_waits_under_the_old_one() -> None:
    pair = Pair().begin(6)
    pair.frames = []
    told = until_told(pair, RUSSIA, FIRST_TICK + 6)
    pair.frames = []
    for name in SIDES:
        renewed = replace(pair.gateways[name], digest="ab" * 32)
        pair.gateways[name] = renewed
        pair.nodes[name], out = restore(renewed, pair.stores[name].load(), pair.now)
        pair.stores[name].commit(out.records)
    assert pair.link(RUSSIA).pending == {}
    assert {one.reason for one in pair.link(RUSSIA).closings.until(10**6)} == {"renewed"}
    pair.connect()
    assert [pair.link(name).session.state for name in SIDES] == [State.EXCHANGING] * 2
    pair.talk(told + 1, 3)
    assert pair.link(RUSSIA).pending == {}
    assert pair.link(NATO).below == pair.link(RUSSIA).next_sequence


def test_sides_that_signed_different_agreements_exchange_nothing() -> None:
    pair = Pair()
    pair.gateways[RUSSIA] = replace(pair.gateways[RUSSIA], digest="cd" * 32)
    pair.begin(8)
    assert all(not pair.link(name).agreed for name in SIDES)
    assert pair.link(NATO).counts["refused"] > 0
    assert any("names agreement cdcdcdcd" in notice.text for name, notice in pair.notices if name == NATO)
    assert all(pair.link(name).next_sequence == 0 for name in SIDES)
