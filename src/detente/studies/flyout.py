"""One flight, asked for and told: a missile's, or that of a burn-out speed and angle. The doors of ``detente fly``."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from detente import __version__
from detente.flight import vehicle
from detente.flight.aiming import max_range as longest_ranges
from detente.flight.aiming import solve_launch
from detente.flight.burnout import Burnouts, boosted, burnouts, fall, fall_ephemeris, orbits
from detente.flight.flags import Flag
from detente.flight.heldpitch import solve_cutoff
from detente.flight.trajectory import Ephemeris, Flights, ephemeris, fly_out
from detente.flight.vehicle import PackedMissiles, pack
from detente.geodesy.distance import shortest_paths
from detente.geodesy.ellipsoid import ecef_to_geodetic
from detente.records.errors import InputError
from detente.records.results import FlightPath
from detente.scenario.catalogue import MissileEntry, MissileFile
from detente.scenario.files import load_missile
from detente.world.launches import MODES, flight_missile

Document = dict[str, Any]
START_DEG = (35.0, 51.0)
AZIMUTH_DEG = 40.0
BALLISTIC_COEFFICIENT_KG_M2 = 3_000.0
"""Of what flies on after a bare burn-out state. Assumption (range 1,000-10,000): no public number."""
LONGEST = "longest-range"
TOLERANCE_M = 10.0  # numerical: how near the computed impact comes to the aim


@dataclass(frozen=True, kw_only=True)
class Flyout:
    """What a flight came to: ``document`` as ``--json`` prints it, and the path to draw or keep."""

    title: str
    document: Document
    path: FlightPath


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One launch as the flight room takes it: a packed missile, its pad and what was decided for it."""

    packed: PackedMissiles
    start_rad: tuple[float, float]
    azimuth_rad: float
    pitch_rad: float
    cutoff_s: float
    rotation: bool
    drag: bool

    @property
    def arguments(self) -> tuple[Any, ...]:
        """Positional arguments of ``fly_out``, ``ephemeris`` and ``boosted``."""
        return (self.packed, 0, *self.start_rad, self.azimuth_rad, self.pitch_rad, self.cutoff_s)

    @property
    def world(self) -> dict[str, bool]:
        """Which Earth it flies over."""
        return {"rotation": self.rotation, "drag": self.drag}


def fly(
    missile: str | Path | MissileEntry | MissileFile,
    *,
    start_deg: tuple[float, float] = START_DEG,
    azimuth_deg: float | None = None,
    aim_deg: tuple[float, float] | None = None,
    loft: str | float | None = None,
    max_range: bool = False,
    rotation: bool = True,
    drag: bool = True,
    payload_kg: float | None = None,
) -> Flyout:
    """Fly one missile from ``start_deg`` (latitude, longitude): along an azimuth, or to an aim.

    ``missile``: a catalogue name, a missile file's path, or the entry itself. Without an aim it flies as far as it can
    (which ``max_range`` says in so many words), or at the final pitch that ``loft`` gives in degrees. With an aim,
    ``loft`` is ``minimum-energy`` (default: the motor is stopped early), ``lofted`` or ``depressed`` (full burn), or a
    final pitch in degrees (the motor is stopped early). Without rotation the Earth stands still under the flight.

    Raises InputError for whatever the caller can mend: an aim out of reach, an orbit, a mass that cannot be.
    """
    entry = missile if isinstance(missile, (MissileEntry, MissileFile)) else load_missile(missile)
    start = _place(start_deg, "--from")
    aim = None if aim_deg is None else _place(aim_deg, "--to")
    pitch = _loft(loft, aim is not None, max_range)
    if aim is not None and azimuth_deg is not None:
        raise InputError(
            "--azimuth beside --to", "one of the two", "leave one out: an aim has its own azimuth", path="--to"
        )
    azimuth = math.radians(_finite(AZIMUTH_DEG if azimuth_deg is None else azimuth_deg, "--azimuth", -360.0, 360.0))
    if payload_kg is not None:
        entry = _with_payload(entry, payload_kg)
    packed = pack([flight_missile(entry, _ballistic_coefficient(entry))])
    bare = Launch(
        packed=packed,
        start_rad=start,
        azimuth_rad=azimuth,
        pitch_rad=0.0,
        cutoff_s=math.inf,
        rotation=rotation,
        drag=drag,
    )
    launch = _launch_to(bare, aim, pitch) if aim is not None else _launch_along(bare, pitch)
    flights = fly_out(*launch.arguments, **launch.world)
    _must_land(launch, flights)
    document = {
        "mode": "missile",
        "missile": entry.name,
        "source": entry.source,
        "payload_kg": entry.payload_kg,
        **_common(launch.start_rad, launch.azimuth_rad, launch.rotation, launch.drag),
        "loft": pitch if isinstance(pitch, str) else "held-pitch",
        "final_pitch_deg": math.degrees(launch.pitch_rad),
        **_numbers(flights),
        **_burnout_angle(boosted(*launch.arguments, **launch.world)),
        "aim": None if aim is None else _miss(aim, flights),
        "assumptions": _assumptions(packed),
        "cautions": [],
        "version": __version__,
    }
    path = flight_path(ephemeris(*launch.arguments, **launch.world), launch.start_rad)
    return Flyout(title=entry.title or entry.name, document=document, path=path)


