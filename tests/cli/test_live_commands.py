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
