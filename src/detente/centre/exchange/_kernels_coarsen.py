"""Taking detail away for good: secret constant offsets, then a public grid; variances grow to stay true."""

import math

from detente.chance._kernels import normal_pair, to_unit
from detente.geodesy.constants import MEAN_RADIUS_M
from detente.jit import kernel

NORMALS, NUMBERS = 6, 9
"""Of the secret numbers of a message, the first six are normal (position or point, then velocity), the others even
within ± ½ (grid north, grid east, time)."""

PARTS, WORDS = 4, 4
"""A clause's amounts in order: sigma of position, of velocity, grid, step of time; and the random words for each."""

SQUARE_SIDE_VARIANCE = 1.0 / 6.0
"""Variance of a point moved evenly within ± half a cell and then rounded to the cell: step²/12 twice."""


@kernel
def shifted_point(lat_rad, lon_rad, east_m, north_m):
    """A point moved along the great circle by this much east and north, on the sphere of the mean radius."""
    angle = math.sqrt(east_m * east_m + north_m * north_m) / MEAN_RADIUS_M
    azimuth = math.atan2(east_m, north_m)
    sin_lat, cos_lat = math.sin(lat_rad), math.cos(lat_rad)
    new_sin = sin_lat * math.cos(angle) + cos_lat * math.sin(angle) * math.cos(azimuth)
    new_lat = math.asin(min(1.0, max(-1.0, new_sin)))
    run = math.cos(angle) - sin_lat * math.sin(new_lat)
    return new_lat, wrapped(lon_rad + math.atan2(math.sin(azimuth) * math.sin(angle) * cos_lat, run))


@kernel
def wrapped(lon_rad):
    """A longitude in [-π, π)."""
    turned = lon_rad - 2.0 * math.pi * math.floor((lon_rad + math.pi) / (2.0 * math.pi))
    return -math.pi if turned >= math.pi else turned


@kernel
def latitude_step(grid_m):
    """Step of the public grid's parallels: an even number of them from pole to pole, at least ``grid_m`` apart."""
    pairs = math.floor(math.pi * MEAN_RADIUS_M / (2.0 * grid_m))
    return math.pi / (2.0 * max(1.0, pairs))


@kernel
def longitude_step(lat_rad, grid_m):
    """Step of the public grid's meridians on a parallel: a whole number of them, at least ``grid_m`` apart."""
    around = math.floor(2.0 * math.pi * math.cos(lat_rad) * MEAN_RADIUS_M / grid_m)
    return 2.0 * math.pi / max(1.0, around)


@kernel
def gridded_point(lat_rad, lon_rad, grid_m, move_0, move_1):
    """(lat, lon, east variance, north variance): moved by secret fractions of a cell (±½), then rounded to the grid.

    The move comes before the rounding and is not undone, so that however often an estimate is repeated, what can be
    averaged out of the replies is the moved point, never the true one. East and north both own up to a whole cell, also
    where few meridians are left, or at a pole none.
    """
    step = latitude_step(grid_m)
    moved = min(0.5 * math.pi, max(-0.5 * math.pi, lat_rad + move_0 * step))
    new_lat = min(0.5 * math.pi, max(-0.5 * math.pi, step * math.floor(moved / step + 0.5)))
    across = longitude_step(new_lat, grid_m)
    new_lon = wrapped(across * math.floor(wrapped(lon_rad + move_1 * across) / across + 0.5))
    north_m = max(grid_m, step * MEAN_RADIUS_M)
    east_m = max(grid_m, min(across, math.pi) * MEAN_RADIUS_M * math.cos(new_lat))
    return new_lat, new_lon, east_m * east_m * SQUARE_SIDE_VARIANCE, north_m * north_m * SQUARE_SIDE_VARIANCE


@kernel
def stepped_time(time_s, step_s, move):
    """A time moved by a secret fraction of a step (±½), then rounded to whole steps."""
    return step_s * math.floor(time_s / step_s + move + 0.5)


@kernel
def fill_numbers(words, numbers):
    """numbers[m] from words[m] (4 parts, 4 words): those of each part, in order; see NORMALS."""
    for m in range(words.shape[0]):
        for part in range(2):
            x, y = normal_pair(to_unit(words[m, part, 0]), to_unit(words[m, part, 1]))
            z, _ = normal_pair(to_unit(words[m, part, 2]), to_unit(words[m, part, 3]))
            numbers[m, 3 * part], numbers[m, 3 * part + 1], numbers[m, 3 * part + 2] = x, y, z
        numbers[m, NORMALS] = to_unit(words[m, 2, 0]) - 0.5
        numbers[m, NORMALS + 1] = to_unit(words[m, 2, 1]) - 0.5
        numbers[m, NORMALS + 2] = to_unit(words[m, 3, 0]) - 0.5


@kernel
def coarsen_state(numbers, sigma_m, sigma_m_s, state, covariance):
    """Move a track's state by its secret constant offset and add the offset's variance, in place."""
    for i in range(6):
        sigma = sigma_m if i < 3 else sigma_m_s
        state[i] += sigma * numbers[i]
        covariance[i * (i + 3) // 2] += sigma * sigma


@kernel
def coarsen_point(numbers, sigma_m, grid_m, lat_rad, lon_rad):
    """(lat, lon, added east variance, added north variance) of a launch or impact point as it may be told."""
    east_m2, north_m2 = sigma_m * sigma_m, sigma_m * sigma_m
    if sigma_m > 0.0:
        lat_rad, lon_rad = shifted_point(lat_rad, lon_rad, sigma_m * numbers[0], sigma_m * numbers[1])
    if grid_m > 0.0:
        lat_rad, lon_rad, east, north = gridded_point(lat_rad, lon_rad, grid_m, numbers[NORMALS], numbers[NORMALS + 1])
        east_m2 += east
        north_m2 += north
    return lat_rad, lon_rad, east_m2, north_m2


@kernel
def coarsen(clause, data, sigma_m, sigma_m_s, grid_m, step_s, numbers, state, covariance, launch, impact):
    """Take away from each of M messages what its clause says, in place; by class, only the part that it carries.

    ``launch`` is lat, lon, time, circular sigma, which must stand for the larger of east and north. ``impact`` is lat,
    lon, time, sigma of time, east-east, east-north, north-north.
    """
    for m in range(clause.size):
        c = clause[m]
        if sigma_m[c] + sigma_m_s[c] + grid_m[c] + step_s[c] == 0.0:
            continue
        if data[m] == 3:
            coarsen_state(numbers[m], sigma_m[c], sigma_m_s[c], state[m], covariance[m])
            continue
        point = launch[m] if data[m] == 1 else impact[m]
        point[0], point[1], east_m2, north_m2 = coarsen_point(numbers[m], sigma_m[c], grid_m[c], point[0], point[1])
        if step_s[c] > 0.0:
            point[2] = stepped_time(point[2], step_s[c], numbers[m, NORMALS + 2])
        if data[m] == 1:
            point[3] = math.sqrt(point[3] * point[3] + max(east_m2, north_m2))
        else:
            point[3] = math.sqrt(point[3] * point[3] + step_s[c] * step_s[c] * SQUARE_SIDE_VARIANCE)
            point[4] += east_m2
            point[6] += north_m2
