"""What fusing across two sides costs against pooling everything: the linear benchmark, and falling bodies.

The falling bodies are seen by whole centres: each side's tracker hears its own radar, tells the other of its tracks so
many seconds apart, and the picture room associates, ages and combines. A picture is shown and never fed back. Between
two exchanges what was told grows older, as it does in a centre.
"""

from collections.abc import Iterator

import numpy as np
import tracking_ballistic as falling
from linear_fusion import benchmark
from lines import Line
from numpy.typing import NDArray
from tracking_ballistic import Falls
from tracking_centres import SLOTS, stepped

from detente.centre.picture.estimates import empty_estimates
from detente.centre.picture.fusion import Rule, fuse, start_picture
from detente.centre.picture.partner import receive, start_partner
from detente.geodesy.territory import make_territory
from detente.geodesy.territory_index import index_territories
from detente.records.slots import Phase, Status, Tracks
from detente.records.stages import Messages
from detente.scoring.consistency import squared_lengths
from detente.scoring.matching import best_pairs, near_pairs

Floats = NDArray[np.float64]
Held = dict[tuple[int, int], tuple[Floats, Floats]]  # (body, second) → state and covariance
MOST = {"tracklets": 1.06, "covariance intersection": 1.10}
RULES = {
    "naive": Rule.NAIVE,
    "covariance intersection": Rule.INTERSECTION,
    "inverse covariance intersection": Rule.INVERSE,
    "tracklets": Rule.LAWFUL,
}
TRACKLET = 5  # the data class of which successive messages may be told apart
LOWER = np.tril_indices(6)
SETTLE_S, SECONDS, CUTOFF_M = 25, 260, 5000.0


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
    """Two radars 410 km apart; each rule's picture at the first side over the tracks of one centre that hears both."""
    bodies = 30 if quick else 60
    world = falling.falls(bodies, 1, sites=(falling.HOME, falling.ABROAD))
    own, other, central = (
        [tracks for _, tracks in stepped(world, plots, plots.time_s, SECONDS)]
        for plots in (*(falling.picked(world.plots, world.plots.sensor == side) for side in (0, 1)), world.plots)
    )
    fixed = {"alone": _tracked(world, own), "centralised": _tracked(world, central)}
    for every_s in (5,) if quick else (1, 5, 10):
        shown = fixed | {name: pictured(world, own, other, every_s, rule) for name, rule in RULES.items()}
        yield from _compared(world, shown, f"ballistic, {bodies} bodies, exchange every {every_s} s")


def pictured(world: Falls, own: list[Tracks], other: list[Tracks], every_s: int, rule: Rule) -> Held:
    """What the first side's picture says of each body, told of the other's tracks every so many seconds."""
    ground = index_territories([make_territory([_box(50.0, 60.0)]), make_territory([_box(-60.0, -50.0)])])
    partner, picture = start_partner(1, SLOTS, 2), start_picture(1, SLOTS, SLOTS, 2)
    nothing, found = empty_estimates(1, SLOTS, 2), {}
    for now, (mine, theirs) in enumerate(zip(own, other, strict=True)):
        told = _told(theirs) if now % every_s == 0 else Messages.empty()
        partner = receive(partner, told, np.array([0, len(told)]), 0, ground, float(now), shown=picture)
        picture = fuse(mine, nothing, partner, 0, ground, float(now), picture, rule=rule)
        lines = np.flatnonzero(picture.status[0, :SLOTS] == Status.CONFIRMED)
        found |= _by_body(world, now, picture.mean[0, lines], picture.covariance[0, lines])
    return found


def _box(south_deg: float, north_deg: float) -> Floats:
    """A territory that nothing falls on."""
    return np.radians([(south_deg, -60.0), (south_deg, -50.0), (north_deg, -50.0), (north_deg, -60.0)])


def _told(tracks: Tracks) -> Messages:
    """Every confirmed track as a tracklet of the second side; its sensors are its own."""
    rows = np.flatnonzero(tracks.status[0] == Status.CONFIRMED)
    n = len(rows)
    blank = {name: np.zeros((n, *spec.shape), spec.dtype) for name, spec in Messages.columns()}
    told = {
        "giver": np.ones(n), "receiver": np.zeros(n), "data": np.full(n, TRACKLET),
        "released_s": np.full(n, tracks.time_s), "valid_s": np.full(n, tracks.time_s),
        "number": tracks.number[0, rows], "phase": np.maximum(tracks.phase[0, rows], Phase.BOOST),
        "state": tracks.mean[0, rows], "covariance": tracks.covariance[0, rows][:, LOWER[0], LOWER[1]],
        "sensors": tracks.sensors[0, rows],
    }  # fmt: skip
    return Messages(**{**blank, **told})


def _tracked(world: Falls, seen: list[Tracks]) -> Held:
    """What a centre's own tracks say of each body."""
    found = {}
    for now, tracks in enumerate(seen):
        held = np.flatnonzero(tracks.status[0] == Status.CONFIRMED)
        found |= _by_body(world, now, tracks.mean[0, held], tracks.covariance[0, held])
    return found


def _by_body(world: Falls, now: int, means: Floats, covariances: Floats) -> Held:
    """The states that are bodies', once these have been there for a while."""
    settled = np.flatnonzero(world.there[now] & world.there[max(now - SETTLE_S, 0)])
    pairs = best_pairs(near_pairs(world.states[now, settled, :3], means[:, :3], CUTOFF_M), CUTOFF_M, 2.0)
    return {(int(settled[i]), now): (means[j], covariances[j]) for i, j in zip(pairs.truth, pairs.track, strict=True)}


def _compared(world: Falls, shown: dict[str, Held], what: str) -> Iterator[Line]:
    """Errors and consistency over the states that all of them have."""
    keys = sorted(set.intersection(*(set(held) for held in shown.values())))
    bodies, seconds = np.array(keys).T
    true = world.states[seconds, bodies, :6]
    high = falling.height(true) > falling.REENTRY_M
    for title, chosen in (("coast", high), ("reentry", ~high)):
        case = f"Fusion across two sides, {what}, {title}, {int(chosen.sum()):,} states"
        states = {name: np.array([held[key][0] for key in keys])[chosen] for name, held in shown.items()}
        errors = {name: means - true[chosen] for name, means in states.items()}
        ideal = np.mean(np.sum(errors["centralised"][:, :3] ** 2, axis=1))
        for name, held in shown.items():
            ratio = float(np.sqrt(np.mean(np.sum(errors[name][:, :3] ** 2, axis=1)) / ideal))
            covariances = np.array([held[key][1] for key in keys])[chosen]
            nees, judged = squared_lengths(errors[name], covariances)
            yield Line(case, f"{name}: position RMSE over the central tracker's", ratio, "×")
            yield Line(case, f"{name}: NEES, mean (ideal 6)", float(nees[judged].mean()))
