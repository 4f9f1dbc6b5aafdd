"""Shortest paths over the ellipsoid: from here to there, and from here that way for so long."""

import math

from detente.geodesy.constants import B_M, EP2, F
from detente.jit import kernel

STEPS_MAX = 32  # of Vincenty's iteration: it settles in 3 to 8 except near the antipode
HALVINGS = 60  # of an azimuth between 0 and π: 60 take it below the last bit
SETTLED = 1e-13  # rad


@kernel
def vincenty_series(cos2_alpha):
    """A, B and C of Vincenty 1975 (eqs. 3, 4 and 10) at an equatorial azimuth."""
    u2 = cos2_alpha * EP2
    big_a = 1.0 + u2 / 16384.0 * (4096.0 + u2 * (-768.0 + u2 * (320.0 - 175.0 * u2)))
    big_b = u2 / 1024.0 * (256.0 + u2 * (-128.0 + u2 * (74.0 - 47.0 * u2)))
    big_c = F / 16.0 * cos2_alpha * (4.0 + F * (4.0 - 3.0 * cos2_alpha))
    return big_a, big_b, big_c


@kernel
def vincenty_dsigma(big_b, sin_s, cos_s, cos_2m):
    """The difference of arc Δσ of Vincenty 1975 (eq. 6)."""
    c2 = cos_2m * cos_2m
    return big_b * sin_s * (
        cos_2m
        + 0.25 * big_b
        * (cos_s * (2.0 * c2 - 1.0) - big_b / 6.0 * cos_2m * (4.0 * sin_s * sin_s - 3.0) * (4.0 * c2 - 3.0))
    )  # fmt: skip


@kernel
def vincenty_lon(big_c, sin_alpha, sigma, sin_s, cos_s, cos_2m):
    """How much the longitude on the ellipsoid falls short of that on the sphere (Vincenty 1975, eq. 11)."""
    return (1.0 - big_c) * F * sin_alpha * (
        sigma + big_c * sin_s * (cos_2m + big_c * cos_s * (2.0 * cos_2m * cos_2m - 1.0))
    )  # fmt: skip


@kernel
def reduced(lat_rad):
    """Sine and cosine of the reduced latitude."""
    rise, run = (1.0 - F) * math.sin(lat_rad), math.cos(lat_rad)
    inverse = 1.0 / math.sqrt(rise * rise + run * run)
    return rise * inverse, run * inverse


@kernel
def wrap(angle):
    """The same angle in [-π, π]; one that lies there already keeps its bits."""
    return angle - 2.0 * math.pi * math.floor(angle / (2.0 * math.pi) + 0.5)


@kernel
def vincenty_inverse(sin_u1, cos_u1, sin_u2, cos_u2, lon12):
    """Vincenty 1975's inverse iteration: (distance_m, azimuth1, azimuth2, settled)."""
    lon = lon12
    for _ in range(STEPS_MAX):
        sin_l, cos_l = math.sin(lon), math.cos(lon)
        east, north = cos_u2 * sin_l, cos_u1 * sin_u2 - sin_u1 * cos_u2 * cos_l
        sin_s = math.sqrt(east * east + north * north)
        cos_s = sin_u1 * sin_u2 + cos_u1 * cos_u2 * cos_l
        if sin_s == 0.0:
            return 0.0, 0.0, 0.0, cos_s > 0.0
        sigma = math.atan2(sin_s, cos_s)
        sin_alpha = cos_u1 * cos_u2 * sin_l / sin_s
        cos2_alpha = max(0.0, 1.0 - sin_alpha * sin_alpha)
        cos_2m = cos_s - 2.0 * sin_u1 * sin_u2 / cos2_alpha if cos2_alpha > 1e-15 else 0.0
        cos_2m = min(1.0, max(-1.0, cos_2m))
        big_a, big_b, big_c = vincenty_series(cos2_alpha)
        before = lon
        lon = lon12 + vincenty_lon(big_c, sin_alpha, sigma, sin_s, cos_s, cos_2m)
        if abs(lon) > math.pi:
            return 0.0, 0.0, 0.0, False
        if abs(lon - before) < SETTLED:
            distance = B_M * big_a * (sigma - vincenty_dsigma(big_b, sin_s, cos_s, cos_2m))
            azimuth2 = math.atan2(cos_u1 * sin_l, cos_u1 * sin_u2 * cos_l - sin_u1 * cos_u2)
            return distance, math.atan2(east, north), azimuth2, True
    return 0.0, 0.0, 0.0, False


