"""The signatures under an agreement, in a file beside it: ``lisbon-2011.yaml`` has ``lisbon-2011.signatures.json``."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from detente.centre.exchange.digest import digest
from detente.centre.exchange.signature import Signature
from detente.gateway.files import why_not
from detente.gateway.writing import owned_disk_errors, whole
from detente.records.errors import InputError
from detente.scenario.agreement import Agreement

BYTES_MAX = 65_536
SIGNATURES_MAX = 256
HEX = re.compile(r"(?:[0-9a-f]{2})+")


def signatures_path(agreement_file: Path) -> Path:
    """Where the signatures under an agreement's file are looked for."""
    return agreement_file.with_name(agreement_file.name.removesuffix(".yaml") + ".signatures.json")


def read_signatures(path: Path) -> list[Signature]:
    """The signatures in a file, in order. Raises InputError where it is no such file; none of them is checked here."""
    try:
        with path.open("rb") as stream:
            content = stream.read(BYTES_MAX + 1)
    except OSError as error:
        raise _refused(path, f"a file that cannot be read: {error.strerror}") from error
    try:
        if len(content) > BYTES_MAX:
            raise ValueError(f"more than {BYTES_MAX} bytes")
        said = json.loads(content.decode())
        if said["schema"] != 1 or len(said["signatures"]) > SIGNATURES_MAX:
            raise ValueError("another schema, or too many signatures")
        return [_signature(line) for line in said["signatures"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _refused(path, f"not a file of signatures: {why_not(error)}") from error


def write_signatures(path: Path, agreement: Agreement, signatures: Sequence[Signature]) -> None:
    """Write all signatures under an agreement, the whole file or nothing."""
    lines = [
        {"party": one.party, "key": one.key.hex(), "signature": one.signature.hex()} for one in signatures
    ]  # fmt: skip
    document = {"schema": 1, "agreement": agreement.name, "digest": digest(agreement), "signatures": lines}
    with owned_disk_errors(path), whole(path, over=True) as scratch:
        scratch.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _signature(line: dict[str, str]) -> Signature:
    key, signature = line["key"], line["signature"]
    if not (HEX.fullmatch(key) and HEX.fullmatch(signature) and type(line["party"]) is str):
        raise ValueError("a key or a signature that is not written in hexadecimal digits")
    return Signature(party=line["party"], key=bytes.fromhex(key), signature=bytes.fromhex(signature))


def _refused(path: Path, found: str) -> InputError:
    return InputError(
        found=found, expected="signatures as `detente agreement sign` writes them",
        remedy="have each party sign, or name the right file", file=str(path),
    )  # fmt: skip
