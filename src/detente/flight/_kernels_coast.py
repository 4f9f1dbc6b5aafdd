"""Many bodies through the vacuum at once, from any state down to a height over the ellipsoid.

In the coordinates of Kustaanheimo and Stiefel, and against an angle instead of the time, a Kepler orbit is a harmonic
oscillator; that the Earth is flat at the poles adds a small and very smooth force, and since the total energy stays
what it is, so does the oscillator's frequency. So what is carried along are the oscillator's two amplitudes, which
would be constant about a round Earth: a first sum of the force along the undisturbed oscillation says how they change
on the way, a second one along the disturbed oscillation how they end. What is left out is of the third order in the
flattening, centimetres. The flight is cut into two legs at its apogee, nine forces each; the second leg's length is
set right between its two sums, and a cubic in time lands on the surface, milliseconds away.

Source: E. L. Stiefel and G. Scheifele, "Linear and Regular Celestial Mechanics", Springer 1971, sections 9 and 19.
"""

import math

import numpy as np

from detente.flight._kernels_lanes import (
    LANES,
    RELAXED,
    TINY,
    gravity,
    height_and_climb,
    rough_angle,
    sine_cosine,
)
from detente.flight._kernels_motion import BAD_INPUT, ESCAPES, NEVER_LANDS, OK, STEP_LIMIT, STRETCH, plausible
from detente.geodesy.constants import A_M, J2, MU_M3_S2
from detente.jit import kernel

# Rows of a block: where each begins.
PX, PY, PZ, VX, VY, VZ = range(0, 6 * LANES, LANES)
COSINES, SINES = 6 * LANES, 10 * LANES  # the oscillator's amplitudes, four rows each
(
    RATE,  # its angle by the regular time: 1/s times the distance
    PER,  # the inverse of that squared
    ANGLE,  # of the leg being flown; the orbit's own anomaly is twice as much
    SWEPT,  # angle of all legs so far
    WORK,  # distance times J2's potential, summed over that angle
    OUTWARD,  # distance times its rate of change, at the beginning
    TIME, APOGEE, ERROR, PERIGEE, INVERSE_AXIS,
) = range(14 * LANES, 25 * LANES, LANES)  # fmt: skip
# Sine and cosine at the leg's outer and inner nodes, and 1 in the middle, all times what a force there is worth.
OUTER_SINE, OUTER_COSINE, INNER_SINE, INNER_COSINE, WORTH = range(25 * LANES, 30 * LANES, LANES)
FIRST, SECOND, MIDDLE, FOURTH, FIFTH = range(30 * LANES, 50 * LANES, 4 * LANES)  # the forces at the nodes, four rows each
ROWS = 50

# Columns of a result.
TIME_S, AT_X, AT_Y, AT_Z, AT_U, AT_V, AT_W, TOP_M, ERROR_M, PERIGEE_M = range(10)
RESULTS = 10

FLATTENING_PULL = 0.5 * J2 * MU_M3_S2 * A_M * A_M
HOPELESS_M = 1e6
LONGEST_S = 14_400.0
LEAST_INVERSE_AXIS = 1e-9
MIDDLE_SINE2 = 0.4  # of a latitude, to begin a search with
LEAST_STEEPNESS = 0.01
MISSED = 0.01  # by trial
FLATTENING_M_S3, BEND_M_S3 = 3e-5, 5e-3  # how fast the flattening's pull, and all pull, change on a path, over six


def _gauss() -> tuple[np.ndarray, ...]:
    """Gauss's five nodes on -0.5..0.5, their weights, and the weights of what is summed up to the second and fourth."""
    nodes, weights = np.polynomial.legendre.leggauss(5)
    nodes, powers = 0.5 * nodes, np.arange(5)
    sums = (nodes[[1, 3], None] ** (powers + 1) - (-0.5) ** (powers + 1)) / (powers + 1)
    return nodes, 0.5 * weights, np.ascontiguousarray(sums @ np.linalg.inv(nodes[:, None] ** powers))


