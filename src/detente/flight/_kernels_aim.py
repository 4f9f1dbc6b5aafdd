"""Launch here, land there: the farthest a missile can go, and the launch that hits an aim.

A launch has two numbers to find: the azimuth, and one that sets the range, which is either the cut-off time (the final
pitch then follows from a table of the best pitch for each cut-off) or the final pitch at full burn. The range is
found by a secant kept inside a bracket. The azimuth is the bearing of the aim less the deflection seen in the last
flights (the turning Earth moves the aim, and the missile with it), carried on linearly to the next one.
"""

import math

import numpy as np

from detente.flight._kernels import (
    AZIMUTH,
    FLIGHT_S,
    LATITUDE,
    LONGITUDE,
    RANGE,
    RESULTS,
    SETTINGS,
    TALLY,
    fly,
    set_up,
)
from detente.flight._kernels_motion import (
    BAD_INPUT,
    ESCAPES,
    GROUND_IN_BOOST,
    NEVER_LANDS,
    NO_CONVERGENCE,
    OK,
    UNREACHABLE,
)
from detente.geodesy._kernels import enu_axes, geodetic_to_ecef
from detente.geodesy._kernels_geodesic import geodesic_inverse, wrap
from detente.jit import kernel

CUT_OFF, LOFTED, DEPRESSED = 0, 1, 2
BEYOND_M = 2.1e7  # the range of a flight that does not come back: more than half-way round
GOLDEN = 0.6180339887498949
LOWEST_PITCH = -0.1
HIGHEST_PITCH = math.radians(89.7)
SCAN = 10
GOLDEN_ROUNDS = 13
SEEK_FLIGHTS = 40
NEWTON_ROUNDS = 15
NUDGE = 1e-5  # of the final direction, for a difference quotient
LARGEST_TURN = 0.1

# Columns of an answer.
TO_AZIMUTH, TO_PITCH, TO_CUTOFF, MISS, SHORTFALL, TO_FLIGHT_S, FLIGHTS = range(7)
ANSWERS = 7


@kernel
def range_flown(site, azimuth, pitch, cutoff, setting, count, stages, body, cd, p, y, k, w, tally, result):
    """One flight from a ``site`` (latitude, longitude); returns its range.

    ``setting``: rotation, drag, tolerance, ballistic coefficient after cut-off. The range is 0 if it fell back in
    boost, ``BEYOND_M`` if it never comes down.
    """
    set_up(
        site[0], site[1], azimuth, pitch, setting[0] > 0.0, setting[1] > 0.0, setting[2], setting[3], body, p, y, tally
    )
    flag = fly(site[0], site[1], azimuth, cutoff, count, stages, body, cd, p, y, k, w, tally, result)
    if flag == OK:
        return result[RANGE]
    return BEYOND_M if flag in (NEVER_LANDS, ESCAPES) else 0.0


@kernel
def farthest(site, azimuth, cutoff, setting, count, stages, body, cd, p, y, k, w, tally, result):
    """The longest range over the final pitch, at one azimuth and cut-off: (range, pitch). A scan, then golden."""
    low, high = math.radians(5.0), math.radians(85.0)
    spacing = (high - low) / (SCAN - 1)
    best, top = -1.0, 0
    for i in range(SCAN):
        reached = range_flown(
            site, azimuth, low + i * spacing, cutoff, setting, count, stages, body, cd, p, y, k, w, tally, result
        )
        if reached > best:
            best, top = reached, i
    left, right = low + (top - 1) * spacing, low + (top + 1) * spacing
    a, b = right - GOLDEN * (right - left), left + GOLDEN * (right - left)
    at_a = range_flown(site, azimuth, a, cutoff, setting, count, stages, body, cd, p, y, k, w, tally, result)
    at_b = range_flown(site, azimuth, b, cutoff, setting, count, stages, body, cd, p, y, k, w, tally, result)
    for _ in range(GOLDEN_ROUNDS):
        if at_a > at_b:
            right, b, at_b = b, a, at_a
            a = right - GOLDEN * (right - left)
            at_a = range_flown(site, azimuth, a, cutoff, setting, count, stages, body, cd, p, y, k, w, tally, result)
        else:
            left, a, at_a = a, b, at_b
            b = left + GOLDEN * (right - left)
            at_b = range_flown(site, azimuth, b, cutoff, setting, count, stages, body, cd, p, y, k, w, tally, result)
    return (at_a, a) if at_a > at_b else (at_b, b)


