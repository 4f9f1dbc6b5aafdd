"""The watching sides' pictures under one set of rules: exchange, fusion, warnings, and how accurate it all was.

Architectures that share the same rules share these: what each side sees does not depend on who shoots.
"""

import hashlib
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from detente.centre import step as centres
from detente.centre.exchange.offsets import SECRET_BYTES, Secret
from detente.centre.exchange.rules import Rules
from detente.centre.step import Quarantine
from detente.records.slots import Picture
from detente.records.stages import Messages, Releases, TrackHistory, Warnings
from detente.studies import _kernels_scoring as kernels
from detente.studies.answers import AnswerBook, TrueStates
from detente.studies.architectures import Architecture
from detente.studies.chunk import Chunk
from detente.studies.history import history_of
from detente.studies.lies import Liar, Lie
from detente.studies.link import Arrivals, Link
from detente.studies.sealing import Sealing


def study_secret(seed: int, side: int) -> Secret:
    """A side's secret in a study, so that a recorded world can be replayed to the byte. A live side draws its own."""
    return Secret(hashlib.blake2b(f"secret/{seed}/{side}".encode(), digest_size=SECRET_BYTES).digest())


def sharing_key(architecture: Architecture, rules: Rules) -> tuple[object, ...]:
    """Equal for two architectures whose sides see the same: pooled or not, and the same clauses."""
    columns = [values for values in vars(rules).values() if isinstance(values, np.ndarray)]
    said = rules.start_s, rules.end_s, tuple(column.tobytes() for column in columns)
    return architecture.pooled, architecture.exchange, said


@dataclass
class Accuracy:
    """Sums over coast-phase samples, a row for each picture: (pictures, R)."""

    square_m2: NDArray[np.float64]
    nees: NDArray[np.float64]
    samples: NDArray[np.float64]


@dataclass
class Kept:
    """Tables as they come, tick by tick; all but the warnings only where they are recorded."""

    warnings: list[Warnings] = field(default_factory=list)
    messages: list[Messages] = field(default_factory=list)
    releases: list[Releases] = field(default_factory=list)
    tracks: list[TrackHistory] = field(default_factory=list)


class Pictures:
    """All watching sides under one set of rules. ``tick`` moves everything on by one tick."""

    def __init__(
        self, chunk: Chunk, architecture: Architecture, rules: Rules, *, record: bool, lie: Lie | None = None,
        quarantine: Quarantine = "off",
    ) -> None:  # fmt: skip
        assert lie is None or not record, "a lie would not pass the liar's own second check"
        rows, sides = chunk.rows, chunk.sides
        self.chunk, self.record, self.exchanging = chunk, record, architecture.exchange
        self.watching = (sides,) if architecture.pooled else tuple(range(sides))
        self.centres = tuple(replace(centre, quarantine=quarantine) for centre in chunk.centres)
        self.assisted = {
            side: centres.begin_assisted(
                self.centres[side], rules, chunk.world.replicates, secret=study_secret(chunk.seed, side),
                exchanging=self.exchanging,
            )
            for side in self.watching
        }  # fmt: skip
        tick_s = chunk.scenario.file.tick_s
        self.links = [
            Link(chunk.seed, chunk.world.replicates, chunk.link_delay_s, chunk.link_loss, tick_s) for _ in range(sides)
        ]
        self.sealing = Sealing(chunk, architecture) if record and self.exchanging else None
        self.liar = None if lie is None or not self.exchanging else Liar(lie, rows)
        shape = (len(self.watching), rows)
        self.accuracy = Accuracy(np.zeros(shape), np.zeros(shape), np.zeros(shape))
        self.line_objects: dict[int, NDArray[np.int64]] = {}
        self.kept = Kept()

    @property
    def lines(self) -> int:
        """Lines of each picture."""
        return self.assisted[self.watching[0]].lines

    def picture(self, side: int) -> Picture:
        """What this side knows now."""
        return self.assisted[side].picture

    def tick(
        self, index: int, now_s: float, own: list[centres.Own], own_warnings: list[Warnings], truth: TrueStates,
        book: AnswerBook,
    ) -> None:  # fmt: skip
        """Messages in, pictures and warnings, messages out; then the score.

        Where nothing is exchanged a picture is the own tracks again, and is drawn only when somebody looks at it.
        """
        self.kept.warnings += [table for table in (own_warnings[side] for side in self.watching) if len(table)]
        looked_at = self.chunk.looked_at(now_s)
        if not self.exchanging and not looked_at:
            return
        sent: list[Messages] = []
        for place, side in enumerate(self.watching):
            messages, offsets = self._arrivals(side, index)
            self.assisted[side], said = centres.cooperate(
                self.centres[side], own[side], self.assisted[side], messages, offsets, now_s,
                record=self.record,
            )  # fmt: skip
            lying = self.liar is not None and self.liar.lie.side == side
            sent.append(self.liar.tell(said.messages, own[side], now_s) if self.liar and lying else said.messages)
            if self.sealing is not None:
                status = self.centres[side].own_status
                self.sealing.remember(side, own[side].tracks, own[side].estimates, status)
            if len(said.warnings):
                self.kept.warnings.append(said.warnings)
            if looked_at:
                self._score(place, side, said.picture, truth, book)
            if self.record:
                self.kept.tracks.append(history_of(said.picture, side))
                self.kept.releases.append(said.releases)
                self.kept.messages.append(said.messages)
        for messages in sent:
            self._send(messages, index)

    def _arrivals(self, side: int, index: int) -> Arrivals:
        if self.exchanging:
            return self.links[side].arrivals(index)
        return Messages.empty(), np.zeros(self.chunk.rows + 1, np.int64)

    def _send(self, messages: Messages, index: int) -> None:
        if not len(messages):
            return
        carried = messages if self.sealing is None else self.sealing.carry(messages)
        receivers = np.unique(carried.receiver)
        for receiver in receivers:
            theirs = carried if len(receivers) == 1 else carried.take(carried.receiver == receiver)
            self.links[receiver].send(theirs, index)

    def _score(self, place: int, side: int, picture: Picture, truth: TrueStates, book: AnswerBook) -> None:
        line_object = book.lines(picture)
        self.line_objects[side] = line_object
        unsound = kernels.score_lines(
            line_object, picture.has_state, picture.mean, picture.covariance, truth.state, truth.phase,
            self.accuracy.square_m2[place], self.accuracy.nees[place], self.accuracy.samples[place],
        )  # fmt: skip
        assert unsound == 0, f"{unsound} confirmed tracks have a covariance that is not positive definite"
