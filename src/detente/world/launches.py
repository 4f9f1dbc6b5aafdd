"""The raid, launch by launch, and how far each missile reaches from each place: the same in every replicate."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from detente.flight.aiming import PLAN_LATITUDE_RAD, LaunchPlans, Mode, launch_plans, max_range
from detente.flight.flags import Flag
from detente.flight.trajectory import fly_out
from detente.flight.vehicle import Missile, PackedMissiles, Stage, pack
from detente.geodesy.distance import shortest_paths
from detente.geodesy.territory_index import TerritoryIndex, index_territories
from detente.records.errors import InputError
from detente.scenario.asked import Scenario
from detente.scenario.catalogue import MissileEntry, PointMassMissile
from detente.scenario.raid import Launch

AZIMUTHS = 16  # of a reach table: between two of them, the reach bends by a few thousandths at most
PITCH_TRIALS_RAD = np.radians([-3.0, 0.0, 3.0])  # about the planned pitch: the turning Earth shifts the best by less
SPAN = 3  # of a missile's published range: its low, its value and its high
IMPULSE_TRIALS, IMPULSE_STEP, IMPULSE_ACCURACY = 12, 0.4, 1e-3  # steps; the first, per logarithm of range; in range
LEAST_LIFT = 1.02  # of its weight, that a missile lifts off with however short its range
EVERYWHERE_M = 2.1e7  # more than half-way round the Earth
MODES = {"minimum-energy": Mode.CUT_OFF, "lofted": Mode.LOFTED, "depressed": Mode.DEPRESSED}


class AimBy(IntEnum):
    """How an object's aim point is chosen; ``Objects.aim_by``."""

    AREA = 0
    PEOPLE = 1
    TROOPS = 2
    FIXED = 3


