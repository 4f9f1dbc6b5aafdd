"""Many bodies through the vacuum at once, from any state down to a height over the ellipsoid.

Kepler's orbit says when each lane will be at its apogee and when it will be down; the flight is cut there into two
legs, each into a few steps, long ones near the apogee. Gravity with J2 is carried in the frame that does not turn, by
the eighth-order method in Nystrom's form. What J2 has added to Kepler's times is made good at the end by a cubic in
time, exact to a millimetre over the seconds it is used for.
"""

import math

import numpy as np

from detente.flight._kernels_lanes import (
    LANES,
    RELAXED,
    gravity,
    height_and_climb,
    rough_angle,
    sine_cosine,
)
from detente.flight._kernels_motion import BAD_INPUT, ESCAPES, NEVER_LANDS, OK, STEP_LIMIT, STRETCH, plausible
from detente.flight._kernels_tableau import (
    EIGHT_ERROR_3,
    EIGHT_ERROR_5,
    EIGHT_NODES,
    EIGHT_STAGES,
    EIGHT_WEIGHTS,
    NYSTROM,
    NYSTROM_WEIGHTS,
)
from detente.geodesy.constants import A_M, MU_M3_S2
from detente.jit import kernel

# Rows of a block.
PX, PY, PZ, VX, VY, VZ = range(6)
STEP = 6
UP_S = 7  # time to the apogee, 0 if past it
DOWN_S = 8  # time from there to the surface
STEPS = 9  # in each leg
APOGEE = 10
ERROR = 11
NONE_LEFT = 12  # zeros: no time left after the second leg
LEG_S, LEFT_S = 13, 14  # of the leg being flown: its time, and the time after it
MORE_S = 15  # how much later than Kepler's time the surface is met, where that is too long for a cubic
K = 16  # accelerations at the stages, three rows each
ROWS = K + 3 * EIGHT_STAGES

# Columns of a result.
TIME_S, AT_X, AT_Y, AT_Z, AT_U, AT_V, AT_W, TOP_M, ERROR_M, PERIGEE_M = range(10)
RESULTS = 10

# Columns of a plan.
PLAN_UP, PLAN_DOWN, PLAN_STEPS, PLAN_PERIGEE = range(4)
PLANS = 4

MOST_STEPS = 10
HOPELESS_M = 1e6
LONGEST_S = 14_400.0
STRETCHED = 0.375  # how much longer than the mean the steps at the apogee are, by trial
LANDING_ROUNDS = 4
SHORT_REST_S, LONGEST_REST_S = 8.0, 600.0
FOURTH_M_S4 = 2e-5  # fourth derivative of a fall's place: gravity times the square of the mean motion
LEAST_STEEPNESS = 0.01


@kernel(inline=True, fastmath=RELAXED)
def stage(x, i):
    """The accelerations at stage ``i`` of every lane's step; ``i`` is a constant once this is spliced in."""
    for lane in range(LANES):
        h = x[STEP * LANES + lane]
        sx, sy, sz = 0.0, 0.0, 0.0
        for j in range(i):
            if NYSTROM[i, j] != 0.0:
                sx += NYSTROM[i, j] * x[(K + 3 * j) * LANES + lane]
                sy += NYSTROM[i, j] * x[(K + 3 * j + 1) * LANES + lane]
                sz += NYSTROM[i, j] * x[(K + 3 * j + 2) * LANES + lane]
        ax, ay, az = gravity(
            x[PX * LANES + lane] + h * (EIGHT_NODES[i] * x[VX * LANES + lane] + h * sx),
            x[PY * LANES + lane] + h * (EIGHT_NODES[i] * x[VY * LANES + lane] + h * sy),
            x[PZ * LANES + lane] + h * (EIGHT_NODES[i] * x[VZ * LANES + lane] + h * sz),
        )
        x[(K + 3 * i) * LANES + lane] = ax
        x[(K + 3 * i + 1) * LANES + lane] = ay
        x[(K + 3 * i + 2) * LANES + lane] = az


