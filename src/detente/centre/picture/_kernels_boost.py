"""What may become of a missile that still burns, and of which class one is: nobody knows when its motor will stop.

Classes are those of range in common use (short to 1,000 km, medium to 3,000, intermediate to 5,500, intercontinental),
with the burning times of the catalogue's missiles of each. A missile may be flown to less than its reach.
"""

import math

import numpy as np

from detente.centre.picture._kernels_arc import landing_spread, vacuum_landing
from detente.centre.picture._kernels_layout import (
    CLASS,
    CLASSES,
    FORETOLD,
    IMPACT_EE,
    IMPACT_EN,
    IMPACT_LAT,
    IMPACT_LON,
    IMPACT_NN,
    IMPACT_S,
    IMPACT_SIGMA_S,
    IMPACT_VALID,
    LAUNCH_LAT,
    LAUNCH_LON,
    LAUNCH_S,
    LAUNCH_SIGMA,
    LAUNCH_VALID,
    ROUNDS,
    THREAT,
)
from detente.centre.picture._kernels_matrix import factor
from detente.flight._kernels_motion import OK
from detente.geodesy._kernels import ecef_to_geodetic, enu_axes, geodetic_to_ecef
from detente.geodesy._kernels_territory import territory_mask
from detente.geodesy.constants import MEAN_RADIUS_M, OMEGA_RAD_S
from detente.jit import kernel

# Shortest and longest flight (m), shortest and longest burn (s). Longest flights: the classes' edges, and 12,000 km.
# Burns: the catalogue's missiles, by class (70 to 90, 95 to 105, 125 to 205, 180 to 240 s), a tenth more, and a quarter
# less, for a motor may be stopped early. Shortest flights: half of the class's lower edge. Source: assumption, a third
# to all of it. How likely a class is beforehand: how many missiles the catalogue has of it.
CLASS_LIMITS = np.array([
    [100e3, 1_000e3, 52.0, 99.0, 5.0],
    [500e3, 3_000e3, 71.0, 116.0, 3.0],
    [1_500e3, 5_500e3, 94.0, 226.0, 2.0],
    [2_750e3, 12_000e3, 135.0, 264.0, 2.0],
])  # fmt: skip
# The share of its range that a missile has when so much of its burn is over (0, 0.1 … 1): geometric mean of the
# catalogue's missiles, flown by this project's flight room to their greatest range; one in three is off by more than
# 0.3 in the logarithm.
RANGE_SHARE = np.array([1e-4, 5e-4, 2.5e-3, 0.0115, 0.033, 0.070, 0.122, 0.197, 0.322, 0.525, 1.0])
SHARE_LOG_SIGMA = 0.3
RANGE_POWER = 4.5  # towards its end of the burn the range grows with about this power of the time
BURNS, SPREADS, TURNS = 6, 3, 3  # points for each class: of its burn, of the range then, of the direction
WAYS = CLASSES * BURNS * SPREADS
WAY_RANGE, WAY_CLASS, WAY_WEIGHT = 0, 1, 2
NODE = 1.2247448713915892  # √(3/2): three equal points at -, 0 and + this many sigmas have the variance
WIDEST_RAD2 = 0.25  # a direction known no better than half a radian is not one
LEAST_CHORD_M = 10_000.0  # a motor that stopped now would throw it this far at least, or its direction is not yet known
AHEAD_M = 10_000.0
LEAST_LOG_SIGMA = 0.1
# Time of a minimum-energy flight, 251 s for 300 km (Wheelon 1959), grows with this power of the range: within 7 %.
FLIGHT_S, FLIGHT_M, FLIGHT_POWER = 251.0, 300e3, 0.58


@kernel
def range_share(share):
    """What part of its range a missile has that has burnt for this share of its burn, 0 to 1."""
    place = min(max(share, 0.0), 1.0) * 10.0
    i = min(int(place), 9)
    return RANGE_SHARE[i] * (RANGE_SHARE[i + 1] / RANGE_SHARE[i]) ** (place - i)


@kernel
def list_ways(least_m, least_log_sigma, burning_s, age_sigma_s, ways):
    """What a missile may yet become: rows of range, class and weight; how many, the weights' sum being 1.

    ``least_m``: how far it would fly if its motor stopped now, with the sigma of its logarithm. Of each class's burns
    those are left that are not over, and of the ranges these lead to those that the class flies. Inside a class all
    burns are as likely beforehand.
    """
    count, total = 0, 0.0
    for k in range(CLASSES):
        for j in range(BURNS):
            burn_s = CLASS_LIMITS[k, 2] + (j + 0.5) / BURNS * (CLASS_LIMITS[k, 3] - CLASS_LIMITS[k, 2])
            if burn_s < burning_s - age_sigma_s:
                continue
            late = RANGE_POWER * age_sigma_s / burn_s
            sigma = math.sqrt(SHARE_LOG_SIGMA**2 + late * late + least_log_sigma * least_log_sigma)
            middle_m = least_m / range_share(burning_s / burn_s)
            for i in range(SPREADS):
                range_m = middle_m * math.exp((i - 1) * NODE * sigma)
                if CLASS_LIMITS[k, 0] <= range_m <= CLASS_LIMITS[k, 1]:
                    ways[count, WAY_RANGE], ways[count, WAY_CLASS] = range_m, k
                    ways[count, WAY_WEIGHT] = CLASS_LIMITS[k, 4]
                    total += CLASS_LIMITS[k, 4]
                    count += 1
    for n in range(count):
        ways[n, WAY_WEIGHT] /= total
    return count


