"""Release, rule by rule, on tracks made by hand."""

from dataclasses import replace
from datetime import timedelta, timezone

import numpy as np
import pytest
from tests import made_exchange as made

from detente.centre.exchange import _kernels_coarsen as coarse
from detente.centre.exchange import release as door
from detente.centre.exchange.digest import digest
from detente.centre.exchange.offsets import secret_numbers
from detente.centre.exchange.release import ReleaseReason, initial, release
from detente.centre.exchange.rules import compile_agreement
from detente.records.errors import InputError
from detente.records.stages import Messages


def rules_of(*clauses, **values):
    return compile_agreement(made.agreement(*clauses, **values), made.SIDES, made.OWNERS, made.EPOCH)


def say(rules, moments, giver=0, secret=made.SECRET, record=False):
    """Messages, decisions and memory after a sequence of (tracks, estimates)."""
    state, sent, decided = initial(rules, np.arange(len(moments[0][0].number)), moments[0][0].number.shape[1]), [], []
    for tracks, est in moments:
        messages, decisions, state = release(
            state, tracks, est, rules, giver, made.SENSORS_OF[giver], secret, tracks.time_s, record=record
        )
        sent.append(messages)
        decided.append(decisions)
    return Messages.concatenate(sent), type(decisions).concatenate(decided), state


def steady(times, number=((1,),), seed=0, **values):
    """The same tracks at these times."""
    return [made.moment(np.random.default_rng(seed), time_s, number, **values) for time_s in times]


def test_a_track_clause_releases_state_covariance_and_pedigree_and_nothing_else():
    moments = steady([0.0], sensors=[[3]], phase=[[3]])
    messages, _, state = say(rules_of(made.clause()), moments)
    tracks = moments[0][0]
    assert (messages.giver[0], messages.receiver[0], messages.data[0], messages.clause[0]) == (0, 1, 3, 0)
    assert (messages.number[0], messages.phase[0], messages.sensors[0], messages.coarsened[0]) == (1, 3, 3, 0)
    assert np.array_equal(messages.state[0], tracks.mean[0, 0])
    assert np.array_equal(messages.covariance[0], tracks.covariance[0, 0][np.tril_indices(6)])
    assert messages.launch_valid[0] == messages.impact_valid[0] == 0
    assert messages.impact_covariance_m2.sum() == messages.launch_lat_rad[0] == 0
    assert state.released_messages.tolist() == [1]


def test_warnings_carry_points_and_no_state():
    moments = steady([0.0])
    messages, _, _ = say(
        rules_of(made.clause("l", "launch-warning"), made.clause("i", "impact-prediction")), moments
    )  # fmt: skip
    est = moments[0][1]
    assert messages.data.tolist() == [1, 2]
    assert messages.launch_valid.tolist() == [1, 0]
    assert messages.impact_valid.tolist() == [0, 1]
    assert messages.launch_lat_rad.tolist() == [est.launch_lat_rad[0, 0], 0.0]
    assert messages.impact_s.tolist() == [0.0, est.impact_s[0, 0]]
    assert np.array_equal(messages.impact_covariance_m2[1], est.impact_covariance_m2[0, 0])
    assert not messages.state.any()
    assert not messages.covariance.any()


def test_what_may_be_kept_for_ever_is_told_apart_from_what_may_not():
    rules = rules_of(made.clause("a"), made.clause("b", retention_s=60.0))
    assert rules.retention_s.tolist() == [np.inf, 60.0]


NOWHERE = made.box(-90, -89, 0, 1)


def reason_of(rules, moments, **values):
    _, decisions, _ = say(rules, moments, record=True, **values)
    mine = decisions.take((decisions.receiver == 1) & (decisions.data == 3))
    return [ReleaseReason(reason) for reason in mine.reason]


