"""Sensors' registration biases, learnt from what tracks that several sensors feed leave over.

A sensor measures range, azimuth and elevation each off by a constant. The filter runs as if the biases were what they
are believed to be; beside each track stands its *lean*: how its error goes with each bias's remaining error. A lean is
moved and updated as the error itself is, so what a detection leaves over is linear in the biases, with a white rest
that the filter's own covariance tells: that measures them (Friedland 1969, "Treatment of bias in recursive filtering").
The covariance of a track is then the filter's own and what the biases' covariance adds through the lean.

Where one sensor feeds a track, its lean soon answers for all of the bias: nothing is left over, and nothing is learnt.
"""

import math

import numpy as np

from detente.centre.tracking._kernels_late import slopes_at
from detente.centre.tracking._kernels_places import (
    AT,
    BALLISTIC,
    BOOST,
    CONFIRMED,
    CONSTANT_GRAVITY,
    DET_AZIMUTH,
    DET_ELEVATION,
    DET_RANGE,
    EASTWARD,
    EMPTY,
    FROM,
    MODEL,
    NORTHWARD,
    PHASE,
    PLOTS,
    SENSORS,
    STATUS,
    UPWARD,
    VAR_AZIMUTH,
    VAR_OVER,
    VAR_RANGE,
    VAR_RATE,
    VAR_RIGHT,
)
from detente.centre.tracking._kernels_predict import (
    AIR_CEILING_M,
    LONGEST_STEPS,
    bring,
    longest_step,
    move_columns,
    move_mean,
    radial_height,
    rates_of_change,
)
from detente.centre.tracking._kernels_sight import draw_line
from detente.jit import kernel

RANGE_BIAS, AZIMUTH_BIAS, ELEVATION_BIAS, EACH = 0, 1, 2, 3  # of one sensor, in this order
MEASURED = 4


@kernel
def is_learning(biases):
    """Whether biases are estimated at all: otherwise every array of ``biases`` is empty."""
    return biases[0].shape[0] > 0


@kernel
def draw_unbiased(plots, plot_tags, d, sites, draws, sensor, biases, line):
    """``draw_line`` of a detection less what its sensor's biases are believed to be."""
    value = biases[0]
    plain = np.empty((1, PLOTS))
    plain[0] = plots[d]
    plain[0, DET_RANGE] -= value[EACH * sensor + RANGE_BIAS]
    plain[0, DET_AZIMUTH] -= value[EACH * sensor + AZIMUTH_BIAS]
    plain[0, DET_ELEVATION] -= value[EACH * sensor + ELEVATION_BIAS]
    draw_line(plain, plot_tags[d : d + 1], 0, sites, draws, line)


@kernel
def displace(line, x, D):
    """Fill ``D`` (3, 3): how far each bias of a line's sensor moves the place that it measures, by axis and bias.

    Zero for the range of a sensor that measures none.
    """
    dx, dy, dz = x[0] - line[FROM], x[1] - line[FROM + 1], x[2] - line[FROM + 2]
    east = dx * line[EASTWARD] + dy * line[EASTWARD + 1] + dz * line[EASTWARD + 2]
    north = dx * line[NORTHWARD] + dy * line[NORTHWARD + 1] + dz * line[NORTHWARD + 2]
    up = dx * line[UPWARD] + dy * line[UPWARD + 1] + dz * line[UPWARD + 2]
    level = max(math.sqrt(east * east + north * north), 1.0)
    far = math.sqrt(level * level + up * up)
    ranged = 1.0 if line[VAR_RANGE] > 0.0 else 0.0
    for k in range(3):
        e, n, u = line[EASTWARD + k], line[NORTHWARD + k], line[UPWARD + k]
        D[k, RANGE_BIAS] = ranged * (east * e + north * n + up * u) / far
        D[k, AZIMUTH_BIAS] = north * e - east * n
        D[k, ELEVATION_BIAS] = level * u - up * (east * e + north * n) / level


@kernel
def widen(line, x, P, lean, sensor, doubt, wide):
    """Fill ``wide`` (7, 7): the covariance by which a detection of this sensor is to be gated: ``P`` and what the
    biases' covariance adds through the lean and through the detection itself.
    """
    D, off = np.empty((3, 3)), lean.copy()
    displace(line, x, D)
    for k in range(3):
        for c in range(EACH):
            off[k, EACH * sensor + c] -= D[k, c]
    add_doubt(P, off, doubt, wide)


