"""The textbook's measurement: azimuth, elevation and range as they are, linearised where the track is predicted to be.

Kept beside the plane of ``_kernels_sight`` so that the constant-gravity model does, line by line, what other trackers
do. It is singular at a sensor's zenith, and an azimuth is compared the short way round.
"""

import math

from detente.centre.tracking._kernels_places import (
    AZIMUTH,
    EASTWARD,
    ELEVATION,
    FROM,
    NORTHWARD,
    RANGE,
    RATE,
    UPWARD,
    VAR_AZIMUTH,
    VAR_OVER,
    VAR_RANGE,
    VAR_RATE,
)
from detente.centre.tracking._kernels_sight import absorb_rate, absorb_row, short_way
from detente.jit import kernel


@kernel
def look(line, x, seen, slopes):
    """What the line's sensor would measure of a state: ``seen`` (3,) azimuth, elevation, range; ``slopes`` (3, 3).

    False at the sensor's zenith or upon it, where the azimuth does not exist.
    """
    dx, dy, dz = x[0] - line[FROM], x[1] - line[FROM + 1], x[2] - line[FROM + 2]
    east = dx * line[EASTWARD] + dy * line[EASTWARD + 1] + dz * line[EASTWARD + 2]
    north = dx * line[NORTHWARD] + dy * line[NORTHWARD + 1] + dz * line[NORTHWARD + 2]
    up = dx * line[UPWARD] + dy * line[UPWARD + 1] + dz * line[UPWARD + 2]
    level2 = east * east + north * north
    if not level2 > 0.0:
        return False
    level, far2 = math.sqrt(level2), level2 + up * up
    far = math.sqrt(far2)
    seen[0], seen[1], seen[2] = math.atan2(east, north), math.asin(up / far), far
    for k in range(3):
        e, n, u = line[EASTWARD + k], line[NORTHWARD + k], line[UPWARD + k]
        slopes[0, k] = (north * e - east * n) / level2
        slopes[1, k] = (level2 * u - up * (east * e + north * n)) / (far2 * level)
        slopes[2, k] = (east * e + north * n + up * u) / far
    return True


@kernel(inline=True)
def spread_of(P, slopes, spread):
    """Fill ``spread`` (6,) with H P Hᵀ: 00, 01, 02, 11, 12, 22."""
    for m in range(3):
        a0 = P[0, 0] * slopes[m, 0] + P[0, 1] * slopes[m, 1] + P[0, 2] * slopes[m, 2]
        a1 = P[1, 0] * slopes[m, 0] + P[1, 1] * slopes[m, 1] + P[1, 2] * slopes[m, 2]
        a2 = P[2, 0] * slopes[m, 0] + P[2, 1] * slopes[m, 1] + P[2, 2] * slopes[m, 2]
        for n in range(m, 3):
            place = m + n if m == 0 else m + n + 1
            spread[place] = a0 * slopes[n, 0] + a1 * slopes[n, 1] + a2 * slopes[n, 2]


@kernel(inline=True)
def distance2_of(line, seen, spread, gate2):
    """Squared Mahalanobis distance of what was measured from what was foreseen; ``gate2`` or more where outside."""
    s00, s11, s22 = spread[0] + line[VAR_AZIMUTH], spread[3] + line[VAR_OVER], spread[5] + line[VAR_RANGE]
    v0, v1 = short_way(line[AZIMUTH] - seen[0]), line[ELEVATION] - seen[1]
    if v1 * v1 >= gate2 * s11 or v0 * v0 >= gate2 * s00:
        return gate2
    v2, s01, s02, s12 = line[RANGE] - seen[2], spread[1], spread[2], spread[4]
    if line[VAR_RANGE] <= 0.0:
        v2, s02, s12, s22 = 0.0, 0.0, 0.0, 1.0
    # Whiten the offsets one after the other (Cholesky by hand).
    l10, l20 = s01 / s00, s02 / s00
    d1 = s11 - l10 * s01
    l21 = (s12 - l20 * s01) / d1
    d2 = s22 - l20 * s02 - l21 * l21 * d1
    if not (s00 > 0.0 and d1 > 0.0 and d2 > 0.0):
        return gate2
    w1 = v1 - l10 * v0
    w2 = v2 - l20 * v0 - l21 * w1
    return v0 * v0 / s00 + w1 * w1 / d1 + w2 * w2 / d2


@kernel
def log_volume_of(line, spread):
    """The logarithm of det S of what was measured, S being ``spread`` and the detection's own noise."""
    s00, s11, s22 = spread[0] + line[VAR_AZIMUTH], spread[3] + line[VAR_OVER], spread[5] + line[VAR_RANGE]
    s01, s02, s12 = spread[1], spread[2], spread[4]
    if line[VAR_RANGE] <= 0.0:
        s02, s12, s22 = 0.0, 0.0, 1.0
    return math.log(s00 * (s11 * s22 - s12 * s12) - s01 * (s01 * s22 - s12 * s02) + s02 * (s01 * s12 - s11 * s02))


@kernel(inline=True)
def update_polar(line, x, P, seen, slopes, at, gain):
    """The extended filter's update of (x, P) with one detection, linearised where it was predicted to be.

    The measured numbers have independent errors, so they are taken one by one; that is the joint update.
    """
    if not look(line, x, seen, slopes):
        return False
    for k in range(6):
        at[k] = x[k]
    for m in range(3):
        if m == 0:
            offset, variance = short_way(line[AZIMUTH] - seen[0]), line[VAR_AZIMUTH]
        elif m == 1:
            offset, variance = line[ELEVATION] - seen[1], line[VAR_OVER]
        else:
            offset, variance = line[RANGE] - seen[2], line[VAR_RANGE]
        if variance <= 0.0:
            continue
        for k in range(3):
            offset += slopes[m, k] * (at[k] - x[k])
        absorb_row(x, P, slopes[m], offset, variance, gain)
    if line[VAR_RATE] > 0.0:
        absorb_rate(line, x, P, at, line[RATE], line[VAR_RATE], gain)
    return True
