"""Two states made one, by the rule that what is known of their errors allows."""

import math

import numpy as np

from detente.centre.picture._kernels_matrix import factor, invert, log_determinant
from detente.jit import kernel

# The rules. ``fusion.Rule`` names them.
LAWFUL, INTERSECTION, INVERSE, INCREMENTS, NAIVE = 0, 1, 2, 3, 4

GOLDEN = 0.6180339887498949  # (√5 - 1) / 2
ROUNDS = 9  # narrow the weight to 0.007: so near its best the determinant is flat to a thousandth
CLOSE = 1.0 + 1e-9  # rounding must not make a mixture of two equal states
SLACK = 1e-4  # an increment may lack this share of the older state's information: rounding


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
def move(start, covariance, vector, mean):
    """The ``mean`` that a gain of information ``vector``, seen from ``start``, leaves with this covariance."""
    for i in range(6):
        total = 0.0
        for j in range(6):
            total += covariance[i, j] * vector[j]
        mean[i] = start[i] + total


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
    move(mean_a, covariance, vector, mean)
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
def inverse_size(a, information_a, b, information_b, weight, work):
    """Log determinant of the information that inverse intersection leaves at this weight; -inf where it is none.

    ``work`` is (3, 6, 6): it is left holding the common information's bound and the sum.
    """
    bound, total, lower = work[0], work[1], work[2]
    for i in range(6):
        for j in range(6):
            total[i, j] = weight * a[i, j] + (1.0 - weight) * b[i, j]
    if not factor(total, 6, lower):
        return -math.inf
    invert(lower, 6, bound)
    for i in range(6):
        for j in range(6):
            total[i, j] = information_a[i, j] + information_b[i, j] - bound[i, j]
    if not factor(total, 6, lower):
        return -math.inf
    return log_determinant(lower, 6)


@kernel
def best_inverse_weight(a, information_a, b, information_b, work):
    """The weight at which inverse intersection leaves the most information, by golden sections."""
    low, high = 0.0, 1.0
    left, right = 1.0 - GOLDEN, GOLDEN
    at_left = inverse_size(a, information_a, b, information_b, left, work)
    at_right = inverse_size(a, information_a, b, information_b, right, work)
    for _ in range(ROUNDS):
        if at_left < at_right:
            low, left, at_left = left, right, at_right
            right = low + GOLDEN * (high - low)
            at_right = inverse_size(a, information_a, b, information_b, right, work)
        else:
            high, right, at_right = right, left, at_left
            left = high - GOLDEN * (high - low)
            at_left = inverse_size(a, information_a, b, information_b, left, work)
    return 0.5 * (low + high)


@kernel
def gained(information_a, information_b, bound, weight, mean_a, mean_b, lower, vector, mean, covariance):
    """The state whose information is a's and b's, less ``bound`` held at the weighted means."""
    for i in range(6):
        for j in range(6):
            covariance[i, j] = information_a[i, j] + information_b[i, j] - bound[i, j]
    if not factor(covariance, 6, lower):
        return False
    invert(lower, 6, covariance)
    # Relative to a, so that the Earth's radius does not eat the digits.
    for i in range(6):
        total = 0.0
        for j in range(6):
            total += (information_b[i, j] - (1.0 - weight) * bound[i, j]) * (mean_b[j] - mean_a[j])
        vector[i] = total
    move(mean_a, covariance, vector, mean)
    return True


@kernel
def intersect_inverse(mean_a, covariance_a, mean_b, covariance_b, work, mean, covariance):
    """Inverse covariance intersection of two states: the weight of a, or -1 where it cannot be.

    ``work`` is (6, 6, 6).
    """
    if not factor(covariance_a, 6, work[4]):
        return -1.0
    invert(work[4], 6, work[3])
    if not factor(covariance_b, 6, work[5]):
        return -1.0
    invert(work[5], 6, work[4])
    weight = best_inverse_weight(covariance_a, work[3], covariance_b, work[4], work)
    if inverse_size(covariance_a, work[3], covariance_b, work[4], weight, work) == -math.inf:
        return -1.0
    if not gained(work[3], work[4], work[0], weight, mean_a, mean_b, work[2], work[5, 0], mean, covariance):
        return -1.0
    return weight


