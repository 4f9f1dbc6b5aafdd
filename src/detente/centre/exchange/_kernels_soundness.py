"""One pass over a partner's messages: the first thing, in a fixed order, that is wrong with any of them."""

import math

import numpy as np

from detente.jit import kernel

SOUND = 0
DATA_CLASS, A_PHASE, FLAG, NUMBER, TIME, IN_FORCE, CLAUSE, PART, LAUNCH, IMPACT, STATE = range(1, 12)
VARIANCE, CORRELATION, POSITIVE, PEDIGREE, UNSEALED, SENSOR, SECTOR = range(12, 19)
NOT_A_NUMBER = -1  # before all others: no check below means anything of such a row
WORST = 99

LAUNCH_WARNING, IMPACT_PREDICTION, TRACK, SENSOR_STATUS, TRACKLET = range(1, 6)
SENSORS_MAX = 64
RANGE_MAX_M = 1e8  # of a radar: a quarter of the way to the Moon. Source: assumption, 1e7 to 1e9
PHASES = 3

TIME_MAX_S = 1e9
POSITION_MAX_M = 1e9
SPEED_MAX_M_S = 1e6
VARIANCE_MAX = 1e18
VARIANCE_MIN = 1e-12
"""Bounds far outside anything that flies: a billion seconds, a million kilometres, a thousand kilometres a second, a
standard deviation of a million kilometres or less than a micrometre. Source: assumption; any within a factor of a
thousand would do, since they only keep sums and products of doubles finite."""

CORRELATION_SLACK = 1e-9
"""How far below zero rounding may push the least eigenvalue of a correlation matrix. Source: assumption, range
1e-12–1e-6; a double holds 1e-16 of the largest, which here is at most 6."""


CLOCK_SLACK_S = 1e-6
"""Envelopes are sealed at whole microseconds."""


@kernel
def finite(values, m):
    """True where all numbers of row m are numbers."""
    strange = 0  # counts, not sums: they may be taken in any order, and so many at a time
    for i in range(values.shape[1]):
        strange += values[m, i] * 0.0 != 0.0
    return strange == 0


@kernel
def zero(values, m):
    """True where row m holds nothing."""
    used = 0
    for i in range(values.shape[1]):
        used += values[m, i] != 0.0
    return used == 0


@kernel
def beyond(values, m, first, last, most):
    """True where any of these numbers of row m exceeds a bound either way."""
    over = 0
    for i in range(first, last):
        over += abs(values[m, i]) > most
    return over > 0


