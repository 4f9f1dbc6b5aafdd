"""``drill``, ``play`` and ``keys`` from the command line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from detente.cli.app import app
from detente.exercise.drill import drills
from detente.gateway.theatre import read_theatre

RUN = CliRunner()


def test_drill_prints_one_document() -> None:
    result = RUN.invoke(app, ["drill", "--seeds", "40:43", "--json", "--quiet"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"seeds": 3, "failures": []}


def test_a_failing_drill_prints_its_seed_and_its_last_events(monkeypatch: pytest.MonkeyPatch) -> None:
    failure = drills.Failure(seed=8, promise="P1", what="lost one", events=("   1.000 s  0 tick", "   2.000 s  0 tick"))
    monkeypatch.setattr(drills, "drill", lambda seed: [failure] if seed == 8 else [])
    result = RUN.invoke(app, ["drill", "--seeds", "7:10", "--quiet"])
    assert result.exit_code == 1
    assert "seed 8: P1 is broken: lost one" in result.output
    assert "2.000 s  0 tick" in result.output
    assert "3 drills, 1 failed" in result.output
    as_json = RUN.invoke(app, ["drill", "--seeds", "7:10", "--quiet", "--json"])
    assert json.loads(as_json.stdout)["failures"] == [{"seed": 8, "promise": "P1", "what": "lost one"}]


def test_drills_are_shared_kept_and_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "drills.jsonl"
    command = ["drill", "--seeds", "48:53", "--json", "--quiet", "--resume", str(kept)]
    assert RUN.invoke(app, [*command, "--workers", "2"]).exit_code == 0
    header, *lines = kept.read_text().splitlines()
    assert sorted(json.loads(line)["seeds"] for line in lines) == [[48, 50], [50, 53]]
    # One line is cut short, as by a kill: its seeds are held again, and only they.
    kept.write_text("\n".join([header, *sorted(lines)])[:-3])
    held: list[int] = []
    failure = drills.Failure(seed=51, promise="P2", what="twice", events=("one", "two"))
    monkeypatch.setattr(drills, "drill", lambda seed: held.append(seed) or ([failure] if seed == 51 else []))
    again = RUN.invoke(app, command)
    assert (again.exit_code, held) == (1, [50, 51, 52])
    assert json.loads(again.stdout) == {"seeds": 5, "failures": [{"seed": 51, "promise": "P2", "what": "twice"}]}
    third = RUN.invoke(app, command)
    assert (third.stdout, held) == (again.stdout, [50, 51, 52])


def test_a_file_that_holds_no_drills(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("something else\n")
    result = RUN.invoke(app, ["drill", "--seeds", "0:1", "--resume", str(other)])
    assert result.exit_code == 2
    assert "drills of release" in result.output
    assert other.read_text() == "something else\n"


@pytest.mark.parametrize("seeds", ["9", "9:9", "9:3", "a:b", ":5"])
def test_seeds_that_are_no_span(seeds: str) -> None:
    result = RUN.invoke(app, ["drill", "--seeds", seeds])
    assert result.exit_code == 2
    assert "A:B" in result.output


@pytest.mark.parametrize("feed", [[], ["--feed", "Atlantis=127.0.0.1:1"], ["--feed", "NATO"], ["--feed", "NATO=here"]])
def test_a_feed_that_is_nowhere(feed: list[str]) -> None:
    result = RUN.invoke(app, ["play", "theatre-2011", *feed])
    assert result.exit_code == 2
    assert "--feed" in result.output


def test_a_brief_is_a_theatre_without_a_raid(tmp_path: Path) -> None:
    path = tmp_path / "theatre.yaml"
    result = RUN.invoke(app, ["play", "theatre-2011", "--brief", str(path), "--seed", "3"])
    assert result.exit_code == 0
    theatre = read_theatre(path)
    assert theatre.names == ("NATO", "Russia")
    assert set(json.loads(path.read_text())) == {"theatre", "epoch", "tick_s", "slots", "sides", "sensors"}
    for word in ("raid", "launch", "aim", "missile"):
        assert word not in path.read_text()
