"""Signing an agreement, and telling whether all its parties did: a centre works under no other.

Each party signs, by Ed25519 in DSSE's encoding, the canonical JSON (RFC 8785) of the whole agreement with its own name
beside it, so that a signature can be moved neither to another text nor to another party.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from detente.centre.exchange.digest import canonical_form
from detente.centre.exchange.dsse import pre_authentication_encoding
from detente.records.errors import InputError
from detente.scenario.agreement import Agreement

PAYLOAD_TYPE = "application/vnd.detente.agreement"


@dataclass(frozen=True, kw_only=True)
class Signature:
    """One party's signature under an agreement."""

    party: str
    key: bytes  # raw public key, 32 bytes: which key it says it is; whom to believe is the reader's business
    signature: bytes  # 64 bytes


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How one party stands to an agreement."""

    party: str
    signed: bool  # a signature that holds, by a trusted key where such are named
    trusted: bool  # the key is one of those named beforehand for this party
    key: bytes  # of the signature found, b"" where there is none
    why: str  # in words, where it is not signed


def sign(agreement: Agreement, party: str, signer: Ed25519PrivateKey) -> Signature:
    """A party's signature. Raises InputError where it is no party."""
    if party not in agreement.parties:
        raise InputError(
            f"{party!r} is no party of agreement {agreement.name!r}", f"one of {', '.join(agreement.parties)}",
            "sign as a party",
        )  # fmt: skip
    return Signature(
        party=party, key=signer.public_key().public_bytes_raw(), signature=signer.sign(_signed_bytes(agreement, party))
    )


def standings(
    agreement: Agreement, signatures: Sequence[Signature], trusted: Mapping[str, Sequence[Ed25519PublicKey]] | None
) -> list[Standing]:
    """How each party stands, in the agreement's order.

    ``trusted`` holds each party's keys as known beforehand; only signatures by them count. With None any key counts,
    but no key may stand for two parties: the reader then has to compare keys by another way.
    """
    found: list[Standing] = []
    for party in agreement.parties:
        mine = [signature for signature in signatures if signature.party == party]
        tried = [_standing(agreement, signature, trusted) for signature in mine]
        best = next((standing for standing in tried if standing.signed), tried[0] if tried else None)
        if best is None:
            best = Standing(party=party, signed=False, trusted=False, key=b"", why="has not signed")
        if best.signed and any(best.key == other.key for other in found if other.signed):
            best = Standing(
                party=party, signed=False, trusted=best.trusted, key=best.key, why="the same key signed for another"
            )
        found.append(best)
    return found


def holds(agreement: Agreement, signature: Signature) -> bool:
    """Whether the key that a signature names made it, under this text and for its party."""
    try:
        key = Ed25519PublicKey.from_public_bytes(signature.key)
        key.verify(signature.signature, _signed_bytes(agreement, signature.party))
    except (InvalidSignature, ValueError):
        return False
    return True


def refuse_unsigned(
    agreement: Agreement, signatures: Sequence[Signature], trusted: Mapping[str, Sequence[Ed25519PublicKey]]
) -> None:
    """Raise InputError unless every party signed with a key trusted beforehand: what a centre asks before it works."""
    missing = [f"{stand.party} {stand.why}" for stand in standings(agreement, signatures, trusted) if not stand.signed]
    if missing:
        raise InputError(
            f"agreement {agreement.name!r} is not signed by all: {'; '.join(missing)}",
            f"a signature of each of {', '.join(agreement.parties)} by a key this side trusts",
            "have every party sign (detente agreement sign), or correct the trusted keys",
        )  # fmt: skip


def _standing(
    agreement: Agreement, signature: Signature, trusted: Mapping[str, Sequence[Ed25519PublicKey]] | None
) -> Standing:
    party = signature.party
    known = trusted is not None and signature.key in [key.public_bytes_raw() for key in trusted.get(party, ())]
    if trusted is not None and not known:
        why = "signed with a key that is not trusted for it"
    else:
        why = "" if holds(agreement, signature) else "signed another text, or the signature was altered"
    return Standing(party=party, signed=not why, trusted=known, key=signature.key, why=why)


def _signed_bytes(agreement: Agreement, party: str) -> bytes:
    return pre_authentication_encoding(f"{PAYLOAD_TYPE}; party={party}", canonical_form(agreement))
