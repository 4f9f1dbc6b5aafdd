"""The adaptive integrator and whole flights, pad to impact.

The method is the 5(4) pair of J. R. Dormand and P. J. Prince, "A family of embedded Runge-Kutta formulae", J. Comp.
Appl. Math. 6 (1980), carried on with the fifth-order solution. Motor changes fall on step boundaries. A flight's
settings travel in one vector; the constants below name its places.
"""

import math

import numpy as np

from detente.flight._kernels_air import DRAG_CEILING_M, air
from detente.flight._kernels_motion import (
    BAD_INPUT,
    ESCAPES,
    GROUND_IN_BOOST,
    NEVER_LANDS,
    OK,
    STEP_LIMIT,
    climb_rate,
    coast_rates,
    excess,
    excess_rate,
    radial_height,
)
from detente.flight._kernels_tableau import FIVE, FIVE_ERROR, FIVE_NODES
from detente.geodesy._kernels import ecef_to_geodetic, enu_axes, geodetic_to_ecef
from detente.geodesy._kernels_geodesic import geodesic_inverse
from detente.geodesy.constants import MU_M3_S2, OMEGA_RAD_S
from detente.jit import kernel

# Places in the settings vector.
SPIN = 0  # rotation rate of the Earth, rad/s
DRAG_ON = 1
UP = 2  # three components: local vertical at the pad
AHEAD = 5  # three components: horizontal at the pad, along the launch azimuth
RISE_END = 8
PITCH_END = 9
PITCH_FINAL = 10
THRUST = 11  # 0 while coasting
EXIT_AREA = 12
MASS = 13  # at ignition
FLOW = 14
IGNITION = 15
AREA = 16
BETA = 17  # above 0: drag by ballistic coefficient; otherwise by area, mass and drag table
TOLERANCE = 18
BETA_AFTER = 19  # ``BETA`` of what flies on after cut-off
TURN = 20  # above 0: thrust along the velocity
SETTINGS = 21

# Places in a flight's tally.
POSITION_ERROR = 0  # sum of the steps' position errors, m
VELOCITY_ERROR = 1  # sum of the steps' velocity errors, m/s
VELOCITY_ERROR_TIME = 2  # the same, each times the time it was made
APOGEE = 3
STEPS = 4
NEXT_STEP = 5
TALLY = 6

# Columns of a flight's result.
RANGE, APOGEE_M, FLIGHT_S, BURNOUT_S, BURNOUT_SPEED, BURNOUT_HEIGHT, LATITUDE, LONGITUDE, ERROR, AZIMUTH = range(10)
RESULTS = 10
DESCENT = 9  # columns of a descent: time, state, apogee, error

REACHED, GROUND, EXHAUSTED = 0, 1, 2
MAX_STEPS = 20_000
SHORTEST_BURN_S = 0.1  # of the last motor, as of any stage
LONGEST_S = 14_400.0
LONGEST_STEP_S = 120.0
AIR_STEP_S = 20.0
THICK_AIR_M = 50_000.0
BOOST_STEP_S = 2.0
NEARLY_LEVEL_M_S = 50.0  # the ellipsoid falls or rises under a flight no faster than this
AIR_STEP_M = 10_000.0
VELOCITY_SCALE_S = 100.0  # a velocity error counts as the position error it makes in this time
BOOST_ERROR_FACTOR = 10.0  # measured: a bump in drag narrower than a step hides from the error estimate


@kernel
def drag_coefficient(mach, cd):
    """The drag coefficient at a Mach number, from cubic pieces (k, 5)."""
    i = 0
    while i + 1 < cd.shape[0] and mach >= cd[i + 1, 0]:
        i += 1
    s = mach - cd[i, 0]
    return cd[i, 1] + s * (cd[i, 2] + s * (cd[i, 3] + s * cd[i, 4]))


@kernel
def thrust_direction(t, vx, vy, vz, p):
    """The commanded direction of thrust: straight up, then pitching over, then held, or along the velocity.

    Pitch is measured from the pad's horizon, wherever the missile is.
    """
    if p[TURN] > 0.0:
        inverse = 1.0 / math.sqrt(vx * vx + vy * vy + vz * vz)
        return inverse * vx, inverse * vy, inverse * vz
    if t <= p[RISE_END]:
        pitch = 0.5 * math.pi
    elif t < p[PITCH_END]:
        done = (t - p[RISE_END]) / (p[PITCH_END] - p[RISE_END])
        pitch = 0.5 * math.pi + done * (p[PITCH_FINAL] - 0.5 * math.pi)
    else:
        pitch = p[PITCH_FINAL]
    s, c = math.sin(pitch), math.cos(pitch)
    return s * p[UP] + c * p[AHEAD], s * p[UP + 1] + c * p[AHEAD + 1], s * p[UP + 2] + c * p[AHEAD + 2]


