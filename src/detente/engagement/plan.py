"""One planning call: from what a picture shows to the windows that are open and the shots that go now.

Own territory comes first; among its threats the nearest impact; among the sites the one that meets it soonest. A plan
sees pictures alone: it knows neither what really flies nor what its shots achieve, unless its caller says so.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from detente.engagement import _kernels_plan
from detente.engagement.arms import Arms
from detente.flight.reentry import BALLISTIC_COEFFICIENT_KG_M2
from detente.geodesy.territory_index import TerritoryIndex, index_territories
from detente.records.slots import Bytes, Floats, Ints, Picture, Slots
from detente.records.stages import Opportunities, Shots
from detente.scenario.asked import Scenario

JOINT = -1
"""The decider of a plan over all sites for all territories."""

HOLD_S = 30.0
"""No shot is committed sooner than this before its interceptor must leave. Source: assumption, 10 to 60 s."""


@dataclass(frozen=True, kw_only=True)
class Sectors(Slots):
    """Ground over which alone each side may intercept."""

    index: TerritoryIndex
    bit: Ints  # (sides,) of each side in the index; 0: it may intercept anywhere


@dataclass(frozen=True, kw_only=True)
class PlanRules(Slots):
    """Who decides, for whose ground, and what holds the decision back."""

    decider: int  # side whose sites and doctrine these are; JOINT: all sites, each by its own side's doctrine
    any_territory: bool = False  # True: also lines that threaten others; JOINT answers for every territory anyway
    extra_delay_s: Floats  # (R,) added to the command delay: the time that a second key takes
    sectors: Sectors | None = None
    keep_reserve: bool = True  # False waives the reserve kept from lines that a partner alone sees
    hold_s: float = HOLD_S
    ballistic_coefficient_kg_m2: float = BALLISTIC_COEFFICIENT_KG_M2  # of what reenters, as the picture lands it


@dataclass(frozen=True, kw_only=True)
class PlanState(Slots):
    """What a decider remembers from call to call. R replicates, L lines, K sites."""

    memory: Ints  # (R, L, 4) giver and number of the slot's track, shots at it so far, slot it is linked to (-1 none)
    until_s: Floats  # (R, L) when the result of the last shot will be known; -inf where none was fired
    seen: Bytes  # (R, L, K) 1 once a window has been open
    stock: Ints  # (R, K) interceptors left
    spent_on_partner: Ints  # (R, K) of them, shot at lines that a partner alone saw


@dataclass(frozen=True, kw_only=True)
class Planned(Slots):
    """The result of one call. Windows hold 0 where they are not open."""

    state: PlanState
    open: Bytes  # (R, L, K)
    earliest_s: Floats  # (R, L, K)
    latest_s: Floats  # (R, L, K)
    opportunities: Opportunities  # windows open for the first time; ``replicate`` is the row
    shots: Shots  # committed in this call; ``replicate`` is the row


def sectors_of(scenario: Scenario) -> Sectors | None:
    """The scenario's exclusive sectors; a side without one may intercept anywhere; None where no side has one."""
    held = [(side, sector) for side, sector in enumerate(scenario.sectors) if sector is not None]
    if not held:
        return None
    bit = np.zeros(len(scenario.sectors), np.int64)
    for place, (side, _) in enumerate(held):
        bit[side] = 1 << place
    return Sectors(index=index_territories([sector for _, sector in held]), bit=bit)


def start(arms: Arms, lines: int) -> PlanState:
    """The memory of a decider that has decided nothing yet. ``lines``: slots of its pictures."""
    rows, sites = arms.stock.shape
    memory = np.zeros((rows, lines, 4), np.int64)
    memory[:, :, 3] = -1
    return PlanState(
        memory=memory,
        until_s=np.full((rows, lines), -np.inf),
        seen=np.zeros((rows, lines, sites), np.uint8),
        stock=arms.stock.copy(),
        spent_on_partner=np.zeros((rows, sites), np.int64),
    )


