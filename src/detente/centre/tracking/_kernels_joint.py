"""Whose a detection is, where that is not clear: joint probabilities in place of one assignment.

A joint event gives each track of a cluster one of its detections or none, and no detection to two tracks. Its
probability is the product of each pair's odds (likelihood times Pd over the density of false plots and over 1 - Pd Pg;
Fortmann, Bar-Shalom and Scheffe 1983, "Sonar tracking of multiple targets using joint probabilistic data association").
All events of a cluster are gone through. Where the likeliest is clearly likelier than the next, or where there are too
many, the optimal assignment stands; elsewhere every track gets its share of each detection.
"""

import math

import numpy as np

from detente.centre.tracking._kernels_assign import root
from detente.centre.tracking._kernels_places import (
    ASSOCIATION,
    BALLISTIC,
    BOOST,
    CROWDED,
    MARGIN,
    MODEL,
    ONE_ORDER,
    PHASE,
    SHARED,
)
from detente.jit import kernel

MOST_TRACKS = 8  # of a cluster settled by joint probabilities
MOST_DETECTIONS = 32
MOST_EVENTS = 20_000
NOT_BEGUN, MISSED = -2, -1
CLEAR, UNCLEAR, TOO_MANY = 0, 1, 2


@kernel
def next_event(pick, first, many, place, log_odds, taken, sums):
    """The next joint event in ``pick`` (T,): each track's detection by its order among the track's pairs, or MISSED.

    Track t's pairs are ``first[t]`` on, ``many[t]`` of them; ``place`` numbers their detections. ``taken`` and ``sums``
    (T + 1,) are what the tracks before t take, as bits, and the logarithm of their odds. False after the last event.
    """
    last = pick.size - 1
    t = 0 if pick[last] == NOT_BEGUN else last
    while t >= 0:
        pick[t] += 1
        while MISSED < pick[t] < many[t] and (taken[t] >> place[first[t] + pick[t]]) & 1:
            pick[t] += 1
        if pick[t] >= many[t]:
            pick[t] = NOT_BEGUN
            t -= 1
            continue
        taken[t + 1], sums[t + 1] = taken[t], sums[t]
        if pick[t] != MISSED:
            taken[t + 1] |= 1 << place[first[t] + pick[t]]
            sums[t + 1] += log_odds[first[t] + pick[t]]
        if t == last:
            return True
        t += 1
    return False


@kernel
def keep_likeliest(pick, first, many, place, log_odds, taken, sums, events):
    """Which of all ``events`` (in their order) are the likeliest of those in which the same tracks are seen by the same
    detections: 1 or 0 each.
    """
    tracks = pick.size
    keys, odds, kept = np.empty(events, np.int64), np.empty(events), np.zeros(events, np.int64)
    e = 0
    while next_event(pick, first, many, place, log_odds, taken, sums):
        keys[e], odds[e] = taken[tracks], sums[tracks]
        for t in range(tracks):
            if pick[t] != MISSED:
                keys[e] |= 1 << (MOST_DETECTIONS + t)
        e += 1
    order = np.argsort(keys, kind="mergesort")
    best = order[0]
    for n in range(1, events):
        if keys[order[n]] != keys[best]:
            kept[best] = 1
            best = order[n]
        elif odds[order[n]] > odds[best]:
            best = order[n]
    kept[best] = 1
    return kept


@kernel
def weigh_events(first, many, place, log_odds, margin, one_order, share, missed):
    """Fill ``share`` (pairs) and ``missed`` (T,) with probabilities, unless the likeliest event is clear or the events
    are too many. Returns CLEAR, UNCLEAR or TOO_MANY.

    With ``one_order``, of events that give the same detections to the same tracks in different order only the
    likeliest counts (JPDA*, Blom and Bloem 2000, "Probabilistic data association avoiding track coalescence").
    """
    tracks = first.size
    pick, taken, sums = np.full(tracks, NOT_BEGUN), np.zeros(tracks + 1, np.int64), np.zeros(tracks + 1)
    best = second = -math.inf
    events = 0
    while next_event(pick, first, many, place, log_odds, taken, sums):
        events += 1
        if events > MOST_EVENTS:
            return TOO_MANY
        second = max(second, min(best, sums[tracks]))
        best = max(best, sums[tracks])
    if best - second > margin:
        return CLEAR
    kept = np.ones(1, np.int64)
    if one_order:
        kept = keep_likeliest(pick, first, many, place, log_odds, taken, sums, events)
    total, e = 0.0, -1
    share[:] = 0.0
    missed[:] = 0.0
    while next_event(pick, first, many, place, log_odds, taken, sums):
        e += 1
        if one_order and not kept[e]:
            continue
        weight = math.exp(sums[tracks] - best)
        total += weight
        for t in range(tracks):
            if pick[t] == MISSED:
                missed[t] += weight
            else:
                share[first[t] + pick[t]] += weight
    for k in range(share.size):
        share[k] /= total
    for t in range(tracks):
        missed[t] /= total
    return UNCLEAR


