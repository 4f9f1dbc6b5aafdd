"""Which looks a track missed, when it ends, and which of two tracks of one object stays."""

import math

import numpy as np

from detente.centre.tracking._kernels_life import clear_slot, doubt_burning, weigh_burning
from detente.centre.tracking._kernels_places import (
    AHEAD_EAST,
    AHEAD_NORTH,
    BOOST,
    BORN,
    BURNING,
    BURNING_BY,
    COAST_LIMIT_S,
    CONFIRMED,
    CONFIRMED_MISSES,
    COS_HALF_WIDTH,
    DETECTION,
    EAST,
    EMPTY,
    GRAZING,
    HITS,
    INSTRUMENTED,
    MERGE2,
    MERGE_M,
    MERGED,
    MISSES,
    NORTH,
    NUMBER,
    OFFSET,
    PHASE,
    RADAR,
    REVISIT,
    ROW,
    SEEN,
    SENSORS,
    SIGMA_LIMIT_M,
    SINE_MAX,
    SINE_MIN,
    SITE,
    SITE_PRECISION,
    SITE_PULL,
    START,
    STATUS,
    SURE_RANGE,
    TENTATIVE,
    TENTATIVE_MISSES,
    TENTATIVE_S,
    UNSOUND,
    UP,
    UPDATED,
)
from detente.centre.tracking._kernels_predict import climb_rate, radial_height
from detente.centre.tracking._kernels_sight import satellite_position
from detente.geodesy._kernels import line_of_sight_clear
from detente.jit import kernel

UNDER_M = 0.0


@kernel
def looks_between(before_s, now_s, offset_s, revisit_s):
    """How many looks a sensor takes in (before, now]."""
    if not revisit_s > 0.0:
        return 0
    return int(math.floor((now_s - offset_s) / revisit_s) - math.floor((before_s - offset_s) / revisit_s))


@kernel
def in_radar_view(sites, draws, s, px, py, pz):
    """Whether a place lies in a radar's sector, elevations and instrumented range."""
    dx, dy, dz = px - sites[s, SITE], py - sites[s, SITE + 1], pz - sites[s, SITE + 2]
    east = dx * sites[s, EAST] + dy * sites[s, EAST + 1] + dz * sites[s, EAST + 2]
    north = dx * sites[s, NORTH] + dy * sites[s, NORTH + 1] + dz * sites[s, NORTH + 2]
    up = dx * sites[s, UP] + dy * sites[s, UP + 1] + dz * sites[s, UP + 2]
    level = math.sqrt(east * east + north * north)
    distance = math.sqrt(level * level + up * up)
    if up < sites[s, SINE_MIN] * distance or up > sites[s, SINE_MAX] * distance or distance > draws[s, INSTRUMENTED]:
        return False
    ahead = sites[s, AHEAD_EAST] * east + sites[s, AHEAD_NORTH] * north
    return sites[s, COS_HALF_WIDTH] <= -1.0 or ahead >= sites[s, COS_HALF_WIDTH] * level


@kernel
def in_satellite_view(sites, draws, s, px, py, pz, time_s):
    """Whether the straight line from a satellite to a place clears the limb."""
    ox, oy, oz = satellite_position(sites, draws, s, time_s)
    return line_of_sight_clear(ox, oy, oz, px, py, pz, sites[s, GRAZING])


@kernel
def is_due(state, tags, i, s, kinds, sites, draws, now_s):
    """Whether sensor ``s`` should see slot ``i`` when it looks.

    A sensor should see, while it is in its view, what it has seen before; and a radar also what is so near that it
    would see even a faint object surely.
    """
    known = (tags[i, SENSORS] >> s) & 1 == 1
    x = state[i]
    if kinds[s] != RADAR:
        return known and in_satellite_view(sites, draws, s, x[0], x[1], x[2], now_s)
    if not known:
        dx, dy, dz = x[0] - sites[s, SITE], x[1] - sites[s, SITE + 1], x[2] - sites[s, SITE + 2]
        if tags[i, STATUS] != CONFIRMED or dx * dx + dy * dy + dz * dz > draws[s, SURE_RANGE] ** 2:
            return False
    return in_radar_view(sites, draws, s, x[0], x[1], x[2])


