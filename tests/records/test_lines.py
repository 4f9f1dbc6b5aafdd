"""The line of a CSV file's row is the one that an editor shows."""

import pytest

from detente.records.lines import line_of_row


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a,b\n1,2\n3,4\n", [2, 3]),
        ("\n \na,b\n\n1,2\n\n\n3,4", [5, 8]),
        ('a,b\n"1\n\n1",2\n3,4\n', [2, 5]),
        ("a,b\r\n\r\n,\r\n3,4\r\n", [3, 4]),
    ],
)
def test_blank_lines_and_quoted_ends_of_lines_count_and_are_no_rows(text: str, lines: list[int]) -> None:
    for row, line in enumerate(lines):
        assert line_of_row(text.splitlines(keepends=True), row) == line
    assert line_of_row(text.splitlines(keepends=True), len(lines)) == len(lines) + 2, "there is no such row"


def test_what_is_no_csv_is_counted_plainly() -> None:
    assert line_of_row(["a,b\n", '"' + 200_000 * "x"], 3) == 5
