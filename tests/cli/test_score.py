"""`detente score` as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAD = "time_s,x_m,y_m,z_m,vx_m_s,vy_m_s,vz_m_s"


def detente(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "detente", *words], capture_output=True, text=True, check=False)


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    truth = [f"object,{HEAD}"] + [f"1,{t},{1000 * t},0,100000,1000,0,0" for t in range(4)]
    tracks = [f"track,{HEAD}"] + [f"5,{t},{1000 * t},300,100400,1000,0,2" for t in range(4)]
    (tmp_path / "truth.csv").write_text("\n".join(truth) + "\n")
    (tmp_path / "tracks.csv").write_text("\n".join(tracks) + "\n")
    return str(tmp_path / "tracks.csv"), str(tmp_path / "truth.csv")


def test_the_document_and_the_table_say_the_same(files: tuple[str, str]) -> None:
    result = detente("score", *files, "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["gospa"]["mean_m"] == pytest.approx(500.0)
    assert document["siap"]["completeness"] == 1.0
    assert document["errors"] == {
        "samples": 4, "position_rmse_m": pytest.approx(500.0), "velocity_rmse_m_s": pytest.approx(2.0), "nees": None,
    }  # fmt: skip
    shown = detente("score", *files).stdout
    assert "GOSPA, m" in shown
    assert "500" in shown


def test_bad_input_is_named(files: tuple[str, str]) -> None:
    text = Path(files[0]).read_text().replace("\n5,2,", "\n5,two,")
    Path(files[0]).write_text(text)
    for words, said in (((*files,), f"{files[0]}:4: time_s is 'two'"), ((files[1], files[1]), "no column track")):
        result = detente("score", *words)
        assert result.returncode == 2
        assert said in result.stderr
        assert "expected:" in result.stderr
        assert "to do:" in result.stderr
        assert "Traceback" not in result.stderr


def test_what_a_table_of_numbers_would_hide_is_said(files: tuple[str, str]) -> None:
    """Covariances that are none, tracks that are near nothing, and a model that nothing is computed with."""
    plain = Path(files[0]).read_text()
    rows = plain.splitlines()
    Path(files[0]).write_text("\n".join([rows[0] + ",covariance", *(f"{row},{'-1 ' * 21}" for row in rows[1:])]))
    shown = detente("score", *files)
    assert "not positive definite" in shown.stdout
    assert shown.stderr == ""
    Path(files[0]).write_text(plain.replace(",300,", ",300000,"))
    far = detente("score", *files)
    assert (far.returncode, "no track ever came within 5,000 m of an object" in far.stderr) == (0, True)
    alone = detente("score", *files, "--model", "ballistic")
    assert (alone.returncode, "without sensors" in alone.stderr) == (2, True)
