"""What a study and a run hand back: frozen records, with tables as Arrow or pandas."""

from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from detente import __version__
from detente.centre.exchange.digest import digest
from detente.records.results import ObjectResults, StudyTable
from detente.records.table import Table
from detente.scenario.asked import Scenario
from detente.studies.metrics import ALL, METRICS
from detente.studies.summary import Interval, envelope, interval

Document = dict[str, Any]
BASELINE = "alone"


@dataclass(frozen=True, kw_only=True)
class Study:
    """The study table and what stands behind it.

    ``table`` has a row for every replicate, architecture, side and metric; ``objects`` one for every object under every
    architecture. ``folder`` is where they were written, if they were.
    """

    scenario: Scenario
    seed: int
    replicates: int
    architectures: tuple[str, ...]
    table: StudyTable
    objects: ObjectResults
    folder: Path | None = None

    def __repr__(self) -> str:
        flown = f"{self.replicates:,} replicates of {', '.join(self.architectures)}"
        return f"Study({self.scenario.name}, seed {self.seed}: {flown})"

    @cached_property
    def document(self) -> Document:
        """Means, 95 % intervals and paired differences to ``alone``, as ``--json`` prints them."""
        return {
            "scenario": self.scenario.name,
            "seed": self.seed,
            "replicates": self.replicates,
            "version": __version__,
            "digest": self.scenario.digest,
            "architectures": self._each(self._value),
            "differences": self._each(self._difference),
        }

    @cached_property
    def envelopes(self) -> Document:
        """5th and 95th percentiles over replicates: architecture → side → metric → [low, high] or None."""
        return self._each(lambda architecture, side, metric: _pair(envelope(*self._cell(architecture, side, metric))))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The sides, then ``all``."""
        return (*self.scenario.side_names, ALL)

    def _each(self, value: Any) -> Document:
        return {
            architecture: {
                side: {metric.name: value(architecture, side, metric.name) for metric in METRICS}
                for side in self.columns
            }
            for architecture in self.architectures
        }

    @cached_property
    def _cells(self) -> dict[tuple[str, str, str], tuple[np.ndarray, np.ndarray]]:
        table = self.table
        names = np.char.add(
            np.char.add(np.char.add(np.char.add(table.architecture, "|"), table.side), "|"), table.metric
        )
        order = np.lexsort((table.replicate, names))
        names, values, defined = names[order], table.value[order], table.defined[order] == 1
        edges = np.flatnonzero(np.r_[True, names[1:] != names[:-1], True])
        cells = {}
        for first, last in pairwise(edges):
            architecture, side, metric = str(names[first]).split("|")
            cells[architecture, side, metric] = values[first:last], defined[first:last]
        return cells

    def _cell(self, architecture: str, side: str, metric: str) -> tuple[np.ndarray, np.ndarray]:
        return self._cells[architecture, side, metric]

    def _value(self, architecture: str, side: str, metric: str) -> Document | None:
        values, defined = self._cell(architecture, side, metric)
        return _as_document(interval(values, defined, fraction=_is_fraction(metric)), with_n=True)

    def _difference(self, architecture: str, side: str, metric: str) -> Document | None:
        values, defined = self._cell(architecture, side, metric)
        base, base_defined = self._cell(BASELINE, side, metric)
        return _as_document(interval(values - base, defined & base_defined, fraction=False), with_n=False)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One world under one architecture, with every stage's table."""

    scenario: Scenario
    architecture: str
    seed: int
    replicate: int
    metrics: dict[str, dict[str, float | None]]
    tables: dict[str, Table]
    folder: Path | None = None
    paths: dict[str, str] = field(default_factory=dict)  # stage → path relative to folder

    def __repr__(self) -> str:
        tables = ", ".join(f"{stage} {len(rows):,}" for stage, rows in self.tables.items())
        return f"Run({self.scenario.name}, {self.architecture}, seed {self.seed}, replicate {self.replicate}: {tables})"

    @property
    def agreement(self) -> Document | None:
        """The name and the digest of what it exchanged under; None where it exchanged nothing."""
        asked = self.scenario.agreements[self.architecture]
        return None if asked is None else {"name": asked.name, "digest": digest(asked)}

    @property
    def document(self) -> Document:
        """The run as ``--json`` prints it."""
        return {
            "scenario": self.scenario.name,
            "scenario_digest": self.scenario.digest,
            "architecture": self.architecture,
            "agreement": self.agreement,
            "seed": self.seed,
            "replicate": self.replicate,
            "metrics": self.metrics,
            "tables": self.paths,
        }


def _is_fraction(metric: str) -> bool:
    return metric.endswith("_fraction")


def _as_document(found: Interval | None, *, with_n: bool) -> Document | None:
    if found is None:
        return None
    document: Document = {"mean": found.mean, "low": found.low, "high": found.high}
    return document | {"n": found.n} if with_n else document


def _pair(found: tuple[float, float] | None) -> list[float] | None:
    return None if found is None else list(found)
