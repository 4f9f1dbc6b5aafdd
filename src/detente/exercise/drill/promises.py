"""What must hold after a drill, promise by promise (P1 to P11 of docs/live.md)."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from detente.centre.exchange.audit import Book, audit, vouched_for
from detente.centre.exchange.ledger import Entry, EntryKind
from detente.centre.picture.trust import Suspicion
from detente.exercise.drill.simulation import EPOCH, Simulation, drill_gateway, drill_limits
from detente.exercise.drill.station import Broken, Station, own_stream
from detente.exercise.drill.terms import unwritten
from detente.exercise.drill.worlds import SHORT, Stage, drill_world, heard
from detente.gateway.logic.link import Link
from detente.gateway.logic.node import start, watch
from detente.gateway.logic.notes import evidence


def broken_promises(drill: Simulation) -> list[Broken]:
    """Every promise that this drill saw broken."""
    found = list(drill.broken)
    for side, station in enumerate(drill.stations):
        found += station.broken + station.store.broken
        found += [Broken("P4", f"{station.name}: {what}") for what in (station.flawed.wrong if station.flawed else ())]
        if station.node is None:
            found.append(Broken("P6", f"{station.name} is down at the end"))
            continue
        partner = drill.stations[1 - side]
        link = station.node.links[partner.name]
        found += _delivered(station, partner, link)
        found += _own_stream(drill, side)
        found += _bounded(drill, station, link)
        found += _clock(drill, side, link)
        found += _believed(drill, station, partner)
        found += _set_aside(drill, station, partner)
        found += _ledger(station, partner)
        found += _deleted(station, partner)
    return found


def _delivered(giver: Station, receiver: Station, link: Link) -> Iterator[Broken]:
    """P1, P2, P3: everything accepted was received and applied once, or closed; in order; and nothing else was."""
    if link.pending or link.closings:
        on_its_way = f"{len(link.pending)} envelopes and {len(link.closings)} closings"
        yield Broken("P1", f"{on_its_way} of {giver.name} are still on their way")
    sealed = {
        (store.epoch, sequence, envelope)
        for store in giver.all_stores for (_, sequence), envelope in store.accepted.items()
    }  # fmt: skip
    for letter in (letter for store in receiver.all_stores for letter in store.received):
        if (letter.epoch, letter.sequence, letter.envelope) not in sealed:
            yield Broken("P3", f"{receiver.name} took in an envelope that {giver.name} never sealed")
    epoch = giver.store.epoch
    mine = [entry for entry in giver.store.ledger(receiver.name) if entry.epoch == epoch]
    sent = {entry.sequence: entry.envelope_digest for entry in mine if entry.kind is EntryKind.SENT}
    closed = {entry.sequence for entry in mine if entry.kind is EntryKind.TOMBSTONE}
    got = _received(receiver.store.ledger(giver.name), epoch)
    order = [entry.sequence for entry in got]
    before = {letter.sequence for store in receiver.stores for letter in store.received if letter.epoch == epoch}
    missing = set(range(len(sent))) - set(order) - before - (closed if receiver.stores else set())
    if order != sorted(set(order)) or missing:
        yield Broken("P2", f"{receiver.name}'s ledger has sequences {order[:20]}… of {len(sent)}")
        return
    assert receiver.node is not None, "checked before"
    waiting = {one.sequence for one in receiver.node.links[giver.name].waiting}
    for entry in got:
        if entry.envelope_digest != sent[entry.sequence]:
            yield Broken("P2", f"envelope {entry.sequence} is one thing to {giver.name}, another to {receiver.name}")
        applied = (giver.name, epoch, entry.sequence) in receiver.store.taken
        if entry.kind is EntryKind.TOMBSTONE and (applied or entry.sequence not in closed):
            yield Broken("P1", f"envelope {entry.sequence} of {giver.name} is closed and yet is not")
        if entry.kind is EntryKind.RECEIVED and applied == (entry.sequence in waiting):
            yield Broken("P1", f"envelope {entry.sequence} of {giver.name} was received, and applied never or twice")


def _received(entries: list[Entry], epoch: int) -> list[Entry]:
    """A ledger's lines about the partner's envelopes of an epoch. Both sides' may be the same; neighbours tell whose.

    A side logs SENT before it logs its own TOMBSTONE of that sequence; a partner's tombstone has no SENT of its digest.
    """
    own = {entry.envelope_digest for entry in entries if entry.kind is EntryKind.SENT}
    return [
        entry for entry in entries
        if entry.epoch == epoch and (
            entry.kind is EntryKind.RECEIVED
            or (entry.kind is EntryKind.TOMBSTONE and entry.envelope_digest not in own)
        )
    ]  # fmt: skip


@cache
def undisturbed(side: int, lie: str, stage: Stage = SHORT) -> dict[int, bytes]:
    """The own stream of a side that has no partner at all, tick by tick."""
    gateway = drill_gateway(drill_world(stage).names[side], 64_000_000, stage=stage)
    node, stream = start(gateway, EPOCH), {}
    feed = heard(side, lie, stage)
    for index in range(stage.first_tick, stage.first_tick + stage.ticks):
        own, warnings = watch(gateway, node, index, feed.tick(index))
        node = replace(node, centre=replace(node.centre, own=own))
        stream[index] = own_stream(own, warnings)
    return stream


def _own_stream(drill: Simulation, side: int) -> Iterator[Broken]:
    """P6, P7, P11: whatever happened, own sensors' warnings are what they would have been alone."""
    station = drill.stations[side]
    for index, expected in undisturbed(side, drill.plan.lies[side], drill.plan.stage).items():
        if index not in station.shown:
            yield Broken("P7", f"{station.name} never ran tick {index}")
        elif station.shown[index] != expected:
            yield Broken("P11", f"{station.name}'s own stream of tick {index} is not what it is alone")


