"""One side's gateway as a state machine: ``step(gateway, state, event, now) -> (state, out)``, and nothing else.

Whoever runs it keeps ``out.records`` first, all or nothing; only then does the new state count and may frames be sent.
Where the store fails, the old state goes on, but for a tick: own sensors' half of it always counts (:func:`ashore`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from detente.centre.exchange.dsse import envelope_digest
from detente.centre.exchange.egress_check import check_header
from detente.centre.exchange.ledger import EntryKind
from detente.centre.exchange.message import ROWS_MAX, Header, open_envelope, seal
from detente.centre.exchange.release import renewed
from detente.centre.exchange.rules import label_of
from detente.centre.exchange.second_check import Snapshot
from detente.centre.picture.identity import in_epoch
from detente.centre.step import Own, State, begin_assisted, begin_own
from detente.gateway.logic import inbound, operator, outbound, terms
from detente.gateway.logic.doubts import notice_doubts, pardoned
from detente.gateway.logic.limits import Lane, lane_of
from detente.gateway.logic.link import Gateway, Link, Notice, Now, Out, Pending, Waiting, restored_link, start_link
from detente.gateway.logic.notes import Gone, Word
from detente.gateway.logic.records import Accepted, Closed, Forgotten, Received, Saved, Snapped, Ticked
from detente.gateway.logic.terms import Held
from detente.records.errors import PeerError
from detente.records.stages import Detections, Messages, Warnings

ONE_REPLICATE = np.zeros(1, np.int64)


@dataclass(frozen=True, kw_only=True)
class LineUp:
    """There is a line to a partner."""

    partner: str


@dataclass(frozen=True, kw_only=True)
class LineDown:
    """There is none any more."""

    partner: str


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Bytes came."""

    partner: str
    lane: int
    data: bytes
    admitted: bool = False  # by whoever runs this: held to the partner's rates before it had to wait


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """Whoever runs this admitted no more than the partner's rates allow, and so many frames did not come in."""

    partner: str
    frames: int


@dataclass(frozen=True, kw_only=True)
class Timer:
    """Time passed."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """The operator's word: pause, resume, quarantine, release or withdraw."""

    word: str
    partner: str


@dataclass(frozen=True, kw_only=True)
class Tick:
    """Tick ``index`` is over and ``own`` is what own sensors made of it (:func:`watch`)."""

    index: int
    detections: Detections
    own: Own


LineEvent = LineUp | LineDown | Frame | Dropped | Timer | Order
Event = LineEvent | Tick


@dataclass(frozen=True, kw_only=True)
class Node:
    """All that a gateway and its centre remember."""

    tick: int  # the last one run; -1 before the first
    centre: State
    known: tuple[Snapshot, ...]  # what the centre knew lately, for the second checker
    said: Messages  # what was released lately, likewise
    links: dict[str, Link]
    holds: tuple[Held, ...] = ()  # envelopes of partners that the agreement will have deleted, oldest first
    durable: bool = True  # False after a tick that could not be kept


def start(gateway: Gateway, epoch: int) -> Node:
    """A gateway with an empty store."""
    return Node(
        tick=-1, centre=_empty(gateway), known=(), said=Messages.empty(),
        links={name: start_link(name, gateway.digest, epoch) for name in gateway.partners},
    )  # fmt: skip


def _empty(gateway: Gateway) -> State:
    assisted = begin_assisted(
        gateway.centre, gateway.rules, ONE_REPLICATE, secret=gateway.secret, exchanging=bool(gateway.partners)
    )
    return State(own=begin_own(gateway.centre, 1), assisted=assisted)


def watch(gateway: Gateway, node: Node, index: int, detections: Detections) -> tuple[Own, Warnings]:
    """What own sensors make of tick ``index``, and the own stream's warnings: first, and whatever else fails."""
    now_s = (index + 1) * gateway.tick_s
    return gateway.means.observe(gateway.centre, node.centre.own, detections, _bounds(detections), now_s)


def ashore(node: Node, event: Tick) -> Node:
    """The state after a tick that could not be kept: own sensors' half counts, the exchange stands still."""
    return replace(node, tick=event.index, centre=replace(node.centre, own=event.own), durable=False)