@kernel
def correlation_fault(lower, m):
    """Why covariance m is not positive: a correlation above 1, or, where there is none, several that do not agree.

    A positive covariance has no correlation above 1, so that nobody else need be asked.
    """
    most = (1.0 + CORRELATION_SLACK) * (1.0 + CORRELATION_SLACK)
    for i in range(6):
        for j in range(i):
            both = lower[m, i * (i + 1) // 2 + j]
            if both * both > most * (lower[m, i * (i + 3) // 2] * lower[m, j * (j + 3) // 2]):
                return CORRELATION
    return POSITIVE


@kernel
def covariance_fault(lower, m, factor):
    """What is wrong with covariance m (21, lower triangle by rows); ``factor`` (21,) is room for its work.

    A correlation matrix whose least eigenvalue is above minus the slack has positive pivots once the slack is added to
    its diagonal. Pivots of the covariance are those times its variances, so that neither needs to be divided by them:
    this is C = L·D·Lᵀ, with L·D below the diagonal of ``factor`` and 1/D on it.
    """
    for i in range(6):
        if lower[m, i * (i + 3) // 2] < VARIANCE_MIN:
            return VARIANCE
    if beyond(lower, m, 0, 21, VARIANCE_MAX):
        return VARIANCE
    for j in range(6):
        row_j = j * (j + 1) // 2
        pivot = lower[m, row_j + j] * (1.0 + CORRELATION_SLACK)
        for k in range(j):
            pivot -= factor[row_j + k] * factor[row_j + k] * factor[k * (k + 3) // 2]
        if not pivot > 0.0:
            return correlation_fault(lower, m)
        factor[row_j + j] = 1.0 / pivot
        for i in range(j + 1, 6):
            row_i = i * (i + 1) // 2
            value = lower[m, row_i + j]
            for k in range(j):
                value -= factor[row_i + k] * (factor[row_j + k] * factor[k * (k + 3) // 2])
            factor[row_i + j] = value
    return SOUND


@kernel
def off_the_map(lat_rad, lon_rad):
    """True where a point is nowhere."""
    return abs(lat_rad) > 0.5 * math.pi or abs(lon_rad) > math.pi


@kernel
def impact_fault(lat_rad, lon_rad, sigma_s, east, both, north):
    """True where an impact point cannot be one."""
    if off_the_map(lat_rad, lon_rad) or not 0.0 <= sigma_s <= TIME_MAX_S:
        return True
    if east < 0.0 or north < 0.0 or max(east, north) > VARIANCE_MAX or abs(both) > VARIANCE_MAX:
        return True
    return both * both > east * north * (1.0 + CORRELATION_SLACK)


@kernel
def sector_fault(state, m):
    """True where what a radar is said to watch is no sector: boresight, half width, elevations (rad), range (m), 0."""
    if beyond(state, m, 0, 2, math.pi) or beyond(state, m, 2, 4, 0.5 * math.pi) or state[m, 5] != 0.0:
        return True
    return state[m, 1] < 0.0 or state[m, 2] > state[m, 3] or not 0.0 <= state[m, 4] <= RANGE_MAX_M


@kernel
def first_fault(
    start_s, end_s, sealed_s, giver, receiver, sensors_of_giver, rule_giver, rule_receiver, rule_data, data, clause,
    released_s, valid_s, number, phase, coarsened, sensors, launch_valid, launch_lat, launch_lon, launch_s,
    launch_sigma, impact_valid, impact_lat, impact_lon, impact_s, impact_sigma, impact_covariance, state, covariance,
    factor,
):  # fmt: skip
    """The first fault of any of n messages, in the order of the codes above; ``factor`` (21,) is room for its work."""
    worst = WORST
    for m in range(data.size):
        found = row_fault(
            m, start_s, end_s, giver, receiver, rule_giver, rule_receiver, rule_data, data, clause, released_s, valid_s,
            number, phase, coarsened, launch_valid, launch_lat, launch_lon, launch_s, launch_sigma, impact_valid,
            impact_lat, impact_lon, impact_s, impact_sigma, impact_covariance, state, covariance, factor,
        )  # fmt: skip
        if found == SOUND and sensors[m] & ~sensors_of_giver != 0:
            found = PEDIGREE
        if found == SOUND and released_s[m] > sealed_s + CLOCK_SLACK_S:
            found = UNSEALED
        if found == SOUND and data[m] == SENSOR_STATUS:
            # A status is about one sensor, and names it twice.
            if number[m] > SENSORS_MAX or sensors[m] != np.uint64(1) << np.uint64(number[m] - 1):
                found = SENSOR
            elif sector_fault(state, m):
                found = SECTOR
        if found != SOUND and found < worst:
            worst = found
    return SOUND if worst == WORST else worst


@kernel
def row_fault(
    m, start_s, end_s, giver, receiver, rule_giver, rule_receiver, rule_data, data, clause, released_s, valid_s,
    number, phase, coarsened, launch_valid, launch_lat, launch_lon, launch_s, launch_sigma, impact_valid, impact_lat,
    impact_lon, impact_s, impact_sigma, impact_covariance, state, covariance, factor,
):  # fmt: skip
    """The first fault of message m; pedigree and sealing apart."""
    launch = launch_lat[m], launch_lon[m], launch_s[m], launch_sigma[m]
    impact = impact_lat[m], impact_lon[m], impact_s[m], impact_sigma[m]
    times = released_s[m], valid_s[m], launch[2], impact[2]
    for told in (launch, impact, times):
        for value in told:
            if value * 0.0 != 0.0:
                return NOT_A_NUMBER
    if not (finite(impact_covariance, m) and finite(state, m) and finite(covariance, m)):
        return NOT_A_NUMBER
    kind = data[m]
    warns, predicts, tells = kind == LAUNCH_WARNING, kind == IMPACT_PREDICTION, kind in (TRACK, TRACKLET)
    declares = kind == SENSOR_STATUS
    if not (warns or predicts or tells or declares):
        return DATA_CLASS
    if phase[m] < 1 or phase[m] > PHASES:
        return A_PHASE
    if coarsened[m] > 1 or launch_valid[m] != int(warns) or impact_valid[m] != int(predicts):
        return FLAG
    if number[m] < 1:
        return NUMBER
    latest = max(max(abs(times[0]), abs(times[1])), max(abs(times[2]), abs(times[3])))
    if latest > TIME_MAX_S or valid_s[m] > released_s[m]:
        return TIME
    if valid_s[m] < start_s or released_s[m] >= end_s:
        return IN_FORCE
    c = clause[m]
    if c < 0 or c >= rule_data.size or rule_giver[c] != giver or rule_receiver[c] != receiver or rule_data[c] != kind:
        return CLAUSE
    if not (warns or launch == (0.0, 0.0, 0.0, 0.0)):
        return PART
    if not (predicts or (impact == (0.0, 0.0, 0.0, 0.0) and zero(impact_covariance, m))):
        return PART
    if not (tells or ((declares or zero(state, m)) and zero(covariance, m))):
        return PART
    if warns and (off_the_map(launch[0], launch[1]) or not 0.0 <= launch[3] <= math.sqrt(VARIANCE_MAX)):
        return LAUNCH
    east, both, north = impact_covariance[m, 0], impact_covariance[m, 1], impact_covariance[m, 2]
    if predicts and impact_fault(impact[0], impact[1], impact[3], east, both, north):
        return IMPACT
    if not tells:
        return SOUND
    if beyond(state, m, 0, 3, POSITION_MAX_M) or beyond(state, m, 3, 6, SPEED_MAX_M_S):
        return STATE
    return covariance_fault(covariance, m, factor)