NODES, WEIGHTS, UP_TO = _gauss()
OUTER, INNER = float(NODES[4]), float(NODES[3])
OUTER_WEIGHT, INNER_WEIGHT, MIDDLE_WEIGHT = WEIGHTS[:3].tolist()
(E_1, E_2, E_3, E_4, E_5), (L_1, L_2, L_3, L_4, L_5) = UP_TO.tolist()  # up to the early inner node, and to the late


@kernel(inline=True, fastmath=RELAXED)
def small_sine_cosine(x):
    """Sine and cosine of an angle of at most 1.3 radians, to 1e-8."""
    q = x * x
    s = -1.0 / 5040.0 + q * (1.0 / 362880.0 + q * (-1.0 / 39916800.0))
    c = -1.0 / 720.0 + q * (1.0 / 40320.0 + q * (-1.0 / 3628800.0 + q * (1.0 / 479001600.0)))
    return x + x * q * (-1.0 / 6.0 + q * (1.0 / 120.0 + q * s)), 1.0 + q * (-0.5 + q * (1.0 / 24.0 + q * c))


@kernel(inline=True, fastmath=RELAXED)
def force(a, b, c, d):
    """What the flattening adds to the oscillator at a regular place, and the distance times J2's potential there.

    The force is a quarter of the second's falling gradient.
    """
    inverse_r = 1.0 / (a * a + b * b + c * c + d * d)
    sine = 2.0 * (a * c + b * d) * inverse_r
    square = FLATTENING_PULL * inverse_r * inverse_r
    cube = square * inverse_r
    sine2 = 6.0 * sine * sine
    along, across = cube * (sine2 - 1.0), -3.0 * cube * sine
    return (
        along * a + across * c, along * b + across * d, along * c + across * a, along * d + across * b,
        square * (0.5 * sine2 - 1.0),
    )  # fmt: skip


@kernel(inline=True, fastmath=RELAXED)
def surface_radius(sine2, surface_m):
    """Distance from the Earth's centre of a height over the ellipsoid, by the sine squared of geocentric latitude."""
    return A_M / math.sqrt(1.0 + (STRETCH - 1.0) * sine2) + surface_m


@kernel(fastmath=RELAXED)
def regularize(x):
    """Every lane's amplitudes at its beginning, its frequency, Kepler's perigee, and the leg up to the apogee.

    A place has a circle of regular ones; the one taken is far from the division by zero.
    """
    for lane in range(LANES):
        px, py, pz = x[PX + lane], x[PY + lane], x[PZ + lane]
        vx, vy, vz = x[VX + lane], x[VY + lane], x[VZ + lane]
        r, v2, along = math.sqrt(px * px + py * py + pz * pz), vx * vx + vy * vy + vz * vz, px * vx + py * vy + pz * vz
        inverse_r = 1.0 / r
        inverse_a = 2.0 * inverse_r - v2 / MU_M3_S2
        bound = inverse_a if inverse_a > LEAST_INVERSE_AXIS else LEAST_INVERSE_AXIS
        e_cos = 1.0 - r * bound
        eccentricity = math.sqrt(e_cos * e_cos + along * along * bound / MU_M3_S2)
        x[PERIGEE + lane], x[INVERSE_AXIS + lane] = (1.0 - eccentricity) / bound, inverse_a
        sine = pz * inverse_r
        bulge = FLATTENING_PULL * inverse_r * inverse_r * inverse_r * (3.0 * sine * sine - 1.0)
        rate2 = 0.25 * MU_M3_S2 * bound - 0.5 * bulge
        rate = math.sqrt(rate2)
        main = math.sqrt(0.5 * (r + abs(px)))
        ahead = px >= 0.0
        half_inverse = 0.5 / main
        m, n = half_inverse * py, half_inverse * pz
        a, b, c, d = main if ahead else m, m if ahead else main, n if ahead else 0.0, 0.0 if ahead else n
        per = 0.5 / rate
        e, f = per * (a * vx + b * vy + c * vz), per * (a * vy - b * vx + d * vz)
        g, h = per * (a * vz - c * vx - d * vy), per * (d * vx - c * vy + b * vz)
        half = 0.5 * (r - (e * e + f * f + g * g + h * h))
        cross = a * e + b * f + c * g + d * h
        up = 0.5 * rough_angle(abs(cross), half)
        up = up if cross > 0.0 else 0.0
        x[COSINES + lane], x[COSINES + LANES + lane] = a, b
        x[COSINES + 2 * LANES + lane], x[COSINES + 3 * LANES + lane] = c, d
        x[SINES + lane], x[SINES + LANES + lane] = e, f
        x[SINES + 2 * LANES + lane], x[SINES + 3 * LANES + lane] = g, h
        x[RATE + lane], x[ANGLE + lane] = rate, up
        x[SWEPT + lane], x[WORK + lane], x[ERROR + lane] = 0.0, 0.0, 0.0
        x[OUTWARD + lane], x[PER + lane] = along, 1.0 / rate2


