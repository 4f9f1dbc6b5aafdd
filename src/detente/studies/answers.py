"""The answer key: which object each centre's track numbers stand for. Only a study has it."""

import numpy as np
from numpy.typing import NDArray

from detente.records.slots import Picture, Tracks
from detente.records.stages import Truth
from detente.studies import _kernels_scoring as kernels
from detente.world.history import World

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
ROOM = 512  # track numbers there is room for at first; it doubles where a centre needs more


class AnswerBook:
    """Object behind each track number of each centre, learnt from the detections its tracker used."""

    def __init__(self, centres: int, rows: int) -> None:
        self.object_of = np.full((centres, rows, ROOM), -1, np.int64)
        self._lead = np.zeros_like(self.object_of)

    def learn(self, centre: int, tracks: Tracks, answers: Ints) -> None:
        """Take note of what one step's detections really were; most of a track's detections say whose it is.

        ``answers`` (m,): the object of each detection of the step, -1 for a false plot.
        """
        while int(tracks.next_number.max()) >= self.object_of.shape[2]:
            self.object_of = np.concatenate([self.object_of, np.full_like(self.object_of, -1)], axis=2)
            self._lead = np.concatenate([self._lead, np.zeros_like(self._lead)], axis=2)
        kernels.learn(tracks.number, tracks.updated_row, answers, self.object_of[centre], self._lead[centre])

    def lines(self, picture: Picture) -> Ints:
        """Object behind each confirmed line of a picture, -1 where none. (R, L)"""
        out = np.empty(picture.status.shape, np.int64)
        kernels.lines_objects(picture.status, picture.giver, picture.number, self.object_of, out)
        return out

    def of(self, row: Ints, giver: Ints, number: Ints) -> Ints:
        """Object behind each (replicate row, giver, number); -1 where none, or where nobody has such a track. (n,)"""
        known = (number >= 0) & (number < self.object_of.shape[2])
        return np.where(known, self.object_of[giver, row, np.where(known, number, 0)], -1)


class TrueStates:
    """Where every object really is at one moment: state (R, N, 6) and phase (R, N), 0 where it does not fly."""

    def __init__(self, world: World) -> None:
        self.world = world
        shape = (len(world.replicates), world.object_count)
        self.state = np.zeros((*shape, 6))
        self.phase = np.zeros(shape, np.uint8)

    def at(self, now_s: float) -> None:
        """Move to this moment."""
        truth: Truth = self.world.truth
        kernels.true_states(
            now_s, truth.time_s, truth.position_ecef_m, truth.velocity_ecef_m_s, truth.phase, self.world.offsets,
            self.state, self.phase,
        )  # fmt: skip
