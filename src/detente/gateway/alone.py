"""A side that runs alone, by its operator's word: own sensors, own picture, own warnings, and no partner.

What its store holds of the exchange waits in it, and is taken up again by a start that is not alone. Whatever keeps a
side from starting with its partners says that it may start without.
"""

from dataclasses import replace
from pathlib import Path

from detente.centre.step import begin_assisted
from detente.gateway.config import read_config
from detente.gateway.logic.link import Gateway, Now, Out
from detente.gateway.logic.node import Node, Part, restore
from detente.gateway.logic.records import Saved
from detente.gateway.prepare import Ready, prepare
from detente.records.errors import InputError, InputErrors


def prepared(path: Path, *, alone: bool) -> Ready:
    """All that a side starts with, by its configuration. Raises InputError, which says whether it could start alone."""
    try:
        return prepare(read_config(path, alone=alone))
    except InputError as error:
        if not alone and _is_sound(path):
            say_so(error, path)
        raise


def _is_sound(path: Path) -> bool:
    """Whether a configuration's own half is in order."""
    try:
        prepare(read_config(path, alone=True))
    except InputError:
        return False
    return True


def say_so(error: InputError, path: Path) -> None:
    """Have the (last) remedy of what keeps a side from its partners tell what to do until that is mended."""
    last = error.problems[-1] if isinstance(error, InputErrors) else error
    last.remedy += f"; until then `detente serve {path} --alone` warns of what own sensors see, and exchanges nothing"


def take_up(
    gateway: Gateway, saved: Saved, now: Now, live: tuple[Gateway, Node] | None = None, *, part: Part = "all"
) -> tuple[Node, Out]:  # fmt: skip
    """The state that a store holds (:func:`~detente.gateway.logic.node.restore`); alone, with no partner's tracks."""
    node, out = restore(gateway, saved, now, live, part=part)
    return (_apart(gateway, node) if gateway.alone else node), out


def _apart(gateway: Gateway, node: Node) -> Node:
    """The state with a picture of own tracks alone.

    What speaks against partners stays, and what they declared of their sensors, for when they are heard again.
    """
    was = node.centre.assisted
    empty = begin_assisted(
        gateway.centre, gateway.rules, was.release.replicates, secret=gateway.secret, exchanging=was.exchanging
    )
    assisted = replace(empty, release=was.release, trust=was.trust, declared=was.declared)
    return replace(node, centre=replace(node.centre, assisted=assisted))
