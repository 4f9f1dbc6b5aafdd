"""Where flights came down, many at once: latitude and longitude, and how far from the pad and which way.

Everything follows from directions: the pad's vertical and the place of impact. No angle is needed but those that are
asked for, and the one that Vincenty's iteration turns on; near the antipode that does not settle, and the row is left
to the scalar kernel of ``geodesy``.
"""

import math

from detente.flight._kernels import APOGEE_M, AZIMUTH, ERROR, FLIGHT_S, LATITUDE, LONGITUDE, RANGE
from detente.flight._kernels_ascent import LEFT_APOGEE, LEFT_TIME
from detente.flight._kernels_coast import AT_X, ERROR_M, TIME_S, TOP_M
from detente.flight._kernels_lanes import LANES, RELAXED, TINY, rough_angle, sine_cosine
from detente.flight._kernels_motion import OK
from detente.geodesy._kernels_geodesic import vincenty_dsigma, vincenty_lon, vincenty_series
from detente.geodesy.constants import A_M, B_M, F
from detente.jit import kernel

# Rows of a block.
UP, AT = 0, 3  # the pad's vertical and the place of impact, three rows each
SINE_1, COSINE_1, SINE_2, COSINE_2 = 6, 7, 8, 9  # of the reduced latitudes
SINE, COSINE = 10, 11  # of the difference in longitude, the first without its sign
BEYOND, CHANGE = 12, 13  # how much farther it is on the sphere, and by how much that changed last
FAR, BEARING = 14, 15
ROWS = 16

ROUNDS = 5  # each gains two digits or more, but near the antipode
SETTLING = 1e-11  # rad: the next change would be a hundred times less
SHORTEST = 1e-9  # arcs below which no bearing is told here


@kernel(inline=True, fastmath=RELAXED)
def angle_of(y, x):
    """The angle of (x, y) for y of at least 0, to 1e-15: a rough one, and by how much that is off."""
    across = abs(x)
    low, high = (y, across) if y < across else (across, y)
    rough = rough_angle(low, high)
    s, c = sine_cosine(rough)
    angle = rough + (low * c - high * s) / (high * c + low * s + TINY)
    angle = angle if y < across else 0.5 * math.pi - angle
    return angle if x >= 0.0 else math.pi - angle


@kernel(inner=True, fastmath=RELAXED)
def compare(x):
    """Reduced latitudes of pad and impact, and the difference in longitude."""
    for lane in range(LANES):
        ux, uy, uz = x[UP * LANES + lane], x[(UP + 1) * LANES + lane], x[(UP + 2) * LANES + lane]
        px, py, pz = x[AT * LANES + lane], x[(AT + 1) * LANES + lane], x[(AT + 2) * LANES + lane]
        level, rise = math.sqrt(ux * ux + uy * uy), (1.0 - F) * uz
        per = 1.0 / math.sqrt(level * level + rise * rise)
        x[SINE_1 * LANES + lane], x[COSINE_1 * LANES + lane] = per * rise, per * level
        out, up = math.sqrt(px * px + py * py), pz * (A_M / B_M)
        per = 1.0 / math.sqrt(out * out + up * up)
        x[SINE_2 * LANES + lane], x[COSINE_2 * LANES + lane] = per * up, per * out
        per = 1.0 / (level * out + TINY)
        x[SINE * LANES + lane], x[COSINE * LANES + lane] = per * abs(ux * py - uy * px), per * (ux * px + uy * py)
        x[BEYOND * LANES + lane] = 0.0


