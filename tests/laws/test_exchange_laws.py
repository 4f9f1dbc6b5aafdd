"""Laws of the exchange: what must hold of any agreement, any tracks, any bytes and any ledger."""

import hashlib
import math
import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.centre.exchange import _kernels_coarsen as coarse
from detente.centre.exchange import dsse, merkle
from detente.centre.exchange.comparison import difference
from detente.centre.exchange.digest import digest
from detente.centre.exchange.explanation import Facts, explain
from detente.centre.exchange.ledger import EntryKind, Ledger, verify
from detente.centre.exchange.message import KIND, Expected, Header, Mark, key_id, open_envelope, seal
from detente.centre.exchange.release import ReleaseReason, initial, release
from detente.centre.exchange.rules import DATA, compile_agreement, label_of
from detente.centre.exchange.second_check import Setting, Snapshot, check
from detente.geodesy._kernels import ecef_to_geodetic
from detente.records.errors import PeerError
from detente.records.slots import Estimates, SensorState, SensorStatus, Tracks
from detente.records.stages import Messages
from detente.scenario.agreement import (
    DAY_S,
    GRID_MOST_KM,
    RANGE_CLASSES,
    SIGMA_MOST_M,
    SIGMA_MOST_M_S,
    Agreement,
    DataClass,
)

made = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "made_exchange.py")))

QUICK = settings(max_examples=25, deadline=None)


def run(agreement, story, giver=0, secret=made.SECRET, replicates=None):
    """Everything one side says in a story."""
    rules = compile_agreement(agreement, made.SIDES, made.OWNERS, made.EPOCH)
    rows, slots = story[0][0].number.shape
    state = initial(rules, np.arange(rows) if replicates is None else replicates, slots)
    messages = []
    for tracks, est in story:
        sent, _, state = release(
            state,
            tracks,
            est,
            rules,
            giver,
            made.SENSORS_OF[giver],
            secret,
            tracks.time_s,
            status=declared(rows, giver),
        )
        messages.append(sent)
    return Messages.concatenate(messages), state


def declared(rows, giver):
    """What a side says of its two sensors: one is up, the other down."""
    own = np.array(made.SENSOR_SIDES) == giver
    states = np.where(own, np.where(np.arange(6) % 2, SensorState.DOWN, SensorState.UP), SensorState.UNKNOWN)
    sector = np.where(states == SensorState.UP, 1.0, 0.0)[:, None] * np.append(np.radians([30.0, 60.0, 5.0, 60.0]), 2e6)
    return SensorStatus(
        state=np.tile(states.astype(np.uint8), (rows, 1)), stated_s=np.zeros((rows, 6)),
        sector=np.tile(sector, (rows, 1, 1)),
    )  # fmt: skip


ZONES = st.builds(
    made.box, st.integers(-90, -20), st.integers(20, 90), st.integers(-180, 180), st.integers(-180, 180)
)  # fmt: skip


def meant(when):
    """Conditions without a probability of nothing."""
    return {key: asked for key, asked in when.items() if key != "impact_probability" or "impact_in" in when}


CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "impact_in": st.sampled_from(["receiver", "giver", "any-party"]),
        "impact_probability": st.floats(0.05, 0.95),
        "phases": st.lists(st.sampled_from(["boost", "coast", "reentry"]), min_size=1, max_size=3, unique=True),
        "launch_zone": ZONES,
        "object_zone": ZONES,
        "impact_zone": ZONES,
        "range_classes": st.lists(st.sampled_from(RANGE_CLASSES), min_size=1, max_size=3, unique=True),
    },
).map(meant)


SIMPLER = st.one_of(st.just({}), CONDITIONS.map(lambda when: meant(dict(list(when.items())[:1]))), CONDITIONS)
"""Under many conditions at once little is told, and little can break."""


