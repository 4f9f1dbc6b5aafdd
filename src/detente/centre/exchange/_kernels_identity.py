"""Which track keys an object's secret offsets: the first of its tracks, also after it was lost and numbered anew.

A new offset for each new number would let a receiver average an object's offsets away, one renumbering at a time. Two
tracks are taken to be of one object by what a flight without thrust or air keeps: its angular momentum and its energy
in the frame that does not turn; of several alike, the one that flies there at the same time. Where that errs, two
objects exchange their offsets, or have one after the other.
"""

import math

from detente.geodesy._kernels import ecef_to_inertial
from detente.geodesy.constants import MU_M3_S2
from detente.jit import kernel

CONFIRMED = 2
MOTIONS = 5  # angular momentum (3), m²/s, energy, m²/s², and the moment of perigee, s

SAME_MOMENTUM, SAME_ENERGY = 0.05, 0.05
"""How far the momentum may differ, as a share of itself, and the energy, as a share of the potential at the Earth's
surface. Source: assumption, range 0.01–0.2: errors of 100 m/s in 5 km/s are 0.02 and 0.01."""

SURFACE_POTENTIAL_M2_S2 = 6.25e7

CLOSE_TIME_S = 60.0
"""A difference of moments of perigee that counts as much as one at the bounds above, where several tracks are alike: a
raid flies one path at different times. Source: assumption, range 10–300 s: launches of one raid from one place."""

LOST_MAX_S = 900.0
"""How long a lost track is remembered. Source: assumption, range 300–2,400 s: longer than a gap in coverage, and about
half of a long flight."""


@kernel
def motion_of(state, time_s, motion):
    """What a free flight keeps, of an ECEF state, in the inertial frame. Without an ellipse its perigee is at 0."""
    x, y, z, vx, vy, vz = ecef_to_inertial(state[0], state[1], state[2], state[3], state[4], state[5], time_s)
    motion[0], motion[1], motion[2] = y * vz - z * vy, z * vx - x * vz, x * vy - y * vx
    radius = math.sqrt(x * x + y * y + z * z)
    motion[3] = 0.5 * (vx * vx + vy * vy + vz * vz) - MU_M3_S2 / radius
    motion[4] = 0.0
    if motion[3] < 0.0:
        axis = -0.5 * MU_M3_S2 / motion[3]
        in_time = (x * vx + y * vy + z * vz) / math.sqrt(MU_M3_S2 * axis)  # e·sin E, and e·cos E: D. A. Vallado, 2013
        motion[4] = time_s - (math.atan2(in_time, 1.0 - radius / axis) - in_time) * math.sqrt(axis**3 / MU_M3_S2)


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
    """The key of the lost track that moved most alike, which is taken out; 0 where none moved alike enough."""
    best, least = -1, math.inf
    for k in range(lost_s.shape[1]):
        if lost_key[r, k] > 0 and time_s - lost_s[r, k] <= LOST_MAX_S:
            unlike = difference(motion, lost_motion[r, k])
            apart = unlike + abs(motion[4] - lost_motion[r, k, 4]) / CLOSE_TIME_S
            if unlike < 1.0 and apart < least:
                best, least = k, apart
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
