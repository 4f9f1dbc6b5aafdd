"""Pure functions that answer from memory: most of what happens in a drill happened in the drill before.

Sides hear the same world in every drill and the own half of a centre hears nobody else, so its tracks, and what it
would tell, are the same from drill to drill until a fault changes them. Records are frozen and their arrays read-only:
the same object has the same content, and a function that is asked about it again may answer what it answered.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from detente.centre.exchange.offsets import Secret
from detente.centre.exchange.release import release
from detente.centre.exchange.rules import Rules
from detente.centre.exchange.second_check import check
from detente.centre.step import cooperate, let_go, observe
from detente.gateway.logic.link import Means
from detente.gateway.logic.packing import pack, unpack
from detente.records.table import Table

ANSWERS_KEPT = 1500
"""Of each function: a drill asks some 25 times, and a hundred drills later the same is asked again. Some 200 MB."""
MEMORIES_KEPT = 200
"""Of packed memories, which are large."""


class Answers:
    """What a function answered lately, by the key of its arguments."""

    def __init__(self, most: int = ANSWERS_KEPT) -> None:
        self.most = most
        self.kept: OrderedDict[Any, tuple[Any, Any]] = OrderedDict()

    def find(self, key: Any) -> tuple[Any, Any] | None:
        """(arguments, answer) where it was asked lately."""
        had = self.kept.get(key)
        if had is not None:
            self.kept.move_to_end(key)
        return had

    def keep(self, key: Any, arguments: Any, answer: Any) -> Any:
        """The answer. Arguments are kept with it: an object that is still there shares its id with no other."""
        self.kept[key] = arguments, answer
        if len(self.kept) > self.most:
            self.kept.popitem(last=False)
        return answer


def remembered(function: Callable, key: Callable[..., tuple], most: int = ANSWERS_KEPT) -> Callable:
    """The same function, not run again for arguments of a key that it was run for lately."""
    answers = Answers(most)

    def ask(*arguments: Any, **more: Any) -> Any:
        name = key(*arguments, **more)
        had = answers.find(name)
        return answers.keep(name, (arguments, more), function(*arguments, **more)) if had is None else had[1]

    return ask


class Packing:
    """``pack`` and ``unpack`` that remember: what was packed lately is unpacked to the very object that it was.

    So a station that starts again goes on with objects that the functions above know.
    """

    def __init__(self) -> None:
        self.packed, self.values = Answers(MEMORIES_KEPT), Answers(MEMORIES_KEPT)

    def pack(self, value: Any) -> bytes:
        """The bytes of a table, or of a gateway's memory."""
        key = _content(value) if isinstance(value, Table) else _memory(*value)
        had = self.packed.find(key)
        if had is not None:
            return had[1]
        data = self.packed.keep(key, value, pack(value))
        self.values.keep(data, None, value)
        return data

    def unpack(self, data: bytes, rules: Rules, secret: Secret) -> Any:
        """What was packed."""
        had = self.values.find(data)
        return unpack(data, rules, secret) if had is None else had[1]


def _memory(digest, centre, known, said, holds) -> tuple:
    """Of all that :func:`~detente.gateway.logic.node.step` packs for a snapshot."""
    return digest, id(centre.own), id(centre.assisted), _known(known), _content(said), holds


def _known(history) -> tuple:
    return tuple((id(one.tracks), id(one.estimates), id(one.sensors)) for one in history)


def _observed(centre, own, detections, offsets, now_s) -> tuple:
    return id(centre), id(own), _content(detections), now_s


def _cooperated(centre, own, assisted, messages, offsets, now_s) -> tuple:
    return id(centre), id(own), id(assisted), _content(messages), now_s


def _released(state, tracks, estimates, rules, side, sensors, secret, now_s, *, record, status) -> tuple:
    return id(state), id(tracks), id(estimates), id(rules), now_s, record, id(status)


def _let_go(assisted, dropped) -> tuple:
    return id(assisted), dropped.tobytes()


def _checked(messages, history, setting, giver, earlier) -> tuple:
    return _content(messages), _known(history), id(setting), giver, _content(earlier)


def _content(table: Table) -> bytes:
    """A digest of all that a table holds."""
    said = hashlib.sha256(len(table).to_bytes(8, "little"))
    for name, _ in table.columns():
        said.update(getattr(table, name))
    return said.digest()


@cache
def remembering_means() -> Means:
    """What a drill's gateways compute with: one memory for all of a process."""
    packing = Packing()
    return Means(
        observe=remembered(observe, _observed),
        cooperate=remembered(partial(cooperate, releasing=remembered(release, _released)), _cooperated),
        let_go=remembered(let_go, _let_go), check=remembered(check, _checked), pack=packing.pack, unpack=packing.unpack,
    )  # fmt: skip