@st.composite
def clauses(draw, name="c", conditions=CONDITIONS, every_s=(1.0, 5.0, 10.0, 12.0, 15.0)):
    data = draw(st.sampled_from(["launch-warning", "impact-prediction", "track", "tracklet"]))
    giver = draw(st.sampled_from(["A", "A", "A", "B"]))  # the stories are A's: of its sensors' tracks
    receiver = draw(st.sampled_from([side for side in made.SIDES if side != giver]))
    coarsen = {} if data == "tracklet" else {"sigma_position_m": draw(st.sampled_from([0.0, 500.0, SIGMA_MOST_M / 2]))}
    if data == "track":
        coarsen["sigma_velocity_m_s"] = draw(st.sampled_from([0.0, 20.0, SIGMA_MOST_M_S / 2]))
    elif data != "tracklet":
        coarsen["grid_km"] = draw(st.sampled_from([0.0, 50.0, 1000.0, GRID_MOST_KM]))
        coarsen["time_s"] = draw(st.sampled_from([0.0, 30.0, DAY_S]))
    return made.clause(
        name, data, giver, receiver, when=draw(conditions), coarsen=coarsen,
        delay_s=draw(st.sampled_from([0.0, 0.0, 4.0, 13.0])), every_s=draw(st.sampled_from(every_s)),
        owners_withheld=draw(st.lists(st.sampled_from(["USA", "TUR", "NOR"]), max_size=2, unique=True)),
    )  # fmt: skip


@st.composite
def statuses(draw, name):
    """A clause about sensors: whatever it asks of an object holds of none."""
    return made.clause(
        name, "sensor-status", receiver=draw(st.sampled_from("BC")),
        when=draw(st.sampled_from([{}, {}, {"phases": ["coast"]}])), delay_s=draw(st.sampled_from([0.0, 4.0, 13.0])),
        every_s=draw(st.sampled_from([1.0, 5.0, 10.0, 12.0, 15.0])),
        owners_withheld=draw(st.lists(st.sampled_from(["USA", "TUR", "NOR"]), max_size=2, unique=True)),
    )  # fmt: skip


@st.composite
def agreements(draw, conditions=CONDITIONS):
    some = [
        draw(st.one_of(*[clauses(f"c{i}", conditions)] * 4, statuses(f"c{i}"))) for i in range(draw(st.integers(1, 4)))
    ]
    return made.agreement(*some, start_s=draw(st.sampled_from([-9.0, 10.0])), end_s=draw(st.sampled_from([30.0, 99.0])))


HARDER = (
    "remove", "phase", "impact", "raise", "delay", "every", "owners", "consent", "zone", "shrink", "range", "coarsen",
    "velocity", "start", "end",
)  # fmt: skip


@st.composite
def stricter(draw, agreement, how=None):
    """The same agreement with one thing made stricter: what ``how`` says of it, or any."""
    model = agreement.model_dump(mode="python")
    clause = model["clauses"][draw(st.integers(0, len(model["clauses"]) - 1))]
    how = how or draw(st.sampled_from(HARDER))
    if how == "remove":
        model["clauses"] = [kept for kept in model["clauses"] if kept is not clause]
    elif how == "phase":
        left = [phase for phase in ("boost", "coast", "reentry") if phase in (clause["when"]["phases"] or (phase,))]
        clause["when"]["phases"] = left[: draw(st.integers(1, len(left)))]
    elif how == "impact":
        named = clause["when"]["impact_in"]
        clause["when"]["impact_in"] = "receiver" if named in (None, "any-party") else named
    elif how == "raise" and clause["when"]["impact_in"]:
        clause["when"]["impact_probability"] = min(1.0, 1.5 * clause["when"]["impact_probability"])
    elif how in ("delay", "every"):
        clause[f"{how}_s"] += draw(st.floats(0.0, 20.0))
    elif how == "owners":
        owner, consenting = draw(st.sampled_from(["USA", "TUR"])), clause["owners_consenting"]
        clause["owners_withheld"] = [*clause["owners_withheld"], owner]
        clause["owners_consenting"] = consenting and [name for name in consenting if name != owner]
    elif how == "consent":
        clause["owners_consenting"] = [name for name in ("USA", "RUS") if name not in clause["owners_withheld"]]
    elif how == "zone":
        which = draw(st.sampled_from(["launch_zone", "object_zone", "impact_zone"]))
        clause["when"][which] = clause["when"][which] or draw(ZONES)
    elif how == "shrink":
        for which in ("launch_zone", "object_zone", "impact_zone"):
            if clause["when"][which]:
                zone = clause["when"][which]
                zone["north_deg"] = max(zone["north_deg"] - draw(st.integers(0, 30)), zone["south_deg"] + 1.0)
    elif how == "range":
        clause["when"]["range_classes"] = clause["when"]["range_classes"] or draw(
            st.sampled_from([["short", "medium"], ["intercontinental"]])
        )
    elif how == "coarsen" and clause["data"] not in ("tracklet", "sensor-status"):
        clause["coarsen"]["sigma_position_m"] += 1000.0
    elif how == "velocity" and clause["data"] == "track":
        clause["coarsen"]["sigma_velocity_m_s"] += 5.0
    elif how == "start":
        model["valid"]["start"] += draw(st.floats(0.0, 0.4)) * (model["valid"]["end"] - model["valid"]["start"])
    else:  # it ends sooner: also what a withdrawal does
        model["valid"]["end"] -= draw(st.floats(0.0, 0.4)) * (model["valid"]["end"] - model["valid"]["start"])
    return Agreement(**model)


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


