"""The answer key at work: which object a track is, how far off it is, and which windows were seen for which object."""

import math

import numpy as np

from detente.jit import kernel
from detente.world._kernels_path import flight_row

MATCH_M = 5000.0
CONFIRMED = 2
COAST = 2


@kernel
def learn(number, updated_row, answers, object_of, lead):
    """Note the object of each track that used a detection in this step: (R, S), (R, S), (m,) into (R, M).

    A track is of the object that most of its detections came from, by a running vote (Boyer and Moore 1981) whose lead
    is kept in ``lead`` (R, M): one plot taken from a neighbour does not make a track the neighbour's.
    """
    for r in range(number.shape[0]):
        for s in range(number.shape[1]):
            row, track = updated_row[r, s], number[r, s]
            if row < 0 or track <= 0 or answers[row] < 0:
                continue
            if object_of[r, track] == answers[row]:
                lead[r, track] += 1
            elif lead[r, track] > 0:
                lead[r, track] -= 1
            else:
                object_of[r, track] = answers[row]
                lead[r, track] = 1


@kernel
def true_states(now_s, time_s, position, velocity, phase, offsets, state_out, phase_out):
    """State (R, N, 6) and phase (R, N) of every object at one moment; phase 0 where it does not fly. Cubic Hermite."""
    objects = state_out.shape[1]
    for r in range(state_out.shape[0]):
        for n in range(objects):
            first, last = offsets[r * objects + n], offsets[r * objects + n + 1] - 1
            phase_out[r, n] = 0
            if last <= first or now_s < time_s[first] or now_s > time_s[last]:
                continue
            low = flight_row(time_s, first, last, now_s)
            high = low + 1
            phase_out[r, n] = phase[low]
            h = time_s[high] - time_s[low]
            u = (now_s - time_s[low]) / h
            h00, h10 = (1 + 2 * u) * (1 - u) ** 2, u * (1 - u) ** 2
            h01, h11 = u * u * (3 - 2 * u), u * u * (u - 1)
            d00, d10 = 6 * u * (u - 1), (1 - u) * (1 - 3 * u)
            d11 = u * (3 * u - 2)
            for c in range(3):
                p0, p1 = position[low, c], position[high, c]
                v0, v1 = velocity[low, c], velocity[high, c]
                state_out[r, n, c] = h00 * p0 + h10 * h * v0 + h01 * p1 + h11 * h * v1
                state_out[r, n, 3 + c] = d00 * (p0 - p1) / h + d10 * v0 + d11 * v1


@kernel
def lines_objects(status, giver, number, object_of, out):
    """Object (R, L) behind each line of a picture, -1 where none: ``object_of`` is (centres, R, M)."""
    for r in range(status.shape[0]):
        for s in range(status.shape[1]):
            out[r, s] = -1
            if status[r, s] == CONFIRMED and 0 < number[r, s] < object_of.shape[2]:
                out[r, s] = object_of[giver[r, s], r, number[r, s]]


@kernel
def whiten(covariance, error, work):
    """Squared Mahalanobis length of a 6-vector; negative where the covariance is not positive definite."""
    total = 0.0
    for i in range(6):
        for j in range(i + 1):
            value = covariance[i, j]
            for k in range(j):
                value -= work[i, k] * work[j, k]
            if i == j:
                if value <= 0.0:
                    return -1.0
                work[i, i] = math.sqrt(value)
            else:
                work[i, j] = value / work[j, j]
        value = error[i]
        for k in range(i):
            value -= work[i, k] * work[6, k]
        work[6, i] = value / work[i, i]
        total += work[6, i] * work[6, i]
    return total


@kernel
def score_lines(line_object, has_state, mean, covariance, true_state, true_phase, square_m2, nees, samples):
    """Add every confirmed line whose object truly coasts within 5 km of it to the sums (R,) of its replicate.

    Returns how many such lines have a covariance that is not positive definite; those are in no sum.
    """
    unsound = 0
    work = np.zeros((7, 6))
    error = np.zeros(6)
    for r in range(line_object.shape[0]):
        for s in range(line_object.shape[1]):
            n = line_object[r, s]
            if n < 0 or has_state[r, s] == 0 or true_phase[r, n] != COAST:
                continue
            for c in range(6):
                error[c] = mean[r, s, c] - true_state[r, n, c]
            distance2 = error[0] * error[0] + error[1] * error[1] + error[2] * error[2]
            if distance2 > MATCH_M * MATCH_M:
                continue
            length = whiten(covariance[r, s], error, work)
            if length < 0.0:
                unsound += 1
                continue
            square_m2[r] += distance2
            nees[r] += length
            samples[r] += 1
    return unsound


@kernel
def note_windows(line_object, window_open, earliest_s, seen, earliest_by_object):
    """Remember (site, object) pairs with a window (R, N, K) and the earliest feasible intercept (R, N)."""
    for r in range(line_object.shape[0]):
        for s in range(line_object.shape[1]):
            n = line_object[r, s]
            if n < 0:
                continue
            for k in range(window_open.shape[2]):
                if window_open[r, s, k]:
                    seen[r, n, k] = 1
                    if earliest_by_object[r, n] < 0.0 or earliest_s[r, s, k] < earliest_by_object[r, n]:
                        earliest_by_object[r, n] = earliest_s[r, s, k]


@kernel
def may_engage(line_object, known_dead_s, refused, now_s, out):
    """1 where a line may be engaged: its object is not known dead by now and consent was not refused. (R, L)."""
    for r in range(line_object.shape[0]):
        for s in range(line_object.shape[1]):
            n = line_object[r, s]
            out[r, s] = 1 if n < 0 or (now_s < known_dead_s[r, n] and refused[r, n] == 0) else 0
