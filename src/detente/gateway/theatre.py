"""The theatre: what every side may know before an exercise. Sides, ground and sensors as stated; no raid, no truth.

A file of it is the briefing that exercise control hands to each side; a centre needs nothing else.
Numbers are SI and radians, as a drawn world has them, so that a centre that reads the file is the study's to the bit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path as FilePath
from typing import Annotated, Literal

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field

from detente.centre.exchange.digest import digest
from detente.centre.exchange.dsse import keyring
from detente.centre.exchange.message import Mark
from detente.centre.exchange.offsets import Secret
from detente.centre.exchange.rules import SENSORS_MAX, compile_agreement
from detente.centre.exchange.second_check import Setting
from detente.centre.step import Centre, Quarantine
from detente.gateway.config import validated
from detente.gateway.files import located_file
from detente.gateway.logic.limits import Limits
from detente.gateway.logic.link import Gateway
from detente.geodesy.borders import load_borders
from detente.geodesy.territory_index import TerritoryIndex, index_territories
from detente.records.errors import InputError
from detente.records.slots import SUITE_DRAWN, SUITE_FIXED, DetectionKind, SensorState, SensorSuite
from detente.scenario.agreement import Agreement
from detente.scenario.complaints import raise_all
from detente.scenario.ground import ground_of, territory_of
from detente.scenario.sides import TerritorySpec
from detente.scenario.words import CountryCode, Moment, Name, Strict

SLOTS = 128
"""Tracks a live centre has room for. source: assumption, 50-2,000: several times any bundled raid."""

Four = Annotated[tuple[float, ...], Field(min_length=4, max_length=4)]
Six = Annotated[tuple[float, ...], Field(min_length=6, max_length=6)]


class SideBrief(Strict):
    """A side and the ground it protects."""

    name: Name
    territory: TerritorySpec


class SensorBrief(Strict):
    """A sensor as stated: the columns of :class:`~detente.records.slots.SensorSuite`."""

    name: Name
    side: Name
    owner: CountryCode
    kind: Literal["radar", "infrared"]
    lat_rad: float
    lon_rad: float
    height_m: float
    boresight_rad: float
    sector_half_width_rad: float
    elevation_min_rad: float
    elevation_max_rad: float
    watch_rad: Four
    grazing_m: float
    orbit: Six
    revisit_s: Annotated[float, Field(gt=0)]
    offset_s: Annotated[float, Field(ge=0)]
    reference_range_m: float
    reference_snr: float
    instrumented_range_m: float
    false_alarm_probability: float
    false_plots_per_scan: float
    detection_probability: float
    cloud_top_m: float
    sigma_range_m: float
    sigma_azimuth_rad: float
    sigma_elevation_rad: float


class TheatreFile(Strict):
    """A theatre as a file says it."""

    theatre: Name
    epoch: Moment
    tick_s: Annotated[float, Field(gt=0, le=60)]
    slots: Annotated[int, Field(ge=1, le=5000)] = SLOTS
    sides: Annotated[tuple[SideBrief, ...], Field(min_length=2, max_length=8)]
    sensors: Annotated[tuple[SensorBrief, ...], Field(min_length=1, max_length=SENSORS_MAX)]


@dataclass(frozen=True, kw_only=True)
class Theatre:
    """A theatre, ready for centres."""

    names: tuple[str, ...]
    origin: str  # ISO 8601: the moment from which exercise times count
    setting: Setting  # of no agreement yet
    tick_s: float
    slots: int
    title: str  # its name and the beginning of its file's digest: which one it is, in words
    suite: SensorSuite  # one replicate
    territories: TerritoryIndex


def read_theatre(path: FilePath) -> Theatre:
    """The theatre in a file; InputError (or InputErrors) for anything wrong with it."""
    located = located_file(path)
    file = validated(located, TheatreFile)
    borders, problems, grounds = load_borders(), [], []
    for index, side in enumerate(file.sides):
        territory = territory_of(
            side.territory, ("sides", index, "territory"), borders,
            lambda place, found, expected, remedy: problems.append(located.problem(place, found, expected, remedy)),
        )  # fmt: skip
        grounds.append(territory)
    names = tuple(side.name for side in file.sides)
    for index, sensor in enumerate(file.sensors):
        if sensor.side not in names:
            problems.append(
                located.problem(
                    ("sensors", index, "side"), f"side {sensor.side!r}", f"one of {', '.join(names)}", "name a side"
                )
            )
    raise_all(problems)
    return theatre_of(file, index_territories([ground_of(ground, borders) for ground in grounds]))


def theatre_of(file: TheatreFile, territories: TerritoryIndex) -> Theatre:
    """The theatre that a file's content and its indexed ground make."""
    names = tuple(side.name for side in file.sides)
    owners = tuple(sorted({sensor.owner for sensor in file.sensors}))
    kinds = {"radar": DetectionKind.RADAR, "infrared": DetectionKind.INFRARED}
    sides = [names.index(sensor.side) for sensor in file.sensors]
    fixed = {name: np.array([getattr(sensor, name) for sensor in file.sensors], np.float64) for name in SUITE_FIXED}
    drawn = {name: np.array([[getattr(sensor, name) for sensor in file.sensors]], np.float64) for name in SUITE_DRAWN}
    suite = SensorSuite(
        kind=np.array([kinds[sensor.kind] for sensor in file.sensors], np.uint8),
        side=np.array(sides, np.int64),
        owner=np.array([owners.index(sensor.owner) for sensor in file.sensors], np.int64),
        owners=owners, names=tuple(sensor.name for sensor in file.sensors), **fixed, **drawn,
    )  # fmt: skip
    setting = Setting(
        agreement=None, side_names=names, sensor_owners=tuple(sensor.owner for sensor in file.sensors),
        sensor_sides=tuple(sides), epoch=file.epoch,
    )  # fmt: skip
    return Theatre(
        names=names, origin=file.epoch.isoformat(), setting=setting, tick_s=file.tick_s, slots=file.slots, suite=suite,
        title=f"{file.theatre} {sha256(file.model_dump_json().encode()).hexdigest()[:16]}", territories=territories,
    )  # fmt: skip


