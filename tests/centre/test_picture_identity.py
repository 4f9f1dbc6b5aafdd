"""Who is who: one object keeps its line through hand-over, a silent link and lies, and beliefs can be taken back."""

import numpy as np
import pytest
from tests import made_picture as made

from detente.centre.picture.estimates import estimate
from detente.centre.picture.fusion import fuse, start_picture
from detente.centre.picture.identity import EPOCHS, NUMBERS, global_numbers, in_epoch, local_numbers, track_name
from detente.centre.picture.partner import receive, start_partner
from detente.centre.picture.warnings import start_issued, warn_picture
from detente.records.errors import PeerError
from detente.records.slots import Origin, Status

GROUND = made.territories()
SLOTS, OTHERS = 2, 3
TRACK, SENSOR_STATUS, TRACKLET = 3, 4, 5
HALF = np.array([0.5, 0.5])


class Watch:
    """West's picture of one missile bound for it, tick by tick; East tells of the same one."""

    def __init__(self, data=TRACK):
        self.data, self.said, self.warned = data, None, []
        self.partner, self.picture = start_partner(1, OTHERS, 2), start_picture(1, SLOTS, OTHERS, 2)
        self.issued = start_issued(1, SLOTS + OTHERS, 2)

    def tick(self, now_s, *, own=1, told=True, number=7, off_m=0.0, epoch=0):
        """``own``: number of the own track, None for none. ``off_m``: how far East's word is from the truth."""
        mean, spread = made.moved(made.state(-45.0), now_s), made.covariance(300.0, 3.0)
        tracks = made.tracks([] if own is None else [mean], [] if own is None else [spread], time_s=now_s,
                             slots=SLOTS, numbers=[] if own is None else [own])  # fmt: skip
        self.said = estimate(tracks, self.said, GROUND)
        word = mean + np.array([off_m, 0.0, 0.0, 0.0, 0.0, 0.0])
        words = [made.message(word, spread, number=number, valid_s=now_s, data=self.data)] if told else []
        table, offsets = made.table(*words)
        self.partner = receive(
            self.partner, in_epoch(table, epoch), offsets, made.WEST, GROUND, now_s, shown=self.picture
        )
        self.picture = fuse(tracks, self.said, self.partner, made.WEST, GROUND, now_s, self.picture)
        warnings, self.issued = warn_picture(self.picture, self.issued, HALF, made.WEST)
        self.warned += [now_s] * len(warnings)
        return self.picture

    @property
    def shown(self):
        """(origin, number) of every confirmed line."""
        lines = np.flatnonzero(self.picture.status[0] == Status.CONFIRMED)
        return [(int(self.picture.origin[0, k]), int(self.picture.number[0, k])) for k in lines]


def test_a_restart_renumbers_tracks_but_no_sensors():
    """Also where a sensor's state and a track are told in one table."""
    words = (made.message(made.state(), made.covariance(), number=3), made.message(number=3, data=SENSOR_STATUS))
    table, _ = made.table(*words)
    assert in_epoch(table, 2).number.tolist() == [2 * NUMBERS + 3, 3]
    assert in_epoch(table.take(table.data == TRACK), 2).number.tolist() == [2 * NUMBERS + 3]


@pytest.mark.parametrize("data", [TRACK, TRACKLET])
def test_a_hand_over_to_the_partner_and_back_is_one_object_warned_of_once(data):
    watch = Watch(data)
    for now_s in (0.0, 10.0, 20.0):
        watch.tick(now_s)
    assert watch.shown == [(Origin.FUSED, 1)]
    for now_s in (30.0, 40.0):
        watch.tick(now_s, own=None)
    assert watch.shown == [(Origin.PARTNER, 7)]
    for now_s in (50.0, 60.0):
        watch.tick(now_s, own=2)
    assert watch.shown == [(Origin.FUSED, 2)]
    assert watch.warned == [10.0]


