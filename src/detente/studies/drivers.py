"""The two doors: fly a whole study, or one world of it with all its tables."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

import detente
from detente import __version__
from detente.records.errors import InputError, InputErrors
from detente.records.results import ObjectResults, StudyTable
from detente.scenario.agreement import Agreement
from detente.scenario.asked import ARCHITECTURES, Scenario
from detente.scenario.draws import sensor_suite
from detente.scenario.files import load_agreement, load_scenario
from detente.studies import folder as folders
from detente.studies.architectures import BY_NAME, chosen
from detente.studies.decisions import SETTING_FILE, setting_document
from detente.studies.processes import cores, processes
from detente.studies.rehearsal import rehearse
from detente.studies.replicates import Flown, fly
from detente.studies.results import BASELINE, Run, Study
from detente.studies.sensors_told import SENSORS_FILE, sensors_text
from detente.studies.written import study_files
from detente.world.launches import Prepared, prepare
from detente.world.reach import check_reach

SMALL_CHUNKS, SMALL_CHUNK, CHUNK = 4, 25, 50
"""Replicates flown in one piece: smaller pieces first, so that a small study too keeps two cores busy.

The pieces depend neither on the number of workers nor on that of replicates, so that a stopped study can be resumed."""
REPLICATES_MAX, WORKERS_MAX, SEED_MAX = 10_000_000, 1_024, 2**63 - 1
SHOWN = (BASELINE, "cooperating", "joint")  # architectures whose replicate 0 is kept with all its tables
Progress = Callable[[int, int], None]


def study(
    scenario: Scenario | str | Path,
    *,
    replicates: int = 200,
    seed: int = 1,
    workers: int | None = None,
    architectures: tuple[str, ...] = ARCHITECTURES,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    noted: Mapping[str, Any] | None = None,
) -> Study:
    """Fly the same raids and the same random draws under each architecture.

    ``workers`` processes share the replicates (default: one a core); the result is bit-identical whatever their number.
    With ``out`` every table, the sample worlds and the manifest are written there; ``resume`` goes on where a stopped
    study of the same scenario, seed and architectures ended; a folder where another one stopped is refused, and without
    ``resume`` any. ``progress(done, all)`` is called as replicates finish. ``noted`` goes
    into the manifest's parameters: how the scenario was asked for, where that is not in its file.

    Raises :class:`~detente.records.errors.InputError` for what the caller can mend.
    """
    asked = _scenario(scenario)
    replicates = _whole(replicates, "--replicates", 1, REPLICATES_MAX)
    seed = _whole(seed, "--seed", 0, SEED_MAX)
    workers = _whole(cores() if workers is None else workers, "--workers", 1, WORKERS_MAX)
    architectures = (architectures,) if isinstance(architectures, str) else architectures
    names = tuple(architecture.name for architecture in chosen(architectures))
    flown_names = tuple(name for name in ARCHITECTURES if name in names or name == BASELINE)
    if out is not None:
        folders.check_folder(Path(out))
    rehearse(asked)
    job = Job(asked, seed, flown_names, _checked(asked))
    store = None
    if out is not None:
        store = folders.Store(Path(out), _key(asked, seed, flown_names))
        store.open(resume=resume)
    with _crew(job, workers) as crew:
        sample = crew(_fly_sample) if out is not None else None
        flown = list(_fly_all(job, replicates, crew, store, progress))
    result = Study(
        scenario=asked,
        seed=seed,
        replicates=replicates,
        architectures=names,
        table=StudyTable.concatenate([part.table for part in flown]),
        objects=ObjectResults.concatenate([part.objects for part in flown]),
        folder=None if out is None else Path(out),
    )
    if out is not None and store is not None:
        assert sample is not None, "results that are written have a sample"
        with folders.all_or_nothing(Path(out)) as scratch:
            study_files(result, sample.result(), scratch, noted or {})
        store.close()
    return result


def run(
    scenario: Scenario | str | Path,
    *,
    architecture: str = "cooperating",
    agreement: Agreement | str | Path | None = None,
    seed: int = 1,
    replicate: int = 0,
    out: str | Path | None = None,
    noted: Mapping[str, Any] | None = None,
) -> Run:
    """Fly one world: the same one that a study with this seed flies as its replicate number ``replicate``.

    ``agreement`` replaces the scenario's for this architecture (a model, a bundled name, a path; ``"none"`` for no
    clauses at all). Messages travel as signed envelopes through both ledgers. With ``out`` every stage is written.
    ``noted`` goes into the manifest's parameters, as for :func:`study`.
    """
    asked = _scenario(scenario)
    chosen((architecture,), option="--architecture")
    replicate = _whole(replicate, "--replicate", 0, REPLICATES_MAX - 1)
    seed = _whole(seed, "--seed", 0, SEED_MAX)
    if agreement is not None:
        asked = _with_agreement(asked, architecture, agreement)
    if out is not None:
        folders.check_folder(Path(out))
    rehearse(asked)
    launches = _checked(asked)
    names = tuple(dict.fromkeys((BASELINE, architecture)))
    flown = fly(asked, seed, np.array([replicate]), names, record=True, launches=launches)
    tables = flown.tables[architecture]
    result = Run(
        scenario=asked,
        architecture=architecture,
        seed=seed,
        replicate=replicate,
        metrics=_metrics(flown.table, architecture),
        tables=tables,
        folder=None if out is None else Path(out),
        paths={stage: f"{stage}.parquet" for stage in tables} if out is not None else {},
    )
    if out is not None:
        with folders.all_or_nothing(Path(out)) as scratch:
            for stage, table in tables.items():
                folders.write_table(table, scratch / f"{stage}.parquet")
            for name, ledger in flown.ledgers.get(architecture, {}).items():
                folders.write_json(ledger, scratch / f"ledger-{name}.json")
            folders.write_json(setting_document(asked, architecture), scratch / SETTING_FILE)
            suite = sensor_suite(asked, seed, np.array([replicate]))
            (scratch / SENSORS_FILE).write_text(sensors_text(suite), encoding="utf-8")
            folders.write_json(result.document, scratch / "run.json")
            parameters = {
                "architecture": architecture, "replicate": replicate, "agreement": result.agreement, **(noted or {}),
            }  # fmt: skip
            folders.write_manifest(scratch, what="run", digest=asked.digest, seed=seed, parameters=parameters)
    return result


@dataclass(frozen=True)
class Job:
    """What every chunk of a study has in common."""

    scenario: Scenario
    seed: int
    architectures: tuple[str, ...]
    launches: Prepared


_job: Job | None = None
Crew = Callable[..., Future[Flown]]


def _begin_worker(job: Job) -> None:
    global _job
    _job = job


def _in_worker(work: Callable[..., Flown], *arguments: int) -> Flown:
    assert _job is not None, "the worker was started without its job"
    return work(_job, *arguments)


@contextmanager
def _crew(job: Job, workers: int) -> Iterator[Crew]:
    """Hands out a study's work: at once and here with one worker, else to processes that know the job."""
    if workers == 1:
        yield lambda work, *arguments: _finished(work(job, *arguments))
        return
    with processes(workers, _begin_worker, (job,)) as pool:
        yield lambda work, *arguments: pool.submit(_in_worker, work, *arguments)


