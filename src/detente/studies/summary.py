"""From one value a replicate to a mean with its sampling error, and to paired differences.

Student's t on replicate means; Wilson's score interval for a fraction that came out all 0 or all 1, where t would
claim certainty. (E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.)
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

CONFIDENCE = 0.95
NORMAL_975 = 1.959963984540054


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean over replicates and its 95 % interval; ``n`` replicates had the quantity at all."""

    mean: float
    low: float
    high: float
    n: int


def interval(values: NDArray[np.float64], defined: NDArray[np.bool_], *, fraction: bool) -> Interval | None:
    """Mean and 95 % interval of the values (R,) that are ``defined`` (R,), in the metric's unit; None where none is.

    Student t; Wilson for a ``fraction`` whose values are all 0 or all 1; with one value, the interval is that value.
    """
    kept = values[defined]
    n = int(kept.size)
    if n == 0:
        return None
    mean = math.fsum(kept.tolist()) / n
    if fraction and (np.all(kept == 0.0) or np.all(kept == 1.0)):
        low, high = _wilson(mean, n)
        return Interval(mean=mean, low=low, high=high, n=n)
    if n == 1:
        return Interval(mean=mean, low=mean, high=mean, n=1)
    half = _half_width(kept, mean)
    return Interval(mean=mean, low=mean - half, high=mean + half, n=n)


def envelope(values: NDArray[np.float64], defined: NDArray[np.bool_]) -> tuple[float, float] | None:
    """5th and 95th percentile of the ``defined`` values, (R,) both: what drawn assumptions and chance together span."""
    kept = values[defined]
    if kept.size == 0:
        return None
    low, high = np.quantile(kept, (0.05, 0.95))
    return float(low), float(high)


def _half_width(kept: NDArray[np.float64], mean: float) -> float:
    n = kept.size
    variance = math.fsum(((kept - mean) ** 2).tolist()) / (n - 1)
    return float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2.0)) * math.sqrt(variance / n)


def _wilson(p: float, n: int) -> tuple[float, float]:
    z2 = NORMAL_975 * NORMAL_975
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = NORMAL_975 / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)
