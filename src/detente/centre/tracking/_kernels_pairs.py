"""Which tracks and detections of a scan could belong together: cheap looks first, then the gate.

Detections stand in order of range, so that only those whose range could fit are looked at.
"""

import math

import numpy as np

from detente.centre.tracking._kernels_bias import bring_leaning, is_learning, widen
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
    NUMBER,
    PHASE,
    RANGE,
    REENTRY,
    STATUS,
    TENTATIVE,
    VAR_RATE,
)
from detente.centre.tracking._kernels_polar import distance2_of, log_volume_of, look, spread_of
from detente.centre.tracking._kernels_sight import distance_to, near_enough
from detente.jit import kernel

# What may pull a track off its straight line within a step, m/s²: only for the first, cheap look.
WEIGHT_M_S2 = 12.0
STEERING_M_S2 = 20.0
BRAKING_M_S2 = 400.0
UNDECIDED_M_S2 = 100.0
NEARBY_M = 500.0
EDGE = 1e-6  # a squared distance this near the gate, as a share of it, is on its edge: rounding may decide
# Range rates of false plots are taken to spread evenly over this, m/s (closing speeds within 5 km/s): what a pair with
# a range rate is measured against when another has none.
RATES_M_S = 10_000.0
RATE_VOLUME = math.log(2.0 * math.pi / RATES_M_S**2)


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


@kernel(inline=True)
def note_pair(pairs, joint, total, i, j, cost, fit):
    """Write a pair down where there is room; returns one more than there were either way.

    ``fit`` is d² + ln det S. ``joint`` has room where joint probabilities are asked for: its first row then holds the
    pair's log odds, to which ``share_out`` of ``_kernels_joint`` needs only the sensor's own part added.
    """
    pair_track, pair_detection, pair_cost = pairs
    if total < pair_track.shape[0]:
        pair_track[total], pair_detection[total], pair_cost[total] = i, j, cost
        if joint[0].shape[0] > 0:
            joint[0][total] = -0.5 * fit
    return total + 1


@kernel(inline=True)
def is_inside(distance2, gate2, edges, number, j):
    """Whether a squared distance is inside the gate; one on the gate's edge is also written down, while there is room.

    ``edges`` is (track numbers, detections, squared distances, (1,) how many there were).
    """
    if abs(distance2 - gate2) <= EDGE * gate2:
        numbers, detections, distances, many = edges
        if many[0] < numbers.shape[0]:
            numbers[many[0]], detections[many[0]], distances[many[0]] = number, j, distance2
        many[0] += 1
    return 0.0 <= distance2 < gate2


@kernel
def with_rate(line, x, P, polar):
    """Squared distance and log det S of a detection with a range rate: the joint one of all that was measured."""
    return late_distance(line, P, (x, np.eye(7), np.zeros((7, 7))), polar)


@kernel
def with_rate_of(line, state, covariance, i, leaning, wide):
    """Squared distance and fit of slot ``i`` in the constant-gravity model, by the covariance it is gated by."""
    if leaning:
        distance2, log_volume = with_rate(line, state[i], wide, True)
    else:
        distance2, log_volume = with_rate(line, state[i], covariance[i], True)
    return distance2, distance2 + log_volume + RATE_VOLUME


@kernel
def spread_widely(line, x, P, slopes, biases, i, sensor, wide, spread):
    """``spread_of`` the covariance, put into ``wide``, by which slot ``i`` is gated where biases are estimated."""
    widen(line, x, P, biases[4][i], sensor, biases[1], wide)
    spread_of(wide, slopes, spread)


@kernel
def list_late_pairs(
    state, covariance, tags, clocks, i, lines, free, count, scan_s, sigma2, settings, pairs, total, memory, past,
    joint, edges,
):  # fmt: skip
    """Pairs of slot ``i`` with detections from before its time, after ``total`` others: (how many, greatest cost)."""
    gate2, polar = settings[GATE2], settings[MODEL] == CONSTANT_GRAVITY
    reach, late_s = math.sqrt(gate2 * (1.0 + EDGE)), scan_s - clocks[i, AT]
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
        if is_inside(distance2, gate2, edges, tags[i, NUMBER], j):
            fit = distance2 + log_volume + (RATE_VOLUME if lines[j, VAR_RATE] > 0.0 else 0.0)
            worst = max(worst, gate2 - distance2 + fit)
            total = note_pair(pairs, joint, total, i, j, math.sqrt(distance2) if polar else fit, fit)
    return total, worst


