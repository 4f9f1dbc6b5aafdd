"""Philox 4x64-10 and the draws made from it.

J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11.
"""

import math

import numpy as np

from detente.jit import kernel

MULTIPLIER_0 = np.uint64(0xD2E7470EE14C6C93)
MULTIPLIER_1 = np.uint64(0xCA5A826395121157)
WEYL_0 = np.uint64(0x9E3779B97F4A7C15)
WEYL_1 = np.uint64(0xBB67AE8584CAA73B)
LOW_32 = np.uint64(0xFFFFFFFF)
SHIFT_32 = np.uint64(32)
SHIFT_11 = np.uint64(11)
ROUNDS = 10
TO_UNIT = 1.0 / 9007199254740992.0  # 2^-53
BELOW_ONE = 1.0 - TO_UNIT  # the greatest number below 1: of 2^53 draws the uppermost would be rounded to 1


@kernel
def multiply_high(a, b):
    """The upper 64 bits of the 128-bit product of two unsigned 64-bit numbers."""
    a_low, a_high = a & LOW_32, a >> SHIFT_32
    b_low, b_high = b & LOW_32, b >> SHIFT_32
    middle = a_high * b_low + ((a_low * b_low) >> SHIFT_32)
    other = a_low * b_high + (middle & LOW_32)
    return a_high * b_high + (middle >> SHIFT_32) + (other >> SHIFT_32)


@kernel
def philox(key_0, key_1, counter_0, counter_1, counter_2, counter_3):
    """Four unsigned 64-bit words for a key of two words and a counter of four."""
    k0, k1 = np.uint64(key_0), np.uint64(key_1)
    c0, c1, c2, c3 = np.uint64(counter_0), np.uint64(counter_1), np.uint64(counter_2), np.uint64(counter_3)
    for _ in range(ROUNDS):
        high_0, low_0 = multiply_high(MULTIPLIER_0, c0), MULTIPLIER_0 * c0
        high_1, low_1 = multiply_high(MULTIPLIER_1, c2), MULTIPLIER_1 * c2
        c0, c1, c2, c3 = high_1 ^ c1 ^ k0, low_1, high_0 ^ c3 ^ k1, low_0
        k0 += WEYL_0
        k1 += WEYL_1
    return c0, c1, c2, c3


@kernel
def stream_word(stage, side, sensor):
    """Pack stage (8 bits), side (16 bits, -1 allowed) and sensor (32 bits, -1 allowed) into one counter word."""
    return (
        np.uint64(stage)
        | (np.uint64(np.int64(side) + 1) << np.uint64(8))
        | (np.uint64(np.int64(sensor) + 1) << np.uint64(24))
    )


@kernel
def to_unit(word):
    """A uniform number in the open interval (0, 1) from a 64-bit word."""
    return min((np.float64(word >> SHIFT_11) + 0.5) * TO_UNIT, BELOW_ONE)


@kernel
def uniforms(seed, replicate, stage, side, sensor, thing, tick, ordinal):
    """Four independent uniforms in (0, 1) at one address. Missing parts of an address are -1 (side, sensor) or 0."""
    a, b, c, d = philox(seed, replicate, stream_word(stage, side, sensor), thing, tick, ordinal)
    return to_unit(a), to_unit(b), to_unit(c), to_unit(d)


@kernel
def normal_pair(a, b):
    """Two independent standard normals from two uniforms in (0, 1) (Box and Muller 1958)."""
    radius, angle = math.sqrt(-2.0 * math.log(a)), 2.0 * math.pi * b
    return radius * math.cos(angle), radius * math.sin(angle)


@kernel
def normals(seed, replicate, stage, side, sensor, thing, tick, ordinal):
    """Four independent standard normals at one address."""
    a, b, c, d = uniforms(seed, replicate, stage, side, sensor, thing, tick, ordinal)
    w, x = normal_pair(a, b)
    y, z = normal_pair(c, d)
    return w, x, y, z


@kernel
def fill_uniforms(seed, replicates, stage, side, sensor, things, tick, ordinal, out):
    """out[i, j] = first uniform at the address of replicates[i] and things[j]."""
    for i in range(replicates.size):
        for j in range(things.size):
            out[i, j] = uniforms(seed, replicates[i], stage, side, sensor, things[j], tick, ordinal)[0]
