"""A scenario file laid on catalogue, borders, cities and agreements: every reference followed, every fault told."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import rfc8785
from pydantic import BaseModel, ValidationError

from detente.geodesy.borders import FIRST_DATE, LAST_DATE
from detente.geodesy.territory import Territory
from detente.scenario.agreement import Agreement
from detente.scenario.asked import ARCHITECTURES, People, Scenario, ScenarioFile, Sensor, Site
from detente.scenario.catalogue import Catalogue, PlaceEntry, RadarEntry, SatelliteEntry
from detente.scenario.cities import cities_within, troops_of
from detente.scenario.complaints import complaints, did_you_mean, keys_of, raise_all
from detente.scenario.ground import OVERLAP_SHARE_MAX, ground_of, may_overlap, overlap_share, territory_of
from detente.scenario.located import Located, Path
from detente.scenario.raid_checks import after_view, check_camps, check_raid
from detente.scenario.resolving import Ground, Resolving
from detente.scenario.sides import SensorUse, SiteUse
from detente.scenario.words import Position

SENSORS_MAX = 60
"""A track's pedigree is a 64-bit mask of sensors; a few bits are kept back."""


def validated(located: Located) -> ScenarioFile:
    """The scenario file as a model; every fault of form at once."""
    if not isinstance(located.data, dict):
        raise located.problem(
            (),
            "a file that is no mapping",
            "a scenario: name, title, epoch, sides, raid …",
            "see docs/scenario-files.md",
        )
    try:
        return ScenarioFile.model_validate(located.data)
    except ValidationError as error:
        raise_all(complaints(error, located, ScenarioFile))
        raise AssertionError("a refusal without a complaint") from error


def resolve(
    located: Located, file: ScenarioFile, catalogue: Catalogue, agreements: Mapping[str, Agreement], ground: Ground
) -> Scenario:
    """The scenario with every reference followed. ``agreements``: by architecture, as far as the file names any."""
    work = Resolving(located=located, file=file, catalogue=catalogue, ground=ground)
    _check_sides(work)
    _check_epoch(work)
    territories, sectors = _territories(work), _sectors(work)
    sensors, sites = _sensors(work), _sites(work)
    grounds = tuple(None if one is None else ground_of(one, ground.borders) for one in territories)
    people = tuple(_people(work, one) for one in grounds)
    troops = tuple(troops_of(file.troops, side.name) for side in file.sides)
    raid, written = after_view(work)
    check_camps(work, grounds, troops)
    check_raid(work, raid, grounds, people, troops)
    _check_agreements(work, agreements)
    raise_all(work.problems)
    places = {name for wave in raid.waves for launch in wave.launches for name in launch.places}
    places |= {site.place for side in file.sides for site in side.sites if site.place is not None}
    missiles = {launch.missile for wave in raid.waves for launch in wave.launches}
    scenario = Scenario(
        name=file.name,
        digest="",
        file=file,
        sides=file.sides,
        territories=tuple(one for one in territories if one is not None),
        grounds=tuple(one for one in grounds if one is not None),
        sectors=sectors,
        cities=people,
        troops=troops,
        sensors=tuple(sensors),
        sites=tuple(sites),
        missiles={name: catalogue.missiles[name] for name in sorted(missiles)},
        places={name: catalogue.places[name] for name in sorted(places)},
        raid=raid,
        agreements={name: agreements.get(name) for name in ARCHITECTURES},
        launches_written=written,
        cautions=tuple(work.cautions),
    )
    return _with_digest(scenario, ground)


def _with_digest(scenario: Scenario, ground: Ground) -> Scenario:
    resolved: dict[str, Any] = {
        # What `set` replaced stands in the sensors' entries below, as numbers of the models' own.
        "scenario": scenario.file.model_dump(mode="json", by_alias=True, exclude=_SET),
        "sensors": [
            _plain(sensor.entry) | {"used_as": sensor.name, "used_by": sensor.owner} for sensor in scenario.sensors
        ],
        "interceptors": {site.entry.name: _plain(site.entry) for site in scenario.sites},
        "missiles": {name: _plain(entry) for name, entry in scenario.missiles.items()},
        "places": {name: _plain(entry) for name, entry in scenario.places.items()},
        "raid": _plain(scenario.raid),
        "agreements": {name: None if one is None else _plain(one) for name, one in scenario.agreements.items()},
        "borders": ground.borders_digest,
        "cities": ground.cities.digest,
    }
    return replace(scenario, digest=hashlib.sha256(rfc8785.dumps(resolved)).hexdigest())


