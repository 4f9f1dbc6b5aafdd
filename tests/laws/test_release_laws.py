"""Laws of release: what must hold of any agreement and any tracks."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import made_exchange as made
from tests.made_clauses import HARDER, SIMPLER, agreements, clauses, declared, run, stricter

from detente.centre.exchange import _kernels_coarsen as coarse
from detente.centre.exchange.comparison import difference
from detente.centre.exchange.digest import digest
from detente.centre.exchange.explanation import Facts, explain
from detente.centre.exchange.release import ReleaseReason, initial, release
from detente.centre.exchange.rules import DATA, compile_agreement
from detente.centre.exchange.second_check import Setting, Snapshot, check
from detente.geodesy._kernels import ecef_to_geodetic
from detente.records.slots import Estimates, Tracks
from detente.records.stages import Messages
from detente.scenario.agreement import (
    Agreement,
    DataClass,
)

QUICK = settings(max_examples=25, deadline=None)
TICKS_S = st.sampled_from([1.0, 1.0, 2.0, 2.0, 4.0, 5.0, 7.0, 10.0, 12.5])
BINDING = clauses("c0", SIMPLER, (5.0, 10.0, 12.0, 15.0))
"""Of the side that the stories are of, and nearly always at a rate that holds something back."""


@settings(max_examples=8, deadline=None)
@pytest.mark.parametrize("how", HARDER)
@given(st.data(), st.integers(0, 10_000), TICKS_S)
def test_a_stricter_agreement_never_releases_a_message_that_a_looser_withholds(how, data, seed, tick_s):
    """Message by message, whatever was made stricter and whichever rates bind: of the same track, to the same receiver,
    of the same class and moment, never sooner and never finer."""
    agreement = data.draw(st.one_of(*[BINDING.map(made.agreement)] * 3, agreements(SIMPLER)))
    harder = data.draw(stricter(agreement, how))
    for _ in range(data.draw(st.sampled_from([0, 0, 1, 2]))):
        harder = data.draw(stricter(harder)) if harder.clauses else harder
    story = made.story(seed, rows=1, ticks=20, tick_s=tick_s, foreign=0.0, churn=0.01)
    looser, less = (run(one, story) for one in (agreement, harder))
    told, fewer = content(looser[0]), content(less[0])
    for key, messages in fewer.items():
        assert all(any(no_more(one, other) for other in told.get(key, ())) for one in messages), key
    assert np.all(less[1].released_messages <= looser[1].released_messages)


def content(messages):
    """Of each thing told: when it left, whether coarsened, and the variances that do not depend on where a point is."""
    found = {}
    diagonal = [i * (i + 3) // 2 for i in range(6)]
    for i in range(len(messages)):
        key = tuple(int(getattr(messages, name)[i]) for name in ("replicate", "number", "receiver", "data"))
        how_well = (
            messages.released_s[i], messages.coarsened[i], *messages.covariance[i, diagonal],
            messages.impact_covariance_m2[i, 2], messages.impact_sigma_s[i],
        )  # fmt: skip
        found.setdefault((*key, float(messages.valid_s[i])), []).append(how_well)
    return found


def no_more(one, other):
    """True where one telling is in nothing sooner or finer than another."""
    return all(mine >= theirs * (1 - 1e-12) for mine, theirs in zip(one, other, strict=True))


@QUICK
@given(
    st.lists(st.floats(0.5, 40.0), min_size=2, max_size=30), st.lists(st.floats(0.5, 90.0), min_size=2, max_size=2)
)  # fmt: skip
def test_a_slower_clause_speaks_at_moments_of_a_faster_one_and_never_too_often(gaps_s, periods_s):
    """Whatever the ticks are, even or not."""
    rng, number = np.random.default_rng(0), np.array([[1]])
    story = [made.moment(rng, time_s, number) for time_s in np.cumsum(gaps_s)]
    periods_s = sorted(periods_s)
    fast, slow = (made.clause(f"c{i}", receiver="BC"[i], every_s=every_s) for i, every_s in enumerate(periods_s))
    messages, _ = run(made.agreement(fast, slow), story)
    moments = [messages.valid_s[messages.clause == clause] for clause in (0, 1)]
    assert moments[1][0] == story[0][0].time_s
    assert set(moments[1]) <= set(moments[0])
    for spoken_s, every_s in zip(moments, periods_s, strict=True):
        assert np.all(np.diff(spoken_s) >= every_s - 1e-6)


@QUICK
@given(st.data())
def test_comparison_knows_what_is_stricter(data):
    """Whatever the comparison says is covered, the looser agreement releases: never more by the other."""
    one = made.agreement(data.draw(clauses("one")))
    other = data.draw(st.one_of(stricter(one), clauses("two").map(made.agreement)))
    told = difference(one, other)
    if told.newly_releases or told.parties_in or one.valid != other.valid:
        return
    story = made.story(data.draw(st.integers(0, 10_000)), ticks=9)
    giver = made.SIDES.index(one.clauses[0].giver)
    (messages, _), (fewer, _) = run(one, story, giver), run(other, story, giver)
    for tick in (20.0, 40.0):
        before, after = (count_by(told.take(told.released_s <= tick)) for told in (messages, fewer))
        assert all(before.get(key, 0) >= count for key, count in after.items())


@QUICK
@given(st.data())
def test_making_stricter_is_seen_as_such(data):
    one = data.draw(agreements())
    harder = data.draw(stricter(one))
    assert not difference(one, harder).newly_releases
    assert difference(one, one).same
    assert [change.clause for change in difference(harder, one).newly_releases] == [
        change.clause for change in difference(one, harder).newly_withholds
    ]


@QUICK
@given(clauses(), st.integers(0, 10_000))
def test_an_explanation_says_what_release_does(clause, seed):
    """Of each confirmed track at the first moment: released, delayed or withheld, with the kernel's reason in words."""
    agreement = made.agreement({**clause, "label": {}})
    only_clause = agreement.clauses[0]
    giver, receiver = (made.SIDES.index(name) for name in (only_clause.giver, only_clause.receiver))
    rules = compile_agreement(agreement, made.SIDES, made.OWNERS, made.EPOCH)
    data = DATA[only_clause.data]
    counted = DataClass.TRACK if data == DataClass.TRACKLET else data
    for tracks, est in made.story(seed, rows=1, ticks=4):
        state = initial(rules, np.arange(1), tracks.number.shape[1])
        _, decided, _ = release(
            state, tracks, est, rules, giver, made.SENSORS_OF[giver], made.SECRET, tracks.time_s, record=True
        )  # fmt: skip
        reasons = {
            int(number): ReleaseReason(reason)
            for number, to, kind, reason in zip(
                decided.number, decided.receiver, decided.data, decided.reason, strict=True
            )
            if to == receiver and kind in (data, counted)
        }
        for s in np.flatnonzero(tracks.status[0] == 2):
            told = explain(agreement, facts_of(tracks, est, s, only_clause))
            reason = reasons[int(tracks.number[0, s])]
            assert told.released == (reason is ReleaseReason.RELEASED)
            (judged,) = told.judgements
            assert judged.releases == (reason in (ReleaseReason.RELEASED, ReleaseReason.DELAYED))
            if not judged.releases:
                assert any(WORDS[reason] in said for said in judged.reasons)