@kernel
def farthest_near(pitch, wanted, azimuth, site, setting, count, stages, body, cd, p, y, k, w, tally, result):
    """The planned best pitch if it reaches far enough, else the best there is at full burn: (range, pitch)."""
    reached = range_flown(site, azimuth, pitch, body[2], setting, count, stages, body, cd, p, y, k, w, tally, result)
    if reached >= wanted:
        return reached, pitch
    return farthest(site, azimuth, body[2], setting, count, stages, body, cd, p, y, k, w, tally, result)


@kernel
def farthest_rows(launch, missile, setting, stage_count, stages, body, cd, reach, pitch, flags):
    """``farthest`` for rows of (latitude, longitude, azimuth, cut-off, ballistic coefficient)."""
    p, y, w, tally, result = np.zeros(SETTINGS), np.zeros(6), np.zeros(6), np.zeros(TALLY), np.zeros(RESULTS)
    k = np.zeros((7, 6))
    for i in range(launch.shape[0]):
        m = missile[i]
        row = launch[i]
        good = 0.0 <= row[4] < 1e7
        if not (
            good and abs(row[0]) <= 0.5 * math.pi and abs(row[1]) <= 7.0 and abs(row[2]) <= 7.0 and row[3] > body[m, 3]
        ):
            flags[i] = BAD_INPUT
            continue
        setting[3] = row[4]
        reach[i], pitch[i] = farthest(
            row, row[2], row[3], setting, stage_count[m], stages[m], body[m], cd[m], p, y, k, w, tally, result
        )
        flags[i] = NEVER_LANDS if reach[i] >= BEYOND_M else (OK if reach[i] > 0.0 else GROUND_IN_BOOST)


@kernel
def planned(x, xs, ys):
    """Linear interpolation in a table with rising ``xs``, held constant outside."""
    if x <= xs[0]:
        return ys[0]
    i = 1
    while i < xs.shape[0] - 1 and x > xs[i]:
        i += 1
    s = min(1.0, (x - xs[i - 1]) / (xs[i] - xs[i - 1]))
    return ys[i - 1] + s * (ys[i] - ys[i - 1])


