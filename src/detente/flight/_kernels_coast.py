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

# Rows of a block.
PX, PY, PZ, VX, VY, VZ = range(6)
SWING = 6  # the oscillator's amplitudes, of the cosine and of the sine, four rows each
RATE = 14  # its angle by the regular time: 1/s times the distance
ANGLE = 15  # of the leg being flown; the orbit's own anomaly is twice as much
SWEPT = 16  # angle of all legs so far
WORK = 17  # distance times J2's potential, summed over that angle
OUTWARD = 18  # distance times its rate of change, at the beginning
TIME, APOGEE, ERROR, PERIGEE, INVERSE_AXIS = 19, 20, 21, 22, 23
PER = 24  # inverse square of the rate
AT = 25  # two regular places, four rows each
MIDDLE = 33  # the amplitudes' change by the force at the leg's middle, all of the leg through: none of the cosines'
PUSH = 41  # the amplitudes' change by the force at the other nodes, eight rows each
ROWS = PUSH + 32

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
UP_TO_EARLY, UP_TO_LATE = np.delete(UP_TO, 2, axis=1)
EARLY_MIDDLE, LATE_MIDDLE = float(UP_TO[0, 2]), float(UP_TO[1, 2])
MIDDLE_WEIGHT, OUTER_WEIGHT, INNER_WEIGHT = float(WEIGHTS[2]), float(WEIGHTS[0]), float(WEIGHTS[1])


@kernel(inline=True, fastmath=RELAXED)
def small_sine_cosine(x):
    """Sine and cosine of an angle of at most 1.3 radians, to 1e-8."""
    q = x * x
    s = -1.0 / 5040.0 + q * (1.0 / 362880.0 + q * (-1.0 / 39916800.0))
    c = -1.0 / 720.0 + q * (1.0 / 40320.0 + q * (-1.0 / 3628800.0 + q * (1.0 / 479001600.0)))
    return x + x * q * (-1.0 / 6.0 + q * (1.0 / 120.0 + q * s)), 1.0 + q * (-0.5 + q * (1.0 / 24.0 + q * c))


@kernel(inline=True, fastmath=RELAXED)
def regular_force(a, b, c, d):
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


@kernel(inline=True, fastmath=RELAXED)
def to_surface(a, b, c, d, e, f, g, h, surface_m):
    """How far an undisturbed oscillation falls to a surface: (angle, distance there), from amplitudes (a..d), (e..h).

    Distance and z are sinusoids of twice the angle. The second round knows the latitude that the first comes down at.
    """
    cosines, sines = a * a + b * b + c * c + d * d, e * e + f * f + g * g + h * h
    mean, half, cross = 0.5 * (cosines + sines), 0.5 * (cosines - sines), a * e + b * f + c * g + d * h
    swing = math.sqrt(half * half + cross * cross) + TINY
    apogee = rough_angle(abs(cross), half)
    apogee = apogee if cross > 0.0 else -apogee
    z_cosines, z_sines = a * c + b * d, e * g + f * h
    z_mean, z_half, z_cross = z_cosines + z_sines, z_cosines - z_sines, a * g + c * e + b * h + d * f
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
    return angle, radius


