"""Many bodies through the air at once by the clock: boost, and coasting where height is no clock to go by.

A lane's flight is cut into spans with one motor, or none, and one part of the pitch programme; each span into equal
steps of the fifth-order method. Lanes with fewer steps than their neighbours stand still meanwhile. After the last
span a lane coasts on through the air: up to the drag ceiling if it is going far above it, else over its apogee and
down until it falls fast enough for ``_kernels_fall``.
"""

import math

import numpy as np

from detente.flight._kernels import turning
from detente.flight._kernels_air import DRAG_CEILING_M, HEAT_RATIO
from detente.flight._kernels_lanes import (
    LANES,
    RELAXED,
    TINY,
    add_drag_coefficient,
    height_and_climb,
    lane_air,
    sine_cosine,
    turning_rates,
)
from detente.flight._kernels_tableau import FIVE, FIVE_ERROR, FIVE_NODES, FIVE_STAGES
from detente.geodesy._kernels import enu_axes, geodetic_to_ecef
from detente.geodesy.constants import MU_M3_S2
from detente.jit import kernel

# Rows of a block.
PX, PY, PZ, VX, VY, VZ = range(6)
TIME, STEP, SPAN, STEPS, FIRST = (
    6,
    7,
    8,
    9,
    10,
)  # since launch; this step; the span; its steps; of them the first's share
THRUST, EXIT_AREA, MASS, FLOW, IGNITION = 11, 12, 13, 14, 15  # THRUST 0 while coasting; MASS at IGNITION
HALF_AREA, HALF_BETA = 16, 17
UP, AHEAD = 19, 22  # the pad's vertical, and its horizontal along the azimuth
RISE_END, PER_PITCH_SPAN, LEAN = 25, 26, 27  # from RISE_END on the thrust leans from the vertical, up to LEAN
OFF, FAST, LATE = 28, 29, 30  # errors in position and in velocity, and the latter times the time it was made
LEVEL, APOGEE = 31, 32  # the slowest climb or fall yet, and the height of the apogee told from there
AT = 33  # the state at the stage, six rows
RATE = 39  # the rates of the state there, six rows
LOWEST, HIGHEST = 45, 46  # heights at any step's end
DENSITY, SPEED, MACH, PRESSURE, COEFFICIENT, PER_MASS = range(47, 53)  # at the stage
TURN = 53  # above 0: thrust along the velocity
K = 54  # rates at the stages, six rows each
ROWS = K + 6 * FIVE_STAGES

# Columns of what an ascent leaves, after the state: time, height of the apogee, errors, lowest height.
LEFT_TIME, LEFT_APOGEE, LEFT_OFF, LEFT_FAST, LEFT_LATE, LEFT_LOWEST, LEFT_CUT_S, LEFT_CUT_SPEED, LEFT_CUT_M = range(
    6, 15
)
LEFT = 15

IN_AIR, BY_TABLE, BURNING = 1, 2, 4
SPANS = 10  # the most a flight has: two motors' changes and a rest for every stage, two parts of the pitch programme
# Places in a pace: the longest steps of a boost while rising, of the first motor and of later ones; how many times
# fewer or more steps than usual a coast takes.
RISE_S, FIRST_MOTOR_S, LATER_MOTOR_S, COAST_SHARE = range(4)
USUAL_CD = 0.3  # of a body whose drag follows a curve, to choose steps with
SCALE_HEIGHT_M = 7_000.0
BRAKED = 30.0  # steps more for a body that the air slows by as much as its speed in a second
FAR_ABOVE_M = 25_000.0  # apogees so far above the drag ceiling are flown to in a vacuum
FALLEN_M, FALLEN_SHARE = 10_000.0, 0.4  # how far below a lower apogee height may serve as the clock,
HIGH_TOP_M, FALLEN_MORE = 80_000.0, 0.25  # and how much farther below a higher one: the steps down are longer there


