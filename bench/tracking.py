"""How fast, how equal and how good the tracker is: python bench/tracking.py [--json] [--quick] [--only PART …]

Everything printed is measured in this run, on one core, in CPU time; targets stand beside it. The first pass of each
kernel, which may compile it, is not counted.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import linear_fusion
import numpy as np
import tracking_ballistic as falling
import tracking_scenes as scenes
from tracking_linear import linear_nees, share_in_band
from tracking_scenes import Scene, flat

from detente.centre.tracking.follower import follow
from detente.centre.tracking.settings import TEXTBOOK
from detente.records.paths import TrackStates
from detente.records.results import FollowedTracks
from detente.scoring.files import read_tracks
from detente.scoring.score import Rules, score_states

SETTINGS = replace(
    TEXTBOOK, gravity_m_s2=scenes.GRAVITY_M_S2, local_noise_m2_s3=scenes.NOISE_M2_S3,
    radar_speed_sigma_m_s=scenes.SPEED_SIGMA_M_S,
)  # fmt: skip
SETTLE_S = 25.0
FULL_SCAN = 30  # by then every object is there


@dataclass(frozen=True)
class Line:
    """One measured number; ``target`` (at least, at most) is None where it is only reported."""

    part: str
    what: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def verdict(self) -> str:
        """Met, missed, or nothing to meet."""
        if self.at_least is None and self.at_most is None:
            return ""
        low = self.at_least is None or self.value >= self.at_least - 1e-9
        return "met" if low and (self.at_most is None or self.value <= self.at_most) else "MISSED"

    @property
    def target(self) -> str:
        """In words."""
        words = [
            f"{sign} {shown(edge)}" for sign, edge in (("≥", self.at_least), ("≤", self.at_most)) if edge is not None
        ]
        return ", ".join(words)


def shown(value: float) -> str:
    """Four significant digits, thousands grouped; very small numbers by exponent."""
    if value and abs(value) < 1e-3:
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.4g}"


def ours(scene: Scene) -> FollowedTracks:
    """Our tracker on a scene, full history kept."""
    followed, shed = follow(scene.plots, scene.sensors, SETTINGS)
    assert not any(shed.__dict__.values()), f"the tracker shed something: {shed}"
    return followed


def cpu_seconds(work: Callable[[], Any], at_least_s: float) -> float:
    """CPU time of one call: the median of as many as fill the time, at least three."""
    work()
    spent: list[float] = []
    while sum(spent) < at_least_s or len(spent) < 3:
        before = time.process_time()
        work()
        spent.append(time.process_time() - before)
    return statistics.median(spent)


def updates_in(followed: FollowedTracks) -> int:
    """Track-updates: each live track, confirmed or tentative, carried through one scan."""
    return len(followed) - int(np.sum(followed.time_s == followed.time_s[-1]))


def confirmed(followed: FollowedTracks) -> TrackStates:
    """What is scored."""
    return read_tracks(followed)[""]


def speed(quick: bool) -> Iterator[Line]:
    """Track-updates a second with full history, and the cost of a scan of 2,000 objects."""
    for objects in (10, 50, 200, 1000, 2000):
        rates = []
        for seed in (1,) if quick or objects > 200 else (1, 2, 3):
            scene = flat(objects, seed)
            seconds = cpu_seconds(lambda scene=scene: ours(scene), 0.2 if quick else 1.0)
            rates.append(updates_in(ours(scene)) / seconds)
        goal = 1.0e6 if objects == 200 else None
        yield Line("speed", f"track-updates, N = {objects}", statistics.median(rates), "/s", at_least=goal)
        if objects == 2000:
            yield Line("speed", "a scan once all 2,000 are there", _scan_ms(seconds, quick), "ms", at_most=5.0)


def _scan_ms(all_scans_s: float, quick: bool) -> float:
    """What a scan of the later part of the file costs: the whole less the part in which objects still appear."""
    early = flat(2000, 1, FULL_SCAN)
    first_s = cpu_seconds(lambda: ours(early), 0.2 if quick else 1.0)
    return (all_scans_s - first_s) / (scenes.SCANS - FULL_SCAN) * 1e3


def stone_soup(quick: bool) -> Iterator[Line]:
    """The same files through Stone Soup in the same run: its speed against ours, and equality of the results."""
    import stonesoup
    import tracking_stonesoup as theirs

    assert stonesoup.__version__.startswith("1.9"), (
        f"the targets speak of Stone Soup 1.9.1, not {stonesoup.__version__}"
    )
    stock = {10: (theirs.TREE, theirs.PLAIN), 50: (theirs.TREE, theirs.PLAIN), 200: (theirs.TREE, theirs.PLAIN)}
    scans = 40 if quick else scenes.SCANS
    for objects in (10, 50) if quick else (10, 50, 200):
        scene = flat(objects, 1, scans)
        followed = ours(scene)
        mine = score_states(confirmed(followed), scene.truth)
        rate = updates_in(followed) / cpu_seconds(lambda scene=scene: ours(scene), 0.2 if quick else 1.0)
        for which in (*stock[objects], theirs.TREE_ANALYTIC):
            tracks, updates, spent = theirs.run(scene, which)
            head = f"N = {objects}, Stone Soup {stonesoup.__version__} {which}"
            yield Line("stone soup", f"{head}: track-updates", updates / spent, "/s")
            goal = 1000.0 if which == theirs.TREE and objects >= 50 else None
            yield Line("stone soup", f"{head}: ours is faster", rate / (updates / spent), "×", at_least=goal)
            score = score_states(tracks, scene.truth)
            apart = abs(score.document["gospa"]["mean_m"] / mine.document["gospa"]["mean_m"] - 1.0)
            same = which == theirs.TREE_ANALYTIC
            yield Line("stone soup", f"{head}: GOSPA apart from ours, relative", apart, at_most=1e-5 if same else None)
            if same:
                worst = float(np.max(np.abs(score.gospa_m / np.maximum(mine.gospa_m, 1e-9) - 1.0)))
                yield Line("stone soup", f"{head}: the same at the worst scan", worst, at_most=1e-5)


def quality(quick: bool) -> Iterator[Line]:
    """Errors over the posterior Cramér–Rao bound, honesty and SIAP at N = 200; medians over seeds."""
    objects, seeds = (50, (1, 2)) if quick else (200, tuple(range(1, 11)))
    found, twins = [], []
    for seed in seeds:
        scene = flat(objects, seed)
        tracks = confirmed(ours(scene))
        found.append(score_states(tracks, scene.truth, Rules(settle_s=SETTLE_S), scene.bounds).document)
        twins.append(share_in_band(linear_nees(scene.steps(), objects, scenes.DETECTION, seed), SETTLE_S))
    head = f"N = {objects}, {len(seeds)} seeds"
    rows = (
        ("position RMSE / PCRLB, unbroken tracks", ("bound", "unbroken", "position_ratio"), None, 1.05),
        ("velocity RMSE / PCRLB, unbroken tracks", ("bound", "unbroken", "velocity_ratio"), None, 1.10),
        ("share of samples on unbroken tracks", ("bound", "unbroken", "share"), None, None),
        ("position RMSE / PCRLB, restarts included", ("bound", "position_ratio"), None, None),
        ("velocity RMSE / PCRLB, restarts included", ("bound", "velocity_ratio"), None, 1.15),
        ("NEES, mean (ideal 6)", ("errors", "nees", "mean"), None, None),
        ("NEES, share in the 95 % band of one", ("errors", "nees", "inside_band_fraction"), 0.93, 0.97),
        ("SIAP completeness", ("siap", "completeness"), 0.97, None),
        ("SIAP ambiguity", ("siap", "ambiguity"), None, 1.01),
        ("SIAP spuriousness", ("siap", "spuriousness"), None, 0.005),
        ("identity changes", ("siap", "identity_changes"), None, None),
    )
    for what, path, low, high in rows:
        middle = statistics.median(_at(one, path) for one in found)
        yield Line("quality", f"{head}: {what}", middle, at_least=low, at_most=high)
    shares = [_at(one, ("errors", "nees", "moments_inside_band_fraction")) for one in found]
    yield from _beside("quality", head, shares, twins)


def _beside(part: str, head: str, shares: list[float], twins: list[float]) -> Iterator[Line]:
    """How often the mean NEES of a scan lies in its band, over all seeds, beside a perfect linear filter's."""
    mine, perfect = statistics.mean(shares), statistics.mean(twins)
    yield Line(part, f"{head}: ANEES, share of scans in its 95 % band", mine)
    yield Line(part, f"{head}: the same of a perfect linear filter", perfect)
    yield Line(part, f"{head}: ours falls behind it by", 100.0 * (perfect - mine), "pts", at_most=3.0)


