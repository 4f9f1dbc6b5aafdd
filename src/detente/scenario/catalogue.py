"""What is known in public of missiles, radars, satellites, interceptors and places, each number with its source."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from detente.scenario.words import CountryCode, Name, Position, Quantity, Strict

Positive = Annotated[float, Field(gt=0)]


class MissileStage(Strict):
    """One stage alone, without payload or the stages above it."""

    fuelled_kg: Positive
    dry_kg: Positive
    isp_s: Positive
    burn_s: Positive
    diameter_m: Positive
    nozzle_exit_diameter_m: Positive | None = None

    @model_validator(mode="after")
    def _carries_propellant(self) -> "MissileStage":
        if self.dry_kg >= self.fuelled_kg:
            raise ValueError(f"dry_kg ({self.dry_kg}) must be less than fuelled_kg ({self.fuelled_kg})")
        return self


class MissileEntry(Strict):
    """A ballistic missile as a point mass with published or fitted stages."""

    kind: Literal["missile"] = "missile"
    name: Name
    title: str
    source: str
    fitted: bool = False  # True where stages were fitted to a published range, not published themselves
    payload_kg: Positive
    stages: Annotated[tuple[MissileStage, ...], Field(min_length=1, max_length=4)]
    cd: tuple[tuple[float, float], ...]  # (Mach number, drag coefficient), Mach ascending
    range_km: Quantity  # as published
    ballistic_coefficient_kg_m2: Quantity  # of what reenters
    radar_cross_section_m2: Quantity
    infrared_w_sr: Quantity | None = None  # boost intensity; None where no public number is used
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
    boresight_azimuth_deg: Annotated[float, Field(ge=0, lt=360)] = 0.0
    sector_width_deg: Annotated[float, Field(gt=0, le=360)] = 360.0
    elevation_min_deg: Annotated[float, Field(ge=-5, le=90)] = 2.0
    elevation_max_deg: Annotated[float, Field(ge=0, le=90)] = 85.0
    reference_range_km: Quantity  # where a 1 m² target gives reference_snr_db
    reference_snr_db: Quantity
    instrumented_range_km: Quantity  # nothing is reported beyond
    revisit_s: Quantity
    false_alarm_probability: Quantity  # a resolution cell and look
    false_plots_per_scan: Quantity  # mean number reported over the whole sector
    sigma_range_m: Quantity  # at the reference signal-to-noise ratio
    sigma_azimuth_mrad: Quantity
    sigma_elevation_mrad: Quantity
    in_service: tuple[str, str] | None = None  # ISO dates, first and last
    notes: str = ""


class SatelliteEntry(Strict):
    """An infrared early-warning satellite that sees boost above the clouds."""

    kind: Literal["satellite"] = "satellite"
    name: Name
    title: str
    source: str
    owner: CountryCode
    # Two-body orbit; longitude of the ascending node is geographic, at the scenario's epoch (geostationary: the sub-point
    # longitude with zero inclination and eccentricity).
    semi_major_axis_km: Positive
    eccentricity: Annotated[float, Field(ge=0, lt=1)]
    inclination_deg: Annotated[float, Field(ge=0, le=180)]
    argument_of_perigee_deg: float
    node_longitude_deg: Quantity
    mean_anomaly_deg: Quantity
    watch: tuple[float, float, float, float] | None = (
        None  # south, north, west, east of the watched box; None: whole disc
    )
    revisit_s: Quantity
    sigma_line_of_sight_urad: Quantity
    detection_probability: Quantity  # a look at a burning missile above the clouds
    cloud_top_km: Quantity
    false_plots_per_scan: Quantity
    earth_limb_grazing_km: float = 15.0
    in_service: tuple[str, str] | None = None
    notes: str = ""


class InterceptorEntry(Strict):
    """An interceptor as a published speed, a reach in time and a kill probability; nothing else is modelled."""

    kind: Literal["interceptor"] = "interceptor"
    name: Name
    title: str
    source: str
    burnout_speed_km_s: Quantity
    burn_s: Quantity
    range_max_km: Quantity
    altitude_min_km: Quantity
    altitude_max_km: Quantity
    target_speed_max_km_s: Quantity | None = None
    kill_probability: Quantity  # single shot, given that discrimination succeeded
    basket_km: Quantity  # how far from the predicted point the object may be and still be met
    notes: str = ""


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
    substitute: dict[Name, Name] = {}  # launches of the first are flown with the second
    notes: str = ""


CatalogueEntry = Annotated[
    MissileEntry | RadarEntry | SatelliteEntry | InterceptorEntry | PlaceEntry | ThreatView, Field(discriminator="kind")
]
KINDS = ("missile", "radar", "satellite", "interceptor", "place", "threat-view")


class Catalogue(Strict):
    """Every entry by kind and name."""

    missiles: dict[str, MissileEntry] = {}
    radars: dict[str, RadarEntry] = {}
    satellites: dict[str, SatelliteEntry] = {}
    interceptors: dict[str, InterceptorEntry] = {}
    places: dict[str, PlaceEntry] = {}
    threat_views: dict[str, ThreatView] = {}
