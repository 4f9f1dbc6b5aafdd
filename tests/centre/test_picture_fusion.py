"""One picture of own and partners' tracks: one line for one object, and own tracks as they were."""

import math

import numpy as np
import pytest
from tests import made_picture as made

from detente.centre.picture.estimates import estimate
from detente.centre.picture.fusion import Rule, covariance_intersection, fuse, naive_product, start_picture
from detente.centre.picture.partner import receive, start_partner
from detente.centre.picture.settings import PictureSettings
from detente.records.slots import Origin, Phase, Status

GROUND = made.territories()
SLOTS, OTHERS = 6, 4


def pictured(tracks, *messages, previous=None, own_side=made.WEST, ground=GROUND, sides=2, settings=None):
    """The picture after these messages, and the two halves it was made of."""
    settings = PictureSettings() if settings is None else settings
    own = estimate(tracks, None, ground, settings)
    rows = tracks.status.shape[0]
    partner = start_partner(rows, OTHERS, sides)
    table, offsets = made.table(*messages)
    partner = receive(
        partner, table, np.append(offsets, np.full(rows - 1, offsets[-1])), own_side, ground, tracks.time_s
    )
    return fuse(tracks, own, partner, own_side, ground, tracks.time_s, previous, settings), own, partner


def salvo(count, seed=0, apart_m=20e3):
    """States of missiles launched together, some way apart."""
    rng = np.random.default_rng(seed)
    states = np.array([made.state(azimuth_deg=-40.0 + 0.3 * k) for k in range(count)])
    states[:, :3] += apart_m * rng.normal(size=(count, 3))
    return states


def test_alone_the_picture_is_the_own_tracks():
    tracks = made.tracks(salvo(3), [made.covariance(seed=k) for k in range(3)], slots=SLOTS)
    picture, own, _ = pictured(tracks)
    assert np.array_equal(picture.status[:, :SLOTS], tracks.status)
    assert np.array_equal(picture.mean[:, :SLOTS], tracks.mean)
    assert np.array_equal(picture.covariance[:, :SLOTS], tracks.covariance)
    assert np.array_equal(picture.estimates.lines[:, :, :SLOTS], own.lines)
    assert picture.origin[0].tolist() == [Origin.OWN] * 3 + [0] * (SLOTS - 3 + OTHERS)
    assert (picture.twin == -1).all()
    assert picture.status[:, SLOTS:].sum() == 0


def test_the_same_object_is_one_line():
    states = salvo(3)
    spread = made.covariance(800.0, 12.0)
    tracks = made.tracks(states, [spread] * 3, slots=SLOTS)
    theirs = made.covariance(300.0, 20.0)
    said = [made.message(states[k] + 50.0, theirs, number=10 + k) for k in (2, 0)]
    picture, _, partner = pictured(tracks, *said)
    slot = {int(n): int(q) for q, n in enumerate(partner.number[0])}
    assert picture.origin[0, :3].tolist() == [Origin.FUSED, Origin.OWN, Origin.FUSED]
    assert picture.twin[0, :3].tolist() == [SLOTS + slot[10], -1, SLOTS + slot[12]]
    assert picture.status[0, SLOTS:].sum() == 0
    assert picture.twin[0, SLOTS + slot[10]] == 0
    assert picture.number[0, SLOTS + slot[12]] == 12
    assert picture.sensors[0, :3].tolist() == [3, 1, 3]
    mean, covariance, weight = covariance_intersection(
        tracks.mean[0, :1], tracks.covariance[0, :1], (states[0] + 50.0)[None], theirs[None]
    )
    assert 0.0 < weight[0] < 1.0
    assert np.allclose(picture.mean[0, 0], mean[0], rtol=1e-12)
    assert np.allclose(picture.covariance[0, 0], covariance[0], rtol=1e-9)


def test_what_only_a_partner_holds_is_its_own_line():
    ours, theirs = made.state(azimuth_deg=-40.0), made.state(azimuth_deg=0.0)
    tracks = made.tracks([ours], [made.covariance()], slots=SLOTS, time_s=10.0)
    picture, _, partner = pictured(tracks, made.message(theirs, made.covariance(), number=5, valid_s=2.0))
    assert picture.origin[0, SLOTS] == Origin.PARTNER
    assert (picture.status[0, SLOTS], picture.giver[0, SLOTS], picture.number[0, SLOTS]) == (2, made.EAST, 5)
    assert np.allclose(picture.mean[0, SLOTS], made.moved(theirs, 8.0), atol=0.01)
    assert np.linalg.det(picture.covariance[0, SLOTS]) > np.linalg.det(made.covariance())
    assert np.array_equal(picture.estimates.lines[:, 0, SLOTS], partner.estimates.lines[:, 0, 0])


