"""A tracker on whole files: what it promises of any file, and what it does with gaps, neighbours and floods."""

from dataclasses import fields, replace

import numpy as np
import pytest
from tests import made_tracking as made

from detente.centre.tracking import follower
from detente.centre.tracking.follower import Follower, Plots, Sensors, follow
from detente.centre.tracking.settings import TEXTBOOK, Settings
from detente.centre.tracking.tracker import EARTH_AXES
from detente.records.results import FollowedTracks
from detente.records.slots import DetectionKind

NAMES = [name for name, _ in FollowedTracks.columns()]


def same(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in NAMES)


def columns_of(plots):
    given = {item.name: getattr(plots, item.name) for item in fields(Plots)}
    return {name: value for name, value in given.items() if value is not None}


def taken(plots, rows):
    return Plots(**{name: value[rows] for name, value in columns_of(plots).items()})


def joined(*parts):
    columns = [columns_of(part) for part in parts]
    return Plots(**{name: np.concatenate([part[name] for part in columns]) for name in columns[0]})


@pytest.fixture(scope="module")
def raid():
    truth, scans = made.looked_at(*made.orbiting(40, 1), 60, 2)
    return truth, made.plots_of(scans)


def test_the_order_of_detections_means_nothing(raid):
    _, plots = raid
    want, _ = follow(plots, made.radar_on_earth(), Settings())
    for seed in (1, 2):
        turn = np.random.default_rng(seed).permutation(len(plots.time_s))
        got, _ = follow(taken(plots, turn), made.radar_on_earth(), Settings())
        assert same(got, want)


def test_small_chunks_make_no_difference(raid, monkeypatch):
    _, plots = raid
    want, _ = follow(plots, made.radar_on_earth(), Settings())
    monkeypatch.setattr(follower, "CHUNK_ROWS", 200)
    got, _ = follow(plots, made.radar_on_earth(), Settings(), most_tracks=150)
    assert same(got, want)


def test_every_object_has_one_track_near_it(raid):
    truth, plots = raid
    history, _ = follow(plots, made.radar_on_earth(), Settings())
    last = (history.time_s == 59.0) & (history.confirmed == 1)
    mean, covariance = made.states_of(history, last)
    apart = np.linalg.norm(truth[-1][:, None, :3] - mean[None, :, :3], axis=2)
    assert len(mean) == 40
    assert len(set(apart.argmin(axis=1))) == 40
    assert np.sqrt((apart.min(axis=1) ** 2).mean()) < 400.0
    error = mean - truth[-1][apart.argmin(axis=0)]
    assert 4.5 < (error * np.linalg.solve(covariance, error[:, :, None])[:, :, 0]).sum(axis=1).mean() < 7.5


def test_a_confirmed_track_outlives_eight_misses(raid):
    _, plots = raid
    gap = (plots.time_s < 30.0) | (plots.time_s >= 38.0)
    blank = replace(taken(plots, [0] * 8), time_s=np.arange(30.0, 38.0), kind=np.zeros(8, np.uint8))
    history, _ = follow(joined(taken(plots, gap), blank), made.radar_on_earth(), Settings())
    before = set(history.track[(history.time_s == 29.0) & (history.confirmed == 1)])
    after = set(history.track[(history.time_s == 45.0) & (history.confirmed == 1)])
    assert len(before) == 40
    assert before <= after


def test_the_textbooks_track_does_not_outlive_four():
    _, scans = made.fly(6, 3, scans=30)
    plots = made.plots_of(scans)
    keep = plots.time_s < 20.0
    blank = replace(taken(plots, [0] * 4), time_s=np.arange(20.0, 24.0), kind=np.zeros(4, np.uint8))
    history, _ = follow(joined(taken(plots, keep), blank), made.one_radar(), TEXTBOOK)
    assert (history.time_s == 22.0).sum() > 0
    assert (history.time_s == 23.0).sum() == 0


