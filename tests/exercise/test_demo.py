"""The demonstration's folder: it is made anew each time, and nobody else's is touched."""

from pathlib import Path

import pytest

from detente.exercise.demo import OURS, impact_words, main, make_anew, warning_words
from detente.records.errors import InputError


def test_a_folder_of_an_earlier_demonstration_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "out" / "demo-live"
    make_anew(folder)
    (folder / "keys").mkdir()
    (folder / "keys" / "old").write_text("of the last run")
    make_anew(folder)
    assert [path.name for path in folder.iterdir()] == [OURS]


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    make_anew(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [OURS]


@pytest.mark.parametrize("what", ["folder", "file", "link"])
def test_what_a_demonstration_did_not_make_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:  # fmt: skip
    place = tmp_path / "place"
    if what == "file":
        place.write_text("a letter")
        kept = place
    else:
        folder = tmp_path / "ours" if what == "link" else place
        folder.mkdir()
        kept = folder / "letter"
        kept.write_text("a letter")
    if what == "link":
        (tmp_path / "ours" / OURS).write_text("")
        place.symlink_to(tmp_path / "ours")
    with pytest.raises(InputError) as refusal:
        make_anew(place)
    assert refusal.value.file == str(place)
    with pytest.raises(SystemExit) as end:
        main(["--folder", str(place), "--seconds", "0"])
    assert end.value.code == 2
    assert str(place) in capsys.readouterr().err
    assert kept.read_text() == "a letter"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--kill", "Mars"], "one of NATO, Russia"),
        (["--scenario", "nope"], "no scenario 'nope'"),
        (["--agreement", "nope"], "no agreement 'nope'"),
        (["--agreement", "made.yaml"], "to which Mars is a party"),
        (["--rate", "0"], "from 0.01 to 1000"),
        (["--rate", "nan"], "from 0.01 to 1000"),
        (["--seconds", "inf"], "a time from 0"),
    ],
)
def test_what_cannot_be_shown_is_refused_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], complaint: str
) -> None:  # fmt: skip
    (tmp_path / "made.yaml").write_text(
        "name: made\ntitle: made\nsource: made\nparties: [NATO, Mars]\n"
        'valid: {start: "2010-01-01T00:00:00Z", end: "2030-01-01T00:00:00Z"}\n'
    )
    words = [str(tmp_path / word) if word == "made.yaml" else word for word in words]
    with pytest.raises(SystemExit) as end:
        main(["--folder", str(tmp_path / "demo"), *words])
    assert end.value.code == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({}, ""), ({"impact": {"in_s": 340.4}}, "in 340 s"), ({"impact": {"in_s": -7.2}}, "7 s ago"),
        ({"impact": {"in_s": 0.2}}, "0 s ago"),
    ],
)  # fmt: skip
def test_an_impact_is_ahead_or_past(line: dict, said: str) -> None:
    assert impact_words(line) == said


@pytest.mark.parametrize(
    ("update", "probability", "said"),
    [
        (0, 0.953, "own warning at 465 s: North-4 lands in South at 1038 s (P 0.95)"),
        (2, 0.05, "update 2 of the own warning at 465 s: North-4 lands in South at 1038 s (P 0.05)"),
        (3, 0.001, "update 3 of the own warning at 465 s: North-4 no longer lands in South"),
    ],
)
def test_a_warning_is_told_in_words_and_so_is_that_it_no_longer_holds(update: int, probability: float, said: str):
    line = {
        "stream": "own", "at_s": 465.0, "track": "North-4", "threatened": "South", "impact_s": 1038.2,
        "update": update, "probability": probability,
    }  # fmt: skip
    assert warning_words(line) == said
