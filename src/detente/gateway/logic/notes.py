"""Notes: the small signed statements between two gateways that carry no tracks. Strictly decoded.

    note     b"DTNNOT01" · key id (32 bytes) · Ed25519 signature (64) · payload length (u32) · payload

The payload is canonical JSON (RFC 8785), signed through DSSE's pre-authentication encoding under a type of its own, so
that neither a note nor an envelope can pass for the other.
"""

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from detente.centre.exchange.message import INTEGER_MAX, key_id, pre_authentication_encoding
from detente.records.errors import PeerError

NOTE_TYPE = "application/vnd.detente.note; schema=1"
FRAME = struct.Struct("<8s32s64sI")
MARK = b"DTNNOT01"
NOTE_BYTES_MAX = 65_536
SEQUENCES_MAX = 512  # listed in one note


class Kind(Enum):
    """What a note says."""

    HELLO = "hello"  # who I am, what I hold of yours, and whether I have heard your hello
    RECEIPT = "receipt"  # what I hold of yours, under my ledger's head, with yours countersigned
    CLOSED = "closed"  # sequences of mine that will never come, each with its reason
    SUSPEND = "suspend"
    RESUME = "resume"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, kw_only=True)
class Note:
    """One statement. ``number`` grows by one with each note of an epoch; times are the sender's clock."""

    kind: Kind
    mark: str  # "simulated" or "exercise"
    giver: str
    receiver: str
    agreement: str
    epoch: int
    number: int
    stated_s: float
    body: Mapping[str, Any]


FIELDS = {"kind", "mark", "giver", "receiver", "agreement", "epoch", "number", "stated_s", "body"}
HEX = re.compile(r"[0-9a-f]{64}")


def write(note: Note, signer: Ed25519PrivateKey) -> bytes:
    """The signed bytes of a note."""
    fields = {**note.__dict__, "kind": note.kind.value, "body": dict(note.body)}
    payload = rfc8785.dumps(fields)
    assert len(payload) <= NOTE_BYTES_MAX, "a note is small"
    signature = signer.sign(pre_authentication_encoding(NOTE_TYPE, payload))
    return FRAME.pack(MARK, key_id(signer.public_key()), signature, len(payload)) + payload


def is_note(data: bytes) -> bool:
    """True where bytes claim to be a note."""
    return data[: len(MARK)] == MARK


def read(data: bytes, keys: Mapping[bytes, Ed25519PublicKey], expected: Mapping[str, str]) -> Note:
    """The note in these bytes, if it is whole, signed by one of ``keys`` and says what ``expected`` says of it.

    ``expected`` holds mark, giver and receiver, and the agreement unless a hello may name another. Raises PeerError
    for everything else, after bounded work; nothing of the payload is read before its signature holds.
    """
    payload = _signed(data, keys)
    try:
        fields = json.loads(payload.decode())
        canonical = type(fields) is dict and set(fields) == FIELDS and rfc8785.dumps(fields) == payload
    except (ValueError, RecursionError):
        canonical = False
        fields = {}
    if not canonical:
        raise PeerError("a note that is not of schema 1, or not in canonical form")
    for name, value in expected.items():
        if fields[name] != value:
            raise PeerError(f"{name} is {fields[name]!s:.80}, not {value:.80}")
    if type(fields["agreement"]) is not str or not HEX.fullmatch(fields["agreement"]):
        raise PeerError("a note that names no agreement")
    for name in ("epoch", "number"):
        whole(fields[name], f"the note's {name}")
    stated = fields["stated_s"]
    if type(stated) not in (int, float) or abs(stated) > INTEGER_MAX:
        raise PeerError("a note without a time")
    try:
        kind = Kind(fields["kind"])
    except ValueError:
        raise PeerError("a note of an unknown kind") from None
    if type(fields["body"]) is not dict:
        raise PeerError("a note without a body")
    return Note(**{**fields, "kind": kind, "stated_s": float(stated)})


def whole(value: Any, what: str) -> int:
    """A whole number of a partner's, checked."""
    if type(value) is not int or not 0 <= value <= INTEGER_MAX:
        raise PeerError(f"{what} is not a whole number from 0 to 2^53 - 1")
    return value


def digest_of(value: Any, what: str) -> bytes:
    """A SHA-256 digest of a partner's, written in hexadecimal, checked."""
    if type(value) is not str or not HEX.fullmatch(value):
        raise PeerError(f"{what} is not a digest")
    return bytes.fromhex(value)


def listed(value: Any, what: str) -> list[Any]:
    """A list of a partner's, of bounded length."""
    if type(value) is not list or len(value) > SEQUENCES_MAX:
        raise PeerError(f"{what} is not a list of at most {SEQUENCES_MAX}")
    return value


def _signed(data: bytes, keys: Mapping[bytes, Ed25519PublicKey]) -> bytes:
    if not FRAME.size < len(data) <= FRAME.size + NOTE_BYTES_MAX:
        raise PeerError(f"a note of {len(data)} bytes")
    mark, name, signature, size = FRAME.unpack_from(data)
    if mark != MARK or size != len(data) - FRAME.size:
        raise PeerError("not a note, or not a whole one")
    key = keys.get(name)
    if key is None:
        raise PeerError("signed with a key that is not the giver's")
    payload = data[FRAME.size :]
    try:
        key.verify(signature, pre_authentication_encoding(NOTE_TYPE, payload))
    except InvalidSignature:
        raise PeerError("the signature does not hold: forged or altered") from None
    return payload