@pytest.mark.parametrize(
    ("terms", "values", "reason"),
    [
        ({}, {}, ReleaseReason.RELEASED),
        ({"receiver": "C"}, {}, ReleaseReason.NO_CLAUSE),
        ({"giver": "B", "receiver": "A"}, {}, ReleaseReason.NO_CLAUSE),
        ({}, {"sensors": [[5]]}, ReleaseReason.ONWARD),
        ({"owners_withheld": ["TUR"]}, {"sensors": [[3]]}, ReleaseReason.OWNER_WITHHELD),
        ({"owners_withheld": ["TUR"]}, {"sensors": [[1]]}, ReleaseReason.RELEASED),
        ({"when": {"phases": ["boost"]}}, {"phase": [[2]]}, ReleaseReason.PHASE),
        ({"when": {"phases": ["boost", "reentry"]}}, {"phase": [[3]]}, ReleaseReason.RELEASED),
        ({"when": {"launch_zone": NOWHERE}}, {}, ReleaseReason.ZONE),
        ({"when": {"object_zone": NOWHERE}}, {}, ReleaseReason.ZONE),
        ({"when": {"impact_zone": NOWHERE}}, {}, ReleaseReason.ZONE),
        ({"when": {"launch_zone": made.box(-90, 90, -180, 180)}}, {}, ReleaseReason.RELEASED),
        ({"when": {"range_classes": ["short"]}}, {}, ReleaseReason.RANGE_CLASS),
        ({"when": {"range_classes": ["medium", "intermediate", "intercontinental"]}}, {}, ReleaseReason.RELEASED),
        ({"delay_s": 1.0}, {}, ReleaseReason.DELAYED),
    ],
)
def test_each_condition_has_its_reason(terms, values, reason):
    assert reason_of(rules_of(made.clause(**terms)), steady([0.0], **values)) == [reason]


def test_a_clause_that_names_every_class_of_range_asks_that_it_be_known():
    """As the second checker and the words of ``explain`` have it: what is unknown is of no class."""
    named = rules_of(made.clause(when={"range_classes": ["short", "medium", "intermediate", "intercontinental"]}))
    tracks, est = steady([0.0])[0]
    unknown = replace(est, launch_valid=np.zeros(est.launch_valid.shape, np.uint8))
    assert reason_of(named, [(tracks, est)]) == [ReleaseReason.RELEASED]
    assert reason_of(named, [(tracks, unknown)]) == [ReleaseReason.RANGE_CLASS]
    assert reason_of(rules_of(made.clause()), [(tracks, unknown)]) == [ReleaseReason.RELEASED]


@pytest.mark.parametrize(
    ("where", "threshold", "released"),
    [("receiver", 0.3, True), ("receiver", 0.31, False), ("giver", 0.5, True), ("any-party", 0.8, True)],
)
def test_impact_conditions_ask_for_the_named_territory(where, threshold, released):
    rng = np.random.default_rng(0)
    tracks, _ = made.moment(rng, 0.0, [[1]])
    est = made.estimates(rng, (1, 1), 0.0, threat=(0.5, 0.3, 0.1))
    terms = {"when": {"impact_in": where, "impact_probability": threshold}}
    rules = compile_agreement(
        made.agreement(made.clause(**terms), parties=("A", "B")), made.SIDES, made.OWNERS, made.EPOCH
    )  # fmt: skip
    expected = ReleaseReason.RELEASED if released else ReleaseReason.IMPACT_ELSEWHERE
    assert reason_of(rules, [(tracks, est)]) == [expected]
    unknown = replace(est, impact_valid=np.zeros((1, 1), np.uint8))
    assert reason_of(rules, [(tracks, unknown)]) == [ReleaseReason.IMPACT_ELSEWHERE]


def test_an_agreement_is_in_force_from_its_start_to_just_before_its_end():
    messages, _, _ = say(rules_of(made.clause(every_s=5), start_s=10, end_s=20), steady([5.0, 10.0, 15.0, 20.0]))
    assert messages.valid_s.tolist() == [10.0, 15.0]


def test_rate_is_by_track_and_clause():
    moments = steady([0.0, 5.0, 10.0, 15.0, 20.0], number=[[1, 2]])
    messages, _, _ = say(rules_of(made.clause("a"), made.clause("b", receiver="C", every_s=5)), moments)
    for clause, times in ((0, [0, 10, 20]), (1, [0, 5, 10, 15, 20])):
        for number in (1, 2):
            mine = messages.take((messages.clause == clause) & (messages.number == number))
            assert mine.valid_s.tolist() == times


def test_rate_follows_a_track_to_another_slot():
    rng = np.random.default_rng(0)
    moments = [
        made.moment(rng, time_s, number) for time_s, number in ((0.0, [[4, 0]]), (5.0, [[0, 4]]), (10.0, [[5, 4]]))
    ]
    messages, _, _ = say(rules_of(made.clause()), moments)
    assert list(zip(messages.number, messages.valid_s, strict=True)) == [(4, 0.0), (5, 10.0), (4, 10.0)]


