"""YAML text to plain values, with the place of every value kept, and a limit on everything a hostile text could grow.

The text is read as a stream of events, so that a limit stops it before memory does. Scalars follow the YAML 1.2 core
schema: ``no`` and ``2010-12-01`` are strings here, and only true, false, null and numbers are anything else.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from detente.records.errors import InputError

BYTES_MAX = 5_000_000
DEPTH_MAX = 40
VALUES_MAX = 150_000  # after aliases are written out
SCALAR_CHARACTERS_MAX = 20_000
PURE_CHARACTERS_MAX = 100_000  # beyond this the slower parser is not asked for a second opinion

Path = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


@dataclass(frozen=True)
class Mark:
    """Where something is written; lines and columns count from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Located:
    """What a file says, and where it says each part of it."""

    file: str
    data: Any
    values: dict[Path, Mark]  # where a value starts
    keys: dict[Path, Mark]  # where its key starts
    replaced: tuple[Path, ...] = ()  # what did not come from the file but from the command line

    def mark(self, path: Path, *, key: bool = False) -> Mark:
        """The place of a path; of the nearest thing that holds it where the path itself is not written."""
        for length in range(len(path), -1, -1):
            found = (self.keys if key and length == len(path) else self.values).get(path[:length])
            if found is not None:
                return found
        return Mark(0, 0)

    def problem(
        self, path: Path, found: str, expected: str, remedy: str, *, key: bool = False, parts: bool = False
    ) -> InputError:
        """An error about the value (or the key) at a path, with its place.

        ``parts``: it is about how the value's own parts fit together, so that replacing one of them caused it.
        """
        said = ".".join(str(step) for step in path)
        if any(path[: len(part)] == part or (parts and part[:-1] == path) for part in self.replaced):
            return InputError(found=found, expected=expected, remedy=remedy, file="--set", path=said)
        mark = self.mark(path, key=key)
        return InputError(
            found=found, expected=expected, remedy=remedy,
            file=self.file, line=mark.line, column=mark.column, path=said,
        )  # fmt: skip


@dataclass
class _Open:
    """A mapping or sequence whose end has not been read yet."""

    value: dict[str, Any] | list[Any]
    path: Path
    anchor: str | None
    start: Mark
    key: str | None = None
    size: int = 1


@dataclass
class _Reading:
    """What has been read of a text so far."""

    file: str
    keep_marks: bool
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Any, int, Path]] = field(default_factory=dict)
    values: dict[Path, Mark] = field(default_factory=dict)
    keys: dict[Path, Mark] = field(default_factory=dict)
    count: int = 0
    root: Any = None


def parse(text: str, file: str, *, keep_marks: bool = True) -> Located:
    """Read one YAML document; whatever is wrong with the text itself is an InputError with line and column."""
    if _has_half_character(text):
        raise _error(file, Mark(0, 0), "half of a character (a surrogate)", "Unicode text", "write it again as UTF-8")
    try:
        return _parse(text, file, keep_marks, pure=False)
    except InputError as error:
        # The compiled parser refuses a little of YAML 1.2 (a colon inside a plain scalar in braces). Where it finds
        # fault with the syntax, ruamel's own parser, seven times slower, has the last word.
        if not isinstance(error.__cause__, YAMLError) or len(text) > PURE_CHARACTERS_MAX:
            raise
    return _parse(text, file, keep_marks, pure=True)


def _parse(text: str, file: str, keep_marks: bool, *, pure: bool) -> Located:
    reading = _Reading(file, keep_marks)
    documents = 0
    try:
        for event in _events(text, pure):
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _error(
                        file, _mark(event), "a second YAML document", "one document", "delete what follows '---'"
                    )
            else:
                _take(reading, event)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Mark(mark.line + 1, mark.column + 1) if mark else Mark(0, 0)
        said = " ".join(part for part in (error.context, error.problem) if part)
        raise _error(file, place, f"text that is not YAML: {said}", "valid YAML 1.2", _syntax_remedy(said)) from error
    except ReaderError as error:
        raise _error(
            file,
            Mark(0, 0),
            f"a character YAML does not allow: {error.reason}",
            "printable text",
            "delete the character",
        ) from error
    except YAMLError as error:
        said = str(error).splitlines()[0]
        raise _error(
            file, Mark(0, 0), f"text that is not YAML: {said}", "valid YAML 1.2", _syntax_remedy(said)
        ) from error
    if documents == 0:
        raise _error(
            file, Mark(1, 1), "an empty file", "a YAML mapping", "see docs/scenario-files.md for what to write"
        )
    return Located(file, reading.root, reading.values, reading.keys)


