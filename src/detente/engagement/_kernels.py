"""Where a tracked object will be, and when an interceptor could be there too: one line and one site at a time.

A path is a list of points, in rows of ``POINT_COLUMNS``: seconds from now, position, velocity, one over the distance
from the Earth's centre, height, speed. (A counter starts as ``np.int64(0)``: a plain 0 would have every kernel it is
handed to compiled twice, once for the number 0.)
"""

import math

import numpy as np

from detente.flight._kernels_predict import predict_path
from detente.flight._kernels_reach import reach_time
from detente.geodesy._kernels import ecef_height, ecef_to_geodetic
from detente.geodesy._kernels_territory import territory_mask
from detente.geodesy.constants import MEAN_RADIUS_M
from detente.jit import kernel

POINT_COLUMNS = 10
POINT_S = 5.0  # between points above the air
COAST_ROW_S = 20.0  # between predicted states above the air; points between them are interpolated
TERMINAL_ROW_S = 2.0  # between points in the air
AIR_M = 100_000.0  # on the way down, predicted finely below it
ROWS = 256
TERMINAL_ROWS = 200
POINTS = 1_400
ARC_MARGIN_M = 20_000.0  # how far a flight's ground path may stray from the great circle to its impact,
ARC_MARGIN_SHARE = 0.08  # and further by this share of that arc, because the Earth turns under it
TAIL_M = 700_000.0  # farther than this from its impact no flight is in the air, down to slopes of 8 degrees
EDGE_S = 0.35  # the ends of a window are found to this
NOT_THERE_S = -1e9  # slack where the site may not meet the object at all


@kernel
def put_point(points, i, time_s, x, y, z, vx, vy, vz):
    """Write one point of a path."""
    points[i, 0] = time_s
    points[i, 1], points[i, 2], points[i, 3] = x, y, z
    points[i, 4], points[i, 5], points[i, 6] = vx, vy, vz
    points[i, 7] = 1.0 / math.sqrt(x * x + y * y + z * z)
    points[i, 8] = ecef_height(x, y, z)
    points[i, 9] = math.sqrt(vx * vx + vy * vy + vz * vz)


@kernel
def between(p, q, vp, vq, step, u):
    """Position and velocity along one axis at share ``u`` of a step, from those of both ends (Hermite)."""
    w = 1.0 - u
    position = (1.0 + 2.0 * u) * w * w * p + u * u * (3.0 - 2.0 * u) * q + step * u * w * (w * vp - u * vq)
    velocity = 6.0 * u * w * (q - p) / step + w * (1.0 - 3.0 * u) * vp + u * (3.0 * u - 2.0) * vq
    return position, velocity


@kernel
def fill_between(rows, i, points, count):
    """Points after predicted row i up to and with row i + 1, at most ``POINT_S`` apart. Returns the new count."""
    step = rows[i + 1, 0] - rows[i, 0]
    if step <= 0.0:
        return count
    parts = max(1, math.ceil(step / POINT_S - 1e-9))
    for part in range(1, parts + 1):
        if count == points.shape[0]:
            break
        u = part / parts
        x, vx = between(rows[i, 1], rows[i + 1, 1], rows[i, 4], rows[i + 1, 4], step, u)
        y, vy = between(rows[i, 2], rows[i + 1, 2], rows[i, 5], rows[i + 1, 5], step, u)
        z, vz = between(rows[i, 3], rows[i + 1, 3], rows[i, 6], rows[i + 1, 6], step, u)
        put_point(points, count, rows[i, 0] + u * step, x, y, z, vx, vy, vz)
        count += 1
    return count


@kernel
def coast_down(state, beta, floor_m, rows, step):
    """States every ``COAST_ROW_S`` from now until below ``floor_m`` and falling, or down: how many."""
    rows[0, 0] = 0.0
    for i in range(6):
        rows[0, 1 + i] = state[i]
    count = np.int64(1)
    height = ecef_height(state[0], state[1], state[2])
    two = np.int64(2)
    while count < rows.shape[0]:
        now = rows[count - 1]
        written, flag = predict_path(now[1], now[2], now[3], now[4], now[5], now[6], beta, COAST_ROW_S, two, step)
        # Flags 0 and 1 are "landed" and "longer than asked for"; no other state is vouched for.
        if written < 2 or flag > 1:
            return count
        for i in range(1, 7):
            rows[count, i] = step[1, i]
        rows[count, 0] = now[0] + step[1, 0]
        count += 1
        if flag == 0:
            return count
        before, height = height, ecef_height(step[1, 1], step[1, 2], step[1, 3])
        if height < floor_m and height < before:
            return count
    return count


