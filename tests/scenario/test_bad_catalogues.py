"""Bad catalogue files: what is wrong, where, and what to do."""

from pathlib import Path

import pytest
from tests.scenario.made_files import LISBON, SCENARIOS

from detente.records.errors import InputError
from detente.scenario.files import check_file, load_scenario


def test_bad_catalogue_entries(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.yaml"
    text = (SCENARIOS / "made-up/three-sides-catalogue.yaml").read_text(encoding="utf-8")
    changes = [
        ("kind: interceptor", "kind: interseptor", "entries.2.kind", "did you mean 'interceptor'?"),
        ("eccentricity: 0.0", "eccentricity: 0.95", "entries.1.semi_major_axis_km", "raise semi_major_axis_km"),
        ("elevation_max_deg: 80", "elevation_max_deg: 1", "entries.0.elevation_max_deg", "exchange"),
        ("sector_width_deg: 120", "sector_width_deg: 400", "entries.0.sector_width_deg", "limits"),
        (
            "{value: 3.5, low: 3.0, high: 4.0,",
            "{value: 3500, low: 3000, high: 4000,",
            "entries.2.burnout_speed_km_s",
            "is the unit right?",
        ),
        ("name: reef", "name: rock", "entries.4.name", "rename one"),
        ("entries:", "entry:", "", "docs/scenario-files.md"),
    ]
    for old, new, where, remedy in changes:
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(InputError) as caught:
            check_file(path) if where else load_scenario_with(path, tmp_path)
        assert caught.value.path == where
        assert remedy in caught.value.remedy


def load_scenario_with(catalogue: Path, folder: Path) -> None:
    path = folder / "with.yaml"
    path.write_text(LISBON + f"catalogue: {catalogue.name}\n", encoding="utf-8")
    load_scenario(path)
