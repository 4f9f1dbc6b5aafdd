"""Signatures in a drill: Ed25519, or a keyed hash that holds and fails for the same bytes at a fiftieth of the price.

A drill tries what gateways make of sound and of altered bytes. It tries no cryptography: that is other tests' work, and
a share of all drills uses the true keys all the same.
"""

import hashlib
import hmac
from functools import cache
from typing import cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SIGNATURE_BYTES = 64


class QuickKey:
    """Both halves of a pair of keys: as much of their face as envelopes use. Whoever can verify could sign."""

    def __init__(self, name: str) -> None:
        self.secret = hashlib.sha256(f"quick {name}".encode()).digest()

    def sign(self, data: bytes) -> bytes:
        """Sixty-four bytes that depend on every bit of the data."""
        return hashlib.blake2b(data, key=self.secret, digest_size=SIGNATURE_BYTES).digest()

    def verify(self, signature: bytes, data: bytes) -> None:
        """Raises InvalidSignature unless these bytes were signed with this key."""
        if not hmac.compare_digest(signature, self.sign(data)):
            raise InvalidSignature

    def public_key(self) -> "QuickKey":
        """The half to verify with."""
        return self

    def public_bytes_raw(self) -> bytes:
        """Thirty-two bytes that name the key."""
        return hashlib.sha256(self.secret).digest()


@cache
def signer_of(name: str, quick: bool) -> Ed25519PrivateKey:
    """A side's signing key, the same in all drills."""
    if quick:
        return cast(Ed25519PrivateKey, QuickKey(name))
    return Ed25519PrivateKey.from_private_bytes(f"drill of {name}".ljust(32).encode()[:32])
