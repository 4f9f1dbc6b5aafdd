"""What a lying partner costs, lie by lie: how often and how soon it is found out, and what it has done until then.

The same worlds and draws are flown honest, with the lie believed to the end, and with a liar left out of the picture
once it is found out; differences are paired replicate by replicate. Both sides are asked in turn.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.centre.picture.trust import Suspicion
from detente.centre.step import Quarantine
from detente.records.results import StudyTable
from detente.scenario.asked import Scenario
from detente.studies.lies import LIES, Lie
from detente.studies.replicates import Doubts, fly
from detente.studies.results import BASELINE
from detente.studies.summary import Interval, interval
from detente.world.launches import Prepared, prepare

ARCHITECTURE = "cooperating"
CHUNK = 25
DAMAGE = (
    "false_warnings", "impact_point_error_km", "interceptors_spent", "leakage_fraction", "warning_time_s",
    "own_warning_time_s",
)  # fmt: skip
"""What a lie may do to the other side. The last is of its own sensors alone: no lie may move it."""
Progress = Callable[[int, int], None]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Deceived:
    """One lie of one side, and what became of it at another. Intervals are of paired differences, 95 %."""

    lie: str  # "none": honest, and what is found out is a false alarm
    liar: str
    victim: str
    lied: int  # replicates in which the lie ever left
    found_out: int  # of those
    reasons: dict[str, int]  # replicates in which each suspicion arose
    delay_s: Floats  # from the first lie that left to the suspicion, where it arose
    against: dict[str, Interval | None]  # metric → lie believed to the end, less honest
    set_aside: dict[str, Interval | None]  # metric → liar left out once found out, less honest
    leakage_over_alone: Interval | None  # of the latter, less ``alone``

    @property
    def document(self) -> dict[str, Any]:
        """As JSON."""
        quantiles = np.quantile(self.delay_s, (0.0, 0.5, 1.0)).tolist() if len(self.delay_s) else None
        return {
            "lie": self.lie, "liar": self.liar, "victim": self.victim, "lied": self.lied, "found_out": self.found_out,
            "reasons": self.reasons, "delay_s": quantiles,
            "believed": {name: _numbers(one) for name, one in self.against.items()},
            "set_aside": {name: _numbers(one) for name, one in self.set_aside.items()},
            "leakage_over_alone": _numbers(self.leakage_over_alone),
        }  # fmt: skip


def _numbers(one: Interval | None) -> dict[str, float] | None:
    return None if one is None else {"mean": one.mean, "low": one.low, "high": one.high}


@dataclass(frozen=True, kw_only=True)
class _Flown:
    table: StudyTable
    doubts: tuple[Doubts, ...]


def lying(
    scenario: Scenario, *, replicates: int, seed: int, lies: tuple[str, ...] = LIES, progress: Progress | None = None
) -> list[Deceived]:
    """The table: for each lie and each side as the liar, what became of it at each other side. Honest ones first."""
    launches, sides = prepare(scenario), range(len(scenario.sides))
    asked: list[tuple[Lie | None, Quarantine]] = [(None, "advise")]
    asked += [(Lie(name, side), what) for name in lies for side in sides for what in ("advise", "automatic")]
    flown = []
    for index, (lie, quarantine) in enumerate(asked):
        flown.append(_fly(scenario, seed, replicates, lie, quarantine, launches))
        if progress is not None:
            progress(index + 1, len(asked))
    honest = flown[0]
    found = [
        _deceived(scenario, "none", liar, victim, honest, honest, honest)
        for liar in sides for victim in sides if liar != victim
    ]  # fmt: skip
    for (lie, _), believed, set_aside in zip(asked[1::2], flown[1::2], flown[2::2], strict=True):
        assert lie is not None
        found += [
            _deceived(scenario, lie.name, lie.side, victim, honest, believed, set_aside)
            for victim in sides if victim != lie.side
        ]  # fmt: skip
    return found


def _fly(
    scenario: Scenario, seed: int, replicates: int, lie: Lie | None, quarantine: Quarantine, launches: Prepared
) -> _Flown:  # fmt: skip
    names = (BASELINE, ARCHITECTURE) if lie is None else (ARCHITECTURE,)
    parts = [
        fly(
            scenario, seed, np.arange(first, min(first + CHUNK, replicates)), names, record=False, launches=launches,
            lie=lie, quarantine=quarantine,
        )
        for first in range(0, replicates, CHUNK)
    ]  # fmt: skip
    return _Flown(
        table=StudyTable.concatenate([part.table for part in parts]),
        doubts=tuple(part.doubts[ARCHITECTURE] for part in parts),
    )


def _deceived(
    scenario: Scenario, lie: str, liar: int, victim: int, honest: _Flown, believed: _Flown, set_aside: _Flown
) -> Deceived:  # fmt: skip
    name = scenario.side_names[victim]
    suspected, since_s, lied_s = _of(set_aside.doubts, liar, victim)
    left = lied_s >= 0.0 if lie != "none" else np.ones(len(lied_s), bool)
    caught = left & (suspected != 0)
    return Deceived(
        lie=lie, liar=scenario.side_names[liar], victim=name, lied=int(left.sum()), found_out=int(caught.sum()),
        reasons={
            (kind.name or "").lower(): int((caught & ((suspected & kind) != 0)).sum()) for kind in Suspicion
        },
        delay_s=(since_s - lied_s)[caught] if lie != "none" else np.empty(0),
        against=dict(_differences(believed.table, honest.table, name)),
        set_aside=dict(_differences(set_aside.table, honest.table, name)),
        leakage_over_alone=_paired(
            _values(set_aside.table, ARCHITECTURE, name, "leakage_fraction"),
            _values(honest.table, BASELINE, name, "leakage_fraction"),
        ),
    )  # fmt: skip


def _of(doubts: tuple[Doubts, ...], liar: int, victim: int) -> tuple[NDArray[np.uint8], Floats, Floats]:
    """Suspicions of a side about another, since when, and when the first lie left; a number a replicate."""
    return (
        np.concatenate([part.trust[victim].suspected[:, liar] for part in doubts]),
        np.concatenate([part.trust[victim].suspected_s[:, liar] for part in doubts]),
        np.concatenate([part.lied_s for part in doubts]),
    )


def _differences(one: StudyTable, other: StudyTable, side: str) -> Iterator[tuple[str, Interval | None]]:
    for metric in DAMAGE:
        yield metric, _paired(_values(one, ARCHITECTURE, side, metric), _values(other, ARCHITECTURE, side, metric))


def _values(table: StudyTable, architecture: str, side: str, metric: str) -> tuple[Floats, NDArray[np.bool_]]:
    """Value and whether there is one, in order of replicate."""
    asked = (table.architecture == architecture, table.side == side, table.metric == metric)
    rows = np.flatnonzero(reduce(np.logical_and, asked))
    rows = rows[np.argsort(table.replicate[rows], kind="stable")]
    return table.value[rows], table.defined[rows] == 1


def _paired(
    one: tuple[Floats, NDArray[np.bool_]], other: tuple[Floats, NDArray[np.bool_]]
) -> Interval | None:  # fmt: skip
    return interval(one[0] - other[0], one[1] & other[1], fraction=False)
