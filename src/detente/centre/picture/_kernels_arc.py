"""Where a state comes down on a Kepler arc, and how that spreads with what is unknown of it."""

import math

from detente.flight._kernels_motion import OK
from detente.flight._kernels_predict import kepler_drift, kepler_fall_time
from detente.geodesy._kernels import enu_axes
from detente.geodesy.constants import OMEGA_RAD_S
from detente.jit import kernel

STEP = 0.1  # of a standard deviation


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
