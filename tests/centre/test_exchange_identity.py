"""Offsets outlive a track number: what was lost and found again is moved by the same secret offset."""

import math
from dataclasses import replace

import numpy as np
from scipy.integrate import solve_ivp
from tests import made_exchange as made

from detente.centre.exchange.release import LOST_MIN, initial, release
from detente.centre.exchange.rules import compile_agreement
from detente.records.stages import Messages

COARSE = made.agreement(made.clause(coarsen={"sigma_position_m": 2000.0, "sigma_velocity_m_s": 20.0}, every_s=1.0))


def say(moments, agreement=COARSE):
    rules = compile_agreement(agreement, made.SIDES, made.OWNERS, made.EPOCH)
    state, sent = initial(rules, np.array([0]), moments[0][0].number.shape[1]), []
    for tracks, est in moments:
        messages, _, state = release(state, tracks, est, rules, 0, 3, made.SECRET, tracks.time_s)
        sent.append(messages)
    return Messages.concatenate(sent), state


def flying(time_s, number, states, status=None):
    """Tracks with these states, one a slot."""
    tracks, est = made.moment(np.random.default_rng(1), time_s, [number], None if status is None else [status])
    mean = np.array(states, float)[None] * (np.array(number) > 0)[None, :, None]
    return replace(tracks, mean=mean), est


def ballistic(time_s, heading=0.7, after_s=0.0):
    """A free flight in the turning frame: a coast of 5 km/s from 300 km up, about a point mass.

    ``after_s``: how much farther along the same ellipse, which does not turn, it is at this time.
    """
    start = np.array([6.6e6, 0.0, 0.0, 2500.0, 4300.0 * math.cos(heading), 4300.0 * math.sin(heading)])

    def pull(_, y):
        return [*y[3:], *(-3.986004418e14 * y[:3] / np.linalg.norm(y[:3]) ** 3)]

    flown_s = time_s + after_s
    end = solve_ivp(pull, (0.0, flown_s), start, rtol=1e-9, atol=1e-3).y[:, -1] if flown_s else start
    return seen_turning(end, time_s)


def seen_turning(state, time_s):
    """A state of the frame that does not turn, in the one that does."""
    turn = 7.292115e-5 * time_s
    back = np.array([[math.cos(turn), math.sin(turn), 0.0], [-math.sin(turn), math.cos(turn), 0.0], [0.0, 0.0, 1.0]])
    place = back @ state[:3]
    return np.concatenate([place, back @ state[3:] - np.cross([0.0, 0.0, 7.292115e-5], place)])


def offsets(messages, states):
    return [message - states[time_s] for time_s, message in zip(messages.valid_s, messages.state, strict=True)]


def test_a_track_lost_and_numbered_anew_keeps_its_offset():
    times = [0.0, 10.0, 20.0, 150.0, 160.0]
    numbers = [[1, 0], [1, 0], [0, 0], [0, 2], [0, 2]]
    states = {time_s: ballistic(time_s) for time_s in times}
    moments = [flying(t, number, [states[t], states[t]]) for t, number in zip(times, numbers, strict=True)]
    messages, state = say(moments)
    assert messages.number.tolist() == [1, 1, 2, 2]
    found = offsets(messages, states)
    assert np.allclose(found, found[0], rtol=0, atol=1e-6)
    assert state.identity.key[0].tolist() == [0, 1]
    assert np.linalg.norm(found[0][:3]) > 100.0


def test_another_object_gets_an_offset_of_its_own():
    moments = [
        flying(0.0, [1, 0], [ballistic(0.0)] * 2), flying(10.0, [0, 0], [ballistic(10.0)] * 2),
        flying(20.0, [0, 2], [ballistic(20.0, heading=-0.7)] * 2),
    ]  # fmt: skip
    messages, state = say(moments)
    assert state.identity.key[0].tolist() == [0, 2]
    assert not np.allclose(messages.state[0] - ballistic(0.0), messages.state[1] - ballistic(20.0, heading=-0.7))


def test_two_tracks_alive_at_once_never_share_an_offset():
    moments = [
        flying(0.0, [1, 0, 0], [ballistic(0.0)] * 3), flying(10.0, [0, 0, 0], [ballistic(10.0)] * 3),
        flying(20.0, [2, 3, 4], [ballistic(20.0)] * 3),
    ]  # fmt: skip
    _, state = say(moments)
    assert state.identity.key[0].tolist() == [1, 3, 4]


