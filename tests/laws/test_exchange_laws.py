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
from detente.centre.exchange.digest import digest
from detente.centre.exchange.ledger import EntryKind, Ledger, verify
from detente.centre.exchange.message import KIND, Expected, Header, Mark, key_id, open_envelope, seal
from detente.centre.exchange.release import initial, release
from detente.centre.exchange.rules import compile_agreement, label_of
from detente.centre.exchange.second_check import Setting, Snapshot, check
from detente.records.errors import PeerError
from detente.records.slots import Estimates, Tracks
from detente.records.stages import Messages
from detente.scenario.agreement import Agreement

made = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "made_exchange.py")))

QUICK = settings(max_examples=25, deadline=None)


def run(agreement, story, giver=0, secret=7, replicates=None):
    """Everything one side says in a story."""
    rules = compile_agreement(agreement, made.SIDES, made.OWNERS, made.EPOCH)
    rows, slots = story[0][0].number.shape
    state = initial(rules, np.arange(rows) if replicates is None else replicates, slots)
    messages = []
    for tracks, est in story:
        sent, _, state = release(state, tracks, est, rules, giver, made.SENSORS_OF[giver], secret, tracks.time_s)
        messages.append(sent)
    return Messages.concatenate(messages), state


CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "impact_in": st.sampled_from(["receiver", "giver", "any-party"]),
        "impact_probability": st.floats(0.05, 0.95),
        "phases": st.lists(st.sampled_from(["boost", "coast", "reentry"]), min_size=1, max_size=3, unique=True),
    },
)


@st.composite
def clauses(draw, name="c"):
    data = draw(st.sampled_from(["launch-warning", "impact-prediction", "track"]))
    giver, receiver = draw(st.permutations(made.SIDES))[:2]
    coarsen = {"sigma_position_m": draw(st.sampled_from([0.0, 500.0]))}
    if data == "track":
        coarsen["sigma_velocity_m_s"] = draw(st.sampled_from([0.0, 20.0]))
    else:
        coarsen |= {"grid_km": draw(st.sampled_from([0.0, 50.0])), "time_s": draw(st.sampled_from([0.0, 30.0]))}
    return made.clause(
        name, data, giver, receiver, when=draw(CONDITIONS), coarsen=coarsen,
        delay_s=draw(st.sampled_from([0.0, 0.0, 4.0, 13.0])), every_s=draw(st.sampled_from([5.0, 10.0, 12.0])),
        owners_withheld=draw(st.lists(st.sampled_from(["USA", "TUR", "NOR"]), max_size=2, unique=True)),
    )  # fmt: skip


@st.composite
def agreements(draw):
    some = [draw(clauses(f"c{i}")) for i in range(draw(st.integers(1, 4)))]
    return made.agreement(*some, start_s=draw(st.sampled_from([-9.0, 10.0])), end_s=draw(st.sampled_from([30.0, 99.0])))


@st.composite
def stricter(draw, agreement):
    """The same agreement with one thing made stricter."""
    model = agreement.model_dump(mode="python")
    clause = model["clauses"][draw(st.integers(0, len(model["clauses"]) - 1))]
    how = draw(st.sampled_from(["remove", "phase", "impact", "raise", "delay", "every", "owners", "coarsen", "end"]))
    if how == "remove":
        model["clauses"] = [kept for kept in model["clauses"] if kept is not clause]
    elif how == "phase":
        left = [phase for phase in ("boost", "coast", "reentry") if phase in (clause["when"]["phases"] or (phase,))]
        clause["when"]["phases"] = left[: draw(st.integers(1, len(left)))]
    elif how == "impact":
        named = clause["when"]["impact_in"]
        clause["when"]["impact_in"] = "receiver" if named in (None, "any-party") else named
    elif how == "raise":
        clause["when"]["impact_probability"] = min(1.0, 1.5 * clause["when"]["impact_probability"])
    elif how in ("delay", "every"):
        clause[f"{how}_s"] += draw(st.floats(0.0, 20.0))
    elif how == "owners":
        clause["owners_withheld"] = [*clause["owners_withheld"], draw(st.sampled_from(["USA", "TUR"]))]
    elif how == "coarsen":
        clause["coarsen"]["sigma_position_m"] += 1000.0
    else:
        model["valid"]["end"] -= made.timedelta(seconds=draw(st.floats(0.0, 19.0)))
    return Agreement(**model)


@QUICK
@given(st.data(), st.integers(0, 10_000), st.integers(0, 2))
def test_a_stricter_agreement_never_releases_more(data, seed, giver):
    agreement = data.draw(agreements())
    harder = data.draw(stricter(agreement))
    story = made.story(seed, ticks=9)
    messages, state = run(agreement, story, giver)
    fewer, less = run(harder, story, giver)
    # Of each track, receiver and class, at each moment: never more so far.
    for tick in (20.0, 40.0):
        before = [count_by(told.take(told.released_s <= tick)) for told in (messages, fewer)]
        assert all(before[0].get(key, 0) >= count for key, count in before[1].items())
    assert np.all(less.released_messages <= state.released_messages)


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
    history = [Snapshot(tracks=tracks, estimates=est) for tracks, est in story]
    assert check(messages, history, setting, giver) == []


@settings(max_examples=300, deadline=None)
@given(
    st.floats(-math.pi / 2, math.pi / 2), st.floats(-math.pi, math.pi), st.floats(500.0, 3e6),
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
    assert east_m2 >= 0


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
    assert set(messages.data.tolist()) <= {1, 2, 3}
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