@kernel
def crossing(azimuth1, sin_u1, cos_u1, sin_u2, cos_u2):
    """Where a geodesic leaving point 1 next crosses latitude 2 northbound: (longitude gained, distance_m, azimuth2).

    Needs lat1 ≤ 0 and |lat2| ≤ |lat1|. C. F. F. Karney, "Algorithms for geodesics", J. Geodesy 87 (2013), section 4.
    """
    sin_1, cos_1 = math.sin(azimuth1), math.cos(azimuth1)
    sin_0 = sin_1 * cos_u1
    north2 = math.sqrt(max(0.0, cos_1 * cos_1 * cos_u1 * cos_u1 + (cos_u2 - cos_u1) * (cos_u2 + cos_u1)))
    sigma1 = math.atan2(sin_u1, cos_1 * cos_u1)
    sigma2 = math.atan2(sin_u2, north2)
    omega1 = math.atan2(sin_0 * sin_u1, cos_1 * cos_u1)
    omega2 = math.atan2(sin_0 * sin_u2, north2)
    sigma = sigma2 - sigma1
    sin_s, cos_s, cos_2m = math.sin(sigma), math.cos(sigma), math.cos(sigma1 + sigma2)
    big_a, big_b, big_c = vincenty_series(max(0.0, 1.0 - sin_0 * sin_0))
    lon = omega2 - omega1 - vincenty_lon(big_c, sin_0, sigma, sin_s, cos_s, cos_2m)
    distance = B_M * big_a * (sigma - vincenty_dsigma(big_b, sin_s, cos_s, cos_2m))
    return lon, distance, math.atan2(sin_0, north2)


@kernel
def antipodal_inverse(lat1, sin_u1, cos_u1, lat2, sin_u2, cos_u2, lon12):
    """The inverse problem where Vincenty's iteration fails: halve the azimuth until the longitudes meet.

    Longitude gained rises with azimuth from 0 to π, so the halving always ends. ``lon12`` is in [0, π].
    """
    swapped = abs(lat1) < abs(lat2)
    if swapped:
        lat1, sin_u1, cos_u1, lat2, sin_u2, cos_u2 = lat2, sin_u2, cos_u2, lat1, sin_u1, cos_u1
    mirrored = lat1 > 0.0
    if mirrored:
        sin_u2 = -sin_u2
    # The sign of a zero tells which way round the equator the start is met, so it is set, not left to chance.
    sin_u1 = -abs(sin_u1)
    low, high = 0.0, math.pi
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        lon, distance, azimuth2 = crossing(middle, sin_u1, cos_u1, sin_u2, cos_u2)
        if lon < lon12:
            low = middle
        else:
            high = middle
    azimuth1 = 0.5 * (low + high)
    lon, distance, azimuth2 = crossing(azimuth1, sin_u1, cos_u1, sin_u2, cos_u2)
    if swapped:
        azimuth1, azimuth2 = azimuth2, azimuth1
    if mirrored != swapped:
        azimuth1, azimuth2 = math.pi - azimuth1, math.pi - azimuth2
    return distance, azimuth1, azimuth2