@kernel
def points_above(rows, count, from_s, points):
    """Points of the rows of a coasting flight, from shortly before ``from_s``; returns their number."""
    first = np.int64(0)
    while first + 1 < count and rows[first + 1, 0] <= from_s:
        first += 1
    now = rows[first]
    found = np.int64(0)
    put_point(points, found, now[0], now[1], now[2], now[3], now[4], now[5], now[6])
    found += 1
    for i in range(first, count - 1):
        found = fill_between(rows, i, points, found)
    return found


@kernel
def points_in_air(now, beta, from_s, step, points, found):
    """Points from a row at the top of the air down to the ground, after those already found; the new number."""
    fine, flag = predict_path(
        now[1], now[2], now[3], now[4], now[5], now[6], beta, TERMINAL_ROW_S, np.int64(step.shape[0]), step
    )
    if flag > 1:
        fine -= 1
    for i in range(1, fine):
        if found == points.shape[0]:
            break
        if now[0] + step[i, 0] < from_s - TERMINAL_ROW_S:
            continue
        put_point(
            points, found, now[0] + step[i, 0],
            step[i, 1], step[i, 2], step[i, 3], step[i, 4], step[i, 5], step[i, 6],
        )  # fmt: skip
        found += 1
    return found


@kernel
def passes_near(px, py, pz, qx, qy, qz, sx, sy, sz, reach_m):
    """False where the ground path from p to q certainly stays more than ``reach_m`` from s. All ECEF, any length."""
    p, q, s = (
        math.sqrt(px * px + py * py + pz * pz),
        math.sqrt(qx * qx + qy * qy + qz * qz),
        math.sqrt(sx * sx + sy * sy + sz * sz),
    )
    pq = min(1.0, max(-1.0, (px * qx + py * qy + pz * qz) / (p * q)))
    ps = min(1.0, max(-1.0, (px * sx + py * sy + pz * sz) / (p * s)))
    qs = min(1.0, max(-1.0, (qx * sx + qy * sy + qz * sz) / (q * s)))
    arc = math.acos(pq)
    near = (reach_m + ARC_MARGIN_M) / MEAN_RADIUS_M + ARC_MARGIN_SHARE * arc
    if math.acos(max(ps, qs)) <= near:
        return True
    nx, ny, nz = py * qz - pz * qy, pz * qx - px * qz, px * qy - py * qx
    n = math.sqrt(nx * nx + ny * ny + nz * nz)
    if n <= 1e-9 * p * q:
        return False
    off = math.asin(min(1.0, abs(nx * sx + ny * sy + nz * sz) / (n * s)))
    # The nearest point of the great circle lies between p and q exactly if s is ahead of each, seen from the other.
    return off <= near and qs - pq * ps >= 0.0 and ps - pq * qs >= 0.0


@kernel
def slack_s(points, j, site, limits, steps, times, delay_s):
    """Seconds to spare if an interceptor is sent at point j as soon as the delay is over; negative: too late.

    ``site``: ECEF unit vector. ``limits``: lowest and highest point, range, fastest target. ``steps`` of the table of
    times: range step, first height, height step.
    """
    height = points[j, 8]
    if height < limits[0] or height > limits[1] or points[j, 9] > limits[3]:
        return NOT_THERE_S
    cosine = (points[j, 1] * site[0] + points[j, 2] * site[1] + points[j, 3] * site[2]) * points[j, 7]
    distance = MEAN_RADIUS_M * math.acos(max(-1.0, min(1.0, cosine)))
    if distance > limits[2]:
        return NOT_THERE_S
    return points[j, 0] - delay_s - reach_time(distance, height, steps[0], steps[1], steps[2], times)


@kernel
def over_sector(points, j, sector_bit, raster, row_offsets, edges, edge_side):
    """True where point j lies over ground that carries ``sector_bit``; 0 is everywhere."""
    if sector_bit == 0:
        return True
    lat, lon, _ = ecef_to_geodetic(points[j, 1], points[j, 2], points[j, 3])
    return territory_mask(lat, lon, raster, row_offsets, edges, edge_side) & sector_bit != 0


