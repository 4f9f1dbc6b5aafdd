"""Fit the stages of the catalogue's longer-range missiles to their published ranges, and print them.

Run: ``python design/fit_missiles.py``. The catalogue (``src/detente/scenario/data/catalogue/missiles.yaml``) holds
what it printed; those entries say ``fitted: true``.

Recipe. Nobody publishes stages for these missiles. Each is given a payload, and per stage a specific impulse, a burn
time, a diameter and a share of dry mass typical of its class (all assumptions); the masses of all stages are then
scaled together until the missile's longest flight equals its published range. "Longest flight" is the flight room's
``max_range`` over an Earth that does not turn, with air, from 33° N towards 40° E of N, reentering with the
catalogue's ballistic coefficient. One unknown, one equation: nothing else is claimed of the result, and no other
observable of these missiles was fitted.
"""

from dataclasses import dataclass
from math import radians

import numpy as np

from detente.flight.aiming import max_range
from detente.flight.vehicle import Missile, Stage, pack

CD_MACH, CD = (0.0, 0.85, 1.0, 1.2, 2.0, 4.5), (0.20, 0.20, 0.27, 0.27, 0.20, 0.20)


@dataclass(frozen=True)
class Class:
    """What is assumed of a missile. A stage is (share of mass, dry share, isp s, burn s, diameter m)."""

    name: str
    range_km: float
    payload_kg: float
    ballistic_coefficient_kg_m2: float
    stages: tuple[tuple[float, float, float, float, float], ...]


CLASSES = (
    Class("scud-c", 550, 770, 3000, ((1.0, 0.20, 230, 80, 0.88),)),
    Class("qiam", 750, 650, 3000, ((1.0, 0.18, 230, 85, 0.88),)),
    Class("shahab-3", 1300, 800, 3000, ((1.0, 0.15, 240, 95, 1.25),)),
    Class("ghadr-1", 1600, 750, 3000, ((1.0, 0.13, 242, 105, 1.25),)),
    Class("sejjil-2", 2000, 750, 3000, ((0.70, 0.15, 235, 55, 1.25), (0.30, 0.15, 250, 45, 1.25))),
    Class("bm-25", 3250, 1000, 3000, ((1.0, 0.10, 275, 125, 1.5),)),
    Class("notional-irbm", 5500, 900, 5000, ((0.78, 0.12, 255, 95, 1.8), (0.22, 0.14, 280, 110, 1.5))),
    Class("notional-icbm-liquid", 11000, 900, 5000, ((0.80, 0.10, 265, 110, 2.2), (0.20, 0.11, 295, 130, 2.0))),
    Class(
        "notional-icbm-solid", 11000, 900, 5000,
        ((0.64, 0.10, 255, 60, 2.0), (0.26, 0.10, 280, 60, 2.0), (0.10, 0.11, 285, 60, 1.6)),
    ),
)  # fmt: skip


def missile(kind: Class, total_kg: float) -> Missile:
    """The class with this much mass in all its stages together."""
    stages = tuple(
        Stage(total_kg * share, total_kg * share * dry, isp, burn, diameter)
        for share, dry, isp, burn, diameter in kind.stages
    )
    return Missile(kind.name, kind.payload_kg, stages, CD_MACH, CD, kind.ballistic_coefficient_kg_m2)


def longest_km(missiles: list[Missile]) -> np.ndarray:
    """Longest flight of each, km; NaN where one need not come down or cannot rise."""
    reaches = max_range(pack(missiles), np.arange(len(missiles)), radians(33), radians(44), radians(40), rotation=False)
    return np.where(reaches.flag == 0, reaches.range_m / 1e3, np.nan)


def fit(kind: Class) -> tuple[float, float]:
    """Total stage mass, kg (to a whole kg), and the range it then flies, km."""
    low, high = 2.0 * kind.payload_kg, 200.0 * kind.payload_kg
    for _ in range(5):
        totals = np.linspace(low, high, 12)
        ranges = longest_km([missile(kind, total) for total in totals])
        over = np.flatnonzero(~(ranges < kind.range_km))
        first = int(over[0])
        assert first > 0, f"{kind.name}: even {low} kg flies too far"
        low, high = totals[first - 1], totals[first]
    total = round(0.5 * (low + high))
    return total, float(longest_km([missile(kind, total)])[0])


def main() -> None:
    for kind in CLASSES:
        total, flown = fit(kind)
        print(f"# {kind.name}: published {kind.range_km} km, flown {flown:.0f} km, stages {total} kg")
        for stage in missile(kind, total).stages:
            print(
                f"      - {{fuelled_kg: {stage.fuelled_kg:.0f}, dry_kg: {stage.dry_kg:.0f}, isp_s: {stage.isp_s:g}, "
                f"burn_s: {stage.burn_s:g}, diameter_m: {stage.diameter_m:g}}}"
            )


if __name__ == "__main__":
    main()
