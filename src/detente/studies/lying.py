"""What a lying partner costs, lie by lie: how often and how soon it is found out, and what it has done until then.

The same worlds, detections and own halves serve three flights each: honest, with the lie believed to the end, and with
a liar left out of the picture once it is found out; differences are paired replicate by replicate. Every side is asked
in turn. Chunks of replicates are plain data, so that they can be kept in a file and put together later.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, betaincinv

from detente.centre.picture.trust import COUNTED, Suspicion
from detente.records.results import StudyTable
from detente.scenario.asked import Scenario
from detente.studies.lies import LIES, Lie
from detente.studies.replicates import Case, Flown, fly_cases
from detente.studies.results import BASELINE
from detente.studies.summary import Interval, interval
from detente.world.launches import Prepared, prepare

ARCHITECTURE = "cooperating"
HONEST = "none"
CHUNK = 25
DAMAGE = (
    "false_warnings", "impact_point_error_km", "interceptors_spent", "leakage_fraction", "warning_time_s",
    "own_warning_time_s",
)  # fmt: skip
"""What a lie may do to the other side. The last is of its own sensors alone: no lie may move it."""
Progress = Callable[[int, int], None]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What one case came to in a chunk of R replicates, in plain lists."""

    case: tuple[str, str, int, str]  # architecture, lie or "none", number of the liar or -1, quarantine
    values: dict[str, dict[str, list[float | None]]]  # by side and metric of DAMAGE; None where not defined
    lied_s: list[float]  # (R,) when the first lie left; -1 where none did
    suspected: list[list[list[int]]]  # (sides, sides, R) whom each side suspects, and of what
    suspected_s: list[list[list[float]]]  # (sides, sides, R) since when; -1
    counts: list[list[list[int]]]  # (sides, sides, 8) of comparisons and verdicts, over all replicates

    @property
    def document(self) -> dict[str, Any]:
        """As JSON; ``ended`` reads it again."""
        return asdict(self)


def ended(document: dict[str, Any]) -> Ended:
    """What ``Ended.document`` wrote."""
    return Ended(**{**document, "case": tuple(document["case"])})


@dataclass(frozen=True, kw_only=True)
class Deceived:
    """One lie of one side, and what became of it at another. Intervals are 95 %."""

    lie: str  # "none": honest, and what is found out is a false alarm
    liar: str
    victim: str
    lied: int  # replicates in which the lie ever left
    found_out: int  # of those
    share: Interval | None  # of those, found out: exact (C. Clopper and E. Pearson, Biometrika 26, 1934)
    reasons: dict[str, int]  # replicates in which each suspicion arose
    delay_s: Floats  # from the first lie that left to the suspicion, where it arose
    median_s: tuple[float, float, float] | None  # of all that lied, and its interval; inf where never found out
    counts: dict[str, int]  # comparisons and verdicts, with the lie told to the end
    against: dict[str, Interval | None]  # metric → lie believed to the end, less honest; paired
    set_aside: dict[str, Interval | None]  # metric → liar left out once found out, less honest; paired
    leakage_over_alone: Interval | None  # of the latter, less ``alone``; paired

    @property
    def document(self) -> dict[str, Any]:
        """As JSON."""
        quantiles = np.quantile(self.delay_s, (0.0, 0.5, 1.0)).tolist() if len(self.delay_s) else None
        median = None if self.median_s is None else [one if np.isfinite(one) else None for one in self.median_s]
        return {
            "lie": self.lie, "liar": self.liar, "victim": self.victim, "lied": self.lied, "found_out": self.found_out,
            "share": _numbers(self.share), "reasons": self.reasons, "delay_s": quantiles, "median_delay_s": median,
            "counts": self.counts, "believed": {name: _numbers(one) for name, one in self.against.items()},
            "set_aside": {name: _numbers(one) for name, one in self.set_aside.items()},
            "leakage_over_alone": _numbers(self.leakage_over_alone),
        }  # fmt: skip


def _numbers(one: Interval | None) -> dict[str, float] | None:
    return None if one is None else {"mean": one.mean, "low": one.low, "high": one.high}


def lying(
    scenario: Scenario, *, replicates: int, seed: int, lies: tuple[str, ...] = LIES, progress: Progress | None = None
) -> list[Deceived]:
    """The table: for each lie and each side as the liar, what became of it at each other side. Honest ones first."""
    chunks, launches = [], prepare(scenario)
    for first in range(0, replicates, CHUNK):
        rows = np.arange(first, min(first + CHUNK, replicates))
        chunks.append(fly_lies(scenario, seed, rows, lies, launches))
        if progress is not None:
            progress(int(rows[-1]) + 1, replicates)
    return deceived(scenario.side_names, chunks)


def fly_lies(
    scenario: Scenario, seed: int, replicates: NDArray[np.int64], lies: Sequence[str], launches: Prepared
) -> list[Ended]:
    """One chunk: alone, honest, and each lie of each side, believed and found out."""
    cases = [Case(architecture=BASELINE), Case(architecture=ARCHITECTURE, quarantine="advise")]
    for name in lies:
        for side in range(len(scenario.sides)):
            lie = Lie(name, side)
            cases.append(Case(architecture=ARCHITECTURE, lie=lie, quarantine="advise"))
            cases.append(Case(architecture=ARCHITECTURE, lie=lie, quarantine="automatic"))
    flown = fly_cases(scenario, seed, replicates, cases, launches)
    return [_ended(scenario, case, one) for case, one in zip(cases, flown, strict=True)]


