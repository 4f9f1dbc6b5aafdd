"""Where and when a centre says that falling bodies will land, over what the best of filters could say.

One radar, the centre's own step and the picture's own estimator. The bound is the Cramér–Rao bound of the state, put at
the true state and carried to the ground by the same estimator, with the same prior of the ballistic coefficient, which
is the one that the bodies are drawn from. So both impacts hold what the unknown drag does, and differ by the tracker.
Nothing shakes the bodies, as in the studies' worlds: the picture knows of no shaking in the air.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from statistics import median

import numpy as np
import tracking_ballistic as falling
from lines import Line
from numpy.typing import NDArray
from tracking_ballistic import Falls
from tracking_centres import SLOTS, stepped

from detente.centre.picture.estimates import DatedEstimates, estimate
from detente.centre.picture.settings import PictureSettings
from detente.centre.tracking import tracker
from detente.geodesy.distance import shortest_paths
from detente.geodesy.ellipsoid import ecef_to_geodetic
from detente.geodesy.territory import make_territory
from detente.geodesy.territory_index import index_territories
from detente.records.slots import Phase, Status
from detente.scoring.matching import best_pairs, near_pairs

Floats = NDArray[np.float64]
Said = dict[tuple[int, int], tuple[Floats, Floats]]  # (body, second) → latitude and longitude, and the 2×2 covariance
SECONDS, CUTOFF_M, SETTLE_S = 260, 5000.0, 25
SHARP_M = 50e3  # a statement whose 95 % ellipse is no longer than this is one to act on
INSIDE_95 = -2.0 * math.log(0.05)
FILTER = falling.FILTER
# The prior of the coefficient as the picture has it: the mean of its inverse, and that one's spread.
MATCHED = PictureSettings(
    ballistic_coefficient_kg_m2=FILTER.nominal_beta_kg_m2 / FILTER.lightness_mean,
    ballistic_log_sigma=math.log1p(math.sqrt(FILTER.lightness_variance) / FILTER.lightness_mean),
)
NOWHERE = index_territories([make_territory([np.radians([(50.0, -60.0), (50.0, -50.0), (60.0, -50.0)])])])


def impacts(quick: bool) -> Iterator[Line]:
    """Error of the impact and moment of the first sharp statement, in the coast, over the bound's."""
    bodies = 30 if quick else 100
    world = falling.falls(bodies, 1, shaken=False)
    landed = _landed(world)
    (ours, anew), least = _told(world), _bounded(world)
    both = [key for key in sorted(set(ours) & set(least)) if key[0] in landed and _settled(world, key)]
    case = f"Impacts foretold in the coast, one radar, unknown coefficient: {bodies} bodies, {len(both):,} statements"
    off, spread = _errors(ours, landed, both)
    yield Line(case, "impact error, RMSE", math.sqrt((off**2).sum(axis=1).mean()) / 1e3, "km")
    ideal = np.array([least[key][1] for key in both])
    for head, errors in (("", off), ("predicted at every moment: ", _errors(anew, landed, both)[0])):
        whole, across = _over_bound(errors, ideal)
        yield Line(case, f"{head}impact error over the bound", whole, "×")
        yield Line(case, f"{head}the same across the direction in which drag moves it", across, "×")
    inside = np.einsum("ni,nij,nj->n", off, np.linalg.inv(spread), off) <= INSIDE_95
    yield Line(case, "share inside the stated 95 % ellipse", float(inside.mean()))
    first = [_first_sharp(said) for said in (ours, least)]
    shared = sorted(set(first[0]) & set(first[1]) & set(landed))
    end = {thing: int(np.flatnonzero(world.there[:, thing])[-1]) for thing in shared}
    lead = [float(median(end[thing] - one[thing] for thing in shared)) for one in first]
    yield Line(case, f"time from the first statement to {SHARP_M / 1e3:.0f} km to impact, median", lead[0], "s")
    yield Line(case, "the same of the bound", lead[1], "s")
    yield Line(case, "bodies sharply stated, over the bound's", len(first[0]) / len(first[1]))


def _landed(world: Falls) -> dict[int, Floats]:
    """Latitude and longitude at which each body came down, between two scans in a straight line."""
    found = {}
    for thing in range(world.states.shape[1]):
        last = np.flatnonzero(world.there[:, thing])
        if not len(last) or last[-1] + 1 >= len(world.states):
            continue
        ends = world.states[last[-1] : last[-1] + 2, thing]
        above = falling.height(ends)
        place = ends[0, :3] + above[0] / (above[0] - above[1]) * (ends[1, :3] - ends[0, :3])
        found[thing] = ecef_to_geodetic(place[None])[0, :2]
    return found


