"""Where a state comes down on a Kepler arc, and how that spreads with what is unknown of it."""

import math

from detente.flight._kernels_motion import OK
from detente.flight._kernels_predict import kepler_drift, kepler_fall_time
from detente.geodesy._kernels import enu_axes
from detente.geodesy.constants import OMEGA_RAD_S
from detente.jit import kernel

STEP = 0.1  # of a standard deviation
BEND2 = 3.0  # square of the step, in standard deviations, at which a Gaussian's second differences are taken


@kernel
def vacuum_landing(px, py, pz, vx, vy, vz, radius_m, sense):
    """When and where a state comes down through a radius on a Kepler arc: (time, x, y, z, flag), Earth-fixed.

    With ``sense`` -1 the film runs backwards: when (a time before 0) and where it came up. No air, no J2: 0.6 µs.
    """
    wx, wy, wz = sense * (vx - OMEGA_RAD_S * py), sense * (vy + OMEGA_RAD_S * px), sense * vz
    time_s, flag = kepler_fall_time(px, py, pz, wx, wy, wz, radius_m)
    if flag != OK:
        return 0.0, 0.0, 0.0, 0.0, flag
    qx, qy, qz, _, _, _ = kepler_drift(px, py, pz, wx, wy, wz, time_s)
    turn = sense * OMEGA_RAD_S * time_s
    c, s = math.cos(turn), math.sin(turn)
    return sense * time_s, c * qx + s * qy, c * qy - s * qx, qz, OK


@kernel
def landing_spread(m, lower, lat, lon, radius_m, sense):
    """Covariance of a landing: (time², east², east × north, north², flag).

    Each column of the state's Cholesky factor is flown a tenth of a standard deviation aside and the difference
    scaled up: the sum of squares is Jacobian × covariance × Jacobianᵀ without a Jacobian.
    """
    t0, x0, y0, z0, flag = vacuum_landing(m[0], m[1], m[2], m[3], m[4], m[5], radius_m, sense)
    ex, ey, ez, nx, ny, nz, _, _, _ = enu_axes(lat, lon)
    tt, ee, en, nn = 0.0, 0.0, 0.0, 0.0
    for column in range(6):
        t, x, y, z, missed = vacuum_landing(
            m[0] + STEP * lower[0, column], m[1] + STEP * lower[1, column], m[2] + STEP * lower[2, column],
            m[3] + STEP * lower[3, column], m[4] + STEP * lower[4, column], m[5] + STEP * lower[5, column],
            radius_m, sense,
        )  # fmt: skip
        flag = max(flag, missed)
        dt, dx, dy, dz = (t - t0) / STEP, (x - x0) / STEP, (y - y0) / STEP, (z - z0) / STEP
        east, north = ex * dx + ey * dy + ez * dz, nx * dx + ny * dy + nz * dz
        tt += dt * dt
        ee += east * east
        en += east * north
        nn += north * north
    return tt, ee, en, nn, flag


@kernel
def landing_moments(m, lower, lat, lon, radius_m):
    """Mean and covariance of a landing whose state is so vague that its place bends with it:
    (time, east, north, time², east², east × north, north², flag), the first three from where the mean state lands.

    Each column of the state's Cholesky factor is flown √3 standard deviations to both sides. First differences give the
    spread, second ones the mean's shift and what they add to the spread: the divided-difference filter's second order
    (M. Nørgaard, N. K. Poulsen, O. Ravn, Automatica 36, 2000). A faster body flies farther by more than a slower one
    falls short. Flagged where the body might not come down.
    """
    t0, x0, y0, z0, flag = vacuum_landing(m[0], m[1], m[2], m[3], m[4], m[5], radius_m, 1.0)
    ex, ey, ez, nx, ny, nz, _, _, _ = enu_axes(lat, lon)
    h, bent = math.sqrt(BEND2), (BEND2 - 1.0) / (4.0 * BEND2 * BEND2)
    late, east, north, tt, ee, en, nn = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for column in range(6):
        ahead = h * lower[0, column], h * lower[1, column], h * lower[2, column]
        faster = h * lower[3, column], h * lower[4, column], h * lower[5, column]
        ta, xa, ya, za, missed_a = vacuum_landing(
            m[0] + ahead[0], m[1] + ahead[1], m[2] + ahead[2], m[3] + faster[0], m[4] + faster[1], m[5] + faster[2],
            radius_m, 1.0,
        )  # fmt: skip
        tb, xb, yb, zb, missed_b = vacuum_landing(
            m[0] - ahead[0], m[1] - ahead[1], m[2] - ahead[2], m[3] - faster[0], m[4] - faster[1], m[5] - faster[2],
            radius_m, 1.0,
        )  # fmt: skip
        flag = max(flag, missed_a, missed_b)
        st, sx, sy, sz = 0.5 * (ta - tb) / h, 0.5 * (xa - xb) / h, 0.5 * (ya - yb) / h, 0.5 * (za - zb) / h
        bt, bx, by, bz = ta + tb - 2.0 * t0, xa + xb - 2.0 * x0, ya + yb - 2.0 * y0, za + zb - 2.0 * z0
        se, sn = ex * sx + ey * sy + ez * sz, nx * sx + ny * sy + nz * sz
        be, bn = ex * bx + ey * by + ez * bz, nx * bx + ny * by + nz * bz
        late += 0.5 * bt / BEND2
        east += 0.5 * be / BEND2
        north += 0.5 * bn / BEND2
        tt += st * st + bent * bt * bt
        ee += se * se + bent * be * be
        en += se * sn + bent * be * bn
        nn += sn * sn + bent * bn * bn
    return late, east, north, tt, ee, en, nn, flag
