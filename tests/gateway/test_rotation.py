"""Keys are changed as docs/security.md says: at each step both sides' configurations hold."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from typer.testing import CliRunner

from detente.cli.app import app
from detente.exercise.layout import lay_out
from detente.gateway.config import read_config
from detente.gateway.prepare import Ready, prepare
from detente.records.errors import InputError
from detente.scenario.files import load_agreement, load_scenario


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lay_out(tmp_path, load_scenario("theatre-2011"), load_agreement("lisbon-2011"), origin=datetime.now(UTC), rate=1.0)
    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "new.key").write_bytes(private)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "new.pub").write_bytes(public)
    return tmp_path


def ready(folder: Path, side: str) -> Ready:
    return prepare(read_config(folder / f"{side}.yaml"))


def believes(folder: Path, *keys: str) -> None:
    """NATO lists these keys of Russia's."""
    document = json.loads((folder / "NATO.yaml").read_text())
    document["partners"][0]["signing"] = list(keys)
    (folder / "NATO.yaml").write_text(json.dumps(document))


def signs_with(folder: Path, key: str) -> None:
    """Russia signs with this one from now on."""
    document = json.loads((folder / "Russia.yaml").read_text())
    document["keys"]["signing"] = key
    (folder / "Russia.yaml").write_text(json.dumps(document))


OLD, NEW = "keys/public/Russia/signing.pub", "new.pub"


def sign_anew(folder: Path) -> None:
    words = ["agreement", "sign", folder / "agreement.yaml", "--party", "Russia", "--private-key", folder / "new.key"]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output


def test_a_key_is_rotated_without_a_break(folder: Path) -> None:
    digest = ready(folder, "NATO").gateway.digest
    believes(folder, OLD, NEW)
    ready(folder, "NATO")
    sign_anew(folder)
    signs_with(folder, "new.key")
    for side in ("NATO", "Russia"):
        assert ready(folder, side).gateway.digest == digest, "the same agreement: nothing that waits is closed"
    believes(folder, NEW)
    gateway = ready(folder, "NATO").gateway
    assert len(gateway.keys["Russia"]) == 1


def test_a_revoked_key_takes_its_signature_under_the_agreement_with_it(folder: Path) -> None:
    """No centre goes on under what somebody else may have signed: until it is signed anew, the exchange is left out."""
    believes(folder, NEW)
    with pytest.raises(InputError, match="Russia signed with a key that is not trusted"):
        ready(folder, "NATO")
    document = json.loads((folder / "NATO.yaml").read_text())
    without = {name: value for name, value in document.items() if name not in ("agreement", "signatures")}
    (folder / "NATO.yaml").write_text(json.dumps(without))
    assert ready(folder, "NATO").gateway.setting.agreement is None
    (folder / "NATO.yaml").write_text(json.dumps(document))
    sign_anew(folder)
    assert ready(folder, "NATO").gateway.setting.agreement is not None
