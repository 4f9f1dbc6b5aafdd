"""One step of many replicates: each row's detections, scan by scan, into that row's tracks.

A row is computed by itself with scalar arithmetic, so its bits do not depend on how many others there are.
"""

import math

import numpy as np

from detente.centre.tracking._kernels_assign import assign
from detente.centre.tracking._kernels_bias import (
    begin_lean,
    draw_unbiased,
    foresee,
    is_learning,
    lean_on,
    learn,
    may_teach,
)
from detente.centre.tracking._kernels_end import close_step
from detente.centre.tracking._kernels_joint import add_component, begin_mixture, end_mixture, share_out
from detente.centre.tracking._kernels_late import look_back, remember, update_late
from detente.centre.tracking._kernels_life import birth, free_slot, ignite, may_burn
from detente.centre.tracking._kernels_lightness import weigh_lightness
from detente.centre.tracking._kernels_pairs import list_measured_pairs, list_pairs
from detente.centre.tracking._kernels_places import (
    ASSOCIATION,
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
    DET_RANGE,
    DET_SENSOR,
    EMPTY,
    FILTER,
    FIRST_S,
    GATE2,
    HITS,
    HURRIED,
    INFRARED,
    MODEL,
    NEAREST,
    NEXT,
    NO_SLOT,
    ODDS,
    PAIRS_SHED,
    PHASE,
    PLOTS,
    RADAR,
    ROW,
    SEEN,
    SENSORS,
    SIGMA_AZIMUTH,
    SIGMA_ELEVATION,
    SIGMA_POINT,
    SIGMA_RANGE,
    SIGMA_RATE,
    STATUS,
    TENTATIVE,
    THRUST_MEAN,
    THRUST_SIGMA,
    TIME,
    UNUSABLE,
    UPDATED,
    VAR_RANGE,
)
from detente.centre.tracking._kernels_polar import update_polar
from detente.centre.tracking._kernels_predict import bring, name_phase
from detente.centre.tracking._kernels_sight import draw_line, draw_measured, update
from detente.centre.tracking._kernels_sigma import update_by_points
from detente.jit import kernel


@kernel
def comes_before(plots, plot_tags, a, b):
    """Order of detections: time, sensor, then what was measured; a telling of equal ones apart is never needed."""
    if plots[a, TIME] != plots[b, TIME]:
        return plots[a, TIME] < plots[b, TIME]
    if plot_tags[a, DET_SENSOR] != plot_tags[b, DET_SENSOR]:
        return plot_tags[a, DET_SENSOR] < plot_tags[b, DET_SENSOR]
    for k in range(DET_RANGE, PLOTS):
        if plots[a, k] != plots[b, k]:
            return plots[a, k] < plots[b, k]
    return False


@kernel
def put_in_order(plots, plot_tags, first, last, order, spare):
    """Fill ``order`` with the detections first..last-1 in the order above (merge sort, stable)."""
    count = last - first
    for k in range(count):
        order[k] = first + k
    width = 1
    while width < count:
        for low in range(0, count, 2 * width):
            middle, high = min(low + width, count), min(low + 2 * width, count)
            a, b = low, middle
            for k in range(low, high):
                if b >= high or (a < middle and not comes_before(plots, plot_tags, order[b], order[a])):
                    spare[k] = order[a]
                    a += 1
                else:
                    spare[k] = order[b]
                    b += 1
        for k in range(count):
            order[k] = spare[k]
        width *= 2


@kernel
def is_usable(plots, plot_tags, d, sensors):
    """Whether a detection's numbers mean something."""
    if plot_tags[d, DET_SENSOR] < 0 or plot_tags[d, DET_SENSOR] >= sensors:
        return False
    for k in range(PLOTS):
        if not math.isfinite(plots[d, k]):
            return False
    if not (plots[d, SIGMA_AZIMUTH] > 0.0 and plots[d, SIGMA_ELEVATION] > 0.0 and plots[d, SIGMA_RATE] >= 0.0):
        return False
    if plot_tags[d, DET_KIND] == RADAR:
        return plots[d, SIGMA_RANGE] > 0.0 and plots[d, DET_RANGE] > 0.0
    return plot_tags[d, DET_KIND] == INFRARED


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
def match(
    state, covariance, tags, clocks, status, lines, free, count, scan_s, infrared, sigma2, counts, settings,
    desk, rates, work, sensor,
):  # fmt: skip
    """Fill ``desk``'s ``chosen`` with the detection of each track of this status; returns how many pairs there were.

    A ballistic pair costs d² + ln det S, the negative log-likelihood up to a constant, so that a vague track does not
    take a plot from a sharp one, and a miss costs more than any pair. A textbook pair costs its distance, a miss the
    gate.
    """
    _, _, chosen, pairs, nodes, grouped, work_lap, small, _, memory, past, joint, edges, biases = desk
    if settings[MODEL] == CONSTANT_GRAVITY:
        total = list_measured_pairs(
            state, covariance, tags, clocks, status, lines, free, count, scan_s, sigma2, settings, pairs, small,
            memory, past, joint, edges, biases, sensor,
        )  # fmt: skip
        miss_cost = math.sqrt(settings[GATE2])
    else:
        total, miss_cost = list_pairs(
            state, covariance, tags, clocks, status, lines, free, count, scan_s, infrared, sigma2,
            settings, pairs, small, rates, work, memory, past, joint, edges, biases,
            sensor,
        )  # fmt: skip
    room = pairs[0].shape[0]
    if total > room:
        counts[PAIRS_SHED] += total - room
        total = room
    counts[HURRIED] += assign(
        tags.shape[0], count, total, pairs[0], pairs[1], pairs[2], miss_cost, chosen, nodes, grouped, work_lap
    )
    return total


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


