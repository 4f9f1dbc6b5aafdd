"""SAPIENT messages (BSI Flex 335 v2.0) as bytes: frames on a line or in a file, read without trusting any of them.

A frame is four bytes of length, little-endian, and one ``SapientMessage`` in Protocol Buffers' wire form. What is read
is held to what the standard's own schema says of its fields (which must be there, which are ULIDs or UUIDs), and to
bounds of ours; the first thing that is wrong is a PeerError. The schema is that of ``sapient-msg``: ``pip install
'detente[sapient]'``.
"""

import math
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from detente.records.errors import InputError, PeerError

LENGTH_BYTES = 4
MESSAGE_BYTES_MAX = 65_536
"""Of one message. Source: assumption, 16 kB to 1 MB: a registration of a real node takes some kilobytes."""
DEPTH_MAX = 12
"""Of messages within messages: the standard's go to 7, but classes nest freely. Source: assumption, 8 to 32."""
REPEATED_MAX = 256
"""Times that a field may be repeated. Source: assumption, 64 to 4,096."""
TEXT_MAX = 512
"""Characters of a text. Source: assumption, 128 to 4,096."""
ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@cache
def schema() -> Any:
    """The module of SAPIENT's messages; an InputError that says what to install where it is missing."""
    from importlib import import_module

    try:
        return import_module("sapient_msg.bsi_flex_335_v2_0.sapient_message_pb2")
    except ModuleNotFoundError as error:
        raise InputError(
            found=f"SAPIENT's schema is not installed (no module {error.name})", expected="sapient-msg 0.2 or newer",
            remedy="pip install 'detente[sapient]'",
        ) from error  # fmt: skip


@cache
def _options() -> Any:
    from importlib import import_module

    return import_module("sapient_msg.proto_options_pb2")


def framed(message: Any) -> bytes:
    """A message of ours as a frame; always the same bytes for the same message."""
    _refuse_unsound(message, "", 0)
    data = message.SerializeToString(deterministic=True)
    assert len(data) <= MESSAGE_BYTES_MAX, f"a message of {len(data)} bytes"
    return len(data).to_bytes(LENGTH_BYTES, "little") + data


def frames(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """(where it begins, bytes) of each message in a stream. PeerError at the first that is cut off or too long."""
    at = 0
    while at < len(stream):
        size = int.from_bytes(stream[at : at + LENGTH_BYTES], "little")
        start = at + LENGTH_BYTES
        if size > MESSAGE_BYTES_MAX:
            raise PeerError(f"byte {at}: a message of {size} bytes; at most {MESSAGE_BYTES_MAX} are read")
        if start + size > len(stream):
            raise PeerError(f"byte {at}: a message that is cut off")
        yield at, stream[start : start + size]
        at = start + size


def parsed(data: bytes) -> Any:
    """A ``SapientMessage`` in which all is as the standard asks, and nothing is unknown. Raises PeerError."""
    if len(data) > MESSAGE_BYTES_MAX:
        raise PeerError(f"a message of {len(data)} bytes; at most {MESSAGE_BYTES_MAX} are read")
    from google.protobuf.message import DecodeError

    message = schema().SapientMessage()
    try:
        message.ParseFromString(data)
    except DecodeError:
        raise PeerError("bytes that are no SAPIENT message") from None
    _refuse_unsound(message, "", 0)
    return message


def _refuse_unsound(message: Any, path: str, depth: int) -> None:
    """Refuse what the schema does not know, what lacks a mandatory part and what is out of bounds, in depth."""
    from google.protobuf.unknown_fields import UnknownFieldSet

    if depth > DEPTH_MAX:
        raise PeerError(f"{path}: nested deeper than {DEPTH_MAX}")
    if len(UnknownFieldSet(message)):
        raise PeerError(f"{path or 'the message'}: fields that BSI Flex 335 v2.0 does not have")
    if message.DESCRIPTOR.full_name == "google.protobuf.Timestamp":
        _refuse_no_moment(message, path)
        return
    for group in message.DESCRIPTOR.oneofs:
        asked = group.GetOptions().Extensions[_options().oneof_options].is_mandatory
        if asked and message.WhichOneof(group.name) is None:
            raise PeerError(f"{path or 'the message'}: none of {', '.join(one.name for one in group.fields)}")
    for field in message.DESCRIPTOR.fields:
        where = f"{path}.{field.name}" if path else field.name
        asked = field.GetOptions().Extensions[_options().field_options]
        present = message.HasField(field.name) if field.has_presence else bool(getattr(message, field.name))
        if asked.is_mandatory and (not present or (field.enum_type is not None and not getattr(message, field.name))):
            raise PeerError(f"{where}: missing, and mandatory")
        if present:
            _refuse_value(field, asked, getattr(message, field.name), where, depth)


def _refuse_value(field: Any, asked: Any, value: Any, where: str, depth: int) -> None:
    from google.protobuf.message import Message

    values: Any = [value] if isinstance(value, str | bytes | int | float | Message) else value
    if len(values) > REPEATED_MAX:
        raise PeerError(f"{where}: {len(values)} times; at most {REPEATED_MAX}")
    for one in values:
        if isinstance(one, Message):
            _refuse_unsound(one, where, depth + 1)
        elif isinstance(one, str) and (len(one) > TEXT_MAX or not one.isprintable()):
            raise PeerError(f"{where}: text that is longer than {TEXT_MAX} characters, or not printable")
        elif isinstance(one, float) and not math.isfinite(one):
            raise PeerError(f"{where}: not a number")
        elif field.enum_type is not None and one not in field.enum_type.values_by_number:
            raise PeerError(f"{where}: {one} is no value of {field.enum_type.name}")
        if asked.is_ulid and not ULID.fullmatch(str(one)):
            raise PeerError(f"{where}: no ULID")
        if asked.is_uuid and not UUID.fullmatch(str(one)):
            raise PeerError(f"{where}: no UUID")


def _refuse_no_moment(timestamp: Any, path: str) -> None:
    try:
        timestamp.ToDatetime()
    except (ValueError, OverflowError):
        raise PeerError(f"{path}: no moment") from None
    if not 0 <= timestamp.nanos < 1_000_000_000:
        raise PeerError(f"{path}: no moment")
