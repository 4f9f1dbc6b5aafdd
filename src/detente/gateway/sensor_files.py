"""Who measured: a YAML file of anyone's sensors, to the tracker's own terms.

The keys are those of ``docs/detections.md``. What is wrong with a file is told with line and column.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from detente.centre.tracking.follower import CLUTTER_DENSITY, Sensors
from detente.centre.tracking.settings import TEXTBOOK, Association, Filter, Model, Registration, Settings
from detente.centre.tracking.tracker import EARTH_AXES, MOST_SENSORS
from detente.geodesy.ellipsoid import geodetic_to_ecef
from detente.geodesy.frames import enu_axes
from detente.records.errors import InputError
from detente.records.slots import DetectionKind
from detente.scenario.complaints import complaints, raise_all, shown
from detente.scenario.located import BYTES_MAX, Located, parse
from detente.scenario.words import Name, RefusedError, Strict

MODELS = {"ballistic": Model.BALLISTIC, "constant-gravity": Model.CONSTANT_GRAVITY}
ASSOCIATIONS = {"gnn": Association.GNN, "jpda": Association.JPDA, "jpda-star": Association.JPDA_STAR}
REGISTRATIONS = {"trusted": Registration.TRUSTED, "estimated": Registration.ESTIMATED}
FILTERS = {"ekf": Filter.EXTENDED, "ukf": Filter.SIGMA_POINT}
RADAR_HEIGHT_MAX_M = 100e3  # no mast, hill or aircraft is higher: the number is of another unit
LOCAL_AXES = {
    "clockwise-from-north": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "counterclockwise-from-x": ((0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
}

Chosen = TypeVar("Chosen")
Positive = Annotated[float, Field(gt=0)]
Noise = Positive | None


class Orbit(Strict):
    """A satellite's orbit at time 0 of the detections; longitudes are geographic."""

    semi_major_axis_m: Annotated[float, Field(gt=6.4e6)]
    eccentricity: Annotated[float, Field(ge=0, lt=1)] = 0.0
    inclination_deg: float = 0.0
    argument_of_perigee_deg: float = 0.0
    node_longitude_deg: float = 0.0
    mean_anomaly_deg: float = 0.0


class Sensor(Strict):
    """One sensor: where it is, what it measures, and how well where the detections do not say."""

    name: Name
    kind: Literal["radar", "infrared"] = "radar"
    latitude_deg: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude_deg: Annotated[float, Field(ge=-180, le=360)] | None = None
    height_m: float = 0.0
    position_m: Annotated[list[float], Field(min_length=3, max_length=3)] | None = None
    orbit: Orbit | None = None
    angles: Literal["horizon", "earth-axes"] | None = None
    sigma_range_m: Noise = None
    sigma_azimuth_rad: Noise = None
    sigma_azimuth_deg: Noise = None
    sigma_elevation_rad: Noise = None
    sigma_elevation_deg: Noise = None
    sigma_range_rate_m_s: Noise = None
    detection_probability: Annotated[float, Field(gt=0, le=1)] = 0.9
    bias_range_m: Positive | None = None
    bias_azimuth_rad: Positive | None = None
    bias_azimuth_deg: Positive | None = None
    bias_elevation_rad: Positive | None = None
    bias_elevation_deg: Positive | None = None
    clutter_density: Positive | None = None
    revisit_s: Positive = 10.0
    range_max_km: Positive | None = None
    elevation_min_deg: Annotated[float, Field(ge=-90, le=90)] = -90.0
    elevation_max_deg: Annotated[float, Field(ge=-90, le=90)] = 90.0
    cloud_top_m: Annotated[float, Field(ge=0)] = 8_000.0

    @model_validator(mode="after")
    def _one_place(self) -> "Sensor":
        places = (self.latitude_deg is not None, self.position_m is not None, self.orbit is not None)
        if sum(places) != 1 or (self.latitude_deg is None) != (self.longitude_deg is None):
            raise RefusedError(
                "one place: latitude_deg and longitude_deg, or position_m, or orbit", "give exactly one of them"
            )
        for what in ("sigma_azimuth", "sigma_elevation", "bias_azimuth", "bias_elevation"):
            if getattr(self, f"{what}_rad") is not None and getattr(self, f"{what}_deg") is not None:
                raise RefusedError(f"{what}_rad or {what}_deg", "give one of the two")
        if self.kind == "radar" and not abs(self.height_m) <= RADAR_HEIGHT_MAX_M:
            raise RefusedError(
                "a radar within 100 km of the ground, in metres", "correct it, or say kind: infrared",
                found=f"height_m {self.height_m:g}", part=("height_m",),
            )  # fmt: skip
        if self.elevation_min_deg >= self.elevation_max_deg:
            raise RefusedError("elevation_min_deg below elevation_max_deg", "put the lower one first")
        return self

    def sigma(self, what: str) -> float:
        """A noise in SI and radians; 0 where the file does not say."""
        if what in ("azimuth", "elevation"):
            return self._angle(f"sigma_{what}") or 0.0
        return getattr(self, {"range": "sigma_range_m", "range_rate": "sigma_range_rate_m_s"}[what]) or 0.0

    def bias_sigma(self, settings: Settings) -> list[float]:
        """How far off its range, azimuth and elevation may be, one sigma: its own, or as the settings say."""
        return [
            self.bias_range_m or settings.bias_range_m,
            self._angle("bias_azimuth") or settings.bias_angle_rad,
            self._angle("bias_elevation") or settings.bias_angle_rad,
        ]

    def _angle(self, what: str) -> float | None:
        """An angle in radians, whichever unit the file gives it in."""
        degrees = getattr(self, f"{what}_deg")
        return getattr(self, f"{what}_rad") if degrees is None else float(np.radians(degrees))


