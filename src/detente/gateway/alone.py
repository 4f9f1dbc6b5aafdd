"""A side that runs alone, by its operator's word: own sensors, own picture, own warnings, and no partner.

What its store holds of the exchange waits in it, and is taken up again by a start that is not alone.
"""

from dataclasses import replace

from detente.centre.step import begin_assisted
from detente.gateway.logic.link import Gateway, Now, Out
from detente.gateway.logic.node import Node, Part, restore
from detente.gateway.logic.records import Saved


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