def test_pairs_are_one_to_one_and_the_likelier_wins():
    state = made.state()
    near, far = state.copy(), state.copy()
    near[0] += 100.0
    far[0] += 900.0
    tracks = made.tracks([state], [made.covariance()], slots=SLOTS)
    picture, _, _ = pictured(
        tracks, made.message(far, made.covariance(), number=1), made.message(near, made.covariance(), number=2)
    )
    assert picture.twin[0, 0] == SLOTS + 1
    assert picture.status[0, SLOTS : SLOTS + 2].tolist() == [Status.CONFIRMED, Status.EMPTY]
    equal = [made.message(state, made.covariance(), number=n) for n in (1, 2)]
    picture, _, _ = pictured(tracks, *equal)
    assert picture.twin[0, 0] == SLOTS


def test_a_tentative_track_is_shown_but_not_paired():
    state = made.state()
    tracks = made.tracks([state], [made.covariance()], slots=1, status=np.full((1, 1), Status.TENTATIVE, np.uint8))
    picture, _, _ = pictured(tracks, made.message(state, made.covariance()))
    assert picture.status[0].tolist() == [Status.TENTATIVE, Status.CONFIRMED, 0, 0, 0]
    assert picture.origin[0, :2].tolist() == [Origin.OWN, Origin.PARTNER]


def test_the_pair_of_the_tick_before_is_kept_where_two_are_as_likely():
    state = made.state()
    other = state.copy()
    other[0] += 300.0
    tracks = made.tracks([state], [made.covariance()], slots=SLOTS)
    first, _, _ = pictured(tracks, made.message(other, made.covariance(), number=1))
    assert first.twin[0, 0] == SLOTS
    both = [made.message(other, made.covariance(), number=1), made.message(state, made.covariance(), number=2)]
    assert pictured(tracks, *both, previous=first)[0].twin[0, 0] == SLOTS
    assert pictured(tracks, *both)[0].twin[0, 0] == SLOTS + 1


def test_a_coarsened_track_pairs_by_position():
    state = made.state()
    off = state.copy()
    off[3:] += 200.0
    tracks = made.tracks([state], [made.covariance()], slots=SLOTS)
    assert pictured(tracks, made.message(off, made.covariance()))[0].origin[0, 0] == Origin.OWN
    assert pictured(tracks, made.message(off, made.covariance(), coarsened=1))[0].origin[0, 0] == Origin.FUSED


def test_an_old_boosting_state_counts_for_little():
    state = made.state()
    tracks = made.tracks([made.moved(state, 20.0)], [made.covariance()], slots=SLOTS, time_s=20.0)
    spread = made.covariance(100.0, 1.0)
    burning, _, _ = pictured(tracks, made.message(state, spread, phase=Phase.BOOST))
    coasting, _, _ = pictured(tracks, made.message(state, spread))
    assert np.linalg.det(coasting.covariance[0, 0]) < 1e-6 * np.linalg.det(burning.covariance[0, 0])
    assert burning.phase[0, 0] == Phase.COAST


def test_whoever_still_sees_it_burn_is_believed():
    state = made.state()
    tracks = made.tracks([state], [made.covariance()], phase=np.full((1, 1), Phase.BOOST, np.uint8))
    theirs = made.message(state, made.covariance(2_000.0, 4.0))
    picture, _, partner = pictured(tracks, theirs)
    assert (picture.origin[0, 0], picture.phase[0, 0]) == (Origin.FUSED, Phase.BOOST)
    assert partner.estimates.impact_valid[0, 0] == 1
    assert picture.estimates.foretold[0, 0] == 0
    assert picture.estimates.impact_s[0, 0] != partner.estimates.impact_s[0, 0]


def test_the_fused_line_predicts_its_own_impact():
    mean = made.state()
    ours, theirs = made.covariance(400.0, 40.0), made.covariance(4_000.0, 4.0)
    tracks = made.tracks([mean], [ours], slots=SLOTS)
    picture, own, partner = pictured(tracks, made.message(mean, theirs))
    area = [np.linalg.det(_ellipse(e.estimates if hasattr(e, "estimates") else e)) for e in (picture, own, partner)]
    assert area[0] < area[1]
    assert area[0] < area[2] * 1.5
    assert picture.estimates.number[0, 0] == tracks.number[0, 0]
    kept = fuse(tracks, own, partner, made.WEST, GROUND, 0.0, picture)
    assert np.array_equal(kept.estimates.lines, picture.estimates.lines)


