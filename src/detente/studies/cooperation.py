"""One architecture under way in a chunk of replicates: exchange, assisted pictures, plans, what came of the shots."""

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detente.centre import step as centres
from detente.engagement import plan as plans
from detente.records.slots import Picture
from detente.records.stages import Messages, Opportunities, Outcomes, Releases, Shots, TrackHistory, Warnings
from detente.studies import _kernels_scoring as kernels
from detente.studies.answers import AnswerBook, TrueStates
from detente.studies.architectures import Architecture
from detente.studies.history import history_of
from detente.studies.link import Link
from detente.studies.sealing import Sealing
from detente.studies.theatre import Theatre
from detente.world.outcome import resolve

NOT_YET_S = np.inf
PLAN_EVERY_S = 10.0  # a decider looks at its picture this often


def study_secret(seed: int, side: int) -> int:
    """A side's secret in a study, so that a recorded world can be replayed to the byte. A live side draws its own."""
    return int.from_bytes(hashlib.blake2b(f"secret/{seed}/{side}".encode(), digest_size=8).digest(), "big")


@dataclass
class Tally:
    """What is counted for one architecture: R replicates, N objects, K sites, n pictures."""

    seen: NDArray[np.uint8]  # (R, N, K) 1 where a deciding picture saw a window
    earliest_s: NDArray[np.float64]  # (R, N) earliest feasible intercept; -1 where none
    square_m2: NDArray[np.float64]  # (n, R) sums over coast-phase samples
    nees: NDArray[np.float64]
    samples: NDArray[np.float64]

    @classmethod
    def empty(cls, rows: int, objects: int, sites: int, pictures: int) -> "Tally":
        """Nothing counted yet."""
        return cls(
            seen=np.zeros((rows, objects, sites), np.uint8),
            earliest_s=np.full((rows, objects), -1.0),
            square_m2=np.zeros((pictures, rows)),
            nees=np.zeros((pictures, rows)),
            samples=np.zeros((pictures, rows)),
        )


@dataclass
class Kept:
    """Tables of one architecture as they come, tick by tick."""

    warnings: list[Warnings] = field(default_factory=list)
    messages: list[Messages] = field(default_factory=list)
    releases: list[Releases] = field(default_factory=list)
    opportunities: list[Opportunities] = field(default_factory=list)
    tracks: list[TrackHistory] = field(default_factory=list)