@kernel(fastmath=RELAXED)
def turn(x):
    """Turns every lane's amplitudes on by half the leg, so that cosine and sine are 1 and 0 there."""
    for lane in range(LANES):
        s, c = sine_cosine(0.5 * x[ANGLE + lane])
        for k in range(lane, lane + 4 * LANES, LANES):
            a, b = x[COSINES + k], x[SINES + k]
            x[COSINES + k], x[SINES + k] = c * a + s * b, c * b - s * a


@kernel(inline=True, fastmath=RELAXED)
def push_middle(x):
    """The force at the middle of the leg, along the undisturbed oscillation."""
    for lane in range(LANES):
        angle = x[ANGLE + lane]
        x[MIDDLE + lane], x[MIDDLE + LANES + lane], x[MIDDLE + 2 * LANES + lane], x[MIDDLE + 3 * LANES + lane], work = (
            force(x[lane + COSINES], x[COSINES + LANES + lane], x[COSINES + 2 * LANES + lane], x[COSINES + 3 * LANES + lane])
        )  # fmt: skip
        x[WORTH + lane] = angle * x[PER + lane]
        x[WORK + lane] += MIDDLE_WEIGHT * angle * work


@kernel(inline=True, fastmath=RELAXED)
def push_pair(x, node, early, late, sine, weight):
    """The force at two nodes as far before the leg's middle as after it: from there the angles differ in sign only."""
    for lane in range(LANES):
        angle = x[ANGLE + lane]
        s, c = small_sine_cosine(node * angle)
        a, e = c * x[COSINES + lane], s * x[SINES + lane]
        b, f = c * x[COSINES + LANES + lane], s * x[SINES + LANES + lane]
        i, g = c * x[COSINES + 2 * LANES + lane], s * x[SINES + 2 * LANES + lane]
        d, h = c * x[COSINES + 3 * LANES + lane], s * x[SINES + 3 * LANES + lane]
        x[early + lane], x[early + LANES + lane], x[early + 2 * LANES + lane], x[early + 3 * LANES + lane], work = force(
            a - e, b - f, i - g, d - h
        )
        x[late + lane], x[late + LANES + lane], x[late + 2 * LANES + lane], x[late + 3 * LANES + lane], more = force(
            a + e, b + f, i + g, d + h
        )
        x[sine + lane], x[sine + LANES + lane] = s * angle * x[PER + lane], c * angle * x[PER + lane]
        x[WORK + lane] += weight * angle * (work + more)


@kernel(inline=True, fastmath=RELAXED)
def inner_places(x, k, s, c, outer_s, outer_c, inner_s, inner_c, worth):
    """One row of the regular places at the inner nodes, as the first sum says that they are disturbed."""
    e, f = outer_s * x[FIRST + k], outer_c * x[FIRST + k]
    g, h = inner_s * x[SECOND + k], inner_c * x[SECOND + k]
    m, n = inner_s * x[FOURTH + k], inner_c * x[FOURTH + k]
    p, q = outer_s * x[FIFTH + k], outer_c * x[FIFTH + k]
    middle = worth * x[MIDDLE + k]
    return (
        c * (x[COSINES + k] + (E_1 * e + E_2 * g - E_4 * m - E_5 * p))
        - s * (x[SINES + k] + (E_1 * f + E_2 * h + E_3 * middle + E_4 * n + E_5 * q)),
        c * (x[COSINES + k] + (L_1 * e + L_2 * g - L_4 * m - L_5 * p))
        + s * (x[SINES + k] + (L_1 * f + L_2 * h + L_3 * middle + L_4 * n + L_5 * q)),
    )


