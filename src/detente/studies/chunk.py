"""All that a chunk of replicates has before its first tick: the world, the centres, the arms, the line between them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detente.centre.exchange.rules import Rules, compile_agreement
from detente.centre.step import Centre
from detente.chance.draws import Stage, uniforms
from detente.engagement.arms import Arms, arm
from detente.engagement.plan import Sectors, sectors_of
from detente.geodesy.territory_index import TerritoryIndex, index_territories
from detente.scenario.asked import Scenario
from detente.scenario.draws import drawn
from detente.studies.architectures import Architecture
from detente.studies.feed import Feed, feed
from detente.world.history import World
from detente.world.launches import Prepared
from detente.world.outcome import Lethality
from detente.world.sensing import Sensed, detect
from detente.world.truth import realise

Floats = NDArray[np.float64]
LOOK_EVERY_S = 10.0  # deciders look at their pictures this often, and so does the score
SLOTS_SPARE = 16  # places for tracks of false plots and double tracks, beside one for every object


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A chunk of R replicates of one scenario, ready to be flown. Centre n (after the sides' own) pools everything."""

    scenario: Scenario
    seed: int
    world: World
    sensed: Sensed
    territories: TerritoryIndex
    sectors: Sectors | None
    centres: tuple[Centre, ...]  # one a side, then the pooled one if any architecture needs it
    feeds: tuple[Feed, ...]  # what each centre hears
    arms: Arms
    lethality: Lethality
    link_delay_s: Floats  # (R,)
    link_loss: Floats  # (R,)
    consent_delay_s: Floats  # (R,)
    refused: NDArray[np.uint8]  # (R, N) 1 where the second key is refused for this object
    ticks: int

    @property
    def rows(self) -> int:
        """R."""
        return len(self.world.replicates)

    @property
    def sides(self) -> int:
        """How many sides there are."""
        return len(self.scenario.sides)

    @property
    def objects(self) -> int:
        """N."""
        return self.world.object_count

    def looked_at(self, now_s: float) -> bool:
        """True at the ticks at which deciders look at their pictures."""
        return now_s % LOOK_EVERY_S < self.scenario.file.tick_s - 1e-9

    def rules(self, architecture: Architecture) -> Rules:
        """The rules that hold under an architecture; none where it exchanges nothing."""
        return rules_under(self.scenario, architecture)


def rules_under(scenario: Scenario, architecture: Architecture) -> Rules:
    """The rules of a scenario's agreement for an architecture; none where it exchanges nothing."""
    agreement = scenario.agreements.get(architecture.name) if architecture.exchange else None
    owners = [sensor.owner for sensor in scenario.sensors]
    return compile_agreement(agreement, scenario.side_names, owners, scenario.file.epoch)


def chunk_of(
    scenario: Scenario, seed: int, replicates: NDArray[np.int64], *, pooled: bool, launches: Prepared | None = None
) -> Chunk:  # fmt: skip
    """Draw the worlds of ``replicates`` (R,), by number, sense them, and set up the centres that will watch.

    ``pooled``: one more centre hears everybody's sensors. ``launches`` spares what all replicates share.
    """
    world = realise(scenario, seed, replicates, launches)
    sensed = detect(world, scenario, seed)
    file = scenario.file
    ticks = int(np.ceil(file.duration_s / file.tick_s))
    territories = index_territories(scenario.grounds)
    slots = world.object_count + SLOTS_SPARE
    sides = range(len(scenario.sides))
    centres = [
        Centre(side=side, sides=len(sides), suite=world.suite, territories=territories, slots=slots) for side in sides
    ]
    heard = [world.suite.side == side for side in sides]
    if pooled:
        centres.append(
            Centre(side=len(sides), sides=len(sides), suite=world.suite, territories=territories, slots=slots)
        )
        heard.append(np.ones(len(scenario.sensors), bool))
    arms = arm(scenario, seed, replicates)
    return Chunk(
        scenario=scenario,
        seed=seed,
        world=world,
        sensed=sensed,
        territories=territories,
        sectors=sectors_of(scenario),
        centres=tuple(centres),
        feeds=tuple(
            feed(sensed.detections, sensed.key, mask, rows=len(replicates), tick_s=file.tick_s, ticks=ticks)
            for mask in heard
        ),
        arms=arms,
        lethality=Lethality(
            kill_probability=arms.kill_probability,
            basket_m=arms.basket_m,
            discrimination=drawn(file.discrimination_probability, "discrimination_probability", seed, replicates),
        ),
        link_delay_s=drawn(file.link.delay_s, "link/delay_s", seed, replicates),
        link_loss=drawn(file.link.loss_probability, "link/loss_probability", seed, replicates),
        consent_delay_s=drawn(file.two_key.consent_delay_s, "two-key/consent_delay_s", seed, replicates),
        refused=_refused(scenario, seed, replicates, world.object_count),
        ticks=ticks,
    )


def _refused(scenario: Scenario, seed: int, replicates: NDArray[np.int64], objects: int) -> NDArray[np.uint8]:
    """One refusal draw an object: whoever asks, and however often, the answer about it is the same."""
    chance = drawn(
        scenario.file.two_key.refusal_probability, "two-key/refusal_probability", seed, replicates
    )  # fmt: skip
    return (uniforms(seed, replicates, Stage.CONSENT, np.arange(objects)) < chance[:, None]).astype(np.uint8)
