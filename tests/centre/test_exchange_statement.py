"""Receipts: signed words about the exchange, and what they prove."""

import json
from dataclasses import replace

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detente.centre.exchange import dsse, statement
from detente.centre.exchange.canonical import VersionMismatch
from detente.centre.exchange.dsse import keyring
from detente.centre.exchange.ledger import Head
from detente.centre.exchange.message import Header, Mark, seal
from detente.centre.exchange.statement import (
    ACKNOWLEDGED_MAX,
    Acknowledgement,
    Address,
    Addressed,
    Outcome,
    Receipt,
    evidence,
    open_receipt,
    sign_receipt,
)  # fmt: skip
from detente.gateway.logic.notes import NOTE
from detente.records.errors import PeerError
from detente.records.stages import Messages

SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
KEYS = keyring(SIGNER.public_key())
OURS, THEIRS = Head(size=3, root=b"a" * 32, last=b"b" * 32), Head(size=7, root=b"c" * 32, last=b"d" * 32)
ADDRESS = Address(
    mark=Mark.EXERCISE, giver="A", receiver="B", agreement="ab" * 32, origin="2011-06-01T12:00:00+00:00", epoch=2,
    ordinal=5, sealed_s=-1.5, head=OURS, seen=THEIRS,
)  # fmt: skip
EXPECTED = Addressed(mark=Mark.EXERCISE, giver="A", receiver="B")
LINE = Acknowledgement(epoch=1, sequence=9, digest=b"e" * 32, outcome=Outcome.DUPLICATE)
RECEIPT = Receipt(address=ADDRESS, acknowledged=(LINE, replace(LINE, sequence=10, outcome=Outcome.RECEIVED)))


def test_words_open_to_what_was_signed():
    heads_alone = replace(RECEIPT, acknowledged=())
    assert open_receipt(sign_receipt(heads_alone, SIGNER), KEYS, EXPECTED) == heads_alone
    assert open_receipt(sign_receipt(RECEIPT, SIGNER), KEYS, EXPECTED) == RECEIPT
    full = replace(RECEIPT, acknowledged=(LINE,) * ACKNOWLEDGED_MAX)
    assert open_receipt(sign_receipt(full, SIGNER), KEYS, EXPECTED) == full


def test_a_receipt_is_no_word_of_another_kind():
    data = bytearray(sign_receipt(RECEIPT, SIGNER))
    data[:8] = NOTE.mark
    with pytest.raises(PeerError, match="not an envelope"):
        open_receipt(bytes(data), KEYS)
    other_kind = replace(statement.RECEIPT, payload_type=NOTE.payload_type)
    with pytest.raises(PeerError, match="does not hold"):
        open_receipt(dsse.signed(other_kind, sign_receipt(RECEIPT, SIGNER)[dsse.FRAME.size :], SIGNER), KEYS)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"mark": Mark.SIMULATED}, "mark is"), ({"giver": "C"}, "giver is C"), ({"receiver": "C"}, "receiver is C"),
    ],
)  # fmt: skip
def test_words_to_or_from_others_are_refused(wrong, complaint):
    said = replace(RECEIPT, address=replace(ADDRESS, **wrong))
    with pytest.raises(PeerError, match=complaint):
        open_receipt(sign_receipt(said, SIGNER), KEYS, EXPECTED)


def test_a_stranger_is_refused():
    with pytest.raises(PeerError, match="a key that is not the giver's"):
        open_receipt(sign_receipt(RECEIPT, STRANGER), KEYS, EXPECTED)


def test_every_flipped_bit_is_refused():
    whole = sign_receipt(RECEIPT, SIGNER)
    for place in range(8 * len(whole)):
        bad = bytearray(whole)
        bad[place // 8] ^= 1 << place % 8
        with pytest.raises(PeerError):
            open_receipt(bytes(bad), KEYS, EXPECTED)


FIELDS = json.loads(sign_receipt(RECEIPT, SIGNER)[dsse.FRAME.size :])


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"mark": "real"}, "mark is malformed"), ({"acknowledged": {}}, "acknowledged is not a list"),
        ({"acknowledged": [{}]}, "acknowledged does not hold"),
        ({"acknowledged": [FIELDS["acknowledged"][0] | {"outcome": "refused"}]}, "outcome is malformed"),
        ({"seen": []}, "seen does not hold"), ({"epoch": -1}, "epoch is not a whole number"), ({"more": 1}, "fields"),
        ({"head": [[[[[[[[[[[[[]]]]]]]]]]]]]}, "head does not hold|brackets"),
    ],
)  # fmt: skip
def test_a_signed_but_malformed_receipt_is_refused(fields, complaint):
    data = dsse.signed(statement.RECEIPT, rfc8785.dumps(FIELDS | fields), SIGNER)
    with pytest.raises(PeerError, match=complaint):
        open_receipt(data, KEYS, EXPECTED)


def test_another_schema_is_a_clear_refusal():
    data = dsse.signed(statement.RECEIPT, rfc8785.dumps({"schema": 3, "hello": "there"}), SIGNER)
    with pytest.raises(VersionMismatch, match="schema 3"):
        open_receipt(data, KEYS, EXPECTED)


def test_heads_are_found_in_each_kind_of_signed_word():
    found = evidence(sign_receipt(RECEIPT, SIGNER), KEYS)
    assert (found.speaker, found.listener, found.head, found.seen) == ("A", "B", OURS, THEIRS)
    assert evidence(sign_receipt(RECEIPT, SIGNER), KEYS).head == OURS
    header = Header(
        mark=Mark.EXERCISE, giver="A", receiver="B", agreement="ab" * 32, origin=ADDRESS.origin, epoch=1, sequence=0,
        sealed_s=2.0, label="EXERCISE UNCLASSIFIED RELEASABLE TO B", head=OURS,
    )  # fmt: skip
    assert evidence(seal(Messages.empty(), header, SIGNER), KEYS).head == OURS
    with pytest.raises(PeerError):
        evidence(b"nothing", KEYS)
