"""What is known in public of missiles, radars, satellites, interceptors and places, each number with its source."""

from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from detente.geodesy.constants import A_M
from detente.scenario.words import (
    CountQuantity,
    CountryCode,
    Day,
    DecibelQuantity,
    DegreesQuantity,
    HeightQuantity,
    IntervalQuantity,
    Name,
    Position,
    PositiveQuantity,
    ReachQuantity,
    RefusedError,
    SecondsQuantity,
    ShareQuantity,
    SpeedQuantity,
    Strict,
)

Positive = Annotated[float, Field(strict=True, gt=0)]
EARTH_RADIUS_KM = A_M / 1e3
BURN_MAX_S = 2_000.0
PERIGEE_MIN_KM = 100.0
"""Lower, and the air takes a satellite down within an orbit or so."""


def _in_order(days: tuple[Day, Day]) -> tuple[Day, Day]:
    if days[1] < days[0]:
        raise RefusedError("a first day and a later last day", "exchange the two, or correct one")
    return days


def _is_box(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    south, north, west, east = box
    if not (-90 <= south < north <= 90 and -180 <= west <= 180 and -180 <= east <= 180):
        raise RefusedError("[south, north, west, east] in degrees, south below north", "put the four in that order")
    return box


Service = Annotated[tuple[Day, Day], AfterValidator(_in_order)]
Watch = Annotated[tuple[float, float, float, float], AfterValidator(_is_box)]


class MissileStage(Strict):
    """One stage alone, without payload or the stages above it."""

    fuelled_kg: Positive
    dry_kg: Positive
    isp_s: Annotated[float, Field(strict=True, gt=0, lt=600)]
    burn_s: Annotated[float, Field(strict=True, ge=0.1, le=BURN_MAX_S)]  # at full thrust
    diameter_m: Annotated[float, Field(strict=True, gt=0, lt=20)]
    nozzle_exit_diameter_m: Annotated[float | None, Field(gt=0, lt=20)] = None
    # The share of full thrust it runs at; the burn lasts longer by as much.
    throttle: Annotated[float, Field(strict=True, gt=0, le=1)] = 1.0

    @model_validator(mode="after")
    def _carries_propellant(self) -> "MissileStage":
        if self.dry_kg >= self.fuelled_kg:
            raise RefusedError(
                f"less than fuelled_kg ({self.fuelled_kg:g})", "exchange the two, or correct one",
                found=f"dry_kg {self.dry_kg:g}", part=("dry_kg",),
            )  # fmt: skip
        if self.burn_s / self.throttle > BURN_MAX_S:
            raise RefusedError(
                f"a burn of at most {BURN_MAX_S:,.0f} s", "throttle less, or burn faster",
                found=f"a burn of {self.burn_s / self.throttle:,.0f} s", part=("throttle",),
            )  # fmt: skip
        return self


class PointMassMissile(Strict):
    """What it takes to fly a missile: masses, motors, drag, and who says so."""

    name: Name
    source: str
    payload_kg: Positive
    stages: Annotated[tuple[MissileStage, ...], Field(min_length=1, max_length=4)]
    # (Mach number, drag coefficient), Mach ascending
    cd: Annotated[tuple[tuple[float, float], ...], Field(min_length=1, max_length=64)]

    @model_validator(mode="after")
    def _flies(self) -> Self:
        self._check_drag()
        if self.push_kg <= self.lifted_kg:
            raise RefusedError(
                f"a push above the {self.lifted_kg:,.0f} kg it must lift",
                "burn the first stage faster, or lighten the missile",
                found=f"a first stage that pushes {self.push_kg:,.0f} kg", part=("stages", 0),
            )  # fmt: skip
        return self

    def _check_drag(self) -> None:
        """Refuse a drag table out of order, or of numbers no body has."""
        mach = [row[0] for row in self.cd]
        step = next(((a, b) for a, b in pairwise(mach) if b <= a), None)
        if mach[0] < 0 or step is not None:
            found = f"Mach {mach[0]:g}" if step is None else f"Mach {step[1]:g} after Mach {step[0]:g}"
            expected = "rows of (Mach number, coefficient), Mach from 0 up, each higher than the one before"
            raise RefusedError(expected, "sort the rows, or correct them", found=found, part=("cd",))
        wrong = next((row[1] for row in self.cd if not 0 <= row[1] < 10), None)
        if wrong is not None:
            raise RefusedError(
                "drag coefficients of 0 to 10", "correct the second number of the row",
                found=f"a coefficient of {wrong:g}", part=("cd",),
            )  # fmt: skip

    @property
    def lifted_kg(self) -> float:
        """All that the first stage lifts from the ground."""
        return self.payload_kg + sum(stage.fuelled_kg for stage in self.stages)

    @property
    def push_kg(self) -> float:
        """The first stage's thrust in vacuum, as the mass whose weight it equals."""
        first = self.stages[0]
        return first.throttle * first.isp_s * (first.fuelled_kg - first.dry_kg) / first.burn_s


class MissileFile(PointMassMissile):
    """A user's own missile, alone in a file: what ``detente fly FILE.yaml`` reads."""

    title: str = ""
    # Of what reenters; none: the burnt-out last stage and its payload fly on whole, on the same drag table.
    ballistic_coefficient_kg_m2: Annotated[float | None, Field(ge=10, le=1e6)] = None
    notes: str = ""


class MissileEntry(PointMassMissile):
    """A ballistic missile as a point mass with published or fitted stages."""

    kind: Literal["missile"] = "missile"
    title: str
    fitted: bool = False  # True where stages were fitted to a published range, not published themselves
    range_km: ReachQuantity  # as published
    ballistic_coefficient_kg_m2: PositiveQuantity  # of what reenters
    radar_cross_section_m2: PositiveQuantity
    notes: str = ""


class RadarEntry(Strict):
    """A ground or ship radar at its place, with its sector and what is published of its reach."""

    kind: Literal["radar"] = "radar"
    name: Name
    title: str
    source: str
    country: CountryCode  # where it stands
    owner: CountryCode  # whose consent a release may need
    position: Position
    boresight_azimuth_deg: Annotated[float, Field(strict=True, ge=0, lt=360)] = 0.0
    sector_width_deg: Annotated[float, Field(strict=True, gt=0, le=360)] = 360.0
    elevation_min_deg: Annotated[float, Field(strict=True, ge=-5, le=90)] = 2.0
    elevation_max_deg: Annotated[float, Field(strict=True, ge=0, le=90)] = 85.0
    reference_range_km: ReachQuantity  # where a 1 m² target gives reference_snr_db
    reference_snr_db: DecibelQuantity
    instrumented_range_km: ReachQuantity  # nothing is reported beyond
    revisit_s: IntervalQuantity
    false_alarm_probability: ShareQuantity  # a resolution cell and look
    false_plots_per_scan: CountQuantity  # mean number reported over the whole sector
    sigma_range_m: PositiveQuantity  # at the reference signal-to-noise ratio
    sigma_azimuth_mrad: PositiveQuantity
    sigma_elevation_mrad: PositiveQuantity
    in_service: Service | None = None  # first day and last
    notes: str = ""

    @model_validator(mode="after")
    def _looks_somewhere(self) -> "RadarEntry":
        if self.elevation_max_deg <= self.elevation_min_deg:
            raise RefusedError(
                f"more than elevation_min_deg ({self.elevation_min_deg:g})", "exchange the two, or correct one",
                found=f"elevation_max_deg {self.elevation_max_deg:g}", part=("elevation_max_deg",),
            )  # fmt: skip
        return self


class SatelliteEntry(Strict):
    """An infrared early-warning satellite that sees boost above the clouds."""

    kind: Literal["satellite"] = "satellite"
    name: Name
    title: str
    source: str
    owner: CountryCode
    # Two-body orbit; longitude of the ascending node is geographic, at the scenario's epoch (geostationary: the
    # sub-point longitude with zero inclination and eccentricity).
    semi_major_axis_km: Positive
    eccentricity: Annotated[float, Field(strict=True, ge=0, lt=1)]
    inclination_deg: Annotated[float, Field(strict=True, ge=0, le=180)]
    argument_of_perigee_deg: float
    node_longitude_deg: DegreesQuantity
    mean_anomaly_deg: DegreesQuantity
    watch: tuple[float, float, float, float] | None = (
        None  # south, north, west, east of the watched box; None: whole disc
    )
    revisit_s: IntervalQuantity
    sigma_line_of_sight_urad: PositiveQuantity
    detection_probability: ShareQuantity  # a look at a burning missile above the clouds
    cloud_top_km: HeightQuantity
    false_plots_per_scan: CountQuantity
    earth_limb_grazing_km: Annotated[float, Field(strict=True, ge=-100, le=1_000)] = 15.0
    in_service: Service | None = None
    notes: str = ""

    @model_validator(mode="after")
    def _stays_above_the_ground(self) -> "SatelliteEntry":
        perigee_km = self.semi_major_axis_km * (1.0 - self.eccentricity) - EARTH_RADIUS_KM
        if perigee_km < PERIGEE_MIN_KM:
            raise RefusedError(
                f"a perigee at least {PERIGEE_MIN_KM:g} km above the ground",
                f"raise semi_major_axis_km ({self.semi_major_axis_km:g}) or lower eccentricity ({self.eccentricity:g})",
                found=f"a perigee {perigee_km:,.0f} km above the ground", part=("semi_major_axis_km",),
            )  # fmt: skip
        return self


class InterceptorEntry(Strict):
    """An interceptor as a published speed, a reach in time and a kill probability; nothing else is modelled."""

    kind: Literal["interceptor"] = "interceptor"
    name: Name
    title: str
    source: str
    burnout_speed_km_s: SpeedQuantity
    burn_s: SecondsQuantity
    range_max_km: ReachQuantity
    altitude_min_km: HeightQuantity
    altitude_max_km: HeightQuantity
    target_speed_max_km_s: SpeedQuantity | None = None
    kill_probability: ShareQuantity  # single shot, given that discrimination succeeded
    basket_km: HeightQuantity  # how far from the predicted point the object may be and still be met
    notes: str = ""

    @model_validator(mode="after")
    def _has_room_to_meet(self) -> "InterceptorEntry":
        if self.altitude_max_km.low <= self.altitude_min_km.high:
            raise RefusedError(
                f"more than altitude_min_km reaches ({self.altitude_min_km.high:g})",
                "exchange the two, or correct one",
                found=f"altitude_max_km from {self.altitude_max_km.low:g}", part=("altitude_max_km",),
            )  # fmt: skip
        return self


class PlaceEntry(Strict):
    """A named point: a launch area, a site, a port."""

    kind: Literal["place"] = "place"
    name: Name
    title: str
    source: str
    country: CountryCode
    position: Position
    notes: str = ""


class ThreatView(Strict):
    """What one party said in public that a third state's missiles can do: which exist, and how far they fly."""

    kind: Literal["threat-view"] = "threat-view"
    name: Name
    title: str
    source: str
    unavailable: tuple[Name, ...] = ()  # missiles that this view says do not exist
    substitute: dict[Name, Name] = Field(default={})  # launches of the first are flown with the second
    notes: str = ""


CatalogueEntry = Annotated[
    MissileEntry | RadarEntry | SatelliteEntry | InterceptorEntry | PlaceEntry | ThreatView, Field(discriminator="kind")
]
ENTRY_MODELS: dict[str, type[Strict]] = {
    "missile": MissileEntry,
    "radar": RadarEntry,
    "satellite": SatelliteEntry,
    "interceptor": InterceptorEntry,
    "place": PlaceEntry,
    "threat-view": ThreatView,
}
KINDS = tuple(ENTRY_MODELS)
KIND_FIELDS = {kind: f"{kind.replace('-', '_')}s" for kind in KINDS}
"""Where a :class:`Catalogue` keeps each kind."""


class CatalogueFile(Strict):
    """One catalogue file as written."""

    catalogue: str = ""  # what the file is about; for its reader
    common: tuple[Any, ...] = ()  # values that several entries share by YAML anchor and alias
    entries: tuple[CatalogueEntry, ...]


class Catalogue(Strict):
    """Every entry by kind and name."""

    missiles: dict[str, MissileEntry] = Field(default={})
    radars: dict[str, RadarEntry] = Field(default={})
    satellites: dict[str, SatelliteEntry] = Field(default={})
    interceptors: dict[str, InterceptorEntry] = Field(default={})
    places: dict[str, PlaceEntry] = Field(default={})
    threat_views: dict[str, ThreatView] = Field(default={})
