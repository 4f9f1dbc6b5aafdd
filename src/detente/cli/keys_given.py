"""Public keys named on the command line: ``--key PARTY=FILE``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.records.errors import InputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

GivenKeys = Annotated[
    list[str] | None,
    typer.Option("--key", metavar="PARTY=FILE", help="a party's public key (PEM), as known beforehand; repeat"),
]


def public_keys(given: Sequence[str] | None) -> "dict[str, list[Ed25519PublicKey]] | None":
    """The keys by party; None where none were given."""
    if not given:
        return None
    found: dict[str, list[Ed25519PublicKey]] = {}
    for said in given:
        party, _, name = said.partition("=")
        if not party or not name:
            raise InputError(f"--key {said!r}", "PARTY=FILE", "write, say, --key NATO=nato.pub.pem")
        found.setdefault(party, []).append(_public(Path(name)))
    return found


def _public(path: Path) -> "Ed25519PublicKey":
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    content = _content(path)
    try:
        if b"BEGIN CERTIFICATE" in content:
            key = x509.load_pem_x509_certificate(content).public_key()
        else:
            key = load_pem_public_key(content)
    except ValueError as error:
        raise _refused(path, "not a PEM file with a public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise _refused(path, "a public key of another kind")
    return key


def private_key(path: Path) -> "Ed25519PrivateKey":
    """The private key in a PEM file without a passphrase."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(_content(path), None)
    except (ValueError, TypeError) as error:
        raise _refused(path, "not a PEM file with a private key that has no passphrase") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _refused(path, "a private key of another kind")
    return key


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(65_536)
    except OSError as error:
        raise _refused(path, f"a key that cannot be read: {error.strerror}") from error


def _refused(path: Path, found: str) -> InputError:
    return InputError(found, "an Ed25519 key in PEM", "check which file is meant", file=str(path))
