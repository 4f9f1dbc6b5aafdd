"""Impact ellipses mean what they say, on worlds of the bundled scenario: in the coast and already in boost. So do the
circles of launch points.

Each side's centre, which hears its own sensors, and the pooled one, which hears all: their tracks' impacts in four
replicates are looked up every 10 s against the truth. A track that took another object's detections, or lost its own,
is no matter of the ellipse: what holds for all tracks is asked with a wide margin, and what holds for tracks whose
state is itself inside its 95 % region, narrowly. The room's README gives the shares of forty replicates.
"""

import numpy as np
import pytest

from detente.centre import step as centres
from detente.geodesy.distance import shortest_paths
from detente.records.slots import Phase, Status
from detente.scenario.asked import Scenario
from detente.studies.answers import AnswerBook, TrueStates
from detente.studies.chunk import chunk_of

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
    """Of NATO, Russia and both pooled, rows of (squared distance, seconds late over sigma, state's NEES, age, still
    burns, believed to burn, squared distance of the launch over its sigma or NaN where none is stated, foretold from
    a state that nothing has seen since a satellite saw it burn).
    """
    chunk = chunk_of(lisbon, 1, np.arange(4), pooled=True)
    book, truth = AnswerBook(len(chunk.centres), chunk.rows), TrueStates(chunk.world)
    own = [centres.begin_own(centre, chunk.rows) for centre in chunk.centres]
    rows = [[] for _ in own]
    for index in range(chunk.ticks):
        now_s = (index + 1) * lisbon.file.tick_s
        truth.at(now_s)
        for place, (centre, feed) in enumerate(zip(chunk.centres, chunk.feeds, strict=True)):
            detections, offsets = feed.tick(index)
            own[place], _ = centres.observe(centre, own[place], detections, offsets, now_s)
            book.learn(place, own[place].tracks, feed.answers(index))
            if now_s % 10.0 == 0.0:
                rows[place].append(looked_at(own[place], book.object_of[place], chunk, truth, now_s))
    return [np.concatenate(some).T for some in rows]


def looked_at(own, object_of, chunk, truth, now_s):
    """A row of ``looks`` for each confirmed track of a known object that states an impact."""
    tracks, said, objects = own.tracks, own.estimates, chunk.world.objects
    r, s = np.nonzero((tracks.status == Status.CONFIRMED) & (said.impact_valid == 1))
    thing = object_of[r, tracks.number[r, s]]
    r, s, thing = r[thing >= 0], s[thing >= 0], thing[thing >= 0]
    which = r * chunk.objects + thing
    off = truth.state[r, thing] - tracks.mean[r, s]
    aims = np.stack([objects.impact_lat_rad[which], objects.impact_lon_rad[which]], axis=1)
    starts = np.stack([objects.launch_lat_rad[which], objects.launch_lon_rad[which]], axis=1)
    stated = np.stack([said.launch_lat_rad[r, s], said.launch_lon_rad[r, s]], axis=1)
    missed_m = shortest_paths(stated, starts).distance_m
    return np.stack([
        squared_distances(said, r, s, aims),
        (objects.impact_s[which] - said.impact_s[r, s]) / said.impact_sigma_s[r, s],
        np.einsum("ni,nij,nj->n", off, np.linalg.inv(tracks.covariance[r, s]), off),
        now_s - tracks.born_s[r, s],
        now_s < objects.burnout_s[which],
        tracks.phase[r, s] == Phase.BOOST,
        np.where(said.launch_valid[r, s] == 1, missed_m / np.maximum(said.launch_sigma_m[r, s], 1.0), np.nan) ** 2,
        (said.foretold[r, s] > 0) & (tracks.burning_by[r, s] >= 0) & (tracks.burning_s[r, s] >= tracks.updated_s[r, s]),
    ], axis=1)  # fmt: skip


NATO, RUSSIA, POOLED = 0, 1, 2


# NATO's tracks are mostly those of satellites alone: where its state is right the end of thrust is wider than need be,
# and only what is said of all its tracks is bounded from above.
@pytest.mark.parametrize(("who", "least", "most"), [(NATO, 0.93, 1.0), (RUSSIA, 0.93, 0.98), (POOLED, 0.92, 0.98)])
def test_after_burnout_the_ellipse_holds_the_truth_as_often_as_it_says(looks, who, least, most):
    distance2, late, nees, age_s, burns, believed, _, _ = looks[who]
    old = (age_s >= 30.0) & (burns == 0.0) & (believed == 0.0)
    sound = old & (nees < CHI2_6)
    assert old.sum() > 1_100
    assert least <= np.mean(distance2[old] < CHI2_2) <= 0.98
    assert 0.93 <= np.mean(distance2[sound] < CHI2_2) <= most
    assert 0.93 <= np.mean(np.abs(late[sound]) < 1.96) <= most


def test_what_satellites_alone_foretell_falls_neither_short_nor_long(looks):
    """A thrust believed too small at the end of a burn makes every impact late, and beyond its ellipse."""
    _, late, nees, age_s, burns, believed, _, unseen = looks[NATO]
    these = (unseen == 1.0) & (nees < CHI2_6) & (age_s >= 30.0) & (burns == 0.0) & (believed == 0.0)
    assert these.sum() > 300
    assert abs(np.mean(late[these])) < 0.2


@pytest.mark.parametrize("who", [NATO, RUSSIA, POOLED])
def test_in_boost_the_ellipse_owns_up_to_all_that_may_yet_come(looks, who):
    """Whatever its tracker believes of a missile that burns; the median only where it knows that it does."""
    distance2, late, _, _, burns, believed, _, _ = looks[who]
    burning, known = burns == 1.0, (burns == 1.0) & (believed == 1.0)
    assert burning.sum() > 300
    assert np.mean(distance2[burning] < CHI2_2) >= 0.93
    assert np.mean(distance2[known] < HALF_2) >= 0.50
    assert np.mean(np.abs(late[burning]) < 1.96) >= 0.93


# NATO's fall short, at 92 %: a track that satellites alone begin in a salvo may take another's plots, and its circle,
# drawn under the cloud tops, knows nothing of that. Russia's are wider than need be.
@pytest.mark.parametrize(("who", "least", "most"), [(NATO, 0.89, 0.98), (RUSSIA, 0.93, 1.0), (POOLED, 0.90, 0.98)])
def test_the_circle_of_a_launch_point_holds_it_about_as_often_as_it_says(looks, who, least, most):
    """Over all looks at which a launch is stated: 95 % of two numbers of one sigma each."""
    launch2 = looks[who][6]
    stated = np.isfinite(launch2)
    assert stated.sum() > 1_200
    assert least <= np.mean(launch2[stated] < CHI2_2) <= most