def test_delay_holds_the_state_of_its_moment_and_outlives_the_track():
    rng = np.random.default_rng(3)
    moments = [
        made.moment(rng, time_s, number)
        for time_s, number in ((0.0, [[1]]), (5.0, [[1]]), (10.0, [[0]]), (15.0, [[0]]))
    ]
    messages, _, state = say(rules_of(made.clause(delay_s=12.0, every_s=5)), moments)
    assert messages.valid_s.tolist() == [0.0]
    assert messages.released_s.tolist() == [15.0]
    assert np.array_equal(messages.state[0], moments[0][0].mean[0, 0])
    assert state.pending.valid_s.tolist() == [5.0]
    assert state.counts[0, 0, ReleaseReason.DELAYED] == 2


def test_what_waits_when_the_agreement_ends_never_leaves():
    messages, decisions, state = say(
        rules_of(made.clause(delay_s=10.0), end_s=9.0), steady([0.0, 5.0, 10.0]), record=True
    )  # fmt: skip
    assert len(messages) == len(state.pending) == 0
    expired = decisions.take((decisions.reason == ReleaseReason.NOT_IN_FORCE) & (decisions.clause == 0))
    assert expired.time_s.tolist() == [10.0, 10.0]  # the one that waited, and the one then due


def test_too_many_waiting_are_shed_and_counted(monkeypatch):
    monkeypatch.setattr(door, "PENDING_MAX", 3)
    number = [[1, 2, 3, 4, 5], [1, 2, 0, 0, 0]]
    _, _, state = say(rules_of(made.clause(delay_s=60.0)), steady([0.0], number=number))
    assert state.overflow.tolist() == [2, 0]
    assert state.pending.number.tolist() == [1, 2, 3, 1, 2]
    assert state.withheld_messages.tolist() == [2 + 5 * 5, 2 * 5]


def test_withholding_is_counted_once_a_class_receiver_and_ten_seconds():
    moments = steady(np.arange(0.0, 60.0, 5.0))
    _, _, silent = say(rules_of(), moments)
    assert silent.withheld_messages.tolist() == [6 * 2 * 3]
    assert silent.no_clause[0, 1].tolist() == [6, 6, 6]
    _, _, slow = say(rules_of(made.clause(every_s=30)), moments)
    assert slow.released_messages.tolist() == [2]
    assert slow.counts[0, 0, ReleaseReason.RATE] == 4  # 10, 20, 40 and 50 s
    assert slow.withheld_messages.tolist() == [6 * 2 * 3 - 2]
    _, _, quick = say(rules_of(made.clause(every_s=5)), moments)
    assert quick.released_messages.tolist() == [12]
    assert quick.withheld_messages.tolist() == [6 * 5]


def test_nothing_to_say_is_not_withheld():
    rng = np.random.default_rng(0)
    tracks, _ = made.moment(rng, 0.0, [[1]])
    est = made.estimates(rng, (1, 1), 0.0, launch_valid=0, impact_valid=0)
    _, _, state = say(rules_of(made.clause(), made.clause("w", "launch-warning", receiver="C")), [(tracks, est)])
    assert state.counts[0, 1, ReleaseReason.NO_ESTIMATE] == 1
    assert state.withheld_messages.tolist() == [1]  # the track, to C


def test_records_are_the_counts_row_by_row():
    moments = made.story(5, ticks=12)
    rules = rules_of(
        made.clause("t", delay_s=7), made.clause("w", "launch-warning"), made.clause("i", "impact-prediction")
    )
    _, decisions, state = say(rules, moments, record=True)
    for row, clause, reason in np.ndindex(state.counts.shape):
        rows = (decisions.replicate == row) & (decisions.clause == clause) & (decisions.reason == reason)
        assert rows.sum() == state.counts[row, clause, reason]
    none = decisions.take(decisions.clause == -1)
    assert len(none) == state.no_clause.sum()
    assert set(none.reason.tolist()) == {int(ReleaseReason.NO_CLAUSE)}
    assert np.all(np.diff(decisions.take(decisions.time_s == 5.0).replicate) >= 0)


def test_tentative_tracks_are_never_told():
    messages, decisions, state = say(rules_of(made.clause()), steady([0.0, 5.0], status=[[1]]), record=True)
    assert len(messages) == len(decisions) == state.withheld_messages[0] == 0


# ── coarsening ──


def coarse_track(secret, number, **amounts):
    moments = steady([0.0, 10.0, 20.0], number=[[number]])
    messages, _, _ = say(rules_of(made.clause(coarsen=amounts)), moments, secret=made.secret(secret))
    return messages, np.array([tracks.mean[0, 0] for tracks, _ in moments]), moments