@kernel(fastmath=RELAXED)
def regularize(x):
    """Every lane's amplitudes at its beginning, its frequency, Kepler's perigee, and the leg up to the apogee.

    A place has a circle of regular ones; the one taken is far from the division by zero.
    """
    for lane in range(LANES):
        px, py, pz = x[PX * LANES + lane], x[PY * LANES + lane], x[PZ * LANES + lane]
        vx, vy, vz = x[VX * LANES + lane], x[VY * LANES + lane], x[VZ * LANES + lane]
        r, v2, along = math.sqrt(px * px + py * py + pz * pz), vx * vx + vy * vy + vz * vz, px * vx + py * vy + pz * vz
        inverse_r = 1.0 / r
        inverse_a = 2.0 * inverse_r - v2 / MU_M3_S2
        bound = inverse_a if inverse_a > LEAST_INVERSE_AXIS else LEAST_INVERSE_AXIS
        e_cos = 1.0 - r * bound
        eccentricity = math.sqrt(e_cos * e_cos + along * along * bound / MU_M3_S2)
        x[PERIGEE * LANES + lane], x[INVERSE_AXIS * LANES + lane] = (1.0 - eccentricity) / bound, inverse_a
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
        x[SWING * LANES + lane], x[(SWING + 1) * LANES + lane] = a, b
        x[(SWING + 2) * LANES + lane], x[(SWING + 3) * LANES + lane] = c, d
        x[(SWING + 4) * LANES + lane], x[(SWING + 5) * LANES + lane] = e, f
        x[(SWING + 6) * LANES + lane], x[(SWING + 7) * LANES + lane] = g, h
        x[RATE * LANES + lane], x[ANGLE * LANES + lane] = rate, up
        x[SWEPT * LANES + lane], x[WORK * LANES + lane], x[ERROR * LANES + lane] = 0.0, 0.0, 0.0
        x[OUTWARD * LANES + lane], x[PER * LANES + lane] = along, 1.0 / rate2


@kernel(fastmath=RELAXED)
def turn(x):
    """Turns every lane's amplitudes on by half the leg, so that cosine and sine are 1 and 0 there."""
    for lane in range(LANES):
        s, c = sine_cosine(0.5 * x[ANGLE * LANES + lane])
        for k in range(4):
            a, b = x[(SWING + k) * LANES + lane], x[(SWING + 4 + k) * LANES + lane]
            x[(SWING + k) * LANES + lane], x[(SWING + 4 + k) * LANES + lane] = c * a + s * b, c * b - s * a


@kernel(inline=True, fastmath=RELAXED)
def push_pair(x, lane, node, early, late, weight):
    """The force at two nodes as far before the leg's middle as after it: from there the angles differ in sign only."""
    angle = x[ANGLE * LANES + lane]
    s, c = small_sine_cosine(node * angle)
    a, e = c * x[SWING * LANES + lane], s * x[(SWING + 4) * LANES + lane]
    b, f = c * x[(SWING + 1) * LANES + lane], s * x[(SWING + 5) * LANES + lane]
    g, i = c * x[(SWING + 2) * LANES + lane], s * x[(SWING + 6) * LANES + lane]
    d, h = c * x[(SWING + 3) * LANES + lane], s * x[(SWING + 7) * LANES + lane]
    per = angle * x[PER * LANES + lane]
    s, c = per * s, per * c
    fa, fb, fc, fd, work = regular_force(a - e, b - f, g - i, d - h)
    x[early + lane], x[early + 4 * LANES + lane] = s * fa, c * fa
    x[early + LANES + lane], x[early + 5 * LANES + lane] = s * fb, c * fb
    x[early + 2 * LANES + lane], x[early + 6 * LANES + lane] = s * fc, c * fc
    x[early + 3 * LANES + lane], x[early + 7 * LANES + lane] = s * fd, c * fd
    fa, fb, fc, fd, more = regular_force(a + e, b + f, g + i, d + h)
    x[late + lane], x[late + 4 * LANES + lane] = -s * fa, c * fa
    x[late + LANES + lane], x[late + 5 * LANES + lane] = -s * fb, c * fb
    x[late + 2 * LANES + lane], x[late + 6 * LANES + lane] = -s * fc, c * fc
    x[late + 3 * LANES + lane], x[late + 7 * LANES + lane] = -s * fd, c * fd
    x[WORK * LANES + lane] += weight * angle * (work + more)


