"""For each promise, that the drills would notice if what keeps it were gone."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import pytest
from tests.drills.made_plans import before, mended_start

from detente.centre import step
from detente.centre.exchange import dsse, message
from detente.centre.exchange.ledger import EntryKind
from detente.exercise.drill import station
from detente.exercise.drill.drills import drill_of
from detente.exercise.drill.faults import Plan, draw
from detente.gateway import faults, keeping
from detente.gateway.faults import Faults
from detente.gateway.logic import clocks, inbound, link, node, outbound, terms
from detente.gateway.logic.limits import Lane
from detente.gateway.logic.records import Kept, Record, StoreError
from detente.records.errors import PeerError


def unsigned(kind: dsse.Kind, envelope: bytes, keys: dsse.Keys) -> tuple[bytes, bytes]:
    """As ``dsse.opened``, but the signature is not looked at."""
    try:
        _, _, _, size = dsse.FRAME.unpack_from(envelope)
    except Exception as error:
        raise PeerError("too short") from error
    if envelope[:8] != kind.mark or size > len(envelope) - dsse.FRAME.size:
        raise PeerError("not of this kind")
    return envelope[dsse.FRAME.size : dsse.FRAME.size + size], envelope[dsse.FRAME.size + size :]


def at_once(gateway: object, its: link.Link, out: link.Out, now: link.Now, base: int = 0) -> None:
    """As ``inbound.advance``, but in the order of arrival."""
    for sequence, had in list(its.beyond.items()):
        its.log(out, had.kind, had.digest, now, stated_s=had.stated_s, epoch=its.partner_epoch, sequence=sequence)
        del its.beyond[sequence]
        its.below = max(its.below, sequence + 1)


def waiting(advance: Callable) -> Callable:
    """As ``inbound.advance``, but what is missing is waited for, whatever the partner says of it."""
    return lambda gateway, its, out, now, base=0: advance(gateway, its, out, now)


def doubting(check: Callable) -> Callable:
    """As ``inbound._check_heads``, but of whichever epoch of ours the partner speaks, it must mean this one."""
    return lambda its, out, data, said, of: check(its, out, data, said, its.epoch)


def loud(gateway: object, its: object, out: object, data: bytes, why: str, now: object, *, cause: bytes = b"") -> None:
    """As ``inbound.refuse``, but a partner's error is ours."""
    raise PeerError(why)


def forgetful(load: Callable) -> Callable:
    """A store that has lost what the ticks since its snapshot applied."""

    def forgotten(store):
        saved = load(store)
        return replace(saved, ticks=tuple(replace(tick, applied=()) for tick in saved.ticks))

    return forgotten


def swayed(watch: Callable) -> Callable:
    """An own half that looks at what the partner said: with it waiting, detections are doubted."""

    def doubtful(gateway, node, index, detections):
        waiting = any(one.waiting for one in node.links.values())
        return watch(gateway, node, index, detections.rows(0, 0) if waiting else detections)

    return doubtful


def hasty(its: keeping.Keeping, step: keeping.Step) -> None:
    """As ``Keeping.take``, but what is to be said is said at once."""
    if step.out.frames:
        its.kept(step)
        step = replace(step, out=replace(step.out, frames=[]))
    its.node = step.node
    its.waiting.append(step)
    if not its.group:
        its._go_on()


def first_said(group: list[keeping.Step]) -> list[Record]:
    """As ``keeping._together``, but of what is kept of a partner the first that was made is written."""
    records = [record for step in group for record in step.out.records]
    first = {record.partner: record for record in reversed(records) if isinstance(record, Kept)}
    return [*(record for record in records if not isinstance(record, Kept)), *first.values()]


def unrepentant(its: keeping.Keeping, error: StoreError, group: list[keeping.Step]) -> None:
    """As ``Keeping._undo``, but what was made of the lost steps stays as it is."""
    for one in group:
        if one.tick is not None:
            its.sure = keeping.ashore(its.sure, one.tick)
    its.node = its.waiting[-1].node if its.waiting else its.sure
    its.lost(error, group)


