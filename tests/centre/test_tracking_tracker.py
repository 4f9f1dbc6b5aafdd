"""The tracker as a whole: what it promises of any input, and how well it follows a small raid."""

from dataclasses import fields, replace

import numpy as np
import pytest

from detente.centre.tracking.settings import Settings
from detente.centre.tracking.tracker import PAST, moments_of, start, track
from detente.records.slots import Phase, Status, Tracks

# missile (0 Scud-B, 1 Al Hussein, 2 No-dong, 3 two-stage), latitude, longitude, azimuth, pitch (deg), launch time (s)
RAID = (
    (2, 35.5, 53.4, 300, 40, 20.0), (2, 36.0, 46.0, 310, 42, 60.0), (3, 35.5, 51.4, 305, 42, 30.0),
    (1, 34.3, 47.0, 290, 44, 100.0), (3, 38.0, 46.2, 320, 38, 75.0),
)  # fmt: skip
TICK_S = 5.0
SLOTS = 24


@pytest.fixture(scope="module")
def sensors(made):
    return (
        made.radar("east", 40.87, 47.80, offset_s=3.0, revisit_s=8.0, instrumented_range_m=5e6),
        made.radar("west", 38.35, 37.79, offset_s=1.5, revisit_s=6.0, instrumented_range_m=1.5e6, sigma_range_m=30.0),
        made.satellite("first", 10.0),
        made.satellite("second", 70.0, offset_s=6.0),
    )


@pytest.fixture(scope="module")
def raid(made):
    return made.fly(RAID)


@pytest.fixture(scope="module")
def plots(made, sensors, raid):
    return [made.sense(sensors, raid, 1200.0, seed) for seed in range(6)]


def run(made, suite, plots, until_s, *, settings=None, slots=SLOTS, watch=None):
    tracks, before = start(len(plots), slots), 0.0
    for now in np.arange(TICK_S, until_s + 1e-9, TICK_S):
        detections, offsets, key = made.batch(plots, before, now)
        tracks = track(tracks, detections, offsets, suite, float(now), settings or Settings())
        if watch is not None:
            watch(float(now), tracks, key)
        before = now
    return tracks


def same(a, b):
    return all(
        np.array_equal(getattr(a, item.name), getattr(b, item.name)) for item in fields(a) if item.name != "time_s"
    )


def row_of(tracks, r):
    parts = {item.name: getattr(tracks, item.name) for item in fields(tracks)}
    return replace(tracks, **{n: v[r : r + 1] for n, v in parts.items() if isinstance(v, np.ndarray)})


@pytest.fixture(scope="module")
def followed(made, sensors, raid, plots):
    """The raid tracked to its end: at each tick, confirmed tracks with the object most of their plots came from."""
    suite, rows, whose = made.suite(sensors, len(plots)), [], {}

    def watch(now, tracks, key):
        truth = [path.at(now) for path in raid]
        for r, i in np.argwhere(tracks.status == Status.CONFIRMED):
            name = (int(r), int(tracks.number[r, i]))
            counts = whose.setdefault(name, np.zeros(len(raid) + 1, int))
            if tracks.updated_row[r, i] >= 0:
                counts[key[tracks.updated_row[r, i]]] += 1
            own = int(np.argmax(counts))
            state, phase = truth[own] if own < len(raid) else (None, 0)
            if state is None:
                rows.append((now, r, name[1], -1, 0, tracks.phase[r, i], 0.0, 0.0, 0.0, 0.0))
                continue
            error = tracks.mean[r, i] - state
            nees = error @ np.linalg.solve(tracks.covariance[r, i], error)
            since = now - raid[own].burnout_s
            rows.append(
                (now, r, name[1], own, phase, tracks.phase[r, i], since, np.linalg.norm(error[:3]),
                 np.linalg.norm(error[3:]), nees)
            )  # fmt: skip

    last = run(made, suite, plots, 1200.0, watch=watch)
    return np.array(rows, float), last


def test_start_is_empty_and_takes_no_numbers():
    tracks = start(3, 5)
    assert tracks.status.shape == (3, 5)
    assert not tracks.status.any()
    assert (tracks.next_number == 1).all()
    assert (tracks.updated_row == -1).all()


