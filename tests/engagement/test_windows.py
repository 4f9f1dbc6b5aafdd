"""Which windows a picture opens, and which it does not."""

import math

import numpy as np
import pytest

from detente.centre.picture.settings import PictureSettings
from detente.engagement.plan import JOINT, PlanRules, Sectors, sectors_of
from detente.flight.prediction import predicted_path
from detente.geodesy.distance import great_circle_m
from detente.geodesy.ellipsoid import ecef_to_geodetic
from detente.geodesy.territory import make_territory
from detente.geodesy.territory_index import index_territories
from detente.scenario.sides import Doctrine


def test_a_site_under_the_path_has_a_window_within_its_limits(made):
    seen = made.picture([made.line(0, 0)])
    arms, planned = made.once(made.scenario([made.site("a", 5, 0)]), seen)
    assert planned.open.tolist() == [[[1]]]
    earliest, latest = planned.earliest_s[0, 0, 0], planned.latest_s[0, 0, 0]
    assert 1_020.0 < earliest < latest < seen.estimates.impact_s[0, 0]
    shot = planned.shots
    assert shot.intercept_s[0] == earliest
    assert 0.0 <= shot.launched_s[0] - 1_020.0 < 0.5
    lat, lon, height = ecef_to_geodetic(shot.intercept_ecef_m)[0]
    assert 80e3 <= height <= 200e3
    assert great_circle_m([(lat, lon)], arms.position_rad[:1])[0] < 700e3
    found = planned.opportunities
    assert (found.site[0], found.number[0], found.earliest_s[0], found.latest_s[0]) == (0, 1, earliest, latest)


def test_a_window_is_listed_when_it_first_opens(made):
    asked = made.scenario([made.site("a", 5, 0)])
    seen = made.picture([made.line(0, 0)])
    _, first = made.once(asked, seen)
    _, second = made.once(asked, seen, state=first.state)
    assert len(first.opportunities) == 1
    assert len(second.opportunities) == 0
    assert second.open.tolist() == [[[1]]]


@pytest.mark.parametrize(
    "change",
    [
        {"status": 1}, {"status": 0}, {"phase": 1}, {"has_state": 0}, {"impact_valid": 0}, {"threat": (0.49, 0.0)},
        {"threat": (0.0, 1.0)},
    ],
)  # fmt: skip
def test_what_does_not_qualify_opens_nothing(made, change):
    _, planned = made.once(made.scenario([made.site("a", 5, 0)]), made.picture([made.line(0, 0, **change)]))
    assert planned.open.tolist() == [[[0]]]
    assert planned.earliest_s.tolist() == [[[0.0]]]
    assert len(planned.shots) == 0
    assert len(planned.opportunities) == 0


def test_what_may_not_be_engaged_opens_nothing(made):
    seen = made.picture([made.line(0, 0)])
    asked = made.scenario([made.site("a", 5, 0)])
    _, planned = made.once(asked, seen, engageable=np.zeros((1, 1), np.uint8))
    assert planned.open.tolist() == [[[0]]]
    assert len(planned.shots) == 0


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"altitude_min_km": 250.0}, "the object stays below 200 km"),
        ({"altitude_max_km": 79.0, "altitude_min_km": 78.0, "range_max_km": 5.0}, "out of range down there"),
        ({"target_speed_max_km_s": 2.9}, "the object is faster"),
        ({"range_max_km": 20.0}, "too far"),
    ],
)
def test_a_published_limit_closes_the_window(made, entry, reason):
    asked = made.scenario([made.site("a", 5, 3, entry=made.interceptor(**entry))])
    _, planned = made.once(asked, made.picture([made.line(0, 0)]))
    assert planned.open.tolist() == [[[0]]], reason


def test_an_empty_site_has_no_opportunity(made):
    _, planned = made.once(made.scenario([made.site("a", 5, 0, stock=0)]), made.picture([made.line(0, 0)]))
    assert planned.open.tolist() == [[[0]]]


def test_a_point_defence_engages_only_what_falls_nearby(made):
    low = made.terminal()
    seen = made.picture([made.line(0, 0)])
    lat_deg = math.degrees(seen.estimates.impact_lat_rad[0, 0])
    sites = [
        made.site("here", lat_deg, 0, entry=low, own_radius_km=30.0),
        made.site("there", lat_deg + 0.4, 0, entry=low, own_radius_km=30.0),
        made.site("wide", lat_deg + 0.4, 0, entry=low),
    ]
    _, planned = made.once(made.scenario(sites), seen)
    assert planned.open[0, 0].tolist() == [1, 0, 1]
    assert planned.latest_s[0, 0, 0] < seen.estimates.impact_s[0, 0]
    assert planned.latest_s[0, 0, 0] - planned.earliest_s[0, 0, 0] > 2.0


def test_a_reentering_object_can_still_be_met(made):
    low = made.terminal()
    seen = made.picture([made.line(0, 0, height_km=60.0, speed_m_s=2_000.0, climb_m_s=-1_500.0, phase=3)])
    lat_deg = math.degrees(seen.estimates.impact_lat_rad[0, 0])
    asked = made.scenario([made.site("here", lat_deg, 0, entry=low)], delay_s=(5.0, 5.0))
    _, planned = made.once(asked, seen)
    assert planned.open.tolist() == [[[1]]]
    assert seen.time_s + 5.0 < planned.earliest_s[0, 0, 0] < seen.estimates.impact_s[0, 0]


