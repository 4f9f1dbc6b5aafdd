"""Many bodies through the vacuum at once, from any state down to a height over the ellipsoid.

In the coordinates of Kustaanheimo and Stiefel, and against an angle instead of the time, a Kepler orbit is a harmonic
oscillator; that the Earth is flat at the poles adds a small and very smooth force, and since the total energy stays
what it is, so does the oscillator's frequency. So what is carried along are the oscillator's two amplitudes, which
would be constant about a round Earth: a first sum of the force, over five nodes of the undisturbed oscillation, says
how they change on the way, a second one, over two nodes of the disturbed one, how they end. What is left out is of the
third order in the flattening, centimetres. The flight is cut into two legs at its apogee; the second ends where the
undisturbed oscillation meets the surface, and from there, seconds before or after, a series in time lands.

Source: E. L. Stiefel and G. Scheifele, "Linear and Regular Celestial Mechanics", Springer 1971, sections 9 and 19.
"""

import math

import numpy as np

from detente.flight._kernels_lanes import (
    LANES,
    RELAXED,
    TINY,
    height_and_climb,
    rough_angle,
    sine_cosine,
)
from detente.flight._kernels_motion import (
    BAD_INPUT,
    ESCAPES,
    J2_PULL,
    NEVER_LANDS,
    OK,
    STEP_LIMIT,
    STRETCH,
    plausible,
)
from detente.geodesy.constants import A_M, J2, MU_M3_S2
from detente.jit import kernel

# Rows of a block: where each begins.
PX, PY, PZ, VX, VY, VZ = range(0, 6 * LANES, LANES)
COSINE_A, COSINE_B, COSINE_C, COSINE_D = range(6 * LANES, 10 * LANES, LANES)  # the oscillator's amplitudes
SINE_A, SINE_B, SINE_C, SINE_D = range(10 * LANES, 14 * LANES, LANES)
(
    RATE,  # its angle by the regular time: 1/s times the distance
    PER,  # the inverse of that squared
    ANGLE,  # of the leg being flown; the orbit's own anomaly is twice as much
    SWEPT,  # angle of all legs so far
    WORK,  # distance times J2's potential, summed over that angle
    OUTWARD,  # distance times its rate of change, at the beginning
    TIME, APOGEE, ERROR, PERIGEE, INVERSE_AXIS,
) = range(14 * LANES, 25 * LANES, LANES)  # fmt: skip
ROWS = 25

# Columns of a result.
TIME_S, AT_X, AT_Y, AT_Z, AT_U, AT_V, AT_W, TOP_M, ERROR_M, PERIGEE_M = range(10)
RESULTS = 10

FLATTENING_PULL = 0.5 * J2 * MU_M3_S2 * A_M * A_M
HOPELESS_M = 1e6
LONGEST_S = 14_400.0
LEAST_INVERSE_AXIS = 1e-9
MIDDLE_SINE2 = 0.4  # of a latitude, to begin a search with
LEAST_STEEPNESS = 0.01
MISSED = 0.01  # of the third power of a share, by trial
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
    """Sine and cosine of an angle of at most 0.75 radians, to 1e-9: no leg is longer than a quarter of a turn."""
    q = x * x
    s = 1.0 / 120.0 + q * (-1.0 / 5040.0 + q * (1.0 / 362880.0))
    c = 1.0 / 24.0 + q * (-1.0 / 720.0 + q * (1.0 / 40320.0 + q * (-1.0 / 3628800.0)))
    return x + x * q * (-1.0 / 6.0 + q * s), 1.0 + q * (-0.5 + q * c)


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
def turned(cosine, sine, s, c):
    """One of the four of each amplitude as it is from another angle on, by that angle's sine and cosine."""
    return c * cosine + s * sine, c * sine - s * cosine


@kernel(inline=True, fastmath=RELAXED)
def surface_radius(sine2, surface_m):
    """Distance from the Earth's centre of a height over the ellipsoid, by the sine squared of geocentric latitude."""
    return A_M / math.sqrt(1.0 + (STRETCH - 1.0) * sine2) + surface_m


@kernel(inner=True, fastmath=RELAXED)
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
        x[COSINE_A + lane], x[COSINE_B + lane], x[COSINE_C + lane], x[COSINE_D + lane] = a, b, c, d
        x[SINE_A + lane], x[SINE_B + lane], x[SINE_C + lane], x[SINE_D + lane] = e, f, g, h
        x[RATE + lane], x[ANGLE + lane] = rate, up
        x[SWEPT + lane], x[WORK + lane], x[ERROR + lane] = 0.0, 0.0, 0.0
        x[OUTWARD + lane], x[PER + lane] = along, 1.0 / rate2