@kernel(inline=True, fastmath=RELAXED)
def close_step(x):
    """Every lane's state at the end of its step, and the error made in it, grown until the end of the flight."""
    for lane in range(LANES):
        h = x[STEP * LANES + lane]
        five, three = 0.0, 0.0
        for c in range(3):
            moved, gained, e, d = 0.0, 0.0, 0.0, 0.0
            for j in range(EIGHT_STAGES):
                k = x[(K + 3 * j + c) * LANES + lane]
                if NYSTROM_WEIGHTS[j] != 0.0:
                    moved += NYSTROM_WEIGHTS[j] * k
                if EIGHT_WEIGHTS[j] != 0.0:
                    gained += EIGHT_WEIGHTS[j] * k
                    e += EIGHT_ERROR_5[j] * k
                    d += EIGHT_ERROR_3[j] * k
            x[(PX + c) * LANES + lane] += h * (x[(VX + c) * LANES + lane] + h * moved)
            x[(VX + c) * LANES + lane] += h * gained
            five += e * e
            three += d * d
        # Hairer's own estimate: of the seventh order, from one of the fifth and one of the third.
        made = h * five / math.sqrt(five + 0.01 * three + 1e-60)
        x[ERROR * LANES + lane] += made * (x[LEFT_S * LANES + lane] + h)


@kernel(fastmath=RELAXED)
def leg(x, most, length, time_left, stretched):
    """Flies every lane along one leg, in its own number of steps; ``most`` is the greatest of them.

    The stages' numbers are full integers: for literals numba would compile ``stage`` twelve times.
    """
    for lane in range(LANES):
        x[LEG_S * LANES + lane], x[LEFT_S * LANES + lane] = x[length * LANES + lane], x[time_left * LANES + lane]
    for s in range(most):
        for lane in range(LANES):
            n = x[STEPS * LANES + lane]
            share = (1.0 + stretched * (2.0 * s + 1.0 - n) / n) / n
            x[STEP * LANES + lane] = x[LEG_S * LANES + lane] * share if s < n else 0.0
        stage(x, np.int64(0))
        stage(x, np.int64(1))
        stage(x, np.int64(2))
        stage(x, np.int64(3))
        stage(x, np.int64(4))
        stage(x, np.int64(5))
        stage(x, np.int64(6))
        stage(x, np.int64(7))
        stage(x, np.int64(8))
        stage(x, np.int64(9))
        stage(x, np.int64(10))
        stage(x, np.int64(11))
        close_step(x)


@kernel(inline=True, fastmath=RELAXED)
def surface_radius(sine2, surface_m):
    """Distance from the Earth's centre of a height over the ellipsoid, by the sine squared of geocentric latitude."""
    return A_M / math.sqrt(1.0 + (STRETCH - 1.0) * sine2) + surface_m


@kernel(inline=True, fastmath=RELAXED)
def kepler_legs(px, py, pz, vx, vy, vz, surface_m):
    """Kepler's plan of an inertial state: (time up, time down, anomaly swept, perigee minus surface m, inverse axis).

    Twice: first to the mean radius, then to the surface's own at the latitude where the first comes down.
    """
    r0 = math.sqrt(px * px + py * py + pz * pz)
    inverse_a = 2.0 / r0 - (vx * vx + vy * vy + vz * vz) / MU_M3_S2
    bound = inverse_a if inverse_a > 1e-9 else 1e-9
    motion = math.sqrt(MU_M3_S2 * bound) * bound
    e_cos = 1.0 - r0 * bound
    e_sin = (px * vx + py * vy + pz * vz) * bound * bound / motion
    e2 = e_cos * e_cos + e_sin * e_sin + 1e-20
    start = rough_angle(abs(e_sin), e_cos)
    rising = e_sin > 0.0
    # Mean anomaly from the apogee, negative before it.
    mean = start - e_sin - math.pi if rising else math.pi - start - e_sin
    anomaly = start - math.pi if rising else math.pi - start
    up = -mean / motion if rising else 0.0
    down, swept = 0.0, 0.0
    radius = surface_radius(0.4, surface_m)
    for _ in range(2):
        low = 1.0 - radius * bound
        q2 = e2 - low * low
        q = math.sqrt(q2 if q2 > 0.0 else 0.0)
        fallen = rough_angle(q, -low)
        down = (fallen + q) / motion if rising else (fallen + q - mean) / motion
        swept = fallen - anomaly
        cosine, sine = (low * e_cos - q * e_sin) / e2, -(q * e_cos + low * e_sin) / e2
        f = 1.0 - (1.0 - cosine) / (bound * r0)
        g = up + down - (swept - sine) / motion
        z = (f * pz + g * vz) / radius
        sine2 = z * z
        radius = surface_radius(sine2 if sine2 < 1.0 else 1.0, surface_m)
    return up, down, swept, (1.0 - math.sqrt(e2)) / bound - radius, inverse_a


