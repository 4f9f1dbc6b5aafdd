"""Flying a chunk of replicates: one world each, every side's own half once, then every architecture."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.centre import step as centres
from detente.centre.picture.trust import Trust
from detente.centre.step import Quarantine
from detente.geodesy.borders import load_borders
from detente.geodesy.countries import CountryIndex, index_countries
from detente.records.results import ObjectResults, StudyTable
from detente.records.stages import (
    POOLED,
    Messages,
    Opportunities,
    Releases,
    TrackHistory,
    Warnings,
)
from detente.records.table import Table
from detente.scenario.asked import Scenario
from detente.studies.answers import AnswerBook, TrueStates
from detente.studies.architectures import BY_NAME, Architecture
from detente.studies.chunk import Chunk, chunk_of
from detente.studies.cooperation import Cooperation
from detente.studies.lies import Lie
from detente.studies.pictures import Pictures, sharing_key
from detente.studies.scoring import first_warnings, metric_rows, object_results
from detente.world.launches import Prepared

Tables = dict[str, Table]


@dataclass(frozen=True, kw_only=True)
class Doubts:
    """What each side made of its partners' word, and when the lie began. R replicates."""

    trust: dict[int, Trust]  # by side, at the end
    lied_s: NDArray[np.float64]  # (R,) when the first lie left; -1 where none did


@dataclass(frozen=True, kw_only=True)
class Case:
    """One architecture; who lies in it, and how; and what centres do about it."""

    architecture: str
    lie: Lie | None = None
    quarantine: Quarantine = "off"


@dataclass(frozen=True, kw_only=True)
class Flown:
    """What a chunk of replicates gives; ``tables`` and ``ledgers`` (by architecture) only where they were recorded."""

    replicates: int
    table: StudyTable
    objects: ObjectResults
    tables: dict[str, Tables] = field(default_factory=dict)
    ledgers: dict[str, dict[str, Any]] = field(default_factory=dict)
    doubts: dict[str, Doubts] = field(default_factory=dict)  # by architecture that exchanges, where centres looked


def fly(
    scenario: Scenario, seed: int, replicates: NDArray[np.int64], architectures: tuple[str, ...], *, record: bool,
    launches: Prepared | None = None, lie: Lie | None = None, quarantine: Quarantine = "off",
) -> Flown:  # fmt: skip
    """Fly these replicates under each of these architectures, on the same worlds and the same draws.

    A replicate's results do not depend on which others are flown beside it. ``record`` keeps every stage's table, and
    sends messages as sealed envelopes through both sides' ledgers. ``launches`` spares what all replicates share.
    ``lie``: one side tells its partners something else; ``quarantine``: what centres do about partners that lie.
    """
    chosen = [BY_NAME[name] for name in architectures]
    pooled = any(architecture.pooled for architecture in chosen)
    chunk = chunk_of(scenario, seed, replicates, pooled=pooled, launches=launches)
    cooperations = _cooperations(chunk, chosen, record=record, lie=lie, quarantine=quarantine)
    scored = _flown_and_scored(chunk, cooperations)
    return Flown(
        replicates=len(replicates),
        table=_by_replicate(StudyTable.concatenate([table for table, _ in scored])),
        objects=_by_replicate(ObjectResults.concatenate([objects for _, objects in scored])),
        tables={one.architecture.name: _tables(one) for one in cooperations} if record else {},
        ledgers={
            cooperation.architecture.name: cooperation.pictures.sealing.ledgers()
            for cooperation in cooperations
            if cooperation.pictures.sealing is not None
        },
        doubts={} if quarantine == "off" else _doubts(cooperations),
    )


def fly_cases(
    scenario: Scenario, seed: int, replicates: NDArray[np.int64], cases: Sequence[Case],
    launches: Prepared | None = None,
) -> list[Flown]:  # fmt: skip
    """Fly these replicates under each case, a result each: what :func:`fly` gives, in one pass.

    The worlds, what sensors report of them and every side's own half are the same in all cases, and are made once.
    """
    chosen = [BY_NAME[case.architecture] for case in cases]
    assert not any(architecture.pooled for architecture in chosen), "a pool has no partners to doubt"
    chunk = chunk_of(scenario, seed, replicates, pooled=False, launches=launches)
    cooperations = [
        Cooperation(chunk, architecture, _pictures(chunk, architecture, case), record=False)
        for architecture, case in zip(chosen, cases, strict=True)
    ]
    return [
        Flown(
            replicates=len(replicates), table=_by_replicate(table), objects=_by_replicate(objects),
            doubts={} if case.quarantine == "off" else _doubts([one]),
        )
        for case, one, (table, objects) in zip(
            cases, cooperations, _flown_and_scored(chunk, cooperations), strict=True
        )
    ]  # fmt: skip


def _pictures(chunk: Chunk, architecture: Architecture, case: Case) -> Pictures:
    rules = chunk.rules(architecture)
    return Pictures(chunk, architecture, rules, record=False, lie=case.lie, quarantine=case.quarantine)