def ballistic(quick: bool) -> Iterator[Line]:
    """Falling bodies in ECEF, drag, unknown ballistic coefficient: speed, and errors over a Bayesian bound."""
    bodies, seeds = (40, (1,)) if quick else (100, (1, 2, 3, 4, 5))
    for shaken in (True, False):
        found, shares, twins, rates = [], [], [], []
        for seed in seeds:
            world = falling.falls(bodies, seed, shaken=shaken)
            followed, _ = follow(world.plots, world.sensors, falling.FILTER)
            if shaken:
                again = lambda world=world: follow(world.plots, world.sensors, falling.FILTER)  # noqa: E731
                rates.append(updates_in(followed) / cpu_seconds(again, 0.2))
            score = score_states(confirmed(followed), world.truth, Rules(settle_s=SETTLE_S), falling.bounds_of(world))
            found.append(score.document)
            shares.append(_at(score.document, ("errors", "nees", "moments_inside_band_fraction")))
            twin = linear_nees(falling.steps_of(world), bodies, falling.DETECTION, seed)
            twins.append(share_in_band(twin, SETTLE_S))
        head = (
            f"ballistic, {bodies} bodies, {len(seeds)} seeds, {'noise as the filter has it' if shaken else 'no noise'}"
        )
        if rates:
            yield Line("ballistic", f"{head}: track-updates", statistics.median(rates), "/s", at_least=0.3e6)
        yield from _ballistic_quality(head, found, target=shaken)
        yield from _beside("ballistic", head, shares, twins)


