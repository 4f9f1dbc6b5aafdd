"""What comes from a partner: policed before it is read, proved before it is believed, kept before it is receipted."""

from collections.abc import Container, Sequence

from detente.centre.exchange.canonical import VersionMismatch
from detente.centre.exchange.dsse import envelope_digest, kind_of, signer_of
from detente.centre.exchange.ledger import EMPTY_HEAD, EntryKind, word_digest
from detente.centre.exchange.message import KIND, Expected, Header, open_envelope, peek, reopened
from detente.centre.exchange.statement import (
    RECEIPT,
    Acknowledgement,
    Address,
    Addressed,
    Outcome,
    open_receipt,
)
from detente.centre.picture.identity import in_epoch
from detente.gateway.logic import clocks, outbound
from detente.gateway.logic.limits import LANES, Lane, Limits, admits, lane_of, left_of, take
from detente.gateway.logic.link import KNOWN_KEPT, Gateway, Had, Link, Notice, Now, Out, Waiting
from detente.gateway.logic.notes import NOTE, Gone, Note, Word, read
from detente.gateway.logic.records import Receipted, Received, Sworn
from detente.records.errors import PeerError
from detente.records.stages import Messages

ARRIVALS_KEPT = 64


def expected_of(gateway: Gateway, partner: str) -> Expected:
    """What every envelope of a partner must say of itself."""
    index = gateway.names.index(partner)
    return Expected(
        mark=gateway.mark, giver=partner, receiver=gateway.name, agreement=gateway.digest, origin=gateway.origin,
        giver_index=index, receiver_index=gateway.centre.side, rules=gateway.rules,
        sensors_of_giver=gateway.sensors_of[index],
    )  # fmt: skip


def opened_again(gateway: Gateway, letter: Received, former: Container[str]) -> Messages:
    """The messages of a kept envelope; none where its key was revoked since.

    What came under an agreement that was renewed since, one of ``former``, was found sound then.
    """
    keys, expected = gateway.keys[letter.partner], expected_of(gateway, letter.partner)
    try:
        if peek(letter.envelope, keys).agreement in former:
            messages = reopened(letter.envelope, keys, expected)
        else:
            messages = open_envelope(letter.envelope, keys, expected)[1]
    except PeerError:
        return Messages.empty()
    return in_epoch(messages, letter.epoch)


def frame(
    gateway: Gateway, link: Link, out: Out, lane: int, data: bytes, now: Now, *, admitted: bool = False
) -> None:  # fmt: skip
    """One frame of a partner, whatever its bytes: at most this much work, and no exception.

    ``admitted``: it was held to the partner's rates when it came in.
    """
    if lane not in LANES or not (admitted or admits(link.buckets, gateway.limits, lane, len(data), now.steady_s)):
        link.count("dropped")
        return
    try:
        kind = kind_of(data, (KIND, NOTE, RECEIPT))
        if kind is NOTE:
            _note(gateway, link, out, data, now)
        elif kind is RECEIPT:
            _receipt(gateway, link, out, data, now)
        elif link.session.open:
            _envelope(gateway, link, out, Lane(lane), data, now)
        else:
            link.count("unready")
    except (VersionMismatch, OtherAgreement, EarlierEpoch) as error:
        refuse(gateway, link, out, data, str(error), now, cause=str(error).encode())
        _say_refused(gateway, link, out, str(error), now)
    except ForkedError as error:
        _forked(gateway, link, out, data, str(error), now)
    except PeerError as error:
        refuse(gateway, link, out, data, str(error), now)


class ForkedError(PeerError):
    """The partner's word is its own and whole, and denies what it said before in this epoch."""