@kernel
def count_misses(
    state, covariance, tags, clocks, i, seen_by, kinds, sides, sites, draws, looks, now_s, settings, gain
):  # fmt: skip
    """Count the looks at which slot ``i`` should have been seen, and was not.

    A burning track that a satellite has seen is held by satellites: their looks count and radars' do not; otherwise
    it is the other way round. ``seen_by`` is the set of sensors that saw it in this step; one of the kind that counts
    sets the count to zero. Only sensors of the sides that have fed the track count: others do not report here.
    """
    held_by_satellites = tags[i, PHASE] == BOOST and tags[i, SEEN] == 1
    heard, fed = 0, False
    for s in range(sites.shape[0]):
        if (tags[i, SENSORS] >> s) & 1:
            heard |= 1 << sides[s]
        fed |= (seen_by >> s) & 1 == 1 and (kinds[s] == RADAR) != held_by_satellites
    if fed:
        tags[i, MISSES] = 0
        return
    for s in range(sites.shape[0]):
        if looks[s] == 0 or not (heard >> sides[s]) & 1 or (kinds[s] == RADAR) == held_by_satellites:
            continue
        if not is_due(state, tags, i, s, kinds, sites, draws, now_s):
            continue
        tags[i, MISSES] += looks[s]
        if kinds[s] != RADAR:
            since_s = min(now_s - clocks[i, UPDATED], looks[s] * draws[s, REVISIT])
            doubt_burning(
                state, covariance, tags, i, looks[s], draws[s, DETECTION], draws[s, REVISIT], since_s, settings, gain
            )  # fmt: skip
            if tags[i, PHASE] != BOOST:
                tags[i, MISSES] = 0
                return


@kernel
def sound(state, covariance, i, factor):
    """Whether slot ``i`` is finite and its covariance positive definite; ``factor`` (7, 7) is scratch.

    By L D Lᵀ: ``factor`` holds L D below its diagonal and the inverse of D on it, so that no root is taken.
    """
    P = covariance[i]
    total = 0.0
    for a in range(7):
        total += state[i, a]
    if not math.isfinite(total):
        return False
    for a in range(7):
        for b in range(a):
            value = P[a, b]
            for k in range(b):
                value -= factor[a, k] * factor[b, k] * factor[k, k]
            factor[a, b] = value
        value = P[a, a]
        for k in range(a):
            value -= factor[a, k] * factor[a, k] * factor[k, k]
        if not (value > 0.0 and value < math.inf):
            return False
        factor[a, a] = 1.0 / value
    return True


@kernel
def is_over(state, covariance, tags, clocks, i, now_s, settings):
    """Whether the track in slot ``i`` ends: under the ground, unseen too long, or too vague."""
    x, P = state[i], covariance[i]
    idle_s = now_s - clocks[i, UPDATED]
    falling = climb_rate(x[0], x[1], x[2], x[3], x[4], x[5]) < 0.0
    if falling and radial_height(x[0], x[1], x[2]) < UNDER_M:
        return True
    if tags[i, STATUS] == TENTATIVE:
        return tags[i, MISSES] >= settings[TENTATIVE_MISSES] or idle_s > settings[TENTATIVE_S]
    vague = P[0, 0] + P[1, 1] + P[2, 2] > settings[SIGMA_LIMIT_M] ** 2
    return vague or tags[i, MISSES] >= settings[CONFIRMED_MISSES] or idle_s > settings[COAST_LIMIT_S]


@kernel
def separation(state, covariance, i, j, factor):
    """Squared Mahalanobis distance between two tracks, their errors taken as independent; -1 where undefined."""
    total = 0.0
    for a in range(6):
        for b in range(a + 1):
            value = covariance[i, a, b] + covariance[j, a, b]
            for k in range(b):
                value -= factor[a, k] * factor[b, k]
            if a == b:
                if not value > 0.0:
                    return -1.0
                factor[a, a] = math.sqrt(value)
            else:
                factor[a, b] = value / factor[b, b]
        away = state[i, a] - state[j, a]
        for k in range(a):
            away -= factor[a, k] * factor[6, k]
        factor[6, a] = away / factor[a, a]
        total += factor[6, a] * factor[6, a]
    return total


@kernel
def are_twins(state, covariance, tags, i, j, settings, factor):
    """Whether two confirmed tracks are of one object.

    They must be near enough, and starved of each other: either no sensor feeds both, or one of them has missed looks
    while the other was fed. Two objects that one sensor sees side by side are both fed, and stay apart.
    """
    starved = max(tags[i, MISSES], tags[j, MISSES]) >= 2 and min(tags[i, MISSES], tags[j, MISSES]) == 0
    if tags[i, SENSORS] & tags[j, SENSORS] != 0 and not starved:
        return False
    apart2 = 0.0
    for k in range(3):
        apart2 += (state[i, k] - state[j, k]) ** 2
    if apart2 > settings[MERGE_M] ** 2:
        return False
    distance2 = separation(state, covariance, i, j, factor)
    return distance2 >= 0.0 and distance2 < settings[MERGE2]