def _errors(said: Said, landed: dict[int, Floats], keys: list[tuple[int, int]]) -> tuple[Floats, Floats]:
    """How far off statements are, (n, 2) m, and the covariances they give, (n, 2, 2)."""
    return np.array([_off(said[key][0], landed[key[0]]) for key in keys]), np.array([said[key][1] for key in keys])


def _over_bound(off: Floats, ideal: Floats) -> tuple[float, float]:
    """RMSE over the bound's: of both directions, and of the shorter axis of the bound's ellipse.

    Along its shorter axis an ellipse holds what the state leaves open, along its longer one what the drag does.
    """
    lengths, axes = np.linalg.eigh(ideal)
    across = np.einsum("ni,ni->n", off, axes[:, :, 0])
    whole = (off**2).sum(axis=1).mean() / np.trace(ideal, axis1=1, axis2=2).mean()
    return math.sqrt(whole), math.sqrt((across**2).mean() / lengths[:, 0].mean())


def _told(world: Falls) -> tuple[Said, Said]:
    """What the centre states of the tracks that are bodies', and what it would if it predicted every second."""
    said, found, anew = None, {}, {}
    for now, tracks in stepped(world, world.plots, world.plots.time_s, SECONDS):
        said, fresh = estimate(tracks, said, NOWHERE, MATCHED), estimate(tracks, None, NOWHERE, MATCHED)
        valid = (said.impact_valid[0] == 1) & (fresh.impact_valid[0] == 1)
        held = np.flatnonzero((tracks.status[0] == Status.CONFIRMED) & valid)
        there = np.flatnonzero(world.there[now])
        pairs = best_pairs(near_pairs(world.states[now, there, :3], tracks.mean[0, held, :3], CUTOFF_M), CUTOFF_M, 2.0)
        for i, j in zip(pairs.truth, pairs.track, strict=True):
            key = (int(there[i]), now)
            found[key], anew[key] = _stated(said, int(held[j])), _stated(fresh, int(held[j]))
    return found, anew


def _bounded(world: Falls) -> Said:
    """The same of true states known as well as the bound allows."""
    found = {}
    for now, alive, covariances in falling.bounds_over(world):
        if now > SECONDS:
            break
        alive, covariances = alive[:SLOTS], covariances[:SLOTS]
        n = len(alive)
        blank, one = tracker.start(1, n), np.ones((1, n))
        mean, spread = world.states[now, alive, :6][None], np.ascontiguousarray(covariances[None, :, :6, :6])
        tracks = replace(
            blank, time_s=float(now), status=(Status.CONFIRMED * one).astype(np.uint8), number=1 + np.arange(n)[None],
            mean=mean, covariance=spread, phase=(Phase.COAST * one).astype(np.uint8), updated_s=now * one,
            first_mean=mean, first_covariance=spread, first_s=now * one, start_ecef_m=mean[..., :3].copy(),
        )  # fmt: skip
        said = estimate(tracks, None, NOWHERE, MATCHED)
        found |= {(int(alive[k]), now): _stated(said, int(k)) for k in np.flatnonzero(said.impact_valid[0] == 1)}
    return found


def _stated(said: DatedEstimates, slot: int) -> tuple[Floats, Floats]:
    east, cross, north = said.impact_covariance_m2[0, slot]
    place = np.array([said.impact_lat_rad[0, slot], said.impact_lon_rad[0, slot]])
    return place, np.array([[east, cross], [cross, north]])


def _settled(world: Falls, key: tuple[int, int]) -> bool:
    """Above the air, and there for a while."""
    thing, now = key
    there = bool(world.there[max(now - SETTLE_S, 0), thing])
    return there and bool(falling.height(world.states[now, thing]) > falling.AIR_M)


def _off(said: Floats, landed: Floats) -> Floats:
    """East and north of a stated impact, m."""
    path = shortest_paths(said[None], landed[None])
    return path.distance_m[0] * np.array([np.sin(path.azimuth_start_rad[0]), np.cos(path.azimuth_start_rad[0])])


def _first_sharp(said: Said) -> dict[int, int]:
    """When each body's 95 % ellipse was first no longer than asked."""
    first: dict[int, int] = {}
    for (thing, now), (_, spread) in sorted(said.items(), key=lambda item: item[0][1]):
        if thing not in first and INSIDE_95 * np.linalg.eigvalsh(spread)[1] <= SHARP_M**2:
            first[thing] = now
    return first
