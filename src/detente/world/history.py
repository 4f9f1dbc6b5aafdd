"""One simulated history, in as many replicates as were asked for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detente.records.slots import SensorSuite, Slots
from detente.records.stages import Objects, Truth


@dataclass(frozen=True, kw_only=True)
class World(Slots):
    """What really flies, and the sensors there are to see it, in R replicates of the same N objects.

    The ``replicate`` columns of the tables hold the row 0 … R-1; ``replicates`` says which replicate each row is.
    """

    objects: Objects  # R·N rows: row r·N + n is object n in replicate row r
    truth: Truth
    offsets: NDArray[np.int64]  # (R·N + 1,): samples of objects row i are truth rows offsets[i] … offsets[i + 1] - 1
    suite: SensorSuite  # R rows
    missiles: tuple[str, ...]  # names; the order that ``objects.missile`` counts in
    places: tuple[str, ...]  # names; the order that ``objects.launch_place`` counts in
    object_count: int  # N
    replicates: NDArray[np.int64]  # (R,)

    def __post_init__(self) -> None:
        Slots.__post_init__(self)
        rows = len(self.replicates) * self.object_count
        assert len(self.objects) == rows, f"{len(self.objects)} objects, not {rows}"
        assert self.offsets.shape == (rows + 1,), f"offsets of shape {self.offsets.shape}, not {(rows + 1,)}"
        assert self.offsets[0] == 0, "offsets start at the first truth row"
        assert self.offsets[-1] == len(self.truth), "offsets end at the last truth row"
