"""Laws of what comparisons of a partner's tracks with own ones are worth, which are no new witnesses each time."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.centre.picture._kernels_evidence import (
    COUNTS,
    DISAGREEMENT,
    LINE_MEMORY,
    TESTS,
    TRACK_MEMORY,
    TrustSettings,
)
from detente.centre.picture._kernels_layout import GIVER as GIVER_COLUMN
from detente.centre.picture._kernels_layout import HAS_STATE, STATUS
from detente.centre.picture._kernels_trust import compare

SETTINGS = TrustSettings()
GIVER = 1
distances2 = st.lists(st.one_of(st.floats(0.0, 60.0), st.floats(0.0, 1e300)), min_size=1, max_size=12)


class Compared:
    """Comparisons of up to three tracks of one giver, each with its own one, so far from one to the next."""

    def __init__(self, apart_m=1e6):
        self.held = np.zeros((HAS_STATE + 1, 3))
        self.held[STATUS], self.held[GIVER_COLUMN], self.held[HAS_STATE] = 2.0, GIVER, 1.0
        self.states = np.zeros((3, 6))
        self.states[:, 0] = apart_m * np.arange(3)
        self.memory, self.track_memory = np.zeros((3, LINE_MEMORY)), np.zeros((3, 2, TRACK_MEMORY))
        self.evidence, self.counts = np.zeros((2, TESTS)), np.zeros((2, COUNTS), np.int64)

    def add(self, d2, track=0, own=None, numbers=6):
        compare(
            d2, numbers, GIVER, track, track if own is None else own, self.held, self.states, np.full(3, 2, np.uint8),
            self.states, self.memory, self.track_memory, self.evidence, self.counts, SETTINGS,
        )  # fmt: skip
        return self.evidence[GIVER, DISAGREEMENT]


@settings(deadline=None)  # the first call compiles
@given(distances2, st.sampled_from([3, 6]), st.integers(1, 9))
def test_what_was_found_once_is_worth_nothing_when_it_is_found_again(found, numbers, again):
    compared = Compared()
    for d2 in found:
        after = compared.add(d2, numbers=numbers)
    assert after <= Compared().add(max(found), numbers=numbers) + 1e-9 <= SETTINGS.track_most + 1e-9
    for _ in range(again):
        more = compared.add(max(found), numbers=numbers)
        assert more <= after
        after = more


@settings(deadline=None)
@given(distances2, distances2, distances2)
def test_two_tracks_convict_nobody_whatever_they_say_and_three_may(first, second, third):
    compared = Compared()
    for track, found in enumerate((first, second)):
        for d2 in found:
            assert compared.add(d2, track) < SETTINGS.alarm_disagreement
    for d2 in third:
        sure = compared.add(d2, 2)
    assert sure <= 3 * SETTINGS.track_most
    beyond = Compared()
    assert [beyond.add(1e300, track) >= SETTINGS.alarm_disagreement for track in range(3)] == [False, False, True]


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 1e300), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=12))
def test_a_salvo_is_one_witness_and_so_is_a_track_that_is_numbered_anew(found):
    """Three tracks 10 km apart, compared with whichever; or one own track, with whichever of a partner's."""
    salvo, alone = Compared(10e3), Compared()
    for d2, track, own in found:
        assert salvo.add(d2, track, own) <= SETTINGS.track_most
        assert alone.add(d2, track, own=0) <= SETTINGS.track_most
