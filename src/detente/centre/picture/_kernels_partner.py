"""What partners' messages leave behind: checked, in canonical order, the newest statement of each kind kept.

A message is a row of ``said`` (columns SAID_*); ``held`` and ``line`` are what is known of one partner's track and the
estimates kept with it.
"""

import math

import numpy as np

from detente.centre.picture._kernels_estimate import due, predict_impact, threat_share
from detente.centre.picture._kernels_layout import (
    COARSENED,
    ESTIMATED_S,
    GIVER,
    HAS_STATE,
    IMPACT_S,
    IMPACT_SAID,
    IMPACT_VALID,
    LAUNCH_SAID,
    LAUNCH_VALID,
    LICENSED,
    NUMBER,
    PARTNER_NUMBER,
    PHASE,
    RECEIVED_S,
    ROUNDS,
    SAID_COARSENED,
    SAID_COVARIANCE,
    SAID_DATA,
    SAID_GIVER,
    SAID_IMPACT,
    SAID_LAUNCH,
    SAID_NUMBER,
    SAID_PHASE,
    SAID_RECEIVER,
    SAID_RELEASED_S,
    SAID_STATE,
    SAID_VALID_S,
    STATUS,
    VALID_S,
    clear_line,
)
from detente.centre.picture._kernels_matrix import factor
from detente.flight._kernels_motion import plausible
from detente.jit import kernel

# What can be wrong with a message; ``partner.REASONS`` says it in words.
SOUND = 0
BAD_ADDRESS = 1
BAD_KIND = 2
BAD_TIME = 3
BAD_STATE = 4
BAD_COVARIANCE = 5
BAD_LAUNCH = 6
BAD_IMPACT = 7

CONFIRMED = 2.0
COAST = 2.0
REENTRY = 3.0
TRACK, TRACKLET = 3.0, 5.0
LEAST_VARIANCE = 1e-6  # 1 mm, 1 mm/s: a claim below that is no measurement
GREATEST_POSITION_M2 = 1e14  # 10,000 km
GREATEST_VELOCITY_M2_S2 = 1e9  # 30 km/s
GREATEST_SIGMA_M = 1e7
GREATEST_NUMBER = 9e15  # a float still tells two neighbours apart
LONGEST_FLIGHT_S = 14_400.0
GREATEST_TIME_S = 1e9
NEVER_S = -1e18  # nothing said yet
FROM_STATE_S = 1e18  # the impact follows from the state; what is stated no longer counts


@kernel
def tells_state(said):
    """True for a message that holds a state: a track, or a tracklet."""
    return said[SAID_DATA] == TRACK or said[SAID_DATA] == TRACKLET


@kernel
def unpack(said, out):
    """out (6×6) = the symmetric matrix whose lower triangle by rows the message holds."""
    k = SAID_COVARIANCE
    for i in range(6):
        for j in range(i + 1):
            out[i, j] = said[k]
            out[j, i] = said[k]
            k += 1


@kernel
def sound_covariance(said, matrix, lower):
    """True for a finite, positive definite covariance of believable size; ``matrix`` is left holding it."""
    unpack(said, matrix)
    for i in range(6):
        greatest = GREATEST_POSITION_M2 if i < 3 else GREATEST_VELOCITY_M2_S2
        if not LEAST_VARIANCE <= matrix[i, i] <= greatest:
            return False
        for j in range(i):
            if not math.isfinite(matrix[i, j]):
                return False
    return factor(matrix, 6, lower)


@kernel
def sound_place(lat, lon):
    """True for a latitude and a longitude in radians."""
    return abs(lat) <= 0.5 * math.pi and abs(lon) <= 2.0 * math.pi


@kernel
def sound_launch(said):
    """True for a believable launch statement."""
    lat, lon, launch_s, sigma_m = (
        said[SAID_LAUNCH + 1],
        said[SAID_LAUNCH + 2],
        said[SAID_LAUNCH + 3],
        said[SAID_LAUNCH + 4],
    )
    return (
        sound_place(lat, lon)
        and abs(launch_s - said[SAID_VALID_S]) <= LONGEST_FLIGHT_S
        and 0.0 < sigma_m <= GREATEST_SIGMA_M
    )