@kernel
def geodesic_inverse(lat1_rad, lon1_rad, lat2_rad, lon2_rad):
    """Shortest path between two points of the ellipsoid: (distance_m, azimuth1_rad, azimuth2_rad, ok).

    Azimuths are of travel, clockwise from north in (-π, π], at the start and at the end. ``ok`` is false for input
    that is not a latitude and a longitude; then the numbers are NaN. Within 0.1 mm of Karney's geodesic everywhere.
    """
    if not (abs(lat1_rad) <= 0.5 * math.pi and abs(lat2_rad) <= 0.5 * math.pi and abs(lon2_rad - lon1_rad) < 1e6):
        return math.nan, math.nan, math.nan, False
    lon12 = wrap(lon2_rad - lon1_rad)
    westward = lon12 < 0.0
    sin_u1, cos_u1 = reduced(lat1_rad)
    sin_u2, cos_u2 = reduced(lat2_rad)
    distance, azimuth1, azimuth2, settled = vincenty_inverse(sin_u1, cos_u1, sin_u2, cos_u2, abs(lon12))
    if not settled:
        distance, azimuth1, azimuth2 = antipodal_inverse(
            lat1_rad, sin_u1, cos_u1, lat2_rad, sin_u2, cos_u2, abs(lon12)
        )  # fmt: skip
    if westward:
        azimuth1, azimuth2 = -azimuth1, -azimuth2
    return distance, azimuth1, azimuth2, True


@kernel
def geodesic_direct(lat_rad, lon_rad, azimuth_rad, distance_m):
    """Where a geodesic of this length ends: (lat_rad, lon_rad in [-π, π], azimuth_rad of arrival). Vincenty 1975.

    The arc is found by a fixed number of steps, each of which gains three digits.
    """
    sin_u1, cos_u1 = reduced(lat_rad)
    sin_1, cos_1 = math.sin(azimuth_rad), math.cos(azimuth_rad)
    sigma1 = math.atan2(sin_u1, cos_u1 * cos_1)
    sin_alpha = cos_u1 * sin_1
    big_a, big_b, big_c = vincenty_series(max(0.0, 1.0 - sin_alpha * sin_alpha))
    straight = distance_m / (B_M * big_a)
    sigma = straight
    for _ in range(6):
        cos_2m = math.cos(2.0 * sigma1 + sigma)
        sigma = straight + vincenty_dsigma(big_b, math.sin(sigma), math.cos(sigma), cos_2m)
    sin_s, cos_s, cos_2m = math.sin(sigma), math.cos(sigma), math.cos(2.0 * sigma1 + sigma)
    inward = sin_u1 * sin_s - cos_u1 * cos_s * cos_1
    lat2 = math.atan2(
        sin_u1 * cos_s + cos_u1 * sin_s * cos_1, (1.0 - F) * math.sqrt(sin_alpha * sin_alpha + inward * inward)
    )
    lon = math.atan2(sin_s * sin_1, cos_u1 * cos_s - sin_u1 * sin_s * cos_1)
    # atan2 folds the spherical longitude; whole turns matter only to the correction, which keeps the unfolded arc.
    lon -= vincenty_lon(big_c, sin_alpha, sigma, sin_s, cos_s, cos_2m)
    return lat2, wrap(lon_rad + lon), math.atan2(sin_alpha, -inward)


@kernel
def inverse_rows(start, end, out, ok):
    """out[i] = (distance, azimuth1, azimuth2) from start[i] to end[i], each (lat, lon)."""
    for i in range(start.shape[0]):
        out[i, 0], out[i, 1], out[i, 2], ok[i] = geodesic_inverse(start[i, 0], start[i, 1], end[i, 0], end[i, 1])


@kernel
def direct_rows(start, azimuths, distances, out):
    """out[i] = (lat, lon, azimuth of arrival) after distances[i] from start[i] along azimuths[i]."""
    for i in range(start.shape[0]):
        out[i, 0], out[i, 1], out[i, 2] = geodesic_direct(start[i, 0], start[i, 1], azimuths[i], distances[i])
