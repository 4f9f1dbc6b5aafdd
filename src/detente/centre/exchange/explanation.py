"""Why one message would leave, or would not: every clause, and every condition that does not hold, in words.

Release stops at the first reason, in a kernel; here all are told, of one message whose facts somebody wrote down.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, model_validator

from detente.centre.exchange.cover import carries
from detente.centre.exchange.wording import box_words
from detente.centre.exchange.zones import distance_km, inside, range_class
from detente.geodesy.timescale import format_moment
from detente.scenario.agreement import Agreement, Clause, Condition, DataClassName
from detente.scenario.complaints import did_you_mean
from detente.scenario.words import CountryCode, Moment, Name, RefusedError, Strict


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a message's names are held to when its facts are read: a misspelt one would be withheld, or released."""

    parties: tuple[str, ...]  # of the agreement
    countries: frozenset[str]  # ISO 3166-1 alpha-3


class Place(Strict):
    """A point on the ground."""

    lat_deg: Annotated[float, Field(ge=-90, le=90)]
    lon_deg: Annotated[float, Field(ge=-180, le=180)]

    @property
    def point(self) -> tuple[float, float]:
        """Latitude and longitude, degrees."""
        return self.lat_deg, self.lon_deg


class Facts(Strict):
    """What is known of one message that a side might send. What is not given is not known."""

    data: DataClassName
    giver: Name
    receiver: Name
    at: Moment  # when it would leave
    age_s: Annotated[float, Field(ge=0)] = 0.0  # since the moment it speaks of
    since_last_s: Annotated[float, Field(ge=0)] | None = None  # between that moment and the last turn; none: first
    owners: Annotated[tuple[CountryCode, ...], Field(min_length=1)]  # of the sensors that contributed
    own_sensors_only: bool = True  # all of them are the giver's
    phase: Literal["boost", "coast", "reentry"] | None = None
    impact_probability: dict[Name, Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict
    )  # by side, that the impact is there
    launch: Place | None = None
    object: Place | None = None
    impact: Place | None = None

    @model_validator(mode="after")
    def _told_to_another(self) -> "Facts":
        if self.giver == self.receiver:
            raise RefusedError(
                "another party", "say who is told", found=f"{self.giver!r}, the giver", part=("receiver",)
            )
        return self

    @model_validator(mode="after")
    def _names_are_known(self, info: ValidationInfo) -> "Facts":
        """Where the reader says which names there are (:class:`Known`)."""
        known = info.context
        if not isinstance(known, Known):
            return self
        named = [(("giver",), self.giver), (("receiver",), self.receiver)]
        named += [(("impact_probability", side), side) for side in self.impact_probability]
        for part, name in named:
            if name not in known.parties:
                remedy = did_you_mean(name, known.parties) or "name a party of the agreement"
                raise RefusedError(f"one of {', '.join(known.parties)}", remedy, found=repr(name), part=part)
        for index, owner in enumerate(self.owners):
            if owner not in known.countries:
                remedy = did_you_mean(owner, known.countries) or "give the code of the state that owns the sensor"
                expected = "an ISO 3166-1 alpha-3 code, such as FRA"
                raise RefusedError(expected, remedy, found=repr(owner), part=("owners", index))
        return self


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What one clause says of a message."""

    clause: str
    releases: bool
    reasons: tuple[str, ...]  # every condition that does not hold; of a release, what makes it possible
    waits_s: float = 0.0  # released once it has waited this much longer


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What an agreement says of a message."""

    released: bool
    judgements: tuple[Judgement, ...]  # of the clauses that speak of it
    why: str
    told_in: tuple[str, ...] = ()  # clauses that would let all of it leave all the same, inside what another kind holds


def explain(agreement: Agreement, facts: Facts) -> Explanation:
    """Which clause would release this message, or why each withholds it. Closed by default: no clause, no release."""
    speaking = [
        clause
        for clause in agreement.clauses
        if (clause.giver, clause.receiver, clause.data) == (facts.giver, facts.receiver, facts.data)
    ]
    judged = tuple(_judge(clause, agreement, facts) for clause in speaking)
    released = [judgement for judgement in judged if judgement.releases]
    if released:
        now = [judgement for judgement in released if judgement.waits_s == 0]
        why = f"released by {', '.join(judgement.clause for judgement in now or released)}"
        if not now:
            why += f", after waiting {min(judgement.waits_s for judgement in released):g} s more"
    elif judged:
        why = "withheld by every clause that speaks of it"
    else:
        why = f"withheld: no clause lets {facts.giver} tell {facts.receiver} {facts.data}"
    holders = () if released else _holders(agreement, facts)
    if holders:
        names, what = ", ".join(clause.name for clause in holders), holders[0].data
        why += f"; but a {what} holds all of it, and {names} may release that"
    return Explanation(
        released=any(judgement.waits_s == 0 for judgement in released), judgements=judged, why=why,
        told_in=tuple(clause.name for clause in holders),
    )  # fmt: skip