@dataclass(frozen=True, kw_only=True)
class SingleLaunch:
    """One launch of the raid: object ``n`` is the n-th of these, in order of the file, in every replicate."""

    wave: int
    launch: int  # within the wave
    missile: int  # in order of name
    place: int  # in order of name
    mode: Mode
    side: int  # index of the side aimed at
    by: AimBy
    at_rad: tuple[float, float] | None  # the fixed aim point, if any
    begin_s: float
    spread_s: float


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What a raid needs that no replicate changes. Made once by :func:`prepare`; costs some tenths of a second."""

    launches: tuple[SingleLaunch, ...]
    missiles: tuple[str, ...]  # names in order
    places: tuple[str, ...]  # names in order
    place_rad: NDArray[np.float64]  # (P, 2): lat, lon
    plans: LaunchPlans  # of the missiles with their nominal ballistic coefficients
    range_km: NDArray[np.float64]  # (M, SPAN): the published range's low, value and high
    impulse: NDArray[np.float64]  # (M, SPAN): what multiplies the specific impulses to reach each of them
    beta_kg_m2: NDArray[np.float64]  # (M, 2): the least and the greatest ballistic coefficient that a study draws
    reach_m: NDArray[np.float64]  # (M, P, SPAN, 2, AZIMUTHS): the longest range with each
    index: TerritoryIndex  # of the sides' grounds: whose an impact point is


def flight_missile(entry: PointMassMissile, ballistic_coefficient_kg_m2: float | None, impulse: float = 1.0) -> Missile:
    """A missile as flight knows it, with this ballistic coefficient of what reenters (none: its burnt-out body).

    ``impulse`` multiplies the specific impulse of every stage.
    """
    return Missile(
        name=entry.name,
        payload_kg=entry.payload_kg,
        stages=tuple(
            Stage(
                s.fuelled_kg,
                s.dry_kg,
                impulse * s.isp_s,
                s.burn_s,
                s.diameter_m,
                s.nozzle_exit_diameter_m,
                throttle=s.throttle,
            )
            for s in entry.stages
        ),
        cd_mach=tuple(mach for mach, _ in entry.cd),
        cd=tuple(value for _, value in entry.cd),
        reentry_ballistic_coefficient_kg_m2=ballistic_coefficient_kg_m2,
    )


def prepare(scenario: Scenario) -> Prepared:
    """The launches one by one, and the reach of every missile from every place it is launched from."""
    missiles, places = tuple(sorted(scenario.missiles)), tuple(sorted(scenario.places))
    launches = tuple(_single_launches(scenario, missiles, places))
    entries = [scenario.missiles[name] for name in missiles]
    positions = [scenario.places[name].position for name in places]
    place_rad = np.radians([(position.lat_deg, position.lon_deg) for position in positions])
    plans = launch_plans(pack([flight_missile(entry, entry.ballistic_coefficient_kg_m2.value) for entry in entries]))
    impulse = _impulses(entries)
    return Prepared(
        launches=launches,
        missiles=missiles,
        places=places,
        place_rad=place_rad,
        plans=plans,
        range_km=_spans(entries),
        impulse=impulse,
        reach_m=_reach_tables(entries, impulse, plans, launches, place_rad),
        beta_kg_m2=np.array([(q.low, q.high) for q in (e.ballistic_coefficient_kg_m2 for e in entries)]),
        index=index_territories(scenario.grounds),
    )


def _spans(entries: list[MissileEntry]) -> NDArray[np.float64]:
    return np.array([(entry.range_km.low, entry.range_km.value, entry.range_km.high) for entry in entries])


def _impulses(entries: list[MissileEntry]) -> NDArray[np.float64]:
    """What multiplies each missile's specific impulses so that it flies its published low, value and high: (M, SPAN).

    The stages as written fly the value, or what they fly of it; the longest range of the others stands to theirs as
    the published numbers do, over an Earth that stands still. Secant steps on the logarithms of both.
    """
    spans = _spans(entries)
    wanted = np.log(spans / spans[:, 1:2]).ravel()
    least = np.repeat(np.log([LEAST_LIFT * entry.lifted_kg / entry.push_kg for entry in entries]), SPAN)
    tried, step = np.zeros_like(wanted), IMPULSE_STEP * wanted
    nominal = _longest_log(entries, tried)
    found, known = nominal.copy(), nominal
    moving = wanted != 0.0
    for _ in range(IMPULSE_TRIALS):
        if not moving.any():
            break
        step = np.maximum(step, np.minimum(least - tried, 0.0))
        tried = tried + np.where(moving, step, 0.0)
        known, found = found, _longest_log(entries, tried)
        left = nominal + wanted - found
        slope = np.where(found == known, 1.0 / IMPULSE_STEP, (found - known) / np.where(step == 0.0, 1.0, step))
        moving &= np.abs(left) > IMPULSE_ACCURACY
        step = np.where(moving, np.clip(left / slope, -0.1, 0.1), step)
    for m in np.flatnonzero(moving.reshape(-1, SPAN).any(axis=1)):
        quantity = entries[m].range_km
        raise InputError(
            found=f"a range_km of {quantity.low:g} to {quantity.high:g} about {quantity.value:g}",
            expected="a range that more or less specific impulse gives these stages",
            remedy="narrow the range, or give other stages",
            path=f"missile {entries[m].name}: range_km",
        )
    return np.exp(tried).reshape(-1, SPAN)


def _longest_log(entries: list[MissileEntry], impulse_log: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logarithm of each trial's longest range over an Earth that stands still, m: (M · SPAN,)."""
    trials = zip(np.repeat(np.arange(len(entries)), SPAN), np.exp(impulse_log), strict=True)
    packed = pack([flight_missile(entries[m], entries[m].ballistic_coefficient_kg_m2.value, k) for m, k in trials])
    found = max_range(packed, np.arange(len(impulse_log)), PLAN_LATITUDE_RAD, 0.0, 0.5 * np.pi, rotation=False)
    return np.log(np.where(found.flag == Flag.OK, found.range_m, EVERYWHERE_M))


def extremes(entries: list[MissileEntry], impulse: NDArray[np.float64]) -> PackedMissiles:
    """Each missile twice: of the least range and ballistic coefficient that a study draws, and of the greatest.

    ``impulse`` (M, SPAN): what multiplies its specific impulses for the published low, value and high of its range.
    """
    quantities = [(entry, entry.ballistic_coefficient_kg_m2, factors) for entry, factors in zip(entries, impulse)]
    return pack(
        [
            flight_missile(entry, beta, k)
            for entry, q, factors in quantities
            for beta, k in ((q.low, factors[0]), (q.high, factors[-1]))
        ]
    )


def impulse_for(prepared: Prepared, missile: int, range_km: NDArray[np.float64]) -> NDArray[np.float64]:
    """What multiplies the specific impulses of missile number ``missile`` to fly these ranges, km: (n,) of (n,)."""
    return np.exp(np.interp(np.log(range_km), np.log(prepared.range_km[missile]), np.log(prepared.impulse[missile])))


def _single_launches(scenario: Scenario, missiles: tuple[str, ...], places: tuple[str, ...]) -> list[SingleLaunch]:
    launches = []
    for w, wave in enumerate(scenario.raid.waves):
        for k, launch in enumerate(wave.launches):
            for i in range(launch.count):
                at = launch.aim.at[i % len(launch.aim.at)] if launch.aim.at else None
                launches.append(
                    SingleLaunch(
                        wave=w,
                        launch=k,
                        missile=missiles.index(launch.missile),
                        place=places.index(launch.places[i % len(launch.places)]),
                        mode=MODES[launch.loft],
                        side=scenario.side_names.index(launch.aim.side),
                        by=_aim_by(launch),
                        at_rad=None if at is None else (float(np.radians(at.lat_deg)), float(np.radians(at.lon_deg))),
                        begin_s=wave.at_s,
                        spread_s=wave.spread_s,
                    )
                )
    return launches


