"""Which track keys an object's secret offsets: the first of its tracks, also after it was lost and numbered anew.

A new offset for each new number would let a receiver average an object's offsets away, one renumbering at a time. Two
tracks are taken to be of one object by what a flight without thrust or air keeps: its angular momentum and its energy
in the frame that does not turn. Where that errs, two objects share an offset one after the other, which tells less.
"""

import math

from detente.geodesy._kernels import ecef_to_inertial
from detente.geodesy.constants import MU_M3_S2
from detente.jit import kernel

CONFIRMED = 2
MOTIONS = 4  # angular momentum (3), m²/s, and energy, m²/s²

SAME_MOMENTUM, SAME_ENERGY = 0.05, 0.05
"""How far the momentum may differ, as a share of itself, and the energy, as a share of the potential at the Earth's
surface. Source: assumption, range 0.01–0.2: errors of 100 m/s in 5 km/s are 0.02 and 0.01."""

SURFACE_POTENTIAL_M2_S2 = 6.25e7

LOST_MAX_S = 900.0
"""How long a lost track is remembered. Source: assumption, range 300–2,400 s: longer than a gap in coverage, and about
half of a long flight."""


@kernel
def motion_of(state, time_s, motion):
    """Angular momentum and energy of an ECEF state in the inertial frame."""
    x, y, z, vx, vy, vz = ecef_to_inertial(state[0], state[1], state[2], state[3], state[4], state[5], time_s)
    motion[0], motion[1], motion[2] = y * vz - z * vy, z * vx - x * vz, x * vy - y * vx
    motion[3] = 0.5 * (vx * vx + vy * vy + vz * vz) - MU_M3_S2 / math.sqrt(x * x + y * y + z * z)


@kernel
def difference(one, other):
    """How unlike two motions are: 1 at the bound, less is alike."""
    square = own = 0.0
    for i in range(3):
        square += (one[i] - other[i]) ** 2
        own += one[i] ** 2
    momentum = math.sqrt(square / own) / SAME_MOMENTUM if own > 0.0 else math.inf
    return max(momentum, abs(one[3] - other[3]) / (SAME_ENERGY * SURFACE_POTENTIAL_M2_S2))


@kernel
def slot_of(numbers, r, number):
    """The slot that holds a track, -1 where none does."""
    for s in range(numbers.shape[1]):
        if numbers[r, s] == number:
            return s
    return -1


@kernel
def remember_lost(r, time_s, key, motion, lost_key, lost_motion, lost_s):
    """Keep a lost track's key in the place of the one lost longest ago."""
    oldest = 0
    for k in range(lost_s.shape[1]):
        if lost_s[r, k] < lost_s[r, oldest]:
            oldest = k
    lost_key[r, oldest], lost_s[r, oldest] = key, time_s
    for i in range(MOTIONS):
        lost_motion[r, oldest, i] = motion[i]


@kernel
def found_again(r, time_s, motion, lost_key, lost_motion, lost_s):
    """The key of the lost track that moved most alike, which is taken out; 0 where none did."""
    best, least = -1, 1.0
    for k in range(lost_s.shape[1]):
        if lost_key[r, k] > 0 and time_s - lost_s[r, k] <= LOST_MAX_S:
            unlike = difference(motion, lost_motion[r, k])
            if unlike < least:
                best, least = k, unlike
    if best < 0:
        return 0
    key = lost_key[r, best]
    lost_key[r, best], lost_s[r, best] = 0, -1e18
    return key


@kernel
def follow(
    time_s, status, number, mean, old_number, old_key, old_motion, key, motion, lost_key, lost_motion, lost_s
):  # fmt: skip
    """Carry keys from tick to tick: ``key`` (R, S) and ``motion`` (R, S, 4) are written, the lost are changed in place.

    A track has no key (0) before it is confirmed; then it takes that of a lost track that moved alike, or its number.
    """
    for r in range(number.shape[0]):
        for s in range(number.shape[1]):
            source = slot_of(old_number, r, number[r, s]) if number[r, s] > 0 else -1
            key[r, s] = old_key[r, source] if source >= 0 else 0
        for s in range(number.shape[1]):
            if old_key[r, s] > 0 and slot_of(number, r, old_number[r, s]) < 0:
                remember_lost(r, time_s, old_key[r, s], old_motion[r, s], lost_key, lost_motion, lost_s)
        for s in range(number.shape[1]):
            if number[r, s] > 0 and (key[r, s] > 0 or status[r, s] == CONFIRMED):
                motion_of(mean[r, s], time_s, motion[r, s])
                if key[r, s] == 0:
                    again = found_again(r, time_s, motion[r, s], lost_key, lost_motion, lost_s)
                    key[r, s] = again if again > 0 else number[r, s]
