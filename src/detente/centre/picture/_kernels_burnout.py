"""What is open of a missile that nobody has seen since it was last seen burning: when its motor stopped, and whether
its state is that of the missile that was launched there at all."""

import math

from detente.centre.picture._kernels_boost import CLASS_LIMITS, RANGE_POWER
from detente.centre.picture._kernels_layout import (
    DOUBTED,
    ENERGY,
    ENERGY_S,
    ENERGY_VARIANCE,
    LAUNCH_LAT,
    LAUNCH_LON,
    LAUNCH_S,
    LAUNCH_SIGMA,
    LAUNCH_VALID,
    OPEN_S,
    OPEN_VARIANCE,
)
from detente.geodesy._kernels import enu_axes, geodetic_to_ecef
from detente.geodesy.constants import MU_M3_S2, OMEGA_RAD_S
from detente.jit import kernel

# At the end of its burn a missile's speed over the ground, times the burn, is so often the ground it has covered, and
# its climb, times the burn, so often its height: mean and sigma over the catalogue's missiles, flown by this project's
# flight room to aims near and far (2.7 to 3.8, and 1.8 to 3.2). It flies on in the direction in which it has come.
LEVEL_SHARE, LEVEL_SHARE_SIGMA = 3.3, 0.3
CLIMB_SHARE, CLIMB_SHARE_SIGMA = 2.4, 0.4
STRANGE2 = 6.25  # squared distance of 3 numbers; chance 10 % (χ²)
GROWN_SIGMAS = 3.0
AGAIN_S = 10.0  # energies so far apart in time are compared, or sooner where the growth is plain
GRAVITY_M_S2 = 9.8
LEAST_M = 1_000.0  # nearer to the launch than this, nothing can be told
EVEN = 1.0 / 12.0  # variance of what is evenly spread over 1


@kernel
def along2(P, first, x, y, z):
    """Variance along a unit vector, of the position (``first`` 0) or the velocity (3)."""
    d = (x, y, z)
    total = 0.0
    for i in range(3):
        for j in range(3):
            total += P[first + i, first + j] * d[i] * d[j]
    return total


@kernel
def note_burning(m, covariance, burning_s, seen, line):
    """Remember how well the speed of a missile is known that was just seen burning; doubt beforehand that one will
    coast which no satellite has ``seen``: radars see no plume, nor its end.
    """
    if not seen:
        line[DOUBTED], line[ENERGY_S] = 1.0, 0.0
        return
    speed = math.sqrt(m[3] ** 2 + m[4] ** 2 + m[5] ** 2)
    if burning_s > line[OPEN_S] and speed > 0.0:
        line[OPEN_S] = burning_s
        line[OPEN_VARIANCE] = along2(covariance, 3, m[3] / speed, m[4] / speed, m[5] / speed)


@kernel
def open_the_end(m, P, burning_s, time_s, line):
    """Widen a state whose thrust stopped at some time from ``burning_s`` to ``time_s``, nobody saw when.

    That a motor has stopped is no measurement of the speed that it had given: what was open of that before stays open,
    and what the thrust may have added since comes on top, evenly spread.
    """
    speed = math.sqrt(m[3] ** 2 + m[4] ** 2 + m[5] ** 2)
    age_s = burning_s - line[LAUNCH_S]
    if line[OPEN_S] == 0.0 or line[LAUNCH_VALID] == 0.0 or not (speed > 0.0 and age_s > 0.0):
        return
    thrust = 0.5 * RANGE_POWER * speed / age_s  # the range grows with the square of the speed
    since2 = (time_s - burning_s) ** 2
    x, y, z = m[3] / speed, m[4] / speed, m[5] / speed
    more = line[OPEN_VARIANCE] + EVEN * thrust * thrust * since2 - along2(P, 3, x, y, z)
    if more > 0.0:
        d = (x, y, z)
        for i in range(3):
            for j in range(3):
                P[3 + i, 3 + j] += more * d[i] * d[j]


@kernel
def is_strange(m, P, burning_s, time_s, settings, line):
    """Whether a state at the end of a burn is not that of a missile that was launched where and when it is said.

    A track that took a neighbour's plots has the neighbour's speed, or one that nobody has, at a place of its own; and
    no motor stops sooner than the catalogue's shortest burn.
    """
    if line[LAUNCH_VALID] == 0.0:
        return False
    if burning_s - line[LAUNCH_S] < CLASS_LIMITS[0, 2]:
        return True
    return strangeness2(m, P, burning_s, time_s, settings, line) > STRANGE2


