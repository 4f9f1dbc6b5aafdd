"""How a track's state and covariance move from one moment to the next.

A track's working state has seven numbers: position and velocity in the Earth-fixed frame, and one *hidden force*. In
boost the hidden number is the thrust's acceleration along the velocity (m/s²); otherwise it is the body's lightness,
the nominal over its own ballistic coefficient: drag is proportional to it, so that learning it bends nothing. The mean
is integrated with Runge and Kutta's fourth order; the covariance with the second-order expansion of exp(F h), F taken
in mid-step. With the sigma-point filter, points are integrated instead.
"""

import math

import numpy as np

from detente.centre.tracking._kernels_force import (
    LANES,
    NUMBERS,
    braking,
    gather_points,
    lay_points,
    step_points,
    thrust_direction,
)
from detente.centre.tracking._kernels_places import (
    AIR_NOISE,
    AT,
    BOOST,
    BOOST_CEILING_M,
    BOOST_NOISE,
    COAST,
    COAST_NOISE,
    CONSTANT_GRAVITY,
    EXHAUST_SPEED,
    FILTER,
    GRAVITY,
    LIGHTNESS_NOISE,
    LOCAL_NOISE,
    MODEL,
    NOMINAL_BETA,
    PHASE,
    REENTRY,
    SIGMA_POINT,
    STATUS,
    TENTATIVE,
    THRUST_FLOOR,
    THRUST_NOISE,
    THRUST_STEP,
    UNDECIDED_NOISE,
)
from detente.centre.tracking._kernels_sigma import STATES, draw_root
from detente.flight._kernels_air import air_density
from detente.flight._kernels_motion import climb_rate, pull, radial_height
from detente.geodesy.constants import MU_M3_S2, OMEGA_RAD_S
from detente.jit import kernel

AIR_CEILING_M = 120_000.0  # drag above it is below 1e-3 m/s² for every body of the catalogue
THINNER_M = 200.0  # over which the density's gradient is taken, for the Jacobian alone
REENTRY_M = 100_000.0  # the house's boundary between coast and reentry
COAST_STEP_S = 10.0  # longest steps: in vacuum, under thrust, in the air
BOOST_STEP_S = 5.0
AIR_STEP_MOST_S = 4.0
AIR_STEP_LEAST_S = 0.1
BRAKED_SHARE = 0.08  # of the speed, lost in one step
LONGEST_STEPS = 2_000
THRUST_MOST_M_S2 = 120.0  # beyond it, thrust is not taken to grow


@kernel
def accelerate(px, py, pz, vx, vy, vz, hidden, boosting, in_air, settings):
    """Acceleration of a track: gravity and the turning Earth, then thrust along the velocity, or drag against it."""
    gx, gy, gz = pull(px, py, pz)
    gx += OMEGA_RAD_S * OMEGA_RAD_S * px
    gy += OMEGA_RAD_S * OMEGA_RAD_S * py
    ax, ay, az = gx + 2.0 * OMEGA_RAD_S * vy, gy - 2.0 * OMEGA_RAD_S * vx, gz
    if boosting:
        dx, dy, dz, _ = thrust_direction(px, py, pz, vx, vy, vz, settings[THRUST_FLOOR])
        ax += hidden * dx
        ay += hidden * dy
        az += hidden * dz
    elif in_air:
        density, speed = air_density(radial_height(px, py, pz)), math.sqrt(vx * vx + vy * vy + vz * vz)
        drag = braking(density, speed, hidden, settings[NOMINAL_BETA])
        ax -= drag * vx
        ay -= drag * vy
        az -= drag * vz
    return ax, ay, az


