"""The ledger: what is appended stays, and what was changed is named."""

from dataclasses import replace

import pytest

from detente.centre.exchange import merkle
from detente.centre.exchange.ledger import NOTHING_BEFORE, EntryKind, FaultKind, Head, Ledger, Tip, unpacked, verify

REFERENCE_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
"""Leaves of the reference tree in the tests of Google's certificate-transparency code."""

REFERENCE_ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
"""Their roots, from the same place; the recursive definition in tests/oracles gives the same."""


def ledger_of(count):
    ledger = Ledger()
    for i in range(count):
        ledger = ledger.append(
            EntryKind.SENT, bytes([i % 256]) * 32, written_s=10.0 * i, stated_s=10.0 * i, epoch=0, sequence=i
        )
    return ledger


@pytest.mark.parametrize("size", REFERENCE_ROOTS)
def test_roots_are_those_of_the_reference_tree(size):
    leaves = [merkle.leaf_hash(leaf) for leaf in REFERENCE_LEAVES[:size]]
    assert merkle.root(leaves).hex() == REFERENCE_ROOTS[size]


def test_proofs_reach_over_every_pair_of_sizes():
    hashes = [merkle.leaf_hash(bytes([i])) for i in range(17)]
    roots = [merkle.root(hashes[:n]) for n in range(18)]
    for size in range(1, 18):
        for earlier in range(1, size + 1):
            proof = merkle.consistency_proof(hashes[:size], earlier)
            assert merkle.extends(roots[earlier], earlier, roots[size], size, proof)
            if earlier < size:
                assert not merkle.extends(roots[earlier], earlier, roots[size - 1], size, proof)
                assert not merkle.extends(roots[earlier], earlier, roots[size], size, proof[:-1])
                assert not merkle.extends(roots[earlier], earlier, roots[size], size, (*proof, bytes(32)))
    assert not merkle.extends(roots[3], 0, roots[5], 5, ())
    assert not merkle.extends(roots[5], 5, roots[3], 3, ())
    assert not merkle.includes(roots[3], 3, 3, hashes[0], ())
    assert not merkle.includes(roots[3], 3, -1, hashes[0], ())


def test_a_proof_longer_than_the_tree_is_high_proves_nothing_even_where_its_hashes_fit():
    """One level more would let a side sign roots under which other sizes have the same proofs."""
    a, b, c, d, more = (merkle.leaf_hash(bytes([i])) for i in range(5))
    ab, cd = merkle.node_hash(a, b), merkle.node_hash(c, d)
    three, four = (merkle.node_hash(more, merkle.node_hash(ab, right)) for right in (c, cd))
    assert merkle.extends(merkle.node_hash(ab, c), 3, merkle.node_hash(ab, cd), 4, (c, d, ab))
    assert not merkle.extends(three, 3, four, 4, (c, d, ab, more))
    assert merkle.includes(merkle.node_hash(ab, c), 3, 2, c, (ab,))
    assert not merkle.includes(three, 3, 2, c, (ab, more))


def test_appending_leaves_the_ledger_it_was_given_alone():
    two = ledger_of(2)
    three = two.append(EntryKind.REFUSED, b"x" * 32, written_s=1.0, stated_s=1.0, epoch=2, sequence=9)
    assert (two.head.size, three.head.size) == (2, 3)
    assert three.entries[:2] == two.entries
    assert three.entries[2].previous == two.head.last == two.entries[1].hash
    assert three.entries[0].previous == NOTHING_BEFORE
    assert three.head.root == merkle.root(three.leaves)


def test_a_long_ledger_grows_and_verifies():
    ledger = ledger_of(3000)
    assert ledger.head.root == merkle.root([entry.hash for entry in ledger.entries])
    assert verify(ledger.entries, ledger.head) is None
    assert merkle.includes(ledger.head.root, 3000, 1234, ledger.leaves[1234], ledger.inclusion_proof(1234))
    proof = ledger.consistency_proof(1000)
    assert len(proof) <= 24
    assert merkle.extends(ledger_of(1000).head.root, 1000, ledger.head.root, 3000, proof)


def test_an_empty_ledger_is_sound():
    assert verify((), Ledger().head) is None
    assert Ledger().head == Head(size=0, root=merkle.EMPTY_ROOT, last=NOTHING_BEFORE)
    assert verify((), replace(Ledger().head, last=b"x" * 32)).index == 0


def test_faults_name_the_entry():
    ledger = ledger_of(6)
    entries = list(ledger.entries)
    assert verify(entries[:4], ledger.head).what == "entry 4 is missing: the head counts 6"
    assert verify([*entries, entries[5]], ledger.head).what == "entry 6 carries index 5"
    longer = ledger_of(7)
    assert verify(longer.entries, ledger.head).index == 6
    assert verify([*entries[:3], *entries[4:]], ledger.head).kind is FaultKind.DELETION
    assert verify([*entries[:3], entries[2], *entries[3:]], ledger.head).kind is FaultKind.INSERTION
    swapped = [entries[0], entries[2], entries[1], *entries[3:]]
    assert verify(swapped, ledger.head).index == 1
    changed = [*entries[:3], replace(entries[3], written_s=0.5), *entries[4:]]
    assert verify(changed, ledger.head).what == "entry 3 is not the one that was written"
    assert "root" in verify(entries, replace(ledger.head, root=bytes(32))).what


def test_a_rewritten_past_does_not_reach_the_signed_head():
    """Someone who edits entry 2 and mends every link after it still ends at another last hash."""
    ledger, forged = ledger_of(6), ledger_of(2)
    for entry in ledger.entries[2:]:
        digest = b"?" * 32 if entry.index == 2 else entry.envelope_digest
        forged = forged.append(
            entry.kind, digest, written_s=entry.written_s, stated_s=entry.stated_s, epoch=0, sequence=entry.sequence
        )
    assert verify(forged.entries, forged.head) is None
    assert verify(forged.entries, ledger.head).index == 5
    assert not merkle.extends(ledger_of(3).head.root, 3, forged.head.root, 6, forged.consistency_proof(3))


def test_a_tip_is_all_that_appending_needs():
    ledger, tip = ledger_of(13), Tip()
    for entry in ledger.entries:
        tip = tip.after(unpacked(entry.packed))
    assert tip.head == ledger.head
    terms = {"written_s": 1.0, "stated_s": 1.0, "epoch": 2, "sequence": 9}
    after, entry = tip.append(EntryKind.RECEIPT, b"x" * 32, **terms)
    assert after.head == ledger.append(EntryKind.RECEIPT, b"x" * 32, **terms).head
    assert entry.index == 13


@pytest.mark.parametrize(
    "spoil", [b"", b"x", lambda d: d[:-1], lambda d: b"?" + d[1:], lambda d: d[:16] + b"\x09" + d[17:]]
)
def test_bytes_that_are_no_entry_are_told(spoil):
    packed = ledger_of(1).entries[0].packed
    with pytest.raises(ValueError, match="entry"):
        unpacked(spoil(packed) if callable(spoil) else spoil)
