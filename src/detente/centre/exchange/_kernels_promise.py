"""Which own tracks a partner would tell us of, were they its own."""

import numpy as np

from detente.centre.exchange._kernels import (
    CONFIRMED,
    DATA,
    DELAY_S,
    DELAYED,
    GIVER,
    RATE_INDEX,
    RECEIVER,
    TRACK,
    TRACKLET,
    judge,
)
from detente.jit import kernel


@kernel
def promised(
    receiver, in_force, whole, real, turns_within_s, zones, withheld_sensors, sensors_of, parties, status, phase,
    mean, launch_valid, launch_lat, launch_lon, impact_valid, impact_lat, impact_lon, threat, out,
):  # fmt: skip
    """out (R, S, sides) = the shortest time within which a clause would have each giver tell of a track; else -1.

    ``turns_within_s`` (rates,): the longest that a turn of each rate may take to come.
    """
    always = (turns_within_s.size, turns_within_s.size, turns_within_s.size)
    no_sensors, nothing = np.zeros(status.shape, np.uint64), np.uint64(0)
    out[:, :, :] = -1.0
    for c in range(whole.shape[0]):
        giver = whole[c, GIVER]
        if whole[c, RECEIVER] != receiver or whole[c, DATA] not in (TRACK, TRACKLET):
            continue
        if withheld_sensors[c] & sensors_of[giver] != nothing:
            continue  # a track may be held back for a sensor that we do not know of
        for r in range(status.shape[0]):
            for s in range(status.shape[1]):
                if status[r, s] != CONFIRMED:
                    continue
                reason = judge(
                    r, s, c, always, in_force, whole, real, zones, withheld_sensors, parties, nothing, no_sensors,
                    phase, mean, launch_valid, launch_lat, launch_lon, impact_valid, impact_lat, impact_lon, threat,
                )  # fmt: skip
                if reason >= DELAYED:
                    within_s = real[c, DELAY_S] + turns_within_s[whole[c, RATE_INDEX]]
                    if out[r, s, giver] < 0.0 or within_s < out[r, s, giver]:
                        out[r, s, giver] = within_s
