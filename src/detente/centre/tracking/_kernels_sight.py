"""What a detection says of a track: lines of sight, how far a track is off one, and the filter's update.

Radar and infrared are one kind here. A detection is a line from the sensor along a measured direction; a track is off
it to the right and over it (tangents of small angles, measured in the plane across the line), and, for a radar, in
range. Nothing wraps and nothing is singular at the zenith or over the poles. The two angular noises keep the meaning
the sensor gave them: a radar's azimuth noise is multiplied by the cosine of the elevation, an infrared sensor's
already is.
"""

import math

from detente.centre.tracking._kernels_places import (
    ALONG,
    AZIMUTH,
    DET_AZIMUTH,
    DET_ELEVATION,
    DET_KIND,
    DET_RANGE,
    DET_RATE,
    DET_SENSOR,
    EAST,
    EASTWARD,
    ELEVATION,
    FROM,
    NORTHWARD,
    ORBIT,
    OVER,
    RADAR,
    RANGE,
    RATE,
    RIGHT,
    SIGMA_AZIMUTH,
    SIGMA_ELEVATION,
    SIGMA_RANGE,
    SIGMA_RATE,
    SITE,
    TIME,
    UPWARD,
    VAR_AZIMUTH,
    VAR_OVER,
    VAR_RANGE,
    VAR_RATE,
    VAR_RIGHT,
)
from detente.flight._kernels_orbit import orbit_position
from detente.jit import kernel

NEAR_M = 1.0  # a track closer to the sensor than this has no direction
ROUNDS = 4  # of the iterated update
BENT = 0.3  # bend of the range sphere across the track's uncertainty, in sigmas of range, that asks for iteration
TINY = 1e-30
TURN = 2.0 * math.pi


@kernel
def short_way(angle):
    """An angle's difference, in [-π, π]."""
    if angle > math.pi:
        return angle - TURN
    return angle + TURN if angle < -math.pi else angle


@kernel
def satellite_position(sites, draws, s, time_s):
    """Where an infrared sensor is: on its orbit, or, where it has none, at its site."""
    if draws[s, ORBIT] <= 0.0:
        return sites[s, SITE], sites[s, SITE + 1], sites[s, SITE + 2]
    return orbit_position(
        draws[s, ORBIT], draws[s, ORBIT + 1], draws[s, ORBIT + 2],
        draws[s, ORBIT + 3], draws[s, ORBIT + 4], draws[s, ORBIT + 5], time_s,
    )  # fmt: skip


@kernel
def draw_measured(plots, plot_tags, d, sites, draws, line):
    """Fill the part of ``line`` that the textbook's measurement takes: all but the directions of the line of sight."""
    sensor = plot_tags[d, DET_SENSOR]
    right, over = plots[d, SIGMA_AZIMUTH], plots[d, SIGMA_ELEVATION]
    line[AZIMUTH], line[ELEVATION] = plots[d, DET_AZIMUTH], plots[d, DET_ELEVATION]
    line[VAR_AZIMUTH], line[VAR_OVER] = right * right, over * over
    line[RATE], line[VAR_RATE] = plots[d, DET_RATE], plots[d, SIGMA_RATE] * plots[d, SIGMA_RATE]
    for k in range(9):
        line[EASTWARD + k] = sites[sensor, EAST + k]
    if plot_tags[d, DET_KIND] == RADAR:
        for k in range(3):
            line[FROM + k] = sites[sensor, SITE + k]
        line[RANGE] = plots[d, DET_RANGE]
        line[VAR_RANGE] = plots[d, SIGMA_RANGE] * plots[d, SIGMA_RANGE]
    else:
        line[FROM], line[FROM + 1], line[FROM + 2] = satellite_position(sites, draws, sensor, plots[d, TIME])
        line[RANGE] = 0.0
        line[VAR_RANGE] = 0.0


@kernel
def draw_line(plots, plot_tags, d, sites, draws, line):
    """Fill ``line`` from detection ``d``; ``draws`` (sensors, DRAWS) are the replicate's sensors."""
    draw_measured(plots, plot_tags, d, sites, draws, line)
    sin_az, cos_az = math.sin(line[AZIMUTH]), math.cos(line[AZIMUTH])
    sin_el, cos_el = math.sin(line[ELEVATION]), math.cos(line[ELEVATION])
    for k in range(3):
        east, north, up = line[EASTWARD + k], line[NORTHWARD + k], line[UPWARD + k]
        level = sin_az * east + cos_az * north
        line[ALONG + k] = cos_el * level + sin_el * up
        line[RIGHT + k] = cos_az * east - sin_az * north
        line[OVER + k] = cos_el * up - sin_el * level
    right = plots[d, SIGMA_AZIMUTH]
    if plot_tags[d, DET_KIND] == RADAR:
        line[VAR_RIGHT] = max((right * cos_el) ** 2, TINY)
    else:
        line[VAR_RIGHT] = right * right


