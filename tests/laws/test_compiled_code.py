"""Compiled code is never older than anything it was compiled from."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

import detente
from detente.centre.tracking import _kernels_polar
from detente.centre.tracking._kernels_places import LINES

PACKAGE = Path(detente.__file__).parent


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package's sources where they may be edited."""
    shutil.copytree(PACKAGE, tmp_path / "detente", ignore=shutil.ignore_patterns("data", "static", "__pycache__"))
    return tmp_path / "detente"


def digest(package: Path, file: str) -> str:
    """What the copy's own ``jit`` keeps a kernel file's compiled code under."""
    spec = importlib.util.spec_from_file_location("copied_jit", package / "jit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.sources_digest(package / file)


def test_equal_sources_share_compiled_code_wherever_they_are(copy: Path) -> None:
    assert digest(copy, "flight/_kernels.py") == digest(PACKAGE, "flight/_kernels.py")


@pytest.mark.parametrize(
    "edited",
    ["flight/_kernels_motion.py", "geodesy/constants.py", "geodesy/_kernels.py", "flight/_kernels.py", "jit.py"],
)
def test_an_edit_of_anything_inlined_compiles_anew(copy: Path, edited: str) -> None:
    before = digest(copy, "flight/_kernels.py")
    (copy / edited).write_text((copy / edited).read_text() + "\nEDITED = 1\n")
    assert digest(copy, "flight/_kernels.py") != before


def test_an_edit_elsewhere_compiles_nothing(copy: Path) -> None:
    before = digest(copy, "chance/_kernels.py")
    (copy / "flight/_kernels.py").write_text("EDITED = 1\n")
    assert digest(copy, "chance/_kernels.py") == before


def test_python_is_told_that_a_kernel_has_no_door() -> None:
    room = np.zeros(LINES), np.zeros(7), np.eye(7), np.empty(3), np.empty((3, 3)), np.empty(7), np.empty(7)
    with pytest.raises(TypeError, match="update_polar has no door to Python"):
        _kernels_polar.update_polar(*room)
