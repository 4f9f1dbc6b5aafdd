"""Keyword-value notation: the plain text form of CCSDS navigation messages (502.0-B-3 and 503.0-B-2, "KVN").

A message is lines of ``KEYWORD = value``, of numbers, or of ``…_START`` and ``…_STOP`` around a block. Only what this
project writes or can use is read; what is not understood is told by line.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from detente.records.errors import InputError

BYTES_MAX = 200_000_000
FRAME = "ITRF2000"
"""Our Earth-fixed frame, WGS 84, stays within centimetres of the realisations of the ITRF, which the SANA registry of
reference frames names."""
FRAMES = ("ITRF", "ITRF-93", "ITRF-97", "ITRF93", "ITRF97", "ITRF2000", "ITRF2005", "ITRF2008", "ITRF2014", "ITRF2020")


@dataclass(frozen=True)
class Line:
    """One line that says something, and where it stands."""

    number: int
    text: str

    @property
    def pair(self) -> tuple[str, str] | None:
        """Keyword and value, None where it is something else. A unit in brackets behind the value is dropped."""
        keyword, equals, value = self.text.partition("=")
        if not equals:
            return None
        return keyword.strip(), value.split("[")[0].strip()


@dataclass
class Block:
    """A part of a message between its START and STOP, with the words and rows in it."""

    name: str
    start: Line
    words: dict[str, Line] = field(default_factory=dict)
    rows: list[Line] = field(default_factory=list)  # lines that are no keywords, and repeated keywords, in order


@dataclass(frozen=True)
class Message:
    """A message: what its header says, and its blocks in order. Rows outside any block stand in blocks named ''."""

    file: str
    version: Line
    header: dict[str, Line]
    blocks: tuple[Block, ...]

    def refused(self, line: Line, found: str, expected: str) -> InputError:
        """An error about a line."""
        return InputError(
            found=found, expected=expected, remedy="correct the line, or write the message anew", file=self.file,
            line=line.number,
        )  # fmt: skip

    def value(self, words: dict[str, Line], keyword: str, at: Line, default: str | None = None) -> str:
        """A keyword's value; refused where it must be there and is not."""
        if keyword in words:
            return (words[keyword].pair or ("", ""))[1]
        if default is None:
            raise self.refused(at, f"no {keyword}", f"{keyword} = …")
        return default

    def number(self, text: str, at: Line) -> float:
        """A finite number."""
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.refused(at, f"{text!r}", "a number")
        return value

    def moment(self, text: str, at: Line) -> datetime:
        """A UTC time, by calendar or by day of the year."""
        said = text.removesuffix("Z")
        try:
            day, _, clock = said.partition("T")
            if day.count("-") == 1:
                year, of_year = day.split("-")
                start = datetime(int(year), 1, 1, tzinfo=UTC) + timedelta(days=int(of_year) - 1)
                return datetime.fromisoformat(f"{start:%Y-%m-%d}T{clock}").replace(tzinfo=UTC)
            return datetime.fromisoformat(said).replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            raise self.refused(at, f"{text!r}", "a time as 2011-06-01T12:00:00.5 or 2011-152T12:00:00") from None

    def require(self, words: dict[str, Line], at: Line, **wanted: Sequence[str]) -> None:
        """Refuse a value that is not among those that are understood. Keywords that are missing pass."""
        for keyword, allowed in wanted.items():
            said = self.value(words, keyword, at, allowed[0])
            if said not in allowed:
                raise self.refused(words[keyword], f"{keyword} = {said}", f"one of {', '.join(allowed)}")


def read_text(path: Path) -> str:
    """A file's text; refused by size before it is read."""
    try:
        if path.stat().st_size > BYTES_MAX:
            raise OSError(0, f"it holds more than {BYTES_MAX:,} bytes")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            found=f"a file that cannot be read: {error}", expected="a CCSDS message in keyword-value notation",
            remedy="check which file is meant", file=str(path),
        ) from error  # fmt: skip


def parse(text: str, file: str, kind: str) -> Message:
    """A message of a kind (``OEM``, ``OCM``, ``TDM``) as its blocks. Raises InputError with the line."""
    lines = [
        Line(number, stripped)
        for number, line in enumerate(text.splitlines(), 1)
        if (stripped := line.strip()) and not stripped.startswith("COMMENT")
    ]
    first = lines[0] if lines else Line(1, "")
    if first.pair is None or first.pair[0] != f"CCSDS_{kind}_VERS":
        raise InputError(
            found=f"{first.text[:60]!r}", expected=f"CCSDS_{kind}_VERS = … in the first line",
            remedy=f"give a CCSDS {kind} in keyword-value notation", file=file, line=first.number,
        )  # fmt: skip
    header: dict[str, Line] = {}
    blocks = list(_blocks(lines[1:], header, file))
    return Message(file=file, version=first, header=header, blocks=tuple(blocks))


def _blocks(lines: Sequence[Line], header: dict[str, Line], file: str) -> Iterator[Block]:
    open_block: Block | None = None
    loose: Block | None = None
    for line in lines:
        word = line.text.split()[0]
        if line.pair is None and word.endswith("_START"):
            if loose is not None:
                yield loose
                loose = None
            open_block = Block(word.removesuffix("_START"), line)
        elif line.pair is None and word.endswith("_STOP"):
            if open_block is None or open_block.name != word.removesuffix("_STOP"):
                raise InputError(
                    found=word, expected="the end of the block that is open", remedy="correct the blocks", file=file,
                    line=line.number,
                )  # fmt: skip
            yield open_block
            open_block = None
        elif open_block is not None:
            _into(open_block, line)
        elif line.pair is not None and loose is None:
            header[line.pair[0]] = line
        else:
            loose = loose or Block("", line)
            _into(loose, line)
    if open_block is not None:
        raise InputError(
            found=f"no {open_block.name}_STOP", expected="an end of each block", remedy="was the file cut short?",
            file=file, line=open_block.start.number,
        )  # fmt: skip
    if loose is not None:
        yield loose


def _into(block: Block, line: Line) -> None:
    """A block's words are its keywords before any row; keywords that repeat, or come after rows, are rows."""
    pair = line.pair
    if pair is not None and not block.rows and pair[0] not in block.words:
        block.words[pair[0]] = line
    else:
        block.rows.append(line)


def stamp(epoch: datetime, time_s: float) -> str:
    """A time since an epoch as UTC text, to the microsecond."""
    return (epoch.astimezone(UTC) + timedelta(seconds=time_s)).strftime("%Y-%m-%dT%H:%M:%S.%f")


def header(kind: str, version: str, originator: str, created: datetime) -> list[str]:
    """The first lines of a message."""
    return [
        f"CCSDS_{kind}_VERS = {version}",
        "COMMENT simulated or exercise data; for analysis and shared warning",
        f"CREATION_DATE = {stamp(created, 0.0)}",
        f"ORIGINATOR = {originator}",
    ]
