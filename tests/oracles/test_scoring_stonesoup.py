"""Scoring against Stone Soup's own metrics on small cases."""

import datetime

import numpy as np
import pytest
from tests import made_paths as made

from detente.scoring.score import ScoringRules, score_states

straight, tracks_of, truth_of = made.straight, made.tracks_of, made.truth_of
EPOCH = datetime.datetime(2025, 1, 1)
CUTOFF = 5000.0


@pytest.fixture(scope="module")
def paths() -> tuple[dict, dict]:
    """Twelve objects, tracks that come late, double, break and are of nothing."""
    rng = np.random.default_rng(3)
    seconds = np.arange(15.0)
    truth = {k: (seconds, straight((0, 2e4 * k, 1e5), 1000, seconds)) for k in range(12)}
    tracks = {k: (t[2:], x[2:] + rng.normal(0, 200, (13, 6))) for k, (t, x) in truth.items() if k < 10}
    tracks[20] = (seconds[3:9], truth[0][1][3:9] + np.array([0, 900, 0, 0, 0, 0]))
    tracks[30] = (seconds, straight((0, -3e5, 1e5), 1000, seconds))
    return truth, tracks


def in_their_words(paths: dict, kind: str) -> set:
    from stonesoup.types.groundtruth import GroundTruthPath, GroundTruthState
    from stonesoup.types.state import GaussianState
    from stonesoup.types.track import Track

    found = set()
    for times, states in paths.values():
        stamps = [EPOCH + datetime.timedelta(seconds=float(t)) for t in times]
        if kind == "track":
            found.add(Track([GaussianState(x, np.eye(6), timestamp=t) for x, t in zip(states, stamps, strict=True)]))
        else:
            found.add(GroundTruthPath([GroundTruthState(x, timestamp=t) for x, t in zip(states, stamps, strict=True)]))
    return found


def theirs(generator: object, paths: tuple[dict, dict], associator: object = None) -> dict:
    from stonesoup.metricgenerator.manager import MultiManager

    manager = MultiManager([generator], associator)
    manager.add_data(
        {"groundtruth_paths": in_their_words(paths[0], "truth"), "tracks": in_their_words(paths[1], "track")}
    )
    return next(iter(manager.generate_metrics().values()))


@pytest.mark.parametrize("order", [1, 2])
def test_gospa_is_theirs(paths: tuple[dict, dict], order: int) -> None:
    from stonesoup.measures import Euclidean
    from stonesoup.metricgenerator.ospametric import GOSPAMetric

    found = theirs(GOSPAMetric(p=order, c=CUTOFF, measure=Euclidean([0, 1, 2])), paths)
    expected = [one.value["distance"] for one in found["GOSPA Metrics"].value]
    score = score_states(tracks_of(paths[1]), truth_of(paths[0]), ScoringRules(cutoff_m=CUTOFF, order=order))
    np.testing.assert_allclose(score.gospa_m, expected, rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2])
def test_ospa_is_theirs(paths: tuple[dict, dict], order: int) -> None:
    from stonesoup.measures import Euclidean
    from stonesoup.metricgenerator.ospametric import OSPAMetric

    found = theirs(OSPAMetric(p=order, c=CUTOFF, measure=Euclidean([0, 1, 2])), paths)
    expected = [one.value for one in found["OSPA distances"].value]
    score = score_states(tracks_of(paths[1]), truth_of(paths[0]), ScoringRules(cutoff_m=CUTOFF, order=order))
    np.testing.assert_allclose(score.ospa_m, expected, rtol=1e-12)


def test_siap_is_theirs(paths: tuple[dict, dict]) -> None:
    from stonesoup.dataassociator.tracktotrack import TrackToTruth
    from stonesoup.measures import Euclidean
    from stonesoup.metricgenerator.tracktotruthmetrics import SIAPMetrics

    measure = Euclidean([0, 1, 2])
    generator = SIAPMetrics(position_measure=measure, velocity_measure=Euclidean([3, 4, 5]))
    associator = TrackToTruth(
        association_threshold=CUTOFF, measure=measure, consec_misses_end=1, consec_pairs_confirm=1
    )
    found = theirs(generator, paths, associator)
    ours = score_states(tracks_of(paths[1]), truth_of(paths[0])).document["siap"]
    names = {"completeness": "Completeness", "ambiguity": "Ambiguity", "spuriousness": "Spuriousness"}
    for name, title in names.items():
        assert ours[name] == pytest.approx(found[f"SIAP {title}"].value, rel=1e-12), name
    assert ours["position_error_m"] == pytest.approx(found["SIAP Position Accuracy"].value, rel=1e-12)
