"""What the page computes: words for differences, curves, coverage, ellipses, hexagons, clauses."""

import math
from datetime import date

import numpy as np
import pytest

from detente.geodesy.distance import shortest_paths
from detente.report import answer, clauses, coverage, hexes, labels, words, world
from detente.report.figures import lead_s, sensors, survival, warning_curves
from detente.report.words import NARROW, decimal, plain, verdict

DAY = date(2010, 12, 1)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (1234.5, "1,234"),
        (12.0, "12"),
        (0.05, "0.05"),
        (1e-6, "1 × 10^−6"),
        (-90.0, "−90"),
        (3.5e9, "3.5 × 10^9"),
    ],
)
def test_numbers_read_as_people_write_them(value, shown):
    assert plain(value) == shown


def test_what_rounds_to_nothing_has_no_sign():
    assert decimal(-0.04, 1) == "0"
    assert decimal(-0.06, 1) == "−0.1"
    assert answer.duration(59.6) == "60\u00a0s"
    assert answer.duration(150.0) == "2.5\u00a0min"


def _with(saved, **difference):
    """The same study with another difference of leakage for NATO."""
    from dataclasses import replace

    changed = {**saved.study, "differences": {"joint": {"NATO": {"leakage_fraction": difference or None}}}}
    return replace(saved, study=changed)


@pytest.mark.parametrize(
    ("low", "high", "kind"),
    [(-0.2, -0.1, "better"), (0.1, 0.2, "worse"), (-0.1, 0.1, "unclear"), (0.0, 0.2, "unclear"), (0.0, 0.0, "none")],
)
def test_a_difference_is_judged_by_its_interval(saved, low, high, kind):
    leakage = next(metric for metric in saved.metrics if metric["name"] == "leakage_fraction")
    changed = _with(saved, mean=(low + high) / 2, low=low, high=high)
    assert verdict(changed, "joint", "NATO", leakage).kind == kind


def test_the_answer_speaks_of_each_side_in_the_same_words(saved):
    text = str(answer.answer(saved))
    items = text.split("<li>")[1:]
    assert len(items) == 2

    def skeleton(item):
        words = "".join(" " if c.isdigit() or c in "-−+.,\u00a0" else c for c in item)
        for name, ours in (("NATO", "SIDE"), ("Russia", "SIDE"), ("side-0", "side"), ("side-1", "side")):
            words = words.replace(name, ours).replace("side ", "side")
        return words.split("</ul>")[0].split()

    assert skeleton(items[0]) == skeleton(items[1])


def test_the_answer_says_so_when_nothing_can_be_told(saved):
    flat = {
        architecture: {
            side: {name: {"mean": 0.0001, "low": -0.001, "high": 0.002} for name in answer.HEADLINE}
            for side in saved.sides
        }
        for architecture in saved.architectures
    }
    from dataclasses import replace

    text = str(answer.answer(replace(saved, study={**saved.study, "differences": flat})))
    assert text.count("not distinguishable from zero") == 6
    assert " more</strong>" not in text


def test_sides_beside_one_another_share_one_unit(saved):
    """What is fine enough for one side's difference is written of both."""
    from dataclasses import replace

    times = dict(zip(saved.sides, ((300.0, 250.0, 350.0), (21.0, 6.0, 35.0)), strict=True))
    told = {
        architecture: {
            side: {**said, "warning_time_s": dict(zip(("mean", "low", "high"), times[side], strict=True))}
            for side, said in sides.items()
            if side in times
        }
        for architecture, sides in saved.study["differences"].items()
    }
    text = str(answer.answer(replace(saved, study={**saved.study, "differences": told})))
    said = text.replace(NARROW, " ")
    assert "300 s longer" in said
    assert "21 s longer" in said


def test_curves_start_at_the_share_ever_warned():
    leads = lead_s(np.array([100.0, 100.0, 100.0, 100.0]), np.array([40.0, 80.0, -1.0, 100.0]))
    assert survival(leads, np.array([0.0, 20.0, 20.5, 60.0, 61.0])) == [0.75, 0.5, 0.25, 0.25, 0.0]


def test_coverage_ends_at_the_horizon_or_the_range():
    assert coverage.reach_rad(200e3, 0.0) == 0.0  # the target is higher than the radar's range
    overhead = coverage.reach_rad(300_001.0, 0.0)
    assert 0.0 < overhead < 1e-3
    horizon = math.acos(coverage.MEAN_RADIUS_M / (coverage.MEAN_RADIUS_M + 300e3))
    assert coverage.reach_rad(6000e3, 0.0) == pytest.approx(horizon, rel=1e-12)
    assert coverage.reach_rad(6000e3, math.radians(2.0)) < horizon


