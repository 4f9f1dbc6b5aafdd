"""Sealing what one side tells another in one tick, and opening it without trusting a byte of it.

An envelope is a signed payload (see :mod:`~detente.centre.exchange.dsse`) with columns behind it, all little-endian::

    payload   b"DTNMSG02" · version (u16) · mark (u8) · 0 (u8) · header length (u32) · header

The header is canonical JSON and names the SHA-256 of the columns, so that the signature holds for them too (Ed25519
itself would hash them three times over, and more slowly). The columns are those of ``Messages``, one after the other:
states in ECEF and SI units with the 21 terms of their covariance, times in seconds since the header's ``origin``, which
is a moment in UTC.
"""

import hashlib
import math
import struct
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray

from detente.centre.exchange import canonical, dsse, soundness
from detente.centre.exchange.canonical import VersionMismatch
from detente.centre.exchange.dsse import Keys, Kind, envelope_digest, key_id
from detente.centre.exchange.ledger import EMPTY_HEAD, HEAD_FIELDS, Head, head_fields, head_of
from detente.centre.exchange.rules import Rules, label_of
from detente.records.errors import PeerError
from detente.records.stages import Messages

__all__ = [
    "Expected", "Header", "Mark", "envelope_digest", "key_id", "open_envelope", "peek", "seal", "unfold",
]  # fmt: skip

SCHEMA = 2
PREFIX = struct.Struct("<8sHBBI")
PREFIX_MARK = b"DTNMSG%02d" % SCHEMA

ROWS_MAX = 8192
"""Messages in one envelope. Source: assumption, range 4,000–100,000: three classes about 2,000 tracks."""

HEADER_BYTES_MAX = 4096
HEADER_BRACKETS_MAX = 4  # the header, its head, its hops, and one to spare

COLUMNS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("clause", "<i8", ()), ("released_s", "<f8", ()), ("valid_s", "<f8", ()), ("number", "<i8", ()),
    ("state", "<f8", (6,)), ("covariance", "<f8", (21,)), ("sensors", "<u8", ()),
    ("launch_lat_rad", "<f8", ()), ("launch_lon_rad", "<f8", ()), ("launch_s", "<f8", ()),
    ("launch_sigma_m", "<f8", ()), ("impact_lat_rad", "<f8", ()), ("impact_lon_rad", "<f8", ()),
    ("impact_s", "<f8", ()), ("impact_sigma_s", "<f8", ()), ("impact_covariance_m2", "<f8", (3,)),
    ("data", "<u1", ()), ("phase", "<u1", ()), ("coarsened", "<u1", ()), ("launch_valid", "<u1", ()),
    ("impact_valid", "<u1", ()),
)  # fmt: skip
"""The columns on the wire, in order: those of eight bytes first, so that all lie where a processor likes them.
Replicate, giver and receiver are not there: the header names the two sides."""

LAYOUT = tuple(
    (name, np.dtype(kind), np.dtype(kind).itemsize * math.prod(shape), shape) for name, kind, shape in COLUMNS
)
"""Of each column: its name, type, bytes and shape of a message."""

NATIVE = np.dtype("<f8").isnative

ROW_BYTES = sum(size for _, _, size, _ in LAYOUT)

KIND = Kind(
    mark=b"DTNENV01",
    payload_type="application/vnd.detente.messages",
    payload_bytes_max=PREFIX.size + HEADER_BYTES_MAX,
    attached_bytes_max=ROWS_MAX * ROW_BYTES,
)


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
    sealed_s: float  # by the sender's clock, since the origin; whole microseconds
    label: str  # of the envelope: :func:`~detente.centre.exchange.rules.label_of` what it holds
    hops: tuple[str, ...] = ()  # sides it came through, the first the giver; () stands for the giver alone
    head: Head = EMPTY_HEAD  # of the giver's ledger before this envelope: the receiver countersigns it


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


TOLD_AS_THEY_ARE = ("giver", "receiver", "agreement", "origin", "epoch", "sequence", "label")
"""Fields of a header that its document holds under the same name, in the same form."""

