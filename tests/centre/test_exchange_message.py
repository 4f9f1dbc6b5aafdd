"""Envelopes: what they hold, and what is refused."""

import hashlib
import json
import struct
from dataclasses import replace

import numpy as np
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey
from tests import made_exchange as made

from detente.centre.exchange import dsse, message
from detente.centre.exchange.canonical import VersionMismatch
from detente.centre.exchange.ledger import Head, head_fields
from detente.centre.exchange.message import Expected, Header, Mark, key_id, open_envelope, seal
from detente.centre.exchange.release import initial, release
from detente.centre.exchange.rules import compile_agreement
from detente.records.errors import PeerError
from detente.records.stages import Messages

SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
KEYS = {key_id(SIGNER.public_key()): SIGNER.public_key()}
DSSE_KINDS = (message.KIND,)
HEADER = Header(
    mark=Mark.SIMULATED, giver="A", receiver="B", agreement="ab" * 32, origin="2011-06-01T12:00:00+00:00", epoch=3,
    sequence=17, sealed_s=30.25, label="EXERCISE UNCLASSIFIED RELEASABLE TO B", hops=("A",),
    head=Head(size=4, root=b"r" * 32, last=b"l" * 32),
)  # fmt: skip
RULES = compile_agreement(
    made.agreement(
        made.clause("w", "launch-warning"), made.clause("i", "impact-prediction"), made.clause("t", "track"),
        made.clause("c", "track", receiver="C"), start_s=-10, end_s=50,
    ),
    made.SIDES, made.OWNERS, made.EPOCH,
)  # fmt: skip
EXPECTED = Expected(
    mark=Mark.SIMULATED, giver="A", receiver="B", agreement="ab" * 32, origin=HEADER.origin, giver_index=0,
    receiver_index=1, rules=RULES, sensors_of_giver=3,
)  # fmt: skip


def said():
    tracks, est = made.moment(np.random.default_rng(0), 20.0, [[1, 2]])
    messages, _, _ = release(initial(RULES, np.array([0]), 2), tracks, est, RULES, 0, 3, made.SECRET, 20.0)
    return messages.take(messages.receiver == 1)


SAID = said()


def test_the_wire_holds_every_column_of_a_message():
    declared = {name: (spec.dtype, spec.shape) for name, spec in Messages.columns()}
    wire = {name: (kind[1:], shape) for name, kind, shape in message.COLUMNS}
    assert wire == {k: v for k, v in declared.items() if k not in ("replicate", "giver", "receiver")}
    assert message.ROW_BYTES == 5 + 8 * (5 + 6 + 21 + 4 + 4 + 3)  # five bytes; numbers of eight


def test_an_envelope_opens_to_what_was_sealed():
    header, messages = open_envelope(seal(SAID, HEADER, SIGNER), KEYS, EXPECTED)
    assert header == HEADER
    for name, spec in Messages.columns():
        column = getattr(messages, name)
        assert column.tobytes() == getattr(SAID, name).tobytes()
        assert (column.dtype, column.shape[1:], column.flags.writeable) == (spec.dtype, spec.shape, False)
    assert seal(SAID, HEADER, SIGNER) == seal(SAID, HEADER, SIGNER)
    assert len(message.envelope_digest(seal(SAID, HEADER, SIGNER))) == 32


def test_an_empty_envelope_is_a_heartbeat():
    header, messages = open_envelope(seal(Messages.empty(), HEADER, SIGNER), KEYS, EXPECTED)
    assert (header.sequence, len(messages)) == (17, 0)


def test_pre_authentication_encoding_is_that_of_the_protocol():
    """The example of DSSE's protocol.md, v1.0."""
    encoded = dsse.pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


@pytest.mark.parametrize(
    ("terms", "complaint"),
    [
        ({"giver": "C"}, "giver is C"),
        ({"receiver": "C"}, "receiver is C"),
        ({"agreement": "cd" * 32}, "agreement is cd"),
        ({"mark": Mark.EXERCISE}, "mark is"),
        ({"origin": "2012-06-01T12:00:00+00:00"}, "origin is 2012"),
    ],
)
def test_another_header_is_refused(terms, complaint):
    with pytest.raises(PeerError, match=complaint):
        open_envelope(seal(SAID, replace(HEADER, **terms), SIGNER), KEYS, EXPECTED)


