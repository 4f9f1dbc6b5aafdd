"""How every kernel in the house is compiled, and where the compiled code is kept.

A kernel is a numba function in a file called ``_kernels.py`` (or ``_kernels_<what>.py``). It takes scalars and
contiguous arrays, never records. All compile flags live here.

numba's on-disk cache notices an edit in the file that holds a function, but not an edit in another file whose
function was inlined into it: the caller stays stale, without a word. Compiled code is therefore kept under a digest of
what it was made from: the text of the kernel's own file, of every file of this package that it imports, directly or
not, and of this one. An edit compiles anew just what stands on it, and equal sources share their compiled code
wherever they are installed.

numba is made for any function; a kernel needs little of it, so most of what the first call waited for is left out:

- what kernels call of one another is not optimised and made into machine code by itself, only where it is linked into;
- passes that look for what no kernel has (closures, ``with``, ``literal_unroll``, generated exceptions) do not run;
- what an operator does with plain numbers and arrays is found out once, not for every statement;
- Python looks for no garbage meanwhile.

``docs/adr/0022-kernels-compile-in-haste.md`` says what each is worth and which of numba's insides it leans on.
"""

import gc
import hashlib
import inspect
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba import config, types
from numba.core import typed_passes as typed
from numba.core import untyped_passes as untyped
from numba.core.caching import _CacheLocator
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.lowering import Lower

_PACKAGE = Path(__file__).parent
_IMPORT = re.compile(r"^from (detente[\w.]*) import (?:\(([^)]*)\)|([^\n]*))", re.MULTILINE)


@cache
def _imported(path: Path) -> tuple[Path, ...]:
    """The files of this package that a file imports. Kernels import by ``from … import …`` at the top only."""
    found = []
    for module, several, one in _IMPORT.findall(path.read_text(encoding="utf-8")):
        place = _PACKAGE.joinpath(*module.split(".")[1:])
        names = [name.split(" as ")[0].strip() for name in (several or one).split("#")[0].split(",")]
        found += [place.with_suffix(".py"), place / "__init__.py", *(place / f"{name}.py" for name in names if name)]
    return tuple(candidate for candidate in found if candidate.is_file())


@cache
def _text_digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


@cache
def sources_digest(*paths: Path) -> str:
    """A digest of these files' text, of all that they import from this package, and of numba's version."""
    wanted, seen = [Path(__file__), *paths], set()
    while wanted:
        path = wanted.pop()
        if path not in seen:
            seen.add(path)
            wanted += _imported(path)
    digest = hashlib.sha256(numba.__version__.encode())
    for name, path in sorted((path.relative_to(_PACKAGE).as_posix(), path) for path in seen):
        digest.update(f"/{name}:".encode() + _text_digest(path))
    return digest.hexdigest()[:20]


def _cache_folder() -> Path:
    """The first folder that can be written: ``$DETENTE_CACHE``, the user's cache folder, the temporary folder."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    for root in (os.environ.get("DETENTE_CACHE"), f"{home}/detente"):
        if not root:
            continue
        folder = Path(root) / "kernels"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return Path(tempfile.mkdtemp(prefix="detente-kernels-"))


CACHE_FOLDER = _cache_folder()


class ByContent(_CacheLocator):
    """Tells numba to keep a function's compiled code in a folder named by what it was compiled from."""

    def __init__(self, digest: str, first_line: int) -> None:
        self._digest, self._first_line = digest, first_line

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> "ByContent":
        """The locator of one kernel."""
        return cls(sources_digest(Path(py_file)), py_func.__code__.co_firstlineno)

    def get_cache_path(self) -> str:
        """The folder."""
        return str(CACHE_FOLDER / self._digest)

    def get_source_stamp(self) -> str:
        """What the compiled code must have been made from to be used."""
        return self._digest

    def get_disambiguator(self) -> str:
        """Tells functions of one name in one file apart."""
        return str(self._first_line)


_UNCOUNTED = types.Number, types.Boolean
_ANSWERS: dict[tuple[Any, tuple[Any, ...]], Any] = {}
_ASK = types.Function.get_call_type


