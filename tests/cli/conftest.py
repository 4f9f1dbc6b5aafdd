"""Commands run in this process, where only their words and exit codes matter."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from typer.testing import CliRunner, Result

from detente.cli.app import app

Command = Callable[..., Result]


@pytest.fixture
def command() -> Command:
    runner = CliRunner()
    return lambda *words: runner.invoke(app, [str(word) for word in words])


@pytest.fixture
def pem_keys(tmp_path: Path) -> dict[str, tuple[Path, Path]]:
    """Private and public key files by side."""
    found = {}
    for index, side in enumerate(("NATO", "Russia")):
        key = Ed25519PrivateKey.from_private_bytes(bytes([index + 1]) * 32)
        private, public = tmp_path / f"{side}.key", tmp_path / f"{side}.pub"
        private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        found[side] = (private, public)
    return found