def plan(state: PlanState, picture: Picture, arms: Arms, rules: PlanRules, engageable: Bytes, now_s: float) -> Planned:
    """Decide, from a picture at ``now_s``, which windows are open and which shots go.

    ``engageable`` (R, L): 0 where a line must be left alone, because the second key refuses it or it is known to be
    destroyed: it has neither windows nor shots. The state given is not changed.
    """
    rows, lines = picture.status.shape
    sites, sides = len(arms.names), len(arms.threshold)
    assert state.seen.shape == (rows, lines, sites), f"a state of shape {state.seen.shape}, not {(rows, lines, sites)}"
    assert engageable.shape == (rows, lines), f"engageable of shape {engageable.shape}, not {(rows, lines)}"
    assert rules.extra_delay_s.shape == (rows,), "an extra delay a replicate"
    assert JOINT <= rules.decider < sides, f"no side {rules.decider}"
    kept = {item.name: getattr(state, item.name).copy() for item in fields(state)}
    windows = {
        "open": np.zeros((rows, lines, sites), np.uint8),
        "earliest_s": np.zeros((rows, lines, sites)),
        "latest_s": np.zeros((rows, lines, sites)),
    }
    most = rows * lines * (int(arms.salvo[:, 0].max()) if sites else 0)
    shot_ints, shot_floats = np.empty((most, 5), np.int64), np.empty((most, 5))
    found_ints = np.empty((rows * lines * sites, 3), np.int64)
    shots, found = _kernels_plan.plan_rows(
        now_s, rules.decider, int(rules.any_territory), int(rules.keep_reserve), rules.hold_s,
        rules.ballistic_coefficient_kg_m2,
        *_picture_columns(picture), np.ascontiguousarray(engageable, np.uint8),
        *_arms_columns(arms, rules), *_sector_columns(rules.sectors, sides),
        arms.threshold, arms.mode, arms.salvo, arms.look_s, arms.reserve_fraction,
        kept["memory"], kept["until_s"], kept["seen"], kept["stock"], kept["spent_on_partner"],
        windows["open"], windows["earliest_s"], windows["latest_s"], shot_ints, shot_floats, found_ints,
    )  # fmt: skip
    return Planned(
        state=PlanState(**kept),
        **windows,
        opportunities=_opportunities(picture, rules.decider, now_s, found_ints[:found], windows),
        shots=_shots(picture, rules.decider, now_s, shot_ints[:shots], shot_floats[:shots]),
    )


def _picture_columns(picture: Picture) -> tuple[NDArray, ...]:
    seen = picture.estimates
    return (
        picture.status, picture.origin, picture.giver, picture.number, picture.twin, picture.has_state, picture.mean,
        picture.phase, seen.impact_valid, seen.impact_lat_rad, seen.impact_lon_rad, seen.impact_s,
        seen.threat_probability,
    )  # fmt: skip


def _arms_columns(arms: Arms, rules: PlanRules) -> tuple[NDArray, ...]:
    delay_s = arms.command_delay_s[:, arms.side] + rules.extra_delay_s[:, None]
    return (
        arms.direction_ecef, arms.position_rad, arms.side, arms.limits, np.ascontiguousarray(delay_s), arms.stock,
        arms.table_first, arms.table_shape, arms.table_steps, arms.times_s, arms.quickest_s,
    )  # fmt: skip


def _sector_columns(sectors: Sectors | None, sides: int) -> tuple[NDArray, ...]:
    if sectors is None:
        return _frozen(np.zeros(sides, np.int64)), *_NO_SECTORS
    assert sectors.bit.shape == (sides,), "a sector bit a side"
    index = sectors.index
    return sectors.bit, index.raster, index.row_offsets, index.edges, index.edge_side


def _frozen(array: NDArray) -> NDArray:
    array.flags.writeable = False
    return array


_NO_SECTORS = (
    _frozen(np.zeros((0, 0), np.uint16)),
    _frozen(np.zeros(0, np.int64)),
    _frozen(np.zeros((0, 4))),
    _frozen(np.zeros(0, np.uint8)),
)


def _opportunities(
    picture: Picture, decider: int, now_s: float, ints: Ints, windows: dict[str, NDArray]
) -> Opportunities:
    if not len(ints):
        return Opportunities.empty()
    r, line, site = ints.T
    return Opportunities(
        replicate=r,
        side=np.full(len(r), decider),
        time_s=np.full(len(r), now_s),
        site=site,
        giver=picture.giver[r, line],
        number=picture.number[r, line],
        earliest_s=windows["earliest_s"][r, line, site],
        latest_s=windows["latest_s"][r, line, site],
    )


def _shots(picture: Picture, decider: int, now_s: float, ints: Ints, floats: Floats) -> Shots:
    if not len(ints):
        return Shots.empty()
    r, site, line, ordinal, cued = ints.T
    return Shots(
        replicate=r,
        side=np.full(len(r), decider),
        site=site,
        giver=picture.giver[r, line],
        number=picture.number[r, line],
        slot=line,
        ordinal=ordinal,
        cued=cued,
        decided_s=np.full(len(r), now_s),
        launched_s=floats[:, 0],
        intercept_s=floats[:, 1],
        intercept_ecef_m=floats[:, 2:],
    )