def _plain(one: Any) -> bool:
    """Whether a type is a number's, an array's of them, or a tuple's of such."""
    if isinstance(one, types.Tuple | types.UniTuple):
        return all(map(_plain, one.types))
    return isinstance(one, types.Number | types.Boolean | types.Array)


def _remembered(self: Any, context: Any, args: Any, kws: Any) -> Any:
    """What the function ``self`` does with such arguments: numba's answer, remembered where nothing else can change it.

    Nothing can where the arguments are plain and the answer is the built-in itself: what is compiled from Python code
    depends on the caller's flags; a call with keywords is another call.
    """
    key = self, tuple(args)
    answer = None if kws else _ANSWERS.get(key)
    if answer is None:
        answer = _ASK(self, context, args, kws)
        built_in = self.get_impl_key(answer) is self.typing_key
        if built_in and not kws and all(map(_plain, key[1])):
            _ANSWERS[key] = answer
    return answer


@contextmanager
def _in_haste() -> Iterator[None]:
    """While kernels are compiled: answers are remembered and no garbage is looked for. numba lets in one at a time."""
    before, collecting = types.Function.get_call_type, gc.isenabled()
    types.Function.get_call_type = _remembered
    gc.disable()
    try:
        yield
    finally:
        types.Function.get_call_type = before
        if collecting:
            gc.enable()


class _KernelLower(Lower):
    """Lowers statements without asking how numbers are to be counted as references: they are not."""

    def incref(self, typ: Any, val: Any) -> None:
        """One more reference to ``val``."""
        if not isinstance(typ, _UNCOUNTED):
            super().incref(typ, val)

    def decref(self, typ: Any, val: Any) -> None:
        """One less."""
        if not isinstance(typ, _UNCOUNTED):
            super().decref(typ, val)


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(typed.NativeLowering):
    """From numba's statements to LLVM's, for a kernel with a door."""

    _name = "kernel_lowering"

    @property
    def lowering_class(self) -> type[Lower]:
        """What does it."""
        return _KernelLower


class _LinkedOnly(JITCodeLibrary):
    """The code of a function that is never called but from code that it is linked into: left as it was lowered."""

    def finalize(self) -> None:
        """Brings together what it calls, no more."""
        for library in dict.fromkeys(self._linking_libraries):
            self._reload_init.update(library._reload_init)
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._finalize_dynamic_globals()
        self._finalized = True


class _OptimisedApart(_LinkedOnly):
    """The same, optimised by itself before it is linked in."""

    def finalize(self) -> None:
        """Brings together what it calls and optimises it."""
        super().finalize()
        self._optimize_final_module()