def step(gateway: Gateway, node: Node, event: Event, now: Now) -> tuple[Node, Out]:
    """The state after an event, and what is to be kept, sent and shown."""
    if isinstance(event, Tick):
        out = Out()
        return _tick(gateway, node, event, now, out), out
    return steps(gateway, node, (event,), now)


def steps(gateway: Gateway, node: Node, events: Iterable[LineEvent], now: Now) -> tuple[Node, Out]:
    """The state after several events between ticks, taken as one :class:`Batch`."""
    batch = Batch(gateway, node)
    for event in events:
        batch.take(event, now)
    return batch.end(now)


class Batch:
    """Events between ticks, taken one after the other: one commit's worth, and one receipt for all that came of it.

    Until its end the node it began from is as it was: whoever runs it may look at own sensors between two events.
    """

    def __init__(self, gateway: Gateway, node: Node) -> None:
        self.gateway, self.node = gateway, node
        self.out, self.links, self.touched = Out(), dict(node.links), set[str]()
        self.lines: list[LineUp | LineDown] = []  # news of lines among the events
        self.orders: list[Order] = []  # and the operator's words

    def take(self, event: LineEvent, now: Now) -> None:
        """One more event."""
        links = self.links
        if isinstance(event, (LineUp, LineDown)):
            self.lines.append(event)
        elif isinstance(event, Order):
            self.orders.append(event)
        for name in list(links) if isinstance(event, Timer) else [event.partner]:
            if name not in links:
                self.out.notices.append(Notice(kind="stranger", partner=name, text=f"{name} is no partner"))
                continue
            if name not in self.touched:
                self.touched.add(name)
                links[name] = links[name].copied()
            _link_event(self.gateway, links[name], event, now, self.out)

    def end(self, now: Now) -> tuple[Node, Out]:
        """The state after them, and what is to be kept, sent and shown."""
        out, node, links = self.out, self.node, self.links
        for name in sorted(self.touched):
            outbound.receipt(self.gateway, links[name], out, now)
        if out.records or out.changed:
            changed = out.changed.union(
                record.partner for record in out.records if not isinstance(record, (Ticked, Snapped, Forgotten))
            )
            for name in sorted(self.touched & changed):
                links[name].keep(out)
        after = Node(
            tick=node.tick, centre=node.centre, known=node.known, said=node.said, links=links, holds=node.holds,
            durable=node.durable,
        )  # fmt: skip
        return after, out


def _link_event(gateway: Gateway, link: Link, event: LineEvent, now: Now, out: Out) -> None:
    if isinstance(event, Frame):
        inbound.frame(gateway, link, out, event.lane, event.data, now, admitted=event.admitted)
    elif isinstance(event, Dropped):
        link.count("dropped", event.frames)
    elif isinstance(event, LineUp):
        link.up, link.heard, link.told, link.sent = True, False, False, {}
        link.settle()
        outbound.hello(gateway, link, out, now)
    elif isinstance(event, LineDown):
        link.up = link.heard = link.told = False
        link.settle()
    elif isinstance(event, Timer):
        _timer(gateway, link, out, now)
    elif isinstance(event, Order):
        operator.order(gateway, link, event.word, out, now)


def _timer(gateway: Gateway, link: Link, out: Out, now: Now) -> None:
    for word, at_s in list(link.announced.items()):
        if now.wall_s >= at_s:
            del link.announced[word]
            operator.obey(gateway, link, word, out, now)
    inbound.advance(gateway, link, out, now)
    if not link.up:
        return
    if not link.heard:
        outbound.hello(gateway, link, out, now)
        return
    outbound.flush(gateway, link, out, now)
    if now.steady_s - link.spoke_s >= gateway.limits.heartbeat_s:
        outbound.note(gateway, link, out, Word.PULSE, now)


