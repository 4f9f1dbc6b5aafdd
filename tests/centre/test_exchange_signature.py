"""Signatures under an agreement: all parties, their own keys, this very text."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests import made_exchange as made

from detente.centre.exchange.signature import refuse_unsigned, sign, standings
from detente.records.errors import InputError

AGREEMENT = made.agreement(made.clause(), parties=("A", "B"))
KEYS = {party: Ed25519PrivateKey.from_private_bytes(bytes([i]) * 32) for i, party in enumerate("AB")}
TRUSTED = {party: [key.public_key()] for party, key in KEYS.items()}
BOTH = [sign(AGREEMENT, party, key) for party, key in KEYS.items()]


def why(agreement, signatures, trusted=TRUSTED):
    return [standing.why for standing in standings(agreement, signatures, trusted)]


def test_two_signatures_make_an_agreement():
    assert why(AGREEMENT, BOTH) == ["", ""]
    assert all(standing.signed and standing.trusted for standing in standings(AGREEMENT, BOTH, TRUSTED))
    refuse_unsigned(AGREEMENT, BOTH, TRUSTED)


def test_half_an_agreement_is_refused():
    assert why(AGREEMENT, BOTH[:1]) == ["", "has not signed"]
    with pytest.raises(InputError, match="not signed by all: B has not signed"):
        refuse_unsigned(AGREEMENT, BOTH[:1], TRUSTED)


def test_a_signature_holds_for_its_text_and_party_alone():
    other = made.agreement(made.clause(delay_s=1.0), parties=("A", "B"))
    assert why(other, BOTH) == ["signed another text, or the signature was altered"] * 2
    moved = [BOTH[0], replace(BOTH[0], party="B")]
    assert why(AGREEMENT, moved, None) == ["", "signed another text, or the signature was altered"]
    altered = [BOTH[0], replace(BOTH[1], signature=bytes(64))]
    assert why(AGREEMENT, altered)[1] == "signed another text, or the signature was altered"
    assert why(AGREEMENT, [BOTH[0], replace(BOTH[1], key=b"short")], None)[1].startswith("signed another")


def test_a_key_that_is_not_trusted_signs_nothing():
    stranger = sign(AGREEMENT, "B", Ed25519PrivateKey.from_private_bytes(b"s" * 32))
    assert why(AGREEMENT, [BOTH[0], stranger]) == ["", "signed with a key that is not trusted for it"]
    assert why(AGREEMENT, [BOTH[0], stranger, BOTH[1]]) == ["", ""]
    assert [stand.trusted for stand in standings(AGREEMENT, [BOTH[0], stranger], None)] == [False, False]


def test_one_key_cannot_stand_for_two_parties():
    alone = [sign(AGREEMENT, party, KEYS["A"]) for party in "AB"]
    assert why(AGREEMENT, alone, None) == ["", "the same key signed for another"]


def test_only_a_party_signs():
    with pytest.raises(InputError, match="'C' is no party"):
        sign(AGREEMENT, "C", KEYS["A"])
