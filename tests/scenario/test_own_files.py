"""A file of one's own: begun from one that comes along, and told in plain words what it lacks."""

from pathlib import Path

import pytest

from detente.records.errors import InputError
from detente.scenario.files import bundled_text, check_file, list_scenarios, load_scenario


def test_what_is_no_text_or_no_list_is_told_in_those_words(tmp_path: Path) -> None:
    text = bundled_text("theatre-2011")
    changed = text.replace("name: theatre-2011", "name: 2011", 1)
    said = _complaint_of(changed, tmp_path)
    assert "name: 2011\n  expected: text\n  to do: write text, in quotes" in said
    head = text.partition("sides:\n")[0] + "raid: {}\n"
    assert "expected: sides: a list of mappings, each with name, title" in _complaint_of(head, tmp_path)
    assert "expected: a list of mappings, each with" in _complaint_of(f"{head}sides: {{NATO: x}}\n", tmp_path)
    cyrillic = _complaint_of(text.replace("  - name: NATO", "  - name: НАТО", 1), tmp_path)
    assert "letters (a to z)" in cyrillic


def _complaint_of(text: str, folder: Path) -> str:
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        check_file(folder / "mine.yaml")
    return str(caught.value)


@pytest.mark.parametrize("name", [entry["name"] for entry in list_scenarios()])
def test_a_scenario_of_ones_own_can_begin_as_any_that_comes_along(name: str, tmp_path: Path) -> None:
    """Its agreements and its catalogue are found from any folder, but nothing outside of what comes along is."""
    (tmp_path / "mine.yaml").write_text(bundled_text(name), encoding="utf-8")
    assert load_scenario(tmp_path / "mine.yaml").digest == load_scenario(name).digest
    text = (tmp_path / "mine.yaml").read_text(encoding="utf-8")
    if "made-up/" in text:
        (tmp_path / "mine.yaml").write_text(text.replace("made-up/", "../agreements/../scenarios/../../"), "utf-8")
        with pytest.raises(InputError, match="no catalogue file"):
            load_scenario(tmp_path / "mine.yaml")


def test_a_name_of_nothing_that_comes_along_is_refused() -> None:
    with pytest.raises(InputError, match=r"did you mean 'lisbon-20\d0'"):
        bundled_text("lisbon")
    for path in ("../catalogue/places", "", "."):
        with pytest.raises(InputError):
            bundled_text(path)


def test_a_day_without_known_borders_is_refused_before_anything_flies(tmp_path: Path) -> None:
    text = bundled_text("theatre-2011").replace('epoch: "2011-', 'epoch: "2031-', 1)
    said = _complaint_of(text, tmp_path)
    assert "epoch: 2031-06-01\n  expected: a date from 2005-01-01 to 2025-12-31" in said
