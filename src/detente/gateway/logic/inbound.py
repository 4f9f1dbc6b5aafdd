"""What comes from a partner: policed before it is read, proved before it is believed, kept before it is receipted."""

from typing import Any

from detente.centre.exchange.ledger import EntryKind
from detente.centre.exchange.message import SCHEMA, Expected, Header, envelope_digest, open_envelope
from detente.centre.exchange.session import Event, State, advance, agree
from detente.gateway.logic import outbound
from detente.gateway.logic.limits import Bucket, Lane, lane_of
from detente.gateway.logic.link import (
    KNOWN_KEPT,
    REFUSED_KEPT,
    Gateway,
    Had,
    Link,
    Notice,
    Now,
    Out,
    Skew,
    Waiting,
)
from detente.gateway.logic.notes import Kind, Note, digest_of, is_note, listed, read, whole
from detente.gateway.logic.records import Receipted, Received
from detente.records.errors import PeerError
from detente.records.stages import Messages

ARRIVALS_KEPT = 64
STEP_S = 0.5  # a clock that moves so far between two samples has jumped. source: assumption, 0.1-5


def expected_of(gateway: Gateway, partner: str) -> Expected:
    """What every envelope of a partner must say of itself."""
    index = gateway.names.index(partner)
    return Expected(
        mark=gateway.mark, giver=partner, receiver=gateway.name, agreement=gateway.digest, origin=gateway.origin,
        giver_index=index, receiver_index=gateway.centre.side, rules=gateway.rules,
        sensors_of_giver=gateway.sensors_of[index],
    )  # fmt: skip


def frame(gateway: Gateway, link: Link, out: Out, lane: int, data: bytes, now: Now) -> None:
    """One frame of a partner, whatever its bytes: at most this much work, and no exception."""
    if lane not in tuple(Lane) or not _within_rate(gateway, link, Lane(lane), len(data), now):
        link.count("dropped")
        return
    try:
        if is_note(data):
            _note(gateway, link, out, data, now)
        elif link.session.open:
            _envelope(gateway, link, out, Lane(lane), data, now)
        else:
            link.count("unready")
    except PeerError as error:
        refuse(gateway, link, out, data, str(error), now)


def refuse(gateway: Gateway, link: Link, out: Out, data: bytes, why: str, now: Now) -> None:
    """Note bytes that changed nothing: one ledger entry for the same bytes, and a bounded number of entries in all."""
    link.count("refused")
    digest = envelope_digest(data)
    if digest in link.refused or not _take(link, "audit", 0, 1.0, gateway.limits.audit, now):
        return
    link.refused = (*link.refused[-REFUSED_KEPT + 1 :], digest)
    link.log(out, EntryKind.REFUSED, digest, now)
    out.notices.append(Notice(kind="refused", partner=link.partner, text=why))


def _within_rate(gateway: Gateway, link: Link, lane: Lane, size: int, now: Now) -> bool:
    return _take(link, "frames", lane, 1.0, gateway.limits.frames_each[lane], now) and _take(
        link, "bytes", lane, size, gateway.limits.bytes_each[lane], now
    )


def _take(link: Link, what: str, lane: int, amount: float, rate: Any, now: Now) -> bool:
    bucket = link.buckets.get((what, lane), Bucket(level=rate.burst, at_s=now.steady_s))
    left = bucket.take(amount, rate, now.steady_s)
    if left is not None:
        link.buckets[what, lane] = left
    return left is not None


def _envelope(gateway: Gateway, link: Link, out: Out, lane: Lane, data: bytes, now: Now) -> None:
    digest = envelope_digest(data)
    if digest in link.known:
        link.count("duplicates")
        link.receipt_owed = True
        return
    header, messages = open_envelope(data, gateway.keys[link.partner], expected_of(gateway, link.partner))
    if header.epoch != link.partner_epoch:
        raise PeerError(f"an envelope of epoch {header.epoch}; the partner's is {link.partner_epoch}")
    check_lane(messages, lane)
    if header.sequence < link.below or header.sequence in link.beyond:
        link.count("duplicates")
        link.receipt_owed = True
        return
    if header.sequence >= link.below + gateway.limits.window:
        link.count("beyond_window")
        return
    link.known[digest] = None
    if len(link.known) > KNOWN_KEPT:
        del link.known[next(iter(link.known))]
    _received(gateway, link, out, lane, data, header, messages, now)