@kernel
def rates(t, w, p, cd, k):
    """Writes the rate of change of the state ``w`` (position, velocity) at time ``t`` into ``k``."""
    vx, vy, vz = w[3], w[4], w[5]
    ax, ay, az = coast_rates(w[0], w[1], w[2], vx, vy, vz, p[SPIN])
    height = radial_height(w[0], w[1], w[2])
    mass = p[MASS] - p[FLOW] * (t - p[IGNITION])
    thrust = p[THRUST]
    if height < DRAG_CEILING_M and (p[DRAG_ON] > 0.0 or thrust > 0.0):
        density, pressure, sound = air(height)
        if thrust > 0.0:
            thrust = max(thrust - pressure * p[EXIT_AREA], 0.0)
        if p[DRAG_ON] > 0.0:
            speed = math.sqrt(vx * vx + vy * vy + vz * vz)
            if p[BETA] > 0.0:
                drag = 0.5 * density * speed / p[BETA]
            else:
                drag = 0.5 * density * speed * drag_coefficient(speed / sound, cd) * p[AREA] / mass
            ax -= drag * vx
            ay -= drag * vy
            az -= drag * vz
    if thrust > 0.0:
        dx, dy, dz = thrust_direction(t, vx, vy, vz, p)
        push = thrust / mass
        ax += push * dx
        ay += push * dy
        az += push * dz
    k[0], k[1], k[2], k[3], k[4], k[5] = vx, vy, vz, ax, ay, az


@kernel
def step(t, y, h, p, cd, k, w):
    """One step from ``y``: the new state is left in ``w``, its rates in ``k[6]``; returns (position, velocity) error.

    ``k[0]`` holds the rates at ``y`` on entry.
    """
    for stage in range(1, 7):
        for i in range(6):
            w[i] = FIVE[stage, 0] * k[0, i]
        for j in range(1, stage):
            for i in range(6):
                w[i] += FIVE[stage, j] * k[j, i]
        for i in range(6):
            w[i] = y[i] + h * w[i]
        rates(t + FIVE_NODES[stage] * h, w, p, cd, k[stage])
    at, moving = 0.0, 0.0
    for i in range(6):
        e = 0.0
        for j in range(7):
            e += FIVE_ERROR[j] * k[j, i]
        if i < 3:
            at += e * e
        else:
            moving += e * e
    return h * math.sqrt(at), h * math.sqrt(moving)


@kernel
def longest_step(y, thrusting):
    """The longest step that cannot jump over the air: to its top from above, a slice of it inside.

    A motor burning in thick air takes a missile through the speed of sound, a bump narrower than a free step.
    """
    height = radial_height(y[0], y[1], y[2])
    climb = climb_rate(y[0], y[1], y[2], y[3], y[4], y[5])
    if height < DRAG_CEILING_M:
        if thrusting and height < THICK_AIR_M:
            return BOOST_STEP_S
        return min(AIR_STEP_S, AIR_STEP_M / (abs(climb) + 1.0))
    # Falling at 9.9 m/s2 from here, the air would be met no later than it will be.
    time_to_air = (climb + math.sqrt(climb * climb + 2.0 * 9.9 * (height - DRAG_CEILING_M))) / 9.9
    return min(LONGEST_STEP_S, time_to_air + 0.5)


@kernel
def height_and_rate(y):
    """Geodetic height and its rate of change."""
    latitude, longitude, height = ecef_to_geodetic(y[0], y[1], y[2])
    level = math.cos(latitude)
    rate = level * (math.cos(longitude) * y[3] + math.sin(longitude) * y[4]) + math.sin(latitude) * y[5]
    return height, rate


