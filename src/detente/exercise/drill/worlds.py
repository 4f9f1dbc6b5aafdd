"""The small worlds that drills are held in: two sides, a few missiles, and what a side that lies makes of them."""

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detente.centre.step import Quarantine
from detente.exercise.briefing import Played, TickFeed, play_world, tick_feed
from detente.records.slots import DetectionKind
from detente.records.stages import Detections
from detente.scenario.agreement import Agreement, Terms, Validity
from detente.scenario.files import load_scenario

SCENARIO, SEED, REPLICATE = "theatre-2011", 1, 0
TICK_S = 5.0
LIES = ("none", "ghosts", "suppression", "bias", "over-confidence", "drift")
BIAS_M, DRIFT_M_S, CONFIDENCE, GHOST_TURN_RAD = 20_000.0, 300.0, 0.1, -0.6


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What of the world a drill plays, and what its sides do about a partner that lies."""

    first_tick: int
    ticks: int
    objects: tuple[int, ...]  # flown for all to see
    ghosts: tuple[int, ...]  # seen by a liar only; where there are none it makes its own
    slots: int
    quarantine: Quarantine
    expire_s: tuple[float, float, float] = (3600.0, 30.0, 30.0)  # what is not taken by then is closed, by lane

    @property
    def began_s(self) -> float:
        """Exercise time at its beginning."""
        return TICK_S * self.first_tick

    @property
    def length_s(self) -> float:
        """How long it lasts."""
        return TICK_S * self.ticks


SHORT = Stage(first_tick=22, ticks=12, objects=(0, 3, 6, 8), ghosts=(1, 4), slots=10, quarantine="advise")
"""60 s, from the first confirmed tracks to the first warnings."""
LONG = replace(SHORT, ticks=36, expire_s=(60.0, 30.0, 30.0))
"""180 s: long enough for a break in which even warnings expire."""
TRIAL = Stage(first_tick=0, ticks=50, objects=tuple(range(10)), ghosts=(), slots=26, quarantine="automatic")
"""250 s from the first launch: long enough for a liar to be found out. Its ghosts are copies of all that it sees."""


@dataclass(frozen=True, kw_only=True)
class Keep:
    """How long both sides may keep what they are told, and what becomes of it once either has left."""

    retention_s: tuple[tuple[str, float], ...] = ()  # by data class; what is not named, as its receiver likes
    after: Literal["kept", "deleted"] = "kept"


@dataclass(frozen=True, kw_only=True)
class DrillWorld:
    """A world, and the agreement under which it is shared."""

    played: Played
    agreement: Agreement

    def agreement_within(self, stage: Stage, within_s: tuple[float, float]) -> Agreement:
        """The same, in force between these moments of a drill alone."""
        began = self.played.theatre.setting.epoch + timedelta(seconds=stage.began_s)
        start, end = (began + timedelta(seconds=one) for one in within_s)
        return self.agreement.model_copy(update={"valid": Validity(start=start, end=end)})

    @property
    def names(self) -> tuple[str, ...]:
        """Of the sides."""
        return self.played.theatre.names


def agreement_keeping(agreement: Agreement, keep: Keep) -> Agreement:
    """The same, where what is told must be deleted some day."""
    retention_s, terms = dict(keep.retention_s), Terms(after_withdrawal=keep.after)
    clauses = tuple(
        clause.model_copy(update={"retention_s": retention_s.get(clause.data), "terms": terms})
        for clause in agreement.clauses
    )
    return agreement.model_copy(update={"clauses": clauses})


@cache
def drill_world(stage: Stage = SHORT) -> DrillWorld:
    """The world of all drills of a stage: the same in each, so that a seed decides the faults alone."""
    scenario = load_scenario(SCENARIO)
    return DrillWorld(
        played=play_world(scenario, SEED, REPLICATE, slots=stage.slots), agreement=_agreement(scenario.side_names)
    )  # fmt: skip


def _agreement(names: tuple[str, ...]) -> Agreement:
    """Everything both ways, so that all lanes carry something: some at once, some delayed, some coarsened."""
    clauses = [
        {"name": f"{data} {giver} {receiver}", "data": data, "giver": giver, "receiver": receiver, "every_s": 5, **more}
        for giver, receiver in (names, names[::-1])
        for data, more in (
            ("launch-warning", {"coarsen": {"grid_km": 10}}), ("impact-prediction", {"delay_s": 10}), ("track", {}),
            ("sensor-status", {"every_s": 20}),
        )
    ]  # fmt: skip
    valid = {"start": "2000-01-01T00:00:00Z", "end": "2100-01-01T00:00:00Z"}
    return Agreement.model_validate(
        {
            "name": "drill", "title": "Everything, for drills", "source": "made for drills", "parties": names,
            "valid": valid, "clauses": clauses,
        }
    )  # fmt: skip


@cache
def heard(side: int, lie: str = "none", stage: Stage = SHORT) -> TickFeed:
    """What a side's own sensors report; with a lie, what it pretends they do."""
    assert lie in LIES, f"one of {LIES}"
    played = drill_world(stage).played
    objects = {"ghosts": (*stage.objects, *stage.ghosts), "suppression": stage.objects[1:]}.get(lie, stage.objects)
    mine = played.theatre.suite.side[played.detections.sensor] == side
    rows = np.flatnonzero(mine & np.isin(played.key.object, objects))
    if lie == "ghosts" and not stage.ghosts:
        radar = played.detections.kind[rows] == DetectionKind.RADAR
        feed = tick_feed(played, np.repeat(rows, np.where(radar, 2, 1)))
        return replace(feed, detections=_doubled(feed.detections))
    feed = tick_feed(played, rows)
    return replace(feed, detections=_falsified(feed.detections, lie, TICK_S * stage.first_tick))


def _doubled(twice: Detections) -> Detections:
    """Of each pair of equal radar plots the second, turned about the site: what flies there falls just as freely."""
    radar = twice.kind == DetectionKind.RADAR
    second = radar & (np.cumsum(radar) % 2 == 0)
    columns: dict[str, NDArray] = {name: getattr(twice, name) for name, _ in Detections.columns()}
    columns["azimuth_rad"] = (twice.azimuth_rad + GHOST_TURN_RAD * second) % (2.0 * np.pi)
    return Detections(**columns)


def _falsified(honest: Detections, lie: str, since_s: float) -> Detections:
    radar = (honest.kind == DetectionKind.RADAR).astype(float)
    columns: dict[str, NDArray] = {name: getattr(honest, name) for name, _ in Detections.columns()}
    if lie == "bias":
        columns["range_m"] = honest.range_m + BIAS_M * radar
    elif lie == "drift":
        columns["range_m"] = honest.range_m + DRIFT_M_S * radar * np.maximum(0.0, honest.time_s - since_s)
    elif lie == "over-confidence":
        for name in ("sigma_range_m", "sigma_azimuth_rad", "sigma_elevation_rad"):
            columns[name] = CONFIDENCE * getattr(honest, name)
    return Detections(**columns)
