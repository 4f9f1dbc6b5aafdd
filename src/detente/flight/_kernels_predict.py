"""Where a tracked object is going: the kernels a tracker, a picture and a battle plan call millions of times.

``coast_state`` moves a state through vacuum; ``impact_from_state`` says where and when it will land, assuming that it
is no longer boosting; ``predict_path`` lists the states on the way. All work on Earth-fixed states.
"""

import math

from detente.flight._kernels_air import DRAG_CEILING_M, air_density
from detente.flight._kernels_motion import (
    BAD_INPUT,
    ESCAPES,
    J2_PULL,
    NEVER_LANDS,
    OK,
    STEP_LIMIT,
    STRETCH,
    climb_rate,
    coast_step,
    excess,
    excess_rate,
    fall_step,
    plausible,
    radial_height,
)
from detente.geodesy.constants import A_M, G0_M_S2, MU_M3_S2, OMEGA_RAD_S
from detente.jit import kernel

COAST_STEP_S = 20.0
ENTRY_M = 100_000.0  # below it the air is flown through; above it, ignored
ENTRY_RADIUS_M = 6_371_000.0 + 97_000.0  # the end of the vacuum: 86 to 111 km high, by latitude
STEP_M = 5_000.0  # change of height in one step of time in the air
HIGH_M = 60_000.0
HIGH_STEP_M = 20_000.0  # one step down, above HIGH_M and below it
LOW_STEP_M = 10_000.0
FALLEN_STEP = 0.7
BRAKING_STEP = 0.4  # share of the speed lost in one step down,
AIR_BRAKING_STEP = 0.15  # and in one step of time
TOUCHDOWN_M = 0.5  # from here to the ground in a straight line
DEEPEST_M = 1_000.0  # a noisy state this far under the ground is still taken as landing
STEEP = 0.15  # sine of the descent angle above which height can serve as the clock
MAX_STEPS = 4000  # a light body falls for many minutes at its terminal speed
LONGEST_S = 14_400.0
KEPLER_ROUNDS = 12
SHORT_S = 400.0
KICK_SPAN_S = 1_200.0
GAUSS_2 = 0.21132486540518712  # first of two Gauss nodes on 0..1
GAUSS_3 = 0.1127016653792583  # first of three


@kernel
def coast_state(px, py, pz, vx, vy, vz, dt_s):
    """The state a time ``dt_s`` later (or earlier, if negative) in a vacuum, under central gravity and J2."""
    count = max(1, math.ceil(abs(dt_s) / COAST_STEP_S))
    h = dt_s / count
    for _ in range(count):
        px, py, pz, vx, vy, vz = coast_step(px, py, pz, vx, vy, vz, h, OMEGA_RAD_S)
    return px, py, pz, vx, vy, vz


@kernel
def kepler_drift(px, py, pz, vx, vy, vz, dt_s):
    """An inertial state moved along its Kepler ellipse; the energy must be negative.

    Lagrange's coefficients in the difference of eccentric anomaly; Halley's method on Kepler's equation.
    """
    r0 = math.sqrt(px * px + py * py + pz * pz)
    inverse_a = 2.0 / r0 - (vx * vx + vy * vy + vz * vz) / MU_M3_S2
    a = 1.0 / inverse_a
    motion = math.sqrt(MU_M3_S2 * inverse_a) * inverse_a
    e_cos = 1.0 - r0 * inverse_a
    e_sin = (px * vx + py * vy + pz * vz) * inverse_a / (motion * a)
    mean = motion * dt_s
    anomaly = mean * a / r0
    if anomaly > 1.0:
        anomaly = max(mean, 1.0)
    sine, cosine = 0.0, 1.0
    for _ in range(KEPLER_ROUNDS):
        sine, cosine = math.sin(anomaly), math.cos(anomaly)
        f = anomaly - e_cos * sine + e_sin * (1.0 - cosine) - mean
        slope = 1.0 - e_cos * cosine + e_sin * sine
        change = -f / slope
        change = -f / (slope + 0.5 * change * (e_cos * sine + e_sin * cosine))
        anomaly += change
        if abs(change) < 1e-5:
            # The sine and cosine of so small a change need no library call.
            half = 0.5 * change * change
            sine, cosine = sine + change * cosine - half * sine, cosine - change * sine - half * cosine
            break
    r = a * (1.0 - e_cos * cosine + e_sin * sine)
    f = 1.0 - a / r0 * (1.0 - cosine)
    g = dt_s + (sine - anomaly) / motion
    f_rate = -math.sqrt(MU_M3_S2 * a) / (r * r0) * sine
    g_rate = 1.0 - a / r * (1.0 - cosine)
    return (
        f * px + g * vx,
        f * py + g * vy,
        f * pz + g * vz,
        f_rate * px + g_rate * vx,
        f_rate * py + g_rate * vy,
        f_rate * pz + g_rate * vz,
    )


