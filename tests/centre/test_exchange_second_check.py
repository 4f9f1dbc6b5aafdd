"""The second checker finds what is planted, and nothing in what release says."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests import made_exchange as made

from detente.centre.exchange import second_check
from detente.centre.exchange.release import initial, release
from detente.centre.exchange.rules import compile_agreement
from detente.centre.exchange.second_check import Setting, Snapshot, check
from detente.records.stages import Messages

POINTS = {"sigma_position_m": 2000.0, "grid_km": 40.0, "time_s": 20.0}
AGREEMENT = made.agreement(
    made.clause("t", "track", coarsen={"sigma_position_m": 900.0, "sigma_velocity_m_s": 9.0}),
    made.clause("w", "launch-warning", coarsen=POINTS),
    made.clause("i", "impact-prediction", coarsen=POINTS),
    made.clause("late", "track", delay_s=10.0, owners_withheld=["TUR"]),
    made.clause("boost", "track", when={"phases": ["boost"]}),
    made.clause("there", "track", when={"impact_in": "receiver", "impact_probability": 0.9}),
    end_s=100.0,
)


def setting(agreement=AGREEMENT):
    return Setting(
        agreement=agreement, side_names=made.SIDES, sensor_owners=made.OWNERS, sensor_sides=made.SENSOR_SIDES,
        epoch=made.EPOCH,
    )  # fmt: skip


def honest(sensors=1):
    """Four moments of one track, and all that was said of it."""
    rng = np.random.default_rng(11)
    story = [made.moment(rng, time_s, [[1]], sensors=[[sensors]]) for time_s in (0.0, 10.0, 20.0, 30.0)]
    rules = compile_agreement(AGREEMENT, made.SIDES, made.OWNERS, made.EPOCH)
    state, said = initial(rules, np.array([0]), 1), []
    for tracks, est in story:
        messages, _, state = release(state, tracks, est, rules, 0, 3, made.SECRET, tracks.time_s)
        said.append(messages)
    return [Snapshot(tracks=tracks, estimates=est) for tracks, est in story], Messages.concatenate(said)


HISTORY, SAID = honest()


def planted(row, **values):
    """What was said, with one message changed."""
    columns = {}
    for name, value in values.items():
        columns[name] = getattr(SAID, name).copy()
        columns[name][row] = value
    return replace(SAID, **columns)


def row_of(clause, nth=0):
    return int(np.flatnonzero(SAID.clause == clause)[nth])


def rules_broken(messages, row, history=HISTORY):
    found = check(messages, history, setting(), 0)
    assert {violation.row for violation in found} <= {row}
    return {violation.rule for violation in found}


def test_what_release_says_passes():
    assert np.bincount(SAID.clause).tolist() == [4, 4, 4, 3]
    assert check(SAID, HISTORY, setting(), 0) == []


def test_nothing_passes_without_an_agreement():
    assert [v.rule for v in check(SAID, HISTORY, setting(None), 0)] == ["closed"] * len(SAID)
    assert "closed" in rules_broken(planted(0, clause=99), 0)


def test_wrong_addresses_are_found():
    assert rules_broken(planted(row_of(0), receiver=2), row_of(0)) == {"receiver"}
    assert rules_broken(planted(row_of(0), receiver=9), row_of(0)) == {"receiver"}
    assert "giver" in rules_broken(planted(row_of(0), giver=1), row_of(0))


def test_a_forbidden_class_is_found():
    row = row_of(1)
    assert "class" in rules_broken(planted(row, data=2), row)
    state = HISTORY[0].tracks.mean[0, 0]
    assert rules_broken(planted(row_of(1), state=state), row_of(1)) == {"content"}


def test_early_and_expired_messages_are_found():
    row = row_of(3)
    assert rules_broken(planted(row, released_s=SAID.valid_s[row] + 9.0), row) == {"delay"}
    assert rules_broken(planted(row, released_s=100.0), row) == {"force"}
    assert rules_broken(planted(row_of(0), released_s=250.0), row_of(0)) == {"force"}


def test_withheld_owners_and_strangers_sensors_are_found():
    row = row_of(3)
    for sensors, rule in ((3, "owner"), (5, "onward")):
        history = [
            Snapshot(tracks=replace(s.tracks, sensors=np.array([[sensors]], np.uint64)), estimates=s.estimates)
            for s in HISTORY
        ]
        one = SAID.take(np.array([row]))
        assert [v.rule for v in check(one, history, setting(), 0)] == ["pedigree", rule]
    assert rules_broken(planted(row, sensors=0), row) == {"pedigree"}
    assert [clause for clause in honest(sensors=3)[1].clause if clause == 3] == []


def test_conditions_are_read_again():
    row = row_of(3)
    assert rules_broken(planted(row, clause=4), row) == {"phase"}
    assert rules_broken(planted(row, clause=5), row) == {"impact"}


def test_a_track_that_was_not_confirmed_is_found():
    assert rules_broken(planted(row_of(0), number=7), row_of(0)) == {"source"}
    assert rules_broken(planted(row_of(0), valid_s=-3.0), row_of(0)) >= {"source"}
    tentative = [
        Snapshot(tracks=replace(s.tracks, status=np.array([[1]], np.uint8)), estimates=s.estimates) for s in HISTORY
    ]
    assert {v.rule for v in check(SAID, tentative, setting(), 0)} == {"source"}


def test_uncoarsened_states_are_found():
    row = row_of(0, 3)
    mean = HISTORY[3].tracks.mean[0, 0]
    assert rules_broken(planted(row, state=mean), row) == {"coarsening"}
    assert rules_broken(planted(row, coarsened=0), row) == {"coarsening"}
    lower = HISTORY[3].tracks.covariance[0, 0][np.tril_indices(6)]
    assert rules_broken(planted(row, covariance=lower), row) == {"coarsening"}
    for shift in (1.0, 9000.0):
        assert rules_broken(planted(row, state=SAID.state[row] + shift), row) == {"coarsening"}


def test_a_state_altered_where_nothing_is_coarsened_is_found():
    row = row_of(3)
    assert rules_broken(planted(row, state=SAID.state[row] + 1e-3), row) == {"content"}


def test_uncoarsened_points_are_found():
    est = HISTORY[0].estimates
    for row, what in ((row_of(1), "launch"), (row_of(2), "impact")):
        for name in ("lat_rad", "lon_rad", "s"):
            column = f"{what}_{name}"
            assert "coarsening" in rules_broken(planted(row, **{column: getattr(est, column)[0, 0]}), row)
        assert "coarsening" in rules_broken(planted(row, **{f"{what}_lat_rad": 0.0, f"{what}_lon_rad": 0.0}), row)
    sharp = est.launch_sigma_m[0, 0]
    assert rules_broken(planted(row_of(1), launch_sigma_m=sharp), row_of(1)) == {"coarsening"}
    sharp = est.impact_covariance_m2[0, 0]
    assert rules_broken(planted(row_of(2), impact_covariance_m2=sharp), row_of(2)) == {"coarsening"}
    sharp = est.impact_sigma_s[0, 0]
    assert rules_broken(planted(row_of(2), impact_sigma_s=sharp), row_of(2)) == {"coarsening"}


def test_a_spread_that_owns_up_to_half_of_the_coarsening_is_found():
    """A point is moved within a cell, then rounded to it: step²/12 twice. To leave one of them out is to boast."""
    grid_m2, step_s2 = 40e3**2 / 12, 20.0**2 / 12
    row = row_of(1)
    boast = np.sqrt(SAID.launch_sigma_m[row] ** 2 - grid_m2)
    assert rules_broken(planted(row, launch_sigma_m=boast), row) == {"coarsening"}
    row = row_of(2)
    for axes in ((1, 0, 0), (0, 0, 1)):
        boast = SAID.impact_covariance_m2[row] - grid_m2 * np.array(axes)
        assert rules_broken(planted(row, impact_covariance_m2=boast), row) == {"coarsening"}
    boast = np.sqrt(SAID.impact_sigma_s[row] ** 2 - step_s2)
    assert rules_broken(planted(row, impact_sigma_s=boast), row) == {"coarsening"}


@pytest.mark.parametrize(("every_s", "found"), [(10.0, set()), (10.5, {"rate"})])
def test_rate_is_measured_over_what_was_said_before(every_s, found):
    clauses = list(AGREEMENT.clauses)
    clauses[0] = clauses[0].model_copy(update={"every_s": every_s})
    slower = setting(AGREEMENT.model_copy(update={"clauses": tuple(clauses)}))
    mine = SAID.take(SAID.clause == 0)
    now, before = mine.take(mine.valid_s == 30.0), mine.take(mine.valid_s == 20.0)
    assert {v.rule for v in check(now, HISTORY, slower, 0, before)} == found
    assert check(now, HISTORY, slower, 0) == []


def test_the_second_checker_shares_no_code_with_release():
    tree = ast.parse(Path(second_check.__file__).read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    ours = {module for module in imported if module.startswith("detente")}
    assert ours == {
        "detente.records.slots", "detente.records.stages", "detente.scenario.agreement", "detente.scenario.words",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("when", "rule"),
    [
        ({"launch_zone": made.box(-90, -89, 0, 1)}, "zone"), ({"impact_zone": made.box(-90, -89, 0, 1)}, "zone"),
        ({"object_zone": made.box(-90, -89, 0, 1)}, "zone"), ({"range_classes": ["short"]}, "range"),
        ({"launch_zone": made.box(-90, 90, -180, 180), "object_zone": made.box(-90, 90, -180, 180)}, ""),
        ({"range_classes": ["medium", "intermediate", "intercontinental"]}, ""),
    ],
)  # fmt: skip
def test_zones_and_ranges_are_asked_for_again(when, rule):
    asked = setting(made.agreement(made.clause("t", "track", when=when)))
    plain = setting(made.agreement(made.clause("t", "track")))
    tracks, est = made.moment(np.random.default_rng(3), 0.0, [[1]])
    rules = compile_agreement(plain.agreement, made.SIDES, made.OWNERS, made.EPOCH)
    messages, _, _ = release(initial(rules, np.array([0]), 1), tracks, est, rules, 0, 3, made.SECRET, 0.0)
    history = [Snapshot(tracks=tracks, estimates=est)]
    assert check(messages, history, plain, 0) == []
    assert [breach.rule for breach in check(messages, history, asked, 0)] == ([rule] if rule else [])


EVERYWHERE, ANY_RANGE = made.box(-90, 90, -180, 180), ["short", "medium", "intermediate", "intercontinental"]


@pytest.mark.parametrize(
    ("when", "unknown", "rule"),
    [
        ({"launch_zone": EVERYWHERE}, "launch", "zone"), ({"impact_zone": EVERYWHERE}, "impact", "zone"),
        ({"range_classes": ANY_RANGE[:3]}, "launch", "range"), ({"range_classes": ANY_RANGE[1:]}, "impact", "range"),
        ({"launch_zone": EVERYWHERE}, "impact", ""), ({}, "launch", ""),
    ],
)  # fmt: skip
def test_what_is_unknown_lies_in_no_zone_and_is_of_no_range(when, unknown, rule):
    asked = setting(made.agreement(made.clause("t", "track", when=when)))
    tracks, est = made.moment(np.random.default_rng(3), 0.0, [[1]])
    rules = compile_agreement(made.agreement(made.clause("t", "track")), made.SIDES, made.OWNERS, made.EPOCH)
    messages, _, _ = release(initial(rules, np.array([0]), 1), tracks, est, rules, 0, 3, made.SECRET, 0.0)
    known = replace(est, **{f"{unknown}_valid": np.zeros((1, 1), np.uint8)})
    found = [breach.rule for breach in check(messages, [Snapshot(tracks=tracks, estimates=known)], asked, 0)]
    assert found == ([rule] if rule else [])


@pytest.mark.parametrize(
    ("data", "coarsen", "told", "known", "text"),
    [
        ("track", {"sigma_position_m": 900.0}, {"state": "mean"}, {}, "the state was not moved"),
        ("launch-warning", {}, {"launch_lat_rad": 0.25}, {}, "the launch point is not the estimate's"),
        ("impact-prediction", {}, {"impact_lon_rad": 0.25}, {}, "the impact point is not the estimate's"),
        ("launch-warning", {"sigma_position_m": 2e3}, {"launch_lat_rad": "own", "launch_lon_rad": "own"}, {},
         "the launch point was not moved"),
        ("launch-warning", {}, {"launch_sigma_m": 1.0}, {}, "the launch spread is not the estimate's"),
        ("launch-warning", {}, {}, {"launch_valid": 0}, "no launch was estimated"),
        ("launch-warning", {}, {"launch_valid": 0}, {}, "leaves its own out"),
        ("track", {}, {"impact_valid": 1}, {}, "that its class does not carry"),
    ],
)  # fmt: skip
def test_each_rule_about_contents_speaks_for_itself(data, coarsen, told, known, text):
    asked = setting(made.agreement(made.clause("c", data, coarsen=coarsen)))
    tracks, est = made.moment(np.random.default_rng(3), 0.0, [[1]])
    rules = compile_agreement(asked.agreement, made.SIDES, made.OWNERS, made.EPOCH)
    messages, _, _ = release(initial(rules, np.array([0]), 1), tracks, est, rules, 0, 3, made.SECRET, 0.0)
    assert check(messages, [Snapshot(tracks=tracks, estimates=est)], asked, 0) == []
    exact = {"mean": lambda _: tracks.mean[0, :1], "own": lambda name: getattr(est, name)[0, :1]}
    planted = {
        name: exact[value](name) if isinstance(value, str) else np.full(1, value, getattr(messages, name).dtype)
        for name, value in told.items()
    }
    knew = replace(est, **{name: np.full((1, 1), value, np.uint8) for name, value in known.items()})
    found = check(replace(messages, **planted), [Snapshot(tracks=tracks, estimates=knew)], asked, 0)
    assert any(text in breach.text for breach in found), [breach.text for breach in found]


def test_an_owner_that_was_not_asked_holds_a_track_back():
    asked = setting(made.agreement(made.clause("t", "track", owners_consenting=["USA"])))
    tracks, est = made.moment(np.random.default_rng(3), 0.0, [[1]], sensors=[[2]])
    rules = compile_agreement(made.agreement(made.clause()), made.SIDES, made.OWNERS, made.EPOCH)
    messages, _, _ = release(initial(rules, np.array([0]), 1), tracks, est, rules, 0, 3, made.SECRET, 0.0)
    breaches = check(messages, [Snapshot(tracks=tracks, estimates=est)], asked, 0)
    assert [(breach.rule, breach.text) for breach in breaches] == [
        ("owner", "TUR does not consent to what its sensor 1 contributed")
    ]