def _ellipse(estimates):
    ee, en, nn = estimates.impact_covariance_m2[0, 0]
    return np.array([[ee, en], [en, nn]])


def warned(estimates, slot=0, **changes):
    """A warning that says what this estimate says."""
    e = estimates
    return made.warning(
        impact=(e.impact_lat_rad[0, slot], e.impact_lon_rad[0, slot], e.impact_s[0, slot], 20e3, 30.0),
        launch=(e.launch_lat_rad[0, slot], e.launch_lon_rad[0, slot], e.launch_s[0, slot], 10e3), **changes,
    )  # fmt: skip


def test_a_warning_pairs_by_its_impact():
    tracks = made.tracks([made.state(-40.0), made.state(-38.0)], [made.covariance()] * 2, slots=SLOTS)
    own = estimate(tracks, None, GROUND)
    picture, _, _ = pictured(tracks, warned(own, 1, number=9))
    assert picture.origin[0, :2].tolist() == [Origin.OWN, Origin.FUSED]
    assert picture.twin[0, 1] == SLOTS
    assert np.array_equal(picture.mean[0, 1], tracks.mean[0, 1])
    elsewhere = made.warning(impact=(0.8, 0.6, 900.0, 20e3, 30.0), number=9)
    picture, _, _ = pictured(tracks, elsewhere)
    assert picture.origin[0, :2].tolist() == [Origin.OWN] * 2
    assert (picture.status[0, SLOTS], picture.has_state[0, SLOTS]) == (Status.CONFIRMED, 0)
    assert not picture.mean[0, SLOTS].any()


def test_a_boosting_own_track_takes_the_partners_word_for_its_impact():
    tracks = made.tracks([made.state()], [made.covariance()], slots=SLOTS)
    word = warned(estimate(tracks, None, GROUND))
    burning = made.replaced(tracks, phase=np.full((1, SLOTS), Phase.BOOST, np.uint8))
    picture, own, partner = pictured(burning, word)
    assert own.foretold[0, 0] == 0
    assert picture.origin[0, 0] == Origin.FUSED
    assert picture.estimates.impact_s[0, 0] == partner.estimates.impact_s[0, 0]


def test_a_launch_alone_pairs_only_where_one_missile_can_be_meant():
    one = made.tracks([made.state()], [made.covariance()], slots=SLOTS)
    own = estimate(one, None, GROUND)
    launch = (own.launch_lat_rad[0, 0], own.launch_lon_rad[0, 0], own.launch_s[0, 0], 10e3)
    picture, _, _ = pictured(one, made.warning(launch=launch))
    assert picture.origin[0, 0] == Origin.FUSED
    two = made.tracks([made.state(), made.state(-39.0)], [made.covariance()] * 2, slots=SLOTS)
    picture, _, _ = pictured(two, made.warning(launch=launch))
    assert picture.origin[0, :2].tolist() == [Origin.OWN] * 2
    assert picture.origin[0, SLOTS] == Origin.PARTNER


def test_two_partners_may_hold_what_we_hold_and_what_we_do_not():
    ground = made.three_territories()
    ours, theirs = made.state(-40.0), made.state(0.0)
    spread = made.covariance()
    tracks = made.tracks([ours], [spread], slots=SLOTS)
    said = [made.message(state, spread, giver=g, number=g) for g in (1, 2) for state in (ours,)]
    said += [made.message(theirs, spread, giver=g, number=10 + g) for g in (1, 2)]
    picture, _, partner = pictured(tracks, *said, ground=ground, sides=3)
    where = {int(n): SLOTS + q for q, n in enumerate(partner.number[0])}
    assert picture.origin[0, 0] == Origin.FUSED
    assert picture.twin[0, where[1]] == 0
    assert picture.twin[0, where[2]] == 0
    assert picture.origin[0, where[11]] == Origin.PARTNER
    assert picture.twin[0, where[12]] == where[11]
    assert picture.status[0].tolist().count(Status.CONFIRMED) == 2


def test_an_echo_of_our_own_track_teaches_us_nothing():
    mean, spread = made.state(), made.covariance(seed=6)
    tracks = made.tracks([mean], [spread], slots=SLOTS)
    picture, _, _ = pictured(tracks, made.message(mean, spread))
    assert np.allclose(picture.mean[0, 0], mean, rtol=0, atol=1e-6)
    assert np.allclose(picture.covariance[0, 0], spread, rtol=1e-9)
    _, halved, _ = naive_product(mean[None], spread[None], mean[None], spread[None])
    assert np.allclose(halved[0], spread / 2, rtol=1e-9)


