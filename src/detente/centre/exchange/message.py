"""Sealing what one side tells another in one tick, and opening it without trusting a byte of it.

An envelope is a frame, a signature and a payload, all little-endian::

    frame    b"DTNENV01" · key id (32 bytes) · Ed25519 signature (64) · payload length (u32)
    payload  b"DTNMSG01" · version (u16) · mark (u8) · 0 (u8) · header length (u32) · header · columns

The signature is over the DSSE pre-authentication encoding of the payload (Secure Systems Lab, "DSSE: Dead Simple
Signing Envelope", protocol v1.0, secure-systems-lab/dsse), so bytes signed for another purpose never pass for ours. The
header is canonical JSON (RFC 8785); the columns are those of ``Messages``, one after the other. Ed25519 is RFC 8032.
"""

import hashlib
import json
import re
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from numpy.typing import NDArray

from detente.centre.exchange import soundness
from detente.centre.exchange.rules import Rules
from detente.records.errors import PeerError
from detente.records.stages import Messages

SCHEMA = 1
PAYLOAD_TYPE = "application/vnd.detente.messages; schema=1"
FRAME = struct.Struct("<8s32s64sI")
FRAME_MARK = b"DTNENV01"
PREFIX = struct.Struct("<8sHBBI")
PREFIX_MARK = b"DTNMSG01"

ROWS_MAX = 8192
"""Messages in one envelope. Source: assumption, range 4,000–100,000: three classes about 2,000 tracks."""

HEADER_BYTES_MAX = 4096
INTEGER_MAX = 2**53 - 1
"""The largest integer that JSON readers agree on (RFC 8785, section 3.2.2.3; RFC 7493, section 2.2)."""

COLUMNS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("data", "<u1", ()), ("clause", "<i8", ()), ("released_s", "<f8", ()), ("valid_s", "<f8", ()),
    ("number", "<i8", ()), ("phase", "<u1", ()), ("state", "<f8", (6,)), ("covariance", "<f8", (21,)),
    ("sensors", "<u8", ()), ("coarsened", "<u1", ()), ("launch_valid", "<u1", ()), ("launch_lat_rad", "<f8", ()),
    ("launch_lon_rad", "<f8", ()), ("launch_s", "<f8", ()), ("launch_sigma_m", "<f8", ()),
    ("impact_valid", "<u1", ()), ("impact_lat_rad", "<f8", ()), ("impact_lon_rad", "<f8", ()),
    ("impact_s", "<f8", ()), ("impact_sigma_s", "<f8", ()), ("impact_covariance_m2", "<f8", (3,)),
)  # fmt: skip
"""The columns on the wire, in order. Replicate, giver and receiver are not there: the header names the two sides."""

ROW_BYTES = sum(np.dtype(kind).itemsize * int(np.prod(shape, dtype=int)) for _, kind, shape in COLUMNS)
ENVELOPE_BYTES_MAX = FRAME.size + PREFIX.size + HEADER_BYTES_MAX + ROWS_MAX * ROW_BYTES


class Mark(IntEnum):
    """What kind of message this is. There is no third kind."""

    SIMULATED = 1
    EXERCISE = 2


@dataclass(frozen=True, kw_only=True)
class Header:
    """Who says something to whom, under which agreement, and as which of their envelopes."""

    mark: Mark
    giver: str
    receiver: str
    agreement: str  # digest, 64 hexadecimal digits
    origin: str  # the moment from which times count, ISO 8601 in UTC
    epoch: int  # of the sender: grows by one each time its centre starts with an empty memory
    sequence: int  # of this envelope in that epoch, from 0


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a receiver knows beforehand, and holds an envelope to."""

    mark: Mark
    giver: str
    receiver: str
    agreement: str
    origin: str
    giver_index: int
    receiver_index: int
    rules: Rules  # compiled from the same agreement
    sensors_of_giver: int  # bit mask: a pedigree that names others is refused


def key_id(key: Ed25519PublicKey) -> bytes:
    """What an envelope calls a key: SHA-256 of its 32 raw bytes."""
    return hashlib.sha256(key.public_bytes_raw()).digest()


def envelope_digest(envelope: bytes) -> bytes:
    """What a ledger entry calls an envelope: SHA-256 of all its bytes."""
    return hashlib.sha256(envelope).digest()


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """What is signed instead of the payload alone: DSSE v1's PAE, which no two (type, payload) pairs share."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(messages: Messages, header: Header, signer: Ed25519PrivateKey) -> bytes:
    """One signed envelope with these messages: those of one replicate, giver, receiver and tick.

    The same messages, header and key give the same bytes.
    """
    assert len(messages) <= ROWS_MAX, f"{len(messages)} messages in an envelope that holds {ROWS_MAX}"
    assert _one_source(messages), "an envelope holds one replicate's messages from one side to one other"
    fields = asdict(header) | {"schema": SCHEMA, "count": len(messages)}
    mark = fields.pop("mark")
    text = rfc8785.dumps(fields)
    columns = [np.asarray(getattr(messages, name), kind).tobytes() for name, kind, _ in COLUMNS]
    payload = b"".join([PREFIX.pack(PREFIX_MARK, SCHEMA, mark, 0, len(text)), text, *columns])
    signature = signer.sign(pre_authentication_encoding(PAYLOAD_TYPE, payload))
    return FRAME.pack(FRAME_MARK, key_id(signer.public_key()), signature, len(payload)) + payload


