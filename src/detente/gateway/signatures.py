"""An agreement file and the file of signatures under it, as a gateway reads them."""

import json
from pathlib import Path

from detente.centre.exchange.signature import Signature
from detente.gateway.config import validated
from detente.gateway.files import located_file
from detente.records.errors import InputError
from detente.scenario.agreement import Agreement

BYTES_MAX = 1_000_000


def read_agreement(path: Path) -> Agreement:
    """The agreement in a file."""
    return validated(located_file(path), Agreement)


def read_signatures(path: Path) -> list[Signature]:
    """The signatures in a JSON file: ``{"signatures": [{"party", "key", "signature"}]}``, hexadecimal."""
    try:
        text = path.read_bytes()[:BYTES_MAX].decode()
        return [
            Signature(party=str(one["party"]), key=bytes.fromhex(one["key"]), signature=bytes.fromhex(one["signature"]))
            for one in json.loads(text)["signatures"]
        ]
    except OSError as error:
        raise _refused(path, f"a file that cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _refused(path, f"not a list of signatures: {type(error).__name__}: {error}") from error


def write_signatures(signatures: list[Signature]) -> str:
    """The text of such a file."""
    lines = [
        {"party": one.party, "key": one.key.hex(), "signature": one.signature.hex()} for one in signatures
    ]  # fmt: skip
    return json.dumps({"signatures": lines}, indent=1) + "\n"


def _refused(path: Path, found: str) -> InputError:
    return InputError(
        found=found, expected="the signatures of all parties, as `detente agreement sign` writes them",
        remedy="name the right file", file=str(path),
    )  # fmt: skip
