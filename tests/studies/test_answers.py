"""The answer key: whose a track is, when not every one of its plots was."""

import numpy as np

from detente.studies import _kernels_scoring as kernels


def told(answers_by_step):
    """Object of one track after it used, step by step, a detection of these objects (-1: a false plot)."""
    object_of, lead = np.full((1, 4), -1, np.int64), np.zeros((1, 4), np.int64)
    for answer in answers_by_step:
        kernels.learn(np.array([[2]]), np.array([[0]]), np.array([answer]), object_of, lead)
    assert list(object_of[0, [0, 1, 3]]) == [-1, -1, -1]
    return int(object_of[0, 2])


def test_one_plot_of_a_neighbour_does_not_make_a_track_the_neighbours():
    assert told([7, 7, 7, 3]) == 7
    assert told([7, 7, 3, 7, 3, 7]) == 7


def test_a_track_that_changes_hands_follows():
    assert told([7, 7, 3, 3, 3]) == 3


def test_false_plots_have_no_say():
    assert told([-1, 5, -1, -1, -1]) == 5
    assert told([-1, -1]) == -1
