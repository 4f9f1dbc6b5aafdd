"""The ``detente`` command: every verb by name.

Numerics are imported only by the command that needs them, so that ``--help`` is quick. A verb of some size has a module
of its own beside this one, registered at the foot of this file.
"""

import signal
from pathlib import Path
from typing import Annotated, Any

import typer

from detente import __version__
from detente.cli import score, track
from detente.cli.agreement import agreement as agreement_commands
from detente.cli.ccsds import ccsds
from detente.cli.envelope import envelope
from detente.cli.fly import fly
from detente.cli.ledger import ledger
from detente.cli.live import live
from detente.cli.options import (
    Json,
    Listing,
    Out,
    Quiet,
    Seed,
    SetValues,
    Target,
    emit,
    named_for,
    owned_failures,
    results_folder,
    speak_utf_8,
)  # fmt: skip
from detente.cli.sapient import sapient
from detente.records.errors import InputError, InputErrors

SCOPE = (
    "Scope: open literature, point masses, public parameters with sources; for analysis and shared warning. "
    "No guidance, seeker, warhead, decoy or countermeasure design, no advice on attack. "
    "Every message says that it is simulated or an exercise."
)
app = typer.Typer(
    name="detente",
    cls=Listing,
    help=f"Two independent missile-warning systems that cooperate, and the joint analysis of how.\n\n{SCOPE}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def version(asked: bool) -> None:
    """Print the version and leave."""
    if asked:
        typer.echo(f"detente {__version__}")
        raise typer.Exit


@app.callback()
def detente(
    _version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Common to all commands."""


@app.command()
def study(
    scenario: Target,
    replicates: Annotated[int, typer.Option("--replicates", help="how many worlds to draw")] = 200,
    seed: Seed = 1,
    workers: Annotated[int | None, typer.Option("--workers", help="processes; default: one a core")] = None,
    architectures: Annotated[
        str | None, typer.Option("--architectures", metavar="A,B", help="default: all six")
    ] = None,
    set_values: SetValues = None,
    out: Out = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="go on with a stopped study of the same kind in --out")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """What does cooperation buy? Fly the same raids under six architectures and compare."""
    with owned_failures("what was finished is kept, --resume goes on from there"):
        from detente.cli import show
        from detente.report.page import write_report
        from detente.scenario.files import load_scenario
        from detente.studies import drivers

        loaded = load_scenario(scenario, set_values=tuple(set_values or ()))
        folder = out or results_folder(loaded.name, seed, set_values, architectures)
        names = (
            tuple(part.strip() for part in architectures.split(","))
            if architectures is not None
            else drivers.ARCHITECTURES
        )
        with show.progress("study", quiet=quiet) as tick:
            result = drivers.study(
                loaded, replicates=replicates, seed=seed, workers=workers, architectures=names, out=folder,
                resume=resume, progress=tick, noted={"asked": scenario, "set": list(set_values or ())},
            )  # fmt: skip
        page = write_report(folder)
        if as_json:
            emit(result.document)
        else:
            show.study(result, page)
        show.cautions(loaded.cautions)


@app.command()
def run(
    scenario: Target,
    architecture: Annotated[str, typer.Option("--architecture", help="one of the six")] = "cooperating",
    agreement: Annotated[
        str | None, typer.Option("--agreement", metavar="FILE|none", help="replaces the scenario's")
    ] = None,
    seed: Seed = 1,
    replicate: Annotated[int, typer.Option("--replicate", help="which world of the study with this seed")] = 0,
    set_values: SetValues = None,
    out: Out = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """What does each side see, and when? Fly one world and write every stage's table."""
    with owned_failures():
        from detente.cli import show
        from detente.scenario.files import load_scenario
        from detente.studies import drivers

        loaded = load_scenario(scenario, set_values=tuple(set_values or ()))
        world = named_for(f"run-{architecture}-{replicate}", agreement)
        folder = out or results_folder(loaded.name, seed, set_values) / world
        with show.waiting("run", quiet=quiet):
            result = drivers.run(
                loaded, architecture=architecture, agreement=agreement, seed=seed, replicate=replicate, out=folder,
                noted={"set": list(set_values or ())},
            )  # fmt: skip
        if as_json:
            emit(result.document)
        else:
            show.run(result)
        show.cautions(loaded.cautions)


@app.command()
def check(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE…", help="scenario, agreement, catalogue or missile files")
    ],
    as_json: Json = False,
) -> None:
    """Is my scenario, agreement, catalogue or missile file sound?"""
    with owned_failures():
        from detente.cli import show

        found = [_checked(file) for file in files]
        if as_json:
            emit(found)
        else:
            show.checked(found)
        if any(entry["problems"] for entry in found):
            raise typer.Exit(2)


def _checked(file: str) -> dict[str, Any]:
    """What a file is, all that is wrong with it, and what is allowed but worth knowing."""
    from detente.cli import show
    from detente.scenario.files import check_file, load_scenario
    from detente.world.reach import check_reach

    problems: list[InputError] = []
    kind, cautions = "", []
    try:
        kind = check_file(file)
        if kind == "scenario":
            loaded = load_scenario(file)
            problems, cautions = list(check_reach(loaded)), list(loaded.cautions)
    except InputErrors as errors:
        problems = list(errors.problems)
    except InputError as error:
        problems = [error]
    return {"file": file, "kind": kind, "problems": [show.problem(one) for one in problems], "cautions": cautions}


@app.command()
def scenarios(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="print this scenario's or agreement's file")
    ] = None,
    as_json: Json = False,
) -> None:
    """Which scenarios come with Détente? With NAME: the file of one, to start your own from."""
    with owned_failures():
        from detente.cli import show
        from detente.scenario.files import bundled_text, list_agreements, list_scenarios

        if name is not None:
            text = bundled_text(name)
            emit({"name": name, "yaml": text}) if as_json else typer.echo(text, nl=False)
            return
        listed = list_scenarios()
        if as_json:
            emit(listed)
        else:
            show.scenarios(listed, list_agreements())


@app.command()
def catalogue(
    kind: Annotated[
        str | None, typer.Argument(metavar="[KIND]", help="missiles, radars, satellites, interceptors …")
    ] = None,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="one entry")] = None,
    as_json: Json = False,
) -> None:
    """What is in the catalogue, and says who?"""
    with owned_failures():
        from detente.cli import show
        from detente.scenario.files import load_catalogue

        found = show.find_entries(load_catalogue(), kind, name)
        if as_json:
            emit(found)
        else:
            show.catalogue(found, kind, name)


@app.command()
def schema(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="write one file a schema instead of printing")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the JSON Schemas of scenario, agreement, catalogue and missile files."""
    with owned_failures():
        from detente.scenario.files import schemas

        found = schemas()
        if out is None or as_json:
            emit(found)
        if out is None:
            return
        from detente.studies import folder

        with folder.all_or_nothing(out) as scratch:
            for title, document in found.items():
                folder.write_json(document, scratch / f"{title}.schema.json")
        typer.echo(err=as_json, message=f"wrote {', '.join(f'{out}/{title}.schema.json' for title in found)}")


app.command()(fly)
app.command("score")(score.score)
app.command("track")(track.track)
app.add_typer(agreement_commands)
app.add_typer(ccsds)
app.add_typer(envelope)
app.add_typer(ledger)
app.add_typer(sapient)
app.registered_commands += live.registered_commands


def main() -> None:
    """Entry point of the ``detente`` command."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, _told_to_end)
    speak_utf_8()
    app()


def _told_to_end(number: int, _: object) -> None:
    """End as after Ctrl-C: what is finished stays, and worker processes end too."""
    raise SystemExit(128 + number)
