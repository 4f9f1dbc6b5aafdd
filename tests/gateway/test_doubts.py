"""A gateway and what it doubts: shown to the operator, acted on as configured, taken back at the operator's word."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.gateway import made_gateway as made

from detente.centre.picture.trust import Suspicion, pardon
from detente.gateway.health import metrics
from detente.gateway.logic.doubts import doubts_document, notice_doubts, notice_unheard, sensors_document
from detente.gateway.logic.link import Gateway, Out
from detente.gateway.logic.node import Node, Order, Tick, restore, watch
from detente.gateway.logic.packing import pack
from detente.gateway.theatre import gateway_of
from detente.records.errors import InputError
from detente.records.slots import Origin, SensorState
from detente.records.stages import Messages

NATO, RUSSIA = made.SIDES
FIRST_TICK = made.FIRST_TICK


def run(pair, first: int = FIRST_TICK, ticks: int = 20):
    for index in range(first, first + ticks):
        pair.tick(index)
        pair.pass_time(5.0)
        pair.carry()
    return pair


def paired(quarantine: str = "advise"):
    """Two gateways, of which the first does this about a partner that it suspects."""
    pair = made.Pair()
    gateway: Gateway = pair.gateways[NATO]
    pair.gateways[NATO] = replace(gateway, centre=replace(gateway.centre, quarantine=quarantine))
    pair.connect()
    return pair


def suspecting(pair, kind: Suspicion = Suspicion.GHOSTS) -> None:
    """As if its evidence had reached an alarm."""
    node: Node = pair.nodes[NATO]
    assisted = node.centre.assisted
    suspected, since_s = assisted.trust.suspected.copy(), assisted.trust.suspected_s.copy()
    suspected[0, 1], since_s[0, 1] = kind, assisted.trust.time_s
    trust = replace(assisted.trust, suspected=suspected, suspected_s=since_s)
    centre = replace(node.centre, assisted=replace(assisted, trust=trust))
    pair.nodes[NATO] = replace(node, centre=centre, durable=False)  # so that the next tick keeps it


def told_by_partner(pair) -> int:
    picture = pair.nodes[NATO].centre.assisted.picture
    return int(np.isin(picture.origin, (Origin.FUSED, Origin.PARTNER)).sum())


def test_honest_partners_are_believed_and_their_sensors_shown() -> None:
    pair = run(paired())
    assert told_by_partner(pair) > 0
    for name in made.SIDES:
        gateway, node = pair.gateways[name], pair.nodes[name]
        doubts = doubts_document(gateway, node.centre, made.other(name))
        assert (doubts["suspected"], doubts["since_s"], doubts["left_out"]) == ([], None, False)
        sensors = sensors_document(gateway, node.centre, made.other(name))
        suite = gateway.centre.suite
        theirs = [index for index in range(len(suite.names)) if suite.side[index] != gateway.centre.side]
        withheld = [index for index in theirs if suite.owners[suite.owner[index]] in ("TUR", "NOR")]
        assert set(sensors) == {suite.names[index] for index in theirs if name == NATO or index not in withheld}
        assert {one["state"] for one in sensors.values()} == {"up"}
        assert any("watches" in one for one in sensors.values())
        json.dumps([doubts, sensors], allow_nan=False)


def test_a_sensor_that_is_down_is_said_to_be() -> None:
    pair = paired()
    theirs: Gateway = pair.gateways[RUSSIA]
    index = next(i for i, side in enumerate(theirs.centre.suite.side) if side == 1)
    states = np.full(len(theirs.centre.suite.names), SensorState.UP, np.uint8)
    states[index] = SensorState.DOWN
    pair.gateways[RUSSIA] = replace(theirs, centre=replace(theirs.centre, sensor_states=states))
    run(pair, ticks=4)
    heard = sensors_document(pair.gateways[NATO], pair.nodes[NATO].centre, RUSSIA)
    assert heard[theirs.centre.suite.names[index]]["state"] == "down"
    assert "watches" not in heard[theirs.centre.suite.names[index]]


def test_a_state_of_somebody_elses_sensor_is_refused() -> None:
    with pytest.raises(InputError, match="a sensor of this side") as refused:
        gateway_of(
            made.world().theatre, NATO, None, mark=pair_mark(), signer=made.key(NATO), keys={}, secret=1,
            sensor_states={"gabala": SensorState.DOWN},
        )  # fmt: skip
    assert "sensors.gabala" in str(refused.value)


def pair_mark():
    return made.gateway(NATO).mark


@pytest.mark.parametrize(("quarantine", "left_out"), [("advise", False), ("automatic", True)])
def test_who_is_suspected_is_left_out_where_that_is_asked(quarantine: str, left_out: bool) -> None:
    pair = run(paired(quarantine), ticks=10)
    before = [one.time_s.tolist() for one in pair.own[NATO]]
    suspecting(pair)
    run(pair, FIRST_TICK + 10, 6)
    assert (told_by_partner(pair) == 0) == left_out
    doubts = doubts_document(pair.gateways[NATO], pair.nodes[NATO].centre, RUSSIA)
    assert doubts["left_out"] == left_out
    assert "ought to see" in doubts["suspected"][0]
    assert pair.nodes[NATO].centre.assisted.partner.status.any(), "its word is still heard, and judged"
    honest = run(paired("off"), ticks=16)
    for mine, alone in zip(pair.own[NATO], honest.own[NATO], strict=True):
        assert pack(mine) == pack(alone), "own warnings are what they would have been"
    assert before


def test_an_operator_pardons_and_a_restart_keeps_it() -> None:
    pair = run(paired("automatic"), ticks=8)
    suspecting(pair)
    run(pair, FIRST_TICK + 8, 2)
    assert told_by_partner(pair) == 0
    saved = restore(pair.gateways[NATO], pair.stores[NATO].load(), pair.now)[0]
    assert pack(saved.centre) == pack(pair.nodes[NATO].centre)
    pair.do(NATO, Order(word="release", partner=RUSSIA))
    waiting = restore(pair.gateways[NATO], pair.stores[NATO].load(), pair.now)[0]
    assert waiting.links[RUSSIA].pardon, "a pardon that no tick has carried out yet outlives a crash"
    run(pair, FIRST_TICK + 10, 2)
    assert told_by_partner(pair) > 0
    assert not pair.link(NATO).pardon
    assert not pair.nodes[NATO].centre.assisted.trust.suspected.any()
    saved = restore(pair.gateways[NATO], pair.stores[NATO].load(), pair.now)[0]
    assert pack(saved.centre) == pack(pair.nodes[NATO].centre)


def test_a_new_suspicion_is_told_once() -> None:
    pair = run(paired(), ticks=8)
    fine = pair.nodes[NATO].centre.assisted.trust
    suspecting(pair, Suspicion.GHOSTS | Suspicion.SILENCE)
    doubted, out = pair.nodes[NATO].centre.assisted.trust, Out()
    notice_doubts(pair.gateways[NATO], fine, doubted, out)
    notice_doubts(pair.gateways[NATO], doubted, doubted, out)
    notice_doubts(pair.gateways[NATO], doubted, pardon(doubted, 1), out)
    assert [(one.kind, one.partner) for one in out.notices] == [("suspected", RUSSIA)]
    assert "ought to see" in out.notices[0].text
    assert "silent" in out.notices[0].text
    text = metrics(pair.nodes[NATO], {}, made.SIDES)
    assert 'detente_suspected{partner="Russia"} 1' in text
    assert 'detente_suspicion_evidence{partner="Russia",test="silence"} 0' in text


def test_a_partner_whose_ticks_are_ahead_is_told_to_be_unbelieved_and_counted() -> None:
    """Its clock was 70 s ahead when it began: signed, sound, receipted, and no word of it enters the picture."""
    pair, ahead = made.Pair(), 14
    pair.connect()
    for index in range(FIRST_TICK, FIRST_TICK + 20):
        pair.pass_time(5.0)
        pair.tick(index, NATO)
        seen = made.feed(1).tick(index)
        seen = replace(seen, time_s=seen.time_s + 5.0 * ahead)
        own, _ = watch(pair.gateways[RUSSIA], pair.nodes[RUSSIA], index + ahead, seen)
        pair.do(RUSSIA, Tick(index=index + ahead, detections=seen, own=own))
        pair.carry()
    rejected = int(pair.nodes[NATO].centre.assisted.partner.rejected[0])
    assert rejected > 20
    told = [notice for name, notice in pair.notices if name == NATO and notice.kind == "unbelieved"]
    assert [one.partner for one in told] == [RUSSIA, RUSSIA], "of the first, and of the tenth"
    assert told[0].text.endswith("are not believed; the last to be told: a time is not finite, or speaks of the future")
    assert f"detente_picture_rejected_total {rejected}\n" in metrics(pair.nodes[NATO], {}, made.SIDES)


def test_what_finds_no_room_in_the_picture_is_told_and_counted() -> None:
    pair = made.Pair()
    before = pair.nodes[NATO].centre.assisted.partner
    told = []
    for held, now in ((0, 3), (3, 9), (9, 12), (12, 12)):
        out = Out()
        counts = (replace(before, overflow=np.array([many])) for many in (held, now))
        notice_unheard(pair.gateways[NATO], *counts, Messages.empty(), 0.0, out)
        told += [(one.kind, one.text.partition(" ")[0]) for one in out.notices]
    assert told == [("no-room", "3"), ("no-room", "12")]
    node = pair.nodes[NATO]
    assisted = replace(node.centre.assisted, partner=replace(before, overflow=np.array([12])))
    shown = metrics(replace(node, centre=replace(node.centre, assisted=assisted)), {}, made.SIDES)
    assert "detente_picture_overflow_total 12\n" in shown
