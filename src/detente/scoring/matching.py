"""Which track is which object at one moment: the best one-to-one pairing of those nearer than a cut-off."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Pairs(NamedTuple):
    """Rows of truth and rows of tracks that belong together, and how far apart they are (m)."""

    truth: Ints
    track: Ints
    distance_m: Floats


def near_pairs(truth_m: Floats, tracks_m: Floats, cutoff_m: float) -> Pairs:
    """Every pair nearer than the cut-off: positions (n, 3) and (m, 3), m."""
    if not len(truth_m) or not len(tracks_m):
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    lists = KDTree(tracks_m).query_ball_point(truth_m, cutoff_m)
    truth = np.repeat(np.arange(len(truth_m)), [len(found) for found in lists])
    track = np.array([row for found in lists for row in sorted(found)], np.int64)
    distance = np.linalg.norm(truth_m[truth] - tracks_m[track], axis=1)
    inside = distance < cutoff_m
    return Pairs(truth[inside], track[inside], distance[inside])


def best_pairs(near: Pairs, cutoff_m: float, order: float) -> Pairs:
    """The one-to-one pairing that the GOSPA and OSPA metrics ask for: it makes Σ (cut-off^p - distance^p) greatest.

    Pairs that share no track and no object, even through others, are solved apart, so that thousands of objects cost
    little more than their neighbourhoods. In order of truth row.
    """
    if not len(near.truth):
        return near
    truths, tracks = int(near.truth.max()) + 1, int(near.track.max()) + 1
    size = truths + tracks
    edges = coo_matrix((np.ones(len(near.truth)), (near.truth, truths + near.track)), shape=(size, size))
    island = connected_components(edges, directed=False)[1][near.truth]
    ordered = np.argsort(island, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(island[ordered]) != 0])
    gain = 1.0 - (near.distance_m / cutoff_m) ** order
    alone = np.diff(np.r_[starts, len(ordered)]) == 1
    kept = [ordered[starts[alone]]]
    kept += [_best_of_island(near, gain, rows) for rows in np.split(ordered, starts[1:]) if len(rows) > 1]
    chosen = np.concatenate(kept)
    chosen = chosen[np.argsort(near.truth[chosen])]
    return Pairs(near.truth[chosen], near.track[chosen], near.distance_m[chosen])


def _best_of_island(near: Pairs, gain: Floats, rows: Ints) -> Ints:
    """Of these connected pairs, those to keep."""
    truths, i = np.unique(near.truth[rows], return_inverse=True)
    tracks, j = np.unique(near.track[rows], return_inverse=True)
    gains, which = np.zeros((len(truths), len(tracks))), np.full((len(truths), len(tracks)), -1)
    gains[i, j], which[i, j] = gain[rows], rows
    chosen = which[linear_sum_assignment(gains, maximize=True)]
    return chosen[chosen >= 0]


def kept_pairs(near: Pairs, before: dict[int, int], objects: Ints, numbers: Ints, cutoff_m: float) -> Pairs:
    """Pairing that stays with what it said a moment ago while that is still within the cut-off (CLEAR MOT's rule).

    ``before``: object → track number of the last moment; ``objects`` and ``numbers`` name the rows of truth and tracks.
    Without it, two objects passing each other would count as changes of identity that no tracker made.
    K. Bernardin and R. Stiefelhagen, EURASIP J. Image and Video Processing, 2008, section 2.1.
    """
    said = np.array([before.get(int(thing), -1) for thing in objects[near.truth]], np.int64)
    stays = (said == numbers[near.track]) & (said >= 0)
    taken_truth, taken_track = near.truth[stays], near.track[stays]
    free = ~np.isin(near.truth, taken_truth) & ~np.isin(near.track, taken_track)
    rest = best_pairs(Pairs(near.truth[free], near.track[free], near.distance_m[free]), cutoff_m, 1.0)
    truth = np.concatenate((taken_truth, rest.truth))
    track = np.concatenate((taken_track, rest.track))
    distance = np.concatenate((near.distance_m[stays], rest.distance_m))
    order = np.argsort(truth)
    return Pairs(truth[order], track[order], distance[order])
