"""The Merkle tree of Certificate Transparency: proofs that an entry stands in a log, and that a log only grew.

B. Laurie, A. Langley, E. Kasper, "Certificate Transparency", RFC 6962 (2013), section 2.1; the ways to check proofs
are from RFC 9162 (2021), sections 2.1.3.2 and 2.1.4.2. Hash: SHA-256. A leaf's hash starts from 0x00 and a node's
from 0x01, so that neither can be passed off as the other.
"""

import hashlib
from collections.abc import Sequence

HASH_BYTES = 32

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of the tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    """Hash of one leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of the node above two."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def grown(peaks: tuple[bytes, ...], size: int, leaf: bytes) -> tuple[bytes, ...]:
    """The peaks after one more leaf hash; ``size`` is the number of leaves before it.

    A tree of n leaves is a row of perfect trees, one for each 1 in n's binary form, largest first; their roots are
    its peaks. An append merges the small ones as an addition carries.
    """
    kept = list(peaks)
    while size & 1:
        leaf = node_hash(kept.pop(), leaf)
        size >>= 1
    return (*kept, leaf)


def root_of_peaks(peaks: Sequence[bytes]) -> bytes:
    """Root of the tree with these peaks."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


def root(leaves: Sequence[bytes]) -> bytes:
    """Root of the tree over these leaf hashes."""
    peaks: tuple[bytes, ...] = ()
    for size, leaf in enumerate(leaves):
        peaks = grown(peaks, size, leaf)
    return root_of_peaks(peaks)


def inclusion_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The hashes that, with leaf ``index``, rebuild the root: from the leaf's neighbour upwards (RFC 6962, 2.1.1)."""
    assert 0 <= index < len(leaves), f"no leaf {index} in a tree of {len(leaves)}"
    if len(leaves) == 1:
        return ()
    split = _split(len(leaves))
    if index < split:
        return (*inclusion_proof(leaves[:split], index), root(leaves[split:]))
    return (*inclusion_proof(leaves[split:], index - split), root(leaves[:split]))


def consistency_proof(leaves: Sequence[bytes], earlier: int) -> tuple[bytes, ...]:
    """The hashes which show that the tree over the first ``earlier`` leaves is where this one began (2.1.2)."""
    assert 0 < earlier <= len(leaves), f"no earlier tree of {earlier} in one of {len(leaves)}"
    return _subproof(leaves, earlier, whole=True)


def _subproof(leaves: Sequence[bytes], earlier: int, *, whole: bool) -> tuple[bytes, ...]:
    if earlier == len(leaves):
        return () if whole else (root(leaves),)
    split = _split(len(leaves))
    if earlier <= split:
        return (*_subproof(leaves[:split], earlier, whole=whole), root(leaves[split:]))
    return (*_subproof(leaves[split:], earlier - split, whole=False), root(leaves[:split]))


def includes(root_hash: bytes, size: int, index: int, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """True when the proof shows this leaf hash at ``index`` of the tree of ``size`` leaves (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(sibling, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root_hash


def extends(earlier_root: bytes, earlier: int, root_hash: bytes, size: int, proof: Sequence[bytes]) -> bool:
    """True when the proof shows that the tree of ``size`` leaves begins with the earlier one (RFC 9162, 2.1.4.2)."""
    if not 0 < earlier <= size:
        return False
    if earlier == size:
        return not proof and earlier_root == root_hash
    path = list(proof) if earlier & (earlier - 1) else [earlier_root, *proof]
    if not path:
        return False
    place, last = earlier - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and before == earlier_root and after == root_hash


def _split(size: int) -> int:
    """The largest power of two below ``size``, where the tree divides."""
    return 1 << (size - 1).bit_length() - 1