class Rules(Strict):
    """The tracker's rules that a file may change; what it leaves out stays as the model has it."""

    association: Literal["gnn", "jpda", "jpda-star"] | None = None
    ambiguity_margin: Positive | None = None
    registration: Literal["trusted", "estimated"] | None = None
    gate_sigmas: Positive | None = None
    confirm_hits: Annotated[int, Field(ge=1)] | None = None
    tentative_misses: Annotated[int, Field(ge=1)] | None = None
    confirmed_misses: Annotated[int, Field(ge=1)] | None = None
    radar_speed_sigma_m_s: Positive | None = None
    local_noise_m2_s3: Positive | None = None
    coast_noise_m2_s3: Positive | None = None
    gravity_m_s2: Annotated[float, Field(ge=0)] | None = None
    nominal_beta_kg_m2: Positive | None = None
    log_beta_sigma: Positive | None = None


class SensorsFile(Strict):
    """A file of sensors."""

    frame: Literal["wgs84", "local"] = "wgs84"
    azimuth: Literal["clockwise-from-north", "counterclockwise-from-x"] = "clockwise-from-north"
    rules: Rules = Rules()
    sensors: Annotated[list[Sensor], Field(min_length=1, max_length=MOST_SENSORS)]

    @model_validator(mode="after")
    def _frames_and_names_agree(self) -> "SensorsFile":
        seen: set[str] = set()
        for index, sensor in enumerate(self.sensors):
            part = ("sensors", index)
            if sensor.name in seen:
                raise RefusedError("a name no other sensor has", "rename one", found=repr(sensor.name), part=part)
            seen.add(sensor.name)
            if self.frame == "local" and sensor.position_m is None:
                raise RefusedError("position_m, as the frame is local", "give [x, y, z] in metres", part=part)
            if self.frame == "wgs84" and sensor.position_m is not None:
                raise RefusedError(
                    "latitude_deg and longitude_deg, or orbit, as the frame is wgs84", "give them, or frame: local",
                    found="position_m", part=part,
                )  # fmt: skip
            if sensor.kind == "radar" and sensor.orbit is not None:
                raise RefusedError("a radar that stands still", "give its place", found="an orbit", part=part)
        if self.frame == "wgs84" and self.azimuth != "clockwise-from-north":
            raise RefusedError("clockwise-from-north, as the frame is wgs84", "turn the azimuths", part=("azimuth",))
        return self


@dataclass(frozen=True, kw_only=True)
class Network:
    """Sensors and rules as the tracker takes them, with what the file said of each sensor's name and noise."""

    names: tuple[str, ...]
    sensors: Sensors
    settings: Settings
    sigmas: dict[str, NDArray[np.float64]]  # (n,) by what is measured: range, azimuth, elevation, range_rate