@register_pass(mutates_CFG=True, analysis_only=False)
class _InnerLowering(_Lowering):
    """The same for what only kernels call: no machine code is made."""

    _name = "inner_kernel_lowering"
    library = _LinkedOnly

    def run_pass(self, state: Any) -> bool:
        """Lowers one function and tells numba under which name (its description) others find it."""
        state.library = self.library(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        super().run_pass(state)
        lowered = state["cr"]
        assert not lowered.env.consts, f"{state.func_id.func_qualname} keeps Python objects: inner kernels cannot"
        state.targetctx.insert_user_function(lowered.fndesc, lowered.fndesc, [state.library])
        state["cr"] = lowered._replace(cfunc=lowered.fndesc)
        return True


@register_pass(mutates_CFG=True, analysis_only=False)
class _ApartLowering(_InnerLowering):
    """The same for what is optimised by itself."""

    _name = "apart_kernel_lowering"
    library = _OptimisedApart


@register_pass(mutates_CFG=True, analysis_only=False)
class _ArrayRewrites(typed.NopythonRewrites):
    """Fuses arithmetic of whole arrays, where there is any."""

    _name = "kernel_array_rewrites"

    def run_pass(self, state: Any) -> bool:
        """Whether anything was changed."""
        results = [signature.return_type for signature in state.calltypes.values() if signature is not None]
        return any(isinstance(result, types.Array) for result in results) and super().run_pass(state)


class KernelCompiler(CompilerBase):
    """numba's pipeline, without the passes that have nothing to do in a kernel."""

    passes = (
        untyped.TranslateByteCode, untyped.FixupArgs, untyped.IRProcessing, untyped.RewriteSemanticConstants,
        untyped.DeadBranchPrune, untyped.GenericRewrites, untyped.ReconstructSSA,
        typed.NopythonTypeInference, typed.PreLowerStripPhis, _ArrayRewrites, typed.IRLegalization,
    )  # fmt: skip
    lowering = _Lowering

    def define_pipelines(self) -> list[PassManager]:
        """The one pipeline."""
        pipeline = PassManager("kernel")
        for one in (*self.passes, self.lowering, typed.NoPythonBackend):
            pipeline.add_pass(one, one._name)
        pipeline.finalize()
        return [pipeline]

    def _compile_core(self) -> Any:
        with _in_haste():
            return super()._compile_core()


class InnerKernelCompiler(KernelCompiler):
    """The same, for what only kernels call."""

    lowering = _InnerLowering


class ApartKernelCompiler(KernelCompiler):
    """The same, for what is optimised by itself before it is linked in."""

    lowering = _ApartLowering


def _without_door(py_function: Callable[..., Any], flags: dict[str, Any], apart: bool) -> Any:
    """A kernel that Python cannot call, and says so: without the wrapper, numba's own fast path would jump nowhere."""
    compiler = ApartKernelCompiler if apart else InnerKernelCompiler
    inside: dict[str, Any] = {**flags, "no_cpython_wrapper": True, "pipeline_class": compiler}
    dispatcher: Any = numba.njit(py_function, **inside)

    def add_overload(compiled: Any) -> None:
        dispatcher.overloads[tuple(compiled.signature.args)] = compiled

    def refuse(*_: Any, **__: Any) -> None:
        raise TypeError(f"{dispatcher.py_func.__qualname__} has no door to Python: only kernels call it")

    dispatcher.add_overload, dispatcher._compile_for_args = add_overload, refuse
    return dispatcher


def _with_door(py_function: Callable[..., Any], inside: Any, flags: dict[str, Any]) -> Any:
    """A kernel that Python calls, its code kept on disk; kernels that call it are given ``inside`` instead.

    They always are, whatever is on disk or compiled already: a caller's bits must not depend on that.
    """
    kept: dict[str, Any] = {**flags, "cache": True, "pipeline_class": KernelCompiler}
    settings = config.__dict__
    before = settings["CACHE_LOCATOR_CLASSES"]
    settings["CACHE_LOCATOR_CLASSES"] = f"{__name__}.ByContent"
    try:
        door: Any = numba.njit(py_function, **kept)
    finally:
        settings["CACHE_LOCATOR_CLASSES"] = before
    save = door._cache.save_overload

    def save_if_there_is_room(*what: Any) -> None:
        with suppress(OSError):  # a full disk: it runs all the same, and is compiled again by the next process
            save(*what)

    door._cache.save_overload = save_if_there_is_room
    door.get_call_template, door.get_overload = inside.get_call_template, inside.get_overload
    return door


def kernel(
    function: Callable[..., Any] | None = None,
    *,
    inline: bool = False,
    inner: bool = False,
    apart: bool = False,
    fastmath: Any = False,
) -> Any:
    """Compile a kernel: no interpreter lock, C division, cached on disk.

    What one kernel calls of another is linked into it and optimised there; machine code of its own is made of a kernel
    only once Python calls it.

    ``inline=True`` has LLVM splice the function into its callers, which a loop over lanes needs to become vector code.
    ``inner=True`` says that only kernels call it: Python cannot. What is spliced in is treated so too.
    ``apart=True`` has an inner kernel optimised by itself before it is linked in. That is slower to compile, and for
    loops over lanes of which LLVM makes less when it has them together: try both.
    ``fastmath`` takes numba's flags; leave it off unless a kernel's lanes are padded, because relaxed
    arithmetic may round a remainder loop differently from a full vector.
    """

    def compiled(py_function: Callable[..., Any]) -> Any:
        assert Path(inspect.getfile(py_function)).name.startswith("_kernels"), "kernels live in _kernels*.py"
        flags: dict[str, Any] = {
            "nogil": True, "error_model": "numpy", "fastmath": fastmath, "forceinline": inline,
            "no_cfunc_wrapper": True,
        }  # fmt: skip
        inside = _without_door(py_function, flags, apart)
        return inside if inline or inner else _with_door(py_function, inside, flags)

    return compiled if function is None else compiled(function)
