"""From a scenario to what each side is given: the theatre, and tick by tick the detections of its own sensors."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.gateway.theatre import SLOTS, Theatre, TheatreFile, theatre_of
from detente.geodesy.territory_index import index_territories
from detente.records.slots import SUITE_DRAWN, SUITE_FIXED, DetectionKind
from detente.records.stages import AnswerKey, Detections
from detente.scenario.asked import Scenario
from detente.scenario.draws import sensor_suite
from detente.world.launches import prepare
from detente.world.sensing import detect
from detente.world.truth import realise


def theatre_file(scenario: Scenario, seed: int, replicate: int, slots: int = SLOTS) -> TheatreFile:
    """What every side may know of one replicate's world: sides, ground, sensors. Nothing of the raid."""
    suite = sensor_suite(scenario, seed, np.array([replicate]))
    kinds = {int(DetectionKind.RADAR): "radar", int(DetectionKind.INFRARED): "infrared"}
    sensors: list[dict[str, Any]] = []
    for index, sensor in enumerate(scenario.sensors):
        stated = {name: _plain(getattr(suite, name)[index]) for name in SUITE_FIXED}
        stated |= {name: _plain(getattr(suite, name)[0, index]) for name in SUITE_DRAWN}
        who = {"name": sensor.name, "side": scenario.side_names[sensor.side], "owner": sensor.owner}
        sensors.append({**who, "kind": kinds[int(suite.kind[index])], **stated})
    return TheatreFile.model_validate(
        {
            "theatre": scenario.name, "epoch": scenario.file.epoch.isoformat(), "tick_s": scenario.file.tick_s,
            "slots": slots, "sensors": sensors,
            "sides": [{"name": side.name, "territory": side.territory.model_dump()} for side in scenario.sides],
        }
    )  # fmt: skip


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else float(value)


def theatre_text(file: TheatreFile) -> str:
    """The file's text: JSON, which is YAML, with every number to its last bit."""
    return json.dumps(file.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"


@dataclass(frozen=True, kw_only=True)
class Played:
    """One world: its theatre, and what every side's sensors report of it, with the answer key."""

    theatre: Theatre
    detections: Detections
    key: AnswerKey
    ticks: int

    def heard(self, side: int) -> "TickFeed":
        """What one side's own sensors report."""
        return tick_feed(self, np.flatnonzero(self.theatre.suite.side[self.detections.sensor] == side))


def play_world(scenario: Scenario, seed: int, replicate: int, slots: int = SLOTS) -> Played:
    """Draw, fly and sense one replicate of a scenario's world."""
    replicates = np.array([replicate])
    world = realise(scenario, seed, replicates, prepare(scenario))
    sensed = detect(world, scenario, seed)
    file = theatre_file(scenario, seed, replicate, slots)
    return Played(
        theatre=theatre_of(file, index_territories(scenario.grounds)), detections=sensed.detections, key=sensed.key,
        ticks=int(np.ceil(scenario.file.duration_s / scenario.file.tick_s)),
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TickFeed:
    """Detections in order of tick, then time; tick k holds those in (k · tick_s, (k + 1) · tick_s]."""

    detections: Detections
    edges: NDArray[np.int64]  # (ticks + 1,)

    @property
    def ticks(self) -> int:
        """How many there are."""
        return len(self.edges) - 1

    def tick(self, index: int) -> Detections:
        """What came in a tick; nothing after the last."""
        if not 0 <= index < self.ticks:
            return Detections.empty()
        return self.detections.rows(int(self.edges[index]), int(self.edges[index + 1]))


def tick_feed(played: Played, rows: NDArray[np.int64]) -> TickFeed:
    """These rows of a world's detections, by tick."""
    tick_s = played.theatre.tick_s
    tick = np.clip(np.ceil(played.detections.time_s[rows] / tick_s).astype(np.int64) - 1, 0, played.ticks - 1)
    order = np.lexsort((rows, tick))
    return TickFeed(
        detections=played.detections.take(rows[order]), edges=np.searchsorted(tick[order], np.arange(played.ticks + 1))
    )
