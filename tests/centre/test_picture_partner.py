"""What partners' messages leave behind: the newest sound statement of each kind, and nothing of the rest."""

import itertools
import math

import numpy as np
import pytest
from tests import made_picture as made

from detente.centre.picture.estimates import estimate
from detente.centre.picture.partner import canonical_order, check_message, receive, start_partner
from detente.centre.picture.settings import PictureSettings
from detente.records.errors import PeerError
from detente.records.slots import Phase, Status

GROUND = made.territories()
BERLIN = (math.radians(52.5), math.radians(13.4))
TEHRAN = (math.radians(35.7), math.radians(51.4))


def heard(*messages, partner=None, now_s=10.0, **settings):
    """What is known after these messages."""
    partner = start_partner(1, 4, 2) if partner is None else partner
    return receive(partner, *made.table(*messages), made.WEST, GROUND, now_s, PictureSettings(**settings))


def test_a_track_is_kept_at_the_time_it_speaks_of():
    mean, spread = made.state(), made.covariance(seed=2)
    known = heard(made.message(mean, spread, number=7, valid_s=4.0, coarsened=1, sensors=6))
    assert known.status.tolist() == [[Status.CONFIRMED, 0, 0, 0]]
    assert (known.giver[0, 0], known.number[0, 0], known.has_state[0, 0]) == (made.EAST, 7, 1)
    assert (known.valid_s[0, 0], known.received_s[0, 0], known.sensors[0, 0]) == (4.0, 10.0, 6)
    assert (known.coarsened[0, 0], known.phase[0, 0]) == (1, Phase.COAST)
    assert np.array_equal(known.mean[0, 0], mean)
    assert np.allclose(known.covariance[0, 0], spread, rtol=1e-15)


def test_the_receiver_works_out_impact_and_threat_by_its_own_map():
    mean, spread = made.state(), made.covariance()
    known = heard(made.message(mean, spread, valid_s=4.0))
    own = estimate(made.tracks([mean], [spread], time_s=4.0), None, GROUND)
    assert known.estimates.impact_lat_rad[0, 0] == own.impact_lat_rad[0, 0]
    assert known.estimates.impact_s[0, 0] == own.impact_s[0, 0]
    assert known.estimates.threat_probability[0, 0].tolist() == own.threat_probability[0, 0].tolist()
    stated = heard(made.warning(impact=(*BERLIN, 900.0, 20_000.0, 30.0), valid_s=4.0))
    assert stated.estimates.threat_probability[0, 0].tolist() == pytest.approx([1.0, 0.0])
    assert stated.has_state[0, 0] == 0


def test_two_words_alike_but_for_what_they_say_are_in_one_order_among_others():
    """Whatever the order in which all of them came; a repeated word only beside one that differs is a tie."""
    spread = made.covariance()
    alike = [made.message(made.state(azimuth_deg=turn), spread, number=3, valid_s=4.0) for turn in (10, 20)]
    another = made.message(made.state(), spread, number=5, valid_s=4.0)
    stranger = made.message(  # in another row, and unlike in all else that orders
        made.state(), spread, number=1, valid_s=3.0, giver=2, data=5, clause=7, released_s=9.0
    )
    said, rows = [stranger, *alike, another], np.array([1, 0, 0, 0])
    orders = set()
    for order in itertools.permutations(range(4)):
        table, _ = made.table(*(said[i] for i in order))
        found = canonical_order(table, rows[list(order)])
        assert table.number[found].tolist() == [3, 3, 5, 1]
        orders.add(tuple(np.array(order)[found].tolist()))
    assert len(orders) == 1


def test_the_older_never_overwrites_the_newer():
    old, new = made.state(), made.state(azimuth_deg=-30.0)
    spread = made.covariance()
    known = heard(made.message(new, spread, valid_s=9.0), now_s=10.0)
    known = heard(made.message(old, spread, valid_s=3.0), partner=known, now_s=15.0)
    assert np.array_equal(known.mean[0, 0], new)
    assert (known.valid_s[0, 0], known.received_s[0, 0]) == (9.0, 10.0)
    first = heard(made.warning(impact=(*BERLIN, 900.0, 20_000.0, 30.0), valid_s=9.0))
    late = made.warning(impact=(*TEHRAN, 900.0, 20_000.0, 30.0), launch=(*TEHRAN, -60.0, 10_000.0), valid_s=3.0)
    after = heard(late, partner=first, now_s=15.0)
    assert after.estimates.impact_lat_rad[0, 0] == BERLIN[0]
    assert after.estimates.launch_lat_rad[0, 0] == TEHRAN[0]


