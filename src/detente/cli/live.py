"""The live exchange's commands: ``serve``, ``play``, ``keys``, ``order`` and ``drill``."""

import signal
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detente.cli.options import Json, Quiet, Seed, Target, emit, owned_failures, write_file
from detente.records.errors import InputError

if TYPE_CHECKING:
    from detente.gateway.config import Config

live = typer.Typer(rich_markup_mode=None)
OF_A_PARTNER = ("pause", "resume", "quarantine", "release", "withdraw")
ANSWER_S = 10.0  # an order's answer is waited for: a word counts once it is kept. source: assumption, 5-60


@live.command()
def serve(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.yaml", help="one side's configuration")],
    alone: Annotated[
        bool,
        typer.Option(
            "--alone", help="own sensors and own warnings without partners, whatever agreement, keys and servers are"
        ),
    ] = False,
) -> None:
    """Run one side's centre and gateway: detections in, warnings out, tracks exchanged under the agreement."""
    with owned_failures():
        from detente.gateway.alone import prepared
        from detente.gateway.serve import serve as run

        _outlive_broken_lines()
        run(prepared(config, alone=alone))


@live.command()
def play(
    scenario: Target,
    feed: Annotated[
        list[str] | None, typer.Option("--feed", metavar="SIDE=ADDRESS", help="where a side listens; repeat")
    ] = None,
    brief: Annotated[
        Path | None, typer.Option("--brief", metavar="FILE", help="write the theatre that every side is given, and end")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--start", metavar="MOMENT", help="UTC moment of exercise time 0; default: now"),
    ] = None,
    rate: Annotated[float, typer.Option("--rate", min=0.01, max=1000.0, help="exercise seconds a second")] = 1.0,
    seed: Seed = 1,
    replicate: Annotated[int, typer.Option("--replicate", min=0, help="which world of the study with this seed")] = 0,
    quiet: Quiet = False,
) -> None:
    """Play a world to live centres: each side hears its own sensors and nothing else."""
    with owned_failures():
        import asyncio

        from detente.exercise import briefing
        from detente.exercise.play import play as run
        from detente.gateway.prepare import Clock
        from detente.geodesy.timescale import format_moment, parse_moment
        from detente.scenario.files import load_scenario

        loaded = load_scenario(scenario)
        if brief is not None:
            _refuse_beside_a_brief({"--feed": feed, "--start": start, "--rate": None if rate == 1.0 else rate})
            text = briefing.theatre_text(briefing.theatre_file(loaded, seed, replicate))
            typer.echo(write_file(brief, text.encode()))
            return
        addresses = _addresses(feed or [], loaded.side_names)
        origin = datetime.now(UTC) if start is None else parse_moment(start)
        played = briefing.play_world(loaded, seed, replicate)

        def tell(side: str, tick: int) -> None:
            if not quiet and tick % 12 == 0:
                typer.echo(f"{side}: tick {tick} of {played.ticks}", err=True)

        def missing(side: str, address: str, why: str) -> None:
            if not quiet:
                typer.echo(f"{side}: nobody hears at {address} ({why}); calling again and again", err=True)

        if not quiet:
            typer.echo(f"exercise time 0 is {format_moment(origin)}, {rate:g} exercise seconds a second", err=True)
        _outlive_broken_lines()
        asyncio.run(run(played, addresses, Clock(origin, rate), ticks=played.ticks, progress=tell, missing=missing))


def _refuse_beside_a_brief(given: Mapping[str, object]) -> None:
    """Raise InputError where a theatre is asked for with what only playing needs."""
    for option, value in given.items():
        if value:
            raise InputError(
                f"{option} with --brief, which plays nothing", "either of the two",
                f"leave {option} out, or play in a second command",
            )  # fmt: skip


def _outlive_broken_lines() -> None:
    """A line that breaks while we write is an error to handle; the command line's default would end the process."""
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)


def _addresses(given: list[str], names: tuple[str, ...]) -> dict[str, str]:
    from detente.gateway.config import is_address

    found: dict[str, str] = {}
    for said in given:
        side, _, address = said.partition("=")
        if side not in names or side in found or not is_address(address):
            raise InputError(
                f"--feed {said!r}", f"SIDE=HOST:PORT, each side once, of {', '.join(names)}, a port of 1 to 65535",
                "write, say, --feed NATO=127.0.0.1:7101", path="--feed",
            )  # fmt: skip
        found[side] = address
    if not found:
        raise InputError(
            "no --feed", "at least one SIDE=HOST:PORT", "say where a side's `detente serve` listens", path="--feed"
        )
    return found


