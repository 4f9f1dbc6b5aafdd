"""Laws of an envelope: it holds every bit of its messages, and no others are believed."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import made_exchange as made
from tests.made_clauses import agreements, run

from detente.centre.exchange import dsse
from detente.centre.exchange.message import KIND, Expected, Header, Mark, key_id, open_envelope, seal
from detente.centre.exchange.rules import compile_agreement, label_of
from detente.records.errors import PeerError
from detente.records.stages import Messages

QUICK = settings(max_examples=25, deadline=None)
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
