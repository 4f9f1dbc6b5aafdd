"""Defended ground: aim points of all replicates gathered in equal hexagons, and the share that could be defended."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.geodesy.constants import MEAN_RADIUS_M
from detente.report.saved import Saved

Floats = NDArray[np.float64]
PER_HEXAGON = 12  # aim points wanted in a hexagon; fewer tell little
RADIUS_MIN_M, RADIUS_MAX_M = 60e3, 180e3


def defended_ground(saved: Saved, middle: tuple[float, float]) -> dict[str, Any] | None:
    """Hexagons with the number of impacts in each, and per architecture the share with at least one opportunity."""
    first = saved.objects_under(saved.architectures[0])
    threat = np.flatnonzero(first.threatened != 0)
    if not len(threat):
        return None
    plane = to_plane(first.impact_lat_rad[threat], first.impact_lon_rad[threat], middle)
    radius = radius_for(plane)
    cells = hexagon_of(plane, radius)
    names, index, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    index = index.ravel()
    shares = {}
    for name in saved.architectures:
        under = saved.objects_under(name)
        assert np.array_equal(under.object, first.object), "every architecture flies the same objects"
        seen = np.bincount(index, under.opportunities[threat] > 0, len(names))
        shares[name] = np.round(seen / counts, 3).tolist()
    return {
        "radius_km": round(radius / 1e3),
        "count": counts.tolist(),
        "rings": [to_ground(corners(centre(name, radius), radius), middle) for name in names],
        "shares": shares,
    }


def radius_for(plane: Floats) -> float:
    """A radius, m, that puts enough of the points (n, 2), m, into a hexagon on average over the ground they span."""
    spread = np.quantile(plane, 0.95, axis=0) - np.quantile(plane, 0.05, axis=0)
    area = float(spread[0] * spread[1]) * PER_HEXAGON / max(len(plane), 1)
    return min(max(math.sqrt(area / (1.5 * math.sqrt(3.0))), RADIUS_MIN_M), RADIUS_MAX_M)


def to_plane(lat_rad: Floats, lon_rad: Floats, middle: tuple[float, float]) -> Floats:
    """Lambert's azimuthal equal-area projection of a sphere about (lon, lat) in degrees, m, shape (n, 2)."""
    lon0, lat0 = np.radians(middle)
    dlon = lon_rad - lon0
    cosine = math.sin(lat0) * np.sin(lat_rad) + math.cos(lat0) * np.cos(lat_rad) * np.cos(dlon)
    scale = MEAN_RADIUS_M * np.sqrt(2.0 / np.maximum(1.0 + cosine, 1e-9))
    north = math.cos(lat0) * np.sin(lat_rad) - math.sin(lat0) * np.cos(lat_rad) * np.cos(dlon)
    return np.stack([scale * np.cos(lat_rad) * np.sin(dlon), scale * north], axis=1)


def to_ground(plane: Floats, middle: tuple[float, float]) -> list[list[float]]:
    """The inverse of :func:`to_plane`: points (n, 2), m, as [lon, lat] in degrees."""
    lon0, lat0 = np.radians(middle)
    away = np.hypot(plane[:, 0], plane[:, 1])
    angle = 2.0 * np.arcsin(np.minimum(away / (2.0 * MEAN_RADIUS_M), 1.0))
    unit = plane / np.maximum(away, 1e-9)[:, None]
    lat = np.arcsin(np.cos(angle) * math.sin(lat0) + unit[:, 1] * np.sin(angle) * math.cos(lat0))
    east = unit[:, 0] * np.sin(angle)
    lon = lon0 + np.arctan2(east, math.cos(lat0) * np.cos(angle) - unit[:, 1] * math.sin(lat0) * np.sin(angle))
    return np.round(np.degrees(np.stack([lon, lat], axis=1)), 2).tolist()


def hexagon_of(plane: Floats, radius_m: float) -> NDArray[np.int64]:
    """Axial coordinates (q, r) of the pointy-topped hexagon that holds each point: (n, 2) of (n, 2), m.

    By rounding in cube coordinates.
    """
    q = (math.sqrt(3.0) / 3.0 * plane[:, 0] - plane[:, 1] / 3.0) / radius_m
    r = 2.0 / 3.0 * plane[:, 1] / radius_m
    cube = np.stack([q, r, -q - r], axis=1)
    near = np.round(cube)
    worst = np.abs(near - cube).argmax(axis=1)
    rows = np.arange(len(cube))
    near[rows, worst] = 0.0
    near[rows, worst] = -near.sum(axis=1)
    return near[:, :2].astype(np.int64)


def centre(axial: NDArray[np.int64], radius_m: float) -> Floats:
    """Middle (2,), m, in the plane of the hexagon with axial coordinates (q, r)."""
    q, r = axial
    return np.array([radius_m * math.sqrt(3.0) * (q + r / 2.0), radius_m * 1.5 * r])


def corners(middle_m: Floats, radius_m: float) -> Floats:
    """A hexagon's corners, m, closed, shape (7, 2)."""
    turn = np.radians(np.arange(7) * 60.0 - 30.0)
    return middle_m + radius_m * np.stack([np.cos(turn), np.sin(turn)], axis=1)
