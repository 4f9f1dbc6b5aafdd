"""Laws of planning: waiting never helps, speed never hurts, stock never runs below nothing, the reserve is kept."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import made_engagement as making

from detente.engagement.plan import JOINT
from detente.scenario.sides import Doctrine

lines = st.builds(
    making.line,
    lat_deg=st.floats(-3, 3),
    lon_deg=st.floats(-3, 3),
    height_km=st.floats(120, 400),
    heading_deg=st.floats(0, 360),
    speed_m_s=st.floats(1_000, 4_000),
    climb_m_s=st.floats(-500, 800),
    threat=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    origin=st.sampled_from([1, 2, 3]),
)
pictures = st.lists(lines, min_size=1, max_size=6)
places = st.tuples(st.floats(-8, 8), st.floats(-8, 8))


def sites_at(where, entry=None, stock=3):
    return [making.site(f"s{i}", *place, side=i % 2, stock=stock, entry=entry) for i, place in enumerate(where)]


@settings(max_examples=60, deadline=None)
@given(
    seen=pictures, where=st.lists(places, min_size=1, max_size=4), delay_s=st.floats(0, 200), more_s=st.floats(0, 100)
)
def test_a_longer_delay_never_adds_an_opportunity_nor_makes_one_sooner(seen, where, delay_s, more_s):
    asked, shown = making.scenario(sites_at(where)), making.picture(seen)
    _, prompt = making.once(asked, shown, making.rules(JOINT, extra_delay_s=delay_s))
    _, slow = making.once(asked, shown, making.rules(JOINT, extra_delay_s=delay_s + more_s))
    assert (slow.open <= prompt.open).all()
    both = slow.open == 1
    assert (slow.earliest_s[both] >= prompt.earliest_s[both] - 1e-9).all()
    assert (slow.latest_s[both] <= prompt.latest_s[both]).all()


@settings(max_examples=40, deadline=None)
@given(
    seen=pictures, where=st.lists(places, min_size=1, max_size=3), speeds=st.tuples(st.floats(2.5, 4), st.floats(0, 2))
)
def test_a_faster_interceptor_never_loses_an_opportunity(seen, where, speeds):
    shown, grid = making.picture(seen), np.round((speeds[0], speeds[0] + speeds[1]), 1)
    opened = []
    for speed in grid:
        entry = making.interceptor(burnout_speed_km_s=float(speed), range_max_km=600.0, altitude_max_km=400.0)
        opened.append(making.once(making.scenario(sites_at(where, entry)), shown, making.rules(JOINT))[1].open)
    assert (opened[0] <= opened[1]).all()


@settings(max_examples=60, deadline=None)
@given(seen=pictures, where=st.lists(places, min_size=2, max_size=4))
def test_joint_has_every_window_that_a_side_has_alone(seen, where):
    asked, shown = making.scenario(sites_at(where), delay_s=(20.0, 20.0)), making.picture(seen)
    _, joint = making.once(asked, shown, making.rules(JOINT))
    for side in (0, 1):
        _, alone = making.once(asked, shown, making.rules(side))
        assert (alone.open <= joint.open).all()
        mine = alone.open == 1
        assert (alone.earliest_s[mine] == joint.earliest_s[mine]).all()


@settings(max_examples=60, deadline=None)
@given(
    seen=st.lists(pictures, min_size=1, max_size=4),
    stock=st.integers(0, 6),
    salvo=st.integers(1, 3),
    reserve=st.floats(0, 1),
    mode=st.sampled_from(["salvo", "shoot-look-shoot"]),
    decider=st.sampled_from([JOINT, 0, 1]),
)
def test_stock_and_reserve_are_kept_over_any_pictures(seen, stock, salvo, reserve, mode, decider):
    doctrine = Doctrine(mode=mode, salvo=salvo, shots_max=4, look_s=0.0, reserve_fraction=reserve)
    asked = making.scenario(sites_at([(3, 0), (2, 1), (-3, 2)], stock=stock), (doctrine, doctrine))
    most = max(len(one) for one in seen)
    state, shots = None, np.zeros(3, int)
    cued = np.zeros(3, int)
    for i, one in enumerate(seen):
        padded = one + [making.EMPTY] * (most - len(one))
        given_rules = making.rules(decider, any_territory=True)
        _, planned = making.once(asked, making.picture(padded, now_s=1_000.0 + 200.0 * i), given_rules, state)
        state = planned.state
        assert (planned.shots.ordinal < 4).all()
        assert (planned.shots.launched_s >= planned.shots.decided_s + 20.0).all()
        assert (planned.shots.intercept_s > planned.shots.launched_s).all()
        shots += np.bincount(planned.shots.site, minlength=3)
        cued += np.bincount(planned.shots.site[planned.shots.cued == 3], minlength=3)
        assert state.stock[0].tolist() == (stock - shots).tolist()
        assert (state.stock >= 0).all()
        assert (cued <= (1.0 - reserve) * stock + 1e-6).all()
    assert state.spent_on_partner[0].tolist() == cued.tolist()