def test_objects_side_by_side_stay_two():
    """Two bodies 3 km apart on one course, as a stage beside its warhead: each keeps a track of its own."""
    states, light = made.orbiting(1, 5)
    axes, _ = made.site_axes()
    pair = np.repeat(states, 2, axis=0)
    pair[1, :3] += 3_000.0 * axes[2]
    truth, scans = made.looked_at(pair, np.repeat(light, 2), 80, 6, false=0)
    history, _ = follow(made.plots_of(scans), made.radar_on_earth(), Settings())
    for k in range(20, 80):
        mean, _ = made.states_of(history, (history.time_s == k) & (history.confirmed == 1))
        assert len(mean) == 2, f"{len(mean)} tracks at {k} s"
    apart = np.linalg.norm(truth[-1][:, None, :3] - mean[None, :, :3], axis=2)
    assert sorted(apart.argmin(axis=0)) == [0, 1]


def test_two_tracks_of_one_object_become_one_and_the_file_says_so():
    """A body whose plots all come twice, 10 m apart in range, for ten looks, and once from then on: the track that
    starves is folded into the other, the elder's number stays, and ``merged`` tells.
    """
    truth, scans = made.looked_at(*made.orbiting(1, 5), 40, 6, false=0, detection=1.0)
    scans = [
        np.concatenate([scan, scan + np.array([0.0, 0.0, 10.0])]) if k < 10 else scan for k, scan in enumerate(scans)
    ]
    following = Follower(plots=made.plots_of(scans), sensors=made.radar_on_earth(), settings=Settings())
    history = FollowedTracks.concatenate(list(following.chunks()))
    counts = [int(((history.time_s == k) & (history.confirmed == 1)).sum()) for k in range(40)]
    assert counts[9] == 2
    assert counts[-1] == 1
    assert following.decided.merged == 1
    assert history.track[history.time_s == 39.0] == history.track.min()
    mean, _ = made.states_of(history, history.time_s == 39.0)
    assert np.linalg.norm(mean[0, :3] - truth[-1][0, :3]) < 300.0


def test_range_rate_sharpens_velocity(raid):
    truth, plots = raid
    chance = np.random.default_rng(9)
    axes, site = made.site_axes()
    # Whose a plot is, by the nearest object at its time; a false plot gets the rate of nothing.
    level = np.sin(plots.azimuth_rad)[:, None] * axes[0] + np.cos(plots.azimuth_rad)[:, None] * axes[1]
    along = np.cos(plots.elevation_rad)[:, None] * level + np.sin(plots.elevation_rad)[:, None] * axes[2]
    at = truth[plots.time_s.astype(int)]
    away = np.linalg.norm(at[:, :, :3] - (site + plots.range_m[:, None] * along)[:, None], axis=2)
    own = at[np.arange(len(at)), away.argmin(axis=1)]
    toward = own[:, :3] - site
    rate = (toward * own[:, 3:]).sum(axis=1) / np.linalg.norm(toward, axis=1) + chance.standard_normal(len(at))
    told = replace(plots, range_rate_m_s=rate, sigma_range_rate_m_s=np.where(away.min(axis=1) < 1e4, 1.0, 0.0))

    def speed_error(given):
        history, _ = follow(given, made.radar_on_earth(), Settings())
        mean, _ = made.states_of(history, (history.time_s == 20.0) & (history.confirmed == 1))
        near = np.linalg.norm(truth[20][:, None, :3] - mean[None, :, :3], axis=2).argmin(axis=0)
        toward = truth[20][near, :3] - site
        toward /= np.linalg.norm(toward, axis=1, keepdims=True)
        return np.sqrt((((mean - truth[20][near])[:, 3:] * toward).sum(axis=1) ** 2).mean())

    assert speed_error(told) < 0.3 * speed_error(plots)


def two_satellites():
    each = np.ones(2)
    angles = np.radians([10.0, 70.0])
    return Sensors(
        kind=np.full(2, DetectionKind.INFRARED, np.uint8),
        position_m=4.2164e7 * np.stack([np.cos(angles), np.sin(angles), 0.0 * angles], axis=1),
        axes=np.tile(np.array(EARTH_AXES).reshape(3, 3), (2, 1, 1)), orbit=np.zeros((2, 6)),
        detection_probability=0.9 * each, revisit_s=5.0 * each, cloud_top_m=8e3 * each,
        elevation_min_rad=-1.58 * each, elevation_max_rad=1.58 * each, range_max_m=1e9 * each,
    )  # fmt: skip


