"""What a centre doubts of its partners, told to the operator; and the operator's pardon, carried to the centre."""

from dataclasses import replace
from typing import Any

import numpy as np

from detente.centre.exchange.sensor_status import parted
from detente.centre.picture.partner import KeptPartnerTracks, first_fault
from detente.centre.picture.trust import COUNTED, SUSPICIONS, Suspicion, Trust, pardon
from detente.centre.step import State
from detente.gateway.logic.link import Gateway, Link, Notice, Out
from detente.records.slots import Ints, SensorState
from detente.records.stages import Messages


def notice_doubts(gateway: Gateway, before: Trust, after: Trust, out: Out) -> None:
    """Tell the operator of every partner that is suspected anew, why, and what is done about it."""
    for name in gateway.partners:
        side = gateway.names.index(name)
        new = int(after.suspected[0, side]) & ~int(before.suspected[0, side])
        if not new:
            continue
        done = "its word is left out of the picture" if gateway.centre.quarantine == "automatic" else "quarantine it?"
        text = f"{'; '.join(_reasons(new))}; {done}"
        out.notices.append(Notice(kind="suspected", partner=name, text=text))


def notice_unheard(
    gateway: Gateway, before: KeptPartnerTracks, after: KeptPartnerTracks, messages: Messages, now_s: float, out: Out
) -> None:  # fmt: skip
    """Tell the operator that partners' messages, sound as they are, do not enter the picture: of the first, and of the
    tenth, the hundredth and so on. ``messages`` are those of the tick between ``before`` and ``after``.
    """
    if _tells(before.rejected, after.rejected):
        said, _, _ = parted(messages, np.array([0, len(messages)]))
        fault = first_fault(said, gateway.centre.side, len(gateway.names), now_s, gateway.centre.picture)
        assert fault is not None, "one was refused"
        text = f"{after.rejected[0]} messages so far are not believed; the last to be told: {fault[1]}"
        out.notices.append(Notice(kind="unbelieved", partner=gateway.names[said.giver[fault[0]]], text=text))
    if _tells(before.overflow, after.overflow):
        text = f"{after.overflow[0]} messages so far found no room in the picture: more tracks than partners may have"
        out.notices.append(Notice(kind="no-room", partner="", text=text))


def _tells(before: Ints, after: Ints) -> bool:
    """Whether a count has grown past 0, or another power of ten."""
    return after[0] > 0 and (before[0] == 0 or len(str(after[0])) > len(str(before[0])))


def _reasons(suspected: int) -> list[str]:
    return [SUSPICIONS[kind] for kind in Suspicion if suspected & kind]


def pardoned(gateway: Gateway, centre: State, links: dict[str, Link]) -> State:
    """The centre's memory once the operator's pardons since the last tick are in it; ``links`` are to be changed."""
    for name, link in links.items():
        if link.pardon:
            link.pardon = False
            trust = pardon(centre.assisted.trust, gateway.names.index(name))
            centre = replace(centre, assisted=replace(centre.assisted, trust=trust))
    return centre


def doubts_document(gateway: Gateway, centre: State, partner: str) -> dict[str, Any]:
    """What speaks against one partner, for people."""
    trust, side = centre.assisted.trust, gateway.names.index(partner)
    suspected = int(trust.suspected[0, side])
    return {
        "suspected": _reasons(suspected),
        "since_s": float(trust.suspected_s[0, side]) if suspected else None,
        "evidence": {
            kind.name.lower(): round(float(value), 2)
            for kind, value in zip(Suspicion, trust.evidence[0, side], strict=True) if kind.name
        },
        "counts": dict(zip(COUNTED, trust.counts[0, side].tolist(), strict=True)),
        "left_out": bool(suspected) and gateway.centre.quarantine == "automatic",
    }  # fmt: skip


def sensors_document(gateway: Gateway, centre: State, partner: str) -> dict[str, Any]:
    """What one partner has declared of its sensors, by name: state, since when, and coarsely what each watches."""
    declared, suite = centre.assisted.declared, gateway.centre.suite
    found = {}
    for index in np.flatnonzero((suite.side == gateway.names.index(partner)) & (declared.state[0] != 0)):
        boresight, half_width, lowest, highest, range_m = declared.sector[0, index]
        found[suite.names[index]] = {
            "state": SensorState(int(declared.state[0, index])).name.lower(),
            "stated_s": float(declared.stated_s[0, index]),
        }
        if range_m > 0.0:
            degrees = np.degrees([boresight, half_width, lowest, highest]).round(1).tolist()
            found[suite.names[index]]["watches"] = dict(
                zip(("boresight_deg", "half_width_deg", "lowest_deg", "highest_deg"), degrees, strict=True),
                range_km=float(range_m) / 1e3,
            )
    return found
