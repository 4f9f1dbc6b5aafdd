"""What really happens: the raid of a scenario, drawn and flown."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detente.chance.draws import Stage
from detente.flight.aiming import LaunchPlans, solve_launch
from detente.flight.flags import Flag
from detente.flight.trajectory import ephemeris, fly_out
from detente.flight.vehicle import PackedMissiles, pack
from detente.geodesy.ellipsoid import ecef_to_geodetic
from detente.geodesy.territory import sample_area
from detente.geodesy.territory_index import territory_masks
from detente.records.stages import Objects, Truth
from detente.scenario.asked import People, Scenario
from detente.scenario.draws import drawn, sensor_suite
from detente.world import _kernels_truth
from detente.world.history import World
from detente.world.launches import (
    AimBy,
    Prepared,
    bearings,
    flight_missile,
    impulse_for,
    nearest_m,
    prepare,
    reach_towards,
)

CANDIDATES = 256  # aim points drawn for an object before it is given up as out of reach
SPARE = 0.01  # of the reach: candidates up to so far beyond the table's are still tried, and the solver decides
TOLERANCE_M = 10.0  # how near the computed impact comes to the aim point; numerical, not an accuracy

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class _Draws:
    """What each replicate drew of each missile."""

    beta_kg_m2: Floats  # (R, M)
    rcs_m2: Floats  # (R, M)
    range_km: Floats  # (R, M)
    packed: PackedMissiles  # row r·M + m
    plans: LaunchPlans


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """The objects as rows r·N + n, before they fly."""

    replicate_row: Ints
    replicate: Ints
    object: Ints
    missile: Ints
    place: Ints
    side: Ints
    by: Ints
    mode: Ints
    launch_s: Floats


def realise(scenario: Scenario, seed: int, replicates: NDArray[np.int64], prepared: Prepared | None = None) -> World:
    """What really happens in these replicates: every missile of the raid launched, flown and brought to ground.

    Each object's aim point is drawn until its missile can reach it; an object that reaches none of ``CANDIDATES``
    keeps flight's reason as its flag and is not launched. A replicate is the same, to the last bit, in whatever
    company it is asked for. ``prepared`` spares the making of what all replicates share.
    """
    ready = prepare(scenario) if prepared is None else prepared
    replicates = np.array(replicates, np.int64)
    draws = _draw_missiles(scenario, ready, seed, replicates)
    rows = _object_rows(ready, seed, replicates)
    aimed = _aim(scenario, ready, draws, rows, seed)
    objects, truth, offsets = _fly(ready, draws, rows, aimed)
    return World(
        objects=objects, truth=truth, offsets=offsets, suite=sensor_suite(scenario, seed, replicates),
        missiles=ready.missiles, places=ready.places, object_count=len(ready.launches), replicates=replicates,
    )  # fmt: skip


def _draw_missiles(scenario: Scenario, ready: Prepared, seed: int, replicates: Ints) -> _Draws:
    entries = [scenario.missiles[name] for name in ready.missiles]
    beta, rcs, reach, impulse = np.zeros((4, len(replicates), len(entries)))
    for m, entry in enumerate(entries):
        path = f"missile/{entry.name}"
        beta[:, m] = drawn(
            entry.ballistic_coefficient_kg_m2, f"{path}/ballistic_coefficient_kg_m2", seed, replicates
        )  # fmt: skip
        rcs[:, m] = drawn(entry.radar_cross_section_m2, f"{path}/radar_cross_section_m2", seed, replicates)
        reach[:, m] = drawn(entry.range_km, f"{path}/range_km", seed, replicates)
        impulse[:, m] = impulse_for(ready, m, reach[:, m])
    packed = pack(
        [
            flight_missile(entry, float(b), float(k))
            for row, factors in zip(beta, impulse)
            for entry, b, k in zip(entries, row, factors)
        ]
    )
    # A plan is where the solver starts: the nominal missile's, its ranges stretched, serves every draw of it.
    table = np.tile(ready.plans.table, (len(replicates), 1, 1))
    table[:, 2] *= (reach / ready.range_km[:, 1]).reshape(-1, 1)
    table.setflags(write=False)
    return _Draws(beta_kg_m2=beta, rcs_m2=rcs, range_km=reach, packed=packed, plans=LaunchPlans(packed, table))


def _uniforms(seed: int, stage: Stage, replicate: Ints, thing: Ints, ordinal: int = 0) -> Floats:
    """Four uniforms for each row, at its own address. Shape (n, 4)."""
    out = np.empty((len(thing), 4))
    _kernels_truth.uniform_rows(np.uint64(seed), replicate, int(stage), thing, ordinal, out)
    return out


def _object_rows(ready: Prepared, seed: int, replicates: Ints) -> _Rows:
    launches, count = ready.launches, len(replicates)

    def tiled(name: str, kind: type = np.int64) -> NDArray:
        return np.tile(np.array([getattr(one, name) for one in launches], kind), count)

    number = np.tile(np.arange(len(launches)), count)
    replicate = np.repeat(replicates, len(launches))
    share = _uniforms(seed, Stage.LAUNCH, replicate, number)[:, 0]
    return _Rows(
        replicate_row=np.repeat(np.arange(count), len(launches)),
        replicate=replicate,
        object=number,
        missile=tiled("missile"),
        place=tiled("place"),
        side=tiled("side"),
        by=tiled("by"),
        mode=tiled("mode"),
        launch_s=tiled("begin_s", np.float64) + share * tiled("spread_s", np.float64),
    )


@dataclass(frozen=True, kw_only=True)
class _Aimed:
    """The launch that each row found, or why it found none."""

    launch: Floats  # (n, 3): azimuth, final pitch, cut-off
    flag: NDArray[np.uint8]


def _aim(scenario: Scenario, ready: Prepared, draws: _Draws, rows: _Rows, seed: int) -> _Aimed:
    """Candidate after candidate, until each row has an aim point that its missile reaches."""
    launch, flag = np.zeros((len(rows.object), 3)), np.full(len(rows.object), int(Flag.UNREACHABLE), np.uint8)
    pending, shortest = np.arange(len(rows.object)), nearest_m(ready, rows.missile, rows.mode)
    for ordinal in range(CANDIDATES):
        if not len(pending):
            break
        aims = _candidates(scenario, ready, rows, pending, seed, ordinal)
        distance, azimuth = bearings(ready.place_rad[rows.place[pending]], aims)
        drew = rows.replicate_row[pending], rows.missile[pending]
        reach = reach_towards(
            ready, rows.missile[pending], rows.place[pending], azimuth, draws.beta_kg_m2[drew], draws.range_km[drew]
        )
        near = (distance <= (1.0 + SPARE) * reach) & (distance >= shortest[pending])
        tried, to = pending[near], aims[near]
        _solve(ready, draws, rows, tried, to, launch, flag)
        # A fixed point has no second candidate.
        pending = pending[(flag[pending] != Flag.OK) & (rows.by[pending] != AimBy.FIXED)]
    return _Aimed(launch=launch, flag=flag)


def _solve(
    ready: Prepared, draws: _Draws, rows: _Rows, tried: Ints, to: Floats, launch: Floats, flag: NDArray[np.uint8]
) -> None:
    """Fills ``launch`` and ``flag`` at the rows tried."""
    if not len(tried):
        return
    place = ready.place_rad[rows.place[tried]]
    found = solve_launch(
        draws.packed, _missile_row(ready, rows, tried), place[:, 0], place[:, 1], to[:, 0], to[:, 1],
        mode=rows.mode[tried], plans=draws.plans, tolerance_m=TOLERANCE_M,
    )  # fmt: skip
    launch[tried] = np.column_stack([found.azimuth_rad, found.pitch_final_rad, found.cutoff_s])
    flag[tried] = found.flag


def _missile_row(ready: Prepared, rows: _Rows, which: Ints) -> Ints:
    return rows.replicate_row[which] * len(ready.missiles) + rows.missile[which]


def _candidates(
    scenario: Scenario, ready: Prepared, rows: _Rows, which: Ints, seed: int, ordinal: int
) -> Floats:  # fmt: skip
    """Aim point number ``ordinal`` of each of these rows: (n, 2) of lat, lon."""
    uniforms = _uniforms(seed, Stage.AIM_POINT, rows.replicate[which], rows.object[which], ordinal)
    aims = np.zeros((len(which), 2))
    side, by = rows.side[which], rows.by[which]
    for s in range(len(scenario.sides)):
        area, people, troops = (np.flatnonzero((side == s) & (by == kind)) for kind in AimBy if kind != AimBy.FIXED)
        if len(area):
            aims[area] = sample_area(scenario.territories[s], uniforms[area, :2])
        if len(people):
            aims[people] = drawn_places(scenario.cities[s], uniforms[people, 0])
        if len(troops):
            aims[troops] = drawn_places(scenario.troops[s], uniforms[troops, 0])
    for i in np.flatnonzero(by == AimBy.FIXED):
        aims[i] = ready.launches[rows.object[which[i]]].at_rad
    return aims


def drawn_places(people: People, uniforms: Floats) -> Floats:
    """Places drawn by how many people each holds: latitude and longitude, rad, (n, 2); ``uniforms`` (n,) in [0, 1)."""
    assert len(people.people), "check_reach refuses a side without people to draw from"
    steps = np.cumsum(people.people)
    chosen = np.minimum(np.searchsorted(steps, uniforms * steps[-1], side="right"), len(steps) - 1)
    return np.column_stack([people.lat_rad[chosen], people.lon_rad[chosen]])


def _fly(ready: Prepared, draws: _Draws, rows: _Rows, aimed: _Aimed) -> tuple[Objects, Truth, Ints]:
    """Flies every row that found a launch; the others stay on the ground."""
    flag = aimed.flag.copy()
    tried = np.flatnonzero(flag == Flag.OK)
    place = ready.place_rad[rows.place]
    given = (
        draws.packed, _missile_row(ready, rows, tried), place[tried, 0], place[tried, 1], *aimed.launch[tried].T
    )  # fmt: skip
    flights, paths = fly_out(*given), ephemeris(*given)
    flag[tried] = np.maximum(flights.flag, paths.flag)
    good = flag[tried] == Flag.OK
    flown = tried[good]
    # The samples are what sensors see, so impact is where and when they end; fly_out's differs by its numerical error.
    ends = paths.offsets[1:][good] - 1
    impact = ecef_to_geodetic(paths.position_ecef_m[ends])[:, :2]

    def spread(values: NDArray, dtype: type = np.float64) -> NDArray:
        column = np.zeros(len(flag), dtype)
        column[flown] = values
        return column

    launch_s = rows.launch_s[flown]
    objects = Objects(
        replicate=rows.replicate_row, object=rows.object, missile=rows.missile,
        wave=np.tile(np.array([one.wave for one in ready.launches], np.int64), len(draws.rcs_m2)),
        launch_place=rows.place, launch_s=rows.launch_s, launch_lat_rad=place[:, 0], launch_lon_rad=place[:, 1],
        aim_side=rows.side, aim_by=rows.by,
        burnout_s=spread(launch_s + flights.burnout_time_s[good]), impact_s=spread(launch_s + paths.time_s[ends]),
        impact_lat_rad=spread(impact[:, 0]), impact_lon_rad=spread(impact[:, 1]),
        apogee_m=spread(flights.apogee_m[good]), range_m=spread(flights.range_m[good]),
        threatened=spread(territory_masks(ready.index, impact), np.uint8),
        ballistic_coefficient_kg_m2=draws.beta_kg_m2[rows.replicate_row, rows.missile],
        radar_cross_section_m2=draws.rcs_m2[rows.replicate_row, rows.missile],
        estimated_error_m=spread(flights.estimated_error_m[good]), flag=flag,
    )  # fmt: skip
    sizes = np.zeros(len(flag), np.int64)
    sizes[flown] = np.diff(paths.offsets)[good]
    kept = np.repeat(good, np.diff(paths.offsets))
    truth = Truth(
        replicate=np.repeat(rows.replicate_row, sizes),
        object=np.repeat(rows.object, sizes),
        time_s=np.repeat(rows.launch_s, sizes) + paths.time_s[kept],
        position_ecef_m=paths.position_ecef_m[kept],
        velocity_ecef_m_s=paths.velocity_ecef_m_s[kept],
        phase=paths.phase[kept],
    )
    return objects, truth, np.concatenate([[0], np.cumsum(sizes)])