def test_an_offset_is_constant_over_the_life_of_a_track_and_owned_up_to():
    messages, means, moments = coarse_track(1, 4, sigma_position_m=3000.0, sigma_velocity_m_s=25.0)
    offset = messages.state - means
    assert messages.coarsened.tolist() == [1, 1, 1]
    assert np.ptp(offset, axis=0) == pytest.approx(np.zeros(6), abs=1e-8)
    assert np.all(np.abs(offset[0]) > 0)
    diagonal = [i * (i + 3) // 2 for i in range(6)]
    added = messages.covariance[0] - moments[0][0].covariance[0, 0][np.tril_indices(6)]
    assert added[diagonal] == pytest.approx([9e6] * 3 + [625.0] * 3)
    assert np.delete(added, diagonal) == pytest.approx(np.zeros(15))


def test_offsets_differ_by_track_secret_and_amount_and_not_by_clause():
    def offset(secret, number, sigma, clause_name="c"):
        moments = steady([0.0], number=[[number]])
        messages, _, _ = say(
            rules_of(made.clause(clause_name, coarsen={"sigma_position_m": sigma})),
            moments,
            secret=made.secret(secret),
        )
        return (messages.state[0] - moments[0][0].mean[0, 0])[:3] / sigma

    base = offset(1, 4, 1000.0)
    assert offset(1, 4, 1000.0, "other") == pytest.approx(base)
    for other in (offset(2, 4, 1000.0), offset(1, 5, 1000.0), offset(1, 4, 2000.0)):
        assert np.abs(other - base).min() > 1e-3


def test_offsets_have_the_stated_spread():
    numbers = np.arange(1, 2001)[None]
    moments = steady([0.0], number=numbers)
    terms = {"sigma_position_m": 800.0, "sigma_velocity_m_s": 12.0}
    messages, _, _ = say(rules_of(made.clause(coarsen=terms)), moments)
    offset = (messages.state - moments[0][0].mean[0]) / np.repeat([800.0, 12.0], 3)
    # Standard error of a mean of 2,000: 0.022; of a standard deviation: 0.016. Four of each.
    assert np.abs(offset.mean(axis=0)).max() < 0.09
    assert np.abs(offset.std(axis=0) - 1.0).max() < 0.064
    assert np.abs(np.corrcoef(offset.T) - np.eye(6)).max() < 0.09


def test_gridded_points_have_the_variance_they_state():
    rng = np.random.default_rng(2)
    north, east, stated = [], [], []
    for u, v in rng.uniform(-0.5, 0.5, (4000, 2)):
        lat, lon = rng.uniform(-1.0, 1.0), rng.uniform(-3.1, 3.1)
        new_lat, new_lon, east_m2, north_m2 = coarse.gridded_point(lat, lon, 60e3, u, v)
        turn = (new_lon - lon + np.pi) % (2 * np.pi) - np.pi
        north.append((new_lat - lat) * 6_371_008.8)
        east.append(turn * np.cos(new_lat) * 6_371_008.8)
        stated.append((east_m2, north_m2))
    # A triangular error's variance estimated from 4,000 draws has a standard error of 2 %.
    assert np.var(north) == pytest.approx(np.mean(stated, axis=0)[1], rel=0.06)
    assert np.var(east) == pytest.approx(np.mean(stated, axis=0)[0], rel=0.06)
    assert np.mean(stated, axis=0)[1] == pytest.approx(60e3**2 / 6, rel=0.01)


def test_averaging_repeats_does_not_undo_the_grid():
    """A noisy estimate told 4,000 times: the mean of the replies stays a good part of a cell away from the truth."""
    rng = np.random.default_rng(4)
    misses = []
    for number in range(1, 41):
        lats = 0.7 + rng.normal(0, 3e3, 200) / 6_371_008.8
        none = np.zeros(1, np.int64)
        numbers = secret_numbers(
            made.SECRET, 0, none, none + number, none, np.array([1], np.uint8), np.array([[0.0, 0.0, 50e3, 0.0]])
        )
        u, v = numbers[0, 6:8]
        told = [coarse.gridded_point(lat, 0.3, 50e3, u, v)[0] for lat in lats]
        misses.append((np.mean(told) - 0.7) * 6_371_008.8)
    # The move alone has a standard deviation of 50 km / √12 = 14.4 km; averaging cannot get below it.
    assert 10e3 < np.std(misses) < 19e3


def test_times_are_stepped():
    moments = steady([0.0], number=[list(range(1, 51))])
    messages, _, _ = say(rules_of(made.clause("i", "impact-prediction", coarsen={"time_s": 60.0})), moments)
    est = moments[0][1]
    assert np.all(messages.impact_s % 60.0 == 0)
    assert np.abs(messages.impact_s - est.impact_s[0]).max() <= 60.0
    assert messages.impact_sigma_s**2 - est.impact_sigma_s[0] ** 2 == pytest.approx(np.full(50, 600.0))


# ── rules and digest ──


def test_rules_speak_in_sides_masks_and_scenario_seconds():
    rules = rules_of(
        made.clause("a", "launch-warning", "B", "C", owners_withheld=["RUS"], when={"phases": ["boost", "reentry"]}),
        made.clause("b", "sensor-status", every_s=31), start_s=-100, end_s=250, parties=("A", "B", "C"),
    )  # fmt: skip
    assert (rules.giver.tolist(), rules.receiver.tolist(), rules.data.tolist()) == ([1, 0], [2, 1], [1, 4])
    assert rules.sensors_withheld.tolist() == [0b11000, 0]
    assert rules.phases.tolist() == [0b11010, 0b1110]  # the fifth bit: named
    assert (rules.rate.tolist(), rules.period_s.tolist()) == ([2, 4], [10.0, 60.0])
    assert (rules.start_s, rules.end_s) == (-100.0, 250.0)
    assert rules.parties.tolist() == [1, 1, 1]
    assert compile_agreement(None, made.SIDES, made.OWNERS, made.EPOCH).parties.tolist() == [0, 0, 0]


def test_a_clause_about_sensors_tells_nothing_of_tracks():
    _, _, state = say(rules_of(made.clause("b", "sensor-status")), steady([0.0]))
    assert state.counts.sum() == 0
    assert state.withheld_messages.tolist() == [6]


@pytest.mark.parametrize(
    ("agreement", "path"),
    [
        (made.agreement(made.clause(coarsen={"grid_km": 5})), "clauses.0.coarsen.grid_km"),
        (made.agreement(made.clause(coarsen={"time_s": 5})), "clauses.0.coarsen.time_s"),
        (
            made.agreement(made.clause(data="launch-warning", coarsen={"sigma_velocity_m_s": 5})),
            "clauses.0.coarsen.sigma_velocity_m_s",
        ),
        (made.agreement(parties=("A", "X")), "parties.1"),
    ],
)
def test_rules_that_deceive_or_name_strangers_are_refused(agreement, path):
    with pytest.raises(InputError) as caught:
        compile_agreement(agreement, made.SIDES, made.OWNERS, made.EPOCH)
    assert caught.value.path == path


def test_more_sensors_than_a_pedigree_has_bits_are_refused():
    with pytest.raises(InputError) as caught:
        compile_agreement(None, made.SIDES, ("USA",) * 65, made.EPOCH)
    assert "65 sensors" in caught.value.found


def test_digest_knows_the_moment_not_its_spelling():
    agreement = made.agreement(made.clause())
    elsewhere = agreement.valid.model_copy(
        update={"start": agreement.valid.start.astimezone(timezone(timedelta(hours=3)))}
    )
    assert digest(agreement.model_copy(update={"valid": elsewhere})) == digest(agreement)
    later = agreement.valid.model_copy(update={"end": agreement.valid.end + timedelta(seconds=1)})
    assert digest(agreement.model_copy(update={"valid": later})) != digest(agreement)
    assert len(digest(agreement)) == 64


def test_a_tracklet_is_told_exactly_and_counts_as_a_track():
    moments = steady([0.0])
    messages, _, state = say(rules_of(made.clause("l", "tracklet")), moments)
    assert messages.data.tolist() == [5]
    assert np.array_equal(messages.state[0], moments[0][0].mean[0, 0])
    assert not messages.coarsened.any()
    assert state.no_clause[0, 1].tolist() == [1, 1, 0]  # warning and prediction withheld, a track told


@pytest.mark.parametrize("coarsen", [{"sigma_position_m": 1.0}, {"grid_km": 1.0}, {"time_s": 1.0}])
def test_a_tracklet_is_never_coarse(coarsen):
    with pytest.raises(InputError, match="does nothing to tracklet"):
        rules_of(made.clause("l", "tracklet", coarsen=coarsen))