@kernel
def fold(state, covariance, tags, clocks, first_mean, first_covariance, keep, drop, leans):
    """Make one track of two: the elder's number and beginning, the sharper's state, both pedigrees."""
    sharp = covariance[drop, 0, 0] + covariance[drop, 1, 1] + covariance[drop, 2, 2] < (
        covariance[keep, 0, 0] + covariance[keep, 1, 1] + covariance[keep, 2, 2]
    )
    if sharp:
        if leans.shape[0] > 0:
            leans[keep] = leans[drop]
        for a in range(7):
            state[keep, a] = state[drop, a]
            for b in range(7):
                covariance[keep, a, b] = covariance[drop, a, b]
        tags[keep, PHASE], tags[keep, MISSES] = tags[drop, PHASE], tags[drop, MISSES]
        clocks[keep, SITE_PRECISION] = clocks[drop, SITE_PRECISION]
        clocks[keep, SITE_PULL] = clocks[drop, SITE_PULL]
    if clocks[drop, UPDATED] > clocks[keep, UPDATED]:
        clocks[keep, UPDATED], tags[keep, ROW] = clocks[drop, UPDATED], tags[drop, ROW]
    if tags[drop, BURNING_BY] > 0 and clocks[drop, BURNING] >= clocks[keep, BURNING]:
        clocks[keep, BURNING], tags[keep, BURNING_BY] = clocks[drop, BURNING], tags[drop, BURNING_BY]
    if clocks[drop, BORN] < clocks[keep, BORN]:
        clocks[keep, BORN] = clocks[drop, BORN]
        for k in range(3):
            clocks[keep, START + k] = clocks[drop, START + k]
    tags[keep, HITS] += tags[drop, HITS]
    tags[keep, SENSORS] |= tags[drop, SENSORS]
    tags[keep, SEEN] |= tags[drop, SEEN]
    clear_slot(state, covariance, tags, clocks, drop)
    first_mean[drop] = 0.0
    first_covariance[drop] = 0.0


@kernel
def list_starved(tags, starved):
    """Fill ``starved`` with the confirmed slots that missed looks: (how many, whether others too can be twins).

    Two tracks neither of which is starved can be twins only where no one sensor feeds all that are confirmed.
    """
    common, count = -1, 0
    for i in range(tags.shape[0]):
        if tags[i, STATUS] == CONFIRMED:
            common &= tags[i, SENSORS]
            if tags[i, MISSES] >= 2:
                starved[count] = i
                count += 1
    return count, common == 0


@kernel
def merge_twins(state, covariance, tags, clocks, first_mean, first_covariance, settings, factor, leans):
    """Leave one track for each object that has two. Returns how many tracks it ended."""
    starved = np.empty(tags.shape[0], np.int64)
    count, any_pair = list_starved(tags, starved)
    merged = 0
    if count == 0 and not any_pair:
        return merged
    for i in range(tags.shape[0]):
        if tags[i, STATUS] != CONFIRMED:
            continue
        every = any_pair or tags[i, MISSES] >= 2
        for n in range(i + 1 if every else 0, tags.shape[0] if every else count):
            j = n if every else starved[n]
            if j <= i or tags[j, STATUS] != CONFIRMED or not are_twins(state, covariance, tags, i, j, settings, factor):
                continue
            merged += 1
            if tags[i, NUMBER] < tags[j, NUMBER]:
                fold(state, covariance, tags, clocks, first_mean, first_covariance, i, j, leans)
            else:
                fold(state, covariance, tags, clocks, first_mean, first_covariance, j, i, leans)
                break
    return merged


@kernel
def close_step(
    state, covariance, tags, clocks, first_mean, first_covariance, seen_by, counts,
    kinds, sides, sites, draws, looks, before_s, now_s, settings, factor, gain, leans,
):  # fmt: skip
    """After the last scan of a step: note which sensors looked, then ``close_looks``."""
    for s in range(sites.shape[0]):
        looks[s] = looks_between(before_s, now_s, draws[s, OFFSET], draws[s, REVISIT])
    close_looks(
        state, covariance, tags, clocks, first_mean, first_covariance, seen_by, counts,
        kinds, sides, sites, draws, looks, now_s, settings, factor, gain, leans,
    )  # fmt: skip


@kernel
def close_looks(
    state, covariance, tags, clocks, first_mean, first_covariance, seen_by, counts,
    kinds, sides, sites, draws, looks, now_s, settings, factor, gain, leans,
):  # fmt: skip
    """Count misses, end burning and lives, merge twins; ``counts`` learns of slots shed as unsound and of twins."""
    for i in range(tags.shape[0]):
        if tags[i, STATUS] == EMPTY:
            continue
        count_misses(
            state, covariance, tags, clocks, i, seen_by[i], kinds, sides, sites, draws, looks, now_s, settings, gain
        )  # fmt: skip
        if tags[i, PHASE] == BOOST:
            weigh_burning(state, covariance, tags, clocks, i, now_s, settings, gain)
        unsound = not sound(state, covariance, i, factor)
        if unsound or is_over(state, covariance, tags, clocks, i, now_s, settings):
            counts[UNSOUND] += unsound
            clear_slot(state, covariance, tags, clocks, i)
            first_mean[i] = 0.0
            first_covariance[i] = 0.0
    counts[MERGED] += merge_twins(
        state, covariance, tags, clocks, first_mean, first_covariance, settings, factor, leans
    )