def test_a_strangers_or_a_borrowed_signature_is_refused():
    with pytest.raises(PeerError, match="a key that is not the giver's"):
        open_envelope(seal(SAID, HEADER, STRANGER), KEYS, EXPECTED)
    forged = bytearray(seal(SAID, HEADER, STRANGER))
    forged[8:40] = key_id(SIGNER.public_key())
    with pytest.raises(PeerError, match="signature does not hold"):
        open_envelope(bytes(forged), KEYS, EXPECTED)


def test_sizes_are_checked_before_anything_is_read():
    most = dsse.FRAME.size + message.KIND.payload_bytes_max + message.KIND.attached_bytes_max
    with pytest.raises(PeerError, match="an envelope of"):
        open_envelope(bytes(most + 1), KEYS, EXPECTED)
    with pytest.raises(PeerError, match="an envelope of 3 bytes"):
        open_envelope(b"abc", KEYS, EXPECTED)
    with pytest.raises(PeerError, match="not an envelope"):
        open_envelope(bytes(200), KEYS, EXPECTED)


def signed(payload, attached=b""):
    """An envelope whose signature over this payload holds."""
    return dsse.signed(message.KIND, payload, SIGNER, attached)


FIELDS = {
    "schema": 2, "count": 0, "giver": "A", "receiver": "B", "agreement": "ab" * 32, "origin": HEADER.origin,
    "epoch": 3, "sequence": 17, "sealed_us": 30_250_000, "label": HEADER.label, "hops": ["A"],
    "head": head_fields(HEADER.head), "columns": hashlib.sha256(b"").hexdigest(),
}  # fmt: skip


def payload_of(text, mark=1, version=2, reserved=0, magic=b"DTNMSG02", size=None):
    length = len(text) if size is None else size
    return struct.pack("<8sHBBI", magic, version, mark, reserved, length) + text


def test_a_plain_payload_opens():
    header, messages = open_envelope(signed(payload_of(rfc8785.dumps(FIELDS))), KEYS, EXPECTED)
    assert (header, len(messages)) == (HEADER, 0)


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (b"", "no room for a header"),
        (payload_of(rfc8785.dumps(FIELDS), mark=3), "no third kind"),
        (payload_of(rfc8785.dumps(FIELDS), mark=0), "no third kind"),
        (payload_of(rfc8785.dumps(FIELDS), reserved=1), "no payload of this exchange"),
        (payload_of(rfc8785.dumps(FIELDS), magic=b"DTNMSG01"), "no payload of this exchange"),
        (payload_of(rfc8785.dumps(FIELDS), size=9999), "a header of 9999"),
        (payload_of(rfc8785.dumps(FIELDS) + b"x"), "not JSON"),
        (payload_of(b"[" * 4000), "more than 4 brackets"),
        (payload_of(b"\xff\xfe"), "not JSON"),
        (payload_of(b"1" * 4096), "not JSON|does not hold the fields"),
        (payload_of(b"{}"), "does not hold the fields of its schema"),
        (payload_of(json.dumps(FIELDS).encode()), "not in canonical form"),
        (payload_of(rfc8785.dumps(FIELDS | {"schema": "2"})), "schema is not a whole number"),
        (payload_of(rfc8785.dumps(FIELDS | {"more": 1})), "does not hold the fields"),
        (payload_of(rfc8785.dumps(FIELDS | {"giver": 5})), "giver is malformed"),
        (payload_of(rfc8785.dumps(FIELDS | {"giver": "A\n"})), "giver is malformed"),
        (payload_of(rfc8785.dumps(FIELDS | {"agreement": "AB" * 32})), "agreement is malformed"),
        (payload_of(rfc8785.dumps(FIELDS | {"count": True})), "count is not a whole number"),
        (payload_of(rfc8785.dumps(FIELDS | {"count": -1})), "count is not a whole number"),
        (payload_of(rfc8785.dumps(FIELDS | {"count": 1.5})), "count is not a whole number"),
        (payload_of(rfc8785.dumps(FIELDS | {"count": 2**53 - 1})), "in an envelope that holds"),
        (payload_of(json.dumps(FIELDS | {"epoch": 2**53}).encode()), "epoch is not a whole number"),
        (payload_of(rfc8785.dumps(FIELDS | {"origin": "2011-06-01"})), "origin is malformed"),
        (payload_of(rfc8785.dumps(FIELDS | {"hops": ["A", "C"]})), "passed on through A, C"),
        (payload_of(rfc8785.dumps(FIELDS | {"hops": []})), "passed on through nobody"),
        (payload_of(rfc8785.dumps(FIELDS | {"hops": ["A"] * 9})), "hops is not a list of at most 8"),
        (payload_of(rfc8785.dumps(FIELDS | {"head": {"size": 1}})), "head does not hold the fields"),
        (payload_of(rfc8785.dumps(FIELDS | {"sealed_us": 50_000_000})), "sealed while the agreement was not in force"),
        (payload_of(rfc8785.dumps(FIELDS | {"label": "EXERCISE SECRET RELEASABLE TO B"})), "the label is"),
        (payload_of(rfc8785.dumps(FIELDS | {"count": 1})), "0 came"),
    ],
)
def test_a_signed_but_malformed_payload_is_refused(payload, complaint):
    with pytest.raises(PeerError, match=complaint):
        open_envelope(signed(payload), KEYS, EXPECTED)


