"""What a score says of tracks whose faults are known."""

import numpy as np
import pytest
from tests import made_paths as made

from detente.records.errors import InputError
from detente.records.paths import TrackPaths
from detente.scoring.bounds import Bounds
from detente.scoring.score import ScoringRules, score_states

straight, tracks_of, truth_of = made.straight, made.tracks_of, made.truth_of
START, FAR = (0.0, 0.0, 1e5), (0.0, 5e4, 1e5)


@pytest.fixture
def seconds() -> np.ndarray:
    return np.arange(10.0)


def shifted(states: np.ndarray, *by: float) -> np.ndarray:
    return states + np.array(by, float)


def test_perfect_tracks_score_perfectly(seconds: np.ndarray) -> None:
    paths = {1: (seconds, straight(START, 1000, seconds)), 2: (seconds, straight(FAR, 2000, seconds))}
    found = score_states(tracks_of(paths, np.eye(6)), truth_of(paths)).document
    assert found["gospa"] == {"mean_m": 0.0, "localisation_m": 0.0, "missed": 0.0, "false": 0.0}
    assert found["siap"] == {
        "completeness": 1.0, "ambiguity": 1.0, "spuriousness": 0.0, "position_error_m": 0.0, "identity_changes": 0,
        "identity_changes_per_tracked_hour": 0.0, "longest_segment_fraction": 1.0,
    }  # fmt: skip
    assert found["errors"]["position_rmse_m"] == found["errors"]["velocity_rmse_m_s"] == 0.0
    assert found["errors"]["nees"]["mean"] == 0.0


def test_a_missed_object_and_a_false_track_are_counted(seconds: np.ndarray) -> None:
    flown = straight(START, 1000, seconds)
    truth = truth_of({1: (seconds, flown), 2: (seconds, straight(FAR, 1000, seconds))})
    off = shifted(flown, 0, 30, 40, 0, 0, 3)
    tracks = tracks_of({7: (seconds, off), 9: (seconds, straight((0, 9e4, 1e5), 1000, seconds))})
    score = score_states(tracks, truth, ScoringRules(cutoff_m=5000.0))
    document = score.document
    assert document["gospa"]["missed"] == document["gospa"]["false"] == 1.0
    assert document["gospa"]["mean_m"] == pytest.approx(np.sqrt(50.0**2 + 5000.0**2))
    assert document["ospa"]["mean_m"] == pytest.approx(np.sqrt((50.0**2 + 5000.0**2) / 2))
    assert document["siap"]["completeness"] == document["siap"]["spuriousness"] == 0.5
    assert document["errors"]["position_rmse_m"] == pytest.approx(50.0)
    assert document["errors"]["velocity_rmse_m_s"] == pytest.approx(3.0)
    assert document["errors"]["nees"] is None


def test_two_pairs_and_a_stray_by_hand() -> None:
    """Errors 300 and 400 m and a track too many, at one moment, cut off at 1 km, for p = 1 and 2."""
    now = np.zeros(1)
    one, two = straight(START, 1000, now), straight(FAR, 1000, now)
    truth = truth_of({1: (now, one), 2: (now, two)})
    tracks = tracks_of({
        1: (now, shifted(one, 300, 0, 0, 0, 0, 0)), 2: (now, shifted(two, 0, 0, 400, 0, 3, 4)),
        3: (now, shifted(two, 0, 0, 9e4, 0, 0, 0)),
    })  # fmt: skip
    plain = score_states(tracks, truth, ScoringRules(cutoff_m=1000.0, order=1.0)).document
    assert plain["gospa"] == {"mean_m": 1200.0, "localisation_m": 700.0, "missed": 0.0, "false": 1.0}
    assert plain["ospa"]["mean_m"] == pytest.approx(1700.0 / 3)
    squared = score_states(tracks, truth, ScoringRules(cutoff_m=1000.0)).document
    assert squared["gospa"]["localisation_m"] == pytest.approx(500.0)
    assert squared["gospa"]["mean_m"] == pytest.approx(np.sqrt(0.75e6))
    assert squared["ospa"]["mean_m"] == pytest.approx(np.sqrt(1.25e6 / 3))
    assert squared["errors"]["velocity_rmse_m_s"] == pytest.approx(5.0 / np.sqrt(2.0))
    assert squared["siap"]["identity_changes_per_tracked_hour"] is None, "one moment lasts no time"


def test_an_even_grid_covers_the_life_of_the_truth() -> None:
    """Every 2.5 s from the truth's first moment, 3 s, to the last step within it; silence of tracks within counts."""
    lived, spoken = np.arange(3.0, 15.0), np.arange(5.0, 10.0)
    tracks = tracks_of({1: (spoken, straight(START, 1000, spoken))})
    score = score_states(tracks, truth_of({1: (lived, straight(START, 1000, lived))}), ScoringRules(every_s=2.5))
    assert score.moments_s.tolist() == [3.0, 5.5, 8.0, 10.5, 13.0]
    assert score.missed.tolist() == [1, 0, 0, 1, 1]
    assert score.interpolated == 1