HEADER_FIELDS = {
    "columns": canonical.HASH,
    "count": canonical.whole(),
    "giver": canonical.NAME,
    "receiver": canonical.NAME,
    "agreement": canonical.HASH,
    "origin": canonical.ORIGIN,
    "epoch": canonical.whole(),
    "sequence": canonical.whole(),
    "sealed_us": canonical.MICROSECONDS,
    "label": canonical.text_of(r"[A-Za-z0-9][A-Za-z0-9._, -]{0,511}"),
    "hops": canonical.list_of(canonical.NAME, 8),
    "head": canonical.object_of(HEAD_FIELDS),
}


def seal(messages: Messages, header: Header, signer: Ed25519PrivateKey) -> bytes:
    """One signed envelope with these messages: those of one replicate, giver, receiver and tick.

    The same messages, header and key give the same bytes.
    """
    assert len(messages) <= ROWS_MAX, f"{len(messages)} messages in an envelope that holds {ROWS_MAX}"
    assert _one_source(messages), "an envelope holds one replicate's messages from one side to one other"
    columns = b"".join([getattr(messages, name).astype(dtype, copy=False).tobytes() for name, dtype, _, _ in LAYOUT])
    told = {name: getattr(header, name) for name in TOLD_AS_THEY_ARE}
    text = canonical.written(
        told | {
            "schema": SCHEMA, "count": len(messages), "columns": hashlib.sha256(columns).hexdigest(),
            "hops": list(header.hops or (header.giver,)), "head": head_fields(header.head),
            "sealed_us": round(header.sealed_s * 1e6),
        }
    )  # fmt: skip
    return dsse.signed(KIND, PREFIX.pack(PREFIX_MARK, SCHEMA, header.mark, 0, len(text)) + text, signer, columns)


def open_envelope(envelope: bytes, keys: Keys, expected: Expected) -> tuple[Header, Messages]:
    """The header and messages of an envelope that is whole, signed by one of the giver's keys, and sound.

    ``keys`` are the expected giver's, by :func:`key_id`. Raises PeerError for anything else, whatever the bytes, after
    bounded work and memory; VersionMismatch for another schema. Nothing of the payload is read before its signature
    holds. Whether the envelope is a replay is the inbox's question: it compares epoch and sequence. ``replicate`` is 0.
    """
    payload, attached = dsse.opened(KIND, envelope, keys)
    header, count, digest = _header(payload)
    _refuse_unexpected(header, expected)
    columns = _columns(attached, count, digest)
    fault = soundness.fault(
        columns, expected.rules, expected.giver_index, expected.receiver_index,
        sensors_of_giver=expected.sensors_of_giver, sealed_s=header.sealed_s,
    ) or _label_fault(header, columns["clause"], expected)  # fmt: skip
    if fault:
        raise PeerError(f"from {expected.giver}: {fault}")
    return header, _messages(columns, count, expected)


def reopened(envelope: bytes, keys: Keys, expected: Expected) -> Messages:
    """The messages of an envelope that was sound under its own agreement, another than the expected one, when it came.

    Only bytes that :func:`open_envelope` opened before may be given: what the other agreement allowed is not asked
    again. Raises PeerError where no key of these signed it.
    """
    payload, attached = dsse.opened(KIND, envelope, keys)
    _, count, digest = _header(payload)
    return _messages(_columns(attached, count, digest), count, expected)


def _messages(columns: dict[str, NDArray[Any]], count: int, expected: Expected) -> Messages:
    """The layout gave every column its type and shape, so that the table need not look at each of them again."""
    return Messages.of_sound(
        replicate=_all(0, count), giver=_all(expected.giver_index, count),
        receiver=_all(expected.receiver_index, count), **columns,
    )  # fmt: skip


def peek(envelope: bytes, keys: Keys) -> Header:
    """The header of an envelope that one of these keys signed, its messages unread: what a ledger's auditor needs."""
    return _header(dsse.opened(KIND, envelope, keys)[0])[0]