def test_coasting_tracks_are_near_the_truth_and_say_how_near(followed):
    rows, _ = followed
    coast = rows[(rows[:, 3] >= 0) & (rows[:, 4] == Phase.COAST) & (rows[:, 6] > 60.0)]
    matched = coast[coast[:, 7] < 5_000.0]
    assert len(coast) > 800
    assert len(matched) > 0.96 * len(coast)
    assert np.sqrt((matched[:, 7] ** 2).mean()) < 700.0
    assert np.median(matched[:, 8]) < 3.0
    assert 4.5 < matched[:, 9].mean() < 7.0
    assert (coast[:, 9] < 14.45).mean() > 0.95


def test_burning_tracks_are_consistent_too(followed):
    rows, _ = followed
    boost = rows[(rows[:, 3] >= 0) & (rows[:, 4] == Phase.BOOST)]
    assert len(boost) > 150
    assert np.median(boost[:, 7]) < 4_000.0
    assert (boost[:, 5] == Phase.BOOST).mean() > 0.95
    assert boost[:, 9].mean() < 9.0


def test_phase_is_believed_rightly_a_while_after_burnout_and_in_the_air(followed):
    rows, _ = followed
    coast = rows[(rows[:, 4] == Phase.COAST) & (rows[:, 6] > 40.0)]
    assert (coast[:, 5] == Phase.COAST).mean() > 0.95
    low = rows[rows[:, 4] == Phase.REENTRY]
    assert (low[:, 5] == Phase.REENTRY).mean() > 0.95


def test_each_object_has_one_track_most_of_the_time(followed, raid):
    rows, _ = followed
    own = rows[rows[:, 3] >= 0]
    _, counts = np.unique(own[:, [0, 1, 3]], axis=0, return_counts=True)
    assert (counts > 1).mean() < 0.02
    ticks = np.unique(own[own[:, 4] == Phase.COAST][:, [0, 1, 3]], axis=0)
    due = sum(
        path.at(now)[0] is not None and path.at(now)[1] == Phase.COAST
        for path in raid
        for now in np.arange(TICK_S, 1200.1, TICK_S)
    )
    assert len(ticks) > 0.93 * 6 * due


def test_false_confirmed_tracks_are_rare(followed):
    rows, _ = followed
    false = rows[(rows[:, 3] < 0) & (rows[:, 0] < 300.0)]
    assert len({(r, n) for r, n in false[:, 1:3]}) == 0


def test_tracks_end_with_their_objects(followed):
    _, last = followed
    assert (last.status == Status.CONFIRMED).sum() == 0
    gone = last.status == Status.EMPTY
    assert not last.mean[gone].any()
    assert not last.covariance[gone].any()
    assert (last.updated_row[gone] == -1).all()


def test_numbers_are_never_used_twice(followed):
    rows, last = followed
    for r in range(6):
        own = rows[rows[:, 1] == r]
        for number in np.unique(own[:, 2]):
            seen = own[own[:, 2] == number][:, 0]
            assert np.diff(seen).max(initial=TICK_S) == TICK_S
        assert own[:, 2].max() < last.next_number[r]


def test_nothing_given_is_changed_and_nothing_returned_can_be(made, sensors, plots):
    suite = made.suite(sensors, 6)
    tracks = run(made, suite, plots, 100.0)
    before = {item.name: np.copy(getattr(tracks, item.name)) for item in fields(tracks)}
    detections, offsets, _ = made.batch(plots, 100.0, 105.0)
    after = track(tracks, detections, offsets, suite, 105.0)
    assert all(np.array_equal(before[n], getattr(tracks, n)) for n in before)
    assert after.time_s == 105.0
    assert not np.array_equal(after.mean, tracks.mean)
    with pytest.raises(ValueError, match="read-only"):
        after.mean[0, 0, 0] = 1.0


def test_a_replicate_alone_has_the_same_bits(made, sensors, plots):
    together = run(made, made.suite(sensors, 6), plots, 200.0)
    alone = run(made, made.suite(sensors, 1), plots[4:5], 200.0)
    # Rows of detections are counted from the start of the batch; everything else is the same.
    moved = replace(row_of(together, 4), updated_row=alone.updated_row)
    assert same(moved, alone)


