"""A curve in a terminal: dots of braille, eight to a character."""

from collections.abc import Sequence
from itertools import pairwise

BRAILLE = 0x2800
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # by row, then column, of one character


def curve(x: Sequence[float], y: Sequence[float], *, width: int, height: int) -> list[str]:
    """Lines of text that draw ``y`` over ``x``, both from 0; the curve is filled in between neighbouring points."""
    across, up = max(*x, 1e-9), max(*y, 1e-9)
    columns, rows = 2 * width, 4 * height
    lit = set()
    places = [((columns - 1) * max(a, 0.0) / across, (rows - 1) * max(b, 0.0) / up) for a, b in zip(x, y, strict=True)]
    for (x1, y1), (x2, y2) in pairwise(places):
        steps = max(1, round(max(abs(x2 - x1), abs(y2 - y1))))
        for i in range(steps + 1):
            share = i / steps
            lit.add((round(x1 + share * (x2 - x1)), rows - 1 - round(y1 + share * (y2 - y1))))
    return ["".join(_character(lit, c, r) for c in range(width)).rstrip() for r in range(height)]


def _character(lit: set[tuple[int, int]], column: int, row: int) -> str:
    bits = sum(
        DOTS[down][along] for down in range(4) for along in range(2) if (2 * column + along, 4 * row + down) in lit
    )
    return chr(BRAILLE + bits) if bits else " "


def profile(downrange_km: Sequence[float], altitude_km: Sequence[float], *, width: int) -> list[str]:
    """Height over ground range with both axes named: about a dozen lines."""
    height, top = 10, f"{max(altitude_km):,.0f} km"
    margin = max(8, len(top) + 2)
    drawn = curve(downrange_km, altitude_km, width=width - margin, height=height)
    labels = {0: top, height - 1: "0"}
    lines = [f"{labels.get(i, ''):>{margin - 2}} │{row}" for i, row in enumerate(drawn)]
    end = f"{max(downrange_km):,.0f} km"
    return [
        *lines,
        " " * (margin - 1) + "└" + "─" * (width - margin),
        " " * margin + "0" + f"{end:>{width - margin - 1}}",
    ]
