"""The agreement both sides sign: data, not code. What no clause releases is withheld."""

from datetime import datetime
from enum import IntEnum
from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from detente.scenario.words import Box, CountryCode, Moment, Name, RefusedError, Strict


class DataClass(IntEnum):
    """What kind of information a clause speaks of."""

    LAUNCH_WARNING = 1
    IMPACT_PREDICTION = 2
    TRACK = 3
    SENSOR_STATUS = 4
    TRACKLET = 5


DataClassName = Literal["launch-warning", "impact-prediction", "track", "sensor-status", "tracklet"]


RangeClass = Literal["short", "medium", "intermediate", "intercontinental"]
RANGE_CLASSES: tuple[str, ...] = get_args(RangeClass)
RANGE_LIMITS_KM = (1000.0, 3000.0, 5500.0)
"""Ranges that part the classes. National Air and Space Intelligence Center, "Ballistic and Cruise Missile Threat",
2020: short below 1,000 km, medium to 3,000, intermediate to 5,500, intercontinental beyond."""


RATES_S = (1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 86400.0)
"""The rates at which clauses speak: one message about an object in so many seconds. A clause speaks at the first that
is no faster than its ``every_s``. Rates are few and each divides the next, so that a turn of one can be a turn of all
faster ones, and a slower clause never says what a faster one does not."""


DELAY_MAX_S = 600.0
"""The longest delay. What waits is kept, with the picture that it was drawn from, in a gateway's memory and its store:
later than this a missile has come down. source: assumption, 60-3,600."""

LIKELY = 0.5


class Condition(Strict):
    """What must hold of an object before the clause releases anything about it. Every condition given must hold."""

    impact_in: Literal["receiver", "giver", "any-party"] | None = None  # predicted impact in that territory
    impact_probability: Annotated[float, Field(gt=0, le=1)] = LIKELY  # at least this, where impact_in is given
    launch_zone: Box | None = None  # estimated launch point inside
    object_zone: Box | None = None  # the object itself is over it
    impact_zone: Box | None = None  # predicted impact point inside
    phases: tuple[Literal["boost", "coast", "reentry"], ...] = ()  # empty: any
    range_classes: tuple[RangeClass, ...] = ()  # by estimated launch and predicted impact; empty: any

    @model_validator(mode="after")
    def _likely_to_hit_something(self) -> "Condition":
        if self.impact_in is None and self.impact_probability != LIKELY:
            raise RefusedError(
                "impact_in beside it", "say whose territory is meant, or leave impact_probability out",
                found=f"impact_probability {self.impact_probability:g} without impact_in", part=("impact_probability",),
            )  # fmt: skip
        return self


DAY_S = 86400.0
SIGMA_MOST_M, SIGMA_MOST_M_S, GRID_MOST_KM = 2e7, 1e5, 2e4
"""The most that can be taken away: half the way around the Earth, and ten times the speed at which one leaves it. Who
wants to tell less has a clause too many."""


class Coarsening(Strict):
    """How much detail is taken away before release. Covariances are inflated to stay true."""

    sigma_position_m: Annotated[float, Field(ge=0, le=SIGMA_MOST_M)] = 0.0  # so much uncertainty is added at least
    sigma_velocity_m_s: Annotated[float, Field(ge=0, le=SIGMA_MOST_M_S)] = 0.0
    grid_km: Annotated[float, Field(ge=0, le=GRID_MOST_KM)] = 0.0  # launch and impact points are rounded to such a grid
    time_s: Annotated[float, Field(ge=0, le=DAY_S)] = 0.0  # times are rounded to this step


Classification = Literal["UNCLASSIFIED", "RESTRICTED", "CONFIDENTIAL", "SECRET"]
CLASSIFICATIONS: tuple[str, ...] = get_args(Classification)
"""From least to most sensitive."""


class Label(Strict):
    """A confidentiality label after STANAG 4774 (ADatP-4774): a policy, a classification, and who may have it.

    The envelope's signature binds it to the data, as STANAG 4778 asks.
    """

    policy: Name = "EXERCISE"  # policy identifier
    classification: Classification = "UNCLASSIFIED"
    releasable_to: tuple[Name, ...] = ()  # category "Releasable To"; empty: the receiver alone


