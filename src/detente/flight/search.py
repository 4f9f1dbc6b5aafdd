"""Searches over launches, many at once: each round flies every unfinished row's next try together.

A row's tries depend on nothing but the row, so its answer is the same in any company.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detente.flight import _kernels as flights
from detente.flight import _kernels_aim as kernels
from detente.flight.flags import Flag
from detente.flight.trajectory import fly_rows
from detente.flight.vehicle import PackedMissiles
from detente.geodesy.ellipsoid import geodetic_to_ecef

LOWEST_PITCH_RAD = -0.1
HIGHEST_PITCH_RAD = np.radians(89.7)
SCANNED_RAD = np.radians(np.linspace(5.0, 85.0, 10))
GOLDEN = 0.6180339887498949
GOLDEN_ROUNDS = 13
NEWTON_ROUNDS = 15
NUDGE = 1e-5  # of the final direction, for a difference quotient
LARGEST_TURN = 0.1
FIRST_SHARE = 0.7  # of the way to the steepest or flattest pitch, at the root of the range to spare: the first try

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Fly:
    """How all flights of a search are flown."""

    packed: PackedMissiles
    rotation: bool
    drag: bool
    tolerance_m: float

    def __call__(self, launches: Floats, missile: Ints) -> tuple[Floats, NDArray[np.uint8]]:
        return fly_rows(self.packed, launches, missile, self.rotation, self.drag, self.tolerance_m)

    def ranges(self, launches: Floats, missile: Ints) -> Floats:
        """The range of each flight, m, (n,): 0 if it came to no good, beyond half-way round if it never comes down.

        ``launches`` (n, 6): latitude, longitude, azimuth, final pitch (rad), cut-off (s), ballistic coefficient
        (kg/m²).
        """
        results, flag = self(launches, missile)
        lost = np.where((flag == Flag.NEVER_LANDS) | (flag == Flag.ESCAPES), kernels.BEYOND_M, 0.0)
        return np.where(flag == Flag.OK, results[:, flights.RANGE], lost)


def farthest(fly: Fly, launches: Floats, missile: Ints) -> tuple[Floats, Floats]:
    """The longest range, m, over the final pitch of each launch, and that pitch, rad: both (n,).

    A scan, then a golden section. ``launches`` as :meth:`Fly.ranges` takes them; their pitch is not looked at.
    """
    count = len(missile)

    def reach(pitch: Floats) -> Floats:
        tried = launches.copy()
        tried[:, kernels.AT_PITCH] = pitch
        return fly.ranges(tried, missile)

    tried = np.repeat(launches, len(SCANNED_RAD), axis=0)
    tried[:, kernels.AT_PITCH] = np.tile(SCANNED_RAD, count)
    scanned = fly.ranges(tried, np.repeat(missile, len(SCANNED_RAD))).reshape(count, -1)
    top, spacing = SCANNED_RAD[np.argmax(scanned, axis=1)], SCANNED_RAD[1] - SCANNED_RAD[0]
    left, right = top - spacing, top + spacing
    a, b = right - GOLDEN * (right - left), left + GOLDEN * (right - left)
    at_a, at_b = reach(a), reach(b)
    for _ in range(GOLDEN_ROUNDS):
        nearer = at_a > at_b
        left, right = np.where(nearer, left, a), np.where(nearer, b, right)
        new = np.where(nearer, right - GOLDEN * (right - left), left + GOLDEN * (right - left))
        at_new = reach(new)
        a, b = np.where(nearer, new, b), np.where(nearer, a, new)
        at_a, at_b = np.where(nearer, at_new, at_b), np.where(nearer, at_a, at_new)
    return np.maximum(at_a, at_b), np.where(at_a > at_b, a, b)


@dataclass(frozen=True)
class Aims:
    """What is searched for, one row per aim."""

    rows: Floats  # (n, 6): pad latitude and longitude, aim latitude and longitude, mode, ballistic coefficient
    missile: Ints
    plans: Floats  # (n, 3, k): each row's missile's cut-offs, their best pitches, their ranges
    tolerance_m: float

    def only(self, rows: NDArray[np.intp]) -> "Aims":
        """These rows of the search."""
        return Aims(self.rows[rows], self.missile[rows], self.plans[rows], self.tolerance_m)


def _launches(aims: Aims) -> Floats:
    """Launches from the pads, azimuth, pitch and cut-off still to be filled in."""
    pads, beta = aims.rows[:, :2], aims.rows[:, 5:6]
    return np.ascontiguousarray(np.hstack((pads, np.zeros((len(pads), 3)), beta)))


def _seek(fly: Fly, aims: Aims, by_pitch: bool, searches: Floats, answers: Floats) -> Floats:
    """Runs searches that have been set out to their ends; fills ``answers``, returns how each ended."""
    launches, burnout_s = _launches(aims), fly.packed.body[aims.missile, 2]
    left = np.arange(len(searches))
    while len(left):
        some = [np.ascontiguousarray(array[left]) for array in (searches, burnout_s, aims.plans, launches, answers)]
        kernels.aim_rows(some[0], by_pitch, some[1], some[2], some[3])
        results, flag = fly(some[3], aims.missile[left])
        goals = np.ascontiguousarray(aims.rows[left, 2:4])
        kernels.judge_rows(some[0], some[3], results, flag, goals, aims.tolerance_m, some[4])
        searches[left], answers[left] = some[0], some[4]
        left = left[some[0][:, kernels.ENDED] == kernels.SEARCHING]
    return searches[:, kernels.ENDED]


def _by_cutoff(fly: Fly, aims: Aims, wanted: Floats, bearing: Floats, answers: Floats) -> Floats:
    """Searches over the cut-off time, with the planned pitch of each."""
    first, plans = np.zeros(len(wanted)), aims.plans
    kernels.planned_rows(wanted, plans, first)
    low, high = np.ascontiguousarray(plans[:, 0, 0]), np.ascontiguousarray(plans[:, 0, -1])
    slope = (plans[:, 2, -1] - plans[:, 2, 0]) / (high - low)
    searches = np.zeros((len(wanted), kernels.SEARCH))
    kernels.begin_rows(searches, first, slope, low, high, wanted, bearing)
    return _seek(fly, aims, False, searches, answers)


def _longest(fly: Fly, aims: Aims, wanted: Floats, bearing: Floats) -> tuple[Floats, Floats]:
    """Range and pitch at full burn: the planned best pitch's if it reaches far enough, else the best there is."""
    launches = _launches(aims)
    launches[:, kernels.AT_AZIMUTH], launches[:, kernels.AT_CUTOFF] = bearing, fly.packed.body[aims.missile, 2]
    launches[:, kernels.AT_PITCH] = aims.plans[:, 1, -1]
    reach, pitch = fly.ranges(launches, aims.missile), launches[:, kernels.AT_PITCH].copy()
    short = np.flatnonzero(reach < wanted)
    if len(short):
        reach[short], pitch[short] = farthest(fly, launches[short], aims.missile[short])
    return reach, pitch


