"""Which own line and which partner's line are one object: costs, gates, and one-to-one pairs."""

import math

from detente.centre.picture._kernels_layout import (
    GIVER,
    IMPACT_EE,
    IMPACT_EN,
    IMPACT_LAT,
    IMPACT_LON,
    IMPACT_NN,
    IMPACT_S,
    IMPACT_SIGMA_S,
    IMPACT_VALID,
    LAUNCH_LAT,
    LAUNCH_LON,
    LAUNCH_S,
    LAUNCH_SIGMA,
    LAUNCH_VALID,
    LINE_GIVER,
    LINE_NUMBER,
    LINE_TWIN,
    PARTNER_NUMBER,
)
from detente.centre.picture._kernels_matrix import distance2, factor, log_determinant
from detente.geodesy._kernels import great_circle_m
from detente.geodesy.constants import MEAN_RADIUS_M
from detente.jit import kernel

NO_PAIR = 1e300
VAGUE_M2 = 1e11  # an impact known no better than 300 km names no missile of a salvo
TIME_FLOOR2_S2 = 25.0  # two centres' impact times agree no better than 5 s: their models of the air differ


@kernel
def position_spread_m2(covariance, i):
    """Sum of a state's position variances: no squared distance is less than gap² over the sum of two of these."""
    return covariance[i, 0, 0] + covariance[i, 1, 1] + covariance[i, 2, 2]


@kernel
def gap2_m2(mean, i, other_mean, j):
    """Squared distance between two positions."""
    x, y, z = mean[i, 0] - other_mean[j, 0], mean[i, 1] - other_mean[j, 1], mean[i, 2] - other_mean[j, 2]
    return x * x + y * y + z * z


@kernel
def state_cost(mean, covariance, i, other_mean, other_covariance, j, n, gate, matrices, vectors):
    """How unlikely it is that states i and j are one object: squared distance plus log determinant, or NO_PAIR.

    Looks at the first n numbers: 3 for position, 6 for all. What both errors have in common is ignored, which makes
    the gate wider, never narrower.
    """
    total, lower = matrices[0], matrices[1]
    for k in range(n):
        vectors[0, k] = mean[i, k] - other_mean[j, k]
        for m in range(n):
            total[k, m] = covariance[i, k, m] + other_covariance[j, k, m]
    if not factor(total, n, lower):
        return NO_PAIR
    d2 = distance2(lower, vectors[0], n, vectors[1])
    if not d2 <= gate:
        return NO_PAIR
    return d2 + log_determinant(lower, n)


@kernel
def launch_distance2(a, b, time_sigma_s):
    """Squared distance of two stated launches in place and time, over their variances."""
    metres = great_circle_m(a[LAUNCH_LAT], a[LAUNCH_LON], b[LAUNCH_LAT], b[LAUNCH_LON])
    seconds = a[LAUNCH_S] - b[LAUNCH_S]
    place = metres * metres / (a[LAUNCH_SIGMA] ** 2 + b[LAUNCH_SIGMA] ** 2 + 1.0)
    return place + 0.5 * (seconds / time_sigma_s) ** 2


@kernel
def impact_distance2(a, b):
    """Squared distance of two predicted impacts in place and time, over their variances."""
    turn = 2.0 * math.pi
    dlon = a[IMPACT_LON] - b[IMPACT_LON]
    dlon -= turn * math.floor(dlon / turn + 0.5)
    east = MEAN_RADIUS_M * math.cos(a[IMPACT_LAT]) * dlon
    north = MEAN_RADIUS_M * (a[IMPACT_LAT] - b[IMPACT_LAT])
    ee, en, nn = a[IMPACT_EE] + b[IMPACT_EE], a[IMPACT_EN] + b[IMPACT_EN], a[IMPACT_NN] + b[IMPACT_NN]
    determinant = ee * nn - en * en
    if not determinant > 0.0:
        return NO_PAIR
    seconds = a[IMPACT_S] - b[IMPACT_S]
    spread2 = a[IMPACT_SIGMA_S] ** 2 + b[IMPACT_SIGMA_S] ** 2 + TIME_FLOOR2_S2
    return (nn * east * east - 2.0 * en * east * north + ee * north * north) / determinant + seconds**2 / spread2


@kernel
def names_place(line):
    """True for an impact stated sharply enough to tell one missile from another."""
    return line[IMPACT_VALID] != 0.0 and line[IMPACT_EE] + line[IMPACT_NN] < VAGUE_M2


@kernel
def warning_cost(a, b, gate, time_sigma_s):
    """How unlikely it is that two lines without a common state are one object: (cost, 1 where only launches speak)."""
    launches = a[LAUNCH_VALID] != 0.0 and b[LAUNCH_VALID] != 0.0
    impacts = names_place(a) and names_place(b)
    launch2 = launch_distance2(a, b, time_sigma_s) if launches else 0.0
    if not (launches or impacts) or not launch2 <= gate:
        return NO_PAIR, 0
    if not impacts:
        return launch2, 1
    impact2 = impact_distance2(a, b)
    if not impact2 <= gate:
        return NO_PAIR, 0
    return launch2 + impact2, 0


@kernel
def paired_before(before, facts, held, line, q):
    """True when the picture of the tick before held these two lines as one object."""
    slot = facts.shape[1] - held.shape[1] + q
    return (
        before[LINE_TWIN, slot] == line
        and before[LINE_NUMBER, slot] == held[PARTNER_NUMBER, q]
        and before[LINE_GIVER, slot] == held[GIVER, q]
        and before[LINE_NUMBER, line] == facts[LINE_NUMBER, line]
        and before[LINE_GIVER, line] == facts[LINE_GIVER, line]
    )


@kernel
def cheapest(cost, pair, count, line_taken, other_taken):
    """The cheapest pair of which both lines are free, -1 where there is none; the first listed of equals."""
    best, at = NO_PAIR, -1
    for k in range(count):
        if cost[k] < best and line_taken[pair[k, 0]] == 0 and other_taken[pair[k, 1]] == 0:
            best, at = cost[k], k
    return at


@kernel
def alone_together(pair, count, at, line_taken, other_taken):
    """True when neither line of a pair stands in any other pair of free lines."""
    for k in range(count):
        if k == at or line_taken[pair[k, 0]] != 0 or other_taken[pair[k, 1]] != 0:
            continue
        if pair[k, 0] == pair[at, 0] or pair[k, 1] == pair[at, 1]:
            return False
    return True
