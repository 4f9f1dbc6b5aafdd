"""An agreement is renewed: what was told under the old one stays or is applied; the new clauses count anew."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.gateway.made_agreements import agreement, coarse, pair_under, under
from tests.gateway.made_gateway import FIRST_TICK, SIDES, Pair, other
from tests.gateway.made_live import both, laid, ready, ticked
from typer.testing import CliRunner

from detente.centre.exchange.session import State
from detente.cli.app import app
from detente.gateway.logic.link import FORMER_KEPT, Out, restored_link, start_link
from detente.gateway.logic.node import LineDown, Node, Order, Timer, restore
from detente.gateway.logic.packing import pack
from detente.gateway.serve import Server
from detente.records.slots import Origin

NATO, RUSSIA = SIDES


def reloaded(pair: Pair, name: str, said: str, *, live: bool) -> tuple[Node, Out]:
    """What a side goes on with under another agreement: without a stop, or after one."""
    was = pair.gateways[name], pair.nodes[name]
    pair.gateways[name] = under(name, said)
    return restore(pair.gateways[name], pair.stores[name].load(), pair.now, was if live else None)


def renew(pair: Pair, said: str, *, live: bool = True) -> None:
    """Both sides renew, and are connected again."""
    for name in SIDES:
        node, out = reloaded(pair, name, said, live=live)
        pair.stores[name].commit(out.records)
        pair.nodes[name] = node
    pair.frames.clear()
    pair.connect()


def lines(node: Node) -> dict[str, int]:
    """How many lines of the picture stand, by whose word."""
    picture = node.centre.assisted.picture
    return {one.name: int(((picture.origin[0] == one) & (picture.status[0] > 0)).sum()) for one in Origin if one}


def until_waiting(pair: Pair, index: int) -> int:
    """Ticks until NATO's picture holds Russia's word, and more of it waits; the next tick's index."""
    while not (lines(pair.nodes[NATO])["PARTNER"] and sum(len(one.messages) for one in pair.link(NATO).waiting) > 5):
        pair.talk(index, 1)
        index += 1
    return index


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (agreement(change=coarse(1000.0)), agreement(change=coarse(5000.0))),
        (agreement(), agreement("shorter", lambda clause: clause.update(every_s=60.0), first=2)),
    ],
    ids=["coarser", "clauses dropped, and slower"],
)
def test_what_was_said_under_the_old_clauses_stops_nothing_under_the_new(old: str, new: str, live: bool) -> None:
    pair = pair_under(old, ticks=6)
    accepted = {name: pair.link(name).next_sequence for name in SIDES}
    renew(pair, new, live=live)
    pair.talk(FIRST_TICK + 6, 14)
    assert [notice.text for _, notice in pair.notices if notice.kind == "stopped"] == []
    assert all(pair.link(name).next_sequence > accepted[name] for name in SIDES)


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("new", [agreement("renewed"), agreement("shorter", first=4)])
def test_what_a_partner_told_before_stays_in_the_picture_and_what_waits_is_applied_once(new: str, live: bool) -> None:
    pair = pair_under(agreement())
    index = until_waiting(pair, FIRST_TICK)
    before, waiting = lines(pair.nodes[NATO]), pair.link(NATO).waiting
    renew(pair, new, live=live)
    assert lines(pair.nodes[NATO]) == before
    assert [one.digest for one in pair.link(NATO).waiting] == [one.digest for one in waiting]
    assert [pack(one.messages) for one in pair.link(NATO).waiting] == [pack(one.messages) for one in waiting]
    applied, rows = pair.link(NATO).counts["applied"], sum(len(one.messages) for one in waiting)
    pair.pass_time(5.0)
    pair.tick(index)
    assert pair.link(NATO).counts["applied"] == applied + rows
    assert pair.link(NATO).waiting == ()


def test_a_node_that_runs_goes_on_with_the_memory_it_has() -> None:
    pair = pair_under(agreement())
    until_waiting(pair, FIRST_TICK)
    was, store = pair.nodes[NATO], pair.stores[NATO]
    assert store.load().ticks, "there would be something to run again"

    def observe(*_: object) -> None:
        raise AssertionError("it is not run again")

    new = under(NATO, agreement("renewed"))
    new = replace(new, means=replace(new.means, observe=observe))
    node, _ = restore(new, store.load(), pair.now, (pair.gateways[NATO], was))
    assert node.tick == was.tick
    assert pack((node.centre.own, node.centre.assisted.picture, node.centre.assisted.trust)) == pack(
        (was.centre.own, was.centre.assisted.picture, was.centre.assisted.trust)
    )