@kernel
def seek(
    by_pitch, q, slope, low, high, site, aim, wanted, bearing, tolerance, plan,
    setting, count, stages, body, cd, p, y, k, w, tally, result, answer,
):  # fmt: skip
    """Finds the launch whose impact is within ``tolerance`` of ``aim``, varying ``q`` between ``low`` and ``high``.

    ``q`` is the final pitch at full burn, or the cut-off time with the planned pitch; ``slope`` a first guess of the
    change of range with ``q``. Fills ``answer``. Returns 0 when found; 1 when even the end of the interval falls short
    of the wanted range; -1 when even its other end goes too far (the miss is then left in ``answer``); 2 otherwise.
    """
    q = min(high, max(low, q))
    azimuth, deflection, drift = bearing, 0.0, 0.0
    last_q, last_error, last_deflection = q, 0.0, 0.0
    short_q, long_q, have_short, have_long = q, q, False, False
    at_end = 0
    for n in range(SEEK_FLIGHTS):
        pitch = q if by_pitch else planned(q, plan[0], plan[1])
        cutoff = body[2] if by_pitch else q
        reached = range_flown(
            site, azimuth, pitch, cutoff, setting, count, stages, body, cd, p, y, k, w, tally, result
        )  # fmt: skip
        answer[FLIGHTS] += 1.0
        error = reached - wanted
        answer[TO_AZIMUTH], answer[TO_PITCH], answer[TO_CUTOFF] = azimuth, pitch, cutoff
        answer[TO_FLIGHT_S], answer[SHORTFALL] = result[FLIGHT_S], -error
        landed = 0.0 < reached < BEYOND_M
        if landed:
            answer[MISS], _, _, _ = geodesic_inverse(result[LATITUDE], result[LONGITUDE], aim[0], aim[1])
            if answer[MISS] <= tolerance:
                return 0
            deflection = wrap(result[AZIMUTH] - azimuth)
        if error < 0.0:
            short_q, have_short = q, True
        else:
            long_q, have_long = q, True
        if n > 0 and q != last_q and landed:
            secant = (error - last_error) / (q - last_q)
            if secant * slope > 0.0:
                slope = secant
            drift = wrap(deflection - last_deflection) / (q - last_q)
        change = -error / slope
        # Three flights at the same end, all wanting past it: there is nothing beyond.
        at_end = at_end + 1 if (q == low and change < 0.0) or (q == high and change > 0.0) else 0
        if at_end >= 3:
            return 1 if error < 0.0 else -1
        last_q, last_error, last_deflection = q, error, deflection
        ahead = q + change if landed else 0.5 * (q + (high if change > 0.0 else low))
        if have_short and have_long:
            inner, outer = min(short_q, long_q), max(short_q, long_q)
            if outer - inner < 1e-10 * (1.0 + abs(outer)):
                have_short, have_long = False, False
            elif not inner < ahead < outer or n % 12 == 11:
                ahead = 0.5 * (inner + outer)
        q = min(high, max(low, ahead))
        turn = drift * (q - last_q)
        azimuth = wrap(bearing - deflection - max(-0.1, min(0.1, turn)))
    return 2


@kernel
def miss_of(across, along, site, aim, at, setting, count, stages, body, cd, p, y, k, w, tally, result, answer):
    """Flies at full burn with these two parts of the final direction: (miss eastward, miss northward, landed)."""
    level = min(1.0, math.sqrt(across * across + along * along))
    azimuth, pitch = math.atan2(across, along), math.acos(level)
    reached = range_flown(
        site, azimuth, pitch, body[2], setting, count, stages, body, cd, p, y, k, w, tally, result
    )  # fmt: skip
    answer[FLIGHTS] += 1.0
    if not 0.0 < reached < BEYOND_M:
        return 0.0, 0.0, False
    ex, ey, ez, nx, ny, nz, _, _, _ = enu_axes(aim[0], aim[1])
    dx, dy, dz = y[0] - at[0], y[1] - at[1], y[2] - at[2]
    answer[TO_AZIMUTH], answer[TO_PITCH], answer[TO_CUTOFF] = azimuth, pitch, body[2]
    answer[TO_FLIGHT_S], answer[MISS] = result[FLIGHT_S], math.sqrt(dx * dx + dy * dy + dz * dz)
    return ex * dx + ey * dy + ez * dz, nx * dx + ny * dy + nz * dz, True


@kernel
def home_in(
    site, aim, tolerance, setting, count, stages, body, cd, p, y, k, w, tally, result, answer
):  # fmt: skip
    """Newton's method for launches near the vertical, where an azimuth means little, from the launch in ``answer``.

    The unknowns are the eastward and northward parts of the final direction, which stay smooth through the zenith.
    """
    at = geodetic_to_ecef(aim[0], aim[1], 0.0)
    level = math.cos(answer[TO_PITCH])
    across, along = level * math.sin(answer[TO_AZIMUTH]), level * math.cos(answer[TO_AZIMUTH])
    for _ in range(NEWTON_ROUNDS):
        east, north, landed = miss_of(
            across, along, site, aim, at, setting, count, stages, body, cd, p, y, k, w, tally, result, answer
        )
        if not landed:
            return False
        if answer[MISS] <= tolerance:
            return True
        east_a, north_a, _ = miss_of(
            across + NUDGE, along, site, aim, at, setting, count, stages, body, cd, p, y, k, w, tally, result, answer
        )
        east_b, north_b, _ = miss_of(
            across, along + NUDGE, site, aim, at, setting, count, stages, body, cd, p, y, k, w, tally, result, answer
        )
        aa, ba, ab, bb = east_a - east, north_a - north, east_b - east, north_b - north
        turn = aa * bb - ab * ba
        if turn == 0.0:
            return False
        step_a, step_b = NUDGE * (ab * north - bb * east) / turn, NUDGE * (ba * east - aa * north) / turn
        shrink = min(1.0, LARGEST_TURN / (math.sqrt(step_a * step_a + step_b * step_b) + 1e-12))
        across += shrink * step_a
        along += shrink * step_b
    return False