def _tick(gateway: Gateway, node: Node, event: Tick, now: Now, out: Out) -> Node:
    """Apply what came, look, release, seal, have it checked again, and take it into the outboxes."""
    links = {name: link.copied() for name, link in node.links.items()}
    applied, aside = _due(gateway, links)
    messages = Messages.concatenate([one.messages for _, one in applied])
    forgiven = any(link.pardon for link in links.values())
    node = replace(node, centre=pardoned(gateway, node.centre, links))
    after = _cooperated(gateway, node, event, messages)
    notice_doubts(gateway, node.centre.assisted.trust, after.centre.assisted.trust, out)
    out.warnings = after.warnings
    for link in links.values():
        outbound.expire(gateway, link, out, event.index, now)
    _release(gateway, links, after, event.index, now, out)
    for link in links.values():
        outbound.flush(gateway, link, out, now)
    names = tuple((partner, one.epoch, one.sequence) for partner, one in applied)
    taken = [(partner, one.lane, one.epoch, one.sequence, one.digest) for partner, one in (*applied, *aside)]
    holds = terms.still_held((*node.holds, *_to_go(gateway, event.index, taken)), event.index)
    holds, forgets = _forget(gateway, holds, links, event.index, now, out)
    set_aside = tuple((partner, one.epoch, one.sequence) for partner, one in aside)
    out.records.append(
        Ticked(index=event.index, detections=gateway.means.pack(event.detections), applied=names, aside=set_aside)
    )  # fmt: skip
    if (event.index + 1) % gateway.limits.snapshot_ticks == 0 or forgiven or not node.durable or forgets:
        memory = gateway.means.pack((gateway.digest, after.centre, after.known, after.said, holds))
        out.records.append(Snapped(index=event.index, memory=memory))
    for link in links.values():
        link.keep(out)
    return Node(tick=event.index, centre=after.centre, known=after.known, said=after.said, links=links, holds=holds)


def _forget(
    gateway: Gateway, holds: tuple[Held, ...], links: dict[str, Link], index: int, now: Now, out: Out
) -> tuple[tuple[Held, ...], bool]:  # fmt: skip
    """Delete what may be kept no longer, with a line for each in the ledger; what is held then; whether any went."""
    gone = terms.due(gateway, holds, {name for name, link in links.items() if link.withdrawn}, index)
    for one in gone:
        link = links[one.partner]
        link.log(out, EntryKind.FORGOTTEN, bytes.fromhex(one.digest), now, epoch=one.epoch, sequence=one.sequence)
        link.count("forgotten")
    if gone:
        out.records.append(Forgotten(names=tuple((one.partner, one.epoch, one.sequence) for one in gone)))
    return tuple(one for one in holds if one not in set(gone)), bool(gone)


def _to_go(gateway: Gateway, index: int, taken: Iterable[tuple[str, int, int, int, bytes]]) -> list[Held]:
    """Those that must go some day, of envelopes taken from the inbox: (partner, lane, epoch, sequence, digest)."""
    return [
        Held(partner, int(lane), index, epoch, sequence, digest.hex())
        for partner, lane, epoch, sequence, digest in taken if terms.must_go(gateway, partner, lane)
    ]  # fmt: skip


def _due(gateway: Gateway, links: dict[str, Link]) -> tuple[list[tuple[str, Waiting]], list[tuple[str, Waiting]]]:
    """The envelopes to apply now, warnings first, no more than a tick's share each; and those of quarantined partners.

    What is not due stays in ``waiting``.
    """
    due: list[tuple[str, Waiting]] = []
    aside: list[tuple[str, Waiting]] = []
    share = gateway.limits.rows_per_tick // max(1, len(links))
    for name, link in links.items():
        if link.quarantined:
            aside += [(name, one) for one in link.waiting]
            link.count("set_aside", len(link.waiting))
            link.waiting = ()
            continue
        rows, kept = 0, []
        for one in sorted(link.waiting, key=lambda one: (one.lane, one.epoch, one.sequence)):
            if rows and rows + len(one.messages) > share:
                kept.append(one)
                continue
            rows += len(one.messages)
            due.append((name, one))
        link.waiting = tuple(kept)
        link.count("applied", rows)
    return due, aside


