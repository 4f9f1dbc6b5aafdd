"""What a detection does to the track that it is given to, whole or by shares."""

import numpy as np

from detente.centre.tracking._kernels_bias import (
    foresee,
    is_learning,
    lean_on,
    learn,
    may_teach,
)
from detente.centre.tracking._kernels_joint import add_component, begin_mixture, end_mixture
from detente.centre.tracking._kernels_late import look_back, update_late
from detente.centre.tracking._kernels_life import ignite, may_burn
from detente.centre.tracking._kernels_lightness import weigh_lightness
from detente.centre.tracking._kernels_places import (
    AT,
    BALLISTIC,
    BOOST,
    BOOST_CEILING_M,
    BURNING,
    BURNING_BY,
    CONFIRM_HITS,
    CONFIRMED,
    CONSTANT_GRAVITY,
    DET_KIND,
    DET_SENSOR,
    FILTER,
    FIRST_S,
    HITS,
    INFRARED,
    MODEL,
    PHASE,
    ROW,
    SEEN,
    SENSORS,
    SIGMA_POINT,
    STATUS,
    TENTATIVE,
    THRUST_MEAN,
    THRUST_SIGMA,
    TIME,
    UPDATED,
)
from detente.centre.tracking._kernels_polar import update_polar
from detente.centre.tracking._kernels_predict import name_phase
from detente.centre.tracking._kernels_sight import update
from detente.centre.tracking._kernels_sigma import update_by_points
from detente.jit import kernel


@kernel(inline=True)
def take_in(state, covariance, tags, clocks, i, d, line, plots, plot_tags, settings, desk):
    """The filter's update of slot ``i`` with detection ``d``; false where the detection could not be used."""
    _, _, _, _, _, _, _, small, trials, memory, past, _, _, _ = desk
    offsets, slopes, _ = small
    trial_state, trial, gain, seen = trials
    if settings[MODEL] == BALLISTIC and plot_tags[d, DET_KIND] == INFRARED and tags[i, PHASE] != BOOST:
        idle_s = max(plots[d, TIME] - clocks[i, UPDATED], 0.0)
        ignite(state, covariance, tags, clocks, i, idle_s, settings[THRUST_MEAN], settings[THRUST_SIGMA], settings)
    if clocks[i, AT] > plots[d, TIME]:
        look_back(state, tags, clocks[i, AT], i, plots[d, TIME], memory, settings, past)
        return update_late(line, state[i], covariance[i], past, settings[MODEL] == CONSTANT_GRAVITY)
    if settings[FILTER] == SIGMA_POINT and update_by_points(line, state[i], covariance[i], settings, trial, seen):
        return True
    if settings[MODEL] == CONSTANT_GRAVITY:
        return update_polar(line, state[i], covariance[i], offsets, slopes, trial_state[0], gain)
    return update(line, state, covariance, i, offsets, slopes, trial_state, trial, gain)


@kernel
def take_in_leaning(
    state, covariance, tags, clocks, i, d, line, plots, plot_tags, settings, desk, teaches, weight, lean
):
    """``take_in``; where biases are estimated, add ``weight`` times what it changes of the lean to ``lean`` (7, B) and,
    if it ``teaches``, what the detection leaves over to what is known of them. What is late does neither.
    """
    biases, sensor, polar = desk[13], plot_tags[d, DET_SENSOR], settings[MODEL] == CONSTANT_GRAVITY
    if not is_learning(biases) or clocks[i, AT] > plots[d, TIME]:
        return take_in(state, covariance, tags, clocks, i, d, line, plots, plot_tags, settings, desk)
    H, off, U = np.empty((4, 7)), np.empty(4), np.empty((4, lean.shape[1]))
    known = foresee(line, state[i], biases[4][i], sensor, polar, H, off, U)
    if known and teaches and may_teach(tags, i, sensor, settings):
        learn(line, covariance[i], polar, H, off, U, biases)
    used = take_in(state, covariance, tags, clocks, i, d, line, plots, plot_tags, settings, desk)
    if known and used:
        lean_on(line, covariance[i], polar, H, U, weight, lean)
    return used


@kernel
def note_hit(state, covariance, tags, clocks, seen_by, i, d, plots, plot_tags, settings):
    """Write down that detection ``d`` was slot ``i``'s, and weigh anew what it says of the body's lightness."""
    if settings[MODEL] == BALLISTIC and tags[i, PHASE] != BOOST:
        weigh_lightness(state[i], covariance[i], clocks[i], settings)
    tags[i, HITS] += 1
    tags[i, SENSORS] |= 1 << plot_tags[d, DET_SENSOR]
    tags[i, ROW] = d
    if plot_tags[d, DET_KIND] == INFRARED:
        tags[i, SEEN] = 1
        if tags[i, BURNING_BY] == 0 or plots[d, TIME] >= clocks[i, BURNING]:
            clocks[i, BURNING], tags[i, BURNING_BY] = plots[d, TIME], plot_tags[d, DET_SENSOR] + 1
    clocks[i, UPDATED] = max(clocks[i, UPDATED], plots[d, TIME])
    seen_by[i] |= 1 << plot_tags[d, DET_SENSOR]


