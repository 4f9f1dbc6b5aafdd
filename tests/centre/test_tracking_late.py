"""Detections that come late: what they are worth, in order and out of it."""

from dataclasses import fields, replace

import numpy as np
import pytest
from tests import made_tracking as made

from detente.centre.tracking.follower import Plots, follow
from detente.centre.tracking.settings import TEXTBOOK, Settings

PATIENT = replace(TEXTBOOK, confirmed_misses=30)
SCANS, OBJECTS = 60, 40


def columns_of(plots):
    given = {item.name: getattr(plots, item.name) for item in fields(Plots)}
    return {name: value for name, value in given.items() if value is not None}


def closed(plots, time_s):
    """The same plots, and after all of them have come in a look in vain, at which the tracks are written down."""
    columns = {name: np.append(value, value[:1]) for name, value in columns_of(plots).items()}
    columns["time_s"][-1], columns["kind"][-1] = time_s, 0
    if "received_s" in columns:
        columns["received_s"][-1] = time_s + 100.0
    return Plots(**columns)


def delayed(plots, share, most_s, seed):
    chance = np.random.default_rng(seed)
    late = chance.random(len(plots.time_s)) < share
    wait = np.where(late, chance.uniform(1.0, most_s, len(late)), 0.0)
    return replace(plots, received_s=plots.time_s + wait), late


def in_flat_frame(seed):
    truth, scans = made.fly(OBJECTS, seed, scans=SCANS)
    last = truth[-1].copy()
    last[:, :3] += last[:, 3:] - [0.0, 0.0, 0.5 * made.GRAVITY]
    last[:, 3:] -= [0.0, 0.0, made.GRAVITY]
    return last, made.plots_of(scans)


def about_the_earth(seed):
    chance = np.random.default_rng(seed)
    axes, site = made.site_axes()
    away, bearing = chance.uniform(4e5, 9e5, OBJECTS), chance.uniform(-1.0, 1.0, OBJECTS)
    speed, heading = chance.uniform(1_500.0, 3_500.0, OBJECTS), chance.uniform(-np.pi, np.pi, OBJECTS)
    local = np.stack([away * np.sin(bearing), away * np.cos(bearing), chance.uniform(2e5, 5e5, OBJECTS)], axis=1)
    level = np.stack([speed * np.sin(heading), speed * np.cos(heading), chance.uniform(0.0, 1_200.0, OBJECTS)], axis=1)
    states, light, scans = np.hstack([site + local @ axes, level @ axes]), np.full(OBJECTS, 1.0 / 2_500.0), []
    for _ in range(SCANS):
        own = made.measured(states, chance)[chance.random(OBJECTS) < made.DETECTION]
        scans.append(np.concatenate([own, chance.uniform([0.05, -1.2, 1.5e5], [1.2, 1.2, 1.4e6], (5, 3))]))
        states = made.fall(states, light, 1.0)
    return states, made.plots_of(scans)


def squares(last, plots, sensors, settings):
    """Sums over matched tracks, after everything has come in: count, squared errors of position, velocity, and NEES."""
    history, _ = follow(closed(plots, float(SCANS)), sensors, settings)
    mean, covariance = made.states_of(history, (history.time_s == SCANS) & (history.confirmed == 1))
    apart = np.linalg.norm(last[:, None, :3] - mean[None, :, :3], axis=2)
    near = apart.min(axis=0) < 5_000.0
    error = (mean - last[apart.argmin(axis=0)])[near]
    nees = (error * np.linalg.solve(covariance[near], error[:, :, None])[:, :, 0]).sum()
    return np.array([near.sum(), (error[:, :3] ** 2).sum(), (error[:, 3:] ** 2).sum(), nees])


@pytest.mark.parametrize(
    ("settings", "fly", "radar"),
    [(PATIENT, in_flat_frame, made.one_radar()), (Settings(), about_the_earth, made.radar_on_earth())],
    ids=["constant-gravity", "ballistic"],
)
def test_thirty_seconds_late_cost_two_per_cent(settings, fly, radar):
    in_order, late, without = np.zeros(4), np.zeros(4), np.zeros(4)
    for seed in range(6):
        last, plots = fly(seed)
        mixed, behind = delayed(plots, 0.3, 30.0, seed + 100)
        in_order += squares(last, plots, radar, settings)
        late += squares(last, mixed, radar, settings)
        kept = Plots(**{name: value[~behind] for name, value in columns_of(plots).items()})
        without += squares(last, kept, radar, settings)
    assert in_order[0] == late[0] == 6 * OBJECTS
    assert np.sqrt(late[1] / in_order[1]) < 1.02
    assert np.sqrt(late[2] / in_order[2]) < 1.02
    # A track fed late is no surer of itself than it should be: not by a twentieth more than one fed in order.
    assert late[3] < 1.05 * in_order[3]
    # And they are worth having: without them tracks are worse by far more than that.
    assert np.sqrt(without[1] / in_order[1]) > 1.06


def test_one_look_late_is_as_good_as_in_order():
    last, plots = in_flat_frame(3)
    received = plots.time_s.copy()
    received[plots.time_s == 50.0] = 51.5
    want, _ = follow(closed(plots, float(SCANS)), made.one_radar(), PATIENT)
    got, _ = follow(closed(replace(plots, received_s=received), float(SCANS)), made.one_radar(), PATIENT)
    rows = [(h.time_s == SCANS) & (h.confirmed == 1) for h in (want, got)]
    mean, covariance = made.states_of(want, rows[0])
    other, _ = made.states_of(got, rows[1])
    assert len(mean) == len(other) == OBJECTS
    order, turn = np.argsort(mean[:, 0]), np.argsort(other[:, 0])
    sigma = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))[order]
    assert np.abs((mean[order] - other[turn]) / sigma).max() < 0.01
    assert len(last) == OBJECTS


def test_what_is_later_than_half_a_minute_is_told_and_left():
    _, plots = in_flat_frame(1)
    received = plots.time_s.copy()
    received[:7] = 45.0
    history, shed = follow(replace(plots, received_s=received), made.one_radar(), PATIENT)
    assert shed.too_late == 7
    kept = Plots(**{name: value[7:] for name, value in columns_of(plots).items()})
    want, _ = follow(kept, made.one_radar(), PATIENT)
    assert np.array_equal(history.x_m, want.x_m)


def test_time_never_runs_back():
    _, plots = in_flat_frame(2)
    history, _ = follow(delayed(plots, 0.5, 30.0, 1)[0], made.one_radar(), PATIENT)
    assert (np.diff(history.time_s) >= 0.0).all()
    pairs = np.stack([history.time_s, history.track], axis=1)
    assert len(np.unique(pairs, axis=0)) == len(pairs)