@kernel
def strangeness2(m, P, burning_s, time_s, settings, line):
    """Squared distance, of 3 numbers, of a state at the end of a burn from what its launch leads to; 0 at the launch.

    The numbers: the speed ahead and the climb, from the ground covered and the height, and the speed aside, from none.
    """
    age_s, since_s = burning_s - line[LAUNCH_S], time_s - burning_s
    lx, ly, lz = geodetic_to_ecef(line[LAUNCH_LAT], line[LAUNCH_LON], 0.0)
    ex, ey, ez, nx, ny, nz, _, _, _ = enu_axes(line[LAUNCH_LAT], line[LAUNCH_LON])
    px, py, pz = m[0] - since_s * m[3], m[1] - since_s * m[4], m[2] - since_s * m[5]
    east, north = ex * (px - lx) + ey * (py - ly) + ez * (pz - lz), nx * (px - lx) + ny * (py - ly) + nz * (pz - lz)
    r = math.sqrt(px * px + py * py + pz * pz)
    level_m, height_m = math.hypot(east, north), r - math.sqrt(lx * lx + ly * ly + lz * lz)
    if not (level_m > LEAST_M and height_m > LEAST_M):
        return 0.0
    east, north = east / level_m, north / level_m
    ax, ay, az = ex * east + nx * north, ey * east + ny * north, ez * east + nz * north  # ahead
    sx, sy, sz = nx * east - ex * north, ny * east - ey * north, nz * east - ez * north  # aside
    ux, uy, uz = px / r, py / r, pz / r
    ahead = ax * m[3] + ay * m[4] + az * m[5]
    aside = sx * m[3] + sy * m[4] + sz * m[5]
    climb = ux * m[3] + uy * m[4] + uz * m[5] + GRAVITY_M_S2 * since_s
    late2, launch2 = (settings.boost_age_sigma_s / age_s) ** 2, line[LAUNCH_SIGMA] ** 2
    fit, width = LEVEL_SHARE * level_m / age_s, LEVEL_SHARE_SIGMA / LEVEL_SHARE
    spread2 = along2(P, 3, ax, ay, az) + fit * fit * (
        (along2(P, 0, ax, ay, az) + launch2) / (level_m * level_m) + width * width + late2
    )
    total = (ahead - fit) ** 2 / spread2
    turned2 = (along2(P, 0, sx, sy, sz) + launch2) / (level_m * level_m) + settings.boost_turn_rad**2
    total += aside * aside / (along2(P, 3, sx, sy, sz) + ahead * ahead * turned2)
    fit, width = CLIMB_SHARE * height_m / age_s, CLIMB_SHARE_SIGMA / CLIMB_SHARE
    spread2 = along2(P, 3, ux, uy, uz) + fit * fit * (
        along2(P, 0, ux, uy, uz) / (height_m * height_m) + width * width + late2
    )
    return total + (climb - fit) ** 2 / spread2


@kernel
def note_energy(m, P, updated_s, line):
    """Doubt that a line coasts which has gained energy since it was seen before, and none that has not: its motor
    burns on, and a tracker that believes in coasting takes the growth for noise.

    The energy is that of its flight around the Earth, per mass, in an inertial frame.
    """
    if updated_s <= line[ENERGY_S]:
        return
    r2 = m[0] * m[0] + m[1] * m[1] + m[2] * m[2]
    r = math.sqrt(r2)
    wx, wy, wz = m[3] - OMEGA_RAD_S * m[1], m[4] + OMEGA_RAD_S * m[0], m[5]
    pull = MU_M3_S2 / (r2 * r)
    slope = (
        pull * m[0] + OMEGA_RAD_S * wy, pull * m[1] - OMEGA_RAD_S * wx, pull * m[2], wx, wy, wz,
    )  # fmt: skip
    energy, spread = 0.5 * (wx * wx + wy * wy + wz * wz) - MU_M3_S2 / r, 0.0
    for i in range(6):
        for j in range(6):
            spread += slope[i] * P[i, j] * slope[j]
    grown = energy - line[ENERGY] > GROWN_SIGMAS * math.sqrt(max(line[ENERGY_VARIANCE], 0.0))
    compared = line[ENERGY_S] > 0.0 and (grown or updated_s - line[ENERGY_S] >= AGAIN_S)
    if compared:
        line[DOUBTED] = 1.0 if grown else 0.0
    if compared or line[ENERGY_S] == 0.0:
        line[ENERGY], line[ENERGY_VARIANCE], line[ENERGY_S] = energy, spread, updated_s