WORDS = {
    ReleaseReason.NO_ESTIMATE: "estimate to tell", ReleaseReason.ONWARD: "not the giver's",
    ReleaseReason.OWNER_WITHHELD: "withholds what", ReleaseReason.PHASE: ", not in ",
    ReleaseReason.IMPACT_ELSEWHERE: "territory is", ReleaseReason.ZONE: "asked for latitude",
    ReleaseReason.RANGE_CLASS: "flight", ReleaseReason.RATE: "after the last one",
}  # fmt: skip


def facts_of(tracks, est, s, clause):
    """What a person would write down of a track."""
    seen_by = [i for i in range(6) if int(tracks.sensors[0, s]) >> i & 1]

    def place(what):
        if not getattr(est, f"{what}_valid")[0, s]:
            return None
        at = (getattr(est, f"{what}_{axis}_rad")[0, s] for axis in ("lat", "lon"))
        return dict(zip(("lat_deg", "lon_deg"), map(math.degrees, at), strict=True))

    lat, lon, _ = ecef_to_geodetic(*tracks.mean[0, s, :3])
    return Facts(
        data=clause.data, giver=clause.giver, receiver=clause.receiver,
        at=made.EPOCH + made.timedelta(seconds=tracks.time_s), owners=sorted({made.OWNERS[i] for i in seen_by}),
        own_sensors_only=all(made.SIDES[made.SENSOR_SIDES[i]] == clause.giver for i in seen_by),
        phase=("boost", "coast", "reentry")[tracks.phase[0, s] - 1],
        impact_probability=dict(zip(made.SIDES, est.threat_probability[0, s].tolist(), strict=True)),
        launch=place("launch"), impact=place("impact"),
        object={"lat_deg": math.degrees(lat), "lon_deg": math.degrees(lon)},
    )  # fmt: skip