HEADER = Header(
    mark=Mark.EXERCISE, giver="A", receiver="B", agreement="0" * 64, origin="2011-06-01T12:00:00+00:00", epoch=1,
    sequence=5, sealed_s=50.0, label="EXERCISE UNCLASSIFIED RELEASABLE TO B", hops=("A",),
)  # fmt: skip
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEYS = {key_id(SIGNER.public_key()): SIGNER.public_key()}
OPEN = made.agreement(
    made.clause("w", "launch-warning"), made.clause("i", "impact-prediction"), made.clause("t", "track")
)


def expected(agreement=OPEN):
    return Expected(
        mark=Mark.EXERCISE, giver="A", receiver="B", agreement="0" * 64, origin=HEADER.origin, giver_index=0,
        receiver_index=1, rules=compile_agreement(agreement, made.SIDES, made.OWNERS, made.EPOCH),
        sensors_of_giver=made.SENSORS_OF[0],
    )  # fmt: skip


def envelope():
    messages, _ = run(OPEN, made.story(1, rows=1, ticks=3, foreign=0.0))
    return seal(messages, HEADER, SIGNER)


WHOLE = envelope()


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes_are_the_partners_error(data):
    with pytest.raises(PeerError):
        open_envelope(data, KEYS, expected())


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_changed_envelope_is_the_partners_error(data):
    place = data.draw(st.integers(0, len(WHOLE) - 1))
    how = data.draw(st.sampled_from(["flip", "cut", "grow", "drop"]))
    bad = bytearray(WHOLE)
    if how == "flip":
        bad[place] ^= 1 << data.draw(st.integers(0, 7))
    elif how == "cut":
        del bad[place:]
    elif how == "grow":
        bad[place:place] = data.draw(st.binary(min_size=1, max_size=9))
    else:
        del bad[place]
    with pytest.raises(PeerError):
        open_envelope(bytes(bad), KEYS, expected())


