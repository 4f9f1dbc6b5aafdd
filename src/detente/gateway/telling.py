"""What a side's process tells people: one JSON document a line."""

import asyncio
import contextlib
import json
import os
import select
import sys
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from detente.centre.picture.identity import track_name
from detente.records.stages import Warnings

LINES_MAX = 1000
"""Lines that wait for whoever reads them; of more the oldest go. source: assumption, 100-10,000: an hour of a log."""

STANDARD_OUTPUT = 1
LAST_WORDS_S = 2.0  # that a process which ends waits for whoever reads its log. source: assumption, 0.5-10
PIECE_BYTES = 4096  # what a pipe that has room for anything takes without a wait (PIPE_BUF, pipe(7))


def standard_output() -> int:
    """Its descriptor; where it was closed, one that leads nowhere: else whatever file is opened next would be written
    into."""
    return os.open(os.devnull, os.O_WRONLY) if sys.stdout is None else STANDARD_OUTPUT


class Log:
    """The structured log: one JSON document a line on a descriptor.

    It waits for nobody: a terminal that was stopped, or a pipe whose reader has fallen asleep, has lines wait here, and
    is written to when it takes more, if a loop runs then.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.waiting: deque[bytes] = deque(maxlen=LINES_MAX)
        self.begun = b""  # what is left of a line that was begun: none is shown by half
        self.loop: asyncio.AbstractEventLoop | None = None  # that calls once more is taken

    def show(self, document: dict[str, Any]) -> None:
        """Show a document: at once, or when there is room.

        Raises OSError where a line is lost, or at best shown late: a full disk, no reader, or too many that wait.
        """
        lost = len(self.waiting) == LINES_MAX
        self.waiting.append(json.dumps(document, ensure_ascii=False, allow_nan=False).encode() + b"\n")
        if self.loop is None and not self._write():
            with contextlib.suppress(RuntimeError):  # none runs: the next line tries again
                self.loop = asyncio.get_running_loop()
                self.loop.add_writer(self.descriptor, self._go_on)
        if lost:
            raise BlockingIOError(f"more than {LINES_MAX} lines of the log wait for their reader")

    def finish(self, most_s: float) -> None:
        """Show what waits, as long as some of it is taken within so long."""
        with contextlib.suppress(OSError):
            self._write(most_s)

    def _go_on(self) -> None:
        assert self.loop is not None, "the loop that called"
        with contextlib.suppress(OSError):
            if not self._write():
                return
        self.loop.remove_writer(self.descriptor)
        self.loop = None

    def _write(self, most_s: float = 0.0) -> bool:
        """Write as much as is taken at once, or within so long of each other; whether that is all."""
        while self.begun or self.waiting:
            if not select.select([], [self.descriptor], [], most_s)[1]:
                return False
            self.begun = self.begun or self.waiting.popleft()
            self.begun = self.begun[os.write(self.descriptor, self.begun[:PIECE_BYTES]) :]
        return True


@contextlib.contextmanager
def shown() -> Iterator[Callable[[dict[str, Any]], None]]:
    """What shows a document on standard output; in the end its reader has a little time for what waits."""
    log = Log(standard_output())
    try:
        yield log.show
    finally:
        log.finish(LAST_WORDS_S)


def warning_fields(warnings: Warnings, row: int, names: tuple[str, ...]) -> dict[str, Any]:
    """One warning; ``names`` are all sides', in index order."""
    return {
        "threatened": names[int(warnings.threatened[row])],
        "update": int(warnings.update[row]),
        "track": track_name(names[int(warnings.giver[row])], int(warnings.number[row])),
        "probability": round(float(warnings.probability[row]), 3), "at_s": float(warnings.time_s[row]),
        "impact_lat_deg": round(float(np.degrees(warnings.impact_lat_rad[row])), 3),
        "impact_lon_deg": round(float(np.degrees(warnings.impact_lon_rad[row])), 3),
        "impact_s": round(float(warnings.impact_s[row]), 1),
    }  # fmt: skip


def early_words(tick: int, tick_s: float, exercise_s: float) -> str:
    """Why no tick comes for longer than one lasts, where ``tick`` is the last one that was kept (-1: none)."""
    ahead_s = (tick + 1) * tick_s - exercise_s
    if ahead_s <= tick_s:
        return ""
    if tick < 0:
        return f"the exercise begins in {ahead_s:.0f} s: no tick, and no warning, until then"
    return f"the store is {ahead_s:.0f} s ahead of the clock: no tick, and no warning, until then"
