"""What a tick has to tell: sealed by lane and partner, checked again, and taken into the outboxes, or nothing of it."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from detente.centre.exchange.egress_check import check_header
from detente.centre.exchange.message import ROWS_MAX, Header, seal
from detente.centre.exchange.rules import label_of
from detente.centre.exchange.second_check import Snapshot
from detente.centre.step import State
from detente.gateway.logic import outbound
from detente.gateway.logic.limits import Lane, lane_of
from detente.gateway.logic.link import Gateway, Link, Notice, Now, Out
from detente.records.slots import Tracks
from detente.records.stages import Messages, Warnings
from detente.scenario.agreement import DataClass


@dataclass(frozen=True, kw_only=True)
class After:
    """A centre after a tick, and what it would tell."""

    centre: State
    known: tuple[Snapshot, ...]
    said: Messages  # last told of each object, and this tick's messages
    earlier: Messages  # without them
    messages: Messages
    warnings: Warnings


def needed(
    known: tuple[Snapshot, ...], said: Messages, pending: Messages, tracks: Tracks
) -> tuple[tuple[Snapshot, ...], Messages]:  # fmt: skip
    """Of what a side knew and said, what the second checker may have to ask for: it grows with tracks, not with time.

    Said: the last by each clause of each sensor, of each track that lives, and of each that something ``pending`` is
    about. Known: the moments that pending messages speak of, and those of which an offset was said.
    """
    alive = np.concatenate([tracks.number[tracks.status > 0], pending.number])
    said = said.take((said.data == DataClass.SENSOR_STATUS) | np.isin(said.number, alive))
    subjects = np.stack([said.clause, said.data, said.number], axis=1)[::-1]
    last = len(said) - 1 - np.unique(subjects, axis=0, return_index=True)[1]
    said = said.take(np.sort(last))
    moments = {*pending.valid_s.tolist(), *said.valid_s[said.coarsened > 0].tolist()}
    return tuple(one for one in known if float(one.tracks.time_s) in moments), said


def release(gateway: Gateway, links: dict[str, Link], after: After, tick: int, now: Now, out: Out) -> None:
    """Seal what the first opinion releases; the second judges those bytes, and both agree or nothing leaves."""
    sealed: list[tuple[Link, Lane, bytes, Messages]] = []
    for name, link in links.items():
        theirs = after.messages.take(after.messages.receiver == gateway.names.index(name))
        if len(theirs) and not link.accepting:
            link.count("not_accepted", len(theirs))
        elif len(theirs):
            sequence = link.next_sequence
            for lane, part in _parts(theirs):
                envelope = sealed_envelope(gateway, link, part, tick, sequence)
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


def sealed_envelope(gateway: Gateway, link: Link, messages: Messages, tick: int, sequence: int) -> bytes:
    """The envelope of so high a sequence with these messages."""
    header = Header(
        mark=gateway.mark, giver=gateway.name, receiver=link.partner, agreement=gateway.digest, origin=gateway.origin,
        epoch=link.epoch, sequence=sequence, sealed_s=(tick + 1) * gateway.tick_s,
        label=label_of(gateway.rules, link.partner, messages.clause), head=link.tip.head,
    )  # fmt: skip
    return seal(messages, header, gateway.signer)
