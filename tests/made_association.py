"""Joint association by definition: every way of giving tracks their detections, one after another, in plain Python."""

import itertools
import math

import numpy as np
from tests import made_tracking as made

from detente.centre.tracking import _kernels_assign as assigning
from detente.centre.tracking import _kernels_joint as kernels
from detente.centre.tracking import _kernels_places as places
from detente.centre.tracking.settings import Association, Settings


def crossing(seed, *, speed_m_s=540.0, gap_m=450.0, detection=made.DETECTION, scans=40):
    """Two objects on courses that cross in mid-file at a speed and a height apart, and one far off: truth (scans, 3, 6)
    and the radar's plots, all of them in the first six scans.
    """
    chance = np.random.default_rng(seed)
    half = 0.5 * (scans - 1)
    one = np.array([6e5, 0.0, 3e5, 1_500.0, 200.0, 400.0])
    other = one.copy()
    other[4] -= speed_m_s
    other[1] += speed_m_s * half
    other[2] += gap_m
    states = np.stack([one, other, [5e5, 3e5, 2e5, -800.0, 500.0, 700.0]])
    truth, plots = np.zeros((scans, 3, 6)), []
    for k in range(scans):
        states = made.moved(states, chance) if k else states
        truth[k] = states
        level = np.hypot(states[:, 0], states[:, 1])
        exact = np.stack(
            [np.arctan2(states[:, 2], level), np.arctan2(states[:, 1], states[:, 0]), np.hypot(level, states[:, 2])], 1
        )
        seen = exact + chance.standard_normal(exact.shape) * made.SIGMAS
        plots.append(seen[chance.random(3) < (detection if k > 5 else 1.0)])
    return truth, plots


def by_hand(tracks, pairs, one_order=False):
    """Probabilities (pairs,) and of a miss (tracks,) over all joint events; pairs are (track, detection, log odds).

    With ``one_order``, over the likeliest alone of those that give the same detections to the same tracks.
    """
    choices = [[(None, 0.0, None)] for _ in range(tracks)]
    for k, (t, d, odds) in enumerate(pairs):
        choices[t].append((d, odds, k))
    share, missed, total = np.zeros(len(pairs)), np.zeros(tracks), 0.0
    events = []
    for event in itertools.product(*choices):
        taken = [d for d, _, _ in event if d is not None]
        if len(set(taken)) == len(taken):
            alike = (frozenset(taken), tuple(d is None for d, _, _ in event))
            events.append((alike, math.exp(sum(odds for _, odds, _ in event)), event))
    for alike, weight, event in events:
        if one_order and any(other == alike and more > weight for other, more, _ in events):
            continue
        total += weight
        for t, (_, _, k) in enumerate(event):
            if k is None:
                missed[t] += weight
            else:
                share[k] += weight
    return share / total, missed / total


def shared_out(tracks, detections, pairs, margin=1e9, association=Association.JPDA):
    """The same from the kernels, cluster by cluster: shares (pairs,), misses (tracks,) and the counts. A track whose
    assignment stands has a miss of -1.
    """
    pairs = sorted(pairs)
    columns = np.array([*pairs, (0, 0, 0.0)], float)
    listed = (columns[:, 0].astype(np.int64), columns[:, 1].astype(np.int64), -columns[:, 2])
    nodes, grouped = np.zeros((4, tracks + detections), np.int64), np.zeros(len(pairs) + 1, np.int64)
    wide = 2 * tracks + detections
    work = (
        np.empty((tracks, wide)), np.empty(tracks), np.empty(wide), np.empty(wide), np.empty(wide, np.int64),
        np.empty(wide, np.int64), np.empty(tracks, np.int64), np.empty(wide, np.int64), np.empty(tracks, np.int64),
        np.empty(wide, np.int64),
    )  # fmt: skip
    assigning.assign(tracks, detections, len(pairs), *listed, 1e6, np.zeros(tracks, np.int64), nodes, grouped, work)
    settings = Settings(ambiguity_margin=margin, association=association).packed()
    tags, counts = np.zeros((tracks, places.TAGS), np.int64), np.zeros(places.COUNTS, np.int64)
    joint = (columns[:, 2].copy(), np.full(len(columns), np.nan), np.empty(tracks), np.empty(detections))
    kernels.share_out(tags, False, len(pairs), listed, nodes, grouped, joint, settings, counts)
    return joint[1][:-1], joint[2], counts