class Cooperation:
    """One architecture's sides, links, plans and tallies. ``tick`` moves everything on by one tick."""

    def __init__(self, theatre: Theatre, architecture: Architecture, *, record: bool) -> None:
        rows, sides = theatre.rows, theatre.sides
        self.theatre, self.architecture, self.record = theatre, architecture, record
        self.watching = (sides,) if architecture.pooled else tuple(range(sides))  # whose pictures decide
        rules = theatre.rules(architecture)
        secrets = [study_secret(theatre.seed, side) for side in range(sides)]
        self.assisted = {
            side: centres.begin_assisted(
                theatre.centres[side], rules, theatre.world.replicates,
                secret=secrets[side] if side < sides else 0, exchanging=architecture.exchange,
            )
            for side in self.watching
        }  # fmt: skip
        self.links = [
            Link(
                theatre.seed,
                theatre.world.replicates,
                theatre.link_delay_s,
                theatre.link_loss,
                theatre.scenario.file.tick_s,
            )
            for _ in range(sides)
        ]
        self.sealing = Sealing(theatre, architecture) if record and architecture.exchange else None
        lines = next(iter(self.assisted.values())).lines
        self.plans = {side: plans.start(theatre.arms, lines) for side in self.watching}
        self.plan_rules = {side: self._rules_of_plan(side) for side in self.watching}
        self.shots, self.shot_object = Shots.empty(), np.empty(0, np.int64)
        self.outcomes = Outcomes.empty()
        self.known_dead_s = np.full((rows, theatre.objects), NOT_YET_S)
        nobody = np.zeros((rows, theatre.objects), np.uint8)
        self.refused = theatre.refused if architecture.consent else nobody
        self.tally = Tally.empty(rows, theatre.objects, len(theatre.scenario.sites), len(self.watching))
        self.kept = Kept()

    def _rules_of_plan(self, side: int) -> plans.PlanRules:
        chosen, theatre = self.architecture, self.theatre
        return plans.PlanRules(
            decider=plans.JOINT if chosen.one_plan else side,
            any_territory=chosen.decides_for_all,
            extra_delay_s=theatre.consent_delay_s if chosen.consent else np.zeros(theatre.rows),
            sectors=theatre.sectors if chosen.sectors else None,
            keep_reserve=not chosen.waives_reserve,
        )

    def tick(
        self,
        index: int,
        now_s: float,
        own: list[centres.Own],
        own_warnings: list[Warnings],
        truth: TrueStates,
        book: AnswerBook,
    ) -> None:
        """Messages in, pictures, warnings, messages out, plans, outcomes."""
        sent: list[Messages] = []
        for place, side in enumerate(self.watching):
            centre = self.theatre.centres[side]
            messages, offsets = self._arrivals(side, index)
            self.assisted[side], said = centres.cooperate(
                centre, own[side], self.assisted[side], messages, offsets, now_s, record=self.record
            )
            sent.append(said.messages)
            self.kept.warnings += [own_warnings[side], said.warnings]
            self._score(place, said.picture, truth, book)
            if self._plans_now(now_s):
                self._plan(side, said.picture, now_s, book)
            if self.record:
                self.kept.tracks.append(history_of(said.picture, side))
                self.kept.releases.append(said.releases)
        self._send(sent, index)

    def _arrivals(self, side: int, index: int) -> tuple[Messages, NDArray[np.int64]]:
        if self.architecture.exchange:
            return self.links[side].arrivals(index)
        return Messages.empty(), np.zeros(self.theatre.rows + 1, np.int64)

    def _send(self, sent: list[Messages], index: int) -> None:
        if not self.architecture.exchange:
            return
        for messages in sent:
            if not len(messages):
                continue
            if self.record:
                self.kept.messages.append(messages)
            carried = messages if self.sealing is None else self.sealing.carry(messages)
            for receiver in range(self.theatre.sides):
                self.links[receiver].send(carried.take(carried.receiver == receiver), index)

    def _score(self, place: int, picture: Picture, truth: TrueStates, book: AnswerBook) -> None:
        self.line_object = book.lines(picture)
        kernels.score_lines(
            self.line_object, picture.has_state, picture.mean, picture.covariance, truth.state, truth.phase,
            self.tally.square_m2[place], self.tally.nees[place], self.tally.samples[place],
        )  # fmt: skip

    def _plans_now(self, now_s: float) -> bool:
        return now_s % PLAN_EVERY_S < self.theatre.scenario.file.tick_s - 1e-9

    def _plan(self, side: int, picture: Picture, now_s: float, book: AnswerBook) -> None:
        engageable = np.empty(picture.status.shape, np.uint8)
        kernels.may_engage(self.line_object, self.known_dead_s, self.refused, now_s, engageable)
        planned = plans.plan(self.plans[side], picture, self.theatre.arms, self.plan_rules[side], engageable, now_s)
        self.plans[side] = planned.state
        kernels.note_windows(self.line_object, planned.open, planned.earliest_s, self.tally.seen, self.tally.earliest_s)
        if self.record:
            self.kept.opportunities.append(planned.opportunities)
        if len(planned.shots):
            self._resolve(planned.shots, book)

    def _resolve(self, new: Shots, book: AnswerBook) -> None:
        """Every shot so far against truth; what is known to be dead is known once the look is over."""
        theatre = self.theatre
        objects = book.of(new.replicate, new.giver, new.number)
        self.shots = Shots.concatenate([self.shots, new])
        self.shot_object = np.concatenate([self.shot_object, objects])
        self.outcomes = resolve(self.shots, self.shot_object, theatre.world, theatre.lethality, seed=theatre.seed)
        self.known_dead_s = np.full((theatre.rows, theatre.objects), NOT_YET_S)
        hit = np.flatnonzero(self.outcomes.hit)
        moments = self.shots.intercept_s[hit] + theatre.look_s
        np.minimum.at(self.known_dead_s, (self.shots.replicate[hit], self.shot_object[hit]), moments)
