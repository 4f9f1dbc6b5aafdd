"""The raid as drawn and flown: who is launched when and where from, where each comes down, and what changes nothing."""

import numpy as np
import pytest

from detente.flight.aiming import max_range
from detente.flight.flags import Flag
from detente.flight.vehicle import pack
from detente.geodesy import _kernels as geodesy
from detente.geodesy.distance import great_circle_m
from detente.geodesy.territory import contains
from detente.records.errors import InputError
from detente.scenario.asked import People
from detente.scenario.draws import drawn
from detente.world.launches import AimBy, extremes, flight_missile, impulse_for, prepare, reach_towards
from detente.world.reach import check_reach, ground_points
from detente.world.sensing import detect
from detente.world.truth import drawn_places, realise

SEED = 8


@pytest.fixture(scope="module")
def seen():
    """A scenario, what is prepared of it, and its world in six replicates, made once for this file."""
    return {}


@pytest.fixture
def raid(made, seen):
    if not seen:
        scenario = made.scenario()
        ready = prepare(scenario)
        seen["all"] = scenario, ready, realise(scenario, SEED, np.arange(6), ready)
    return seen["all"]


def columns(table):
    return {name: getattr(table, name) for name, _ in type(table).columns()}


def test_objects_stand_in_the_order_of_the_file(raid):
    _, _, world = raid
    objects = world.objects
    assert world.object_count == 8
    assert world.missiles == ("no-dong", "scud")
    assert world.places == ("east", "near")
    first = objects.take(np.arange(8))
    assert objects.replicate.tolist() == [r for r in range(6) for _ in range(8)]
    assert objects.object.tolist() == list(range(8)) * 6
    assert first.missile.tolist() == [0, 0, 0, 0, 0, 1, 0, 0]
    assert first.launch_place.tolist() == [0, 1, 0, 0, 0, 1, 1, 1]
    assert first.aim_side.tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
    assert first.aim_by.tolist() == [AimBy.AREA] * 3 + [AimBy.PEOPLE] * 2 + [AimBy.TROOPS] + [AimBy.FIXED] * 2
    assert np.degrees(first.launch_lat_rad) == pytest.approx([38, 37.5, 38, 38, 38, 37.5, 37.5, 37.5])
    assert np.all((objects.launch_s >= 10.0) & (objects.launch_s <= 110.0))
    assert np.std(objects.launch_s) == pytest.approx(100 / np.sqrt(12), rel=0.25)


def test_every_object_comes_down_where_it_was_aimed(raid):
    scenario, _, world = raid
    objects = world.objects
    assert not objects.flag.any()
    impact = np.column_stack([objects.impact_lat_rad, objects.impact_lon_rad])
    for side in (0, 1):
        by_area = (objects.aim_by == AimBy.AREA) & (objects.aim_side == side)
        held = contains(scenario.territories[side], impact)
        assert held[by_area].all()
        assert np.array_equal((objects.threatened & (1 << side)) > 0, held)
    assert set(np.round(np.degrees(impact[objects.aim_by == AimBy.PEOPLE]), 2).ravel()) <= {38.0, 38.5, 39.0, 41.0}
    camp = great_circle_m(impact[objects.aim_by == AimBy.TROOPS], np.radians([[38.2, 41.5]]))
    assert camp.max() < 20.0
    fixed = impact[objects.aim_by == AimBy.FIXED].reshape(6, 2, 2)
    for k, point in enumerate(((39.0, 40.0), (38.0, 41.0))):
        assert great_circle_m(fixed[:, k], np.radians([point])).max() < 20.0


def test_truth_runs_from_the_pad_to_the_ground(raid):
    _, _, world = raid
    objects, truth, offsets = world.objects, world.truth, world.offsets
    first, last = offsets[:-1], offsets[1:] - 1
    assert truth.time_s[first] == pytest.approx(objects.launch_s, abs=1e-9)
    assert truth.time_s[last] == pytest.approx(objects.impact_s, abs=1e-6)
    heights = np.array([geodesy.ecef_height(*point) for point in truth.position_ecef_m])
    assert np.abs(heights[first]).max() < 0.01
    assert np.abs(heights[last]).max() < 0.01
    assert heights.min() > -0.01
    assert np.array_equal(truth.replicate[first], objects.replicate)
    assert np.array_equal(truth.object[last], objects.object)
    for i in range(len(objects)):
        rows = slice(offsets[i], offsets[i + 1])
        time_s, phase = truth.time_s[rows], truth.phase[rows]
        assert np.all(np.diff(time_s) > 0)
        assert heights[rows].max() == pytest.approx(objects.apogee_m[i], rel=2e-3)
        assert np.all(phase[time_s < objects.burnout_s[i] - 1e-6] == 1)
        assert np.all(phase[time_s > objects.burnout_s[i] + 1e-6] > 1)
        assert np.all(np.diff(phase.astype(int)) >= 0)


