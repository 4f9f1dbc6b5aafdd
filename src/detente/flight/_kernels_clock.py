"""Many bodies through the air at once by the clock, every lane in steps of its own.

A block flies one span of every lane's flight, in which the forces on it stay of a kind. The fifth-order method is used
in Nystrom's form (with position weights A A the velocities at the stages need not be kept), and its embedded error says
of each lane whether its step stands and how long the next one shall be. A lane that is done stands still while its
neighbours go on; one that must try again stays where it was.
"""

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from detente.flight._kernels_air import (
    AIR_BENDS,
    AIR_PIECES,
    DRAG_CEILING_M,
    EARTH_RADIUS_M,
    GAS_CONSTANT_J_KG_K,
    HEAT_RATIO,
    LAYER_BASE_M,
    LAYER_GRADIENT_K_M,
)
from detente.flight._kernels_lanes import (
    LANES,
    RELAXED,
    TINY,
    add_drag_coefficient,
    exponential,
    sine_cosine,
    turning_rates,
)
from detente.flight._kernels_tableau import FIVE, FIVE_ERROR, FIVE_NODES, FIVE_STAGES
from detente.jit import kernel

# Rows of a block.
PX, PY, PZ, VX, VY, VZ = range(6)
TIME, STEP, NEXT, LEFT_S = 6, 7, 8, 9  # since launch; this step; the next one; how much of the span is left
LIMIT_M, GROWTH_S = 10, 11  # the error a step may make at impact, and the time over which one in velocity grows to it
THRUST, EXIT_AREA, MASS, FLOW, IGNITION = 12, 13, 14, 15, 16  # THRUST 0 while coasting; MASS at IGNITION
HALF_AREA, HALF_BETA = 17, 18
UP, AHEAD = 19, 22  # the pad's vertical, and its horizontal along the azimuth
RISE_END, PER_PITCH_SPAN, LEAN = 25, 26, 27  # from RISE_END on the thrust leans from the vertical, up to LEAN
OFF, FAST, LATE = 28, 29, 30  # errors in position and in velocity, and the latter times the time it was made
LEVEL, APOGEE = 31, 32  # the slowest climb or fall yet, and the height of the apogee told from there
LOWEST, HIGHEST = 33, 34  # heights at any step's end
TURN = 35  # above 0: thrust along the velocity
AT = 36  # the state at the stage, six rows
RATE = 42  # its acceleration, three rows
HEIGHT, SPEED, DENSITY, SOUND, MACH, COEFFICIENT = range(45, 51)  # there
UPWARD, FORWARD = 51, 52  # shares of the thrust along UP and AHEAD
BEND_S = 53  # to the next bend of drag or air, or to the apogee
CLIMB, BENT = 54, 55  # rates of change of the height: the first and about the second
MACH_RATE, QUICKER = 56, 57  # the same of the Mach number, half the second
WEIGHT = 58  # of the error estimate
MACH_LEFT, NEAREST, HEIGHT_LEFT = 59, 60, 61  # to the next bend of each; bends nearer than this are passed over
FRESH = 62  # above 0: the forces are not those of the last step
K = 63  # accelerations at the stages, three rows each
ROWS = K + 3 * FIVE_STAGES

IN_AIR, BY_TABLE, BURNING, PITCHING = 1, 2, 4, 8
MOST_TRIES = 200  # in a span
SHORTEST_S = 0.02  # steps that stand whatever their error
CAUTION, LEAST_GROWTH, MOST_GROWTH = 0.85, 0.2, 3.0
FIFTH_ROOT = -0.2 * math.log(2.0)  # of a base-2 logarithm, for an exponential
FORGIVEN = 1.5  # how many times its limit a step's error may be

