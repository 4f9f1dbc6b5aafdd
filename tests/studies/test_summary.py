"""Intervals against their textbook values."""

import numpy as np
import pytest
from scipy import stats

from detente.studies.summary import envelope, interval

ALL = np.ones(8, bool)


def test_student_t_interval_is_scipys() -> None:
    values = np.array([3.0, 5.0, 4.0, 8.0, 1.0, 2.0, 7.0, 6.0])
    found = interval(values, ALL, fraction=False)
    low, high = stats.t.interval(0.95, 7, values.mean(), stats.sem(values))
    assert found is not None
    assert (found.mean, found.n) == (4.5, 8)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-12)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_wilson_where_all_agree(value: float) -> None:
    found = interval(np.full(8, value), ALL, fraction=True)
    oracle = stats.binomtest(int(8 * value), 8).proportion_ci(0.95, method="wilson")
    assert found is not None
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high), abs=1e-12)


def test_undefined_replicates_do_not_count() -> None:
    found = interval(np.array([1.0, 9.0, 3.0]), np.array([True, False, True]), fraction=False)
    assert found is not None
    assert (found.mean, found.n) == (2.0, 2)
    assert interval(np.zeros(3), np.zeros(3, bool), fraction=True) is None
    assert envelope(np.zeros(3), np.zeros(3, bool)) is None


def test_one_replicate_claims_nothing_more() -> None:
    found = interval(np.array([2.5]), np.ones(1, bool), fraction=False)
    assert found is not None
    assert (found.mean, found.low, found.high, found.n) == (2.5, 2.5, 2.5, 1)
