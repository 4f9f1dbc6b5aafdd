"""A plan for every replicate: which lines may be engaged, by which sites and when, and which shots go now.

Columns of ``meet`` (lines, sites, 4): the interceptor's time of flight to the earliest meeting, and its place.
"""

import math

import numpy as np

from detente.engagement._kernels import (
    AIR_M,
    POINT_COLUMNS,
    POINTS,
    ROWS,
    TAIL_M,
    TERMINAL_ROWS,
    coast_down,
    find_window,
    passes_near,
    points_above,
    points_in_air,
)
from detente.geodesy._kernels import geodetic_to_ecef, great_circle_m
from detente.geodesy.constants import MEAN_RADIUS_M
from detente.jit import kernel

CONFIRMED = 2
BOOST = 1
PARTNER = 3
NOBODY, OWN_GROUND, OTHERS_GROUND = -1, 0, 1
SALVO_MODE = 1
SIEVE_MARGIN_M = 50_000.0  # geodetic and geocentric latitude differ by at most 21.5 km at either end


@kernel
def keep_count(status, giver, number, twin, memory, until_s, seen):
    """Bring one replicate's record of shots up to date with the picture's slots.

    ``memory`` (lines, 4): giver, number, shots so far, linked slot. A slot that holds another track than before starts
    anew. A partner's slot that is empty because its track is the twin of an own one keeps its record; when the two are
    first linked, each takes the shots at both, and from then on they count together.
    """
    for i in range(status.size):
        if status[i] != 0 and (memory[i, 0] != giver[i] or memory[i, 1] != number[i]):
            memory[i, 0], memory[i, 1], memory[i, 2], memory[i, 3] = giver[i], number[i], 0, -1
            until_s[i] = -math.inf
            seen[i, :] = 0
            for other in range(status.size):
                if memory[other, 3] == i:
                    memory[other, 3] = -1
    for i in range(status.size):
        j = twin[i]
        if status[i] == 0 or j < 0:
            continue
        if memory[i, 3] == j:
            shots = max(memory[i, 2], memory[j, 2])
        else:
            shots = memory[i, 2] + memory[j, 2]
            memory[i, 3] = j
        memory[i, 2], memory[j, 2] = shots, shots
        until_s[i] = max(until_s[i], until_s[j])
        until_s[j] = until_s[i]
        for site in range(seen.shape[1]):
            seen[i, site] |= seen[j, site]
            seen[j, site] = seen[i, site]


@kernel
def whose_ground(probability, decider, any_territory, threshold):
    """Whether a line threatens ground that this plan answers for: OWN_GROUND, OTHERS_GROUND or NOBODY."""
    if decider >= 0 and probability[decider] >= threshold[decider]:
        return OWN_GROUND
    for side in range(probability.size):
        if decider < 0 and probability[side] >= threshold[side]:
            return OWN_GROUND
        if decider >= 0 and any_territory != 0 and probability[side] >= threshold[decider]:
            return OTHERS_GROUND
    return NOBODY


@kernel
def surely_farther(ux, uy, uz, site, distance_m):
    """True only if a direction from the Earth's centre lies farther than this from a site: a quick first sieve.

    The margin covers what geodetic and geocentric directions differ by; 1 - x²/2 is never above cos x.
    """
    angle = (distance_m + SIEVE_MARGIN_M) / MEAN_RADIUS_M
    return ux * site[0] + uy * site[1] + uz * site[2] < 1.0 - 0.5 * angle * angle


@kernel
def may_meet(state, impact_lat, impact_lon, ix, iy, iz, site, site_lat, site_lon, limits):
    """False where a site certainly cannot, or by its task may not, engage what falls at this impact point."""
    from_impact_m = great_circle_m(impact_lat, impact_lon, site_lat, site_lon)
    if limits[4] > 0.0 and from_impact_m > limits[4]:
        return False
    if limits[1] <= AIR_M and from_impact_m > limits[2] + TAIL_M:
        return False
    return passes_near(state[0], state[1], state[2], ix, iy, iz, site[0], site[1], site[2], limits[2])


@kernel
def predict_line(
    state, ix, iy, iz, beta, sites, limits, delay_s, quickest_s, wanted, rows, step, points
):  # fmt: skip
    """The points at which the wanted sites might meet a line: how many. Sites that turn out not to are unwanted.

    The path is predicted finely through the air only if some site that meets things there stands near its end.
    """
    count = np.int64(0)
    for low in range(2):
        floor_m, from_s = math.inf, math.inf
        for k in range(wanted.size):
            if wanted[k] == 0:
                continue
            if low == 1 and limits[k, 1] <= AIR_M:
                top = rows[max(0, count - 2)]
                if not passes_near(
                    top[1], top[2], top[3], ix, iy, iz, sites[k, 0], sites[k, 1], sites[k, 2], limits[k, 2]
                ):
                    wanted[k] = 0
                    continue
            floor_m = min(floor_m, limits[k, 0])
            from_s = min(from_s, delay_s[k] + quickest_s[k])
        if floor_m == math.inf:
            return np.int64(0)
        if low == 0:
            count = coast_down(state, beta, max(floor_m, AIR_M), rows, step)
    if floor_m >= AIR_M:
        return points_above(rows, count, from_s, points)
    # The last row fell below the top of the air: the fine part starts one earlier.
    count = max(np.int64(1), count - 1)
    found = points_above(rows, count, from_s, points)
    return points_in_air(rows[count - 1], beta, from_s, step, points, found)