@kernel
def note_apogee(y, w, h, tally):
    """Keeps the greatest height, at the top of a cubic through the step if the climb ends inside it."""
    if climb_rate(y[0], y[1], y[2], y[3], y[4], y[5]) < -NEARLY_LEVEL_M_S:
        return
    if climb_rate(w[0], w[1], w[2], w[3], w[4], w[5]) > NEARLY_LEVEL_M_S:
        tally[APOGEE] = max(tally[APOGEE], radial_height(w[0], w[1], w[2]))
        return
    low, up = height_and_rate(y)
    high, down = height_and_rate(w)
    tally[APOGEE] = max(tally[APOGEE], max(low, high))
    if up > 0.0 and down < 0.0:
        third = h * (up + down) - 2.0 * (high - low)
        second = 3.0 * (high - low) - h * (2.0 * up + down)
        root = second * second - 3.0 * third * h * up
        if root >= 0.0:
            s = min(1.0, max(0.0, h * up / (math.sqrt(root) - second)))
            tally[APOGEE] = max(tally[APOGEE], low + s * (h * up + s * (second + s * third)))


@kernel
def land(t, y, h, p, cd, k, w):
    """The step from ``y`` that ends on the ground, known to lie within ``h``; left in ``w``. Returns its length."""
    low, high = 0.0, h
    above = excess(y[0], y[1], y[2])
    length = h * above / (above - excess(w[0], w[1], w[2]))
    for _ in range(20):
        step(t, y, length, p, cd, k, w)
        beyond = excess(w[0], w[1], w[2])
        if beyond > 0.0:
            low = length
        else:
            high = length
        change = -beyond / excess_rate(w[0], w[1], w[2], w[3], w[4], w[5])
        if abs(change) < 1e-4:
            for i in range(6):
                w[i] += change * k[6, i]
            return length + change
        length += change
        if not low < length < high:
            length = 0.5 * (low + high)
    return length


@kernel
def advance(t, t_stop, y, p, cd, k, w, tally):
    """Carries ``y`` from ``t`` to ``t_stop``, or to the ground if that comes first: (time reached, how it ended)."""
    rates(t, y, p, cd, k[0])
    h = tally[NEXT_STEP]
    while t < t_stop:
        h = min(h, longest_step(y, p[THRUST] > 0.0))
        last = t + h >= t_stop - 1e-9
        taken = t_stop - t if last else h
        at, moving = step(t, y, taken, p, cd, k, w)
        tally[STEPS] += 1.0
        if tally[STEPS] > MAX_STEPS:
            return t, EXHAUSTED
        size = (at + VELOCITY_SCALE_S * moving) / p[TOLERANCE]
        if not size <= 1.0:
            h = taken * (max(0.2, 0.9 * size**-0.2) if size < 1e12 else 0.1)
            if not h > 1e-7:
                return t, EXHAUSTED
            continue
        down = excess(w[0], w[1], w[2]) < 0.0
        if down and excess(y[0], y[1], y[2]) > 0.0:
            taken = land(t, y, taken, p, cd, k, w)
        if p[THRUST] > 0.0:
            at *= BOOST_ERROR_FACTOR
            moving *= BOOST_ERROR_FACTOR
        tally[POSITION_ERROR] += at
        tally[VELOCITY_ERROR] += moving
        tally[VELOCITY_ERROR_TIME] += moving * t
        note_apogee(y, w, taken, tally)
        for i in range(6):
            y[i] = w[i]
            k[0, i] = k[6, i]
        t = t_stop if last and not down else t + taken
        growth = min(5.0, 0.9 * (size + 1e-10) ** -0.2)
        h = max(h, taken * growth) if last else taken * growth
        tally[NEXT_STEP] = h
        if down:
            return t, GROUND
    return t, REACHED


@kernel
def set_up(latitude, longitude, azimuth, pitch_final, rotation, drag, tolerance, beta, body, p, y, tally):
    """Places a missile on its pad and writes the settings that hold for the whole flight."""
    ex, ey, ez, nx, ny, nz, ux, uy, uz = enu_axes(latitude, longitude)
    s, c = math.sin(azimuth), math.cos(azimuth)
    p[SPIN] = OMEGA_RAD_S if rotation else 0.0
    p[DRAG_ON] = 1.0 if drag else 0.0
    p[UP], p[UP + 1], p[UP + 2] = ux, uy, uz
    p[AHEAD], p[AHEAD + 1], p[AHEAD + 2] = s * ex + c * nx, s * ey + c * ny, s * ez + c * nz
    p[RISE_END], p[PITCH_END], p[PITCH_FINAL], p[TURN] = body[0], body[1], pitch_final, 0.0
    p[TOLERANCE] = tolerance
    p[BETA_AFTER] = beta
    y[0], y[1], y[2] = geodetic_to_ecef(latitude, longitude, 0.0)
    y[3], y[4], y[5] = 0.0, 0.0, 0.0
    tally[:] = 0.0
    tally[NEXT_STEP] = 1.0


