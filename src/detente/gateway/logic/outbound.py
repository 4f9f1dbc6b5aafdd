"""What leaves for a partner: envelopes taken into the outbox, notes, and everything again until it is receipted."""

from collections.abc import Iterable
from dataclasses import replace

from detente.centre.exchange.dsse import envelope_digest
from detente.centre.exchange.ledger import EntryKind
from detente.centre.exchange.session import State
from detente.centre.exchange.statement import ACKNOWLEDGED_MAX, Address, Receipt, sign_receipt
from detente.gateway.logic.limits import Lane, Limits
from detente.gateway.logic.link import NEVER_S, SPOKEN_KEPT, Gateway, Link, Now, Out, Pending, Sent
from detente.gateway.logic.notes import SEQUENCES_MAX, Gone, Note, Word, write
from detente.gateway.logic.records import Accepted, Closed

SAID_MAX = 256  # characters for people in a note
SENDS_MAX = 256
"""Envelopes sent in one go. source: assumption, 64-1,024: the rest follows with the next tick, receipt or timer."""


def accept(gateway: Gateway, link: Link, out: Out, lane: Lane, tick: int, envelope: bytes,
           keys: tuple[tuple[int, int], ...], now: Now) -> None:  # fmt: skip
    """Take one envelope, already sealed with ``link.next_sequence``, into the outbox; :func:`shed` then makes room."""
    sequence = link.next_sequence
    link.next_sequence += 1
    digest = envelope_digest(envelope)
    link.pending[sequence] = Pending(
        sequence=sequence, lane=lane, tick=tick, envelope=envelope, digest=digest, keys=keys
    )  # fmt: skip
    out.records.append(
        Accepted(partner=link.partner, sequence=sequence, lane=int(lane), tick=tick, envelope=envelope, keys=keys)
    )
    link.log(out, EntryKind.SENT, digest, now, stated_s=(tick + 1) * gateway.tick_s, sequence=sequence)
    link.count("accepted")


def shed(gateway: Gateway, link: Link, out: Out, now: Now) -> None:
    """Keep the outbox within its quota: the oldest of the least urgent lane goes first, warnings last."""
    quota = gateway.limits.outbox_bytes
    shared = quota * (1.0 - gateway.limits.reserve_fraction)
    total = link.outbox_bytes
    if total <= shared:
        return
    for lane in (Lane.OTHER, Lane.TRACK, Lane.WARNING):
        limit = quota if lane is Lane.WARNING else shared
        for one in sorted((p for p in link.pending.values() if p.lane is lane), key=_age):
            if total <= limit:
                break
            total -= len(one.envelope)
            close(link, out, one, "shed", now)


def _age(one: Pending) -> int:
    return one.sequence


def _urgency(one: Pending) -> tuple[int, int]:
    """Warnings first, and in each lane the newest first."""
    return one.lane, -one.sequence


def close(link: Link, out: Out, one: Pending, reason: str, now: Now) -> None:
    """Give an accepted envelope up: a tombstone in the ledger, and a notice to the partner in its place."""
    del link.pending[one.sequence]
    link.closings.add(Gone(sequence=one.sequence, digest=one.digest, reason=reason))
    link.sent.pop(one.sequence, None)
    out.records.append(Closed(partner=link.partner, sequence=one.sequence, reason=reason, digest=one.digest))
    link.log(out, EntryKind.TOMBSTONE, one.digest, now, sequence=one.sequence)
    link.count(f"closed_{reason}")


def close_all(link: Link, out: Out, reason: str, now: Now) -> None:
    """Give up everything that waits."""
    for one in list(link.pending.values()):
        close(link, out, one, reason, now)


def stand(gateway: Gateway, link: Link, out: Out, now: Now) -> None:
    """Bring a link to where the agreement stands by our own exercise clock; once it is over, what waits is given up."""
    standing = gateway.standing(now.exercise_s)
    if standing != link.standing:
        link.standing = standing
        if standing == "over":
            close_all(link, out, "ended", now)
        link.settle()


def expire(gateway: Gateway, link: Link, out: Out, tick: int, now: Now) -> None:
    """Close what waited too long, by exercise time."""
    for one in list(link.pending.values()):
        if (tick - one.tick) * gateway.tick_s > gateway.limits.expire_s[one.lane]:
            close(link, out, one, "expired", now)


def supersede(link: Link, out: Out, now: Now) -> None:
    """Close track envelopes of which every line is told anew by a later one: after a break, news and not history."""
    newer: set[tuple[int, int]] = set()
    tracks = [one for one in link.pending.values() if one.lane is Lane.TRACK]
    for one in sorted(tracks, key=_age, reverse=True):
        if one.keys and newer.issuperset(one.keys):
            close(link, out, one, "superseded", now)
        newer.update(one.keys)