@kernel
def kepler_fall_time(px, py, pz, vx, vy, vz, radius_m):
    """Time until an inertial state comes down through a radius: (seconds, flag)."""
    r0 = math.sqrt(px * px + py * py + pz * pz)
    inverse_a = 2.0 / r0 - (vx * vx + vy * vy + vz * vz) / MU_M3_S2
    if inverse_a <= 1e-9:
        return 0.0, ESCAPES
    motion = math.sqrt(MU_M3_S2 * inverse_a) * inverse_a
    e_cos = 1.0 - r0 * inverse_a
    e_sin = (px * vx + py * vy + pz * vz) * inverse_a * inverse_a / motion
    eccentricity = math.sqrt(e_cos * e_cos + e_sin * e_sin)
    low = 1.0 - radius_m * inverse_a
    if low >= eccentricity:
        return 0.0, NEVER_LANDS
    turn = 2.0 * math.pi
    start = math.atan2(e_sin, e_cos)
    if start < 0.0:
        start += turn
    end = turn - math.acos(max(low / eccentricity, -1.0))
    passed = end - start - eccentricity * math.sin(end) + e_sin
    if passed < 0.0:
        return 0.0, OK  # already below that radius and falling
    if passed > motion * LONGEST_S:
        return 0.0, NEVER_LANDS
    return passed / motion, OK


@kernel
def bulge_kick(px, py, pz, vx, vy, vz, weight_s):
    """A velocity change: the pull of the Earth's bulge for ``weight_s`` seconds."""
    inverse_r2 = 1.0 / (px * px + py * py + pz * pz)
    sine2 = 5.0 * pz * pz * inverse_r2
    bulge = weight_s * J2_PULL * inverse_r2 * inverse_r2 * math.sqrt(inverse_r2)
    return vx + bulge * (sine2 - 1.0) * px, vy + bulge * (sine2 - 1.0) * py, vz + bulge * (sine2 - 3.0) * pz


