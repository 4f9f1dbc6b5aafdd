"""Small symmetric positive matrices, by Cholesky, one at a time and in scalar arithmetic."""

import math

from detente.jit import kernel


@kernel
def factor(a, n, lower):
    """lower × lowerᵀ = the first n rows and columns of a; false where a is not positive definite (or holds a NaN).

    Above its diagonal ``lower`` is left 0, whatever stood there.
    """
    for j in range(n):
        for i in range(j):
            lower[i, j] = 0.0
        total = a[j, j]
        for k in range(j):
            total -= lower[j, k] * lower[j, k]
        if not 0.0 < total < math.inf:
            return False
        lower[j, j] = math.sqrt(total)
        inverse = 1.0 / lower[j, j]
        for i in range(j + 1, n):
            total = a[i, j]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            lower[i, j] = total * inverse
    return True


@kernel
def log_determinant(lower, n):
    """Of the matrix whose factor this is."""
    product = 1.0
    for i in range(n):
        product *= lower[i, i]
    return 2.0 * math.log(product)


@kernel
def invert(lower, n, out):
    """out = the inverse of the matrix whose factor this is; ``lower`` is overwritten by its own inverse."""
    for j in range(n):
        lower[j, j] = 1.0 / lower[j, j]
        for i in range(j + 1, n):
            total = 0.0
            for k in range(j, i):
                total -= lower[i, k] * lower[k, j]
            lower[i, j] = total / lower[i, i]
    for i in range(n):
        for j in range(i + 1):
            total = 0.0
            for k in range(i, n):
                total += lower[k, i] * lower[k, j]
            out[i, j] = total
            out[j, i] = total


@kernel
def distance2(lower, difference, n, work):
    """differenceᵀ × inverse × difference, for the matrix whose factor this is."""
    total = 0.0
    for i in range(n):
        value = difference[i]
        for k in range(i):
            value -= lower[i, k] * work[k]
        work[i] = value / lower[i, i]
        total += work[i] * work[i]
    return total


@kernel
def congruence(left, middle, n, work, out):
    """out = left × middle × leftᵀ, exactly symmetric."""
    for i in range(n):
        for j in range(n):
            total = 0.0
            for k in range(n):
                total += left[i, k] * middle[k, j]
            work[i, j] = total
    for i in range(n):
        for j in range(i + 1):
            total = 0.0
            for k in range(n):
                total += work[i, k] * left[j, k]
            out[i, j] = total
            out[j, i] = total
