"""Does a tracker know how wrong it is? Squared errors in units of its own covariance, and the bands they lie in."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

Floats = NDArray[np.float64]


def squared_lengths(errors: Floats, covariances: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """NEES of errors (n, d) under covariances (n, d, d); and which rows could be judged.

    A covariance that is not positive definite cannot be a covariance: its row is 0 and not judged.
    """
    found, judged = np.zeros(len(errors)), np.zeros(len(errors), bool)
    if not len(errors):
        return found, judged
    scale = np.sqrt(np.maximum(np.diagonal(covariances, axis1=1, axis2=2), 1e-300))
    correlations = covariances / scale[:, :, None] / scale[:, None, :]
    values, vectors = np.linalg.eigh(correlations)
    judged = values[:, 0] > 1e-13
    turned = np.einsum("nij,ni->nj", vectors, errors / scale)
    found[judged] = np.sum(turned[judged] ** 2 / values[judged], axis=1)
    return found, judged


def band(degrees: int, samples: int = 1, share: float = 0.95) -> tuple[float, float]:
    """Where the mean of ``samples`` independent NEES of ``degrees`` degrees of freedom lies with this probability."""
    tail = (1.0 - share) / 2
    low, high = chi2.ppf([tail, 1.0 - tail], degrees * samples) / samples
    return float(low), float(high)