@kernel
def burn(stage, p):
    """Writes one stage's motor into the settings."""
    p[IGNITION], p[MASS], p[FLOW] = stage[0], stage[2], stage[3]
    p[THRUST], p[EXIT_AREA], p[AREA] = stage[4], stage[5], stage[6]
    p[BETA] = 0.0


@kernel
def turning(t, body):
    """What ``TURN`` is for a span of the boost that starts at ``t``: spans end where the pitching over does."""
    return body[5] if t >= body[1] - 1e-9 else 0.0


@kernel
def rest(t, p):
    """Stops the motor: no thrust, the mass of the moment."""
    p[MASS] -= p[FLOW] * (t - p[IGNITION])
    p[FLOW], p[THRUST], p[IGNITION] = 0.0, 0.0, t


@kernel
def cut_off(t, p):
    """Writes the coasting body into the settings: no thrust, the mass of the moment, the drag of what flies on."""
    rest(t, p)
    p[BETA] = p[BETA_AFTER]


@kernel
def fate(y, spin):
    """Whether a coasting body will come back: OK, NEVER_LANDS (its perigee clears the air) or ESCAPES."""
    wx, wy, wz = y[3] - spin * y[1], y[4] + spin * y[0], y[5]
    r = math.sqrt(y[0] * y[0] + y[1] * y[1] + y[2] * y[2])
    v2 = wx * wx + wy * wy + wz * wz
    energy = 0.5 * v2 - MU_M3_S2 / r
    radial = (y[0] * wx + y[1] * wy + y[2] * wz) / r
    turn2 = r * r * (v2 - radial * radial)
    if energy >= 0.0:
        return ESCAPES if radial > 0.0 else OK
    eccentricity = math.sqrt(max(0.0, 1.0 + 2.0 * energy * turn2 / (MU_M3_S2 * MU_M3_S2)))
    perigee = turn2 / (MU_M3_S2 * (1.0 + eccentricity))
    return NEVER_LANDS if perigee > 6_378_137.0 + DRAG_CEILING_M else OK


@kernel
def boost(cutoff, stage_count, stages, body, p, y, cd, k, w, tally):
    """From the pad to cut-off: (time, flag)."""
    t = 0.0
    for s in range(stage_count):
        if stages[s, 0] > t:
            rest(t, p)
            t, ended = advance(t, stages[s, 0], y, p, cd, k, w, tally)
            if ended != REACHED:
                return t, GROUND_IN_BOOST if ended == GROUND else STEP_LIMIT
        burn(stages[s], p)
        end = min(stages[s, 1], cutoff)
        for part in range(3):
            stop = min(body[part], end) if part < 2 else end
            if stop <= t:
                continue
            p[TURN] = turning(t, body)
            t, ended = advance(t, stop, y, p, cd, k, w, tally)
            if ended != REACHED:
                return t, GROUND_IN_BOOST if ended == GROUND else STEP_LIMIT
            tally[NEXT_STEP] = min(tally[NEXT_STEP], 1.0)
    return t, OK


@kernel
def describe(t, latitude, longitude, y, p, tally, result):
    """Writes where a flight came down, and how well it is known."""
    result[APOGEE_M], result[FLIGHT_S] = tally[APOGEE], t
    result[LATITUDE], result[LONGITUDE], _ = ecef_to_geodetic(y[0], y[1], y[2])
    result[RANGE], result[AZIMUTH], _, _ = geodesic_inverse(
        latitude, longitude, result[LATITUDE], result[LONGITUDE]
    )  # fmt: skip
    # A late error grows with the time left; where the path is shallow an error in height becomes one in range.
    made = tally[POSITION_ERROR] + t * tally[VELOCITY_ERROR] - tally[VELOCITY_ERROR_TIME]
    speed = math.sqrt(y[3] * y[3] + y[4] * y[4] + y[5] * y[5])
    steepness = abs(climb_rate(y[0], y[1], y[2], y[3], y[4], y[5])) / max(speed, 1e-3)
    result[ERROR] = made / max(steepness, 0.02)


