"""What every map of the report stands on: land, borders of the day, the sides' ground, and where to look from."""

import math
from datetime import date, datetime
from typing import Any

import numpy as np

from detente.geodesy import outline
from detente.geodesy.borders import FIRST_DATE, LAST_DATE, Borders, load_borders
from detente.report.saved import Saved

TOLERANCE_DEG = 0.08  # a pixel or so on a page
VIEW_RAD = math.radians(62.0)  # farther from the middle nothing is drawn
LAUNCH_NEAR_DEG = 0.5  # a launch this near is the place's
Line = outline.Line


def base_map(saved: Saved) -> dict[str, Any]:
    """Land, borders, territories and the middle of the view, ready to draw."""
    borders = load_borders("50m")
    day = map_day(saved)
    lon, lat = middle(saved)
    land = [ring for ring in outline.land_outline(borders, TOLERANCE_DEG) if _near(ring, lon, lat) and _large(ring)]
    return {
        "middle": [round(lon, 2), round(lat, 2)],
        "land": outline.multipolygon(land, clockwise=True),
        "borders": _borders(borders, day, lon, lat),
        "territories": [
            outline.multipolygon(_closed(side["territory"]), clockwise=True) for side in saved.about["sides"]
        ],
        "frame": frame(saved),
        "day": day.isoformat(),
    }


def map_day(saved: Saved) -> date:
    """The date whose borders are drawn: the scenario's, or the nearest that is drawn at all."""
    return min(max(datetime.fromisoformat(saved.about["epoch"]).date(), FIRST_DATE), LAST_DATE)


def middle(saved: Saved) -> tuple[float, float]:
    """Longitude and latitude of the middle of all that the frame shows."""
    points = np.radians(frame(saved))
    east = np.cos(points[:, 1])
    mean = np.stack([east * np.cos(points[:, 0]), east * np.sin(points[:, 0]), np.sin(points[:, 1])]).mean(axis=1)
    return math.degrees(math.atan2(mean[1], mean[0])), math.degrees(math.atan2(mean[2], math.hypot(mean[0], mean[1])))


def frame(saved: Saved) -> list[list[float]]:
    """Points that a map of the raid must show: corners of each territory's outline, launch places, sites."""
    points = []
    for side in saved.about["sides"]:
        ring = np.array([point for ring in side["territory"] for point in ring])
        for column in (0, 1):
            points += [ring[ring[:, column].argmin()].tolist(), ring[ring[:, column].argmax()].tolist()]
    points += [[place["lon_deg"], place["lat_deg"]] for place in launch_places(saved)]
    return points


def launch_places(saved: Saved) -> list[dict[str, Any]]:
    """The places something was launched from, not those of interceptors."""
    flown = saved.objects_under(saved.architectures[0])
    lat, lon = np.degrees(flown.launch_lat_rad), np.degrees(flown.launch_lon_rad)
    return [
        place
        for place in saved.about["raid"]["places"]
        if (np.hypot(lat - place["lat_deg"], lon - place["lon_deg"]) < LAUNCH_NEAR_DEG).any()
    ]


def _closed(rings: list[list[list[float]]]) -> list[Line]:
    return [[(p[0], p[1]) for p in [*ring, ring[0]]] for ring in rings if len(ring) >= 3]


def _borders(borders: Borders, day: date, lon: float, lat: float) -> list[Line]:
    """Every country's outline near the view, without what the land's coast shows already being filled twice."""
    lines = []
    for code in borders.known_codes(day):
        for ring in outline.country_outline(borders, code, day, TOLERANCE_DEG):
            if _near(ring, lon, lat) and _large(ring):
                lines += outline.strokes([ring])
    return lines


def _near(ring: Line, lon: float, lat: float) -> bool:
    """True where some vertex lies in view."""
    points = np.radians(np.array(ring))
    dlon = points[:, 0] - math.radians(lon)
    cosine = np.sin(points[:, 1]) * math.sin(math.radians(lat))
    cosine = cosine + np.cos(points[:, 1]) * math.cos(math.radians(lat)) * np.cos(dlon)
    return bool((cosine > math.cos(VIEW_RAD)).any())


def _large(ring: Line, least_deg2: float = 0.05) -> bool:
    """False for islets too small to see, and for slivers, which simplifying may turn inside out."""
    points = np.array(ring)
    doubled = np.sum(points[:-1, 0] * points[1:, 1] - points[1:, 0] * points[:-1, 1])
    return bool(abs(doubled) >= 2.0 * least_deg2)