@kernel(inline=True, fastmath=RELAXED)
def inner_places(cosine, sine, s, c, f_1, f_2, f_3, f_4, f_5, outer_s, outer_c, inner_s, inner_c):
    """One of the four of the regular places at the inner nodes, as the first sum says that they are disturbed.

    By that one of the amplitudes, of sine and cosine at the late node, of the forces at the five nodes, and of the
    force's sines and cosines at the outer and inner ones. Returns (early, late).
    """
    e, f, g, h = outer_s * f_1, outer_c * f_1, inner_s * f_2, inner_c * f_2
    m, n, p, q = inner_s * f_4, inner_c * f_4, outer_s * f_5, outer_c * f_5
    early = sine + (E_1 * f + E_2 * h + E_3 * f_3 + E_4 * n + E_5 * q)
    late = sine + (L_1 * f + L_2 * h + L_3 * f_3 + L_4 * n + L_5 * q)
    return (
        c * (cosine + (E_1 * e + E_2 * g - E_4 * m - E_5 * p)) - s * early,
        c * (cosine + (L_1 * e + L_2 * g - L_4 * m - L_5 * p)) + s * late,
    )


@kernel(inline=True, fastmath=RELAXED)
def add_sums(cosine, sine, f_1, f_2, f_3, f_4, f_5, early, late, outer_s, outer_c, inner_s, inner_c):
    """One of the four of each amplitude with both sums added, the forces at the inner nodes found anew.

    Returns (cosine's, sine's, and squares of: all change, the second sum, what two nodes miss of the first).
    """
    cosine_two, sine_two = 0.5 * inner_s * (f_2 - f_4), 0.5 * inner_c * (f_2 + f_4)
    cosine_more, sine_more = 0.5 * inner_s * (early - late) - cosine_two, 0.5 * inner_c * (early + late) - sine_two
    cosine_missed = OUTER_WEIGHT * outer_s * (f_1 - f_5) + (2.0 * INNER_WEIGHT - 1.0) * cosine_two
    sine_missed = OUTER_WEIGHT * outer_c * (f_1 + f_5) + (2.0 * INNER_WEIGHT - 1.0) * sine_two + MIDDLE_WEIGHT * f_3
    u, v = cosine_two + cosine_missed + cosine_more, sine_two + sine_missed + sine_more
    return (
        cosine + u, sine + v, u * u + v * v, cosine_more * cosine_more + sine_more * sine_more,
        cosine_missed * cosine_missed + sine_missed * sine_missed,
    )  # fmt: skip


