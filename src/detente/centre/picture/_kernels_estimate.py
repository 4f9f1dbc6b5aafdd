"""Where a track came from and where it will land. One estimator serves own, fused and partners' lines."""

import math

import numpy as np
from numpy.typing import NDArray

from detente.centre.picture._kernels_arc import landing_moments, landing_spread, vacuum_landing
from detente.centre.picture._kernels_boost import WAYS, foresee_boost, name_class
from detente.centre.picture._kernels_burnout import (
    is_strange,
    note_burning,
    note_energy,
    open_the_end,
)
from detente.centre.picture._kernels_layout import (
    DOUBTED,
    ESTIMATED_S,
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
    NUMBER,
    ROUNDS,
    THREAT,
    clear_line,
)
from detente.centre.picture._kernels_matrix import factor
from detente.flight._kernels_motion import OK, plausible, radial_height
from detente.flight._kernels_predict import (
    ENTRY_M,
    fall_to_entry,
    impact_from_state,
)
from detente.geodesy._kernels import ecef_to_geodetic, enu_axes, geodetic_to_ecef
from detente.geodesy._kernels_territory import territory_mask
from detente.geodesy.constants import MEAN_RADIUS_M
from detente.jit import kernel

CONFIRMED = 2
COAST = 2
POINT_M2 = 4e6  # an ellipse smaller than 2 km is a point to a territory
BENT_M2 = 4e8  # in one larger than 20 km, the landing's place bends with the state
FLAT_M2 = 4e10  # one smaller than 200 km lies flat
RINGS, SPOKES = 3, 6
POINTS = 1 + RINGS * SPOKES


def _spread() -> NDArray[np.float64]:
    """Points of a standard Gaussian in two dimensions, less its centre: rings at the middles of equal shares of it.

    Every other ring is turned by half a spoke. Shape (POINTS - 1, 2).
    """
    ring, spoke = np.divmod(np.arange(RINGS * SPOKES), SPOKES)
    radius = np.sqrt(-2.0 * np.log(1.0 - (1.0 + SPOKES * (ring + 0.5)) / POINTS))
    angle = 2.0 * np.pi * (spoke + 0.5 * (ring % 2)) / SPOKES
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


SPREAD = _spread()


@kernel
def threat_share(ground, line):
    """Fill in P(impact in each side's territory), from points of equal weight over the line's impact ellipse."""
    lat, lon, ee, en, nn = line[IMPACT_LAT], line[IMPACT_LON], line[IMPACT_EE], line[IMPACT_EN], line[IMPACT_NN]
    sides = line.size - THREAT
    mask = np.int64(territory_mask(lat, lon, ground.raster, ground.row_offsets, ground.edges, ground.edge_side))
    for k in range(sides):
        line[THREAT + k] = (mask >> k) & 1
    if ee + nn < POINT_M2:
        return
    a = math.sqrt(ee)
    b = en / a
    c = math.sqrt(max(nn - b * b, 0.0))
    flat = ee + nn < FLAT_M2
    x, y, z = geodetic_to_ecef(lat, lon, 0.0)
    ex, ey, ez, nx, ny, nz, _, _, _ = enu_axes(lat, lon)
    per_north, per_east = 1.0 / MEAN_RADIUS_M, 1.0 / (MEAN_RADIUS_M * max(math.cos(lat), 0.02))
    for point in range(POINTS - 1):
        east, north = a * SPREAD[point, 0], b * SPREAD[point, 0] + c * SPREAD[point, 1]
        if flat:
            point_lat, point_lon = lat + per_north * north, lon + per_east * east
        else:
            # In the plane that touches the ground at the mean, and down from there.
            point_lat, point_lon, _ = ecef_to_geodetic(
                x + ex * east + nx * north, y + ey * east + ny * north, z + ez * east + nz * north
            )
        mask = np.int64(
            territory_mask(point_lat, point_lon, ground.raster, ground.row_offsets, ground.edges, ground.edge_side)
        )
        for k in range(sides):
            line[THREAT + k] += (mask >> k) & 1
    for k in range(sides):
        line[THREAT + k] /= POINTS