def test_the_longest_segment_is_of_one_track_without_a_gap(seconds: np.ndarray) -> None:
    """Followed for 3 s by track 1, at once for 4 s by track 2, and after a silence for 2 s by it again."""
    flown = straight(START, 1000, seconds)
    tracks = tracks_of({1: (seconds[:3], flown[:3]), 2: (seconds[np.r_[3:7, 8:10]], flown[np.r_[3:7, 8:10]])})
    truth = truth_of({1: (seconds, flown)})
    siap = score_states(tracks, truth, ScoringRules(hold_s=1.0)).document["siap"]
    assert (siap["identity_changes"], siap["longest_segment_fraction"], siap["completeness"]) == (1, 0.4, 0.9)


def test_a_second_track_on_an_object_is_ambiguous_not_spurious(seconds: np.ndarray) -> None:
    flown = straight(START, 1000, seconds)
    tracks = tracks_of({1: (seconds, flown), 2: (seconds, shifted(flown, 0, 100, 0, 0, 0, 0))})
    document = score_states(tracks, truth_of({1: (seconds, flown)})).document
    assert document["siap"]["ambiguity"] == 2.0
    assert document["siap"]["spuriousness"] == 0.0
    assert document["siap"]["position_error_m"] == pytest.approx(50.0)
    assert document["gospa"]["false"] == 1.0


def test_a_broken_track_changes_identity_and_is_not_unbroken(seconds: np.ndarray) -> None:
    flown = straight(START, 1000, seconds)
    tracks = tracks_of({1: (seconds[:4], flown[:4]), 2: (seconds[5:], flown[5:])})
    score = score_states(tracks, truth_of({1: (seconds, flown)}))
    siap = score.document["siap"]
    assert siap["completeness"] == 0.9
    assert siap["identity_changes"] == 1
    assert siap["identity_changes_per_tracked_hour"] == pytest.approx(3600 / 9)
    assert siap["longest_segment_fraction"] == 0.5
    assert score.samples.unbroken.tolist() == [True] * 4 + [False] * 5


def test_two_objects_that_pass_keep_their_tracks() -> None:
    """Nearest pairs would swap for the moments in which each track is nearer to the other object."""
    seconds = np.arange(21.0)
    one, two = straight((-10_000, 0, 1e5), 1000, seconds), straight((10_000, 0, 1e5), -1000, seconds)
    truth = truth_of({1: (seconds, one), 2: (seconds, two)})
    tracks = tracks_of(
        {1: (seconds, shifted(one, -600, 0, 0, 0, 0, 0)), 2: (seconds, shifted(two, 600, 0, 0, 0, 0, 0))}
    )
    assert score_states(tracks, truth).document["siap"]["identity_changes"] == 0


def test_silence_counts_as_missed() -> None:
    seconds = np.arange(100.0)
    flown = straight(START, 1000, seconds)
    spoken = np.r_[10:20, 60:70]
    score = score_states(tracks_of({1: (seconds[spoken], flown[spoken])}), truth_of({1: (seconds, flown)}))
    assert score.moments_s.tolist() == seconds.tolist()
    assert score.document["siap"]["completeness"] == pytest.approx(0.2)
    no_tracks = score_states(TrackPaths.empty(), truth_of({1: (seconds, flown)})).document
    assert no_tracks["siap"]["completeness"] == 0.0
    assert no_tracks["siap"]["ambiguity"] is None
    assert no_tracks["errors"]["position_rmse_m"] is None


def test_truth_between_its_rows_is_a_cubic_exact_for_falling() -> None:
    sparse, dense = np.array([0.0, 7.0, 20.0]), np.arange(21.0)

    def falling(t: np.ndarray) -> np.ndarray:
        states = straight(START, 1000, t)
        states[:, 2] -= 4.9 * t**2
        states[:, 5] = -9.8 * t
        return states

    score = score_states(tracks_of({1: (dense, falling(dense))}), truth_of({1: (sparse, falling(sparse))}))
    assert score.document["errors"]["position_rmse_m"] < 1e-8
    assert score.document["errors"]["velocity_rmse_m_s"] < 1e-9
    assert score.interpolated == 0


def test_tracks_told_at_their_own_moments_are_interpolated_and_it_is_said() -> None:
    dense = np.arange(0.0, 40.0, 0.5)
    truth = truth_of({1: (dense, straight(START, 1000, dense)), 2: (dense, straight(FAR, 1000, dense))})
    even, odd = dense[::2], dense[1::2]
    tracks = tracks_of({1: (even, straight(START, 1000, even)), 2: (odd, straight(FAR, 1000, odd))}, np.eye(6))
    document = score_states(tracks, truth).document
    assert document["moments"] == 80
    assert document["interpolated_track_states"] == 39 + 39
    assert document["siap"]["completeness"] == pytest.approx(158 / 160)
    assert document["errors"]["nees"]["samples"] == 80, "a covariance is judged at its own moment only"


