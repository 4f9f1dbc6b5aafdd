"""Law 3: pure rooms do no I/O and read no clock: the source is read for it, and a step is run under an audit hook."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "detente"
PURE = ("records", "chance", "geodesy", "flight", "world", "centre", "engagement", "scenario", "scoring")
DOORS = {"geodesy/borders.py", "scenario/files.py", "scoring/files.py"}  # the only files there that read files
BANNED_CALLS = {"open", "input", "print", "exec", "eval", "__import__", "breakpoint"}
BANNED_ATTRIBUTES = {
    "read_text", "read_bytes", "write_text", "write_bytes", "iterdir", "glob", "rglob", "mkdir", "unlink", "touch",
    "now", "utcnow", "today", "time", "monotonic", "perf_counter", "process_time", "sleep",
    "load", "save", "savez", "savez_compressed", "loadtxt", "savetxt", "fromfile", "tofile", "memmap",
    "urandom", "environ", "getenv", "token_bytes", "default_rng", "read_table", "write_table",
}  # fmt: skip
BANNED_MODULES = {
    "os",
    "io",
    "time",
    "random",
    "secrets",
    "socket",
    "asyncio",
    "subprocess",
    "pathlib",
    "shutil",
    "tempfile",
}


def offences(source: str) -> list[str]:
    """What a pure room must not do, found in its source."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = {alias.name.split(".")[0] for alias in node.names}
            found += [f"{node.lineno}: import {name}" for name in sorted(names & BANNED_MODULES)]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in BANNED_MODULES:
            found.append(f"{node.lineno}: from {node.module} import …")
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in BANNED_CALLS:
                found.append(f"{node.lineno}: {node.func.id}(…)")
            if isinstance(node.func, ast.Attribute) and node.func.attr in BANNED_ATTRIBUTES:
                found.append(f"{node.lineno}: ….{node.func.attr}(…)")
    return found


def pure_files() -> list[Path]:
    files = [path for room in PURE for path in sorted((PACKAGE / room).rglob("*.py"))]
    return [path for path in files if str(path.relative_to(PACKAGE)) not in DOORS]


@pytest.mark.parametrize("path", pure_files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_pure_rooms_name_no_file_socket_or_clock(path: Path) -> None:
    assert offences(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "planted",
    [
        "def f():\n    return open('x').read()",
        "from pathlib import Path",
        "import time",
        "from datetime import datetime\nmoment = datetime.now()",
        "import numpy as np\nx = np.load('x.npy')",
        "import numpy as np\nrng = np.random.default_rng()",
        "import socket",
    ],
)
def test_a_planted_offence_is_found(planted: str) -> None:
    assert len(offences(planted)) >= 1
