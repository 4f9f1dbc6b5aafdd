"""Which own tracks a partner would tell us of, were they its own."""

import math

import numpy as np

from detente.centre.exchange._kernels import (
    CONFIRMED,
    DATA,
    DELAY_S,
    DELAYED,
    EVERY_S,
    GIVER,
    RECEIVER,
    TRACK,
    TRACKLET,
    judge,
)
from detente.jit import kernel


@kernel
def promised(
    receiver, in_force, whole, real, zones, withheld_sensors, sensors_of, parties, status, phase, mean, launch_valid,
    launch_lat, launch_lon, impact_valid, impact_lat, impact_lon, threat, out,
):  # fmt: skip
    """out (R, S, sides) = the shortest time within which a clause would have each giver tell of a track; else -1."""
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
                    r, s, c, math.inf, in_force, whole, real, zones, withheld_sensors, parties, nothing, no_sensors,
                    phase, mean, launch_valid, launch_lat, launch_lon, impact_valid, impact_lat, impact_lon, threat,
                )  # fmt: skip
                if reason >= DELAYED:
                    within_s = real[c, DELAY_S] + real[c, EVERY_S]
                    if out[r, s, giver] < 0.0 or within_s < out[r, s, giver]:
                        out[r, s, giver] = within_s
