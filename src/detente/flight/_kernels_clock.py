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
    AIR_LAYERS,
    AIR_PIECES,
    DRAG_CEILING_M,
    EARTH_RADIUS_M,
    FORMULA_TOP_M,
    GAS_CONSTANT_J_KG_K,
    HEAT_RATIO,
    LAYER_BASE_M,
    LAYER_GRADIENT_K_M,
    PER_SOUND,
    UPPER_BENDS,
)
from detente.flight._kernels_lanes import (
    LANES,
    NO_PLACE_BEYOND,
    RELAXED,
    ROUNDER,
    TINY,
    add_drag_coefficient,
    exponential,
    sine_cosine,
    times_power_of_two,
    turning_rates,
)
from detente.flight._kernels_tableau import FIVE, FIVE_ERROR, FIVE_NODES, FIVE_STAGES
from detente.jit import kernel

# Rows of a block.
PX, PY, PZ, VX, VY, VZ = range(6)
TIME, STEP, NEXT, LEFT_S = 6, 7, 8, 9  # since launch; this step; the next one; how much of the span is left
PER_LIMIT, GROWTH_S = 10, 11  # one over the error a step may make at impact; over how long one in velocity grows to it
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
HEIGHT, SPEED, DENSITY, PER_SOUND_SPEED, MACH, COEFFICIENT = range(45, 51)  # there
UPWARD, FORWARD = 51, 52  # shares of the thrust along UP and AHEAD
BEND_S = 53  # to the next bend of drag or air, or to the apogee
CLIMB, BENT = 54, 55  # rates of change of the height: the first and about the second
MACH_RATE, QUICKER = 56, 57  # the same of the Mach number, half the second
WEIGHT = 58  # of the error estimate
MACH_LEFT, NEAREST, HEIGHT_LEFT = 59, 60, 61  # to the next bend of each; bends nearer than this are passed over
FRESH = 62  # above 0: the forces are not those of the last step
BRAKED = 63  # half the inverse of the ballistic coefficient, more or less
WARMTH, GEOPOTENTIAL = 64, 65  # temperature at the stage, and its height as the air counts it
FASTER = 66  # 1 where the Mach number grows, else -1
K = 67  # accelerations at the stages, three rows each
ROWS = K + 3 * FIVE_STAGES

IN_AIR, BY_TABLE, BURNING, PITCHING = 1, 2, 4, 8
MOST_TRIES = 200  # in a span
SHORTEST_S = 0.02  # steps that stand whatever their error
CAUTION, LEAST_GROWTH, MOST_GROWTH = 0.85, 0.2, 3.0
FORGIVEN = 1.5  # how many times its limit a step's error may be

_WHOLE = np.zeros((FIVE_STAGES, FIVE_STAGES))
_WHOLE[:, :-1] = FIVE
NYSTROM_FIVE = np.where(np.abs(_WHOLE @ _WHOLE) > 1e-15, _WHOLE @ _WHOLE, 0.0)
NYSTROM_FIVE_ERROR = FIVE_ERROR @ _WHOLE
NEAR = 0.1  # of a step: bends nearer than this are stepped across
FELT_PER_S2 = 0.05  # of the error a step may make: drag above which it matters where drag and air bend
SMOOTH = 0.03  # of the error estimate, of the fourth order, what is left where the fifth is undisturbed
NEVER, LOST_M = 1e9, -1e9
HARDLY = 1e-150  # a speed that divides, squared
OVER = 1.0 - 1e-9  # of the pitching over, what is all of it
# Over the speed of sound: how fast that falls with height in the lowest layer.
SLOWER_SOUND_M_S2 = -0.5 * HEAT_RATIO * GAS_CONSTANT_J_KG_K * LAYER_GRADIENT_K_M[0]
LAYERS = np.array([EARTH_RADIUS_M * base / (EARTH_RADIUS_M - base) for base in LAYER_BASE_M[1:6]])  # the air's bends
LAYER_COUNT = len(LAYERS)
GROUND_LOG, GROUND_K, PER_TOP_SOUND = AIR_PIECES[0, 1], 288.15, 1.0 / AIR_PIECES[-1, 5]
# How high: up to LOW_M and MIDDLE_M, up to the formula's top, over it.
IN_LOW_AIR, IN_MIDDLE_AIR, IN_HIGH_AIR, IN_UPPER_AIR = 1, 2, 3, 4
LOW_M, MIDDLE_M = 20_000.0, 47_000.0  # of layers' bases; geopotential, so a little lower


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
    """Free fall, speed and height of every lane's stage; returns how high in the air any lane is, 0 if all are above.

    Lanes over the drag ceiling do not count: there is no air.
    """
    some, above_low, above_middle, above_formula = 0, 0, 0, 0
    for lane in range(LANES):
        u, v, w = x[(AT + 3) * LANES + lane], x[(AT + 4) * LANES + lane], x[(AT + 5) * LANES + lane]
        ax, ay, az, height, _ = turning_rates(
            x[AT * LANES + lane], x[(AT + 1) * LANES + lane], x[(AT + 2) * LANES + lane], u, v, w, 0.0, spin
        )
        x[RATE * LANES + lane], x[(RATE + 1) * LANES + lane], x[(RATE + 2) * LANES + lane] = ax, ay, az
        x[HEIGHT * LANES + lane] = height
        x[SPEED * LANES + lane] = math.sqrt(u * u + v * v + w * w)
        inside = height < DRAG_CEILING_M
        some += 1 if inside else 0
        above_low += 1 if inside & (height > LOW_M) else 0
        above_middle += 1 if inside & (height > MIDDLE_M) else 0
        above_formula += 1 if inside & (height > FORMULA_TOP_M) else 0
    if above_formula > 0:
        return IN_UPPER_AIR
    return IN_HIGH_AIR if above_middle > 0 else IN_MIDDLE_AIR if above_low > 0 else IN_LOW_AIR if some > 0 else 0


