"""From a side's description of its ground to territory: countries as of a date, polygons, clip boxes."""

from collections.abc import Callable
from datetime import date
from functools import lru_cache

import shapely

from detente.geodesy import shapes
from detente.geodesy.borders import Borders
from detente.geodesy.shapes import Ring
from detente.geodesy.territory import Territory, make_territory, with_shore
from detente.records.errors import InputError
from detente.scenario.complaints import did_you_mean
from detente.scenario.located import Path
from detente.scenario.sides import TerritorySpec
from detente.scenario.words import Box

OVERLAP_SHARE_MAX = 1e-3
"""Two sides' ground may overlap by this share of the smaller: borders of two data sets, or a line drawn by hand."""

Complain = Callable[[Path, str, str, str], None]


@lru_cache(maxsize=64)
def _made(
    countries: tuple[str, ...],
    as_of: date | None,
    polygons: tuple[tuple[tuple[float, float], ...], ...],
    boxes: tuple[tuple[float, float, float, float], ...],
    borders: Borders,
) -> Territory:
    """The territory of a sound specification. Kept, because studies load the same ground again and again."""
    rings: list[Ring] = []
    for code in countries:
        assert as_of is not None
        rings += borders.country_rings(code, as_of)
    for points in polygons:
        rings += shapes.polygon_rings(points)
    return make_territory(rings, boxes)


@lru_cache(maxsize=16)
def ground_of(territory: Territory, borders: Borders) -> Territory:
    """A territory with its shore, because coasts at 1:50m leave harbour cities in the sea."""
    return with_shore(territory, borders.land_rings())


def territory_of(spec: TerritorySpec, path: Path, borders: Borders, complain: Complain) -> Territory | None:
    """The territory a specification describes; None where something was complained of."""
    sound = True
    for k, code in enumerate(spec.countries):
        assert spec.as_of is not None
        try:
            borders.country_rings(code, spec.as_of)
        except InputError as error:
            sound = False
            dated = "a date from" in error.expected
            near = "" if dated else _near_code(code, spec, borders)
            complain(
                (*path, "as_of") if dated else (*path, "countries", k),
                error.found,
                error.expected,
                near or error.remedy,
            )
            if dated:
                break
    for k, points in enumerate(spec.polygons):
        try:
            shapes.polygon_rings(points)
        except InputError as error:
            sound = False
            complain((*path, "polygons", k), error.found, error.expected, error.remedy)
    if not sound:
        return None
    try:
        boxes = tuple(_sides(box) for box in spec.clip)
        return _made(spec.countries, spec.as_of, spec.polygons, boxes, borders)
    except InputError as error:
        complain(path, error.found, error.expected, error.remedy)
        return None


@lru_cache(maxsize=64)
def overlap_share(one: Territory, other: Territory) -> float:
    """Shared ground as a share of the smaller of two territories (in square degrees: good enough for a yes or no)."""
    first, second = shapes.united(one.rings()), shapes.united(other.rings())
    shared = shapely.area(shapely.intersection(first, second))
    return float(shared / min(shapely.area(first), shapely.area(second)))


def may_overlap(one: TerritorySpec, other: TerritorySpec) -> bool:
    """False where no check of shapes is needed: both are countries on one date, and none is named twice."""
    if one.polygons or other.polygons or one.as_of != other.as_of:
        return True
    return bool(set(one.countries) & set(other.countries))


def _near_code(code: str, spec: TerritorySpec, borders: Borders) -> str:
    assert spec.as_of is not None
    known = borders.known_codes(spec.as_of)
    return did_you_mean(code, known, 4)


def _sides(box: Box) -> tuple[float, float, float, float]:
    return (box.south_deg, box.north_deg, box.west_deg, box.east_deg)