@kernel
def kicked_drift(px, py, pz, vx, vy, vz, dt_s):
    """An inertial state moved along Kepler arcs, the bulge's pull gathered into kicks at Gauss nodes.

    Two kicks for a short flight, else three for every ``KICK_SPAN_S``.
    """
    short = dt_s < SHORT_S
    nodes = 2 if short else 3
    spans = 1 if short else 1 + int(dt_s / KICK_SPAN_S)
    span = dt_s / spans
    reached = 0.0
    for i in range(spans * nodes):
        place = i % nodes
        if short:
            node, weight = GAUSS_2 if place == 0 else 1.0 - GAUSS_2, 0.5
        elif place == 1:
            node, weight = 0.5, 8.0 / 18.0
        else:
            node, weight = GAUSS_3 if place == 0 else 1.0 - GAUSS_3, 5.0 / 18.0
        at = (i // nodes + node) * span
        px, py, pz, vx, vy, vz = kepler_drift(px, py, pz, vx, vy, vz, at - reached)
        reached = at
        vx, vy, vz = bulge_kick(px, py, pz, vx, vy, vz, weight * span)
    return kepler_drift(px, py, pz, vx, vy, vz, dt_s - reached)


@kernel
def turned_back(px, py, pz, vx, vy, vz, dt_s):
    """An inertial state seen from the Earth, ``dt_s`` after the two frames coincided."""
    c, s = math.cos(OMEGA_RAD_S * dt_s), math.sin(OMEGA_RAD_S * dt_s)
    qx, qy = c * px + s * py, c * py - s * px
    return qx, qy, pz, c * vx + s * vy + OMEGA_RAD_S * qy, c * vy - s * vx - OMEGA_RAD_S * qx, vz


@kernel
def fall_to_entry(px, py, pz, vx, vy, vz):
    """From above the air to the top of it, coming down: (time, state, flag)."""
    wx, wy = vx - OMEGA_RAD_S * py, vy + OMEGA_RAD_S * px
    time_s, flag = kepler_fall_time(px, py, pz, wx, wy, vz, ENTRY_RADIUS_M)
    if flag != OK:
        return 0.0, px, py, pz, vx, vy, vz, flag
    qx, qy, qz, ux, uy, uz = kicked_drift(px, py, pz, wx, wy, vz, time_s)
    qx, qy, qz, ux, uy, uz = turned_back(qx, qy, qz, ux, uy, uz, time_s)
    return time_s, qx, qy, qz, ux, uy, uz, OK


@kernel
def air_step_s(px, py, pz, vx, vy, vz, drag_per_density):
    """A step in time, in the air, over which neither the density nor the speed changes too much."""
    climb = abs(climb_rate(px, py, pz, vx, vy, vz))
    speed = math.sqrt(vx * vx + vy * vy + vz * vz)
    braking = air_density(radial_height(px, py, pz)) * drag_per_density * speed
    return min(10.0, min(STEP_M / (climb + 1.0), AIR_BRAKING_STEP / (braking + 1e-12)))


@kernel
def height_rates(px, py, pz, vx, vy, vz, drag_per_density):
    """The rates of ``fall_rates`` per metre of ``excess`` instead of per second; first the time per metre.

    The same arithmetic as ``pull``, ``excess_rate`` and ``radial_height`` with their square roots shared: this is the
    innermost line of a tracker's work.
    """
    across2, pz2 = px * px + py * py, pz * pz
    r2 = across2 + pz2
    inverse_r = 1.0 / math.sqrt(r2)
    inverse_r2 = inverse_r * inverse_r
    inverse_s = 1.0 / math.sqrt(across2 + STRETCH * pz2)
    height = r2 * inverse_r * (1.0 - A_M * inverse_s)
    per = 1.0 / ((px * vx + py * vy + STRETCH * pz * vz) * inverse_s)
    density = air_density(height) if height < DRAG_CEILING_M else 0.0
    drag = density * drag_per_density * math.sqrt(vx * vx + vy * vy + vz * vz)
    central = -MU_M3_S2 * inverse_r * inverse_r2
    sine2 = 5.0 * pz2 * inverse_r2
    bulge = J2_PULL * inverse_r * inverse_r2 * inverse_r2
    level = central + bulge * (sine2 - 1.0)
    ax = (level + OMEGA_RAD_S * OMEGA_RAD_S) * px + 2.0 * OMEGA_RAD_S * vy - drag * vx
    ay = (level + OMEGA_RAD_S * OMEGA_RAD_S) * py - 2.0 * OMEGA_RAD_S * vx - drag * vy
    az = (central + bulge * (sine2 - 3.0)) * pz - drag * vz
    return per, per * vx, per * vy, per * vz, per * ax, per * ay, per * az


@kernel
def height_step(px, py, pz, vx, vy, vz, above, rate, drag_per_density):
    """One classical Runge-Kutta step down with ``excess`` as the clock: (time taken, state).

    ``above`` is what is left to the ground and ``rate`` its rate of change. The step is short where the air brakes
    hard, and near the top of a flight, where the height is a poor clock: there it is a share of the fall so far.
    """
    at, ax, ay, az, au, av, aw = height_rates(px, py, pz, vx, vy, vz, drag_per_density)
    change2_per_m2 = (au * au + av * av + aw * aw) / (vx * vx + vy * vy + vz * vz)
    h = min(HIGH_STEP_M if above > HIGH_M else LOW_STEP_M, FALLEN_STEP * 0.5 / G0_M_S2 * rate * rate)
    h = -min(min(h, above), BRAKING_STEP / math.sqrt(change2_per_m2 + 1e-20))
    half = 0.5 * h
    bt, bx, by, bz, bu, bv, bw = height_rates(
        px + half * ax, py + half * ay, pz + half * az, vx + half * au, vy + half * av, vz + half * aw, drag_per_density
    )
    ct, cx, cy, cz, cu, cv, cw = height_rates(
        px + half * bx, py + half * by, pz + half * bz, vx + half * bu, vy + half * bv, vz + half * bw, drag_per_density
    )
    dt, dx, dy, dz, du, dv, dw = height_rates(
        px + h * cx, py + h * cy, pz + h * cz, vx + h * cu, vy + h * cv, vz + h * cw, drag_per_density
    )
    sixth = h / 6.0
    return (
        sixth * (at + 2.0 * (bt + ct) + dt),
        px + sixth * (ax + 2.0 * (bx + cx) + dx),
        py + sixth * (ay + 2.0 * (by + cy) + dy),
        pz + sixth * (az + 2.0 * (bz + cz) + dz),
        vx + sixth * (au + 2.0 * (bu + cu) + du),
        vy + sixth * (av + 2.0 * (bv + cv) + dv),
        vz + sixth * (aw + 2.0 * (bw + cw) + dw),
    )


@kernel
def fall_to_ground(px, py, pz, vx, vy, vz, drag_per_density):
    """From the top of the air, or inside it, to the ground: (time, state, flag).

    Where the path is steep the height is the clock, so that the landing needs no search; where it is not, time is.
    """
    time_s = 0.0
    for _ in range(MAX_STEPS):
        above = excess(px, py, pz)
        rate = excess_rate(px, py, pz, vx, vy, vz)
        if above < TOUCHDOWN_M and rate < 0.0:
            rest = -above / rate
            return time_s + rest, px + rest * vx, py + rest * vy, pz + rest * vz, vx, vy, vz, OK
        if -rate > STEEP * math.sqrt(vx * vx + vy * vy + vz * vz):
            taken, px, py, pz, vx, vy, vz = height_step(px, py, pz, vx, vy, vz, above, rate, drag_per_density)
            time_s += taken
        else:
            h = air_step_s(px, py, pz, vx, vy, vz, drag_per_density)
            qx, qy, qz, ux, uy, uz = fall_step(px, py, pz, vx, vy, vz, h, drag_per_density)
            below = excess(qx, qy, qz)
            if below < -TOUCHDOWN_M and above > 0.0:
                h *= above / (above - below)
                qx, qy, qz, ux, uy, uz = fall_step(px, py, pz, vx, vy, vz, h, drag_per_density)
            px, py, pz, vx, vy, vz = qx, qy, qz, ux, uy, uz
            time_s += h
    return time_s, px, py, pz, vx, vy, vz, STEP_LIMIT


@kernel
def state_at_impact(px, py, pz, vx, vy, vz, beta):
    """Time to the ground from a state that is no longer boosting, and the state there: (time, state, flag).

    ``beta`` is the ballistic coefficient in kg/m2; zero or less means no drag. Works from any point of the flight,
    the climb through the air included. Where the flag is not OK the time is 0 and the state the one given.
    """
    sx, sy, sz, sp, sq, sr = px, py, pz, vx, vy, vz
    if not plausible(px, py, pz, vx, vy, vz):
        return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, BAD_INPUT
    drag_per_density = 0.5 / beta if beta > 0.0 else 0.0
    time_s = 0.0
    height = radial_height(px, py, pz)
    if height < -DEEPEST_M:
        return 0.0, sx, sy, sz, sp, sq, sr, BAD_INPUT
    steps = 0
    while height < ENTRY_M and climb_rate(px, py, pz, vx, vy, vz) > 0.0 and steps < MAX_STEPS:
        h = air_step_s(px, py, pz, vx, vy, vz, drag_per_density)
        px, py, pz, vx, vy, vz = fall_step(px, py, pz, vx, vy, vz, h, drag_per_density)
        height = radial_height(px, py, pz)
        time_s += h
        steps += 1
    if height >= ENTRY_M:
        taken, px, py, pz, vx, vy, vz, flag = fall_to_entry(px, py, pz, vx, vy, vz)
        if flag != OK:
            return 0.0, sx, sy, sz, sp, sq, sr, flag
        time_s += taken
    taken, px, py, pz, vx, vy, vz, flag = fall_to_ground(px, py, pz, vx, vy, vz, drag_per_density)
    if flag != OK or not plausible(px, py, pz, vx, vy, vz):
        return 0.0, sx, sy, sz, sp, sq, sr, max(flag, STEP_LIMIT)
    return time_s + taken, px, py, pz, vx, vy, vz, OK


@kernel
def impact_from_state(px, py, pz, vx, vy, vz, beta):
    """Time to the ground and the point of impact: (time_s, x, y, z, flag). See ``state_at_impact``."""
    time_s, x, y, z, _, _, _, flag = state_at_impact(px, py, pz, vx, vy, vz, beta)
    return time_s, x, y, z, flag


@kernel
def move_on(px, py, pz, vx, vy, vz, dt_s, drag_per_density):
    """A state ``dt_s`` later, through the vacuum above 100 km and the air below; it may end under the ground."""
    left = dt_s
    for _ in range(MAX_STEPS):
        if left <= 1e-9:
            break
        if radial_height(px, py, pz) >= ENTRY_M:
            h = min(left, COAST_STEP_S)
            px, py, pz, vx, vy, vz = coast_step(px, py, pz, vx, vy, vz, h, OMEGA_RAD_S)
        else:
            h = min(left, air_step_s(px, py, pz, vx, vy, vz, drag_per_density))
            px, py, pz, vx, vy, vz = fall_step(px, py, pz, vx, vy, vz, h, drag_per_density)
            if excess(px, py, pz) < 0.0:
                return px, py, pz, vx, vy, vz, dt_s - left + h
        left -= h
    return px, py, pz, vx, vy, vz, dt_s


@kernel
def predict_path(px, py, pz, vx, vy, vz, beta, dt_s, n, out):
    """The states along the way from now to the ground, every ``dt_s``: (rows written, flag).

    ``out`` (at least n, 7): time from now, position, velocity. Row 0 is now; the last row is the impact, with flag
    OK, unless the path is longer than n rows: then the flag is NEVER_LANDS and the rows are good as far as they go.
    """
    if n < 1 or dt_s <= 0.0 or not plausible(px, py, pz, vx, vy, vz):
        return 0, BAD_INPUT
    drag_per_density = 0.5 / beta if beta > 0.0 else 0.0
    time_s = 0.0
    row = 0
    while True:
        out[row, 0] = time_s
        out[row, 1], out[row, 2], out[row, 3] = px, py, pz
        out[row, 4], out[row, 5], out[row, 6] = vx, vy, vz
        row += 1
        if row == n:
            return row, NEVER_LANDS
        qx, qy, qz, ux, uy, uz, taken = move_on(px, py, pz, vx, vy, vz, dt_s, drag_per_density)
        below = excess(qx, qy, qz)
        if below < 0.0 and excess_rate(qx, qy, qz, ux, uy, uz) < 0.0:
            break
        px, py, pz, vx, vy, vz = qx, qy, qz, ux, uy, uz
        time_s += taken
    taken, px, py, pz, vx, vy, vz, flag = fall_to_ground(px, py, pz, vx, vy, vz, drag_per_density)
    out[row, 0] = time_s + taken
    out[row, 1], out[row, 2], out[row, 3] = px, py, pz
    out[row, 4], out[row, 5], out[row, 6] = vx, vy, vz
    return row + 1, flag


@kernel
def impact_rows(states, betas, impacts, flags):
    """``impact_from_state`` of every row: impacts[i] = (time, x, y, z), zeros where the flag is not OK."""
    for i in range(states.shape[0]):
        time_s, x, y, z, flag = impact_from_state(
            states[i, 0], states[i, 1], states[i, 2], states[i, 3], states[i, 4], states[i, 5], betas[i]
        )
        flags[i] = flag
        if flag == OK:
            impacts[i, 0], impacts[i, 1], impacts[i, 2], impacts[i, 3] = time_s, x, y, z
        else:
            impacts[i, :] = 0.0


@kernel
def coast_rows(states, times, moved):
    """``coast_state`` of every row; false if a row is not a state."""
    for i in range(states.shape[0]):
        s = states[i]
        if not (plausible(s[0], s[1], s[2], s[3], s[4], s[5]) and abs(times[i]) <= LONGEST_S):
            return False
        moved[i, 0], moved[i, 1], moved[i, 2], moved[i, 3], moved[i, 4], moved[i, 5] = coast_state(
            s[0], s[1], s[2], s[3], s[4], s[5], times[i]
        )
    return True