def test_the_order_inside_a_scan_tells_nothing(made, sensors, plots):
    chance = np.random.default_rng(5)
    mixed = []
    for rows, key in plots[:2]:
        order = sorted(range(len(rows)), key=lambda k, rows=rows: (rows[k][0], chance.random()))
        mixed.append(([rows[k] for k in order], [key[k] for k in order]))
    suite = made.suite(sensors, 2)
    a, b = run(made, suite, plots[:2], 200.0), run(made, suite, mixed, 200.0)
    assert same(replace(a, updated_row=b.updated_row), b)


def test_pedigree_start_and_infrared_flag(made, sensors, raid, plots):
    tracks = run(made, made.suite(sensors, 6), plots, 160.0)
    held = (tracks.status == Status.CONFIRMED) & (tracks.burning_by >= 0)
    assert held.sum() > 15
    assert (tracks.sensors[held] & np.uint64(0b1100) != 0).all()
    assert (tracks.sensors[held] & ~np.uint64(0b1111) == 0).all()
    pads = np.array([path.position[0] for path in raid])
    gaps = np.linalg.norm(tracks.start_ecef_m[held][:, None] - pads, axis=2).min(axis=1)
    # The cloud tops are 9 km above the pad, some kilometres down the road.
    assert np.median(gaps) < 16_000.0
    assert (tracks.first_s[held] >= tracks.born_s[held]).all()
    assert (tracks.updated_s[held] <= 160.0).all()


def test_a_track_knows_when_and_by_whom_it_was_last_seen_burning(made, sensors, raid, plots):
    """Of every track at every step: its last infrared plot, and nothing that a radar says changes that."""
    suite, tracks, before, told = made.suite(sensors, len(plots)), start(len(plots), SLOTS), 0.0, 0
    for now in np.arange(TICK_S, 200.0, TICK_S):
        detections, offsets, _ = made.batch(plots, before, now)
        last, tracks = tracks, track(tracks, detections, offsets, suite, float(now), Settings())
        assert ((tracks.burning_by >= 0) <= (tracks.burning_s <= tracks.updated_s)).all()
        used = np.argwhere(tracks.updated_row >= 0)
        for r, i in used:
            row = tracks.updated_row[r, i]
            if detections.kind[row] == 2:
                assert tracks.burning_s[r, i] == detections.time_s[row]
                assert tracks.burning_by[r, i] == detections.sensor[row]
                told += 1
            elif tracks.number[r, i] == last.number[r, i]:
                mine = slice(offsets[r], offsets[r + 1])
                moments = detections.time_s[mine][detections.kind[mine] == 2]
                assert tracks.burning_s[r, i] in (last.burning_s[r, i], *moments)
        before = now
    assert told > 300


def test_false_plots_alone_make_hardly_a_track(made):
    sensors = (made.radar("busy", 40.0, 40.0, false_plots_per_scan=5.0, instrumented_range_m=3e6),)
    plots = [made.sense(sensors, [], 600.0, seed) for seed in range(8)]
    last = run(made, made.suite(sensors, 8), plots, 600.0, slots=60)
    # 8 x 75 scans of 5 plots. A number is taken by each tentative track.
    assert last.next_number.sum() > 2_000
    assert (last.status == Status.CONFIRMED).sum() == 0
    assert last.overflow.sum() == 0


def test_false_infrared_plots_make_none(made):
    sensors = (made.satellite("busy", 40.0, false_plots_per_scan=4.0),)
    plots = [made.sense(sensors, [], 600.0, seed) for seed in range(4)]
    confirmed = []
    run(
        made, made.suite(sensors, 4), plots, 600.0, slots=60,
        watch=lambda now, tracks, key: confirmed.append((tracks.status == Status.CONFIRMED).sum()),
    )  # fmt: skip
    assert sum(confirmed) == 0


def test_want_of_slots_is_counted(made, sensors, plots):
    tracks = run(made, made.suite(sensors, 6), plots, 150.0, slots=2)
    assert (tracks.overflow > 0).all()
    assert tracks.status.shape == (6, 2)