def test_nees_of_honest_errors_lies_in_its_band_and_of_proud_ones_does_not() -> None:
    rng = np.random.default_rng(8)
    seconds = np.arange(40.0)
    covariance = np.diag([1e4, 4e4, 1e4, 9.0, 1.0, 4.0])
    truth = {k: (seconds, straight((0, 5e4 * k, 1e5), 1000, seconds)) for k in range(30)}
    said = {k: (t, x + rng.multivariate_normal(np.zeros(6), covariance, len(t))) for k, (t, x) in truth.items()}
    honest = score_states(tracks_of(said, covariance), truth_of(truth)).document["errors"]["nees"]
    proud = score_states(tracks_of(said, covariance / 2), truth_of(truth)).document["errors"]["nees"]
    assert 5.8 < honest["mean"] < 6.2
    assert 0.93 < honest["inside_band_fraction"] < 0.97
    assert honest["moments_inside_band_fraction"] >= 0.87
    assert proud["mean"] == pytest.approx(2 * honest["mean"])
    assert proud["moments_inside_band_fraction"] < 0.1
    broken = score_states(tracks_of(said, -covariance), truth_of(truth)).document["errors"]["nees"]
    assert broken == {"samples": 0, "not_positive_definite": 1200}


def test_errors_over_the_bound_are_told_for_all_and_for_unbroken_tracks(seconds: np.ndarray) -> None:
    flown = straight(START, 1000, seconds)
    off = flown.copy()
    off[:5, 1] += 100.0
    off[5:, 1] += 300.0
    tracks = tracks_of({1: (seconds[:5], off[:5]), 2: (seconds[5:], off[5:])})
    bounds = Bounds(
        object=np.ones(10, int), time_s=seconds, position_m2=np.full(10, 100.0**2), velocity_m2_s2=np.ones(10)
    )
    found = score_states(tracks, truth_of({1: (seconds, flown)}), bounds=bounds).document["bound"]
    assert found["position_ratio"] == pytest.approx(np.sqrt(5.0))
    assert found["unbroken"]["position_ratio"] == pytest.approx(1.0)
    assert found["unbroken"]["share"] == 0.5
    assert found["position_bound_m"] == pytest.approx(100.0)


def test_settling_leaves_out_errors_but_no_set_metric(seconds: np.ndarray) -> None:
    flown = straight(START, 1000, seconds)
    truth = truth_of({1: (seconds, flown)})
    tracks = tracks_of({1: (seconds[4:], shifted(flown[4:], 0, 0, 8, 0, 0, 0))})
    document = score_states(tracks, truth, ScoringRules(settle_s=6.0)).document
    assert document["errors"]["samples"] == 4
    assert document["gospa"]["missed"] == pytest.approx(0.4)


@pytest.mark.parametrize(
    "rules",
    [
        ScoringRules(cutoff_m=0.0), ScoringRules(order=0.5), ScoringRules(every_s=-1.0), ScoringRules(settle_s=-1.0),
        ScoringRules(cutoff_m=np.nan), ScoringRules(cutoff_m=1e300), ScoringRules(order=1000.0),
        ScoringRules(every_s=1e-9),
    ],
)  # fmt: skip
def test_senseless_rules_are_named(rules: ScoringRules, seconds: np.ndarray) -> None:
    paths = {1: (seconds, straight(START, 1000, seconds))}
    with pytest.raises(InputError, match="correct"):
        score_states(tracks_of(paths), truth_of(paths), rules)


@pytest.mark.parametrize("every_s", [None, 1.0])
@pytest.mark.parametrize("later_s", [1000.0, -1000.0])
def test_tracks_and_truth_that_share_no_moment_are_refused(
    later_s: float, every_s: float | None, seconds: np.ndarray
) -> None:
    flown = straight(START, 1000, seconds)
    tracks, truth = tracks_of({1: (seconds + later_s, flown)}), truth_of({1: (seconds, flown)})
    with pytest.raises(InputError, match="a truth from 0 to 9 s") as caught:
        score_states(tracks, truth, ScoringRules(every_s=every_s))
    assert f"tracks from {later_s:g} to {later_s + 9:g} s" in caught.value.found


def test_one_row_at_another_epoch_does_not_fill_the_memory_with_moments(seconds: np.ndarray) -> None:
    flown = straight(START, 1000, seconds)
    truth = truth_of({1: (seconds, flown), 2: (seconds[:1] + 1.2e9, flown[:1])})
    with pytest.raises(InputError, match="1,200,000,001 moments"):
        score_states(tracks_of({1: (seconds, flown)}), truth)
