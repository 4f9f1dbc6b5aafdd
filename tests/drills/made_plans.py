"""Plans of drills that several tests hold."""

from dataclasses import replace

from detente.exercise.drill.faults import Crash, Plan, draw
from detente.exercise.drill.flaws import Flaw
from detente.exercise.drill.worlds import SHORT


def before(seed: int) -> Plan:
    """The plan of a seed, without what drills did not meet when it was found."""
    plan = draw(seed)
    stage = plan.stage if plan.broken is None else SHORT
    return replace(plan, keep=None, leaving=None, flaw=None, hang=None, broken=None, stage=stage)


def mended_start(place: str) -> Plan:
    """A side is killed before its memory is packed, and meets a fault of ours wherever it starts again."""
    return Plan(
        seed=5, crashes=(Crash(side=0, commit=26, after=True, down_s=3.0),),
        flaw=Flaw(side=0, place=place, start_s=30.2, end_s=50.0, once=False),
    )  # fmt: skip
