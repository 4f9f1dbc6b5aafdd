"""What several rooms' tests share: one small scenario, loaded once, and laws that try the same examples every time."""

import os

import pytest
from hypothesis import settings

from detente.scenario.asked import Scenario
from detente.scenario.files import load_scenario

settings.register_profile("fixed", derandomize=True)
settings.register_profile("searching", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
"""A law's examples follow from its own text, so that what is green once is green again, here as in CI. To look for new
ones: ``HYPOTHESIS_PROFILE=searching make test``."""


@pytest.fixture(scope="session")
def lisbon() -> Scenario:
    """The Lisbon scenario, whole."""
    return load_scenario("lisbon-2010")
