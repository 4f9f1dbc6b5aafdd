"""What lateness costs: the partner's radar is heard so many seconds late, and the centre's tracker reruns no history.

Beside it stands what cannot be beaten by waiting: the same tracker run anew at each judged moment over all that had
arrived by then, in order of time. The centre's own step is measured, tick by tick, with live false plots.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import tracking_ballistic as falling
from lines import Line
from numpy.typing import NDArray
from tracking_ballistic import Falls
from tracking_centres import stepped
from tracking_speed import confirmed

from detente.centre.tracking.follower import follow
from detente.records.slots import Status
from detente.scoring.matching import best_pairs, near_pairs

Floats = NDArray[np.float64]
JUDGED_S = range(60, 260, 10)
CUTOFF_M, LATE_SENSOR = 5000.0, 1


def late(quick: bool) -> Iterator[Line]:
    """Position RMSE of tracks that both hold, over that of the rerun, for several delays; all seeds together."""
    bodies, seeds = (30, (4,)) if quick else (60, (4, 5, 6))
    worlds = [falling.falls(bodies, seed, sites=(falling.HOME, falling.ABROAD)) for seed in seeds]
    case = f"Late detections, {bodies} falling bodies, {len(seeds)} seeds: one of two radars heard late, never rerun"
    for delay_s in (0.0, 5.0, 30.0) if quick else (0.0, 5.0, 10.0, 20.0, 30.0):
        arrivals_s = [w.plots.time_s + np.where(w.plots.sensor == LATE_SENSOR, delay_s, 0.0) for w in worlds]
        reruns = [_rerun(*given) for given in zip(worlds, arrivals_s, strict=True)]
        for door, judged in (("centre", _stepped), ("file", _followed)):
            founds = [judged(*given) for given in zip(worlds, arrivals_s, strict=True)]
            pairs = [
                (found[key], rerun[key])
                for found, rerun in zip(founds, reruns, strict=True)
                for key in sorted(set(found) & set(rerun))
            ]
            square, least = np.mean(pairs, axis=0)
            head = f"{delay_s:g} s late, {door}'s tracker"
            target = 1.02 if delay_s else None
            yield Line(case, f"{head}: position RMSE over the rerun's", (square / least) ** 0.5, "×", at_most=target)
            held = sum(map(len, founds)) / sum(map(len, reruns))
            yield Line(case, f"{head}: states held, over the rerun's", held)


Found = dict[tuple[int, int], float]  # (body, second) → squared position error, m²


def _stepped(world: Falls, arrival_s: Floats) -> Found:
    """The centre's tracker, a step a second, each with what arrived since the last."""
    found = {}
    for now, tracks in stepped(world, world.plots, arrival_s, max(JUDGED_S)):
        if now in JUDGED_S:
            held = tracks.status[0] == Status.CONFIRMED
            found |= _judged(world, now, tracks.mean[0, held, :3])
    return found


def _followed(world: Falls, arrival_s: Floats) -> Found:
    """The follower of whole files, told when each detection came in."""
    plots = replace(world.plots, received_s=np.array(arrival_s))
    states = confirmed(follow(plots, world.sensors, falling.FILTER)[0])
    found = {}
    for now in JUDGED_S:
        found |= _judged(world, now, states.position_m[states.time_s == now])
    return found


def _rerun(world: Falls, arrival_s: Floats) -> Found:
    """The same tracker over all that has arrived, from the beginning, for each judged moment."""
    found = {}
    for now in JUDGED_S:
        rows = (arrival_s <= now) & (world.plots.time_s <= now)
        states = confirmed(follow(falling.picked(world.plots, rows), world.sensors, falling.FILTER)[0])
        found |= _judged(world, now, states.position_m[states.time_s == now])
    return found


def _judged(world: Falls, now: int, positions_m: Floats) -> Found:
    """Squared errors of the tracks that are bodies' at a moment."""
    there = np.flatnonzero(world.there[now])
    true = world.states[now, there, :3]
    pairs = best_pairs(near_pairs(true, positions_m, CUTOFF_M), CUTOFF_M, 2.0)
    return {(int(there[i]), now): float(away) ** 2 for i, away in zip(pairs.truth, pairs.distance_m, strict=True)}