def test_a_replicate_is_the_same_alone_and_in_company(raid):
    scenario, ready, together = raid
    for r in (0, 3):
        alone = realise(scenario, SEED, np.array([r]), ready)
        rows = together.objects.replicate == r
        for name, value in columns(alone.objects).items():
            if name != "replicate":
                assert np.array_equal(value, getattr(together.objects, name)[rows]), name
        rows = together.truth.replicate == r
        for name, value in columns(alone.truth).items():
            if name != "replicate":
                assert np.array_equal(value, getattr(together.truth, name)[rows]), name
        assert np.array_equal(alone.suite.reference_range_m[0], together.suite.reference_range_m[r])


def test_nothing_depends_on_what_was_prepared_before(raid):
    scenario, _, together = raid
    again = realise(scenario, SEED, np.array([2, 5]))
    rows = np.isin(together.objects.replicate, (2, 5))
    for name, value in columns(again.objects).items():
        if name != "replicate":
            assert np.array_equal(value, getattr(together.objects, name)[rows]), name
    assert again.replicates.tolist() == [2, 5]
    assert again.objects.replicate.tolist() == [0] * 8 + [1] * 8


def test_another_wave_disturbs_no_object_that_was_there(made, raid):
    _, _, before = raid
    wave = {"name": "later", "at_s": 300, "launches": [made.raid[0]]}
    after = realise(made.scenario(wave), SEED, np.arange(2))
    assert after.object_count == 11
    kept = after.objects.object < 8
    rows = before.objects.replicate < 2
    for name, value in columns(after.objects).items():
        assert np.array_equal(value[kept], getattr(before.objects, name)[rows]), name
    assert np.all(after.objects.launch_s[~kept] == 300.0)
    assert set(after.objects.wave[~kept]) == {1}


def test_a_missile_has_one_draw_a_replicate(raid):
    scenario, _, world = raid
    objects = world.objects
    for m, name in enumerate(world.missiles):
        quantity = scenario.missiles[name].ballistic_coefficient_kg_m2
        expected = drawn(quantity, f"missile/{name}/ballistic_coefficient_kg_m2", SEED, np.arange(6))
        rows = objects.missile == m
        assert np.array_equal(objects.ballistic_coefficient_kg_m2[rows], expected[objects.replicate[rows]])
        cross_section = objects.radar_cross_section_m2[rows]
        assert np.all((cross_section >= 0.02) & (cross_section <= 1.0))
    assert len(set(objects.ballistic_coefficient_kg_m2)) == 12


def test_what_cannot_be_reached_is_flagged_and_not_launched(made):
    near, far = made.raid[2], {**made.raid[2], "aim": {"side": "North", "at": [{"lat_deg": 46, "lon_deg": 38}]}}
    scenario = made.scenario(launches=(far, near))
    world = realise(scenario, SEED, np.arange(2))
    objects = world.objects
    assert objects.flag.tolist() == [Flag.UNREACHABLE, Flag.OK] * 2
    assert np.diff(world.offsets)[::2].tolist() == [0, 0]
    assert set(world.truth.object) == {1}
    for name in ("impact_s", "impact_lat_rad", "burnout_s", "apogee_m", "range_m", "threatened"):
        assert not getattr(objects, name)[::2].any(), name
    assert set(detect(world, scenario, SEED).key.object) <= {-1, 1}


def test_the_world_can_be_seen(raid):
    scenario, _, world = raid
    sensed = detect(world, scenario, SEED)
    assert set(sensed.key.object) == {-1, *range(8)}
    real = sensed.key.object >= 0
    rows = sensed.detections.replicate * 8 + sensed.key.object
    assert np.all(sensed.detections.time_s[real] >= world.objects.launch_s[rows[real]])
    assert np.all(sensed.detections.time_s[real] <= world.objects.impact_s[rows[real]])


def test_reach_tables_agree_with_the_longest_flight(raid):
    scenario, ready, _ = raid
    packed = extremes([scenario.missiles[name] for name in ready.missiles], ready.impulse)
    azimuth = np.radians([-170.0, -80.0, 5.0, 100.0])
    for m in range(2):
        for which in (0, -1):
            beta, span = np.full(4, ready.beta_kg_m2[m, which]), np.full(4, ready.range_km[m, which])
            longest = max_range(packed, 2 * m + abs(which), *ready.place_rad[1], azimuth).range_m
            found = reach_towards(ready, np.full(4, m), np.ones(4, int), azimuth, beta, span)
            assert found == pytest.approx(longest, rel=0.005)


