"""What can be shot: drawn once a replicate and type, in SI, with tables that rest on flight's."""

import math

import numpy as np
import pytest

from detente.engagement.arms import ANY_SPEED_M_S, arm
from detente.flight._kernels_reach import reach_time
from detente.flight.interceptor import OUT_OF_REACH_S, reach_table
from detente.scenario.draws import drawn
from detente.scenario.sides import Doctrine

REPLICATES = np.array([3, 4, 11])


def table_of(arms, r, k):
    first, (a, b) = arms.table_first[r, k], arms.table_shape[r, k]
    return arms.times_s[first : first + a * b].reshape(a, b)


def test_numbers_are_in_si_and_doctrine_is_by_side(made):
    entry = made.interceptor("bolt", target_speed_max_km_s=4.8)
    doctrines = Doctrine(), Doctrine(mode="salvo", salvo=2, shots_max=4, look_s=7.0, reserve_fraction=0.25)
    sites = [made.site("a", 50, 10, stock=3, entry=entry), made.site("b", 0, 0, side=1, stock=9, own_radius_km=60.0)]
    arms = arm(made.scenario(sites, doctrines), 1, REPLICATES)
    assert arms.names == ("a", "b")
    assert arms.replicates == 3
    assert arms.side.tolist() == [0, 1]
    assert arms.stock.tolist() == [[3, 9]] * 3
    assert arms.limits[1, 0].tolist() == [80e3, 500e3, 700e3, 4_800.0, 0.0]
    assert arms.limits[1, 1].tolist() == [80e3, 500e3, 700e3, ANY_SPEED_M_S, 60e3]
    assert arms.kill_probability[2].tolist() == [0.5, 0.5]
    assert arms.basket_m[0].tolist() == [5e3, 5e3]
    assert arms.command_delay_s.tolist() == [[20.0, 30.0]] * 3
    assert arms.mode.tolist() == [0, 1]
    assert arms.salvo.tolist() == [[1, 3], [2, 4]]
    assert arms.look_s.tolist() == [15.0, 7.0]
    assert arms.reserve_fraction.tolist() == [0.5, 0.25]
    assert arms.position_rad[0].tolist() == [math.radians(50), math.radians(10)]
    assert arms.direction_ecef[1].tolist() == [1.0, 0.0, 0.0]
    assert np.linalg.norm(arms.direction_ecef[0]) == pytest.approx(1.0)


def test_sites_of_a_type_share_its_draw_and_another_site_changes_none(made):
    kill = made.quantity(0.5, 0.1, 0.9)
    arrow, bolt = made.interceptor(kill_probability=kill), made.interceptor("bolt", kill_probability=kill)
    few = arm(made.scenario([made.site("a", 0, 0, entry=arrow)]), 7, REPLICATES)
    sites = [
        made.site("c", 1, 1, entry=bolt),
        made.site("b", 5, 5, side=1, entry=arrow),
        made.site("a", 0, 0, entry=arrow),
    ]
    more = arm(made.scenario(sites), 7, REPLICATES)
    expected = drawn(kill, "interceptor/arrow/kill_probability", 7, REPLICATES)
    assert few.kill_probability[:, 0].tolist() == expected.tolist()
    assert more.kill_probability[:, 2].tolist() == expected.tolist()
    assert more.kill_probability[:, 1].tolist() == expected.tolist()
    assert (more.kill_probability[:, 0] != expected).all()


def test_a_replicate_is_the_same_in_any_batch(made):
    entry = made.interceptor(burnout_speed_km_s=made.quantity(3.2, 2.8, 3.6), burn_s=made.quantity(60, 50, 70))
    asked = made.scenario([made.site("a", 0, 0, entry=entry)])
    whole, alone = arm(asked, 7, REPLICATES), arm(asked, 7, REPLICATES[1:2])
    assert alone.limits.tolist() == whole.limits[1:2].tolist()
    assert table_of(alone, 0, 0).tolist() == table_of(whole, 1, 0).tolist()


def test_a_type_without_a_range_of_speeds_has_flights_own_table(made):
    arms = arm(made.scenario([made.site("a", 0, 0)]), 1, REPLICATES)
    expected = reach_table(
        3_000.0, 60.0, max_range_m=700e3, min_altitude_m=80e3, max_altitude_m=500e3, range_cells=60, altitude_cells=30
    )
    assert table_of(arms, 2, 0).tolist() == expected.time_s.tolist()
    assert arms.table_steps[0, 0] == pytest.approx([700e3 / 60, 80e3, 420e3 / 30])


def test_each_site_finds_its_own_types_table_whatever_stands_before_it(made):
    """Three types of other speeds and reach, two of them drawn: tables and quickest times as each has alone."""
    types = {
        "arrow": made.interceptor(burnout_speed_km_s=made.quantity(3.2, 2.8, 3.6)),
        "bolt": made.interceptor("bolt", burnout_speed_km_s=made.quantity(5.0)),
        "dart": made.interceptor("dart", burnout_speed_km_s=made.quantity(2.0, 1.9, 2.1), burn_s=made.quantity(30.0)),
    }
    sites = [made.site(name, 0, place, entry=entry) for place, (name, entry) in enumerate(types.items())]
    together = arm(made.scenario([*sites, made.site("again", 1, 1, entry=types["bolt"])]), 7, REPLICATES)
    for k, site in enumerate(sites):
        alone = arm(made.scenario([site]), 7, REPLICATES)
        for r in range(len(REPLICATES)):
            assert table_of(together, r, k).tolist() == table_of(alone, r, 0).tolist()
            assert together.quickest_s[r, k] == table_of(alone, r, 0).min()
    assert (together.table_first[:, 3] == together.table_first[:, 1]).all()
    assert len({together.quickest_s[0, k] for k in range(3)}) == 3


@pytest.mark.parametrize(("range_m", "height_m"), [(50e3, 120e3), (250e3, 150e3), (400e3, 250e3)])
def test_a_drawn_speed_rests_on_its_neighbours(made, range_m, height_m):
    """Between tables a tenth apart in speed, interpolation costs a second, and two near the edge of reach."""
    entry = made.interceptor(burnout_speed_km_s=made.quantity(3.2, 2.6, 4.0), burn_s=made.quantity(60, 50, 70))
    arms = arm(made.scenario([made.site("a", 0, 0, entry=entry)]), 5, REPLICATES)
    for r in range(3):
        speed, burn = arms.burnout_speed_m_s[r, 0], arms.burn_s[r, 0]
        exact = reach_table(
            speed, burn, max_range_m=700e3, min_altitude_m=80e3, max_altitude_m=500e3, range_cells=60, altitude_cells=30
        )
        steps = arms.table_steps[r, 0]
        got = reach_time(range_m, height_m, *steps, table_of(arms, r, 0))
        assert got == pytest.approx(reach_time(range_m, height_m, *steps, exact.time_s), abs=2.3)
        assert got < OUT_OF_REACH_S
