"""A study's metrics against the same worked out by hand from the tables that a recorded world leaves."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from tests.oracles.made_metrics import Windows, World, metrics_by_hand, rows_of

from detente.engagement import plan as plans
from detente.scenario.files import load_scenario
from detente.studies.metrics import METRIC_NAMES
from detente.studies.replicates import fly

SEED, REPLICATE, ANOTHER = 1, 0, 4
FLOWN = {"theatre-2011": ("warning", "joint"), "three-sides": ("two-key",)}  # every metric is something in one of them
CASES = [(name, architecture) for name, architectures in FLOWN.items() for architecture in architectures]


@dataclass
class Case:
    """A world worked out by hand, and what the study says of it and of another flown beside it."""

    world: World
    by_hand: dict
    windows: Windows
    tables: dict
    table: object

    def said(self, side, metric):
        kept = (self.table.side == side) & (self.table.metric == metric) & (self.table.replicate == REPLICATE)
        (value,), (defined,) = self.table.value[kept], self.table.defined[kept]
        return float(value) if defined else None


def recorded(scenario, architecture):
    """The tables of one world, and all windows that its decisions saw."""
    with pytest.MonkeyPatch.context() as patch:
        windows = Windows(plans.plan)
        patch.setattr(plans, "plan", windows)
        flown = fly(scenario, SEED, np.array([REPLICATE]), (architecture,), record=True)
    return flown.tables[architecture], windows


def worked_out(name):
    """Architecture → a case, of one scenario."""
    scenario, architectures = load_scenario(name), FLOWN[name]
    study = fly(scenario, SEED, np.array([ANOTHER, REPLICATE]), architectures, record=False).table
    found, own = {}, None
    for architecture in architectures:
        tables, windows = recorded(scenario, architecture)
        world = World(scenario, architecture, tables, windows.rows, own)
        own = own or world
        said = study.take(study.architecture == architecture)
        found[architecture] = Case(world, metrics_by_hand(world), windows, tables, said)
    return found


@pytest.fixture(scope="module")
def cases():
    """Name of a scenario → its cases; each scenario is flown when it is first asked for."""
    return cache(worked_out)


def every(cases):
    return [case for name in FLOWN for case in cases(name).values()]


@pytest.mark.parametrize("metric", METRIC_NAMES)
@pytest.mark.parametrize(("name", "architecture"), CASES)
def test_a_metric_is_what_its_tables_say_by_hand(cases, name, architecture, metric):
    case = cases(name)[architecture]
    for side, values in case.by_hand.items():
        said, expected = case.said(side, metric), values[metric]
        assert (said is None) == (expected is None), side
        if expected is not None:
            assert said == pytest.approx(expected, rel=1e-8, abs=1e-12), side


@pytest.mark.parametrize("metric", METRIC_NAMES)
def test_no_metric_is_nothing_in_all_of_these_worlds(cases, metric):
    values = [column[metric] for case in every(cases) for column in case.by_hand.values()]
    assert any(value is not None and value != 0.0 for value in values)
    if metric.endswith("_fraction"):
        assert any(value is not None and 0.0 < value < 1.0 for value in values)


def test_ground_and_people_are_not_equally_defended_here(cases):
    everybody = cases("three-sides")["two-key"].by_hand["all"]
    assert everybody["territory_defended_fraction"] != everybody["people_defended_fraction"]


def test_tracks_are_of_the_objects_that_shots_were_judged_by(cases):
    """Nearest to most of its states, and source of most of its detections: the same object, found in two ways."""
    for case in every(cases):
        assert case.world.outcomes
        for shot, outcome in zip(case.world.tables["shots"], case.world.outcomes, strict=True):
            assert case.world.of(shot) == outcome["object"]


def test_windows_in_the_table_are_windows_that_a_decision_saw(cases):
    for case in every(cases):
        said = [tuple(row[key] for key in case.windows.rows[0]) for row in rows_of(case.tables["opportunities"])]
        assert said
        assert set(said) <= {tuple(row.values()) for row in case.windows.rows}
