"""A whole file of detections followed by one tracker: look after look, and every live track written down.

The scan is that of ``_kernels.work_scan``, which a centre's step uses; here the file says who looked when.
"""

import numpy as np

from detente.centre.tracking._kernels import work_scan
from detente.centre.tracking._kernels_bias import add_doubt, believe, bring_leaning, is_learning
from detente.centre.tracking._kernels_end import close_looks, sound
from detente.centre.tracking._kernels_late import remember
from detente.centre.tracking._kernels_life import clear_slot
from detente.centre.tracking._kernels_order import comes_before, is_usable
from detente.centre.tracking._kernels_places import (
    CONFIRMED,
    CONFIRMED_MISSES,
    CONSTANT_GRAVITY,
    DET_KIND,
    DET_RANGE,
    DET_SENSOR,
    EMPTY,
    HITS,
    MISSES,
    MODEL,
    NOTHING,
    NUMBER,
    STATUS,
    TENTATIVE_MISSES,
    TIME,
    UNSOUND,
    UNUSABLE,
)
from detente.centre.tracking._kernels_predict import bring
from detente.jit import kernel


@kernel
def end_by_count(state, covariance, tags, clocks, seen_by, settings, factor):
    """The textbook's lives: a look without a detection is a miss. Returns how many unsound slots it shed."""
    shed = 0
    for i in range(tags.shape[0]):
        if tags[i, STATUS] == EMPTY:
            continue
        tags[i, MISSES] = 0 if seen_by[i] != 0 else tags[i, MISSES] + 1
        most = settings[CONFIRMED_MISSES] if tags[i, STATUS] == CONFIRMED else settings[TENTATIVE_MISSES]
        over = tags[i, MISSES] >= most
        if not over and seen_by[i] != 0 and not sound(state, covariance, i, factor):
            shed += 1
            over = True
        if over:
            clear_slot(state, covariance, tags, clocks, i)
    return shed


@kernel
def write_triangle(P, triangle):
    """The lower triangle of position and velocity, by rows, into ``triangle`` (21,)."""
    place = 0
    for a in range(6):
        for b in range(a + 1):
            triangle[place] = P[a, b]
            place += 1


@kernel
def write_down(state, covariance, tags, time_s, biases, history, rows):
    """Append every live track to the history; returns the rows it then has. A covariance holds what biases add."""
    numbers, times, states, triangles, hits, confirmed = history
    learning, wide = is_learning(biases), np.empty((7, 7))
    for i in range(tags.shape[0]):
        if tags[i, STATUS] == EMPTY:
            continue
        numbers[rows], times[rows], hits[rows] = tags[i, NUMBER], time_s, tags[i, HITS]
        confirmed[rows] = tags[i, STATUS] == CONFIRMED
        for a in range(6):
            states[a, rows] = state[i, a]
        if learning:
            add_doubt(covariance[i], biases[4][i], biases[1], wide)
            write_triangle(wide, triangles[rows])
        else:
            write_triangle(covariance[i], triangles[rows])
        rows += 1
    return rows


@kernel
def order_moment(plots, plot_tags, order, first, last):
    """Put the detections first..last-1 of ``order``, all of one time, in the order of ``comes_before``."""
    count = last - first
    keys = np.empty(count)
    for n in range(count):
        keys[n] = plots[order[first + n], DET_RANGE]
    ranked = order[first:last][np.argsort(keys)]
    mixed = False
    for n in range(1, count):
        mixed |= plot_tags[ranked[n], DET_SENSOR] != plot_tags[ranked[0], DET_SENSOR]
    if mixed:
        ranked = ranked[np.argsort(plot_tags[:, DET_SENSOR][ranked], kind="mergesort")]
    for n in range(count):
        # What has the same range besides is put in its place by hand: there is seldom any.
        d, k = ranked[n], first + n
        while k > first and comes_before(plots, plot_tags, d, order[k - 1]):
            order[k] = order[k - 1]
            k -= 1
        order[k] = d


