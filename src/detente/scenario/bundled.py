"""Where the files that come with Détente are: asked for by name, each kind in a folder of its own."""

from importlib.resources import files as package_files
from pathlib import Path

DATA = Path(str(package_files("detente.scenario").joinpath("data")))


def bundled(folder: str, said: str) -> Path | None:
    """The file of this name in a folder of ``data``; None where there is none, or where the name looks like a path."""
    plain = not any(mark in said for mark in "/\\") and not said.startswith(".")
    path = DATA / folder / f"{said}.yaml"
    return path if plain and path.is_file() else None