@kernel(inline=True, fastmath=RELAXED)
def part_in(height, layer):
    """How much of a geopotential height lies in a layer of the air; ``layer`` is a constant."""
    d = height - AIR_LAYERS[layer, 0]
    d = d if d > 0.0 else 0.0
    return d if d < AIR_LAYERS[layer, 1] else AIR_LAYERS[layer, 1]


@kernel(inline=True, fastmath=RELAXED)
def gained(d, layer):
    """What the logarithm of density gains over a part of a layer; ``layer`` is a constant."""
    high = AIR_LAYERS[layer, 4] + d * (AIR_LAYERS[layer, 5] + d * AIR_LAYERS[layer, 6])
    return d * (AIR_LAYERS[layer, 2] + d * (AIR_LAYERS[layer, 3] + d * high))


@kernel(inner=True, apart=True, fastmath=RELAXED)
def find_air(x, upto):
    """Density, one over the speed of sound, and Mach number of every lane's stage: layer after layer.

    A layer above a lane adds nothing to it, to the bit, so it does not matter how many its neighbours need.
    """
    for lane in range(LANES):
        h = x[HEIGHT * LANES + lane]
        h = h if h > 0.0 else 0.0
        h = h if h < FORMULA_TOP_M else FORMULA_TOP_M
        y = h * (1.0 / EARTH_RADIUS_M)
        h *= 1.0 - y * (1.0 - y * (1.0 - y))
        a, b = part_in(h, np.int64(0)), part_in(h, np.int64(1))
        x[GEOPOTENTIAL * LANES + lane] = h
        x[DENSITY * LANES + lane] = GROUND_LOG + gained(a, np.int64(0)) + AIR_LAYERS[1, 2] * b
        x[WARMTH * LANES + lane] = GROUND_K + AIR_LAYERS[0, 7] * a
    if upto > IN_LOW_AIR:
        for lane in range(LANES):
            h = x[GEOPOTENTIAL * LANES + lane]
            a, b = part_in(h, np.int64(2)), part_in(h, np.int64(3))
            x[DENSITY * LANES + lane] += gained(a, np.int64(2)) + gained(b, np.int64(3))
            x[WARMTH * LANES + lane] += AIR_LAYERS[2, 7] * a + AIR_LAYERS[3, 7] * b
    if upto > IN_MIDDLE_AIR:
        for lane in range(LANES):
            h = x[GEOPOTENTIAL * LANES + lane]
            a, b, c = part_in(h, np.int64(4)), part_in(h, np.int64(5)), part_in(h, np.int64(6))
            x[DENSITY * LANES + lane] += AIR_LAYERS[4, 2] * a + gained(b, np.int64(5)) + gained(c, np.int64(6))
            x[WARMTH * LANES + lane] += AIR_LAYERS[5, 7] * b + AIR_LAYERS[6, 7] * c
    if upto > IN_HIGH_AIR:
        for k in range(0, UPPER_BENDS.shape[0], 2):
            low, a, b, c = UPPER_BENDS[k]
            high, d, e, f = UPPER_BENDS[k + 1]
            for lane in range(LANES):
                over, past = x[HEIGHT * LANES + lane] - low, x[HEIGHT * LANES + lane] - high
                over, past = over if over > 0.0 else 0.0, past if past > 0.0 else 0.0
                x[DENSITY * LANES + lane] += over * (a + over * (b + over * c)) + past * (d + past * (e + past * f))
    for lane in range(LANES):
        inside = x[HEIGHT * LANES + lane] < DRAG_CEILING_M
        log = x[DENSITY * LANES + lane]
        density = exponential(log if inside else 0.0)
        d = x[WARMTH * LANES + lane] - PER_SOUND[0]
        slow = PER_SOUND[4] + d * (PER_SOUND[5] + d * (PER_SOUND[6] + d * PER_SOUND[7]))
        slow = PER_SOUND[1] + d * (PER_SOUND[2] + d * (PER_SOUND[3] + d * slow))
        slow = slow if inside else PER_TOP_SOUND
        x[DENSITY * LANES + lane], x[PER_SOUND_SPEED * LANES + lane] = density if inside else 0.0, slow
        x[MACH * LANES + lane] = x[SPEED * LANES + lane] * slow


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
def push(x, node, k):
    """Adds drag and thrust to the acceleration of every lane's stage, and leaves it in the rows from ``k`` on."""
    k &= NO_PLACE_BEYOND
    for lane in range(LANES):
        since = x[TIME * LANES + lane] + node * x[STEP * LANES + lane] - x[IGNITION * LANES + lane]
        per_mass = 1.0 / (x[MASS * LANES + lane] - x[FLOW * LANES + lane] * since)
        area = x[HALF_BETA * LANES + lane] + x[HALF_AREA * LANES + lane] * per_mass * x[COEFFICIENT * LANES + lane]
        density, speed = x[DENSITY * LANES + lane], x[SPEED * LANES + lane]
        pressure = density * (GAS_CONSTANT_J_KG_K * x[WARMTH * LANES + lane])
        thrust = x[THRUST * LANES + lane] - pressure * x[EXIT_AREA * LANES + lane]
        thrust = (thrust if thrust > 0.0 else 0.0) * per_mass
        # As programmed, or along the velocity.
        turned = x[TURN * LANES + lane] > 0.0
        along = (thrust / (speed + TINY) if turned else 0.0) - density * speed * area
        up = 0.0 if turned else thrust * x[UPWARD * LANES + lane]
        ahead = 0.0 if turned else thrust * x[FORWARD * LANES + lane]
        for n in range(3):
            x[(k + n) * LANES + lane] = x[(RATE + n) * LANES + lane] + (
                along * x[(AT + 3 + n) * LANES + lane]
                + up * x[(UP + n) * LANES + lane]
                + ahead * x[(AHEAD + n) * LANES + lane]
            )


