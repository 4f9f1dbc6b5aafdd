"""Law 3: pure rooms do no I/O and read no clock: the source is read for it, and a step is run under an audit hook."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "detente"
PURE = ("records", "chance", "geodesy", "flight", "world", "centre", "engagement", "scenario", "scoring")
DOORS = {  # the only files there that read files
    "geodesy/borders.py", "scenario/bundled.py", "scenario/files.py", "scoring/files.py",
}  # fmt: skip
ALLOWED_MODULES = {
    "__future__", "base64", "binascii", "collections", "csv", "dataclasses", "datetime", "difflib", "enum", "functools",
    "hashlib", "itertools", "json", "math", "re", "struct", "types", "typing",
    "cryptography", "detente", "llvmlite", "numba", "numpy", "pyarrow", "pydantic", "pydantic_core", "rfc8785",
    "ruamel.yaml", "scipy.optimize", "scipy.sparse", "scipy.spatial", "scipy.stats", "shapely",
}  # fmt: skip
"""What a pure room may import, with all below it; whatever is not here might read a file, a socket or a clock."""
REFUSED_MODULES = {"numpy.random", "pyarrow.parquet", "pyarrow.dataset", "pyarrow.csv", "pyarrow.fs", "pyarrow.flight"}
BANNED_NAMES = {"open", "input", "print", "exec", "eval", "__import__", "__builtins__", "breakpoint"}
BANNED_ATTRIBUTES = {
    "read_text", "read_bytes", "write_text", "write_bytes", "iterdir", "glob", "rglob", "mkdir", "unlink", "touch",
    "now", "utcnow", "today", "fromfile", "tofile", "loadtxt", "savetxt", "genfromtxt", "savez", "savez_compressed",
    "memmap", "default_rng", "RandomState", "read_table", "write_table", "read_parquet", "read_csv", "memory_map",
    "OSFile", "DataSource", "import_module", "__builtins__",
}  # fmt: skip
BANNED_OF_NUMPY = {"load", "save", "random", "lib", "ctypeslib"}
NOW = {"now", "today"}


def allowed(module: str) -> bool:
    """Whether a pure room may import this module."""
    parts = module.split(".")
    above = {".".join(parts[: k + 1]) for k in range(len(parts))}
    return bool(above & ALLOWED_MODULES) and not above & REFUSED_MODULES


def offences(source: str) -> list[str]:
    """What a pure room must not do, found in its source: foreign modules, and every name that leads to the outside."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [f"{node.lineno}: import {alias.name}" for alias in node.names if not allowed(alias.name)]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            module = node.module or ""
            wholes = [f"{module}.{alias.name}" for alias in node.names]
            found += [f"{node.lineno}: from {module}" for _ in [0] if not allowed(module)]
            found += [f"{node.lineno}: {whole}" for whole in wholes if whole in REFUSED_MODULES]
            banned = BANNED_ATTRIBUTES | (BANNED_OF_NUMPY if module == "numpy" else set())
            found += [f"{node.lineno}: {alias.name}" for alias in node.names if alias.name in banned]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in BANNED_NAMES:
            found.append(f"{node.lineno}: {node.id}")
        elif isinstance(node, ast.Attribute):
            of_numpy = isinstance(node.value, ast.Name) and node.value.id in ("np", "numpy")
            if node.attr in BANNED_ATTRIBUTES or (of_numpy and node.attr in BANNED_OF_NUMPY):
                found.append(f"{node.lineno}: .{node.attr}")
        elif isinstance(node, ast.Call) and "datetime64" in ast.unparse(node.func):
            said_now = any(isinstance(a, ast.Constant) and a.value in NOW for a in node.args)
            found += [f"{node.lineno}: the clock, by numpy"] * said_now
    return found


def pure_files() -> list[Path]:
    files = [path for room in PURE for path in sorted((PACKAGE / room).rglob("*.py"))]
    return [path for path in files if str(path.relative_to(PACKAGE)) not in DOORS]


@pytest.mark.parametrize("path", pure_files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_pure_rooms_name_no_file_socket_or_clock(path: Path) -> None:
    assert offences(path.read_text(encoding="utf-8")) == []


PLANTED = (
    "def f():\n    return open('x').read()",
    "f = open\nf('x')",
    "import builtins\nbuiltins.open('x')",
    "import codecs\ncodecs.open('x')",
    "from pathlib import Path",
    "import time",
    "import timeit",
    "from timeit import default_timer",
    "from datetime import datetime\nmoment = datetime.now()",
    "from datetime import datetime\nn = datetime.now\nn()",
    "import numpy as np\nx = np.load('x.npy')",
    "from numpy import load",
    "import numpy as np\nx = np.genfromtxt('x')",
    "import numpy as np\nx = np.datetime64('now')",
    "import numpy as np\nrng = np.random.default_rng()",
    "import numpy as np\nx = np.random.rand(3)",
    "from numpy.random import rand",
    "from numpy import random",
    "import pandas as pd\npd.read_csv('x')",
    "import pyarrow.parquet as pq",
    "from importlib.resources import files",
    "from importlib import import_module\nimport_module('detente.world')",
    "import uuid",
    "import urllib.request",
    "import mmap",
    "import linecache",
    "import logging",
    "import sys\nsys.stdin.read()",
    "import socket",
    "import os",
    "import io",
)


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_offence_is_found(planted: str) -> None:
    assert len(offences(planted)) >= 1


def imports_by_name(source: str) -> list[str]:
    """Ways around the import contracts: modules that are asked for by a text."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names = [node.id] if isinstance(node, ast.Name) else []
        names += [node.attr] if isinstance(node, ast.Attribute) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        asked = {"__import__", "import_module", "importlib", "runpy", "exec", "eval"}
        found += [f"{node.lineno}: {name}" for name in names if name.split(".")[-1] in asked]
    return found


@pytest.mark.parametrize("path", sorted((PACKAGE / "gateway").rglob("*.py")), ids=lambda path: path.name)
def test_a_gateway_asks_for_no_module_by_a_text(path: Path) -> None:
    assert imports_by_name(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "planted",
    ["import importlib\nimportlib.import_module('detente.engagement')", "__import__('detente.world')", "import runpy"],
)
def test_a_module_asked_for_by_a_text_is_found(planted: str) -> None:
    assert len(imports_by_name(planted)) >= 1