def test_a_side_uses_its_own_sites_and_joint_uses_all(made):
    sites = [made.site("a", 5, 0), made.site("b", 4, 1, side=1)]
    seen = made.picture([made.line(0, 0, threat=(1.0, 0.0)), made.line(0, 1, threat=(0.0, 1.0))])
    asked = made.scenario(sites)
    opened = {decider: made.once(asked, seen, made.rules(decider))[1].open[0].tolist() for decider in (0, 1, JOINT)}
    assert opened[0] == [[1, 0], [0, 0]]
    assert opened[1] == [[0, 0], [0, 1]]
    assert opened[JOINT] == [[1, 1], [1, 1]]


def test_any_territory_engages_what_threatens_others(made):
    asked = made.scenario([made.site("a", 5, 0)])
    seen = made.picture([made.line(0, 0, threat=(0.0, 0.9))])
    assert made.once(asked, seen, made.rules(any_territory=True))[1].open.tolist() == [[[1]]]
    assert made.once(asked, seen, made.rules())[1].open.tolist() == [[[0]]]


def test_joint_asks_each_threatened_sides_own_threshold(made):
    doctrines = Doctrine(threat_probability=0.9), Doctrine(threat_probability=0.3)
    asked = made.scenario([made.site("a", 5, 0)], doctrines)
    seen = made.picture([made.line(0, 0, threat=(0.5, 0.0)), made.line(0, 0.5, threat=(0.0, 0.5))])
    assert made.once(asked, seen, made.rules(JOINT))[1].open[0, :, 0].tolist() == [0, 1]


def box(south, north, west, east):
    corners = [(south, west), (south, east), (north, east), (north, west)]
    return make_territory([np.radians(np.array(corners, float))])


def test_a_sector_holds_the_meeting_inside_it(made):
    asked = made.scenario([made.site("a", 5, 0), made.site("b", 4.5, 0.5, side=1)])
    seen = made.picture([made.line(0, 0)])
    _, free = made.once(asked, seen, made.rules(JOINT))
    sectors = Sectors(index=index_territories([box(4.5, 20, -10, 10)]), bit=np.array([1, 0]))
    _, held = made.once(asked, seen, made.rules(JOINT, sectors=sectors))
    assert free.open[0, 0].tolist() == held.open[0, 0].tolist() == [1, 1]
    assert held.earliest_s[0, 0, 0] > free.earliest_s[0, 0, 0]
    assert held.earliest_s[0, 0, 1] == free.earliest_s[0, 0, 1]
    _, mine = made.once(asked, seen, made.rules(0, sectors=sectors))
    lat, lon, _ = ecef_to_geodetic(mine.shots.intercept_ecef_m)[0]
    assert math.degrees(lat) >= 4.5
    assert abs(math.degrees(lon)) < 1.0


def test_the_scenario_says_which_side_has_a_sector(made):
    asked = made.scenario([made.site("a", 5, 0)])
    asked.sectors = (None, box(0, 10, 0, 10))
    sectors = sectors_of(asked)
    assert sectors is not None
    assert sectors.bit.tolist() == [0, 1]
    asked.sectors = (None, None)
    assert sectors_of(asked) is None


def test_the_second_key_takes_time(made):
    asked = made.scenario([made.site("a", 5, 0)])
    seen = made.picture([made.line(0, 0)])
    _, prompt = made.once(asked, seen)
    _, slow = made.once(asked, seen, made.rules(extra_delay_s=30.0))
    assert slow.earliest_s[0, 0, 0] > prompt.earliest_s[0, 0, 0]
    assert 0.0 <= slow.shots.launched_s[0] - 1_050.0 < 0.5


def test_a_row_is_the_same_in_any_batch(made):
    entry = made.interceptor(burnout_speed_km_s=made.quantity(3.0, 2.5, 3.5))
    asked = made.scenario([made.site("a", 5, 0, entry=entry), made.site("b", 4, 1, side=1, entry=entry)])
    lines = [made.line(0, 0), made.line(0, 1), made.line(0.5, 0.5, heading_deg=10.0)]
    _, alone = made.once(asked, made.picture(lines), made.rules(JOINT))
    _, batch = made.once(asked, made.picture(lines, rows=3), made.rules(JOINT, rows=3))
    assert batch.earliest_s[0].tobytes() == alone.earliest_s[0].tobytes()
    first = batch.shots.take(batch.shots.replicate == 0)
    assert first.intercept_ecef_m.tobytes() == alone.shots.intercept_ecef_m.tobytes()
    assert len({row.tobytes() for row in batch.earliest_s}) == 3


def test_a_scenario_without_sites_plans_nothing(made):
    _, planned = made.once(made.scenario([]), made.picture([made.line(0, 0)]))
    assert planned.open.shape == (1, 1, 0)
    assert len(planned.shots) == 0


def test_a_meeting_lies_where_the_picture_sees_the_object_fall(made):
    """Unless told otherwise a plan takes what falls to be as heavy as the picture does that says where it lands."""
    fallen = PictureSettings().ballistic_coefficient_kg_m2
    line = made.line(0, 0, height_km=120.0, speed_m_s=2_500.0, climb_m_s=-1_500.0)
    given = PlanRules(decider=0, extra_delay_s=np.zeros(1), hold_s=1e9)
    path = predicted_path(line["state"][:3], line["state"][3:], fallen, 0.05)
    lat_deg, lon_deg = np.degrees(ecef_to_geodetic(path[-1:, 1:4])[0, :2])
    asked = made.scenario([made.site("a", lat_deg, lon_deg, entry=made.terminal())], delay_s=(0.0, 0.0))
    _, planned = made.once(asked, made.picture([line]), given)
    shot = planned.shots
    seen = [np.interp(shot.intercept_s[0] - 1_000.0, path[:, 0], path[:, i]) for i in (1, 2, 3)]
    assert np.linalg.norm(shot.intercept_ecef_m[0] - seen) < 10.0