def test_senseless_detections_are_counted_and_dropped(made, sensors, plots):
    suite = made.suite(sensors, 1)
    tracks = run(made, suite, plots[:1], 150.0)
    good, offsets, _ = made.batch(plots[:1], 150.0, 155.0)
    rows = {name: np.array(getattr(good, name)) for name, _ in good.columns()}
    worst = {name: np.concatenate([column[:1]] * 4) for name, column in rows.items()}
    worst["azimuth_rad"][0] = np.nan
    worst["sigma_elevation_rad"][1] = 0.0
    worst["kind"][2] = 7
    worst["sensor"][3] = 99
    bad = type(good).concatenate([type(good)(**worst), good])
    bad = bad.take(np.argsort(bad.time_s, kind="stable"))
    dropped = track(tracks, bad, offsets + np.array([0, 4]), suite, 155.0)
    clean = track(tracks, good, offsets, suite, 155.0)
    assert dropped.overflow[0] == clean.overflow[0] + 4
    assert np.array_equal(dropped.mean, clean.mean)
    assert np.isfinite(dropped.covariance).all()


def test_a_late_detection_is_used_where_it_was(made, sensors, raid):
    """The same plots, the last radar look handed over one step late: as good as in time, and no ghost."""
    calm = [{**s, "false_plots_per_scan": 0.0, "detection_probability": 1.0} for s in sensors[:2]]
    plots = [made.sense(calm, raid[:1], 400.0, 3)]
    suite = made.suite(calm, 1)
    tracks = run(made, suite, plots, 350.0)
    early, offsets, _ = made.batch(plots, 350.0, 355.0)
    assert len(early) > 0
    none, zero, _ = made.batch(plots, 1e6, 2e6)
    late = track(track(tracks, none, zero, suite, 355.0), early, offsets, suite, 360.0)
    more = late.status == Status.CONFIRMED
    assert more.sum() == 1
    assert (late.status != Status.EMPTY).sum() == 1
    error = late.mean[more][0] - raid[0].at(360.0)[0]
    assert error @ np.linalg.solve(late.covariance[more][0], error) < 20.0
    assert np.linalg.norm(error[:3]) < 2_000.0


def test_tracks_without_memory_are_taken_up(made, sensors, plots):
    suite = made.suite(sensors, 6)
    kept = run(made, suite, plots, 300.0)
    told = Tracks(**{item.name: getattr(kept, item.name) for item in fields(Tracks)})
    detections, offsets, _ = made.batch(plots, 300.0, 305.0)
    a, b = (track(tracks, detections, offsets, suite, 305.0) for tracks in (kept, told))
    far = (a.status == Status.CONFIRMED) & (b.status == Status.CONFIRMED) & (a.phase == Phase.COAST)
    assert far.sum() > 10
    assert np.abs(a.mean[far] - b.mean[far])[:, :3].max() < 300.0


def one_track(mean, number, sensors, sigma_m=100.0):
    return {
        "status": 2, "number": number, "mean": mean, "phase": 2, "born_s": 50.0 + number, "updated_s": 295.0,
        "hits": 9, "sensors": sensors, "covariance": np.diag([sigma_m**2] * 3 + [4.0] * 3),
    }  # fmt: skip


def holding(tracks):
    """A row that holds these tracks at 300 s."""
    empty = start(1, 6)
    columns = {item.name: np.copy(getattr(empty, item.name)) for item in fields(Tracks) if item.name != "time_s"}
    for i, entry in enumerate(tracks):
        for name, value in entry.items():
            columns[name][0, i] = value
    columns["next_number"][:] = 9
    return Tracks(time_s=300.0, **columns)


def test_two_tracks_of_one_object_become_one(made, sensors, raid):
    x, _ = raid[2].at(300.0)
    off = np.array([80.0, -60.0, 50.0, 1.0, 0.5, -0.5])
    # One was fed by satellites alone, the other by radars alone.
    given = holding([one_track(x, 3, 0b0011, 200.0), one_track(x + off, 2, 0b1100, 400.0)])
    none, zero, _ = made.batch([([], [])], 0.0, 1.0)
    after = track(given, none, zero, made.suite(sensors, 1), 300.0)
    left = after.status[0] == Status.CONFIRMED
    assert left.sum() == 1
    assert after.number[0][left] == 2
    assert after.sensors[0][left] == 0b1111
    assert after.born_s[0][left] == 52.0
    assert after.mean[0][left][0] == pytest.approx(x, abs=1e-6)