def _forked(gateway: Gateway, link: Link, out: Out, data: bytes, why: str, now: Now) -> None:
    """A partner with two pasts: an old copy of its store was put back, or it lies. Both sides' operators are told.

    Its sequences and ours no longer mean the same envelopes, so nothing of this epoch counts from here on.
    """
    if not link.forked:
        link.forked, link.heard = why, False
        link.settle()
        link.count("forks")
        out.changed.add(link.partner)  # whether or not an entry can be made of it
        text = f"{why}: an old copy of its store, or a lie; nothing of it counts until it begins a new epoch"
        out.notices.append(Notice(kind="forked", partner=link.partner, text=text))
    refuse(gateway, link, out, data, why, now, cause=why.encode())
    _say_refused(gateway, link, out, f"{why}: begin a new epoch, with an empty store", now)


class OtherAgreement(PeerError):
    """The partner's word is its own and whole, but under an agreement that is not the one this side signed."""


class EarlierEpoch(PeerError):
    """The partner's word is its own and whole, but of an epoch before one in which it spoke already."""


def _say_refused(gateway: Gateway, link: Link, out: Out, why: str, now: Now) -> None:
    """Tell a partner who is sound but out of step why nothing comes of it: seldom, and whatever becomes of the word."""
    if link.up and take(link.buckets, "refusals", 0, 1.0, gateway.limits.refusals, now.steady_s):
        outbound.note(gateway, link, out, Word.REFUSED, now, said=why)


def refuse(
    gateway: Gateway, link: Link, out: Out, data: bytes, why: str, now: Now, *, cause: bytes = b""
) -> None:  # fmt: skip
    """Note bytes that changed nothing: one ledger entry for the same bytes, and a bounded number of entries in all.

    A partner that is sound but out of step says the same in new bytes every second: one entry for the same ``cause``.
    Bytes that no entry can be made of are only counted, and not looked at again, however many they are.
    """
    link.count("refused")
    if link.crowded:
        return
    left = left_of(link.buckets, "audit", 0, 1.0, gateway.limits.audit, now.steady_s)
    if left is None:
        return
    digest = envelope_digest(data)
    if not link.news(envelope_digest(cause) if cause else digest):
        return
    link.buckets["audit", 0] = left
    link.log(out, EntryKind.REFUSED, digest, now)
    out.notices.append(Notice(kind="refused", partner=link.partner, text=why))


def _envelope(gateway: Gateway, link: Link, out: Out, lane: Lane, data: bytes, now: Now) -> None:
    keys = gateway.keys[link.partner]
    signer_of(KIND, data, keys)  # before all of its bytes are read
    digest = envelope_digest(data)
    if digest in link.known:
        link.count("duplicates")
        link.owed = (*link.owed, _duplicate(link.partner_epoch, link.known[digest], digest))
        return
    header, messages = open_envelope(data, keys, expected_of(gateway, link.partner))
    if header.epoch != link.partner_epoch:
        raise PeerError(f"an envelope of epoch {header.epoch}; the partner's is {link.partner_epoch}")
    check_lane(messages, lane)
    messages = in_epoch(messages, header.epoch)
    if had_before(link, header.sequence):
        (held,) = _held_as(link, [(header.sequence, digest)])
        link.count("duplicates")
        if held:
            link.owed = (*link.owed, _duplicate(header.epoch, header.sequence, digest))
        return
    if not _held_ahead(gateway.limits, link, header.sequence, lane):
        link.count("beyond_window")
        return
    if link.crowded:  # no receipt, so it comes again
        link.count("no_room")
        return
    if not _room_for(gateway.limits, link, lane, len(messages), len(data)):
        link.count("put_off")
        return
    link.known[digest] = header.sequence
    if len(link.known) > KNOWN_KEPT:
        del link.known[next(iter(link.known))]
    link.see_head(header.head)
    _received(gateway, link, out, lane, data, digest, header, messages, now)


def _duplicate(epoch: int, sequence: int, digest: bytes) -> Acknowledgement:
    return Acknowledgement(epoch=epoch, sequence=sequence, digest=digest, outcome=Outcome.DUPLICATE)


def had_before(link: Link, sequence: int) -> bool:
    """True where a sequence of the partner's epoch was received, or closed, before."""
    return sequence < link.below or sequence in link.beyond