@kernel(inline=True, fastmath=RELAXED)
def place_stage(x, i):
    """Every lane's state at stage ``i`` of its step."""
    for lane in range(LANES):
        h = x[STEP * LANES + lane]
        sx, sy, sz, su, sv, sw = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for j in range(i):
            if FIVE[i, j] != 0.0:
                sx += FIVE[i, j] * x[(K + 6 * j) * LANES + lane]
                sy += FIVE[i, j] * x[(K + 6 * j + 1) * LANES + lane]
                sz += FIVE[i, j] * x[(K + 6 * j + 2) * LANES + lane]
                su += FIVE[i, j] * x[(K + 6 * j + 3) * LANES + lane]
                sv += FIVE[i, j] * x[(K + 6 * j + 4) * LANES + lane]
                sw += FIVE[i, j] * x[(K + 6 * j + 5) * LANES + lane]
        x[AT * LANES + lane] = x[PX * LANES + lane] + h * sx
        x[(AT + 1) * LANES + lane] = x[PY * LANES + lane] + h * sy
        x[(AT + 2) * LANES + lane] = x[PZ * LANES + lane] + h * sz
        x[(AT + 3) * LANES + lane] = x[VX * LANES + lane] + h * su
        x[(AT + 4) * LANES + lane] = x[VY * LANES + lane] + h * sv
        x[(AT + 5) * LANES + lane] = x[VZ * LANES + lane] + h * sw


@kernel(fastmath=RELAXED)
def find_air(x, spin):
    """Free fall, the air, the speed and the Mach number of every lane's stage."""
    for lane in range(LANES):
        px, py, pz = x[AT * LANES + lane], x[(AT + 1) * LANES + lane], x[(AT + 2) * LANES + lane]
        u, v, w = x[(AT + 3) * LANES + lane], x[(AT + 4) * LANES + lane], x[(AT + 5) * LANES + lane]
        ax, ay, az, height, _ = turning_rates(px, py, pz, u, v, w, 0.0, spin)
        density, sound = lane_air(height)
        speed = math.sqrt(u * u + v * v + w * w)
        x[RATE * LANES + lane], x[(RATE + 1) * LANES + lane], x[(RATE + 2) * LANES + lane] = u, v, w
        x[(RATE + 3) * LANES + lane], x[(RATE + 4) * LANES + lane], x[(RATE + 5) * LANES + lane] = ax, ay, az
        x[DENSITY * LANES + lane], x[SPEED * LANES + lane] = density, speed
        x[MACH * LANES + lane], x[PRESSURE * LANES + lane] = speed / sound, density * sound * sound * (1.0 / HEAT_RATIO)
        x[COEFFICIENT * LANES + lane] = 0.0


@kernel(fastmath=RELAXED)
def add_drag(x, node):
    """Takes the drag off every lane's rates; leaves the inverse of its mass."""
    for lane in range(LANES):
        since = x[TIME * LANES + lane] + node * x[STEP * LANES + lane] - x[IGNITION * LANES + lane]
        per_mass = 1.0 / (x[MASS * LANES + lane] - x[FLOW * LANES + lane] * since)
        area = x[HALF_BETA * LANES + lane] + x[HALF_AREA * LANES + lane] * per_mass * x[COEFFICIENT * LANES + lane]
        drag = x[DENSITY * LANES + lane] * x[SPEED * LANES + lane] * area
        x[(RATE + 3) * LANES + lane] -= drag * x[RATE * LANES + lane]
        x[(RATE + 4) * LANES + lane] -= drag * x[(RATE + 1) * LANES + lane]
        x[(RATE + 5) * LANES + lane] -= drag * x[(RATE + 2) * LANES + lane]
        x[PER_MASS * LANES + lane] = per_mass


