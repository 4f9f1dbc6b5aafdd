"""``detente envelope``: what signed words hold, and their form in JSON for the tools of others, out and in."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detente.cli.keys_given import GivenKeys, public_keys
from detente.cli.options import Json, Listing, emit, owned_failures, write_file
from detente.records.errors import InputError

if TYPE_CHECKING:
    from detente.gateway.envelope_file import PublicKeys, Word

envelope = typer.Typer(
    name="envelope", cls=Listing,
    help="Signed words of an exchange: look at them, and DSSE's JSON form of them, out and in.",
    no_args_is_help=True, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip
File = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="a gateway's store at rest, a run's folder or ledger, a frame, or JSON"),
]
Number = Annotated[int | None, typer.Option("--number", metavar="N", help="which word, as `show` counts them")]


@envelope.command()
def show(file: File, number: Number = None, key: GivenKeys = None, as_json: Json = False) -> None:
    """Every signed word in a file; with --number, one whole. Exit 1 if a signature does not hold by the keys given.

    Without --key, those that a run's ledger names itself are taken. Other files name none: then no signature is
    checked, and nothing is read of what was signed.
    """
    with owned_failures():
        from detente.gateway.envelope_file import only_word, read_words, told

        words, keys = read_words(file), public_keys(key)
        chosen = words if number is None else [only_word(file, words, number)]
        found = [
            {"number": place} | told(word, keys, rows=number is not None)
            for place, word in enumerate(chosen, number or 1)
        ]
        if as_json:
            emit(found)
        else:
            for one in found:
                _say(one)
            if keys is None:
                checked = any(one["signature"] != "unchecked" for one in found)
                how = "checked by keys that the file names itself" if checked else "unchecked, and nothing read"
                typer.echo(f"signatures {how}: name the parties' keys with --key")
    if any(one["signature"] == "does not hold" for one in found):
        raise typer.Exit(1)


def _say(one: dict[str, Any]) -> None:
    kind = (one["kind"] or "not a word of this exchange").removeprefix("application/vnd.detente.")
    typer.echo(f"{one['number']:6d}  {one['place']}: {kind}, {one['bytes']} bytes, digest {one['digest'][:16]}…")
    if one["signature"] == "does not hold":
        typer.echo(f"        does not hold: {one['why']}")
    if one["says"] is None:
        return
    says = one["says"]
    named = ", ".join(f"{name} {says[name]}" for name in ("epoch", "sequence", "ordinal", "word") if name in says)
    typer.echo(f"        signed by {one['signed_by']} for {says['receiver']}, {says['mark']}, {named}")
    if "label" in says:
        held = says["messages"]
        parts = (
            "came without" if held is None else ", ".join(f"{count} {name}" for name, count in held.items()) or "none"
        )
        typer.echo(f"        messages: {parts}; label: {says['label']}")


@envelope.command("json")
def to_json(
    file: File,
    number: Number = None,
    key: GivenKeys = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="default: stdout")] = None,
) -> None:
    """One word in DSSE's JSON form. With --key: only if its signature holds, else exit 1."""
    with owned_failures():
        from detente.centre.exchange import dsse
        from detente.gateway.envelope_file import only_word, read_words

        word, keys = only_word(file, read_words(file), number), public_keys(key)
        _refuse_unless_it_holds(word, keys)
        text = dsse.to_json(word.kind, word.frame)
        if out is None:
            typer.echo(text)
            return
        typer.echo(write_file(out, text.encode() + b"\n"))


@envelope.command()
def frame(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="a word in DSSE's JSON form, or any file of words")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="the frame, as it goes over a line")],
    number: Number = None,
    key: GivenKeys = None,
) -> None:
    """A word as the bytes that go over a line, if its signature holds by the keys given; else exit 1."""
    with owned_failures():
        from detente.gateway.envelope_file import only_word, read_words

        word, keys = only_word(file, read_words(file), number), public_keys(key)
        if keys is None:
            raise InputError("no --key", "--key PARTY=FILE", "name the key of whoever signed it")
        _refuse_unless_it_holds(word, keys)
        typer.echo(f"{write_file(out, word.frame)}: {len(word.frame)} bytes")


def _refuse_unless_it_holds(word: "Word", keys: "PublicKeys | None") -> None:
    """End with exit code 1 for what is no word, and for one that does not hold by the keys there are."""
    from detente.gateway.envelope_file import told

    if (found := told(word, keys))["signature"] == "does not hold":
        typer.echo(f"it does not hold: {found['why']}; nothing was written", err=True)
        raise typer.Exit(1)