@kernel(inline=True, fastmath=RELAXED)
def add_sums(x, k, early, late, outer_s, outer_c, inner_s, inner_c, worth):
    """Adds both sums to one row of amplitudes: squares of (all change, the second sum, what two nodes miss, the row).

    ``early`` and ``late`` are the forces at the inner nodes the second time.
    """
    a, b, c, d = x[FIRST + k], x[SECOND + k], x[FOURTH + k], x[FIFTH + k]
    cosine_more, sine_more = 0.5 * inner_s * ((early - b) - (late - c)), 0.5 * inner_c * ((early - b) + (late - c))
    cosine_two, sine_two = 0.5 * inner_s * (b - c), 0.5 * inner_c * (b + c)
    cosine_missed = OUTER_WEIGHT * outer_s * (a - d) + (2.0 * INNER_WEIGHT - 1.0) * cosine_two
    sine_missed = OUTER_WEIGHT * outer_c * (a + d) + (2.0 * INNER_WEIGHT - 1.0) * sine_two
    sine_missed += MIDDLE_WEIGHT * worth * x[MIDDLE + k]
    cosine_change, sine_change = cosine_two + cosine_missed + cosine_more, sine_two + sine_missed + sine_more
    cosine, sine = x[COSINES + k] + cosine_change, x[SINES + k] + sine_change
    x[COSINES + k], x[SINES + k] = cosine, sine
    return (
        cosine_change * cosine_change + sine_change * sine_change,
        cosine_more * cosine_more + sine_more * sine_more,
        cosine_missed * cosine_missed + sine_missed * sine_missed,
        cosine * cosine + sine * sine,
    )


@kernel(fastmath=RELAXED)
def close_leg(x):
    """Forces at the inner nodes of the disturbed oscillation; both sums; and a guess at the error, kept as a square.

    Two nodes alone miss something of the first sum: as a share, that is also what they miss of the second one, and to
    the third power more than what five nodes miss of the first. The third order is to the second as that to the first.
    """
    for lane in range(LANES):
        s, c = small_sine_cosine(INNER * x[ANGLE + lane])
        m, n, p, q, w = (
            x[OUTER_SINE + lane], x[OUTER_COSINE + lane], x[INNER_SINE + lane], x[INNER_COSINE + lane], x[WORTH + lane]
        )  # fmt: skip
        ea, la = inner_places(x, lane, s, c, m, n, p, q, w)
        eb, lb = inner_places(x, LANES + lane, s, c, m, n, p, q, w)
        ec, lc = inner_places(x, 2 * LANES + lane, s, c, m, n, p, q, w)
        ed, ld = inner_places(x, 3 * LANES + lane, s, c, m, n, p, q, w)
        ea, eb, ec, ed, work = force(ea, eb, ec, ed)
        la, lb, lc, ld, more = force(la, lb, lc, ld)
        whole, second, bent, r = add_sums(x, lane, ea, la, m, n, p, q, w)
        g, h, i, j = add_sums(x, LANES + lane, eb, lb, m, n, p, q, w)
        whole, second, bent, r = whole + g, second + h, bent + i, r + j
        g, h, i, j = add_sums(x, 2 * LANES + lane, ec, lc, m, n, p, q, w)
        whole, second, bent, r = whole + g, second + h, bent + i, r + j
        g, h, i, j = add_sums(x, 3 * LANES + lane, ed, ld, m, n, p, q, w)
        whole, second, bent, r = whole + g + 1e-24, second + h, bent + i, r + j
        per = 1.0 / whole
        share = bent * per
        made = second * (second * per + share) + MISSED * whole * share * share * share
        x[ERROR + lane] += 16.0 * r * made
        x[WORK + lane] += 0.5 * x[ANGLE + lane] * (work + more)
        x[SWEPT + lane] += x[ANGLE + lane]


