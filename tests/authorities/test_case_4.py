"""Salvo arithmetic: five missiles, each killed with probability .95 → some missile leaks with probability .226.

One of the published outcomes that this project reproduces: 1 − .95⁵ = .2262, as for any defence whose shots are
independent. Here it comes out of the code that decides shots, over 20,000 replicates: within 3.5 standard errors.
"""

import math

import numpy as np
import pytest

from detente.chance.draws import Stage, uniforms
from detente.world import _kernels_outcome

KILL, MISSILES, REPLICATES = 0.95, 5, 20_000


def hits(kill, discrimination):
    """Shots that hit, one shot at each of five missiles that hang still, shape (replicates, missiles)."""
    n = REPLICATES * MISSILES
    row = np.repeat(np.arange(REPLICATES), MISSILES)
    target = np.tile(np.arange(MISSILES), REPLICATES)
    position = np.tile([7e6, 0.0, 0.0], (2, 1))
    in_basket, hit = np.zeros(n, np.uint8), np.zeros(n, np.uint8)
    _kernels_outcome.resolve_shots(
        np.arange(n), row, np.zeros(n, np.int64), target, np.zeros(n, np.int64), np.zeros(n, np.int64),
        np.full(n, 50.0), np.tile([7e6, 0.0, 0.0], (n, 1)), np.array([0, 2]), np.array([0.0, 100.0]), position,
        np.zeros((2, 3)), np.full((REPLICATES, 1), kill), np.full((REPLICATES, 1), 1e3),
        np.full(REPLICATES, discrimination), np.uint64(7), np.arange(REPLICATES),
        int(Stage.DISCRIMINATION), int(Stage.SHOT), in_basket, hit,
    )  # fmt: skip
    assert in_basket.all()
    return hit.reshape(REPLICATES, MISSILES)


def test_five_missiles_at_95_percent_leak_with_probability_226():
    leaked = (hits(KILL, 1.0) == 0).any(axis=1)
    exact = 1.0 - KILL**MISSILES
    assert exact == pytest.approx(0.226, abs=5e-4)
    error = math.sqrt(0.226 * 0.774 / REPLICATES)
    assert leaked.mean() == pytest.approx(0.226, abs=3.5 * error)


def test_the_same_draws_decide_it_as_any_shot():
    luck = uniforms(7, np.arange(REPLICATES), Stage.SHOT, np.arange(MISSILES))
    assert (hits(KILL, 1.0) == (luck < KILL)).all()
