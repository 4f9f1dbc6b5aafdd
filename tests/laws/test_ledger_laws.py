"""Laws of a ledger: any edit is found where it was made, and a proof holds for its own tree alone."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from detente.centre.exchange import merkle
from detente.centre.exchange.ledger import EntryKind, Ledger, verify

QUICK = settings(max_examples=25, deadline=None)


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
