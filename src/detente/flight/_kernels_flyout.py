"""When, and over which ground angle, a fan of interceptor launches passes each of a list of heights.

One burn of constant acceleration along a straight line, then the free motion that every coasting body here has:
`coast_step` in the flattened Earth's pull, heights over the ellipsoid. Between two states a cubic is drawn through
both and their rates; at 20 s a step it is off by millimetres.
"""

import math

import numpy as np

from detente.flight._kernels_motion import coast_step, excess, excess_rate
from detente.geodesy.constants import A_M
from detente.jit import kernel

RISING, FALLING = 0, 1
BURN_PIECES = 16
STEP_S = 20.0  # near the ground; longer with the 3/2 power of the distance, as orbits slow down
MOST_STEPS = 5_000
FAR_M = 1e9  # what gets so high is not waited for
HALVINGS = 26  # of a step: less than a microsecond
HEIGHT, RATE, ANGLE = 6, 7, 8  # of a node, after position and velocity; the angle counts on past a turn
NODE = 9


@kernel
def survey(node):
    """Fills in a node's height and its rate of change."""
    px, py, pz = node[0], node[1], node[2]
    radius = math.sqrt(px * px + py * py + pz * pz)
    outside = excess(px, py, pz)
    stretched = A_M + outside
    node[HEIGHT] = radius * outside / stretched  # `radial_height`, whose rate this is
    outward = (px * node[3] + py * node[4] + pz * node[5]) / radius
    stretching = excess_rate(px, py, pz, node[3], node[4], node[5])
    node[RATE] = outward * outside / stretched + radius * A_M * stretching / (stretched * stretched)


@kernel
def cubic(at_a, rate_a, at_b, rate_b, h, s):
    """The cubic through two values and their rates, at a share ``s`` of the way from one to the other."""
    left, right = h * rate_a, h * rate_b
    rise = at_b - at_a
    return at_a + s * (left + s * (3.0 * rise - 2.0 * left - right + s * (left + right - 2.0 * rise)))


@kernel
def ground_angle(px, py, pz, up, ahead, near):
    """The Earth's central angle flown over, in the plane of launch: the one within half a turn of ``near``."""
    along = px * up[0] + py * up[1] + pz * up[2]
    across = px * ahead[0] + py * ahead[1] + pz * ahead[2]
    angle = math.atan2(across, along)
    return angle + 2.0 * math.pi * round((near - angle) / (2.0 * math.pi))


@kernel
def turning_share(a, b, h):
    """Where between two nodes, the first rising and the second not, the height is greatest."""
    low, high = 0.0, 1.0
    left, right, rise = h * a[RATE], h * b[RATE], b[HEIGHT] - a[HEIGHT]
    square, cube = 3.0 * rise - 2.0 * left - right, left + right - 2.0 * rise
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if left + middle * (2.0 * square + 3.0 * middle * cube) > 0.0:
            low = middle
        else:
            high = middle
    return low


@kernel
def mark(a, b, t, h, first, last, way, up, ahead, altitudes, times, angles):
    """Notes the passages of each height within a stretch ``first`` to ``last`` (shares) on which height is monotone."""
    from_m = cubic(a[HEIGHT], a[RATE], b[HEIGHT], b[RATE], h, first)
    to_m = cubic(a[HEIGHT], a[RATE], b[HEIGHT], b[RATE], h, last)
    for j in range(len(altitudes)):
        above = altitudes[j]
        if not min(from_m, to_m) <= above < max(from_m, to_m):
            continue
        low, high = first, last
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            if (cubic(a[HEIGHT], a[RATE], b[HEIGHT], b[RATE], h, middle) > above) == (way == RISING):
                high = middle
            else:
                low = middle
        px = cubic(a[0], a[3], b[0], b[3], h, low)
        py = cubic(a[1], a[4], b[1], b[4], h, low)
        pz = cubic(a[2], a[5], b[2], b[5], h, low)
        times[way, j] = t + low * h
        angles[way, j] = ground_angle(px, py, pz, up, ahead, a[ANGLE])


@kernel
def burn(site, direction, speed, burn_s, t, node):
    """The node at time ``t`` of a burn from rest."""
    push = speed / burn_s
    for i in range(3):
        node[i] = site[i] + 0.5 * push * t * t * direction[i]
        node[3 + i] = push * t * direction[i]
    survey(node)


@kernel
def coast(a, h, spin, b):
    """The node ``b`` a time ``h`` after the node ``a``."""
    b[0], b[1], b[2], b[3], b[4], b[5] = coast_step(a[0], a[1], a[2], a[3], a[4], a[5], h, spin)
    survey(b)


@kernel
def fly(site, up, ahead, direction, speed, burn_s, spin, altitudes, a, b, times, angles):
    """One launch up to its first fall below the lowest height, or once round where it does not fall so low."""
    burn(site, direction, speed, burn_s, 0.0, a)
    a[HEIGHT], a[ANGLE] = 0.0, 0.0
    t = 0.0
    for step in range(MOST_STEPS):
        if step < BURN_PIECES:
            h = burn_s / BURN_PIECES
            burn(site, direction, speed, burn_s, h * (step + 1), b)
        else:
            h = STEP_S * ((a[0] * a[0] + a[1] * a[1] + a[2] * a[2]) / (A_M * A_M)) ** 0.75
            coast(a, h, spin, b)
        # A step is one climb, one fall, or a climb and then a fall.
        rises, falls = a[RATE] > 0.0 or step == 0, b[RATE] <= 0.0
        if not (rises or falls):
            break
        top = 1.0 if rises else 0.0
        if rises and falls:
            top = turning_share(a, b, h)
        for way in range(2):
            first, last = (0.0, top) if way == RISING else (top, 1.0)
            if first < last:
                mark(a, b, t, h, first, last, way, up, ahead, altitudes, times, angles)
        if (falls and b[HEIGHT] < altitudes[0]) or not b[HEIGHT] < FAR_M:
            break
        t += h
        b[ANGLE] = ground_angle(b[0], b[1], b[2], up, ahead, a[ANGLE])
        a[:] = b


@kernel
def passages(site, up, ahead, elevation, speed, burn_s, spin, altitudes, times, angles):
    """Flies every launch ``elevation`` (n,) above the horizon at ``site``, towards ``ahead``.

    ``site`` ECEF, ``up`` and ``ahead`` unit vectors, ``altitudes`` (m,) ascending; writes ``times`` and ``angles``
    (n, 2, m), seconds since launch and radians of the Earth's centre in the plane of launch, going up and coming down;
    NaN where a height is not passed.
    """
    times[:], angles[:] = np.nan, np.nan
    direction, a, b = np.zeros(3), np.zeros(NODE), np.zeros(NODE)
    for i in range(len(elevation)):
        for j in range(3):
            direction[j] = math.sin(elevation[i]) * up[j] + math.cos(elevation[i]) * ahead[j]
        fly(site, up, ahead, direction, speed, burn_s, spin, altitudes, a, b, times[i], angles[i])
