"""``detente ledger``: what was said between two sides, and whether either rewrote it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detente.cli.keys_given import GivenKeys, public_keys
from detente.cli.options import Json, Listing, emit, owned_failures
from detente.records.errors import InputError

if TYPE_CHECKING:
    from detente.gateway.ledger_file import LedgerFile

FAULTS_SAID = 10

ledger = typer.Typer(
    name="ledger", cls=Listing,
    help="The log of an exchange: show it, and find what was rewritten.", no_args_is_help=True,
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
            spoilt = [{"index": fault.index, "what": fault.what} for fault in book.spoilt]
            emit(document(book.side, book.partner, shown, book.head) | {"spoilt": spoilt})
            return
        why = {fault.index: fault.what for fault in book.spoilt}
        typer.echo(f"{book.side}'s ledger with {book.partner}: {book.head.size} entries, root {book.head.root.hex()}")
        for entry in shown:
            if entry.index in why:  # another stands in for it
                typer.echo(f"{entry.index:7d}  {why[entry.index]}")
                continue
            typer.echo(
                f"{entry.index:7d}  {entry.written_s:14.3f} s  {entry.kind.name.lower():9s}  epoch {entry.epoch} "
                f"sequence {entry.sequence:<7d} {entry.word or entry.envelope_digest.hex()[:16] + '…'}"
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
    """Find edits, deletions, truncation and equivocation, and name the first bad entry.

    Exit 0 where the ledger is sound: no fault, nothing out of sight, and signed words, all of which hold, vouch for it.
    Else exit 1.
    """
    with owned_failures():
        from detente.gateway.ledger_file import read_ledger, refuse_other

        keys = public_keys(key)
        mine = read_ledger(file, partner=partner, keys=keys)
        other = None if against is None else read_ledger(against, partner=mine.book.side, keys=keys)
        if other is not None and other.book.side != mine.book.partner:
            raise InputError(
                f"{other.book.side}'s ledger with {other.book.partner}",
                f"{mine.book.partner}'s ledger with {mine.book.side}", "name the partner's ledger", file=str(against),
            )  # fmt: skip
        if other is not None and against is not None:
            refuse_other(mine, other, against)
        found = {
            **_findings(mine, other), "against": None if against is None else str(against),
            "keys_known_beforehand": keys is not None,
            "checked_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }  # fmt: skip
        if as_json:
            emit(found)
        else:
            _say(found)
    if not found["sound"]:
        raise typer.Exit(1)


def _findings(mine: "LedgerFile", other: "LedgerFile | None") -> dict[str, Any]:
    """What an audit finds of a ledger, alone or against the partner's."""
    from detente.centre.exchange.audit import audit, out_of_sight, vouched_for

    theirs = None if other is None else other.book
    faults = audit(mine.book, theirs)
    vouched = vouched_for(mine.book, theirs)
    unseen = {} if theirs is None else out_of_sight(mine.book, theirs)
    words, proved = (mine.words + (other.words if other else 0), mine.proved + (other.proved if other else 0))
    return {
        "side": mine.book.side, "partner": mine.book.partner, "entries": len(mine.book.entries),
        "root": mine.book.head.root.hex(),
        "out_of_sight": [
            {"side": side, "epoch": epoch, "envelopes": many} for (side, epoch), many in unseen.items()
        ],
        "words": words, "proved": proved, "vouched_for": vouched,
        "sound": not faults and not unseen and proved == words and vouched > 0,
        "first_bad_entry": faults[0].index if faults else None,
        "first_bad_entry_at_most": faults[0].end if faults else None,
        "faults": [
            {"index": fault.index, "last": fault.last, "kind": fault.kind.value, "what": fault.what}
            for fault in faults
        ],
    }  # fmt: skip


def _say(found: dict[str, Any]) -> None:
    typer.echo(f"{found['side']}'s ledger with {found['partner']}: {found['entries']} entries, root {found['root']}")
    if not found["words"]:
        typer.echo("no signed word is kept with it")
    elif not found["proved"] and not found["keys_known_beforehand"]:
        typer.echo(f"{found['words']} signed words, and no key to check them by")
    else:
        by = "keys known beforehand" if found["keys_known_beforehand"] else "keys that the files name themselves"
        vouched = f"they vouch for the first {found['vouched_for']} entries"
        typer.echo(f"{found['proved']} of {found['words']} signed words hold, by {by}; {vouched}")
    for one in found["out_of_sight"]:
        side, epoch = one["side"], one["epoch"]
        typer.echo(
            f"not seen: {one['envelopes']} envelopes of {side}'s epoch {epoch}, which its partner received; "
            f"{side}'s file is of a later one: ask for the store of epoch {epoch} too"
        )
    for fault in found["faults"][:FAULTS_SAID]:
        typer.echo(f"{fault['kind']}: {fault['what']}")
    if len(found["faults"]) > FAULTS_SAID:
        typer.echo(f"and {len(found['faults']) - FAULTS_SAID} more (--json tells all)")
    typer.echo(_verdict(found))


def _verdict(found: dict[str, Any]) -> str:
    """The last line: what was found out, and no more than that."""
    if found["faults"]:
        first, last = found["first_bad_entry"], found["first_bad_entry_at_most"]
        return f"first bad entry: {first}" if first == last else f"first bad entry: one of {first} to {last}"
    if found["out_of_sight"]:
        return "not verified: nothing that is seen is bad, but there is more than these two files show"
    if found["sound"]:
        return "sound" if found["keys_known_beforehand"] else "sound, if those keys are the sides' own"
    if found["proved"] < found["words"]:
        why, give = "none of its signed words could be checked", "give the sides' keys with --key"
        if found["keys_known_beforehand"] or found["proved"]:
            why = f"{found['words'] - found['proved']} of its signed words do not hold"
            give = "give every key the sides had"
        return f"not verified: its entries agree, but {why}; {give}"
    return "not verified: its entries agree, but no signed word vouches for any of them"
