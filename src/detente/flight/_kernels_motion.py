"""Gravity, the ellipsoid as a landing surface, and free motion in the Earth-fixed frame.

Every position is Earth-fixed (ECEF) and every velocity relative to the turning Earth, so the air is at rest and the
ground does not move; the price is two terms, Coriolis and centrifugal, in each acceleration.
"""

import math

from detente.flight._kernels_air import DRAG_CEILING_M, air_density
from detente.geodesy.constants import A_M, E2, J2, MU_M3_S2, OMEGA_RAD_S
from detente.jit import kernel

# The reasons a row can give; `flags.Flag` is their public face.
OK = 0
NEVER_LANDS = 1
ESCAPES = 2
STEP_LIMIT = 3
BAD_INPUT = 4
UNREACHABLE = 5
NO_CONVERGENCE = 6
GROUND_IN_BOOST = 7

STRETCH = 1.0 / (1.0 - E2)  # squared axis ratio: z is stretched to make a sphere
J2_PULL = 1.5 * J2 * MU_M3_S2 * A_M * A_M
FAR_M2 = 1e18  # squared distance beyond which a state is not one of ours
FAST_M2_S2 = 4e8  # 20 km/s, squared


@kernel
def pull(px, py, pz):
    """Gravitational acceleration of a flattened Earth: the central term and J2."""
    inverse_r2 = 1.0 / (px * px + py * py + pz * pz)
    inverse_r = math.sqrt(inverse_r2)
    central = -MU_M3_S2 * inverse_r * inverse_r2
    sine2 = 5.0 * pz * pz * inverse_r2
    bulge = J2_PULL * inverse_r * inverse_r2 * inverse_r2
    across = central + bulge * (sine2 - 1.0)
    return across * px, across * py, (central + bulge * (sine2 - 3.0)) * pz


@kernel
def excess(px, py, pz):
    """How far a point lies outside the ellipsoid, in the stretched space where the ellipsoid is a sphere (m).

    Exactly zero on the ground; ``radial_height`` turns it into a height.
    """
    return math.sqrt(px * px + py * py + STRETCH * pz * pz) - A_M


@kernel
def excess_rate(px, py, pz, vx, vy, vz):
    """The rate of change of ``excess`` (m/s)."""
    return (px * vx + py * vy + STRETCH * pz * vz) / math.sqrt(px * px + py * py + STRETCH * pz * pz)


@kernel
def radial_height(px, py, pz):
    """Height above the ellipsoid along the line to the Earth's centre: within 1 m of geodetic up to 150 km."""
    stretched = math.sqrt(px * px + py * py + STRETCH * pz * pz)
    return math.sqrt(px * px + py * py + pz * pz) * (1.0 - A_M / stretched)


@kernel
def climb_rate(px, py, pz, vx, vy, vz):
    """The rate at which the distance from the Earth's centre grows (m/s)."""
    return (px * vx + py * vy + pz * vz) / math.sqrt(px * px + py * py + pz * pz)


@kernel
def coast_rates(px, py, pz, vx, vy, vz, omega):
    """Acceleration of a body falling freely, as seen from the turning Earth."""
    ax, ay, az = pull(px, py, pz)
    ax += omega * (omega * px + 2.0 * vy)
    ay += omega * (omega * py - 2.0 * vx)
    return ax, ay, az


@kernel
def fall_rates(px, py, pz, vx, vy, vz, drag_per_density):
    """``coast_rates`` on the turning Earth with the drag of a body of given ballistic coefficient.

    ``drag_per_density`` is half the inverse of the ballistic coefficient, in m2/kg.
    """
    ax, ay, az = coast_rates(px, py, pz, vx, vy, vz, OMEGA_RAD_S)
    height = radial_height(px, py, pz)
    if height < DRAG_CEILING_M:
        drag = air_density(height) * drag_per_density * math.sqrt(vx * vx + vy * vy + vz * vz)
        ax -= drag * vx
        ay -= drag * vy
        az -= drag * vz
    return ax, ay, az


@kernel
def coast_step(px, py, pz, vx, vy, vz, h, omega):
    """One classical Runge-Kutta step of free motion on an Earth that turns at ``omega``."""
    half = 0.5 * h
    ax, ay, az = coast_rates(px, py, pz, vx, vy, vz, omega)
    ux, uy, uz = vx + half * ax, vy + half * ay, vz + half * az
    bx, by, bz = coast_rates(px + half * vx, py + half * vy, pz + half * vz, ux, uy, uz, omega)
    wx, wy, wz = vx + half * bx, vy + half * by, vz + half * bz
    cx, cy, cz = coast_rates(px + half * ux, py + half * uy, pz + half * uz, wx, wy, wz, omega)
    sx, sy, sz = vx + h * cx, vy + h * cy, vz + h * cz
    dx, dy, dz = coast_rates(px + h * wx, py + h * wy, pz + h * wz, sx, sy, sz, omega)
    sixth = h / 6.0
    return (
        px + sixth * (vx + 2.0 * (ux + wx) + sx),
        py + sixth * (vy + 2.0 * (uy + wy) + sy),
        pz + sixth * (vz + 2.0 * (uz + wz) + sz),
        vx + sixth * (ax + 2.0 * (bx + cx) + dx),
        vy + sixth * (ay + 2.0 * (by + cy) + dy),
        vz + sixth * (az + 2.0 * (bz + cz) + dz),
    )


@kernel
def fall_step(px, py, pz, vx, vy, vz, h, drag_per_density):
    """One classical Runge-Kutta step of a falling body in the air of the turning Earth."""
    half = 0.5 * h
    ax, ay, az = fall_rates(px, py, pz, vx, vy, vz, drag_per_density)
    ux, uy, uz = vx + half * ax, vy + half * ay, vz + half * az
    bx, by, bz = fall_rates(px + half * vx, py + half * vy, pz + half * vz, ux, uy, uz, drag_per_density)
    wx, wy, wz = vx + half * bx, vy + half * by, vz + half * bz
    cx, cy, cz = fall_rates(px + half * ux, py + half * uy, pz + half * uz, wx, wy, wz, drag_per_density)
    sx, sy, sz = vx + h * cx, vy + h * cy, vz + h * cz
    dx, dy, dz = fall_rates(px + h * wx, py + h * wy, pz + h * wz, sx, sy, sz, drag_per_density)
    sixth = h / 6.0
    return (
        px + sixth * (vx + 2.0 * (ux + wx) + sx),
        py + sixth * (vy + 2.0 * (uy + wy) + sy),
        pz + sixth * (vz + 2.0 * (uz + wz) + sz),
        vx + sixth * (ax + 2.0 * (bx + cx) + dx),
        vy + sixth * (ay + 2.0 * (by + cy) + dy),
        vz + sixth * (az + 2.0 * (bz + cz) + dz),
    )


@kernel
def plausible(px, py, pz, vx, vy, vz):
    """Whether a state is finite, near the Earth, not deep inside it, and no faster than anything we fly.

    Written so that a NaN fails every comparison.
    """
    r2 = px * px + py * py + pz * pz
    v2 = vx * vx + vy * vy + vz * vz
    return r2 < FAR_M2 and r2 > 4e13 and v2 < FAST_M2_S2
