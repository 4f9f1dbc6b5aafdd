"""The simulated line between gateways: a delay a replicate, and a loss drawn for each message by its address."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detente.chance.draws import Stage
from detente.records.stages import Messages
from detente.studies import _kernels_link

Arrivals = tuple[Messages, NDArray[np.int64]]


@dataclass
class Link:
    """Messages under way to one side, kept by the tick at which they arrive.

    The line keeps the order of its messages, loses some, and delivers the rest after ``delay_s`` (R,), at the first
    tick not before that.
    """

    seed: int
    replicate_ids: NDArray[np.int64]
    delay_s: NDArray[np.float64]  # (R,)
    loss_probability: NDArray[np.float64]  # (R,)
    tick_s: float
    under_way: dict[int, list[Messages]] = field(default_factory=dict)

    def send(self, messages: Messages, tick: int) -> None:
        """Put messages on the line at this tick (they left at its end)."""
        if not len(messages):
            return
        lost = np.empty(len(messages), np.uint8)
        _kernels_link.lost(
            np.uint64(self.seed), self.replicate_ids, messages.replicate, messages.giver, messages.receiver,
            messages.data, messages.number, tick, self.loss_probability, int(Stage.LINK), lost,
        )  # fmt: skip
        arrival_s = messages.released_s + self.delay_s[messages.replicate]
        arrival = np.maximum(np.ceil(arrival_s / self.tick_s - 1e-9).astype(np.int64) - 1, tick + 1)
        kept = np.flatnonzero(lost == 0)
        kept = kept[np.argsort(arrival[kept], kind="stable")]
        moments, firsts = np.unique(arrival[kept], return_index=True)
        delivered = messages.take(kept)
        for when, (first, last) in zip(moments, pairwise([*firsts, len(kept)])):
            self.under_way.setdefault(int(when), []).append(delivered.rows(first, last))

    def arrivals(self, tick: int) -> Arrivals:
        """What arrives at this tick, sorted by replicate row, with offsets (R + 1,)."""
        rows = len(self.replicate_ids)
        parts = self.under_way.pop(tick, [])
        if not parts:
            return Messages.empty(), np.zeros(rows + 1, np.int64)
        together = Messages.concatenate(parts)
        if (np.diff(together.replicate) < 0).any():
            together = together.take(np.argsort(together.replicate, kind="stable"))
        return together, np.searchsorted(together.replicate, np.arange(rows + 1))