@kernel(fastmath=RELAXED)
def add_thrust(x, node):
    """Adds the push of every lane's motor to its rates."""
    for lane in range(LANES):
        t = x[TIME * LANES + lane] + node * x[STEP * LANES + lane]
        push = x[THRUST * LANES + lane] - x[PRESSURE * LANES + lane] * x[EXIT_AREA * LANES + lane]
        push = (push if push > 0.0 else 0.0) * x[PER_MASS * LANES + lane]
        share = (t - x[RISE_END * LANES + lane]) * x[PER_PITCH_SPAN * LANES + lane]
        share = share if share > 0.0 else 0.0
        s, c = sine_cosine((share if share < 1.0 else 1.0) * x[LEAN * LANES + lane])
        # Which way: as programmed, or along the velocity.
        turned = x[TURN * LANES + lane] > 0.0
        along = push / (x[SPEED * LANES + lane] + TINY) if turned else 0.0
        up, ahead = (0.0, 0.0) if turned else (push * c, push * s)
        for n in range(3):
            x[(RATE + 3 + n) * LANES + lane] += (
                along * x[(RATE + n) * LANES + lane]
                + up * x[(UP + n) * LANES + lane]
                + ahead * x[(AHEAD + n) * LANES + lane]
            )


@kernel(fastmath=RELAXED)
def rate_stage(x, i, spin, how, curve):
    """Rates per second at stage ``i``, left in its rows; ``how`` says which forces some lane meets."""
    find_air(x, spin)
    if how & BY_TABLE:
        add_drag_coefficient(x, np.int64(MACH), np.int64(COEFFICIENT), curve)
    if how & (IN_AIR | BURNING):
        add_drag(x, FIVE_NODES[i])
    if how & BURNING:
        add_thrust(x, FIVE_NODES[i])
    base = (K + 6 * i) * LANES
    for n in range(6 * LANES):
        x[base + n] = x[RATE * LANES + n]


@kernel(inline=True, fastmath=RELAXED)
def close_step(x):
    """Moves every lane to the end of its step, adds up its errors, and keeps its apogee."""
    for lane in range(LANES):
        h = x[STEP * LANES + lane]
        ex, ey, ez, eu, ev, ew = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for j in range(7):
            if FIVE_ERROR[j] != 0.0:
                ex += FIVE_ERROR[j] * x[(K + 6 * j) * LANES + lane]
                ey += FIVE_ERROR[j] * x[(K + 6 * j + 1) * LANES + lane]
                ez += FIVE_ERROR[j] * x[(K + 6 * j + 2) * LANES + lane]
                eu += FIVE_ERROR[j] * x[(K + 6 * j + 3) * LANES + lane]
                ev += FIVE_ERROR[j] * x[(K + 6 * j + 4) * LANES + lane]
                ew += FIVE_ERROR[j] * x[(K + 6 * j + 5) * LANES + lane]
        off, fast = h * math.sqrt(ex * ex + ey * ey + ez * ez), h * math.sqrt(eu * eu + ev * ev + ew * ew)
        x[OFF * LANES + lane] += off
        x[FAST * LANES + lane] += fast
        x[LATE * LANES + lane] += fast * x[TIME * LANES + lane]
        x[TIME * LANES + lane] += h
    for lane in range(LANES):
        px, py, pz = x[AT * LANES + lane], x[(AT + 1) * LANES + lane], x[(AT + 2) * LANES + lane]
        u, v, w = x[(AT + 3) * LANES + lane], x[(AT + 4) * LANES + lane], x[(AT + 5) * LANES + lane]
        height, climb = height_and_climb(px, py, pz, u, v, w)
        pulled = (
            px * x[(RATE + 3) * LANES + lane] + py * x[(RATE + 4) * LANES + lane] + pz * x[(RATE + 5) * LANES + lane]
        )
        bend = (u * u + v * v + w * w + pulled) / math.sqrt(px * px + py * py + pz * pz)
        slower = abs(climb) < x[LEVEL * LANES + lane]
        told = height - 0.5 * climb * climb / (bend if bend < -1.0 else -1.0)
        x[APOGEE * LANES + lane] = told if slower else x[APOGEE * LANES + lane]
        low, high = x[LOWEST * LANES + lane], x[HIGHEST * LANES + lane]
        x[LOWEST * LANES + lane] = height if height < low else low
        x[HIGHEST * LANES + lane] = height if height > high else high
        x[LEVEL * LANES + lane] = abs(climb) if slower else x[LEVEL * LANES + lane]
    for i in range(6 * LANES):
        x[PX * LANES + i] = x[AT * LANES + i]
    for i in range(6 * LANES):
        x[K * LANES + i] = x[RATE * LANES + i]


