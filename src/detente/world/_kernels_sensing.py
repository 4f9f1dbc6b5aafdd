"""Every look of every sensor at every object, one replicate after another.

A look is one visit of a sensor's beam or scan; its number, counted from the replicate's first, is the tick of every
draw made in it. Each draw has its own address, so the order of these loops changes no number.
"""

import math

import numpy as np

from detente.chance._kernels import normals, uniforms
from detente.chance.draws import Stage
from detente.flight._kernels_orbit import orbit_position
from detente.geodesy._kernels import (
    ecef_height,
    ecef_to_geodetic,
    enu_axes,
    geodetic_to_ecef,
    line_of_sight_clear,
)
from detente.jit import kernel
from detente.records.slots import DetectionKind
from detente.world._kernels_path import position_between

RADAR = int(DetectionKind.RADAR)
INFRARED = int(DetectionKind.INFRARED)
# Parts of addresses have a full integer type, not that of a literal: numba would compile each kernel again for each.
DETECTION = np.int64(Stage.DETECTION)
NOISE = np.int64(Stage.NOISE)
FALSE_ALARM = np.int64(Stage.FALSE_ALARM)
ORDER = np.int64(Stage.ORDER)
NONE = np.int64(0)
REAL = np.int64(0)  # ordinal of the shuffle of what is seen, and of what is not there
FALSE = np.int64(1)

SIGMA_FLOOR = 0.1  # of the reference sigma: what calibration leaves however strong the echo. Assumption (0.05-0.3).
SNR_LEAST = 1.0  # ratio; a plot that crosses a very low threshold still states an error of its own size
AZIMUTH_SIGMA_MOST_RAD = math.pi / math.sqrt(3.0)  # of an azimuth that is not known at all: uniform over the circle
COS_LEAST = 1e-6
FASTEST_M_S = 12_000.0  # more than the speed at which a body leaves the Earth
TRIES = 32  # for a false infrared plot: points of the watched box, until one can be seen

# Columns of a raw plot.
TIME, RANGE, AZIMUTH, ELEVATION, SIGMA_RANGE, SIGMA_AZIMUTH, SIGMA_ELEVATION, SNR_DB, SHUFFLE = range(9)
ROW, SENSOR, KIND, OBJECT = range(4)
FLOAT_COLUMNS = 9
INT_COLUMNS = 4

# Columns of a sensor that is the same in every replicate, and of one that is drawn.
LAT, LON, HEIGHT, BORESIGHT, HALF_WIDTH, EL_MIN, EL_MAX, SOUTH, NORTH, WEST, EAST, GRAZING = range(12)
FIXED_COLUMNS = 12
(
    REVISIT, OFFSET, REF_RANGE, REF_SNR, RANGE_MAX, PFA, FALSE_PLOTS, PD, CLOUD_TOP, S_RANGE, S_AZIMUTH, S_ELEVATION,
    ORBIT,
) = range(13)  # fmt: skip
DRAWN_COLUMNS = 18  # the orbit takes six


@kernel
def first_look(offset_s, revisit_s, start_s):
    """Number of the first look at or after ``start_s``."""
    look = max(0, math.ceil((start_s - offset_s) / revisit_s))
    while look > 0 and offset_s + (look - 1) * revisit_s >= start_s:
        look -= 1
    while offset_s + look * revisit_s < start_s:
        look += 1
    return look


@kernel
def clear_above_horizon(sx, sy, sz, up, x, y, z):
    """Whether the ground leaves the line from a site to a point free; ``up`` is the point's height over the level."""
    return up >= 0.0 or line_of_sight_clear(sx, sy, sz, x, y, z, 0.0)