@kernel
def fly(latitude, longitude, azimuth, cutoff, stage_count, stages, body, cd, p, y, k, w, tally, result):
    """A whole flight, after ``set_up``; fills ``result`` and returns the flag."""
    result[:] = 0.0
    t, flag = boost(cutoff, stage_count, stages, body, p, y, cd, k, w, tally)
    if flag != OK:
        return flag
    result[BURNOUT_S] = t
    result[BURNOUT_SPEED] = math.sqrt(y[3] * y[3] + y[4] * y[4] + y[5] * y[5])
    result[BURNOUT_HEIGHT] = radial_height(y[0], y[1], y[2])
    cut_off(t, p)
    flag = fate(y, p[SPIN])
    if flag != OK:
        return flag
    t, ended = advance(t, LONGEST_S, y, p, cd, k, w, tally)
    if ended == EXHAUSTED:
        return STEP_LIMIT
    if ended == REACHED:
        return NEVER_LANDS
    describe(t, latitude, longitude, y, p, tally, result)
    return OK


@kernel
def good_launch(latitude, longitude, azimuth, pitch_final, cutoff, beta, body):
    """Whether a launch can be flown at all; every comparison fails on a NaN."""
    if not (abs(latitude) <= 0.5 * math.pi and abs(longitude) <= 7.0 and abs(azimuth) <= 7.0):
        return False
    burns = cutoff >= body[3] + SHORTEST_BURN_S
    return -0.5 <= pitch_final <= 0.5 * math.pi and burns and 0.0 <= beta < 1e7


@kernel
def fly_rows(launch, missile, rotation, drag, tolerance, stage_count, stages, body, cd, results, flags):
    """Flies ``launch`` rows (latitude, longitude, azimuth, final pitch, cut-off, ballistic coefficient)."""
    p, y, w, tally = np.zeros(SETTINGS), np.zeros(6), np.zeros(6), np.zeros(TALLY)
    k = np.zeros((7, 6))
    for i in range(launch.shape[0]):
        m = missile[i]
        latitude, longitude, azimuth = launch[i, 0], launch[i, 1], launch[i, 2]
        pitch, cutoff, beta = launch[i, 3], launch[i, 4], launch[i, 5]
        if not good_launch(latitude, longitude, azimuth, pitch, cutoff, beta, body[m]):
            results[i, :] = 0.0
            flags[i] = BAD_INPUT
            continue
        set_up(latitude, longitude, azimuth, pitch, rotation, drag, tolerance, beta, body[m], p, y, tally)
        flags[i] = fly(
            latitude, longitude, azimuth, cutoff, stage_count[m], stages[m], body[m], cd[m],
            p, y, k, w, tally, results[i],
        )  # fmt: skip


@kernel
def descend_rows(states, betas, rotation, tolerance, results, flags):
    """Flies good ``states`` (ECEF) to the ground one by one: results (n, DESCENT): time, state, apogee, error."""
    p, y, w, tally, result = np.zeros(SETTINGS), np.zeros(6), np.zeros(6), np.zeros(TALLY), np.zeros(RESULTS)
    k, cd = np.zeros((7, 6)), np.zeros((1, 5))
    p[SPIN], p[TOLERANCE], p[MASS] = OMEGA_RAD_S if rotation else 0.0, tolerance, 1.0
    for i in range(states.shape[0]):
        tally[:] = 0.0
        results[i, :] = 0.0
        tally[NEXT_STEP] = 1.0
        p[DRAG_ON], p[BETA] = 1.0 if betas[i] > 0.0 else 0.0, betas[i]
        for c in range(6):
            y[c] = states[i, c]
        flags[i] = fate(y, p[SPIN])
        if flags[i] != OK:
            continue
        tally[APOGEE] = radial_height(y[0], y[1], y[2])
        t, ended = 0.0, GROUND
        if not (excess(y[0], y[1], y[2]) <= 0.0 and excess_rate(y[0], y[1], y[2], y[3], y[4], y[5]) <= 0.0):
            t, ended = advance(0.0, LONGEST_S, y, p, cd, k, w, tally)
        if ended != GROUND:
            flags[i] = STEP_LIMIT if ended == EXHAUSTED else NEVER_LANDS
            continue
        describe(t, 0.0, 0.0, y, p, tally, result)
        results[i, 0], results[i, 7], results[i, 8] = t, tally[APOGEE], result[ERROR]
        for c in range(6):
            results[i, 1 + c] = y[c]