def _flown_and_scored(chunk: Chunk, cooperations: list[Cooperation]) -> list[tuple[StudyTable, ObjectResults]]:
    """Fly, and score each architecture; numbered in their order."""
    own_warnings, book = _fly_through(chunk, cooperations)
    countries = _countries(chunk.scenario.file.epoch.date())
    own = first_warnings(chunk, own_warnings, book, countries, pooled=False)
    found = []
    for index, cooperation in enumerate(cooperations):
        warnings, pooled = cooperation.pictures.kept.warnings, cooperation.architecture.pooled
        warned = first_warnings(chunk, warnings, book, countries, pooled)
        results = object_results(cooperation, index, warned, own)
        found.append((metric_rows(cooperation, warned, own, results), results))
    return found


def _cooperations(
    chunk: Chunk, chosen: list[Architecture], *, record: bool, lie: Lie | None, quarantine: Quarantine
) -> list[Cooperation]:  # fmt: skip
    """The architectures, those with the same rules on the same pictures (but recorded ones each on their own)."""
    made: dict[object, Pictures] = {}
    cooperations = []
    for architecture in chosen:
        rules = chunk.rules(architecture)
        key = architecture.name if record else sharing_key(architecture, rules)
        if key not in made:
            made[key] = Pictures(chunk, architecture, rules, record=record, lie=lie, quarantine=quarantine)
        cooperations.append(Cooperation(chunk, architecture, made[key], record=record))
    return cooperations


def _doubts(cooperations: list[Cooperation]) -> dict[str, Doubts]:
    """By architecture, of those that exchange."""
    found = {}
    for cooperation in cooperations:
        pictures = cooperation.pictures
        if cooperation.architecture.exchange:
            never = np.full(pictures.chunk.rows, -1.0)
            found[cooperation.architecture.name] = Doubts(
                trust={side: assisted.trust for side, assisted in pictures.assisted.items()},
                lied_s=never if pictures.liar is None else pictures.liar.lied_s,
            )
    return found


def _fly_through(chunk: Chunk, cooperations: list[Cooperation]) -> tuple[list[Warnings], AnswerBook]:
    """All ticks from first to last. Returns the own-sensor warnings of the sides, and the answers."""
    own = [centres.begin_own(centre, chunk.rows) for centre in chunk.centres]
    book, truth = AnswerBook(len(chunk.centres), chunk.rows), TrueStates(chunk.world)
    said: list[Warnings] = []
    everyone = list(dict.fromkeys(cooperation.pictures for cooperation in cooperations))
    tick_s = chunk.scenario.file.tick_s
    for index in range(chunk.ticks):
        now_s = (index + 1) * tick_s
        truth.at(now_s)
        warnings = []
        for place, centre in enumerate(chunk.centres):
            detections, offsets = chunk.feeds[place].tick(index)
            own[place], spoken = centres.observe(centre, own[place], detections, offsets, now_s)
            book.learn(place, own[place].tracks, chunk.feeds[place].answers(index))
            warnings.append(spoken)
        said += warnings[: chunk.sides]
        for pictures in everyone:
            pictures.tick(index, now_s, own, warnings, truth, book)
        for cooperation in cooperations:
            cooperation.tick(now_s, book)
    return said, book


@lru_cache(maxsize=4)
def _countries(as_of: date) -> CountryIndex:
    return index_countries(load_borders(), as_of)


def _by_replicate(table: Any) -> Any:
    return table.take(np.argsort(table.replicate, kind="stable"))


def _tables(cooperation: Cooperation) -> Tables:
    """Every stage's table under one architecture, with replicate numbers instead of rows."""
    chunk, kept = cooperation.chunk, cooperation.pictures.kept
    tables: Tables = {
        "objects": chunk.world.objects,
        "truth": chunk.world.truth,
        "detections": chunk.sensed.detections,
        "answer_key": chunk.sensed.key,
        "tracks": _with_pool(TrackHistory.concatenate(kept.tracks), chunk.sides),
        "warnings": _with_pool(Warnings.concatenate(kept.warnings), chunk.sides),
        "messages": Messages.concatenate(kept.messages),
        "releases": Releases.concatenate(kept.releases),
        "opportunities": Opportunities.concatenate(cooperation.opportunities),
        "shots": cooperation.shots,
        "outcomes": cooperation.outcomes,
    }
    return {stage: _numbered(table, chunk.world.replicates) for stage, table in tables.items()}


def _with_pool(table: Any, sides: int) -> Any:
    """A table of whose the pooled centre is counted after the sides, with -1 for it, as tables have it."""
    return replace(table, side=np.where(table.side == sides, POOLED, table.side))


def _numbered(table: Any, replicates: NDArray[np.int64]) -> Table:
    columns = {name: getattr(table, name) for name, _ in table.columns()}
    return type(table)(**{**columns, "replicate": replicates[table.replicate]})