@kernel(fastmath=RELAXED)
def fly_leg(x):
    """Turns every lane's amplitudes on by one leg and changes them by what the flattening does on it.

    Rows are full integers here: for literals numba would compile ``push_pair`` twice.
    """
    turn(x)
    push_middle(x)
    push_pair(x, OUTER, np.int64(FIRST), np.int64(FIFTH), np.int64(OUTER_SINE), OUTER_WEIGHT)
    push_pair(x, INNER, np.int64(SECOND), np.int64(FOURTH), np.int64(INNER_SINE), INNER_WEIGHT - 0.5)
    close_leg(x)
    turn(x)


@kernel(fastmath=RELAXED)
def aim_at(x, surface_m):
    """The angle of every lane's second leg, down to a surface; the perigee is left as a height over it.

    Of an undisturbed oscillation distance and z are sinusoids of twice the angle. The second round knows the latitude
    that the first comes down at.
    """
    for lane in range(LANES):
        mean, half, cross = 0.0, 0.0, 0.0
        for k in range(lane, lane + 4 * LANES, LANES):
            a, b = x[COSINES + k], x[SINES + k]
            mean += 0.5 * (a * a + b * b)
            half += 0.5 * (a * a - b * b)
            cross += a * b
        swing = math.sqrt(half * half + cross * cross) + TINY
        apogee = rough_angle(abs(cross), half)
        apogee = apogee if cross > 0.0 else -apogee
        z_mean, z_half, z_cross = 0.0, 0.0, 0.0
        for k in range(lane, lane + 2 * LANES, LANES):
            a, b, c, d = x[COSINES + k], x[COSINES + 2 * LANES + k], x[SINES + k], x[SINES + 2 * LANES + k]
            z_mean += a * b + c * d
            z_half += a * b - c * d
            z_cross += a * d + b * c
        radius, angle = surface_radius(MIDDLE_SINE2, surface_m), 0.0
        for _ in range(2):
            low = (radius - mean) / swing
            low = low if low < 1.0 else 1.0
            low = low if low > -1.0 else -1.0
            fallen = math.sqrt(1.0 - low * low)
            angle = 0.5 * (apogee + rough_angle(fallen, low))
            z = z_mean + (z_half * (low * half - fallen * cross) + z_cross * (low * cross + fallen * half)) / swing
            s2 = z * z / (radius * radius)
            radius = surface_radius(s2 if s2 < 1.0 else 1.0, surface_m)
        x[ANGLE + lane] = angle
        x[PERIGEE + lane] -= radius


@kernel(fastmath=RELAXED)
def straighten(x):
    """Place and velocity of every lane, whose amplitudes have been turned to it."""
    for lane in range(LANES):
        a, b = x[COSINES + lane], x[COSINES + LANES + lane]
        c, d = x[COSINES + 2 * LANES + lane], x[COSINES + 3 * LANES + lane]
        per = 2.0 * x[RATE + lane] / (a * a + b * b + c * c + d * d)
        e, f = per * x[SINES + lane], per * x[SINES + LANES + lane]
        g, h = per * x[SINES + 2 * LANES + lane], per * x[SINES + 3 * LANES + lane]
        x[PX + lane] = a * a - b * b - c * c + d * d
        x[PY + lane] = 2.0 * (a * b - c * d)
        x[PZ + lane] = 2.0 * (a * c + b * d)
        x[VX + lane] = a * e - b * f - c * g + d * h
        x[VY + lane] = b * e + a * f - d * g - c * h
        x[VZ + lane] = c * e + d * f + a * g + b * h


