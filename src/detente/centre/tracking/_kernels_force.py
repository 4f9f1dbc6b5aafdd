"""What acts on a track besides gravity, and the fifteen points of a Gaussian that fall or climb under it side by side.

The points are lanes of one flat array (`flight/_kernels_lanes.py` says how): fourteen sigma points after the mean, and
the mean once more to fill the last place, so that two vectors of eight hold them all. They move by the midpoint rule.
"""

import math

from detente.centre.tracking._kernels_places import NOMINAL_BETA, THRUST_FLOOR
from detente.centre.tracking._kernels_sigma import POINTS, STATES
from detente.flight._kernels_lanes import RELAXED, lane_air, turning_rates
from detente.geodesy.constants import OMEGA_RAD_S
from detente.jit import kernel

LIGHTNESS_MOST = 40.0  # bodies of 63 kg/m², beyond what the prior reaches
PUSHING_MOST_HZ = 0.05
LANES = POINTS + 2
HIDDEN, MIDWAY, PULLED, NUMBERS = 6, 7, 13, 16  # rows: position and velocity, hidden force, both midway, acceleration


@kernel(inline=True)
def braking(density, speed, hidden, nominal_beta):
    """Drag over velocity, 1/s, of a track's lightness, which is kept below fortyfold.

    Some of a vague Gaussian lies below zero. There drag is let push, for the sake of its mean and spread, but gently.
    """
    light = hidden if hidden < LIGHTNESS_MOST else LIGHTNESS_MOST
    drag = 0.5 * density * speed * light / nominal_beta
    return drag if drag > -PUSHING_MOST_HZ else -PUSHING_MOST_HZ


@kernel(inline=True)
def thrust_direction(px, py, pz, vx, vy, vz, floor_m_s):
    """Unit vector along which a missile is taken to push, and the speed it is built from.

    Along the velocity, with ``floor_m_s`` of upward speed added: a missile that has hardly moved points up.
    """
    lift = floor_m_s / math.sqrt(px * px + py * py + pz * pz)
    wx, wy, wz = vx + lift * px, vy + lift * py, vz + lift * pz
    speed = math.sqrt(wx * wx + wy * wy + wz * wz) + 1e-9
    return wx / speed, wy / speed, wz / speed, speed


@kernel
def lay_points(x, state, root):
    """Begin all lanes of ``x`` (NUMBERS · LANES,) at ``state`` (7,), and the points off it by the columns of ``root``
    (7, 7), its lower triangle, either way.
    """
    for a in range(STATES):
        for lane in range(LANES):
            x[a * LANES + lane] = state[a]
    for k in range(STATES):
        for a in range(k, STATES):
            x[a * LANES + 2 * k + 1] += root[a, k]
            x[a * LANES + 2 * k + 2] -= root[a, k]


@kernel(fastmath=RELAXED)
def pull_falling(x, row, settings):
    """Every lane's acceleration in the air, at the place and velocity that stand from ``row`` on."""
    nominal_beta = settings[NOMINAL_BETA]
    for lane in range(LANES):
        at = row * LANES + lane
        px, py, pz = x[at], x[at + LANES], x[at + 2 * LANES]
        vx, vy, vz = x[at + 3 * LANES], x[at + 4 * LANES], x[at + 5 * LANES]
        ax, ay, az, height, _ = turning_rates(px, py, pz, vx, vy, vz, 0.0, OMEGA_RAD_S)
        density, _ = lane_air(height)
        speed = math.sqrt(vx * vx + vy * vy + vz * vz)
        drag = braking(density, speed, x[HIDDEN * LANES + lane], nominal_beta)
        x[PULLED * LANES + lane] = ax - drag * vx
        x[(PULLED + 1) * LANES + lane] = ay - drag * vy
        x[(PULLED + 2) * LANES + lane] = az - drag * vz


@kernel(fastmath=RELAXED)
def pull_burning(x, row, settings):
    """The same under thrust."""
    floor_m_s = settings[THRUST_FLOOR]
    for lane in range(LANES):
        at = row * LANES + lane
        px, py, pz = x[at], x[at + LANES], x[at + 2 * LANES]
        vx, vy, vz = x[at + 3 * LANES], x[at + 4 * LANES], x[at + 5 * LANES]
        ax, ay, az, _, _ = turning_rates(px, py, pz, vx, vy, vz, 0.0, OMEGA_RAD_S)
        dx, dy, dz, _ = thrust_direction(px, py, pz, vx, vy, vz, floor_m_s)
        thrust = x[HIDDEN * LANES + lane]
        x[PULLED * LANES + lane] = ax + thrust * dx
        x[(PULLED + 1) * LANES + lane] = ay + thrust * dy
        x[(PULLED + 2) * LANES + lane] = az + thrust * dz


@kernel
def step_points(x, h, boosting, settings):
    """Move every lane of ``x`` by one step of the midpoint rule."""
    half = 0.5 * h
    if boosting:
        pull_burning(x, 0, settings)
    else:
        pull_falling(x, 0, settings)
    for n in range(3 * LANES):
        x[MIDWAY * LANES + n] = x[n] + half * x[3 * LANES + n]
    for n in range(3 * LANES):
        x[(MIDWAY + 3) * LANES + n] = x[3 * LANES + n] + half * x[PULLED * LANES + n]
    if boosting:
        pull_burning(x, MIDWAY, settings)
    else:
        pull_falling(x, MIDWAY, settings)
    for n in range(3 * LANES):
        x[n] += h * x[(MIDWAY + 3) * LANES + n]
        x[3 * LANES + n] += h * x[PULLED * LANES + n]


@kernel
def gather_points(x, shift, P):
    """Fill ``shift`` (7,) and ``P`` (7, 7) with the mean and covariance of the points' offsets from the first lane."""
    share = 1.0 / POINTS
    for a in range(STATES):
        middle, total = x[a * LANES], 0.0
        for k in range(1, 1 + POINTS):
            x[a * LANES + k] -= middle
            total += x[a * LANES + k]
        shift[a] = total * share
    for a in range(STATES):
        for b in range(a + 1):
            total = 0.0
            for k in range(1, 1 + POINTS):
                total += x[a * LANES + k] * x[b * LANES + k]
            P[a, b] = total * share - shift[a] * shift[b]
            P[b, a] = P[a, b]
