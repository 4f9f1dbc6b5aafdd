"""A folder of results: all of one question or nothing, and what was finished is kept."""

import json

import pytest

from detente.records.errors import InputError
from detente.studies import folder


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


def write(into, kind, *names):
    """A result of these files and folders, with its manifest."""
    with folder.all_or_nothing(into) as scratch:
        for name in names:
            (scratch / name).mkdir() if name.endswith("s") else (scratch / name).write_text(kind)
        folder.write_manifest(scratch, what=kind, digest="", seed=1, parameters={})


def test_nothing_of_an_earlier_result_stays_among_those_of_the_next(tmp_path):
    (tmp_path / "notes.txt").write_text("the user's own")
    write(tmp_path, "first", "run.json", "ledger-A.json", "tables")
    write(tmp_path, "second", "run.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "notes.txt", "run.json"]
    assert (tmp_path / "run.json").read_text() == "second"


@pytest.mark.parametrize("files", ["..", ["../a", "..", ".", "/a", "", 7], None, {"a": 1}, 7])
def test_a_manifest_names_nothing_elsewhere(tmp_path, files):
    (tmp_path / "a").touch()
    into = tmp_path / "into"
    into.mkdir()
    (into / "manifest.json").write_text(json.dumps({"files": files}))
    write(into, "run", "run.json")
    assert (tmp_path / "a").exists()
    assert sorted(path.name for path in into.iterdir()) == ["manifest.json", "run.json"]


def finished(path):
    (path / "part").touch()


@pytest.mark.parametrize(("key", "resume", "goes_on"), [
    ("this", True, True), ("this", False, False), ("another", True, False), ("another", False, False),
])  # fmt: skip
def test_finished_parts_of_a_stopped_study_are_gone_on_with_or_left(tmp_path, key, resume, goes_on):
    store = folder.Store(tmp_path, "this")
    store.open(resume=False)
    store.open(resume=False)  # nothing is finished, so nothing is lost
    store.save(0, finished)
    later = folder.Store(tmp_path, key)
    if goes_on:
        later.open(resume=resume)
    else:
        with pytest.raises(InputError, match=r"a stopped study.* with 1 finished part in"):
            later.open(resume=resume)
    assert store.load(0, lambda path: path) is not None