@kernel(inline=True, fastmath=RELAXED)
def enough_steps(swept):
    """Steps in each leg that keep a lane's error far below 10 m, by the anomaly it sweeps. Found by trial."""
    n = 1.0
    n = 2.0 if swept > 0.95 else n
    n = 3.0 if swept > 2.3 else n
    n = 4.0 if swept > 2.6 else n
    n = 5.0 if swept > 2.85 else n
    n = 6.0 if swept > 3.1 else n
    n = 8.0 if swept > 3.4 else n
    return 10.0 if swept > 4.2 else n


@kernel(inline=True)
def load_state(x, lane, states, i, spin):
    """Puts row ``i`` (ECEF; velocity relative to the Earth) into a lane, in the frame that does not turn."""
    px, py = states[i, 0], states[i, 1]
    x[PX * LANES + lane], x[PY * LANES + lane], x[PZ * LANES + lane] = px, py, states[i, 2]
    x[VX * LANES + lane], x[VY * LANES + lane] = states[i, 3] - spin * py, states[i, 4] + spin * px
    x[VZ * LANES + lane] = states[i, 5]


@kernel(fastmath=RELAXED)
def plan(x, surface_m):
    """Kepler's plan of every lane; perigee and inverse axis are left in the rows of the apogee and of the error."""
    for lane in range(LANES):
        up, down, swept, clearance, inverse_a = kepler_legs(
            x[PX * LANES + lane], x[PY * LANES + lane], x[PZ * LANES + lane],
            x[VX * LANES + lane], x[VY * LANES + lane], x[VZ * LANES + lane], surface_m,
        )  # fmt: skip
        x[UP_S * LANES + lane], x[DOWN_S * LANES + lane] = up, down
        x[STEPS * LANES + lane] = enough_steps(swept)
        x[APOGEE * LANES + lane], x[ERROR * LANES + lane] = clearance, inverse_a


@kernel
def plan_rows(x, states, surface_m, spin, plans, flags):
    """Kepler's plan of every row: how long up, how long down, how many steps a leg, and its perigee's height."""
    for first in range(0, states.shape[0], LANES):
        last = min(LANES, states.shape[0] - first)
        for lane in range(last):
            i = first + lane
            good = plausible(states[i, 0], states[i, 1], states[i, 2], states[i, 3], states[i, 4], states[i, 5])
            flags[i] = OK if good else BAD_INPUT
            load_state(x, lane, states, i, spin)
        plan(x, surface_m)
        for lane in range(last):
            i = first + lane
            clearance, inverse_a = x[APOGEE * LANES + lane], x[ERROR * LANES + lane]
            up, down = x[UP_S * LANES + lane], x[DOWN_S * LANES + lane]
            plans[i, PLAN_UP], plans[i, PLAN_DOWN], plans[i, PLAN_STEPS] = up, down, x[STEPS * LANES + lane]
            plans[i, PLAN_PERIGEE] = clearance + surface_m if flags[i] == OK else 0.0
            if flags[i] == OK and inverse_a <= 1e-9:
                flags[i] = ESCAPES
            elif flags[i] == OK and (clearance > 0.0 or not up + down < LONGEST_S):
                flags[i] = NEVER_LANDS


@kernel
def by_steps(plans, flags, order):
    """Lists the rows that come down, those of equal steps together, in ``order``; returns how many they are."""
    count = 0
    for n in range(1, MOST_STEPS + 1):
        for i in range(flags.size):
            if flags[i] == OK and plans[i, PLAN_STEPS] == n:
                order[count] = i
                count += 1
    return count