@kernel
def solve(
    site, aim, mode, tolerance, can_cut, plan, setting, count, stages, body, cd, p, y, k, w, tally, result, answer
):
    """One launch to one aim: fills ``answer``, returns the flag."""
    wanted, bearing, _, ok = geodesic_inverse(site[0], site[1], aim[0], aim[1])
    answer[:] = 0.0
    if not ok:
        return BAD_INPUT
    if mode == CUT_OFF and can_cut:
        first = planned(wanted, plan[2], plan[0])
        last = plan.shape[1] - 1
        slope = (plan[2, last] - plan[2, 0]) / (plan[0, last] - plan[0, 0])
        ended = seek(
            False, first, slope, plan[0, 0], plan[0, last], site, aim, wanted, bearing, tolerance, plan,
            setting, count, stages, body, cd, p, y, k, w, tally, result, answer,
        )  # fmt: skip
        if ended == 0:
            return OK
    # At full burn the pitch of the longest range parts the lofted paths from the depressed.
    reach, best = farthest_near(
        plan[1, plan.shape[1] - 1], wanted, bearing, site, setting, count, stages, body, cd, p, y, k, w, tally, result
    )
    if reach < wanted:
        answer[SHORTFALL] = wanted - reach
        return UNREACHABLE
    down = mode == DEPRESSED
    low, high = (LOWEST_PITCH, best) if down else (best, HIGHEST_PITCH)
    slope = reach / (best - low) if down else -reach / (high - best)
    share = math.sqrt(max(0.0, 1.0 - wanted / min(reach, BEYOND_M)))
    first = best + (low - best) * 0.7 * share if down else best + (high - best) * 0.7 * share
    ended = seek(
        True, first, slope, low, high, site, aim, wanted, bearing, tolerance, plan,
        setting, count, stages, body, cd, p, y, k, w, tally, result, answer,
    )  # fmt: skip
    if ended == 0:
        return OK
    if not down and home_in(
        site, aim, tolerance, setting, count, stages, body, cd, p, y, k, w, tally, result, answer
    ):  # fmt: skip
        return OK
    return NO_CONVERGENCE if ended == 2 else UNREACHABLE


@kernel
def solve_rows(
    rows, missile, mode, tolerance, can_cut, plans, setting, stage_count, stages, body, cd, answers, flags
):  # fmt: skip
    """``solve`` for rows of (pad latitude, pad longitude, aim latitude, aim longitude, mode, ballistic coefficient)."""
    p, y, w, tally, result = np.zeros(SETTINGS), np.zeros(6), np.zeros(6), np.zeros(TALLY), np.zeros(RESULTS)
    k = np.zeros((7, 6))
    for i in range(rows.shape[0]):
        m = missile[i]
        setting[3] = rows[i, 5]
        if not 0.0 <= setting[3] < 1e7:
            flags[i] = BAD_INPUT
            continue
        flags[i] = solve(
            rows[i, :2], rows[i, 2:4], mode[i], tolerance, can_cut[m], plans[m],
            setting, stage_count[m], stages[m], body[m], cd[m], p, y, k, w, tally, result, answers[i],
        )  # fmt: skip
        if flags[i] == OK:
            answers[i, SHORTFALL] = 0.0
        else:
            for column in (TO_AZIMUTH, TO_PITCH, TO_CUTOFF, MISS, TO_FLIGHT_S):
                answers[i, column] = 0.0
