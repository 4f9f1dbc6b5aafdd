"""``detente check`` as a user runs it."""

import json
from pathlib import Path

import pytest
from rich.table import Table
from typer.testing import CliRunner

from detente.cli.app import app
from detente.cli.show import print_wide
from detente.scenario.files import bundled_text


def test_what_is_allowed_but_worth_knowing_is_told(tmp_path: Path) -> None:
    """A sensor out of service on the day of the scenario is flown, and nobody may think that it stood."""
    path = tmp_path / "early.yaml"
    path.write_text(bundled_text("theatre-2011").replace('epoch: "2011-06-01', 'epoch: "2022-06-01', 1))
    shown = CliRunner().invoke(app, ["check", str(path)])
    assert shown.exit_code == 0
    assert shown.stdout.endswith("sound (scenario)\n")
    assert "caution: sensor gabala: in service from" in shown.stderr
    (told,) = json.loads(CliRunner().invoke(app, ["check", str(path), "--json"]).stdout)
    assert told["problems"] == []
    assert f"caution: {told['cautions'][0]}" in shown.stderr
    (sound,) = json.loads(CliRunner().invoke(app, ["check", "theatre-2011", "--json"]).stdout)
    assert sound["cautions"] == []


def test_a_stop_by_hand_ends_it_as_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(_: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("detente.scenario.files.check_file", stopped)
    result = CliRunner().invoke(app, ["check", "lisbon-2010"])
    assert (result.exit_code, "stopped; nothing was written" in result.stderr) == (130, True)


def test_names_and_titles_are_shown_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Brackets are marks of style to the library that draws tables: it left words out, or broke on an odd one."""
    path = tmp_path / "m[bold]x[1].yaml"
    path.write_text(bundled_text("theatre-2011"))
    shown = CliRunner().invoke(app, ["check", str(path)]).stdout
    assert shown == f"{path}: sound (scenario)\n"
    table = Table(title="A [red]raid[/] of [/bold] mine")
    table.add_column("side [1]")
    table.add_row("x [/] y")
    print_wide(table)
    drawn = capsys.readouterr().out
    assert " ".join(drawn.split()[:5]) == "A [red]raid[/] of [/bold] mine"
    assert "side [1]" in drawn
    assert "x [/] y" in drawn
