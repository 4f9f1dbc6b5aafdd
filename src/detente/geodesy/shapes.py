"""Rings put together and cut: the union of countries, a user's polygon, a clip to boxes of latitude and longitude.

Edges are straight in latitude and longitude, as the source draws them; they are not geodesics.
"""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from detente.geodesy.constants import DEG, MEAN_RADIUS_M
from detente.geodesy.rows import frozen
from detente.records.errors import InputError

Ring = NDArray[np.float64]
Box = tuple[float, float, float, float]
"""south, north, west, east, degrees; west may exceed east where the box crosses the antimeridian."""

_STRIP_RAD = DEG  # from its middle to its edge a strip's scale changes by less than 3 % below 72°


def united(rings: Sequence[Ring]) -> shapely.Geometry:
    """The union of rings given as :meth:`Borders.country_rings` gives them: exteriors, each followed by its holes."""
    return shapely.union_all(polygons_of(rings))


def polygons_of(rings: Sequence[Ring]) -> list[shapely.Polygon]:
    """Rings as polygons: a clockwise ring is a hole of the exterior before it."""
    polygons, exterior, holes = [], None, []
    for ring in rings:
        points = ring[:, ::-1]
        if exterior is not None and not shapely.is_ccw(shapely.linearrings(points)):
            holes.append(points)
            continue
        if exterior is not None:
            polygons.append(shapely.Polygon(exterior, holes))
        exterior, holes = points, []
    if exterior is not None:
        polygons.append(shapely.Polygon(exterior, holes))
    return polygons


def clipped(shape: shapely.Geometry, boxes_deg: Sequence[Box]) -> shapely.Geometry:
    """The part of a shape that lies in at least one of the boxes."""
    return shapely.intersection(shape, shapely.union_all([part for box in boxes_deg for part in _box_parts(box)]))


def with_shore(shape: shapely.Geometry, land: Sequence[shapely.Polygon], width_m: float) -> shapely.Geometry:
    """A shape and the water within ``width_m`` of it; no other land. Polygons of ``land`` do not overlap.

    Widened strip by strip of latitude, in coordinates that are nearly true to scale there.
    """
    _, south, _, north = shapely.bounds(shape)
    strips = []
    for k in range(int(np.floor(south / _STRIP_RAD)), int(np.floor(north / _STRIP_RAD)) + 1):
        strip = shapely.box(-np.pi, k * _STRIP_RAD, np.pi, (k + 1) * _STRIP_RAD)
        scale = np.array([np.cos((k + 0.5) * _STRIP_RAD), 1.0])
        level = shapely.transform(shapely.intersection(shape, strip), lambda xy, scale=scale: xy * scale)
        wide = shapely.buffer(level, width_m / MEAN_RADIUS_M, quad_segs=2)
        strips.append(shapely.transform(wide, lambda xy, scale=scale: xy / scale))
    wide = _within_world(shapely.union_all(strips))
    shapely.prepare(wide)
    nearby = [part for part in land if shapely.intersects(wide, part)]
    if not nearby:
        return shapely.union(shape, wide)
    return shapely.union(shape, shapely.difference(wide, shapely.multipolygons(nearby)))


def rings_of(shape: shapely.Geometry) -> tuple[Ring, ...]:
    """A shape's rings, largest polygon first: exteriors counter-clockwise, each followed by its holes, clockwise."""
    parts = [part for part in _polygons(shape) if part.area > 0.0]
    rings = []
    for polygon in sorted(parts, key=lambda part: part.area, reverse=True):
        turned = shapely.orient_polygons(polygon)
        rings += [shapely.get_coordinates(line)[:-1, ::-1] for line in (turned.exterior, *turned.interiors)]
    return tuple(frozen(np.ascontiguousarray(ring)) for ring in rings)


def polygon_rings(points_deg: Sequence[tuple[float, float]]) -> tuple[Ring, ...]:
    """A user's polygon, (lat, lon) in degrees in either direction, as rings cut at the antimeridian.

    Each edge goes the short way round. A polygon that crosses itself, holds no ground or goes round a pole is refused.
    """
    points = np.deg2rad(np.asarray(points_deg, np.float64).reshape(-1, 2))[:, ::-1]
    if len(points) > 1 and (points[0] == points[-1]).all():
        points = points[:-1]
    if len(points) < 3:
        raise _bad_polygon(f"a polygon of {len(points)} points", "at least three different points")
    closed = np.concatenate([points, points[:1]])
    closed[:, 0] = np.unwrap(closed[:, 0])
    if abs(closed[-1, 0] - closed[0, 0]) > 1.0:
        raise _bad_polygon("a polygon that goes round a pole", "a polygon that does not")
    shape = shapely.Polygon(closed)
    if not shape.is_valid or shape.area == 0.0:
        raise _bad_polygon(
            f"a polygon with {shapely.is_valid_reason(shape).split('[')[0].lower()}"
            if not shape.is_valid
            else "a polygon without area",
            "a line that neither crosses nor touches itself and holds some ground",
        )
    return rings_of(_within_world(shape))


def _within_world(shape: shapely.Geometry) -> shapely.Geometry:
    world = shapely.box(-np.pi, -0.5 * np.pi, np.pi, 0.5 * np.pi)
    west, _, east, _ = shapely.bounds(shape)
    first, last = int(np.floor((west + np.pi) / (2 * np.pi))), int(np.ceil((east - np.pi) / (2 * np.pi)))
    parts = [shapely.intersection(_turned(shape, turns), world) for turns in range(first, last + 1)]
    return shapely.union_all(parts)


def _turned(shape: shapely.Geometry, turns: int) -> shapely.Geometry:
    return shapely.transform(shape, lambda xy: xy - [2 * np.pi * turns, 0.0])


def _box_parts(box: Box) -> list[shapely.Geometry]:
    south, north, west, east = (float(np.deg2rad(side)) for side in box)
    assert south < north, "a box's south must lie below its north"
    if west < east:
        return [shapely.box(west, south, east, north)]
    return [shapely.box(west, south, np.pi, north), shapely.box(-np.pi, south, east, north)]


def _polygons(shape: shapely.Geometry) -> list[shapely.Polygon]:
    found = []
    for part in shapely.get_parts(shape):
        if isinstance(part, shapely.Polygon):
            found.append(part)
        elif isinstance(part, shapely.MultiPolygon):
            found += _polygons(part)
    return found


def _bad_polygon(found: str, expected: str) -> InputError:
    return InputError(found=found, expected=expected, remedy="redraw it, or split it into several polygons")
