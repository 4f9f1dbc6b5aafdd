"""From the pad, or from any state in the air, to where height or Kepler's orbit is a better clock than time.

A lane's flight is cut into spans with one motor, or none, and one part of the pitch programme, which
``_kernels_clock`` flies. After the last span of its boost a lane coasts on through the air: up to the drag ceiling if
it is going far above it, else over its apogee and down until it falls fast enough for ``_kernels_fall``.
"""

import math

import numpy as np

from detente.flight._kernels import BURNOUT_HEIGHT, BURNOUT_S, BURNOUT_SPEED, good_launch, turning
from detente.flight._kernels_air import DRAG_CEILING_M
from detente.flight._kernels_clock import (
    AHEAD,
    APOGEE,
    BRAKED,
    BURNING,
    BY_TABLE,
    DENSITY,
    EXIT_AREA,
    FAST,
    FLOW,
    FRESH,
    GROWTH_S,
    HALF_AREA,
    HALF_BETA,
    HIGHEST,
    IGNITION,
    IN_AIR,
    LATE,
    LEAN,
    LEFT_S,
    LEVEL,
    LOWEST,
    MASS,
    NEXT,
    OFF,
    PER_LIMIT,
    PER_PITCH_SPAN,
    PER_SOUND_SPEED,
    PER_TOP_SOUND,
    PITCHING,
    PX,
    PY,
    PZ,
    QUICKER,
    RISE_END,
    ROWS,
    THRUST,
    TIME,
    TURN,
    UP,
    VX,
    VY,
    VZ,
    fly_span,
)
from detente.flight._kernels_lanes import LANES, RELAXED, TINY, exponential, height_and_climb, lane_air, rough_angle
from detente.flight._kernels_motion import BAD_INPUT, OK, STEP_LIMIT
from detente.geodesy._kernels import enu_axes, geodetic_to_ecef
from detente.geodesy.constants import A_M, G0_M_S2, MU_M3_S2
from detente.jit import kernel

# Columns of what an ascent leaves, after the state: time, height of the apogee, errors, lowest height.
LEFT_TIME, LEFT_APOGEE, LEFT_OFF, LEFT_FAST, LEFT_LATE, LEFT_LOWEST = range(6, 12)
LEFT = 12

SPANS = 10  # the most a flight has: two motors' changes and a rest for every stage, two parts of the pitch programme
CUTS, PITCHES = 16, 64  # how many kinds of cut-off, and of final pitch, are told apart
DEEPEST_M = -1.0  # a flight that was ever so deep is flown alone, to see whether it met the ground in boost
FIRST_S = 2.0  # the first step tried
SCALE_HEIGHT_M = 7_000.0
MOST_LOST = 500.0  # of the speed, as a logarithm
HIGH_M, HALF_SCALE_HEIGHT_M = 80_000.0, 3_500.0  # below the one a coast's first step is short: the other, upward
FAR_ABOVE_M = 25_000.0  # apogees so far above the drag ceiling are flown to in a vacuum
FALLEN_M, FALLEN_SHARE = 10_000.0, 0.4  # how far below a lower apogee height may serve as the clock,
HIGH_TOP_M, FALLEN_MORE = 80_000.0, 0.25  # and how much farther below a higher one: the steps down are longer there
LOST = 0.8  # of the speed a rocket would reach in a vacuum, what is left at burn-out
USUAL_CD = 0.3  # of a body whose drag follows a curve
FASTEST = 0.9  # of the squared circular speed: beyond it growth is counted no more


@kernel(inner=True)
def spans_of(cutoff, stage_count, stages, body, spans):
    """Lists a boost's spans: (end, number of the stage that burns, or -1 for a rest). Returns how many they are."""
    count, t = 0, 0.0
    for s in range(stage_count):
        if stages[s, 0] > t:
            spans[count, 0], spans[count, 1] = stages[s, 0], -1.0
            count, t = count + 1, stages[s, 0]
        end = min(stages[s, 1], cutoff)
        for part in range(3):
            stop = min(body[part], end) if part < 2 else end
            if stop > t:
                spans[count, 0], spans[count, 1] = stop, s
                count, t = count + 1, stop
    return count


