"""The small world that drills are held in: two sides, a few missiles, and what a side that lies makes of them."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from detente.exercise.briefing import Played, TickFeed, play_world, tick_feed
from detente.records.slots import DetectionKind
from detente.records.stages import Detections
from detente.scenario.agreement import Agreement
from detente.scenario.files import load_scenario

SCENARIO, SEED, REPLICATE = "theatre-2011", 1, 0
OBJECTS, GHOSTS = (0, 3, 6, 8), (1, 4)  # flown for all to see; seen by a liar only
FIRST_TICK, TICKS = 22, 12  # 60 s, from the first confirmed tracks to the first warnings
SLOTS = 10
LIES = ("none", "ghosts", "suppression", "bias", "over-confidence", "drift")
BIAS_M, DRIFT_M_S, CONFIDENCE = 20_000.0, 300.0, 0.1


@dataclass(frozen=True, kw_only=True)
class DrillWorld:
    """A world, and the agreement under which it is shared."""

    played: Played
    agreement: Agreement

    @property
    def names(self) -> tuple[str, ...]:
        """Of the sides."""
        return self.played.theatre.names


@cache
def drill_world() -> DrillWorld:
    """The world of all drills: the same in each, so that a seed decides the faults alone."""
    scenario = load_scenario(SCENARIO)
    return DrillWorld(
        played=play_world(scenario, SEED, REPLICATE, slots=SLOTS), agreement=_agreement(scenario.side_names)
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
def heard(side: int, lie: str = "none") -> TickFeed:
    """What a side's own sensors report; with a lie, what it pretends they do."""
    assert lie in LIES, f"one of {LIES}"
    played = drill_world().played
    objects = {"ghosts": (*OBJECTS, *GHOSTS), "suppression": OBJECTS[1:]}.get(lie, OBJECTS)
    mine = played.theatre.suite.side[played.detections.sensor] == side
    rows = np.flatnonzero(mine & np.isin(played.key.object, objects))
    feed = tick_feed(played, rows)
    return replace(feed, detections=_falsified(feed.detections, lie))


def _falsified(honest: Detections, lie: str) -> Detections:
    radar = (honest.kind == DetectionKind.RADAR).astype(float)
    columns: dict[str, NDArray] = {name: getattr(honest, name) for name, _ in Detections.columns()}
    if lie == "bias":
        columns["range_m"] = honest.range_m + BIAS_M * radar
    elif lie == "drift":
        columns["range_m"] = honest.range_m + DRIFT_M_S * radar * np.maximum(0.0, honest.time_s - 5.0 * FIRST_TICK)
    elif lie == "over-confidence":
        for name in ("sigma_range_m", "sigma_azimuth_rad", "sigma_elevation_rad"):
            columns[name] = CONFIDENCE * getattr(honest, name)
    return Detections(**columns)
