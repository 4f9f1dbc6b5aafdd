"""What several rooms' tests share: one small scenario, loaded once."""

import pytest

from detente.scenario.asked import Scenario
from detente.scenario.files import load_scenario


@pytest.fixture(scope="session")
def lisbon() -> Scenario:
    """The Lisbon scenario, whole."""
    return load_scenario("lisbon-2010")
