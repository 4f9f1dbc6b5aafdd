"""How a state's covariance grows while nobody looks, as the tracker has it: a door for those who judge trackers."""

import numpy as np

from detente.centre.tracking import _kernels_foresee
from detente.centre.tracking.settings import Settings
from detente.records.slots import Floats


def spread(states: Floats, covariances: Floats, seconds: Floats, settings: Settings) -> Floats:
    """Covariances (n, 7, 7) some seconds later, of bodies that coast or reenter under the ballistic model.

    ``states`` (n, 7): ECEF position and velocity, and the nominal over the ballistic coefficient; the motion is
    linearised there. ``seconds`` (n,). Nothing given is changed.
    """
    moved, grown = np.array(states, float), np.array(covariances, float)
    _kernels_foresee.spread_rows(moved, grown, np.asarray(seconds, float), settings.packed())
    return grown
