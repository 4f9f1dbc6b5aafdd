"""One step of many replicates: each row's detections, scan by scan, into that row's tracks.

A row is computed by itself with scalar arithmetic, so its bits do not depend on how many others there are.
"""

import math

from detente.centre.tracking._kernels_assign import assign
from detente.centre.tracking._kernels_bias import (
    begin_lean,
    draw_unbiased,
    is_learning,
)
from detente.centre.tracking._kernels_end import close_step
from detente.centre.tracking._kernels_feed import feed_chosen
from detente.centre.tracking._kernels_joint import share_out
from detente.centre.tracking._kernels_late import remember
from detente.centre.tracking._kernels_life import birth, free_slot
from detente.centre.tracking._kernels_order import is_usable, put_in_order
from detente.centre.tracking._kernels_pairs import list_measured_pairs, list_pairs
from detente.centre.tracking._kernels_places import (
    ASSOCIATION,
    AT,
    CONFIRMED,
    CONSTANT_GRAVITY,
    DET_KIND,
    DET_SENSOR,
    EMPTY,
    GATE2,
    HURRIED,
    INFRARED,
    MODEL,
    NEAREST,
    NEXT,
    NO_SLOT,
    ODDS,
    PAIRS_SHED,
    ROW,
    STATUS,
    TENTATIVE,
    TIME,
    UNUSABLE,
    VAR_RANGE,
)
from detente.centre.tracking._kernels_predict import bring
from detente.centre.tracking._kernels_sight import draw_line, draw_measured
from detente.jit import kernel


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
def is_late(tags, clocks, scan_s):
    """Whether any track is ahead of a scan."""
    late = False
    for i in range(tags.shape[0]):
        late = late or (tags[i, STATUS] != EMPTY and clocks[i, AT] > scan_s)
    return late


@kernel
def begin_tracks(
    state, covariance, tags, clocks, seen_by, counts, scan, count, plots, plot_tags, sites, draws, settings, desk,
    sensor, brief,
):  # fmt: skip
    """Begin a track with each detection of a scan that is no track's, as far as there are free slots."""
    lines, free, biases = desk[0], desk[1], desk[13]
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
    begin_tracks(
        state, covariance, tags, clocks, seen_by, counts, scan, count, plots, plot_tags, sites, draws, settings, desk,
        sensor, brief,
    )  # fmt: skip


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
