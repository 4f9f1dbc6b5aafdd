"""What the table of objects tells beside the metrics: warnings that pointed rightly, errors over the same objects,
ellipses that held, and whose impacts a change of leakage is about."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from detente.records.results import ObjectResults
from detente.report.saved import BASELINE, Saved

Floats = NDArray[np.float64]
NEAR_KM, FAR_KM = 300.0, 1000.0
INSIDE_95 = -2.0 * math.log(0.05)  # a squared error in units of its covariance, two degrees of freedom
AIMS = ("ground, by area", "people", "troops", "named points")
"""What the codes of the objects table's ``aim_by`` mean."""


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A mean over worlds with its 95 % interval by Student's t; ``n`` worlds had the quantity at all."""

    mean: float
    low: float
    high: float
    n: int


def mean_over_worlds(values: Floats) -> Mean | None:
    """Mean of one value a world, (R,), NaN where the quantity does not exist; None where it exists in no world."""
    kept = values[np.isfinite(values)]
    if not len(kept):
        return None
    mean = math.fsum(kept.tolist()) / len(kept)
    if len(kept) == 1:
        return Mean(mean=mean, low=mean, high=mean, n=1)
    variance = math.fsum(((kept - mean) ** 2).tolist()) / (len(kept) - 1)
    half = float(stdtrit(len(kept) - 1, 0.975)) * math.sqrt(variance / len(kept))
    return Mean(mean=mean, low=mean - half, high=mean + half, n=len(kept))


def per_world(saved: Saved, replicate: NDArray[np.int64], values: Floats) -> Floats:
    """Mean of the values of each world, shape (replicates,); NaN where a world has none."""
    count = np.bincount(replicate, minlength=saved.replicates).astype(float)
    total = np.bincount(replicate, values, saved.replicates)
    return np.divide(total, count, out=np.full(saved.replicates, np.nan), where=count > 0)


def good_lead_s(objects: ObjectResults, within_km: float) -> Floats:
    """Time from first warning to impact, s, (n,); 0 where none came, or its impact point was farther off than that."""
    good = (objects.warned_s >= 0.0) & (objects.impact_error_m >= 0.0) & (objects.impact_error_m <= within_km * 1e3)
    return np.where(good, objects.impact_s - objects.warned_s, 0.0)


def good_warning(saved: Saved, architecture: str, side: int, within_km: float) -> tuple[Mean | None, Mean | None]:
    """Warning time counting good warnings only, and its paired difference to ``alone``; None where nothing threatens
    or ``alone`` is not there."""

    def value(name: str) -> Floats:
        objects = saved.threatening(name, side)
        return per_world(saved, objects.replicate, good_lead_s(objects, within_km))

    return _with_difference(saved, architecture, value)


def useful_warning(saved: Saved, architecture: str, side: int) -> tuple[Mean | None, Mean | None]:
    """Warning time from the first statement, warning or correction, that said rightly to 300 km where the impact will
    be; 0 where there was none; and its paired difference to ``alone``.
    """

    def value(name: str) -> Floats:
        objects = saved.threatening(name, side)
        lead = np.where(objects.useful_s >= 0.0, objects.impact_s - objects.useful_s, 0.0)
        return per_world(saved, objects.replicate, lead)

    return _with_difference(saved, architecture, value)


def _with_difference(
    saved: Saved, architecture: str, value: Callable[[str], Floats]
) -> tuple[Mean | None, Mean | None]:
    there = value(architecture)
    base = value(BASELINE) if BASELINE in saved.architectures else np.full(saved.replicates, np.nan)
    return mean_over_worlds(there), mean_over_worlds(there - base)


def impact_error_km(saved: Saved, architecture: str, side: int) -> tuple[Mean | None, Mean | None, int]:
    """Error at first warning over all objects warned of; its difference to ``alone`` over the objects warned of in
    both, world by world; and how many these are."""
    there = saved.threatening(architecture, side)
    warned = there.impact_error_m >= 0.0
    mean = mean_over_worlds(per_world(saved, there.replicate[warned], there.impact_error_m[warned] / 1e3))
    if BASELINE not in saved.architectures:
        return mean, None, 0
    base = saved.threatening(BASELINE, side)
    assert np.array_equal(base.object, there.object), "every architecture flies the same objects"
    both = warned & (base.impact_error_m >= 0.0)
    change = (there.impact_error_m[both] - base.impact_error_m[both]) / 1e3
    return mean, mean_over_worlds(per_world(saved, there.replicate[both], change)), int(both.sum())


def held(saved: Saved, architecture: str, side: int) -> tuple[int, int]:
    """How many first warnings had the true impact inside their 95 % ellipse, and how many first warnings there were."""
    objects = saved.threatening(architecture, side)
    warned = objects.impact_nees >= 0.0
    return int((objects.impact_nees[warned] <= INSIDE_95).sum()), int(warned.sum())


def kinds(saved: Saved) -> tuple[int, ...]:
    """The kinds of aim point that occur, as codes."""
    return tuple(int(kind) for kind in np.unique(saved.objects.aim_by))


def leaked(saved: Saved, architecture: str, side: int, kind: int) -> tuple[int, int]:
    """How many objects of one kind of aim point were not intercepted, and how many there were."""
    objects = saved.threatening(architecture, side)
    chosen = objects.aim_by == kind
    return int((objects.intercepted[chosen] == 0).sum()), int(chosen.sum())


@dataclass(frozen=True, kw_only=True)
class Changed:
    """Objects intercepted under one architecture and not under ``alone``, and the other way about, by kind."""

    gained: dict[int, int]
    lost: dict[int, int]
    of: int


def changed(saved: Saved, architecture: str, side: int) -> Changed:
    """Which objects' fate is another than under ``alone``."""
    there, base = saved.threatening(architecture, side), saved.threatening(BASELINE, side)
    gained = (there.intercepted == 1) & (base.intercepted == 0)
    lost = (there.intercepted == 0) & (base.intercepted == 1)

    def by_kind(rows: NDArray[np.bool_]) -> dict[int, int]:
        found, counts = np.unique(there.aim_by[rows], return_counts=True)
        return dict(zip(found.tolist(), counts.tolist(), strict=True))

    return Changed(gained=by_kind(gained), lost=by_kind(lost), of=len(there))
