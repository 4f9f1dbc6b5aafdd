"""The tracker's prediction alone, for many states at once."""

import numpy as np

from detente.centre.tracking._kernels_places import COAST, CONFIRMED, PHASE, STATUS, TAGS
from detente.centre.tracking._kernels_predict import predict
from detente.jit import kernel


@kernel
def spread_rows(states, covariances, seconds, settings):
    """Move rows of (n, 7) and (n, 7, 7) forward in place, each as a confirmed track that does not burn."""
    tags = np.zeros((states.shape[0], TAGS), np.int64)
    rates, work = np.zeros((3, 7)), np.zeros((7, 7))
    for i in range(states.shape[0]):
        tags[i, STATUS], tags[i, PHASE] = CONFIRMED, COAST
        predict(states, covariances, tags, i, seconds[i], settings, rates, work)