@kernel
def both_impacts(m, beta, lighter):
    """Impacts with two ballistic coefficients: (time, x, y, z, other time, x, y, z, flag). The vacuum is flown once."""
    time_s, px, py, pz, vx, vy, vz = 0.0, m[0], m[1], m[2], m[3], m[4], m[5]
    if plausible(px, py, pz, vx, vy, vz) and radial_height(px, py, pz) >= ENTRY_M:
        time_s, px, py, pz, vx, vy, vz, flag = fall_to_entry(px, py, pz, vx, vy, vz)
        if flag != OK:
            return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, flag
    ta, ax, ay, az, flag_a = impact_from_state(px, py, pz, vx, vy, vz, beta)
    tb, bx, by, bz, flag_b = impact_from_state(px, py, pz, vx, vy, vz, lighter)
    return time_s + ta, ax, ay, az, time_s + tb, bx, by, bz, max(flag_a, flag_b)


@kernel
def predict_impact(m, covariance, time_s, settings, ground, work, line):
    """Predict the impact of a state that no longer boosts and write it to a line of estimates; false: not predicted.

    ``work`` is 6×6. A line that cannot be predicted is left as it was.
    """
    beta = settings.ballistic_coefficient_kg_m2
    lighter = beta * math.exp(-settings.ballistic_log_sigma)
    fall_s, x, y, z, other_s, ox, oy, oz, flag = both_impacts(m, beta, lighter)
    if flag != OK or not factor(covariance, 6, work):
        return False
    lat, lon, _ = ecef_to_geodetic(x, y, z)
    tt, ee, en, nn, flag = landing_spread(m, work, lat, lon, math.sqrt(x * x + y * y + z * z), 1.0)
    if flag != OK:
        return False
    late_s, aside_e, aside_n = 0.0, 0.0, 0.0
    if ee + nn > BENT_M2:
        late_s, aside_e, aside_n, tt, ee, en, nn, flag = landing_moments(
            m, work, lat, lon, math.sqrt(x * x + y * y + z * z)
        )
        if flag != OK:
            return False
    # One standard deviation of the unknown ballistic coefficient moves the impact along the track and in time.
    ex, ey, ez, nx, ny, nz, _, _, _ = enu_axes(lat, lon)
    east = ex * (ox - x) + ey * (oy - y) + ez * (oz - z)
    north = nx * (ox - x) + ny * (oy - y) + nz * (oz - z)
    floor2 = settings.impact_floor_m**2
    ee += east * east + floor2
    en += east * north
    nn += north * north + floor2
    if not ee + nn < settings.impact_largest_sigma_m**2:
        return False
    if late_s != 0.0:
        lat, lon, _ = ecef_to_geodetic(
            x + aside_e * ex + aside_n * nx, y + aside_e * ey + aside_n * ny, z + aside_e * ez + aside_n * nz
        )
    line[IMPACT_VALID] = 1.0
    line[IMPACT_LAT] = lat
    line[IMPACT_LON] = lon
    line[IMPACT_S] = time_s + fall_s + late_s
    line[IMPACT_SIGMA_S] = math.sqrt(tt + (other_s - fall_s) ** 2 + settings.impact_floor_s**2)
    line[IMPACT_EE] = ee
    line[IMPACT_EN] = en
    line[IMPACT_NN] = nn
    line[ESTIMATED_S] = time_s
    line[ROUNDS] += 1.0
    line[FORETOLD] += 1.0
    name_class(line)
    threat_share(ground, line)
    return True


@kernel
def write_launch(line, x, y, z, launch_s, sigma_m):
    """State a launch point, brought down to the ground."""
    lat, lon, _ = ecef_to_geodetic(x, y, z)
    line[LAUNCH_VALID] = 1.0
    line[LAUNCH_LAT] = lat
    line[LAUNCH_LON] = lon
    line[LAUNCH_S] = launch_s
    line[LAUNCH_SIGMA] = sigma_m