@kernel
def list_measured_pairs(
    state, covariance, tags, clocks, status, lines, free, count, scan_s, sigma2, settings, pairs, small, memory, past,
    joint, edges, biases, sensor,
):  # fmt: skip
    """Pairs of the constant-gravity model: how many there were; a pair's cost is its Mahalanobis distance.

    Detections stand in order of range, and only those whose range is inside the gate are looked at; ``sigma2`` is the
    greatest variance of range among them.
    """
    seen, slopes, spread = small
    gate2 = settings[GATE2]
    wide2, weighed, leaning = gate2 * (1.0 + EDGE), joint[0].shape[0] > 0, is_learning(biases)
    total, wide = 0, np.empty((7, 7))
    for i in range(tags.shape[0]):
        if tags[i, STATUS] != status:
            continue
        if clocks[i, AT] > scan_s:
            total, _ = list_late_pairs(
                state, covariance, tags, clocks, i, lines, free, count, scan_s, sigma2, settings, pairs, total, memory,
                past, joint, edges,
            )  # fmt: skip
            continue
        if not look(lines[0], state[i], seen, slopes):
            continue
        spread_of(covariance[i], slopes, spread)
        if leaning:
            spread_widely(lines[0], state[i], covariance[i], slopes, biases, i, sensor, wide, spread)
        first, beyond = 0, seen[2] + math.inf
        if sigma2 > 0.0:
            reach_m = math.sqrt(wide2 * (spread[5] + sigma2))
            first, beyond = first_at(lines, count, seen[2] - reach_m), seen[2] + reach_m
        for j in range(first, count):
            if lines[j, RANGE] > beyond:
                break
            if not free[j]:
                continue
            distance2, fit = distance2_of(lines[j], seen, spread, wide2), 0.0
            if distance2 >= wide2:
                continue
            if lines[j, VAR_RATE] > 0.0:
                distance2, fit = with_rate_of(lines[j], state, covariance, i, leaning, wide)
            elif weighed:
                fit = distance2 + log_volume_of(lines[j], spread)
            if is_inside(distance2, gate2, edges, tags[i, NUMBER], j):
                total = note_pair(pairs, joint, total, i, j, math.sqrt(distance2), fit)
    return total


@kernel
def list_pairs(
    state, covariance, tags, clocks, status, lines, free, count, scan_s, infrared, sigma2, settings, pairs, small,
    rates, work, memory, past, joint, edges, biases, sensor,
):  # fmt: skip
    """All pairs of a track of this status and a free detection inside the gate: (how many, cost of a miss).

    A track that could have one is first brought to the scan's time; one that is already later looks back.
    """
    offsets, slopes = small[0], small[1]
    gate2 = settings[GATE2]
    reach, leaning = math.sqrt(gate2 * (1.0 + EDGE)), is_learning(biases)
    total, worst, wide = 0, -math.inf, np.empty((1, 7, 7))
    for i in range(tags.shape[0]):
        if tags[i, STATUS] != status or not (
            leaning or is_wanted(state, covariance, tags, clocks, i, lines, free, count, scan_s, reach, sigma2)
        ):
            continue
        bring_leaning(state, covariance, tags, clocks, i, scan_s, settings, rates, work, biases)
        if infrared and tags[i, PHASE] != BOOST and not may_burn(state, tags, i, 2.0 * settings[BOOST_CEILING_M]):
            continue
        if clocks[i, AT] > scan_s:
            total, most = list_late_pairs(
                state, covariance, tags, clocks, i, lines, free, count, scan_s, sigma2, settings, pairs, total, memory,
                past, joint, edges,
            )  # fmt: skip
            worst = max(worst, most)
            continue
        P = covariance[i : i + 1]
        if leaning:
            widen(lines[0], state[i], covariance[i], biases[4][i], sensor, biases[1], wide[0])
            P = wide
        first, beyond = window(lines, count, state[i], P[0], 0.0, reach, 0.0, sigma2)
        for j in range(first, count):
            if lines[j, RANGE] > beyond:
                break
            if not free[j] or not near_enough(lines[j], state[i], P[0], 0.0, reach, 0.0):
                continue
            distance2, log_volume = distance_to(lines[j], state[i : i + 1], P, 0, offsets, slopes)
            if lines[j, VAR_RATE] > 0.0 and 0.0 <= distance2 < gate2 * (1.0 + EDGE):
                distance2, log_volume = with_rate(lines[j], state[i], P[0], False)
                log_volume += RATE_VOLUME
            if is_inside(distance2, gate2, edges, tags[i, NUMBER], j):
                worst = max(worst, gate2 + log_volume)
                total = note_pair(pairs, joint, total, i, j, distance2 + log_volume, distance2 + log_volume)
    return total, worst + 1.0 if total > 0 else 0.0
