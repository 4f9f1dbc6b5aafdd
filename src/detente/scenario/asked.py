"""A whole scenario: the file as written, and the scenario as resolved against catalogue, borders and agreements."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from detente.geodesy.territory import Territory
from detente.scenario.agreement import Agreement
from detente.scenario.catalogue import (
    InterceptorEntry,
    MissileEntry,
    PlaceEntry,
    RadarEntry,
    SatelliteEntry,
)
from detente.scenario.raid import Raid
from detente.scenario.sides import Side, SiteUse, Troops
from detente.scenario.words import CountryCode, Moment, Name, Position, SecondsQuantity, ShareQuantity, Strict

ARCHITECTURES = ("alone", "warning", "cooperating", "two-key", "sectoral", "joint")


class Link(Strict):
    """The line between the sides' gateways, as a study simulates it."""

    delay_s: SecondsQuantity
    loss_probability: ShareQuantity


class TwoKey(Strict):
    """What it takes to get the other side's consent to an engagement."""

    consent_delay_s: SecondsQuantity
    refusal_probability: ShareQuantity


class Agreements(Strict):
    """Which agreement each architecture works under: a bundled name, or a path beside the scenario file."""

    warning: str = "jdec-2000"
    cooperating: str = "lisbon-2011"
    two_key: Annotated[str | None, Field(alias="two-key")] = None  # default: the cooperating one
    sectoral: str = "sectoral-2011"


class ScenarioFile(Strict):
    """A scenario as a file says it. Degrees and kilometres live here and in the catalogue, nowhere deeper."""

    name: Name
    title: str
    about: str
    epoch: Moment
    duration_s: Annotated[float, Field(strict=True, gt=0, le=86_400)]
    tick_s: Annotated[float, Field(strict=True, ge=1, le=60)] = 5.0  # how often a centre steps
    sides: Annotated[tuple[Side, ...], Field(min_length=2, max_length=8)]
    raid: Raid
    troops: tuple[Troops, ...] = ()
    city_population_min: Annotated[int, Field(strict=True, ge=15_000)] = 15_000
    threat_view: Name | None = None
    false_alarms: bool = True
    discrimination_probability: (
        ShareQuantity  # one draw a replicate, one chance an object: the shots at an object share it
    )
    link: Link
    two_key: Annotated[TwoKey, Field(alias="two-key")]
    agreements: Agreements = Agreements()
    catalogue: str | None = None  # a catalogue file of the user's own, by path beside this file; its entries win
    notes: str = ""


@dataclass(frozen=True, kw_only=True)
class Sensor:
    """One sensor as it is used: a catalogue entry, whose it is and who listens to it."""

    name: str
    side: int  # index into Scenario.sides
    owner: CountryCode
    entry: RadarEntry | SatelliteEntry


@dataclass(frozen=True, kw_only=True)
class Site:
    """One interceptor site as it is used."""

    name: str
    side: int
    owner: CountryCode
    entry: InterceptorEntry
    position: Position
    stock: int
    use: SiteUse


@dataclass(frozen=True, kw_only=True)
class People:
    """Where people live or stand on one side's territory: points and how many, for draws by people."""

    lat_rad: NDArray[np.float64]  # (n,)
    lon_rad: NDArray[np.float64]
    people: NDArray[np.float64]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Written:
    """Where a file says something: what an error about it names."""

    file: str
    line: int
    column: int
    path: str


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A scenario with every reference resolved; what the rooms above are given. Nothing here is drawn yet."""

    name: str
    digest: str  # SHA-256 over the canonical form of all that was resolved
    file: ScenarioFile
    sides: tuple[Side, ...]
    territories: tuple[Territory, ...]  # per side: where aim points are drawn by area
    grounds: tuple[Territory, ...]  # per side: the same with 5 km of shore; asks whose ground an impact hits
    sectors: tuple[Territory | None, ...]  # per side
    cities: tuple[People, ...]  # per side
    troops: tuple[People, ...]  # per side
    sensors: tuple[Sensor, ...]  # over all sides, in the order of the file
    sites: tuple[Site, ...]
    missiles: dict[str, MissileEntry]  # those the raid launches, after the threat view
    places: dict[str, PlaceEntry]
    raid: Raid  # after the threat view
    agreements: dict[str, Agreement | None]  # by architecture; None: no exchange (alone), or one pooled picture (joint)
    launches_written: tuple[tuple[Written, ...], ...] = ()  # per wave and launch of the raid, after the threat view
    cautions: tuple[str, ...] = ()  # what is allowed but worth knowing, such as a sensor not yet in service

    def __repr__(self) -> str:
        return f"Scenario({self.name}: {', '.join(self.side_names)}; digest {self.digest[:12]})"

    def where_launched(self, wave: int, launch: int) -> Written:
        """Where the file says this launch of the raid."""
        if self.launches_written:
            return self.launches_written[wave][launch]
        return Written("", 0, 0, f"raid.waves.{wave}.launches.{launch}")

    @property
    def side_names(self) -> tuple[str, ...]:
        """Names of the sides, in index order."""
        return tuple(side.name for side in self.sides)