@kernel(fastmath=RELAXED)
def fly_span(x, most, spin, how, curve):
    """Every lane along its span, in its own number of steps; ``most`` is the greatest of them."""
    for i in range(6 * LANES):
        x[AT * LANES + i] = x[PX * LANES + i]
    for lane in range(LANES):
        x[STEP * LANES + lane] = 0.0
    rate_stage(x, np.int64(0), spin, how, curve)
    for s in range(most):
        for lane in range(LANES):
            n, first = x[STEPS * LANES + lane], x[FIRST * LANES + lane]
            # Steps that grow evenly from ``first`` times the mean.
            share = (first + (1.0 - first) * (2.0 * s + 1.0) / n) / n
            x[STEP * LANES + lane] = x[SPAN * LANES + lane] * share if s < n else 0.0
        place_stage(x, np.int64(1))
        rate_stage(x, np.int64(1), spin, how, curve)
        place_stage(x, np.int64(2))
        rate_stage(x, np.int64(2), spin, how, curve)
        place_stage(x, np.int64(3))
        rate_stage(x, np.int64(3), spin, how, curve)
        place_stage(x, np.int64(4))
        rate_stage(x, np.int64(4), spin, how, curve)
        place_stage(x, np.int64(5))
        rate_stage(x, np.int64(5), spin, how, curve)
        place_stage(x, np.int64(6))
        rate_stage(x, np.int64(6), spin, how, curve)
        close_step(x)


@kernel
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


@kernel
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


@kernel
def clear_tallies(x):
    """Empties every lane's clock, speed and tallies."""
    for row in (VX, VY, VZ, TIME, OFF, FAST, LATE, APOGEE, LOWEST, HIGHEST):
        for lane in range(LANES):
            x[row * LANES + lane] = 0.0
    for lane in range(LANES):
        x[LEVEL * LANES + lane] = 1e9


@kernel
def light(x, lane, stage):
    """Writes one stage's motor into a lane."""
    x[IGNITION * LANES + lane], x[MASS * LANES + lane], x[FLOW * LANES + lane] = stage[0], stage[2], stage[3]
    x[THRUST * LANES + lane], x[EXIT_AREA * LANES + lane] = stage[4], stage[5]
    x[HALF_AREA * LANES + lane], x[HALF_BETA * LANES + lane] = 0.5 * stage[6], 0.0


@kernel
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


@kernel
def span_steps(start, span, s, body, pace):
    """How many steps a boost's span takes."""
    if start < body[0]:
        return math.ceil(span / pace[RISE_S])
    return math.ceil(span / (pace[FIRST_MOTOR_S] if s == 0 else pace[LATER_MOTOR_S]))