def _finished(flown: Flown) -> Future[Flown]:
    future: Future[Flown] = Future()
    future.set_result(flown)
    return future


def _fly_chunk(job: Job, first: int, last: int) -> Flown:
    replicates = np.arange(first, last)
    return fly(job.scenario, job.seed, replicates, job.architectures, record=False, launches=job.launches)


def _fly_sample(job: Job) -> Flown:
    """Replicate 0 with all its tables, under the architectures that the report shows."""
    shown = tuple(name for name in job.architectures if name in SHOWN)
    return fly(job.scenario, job.seed, np.array([0]), shown, record=True, launches=job.launches)


def chunked(replicates: int) -> list[tuple[int, int]]:
    """The pieces of a study: (first replicate, the one after the last)."""
    small = SMALL_CHUNKS * SMALL_CHUNK
    edges = [*range(0, min(small, replicates), SMALL_CHUNK), *range(small, replicates, CHUNK), replicates]
    return list(pairwise(edges))


def _fly_all(
    job: Job, replicates: int, crew: Crew, store: folders.Store | None, progress: Progress | None
) -> Iterator[Flown]:
    """Every chunk in order: those kept from a stopped study, and the rest as the crew flies them."""
    chunks = chunked(replicates)
    found: dict[int, Flown] = {}
    for first, last in chunks:
        kept = store.load(first, _read_flown) if store is not None else None
        if kept is not None and kept.replicates == last - first:
            found[first] = kept
    done = sum(part.replicates for part in found.values())
    if progress is not None:
        progress(done, replicates)
    for first, flown in _fly_missing([chunk for chunk in chunks if chunk[0] not in found], crew):
        found[first] = flown
        if store is not None:
            store.save(first, partial(_write_flown, flown))
        done += flown.replicates
        if progress is not None:
            progress(done, replicates)
    return iter([found[first] for first, _ in chunks])