_SET: Any = {"sides": {"__all__": {"sensors": {"__all__": {"set"}}}}}


def _plain(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True)


def _check_sides(work: Resolving) -> None:
    names = [side.name for side in work.file.sides]
    for i, name in enumerate(names):
        if names.index(name) < i:
            work.complain(("sides", i, "name"), f"a second side called {name!r}", "names that differ", "rename one")
    for i, camp in enumerate(work.file.troops):
        if camp.side not in names:
            near = did_you_mean(camp.side, names)
            work.complain(
                ("troops", i, "side"),
                f"no side called {camp.side!r}",
                f"one of {', '.join(names)}",
                near or "name a side of this file",
            )


def _territories(work: Resolving) -> tuple[Territory | None, ...]:
    specs = [side.territory for side in work.file.sides]
    made = tuple(
        territory_of(spec, ("sides", i, "territory"), work.ground.borders, work.complain)
        for i, spec in enumerate(specs)
    )
    _check_apart(work, made, specs, "territory")
    return made


def _sectors(work: Resolving) -> tuple[Territory | None, ...]:
    specs = [side.sector for side in work.file.sides]
    made = tuple(
        None if spec is None else territory_of(spec, ("sides", i, "sector"), work.ground.borders, work.complain)
        for i, spec in enumerate(specs)
    )
    _check_apart(work, made, specs, "sector")
    return made


def _check_apart(work: Resolving, made: Sequence[Territory | None], specs: Sequence[Any], what: str) -> None:
    """Territories, and sectors, must not overlap: a point has one responsible side."""
    for i, one in enumerate(made):
        for j in range(i):
            other = made[j]
            if one is None or other is None or not may_overlap(specs[i], specs[j]):
                continue
            share = overlap_share(one, other)
            if share > OVERLAP_SHARE_MAX:
                names = work.file.sides[i].name, work.file.sides[j].name
                work.complain(
                    ("sides", i, what),
                    f"{what} of {names[0]} that shares ground with that of {names[1]}: {share:.1%} of the smaller",
                    "ground that belongs to one side only", "take the shared countries or ground from one of the two",
                )  # fmt: skip


def _sensors(work: Resolving) -> list[Sensor]:
    sensors: list[Sensor] = []
    for i, side in enumerate(work.file.sides):
        for j, use in enumerate(side.sensors):
            path = ("sides", i, "sensors", j)
            entry = _sensor_entry(work, use, path)
            if entry is None:
                continue
            name, owner = use.name or entry.name, use.owner or entry.owner
            if any(sensor.name == name for sensor in sensors):
                work.complain(
                    path,
                    f"a second sensor called {name!r}",
                    "names that differ over all sides",
                    "give one of them a `name`",
                )
            _check_owner(work, owner, i, (*path, "owner") if use.owner else (*path, "use"))
            _check_service(work, entry, name)
            sensors.append(Sensor(name=name, side=i, owner=owner, entry=entry))
    if len(sensors) > SENSORS_MAX:
        work.complain(("sides",), f"{len(sensors)} sensors over all sides", f"at most {SENSORS_MAX}", "leave some out")
    if not any(side.sensors for side in work.file.sides):
        work.complain(("sides",), "no sensor on any side", "at least one", "add one under a side's `sensors`")
    return sensors


def _sensor_entry(work: Resolving, use: SensorUse, path: Path) -> RadarEntry | SatelliteEntry | None:
    known = {**work.catalogue.radars, **work.catalogue.satellites}
    entry = known.get(use.use)
    if entry is None:
        work.unknown((*path, "use"), use.use, "radar or satellite", sorted(known))
        return None
    if not use.set:
        return entry
    model = type(entry)
    for key in ("kind", "name"):
        if key in use.set:
            work.complain(
                (*path, "set", key),
                f"{key!r} under set",
                "a field other than kind and name",
                "rename a use with its own `name` key",
            )
            return None
    for key in use.set:
        if key not in model.model_fields:
            known_keys = keys_of(model)
            work.complain(
                (*path, "set", key),
                f"unknown key {key!r}",
                f"one of {', '.join(known_keys)}",
                did_you_mean(key, known_keys) or "delete it",
            )
            return None
    try:
        return model.model_validate({**entry.model_dump(), **use.set})
    except ValidationError as error:
        work.problems += complaints(error, work.located, model, (*path, "set"))
        return None


