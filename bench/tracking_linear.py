"""A perfect linear filter to run beside a tracker: same motion, same plots, no doubt about which plot is whose.

Everything is linear at the true path, so its errors are as Gaussian as its covariance says. How often its ANEES leaves
the 95 % band is what these very draws, and their correlation in time, do to anybody; a tracker is judged by how much
worse it does.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detente.scoring.bounds import bound
from detente.scoring.consistency import band, squared_lengths

Floats = NDArray[np.float64]


class Step(NamedTuple):
    """One scan of a world: who is there, how they came there and what was seen of them. Rows of ``alive``."""

    alive: NDArray[np.int64]
    new: NDArray[np.bool_]  # begun in this scan
    prior: Floats  # (d, d) information of what is new, without its first look
    transition: Floats  # (old, d, d) of those that are not new
    noise: Floats  # (old, d, d) what the scan may have hidden
    look: Floats  # (alive, 3, 3) information of a look's position; zeros where there is no view
    shaken: Floats  # (old, d) what it did hide
    detected: NDArray[np.bool_]  # (alive,)
    off_m: Floats  # (alive, 3) how far the plot lay from the object, to first order


def linear_nees(steps: Iterable[Step], count: int, seed: int = 1) -> list[tuple[Floats, Floats]]:
    """For each scan: ages in scans since first detected, and NEES of position and velocity of the objects followed.

    The draws are the world's own, those that the tracker beside it meets; only the first errors of what no plot tells
    (speed, coefficient) are drawn here, from the prior.
    """
    rng = np.random.default_rng(seed)
    errors, covariances, ages, found = np.zeros(0), np.zeros(0), np.full(count, -1), []
    for step in steps:
        size = len(step.prior)
        if not errors.size:
            errors, covariances = np.zeros((count, size)), np.zeros((count, size, size))
        followed = ages[step.alive] >= 0
        moving = followed[~step.new]
        old = step.alive[~step.new][moving]
        turn = step.transition[moving]
        errors[old] = np.einsum("nij,nj->ni", turn, errors[old]) + step.shaken[moving]
        covariances[old] = turn @ covariances[old] @ np.swapaxes(turn, -1, -2) + step.noise[moving]
        rows = np.flatnonzero(followed & step.detected)
        _look(errors, covariances, step.alive[rows], step.look[rows], step.off_m[rows])
        first = np.flatnonzero(~followed & step.detected)
        fresh = step.alive[first]
        known = np.tile(step.prior, (len(first), 1, 1))
        known[:, :3, :3] += step.look[first]
        covariances[fresh] = bound(known)
        errors[fresh, 3:] = rng.standard_normal((len(first), size - 3)) / np.sqrt(np.diag(step.prior)[3:])
        errors[fresh, :3] = -step.off_m[first]
        ages[old] += 1
        ages[fresh] = 0
        alive = step.alive[ages[step.alive] >= 0]
        nees, _ = squared_lengths(errors[alive, :6], covariances[alive][:, :6, :6])
        found.append((ages[alive].astype(float), nees))
    return found


def share_in_band(scans: list[tuple[Floats, Floats]], settle_scans: float) -> float:
    """The share of scans whose mean NEES, of objects that have settled, lies in its own 95 % band."""
    inside = []
    for ages, nees in scans:
        settled = nees[ages >= settle_scans]
        if len(settled):
            low, high = band(6, len(settled))
            inside.append(low <= settled.mean() <= high)
    return float(np.mean(inside))


def _look(errors: Floats, covariances: Floats, rows: NDArray[np.int64], look: Floats, off_m: Floats) -> None:
    """Update errors (truth less estimate) and covariances in place with a look at each of these rows."""
    if not len(rows):
        return
    before = covariances[rows]
    gain = before[:, :, :3] @ np.linalg.inv(before[:, :3, :3] + bound(look))
    errors[rows] -= np.einsum("nij,nj->ni", gain, errors[rows, :3] + off_m)
    after = before - gain @ before[:, :3, :]
    covariances[rows] = (after + np.swapaxes(after, 1, 2)) / 2


def position_offsets(offsets_m: Floats, errors: Floats) -> Floats:
    """How far plots lie from objects (n, 3), to first order, in a radar's own axes.

    ``offsets_m`` (n, 3): objects from the radar; ``errors`` (n, 3): of range, of azimuth from the first axis to the
    second, of elevation.
    """
    away = np.linalg.norm(offsets_m, axis=1)[:, None]
    ground = np.linalg.norm(offsets_m[:, :2], axis=1)[:, None]
    along = offsets_m / away
    across = np.stack([-offsets_m[:, 1], offsets_m[:, 0], np.zeros(len(offsets_m))], axis=1) / ground
    up = np.cross(along, across)
    return along * errors[:, :1] + across * ground * errors[:, 1:2] + up * away * errors[:, 2:]