@kernel(fastmath=RELAXED)
def push(x):
    """The force along the undisturbed oscillation, at five nodes of the leg."""
    for lane in range(LANES):
        angle = x[ANGLE * LANES + lane]
        fa, fb, fc, fd, work = regular_force(
            x[SWING * LANES + lane], x[(SWING + 1) * LANES + lane],
            x[(SWING + 2) * LANES + lane], x[(SWING + 3) * LANES + lane],
        )  # fmt: skip
        per = angle * x[PER * LANES + lane]
        x[MIDDLE * LANES + lane], x[(MIDDLE + 1) * LANES + lane] = 0.0, 0.0
        x[(MIDDLE + 2) * LANES + lane], x[(MIDDLE + 3) * LANES + lane] = 0.0, 0.0
        x[(MIDDLE + 4) * LANES + lane], x[(MIDDLE + 5) * LANES + lane] = per * fa, per * fb
        x[(MIDDLE + 6) * LANES + lane], x[(MIDDLE + 7) * LANES + lane] = per * fc, per * fd
        x[WORK * LANES + lane] += MIDDLE_WEIGHT * angle * work
    for lane in range(LANES):
        push_pair(x, lane, OUTER, PUSH * LANES, (PUSH + 24) * LANES, OUTER_WEIGHT)
    for lane in range(LANES):
        push_pair(x, lane, INNER, (PUSH + 8) * LANES, (PUSH + 16) * LANES, INNER_WEIGHT - 0.5)


@kernel(fastmath=RELAXED)
def push_again(x):
    """Every lane's amplitudes at the end of its leg, by the force at two nodes of the disturbed oscillation."""
    for lane in range(LANES):
        angle = x[ANGLE * LANES + lane]
        s, c = small_sine_cosine(INNER * angle)
        for k in range(4):
            early_a, late_a = x[(SWING + k) * LANES + lane], x[(SWING + k) * LANES + lane]
            middle = x[(MIDDLE + 4 + k) * LANES + lane]
            early_b = x[(SWING + 4 + k) * LANES + lane] + EARLY_MIDDLE * middle
            late_b = x[(SWING + 4 + k) * LANES + lane] + LATE_MIDDLE * middle
            for n in range(4):
                a, b = x[(PUSH + 8 * n + k) * LANES + lane], x[(PUSH + 8 * n + 4 + k) * LANES + lane]
                early_a += UP_TO_EARLY[n] * a
                early_b += UP_TO_EARLY[n] * b
                late_a += UP_TO_LATE[n] * a
                late_b += UP_TO_LATE[n] * b
            x[(AT + k) * LANES + lane] = c * early_a - s * early_b
            x[(AT + 4 + k) * LANES + lane] = c * late_a + s * late_b
        ea, eb, ec, ed, work = regular_force(
            x[AT * LANES + lane], x[(AT + 1) * LANES + lane], x[(AT + 2) * LANES + lane], x[(AT + 3) * LANES + lane]
        )  # fmt: skip
        la, lb, lc, ld, more = regular_force(
            x[(AT + 4) * LANES + lane], x[(AT + 5) * LANES + lane], x[(AT + 6) * LANES + lane],
            x[(AT + 7) * LANES + lane],
        )  # fmt: skip
        x[WORK * LANES + lane] += 0.5 * angle * (work + more)
        x[SWEPT * LANES + lane] += angle
        per = 0.5 * angle * x[PER * LANES + lane]
        s, c = per * s, per * c
        x[AT * LANES + lane], x[(AT + 4) * LANES + lane] = s * (ea - la), c * (ea + la)
        x[(AT + 1) * LANES + lane], x[(AT + 5) * LANES + lane] = s * (eb - lb), c * (eb + lb)
        x[(AT + 2) * LANES + lane], x[(AT + 6) * LANES + lane] = s * (ec - lc), c * (ec + lc)
        x[(AT + 3) * LANES + lane], x[(AT + 7) * LANES + lane] = s * (ed - ld), c * (ed + ld)