@kernel
def disturbed(azimuth, elevation, error_azimuth, error_elevation):
    """Azimuth and elevation after small errors across the line of sight, sideways and upwards (rad).

    The errors are set off in the plane across the line of sight, so nothing special happens near the zenith or the
    pole: the same sideways error is simply worth more azimuth there.
    """
    sin_a, cos_a = math.sin(azimuth), math.cos(azimuth)
    sin_e, cos_e = math.sin(elevation), math.cos(elevation)
    first = cos_e * cos_a - error_azimuth * sin_a - error_elevation * sin_e * cos_a
    second = cos_e * sin_a + error_azimuth * cos_a - error_elevation * sin_e * sin_a
    third = sin_e + error_elevation * cos_e
    return math.atan2(second, first), math.atan2(third, math.sqrt(first * first + second * second))


@kernel
def compass(azimuth):
    """The same azimuth in [0, 2π)."""
    if azimuth < 0.0:
        azimuth += 2.0 * math.pi
        if azimuth >= 2.0 * math.pi:
            azimuth = 0.0
    return azimuth


@kernel
def note_radar(floats, ints, row, drawn, time_s, distance, azimuth, elevation, snr):
    """Write a radar plot with the errors the radar states for it."""
    factor = max(SIGMA_FLOOR, math.sqrt(drawn[REF_SNR] / snr))
    floats[row, TIME] = time_s
    floats[row, RANGE] = distance
    floats[row, AZIMUTH] = azimuth
    floats[row, ELEVATION] = elevation
    floats[row, SIGMA_RANGE] = factor * drawn[S_RANGE]
    floats[row, SIGMA_AZIMUTH] = min(
        AZIMUTH_SIGMA_MOST_RAD, factor * drawn[S_AZIMUTH] / max(COS_LEAST, math.cos(elevation))
    )
    floats[row, SIGMA_ELEVATION] = factor * drawn[S_ELEVATION]
    floats[row, SNR_DB] = 10.0 * math.log10(snr)
    ints[row, KIND] = RADAR


@kernel
def note_infrared(floats, ints, row, drawn, time_s, azimuth, elevation):
    """Write an infrared plot: a direction only."""
    floats[row, TIME] = time_s
    floats[row, RANGE] = 0.0
    floats[row, AZIMUTH] = azimuth
    floats[row, ELEVATION] = elevation
    floats[row, SIGMA_RANGE] = 0.0
    floats[row, SIGMA_AZIMUTH] = drawn[S_AZIMUTH]
    floats[row, SIGMA_ELEVATION] = drawn[S_ELEVATION]
    floats[row, SNR_DB] = 0.0
    ints[row, KIND] = INFRARED


@kernel
def out_of_view_s(drawn, site, x, y, z):
    """How long an object here surely stays beyond a radar's range or under its lowest elevation; 0 if it is in view.

    Nothing flies faster than ``FASTEST_M_S``, so neither distance nor height over the lowest elevation changes faster.
    """
    dx, dy, dz = x - site[0], y - site[1], z - site[2]
    distance = math.sqrt(dx * dx + dy * dy + dz * dz)
    under = site[12] * distance - (site[9] * dx + site[10] * dy + site[11] * dz)
    return max(0.0, max(distance - drawn[RANGE_MAX], 0.5 * under)) / FASTEST_M_S


