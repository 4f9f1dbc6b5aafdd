"""A partner's state brought to our moment, and two states made one."""

import math

import numpy as np

from detente.centre.picture._kernels_matrix import congruence, factor, invert
from detente.flight._kernels_predict import coast_state
from detente.geodesy.constants import MU_M3_S2, OMEGA_RAD_S
from detente.jit import kernel

BOOST = 1
REENTRY = 3
LONGEST_STEP_S = 30.0
GOLDEN = 0.6180339887498949  # (√5 - 1) / 2
ROUNDS = 9  # narrow the weight to 0.007: so near its best the determinant is flat to a thousandth
CLOSE = 1.0 + 1e-9  # rounding must not make a mixture of two equal states


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
        xx, xv = 0.25 * vv * span * span, 0.5 * vv * dt_s
    else:
        vv = settings.coast_noise_m2_s3 * span
        xx, xv = vv * span * span / 3.0, 0.5 * vv * dt_s
    for i in range(3):
        covariance[i, i] += xx
        covariance[i, i + 3] += xv
        covariance[i + 3, i] += xv
        covariance[i + 3, i + 3] += vv


@kernel
def align(mean, covariance, dt_s, phase, settings, phi, work, mean_out, covariance_out):
    """Bring a state and its covariance dt_s on (or back), in a vacuum, with the noise of its phase."""
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
        add_noise(covariance_out, dt_s, phase, settings)
    mean_out[0], mean_out[1], mean_out[2] = px, py, pz
    mean_out[3], mean_out[4], mean_out[5] = vx, vy, vz


@kernel
def trace_of_product(a, b, n):
    """Of two symmetric matrices."""
    total = 0.0
    for i in range(n):
        for j in range(n):
            total += a[i, j] * b[i, j]
    return total


@kernel
def blended_size(a, b, weight, lower):
    """Square root of the determinant of weight × a + (1 - weight) × b, both 6×6; 0 where that is not positive definite.

    A Cholesky factor, taken while blending: this is what finding a weight spends its time on.
    """
    rest, size = 1.0 - weight, 1.0
    for j in range(6):
        total = weight * a[j, j] + rest * b[j, j]
        for k in range(j):
            total -= lower[j, k] * lower[j, k]
        if not total > 0.0:
            return 0.0
        root = math.sqrt(total)
        size *= root
        inverse = 1.0 / root
        for i in range(j + 1, 6):
            total = weight * a[i, j] + rest * b[i, j]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            lower[i, j] = total * inverse
    return size


@kernel
def best_weight(covariance_a, information_a, covariance_b, information_b, lower):
    """The share of a's information for which the intersection's determinant is least.

    The log determinant is concave in the weight, so its slope at the ends tells whether an end is best, and golden
    sections find the best inside.
    """
    if trace_of_product(covariance_a, information_b, 6) <= 6.0 * CLOSE:
        return 1.0
    if trace_of_product(covariance_b, information_a, 6) <= 6.0 * CLOSE:
        return 0.0
    low, high = 0.0, 1.0
    left, right = 1.0 - GOLDEN, GOLDEN
    at_left = blended_size(information_a, information_b, left, lower)
    at_right = blended_size(information_a, information_b, right, lower)
    for _ in range(ROUNDS):
        if at_left > at_right:
            high, right, at_right = right, left, at_left
            left = high - GOLDEN * (high - low)
            at_left = blended_size(information_a, information_b, left, lower)
        else:
            low, left, at_left = left, right, at_right
            right = low + GOLDEN * (high - low)
            at_right = blended_size(information_a, information_b, right, lower)
    return 0.5 * (low + high)


@kernel
def combine(mean_a, information_a, weight_a, mean_b, information_b, weight_b, blend, lower, vector, mean, covariance):
    """The state whose information is the weighted sum of two states' information; false: it is not one."""
    for i in range(6):
        for j in range(6):
            blend[i, j] = weight_a * information_a[i, j] + weight_b * information_b[i, j]
    if not factor(blend, 6, lower):
        return False
    invert(lower, 6, covariance)
    # Relative to a, so that the Earth's radius does not eat the digits.
    for i in range(6):
        total = 0.0
        for j in range(6):
            total += weight_b * information_b[i, j] * (mean_b[j] - mean_a[j])
        vector[i] = total
    for i in range(6):
        total = 0.0
        for j in range(6):
            total += covariance[i, j] * vector[j]
        mean[i] = mean_a[i] + total
    return True


@kernel
def intersect(mean_a, covariance_a, mean_b, covariance_b, work, mean, covariance):
    """Covariance intersection of two states: the weight of a, or -1 where either covariance is not one.

    ``work`` is (5, 6, 6). At weight 1 or 0 the result is that state, untouched.
    """
    information_a, information_b, blend, lower = work[0], work[1], work[2], work[3]
    if not factor(covariance_a, 6, lower):
        return -1.0
    invert(lower, 6, information_a)
    if not factor(covariance_b, 6, lower):
        return -1.0
    invert(lower, 6, information_b)
    weight = best_weight(covariance_a, information_a, covariance_b, information_b, lower)
    if weight == 1.0 or weight == 0.0:
        for i in range(6):
            mean[i] = mean_a[i] if weight == 1.0 else mean_b[i]
            for j in range(6):
                covariance[i, j] = covariance_a[i, j] if weight == 1.0 else covariance_b[i, j]
        return weight
    if not combine(
        mean_a, information_a, weight, mean_b, information_b, 1.0 - weight, blend, lower, work[4, 0], mean, covariance
    ):
        return -1.0
    return weight


@kernel
def intersect_rows(means_a, covariances_a, means_b, covariances_b, naive, means, covariances, weights):
    """Row by row: covariance intersection, or with ``naive`` the product that treats two states as independent."""
    work = np.zeros((5, 6, 6))
    for i in range(means_a.shape[0]):
        if naive == 0:
            weights[i] = intersect(
                means_a[i], covariances_a[i], means_b[i], covariances_b[i], work, means[i], covariances[i]
            )
            continue
        weights[i] = -1.0
        if factor(covariances_a[i], 6, work[3]):
            invert(work[3], 6, work[0])
            if factor(covariances_b[i], 6, work[3]):
                invert(work[3], 6, work[1])
                if combine(
                    means_a[i], work[0], 1.0, means_b[i], work[1], 1.0, work[2], work[3], work[4, 0], means[i],
                    covariances[i],
                ):  # fmt: skip
                    weights[i] = 1.0
