"""What joint association does for objects that come near each other, and what it leaves as it was."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from tests import made_association as joint
from tests import made_tracking as made

import detente
from detente.centre.tracking.follower import Follower, follow
from detente.centre.tracking.settings import TEXTBOOK, Association, Settings
from detente.records.errors import InputError
from detente.records.results import FollowedTracks

NAMES = [name for name, _ in FollowedTracks.columns()]
SEEDS = range(40)


def amid_clutter(seed, density, **how):
    """The two that cross, after six scans with false plots in a box about them, so many a metre and square radian."""
    truth, scans = joint.crossing(seed, **how)
    chance = np.random.default_rng(1_000 + seed)
    for k in range(6, len(scans)):
        x, y, z = truth[k, :2, :3].mean(axis=0)
        middle = np.array([np.arctan2(z, np.hypot(x, y)), np.arctan2(y, x), np.sqrt(x * x + y * y + z * z)])
        half = np.array([0.02, 0.02, 2_000.0])
        count = chance.poisson(density * np.prod(2.0 * half))
        scans[k] = np.concatenate([scans[k], middle + chance.uniform(-half, half, (count, 3))])
    return truth, scans


def whose(truth, history, k):
    """Numbers of the tracks nearest the two objects at a time; negative where none is within 3 km."""
    rows = np.flatnonzero((history.time_s == k) & (history.confirmed == 1))
    if not rows.size:
        return [-1, -2]
    apart = np.linalg.norm(truth[k, :2, None, :3] - made.states_of(history, rows)[0][None, :, :3], axis=2)
    return [int(history.track[rows[j]]) if apart[i, j] < 3_000.0 else -1 - i for i, j in enumerate(apart.argmin(1))]


def outcome(association, density, detection, **how):
    """Over the seeds: how many of the objects' tracks were the same after as before; of those that were theirs before,
    the mean NEES (cut off at 50, so that a track gone astray does not rule it), the share inside its 95 % bound, RMSE.
    """
    sensors = replace(
        made.one_radar(), clutter_density=np.full(1, max(density, 1e-3)), detection_probability=np.full(1, detection)
    )
    settings = replace(TEXTBOOK, association=association, confirmed_misses=8)
    kept, values, squares = 0, [], []
    for seed in SEEDS:
        truth, scans = amid_clutter(seed, density, detection=detection, **how)
        history, _ = follow(made.plots_of(scans), sensors, settings)
        before, after = whose(truth, history, 8), whose(truth, history, 36)
        kept += sum(a == b > 0 for a, b in zip(before, after, strict=True))
        for i, number in enumerate(before):
            rows = np.flatnonzero((history.track == number) & (history.time_s > 8.0) & (history.time_s < 37.0))
            mean, covariance = made.states_of(history, rows)
            error = mean - truth[history.time_s[rows].astype(int), i]
            values += (error * np.linalg.solve(covariance, error[:, :, None])[:, :, 0]).sum(axis=1).tolist()
            squares += (error[:, :3] ** 2).sum(axis=1).tolist()
    nees = np.array(values)
    return SimpleNamespace(
        kept=kept, nees=np.minimum(nees, 50.0).mean(), inside=(nees < 14.45).mean(), rmse=np.mean(squares) ** 0.5
    )


@pytest.mark.parametrize(("density", "detection"), [(0.0, 0.9), (3.0, 0.7)])
def test_objects_that_cross_are_tracked_better_and_more_honestly(density, detection):
    """At 540 m/s and 250 m apart in height; without and with one false plot in every ten gates and one plot in three
    missing.
    """
    nearest = outcome(Association.GNN, density, detection, gap_m=250.0)
    for association in (Association.JPDA, Association.JPDA_STAR):
        shared = outcome(association, density, detection, gap_m=250.0)
        assert shared.kept >= nearest.kept
        assert abs(shared.nees - 6.0) < abs(nearest.nees - 6.0)
        assert shared.inside > nearest.inside
        assert shared.rmse < nearest.rmse


def test_objects_that_cross_slowly_are_drawn_together_but_not_where_order_is_kept():
    """At 180 m/s their plots may be exchanged for seconds: joint probabilities draw both tracks to the middle."""
    drawn = outcome(Association.JPDA, 0.0, 0.9, speed_m_s=180.0, gap_m=150.0)
    apart = outcome(Association.JPDA_STAR, 0.0, 0.9, speed_m_s=180.0, gap_m=150.0)
    assert apart.nees < drawn.nees - 2.0
    assert apart.rmse < drawn.rmse


@pytest.mark.parametrize("association", [Association.JPDA, Association.JPDA_STAR])
@pytest.mark.parametrize("base", [TEXTBOOK, Settings()])
def test_objects_far_from_one_another_are_tracked_as_before_to_the_bit(association, base):
    """Ten objects some 100 km apart, nothing false: no cluster holds more than one pair."""
    chance = np.random.default_rng(8)
    if base is TEXTBOOK:
        truth, scans = made.fly(5, 8, scans=30)
        scans = [scan[np.isin(np.arange(len(scan)), _own(truth[k], scan))] for k, scan in enumerate(scans)]
        sensors = made.one_radar()
    else:
        axes, site = made.site_axes()
        local = np.array([[1e5 * n, 5e5, 3e5] for n in range(-3, 4)])
        states = np.hstack([site + local @ axes, np.tile(np.array([300.0, 1_200.0, 500.0]) @ axes, (7, 1))])
        scans, sensors = [], made.radar_on_earth()
        for k in range(30):
            states = made.fall(states, np.full(7, 4e-4), 1.0) if k else states
            scans.append(made.measured(states, chance)[chance.random(7) < 0.9])
    want, _ = follow(made.plots_of(scans), sensors, base)
    follower = Follower(plots=made.plots_of(scans), sensors=sensors, settings=replace(base, association=association))
    got = FollowedTracks.concatenate(list(follower.chunks()))
    assert follower.decided.shared == 0
    assert len(want) > 100
    assert all(np.array_equal(getattr(got, name), getattr(want, name)) for name in NAMES)


def _own(truth, scan):
    """Which plots of a scan are near an object."""
    level = np.hypot(truth[:, 0], truth[:, 1])
    exact = np.stack(
        [np.arctan2(truth[:, 2], level), np.arctan2(truth[:, 1], truth[:, 0]), np.hypot(level, truth[:, 2])], 1
    )
    off = np.abs(scan[:, None] - exact[None]) / np.array(made.SIGMAS)
    return np.flatnonzero((off < 6.0).all(axis=2).any(axis=1))


@pytest.mark.parametrize("association", list(Association))
def test_pieces_of_debris_stay_apart_and_no_merging_is_silent(association):
    """Eight pieces within some kilometres, on one course, seen by one radar: eight tracks, none merged."""
    axes, site = made.site_axes()
    chance = np.random.default_rng(3)
    states = np.hstack([site + np.array([2e5, 6e5, 3e5]) @ axes, np.array([900.0, 1_500.0, 400.0]) @ axes])
    states = np.tile(states, (8, 1))
    states[:, :3] += chance.uniform(-4e3, 4e3, (8, 3))
    states[:, 3:] += chance.standard_normal((8, 3)) * 5.0
    truth, scans = [], []
    for k in range(60):
        states = made.fall(states, np.full(8, 4e-4), 1.0) if k else states
        truth.append(states.copy())
        scans.append(made.measured(states, chance)[chance.random(8) < 0.9])
    follower = Follower(
        plots=made.plots_of(scans), sensors=made.radar_on_earth(), settings=Settings(association=association)
    )
    history = FollowedTracks.concatenate(list(follower.chunks()))
    assert follower.decided.merged == 0
    mean, _ = made.states_of(history, (history.time_s == 59.0) & (history.confirmed == 1))
    apart = np.linalg.norm(truth[-1][:, None, :3] - mean[None, :, :3], axis=2)
    assert len(mean) == 8
    assert sorted(apart.argmin(axis=0)) == list(range(8))


def test_a_file_chooses_its_association(tmp_path):
    _, scans = amid_clutter(1, 3.0)
    plots = made.plots_of(scans)
    columns = {
        "time_s": plots.time_s, "sensor": plots.sensor, "range_m": plots.range_m, "azimuth_rad": plots.azimuth_rad,
        "elevation_rad": plots.elevation_rad,
    }  # fmt: skip
    sensors = (
        "frame: local\nazimuth: counterclockwise-from-x\nrules: {association: WHICH}\nsensors: [{name: R1, position_m: "
        "[0, 0, 0], sigma_range_m: 50, sigma_azimuth_rad: 0.001, sigma_elevation_rad: 0.001, clutter_density: 3.0}]\n"
    )
    for which in ("gnn", "jpda", "jpda-star"):
        (tmp_path / "sensors.yaml").write_text(sensors.replace("WHICH", which))
        document = detente.track(columns, tmp_path / "sensors.yaml").document
        assert document["association"] == which
        assert (document["clusters"]["shared"] > 10) == (which != "gnn")
        assert document["clusters"]["too_large_to_share"] == 0
    (tmp_path / "sensors.yaml").write_text(sensors.replace("WHICH", "mht"))
    with pytest.raises(InputError, match="'gnn', 'jpda' or 'jpda-star'"):
        detente.track(columns, tmp_path / "sensors.yaml")