def _room_for(limits: Limits, link: Link, lane: Lane, rows: int, size: int) -> bool:
    """Whether an envelope may wait with those that do: a share of the room is for warnings alone, the first may always.

    One that may not is neither kept nor receipted: its sender has it still, and sends it again.
    """
    if not link.waiting:
        return True
    share = 1.0 if lane is Lane.WARNING else 1.0 - limits.reserve_fraction
    return (
        link.waiting_rows + rows <= share * limits.waiting_rows
        and link.waiting_bytes + size <= share * limits.waiting_bytes
        and len(link.waiting) < share * limits.waiting_envelopes
    )


def _held_as(link: Link, named: Sequence[tuple[int, bytes]]) -> list[bool]:
    """For each sequence and digest whether that is what we hold; False too where it is no longer known.

    (Then no receipt is given. None is needed: our notes say that all before ``below`` is held.) Raises ForkedError
    where a sequence was used for something else.
    """
    lately = {sequence: digest for digest, sequence in link.known.items()}
    held = []
    for sequence, digest in named:
        had = link.beyond.get(sequence)
        known = lately.get(sequence, b"") if had is None else had.digest
        if known not in (b"", digest):
            raise ForkedError(f"uses sequence {sequence} again, for something else")
        held.append(known == digest)
    return held


def _held_ahead(limits: Limits, link: Link, sequence: int, lane: Lane) -> bool:
    """Whether an envelope may be held before its turn: in the window always, ahead of it while there is room."""
    end = link.below + limits.window
    if sequence < end:
        return True
    room = limits.ahead if lane is Lane.WARNING else limits.ahead_others
    return len(link.beyond) < room or sum(one >= end for one in link.beyond) < room


def check_lane(messages: Messages, lane: int) -> None:
    """Raise PeerError where an envelope travels in a lane that is not its messages'."""
    if not len(messages):
        raise PeerError("an envelope without messages")
    if any(lane_of(int(data)) != lane for data in set(messages.data.tolist())):
        raise PeerError("an envelope in a lane that is not its messages'")


def _received(
    gateway: Gateway, link: Link, out: Out, lane: Lane, data: bytes, digest: bytes, header: Header,
    messages: Messages, now: Now,
) -> None:  # fmt: skip
    """A sound envelope never seen before: into the inbox, into the ledger when its turn comes, and to the next tick."""
    sequence = header.sequence
    overtaken = [at for its, number, at in link.arrivals if its == lane and number > sequence]
    late = bool(overtaken) and now.steady_s - min(overtaken) > gateway.limits.horizon_s
    out.records.append(
        Received(partner=link.partner, epoch=header.epoch, sequence=sequence, lane=int(lane), envelope=data, late=late)
    )
    link.count("received")
    link.count("late", int(late))
    link.arrivals = (*link.arrivals[-ARRIVALS_KEPT + 1 :], (int(lane), sequence, now.steady_s))
    link.wait_too(
        Waiting(epoch=header.epoch, sequence=sequence, lane=lane, digest=digest, messages=messages, size=len(data))
    )
    link.beyond[sequence] = Had(sequence=sequence, kind=EntryKind.RECEIVED, digest=digest, stated_s=header.sealed_s)
    advance(gateway, link, out, now)
    link.owed = (
        *link.owed,
        Acknowledgement(epoch=header.epoch, sequence=sequence, digest=digest, outcome=Outcome.RECEIVED),
    )


def advance(gateway: Gateway, link: Link, out: Out, now: Now, base: int = 0) -> None:
    """Write what is next in line into the ledger: in order of sequence, whatever the order of arrival.

    No more than one event's share: the rest waits in ``beyond``, where it is held as well, and which the window bounds.
    What is missing never comes where the partner has begun anew, nor before ``base``, the lowest that may come: that we
    held before we began anew. A line says so, and what came after it follows.
    """
    for _ in range(gateway.limits.lines_an_event):
        if link.below not in link.beyond:
            passed = (
                link.below < base and not link.crowded
                and take(link.buckets, "session", 0, 1.0, gateway.limits.audit, now.steady_s)
            )  # fmt: skip
            if not passed and not (link.ends and link.beyond):
                return
            link.below = min([base, *link.beyond] if passed else link.beyond)
            missing = word_digest("missing before")
            link.log(out, EntryKind.SESSION, missing, now, epoch=link.partner_epoch, sequence=link.below)
            continue
        had = link.beyond.pop(link.below)
        link.log(
            out, had.kind, had.digest, now, stated_s=had.stated_s, epoch=link.partner_epoch, sequence=link.below
        )  # fmt: skip
        link.below += 1


