"""``--set path=value``: one value of a scenario file replaced, such as ``sides.NATO.command_delay_s.value=30``."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from detente.records.errors import InputError
from detente.scenario.complaints import did_you_mean, shown
from detente.scenario.located import Located, Path, parse

FILE = "--set"


def override(located: Located, set_values: Sequence[str]) -> Located:
    """The same file with these values replaced, one after another. Nothing given is changed.

    A step of a path is a key, the index of a list's item, or its name (``name``, else ``use``). A bare number put in
    the place of a quantity fixes it: value, low and high are that number, and its source says where it came from.
    """
    for text in set_values:
        path_text, separator, value_text = text.partition("=")
        if not separator or not path_text.strip():
            raise _error(text, f"{text!r}", "path=value, such as tick_s=2", "write the path, '=', and the value")
        value = _value(path_text.strip(), value_text)
        path = _resolved(located.data, path_text.strip().split("."), path_text)
        data = _with(located.data, path, value)
        located = replace(located, data=data, replaced=(*located.replaced, path))
    return located


def _value(path: str, text: str) -> Any:
    if not text.strip():
        return None
    try:
        return parse(text, FILE, keep_marks=False).data
    except InputError as error:
        raise _error(
            path, f"{text!r}, {error.found}", error.expected, "write the value as YAML, in quotes for the shell"
        ) from error


def _resolved(data: Any, steps: list[str], said: str) -> Path:
    """The path's steps as keys and indexes. The last key, and keys below one not yet there, may be new."""
    path: list[str | int] = []
    while steps:
        if isinstance(data, list):
            index, used = _index(data, steps, said)
            path.append(index)
            data, steps = data[index], steps[used:]
        elif isinstance(data, dict) or data is None:
            path.append(steps[0])
            data, steps = (data or {}).get(steps[0]), steps[1:]
        else:
            raise _error(
                said, f"{steps[0]!r} below {shown(data)}", "a path that ends there", f"leave out '.{steps[0]}'"
            )
    return tuple(path)


def _index(items: list[Any], steps: list[str], said: str) -> tuple[int, int]:
    """Which item of a list the next steps name, and how many steps its name takes (names may hold dots)."""
    if steps[0].isdecimal():
        index = int(steps[0])
        if index >= len(items):
            raise _error(said, f"item {index}", f"an index from 0 to {len(items) - 1}", "count from 0")
        return index, 1
    names = [str(item.get("name") or item.get("use") or "") if isinstance(item, dict) else "" for item in items]
    for count in range(1, len(steps) + 1):
        name = ".".join(steps[:count])
        if name in names:
            return names.index(name), count
    known = [name for name in names if name]
    raise _error(
        said, f"no item called {steps[0]!r}", " or ".join(["an index from 0", *([", ".join(known)] if known else [])]),
        did_you_mean(steps[0], known) or "name an item that is there",
    )  # fmt: skip


def _with(data: Any, path: Path, value: Any) -> Any:
    """A copy of the data with one value replaced; containers on the way are copied, because aliases share them."""
    if not path:
        return _fixed(data, value)
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        return [*data[:step], _with(data[step], rest, value), *data[step + 1 :]]
    mapping = data or {}
    return {**mapping, step: _with(mapping.get(step), rest, value)}


def _fixed(before: Any, value: Any) -> Any:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and isinstance(before, dict) and "value" in before and "source" in before:
        return {"value": value, "low": value, "high": value, "source": "fixed by --set", "confidence": "low"}
    return value


def _error(path: str, found: str, expected: str, remedy: str) -> InputError:
    return InputError(found=found, expected=expected, remedy=remedy, file=FILE, path=path)