@kernel(inline=True, fastmath=RELAXED)
def growth_s(speed_m_s):
    """Over how long an error in velocity grows into one at impact: the slope of the longest range over the speed."""
    share = speed_m_s * speed_m_s * (1.0 / (G0_M_S2 * A_M))
    return 2.0 * speed_m_s / (G0_M_S2 * (1.0 - (share if share < FASTEST else FASTEST)))


@kernel(inner=True)
def place_on_pad(x, lane, launch, body):
    """Puts a missile on its pad: state, axes, pitch programme, empty tallies."""
    latitude, longitude, azimuth, pitch = launch[0], launch[1], launch[2], launch[3]
    ex, ey, ez, nx, ny, nz, ux, uy, uz = enu_axes(latitude, longitude)
    s, c = math.sin(azimuth), math.cos(azimuth)
    px, py, pz = geodetic_to_ecef(latitude, longitude, 0.0)
    x[PX * LANES + lane], x[PY * LANES + lane], x[PZ * LANES + lane] = px, py, pz
    x[UP * LANES + lane], x[(UP + 1) * LANES + lane], x[(UP + 2) * LANES + lane] = ux, uy, uz
    x[AHEAD * LANES + lane], x[(AHEAD + 1) * LANES + lane] = s * ex + c * nx, s * ey + c * ny
    x[(AHEAD + 2) * LANES + lane] = s * ez + c * nz
    x[RISE_END * LANES + lane], x[PER_PITCH_SPAN * LANES + lane] = body[0], 1.0 / (body[1] - body[0])
    x[LEAN * LANES + lane] = 0.5 * math.pi - pitch
    x[GROWTH_S * LANES + lane] = growth_s(LOST * body[6])


@kernel(inner=True)
def clear_tallies(x, limit_m):
    """Empties every lane's clock, speed and tallies, and sets the error that a step may make."""
    for row in (VX, VY, VZ, TIME, OFF, FAST, LATE, APOGEE, LOWEST, HIGHEST, TURN, QUICKER, DENSITY):
        for lane in range(LANES):
            x[row * LANES + lane] = 0.0
    for lane in range(LANES):
        x[LEVEL * LANES + lane], x[PER_LIMIT * LANES + lane], x[NEXT * LANES + lane] = 1e9, 1.0 / limit_m, FIRST_S
        x[PER_SOUND_SPEED * LANES + lane] = PER_TOP_SOUND


@kernel(inner=True)
def tell_drag(x, lane):
    """Writes about how much a lane's body is braked."""
    area = x[HALF_AREA * LANES + lane] / x[MASS * LANES + lane]
    x[BRAKED * LANES + lane] = x[HALF_BETA * LANES + lane] + USUAL_CD * area


@kernel(inner=True)
def light(x, lane, stage):
    """Writes one stage's motor into a lane."""
    x[IGNITION * LANES + lane], x[MASS * LANES + lane], x[FLOW * LANES + lane] = stage[0], stage[2], stage[3]
    x[THRUST * LANES + lane], x[EXIT_AREA * LANES + lane] = stage[4], stage[5]
    x[HALF_AREA * LANES + lane], x[HALF_BETA * LANES + lane] = 0.5 * stage[6], 0.0
    tell_drag(x, lane)


@kernel(inner=True)
def cut_off(x, lane, beta):
    """Writes the coasting body into a lane: no thrust, the mass of the moment, the drag of what flies on."""
    t = x[TIME * LANES + lane]
    x[MASS * LANES + lane] -= x[FLOW * LANES + lane] * (t - x[IGNITION * LANES + lane])
    x[FLOW * LANES + lane], x[THRUST * LANES + lane], x[EXIT_AREA * LANES + lane] = 0.0, 0.0, 0.0
    x[IGNITION * LANES + lane] = t
    # A slow start from the pad is no apogee.
    x[LEVEL * LANES + lane], x[APOGEE * LANES + lane] = 1e9, 0.0
    if beta > 0.0:
        x[HALF_AREA * LANES + lane], x[HALF_BETA * LANES + lane] = 0.0, 0.5 / beta
    tell_drag(x, lane)


