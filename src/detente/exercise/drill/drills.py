"""Many drills, one after the other; what is told of those that failed."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from detente.exercise.drill.faults import draw
from detente.exercise.drill.promises import broken_promises
from detente.exercise.drill.simulation import Simulation


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One promise broken in one drill, and the last that happened before the end."""

    seed: int
    promise: str
    what: str
    events: tuple[str, ...]


def drill(seed: int) -> list[Failure]:
    """Hold the drill of one seed. An exception is P5 broken: nothing may crash a gateway."""
    simulation = Simulation(draw(seed))
    try:
        simulation.run()
        broken = [(one.promise, one.what) for one in broken_promises(simulation)]
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        broken = [("P5", f"{type(error).__name__}: {error} ({place.filename.split('/')[-1]}:{place.lineno})")]
    events = simulation.story
    return [Failure(seed=seed, promise=promise, what=what, events=events) for promise, what in broken]


def hold(first: int, last: int, progress: Callable[[int, int], None] | None = None) -> list[Failure]:
    """The drills of seeds ``first`` up to, not including, ``last``; their failures."""
    found = []
    for seed in range(first, last):
        found += drill(seed)
        if progress is not None:
            progress(seed - first + 1, last - first)
    return found


def document(first: int, last: int, failures: list[Failure]) -> dict[str, Any]:
    """What ``detente drill --json`` prints."""
    listed = [{"seed": one.seed, "promise": one.promise, "what": one.what} for one in failures]
    return {"seeds": last - first, "failures": listed}
