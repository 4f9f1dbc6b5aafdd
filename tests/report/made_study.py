"""A study's folder made by hand: the same files through the same table classes, with numbers of no meaning."""

import json
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
from tests.report.made_about import NAMES, SIDES, made_about

from detente.geodesy.distance import destinations, great_circle_m
from detente.geodesy.ellipsoid import geodetic_to_ecef
from detente.records.results import ObjectResults, StudyTable
from detente.records.stages import (
    Messages,
    Objects,
    Opportunities,
    Outcomes,
    Releases,
    Shots,
    TrackHistory,
    Truth,
    Warnings,
)
from detente.studies.metrics import ALL, METRICS
from detente.studies.results import Study

GAIN_S = {"alone": 0.0, "warning": 40.0, "cooperating": 95.0, "two-key": 95.0, "sectoral": 80.0, "joint": 120.0}
LAUNCHES = np.radians([[38.08, 46.30], [37.55, 45.07]])


def made_folder(folder, *, title="A made-up comparison", replicates=50, objects=24, seed=7, names=NAMES):
    """Write the folder and return it."""
    generator = np.random.default_rng(seed)
    world = _world(generator, replicates, objects)
    results = ObjectResults.concatenate([_results(world, index, name) for index, name in enumerate(NAMES)])
    table = StudyTable.concatenate([_metrics(results, index, name, generator) for index, name in enumerate(NAMES)])
    study = Study(
        scenario=SimpleNamespace(name="made-up", digest="ab" * 32, side_names=SIDES),
        seed=1,
        replicates=replicates,
        architectures=names,
        table=table,
        objects=results,
    )
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.to_arrow(), folder / "study.parquet")
    pq.write_table(results.to_arrow(), folder / "objects.parquet")
    for name in names:
        place = folder / "sample" / name
        place.mkdir(parents=True, exist_ok=True)
        for stage, rows in _sample(world, name, generator).items():
            pq.write_table(rows.to_arrow(), place / f"{stage}.parquet")
    _json(folder / "study.json", study.document)
    _json(folder / "about.json", made_about(title, study.envelopes, names))
    _json(folder / "manifest.json", _manifest(replicates, names))
    return folder


def _json(path, document):
    path.write_text(json.dumps(document, allow_nan=False, ensure_ascii=False), encoding="utf-8")


def _manifest(replicates, names):
    return {
        "what": "study",
        "version": "0.0.0",
        "scenario_digest": "ab" * 32,
        "seed": 1,
        "parameters": {"replicates": replicates, "architectures": list(names)},
        "written": "2026-01-01T00:00:00+00:00",
        "environment": {
            "python": "3.11.0",
            "platform": "made",
            "machine": "x86_64",
            "cpu": {"name": "made", "features": "avx2"},
            "packages": {"numpy": "2.1"},
        },
    }


def _world(generator, replicates, count):
    """True impacts, launches, moments and warnings of every object, (R, N) each."""
    shape = (replicates, count)
    aim_side = np.broadcast_to(np.arange(count) % 2, shape)
    low = np.where(aim_side[..., None] == 0, [40.0, 5.0], [46.0, 33.0])
    high = np.where(aim_side[..., None] == 0, [53.0, 28.0], [60.0, 56.0])
    impact = np.radians(generator.uniform(low, high))
    launch = LAUNCHES[np.arange(count) % len(LAUNCHES)] + np.zeros((*shape, 2))
    distance = great_circle_m(launch.reshape(-1, 2), impact.reshape(-1, 2)).reshape(shape)
    launch_s = np.sort(generator.uniform(0.0, 600.0, shape), axis=1)
    impact_s = launch_s + 300.0 + distance / 4500.0
    own_after_s = np.where(generator.uniform(size=shape) < 0.85, generator.uniform(60.0, 420.0, shape), np.inf)
    return SimpleNamespace(
        replicates=replicates,
        count=count,
        aim_side=aim_side,
        impact=impact,
        launch=launch,
        distance=distance,
        launch_s=launch_s,
        impact_s=impact_s,
        own_s=launch_s + own_after_s,
        luck=generator.uniform(size=shape),
        burnout_s=launch_s + 90.0,
        apogee_m=0.24 * distance,
    )


def _warned(world, name):
    early = np.minimum(world.own_s - GAIN_S[name], np.where(GAIN_S[name] > 90.0, world.launch_s + 300.0, np.inf))
    return np.maximum(early, world.launch_s + 45.0)