@kernel(inline=True, fastmath=RELAXED)
def coast_span(px, py, pz, vx, vy, vz, height, climb, drag, spin):
    """How long a body coasts on where height is no clock, by Kepler's orbit.

    To the drag ceiling if its apogee is far above, else over the apogee until it has fallen some way; no time at all if
    it is above the ceiling, or falls already. ``drag`` is half the inverse of the ballistic coefficient, more or less.
    """
    density, _ = lane_air(height)
    speed = math.sqrt(vx * vx + vy * vy + vz * vz)
    # What the air still above will leave of the speed, were its scale height 7 km.
    steep = climb > 0.05 * speed
    lost = density * drag * SCALE_HEIGHT_M * speed / (climb if steep else 1.0)
    kept = exponential(-(lost if lost < MOST_LOST else MOST_LOST))
    kept = kept if steep else 1.0
    vx, vy, vz, climb = kept * vx, kept * vy, kept * vz, kept * climb
    wx, wy = vx - spin * py, vy + spin * px
    r = math.sqrt(px * px + py * py + pz * pz)
    inverse_a = 2.0 / r - (wx * wx + wy * wy + vz * vz) * (1.0 / MU_M3_S2)
    bound = inverse_a > 1e-9
    inverse_a = inverse_a if bound else 1e-9
    motion = math.sqrt(MU_M3_S2 * inverse_a) * inverse_a
    e_cos = 1.0 - r * inverse_a
    e_sin = (px * wx + py * wy + pz * vz) * inverse_a * inverse_a / motion
    e = math.sqrt(e_cos * e_cos + e_sin * e_sin)
    top = (1.0 + e) / inverse_a - r + height
    far = top > DRAG_CEILING_M + FAR_ABOVE_M
    enough = FALLEN_M + FALLEN_MORE * (top - HIGH_TOP_M if top > HIGH_TOP_M else 0.0)
    share = FALLEN_SHARE * (top if top > 0.0 else 0.0)
    to = DRAG_CEILING_M if far else top - (enough if enough < share else share)
    cosine = (1.0 - (r - height + to) * inverse_a) / (e + TINY)
    cosine = cosine if cosine < 1.0 else 1.0
    cosine = cosine if cosine > -1.0 else -1.0
    sine = math.sqrt(1.0 - cosine * cosine)
    there, now = rough_angle(sine, cosine), rough_angle(abs(e_sin), e_cos)
    # On the way up to the ceiling, or down from the apogee: the second half of the orbit.
    there, sine = there if far else 2.0 * math.pi - there, sine if far else -sine
    now = now if e_sin >= 0.0 else -now if far else 2.0 * math.pi - now
    span = (there - e * sine - now + e_sin) / motion
    span = 1.01 * span if far else span
    none = (height >= DRAG_CEILING_M) | (span < 0.0) | (far & (climb < 0.0))
    return span if bound & (not none) else 0.0


@kernel(inner=True, fastmath=RELAXED)
def plan_coast(x, spin):
    """Every lane's span of coasting, and its first step; returns how many have one, and how many a drag curve."""
    some, by_table = 0, 0
    for lane in range(LANES):
        px, py, pz = x[PX * LANES + lane], x[PY * LANES + lane], x[PZ * LANES + lane]
        u, v, w = x[VX * LANES + lane], x[VY * LANES + lane], x[VZ * LANES + lane]
        height, climb = height_and_climb(px, py, pz, u, v, w)
        span = coast_span(px, py, pz, u, v, w, height, climb, x[BRAKED * LANES + lane], spin)
        x[LEFT_S * LANES + lane], x[FRESH * LANES + lane] = span, 1.0
        short, before = HALF_SCALE_HEIGHT_M / (abs(climb) + 1.0), x[NEXT * LANES + lane]
        x[NEXT * LANES + lane] = short if (height < HIGH_M) & (short < before) else before
        x[GROWTH_S * LANES + lane] = growth_s(math.sqrt(u * u + v * v + w * w))
        some += 1 if span > 0.0 else 0
        by_table += 1 if x[HALF_AREA * LANES + lane] > 0.0 else 0
    return some, by_table


