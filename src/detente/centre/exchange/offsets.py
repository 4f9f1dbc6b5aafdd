"""The secret numbers that move what is told coarsely: who does not hold the giver's key cannot tell them from chance.

They are words of AES-256 (FIPS 197) under keys made from the giver's secret by keyed BLAKE2b (RFC 7693), one key for
each class, part and amount. A word's address is its replicate and its object: the same object is moved by the same
numbers as long as it lives, whatever is said of it, to whom, and by which clause of that amount. A cipher is used and
not a hash because it makes the numbers of all messages of a tick in one call.
"""

import hashlib
import struct
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

from detente.centre.exchange import _kernels_coarsen as kernels

SECRET_BYTES = 32
ADDRESS = np.dtype([("replicate", "<u4"), ("half", "<u4"), ("object", "<i8")])
"""A block of the cipher: two of them make the four words of one part of a message."""


@dataclass(frozen=True)
class Secret:
    """What a giver's offsets are keyed with: 32 random bytes, never told to anybody, never part of a saved state."""

    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        assert len(self.key) == SECRET_BYTES, f"a secret of {SECRET_BYTES} bytes"


def secret_numbers(
    secret: Secret, giver: int, replicate: NDArray[np.int64], thing: NDArray[np.int64], clause: NDArray[np.int64],
    data: NDArray[np.uint8], amounts: NDArray[np.float64],
) -> NDArray[np.float64]:  # fmt: skip
    """The numbers that move M messages, (M, 9): six standard normals, then three even within ± ½.

    ``thing`` names the object of each message; ``amounts`` (C, 4) are each clause's position and velocity sigma, grid
    and time step. Where a clause takes nothing away, its numbers are those of words of zeros, and unused.
    """
    words = np.zeros((len(thing), kernels.PARTS, kernels.WORDS), np.uint64)
    for index in np.unique(clause):
        rows = np.flatnonzero(clause == index)
        for part in np.flatnonzero(amounts[index]):
            cipher = _cipher(secret, struct.pack("<qqqd", giver, data[rows[0]], part, amounts[index, part]))
            words[rows, part] = _words(cipher, replicate[rows], thing[rows])
    numbers = np.empty((len(thing), kernels.NUMBERS))
    kernels.fill_numbers(words, numbers)
    return numbers


@lru_cache(maxsize=256)
def _cipher(secret: Secret, purpose: bytes) -> Cipher[modes.ECB]:
    """The cipher of one purpose. Each block is enciphered alone because each is an address, and no two are the same."""
    key = hashlib.blake2b(purpose, key=secret.key, digest_size=32, person=b"detente-offsets").digest()
    return Cipher(algorithms.AES(key), modes.ECB())


def _words(cipher: Cipher[modes.ECB], replicate: NDArray[np.int64], thing: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Four words for each of these objects. (M, 4)"""
    blocks = np.empty((len(thing), 2), ADDRESS)
    blocks["replicate"], blocks["object"] = replicate[:, None], thing[:, None]
    blocks["half"] = 0, 1
    return np.frombuffer(cipher.encryptor().update(blocks.tobytes()), "<u8").reshape(-1, kernels.WORDS)