def _check_epoch(work: Resolving) -> None:
    """Whose ground a launch comes from is told by the borders of the day."""
    day = work.file.epoch.date()
    if not FIRST_DATE <= day <= LAST_DATE:
        work.complain(
            ("epoch",), str(day), f"a date from {FIRST_DATE} to {LAST_DATE}, whose borders are known",
            "give the nearest date in that span",
        )  # fmt: skip


def _check_owner(work: Resolving, owner: str, side: int, path: Path) -> None:
    owners = work.file.sides[side].owners
    if owners and owner not in owners:
        work.complain(
            path, f"owner {owner}", f"an owner of {work.file.sides[side].name}: {', '.join(owners)}",
            f"add {owner} to the side's `owners`, or give the sensor or site another `owner`",
        )  # fmt: skip


def _check_service(work: Resolving, entry: RadarEntry | SatelliteEntry, name: str) -> None:
    if entry.in_service is None:
        return
    first, last = entry.in_service
    if not first <= work.file.epoch.date() <= last:
        work.cautions.append(
            f"sensor {name}: in service from {first} to {last}, but the scenario's epoch is {work.file.epoch.date()}"
        )


def _sites(work: Resolving) -> list[Site]:
    sites: list[Site] = []
    for i, side in enumerate(work.file.sides):
        for j, use in enumerate(side.sites):
            path = ("sides", i, "sites", j)
            entry = work.catalogue.interceptors.get(use.interceptor)
            if entry is None:
                work.unknown(
                    (*path, "interceptor"), use.interceptor, "interceptor", sorted(work.catalogue.interceptors)
                )
            position = _site_position(work, use, path)
            if any(site.name == use.name for site in sites):
                work.complain(
                    (*path, "name"),
                    f"a second site called {use.name!r}",
                    "names that differ over all sides",
                    "rename one",
                )
            _check_owner(work, use.owner, i, (*path, "owner"))
            if entry is not None and position is not None:
                sites.append(
                    Site(
                        name=use.name, side=i, owner=use.owner, entry=entry, position=position, stock=use.stock, use=use
                    )
                )
    return sites


def _site_position(work: Resolving, use: SiteUse, path: Path) -> Position | None:
    if use.place is None:
        return use.position
    place: PlaceEntry | None = work.catalogue.places.get(use.place)
    if place is None:
        work.unknown((*path, "place"), use.place, "place", sorted(work.catalogue.places))
        return None
    return place.position


def _people(work: Resolving, territory: Territory | None) -> People:
    if territory is None:
        nothing = np.empty(0)
        return People(lat_rad=nothing, lon_rad=nothing, people=nothing, names=())
    return cities_within(work.ground.cities, territory, work.file.city_population_min)


def _check_agreements(work: Resolving, agreements: Mapping[str, Agreement]) -> None:
    names = [side.name for side in work.file.sides]
    written = work.file.agreements
    for architecture, agreement in agreements.items():
        if architecture == "two-key" and written.two_key is None:
            continue  # it is the cooperating one, and checked as that
        path = ("agreements", architecture)
        strangers = [party for party in agreement.parties if party not in names]
        if strangers:
            work.complain(
                path, f"agreement {agreement.name!r} with {', '.join(strangers)}, no side here",
                f"an agreement of parties among {', '.join(names)}",
                did_you_mean(strangers[0], names) or "choose an agreement between this scenario's sides",
            )  # fmt: skip
        if not agreement.holds_at(work.file.epoch):
            valid = f"{agreement.valid.start.isoformat()} to {agreement.valid.end.isoformat()}"
            work.complain(
                path, f"agreement {agreement.name!r}, valid from {valid}",
                f"an agreement in force at the epoch, {work.file.epoch.isoformat()}",
                "change its validity or the epoch",
            )  # fmt: skip
