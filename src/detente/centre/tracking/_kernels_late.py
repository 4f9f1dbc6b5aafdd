"""Detections that come late: what they say of the past is brought to bear on the present, without running it again.

A late detection measures where the object was at a time τ. The present state is carried back to τ, and smoothed
against what the track knew before τ (Rauch, Tung and Striebel over one step), so that

    x(τ) = y + B (x - x̂) + w,    B = (I - G) A,  w ~ N(0, (I - G) N),  G = N (P̄ + N)⁻¹,

with A the slopes of going back, y the smoothed place, N the process noise between as seen at τ, and P̄ the covariance
at τ before what was measured since. It is then an ordinary measurement of the present with slopes H B and noise
R + H (I - G) N Hᵀ: exact where one look lies between, and for several the one-step solution of Bar-Shalom, Chen and
Mallick (2004). Where nothing is remembered from before τ, P̄ is boundless and G is zero.
"""

import math

import numpy as np

from detente.centre.tracking._kernels_places import (
    AIR_NOISE,
    AZIMUTH,
    BOOST,
    BOOST_CEILING_M,
    BOOST_NOISE,
    COAST_NOISE,
    CONFIRMED,
    CONSTANT_GRAVITY,
    ELEVATION,
    FROM,
    GRAVITY,
    LIGHTNESS_NOISE,
    LOCAL_NOISE,
    MODEL,
    NUMBER,
    PHASE,
    RANGE,
    RATE,
    STATUS,
    THRUST_NOISE,
    THRUST_STEP,
    UNDECIDED_NOISE,
    VAR_AZIMUTH,
    VAR_OVER,
    VAR_RANGE,
    VAR_RATE,
    VAR_RIGHT,
)
from detente.centre.tracking._kernels_polar import look
from detente.centre.tracking._kernels_predict import (
    AIR_CEILING_M,
    add_noise,
    climb_rate,
    longest_step,
    move_columns,
    move_covariance,
    move_mean,
    predict,
    predict_locally,
    radial_height,
    rates_of_change,
)
from detente.centre.tracking._kernels_sight import compare, short_way
from detente.centre.tracking._kernels_sigma import MEASURED, STATES, absorb_jointly
from detente.jit import kernel

LONGEST_STEPS = 200


@kernel
def go_back(y, A, N, back_s, boosting, doubted, settings):
    """Carry a state ``y`` (7,) back in time in place; fill ``A`` (7, 7) its slopes, ``N`` (7, 7) the noise between.

    ``doubted``: what coasts now may have burnt then, where it climbs below the boost ceiling.
    """
    A[:] = 0.0
    N[:] = 0.0
    for a in range(STATES):
        A[a, a] = 1.0
    if settings[MODEL] == CONSTANT_GRAVITY:
        predict_locally(y, N, -back_s, settings[GRAVITY], -settings[LOCAL_NOISE])
        for a in range(3):
            A[a, a + 3] = -back_s
        return
    states, rates, work = y.reshape(1, STATES), np.empty((3, STATES)), np.empty((STATES, STATES))
    left = back_s
    for _ in range(LONGEST_STEPS):
        if left <= 1e-9:
            break
        height = radial_height(y[0], y[1], y[2])
        speed = math.sqrt(y[3] * y[3] + y[4] * y[4] + y[5] * y[5])
        h = min(left, longest_step(boosting, height, speed, y[6], settings))
        in_air = height < AIR_CEILING_M
        px, py, pz, vx, vy, vz = y[0], y[1], y[2], y[3], y[4], y[5]
        move_mean(states, 0, -h, boosting, in_air, settings)
        drag = rates_of_change(
            0.5 * (px + y[0]), 0.5 * (py + y[1]), 0.5 * (pz + y[2]),
            0.5 * (vx + y[3]), 0.5 * (vy + y[4]), 0.5 * (vz + y[5]),
            y[6], boosting, in_air, settings, rates,
        )  # fmt: skip
        move_columns(rates, -h, A, work)
        for a in range(STATES):
            for b in range(STATES):
                A[a, b] = work[b, a]
        move_covariance(N, -h, rates, False, work)
        if boosting:
            white, walk = settings[BOOST_NOISE], settings[THRUST_NOISE] + settings[THRUST_STEP] * y[6] * y[6]
        else:
            white = settings[COAST_NOISE] + settings[AIR_NOISE] * drag * drag
            walk = settings[LIGHTNESS_NOISE] * y[6] * y[6] if in_air else 0.0
            if doubted and height < settings[BOOST_CEILING_M] and climb_rate(px, py, pz, vx, vy, vz) > 0.0:
                white += settings[UNDECIDED_NOISE]
        add_noise(N, -h, -white, -walk, rates)
        left -= h