def fly_burnout(
    speed_m_s: float,
    angle_deg: float,
    *,
    altitude_km: float = 0.0,
    ballistic_coefficient_kg_m2: float = BALLISTIC_COEFFICIENT_KG_M2,
    start_deg: tuple[float, float] = START_DEG,
    azimuth_deg: float | None = None,
    rotation: bool = True,
    drag: bool = True,
) -> Flyout:
    """Fly on from burn-out at a speed (relative to the Earth), an angle above the horizon and a height.

    ``start_deg`` is the point below burn-out, from which the range is counted; what boost added to it is not known.
    """
    start = _place(start_deg, "--from")
    azimuth = math.radians(_finite(AZIMUTH_DEG if azimuth_deg is None else azimuth_deg, "--azimuth", -360.0, 360.0))
    speed = _finite(speed_m_s, "--burnout-speed", 1.0, 20_000.0)
    angle = math.radians(_finite(angle_deg, "--burnout-angle", -90.0, 90.0))
    height_m = 1e3 * _finite(altitude_km, "--burnout-altitude-km", 0.0, 5_000.0)
    beta = _finite(ballistic_coefficient_kg_m2, "--ballistic-coefficient", 10.0, 1e6)
    states = burnouts(*start, azimuth, speed, angle, altitude_m=height_m)
    flights = fall(states, beta, rotation=rotation, drag=drag)
    _must_come_down(states, flights, rotation)
    cautions = []
    if drag and height_m < 30e3:
        cautions.append(
            f"burn-out {height_m / 1e3:g} km high: the air is flown through on the way up too, which real boosts have "
            "mostly behind them; give --burnout-altitude-km or --no-drag"
        )
    document = {
        "mode": "burnout",
        **_common(start, azimuth, rotation, drag),
        **_numbers(flights),
        **_burnout_angle(states),
        "assumptions": {"ballistic_coefficient_kg_m2": beta if drag else None},
        "cautions": cautions,
        "version": __version__,
    }
    path = flight_path(fall_ephemeris(states, beta, rotation=rotation, drag=drag), start)
    return Flyout(title=f"Burn-out at {speed:,.0f} m/s, {angle_deg:g}°", document=document, path=path)


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


def _finite(value: float, name: str, low: float, high: float) -> float:
    if not low <= value <= high:
        raise InputError(f"{value:g}", f"a number from {low:,g} to {high:,g}", "correct the number", path=name)
    return float(value)


def _place(place_deg: tuple[float, float], name: str) -> tuple[float, float]:
    latitude, longitude = place_deg
    if not (abs(latitude) <= 90.0 and abs(longitude) <= 180.0):
        raise InputError(
            f"{latitude:g},{longitude:g}", "latitude within ±90° and longitude within ±180°",
            "give LAT,LON in degrees, as 35.7,51.4", path=name,
        )  # fmt: skip
    return math.radians(latitude), math.radians(longitude)