_WHOLE = np.zeros((FIVE_STAGES, FIVE_STAGES))
_WHOLE[:, :-1] = FIVE
NYSTROM_FIVE = np.where(np.abs(_WHOLE @ _WHOLE) > 1e-15, _WHOLE @ _WHOLE, 0.0)
NYSTROM_FIVE_ERROR = FIVE_ERROR @ _WHOLE
NEAR = 0.1  # of a step: bends nearer than this are stepped across
FELT_PER_S2 = 0.05  # of the error a step may make: drag above which it matters where drag and air bend
SMOOTH = 0.03  # of the error estimate, of the fourth order, what is left where the fifth is undisturbed
USUAL_CD = 0.3  # of a body whose drag follows a curve
NEVER, LOST_M = 1e9, -1e9
OVER = 1.0 - 1e-9  # of the pitching over, what is all of it
# Over the speed of sound: how fast that falls with height in the lowest layer.
SLOWER_SOUND_M_S2 = -0.5 * HEAT_RATIO * GAS_CONSTANT_J_KG_K * LAYER_GRADIENT_K_M[0]
LAYERS = np.array([EARTH_RADIUS_M * base / (EARTH_RADIUS_M - base) for base in LAYER_BASE_M[1:6]])  # the air's bends
LAYER_COUNT = len(LAYERS)
GROUND_LOG, GROUND_SOUND, TOP_SOUND = AIR_PIECES[0, 1], AIR_PIECES[0, 5], AIR_PIECES[-1, 5]
_HIGH_M = 20_000.0, 51_000.0, 86_000.0
_BENDS_BELOW = tuple(2 * ((int(np.searchsorted(AIR_BENDS[:, 0], height)) + 1) // 2) for height in _HIGH_M)
BENDS_LOW, BENDS_MIDDLE, BENDS_HIGH = _BENDS_BELOW
HIGH_LOW_M, HIGH_MIDDLE_M, HIGH_HIGH_M = _HIGH_M


@intrinsic
def rough_log2(typing_context, value):
    """The base-2 logarithm of a positive number, within 0.09: its exponent, and its mantissa as a straight line."""
    word, real = ir.IntType(64), ir.DoubleType()

    def code(context, builder, signature, arguments):
        bits = builder.bitcast(arguments[0], word)
        exponent = builder.or_(builder.lshr(bits, ir.Constant(word, 52)), ir.Constant(word, 0x4330000000000000))
        mantissa = builder.or_(
            builder.and_(bits, ir.Constant(word, 0x000FFFFFFFFFFFFF)), ir.Constant(word, 0x3FF0000000000000)
        )
        whole = builder.fsub(builder.bitcast(exponent, real), ir.Constant(real, 2.0**52 + 1024.0))
        return builder.fadd(whole, builder.bitcast(mantissa, real))

    return types.float64(types.float64), code


@kernel(inline=True, fastmath=RELAXED)
def place_stage(x, i):
    """Every lane's state at stage ``i`` of its step; ``i`` is a constant once this is spliced in."""
    for lane in range(LANES):
        h = x[STEP * LANES + lane]
        sx, sy, sz, su, sv, sw = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for j in range(i):
            k = (K + 3 * j) * LANES + lane
            ax, ay, az = x[k], x[k + LANES], x[k + 2 * LANES]
            if NYSTROM_FIVE[i, j] != 0.0:
                sx += NYSTROM_FIVE[i, j] * ax
                sy += NYSTROM_FIVE[i, j] * ay
                sz += NYSTROM_FIVE[i, j] * az
            if FIVE[i, j] != 0.0:
                su += FIVE[i, j] * ax
                sv += FIVE[i, j] * ay
                sw += FIVE[i, j] * az
        u, v, w = x[VX * LANES + lane], x[VY * LANES + lane], x[VZ * LANES + lane]
        x[AT * LANES + lane] = x[PX * LANES + lane] + h * (FIVE_NODES[i] * u + h * sx)
        x[(AT + 1) * LANES + lane] = x[PY * LANES + lane] + h * (FIVE_NODES[i] * v + h * sy)
        x[(AT + 2) * LANES + lane] = x[PZ * LANES + lane] + h * (FIVE_NODES[i] * w + h * sz)
        x[(AT + 3) * LANES + lane] = u + h * su
        x[(AT + 4) * LANES + lane] = v + h * sv
        x[(AT + 5) * LANES + lane] = w + h * sw


@kernel(inner=True, apart=True, fastmath=RELAXED)
def fall_freely(x, spin):
    """Free fall, speed and height of every lane's stage; returns how many bends of the air lie below any lane.

    None lie below it where no lane is under the drag ceiling.
    """
    some, above_low, above_middle, above_high = 0, 0, 0, 0
    for lane in range(LANES):
        u, v, w = x[(AT + 3) * LANES + lane], x[(AT + 4) * LANES + lane], x[(AT + 5) * LANES + lane]
        ax, ay, az, height, _ = turning_rates(
            x[AT * LANES + lane], x[(AT + 1) * LANES + lane], x[(AT + 2) * LANES + lane], u, v, w, 0.0, spin
        )
        x[RATE * LANES + lane], x[(RATE + 1) * LANES + lane], x[(RATE + 2) * LANES + lane] = ax, ay, az
        x[HEIGHT * LANES + lane] = height if height < DRAG_CEILING_M else DRAG_CEILING_M
        x[SPEED * LANES + lane] = math.sqrt(u * u + v * v + w * w)
        some += 1 if height < DRAG_CEILING_M else 0
        above_low += 1 if height > HIGH_LOW_M else 0
        above_middle += 1 if height > HIGH_MIDDLE_M else 0
        above_high += 1 if height > HIGH_HIGH_M else 0
    if some == 0:
        return 0
    if above_high > 0:
        return AIR_BENDS.shape[0]
    return BENDS_HIGH if above_middle > 0 else BENDS_MIDDLE if above_low > 0 else BENDS_LOW


@kernel(inner=True, apart=True, fastmath=RELAXED)
def find_air(x, bends):
    """Density, speed of sound and Mach number of every lane's stage: bend after bend, two at a time.

    A bend above a lane adds nothing to it, to the bit, so it does not matter how many its neighbours need.
    """
    for lane in range(LANES):
        x[DENSITY * LANES + lane], x[SOUND * LANES + lane] = GROUND_LOG, GROUND_SOUND
    for k in range(0, bends, 2):
        low, a, b, c, p, q = AIR_BENDS[k]
        high, d, e, f, r, s = AIR_BENDS[k + 1]
        for lane in range(LANES):
            over, past = x[HEIGHT * LANES + lane] - low, x[HEIGHT * LANES + lane] - high
            over, past = over if over > 0.0 else 0.0, past if past > 0.0 else 0.0
            x[DENSITY * LANES + lane] += over * (a + over * (b + over * c)) + past * (d + past * (e + past * f))
            x[SOUND * LANES + lane] += over * (p + over * q) + past * (r + past * s)
    for lane in range(LANES):
        within = x[HEIGHT * LANES + lane] < DRAG_CEILING_M
        sound = x[SOUND * LANES + lane] if within else TOP_SOUND
        density = exponential(x[DENSITY * LANES + lane])
        x[DENSITY * LANES + lane], x[SOUND * LANES + lane] = density if within else 0.0, sound
        x[MACH * LANES + lane] = x[SPEED * LANES + lane] / sound


@kernel(inner=True, apart=True, fastmath=RELAXED)
def steer(x, node):
    """Which way every lane's thrust points: leaning from the vertical, the more the later, up to its lean."""
    for lane in range(LANES):
        t = x[TIME * LANES + lane] + node * x[STEP * LANES + lane]
        share = (t - x[RISE_END * LANES + lane]) * x[PER_PITCH_SPAN * LANES + lane]
        share = share if share > 0.0 else 0.0
        s, c = sine_cosine((share if share < OVER else 1.0) * x[LEAN * LANES + lane])
        x[UPWARD * LANES + lane], x[FORWARD * LANES + lane] = c, s


@kernel(inner=True, apart=True, fastmath=RELAXED)
def push(x, node):
    """Adds drag and thrust to the acceleration of every lane's stage."""
    for lane in range(LANES):
        since = x[TIME * LANES + lane] + node * x[STEP * LANES + lane] - x[IGNITION * LANES + lane]
        per_mass = 1.0 / (x[MASS * LANES + lane] - x[FLOW * LANES + lane] * since)
        area = x[HALF_BETA * LANES + lane] + x[HALF_AREA * LANES + lane] * per_mass * x[COEFFICIENT * LANES + lane]
        density, sound, speed = x[DENSITY * LANES + lane], x[SOUND * LANES + lane], x[SPEED * LANES + lane]
        pressure = density * sound * sound * (1.0 / HEAT_RATIO)
        thrust = x[THRUST * LANES + lane] - pressure * x[EXIT_AREA * LANES + lane]
        thrust = (thrust if thrust > 0.0 else 0.0) * per_mass
        # As programmed, or along the velocity.
        turned = x[TURN * LANES + lane] > 0.0
        along = (thrust / (speed + TINY) if turned else 0.0) - density * speed * area
        up = 0.0 if turned else thrust * x[UPWARD * LANES + lane]
        ahead = 0.0 if turned else thrust * x[FORWARD * LANES + lane]
        for n in range(3):
            x[(RATE + n) * LANES + lane] += (
                along * x[(AT + 3 + n) * LANES + lane]
                + up * x[(UP + n) * LANES + lane]
                + ahead * x[(AHEAD + n) * LANES + lane]
            )


@kernel(inner=True, apart=True, fastmath=RELAXED)
def rate_stage(x, node, k, spin, how, curve):
    """Acceleration of the state in AT, left in the rows from ``k`` on; ``how`` says which forces some lane meets."""
    bends = fall_freely(x, spin)
    if bends > 0 and how & (IN_AIR | BURNING):
        find_air(x, bends)
        if how & BY_TABLE:
            add_drag_coefficient(x, np.int64(MACH), np.int64(COEFFICIENT), curve)
    else:
        for lane in range(LANES):
            x[DENSITY * LANES + lane], x[SOUND * LANES + lane] = 0.0, TOP_SOUND
    if how & PITCHING:
        steer(x, node)
    push(x, node)
    for n in range(3 * LANES):
        x[k * LANES + n] = x[RATE * LANES + n]


@kernel(inline=True)
def stage(x, i, spin, how, curve):
    """Everything at stage ``i``."""
    place_stage(x, i)
    rate_stage(x, FIVE_NODES[i], K + 3 * i, spin, how, curve)


@kernel(inline=True, fastmath=RELAXED)
def close_step(x):
    """Moves every lane whose step stands to its end, and says how long the next one shall be.

    Returns how many lanes have not come to the end of their span.
    """
    for lane in range(LANES):
        h = x[STEP * LANES + lane]
        ex, ey, ez, eu, ev, ew = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for j in range(FIVE_STAGES):
            k = (K + 3 * j) * LANES + lane
            ax, ay, az = x[k], x[k + LANES], x[k + 2 * LANES]
            if NYSTROM_FIVE_ERROR[j] != 0.0:
                ex += NYSTROM_FIVE_ERROR[j] * ax
                ey += NYSTROM_FIVE_ERROR[j] * ay
                ez += NYSTROM_FIVE_ERROR[j] * az
            if FIVE_ERROR[j] != 0.0:
                eu += FIVE_ERROR[j] * ax
                ev += FIVE_ERROR[j] * ay
                ew += FIVE_ERROR[j] * az
        weight = h * x[WEIGHT * LANES + lane]
        # Either may vanish by chance, so that of the place, over the step, counts as one of the velocity too.
        off = weight * math.sqrt(ex * ex + ey * ey + ez * ez)
        fast = weight * math.sqrt(eu * eu + ev * ev + ew * ew) + off
        off *= h
        size = (off + x[GROWTH_S * LANES + lane] * fast) / x[LIMIT_M * LANES + lane]
        stands = (size < FORGIVEN) | (h <= SHORTEST_S)
        growth = CAUTION * exponential(FIFTH_ROOT * rough_log2(size + 1e-30))
        growth = growth if growth > LEAST_GROWTH else LEAST_GROWTH
        wanted = h * (growth if growth < MOST_GROWTH else MOST_GROWTH)
        # A step cut short by the end of its span says little about the next.
        cut = stands & (h < x[NEXT * LANES + lane]) & (wanted < x[NEXT * LANES + lane])
        x[NEXT * LANES + lane] = x[NEXT * LANES + lane] if cut else wanted
        taken = h if stands else 0.0
        x[STEP * LANES + lane] = taken
        x[LEFT_S * LANES + lane] -= taken
        x[OFF * LANES + lane] += off if stands else 0.0
        x[FAST * LANES + lane] += fast if stands else 0.0
        x[LATE * LANES + lane] += fast * x[TIME * LANES + lane] if stands else 0.0
        x[TIME * LANES + lane] += taken
    going = 0
    for lane in range(LANES):
        stands = x[STEP * LANES + lane] > 0.0
        for n in range(6):
            x[(PX + n) * LANES + lane] = x[(AT + n) * LANES + lane] if stands else x[(PX + n) * LANES + lane]
        for n in range(3):
            last = x[(K + 18 + n) * LANES + lane]
            x[(K + n) * LANES + lane] = last if stands else x[(K + n) * LANES + lane]
        going += 1 if x[LEFT_S * LANES + lane] > 0.0 else 0
    return going


@kernel(inline=True, fastmath=RELAXED)
def time_to(way, speed, half_gain):
    """The time over a way to go at a speed that grows evenly, about; never, where there is no way to go."""
    t = way / (speed + TINY)
    longer = 1.0 + half_gain / (speed + TINY) * t
    t /= longer if longer > 0.5 else 0.5
    return t if (way > 0.0) & (way < NEVER) else NEVER


@kernel(inner=True, apart=True, fastmath=RELAXED)
def find_bends(x, curve):
    """How long every lane has to the next bend of its drag curve or of the air, where drag is worth the trouble.

    A step across a bend is less exact than it knows, and one that ends near it is not.
    """
    for lane in range(LANES):
        px, py, pz = x[PX * LANES + lane], x[PY * LANES + lane], x[PZ * LANES + lane]
        u, v, w = x[VX * LANES + lane], x[VY * LANES + lane], x[VZ * LANES + lane]
        ax, ay, az = x[K * LANES + lane], x[(K + 1) * LANES + lane], x[(K + 2) * LANES + lane]
        _, _, _, height, climb = turning_rates(px, py, pz, u, v, w, 0.0, 0.0)
        speed2, sound = u * u + v * v + w * w, x[SOUND * LANES + lane]
        speed = math.sqrt(speed2)
        area = x[HALF_AREA * LANES + lane] / x[MASS * LANES + lane]
        drag = x[DENSITY * LANES + lane] * speed2 * (x[HALF_BETA * LANES + lane] + USUAL_CD * area)
        felt = drag > FELT_PER_S2 * x[LIMIT_M * LANES + lane]
        x[WEIGHT * LANES + lane] = 1.0 if felt else SMOOTH
        mach, slower = speed / sound, SLOWER_SOUND_M_S2 / sound if height < LAYERS[0] else 0.0
        rate = ((u * ax + v * ay + w * az) / (speed + TINY) + mach * climb * slower) / sound
        h = x[STEP * LANES + lane]
        grown = 0.5 * (rate - x[MACH_RATE * LANES + lane]) / (h + TINY)
        x[QUICKER * LANES + lane] = grown if h > 0.0 else x[QUICKER * LANES + lane]
        x[MACH_RATE * LANES + lane] = rate
        x[MACH * LANES + lane] = mach if rate > 0.0 else -mach
        x[MACH_LEFT * LANES + lane] = NEVER if felt & (area > 0.0) else 0.0
        x[NEAREST * LANES + lane] = NEAR * x[NEXT * LANES + lane] * abs(rate)
        # The apogee is told from the step's end that is nearest to it.
        bend = (speed2 + px * ax + py * ay + pz * az) * math.sqrt(1.0 / (px * px + py * py + pz * pz))
        x[HEIGHT * LANES + lane], x[CLIMB * LANES + lane], x[BENT * LANES + lane] = height, climb, bend
        to_top = -climb / (bend if bend < -1.0 else -1.0)
        near = NEAR * x[NEXT * LANES + lane]
        x[BEND_S * LANES + lane] = to_top if (x[THRUST * LANES + lane] == 0.0) & (to_top > near) else NEVER
        # The next of the air's bends on the way.
        along, nearest, left = height if climb > 0.0 else -height, near * abs(climb), NEVER if felt else 0.0
        for k in range(LAYER_COUNT):
            past = (LAYERS[k] if climb > 0.0 else -LAYERS[k]) - along
            left = past if (past > nearest) & (past < left) else left
        x[HEIGHT_LEFT * LANES + lane] = left
    for k in range(1, curve.shape[0]):
        bend = curve[k, 0]
        for lane in range(LANES):
            past = (bend if x[MACH_RATE * LANES + lane] > 0.0 else -bend) - x[MACH * LANES + lane]
            left = x[MACH_LEFT * LANES + lane]
            x[MACH_LEFT * LANES + lane] = past if (past > x[NEAREST * LANES + lane]) & (past < left) else left
    for lane in range(LANES):
        rate = x[MACH_RATE * LANES + lane]
        quicker = x[QUICKER * LANES + lane]
        t = time_to(x[MACH_LEFT * LANES + lane], abs(rate), quicker if rate > 0.0 else -quicker)
        climb, bend = x[CLIMB * LANES + lane], 0.5 * x[BENT * LANES + lane]
        d = time_to(x[HEIGHT_LEFT * LANES + lane], abs(climb), bend if climb > 0.0 else -bend)
        t = t if t < d else d
        x[BEND_S * LANES + lane] = t if t < x[BEND_S * LANES + lane] else x[BEND_S * LANES + lane]


@kernel(inner=True, apart=True, fastmath=RELAXED)
def note_height(x):
    """Keeps every lane's lowest and highest step's end, and the apogee as told by the one nearest to it."""
    for lane in range(LANES):
        height, climb, bend = x[HEIGHT * LANES + lane], x[CLIMB * LANES + lane], x[BENT * LANES + lane]
        slower = abs(climb) < x[LEVEL * LANES + lane]
        told = height - 0.5 * climb * climb / (bend if bend < -1.0 else -1.0)
        x[APOGEE * LANES + lane] = told if slower else x[APOGEE * LANES + lane]
        x[LEVEL * LANES + lane] = abs(climb) if slower else x[LEVEL * LANES + lane]
        low, high = x[LOWEST * LANES + lane], x[HIGHEST * LANES + lane]
        x[LOWEST * LANES + lane] = height if height < low else low
        x[HIGHEST * LANES + lane] = height if height > high else high


@kernel(inner=True, apart=True, fastmath=RELAXED)
def begin_span(x, spin, how, curve):
    """The accelerations that every lane's first step starts with: those its last one ended with, or new ones."""
    fresh = 0
    for lane in range(LANES):
        x[STEP * LANES + lane] = 0.0
        fresh += 1 if x[FRESH * LANES + lane] > 0.0 else 0
    steer(x, 0.0)
    if fresh == 0:
        return
    for i in range(6 * LANES):
        x[AT * LANES + i] = x[PX * LANES + i]
    rate_stage(x, 0.0, np.int64(K + 18), spin, how, curve)
    for lane in range(LANES):
        for n in range(3):
            new = x[(K + 18 + n) * LANES + lane]
            x[(K + n) * LANES + lane] = new if x[FRESH * LANES + lane] > 0.0 else x[(K + n) * LANES + lane]


@kernel(inner=True, apart=True, fastmath=RELAXED)
def fly_span(x, spin, how, curve):
    """Every lane along what is left of its span.

    A lane that does not come to the span's end is marked by an impossible height.
    """
    begin_span(x, spin, how, curve)
    for _ in range(MOST_TRIES):
        find_bends(x, curve)
        note_height(x)
        for lane in range(LANES):
            h, left, bend = x[NEXT * LANES + lane], x[LEFT_S * LANES + lane], x[BEND_S * LANES + lane]
            h = h if h < bend else bend
            half = 0.5 * left
            x[STEP * LANES + lane] = left if h >= left else h if h < half else half
        stage(x, np.int64(1), spin, how, curve)
        stage(x, np.int64(2), spin, how, curve)
        stage(x, np.int64(3), spin, how, curve)
        stage(x, np.int64(4), spin, how, curve)
        stage(x, np.int64(5), spin, how, curve)
        stage(x, np.int64(6), spin, how, curve)
        if close_step(x) == 0:
            break
    find_bends(x, curve)
    note_height(x)
    for lane in range(LANES):
        if x[LEFT_S * LANES + lane] > 0.0:
            x[LOWEST * LANES + lane] = LOST_M
