"""Which tracks and detections of a scan could belong together: cheap looks first, then the gate.

Detections stand in order of range, so that only those whose range could fit are looked at.
"""

import math

from detente.centre.tracking._kernels_late import late_distance, look_back
from detente.centre.tracking._kernels_life import may_burn
from detente.centre.tracking._kernels_places import (
    AT,
    BOOST,
    BOOST_CEILING_M,
    CONSTANT_GRAVITY,
    FROM,
    GATE2,
    MODEL,
    PHASE,
    RANGE,
    REENTRY,
    STATUS,
    TENTATIVE,
)
from detente.centre.tracking._kernels_polar import distance2_of, look, spread_of
from detente.centre.tracking._kernels_predict import bring
from detente.centre.tracking._kernels_sight import distance_to, near_enough
from detente.jit import kernel

# What may pull a track off its straight line within a step, m/s²: only for the first, cheap look.
WEIGHT_M_S2 = 12.0
STEERING_M_S2 = 20.0
BRAKING_M_S2 = 400.0
UNDECIDED_M_S2 = 100.0
NEARBY_M = 500.0


@kernel
def slack(state, covariance, tags, i, ahead_s):
    """How far slot ``i`` may stray from its straight line in ``ahead_s``, beyond what its covariance says, m."""
    if ahead_s == 0.0:
        return 0.0
    pull = WEIGHT_M_S2
    if tags[i, PHASE] == BOOST:
        pull += abs(state[i, 6]) + 5.0 * math.sqrt(covariance[i, 6, 6]) + STEERING_M_S2
    elif tags[i, PHASE] == REENTRY:
        pull += BRAKING_M_S2
    elif tags[i, STATUS] == TENTATIVE:
        pull += UNDECIDED_M_S2
    return 0.5 * pull * ahead_s * ahead_s + NEARBY_M


