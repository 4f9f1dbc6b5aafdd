"""What a report lists is so: every range is drawn from by some replicate, and what none draws is listed as fixed."""

import numpy as np
import pytest

import detente
from detente.centre.step import WARNING_PROBABILITY
from detente.scenario import draws
from detente.scenario.sides import Doctrine
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


@pytest.mark.parametrize("name", ["lisbon-2010", "lisbon-2020", "theatre-2011", "three-sides"])
def test_numbers_that_no_replicate_draws_are_listed_with_their_sources(name):
    scenario = detente.load_scenario(name)
    listed = {row["name"]: row for row in assumptions(scenario)}
    fixed = {"centre/warning_probability": WARNING_PROBABILITY}
    for side in scenario.sides:
        numbers = set(Doctrine.model_fields) - {"mode", "source"}
        fixed |= {f"doctrine/{side.name}/{field}": getattr(side.doctrine, field) for field in numbers}
    fixed |= {f"site/{site.name}/stock": site.stock for site in scenario.sites}
    radii = {f"site/{site.name}/defends_own_radius_km": site.use.defends_own_radius_km for site in scenario.sites}
    fixed |= {path: radius for path, radius in radii.items() if radius is not None}
    assert {path: listed[path]["value"] for path in fixed} == fixed
    assert all(listed[path]["low"] == listed[path]["high"] == value for path, value in fixed.items())
    assert all(len(row["source"]) >= 3 for row in listed.values())
    assert not [path for path in listed if path.startswith(("doctrine/", "site/", "centre/")) and path not in fixed]


@pytest.mark.parametrize("name", ["lisbon-2010", "lisbon-2020", "theatre-2011", "three-sides"])
def test_bundled_doctrines_and_radii_say_what_else_they_might_be(name):
    scenario = detente.load_scenario(name)
    for side in scenario.sides:
        said = side.doctrine.source
        assert all(f"{field} " in said for field in set(Doctrine.model_fields) - {"mode", "source"}), said
    for site in scenario.sites:
        radius, said = site.use.defends_own_radius_km, site.use.defends_own_radius_source
        assert radius is None or f"to {radius:g}" in said


def test_what_a_file_gives_no_source_for_is_called_an_assumption():
    doctrine = Doctrine(salvo=2)
    assert doctrine.source == "assumption (no source given)"