def _results(world, index, name):
    warned = _warned(world, name)
    reach = (np.degrees(world.impact[..., 1]) % 7.0) < 2.0 + 2.0 * (name in ("cooperating", "two-key", "joint"))
    hit = reach & (world.luck < 0.5)
    shape = (world.replicates, world.count)
    full = {
        "replicate": np.arange(world.replicates)[:, None] + np.zeros(shape, int),
        "object": np.arange(world.count) + np.zeros(shape, int),
        "architecture": np.full(shape, index),
        "threatened": 1 << world.aim_side,
        "aim_side": world.aim_side,
        "aim_by": np.broadcast_to((np.arange(world.count) // 2) % 2, shape),
        "wave": np.zeros(shape, int),
        "missile": np.zeros(shape, int),
        "launch_s": world.launch_s,
        "launch_lat_rad": world.launch[..., 0],
        "launch_lon_rad": world.launch[..., 1],
        "impact_s": world.impact_s,
        "impact_lat_rad": world.impact[..., 0],
        "impact_lon_rad": world.impact[..., 1],
        "own_warned_s": np.where(world.own_s < world.impact_s, world.own_s, -1.0),
        "warned_s": np.where(warned < world.impact_s, warned, -1.0),
        "launch_error_m": 20e3 + 30e3 * world.luck,
        "impact_error_m": 40e3 + 60e3 * world.luck,
        "impact_nees": 8.0 * world.luck,
        "useful_s": np.where((warned < world.impact_s) & (world.luck < 0.6), warned + 60.0 * world.luck, -1.0),
        "attributed": world.luck < 0.8,
        "opportunities": reach.astype(int),
        "earliest_s": np.where(reach, world.impact_s - 60.0, -1.0),
        "shots": reach.astype(int),
        "shooters": np.where(reach, 1 << world.aim_side, 0),
        "intercepted": hit,
    }
    return ObjectResults(**{column: np.ravel(value) for column, value in full.items()})


def _metrics(results, index, name, generator):
    """Means a replicate of the columns that metrics are about; what the columns do not say is noise."""
    mine = results.take(np.flatnonzero(results.architecture == index))
    count = int(mine.replicate.max()) + 1
    rows = {column: [] for column in ("replicate", "architecture", "side", "metric", "value", "defined")}
    for side in (*SIDES, ALL):
        asked = np.ones(len(mine), bool) if side == ALL else mine.aim_side == SIDES.index(side)
        for metric in METRICS:
            values, there = _values(mine, metric.name, name, generator)
            total = np.bincount(mine.replicate[asked & there], values[asked & there], count)
            number = np.bincount(mine.replicate[asked & there], minlength=count)
            rows["replicate"] += range(count)
            rows["architecture"] += [name] * count
            rows["side"] += [side] * count
            rows["metric"] += [metric.name] * count
            rows["value"] += np.divide(total, number, out=np.zeros(count), where=number > 0).tolist()
            rows["defined"] += (number > 0).astype(int).tolist()
    return StudyTable(**{column: np.array(values) for column, values in rows.items()})


def _values(mine, metric, name, generator):
    everywhere = np.ones(len(mine), bool)
    exchanged = name in ("warning", "cooperating", "two-key", "sectoral")
    lead = np.where(mine.warned_s >= 0, mine.impact_s - mine.warned_s, 0.0)
    own = np.where(mine.own_warned_s >= 0, mine.impact_s - mine.own_warned_s, 0.0)
    known = {
        "warning_time_s": lead,
        "own_warning_time_s": own,
        "useful_warning_time_s": np.where(mine.useful_s >= 0, mine.impact_s - mine.useful_s, 0.0),
        "leakage_fraction": 1.0 - mine.intercepted,
        "launch_attribution_fraction": mine.attributed,
        "launch_point_error_km": mine.launch_error_m / 1e3,
        "impact_point_error_km": mine.impact_error_m / 1e3,
        "engagement_opportunities": mine.opportunities,
        "engagement_margin_s": np.where(mine.earliest_s >= 0, mine.impact_s - mine.earliest_s, 0.0),
        "released_messages": np.full(len(mine), 400.0 * exchanged),
        "double_engagements": np.zeros(len(mine)),
        "withheld_messages": generator.poisson(60.0, len(mine)) * float(exchanged),
        "interceptors_spent": 12.0 * mine.shots,
        "false_warnings": generator.poisson(0.4, len(mine)).astype(float),
    }
    if metric == "track_nees":  # nobody tracked anything in this made-up world: a quantity that does not exist
        return np.zeros(len(mine)), ~everywhere
    if metric == "territory_defended_fraction":
        return (mine.opportunities > 0).astype(float), mine.aim_by == 0
    if metric == "people_defended_fraction":
        return (mine.opportunities > 0).astype(float), mine.aim_by == 1
    return np.asarray(known.get(metric, generator.uniform(100.0, 900.0, len(mine))), float), everywhere


def _sample(world, name, generator):
    """Replicate 0 as tables: what flew, and a warning, a shot and some decisions on messages for each object."""
    warnings = _warnings(world, name, generator)
    shots, outcomes = _shots(world)
    return {
        "objects": _objects(world),
        "truth": _truth(world),
        "warnings": warnings,
        "shots": shots,
        "outcomes": outcomes,
        "releases": _releases(0 if name in ("alone", "joint") else 4 * world.count),
        "tracks": TrackHistory.empty(),
        "opportunities": Opportunities.empty(),
        "messages": Messages.empty(),
    }


def _objects(world):
    impact, side = world.impact[0], world.aim_side[0]
    return _filled(
        Objects,
        world.count,
        object=np.arange(world.count),
        launch_s=world.launch_s[0],
        impact_s=world.impact_s[0],
        aim_side=side,
        launch_lat_rad=world.launch[0, :, 0],
        launch_lon_rad=world.launch[0, :, 1],
        impact_lat_rad=impact[:, 0],
        impact_lon_rad=impact[:, 1],
        threatened=1 << side,
        range_m=world.distance[0],
        apogee_m=world.apogee_m[0],
    )


def _warnings(world, name, generator):
    """One for each object that is warned of before it lands, its impact point off by up to 60 km."""
    count, side, warned = world.count, world.aim_side[0], _warned(world, name)[0]
    moved = destinations(world.impact[0], generator.uniform(0, 6.28, count), generator.uniform(0, 60e3, count))
    return _filled(
        Warnings,
        count,
        side=np.full(count, -1) if name == "joint" else side,
        time_s=np.minimum(warned, 1e6),
        number=np.arange(count),
        stream=np.full(count, 1 if name == "alone" else 3),
        threatened=side,
        probability=np.full(count, 0.9),
        impact_lat_rad=moved[:, 0],
        impact_lon_rad=moved[:, 1],
        impact_s=world.impact_s[0],
        impact_covariance_m2=np.tile([3.6e9, 8e8, 1.2e9], (count, 1)),
    ).take(np.flatnonzero(warned < world.impact_s[0]))


def _shots(world):
    """A shot at each object bound for some meridians, and what came of it."""
    impact = world.impact[0]
    shot = np.flatnonzero((np.degrees(impact[:, 1]) % 7.0) < 3.0)
    high = geodetic_to_ecef(np.column_stack([impact[shot], np.full(len(shot), 40e3)]))
    outcomes = _filled(
        Outcomes,
        len(shot),
        shot=np.arange(len(shot)),
        object=shot,
        in_basket=np.ones(len(shot)),
        hit=world.luck[0, shot] < 0.5,
    )
    return _filled(Shots, len(shot), side=world.aim_side[0, shot], number=shot, intercept_ecef_m=high), outcomes


def _releases(said):
    """So many decisions, two of three a release."""
    number = np.arange(said)
    released = number % 3 > 0
    return _filled(
        Releases,
        said,
        giver=number % 2,
        receiver=1 - number % 2,
        data=1 + number % 3,
        clause=number % 4,
        released=released,
        reason=np.where(released, 13, 5),
    )


def _filled(kind, count, **given):
    """A table of zeros but for the columns given."""
    zeros = {name: np.zeros((count, *spec.shape), spec.dtype) for name, spec in kind.columns()}
    return kind(**zeros | given)


def _truth(world):
    share = np.linspace(0.0, 1.0, 61)
    parts = []
    for thing in range(world.count):
        launch, impact = world.launch[0, thing], world.impact[0, thing]
        azimuth = _azimuth(launch, impact)
        track = destinations(launch, azimuth, share * world.distance[0, thing])
        height = 4.0 * world.apogee_m[0, thing] * share * (1.0 - share)
        time_s = world.launch_s[0, thing] + share * (world.impact_s[0, thing] - world.launch_s[0, thing])
        parts.append(
            _filled(
                Truth,
                61,
                object=np.full(61, thing),
                time_s=time_s,
                position_ecef_m=geodetic_to_ecef(np.column_stack([track[:, :2], height])),
                phase=np.where(share < 0.12, 1, np.where(share < 0.93, 2, 3)),
            )
        )
    return Truth.concatenate(parts)


def _azimuth(start, end):
    shift = end[1] - start[1]
    y = np.sin(shift) * np.cos(end[0])
    return np.arctan2(y, np.cos(start[0]) * np.sin(end[0]) - np.sin(start[0]) * np.cos(end[0]) * np.cos(shift))