@kernel
def launch_from_infrared(x, y, z, height_m, m, born_s, settings, line):
    """The launch lies under the place where the first ray met the cloud tops, a climb earlier and a little behind."""
    up = 1.0 / math.sqrt(x * x + y * y + z * z)
    climb = (m[3] * x + m[4] * y + m[5] * z) * up * up
    hx, hy, hz = m[3] - climb * x, m[4] - climb * y, m[5] - climb * z
    behind = settings.climb_slope * max(height_m, 0.0) / max(math.sqrt(hx * hx + hy * hy + hz * hz), 1.0)
    climb_s = math.sqrt(2.0 * max(height_m, 0.0) / settings.climb_acceleration_m_s2)
    write_launch(
        line, x - behind * hx, y - behind * hy, z - behind * hz, born_s - climb_s - settings.first_look_lag_s,
        settings.launch_infrared_sigma_m,
    )  # fmt: skip


@kernel
def launch_from_arc(m, covariance, first_s, settings, work, line):
    """The launch lies near where the vacuum arc of a confirmed state came up out of the ground; false: no such arc."""
    surface = MEAN_RADIUS_M
    for _ in range(2):
        # The second round uses the radius of the ellipsoid where the first came out.
        back_s, x, y, z, flag = vacuum_landing(m[0], m[1], m[2], m[3], m[4], m[5], surface, -1.0)
        if flag != OK:
            return False
        lat, lon, height = ecef_to_geodetic(x, y, z)
        surface -= height
    _, fx, fy, fz, flag = vacuum_landing(m[0], m[1], m[2], m[3], m[4], m[5], surface, 1.0)
    if flag != OK or not factor(covariance, 6, work):
        return False
    _, ee, _, nn, flag = landing_spread(m, work, lat, lon, surface, -1.0)
    # Boost is slower than the arc's fall and ends ahead of it, the more so the farther the flight goes.
    chord = math.sqrt((fx - x) ** 2 + (fy - y) ** 2 + (fz - z) ** 2)
    reach = 2.0 * surface * math.asin(min(1.0, 0.5 * chord / surface))
    share = settings.launch_arc_share * reach / max(chord, 1.0)
    sigma2 = 0.5 * (ee + nn) + settings.launch_radar_sigma_m**2 + (settings.launch_arc_share_sigma * reach) ** 2
    if flag != OK or not sigma2 < settings.impact_largest_sigma_m**2:
        return False
    lag_s = settings.launch_arc_lag_s + settings.launch_arc_lag_s_m * reach
    write_launch(
        line, x + share * (fx - x), y + share * (fy - y), z + share * (fz - z), first_s + back_s - lag_s,
        math.sqrt(sigma2),
    )  # fmt: skip
    return True


@kernel
def due(news_s, now_s, line, settings):
    """True when a line has news since its last prediction and that prediction is old enough, or is an early one.

    What was said of it while it burnt does not count.
    """
    if line[FORETOLD] == 0.0:
        return True
    if news_s <= line[ESTIMATED_S]:
        return False
    least_s = max(settings.cadence_s, settings.cadence_share * (line[IMPACT_S] - now_s))
    return line[FORETOLD] < settings.eager_rounds or now_s - line[ESTIMATED_S] >= least_s


@kernel
def due_in_boost(news_s, now_s, line, settings):
    """True when a line that burns has news, and nothing was said of its impact for a cadence."""
    if line[ROUNDS] == 0.0 and line[ESTIMATED_S] == 0.0:
        return True
    return news_s > line[ESTIMATED_S] and (line[ROUNDS] == 0.0 or now_s - line[ESTIMATED_S] >= settings.cadence_s)


