"""What a study left in its folder, read once: documents as they are, tables as records."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from detente.records.errors import InputError
from detente.records.results import ObjectResults, StudyTable
from detente.records.stages import Objects, Outcomes, Releases, Shots, Truth, Warnings
from detente.records.table import Table

Document = dict[str, Any]
T = TypeVar("T", bound=Table)
BASELINE = "alone"
ALL = "all"


@dataclass(frozen=True, kw_only=True)
class SampleWorld:
    """The recorded world of one architecture: what flew, what was said of it, what was shot."""

    objects: Objects
    truth: Truth
    warnings: Warnings
    shots: Shots
    outcomes: Outcomes
    releases: Releases


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A study's folder. ``samples`` has an entry for every architecture that was recorded."""

    folder: Path
    study: Document
    about: Document
    manifest: Document
    table: StudyTable
    objects: ObjectResults
    samples: dict[str, SampleWorld]

    @property
    def sides(self) -> tuple[str, ...]:
        """Names of the sides, in scenario order."""
        return tuple(side["name"] for side in self.about["sides"])

    @property
    def architectures(self) -> tuple[str, ...]:
        """Names of the architectures, in the order the study lists them."""
        return tuple(self.study["architectures"])

    @property
    def compares(self) -> bool:
        """True where the study has an architecture to compare with ``alone``."""
        return any(name != BASELINE for name in self.architectures)

    @property
    def metrics(self) -> tuple[Document, ...]:
        """Name, unit, meaning and direction of every metric, in order."""
        return tuple(self.about["metrics"])

    @property
    def replicates(self) -> int:
        """How many worlds were drawn."""
        return int(self.study["replicates"])

    def cell(self, architecture: str, side: str, metric: str) -> Document | None:
        """Mean, interval and count; None where the quantity does not exist."""
        return self.study["architectures"][architecture][side].get(metric)

    def difference(self, architecture: str, side: str, metric: str) -> Document | None:
        """Paired difference to ``alone``; None where it does not exist."""
        return self.study["differences"][architecture][side].get(metric)

    def pairs(self, architecture: str, side: str, metric: str) -> int:
        """In how many worlds both the quantity and its value under ``alone`` exist."""
        table = self.table
        here = (table.side == side) & (table.metric == metric) & (table.defined == 1)
        there, base = (set(table.replicate[here & (table.architecture == name)]) for name in (architecture, BASELINE))
        return len(there & base)

    def envelope(self, architecture: str, side: str, metric: str) -> list[float] | None:
        """5th and 95th percentile over replicates."""
        return self.about["envelopes"][architecture][side].get(metric)

    def objects_under(self, architecture: str) -> ObjectResults:
        """What became of every object under one architecture."""
        return self._under[architecture]

    def threatening(self, architecture: str, side: int) -> ObjectResults:
        """What became of the objects that threaten a side, in one order for all architectures."""
        return self._threatening[architecture, side]

    @cached_property
    def _under(self) -> dict[str, ObjectResults]:
        index = self.about["architecture_index"].index
        return {
            name: self.objects.take(np.flatnonzero(self.objects.architecture == index(name)))
            for name in self.architectures
        }

    @cached_property
    def _threatening(self) -> dict[tuple[str, int], ObjectResults]:
        return {
            (name, side): under.take(np.flatnonzero((under.threatened >> side) & 1))
            for name, under in self._under.items()
            for side in range(len(self.sides))
        }


def load(folder: Path) -> Saved:
    """Read a study's folder. A missing or unreadable file is an :class:`InputError`."""
    about = _document(folder / "about.json")
    study = _document(folder / "study.json")
    samples = {
        name: _sample(folder / "sample" / name)
        for name in study["architectures"]
        if (folder / "sample" / name).is_dir()
    }
    return Saved(
        folder=folder,
        study=study,
        about=about,
        manifest=_document(folder / "manifest.json"),
        table=_table(folder / "study.parquet", StudyTable),
        objects=_table(folder / "objects.parquet", ObjectResults),
        samples=samples,
    )


def _sample(folder: Path) -> SampleWorld:
    return SampleWorld(
        objects=_table(folder / "objects.parquet", Objects),
        truth=_table(folder / "truth.parquet", Truth),
        warnings=_table(folder / "warnings.parquet", Warnings),
        shots=_table(folder / "shots.parquet", Shots),
        outcomes=_table(folder / "outcomes.parquet", Outcomes),
        releases=_table(folder / "releases.parquet", Releases),
    )


def _document(path: Path) -> Document:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unreadable(path) from error


def _table(path: Path, kind: type[T]) -> T:
    try:
        return kind.from_arrow(pq.ParquetFile(path).read())
    except (OSError, KeyError, pa.ArrowInvalid) as error:
        raise _unreadable(path) from error


def _unreadable(path: Path) -> InputError:
    return InputError(
        found=f"no readable {path.name} in {path.parent}",
        expected="the folder that `detente study` wrote, whole",
        remedy="run the study again, or give the folder that holds its study.json",
    )