@kernel(inner=True, fastmath=RELAXED)
def fly_leg(x):
    """Turns every lane's amplitudes on by one leg and changes them by what the flattening does on it.

    From the middle of the leg, angles to the early and the late nodes differ in sign only. As to the error, kept as a
    square: two nodes alone miss something of the first sum; as a share, that is also what they miss of the second one,
    and to the third power more than what five nodes miss of the first. The third order is to the second as that to the
    first.
    """
    for lane in range(LANES):
        angle = x[ANGLE + lane]
        s, c = sine_cosine(0.5 * angle)
        ca, sa = turned(x[COSINE_A + lane], x[SINE_A + lane], s, c)
        cb, sb = turned(x[COSINE_B + lane], x[SINE_B + lane], s, c)
        cc, sc = turned(x[COSINE_C + lane], x[SINE_C + lane], s, c)
        cd, sd = turned(x[COSINE_D + lane], x[SINE_D + lane], s, c)
        m, n = small_sine_cosine(OUTER * angle)
        p, q = small_sine_cosine(INNER * angle)
        a_1, b_1, c_1, d_1, w_1 = force(n * ca - m * sa, n * cb - m * sb, n * cc - m * sc, n * cd - m * sd)
        a_2, b_2, c_2, d_2, w_2 = force(q * ca - p * sa, q * cb - p * sb, q * cc - p * sc, q * cd - p * sd)
        a_3, b_3, c_3, d_3, w_3 = force(ca, cb, cc, cd)
        a_4, b_4, c_4, d_4, w_4 = force(q * ca + p * sa, q * cb + p * sb, q * cc + p * sc, q * cd + p * sd)
        a_5, b_5, c_5, d_5, w_5 = force(n * ca + m * sa, n * cb + m * sb, n * cc + m * sc, n * cd + m * sd)
        worth = angle * x[PER + lane]
        m, n, k, r = worth * m, worth * n, worth * p, worth * q
        a_3, b_3, c_3, d_3 = worth * a_3, worth * b_3, worth * c_3, worth * d_3
        ea, la = inner_places(ca, sa, p, q, a_1, a_2, a_3, a_4, a_5, m, n, k, r)
        eb, lb = inner_places(cb, sb, p, q, b_1, b_2, b_3, b_4, b_5, m, n, k, r)
        ec, lc = inner_places(cc, sc, p, q, c_1, c_2, c_3, c_4, c_5, m, n, k, r)
        ed, ld = inner_places(cd, sd, p, q, d_1, d_2, d_3, d_4, d_5, m, n, k, r)
        ea, eb, ec, ed, early = force(ea, eb, ec, ed)
        la, lb, lc, ld, late = force(la, lb, lc, ld)
        ca, sa, ta, oa, ua = add_sums(ca, sa, a_1, a_2, a_3, a_4, a_5, ea, la, m, n, k, r)
        cb, sb, tb, ob, ub = add_sums(cb, sb, b_1, b_2, b_3, b_4, b_5, eb, lb, m, n, k, r)
        cc, sc, tc, oc, uc = add_sums(cc, sc, c_1, c_2, c_3, c_4, c_5, ec, lc, m, n, k, r)
        cd, sd, td, od, ud = add_sums(cd, sd, d_1, d_2, d_3, d_4, d_5, ed, ld, m, n, k, r)
        whole, second = ta + tb + tc + td + 1e-24, oa + ob + oc + od
        per = 1.0 / whole
        share = (ua + ub + uc + ud) * per
        made = second * (second * per + share) + MISSED * whole * share * share * share
        x[COSINE_A + lane], x[SINE_A + lane] = turned(ca, sa, s, c)
        x[COSINE_B + lane], x[SINE_B + lane] = turned(cb, sb, s, c)
        x[COSINE_C + lane], x[SINE_C + lane] = turned(cc, sc, s, c)
        x[COSINE_D + lane], x[SINE_D + lane] = turned(cd, sd, s, c)
        size = ca * ca + cb * cb + cc * cc + cd * cd + sa * sa + sb * sb + sc * sc + sd * sd
        x[ERROR + lane] += 16.0 * size * made
        work = OUTER_WEIGHT * (w_1 + w_5) + (INNER_WEIGHT - 0.5) * (w_2 + w_4) + MIDDLE_WEIGHT * w_3
        x[WORK + lane] += angle * (work + 0.5 * (early + late))
        x[SWEPT + lane] += angle


@kernel(inline=True, fastmath=RELAXED)
def straightened(x, lane):
    """Place and velocity of a lane whose amplitudes have been turned to it."""
    a, b, c, d = x[COSINE_A + lane], x[COSINE_B + lane], x[COSINE_C + lane], x[COSINE_D + lane]
    per = 2.0 * x[RATE + lane] / (a * a + b * b + c * c + d * d)
    e, f, g, h = per * x[SINE_A + lane], per * x[SINE_B + lane], per * x[SINE_C + lane], per * x[SINE_D + lane]
    return (
        a * a - b * b - c * c + d * d, 2.0 * (a * b - c * d), 2.0 * (a * c + b * d),
        a * e - b * f - c * g + d * h, b * e + a * f - d * g - c * h, c * e + d * f + a * g + b * h,
    )  # fmt: skip


@kernel(inner=True, fastmath=RELAXED)
def note_apogee(x):
    """The greatest height of every lane: a parabola's top from the end of the first leg, seconds away at most."""
    for lane in range(LANES):
        px, py, pz, vx, vy, vz = straightened(x, lane)
        height, climb = height_and_climb(px, py, pz, vx, vy, vz)
        inverse_r = 1.0 / math.sqrt(px * px + py * py + pz * pz)
        bend = (vx * vx + vy * vy + vz * vz - MU_M3_S2 * inverse_r) * inverse_r
        gained = -0.5 * climb * climb / (bend if bend < -1e-3 else -1e-3)
        x[APOGEE + lane] = height + (gained if x[ANGLE + lane] > 0.0 else 0.0)


