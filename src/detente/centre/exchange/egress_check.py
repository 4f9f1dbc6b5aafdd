"""The last look at the very bytes that are about to leave: read anew, by other code than wrote them, and checked again.

Nothing leaves unless this finds no fault. It shares no code with release, rules or message: it knows the wire format
from its description, the agreement from its text, and what the giver knew from its tracks.
"""

import hashlib
import json
import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import rfc8785

from detente.centre.exchange.second_check import Setting, Snapshot, Violation, check
from detente.records.stages import Messages

MARKS = {"simulated": 1, "exercise": 2}
FRAME_BYTES, PREFIX_BYTES = 108, 16  # mark, key, signature, length; mark, version, kind, nothing, length

WIRE = (
    ("clause", "q", 1), ("released_s", "d", 1), ("valid_s", "d", 1), ("number", "q", 1), ("state", "d", 6),
    ("covariance", "d", 21), ("sensors", "Q", 1), ("launch_lat_rad", "d", 1), ("launch_lon_rad", "d", 1),
    ("launch_s", "d", 1), ("launch_sigma_m", "d", 1), ("impact_lat_rad", "d", 1), ("impact_lon_rad", "d", 1),
    ("impact_s", "d", 1), ("impact_sigma_s", "d", 1), ("impact_covariance_m2", "d", 3), ("data", "B", 1),
    ("phase", "B", 1), ("coarsened", "B", 1), ("launch_valid", "B", 1), ("impact_valid", "B", 1),
)  # fmt: skip
"""Columns of schema 2, in order: name, type of a number (as ``struct`` calls it), numbers a message."""


class UnreadableError(Exception):
    """The bytes are not an envelope of schema 2."""


def check_egress(
    envelope: bytes, history: Sequence[Snapshot], setting: Setting, giver: int, receiver: int, *, mark: str,
    row: int = 0, earlier: Messages | None = None,
) -> list[Violation]:  # fmt: skip
    """Every breach of the agreement in an envelope from ``giver`` to ``receiver``; an empty list lets it leave.

    ``mark`` is ``simulated`` or ``exercise``; ``row`` that of the giver's tracks (0 live); ``history`` and ``earlier``
    as in :func:`~detente.centre.exchange.second_check.check`. Bytes that cannot be read are a breach.
    """
    faults, messages = check_header(envelope, setting, giver, receiver, mark=mark, row=row)
    return faults + check(messages, history, setting, giver, earlier)


def check_header(
    envelope: bytes, setting: Setting, giver: int, receiver: int, *, mark: str, row: int = 0
) -> tuple[list[Violation], Messages]:  # fmt: skip
    """What is wrong with an envelope as a whole, and its messages as whoever reads these bytes will have them."""
    try:
        kind, header, messages = read_egress(envelope, giver, receiver, row)
    except UnreadableError as error:
        return [Violation(row=-1, rule="bytes", text=str(error))], Messages.empty()
    names = setting.side_names
    expected = {
        "mark": MARKS[mark], "giver": names[giver], "receiver": names[receiver],
        "agreement": "" if setting.agreement is None else _fingerprint(setting.agreement_text),
        "hops": [names[giver]], "label": _label(setting, names[receiver], messages),
    }  # fmt: skip
    stated = header | {"mark": kind}
    faults = [
        Violation(row=-1, rule=f"header-{name}", text=f"the header's {name} is {stated[name]!r}, not {value!r}")
        for name, value in expected.items()
        if stated[name] != value
    ]
    if len(messages) and header["sealed_us"] < round(float(np.max(messages.released_s)) * 1e6) - 1:
        faults.append(Violation(row=-1, rule="header-sealed", text="sealed before its messages were released"))
    return faults, messages


def read_egress(envelope: bytes, giver: int, receiver: int, row: int) -> tuple[int, dict[str, Any], Messages]:
    """(mark, header, messages) of an envelope's bytes. Raises UnreadableError where they are not what they must be."""
    try:
        (size,) = struct.unpack_from("<I", envelope, FRAME_BYTES - 4)
        magic, version, kind, nothing, length = struct.unpack_from("<8sHBBI", envelope, FRAME_BYTES)
        start = FRAME_BYTES + PREFIX_BYTES
        header = json.loads(envelope[start : start + length])
        columns = envelope[FRAME_BYTES + size :]
        assert (envelope[:8], magic, version, nothing) == (b"DTNENV01", b"DTNMSG02", 2, 0), "another format"
        assert size == PREFIX_BYTES + length, "something beside the header is signed"
        assert hashlib.sha256(columns).hexdigest() == header["columns"], "the columns are not those of the header"
        told, place = {}, 0
        for name, column, shape in _columns(header["count"]):
            told[name] = np.array(column.unpack_from(columns, place)).reshape(shape)
            place += column.size
        assert place == len(columns), "there are bytes behind the columns"
        assert {"giver", "receiver", "agreement", "hops", "label", "sealed_us"} <= header.keys(), (
            "a header lacks a part"
        )
    except (struct.error, ValueError, KeyError, TypeError, AttributeError, AssertionError) as error:
        raise UnreadableError(f"{type(error).__name__}: {error}") from None
    count = header["count"]
    return kind, header, Messages(
        replicate=np.full(count, row), giver=np.full(count, giver), receiver=np.full(count, receiver), **told
    )  # fmt: skip


@lru_cache(maxsize=64)
def _columns(count: int) -> list[tuple[str, struct.Struct, tuple[int, ...]]]:
    """How each column of so many messages is read: name, numbers, shape."""
    return [
        (name, struct.Struct(f"<{count * many}{letter}"), (-1, many) if many > 1 else (-1,))
        for name, letter, many in WIRE
    ]  # fmt: skip


@lru_cache(maxsize=16)
def _fingerprint(agreement: str) -> str:
    """SHA-256 of an agreement's JSON in its canonical form, times in UTC."""
    text = json.loads(agreement)
    moments = {end: datetime.fromisoformat(moment) for end, moment in text["valid"].items()}
    text["valid"] = {end: moment.astimezone(UTC).isoformat() for end, moment in moments.items()}
    return hashlib.sha256(rfc8785.dumps(text)).hexdigest()


def _label(setting: Setting, receiver: str, messages: Messages) -> str:
    """Policy and classification of the most sensitive clause, and for whom all of them may go to."""
    order = ("UNCLASSIFIED", "RESTRICTED", "CONFIDENTIAL", "SECRET")
    clauses = () if setting.agreement is None else setting.agreement.clauses
    named = sorted({int(clause) for clause in messages.clause if 0 <= clause < len(clauses)})
    policy, rank, everyone = "EXERCISE", 0, {receiver}
    for place, index in enumerate(named):
        label = clauses[index].label
        if place == 0 or order.index(label.classification) > rank:
            policy, rank = label.policy, order.index(label.classification)
        allowed = set(label.releasable_to) or {receiver}
        everyone = allowed if place == 0 else everyone & allowed
    return f"{policy} {order[rank]} RELEASABLE TO {', '.join(sorted(everyone))}"
