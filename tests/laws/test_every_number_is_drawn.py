"""What a report calls a drawn number is one: every range in the assumptions is drawn from by some replicate."""

import numpy as np
import pytest

import detente
from detente.scenario import draws
from detente.studies import drivers, replicates
from detente.studies.written import assumptions


@pytest.mark.parametrize("name", ["lisbon-2010", "three-sides"])
def test_every_range_that_the_report_counts_is_drawn_from(name, monkeypatch):
    scenario = detente.load_scenario(name)
    asked, real = set(), draws.address

    def noted(path):
        asked.add(path)
        return real(path)

    monkeypatch.setattr(draws, "address", noted)
    replicates.fly(
        scenario, 1, np.arange(1), drivers.ARCHITECTURES, record=False, launches=drivers.prepare(scenario)
    )  # fmt: skip
    uncertain = {
        found["name"].removeprefix("scenario/") for found in assumptions(scenario) if found["low"] < found["high"]
    }
    assert len(uncertain) > 20
    assert uncertain - asked == set()
