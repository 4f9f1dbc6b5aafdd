"""How every kernel in the house is compiled, and where the compiled code is kept.

A kernel is a numba function in a file called ``_kernels.py`` (or ``_kernels_<what>.py``). It takes scalars and
contiguous arrays, never records. All compile flags live here.

numba's on-disk cache notices an edit in the file that holds a function, but not an edit in another file whose
function was inlined into it: the caller stays stale, without a word. Compiled code is therefore kept under a digest of
what it was made from: the text of the kernel's own file, of every file of this package that it imports, directly or
not, and of this one. An edit compiles anew just what stands on it, and equal sources share their compiled code
wherever they are installed.
"""

import hashlib
import inspect
import os
import re
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba import config
from numba.core.caching import _CacheLocator

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


def _without_door(dispatcher: Any) -> Any:
    """A kernel that Python cannot call, and says so: without the wrapper, numba's own fast path would jump nowhere."""

    def add_overload(compiled: Any) -> None:
        dispatcher.overloads[tuple(compiled.signature.args)] = compiled

    def refuse(*_: Any, **__: Any) -> None:
        raise TypeError(f"{dispatcher.py_func.__qualname__} has no door to Python: only kernels call it")

    dispatcher.add_overload, dispatcher._compile_for_args = add_overload, refuse
    return dispatcher


def kernel(
    function: Callable[..., Any] | None = None, *, inline: bool = False, inner: bool = False, fastmath: Any = False
) -> Any:
    """Compile a kernel: no interpreter lock, C division, cached on disk.

    ``inline=True`` has LLVM splice the function into its callers, which a loop over lanes needs to become vector code.
    ``inner=True`` is for what only kernels call, as Python cannot then: it compiles faster, having no wrapper to unpack
    Python's objects, and is kept with its callers. What is spliced in is treated so too.
    ``fastmath`` takes numba's flags; leave it off unless a kernel's lanes are padded, because relaxed
    arithmetic may round a remainder loop differently from a full vector.
    """

    def compiled(py_function: Callable[..., Any]) -> Any:
        assert Path(inspect.getfile(py_function)).name.startswith("_kernels"), "kernels live in _kernels*.py"
        within = inline or inner
        settings = config.__dict__
        before = settings["CACHE_LOCATOR_CLASSES"]
        settings["CACHE_LOCATOR_CLASSES"] = f"{__name__}.ByContent"
        try:
            flags: dict[str, Any] = {
                "cache": not within, "nogil": True, "error_model": "numpy", "fastmath": fastmath,
                "forceinline": inline, "no_cfunc_wrapper": True, "no_cpython_wrapper": within,
            }  # fmt: skip
            made = numba.njit(py_function, **flags)
            return _without_door(made) if within else made
        finally:
            settings["CACHE_LOCATOR_CLASSES"] = before

    return compiled if function is None else compiled(function)