def test_columns_must_be_as_many_and_the_ones_that_were_signed():
    with pytest.raises(PeerError, match="0 messages take 0 bytes; 1 came"):
        open_envelope(signed(payload_of(rfc8785.dumps(FIELDS)), b"x"), KEYS, EXPECTED)
    row = bytes(message.ROW_BYTES)
    with pytest.raises(PeerError, match="not those that were signed"):
        open_envelope(signed(payload_of(rfc8785.dumps(FIELDS | {"count": 1})), row), KEYS, EXPECTED)


@pytest.mark.parametrize(
    "payload", [payload_of(rfc8785.dumps(FIELDS), version=1), payload_of(rfc8785.dumps(FIELDS | {"schema": 3}))]
)
def test_another_version_is_a_clear_refusal(payload):
    with pytest.raises(VersionMismatch, match=r"of schema [13]; this side reads schema 2 and no other"):
        open_envelope(signed(payload), KEYS, EXPECTED)


def test_a_header_is_written_as_the_canonical_form_of_the_rfc():
    written = seal(Messages.empty(), HEADER, SIGNER)[dsse.FRAME.size + message.PREFIX.size :]
    assert written == rfc8785.dumps(FIELDS)


def test_an_envelope_in_the_json_form_satisfies_another_implementation():
    """securesystemslib verifies what we sign, and its own envelope opens here."""
    envelope = seal(SAID, HEADER, SIGNER)
    theirs = Envelope.from_dict(json.loads(dsse.to_json(message.KIND, envelope)))
    public = SSlibKey.from_crypto(SIGNER.public_key(), keyid=key_id(SIGNER.public_key()).hex())
    assert list(theirs.verify([public], 1)) == [public.keyid]
    back = dsse.from_json(DSSE_KINDS, json.dumps(theirs.to_dict()))
    assert back == envelope[: len(back)]
    assert len(envelope) - len(back) == len(SAID) * message.ROW_BYTES
    assert dsse.from_json(DSSE_KINDS, dsse.to_json(message.KIND, envelope)) == envelope
    said = json.loads(dsse.to_json(message.KIND, envelope))
    other_alphabet = str.maketrans("+/", "-_")
    web_safe = said | {name: said[name].translate(other_alphabet) for name in ("payload", "attached")}
    assert web_safe != said
    assert dsse.from_json(DSSE_KINDS, json.dumps(web_safe)) == envelope
    for text in ("", "[]", "{}", "{" * 9999, json.dumps(theirs.to_dict() | {"payloadType": "x"})):
        with pytest.raises(PeerError, match="a DSSE document"):
            dsse.from_json(DSSE_KINDS, text)


def test_a_peek_shows_the_head_that_was_signed():
    assert message.peek(seal(SAID, HEADER, SIGNER), KEYS) == HEADER


def test_unfolded_is_what_was_signed_and_nothing_else():
    envelope = seal(SAID, HEADER, SIGNER)
    header, columns = message.unfold(envelope, KEYS)
    assert header == HEADER
    for name, values in columns.items():
        assert np.array_equal(values, getattr(SAID, name), equal_nan=True), name
    for spoilt in (envelope[:-1], envelope[:-1] + bytes([envelope[-1] ^ 1]), bytes([envelope[0] ^ 1]) + envelope[1:]):
        with pytest.raises(PeerError):
            message.unfold(spoilt, KEYS)


def spoiled(row, **values):
    columns = {}
    for name, value in values.items():
        columns[name] = getattr(SAID, name).copy()
        columns[name][row] = value
    return replace(SAID, **columns)


