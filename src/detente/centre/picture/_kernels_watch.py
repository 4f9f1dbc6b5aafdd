"""How surely a radar, as it is stated, would see an object at a place."""

import math

from detente.geodesy._kernels import enu_axes, geodetic_to_ecef, line_of_sight_clear
from detente.jit import kernel

# Columns of a radar's site: where it stands and its axes, ECEF.
EAST_AXIS, NORTH_AXIS, UP_AXIS = 3, 6, 9
SITE_WIDTH = 12

# Columns of what is drawn of a sensor; the last of satellites, the three before it of radars alone.
REVISIT_S, REFERENCE_RANGE_M, REFERENCE_SNR, FALSE_ALARM, RANGE_MOST_M, DETECTION = range(6)
DRAWN_WIDTH = 6

# Columns of a sector: what a radar says that it watches.
BORESIGHT, HALF_WIDTH, LOWEST, HIGHEST, FARTHEST_M = range(5)
SECTOR_WIDTH = 5


@kernel
def place_sites(lat_rad, lon_rad, height_m, out):
    """Fill ``out`` (n, SITE_WIDTH): each site's place and its axes east, north and up."""
    for i in range(lat_rad.size):
        out[i, 0], out[i, 1], out[i, 2] = geodetic_to_ecef(lat_rad[i], lon_rad[i], height_m[i])
        axes = enu_axes(lat_rad[i], lon_rad[i])
        for k in range(9):
            out[i, EAST_AXIS + k] = axes[k]


@kernel
def detection_chance(site, drawn, sector, rcs_m2, margin_rad, margin_share, x, y, z):
    """P(a look sees an object of this radar cross section), 0 where the sector, less its margins, does not hold it.

    Swerling case 1: Pd = Pfa^(1 / (1 + SNR)), the ratio falling with the fourth power of the range.
    """
    dx, dy, dz = x - site[0], y - site[1], z - site[2]
    distance = math.sqrt(dx * dx + dy * dy + dz * dz)
    if not 1.0 < distance <= min(sector[FARTHEST_M], drawn[RANGE_MOST_M]) * (1.0 - margin_share):
        return 0.0
    east = site[3] * dx + site[4] * dy + site[5] * dz
    north = site[6] * dx + site[7] * dy + site[8] * dz
    up = site[9] * dx + site[10] * dy + site[11] * dz
    elevation = math.asin(min(max(up / distance, -1.0), 1.0))
    if not sector[LOWEST] + margin_rad <= elevation <= sector[HIGHEST] - margin_rad:
        return 0.0
    if sector[HALF_WIDTH] < math.pi:
        off = math.atan2(east, north) - sector[BORESIGHT]
        off -= 2.0 * math.pi * math.floor((off + math.pi) / (2.0 * math.pi))
        if abs(off) > sector[HALF_WIDTH] - margin_rad:
            return 0.0
    if not line_of_sight_clear(site[0], site[1], site[2], x, y, z, 0.0):
        return 0.0
    nearness = (drawn[REFERENCE_RANGE_M] / distance) ** 2
    snr = drawn[REFERENCE_SNR] * nearness * nearness * rcs_m2
    return drawn[FALSE_ALARM] ** (1.0 / (1.0 + snr))


@kernel
def missing_rate(
    watching, sites, drawn, sectors, rcs_m2, margin_rad, margin_share, chance_most, x, y, z
):  # fmt: skip
    """How fast seeing nothing here speaks against an object, in natural logarithms a second: radars that watch, summed.

    Each look missed is worth -ln(1 - Pd); no look is trusted beyond ``chance_most``.
    """
    rate = 0.0
    for i in range(watching.size):
        if watching[i] != 0:
            chance = detection_chance(sites[i], drawn[i], sectors[i], rcs_m2, margin_rad, margin_share, x, y, z)
            rate -= math.log(1.0 - min(chance, chance_most)) / drawn[i, REVISIT_S]
    return rate
