"""Tracks and truth brought to the same moments, so that they can be compared."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.records.errors import InputError
from detente.records.paths import TrackPaths, TruePaths

Floats = NDArray[Any]
Ints = NDArray[np.int64]
SAME_S = 1e-6  # moments nearer than this are one: rounding of decimal seconds in files
MOMENTS_MAX = 10_000_000  # scored in hours; more is a time in another unit, or of another epoch


@dataclass(frozen=True, kw_only=True)
class Aligned:
    """States at given moments, in order of moment, then path. Rows ``edges[k]`` to ``edges[k + 1]`` are moment k's."""

    edges: Ints
    path: Ints  # object or track number
    row: Ints  # row of the table at this moment, or the last one before it
    exact: NDArray[np.bool_]  # False where the state was interpolated
    position_m: Floats
    velocity_m_s: Floats


def moments_of(tracks: TrackPaths, truth: TruePaths, every_s: float | None) -> Floats:
    """When to score, s, ascending: the moments of the tracks; in their silences, as far apart as usual.

    With ``every_s`` an even grid over the life of the truth instead. Silence must count: a tracker that says nothing
    for a minute has missed a minute. Raises InputError where tracks and truth have no moment in common, or where there
    would be more than ``MOMENTS_MAX``.
    """
    first, last = float(truth.time_s.min()), float(truth.time_s.max())
    _refuse_strangers(tracks, first, last)
    if every_s is not None:
        _refuse_too_many((last - first) / every_s, first, last)
        return first + every_s * np.arange(int((last - first) / every_s + SAME_S) + 1)
    told = _distinct(tracks.time_s if len(tracks) else truth.time_s)
    told = told[(told >= first - SAME_S) & (told <= last + SAME_S)]
    if len(told) < 2:
        return told if len(told) else _distinct(truth.time_s)
    usual = float(np.median(np.diff(told)))
    _refuse_too_many((last - first) / usual, first, last)
    parts = [told[0] - usual * np.arange(1, int((told[0] - first) / usual + SAME_S) + 1)[::-1]]
    for here, there in pairwise(told):
        missing = int((there - here) / usual - 0.5)
        parts += [[here], here + usual * np.arange(1, missing + 1)]
    parts += [[told[-1]], told[-1] + usual * np.arange(1, int((last - told[-1]) / usual + SAME_S) + 1)]
    return np.concatenate(parts)


def _refuse_strangers(tracks: TrackPaths, first_s: float, last_s: float) -> None:
    if not len(tracks):
        return
    began, ended = float(tracks.time_s.min()), float(tracks.time_s.max())
    if began > last_s + SAME_S or ended < first_s - SAME_S:
        raise InputError(
            f"tracks from {began:.10g} to {ended:.10g} s, and a truth from {first_s:.10g} to {last_s:.10g} s",
            "moments that both speak of", "count the seconds of both from one epoch", path="TRACKS",
        )  # fmt: skip


def _refuse_too_many(steps: float, first_s: float, last_s: float) -> None:
    if steps > MOMENTS_MAX:
        raise InputError(
            f"{steps + 1.0:,.0f} moments, in a truth from {first_s:.10g} to {last_s:.10g} s",
            f"at most {MOMENTS_MAX:,}", "correct the times, or choose a longer step with --every-s", path="TRUTH",
        )  # fmt: skip


def _distinct(times_s: Floats) -> Floats:
    ordered = np.unique(times_s)
    return ordered[np.r_[True, np.diff(ordered) > SAME_S]]


def align(table: TrackPaths | TruePaths, moments_s: Floats, hold_s: float) -> Aligned:
    """The state of every path at every moment that lies in its life; between rows by a cubic through both states.

    A path is absent between two of its rows that are more than ``hold_s`` apart. The table must be in order of path,
    then time.
    """
    paths = table.track if isinstance(table, TrackPaths) else table.object
    found = [np.empty((0, 4))]
    edges = np.r_[np.flatnonzero(np.r_[True, paths[1:] != paths[:-1]]), len(paths)] if len(paths) else [0]
    for first, last in pairwise(edges):
        found.append(_moments_in(table.time_s[first:last], moments_s, hold_s) + np.array([0, first, first, 0]))
    moment, low, high, exact = np.concatenate(found).T
    order = np.argsort(moment, kind="stable")
    moment, low, high = (column[order].astype(np.int64) for column in (moment, low, high))
    exact = exact[order] == 1
    position, velocity = _between(table, low, high, moments_s[moment], exact)
    counts = np.bincount(moment, minlength=len(moments_s))
    return Aligned(
        edges=np.r_[0, np.cumsum(counts)], path=paths[low], row=low, exact=exact,
        position_m=position, velocity_m_s=velocity,
    )  # fmt: skip


def _moments_in(times_s: Floats, moments_s: Floats, hold_s: float) -> Floats:
    """Rows (moment, row before or at it, row after or at it, 1 if at it) of one path."""
    first, last = np.searchsorted(moments_s, [times_s[0] - SAME_S, times_s[-1] + SAME_S])
    moment = np.arange(first, last)
    low = np.searchsorted(times_s, moments_s[moment] + SAME_S, side="right") - 1
    exact = moments_s[moment] - times_s[low] <= SAME_S
    high = np.where(exact, low, np.minimum(low + 1, len(times_s) - 1))
    there = exact | (times_s[high] - times_s[low] <= hold_s)
    return np.stack([moment, low, high, exact], axis=1)[there].astype(float)


def _between(
    table: TrackPaths | TruePaths, low: Ints, high: Ints, at_s: Floats, exact: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Cubic Hermite between two states: exact for constant acceleration, and for its linear change."""
    step = np.where(exact, 1.0, table.time_s[high] - table.time_s[low])[:, None]
    u = np.where(exact, 0.0, at_s - table.time_s[low])[:, None] / step
    p0, p1 = table.position_m[low], table.position_m[high]
    v0, v1 = table.velocity_m_s[low], table.velocity_m_s[high]
    position = (
        (1 + 2 * u) * (1 - u) ** 2 * p0 + u * (1 - u) ** 2 * step * v0
        + u * u * (3 - 2 * u) * p1 + u * u * (u - 1) * step * v1
    )  # fmt: skip
    velocity = 6 * u * (u - 1) / step * (p0 - p1) + (1 - u) * (1 - 3 * u) * v0 + u * (3 * u - 2) * v1
    return position, velocity