@kernel
def move_mean(state, i, h, boosting, in_air, settings):
    """One Runge-Kutta step of the mean of slot ``i``."""
    px, py, pz = state[i, 0], state[i, 1], state[i, 2]
    vx, vy, vz, hidden = state[i, 3], state[i, 4], state[i, 5], state[i, 6]
    half = 0.5 * h
    ax, ay, az = accelerate(px, py, pz, vx, vy, vz, hidden, boosting, in_air, settings)
    ux, uy, uz = vx + half * ax, vy + half * ay, vz + half * az
    bx, by, bz = accelerate(
        px + half * vx, py + half * vy, pz + half * vz, ux, uy, uz, hidden, boosting, in_air, settings
    )
    wx, wy, wz = vx + half * bx, vy + half * by, vz + half * bz
    cx, cy, cz = accelerate(
        px + half * ux, py + half * uy, pz + half * uz, wx, wy, wz, hidden, boosting, in_air, settings
    )
    sx, sy, sz = vx + h * cx, vy + h * cy, vz + h * cz
    dx, dy, dz = accelerate(px + h * wx, py + h * wy, pz + h * wz, sx, sy, sz, hidden, boosting, in_air, settings)
    sixth = h / 6.0
    state[i, 0] = px + sixth * (vx + 2.0 * (ux + wx) + sx)
    state[i, 1] = py + sixth * (vy + 2.0 * (uy + wy) + sy)
    state[i, 2] = pz + sixth * (vz + 2.0 * (uz + wz) + sz)
    state[i, 3] = vx + sixth * (ax + 2.0 * (bx + cx) + dx)
    state[i, 4] = vy + sixth * (ay + 2.0 * (by + cy) + dy)
    state[i, 5] = vz + sixth * (az + 2.0 * (bz + cz) + dz)


@kernel
def move_points(state, P, i, h, boosting, in_air, settings, work):
    """One step of the Gaussian of slot ``i`` by its sigma points; false where it has none, and nothing is changed.

    The mean moves as ``move_mean`` has it; its points, by the midpoint rule, tell how far theirs is from it and how
    they spread. ``work`` (7, 7) is scratch.
    """
    if not draw_root(P[i], work, STATES):
        return False
    x, shift = np.empty(NUMBERS * LANES), np.empty(STATES)
    lay_points(x, state[i], work)
    step_points(x, h, boosting, settings)
    move_mean(state, i, h, boosting, in_air, settings)
    gather_points(x, shift, P[i])
    for a in range(STATES):
        state[i, a] += shift[a]
    return True


@kernel
def rates_of_change(px, py, pz, vx, vy, vz, hidden, boosting, in_air, settings, rates):
    """Fill ``rates`` (3, 7): derivatives of acceleration by position, velocity and hidden force; return |drag|.

    The pull's gradient is that of the central term; J2 changes it by a part in a thousand.
    """
    r2 = px * px + py * py + pz * pz
    central = MU_M3_S2 / (r2 * math.sqrt(r2))
    three = 3.0 * central / r2
    spin2 = OMEGA_RAD_S * OMEGA_RAD_S
    rates[0, 0], rates[0, 1], rates[0, 2] = three * px * px - central + spin2, three * px * py, three * px * pz
    rates[1, 0], rates[1, 1], rates[1, 2] = rates[0, 1], three * py * py - central + spin2, three * py * pz
    rates[2, 0], rates[2, 1], rates[2, 2] = rates[0, 2], rates[1, 2], three * pz * pz - central
    for k in range(3):
        rates[k, 3], rates[k, 4], rates[k, 5], rates[k, 6] = 0.0, 0.0, 0.0, 0.0
    rates[0, 4], rates[1, 3] = 2.0 * OMEGA_RAD_S, -2.0 * OMEGA_RAD_S
    if boosting:
        dx, dy, dz, speed = thrust_direction(px, py, pz, vx, vy, vz, settings[THRUST_FLOOR])
        add_turning(rates, dx, dy, dz, hidden / speed, -hidden / speed)
        rates[0, 6], rates[1, 6], rates[2, 6] = dx, dy, dz
        return 0.0
    if not in_air:
        return 0.0
    speed = math.sqrt(vx * vx + vy * vy + vz * vz) + 1e-9
    height = radial_height(px, py, pz)
    density = air_density(height)
    nominal = 0.5 * density * speed / settings[NOMINAL_BETA]
    drag = braking(density, speed, hidden, settings[NOMINAL_BETA])
    add_turning(rates, vx / speed, vy / speed, vz / speed, -drag, -drag)
    thinning = drag * (1.0 - air_density(height + THINNER_M) / density) / (THINNER_M * math.sqrt(r2))
    for k in range(3):
        v = vx if k == 0 else (vy if k == 1 else vz)
        rates[k, 0] += thinning * v * px
        rates[k, 1] += thinning * v * py
        rates[k, 2] += thinning * v * pz
        rates[k, 6] = -nominal * v
    return drag * speed