def test_every_flipped_bit_of_an_envelope_is_the_partners_error():
    for place in range(8 * len(WHOLE)):
        bad = bytearray(WHOLE)
        bad[place // 8] ^= 1 << place % 8
        with pytest.raises(PeerError):
            open_envelope(bytes(bad), KEYS, expected())


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_a_signed_lie_changes_nothing_or_is_sound(data):
    """A partner that signs garbage: any byte of the columns may be anything, and the signature still holds."""
    payload, columns = dsse.opened(KIND, WHOLE, KEYS)
    bad = bytearray(columns)
    for _ in range(data.draw(st.integers(1, 3))):
        bad[data.draw(st.integers(0, len(bad) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del bad[data.draw(st.integers(0, len(bad) - 1)) :]
    was, now = (hashlib.sha256(part).hexdigest().encode() for part in (columns, bad))
    from_partner = dsse.signed(KIND, payload.replace(was, now), SIGNER, bytes(bad))
    try:
        header, messages = open_envelope(from_partner, KEYS, expected())
    except PeerError:
        return
    assert header.mark == Mark.EXERCISE
    for name, spec in Messages.columns():
        if spec.dtype == "f8":
            assert np.all(np.isfinite(getattr(messages, name)))
    assert set(messages.data.tolist()) <= {1, 2, 3, 5}
    assert np.all(messages.giver == 0)


@QUICK
@given(agreements(), st.integers(0, 10_000))
def test_an_envelope_holds_every_bit_of_its_messages(agreement, seed):
    messages, _ = run(agreement, made.story(seed, rows=1, ticks=4))
    mine = messages.take(messages.receiver == 1)
    rules = expected(agreement)
    header = replace(HEADER, sealed_s=20.0, label=label_of(rules.rules, "B", mine.clause))
    opened_header, back = open_envelope(seal(mine, header, SIGNER), KEYS, rules)
    assert opened_header == header
    assert len(back) == len(mine)
    for name, _ in Messages.columns():
        assert getattr(back, name).tobytes() == getattr(mine, name).tobytes(), name


def written(count, salt=0):
    ledger = Ledger()
    for i in range(count):
        ledger = ledger.append(
            EntryKind(1 + i % 6), bytes([i % 256, salt] * 16), written_s=i * 1.0, stated_s=i - 0.5, epoch=0, sequence=i
        )
    return ledger


@QUICK
@given(st.integers(1, 40), st.data())
def test_any_edit_of_a_ledger_is_found_where_it_was_made(count, data):
    ledger = written(count)
    place = data.draw(st.integers(0, count - 1))
    entry = ledger.entries[place]
    other = data.draw(
        st.sampled_from(
            [
                {"kind": EntryKind(1 + entry.kind % 6)}, {"written_s": entry.written_s + 1}, {"stated_s": 1e3},
                {"epoch": 1}, {"sequence": 999}, {"envelope_digest": b"\xff" * 32}, {"previous": b"\x01" * 32},
            ]
        )
    )  # fmt: skip
    entries = list(ledger.entries)
    entries[place] = replace(entry, **other)
    assert verify(ledger.entries, ledger.head) is None
    assert verify(entries, ledger.head).index == place
    del entries[place]
    assert verify(entries, ledger.head).index == place
    assert verify([*ledger.entries, *ledger.entries[place:]], ledger.head).index == count


@QUICK
@given(st.integers(1, 60), st.data())
def test_proofs_hold_for_their_own_tree_alone(count, data):
    ledger = written(count)
    index = data.draw(st.integers(0, count - 1))
    proof = ledger.inclusion_proof(index)
    root = ledger.head.root
    assert merkle.includes(root, count, index, ledger.leaves[index], proof)
    assert not merkle.includes(root, count, index, merkle.leaf_hash(b"other"), proof)
    assert not merkle.includes(merkle.leaf_hash(b"r"), count, index, ledger.leaves[index], proof)
    assert not merkle.includes(root, count, index, ledger.leaves[index], (*proof, bytes(32)))
    earlier = data.draw(st.integers(1, count))
    shorter = written(earlier).head.root
    steps = ledger.consistency_proof(earlier)
    assert merkle.extends(shorter, earlier, root, count, steps)
    assert not merkle.extends(written(earlier, salt=1).head.root, earlier, root, count, steps)
    assert not merkle.extends(shorter, earlier, merkle.leaf_hash(b"r"), count, steps)


@QUICK
@given(agreements(), st.data())
def test_a_digest_changes_with_the_agreement(agreement, data):
    other = data.draw(stricter(agreement))
    assert (digest(agreement) == digest(other)) == (agreement == other)
    assert digest(Agreement.model_validate_json(agreement.model_dump_json())) == digest(agreement)