@pytest.mark.parametrize("kept", [True, False])
def test_a_kill_at_any_commit_of_a_renewal_loses_nothing(kept: bool) -> None:
    """Before the change is kept, after it, and after the tick that applied what waited: a restart knows the same."""
    pair = pair_under(agreement())
    index = until_waiting(pair, FIRST_TICK)
    new, store = agreement("renewed"), pair.stores[NATO]
    node, out = reloaded(pair, NATO, new, live=True)
    if not kept:  # killed before it was
        node, out = reloaded(pair, NATO, new, live=False)
    store.commit(out.records)
    pair.nodes[NATO] = node

    def killed() -> None:
        was = pair.nodes[NATO]
        again, out = restore(pair.gateways[NATO], store.load(), pair.now)
        assert pack((again.centre, again.known, again.said)) == pack((was.centre, was.known, was.said))
        waiting = [pack(one.messages) for one in was.links[RUSSIA].waiting]
        assert [pack(one.messages) for one in again.links[RUSSIA].waiting] == waiting
        store.commit(out.records)
        pair.nodes[NATO] = again

    assert pair.link(NATO).waiting
    killed()
    for tick in range(index, index + 3):  # after the first there is a tick that applied what came under the old one
        pair.pass_time(5.0)
        pair.tick(tick, NATO)
        assert lines(pair.nodes[NATO])["PARTNER"] or lines(pair.nodes[NATO])["FUSED"]
        killed()


def test_what_waits_is_applied_after_two_renewals_and_the_outbox_is_closed_by_each() -> None:
    pair = pair_under(agreement())
    until_waiting(pair, FIRST_TICK)
    waiting = [pack(one.messages) for one in pair.link(NATO).waiting]
    for name in SIDES:
        pair.do(name, LineDown(partner=other(name)))
    for said in (agreement("second"), agreement("third"), agreement()):  # the last is the first again
        for name in SIDES:
            pair.nodes[name], out = reloaded(pair, name, said, live=True)
            pair.stores[name].commit(out.records)
        assert [pack(one.messages) for one in pair.link(NATO).waiting] == waiting
        links = [pair.link(name) for name in SIDES]
        assert {one.reason for link in links for one in link.closings.until(link.next_sequence)} <= {"renewed"}
    assert len(pair.link(NATO).former) == 2


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("word", ["withdraw", "pause"])
def test_a_notice_that_was_given_under_the_old_agreement_is_void_under_the_new(word: str, live: bool) -> None:
    """Nobody has left the new one, or holds it. The operator is told."""
    said = [
        agreement(name, lambda clause: clause.update(terms={"withdrawal_notice_s": 60.0, "suspension_notice_s": 60.0}))
        for name in ("first", "second")
    ]
    pair = pair_under(said[0])
    pair.do(NATO, Order(word=word, partner=RUSSIA))
    pair.carry()
    assert list(pair.link(NATO).announced) == [word]
    _, out = reloaded(pair, NATO, said[0], live=live)
    assert not out.notices, "the same agreement again"
    _, out = reloaded(pair, NATO, said[1], live=live)
    assert [one.text for one in out.notices] == [f"notice of {word} was given under another agreement: void"]
    renew(pair, said[1], live=live)
    pair.pass_time(100.0)
    pair.do(NATO, Timer())
    pair.carry()
    assert {pair.link(name).session.state for name in SIDES} == {State.EXCHANGING}


def test_the_latest_agreements_are_remembered_and_no_more() -> None:
    link = start_link(RUSSIA, "0", 1)
    for number in range(1, 2 * FORMER_KEPT):
        link = restored_link(link.kept(), str(number), 1)
    assert link.former == tuple(str(number) for number in range(FORMER_KEPT - 1, 2 * FORMER_KEPT - 1))


def test_envelopes_accepted_between_an_agreement_and_the_same_again_are_closed() -> None:
    """The document that is kept names both agreements: which of them it is of counts."""
    pair = pair_under(agreement())
    renew(pair, agreement("second"))
    index = FIRST_TICK
    while not pair.link(RUSSIA).pending:
        pair.pass_time(5.0)
        pair.tick(index)
        if not pair.link(RUSSIA).pending:
            pair.carry()
        index += 1
    node, _ = reloaded(pair, RUSSIA, agreement(), live=True)
    assert {one.reason for one in node.links[NATO].closings.until(node.links[NATO].next_sequence)} == {"renewed"}


def test_a_running_server_takes_up_a_renewed_agreement(tmp_path: Path) -> None:
    laid(tmp_path)
    with both(tmp_path) as pair:
        ticked(pair, lambda pair: bool(lines(pair.nodes[NATO])["PARTNER"] and pair.link(NATO).waiting))
    server = Server(ready(tmp_path, NATO), lambda line: None)
    before, waiting = lines(server.node), [pack(one.messages) for one in server.node.links[RUSSIA].waiting]
    assert waiting
    text = (tmp_path / "agreement.yaml").read_text()
    (tmp_path / "agreement.yaml").write_text(text.replace("lisbon-2011", "lisbon-2012", 1))
    (tmp_path / "agreement.signatures.json").unlink()
    for name in SIDES:
        signed = ["agreement", "sign", str(tmp_path / "agreement.yaml"), "--party", name, "--private-key"]
        assert CliRunner().invoke(app, [*signed, str(tmp_path / "keys" / name / "signing.key")]).exit_code == 0
    digest = server.gateway.digest
    assert asyncio.run(server._reload()) == ""
    assert server.gateway.digest != digest
    server.store.close()
    again = Server(ready(tmp_path, NATO), lambda line: None)
    for node in (server.node, again.node):
        assert lines(node) == before
        assert [pack(one.messages) for one in node.links[RUSSIA].waiting] == waiting
    again.store.close()