@kernel(inner=True, fastmath=RELAXED)
def turn(x):
    """One round of Vincenty's iteration (1975, "Direct and inverse solutions of geodesics on the ellipsoid")."""
    for lane in range(LANES):
        before = x[BEYOND * LANES + lane]
        q = before * before
        s, c = before * (1.0 - q * (1.0 / 6.0 - q / 120.0)), 1.0 - q * (0.5 - q / 24.0)
        sin_l = x[SINE * LANES + lane] * c + x[COSINE * LANES + lane] * s
        cos_l = x[COSINE * LANES + lane] * c - x[SINE * LANES + lane] * s
        sin_1, cos_1 = x[SINE_1 * LANES + lane], x[COSINE_1 * LANES + lane]
        sin_2, cos_2 = x[SINE_2 * LANES + lane], x[COSINE_2 * LANES + lane]
        east, north = cos_2 * sin_l, cos_1 * sin_2 - sin_1 * cos_2 * cos_l
        sin_s, cos_s = math.sqrt(east * east + north * north), sin_1 * sin_2 + cos_1 * cos_2 * cos_l
        sigma = angle_of(sin_s, cos_s)
        sin_alpha = cos_1 * east / (sin_s + TINY)
        level = 1.0 - sin_alpha * sin_alpha
        cos2_alpha = level if level > 0.0 else 0.0
        cos_2m = cos_s - 2.0 * sin_1 * sin_2 / (cos2_alpha if cos2_alpha > 1e-15 else 1e15)
        cos_2m = cos_2m if cos_2m < 1.0 else 1.0
        cos_2m = cos_2m if cos_2m > -1.0 else -1.0
        big_a, big_b, big_c = vincenty_series(cos2_alpha)
        beyond = vincenty_lon(big_c, sin_alpha, sigma, sin_s, cos_s, cos_2m)
        x[BEYOND * LANES + lane] = beyond
        # On the far side of the antipode the way round the other side is the shorter one.
        good = (sin_s > SHORTEST) & (sin_l > 0.0)
        x[CHANGE * LANES + lane] = abs(beyond - before) if good else 1.0
        x[FAR * LANES + lane] = B_M * big_a * (sigma - vincenty_dsigma(big_b, sin_s, cos_s, cos_2m))
        x[BEARING * LANES + lane] = angle_of(east, north)


@kernel(inner=True, fastmath=RELAXED)
def name_place(x):
    """Writes latitude and longitude of the impacts over their positions, and the bearings with their signs."""
    for lane in range(LANES):
        px, py = x[AT * LANES + lane], x[(AT + 1) * LANES + lane]
        westward = x[UP * LANES + lane] * py < x[(UP + 1) * LANES + lane] * px
        bearing = x[BEARING * LANES + lane]
        x[BEARING * LANES + lane] = -bearing if westward else bearing
        sin_2, longitude = x[SINE_2 * LANES + lane], angle_of(abs(py), px)
        latitude = angle_of(abs(sin_2), (1.0 - F) * x[COSINE_2 * LANES + lane])
        x[AT * LANES + lane] = latitude if sin_2 > 0.0 else -latitude
        x[(AT + 1) * LANES + lane] = longitude if py >= 0.0 else -longitude


@kernel
def describe_rows(x, verticals, left, landed, made_m, flags, results, settled):
    """Writes how flights ended into ``_kernels``' columns, of rows whose flag is OK.

    ``verticals`` (n, 3): the pads', as unit vectors; ``left`` (n, ``_kernels_ascent.LEFT``) and ``landed`` (n,
    ``_kernels_coast.RESULTS``): when they left the clock, and when and where they came down; ``made_m`` (n,): the error
    made by the clock. Range and azimuth of rows that are not ``settled`` (n,) are to be had elsewhere. ``x`` is room
    for ROWS rows of lanes.
    """
    for first in range(0, flags.size, LANES):
        for lane in range(LANES):
            i = min(first + lane, flags.size - 1)
            for c in range(3):
                x[(UP + c) * LANES + lane], x[(AT + c) * LANES + lane] = verticals[i, c], landed[i, AT_X + c]
        compare(x)
        for _ in range(ROUNDS):
            turn(x)
        name_place(x)
        for lane in range(min(LANES, flags.size - first)):
            i = first + lane
            settled[i] = flags[i] != OK or x[CHANGE * LANES + lane] < SETTLING
            if flags[i] == OK:
                results[i, RANGE], results[i, AZIMUTH] = x[FAR * LANES + lane], x[BEARING * LANES + lane]
                results[i, LATITUDE], results[i, LONGITUDE] = x[AT * LANES + lane], x[(AT + 1) * LANES + lane]
                results[i, FLIGHT_S] = landed[i, TIME_S] + left[i, LEFT_TIME]
                results[i, ERROR] = landed[i, ERROR_M] + made_m[i]
                results[i, APOGEE_M] = landed[i, TOP_M] if landed[i, TOP_M] > 0.0 else left[i, LEFT_APOGEE]
