"""Many drills: one after the other or in several processes, kept as they finish; what is told of those that failed."""

import gc
import json
import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from detente.exercise.drill.faults import Plan, draw
from detente.exercise.drill.promises import broken_promises
from detente.exercise.drill.simulation import Simulation
from detente.records.errors import InputError

CHUNK = 50
"""Seeds that are held, and kept, together: from each multiple of fifty to the next."""
GARBAGE = 50_000
"""New objects between two looks for garbage: a drill makes about as many."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One promise broken in one drill, and the last that happened before the end."""

    seed: int
    promise: str
    what: str
    events: tuple[str, ...]


Progress = Callable[[int, int], None]
"""Is told (drills held, of so many): before the first, then after each chunk."""

Chunk = tuple[int, int]


def drill(seed: int) -> list[Failure]:
    """Hold the drill of one seed."""
    return drill_of(draw(seed))


def drill_of(plan: Plan) -> list[Failure]:
    """Hold the drill of one plan. An exception is P5 broken: nothing may crash a gateway."""
    simulation = Simulation(plan)
    try:
        simulation.run()
        broken = [(one.promise, one.what) for one in broken_promises(simulation)]
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        broken = [("P5", f"{type(error).__name__}: {error} ({place.filename.split('/')[-1]}:{place.lineno})")]
    events = simulation.story
    return [Failure(seed=plan.seed, promise=promise, what=what, events=events) for promise, what in broken]


def hold(
    first: int,
    last: int,
    progress: Progress | None = None,
    *,
    workers: int = 1,
    kept: Path | None = None,
    release: str = "",
) -> list[Failure]:
    """The drills of seeds ``first`` up to, not including, ``last``; their failures in order of seed.

    ``workers`` processes share them. What is finished is added to ``kept``, and what stands there is not held again: a
    run that was stopped goes on. Raises InputError where that file is another ``release``'s.
    """
    done = {} if kept is None else _read(kept, release)
    chunks = _chunks(first, last)
    todo = [chunk for chunk in chunks if chunk not in done]
    found = [one for chunk in chunks for one in done.get(chunk, [])]
    count = (last - first) - sum(end - begin for begin, end in todo)
    if progress is not None:
        progress(count, last - first)
    for chunk, failures in _held(todo, workers):
        if kept is not None:
            _keep(kept, chunk, failures)
        found += failures
        count += chunk[1] - chunk[0]
        if progress is not None:
            progress(count, last - first)
    return sorted(found, key=lambda one: one.seed)


def _chunks(first: int, last: int) -> list[Chunk]:
    edges = [first, *range((first // CHUNK + 1) * CHUNK, last, CHUNK), last]
    return list(pairwise(edges))


def _hold_chunk(chunk: Chunk) -> list[Failure]:
    before = gc.get_threshold()
    gc.set_threshold(GARBAGE, *before[1:])  # what a drill remembers is much, and seldom goes
    try:
        return [failure for seed in range(*chunk) for failure in drill(seed)]
    finally:
        gc.set_threshold(*before)


def _held(chunks: list[Chunk], workers: int) -> Iterator[tuple[Chunk, list[Failure]]]:
    """Each chunk with its failures, as they finish."""
    if workers == 1:
        for chunk in chunks:
            yield chunk, _hold_chunk(chunk)
        return
    with _crew(workers) as crew:
        left = iter(chunks)
        running = {crew.submit(_hold_chunk, chunk): chunk for chunk in islice(left, workers)}
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
                running |= {crew.submit(_hold_chunk, chunk): chunk for chunk in islice(left, 1)}


@contextmanager
def _crew(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that leave a stop by hand to us: it ends them, and what they had not finished then is forgotten."""
    context, others = multiprocessing.get_context("spawn"), set(multiprocessing.active_children())
    crew = ProcessPoolExecutor(workers, context, signal.signal, (signal.SIGINT, signal.SIG_IGN))
    try:
        yield crew
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        crew.shutdown(cancel_futures=True)


def _read(kept: Path, release: str) -> dict[Chunk, list[Failure]]:
    """What a file of finished drills holds. A line that was cut short is as if it had not been written."""
    header = json.dumps({"drills of": release})
    try:
        with kept.open("a+", encoding="utf-8", errors="replace") as stream:
            stream.seek(0)
            lines = stream.read().split("\n")
            if lines == [""]:
                stream.write(header + "\n")
            elif lines[0] == header and lines[-1]:  # cut short by a kill: what follows must begin on a line of its own
                stream.write("\n")
    except OSError as error:
        raise _unwritable(kept, error) from error
    if lines != [""] and lines[0] != header:
        raise InputError(
            found=f"{lines[0][:80]!r}", expected=f"drills of release {release}",
            remedy="name a file that `detente drill --resume` of this release wrote, or one that is not there yet",
            file=str(kept), line=1,
        )  # fmt: skip
    done = {}
    for line in lines[1:]:
        with suppress(json.JSONDecodeError, KeyError, TypeError):
            said = json.loads(line)
            failures = [Failure(**{**one, "events": tuple(one["events"])}) for one in said["failures"]]
            done[said["seeds"][0], said["seeds"][1]] = failures
    return done


def _keep(kept: Path, chunk: Chunk, failures: list[Failure]) -> None:
    try:
        with kept.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"seeds": chunk, "failures": [asdict(one) for one in failures]}) + "\n")
    except OSError as error:
        raise _unwritable(kept, error) from error


def _unwritable(kept: Path, error: OSError) -> InputError:
    return InputError(
        found=f"a file in which nothing can be kept: {error.strerror}", expected="a file that can be written",
        remedy="name a file in a folder that is there, on a disk with room", file=str(kept),
    )  # fmt: skip


def document(first: int, last: int, failures: list[Failure]) -> dict[str, Any]:
    """What ``detente drill --json`` prints."""
    listed = [{"seed": one.seed, "promise": one.promise, "what": one.what} for one in failures]
    return {"seeds": last - first, "failures": listed}