@kernel
def is_late(tags, clocks, scan_s):
    """Whether any track is ahead of a scan."""
    late = False
    for i in range(tags.shape[0]):
        late = late or (tags[i, STATUS] != EMPTY and clocks[i, AT] > scan_s)
    return late


@kernel
def work_scan(
    state, covariance, tags, clocks, first_mean, first_covariance, seen_by, counts,
    scan, count, plots, plot_tags, sites, draws, settings, desk, rates, work,
):  # fmt: skip
    """One look of one sensor: confirmed tracks choose first, tentative ones next, and the rest are births.

    ``counts`` (COUNTS,) holds the replicate's next track number and what was shed; ``scan`` the detections' rows.
    """
    lines, free, joint, edges, biases = desk[0], desk[1], desk[11], desk[12], desk[13]
    sensor = plot_tags[scan[0], DET_SENSOR]
    scan_s, infrared = plots[scan[0], TIME], plot_tags[scan[0], DET_KIND] == INFRARED
    sigma2, brief = 0.0, settings[MODEL] == CONSTANT_GRAVITY and not is_late(tags, clocks, scan_s)
    for j in range(count):
        if is_learning(biases):
            draw_unbiased(plots, plot_tags, scan[j], sites, draws, sensor, biases, lines[j])
        elif brief:
            draw_measured(plots, plot_tags, scan[j], sites, draws, lines[j])
        else:
            draw_line(plots, plot_tags, scan[j], sites, draws, lines[j])
        free[j] = 1
        sigma2 = max(sigma2, lines[j, VAR_RANGE])
    weighed = settings[ASSOCIATION] != NEAREST and not is_late(tags, clocks, scan_s)
    for status in (CONFIRMED, TENTATIVE):
        listed = edges[3][0]
        total = match(
            state, covariance, tags, clocks, status, lines, free, count, scan_s, infrared, sigma2, counts, settings,
            desk, rates, work, sensor,
        )  # fmt: skip
        name_edges(edges, listed, scan)
        if total == 0:
            continue
        shared = weighed and status == CONFIRMED
        if shared:
            joint[0][:total] += draws[sensor, ODDS]
            joint[3][:count] = 0.0
            share_out(tags, infrared, total, desk[3], desk[4], desk[5], joint, settings, counts)
        feed_chosen(
            state, covariance, tags, clocks, first_mean, first_covariance, seen_by, scan, plots, plot_tags, settings,
            desk, status, total, shared,
        )  # fmt: skip
        if shared:
            for j in range(count):
                free[j] = free[j] == 1 and joint[3][j] < 0.5
    if infrared and settings[MODEL] == CONSTANT_GRAVITY:
        return  # a direction alone begins nothing there
    slot = -1
    for j in range(count):
        if not free[j]:
            continue
        slot = free_slot(tags, slot + 1)
        if slot < 0:
            counts[NO_SLOT] += count_free(free, j, count)
            break
        if brief and not is_learning(biases):
            draw_line(plots, plot_tags, scan[j], sites, draws, lines[j])
        birth(state, covariance, tags, clocks, slot, lines[j], plots, plot_tags, scan[j], counts[NEXT], draws, settings)
        if is_learning(biases):
            begin_lean(lines[j], state[slot], biases[4][slot], sensor)
        seen_by[slot] = 1 << sensor
        counts[NEXT] += 1


@kernel
def name_edges(edges, first, scan):
    """Turn detections noted from the ``first`` on by their place in a scan into their rows."""
    for e in range(first, min(edges[3][0], edges[1].shape[0])):
        edges[1][e] = scan[edges[1][e]]


