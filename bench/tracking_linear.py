"""A perfect linear filter to run beside a tracker: same motion, same looks, no doubt about which plot is whose.

Its errors are as Gaussian as its covariance says, so how often its ANEES leaves the 95 % band is what finite samples
and their correlation in time do to anybody; a tracker is judged by how much worse it does.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detente.scoring.bounds import bound
from detente.scoring.consistency import band, squared_lengths

Floats = NDArray[np.float64]


class Step(NamedTuple):
    """One scan of a world: which objects are there, and how they came there. All rows are of ``alive``."""

    alive: NDArray[np.int64]
    new: NDArray[np.bool_]  # begun in this scan
    prior: Floats  # (d, d) information of what is new, without its first look
    transition: Floats  # (old, d, d) of those that are not new
    noise: Floats  # (old, d, d)
    look: Floats  # (alive, 3, 3) information of a look's position; zeros where there is no view


def linear_nees(steps: Iterable[Step], count: int, detection: float, seed: int) -> list[tuple[Floats, Floats]]:
    """For each scan: ages in scans, and NEES of position and velocity (six numbers) of the objects there."""
    rng = np.random.default_rng(seed)
    errors, covariances, ages, found = np.zeros(0), np.zeros(0), np.zeros(count), []
    for alive, new, prior, transition, noise, look in steps:
        size = len(prior)
        if not errors.size:
            errors, covariances = np.zeros((count, size)), np.zeros((count, size, size))
        old, fresh = alive[~new], alive[new]
        if len(fresh):
            known = np.tile(prior, (len(fresh), 1, 1))
            known[:, :3, :3] += look[new]
            covariances[fresh] = bound(known)
            errors[fresh] = _drawn(rng, covariances[fresh])
        if len(old):
            turned = np.swapaxes(transition, -1, -2)
            errors[old] = np.einsum("nij,nj->ni", transition, errors[old]) + _drawn(rng, noise)
            covariances[old] = transition @ covariances[old] @ turned + noise
        viewed = ~new & (look[:, 0, 0] > 0.0) & (rng.random(len(alive)) < detection)
        _look(rng, errors, covariances, alive[viewed], look[viewed])
        ages[alive] += 1
        nees, _ = squared_lengths(errors[alive, :6], covariances[alive][:, :6, :6])
        found.append((ages[alive] - 1, nees))
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


def _drawn(rng: np.random.Generator, covariances: Floats) -> Floats:
    scale = np.sqrt(np.maximum(np.diagonal(covariances, axis1=1, axis2=2), 1e-300))
    values, vectors = np.linalg.eigh(covariances / scale[:, :, None] / scale[:, None, :])
    drawn = rng.standard_normal(values.shape) * np.sqrt(np.maximum(values, 0.0))
    return np.einsum("nij,nj->ni", vectors, drawn) * scale


def _look(rng: np.random.Generator, errors: Floats, covariances: Floats, rows: NDArray[np.int64], look: Floats) -> None:
    """Update errors and covariances in place with a look at each of these rows."""
    if not len(rows):
        return
    spread = bound(look)
    before = covariances[rows]
    gain = before[:, :, :3] @ np.linalg.inv(before[:, :3, :3] + spread)
    surprise = errors[rows, :3] + _drawn(rng, spread)
    errors[rows] -= np.einsum("nij,nj->ni", gain, surprise)
    after = before - gain @ before[:, :3, :]
    covariances[rows] = (after + np.swapaxes(after, 1, 2)) / 2