def _fly_missing(missing: list[tuple[int, int]], crew: Crew) -> Iterator[tuple[int, Flown]]:
    """Chunks as they are finished, in whichever order that is."""
    futures = {}
    for chunk in missing:
        future = crew(_fly_chunk, *chunk)
        if future.done():
            yield chunk[0], future.result()
        else:
            futures[future] = chunk[0]
    for future in as_completed(futures):
        yield futures[future], future.result()


def _write_flown(flown: Flown, folder: Path) -> None:
    folders.write_table(flown.table, folder / "study.parquet")
    folders.write_table(flown.objects, folder / "objects.parquet")


def _read_flown(folder: Path) -> Flown:
    table = StudyTable.from_arrow(pq.read_table(folder / "study.parquet"))
    objects = ObjectResults.from_arrow(pq.read_table(folder / "objects.parquet"))
    return Flown(replicates=len(np.unique(table.replicate)), table=table, objects=objects)


def _scenario(asked: Scenario | str | Path) -> Scenario:
    return asked if isinstance(asked, Scenario) else load_scenario(asked)


def _with_agreement(scenario: Scenario, architecture: str, agreement: Agreement | str | Path) -> Scenario:
    if not BY_NAME[architecture].exchange:
        with_exchange = ", ".join(name for name, one in BY_NAME.items() if one.exchange)
        raise InputError(
            found=f"--agreement for the architecture {architecture}, which exchanges nothing under one",
            expected=f"an architecture that does: {with_exchange}",
            remedy="leave --agreement out, or choose another --architecture", path="--agreement",
        )  # fmt: skip
    if isinstance(agreement, Agreement):
        model = agreement
    else:
        model = load_agreement("nothing" if str(agreement) == "none" else agreement)
    strangers = sorted(set(model.parties) - set(scenario.side_names)) if model.clauses else []
    if strangers:
        raise InputError(
            found=f"the agreement {model.name!r} is made with {', '.join(strangers)}, no side of this scenario",
            expected=f"an agreement between {', '.join(scenario.side_names)}",
            remedy="choose an agreement between this scenario's sides", path="--agreement",
        )  # fmt: skip
    return replace(scenario, agreements={**scenario.agreements, architecture: model})


def _checked(scenario: Scenario) -> Prepared:
    """What all replicates share, once it is sure that every missile can reach an aim point."""
    launches = prepare(scenario)
    problems = check_reach(scenario, launches)
    if problems:
        raise InputErrors(tuple(problems))
    return launches


def _whole(value: int, option: str, least: int, most: int) -> int:
    """A whole number within these limits, numpy's as well; anything else is refused."""
    if not isinstance(value, Integral) or not least <= value <= most:
        raise InputError(
            found=f"{option} is {value if isinstance(value, Integral | float) else repr(value)}",
            expected=f"a whole number from {least:,} to {most:,}", remedy=f"give {option} such a value", path=option,
        )  # fmt: skip
    return int(value)


def _key(scenario: Scenario, seed: int, architectures: tuple[str, ...]) -> str:
    parts = [__version__, _sources(), scenario.digest, seed, list(architectures), SMALL_CHUNKS, SMALL_CHUNK, CHUNK]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _sources() -> str:
    """A digest of this program's text: pieces that another one flew are not gone on with."""
    texts = (path.read_bytes() for path in sorted(Path(detente.__file__).parent.rglob("*.py")))
    return hashlib.sha256(b"".join(hashlib.sha256(text).digest() for text in texts)).hexdigest()


def _metrics(table: StudyTable, architecture: str) -> dict[str, dict[str, float | None]]:
    found: dict[str, dict[str, float | None]] = {}
    rows = np.flatnonzero(table.architecture == architecture)
    for row in rows:
        value = float(table.value[row]) if table.defined[row] else None
        found.setdefault(str(table.side[row]), {})[str(table.metric[row])] = value
    return found