def _holders(agreement: Agreement, facts: Facts) -> tuple[Clause, ...]:
    """The clauses by which the same leaves inside data of another kind; when their last turn was is not known."""
    asked = facts.model_copy(update={"since_last_s": None})
    return tuple(
        clause
        for clause in agreement.clauses
        if clause.data != facts.data and facts.data in carries(clause.data)
        and (clause.giver, clause.receiver) == (facts.giver, facts.receiver)
        and _judge(clause, agreement, asked).releases
    )  # fmt: skip


def _judge(clause: Clause, agreement: Agreement, facts: Facts) -> Judgement:
    held = [
        *_in_force(agreement, facts.at), *_content(clause, facts), *_pedigree(clause, facts),
        *_conditions(clause, agreement, facts),
    ]  # fmt: skip
    if facts.since_last_s is not None and facts.since_last_s < clause.period_s:
        held.append(f"only {facts.since_last_s:g} s after the last turn; one comes every {clause.period_s:g} s")
    if held:
        return Judgement(clause=clause.name, releases=False, reasons=tuple(held))
    waits_s = max(0.0, clause.delay_s - facts.age_s)
    told = "every condition holds" if not waits_s else f"every condition holds; its delay of {clause.delay_s:g} s runs"
    return Judgement(clause=clause.name, releases=True, reasons=(told,), waits_s=waits_s)


def _in_force(agreement: Agreement, at: datetime) -> list[str]:
    if agreement.holds_at(at):
        return []
    return [f"the agreement holds from {format_moment(agreement.valid.start)} to {format_moment(agreement.valid.end)}"]


def _content(clause: Clause, facts: Facts) -> list[str]:
    needed = {"launch-warning": facts.launch, "impact-prediction": facts.impact}
    if clause.data in needed and needed[clause.data] is None:
        return [f"there is no {clause.data.split('-')[0]} estimate to tell"]
    if clause.data == "sensor-status" and clause.when != Condition():
        return ["it asks of an object what no sensor's status can answer"]
    return []


def _pedigree(clause: Clause, facts: Facts) -> list[str]:
    found = [] if facts.own_sensors_only else ["a sensor that is not the giver's contributed: nothing is passed on"]
    for owner in facts.owners:
        if owner in clause.owners_withheld:
            found.append(f"{owner} withholds what its sensors contribute")
        elif clause.owners_consenting is not None and owner not in clause.owners_consenting:
            found.append(f"{owner} is not among the owners that consent")
    return found


def _conditions(clause: Clause, agreement: Agreement, facts: Facts) -> list[str]:
    when, found = clause.when, []
    if when.phases and facts.phase not in when.phases:
        found.append(f"in {facts.phase or 'an unknown phase'}, not in {' or '.join(when.phases)}")
    if when.impact_in is not None:
        named = {"receiver": (clause.receiver,), "giver": (clause.giver,), "any-party": agreement.parties}
        likely = sum(facts.impact_probability.get(side, 0.0) for side in named[when.impact_in])
        if facts.impact is None or likely < when.impact_probability:
            found.append(
                f"impact in {when.impact_in}'s territory is "
                + ("unknown" if facts.impact is None else f"{likely:g} likely, below {when.impact_probability:g}")
            )
    zones = (
        ("launch", facts.launch, when.launch_zone), ("object", facts.object, when.object_zone),
        ("impact", facts.impact, when.impact_zone),
    )  # fmt: skip
    for what, place, zone in zones:
        if zone is not None and (place is None or not inside(place.point, zone)):
            found.append(f"the {what} is {'unknown' if place is None else 'outside'}: asked for {box_words(zone)}")
    if when.range_classes:
        found += _range(facts, when.range_classes)
    return found


def _range(facts: Facts, asked: tuple[str, ...]) -> list[str]:
    if facts.launch is None or facts.impact is None:
        return ["launch or impact is unknown, and with it how far the flight goes"]
    km = distance_km(facts.launch.point, facts.impact.point)
    name = range_class(km)
    return [] if name in asked else [f"a flight of {km:.0f} km is of {name} range, not {' or '.join(asked)}"]