class Terms(Strict):
    """How a clause may be suspended or left. The two gateways keep to it; a study never suspends."""

    suspended_by: Literal["giver", "receiver", "either"] = "either"
    suspension_notice_s: Annotated[float, Field(ge=0)] = 0.0
    withdrawal_notice_s: Annotated[float, Field(ge=0)] = 0.0
    after_withdrawal: Literal["kept", "deleted"] = "kept"  # what becomes at the receiver of what was told before


class Clause(Strict):
    """One thing that one party will tell another."""

    name: Name
    data: DataClassName
    giver: Name
    receiver: Name
    owners_withheld: tuple[CountryCode, ...] = ()  # owners whose sensors' contributions may not be released
    owners_consenting: tuple[CountryCode, ...] | None = None  # if given, only their sensors may have contributed
    when: Condition = Condition()
    delay_s: Annotated[float, Field(ge=0, le=DELAY_MAX_S)] = 0.0  # earliest release after its moment
    every_s: Annotated[float, Field(gt=0, le=RATES_S[-1])] = 10.0  # at most one message about an object in this time
    coarsen: Coarsening = Coarsening()
    retention_s: Annotated[float, Field(gt=0)] | None = None  # the receiver deletes it after; not given: kept
    onward: Literal[False] = False  # onward release is never allowed
    terms: Terms = Terms()
    label: Label = Label()

    @property
    def rate(self) -> int:
        """Which of :data:`RATES_S` the clause speaks at: the first that is no faster than ``every_s``."""
        return next(index for index, period_s in enumerate(RATES_S) if period_s >= self.every_s)

    @property
    def period_s(self) -> float:
        """Seconds between two turns of the clause to speak of an object."""
        return RATES_S[self.rate]


class Validity(Strict):
    """From when to when an agreement holds."""

    start: Moment
    end: Moment

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "Validity":
        if self.end <= self.start:
            raise RefusedError(
                f"a time after start ({self.start})",
                "exchange the two, or correct one",
                found=f"end {self.end}",
                part=("end",),
            )
        return self


class Agreement(Strict):
    """Parties, validity and clauses. Closed by default: no clause, no release."""

    name: Name
    title: str
    source: str
    parties: Annotated[tuple[Name, ...], Field(min_length=2)]
    valid: Validity
    clauses: tuple[Clause, ...] = ()
    notes: str = ""

    @model_validator(mode="after")
    def _parties_differ(self) -> "Agreement":
        for index, party in enumerate(self.parties):
            if party in self.parties[:index]:
                raise RefusedError("parties that differ", "name it once", found=repr(party), part=("parties", index))
        return self

    @model_validator(mode="after")
    def _clauses_name_parties(self) -> "Agreement":
        names = [clause.name for clause in self.clauses]
        parties = ", ".join(self.parties)
        for index, clause in enumerate(self.clauses):
            where = ("clauses", index)
            for role, party in (("giver", clause.giver), ("receiver", clause.receiver)):
                if party not in self.parties:
                    raise RefusedError(f"one of {parties}", "name a party", found=repr(party), part=(*where, role))
            if clause.giver == clause.receiver:
                raise RefusedError(
                    "two parties", "change one", found=f"giver and receiver {clause.giver!r}", part=where
                )
            beyond = [name for name in clause.label.releasable_to if name not in self.parties]
            if beyond or (clause.label.releasable_to and clause.receiver not in clause.label.releasable_to):
                raise RefusedError(
                    f"parties ({parties}), with the receiver {clause.receiver} among them",
                    "name them, or leave it out",
                    found=f"releasable to {', '.join(clause.label.releasable_to)}", part=(*where, "label"),
                )  # fmt: skip
            torn = set(clause.owners_withheld) & set(clause.owners_consenting or ())
            if torn:
                raise RefusedError(
                    "owners that either withhold or consent", "strike them from one of the two lists",
                    found=f"{', '.join(sorted(torn))} in both", part=(*where, "owners_consenting"),
                )  # fmt: skip
            if names.index(clause.name) < index:
                raise RefusedError("names that differ", "rename one", found=repr(clause.name), part=(*where, "name"))
        return self

    def holds_at(self, moment: datetime) -> bool:
        """True while the agreement is in force."""
        return self.valid.start <= moment < self.valid.end
