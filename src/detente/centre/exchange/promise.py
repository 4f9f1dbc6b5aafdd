"""What a partner agreed to tell of objects such as one's own tracks: what its silence can be measured against."""

import numpy as np

from detente.centre.exchange import _kernels_promise
from detente.centre.exchange.rules import PERIODS_S, Rules, columns_of, given
from detente.records.slots import Estimates, Floats, Masks, Tracks

TURNS_WITHIN_S = given(np.cumsum(PERIODS_S), np.float64)
"""A turn of a rate is one among the turns of the next faster, and so late by as much at the most."""


def promised_within(
    tracks: Tracks, estimates: Estimates, rules: Rules, receiver: int, sensors_of: Masks
) -> Floats:  # fmt: skip
    """Within how long each side agreed to tell ``receiver`` of each of its confirmed tracks, s; -1 where it did not.

    (R, S, sides). Clauses about tracks alone, judged by the receiver's own estimates; a clause for which an owner
    among the giver's sensors (``sensors_of``, a bit mask a side) withholds promises nothing, for it may hold any track
    back. To see the object is the giver's business.
    """
    out = np.empty((*tracks.status.shape, rules.sides))
    whole, real = columns_of(rules)
    _kernels_promise.promised(
        receiver, int(rules.in_force_at(tracks.time_s)), whole, real, TURNS_WITHIN_S, rules.zones,
        rules.sensors_withheld, given(sensors_of, np.uint64), rules.parties, given(tracks.status, np.uint8),
        given(tracks.phase, np.uint8), given(tracks.mean, np.float64), given(estimates.launch_valid, np.uint8),
        given(estimates.launch_lat_rad, np.float64), given(estimates.launch_lon_rad, np.float64),
        given(estimates.impact_valid, np.uint8), given(estimates.impact_lat_rad, np.float64),
        given(estimates.impact_lon_rad, np.float64), given(estimates.threat_probability, np.float64), out,
    )  # fmt: skip
    return out