@kernel
def first_feasible(
    points, start, stop, by, site, limits, steps, times, sector_bit, raster, row_offsets, edges, edge_side, delay_s,
    quickest_s,
):  # fmt: skip
    """The first point from ``start`` towards ``stop`` that the site can meet in time, or -1."""
    cosine_reach = math.cos(limits[2] / MEAN_RADIUS_M) - 1e-12
    j = start
    while j != stop:
        # Where it flies and the quickest flight of all rule most points out, without a look into the table.
        cosine = (points[j, 1] * site[0] + points[j, 2] * site[1] + points[j, 3] * site[2]) * points[j, 7]
        if (
            cosine >= cosine_reach
            and points[j, 0] - delay_s >= quickest_s
            and slack_s(points, j, site, limits, steps, times, delay_s) >= 0.0
            and over_sector(points, j, sector_bit, raster, row_offsets, edges, edge_side)
        ):
            return j
        j += by
    return np.int64(-1)


@kernel
def find_edge(
    points, bad, good, site, limits, steps, times, sector_bit, raster, row_offsets, edges, edge_side, delay_s, probe
):  # fmt: skip
    """Halve the way between a point that cannot be met and its neighbour that can, down to ``EDGE_S``.

    Row 0 of ``probe`` is left with the last moment found that can be met. Halving keeps order: what can be met less
    (later launch, slower interceptor) never gets a wider window.
    """
    trial = np.int64(1)
    for column in range(POINT_COLUMNS):
        probe[0, column] = points[good, column]
    if bad == good:
        return
    i = min(bad, good)
    step = points[i + 1, 0] - points[i, 0]
    out, into = (0.0, 1.0) if bad < good else (1.0, 0.0)
    while abs(into - out) * step > EDGE_S:
        u = 0.5 * (out + into)
        x, vx = between(points[i, 1], points[i + 1, 1], points[i, 4], points[i + 1, 4], step, u)
        y, vy = between(points[i, 2], points[i + 1, 2], points[i, 5], points[i + 1, 5], step, u)
        z, vz = between(points[i, 3], points[i + 1, 3], points[i, 6], points[i + 1, 6], step, u)
        put_point(probe, trial, points[i, 0] + u * step, x, y, z, vx, vy, vz)
        if slack_s(probe, trial, site, limits, steps, times, delay_s) >= 0.0 and over_sector(
            probe, trial, sector_bit, raster, row_offsets, edges, edge_side
        ):
            into = u
            for column in range(POINT_COLUMNS):
                probe[0, column] = probe[trial, column]
        else:
            out = u


@kernel
def find_window(
    points, count, site, limits, steps, times, sector_bit, raster, row_offsets, edges, edge_side, delay_s, quickest_s,
    probe, meet,
):  # fmt: skip
    """When a site could meet an object on this path: (1 or 0, earliest, latest), in seconds from now.

    ``meet`` gets the interceptor's time of flight to the earliest meeting and its place.
    """
    none, one = np.int64(0), np.int64(1)
    first = first_feasible(
        points, none, count, one, site, limits, steps, times, sector_bit, raster, row_offsets, edges, edge_side,
        delay_s, quickest_s,
    )  # fmt: skip
    if first < 0:
        return none, 0.0, 0.0
    last = first_feasible(
        points, count - one, first, -one, site, limits, steps, times, sector_bit, raster, row_offsets, edges,
        edge_side, delay_s, quickest_s,
    )  # fmt: skip
    last = max(first, last)
    latest = points[last, 0]
    if last + 1 < count:
        find_edge(
            points, last + one, last, site, limits, steps, times, sector_bit, raster, row_offsets, edges, edge_side,
            delay_s, probe,
        )  # fmt: skip
        latest = probe[0, 0]
    find_edge(
        points, max(none, first - one), first, site, limits, steps, times, sector_bit, raster, row_offsets, edges,
        edge_side, delay_s, probe,
    )  # fmt: skip
    meet[0] = probe[0, 0] - delay_s - slack_s(probe, none, site, limits, steps, times, delay_s)
    meet[1], meet[2], meet[3] = probe[0, 1], probe[0, 2], probe[0, 3]
    return one, probe[0, 0], latest