@dataclass(frozen=True, kw_only=True)
class _After:
    """A centre after a tick, and what it would tell."""

    centre: State
    known: tuple[Snapshot, ...]
    said: Messages  # told lately, this tick's messages included
    earlier: Messages  # told lately, without them
    messages: Messages
    warnings: Warnings


def _cooperated(gateway: Gateway, node: Node, event: Tick, messages: Messages) -> _After:
    now_s = (event.index + 1) * gateway.tick_s
    assisted, said = gateway.means.cooperate(
        gateway.centre, event.own, node.centre.assisted, messages, _bounds(messages), now_s
    )  # fmt: skip
    agreement = gateway.setting.agreement
    clauses = () if agreement is None else agreement.clauses
    remembered_s = max((clause.delay_s + clause.period_s for clause in clauses), default=0.0)
    recent = tuple(one for one in node.known if one.tracks.time_s >= now_s - remembered_s)
    earlier = node.said.take(node.said.released_s >= now_s - remembered_s)
    own, sensors = event.own, gateway.centre.own_status
    snapshot = Snapshot(tracks=own.tracks, estimates=own.estimates, sensors=sensors)
    return _After(
        centre=State(own=event.own, assisted=assisted),
        known=(*recent, snapshot),
        said=Messages.concatenate([earlier, said.messages]), earlier=earlier, messages=said.messages,
        warnings=said.warnings,
    )  # fmt: skip


def _release(gateway: Gateway, links: dict[str, Link], after: _After, tick: int, now: Now, out: Out) -> None:
    """Seal what the first opinion releases; the second judges those bytes, and both agree or nothing leaves."""
    sealed: list[tuple[Link, Lane, bytes, Messages]] = []
    for name, link in links.items():
        theirs = after.messages.take(after.messages.receiver == gateway.names.index(name))
        if len(theirs) and not link.accepting:
            link.count("not_accepted", len(theirs))
        elif len(theirs):
            sequence = link.next_sequence
            for lane, part in _parts(theirs):
                envelope = _sealed(gateway, link, part, tick, sequence)
                sealed.append((link, lane, envelope, part))
                sequence += 1
    if not sealed:
        return
    breaches, leaving = [], []
    for link, _, envelope, _ in sealed:
        addressed = gateway.centre.side, gateway.names.index(link.partner)
        faults, messages = check_header(envelope, gateway.setting, *addressed, mark=gateway.mark.name.lower())
        breaches += faults
        leaving.append(messages)
    breaches += gateway.means.check(
        Messages.concatenate(leaving), after.known, gateway.setting, gateway.centre.side, after.earlier
    )  # fmt: skip
    if breaches:
        for link in links.values():
            link.count("stopped", len(breaches))
        text = f"the second check refuses {len(breaches)} releases, nothing leaves; the first: {breaches[0].text}"
        out.notices.append(Notice(kind="stopped", partner="", text=text))
        return
    for link, lane, envelope, part in sealed:
        keys = tuple(sorted(set(zip(part.data.tolist(), part.number.tolist(), strict=True))))
        outbound.accept(gateway, link, out, lane, tick, envelope, keys, now)
    for link in links.values():
        outbound.shed(gateway, link, out, now)


def _parts(messages: Messages) -> Iterable[tuple[Lane, Messages]]:
    """What goes in one envelope: messages of one lane, no more than an envelope holds."""
    lanes = [lane_of(int(data)) for data in messages.data]
    for lane in sorted(set(lanes)):
        theirs = messages.take(np.array([one is lane for one in lanes]))
        for first in range(0, len(theirs), ROWS_MAX):
            yield Lane(lane), theirs.rows(first, min(first + ROWS_MAX, len(theirs)))


def _sealed(gateway: Gateway, link: Link, messages: Messages, tick: int, sequence: int) -> bytes:
    header = Header(
        mark=gateway.mark, giver=gateway.name, receiver=link.partner, agreement=gateway.digest, origin=gateway.origin,
        epoch=link.epoch, sequence=sequence, sealed_s=(tick + 1) * gateway.tick_s,
        label=label_of(gateway.rules, link.partner, messages.clause), head=link.tip.head,
    )  # fmt: skip
    return seal(messages, header, gateway.signer)


