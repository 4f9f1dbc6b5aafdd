"""Auditing: edits, deletions, truncation and equivocation are found, and the first bad entry is named."""

import hashlib
from dataclasses import replace

import pytest

from detente.centre.exchange.audit import Book, audit, vouched_for
from detente.centre.exchange.ledger import EMPTY_HEAD, EntryKind, FaultKind, Ledger
from detente.centre.exchange.statement import Evidence


def envelope(side, sequence):
    return hashlib.sha256(f"{side}{sequence}".encode()).digest()


def talk(count=12, receipt_every=3):
    """Two sides' ledgers after an honest talk, and the words each kept of the other's (heads seen in receipts)."""
    books = {"A": Ledger(), "B": Ledger()}
    words = {"A": [], "B": []}
    seen = {"A": EMPTY_HEAD, "B": EMPTY_HEAD}
    for i in range(count):
        giver, receiver = ("A", "B") if i % 2 == 0 else ("B", "A")
        said = {"written_s": float(i), "stated_s": float(i), "epoch": 1, "sequence": i // 2}
        head = books[giver].head
        books[giver] = books[giver].append(EntryKind.SENT, envelope(giver, i // 2), **said)
        books[receiver] = books[receiver].append(EntryKind.RECEIVED, envelope(giver, i // 2), **said)
        seen[receiver] = head
        if i % receipt_every == receipt_every - 1:
            word = Evidence(
                speaker=receiver, listener=giver, sealed_s=float(i), head=books[receiver].head, seen=seen[receiver]
            )
            words[giver].append(word)
    return {
        side: Book(
            side=side, partner="B" if side == "A" else "A", entries=books[side].entries, head=books[side].head,
            words=tuple(words[side]),
        )
        for side in "AB"
    }  # fmt: skip


def rewritten(book, entries):
    """A book whose log was written anew from these entries, whole in itself."""
    ledger = Ledger()
    for entry in entries:
        ledger = ledger.append(
            entry.kind, entry.envelope_digest, written_s=entry.written_s, stated_s=entry.stated_s, epoch=entry.epoch,
            sequence=entry.sequence,
        )  # fmt: skip
    return replace(book, entries=ledger.entries, head=ledger.head)


def first(book, against=None):
    faults = audit(book, against)
    assert faults, "nothing was found"
    return faults[0].index, faults[0].kind


TALK = talk()
A, B = TALK["A"], TALK["B"]


def test_an_honest_talk_has_no_fault():
    assert audit(A) == audit(B) == audit(A, B) == audit(B, A) == ()
    assert len(A.words) == len(B.words) == 2


@pytest.mark.parametrize("place", range(12))
def test_an_edit_that_leaves_the_chain_broken(place):
    entries = list(A.entries)
    entries[place] = replace(entries[place], written_s=99.0)
    assert first(replace(A, entries=tuple(entries))) == (place, FaultKind.EDIT)
    assert first(replace(A, entries=tuple(entries)), B) == (place, FaultKind.EDIT)


@pytest.mark.parametrize("place", range(12))
def test_an_edit_of_a_log_rewritten_to_be_whole(place):
    """Its side states a new head; the partner's log, and the heads it kept, give the first bad entry away."""
    entries = list(A.entries)
    entries[place] = replace(entries[place], envelope_digest=b"?" * 32)
    forged = rewritten(A, entries)
    assert audit(replace(forged, words=())) == ()
    index, kind = first(forged, B)
    assert index == place
    assert kind in (FaultKind.EQUIVOCATION, FaultKind.EDIT, FaultKind.DISAGREEMENT)


@pytest.mark.parametrize("place", range(10))
def test_a_deletion_from_a_log_rewritten_to_be_whole(place):
    kept = [entry for entry in A.entries if entry.index != place]
    forged = rewritten(A, kept)
    faults = audit(forged, B)
    assert faults
    if A.entries[place].kind is EntryKind.SENT:  # the partner received what this log no longer holds
        assert faults[0].index <= place <= faults[0].end <= place + 1
    broken = replace(A, entries=tuple(kept))
    assert first(broken) == (place, FaultKind.DELETION)


def test_truncation_is_told_by_the_head_or_by_the_partner():
    short = replace(A, entries=A.entries[:7])
    assert first(short) == (7, FaultKind.TRUNCATION)
    restated = rewritten(A, A.entries[:7])
    assert audit(replace(restated, words=())) == ()
    index, kind = first(restated, B)
    assert (index, kind) == (7, FaultKind.TRUNCATION)


def test_equivocation_needs_no_ledger_at_all():
    """A signs one head for B and another, of the same length, for somebody else."""
    other = rewritten(A, [replace(A.entries[0], envelope_digest=b"?" * 32), *A.entries[1:]]).head
    words = [Evidence(speaker="A", listener="B", sealed_s=20.0, head=head, seen=EMPTY_HEAD) for head in (A.head, other)]
    faults = audit(replace(A, words=(*A.words, *words)))
    assert {fault.kind for fault in faults} == {FaultKind.EQUIVOCATION}
    # Neither of a ledger that was lost, nor of entries: two signatures are enough.
    nothing = Book(side="A", partner="B", entries=(), head=EMPTY_HEAD, words=tuple(words))
    (equivocation,) = [fault for fault in audit(nothing) if fault.kind is FaultKind.EQUIVOCATION]
    assert (equivocation.index, equivocation.what) == (11, "A signed two different heads of 12 entries")


def test_heads_of_two_epochs_are_of_two_ledgers():
    other = replace(A.head, root=b"?" * 32)
    words = [
        Evidence(speaker="A", listener="B", sealed_s=20.0, head=head, seen=EMPTY_HEAD, epoch=epoch)
        for head, epoch in ((A.head, 1), (other, 2))
    ]
    assert audit(replace(A, words=tuple(words))) == ()
    assert vouched_for(replace(A, words=tuple(words))) == len(A.entries)
    # A store that names the other epoch is of the one in which it sent as well.
    assert FaultKind.EQUIVOCATION in {fault.kind for fault in audit(replace(A, words=tuple(words), epoch=2))}
    seen = Evidence(speaker="B", listener="A", sealed_s=20.0, head=EMPTY_HEAD, seen=other, epoch=1, of=2)
    assert audit(replace(A, words=(seen,))) == ()
    assert first(replace(A, words=(replace(seen, of=1),)))[1] is FaultKind.EDIT


def entry(ledger, kind, sequence, digest, epoch=1):
    """The ledger with one more line; both sides are in the same epoch unless said otherwise."""
    return ledger.append(kind, digest, written_s=0.0, stated_s=0.0, epoch=epoch, sequence=sequence)


def books(mine, theirs, waiting=None):
    """A's and B's books of such ledgers, without words."""
    return [
        Book(side=side, partner=partner, entries=ledger.entries, head=ledger.head, waiting=held)
        for side, partner, ledger, held in (("A", "B", mine, waiting or {}), ("B", "A", theirs, {}))
    ]  # fmt: skip


def test_what_a_side_receipted_stands_in_its_log_or_waits_for_its_turn():
    sent = entry(entry(Ledger(), EntryKind.SENT, 0, envelope("B", 0)), EntryKind.RECEIPT, 0, b"r" * 32)
    one, other = books(Ledger(), sent)
    assert first(one, other) == (0, FaultKind.DELETION)
    assert first(other, one) == (1, FaultKind.DISAGREEMENT)
    one, other = books(Ledger(), sent, waiting={(1, 0): envelope("B", 0)})
    assert audit(one, other) == audit(other, one) == ()
    one, other = books(Ledger(), sent, waiting={(1, 0): b"?" * 32})
    assert first(one, other) == (0, FaultKind.DELETION)


def test_what_came_before_a_line_that_stands_may_not_be_missing():
    """Lines are written in order of sequence; what came before the first of all may have come to an earlier store."""
    theirs, mine = Ledger(), Ledger()
    for sequence in range(5):
        theirs = entry(theirs, EntryKind.SENT, sequence, envelope("B", sequence))
        if sequence in (1, 2, 4):
            mine = entry(mine, EntryKind.RECEIVED, sequence, envelope("B", sequence))
    faults = audit(*books(mine, theirs))
    assert [(fault.index, fault.kind) for fault in faults] == [(2, FaultKind.DELETION)]
    assert "envelope 3 of epoch 1, which A had before later ones from B" in faults[0].what


@pytest.mark.parametrize("receipted", [True, False])
def test_what_never_came_before_the_partner_began_anew_is_no_deletion(receipted):
    """Where the log says so, and there; not what was receipted, and not what stood between earlier lines."""
    theirs, mine = Ledger(), Ledger()
    for sequence in range(8):
        theirs = entry(theirs, EntryKind.SENT, sequence, envelope("B", sequence))
    if receipted:
        theirs = entry(theirs, EntryKind.RECEIPT, 4, b"r" * 32)
    for sequence in (0, 1, 3):
        mine = entry(mine, EntryKind.RECEIVED, sequence, envelope("B", sequence))
    mine = entry(mine, EntryKind.SESSION, 6, bytes(32))
    for sequence in (6, 7):
        mine = entry(mine, EntryKind.RECEIVED, sequence, envelope("B", sequence))
    mine = entry(mine, EntryKind.SESSION, 0, bytes(32), epoch=2)
    one, other = books(mine, theirs)
    missed = [fault.what for fault in audit(one, other)]
    assert [what.split(" of epoch")[0] for what in missed] == [
        f"no entry for envelope {number}" for number in ((2, 4) if receipted else (2,))
    ]


@pytest.mark.parametrize("own", [True, False])
def test_a_tombstone_bears_the_digest_of_what_was_sent(own):
    """Both sides' envelope 0 of epoch 1 is closed: whose a tombstone is, its digest says."""
    first_of_a, first_of_b = envelope("A", 0), envelope("B", 0)
    mine, theirs = Ledger(), Ledger()
    for ledger_of_a in (True, False):
        at = entry(Ledger(), EntryKind.SENT, 0, first_of_a if ledger_of_a else first_of_b)
        for digest in (first_of_a, first_of_b):
            at = entry(at, EntryKind.TOMBSTONE, 0, digest)
        mine, theirs = (at, theirs) if ledger_of_a else (mine, at)
    one, other = books(mine, theirs)
    assert audit(one, other) == audit(other, one) == ()
    place = 1 if own else 2
    entries = list(one.entries)
    entries[place] = replace(entries[place], envelope_digest=b"?" * 32)
    assert first(rewritten(one, entries), other) == (place, FaultKind.DISAGREEMENT)


def test_what_is_forgotten_was_sent():
    theirs = entry(Ledger(), EntryKind.SENT, 0, envelope("B", 0))
    mine = entry(Ledger(), EntryKind.RECEIVED, 0, envelope("B", 0))
    one, other = books(entry(mine, EntryKind.FORGOTTEN, 0, envelope("B", 0)), theirs)
    assert audit(one, other) == ()
    one, other = books(entry(mine, EntryKind.FORGOTTEN, 0, b"?" * 32), theirs)
    assert first(one, other) == (1, FaultKind.DISAGREEMENT)


def test_what_came_before_a_partner_began_anew_may_be_forgotten_after():
    """The partner's ledger of its new epoch says nothing of the one before: whoever deletes that now does not lie."""
    mine = entry(Ledger(), EntryKind.RECEIVED, 0, envelope("B", 0))
    mine = entry(mine, EntryKind.SESSION, 0, bytes(32), epoch=2)
    theirs = entry(Ledger(), EntryKind.SENT, 0, envelope("B", "anew"), epoch=2)
    one, other = books(entry(mine, EntryKind.FORGOTTEN, 0, envelope("B", 0)), theirs)
    assert audit(one, other) == audit(other, one) == ()
    for digest, epoch in ((b"?" * 32, 1), (envelope("B", 0), 2)):  # other bytes; as if it were of the new epoch
        one, other = books(entry(mine, EntryKind.FORGOTTEN, 0, digest, epoch), theirs)
        assert first(one, other) == (2, FaultKind.DISAGREEMENT)


def test_how_far_signed_words_vouch_is_told():
    assert vouched_for(A) < len(A.entries)
    assert vouched_for(A, B) == max(word.head.size for word in B.words)
    assert vouched_for(replace(A, words=())) == 0
    forged = rewritten(A, [replace(A.entries[0], envelope_digest=b"?" * 32), *A.entries[1:]])
    assert vouched_for(forged, B) == 0


def test_a_whole_log_that_denies_its_sides_signature_is_equivocation():
    forged = rewritten(A, [replace(A.entries[0], envelope_digest=b"?" * 32), *A.entries[1:]])
    signed = Evidence(speaker="A", listener="B", sealed_s=20.0, head=A.head, seen=EMPTY_HEAD)
    index, kind = first(forged, replace(B, words=(signed,)))
    assert (index, kind) == (0, FaultKind.EQUIVOCATION)


def test_what_the_partner_never_sent_is_a_disagreement():
    extra = rewritten(A, [*A.entries, replace(A.entries[1], sequence=77)])
    assert first(extra, B) == (12, FaultKind.DISAGREEMENT)


def test_words_between_others_prove_nothing_here():
    stray = Evidence(speaker="A", listener="C", sealed_s=0.0, head=replace(A.head, root=b"?" * 32), seen=EMPTY_HEAD)
    assert audit(replace(A, words=(*A.words, stray)), B) == ()


def test_what_the_partner_received_of_an_epoch_that_this_ledger_is_not_of_is_no_deletion():
    """A began anew, in epoch 2, with a ledger of its own: of epoch 1 it need hold nothing, of its own epoch all."""
    theirs = Ledger()
    for sequence, epoch in ((0, 1), (1, 1), (0, 2), (1, 2)):
        theirs = entry(theirs, EntryKind.RECEIVED, sequence, envelope("A", 10 * epoch + sequence), epoch=epoch)
    whole = Ledger()
    for sequence in (0, 1):
        whole = entry(whole, EntryKind.SENT, sequence, envelope("A", 20 + sequence), epoch=2)
    assert audit(*books(whole, theirs)) == ()
    short = entry(Ledger(), EntryKind.SENT, 0, envelope("A", 20), epoch=2)
    assert [fault.what for fault in audit(*books(short, theirs))] == [
        "no entry for envelope 1 of epoch 2, which B received"
    ]
