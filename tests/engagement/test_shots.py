"""Who shoots at what, when, with how many, and what is kept back."""

import numpy as np
import pytest

from detente.engagement.plan import JOINT
from detente.scenario.sides import Doctrine


def run(made, asked, pictures, given=None, engageable=None):
    """Call after call: the shots of each."""
    state, shots = None, []
    for seen in pictures:
        _, planned = made.once(asked, seen, given, state, engageable)
        state = planned.state
        shots.append(planned.shots)
        assert (state.stock >= 0).all()
    return shots, state


def test_the_nearest_impact_comes_first_and_own_ground_before_others(made):
    asked = made.scenario([made.site("a", 5, 0, stock=2)])
    others = made.line(1.5, 0, height_km=150, threat=(0.0, 1.0))
    late, early = made.line(0, 0), made.line(1, 0, height_km=180)
    shots, state = run(made, asked, [made.picture([others, late, early])], made.rules(any_territory=True))
    assert shots[0].slot.tolist() == [2, 1]
    assert state.stock.tolist() == [[0]]
    shots, _ = run(made, asked, [made.picture([others, late])], made.rules(any_territory=True))
    assert shots[0].slot.tolist() == [1, 0]


def test_the_site_that_meets_it_first_shoots_then_the_fuller_then_the_first_named(made):
    seen = made.picture([made.line(0, 0)])
    far, near = made.site("far", 5.5, 2), made.site("near", 4, 0)
    assert run(made, made.scenario([far, near]), [seen])[0][0].site.tolist() == [1]
    twins = [made.site("a", 5, 0, stock=3), made.site("b", 5, 0, stock=5), made.site("c", 5, 0, stock=5)]
    assert run(made, made.scenario(twins), [seen])[0][0].site.tolist() == [1]
    empty = [made.site("a", 5, 0, stock=0), made.site("b", 5, 0, stock=1)]
    assert run(made, made.scenario(empty), [seen])[0][0].site.tolist() == [1]


def test_shoot_look_shoot_waits_for_the_result(made):
    low = made.interceptor(altitude_min_km=60.0, range_max_km=400.0, burnout_speed_km_s=4.0, burn_s=20.0)
    doctrine = Doctrine(look_s=10.0, shots_max=2)
    asked = made.scenario([made.site("a", 3, 0, entry=low)], (doctrine, doctrine), (5.0, 5.0))
    first = made.picture([made.line(0, 0)])
    shots, state = run(made, asked, [first])
    assert len(shots[0]) == 1
    result_s = shots[0].intercept_s[0] + 10.0
    assert state.until_s[0, 0] == result_s
    states = [made.line(0.1, 0), made.line(1.2, 0), made.line(1.3, 0)]
    moments = [1_005.0, result_s + 0.1, result_s + 400.0]
    pictures = [made.picture([one], now_s=moment) for one, moment in zip(states, moments)]
    shots, state = run(made, asked, [first, *pictures])
    assert [len(one) for one in shots] == [1, 0, 1, 0]
    assert shots[2].ordinal.tolist() == [1]
    assert state.stock.tolist() == [[2]]


def test_what_is_known_destroyed_is_not_shot_at_again(made):
    doctrine = Doctrine(look_s=0.0)
    asked = made.scenario([made.site("a", 5, 0)], (doctrine, doctrine))
    _, first = made.once(asked, made.picture([made.line(0, 0)]))
    later = made.picture([made.line(2, 0)], now_s=first.state.until_s[0, 0] + 1.0)
    _, again = made.once(asked, later, state=first.state)
    _, spared = made.once(asked, later, state=first.state, engageable=np.zeros((1, 1), np.uint8))
    assert (len(first.shots), len(again.shots), len(spared.shots)) == (1, 1, 0)


def test_a_salvo_goes_at_once_and_never_beyond_the_most(made):
    two = Doctrine(salvo=2, shots_max=3)
    asked = made.scenario([made.site("a", 5, 0, stock=9)], (two, two))
    seen = made.picture([made.line(0, 0)])
    shots, _ = run(made, asked, [seen, seen])
    assert [one.ordinal.tolist() for one in shots] == [[0, 1], []]
    salvo = Doctrine(mode="salvo", salvo=2, shots_max=3)
    shots, state = run(made, made.scenario([made.site("a", 5, 0, stock=9)], (salvo, salvo)), [seen, seen, seen])
    assert [one.ordinal.tolist() for one in shots] == [[0, 1], [2], []]
    assert state.stock.tolist() == [[6]]


def test_a_salvo_larger_than_the_stock_is_what_is_left(made):
    doctrine = Doctrine(salvo=4, shots_max=8)
    asked = made.scenario([made.site("a", 5, 0, stock=3)], (doctrine, doctrine))
    shots, state = run(made, asked, [made.picture([made.line(0, 0)])])
    assert shots[0].ordinal.tolist() == [0, 1, 2]
    assert state.stock.tolist() == [[0]]