@kernel
def divide(N, M, G):
    """G = N M⁻¹ for a symmetric positive definite ``M`` (7, 7); false where it is not."""
    root = np.zeros((STATES, STATES))
    for a in range(STATES):
        for b in range(a + 1):
            value = M[a, b]
            for k in range(b):
                value -= root[a, k] * root[b, k]
            if a > b:
                root[a, b] = value / root[b, b]
            elif value > 0.0:
                root[a, a] = math.sqrt(value)
            else:
                return False
    for row in range(STATES):
        for a in range(STATES):
            value = N[row, a]
            for k in range(a):
                value -= root[a, k] * G[row, k]
            G[row, a] = value / root[a, a]
        for a in range(STATES - 1, -1, -1):
            value = G[row, a]
            for k in range(a + 1, STATES):
                value -= root[k, a] * G[row, k]
            G[row, a] = value / root[a, a]
    return True


@kernel
def remember(state, covariance, tags, now_s, memory):
    """Write every live slot into its ring of moments, over the oldest."""
    times, owners, phases, states, covariances = memory
    depth = times.shape[1]
    for i in range(tags.shape[0]):
        if depth == 0 or tags[i, STATUS] == 0:
            continue
        oldest = 0
        for m in range(1, depth):
            if owners[i, m] != tags[i, NUMBER] and owners[i, oldest] == tags[i, NUMBER]:
                oldest = m
            elif (owners[i, m] == tags[i, NUMBER]) == (owners[i, oldest] == tags[i, NUMBER]):
                oldest = m if times[i, m] < times[i, oldest] else oldest
        times[i, oldest], owners[i, oldest], phases[i, oldest] = now_s, tags[i, NUMBER], tags[i, PHASE]
        states[i, oldest] = state[i]
        covariances[i, oldest] = covariance[i]


@kernel
def recall(tags, i, time_s, memory):
    """The latest remembered moment of slot ``i`` not after a time, burning or not as it is now; -1 where none is."""
    times, owners, phases, _, _ = memory
    found, burning = -1, tags[i, PHASE] == BOOST
    for m in range(times.shape[1]):
        mine = owners[i, m] == tags[i, NUMBER] and (phases[i, m] == BOOST) == burning and times[i, m] <= time_s
        if mine and (found < 0 or times[i, m] > times[i, found]):
            found = m
    return found


@kernel
def look_back(state, tags, clocks_at, i, time_s, memory, settings, past):
    """Fill ``past`` for slot ``i`` at an earlier time: ``y`` (7,), ``B`` (7, 7), ``W`` (7, 7), as above."""
    y, B, W = past
    boosting = settings[MODEL] != CONSTANT_GRAVITY and tags[i, PHASE] == BOOST
    A, G = np.empty((STATES, STATES)), np.zeros((STATES, STATES))
    y[:] = state[i]
    m = recall(tags, i, time_s, memory)
    go_back(y, A, W, clocks_at - time_s, boosting, m < 0, settings)
    B[:] = A
    if m < 0:
        return
    times, _, _, states, covariances = memory
    before, P = np.empty((1, STATES)), np.empty((1, STATES, STATES))
    before[0], P[0] = states[i, m], covariances[i, m]
    if settings[MODEL] == CONSTANT_GRAVITY:
        predict_locally(before[0], P[0], time_s - times[i, m], settings[GRAVITY], settings[LOCAL_NOISE])
    else:
        whose = np.zeros((1, tags.shape[1]), np.int64)
        whose[0, PHASE], whose[0, STATUS] = tags[i, PHASE], CONFIRMED
        work, rates = np.empty((STATES, STATES)), np.empty((3, STATES))
        predict(before, P, whose, 0, time_s - times[i, m], settings, rates, work)
    if not divide(W, P[0] + W, G):
        return
    N = W.copy()
    for a in range(STATES):
        for b in range(STATES):
            back, noise = A[a, b], N[a, b]
            for k in range(STATES):
                back -= G[a, k] * A[k, b]
                noise -= G[a, k] * N[k, b]
            B[a, b], W[a, b] = back, noise
    carried = y.copy()
    for a in range(STATES):
        for k in range(STATES):
            y[a] += G[a, k] * (before[0, k] - carried[k])


