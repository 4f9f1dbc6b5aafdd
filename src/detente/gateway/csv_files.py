"""Anyone's CSV file as an Arrow table; a complaint names the file's own line."""

import csv as plain_csv
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from detente.records.errors import InputError

UTF_16 = (b"\xff\xfe", b"\xfe\xff")
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
LONGEST_SHOWN = 160  # characters of a foreign message


def read_csv(path: Path) -> pa.Table:
    """A CSV file with a line of column names; InputError for what is no such file, with the line where one is at fault.

    What cannot be opened or is no text raises as it comes.
    """
    with path.open("rb") as file:
        head = file.read(65_536)
    if head.startswith(UTF_16):
        raise _refused(path, 0, "text in UTF-16", "text in UTF-8", "save it as CSV in UTF-8")
    names = head.decode("utf-8", "replace").partition("\n")[0]
    for separator, words in SEPARATORS.items():
        if separator in names and "," not in names:
            remedy = "write it with commas, and a point in 0.5" if separator == ";" else "write it with commas"
            raise _refused(path, 1, f"columns separated by {words}", "columns separated by commas", remedy)
    try:
        return csv.read_csv(path)
    except pa.ArrowInvalid as error:
        raise _uneven(path) or _refused(
            path, 0, f"cannot read it: {printable(str(error))}", "a CSV file with a header", "see docs/detections.md"
        ) from error  # fmt: skip


def printable(text: str) -> str:
    """The first line of somebody else's message, without what a terminal would obey."""
    line = text.partition("\n")[0]
    cut = line if len(line) <= LONGEST_SHOWN else f"{line[:LONGEST_SHOWN]} …"
    return "".join(letter if letter.isprintable() else "�" for letter in cut)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number and text of every line that holds anything, as Arrow counts them."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if line != "\n":
                yield number, line


def _uneven(path: Path) -> InputError | None:
    """The first line with more or fewer cells than there are names."""
    wanted = 0
    for number, line in _lines(path):
        try:
            count = len(next(plain_csv.reader([line]), []))
        except plain_csv.Error:
            return None
        if wanted and count != wanted:
            return _refused(
                path, number, f"{count} cells", f"{wanted}, as in the line of names", "correct the line, or the names"
            )
        wanted = count
    return None


def _refused(path: Path, line: int, found: str, expected: str, remedy: str) -> InputError:
    return InputError(found=found, expected=expected, remedy=remedy, file=str(path), line=line)