def check_lane(messages: Messages, lane: int) -> None:
    """Raise PeerError where an envelope travels in a lane that is not its messages'."""
    if not len(messages):
        raise PeerError("an envelope without messages")
    if any(lane_of(int(data)) != lane for data in set(messages.data.tolist())):
        raise PeerError("an envelope in a lane that is not its messages'")


def _received(
    gateway: Gateway, link: Link, out: Out, lane: Lane, data: bytes, header: Header, messages: Messages, now: Now
) -> None:  # fmt: skip
    """A sound envelope never seen before: into the inbox, into the ledger when its turn comes, and to the next tick."""
    sequence, digest = header.sequence, envelope_digest(data)
    overtaken = [at for its, number, at in link.arrivals if its == lane and number > sequence]
    late = bool(overtaken) and now.steady_s - min(overtaken) > gateway.limits.horizon_s
    out.records.append(
        Received(partner=link.partner, epoch=header.epoch, sequence=sequence, lane=int(lane), envelope=data, late=late)
    )
    link.count("received")
    link.count("late", int(late))
    link.arrivals = (*link.arrivals[-ARRIVALS_KEPT + 1 :], (int(lane), sequence, now.steady_s))
    link.waiting = (
        *link.waiting, Waiting(epoch=header.epoch, sequence=sequence, lane=lane, messages=messages)
    )  # fmt: skip
    stated = float(messages.released_s.max())
    link.beyond[sequence] = Had(kind=EntryKind.RECEIVED, digest=digest, stated_s=stated)
    _advance(link, out, now)
    link.receipt_owed = True


def _advance(link: Link, out: Out, now: Now) -> None:
    """Write what is next in line into the ledger: in order of sequence, whatever the order of arrival."""
    while link.below in link.beyond:
        had = link.beyond.pop(link.below)
        link.log(
            out, had.kind, had.digest, now, stated_s=had.stated_s, epoch=link.partner_epoch, sequence=link.below
        )  # fmt: skip
        link.below += 1


def _note(gateway: Gateway, link: Link, out: Out, data: bytes, now: Now) -> None:
    expected = {"mark": gateway.mark.name.lower(), "giver": link.partner, "receiver": gateway.name}
    note = read(data, gateway.keys[link.partner], expected)
    if note.kind is Kind.HELLO:
        if note.body.get("schema") != SCHEMA:
            raise PeerError(f"speaks schema {note.body.get('schema')!s:.20}, not {SCHEMA}")
        if note.agreement != gateway.digest:
            raise PeerError(f"names agreement {note.agreement[:16]}…, not {gateway.digest[:16]}…")
        if note.epoch < link.partner_epoch:
            raise PeerError(f"a hello of epoch {note.epoch}; the partner's is {link.partner_epoch}")
        _hello(gateway, link, out, note, now)
    elif note.agreement != gateway.digest or note.epoch != link.partner_epoch:
        raise PeerError("a note under another agreement or of another epoch")
    elif note.kind is Kind.CLOSED:
        _closed(gateway, link, out, note, now)
    else:
        _holds(link, out, note, now)
        _words(link, out, note, now)
        outbound.flush(gateway, link, out, now)


def _hello(gateway: Gateway, link: Link, out: Out, note: Note, now: Now) -> None:
    body = note.body
    base, heard = whole(body.get("base"), "base"), body.get("heard")
    if type(heard) is not bool:
        raise PeerError("a hello that does not say whether it heard ours")
    if note.epoch == link.partner_epoch and note.number <= link.note_seen:
        return  # an old one, overtaken or played again
    if note.epoch > link.partner_epoch:
        # A partner with an empty memory: what it said before stays said; its sequences begin anew.
        link.partner_epoch, link.below, link.beyond, link.note_seen = note.epoch, base, {}, -1
        link.log(out, EntryKind.SESSION, bytes(32), now, epoch=note.epoch)
        out.notices.append(Notice(kind="epoch", partner=link.partner, text=f"begins epoch {note.epoch}"))
    _holds(link, out, note, now)
    link.heard = True
    if link.session.state is State.CLOSED:
        link.session = agree(advance(link.session, Event.HELLO), note.agreement)
        link.session = advance(link.session, Event.OPEN)
        link.log(out, EntryKind.SESSION, bytes.fromhex(gateway.digest), now)
    _words(link, out, note, now)
    if not (link.told and heard):
        outbound.hello(gateway, link, out, now)
    outbound.supersede(link, out, now)
    link.sent_s = {}
    outbound.flush(gateway, link, out, now)