@kernel(fastmath=RELAXED)
def note_apogee(x):
    """The greatest height of every lane: a parabola's top from the end of the first leg, seconds away at most."""
    for lane in range(LANES):
        px, py, pz = x[PX + lane], x[PY + lane], x[PZ + lane]
        vx, vy, vz = x[VX + lane], x[VY + lane], x[VZ + lane]
        height, climb = height_and_climb(px, py, pz, vx, vy, vz)
        inverse_r = 1.0 / math.sqrt(px * px + py * py + pz * pz)
        bend = (vx * vx + vy * vy + vz * vz - MU_M3_S2 * inverse_r) * inverse_r
        gained = -0.5 * climb * climb / (bend if bend < -1e-3 else -1e-3)
        x[APOGEE + lane] = height + (gained if x[ANGLE + lane] > 0.0 else 0.0)


@kernel(inline=True, fastmath=RELAXED)
def parabola(low, climb, bend):
    """Time until a height has changed by ``low``, by Halley's method: a fall grows steeper on the way."""
    falling = climb if climb < -1.0 else -1.0
    return low * falling / (falling * falling + 0.5 * bend * low)


@kernel(inline=True, fastmath=RELAXED)
def seconds_to_surface(px, py, pz, vx, vy, vz, surface_m):
    """The time to the surface of a falling state seconds before or after it, and the state there.

    Kepler's motion as a series in time to the fifth power, and J2 as what it is at the start, to where a parabola meets
    the surface; a second parabola from there. Returns the time, the second's share of it, and the state. Source: R. R.
    Bate, D. D. Mueller and J. E. White, "Fundamentals of Astrodynamics", Dover 1971, 5.4.
    """
    ax, ay, az = gravity(px, py, pz)
    r2 = px * px + py * py + pz * pz
    inverse_r2 = 1.0 / r2
    inverse_r = math.sqrt(inverse_r2)
    u = MU_M3_S2 * inverse_r2 * inverse_r
    p, q = (px * vx + py * vy + pz * vz) * inverse_r2, (vx * vx + vy * vy + vz * vz) * inverse_r2 - u
    ax, ay, az = ax + u * px, ay + u * py, az + u * pz
    f3, f4, f5 = 0.5 * u * p, u * (3.0 * q - 15.0 * p * p + u) / 24.0, u * p * (7.0 * p * p - 3.0 * q - u) / 8.0
    g5 = u * (9.0 * q - 45.0 * p * p + u) / 120.0
    bend = (q - p * p) * r2 * inverse_r
    height, climb = height_and_climb(px, py, pz, vx, vy, vz)
    d = parabola(surface_m - height, climb, bend)
    half = 0.5 * d * d
    f = 1.0 + d * d * (-0.5 * u + d * (f3 + d * (f4 + d * f5)))
    g = d + d * d * d * (-u / 6.0 + d * (0.5 * f3 + d * g5))
    f_rate = d * (-u + d * (3.0 * f3 + d * (4.0 * f4 + d * 5.0 * f5)))
    g_rate = 1.0 + d * d * (-0.5 * u + d * (2.0 * f3 + d * 5.0 * g5))
    px, vx = f * px + g * vx + half * ax, f_rate * px + g_rate * vx + d * ax
    py, vy = f * py + g * vy + half * ay, f_rate * py + g_rate * vy + d * ay
    pz, vz = f * pz + g * vz + half * az, f_rate * pz + g_rate * vz + d * az
    height, climb = height_and_climb(px, py, pz, vx, vy, vz)
    late = parabola(surface_m - height, climb, bend)
    still, pull = 1.0 - 0.5 * u * late * late, -u * late
    return (
        d + late, late, still * px + late * vx, still * py + late * vy, still * pz + late * vz,
        vx + pull * px, vy + pull * py, vz + pull * pz,
    )  # fmt: skip


