"""What the pooled centre sees is a side's in no table, and a page shows it all the same."""

import numpy as np
import pytest

import detente
from detente.records.stages import POOLED
from detente.report.world import ellipses, first_warnings
from detente.studies.replicates import fly


@pytest.fixture(scope="module")
def joint():
    """One recorded world of the short scenario under one picture and one plan."""
    return fly(detente.load_scenario("theatre-2011"), 1, np.arange(1), ("joint",), record=True).tables["joint"]


@pytest.mark.parametrize("stage", ["tracks", "warnings"])
def test_the_pooled_centre_is_no_side(joint, stage):
    assert len(joint[stage])
    assert (joint[stage].side == POOLED).all()


def test_its_first_warnings_are_drawn_for_each_side_that_they_name(joint):
    drawn = ellipses(first_warnings(joint["warnings"]))
    assert {ellipse["side"] for ellipse in drawn} == set(joint["warnings"].threatened.tolist()) == {0, 1}
