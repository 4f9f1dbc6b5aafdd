"""The gateway's state machine: agreed, exchanging, receipted; and restored from its store to the last bit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.gateway.made_gateway import FIRST_TICK, SIDES, TICKS, Pair, other

from detente.centre.exchange.ledger import EntryKind, verify
from detente.centre.exchange.offsets import Secret
from detente.centre.exchange.session import State
from detente.centre.picture.identity import local_numbers
from detente.gateway.logic.node import LineDown, restore, start
from detente.gateway.logic.packing import pack, unpack
from detente.gateway.sqlite_store import SqliteStore
from detente.gateway.store import MemoryStore


def test_what_one_side_releases_the_other_applies_and_receipts() -> None:
    pair = Pair().begin(TICKS)
    for name in SIDES:
        link, theirs = pair.link(name), pair.link(other(name))
        assert link.session.state is State.EXCHANGING
        assert link.counts["accepted"] > 5
        assert link.counts["receipted"] == link.counts["accepted"] == theirs.counts["received"] == theirs.below
        assert link.pending == {}
        assert theirs.counts["applied"] > link.counts["accepted"]


def test_both_ledgers_tell_the_same_story() -> None:
    pair = Pair().begin(TICKS)
    for name in SIDES:
        link = pair.link(name)
        mine, theirs = pair.stores[name].ledger(other(name)), pair.stores[other(name)].ledger(name)
        assert verify(mine, link.tip.head) is None
        sent = [entry.envelope_digest for entry in mine if entry.kind is EntryKind.SENT]
        got = [entry.envelope_digest for entry in theirs if entry.kind is EntryKind.RECEIVED]
        assert len(sent) > 5
        assert sent == got


def test_the_secret_of_the_offsets_is_in_no_store_and_comes_back_from_its_own_file() -> None:
    pair = Pair().begin(14)
    gateway = replace(pair.gateways[SIDES[0]], secret=Secret(b"never written anywhere, not once"))
    centre = pair.nodes[SIDES[0]].centre
    memory = pack(replace(centre, assisted=replace(centre.assisted, secret=gateway.secret)))
    assert gateway.secret.key not in memory
    assert unpack(memory, gateway.rules, gateway.secret).assisted.secret is gateway.secret
    node, _ = restore(gateway, pair.stores[SIDES[0]].load(), pair.now)
    assert node.centre.assisted.secret == gateway.secret


def test_a_partner_that_lost_its_store_begins_anew_and_takes_over_none_of_its_old_lines() -> None:
    """Russia numbers its tracks from 1 again, in its next epoch: for a while NATO's picture holds both."""
    pair = Pair()
    pair.begin(14)

    def heard() -> set[tuple[int, int]]:
        partner = pair.nodes["NATO"].centre.assisted.partner
        epochs, numbers = local_numbers(partner.number[partner.status > 0])
        return set(zip(epochs.tolist(), numbers.tolist(), strict=True))

    before = heard()
    assert {epoch for epoch, _ in before} == {1}
    pair.stores["Russia"], pair.nodes["Russia"] = MemoryStore(epoch=2), start(pair.gateways["Russia"], 2)
    pair.do("NATO", LineDown(partner="Russia"))
    pair.frames.clear()
    pair.connect()
    for index in range(FIRST_TICK + 14, FIRST_TICK + TICKS):
        pair.tick(index)
        pair.carry()
        pair.pass_time(5.0)
    after = heard()
    begun = {number for epoch, number in after if epoch == 2}
    assert begun & {number for _, number in before}  # the same number, another track
    assert before & after
    again, _ = restore(pair.gateways["NATO"], pair.stores["NATO"].load(), pair.now)
    held = pair.nodes["NATO"].centre.assisted.partner
    assert np.array_equal(again.centre.assisted.partner.number, held.number)


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize("ticks", [1, 7, 14, 20])
def test_a_store_gives_back_the_state_to_the_last_bit(tmp_path: Path, ticks: int, on_disk: bool) -> None:
    pair = Pair()
    if on_disk:
        pair.stores = {name: SqliteStore(tmp_path / name, name, epoch=1) for name in SIDES}
    pair.begin(ticks)
    for name in SIDES:
        node = pair.nodes[name]
        again, out = restore(pair.gateways[name], pair.stores[name].load(), pair.now)
        assert again.tick == node.tick
        assert pack((again.centre, again.known, again.said)) == pack((node.centre, node.known, node.said))
        was, now = node.links[other(name)], again.links[other(name)]
        assert (now.below, now.next_sequence, now.tip, now.partner_epoch) == (
            was.below, was.next_sequence, was.tip, was.partner_epoch,
        )  # fmt: skip
        assert [one.sequence for one in now.waiting] == [one.sequence for one in was.waiting]
        assert now.pending.keys() == was.pending.keys()
        assert now.session.state is State.CLOSED
        assert now.agreed
        assert now.note_number > was.note_number
        assert len(out.records) == 1
