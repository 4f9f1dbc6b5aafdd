"""The files a study leaves: results for machines, and what the report needs to show and to source."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from detente.centre.step import WARNING_PROBABILITY, WARNING_PROBABILITY_SOURCE
from detente.geodesy.territory import Territory
from detente.scenario.agreement import Agreement
from detente.scenario.asked import Scenario
from detente.scenario.catalogue import RadarEntry
from detente.scenario.words import Quantity, Strict
from detente.studies import folder as folders
from detente.studies.architectures import BY_NAME
from detente.studies.decisions import SETTING_FILE, setting_document
from detente.studies.metrics import METRICS
from detente.studies.replicates import Flown
from detente.studies.results import Study
from detente.studies.simplifications import SIMPLIFICATIONS

SAMPLE_STAGES = (
    "objects", "truth", "detections", "answer_key", "tracks", "warnings", "opportunities", "shots", "outcomes",
    "messages", "releases",
)  # fmt: skip
OUTLINE_POINTS = 400  # of a territory's ring in map.json; more cannot be seen on a page


def study_files(result: Study, sample: Flown, folder: Path, noted: Mapping[str, Any]) -> None:
    """Write everything about a study into an empty folder."""
    scenario = result.scenario
    folders.write_json(result.document, folder / "study.json")
    folders.write_table(result.table, folder / "study.parquet")
    folders.write_table(result.objects, folder / "objects.parquet")
    for architecture, tables in sample.tables.items():
        for stage in SAMPLE_STAGES:
            folders.write_table(tables[stage], folder / "sample" / architecture / f"{stage}.parquet")
        folders.write_json(setting_document(scenario, architecture), folder / "sample" / architecture / SETTING_FILE)
    folders.write_json(about(result), folder / "about.json")
    parameters = {"replicates": result.replicates, "architectures": list(result.architectures), **noted}
    folders.write_manifest(folder, what="study", digest=scenario.digest, seed=result.seed, parameters=parameters)


def about(result: Study) -> dict[str, Any]:
    """What the report says besides the numbers: sides, sensors, sites, agreements, assumptions, simplifications."""
    scenario = result.scenario
    file = scenario.file
    return {
        "name": scenario.name,
        "title": file.title,
        "about": file.about,
        "notes": file.notes,
        "cautions": list(scenario.cautions),
        "epoch": file.epoch.isoformat(),
        "duration_s": file.duration_s,
        "threat_view": file.threat_view,
        "sides": [_side(scenario, index) for index in range(len(scenario.sides))],
        "sensors": [_sensor(scenario, index) for index in range(len(scenario.sensors))],
        "sites": [_site(scenario, index) for index in range(len(scenario.sites))],
        "raid": _raid(scenario),
        "architectures": [
            {"name": name, "meaning": BY_NAME[name].meaning, "agreement": _agreement(scenario.agreements.get(name))}
            for name in result.architectures
        ],
        "architecture_index": list(_flown_order(result)),
        "metrics": [
            {"name": m.name, "unit": m.unit, "about": m.about, "better": m.better, "is_fraction": m.is_fraction}
            for m in METRICS
        ],
        "envelopes": result.envelopes,
        "assumptions": assumptions(scenario),
        "simplifications": [dict(zip(("room", "what", "effect"), row, strict=True)) for row in SIMPLIFICATIONS],
    }


def _flown_order(result: Study) -> tuple[str, ...]:
    """The architectures in the order that ``objects.parquet`` counts in."""
    return tuple(name for name in BY_NAME if name in result.architectures or name == "alone")


def _side(scenario: Scenario, index: int) -> dict[str, Any]:
    side = scenario.sides[index]
    sector = scenario.sectors[index]
    return {
        "name": side.name,
        "title": side.title,
        "area_km2": scenario.territories[index].area_km2,
        "people_in_cities": float(np.sum(scenario.cities[index].people)),
        "doctrine": side.doctrine.model_dump(mode="json"),
        "territory": outline(scenario.territories[index]),
        "sector": None if sector is None else outline(sector),
        "countries": list(side.territory.countries),
    }


def outline(territory: Territory) -> list[list[list[float]]]:
    """Rings of (lon, lat) in degrees, thinned for a map."""
    rings = []
    for first, last in pairwise(territory.ring_offsets):
        ring = np.degrees(territory.vertices_rad[first:last])
        step = max(1, len(ring) // OUTLINE_POINTS)
        rings.append(np.round(ring[::step, ::-1], 3).tolist())
    return rings


def _sensor(scenario: Scenario, index: int) -> dict[str, Any]:
    sensor = scenario.sensors[index]
    entry = sensor.entry
    common = {"name": sensor.name, "side": sensor.side, "owner": sensor.owner, "kind": entry.kind, "title": entry.title}
    if not isinstance(entry, RadarEntry):
        return common | {
            "source": entry.source,
            "notes": entry.notes,
            "sub_point_lon_deg": entry.node_longitude_deg.value,
            "semi_major_axis_km": entry.semi_major_axis_km,
            "eccentricity": entry.eccentricity,
            "inclination_deg": entry.inclination_deg,
            "watch": None if entry.watch is None else list(entry.watch),
        }
    return common | {
        "source": entry.source,
        "notes": entry.notes,
        "lat_deg": entry.position.lat_deg,
        "lon_deg": entry.position.lon_deg,
        "boresight_azimuth_deg": entry.boresight_azimuth_deg,
        "sector_width_deg": entry.sector_width_deg,
        "elevation_min_deg": entry.elevation_min_deg,
        "reference_range_km": _numbers(entry.reference_range_km),
        "instrumented_range_km": _numbers(entry.instrumented_range_km),
    }


def _site(scenario: Scenario, index: int) -> dict[str, Any]:
    site = scenario.sites[index]
    return {
        "name": site.name,
        "side": site.side,
        "owner": site.owner,
        "interceptor": site.entry.name,
        "title": site.entry.title,
        "lat_deg": site.position.lat_deg,
        "lon_deg": site.position.lon_deg,
        "stock": site.stock,
        "stock_source": site.use.stock_source,
        "defends_own_radius_km": site.use.defends_own_radius_km,
        "range_max_km": _numbers(site.entry.range_max_km),
    }


def _raid(scenario: Scenario) -> dict[str, Any]:
    return {
        "waves": [
            {"name": wave.name, "at_s": wave.at_s, "count": sum(launch.count for launch in wave.launches)}
            for wave in scenario.raid.waves
        ],
        "missiles": [{"name": name, "title": scenario.missiles[name].title} for name in sorted(scenario.missiles)],
        "places": [
            {
                "name": name,
                "title": scenario.places[name].title,
                "lat_deg": scenario.places[name].position.lat_deg,
                "lon_deg": scenario.places[name].position.lon_deg,
            }
            for name in sorted(scenario.places)
        ],
        "notes": scenario.raid.notes,
    }


def _agreement(agreement: Agreement | None) -> dict[str, Any] | None:
    return None if agreement is None else agreement.model_dump(mode="json")


def _numbers(quantity: Quantity) -> list[float]:
    return [quantity.value, quantity.low, quantity.high]


def assumptions(scenario: Scenario) -> list[dict[str, Any]]:
    """Every quantity with its range, source and confidence, and every plain number that decides a warning or a shot.

    Such a number is the same in every replicate: its low and its high are its value, and it states no confidence.
    """
    found: dict[str, dict[str, Any]] = {}

    def fix(path: str, value: float, source: str) -> None:
        found[path] = {"name": path, "value": value, "low": value, "high": value, "source": source, "confidence": None}

    def note(path: str, model: Strict) -> None:
        for name in type(model).model_fields:
            value = getattr(model, name)
            if isinstance(value, Quantity):
                found[f"{path}/{name}"] = value.model_dump(mode="json") | {"name": f"{path}/{name}"}

    file = scenario.file
    note("scenario", file)
    note("link", file.link)
    note("two-key", file.two_key)
    for side in scenario.sides:
        note(f"side/{side.name}", side)
        for field in ("salvo", "shots_max", "look_s", "threat_probability", "reserve_fraction"):
            fix(f"doctrine/{side.name}/{field}", getattr(side.doctrine, field), side.doctrine.source)
    for sensor in scenario.sensors:
        note(f"sensor/{sensor.name}", sensor.entry)
    for site in scenario.sites:
        note(f"interceptor/{site.entry.name}", site.entry)
        fix(f"site/{site.name}/stock", site.stock, site.use.stock_source)
        if site.use.defends_own_radius_km is not None:
            path = f"site/{site.name}/defends_own_radius_km"
            fix(path, site.use.defends_own_radius_km, site.use.defends_own_radius_source)
    for name, missile in sorted(scenario.missiles.items()):
        note(f"missile/{name}", missile)
    fix("centre/warning_probability", WARNING_PROBABILITY, WARNING_PROBABILITY_SOURCE)
    return [found[name] for name in sorted(found)]