@kernel
def radar_look(
    seed, replicate, side, sensor, thing, look, fixed, drawn, site, x, y, z, rcs_m2, time_s, floats, ints, row
):
    """One look of a radar at an object. True where it reported a plot, which then stands in ``row``.

    Swerling case 1: the power received in a look is exponential about 1 + SNR, and a plot is what exceeds the
    threshold -ln(Pfa); hence Pd = Pfa^(1 / (1 + SNR)). The errors are those of the power really received.
    """
    dx, dy, dz = x - site[0], y - site[1], z - site[2]
    up = site[9] * dx + site[10] * dy + site[11] * dz
    distance2 = dx * dx + dy * dy + dz * dz
    if distance2 > drawn[RANGE_MAX] * drawn[RANGE_MAX] or distance2 < 1.0:
        return False
    distance = math.sqrt(distance2)
    if up < site[12] * distance or up > site[13] * distance:
        return False
    east = site[3] * dx + site[4] * dy + site[5] * dz
    north = site[6] * dx + site[7] * dy + site[8] * dz
    level = math.sqrt(east * east + north * north)
    if fixed[HALF_WIDTH] < math.pi and site[14] * east + site[15] * north < site[16] * level:
        return False
    if not clear_above_horizon(site[0], site[1], site[2], up, x, y, z):
        return False
    nearness = drawn[REF_RANGE] * drawn[REF_RANGE] / distance2
    mean_snr = drawn[REF_SNR] * nearness * nearness * rcs_m2
    threshold = -math.log(drawn[PFA])
    power = -(1.0 + mean_snr) * math.log(uniforms(seed, replicate, DETECTION, side, sensor, thing, look, NONE)[0])
    if power <= threshold:
        return False
    snr = max(SNR_LEAST, power - 1.0)
    factor = max(SIGMA_FLOOR, math.sqrt(drawn[REF_SNR] / snr))
    n0, n1, n2, _ = normals(seed, replicate, NOISE, side, sensor, thing, look, NONE)
    azimuth, elevation = disturbed(
        math.atan2(east, north), math.atan2(up, level), factor * drawn[S_AZIMUTH] * n1, factor * drawn[S_ELEVATION] * n2
    )
    measured = abs(distance + factor * drawn[S_RANGE] * n0)
    note_radar(floats, ints, row, drawn, time_s, measured, compass(azimuth), elevation, snr)
    return True


@kernel
def in_box(fixed, lat, lon):
    """Whether a point lies in a satellite's watched box, which may cross the antimeridian."""
    if lat < fixed[SOUTH] or lat > fixed[NORTH]:
        return False
    if fixed[WEST] <= fixed[EAST]:
        return fixed[WEST] <= lon <= fixed[EAST]
    return lon >= fixed[WEST] or lon <= fixed[EAST]


@kernel
def infrared_look(seed, replicate, side, sensor, thing, look, fixed, drawn, x, y, z, time_s, floats, ints, row):
    """One look of a satellite at a burning missile. True where it reported a plot, which then stands in ``row``."""
    if uniforms(seed, replicate, DETECTION, side, sensor, thing, look, NONE)[0] >= drawn[PD]:
        return False
    if ecef_height(x, y, z) <= drawn[CLOUD_TOP]:
        return False
    lat, lon, _ = ecef_to_geodetic(x, y, z)
    if not in_box(fixed, lat, lon):
        return False
    sx, sy, sz = orbit_position(
        drawn[ORBIT], drawn[ORBIT + 1], drawn[ORBIT + 2], drawn[ORBIT + 3], drawn[ORBIT + 4], drawn[ORBIT + 5], time_s
    )
    if not line_of_sight_clear(sx, sy, sz, x, y, z, fixed[GRAZING]):
        return False
    dx, dy, dz = x - sx, y - sy, z - sz
    n0, n1, _, _ = normals(seed, replicate, NOISE, side, sensor, thing, look, NONE)
    azimuth, elevation = disturbed(
        math.atan2(dy, dx), math.atan2(dz, math.sqrt(dx * dx + dy * dy)), drawn[S_AZIMUTH] * n0, drawn[S_ELEVATION] * n1
    )
    note_infrared(floats, ints, row, drawn, time_s, azimuth, elevation)
    return True


@kernel
def poisson(mean, u):
    """The count whose cumulative Poisson probability first reaches ``u``."""
    term = math.exp(-mean)
    total, count = term, NONE
    while u > total and count < 10_000:
        count += 1
        term *= mean / count
        total += term
    return count


