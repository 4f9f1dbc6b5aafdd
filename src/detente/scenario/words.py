"""The small vocabulary that scenario, agreement and catalogue files share: numbers with sources, places, strict models."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]{0,63}$")]
"""What a thing is called in files, tables and on screens."""

CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 3166-1 alpha-3."""

Confidence = Literal["high", "medium", "low"]


class Strict(BaseModel):
    """A frozen model that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Quantity(Strict):
    """A number, who says so, and the range a study draws from (uniformly, once a replicate).

    The unit is in the name of the key that holds the quantity. ``low`` and ``high`` default to ``value``.
    """

    value: float
    low: float
    high: float
    source: Annotated[str, StringConstraints(min_length=3)]
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
            raise ValueError(f"needs low ≤ value ≤ high, found {self.low} ≤ {self.value} ≤ {self.high}")
        if self.source.startswith("assumption") and self.low == self.high:
            raise ValueError("an assumption needs a range: give low and high")
        return self


class Position(Strict):
    """A point on or above the WGS84 ellipsoid."""

    lat_deg: Annotated[float, Field(ge=-90, le=90)]
    lon_deg: Annotated[float, Field(ge=-180, le=180)]
    altitude_m: Annotated[float, Field(ge=-430, le=9000)] = 0.0


class Box(Strict):
    """A box of latitude and longitude; west may exceed east where it crosses the antimeridian."""

    south_deg: Annotated[float, Field(ge=-90, le=90)]
    north_deg: Annotated[float, Field(ge=-90, le=90)]
    west_deg: Annotated[float, Field(ge=-180, le=180)]
    east_deg: Annotated[float, Field(ge=-180, le=180)]

    @model_validator(mode="after")
    def _north_is_above_south(self) -> "Box":
        if self.north_deg <= self.south_deg:
            raise ValueError(f"north_deg ({self.north_deg}) must exceed south_deg ({self.south_deg})")
        return self
