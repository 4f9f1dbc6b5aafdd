"""Envelopes that were given up and of which the partner has not heard yet: after a long break hundreds of thousands."""

from collections.abc import Iterator

from detente.gateway.logic.notes import Gone

BLOCK = 512
"""Sequences in a block. source: assumption, 64-4,096: what a note lists. A copy costs a block's reference for as many
closings, and a change of one a block's copy."""


class Closings:
    """Closings by sequence, lowest first, of which a step may have a copy of its own at little cost."""

    def __init__(self) -> None:
        self._blocks: dict[int, dict[int, Gone]] = {}
        self._own: set[int] = set()  # blocks that no other copy has
        self._size = 0

    def copy(self) -> "Closings":
        """Another with the same content; a change of either is none of the other."""
        other = Closings()
        other._blocks, other._size = self._blocks.copy(), self._size
        self._own = set()
        return other

    def __len__(self) -> int:
        return self._size

    def __contains__(self, sequence: int) -> bool:
        return sequence in self._blocks.get(sequence // BLOCK, ())

    def get(self, sequence: int) -> Gone | None:
        """The closing of a sequence, if it is one."""
        return self._blocks.get(sequence // BLOCK, {}).get(sequence)

    def add(self, gone: Gone) -> None:
        """One more."""
        block = self._changed(gone.sequence // BLOCK)
        self._size += gone.sequence not in block
        block[gone.sequence] = gone

    def discard(self, sequence: int) -> None:
        """The partner has heard of this one, if it is one."""
        if sequence not in self:
            return
        place = sequence // BLOCK
        block = self._changed(place)
        del block[sequence]
        self._size -= 1
        if not block:
            del self._blocks[place]

    def until(self, end: int) -> Iterator[Gone]:
        """Those before ``end``, lowest first."""
        for place in sorted(place for place in self._blocks if place * BLOCK < end):
            block = self._blocks[place]
            for sequence in sorted(block):
                if sequence < end:
                    yield block[sequence]

    def lowest(self, default: int) -> int:
        """The lowest sequence; ``default`` where there is none."""
        return min(self._blocks[min(self._blocks)]) if self._blocks else default

    def _changed(self, place: int) -> dict[int, Gone]:
        """A block that may be changed."""
        if place not in self._own:
            self._blocks[place] = self._blocks.get(place, {}).copy()
            self._own.add(place)
        return self._blocks.setdefault(place, {})
