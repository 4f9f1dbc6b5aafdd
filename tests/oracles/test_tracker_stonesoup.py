"""The tracker against Stone Soup itself, on the benchmark's own scenes: the same tracks, scan by scan."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from detente.scoring.score import score_states

BENCH = Path(__file__).parents[2] / "bench"


@pytest.mark.parametrize("seed", [1, 2])
def test_the_textbook_tracker_is_stone_soups_with_an_analytic_jacobian(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(BENCH))
    scenes, speed, theirs = (
        importlib.import_module(name) for name in ("tracking_scenes", "tracking_speed", "tracking_stonesoup")
    )
    scene = scenes.flat(8, seed, 30)
    ours = speed.confirmed(speed.ours(scene))
    found, updates, _ = theirs.run(scene, theirs.TREE_ANALYTIC)
    assert len(found) == len(ours) > 100
    assert updates >= len(found) - 8
    mine, other = score_states(ours, scene.truth), score_states(found, scene.truth)
    np.testing.assert_array_equal(mine.tracks, other.tracks)
    np.testing.assert_allclose(mine.gospa_m, other.gospa_m, rtol=1e-9)
    order, theirs_order = (np.lexsort((*states.position_m.T, states.time_s)) for states in (ours, found))
    np.testing.assert_allclose(ours.position_m[order], found.position_m[theirs_order], rtol=1e-9)
    np.testing.assert_allclose(ours.covariance[order], found.covariance[theirs_order], rtol=1e-6, atol=1e-3)