@kernel(fastmath=RELAXED)
def close_leg(x):
    """Adds both sums to every lane's amplitudes, and guesses the error, whose square is kept.

    Two nodes alone miss ``bent`` of the first sum: as a share, that is also what they miss of the second one, and to
    the third power more than what five nodes miss of the first. The third order is to the second as that to the first.
    """
    for lane in range(LANES):
        whole, second, bent, r = 1e-24, 0.0, 0.0, 0.0
        for k in range(8):
            e, f = x[(PUSH + 8 + k) * LANES + lane], x[(PUSH + 16 + k) * LANES + lane]
            missed = OUTER_WEIGHT * (x[(PUSH + k) * LANES + lane] + x[(PUSH + 24 + k) * LANES + lane])
            missed += (INNER_WEIGHT - 0.5) * (e + f) + MIDDLE_WEIGHT * x[(MIDDLE + k) * LANES + lane]
            change = x[(AT + k) * LANES + lane]
            again = change - 0.5 * (e + f)
            change += missed
            swing = x[(SWING + k) * LANES + lane] + change
            x[(SWING + k) * LANES + lane] = swing
            whole += change * change
            second += again * again
            bent += missed * missed
            r += swing * swing
        per = 1.0 / whole
        share = bent * per
        made = second * (second * per + share) + MISSED * whole * share * share * share
        x[ERROR * LANES + lane] += 16.0 * r * made


@kernel(fastmath=RELAXED)
def fly_leg(x):
    """Turns every lane's amplitudes on by one leg and changes them by what the flattening does on it."""
    turn(x)
    push(x)
    push_again(x)
    close_leg(x)
    turn(x)


@kernel(fastmath=RELAXED)
def aim_at(x, surface_m):
    """The angle of every lane's second leg, down to a surface; the perigee is left as a height over it."""
    for lane in range(LANES):
        angle, radius = to_surface(
            x[SWING * LANES + lane], x[(SWING + 1) * LANES + lane],
            x[(SWING + 2) * LANES + lane], x[(SWING + 3) * LANES + lane],
            x[(SWING + 4) * LANES + lane], x[(SWING + 5) * LANES + lane],
            x[(SWING + 6) * LANES + lane], x[(SWING + 7) * LANES + lane], surface_m,
        )  # fmt: skip
        x[ANGLE * LANES + lane] = angle
        x[PERIGEE * LANES + lane] -= radius


@kernel(fastmath=RELAXED)
def straighten(x):
    """Place and velocity of every lane, whose amplitudes have been turned to it."""
    for lane in range(LANES):
        a, b = x[SWING * LANES + lane], x[(SWING + 1) * LANES + lane]
        c, d = x[(SWING + 2) * LANES + lane], x[(SWING + 3) * LANES + lane]
        per = 2.0 * x[RATE * LANES + lane] / (a * a + b * b + c * c + d * d)
        e, f = per * x[(SWING + 4) * LANES + lane], per * x[(SWING + 5) * LANES + lane]
        g, h = per * x[(SWING + 6) * LANES + lane], per * x[(SWING + 7) * LANES + lane]
        x[PX * LANES + lane] = a * a - b * b - c * c + d * d
        x[PY * LANES + lane] = 2.0 * (a * b - c * d)
        x[PZ * LANES + lane] = 2.0 * (a * c + b * d)
        x[VX * LANES + lane] = a * e - b * f - c * g + d * h
        x[VY * LANES + lane] = b * e + a * f - d * g - c * h
        x[VZ * LANES + lane] = c * e + d * f + a * g + b * h