def unfold(envelope: bytes, keys: Keys) -> tuple[Header, dict[str, NDArray[Any]]]:
    """The header and the columns of an envelope that one of these keys signed: for people, who judge themselves.

    Columns are those of :class:`~detente.records.stages.Messages`, by name, as they were sent. Whether the giver may
    say this, and whether it can be, is not asked. Raises PeerError for other bytes.
    """
    payload, attached = dsse.opened(KIND, envelope, keys)
    header, count, digest = _header(payload)
    return header, _columns(attached, count, digest)


def _one_source(messages: Messages) -> bool:
    columns = (messages.replicate, messages.giver, messages.receiver)
    return all(column.tobytes() == column[:1].tobytes() * len(column) for column in columns)


def _header(payload: bytes) -> tuple[Header, int, str]:
    """(header, number of messages, SHA-256 of their columns) of a signed payload."""
    if len(payload) < PREFIX.size:
        raise PeerError(f"a payload of {len(payload)} bytes has no room for a header")
    magic, version, mark, reserved, size = PREFIX.unpack_from(payload)
    if version != SCHEMA:
        raise VersionMismatch(f"messages of schema {version}; this side reads schema {SCHEMA} and no other")
    if (magic, reserved) != (PREFIX_MARK, 0):
        raise PeerError("no payload of this exchange")
    if mark not in tuple(Mark):
        raise PeerError(f"mark {mark}: a message is simulated or an exercise, there is no third kind")
    if size != len(payload) - PREFIX.size:
        raise PeerError(f"a header of {size} bytes is announced; {len(payload) - PREFIX.size} came")
    fields = canonical.read(
        payload[PREFIX.size :], HEADER_FIELDS, "the header",
        schema=SCHEMA, bytes_max=HEADER_BYTES_MAX, brackets_max=HEADER_BRACKETS_MAX,
    )  # fmt: skip
    count, digest = fields.pop("count"), fields.pop("columns")
    if count > ROWS_MAX:
        raise PeerError(f"{count} messages in an envelope that holds {ROWS_MAX}")
    fields["sealed_s"] = fields.pop("sealed_us") / 1e6
    head, hops = head_of(fields.pop("head")), tuple(fields.pop("hops"))
    return Header(mark=Mark(mark), head=head, hops=hops, **fields), count, digest


def _refuse_unexpected(header: Header, expected: Expected) -> None:
    for name in ("mark", "giver", "receiver", "agreement", "origin"):
        if getattr(header, name) != getattr(expected, name):
            raise PeerError(f"{name} is {getattr(header, name)!s:.80}, not {getattr(expected, name)!s:.80}")
    if header.hops != (expected.giver,):
        raise PeerError(f"passed on through {', '.join(header.hops) or 'nobody'}; nothing may be passed on")
    if not expected.rules.in_force_at(header.sealed_s):
        raise PeerError("sealed while the agreement was not in force")


def _label_fault(header: Header, clauses: NDArray[np.int64], expected: Expected) -> str:
    """What is wrong with the label of an envelope with sound messages under these clauses; empty where nothing is."""
    label = label_of(expected.rules, expected.receiver, clauses)
    return "" if header.label == label else f"the label is {header.label!r}, and ought to be {label!r}"


def _columns(attached: bytes, count: int, digest: str) -> dict[str, NDArray[Any]]:
    """The columns of attached bytes, read-only; PeerError where they are not those of this digest."""
    if len(attached) != count * ROW_BYTES:
        raise PeerError(f"{count} messages take {count * ROW_BYTES} bytes; {len(attached)} came")
    if hashlib.sha256(attached).hexdigest() != digest:
        raise PeerError("the columns are not those that were signed")
    columns, start = {}, 0
    for name, dtype, size, shape in LAYOUT:
        values = np.ndarray((count, *shape), dtype, attached, start)
        start += count * size
        columns[name] = values if NATIVE else values.astype(dtype.newbyteorder("="))
    return columns


@lru_cache(maxsize=64)
def _all(value: int, count: int) -> NDArray[np.int64]:
    """A read-only column of one number."""
    column = np.full(count, value, np.int64)
    column.flags.writeable = False
    return column
