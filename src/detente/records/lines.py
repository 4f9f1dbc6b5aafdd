"""Where a row of a CSV file stands in it: complaints name the line that an editor shows."""

import csv
from collections.abc import Iterable


def line_of_row(text: Iterable[str], row: int) -> int:
    """The line, from 1, on which a row of a CSV file begins; ``row`` is counted from 0 behind the line of names.

    ``text``: the file's lines, with their ends. Blank lines are no rows, and a quoted cell may hold ends of lines.
    Where the text ends before that row, or is no CSV, it is as if neither were in it.
    """
    reader, found, begins = csv.reader(text), -2, 1
    try:
        for cells in reader:
            if len(cells) > 1 or "".join(cells).strip():
                found += 1
                if found == row:
                    return begins
            begins = reader.line_num + 1
    except csv.Error:
        pass
    return row + 2
