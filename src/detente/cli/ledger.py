"""``detente ledger``: what was said between two sides, and whether either rewrote it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from detente.cli.keys_given import GivenKeys, public_keys
from detente.cli.options import Json, emit, owned_failures

ledger = typer.Typer(
    name="ledger", help="The log of an exchange: show it, and find what was rewritten.", no_args_is_help=True,
    rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip
File = Annotated[Path, typer.Argument(metavar="FILE", help="`ledger-….json` of a run, or the store of a gateway")]
Partner = Annotated[
    str | None, typer.Option("--partner", help="whose ledger, in a gateway's store with several partners")
]


@ledger.command()
def show(file: File, partner: Partner = None, last: Annotated[
    int | None, typer.Option("--last", min=1, help="only so many entries, from the end")
] = None, as_json: Json = False) -> None:  # fmt: skip
    """Print a ledger, an entry a line."""
    with owned_failures():
        from detente.centre.exchange.ledger import document
        from detente.gateway.ledger_file import read_ledger

        book = read_ledger(file, partner=partner).book
        shown = book.entries if last is None else book.entries[-last:]
        if as_json:
            emit(document(book.side, book.partner, shown, book.head))
            return
        typer.echo(f"{book.side}'s ledger with {book.partner}: {book.head.size} entries, root {book.head.root.hex()}")
        for entry in shown:
            typer.echo(
                f"{entry.index:7d}  {entry.written_s:14.3f} s  {entry.kind.name.lower():9s}  epoch {entry.epoch} "
                f"sequence {entry.sequence:<7d} {entry.envelope_digest.hex()[:16]}…"
            )


@ledger.command()
def verify(
    file: File,
    against: Annotated[
        Path | None, typer.Option("--against", metavar="FILE", help="the partner's ledger of the same exchange")
    ] = None,
    key: GivenKeys = None,
    partner: Partner = None,
    as_json: Json = False,
) -> None:
    """Find edits, deletions, truncation and equivocation, and name the first bad entry. Exit 1 if there is one."""
    with owned_failures():
        from detente.centre.exchange.audit import audit
        from detente.gateway.ledger_file import read_ledger
        from detente.records.errors import InputError

        keys = public_keys(key)
        mine = read_ledger(file, partner=partner, keys=keys)
        other = None if against is None else read_ledger(against, partner=mine.book.side, keys=keys)
        if other is not None and (other.book.side, other.book.partner) != (mine.book.partner, mine.book.side):
            raise InputError(
                f"{other.book.side}'s ledger with {other.book.partner}",
                f"{mine.book.partner}'s ledger with {mine.book.side}", "name the partner's ledger", file=str(against),
            )  # fmt: skip
        faults = audit(mine.book, None if other is None else other.book)
        found: dict[str, Any] = {
            "side": mine.book.side, "partner": mine.book.partner, "entries": len(mine.book.entries),
            "root": mine.book.head.root.hex(), "against": None if against is None else str(against),
            "words": mine.words + (other.words if other else 0), "proved": mine.proved + (other.proved if other else 0),
            "keys_known_beforehand": keys is not None, "sound": not faults,
            "first_bad_entry": faults[0].index if faults else None,
            "faults": [{"index": fault.index, "kind": fault.kind.value, "what": fault.what} for fault in faults],
            "checked_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }  # fmt: skip
        if as_json:
            emit(found)
        else:
            _say(found)
    if faults:
        raise typer.Exit(1)


def _say(found: dict[str, Any]) -> None:
    typer.echo(f"{found['side']}'s ledger with {found['partner']}: {found['entries']} entries, root {found['root']}")
    if found["words"]:
        known = "known beforehand" if found["keys_known_beforehand"] else "that the files name themselves"
        typer.echo(f"{found['proved']} of {found['words']} signed words hold, by keys {known}")
    for fault in found["faults"]:
        typer.echo(f"{fault['kind']}: {fault['what']}")
    typer.echo(f"first bad entry: {found['first_bad_entry']}" if found["faults"] else "sound")