@kernel(inner=True, apart=True, fastmath=RELAXED)
def rate_stage(x, node, k, spin, how, curve):
    """Acceleration of the state in AT, left in the rows from ``k`` on; ``how`` says which forces some lane meets."""
    upto = fall_freely(x, spin)
    if upto > 0 and how & (IN_AIR | BURNING):
        find_air(x, upto)
        if how & BY_TABLE:
            add_drag_coefficient(x, np.int64(MACH), np.int64(COEFFICIENT), curve)
    else:
        for lane in range(LANES):
            x[DENSITY * LANES + lane], x[PER_SOUND_SPEED * LANES + lane] = 0.0, PER_TOP_SOUND
    if how & PITCHING:
        steer(x, node)
    push(x, node, k)


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
        size = (off + x[GROWTH_S * LANES + lane] * fast) * x[PER_LIMIT * LANES + lane]
        stands = (size < FORGIVEN) | (h <= SHORTEST_S)
        growth = CAUTION * rough_power_of_two(-0.2 * rough_log2(size + 1e-30))
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
def rough_power_of_two(x):
    """2 to the power of x for x of -1,000 to 1,000, within a thousandth of itself."""
    rounded = x + ROUNDER
    f = x - (rounded - ROUNDER)
    return times_power_of_two(
        1.0 + f * (0.6931471805599453 + f * (0.2402265069591007 + f * 0.0555041086648216)), rounded
    )


