"""A scan is a set: in which order its detections are listed tells a tracker nothing."""

from dataclasses import fields, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as some
from tests import made_tracking as made

from detente.centre.tracking.follower import Plots, follow
from detente.centre.tracking.settings import Association, Filter, Settings
from detente.records.results import FollowedTracks

NAMES = [name for name, _ in FollowedTracks.columns()]


@given(
    seed=some.integers(0, 10**6), order=some.integers(0, 10**6), association=some.sampled_from(list(Association)),
    filter_=some.sampled_from(list(Filter)),
)  # fmt: skip
@settings(deadline=None, max_examples=25)
def test_permuting_detections_inside_a_scan_changes_nothing(seed, order, association, filter_):
    """Close objects and many false plots, so that assignment has something to decide; to the bit, in every column."""
    states, light = made.orbiting(6, seed)
    states[1:3] = states[0] + np.random.default_rng(seed).normal(size=(2, 6)) * [[300.0] * 3 + [3.0] * 3]
    _, scans = made.looked_at(states, light, 12, seed + 1, false=12)
    plots, rules = made.plots_of(scans), replace(Settings(), association=association, filter=filter_)
    chance = np.random.default_rng(order)
    turn = np.lexsort((chance.random(len(plots.time_s)), plots.time_s))
    given_columns = {item.name: getattr(plots, item.name) for item in fields(Plots)}
    turned = Plots(**{name: value[turn] for name, value in given_columns.items() if value is not None})
    want, _ = follow(plots, made.radar_on_earth(), rules)
    got, _ = follow(turned, made.radar_on_earth(), rules)
    assert len(want.time_s) > 30
    assert not np.array_equal(turn, np.arange(len(turn)))
    assert all(np.array_equal(getattr(got, name), getattr(want, name)) for name in NAMES)