@kernel
def line_windows(
    state, impact_lat, impact_lon, beta, now_s, decider,
    sites, site_angles, site_side, limits, stock, delay_s,
    table_first, table_shape, table_steps, times, quickest_s,
    sector_bit, raster, row_offsets, edges, edge_side,
    wanted, rows, step, points, probe, is_open, earliest_s, latest_s, meet,
):  # fmt: skip
    """Windows of every site at one line. The path is predicted once, and only if some site may use it."""
    ix, iy, iz = geodetic_to_ecef(impact_lat, impact_lon, 0.0)
    per_m = 1.0 / math.sqrt(ix * ix + iy * iy + iz * iz)
    ux, uy, uz = per_m * ix, per_m * iy, per_m * iz
    some = False
    for k in range(site_side.size):
        wanted[k] = 0
        if stock[k] <= 0 or (decider >= 0 and site_side[k] != decider):
            continue
        if limits[k, 1] <= AIR_M and surely_farther(ux, uy, uz, sites[k], limits[k, 2] + TAIL_M):
            continue
        lat, lon = site_angles[k, 0], site_angles[k, 1]
        if may_meet(state, impact_lat, impact_lon, ix, iy, iz, sites[k], lat, lon, limits[k]):
            wanted[k] = 1
            some = True
    if not some:
        return
    count = predict_line(
        state, ix, iy, iz, beta, sites, limits, delay_s, quickest_s, wanted, rows, step, points
    )  # fmt: skip
    for k in range(site_side.size):
        if wanted[k] == 0:
            continue
        a = table_first[k]
        table = times[a : a + table_shape[k, 0] * table_shape[k, 1]].reshape((table_shape[k, 0], table_shape[k, 1]))
        is_open[k], earliest, latest = find_window(
            points, count, sites[k], limits[k], table_steps[k], table, sector_bit[site_side[k]], raster, row_offsets,
            edges, edge_side, delay_s[k], quickest_s[k], probe, meet[k],
        )  # fmt: skip
        if is_open[k] != 0:
            earliest_s[k], latest_s[k] = now_s + earliest, now_s + latest


@kernel
def next_line(ground, impact_s):
    """The most urgent line left: own ground before others', then the nearest impact; -1 when none is left."""
    best = -1
    for i in range(ground.size):
        if ground[i] == NOBODY:
            continue
        if best < 0 or ground[i] < ground[best] or (ground[i] == ground[best] and impact_s[i] < impact_s[best]):
            best = i
    return best


@kernel
def partner_share(first_stock, spent_on_partner, reserve, keep_reserve):
    """How many more interceptors of a site may go to lines that a partner alone sees."""
    if keep_reserve == 0:
        return first_stock
    return math.floor((1.0 - reserve) * first_stock + 1e-9) - spent_on_partner


@kernel
def choose_site(
    is_open, earliest_s, site_side, stock, first_stock, spent_on_partner, modes, salvos, reserve, keep_reserve,
    cued, so_far, waits,
):  # fmt: skip
    """The site that meets a line first, among those that may shoot now: (site or -1, how many).

    Ties go to the larger stock, then to the site named first. ``salvos`` (sides, 2): at once, and at one object in all.
    """
    best, best_size = -1, 0
    for k in range(is_open.size):
        side = site_side[k]
        size = min(min(salvos[side, 0], salvos[side, 1] - so_far), stock[k])
        if cued == PARTNER:
            size = min(size, partner_share(first_stock[k], spent_on_partner[k], reserve[side], keep_reserve))
        if is_open[k] == 0 or size <= 0 or (waits and modes[side] != SALVO_MODE):
            continue
        if (
            best < 0
            or earliest_s[k] < earliest_s[best]
            or (earliest_s[k] == earliest_s[best] and stock[k] > stock[best])
        ):
            best, best_size = k, size
    return best, best_size