@pytest.mark.parametrize("data", [TRACK, TRACKLET])
def test_a_silent_link_leaves_the_own_line_and_the_pair_comes_back(data):
    watch = Watch(data)
    for now_s in (0.0, 10.0):
        watch.tick(now_s)
    for now_s in range(20, 130, 10):
        watch.tick(float(now_s), told=False)
        assert watch.shown == [(Origin.FUSED, 1)]
    watch.tick(140.0, told=False)
    assert watch.shown == [(Origin.OWN, 1)]
    assert np.array_equal(watch.picture.covariance[0, 0], made.covariance(300.0, 3.0))
    watch.tick(150.0)
    assert watch.shown == [(Origin.FUSED, 1)]
    assert watch.warned == [10.0]


@pytest.mark.parametrize("data", [TRACK, TRACKLET])
def test_a_lie_ends_the_belief_and_the_truth_restores_it(data):
    watch = Watch(data)
    for now_s in (0.0, 10.0):
        watch.tick(now_s)
    watch.tick(20.0, off_m=500e3)
    assert watch.shown == [(Origin.OWN, 1), (Origin.PARTNER, 7)]
    assert np.array_equal(watch.picture.mean[0, 0], made.moved(made.state(-45.0), 20.0))
    assert np.array_equal(watch.picture.covariance[0, 0], made.covariance(300.0, 3.0))
    watch.tick(30.0)
    assert watch.shown == [(Origin.FUSED, 1)]


def test_a_small_lie_told_as_increments_is_left_behind_with_the_next_truth():
    """A partner that pulls a fused state away from the own track has it begun anew from that track."""
    watch = Watch(TRACKLET)
    for now_s in (0.0, 5.0, 10.0):
        watch.tick(now_s)
    for step in range(1, 9):
        watch.tick(10.0 + 5.0 * step, off_m=250.0 * step)
        lines = np.flatnonzero(watch.picture.origin[0] <= Origin.FUSED)
        off = watch.picture.mean[0, lines[0]] - made.moved(made.state(-45.0), 10.0 + 5.0 * step)
        assert off @ np.linalg.solve(made.covariance(300.0, 3.0), off) < 30.0
    watch.tick(55.0, told=False)
    watch.tick(60.0, own=1, told=True)
    assert np.abs(watch.picture.mean[0, 0, :3] - made.moved(made.state(-45.0), 60.0)[:3]).max() < 1_000.0


def test_a_partner_that_starts_anew_does_not_take_over_its_old_lines():
    watch = Watch()
    watch.tick(0.0, own=None, number=1)
    watch.tick(10.0, own=None, number=1, off_m=900e3, epoch=1)
    assert watch.shown == [(Origin.PARTNER, 1), (Origin.PARTNER, NUMBERS + 1)]
    epochs, numbers = local_numbers(watch.picture.number[0, SLOTS : SLOTS + 2])
    assert (epochs.tolist(), numbers.tolist()) == ([0, 1], [1, 1])


def test_what_is_no_epoch_and_no_number_is_the_partners_mistake():
    assert global_numbers(0, np.array([1, 2])).tolist() == [1, 2]
    assert int(global_numbers(EPOCHS - 1, np.array([NUMBERS - 1]))[0]) < 2**53
    for epoch, number in ((-1, 1), (0, 0), (0, NUMBERS)):
        with pytest.raises(PeerError):
            global_numbers(epoch, np.array([number]))


def test_an_epoch_is_any_whole_number_and_near_ones_are_told_apart():
    """As the seconds in which a store was made, and made again, and again."""
    made_s = [1_790_000_000, 1_790_000_001, 1_790_000_000 + EPOCHS - 1]
    numbers = [int(global_numbers(epoch, np.array([5]))[0]) for epoch in made_s]
    assert len(set(numbers)) == 3
    assert max(numbers) < 2**53
    assert [track_name("East", number) for number in (5, NUMBERS + 7)] == ["East-5", "East-7@1"]
