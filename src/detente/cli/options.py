"""What commands have in common: their shared options, and how a failure ends them."""

import hashlib
import io
import json
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from detente.records.errors import InputError, InputErrors

NAME_MAX = 80  # characters of a folder's name that say what sets it apart
Target = Annotated[
    str, typer.Argument(metavar="NAME|FILE", help="a bundled scenario (see `detente scenarios`) or a YAML file")
]
Json = Annotated[bool, typer.Option("--json", help="print one JSON document on stdout, nothing else")]
Quiet = Annotated[bool, typer.Option("--quiet", help="no progress on stderr")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="the same seed and version give the same worlds")]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="where results are written")]
SetValues = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="replace a value of the scenario; may be repeated"),
]


class Listing(TyperGroup):
    """Commands under a heading, each with the whole of its first sentence, on as many lines as that takes."""

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:
        """Write the list of commands; the usual one cuts a sentence where the line ends."""
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        shown = {name: one for name, one in commands.items() if one is not None and not one.hidden}
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(limit=400)) for name, one in shown.items()])


@contextmanager
def owned_failures(kept: str = "nothing was written") -> Iterator[None]:
    """Bad input ends with exit code 2 and words that help; a stop by hand with 130 and a lost process with 1.

    The latter two say what is ``kept``.
    """
    try:
        yield
    except InputError as error:
        for problem in error.problems if isinstance(error, InputErrors) else (error,):
            typer.echo(f"error: {problem}", err=True)
        raise typer.Exit(2) from error
    except KeyboardInterrupt as stop:
        typer.echo(f"\nstopped; {kept}", err=True)
        raise typer.Exit(130) from stop
    except BrokenExecutor as lost:
        typer.echo(f"\nfailed: a worker process was killed, perhaps for want of memory; {kept}", err=True)
        typer.echo("  to do: ask for fewer --workers", err=True)
        raise typer.Exit(1) from lost


def side_meant(said: str | None, sides: Sequence[str], option: str = "--side") -> str:
    """The side of a run that an option names. Where the run has one alone, nothing need be said."""
    if said is None and len(sides) == 1:
        return sides[0]
    if said is None or said not in sides:
        found = "none given" if said is None else repr(said)
        raise InputError(found, f"one of {', '.join(sides)}", "name a side of the run", path=option)
    return said


def results_folder(scenario: str, seed: int, set_values: Sequence[str] | None, *further: str | None) -> Path:
    """Where results go unless ``--out`` says: each question has a folder of its own, named for what differs."""
    return Path("out") / named_for(scenario, *(set_values or ()), None if seed == 1 else f"seed-{seed}", *further)


def named_for(name: str, *parts: str | None) -> str:
    """A file's or folder's name with what sets it apart, in characters that every disk takes; long ones by a digest."""
    apart = "-".join(part for part in parts if part is not None)
    if not apart:
        return name
    plain = re.sub(r"[^A-Za-z0-9.=_+-]+", "+", apart)
    if len(plain) > NAME_MAX:
        plain = f"{plain[:NAME_MAX]}-{hashlib.sha256(apart.encode()).hexdigest()[:8]}"
    return f"{name}-{plain}"


def write_file(path: Path, data: bytes) -> str:
    """Put a result where the user wants it. What is there already is left as it is, and refused if it is another.

    Returns what to tell of it. A device is written to.
    """
    from detente.gateway.writing import owned_disk_errors, there_already, whole

    with owned_disk_errors(path):
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(data)
            return f"wrote {path}"
        try:
            with whole(path) as scratch:
                scratch.write_bytes(data)
        except FileExistsError as error:
            if path.is_file() and path.read_bytes() == data:
                return f"{path} is there already, the same"
            raise there_already(path, ", and says something else") from error
    return f"wrote {path}"


def speak_utf_8() -> None:
    """What goes into a file or a pipe is UTF-8, as every file we write; a terminal that lacks a sign shows another."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            if stream.isatty():
                stream.reconfigure(errors="replace")
            else:
                stream.reconfigure(encoding="utf-8")


def emit(document: Any) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
