"""Public keys named on the command line: ``--key PARTY=FILE``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.records.errors import InputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

GivenKeys = Annotated[
    list[str] | None,
    typer.Option("--key", metavar="PARTY=FILE", help="a party's public key (PEM), as known beforehand; repeat"),
]


def public_keys(given: Sequence[str] | None) -> "dict[str, list[Ed25519PublicKey]] | None":
    """The keys by party; None where none were given."""
    from detente.gateway.keys import read_public_key

    if not given:
        return None
    found: dict[str, list[Ed25519PublicKey]] = {}
    for said in given:
        party, _, name = said.partition("=")
        if not party or not name:
            raise InputError(f"--key {said!r}", "PARTY=FILE", "write, say, --key NATO=nato.pub.pem")
        found.setdefault(party, []).append(read_public_key(Path(name)))
    return found
