"""What came of the shots, against what really flew: near enough or not, hit or not.

A shot is met with three questions. Was the object still flying, and within the basket of the planned place? Was it
told apart from what flew with it? (One draw an object, shared by every shot at it: a defence that is fooled is fooled
as a whole.) Did the interceptor kill? (One draw a shot, keyed by the object and by how many were launched at it
before, by whomever, so that every architecture of a study meets the same luck.)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detente.chance.draws import Stage
from detente.records.slots import Slots
from detente.records.stages import Outcomes, Shots
from detente.world import _kernels_outcome
from detente.world.history import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEVER_S = -1.0
"""Stands for a moment that never came."""


@dataclass(frozen=True, kw_only=True)
class Lethality(Slots):
    """What the interceptors can do, as these replicates drew it. R rows, K sites."""

    kill_probability: Floats  # (R, K) single shot, given that the object was told apart
    basket_m: Floats  # (R, K)
    discrimination: Floats  # (R,) P(an object is told apart)


def resolve(shots: Shots, shot_object: Ints, world: World, lethality: Lethality, *, seed: int) -> Outcomes:
    """Decide every shot against truth.

    ``shots.replicate`` is the row of the world's arrays, as a plan writes it, and so is ``replicate`` of the result;
    chance is addressed by ``world.replicates``. ``shot_object`` (n,) is the object each shot's track was of, -1 for
    none. The shots of all sides must come together: a later shot at an object already intercepted is spent for nothing
    (``in_basket`` and ``hit`` are 0).
    """
    n, target, rows = len(shots), np.ascontiguousarray(shot_object, np.int64), len(world.replicates)
    assert target.shape == (n,), f"an object for each of the {n} shots, not {target.shape}"
    assert lethality.kill_probability.shape == lethality.basket_m.shape, "kill probability and basket of the same sites"
    assert lethality.discrimination.shape == (rows,), "a discrimination probability a replicate"
    row, truth = shots.replicate, world.truth
    assert n == 0 or (row.min() >= 0 and row.max() < rows), "shots.replicate must be a row of the world's arrays"
    assert n == 0 or target.max() < world.object_count, "shot_object must be a number of the world's objects"
    ordinal = np.zeros(n, np.int64)
    by_launch = np.lexsort((np.arange(n), shots.side, shots.launched_s, target, row))
    _kernels_outcome.number_shots(by_launch, row, target, ordinal)
    by_intercept = np.lexsort((ordinal, shots.intercept_s, target, row))
    in_basket, hit = np.zeros(n, np.uint8), np.zeros(n, np.uint8)
    _kernels_outcome.resolve_shots(
        by_intercept, row, shots.site, target, row * world.object_count + target, ordinal,
        shots.intercept_s, shots.intercept_ecef_m,
        np.ascontiguousarray(world.offsets, np.int64),
        truth.time_s, truth.position_ecef_m, truth.velocity_ecef_m_s,
        np.ascontiguousarray(lethality.kill_probability, np.float64),
        np.ascontiguousarray(lethality.basket_m, np.float64),
        np.ascontiguousarray(lethality.discrimination, np.float64),
        np.uint64(seed), np.ascontiguousarray(world.replicates, np.int64),
        int(Stage.DISCRIMINATION), int(Stage.SHOT), in_basket, hit,
    )  # fmt: skip
    return Outcomes(replicate=row, shot=np.arange(n), object=target, in_basket=in_basket, hit=hit)


def intercepted_s(shots: Shots, outcomes: Outcomes, *, rows: int, objects: int) -> Floats:
    """When each object was intercepted, shape (rows, objects); ``NEVER_S`` where it was not."""
    moment = np.full((rows, objects), NEVER_S)
    hit = outcomes.hit == 1
    moment[outcomes.replicate[hit], outcomes.object[hit]] = shots.intercept_s[outcomes.shot[hit]]
    return moment
