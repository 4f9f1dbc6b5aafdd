"""Whether what a partner told was deleted in time: by the agreement itself, not by what a gateway makes of it."""

import math
from collections.abc import Iterator
from itertools import chain

import numpy as np

from detente.centre.exchange.ledger import Entry, EntryKind
from detente.gateway.logic.limits import LANE_OF, Lane
from detente.gateway.logic.link import Gateway
from detente.gateway.logic.node import Node
from detente.gateway.store import MemoryStore
from detente.records.slots import Origin
from detente.scenario.agreement import Clause, DataClass


def overdue(gateway: Gateway, node: Node, store: MemoryStore) -> Iterator[str]:
    """What still stands in a store or a picture after a tick that was kept, though it had to go by then."""
    return chain(_undeleted(gateway, node, store), _lingering(gateway, node))


def _undeleted(gateway: Gateway, node: Node, store: MemoryStore) -> Iterator[str]:
    """What a store still holds."""
    for (partner, epoch, sequence), letter in store.inbox.items():
        taken = store.applied.get((partner, epoch, sequence))
        if taken is None or partner not in node.links:
            continue
        held_s = (node.tick + 1 - taken) * gateway.tick_s
        most_s = kept_s(gateway, partner, Lane(letter.lane), left=node.links[partner].withdrawn)
        if held_s > most_s:
            yield f"envelope {sequence} of {partner}, used {held_s:g} s ago, may be kept for {most_s:g} s"


def _lingering(gateway: Gateway, node: Node) -> Iterator[str]:
    """What a picture still shows after a tick though nothing that it was told by may be kept any longer.

    What was told in this very tick is new: also of one that has left.
    """
    assisted, now_s = node.centre.assisted, (node.tick + 1) * gateway.tick_s
    known = set()
    for place in np.argwhere(assisted.partner.status > 0):
        at = tuple(place)
        partner, number = gateway.names[assisted.partner.giver[at]], int(assisted.partner.number[at])
        known.add((partner, number))
        told_s = now_s - float(assisted.partner.received_s[at])
        lanes = [Lane.TRACK] if assisted.partner.has_state[at] else [Lane.WARNING]
        most_s = min(kept_s(gateway, partner, lane, left=node.links[partner].withdrawn) for lane in lanes)
        if told_s > most_s:
            yield f"track {number} of {partner}, told of {told_s:g} s ago, may be kept for {most_s:g} s"
    picture = assisted.picture
    for place in np.argwhere((picture.status > 0) & (picture.origin == Origin.PARTNER)):
        at = tuple(place)
        if (gateway.names[picture.giver[at]], int(picture.number[at])) not in known:
            yield f"the picture shows track {picture.number[at]} of {gateway.names[picture.giver[at]]}, which is gone"


def kept_s(gateway: Gateway, partner: str, lane: Lane, *, left: bool) -> float:
    """How long after its use an envelope of a partner may be kept, by the strictest clause of its lane.

    ``left``: either has left the exchange. What is used in a tick after that goes with it.
    """
    agreement = gateway.setting.agreement
    assert agreement is not None, "drills have one"
    clauses = [one for one in agreement.clauses if one.giver == partner and _lane(one) is lane]
    if left and any(one.terms.after_withdrawal == "deleted" for one in clauses):
        return 0.0
    return min((one.retention_s for one in clauses if one.retention_s is not None), default=math.inf)


def _lane(clause: Clause) -> Lane:
    return LANE_OF.get(DataClass[clause.data.upper().replace("-", "_")], Lane.OTHER)


def unwritten(
    store: MemoryStore, taken: set[tuple[str, int, int]], partner: str, *, crowded: bool
) -> Iterator[str]:  # fmt: skip
    """Where a ledger and what was deleted do not go together. ``taken``: of what came, all that was ever used.

    ``crowded``: the store had no room for a while, and deleted what was used by its own rule.
    """
    entries = store.ledger(partner)
    deleted = [(one.epoch, one.sequence) for one in entries if one.kind is EntryKind.FORGOTTEN]
    gone = {(epoch, sequence) for of, epoch, sequence in taken if of == partner} - {
        (epoch, sequence) for of, epoch, sequence in store.inbox if of == partner
    }  # fmt: skip
    if len(set(deleted)) < len(deleted):
        yield "an envelope was deleted twice"
    if set(deleted) - gone:
        yield f"the ledger says that envelopes {sorted(set(deleted) - gone)[:5]} were deleted, and the store holds them"
    received = _digests(entries, EntryKind.RECEIVED)
    for number, digest in _digests(entries, EntryKind.FORGOTTEN).items():
        if received.get(number) != digest:
            yield f"envelope {number[1]} was deleted, and the ledger does not say that it came"
    unsaid = gone - set(deleted)
    if unsaid and not crowded:
        yield f"envelopes {sorted(unsaid)[:5]} are in the store no more, and the ledger says nothing of it"


def _digests(entries: list[Entry], kind: EntryKind) -> dict[tuple[int, int], bytes]:
    return {(one.epoch, one.sequence): one.envelope_digest for one in entries if one.kind is kind}
