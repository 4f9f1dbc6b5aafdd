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

from detente.centre.exchange.release import release
from detente.centre.exchange.second_check import check
from detente.centre.step import cooperate, observe
from detente.gateway.logic.link import Means
from detente.records.table import Table

ANSWERS_KEPT = 1500
"""Of each function: a drill asks some 25 times, and a hundred drills later the same is asked again. Some 30 MB."""


def remembered(function: Callable, key: Callable[..., tuple]) -> Callable:
    """The same function, not run again for arguments of a key that it was run for lately."""
    answers: OrderedDict[tuple, tuple[tuple, dict, Any]] = OrderedDict()

    def ask(*arguments: Any, **more: Any) -> Any:
        name = key(*arguments, **more)
        had = answers.get(name)
        if had is None:
            # Arguments are kept with the answer: an object that is still there shares its id with no other.
            had = answers[name] = (arguments, more, function(*arguments, **more))
            if len(answers) > ANSWERS_KEPT:
                answers.popitem(last=False)
        else:
            answers.move_to_end(name)
        return had[2]

    return ask


def _observed(centre, own, detections, offsets, now_s) -> tuple:
    return id(centre), id(own), _content(detections), now_s


def _released(state, tracks, estimates, rules, side, sensors, secret, now_s, *, record, status) -> tuple:
    return id(state), id(tracks), id(estimates), id(rules), now_s, record, id(status)


def _checked(messages, history, setting, giver, earlier) -> tuple:
    known = tuple((id(one.tracks), id(one.estimates), id(one.sensors)) for one in history)
    return _content(messages), known, id(setting), giver, _content(earlier)


def _content(table: Table) -> bytes:
    """A digest of all that a table holds."""
    said = hashlib.sha256(len(table).to_bytes(8, "little"))
    for name, _ in table.columns():
        said.update(getattr(table, name))
    return said.digest()


@cache
def remembering_means() -> Means:
    """What a drill's gateways compute with: one memory for all of a process."""
    return Means(
        observe=remembered(observe, _observed),
        cooperate=partial(cooperate, releasing=remembered(release, _released)),
        check=remembered(check, _checked),
    )