@kernel
def false_radar_plot(seed, replicate, side, sensor, thing, look, fixed, drawn, time_s, floats, ints, row):
    """A plot of nothing: noise alone that crossed the threshold, somewhere in the radar's sector."""
    a, b, c, d = uniforms(seed, replicate, FALSE_ALARM, side, sensor, thing, look, NONE)
    azimuth = fixed[BORESIGHT] + (2.0 * a - 1.0) * fixed[HALF_WIDTH]
    low, high = math.sin(fixed[EL_MIN]), math.sin(fixed[EL_MAX])
    elevation = math.asin(low + (high - low) * b)
    snr = max(SNR_LEAST, -math.log(drawn[PFA]) - math.log(d) - 1.0)
    azimuth -= 2.0 * math.pi * math.floor(azimuth / (2.0 * math.pi))
    note_radar(floats, ints, row, drawn, time_s, c * drawn[RANGE_MAX], compass(azimuth), elevation, snr)


@kernel
def false_infrared_plot(seed, replicate, side, sensor, thing, look, fixed, drawn, time_s, floats, ints, row):
    """A direction towards nothing: a glint at the cloud tops of the watched box. False where none is in view."""
    sx, sy, sz = orbit_position(
        drawn[ORBIT], drawn[ORBIT + 1], drawn[ORBIT + 2], drawn[ORBIT + 3], drawn[ORBIT + 4], drawn[ORBIT + 5], time_s
    )
    low, high = math.sin(fixed[SOUTH]), math.sin(fixed[NORTH])
    width = fixed[EAST] - fixed[WEST]
    if width < 0.0:
        width += 2.0 * math.pi
    for ordinal in range(NONE, TRIES):
        a, b, _, _ = uniforms(seed, replicate, FALSE_ALARM, side, sensor, thing, look, ordinal)
        lat = math.asin(low + (high - low) * a)
        x, y, z = geodetic_to_ecef(lat, fixed[WEST] + width * b, drawn[CLOUD_TOP])
        if line_of_sight_clear(sx, sy, sz, x, y, z, fixed[GRAZING]):
            dx, dy, dz = x - sx, y - sy, z - sz
            azimuth, elevation = math.atan2(dy, dx), math.atan2(dz, math.sqrt(dx * dx + dy * dy))
            note_infrared(floats, ints, row, drawn, time_s, azimuth, elevation)
            return True
    return False


@kernel
def place_radar(fixed, site):
    """What a radar's looks need again and again: where it stands, its axes, and the sines of its limits."""
    site[0], site[1], site[2] = geodetic_to_ecef(fixed[LAT], fixed[LON], fixed[HEIGHT])
    ex, ey, ez, nx, ny, nz, ux, uy, uz = enu_axes(fixed[LAT], fixed[LON])
    site[3], site[4], site[5], site[6], site[7], site[8] = ex, ey, ez, nx, ny, nz
    site[9], site[10], site[11] = ux, uy, uz
    site[12], site[13] = math.sin(fixed[EL_MIN]), math.sin(fixed[EL_MAX])
    site[14], site[15] = math.sin(fixed[BORESIGHT]), math.cos(fixed[BORESIGHT])
    site[16] = math.cos(fixed[HALF_WIDTH])


@kernel
def look_at_object(
    seed, replicate, side, sensor, thing, kind, fixed, drawn, site, time_s, position, velocity, first, last, until_s,
    rcs_m2, floats, ints, row,
):  # fmt: skip
    """All looks of one sensor at one object until ``until_s``. Returns the next free row, or -1 where room ran out."""
    j = first
    look = first_look(drawn[OFFSET], drawn[REVISIT], time_s[first])
    while True:
        t = drawn[OFFSET] + look * drawn[REVISIT]
        if t > until_s or t > time_s[last]:
            return row
        while j + 2 <= last and time_s[j + 1] <= t:
            j += 1
        if row >= floats.shape[0]:
            return -1
        x, y, z = position_between(time_s, position, velocity, j, t)
        if kind == RADAR:
            away_s = out_of_view_s(drawn, site, x, y, z)
            if away_s > 0.0:
                look += max(1, math.ceil(away_s / drawn[REVISIT]))
                continue
            seen = radar_look(
                seed, replicate, side, sensor, thing, look, fixed, drawn, site, x, y, z, rcs_m2, t, floats, ints, row
            )
        else:
            seen = infrared_look(
                seed, replicate, side, sensor, thing, look, fixed, drawn, x, y, z, t, floats, ints, row
            )
        if seen:
            ints[row, OBJECT] = thing
            floats[row, SHUFFLE] = uniforms(seed, replicate, ORDER, side, sensor, thing, look, REAL)[0]
            row += 1
        look += 1