@kernel
def lost_early(burning_by, updated_s, now_s, line, settings):
    """True for a radar's track that was lost while it may still have burnt: it may have gone on to another place.

    Radars see no plume; that a track coasts is then its tracker's belief, not borne out by anything since.
    """
    return (
        burning_by < 0
        and line[LAUNCH_VALID] != 0.0
        and now_s - updated_s > settings.unseen_s
        and updated_s - line[LAUNCH_S] <= settings.burning_age_s
    )


@kernel
def state_vaguely(m, covariance, seen_s, time_s, settings, ground, fan, ways, line):
    """State of a line what could be stated of it if it still burnt when it was seen last; or nothing."""
    if not foresee_boost(m, covariance, seen_s, settings, ground, fan, ways, line):
        line[IMPACT_VALID], line[FORETOLD] = 0.0, 0.0
    line[ESTIMATED_S] = time_s


@kernel
def copy_state(mean, covariance, m, p):
    """m, p = a state and its covariance, to where they may be worked on."""
    for i in range(6):
        m[i] = mean[i]
        for j in range(6):
            p[i, j] = covariance[i, j]


@kernel
def estimate_rows(
    time_s, status, number, mean, covariance, phase, born_s, updated_s, burning_s, burning_by,
    first_mean, first_covariance, first_s, start, settings, ground, estimates,
):  # fmt: skip
    """Bring ``estimates``, which hold the step before, up to the tracks; all (R, S, ...)."""
    m, p, work = np.zeros(6), np.zeros((6, 6)), np.zeros((6, 6))
    fan, ways = np.zeros((9, 6)), np.zeros((WAYS, 3))
    for r in range(status.shape[0]):
        for s in range(status.shape[1]):
            line = estimates[:, r, s]
            if status[r, s] != CONFIRMED:
                if line[NUMBER] != 0.0:
                    clear_line(line)
                continue
            if line[NUMBER] != number[r, s]:
                clear_line(line)
                line[NUMBER] = number[r, s]
            if line[LAUNCH_VALID] == 0.0:
                x, y, z = start[r, s, 0], start[r, s, 1], start[r, s, 2]
                _, _, height_m = ecef_to_geodetic(x, y, z)
                copy_state(first_mean[r, s], first_covariance[r, s], m, p)
                if burning_by[r, s] >= 0 and height_m < settings.infrared_height_m:
                    launch_from_infrared(x, y, z, height_m, m, born_s[r, s], settings, line)
                else:
                    launch_from_arc(m, p, first_s[r, s], settings, work, line)
            if phase[r, s] < COAST:
                note_burning(mean[r, s], covariance[r, s], burning_s[r, s], burning_by[r, s] >= 0, line)
                if due_in_boost(updated_s[r, s], time_s, line, settings):
                    copy_state(mean[r, s], covariance[r, s], m, p)
                    foresee_boost(m, p, time_s, settings, ground, fan, ways, line)
                    line[ESTIMATED_S] = time_s
                continue
            note_energy(mean[r, s], covariance[r, s], updated_s[r, s], line)
            if line[DOUBTED] == 1.0 or lost_early(burning_by[r, s], updated_s[r, s], time_s, line, settings):
                if updated_s[r, s] > line[ESTIMATED_S] or line[FORETOLD] > 0.0:
                    copy_state(mean[r, s], covariance[r, s], m, p)
                    state_vaguely(m, p, updated_s[r, s], time_s, settings, ground, fan, ways, line)
            elif due(updated_s[r, s], time_s, line, settings):
                copy_state(mean[r, s], covariance[r, s], m, p)
                if burning_by[r, s] >= 0 and burning_s[r, s] >= updated_s[r, s]:
                    open_the_end(m, p, burning_s[r, s], time_s, line)
                    if is_strange(m, p, burning_s[r, s], time_s, settings, line):
                        line[DOUBTED] = 1.0
                        state_vaguely(m, p, burning_s[r, s], time_s, settings, ground, fan, ways, line)
                        continue
                predict_impact(m, p, time_s, settings, ground, work, line)
