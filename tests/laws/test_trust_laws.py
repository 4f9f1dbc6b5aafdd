"""Laws of what comparisons of a partner's tracks with own ones are worth: for errors that last as long as their tracks."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.centre.picture._kernels_evidence import COUNTS, DISAGREEMENT, LINE_MEMORY, TESTS, TrustSettings
from detente.centre.picture._kernels_trust import compare

SETTINGS = TrustSettings()
GIVER = 1
distances2 = st.lists(st.one_of(st.floats(0.0, 60.0), st.floats(0.0, 1e300)), min_size=1, max_size=12)


class Compared:
    """Comparisons of up to three tracks of one giver."""

    def __init__(self):
        self.memory, self.evidence = np.zeros((3, LINE_MEMORY)), np.zeros((2, TESTS))
        self.counts = np.zeros((2, COUNTS), np.int64)

    def add(self, d2, track=0, numbers=6):
        compare(d2, numbers, GIVER, track, self.memory, self.evidence, self.counts, SETTINGS)
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
