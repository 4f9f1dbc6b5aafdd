"""Draws are Philox to the bit, and depend on their address alone."""

import numba
import numpy as np
import pytest

from detente.chance import _kernels
from detente.chance._kernels import to_unit
from detente.chance.draws import Stage, uniforms


@pytest.mark.parametrize(
    ("key", "counter"),
    [((0, 0), (0, 0, 0, 0)), ((7, 9), (2, 2, 3, 4)), ((2**64 - 1, 2**63), (5, 2**62, 1, 2**64 - 1))],
)
def test_words_are_those_of_numpys_philox(key: tuple[int, int], counter: tuple[int, ...]) -> None:
    # numpy counts its 256-bit counter up by one before the first block.
    whole = (sum(word << (64 * place) for place, word in enumerate(counter)) - 1) % 2**256
    before = [(whole >> (64 * place)) % 2**64 for place in range(4)]
    oracle = np.random.Philox(key=np.array(key, np.uint64), counter=np.array(before, np.uint64)).random_raw(4)
    arguments = [np.uint64(value) for value in (*key, *counter)]
    assert [int(word) for word in _kernels.philox(*arguments)] == [int(word) for word in oracle]


def test_uniforms_are_uniform() -> None:
    draws = uniforms(1, np.arange(100), Stage.AIM_POINT, np.arange(1000)).ravel()
    counts = np.histogram(draws, 100, (0, 1))[0]
    chi2 = ((counts - 1000.0) ** 2 / 1000.0).sum()
    assert 65 < chi2 < 140  # 99 degrees of freedom: 0.5 % to 99.6 %
    assert draws.min() > 0.0
    assert draws.max() < 1.0


def test_normals_are_normal() -> None:
    draws = np.array([_kernels.normals(3, r, 5, 0, 1, 2, 3, 4) for r in range(5000)])
    assert abs(draws.mean()) < 4 / np.sqrt(20_000)
    assert abs(draws.var() - 1.0) < 4 * np.sqrt(2 / 20_000)
    assert np.abs(np.corrcoef(draws.T) - np.eye(4)).max() < 0.06


def test_a_draw_does_not_depend_on_what_is_drawn_beside_it() -> None:
    alone = uniforms(1, np.array([3]), Stage.NOISE, np.array([7]), side=1, sensor=2, tick=5)
    beside = uniforms(1, np.arange(10), Stage.NOISE, np.arange(20), side=1, sensor=2, tick=5)
    assert alone[0, 0] == beside[3, 7]


@pytest.mark.parametrize("change", ["side", "sensor", "tick", "ordinal"])
def test_every_part_of_an_address_counts(change: str) -> None:
    here = {"side": 0, "sensor": 0, "tick": 0, "ordinal": 0}
    there = here | {change: 1}
    one, other = (uniforms(1, np.array([0]), Stage.SHOT, np.array([0]), **where)[0, 0] for where in (here, there))
    assert one != other


@numba.njit
def units(words: np.ndarray, out: np.ndarray) -> None:
    for place in range(words.size):
        out[place] = to_unit(words[place])


def test_the_uppermost_word_is_below_one_and_no_other_is_moved() -> None:
    """2^53 - 1/2 is no double: rounded it would be 2^53, and the draw 1."""
    words = np.random.default_rng(1).integers(0, 2**64, 200_000, dtype=np.uint64)
    words[:1000] = np.uint64(2**64 - 1) - np.arange(1000, dtype=np.uint64) * np.uint64(2**11)
    draws = np.empty(words.size)
    units(words, draws)
    assert draws[0] == 1.0 - 2.0**-53
    assert 0.0 < to_unit(np.uint64(0)) < draws.max() < 1.0
    assert np.array_equal(draws[1:], ((words[1:] >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53)
