"""From what an architecture did to what became of each object, and from that to every metric."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detente.geodesy.countries import CountryIndex, countries_at
from detente.geodesy.distance import great_circle_m
from detente.records.results import ObjectResults, StudyTable
from detente.records.stages import Objects, Warnings
from detente.studies.answers import AnswerBook
from detente.studies.chunk import Chunk
from detente.studies.consistency import impact_nees, longest_variance_m2
from detente.studies.cooperation import Cooperation
from detente.studies.metrics import ALL, METRIC_NAMES

Floats = NDArray[np.float64]
NEVER = -1.0
USEFUL_M = 300e3
"""A statement that is right to this is one to act on. Source: assumption, 100 to 500 km: the size of a region."""
INSIDE_95 = math.sqrt(-2.0 * math.log(0.05))  # sigmas that hold 95 % of two dimensions
BY_AREA, BY_PEOPLE = (0,), (1, 2)  # Objects.aim_by; troops are people too
Cells = dict[str, tuple[Floats, NDArray[np.bool_]]]  # metric → value and defined, (R,)


@dataclass(frozen=True, kw_only=True)
class FirstWarnings:
    """The first warning of each object to each side it threatens: (sides, R, N); -1 where there was none."""

    time_s: Floats
    launch_error_m: Floats
    impact_error_m: Floats
    impact_nees: Floats
    useful_s: Floats  # the first statement, warning or correction, that was useful; -1 where there was none
    attributed: NDArray[np.uint8]
    attributable: NDArray[np.bool_]  # (R, N) launched from some country's ground
    false: NDArray[np.int64]  # (sides, R) warnings that named the side while the object did not threaten it


def first_warnings(
    chunk: Chunk, warnings: list[Warnings], book: AnswerBook, countries: CountryIndex, pooled: bool
) -> FirstWarnings:
    """Of each side: what it first said, in any stream, of each object that really threatened it."""
    sides, rows, objects = chunk.sides, chunk.rows, chunk.objects
    found = Warnings.concatenate(warnings)
    shape = (sides, rows, objects)
    result = {name: np.full(shape, NEVER) for name in ("time_s", "launch_error_m", "impact_error_m", "impact_nees")}
    attributed, false = np.zeros(shape, np.uint8), np.zeros((sides, rows), np.int64)
    heard = np.ones(len(found), bool) if pooled else found.side == found.threatened
    found = found.take(np.flatnonzero(heard))
    useful_s = _first_useful(chunk, found, book)
    found = _first_of_each_track(found)
    thing, true = _threatening(chunk, found, book)
    np.add.at(false, (found.threatened[~true], found.replicate[~true]), 1)
    found, thing = found.take(np.flatnonzero(true)), thing[true]
    order = np.lexsort((found.time_s,))[::-1]  # written latest first, so that the earliest stays
    cell = found.threatened[order], found.replicate[order], thing[order]
    errors = _errors(chunk.world.objects, found, found.replicate * objects + thing, countries)
    for name, values in zip(result, (found.time_s, *errors[:3]), strict=True):
        result[name][cell] = values[order]
    attributed[cell] = errors[3][order]
    return FirstWarnings(
        **result, useful_s=useful_s, attributed=attributed,
        attributable=_attributable(chunk.world.objects, countries, shape[1:]), false=false,
    )  # fmt: skip


def _threatening(chunk: Chunk, found: Warnings, book: AnswerBook) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The object that each statement is about, -1 where it is about none, and whether it threatens the side named."""
    thing = book.of(found.replicate, found.giver, found.number)
    row_of = found.replicate * chunk.objects + thing
    mask = np.where(thing >= 0, chunk.world.objects.threatened[np.maximum(row_of, 0)], 0)
    return thing, ((mask >> found.threatened) & 1) == 1


