"""What the agreement asks of a gateway besides what it may release: how long to keep, who may pause, when to leave."""

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from detente.centre.step import State
from detente.gateway.logic.limits import LANE_OF, Lane
from detente.gateway.logic.link import Gateway
from detente.gateway.logic.records import INBOX_TICKS
from detente.scenario.agreement import Clause, DataClass


def clauses_between(gateway: Gateway, partner: str) -> list[Clause]:
    """The clauses by which one of the two tells the other something."""
    agreement = gateway.setting.agreement
    pair = {gateway.name, partner}
    return [] if agreement is None else [one for one in agreement.clauses if {one.giver, one.receiver} == pair]


def _lane(clause: Clause) -> Lane:
    return LANE_OF.get(DataClass[clause.data.upper().replace("-", "_")], Lane.OTHER)


def retention_s(gateway: Gateway, partner: str) -> dict[Lane, float]:
    """How long what a partner told may be kept, by lane: by the strictest of its clauses there; absent: as we like."""
    kept: dict[Lane, float] = {}
    for clause in clauses_between(gateway, partner):
        if clause.giver == partner and clause.retention_s is not None:
            kept[_lane(clause)] = min(clause.retention_s, kept.get(_lane(clause), math.inf))
    return kept


def deleted_on_leaving(gateway: Gateway, partner: str) -> set[Lane]:
    """The lanes of which nothing of a partner's is kept after either has left."""
    told = [clause for clause in clauses_between(gateway, partner) if clause.giver == partner]
    return {_lane(clause) for clause in told if clause.terms.after_withdrawal == "deleted"}


def may_not_pause(gateway: Gateway, partner: str) -> str:
    """The name of a clause that this side has no right to suspend; empty where it may pause the exchange."""
    for clause in clauses_between(gateway, partner):
        ours = "giver" if clause.giver == gateway.name else "receiver"
        if clause.terms.suspended_by not in ("either", ours):
            return clause.name
    return ""


def notice_s(gateway: Gateway, partner: str, word: str) -> float:
    """Seconds between an operator's word and its effect: the longest notice of all clauses between the two."""
    terms = [clause.terms for clause in clauses_between(gateway, partner)]
    if word == "pause":
        return max((one.suspension_notice_s for one in terms), default=0.0)
    return max((one.withdrawal_notice_s for one in terms), default=0.0) if word == "withdraw" else 0.0


class Held(NamedTuple):
    """A partner's envelope that was applied, or set aside, and must go some day."""

    partner: str
    lane: int
    tick: int  # at which it was taken from the inbox
    epoch: int
    sequence: int
    digest: str  # in hexadecimal digits


def must_go(gateway: Gateway, partner: str, lane: int) -> bool:
    """True where the agreement may ask that what came in a lane be deleted."""
    return lane in retention_s(gateway, partner) or lane in deleted_on_leaving(gateway, partner)


def held_of(gateway: Gateway, index: int, taken: Iterable[tuple[str, int, int, int, bytes]]) -> list[Held]:
    """Those that must go some day, of envelopes taken from the inbox: (partner, lane, epoch, sequence, digest)."""
    return [
        Held(partner, int(lane), index, epoch, sequence, digest.hex())
        for partner, lane, epoch, sequence, digest in taken if must_go(gateway, partner, lane)
    ]  # fmt: skip


def due(gateway: Gateway, holds: Iterable[Held], left: set[str], index: int) -> list[Held]:
    """What must be deleted at tick ``index``, because by the next one it would be kept too long.

    ``left``: partners that are no longer parties. What is due before the next snapshot would be goes too, so that
    snapshots stay rare.
    """
    holds = tuple(holds)
    kept = {partner: retention_s(gateway, partner) for partner in {one.partner for one in holds}}
    gone = {partner: deleted_on_leaving(gateway, partner) for partner in left}

    def rest_s(one: Held) -> float:
        if one.lane in gone.get(one.partner, ()):
            return 0.0
        return kept[one.partner].get(Lane(one.lane), math.inf) - (index + 1 - one.tick) * gateway.tick_s

    rests = [(rest_s(one), one) for one in holds]
    if not any(rest < gateway.tick_s for rest, _ in rests):
        return []
    soon_s = gateway.limits.snapshot_ticks * gateway.tick_s
    return [one for rest, one in rests if rest < soon_s]


def faded(gateway: Gateway, centre: State, left: set[str], index: int) -> State:
    """A centre's memory before tick ``index``, without the lines of partners that by the next one would be kept too
    long: by the strictest clause of the lanes that they came in, since the last that was told of them.

    Of ``left``, who are no longer parties, all goes that a clause has deleted then.
    """
    partner, now_s = centre.assisted.partner, (index + 1) * gateway.tick_s
    rest_s = np.full(partner.status.shape, math.inf)
    told = {
        Lane.TRACK: partner.has_state > 0,
        Lane.WARNING: (partner.estimates.launch_valid > 0) | (partner.estimates.impact_valid > 0),
    }
    for name in gateway.partners:
        kept = retention_s(gateway, name) | dict.fromkeys(
            deleted_on_leaving(gateway, name) if name in left else (), 0.0
        )
        for lane, most_s in kept.items():
            its = (partner.giver == gateway.names.index(name)) & told.get(lane, False)
            rest_s[its] = np.minimum(rest_s[its], most_s - (now_s - partner.received_s[its]))
    dropped = (partner.status > 0) & (rest_s < gateway.tick_s)
    if not dropped.any():
        return centre
    return replace(centre, assisted=gateway.means.let_go(centre.assisted, dropped))


def still_held(holds: Iterable[Held], index: int) -> tuple[Held, ...]:
    """Without those that the store has deleted by its own rule."""
    return tuple(one for one in holds if one.tick > index - INBOX_TICKS)
