"""Joint probabilities against their definition, and against Stone Soup's JPDA on the same file."""

import datetime
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from tests import made_association as joint
from tests import made_stonesoup as theirs
from tests import made_tracking as made

from detente.centre.tracking import _kernels_joint as kernels
from detente.centre.tracking import _kernels_places as places
from detente.centre.tracking.follower import follow
from detente.centre.tracking.settings import TEXTBOOK, Association, log_odds

JPDA = replace(TEXTBOOK, association=Association.JPDA, ambiguity_margin=1e6)


@pytest.mark.parametrize("association", [Association.JPDA, Association.JPDA_STAR])
@pytest.mark.parametrize("seed", range(30))
def test_shares_are_those_of_all_joint_events(seed, association):
    chance = np.random.default_rng(seed)
    tracks, detections = chance.integers(1, 5, 2)
    pairs = [
        (t, d, float(chance.uniform(-4.0, 6.0))) for t in range(tracks) for d in range(detections)
        if chance.random() < 0.7
    ]  # fmt: skip
    share, missed, counts = joint.shared_out(tracks, detections, pairs, association=association)
    want, want_missed = joint.by_hand(tracks, pairs, association == Association.JPDA_STAR)
    for k, (t, d, _) in enumerate(pairs):
        alone = sum(t in pair[:1] or d == pair[1] for pair in pairs) == 1
        assert (missed[t] < 0.0) == alone
        if not alone:
            assert share[k] == pytest.approx(want[k], abs=1e-12)
            assert missed[t] == pytest.approx(want_missed[t], abs=1e-12)
    assert counts[places.CROWDED] == 0


def test_a_clear_cluster_is_left_to_the_assignment():
    pairs = [(0, 0, 20.0), (0, 1, 2.0), (1, 0, 2.0), (1, 1, 20.0)]
    _, missed, counts = joint.shared_out(2, 2, pairs, margin=4.6)
    assert list(missed) == [-1.0, -1.0]
    assert counts[places.SHARED] == counts[places.CROWDED] == 0
    _, missed, counts = joint.shared_out(2, 2, [*pairs[:1], (0, 1, 19.0), (1, 0, 19.0), pairs[3]], margin=4.6)
    assert counts[places.SHARED] == 1
    assert missed.max() < 1e-6


@pytest.mark.parametrize("size", [7, 9])
def test_a_cluster_with_too_many_events_is_counted_and_left(size):
    pairs = [(t, d, 1.0) for t in range(size) for d in range(size)]
    _, missed, counts = joint.shared_out(size, size, pairs)
    assert counts[places.CROWDED] == 1
    assert (missed == -1.0).all()


def test_a_mixture_becomes_its_own_mean_and_covariance():
    chance = np.random.default_rng(3)
    weights = np.array([0.2, 0.5, 0.3])
    means = chance.standard_normal((3, 7)) * 300.0 + 6e6
    roots = chance.standard_normal((3, 7, 7)) * 50.0
    covariances = roots @ roots.transpose(0, 2, 1)
    mean, spread, x, P = np.empty(7), np.empty((7, 7)), np.empty(7), np.empty((7, 7))
    kernels.begin_mixture(mean, spread)
    for weight, m, C in zip(weights, means, covariances, strict=True):
        kernels.add_component(weight, m, C, means[0], mean, spread)
    kernels.end_mixture(means[0], mean, spread, x, P)
    want = weights @ means
    off = means - want
    assert x == pytest.approx(want, rel=1e-12)
    want_P = np.einsum("k,kab->ab", weights, covariances) + np.einsum("k,ka,kb->ab", weights, off, off)
    assert np.abs(P - want_P).max() < 1e-9 * np.abs(want_P).max()