@kernel
def add_turning(rates, dx, dy, dz, even, along):
    """Add even·I + along·d dᵀ to the derivatives by velocity."""
    rates[0, 3] += even + along * dx * dx
    rates[0, 4] += along * dx * dy
    rates[0, 5] += along * dx * dz
    rates[1, 3] += along * dx * dy
    rates[1, 4] += even + along * dy * dy
    rates[1, 5] += along * dy * dz
    rates[2, 3] += along * dx * dz
    rates[2, 4] += along * dy * dz
    rates[2, 5] += even + along * dz * dz


@kernel
def move_columns(rates, h, given, moved):
    """``moved`` = (Φ given)ᵀ with Φ = I + h F + h²/2 F²; column by column, so that all of one is in registers."""
    half = 0.5 * h * h
    a0, a1, a2, a3 = rates[0, 0], rates[0, 1], rates[0, 2], rates[0, 3]
    a4, a5, a6 = rates[0, 4], rates[0, 5], rates[0, 6]
    b0, b1, b2, b3 = rates[1, 0], rates[1, 1], rates[1, 2], rates[1, 3]
    b4, b5, b6 = rates[1, 4], rates[1, 5], rates[1, 6]
    c0, c1, c2, c3 = rates[2, 0], rates[2, 1], rates[2, 2], rates[2, 3]
    c4, c5, c6 = rates[2, 4], rates[2, 5], rates[2, 6]
    for j in range(7):
        x, y, z, u, v, w = given[0, j], given[1, j], given[2, j], given[3, j], given[4, j], given[5, j]
        t = given[6, j]
        p = a0 * x + a1 * y + a2 * z + a3 * u + a4 * v + a5 * w + a6 * t
        q = b0 * x + b1 * y + b2 * z + b3 * u + b4 * v + b5 * w + b6 * t
        r = c0 * x + c1 * y + c2 * z + c3 * u + c4 * v + c5 * w + c6 * t
        moved[j, 0], moved[j, 1], moved[j, 2] = x + h * u + half * p, y + h * v + half * q, z + h * w + half * r
        moved[j, 3] = u + h * p + half * (a0 * u + a1 * v + a2 * w + a3 * p + a4 * q + a5 * r)
        moved[j, 4] = v + h * q + half * (b0 * u + b1 * v + b2 * w + b3 * p + b4 * q + b5 * r)
        moved[j, 5] = w + h * r + half * (c0 * u + c1 * v + c2 * w + c3 * p + c4 * q + c5 * r)
        moved[j, 6] = t


@kernel
def move_columns_in_vacuum(rates, h, given, moved):
    """``move_columns`` where velocity enters by Coriolis alone and the hidden force not at all."""
    half = 0.5 * h * h
    a0, a1, a2, turn = rates[0, 0], rates[0, 1], rates[0, 2], rates[0, 4]
    b0, b1, b2 = rates[1, 0], rates[1, 1], rates[1, 2]
    c0, c1, c2 = rates[2, 0], rates[2, 1], rates[2, 2]
    for j in range(7):
        x, y, z, u, v, w = given[0, j], given[1, j], given[2, j], given[3, j], given[4, j], given[5, j]
        p = a0 * x + a1 * y + a2 * z + turn * v
        q = b0 * x + b1 * y + b2 * z - turn * u
        r = c0 * x + c1 * y + c2 * z
        moved[j, 0], moved[j, 1], moved[j, 2] = x + h * u + half * p, y + h * v + half * q, z + h * w + half * r
        moved[j, 3] = u + h * p + half * (a0 * u + a1 * v + a2 * w + turn * q)
        moved[j, 4] = v + h * q + half * (b0 * u + b1 * v + b2 * w - turn * p)
        moved[j, 5] = w + h * r + half * (c0 * u + c1 * v + c2 * w)
        moved[j, 6] = given[6, j]


