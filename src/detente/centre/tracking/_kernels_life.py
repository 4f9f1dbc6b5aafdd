"""A track's life: how it is born of one detection, when it is believed, when it stops burning, and when it ends."""

import math

from detente.centre.tracking._kernels_force import thrust_direction
from detente.centre.tracking._kernels_places import (
    ALONG,
    ALONG_SIGMA_MAX_M,
    AT,
    BOOST,
    BOOST_CEILING_M,
    BORN,
    BURNING,
    BURNING_BY,
    BURNOUT_DOUBT,
    BURNOUT_RATE,
    CLIMB_MEAN,
    CLIMB_SIGMA,
    CLOUD,
    COAST,
    DET_KIND,
    DET_SENSOR,
    DETECTION,
    EMPTY,
    FROM,
    HEIGHT_SIGMA_M,
    HITS,
    IGNITION_SIGMA,
    LEVEL_SIGMA,
    LIGHTNESS_MEAN,
    LIGHTNESS_VARIANCE,
    MISSES,
    NUMBER,
    OVER,
    PHASE,
    RADAR,
    RADAR_SPEED_SIGMA,
    RANGE,
    REVISIT,
    RIGHT,
    ROW,
    SEEN,
    SENSORS,
    SITE_PRECISION,
    SITE_PULL,
    START,
    STATUS,
    TENTATIVE,
    THRUST_FLOOR,
    THRUST_MEAN,
    THRUST_SIGMA,
    TIME,
    UNSUPPORTED_BOOST_S,
    UPDATED,
    VAR_OVER,
    VAR_RANGE,
    VAR_RIGHT,
)
from detente.centre.tracking._kernels_predict import climb_rate, radial_height
from detente.centre.tracking._kernels_sight import forget_hidden, pin_hidden
from detente.geodesy.constants import A_M, B_M
from detente.jit import kernel

PINNED_VARIANCE = 0.25  # (m/s²)², how exactly no thrust is no thrust
RESOLVED_M_S2 = 10.0  # no missile lifts off with less: its thrust must exceed its weight
RESOLVED_SIGMAS = 2.0
FALLING_M_S = -100.0  # a body that comes down this fast is not being pushed up


@kernel
def free_slot(tags, first):
    """The first empty slot from ``first`` on, or -1."""
    for i in range(first, tags.shape[0]):
        if tags[i, STATUS] == EMPTY:
            return i
    return -1


@kernel
def clear_slot(state, covariance, tags, clocks, i):
    """Empty slot ``i``: zeros everywhere."""
    for a in range(7):
        state[i, a] = 0.0
        for b in range(7):
            covariance[i, a, b] = 0.0
    for k in range(tags.shape[1]):
        tags[i, k] = 0
    for k in range(clocks.shape[1]):
        clocks[i, k] = 0.0
    tags[i, ROW] = -1


@kernel
def reach_shell(line, height_m):
    """Distance along a line of sight to where it first meets the ellipsoid raised by a height, and the sine of the
    angle at which it does. A line that passes by is stopped at its lowest point, with sine 0.
    """
    across, along = 1.0 / (A_M + height_m), 1.0 / (B_M + height_m)
    ox, oy, oz = line[FROM] * across, line[FROM + 1] * across, line[FROM + 2] * along
    dx, dy, dz = line[ALONG] * across, line[ALONG + 1] * across, line[ALONG + 2] * along
    a = dx * dx + dy * dy + dz * dz
    b = ox * dx + oy * dy + oz * dz
    c = ox * ox + oy * oy + oz * oz - 1.0
    inside = b * b - a * c
    if inside <= 0.0:
        return max(-b / a, 0.0), 0.0
    slope = math.sqrt(inside)
    return max((-b - slope) / a, 0.0), slope / math.sqrt(a)


@kernel
def spread_along(P, line, along_variance, right_variance, over_variance):
    """Add to a covariance's position block the given variances along, right of and over a line of sight."""
    for a in range(3):
        for b in range(3):
            P[a, b] += (
                along_variance * line[ALONG + a] * line[ALONG + b]
                + right_variance * line[RIGHT + a] * line[RIGHT + b]
                + over_variance * line[OVER + a] * line[OVER + b]
            )


@kernel
def spread_velocity(P, px, py, pz, climb_variance, level_variance):
    """Set a covariance's velocity block: one variance along the vertical, another across it."""
    inverse2 = 1.0 / (px * px + py * py + pz * pz)
    up = (px, py, pz)
    for a in range(3):
        for b in range(3):
            P[a + 3, b + 3] = (climb_variance - level_variance) * up[a] * up[b] * inverse2
        P[a + 3, a + 3] += level_variance