def _aim_by(launch: Launch) -> AimBy:
    return AimBy.FIXED if launch.aim.at else AimBy[launch.aim.by.upper()]


def _reach_tables(
    entries: list[MissileEntry],
    impulse: NDArray[np.float64],
    plans: LaunchPlans,
    launches: tuple[SingleLaunch, ...],
    place_rad: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Longest range by missile, place, published range, ballistic coefficient and azimuth.

    0 for pairs of missile and place that the raid does not use. Flown at the best pitch over an Earth that stands
    still and a little either side of it: within 0.3 % of the best pitch there is, and never above it.
    """
    shape = (len(entries), len(place_rad), SPAN, 2, AZIMUTHS)
    tables = np.zeros(shape)
    betas = [(q.low, q.high) for q in (entry.ballistic_coefficient_kg_m2 for entry in entries)]
    packed = pack([flight_missile(e, b, k) for e, pair, row in zip(entries, betas, impulse) for k in row for b in pair])
    used = sorted({(one.missile, one.place) for one in launches})
    missile, place, span, beta, direction, trial = (
        grid.ravel() for grid in np.indices((*shape, len(PITCH_TRIALS_RAD)))
    )
    wanted = np.zeros((len(entries), len(place_rad)), bool)
    wanted[tuple(np.array(used).T)] = True
    rows = np.flatnonzero(wanted[missile, place])
    pitch = plans.table[missile, 1, -1] + PITCH_TRIALS_RAD[trial]
    flights = fly_out(
        packed, ((SPAN * missile + span) * 2 + beta)[rows], place_rad[place[rows], 0], place_rad[place[rows], 1],
        2.0 * np.pi / AZIMUTHS * direction[rows], pitch[rows],
    )  # fmt: skip
    flown = np.where(flights.flag == Flag.NEVER_LANDS, EVERYWHERE_M, flights.range_m)
    tables[wanted] = flown.reshape(-1, SPAN, 2, AZIMUTHS, len(PITCH_TRIALS_RAD)).max(axis=4)
    return tables


def reach_towards(
    prepared: Prepared,
    missile: NDArray[np.int64],
    place: NDArray[np.int64],
    azimuth_rad: NDArray[np.float64],
    ballistic_coefficient_kg_m2: NDArray[np.float64],
    range_km: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The reach of each row's missile in a direction, m, from the tables; within 1 % of the longest flight's range.

    Linear between the tables' azimuths, in the range that is drawn of those published, and in the inverse of the
    ballistic coefficient, to which drag is proportional.
    """
    turn = np.mod(azimuth_rad / (2.0 * np.pi), 1.0) * AZIMUTHS
    before = turn.astype(np.int64) % AZIMUTHS
    share = (turn - np.floor(turn))[:, None, None]
    tables, rows = prepared.reach_m[missile, place], np.arange(len(before))
    there = tables[rows, :, :, before] * (1.0 - share) + tables[rows, :, :, (before + 1) % AZIMUTHS] * share
    low, value, high = prepared.range_km[missile].T
    below = np.clip((value - range_km) / np.where(value > low, value - low, 1.0), 0.0, 1.0)[:, None]
    above = np.clip((range_km - value) / np.where(high > value, high - value, 1.0), 0.0, 1.0)[:, None]
    spanned = there[:, 0] * below + there[:, 1] * (1.0 - below - above) + there[:, 2] * above
    most, least = 1.0 / prepared.beta_kg_m2[missile, 0], 1.0 / prepared.beta_kg_m2[missile, 1]
    weight = (most - 1.0 / ballistic_coefficient_kg_m2) / np.where(most > least, most - least, 1.0)
    return spanned[:, 0] * (1.0 - weight) + spanned[:, 1] * weight


def nearest_m(prepared: Prepared, missile: NDArray[np.int64], mode: NDArray[np.int64]) -> NDArray[np.float64]:
    """The shortest range a missile is flown to, m, (n,). At minimum energy: that of the earliest cut-off a plan holds.

    Nearer aims could only be reached on a lofted path, which is flown where the scenario asks for it.
    """
    return np.where(mode == Mode.CUT_OFF, prepared.plans.table[missile, 2, 0], 0.0)


def bearings(start_rad: NDArray[np.float64], end_rad: NDArray[np.float64]) -> tuple[NDArray, NDArray]:
    """Distance, m, and azimuth at the start, rad, over the ellipsoid: (n,) each, of latitudes and longitudes (n, 2)."""
    paths = shortest_paths(start_rad, end_rad)
    return paths.distance_m, paths.azimuth_start_rad
