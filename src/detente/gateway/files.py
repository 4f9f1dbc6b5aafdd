"""A side's own files, read with their places kept, so that whatever is wrong with one is told by line and column."""

import json
from pathlib import Path

from detente.records.errors import InputError
from detente.scenario.located import BYTES_MAX, Located, parse


def located_file(path: Path) -> Located:
    """A YAML (or JSON) mapping; InputError where the file is not one."""
    said = str(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(BYTES_MAX + 1)
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise InputError(
            found=f"a file that cannot be read: {error.strerror}", expected="a readable YAML file",
            remedy="check the path and the permissions", file=said,
        ) from error  # fmt: skip
    except UnicodeDecodeError as error:
        raise InputError(
            found="bytes that are not UTF-8", expected="UTF-8 text", remedy="save the file as UTF-8", file=said
        ) from error
    if len(content) > BYTES_MAX:
        raise InputError(
            found=f"more than {BYTES_MAX:,} bytes", expected="a smaller file", remedy="check that it is the file meant",
            file=said,
        )  # fmt: skip
    located = parse(text, said)
    if not isinstance(located.data, dict):
        raise located.problem((), "no mapping", "a mapping of keys and values", "see docs/live.md")
    return located


def why_not(error: Exception) -> str:
    """Why bytes are not what they were read as, in words for people rather than Python's."""
    if isinstance(error, json.JSONDecodeError):
        return f"no JSON from line {error.lineno}, column {error.colno}, on"
    if isinstance(error, UnicodeDecodeError):
        return "bytes that are no text in UTF-8"
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]!r}"
    if isinstance(error, (TypeError, AttributeError, RecursionError)):
        return "it is built otherwise"
    return str(error)