@kernel(inner=True)
def coast_on(x, spin, drag, curve):
    """Every lane through the air to where another clock than time will do."""
    some, by_table = plan_coast(x, spin)
    how = IN_AIR if drag else 0
    if drag and by_table > 0:
        how |= BY_TABLE
    if some > 0:
        fly_span(x, spin, how, curve)


@kernel(inner=True)
def unload(x, lane, left):
    """Writes a lane's state, clock and tallies to a row of what an ascent leaves."""
    for c in range(6):
        left[c] = x[(PX + c) * LANES + lane]
    left[LEFT_TIME], left[LEFT_APOGEE] = (
        x[TIME * LANES + lane],
        max(x[APOGEE * LANES + lane], x[HIGHEST * LANES + lane]),
    )
    left[LEFT_OFF], left[LEFT_FAST], left[LEFT_LATE] = (
        x[OFF * LANES + lane], x[FAST * LANES + lane], x[LATE * LANES + lane]
    )  # fmt: skip
    left[LEFT_LOWEST] = x[LOWEST * LANES + lane]


@kernel(inner=True)
def boost_block(x, spans, counts, missile, rows, stages, body, spin, drag, curve):
    """Every lane from its pad to its cut-off, span by span."""
    most = 0
    for lane in range(LANES):
        most = max(most, counts[lane])
    for k in range(most):
        how = IN_AIR | BY_TABLE if drag else 0
        for lane in range(LANES):
            m = missile[rows[lane]]
            start = x[TIME * LANES + lane]
            turn = turning(start, body[m])
            x[FRESH * LANES + lane] = turn - x[TURN * LANES + lane]
            x[TURN * LANES + lane], x[LEFT_S * LANES + lane] = turn, 0.0
            if k < counts[lane]:
                s = int(spans[lane, k, 1])
                x[LEFT_S * LANES + lane] = spans[lane, k, 0] - start
                if k == 0 or spans[lane, k, 1] != spans[lane, k - 1, 1]:
                    x[FRESH * LANES + lane] = 1.0
                if s >= 0:
                    light(x, lane, stages[m, s])
                    how |= BURNING
                    if start < body[m, 1]:
                        how |= PITCHING
                else:
                    burnt = x[FLOW * LANES + lane] * (start - x[IGNITION * LANES + lane])
                    x[MASS * LANES + lane] -= burnt
                    tell_drag(x, lane)
                    x[THRUST * LANES + lane], x[FLOW * LANES + lane], x[EXIT_AREA * LANES + lane] = 0.0, 0.0, 0.0
        fly_span(x, spin, how, curve)
        for lane in range(LANES):
            # The sum of the steps may miss the span's end by a rounding.
            if k < counts[lane]:
                x[TIME * LANES + lane] = spans[lane, k, 0]


@kernel(inner=True)
def note_cut_off(x, lane, result):
    """Writes down when, how fast and how high a lane's motor stopped, into ``_kernels``' columns."""
    u, v, w = x[VX * LANES + lane], x[VY * LANES + lane], x[VZ * LANES + lane]
    height, _ = height_and_climb(x[PX * LANES + lane], x[PY * LANES + lane], x[PZ * LANES + lane], u, v, w)
    result[BURNOUT_S], result[BURNOUT_HEIGHT] = x[TIME * LANES + lane], height
    result[BURNOUT_SPEED] = math.sqrt(u * u + v * v + w * w)