@kernel
def false_plots(seed, replicate, side, sensor, kind, fixed, drawn, duration_s, floats, ints, row):
    """All false plots of one sensor. Returns the next free row, or -1 where room ran out."""
    if drawn[FALSE_PLOTS] <= 0.0:
        return row
    look = NONE
    while True:
        t = drawn[OFFSET] + look * drawn[REVISIT]
        if t > duration_s:
            return row
        count = poisson(drawn[FALSE_PLOTS], uniforms(seed, replicate, FALSE_ALARM, side, sensor, NONE, look, NONE)[0])
        for thing in range(NONE + 1, count + 1):
            if row >= floats.shape[0]:
                return -1
            shown = True
            if kind == RADAR:
                false_radar_plot(seed, replicate, side, sensor, thing, look, fixed, drawn, t, floats, ints, row)
            else:
                shown = false_infrared_plot(
                    seed, replicate, side, sensor, thing, look, fixed, drawn, t, floats, ints, row
                )
            if shown:
                ints[row, OBJECT] = -1
                floats[row, SHUFFLE] = uniforms(seed, replicate, ORDER, side, sensor, thing, look, FALSE)[0]
                row += 1
        look += 1


@kernel
def look_replicate(
    seed, replicate, r, sides, addresses, kinds, fixed, drawn, time_s, position, velocity, offsets, burnout_s, rcs_m2,
    duration_s, false_alarms, floats, ints, row,
):  # fmt: skip
    """Everything seen in one replicate, sensor by sensor. Returns the next free row, or -1 where room ran out."""
    site = np.empty(17)
    objects = burnout_s.shape[1]
    for i in range(kinds.size):
        begun = row
        place_radar(fixed[i], site)
        for n in range(objects):
            first, last = offsets[r * objects + n], offsets[r * objects + n + 1] - 1
            if last - first < 1:
                continue
            until_s = duration_s if kinds[i] == RADAR else min(duration_s, burnout_s[r, n])
            row = look_at_object(
                seed, replicate, sides[i], addresses[i], n, kinds[i], fixed[i], drawn[r, i], site, time_s, position,
                velocity, first, last, until_s, rcs_m2[r, n], floats, ints, row,
            )  # fmt: skip
            if row < 0:
                return -1
        if false_alarms:
            row = false_plots(
                seed, replicate, sides[i], addresses[i], kinds[i], fixed[i], drawn[r, i], duration_s, floats, ints, row
            )
            if row < 0:
                return -1
        for k in range(begun, row):
            ints[k, SENSOR] = i
            ints[k, ROW] = r
    return row


@kernel
def look_rows(
    seed, replicates, r0, sides, addresses, kinds, fixed, drawn, time_s, position, velocity, offsets, burnout_s, rcs_m2,
    duration_s, false_alarms, floats, ints, ends,
):  # fmt: skip
    """Replicate rows from ``r0`` on, as many as there is room for. Returns the first row that did not fit.

    ``ends[r]`` becomes the end of replicate row r's plots in ``floats`` and ``ints``.
    """
    row = NONE
    for r in range(r0, replicates.size):
        after = look_replicate(
            seed, replicates[r], r, sides, addresses, kinds, fixed, drawn, time_s, position, velocity, offsets,
            burnout_s, rcs_m2, duration_s, false_alarms, floats, ints, row,
        )  # fmt: skip
        if after < 0:
            return r
        ends[r] = after
        row = after
    return replicates.size