def _note(gateway: Gateway, link: Link, out: Out, data: bytes, now: Now) -> None:
    """A note: each tells all that the partner knows of the line, so only the one with the highest ordinal counts."""
    note = read(data, gateway.keys[link.partner], _addressed(gateway, link))
    said = note.address
    if note.word is Word.REFUSED:
        link.count("refused_there")
        left = left_of(link.buckets, "refusals", 1, 1.0, gateway.limits.refusals, now.steady_s)
        if note.said and left is not None and link.news(envelope_digest(b"refused-there: " + note.said.encode())):
            link.buckets["refusals", 1] = left
            out.notices.append(Notice(kind="refused-there", partner=link.partner, text=note.said))
        return
    if said.agreement != gateway.digest:
        raise OtherAgreement(f"names agreement {said.agreement[:16]}, not {gateway.digest[:16]}")
    if said.epoch < link.partner_epoch:
        raise EarlierEpoch(
            f"is of epoch {said.epoch}, before {link.partner_epoch}: its store was made anew under an earlier clock; "
            "nothing of it counts until its clock is right and its store made anew once more"
        )
    if said.epoch > link.partner_epoch and note.word is not Word.HELLO:
        raise PeerError(f"a note of epoch {said.epoch}; the partner's is {link.partner_epoch}")
    if said.epoch == link.partner_epoch:
        _check_past(link, said)
        _held_as(link, [(gone.sequence, gone.digest) for gone in note.closed])
    _check_heads(link, out, data, said, note.of)
    held = _held_there(link, note)
    if said.epoch == link.partner_epoch and said.ordinal <= link.note_seen:
        link.count("old_notes")
        return
    if note.word is Word.HELLO:
        if said.epoch > link.partner_epoch and link.beyond:
            link.ends = True  # what came in its last epoch is written first
            advance(gateway, link, out, now)
        if said.epoch > link.partner_epoch and not _may_begin(gateway.limits, link, now):
            link.count("early_hellos")  # it will say so again
            return
    anew = _listens(gateway.limits, link, note, now)
    if note.word is Word.HELLO:
        _hello(link, out, note, now)
    link.note_seen, link.newest = said.ordinal, max(link.newest, (said.ordinal, said.head.size))
    link.see_head(said.head)
    link.witness(data, said)
    if note.said and take(link.buckets, "refusals", 2, 1.0, gateway.limits.refusals, now.steady_s):
        out.notices.append(Notice(kind="said", partner=link.partner, text=note.said))
    skew_s = link.skew.offset_s
    _words(gateway.limits, link, out, note, now)
    clocks.notice(gateway, link, skew_s, now, out)
    _taken(link, out, held, envelope_digest(data), now)
    for gone in note.closed:
        _gone(gateway.limits, link, out, gone, said.sealed_s, now)
    advance(gateway, link, out, now, note.base)
    if (not link.told and note.word is Word.HELLO) or not _knows(link, note):
        outbound.hello(gateway, link, out, now)
    elif note.closed:
        outbound.note(gateway, link, out, Word.PULSE, now)
    if anew:
        outbound.supersede(link, out, now)
        link.sent = {}
    outbound.flush(gateway, link, out, now)