def _believed(drill: Simulation, station: Station, partner: Station) -> Iterator[Broken]:
    """P11: where both are honest, no fault of the line or of a clock makes either doubt the other."""
    assert station.node is not None, "checked before"
    suspected = station.node.centre.assisted.trust.suspected[0, station.gateway.names.index(partner.name)]
    if suspected and drill.plan.lies == ("none", "none"):
        yield Broken("P11", f"{station.name} suspects {partner.name}, which is honest: {Suspicion(int(suspected))!r}")


def _set_aside(drill: Simulation, station: Station, partner: Station) -> Iterator[Broken]:
    """P11, in a trial: a liar is found out, its word leaves the picture, and returns once the operator pardons it."""
    if station.pardoned_s is None:
        return
    if any(doubt.suspected and doubt.lines for doubt in station.doubts):
        yield Broken("P11", f"{station.name} suspects {partner.name}, and its picture still holds its word")
    if not any(doubt.suspected for doubt in station.doubts):
        yield Broken("P11", f"{station.name} never finds out that {partner.name} lies")
    after = [doubt for doubt in station.doubts if doubt.now_s > station.pardoned_s]
    found_out = any(doubt.suspected for doubt in station.doubts if doubt.now_s <= station.pardoned_s)
    if found_out and after and not any(not doubt.suspected and doubt.lines for doubt in after):
        yield Broken("P11", f"{station.name} pardoned {partner.name}, and its word does not return")


def _bounded(drill: Simulation, station: Station, link: Link) -> Iterator[Broken]:
    """P5: memory within the limits. (P4, bounded work, is checked while the flood comes; what may wait for a tick is
    more than a drill says in all.)"""
    limits = drill_limits(drill.plan.outbox_bytes)
    lives = 1 + sum(crash.side == drill.stations.index(station) for crash in drill.plan.crashes)
    kinds = [entry.kind for entry in station.store.ledger(link.partner)]
    for kind in (EntryKind.REFUSED, EntryKind.SESSION):
        if kinds.count(kind) > limits.audit.burst * lives + limits.audit.per_s * drill.now_s:
            yield Broken("P5", f"{kinds.count(kind)} ledger entries of kind {kind.name}")
    if len(link.beyond) > limits.window + limits.ahead or link.outbox_bytes > limits.outbox_bytes:
        yield Broken("P5", f"{len(link.beyond)} envelopes beyond the gap, {link.outbox_bytes} bytes in the outbox")


def _clock(drill: Simulation, side: int, link: Link) -> Iterator[Broken]:
    """P8: the partner's clock is known as well as the line allows."""
    mine, theirs = drill.plan.clocks[side], drill.plan.clocks[1 - side]
    rate = drill.plan.rate
    true = rate * (theirs.wall_s(drill.now_s) - mine.wall_s(drill.now_s))
    if not link.skew.samples:
        yield Broken("P8", "nothing is known of the partner's clock")
    elif abs(link.skew.offset_s - true) > 0.5 * rate + link.skew.delay_s:
        yield Broken("P8", f"the partner's clock is off by {true:.1f} s, thought to be {link.skew.offset_s:.1f} s")


def _ledger(station: Station, partner: Station) -> Iterator[Broken]:
    """P6: an auditor given both stores finds nothing wrong, and words that vouch for what stands there."""
    if partner.node is None:
        return
    book, against = _book(station, partner.name), _book(partner, station.name)
    for fault in audit(book, against):
        yield Broken("P6", f"{station.name}'s ledger: {fault.what}")
    if not vouched_for(book, against):
        yield Broken("P6", f"no word of {partner.name}'s or its own vouches for {station.name}'s ledger")


def _deleted(station: Station, partner: Station) -> Iterator[Broken]:
    """P10: what the agreement asks to be deleted is in the store no more, and the ledger says so, once."""
    for what in unwritten(station.store, station.store.taken, partner.name, crowded=station.store.was_crowded):
        yield Broken("P10", f"{station.name}: {what}")


def _book(station: Station, partner: str) -> Book:
    """A side's ledger with its partner, and what it kept of the partner's words, or keeps with its next step."""
    assert station.node is not None, "checked before"
    link, keys = station.node.links[partner], station.gateway.keys[partner]
    words = [*station.store.testimony(partner), *([link.testimony] if link.testimony else [])]
    return Book(
        side=station.name, partner=partner, epoch=station.store.epoch, head=link.tip.head,
        entries=tuple(station.store.ledger(partner)),
        words=tuple(evidence(word, keys) for word in words),
        waiting={(link.partner_epoch, number): had.digest for number, had in link.beyond.items()},
    )  # fmt: skip