@kernel(fastmath=RELAXED)
def note_apogee(x):
    """The greatest height of every lane: a parabola's top from the end of the first leg, seconds away at most."""
    for lane in range(LANES):
        px, py, pz = x[PX * LANES + lane], x[PY * LANES + lane], x[PZ * LANES + lane]
        vx, vy, vz = x[VX * LANES + lane], x[VY * LANES + lane], x[VZ * LANES + lane]
        height, climb = height_and_climb(px, py, pz, vx, vy, vz)
        ax, ay, az = gravity(px, py, pz)
        bend = (vx * vx + vy * vy + vz * vz + ax * px + ay * py + az * pz) / math.sqrt(px * px + py * py + pz * pz)
        gained = -0.5 * climb * climb / (bend if bend < -1e-3 else -1e-3)
        x[APOGEE * LANES + lane] = height + (gained if x[UP_S * LANES + lane] > 0.0 else 0.0)


@kernel(inline=True, fastmath=RELAXED)
def seconds_to_surface(px, py, pz, vx, vy, vz, surface_m, rounds):
    """The time to the surface of a falling state seconds before or after it, and the state there: a cubic in time."""
    ax, ay, az = gravity(px, py, pz)
    r2 = px * px + py * py + pz * pz
    pull, turn = MU_M3_S2 / (r2 * math.sqrt(r2)), 3.0 * (px * vx + py * vy + pz * vz) / r2
    jx, jy, jz = pull * (turn * px - vx), pull * (turn * py - vy), pull * (turn * pz - vz)
    d, qx, qy, qz, ux, uy, uz = 0.0, px, py, pz, vx, vy, vz
    for _ in range(rounds):
        height, climb = height_and_climb(qx, qy, qz, ux, uy, uz)
        d -= (height - surface_m) / (climb if climb < -1.0 else -1.0)
        third, half = d / 3.0, 0.5 * d
        qx = px + d * (vx + half * (ax + third * jx))
        qy = py + d * (vy + half * (ay + third * jy))
        qz = pz + d * (vz + half * (az + third * jz))
        ux, uy, uz = vx + d * (ax + half * jx), vy + d * (ay + half * jy), vz + d * (az + half * jz)
    return d, qx, qy, qz, ux, uy, uz


@kernel(fastmath=RELAXED)
def find_rest(x, surface_m):
    """How long each lane still has to fly if that is too long for a cubic, else 0; the longest of them."""
    longest = 0.0
    for lane in range(LANES):
        d, _, _, _, _, _, _ = seconds_to_surface(
            x[PX * LANES + lane], x[PY * LANES + lane], x[PZ * LANES + lane],
            x[VX * LANES + lane], x[VY * LANES + lane], x[VZ * LANES + lane],
            surface_m, np.int64(2),
        )  # fmt: skip
        d = d if abs(d) < LONGEST_REST_S else 0.0
        d = d if abs(d) > SHORT_REST_S else 0.0
        x[MORE_S * LANES + lane], x[STEPS * LANES + lane] = d, 1.0
        x[DOWN_S * LANES + lane] += d
    for lane in range(LANES):
        longest = max(longest, abs(x[MORE_S * LANES + lane]))
    return longest


@kernel(fastmath=RELAXED)
def land(x, surface_m):
    """Brings every lane exactly onto the surface, from seconds before or after it.

    Leaves the time it took in the row of the step, and adds to the error what a cubic leaves out.
    """
    for lane in range(LANES):
        d, qx, qy, qz, ux, uy, uz = seconds_to_surface(
            x[PX * LANES + lane], x[PY * LANES + lane], x[PZ * LANES + lane],
            x[VX * LANES + lane], x[VY * LANES + lane], x[VZ * LANES + lane],
            surface_m, np.int64(LANDING_ROUNDS),
        )  # fmt: skip
        _, climb = height_and_climb(qx, qy, qz, ux, uy, uz)
        steep = -climb / math.sqrt(ux * ux + uy * uy + uz * uz)
        d2 = d * d
        off = x[ERROR * LANES + lane] + FOURTH_M_S4 / 24.0 * d2 * d2
        x[ERROR * LANES + lane] = off / (steep if steep > LEAST_STEEPNESS else LEAST_STEEPNESS)
        x[PX * LANES + lane], x[PY * LANES + lane], x[PZ * LANES + lane] = qx, qy, qz
        x[VX * LANES + lane], x[VY * LANES + lane], x[VZ * LANES + lane] = ux, uy, uz
        x[STEP * LANES + lane] = d