def _loft(loft: str | float | None, aimed: bool, max_range: bool) -> str | float:
    """What decides the final pitch: a word, or degrees."""
    if max_range and (aimed or loft is not None):
        beside = "--to" if aimed else "--loft"
        raise InputError(f"--max-range beside {beside}", "one of the two", f"leave {beside} out", path="--max-range")
    if loft is None or loft == "minimum-energy":
        return "minimum-energy" if aimed else LONGEST
    if isinstance(loft, str):
        if loft not in MODES:
            raise InputError(
                f"{loft!r}",
                f"one of {', '.join(MODES)}, or a final pitch in degrees",
                "choose one of them",
                path="--loft",
            )
        if not aimed:
            raise InputError(
                f"{loft} without an aim", "an aim that it is higher or lower than need be for",
                "give --to LAT,LON, or the final pitch in degrees as --loft 60", path="--loft",
            )  # fmt: skip
        return loft
    return _finite(loft, "--loft", -25.0, 90.0)


def _with_payload(entry: MissileEntry | MissileFile, payload_kg: float) -> MissileEntry | MissileFile:
    if not 0.0 < payload_kg < 1e6:
        raise InputError(f"{payload_kg:g}", "a mass above 0 kg", "correct the payload", path="--payload-kg")
    return entry.model_copy(update={"payload_kg": float(payload_kg)})


def _ballistic_coefficient(entry: MissileEntry | MissileFile) -> float | None:
    known = entry.ballistic_coefficient_kg_m2
    return known.value if isinstance(entry, MissileEntry) else known  # type: ignore[union-attr, return-value]


def _launch_along(bare: Launch, pitch: str | float) -> Launch:
    """The launch along an azimuth: at a final pitch, or at the one that goes farthest."""
    if not isinstance(pitch, str):
        return _decided(bare, bare.azimuth_rad, math.radians(pitch), math.inf)
    reaches = longest_ranges(bare.packed, 0, *bare.start_rad, bare.azimuth_rad, **bare.world)
    if reaches.flag[0] == Flag.NEVER_LANDS:
        raise _orbit_at_some_pitch(bare)
    if reaches.flag[0] != Flag.OK:
        raise _cannot_rise()
    return _decided(bare, bare.azimuth_rad, float(reaches.pitch_final_rad[0]), math.inf)


def _launch_to(bare: Launch, aim_rad: tuple[float, float], pitch: str | float) -> Launch:
    """The launch that comes down on the aim."""
    if isinstance(pitch, str):
        found = solve_launch(
            bare.packed, 0, *bare.start_rad, *aim_rad, mode=MODES[pitch], tolerance_m=TOLERANCE_M,
            rotation=bare.rotation, drag=bare.drag,
        )  # fmt: skip
    else:
        found = solve_cutoff(
            bare.packed, 0, *bare.start_rad, *aim_rad, math.radians(pitch), tolerance_m=TOLERANCE_M, **bare.world
        )
    if found.flag[0] == Flag.OK:
        return _decided(bare, *(float(v[0]) for v in (found.azimuth_rad, found.pitch_final_rad, found.cutoff_s)))
    away_km = float(shortest_paths(np.array(bare.start_rad), np.array(aim_rad)).distance_m[0]) / 1e3
    short_km = float(found.shortfall_m[0]) / 1e3
    how = "" if isinstance(pitch, str) else f" at a final pitch of {pitch:g}°"
    if found.flag[0] == Flag.UNREACHABLE and short_km > 0.0:
        said = f"an aim {away_km:,.0f} km away, {short_km:,.1f} km beyond reach{how}"
        remedy = "choose a nearer aim, a lighter payload or another missile"
    elif found.flag[0] == Flag.UNREACHABLE:
        said = f"an aim {away_km:,.0f} km away, {-short_km:,.1f} km too near{how}"
        remedy = "choose a farther aim or another --loft"
    else:
        said = f"an aim {away_km:,.0f} km away that no launch was found to hit within {TOLERANCE_M:g} m{how}"
        remedy = "try another --loft, or an aim a little elsewhere"
    raise InputError(said, f"an aim within reach of {bare.packed.missiles[0].name}", remedy, path="--to")


