"""The raid, launch by launch, and how far each missile reaches from each place: the same in every replicate."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from detente.flight.aiming import LaunchPlans, Mode, launch_plans
from detente.flight.flags import Flag
from detente.flight.trajectory import fly_out
from detente.flight.vehicle import Missile, PackedMissiles, Stage, pack
from detente.geodesy.distance import shortest_paths
from detente.geodesy.territory_index import TerritoryIndex, index_territories
from detente.scenario.asked import Scenario
from detente.scenario.catalogue import MissileEntry, PointMassMissile
from detente.scenario.raid import Launch

AZIMUTHS = 16  # of a reach table: between two of them, the reach bends by a few thousandths at most
PITCH_TRIALS_RAD = np.radians([-3.0, 0.0, 3.0])  # about the planned pitch: the turning Earth shifts the best by less
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

    @property
    def path(self) -> str:
        """Where in the scenario file this launch stands."""
        return f"raid.waves.{self.wave}.launches.{self.launch}"


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What a raid needs that no replicate changes. Made once by :func:`prepare`; costs some tenths of a second."""

    launches: tuple[SingleLaunch, ...]
    missiles: tuple[str, ...]  # names in order
    places: tuple[str, ...]  # names in order
    place_rad: NDArray[np.float64]  # (P, 2): lat, lon
    plans: LaunchPlans  # of the missiles with their nominal ballistic coefficients
    beta_kg_m2: NDArray[np.float64]  # (M, 2): the least and the greatest ballistic coefficient that a study draws
    reach_m: NDArray[np.float64]  # (M, P, 2, AZIMUTHS): the longest range with either
    index: TerritoryIndex  # of the sides' grounds: whose an impact point is


def flight_missile(entry: PointMassMissile, ballistic_coefficient_kg_m2: float | None) -> Missile:
    """A missile as flight knows it, with this ballistic coefficient of what reenters (none: its burnt-out body)."""
    return Missile(
        name=entry.name,
        payload_kg=entry.payload_kg,
        stages=tuple(
            Stage(s.fuelled_kg, s.dry_kg, s.isp_s, s.burn_s, s.diameter_m, s.nozzle_exit_diameter_m)
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
    return Prepared(
        launches=launches,
        missiles=missiles,
        places=places,
        place_rad=place_rad,
        plans=plans,
        reach_m=_reach_tables(entries, plans, launches, place_rad),
        beta_kg_m2=np.array([(q.low, q.high) for q in (e.ballistic_coefficient_kg_m2 for e in entries)]),
        index=index_territories(scenario.grounds),
    )


def extremes(entries: list[MissileEntry]) -> PackedMissiles:
    """Each missile twice: with the least ballistic coefficient a study draws, and with the greatest."""
    quantities = [(entry, entry.ballistic_coefficient_kg_m2) for entry in entries]
    return pack([flight_missile(entry, beta) for entry, q in quantities for beta in (q.low, q.high)])


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
    plans: LaunchPlans,
    launches: tuple[SingleLaunch, ...],
    place_rad: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Longest range by missile, place, ballistic coefficient and azimuth; 0 for pairs that the raid does not use.

    Flown at the best pitch over an Earth that stands still and a little either side of it: within 0.3 % of the best
    pitch there is, and never above it.
    """
    tables = np.zeros((len(entries), len(place_rad), 2, AZIMUTHS))
    packed = extremes(entries)
    used = sorted({(one.missile, one.place) for one in launches})
    missile, place, beta, direction, trial = (
        grid.ravel() for grid in np.indices((len(entries), len(place_rad), 2, AZIMUTHS, len(PITCH_TRIALS_RAD)))
    )
    wanted = np.zeros((len(entries), len(place_rad)), bool)
    wanted[tuple(np.array(used).T)] = True
    rows = np.flatnonzero(wanted[missile, place])
    pitch = plans.table[missile, 1, -1] + PITCH_TRIALS_RAD[trial]
    flights = fly_out(
        packed, (2 * missile + beta)[rows], place_rad[place[rows], 0], place_rad[place[rows], 1],
        2.0 * np.pi / AZIMUTHS * direction[rows], pitch[rows],
    )  # fmt: skip
    flown = np.where(flights.flag == Flag.NEVER_LANDS, EVERYWHERE_M, flights.range_m)
    tables[wanted] = flown.reshape(-1, 2, AZIMUTHS, len(PITCH_TRIALS_RAD)).max(axis=3)
    return tables


def reach_towards(
    prepared: Prepared,
    missile: NDArray[np.int64],
    place: NDArray[np.int64],
    azimuth_rad: NDArray[np.float64],
    ballistic_coefficient_kg_m2: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The reach of each row's missile in a direction, m, from the tables; within 1 % of the longest flight's range.

    Linear between the tables' azimuths, and in the inverse of the ballistic coefficient, to which drag is proportional.
    """
    turn = np.mod(azimuth_rad / (2.0 * np.pi), 1.0) * AZIMUTHS
    before = turn.astype(np.int64) % AZIMUTHS
    share = turn - np.floor(turn)
    tables, rows = prepared.reach_m[missile, place], np.arange(len(before))
    most, least = 1.0 / prepared.beta_kg_m2[missile, 0], 1.0 / prepared.beta_kg_m2[missile, 1]
    span = np.where(most > least, most - least, 1.0)
    weight = (most - 1.0 / ballistic_coefficient_kg_m2) / span
    there = tables[rows, :, before] * (1.0 - share)[:, None] + tables[rows, :, (before + 1) % AZIMUTHS] * share[:, None]
    return there[:, 0] * (1.0 - weight) + there[:, 1] * weight


def nearest_m(prepared: Prepared, missile: NDArray[np.int64], mode: NDArray[np.int64]) -> NDArray[np.float64]:
    """The shortest range a missile is flown to, m. At minimum energy: that of the earliest cut-off a plan holds.

    Nearer aims could only be reached on a lofted path, which is flown where the scenario asks for it.
    """
    return np.where(mode == Mode.CUT_OFF, prepared.plans.table[missile, 2, 0], 0.0)


def bearings(start_rad: NDArray[np.float64], end_rad: NDArray[np.float64]) -> tuple[NDArray, NDArray]:
    """Distance (m) and azimuth at the start, over the ellipsoid, of each path."""
    paths = shortest_paths(start_rad, end_rad)
    return paths.distance_m, paths.azimuth_start_rad