@kernel
def move_covariance(P, h, rates, in_vacuum, work):
    """P ← Φ P Φᵀ. ``work`` (7, 7) is scratch."""
    if in_vacuum:
        move_columns_in_vacuum(rates, h, P, work)
        move_columns_in_vacuum(rates, h, work, P)
    else:
        move_columns(rates, h, P, work)
        move_columns(rates, h, work, P)
    for j in range(1, 7):
        for k in range(j):
            P[k, j] = P[j, k]


@kernel
def add_noise(P, h, white, hidden_noise, rates):
    """Add what a step of ``h`` may hide: white acceleration, and a random walk of the hidden force and its effect."""
    q1, q2, q3 = white * h, white * h * h / 2.0, white * h * h * h / 3.0
    for a in range(3):
        P[a, a] += q3
        P[a, a + 3] += q2
        P[a + 3, a] += q2
        P[a + 3, a + 3] += q1
    if hidden_noise == 0.0:
        return
    s1 = hidden_noise * h
    s2, s3 = s1 * h / 2.0, s1 * h * h / 6.0
    for a in range(3):
        P[a + 3, 6] += s2 * rates[a, 6]
        P[6, a + 3] += s2 * rates[a, 6]
        P[a, 6] += s3 * rates[a, 6]
        P[6, a] += s3 * rates[a, 6]
        for b in range(3):
            both = rates[a, 6] * rates[b, 6] * s1 * h * h
            P[a + 3, b + 3] += both / 3.0
            P[a, b + 3] += both * h / 8.0
            P[a + 3, b] += both * h / 8.0
            P[a, b] += both * h * h / 20.0
    P[6, 6] += s1


@kernel
def grow_hidden(P, factor):
    """Stretch the hidden force's part of a covariance: thrust grows as its own square (a' = a²/c)."""
    for a in range(6):
        P[a, 6] *= factor
        P[6, a] *= factor
    P[6, 6] *= factor * factor


@kernel
def longest_step(boosting, height, speed, hidden, settings):
    """How far one step may go, s: thrust asks for short ones, and so does air that brakes hard."""
    if boosting:
        return BOOST_STEP_S
    if height > AIR_CEILING_M:
        return COAST_STEP_S
    drag = abs(braking(air_density(height), speed, hidden, settings[NOMINAL_BETA]))
    return min(max(BRAKED_SHARE / (drag + 1e-9), AIR_STEP_LEAST_S), AIR_STEP_MOST_S)


@kernel
def predict_locally(x, P, h, gravity, white):
    """Move one track of the constant-gravity model: a parabola, and white acceleration on each axis.

    A negative ``h`` with a negative ``white`` moves it back. Nothing is tied to the hidden force, which has no meaning.
    """
    half = 0.5 * h * h
    for a in range(3):
        x[a] += h * x[a + 3]
    x[2] -= half * gravity
    x[5] -= h * gravity
    q1, q2, q3 = white * h, white * half, white * half * h / 1.5
    for a in range(3):
        for b in range(a + 1):
            moved = P[a, b] + h * (P[a, b + 3] + P[a + 3, b]) + h * h * P[a + 3, b + 3]
            P[a, b] = moved
            P[b, a] = moved
    for a in range(3):
        P[a, a] += q3
        for b in range(3):
            P[a, b + 3] += h * P[a + 3, b + 3]
            P[b + 3, a] = P[a, b + 3]
        P[a, a + 3] += q2
        P[a + 3, a] += q2
    for a in range(3):
        P[a + 3, a + 3] += q1


