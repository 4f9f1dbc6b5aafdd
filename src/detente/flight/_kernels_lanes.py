"""Arithmetic for blocks of lanes: many trajectories side by side in one flat array.

A block is ``x[row * LANES + lane]``: constant width, one row per quantity. The loop over lanes is the innermost one and
has no branches, so LLVM turns it into vector code; functions called in it are spliced in and may choose between two
values, never between two paths. Blocks are always full (short ones are padded with copies of their last lane), so a
lane's bits depend on nothing but the lane. The compiler may contract a product and a sum into one rounding; it may not
reorder sums.
"""

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from detente.flight._kernels_air import AIR, CELL_M, DRAG_CEILING_M, TOP_CELL
from detente.flight._kernels_motion import J2_PULL, STRETCH
from detente.geodesy.constants import A_M, MU_M3_S2
from detente.jit import kernel

LANES = 64
RELAXED = {"contract", "nsz", "arcp"}
TINY = 1e-300
NO_PLACE_BEYOND = 0xFFFF  # "&" with it tells the compiler that a place is not negative: else its loop is no vector code
_AIR = np.ascontiguousarray(AIR.ravel())
_LOG2_E, _LN_2 = 1.4426950408889634, 0.6931471805599453
ROUNDER = 6755399441055744.0  # 1.5 * 2**52


def room_for(numbers: int) -> np.ndarray:
    """Zeros that begin where a line of the processor's cache does, so that no vector straddles two lines.

    A fifth of a kernel's time; numpy's own arrays begin anywhere.
    """
    room = np.zeros(numbers + 7)
    ahead = -room.__array_interface__["data"][0] % 64 // 8
    return room[ahead : ahead + numbers]


@intrinsic
def times_power_of_two(typing_context, value, rounded):
    """``value`` times 2**k, where ``rounded`` is k + 1.5 * 2**52: an addition to the exponent's bits."""
    word = ir.IntType(64)

    def code(context, builder, signature, arguments):
        exponent = builder.shl(builder.bitcast(arguments[1], word), ir.Constant(word, 52))
        return builder.bitcast(builder.add(builder.bitcast(arguments[0], word), exponent), ir.DoubleType())

    return types.float64(types.float64, types.float64), code


@kernel(inline=True, fastmath=RELAXED)
def exponential(x):
    """exp(x) for x of -600 to 600, to 1e-13 of itself, without a branch or a call."""
    rounded = x * _LOG2_E + ROUNDER
    f = (x * _LOG2_E - (rounded - ROUNDER)) * _LN_2
    s = 1.0 / 40320.0 + f * (1.0 / 362880.0 + f * (1.0 / 3628800.0 + f * (1.0 / 39916800.0)))
    s = 1.0 / 24.0 + f * (1.0 / 120.0 + f * (1.0 / 720.0 + f * (1.0 / 5040.0 + f * s)))
    return times_power_of_two(1.0 + f * (1.0 + f * (0.5 + f * (1.0 / 6.0 + f * s))), rounded)


@kernel(inline=True, fastmath=RELAXED)
def sine_cosine(x):
    """Sine and cosine of an angle of at most two radians, to 2e-14."""
    q = x * x
    s = 1.0 / 355687428096000.0 + q * (-1.0 / 121645100408832000.0 + q / 51090942171709440000.0)
    s = -1.0 / 39916800.0 + q * (1.0 / 6227020800.0 + q * (-1.0 / 1307674368000.0 + q * s))
    s = 1.0 / 120.0 + q * (-1.0 / 5040.0 + q * (1.0 / 362880.0 + q * s))
    c = 1.0 / 20922789888000.0 + q * (-1.0 / 6402373705728000.0 + q / 2432902008176640000.0)
    c = -1.0 / 3628800.0 + q * (1.0 / 479001600.0 + q * (-1.0 / 87178291200.0 + q * c))
    c = -1.0 / 720.0 + q * (1.0 / 40320.0 + q * c)
    return x + x * q * (-1.0 / 6.0 + q * s), 1.0 + q * (-0.5 + q * (1.0 / 24.0 + q * c))


@kernel(inline=True, fastmath=RELAXED)
def rough_angle(y, x):
    """The angle of (x, y) for y of at least 0, to 2e-8 rad: enough to plan steps with.

    Source: M. Abramowitz and I. A. Stegun, "Handbook of Mathematical Functions", 4.4.49.
    """
    across = abs(x)
    low, high = (y, across) if y < across else (across, y)
    t = low / (high + TINY)
    q = t * t
    p = 0.1065626393 + q * (-0.0752896400 + q * (0.0429096138 + q * (-0.0161657367 + q * 0.0028662257)))
    p = t * (1.0 + q * (-0.3333314528 + q * (0.1999355085 + q * (-0.1420889944 + q * p))))
    p = p if y < across else 0.5 * math.pi - p
    return p if x >= 0.0 else math.pi - p