def crowd(limits: Limits, link: Link, out: Out, crowded: bool) -> None:
    """Whether our store has room for what a partner sends: where it has none, nothing is kept, so nothing receipted.

    None for the one whose own ledger has taken its share, whatever room there is for others.
    """
    full = link.tip.size >= limits.ledger_entries
    if (crowded or full) != link.crowded:
        link.crowded = crowded or full
        why = "the ledger with it has taken its share of the store" if full else "the store is nearly full"
        text = (
            f"{why}: nothing more of {link.partner} is taken until there is room (store_bytes_max)"
            if link.crowded else f"the store has room again: what {link.partner} sends is taken"
        )  # fmt: skip
        out.notices.append(Notice(kind="store", partner=link.partner, text=text))


def _check_past(link: Link, said: Address) -> None:
    """Raise ForkedError where a newer word of the partner's epoch denies what older ones said."""
    if link.forked:
        raise ForkedError(link.forked)
    ordinal, size = link.newest
    if said.ordinal > ordinal and said.head.size < size:
        raise ForkedError(f"shows a ledger of {said.head.size} entries, after one of {size}")


def _held_there(link: Link, note: Note) -> list[int]:
    """What the partner says it holds of ours. Raises PeerError where something of that was never sent."""
    if note.of != link.epoch:
        return []
    below = [one for sequence, one in link.pending.items() if sequence < note.below]
    unsent = [one.sequence for one in below if not one.sent]
    unsent += [one for one in (note.below - 1, *note.beyond) if one >= link.next_sequence]
    if unsent:
        raise PeerError(f"holds sequence {max(unsent)}, which was never sent: it lies, or our store is an old copy")
    closed = [one.sequence for one in link.closings.until(note.below)]
    return [*(one.sequence for one in below), *closed, *note.beyond]


def _addressed(gateway: Gateway, link: Link) -> Addressed:
    return Addressed(mark=gateway.mark, giver=link.partner, receiver=gateway.name)


def _may_begin(limits: Limits, link: Link, now: Now) -> bool:
    """Whether the partner's new epoch may begin: the last is written, there is room for this one, and it is seldom."""
    return not (link.beyond or link.crowded) and take(link.buckets, "epochs", 0, 1.0, limits.refusals, now.steady_s)


def _hello(link: Link, out: Out, note: Note, now: Now) -> None:
    """Somebody is there, perhaps for the first time, perhaps with an empty memory."""
    said = note.address
    if said.epoch > link.partner_epoch:
        # What the partner said before stays said; its sequences begin anew.
        assert not link.beyond, "all that was held of the last epoch is in the ledger"
        link.partner_epoch, link.below, link.note_seen = said.epoch, note.base, -1
        link.ends, link.forked, link.newest = False, "", (-1, 0)
        link.partner_head, link.testified, link.known = EMPTY_HEAD, (0, 0), {}
        link.log(out, EntryKind.SESSION, word_digest("partner begins an epoch"), now, epoch=said.epoch)
        out.notices.append(Notice(kind="epoch", partner=link.partner, text=f"begins epoch {said.epoch}"))
    if not link.agreed:
        link.agreed = True
        link.log(out, EntryKind.SESSION, bytes.fromhex(said.agreement), now)
        out.notices.append(Notice(kind="agreed", partner=link.partner, text=f"agreement {said.agreement[:16]}…"))
    link.heard = True


def _knows(link: Link, note: Note) -> bool:
    """Whether the partner has heard us on this line, and not a greeting of an earlier epoch that came late."""
    return note.heard and note.of == link.epoch


def _listens(limits: Limits, link: Link, note: Note, now: Now) -> bool:
    """Whether the partner hears us from here on, on a line on which it did not: then all that waits is due again, at a
    bounded rate. What is due again by itself is enough for a partner whose lines come and go."""
    first = not link.heard and note.word is Word.HELLO
    deaf, link.deaf = link.deaf, link.heard and not _knows(link, note)
    return (first or (deaf and not link.deaf)) and take(link.buckets, "anew", 0, 1.0, limits.anew, now.steady_s)


