"""Compiled code is never older than what it was compiled from, and is what numba's own pipeline makes of it.

The second half holds ``detente.jit`` to those insides of numba that it leans on: whatever a new numba does otherwise
shows here first.
"""

import gc
import importlib.util
import operator
import runpy
import shutil
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numba
import numpy as np
import pytest
from numba import types
from numba.core import typed_passes, untyped_passes
from numba.core.compiler import DefaultPassBuilder, Flags
from numba.core.registry import cpu_target

import detente
from detente import jit
from detente.centre.tracking import _kernels_polar
from detente.centre.tracking._kernels_places import LINES
from detente.flight import _kernels_motion
from detente.geodesy import _kernels_geodesic

PACKAGE = Path(detente.__file__).parent
little_room = runpy.run_path(str(Path(__file__).parents[1] / "made_disks.py"))["little_room"]


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


MADE = """
import math
import numpy as np
from detente.jit import kernel


@kernel
def half(x):
    return 0.5 * x


@kernel(inner=True)
def checked(x):
    if x < 0.0:
        raise ValueError("negative")
    return math.sqrt(x) + half(x)


@kernel
def total(values):
    doubled = values + values
    out = 0.0
    for i in range(doubled.size):
        out += checked(doubled[i]) if i % 2 == 0 else half(doubled[i])
    return out


@kernel
def ranks(values):
    return np.argsort(values) - np.argsort(values, kind="mergesort")


@kernel
def wrong(x):
    return x.no_such_thing
"""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A few kernels in a file of their own, compiled into a folder of their own."""
    monkeypatch.setattr(jit, "CACHE_FOLDER", tmp_path)
    monkeypatch.setattr(jit, "_PACKAGE", tmp_path)
    monkeypatch.setattr(jit, "sources_digest", lambda *_: "made")
    file = tmp_path / "_kernels_made.py"
    file.write_text(MADE)
    spec = importlib.util.spec_from_file_location("_kernels_made", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_linked_in_counts_raises_and_is_called_from_both_sides(made: ModuleType) -> None:
    assert made.total(np.array([2.0, 3.0, 8.0])) == 2.0 + 2.0 + 3.0 + 4.0 + 8.0
    assert made.half(3.0) == 1.5
    with pytest.raises(ValueError, match="negative"):
        made.total(np.array([-1.0]))
    with pytest.raises(TypeError, match="checked has no door to Python"):
        made.checked(1.0)


def test_no_machine_code_is_made_of_a_kernel_that_python_does_not_call(made: ModuleType) -> None:
    made.total(np.array([1.0]))
    assert [type(one.library) for one in made.checked.overloads.values()] == [jit._LinkedOnly]
    assert not made.half.overloads
    made.half(1.0)
    assert [type(one.library).__name__ for one in made.half.overloads.values()] == ["JITCodeLibrary"]


def test_a_full_disk_costs_the_compiled_code_its_place_and_nothing_else(made: ModuleType, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    with little_room(100):
        assert made.half(3.0) == 1.5
    assert [one for one in set(tmp_path.rglob("*")) - before if one.is_file()] == [], "nothing by half"
    assert made.total(np.array([1.0])) == made.total(np.array([1.0]))
    assert len(list(tmp_path.rglob("*.nbi"))) == 1, "what is compiled once there is room is kept"


def test_haste_ends_with_the_compilation_even_if_that_fails(made: ModuleType) -> None:
    before = types.Function.get_call_type
    with pytest.raises(numba.TypingError, match="no_such_thing"):
        made.wrong(1.0)
    assert types.Function.get_call_type is before
    assert gc.isenabled()


def plainly(kernel: Any) -> Any:
    """The kernel through numba's own pipeline; what it calls is compiled as ever."""
    return numba.njit(kernel.py_func, error_model="numpy")


@pytest.mark.parametrize(
    ("kernel", "arguments"),
    [
        (_kernels_motion.coast_step, (6.6e6, 1e5, -3e5, 500.0, 4e3, 2e3, 7.0, 7.3e-5)),
        (_kernels_motion.fall_step, (6.4e6, 1e5, -3e5, -900.0, 1e3, 2e3, 0.5, 1e-4)),
        (_kernels_geodesic.geodesic_inverse, (0.5, 0.2, -0.7, 2.9)),
    ],
)
def test_results_are_those_of_numbas_own_pipeline_to_the_bit(kernel: Any, arguments: tuple[float, ...]) -> None:
    assert kernel(*arguments) == plainly(kernel)(*arguments)


def test_answers_are_remembered_for_built_ins_alone(made: ModuleType) -> None:
    made.total(np.array([1.0]))
    typing: Any = cpu_target.typing_context
    for (function, arguments), answer in jit._ANSWERS.items():
        assert function.get_impl_key(answer) is function.typing_key
        assert all(map(jit._plain, arguments))
    times = typing.resolve_value_type(operator.mul)
    plain = types.float64, types.float64
    assert jit._ANSWERS[times, plain] == jit._ASK(times, typing, plain, {})


def test_an_answer_to_a_call_without_keywords_is_none_to_one_with_them(made: ModuleType) -> None:
    assert made.ranks(np.array([2.0, 3.0, 1.0])).tolist() == [0, 0, 0]


def test_every_pass_of_numba_is_either_run_or_known_to_have_nothing_to_do_in_a_kernel() -> None:
    state: Any = SimpleNamespace(flags=Flags(), func_ir=None)
    numbas = [one for one, _ in DefaultPassBuilder.define_nopython_pipeline(state).passes]
    replaced = {typed_passes.NopythonRewrites, typed_passes.NativeLowering}
    left_out = {
        untyped_passes.WithLifting, untyped_passes.InlineClosureLikes, untyped_passes.RewriteDynamicRaises,
        untyped_passes.MakeFunctionToJitFunction, untyped_passes.InlineInlinables, untyped_passes.FindLiterallyCalls,
        untyped_passes.LiteralUnroll, untyped_passes.LiteralPropagationSubPipelinePass,
        typed_passes.InlineOverloads, typed_passes.NoPythonSupportedFeatureValidation, typed_passes.AnnotateTypes,
        typed_passes.DumpParforDiagnostics,
    }  # fmt: skip
    run = [*jit.KernelCompiler.passes, typed_passes.NoPythonBackend]
    assert set(numbas) == {one for one in run if one in numbas} | replaced | left_out
    in_numbas_order = [one for one in dict.fromkeys(numbas) if one in run]
    assert in_numbas_order == [one for one in run if one in numbas]