def _ballistic_quality(head: str, found: list[Any], *, target: bool) -> Iterator[Line]:
    """Targets are for the world that moves as the filter believes; the other is told beside it."""
    for phase in ("coast", "reentry"):
        for what, key, most in (("position", "position_ratio", 1.05), ("velocity", "velocity_ratio", 1.10)):
            middle = statistics.median(_at(one, ("bound", "by_phase", phase, "unbroken", key)) for one in found)
            name = f"{head}: {phase}, {what} RMSE / bound, unbroken"
            yield Line("ballistic", name, middle, at_most=most if target else None)
        for what, path in (
            ("share on unbroken tracks", ("bound", "by_phase", phase, "unbroken", "share")),
            ("NEES, mean (ideal 6)", ("errors_by_phase", phase, "nees", "mean")),
            ("NEES, median (ideal 5.35)", ("errors_by_phase", phase, "nees", "median")),
        ):
            yield Line("ballistic", f"{head}: {phase}, {what}", statistics.median(_at(one, path) for one in found))
    for what, key in (("completeness", "completeness"), ("spuriousness", "spuriousness")):
        yield Line("ballistic", f"{head}: SIAP {what}", statistics.median(_at(one, ("siap", key)) for one in found))


def fusion(quick: bool) -> Iterator[Line]:
    """Two radars that tell each other: each rule over one central filter, exchange every 1, 5, 10 s."""
    for every_s in (5,) if quick else (1, 5, 10):
        table = linear_fusion.benchmark(every_s, runs=100 if quick else 300)
        high = 6.0 + 1.96 * np.sqrt(12.0 / (100 if quick else 300))
        for name, score in table.items():
            most = {"tracklets": 1.06, "covariance intersection": 1.10}.get(name) if every_s == 5 else None
            head = f"fusion, linear, every {every_s} s, {name}"
            yield Line("fusion", f"{head}: RMSE over the central filter's", score.ratio, "×", at_most=most)
            honest = name not in ("naive", "alone", "centralised")
            low = high if name == "naive" else None
            yield Line(
                "fusion", f"{head}: ANEES (ideal 6)", score.anees, at_least=low,
                at_most=high if honest and every_s == 5 else None,
            )  # fmt: skip


def _at(document: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


PARTS: dict[str, Callable[[bool], Iterator[Line]]] = {"speed": speed, "stone-soup": stone_soup, "quality": quality, "ballistic": ballistic,
    "fusion": fusion,
}  # fmt: skip


def main() -> None:
    """Run the parts and print their lines as they are measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, nothing else")
    parser.add_argument("--quick", action="store_true", help="smaller cases, in about a minute")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), metavar="PART")
    asked = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    lines: list[Line] = []
    for part in asked.only:
        for line in PARTS[part](asked.quick):
            lines.append(line)
            if not asked.json:
                print(
                    f"{line.what:<78} {shown(line.value):>11} {line.unit:<3} {line.target:<16} {line.verdict}",
                    flush=True,
                )
    if asked.json:
        print(json.dumps(document(lines, asked.quick), indent=1, ensure_ascii=False, allow_nan=False))


def document(lines: list[Line], quick: bool) -> dict[str, Any]:
    """What ``--json`` prints."""
    from llvmlite.binding import get_host_cpu_name

    rows = [line.__dict__ | {"met": {"met": True, "MISSED": False, "": None}[line.verdict]} for line in lines]
    return {
        "bench": "tracking", "quick": quick, "python": sys.version.split()[0], "machine": platform.machine(),
        "cpu": get_host_cpu_name(), "lines": rows,
    }  # fmt: skip


if __name__ == "__main__":
    main()