def _words(limits: Limits, link: Link, out: Out, note: Note, now: Now) -> None:
    """The partner's pause, resumption or withdrawal; and its clock."""
    leaves = note.withdrawn > link.withdrawn
    if leaves or (
        note.paused != link.paused_there and take(link.buckets, "session", 0, 1.0, limits.audit, now.steady_s)
    ):
        word = "withdraws" if leaves else "pauses" if note.paused else "resumes"
        if leaves or not link.crowded:
            link.log(out, EntryKind.SESSION, word_digest(f"partner {word}"), now)
        if leaves:
            outbound.close_all(link, out, "withdrawn", now)
        out.notices.append(Notice(kind="session", partner=link.partner, text=f"{link.partner} {word}"))
    link.paused_there = note.paused
    link.withdrawn = link.withdrawn or note.withdrawn
    clocks.sample(link, note, now)
    link.settle()


def _receipt(gateway: Gateway, link: Link, out: Out, data: bytes, now: Now) -> None:
    """The partner's word that envelopes came: they leave the outbox."""
    receipt = open_receipt(data, gateway.keys[link.partner], _addressed(gateway, link))
    said = receipt.address
    if said.agreement != gateway.digest:
        raise OtherAgreement(f"names agreement {said.agreement[:16]}, not {gateway.digest[:16]}")
    if said.epoch != link.partner_epoch:
        raise PeerError("a receipt of another epoch")
    _check_past(link, said)
    _check_heads(link, out, data, said, receipt.acknowledged[0].epoch if receipt.acknowledged else link.epoch)
    ours = [line for line in receipt.acknowledged if line.epoch == link.epoch]
    for line in ours:
        held = link.pending.get(line.sequence) or link.closings.get(line.sequence)
        if line.sequence >= link.next_sequence or (held is not None and held.digest != line.digest):
            raise PeerError(f"receipts envelope {line.sequence}, which is not the one that was sent")
    link.newest = max(link.newest, (said.ordinal, said.head.size))
    _taken(link, out, [line.sequence for line in ours], envelope_digest(data), now)
    link.see_head(said.head)
    link.witness(data, said)


def _taken(link: Link, out: Out, sequences: list[int], digest: bytes, now: Now) -> None:
    """What the partner holds leaves the outbox."""
    gone = outbound.drop_sent(link, sequences)
    if gone:
        out.records.append(Receipted(partner=link.partner, sequences=gone))
        link.count("receipted", len(gone))
        link.log(out, EntryKind.RECEIPT, digest, now, sequence=max(gone))


def _check_heads(link: Link, out: Out, data: bytes, said: Address, of: int) -> None:
    """Raise PeerError where a partner's word and what is known of either ledger do not go together.

    ``of``: the epoch of ours that it knows. Until it has heard of this one, it countersigns the ledger of an earlier.
    """
    known = link.heads.get(said.seen.size)
    if of == link.epoch and known is not None and known != said.seen.root:
        raise PeerError(f"countersigns a head of {said.seen.size} entries that our ledger never had")
    same = said.epoch == link.partner_epoch and said.head.size == link.partner_head.size
    if same and said.head != link.partner_head:
        if not link.counts.get("equivocations") and link.bears_out(said.seen):
            out.records.append(Sworn(partner=link.partner, kind="equivocation", word=data))
        link.count("equivocations")
        raise ForkedError(f"shows two ledgers of {said.head.size} entries: equivocation")


def _gone(limits: Limits, link: Link, out: Out, gone: Gone, stated_s: float, now: Now) -> None:
    """A sequence that will never come takes its place in the ledger all the same."""
    if had_before(link, gone.sequence) or gone.sequence >= link.below + limits.window:
        return
    if link.crowded:
        link.count("no_room")
        return
    if not take(link.buckets, "closings", 0, 1.0, limits.closings.times(now.rate), now.steady_s):
        link.count("put_off")
        return
    kind = EntryKind.TOMBSTONE
    link.beyond[gone.sequence] = Had(sequence=gone.sequence, kind=kind, digest=gone.digest, stated_s=stated_s)
    link.count("tombstones")
    out.changed.add(link.partner)  # our next note says that we hold it, so it must outlive us
