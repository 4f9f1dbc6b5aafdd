"""How good the tracker is: errors over the bound, honesty beside a perfect linear filter, SIAP."""

import statistics
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import tracking_ballistic as falling
from lines import Line, at, cpu_seconds, median_at
from tracking_linear import linear_nees, share_in_band
from tracking_scenes import flat
from tracking_speed import confirmed, ours, updates_in

from detente.centre.tracking.follower import follow
from detente.centre.tracking.settings import Filter
from detente.scoring.score import ScoringRules, score_states

SETTLE_S = 25.0
IN_BAND = ("errors", "nees", "moments_inside_band_fraction")
FLAT_ROWS = (
    ("position RMSE / PCRLB, unbroken tracks", ("bound", "unbroken", "position_ratio"), None, 1.05),
    ("velocity RMSE / PCRLB, unbroken tracks", ("bound", "unbroken", "velocity_ratio"), None, 1.10),
    ("share of samples on unbroken tracks", ("bound", "unbroken", "share"), None, None),
    ("position RMSE / PCRLB, restarts included", ("bound", "position_ratio"), None, None),
    ("velocity RMSE / PCRLB, restarts included", ("bound", "velocity_ratio"), None, None),
    ("NEES, mean (ideal 6)", ("errors", "nees", "mean"), None, None),
    ("NEES, share in the 95 % band of one", ("errors", "nees", "inside_band_fraction"), 0.93, 0.97),
    ("SIAP completeness", ("siap", "completeness"), 0.97, None),
    ("SIAP ambiguity", ("siap", "ambiguity"), None, 1.01),
    ("SIAP spuriousness", ("siap", "spuriousness"), None, 0.005),
    ("identity changes", ("siap", "identity_changes"), None, None),
)


def quality(quick: bool) -> Iterator[Line]:
    """In the flat frame at N = 200; medians over seeds."""
    objects, seeds = (50, (1, 2)) if quick else (200, tuple(range(1, 11)))
    found, twins = [], []
    for seed in seeds:
        scene = flat(objects, seed)
        tracks = confirmed(ours(scene))
        found.append(score_states(tracks, scene.truth, ScoringRules(settle_s=SETTLE_S), scene.bounds).document)
        twins.append(share_in_band(linear_nees(scene.steps(), objects), SETTLE_S))
    case = f"Flat frame, N = {objects}, median of {len(seeds)} seeds"
    for what, path, low, high in FLAT_ROWS:
        yield Line(case, what, median_at(found, *path), at_least=low, at_most=high)
    yield from _beside(case, [at(one, IN_BAND) for one in found], twins)


def _beside(case: str, shares: list[float], twins: list[float]) -> Iterator[Line]:
    """How often the mean NEES of a scan lies in its band, over all seeds, beside a perfect linear filter's."""
    mine, perfect = statistics.mean(shares), statistics.mean(twins)
    yield Line(case, "ANEES, share of scans in its 95 % band", mine)
    yield Line(case, "the same of a perfect linear filter", perfect)
    yield Line(case, "ours falls behind it by", 100.0 * (perfect - mine), "pts", at_most=3.0)


def ballistic(quick: bool) -> Iterator[Line]:
    """Falling bodies in ECEF, drag, unknown ballistic coefficient: speed, and errors over a Bayesian bound."""
    bodies, seeds = (40, (1,)) if quick else (100, (1, 2, 3, 4, 5))
    for shaken, kind in ((True, Filter.EXTENDED), (True, Filter.SIGMA_POINT), (False, Filter.EXTENDED)):
        found, twins, rates = [], [], []
        for seed in seeds:
            world = falling.falls(bodies, seed, shaken=shaken)
            given = world.plots, world.sensors, replace(falling.FILTER, filter=kind)
            followed, _ = follow(*given)
            if shaken:
                seconds = cpu_seconds(lambda given=given: follow(*given), 0.2)
                rates.append(updates_in(followed) / seconds)
            bounds = falling.bounds_of(world)
            found.append(
                score_states(confirmed(followed), world.truth, ScoringRules(settle_s=SETTLE_S), bounds).document
            )
            twin = linear_nees(falling.steps_of(world), bodies)
            twins.append(share_in_band(twin, SETTLE_S))
        motion = "shaken as the filter believes" if shaken else "not shaken at all"
        name = {Filter.EXTENDED: "extended filter", Filter.SIGMA_POINT: "sigma-point filter"}[kind]
        case = f"Ballistic, drag, unknown coefficient, {name}: {bodies} bodies {motion}, median of {len(seeds)} seeds"
        if rates:
            yield Line(case, "track-updates", statistics.median(rates), "/s", at_least=0.3e6)
        yield from _fallen(case, found, target=shaken)
        if shaken:
            yield from _beside(case, [at(one, IN_BAND) for one in found], twins)


def _fallen(case: str, found: list[Any], *, target: bool) -> Iterator[Line]:
    """Targets are for the world that moves as the filter believes; the other is told beside it."""
    for phase in ("coast", "reentry"):
        for what, key, most in (("position", "position_ratio", 1.05), ("velocity", "velocity_ratio", 1.10)):
            middle = median_at(found, "bound", "by_phase", phase, "unbroken", key)
            name = f"{phase}: {what} RMSE / bound, unbroken tracks"
            yield Line(case, name, middle, at_most=most if target else None)
        rows = (
            ("share on unbroken tracks", ("bound", "by_phase", phase, "unbroken", "share")),
            ("NEES, mean (ideal 6)", ("errors_by_phase", phase, "nees", "mean")),
            ("NEES, median (ideal 5.35)", ("errors_by_phase", phase, "nees", "median")),
        )
        for what, path in rows:
            yield Line(case, f"{phase}: {what}", median_at(found, *path))
    for what in ("completeness", "spuriousness"):
        yield Line(case, f"SIAP {what}", median_at(found, "siap", what))
