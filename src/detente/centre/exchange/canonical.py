"""Small documents as canonical JSON (RFC 8785): one spelling for each, so that signed bytes can be compared.

What the exchange signs holds text, whole numbers, lists and objects, and no other numbers: for these the canonical form
is JSON without spaces, keys in order. (The general form, needed for agreements, comes from the rfc8785 package.)
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from detente.records.errors import PeerError

INTEGER_MAX = 2**53 - 1
"""The largest integer that JSON readers agree on (RFC 8785, section 3.2.2.3; RFC 7493, section 2.2)."""

NOT_THE_FIELDS = " does not hold the fields of its schema"

Check = Callable[[object], str]
"""What is wrong with a value; empty where nothing is."""

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


class VersionMismatch(PeerError):
    """The partner speaks another version of the schema: nothing more of it is read."""


def written(fields: Mapping[str, Any]) -> bytes:
    """The canonical form of a document of ASCII text, whole numbers, lists and objects."""
    return _encode(fields).encode()


def read(
    data: bytes, shape: Mapping[str, Check], what: str, *, schema: int, bytes_max: int, brackets_max: int
) -> dict[str, Any]:
    """The fields of a document, each one present, none besides, all checked; only the canonical spelling is accepted.

    Raises PeerError for anything else, VersionMismatch where the field ``schema`` names another one; that field is not
    returned. ``brackets_max`` bounds the number of brackets that are opened, and with it depth.
    """
    if len(data) > bytes_max:
        raise PeerError(f"{what} of {len(data)} bytes; at most {bytes_max} are accepted")
    if data.count(b"[") + data.count(b"{") > brackets_max:
        raise PeerError(f"{what} opens more than {brackets_max} brackets")
    try:
        fields = json.loads(data.decode("ascii"))
    except (ValueError, RecursionError):
        raise PeerError(f"{what} is not JSON") from None
    told = fields.pop("schema", None) if type(fields) is dict else None
    if type(told) is int and told != schema:
        raise VersionMismatch(f"{what} is of schema {told}; this side reads schema {schema} and no other")
    wrong = NOT_THE_FIELDS if told is None else _wrong(SCHEMA, {"schema": told}) or _wrong(shape, fields)
    if wrong:
        raise PeerError(f"{what}{wrong}")
    if written(fields | {"schema": schema}) != data:
        raise PeerError(f"{what} is not in canonical form")
    return fields


def object_of(shape: Mapping[str, Check]) -> Check:
    """An object with these fields and no others."""

    return partial(_wrong, shape)


def _wrong(shape: Mapping[str, Check], value: object) -> str:
    if type(value) is not dict or value.keys() != shape.keys():
        return NOT_THE_FIELDS
    for name, sound in shape.items():
        wrong = sound(value[name])
        if wrong:
            return f": {name}{wrong}"
    return ""


def list_of(item: Check, most: int) -> Check:
    """A list of at most so many of these."""

    def check(value: object) -> str:
        if type(value) is not list or len(value) > most:
            return f" is not a list of at most {most}"
        for one in value:
            wrong = item(one)
            if wrong:
                return wrong
        return ""

    return check


def text_of(pattern: str) -> Check:
    """Text that matches all of a pattern."""
    compiled = re.compile(pattern, re.ASCII)

    def check(value: object) -> str:
        return "" if type(value) is str and compiled.fullmatch(value) else " is malformed"

    return check


def whole(least: int = 0, most: int = INTEGER_MAX) -> Check:
    """A whole number between two."""
    most_said = "2^53 - 1" if most == INTEGER_MAX else str(most)

    def check(value: object) -> str:
        sound = type(value) is int and least <= value <= most
        return "" if sound else f" is not a whole number from {least} to {most_said}"

    return check


SCHEMA = {"schema": whole()}

NAME = text_of(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,63}")
"""What a side is called."""

HASH = text_of(r"[0-9a-f]{64}")
"""A SHA-256 in hexadecimal digits."""

ORIGIN = text_of(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(\+00:00|Z)")
"""A moment in UTC, ISO 8601."""

MICROSECONDS = whole(-INTEGER_MAX)
"""A time since an origin."""