@kernel
def birth(state, covariance, tags, clocks, i, line, plots, plot_tags, d, number, draws, settings):
    """Begin a tentative track in slot ``i`` from detection ``d``.

    A radar gives the place and nothing of the velocity. A satellite gives a direction: the place is where it meets
    the cloud tops and the climb since, with a wide spread along the line, and the velocity is a rising missile's.
    """
    x, P = state[i], covariance[i]
    sensor = plot_tags[d, DET_SENSOR]
    if plot_tags[d, DET_KIND] == RADAR:
        away = line[RANGE]
        spread_along(P, line, line[VAR_RANGE], line[VAR_RIGHT] * away * away, line[VAR_OVER] * away * away)
    else:
        # The climb since the cloud tops is that of an evenly spread share of a revisit, and of any look missed before.
        climb = draws[sensor, REVISIT] * settings[CLIMB_MEAN]
        missed = min(max(1.0 - draws[sensor, DETECTION], 0.0), 0.5)
        away, sine = reach_shell(line, draws[sensor, CLOUD] + (0.5 + missed) * climb)
        spread = math.sqrt(settings[HEIGHT_SIGMA_M] ** 2 + (1.0 / 12.0 + missed) * climb * climb)
        spread = min(spread / max(sine, 1e-3), settings[ALONG_SIGMA_MAX_M])
        spread_along(P, line, spread * spread, line[VAR_RIGHT] * away * away, line[VAR_OVER] * away * away)
    for k in range(3):
        x[k] = line[FROM + k] + away * line[ALONG + k]
        x[k + 3] = 0.0
        clocks[i, START + k] = x[k]
    tags[i, PHASE] = COAST
    tags[i, SEEN] = 0
    if plot_tags[d, DET_KIND] == RADAR:
        for k in range(3, 6):
            P[k, k] = settings[RADAR_SPEED_SIGMA] ** 2
        forget_hidden(state, covariance, i, settings[LIGHTNESS_MEAN], settings[LIGHTNESS_VARIANCE])
    else:
        away, sine = reach_shell(line, draws[sensor, CLOUD])
        lift = settings[CLIMB_MEAN] / math.sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2])
        for k in range(3):
            x[k + 3] = lift * x[k]
            clocks[i, START + k] = line[FROM + k] + away * line[ALONG + k]
        spread_velocity(P, x[0], x[1], x[2], settings[CLIMB_SIGMA] ** 2, settings[LEVEL_SIGMA] ** 2)
        forget_hidden(state, covariance, i, settings[THRUST_MEAN], settings[THRUST_SIGMA] ** 2)
        tags[i, PHASE] = BOOST
        tags[i, SEEN] = 1
        clocks[i, BURNING], tags[i, BURNING_BY] = plots[d, TIME], sensor + 1
    tags[i, STATUS], tags[i, NUMBER], tags[i, HITS], tags[i, MISSES] = TENTATIVE, number, 1, 0
    tags[i, SENSORS], tags[i, ROW] = 1 << sensor, d
    clocks[i, BORN], clocks[i, UPDATED], clocks[i, AT] = plots[d, TIME], plots[d, TIME], plots[d, TIME]


@kernel
def ignite(state, covariance, tags, clocks, i, idle_s, mean, sigma, settings):
    """Believe that slot ``i`` may burn, unseen for up to ``idle_s``: widen it, look for a thrust about ``mean``."""
    P = covariance[i]
    sigma2 = settings[IGNITION_SIGMA] ** 2
    place, speed = 0.5 * idle_s * idle_s, idle_s
    for a in range(3):
        P[a, a] += sigma2 * place * place
        P[a, a + 3] += sigma2 * place * speed
        P[a + 3, a] += sigma2 * place * speed
        P[a + 3, a + 3] += sigma2 * speed * speed
    forget_hidden(state, covariance, i, mean, sigma * sigma)
    tags[i, PHASE] = BOOST
    tags[i, MISSES] = 0
    clocks[i, SITE_PRECISION] = 0.0
    clocks[i, SITE_PULL] = 0.0


@kernel
def burn_out(state, covariance, tags, i, settings, gain):
    """Believe that slot ``i`` burns no more: no thrust now, which also moves the velocity that is tied to it."""
    pin_hidden(state, covariance, i, 0.0, PINNED_VARIANCE, gain)
    forget_hidden(state, covariance, i, settings[LIGHTNESS_MEAN], settings[LIGHTNESS_VARIANCE])
    tags[i, PHASE] = COAST