def test_a_sector_begins_and_ends_at_its_radar(saved):
    radar = saved.about["sensors"][0]
    ring = coverage.fans(radar)["value"]
    assert ring[0] == ring[-1] == [21.0, 52.0]
    assert len(ring) == 2 + 120 // 5 + 1


def test_ellipse_axes_of_a_known_covariance():
    major, minor, azimuth = world.axes(np.array([4.0, 0.0, 1.0]))
    assert (major, minor) == pytest.approx((2.0 * world.INSIDE_95, world.INSIDE_95))
    assert abs(azimuth) == pytest.approx(math.pi / 2)  # east and west
    turned = world.axes(np.array([2.5, 1.5, 2.5]))  # the same, turned to the north-east
    assert turned == pytest.approx((2.0 * world.INSIDE_95, world.INSIDE_95, math.pi / 4))


def test_hexagons_hold_their_points_and_project_back():
    middle = (30.0, 50.0)
    generator = np.random.default_rng(3)
    lat, lon = np.radians(generator.uniform(35, 65, 200)), np.radians(generator.uniform(0, 60, 200))
    plane = hexes.to_plane(lat, lon, middle)
    back = hexes.to_ground(plane, middle)
    assert np.allclose(back, np.degrees(np.stack([lon, lat], 1)), atol=0.006)
    radius = 100e3
    for point, cell in zip(plane, hexes.hexagon_of(plane, radius), strict=True):
        assert np.hypot(*(point - hexes.centre(cell, radius))) <= radius * (1 + 1e-12)


def test_defended_shares_are_those_of_the_objects(saved):
    found = hexes.defended_ground(saved, (30.0, 50.0))
    for name in saved.architectures:
        under = saved.objects_under(name)
        share = np.average(found["shares"][name], weights=found["count"])
        assert share == pytest.approx(np.mean(under.opportunities > 0), abs=1e-3)
    assert sum(found["count"]) == 50 * 24


def test_first_warnings_are_one_a_track_and_side(saved):
    warnings = saved.samples["cooperating"].warnings
    twice = type(warnings).concatenate([warnings, warnings])
    assert len(world.first_warnings(twice)) == len(warnings)
    elsewhere = world.first_warnings(warnings).take(np.arange(0))
    assert len(elsewhere) == 0


def test_a_clause_in_words(saved):
    clause = saved.about["architectures"][1]["agreement"]["clauses"][0]
    said = str(clauses.sentence(clause, DAY))
    assert "NATO tells Russia launch warnings" in said
    assert "only where the object will land in Russia&#x27;s territory with a probability of at least 0.5" in said
    assert "nothing to which a sensor owned by Turkey contributed" in said
    assert "at most one message about an object every 10 s" in said
    assert "points rounded to 50 km and times rounded to 10 s" in said
    assert clauses.country("QQQ", DAY) == "QQQ"


WHEN = {
    "impact_in": None, "impact_probability": 0.5, "phases": [], "launch_zone": None, "object_zone": None,
    "impact_zone": None, "range_classes": [],
}  # fmt: skip
PLAIN = {
    "name": "c", "giver": "NATO", "receiver": "Russia", "data": "track", "when": WHEN, "owners_withheld": [],
    "owners_consenting": None, "every_s": 10.0, "delay_s": 0.0, "retention_s": None,
    "coarsen": {"sigma_position_m": 0.0, "sigma_velocity_m_s": 0.0, "grid_km": 0.0, "time_s": 0.0},
}  # fmt: skip