def test_odds_are_those_of_the_densities():
    """Likelihood times Pd over the density of false plots and 1 - Pd Pg, from scipy's densities."""
    S, off, gate = np.diag([2.0, 3.0, 5.0]), np.array([0.3, -1.0, 2.0]), 4.0
    odds = log_odds(np.array([0.9]), np.array([1e-3]), np.array([True]), gate)[0]
    got = odds - 0.5 * (off @ np.linalg.solve(S, off) + np.log(np.linalg.det(S)))
    inside = 0.99886601571021467734  # chi-square, 3 degrees, 16
    density = multivariate_normal(np.zeros(3), S).pdf(off)
    assert got == pytest.approx(np.log(0.9 * density / 1e-3 / (1.0 - 0.9 * inside)), rel=1e-9)


DENSITY = 1e-7


def their_models():
    """Stone Soup's radar, updater and joint associator for the textbook's model."""
    from stonesoup.dataassociator.probability import JPDA
    from stonesoup.hypothesiser.probability import PDAHypothesiser

    sees, predictor, updater = theirs.models()
    hypothesiser = PDAHypothesiser(
        predictor, updater, clutter_spatial_density=DENSITY, prob_detect=made.DETECTION,
        prob_gate=0.99886601571021467734,
    )  # fmt: skip
    return sees, updater, JPDA(hypothesiser)


def their_step(models, means, covariances, scan):
    """Stone Soup's states of two tracks a second on, given one scan: its JPDA's mixture made one Gaussian."""
    from stonesoup.types.array import StateVector
    from stonesoup.types.state import GaussianState
    from stonesoup.types.track import Track

    sees, updater, associator = models
    order, epoch = theirs.TO_THEIRS, datetime.datetime(2010, 12, 1)
    time = epoch + datetime.timedelta(seconds=1)
    tracks = [
        Track([GaussianState(StateVector(m[order]), C[np.ix_(order, order)], timestamp=epoch)])
        for m, C in zip(means, covariances, strict=True)
    ]
    found, out = associator.associate(tracks, theirs.detections(scan, time, sees), time), []
    for track in tracks:
        parts = [theirs.moments(updater.update(h) if h else h.prediction) for h in found[track]]
        weights = np.array([float(h.probability) for h in found[track]])
        mean, covariance = (np.array(each) for each in zip(*parts, strict=True))
        off = mean - weights @ mean
        out.append((weights @ mean, np.einsum("k,kab->ab", weights, covariance + off[:, :, None] * off[:, None, :])))
    return out


def test_shared_states_are_stone_soups():
    """Scan by scan of two crossing objects: from our states, their JPDA's step gives our next states."""
    _, scans = joint.crossing(4, speed_m_s=300.0, gap_m=250.0)
    sensors = replace(made.one_radar(), clutter_density=np.full(1, DENSITY))
    history, _ = follow(made.plots_of(scans), sensors, JPDA)
    models, compared, rows = their_models(), 0, {}
    for k in range(len(scans)):
        rows[k] = np.flatnonzero((history.time_s == k) & (history.confirmed == 1))
    for k in range(1, len(scans)):
        before, after = rows[k - 1], rows[k]
        if len(before) < 3 or list(history.track[before]) != list(history.track[after]):
            continue
        means, covariances = made.states_of(history, before)
        ours, our_covariances = made.states_of(history, after)
        near = np.argsort(ours[:, 1])[:2]  # the third is far north
        plots = scans[k][np.abs(scans[k][:, 1] - np.arctan2(ours[near[0], 1], ours[near[0], 0])) < 0.1]
        if len(plots) < 2 or np.linalg.norm(ours[near[0], :3] - ours[near[1], :3]) > 1_000.0:
            continue
        stepped = their_step(models, means[near], covariances[near], plots)
        for n, (mean, covariance) in zip(near, stepped, strict=True):
            sigma = np.sqrt(np.diag(covariance))
            assert np.abs((ours[n] - mean) / sigma).max() < 1e-6
            assert np.abs((our_covariances[n] - covariance) / np.outer(sigma, sigma)).max() < 1e-6
            compared += 1
    assert compared >= 6
