"""Compiling every kernel before the first study, on all cores at once.

Compiled code is kept between runs (see ``jit``), but somebody must compile it first, and that takes longer than many a
study. The parts below share few kernels, so they compile side by side; each walks its part of the flow with next to
nothing in it.
"""

from pathlib import Path

import numpy as np

from detente.centre import step as centres
from detente.centre.exchange import soundness
from detente.centre.exchange.offsets import SECRET_BYTES, Secret
from detente.engagement import plan as plans
from detente.engagement.arms import arm
from detente.geodesy.territory_index import index_territories
from detente.jit import CACHE_FOLDER, sources_digest
from detente.records.stages import Detections, Messages
from detente.scenario.asked import Scenario
from detente.scenario.draws import sensor_suite
from detente.studies.architectures import BY_NAME
from detente.studies.chunk import rules_under
from detente.studies.processes import cores, processes
from detente.world.sensing import detect
from detente.world.truth import realise

DONE = CACHE_FOLDER / f"rehearsed-{sources_digest(Path(__file__))}"
FIRST = np.zeros(1, np.int64)
NOTHING = np.zeros(2, np.int64)
SECRET = Secret(bytes(SECRET_BYTES))


def rehearse(scenario: Scenario) -> None:
    """Compile what a study needs, if that was not done before. Costs nothing the second time."""
    if DONE.exists():
        return
    with processes(min(len(PARTS), cores())) as pool:
        for part in [pool.submit(part, scenario) for part in PARTS]:
            part.result()
    DONE.touch()


def _centre(scenario: Scenario) -> centres.Centre:
    suite = sensor_suite(scenario, 1, FIRST)
    grounds = index_territories(scenario.grounds)
    return centres.Centre(side=0, sides=len(scenario.sides), suite=suite, territories=grounds, slots=4)


def rehearse_world(scenario: Scenario) -> None:
    """One replicate launched, flown and sensed."""
    detect(realise(scenario, 1, FIRST), scenario, 1)


def rehearse_tracking(scenario: Scenario) -> None:
    """A centre that sees nothing with its own sensors."""
    centre = _centre(scenario)
    centres.observe(centre, centres.begin_own(centre, 1), Detections.empty(), NOTHING, 5.0)


def rehearse_pictures(scenario: Scenario) -> None:
    """A centre that hears nothing from its partners."""
    centre = _centre(scenario)
    rules = rules_under(scenario, BY_NAME["cooperating"])
    own = centres.begin_own(centre, 1)
    assisted = centres.begin_assisted(centre, rules, FIRST, secret=SECRET, exchanging=True)
    nothing = Messages.empty()
    centres.cooperate(centre, own, assisted, nothing, NOTHING, own.tracks.time_s)
    columns = {name: getattr(nothing, name) for name, _ in Messages.columns()}
    soundness.fault(columns, rules, 0, 1, sensors_of_giver=0, sealed_s=0.0)  # what opens a recorded world's envelopes


def rehearse_plans(scenario: Scenario) -> None:
    """A decider with nothing to decide."""
    centre = _centre(scenario)
    picture = centres.begin_assisted(
        centre, rules_under(scenario, BY_NAME["alone"]), FIRST, secret=SECRET, exchanging=False
    ).picture
    arms = arm(scenario, 1, FIRST)
    rules = plans.PlanRules(decider=0, extra_delay_s=np.zeros(1))
    shape = picture.status.shape
    plans.plan(plans.start(arms, shape[1]), picture, arms, rules, np.zeros(shape, np.uint8), 5.0)


PARTS = (rehearse_tracking, rehearse_pictures, rehearse_world, rehearse_plans)