@live.command()
def keys(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="where the keys are put; nothing is overwritten")],
    sides: Annotated[str, typer.Option("--sides", metavar="A,B", help="whose keys to make")] = "NATO,Russia",
    issued_by: Annotated[
        Path | None,
        typer.Option(
            "--issued-by", metavar="OLD_DIR/SIDE", help="renew one side's keys: by the authority that is there"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a demonstration PKI: signing and TLS keys, an authority a side, what to give to partners.

    With --issued-by: a new signing key, and a new TLS key and certificate, of one side, and nothing else.
    """
    with owned_failures():
        from detente.gateway.keys import make_keys, renew_keys
        from detente.geodesy.timescale import format_moment

        names = [name.strip() for name in sides.split(",")]
        if issued_by is None:
            made, end = make_keys(folder, names, datetime.now(UTC)), None
        elif len(names) == 1:
            made, end = renew_keys(folder, names[0], issued_by, datetime.now(UTC))
        else:
            raise InputError(
                f"--issued-by with --sides {sides!r}", "one side, whose authority is there",
                f"write, say, --sides {names[0]}",
            )  # fmt: skip
        if as_json:
            document = {"sides": names, "files": [str(path) for path in made]}
            emit(document if end is None else document | {"certificate_valid_until": format_moment(end)})
            return
        for path in made:
            typer.echo(path)
        if end is not None:
            typer.echo(f"the certificate is valid until {format_moment(end)}")


@live.command()
def order(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.yaml", help="the running side's configuration")],
    word: Annotated[str, typer.Argument(help="pause, resume, quarantine, release, withdraw or reload")],
    partner: Annotated[str, typer.Argument(help="which partner; for reload, any word")] = "-",
    as_json: Json = False,
) -> None:
    """The operator's word to a running gateway."""
    with owned_failures():
        from detente.gateway.config import read_config

        read = read_config(config)
        names = [one.name for one in read.file.partners]
        if partner == "-" and word in OF_A_PARTNER:
            raise InputError(
                f"{word} of nobody", f"a partner: {', '.join(names) or 'this side has none'}",
                f"write, say, detente order {config} {word} {names[0] if names else 'PARTNER'}",
            )  # fmt: skip
        status, said = _ordered(read, word, partner)
        if status >= 500:
            typer.echo(f"failed: {said}", err=True)
            raise typer.Exit(1)
        if status != 200:
            found, _, rest = said.partition("\n  expected: ")  # a refused reload says all that by itself
            expected, _, remedy = rest.partition("\n  to do: ")
            known = "an order that can be followed" if partner in (*names, "-") else f"a partner: {', '.join(names)}"
            raise InputError(found, expected or known, remedy or "see docs/live.md", path=word)
        if as_json:
            emit({"order": word, "partner": None if partner == "-" else partner, "answer": said})
        else:
            typer.echo(said)


def _ordered(read: "Config", word: str, partner: str) -> tuple[int, str]:
    """The status and the words by which a running gateway answers an order."""
    from contextlib import closing
    from http.client import HTTPConnection, HTTPException
    from urllib.parse import quote

    from detente.gateway.keys import read_token

    host, _, port = read.file.health.rpartition(":")
    token = read_token(read.path(read.file.keys.operator))
    try:
        with closing(HTTPConnection(host.strip("[]"), int(port), timeout=ANSWER_S)) as line:
            path = f"/order/{quote(word, safe='')}/{quote(partner, safe='')}"
            line.request("POST", path, headers={"Authorization": f"Bearer {token}"})
            try:
                answer = line.getresponse()
                return answer.status, answer.read().decode().strip()
            except TimeoutError:  # it has the word, and may wait for its disk
                return 504, f"given, and not answered within {ANSWER_S:g} s: it counts once it is kept; see /health"
    except (OSError, HTTPException) as error:
        why = getattr(error, "strerror", None) or error
        raise read.problem(
            ("health",), f"no gateway answers at {read.file.health}: {why}",
            "a running `detente serve` of this side", "start it first",
        ) from error  # fmt: skip


@live.command()
def drill(
    seeds: Annotated[str, typer.Option("--seeds", metavar="A:B", help="from A up to, not including, B")] = "0:100",
    workers: Annotated[int, typer.Option("--workers", min=1, max=256, help="processes that share the drills")] = 1,
    resume: Annotated[
        Path | None, typer.Option("--resume", metavar="FILE", help="keep what is finished there, and go on from it")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Do the promises hold when links, disks, clocks, partners or the gateway itself fail, or partners lie?

    Exit 1 where one does not.
    """
    with owned_failures("nothing was kept" if resume is None else f"go on with --resume {resume}"):
        from detente import __version__
        from detente.exercise.drill.drills import document, hold

        first, last = _span(seeds)

        failures = hold(first, last, _told(quiet), workers=workers, kept=resume, release=__version__)
        if as_json:
            emit(document(first, last, failures))
        else:
            _show_failures(first, last, failures)
        if failures:
            raise typer.Exit(1)


def _told(quiet: bool) -> Callable[[int, int], None]:
    """Says on stderr how many drills are held, and how long the rest will take at this pace."""
    began_s, before = time.monotonic(), None

    def tell(done: int, of: int) -> None:
        nonlocal before
        if quiet:
            return
        before = done if before is None else before
        pace_s = (time.monotonic() - began_s) / max(1, done - before)
        left = f", {pace_s * (of - done) / 60:.1f} min left" if before < done < of else ""
        sys.stderr.write(f"\r{done} of {of} drills{left:20}{chr(10) if done == of else ''}")

    return tell


def _span(seeds: str) -> tuple[int, int]:
    first, _, last = seeds.partition(":")
    if not (first.isdigit() and last.isdigit() and int(first) < int(last)):
        raise InputError(
            f"--seeds {seeds!r}", "A:B with A less than B, such as 0:500", "give such a span", path="--seeds"
        )
    return int(first), int(last)


def _show_failures(first: int, last: int, failures: list[Any]) -> None:
    for one in failures:
        typer.echo(f"seed {one.seed}: {one.promise} is broken: {one.what}")
    if failures:
        typer.echo(f"the last that happened in seed {failures[0].seed}:")
        for event in failures[0].events:
            typer.echo(f"  {event}")
    typer.echo(f"{last - first} drills, {len({one.seed for one in failures})} failed")