def burning(until_s):
    """A missile that rises straight up at 25 m/s² net from the radar's north: positions at whole seconds (n, 3)."""
    axes, site = made.site_axes()
    times = np.arange(0.0, until_s)
    start = site + 4e5 * axes[1]
    up = start / np.linalg.norm(start)
    return times, start + (8e3 + 300.0 * times + 12.5 * times**2)[:, None] * up


def seen_from_space(sensors, times, places, chance, sigma=3e-5):
    parts = []
    for s in range(2):
        when = np.arange(s * 2, len(times), 5)
        away = places[when] - sensors.position_m[s]
        away /= np.linalg.norm(away, axis=1, keepdims=True)
        count, one = len(when), np.ones(len(when))
        elevation = np.arcsin(away[:, 2])
        parts.append(
            Plots(
                time_s=times[when], sensor=np.full(count, s), kind=np.full(count, DetectionKind.INFRARED, np.uint8),
                range_m=0.0 * one,
                azimuth_rad=np.arctan2(away[:, 1], away[:, 0]) + sigma * chance.standard_normal(count),
                elevation_rad=elevation + sigma * chance.standard_normal(count), range_rate_m_s=0.0 * one,
                sigma_range_m=0.0 * one, sigma_azimuth_rad=sigma * one, sigma_elevation_rad=sigma * one,
                sigma_range_rate_m_s=0.0 * one,
            )
        )  # fmt: skip
    return joined(*parts)


def both(satellites, radars):
    given = {item.name: getattr(satellites, item.name) for item in fields(Sensors)}
    parts = {name: value for name, value in given.items() if value is not None}
    return Sensors(**{name: np.concatenate([value, getattr(radars, name)]) for name, value in parts.items()})


@pytest.mark.parametrize("who", ["satellites", "radar", "both"])
def test_a_burning_missile_is_found_by_whoever_sees_it(who):
    chance = np.random.default_rng(4)
    times, places = burning(60.0)
    sensors = both(two_satellites(), made.radar_on_earth())
    states = np.hstack([places, np.gradient(places, axis=0)])
    scans = [made.measured(states[k : k + 1], chance) for k in range(20, 60, 2)]
    radar = replace(made.plots_of(scans, np.arange(20.0, 60.0, 2.0)), sensor=np.full(20, 2))
    parts = {"satellites": (True, False), "radar": (False, True), "both": (True, True)}[who]
    space = seen_from_space(sensors, times, places, chance)
    plots = joined(*[part for part, wanted in zip((space, radar), parts, strict=True) if wanted])
    history, shed = follow(plots, sensors, Settings())
    assert shed.unusable == 0
    last = (history.time_s == history.time_s.max()) & (history.confirmed == 1)
    mean, covariance = made.states_of(history, last)
    assert len(mean) == 1
    error = mean[0] - states[int(history.time_s.max())]
    assert np.linalg.norm(error[:3]) < {"satellites": 6_000.0, "radar": 1_500.0, "both": 1_000.0}[who]
    assert error @ np.linalg.solve(covariance[0], error) < 22.5  # chi-square, 6 degrees, 99.9 %


def test_a_flood_costs_room_for_tracks_and_says_so():
    chance = np.random.default_rng(1)
    count = 300_000
    flood = chance.uniform([0.05, -1.2, 1.5e5], [1.2, 1.2, 1.4e6], (count, 3))
    history, shed = follow(made.plots_of([flood, flood[:1_000]]), made.radar_on_earth(), Settings(), most_tracks=2_000)
    assert shed.without_slot >= count - 2_000
    assert len(history) <= 4_000
    assert np.isfinite(history.covariance).all()


def test_senseless_numbers_are_counted_and_change_nothing(raid):
    _, plots = raid
    bad = replace(
        taken(plots, [5, 6, 7]), range_m=np.array([-1.0, np.inf, 5e5]), sigma_range_m=np.array([50.0, 50.0, 0.0])
    )
    want, _ = follow(plots, made.radar_on_earth(), Settings())
    got, shed = follow(joined(plots, bad), made.radar_on_earth(), Settings())
    assert shed.unusable == 3
    assert same(got, want)
