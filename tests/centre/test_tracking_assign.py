"""The assignment kernel against scipy's, and its clusters."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from detente.centre.tracking import _kernels_assign as kernels

MISS = 40.0


def solve(tracks, detections, pairs, room=64):
    """``pairs``: (track, detection, cost). Clusters of more than ``room`` tracks are settled hurriedly."""
    rows, wide = min(tracks, room), min(tracks, room) + min(detections, 2 * room)
    columns = np.array([*pairs, (0, 0, 0.0)], float)
    work = (
        np.empty((rows, wide)), np.empty(rows), np.empty(wide), np.empty(wide), np.empty(wide, np.int64),
        np.empty(wide, np.int64), np.empty(rows, np.int64), np.empty(wide, np.int64),
        np.empty(rows, np.int64), np.empty(wide, np.int64),
    )  # fmt: skip
    chosen = np.zeros(tracks, np.int64)
    hurried = kernels.assign(
        tracks, detections, len(pairs), columns[:, 0].astype(np.int64), columns[:, 1].astype(np.int64),
        np.ascontiguousarray(columns[:, 2]), MISS, chosen, np.zeros((4, tracks + detections), np.int64),
        np.zeros(len(pairs) + 1, np.int64), work,
    )  # fmt: skip
    assert hurried == 0 or room < tracks
    return chosen


def cost_of(chosen, pairs):
    table = {(t, d): c for t, d, c in pairs}
    return sum(MISS if d < 0 else table[t, d] for t, d in enumerate(chosen))


@pytest.mark.parametrize("seed", range(40))
def test_cost_is_the_least_there_is(seed):
    chance = np.random.default_rng(seed)
    tracks, detections = chance.integers(1, 12, 2)
    pairs = [
        (t, d, float(chance.uniform(-10, 20)))
        for t in range(tracks)
        for d in range(detections)
        if chance.random() < 0.4
    ]
    chosen = solve(tracks, detections, pairs)
    full = np.full((tracks, detections + tracks), 1e9)
    full[np.arange(tracks), detections + np.arange(tracks)] = MISS
    for t, d, c in pairs:
        full[t, d] = c
    rows, columns = linear_sum_assignment(full)
    used = chosen[chosen >= 0]
    assert len(set(used)) == len(used)
    assert cost_of(chosen, pairs) == pytest.approx(full[rows, columns].sum(), rel=1e-12)


def test_a_lone_pair_is_taken_and_a_lone_track_is_not():
    assert list(solve(3, 2, [(1, 0, 5.0)])) == [-1, 0, -1]


def test_the_greedy_choice_is_not_always_right():
    # Track 0 is nearest to detection 0, but only track 1 has no other.
    assert list(solve(2, 2, [(0, 0, 1.0), (0, 1, 2.0), (1, 0, 3.0)])) == [1, 0]


def test_a_cluster_too_large_is_settled_cheapest_first():
    chance = np.random.default_rng(3)
    pairs = [(t, d, float(chance.uniform(0, 20))) for t in range(9) for d in range(9)]
    chosen, taken, want = solve(9, 9, pairs, room=4), set(), {}
    for t, d, _ in sorted(pairs, key=lambda pair: pair[2]):
        if t not in want and d not in taken:
            want[t] = d
            taken.add(d)
    assert list(chosen) == [want[t] for t in range(9)]