GUARDS = [
    ("P1", "duplicates are told from new envelopes", range(12), [
        (inbound, "had_before", lambda its, sequence: False), (inbound, "KNOWN_KEPT", 0),
    ]),
    ("P2", "the ledger is written in order of sequence", range(12), [(inbound, "advance", at_once)]),
    ("P2", "what an earlier epoch of ours held is passed over", [228], [
        (inbound, "advance", waiting(inbound.advance)),
    ]),
    ("P1", "what a partner saw of an earlier epoch of ours is no lie", [164], [
        (inbound, "_check_heads", doubting(inbound._check_heads)),
    ]),
    ("P3", "a signature must hold", range(60), [(dsse, "opened", unsigned), (message.dsse, "opened", unsigned)]),
    ("P4", "each lane has its rate", range(60), [(inbound, "admits", lambda *arguments: True)]),
    ("P5", "a partner's error is counted, not raised", range(30), [(inbound, "refuse", loud)]),
    ("P6", "ticks since the snapshot are run again with what they applied", range(60), [
        (station.FailingStore, "load", forgetful(station.FailingStore.load)),
    ]),
    ("P6", "nothing is said before it is kept", range(60), [(keeping.Keeping, "take", hasty)]),
    ("P6", "a partner's last word is kept for an audit", range(6), [(link.Link, "witness", lambda *arguments: None)]),
    ("P5", "what is kept of a partner is the last of what was made together", range(60), [
        (keeping, "_together", first_said),
    ]),
    ("P5", "what was made of steps that were lost is lost with them", range(60), [
        (keeping.Keeping, "_undo", unrepentant),
    ]),
    ("P1", "news of a line outlives a commit that is lost", [95], [(keeping, "on_lines", lambda its, news: its)]),
    ("P7", "a full disk stops no own sensor", range(60), [
        (keeping, "ashore", lambda node, event: replace(node, tick=event.index)),
    ]),
    ("P8", "notes echo the partner's clock", range(6), [(clocks, "sample", lambda *arguments: None)]),
    ("P10", "an agreement begins and ends", range(60), [(link.Gateway, "standing", lambda gateway, now_s: "in-force")]),
    ("P10", "what the disk kept too late does not leave", range(200), [
        (link.Gateway, "leaving", lambda gateway, frames, now_s: frames),
    ]),
    ("P9", "warnings go first, the newest of them before the others", range(30), [
        (outbound, "_urgency", lambda one: (-one.lane, one.sequence)),
    ]),
    ("P11", "the own half never looks at a partner's word", range(6), [
        (station, "watch", swayed(station.watch)),
    ]),
    ("P11", "a suspect's word is left out of the picture", [37], [
        (step, "believed", lambda partner, trust: partner),
    ]),
    ("P11", "a partner's word is judged", [37], [(step, "judge", lambda trust, *arguments: trust)]),
    ("P11", "an operator's pardon reaches the centre", [37], [
        (node, "pardoned", lambda gateway, centre, links: centre),
    ]),
]  # fmt: skip


def unholding(restore: Callable) -> Callable:
    """As ``node.restore``, but what must be deleted some day is not known any more."""

    def restored(*arguments):
        after, out = restore(*arguments)
        return replace(after, holds=()), out

    return restored


def unwritten(log: Callable) -> Callable:
    """As ``Link.log``, but that something was deleted is not written."""

    def logged(its, out, kind, *arguments, **named):
        if kind is not EntryKind.FORGOTTEN:
            log(its, out, kind, *arguments, **named)

    return logged


def together(its: Faults, gateway: object, its_keeping: object, taken: Sequence, error: object) -> list:
    """As ``Faults.batch_again``, but all of what came together is lost."""
    return []


def lines_too(its: Faults, gateway: link.Gateway, its_keeping: keeping.Keeping, taken: Sequence, error: object) -> list:
    """As ``Faults.batch_again``, but news of a line that meets a fault is lost with the greeting."""
    for _, event, now in faults._apart(taken, its_keeping.node):
        made, fault = faults._stepped(gateway, its_keeping.node, event, now)
        if fault is None:
            its_keeping.take(made)
    return []


def none_of_it(
    its: Faults, gateway: object, before: node.Node, event: node.Tick, now: object, error: object
) -> keeping.Step:  # fmt: skip
    """As ``Faults._tick_again``, but nobody has a part in the tick."""
    return keeping.Step(node=node.ashore(before, event), out=link.Out(), tick=event)


def all_or_nothing(gateway: link.Gateway, before: node.Node, event: node.Tick, now: link.Now) -> tuple:
    """As ``faults._parted``, but what a partner told is never set aside."""
    without = replace(event, without=frozenset(before.links))
    try:
        return node.step(gateway, before, event, now), event
    except Exception:
        return node.step(gateway, before, without, now), without