@kernel
def feed_by_shares(
    state, covariance, tags, clocks, seen_by, i, first, last, scan, plots, plot_tags, settings, desk,
):  # fmt: skip
    """Update slot ``i`` with its share of each detection of its pairs ``first`` to ``last - 1``.

    The posterior is a mixture, one Gaussian for each detection and the prior for none; it becomes one Gaussian of the
    mixture's mean and covariance, the spread between the parts included. The track counts as seen where it was more
    likely seen than not, by its likeliest detection.
    """
    lines, _, _, pairs, _, _, _, _, _, _, _, joint, _, biases = desk
    share, missed, claimed = joint[1], joint[2], joint[3]
    prior, before, mean, spread = state[i].copy(), covariance[i].copy(), np.empty(7), np.empty((7, 7))
    learning = is_learning(biases)
    lean = biases[4][i].copy() if learning else np.empty((7, 0))
    begin_mixture(mean, spread)
    add_component(missed[i], prior, before, prior, mean, spread)
    best = first
    for k in range(first, last):
        j = pairs[1][k]
        claimed[j] += share[k]
        if share[k] > share[best]:
            best = k
        state[i], covariance[i] = prior, before
        take_in_leaning(
            state, covariance, tags, clocks, i, scan[j], lines[j], plots, plot_tags, settings, desk, False, share[k],
            lean,
        )  # fmt: skip
        add_component(share[k], state[i], covariance[i], prior, mean, spread)
    end_mixture(prior, mean, spread, state[i], covariance[i])
    if learning:
        biases[4][i] = lean
    if missed[i] < 0.5:
        note_hit(state, covariance, tags, clocks, seen_by, i, scan[pairs[1][best]], plots, plot_tags, settings)


@kernel
def confirm(state, covariance, tags, clocks, i, first_mean, first_covariance, settings):
    """Believe slot ``i``: keep its state of this moment; a radar's low climbing track may be burning, so ask."""
    tags[i, STATUS] = CONFIRMED
    for a in range(6):
        first_mean[i, a] = state[i, a]
        for b in range(6):
            first_covariance[i, a, b] = covariance[i, a, b]
    clocks[i, FIRST_S] = clocks[i, AT]
    if settings[MODEL] == BALLISTIC and tags[i, SEEN] == 0:
        if may_burn(state, tags, i, settings[BOOST_CEILING_M]):
            thrust = settings[THRUST_MEAN]
            ignite(state, covariance, tags, clocks, i, 0.0, 0.5 * thrust, thrust, settings)
        else:
            name_phase(state, tags, i)


@kernel
def feed_chosen(
    state, covariance, tags, clocks, first_mean, first_covariance, seen_by, scan, plots, plot_tags, settings, desk,
    status, total, shared,
):  # fmt: skip
    """Update every track of a status with what ``match`` found for it; detections that are some track's become unfree.

    With ``shared``, tracks of clusters that are not clear take their shares; a detection more likely some track's than
    no one's is then theirs.
    """
    lines, free, chosen, pairs, _, _, _, _, _, _, _, joint, _, biases = desk
    learning = is_learning(biases)
    k = 0
    for i in range(tags.shape[0]):
        if shared and joint[2][i] >= 0.0:
            while pairs[0][k] < i:
                k += 1
            first = k
            while k < total and pairs[0][k] == i:
                k += 1
            feed_by_shares(
                state, covariance, tags, clocks, seen_by, i, first, k, scan, plots, plot_tags, settings, desk
            )
            continue
        j = chosen[i]
        if j < 0:
            continue
        if learning:
            used = take_in_leaning(
                state, covariance, tags, clocks, i, scan[j], lines[j], plots, plot_tags, settings, desk, True, 1.0,
                biases[4][i],
            )  # fmt: skip
        else:
            used = take_in(state, covariance, tags, clocks, i, scan[j], lines[j], plots, plot_tags, settings, desk)
        if not used:
            continue
        note_hit(state, covariance, tags, clocks, seen_by, i, scan[j], plots, plot_tags, settings)
        free[j] = 0
        if status == TENTATIVE and tags[i, HITS] >= settings[CONFIRM_HITS]:
            confirm(state, covariance, tags, clocks, i, first_mean, first_covariance, settings)