@kernel
def mix_burnout(state, covariance, i, weight, since_s, floor_m_s, gain):
    """Match slot ``i`` to a mixture: with probability ``weight`` its thrust stopped within the last ``since_s``.

    If it stopped a time τ ago, the state is off by g = (-a τ²/2 d, -a τ d, -a), d the thrust's direction; τ is taken
    as evenly spread. The mixture's mean is moved by w E[g], its covariance widened by w E[g gᵀ] - w² E[g] E[g]ᵀ. A
    thrust that has stopped is known to be nothing and tied to nothing: the other case alone lends it covariances.
    """
    x, P = state[i], covariance[i]
    dx, dy, dz, _ = thrust_direction(x[0], x[1], x[2], x[3], x[4], x[5], floor_m_s)
    thrust, T = x[6], since_s
    for a in range(7):
        P[a, 6] *= 1.0 - weight
        if a < 6:
            P[6, a] *= 1.0 - weight
    gain[0], gain[1], gain[2] = -thrust * T * T / 6.0, -thrust * T / 2.0, -thrust
    squares = (
        (thrust * thrust * T**4 / 20.0, thrust * thrust * T**3 / 8.0, thrust * thrust * T * T / 6.0),
        (thrust * thrust * T**3 / 8.0, thrust * thrust * T * T / 3.0, thrust * thrust * T / 2.0),
        (thrust * thrust * T * T / 6.0, thrust * thrust * T / 2.0, thrust * thrust),
    )
    for m in range(3):
        for n in range(3):
            spread = weight * squares[m][n] - weight * weight * gain[m] * gain[n]
            for a in range(3 if m < 2 else 1):
                left = 1.0 if m == 2 else (dx if a == 0 else (dy if a == 1 else dz))
                for b in range(3 if n < 2 else 1):
                    right = 1.0 if n == 2 else (dx if b == 0 else (dy if b == 1 else dz))
                    P[3 * m + a, 3 * n + b] += spread * left * right
    for m in range(2):
        x[3 * m] += weight * gain[m] * dx
        x[3 * m + 1] += weight * gain[m] * dy
        x[3 * m + 2] += weight * gain[m] * dz
    x[6] += weight * gain[2]


@kernel
def doubt_burning(state, covariance, tags, i, looks, detection_probability, revisit_s, since_s, settings, gain):
    """One or more looks of a satellite that should have seen slot ``i`` burn did not: weigh whether it has stopped.

    Bayes with a constant rate of burnout: P(stopped | missed). The first miss mixes the two cases; later ones shift
    weight to no thrust. Where ``BURNOUT_DOUBT`` or less is left, it is taken to have stopped.
    """
    unseen = 1.0 - min(max(detection_probability, 0.0), 0.999)
    missed = tags[i, MISSES]
    ending = 1.0 - math.exp(-settings[BURNOUT_RATE] * revisit_s * missed)
    stopped = ending / (ending + (1.0 - ending) * unseen**missed)
    if missed == looks:
        mix_burnout(state, covariance, i, stopped, since_s, settings[THRUST_FLOOR], gain)
    elif 1.0 - stopped >= settings[BURNOUT_DOUBT]:
        # Of what the last look left burning, this look stops the same share again.
        ending = 1.0 - math.exp(-settings[BURNOUT_RATE] * revisit_s * looks)
        weight = ending / (ending + (1.0 - ending) * unseen**looks)
        pin_hidden(state, covariance, i, 0.0, covariance[i, 6, 6] * (1.0 - weight) / weight, gain)
    if 1.0 - stopped < settings[BURNOUT_DOUBT]:
        burn_out(state, covariance, tags, i, settings, gain)


@kernel
def weigh_burning(state, covariance, tags, clocks, i, now_s, settings, gain):
    """Whether slot ``i``, believed to burn, plainly does not: by its measured thrust or its fall, or by
    its height or age where only radars see it and its thrust is not plain."""
    x = state[i]
    sigma = math.sqrt(max(covariance[i, 6, 6], 0.0))
    spent = x[6] + RESOLVED_SIGMAS * sigma < RESOLVED_M_S2
    falling = climb_rate(x[0], x[1], x[2], x[3], x[4], x[5]) < FALLING_M_S
    doubtful = x[6] - RESOLVED_SIGMAS * sigma < RESOLVED_M_S2
    unsupported = (
        doubtful
        and tags[i, SEEN] == 0
        and (
            now_s - clocks[i, BORN] > settings[UNSUPPORTED_BOOST_S]
            or radial_height(x[0], x[1], x[2]) > settings[BOOST_CEILING_M]
        )
    )
    if spent or falling or unsupported:
        burn_out(state, covariance, tags, i, settings, gain)


@kernel
def may_burn(state, tags, i, ceiling_m):
    """Whether slot ``i`` is where a missile's motor can burn: below a ceiling and not coming down."""
    x = state[i]
    low = radial_height(x[0], x[1], x[2]) < ceiling_m
    return low and climb_rate(x[0], x[1], x[2], x[3], x[4], x[5]) > 0.0
