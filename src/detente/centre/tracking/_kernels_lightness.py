"""What is believed of a body's lightness before its drag is felt, kept as it is: log-normal, not Gaussian.

Drag is proportional to lightness, so what looks say of it is Gaussian; what is believed beforehand, of a number that
is positive and spread over a factor of twenty, is not. A filter's Gaussian is the product of both, and its part from
beforehand is one Gaussian *site* (Minka 2001, expectation propagation). After every look the site is taken out,
the log-normal is put in its place, and the site becomes what gives the same mean and variance. So a light body is not
held to be impossible, no lightness is negative, and what an early, vague look left behind does not stay.
"""

import math

from detente.centre.tracking._kernels_places import (
    LIGHTNESS_MEAN,
    LIGHTNESS_VARIANCE,
    SITE_PRECISION,
    SITE_PULL,
)
from detente.jit import kernel

NODES = 32
REACH = 4.5  # sigmas of the log-normal that are looked at
LIKELY = 6.0  # sigmas of what looks say
UNFELT = 1e-3  # share of the prior's precision below which looks have said nothing
SETTLED = 0.1  # relative spread below which the prior no longer matters


@kernel
def weigh_lightness(x, P, clocks, settings):
    """Put the log-normal in place of the site in (x, P), not in boost; ``clocks`` (CLOCKS,) holds the slot's site.

    The site's precision and pull (mean times precision) are kept less those of the prior's own mean and variance, so
    that zeros are a new track's.
    """
    mean, variance = x[6], P[6, 6]
    if not variance > (SETTLED * mean) ** 2:
        return
    prior = 1.0 / settings[LIGHTNESS_VARIANCE]
    told = 1.0 / variance - prior - clocks[SITE_PRECISION]
    if not told > UNFELT * prior:
        return
    centre = (mean / variance - settings[LIGHTNESS_MEAN] * prior - clocks[SITE_PULL]) / told
    total, first, second = tilt(centre, 1.0 / math.sqrt(told), 2.0 * math.log(settings[LIGHTNESS_MEAN]))
    if not total > 0.0:
        return
    first /= total
    second = second / total - first * first
    if not second > 0.0:
        return
    clocks[SITE_PRECISION] = 1.0 / second - told - prior
    clocks[SITE_PULL] = first / second - centre * told - settings[LIGHTNESS_MEAN] * prior
    step, growth = (first - mean) / variance, (second - variance) / (variance * variance)
    c0, c1, c2, c3, c4, c5, c6 = P[0, 6], P[1, 6], P[2, 6], P[3, 6], P[4, 6], P[5, 6], P[6, 6]
    column = (c0, c1, c2, c3, c4, c5, c6)
    for a in range(7):
        x[a] += column[a] * step
        for b in range(7):
            P[a, b] += column[a] * column[b] * growth


@kernel
def tilt(centre, sigma, log_variance):
    """Sums of 1, λ and λ² over the log-normal times a Gaussian (centre, sigma): by the trapezoid rule in log λ."""
    widest = math.exp(REACH * math.sqrt(log_variance))
    least, most = max(centre - LIKELY * sigma, 1.0 / widest), min(centre + LIKELY * sigma, widest)
    total, first, second = 0.0, 0.0, 0.0
    if not most > least:
        return total, first, second
    low, high = math.log(least), math.log(most)
    pace = (high - low) / (NODES - 1)
    light, growth = least, math.exp(pace)
    for k in range(NODES):
        log_light, off = low + k * pace, (light - centre) / sigma
        weight = math.exp(-0.5 * (log_light * log_light / log_variance + off * off))
        total += weight
        first += weight * light
        second += weight * light * light
        light *= growth
    return total, first, second