def _by_pitch(
    fly: Fly, aims: Aims, wanted: Floats, bearing: Floats, reach: Floats, best: Floats, answers: Floats
) -> Floats:
    """Searches over the final pitch at full burn, on the lofted or the depressed side of the best one."""
    down = aims.rows[:, 4] == kernels.DEPRESSED
    low, high = np.where(down, LOWEST_PITCH_RAD, best), np.where(down, best, HIGHEST_PITCH_RAD)
    slope = np.where(down, reach / (best - low + ~down), -reach / (high - best + down))
    share = FIRST_SHARE * np.sqrt(np.maximum(0.0, 1.0 - wanted / np.minimum(reach, kernels.BEYOND_M)))
    first = best + np.where(down, low - best, high - best) * share
    searches = np.zeros((len(wanted), kernels.SEARCH))
    kernels.begin_rows(searches, first, slope, low, high, wanted, bearing)
    return _seek(fly, aims, True, searches, answers)


def _home_in(fly: Fly, aims: Aims, answers: Floats) -> NDArray[np.bool_]:
    """Newton's method for launches near the vertical, where an azimuth means little, from the launches in ``answers``.

    The unknowns are the eastward and northward parts of the final direction, which stay smooth through the zenith.
    """
    level = np.cos(answers[:, kernels.TO_PITCH])
    part = level[:, None] * np.stack(
        (np.sin(answers[:, kernels.TO_AZIMUTH]), np.cos(answers[:, kernels.TO_AZIMUTH])), axis=1
    )
    found, left = np.zeros(len(answers), bool), np.arange(len(answers))
    for _ in range(NEWTON_ROUNDS):
        if not len(left):
            break
        miss, landed = _misses(fly, aims.only(left), part[left], answers, left)
        found[left[landed & (answers[left, kernels.MISS] <= aims.tolerance_m)]] = True
        keep = landed & ~found[left]
        left, miss = left[keep], miss[keep]
        if not len(left):
            break
        nudged = [_misses(fly, aims.only(left), part[left] + NUDGE * axis, answers, left)[0] for axis in np.eye(2)]
        slope = np.stack([n - miss for n in nudged], axis=2)
        turn = slope[:, 0, 0] * slope[:, 1, 1] - slope[:, 0, 1] * slope[:, 1, 0]
        good = turn != 0.0
        left, miss, slope, turn = left[good], miss[good], slope[good], turn[good]
        step = NUDGE * np.stack(
            (
                (slope[:, 0, 1] * miss[:, 1] - slope[:, 1, 1] * miss[:, 0]) / turn,
                (slope[:, 1, 0] * miss[:, 0] - slope[:, 0, 0] * miss[:, 1]) / turn,
            ),
            axis=1,
        )
        size = np.sqrt((step**2).sum(axis=1)) + 1e-12
        part[left] += step * np.minimum(1.0, LARGEST_TURN / size)[:, None]
    return found