@kernel(fastmath=RELAXED)
def note_apogee(x):
    """The greatest height of every lane: a parabola's top from the end of the first leg, seconds away at most."""
    for lane in range(LANES):
        px, py, pz = x[PX * LANES + lane], x[PY * LANES + lane], x[PZ * LANES + lane]
        vx, vy, vz = x[VX * LANES + lane], x[VY * LANES + lane], x[VZ * LANES + lane]
        height, climb = height_and_climb(px, py, pz, vx, vy, vz)
        inverse_r = 1.0 / math.sqrt(px * px + py * py + pz * pz)
        bend = (vx * vx + vy * vy + vz * vz - MU_M3_S2 * inverse_r) * inverse_r
        gained = -0.5 * climb * climb / (bend if bend < -1e-3 else -1e-3)
        x[APOGEE * LANES + lane] = height + (gained if x[ANGLE * LANES + lane] > 0.0 else 0.0)


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
        px, py, pz = x[PX * LANES + lane], x[PY * LANES + lane], x[PZ * LANES + lane]
        vx, vy, vz = x[VX * LANES + lane], x[VY * LANES + lane], x[VZ * LANES + lane]
        swept = (MU_M3_S2 * x[SWEPT * LANES + lane] + x[WORK * LANES + lane]) / x[RATE * LANES + lane]
        outward = px * vx + py * vy + pz * vz - x[OUTWARD * LANES + lane]
        d, late, px, py, pz, vx, vy, vz = seconds_to_surface(px, py, pz, vx, vy, vz, surface_m)
        time_s = 0.25 * (swept - outward) * x[PER * LANES + lane] + d
        steep = -(px * vx + py * vy + pz * vz) / math.sqrt(
            (px * px + py * py + pz * pz) * (vx * vx + vy * vy + vz * vz)
        )  # fmt: skip
        off = math.sqrt(x[ERROR * LANES + lane]) + FLATTENING_M_S3 * abs(d * d * d) + BEND_M_S3 * abs(late * late * late)
        x[ERROR * LANES + lane] = off / (steep if steep > LEAST_STEEPNESS else LEAST_STEEPNESS)
        s, c = sine_cosine(spin * time_s)
        qx, qy = c * px + s * py, c * py - s * px
        x[TIME * LANES + lane] = time_s
        x[PX * LANES + lane], x[PY * LANES + lane], x[PZ * LANES + lane] = qx, qy, pz
        x[VX * LANES + lane] = c * vx + s * vy + spin * qy
        x[VY * LANES + lane] = c * vy - s * vx - spin * qx
        x[VZ * LANES + lane] = vz


@kernel
def load(x, states, rows, spin, first):
    """Fills a block with states (ECEF; velocity relative to the Earth), the last one padding it; inertial from here."""
    for lane in range(LANES):
        i = rows[min(first + lane, rows.size - 1)]
        px, py = states[i, 0], states[i, 1]
        x[PX * LANES + lane], x[PY * LANES + lane], x[PZ * LANES + lane] = px, py, states[i, 2]
        x[VX * LANES + lane], x[VY * LANES + lane] = states[i, 3] - spin * py, states[i, 4] + spin * px
        x[VZ * LANES + lane] = states[i, 5]


@kernel
def unload(x, states, rows, surface_m, first, results, flags):
    """Writes a block's lanes to their rows; says what is wrong with those that did not come down."""
    for lane in range(min(LANES, rows.size - first)):
        i = rows[first + lane]
        if not plausible(states[i, 0], states[i, 1], states[i, 2], states[i, 3], states[i, 4], states[i, 5]):
            flags[i] = BAD_INPUT
            continue
        results[i, PERIGEE_M] = x[PERIGEE * LANES + lane] + surface_m
        if x[INVERSE_AXIS * LANES + lane] <= LEAST_INVERSE_AXIS:
            flags[i] = ESCAPES
        elif x[PERIGEE * LANES + lane] > 0.0 or x[TIME * LANES + lane] >= LONGEST_S:
            flags[i] = NEVER_LANDS
        elif not x[ERROR * LANES + lane] < HOPELESS_M:
            flags[i] = STEP_LIMIT
        else:
            flags[i], results[i, TIME_S] = OK, x[TIME * LANES + lane]
            for c in range(6):
                results[i, AT_X + c] = x[(PX + c) * LANES + lane]
            results[i, TOP_M], results[i, ERROR_M] = x[APOGEE * LANES + lane], x[ERROR * LANES + lane]


@kernel
def coast_rows(states, rows, surface_m, spin, results, flags):
    """Carries the ``rows`` of ``states`` (ECEF; velocity relative to the Earth) through a vacuum down to a height.

    ``spin`` is the Earth's rotation rate. ``results`` (n, RESULTS), of the same rows: time taken, state there, greatest
    height, error estimate along that height, perigee's height. Of rows whose flag is not OK only the perigee is written.
    """
    x = np.zeros(ROWS * LANES)
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
