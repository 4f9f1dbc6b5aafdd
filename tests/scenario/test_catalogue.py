"""What is known in public: every number has a source, and both sides' things are treated alike."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from detente.scenario.catalogue import KIND_FIELDS, Catalogue
from detente.scenario.files import load_catalogue, schemas
from detente.scenario.words import Quantity


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def entries(catalogue: Catalogue) -> Iterator[Any]:
    for kind in Catalogue.model_fields:
        yield from getattr(catalogue, kind).values()


def quantities(model: BaseModel) -> Iterator[tuple[str, Quantity]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, Quantity):
            yield name, value


def test_it_holds_what_the_scenarios_need(catalogue: Catalogue) -> None:
    counts = {kind: len(getattr(catalogue, kind)) for kind in Catalogue.model_fields}
    assert counts == {
        "missiles": 12, "radars": 42, "satellites": 14, "interceptors": 13, "places": 49, "threat_views": 3,
    }  # fmt: skip
    assert set(KIND_FIELDS.values()) == set(counts)


def test_every_entry_and_every_quantity_has_a_source(catalogue: Catalogue) -> None:
    for entry in entries(catalogue):
        assert len(entry.source) >= 8, entry.name
        for name, quantity in quantities(entry):
            assert len(quantity.source) >= 8, f"{entry.name}.{name}"


def test_assumptions_have_a_range_and_no_high_confidence(catalogue: Catalogue) -> None:
    assumed = 0
    for entry in entries(catalogue):
        for name, quantity in quantities(entry):
            if quantity.source.startswith("assumption"):
                assumed += 1
                assert quantity.low < quantity.high, f"{entry.name}.{name}"
                assert quantity.confidence != "high", f"{entry.name}.{name}"
    assert assumed > 300


def test_no_source_names_our_own_notes(catalogue: Catalogue) -> None:
    for entry in entries(catalogue):
        for said in (entry.source, *(quantity.source for _, quantity in quantities(entry))):
            assert "facts.md" not in said


def test_all_interceptors_draw_from_one_kill_probability(catalogue: Catalogue) -> None:
    assert {(entry.kill_probability.low, entry.kill_probability.high) for entry in catalogue.interceptors.values()} == {
        (0.10, 0.84)
    }


@pytest.mark.parametrize(
    "noise", ["reference_snr_db", "revisit_s", "false_plots_per_scan", "sigma_range_m", "sigma_azimuth_mrad"]
)
def test_warning_radars_of_both_sides_share_their_noise(catalogue: Catalogue, noise: str) -> None:
    pairs = [(getattr(catalogue.radars[name], noise).low, getattr(catalogue.radars[name], noise).high)
             for name in ("gabala", "armavir", "lekhtusi", "pechora", "fylingdales", "thule")]  # fmt: skip
    assert len(set(pairs)) == 1


@pytest.mark.parametrize("noise", ["reference_range_km", "revisit_s", "sigma_range_m", "sigma_azimuth_mrad"])
def test_battery_radars_of_both_sides_share_their_noise(catalogue: Catalogue, noise: str) -> None:
    pairs = [(getattr(catalogue.radars[name], noise).low, getattr(catalogue.radars[name], noise).high)
             for name in ("patriot-husum", "samp-t-istres", "s-300v-korenovsk", "s-300v-kaliningrad")]  # fmt: skip
    assert len(set(pairs)) == 1


def test_fordens_missiles_are_as_published(catalogue: Catalogue) -> None:
    table = {
        "forden-scud-b": (4897, 1198, 230, 75, 0.84, 1000, 288),
        "forden-al-hussein": (6073, 1334, 230, 90, 0.84, 191, 693),
        "forden-no-dong": (19900, 3900, 240, 70, 0.88, 1000, 973),
    }
    for name, (fuelled, dry, isp, burn, diameter, payload, reach) in table.items():
        entry = catalogue.missiles[name]
        (stage,) = entry.stages
        assert (stage.fuelled_kg, stage.dry_kg, stage.isp_s, stage.burn_s) == (fuelled, dry, isp, burn)
        assert (stage.diameter_m, entry.payload_kg, entry.range_km.value) == (diameter, payload, reach)
        assert entry.fitted is False
        assert entry.cd == ((0.0, 0.20), (0.85, 0.20), (1.0, 0.27), (1.2, 0.27), (2.0, 0.20), (4.5, 0.20))


def test_what_was_not_published_is_marked_fitted(catalogue: Catalogue) -> None:
    fitted = {name for name, entry in catalogue.missiles.items() if entry.fitted}
    assert fitted == set(catalogue.missiles) - {"forden-scud-b", "forden-al-hussein", "forden-no-dong"}


def test_gabalas_sector_is_as_cited(catalogue: Catalogue) -> None:
    gabala = catalogue.radars["gabala"]
    assert (gabala.country, gabala.owner) == ("AZE", "RUS")
    assert (gabala.boresight_azimuth_deg, gabala.sector_width_deg) == (162, 110)
    assert (gabala.position.lat_deg, gabala.position.lon_deg) == (40.8707, 47.8027)


def test_oko_does_not_watch_the_middle_east(catalogue: Catalogue) -> None:
    for name in ("oko-1", "oko-2", "oko-3"):
        watch = catalogue.satellites[name].watch
        assert watch is not None
        south, north, west, east = watch
        assert not (south <= 35.6 <= north and west <= 53.4 <= east)


def test_views_name_missiles_that_there_are(catalogue: Catalogue) -> None:
    for view in catalogue.threat_views.values():
        assert {*view.unavailable, *view.substitute, *view.substitute.values()} <= set(catalogue.missiles)


def test_schemas_say_what_the_models_know() -> None:
    found = schemas()
    assert set(found) == {"scenario", "agreement", "catalogue", "missile"}
    assert found["scenario"]["additionalProperties"] is False
    assert "two-key" in found["scenario"]["properties"]
    assert found["agreement"]["required"] == ["name", "title", "source", "parties", "valid"]


def test_the_manual_names_every_key() -> None:
    text = (Path(__file__).parents[2] / "docs/scenario-files.md").read_text(encoding="utf-8")
    for kind, schema in schemas().items():
        models = [schema, *schema["$defs"].values()]
        keys = {key for model in models for key in model.get("properties", {})}
        assert {key for key in keys if f"`{key}`" not in text and f"{key}:" not in text} == set(), kind
