"""Zones of latitude and longitude: what lies inside, how far apart two can be, and what of one others leave free."""

import math
from collections.abc import Sequence
from itertools import pairwise

from detente.scenario.agreement import RANGE_CLASSES, RANGE_LIMITS_KM
from detente.scenario.words import Box

MEAN_RADIUS_KM = 6371.0088
"""Of the sphere on which ranges are measured: the International Union of Geodesy and Geophysics' R1."""

Point = tuple[float, float]
"""Latitude and longitude, degrees."""

EARTH = Box(south_deg=-90.0, north_deg=90.0, west_deg=-180.0, east_deg=180.0)
EDGE_DEG = 1e-9
"""Edges closer than this, a tenth of a millimetre, are the same edge: sums of degrees round."""

EDGE_KM = 1e-3
"""Likewise of distances, which are sums of cosines: at the poles of such a sum a metre is within its rounding."""


def width_deg(box: Box) -> float:
    """How far east of its western edge a zone reaches."""
    width = box.east_deg - box.west_deg
    return width + 360 if width < 0 else width


def inside(point: Point, box: Box, edge_deg: float = 0.0) -> bool:
    """True where a point lies in a zone, whose edges belong to it and are ``edge_deg`` thick."""
    lat_deg, lon_deg = point
    east_deg = (lon_deg - box.west_deg + edge_deg) % 360
    within = box.south_deg - edge_deg <= lat_deg <= box.north_deg + edge_deg
    return within and east_deg <= width_deg(box) + 2 * edge_deg


def free_points(box: Box, taken: Sequence[Box]) -> list[Point]:
    """Points of a zone that lie in none of others: some wherever there are any, since each edge and gap is tried."""
    edges = {box.south_deg, box.north_deg}
    edges |= {lat for other in taken for lat in (other.south_deg, other.north_deg) if _between(lat, box)}
    width, east = width_deg(box), {0.0, width_deg(box)}
    for other in taken:
        start = (other.west_deg - box.west_deg) % 360
        east |= {side for side in (start, (start + width_deg(other)) % 360) if side <= width}
    points = [
        (lat, (box.west_deg + lon + 180) % 360 - 180) for lat in _with_middles(edges) for lon in _with_middles(east)
    ]
    return [point for point in points if not any(inside(point, other, EDGE_DEG) for other in taken)]


def _between(lat_deg: float, box: Box) -> bool:
    return box.south_deg <= lat_deg <= box.north_deg


def _with_middles(edges: set[float]) -> list[float]:
    marks = sorted(edges)
    return sorted({*marks, *((low + high) / 2 for low, high in pairwise(marks))})


def distance_km(one: Point, other: Point) -> float:
    """Along the great circle."""
    lat_a, lon_a, lat_b, lon_b = (math.radians(angle) for angle in (*one, *other))
    half = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * MEAN_RADIUS_KM * math.asin(min(1.0, math.sqrt(half)))


def range_class(km: float) -> str:
    """The class of a flight that far."""
    short, medium, intermediate = RANGE_LIMITS_KM
    return RANGE_CLASSES[(km >= short) + (km >= medium) + (km > intermediate)]


def possible_ranges(launch: Box | None, impact: Box | None) -> tuple[str, ...]:
    """The classes that a flight from one zone to another can be of; none left out that can be.

    With d = φ − φ′, s = φ + φ′ and the difference Δ of longitude, the cosine of the distance is
    cos d · cos² Δ/2 − cos s · sin² Δ/2; each part is bounded by itself, which is exact or too wide, never too narrow.
    """
    if launch is None or impact is None:
        return RANGE_CLASSES
    near_deg, far_deg = _turns_deg(launch, impact)
    apart = _cosines(launch.south_deg - impact.north_deg, launch.north_deg - impact.south_deg)
    total = _cosines(launch.south_deg + impact.south_deg, launch.north_deg + impact.north_deg)
    nearest = _mixed(apart[1], total[0], near_deg)
    farthest = _mixed(apart[0], total[1], far_deg)
    least_km, most_km = (MEAN_RADIUS_KM * math.acos(max(-1.0, min(1.0, cosine))) for cosine in (nearest, farthest))
    first = RANGE_CLASSES.index(range_class(max(0.0, least_km - EDGE_KM)))
    return RANGE_CLASSES[first : RANGE_CLASSES.index(range_class(most_km + EDGE_KM)) + 1]


def _turns_deg(one: Box, other: Box) -> tuple[float, float]:
    """The least and the greatest difference of longitude between two zones, within 0 to 180 degrees."""
    start = (other.west_deg - one.west_deg - width_deg(one)) % 360  # from one's eastern edge on to the other's western
    span = width_deg(one) + width_deg(other)  # the differences run from start to start + span
    meet = start + span >= 360 or start == 0
    near = 0.0 if meet else min(start, 360 - (start + span))
    if start <= 180 <= start + span or start <= 540 <= start + span:
        return near, 180.0
    return near, max(180 - abs(180 - turn % 360) for turn in (start, start + span))


def _cosines(low_deg: float, high_deg: float) -> tuple[float, float]:
    """The least and the greatest cosine between two angles, each within ± 180 degrees."""
    ends = [math.cos(math.radians(low_deg)), math.cos(math.radians(high_deg))]
    return min(ends), 1.0 if low_deg <= 0 <= high_deg else max(ends)


def _mixed(cos_apart: float, cos_total: float, turn_deg: float) -> float:
    half = math.radians(turn_deg) / 2
    return cos_apart * math.cos(half) ** 2 - cos_total * math.sin(half) ** 2