@kernel(fastmath=RELAXED)
def turn_to_earth(x, spin):
    """From the frame that does not turn to the Earth's, whose turn since the start is in the rows of the times."""
    for lane in range(LANES):
        time_s = x[UP_S * LANES + lane] + x[DOWN_S * LANES + lane] + x[STEP * LANES + lane]
        s, c = sine_cosine(spin * time_s)
        px, py, vx, vy = x[PX * LANES + lane], x[PY * LANES + lane], x[VX * LANES + lane], x[VY * LANES + lane]
        qx, qy = c * px + s * py, c * py - s * px
        x[PX * LANES + lane], x[PY * LANES + lane] = qx, qy
        x[VX * LANES + lane] = c * vx + s * vy + spin * qy
        x[VY * LANES + lane] = c * vy - s * vx - spin * qx
        x[UP_S * LANES + lane] = time_s


@kernel
def load(x, states, spin, plans, order, first, count):
    """Fills a block with rows in the order given, the last one padding it; returns the greatest number of steps."""
    most = 1.0
    for lane in range(LANES):
        i = order[min(first + lane, count - 1)]
        load_state(x, lane, states, i, spin)
        x[UP_S * LANES + lane], x[DOWN_S * LANES + lane] = plans[i, PLAN_UP], plans[i, PLAN_DOWN]
        x[STEPS * LANES + lane] = plans[i, PLAN_STEPS]
        x[ERROR * LANES + lane] = 0.0
        most = max(most, plans[i, PLAN_STEPS])
    return int(most)


@kernel
def unload(x, order, first, count, results, flags):
    """Writes a block's lanes to the rows they came from."""
    for lane in range(min(LANES, count - first)):
        i = order[first + lane]
        if not x[ERROR * LANES + lane] < HOPELESS_M:
            flags[i] = STEP_LIMIT
            continue
        results[i, TIME_S] = x[UP_S * LANES + lane]
        for c in range(6):
            results[i, AT_X + c] = x[(PX + c) * LANES + lane]
        results[i, TOP_M], results[i, ERROR_M] = x[APOGEE * LANES + lane], x[ERROR * LANES + lane]


@kernel
def coast_rows(states, surface_m, spin, results, flags):
    """Carries every row of ``states`` (ECEF; velocity relative to the Earth) through a vacuum down to a height.

    ``spin`` is the Earth's rotation rate. ``results`` (n, RESULTS): time taken, state there, greatest height, error
    estimate along that height, perigee's height. Rows whose flag is not OK hold zeros but for the perigee.
    """
    plans, order = np.empty((states.shape[0], PLANS)), np.empty(states.shape[0], np.int64)
    x = np.zeros(ROWS * LANES)
    plan_rows(x, states, surface_m, spin, plans, flags)
    for i in range(states.shape[0]):
        for c in range(RESULTS):
            results[i, c] = 0.0
        results[i, PERIGEE_M] = plans[i, PLAN_PERIGEE]
    count = by_steps(plans, flags, order)
    for first in range(0, count, LANES):
        most = load(x, states, spin, plans, order, first, count)
        leg(x, most, np.int64(UP_S), np.int64(DOWN_S), STRETCHED)
        note_apogee(x)
        leg(x, most, np.int64(DOWN_S), np.int64(NONE_LEFT), -STRETCHED)
        if find_rest(x, surface_m) > 0.0:
            leg(x, 1, np.int64(MORE_S), np.int64(NONE_LEFT), 0.0)
        land(x, surface_m)
        turn_to_earth(x, spin)
        unload(x, order, first, count, results, flags)
