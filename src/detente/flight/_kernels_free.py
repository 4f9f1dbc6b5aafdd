"""Flights that begin where a boost ends: from a burn-out state to the ground, and the burn-out states themselves.

The motion after burn-out is that of `_kernels`: the same integrator, landing and error estimate, with no motor.
"""

import numpy as np

from detente.flight._kernels import (
    AREA,
    BETA_AFTER,
    BURNOUT_HEIGHT,
    BURNOUT_SPEED,
    DRAG_ON,
    EXHAUSTED,
    GROUND,
    LONGEST_S,
    MASS,
    NEXT_STEP,
    REACHED,
    SETTINGS,
    SPIN,
    TALLY,
    TOLERANCE,
    advance,
    boost,
    cut_off,
    describe,
    fate,
    good_launch,
    set_up,
)
from detente.flight._kernels_motion import BAD_INPUT, NEVER_LANDS, OK, STEP_LIMIT, plausible, radial_height
from detente.flight._kernels_sample import next_sample, note
from detente.geodesy.constants import OMEGA_RAD_S
from detente.jit import kernel

# Columns of a burn-out state: position and velocity, then these.
BETA_AT, ORIGIN_LATITUDE, ORIGIN_LONGITUDE = 6, 7, 8
STATE = 9
FIRST_STEP_S = 1.0


@kernel
def release(state, rotation, drag, tolerance, p, y, tally):
    """Sets a coasting body at a burn-out state; returns the flag it starts with."""
    for i in range(6):
        y[i] = state[i]
    if not (plausible(y[0], y[1], y[2], y[3], y[4], y[5]) and 0.0 <= state[BETA_AT] < 1e7):
        return BAD_INPUT
    p[:] = 0.0
    tally[:] = 0.0
    tally[NEXT_STEP] = FIRST_STEP_S
    p[SPIN] = OMEGA_RAD_S if rotation else 0.0
    p[DRAG_ON] = 1.0 if drag and state[BETA_AT] > 0.0 else 0.0
    p[MASS], p[AREA], p[TOLERANCE], p[BETA_AFTER] = 1.0, 0.0, tolerance, state[BETA_AT]
    cut_off(0.0, p)
    return fate(y, p[SPIN])


@kernel
def fall_rows(states, rotation, drag, tolerance, results, flags):
    """Flies each burn-out state (n, STATE) to the ground; ranges are counted from its origin."""
    p, y, w, tally = np.zeros(SETTINGS), np.zeros(6), np.zeros(6), np.zeros(TALLY)
    k, cd = np.zeros((7, 6)), np.zeros((1, 5))
    for i in range(states.shape[0]):
        results[i, :] = 0.0
        flags[i] = release(states[i], rotation, drag, tolerance, p, y, tally)
        if flags[i] == BAD_INPUT:
            continue
        results[i, BURNOUT_SPEED] = np.sqrt(y[3] * y[3] + y[4] * y[4] + y[5] * y[5])
        results[i, BURNOUT_HEIGHT] = radial_height(y[0], y[1], y[2])
        if flags[i] != OK:
            continue
        t, ended = advance(0.0, LONGEST_S, y, p, cd, k, w, tally)
        if ended == GROUND:
            describe(t, states[i, ORIGIN_LATITUDE], states[i, ORIGIN_LONGITUDE], y, p, tally, results[i])
        else:
            flags[i] = STEP_LIMIT if ended == EXHAUSTED else NEVER_LANDS


@kernel
def sample_fall(state, rotation, drag, tolerance, rows):
    """Samples one burn-out state's flight into ``rows`` (m, ROW): (rows needed, flag)."""
    p, y, w, tally = np.zeros(SETTINGS), np.zeros(6), np.zeros(6), np.zeros(TALLY)
    k, cd = np.zeros((7, 6)), np.zeros((1, 5))
    flag = release(state, rotation, drag, tolerance, p, y, tally)
    if flag != OK:
        return 0, flag
    t, count = 0.0, note(0.0, y, False, rows, 0)
    while t < LONGEST_S:
        t, ended = advance(t, next_sample(t, y), y, p, cd, k, w, tally)
        if ended == EXHAUSTED:
            return 0, STEP_LIMIT
        count = note(t, y, False, rows, count)
        if ended != REACHED:
            return count, OK
    return 0, NEVER_LANDS


@kernel
def boost_rows(launch, missile, rotation, drag, tolerance, stage_count, stages, body, cd, states, flags):
    """The time and state (n, 7) at cut-off of ``launch`` rows as ``fly_rows`` takes them."""
    p, y, w, tally = np.zeros(SETTINGS), np.zeros(6), np.zeros(6), np.zeros(TALLY)
    k = np.zeros((7, 6))
    for i in range(launch.shape[0]):
        m = missile[i]
        latitude, longitude, azimuth = launch[i, 0], launch[i, 1], launch[i, 2]
        pitch, cutoff, beta = launch[i, 3], launch[i, 4], launch[i, 5]
        states[i, :] = 0.0
        flags[i] = BAD_INPUT
        if not good_launch(latitude, longitude, azimuth, pitch, cutoff, beta, body[m]):
            continue
        set_up(latitude, longitude, azimuth, pitch, rotation, drag, tolerance, beta, body[m], p, y, tally)
        t, flags[i] = boost(cutoff, stage_count[m], stages[m], body[m], p, y, cd[m], k, w, tally)
        if flags[i] == OK:
            states[i, 0] = t
            for j in range(6):
                states[i, 1 + j] = y[j]
