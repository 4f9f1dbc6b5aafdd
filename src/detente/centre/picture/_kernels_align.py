"""A state brought to another moment."""

import math

from detente.centre.picture._kernels_matrix import congruence
from detente.flight._kernels_motion import climb_rate, radial_height
from detente.flight._kernels_predict import coast_state
from detente.geodesy.constants import MU_M3_S2, OMEGA_RAD_S
from detente.jit import kernel

BOOST = 1
REENTRY = 3
LONGEST_STEP_S = 30.0
FELT_M = 60_000.0  # below it the air brakes a light body (500 kg/m² at 3 km/s) by more than 2 m/s²


@kernel
def transition(px, py, pz, dt_s, out):
    """out (6×6) = how a small deviation of a free-falling Earth-fixed state grows in dt_s, to third order in time."""
    inverse_r2 = 1.0 / (px * px + py * py + pz * pz)
    k = MU_M3_S2 * inverse_r2 * math.sqrt(inverse_r2)
    k3 = 3.0 * k * inverse_r2
    spin2, spin = OMEGA_RAD_S * OMEGA_RAD_S, 2.0 * OMEGA_RAD_S
    gxx, gyy, gzz = k3 * px * px - k + spin2, k3 * py * py - k + spin2, k3 * pz * pz - k
    gxy, gxz, gyz = k3 * px * py, k3 * px * pz, k3 * py * pz
    half, sixth = 0.5 * dt_s * dt_s, dt_s * dt_s * dt_s / 6.0
    out[:, :] = 0.0
    for i in range(3):
        out[i, i] = 1.0
        out[i, i + 3] = dt_s
        out[i + 3, i + 3] = 1.0
    # Gravity's gradient acts on position, the Coriolis term on velocity.
    out[0, 0] += half * gxx
    out[1, 1] += half * gyy
    out[2, 2] += half * gzz
    out[0, 1] = out[1, 0] = half * gxy
    out[0, 2] = out[2, 0] = half * gxz
    out[1, 2] = out[2, 1] = half * gyz
    out[0, 3] += sixth * gxx
    out[1, 4] += sixth * gyy
    out[2, 5] += sixth * gzz
    out[0, 4] = sixth * gxy + half * spin
    out[1, 3] = sixth * gxy - half * spin
    out[0, 5] = out[2, 3] = sixth * gxz
    out[1, 5] = out[2, 4] = sixth * gyz
    out[3, 0], out[3, 1], out[3, 2] = dt_s * gxx, dt_s * gxy, dt_s * gxz
    out[4, 0], out[4, 1], out[4, 2] = dt_s * gxy, dt_s * gyy, dt_s * gyz
    out[5, 0], out[5, 1], out[5, 2] = dt_s * gxz, dt_s * gyz, dt_s * gzz
    out[3, 3] += half * (gxx - spin * spin)
    out[4, 4] += half * (gyy - spin * spin)
    out[5, 5] += half * gzz
    out[3, 4] = half * gxy + dt_s * spin
    out[4, 3] = half * gxy - dt_s * spin
    out[3, 5] = out[5, 3] = half * gxz
    out[4, 5] = out[5, 4] = half * gyz


@kernel
def add_noise(covariance, dt_s, phase, settings):
    """What may have happened to an object meanwhile: little in the vacuum, much while it boosts or brakes."""
    span = abs(dt_s)
    if phase in (BOOST, REENTRY):
        unknown = settings.boost_acceleration_m_s2 if phase == BOOST else settings.reentry_acceleration_m_s2
        vv = (unknown * span) ** 2
    else:
        vv = settings.coast_noise_m2_s3 * span
    # What pulls is not known to be steady (drag grows e-fold in some seconds): place and velocity are tied as white
    # noise ties them, and not wholly, which would leave a combination of the two that is thought to be known.
    xx, xv = vv * span * span / 3.0, 0.5 * vv * dt_s
    for i in range(3):
        covariance[i, i] += xx
        covariance[i, i + 3] += xv
        covariance[i + 3, i] += xv
        covariance[i + 3, i + 3] += vv


@kernel
def carry(mean, covariance, dt_s, phi, work, mean_out, covariance_out):
    """Bring a state and its covariance dt_s on (or back), in a vacuum, as if nothing unknown pulled at it."""
    px, py, pz, vx, vy, vz = mean[0], mean[1], mean[2], mean[3], mean[4], mean[5]
    for i in range(6):
        for j in range(6):
            covariance_out[i, j] = covariance[i, j]
    count = max(1, math.ceil(abs(dt_s) / LONGEST_STEP_S))
    h = dt_s / count
    if dt_s != 0.0:
        for _ in range(count):
            # Linearised half-way, which makes the gradient's change over the step cancel.
            hx, hy, hz = px + 0.5 * h * vx, py + 0.5 * h * vy, pz + 0.5 * h * vz
            transition(hx, hy, hz, h, phi)
            congruence(phi, covariance_out, 6, work, covariance_out)
            px, py, pz, vx, vy, vz = coast_state(px, py, pz, vx, vy, vz, h)
    mean_out[0], mean_out[1], mean_out[2] = px, py, pz
    mean_out[3], mean_out[4], mean_out[5] = vx, vy, vz


@kernel
def seconds_in_air(x, dt_s):
    """For how long of the last dt_s a falling body (6,) has been where the air may brake it."""
    height = radial_height(x[0], x[1], x[2])
    climb = climb_rate(x[0], x[1], x[2], x[3], x[4], x[5])
    if dt_s <= 0.0 or climb >= 0.0 or height >= FELT_M:
        return 0.0
    return min(dt_s, (FELT_M - height) / -climb)


@kernel
def align(mean, covariance, dt_s, phase, settings, phi, work, mean_out, covariance_out):
    """Bring a state and its covariance dt_s on (or back), in a vacuum, with the noise of its phase.

    A body that was last told of in coast may have come into the air since: then with that of reentry too.
    """
    carry(mean, covariance, dt_s, phi, work, mean_out, covariance_out)
    add_noise(covariance_out, dt_s, phase, settings)
    if phase not in (BOOST, REENTRY):
        braked_s = seconds_in_air(mean_out, dt_s)
        if braked_s > 0.0:
            add_noise(covariance_out, braked_s, REENTRY, settings)
