"""One architecture under way in a chunk of replicates: plans made from pictures, and what came of the shots."""

import numpy as np
from numpy.typing import NDArray

from detente.engagement import plan as plans
from detente.records.stages import Opportunities, Outcomes, Shots
from detente.studies import _kernels_scoring as kernels
from detente.studies.answers import AnswerBook
from detente.studies.architectures import Architecture
from detente.studies.chunk import Chunk
from detente.studies.pictures import Pictures
from detente.world.outcome import resolve

NOT_YET_S = np.inf


class Cooperation:
    """One architecture's plans and tallies, on the pictures that its rules give. ``tick`` moves them on by one tick."""

    def __init__(self, chunk: Chunk, architecture: Architecture, pictures: Pictures, *, record: bool) -> None:
        shape = (chunk.rows, chunk.objects)
        self.chunk, self.architecture, self.pictures, self.record = chunk, architecture, pictures, record
        self.plans = {side: plans.start(chunk.arms, pictures.lines) for side in pictures.watching}
        self.plan_rules = {side: self._rules_of_plan(side) for side in pictures.watching}
        self.shots, self.shot_object = Shots.empty(), np.empty(0, np.int64)
        self.outcomes = Outcomes.empty()
        self.known_dead_s = {side: np.full(shape, NOT_YET_S) for side in pictures.watching}  # by decider
        self.refused = chunk.refused if architecture.consent else np.zeros(shape, np.uint8)
        self.seen = np.zeros((*shape, len(chunk.scenario.sites)), np.uint8)  # a deciding picture saw a window
        self.earliest_s = np.full(shape, -1.0)  # earliest feasible intercept of each object; -1 where none
        self.opportunities: list[Opportunities] = []

    def _rules_of_plan(self, side: int) -> plans.PlanRules:
        chosen, chunk = self.architecture, self.chunk
        return plans.PlanRules(
            decider=plans.JOINT if chosen.one_plan else side,
            any_territory=chosen.decides_for_all,
            extra_delay_s=chunk.consent_delay_s if chosen.consent else np.zeros(chunk.rows),
            sectors=chunk.sectors if chosen.sectors else None,
            keep_reserve=not chosen.waives_reserve,
        )

    def tick(self, now_s: float, book: AnswerBook) -> None:
        """Every deciding side looks at its picture, if it is time to."""
        if not self.chunk.looked_at(now_s):
            return
        committed = [self._plan(side, now_s) for side in self.pictures.watching]
        if any(len(shots) for shots in committed):
            self._resolve(Shots.concatenate(committed), book)

    def _plan(self, side: int, now_s: float) -> Shots:
        picture, line_object = self.pictures.picture(side), self.pictures.line_objects[side]
        engageable = np.empty(picture.status.shape, np.uint8)
        kernels.may_engage(line_object, self.known_dead_s[side], self.refused, now_s, engageable)
        planned = plans.plan(self.plans[side], picture, self.chunk.arms, self.plan_rules[side], engageable, now_s)
        self.plans[side] = planned.state
        kernels.note_windows(line_object, planned.open, planned.earliest_s, self.seen, self.earliest_s)
        if self.record:
            self.opportunities.append(planned.opportunities)
        return planned.shots

    def _resolve(self, new: Shots, book: AnswerBook) -> None:
        """Every shot so far against truth; who shot something dead knows it once the look is over, and nobody else."""
        chunk = self.chunk
        objects: NDArray[np.int64] = book.of(new.replicate, new.giver, new.number)
        self.shots = Shots.concatenate([self.shots, new])
        self.shot_object = np.concatenate([self.shot_object, objects])
        self.outcomes = resolve(self.shots, self.shot_object, chunk.world, chunk.lethality, seed=chunk.seed)
        hit = self.outcomes.hit == 1
        for side, known in self.known_dead_s.items():
            own = np.flatnonzero(hit & (self.shots.side == self.plan_rules[side].decider))
            look_s = chunk.arms.look_s[chunk.arms.side[self.shots.site[own]]]
            known[:] = NOT_YET_S
            np.minimum.at(
                known, (self.shots.replicate[own], self.shot_object[own]), self.shots.intercept_s[own] + look_s
            )
