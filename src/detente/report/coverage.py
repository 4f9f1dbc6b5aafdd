"""Ground over which a radar could see something at a given height: sector, elevation floor, range, Earth's curve."""

import math
from typing import Any

import numpy as np

from detente.geodesy.constants import MEAN_RADIUS_M
from detente.geodesy.distance import destinations

TARGET_HEIGHT_M = 300e3
STEP_RAD = math.radians(5.0)
Ring = list[list[float]]


def reach_rad(range_m: float, elevation_min_rad: float, height_m: float = TARGET_HEIGHT_M) -> float:
    """Angle at the Earth's centre from the radar to the farthest ground under a target at that height; 0 if none.

    A sphere of mean radius, no refraction: the smaller of what the range and what the lowest elevation allow.
    """
    if range_m <= height_m:
        return 0.0
    top = MEAN_RADIUS_M + height_m
    horizon = math.acos(MEAN_RADIUS_M * math.cos(elevation_min_rad) / top) - elevation_min_rad
    cosine = (MEAN_RADIUS_M**2 + top**2 - range_m**2) / (2.0 * MEAN_RADIUS_M * top)
    return min(horizon, math.acos(max(-1.0, min(1.0, cosine))))


def fan(radar: dict[str, Any], range_km: float) -> Ring | None:
    """Outline of the covered ground as (lon, lat) in degrees, closed; None where the target is too high to reach."""
    reach = reach_rad(range_km * 1e3, math.radians(radar["elevation_min_deg"]))
    if reach <= 0.0:
        return None
    width = math.radians(radar["sector_width_deg"])
    middle = math.radians(radar["boresight_azimuth_deg"])
    whole = width >= 2.0 * math.pi - 1e-9
    count = max(8, math.ceil(width / STEP_RAD))
    azimuths = middle - width / 2.0 + np.arange(count + (0 if whole else 1)) * (width / count)
    site = np.radians([radar["lat_deg"], radar["lon_deg"]])
    arc = degrees(destinations(site, azimuths, reach * MEAN_RADIUS_M))
    corner = [[round(radar["lon_deg"], 2), round(radar["lat_deg"], 2)]]
    return [*arc, arc[0]] if whole else [*corner, *arc, *corner]


def degrees(points_rad: np.ndarray, decimals: int = 2) -> Ring:
    """Rows (lat, lon, …) in radians as [lon, lat] in degrees, for a map."""
    return np.round(np.degrees(points_rad[:, 1::-1]), decimals).tolist()


def fans(radar: dict[str, Any]) -> dict[str, Ring | None]:
    """The fan at the range's value, and at the ends of its range of uncertainty."""
    value, low, high = radar["instrumented_range_km"]
    return {"value": fan(radar, value), "low": fan(radar, low), "high": fan(radar, high)}