@kernel
def allocate(
    r, now_s, hold_s, keep_reserve, ground, impact_s, origin, twin, is_open, earliest_s, meet, delay_s,
    site_side, stock, first_stock, spent_on_partner, modes, salvos, look_s, reserve, memory, until_s,
    shots, shot_ints, shot_floats,
):  # fmt: skip
    """Commit this replicate's shots, the most urgent line first. Returns the number of shots written so far.

    A shot is not committed sooner than ``hold_s`` before its interceptor must leave: until then a better track costs
    nothing.
    """
    while True:
        i = next_line(ground, impact_s)
        if i < 0:
            return shots
        ground[i] = NOBODY
        so_far = memory[i, 2]
        k, size = choose_site(
            is_open[i], earliest_s[i], site_side, stock, first_stock, spent_on_partner, modes, salvos, reserve,
            keep_reserve, origin[i], so_far, now_s < until_s[i],
        )  # fmt: skip
        if k < 0:
            continue
        leaves_s = max(earliest_s[i, k] - meet[i, k, 0], now_s + delay_s[k])
        if leaves_s > now_s + delay_s[k] + hold_s:
            continue
        for shot in range(size):
            shot_ints[shots, 0], shot_ints[shots, 1], shot_ints[shots, 2] = r, k, i
            shot_ints[shots, 3], shot_ints[shots, 4] = so_far + shot, origin[i]
            shot_floats[shots, 0], shot_floats[shots, 1] = leaves_s, earliest_s[i, k]
            for axis in range(3):
                shot_floats[shots, 2 + axis] = meet[i, k, 1 + axis]
            shots += 1
        stock[k] -= size
        if origin[i] == PARTNER:
            spent_on_partner[k] += size
        memory[i, 2] = so_far + size
        until_s[i] = earliest_s[i, k] + look_s[site_side[k]]
        if twin[i] >= 0:
            memory[twin[i], 2], until_s[twin[i]] = memory[i, 2], until_s[i]


@kernel
def note_new(r, is_open, seen, found, found_ints):
    """List the windows of this replicate that are open for the first time. Returns the number listed so far."""
    for i in range(is_open.shape[0]):
        for k in range(is_open.shape[1]):
            if is_open[i, k] != 0 and seen[i, k] == 0:
                seen[i, k] = 1
                found_ints[found, 0], found_ints[found, 1], found_ints[found, 2] = r, i, k
                found += 1
    return found


@kernel
def plan_rows(
    now_s, decider, any_territory, keep_reserve, hold_s, beta,
    status, origin, giver, number, twin, has_state, mean, phase,
    impact_valid, impact_lat, impact_lon, impact_s, threat_probability, engageable,
    sites, site_angles, site_side, limits, delay_s, first_stock,
    table_first, table_shape, table_steps, times, quickest_s,
    sector_bit, raster, row_offsets, edges, edge_side,
    threshold, modes, salvos, look_s, reserve,
    memory, until_s, seen, stock, spent_on_partner,
    is_open, earliest_s, latest_s, shot_ints, shot_floats, found_ints,
):  # fmt: skip
    """Windows, shots and newly opened windows of every replicate: (number of shots, number of new windows).

    The arrays from ``memory`` to ``spent_on_partner`` are changed in place; those after them are filled.
    """
    lines, site_count = status.shape[1], site_side.size
    rows, step, points = np.empty((ROWS, 7)), np.empty((TERMINAL_ROWS, 7)), np.empty((POINTS, POINT_COLUMNS))
    probe = np.empty((2, POINT_COLUMNS))
    ground, wanted = np.empty(lines, np.int64), np.empty(site_count, np.int64)
    meet = np.zeros((lines, site_count, 4))
    shots, found = np.int64(0), np.int64(0)
    for r in range(status.shape[0]):
        keep_count(status[r], giver[r], number[r], twin[r], memory[r], until_s[r], seen[r])
        for i in range(lines):
            ground[i] = NOBODY
            if (
                status[r, i] != CONFIRMED or has_state[r, i] == 0 or phase[r, i] <= BOOST
                or impact_valid[r, i] == 0 or impact_s[r, i] <= now_s or engageable[r, i] == 0
            ):  # fmt: skip
                continue
            ground[i] = whose_ground(threat_probability[r, i], decider, any_territory, threshold)
            if ground[i] == NOBODY:
                continue
            line_windows(
                mean[r, i], impact_lat[r, i], impact_lon[r, i], beta, now_s, decider,
                sites, site_angles, site_side, limits[r], stock[r], delay_s[r],
                table_first[r], table_shape[r], table_steps[r], times, quickest_s[r],
                sector_bit, raster, row_offsets, edges, edge_side,
                wanted, rows, step, points, probe, is_open[r, i], earliest_s[r, i], latest_s[r, i], meet[i],
            )  # fmt: skip
        found = note_new(r, is_open[r], seen[r], found, found_ints)
        shots = allocate(
            r, now_s, hold_s, keep_reserve, ground, impact_s[r], origin[r], twin[r], is_open[r], earliest_s[r], meet,
            delay_s[r], site_side, stock[r], first_stock[r], spent_on_partner[r], modes, salvos, look_s, reserve,
            memory[r], until_s[r], shots, shot_ints, shot_floats,
        )  # fmt: skip
    return shots, found
