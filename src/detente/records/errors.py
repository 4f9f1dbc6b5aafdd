"""Failures have owners: the user's input, or the partner's message. Our own bugs are assertions."""

from dataclasses import dataclass


@dataclass(eq=False)
class InputError(Exception):
    """The user's input is at fault: where, what was found, what was expected, what to do. Exit code 2."""

    found: str
    expected: str
    remedy: str
    file: str = ""
    line: int = 0  # 1-based; 0 where the place has no line
    column: int = 0
    path: str = ""  # e.g. "sides.0.sensors.1.range_km"

    def __str__(self) -> str:
        place = ":".join(part for part in (self.file, str(self.line or ""), str(self.column or "")) if part)
        head = " ".join(part for part in (f"{place}:" if place else "", f"{self.path}:" if self.path else "") if part)
        return f"{head + ' ' if head else ''}{self.found}\n  expected: {self.expected}\n  to do: {self.remedy}"


class InputErrors(InputError):
    """Several things are wrong with the user's input, all told at once. Its own fields are those of the first."""

    def __init__(self, problems: "tuple[InputError, ...]") -> None:
        first = problems[0]
        super().__init__(
            found=first.found, expected=first.expected, remedy=first.remedy,
            file=first.file, line=first.line, column=first.column, path=first.path,
        )  # fmt: skip
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class PeerError(Exception):
    """The partner's message is at fault. It is counted and dropped; it never stops a centre."""