def test_a_state_speaks_for_itself_once_it_no_longer_boosts():
    spread = made.covariance()
    stated = made.warning(impact=(*TEHRAN, 900.0, 20_000.0, 30.0), valid_s=5.0)
    boosting = heard(stated, made.message(made.state(), spread, valid_s=5.0, phase=Phase.BOOST))
    assert boosting.estimates.impact_lat_rad[0, 0] == TEHRAN[0]
    coasting = heard(stated, made.message(made.state(), spread, valid_s=5.0))
    assert coasting.estimates.impact_lat_rad[0, 0] == pytest.approx(math.radians(55.0), abs=0.05)
    again = heard(made.warning(impact=(*TEHRAN, 900.0, 20_000.0, 30.0), valid_s=9.0), partner=coasting)
    assert again.estimates.impact_lat_rad[0, 0] == coasting.estimates.impact_lat_rad[0, 0]


def test_a_partners_track_is_foretold_as_our_own_would_be():
    """Whatever other covariances went through the room on the way."""
    mean, spread = made.state(), made.covariance(800.0, 12.0, seed=3)
    own = estimate(made.tracks([mean], [spread], time_s=5.0), None, GROUND)
    wild = made.covariance(9_000.0, 90.0, seed=5)
    known = heard(
        made.message(mean, spread, number=1, valid_s=5.0), made.message(made.state(20.0), wild, number=2, valid_s=5.0)
    )
    assert np.allclose(known.estimates.impact_covariance_m2[0, 0], own.impact_covariance_m2[0, 0], rtol=1e-9)
    assert known.estimates.impact_sigma_s[0, 0] == pytest.approx(own.impact_sigma_s[0, 0], rel=1e-9)


def test_a_line_is_let_go_when_it_has_had_its_time():
    track = heard(made.message(made.state(), made.covariance(), valid_s=5.0))
    assert heard(partner=track, now_s=125.0).status[0, 0] == Status.CONFIRMED
    assert made.same_arrays(heard(partner=track, now_s=126.0), start_partner(1, 4, 2)) == []
    falling = heard(made.message(made.state(climb_deg=-40.0), made.covariance(), valid_s=5.0, phase=Phase.REENTRY))
    assert heard(partner=falling, now_s=34.0).status[0, 0] == Status.CONFIRMED
    assert heard(partner=falling, now_s=36.0).status[0, 0] == Status.EMPTY
    landing = heard(made.message(made.state(climb_deg=-60.0, height_m=120e3), made.covariance(), valid_s=5.0))
    down_s = landing.estimates.impact_s[0, 0]
    assert 20.0 < down_s < 60.0
    assert heard(partner=landing, now_s=down_s + 29.0).status[0, 0] == Status.CONFIRMED
    assert heard(partner=landing, now_s=down_s + 31.0).status[0, 0] == Status.EMPTY
    impact = heard(made.warning(impact=(*BERLIN, 900.0, 20_000.0, 30.0), valid_s=5.0))
    assert heard(partner=impact, now_s=929.0).status[0, 0] == Status.CONFIRMED
    assert heard(partner=impact, now_s=931.0).status[0, 0] == Status.EMPTY
    launch = heard(made.warning(launch=(*TEHRAN, -60.0, 10_000.0), valid_s=5.0))
    assert heard(partner=launch, now_s=909.0).status[0, 0] == Status.CONFIRMED
    assert heard(partner=launch, now_s=911.0).status[0, 0] == Status.EMPTY


def test_what_finds_no_room_is_counted_and_the_known_tracks_go_on():
    mean, spread = made.state(), made.covariance()
    known = heard(*(made.message(mean, spread, number=n, valid_s=float(n)) for n in range(1, 7)))
    assert known.number.tolist() == [[1, 2, 3, 4]]
    assert known.overflow.tolist() == [2]
    known = heard(made.message(mean, spread, number=4, valid_s=9.0), partner=known)
    assert known.valid_s[0, 3] == 9.0


