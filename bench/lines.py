"""One measured number and its target, and how a number is measured and shown."""

import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Line:
    """What was measured, in which case; with neither ``at_least`` nor ``at_most`` it is only reported."""

    case: str
    what: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        for name in ("value", "at_least", "at_most"):
            held = getattr(self, name)
            object.__setattr__(self, name, None if held is None else float(held))

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.at_least is None and self.at_most is None:
            return None
        low = self.at_least is None or self.value >= self.at_least - 1e-9
        return low and (self.at_most is None or self.value <= self.at_most)

    @property
    def text(self) -> str:
        """The line as a terminal shows it."""
        edges = [(sign, edge) for sign, edge in (("≥", self.at_least), ("≤", self.at_most)) if edge is not None]
        target = ", ".join(f"{sign} {shown(edge)}" for sign, edge in edges)
        verdict = {None: "", True: "met", False: "MISSED"}[self.met]
        return f"  {self.what:<70} {shown(self.value):>11} {self.unit:<3} {target:<16} {verdict}".rstrip()


def told(lines: Iterable[Line], quiet: bool) -> list[Line]:
    """All of these lines; unless ``quiet``, each is printed as soon as it is measured, under the name of its case."""
    kept: list[Line] = []
    for line in lines:
        if not quiet:
            if not kept or kept[-1].case != line.case:
                print(f"\n{line.case}")
            print(line.text, flush=True)
        kept.append(line)
    return kept


def document(bench: str, lines: Iterable[Line], quick: bool) -> dict[str, Any]:
    """What ``--json`` prints: the lines, and on what they were measured."""
    from llvmlite.binding import get_host_cpu_name

    return {
        "bench": bench, "quick": quick, "python": sys.version.split()[0], "machine": platform.machine(),
        "cpu": get_host_cpu_name(), "lines": [line.__dict__ | {"met": line.met} for line in lines],
    }  # fmt: skip


def shown(value: float) -> str:
    """Four significant digits, thousands grouped; very small numbers by exponent."""
    if value and abs(value) < 1e-3:
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.4g}"


def cpu_seconds(work: Callable[[], Any], at_least_s: float) -> float:
    """CPU time of one call: the median of as many as fill the time, at least three; the first is not counted."""
    work()
    spent: list[float] = []
    while sum(spent) < at_least_s or len(spent) < 3:
        before = time.process_time()
        work()
        spent.append(time.process_time() - before)
    return statistics.median(spent)


def at(document: Any, path: tuple[str, ...]) -> Any:
    """A value inside nested dictionaries."""
    for key in path:
        document = document[key]
    return document


def median_at(documents: Iterable[Any], *path: str) -> float:
    """The median of one value over documents."""
    return statistics.median(at(document, path) for document in documents)