@kernel
def coast_span(px, py, pz, vx, vy, vz, drag, spin, pace):
    """How a body coasts on where height is no clock: (time, steps, share of the first step); by Kepler's orbit.

    To the drag ceiling if its apogee is far above, else over the apogee until it has fallen some way; no time at all if
    it is above the ceiling, or falls already. ``drag`` is half the inverse of the ballistic coefficient, more or less.
    """
    height, climb = height_and_climb(px, py, pz, vx, vy, vz)
    if height >= DRAG_CEILING_M:
        return 0.0, 0.0, 1.0
    density, _ = lane_air(height)
    speed = math.sqrt(vx * vx + vy * vy + vz * vz)
    # What the air still above will leave of the speed, were its scale height 7 km.
    kept = math.exp(-density * drag * SCALE_HEIGHT_M * speed / climb) if climb > 0.05 * speed else 1.0
    vx, vy, vz, climb = kept * vx, kept * vy, kept * vz, kept * climb
    wx, wy = vx - spin * py, vy + spin * px
    r = math.sqrt(px * px + py * py + pz * pz)
    inverse_a = 2.0 / r - (wx * wx + wy * wy + vz * vz) / MU_M3_S2
    if inverse_a <= 1e-9:
        return 0.0, 0.0, 1.0
    motion = math.sqrt(MU_M3_S2 * inverse_a) * inverse_a
    e_cos = 1.0 - r * inverse_a
    e_sin = (px * wx + py * wy + pz * vz) * inverse_a * inverse_a / motion
    e = math.sqrt(e_cos * e_cos + e_sin * e_sin)
    top = (1.0 + e) / inverse_a - r + height
    far = top > DRAG_CEILING_M + FAR_ABOVE_M
    if far and climb < 0.0:
        return 0.0, 0.0, 1.0
    enough = FALLEN_M + FALLEN_MORE * max(top - HIGH_TOP_M, 0.0)
    to = DRAG_CEILING_M if far else top - min(enough, FALLEN_SHARE * max(top, 0.0))
    cosine = (1.0 - (r - height + to) * inverse_a) / e
    there = math.acos(min(1.0, max(-1.0, cosine)))
    now = math.atan2(e_sin, e_cos)
    if not far:
        there = 2.0 * math.pi - there
        now = now if now >= 0.0 else now + 2.0 * math.pi
    span = (there - e * math.sin(there) - now + e_sin) / motion
    if span <= 0.0:
        return 0.0, 0.0, 1.0
    braking = BRAKED * density * drag * speed
    if far:
        steps = 2.0 + max(0.0, 90_000.0 - height) / 4_500.0 + braking
        return 1.01 * span, math.ceil(pace[COAST_SHARE] * steps), 0.2
    steps = 3.0 + span / 8.0 + max(0.0, 45_000.0 - height) / 4_000.0 + braking
    return span, math.ceil(pace[COAST_SHARE] * steps), 0.25


@kernel
def coast_on(x, spin, drag, pace, curve):
    """Every lane through the air to where another clock than time will do."""
    most, how = 0.0, IN_AIR if drag else 0
    for lane in range(LANES):
        span, steps, first = coast_span(
            x[PX * LANES + lane], x[PY * LANES + lane], x[PZ * LANES + lane],
            x[VX * LANES + lane], x[VY * LANES + lane], x[VZ * LANES + lane],
            x[HALF_BETA * LANES + lane] + USUAL_CD * x[HALF_AREA * LANES + lane] / x[MASS * LANES + lane], spin, pace,
        )  # fmt: skip
        x[SPAN * LANES + lane], x[STEPS * LANES + lane], x[FIRST * LANES + lane] = span, max(steps, 1.0), first
        most = max(most, steps)
        if drag and x[HALF_AREA * LANES + lane] > 0.0:
            how |= BY_TABLE
    if most > 0.0:
        fly_span(x, int(most), spin, how, curve)


@kernel
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


@kernel
def boost_block(x, spans, counts, missile, rows, stages, body, spin, drag, pace, curve):
    """Every lane from its pad to its cut-off, span by span."""
    for k in range(counts.max()):
        most, how = 1.0, IN_AIR | BY_TABLE if drag else 0
        for lane in range(LANES):
            m = missile[rows[lane]]
            start = x[TIME * LANES + lane]
            span, steps = 0.0, 1.0
            x[TURN * LANES + lane] = turning(start, body[m])
            if k < counts[lane]:
                s = int(spans[lane, k, 1])
                span = spans[lane, k, 0] - start
                steps = span_steps(start, span, s, body[m], pace)
                if s >= 0:
                    light(x, lane, stages[m, s])
                    how |= BURNING
                else:
                    burnt = x[FLOW * LANES + lane] * (start - x[IGNITION * LANES + lane])
                    x[MASS * LANES + lane] -= burnt
                    x[THRUST * LANES + lane], x[FLOW * LANES + lane], x[EXIT_AREA * LANES + lane] = 0.0, 0.0, 0.0
            x[SPAN * LANES + lane], x[STEPS * LANES + lane], x[FIRST * LANES + lane] = span, steps, 1.0
            most = max(most, steps)
        fly_span(x, int(most), spin, how, curve)
        for lane in range(LANES):
            # The sum of the steps may miss the span's end by a rounding.
            if k < counts[lane]:
                x[TIME * LANES + lane] = spans[lane, k, 0]