@kernel
def add_doubt(P, lean, doubt, wide):
    """``wide`` = P + L M Lᵀ, all (7, 7) but the lean L (7, B) and the biases' covariance M (B, B)."""
    count = doubt.shape[0]
    half = np.zeros((7, count))
    for a in range(7):
        for c in range(count):
            if lean[a, c] != 0.0:
                for e in range(count):
                    half[a, e] += lean[a, c] * doubt[c, e]
    for a in range(7):
        for b in range(a + 1):
            total = P[a, b]
            for e in range(count):
                total += half[a, e] * lean[b, e]
            wide[a, b], wide[b, a] = total, total


@kernel
def bring_leaning(state, covariance, tags, clocks, i, time_s, settings, rates, work, biases):
    """``bring``, and the track's lean with it."""
    ahead_s = time_s - clocks[i, AT]
    if ahead_s <= 0.0 or not is_learning(biases):
        bring(state, covariance, tags, clocks, i, time_s, settings, rates, work)
        return
    before, boosting = state[i].copy(), tags[i, PHASE] == BOOST
    bring(state, covariance, tags, clocks, i, time_s, settings, rates, work)
    lean = biases[4][i]
    if settings[MODEL] == CONSTANT_GRAVITY:
        for a in range(3):
            for c in range(lean.shape[1]):
                lean[a, c] += ahead_s * lean[a + 3, c]
        return
    whole = way_ahead(before, ahead_s, boosting, settings)
    moved = lean.copy()
    for a in range(7):
        for c in range(lean.shape[1]):
            total = 0.0
            for b in range(7):
                total += whole[a, b] * moved[b, c]
            lean[a, c] = total


@kernel
def way_ahead(before, ahead_s, boosting, settings):
    """The slopes (7, 7) of a ballistic state ``ahead_s`` on by the state before; the steps are those of ``predict``."""
    states, rates = before.copy().reshape(1, 7), np.empty((3, 7))
    whole, work = np.eye(7), np.empty((7, 7))
    left = ahead_s
    for _ in range(LONGEST_STEPS):
        if left <= 1e-9:
            break
        y = states[0].copy()
        height = radial_height(y[0], y[1], y[2])
        speed = math.sqrt(y[3] * y[3] + y[4] * y[4] + y[5] * y[5])
        h = min(left, longest_step(boosting, height, speed, y[6], settings))
        in_air = height < AIR_CEILING_M
        move_mean(states, 0, h, boosting, in_air, settings)
        z = states[0]
        rates_of_change(
            0.5 * (y[0] + z[0]), 0.5 * (y[1] + z[1]), 0.5 * (y[2] + z[2]),
            0.5 * (y[3] + z[3]), 0.5 * (y[4] + z[4]), 0.5 * (y[5] + z[5]),
            z[6], boosting, in_air, settings, rates,
        )  # fmt: skip
        move_columns(rates, h, whole, work)
        for a in range(7):
            for b in range(7):
                whole[a, b] = work[b, a]
        left -= h
    return whole


@kernel
def begin_lean(line, x, lean, sensor):
    """The lean (7, B) of a track born of one detection: its place is off as the detection is."""
    D = np.empty((3, 3))
    displace(line, x, D)
    lean[:] = 0.0
    for k in range(3):
        for c in range(EACH):
            lean[k, EACH * sensor + c] = D[k, c]


@kernel
def foresee(line, x, lean, sensor, polar, H, off, U):
    """Fill ``H`` (4, 7) and ``off`` (4,) of a detection, and ``U`` (4, B): how ``off`` goes with the biases' errors.

    False where the detection cannot be compared with the track.
    """
    if not slopes_at(line, x, polar, H, off):
        return False
    for m in range(MEASURED):
        for c in range(U.shape[1]):
            total = 0.0
            for a in range(7):
                total -= H[m, a] * lean[a, c]
            U[m, c] = total
    across = 1.0 if polar else level_share(line, x)
    U[0, EACH * sensor + AZIMUTH_BIAS] += across
    U[1, EACH * sensor + ELEVATION_BIAS] += 1.0
    if line[VAR_RANGE] > 0.0:
        U[2, EACH * sensor + RANGE_BIAS] += 1.0
    return True


@kernel
def level_share(line, x):
    """The cosine of the elevation at which a line's sensor sees a state."""
    dx, dy, dz = x[0] - line[FROM], x[1] - line[FROM + 1], x[2] - line[FROM + 2]
    up = dx * line[UPWARD] + dy * line[UPWARD + 1] + dz * line[UPWARD + 2]
    return math.sqrt(max(1.0 - up * up / (dx * dx + dy * dy + dz * dz), 0.0))


