"""The sigma-point filter: a Gaussian carried by fourteen points instead of slopes.

The points are those of the cubature rule (Arasaratnam and Haykin 2009): the mean plus and minus √7 columns of the
covariance's root, equally weighted. All weights are positive, so what comes out is a covariance, and there is nothing
to tune.
"""

import math

import numpy as np

from detente.centre.tracking._kernels_places import (
    AZIMUTH,
    CONSTANT_GRAVITY,
    EASTWARD,
    ELEVATION,
    FROM,
    MODEL,
    NORTHWARD,
    RANGE,
    RATE,
    UPWARD,
    VAR_AZIMUTH,
    VAR_OVER,
    VAR_RANGE,
    VAR_RATE,
    VAR_RIGHT,
)
from detente.centre.tracking._kernels_sight import beside, short_way
from detente.jit import kernel

STATES = 7
POINTS = 2 * STATES
MEASURED = 4
SEEN_ROWS = 27  # what is measured of the mean and each point, its mean, covariance with the state, and covariance


@kernel
def draw_root(P, root, columns):
    """Fill the first ``columns`` of ``root`` (7, 7), lower triangular, with √7 root rootᵀ = √7 P: the points' offsets.

    False where the covariance is not positive definite as far as that tells.
    """
    for b in range(columns):
        value = P[b, b]
        for k in range(b):
            value -= root[b, k] * root[b, k]
        if not value > 0.0:
            return False
        root[b, b] = math.sqrt(value)
        inverse = 1.0 / root[b, b]
        for a in range(b + 1, STATES):
            value = P[a, b]
            for k in range(b):
                value -= root[a, k] * root[b, k]
            root[a, b] = value * inverse
    spread = math.sqrt(float(STATES))
    for b in range(columns):
        for a in range(b, STATES):
            root[a, b] *= spread
    return True


@kernel
def measure(line, x, polar, out):
    """How far what would be measured of a state is off what was: ``out`` (4,) two angles, range, range rate.

    False where the state cannot be measured.
    """
    dx, dy, dz = x[0] - line[FROM], x[1] - line[FROM + 1], x[2] - line[FROM + 2]
    far = math.sqrt(dx * dx + dy * dy + dz * dz)
    if not far > 0.0:
        return False
    if polar:
        east = dx * line[EASTWARD] + dy * line[EASTWARD + 1] + dz * line[EASTWARD + 2]
        north = dx * line[NORTHWARD] + dy * line[NORTHWARD + 1] + dz * line[NORTHWARD + 2]
        up = dx * line[UPWARD] + dy * line[UPWARD + 1] + dz * line[UPWARD + 2]
        out[0] = short_way(math.atan2(east, north) - line[AZIMUTH])
        out[1] = math.asin(up / far) - line[ELEVATION]
    else:
        inverse, out[0], out[1] = beside(line, dx, dy, dz, far)
        if inverse == 0.0:
            return False
    out[2] = far - line[RANGE]
    out[3] = (dx * x[3] + dy * x[4] + dz * x[5]) / far - line[RATE]
    return True


@kernel
def correlate(root, columns, count, seen, middle, cross, spread):
    """Fill ``middle`` (4,), ``cross`` (7, 4) and add to ``spread`` (4, 4), for the first ``count``
    measured numbers: mean, covariances with state and one another.

    ``seen`` (1 + 2 columns, 4) is what is measured of the mean, then of the points on either side along each column of
    ``root``. The other points measure what the mean does.
    """
    alike = (POINTS - 2 * columns) / POINTS
    for m in range(count):
        total = 0.0
        for k in range(1, 1 + 2 * columns):
            total += seen[k, m] - seen[0, m]
        middle[m] = seen[0, m] + total / POINTS
    for m in range(count):
        for a in range(STATES):
            total = 0.0
            for k in range(min(columns, a + 1)):
                total += root[a, k] * (seen[1 + 2 * k, m] - seen[2 + 2 * k, m])
            cross[a, m] = total / POINTS
        for n in range(count):
            total = 0.0
            for k in range(1, 1 + 2 * columns):
                total += (seen[k, m] - middle[m]) * (seen[k, n] - middle[n])
            spread[m, n] += total / POINTS + alike * (seen[0, m] - middle[m]) * (seen[0, n] - middle[n])


@kernel
def absorb_jointly(line, x, P, off, cross, spread):
    """The update of (x, P) with up to four measured numbers, ``off`` (4,) from what was foreseen.

    ``cross`` (7, 4) and ``spread`` (4, 4) are their covariances with the state and with one another, noise included;
    all three are used up. One number after the other is taken from the joint covariance, which is the joint update.
    """
    for m in range(MEASURED):
        if (m == 2 and line[VAR_RANGE] <= 0.0) or (m == 3 and line[VAR_RATE] <= 0.0):
            continue
        inverse = 1.0 / spread[m, m]
        for a in range(STATES):
            weight = cross[a, m] * inverse
            x[a] += weight * off[m]
            for b in range(a + 1):
                P[a, b] -= weight * cross[b, m]
                P[b, a] = P[a, b]
        for n in range(m + 1, MEASURED):
            share = spread[m, n] * inverse
            off[n] -= share * off[m]
            for a in range(STATES):
                cross[a, n] -= cross[a, m] * share
            for k in range(m + 1, MEASURED):
                spread[k, n] -= spread[k, m] * share


@kernel
def update_by_points(line, x, P, settings, root, seen):
    """The sigma-point update of (x, P) with one detection; false where it cannot be made, and nothing is changed.

    The root is triangular, so that only its first three columns move a point's place, and its first six the velocity
    that a range rate is of: what is measured of the other points is what is measured of the mean. ``root`` (7, 7)
    and ``seen`` (SEEN_ROWS, 4) are scratch.
    """
    columns = 6 if line[VAR_RATE] > 0.0 else 3
    measured, middle, cross, spread = seen[:15], seen[15], seen[16:23], seen[23:SEEN_ROWS]
    polar, point = settings[MODEL] == CONSTANT_GRAVITY, np.empty(6)
    if not draw_root(P, root, columns) or not measure(line, x, polar, measured[0]):
        return False
    for k in range(columns):
        for side in range(2):
            sign = 1.0 - 2.0 * side
            for a in range(6):
                point[a] = x[a] + sign * root[a, k] if a >= k else x[a]
            if not measure(line, point, polar, measured[1 + 2 * k + side]):
                return False
    spread[:] = 0.0
    spread[0, 0], spread[1, 1] = line[VAR_AZIMUTH] if polar else line[VAR_RIGHT], line[VAR_OVER]
    spread[2, 2], spread[3, 3] = line[VAR_RANGE], line[VAR_RATE]
    correlate(root, columns, MEASURED if columns == 6 else 3, measured, middle, cross, spread)
    for m in range(MEASURED):
        middle[m] = -middle[m]
    absorb_jointly(line, x, P, middle, cross, spread)
    return True
