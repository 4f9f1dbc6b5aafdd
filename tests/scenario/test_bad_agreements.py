"""Bad agreement files: what is wrong, where, and what was expected."""

from pathlib import Path

import pytest
from tests.scenario.made_files import AGREEMENT, line_of

from detente.records.errors import InputError
from detente.scenario.files import load_agreement


def agreement_refused(tmp_path: Path, text: str) -> InputError:
    path = tmp_path / "agreement.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_agreement(path)
    return caught.value


def test_bad_agreements(tmp_path: Path) -> None:
    error = agreement_refused(tmp_path, AGREEMENT.replace("receiver: Russia", "receiver: Rusia", 1))
    assert (error.path, error.found, error.expected) == ("clauses.0.receiver", "'Rusia'", "one of NATO, Russia")
    assert error.line == line_of(AGREEMENT, "receiver: Russia")
    error = agreement_refused(tmp_path, AGREEMENT.replace("giver: NATO", "giver: Russia", 1))
    assert (error.path, error.found) == ("clauses.0", "giver and receiver 'Russia'")
    error = agreement_refused(tmp_path, AGREEMENT.replace("name: russia-launch", "name: nato-launch", 1))
    assert (error.path, error.expected) == ("clauses.1.name", "names that differ")
    error = agreement_refused(tmp_path, AGREEMENT.replace('end: "2050', 'end: "1950'))
    assert error.path == "valid.end"
    error = agreement_refused(tmp_path, AGREEMENT.replace("data: track", "data: tracks", 1))
    assert error.remedy == "did you mean 'track'?"
    error = agreement_refused(tmp_path, AGREEMENT.replace("every_s: 60", "onward: true", 1))
    assert error.path == "clauses.6.onward"
    error = agreement_refused(tmp_path, AGREEMENT.replace("every_s: 60", "delay_s: true", 1))
    assert (error.path, error.found, error.expected) == ("clauses.6.delay_s", "true", "a number")
    error = agreement_refused(tmp_path, AGREEMENT.replace("every_s: 60", "when: {impact_probability: 0.9}", 1))
    assert error.path == "clauses.6.when.impact_probability"
    assert error.expected == "impact_in beside it"
    error = agreement_refused(tmp_path, AGREEMENT.replace("[NATO, Russia]", "[NATO, Russia, NATO]"))
    assert (error.path, error.found, error.expected) == ("parties.2", "'NATO'", "parties that differ")


@pytest.mark.parametrize("key", ["sigma_position_m", "sigma_velocity_m_s", "grid_km", "time_s"])
def test_no_more_is_taken_away_than_there_is(key: str, tmp_path: Path) -> None:
    error = agreement_refused(tmp_path, AGREEMENT.replace("every_s: 60", f"coarsen: {{{key}: 1.0e+300}}", 1))
    assert error.path == f"clauses.6.coarsen.{key}"
    assert "at most" in error.expected
