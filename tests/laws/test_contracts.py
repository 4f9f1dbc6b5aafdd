"""Law 2: the import contracts hold, and each fails when its violation is planted."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PLANTS = [
    ("centre/tracking/planted.py", "from detente.world import truth", "cannot reach the world"),
    ("centre/picture/planted.py", "from detente.scenario import raid", "cannot reach the world or the raid"),
    ("centre/exchange/planted.py", "import detente.scenario.asked", "cannot reach the world or the raid"),
    ("gateway/planted.py", "import detente.world.truth", "cannot reach the world"),
    ("gateway/planted.py", "import detente.scenario.raid", "cannot reach the world or the raid"),
    ("gateway/planted.py", "import detente.engagement.plan", "can reach engagement"),
    ("gateway/logic/planted.py", "import socket", "A gateway's logic imports no sockets"),
    ("gateway/logic/planted.py", "import time", "A gateway's logic imports no sockets"),
    ("exercise/planted.py", "import detente.engagement.plan", "can reach neither engagement"),
    ("exercise/planted.py", "import detente.studies.drivers", "can reach neither engagement nor studies"),
    ("gateway/planted.py", "import detente.exercise", "Rooms import downwards only"),
    ("centre/tracking/planted.py", "import socket", "Pure rooms import no sockets"),
    ("flight/planted.py", "import time", "Pure rooms import no sockets"),
    ("scoring/planted.py", "import detente.flight.prediction", "not the rooms that made them"),
    ("scoring/planted.py", "import detente.world.truth", "not the rooms that made them"),
    ("scoring/planted.py", "import socket", "Pure rooms import no sockets"),
    ("wing/__init__.py", "", "every room stands in a row"),
    ("records/planted.py", "import detente.studies", "Rooms import downwards only"),
]


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as f; f()", "--no-cache"]
    environment = {"PYTHONPATH": str(root / "src"), "PATH": "", "COLUMNS": "200", "HOME": str(root)}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("house")
    ignore = shutil.ignore_patterns("__pycache__", "data", "static")
    shutil.copytree(ROOT / "src", root / "src", ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def test_the_contracts_hold(copy: Path) -> None:
    result = lint(copy)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


@pytest.mark.parametrize(("file", "line", "contract"), PLANTS)
def test_a_planted_import_breaks_its_contract(copy: Path, file: str, line: str, contract: str) -> None:
    path = copy / "src" / "detente" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(line + "\n")
    try:
        result = lint(copy)
    finally:
        path.unlink()
        if path.parent.name == "wing":
            path.parent.rmdir()
    assert result.returncode == 1
    broken = [row for row in result.stdout.splitlines() if row.endswith("BROKEN")]
    assert any(contract in row for row in broken), result.stdout
