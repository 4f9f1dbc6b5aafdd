"""Laws of scoring: GOSPA and OSPA are metrics, order means nothing, honesty does not depend on the units."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.scoring.consistency import squared_lengths
from detente.scoring.sets import gospa_and_ospa

CUTOFF = 1000.0
places = st.lists(st.tuples(*[st.floats(-1500, 1500)] * 3), max_size=6).map(lambda rows: np.array(rows).reshape(-1, 3))
orders = st.sampled_from([1.0, 2.0])


@settings(max_examples=150, deadline=None)
@given(places, places, places, orders)
def test_gospa_and_ospa_are_metrics(a: np.ndarray, b: np.ndarray, c: np.ndarray, order: float) -> None:
    ab, ba = gospa_and_ospa(a, b, CUTOFF, order), gospa_and_ospa(b, a, CUTOFF, order)
    ac, cb = gospa_and_ospa(a, c, CUTOFF, order), gospa_and_ospa(c, b, CUTOFF, order)
    assert gospa_and_ospa(a, a, CUTOFF, order)[:2] == (0.0, 0.0)
    assert ab.gospa_m == pytest.approx(ba.gospa_m, abs=1e-6)
    assert ab.ospa_m == pytest.approx(ba.ospa_m, abs=1e-6)
    assert (ab.missed, ab.false) == (ba.false, ba.missed)
    assert ab.gospa_m <= ac.gospa_m + cb.gospa_m + 1e-6
    assert ab.ospa_m <= ac.ospa_m + cb.ospa_m + 1e-6
    assert 0.0 <= ab.ospa_m <= CUTOFF + 1e-9


@settings(max_examples=100, deadline=None)
@given(places, places, st.integers(0, 2**32 - 1))
def test_order_and_place_of_the_origin_mean_nothing(a: np.ndarray, b: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    moved = [rng.permutation(rows) @ turn + [6e6, -1e6, 3e5] for rows in (a, b)]
    here, there = gospa_and_ospa(a, b, CUTOFF), gospa_and_ospa(*moved, CUTOFF)
    assert here.gospa_m == pytest.approx(there.gospa_m, abs=1e-3)
    assert here.ospa_m == pytest.approx(there.ospa_m, abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_nees_does_not_depend_on_axes_or_units(seed: int) -> None:
    rng = np.random.default_rng(seed)
    factors, change = rng.normal(size=(5, 6, 6)) + 3 * np.eye(6), rng.normal(size=(6, 6)) + 3 * np.eye(6)
    change *= 10.0 ** rng.uniform(-3, 3, (6, 1))
    covariances, errors = factors @ factors.transpose(0, 2, 1), rng.normal(size=(5, 6))
    found, _ = squared_lengths(errors, covariances)
    turned, judged = squared_lengths(errors @ change.T, change @ covariances @ change.T)
    assert judged.all()
    np.testing.assert_allclose(found, turned, rtol=1e-5)