@pytest.mark.parametrize(
    ("stock", "reserve", "allowed"), [(4, 0.5, 2), (5, 0.5, 2), (3, 1.0, 0), (3, 0.0, 3), (10, 0.7, 3)]
)
def test_the_reserve_is_kept_from_what_the_partner_alone_sees(made, stock, reserve, allowed):
    doctrine = Doctrine(reserve_fraction=reserve)
    asked = made.scenario([made.site("a", 5, 0, stock=stock)], (doctrine, doctrine))
    seen = made.picture([made.line(0.1 * i, 0, origin=3, giver=1) for i in range(12)])
    shots, state = run(made, asked, [seen, seen])
    assert (len(shots[0]), len(shots[1])) == (allowed, 0)
    assert state.spent_on_partner.tolist() == [[allowed]]
    assert shots[0].cued.tolist() == [3] * allowed
    waived, _ = run(made, asked, [seen], made.rules(keep_reserve=False))
    assert len(waived[0]) == stock


def test_own_and_fused_lines_may_use_the_reserve(made):
    doctrine = Doctrine(reserve_fraction=1.0)
    asked = made.scenario([made.site("a", 5, 0, stock=2)], (doctrine, doctrine))
    lines = [made.line(0.3, 0, origin=3, giver=1), made.line(0, 0, origin=1), made.line(0.1, 0, origin=2)]
    shots, _ = run(made, asked, [made.picture(lines)])
    assert sorted(shots[0].slot.tolist()) == [1, 2]


def test_shots_at_a_partners_line_count_when_it_becomes_the_twin_of_an_own_one(made):
    doctrine = Doctrine(look_s=1e4, shots_max=2)
    asked = made.scenario([made.site("a", 5, 0)], (doctrine, doctrine))
    partner = made.line(0, 0, origin=3, giver=1, number=7)
    alone = made.picture([made.empty, partner])
    fused = made.picture([made.line(0, 0, origin=2, number=4, twin=1), made.empty])
    apart = made.picture([made.empty, partner])
    shots, state = run(made, asked, [alone, fused, apart])
    assert [len(one) for one in shots] == [1, 0, 0]
    assert state.memory[0, :, 2].tolist() == [1, 1]
    quick = Doctrine(look_s=0.0, shots_max=2)
    asked = made.scenario([made.site("a", 5, 0)], (quick, quick))
    late = [made.picture([made.line(2, 0, origin=2, number=4, twin=1), made.empty], now_s=1_160.0),
            made.picture([made.empty, made.line(2.1, 0, origin=3, giver=1, number=7)], now_s=1_165.0)]  # fmt: skip
    shots, state = run(made, asked, [alone, *late])
    assert [one.ordinal.tolist() for one in shots] == [[0], [1], []]
    assert state.memory[0, :, 2].tolist() == [2, 2]


def test_shots_at_both_lines_add_up_when_they_turn_out_to_be_one(made):
    doctrine = Doctrine(shots_max=2, look_s=0.0)
    asked = made.scenario([made.site("a", 5, 0, stock=8)], (doctrine, doctrine))
    apart = made.picture([made.line(0, 0, number=4), made.line(0, 0.01, origin=3, giver=1, number=7)])
    fused = made.picture([made.line(2, 0, origin=2, number=4, twin=1), made.empty], now_s=1_160.0)
    shots, state = run(made, asked, [apart, fused, fused])
    assert [len(one) for one in shots] == [2, 0, 0]
    assert state.memory[0, :, 2].tolist() == [2, 2]


def test_a_slot_used_again_starts_anew(made):
    asked = made.scenario([made.site("a", 5, 0)])
    first, other = made.picture([made.line(0, 0, number=1)]), made.picture([made.line(0, 0, number=2)])
    shots, state = run(made, asked, [first, other])
    assert [len(one) for one in shots] == [1, 1]
    assert shots[1].ordinal.tolist() == [0]
    assert state.memory[0, 0].tolist() == [0, 2, 1, -1]
    _, again = made.once(asked, other, state=run(made, asked, [first])[1])
    assert len(again.opportunities) == 1


def test_a_shot_is_held_until_its_interceptor_must_leave(made):
    """Over a far window a better track costs nothing; the shot goes in the last calls before it must."""
    low = made.terminal()
    seen = made.picture([made.line(0, 0)])
    lat_deg = float(np.degrees(seen.estimates.impact_lat_rad[0, 0]))
    asked = made.scenario([made.site("a", lat_deg, 0, entry=low)])
    _, held = made.once(asked, seen, made.rules(hold_s=30.0))
    assert held.open.tolist() == [[[1]]]
    assert len(held.shots) == 0
    _, free = made.once(asked, seen)
    assert free.shots.launched_s[0] > 1_020.0 + 30.0
    assert free.shots.intercept_s[0] == held.earliest_s[0, 0, 0]


def test_joint_uses_each_sites_own_delay_and_doctrine(made):
    doctrines = Doctrine(salvo=1), Doctrine(salvo=3)
    asked = made.scenario([made.site("b", 5, 0, side=1, stock=9)], doctrines)
    shots, _ = run(made, asked, [made.picture([made.line(0, 0)])], made.rules(JOINT))
    assert shots[0].side.tolist() == [-1, -1, -1]
    assert shots[0].launched_s == pytest.approx([1_030.2] * 3, abs=0.2)


def test_the_state_given_is_not_changed(made):
    asked = made.scenario([made.site("a", 5, 0)])
    seen = made.picture([made.line(0, 0)])
    _, first = made.once(asked, seen)
    before = {name: getattr(first.state, name).copy() for name in ("memory", "until_s", "seen", "stock")}
    made.once(asked, made.picture([made.line(0, 0, number=9)]), state=first.state)
    for name, values in before.items():
        assert getattr(first.state, name).tobytes() == values.tobytes()
        assert not getattr(first.state, name).flags.writeable