@kernel
def multiply(mean_a, covariance_a, mean_b, covariance_b, work, mean, covariance):
    """As if two states had no error in common: 1, or -1 where either covariance is not one. ``work`` as above."""
    if not factor(covariance_a, 6, work[3]):
        return -1.0
    invert(work[3], 6, work[0])
    if not factor(covariance_b, 6, work[3]):
        return -1.0
    invert(work[3], 6, work[1])
    if not combine(mean_a, work[0], 1.0, mean_b, work[1], 1.0, work[2], work[3], work[4, 0], mean, covariance):
        return -1.0
    return 1.0


@kernel
def no_increment(information_new, information_old, excess, lower):
    """True when the newer state knows less than the older in some direction: no measurement does that."""
    for i in range(6):
        for j in range(6):
            excess[i, j] = information_new[i, j] - (1.0 - SLACK) * information_old[i, j]
    return not factor(excess, 6, lower)


@kernel
def add_increment(
    mean, covariance, new_mean, new_covariance, old_mean, old_covariance, work, mean_out, covariance_out
):  # fmt: skip
    """Add to a state what another estimator learnt between an old and a new state of its own, all at one moment.

    The information that the new has over the old is that of the measurements in between, and of nothing else. 1, or
    -1 where the new is not the old with something learnt. ``work`` is (6, 6, 6).
    """
    if not factor(new_covariance, 6, work[4]):
        return -1.0
    invert(work[4], 6, work[0])
    if not factor(old_covariance, 6, work[4]):
        return -1.0
    invert(work[4], 6, work[1])
    if no_increment(work[0], work[1], work[3], work[4]) or not factor(covariance, 6, work[4]):
        return -1.0
    invert(work[4], 6, work[2])
    vector = work[5, 0]
    # Relative to the state, so that the Earth's radius does not eat the digits.
    for i in range(6):
        total = 0.0
        for j in range(6):
            total += work[0, i, j] * (new_mean[j] - mean[j]) - work[1, i, j] * (old_mean[j] - mean[j])
        vector[i] = total
    for i in range(6):
        for j in range(6):
            work[3, i, j] = work[2, i, j] + work[0, i, j] - work[1, i, j]
    if not factor(work[3], 6, work[4]):
        return -1.0
    invert(work[4], 6, covariance_out)
    for i in range(6):
        total = 0.0
        for j in range(6):
            total += covariance_out[i, j] * vector[j]
        mean_out[i] = mean[i] + total
    return 1.0


@kernel
def combine_rows(rule, means_a, covariances_a, means_b, covariances_b, means, covariances, weights):
    """Row by row, by one rule: INTERSECTION, INVERSE or NAIVE."""
    work = np.zeros((6, 6, 6))
    for i in range(means_a.shape[0]):
        if rule == INTERSECTION:
            weights[i] = intersect(
                means_a[i], covariances_a[i], means_b[i], covariances_b[i], work, means[i], covariances[i]
            )
        elif rule == INVERSE:
            weights[i] = intersect_inverse(
                means_a[i], covariances_a[i], means_b[i], covariances_b[i], work, means[i], covariances[i]
            )
        else:
            weights[i] = multiply(
                means_a[i], covariances_a[i], means_b[i], covariances_b[i], work, means[i], covariances[i]
            )


@kernel
def increment_rows(means, covariances, new_means, new_covariances, old_means, old_covariances, out, spreads, done):
    """Row by row ``add_increment``; a row that cannot be is flagged -1."""
    work = np.zeros((6, 6, 6))
    for i in range(means.shape[0]):
        done[i] = add_increment(
            means[i], covariances[i], new_means[i], new_covariances[i], old_means[i], old_covariances[i], work, out[i],
            spreads[i],
        )  # fmt: skip
