"""``detente agreement``: read, question, compare, sign and verify what two sides are about to bind themselves to."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detente.cli.keys_given import GivenKeys, public_keys
from detente.cli.options import Json, Listing, emit, owned_failures
from detente.records.errors import InputError

if TYPE_CHECKING:
    from detente.centre.exchange.comparison import Change
    from detente.centre.exchange.signature import Signature
    from detente.scenario.agreement import Agreement

DECISIONS = 20  # of a run that are listed unless told otherwise

agreement = typer.Typer(
    name="agreement", cls=Listing,
    help="An agreement: what it may release, why, what a change does, and who signed it.",
    no_args_is_help=True, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip
File = Annotated[str, typer.Argument(metavar="NAME|FILE", help="a bundled agreement or a YAML file")]
Signatures = Annotated[
    Path | None, typer.Option("--signatures", metavar="FILE", help="default: beside the agreement's file")
]


@agreement.command()
def check(
    file: File,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="a UTC time to ask for; default: now")] = None,
    as_json: Json = False,
) -> None:
    """Contradictions, clauses without effect, one-sided ones, expiry, and the most that each clause can reveal.

    Exit 1 if the agreement does not say what it seems to say.
    """
    with owned_failures():
        from detente.centre.exchange.digest import digest
        from detente.centre.exchange.obligations import terms_words
        from detente.centre.exchange.review import review
        from detente.centre.exchange.wording import most_revealing
        from detente.cli import show_agreement
        from detente.geodesy.timescale import format_moment, parse_moment

        asked = _load(file)
        now = datetime.now(UTC) if at is None else parse_moment(at)
        findings = review(asked, now, _countries())
        sound = not any(finding.serious for finding in findings)
        found = {
            "agreement": asked.name, "digest": digest(asked), "at": format_moment(now), "sound": sound,
            "findings": [
                {"kind": finding.kind.value, "serious": finding.serious, "clause": finding.clause, "text": finding.text}
                for finding in findings
            ],
            "clauses": [
                {
                    "name": clause.name, "at_most": most_revealing(clause), "bound": terms_words(clause),
                    "retention_s": clause.retention_s, "terms": clause.terms.model_dump(mode="json"),
                    "label": clause.label.model_dump(mode="json"),
                }
                for clause in asked.clauses
            ],
        }  # fmt: skip
        if as_json:
            emit(found)
        else:
            show_agreement.check(found)
    if not sound:
        raise typer.Exit(1)


@agreement.command()
def explain(
    file: File,
    what: Annotated[Path, typer.Argument(metavar="MESSAGE|RUN_DIR", help="facts of one message, or a run's folder")],
    track: Annotated[
        str | None, typer.Option("--track", metavar="SIDE:NUMBER", help="of a run: one side's track alone")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="of a run: decisions listed one by one; default: 20")
    ] = None,
    as_json: Json = False,
) -> None:
    """Which clause releases or withholds a message, and why: of one message, or of all that a run decided."""
    with owned_failures():
        from detente.centre.exchange.explanation import Facts, Known
        from detente.centre.exchange.explanation import explain as explained
        from detente.cli import show_agreement
        from detente.scenario.files import load_model
        from detente.studies.decisions import decisions_of

        asked = _load(file)
        if what.is_dir():
            found = decisions_of(what, asked, track=track, limit=DECISIONS if limit is None else limit)
        else:
            _refuse_of_a_run(track, limit)
            known = Known(parties=asked.parties, countries=_countries())
            told = explained(asked, load_model(what, Facts, known))
            found = {
                "agreement": asked.name, "released": told.released, "why": told.why,
                "told_in": list(told.told_in),
                "clauses": [
                    {
                        "name": judgement.clause, "releases": judgement.releases, "waits_s": judgement.waits_s,
                        "reasons": list(judgement.reasons),
                    }
                    for judgement in told.judgements
                ],
            }  # fmt: skip
        if as_json:
            emit(found)
        elif what.is_dir():
            show_agreement.decisions(found)
        else:
            show_agreement.judgements(found)


def _refuse_of_a_run(track: str | None, limit: int | None) -> None:
    """Raise InputError where one message is asked about as if it were a run."""
    for option, value in (("--track", track), ("--limit", limit)):
        if value is not None:
            raise InputError(
                f"{option} {value!r}, of one message", "a run's folder, whose decisions it chooses among",
                f"leave {option} out, or name a run's folder", path=option,
            )  # fmt: skip


@agreement.command()
def diff(before: File, after: File, as_json: Json = False) -> None:
    """What the second agreement newly releases or withholds, against the first, and on what other terms."""
    with owned_failures():
        from detente.centre.exchange.comparison import difference
        from detente.centre.exchange.digest import digest
        from detente.cli import show_agreement

        one, other = _load(before), _load(after)
        change = difference(one, other)
        found = {
            "before": one.name, "after": other.name, "same": change.same, "validity": change.validity,
            "same_text": digest(one) == digest(other),
            "parties_in": list(change.parties_in), "parties_out": list(change.parties_out),
            "newly_releases": [_change(item) for item in change.newly_releases],
            "newly_withholds": [_change(item) for item in change.newly_withholds],
            "terms": [
                {
                    "kind": shift.kind, "between": list(shift.between), "text": shift.text,
                    "loses": list(shift.loses), "gains": list(shift.gains),
                }
                for shift in change.terms
            ],
        }  # fmt: skip
        if as_json:
            emit(found)
        else:
            show_agreement.change(found)


def _change(change: "Change") -> dict[str, Any]:
    from detente.centre.exchange.obligations import terms_words
    from detente.centre.exchange.wording import most_revealing

    clause = change.clause
    return {
        "clause": clause.name, "giver": clause.giver, "receiver": clause.receiver, "data": clause.data,
        "at_most": most_revealing(clause), "bound": terms_words(clause), "shown": change.shown,
        "where": list(change.where), "nearest": change.nearest, "beyond": list(change.beyond),
    }  # fmt: skip


@agreement.command()
def sign(
    file: File,
    party: Annotated[str, typer.Option("--party", help="who signs")],
    key: Annotated[Path, typer.Option("--private-key", metavar="FILE", help="its Ed25519 private key (PEM)")],
    signatures: Signatures = None,
    as_json: Json = False,
) -> None:
    """Sign an agreement for one party; the signature is added to the file of signatures."""
    with owned_failures():
        from detente.centre.exchange.digest import digest
        from detente.centre.exchange.signature import sign as signed
        from detente.gateway.keys import read_signing_key
        from detente.gateway.signatures import read_signatures, write_signatures

        asked, path = _load(file), _signatures_file(file, signatures)
        mine = signed(asked, party, read_signing_key(key))
        there = read_signatures(path) if path.exists() else []
        _refuse_other_text(asked, there, path)
        others = [one for one in there if one.party != party]
        write_signatures(path, asked, [*others, mine])
        found = {
            "agreement": asked.name, "digest": digest(asked), "party": party, "key": mine.key.hex(),
            "signatures": str(path), "signed_by": [one.party for one in (*others, mine)],
        }  # fmt: skip
        if as_json:
            emit(found)
        else:
            typer.echo(f"{party} signed {asked.name}, digest {found['digest']}")
            typer.echo(f"wrote {path}; signed by {', '.join(found['signed_by'])}")


def _refuse_other_text(asked: "Agreement", there: "list[Signature]", path: Path) -> None:
    """Raise InputError where signatures under another agreement would be replaced, or stand beside one under this."""
    from detente.centre.exchange.signature import holds

    other = next((one.party for one in there if not holds(asked, one)), None)
    if other is not None:
        raise InputError(
            f"a signature of {other} that is not under this text of {asked.name!r}",
            "a new file, or one of signatures under the same text",
            "name another with --signatures, or move this one away, where it is of an earlier text", file=str(path),
        )  # fmt: skip


@agreement.command()
def verify(file: File, key: GivenKeys = None, signatures: Signatures = None, as_json: Json = False) -> None:
    """Has every party signed? Exit 1 unless all did.

    Without --key any key counts, none for two parties: compare the keys shown by another way before you rely on it.
    """
    with owned_failures():
        from detente.centre.exchange.digest import digest
        from detente.centre.exchange.signature import standings
        from detente.gateway.signatures import read_signatures

        asked, path = _load(file), _signatures_file(file, signatures)
        trusted = public_keys(key)
        strangers = sorted(set(trusted or ()) - set(asked.parties))
        if strangers:
            raise InputError(
                f"--key {strangers[0]}=…, and {strangers[0]} is no party of {asked.name!r}",
                f"keys of {', '.join(asked.parties)}", "correct the name, or leave that key out",
            )  # fmt: skip
        none_yet = signatures is None and not path.exists()
        stands = standings(asked, [] if none_yet else read_signatures(path), trusted)
        complete = all(stand.signed for stand in stands)
        found = {
            "agreement": asked.name, "digest": digest(asked), "signed_by_all": complete,
            "keys_known_beforehand": trusted is not None, "signatures": str(path),
            "parties": [
                {
                    "party": stand.party, "signed": stand.signed, "trusted": stand.trusted, "key": stand.key.hex(),
                    "why": stand.why,
                }
                for stand in stands
            ],
        }  # fmt: skip
        if as_json:
            emit(found)
        else:
            typer.echo(f"{asked.name}, digest {found['digest']}")
            for stand in stands:
                typer.echo(f"  {stand.party}: {'signed with key ' + stand.key.hex() if stand.signed else stand.why}")
            if complete and trusted is None:
                typer.echo("signed by all, with keys that nobody vouched for: compare them by another way")
            else:
                typer.echo("signed by all" if complete else "not signed by all")
    if not complete:
        raise typer.Exit(1)


def _countries() -> frozenset[str]:
    """The alpha-3 codes of the states there are and were."""
    from detente.geodesy.borders import load_borders

    return frozenset(load_borders().codes)


def _load(name: str) -> "Agreement":
    from detente.scenario.files import load_agreement

    return load_agreement(name)


def _signatures_file(name: str, given: Path | None) -> Path:
    """The file of signatures; for a bundled agreement one in this folder, since the bundle is nobody's to write in."""
    from detente.gateway.signatures import signatures_path
    from detente.scenario.files import find_agreement

    if given is not None:
        if given.is_dir():
            raise InputError("a folder", "a file of signatures", "name a file in it", file=str(given))
        return given
    found = find_agreement(name)
    beside = Path(found.name) if str(found) != name else found
    return signatures_path(beside)