def read_sensors(path: Path, *, model: str | None = None, filter_name: str = "ekf") -> Network:
    """The sensors in a YAML file, for ``model`` (default: ballistic where the frame is WGS84) and filter.

    With WGS84 sensors the constant-gravity model works in the horizon of the first: x east, y north, z up.
    Raises InputError for anything wrong with the file, or a model that its frame does not allow.
    """
    located = _located(path)
    try:
        file = SensorsFile.model_validate(located.data)
    except ValidationError as error:
        raise_all(complaints(error, located, SensorsFile))
        raise AssertionError("a refusal without a complaint") from error
    chosen = _choose("model", model or ("ballistic" if file.frame == "wgs84" else "constant-gravity"), MODELS)
    if chosen == Model.BALLISTIC and file.frame == "local":
        raise located.problem(
            ("frame",), "a local frame with the ballistic model", "frame: wgs84",
            "give the sensors' latitudes and longitudes, or --model constant-gravity",
        )  # fmt: skip
    base = Settings(association=TEXTBOOK.association) if chosen == Model.BALLISTIC else TEXTBOOK
    rules = {key: value for key, value in file.rules.model_dump().items() if value is not None}
    for key, meanings in (("association", ASSOCIATIONS), ("registration", REGISTRATIONS)):
        if key in rules:
            rules[key] = meanings[rules[key]]
    settings = replace(base, filter=_choose("filter", filter_name, FILTERS), **rules)
    return Network(
        names=tuple(sensor.name for sensor in file.sensors),
        sensors=_sensors(file, chosen, settings),
        settings=settings,
        sigmas={
            what: np.array([sensor.sigma(what) for sensor in file.sensors])
            for what in ("range", "azimuth", "elevation", "range_rate")
        },
    )


def _located(path: Path) -> Located:
    try:
        if path.stat().st_size > BYTES_MAX:
            raise InputError(
                found=f"{path.stat().st_size} bytes", expected=f"at most {BYTES_MAX}", remedy="give the sensors alone",
                file=str(path),
            )  # fmt: skip
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            found=f"cannot read it: {error}", expected="a YAML file of sensors", remedy="see docs/detections.md",
            file=str(path),
        ) from error  # fmt: skip
    located = parse(text, str(path))
    if not isinstance(located.data, dict):
        raise located.problem((), shown(located.data), "a mapping of keys and values", "see docs/detections.md")
    return located


def _choose(what: str, name: str, among: dict[str, Chosen]) -> Chosen:
    if name not in among:
        raise InputError(
            found=f"--{what} {name}", expected=f"one of {', '.join(among)}", remedy="choose one of them"
        )  # fmt: skip
    return among[name]


def _sensors(file: SensorsFile, model: Model, settings: Settings) -> Sensors:
    """Positions and axes in the frame the model works in."""
    count = len(file.sensors)
    positions, axes, orbits = np.zeros((count, 3)), np.zeros((count, 3, 3)), np.zeros((count, 6))
    for index, sensor in enumerate(file.sensors):
        positions[index], axes[index], orbits[index] = _place(sensor, file)
    if file.frame == "wgs84" and model == Model.CONSTANT_GRAVITY:
        origin, turn = positions[0].copy(), axes[0].copy()
        positions, axes = (positions - origin) @ turn.T, axes @ turn.T

    def each(key: str, scale: float = 1.0) -> NDArray[np.float64]:
        return np.array([float(getattr(sensor, key)) * scale for sensor in file.sensors])

    return Sensors(
        kind=np.array([DetectionKind[sensor.kind.upper()] for sensor in file.sensors], np.uint8),
        position_m=positions,
        axes=axes,
        orbit=orbits,
        detection_probability=each("detection_probability"),
        revisit_s=each("revisit_s"),
        cloud_top_m=each("cloud_top_m"),
        elevation_min_rad=each("elevation_min_deg", np.pi / 180.0),
        elevation_max_rad=each("elevation_max_deg", np.pi / 180.0),
        clutter_density=np.array(
            [sensor.clutter_density or CLUTTER_DENSITY[sensor.kind == "infrared"] for sensor in file.sensors]
        ),
        bias_sigma=np.array([sensor.bias_sigma(settings) for sensor in file.sensors]),
        range_max_m=np.array([1e3 * (sensor.range_max_km or 1e6) for sensor in file.sensors]),
    )


def _place(sensor: Sensor, file: SensorsFile) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """A sensor's position, the axes its angles are from, and its orbit (zeros where it has none)."""
    orbit = np.zeros(6)
    if sensor.orbit is not None:
        given = sensor.orbit
        orbit[:2] = given.semi_major_axis_m, given.eccentricity
        orbit[2:] = np.radians(
            [given.inclination_deg, given.argument_of_perigee_deg, given.node_longitude_deg, given.mean_anomaly_deg]
        )
    earth = np.array(EARTH_AXES).reshape(3, 3)
    if sensor.latitude_deg is None or sensor.longitude_deg is None:
        position = np.array(sensor.position_m or (0.0, 0.0, 0.0))
        return position, np.array(LOCAL_AXES[file.azimuth]) if file.frame == "local" else earth, orbit
    lat, lon = np.radians(sensor.latitude_deg), np.radians(sensor.longitude_deg)
    position = geodetic_to_ecef([(lat, lon, sensor.height_m)])[0]
    by_earth = (sensor.angles or ("earth-axes" if sensor.kind == "infrared" else "horizon")) == "earth-axes"
    return position, earth if by_earth else enu_axes(lat, lon), orbit