def test_no_partner_takes_more_than_its_share_of_the_room():
    ground = made.three_territories()
    mean, spread = made.state(), made.covariance()
    flood = [made.message(mean, spread, giver=1, number=n) for n in range(1, 9)]
    last = made.message(mean, spread, giver=2, number=1, valid_s=5.0)
    known = receive(start_partner(1, 4, 3), *made.table(*flood, last), made.WEST, ground, 10.0)
    assert known.giver.tolist() == [[1, 1, 2, 0]]
    assert known.overflow.tolist() == [6]


NAN = float("nan")
GARBAGE = {
    "to nobody": {"receiver": 5},
    "from ourselves": {"giver": 0},
    "from nowhere": {"giver": -1},
    "number 0": {"number": 0},
    "unknown class": {"data": 9},
    "unknown phase": {"phase": 0},
    "no time": {"valid_s": NAN},
    "endless time": {"valid_s": float("-inf")},
    "far future": {"valid_s": 1e6},
    "released never": {"released_s": NAN},
    "state of NaN": {"state": np.full(6, NAN)},
    "centre of the Earth": {"state": np.zeros(6)},
    "beyond the Moon": {"state": np.array([1e10, 0, 0, 0, 0, 0.0])},
    "faster than anything": {"state": np.array([7e6, 0, 0, 0, 9e4, 0.0])},
    "covariance of NaN": {"covariance": np.full(21, NAN)},
    "covariance without end": {"covariance": np.where(np.arange(21) == 1, np.inf, 1e4)},
    "negative variance": {"covariance": -np.ones(21)},
    "not positive definite": {"covariance": np.ones(21)},
    "tracklet not positive definite": {"data": 5, "covariance": np.ones(21)},
    "sensor status": {"data": 4},
    "certain": {"covariance": np.zeros(21)},
    "launch off the map": {"launch_valid": 1, "launch_lat_rad": 9.0, "launch_sigma_m": 1.0},
    "launch without sigma": {"launch_valid": 1},
    "launch at NaN": {"launch_valid": 1, "launch_s": NAN, "launch_sigma_m": 1.0},
    "impact at NaN": {"impact_valid": 1, "impact_lon_rad": NAN, "impact_covariance_m2": np.array([1.0, 0, 1.0])},
    "impact next year": {"impact_valid": 1, "impact_s": 3e7, "impact_covariance_m2": np.array([1.0, 0, 1.0])},
    "impact covariance": {"impact_valid": 1, "impact_covariance_m2": np.array([1.0, 2.0, 1.0])},
    "impact sigma": {
        "impact_valid": 1, "impact_sigma_s": -1.0, "impact_covariance_m2": np.array([1.0, 0, 1.0]),
    },
}  # fmt: skip


@pytest.mark.parametrize("wrong", GARBAGE.values(), ids=GARBAGE.keys())
def test_a_message_that_cannot_be_true_changes_nothing_but_a_count(wrong):
    sound = made.message(made.state(), made.covariance(), number=3, valid_s=5.0)
    before = heard(sound)
    bad = {**sound, "valid_s": 6.0, **wrong}
    after = heard(bad, partner=before)
    assert made.same_arrays(after, before) == ["rejected"]
    assert after.rejected.tolist() == [1]
    check_message(made.table(sound)[0], 0, made.WEST, 2, 10.0)
    with pytest.raises(PeerError, match=r"message 0, track -?\d+ of side"):
        check_message(made.table(bad)[0], 0, made.WEST, 2, 10.0)


def test_an_empty_warning_is_refused():
    assert heard(made.message()).rejected.tolist() == [1]


def test_a_row_does_not_depend_on_the_rows_beside_it():
    messages = [
        made.message(made.state(azimuth_deg=-5.0 * k), made.covariance(seed=k), number=k, valid_s=float(k))
        for k in range(1, 7)
    ]
    table, _ = made.table(*messages)
    together = receive(start_partner(3, 4, 2), table, np.array([0, 1, 3, 6]), made.WEST, GROUND, 10.0)
    for row, (low, high) in enumerate(((0, 1), (1, 3), (3, 6))):
        alone = heard(*messages[low:high])
        assert np.array_equal(alone.held[:, 0], together.held[:, row])
        assert np.array_equal(alone.estimates.lines[:, 0], together.estimates.lines[:, row])
        assert np.array_equal(alone.covariance[0], together.covariance[row])
