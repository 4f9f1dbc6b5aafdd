"""The agreement both sides sign: data, not code. What no clause releases is withheld."""

from datetime import datetime
from enum import IntEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from detente.scenario.words import CountryCode, Moment, Name, RefusedError, Strict


class DataClass(IntEnum):
    """What kind of information a clause speaks of."""

    LAUNCH_WARNING = 1
    IMPACT_PREDICTION = 2
    TRACK = 3
    SENSOR_STATUS = 4
    TRACKLET = 5


DataClassName = Literal["launch-warning", "impact-prediction", "track", "sensor-status", "tracklet"]


class Condition(Strict):
    """What must hold of an object before the clause releases anything about it. Every condition given must hold."""

    impact_in: Literal["receiver", "giver", "any-party"] | None = None  # predicted impact in that territory
    impact_probability: Annotated[float, Field(gt=0, le=1)] = 0.5  # at least this, where impact_in is given
    phases: tuple[Literal["boost", "coast", "reentry"], ...] = ()  # empty: any


class Coarsening(Strict):
    """How much detail is taken away before release. Covariances are inflated to stay true."""

    sigma_position_m: Annotated[float, Field(ge=0)] = 0.0  # at least this much position uncertainty is added
    sigma_velocity_m_s: Annotated[float, Field(ge=0)] = 0.0
    grid_km: Annotated[float, Field(ge=0)] = 0.0  # launch and impact points are rounded to a grid of this step
    time_s: Annotated[float, Field(ge=0)] = 0.0  # times are rounded to this step


class Clause(Strict):
    """One thing that one party will tell another."""

    name: Name
    data: DataClassName
    giver: Name
    receiver: Name
    owners_withheld: tuple[CountryCode, ...] = ()  # owners whose sensors' contributions may not be released
    when: Condition = Condition()
    delay_s: Annotated[float, Field(ge=0)] = 0.0  # earliest release after the moment the information speaks of
    every_s: Annotated[float, Field(gt=0)] = 10.0  # at most one message about an object in this time
    coarsen: Coarsening = Coarsening()
    onward: Literal[False] = False  # onward release is never allowed
    label: Annotated[str, Field(max_length=64)] = "EXERCISE RELEASABLE"


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
            if names.index(clause.name) < index:
                raise RefusedError("names that differ", "rename one", found=repr(clause.name), part=(*where, "name"))
        return self

    def holds_at(self, moment: datetime) -> bool:
        """True while the agreement is in force."""
        return self.valid.start <= moment < self.valid.end