@kernel
def note_cut_off(x, lane, left):
    """Writes down when, how fast and how high a lane's motor stopped."""
    u, v, w = x[VX * LANES + lane], x[VY * LANES + lane], x[VZ * LANES + lane]
    height, _ = height_and_climb(x[PX * LANES + lane], x[PY * LANES + lane], x[PZ * LANES + lane], u, v, w)
    left[LEFT_CUT_S], left[LEFT_CUT_M] = x[TIME * LANES + lane], height
    left[LEFT_CUT_SPEED] = math.sqrt(u * u + v * v + w * w)


@kernel
def ascend_rows(launch, missile, spin, drag, pace, stage_count, stages, body, table, curves, order, left, bodies):
    """Launches ``order``'s rows of ``launch`` (latitude, longitude, azimuth, final pitch, cut-off, ballistic
    coefficient), which must be good and share one drag curve, and flies them until they coast where ``_kernels_coast``
    or ``_kernels_fall`` can take over; ``left`` (n, LEFT) and ``bodies`` (n, 3) are what those need.
    """
    x, spans = np.zeros(ROWS * LANES), np.zeros((LANES, SPANS, 2))
    counts, rows = np.zeros(LANES, np.int64), np.zeros(LANES, np.int64)
    for first in range(0, order.size, LANES):
        clear_tallies(x)
        for lane in range(LANES):
            i = order[min(first + lane, order.size - 1)]
            m = missile[i]
            rows[lane] = i
            place_on_pad(x, lane, launch[i], body[m])
            counts[lane] = spans_of(launch[i, 4], stage_count[m], stages[m], body[m], spans[lane])
        curve = curves[table[missile[rows[0]]]]
        boost_block(x, spans, counts, missile, rows, stages, body, spin, drag, pace, curve)
        for lane in range(LANES):
            cut_off(x, lane, launch[rows[lane], 5])
            note_cut_off(x, lane, left[rows[lane]])
        coast_on(x, spin, drag, pace, curve)
        for lane in range(min(LANES, order.size - first)):
            i = rows[lane]
            unload(x, lane, left[i])
            bodies[i, 0] = x[HALF_BETA * LANES + lane] if drag else 0.0
            bodies[i, 1] = x[HALF_AREA * LANES + lane] / x[MASS * LANES + lane] if drag else 0.0
            bodies[i, 2] = table[missile[i]]


@kernel
def approach_rows(states, bodies, spin, pace, curves, left):
    """Flies ``states``, which must share one drag curve, through the air until another clock than time will do;
    ``left`` as of ``ascend_rows``.
    """
    x, count = np.zeros(ROWS * LANES), states.shape[0]
    for first in range(0, count, LANES):
        clear_tallies(x)
        for lane in range(LANES):
            i = min(first + lane, count - 1)
            for c in range(6):
                x[(PX + c) * LANES + lane] = states[i, c]
            x[MASS * LANES + lane] = 1.0
            x[HALF_BETA * LANES + lane], x[HALF_AREA * LANES + lane] = bodies[i, 0], bodies[i, 1]
        coast_on(x, spin, True, pace, curves[int(bodies[first, 2])])
        for lane in range(min(LANES, count - first)):
            unload(x, lane, left[first + lane])