def test_what_is_not_a_covariance_is_not_combined():
    mean, spread = made.state()[None], made.covariance()[None]
    assert covariance_intersection(mean, spread, mean, -spread)[2].tolist() == [-1.0]
    assert covariance_intersection(mean, np.full((1, 6, 6), np.nan), mean, spread)[2].tolist() == [-1.0]
    assert naive_product(mean, spread, mean, -spread)[2].tolist() == [-1.0]


def test_own_tracks_are_the_same_whatever_a_partner_says():
    tracks = made.tracks(salvo(3), [made.covariance(seed=k) for k in range(3)], slots=SLOTS)
    before = made.replaced(tracks, **{n: getattr(tracks, n).copy() for n in ("mean", "covariance", "status", "number")})
    own_before = estimate(tracks, None, GROUND)
    lie = made.message(tracks.mean[0, 0], 1e-4 * made.covariance(), phase=Phase.REENTRY, sensors=63)
    _, own_after, _ = pictured(tracks, lie)
    assert made.same_arrays(tracks, before) == []
    assert made.same_arrays(own_before, own_after) == []


def test_a_row_does_not_depend_on_the_rows_beside_it():
    states = salvo(8, seed=3).reshape(2, 4, 6)
    spreads = np.array([made.covariance(seed=k) for k in range(8)]).reshape(2, 4, 6, 6)
    base = made.tracks(states[0], spreads[0], rows=2)
    tracks = made.replaced(base, mean=states, covariance=spreads, first_mean=states, first_covariance=spreads)
    messages = [
        made.message(states[r, k] + 30.0, made.covariance(seed=40 + k), number=k + 1) for r in range(2) for k in (1, 3)
    ]
    table, _ = made.table(*messages)
    partner = receive(start_partner(2, OTHERS, 2), table, np.array([0, 2, 4]), made.WEST, GROUND, 0.0)
    together = fuse(tracks, estimate(tracks, None, GROUND), partner, made.WEST, GROUND, 0.0)
    for r in range(2):
        alone, _, _ = pictured(made.tracks(states[r], spreads[r]), *messages[2 * r : 2 * r + 2])
        for name in ("status", "origin", "twin", "mean", "covariance", "sensors"):
            assert np.array_equal(getattr(alone, name)[0], getattr(together, name)[r]), name
        assert np.array_equal(alone.estimates.lines[:, 0], together.estimates.lines[:, r])


def test_nothing_known_is_an_empty_picture():
    picture, _, _ = pictured(made.tracks([], [], slots=SLOTS))
    assert made.same_arrays(made.replaced(picture, tracks=None, partner=None), start_picture(1, SLOTS, OTHERS, 2)) == []
    assert math.isclose(picture.time_s, 0.0)
    with pytest.raises(AssertionError):
        fuse(made.tracks([], [], slots=2, time_s=5.0), None, start_partner(1, 1, 2), 0, GROUND, 6.0)


def rules_of(**changes):
    """The rule that joined one own track and a licensed word of it, after two ticks; ``changes`` to that word."""
    previous = None
    for _ in range(2):
        tracks = made.tracks([made.state()], [made.covariance()], slots=SLOTS)
        word = made.message(made.state(), made.covariance(700.0, 8.0), **{"data": 5, "sensors": 2, **changes})
        previous, _, _ = pictured(tracks, word, previous=previous)
    return Rule(int(previous.rule[0, 0]))


def test_increments_are_added_only_where_licence_pedigree_and_phase_allow():
    assert rules_of() == Rule.INCREMENTS
    assert rules_of(data=3) == Rule.INTERSECTION  # no licence
    assert rules_of(sensors=0) == Rule.INTERSECTION  # pedigree unknown
    assert rules_of(sensors=3) == Rule.INTERSECTION  # it holds what we know ourselves
    assert rules_of(coarsened=1) == Rule.INTERSECTION
    assert rules_of(phase=Phase.REENTRY) == Rule.INTERSECTION


def test_a_tracklet_that_says_nothing_new_adds_nothing():
    states = []
    previous = None
    for _ in range(4):
        tracks = made.tracks([made.state()], [made.covariance()], slots=SLOTS)
        previous, _, _ = pictured(tracks, made.message(made.state(), made.covariance(700.0, 8.0), data=5),
                                  previous=previous)  # fmt: skip
        states.append(previous.covariance[0, 0])
    assert np.allclose(states[1:], states[0], rtol=1e-6)
