"""One side's gateway as a state machine: ``step(gateway, state, event, now) -> (state, out)``, and nothing else.

Whoever runs it keeps ``out.records`` first, all or nothing; only then does the new state count and may frames be sent.
Where the store fails, the old state goes on, but for a tick: own sensors' half of it always counts (:func:`ashore`).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from detente.centre.exchange.dsse import envelope_digest
from detente.centre.exchange.ledger import EntryKind
from detente.centre.exchange.release import renewed
from detente.centre.exchange.second_check import Snapshot
from detente.centre.step import Own, State, begin_assisted, begin_own
from detente.gateway.logic import inbound, operator, outbound, terms
from detente.gateway.logic.doubts import notice_doubts, notice_unheard, pardoned
from detente.gateway.logic.limits import Lane
from detente.gateway.logic.link import Gateway, Link, Notice, Now, Out, Waiting, pending_of, restored_link, start_link
from detente.gateway.logic.notes import Gone, Word
from detente.gateway.logic.records import Closed, Forgotten, Kept, Received, Saved, Snapped, Ticked
from detente.gateway.logic.releasing import After, needed, release
from detente.gateway.logic.terms import Held
from detente.records.stages import Detections, Messages, Warnings

GREET_S = 0.5
"""A partner that is not heard is greeted again after so long, and twice as long each time up to a heartbeat.
source: assumption, 0.2-5."""

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
    """Time passed. ``crowded``: the store has no more room for what partners send; None: as it was told last."""

    crowded: bool | None = None
    partner: str = ""  # whom it concerns; nobody named: all


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
    aside: frozenset[str] = frozenset()  # partners of whom nothing is applied: what waits is set aside
    without: frozenset[str] = frozenset()  # and those that have no part in it at all: what waits goes on waiting


Part = Literal["all", "unheard", "own"]
"""How much of what a store holds is brought back: what meets a fault of ours is left out."""

LineEvent = LineUp | LineDown | Frame | Dropped | Timer | Order
Event = LineEvent | Tick


@dataclass(frozen=True, kw_only=True)
class Node:
    """All that a gateway and its centre remember."""

    tick: int  # the last one run; -1 before the first
    centre: State
    known: tuple[Snapshot, ...]  # what the centre knew when it said what it said, for the second checker
    said: Messages  # what was released last of each object, likewise
    links: dict[str, Link]
    holds: tuple[Held, ...] = ()  # envelopes of partners that the agreement will have deleted, oldest first
    durable: bool = True  # False after a tick that could not be kept
    adrift: bool = False  # what was told since the last snapshot is not known: own half alone, until the next start


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


def unheard(gateway: Gateway, node: Node) -> Node:
    """The state as if partners had told nothing yet: what was released to them stays, and what speaks against them.

    Ticks that are run again do not lead to it: the next one packs the memory.
    """
    was = node.centre.assisted
    assisted = replace(_empty(gateway).assisted, release=was.release, trust=was.trust)
    return replace(node, centre=replace(node.centre, assisted=assisted), durable=False)


def on_lines(node: Node, news: Sequence[LineUp | LineDown]) -> Node:
    """The state after news of lines that could not be kept: true all the same. The next timer greets over them."""
    if not news:
        return node
    links = dict(node.links)
    for event in news:
        if event.partner in links:
            links[event.partner] = links[event.partner].copied()
            _on_line(links[event.partner], isinstance(event, LineUp))
    return replace(node, links=links)


def step(gateway: Gateway, node: Node, event: Event, now: Now) -> tuple[Node, Out]:
    """The state after an event, and what is to be kept, sent and shown."""
    if isinstance(event, Tick):
        out = Out()
        if node.adrift:
            return ashore(node, event), out
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
        for name in [event.partner] if event.partner or not isinstance(event, Timer) else list(links):
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
            durable=node.durable, adrift=node.adrift,
        )  # fmt: skip
        return after, out


def _link_event(gateway: Gateway, link: Link, event: LineEvent, now: Now, out: Out) -> None:
    outbound.stand(gateway, link, out, now)
    if isinstance(event, Frame):
        inbound.frame(gateway, link, out, event.lane, event.data, now, admitted=event.admitted)
    elif isinstance(event, Dropped):
        link.count("dropped", event.frames)
    elif isinstance(event, (LineUp, LineDown)):
        _on_line(link, isinstance(event, LineUp))
        if link.up:
            outbound.hello(gateway, link, out, now)
    elif isinstance(event, Timer):
        inbound.crowd(gateway.limits, link, out, link.crowded if event.crowded is None else event.crowded)
        _timer(gateway, link, out, now)
    elif isinstance(event, Order):
        operator.order(gateway, link, event.word, out, now)


def _on_line(link: Link, up: bool) -> None:
    """A line came or went: over a new one both greet anew."""
    link.up, link.heard, link.told, link.deaf, link.greet_s = up, False, False, False, 0.0
    link.settle()


def _timer(gateway: Gateway, link: Link, out: Out, now: Now) -> None:
    for word, at_s in list(link.announced.items()):
        if now.exercise_s >= at_s:
            del link.announced[word]
            operator.obey(gateway, link, word, out, now)
    inbound.advance(gateway, link, out, now)
    if not link.up:
        return
    if not link.heard:
        if now.steady_s - link.spoke_s >= link.greet_s:
            outbound.hello(gateway, link, out, now)
            link.greet_s = min(max(GREET_S, 2.0 * link.greet_s), gateway.limits.heartbeat_s)
        return
    outbound.flush(gateway, link, out, now)
    if now.steady_s - link.spoke_s >= gateway.limits.heartbeat_s:
        outbound.note(gateway, link, out, Word.PULSE, now)


def _tick(gateway: Gateway, node: Node, event: Tick, now: Now, out: Out) -> Node:
    """Apply what came, look, release, seal, have it checked again, and take it into the outboxes."""
    links = {name: link.copied() for name, link in node.links.items()}
    having = {name: link for name, link in links.items() if name not in event.without}
    for link in having.values():
        outbound.stand(gateway, link, out, now)
    applied, aside = _due(gateway, having, event.aside)
    messages = Messages.concatenate([one.messages for _, one in applied])
    forgiven = any(link.pardon for link in links.values())
    left = {name for name, link in links.items() if link.withdrawn}
    centre = pardoned(gateway, node.centre, links)
    node = replace(node, centre=terms.faded(gateway, centre, left, event.index))
    forgets = bool(left) and node.centre is not centre
    after = _cooperated(gateway, node, event, messages)
    notice_doubts(gateway, node.centre.assisted.trust, after.centre.assisted.trust, out)
    now_s = (event.index + 1) * gateway.tick_s
    notice_unheard(gateway, node.centre.assisted.partner, after.centre.assisted.partner, messages, now_s, out)
    out.warnings = after.warnings
    for link in having.values():
        outbound.expire(gateway, link, out, event.index, now)
    release(gateway, having, after, event.index, now, out)
    for link in having.values():
        outbound.flush(gateway, link, out, now)
    names = tuple((partner, one.epoch, one.sequence) for partner, one in applied)
    taken = [(partner, one.lane, one.epoch, one.sequence, one.digest) for partner, one in (*applied, *aside)]
    holds = terms.still_held((*node.holds, *terms.held_of(gateway, event.index, taken)), event.index)
    holds, forgotten = _forget(gateway, holds, links, left, event.index, now, out)
    set_aside = tuple((partner, one.epoch, one.sequence) for partner, one in aside)
    out.records.append(
        Ticked(index=event.index, detections=gateway.means.pack(event.detections), applied=names, aside=set_aside)
    )  # fmt: skip
    if (event.index + 1) % gateway.limits.snapshot_ticks == 0 or forgiven or not node.durable or forgotten or forgets:
        out.records.append(_snapped(gateway, after, event.index, holds))
    for link in links.values():
        link.keep(out)
    return Node(tick=event.index, centre=after.centre, known=after.known, said=after.said, links=links, holds=holds)


def _snapped(gateway: Gateway, after: "After | Node", index: int, holds: tuple[Held, ...]) -> Snapped:
    memory = gateway.means.pack((gateway.digest, after.centre, after.known, after.said, holds))
    return Snapped(index=index, memory=memory)


def _forget(
    gateway: Gateway, holds: tuple[Held, ...], links: dict[str, Link], left: set[str], index: int, now: Now, out: Out
) -> tuple[tuple[Held, ...], bool]:  # fmt: skip
    """Delete what may be kept no longer, with a line for each in the ledger; what is held then; whether any went."""
    gone = terms.due(gateway, holds, left, index)
    for one in gone:
        link = links[one.partner]
        link.log(out, EntryKind.FORGOTTEN, bytes.fromhex(one.digest), now, epoch=one.epoch, sequence=one.sequence)
        link.count("forgotten")
    if gone:
        out.records.append(Forgotten(names=tuple((one.partner, one.epoch, one.sequence) for one in gone)))
    return tuple(one for one in holds if one not in set(gone)), bool(gone)


def _due(
    gateway: Gateway, links: dict[str, Link], shunned: frozenset[str]
) -> tuple[list[tuple[str, Waiting]], list[tuple[str, Waiting]]]:
    """The envelopes to apply now, warnings first, no more than a tick's share each; and those to set aside, of
    ``shunned`` or quarantined partners or under no agreement in force.

    What is not due stays in ``waiting``.
    """
    due: list[tuple[str, Waiting]] = []
    aside: list[tuple[str, Waiting]] = []
    share = gateway.limits.rows_per_tick // max(1, len(links))
    for name, link in links.items():
        if name in shunned or link.quarantined or link.standing != "in-force":
            aside += [(name, one) for one in link.waiting]
            link.count("set_aside", len(link.waiting))
            link.wait_on(())
            continue
        rows, kept = 0, []
        for one in sorted(link.waiting, key=lambda one: (one.lane, one.epoch, one.sequence)):
            if rows and rows + len(one.messages) > share:
                kept.append(one)
                continue
            rows += len(one.messages)
            due.append((name, one))
        link.wait_on(tuple(kept))
        link.count("applied", rows)
    return due, aside


def _cooperated(gateway: Gateway, node: Node, event: Tick, messages: Messages) -> After:
    now_s = (event.index + 1) * gateway.tick_s
    assisted, said = gateway.means.cooperate(
        gateway.centre, event.own, node.centre.assisted, messages, _bounds(messages), now_s
    )  # fmt: skip
    recent, earlier = needed(node.known, node.said, node.centre.assisted.release.pending, event.own.tracks)
    own, sensors = event.own, gateway.centre.own_status
    snapshot = Snapshot(tracks=own.tracks, estimates=own.estimates, sensors=sensors)
    return After(
        centre=State(own=event.own, assisted=assisted),
        known=(*recent, snapshot),
        said=Messages.concatenate([earlier, said.messages]), earlier=earlier, messages=said.messages,
        warnings=said.warnings,
    )  # fmt: skip


def restore(
    gateway: Gateway, saved: Saved, now: Now, live: tuple[Gateway, Node] | None = None, *, part: Part = "all"
) -> tuple[Node, Out]:  # fmt: skip
    """The state that a store holds: the last packed memory, and the ticks since then run again from what they had.

    Where the agreement is not the one the store last knew, what waits for partners is closed: it was said under the old
    one, and its envelopes name it. What partners said under it stays in the memory, or is applied, and the memory is
    packed anew: that of ``live``, which ran under the old one until now, or else of ticks run again under the new one.
    What the store holds of those who are partners no more (an agreement was taken away because a key was revoked) stays
    in it untouched, until they are again: nothing of it is applied or sent.

    ``part``: "all", where that meets no fault of ours; "unheard", as if partners had told nothing yet, and what cannot
    be opened of what waits said nothing; "own", likewise, and nothing is exchanged, for what was released since the
    last snapshot is not known.
    """
    out, node = Out(), start(gateway, saved.epoch)
    if live is not None and gateway.partners and live[0].digest != gateway.digest and live[1].durable:
        saved = _overtaken(saved, *live)
    under = {one.partner: json.loads(one.document)["agreement"] for one in saved.kept if one.partner in node.links}
    digests = set(under.values())
    if saved.snapshot is not None:
        digest, centre, known, said, held = gateway.means.unpack(
            saved.snapshot.memory, gateway.rules, gateway.secret
        )  # fmt: skip
        digests, holds = {digest}, tuple(Held(*one) for one in held)
        if gateway.partners and not centre.assisted.exchanging:  # of a side that had no partner: no room for any
            centre = replace(centre, assisted=_empty(gateway).assisted)
        node = replace(node, tick=saved.snapshot.index, centre=centre, known=known, said=said, holds=holds)
    if part != "all":
        node = replace(unheard(gateway, node), adrift=part == "own")
    anew = not digests <= {gateway.digest}
    if anew:
        node = _renewed(gateway, node)
    links = node.links | {
        one.partner: restored_link(one, gateway.digest, saved.epoch) for one in saved.kept if one.partner in under
    }
    letters = {(one.partner, one.epoch, one.sequence): one for one in saved.received}
    for ticked in saved.ticks:
        came = [letters.pop(name, None) for name in (*ticked.applied, *ticked.aside)]
        node = _run_again(gateway, node, ticked, came, links, part)
    if anew and gateway.partners and node.tick >= 0 and part != "own":
        node = _renewed(gateway, node)
        out.records.append(_snapped(gateway, node, node.tick, node.holds))
    _fill_outboxes(links, saved)
    for one in saved.kept:
        if under.get(one.partner, gateway.digest) != gateway.digest:
            out.notices += _void(one)
    for name, link in links.items():
        link.wait_on(tuple(_waiting(gateway, link, one, part) for one in letters.values() if one.partner == name))
        if under.get(name, gateway.digest) != gateway.digest:
            outbound.close_all(link, out, "renewed", now)
        outbound.stand(gateway, link, out, now)
    out.records += [link.kept() for link in links.values()]
    return replace(node, links=links), out


def _fill_outboxes(links: dict[str, Link], saved: Saved) -> None:
    """What a store holds for those who are partners now: what waits for them, and what they were not told is closed."""
    for one in saved.outbox:
        link = links.get(one.partner)
        if link is None:
            continue
        if isinstance(one, Closed):
            link.closings.add(Gone(sequence=one.sequence, digest=one.digest, reason=one.reason))
        else:
            link.pending[one.sequence] = pending_of(one)


def _void(kept: Kept) -> list[Notice]:
    """What the operator gave notice of under the agreement before: to be said again, if it still holds."""
    return [
        Notice(kind="order", partner=kept.partner, text=f"notice of {word} was given under another agreement: void")
        for word in json.loads(kept.document)["announced"]
    ]


def _waiting(gateway: Gateway, link: Link, letter: Received, part: Part) -> Waiting:
    """An envelope that was kept and that no tick has applied yet."""
    try:
        messages = inbound.opened_again(gateway, letter, link.former)
    except Exception:
        if part == "all":
            raise
        messages = Messages.empty()
    return Waiting(
        epoch=letter.epoch, sequence=letter.sequence, lane=Lane(letter.lane), digest=envelope_digest(letter.envelope),
        messages=messages, size=len(letter.envelope),
    )  # fmt: skip


def _overtaken(saved: Saved, was: Gateway, node: Node) -> Saved:
    """What a store would hold had it packed the memory of the node that runs, with all that it has kept."""
    done = {name for ticked in saved.ticks for name in (*ticked.applied, *ticked.aside)}
    received = tuple(one for one in saved.received if (one.partner, one.epoch, one.sequence) not in done)
    return replace(saved, snapshot=_snapped(was, node, node.tick, node.holds), ticks=(), received=received)


def _renewed(gateway: Gateway, node: Node) -> Node:
    """Nothing was said yet, or waits to be, under the agreement of now: it was the clauses of the one before."""
    release = renewed(node.centre.assisted.release, gateway.rules)
    assisted = replace(node.centre.assisted, release=release)
    return replace(node, centre=replace(node.centre, assisted=assisted), said=Messages.empty())


def _run_again(
    gateway: Gateway, node: Node, ticked: Ticked, came: list[Received | None], links: dict[str, Link], part: Part
) -> Node:  # fmt: skip
    """The state after a tick that was run before, with what it had."""
    messages = [
        inbound.opened_again(gateway, one, links[one.partner].former)
        for one in came[: len(ticked.applied)] if part == "all" and one is not None and one.partner in links
    ]  # fmt: skip
    taken = [(one.partner, one.lane, one.epoch, one.sequence, envelope_digest(one.envelope)) for one in came if one]
    holds = (*node.holds, *terms.held_of(gateway, ticked.index, taken))
    detections = gateway.means.unpack(ticked.detections, gateway.rules, gateway.secret)
    own, _ = watch(gateway, node, ticked.index, detections)
    event = Tick(index=ticked.index, detections=detections, own=own)
    if part == "own":
        return replace(ashore(node, event), holds=holds)
    node = replace(node, centre=terms.faded(gateway, node.centre, set(), ticked.index))
    after = _cooperated(gateway, node, event, Messages.concatenate(messages))
    return replace(node, tick=ticked.index, centre=after.centre, known=after.known, said=after.said, holds=holds)


def _bounds(table: Any) -> np.ndarray:
    return np.array([0, len(table)], np.int64)