@kernel
def take_scan(plots, plot_tags, order, first, last, sensors, scan, counts):
    """From the detections of one look, in order, those that can be used: (how many, where the look ends)."""
    sensor, count, k = plot_tags[order[first], DET_SENSOR], 0, first
    while k < last and plot_tags[order[k], DET_SENSOR] == sensor:
        d = order[k]
        if is_usable(plots, plot_tags, d, sensors):
            scan[count] = d
            count += 1
        elif plot_tags[d, DET_KIND] != NOTHING:
            counts[UNUSABLE] += 1
        k += 1
    return count, k


@kernel
def work_looks(
    state, covariance, tags, clocks, first_mean, first_covariance, seen_by, counts, order, first, last, now_s,
    plots, plot_tags, kinds, sides, sites, draws, settings, desk, rates, work, factor, looks, scan,
):  # fmt: skip
    """All looks of one moment: each sensor's scan, then what the moment means for every track's life.

    What is late only feeds tracks and begins them: it is no look missed by others, and moves nothing forward.
    """
    textbook, late = settings[MODEL] == CONSTANT_GRAVITY, plots[order[first], TIME] <= now_s
    now_s = max(now_s, plots[order[first], TIME])
    learning = is_learning(desk[13])
    looks[:] = 0
    seen_by[:] = 0
    if textbook and not late:
        for i in range(tags.shape[0]):
            if tags[i, STATUS] != EMPTY and not learning:
                bring(state, covariance, tags, clocks, i, now_s, settings, rates, work)
            elif tags[i, STATUS] != EMPTY:
                bring_leaning(state, covariance, tags, clocks, i, now_s, settings, rates, work, desk[13])
    k = first
    while k < last:
        sensor = plot_tags[order[k], DET_SENSOR]
        if 0 <= sensor < sites.shape[0]:
            looks[sensor] = 1
        count, k = take_scan(plots, plot_tags, order, k, last, sites.shape[0], scan, counts)
        if count > 0:
            work_scan(
                state, covariance, tags, clocks, first_mean, first_covariance, seen_by, counts,
                scan, count, plots, plot_tags, sites, draws, settings, desk, rates, work,
            )  # fmt: skip
    if late:
        return
    believe(state, tags, desk[13])
    if textbook:
        counts[UNSOUND] += end_by_count(state, covariance, tags, clocks, seen_by, settings, factor)
        return
    for i in range(tags.shape[0]):
        if tags[i, STATUS] != EMPTY:
            bring_leaning(state, covariance, tags, clocks, i, now_s, settings, rates, work, desk[13])
    close_looks(
        state, covariance, tags, clocks, first_mean, first_covariance, seen_by, counts,
        kinds, sides, sites, draws, looks, now_s, settings, factor, desk[8][2], desk[13][4],
    )  # fmt: skip


@kernel
def last_live(tags, top):
    """One more than the highest slot in use below ``top``."""
    while top > 0 and tags[top - 1, STATUS] == EMPTY:
        top -= 1
    return top


@kernel
def follow(
    state, covariance, tags, clocks, first_mean, first_covariance, seen_by, counts, order, k, top, now_s,
    plots, plot_tags, kinds, sides, sites, draws, settings, desk, rates, work, factor, looks, scan, history,
):  # fmt: skip
    """Follow ``order``'s detections, which stand in order of arrival, from the k-th on, until all are used or the
    history has no room for one moment more. Returns (where it stopped, live slots end, the time it has reached, rows).
    """
    rows, room, slots = 0, history[0].shape[0], tags.shape[0]
    while k < order.shape[0]:
        end = k + 1
        while end < order.shape[0] and plots[order[end], TIME] == plots[order[k], TIME]:
            end += 1
        most = min(slots, top + end - k)
        if rows + most > room:
            break
        order_moment(plots, plot_tags, order, k, end)
        work_looks(
            state[:most], covariance[:most], tags[:most], clocks[:most], first_mean[:most], first_covariance[:most],
            seen_by[:most], counts, order, k, end, now_s, plots, plot_tags, kinds, sides, sites, draws, settings, desk,
            rates, work, factor, looks, scan,
        )  # fmt: skip
        top = last_live(tags, most)
        if plots[order[k], TIME] > now_s:
            now_s = plots[order[k], TIME]
            remember(state[:top], covariance[:top], tags[:top], now_s, desk[9])
            rows = write_down(state[:top], covariance[:top], tags[:top], now_s, desk[13], history, rows)
        k = end
    return k, top, now_s, rows
