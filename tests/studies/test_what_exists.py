"""Metrics that a scenario has no object for are null, and those it has some for are not."""

import numpy as np
import pytest

import detente
from detente.records.errors import InputError
from detente.studies import folder
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


def test_proving_a_folder_leaves_nothing(tmp_path):
    folder.check_folder(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write into"):
        folder.check_folder(tmp_path / "file" / "b")


def test_a_disk_that_fills_while_chunks_are_kept_says_what_resume_finds(tmp_path):
    store = folder.Store(tmp_path, "key")
    store.open(resume=False)

    def full(path):
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match=r"kept in \.chunks, where --resume finds it"):
        store.save(0, full)