@kernel
def noise_of(line, polar, m):
    """The variance of the m-th number measured: two angles, range, range rate; not above 0 where there is none."""
    if m == 0:
        return line[VAR_AZIMUTH] if polar else line[VAR_RIGHT]
    if m == 1:
        return line[VAR_OVER]
    return line[VAR_RANGE] if m == 2 else line[VAR_RATE]


@kernel
def seen_by_others(pedigree, sensor):
    """Whether a pedigree, one bit a sensor, holds any other sensor."""
    return pedigree & ~(1 << sensor) != 0


@kernel
def learn(line, P, polar, H, off, U, biases):
    """Add to what is known of the biases what one detection leaves over, before the track is updated with it.

    The numbers are taken one by one, each freed of what it shares with those before: that is their joint information.
    """
    _, _, told, told_mean, _, _ = biases
    S, count = np.empty((MEASURED, MEASURED)), U.shape[1]
    for m in range(MEASURED):
        for n in range(m + 1):
            total = 0.0
            for a in range(7):
                for b in range(7):
                    total += H[m, a] * P[a, b] * H[n, b]
            S[m, n], S[n, m] = total, total
        S[m, m] += max(noise_of(line, polar, m), 0.0)
    rest, lines = off.copy(), U.copy()
    for m in range(MEASURED):
        if noise_of(line, polar, m) <= 0.0:
            continue
        inverse = 1.0 / S[m, m]
        for c in range(count):
            if lines[m, c] != 0.0:
                told_mean[c] += lines[m, c] * rest[m] * inverse
                for e in range(count):
                    told[c, e] += lines[m, c] * lines[m, e] * inverse
        for n in range(m + 1, MEASURED):
            share = S[m, n] * inverse
            rest[n] -= share * rest[m]
            for c in range(count):
                lines[n, c] -= share * lines[m, c]
            for k in range(m + 1, MEASURED):
                S[k, n] -= S[k, m] * share


@kernel
def lean_on(line, P, polar, H, U, weight, lean):
    """Add ``weight`` times what an update with a detection changes of a lean: the gain, P⁺ Hᵀ R⁻¹, times ``U``."""
    for m in range(MEASURED):
        variance = noise_of(line, polar, m)
        if variance <= 0.0:
            continue
        for a in range(7):
            gain = 0.0
            for b in range(6):
                gain += P[a, b] * H[m, b]
            gain *= weight / variance
            for c in range(U.shape[1]):
                lean[a, c] += gain * U[m, c]


@kernel
def may_teach(tags, i, sensor, settings):
    """Whether what a detection leaves over of slot ``i`` tells of biases: another sensor sees it too, nothing burns."""
    burns = settings[MODEL] == BALLISTIC and tags[i, PHASE] == BOOST
    return tags[i, STATUS] == CONFIRMED and not burns and seen_by_others(tags[i, SENSORS], sensor)


@kernel
def believe(state, tags, biases):
    """At the end of a moment: take in what was learnt of the biases, and move every track by its lean."""
    value, doubt, told, told_mean, lean, known = biases
    count = value.shape[0]
    if count == 0 or not np.any(told):
        return
    for c in range(count):
        for e in range(count):
            known[c, e] += told[c, e]
    invert(known, doubt)
    change = np.zeros(count)
    for c in range(count):
        for e in range(count):
            change[c] += doubt[c, e] * told_mean[e]
        value[c] += change[c]
    for i in range(tags.shape[0]):
        if tags[i, STATUS] == EMPTY:
            continue
        for a in range(7):
            for c in range(count):
                state[i, a] -= lean[i, a, c] * change[c]
    told[:] = 0.0
    told_mean[:] = 0.0


@kernel
def invert(J, M):
    """Fill ``M`` with the inverse of a symmetric positive definite ``J``, scaled to ones on its diagonal first."""
    count = J.shape[0]
    scale, root = np.empty(count), np.zeros((count, count))
    for a in range(count):
        scale[a] = 1.0 / math.sqrt(J[a, a])
    for a in range(count):
        for b in range(a + 1):
            total = J[a, b] * scale[a] * scale[b]
            for k in range(b):
                total -= root[a, k] * root[b, k]
            root[a, b] = total / root[b, b] if a > b else math.sqrt(total)
    column = np.empty(count)
    for e in range(count):
        for a in range(count):
            total = 1.0 if a == e else 0.0
            for k in range(a):
                total -= root[a, k] * column[k]
            column[a] = total / root[a, a]
        for a in range(count - 1, -1, -1):
            total = column[a]
            for k in range(a + 1, count):
                total -= root[k, a] * column[k]
            column[a] = total / root[a, a]
        for a in range(count):
            M[a, e] = column[a] * scale[a] * scale[e]
