"""Random numbers by address: (seed, replicate, stage, side, sensor, thing, tick, ordinal).

A draw depends on its address alone. Adding a sensor, an object or an architecture therefore changes no draw that
was there before, and two architectures that ask the same question get the same answer.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from detente.chance import _kernels


class Stage(IntEnum):
    """What a draw is for; the first part of its address. Numbers are never reused."""

    PARAMETER = 1
    AIM_POINT = 2
    LAUNCH = 3
    MISSILE = 4
    DETECTION = 5
    NOISE = 6
    FALSE_ALARM = 7
    ORDER = 8
    LINK = 9
    CONSENT = 10
    DISCRIMINATION = 11
    SHOT = 12
    REVISIT = 13


def uniforms(
    seed: int,
    replicates: NDArray[np.int64],
    stage: Stage,
    things: NDArray[np.int64],
    *,
    side: int = -1,
    sensor: int = -1,
    tick: int = 0,
    ordinal: int = 0,
) -> NDArray[np.float64]:
    """Uniform numbers in (0, 1), shape (replicates, things)."""
    out = np.empty((len(replicates), len(things)))
    _kernels.fill_uniforms(
        np.uint64(seed), np.asarray(replicates, np.int64), int(stage), side, sensor,
        np.asarray(things, np.int64), tick, ordinal, out,
    )  # fmt: skip
    return out