def _decided(bare: Launch, azimuth_rad: float, pitch_rad: float, cutoff_s: float) -> Launch:
    return Launch(
        packed=bare.packed, start_rad=bare.start_rad, azimuth_rad=azimuth_rad, pitch_rad=pitch_rad, cutoff_s=cutoff_s,
        rotation=bare.rotation, drag=bare.drag,
    )  # fmt: skip


def _must_land(launch: Launch, flights: Flights) -> None:
    flag = flights.flag[0]
    if flag in (Flag.NEVER_LANDS, Flag.ESCAPES):
        raise _never_down(boosted(*launch.arguments, **launch.world), launch.rotation, "--loft")
    if flag == Flag.GROUND_IN_BOOST:
        raise _cannot_rise()
    assert flag == Flag.OK, f"a launch that was checked came to flag {flag}"


def _must_come_down(states: Burnouts, flights: Flights, rotation: bool) -> None:
    if flights.flag[0] in (Flag.NEVER_LANDS, Flag.ESCAPES):
        raise _never_down(states, rotation, "--burnout-speed")
    assert flights.flag[0] == Flag.OK, f"a burn-out that was checked came to flag {flights.flag[0]}"


def _never_down(states: Burnouts, rotation: bool, path: str) -> InputError:
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


def _orbit_at_some_pitch(bare: Launch) -> InputError:
    """The longest range has no meaning: this missile can stay up. Told with the highest perigee of the whole fan."""
    pitches = np.radians(np.arange(-10.0, 90.0, 1.0))
    states = boosted(bare.packed, 0, *bare.start_rad, bare.azimuth_rad, pitches, **bare.world)
    found = orbits(states, rotation=bare.rotation)
    perigee_km = np.where((states.flag == 0) & ~found.escapes, found.perigee_m, -np.inf) / 1e3
    best = int(perigee_km.argmax())
    ground = f"perigee up to {perigee_km[best]:,.0f} km, at a final pitch of {math.degrees(pitches[best]):g}°"
    return InputError(
        f"a missile that reaches orbit or half-way round the Earth ({ground})", "one whose longest range is less",
        "give --to LAT,LON, a final pitch with --loft, or a heavier payload", path="--max-range",
    )  # fmt: skip


def _cannot_rise() -> InputError:
    return InputError(
        "a missile that comes down while its motor burns", "one that climbs until burn-out",
        "give a steeper final pitch with --loft, or a lighter payload", path="--loft",
    )  # fmt: skip


def _common(start_rad: tuple[float, float], azimuth_rad: float, rotation: bool, drag: bool) -> Document:
    latitude, longitude = (math.degrees(value) for value in start_rad)
    return {
        "from": {"lat_deg": latitude, "lon_deg": longitude},
        "azimuth_deg": math.degrees(azimuth_rad) % 360.0,
        "rotation": rotation,
        "drag": drag,
    }


def _numbers(flights: Flights) -> Document:
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


def _burnout_angle(states: Burnouts) -> Document:
    """The angle of the burn-out velocity above the horizon there."""
    latitude, longitude, _ = ecef_to_geodetic(states.position_ecef_m)[0]
    up = np.array(
        [math.cos(latitude) * math.cos(longitude), math.cos(latitude) * math.sin(longitude), math.sin(latitude)]
    )
    velocity = states.velocity_ecef_m_s[0]
    return {"burnout_angle_deg": math.degrees(math.asin(float(up @ velocity) / float(np.linalg.norm(velocity))))}


def _miss(aim_rad: tuple[float, float], flights: Flights) -> Document:
    impact = np.array([flights.impact_latitude_rad[0], flights.impact_longitude_rad[0]])
    return {
        "lat_deg": math.degrees(aim_rad[0]),
        "lon_deg": math.degrees(aim_rad[1]),
        "miss_m": float(shortest_paths(np.array(aim_rad), impact).distance_m[0]),
    }


def _assumptions(packed: PackedMissiles) -> Document:
    beta = packed.missiles[0].reentry_ballistic_coefficient_kg_m2
    return {
        "vertical_rise_s": float(packed.body[0, 0]),
        "pitch_end_s": float(packed.body[0, 1]),
        "pitch_end_fraction": vehicle.PITCH_OVER_END_FRACTION,
        "ballistic_coefficient_kg_m2": beta,
    }