def open_envelope(
    envelope: bytes, keys: Mapping[bytes, Ed25519PublicKey], expected: Expected
) -> tuple[Header, Messages]:
    """The header and messages of an envelope that is whole, signed by one of the giver's keys, and sound.

    ``keys`` are the expected giver's, by :func:`key_id`. Raises PeerError for anything else, whatever the bytes, after
    work and memory bounded by ENVELOPE_BYTES_MAX. Nothing of the payload is read before its signature holds. Whether
    the envelope is a replay is the inbox's question: it compares epoch and sequence. ``replicate`` is 0.
    """
    payload = _signed_payload(envelope, keys)
    header, count, start = _header(payload, expected)
    if len(payload) - start != count * ROW_BYTES:
        raise PeerError(f"{count} messages take {count * ROW_BYTES} bytes; {len(payload) - start} came")
    columns = _columns(payload, start, count)
    fault = soundness.fault(columns, expected.rules, expected.giver_index, expected.receiver_index)
    if fault:
        raise PeerError(f"from {expected.giver}: {fault}")
    if np.any(columns["sensors"] & ~np.uint64(expected.sensors_of_giver)):
        raise PeerError(f"from {expected.giver}: a pedigree names sensors that are not the giver's")
    return header, Messages(
        replicate=np.zeros(count), giver=np.full(count, expected.giver_index),
        receiver=np.full(count, expected.receiver_index), **columns,
    )  # fmt: skip


def _one_source(messages: Messages) -> bool:
    return all(len(np.unique(getattr(messages, name))) <= 1 for name in ("replicate", "giver", "receiver"))


def _signed_payload(envelope: bytes, keys: Mapping[bytes, Ed25519PublicKey]) -> bytes:
    """The payload of a well-framed envelope whose signature holds."""
    if not FRAME.size <= len(envelope) <= ENVELOPE_BYTES_MAX:
        raise PeerError(f"an envelope of {len(envelope)} bytes; {FRAME.size} to {ENVELOPE_BYTES_MAX} are accepted")
    mark, name, signature, size = FRAME.unpack_from(envelope)
    if mark != FRAME_MARK:
        raise PeerError("not an envelope of this exchange")
    if size != len(envelope) - FRAME.size:
        raise PeerError(f"a payload of {size} bytes is announced; {len(envelope) - FRAME.size} came")
    key = keys.get(name)
    if key is None:
        raise PeerError("signed with a key that is not the giver's")
    payload = bytes(envelope[FRAME.size :])
    try:
        key.verify(signature, pre_authentication_encoding(PAYLOAD_TYPE, payload))
    except InvalidSignature:
        raise PeerError("the signature does not hold: forged or altered") from None
    return payload


def _header(payload: bytes, expected: Expected) -> tuple[Header, int, int]:
    """(header, number of messages, where the columns start) of a signed payload."""
    if len(payload) < PREFIX.size:
        raise PeerError(f"a payload of {len(payload)} bytes has no room for a header")
    magic, version, mark, reserved, size = PREFIX.unpack_from(payload)
    if (magic, version, reserved) != (PREFIX_MARK, SCHEMA, 0):
        raise PeerError(f"payload version {version} is not {SCHEMA}, or this is no payload of this exchange")
    if mark not in tuple(Mark):
        raise PeerError(f"mark {mark}: a message is simulated or an exercise, there is no third kind")
    if size > min(HEADER_BYTES_MAX, len(payload) - PREFIX.size):
        raise PeerError(f"a header of {size} bytes")
    fields = _header_fields(payload[PREFIX.size : PREFIX.size + size])
    count = fields.pop("count")
    header = Header(mark=Mark(mark), **fields)
    for name in ("mark", "giver", "receiver", "agreement", "origin"):
        if getattr(header, name) != getattr(expected, name):
            raise PeerError(f"{name} is {getattr(header, name)!s:.80}, not {getattr(expected, name)!s:.80}")
    if count > ROWS_MAX:
        raise PeerError(f"{count} messages in an envelope that holds {ROWS_MAX}")
    return header, count, PREFIX.size + size


HEADER_TEXT = {
    "giver": re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,63}"),
    "receiver": re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,63}"),
    "agreement": re.compile(r"[0-9a-f]{64}"),
    "origin": re.compile(r"[0-9T:.+Z-]{10,40}"),
}
HEADER_INTEGERS = ("schema", "count", "epoch", "sequence")


def _header_fields(text: bytes) -> dict[str, Any]:
    """The header's fields, types and ranges checked; only its one canonical spelling is accepted."""
    try:
        fields = json.loads(text.decode())
    except (ValueError, RecursionError):
        raise PeerError("the header is not JSON") from None
    if type(fields) is not dict or set(fields) != {*HEADER_TEXT, *HEADER_INTEGERS}:
        raise PeerError("the header's fields are not those of schema 1")
    for name, pattern in HEADER_TEXT.items():
        if type(fields[name]) is not str or not pattern.fullmatch(fields[name]):
            raise PeerError(f"the header's {name} is malformed")
    for name in HEADER_INTEGERS:
        if type(fields[name]) is not int or not 0 <= fields[name] <= INTEGER_MAX:
            raise PeerError(f"the header's {name} is not a whole number from 0 to 2^53 - 1")
    if fields.pop("schema") != SCHEMA or rfc8785.dumps(fields | {"schema": SCHEMA}) != text:
        raise PeerError("the header is not of schema 1, or not in canonical form")
    return fields


def _columns(payload: bytes, start: int, count: int) -> dict[str, NDArray[Any]]:
    """The columns of a payload whose length was checked."""
    columns = {}
    for name, kind, shape in COLUMNS:
        size = count * int(np.prod(shape, dtype=int))
        values = np.frombuffer(payload, kind, size, start)
        start += values.nbytes
        columns[name] = values.astype(np.dtype(kind).newbyteorder("="), copy=False).reshape(count, *shape)
    return columns
