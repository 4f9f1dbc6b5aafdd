"""Which lines of a picture are to be warned of now, once for each side they threaten, and which warnings to correct."""

import math

import numpy as np

from detente.centre.picture._kernels_layout import (
    IMPACT_EE,
    IMPACT_EN,
    IMPACT_LAT,
    IMPACT_LON,
    IMPACT_NN,
    IMPACT_VALID,
    ROUNDS,
    THREAT,
)
from detente.geodesy.constants import MEAN_RADIUS_M
from detente.jit import kernel

CONFIRMED = 2
STATEMENTS_MAX = 255  # of one line to one side; the first and 254 corrections
# What was stated last of a line: latitude and longitude (rad), and the covariance's three numbers (m²).
SAID_LAT, SAID_LON, SAID_EE, SAID_EN, SAID_NN, SAID = 0, 1, 2, 3, 4, 5


@kernel
def reset(r, s, giver, number, kept_giver, kept_number, seen_rounds, over, issued, said):
    """A slot that changes hands starts anew."""
    kept_giver[r, s] = giver
    kept_number[r, s] = number
    seen_rounds[r, s] = 0
    said[r, s] = 0.0
    for k in range(over.shape[2]):
        over[r, s, k] = 0
        issued[r, s, k] = np.uint8(0)


@kernel
def take_over(r, s, line, issued, said):
    """What was issued for a partner's line ``s`` that was found to be another is issued for both."""
    for k in range(issued.shape[2]):
        issued[r, line, k] = max(issued[r, line, k], issued[r, s, k])
        issued[r, s, k] = issued[r, line, k]
    if said[r, line, SAID_EE] == 0.0:
        said[r, line] = said[r, s]


@kernel
def state(estimates, r, s, said):
    """Note what is stated now."""
    said[SAID_LAT], said[SAID_LON] = estimates[IMPACT_LAT, r, s], estimates[IMPACT_LON, r, s]
    said[SAID_EE], said[SAID_EN] = estimates[IMPACT_EE, r, s], estimates[IMPACT_EN, r, s]
    said[SAID_NN] = estimates[IMPACT_NN, r, s]


@kernel
def major2(ee, en, nn):
    """Greatest variance of an ellipse in any direction, m²."""
    return 0.5 * (ee + nn) + math.hypot(0.5 * (ee - nn), en)


@kernel
def is_corrected(estimates, r, s, said, shrunk, moved2):
    """Whether a line's impact is no more what was ``said``: its ellipse is ``shrunk`` times shorter, or longer, or its
    middle lies at more than ``moved2`` squared sigmas of the ellipse that was said.
    """
    now = major2(estimates[IMPACT_EE, r, s], estimates[IMPACT_EN, r, s], estimates[IMPACT_NN, r, s])
    before = major2(said[SAID_EE], said[SAID_EN], said[SAID_NN])
    if now * shrunk * shrunk <= before or now >= before * shrunk * shrunk:
        return True
    north = MEAN_RADIUS_M * (estimates[IMPACT_LAT, r, s] - said[SAID_LAT])
    turn = (estimates[IMPACT_LON, r, s] - said[SAID_LON]) / (2.0 * math.pi)
    east = MEAN_RADIUS_M * math.cos(said[SAID_LAT]) * 2.0 * math.pi * (turn - math.floor(turn + 0.5))
    square = said[SAID_NN] * east * east - 2.0 * said[SAID_EN] * east * north + said[SAID_EE] * north * north
    return square > moved2 * (said[SAID_EE] * said[SAID_NN] - said[SAID_EN] ** 2)


@kernel
def warn_rows(
    status, giver, number, twin, estimates, thresholds, settings, kept_giver, kept_number, seen_rounds, over, issued,
    said, out,
):  # fmt: skip
    """List new statements as (row, slot, side, how many came before) in ``out`` and return how many; bring what was
    issued up to date.

    ``over``: predictions in a row at or over the threshold. The first statement to a side needs ``confirmations`` of
    them; later ones correct it, whatever the probability has become. A partner's line that was found to be another line
    hands on what was issued for it.
    """
    count = 0
    rows, slots, sides = over.shape
    for r in range(rows):
        for s in range(slots):
            if kept_giver[r, s] != giver[r, s] or kept_number[r, s] != number[r, s]:
                reset(r, s, giver[r, s], number[r, s], kept_giver, kept_number, seen_rounds, over, issued, said)
        for s in range(slots):
            if status[r, s] == 0 and twin[r, s] >= 0:
                take_over(r, s, twin[r, s], issued, said)
        for s in range(slots):
            if status[r, s] != CONFIRMED or estimates[IMPACT_VALID, r, s] == 0.0:
                continue
            news = np.int64(estimates[ROUNDS, r, s]) != seen_rounds[r, s]
            if not news:
                continue
            seen_rounds[r, s] = np.int64(estimates[ROUNDS, r, s])
            known = said[r, s, SAID_EE] > 0.0
            corrected = known and is_corrected(
                estimates, r, s, said[r, s], settings.update_shrunk, settings.update_moved2
            )
            stated = corrected
            for k in range(sides):
                over[r, s, k] = over[r, s, k] + 1 if estimates[THREAT + k, r, s] >= thresholds[k] else 0
                first = issued[r, s, k] == 0 and over[r, s, k] >= settings.confirmations
                if first or (corrected and 0 < issued[r, s, k] < STATEMENTS_MAX):
                    out[count, 0], out[count, 1], out[count, 2], out[count, 3] = r, s, k, issued[r, s, k]
                    issued[r, s, k] = np.uint8(issued[r, s, k] + 1)
                    count += 1
                    stated = stated or not known
            if stated:
                state(estimates, r, s, said[r, s])
    return count
