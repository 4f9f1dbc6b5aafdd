"""Laws of a study: the same whatever the batch, the own stream untouched, gain where physics says and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest

from detente.records.results import ObjectResults, StudyTable
from detente.records.table import Table
from detente.scenario.agreement import Agreement
from detente.scenario.asked import Scenario
from detente.scenario.files import load_agreement
from detente.studies.replicates import Flown, fly

NAMES = ("alone", "warning", "cooperating", "joint")


@pytest.fixture(scope="module")
def three(lisbon: Scenario) -> Flown:
    """Replicates 0, 1 and 2 of the Lisbon scenario."""
    return fly(lisbon, 7, np.arange(3), NAMES, record=False)


def same(one: Table, other: Table) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name, _ in one.columns())


def values(table: StudyTable, architecture: str, side: str, metric: str) -> np.ndarray:
    rows = (table.architecture == architecture) & (table.side == side) & (table.metric == metric)
    return table.value[rows]


def test_a_replicate_is_the_same_in_any_batch(lisbon: Scenario, three: Flown) -> None:
    alone = fly(lisbon, 7, np.array([2]), NAMES, record=False)
    assert same(alone.table, three.table.take(three.table.replicate == 2))
    assert same(alone.objects, three.objects.take(three.objects.replicate == 2))


def test_an_architecture_is_the_same_whichever_others_are_flown(lisbon: Scenario, three: Flown) -> None:
    pair = fly(lisbon, 7, np.array([0]), ("alone", "cooperating"), record=False)
    kept = three.table.take((three.table.replicate == 0) & np.isin(three.table.architecture, ("alone", "cooperating")))
    assert same(pair.table, kept)


def test_the_own_stream_does_not_depend_on_the_partner(lisbon: Scenario, three: Flown) -> None:
    for side in lisbon.side_names:
        own = [values(three.table, name, side, "own_warning_time_s") for name in NAMES]
        assert all(np.array_equal(own[0], other) for other in own[1:])


def test_no_clause_no_gain(lisbon: Scenario) -> None:
    closed = load_agreement("nothing")
    shut = replace(lisbon, agreements={**lisbon.agreements, "cooperating": closed})
    flown = fly(shut, 7, np.array([0]), ("alone", "cooperating"), record=False)
    for metric in ("warning_time_s", "leakage_fraction", "engagement_opportunities", "released_messages"):
        for side in lisbon.side_names:
            alone, with_nothing = (values(flown.table, name, side, metric) for name in ("alone", "cooperating"))
            assert np.array_equal(alone, with_nothing), metric


def test_a_partners_forward_sensors_warn_earlier(lisbon: Scenario, three: Flown) -> None:
    """Gabala looks where no NATO radar does; American satellites see boost that Russia's do not."""
    for side in lisbon.side_names:
        gain = values(three.table, "cooperating", side, "warning_time_s") - values(
            three.table, "alone", side, "warning_time_s"
        )
        assert gain.mean() > 30.0, side


def test_a_one_way_agreement_helps_one_side_only(lisbon: Scenario) -> None:
    both = lisbon.agreements["cooperating"]
    assert both is not None
    one_way = Agreement.model_validate(
        both.model_dump(by_alias=True) | {"clauses": [c.model_dump() for c in both.clauses if c.giver == "Russia"]}
    )
    flown = fly(
        replace(lisbon, agreements={**lisbon.agreements, "cooperating": one_way}),
        7, np.array([0]), ("alone", "cooperating"), record=False,
    )  # fmt: skip
    gains = {
        side: float(
            (
                values(flown.table, "cooperating", side, "warning_time_s")
                - values(flown.table, "alone", side, "warning_time_s")
            )[0]
        )
        for side in lisbon.side_names
    }
    assert gains["NATO"] > 30.0
    assert gains["Russia"] == 0.0


def test_recorded_worlds_are_the_same_through_sealed_envelopes(lisbon: Scenario, three: Flown) -> None:
    """Law 1: releases moved as arrays, or sealed, opened and ledgered, give the same results."""
    sealed = fly(lisbon, 7, np.array([0]), ("alone", "warning", "cooperating"), record=True)
    rows = (three.table.replicate == 0) & np.isin(three.table.architecture, ("alone", "warning", "cooperating"))
    assert same(sealed.table, three.table.take(rows))
    assert len(sealed.ledgers["cooperating"]["NATO-with-Russia"]["entries"]) > 10
    heads = {name: book["head"]["size"] for name, book in sealed.ledgers["cooperating"].items()}
    assert len(set(heads.values())) == 1


def test_every_metric_stands_for_every_side(three: Flown, lisbon: Scenario) -> None:
    expected = 3 * len(NAMES) * (len(lisbon.sides) + 1)
    names, counts = np.unique(three.table.metric, return_counts=True)
    assert len(names) == 18
    assert set(counts.tolist()) == {expected}
    assert np.isfinite(three.table.value).all()
    assert isinstance(three.objects, ObjectResults)
