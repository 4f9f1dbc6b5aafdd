"""Tracks against truth: every measure at once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.records.errors import InputError
from detente.records.paths import TrackPaths, TruePaths, unpack_covariance
from detente.scoring.bounds import Bounds
from detente.scoring.consistency import band, squared_lengths
from detente.scoring.matching import best_pairs, near_pairs
from detente.scoring.moments import Aligned, align, moments_of
from detente.scoring.picture import PictureCount
from detente.scoring.sets import set_distances

Floats = NDArray[np.float64]
Document = dict[str, Any]
Bounding = Bounds | Callable[[TruePaths, Floats], Bounds]  # bounds, or what makes them for a truth at moments
DIMENSIONS = 6
LIMITS = {
    "cutoff_m": (0.0, 1e12, "more than 0, less than 10¹²"),
    "every_s": (0.0, np.inf, "more than 0"),
    "order": (1.0 - 1e-12, 20.0 + 1e-12, "1 to 20"),
    "settle_s": (-1e-12, np.inf, "0 or more"),
    "hold_s": (-1e-12, np.inf, "0 or more"),
}
"""Of the rules: what lies between the first two. A cut-off to the power of the order must be a number still."""
PHASES = {1: "boost", 2: "coast", 3: "reentry"}


@dataclass(frozen=True, kw_only=True)
class ScoringRules:
    """How to score. Distances in metres, times in seconds."""

    cutoff_m: float = 5000.0
    """Further apart than this, a track and an object have nothing to do with each other (GOSPA's c)."""
    order: float = 2.0
    """GOSPA's and OSPA's p."""
    every_s: float | None = None
    """Spacing of the moments scored; None: the tracks' own."""
    settle_s: float = 0.0
    """RMSE, NEES and bound leave out what is this soon after an object appears. The set metrics leave out nothing."""
    hold_s: float = 30.0
    """Between two rows of a track no further apart than this, the track is taken to be there."""


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Every matched object and moment that settled: what RMSE, NEES and bound ratios are made of. All (n,)."""

    moment: NDArray[np.int64]
    object: NDArray[np.int64]
    phase: NDArray[np.uint8]
    position_m2: Floats  # squared errors
    velocity_m2_s2: Floats
    nees: Floats  # 0 where not judged
    judged: NDArray[np.bool_]  # a covariance was stated for this very moment, and is one
    refused: NDArray[np.bool_]  # one was stated, and is not positive definite
    unbroken: NDArray[np.bool_]  # followed by one and the same track since first tracked


@dataclass(frozen=True, kw_only=True)
class Score:
    """How good the tracks are, moment by moment; ``document`` sums it up."""

    rules: ScoringRules
    moments_s: Floats
    truths: NDArray[np.int64]  # (k,) objects there at each moment
    tracks: NDArray[np.int64]
    gospa_m: Floats
    ospa_m: Floats
    localisation_m: Floats
    missed: NDArray[np.int64]
    false: NDArray[np.int64]
    samples: Samples
    siap: Document
    interpolated: int  # track states that lay between rows
    bound: Document | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def document(self) -> Document:
        """The score as ``--json`` prints it. A quantity that does not exist is None, never 0."""
        return {
            **self.notes,
            "moments": len(self.moments_s),
            "first_s": float(self.moments_s[0]),
            "last_s": float(self.moments_s[-1]),
            "rules": dict(self.rules.__dict__),
            "gospa": {
                "mean_m": float(np.mean(self.gospa_m)),
                "localisation_m": float(np.mean(self.localisation_m)),
                "missed": float(np.mean(self.missed)),
                "false": float(np.mean(self.false)),
            },
            "ospa": {"mean_m": float(np.mean(self.ospa_m))},
            "siap": self.siap,
            "errors": errors_document(self.samples, np.ones(len(self.samples.object), bool)),
            "errors_by_phase": {
                name: errors_document(self.samples, self.samples.phase == phase)
                for phase, name in PHASES.items()
                if np.any(self.samples.phase == phase)
            },
            "bound": self.bound,
            "interpolated_track_states": self.interpolated,
        }


def score_states(
    tracks: TrackPaths, truth: TruePaths, rules: ScoringRules | None = None, bounds: Bounding | None = None
) -> Score:
    """Score confirmed tracks against truth, both in one Cartesian frame and in order of path, then time.

    Raises InputError where there is no truth, or no moment that both could speak of. Without tracks all is missed.
    """
    rules = rules or ScoringRules()
    _check(rules, truth)
    moments = moments_of(tracks, truth, rules.every_s)
    said, was = align(tracks, moments, rules.hold_s), align(truth, moments, np.inf)
    count = PictureCount(rules.cutoff_m)
    distances, parts = [], []
    for k in range(len(moments)):
        here, there = slice(*was.edges[k : k + 2]), slice(*said.edges[k : k + 2])
        near = near_pairs(was.position_m[here], said.position_m[there], rules.cutoff_m)
        pairs = best_pairs(near, rules.cutoff_m, rules.order)
        objects, numbers = was.path[here], said.path[there]
        distances.append(set_distances(pairs, len(objects), len(numbers), rules.cutoff_m, rules.order))
        count.add(near, objects, numbers)
        i, j = pairs.truth + was.edges[k], pairs.track + said.edges[k]
        parts.append(np.stack([np.full(len(i), k), i, j, count.unbroken(was.path[i], said.path[j])]))
    samples = _samples(tracks, truth, said, was, moments, np.concatenate(parts, axis=1), rules.settle_s)
    columns = list(zip(*distances, strict=True))
    least = bounds(truth, moments) if callable(bounds) else bounds
    spacing = float(np.median(np.diff(moments))) if len(moments) > 1 else 0.0
    return Score(
        rules=rules, moments_s=moments, truths=np.diff(was.edges), tracks=np.diff(said.edges),
        gospa_m=np.array(columns[0]), ospa_m=np.array(columns[1]), localisation_m=np.array(columns[2]),
        missed=np.array(columns[3]), false=np.array(columns[4]), samples=samples,
        siap=count.document(count.tracked * spacing), interpolated=int(np.sum(~said.exact)),
        bound=None if least is None else bound_document(samples, moments, least),
        notes={"objects": len(np.unique(truth.object)), "tracks": len(np.unique(tracks.track))},
    )  # fmt: skip


def _check(rules: ScoringRules, truth: TruePaths) -> None:
    if not len(truth):
        raise InputError(
            "a truth without rows", "at least one object", "give the truth that the tracks are of", path="TRUTH"
        )
    for name, (low, high, words) in LIMITS.items():
        value = getattr(rules, name)
        if value is not None and not (isinstance(value, int | float | np.number) and low < value < high):
            raise InputError(f"{name} is {value!r}", words, f"correct {name}", path=name)


def _samples(
    tracks: TrackPaths, truth: TruePaths, said: Aligned, was: Aligned, moments: Floats, matched: NDArray[np.int64],
    settle_s: float,
) -> Samples:  # fmt: skip
    """Errors of the matched rows (moment, row of ``was``, row of ``said``, unbroken) that have settled."""
    known, first_row = np.unique(truth.object, return_index=True)
    began = truth.time_s[first_row][np.searchsorted(known, was.path[matched[1]])]
    k, i, j, unbroken = matched[:, moments[matched[0]] - began >= settle_s - 1e-9]
    errors = np.hstack([said.position_m[j] - was.position_m[i], said.velocity_m_s[j] - was.velocity_m_s[i]])
    stated = said.exact[j] & (tracks.has_covariance[said.row[j]] == 1)
    nees, judged = np.zeros(len(j)), np.zeros(len(j), bool)
    covariances = unpack_covariance(tracks.covariance[said.row[j][stated]])
    nees[stated], judged[stated] = squared_lengths(errors[stated], covariances)
    return Samples(
        moment=k, object=was.path[i], phase=truth.phase[was.row[i]],
        position_m2=np.sum(errors[:, :3] ** 2, axis=1), velocity_m2_s2=np.sum(errors[:, 3:] ** 2, axis=1),
        nees=nees, judged=judged, refused=stated & ~judged, unbroken=unbroken == 1,
    )  # fmt: skip


def errors_document(samples: Samples, chosen: NDArray[np.bool_]) -> Document:
    """RMSE, m and m/s, and NEES of the ``chosen`` (n,) of n samples."""
    count = int(np.sum(chosen))
    if not count:
        return {"samples": 0, "position_rmse_m": None, "velocity_rmse_m_s": None, "nees": None}
    return {
        "samples": count,
        "position_rmse_m": float(np.sqrt(np.mean(samples.position_m2[chosen]))),
        "velocity_rmse_m_s": float(np.sqrt(np.mean(samples.velocity_m2_s2[chosen]))),
        "nees": _nees_document(samples, chosen & samples.judged, int(np.sum(samples.refused & chosen))),
    }


def _nees_document(samples: Samples, judged: NDArray[np.bool_], refused: int) -> Document | None:
    """Mean, the share of single values in their band, and the share of moments whose mean lies in its own."""
    nees = samples.nees[judged]
    if not len(nees):
        return None if not refused else {"samples": 0, "not_positive_definite": refused}
    low, high = band(DIMENSIONS)
    counts = np.bincount(samples.moment[judged])
    sums = np.bincount(samples.moment[judged], nees)
    used = np.flatnonzero(counts)
    means = sums[used] / counts[used]
    bands = {count: band(DIMENSIONS, int(count)) for count in np.unique(counts[used])}
    inside = [bands[count][0] <= mean <= bands[count][1] for count, mean in zip(counts[used], means, strict=True)]
    return {
        "samples": len(nees),
        "mean": float(np.mean(nees)),
        "median": float(np.median(nees)),
        "ideal": DIMENSIONS,
        "band_95_of_one": [low, high],
        "inside_band_fraction": float(np.mean((nees >= low) & (nees <= high))),
        "moments_inside_band_fraction": float(np.mean(inside)),
        "not_positive_definite": refused,
    }


def bound_document(samples: Samples, moments_s: Floats, bounds: Bounds) -> Document | None:
    """Errors over the posterior Cramér–Rao bound: of all samples, and of those on unbroken tracks; None where no sample
    has a bound. ``moments_s`` (m,): the moments that samples count by."""
    found = {
        (int(thing), round(float(time), 3)): row
        for row, (thing, time) in enumerate(zip(bounds.object, bounds.time_s, strict=True))
    }
    asked = zip(samples.object, moments_s[samples.moment], strict=True)
    row = np.array([found.get((int(thing), round(float(time), 3)), -1) for thing, time in asked], np.int64)
    bounded = row >= 0
    if not np.any(bounded):
        return None
    phases = {"": bounded} | {name: bounded & (samples.phase == phase) for phase, name in PHASES.items()}
    found = {name: _bounded(samples, bounds, row, chosen) for name, chosen in phases.items() if np.any(chosen)}
    return {**found.pop(""), "by_phase": found}


def _bounded(samples: Samples, bounds: Bounds, row: NDArray[np.int64], chosen: NDArray[np.bool_]) -> Document:
    whole = chosen & samples.unbroken
    return {
        **_ratios(samples, bounds, row, chosen),
        "unbroken": {**_ratios(samples, bounds, row, whole), "share": float(np.mean(samples.unbroken[chosen]))},
    }


def _ratios(samples: Samples, bounds: Bounds, row: NDArray[np.int64], chosen: NDArray[np.bool_]) -> Document:
    count = int(np.sum(chosen))
    if not count:
        return {"samples": 0, "position_ratio": None, "velocity_ratio": None}
    position, velocity = np.mean(bounds.position_m2[row[chosen]]), np.mean(bounds.velocity_m2_s2[row[chosen]])
    return {
        "samples": count,
        "position_ratio": float(np.sqrt(np.mean(samples.position_m2[chosen]) / position)),
        "velocity_ratio": float(np.sqrt(np.mean(samples.velocity_m2_s2[chosen]) / velocity)),
        "position_bound_m": float(np.sqrt(position)),
        "velocity_bound_m_s": float(np.sqrt(velocity)),
    }