def test_two_objects_side_by_side_stay_two(made, sensors, raid):
    x, _ = raid[2].at(300.0)
    off = np.array([80.0, -60.0, 50.0, 1.0, 0.5, -0.5])
    given = holding([one_track(x, 1, 0b0011), one_track(x + off, 2, 0b0011)])
    none, zero, _ = made.batch([([], [])], 0.0, 1.0)
    after = track(given, none, zero, made.suite(sensors, 1), 300.0)
    assert (after.status == Status.CONFIRMED).sum() == 2


def test_a_track_out_of_sight_is_kept_for_a_while(made, sensors, raid):
    x, _ = raid[2].at(300.0)
    blind = [{**s, "instrumented_range_m": 1e4} for s in sensors]
    suite = made.suite(blind, 1)
    none, zero, _ = made.batch([([], [])], 0.0, 1.0)
    tracks = holding([one_track(x, 1, 0b0011)])
    kept_s = []
    for now in np.arange(305.0, 700.0, 5.0):
        tracks = track(tracks, none, zero, suite, float(now))
        if (tracks.status == Status.CONFIRMED).any():
            kept_s.append(now)
            error = np.linalg.norm(tracks.mean[0, 0, :3] - raid[2].at(now)[0][:3])
            assert error < 50.0
    assert max(kept_s) == 595.0


def test_a_ghost_in_plain_sight_is_not_kept(made, sensors, raid):
    x, _ = raid[2].at(300.0)
    suite = made.suite(sensors, 1)
    none, zero, _ = made.batch([([], [])], 0.0, 1.0)
    tracks = holding([one_track(x, 1, 0b0011)])
    for now in np.arange(305.0, 400.0, 5.0):
        tracks = track(tracks, none, zero, suite, float(now))
    assert (tracks.status == Status.EMPTY).all()


def test_settings_refuse_senseless_numbers():
    with pytest.raises(AssertionError, match="gate_sigmas"):
        Settings(gate_sigmas=-1.0)
    assert np.isfinite(Settings().packed()).all()


def heard_late(made, suite, plots, until_s, wait_s, moments, tick_s=TICK_S):
    """As ``run``, but row ``k`` of a replicate's list comes in ``wait_s(row, k)`` after its time."""
    tracks, before = start(len(plots), SLOTS, moments), 0.0
    for now in np.arange(tick_s, until_s + 1e-9, tick_s):
        here = []
        for rows, key in plots:
            picked = [k for k, row in enumerate(rows) if before < row[0] + wait_s(row, k) <= now]
            here.append(([rows[k] for k in picked], [key[k] for k in picked]))
        detections, offsets, _ = made.batch(here, -1.0, now)
        tracks = track(tracks, detections, offsets, suite, float(now), Settings())
        before = now
    return tracks


def test_memory_changes_nothing_of_what_comes_in_time(made, sensors, plots):
    suite = made.suite(sensors, 2)
    without, kept = (
        heard_late(made, suite, plots[:2], 400.0, lambda row, k: 0.0, moments) for moments in (0, moments_of(TICK_S))
    )
    assert kept.past_s.shape == (2, SLOTS, 7)
    assert (kept.past_number > 0).any()
    assert same(replace(kept, **{name: getattr(without, name) for name in PAST}), without)


def test_a_burning_missile_heard_late_does_not_spoil_the_coasting_track(made, sensors, raid):
    """Plots from before a burnout reach a track that coasts by then: they say little of it, and it is not misled."""
    radars = sensors[:2]
    plots, suite = [made.sense(radars, raid, 400.0, 25)], made.suite(radars, 1)
    tracks = heard_late(made, suite, plots, 400.0, lambda row, k: 10.0 * (row[1] == 1), moments_of(TICK_S))
    state, phase = raid[4].at(400.0)
    assert phase == Phase.COAST
    held = np.flatnonzero(tracks.status[0] == Status.CONFIRMED)
    nearest = held[np.linalg.norm(tracks.mean[0, held, :3] - state[:3], axis=1).argmin()]
    error = tracks.mean[0, nearest] - state
    assert np.linalg.norm(error[:3]) < 500.0
    assert error @ np.linalg.solve(tracks.covariance[0, nearest], error) < 20.0


