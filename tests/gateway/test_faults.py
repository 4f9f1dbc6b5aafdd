"""Faults of ours that one partner brings about: they cost that partner's part, once, and no tick, and nobody else's."""

import asyncio
import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.gateway.made_faults import LAST, NORTH, SOUTH, WEST, Side, faulty, is_north, trio

from detente.gateway import faults, serve
from detente.gateway.faults import Faults
from detente.gateway.health import ORDER_FAULT
from detente.gateway.keeping import Keeping
from detente.gateway.logic import inbound, operator, outbound
from detente.gateway.logic.limits import Lane
from detente.gateway.logic.node import LineUp, Timer, restore
from detente.gateway.logic.packing import pack
from detente.gateway.logic.records import StoreError


def test_both_others_have_something_to_tell() -> None:
    assert {name: len(trio().letters(name)) for name in (NORTH, SOUTH)} == {NORTH: 1, SOUTH: 2}


@pytest.mark.parametrize("where", ["take", "end"])
def test_p11_a_fault_undoes_no_tick_whose_commit_is_on_its_way(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    side = Side(disk=True)
    server = side.server
    side.tick(LAST + 1)
    assert server.keeping.sure.tick == LAST
    made = server.node
    with monkeypatch.context() as patch:
        faulty(patch, serve.Batch, where, lambda *_: True)
        server._run([Timer()])
    assert server.node is made, "the next step is made from the tick all the same"
    assert side.faults == [(NORTH, 1), (SOUTH, 1)]
    side.disks[0].end()
    assert server.node is server.keeping.sure is made
    side.tick(LAST + 2)
    side.disks[0].end()
    assert server.keeping.sure.tick == server.kept_tick == LAST + 2
    assert sorted(side.store.ticks)[-2:] == [LAST + 1, LAST + 2]
    assert server.counts["feed_gaps_total"] == server.counts["store_failures_total"] == 0


def test_a_frame_that_meets_a_fault_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two of South's and before a timer: they count, are receipted, and in the order in which they came."""
    (bad,), (first, second) = trio().letters(NORTH), trio().letters(SOUTH)
    whole, failing = Side(), Side()
    whole.server._run([first, second, Timer()])
    faulty(monkeypatch, inbound, "frame", lambda *given: given[4] == bad.data)
    failing.server._run([first, bad, second, Timer()])
    assert failing.faults == [(NORTH, 1)]
    assert failing.link(SOUTH).counts == whole.link(SOUTH).counts
    assert failing.link(SOUTH).tip == whole.link(SOUTH).tip
    assert [one.sequence for one in failing.link(SOUTH).waiting] == [one.sequence for one in whole.link(SOUTH).waiting]
    assert failing.link(NORTH).waiting == ()
    assert failing.to(SOUTH, note=True) >= 1
    ordinals = Counter(data for _, lane, data in failing.said if lane is Lane.NOTE)
    assert set(ordinals.values()) == {1}, "no word is said twice"
    failing.at(failing.server.clock.exercise_s + 10.0)
    for _ in range(99):
        failing.server._run([first, bad])
    assert failing.faults == [(NORTH, 1), (NORTH, 10), (NORTH, 100)]
    assert failing.server.counts["faults_total"] == 100


def test_a_receipt_that_meets_a_fault_costs_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    side = Side()
    faulty(monkeypatch, outbound, "receipt", lambda gateway, link, *_: is_north(gateway, link) and bool(link.owed))
    side.server._run([*trio().letters(NORTH), *trio().letters(SOUTH)])
    assert side.faults == [(NORTH, 1)]
    assert len(side.link(SOUTH).waiting) == 2
    assert side.link(NORTH) is trio().nodes[WEST].links[NORTH]
    assert (side.to(SOUTH, note=True), side.to(NORTH, note=True)) == (2, 0)


def test_time_passes_for_all_but_whom_it_meets_a_fault_with(monkeypatch: pytest.MonkeyPatch) -> None:
    side = Side()
    side.at(side.server.clock.exercise_s + 10.0)
    faulty(monkeypatch, inbound, "advance", is_north)
    side.server._run([Timer(crowded=True)])
    assert side.faults == [(NORTH, 1)]
    assert (side.to(SOUTH, note=True) > 0, side.to(NORTH, note=True)) == (True, 0)
    assert (side.link(SOUTH).crowded, side.link(NORTH).crowded) == (True, False)


def test_a_line_stands_though_no_greeting_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    side = Side(disk=True)
    side.server.node = replace(
        side.server.node, links={name: replace(link, up=False) for name, link in side.server.node.links.items()}
    )
    faulty(monkeypatch, outbound, "hello", is_north)
    side.server._run([LineUp(partner=NORTH), LineUp(partner=SOUTH)])
    assert side.faults == [(NORTH, 1)]
    assert side.link(NORTH).up
    assert side.link(SOUTH).up
    side.store.finish = lambda: None  # type: ignore[method-assign]
    side.disks[0].busy, side.disks[0].error = False, StoreError("no room on the disk")
    side.disks[0].done()
    assert side.link(NORTH).up, "nor does a lost commit undo it"


def test_an_order_that_meets_a_fault_is_answered_so(monkeypatch: pytest.MonkeyPatch) -> None:
    side = Side()
    faulty(monkeypatch, operator, "order", is_north)
    assert asyncio.run(asyncio.wait_for(side.server._order("pause", NORTH), 5.0)) == ORDER_FAULT
    assert asyncio.run(side.server._order("pause", SOUTH)) == "done"
    assert (side.link(NORTH).paused_here, side.link(SOUTH).paused_here) == (False, True)


def poisoned(*giver: str) -> Any:
    """Means that meet a fault in what these sides told."""
    means, names = trio().gateways[WEST].means, trio().played.theatre.names
    bad = [names.index(one) for one in giver]

    def cooperate(*given: Any) -> Any:
        if set(given[3].giver.tolist()) & set(bad):
            raise OverflowError("a number that nobody thought of")
        return means.cooperate(*given)

    return replace(means, cooperate=cooperate)


def test_p4_what_one_partner_told_and_no_tick_can_apply_is_set_aside_and_all_goes_on() -> None:
    """It costs no other partner's word, no tick, no release to anybody; and is not met again, nor after a restart."""
    whole, failing = Side(), Side(means=poisoned(NORTH))
    for side in (whole, failing):
        side.server._run([*trio().letters(NORTH), *trio().letters(SOUTH)])
        for index in range(LAST + 1, LAST + 6):
            side.tick(index)
    assert failing.faults == [(NORTH, 1)]
    assert failing.server.counts["faults_total"] == 1
    assert "1 envelopes, is set aside" in next(line["text"] for line in failing.told if line["event"] == "fault")
    assert failing.server.kept_tick == LAST + 5
    assert failing.server.node.durable
    assert failing.link(SOUTH).counts == whole.link(SOUTH).counts
    assert failing.link(NORTH).waiting == ()
    assert failing.link(NORTH).counts["set_aside"] == 1
    assert [one[0] for one in failing.store.ticks[LAST + 1].aside] == [NORTH]
    assert {name: failing.to(name, note=False) for name in (NORTH, SOUTH)} == {
        name: whole.to(name, note=False) for name in (NORTH, SOUTH)
    }
    assert pack(failing.server.node.centre.own) == pack(whole.server.node.centre.own)
    node, _ = restore(failing.server.gateway, failing.store.load(), failing.server.clock.now)
    assert pack(node.centre) == pack(failing.server.node.centre)
    assert {name: link.waiting for name, link in node.links.items()} == {NORTH: (), SOUTH: ()}


def test_what_both_partners_told_is_set_aside_where_both_meet_a_fault() -> None:
    side = Side(means=poisoned(NORTH, SOUTH))
    side.server._run([*trio().letters(NORTH), *trio().letters(SOUTH)])
    side.tick(LAST + 1)
    assert side.faults == [(NORTH, 1), (SOUTH, 1)]
    assert side.server.kept_tick == LAST + 1
    assert {name: side.link(name).counts["set_aside"] for name in (NORTH, SOUTH)} == {NORTH: 1, SOUTH: 2}


def test_p4_a_partner_whose_link_meets_a_fault_in_every_tick_costs_the_others_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, failing = Side(), Side()
    for side in (whole, failing):
        if side is failing:
            faulty(monkeypatch, outbound, "expire", is_north)
        side.server._run([*trio().letters(NORTH), *trio().letters(SOUTH)])
        for index in range(LAST + 1, LAST + 12):
            side.tick(index)
    assert failing.faults == [(NORTH, 1), (NORTH, 10)]
    assert failing.server.kept_tick == LAST + 11
    assert failing.link(SOUTH).counts == whole.link(SOUTH).counts
    assert failing.to(SOUTH, note=False) == whole.to(SOUTH, note=False) > 0
    assert len(failing.link(NORTH).waiting) == 1, "it is not to blame, and waits"
    assert failing.to(NORTH, note=False) == 0 < whole.to(NORTH, note=False)


def test_p4_what_a_partner_told_before_and_every_tick_meets_is_forgotten_once() -> None:
    """It stands in the memory, which a restart would bring back: the exchange goes on with a picture begun anew."""
    means, bad = trio().gateways[WEST].means, trio().nodes[WEST].centre.assisted.partner.number.tolist()
    assert np.any(trio().nodes[WEST].centre.assisted.partner.status)

    def cooperate(*given: Any) -> Any:
        if given[2].partner.number.tolist() == bad:
            raise OverflowError("a number that nobody thought of")
        return means.cooperate(*given)

    side = Side(means=replace(means, cooperate=cooperate))
    node, suspected = side.server.node, np.ones_like(trio().nodes[WEST].centre.assisted.trust.suspected)
    trust = replace(node.centre.assisted.trust, suspected=suspected)
    was = replace(node.centre.assisted, trust=trust)
    side.server.node = replace(node, centre=replace(node.centre, assisted=was))
    side.server._run([*trio().letters(NORTH), *trio().letters(SOUTH)])
    side.tick(LAST + 1)
    assert side.faults == [("", 1)]
    assert side.server.kept_tick == LAST + 1
    assert {name: side.link(name).waiting for name in (NORTH, SOUTH)} == {NORTH: (), SOUTH: ()}
    assert "set_aside" not in side.link(NORTH).counts, "what they tell now is applied"
    assert side.server.node.centre.assisted.trust.suspected.tolist() == suspected.tolist(), "nobody is pardoned by it"
    for index in range(LAST + 2, LAST + 5):
        side.tick(index)
    assert side.server.counts["faults_total"] == 1
    assert side.to(NORTH, note=False) > 0
    node, _ = restore(side.server.gateway, side.store.load(), side.server.clock.now)
    assert pack(node.centre) == pack(side.server.node.centre)


def poisoned_memory(place: str) -> Any:
    """Means that meet a fault in what partners told, or whoever told something."""
    means = trio().gateways[WEST].means

    def cooperate(*given: Any) -> Any:
        if place == "everything" or len(given[3]) or given[2].partner.status.any():
            raise OverflowError("a number that nobody thought of")
        return means.cooperate(*given)

    return replace(means, cooperate=cooperate)


@pytest.mark.parametrize("place", ["waiting", "told", "everything"])
def test_p11_a_start_that_meets_a_fault_brings_own_half_back(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """What partners told is forgotten; and where that is not it, nothing is exchanged, and the store stays as it is."""
    was = Side()
    was.server._run([*trio().letters(NORTH), *trio().letters(SOUTH)])
    saved, node = was.store.load(), was.server.node
    assert len(saved.ticks) > 2
    side = Side() if place == "waiting" else Side(means=poisoned_memory(place))
    if place == "waiting":
        last = saved.received[-1].envelope
        faulty(monkeypatch, inbound, "opened_again", lambda gateway, letter, former: letter.envelope == last)
    again, out = side.server.faults.restored(side.server.gateway, saved, was.server.clock.now)
    assert side.faults == [("", 1)]
    assert (again.tick, again.durable, again.adrift) == (LAST, False, place == "everything")
    assert pack(again.centre.own) == pack(node.centre.own)
    assert not again.centre.assisted.partner.status.any()
    assert {name: len(link.waiting) for name, link in again.links.items()} == {NORTH: 1, SOUTH: 2}
    if place != "everything":
        assert pack(again.centre.assisted.release) == pack(node.centre.assisted.release), "what was said is known"
    side.store = side.server.store = copy.deepcopy(was.store)
    side.server.keeping = Keeping(side.store, again, kept=side.server._kept, lost=side.server._lost)
    side.server.keeping.owe(out.records)
    for index in range(LAST + 1, LAST + 4):
        side.tick(index)
        was.tick(index)
    assert pack(side.server.node.centre.own) == pack(was.server.node.centre.own)
    told = {name: link.counts["accepted"] for name, link in side.server.node.links.items()}
    if place == "everything":
        assert (side.server.node.tick, side.server.node.durable) == (LAST + 3, False)
        assert side.store.load().ticks == saved.ticks
        assert side.server.counts["faults_total"] == 1
    else:
        assert side.server.node.durable
        assert side.store.snapshot is not None
        assert side.store.snapshot.index == LAST + 1, "the first tick packs the memory"
        assert told == {name: link.counts["accepted"] for name, link in was.server.node.links.items()}


@pytest.mark.parametrize("full", [False, True])
def test_p11_of_a_tick_that_meets_a_fault_whoever_takes_part_own_half_stays(
    monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    """Also where the next commit fails: it is never run again. It is acknowledged once a later one is kept."""
    whole, side = Side(), Side(disk=True)
    for index in range(LAST + 1, LAST + 3):
        whole.tick(index)
    with monkeypatch.context() as patch:
        faulty(patch, faults, "step", lambda *_: True)
        for index in range(LAST + 1, LAST + 3):
            side.tick(index)
    own = pack(whole.server.node.centre.own)
    assert side.faults == [("", 1)]
    assert side.server.counts["faults_total"] == 2
    assert (side.server.node.tick, side.server.kept_tick) == (LAST + 2, LAST)
    assert pack(side.server.node.centre.own) == own
    side.server._run(trio().letters(SOUTH))
    if full:
        side.disks[0].busy, side.disks[0].error = False, StoreError("no room on the disk")
        side.disks[0].done()
        side.disks[0].error = None
        assert side.server.node.tick == LAST + 2
        assert pack(side.server.node.centre.own) == own
    side.tick(LAST + 3)
    while side.disks[0].busy:
        side.disks[0].end()
    assert side.server.kept_tick == side.server.keeping.sure.tick == LAST + 3
    assert side.server.counts["feed_gaps_total"] == 0
    node, _ = restore(side.server.gateway, side.store.load(), side.server.clock.now)
    assert pack(node.centre.own) == pack(side.server.node.centre.own), "the store has it"


def test_p4_a_fault_that_comes_back_whoever_takes_part_is_tried_again_ever_more_seldom_and_told() -> None:
    """By itself it goes on where the fault does not come back; until then own warnings do, and health says why."""
    means, tried, last = trio().gateways[WEST].means, set[int](), LAST + 40

    def cooperate(*given: Any) -> Any:
        index = round(given[5] / 5.0) - 1
        tried.add(index)
        if index < LAST + 25:
            raise OverflowError("a number that nobody thought of")
        return means.cooperate(*given)

    whole, side = Side(), Side(means=replace(means, cooperate=cooperate))
    document = None
    for index in range(LAST + 1, last):
        whole.tick(index)
        side.tick(index)
        assert side.server.node.tick == index
        if index == LAST + 20:
            document = side.server.faults.document
            assert side.server.counts["exchange_stopped"] == 1
            assert "start again" in refused_reload(side)
    begins = [LAST + ahead for ahead in (1, 2, 3, 4, 6, 10, 18, 30)]
    assert sorted(one for one in tried if one <= LAST + 30) == begins
    assert tried == {*begins[:-1], *range(LAST + 30, last)}
    assert document == {
        "since_tick": LAST + 1, "tries": 7, "next_tick": LAST + 30,
        "text": "OverflowError: a number that nobody thought of",
    }  # fmt: skip
    assert side.faults == [("", 1)]
    (told,) = (line["text"] for line in side.told if line["event"] == "fault")
    assert "it is tried again by itself, at the latest after 12 ticks; if that does not help, see docs" in told
    (over,) = (line["text"] for line in side.told if line.get("kind") == "fault")
    assert over.startswith("ticks are kept and the exchange goes on, after 29 ticks without: OverflowError")
    assert side.server.faults.document is None
    assert side.server.counts["exchange_stopped"] == 0
    assert side.server.kept_tick == last - 1
    assert pack(side.server.node.centre.own) == pack(whole.server.node.centre.own)
    assert side.to(SOUTH, note=False) > 0


def refused_reload(side: Side) -> str:
    """Why a reload is refused now."""
    side.server.ready = SimpleNamespace(  # type: ignore[assignment]
        config=SimpleNamespace(folder=Path(), located=SimpleNamespace(file="x"), file=side.server.ready.config.file)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serve, "read_config", lambda *_, **__: None)
        patch.setattr(serve, "prepare", lambda *_: None)
        return asyncio.run(side.server._reload())


def test_a_fault_is_told_at_its_first_tenth_and_hundredth_time_for_each_place_and_partner() -> None:
    told: list[tuple[str, int]] = []
    counts = {"faults_total": 0.0}
    made = Faults(counts, lambda event, **said: told.append((said.get("partner", ""), said["times"])))

    def meet(fault: Callable[[], object], partner: str, times: int) -> None:
        for _ in range(times):
            try:
                fault()
            except Exception as error:
                made.meet(error, "nothing is lost", partner)

    meet(lambda: 1 // 0, NORTH, 1234)
    meet(lambda: [][0], NORTH, 1)
    meet(lambda: 1 // 0, SOUTH, 11)
    assert told == [*((NORTH, times) for times in (1, 10, 100, 1000)), (NORTH, 1), (SOUTH, 1), (SOUTH, 10)]
    assert counts["faults_total"] == 1246
