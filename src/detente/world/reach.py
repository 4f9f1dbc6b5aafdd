"""Before anything is flown: does each launch of a raid reach what it is aimed at?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.flight.aiming import Launches, LaunchPlans, solve_launch
from detente.flight.flags import Flag
from detente.geodesy.territory import Territory, sample_area
from detente.records.errors import InputError
from detente.scenario.asked import Scenario
from detente.world.launches import AimBy, Prepared, SingleLaunch, bearings, extremes, nearest_m, prepare, reach_towards

OUTLINE_STEP_RAD = np.radians(0.25)  # points along a border, so that a long straight edge is met between its ends too
INSIDE_POINTS = 256
GOLDEN = 0.6180339887498949
COMFORTABLE = 0.7  # of the reach: the point a solver is asked to reach lies as near to this as may be
LEAST, GREATEST = 0, -1  # of the ranges and ballistic coefficients the reach is known for


@dataclass(frozen=True)
class _Way:
    """One missile from one place at one aim, and the first launch of the raid that takes it."""

    one: SingleLaunch
    to_rad: NDArray[np.float64]  # (n, 2): any of these will do


def check_reach(scenario: Scenario, prepared: Prepared | None = None) -> list[InputError]:
    """What to mend before this raid can fly: launches that fall short of all they are aimed at, and by how far.

    A fixed aim point must be within reach at the least range and ballistic coefficient a study draws, because every
    replicate flies to it. Ground, cities and troops need only be within reach at the greatest, and only somewhere: aim
    points are then drawn from what is. Every place of a launch is judged by itself. An empty list when all is well.
    """
    ready = prepare(scenario) if prepared is None else prepared
    packed = extremes([scenario.missiles[name] for name in ready.missiles], ready.impulse)
    table = np.repeat(ready.plans.table, 2, axis=0)
    table[:, 2] *= (ready.range_km[:, [LEAST, GREATEST]] / ready.range_km[:, [1]]).reshape(-1, 1)
    table.setflags(write=False)
    plans = LaunchPlans(packed, table)
    problems = []
    known = set()
    for one in ready.launches:
        way = (one.wave, one.launch, one.place, one.at_rad)
        if way in known:
            continue
        known.add(way)
        ground = _ground(scenario, one)
        found = _nobody(scenario, one) if not len(ground) else _judged(scenario, ready, plans, _Way(one, ground))
        if found is not None:
            problems.append(found)
    return problems


def _ground(scenario: Scenario, one: SingleLaunch) -> NDArray[np.float64]:
    """Points that stand for all that this launch may be aimed at: (n, 2) of lat, lon."""
    if one.at_rad is not None:
        return np.array([one.at_rad])
    if one.by == AimBy.AREA:
        return ground_points(scenario.territories[one.side])
    people = (scenario.cities if one.by == AimBy.PEOPLE else scenario.troops)[one.side]
    return np.column_stack([people.lat_rad, people.lon_rad])


def ground_points(territory: Territory) -> NDArray[np.float64]:
    """Points all along a territory's borders and coasts, and some inside: (n, 2) of lat, lon."""
    pieces = []
    for ring in territory.rings():
        closed = np.concatenate([ring, ring[:1]])
        steps = np.maximum(1, np.ceil(np.abs(np.diff(closed, axis=0)).max(axis=1) / OUTLINE_STEP_RAD)).astype(np.int64)
        begin = np.repeat(closed[:-1], steps, axis=0)
        share = np.concatenate([np.arange(n) / n for n in steps])[:, None]
        pieces.append(begin + share * np.repeat(np.diff(closed, axis=0), steps, axis=0))
    k = np.arange(INSIDE_POINTS)
    even = np.column_stack([(k + 0.5) / INSIDE_POINTS, np.mod(GOLDEN * (k + 1), 1.0)])
    return np.concatenate([*pieces, sample_area(territory, even)])