@pytest.fixture(scope="module")
def descents(made):
    """Ten bodies in each of six replicates, seen by one radar once a second as they coast and fall into the air: suite,
    plots, where they are after 90 s (10, 7), and how late each plot comes: three in ten, by up to 30 s.
    """
    from tests import made_tracking as falls

    axes, site = falls.site_axes()
    sigmas = {"sigma_range_m": 50.0, "sigma_azimuth_rad": 1e-3, "sigma_elevation_rad": 1e-3}
    radar = made.radar("one", 42.0, 35.0, height_m=0.0, revisit_s=1.0, offset_s=0.0, **sigmas)
    plots, last = [], []
    for seed in range(6):
        chance = np.random.default_rng(seed)
        away, bearing = chance.uniform(2e5, 5e5, 10), np.linspace(-2.5, 2.5, 10) + chance.uniform(-0.1, 0.1, 10)
        level = chance.uniform(500.0, 2_500.0, 10)[:, None] * np.stack([-np.sin(bearing), -np.cos(bearing)], axis=1)
        local = np.stack([away * np.sin(bearing), away * np.cos(bearing), chance.uniform(1.3e5, 1.8e5, 10)], axis=1)
        speed = np.hstack([level, chance.uniform(-1_500.0, -500.0, (10, 1))])
        states, light, rows = np.hstack([site + local @ axes, speed @ axes]), np.full(10, 1 / 800.0), []
        for now in range(1, 91):
            states = falls.fall(states, light, 1.0)
            for up, across, far in falls.measured(states, chance)[chance.random(10) < 0.9]:
                rows.append((float(now), 0, 1, far, across % (2 * np.pi), up, 50.0, 1e-3, 1e-3))
        plots.append((rows, [-1] * len(rows)))
        last.append(states)
    chance = np.random.default_rng(9)
    waits = np.where(chance.random(1_000) < 0.3, chance.uniform(1.0, 30.0, 1_000), 0.0)
    return made.suite([radar], 6), plots, last, lambda row, k: min(waits[k], 90.0 - row[0])


def test_a_centre_hears_late_as_well_as_in_time(made, descents):
    """Tracks fed late are as near as in order, and as sure. Without memory they are surer than all there is to know in
    order would let them be: what was known before a late plot's moment would count twice.
    """
    suite, plots, last, late_s = descents
    off, spread, nees = {}, {}, {}
    for name, wait_s, moments in (
        ("in order", lambda row, k: 0.0, 0), ("late", late_s, moments_of(1.0)), ("forgetful", late_s, 0)
    ):  # fmt: skip
        tracks = heard_late(made, suite, plots, 90.0, wait_s, moments, 1.0)
        errors, covariances = [], []
        for r, states in enumerate(last):
            held = np.flatnonzero(tracks.status[r] == Status.CONFIRMED)
            nearest = held[np.linalg.norm(states[:, None, :3] - tracks.mean[r, held, :3], axis=2).argmin(axis=1)]
            errors.append(tracks.mean[r, nearest] - states[:, :6])
            covariances.append(tracks.covariance[r, nearest])
        errors, covariances = np.concatenate(errors), np.concatenate(covariances)
        off[name] = np.sqrt((errors[:, :3] ** 2).sum(axis=1).mean())
        spread[name] = np.sqrt(np.trace(covariances[:, :3, :3], axis1=1, axis2=2).mean())
        nees[name] = (errors * np.linalg.solve(covariances, errors[:, :, None])[:, :, 0]).sum(axis=1).mean()
    assert off["in order"] < 200.0
    assert off["late"] < 1.02 * off["in order"]
    assert spread["late"] == pytest.approx(spread["in order"], rel=0.02)
    assert spread["forgetful"] < 0.97 * spread["in order"]
    assert nees["late"] == pytest.approx(nees["in order"], rel=0.05)
