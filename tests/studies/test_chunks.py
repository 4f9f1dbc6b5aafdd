"""A study is flown in pieces that depend on nothing that may differ when it is resumed."""

import pytest

from detente.studies.drivers import CHUNK, SMALL_CHUNK, chunked


@pytest.mark.parametrize("replicates", [1, 24, 25, 26, 50, 99, 100, 101, 200, 1_003])
def test_pieces_cover_all_replicates_once_in_order(replicates: int) -> None:
    pieces = chunked(replicates)
    assert [number for first, last in pieces for number in range(first, last)] == list(range(replicates))


def test_more_replicates_begin_with_the_same_pieces() -> None:
    assert chunked(1_000)[:6] == [(0, 25), (25, 50), (50, 75), (75, 100), (100, 150), (150, 200)]
    assert chunked(200) == chunked(1_000)[:6]
    assert chunked(200)[0] == (0, SMALL_CHUNK)
    assert chunked(1_000)[-1] == (1_000 - CHUNK, 1_000)
