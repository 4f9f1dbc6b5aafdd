"""What a single flight is told as: a document, a path, and the words for what cannot be flown."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from detente.flight.burnout import Burnouts, orbits
from detente.flight.trajectory import Ephemeris, Flights
from detente.geodesy.distance import shortest_paths
from detente.geodesy.ellipsoid import ecef_to_geodetic
from detente.records.errors import InputError
from detente.records.results import FlightPath

Document = dict[str, Any]
START_DEG = (35.0, 51.0)
AZIMUTH_DEG = 40.0
BOOST = 1  # phase of a path's sample


@dataclass(frozen=True, kw_only=True)
class Flyout:
    """What a flight came to: ``document`` as ``--json`` prints it, and the path to draw or keep."""

    title: str
    document: Document
    path: FlightPath

    def __repr__(self) -> str:
        range_km, apogee_km, time_s = (self.document[name] for name in ("range_km", "apogee_km", "flight_time_s"))
        return f"Flyout({self.title}: range {range_km:,.1f} km, apogee {apogee_km:,.1f} km, {time_s:,.1f} s)"


def flight_path(samples: Ephemeris, start_rad: tuple[float, float]) -> FlightPath:
    """One flight's samples as a table that says where each is over the ground."""
    places = ecef_to_geodetic(samples.position_ecef_m)
    return FlightPath(
        time_s=samples.time_s,
        phase=samples.phase,
        lat_rad=places[:, 0],
        lon_rad=places[:, 1],
        altitude_m=places[:, 2],
        downrange_m=shortest_paths(np.array(start_rad), places[:, :2]).distance_m,
        speed_m_s=np.linalg.norm(samples.velocity_ecef_m_s, axis=1),
        position_ecef_m=samples.position_ecef_m,
        velocity_ecef_m_s=samples.velocity_ecef_m_s,
    )


def number_between(value: float, name: str, low: float, high: float) -> float:
    """A number within its limits; a NaN is within none, and text is no number."""
    if not isinstance(value, Real) or not low <= value <= high:
        found = f"{value:g}" if isinstance(value, Real) else repr(value)
        raise InputError(found, f"a number from {low:,g} to {high:,g}", "correct the number", path=name)
    return float(value)


def place_rad(place_deg: tuple[float, float], name: str) -> tuple[float, float]:
    """A place in radians."""
    parts = tuple(place_deg) if isinstance(place_deg, Iterable) else ()
    if len(parts) != 2 or not all(isinstance(part, Real) for part in parts):
        raise InputError(
            repr(place_deg), "latitude and longitude, two numbers in degrees", "give them as (35.7, 51.4)", path=name
        )
    latitude, longitude = parts
    if not (abs(latitude) <= 90.0 and abs(longitude) <= 180.0):
        raise InputError(
            f"{latitude:g},{longitude:g}", "latitude within ±90° and longitude within ±180°",
            "give LAT,LON in degrees, as 35.7,51.4", path=name,
        )  # fmt: skip
    return math.radians(latitude), math.radians(longitude)


def azimuth_rad(azimuth_deg: float | None) -> float:
    """The azimuth asked for, or the usual one."""
    return math.radians(number_between(AZIMUTH_DEG if azimuth_deg is None else azimuth_deg, "--azimuth", -360.0, 360.0))


def never_down(states: Burnouts, rotation: bool, path: str) -> InputError:
    """What a flight without an end does instead."""
    found = orbits(states, rotation=rotation)
    perigee_km, apogee_km = float(found.perigee_m[0]) / 1e3, float(found.apogee_m[0]) / 1e3
    if found.escapes[0]:
        said = f"a flight that leaves the Earth for good (perigee of its hyperbola {perigee_km:,.0f} km)"
    elif perigee_km > 150.0:
        said = f"an orbit that never lands: perigee {perigee_km:,.0f} km, apogee {apogee_km:,.0f} km"
    else:
        said = f"a flight longer than 4 hours: apogee {apogee_km:,.0f} km, perigee {perigee_km:,.0f} km"
    return InputError(
        said, "a flight that comes down", "lower the speed, or change the angle or the payload", path=path
    )


def launch_document(start_rad: tuple[float, float], azimuth_rad: float, rotation: bool, drag: bool) -> Document:
    """What every flight's document says of its launch: place and azimuth in degrees."""
    latitude, longitude = (math.degrees(value) for value in start_rad)
    return {
        "from": {"lat_deg": latitude, "lon_deg": longitude},
        "azimuth_deg": math.degrees(azimuth_rad) % 360.0,
        "rotation": rotation,
        "drag": drag,
    }


def flight_document(flights: Flights) -> Document:
    """What it says of the flight itself, the first of ``flights``: kilometres, seconds, m/s and degrees."""
    return {
        "range_km": float(flights.range_m[0]) / 1e3,
        "apogee_km": float(flights.apogee_m[0]) / 1e3,
        "flight_time_s": float(flights.flight_time_s[0]),
        "burnout_time_s": float(flights.burnout_time_s[0]),
        "burnout_speed_m_s": float(flights.burnout_speed_m_s[0]),
        "burnout_altitude_km": float(flights.burnout_altitude_m[0]) / 1e3,
        "impact": {
            "lat_deg": math.degrees(flights.impact_latitude_rad[0]),
            "lon_deg": math.degrees(flights.impact_longitude_rad[0]),
        },
        "estimated_error_m": float(flights.estimated_error_m[0]),
    }


def burnout_angle(path: FlightPath) -> Document:
    """The angle of the velocity above the horizon where boost ends: its last sample, or the first of a bare flight."""
    boosting = np.flatnonzero(path.phase == BOOST)
    row = int(boosting[-1]) if len(boosting) else 0
    latitude, longitude = float(path.lat_rad[row]), float(path.lon_rad[row])
    level = math.cos(latitude)
    up = np.array([level * math.cos(longitude), level * math.sin(longitude), math.sin(latitude)])
    velocity = path.velocity_ecef_m_s[row]
    return {"burnout_angle_deg": math.degrees(math.asin(float(up @ velocity) / float(np.linalg.norm(velocity))))}