@kernel
def slopes_at(line, y, polar, H, off):
    """Fill ``H`` (4, 7) and ``off`` (4,): slopes at a state, and measured less foreseen; false where there are none."""
    offsets, slopes = np.empty(3), np.empty((3, 3))
    H[:] = 0.0
    if polar:
        if not look(line, y, offsets, slopes):
            return False
        off[0], off[1] = short_way(line[AZIMUTH] - offsets[0]), line[ELEVATION] - offsets[1]
        off[2] = line[RANGE] - offsets[2]
    else:
        if not compare(line, y[0], y[1], y[2], offsets, slopes):
            return False
        off[0], off[1], off[2] = offsets[0], offsets[1], offsets[2]
    for m in range(3):
        for k in range(3):
            H[m, k] = slopes[m, k]
    dx, dy, dz = y[0] - line[FROM], y[1] - line[FROM + 1], y[2] - line[FROM + 2]
    far = math.sqrt(dx * dx + dy * dy + dz * dz)
    closing = (dx * y[3] + dy * y[4] + dz * y[5]) / far
    for k in range(3):
        away = (y[k] - line[FROM + k]) / far
        H[3, k], H[3, k + 3] = (y[k + 3] - closing * away) / far, away
    off[3] = line[RATE] - closing
    return True


@kernel
def relate(line, P, past, polar, off, cross, spread):
    """Fill what a late measurement has to do with the present: ``off`` (4,), ``cross`` (7, 4), ``spread`` (4, 4)."""
    y, B, W = past
    H, HB = np.empty((MEASURED, STATES)), np.zeros((MEASURED, STATES))
    if not slopes_at(line, y, polar, H, off):
        return False
    for m in range(MEASURED):
        for a in range(STATES):
            for k in range(STATES):
                HB[m, a] += H[m, k] * B[k, a]
    for m in range(MEASURED):
        for a in range(STATES):
            total = 0.0
            for k in range(STATES):
                total += P[a, k] * HB[m, k]
            cross[a, m] = total
    for m in range(MEASURED):
        for n in range(MEASURED):
            total = 0.0
            for a in range(STATES):
                total += HB[m, a] * cross[a, n]
                for b in range(STATES):
                    total += H[m, a] * W[a, b] * H[n, b]
            spread[m, n] = total
    spread[0, 0] += line[VAR_AZIMUTH] if polar else line[VAR_RIGHT]
    spread[1, 1] += line[VAR_OVER]
    spread[2, 2] += line[VAR_RANGE]
    spread[3, 3] += line[VAR_RATE]
    return True


@kernel
def late_distance(line, P, past, polar):
    """Squared Mahalanobis distance of a late detection, of all that it measured, and log det S; (-1, 0) where none."""
    off, cross, spread = np.empty(MEASURED), np.empty((STATES, MEASURED)), np.empty((MEASURED, MEASURED))
    if not relate(line, P, past, polar, off, cross, spread):
        return -1.0, 0.0
    total, log_volume = 0.0, 0.0
    for m in range(MEASURED):
        if (m == 2 and line[VAR_RANGE] <= 0.0) or (m == 3 and line[VAR_RATE] <= 0.0):
            continue
        if not spread[m, m] > 0.0:
            return -1.0, 0.0
        total += off[m] * off[m] / spread[m, m]
        log_volume += math.log(spread[m, m])
        for n in range(m + 1, MEASURED):
            share = spread[m, n] / spread[m, m]
            off[n] -= share * off[m]
            for k in range(m + 1, MEASURED):
                spread[k, n] -= spread[k, m] * share
    return total, log_volume


@kernel
def update_late(line, x, P, past, polar):
    """The update of the present (x, P) with a late detection; false where it cannot be made."""
    off, cross, spread = np.empty(MEASURED), np.empty((STATES, MEASURED)), np.empty((MEASURED, MEASURED))
    if not relate(line, P, past, polar, off, cross, spread):
        return False
    absorb_jointly(line, x, P, off, cross, spread)
    return True