@kernel(inline=True, fastmath=RELAXED)
def time_to(way, speed, half_gain):
    """The time over a way to go at a speed that grows evenly, about, as a fraction: (above, below).

    Where there is no way to go that is never.
    """
    speed += HARDLY
    square = speed * speed
    later = square + half_gain * way
    there = (way > 0.0) & (way < NEVER)
    return way * speed if there else NEVER, (later if later > 0.5 * square else 0.5 * square) if there else 1.0


@kernel(inline=True, fastmath=RELAXED)
def nearer(way, nearest, left):
    """The shorter of two ways, the first of which counts only if it is longer than ``nearest``."""
    way = way if way > nearest else NEVER
    return way if way < left else left


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
        speed2, per_sound = u * u + v * v + w * w, x[PER_SOUND_SPEED * LANES + lane]
        speed = math.sqrt(speed2)
        drag = x[DENSITY * LANES + lane] * speed2 * x[BRAKED * LANES + lane]
        felt = drag * x[PER_LIMIT * LANES + lane] > FELT_PER_S2
        x[WEIGHT * LANES + lane] = 1.0 if felt else SMOOTH
        mach, slower = speed * per_sound, SLOWER_SOUND_M_S2 * per_sound if height < LAYERS[0] else 0.0
        h = x[STEP * LANES + lane]
        taken = h if h > 0.0 else 1.0
        per_both = 1.0 / ((speed + HARDLY) * taken)
        rate = ((u * ax + v * ay + w * az) * (per_both * taken) + mach * climb * slower) * per_sound
        grown = 0.5 * (rate - x[MACH_RATE * LANES + lane]) * per_both * speed
        x[QUICKER * LANES + lane] = grown if h > 0.0 else x[QUICKER * LANES + lane]
        x[MACH_RATE * LANES + lane] = rate
        x[MACH * LANES + lane], x[FASTER * LANES + lane] = mach, 1.0 if rate > 0.0 else -1.0
        x[MACH_LEFT * LANES + lane] = NEVER if felt & (x[HALF_AREA * LANES + lane] > 0.0) else 0.0
        x[NEAREST * LANES + lane] = NEAR * x[NEXT * LANES + lane] * abs(rate)
        # The apogee is told from the step's end that is nearest to it.
        bend = (speed2 + px * ax + py * ay + pz * az) * math.sqrt(1.0 / (px * px + py * py + pz * pz))
        x[HEIGHT * LANES + lane], x[CLIMB * LANES + lane], x[BENT * LANES + lane] = height, climb, bend
        near = NEAR * x[NEXT * LANES + lane]
        # The next of the air's bends on the way.
        upward, left = 1.0 if climb > 0.0 else -1.0, NEVER if felt else 0.0
        for k in range(LAYER_COUNT):
            left = nearer(upward * (LAYERS[k] - height), near * abs(climb), left)
        x[HEIGHT_LEFT * LANES + lane] = left
    last = curve.shape[0] - 1
    for k in range(1, last + 1, 3):
        low, middle, high = curve[k, 0], curve[min(k + 1, last), 0], curve[min(k + 2, last), 0]
        for lane in range(LANES):
            faster, mach = x[FASTER * LANES + lane], x[MACH * LANES + lane]
            nearest, left = x[NEAREST * LANES + lane], x[MACH_LEFT * LANES + lane]
            left = nearer(faster * (low - mach), nearest, left)
            left = nearer(faster * (middle - mach), nearest, left)
            x[MACH_LEFT * LANES + lane] = nearer(faster * (high - mach), nearest, left)
    for lane in range(LANES):
        rate = x[MACH_RATE * LANES + lane]
        quicker = x[QUICKER * LANES + lane]
        above, below = time_to(x[MACH_LEFT * LANES + lane], abs(rate), quicker if rate > 0.0 else -quicker)
        climb, bend = x[CLIMB * LANES + lane], 0.5 * x[BENT * LANES + lane]
        past, per = time_to(x[HEIGHT_LEFT * LANES + lane], abs(climb), bend if climb > 0.0 else -bend)
        sooner = past * below < above * per
        above, below = past if sooner else above, per if sooner else below
        # The apogee, of what is not driven.
        bend = -2.0 * bend if bend < -0.5 else 1.0
        top = (x[THRUST * LANES + lane] == 0.0) & (climb > NEAR * x[NEXT * LANES + lane] * bend)
        sooner = top & (climb * below < above * bend)
        x[BEND_S * LANES + lane] = (climb if sooner else above) / (bend if sooner else below)


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
