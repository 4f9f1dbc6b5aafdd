"""Impact ellipses mean what they say, on worlds of the bundled scenario: in the coast and already in boost.

The pooled centre of four replicates hears all sensors; its tracks' impacts are looked up every 10 s against the truth.
A track that took another object's detections, or lost its own, is no matter of the ellipse: what holds for all tracks
is asked with a wide margin, and what holds for tracks whose state is itself inside its 95 % region, narrowly.
"""

import numpy as np
import pytest

from detente.centre import step as centres
from detente.geodesy.distance import shortest_paths
from detente.records.slots import Phase, Status
from detente.scenario.asked import Scenario
from detente.studies.answers import AnswerBook, TrueStates
from detente.studies.theatre import prepare

pytestmark = pytest.mark.xdist_group("studies")
CHI2_6, CHI2_2, HALF_2 = 12.59, 5.991, 1.386  # 95 % of six and of two numbers, and half of two


def squared_distances(estimates, rows, slots, aims):
    """Of true impacts from stated ones over the stated covariance, along the great circle."""
    here = np.stack([estimates.impact_lat_rad[rows, slots], estimates.impact_lon_rad[rows, slots]], axis=1)
    path = shortest_paths(here, aims)
    off = path.distance_m[:, None] * np.stack([np.sin(path.azimuth_start_rad), np.cos(path.azimuth_start_rad)], axis=1)
    ee, en, nn = estimates.impact_covariance_m2[rows, slots].T
    covariance = np.stack([ee, en, en, nn], axis=1).reshape(-1, 2, 2)
    return np.einsum("ni,nij,nj->n", off, np.linalg.inv(covariance), off)


@pytest.fixture(scope="module")
def looks(lisbon: Scenario):
    """Rows of (squared distance, seconds late over sigma, state's NEES, age, still burns, believed to burn)."""
    theatre = prepare(lisbon, 1, np.arange(4), pooled=True)
    centre, feed, place = theatre.centres[-1], theatre.feeds[-1], len(theatre.centres) - 1
    book, truth = AnswerBook(len(theatre.centres), theatre.rows), TrueStates(theatre.world)
    own, rows = centres.begin_own(centre, theatre.rows), []
    objects = theatre.world.objects
    for index in range(theatre.ticks):
        now_s = (index + 1) * lisbon.file.tick_s
        detections, offsets = feed.tick(index)
        own, _ = centres.observe(centre, own, detections, offsets, now_s)
        book.learn(place, own.tracks, feed.answers(index))
        if now_s % 10.0:
            continue
        truth.at(now_s)
        tracks, said = own.tracks, own.estimates
        r, s = np.nonzero((tracks.status == Status.CONFIRMED) & (said.impact_valid == 1))
        thing = book.object_of[place][r, tracks.number[r, s]]
        r, s, thing = r[thing >= 0], s[thing >= 0], thing[thing >= 0]
        which = r * theatre.objects + thing
        off = truth.state[r, thing] - tracks.mean[r, s]
        rows.append(
            np.stack([
                squared_distances(
                    said, r, s, np.stack([objects.impact_lat_rad[which], objects.impact_lon_rad[which]], axis=1)
                ),
                (objects.impact_s[which] - said.impact_s[r, s]) / said.impact_sigma_s[r, s],
                np.einsum("ni,nij,nj->n", off, np.linalg.inv(tracks.covariance[r, s]), off),
                now_s - tracks.born_s[r, s],
                now_s < objects.burnout_s[which],
                tracks.phase[r, s] == Phase.BOOST,
            ], axis=1)
        )  # fmt: skip
    return np.concatenate(rows).T


def test_after_burnout_the_ellipse_holds_the_truth_as_often_as_it_says(looks):
    distance2, late, nees, age_s, burns, believed = looks
    old = (age_s >= 30.0) & (burns == 0.0) & (believed == 0.0)
    sound = old & (nees < CHI2_6)
    assert old.sum() > 5_000
    assert np.mean(distance2[old] < CHI2_2) >= 0.90
    assert 0.93 <= np.mean(distance2[sound] < CHI2_2) <= 0.98
    assert 0.93 <= np.mean(np.abs(late[sound]) < 1.96) <= 0.98


def test_in_boost_the_ellipse_owns_up_to_all_that_may_yet_come(looks):
    distance2, late, _, _, burns, believed = looks
    burning = (burns == 1.0) & (believed == 1.0)
    assert burning.sum() > 500
    assert np.mean(distance2[burning] < CHI2_2) >= 0.93
    assert np.mean(distance2[burning] < HALF_2) >= 0.50
    assert np.mean(np.abs(late[burning]) < 1.96) >= 0.93