@kernel(inline=True, fastmath=RELAXED)
def gravity(x, y, z):
    """``pull`` once more, for lanes: the central term and J2."""
    inverse_r2 = 1.0 / (x * x + y * y + z * z)
    inverse_r = math.sqrt(inverse_r2)
    central = -MU_M3_S2 * inverse_r * inverse_r2
    sine2 = 5.0 * z * z * inverse_r2
    bulge = J2_PULL * inverse_r * inverse_r2 * inverse_r2
    level = central + bulge * (sine2 - 1.0)
    return level * x, level * y, (central + bulge * (sine2 - 3.0)) * z


@kernel(inline=True, fastmath=RELAXED)
def ellipsoid_share(q):
    """A_M over the stretched distance, as a share of A_M over the distance, by the sine squared of latitude.

    The series of (1 + e q)^(-1/2) to the sixth power of e: within 1e-15.
    """
    e = (STRETCH - 1.0) * q
    return 1.0 - e * (0.5 - e * (0.375 - e * (0.3125 - e * (0.2734375 - e * (0.24609375 - e * 0.2255859375)))))


@kernel(inline=True, fastmath=RELAXED)
def height_and_climb(x, y, z, u, v, w):
    """``radial_height`` and its rate of change (m, m/s), in either frame."""
    r2 = x * x + y * y + z * z
    inverse_r2 = 1.0 / r2
    inverse_r = math.sqrt(inverse_r2)
    share = ellipsoid_share(z * z * inverse_r2)
    flat = A_M * inverse_r * share
    along, up = x * u + y * v, w * z
    climb = ((along + up) * (1.0 - flat) + flat * share * share * (along + STRETCH * up)) * inverse_r
    return r2 * inverse_r - A_M * share, climb


@kernel(inline=True, fastmath=RELAXED)
def turning_rates(x, y, z, u, v, w, drag, spin):
    """Acceleration on the turning Earth, and height and climb: (ax, ay, az, height, climb).

    ``drag`` is the deceleration by the air over the speed, 1/s; ``spin`` the Earth's rotation rate. The same arithmetic
    as ``coast_rates``, ``radial_height`` and ``height_and_climb``, with their roots and quotients shared.
    """
    r2 = x * x + y * y + z * z
    inverse_r2 = 1.0 / r2
    inverse_r = math.sqrt(inverse_r2)
    q = z * z * inverse_r2
    central = -MU_M3_S2 * inverse_r * inverse_r2
    bulge = J2_PULL * inverse_r * inverse_r2 * inverse_r2
    level = central + bulge * (5.0 * q - 1.0) + spin * spin
    ax = level * x + 2.0 * spin * v - drag * u
    ay = level * y - 2.0 * spin * u - drag * v
    az = (central + bulge * (5.0 * q - 3.0)) * z - drag * w
    share = ellipsoid_share(q)
    flat = A_M * inverse_r * share
    along, up = x * u + y * v, w * z
    climb = ((along + up) * (1.0 - flat) + flat * share * share * (along + STRETCH * up)) * inverse_r
    return ax, ay, az, r2 * inverse_r - A_M * share, climb


@kernel(inline=True, fastmath=RELAXED)
def lane_air(height_m):
    """Density and speed of sound for lanes, from the table of ``air_density``; no density above the drag ceiling."""
    place = height_m * (1.0 / CELL_M)
    place = place if place > 0.0 else 0.0
    place = place if place < TOP_CELL else TOP_CELL
    i = np.int32(place)
    s = place - i
    at = 8 * i
    density = exponential(_AIR[at] + s * (_AIR[at + 1] + s * (_AIR[at + 2] + s * _AIR[at + 3])))
    sound = _AIR[at + 4] + s * (_AIR[at + 5] + s * (_AIR[at + 6] + s * _AIR[at + 7]))
    return density if height_m < DRAG_CEILING_M else 0.0, sound


@kernel(inner=True, apart=True, fastmath=RELAXED)
def add_drag_coefficient(x, mach, coefficient, curve):
    """The drag coefficient of every lane by the Mach number in row ``mach``; all lanes of a block share one curve."""
    m, at = mach * LANES & NO_PLACE_BEYOND, coefficient * LANES & NO_PLACE_BEYOND
    for lane in range(LANES):
        x[at + lane] = curve[0, 1]
    last = curve.shape[0] - 1
    for k in range(1, last + 1, 3):
        i, j = min(k + 1, last), min(k + 2, last)
        low, a, b = curve[k, 0], curve[k, 1], curve[k, 2]
        mid, c, d = curve[i, 0], curve[i, 1] if i > k else 0.0, curve[i, 2] if i > k else 0.0
        high, e, f = curve[j, 0], curve[j, 1] if j > i else 0.0, curve[j, 2] if j > i else 0.0
        for lane in range(LANES):
            over, on, past = x[m + lane] - low, x[m + lane] - mid, x[m + lane] - high
            over, on, past = over if over > 0.0 else 0.0, on if on > 0.0 else 0.0, past if past > 0.0 else 0.0
            x[at + lane] += over * over * (a + b * over) + on * on * (c + d * on) + past * past * (e + f * past)