@kernel
def sound_impact(said):
    """True for a believable impact statement."""
    lat, lon, impact_s, sigma_s = (
        said[SAID_IMPACT + 1],
        said[SAID_IMPACT + 2],
        said[SAID_IMPACT + 3],
        said[SAID_IMPACT + 4],
    )
    ee, en, nn = said[SAID_IMPACT + 5], said[SAID_IMPACT + 6], said[SAID_IMPACT + 7]
    return (
        sound_place(lat, lon)
        and abs(impact_s - said[SAID_VALID_S]) <= LONGEST_FLIGHT_S
        and 0.0 <= sigma_s <= LONGEST_FLIGHT_S
        and 0.0 < ee <= GREATEST_POSITION_M2
        and 0.0 < nn <= GREATEST_POSITION_M2
        and ee * nn > en * en
    )


@kernel
def fault_of(said, own_side, sides, now_s, future_s, matrix, lower):
    """What is wrong with a message: SOUND or a reason. A NaN fails every comparison. ``matrix`` gets the covariance."""
    giver = said[SAID_GIVER]
    if said[SAID_RECEIVER] != own_side or giver == own_side or not 0.0 <= giver < sides:
        return BAD_ADDRESS
    if not 1.0 <= said[SAID_NUMBER] <= GREATEST_NUMBER:
        return BAD_ADDRESS
    if not (1.0 <= said[SAID_DATA] <= TRACK or tells_state(said)) or not 1.0 <= said[SAID_PHASE] <= 3.0:
        return BAD_KIND
    said_s = said[SAID_VALID_S]
    if not (abs(said_s) <= GREATEST_TIME_S and said_s <= now_s + future_s):
        return BAD_TIME
    if not abs(said[SAID_RELEASED_S]) <= GREATEST_TIME_S:
        return BAD_TIME
    if tells_state(said):
        x = said[SAID_STATE : SAID_STATE + 6]
        if not plausible(x[0], x[1], x[2], x[3], x[4], x[5]):
            return BAD_STATE
        if not sound_covariance(said, matrix, lower):
            return BAD_COVARIANCE
    elif said[SAID_LAUNCH] == 0.0 and said[SAID_IMPACT] == 0.0:
        return BAD_KIND
    if said[SAID_LAUNCH] != 0.0 and not sound_launch(said):
        return BAD_LAUNCH
    if said[SAID_IMPACT] != 0.0 and not sound_impact(said):
        return BAD_IMPACT
    return SOUND


@kernel
def stale(held, line, now_s, settings):
    """True when a line has had its time: its state is not refreshed, or its missile has landed."""
    if line[IMPACT_VALID] != 0.0 and now_s > line[IMPACT_S] + settings.impact_kept_s:
        return True
    if held[HAS_STATE] != 0.0:
        kept_s = settings.reentry_kept_s if held[PHASE] == REENTRY else settings.state_kept_s
        return now_s - held[VALID_S] > kept_s
    return line[IMPACT_VALID] == 0.0 and now_s - held[RECEIVED_S] > settings.launch_kept_s


@kernel
def slot_for(held, giver, number, share):
    """The slot of a giver's track, a free one for a new track, or -1: full, or that giver has its share already."""
    free, count = -1, 0
    for q in range(held.shape[1]):
        if held[STATUS, q] == 0.0:
            if free < 0:
                free = q
        elif held[GIVER, q] == giver:
            if held[PARTNER_NUMBER, q] == number:
                return q
            count += 1
    return free if count < share else -1


@kernel
def take_launch(said, held, line):
    """Keep a stated launch, unless a newer one stands there."""
    if said[SAID_LAUNCH] == 0.0 or said[SAID_VALID_S] < held[LAUNCH_SAID]:
        return
    held[LAUNCH_SAID] = said[SAID_VALID_S]
    line[LAUNCH_VALID] = 1.0
    for k in range(1, 5):
        line[LAUNCH_VALID + k] = said[SAID_LAUNCH + k]


@kernel
def take_impact(said, held, line, now_s, ground):
    """Keep a stated impact, unless a newer one stands there or the state itself says where it will land.

    Whom it threatens is for the receiver to say, by its own map.
    """
    if said[SAID_IMPACT] == 0.0 or said[SAID_VALID_S] < held[IMPACT_SAID]:
        return
    if said[SAID_VALID_S] > held[IMPACT_SAID]:
        line[ROUNDS] += 1.0
    held[IMPACT_SAID] = said[SAID_VALID_S]
    line[IMPACT_VALID] = 1.0
    for k in range(1, 8):
        line[IMPACT_VALID + k] = said[SAID_IMPACT + k]
    line[ESTIMATED_S] = now_s
    threat_share(ground, line)