def count_by(messages):
    keys = zip(messages.replicate, messages.number, messages.receiver, messages.data, strict=True)
    found = {}
    for key in keys:
        found[key] = found.get(key, 0) + 1
    return found


@QUICK
@given(
    st.integers(0, 10_000),
    st.sampled_from([None, made.agreement(), made.agreement(made.clause(giver="B", receiver="C"))]),
)
def test_no_clause_no_release(seed, agreement):
    messages, state = run(agreement, made.story(seed))
    assert len(messages) == 0
    assert state.released_messages.sum() == 0
    told = sum(((t.status == 2) & (t.number > 0)).sum() for t, _ in made.story(seed))
    assert (state.withheld_messages.sum() > 0) == (told > 0)


@QUICK
@given(agreements(), st.integers(0, 10_000))
def test_a_replicate_says_the_same_whatever_the_batch(agreement, seed):
    story = made.story(seed, rows=4)
    together, state = run(agreement, story)
    for rows in ([0, 1], [2], [3]):
        part = [(only(tracks, rows), only(est, rows)) for tracks, est in story]
        alone, part_state = run(agreement, part, replicates=np.array(rows))
        for i, row in enumerate(rows):
            one, other = alone.take(alone.replicate == i), together.take(together.replicate == row)
            for name, _ in Messages.columns():
                if name != "replicate":
                    assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name
            assert np.array_equal(part_state.counts[i], state.counts[row])
            assert np.array_equal(part_state.no_clause[i], state.no_clause[row])


def only(slots: Tracks | Estimates, rows):
    """These replicates of a record of slots."""
    values = {name: value[rows] for name, value in vars(slots).items() if isinstance(value, np.ndarray)}
    return replace(slots, **values)


@QUICK
@given(agreements(), st.integers(0, 10_000), st.integers(0, 2))
def test_the_second_checker_agrees_with_every_release(agreement, seed, giver):
    story = made.story(seed)
    setting = Setting(
        agreement=agreement, side_names=made.SIDES, sensor_owners=made.OWNERS, sensor_sides=made.SENSOR_SIDES,
        epoch=made.EPOCH,
    )  # fmt: skip
    messages, _ = run(agreement, story, giver)
    history = [
        Snapshot(tracks=tracks, estimates=est, sensors=declared(len(tracks.number), giver)) for tracks, est in story
    ]
    assert check(messages, history, setting, giver) == []


@settings(max_examples=300, deadline=None)
@given(
    st.floats(-math.pi / 2, math.pi / 2), st.floats(-math.pi, math.pi), st.floats(500.0, 2e7),
    st.floats(-0.5, 0.5), st.floats(-0.5, 0.5),
)  # fmt: skip
def test_a_gridded_point_is_on_the_map_and_within_a_cell(lat, lon, grid_m, u, v):
    new_lat, new_lon, east_m2, north_m2 = coarse.gridded_point(lat, lon, grid_m, u, v)
    assert abs(new_lat) <= math.pi / 2
    assert -math.pi <= new_lon <= math.pi
    step = coarse.latitude_step(grid_m)
    assert abs(new_lat - lat) <= step * (1 + 1e-9)
    across = coarse.longitude_step(new_lat, grid_m)
    turn = (new_lon - lon + math.pi) % (2 * math.pi) - math.pi
    assert abs(turn) <= across * (1 + 1e-9) + 1e-9
    assert north_m2 >= grid_m**2 / 6 * (1 - 1e-9)
    assert east_m2 >= grid_m**2 / 6 * (1 - 1e-9)


@QUICK
@given(agreements(), st.data())
def test_a_digest_changes_with_the_agreement(agreement, data):
    other = data.draw(stricter(agreement))
    assert (digest(agreement) == digest(other)) == (agreement == other)
    assert digest(Agreement.model_validate_json(agreement.model_dump_json())) == digest(agreement)
