"""What fusing across two sides costs against pooling everything: the linear benchmark, and falling bodies."""

from collections.abc import Iterator

import numpy as np
import tracking_ballistic as falling
from linear_fusion import benchmark
from numpy.typing import NDArray
from tracking_lines import Line
from tracking_speed import confirmed

from detente.centre.picture.fusion import covariance_intersection, inverse_covariance_intersection, naive_product
from detente.centre.tracking.follower import follow
from detente.records.paths import TrackPaths, TruePaths, unpack_covariance
from detente.scoring.consistency import squared_lengths
from detente.scoring.matching import best_pairs, near_pairs

Floats = NDArray[np.float64]
MOST = {"tracklets": 1.06, "covariance intersection": 1.10}
RULES = {
    "naive": naive_product,
    "covariance intersection": covariance_intersection,
    "inverse covariance intersection": inverse_covariance_intersection,
}
SETTLE_S, CUTOFF_M = 25.0, 5000.0


def fusion(quick: bool) -> Iterator[Line]:
    """Two radars that tell each other: each rule over one central filter."""
    runs = 100 if quick else 300
    high = 6.0 + 1.96 * np.sqrt(12.0 / runs)
    for every_s in (5,) if quick else (1, 5, 10):
        case = f"Fusion across two sides, linear, fed back, exchange every {every_s} s"
        for name, score in benchmark(every_s, runs=runs).items():
            target = every_s == 5 and name in MOST
            yield Line(
                case,
                f"{name}: RMSE over the central filter's",
                score.ratio,
                "×",
                at_most=MOST[name] if target else None,
            )
            low = high if name == "naive" else None
            yield Line(case, f"{name}: ANEES (ideal 6)", score.anees, at_least=low, at_most=high if target else None)
    yield from falling_bodies(quick)


def falling_bodies(quick: bool) -> Iterator[Line]:
    """Two radars 410 km apart; each side's tracker hears its own; the fused state is shown, never fed back."""
    bodies = 40 if quick else 100
    world = falling.falls(bodies, 1, sites=(falling.HOME, falling.ABROAD))
    truth = world.truth
    alone = [confirmed(follow(*world.heard_by(side), falling.FILTER)[0]) for side in (0, 1)]
    central = confirmed(follow(world.plots, world.sensors, falling.FILTER)[0])
    held = [_by_body(states, truth) for states in (*alone, central)]
    keys = sorted(set(held[0]) & set(held[1]) & set(held[2]))
    row_of = {(int(o), round(float(t))): row for row, (o, t) in enumerate(zip(truth.object, truth.time_s, strict=True))}
    rows = np.array([row_of[key] for key in keys])
    true = np.hstack([truth.position_m[rows], truth.velocity_m_s[rows]])
    states = [(np.array([side[key][0] for key in keys]), np.array([side[key][1] for key in keys])) for side in held]
    shown = {"alone": states[0], "centralised": states[2]}
    for name, rule in RULES.items():
        means, covariances, weights = rule(*states[0], *states[1])
        assert (weights >= 0.0).all(), "a state was refused"
        shown[name] = means, covariances
    yield from _fused(shown, true, truth.phase[rows], bodies)


def _fused(shown: dict[str, tuple[Floats, Floats]], true: Floats, phase: NDArray, bodies: int) -> Iterator[Line]:
    for number, title in ((2, "coast"), (3, "reentry")):
        chosen = phase == number
        case = f"Fusion across two sides, ballistic, {bodies} bodies, {title}, {int(chosen.sum()):,} states"
        errors = {name: means[chosen] - true[chosen] for name, (means, _) in shown.items()}
        ideal = np.mean(np.sum(errors["centralised"][:, :3] ** 2, axis=1))
        for name, (_, covariances) in shown.items():
            ratio = float(np.sqrt(np.mean(np.sum(errors[name][:, :3] ** 2, axis=1)) / ideal))
            nees, judged = squared_lengths(errors[name], covariances[chosen])
            yield Line(case, f"{name}: position RMSE over the central tracker's", ratio, "×")
            yield Line(case, f"{name}: NEES, mean (ideal 6)", float(nees[judged].mean()))


def _by_body(states: TrackPaths, truth: TruePaths) -> dict[tuple[int, int], tuple[Floats, Floats]]:
    """(body, second) → the state and covariance of the track that is that body's, once it has settled."""
    means, covariances = np.hstack([states.position_m, states.velocity_m_s]), unpack_covariance(states.covariance)
    began = {int(thing): float(truth.time_s[truth.object == thing][0]) for thing in np.unique(truth.object)}
    found = {}
    for time_s in np.unique(states.time_s):
        said, was = np.flatnonzero(states.time_s == time_s), np.flatnonzero(truth.time_s == time_s)
        pairs = best_pairs(near_pairs(truth.position_m[was], means[said, :3], CUTOFF_M), CUTOFF_M, 2.0)
        for thing, row in zip(truth.object[was[pairs.truth]].tolist(), said[pairs.track].tolist(), strict=True):
            if time_s - began[thing] >= SETTLE_S:
                found[thing, round(float(time_s))] = means[row], covariances[row]
    return found
