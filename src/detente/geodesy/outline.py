"""Coasts and borders for small maps: rings and lines of (lon, lat) in degrees, plain lists ready for JSON.

Each ring is simplified by itself, so that at a coarse tolerance two neighbours' lines may part by that much.
"""

from datetime import date
from itertools import pairwise

import numpy as np
import shapely

from detente.geodesy.borders import Borders
from detente.geodesy.shapes import Ring
from detente.geodesy.territory import Territory

Line = list[tuple[float, float]]
"""(lon_deg, lat_deg) from vertex to vertex; a ring repeats its first vertex at its end."""


def land_outline(borders: Borders, tolerance_deg: float = 0.0, decimals: int = 2) -> list[Line]:
    """All coasts as rings, largest island first. ``load_borders("110m")`` suits a map of the world."""
    return _lines(borders.land_rings(), tolerance_deg, decimals)


def country_outline(
    borders: Borders, code: str, as_of: date, tolerance_deg: float = 0.0, decimals: int = 2
) -> list[Line]:
    """One country's rings on a date; holes are rings too, and run clockwise."""
    return _lines(borders.country_rings(code, as_of), tolerance_deg, decimals)


def territory_outline(territory: Territory, tolerance_deg: float = 0.05, decimals: int = 2) -> list[Line]:
    """The rings of a side's ground, without the borders inside it."""
    return _lines(territory.rings(), tolerance_deg, decimals)


def multipolygon(rings: list[Line], *, clockwise: bool = False) -> dict[str, object]:
    """A GeoJSON MultiPolygon of these rings: counter-clockwise as RFC 7946 asks, or the other way for d3-geo."""
    polygons: list[list[Line]] = []
    for ring in rings:
        if _is_hole(ring) and polygons:
            polygons[-1].append(ring)
        else:
            polygons.append([ring])
    if clockwise:
        polygons = [[ring[::-1] for ring in polygon] for polygon in polygons]
    return {"type": "MultiPolygon", "coordinates": polygons}


def strokes(rings: list[Line]) -> list[Line]:
    """The rings as lines to draw, without the cuts along the antimeridian and over the pole, which are no borders."""
    lines: list[Line] = []
    for ring in rings:
        line: Line = []
        for a, b in pairwise(ring):
            if (abs(a[0]) == 180.0 and a[0] == b[0]) or (abs(a[1]) == 90.0 and a[1] == b[1]):
                if len(line) > 1:
                    lines.append(line)
                line = []
                continue
            line = [*line, b] if line else [a, b]
        if len(line) > 1:
            lines.append(line)
    return lines


def _lines(rings: tuple[Ring, ...], tolerance_deg: float, decimals: int) -> list[Line]:
    lines = []
    for ring in rings:
        points = np.rad2deg(np.concatenate([ring, ring[:1]])[:, ::-1])
        if tolerance_deg > 0.0:
            points = shapely.get_coordinates(shapely.simplify(shapely.linearrings(points), tolerance_deg))
        line = [(float(lon), float(lat)) for lon, lat in np.round(points, decimals)]
        line = [point for k, point in enumerate(line) if k == 0 or point != line[k - 1]]
        # What shrinks to a line or a point is dropped with its shape; at a fine tolerance nothing does.
        if len(line) >= 4:
            lines.append(line)
    return lines


def _is_hole(ring: Line) -> bool:
    points = np.array(ring)
    return float(np.sum(points[:-1, 0] * points[1:, 1] - points[1:, 0] * points[:-1, 1])) < 0.0