FLAWS = [
    ("P4", "of what came together only what meets a fault is lost", [34], [(Faults, "batch_again", together)]),
    ("P4", "a line that meets a fault came all the same", [95], [(Faults, "batch_again", lines_too)]),
    ("P4", "a tick goes on without what meets a fault", [3], [(Faults, "_tick_again", none_of_it)]),
    ("P4", "what a partner told and meets a fault is set aside", [181], [(faults, "_parted", all_or_nothing)]),
    ("P4", "what partners told before and meets a fault is forgotten", [143], [
        (faults, "unheard", lambda gateway, its: its),
    ]),
    ("P4", "a picture begun anew is packed at once", [138], [
        (faults, "unheard", lambda gateway, its, unheard=faults.unheard: replace(unheard(gateway, its), durable=True)),
    ]),
    ("P5", "a start that meets a fault goes on without what meets it", [mended_start("applying")], [
        (Faults, "restored", lambda its, *arguments: node.restore(*arguments)),
    ]),
    ("P11", "and own half comes back whatever meets it", [mended_start("cooperating")], [
        (node, "ashore", lambda its, event: replace(its, tick=event.index, durable=False)),
    ]),
]  # fmt: skip
SILENCES = [
    ("P4", "into a silence the same is sent ever more seldom", [26], [
        (outbound, "_again", lambda sent, limits, now: outbound.Sent(at_s=now.steady_s, wait_s=limits.retry_s)),
    ]),
    ("P9", "over a new line all that waits leaves at once", [88], [(inbound, "_listens", lambda *arguments: False)]),
    ("P1", "what waits too long is given up", [30], [(outbound, "expire", lambda *arguments: None)]),
    ("P1", "what was given up in a break is told after it", [30], [
        (outbound, "_tell_closed", lambda *arguments: None),
    ]),
    ("P9", "after a long break warnings go first", [30], [
        (outbound, "_urgency", lambda one: (-one.lane, -one.sequence)),
    ]),
    ("P9", "and the newest of them", [30], [(outbound, "_urgency", lambda one: (one.lane, one.sequence))]),
]  # fmt: skip
TERMS = [
    ("P10", "what was kept long enough is deleted", [2], [(terms, "due", lambda *arguments: [])]),
    ("P10", "what a side that left had told is deleted", [2], [
        (terms, "deleted_on_leaving", lambda *arguments: set()),
    ]),
    ("P10", "the strictest clause of a lane counts", [2], [
        (terms, "retention_s", lambda gateway, partner: dict.fromkeys(Lane, 40.0)),
    ]),
    ("P10", "a restart forgets not what must be deleted", [2], [(station, "restore", unholding(station.restore))]),
    ("P6", "what is deleted is needed by no restart", [2], [
        (node, "_forget", lambda *arguments, forget=node._forget: (forget(*arguments)[0], False)),
    ]),
    ("P10", "a ledger says what was deleted", [2], [(link.Link, "log", unwritten(link.Link.log))]),
    ("P10", "the picture lets go of what a side that left had told", [2], [
        (terms, "faded", lambda gateway, centre, left, index, faded=terms.faded: faded(gateway, centre, set(), index)),
    ]),
    ("P10", "the picture lets go of what nothing newer was told of", [34], [
        (terms, "faded", lambda gateway, centre, left, index: centre),
    ]),
]  # fmt: skip
TODAY = TERMS + FLAWS + SILENCES
"""For these the plans of seeds are what they are today."""
GUARDS += TODAY


@pytest.mark.parametrize(
    ("promise", "guard", "seeds", "removed"), GUARDS, ids=[f"{guard[0]}-{place}" for place, guard in enumerate(GUARDS)]
)
def test_the_drills_notice_a_guard_that_is_gone(
    monkeypatch: pytest.MonkeyPatch, promise: str, guard: str, seeds: Iterable[int | Plan], removed: list
) -> None:
    from detente.exercise.drill import promises

    for side in (0, 1):  # what honest own sensors give alone is known before anything is broken
        promises.undisturbed(side, "none")
    for holder, name, instead in removed:
        monkeypatch.setattr(holder, name, instead)
    accepted = {promise, "P11"} if promise == "P7" else {promise}
    plan_of = draw if (promise, guard, seeds, removed) in TODAY else before
    plans = (seed if isinstance(seed, Plan) else plan_of(seed) for seed in seeds)
    plain = (replace(plan, quick=False) for plan in plans)  # nothing is answered from before the guard was gone
    noticed = (plan.seed for plan in plain for failure in drill_of(plan) if failure.promise in accepted)
    assert next(noticed, None) is not None, f"no drill notices that {guard!r} is gone"
