"""One recorded world as lines to draw: true flights, impacts that the first warnings told, where shots were to meet."""

import math
from typing import Any

import numpy as np

from detente.geodesy.distance import destinations, great_circle_m
from detente.geodesy.ellipsoid import ecef_to_geodetic
from detente.records.stages import POOLED, Objects, Shots, Truth, Warnings
from detente.report.coverage import degrees
from detente.report.saved import SampleWorld, Saved

POINTS = 36  # of a drawn flight
FLIGHTS_MAX = 60  # more is a tangle; then every second, third … is drawn, and the caption says so
ELLIPSE_POINTS = 28
INSIDE_95 = math.sqrt(-2.0 * math.log(0.05))  # semi-axes of an ellipse that holds 95 % of a two-dimensional normal


def sample_world(saved: Saved) -> dict[str, Any] | None:
    """Flights are the same under every architecture; warnings and shots are not. None where none was recorded."""
    if not saved.samples:
        return None
    first = next(iter(saved.samples.values()))
    every = max(1, math.ceil(len(first.objects) / FLIGHTS_MAX))
    return {
        "every": every,
        "replicate": int(first.objects.replicate[0]) if len(first.objects) else 0,
        "flights": flights(first.objects, first.truth)[::every],
        "seen": {name: _seen(saved, world) for name, world in saved.samples.items()},
    }


def flights(objects: Objects, truth: Truth) -> list[dict[str, Any]]:
    """Each flight: track over ground, height over distance flown, launch, impact, whom it threatens."""
    found = []
    for row in range(len(objects)):
        samples = np.flatnonzero(truth.object == objects.object[row])
        if not len(samples) or objects.flag[row]:
            continue
        kept = samples[np.unique(np.linspace(0, len(samples) - 1, POINTS).astype(int))]
        places = ecef_to_geodetic(truth.position_ecef_m[kept])
        launch = [objects.launch_lat_rad[row], objects.launch_lon_rad[row]]
        away = great_circle_m(launch, places[:, :2])
        found.append(
            {
                "object": int(objects.object[row]),
                "sides": sides_of(int(objects.threatened[row])),
                "track": degrees(places),
                "profile": np.round(np.stack([away, places[:, 2]], axis=1) / 1e3, 1).tolist(),
                "launch": degrees(np.array([launch]))[0],
                "impact": degrees(np.array([[objects.impact_lat_rad[row], objects.impact_lon_rad[row]]]))[0],
                "impact_s": round(float(objects.impact_s[row]), 1),
                "apogee_km": round(float(objects.apogee_m[row]) / 1e3),
                "range_km": round(float(objects.range_m[row]) / 1e3),
            }
        )
    return found


def sides_of(mask: int) -> list[int]:
    """Indices of the sides in a bit mask."""
    return [bit for bit in range(8) if mask >> bit & 1]


def _seen(saved: Saved, world: SampleWorld) -> dict[str, Any]:
    return {"ellipses": ellipses(first_warnings(world.warnings)), "shots": _shots(saved, world)}


def first_warnings(warnings: Warnings) -> Warnings:
    """The first warning of each track by the side whose territory it names, or by the pooled centre."""
    heard = warnings.take(np.flatnonzero((warnings.side == warnings.threatened) | (warnings.side == POOLED)))
    order = np.lexsort((heard.time_s, heard.threatened, heard.number, heard.giver))
    keys = np.stack([heard.giver, heard.number, heard.threatened], axis=1)[order]
    new = np.ones(len(order), bool)
    new[1:] = (keys[1:] != keys[:-1]).any(axis=1)
    return heard.take(order[new])


def ellipses(warnings: Warnings) -> list[dict[str, Any]]:
    """The stated impact of each warning as the ellipse that should hold the true one in 95 of 100 cases."""
    found = []
    for row in range(len(warnings)):
        centre = np.array([warnings.impact_lat_rad[row], warnings.impact_lon_rad[row]])
        major, minor, azimuth = axes(warnings.impact_covariance_m2[row])
        found.append(
            {
                "side": int(warnings.threatened[row]),
                "centre": degrees(centre[None])[0],
                "ring": ring(centre, major, minor, azimuth),
                "major_km": round(major / 1e3, 1),
                "time_s": round(float(warnings.time_s[row]), 1),
                "assisted": int(warnings.stream[row]) != 1,
            }
        )
    return sorted(found, key=lambda ellipse: -ellipse["major_km"])  # drawn in this order, the small ones stay in sight


def axes(covariance_m2: np.ndarray) -> tuple[float, float, float]:
    """Semi-axes, m, of the 95 % ellipse of (east-east, east-north, north-north), m², and the major's azimuth, rad."""
    east, cross, north = (float(value) for value in covariance_m2)
    middle, spread = 0.5 * (east + north), math.hypot(0.5 * (east - north), cross)
    azimuth = 0.5 * math.atan2(2.0 * cross, north - east)
    return INSIDE_95 * math.sqrt(max(middle + spread, 0.0)), INSIDE_95 * math.sqrt(max(middle - spread, 0.0)), azimuth


def ring(centre_rad: np.ndarray, major_m: float, minor_m: float, azimuth_rad: float) -> list[list[float]]:
    """The ellipse on the ground, closed, as [lon, lat] in degrees; ``centre_rad`` is (latitude, longitude)."""
    turn = np.linspace(0.0, 2.0 * math.pi, ELLIPSE_POINTS, endpoint=False)
    along, across = major_m * np.cos(turn), minor_m * np.sin(turn)
    points = degrees(destinations(centre_rad, azimuth_rad + np.arctan2(across, along), np.hypot(along, across)))
    return [*points, points[0]]


def _shots(saved: Saved, world: SampleWorld) -> list[dict[str, Any]]:
    """Each shot: whose, where it was to meet its object, and what came of it."""
    shots: Shots = world.shots
    if not len(shots):
        return []
    places = ecef_to_geodetic(shots.intercept_ecef_m)
    hit = np.zeros(len(shots), bool)
    hit[world.outcomes.shot[world.outcomes.hit == 1]] = True
    owners = [site["side"] for site in saved.about["sites"]]
    return [
        {
            "side": owners[int(shots.site[row])],
            "at": degrees(places[row : row + 1])[0],
            "height_km": round(float(places[row, 2]) / 1e3, 1),
            "hit": bool(hit[row]),
        }
        for row in range(len(shots))
    ]
