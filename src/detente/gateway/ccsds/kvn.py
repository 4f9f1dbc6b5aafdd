"""Keyword-value notation: the plain text form of CCSDS navigation messages (502.0-B-3 and 503.0-B-2, "KVN").

A message is lines of ``KEYWORD = value``, of numbers, or of ``…_START`` and ``…_STOP`` around a block. Only what this
project writes or can use is read; what is not understood is told by line.
"""

import math
import re
from calendar import isleap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from detente.records.errors import InputError

BYTES_MAX = 200_000_000
DIGITS_MAX = 16
CLOCK = r"T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6})0*)?Z?"  # a datetime has no seventh digit
BY_CALENDAR = re.compile(r"(\d{4})-(\d{2})-(\d{2})" + CLOCK, re.ASCII)
BY_DAY_OF_YEAR = re.compile(r"(\d{4})-(\d{3})" + CLOCK, re.ASCII)
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
CUT = "was the file cut short? Ask for it again"
FRAME = "ITRF2000"
"""Our Earth-fixed frame, WGS 84, stays within centimetres of the realisations of the ITRF, which the SANA registry of
reference frames names."""
FRAMES = (
    "ITRF", "ITRF-93", "ITRF-97", "ITRF93", "ITRF97", "ITRF1993", "ITRF1997", "ITRF2000", "ITRF2005", "ITRF2008",
    "ITRF2014", "ITRF2020",
)  # fmt: skip


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

    def refused(self, line: Line, found: str, expected: str, remedy: str = "") -> InputError:
        """An error about a line."""
        return InputError(
            found=found, expected=expected, remedy=remedy or "correct the line, or write the message anew",
            file=self.file, line=line.number,
        )  # fmt: skip

    def value(self, words: dict[str, Line], keyword: str, at: Line, default: str | None = None) -> str:
        """A keyword's value; refused where it must be there and is not."""
        if keyword in words:
            return (words[keyword].pair or ("", ""))[1]
        if default is None:
            raise self.refused(at, f"no {keyword}", f"{keyword} = …")
        return default

    def number(self, text: str, at: Line) -> float:
        """A finite number, whole, with a point, or with an exponent."""
        value = float(text) if NUMBER.fullmatch(text) else math.nan
        if not math.isfinite(value):
            raise self.refused(at, f"{text!r}", "a number")
        return value

    def moment(self, text: str, at: Line) -> datetime:
        """A UTC time, by calendar or by day of the year, to the microsecond."""
        found = _by_calendar(text) or _by_day_of_year(text)
        if found is None:
            raise self.refused(at, f"{text!r}", "a UTC time as 2011-06-01T12:00:00.5 or 2011-152T12:00:00")
        return found

    def time_s(self, text: str, at: Line, epoch: datetime, zero: datetime | None = None) -> float:
        """Seconds since ``epoch`` of a time that is absolute or, where there is a ``zero``, seconds since that."""
        if zero is not None and "T" not in text:
            return self.number(text, at) + (zero - epoch).total_seconds()
        return (self.moment(text, at) - epoch).total_seconds()

    def require_span(
        self, words: dict[str, Line], data: Sequence[Line], time_s: Sequence[float], epoch: datetime,
        zero: datetime | None = None,
    ) -> None:  # fmt: skip
        """Refuse data that begin after the START_TIME, or end before the STOP_TIME, that these words announce.

        ``data`` are the lines that the times stand in. What is written to the second may be rounded by one, and so on.
        """
        first, last = min(zip(time_s, range(len(data)))), max(zip(time_s, range(len(data))))
        for keyword, (found_s, place), late in (("START_TIME", first, 1.0), ("STOP_TIME", last, -1.0)):
            if keyword not in words:
                continue
            text = self.value(words, keyword, words[keyword])
            lacking_s = late * (found_s - self.time_s(text, words[keyword], epoch, zero))
            if lacking_s >= _last_digit_s(text):
                raise self.refused(
                    data[place], f"data that {'begin' if late > 0 else 'end'} {lacking_s:.6f} s "
                    f"{'after' if late > 0 else 'before'} their {keyword} of {text}", "data for the whole span",
                    f"{CUT}, or correct the time",
                )  # fmt: skip

    def require(self, words: dict[str, Line], at: Line, **wanted: Sequence[str]) -> None:
        """Refuse a value that is not among those that are understood. Keywords that are missing pass."""
        for keyword, allowed in wanted.items():
            said = self.value(words, keyword, at, allowed[0])
            if said not in allowed:
                raise self.refused(words[keyword], f"{keyword} = {said}", f"one of {', '.join(allowed)}")


def _by_calendar(text: str) -> datetime | None:
    """The moment of a text as ``2011-06-01T12:00:00.5``; None where it is none."""
    match = BY_CALENDAR.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    micro = int((match[7] or "").ljust(6, "0"))
    try:
        return datetime(year, month, day, hour, minute, second, micro, tzinfo=UTC)
    except ValueError:
        return None


