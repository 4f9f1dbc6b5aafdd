"""Two radars watch one target and tell each other: what each rule of fusion makes of it, beside one central filter.

The linear benchmark of fusion across sides: a body that falls with white acceleration (q = 1 m²/s³, filter and truth
alike), two radars 1,140 km apart (50 m, 1 mrad, 1 mrad; 1 Hz; every look detects), measurements linearised at the mean
truth, so that an honest rule has an ANEES of 6. No delay, no clutter, no bias. The rules are the picture room's
kernels.

``python bench/linear_fusion.py [--json]`` prints ANEES and RMSE at radar A over the central filter's, from 40 s on.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.centre.picture.fusion import (
    add_increments,
    covariance_intersection,
    inverse_covariance_intersection,
    naive_product,
)

Floats = NDArray[np.float64]
State = tuple[Floats, Floats]  # means (n, 6) and the covariance (6, 6) they share
Combine = Callable[[Floats, Floats, Floats, Floats], tuple[Floats, Floats, Floats]]

SITES_M = np.array([[0.0, 0.0, 0.0], [900e3, 700e3, 0.0]])
START = np.array([5e5, 3e5, 2e5, -1500.0, 800.0, 1200.0])
PRIOR = np.diag([1e6] * 3 + [4e4] * 3)
FALL = np.array([0.0, 0.0, -4.9, 0.0, 0.0, -9.8])
STEP = np.eye(6) + np.diag([1.0] * 3, 3)
SEEN = np.eye(3, 6)
SETTLED_S = 40
RULES: dict[str, Combine] = {
    "naive": naive_product,
    "covariance intersection": covariance_intersection,
    "inverse covariance intersection": inverse_covariance_intersection,
}


def noise(q: float) -> Floats:
    """Covariance that a second of white acceleration of this density adds."""
    return q * np.block([[np.eye(3) / 3, np.eye(3) / 2], [np.eye(3) / 2, np.eye(3)]])


def predicted(state: State, spread: Floats) -> State:
    """A second later."""
    return state[0] @ STEP.T + FALL, STEP @ state[1] @ STEP.T + spread


def looked(truth: Floats, site: Floats, rng: np.random.Generator) -> State:
    """A radar's plots of the true states (n, 6), and the covariance of their errors."""
    px, py, pz = truth[:, :3].mean(axis=0) - site
    r, level = np.sqrt(px * px + py * py + pz * pz), np.hypot(px, py)
    slope = np.array([[px / r, -py / level, -px * pz / (r * level)], [py / r, px / level, -py * pz / (r * level)],
                      [pz / r, 0.0, level / r]])  # fmt: skip
    spread = slope @ np.diag([50.0**2, (1e-3 * r) ** 2, (1e-3 * r) ** 2]) @ slope.T
    return truth[:, :3] + rng.normal(size=(len(truth), 3)) @ np.linalg.cholesky(spread).T, spread


def updated(state: State, plots: State) -> State:
    """After a look, in Joseph's form."""
    (mean, covariance), (plot, spread) = state, plots
    gain = covariance @ SEEN.T @ np.linalg.inv(SEEN @ covariance @ SEEN.T + spread)
    rest = np.eye(6) - gain @ SEEN
    return mean + (plot - mean[:, :3]) @ gain.T, rest @ covariance @ rest.T + gain @ spread @ gain.T


def joined(rule: Callable[..., tuple[Floats, Floats, Floats]], *states: State) -> State:
    """These states by a rule of the picture room."""
    n = len(states[0][0])
    rows = [column for mean, covariance in states for column in (mean, np.tile(covariance, (n, 1, 1)))]
    means, covariances, done = rule(*rows)
    assert (done >= 0.0).all(), "the rule refused a state"
    return means, covariances[0]


class Fed:
    """Both sides combine what they hold with what they are sent, and go on from that."""

    def __init__(self, combine: Combine, starts: list[State]) -> None:
        self.combine, self.states = combine, list(starts)

    def predict(self, spread: Floats) -> None:
        """A second later."""
        self.states = [predicted(state, spread) for state in self.states]

    def look(self, side: int, before: State, after: State, plots: State) -> None:
        """One radar has looked; its own filter went from ``before`` to ``after``."""
        self.states[side] = updated(self.states[side], plots)

    def exchange(self, own: list[State]) -> None:
        """Both tell each other what they hold."""
        a, b = self.states
        self.states = [joined(self.combine, a, b), joined(self.combine, b, a)]

    @property
    def result(self) -> State:
        """What A holds."""
        return self.states[0]


