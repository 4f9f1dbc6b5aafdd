"""Metrics that a scenario has no object for are null, and those it has some for are not."""

import numpy as np
import pytest

import detente
from detente.studies.replicates import fly


@pytest.fixture(scope="module")
def three_sides():
    """One world of the scenario over open sea, each side alone."""
    table = fly(detente.load_scenario("three-sides"), 1, np.arange(1), ("alone",), record=False).table

    def defined(metric):
        return table.defined[table.metric == metric]

    return defined


def test_launches_from_no_countrys_ground_can_be_named_by_no_country(three_sides):
    assert not three_sides("launch_attribution_fraction").any()
    assert three_sides("launch_point_error_km").any()


def test_troops_are_people(three_sides):
    assert three_sides("people_defended_fraction").all()