@kernel(fastmath=RELAXED)
def land(x, surface_m, spin):
    """Brings every lane exactly onto the surface, from seconds before or after it, and into the Earth's frame.

    The time is that of the oscillator: by its energy, the distance is a sum of what is known at both ends and of J2's
    work. Adds to the error what the landing leaves out.
    """
    for lane in range(LANES):
        px, py, pz = x[PX + lane], x[PY + lane], x[PZ + lane]
        vx, vy, vz = x[VX + lane], x[VY + lane], x[VZ + lane]
        swept = (MU_M3_S2 * x[SWEPT + lane] + x[WORK + lane]) / x[RATE + lane]
        outward = px * vx + py * vy + pz * vz - x[OUTWARD + lane]
        d, late, px, py, pz, vx, vy, vz = seconds_to_surface(px, py, pz, vx, vy, vz, surface_m)
        time_s = 0.25 * (swept - outward) * x[PER + lane] + d
        steep = -(px * vx + py * vy + pz * vz) / math.sqrt(
            (px * px + py * py + pz * pz) * (vx * vx + vy * vy + vz * vz)
        )  # fmt: skip
        off = math.sqrt(x[ERROR + lane]) + FLATTENING_M_S3 * abs(d * d * d) + BEND_M_S3 * abs(late * late * late)
        x[ERROR + lane] = off / (steep if steep > LEAST_STEEPNESS else LEAST_STEEPNESS)
        s, c = sine_cosine(spin * time_s)
        qx, qy = c * px + s * py, c * py - s * px
        x[TIME + lane] = time_s
        x[PX + lane], x[PY + lane], x[PZ + lane] = qx, qy, pz
        x[VX + lane] = c * vx + s * vy + spin * qy
        x[VY + lane] = c * vy - s * vx - spin * qx
        x[VZ + lane] = vz


@kernel
def load(x, states, rows, spin, first):
    """Fills a block with states (ECEF; velocity relative to the Earth), the last one padding it; inertial from here."""
    for lane in range(LANES):
        n = first + lane
        i = rows[n if n < rows.size else rows.size - 1]
        px, py = states[i, 0], states[i, 1]
        x[PX + lane], x[PY + lane], x[PZ + lane] = px, py, states[i, 2]
        x[VX + lane], x[VY + lane] = states[i, 3] - spin * py, states[i, 4] + spin * px
        x[VZ + lane] = states[i, 5]


@kernel
def unload(x, states, rows, surface_m, first, results, flags):
    """Writes a block's lanes to their rows; says what is wrong with those that did not come down."""
    left = rows.size - first
    for lane in range(LANES if left > LANES else left):
        i = rows[first + lane]
        if not plausible(states[i, 0], states[i, 1], states[i, 2], states[i, 3], states[i, 4], states[i, 5]):
            flags[i] = BAD_INPUT
            continue
        results[i, PERIGEE_M] = x[PERIGEE + lane] + surface_m
        if x[INVERSE_AXIS + lane] <= LEAST_INVERSE_AXIS:
            flags[i] = ESCAPES
        elif x[PERIGEE + lane] > 0.0 or x[TIME + lane] >= LONGEST_S:
            flags[i] = NEVER_LANDS
        elif not x[ERROR + lane] < HOPELESS_M:
            flags[i] = STEP_LIMIT
        else:
            flags[i], results[i, TIME_S] = OK, x[TIME + lane]
            for c in range(6):
                results[i, AT_X + c] = x[c * LANES + lane]
            results[i, TOP_M], results[i, ERROR_M] = x[APOGEE + lane], x[ERROR + lane]


@kernel
def coast_rows(block, states, rows, surface_m, spin, results, flags):
    """Carries the ``rows`` of ``states`` (ECEF; velocity relative to the Earth) through a vacuum down to a height.

    ``spin`` is the Earth's rotation rate. ``results`` (n, RESULTS), of the same rows: time taken, state there, greatest
    height, error estimate along that height, perigee's height. Of rows whose flag is not OK only the perigee is written.
    ``block`` is room for ROWS rows of lanes.
    """
    x = block
    for first in range(0, rows.size, LANES):
        load(x, states, rows, spin, first)
        regularize(x)
        fly_leg(x)
        straighten(x)
        note_apogee(x)
        aim_at(x, surface_m)
        fly_leg(x)
        straighten(x)
        land(x, surface_m, spin)
        unload(x, states, rows, surface_m, first, results, flags)