@kernel
def number_members(members, pair_track, pair_detection, who, first, many, place):
    """Number a cluster's tracks and detections from 0: how many tracks there are, or 0 where it is too large.

    The pairs of a track follow one another, as they were listed.
    """
    tracks = detections = 0
    seen = np.empty(MOST_DETECTIONS, np.int64)
    for n in range(members.size):
        k = members[n]
        if tracks == 0 or who[tracks - 1] != pair_track[k]:
            if tracks == MOST_TRACKS:
                return 0
            who[tracks], first[tracks], many[tracks] = pair_track[k], n, 0
            tracks += 1
        many[tracks - 1] += 1
        at = 0
        while at < detections and seen[at] != pair_detection[k]:
            at += 1
        if at == detections:
            if detections == MOST_DETECTIONS:
                return 0
            seen[at] = pair_detection[k]
            detections += 1
        place[n] = at
    return tracks


@kernel
def share_cluster(members, tags, infrared, pair_track, pair_detection, log_odds, settings, share, missed):
    """Joint probabilities of one cluster, its pairs being ``members``: CLEAR, UNCLEAR or TOO_MANY.

    What a satellite sees of a track not believed to burn changes the track's meaning, so nothing is shared there.
    """
    if members.size > MOST_TRACKS * MOST_DETECTIONS:
        return TOO_MANY
    who, first, many = np.empty(MOST_TRACKS, np.int64), np.empty(MOST_TRACKS, np.int64), np.empty(MOST_TRACKS, np.int64)
    place, odds, part, none = np.empty(members.size, np.int64), log_odds[members], np.empty(members.size), np.empty(8)
    tracks = number_members(members, pair_track, pair_detection, who, first, many, place)
    if tracks == 0:
        return TOO_MANY
    if infrared and settings[MODEL] == BALLISTIC:
        for t in range(tracks):
            if tags[who[t], PHASE] != BOOST:
                return CLEAR
    found = weigh_events(
        first[:tracks], many[:tracks], place, odds, settings[MARGIN], settings[ASSOCIATION] == ONE_ORDER, part,
        none[:tracks],
    )  # fmt: skip
    if found == UNCLEAR:
        share[members] = part
        for t in range(tracks):
            missed[who[t]] = none[t]
    return found


@kernel
def share_out(tags, infrared, total, pairs, nodes, grouped, joint, settings, counts):
    """After ``assign``: fill ``joint`` with the shares of every cluster that is not clear.

    ``joint`` is (log_odds, share) by pair, and ``missed`` by track: below 0 where its assignment stands. A pair alone
    is left as it is, so a track that nothing else is near is updated as if there were no probabilities.
    """
    pair_track, pair_detection, _ = pairs
    log_odds, share, missed, _ = joint
    parent, ends = nodes[0], nodes[2]
    missed[: tags.shape[0]] = -1.0
    first = 0
    while first < total:
        last = ends[root(parent, pair_track[grouped[first]])]
        if last > first + 1:
            found = share_cluster(
                grouped[first:last], tags, infrared, pair_track, pair_detection, log_odds, settings, share, missed
            )
            if found == UNCLEAR:
                counts[SHARED] += 1
            elif found == TOO_MANY:
                counts[CROWDED] += 1
        first = last


@kernel
def begin_mixture(mean, spread):
    """An empty mixture: ``mean`` (7,) relative to the prior's and ``spread`` (7, 7)."""
    mean[:] = 0.0
    spread[:] = 0.0


@kernel
def add_component(weight, x, P, prior, mean, spread):
    """Add a Gaussian (x, P) of a weight to a mixture held relative to ``prior`` (7,): sums of x - prior, P and its
    square.
    """
    for a in range(7):
        off = x[a] - prior[a]
        mean[a] += weight * off
        for b in range(a + 1):
            spread[a, b] += weight * (P[a, b] + off * (x[b] - prior[b]))


@kernel
def end_mixture(prior, mean, spread, x, P):
    """The Gaussian of a mixture's mean and covariance, into (x, P): the spread between its components is part of it."""
    for a in range(7):
        x[a] = prior[a] + mean[a]
        for b in range(a + 1):
            P[a, b] = spread[a, b] - mean[a] * mean[b]
            P[b, a] = P[a, b]