@kernel
def take_state(said, held, mean, covariance, matrix):
    """Keep a track's state, unless a newer one stands there; a warning's time and phase, where no state does."""
    older = said[SAID_VALID_S] < held[VALID_S]
    track, had_state = tells_state(said), held[HAS_STATE] != 0.0
    if (had_state and (older or not track)) or (not had_state and not track and older):
        return
    held[VALID_S] = said[SAID_VALID_S]
    held[PHASE] = said[SAID_PHASE]
    held[COARSENED] = said[SAID_COARSENED]
    if track:
        held[HAS_STATE] = 1.0
        held[LICENSED] = 1.0 if said[SAID_DATA] == TRACKLET else 0.0
        for i in range(6):
            mean[i] = said[SAID_STATE + i]
            for j in range(6):
                covariance[i, j] = matrix[i, j]


@kernel
def take_message(said, held, mean, covariance, line, now_s, ground, matrix):
    """Put a sound message where its track is kept."""
    if held[STATUS] == 0.0:
        held[STATUS] = CONFIRMED
        held[GIVER] = said[SAID_GIVER]
        held[PARTNER_NUMBER] = said[SAID_NUMBER]
        held[VALID_S] = held[RECEIVED_S] = held[LAUNCH_SAID] = held[IMPACT_SAID] = NEVER_S
        line[NUMBER] = said[SAID_NUMBER]
    said_before = max(held[VALID_S], held[LAUNCH_SAID])
    if held[IMPACT_SAID] < FROM_STATE_S:
        said_before = max(said_before, held[IMPACT_SAID])
    if said[SAID_VALID_S] >= said_before:
        held[RECEIVED_S] = now_s
    take_launch(said, held, line)
    take_impact(said, held, line, now_s, ground)
    take_state(said, held, mean, covariance, matrix)


@kernel
def speaks_for_itself(held):
    """True for a state that no longer boosts: its impact follows from it, whatever is stated."""
    return held[HAS_STATE] != 0.0 and held[PHASE] >= COAST


@kernel
def foresee(held, mean, covariance, line, now_s, settings, ground, work):
    """Predict the impact of a partner's line from its state, which speaks for itself."""
    if held[IMPACT_SAID] == FROM_STATE_S and not due(held[RECEIVED_S], now_s, line, settings):
        return
    if predict_impact(mean, covariance, held[VALID_S], settings, ground, work, line):
        line[ESTIMATED_S] = now_s
        held[IMPACT_SAID] = FROM_STATE_S


@kernel
def goes_unread(held, slot, giver, number, twin, rule):
    """True where the last picture mixed this line's state into another's: the mixture's impact is foretold there."""
    line = twin[slot]
    return line >= 0 and rule[line] != 0 and giver[slot] == held[GIVER] and number[slot] == held[PARTNER_NUMBER]


@kernel
def receive_rows(
    said, said_sensors, order, offsets, own_side, sides, now_s, settings, ground, shown_giver, shown_number, shown_twin,
    shown_rule, held, mean, covariance, sensors, lines, overflow, rejected,
):  # fmt: skip
    """Apply each row's messages in the given order to what is known of partners' tracks; all (R, Q, ...).

    ``shown_…``: the last picture's columns, (R, S+Q).
    """
    matrix, lower = np.zeros((6, 6)), np.zeros((6, 6))
    slots = held.shape[2]
    first = shown_twin.shape[1] - slots
    share = slots // max(1, sides - 1)
    for r in range(held.shape[1]):
        for at in range(offsets[r], offsets[r + 1]):
            k = order[at]
            if fault_of(said[k], own_side, sides, now_s, settings.future_allowed_s, matrix, lower) != SOUND:
                rejected[r] += 1
                continue
            q = slot_for(held[:, r], said[k, SAID_GIVER], said[k, SAID_NUMBER], share)
            if q < 0:
                overflow[r] += 1
                continue
            take_message(said[k], held[:, r, q], mean[r, q], covariance[r, q], lines[:, r, q], now_s, ground, matrix)
            sensors[r, q] |= said_sensors[k]
        for q in range(slots):
            if held[STATUS, r, q] == 0.0:
                continue
            if stale(held[:, r, q], lines[:, r, q], now_s, settings):
                held[:, r, q] = 0.0
                mean[r, q, :] = 0.0
                covariance[r, q, :, :] = 0.0
                sensors[r, q] = np.uint64(0)
                clear_line(lines[:, r, q])
            elif not speaks_for_itself(held[:, r, q]):
                continue
            elif goes_unread(held[:, r, q], first + q, shown_giver[r], shown_number[r], shown_twin[r], shown_rule[r]):
                held[IMPACT_SAID, r, q] = FROM_STATE_S
            else:
                foresee(held[:, r, q], mean[r, q], covariance[r, q], lines[:, r, q], now_s, settings, ground, matrix)