@kernel
def sum_ways(ways, count, line):
    """Write P(class) and return mean and variance of the range, m."""
    for k in range(CLASSES):
        line[CLASS + k] = 0.0
    mean, square = 0.0, 0.0
    for n in range(count):
        range_m, weight = ways[n, WAY_RANGE], ways[n, WAY_WEIGHT]
        line[CLASS + int(ways[n, WAY_CLASS])] += weight
        mean += weight * range_m
        square += weight * range_m * range_m
    return mean, max(square - mean * mean, 0.0)


@kernel
def name_class(line):
    """Write P(class) of a line whose launch and impact are known: what flies so far may be any class that can."""
    for k in range(CLASSES):
        line[CLASS + k] = 0.0
    if line[LAUNCH_VALID] == 0.0 or line[IMPACT_VALID] == 0.0:
        return
    ax, ay, az = geodetic_to_ecef(line[LAUNCH_LAT], line[LAUNCH_LON], 0.0)
    bx, by, bz = geodetic_to_ecef(line[IMPACT_LAT], line[IMPACT_LON], 0.0)
    chord = math.sqrt((bx - ax) ** 2 + (by - ay) ** 2 + (bz - az) ** 2)
    range_m = 2.0 * MEAN_RADIUS_M * math.asin(min(1.0, 0.5 * chord / MEAN_RADIUS_M))
    total = 0.0
    for k in range(CLASSES):
        low, high = CLASS_LIMITS[k, 0], CLASS_LIMITS[k, 1]
        if low <= range_m <= high or (k == 0 and range_m < low) or (k == CLASSES - 1 and range_m > high):
            line[CLASS + k] = CLASS_LIMITS[k, 4] / (high - low)
            total += line[CLASS + k]
    for k in range(CLASSES):
        line[CLASS + k] /= total


@kernel
def fan_point(fan, range_m, turn_rad):
    """Latitude and longitude so far from the launch, so much to the left of the fan's middle.

    ``fan`` (3, 3): up at the launch, the direction in which it flies, and left of that; Earth-fixed unit vectors.
    """
    c, s = math.cos(range_m / MEAN_RADIUS_M), math.sin(range_m / MEAN_RADIUS_M)
    ahead, aside = s * math.cos(turn_rad), s * math.sin(turn_rad)
    lat, lon, _ = ecef_to_geodetic(
        MEAN_RADIUS_M * (c * fan[0, 0] + ahead * fan[1, 0] + aside * fan[2, 0]),
        MEAN_RADIUS_M * (c * fan[0, 1] + ahead * fan[1, 1] + aside * fan[2, 1]),
        MEAN_RADIUS_M * (c * fan[0, 2] + ahead * fan[1, 2] + aside * fan[2, 2]),
    )
    return lat, lon


@kernel
def lay_fan(m, covariance, settings, fan, line):
    """Where a burning missile is going: (how far it would fly if its motor stopped now, that one's variance over its
    square, the direction's variance), or 0s.

    The direction is that of the vacuum arc from the stated launch; what the state leaves open of it, and what the
    missile may still turn, is its variance. ``fan`` is laid out; its rows serve as room to work in before.
    """
    _, x, y, z, flag = vacuum_landing(m[0], m[1], m[2], m[3], m[4], m[5], MEAN_RADIUS_M, 1.0)
    lower = fan[3:]
    if flag != OK or not factor(covariance, 6, lower):
        return 0.0, 0.0, 0.0
    lat, lon, _ = ecef_to_geodetic(x, y, z)
    _, ee, en, nn, flag = landing_spread(m, lower, lat, lon, MEAN_RADIUS_M, 1.0)
    lx, ly, lz = geodetic_to_ecef(line[LAUNCH_LAT], line[LAUNCH_LON], 0.0)
    ex, ey, ez, nx, ny, nz, ux, uy, uz = enu_axes(line[LAUNCH_LAT], line[LAUNCH_LON])
    east, north = ex * (x - lx) + ey * (y - ly) + ez * (z - lz), nx * (x - lx) + ny * (y - ly) + nz * (z - lz)
    level, chord = math.hypot(east, north), math.sqrt((x - lx) ** 2 + (y - ly) ** 2 + (z - lz) ** 2)
    if flag != OK or not (chord > LEAST_CHORD_M and level > 0.0):
        return 0.0, 0.0, 0.0
    east, north = east / level, north / level
    fan[0, 0], fan[0, 1], fan[0, 2] = ux, uy, uz
    fan[1, 0], fan[1, 1], fan[1, 2] = ex * east + nx * north, ey * east + ny * north, ez * east + nz * north
    fan[2, 0], fan[2, 1], fan[2, 2] = nx * east - ex * north, ny * east - ey * north, nz * east - ez * north
    across2 = ee * north * north - 2.0 * en * east * north + nn * east * east
    along2 = ee * east * east + 2.0 * en * east * north + nn * north * north + line[LAUNCH_SIGMA] ** 2
    least_m = 2.0 * MEAN_RADIUS_M * math.asin(min(1.0, 0.5 * chord / MEAN_RADIUS_M))
    per = 1.0 / (least_m * least_m)
    return least_m, along2 * per, across2 * per + settings.boost_turn_rad**2


