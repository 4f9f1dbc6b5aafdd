"""What holds of joint association whatever the numbers and whatever order they stand in."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from tests import made_association as joint
from tests import made_tracking as made

from detente.centre.tracking.follower import Plots, follow
from detente.centre.tracking.settings import TEXTBOOK, Association
from detente.records.results import FollowedTracks

NAMES = [name for name, _ in FollowedTracks.columns()]
odds = some.floats(-8.0, 8.0)


@some.composite
def clusters(draw):
    """Up to five tracks and five detections, and which of them could belong together."""
    tracks, detections = draw(some.integers(1, 5)), draw(some.integers(1, 5))
    pairs = [
        (t, d, draw(odds)) for t in range(tracks) for d in range(detections) if draw(some.integers(0, 2)) > 0
    ]  # fmt: skip
    return tracks, detections, pairs


@settings(deadline=None, max_examples=80)
@given(cluster=clusters())
def test_shares_are_probabilities(cluster):
    tracks, detections, pairs = cluster
    share, missed, _ = joint.shared_out(tracks, detections, pairs)
    by_track, by_detection = np.zeros(tracks), np.zeros(detections)
    for (t, d, _), part in zip(sorted(pairs), share, strict=True):
        if missed[t] >= 0.0:
            assert 0.0 <= part <= 1.0 + 1e-12
            by_track[t] += part
            by_detection[d] += part
    assert by_track[missed >= 0.0] + missed[missed >= 0.0] == pytest.approx(1.0, abs=1e-12)
    assert by_detection.max(initial=0.0) <= 1.0 + 1e-12


@settings(deadline=None, max_examples=80)
@given(cluster=clusters(), seed=some.integers(0, 10**6))
def test_renaming_tracks_and_detections_changes_no_share(cluster, seed):
    tracks, detections, pairs = cluster
    chance = np.random.default_rng(seed)
    new_track, new_detection = chance.permutation(tracks), chance.permutation(detections)
    share, missed, _ = joint.shared_out(tracks, detections, pairs)
    renamed = [(int(new_track[t]), int(new_detection[d]), odd) for t, d, odd in pairs]
    other, other_missed, _ = joint.shared_out(tracks, detections, renamed)
    places = {pair[:2]: k for k, pair in enumerate(sorted(renamed))}
    assert other_missed[new_track] == pytest.approx(missed, abs=1e-12)
    for k, (t, d, _) in enumerate(sorted(pairs)):
        if missed[t] >= 0.0:
            assert other[places[int(new_track[t]), int(new_detection[d])]] == pytest.approx(share[k], abs=1e-12)


@settings(deadline=None, max_examples=15)
@given(seed=some.integers(0, 10**6), association=some.sampled_from(list(Association)))
def test_the_order_of_detections_inside_a_scan_means_nothing(seed, association):
    chance = np.random.default_rng(seed)
    _, scans = made.fly(4, seed, scans=15)
    for k, scan in enumerate(scans):
        # Beside each plot, here and there, a false one, so that clusters are not clear.
        beside = scan[chance.random(len(scan)) < 0.3] + chance.standard_normal(3) * made.SIGMAS
        scans[k] = np.concatenate([scan, beside])
    plots = made.plots_of(scans)
    turn = np.lexsort((chance.random(len(plots.time_s)), plots.time_s))
    columns = {item.name: getattr(plots, item.name) for item in fields(Plots)}
    turned = Plots(**{name: value if value is None else value[turn] for name, value in columns.items()})
    chosen = replace(TEXTBOOK, association=association)
    want, _ = follow(plots, made.one_radar(), chosen)
    got, _ = follow(turned, made.one_radar(), chosen)
    assert len(want) > 0
    assert all(np.array_equal(getattr(got, name), getattr(want, name)) for name in NAMES)
