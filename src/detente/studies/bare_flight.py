"""A flight without a missile: from a burn-out state, or back from what was seen of a test. Doors of ``detente fly``."""

import math
from dataclasses import fields, replace
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from detente import __version__
from detente.flight import inversion
from detente.flight.burnout import Burnouts, burnouts, fall, fall_ephemeris
from detente.flight.flags import Flag
from detente.flight.trajectory import Flights
from detente.flight.twobody import RADIUS_M, arc_of, farthest_impulse
from detente.records.errors import InputError
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

BALLISTIC_COEFFICIENT_KG_M2 = 3_000.0
"""Of what flies on after a bare burn-out state. Assumption (range 1,000-10,000): no public number."""
THICK_AIR_KM = 30.0
LIKELY_KM_S = 20.0
"""A burn-out speed below this, in m/s, is what one in km/s would be: nothing that burns out is so slow."""
FEWEST_DRAWS = 8
INTERVAL = (2.5, 97.5)


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
    Raises InputError for what cannot be flown: an angle below the horizon on the ground, too.
    """
    start, azimuth = place_rad(start_deg, "--from"), azimuth_rad(azimuth_deg)
    speed = number_between(speed_m_s, "--burnout-speed", 1.0, 20_000.0)
    angle = math.radians(number_between(angle_deg, "--burnout-angle", -90.0, 90.0))
    height_m = 1e3 * number_between(altitude_km, "--burnout-altitude-km", 0.0, 5_000.0)
    beta = number_between(ballistic_coefficient_kg_m2, "--ballistic-coefficient", 10.0, 1e6)
    _refuse_downward(angle_deg, height_m)
    states = burnouts(*start, azimuth, speed, angle, altitude_m=height_m)
    flights = fall(states, beta, rotation=rotation, drag=drag)
    _must_come_down(states, flights, rotation)
    low = (
        f"burn-out {altitude_km:g} km high: the air above it is flown through on the way up; see --burnout-altitude-km"
    )
    up_through_air = drag and altitude_km < THICK_AIR_KM and angle_deg >= 0.0
    slow = f"burn-out at {speed:g} m/s: the speed is in metres a second, 3 km/s is 3000"
    path = flight_path(fall_ephemeris(states, beta, rotation=rotation, drag=drag), start)
    document = {
        "mode": "burnout",
        **launch_document(start, azimuth, rotation, drag),
        **flight_document(flights),
        **burnout_angle(path),
        "assumptions": {"ballistic_coefficient_kg_m2": beta if drag else None},
        "cautions": [*([slow] if speed < LIKELY_KM_S else []), *([low] if up_through_air else [])],
        "version": __version__,
    }
    return Flyout(title=f"Burn-out at {speed:,.0f} m/s, {angle_deg:g}°", document=document, path=path)


def _refuse_downward(angle_deg: float, height_m: float) -> None:
    """Complain of a flight that would begin into the ground."""
    if angle_deg < 0.0 and height_m == 0.0:
        raise InputError(
            f"{angle_deg:g}° at height 0", "an angle above the horizon, or a height to come down from",
            "correct it, or give --burnout-altitude-km", path="--burnout-angle",
        )  # fmt: skip


def _must_come_down(states: Burnouts, flights: Flights, rotation: bool) -> None:
    if flights.flag[0] in (Flag.NEVER_LANDS, Flag.ESCAPES):
        raise never_down(states, rotation, "--burnout-speed")
    assert flights.flag[0] == Flag.OK, f"a burn-out that was checked came to flag {flights.flag[0]}"


def fly_observed(
    range_km: float,
    apogee_km: float,
    *,
    boost_s: float | None = None,
    flight_time_s: float | None = None,
    flight_time_error_s: float = 30.0,
    start_deg: tuple[float, float] = START_DEG,
    azimuth_deg: float | None = None,
    rotation: bool = True,
    drag: bool = True,
) -> Flyout:
    """What a test that flew ``range_km`` over the ground and rose to ``apogee_km`` says of the missile.

    The document's own numbers are those of one middling flight; ``interval`` and ``standard_range_km`` hold mean, low
    and high (95 of 100 draws) over what is not known: boost time unless given, where boost ended, how much speed a
    flatter boost wins back, the drag of what reenters, and the azimuth unless given. The standard range is the longest
    flight of the same missile with the same payload, the same way. The method: ``flight.inversion``.
    """
    start, azimuth = place_rad(start_deg, "--from"), azimuth_rad(azimuth_deg)
    seen = _observation(range_km, apogee_km, boost_s, flight_time_s, flight_time_error_s)
    unknown = inversion.unknowns(azimuth if azimuth_deg is not None else None, middle_bearing_rad=azimuth)
    found = inversion.invert(seen, *start, unknown, rotation=rotation, drag=drag)
    rows = np.flatnonzero(found.solved)
    if len(rows) < FEWEST_DRAWS:
        raise _no_boost_fits(seen, start, unknown, rotation, drag)
    middle = int(rows[0])  # the middle of every range, where that has a solution
    states, beta = _row(found.states, middle), float(unknown.ballistic_coefficient_kg_m2[middle])
    path = flight_path(fall_ephemeris(states, beta, rotation=rotation, drag=drag), start)
    document = {
        "mode": "observed",
        **launch_document(start, float(unknown.bearing_rad[middle]), rotation, drag),
        "azimuth_known": azimuth_deg is not None,
        **flight_document(fall(states, beta, rotation=rotation, drag=drag)),
        **burnout_angle(path),
        "standard_range_km": _interval(found.standard_range_m[rows] / 1e3),
        "interval": _intervals(found, rows),
        "explains": _explained(found, unknown, rows),
        "impulsive": _impulsive(seen),
        "observed": {
            "range_km": range_km, "apogee_km": apogee_km, "boost_s": boost_s, "flight_time_s": flight_time_s,
            "flight_time_error_s": flight_time_error_s if flight_time_s is not None else None,
        },
        "draws": {"solved": len(rows), "all": len(found.solved)},
        "assumptions": _ranges(),
        "cautions": _cautions(found, rows),
        "version": __version__,
    }  # fmt: skip
    return Flyout(title=f"A test of {range_km:,.0f} km range, {apogee_km:,.0f} km apogee", document=document, path=path)


def _observation(
    range_km: float, apogee_km: float, boost_s: float | None, flight_time_s: float | None, flight_time_error_s: float
) -> inversion.Observation:
    """The observation in metres; its complaints in the words of the options."""
    options = {
        "range_m": "--observed-range-km", "apogee_m": "--observed-apogee-km", "boost_s": "--boost-s",
        "flight_time_s": "--observed-time-s", "flight_time_error_s": "--observed-time-error-s",
    }  # fmt: skip
    said = (range_km, apogee_km, boost_s, flight_time_s, flight_time_error_s)
    for option, value in zip(options.values(), said, strict=True):
        if value is not None and not isinstance(value, Real):
            raise InputError(repr(value), "a number", "correct the observation", path=option)
    try:
        return inversion.Observation(
            range_m=range_km * 1e3, apogee_m=apogee_km * 1e3, boost_s=boost_s, flight_time_s=flight_time_s,
            flight_time_error_s=flight_time_error_s,
        )  # fmt: skip
    except InputError as error:
        said = {"range_m": f"{range_km:g} km", "apogee_m": f"{apogee_km:g} km"}.get(error.path, error.found)
        raise InputError(said, error.expected, error.remedy, path=options[error.path]) from error


def _row(states: Burnouts, row: int) -> Burnouts:
    return Burnouts(**{part.name: getattr(states, part.name)[row : row + 1] for part in fields(Burnouts)})


def _interval(values: NDArray[np.float64]) -> Document:
    low, high = np.percentile(values, INTERVAL)
    return {"mean": float(values.mean()), "low": float(low), "high": float(high)}


def _intervals(found: inversion.Inversion, rows: NDArray[np.int64]) -> Document:
    """Mean, low and high of everything that was solved for."""
    flights = found.flights
    return {
        "burnout_speed_m_s": _interval(flights.burnout_speed_m_s[rows]),
        "burnout_angle_deg": _interval(np.degrees(found.elevation_rad[rows])),
        "burnout_altitude_km": _interval(flights.burnout_altitude_m[rows] / 1e3),
        "burnout_downrange_km": _interval(found.downrange_m[rows] / 1e3),
        "boost_s": _interval(found.states.time_s[rows]),
        "flight_time_s": _interval(flights.flight_time_s[rows]),
    }


def _explained(found: inversion.Inversion, unknown: inversion.Unknowns, rows: NDArray[np.int64]) -> dict[str, float]:
    """Share of the standard range's variance over the draws that goes with each unknown: its squared correlation.

    The bearing counts by its eastward part, for the turning Earth. What is known, or does not matter, explains 0.
    """
    standard = found.standard_range_m[rows]
    values = {part.name: getattr(unknown, part.name)[rows] for part in fields(unknown)}
    values["bearing_rad"] = np.sin(values["bearing_rad"])
    shares = {}
    for name, drawn in values.items():
        spread = float(drawn.std() * standard.std())
        together = float(((drawn - drawn.mean()) * (standard - standard.mean())).mean())
        shares[name] = (together / spread) ** 2 if spread > 1e-9 else 0.0
    return shares


def _impulsive(seen: inversion.Observation) -> Document:
    """The closed form beside it: all speed at once, on the ground of a round Earth that stands still, no air."""
    arc = arc_of(seen.range_m, seen.apogee_m)
    return {
        "burnout_speed_m_s": float(arc.speed_m_s[0]),
        "burnout_angle_deg": math.degrees(arc.elevation_rad[0]),
        "flight_time_s": float(arc.time_s[0]),
        "standard_range_km": float(farthest_impulse(arc.speed_m_s).range_m[0]) / 1e3,
    }


def _ranges() -> Document:
    return {
        "acceleration_m_s2": list(inversion.ACCELERATION_M_S2),
        "chord_share": list(inversion.CHORD_SHARE),
        "chord_lift": list(inversion.CHORD_LIFT),
        "loss_share": list(inversion.LOSS_SHARE),
        "ballistic_coefficient_kg_m2": list(inversion.BALLISTIC_COEFFICIENT_KG_M2),
    }


def _cautions(found: inversion.Inversion, rows: NDArray[np.int64]) -> list[str]:
    said = []
    if len(rows) < 0.5 * len(found.solved):
        said.append(
            f"only {len(rows)} of {len(found.solved)} draws can fly so: an unusual boost, or a wrong observation"
        )
    if (found.standard_range_m[rows] >= np.pi * RADIUS_M).any():
        said.append("some draws reach orbit or half-way round the Earth; their standard range is counted as 20,015 km")
    return said


def _no_boost_fits(
    seen: inversion.Observation, start: tuple[float, float], unknown: inversion.Unknowns, rotation: bool, drag: bool
) -> InputError:
    """What keeps an observation from being flown; where it is the time, the time that the rest asks for."""
    if seen.boost_s is None and seen.flight_time_s is not None:
        timeless = replace(seen, flight_time_s=None)
        found = inversion.invert(timeless, *start, unknown, rotation=rotation, drag=drag)
        if found.solved.sum() >= FEWEST_DRAWS:
            low, high = np.percentile(found.flights.flight_time_s[found.solved], INTERVAL)
            return InputError(
                f"a flight time of {seen.flight_time_s:,.0f} s",
                f"about {low:,.0f} to {high:,.0f} s, which this range and apogee take",
                "correct the time, the range or the apogee, or leave the time out", path="--observed-time-s",
            )  # fmt: skip
    said = f"a range of {seen.range_m / 1e3:,.0f} km with an apogee of {seen.apogee_m / 1e3:,.0f} km"
    if seen.boost_s is not None:
        said += f" after a boost of {seen.boost_s:g} s"
    return InputError(
        said, "a flight that burns out on its way up and then falls freely",
        "correct the numbers: glides and manoeuvres are not modelled", path="--observed-apogee-km",
    )  # fmt: skip