def test_every_term_of_a_clause_is_in_its_sentence():
    assert clauses.sentence(PLAIN, DAY) == (
        "<code>c</code> NATO tells Russia tracks (position, velocity and their error); at most one message about an "
        "object every 10 s; without added delay; in full detail."
    )
    zone = {"south_deg": -5.0, "north_deg": 40.5, "west_deg": 170.0, "east_deg": -170.0}
    when = {
        "impact_in": "any-party", "impact_probability": 0.25, "phases": ["boost", "reentry"], "launch_zone": zone,
        "object_zone": zone, "impact_zone": zone, "range_classes": ["short", "medium", "intermediate"],
    }  # fmt: skip
    coarsen = {"sigma_position_m": 2500.0, "sigma_velocity_m_s": 9.0, "grid_km": 40.0, "time_s": 20.0}
    full = PLAIN | {
        "when": when, "coarsen": coarsen, "owners_withheld": ["TUR", "USA"], "owners_consenting": [], "delay_s": 60.0,
        "retention_s": 3600.0,
    }  # fmt: skip
    there = "latitude −5 to 40.5, longitude 170 eastwards to −170"
    assert clauses.sentence(full, DAY) == (
        "<code>c</code> NATO tells Russia tracks (position, velocity and their error); "
        "only where the object will land in any party&#x27;s territory with a probability of at least 0.25; "
        "only in boost or reentry; "
        f"only if launched from {there}; only if over {there}; only if bound for {there}; "
        "only of short, medium or intermediate range; "
        "but nothing to which a sensor owned by Turkey or United States contributed; "
        "only what sensors owned by nobody contributed; at most one message about an object every 10 s; "
        "no sooner than 60 s after the fact; positions blurred by 2.5 km, velocities blurred by 9 m/s, points rounded "
        "to 40 km and times rounded to 20 s; to be deleted after 3,600 s."
    )
    status = str(clauses.sentence(PLAIN | {"data": "sensor-status", "owners_consenting": ["TUR", "NOR"]}, DAY))
    assert (
        "only what sensors owned by Turkey and Norway contributed; at most one message about a sensor every" in status
    )


def test_names_are_listed_as_a_sentence_has_them():
    assert [words.listed("abcd"[:n]) for n in range(5)] == ["none", "a", "a and b", "a, b and c", "a, b, c and d"]
    assert words.listed(["a", "b"], "or") == "a or b"
    assert (words.counted(1, "side"), words.counted(1200, "side"), words.counted(0, "is", "are")) == (
        "1 side", "1,200 sides", "0 are",
    )  # fmt: skip


def test_warning_curves_reach_as_far_as_the_longest_warning(saved):
    drawn = warning_curves(saved)
    longest = max(
        lead_s(under.impact_s, under.warned_s).max() for under in map(saved.objects_under, saved.architectures)
    )
    assert 60.0 * drawn["minutes"][-1] >= longest
    assert 60.0 * drawn["minutes"][-2] < longest
    for curve in drawn["curves"]:
        assert curve["known"][0] == pytest.approx(1.0 - curve["never"], abs=1e-4)
        assert curve["own"][0] == pytest.approx(1.0 - curve["never_own"], abs=1e-4)
        assert curve["known"] == sorted(curve["known"], reverse=True)
        assert all(all_of_it >= own for all_of_it, own in zip(curve["known"], curve["own"], strict=True))


def test_the_ends_of_a_range_are_drawn_for_warning_radars_alone(saved):
    """A battery's radar has one fan; a warning radar also those of its least and greatest range."""
    drawn = {sensor["title"]: sensor["fans"] for sensor in sensors(saved)}
    for radar in (one for one in saved.about["sensors"] if one["kind"] == "radar"):
        fans = drawn[radar["title"]]
        all_three = coverage.fans(radar)
        of_a_site = labels.is_of_a_site(saved, radar)
        assert fans == all_three | ({"low": None, "high": None} if of_a_site else {})
    assert sum(fans["low"] is not None for fans in drawn.values()) == 2


@pytest.mark.parametrize(
    ("unit", "largest", "value", "shown", "signed"),
    [
        ("s", 119.0, 90.0, "90 s", "+90"), ("s", 120.0, 90.0, "1.5 min", "+1.5"), ("s", 9.9, -3.0, "−3.00 s", "−3.00"),
        ("m", 1999.0, 150.0, "150 m", "+150"), ("m", 2000.0, 150.0, "0.15 km", "+0.15"),
        ("m", 120e3, 1500.0, "2 km", "+2"), ("km", 99.0, 45.67, "45.7 km", "+45.7"),
        ("km", 100.0, 45.67, "46 km", "+46"),
        ("", 9.0, 0.0, "0 ", "0"), ("", 10.0, 0.04, "0 ", "+0.04"), ("", 10.0, -0.0004, "0 ", "0"),
    ],
)  # fmt: skip
def test_one_unit_and_so_many_digits_for_a_metric_from_its_largest_value(unit, largest, value, shown, signed):
    """A difference that would round to nothing has up to two digits more."""
    scale = words._scale({"is_fraction": False, "unit": unit}, largest)
    assert scale.with_unit(value).replace(NARROW, " ") == shown
    assert scale.signed(value) == signed


def test_a_share_is_in_per_cent_and_its_difference_in_points():
    scale = words._scale({"is_fraction": True, "unit": ""}, 0.3)
    assert (scale.with_unit(0.256).replace(NARROW, " "), scale.signed(-0.031)) == ("25.6 %", "−3.1")
    assert scale.difference_unit == "points"


