"""The line between two sides where it matters that one hears nothing: whether it stands, and a process that hangs."""

from collections import Counter
from collections.abc import Callable

SENDS_TO_SILENCE = 6
"""So often at most is one envelope sent over a line that brings nothing back: after 2, 4 and 8 s again, and anew where
a greeting was still on its way."""


class Wire:
    """Which side's line stands, when it last heard something, and what waits for a process that hangs."""

    def __init__(self) -> None:
        self.stands = [False, False]
        self.heard_s = [0.0, 0.0]
        self.hangs: int | None = None
        self.backlog: list[tuple[Callable[[], None], bool]] = []  # and whether it came over the line
        self.sent: Counter[bytes] = Counter()  # to one that hangs, each envelope

    def begin(self, side: int, now_s: float) -> None:
        """A side's line stands from now on."""
        self.stands[side], self.heard_s[side] = True, now_s

    def silent(self, side: int, now_s: float, silent_s: float) -> bool:
        """Whether a side's line stands, and nothing came over it for too long."""
        return self.stands[side] and now_s - self.heard_s[side] > silent_s

    def wake(self) -> tuple[int | None, list[tuple[Callable[[], None], bool]]]:
        """Nobody hangs any more: who did, and what waited for it."""
        side, backlog = self.hangs, self.backlog
        self.hangs, self.backlog = None, []
        return side, backlog
