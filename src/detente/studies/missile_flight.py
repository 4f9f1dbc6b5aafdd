"""One missile, flown as far as it goes, or to where it shall come down: the first door of ``detente fly``."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from detente import __version__
from detente.flight import vehicle
from detente.flight.aiming import max_range as longest_ranges
from detente.flight.aiming import solve_launch
from detente.flight.burnout import boosted, orbits
from detente.flight.flags import Flag
from detente.flight.heldpitch import solve_cutoff
from detente.flight.trajectory import ONE_METRE_TOLERANCE_M, Flights, ephemeris, fly_out
from detente.flight.vehicle import PackedMissiles, pack
from detente.geodesy.distance import shortest_paths
from detente.records.errors import InputError
from detente.records.results import FlightPath
from detente.scenario.catalogue import MissileEntry, MissileFile
from detente.scenario.files import load_missile
from detente.scenario.words import Quantity
from detente.studies.flyout import (
    START_DEG,
    Document,
    Flyout,
    azimuth_rad,
    burnout_angle,
    flight_document,
    flight_path,
    launch_document,
    never_down,
    number_between,
    place_rad,
)
from detente.world.launches import MODES, flight_missile

LONGEST = "longest-range"
TOLERANCE_M = 10.0  # numerical: how near the computed impact comes to the aim


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
    def earth(self) -> dict[str, bool]:
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
    start, azimuth = place_rad(start_deg, "--from"), azimuth_rad(azimuth_deg)
    aim = None if aim_deg is None else place_rad(aim_deg, "--to")
    wanted = _loft(loft, aim is not None, max_range)
    if aim is not None and azimuth_deg is not None:
        raise InputError("--azimuth beside --to", "one of the two", "leave one out", path="--to")
    packed = _packed(entry, payload_kg)
    level = Launch(
        packed=packed, start_rad=start, azimuth_rad=azimuth, pitch_rad=0.0, cutoff_s=math.inf,
        rotation=rotation, drag=drag,
    )  # fmt: skip
    launch = _launch_along(level, wanted) if aim is None else _launch_to(level, aim, wanted)
    flights = fly_out(*launch.arguments, **launch.earth, tolerance_m=ONE_METRE_TOLERANCE_M)
    _must_land(launch, flights)
    path = flight_path(ephemeris(*launch.arguments, **launch.earth), launch.start_rad)
    document = {
        "mode": "missile",
        "missile": entry.name,
        "source": entry.source,
        "payload_kg": packed.missiles[0].payload_kg,
        **_told(launch, flights, path, wanted),
        "aim": None if aim is None else _miss(aim, flights),
        "assumptions": _assumptions(packed),
        "cautions": _cautions(entry, launch, wanted),
        "version": __version__,
    }
    return Flyout(title=entry.title or entry.name, document=document, path=path)


def _told(launch: Launch, flights: Flights, path: FlightPath, wanted: str | float) -> Document:
    """How it was launched, and what came of it."""
    return {
        **launch_document(launch.start_rad, launch.azimuth_rad, **launch.earth),
        "loft": wanted if isinstance(wanted, str) else "held-pitch",
        "final_pitch_deg": math.degrees(launch.pitch_rad),
        **flight_document(flights),
        **burnout_angle(path),
    }


def _cautions(entry: MissileEntry | MissileFile, launch: Launch, wanted: str | float) -> list[str]:
    """What the reader of a result must know: fitted stages, and an aim flown to in another way than was asked."""
    said = []
    if isinstance(entry, MissileEntry) and entry.fitted:
        said.append("this missile's stages were fitted to its published range; nothing else of it is claimed")
    if wanted == "minimum-energy" and launch.cutoff_s >= launch.packed.missiles[0].burn_s:
        said.append("no early stop of the last stage comes down so near: lofted at full burn instead")
    return said


def _loft(loft: str | float | None, aimed: bool, max_range: bool) -> str | float:
    """What decides the final pitch: a word, or degrees."""
    if max_range and (aimed or loft not in (None, "minimum-energy")):
        beside = "--to" if aimed else "--loft"
        raise InputError(f"--max-range beside {beside}", "one of the two", f"leave {beside} out", path="--max-range")
    if loft is None or loft == "minimum-energy":
        return "minimum-energy" if aimed else LONGEST
    if isinstance(loft, str):
        if loft not in MODES:
            known = f"one of {', '.join(MODES)}, or a final pitch in degrees"
            raise InputError(f"{loft!r}", known, "choose one of them", path="--loft")
        if not aimed:
            raise InputError(
                f"{loft} without an aim", "an aim that it is higher or lower than need be for",
                "give --to LAT,LON, or the final pitch in degrees as --loft 60", path="--loft",
            )  # fmt: skip
        return loft
    return number_between(loft, "--loft", -25.0, 90.0)


def _packed(entry: MissileEntry | MissileFile, payload_kg: float | None) -> PackedMissiles:
    """The missile for the kernels, with the payload asked for."""
    known = entry.ballistic_coefficient_kg_m2
    missile = flight_missile(entry, known.value if isinstance(known, Quantity) else known)
    if payload_kg is None:
        return pack([missile])
    number_between(payload_kg, "--payload-kg", 1e-3, 1e6)
    try:
        return pack([replace(missile, payload_kg=float(payload_kg))])
    except InputError as error:
        remedy = "give a lighter payload"
        raise InputError(f"{payload_kg:g} kg: {error.found}", error.expected, remedy, path="--payload-kg") from error


def _launch_along(level: Launch, pitch: str | float) -> Launch:
    """The launch along an azimuth: at a final pitch, or at the one that goes farthest."""
    if not isinstance(pitch, str):
        return replace(level, pitch_rad=math.radians(pitch))
    reaches = longest_ranges(level.packed, 0, *level.start_rad, level.azimuth_rad, **level.earth)
    if reaches.flag[0] == Flag.NEVER_LANDS:
        raise _orbit_at_some_pitch(level)
    if reaches.flag[0] != Flag.OK:
        raise _cannot_rise()
    return replace(level, pitch_rad=float(reaches.pitch_final_rad[0]))


def _launch_to(level: Launch, aim_rad: tuple[float, float], pitch: str | float) -> Launch:
    """The launch that comes down on the aim."""
    if isinstance(pitch, str):
        found = solve_launch(
            level.packed, 0, *level.start_rad, *aim_rad, mode=MODES[pitch], tolerance_m=TOLERANCE_M,
            rotation=level.rotation, drag=level.drag,
        )  # fmt: skip
    else:
        found = solve_cutoff(
            level.packed, 0, *level.start_rad, *aim_rad, math.radians(pitch), tolerance_m=TOLERANCE_M, **level.earth
        )
    if found.flag[0] == Flag.OK:
        return replace(
            level, azimuth_rad=float(found.azimuth_rad[0]), pitch_rad=float(found.pitch_final_rad[0]),
            cutoff_s=float(found.cutoff_s[0]),
        )  # fmt: skip
    away_km = float(shortest_paths(np.array(level.start_rad), np.array(aim_rad)).distance_m[0]) / 1e3
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
    raise InputError(said, f"an aim within reach of {level.packed.missiles[0].name}", remedy, path="--to")


def _must_land(launch: Launch, flights: Flights) -> None:
    flag = flights.flag[0]
    if flag in (Flag.NEVER_LANDS, Flag.ESCAPES):
        raise never_down(boosted(*launch.arguments, **launch.earth), launch.rotation, "--loft")
    if flag == Flag.GROUND_IN_BOOST:
        raise _cannot_rise()
    assert flag == Flag.OK, f"a launch that was checked came to flag {flag}"


def _orbit_at_some_pitch(level: Launch) -> InputError:
    """The longest range has no meaning: this missile can stay up. Told with the highest perigee of the whole fan."""
    pitches = np.radians(np.arange(-10.0, 90.0, 1.0))
    states = boosted(level.packed, 0, *level.start_rad, level.azimuth_rad, pitches, **level.earth)
    found = orbits(states, rotation=level.rotation)
    perigee_km = np.where((states.flag == 0) & ~found.escapes, found.perigee_m, -np.inf) / 1e3
    best = int(perigee_km.argmax())
    how = "it leaves for good at every pitch"
    if np.isfinite(perigee_km[best]):
        how = f"perigee up to {perigee_km[best]:,.0f} km, at a final pitch of {math.degrees(pitches[best]):.0f}°"
    return InputError(
        f"a missile that can stay up for more than 4 hours ({how})", "one whose longest range is less",
        "give --to LAT,LON, a final pitch with --loft, or a heavier payload", path="--max-range",
    )  # fmt: skip


def _cannot_rise() -> InputError:
    return InputError(
        "a missile that comes down while its motor burns", "one that climbs until burn-out",
        "give a steeper final pitch with --loft, or a lighter payload", path="--loft",
    )  # fmt: skip


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