@pytest.mark.parametrize(
    ("mean", "low", "high", "single", "better", "kind"),
    [
        (2.0, 1.0, 3.0, False, 1, "better"), (2.0, 1.0, 3.0, False, -1, "worse"), (2.0, 1.0, 3.0, False, 0, "other"),
        (-2.0, -3.0, -1.0, False, 1, "worse"), (-2.0, -3.0, -1.0, False, -1, "better"),
        (2.0, 0.0, 4.0, False, 1, "unclear"), (-2.0, -4.0, 0.0, False, 1, "unclear"), (0.0, 0.0, 0.0, False, 1, "none"),
        (2.0, 2.0, 2.0, True, 1, "single"), (0.0, 0.0, 0.0, True, 1, "single"), (2.0, 2.0, 2.0, False, 1, "better"),
    ],
)  # fmt: skip
def test_better_and_worse_need_an_interval_without_zero_and_a_direction(mean, low, high, single, better, kind):
    assert words.judged(mean, low, high, single=single, better=better).kind == kind


def test_a_difference_in_a_sentence_has_its_size_its_way_and_both_ends(saved):
    """Seconds for the longer warning, points for the leakage that falls; the ends as sizes, the smaller first."""

    def said(metric, kind, mean, low, high):
        found = words.Verdict(kind=kind, mean=mean, low=low, high=high)
        return str(answer._amount(saved, found, metric, answer.in_words(metric, abs(mean), found))).replace(NARROW, " ")

    assert said("warning_time_s", "better", 31.0, 25.0, 39.0) == (
        "<strong>31 s longer</strong> (95 % interval 25 to 39 s)"
    )
    assert said("warning_time_s", "worse", -300.0, -360.0, -240.0) == (
        "<strong>5.0 min shorter</strong> (95 % interval 4.0 to 6.0 min)"
    )
    assert said("leakage_fraction", "better", -0.031, -0.05, -0.012) == (
        "<strong>3.1 points less</strong> (95 % interval 1.2 to 5.0 points)"
    )
    assert said("territory_defended_fraction", "better", 0.2, 0.1, 0.3).startswith("<strong>20.0 points more</strong>")
    unclear = said("warning_time_s", "unclear", 2.0, -4.0, 8.0)
    assert unclear.endswith("from 50 worlds (−4.0 to +8.0 s)")
    assert said("warning_time_s", "none", 0.0, 0.0, 0.0) == "<strong>no difference in any world</strong>"


def test_no_false_warning_is_said_only_where_there_was_none(saved):
    from dataclasses import replace

    from detente.report.sections import _false_warnings

    def with_means(mean_of):
        told = {
            name: {
                side: {**cells, "false_warnings": {"mean": mean_of(name, side), "low": 0.0, "high": 0.0, "n": 50}}
                for side, cells in sides.items()
            }
            for name, sides in saved.study["architectures"].items()
        }
        return replace(saved, study={**saved.study, "architectures": told})

    assert "no false warning" in _false_warnings(with_means(lambda *_: 0.0))
    assert _false_warnings(with_means(lambda name, side: 0.02 * (name == "joint" and side == "Russia"))) == ""


def test_an_ellipse_on_the_ground_is_as_long_and_as_wide_as_its_axes():
    """Along its azimuth the major axis, across it the minor one, closed."""
    middle = np.radians([10.0, 20.0])
    ring = np.radians(np.array(world.ring(middle, 40e3, 15e3, math.radians(30.0)))[:, ::-1])
    assert np.array_equal(ring[0], ring[-1])
    paths = shortest_paths(middle[None], ring)
    quarter = (len(ring) - 1) // 4
    for row, metres, azimuth_deg in ((0, 40e3, 30.0), (quarter, 15e3, 120.0), (2 * quarter, 40e3, -150.0)):
        assert paths.distance_m[row] == pytest.approx(metres, abs=1_200.0)  # places are rounded to 0.01°
        assert np.degrees(paths.azimuth_start_rad[row]) == pytest.approx(azimuth_deg, abs=4.0)


def test_hexagons_hold_enough_aim_points_to_tell_a_share():
    """Points spread evenly: a dozen a hexagon over the nine tenths they span, within the largest and smallest."""
    even = np.random.default_rng(5).uniform(-1e6, 1e6, (2000, 2))
    area = 1.5 * math.sqrt(3.0) * hexes.radius_for(even) ** 2
    assert area * 2000 / (1.8e6) ** 2 == pytest.approx(hexes.PER_HEXAGON, rel=0.05)
    assert hexes.radius_for(even[:20]) == hexes.RADIUS_MAX_M
    assert hexes.radius_for(np.tile(even, (50, 1)) / 10) == hexes.RADIUS_MIN_M
