"""A flight written down: states along the way, close enough together to draw a cubic between."""

import math

import numpy as np

from detente.flight._kernels import (
    EXHAUSTED,
    GROUND,
    LONGEST_S,
    REACHED,
    SETTINGS,
    SPIN,
    TALLY,
    TURN,
    advance,
    burn,
    cut_off,
    fate,
    good_launch,
    rest,
    set_up,
    turning,
)
from detente.flight._kernels_motion import (
    BAD_INPUT,
    GROUND_IN_BOOST,
    NEVER_LANDS,
    OK,
    STEP_LIMIT,
    climb_rate,
    radial_height,
)
from detente.jit import kernel

BOOST, COAST, REENTRY = 1, 2, 3
REENTRY_M = 100_000.0
NEAR_AIR_M = 120_000.0
CLOSE_S = 1.0
WIDE_S = 5.0
ROW = 8  # time, position, velocity, phase


@kernel
def note(t, y, boosting, rows, count):
    """Writes one sample if there is room; counts it in any case."""
    if count < rows.shape[0]:
        rows[count, 0] = t
        for i in range(6):
            rows[count, 1 + i] = y[i]
        rows[count, 7] = COAST
        if boosting:
            rows[count, 7] = BOOST
        elif radial_height(y[0], y[1], y[2]) < REENTRY_M and climb_rate(y[0], y[1], y[2], y[3], y[4], y[5]) < 0.0:
            rows[count, 7] = REENTRY
    return count + 1


@kernel
def next_sample(t, y):
    """The time of the next sample of a coasting body: on whole seconds, close together near the air."""
    height = radial_height(y[0], y[1], y[2])
    climb = climb_rate(y[0], y[1], y[2], y[3], y[4], y[5])
    soon = height + WIDE_S * climb - 0.5 * 10.0 * WIDE_S * WIDE_S
    spacing = CLOSE_S if height < NEAR_AIR_M or soon < NEAR_AIR_M else WIDE_S
    return math.floor(t + 1e-6) + spacing


@kernel
def sample_boost(cutoff, stage_count, stages, body, p, y, cd, k, w, tally, rows, count):
    """Samples from the pad to cut-off, every second and at cut-off: (count, time, flag)."""
    t = 0.0
    count = note(t, y, True, rows, count)
    # A motor's number twice: the rest before it, which only a later stage can have, and its burn.
    for half in range(2 * stage_count):
        s = half // 2
        if half % 2 == 0:
            rest(t, p)
            end = stages[s, 0]
        else:
            burn(stages[s], p)
            end = min(stages[s, 1], cutoff)
        while t < end:
            stop = min(math.floor(t + 1e-6) + CLOSE_S, end)
            for part in range(2):
                if t + 1e-6 < body[part] < stop:
                    stop = body[part]
            p[TURN] = turning(t, body)
            t, ended = advance(t, stop, y, p, cd, k, w, tally)
            if ended != REACHED:
                return count, t, GROUND_IN_BOOST if ended == GROUND else STEP_LIMIT
            count = note(t, y, True, rows, count)
    return count, t, OK


@kernel
def sample_flight(cutoff, stage_count, stages, body, p, y, cd, k, w, tally, rows, count):
    """Samples of one flight after ``set_up``, from row ``count`` on: (count, flag). Counts past the rows' end."""
    count, t, flag = sample_boost(cutoff, stage_count, stages, body, p, y, cd, k, w, tally, rows, count)
    if flag != OK:
        return count, flag
    cut_off(t, p)
    flag = fate(y, p[SPIN])
    if flag != OK:
        return count, flag
    while t < LONGEST_S:
        t, ended = advance(t, next_sample(t, y), y, p, cd, k, w, tally)
        if ended == EXHAUSTED:
            return count, STEP_LIMIT
        count = note(t, y, False, rows, count)
        if ended == GROUND:
            return count, OK
    return count, NEVER_LANDS


@kernel
def sample_rows(
    first, launch, missile, rotation, drag, tolerance, stage_count, stages, body, cd, rows, offsets, flags
):  # fmt: skip
    """Samples launches from ``first`` on into ``rows`` (m, 8), as many as fit; returns the first not flown.

    ``offsets[i + 1]`` is where flight i ends, counted from the first row of ``rows``. A flight that comes to no good
    end leaves no rows.
    """
    p, y, w, tally = np.zeros(SETTINGS), np.zeros(6), np.zeros(6), np.zeros(TALLY)
    k = np.zeros((7, 6))
    start = 0
    for i in range(first, launch.shape[0]):
        m = missile[i]
        latitude, longitude, azimuth = launch[i, 0], launch[i, 1], launch[i, 2]
        pitch, cutoff, beta = launch[i, 3], launch[i, 4], launch[i, 5]
        flags[i] = BAD_INPUT
        count = start
        if good_launch(latitude, longitude, azimuth, pitch, cutoff, beta, body[m]):
            set_up(latitude, longitude, azimuth, pitch, rotation, drag, tolerance, beta, body[m], p, y, tally)
            count, flags[i] = sample_flight(
                cutoff, stage_count[m], stages[m], body[m], p, y, cd[m], k, w, tally, rows, start
            )
        if count > rows.shape[0]:
            return i
        if flags[i] == OK:
            start = count
        offsets[i + 1] = start
    return launch.shape[0]