def restore(gateway: Gateway, saved: Saved, now: Now) -> tuple[Node, Out]:
    """The state that a store holds: the last packed memory, and the ticks since then run again from what they had.

    Where the agreement is not the one the store last knew, what waits for partners is closed: it was said under the old
    one, and its envelopes name it. What the store holds of those who are partners no more (an agreement was taken away
    because a key was revoked) stays in it untouched, until they are again: nothing of it is applied or sent.
    """
    out = Out()
    node = start(gateway, saved.epoch)
    if saved.snapshot is not None:
        digest, centre, known, said, held = gateway.means.unpack(
            saved.snapshot.memory, gateway.rules, gateway.secret
        )  # fmt: skip
        if digest != gateway.digest:
            # What was sampled and waits belongs to the old agreement's clauses.
            release = renewed(centre.assisted.release, gateway.rules)
            centre = replace(centre, assisted=replace(centre.assisted, release=release))
        holds = tuple(Held(*one) for one in held)
        node = replace(node, tick=saved.snapshot.index, centre=centre, known=known, said=said, holds=holds)
    letters = {(one.partner, one.epoch, one.sequence): one for one in saved.received}
    for ticked in saved.ticks:
        came = [letters.pop(name, None) for name in (*ticked.applied, *ticked.aside)]
        messages = [_opened(gateway, letter) for letter in came[: len(ticked.applied)]]
        taken = [(one.partner, one.lane, one.epoch, one.sequence, envelope_digest(one.envelope)) for one in came if one]
        holds = (*node.holds, *_to_go(gateway, ticked.index, taken))
        detections = gateway.means.unpack(ticked.detections, gateway.rules, gateway.secret)
        own, _ = watch(gateway, node, ticked.index, detections)
        event = Tick(index=ticked.index, detections=detections, own=own)
        after = _cooperated(gateway, node, event, Messages.concatenate(messages))
        node = replace(node, tick=ticked.index, centre=after.centre, known=after.known, said=after.said, holds=holds)
    links = dict(node.links)
    for kept in saved.kept:
        if kept.partner in links:
            links[kept.partner] = restored_link(kept, gateway.digest, saved.epoch)
    for one in saved.outbox:
        link = links.get(one.partner)
        if link is None:
            continue
        if isinstance(one, Closed):
            link.closings.add(Gone(sequence=one.sequence, digest=one.digest, reason=one.reason))
        else:
            link.pending[one.sequence] = _pending(one)
    for letter in letters.values():
        link = links.get(letter.partner)
        if link is None:
            continue
        messages = _opened(gateway, letter)
        waiting = Waiting(
            epoch=letter.epoch, sequence=letter.sequence, lane=Lane(letter.lane),
            digest=envelope_digest(letter.envelope), messages=messages, size=len(letter.envelope),
        )  # fmt: skip
        link.waiting = (*link.waiting, waiting)
    for kept in saved.kept:
        link = links.get(kept.partner)
        if link is not None and gateway.digest not in kept.document:
            outbound.close_all(link, out, "renewed", now)
    out.records += [link.kept() for link in links.values()]
    return replace(node, links=links), out


def _pending(one: Accepted) -> Pending:
    return Pending(
        sequence=one.sequence, lane=Lane(one.lane), tick=one.tick, envelope=one.envelope,
        digest=envelope_digest(one.envelope), keys=one.keys, sent=True,
    )  # fmt: skip


def _opened(gateway: Gateway, letter: Received | None) -> Messages:
    """The messages of a kept envelope; none where its key was revoked since, or its agreement ended."""
    if letter is None or letter.partner not in gateway.partners:
        return Messages.empty()
    try:
        expected = inbound.expected_of(gateway, letter.partner)
        messages = open_envelope(letter.envelope, gateway.keys[letter.partner], expected)[1]
        return in_epoch(messages, letter.epoch)
    except PeerError:
        return Messages.empty()


def _bounds(table: Any) -> np.ndarray:
    return np.array([0, len(table)], np.int64)
