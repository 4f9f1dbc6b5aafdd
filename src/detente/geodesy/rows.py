"""The one check every door of this room makes: rows of finite numbers, each as long as the door expects."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def rows_of(values: ArrayLike, width: int) -> NDArray[np.float64]:
    """The values as contiguous finite rows of the caller's own, shape (n, width); a single row is a batch of one.

    Always a copy: to numba a read-only array is another type, and would compile every kernel twice.
    Rows of another width, or a number that is not finite, are our own bug: an assertion.
    """
    rows = np.array(values, np.float64, order="C", ndmin=2)
    assert rows.shape[1:] == (width,), f"rows of {rows.shape[1:]}, not of {width}"
    assert np.isfinite(rows).all(), f"row {int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])} is not finite"
    return rows


def one_each(values: ArrayLike, count: int) -> NDArray[np.float64]:
    """One finite number for each of ``count`` rows, shape (count,); a single number is repeated."""
    column = np.array(np.broadcast_to(np.asarray(values, np.float64), (count,)), order="C")
    assert np.isfinite(column).all(), "a number is not finite"
    return column


def frozen(array: NDArray) -> NDArray:
    """The same array of any shape, read-only from now on for whoever holds it."""
    array.flags.writeable = False
    return array