@kernel
def count_free(free, first, last):
    """How many of the detections first..last-1 are free."""
    total = 0
    for j in range(first, last):
        total += free[j] == 1
    return total


@kernel
def step_row(
    state, covariance, tags, clocks, first_mean, first_covariance, seen_by, counts,
    order, count, before_s, now_s, plots, plot_tags, kinds, sides, sites, draws, settings, desk,
    rates, work, factor, looks,
):  # fmt: skip
    """One replicate's step: its detections in ``order``, then on to ``now_s``."""
    k = 0
    while k < count:
        if not is_usable(plots, plot_tags, order[k], sites.shape[0]):
            counts[UNUSABLE] += 1
            k += 1
            continue
        end = k + 1
        while (
            end < count
            and plots[order[end], TIME] == plots[order[k], TIME]
            and plot_tags[order[end], DET_SENSOR] == plot_tags[order[k], DET_SENSOR]
            and is_usable(plots, plot_tags, order[end], sites.shape[0])
        ):
            end += 1
        work_scan(
            state, covariance, tags, clocks, first_mean, first_covariance, seen_by, counts,
            order[k:end], end - k, plots, plot_tags, sites, draws, settings, desk, rates, work,
        )  # fmt: skip
        k = end
    for i in range(tags.shape[0]):
        if tags[i, STATUS] != EMPTY:
            bring(state, covariance, tags, clocks, i, now_s, settings, rates, work)
    close_step(
        state, covariance, tags, clocks, first_mean, first_covariance, seen_by, counts,
        kinds, sides, sites, draws, looks, before_s, now_s, settings, factor, desk[8][2], desk[13][4],
    )  # fmt: skip


@kernel
def take_up(mean, outer, hidden, state, covariance, tags, clocks, before_s, held):
    """Copy a row's live slots into working arrays of seven numbers; ``held`` notes which. The rest are zero already."""
    for i in range(tags.shape[0]):
        tags[i, ROW] = -1
        clocks[i, AT] = before_s
        held[i] = tags[i, STATUS] != EMPTY
        if not held[i]:
            continue
        for a in range(6):
            state[i, a] = mean[i, a]
            covariance[i, a, 6] = hidden[i, a + 1]
            covariance[i, 6, a] = hidden[i, a + 1]
            for b in range(6):
                covariance[i, a, b] = outer[i, a, b]
        state[i, 6] = hidden[i, 0]
        covariance[i, 6, 6] = hidden[i, 7]


@kernel
def put_down(mean, outer, hidden, state, covariance, tags, held):
    """Copy working arrays back to a row where a slot is or was live, and leave zeros behind."""
    for i in range(tags.shape[0]):
        if not held[i] and tags[i, STATUS] == EMPTY:
            continue
        for a in range(6):
            mean[i, a] = state[i, a]
            hidden[i, a + 1] = covariance[i, a, 6]
            for b in range(6):
                outer[i, a, b] = covariance[i, a, b]
        hidden[i, 0] = state[i, 6]
        hidden[i, 7] = covariance[i, 6, 6]
        for a in range(7):
            state[i, a] = 0.0
            for b in range(7):
                covariance[i, a, b] = 0.0


@kernel
def step_rows(
    mean, outer, hidden, tags, clocks, first_mean, first_covariance, counts,
    plots, plot_tags, offsets, before_s, now_s, kinds, sides, sites, draws, settings, past, desk, bench,
):  # fmt: skip
    """Step every replicate in place. Shapes: see ``tracker.track``; ``past``: what tracks remember, five arrays
    (R, S, M, …); ``desk``, ``bench``: scratch of ``desk_of``.
    """
    state, covariance, seen_by, held, order, spare, rates, work, factor, looks = bench
    for r in range(mean.shape[0]):
        take_up(mean[r], outer[r], hidden[r], state, covariance, tags[r], clocks[r], before_s, held)
        seen_by[:] = 0
        memory = (past[0][r], past[1][r], past[2][r], past[3][r], past[4][r])
        with_memory = desk[:9] + (memory,) + desk[10:]  # noqa: RUF005, numba unpacks no tuple inside another
        put_in_order(plots, plot_tags, offsets[r], offsets[r + 1], order, spare)
        step_row(
            state, covariance, tags[r], clocks[r], first_mean[r], first_covariance[r], seen_by, counts[r],
            order, offsets[r + 1] - offsets[r], before_s, now_s, plots, plot_tags,
            kinds, sides, sites, draws[r], settings, with_memory, rates, work, factor, looks,
        )  # fmt: skip
        remember(state, covariance, tags[r], now_s, memory)
        put_down(mean[r], outer[r], hidden[r], state, covariance, tags[r], held)