@kernel
def beside(line, dx, dy, dz, distance):
    """The inverse of how far along a line a point lies, and its tangents to the right of the line and over it.

    ``dx`` to ``dz`` lead from the sensor to the point. The inverse is 0 for a point behind the sensor or upon it.
    """
    along = dx * line[ALONG] + dy * line[ALONG + 1] + dz * line[ALONG + 2]
    if not along > max(NEAR_M, 0.1 * distance):
        return 0.0, 0.0, 0.0
    inverse = 1.0 / along
    right = (dx * line[RIGHT] + dy * line[RIGHT + 1] + dz * line[RIGHT + 2]) * inverse
    return inverse, right, (dx * line[OVER] + dy * line[OVER + 1] + dz * line[OVER + 2]) * inverse


@kernel
def compare(line, px, py, pz, offsets, slopes):
    """How far a position is off a line: fill ``offsets`` (3,) right, over, range, and ``slopes`` (3, 3) by position.

    Offsets are measured minus predicted. False where the position is behind the sensor or upon it. The third row is
    zero for infrared.
    """
    dx, dy, dz = px - line[FROM], py - line[FROM + 1], pz - line[FROM + 2]
    distance = math.sqrt(dx * dx + dy * dy + dz * dz)
    inverse, right, over = beside(line, dx, dy, dz, distance)
    if inverse == 0.0:
        return False
    offsets[0], offsets[1], offsets[2] = -right, -over, 0.0
    for k in range(3):
        slopes[0, k] = (line[RIGHT + k] - right * line[ALONG + k]) * inverse
        slopes[1, k] = (line[OVER + k] - over * line[ALONG + k]) * inverse
        slopes[2, k] = 0.0
    if line[VAR_RANGE] > 0.0:
        offsets[2] = line[RANGE] - distance
        slopes[2, 0], slopes[2, 1], slopes[2, 2] = dx / distance, dy / distance, dz / distance
    return True


@kernel
def near_enough(line, x, P, ahead_s, reach, slack_m):
    """A cheap first look: whether a track could lie within ``reach`` sigmas of a line. Never wrongly no.

    The track is taken ``ahead_s`` along its velocity (either way); ``slack_m`` is how far it may be from there.
    """
    dx = x[0] + ahead_s * x[3] - line[FROM]
    dy = x[1] + ahead_s * x[4] - line[FROM + 1]
    dz = x[2] + ahead_s * x[5] - line[FROM + 2]
    spread = P[0, 0] + P[1, 1] + P[2, 2]
    if ahead_s != 0.0:
        spread = 2.0 * (spread + ahead_s * ahead_s * (P[3, 3] + P[4, 4] + P[5, 5]))
    distance2 = dx * dx + dy * dy + dz * dz
    if line[VAR_RANGE] > 0.0:
        off = abs(line[RANGE] - math.sqrt(distance2)) - slack_m
        if off > 0.0 and off * off > reach * reach * (spread + line[VAR_RANGE]):
            return False
    along = dx * line[ALONG] + dy * line[ALONG + 1] + dz * line[ALONG + 2] + slack_m
    if along <= 0.0:
        return False
    across2 = max(distance2 - (along - slack_m) ** 2, 0.0)
    bend = 1.0 + across2 / (along * along)
    allowed = reach * math.sqrt(bend * spread + (line[VAR_RIGHT] + line[VAR_OVER]) * along * along) + slack_m
    return across2 <= allowed * allowed


@kernel
def distance_to(line, state, P, i, offsets, slopes):
    """Squared Mahalanobis distance of slot ``i`` from a detection and the logarithm of det S; (-1, 0) where none."""
    x = state[i]
    if not compare(line, x[0], x[1], x[2], offsets, slopes):
        return -1.0, 0.0
    s00, s01, s02 = line[VAR_RIGHT], 0.0, 0.0
    s11, s12, s22 = line[VAR_OVER], 0.0, (line[VAR_RANGE] if line[VAR_RANGE] > 0.0 else 1.0)
    for k in range(3):
        a0, a1, a2 = 0.0, 0.0, 0.0
        for j in range(3):
            p = P[i, k, j]
            a0 += p * slopes[0, j]
            a1 += p * slopes[1, j]
            a2 += p * slopes[2, j]
        s00 += slopes[0, k] * a0
        s01 += slopes[0, k] * a1
        s02 += slopes[0, k] * a2
        s11 += slopes[1, k] * a1
        s12 += slopes[1, k] * a2
        s22 += slopes[2, k] * a2
    # Whiten the offsets one after the other (Cholesky by hand).
    l10, l20 = s01 / s00, s02 / s00
    d1 = s11 - l10 * s01
    l21 = (s12 - l20 * s01) / d1
    d2 = s22 - l20 * s02 - l21 * l21 * d1
    if not (s00 > 0.0 and d1 > 0.0 and d2 > 0.0):
        return -1.0, 0.0
    w0 = offsets[0]
    w1 = offsets[1] - l10 * w0
    w2 = offsets[2] - l20 * w0 - l21 * w1
    return w0 * w0 / s00 + w1 * w1 / d1 + w2 * w2 / d2, math.log(s00 * d1 * d2)


