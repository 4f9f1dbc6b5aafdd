"""``detente check`` as a user runs it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from detente.cli.app import app
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