def _judged(scenario: Scenario, ready: Prepared, plans: LaunchPlans, way: _Way) -> InputError | None:
    one = way.one
    start = np.broadcast_to(ready.place_rad[one.place], way.to_rad.shape)
    distance, azimuth = bearings(np.array(start), way.to_rad)
    count = len(distance)
    missile, place = np.full(count, one.missile), np.full(count, one.place)
    which = LEAST if one.by == AimBy.FIXED else GREATEST
    reach = reach_towards(
        ready, missile, place, azimuth, ready.beta_kg_m2[missile, which], ready.range_km[missile, which]
    )
    shortest = nearest_m(ready, missile, np.full(count, int(one.mode)))
    beyond = np.maximum(distance - reach, shortest - distance)
    inside = np.flatnonzero(beyond <= 0.0)
    if len(inside):
        best = inside[np.argmin(np.abs(distance[inside] - COMFORTABLE * reach[inside]))]
    else:
        best = int(np.argmin(beyond))
        if distance[best] < shortest[best]:
            return _too_near(scenario, ready, one, float(shortest[best] - distance[best]))
    found = solve_launch(
        plans.packed, 2 * one.missile + abs(which), *start[best], *way.to_rad[best], mode=int(one.mode), plans=plans
    )  # fmt: skip
    if found.flag[0] == Flag.OK:
        return None
    return _out_of_reach(scenario, ready, one, found, float(distance[best]))


def _out_of_reach(
    scenario: Scenario, ready: Prepared, one: SingleLaunch, found: Launches, distance_m: float
) -> InputError:
    missile, place, what = ready.missiles[one.missile], ready.places[one.place], _aim_words(scenario, one)
    short_km = float(found.shortfall_m[0]) / 1e3
    if found.flag[0] == Flag.UNREACHABLE and short_km < 0.0:
        return _too_near(scenario, ready, one, -1e3 * short_km)
    if found.flag[0] == Flag.UNREACHABLE:
        return InputError(
            found=f"{missile} from {place} falls {short_km:.0f} km short of {what}, {distance_m / 1e3:.0f} km away",
            expected=f"an aim within {distance_m / 1e3 - short_km:.0f} km, the missile's reach that way",
            remedy="launch from a nearer place, or take a missile of longer range, or aim elsewhere",
            **_where(scenario, one),
        )
    return InputError(
        found=f"no flight of {missile} from {place} to {what} was found ({Flag(int(found.flag[0])).name})",
        expected="a missile, place and aim between which a flight exists",
        remedy="change the missile, the place, the loft or the aim",
        **_where(scenario, one),
    )


def _too_near(scenario: Scenario, ready: Prepared, one: SingleLaunch, over_m: float) -> InputError:
    missile, place = ready.missiles[one.missile], ready.places[one.place]
    return InputError(
        found=f"{missile} from {place} overflies {_aim_words(scenario, one)} by {over_m / 1e3:.0f} km on its shortest "
        "flight of this loft",
        expected="an aim farther away",
        remedy="use loft: lofted, or another missile, place or aim",
        **_where(scenario, one),
    )


def _aim_words(scenario: Scenario, one: SingleLaunch) -> str:
    name = scenario.side_names[one.side]
    if one.at_rad is not None:
        lat, lon = np.degrees(one.at_rad)
        return f"the point {lat:.2f}, {lon:.2f} on side {name}"
    return {
        AimBy.AREA: f"any ground of side {name}",
        AimBy.PEOPLE: f"any city of side {name}",
        AimBy.TROOPS: f"any troops of side {name}",
    }[one.by]


def _nobody(scenario: Scenario, one: SingleLaunch) -> InputError:
    what = "city" if one.by == AimBy.PEOPLE else "troops"
    return InputError(
        found=f"an aim by {one.by.name.lower()} at side {scenario.side_names[one.side]}, which has no {what}",
        expected="a side that has some",
        remedy="aim by area or at named points, lower city_population_min, or add troops to the scenario",
        **_where(scenario, one, ".aim.by"),
    )


def _where(scenario: Scenario, one: SingleLaunch, part: str = "") -> dict[str, Any]:
    written = scenario.where_launched(one.wave, one.launch)
    return {"file": written.file, "line": written.line, "column": written.column, "path": written.path + part}