@kernel
def absorb_row(x, P, row, innovation, variance, gain):
    """One scalar Kalman update in place; ``row`` (3,) is the slope by position."""
    for a in range(7):
        total = 0.0
        for k in range(3):
            total += P[a, k] * row[k]
        gain[a] = total
    s = variance
    for k in range(3):
        s += row[k] * gain[k]
    weigh_in(x, P, gain, innovation, s)


@kernel
def absorb_rate(line, x, P, at, rate, variance, gain):
    """One scalar Kalman update of (x, P) with a range rate, linearised at the state ``at`` (6,)."""
    dx, dy, dz = at[0] - line[FROM], at[1] - line[FROM + 1], at[2] - line[FROM + 2]
    inverse = 1.0 / math.sqrt(dx * dx + dy * dy + dz * dz)
    ux, uy, uz = dx * inverse, dy * inverse, dz * inverse
    closing = ux * at[3] + uy * at[4] + uz * at[5]
    px, py, pz = (at[3] - closing * ux) * inverse, (at[4] - closing * uy) * inverse, (at[5] - closing * uz) * inverse
    for a in range(7):
        gain[a] = P[a, 0] * px + P[a, 1] * py + P[a, 2] * pz + P[a, 3] * ux + P[a, 4] * uy + P[a, 5] * uz
    s = variance + gain[0] * px + gain[1] * py + gain[2] * pz + gain[3] * ux + gain[4] * uy + gain[5] * uz
    innovation = rate - closing
    innovation += px * (at[0] - x[0]) + py * (at[1] - x[1]) + pz * (at[2] - x[2])
    innovation += ux * (at[3] - x[3]) + uy * (at[4] - x[4]) + uz * (at[5] - x[5])
    weigh_in(x, P, gain, innovation, s)


@kernel
def weigh_in(x, P, gain, innovation, s):
    """The last of a scalar update: ``gain`` (7,) is P hᵀ, ``s`` the innovation's variance."""
    inverse = 1.0 / s
    for a in range(7):
        weight = gain[a] * inverse
        x[a] += weight * innovation
        for b in range(a + 1):
            P[a, b] -= weight * gain[b]
            P[b, a] = P[a, b]


@kernel
def absorb(line, x, P, at, offsets, slopes, gain):
    """Update (x, P) with a detection linearised at the position ``at`` (3,); false where it cannot be compared."""
    if not compare(line, at[0], at[1], at[2], offsets, slopes):
        return False
    for m in range(3):
        variance = line[VAR_RIGHT + m]
        if variance <= 0.0:
            continue
        innovation = offsets[m]
        for k in range(3):
            innovation += slopes[m, k] * (at[k] - x[k])
        absorb_row(x, P, slopes[m], innovation, variance, gain)
    if line[VAR_RATE] > 0.0:
        absorb_rate(line, x, P, x, line[RATE], line[VAR_RATE], gain)
    return True


@kernel
def update(line, state, covariance, i, offsets, slopes, trial_state, trial, gain):
    """The filter's update of slot ``i`` with one detection; iterated where the measurement bends over the prior.

    ``trial_state`` (2, 7) and ``trial`` (7, 7) are scratch. Gauss-Newton on the posterior: each round linearises at the
    last round's position and updates from the prior again; the covariance is that of the last round.
    """
    x, P, at, prior = state[i], covariance[i], trial_state[0], trial_state[1]
    for k in range(3):
        at[k] = x[k]
    spread = P[0, 0] + P[1, 1] + P[2, 2]
    bends = line[VAR_RANGE] > 0.0 and spread * spread > (2.0 * BENT * line[RANGE]) ** 2 * line[VAR_RANGE]
    if bends:
        for a in range(7):
            prior[a] = x[a]
            for b in range(7):
                trial[a, b] = P[a, b]
        for _ in range(ROUNDS - 1):
            if not absorb(line, x, P, at, offsets, slopes, gain):
                break
            for k in range(3):
                at[k] = x[k]
            for a in range(7):
                x[a] = prior[a]
                for b in range(7):
                    P[a, b] = trial[a, b]
    return absorb(line, x, P, at, offsets, slopes, gain)


@kernel
def pin_hidden(state, covariance, i, value, variance, gain):
    """Update slot ``i`` as if its hidden force had been measured as ``value``."""
    x, P = state[i], covariance[i]
    for a in range(7):
        gain[a] = P[a, 6]
    weigh_in(x, P, gain, value - x[6], gain[6] + variance)


@kernel
def forget_hidden(state, covariance, i, value, variance):
    """Begin a new meaning of the hidden force: this mean and variance, tied to nothing."""
    state[i, 6] = value
    for a in range(7):
        covariance[i, a, 6] = 0.0
        covariance[i, 6, a] = 0.0
    covariance[i, 6, 6] = variance