@kernel
def first_at(lines, count, range_m):
    """The first of the detections, which stand in order of range, at or beyond a range."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if lines[middle, RANGE] < range_m:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def window(lines, count, x, P, ahead_s, reach, slack_m, sigma2):
    """Which detections of a scan, in order of range, could be near enough to a track: the first, and the range beyond
    which none is. Wide enough for every detection that ``near_enough`` lets pass; all of them without a range.
    """
    if sigma2 <= 0.0:
        return 0, math.inf
    dx = x[0] + ahead_s * x[3] - lines[0, FROM]
    dy = x[1] + ahead_s * x[4] - lines[0, FROM + 1]
    dz = x[2] + ahead_s * x[5] - lines[0, FROM + 2]
    spread = P[0, 0] + P[1, 1] + P[2, 2]
    if ahead_s != 0.0:
        spread = 2.0 * (spread + ahead_s * ahead_s * (P[3, 3] + P[4, 4] + P[5, 5]))
    distance = math.sqrt(dx * dx + dy * dy + dz * dz)
    wide = (1.0 + 1e-9) * reach * math.sqrt(spread + sigma2) + slack_m + 1e-6
    return first_at(lines, count, distance - wide), distance + wide


@kernel
def is_wanted(state, covariance, tags, clocks, i, lines, free, count, scan_s, reach, sigma2):
    """Whether any free detection of a scan could be that of slot ``i``, whose state is not yet brought to the scan."""
    ahead_s = scan_s - clocks[i, AT]
    stray_m = slack(state, covariance, tags, i, ahead_s)
    first, beyond = window(lines, count, state[i], covariance[i], ahead_s, reach, stray_m, sigma2)
    for j in range(first, count):
        if lines[j, RANGE] > beyond:
            break
        if free[j] and near_enough(lines[j], state[i], covariance[i], ahead_s, reach, stray_m):
            return True
    return False


@kernel
def note_pair(pairs, total, i, j, cost):
    """Write a pair down where there is room; returns one more than there were either way."""
    pair_track, pair_detection, pair_cost = pairs
    if total < pair_track.shape[0]:
        pair_track[total], pair_detection[total], pair_cost[total] = i, j, cost
    return total + 1


@kernel
def list_late_pairs(
    state, covariance, tags, clocks, i, lines, free, count, scan_s, sigma2, settings, pairs, total, memory, past
):  # fmt: skip
    """Pairs of slot ``i`` with detections from before its time, after ``total`` others: (how many, greatest cost)."""
    gate2, polar = settings[GATE2], settings[MODEL] == CONSTANT_GRAVITY
    reach, late_s = math.sqrt(gate2), scan_s - clocks[i, AT]
    stray_m, worst, looked = slack(state, covariance, tags, i, late_s), -math.inf, False
    first, beyond = window(lines, count, state[i], covariance[i], late_s, reach, stray_m, sigma2)
    for j in range(first, count):
        if lines[j, RANGE] > beyond:
            break
        if not free[j] or not near_enough(lines[j], state[i], covariance[i], late_s, reach, stray_m):
            continue
        if not looked:
            look_back(state, tags, clocks[i, AT], i, scan_s, memory, settings, past)
            looked = True
        distance2, log_volume = late_distance(lines[j], covariance[i], past, polar)
        if 0.0 <= distance2 < gate2:
            worst = max(worst, gate2 + log_volume)
            total = note_pair(pairs, total, i, j, math.sqrt(distance2) if polar else distance2 + log_volume)
    return total, worst


@kernel
def list_measured_pairs(
    state, covariance, tags, clocks, status, lines, free, count, scan_s, sigma2, settings, pairs, small, memory, past
):  # fmt: skip
    """Pairs of the constant-gravity model: how many there were; a pair's cost is its Mahalanobis distance.

    Detections stand in order of range, and only those whose range is inside the gate are looked at; ``sigma2`` is the
    greatest variance of range among them.
    """
    seen, slopes, spread = small
    gate2 = settings[GATE2]
    total = 0
    for i in range(tags.shape[0]):
        if tags[i, STATUS] != status:
            continue
        if clocks[i, AT] > scan_s:
            total, _ = list_late_pairs(
                state,
                covariance,
                tags,
                clocks,
                i,
                lines,
                free,
                count,
                scan_s,
                sigma2,
                settings,
                pairs,
                total,
                memory,
                past,
            )
            continue
        if not look(lines[0], state[i], seen, slopes):
            continue
        spread_of(covariance[i], slopes, spread)
        first, beyond = 0, seen[2] + math.inf
        if sigma2 > 0.0:
            reach_m = math.sqrt(gate2 * (spread[5] + sigma2))
            first, beyond = first_at(lines, count, seen[2] - reach_m), seen[2] + reach_m
        for j in range(first, count):
            if lines[j, RANGE] > beyond:
                break
            if not free[j]:
                continue
            distance2 = distance2_of(lines[j], seen, spread, gate2)
            if distance2 < gate2:
                total = note_pair(pairs, total, i, j, math.sqrt(distance2))
    return total


@kernel
def list_pairs(
    state, covariance, tags, clocks, status, lines, free, count, scan_s, infrared, sigma2, settings, pairs, small,
    rates, work, memory, past,
):  # fmt: skip
    """All pairs of a track of this status and a free detection inside the gate: (how many, cost of a miss).

    A track that could have one is first brought to the scan's time; one that is already later looks back.
    """
    offsets, slopes = small[0], small[1]
    gate2 = settings[GATE2]
    reach = math.sqrt(gate2)
    total, worst = 0, -math.inf
    for i in range(tags.shape[0]):
        if tags[i, STATUS] != status or not is_wanted(
            state, covariance, tags, clocks, i, lines, free, count, scan_s, reach, sigma2
        ):
            continue
        bring(state, covariance, tags, clocks, i, scan_s, settings, rates, work)
        if infrared and tags[i, PHASE] != BOOST and not may_burn(state, tags, i, 2.0 * settings[BOOST_CEILING_M]):
            continue
        if clocks[i, AT] > scan_s:
            total, most = list_late_pairs(
                state,
                covariance,
                tags,
                clocks,
                i,
                lines,
                free,
                count,
                scan_s,
                sigma2,
                settings,
                pairs,
                total,
                memory,
                past,
            )
            worst = max(worst, most)
            continue
        first, beyond = window(lines, count, state[i], covariance[i], 0.0, reach, 0.0, sigma2)
        for j in range(first, count):
            if lines[j, RANGE] > beyond:
                break
            if not free[j] or not near_enough(lines[j], state[i], covariance[i], 0.0, reach, 0.0):
                continue
            distance2, log_volume = distance_to(lines[j], state, covariance, i, offsets, slopes)
            if distance2 < 0.0 or distance2 > gate2:
                continue
            worst = max(worst, gate2 + log_volume)
            total = note_pair(pairs, total, i, j, distance2 + log_volume)
    return total, worst + 1.0 if total > 0 else 0.0
