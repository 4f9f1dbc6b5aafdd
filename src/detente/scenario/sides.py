"""A side: what it protects, what it sees with, what it can shoot with, and how it decides."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from detente.scenario.catalogue import Positive
from detente.scenario.words import (
    UNSOURCED,
    Box,
    CountryCode,
    Day,
    Name,
    Position,
    RefusedError,
    SecondsQuantity,
    Source,
    Strict,
)


class TerritorySpec(Strict):
    """Ground that a side protects: countries as of a date, or polygons, optionally clipped to boxes."""

    countries: tuple[CountryCode, ...] = ()
    as_of: Day | None = None  # required with countries
    clip: tuple[Box, ...] = ()  # keep only what lies in one of these
    polygons: tuple[tuple[tuple[float, float], ...], ...] = ()  # rings of (lat_deg, lon_deg)

    @model_validator(mode="after")
    def _names_some_ground(self) -> "TerritorySpec":
        if not self.countries and not self.polygons:
            raise RefusedError("some ground", "give countries (ISO 3166 alpha-3) with as_of, or polygons")
        if self.countries and self.as_of is None:
            raise RefusedError(
                "as_of, the date of the borders, beside countries", "add as_of: 2010-12-01 or another date"
            )
        return self


class SensorUse(Strict):
    """A catalogue radar or satellite in this side's hands; ``set`` replaces catalogue fields, by name."""

    use: Name
    name: Name | None = None
    owner: CountryCode | None = None
    set: dict[str, object] = Field(default={})


class SiteUse(Strict):
    """Interceptors of one type at one place. Its numbers are the same in every replicate."""

    name: Name
    interceptor: Name
    place: Name | None = None
    position: Position | None = None
    owner: CountryCode
    stock: Annotated[int, Field(strict=True, ge=0, le=10_000)]
    stock_source: Source
    defends_own_radius_km: Positive | None = (
        None  # point defence: engages only what falls within this radius of the site
    )
    defends_own_radius_source: Source = UNSOURCED

    @model_validator(mode="after")
    def _stands_somewhere(self) -> "SiteUse":
        if (self.place is None) == (self.position is None):
            raise RefusedError("either place (a catalogue name) or position", "give one of the two")
        return self


class Doctrine(Strict):
    """When a side shoots, and how many at once. Its numbers are the same in every replicate."""

    mode: Literal["shoot-look-shoot", "salvo"] = "shoot-look-shoot"
    salvo: Annotated[int, Field(strict=True, ge=1, le=8)] = 1  # interceptors committed at once
    shots_max: Annotated[int, Field(strict=True, ge=1, le=16)] = 3  # at one object, over all its engagements
    look_s: Annotated[float, Field(strict=True, ge=0)] = 15.0  # from intercept to knowing its result
    threat_probability: Annotated[float, Field(strict=True, gt=0, le=1)] = (
        0.5  # P(impact in own territory) needed to shoot
    )
    reserve_fraction: Annotated[float, Field(strict=True, ge=0, le=1)] = (
        0.5  # of stock kept from shots cued by a partner alone
    )
    source: Source = UNSOURCED  # of all its numbers


class Side(Strict):
    """A sovereign party with its own sensors, centre and responsibility."""

    name: Name
    title: str
    territory: TerritorySpec
    owners: tuple[CountryCode, ...] = ()
    sensors: tuple[SensorUse, ...] = ()
    sites: tuple[SiteUse, ...] = ()
    command_delay_s: SecondsQuantity
    doctrine: Doctrine = Doctrine()
    sector: TerritorySpec | None = None  # its exclusive sector in the sectoral architecture


class Troops(Strict):
    """People who are not in a city: a camp, a port, a force in the field."""

    name: Name
    side: Name
    position: Position
    people: Annotated[int, Field(strict=True, ge=1, le=10_000_000_000)]
    source: str