def keys_found_again(states: dict[float, list], order: list[int]) -> list[int]:
    """Whose offset each object has, of some numbered from 1, lost at 10 s and found again at 40 s in an order."""
    first = np.arange(1, len(order) + 1)
    _, state = say([
        flying(0.0, first, states[0.0]), flying(10.0, 0 * first, states[10.0]),
        flying(40.0, len(order) + first, np.array(states[40.0])[order]),
    ])  # fmt: skip
    return state.identity.key[0].tolist()


def test_of_a_raid_on_one_path_each_object_keeps_its_own_offset():
    """Eight objects fly one path twenty seconds apart: lost together, found again in another order."""
    order = [3, 0, 7, 5, 1, 6, 2, 4]
    states = {time_s: [ballistic(time_s + 20.0 * k) for k in range(8)] for time_s in (0.0, 10.0, 40.0)}
    assert keys_found_again(states, order) == [1 + one for one in order]


def test_of_tracks_on_one_ellipse_each_is_found_by_when_it_flies_there():
    """Momentum and energy are the same of all four: only the moment of perigee tells them apart."""
    order = [2, 0, 3, 1]
    states = {time_s: [ballistic(time_s, after_s=30.0 * k) for k in range(4)] for time_s in (0.0, 10.0, 40.0)}
    assert keys_found_again(states, order) == [1 + one for one in order]


def test_energy_tells_objects_of_one_momentum_apart_and_is_kept_by_height():
    """Found again ten minutes and 500 km of height later; not with the same place and momentum and faster upwards."""
    for later_s, faster_m_s, key in ((600.0, 0.0, 1), (20.0, 600.0, 1), (20.0, 1500.0, 2)):
        state = ballistic(later_s)
        state[3:] += faster_m_s * state[:3] / np.linalg.norm(state[:3])
        moments = [flying(0.0, [1], [ballistic(0.0)]), flying(10.0, [0], [state]), flying(later_s, [2], [state])]
        assert say(moments)[1].identity.key[0].tolist() == [key], (later_s, faster_m_s)


def test_a_track_that_keeps_its_number_keeps_its_offset_wherever_it_stands_and_turns():
    """Found again under another number, then moved to another slot and turned away: still the first track's key."""
    moments = [
        flying(0.0, [1, 0], [ballistic(0.0)] * 2), flying(10.0, [0, 0], [ballistic(10.0)] * 2),
        flying(20.0, [2, 0], [ballistic(20.0)] * 2), flying(30.0, [0, 2], [ballistic(30.0, heading=-0.7)] * 2),
    ]  # fmt: skip
    messages, state = say(moments)
    assert state.identity.key[0].tolist() == [0, 1]
    first, last = messages.state[0] - ballistic(0.0), messages.state[-1] - ballistic(30.0, heading=-0.7)
    assert np.allclose(first, last, rtol=0, atol=1e-6)


def test_a_track_waits_for_its_confirmation():
    states = [ballistic(0.0)]
    _, state = say([flying(0.0, [5], states, status=[1])])
    assert state.identity.key[0].tolist() == [0]
    _, state = say([flying(0.0, [5], states, status=[1]), flying(10.0, [5], [ballistic(10.0)])])
    assert state.identity.key[0].tolist() == [5]


def test_the_lost_are_forgotten_in_time_and_in_number():
    moments = [flying(0.0, [1], [ballistic(0.0)]), flying(10.0, [0], [ballistic(10.0)])]
    _, state = say([*moments, flying(1500.0, [2], [ballistic(10.0)])])
    assert state.identity.key[0].tolist() == [2]
    many = [flying(10.0 * i, [i if i % 2 else 0], [ballistic(10.0 * i, heading=0.01 * i)]) for i in range(1, 400)]
    _, state = say(many)
    assert state.identity.lost_key.shape == (1, LOST_MIN)


def test_without_coarsening_no_keys_are_kept():
    _, state = say([flying(0.0, [1], [ballistic(0.0)])], made.agreement(made.clause()))
    assert not state.identity.key.any()
