"""How every kernel in the house is compiled, and where the compiled code is kept.

A kernel is a numba function in a file called ``_kernels.py`` (or ``_kernels_<what>.py``). It takes scalars and
contiguous arrays, never records. All compile flags live here.

numba's on-disk cache notices an edit in the file that holds a function, but not an edit in another file whose
function was inlined into it: the caller stays stale, without a word. The cache folder's name therefore carries a
digest of *all* kernel sources, and of the constants frozen into them, so that any edit starts from an empty folder.
Paths and times are in it too, because numba looks a function up by them: a folder holds what one installation compiled.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba import config

_PACKAGE = Path(__file__).parent


def _sources_digest() -> str:
    digest = hashlib.sha256(f"{numba.__version__}".encode())
    digest.update(Path(__file__).read_bytes())
    for path in sorted([*_PACKAGE.rglob("_kernels*.py"), *_PACKAGE.rglob("constants.py")]):
        digest.update(f"{path}:{path.stat().st_mtime_ns}".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _cache_folder() -> Path:
    """The first folder that can be written: ``$DETENTE_CACHE``, the user's cache folder, the temporary folder."""
    digest = _sources_digest()
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    for root in (os.environ.get("DETENTE_CACHE"), f"{home}/detente"):
        if not root:
            continue
        folder = Path(root) / f"kernels-{digest}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return Path(tempfile.mkdtemp(prefix=f"detente-kernels-{digest}-"))


CACHE_FOLDER = _cache_folder()


def kernel(function: Callable[..., Any] | None = None, *, inline: bool = False, fastmath: Any = False) -> Any:
    """Compile a kernel: no interpreter lock, C division, cached on disk.

    ``inline=True`` splices the function into its callers before LLVM sees them (for the step of a block of
    lanes). ``fastmath`` takes numba's flags; leave it off unless a kernel's lanes are padded, because relaxed
    arithmetic may round a remainder loop differently from a full vector.
    """

    def compiled(py_function: Callable[..., Any]) -> Any:
        settings = config.__dict__
        before = settings["CACHE_DIR"]
        settings["CACHE_DIR"] = str(CACHE_FOLDER)
        try:
            return numba.njit(
                py_function,
                cache=True,
                nogil=True,
                error_model="numpy",
                fastmath=fastmath,
                inline="always" if inline else "never",
            )
        finally:
            settings["CACHE_DIR"] = before

    return compiled if function is None else compiled(function)