def _by_day_of_year(text: str) -> datetime | None:
    """The moment of a text as ``2011-152T12:00:00``; None where it is none, or its year has no such day."""
    match = BY_DAY_OF_YEAR.fullmatch(text)
    if match is None:
        return None
    year, day = int(match[1]), int(match[2])
    first = _by_calendar(f"{match[1]}-01-01{text[8:]}")
    if first is None or not 1 <= day <= 365 + isleap(year):
        return None
    return first + timedelta(days=day - 1)


def read_text(path: Path) -> str:
    """A file's text; refused by size before it is read."""
    try:
        if path.stat().st_size > BYTES_MAX:
            raise OSError(0, f"it holds more than {BYTES_MAX:,} bytes")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            found=f"a file that cannot be read: {error}", expected="a CCSDS message in keyword-value notation",
            remedy="check which file is meant", file=str(path),
        ) from error  # fmt: skip


def kind_of(text: str, file: str, among: Sequence[str]) -> str:
    """Which of these kinds (``OEM``, ``OCM``, ``TDM``) a message says it is. Raises InputError where it is none."""
    first = next(_lines(text), Line(1, ""))
    said = (first.pair or ("", ""))[0].removeprefix("CCSDS_").removesuffix("_VERS")
    if first.text.startswith("CCSDS_") and said in among:
        return said
    raise InputError(
        found=f"{first.text[:60]!r}",
        expected=f"{' or '.join(f'CCSDS_{kind}_VERS = …' for kind in among)} in the first line",
        remedy=f"give a CCSDS {' or '.join(among)} in keyword-value notation", file=file, line=first.number,
    )  # fmt: skip


def parse(text: str, file: str, kind: str) -> Message:
    """A message of a kind (``OEM``, ``OCM``, ``TDM``) as its blocks. Raises InputError with the line."""
    kind_of(text, file, (kind,))
    first, *lines = _lines(text)
    header: dict[str, Line] = {}
    message = Message(file=file, version=first, header=header, blocks=tuple(_blocks(lines, header, file)))
    if message.blocks and message.blocks[-1].name == "" and not text.endswith(("\n", "\r")):
        # Nothing but the line's own end tells that its last number is whole.
        raise message.refused(lines[-1], "a last line without an end", "an end of each line", CUT)
    for block in message.blocks:
        if block.name == "META" and block.rows:
            raise message.refused(block.rows[0], f"{block.rows[0].text[:60]!r}", "KEYWORD = value, each keyword once")
    return message


def _lines(text: str) -> Iterator[Line]:
    """Lines that say something to a program."""
    for number, line in enumerate(text.splitlines(), 1):
        if (stripped := line.strip()) and not stripped.startswith("COMMENT"):
            yield Line(number, stripped)


def _blocks(lines: Sequence[Line], header: dict[str, Line], file: str) -> Iterator[Block]:
    open_block: Block | None = None
    loose: Block | None = None
    for line in lines:
        word = line.text.split()[0]
        if line.pair is None and word.endswith("_START"):
            if open_block is not None:
                raise _unended(open_block, line, file)
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
        raise _unended(open_block, open_block.start, file)
    if loose is not None:
        yield loose


def _unended(block: Block, at: Line, file: str) -> InputError:
    return InputError(
        found=f"no {block.name}_STOP", expected=f"an end of the block begun in line {block.start.number}", remedy=CUT,
        file=file, line=at.number,
    )  # fmt: skip


def _into(block: Block, line: Line) -> None:
    """A block's words are its keywords before any row; keywords that repeat, or come after rows, are rows."""
    pair = line.pair
    if pair is not None and not block.rows and pair[0] not in block.words:
        block.words[pair[0]] = line
    else:
        block.rows.append(line)


def _last_digit_s(text: str) -> float:
    """What the last digit of a time stands for: a second, a tenth, … and not less than a microsecond."""
    _, _, fraction = text.removesuffix("Z").partition(".")
    return max(10.0 ** -len(fraction), 1e-6)


def figure(value: float) -> str:
    """A number of at most 16 digits, with a point if it has an exponent (503.0-B-2, 4.3.4 and 4.3.5)."""
    text = repr(value + 0.0)  # no -0
    digits = sum(map(str.isdigit, text))
    return text if "e" not in text and digits <= DIGITS_MAX else f"{value:.{DIGITS_MAX - 1}e}"


def stamp(epoch: datetime, time_s: float) -> str:
    """A time since an epoch as UTC text, to the microsecond."""
    return (epoch.astimezone(UTC) + timedelta(seconds=time_s)).strftime("%Y-%m-%dT%H:%M:%S.%f")


def header(kind: str, version: str, originator: str, created: datetime) -> list[str]:
    """The first lines of a message."""
    return [
        f"CCSDS_{kind}_VERS = {version}",
        "COMMENT simulated data; for analysis and shared warning",  # a run's: no live centre writes such messages
        f"CREATION_DATE = {stamp(created, 0.0)}",
        f"ORIGINATOR = {originator}",
    ]