@kernel
def fan_threat(ground, fan, ways, count, turn2, line):
    """Fill in P(impact in each side's territory): every way it may go on, in three directions."""
    sides = line.size - THREAT
    for side in range(sides):
        line[THREAT + side] = 0.0
    for n in range(count):
        weight = ways[n, WAY_WEIGHT] / TURNS
        for i in range(TURNS):
            lat, lon = fan_point(fan, ways[n, WAY_RANGE], (i - 1) * NODE * math.sqrt(turn2))
            mask = np.int64(territory_mask(lat, lon, ground.raster, ground.row_offsets, ground.edges, ground.edge_side))
            for side in range(sides):
                line[THREAT + side] += weight * ((mask >> side) & 1)


@kernel
def flight_time_s(range_m):
    """How long a flight takes that goes so far with the least energy."""
    return FLIGHT_S * (range_m / FLIGHT_M) ** FLIGHT_POWER


@kernel
def foresee_boost(m, covariance, time_s, settings, ground, fan, ways, line):
    """State the impact of a missile that still burns: false where its direction, or everything, is too uncertain.

    From the stated launch, in the direction in which it is going, as far as a missile of any class may fly that has
    come so far in its time. ``fan`` is (9, 6), ``ways`` (WAYS, 3).
    """
    if line[LAUNCH_VALID] == 0.0:
        return False
    least_m, vague2, turn2 = lay_fan(m, covariance, settings, fan, line)
    if not (least_m > 0.0 and turn2 < WIDEST_RAD2 and vague2 < WIDEST_RAD2):
        return False
    count = list_ways(least_m, math.sqrt(vague2), time_s - line[LAUNCH_S], settings.boost_age_sigma_s, ways)
    if count == 0:
        return False
    range_m, along2 = sum_ways(ways, count, line)
    along2 += (LEAST_LOG_SIGMA * range_m) ** 2
    # The Earth turns under a long flight for longer than under the short one that gave the direction. What that, and
    # the direction itself, leave open across is widest for the longer ones.
    flight_s, far_m = flight_time_s(range_m), range_m + math.sqrt(along2)
    turn2 += (OMEGA_RAD_S * (flight_time_s(far_m) - flight_time_s(least_m))) ** 2
    across2 = (MEAN_RADIUS_M * math.sin(min(far_m / MEAN_RADIUS_M, 0.5 * math.pi))) ** 2 * turn2
    lat, lon = fan_point(fan, range_m, 0.0)
    beyond_lat, beyond_lon = fan_point(fan, range_m + AHEAD_M, 0.0)
    east, north = (beyond_lon - lon) * math.cos(lat), beyond_lat - lat
    east -= 2.0 * math.pi * math.cos(lat) * math.floor((beyond_lon - lon) / (2.0 * math.pi) + 0.5)
    level = math.hypot(east, north)
    east, north = east / level, north / level
    line[IMPACT_VALID] = 1.0
    line[IMPACT_LAT] = lat
    line[IMPACT_LON] = lon
    line[IMPACT_S] = line[LAUNCH_S] + settings.launch_arc_lag_s + settings.launch_arc_lag_s_m * range_m + flight_s
    line[IMPACT_SIGMA_S] = math.hypot(
        FLIGHT_POWER * flight_s * math.sqrt(along2) / range_m, settings.boost_time_share * flight_s
    )
    line[IMPACT_EE] = along2 * east * east + across2 * north * north
    line[IMPACT_EN] = (along2 - across2) * east * north
    line[IMPACT_NN] = along2 * north * north + across2 * east * east
    line[ROUNDS] += 1.0
    line[FORETOLD] = 0.0
    fan_threat(ground, fan, ways, count, turn2, line)
    return True