def _first_useful(chunk: Chunk, found: Warnings, book: AnswerBook) -> Floats:
    """When each side was first told rightly, to :data:`USEFUL_M`, where what threatens it will land: (sides, R, N).

    The statement's own 95 % ellipse is no longer than that from its middle, and the true impact no farther.
    """
    objects = chunk.world.objects
    thing, true = _threatening(chunk, found, book)
    sharp = INSIDE_95 * np.sqrt(longest_variance_m2(found)) <= USEFUL_M
    kept = np.flatnonzero(true & sharp)
    found, thing = found.take(kept), thing[kept]
    rows = found.replicate * chunk.objects + thing
    said = np.stack([found.impact_lat_rad, found.impact_lon_rad], axis=1)
    landed = np.stack([objects.impact_lat_rad[rows], objects.impact_lon_rad[rows]], axis=1)
    right = great_circle_m(said, landed) <= USEFUL_M if len(rows) else np.zeros(0, bool)
    first = np.full((chunk.sides, chunk.rows, chunk.objects), np.inf)
    np.minimum.at(first, (found.threatened[right], found.replicate[right], thing[right]), found.time_s[right])
    return np.where(np.isfinite(first), first, NEVER)


def _attributable(objects: Objects, countries: CountryIndex, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    launch = np.stack([objects.launch_lat_rad, objects.launch_lon_rad], axis=1)
    return (countries_at(countries, launch) >= 0).reshape(shape)


def _first_of_each_track(found: Warnings) -> Warnings:
    """One warning for each (replicate, giver, number, territory): own and assisted stream may both have spoken."""
    order = np.lexsort((found.time_s, found.threatened, found.number, found.giver, found.replicate))
    keys = np.stack([found.replicate, found.giver, found.number, found.threatened], axis=1)[order]
    new = np.ones(len(order), bool)
    new[1:] = np.any(keys[1:] != keys[:-1], axis=1)
    return found.take(order[new])


def _errors(
    objects: Objects, found: Warnings, rows: NDArray[np.int64], countries: CountryIndex
) -> tuple[Floats, Floats, Floats, NDArray[np.uint8]]:
    """Launch error, impact error (m; -1 where none was stated), its NEES, and 1 where the launch country is right."""
    if not len(found):
        return np.empty(0), np.empty(0), np.empty(0), np.empty(0, np.uint8)
    said_launch = np.stack([found.launch_lat_rad, found.launch_lon_rad], axis=1)
    true_launch = np.stack([objects.launch_lat_rad[rows], objects.launch_lon_rad[rows]], axis=1)
    said_impact = np.stack([found.impact_lat_rad, found.impact_lon_rad], axis=1)
    true_impact = np.stack([objects.impact_lat_rad[rows], objects.impact_lon_rad[rows]], axis=1)
    valid = found.launch_valid == 1
    true_country = countries_at(countries, true_launch)
    same = (countries_at(countries, said_launch) == true_country) & (true_country >= 0)
    launch_error = np.where(valid, great_circle_m(said_launch, true_launch), NEVER)
    impact_error = great_circle_m(said_impact, true_impact)
    return launch_error, impact_error, impact_nees(found, true_impact), (valid & same).astype(np.uint8)


def object_results(cooperation: Cooperation, index: int, warned: FirstWarnings, own: FirstWarnings) -> ObjectResults:
    """One row for each object that flew: what became of it under this architecture."""
    chunk = cooperation.chunk
    objects = chunk.world.objects
    shape = (chunk.rows, chunk.objects)
    shots, shooters = np.zeros(shape, np.int64), np.zeros(shape, np.uint8)
    intercepted = np.zeros(shape, np.uint8)
    known = cooperation.shot_object >= 0
    row, thing = cooperation.shots.replicate[known], cooperation.shot_object[known]
    np.add.at(shots, (row, thing), 1)
    bits = (1 << chunk.arms.side[cooperation.shots.site[known]]).astype(np.uint8)
    np.bitwise_or.at(shooters, (row, thing), bits)
    hit = cooperation.outcomes.hit[known] == 1
    intercepted[row[hit], thing[hit]] = 1
    first, launch, impact, nees = (
        _of_any_side(values, warned.time_s)
        for values in (warned.time_s, warned.launch_error_m, warned.impact_error_m, warned.impact_nees)
    )
    useful = _of_any_side(warned.useful_s, warned.useful_s)
    everything = ObjectResults(
        replicate=chunk.world.replicates[objects.replicate],
        object=objects.object,
        architecture=np.full(len(objects), index),
        **{name: getattr(objects, name) for name in _COPIED},
        own_warned_s=_of_any_side(own.time_s, own.time_s).ravel(),
        warned_s=first.ravel(),
        launch_error_m=launch.ravel(),
        impact_error_m=impact.ravel(),
        impact_nees=nees.ravel(),
        useful_s=useful.ravel(),
        attributed=warned.attributed.max(axis=0).ravel(),
        opportunities=cooperation.seen.sum(axis=2).ravel(),
        earliest_s=cooperation.earliest_s.ravel(),
        shots=shots.ravel(),
        shooters=shooters.ravel(),
        intercepted=intercepted.ravel(),
    )
    return everything.take(np.flatnonzero(objects.flag == 0))


_COPIED = (
    "threatened", "aim_side", "aim_by", "wave", "missile", "launch_s", "launch_lat_rad", "launch_lon_rad",
    "impact_s", "impact_lat_rad", "impact_lon_rad",
)  # fmt: skip


def _of_any_side(values: Floats, time_s: Floats) -> Floats:
    """The value of the side that warned first; -1 where none did. (sides, R, N) → (R, N)"""
    when = np.where(time_s >= 0.0, time_s, np.inf)
    first = np.argmin(when, axis=0)[None]
    return np.take_along_axis(values, first, axis=0)[0]


def metric_rows(
    cooperation: Cooperation, warned: FirstWarnings, own: FirstWarnings, results: ObjectResults
) -> StudyTable:
    """Every metric of every replicate, for each side and for all."""
    chunk = cooperation.chunk
    row_of = {int(replicate): row for row, replicate in enumerate(chunk.world.replicates)}
    rows = np.array([row_of[int(replicate)] for replicate in results.replicate], np.int64)
    parts = []
    for column in (*range(chunk.sides), ALL):
        sides = tuple(range(chunk.sides)) if column == ALL else (column,)
        cells = _object_cells(chunk, warned, own, results, rows, sides)
        cells |= _count_cells(cooperation, warned, results, rows, sides)
        cells |= _track_cells(cooperation, sides)
        parts.append(_tidy(chunk, cooperation.architecture.name, column, cells))
    return StudyTable.concatenate(parts)


def _object_cells(
    chunk: Chunk, warned: FirstWarnings, own: FirstWarnings, results: ObjectResults, rows: NDArray,
    sides: tuple[int, ...],
) -> Cells:  # fmt: skip
    """Metrics that are means over objects, threatening or warned."""
    cells: dict[str, list[tuple[NDArray, Floats]]] = {name: [] for name in _OBJECT_METRICS}
    for side in sides:
        threat = ((results.threatened >> side) & 1) == 1
        row, thing = rows[threat], results.object[threat]
        impact = results.impact_s[threat]
        first, first_own = warned.time_s[side][row, thing], own.time_s[side][row, thing]
        useful = warned.useful_s[side][row, thing]
        launch_error, impact_error = warned.launch_error_m[side][row, thing], warned.impact_error_m[side][row, thing]
        earliest, seen = results.earliest_s[threat], results.opportunities[threat]
        values = {
            "warning_time_s": np.where(first >= 0, impact - first, 0.0),
            "own_warning_time_s": np.where(first_own >= 0, impact - first_own, 0.0),
            "useful_warning_time_s": np.where(useful >= 0, impact - useful, 0.0),
            "engagement_opportunities": seen.astype(float),
            "engagement_margin_s": np.where(earliest >= 0, impact - earliest, 0.0),
            "leakage_fraction": 1.0 - results.intercepted[threat],
        }
        for name, value in values.items():
            cells[name].append((row, value))
        from_a_country = warned.attributable[row, thing]
        named = warned.attributed[side][row, thing].astype(float)
        cells["launch_attribution_fraction"].append((row[from_a_country], named[from_a_country]))
        cells["launch_point_error_km"].append((row[launch_error >= 0], launch_error[launch_error >= 0] / 1e3))
        cells["impact_point_error_km"].append((row[impact_error >= 0], impact_error[impact_error >= 0] / 1e3))
        for name, by in (("territory_defended_fraction", BY_AREA), ("people_defended_fraction", BY_PEOPLE)):
            drawn = np.isin(results.aim_by[threat], by) & (results.aim_side[threat] == side)
            cells[name].append((row[drawn], (seen[drawn] > 0).astype(float)))
    return {name: _means(chunk.rows, found) for name, found in cells.items()}


_OBJECT_METRICS = (
    "warning_time_s", "own_warning_time_s", "useful_warning_time_s", "launch_attribution_fraction",
    "launch_point_error_km", "impact_point_error_km", "engagement_opportunities", "engagement_margin_s",
    "territory_defended_fraction", "people_defended_fraction", "leakage_fraction",
)  # fmt: skip


def _means(rows: int, found: list[tuple[NDArray, Floats]]) -> tuple[Floats, NDArray[np.bool_]]:
    """Mean a replicate row, summed in order of object so that the batch changes no bit; defined where anything was."""
    total, count = np.zeros(rows), np.zeros(rows)
    for row, value in found:
        np.add.at(total, row, value)
        np.add.at(count, row, 1.0)
    return np.divide(total, count, out=np.zeros(rows), where=count > 0), count > 0


def _count_cells(
    cooperation: Cooperation, warned: FirstWarnings, results: ObjectResults, rows: NDArray, sides: tuple[int, ...]
) -> Cells:  # fmt: skip
    """Metrics that are counts a replicate."""
    chunk, shots = cooperation.chunk, cooperation.shots
    spent, double = np.zeros(chunk.rows), np.zeros(chunk.rows)
    of_sides = np.isin(chunk.arms.side[shots.site], sides)
    np.add.at(spent, shots.replicate[of_sides], 1.0)
    if not cooperation.architecture.one_plan:
        by_several = (results.shooters & (results.shooters - 1)) != 0
        bits = np.uint8(sum(1 << side for side in sides))
        np.add.at(double, rows[by_several & ((results.shooters & bits) != 0)], 1.0)
    released, withheld = np.zeros(chunk.rows), np.zeros(chunk.rows)
    for side in sides:
        if cooperation.architecture.exchange:
            said = cooperation.pictures.assisted[side].release
            released, withheld = released + said.released_messages, withheld + said.withheld_messages
    counts = {
        "false_warnings": warned.false[list(sides)].sum(axis=0).astype(float),
        "interceptors_spent": spent,
        "double_engagements": double,
        "released_messages": released,
        "withheld_messages": withheld,
    }
    return {name: (values, np.ones(chunk.rows, bool)) for name, values in counts.items()}


def _track_cells(cooperation: Cooperation, sides: tuple[int, ...]) -> Cells:
    """Accuracy of the pictures that decide, over coast-phase samples."""
    tally = cooperation.pictures.accuracy
    pictures = [0] if cooperation.architecture.pooled else list(sides)
    samples = tally.samples[pictures].sum(axis=0)
    some = samples > 0
    divisor = np.where(some, samples, 1.0)
    return {
        "track_position_rmse_m": (np.sqrt(tally.square_m2[pictures].sum(axis=0) / divisor), some),
        "track_nees": (tally.nees[pictures].sum(axis=0) / divisor, some),
    }


def _tidy(chunk: Chunk, architecture: str, column: int | str, cells: Cells) -> StudyTable:
    rows, metrics = chunk.rows, len(METRIC_NAMES)
    side = ALL if column == ALL else chunk.scenario.side_names[int(column)]
    count = rows * metrics
    return StudyTable(
        replicate=np.repeat(chunk.world.replicates, metrics),
        architecture=np.full(count, architecture, "U16"),
        side=np.full(count, side, "U64"),
        metric=np.tile(np.array(METRIC_NAMES, "U32"), rows),
        value=np.stack([np.where(cells[name][1], cells[name][0], 0.0) for name in METRIC_NAMES], axis=1).ravel(),
        defined=np.stack([cells[name][1] for name in METRIC_NAMES], axis=1).ravel().astype(np.uint8),
    )
