"""What the page computes: words for differences, curves, coverage, ellipses, hexagons, clauses."""

import math
from datetime import date

import numpy as np
import pytest

from detente.report import answer, clauses, coverage, hexes, world
from detente.report.figures import lead_s, survival
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
