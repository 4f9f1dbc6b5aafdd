"""What holds of the tracker's filter whatever the numbers."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as some

from detente.centre.tracking import _kernels_end as end
from detente.centre.tracking import _kernels_places as places
from detente.centre.tracking import _kernels_predict as predict
from detente.centre.tracking import _kernels_sight as sight
from detente.centre.tracking.settings import Settings

PACKED = Settings().packed()
numbers = some.floats(-1.0, 1.0)
phases = some.sampled_from([places.BOOST, places.COAST, places.REENTRY])


def a_track(seed, height_m, phase):
    chance = np.random.default_rng(seed)
    away = chance.standard_normal(3)
    away /= np.linalg.norm(away)
    state = np.zeros((1, 7))
    state[0, :3] = away * (6_378_137.0 + height_m)
    state[0, 3:6] = chance.standard_normal(3) * 2_000.0
    state[0, 6] = 40.0 if phase == places.BOOST else 1.0 + 0.2 * chance.standard_normal()
    root = chance.standard_normal((7, 7)) * 0.5 + np.eye(7)
    scale = np.diag([3_000.0] * 3 + [100.0] * 3 + [5.0 if phase == places.BOOST else 0.5])
    covariance = (scale @ root @ root.T @ scale)[None]
    tags = np.zeros((1, places.TAGS), np.int64)
    tags[0, places.STATUS], tags[0, places.PHASE] = places.CONFIRMED, phase
    return state, np.ascontiguousarray(covariance), tags


def move(track, dt):
    state, covariance, tags = track
    predict.predict(state, covariance, tags, 0, dt, PACKED, np.zeros((3, 7)), np.zeros((7, 7)))


def a_line(state, seed, radar):
    chance = np.random.default_rng(seed + 1)
    p = state[0, :3]
    site = p / np.linalg.norm(p) * 6_378_137.0 + chance.standard_normal(3) * 6e5
    line = np.zeros(places.LINES)
    along = (p - site) / np.linalg.norm(p - site)
    right = np.cross(along, [0.3, 0.5, 0.8])
    right /= np.linalg.norm(right)
    line[places.FROM : places.FROM + 3], line[places.ALONG : places.ALONG + 3] = site, along
    line[places.RIGHT : places.RIGHT + 3], line[places.OVER : places.OVER + 3] = right, np.cross(right, along)
    line[places.VAR_RIGHT : places.VAR_RANGE] = 4e-6
    if radar:
        line[places.RANGE], line[places.VAR_RANGE] = np.linalg.norm(p - site), 2_500.0
    return line


def take(track, line):
    return sight.update(
        line, track[0], track[1], 0, np.zeros(3), np.zeros((3, 3)), np.zeros((2, 7)), np.zeros((7, 7)),
        np.zeros(7),
    )  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(seed=some.integers(0, 10**6), height=some.floats(2e4, 1e6), phase=phases, radar=some.booleans())
def test_covariances_stay_positive(seed, height, phase, radar):
    track = a_track(seed, height, phase)
    for k in range(4):
        move(track, 5.0)
        take(track, a_line(track[0], seed + k, radar))
        assert end.sound(track[0], track[1], 0, np.zeros((7, 7)))
        assert (track[1][0] == track[1][0].T).all()


@settings(deadline=None, max_examples=60)
@given(seed=some.integers(0, 10**6), height=some.floats(2e4, 1e6), phase=phases, radar=some.booleans())
def test_a_detection_never_makes_a_track_vaguer(seed, height, phase, radar):
    track = a_track(seed, height, phase)
    before = track[1][0].copy()
    assert take(track, a_line(track[0], seed, radar))
    gain = before - track[1][0]
    scale = np.sqrt(np.diag(before))
    assert np.linalg.eigvalsh(gain / np.outer(scale, scale)).min() > -1e-9


@settings(deadline=None, max_examples=60)
@given(seed=some.integers(0, 10**6), height=some.floats(1.5e5, 2e6), split=some.floats(0.1, 0.9))
def test_two_short_predictions_make_one_long(seed, height, split):
    whole, parts = a_track(seed, height, places.COAST), a_track(seed, height, places.COAST)
    move(whole, 8.0)
    move(parts, 8.0 * split)
    move(parts, 8.0 * (1.0 - split))
    assert np.abs(whole[0] - parts[0]).max() < 1e-3
    scale = np.sqrt(np.diag(whole[1][0]))
    assert np.abs((whole[1][0] - parts[1][0]) / np.outer(scale, scale)).max() < 1e-4


@settings(deadline=None, max_examples=60)
@given(seed=some.integers(0, 10**6), turn=some.floats(0.0, 6.28), radar=some.booleans())
def test_the_cheap_first_look_never_hides_a_pair(seed, turn, radar):
    """Whatever lies inside the gate passes the screen before it."""
    track = a_track(seed, 3e5, places.COAST)
    line = a_line(track[0], seed, radar)
    track[0][0, :3] += 12_000.0 * np.array([np.cos(turn), np.sin(turn), np.cos(3 * turn)])
    d2, _ = sight.distance_to(line, track[0], track[1], 0, np.zeros(3), np.zeros((3, 3)))
    if 0.0 <= d2 <= 16.0:
        assert sight.near_enough(line, track[0][0], track[1][0], 0.0, 4.0, 0.0)


def test_a_covariance_with_a_negative_direction_is_not_sound():
    state, covariance, _ = a_track(1, 3e5, places.COAST)
    covariance[0] -= 1e9 * np.eye(7)
    assert not end.sound(state, covariance, 0, np.zeros((7, 7)))
    state[0, 2] = np.nan
    covariance[0] = np.eye(7)
    assert not end.sound(state, covariance, 0, np.zeros((7, 7)))
