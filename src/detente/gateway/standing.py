"""Whether the line to a partner stands, and who is told of it when.

The gateway is told at once, because over a line that stands both greet. People are told that it is up with the
partner's first word over it, that it is down where it was up, and why there is none once for each cause.
"""

import asyncio
from collections.abc import Callable

CAUSES_MAX = 16  # why there is no line, told of one silence. source: assumption, 4-100

BEGINS, BEGIN_S = 10, 2.0
"""So many times at once, and once in so long, may a line begin to stand: each is two lines of a log, a greeting and a
commit, and makes what was told of its absence news again. source: assumption, 3-100 and 0.5-60 s: one whose line breaks
calls often at first, then every 5 s."""

OnLine = Callable[[bool], None]
"""Is told that a line stands, or stands no more."""

Tell = Callable[[bool, str], None]
"""Is told for people that a line is up or down, and why where nobody else can know."""


def untold(up: bool, why: str) -> None:
    """There is nobody to tell."""


def quiet_for(seconds: float) -> str:
    """Why a line was ended, for people."""
    return f"nothing was heard for {seconds:g} s"


class Pace:
    """How often the line to a partner may begin, by the loop's clock; it outlives lines that a reload replaces."""

    def __init__(self) -> None:
        self.paid_s = 0.0  # what has begun is paid for at this time
        self.refused = 0  # calls that came too soon

    def wait_s(self) -> float:
        """Seconds until a line may begin; 0 where it may now."""
        return max(0.0, self.paid_s - (BEGINS - 1) * BEGIN_S - asyncio.get_running_loop().time())

    def begin(self) -> None:
        """One does, whether it may or not."""
        self.paid_s = max(self.paid_s, asyncio.get_running_loop().time()) + BEGIN_S


class Standing:
    """One line's."""

    def __init__(self, on_line: OnLine, tell: Tell = untold, pace: Pace | None = None) -> None:
        self.on_line, self.tell, self.pace = on_line, tell, pace or Pace()
        self.up = False
        self.heard = False  # the partner said something since it is up, and people know
        self.causes: set[str] = set()  # why not, as told since something was last heard

    def begin(self) -> None:
        """The line stands from now on."""
        self.up = True
        self.pace.begin()
        self.on_line(True)

    def speaks(self) -> None:
        """The partner says something over a line that stands."""
        if not self.heard:
            self.heard = True
            self.causes.clear()
            self.tell(True, "")

    def end(self, why: str = "") -> None:
        """It stands no more."""
        was_heard, self.up, self.heard = self.heard, False, False
        self.on_line(False)
        if was_heard:
            self.tell(False, why)
        elif why:
            self.missing(why)

    def missing(self, why: str) -> None:
        """Why there is no line: told once for each of so many causes, until one stands and something is heard."""
        if not self.up and why not in self.causes and len(self.causes) < CAUSES_MAX:
            self.causes.add(why)
            self.tell(False, why)
