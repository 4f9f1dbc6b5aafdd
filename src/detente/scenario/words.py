"""What scenario, agreement and catalogue files share: numbers with sources, places, strict models."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Literal, get_args

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]{0,63}$")]
"""What a thing is called in files, tables and on screens."""

CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 3166-1 alpha-3."""


class RefusedError(ValueError):
    """Why a model refuses a value: what it expected, what to do, and, if not the whole value is meant, which part."""

    def __init__(self, expected: str, remedy: str, *, found: str = "", part: tuple[str | int, ...] = ()) -> None:
        super().__init__(expected)
        self.expected, self.remedy, self.found, self.part = expected, remedy, found, part


def _is_written_out(value: object) -> object:
    if not isinstance(value, (str, date, datetime)):
        raise RefusedError("a time or date as text", "write it as 2010-12-01T06:00:00Z, or 2010-12-01 for a day")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_is_written_out)]
"""A UTC time as text; a bare number would be read as seconds since 1970."""

Day = Annotated[date, BeforeValidator(_is_written_out)]
"""A date as text."""

Source = Annotated[str, StringConstraints(min_length=3)]
"""Who says so; without a public source it begins with "assumption"."""

UNSOURCED = "assumption (no source given)"

Confidence = Literal["high", "medium", "low"]


class Strict(BaseModel):
    """A frozen model that refuses keys it does not know, and truth values where a number is asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _true_is_no_number(cls, data: object) -> object:
        for name, value in data.items() if isinstance(data, dict) else ():
            if isinstance(value, bool) and name in cls.model_fields and _is_number(cls.model_fields[name].annotation):
                found = str(value).lower()
                raise RefusedError("a number", "write one, in the unit of the key's name", found=found, part=(name,))
        return data


def _is_number(asked: object) -> bool:
    """True for what would read a truth value as a number; whole numbers refuse one by themselves."""
    return asked is float or any(_is_number(part) for part in get_args(asked))


class Quantity(Strict):
    """A number, who says so, and the range a study draws from (uniformly, once a replicate).

    The unit is in the name of the key that holds the quantity. ``low`` and ``high`` default to ``value``.
    """

    value: Annotated[float, Field(strict=True)]
    low: Annotated[float, Field(strict=True)]
    high: Annotated[float, Field(strict=True)]
    source: Source
    confidence: Confidence = "medium"

    @model_validator(mode="before")
    @classmethod
    def _range_defaults_to_value(cls, data: object) -> object:
        if isinstance(data, dict) and "value" in data:
            return {"low": data["value"], "high": data["value"], **data}
        return data

    @model_validator(mode="after")
    def _is_ordered_and_honest(self) -> "Quantity":
        if not self.low <= self.value <= self.high:
            raise RefusedError("low ≤ value ≤ high", "put the value between low and high, or widen the range")
        if self.source.startswith("assumption") and self.low == self.high:
            raise RefusedError("a range, because an assumption needs one", "give low and high, or a public source")
        return self


def _within(least: float, most: float, *, open_below: bool = False) -> Callable[[Quantity], Quantity]:
    def check(quantity: Quantity) -> Quantity:
        too_low = quantity.low <= least if open_below else quantity.low < least
        if too_low or quantity.high > most:
            words = f"more than {least:g}" if open_below else f"{least:g} or more"
            raise RefusedError(
                f"low and high {words} and at most {most:g}, in the unit of the key's name",
                "correct the numbers; is the unit right?",
            )
        return quantity

    return check


PositiveQuantity = Annotated[Quantity, AfterValidator(_within(0.0, 1e9, open_below=True))]
"""A quantity above zero."""

CountQuantity = Annotated[Quantity, AfterValidator(_within(0.0, 1e6))]
"""A quantity of zero or more."""

ShareQuantity = Annotated[Quantity, AfterValidator(_within(0.0, 1.0))]
"""A probability or a share, 0 to 1."""

SecondsQuantity = Annotated[Quantity, AfterValidator(_within(0.0, 86_400.0))]
"""A wait of zero seconds or more, up to a day."""

IntervalQuantity = Annotated[Quantity, AfterValidator(_within(0.1, 3_600.0))]
"""Seconds between two looks."""

ReachQuantity = Annotated[Quantity, AfterValidator(_within(0.0, 50_000.0, open_below=True))]
"""Kilometres, at most a little beyond the geostationary ring; more is likely metres."""

HeightQuantity = Annotated[Quantity, AfterValidator(_within(0.0, 5_000.0))]
"""Kilometres above the ground."""

SpeedQuantity = Annotated[Quantity, AfterValidator(_within(0.0, 12.0, open_below=True))]
"""Kilometres a second, at most a little beyond escape; more is likely metres a second."""

DegreesQuantity = Annotated[Quantity, AfterValidator(_within(-360.0, 360.0))]
"""An angle."""

DecibelQuantity = Annotated[Quantity, AfterValidator(_within(-20.0, 60.0))]
"""A ratio in decibels."""


LOWEST_GROUND_M, HIGHEST_GROUND_M = -430.0, 9_000.0  # the shore of the Dead Sea; above every summit


def _above_ground(altitude_m: float) -> float:
    if altitude_m < LOWEST_GROUND_M:
        raise RefusedError(
            f"a height of {LOWEST_GROUND_M:,.0f} m, the lowest dry land, to {HIGHEST_GROUND_M:,.0f} m",
            "give the height of the ground there, in metres",
            found=f"a place {-altitude_m:,.0f} m inside the Earth",
        )  # fmt: skip
    if altitude_m > HIGHEST_GROUND_M:
        raise RefusedError(
            f"at most {HIGHEST_GROUND_M:,.0f} m, above every summit", "give the height in metres",
            found=f"a place on the ground {altitude_m:,.0f} m up",
        )  # fmt: skip
    return altitude_m


class Position(Strict):
    """A point on or above the WGS84 ellipsoid."""

    lat_deg: Annotated[float, Field(strict=True, ge=-90, le=90)]
    lon_deg: Annotated[float, Field(strict=True, ge=-180, le=180)]
    altitude_m: Annotated[float, Field(strict=True), AfterValidator(_above_ground)] = 0.0


class Box(Strict):
    """A box of latitude and longitude; west may exceed east where it crosses the antimeridian."""

    south_deg: Annotated[float, Field(strict=True, ge=-90, le=90)]
    north_deg: Annotated[float, Field(strict=True, ge=-90, le=90)]
    west_deg: Annotated[float, Field(strict=True, ge=-180, le=180)]
    east_deg: Annotated[float, Field(strict=True, ge=-180, le=180)]

    @model_validator(mode="after")
    def _north_is_above_south(self) -> "Box":
        if self.north_deg <= self.south_deg:
            raise RefusedError(
                f"north_deg above south_deg ({self.south_deg:g})", "exchange the two, or correct one",
                found=f"north_deg {self.north_deg:g}", part=("north_deg",),
            )  # fmt: skip
        return self