@kernel(inner=True, fastmath=RELAXED)
def aim_at(x, surface_m):
    """The angle of every lane's second leg, down to a surface; the perigee is left as a height over it.

    Of an undisturbed oscillation distance and z are sinusoids of twice the angle. The second round knows the latitude
    that the first comes down at.
    """
    for lane in range(LANES):
        a, b, c, d = x[COSINE_A + lane], x[COSINE_B + lane], x[COSINE_C + lane], x[COSINE_D + lane]
        e, f, g, h = x[SINE_A + lane], x[SINE_B + lane], x[SINE_C + lane], x[SINE_D + lane]
        cosines, sines = a * a + b * b + c * c + d * d, e * e + f * f + g * g + h * h
        mean, half, cross = 0.5 * (cosines + sines), 0.5 * (cosines - sines), a * e + b * f + c * g + d * h
        per = 1.0 / (math.sqrt(half * half + cross * cross) + TINY)
        apogee = rough_angle(abs(cross), half)
        apogee = apogee if cross > 0.0 else -apogee
        half, cross = half * per, cross * per
        z_cosines, z_sines, z_cross = a * c + b * d, e * g + f * h, a * g + c * e + b * h + d * f
        z_mean, z_half = z_cosines + z_sines, z_cosines - z_sines
        radius, angle = surface_radius(MIDDLE_SINE2, surface_m), 0.0
        for _ in range(2):
            low = (radius - mean) * per
            low = low if low < 1.0 else 1.0
            low = low if low > -1.0 else -1.0
            fallen = math.sqrt(1.0 - low * low)
            angle = 0.5 * (apogee + rough_angle(fallen, low))
            z = z_mean + z_half * (low * half - fallen * cross) + z_cross * (low * cross + fallen * half)
            s2 = z * z / (radius * radius)
            radius = surface_radius(s2 if s2 < 1.0 else 1.0, surface_m)
        x[ANGLE + lane] = angle
        x[PERIGEE + lane] -= radius


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
    r2 = px * px + py * py + pz * pz
    inverse_r2 = 1.0 / r2
    inverse_r = math.sqrt(inverse_r2)
    u = MU_M3_S2 * inverse_r2 * inverse_r
    p, q = (px * vx + py * vy + pz * vz) * inverse_r2, (vx * vx + vy * vy + vz * vz) * inverse_r2 - u
    bulge, sine2 = J2_PULL * inverse_r2 * inverse_r2 * inverse_r, 5.0 * pz * pz * inverse_r2
    ax, ay, az = bulge * (sine2 - 1.0) * px, bulge * (sine2 - 1.0) * py, bulge * (sine2 - 3.0) * pz
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


@kernel(inner=True, fastmath=RELAXED)
def land(x, surface_m, spin):
    """Brings every lane exactly onto the surface, from seconds before or after it, and into the Earth's frame.

    The time is that of the oscillator: by its energy, the distance is a sum of what is known at both ends and of J2's
    work. Adds to the error what the landing leaves out.
    """
    for lane in range(LANES):
        px, py, pz, vx, vy, vz = straightened(x, lane)
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


@kernel(inline=True)
def state_in(table, i, at):
    """Position and velocity in row ``i`` of a table, from column ``at`` on."""
    return table[i, at], table[i, at + 1], table[i, at + 2], table[i, at + 3], table[i, at + 4], table[i, at + 5]


@kernel(inner=True)
def load(x, states, rows, spin, first):
    """Fills a block with states (ECEF; velocity relative to the Earth), the last one padding it; inertial from here."""
    for lane in range(LANES):
        n = first + lane
        i = rows[n if n < rows.size else rows.size - 1]
        px, py, pz, vx, vy, vz = state_in(states, i, 0)
        x[PX + lane], x[PY + lane], x[PZ + lane] = px, py, pz
        x[VX + lane], x[VY + lane], x[VZ + lane] = vx - spin * py, vy + spin * px, vz


@kernel(inner=True)
def unload(x, states, rows, surface_m, first, results, flags):
    """Writes a block's lanes to their rows; says what is wrong with those that did not come down."""
    left = rows.size - first
    for lane in range(LANES if left > LANES else left):
        i = rows[first + lane]
        px, py, pz, vx, vy, vz = state_in(states, i, 0)
        if not plausible(px, py, pz, vx, vy, vz):
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
    height, error estimate along that height, perigee's height. Of rows whose flag is not OK no more than the perigee is
    written. ``block`` is room for ROWS rows of lanes.
    """
    x = block
    for first in range(0, rows.size, LANES):
        load(x, states, rows, spin, first)
        regularize(x)
        fly_leg(x)
        note_apogee(x)
        aim_at(x, surface_m)
        fly_leg(x)
        land(x, surface_m, spin)
        unload(x, states, rows, surface_m, first, results, flags)