def gateway_of(
    theatre: Theatre, side: str, agreement: Agreement | None, *, mark: Mark, signer: Ed25519PrivateKey,
    keys: Mapping[str, tuple[Ed25519PublicKey, ...]], secret: Secret, limits: Limits | None = None,
    quarantine: Quarantine = "advise", sensor_states: Mapping[str, SensorState] | None = None,
) -> Gateway:  # fmt: skip
    """One side's gateway in a theatre, under an agreement (None: it exchanges nothing).

    ``keys``: each partner's public keys; several while one replaces another. Raises InputError where the agreement
    does not fit the theatre or does not name the side. ``quarantine``: what is done about a partner whose word does not
    bear comparison; ``sensor_states``: own sensors, by name, that are not up.
    """
    rules = compile_agreement(agreement, theatre.names, theatre.setting.sensor_owners, theatre.setting.epoch)
    if agreement is not None and side not in agreement.parties:
        raise InputError(
            found=f"agreement {agreement.name!r} between {', '.join(agreement.parties)}",
            expected=f"one that {side} is a party to", remedy="name this side's agreement", path="agreement",
        )  # fmt: skip
    index = theatre.names.index(side)
    masks = tuple(
        sum(1 << sensor for sensor, of in enumerate(theatre.setting.sensor_sides) if of == number)
        for number in range(len(theatre.names))
    )
    centre = Centre(
        side=index, sides=len(theatre.names), suite=theatre.suite, territories=theatre.territories,
        slots=theatre.slots, quarantine=quarantine, sensor_states=_states(theatre.suite, index, sensor_states or {}),
    )  # fmt: skip
    return Gateway(
        centre=centre, names=theatre.names, mark=mark, origin=theatre.origin, tick_s=theatre.tick_s,
        digest="0" * 64 if agreement is None else digest(agreement), rules=rules,
        setting=Setting(**{**theatre.setting.__dict__, "agreement": agreement}), sensors_of=masks, signer=signer,
        keys={name: keyring(*held) for name, held in keys.items()}, secret=secret,
        limits=limits or Limits(),
    )  # fmt: skip


def _states(suite: SensorSuite, side: int, said: Mapping[str, SensorState]) -> np.ndarray:
    """What is declared of each sensor, (n,); InputError for a name that is not this side's."""
    own = [name for name, of in zip(suite.names, suite.side, strict=True) if of == side]
    states = np.full(len(suite.names), SensorState.UP, np.uint8)
    for name, state in said.items():
        if name not in own:
            raise InputError(
                found=f"the state of sensor {name!r}", expected=f"a sensor of this side: {', '.join(own)}",
                remedy="correct the name, or leave it out", path=f"sensors.{name}",
            )  # fmt: skip
        states[suite.names.index(name)] = state
    return states