def _words(link: Link, out: Out, note: Note, now: Now) -> None:
    """The partner's pause, resumption or withdrawal, unless a later word is known; and its clock."""
    paused, withdrawn = note.body["paused"], note.body["withdrawn"]
    if note.number > link.note_seen:
        link.note_seen = note.number
        if paused != link.paused_there or withdrawn > link.withdrawn:
            link.log(out, EntryKind.SESSION, bytes(32), now)
            word = "withdraws" if withdrawn else "pauses" if paused else "resumes"
            out.notices.append(Notice(kind="session", partner=link.partner, text=f"{link.partner} {word}"))
        link.paused_there = paused
        link.withdrawn = link.withdrawn or withdrawn
        _clock(link, note, now)
    link.settle()


def _holds(link: Link, out: Out, note: Note, now: Now) -> None:
    """What the partner holds of ours leaves the outbox; its ledger's head is remembered, its view of ours compared."""
    body = note.body
    of, below = whole(body.get("of"), "of"), whole(body.get("below"), "below")
    beyond = [whole(one, "a sequence") for one in listed(body.get("beyond"), "beyond")]
    head = _head(body.get("head"), "head")
    seen = None if body.get("seen") is None else _head(body.get("seen"), "seen")
    if type(body.get("paused")) is not bool or type(body.get("withdrawn")) is not bool:
        raise PeerError("a note that does not say whether its giver exchanges")
    if of == link.epoch and max([below, *(one + 1 for one in beyond)]) > link.next_sequence:
        raise PeerError(f"receipts sequence {max([below - 1, *beyond])}, which was never sent")
    known = None if seen is None else link.heads.get(seen[0])
    if seen is not None and known is not None and known.hex() != seen[1]:
        raise PeerError(f"countersigns a head of {seen[0]} entries that our ledger never had")
    if link.partner_head is not None and head[0] == link.partner_head[0] and head[1] != link.partner_head[1]:
        link.count("equivocations")
        raise PeerError(f"shows two ledgers of {head[0]} entries: equivocation")
    if of == link.epoch:
        gone = outbound.drop_sent(link, [*(one for one in link.pending if one < below), *beyond])
        if gone:
            out.records.append(Receipted(partner=link.partner, sequences=gone))
            link.count("receipted", len(gone))
            link.log(out, EntryKind.RECEIPT, bytes.fromhex(head[1]), now, sequence=max(gone))
    if link.partner_head is None or head[0] > link.partner_head[0]:
        link.partner_head = head


def _head(value: Any, what: str) -> tuple[int, str]:
    if type(value) is not list or len(value) != 2:
        raise PeerError(f"{what} is not a ledger's head")
    return whole(value[0], what), digest_of(value[1], what).hex()


def _closed(gateway: Gateway, link: Link, out: Out, note: Note, now: Now) -> None:
    if not link.session.open:
        link.count("unready")
        return
    for one in listed(note.body.get("closed"), "closed"):
        if type(one) is not list or len(one) != 3 or type(one[2]) is not str:
            raise PeerError("a closed sequence without digest and reason")
        sequence, digest = whole(one[0], "a sequence"), digest_of(one[1], "a digest")
        if sequence < link.below or sequence in link.beyond:
            continue
        if sequence < link.below + gateway.limits.window:
            link.beyond[sequence] = Had(kind=EntryKind.TOMBSTONE, digest=digest, stated_s=note.stated_s)
            link.count("tombstones")
    _advance(link, out, now)
    link.receipt_owed = True


def _clock(link: Link, note: Note, now: Now) -> None:
    """One sample of the partner's clock, where the note echoes one of ours."""
    skew, echo = link.skew, note.body.get("echo")
    offset, delay, samples, steps = skew.offset_s, skew.delay_s, skew.samples, skew.steps
    if type(echo) is list and len(echo) == 2 and all(type(value) in (int, float) for value in echo):
        ours_s, theirs_s = float(echo[0]), float(echo[1])
        new_delay = (now.wall_s - ours_s) - (note.stated_s - theirs_s)
        new = ((theirs_s - ours_s) + (note.stated_s - now.wall_s)) / 2.0
        if samples and abs(new - offset) > STEP_S + abs(new_delay) + delay:
            offset, delay, samples, steps = new, abs(new_delay), 1, steps + 1
        elif new_delay <= 1.5 * delay or not samples:
            offset, delay, samples = new, max(new_delay, 0.0), samples + 1
    link.skew = Skew(
        heard_stated_s=note.stated_s, heard_at_s=now.wall_s, offset_s=offset, delay_s=delay, samples=samples,
        steps=steps,
    )  # fmt: skip