@kernel
def predict(state, covariance, tags, i, dt_s, settings, rates, work):
    """Move slot ``i`` forward by ``dt_s``. ``rates`` (3, 7) and ``work`` (7, 7) are scratch."""
    left = dt_s
    boosting = tags[i, PHASE] == BOOST
    for _ in range(LONGEST_STEPS):
        if left <= 1e-9:
            break
        height = radial_height(state[i, 0], state[i, 1], state[i, 2])
        if not height > -AIR_CEILING_M:
            break
        px, py, pz, vx, vy, vz = state[i, 0], state[i, 1], state[i, 2], state[i, 3], state[i, 4], state[i, 5]
        speed = math.sqrt(vx * vx + vy * vy + vz * vz)
        h = min(left, longest_step(boosting, height, speed, state[i, 6], settings))
        in_air = height < AIR_CEILING_M
        growth = 0.0
        if boosting:
            # a' = a²/c: from its value at the start to that in mid-step, a / (1 - a h / 2c), and on.
            growth = min(max(state[i, 6], 0.0), THRUST_MOST_M_S2) * h / settings[EXHAUST_SPEED]
            state[i, 6] /= 1.0 - 0.5 * growth
        # In a vacuum nothing bends: there slopes are as good as points.
        bends = settings[FILTER] == SIGMA_POINT and (boosting or in_air)
        by_points = bends and move_points(state, covariance, i, h, boosting, in_air, settings, work)
        if not by_points:
            move_mean(state, i, h, boosting, in_air, settings)
        hidden = state[i, 6]
        rates_of_change(
            0.5 * (px + state[i, 0]), 0.5 * (py + state[i, 1]), 0.5 * (pz + state[i, 2]),
            0.5 * (vx + state[i, 3]), 0.5 * (vy + state[i, 4]), 0.5 * (vz + state[i, 5]),
            hidden, boosting, in_air, settings, rates,
        )  # fmt: skip
        if not by_points:
            move_covariance(covariance[i], h, rates, not (boosting or in_air), work)
        if boosting:
            # What grows is the mean of a², not the square of its mean: a thrust that is not well known grows by more.
            more = covariance[i, 6, 6] * h / settings[EXHAUST_SPEED]
            state[i, 6] = state[i, 6] * (1.0 - 0.5 * growth) / (1.0 - growth) + more
            grow_hidden(covariance[i], 1.0 / (1.0 - growth) ** 2)
            add_noise(
                covariance[i], h, settings[BOOST_NOISE],
                settings[THRUST_NOISE] + settings[THRUST_STEP] * hidden * hidden, rates,
            )  # fmt: skip
        else:
            white, walk = settings[COAST_NOISE], 0.0
            if in_air:
                # The mean square of a lightness, not the square of its mean: one that is thought small may not be.
                square = hidden * hidden + covariance[i, 6, 6]
                pull = rates[0, 6] * rates[0, 6] + rates[1, 6] * rates[1, 6] + rates[2, 6] * rates[2, 6]
                white += settings[AIR_NOISE] * pull * square
                walk = settings[LIGHTNESS_NOISE] * square
            if tags[i, STATUS] == TENTATIVE and height < settings[BOOST_CEILING_M]:
                white = settings[UNDECIDED_NOISE]
            add_noise(covariance[i], h, white, walk, rates)
        left -= h


@kernel
def name_phase(state, tags, i):
    """Coast or reentry, by height and descent; boost is left as believed."""
    if tags[i, PHASE] == BOOST:
        return
    x = state[i]
    low = radial_height(x[0], x[1], x[2]) < REENTRY_M
    falling = climb_rate(x[0], x[1], x[2], x[3], x[4], x[5]) < 0.0
    tags[i, PHASE] = REENTRY if low and falling else COAST


@kernel
def bring(state, covariance, tags, clocks, i, time_s, settings, rates, work):
    """Bring slot ``i`` forward to a time; one that is there already, or later, stays."""
    dt_s = time_s - clocks[i, AT]
    if dt_s <= 0.0:
        return
    if settings[MODEL] == CONSTANT_GRAVITY:
        predict_locally(state[i], covariance[i], dt_s, settings[GRAVITY], settings[LOCAL_NOISE])
    else:
        predict(state, covariance, tags, i, dt_s, settings, rates, work)
        name_phase(state, tags, i)
    clocks[i, AT] = time_s