def _has_half_character(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def scalar(text: str) -> Any:
    """A plain (unquoted) scalar by the YAML 1.2 core schema."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "+-.0123456789" and len(text) <= 64:
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
        if text.startswith("0x") and re.fullmatch(r"0x[0-9a-fA-F]+", text):
            return int(text, 16)
        if text.startswith("0o") and re.fullmatch(r"0o[0-7]+", text):
            return int(text, 8)
    return text


def _events(text: str, pure: bool) -> Iterator[Any]:
    return YAML(typ="safe", pure=pure).parse(text)


def _take(reading: _Reading, event: Any) -> None:
    if isinstance(event, ScalarEvent):
        plain = event.implicit[0] and event.tag is None
        if len(event.value) > SCALAR_CHARACTERS_MAX:
            raise _limit(
                reading, event, f"a value of {len(event.value)} characters", SCALAR_CHARACTERS_MAX, "characters"
            )
        if _has_half_character(event.value):
            raise _error(
                reading.file, _mark(event), "half of a character (a surrogate escape)", "Unicode text",
                "write the character itself, or its \\U escape of eight digits",
            )  # fmt: skip
        value = scalar(event.value) if plain else event.value
        top = reading.stack[-1] if reading.stack else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            _take_key(reading, top, event)
        else:
            _refuse_tag(reading, event)
            _place(reading, value, 1, event)
            if event.anchor is not None:
                reading.anchors[event.anchor] = (value, 1, ())
    elif isinstance(event, (MappingStartEvent, SequenceStartEvent)):
        _open(reading, event)
    elif isinstance(event, (MappingEndEvent, SequenceEndEvent)):
        _close(reading)
    elif isinstance(event, AliasEvent):
        _take_alias(reading, event)


def _take_key(reading: _Reading, top: _Open, event: Any) -> None:
    mark = _mark(event)
    key = event.value
    if key == "<<" and event.implicit[0]:
        raise _error(reading.file, mark, "a merge key '<<'", "YAML 1.2, which has none", "write the values out")
    if key in top.value:
        first = reading.keys.get((*top.path, key))
        where = f" (first in line {first.line})" if first else ""
        raise _error(
            reading.file, mark, f"key {key!r} twice{where}", "each key once", "delete or rename one of the two",
            path=(*top.path, key),
        )  # fmt: skip
    top.key = key
    if reading.keep_marks:
        reading.keys[(*top.path, key)] = mark


def _next_path(reading: _Reading) -> Path:
    if not reading.stack:
        return ()
    top = reading.stack[-1]
    step = top.key if isinstance(top.value, dict) else len(top.value)
    assert step is not None
    return (*top.path, step)


def _place(reading: _Reading, value: Any, size: int, event: Any) -> None:
    """Put a finished value where it belongs."""
    reading.count += size
    if reading.count > VALUES_MAX:
        raise _limit(reading, event, "more values than allowed (aliases written out)", VALUES_MAX, "values")
    if reading.keep_marks:
        reading.values[_next_path(reading)] = _mark(event)
    if not reading.stack:
        reading.root = value
        return
    top = reading.stack[-1]
    top.size += size
    if isinstance(top.value, dict):
        assert top.key is not None
        top.value[top.key] = value
        top.key = None
    else:
        top.value.append(value)


def _open(reading: _Reading, event: Any) -> None:
    if len(reading.stack) >= DEPTH_MAX:
        raise _limit(reading, event, f"nesting deeper than {DEPTH_MAX} levels", DEPTH_MAX, "levels")
    if reading.stack and isinstance(reading.stack[-1].value, dict) and reading.stack[-1].key is None:
        raise _error(
            reading.file,
            _mark(event),
            "a mapping or list as a key",
            "text as a key",
            "quote the key, or mend the indent",
        )
    _refuse_tag(reading, event)
    path = _next_path(reading)
    if reading.keep_marks:
        reading.values[path] = _mark(event)
    value: dict[str, Any] | list[Any] = {} if isinstance(event, MappingStartEvent) else []
    reading.stack.append(_Open(value, path, event.anchor, _mark(event)))


def _close(reading: _Reading) -> None:
    done = reading.stack.pop()
    # Its parts are counted already; what is left to count is the container itself.
    reading.count += 1
    if done.anchor is not None:
        reading.anchors[done.anchor] = (done.value, done.size, done.path)
    if not reading.stack:
        reading.root = done.value
        return
    top = reading.stack[-1]
    top.size += done.size
    if isinstance(top.value, dict):
        assert top.key is not None
        top.value[top.key] = done.value
        top.key = None
    else:
        top.value.append(done.value)


def _take_alias(reading: _Reading, event: Any) -> None:
    found = reading.anchors.get(event.anchor)
    if found is None:
        raise _error(reading.file, _mark(event), f"alias *{event.anchor}", "an anchor written above it",
                     f"write &{event.anchor} at the value meant, or write the value out")  # fmt: skip
    value, size, _ = found
    top = reading.stack[-1] if reading.stack else None
    if top is not None and isinstance(top.value, dict) and top.key is None:
        raise _error(reading.file, _mark(event), "an alias as a key", "text as a key", "write the key out")
    _place(reading, value, size, event)


def _refuse_tag(reading: _Reading, event: Any) -> None:
    tag = event.tag
    if tag is not None and str(tag) not in (
        "!",
        "tag:yaml.org,2002:str",
        "tag:yaml.org,2002:map",
        "tag:yaml.org,2002:seq",
    ):
        raise _error(reading.file, _mark(event), f"the tag {tag}", "plain values without tags", "delete the tag")


def _mark(event: Any) -> Mark:
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


def _limit(reading: _Reading, event: Any, found: str, limit: int, unit: str) -> InputError:
    return _error(reading.file, _mark(event), found, f"at most {limit:,} {unit}", "split or shorten the file")


def _error(file: str, mark: Mark, found: str, expected: str, remedy: str, *, path: Path = ()) -> InputError:
    return InputError(found=found, expected=expected, remedy=remedy, file=file, line=mark.line, column=mark.column,
                      path=".".join(str(step) for step in path))  # fmt: skip


def _syntax_remedy(said: str) -> str:
    if (
        "end of the stream" in said
        or "<stream end>" in said
        or "end of stream" in said
        or "end of the document" in said
    ):
        return "the file seems to end early: close what is open, or fetch the file again"
    if "tab" in said or "\\t" in said:
        return "indent with spaces, not tabs"
    return "mend the indent, quote or bracket at this place"