def test_places_are_drawn_by_their_people():
    people = People(
        lat_rad=np.array([0.1, 0.2, 0.3]), lon_rad=np.zeros(3), people=np.array([1.0, 0.0, 3.0]), names=("a", "b", "c")
    )
    drawn_to = drawn_places(people, np.array([0.0, 0.2499, 0.2501, 0.9999]))
    assert drawn_to[:, 0].tolist() == [0.1, 0.1, 0.3, 0.3]


def test_a_sound_raid_passes_the_check(raid):
    scenario, ready, _ = raid
    assert check_reach(scenario, ready) == []


def test_the_check_says_which_launch_falls_short_and_by_how_much(made):
    short = {"missile": "scud", "places": ["near", "east"], "count": 4, "aim": {"side": "South", "by": "people"}}
    scenario = made.scenario(launches=(made.raid[0], short))
    found = check_reach(scenario)
    assert [(error.path, error.found.split(" falls ")[0]) for error in found] == [
        ("raid.waves.0.launches.1", "scud from east")
    ]
    # From 38 N 46 E to the nearer city at 38.5 N 41 E is 440 km; a Scud-B flies about 290 km.
    distance_km = great_circle_m(np.radians([[38.0, 46.0]]), np.radians([[38.5, 41.0]]))[0] / 1e3
    short_km = float(found[0].found.split(" falls ")[1].split(" km")[0])
    assert distance_km - short_km == pytest.approx(288.0, rel=0.05)
    assert "any city of side South" in found[0].found
    assert realise(scenario, SEED, np.arange(1)).objects.flag.tolist() == [0, 0, 0, 0, 5, 0, 5]


def test_the_check_looks_at_fixed_points_one_by_one(made):
    at = [{"lat_deg": 38, "lon_deg": 41}, {"lat_deg": 36, "lon_deg": 30}]
    launch = {"missile": "no-dong", "places": ["near"], "count": 2, "aim": {"side": "South", "at": at}}
    found = check_reach(made.scenario(launches=(launch,)))
    assert len(found) == 1
    assert "36.00, 30.00" in found[0].found


def test_the_check_refuses_an_aim_too_near(made):
    at = [{"lat_deg": 37.52, "lon_deg": 43.5}]
    launch = {"missile": "two-stage", "places": ["near"], "count": 1, "aim": {"side": "South", "at": at}}
    scenario = made.scenario(launches=(launch,))
    ready = prepare(scenario)
    shortest_km = ready.plans.table[ready.missiles.index("two-stage"), 2, 0] / 1e3
    assert 20.0 < shortest_km < 2000.0
    (found,) = check_reach(scenario, ready)
    over_km = float(found.found.split(" by ")[1].split(" km")[0])
    assert over_km == pytest.approx(shortest_km - 2.2, abs=0.6)
    assert found.path == "raid.waves.0.launches.0"
    assert realise(scenario, SEED, np.arange(1), ready).objects.flag.tolist() == [Flag.UNREACHABLE]


def test_the_check_refuses_to_aim_at_people_who_are_not_there(made):
    launch = {"missile": "no-dong", "places": ["near"], "count": 1, "aim": {"side": "North", "by": "people"}}
    (found,) = check_reach(made.scenario(launches=(launch,)))
    assert found.path == "raid.waves.0.launches.0.aim.by"
    assert "no city" in found.found


def test_ground_points_follow_long_straight_borders(raid):
    scenario, _, _ = raid
    points = np.degrees(ground_points(scenario.territories[0]))
    assert np.all((points >= (39.999, 37.999)) & (points <= (46.001, 44.001)))
    west = np.sort(points[np.abs(points[:, 1] - 38.0) < 1e-9, 0])
    assert np.diff(west).max() <= 0.25 + 1e-9
    assert west[0] == pytest.approx(40.0)
    assert west[-1] == pytest.approx(46.0)


def test_a_drawn_range_is_what_the_missile_then_reaches(made):
    scenario = made.scenario(reach={"no-dong": (1200.0, 900.0, 1400.0)})
    ready = prepare(scenario)
    m = ready.missiles.index("no-dong")
    spans = np.array([900.0, 1050.0, 1200.0, 1300.0, 1400.0])
    entry = scenario.missiles["no-dong"]
    packed = pack(
        [flight_missile(entry, entry.ballistic_coefficient_kg_m2.value, k) for k in impulse_for(ready, m, spans)]
    )
    longest = max_range(packed, np.arange(5), 0.7, 0.0, 0.5 * np.pi, rotation=False).range_m
    assert longest / longest[2] == pytest.approx(spans / 1200.0, rel=0.01)
    world = realise(scenario, SEED, np.arange(6), ready)
    assert not world.objects.flag.any()


def test_a_range_that_no_impulse_gives_is_refused(made):
    with pytest.raises(InputError, match="range_km of 1 to 1200"):
        prepare(made.scenario(reach={"no-dong": (1200.0, 1.0, 1200.0)}))
