"""Handing each centre its own sensors' detections, tick by tick, while the study keeps the answer key."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detente.records.stages import AnswerKey, Detections


@dataclass(frozen=True, kw_only=True)
class Feed:
    """One centre's detections in order of tick, replicate row, time.

    ``tick_rows`` (T + 1,) bounds each tick; ``offsets`` (T, R + 1) bounds each replicate row inside its tick, counted
    from the tick's first row; ``objects`` (m,) is the answer key in the same order and never leaves the study.
    """

    detections: Detections
    objects: NDArray[np.int64]
    tick_rows: NDArray[np.int64]
    offsets: NDArray[np.int64]

    def tick(self, index: int) -> tuple[Detections, NDArray[np.int64]]:
        """What arrived in (index · tick, (index + 1) · tick], and its offsets by replicate row."""
        part = self.detections.rows(int(self.tick_rows[index]), int(self.tick_rows[index + 1]))
        return part, self.offsets[index]

    def answers(self, index: int) -> NDArray[np.int64]:
        """Object of each of that tick's m detections, (m,); -1 for a false plot."""
        return self.objects[self.tick_rows[index] : self.tick_rows[index + 1]]


def feed(
    detections: Detections, key: AnswerKey, heard: NDArray[np.bool_], *, rows: int, tick_s: float, ticks: int
) -> Feed:
    """The detections of the sensors in ``heard`` (n,), for R replicate rows and so many ticks."""
    kept = np.flatnonzero(heard[detections.sensor])
    tick = np.clip(np.ceil(detections.time_s[kept] / tick_s).astype(np.int64) - 1, 0, ticks - 1)
    order = np.lexsort((kept, detections.replicate[kept], tick))
    kept, tick = kept[order], tick[order]
    bounds = np.arange(ticks * rows + 1)
    cell = tick * rows + detections.replicate[kept]
    edges = np.searchsorted(cell, bounds)
    tick_rows = np.ascontiguousarray(edges[::rows])
    offsets = np.empty((ticks, rows + 1), np.int64)
    for index in range(ticks):
        offsets[index] = edges[index * rows : (index + 1) * rows + 1] - edges[index * rows]
    return Feed(
        detections=detections.take(kept),
        objects=np.ascontiguousarray(key.object[kept]),
        tick_rows=tick_rows,
        offsets=offsets,
    )