@kernel
def line_up(launch, missile, stage_count, body, table, flags, keys):
    """Flags the launches that cannot be flown at all, and gives the others keys to put them in order by.

    Those of one drag curve and one number of stages come together, as they share blocks; among them those of one
    missile, and then those that burn about as long and pitch about as far, as they take about as many steps.
    """
    for i in range(flags.size):
        m = missile[i]
        good = good_launch(launch[i, 0], launch[i, 1], launch[i, 2], launch[i, 3], launch[i, 4], launch[i, 5], body[m])
        flags[i], keys[i] = OK if good else BAD_INPUT, -1
        if good:
            burnt = min((launch[i, 4] - body[m, 3]) / (body[m, 2] - body[m, 3]), 1.0)
            kind = (table[m] * SPANS + stage_count[m]) * body.shape[0] + m
            keys[i] = (kind * CUTS + int((CUTS - 1) * burnt)) * PITCHES + int((PITCHES // 4) * (launch[i, 3] + 1.0))


@kernel(inner=True)
def seat(order, first, missile, stage_count, table, rows):
    """Fills a block with the next rows in order that may share one, the last padding it; returns how many they are."""
    count, kind = 0, missile[order[first]]
    for lane in range(LANES):
        n = first + lane
        if n < order.size and count == lane:
            m = missile[order[n]]
            count += table[m] == table[kind] and stage_count[m] == stage_count[kind]
        rows[lane] = order[first + count - 1]
    return count


@kernel
def ascend_rows(
    launch, missile, spin, drag, limit_m, stage_count, stages, body, table, curves, order, x,
    left, states, verticals, bodies, results, flags,
):  # fmt: skip
    """Launches rows of ``launch`` (latitude, longitude, azimuth, final pitch, cut-off, ballistic coefficient), in the
    order of ``line_up``'s keys, and flies them until they coast where ``_kernels_coast`` or ``_kernels_fall`` can take
    over; ``states`` (n, 6), ``left`` (n, LEFT) and ``bodies`` (n, 3) are what those need, ``verticals`` (n, 3) the
    pads'. What may have met the ground in boost is flagged STEP_LIMIT. ``x`` is room for ROWS rows of lanes, empty.
    """
    spans, counts, rows = np.zeros((LANES, SPANS, 2)), np.zeros(LANES, np.int64), np.zeros(LANES, np.int64)
    first = 0
    while first < order.size:
        seated = seat(order, first, missile, stage_count, table, rows)
        clear_tallies(x, limit_m)
        for lane in range(LANES):
            i = rows[lane]
            m = missile[i]
            place_on_pad(x, lane, launch[i], body[m])
            counts[lane] = spans_of(launch[i, 4], stage_count[m], stages[m], body[m], spans[lane])
        curve = curves[table[missile[rows[0]]]]
        boost_block(x, spans, counts, missile, rows, stages, body, spin, drag, curve)
        for lane in range(LANES):
            cut_off(x, lane, launch[rows[lane], 5])
            note_cut_off(x, lane, results[rows[lane]])
        coast_on(x, spin, drag, curve)
        for lane in range(seated):
            i = rows[lane]
            unload(x, lane, left[i])
            for c in range(6):
                states[i, c] = left[i, c]
            for c in range(3):
                verticals[i, c] = x[(UP + c) * LANES + lane]
            flags[i] = OK if left[i, LEFT_LOWEST] > DEEPEST_M else STEP_LIMIT
            bodies[i, 0] = x[HALF_BETA * LANES + lane] if drag else 0.0
            bodies[i, 1] = x[HALF_AREA * LANES + lane] / x[MASS * LANES + lane] if drag else 0.0
            bodies[i, 2] = table[missile[i]]
        first += seated


@kernel
def approach_rows(states, bodies, spin, limit_m, curves, left):
    """Flies ``states``, which must share one drag curve, through the air until another clock than time will do;
    ``left`` as of ``ascend_rows``.
    """
    x, count = np.zeros(ROWS * LANES), states.shape[0]
    for first in range(0, count, LANES):
        clear_tallies(x, limit_m)
        for lane in range(LANES):
            i = min(first + lane, count - 1)
            for c in range(6):
                x[(PX + c) * LANES + lane] = states[i, c]
            x[MASS * LANES + lane] = 1.0
            x[HALF_BETA * LANES + lane], x[HALF_AREA * LANES + lane] = bodies[i, 0], bodies[i, 1]
            tell_drag(x, lane)
        coast_on(x, spin, True, curves[int(bodies[first, 2])])
        for lane in range(min(LANES, count - first)):
            unload(x, lane, left[first + lane])