def flush(gateway: Gateway, link: Link, out: Out, now: Now) -> None:
    """Send what is due: warnings, then what will never come, then the rest; of envelopes the newest first.

    Nothing while the partner says that it does not hear us: it would refuse all of it. Once either has left, or the
    agreement is over, notices alone: what was given up is told to the last.
    """
    left = link.heard and link.session.state in (State.WITHDRAWN, State.ENDED)
    if link.deaf or not (link.up and (link.session.open or left) and (link.pending or link.closings)):
        return
    due = [one for sequence, one in link.pending.items() if not left and _due(link.sent.get(sequence), now)]
    letters = sorted(due, key=_urgency)[:SENDS_MAX]
    warnings = sum(one.lane is Lane.WARNING for one in letters)
    _send(gateway, link, out, letters[:warnings], now)
    _tell_closed(gateway, link, out, now)
    _send(gateway, link, out, letters[warnings:], now)


def _send(gateway: Gateway, link: Link, out: Out, letters: list[Pending], now: Now) -> None:
    for one in letters:
        out.frames.append((link.partner, one.lane, one.envelope))
        link.sent[one.sequence] = _again(link.sent.get(one.sequence), gateway.limits, now)
        if not one.sent:
            link.pending[one.sequence] = replace(one, sent=True)


def _tell_closed(gateway: Gateway, link: Link, out: Out, now: Now) -> None:
    """What will never come, the oldest first, and no more of it than the partner holds ahead of what it lacks."""
    window = link.closings.until(link.base + gateway.limits.window)
    gone = [one for one in window if _due(link.sent.get(one.sequence), now)]
    for first in range(0, len(gone), SEQUENCES_MAX):
        note(gateway, link, out, Word.CLOSED, now, tuple(gone[first : first + SEQUENCES_MAX]))
    for one in gone:
        link.sent[one.sequence] = _again(link.sent.get(one.sequence), gateway.limits, now)


def _due(sent: Sent | None, now: Now) -> bool:
    return sent is None or now.steady_s - sent.at_s >= sent.wait_s


def _again(sent: Sent | None, limits: Limits, now: Now) -> Sent:
    wait_s = limits.retry_s if sent is None else min(2.0 * sent.wait_s, limits.retry_most_s)
    return Sent(at_s=now.steady_s, wait_s=wait_s)


def hello(gateway: Gateway, link: Link, out: Out, now: Now) -> None:
    """Say who we are and what we hold."""
    note(gateway, link, out, Word.HELLO, now)
    link.told = link.heard


def note(
    gateway: Gateway, link: Link, out: Out, word: Word, now: Now, closed: tuple[Gone, ...] = (), said: str = ""
) -> None:  # fmt: skip
    """One note, with all that we know of the line; ``said`` is for the people at the other end."""
    heard_before = link.skew.heard_at_s != NEVER_S
    known = not link.forked  # else what we hold is not what the partner would think
    written = Note(
        address=_address(gateway, link, now), word=word, heard=link.heard, paused=link.paused_here,
        withdrawn=link.withdrawn, base=link.base, closed=closed,
        of=max(0, link.partner_epoch) if known else 0, below=link.below if known else 0,
        beyond=tuple(sorted(link.beyond)[:SEQUENCES_MAX]) if known else (),
        said=said.encode("ascii", "replace").decode()[:SAID_MAX],
        echo=(link.skew.heard_stated_s, link.skew.heard_at_s) if heard_before else (),
    )  # fmt: skip
    link.spoke_s = now.steady_s
    link.spoken = (*link.spoken[1 - SPOKEN_KEPT :], (written.address.sealed_s, now.steady_s))
    out.frames.append((link.partner, Lane.NOTE, write(written, gateway.signer)))


def receipt(gateway: Gateway, link: Link, out: Out, now: Now) -> None:
    """Acknowledge what came, and countersign the partner's ledger."""
    for first in range(0, len(link.owed), ACKNOWLEDGED_MAX):
        part = link.owed[first : first + ACKNOWLEDGED_MAX]
        word = Receipt(address=_address(gateway, link, now), acknowledged=part)
        out.frames.append((link.partner, Lane.NOTE, sign_receipt(word, gateway.signer)))
    link.owed = ()


def _address(gateway: Gateway, link: Link, now: Now) -> Address:
    ordinal = link.note_number
    link.notes += 1
    return Address(
        mark=gateway.mark, giver=gateway.name, receiver=link.partner, agreement=gateway.digest, origin=gateway.origin,
        epoch=link.epoch, ordinal=ordinal, sealed_s=round(now.wall_s, 6), head=link.tip.head, seen=link.partner_head,
    )  # fmt: skip


def drop_sent(link: Link, sequences: Iterable[int]) -> tuple[int, ...]:
    """Take receipted sequences out of the outbox; those that were in it. A receipt may name one twice."""
    gone = tuple(one for one in dict.fromkeys(sequences) if one in link.pending or one in link.closings)
    for sequence in gone:
        link.pending.pop(sequence, None)
        link.closings.discard(sequence)
        link.sent.pop(sequence, None)
    return gone