def _misses(
    fly: Fly, aims: Aims, part: Floats, answers: Floats, into: NDArray[np.intp]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Flies at full burn with these parts of the final direction: (miss east and north, landed); notes the answers."""
    launches = _launches(aims)
    launches[:, kernels.AT_AZIMUTH] = np.arctan2(part[:, 0], part[:, 1])
    launches[:, kernels.AT_PITCH] = np.arccos(np.minimum(1.0, np.sqrt((part**2).sum(axis=1))))
    launches[:, kernels.AT_CUTOFF] = fly.packed.body[aims.missile, 2]
    results, flag = fly(launches, aims.missile)
    answers[into, kernels.FLIGHTS] += 1.0
    landed = flag == Flag.OK
    level = np.zeros(len(flag))
    at = geodetic_to_ecef(np.stack((aims.rows[:, 2], aims.rows[:, 3], level), axis=1))
    there = geodetic_to_ecef(np.stack((results[:, flights.LATITUDE], results[:, flights.LONGITUDE], level), axis=1))
    off = there - at
    latitude, longitude = aims.rows[:, 2], aims.rows[:, 3]
    east = -np.sin(longitude) * off[:, 0] + np.cos(longitude) * off[:, 1]
    out = np.cos(longitude) * off[:, 0] + np.sin(longitude) * off[:, 1]
    north = np.cos(latitude) * off[:, 2] - np.sin(latitude) * out
    for column, values in (
        (kernels.TO_AZIMUTH, launches[:, kernels.AT_AZIMUTH]),
        (kernels.TO_PITCH, launches[:, kernels.AT_PITCH]),
        (kernels.TO_CUTOFF, launches[:, kernels.AT_CUTOFF]),
        (kernels.TO_FLIGHT_S, results[:, flights.FLIGHT_S]),
        (kernels.MISS, np.sqrt((off**2).sum(axis=1))),
    ):
        answers[into[landed], column] = values[landed]
    return np.stack((east, north), axis=1), landed


def solve(fly: Fly, aims: Aims) -> tuple[Floats, NDArray[np.uint8]]:
    """A launch to each aim: answers (n, ``_kernels_aim.ANSWERS``), SI and radians, and flags (n,)."""
    count = len(aims.missile)
    answers, flag = np.zeros((count, kernels.ANSWERS)), np.full(count, Flag.NO_CONVERGENCE, np.uint8)
    wanted, bearing, good = np.zeros(count), np.zeros(count), np.zeros(count, bool)
    kernels.bearing_rows(aims.rows, wanted, bearing, good)
    beta = aims.rows[:, 5]
    flag[~(good & (beta >= 0.0) & (beta < 1e7))] = Flag.BAD_INPUT

    def attempt(rows: NDArray[np.intp], search: Callable[..., Floats], *more: Floats) -> Floats:
        part = np.ascontiguousarray(answers[rows])
        ended = search(fly, aims.only(rows), wanted[rows], bearing[rows], *more, part)
        answers[rows] = part
        flag[rows[ended == kernels.FOUND]] = Flag.OK
        return ended

    cut = (aims.rows[:, 4] == kernels.CUT_OFF) & fly.packed.can_cut_off[aims.missile]
    rows = np.flatnonzero((flag != Flag.BAD_INPUT) & cut)
    if len(rows):
        attempt(rows, _by_cutoff)
    rows = np.flatnonzero(flag == Flag.NO_CONVERGENCE)
    if len(rows):
        reach, best = _longest(fly, aims.only(rows), wanted[rows], bearing[rows])
        beyond = reach < wanted[rows]
        flag[rows[beyond]] = Flag.UNREACHABLE
        answers[rows[beyond], kernels.SHORTFALL] = (wanted[rows] - reach)[beyond]
        rows, reach, best = rows[~beyond], reach[~beyond], best[~beyond]
    if len(rows):
        ended = attempt(rows, _by_pitch, reach, best)
        flag[rows[(ended == kernels.FALLS_SHORT) | (ended == kernels.GOES_TOO_FAR)]] = Flag.UNREACHABLE
        rows = rows[(ended != kernels.FOUND) & (aims.rows[rows, 4] != kernels.DEPRESSED)]
    if len(rows):
        part = np.ascontiguousarray(answers[rows])
        flag[rows[_home_in(fly, aims.only(rows), part)]] = Flag.OK
        answers[rows] = part
    found = flag == Flag.OK
    answers[found, kernels.SHORTFALL] = 0.0
    for column in (kernels.TO_AZIMUTH, kernels.TO_PITCH, kernels.TO_CUTOFF, kernels.MISS, kernels.TO_FLIGHT_S):
        answers[~found, column] = 0.0
    return answers, flag