def _ended(scenario: Scenario, case: Case, flown: Flown) -> Ended:
    lie, liar = (HONEST, -1) if case.lie is None else (case.lie.name, case.lie.side)
    doubts, rows = flown.doubts.get(case.architecture), flown.replicates
    trusts = [] if doubts is None else [doubts.trust[side] for side in range(len(scenario.sides))]
    return Ended(
        case=(case.architecture, lie, liar, case.quarantine),
        values={
            side: {metric: _values(flown.table, case.architecture, side, metric) for metric in DAMAGE}
            for side in scenario.side_names
        },
        lied_s=[-1.0] * rows if doubts is None else doubts.lied_s.tolist(),
        suspected=[trust.suspected.T.tolist() for trust in trusts],
        suspected_s=[trust.suspected_s.T.tolist() for trust in trusts],
        counts=[trust.counts.sum(axis=0).tolist() for trust in trusts],
    )  # fmt: skip


def _values(table: StudyTable, architecture: str, side: str, metric: str) -> list[float | None]:
    """In order of replicate."""
    asked = (table.architecture == architecture, table.side == side, table.metric == metric)
    rows = np.flatnonzero(reduce(np.logical_and, asked))
    rows = rows[np.argsort(table.replicate[rows], kind="stable")]
    return [float(table.value[row]) if table.defined[row] else None for row in rows]


def deceived(sides: Sequence[str], chunks: Iterable[list[Ended]]) -> list[Deceived]:
    """The table of these chunks together, each of the same cases."""
    by_case: dict[tuple[str, str, int, str], list[Ended]] = {}
    for chunk in chunks:
        for one in chunk:
            by_case.setdefault(one.case, []).append(one)
    alone, honest = by_case[BASELINE, HONEST, -1, "off"], by_case[ARCHITECTURE, HONEST, -1, "advise"]
    others = [(liar, victim) for liar in range(len(sides)) for victim in range(len(sides)) if liar != victim]
    found = [_deceived(sides, HONEST, pair, honest, honest, honest, alone) for pair in others]
    for (_, lie, liar, quarantine), set_aside in by_case.items():
        if lie != HONEST and quarantine == "automatic":
            believed = by_case[ARCHITECTURE, lie, liar, "advise"]
            found += [
                _deceived(sides, lie, pair, honest, believed, set_aside, alone) for pair in others if pair[0] == liar
            ]
    return found


def _deceived(
    sides: Sequence[str], lie: str, pair: tuple[int, int], honest: list[Ended], believed: list[Ended],
    set_aside: list[Ended], alone: list[Ended],
) -> Deceived:  # fmt: skip
    liar, victim = pair
    name = sides[victim]
    suspected = np.concatenate([np.array(one.suspected[victim][liar], int) for one in set_aside])
    since_s = np.concatenate([one.suspected_s[victim][liar] for one in set_aside])
    lied_s = np.concatenate([one.lied_s for one in set_aside])
    left = lied_s >= 0.0 if lie != HONEST else np.ones(len(lied_s), bool)
    caught = left & (suspected != 0)
    delay_s = np.where(caught, since_s - lied_s, np.inf)[left]
    counts = np.sum([one.counts[victim][liar] for one in believed], axis=0)
    return Deceived(
        lie=lie, liar=sides[liar], victim=name, lied=int(left.sum()), found_out=int(caught.sum()),
        share=share(int(caught.sum()), int(left.sum())),
        reasons={
            (kind.name or "").lower(): int((caught & ((suspected & kind) != 0)).sum()) for kind in Suspicion
        },
        delay_s=delay_s[np.isfinite(delay_s)] if lie != HONEST else np.empty(0),
        median_s=median(delay_s) if lie != HONEST else None,
        counts=dict(zip(COUNTED, counts.tolist(), strict=True)),
        against=dict(_differences(believed, honest, name)), set_aside=dict(_differences(set_aside, honest, name)),
        leakage_over_alone=_paired(set_aside, alone, name, "leakage_fraction"),
    )  # fmt: skip


def share(count: int, of: int) -> Interval | None:
    """A share of independent replicates with its exact 95 % interval; None of none."""
    if of == 0:
        return None
    low = float(betaincinv(count, of - count + 1, 0.025)) if count else 0.0
    high = float(betaincinv(count + 1, of - count, 0.975)) if count < of else 1.0
    return Interval(mean=count / of, low=low, high=high, n=of)


def median(values: Floats) -> tuple[float, float, float] | None:
    """The median and a 95 % interval by order statistics, of values (n,) that may be infinite; None of none.

    Between the k-th smallest and the k-th largest the true median lies but for 2 P(at most k - 1 of n fair coins).
    """
    n = len(values)
    if n == 0:
        return None
    ordered = np.sort(values)
    k = max([0, *(k for k in range(1, n // 2 + 1) if 2.0 * bdtr(k - 1, n, 0.5) <= 0.05)])
    low, high = (ordered[k - 1], ordered[n - k]) if k else (-np.inf, np.inf)
    middle = ordered[(n - 1) // 2], ordered[n // 2]
    return float(np.inf if np.isinf(middle[1]) else sum(middle) / 2.0), float(low), float(high)


def _differences(one: list[Ended], other: list[Ended], side: str) -> Iterator[tuple[str, Interval | None]]:
    for metric in DAMAGE:
        yield metric, _paired(one, other, side, metric)


def _paired(one: list[Ended], other: list[Ended], side: str, metric: str) -> Interval | None:
    pairs = [
        (a, b)
        for first, second in zip(one, other, strict=True)
        for a, b in zip(first.values[side][metric], second.values[side][metric], strict=True)
        if a is not None and b is not None
    ]  # fmt: skip
    differences = np.array([a - b for a, b in pairs])
    return interval(differences, np.ones(len(pairs), bool), fraction=False)