class Increments:
    """A adds what its own filter and B's have learnt; as a picture does, neither filter ever hears of the other."""

    def __init__(self, starts: list[State]) -> None:
        self.result, self.told = starts[0], None

    def predict(self, spread: Floats) -> None:
        """A second later; what B said last grows as old as A's state."""
        self.result = predicted(self.result, spread)
        self.told = None if self.told is None else predicted(self.told, spread)

    def look(self, side: int, before: State, after: State, plots: State) -> None:
        """What A's filter has learnt is added at once."""
        if side == 0:
            self.result = joined(add_increments, self.result, after, before)

    def exchange(self, own: list[State]) -> None:
        """B tells its own filter's state: whole at first, then only what is new of it counts."""
        if self.told is None:
            self.result = joined(inverse_covariance_intersection, self.result, own[1])
        else:
            self.result = joined(add_increments, self.result, own[1], self.told)
        self.told = own[1]


@dataclass(frozen=True)
class Score:
    """How one rule did at A."""

    anees: float  # ideal 6
    rmse_m: float
    ratio: float  # of the RMSE to the central filter's
    over: float  # share of seconds whose ANEES of all runs lies above the 95 % band


def benchmark(every_s: int, *, runs: int = 300, seconds: int = 100, q: float = 1.0, seed: int = 1) -> dict[str, Score]:
    """Every rule on the same draws, with an exchange every so many seconds."""
    rng = np.random.default_rng(seed)
    spread = noise(q)
    truth = np.tile(START, (runs, 1))
    own: list[State] = [(truth + rng.normal(size=(runs, 6)) @ np.sqrt(PRIOR), PRIOR) for _ in SITES_M]
    central: State = (0.5 * (own[0][0] + own[1][0]), 0.5 * PRIOR)
    rules: dict[str, Any] = {name: Fed(combine, own) for name, combine in RULES.items()}
    rules["tracklets"] = Increments(own)
    found: dict[str, list[tuple[float, float]]] = {}
    for second in range(1, seconds + 1):
        truth = truth @ STEP.T + FALL + rng.normal(size=(runs, 6)) @ np.linalg.cholesky(spread).T
        own, central = [predicted(state, spread) for state in own], predicted(central, spread)
        for rule in rules.values():
            rule.predict(spread)
        for side, site in enumerate(SITES_M):
            plots, before = looked(truth, site, rng), own[side]
            own[side], central = updated(before, plots), updated(central, plots)
            for rule in rules.values():
                rule.look(side, before, own[side], plots)
        if second % every_s == 0:
            for rule in rules.values():
                rule.exchange(own)
        if second > SETTLED_S:
            held = {"alone": own[0], "centralised": central, **{name: rule.result for name, rule in rules.items()}}
            for name, state in held.items():
                found.setdefault(name, []).append(errors(truth, state))
    return scores(found, runs)


def errors(truth: Floats, state: State) -> tuple[float, float]:
    """Mean NEES and mean squared position error of all runs."""
    off = truth - state[0]
    nees = np.einsum("ni,ij,nj->n", off, np.linalg.inv(state[1]), off).mean()
    return float(nees), float((off[:, :3] ** 2).sum(axis=1).mean())


def scores(found: dict[str, list[tuple[float, float]]], runs: int) -> dict[str, Score]:
    """What the errors of every second come to. The 95 % band of the mean of χ² of 6: normal, for that many runs."""
    ideal = np.mean([square for _, square in found["centralised"]])
    high = 6.0 + 1.96 * np.sqrt(12.0 / runs)
    return {
        name: Score(
            anees=float(np.mean([nees for nees, _ in rows])),
            rmse_m=float(np.sqrt(np.mean([square for _, square in rows]))),
            ratio=float(np.sqrt(np.mean([square for _, square in rows]) / ideal)),
            over=float(np.mean([nees > high for nees, _ in rows])),
        )
        for name, rows in found.items()
    }


def main() -> None:
    """Print the table."""
    table = {f"{every_s} s": benchmark(every_s) for every_s in (1, 5, 10)}
    if "--json" in sys.argv[1:]:
        print(json.dumps({every: {name: vars(score) for name, score in row.items()} for every, row in table.items()}))
        return
    print(f"{'exchange every':34}" + "".join(f"{every:>18}" for every in table))
    for name in table["5 s"]:
        cells = [f"{row[name].anees:9.2f} {row[name].ratio:6.3f}×" for row in table.values()]
        print(f"{name:34}" + "".join(f"{cell:>18}" for cell in cells))
    print("ANEES (ideal 6) and RMSE over the centralised filter's, at A")


if __name__ == "__main__":
    main()