def lower(matrix):
    return np.asarray(matrix)[np.tril_indices(6)]


WARNING, IMPACT, TRACK = (int(np.flatnonzero(SAID.data == data)[0]) for data in (1, 2, 3))
TWISTED = np.eye(6) + np.diag([0.9] * 5, 1) + np.diag([0.9] * 5, -1)


@pytest.mark.parametrize(
    ("row", "values", "complaint"),
    [
        (TRACK, {"state": np.nan}, "state is not a number"),
        (TRACK, {"covariance": np.inf}, "covariance is not a number"),
        (TRACK, {"data": 6}, "a data class"),
        (TRACK, {"data": 4}, "a clause"),
        (TRACK, {"phase": 0}, "a phase"),
        (TRACK, {"phase": 4}, "a phase"),
        (TRACK, {"coarsened": 2}, "a flag"),
        (TRACK, {"launch_valid": 1}, "a flag"),
        (WARNING, {"launch_valid": 0}, "a flag"),
        (TRACK, {"number": 0}, "a track number"),
        (TRACK, {"valid_s": 21.0}, "a time out of bounds"),
        (WARNING, {"launch_s": 1e12}, "a time out of bounds"),
        (TRACK, {"released_s": 50.0}, "not in force"),
        (TRACK, {"released_s": 31.0}, "after the envelope was sealed"),
        (TRACK, {"valid_s": -11.0}, "not in force"),
        (TRACK, {"clause": 3}, "a clause"),
        (TRACK, {"clause": 0}, "a clause"),
        (TRACK, {"clause": -1}, "a clause"),
        (TRACK, {"clause": 4}, "a clause"),
        (WARNING, {"state": 1.0}, "a part"),
        (TRACK, {"impact_lat_rad": 0.1}, "a part"),
        (WARNING, {"launch_lat_rad": 1.6}, "a launch point"),
        (WARNING, {"launch_lon_rad": -3.2}, "a launch point"),
        (WARNING, {"launch_sigma_m": -1.0}, "a launch point"),
        (IMPACT, {"impact_lat_rad": 2.0}, "an impact point"),
        (IMPACT, {"impact_covariance_m2": (1.0, 2.0, 1.0)}, "an impact point"),
        (IMPACT, {"impact_covariance_m2": (-1.0, 0.0, 1.0)}, "an impact point"),
        (IMPACT, {"impact_covariance_m2": (1e300, 0.0, 1e300)}, "an impact point"),
        (TRACK, {"state": 1e10}, "a state out of bounds"),
        (TRACK, {"covariance": 0.0}, "a variance out of bounds"),
        (TRACK, {"covariance": 1e300}, "a variance out of bounds"),
        (TRACK, {"covariance": lower(np.full((6, 6), 2.0) - np.eye(6))}, "a correlation above 1"),
        (TRACK, {"covariance": lower(TWISTED)}, "not positive"),
        (TRACK, {"sensors": 5}, "sensors that are not the giver's"),
    ],
)
def test_a_signed_lie_about_numbers_is_refused(row, values, complaint):
    with pytest.raises(PeerError, match=complaint):
        open_envelope(seal(spoiled(row, **values), HEADER, SIGNER), KEYS, EXPECTED)


def test_an_agreement_without_clauses_opens_nothing():
    closed = replace(EXPECTED, rules=compile_agreement(None, made.SIDES, made.OWNERS, made.EPOCH))
    with pytest.raises(PeerError, match="not in force"):
        open_envelope(seal(SAID, HEADER, SIGNER), KEYS, closed)
    empty = replace(EXPECTED, rules=compile_agreement(made.agreement(), made.SIDES, made.OWNERS, made.EPOCH))
    with pytest.raises(PeerError, match="a clause"):
        open_envelope(seal(SAID, HEADER, SIGNER), KEYS, empty)


def test_an_envelope_holds_one_source_and_a_bounded_number():
    with pytest.raises(AssertionError, match="one side to one other"):
        seal(spoiled(0, receiver=2), HEADER, SIGNER)
    many = SAID.take(np.zeros(message.ROWS_MAX + 1, int))
    with pytest.raises(AssertionError, match="holds"):
        seal(many, HEADER, SIGNER)
    _, back = open_envelope(seal(many.rows(0, message.ROWS_MAX), HEADER, SIGNER), KEYS, EXPECTED)
    assert len(back) == message.ROWS_MAX
