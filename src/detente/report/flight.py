"""One flight for other programs and for the eye: its path as CSV, its profile as SVG."""

import io
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detente.records.results import FlightPath
from detente.report.markup import Markup, element, joined

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 70, 64
PHASES = ((1, "boost", "#b06a00"), (2, "coast", "#75489f"), (3, "reentry", "#0b7a75"))
INK, QUIET, RULE, PAPER = "#22262b", "#62686f", "#d5d6d0", "#fdfcf9"
FONT = "system-ui, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
TICKS = 6
CSV_HEAD = (
    "time_s,phase,lat_deg,lon_deg,altitude_km,downrange_km,speed_m_s,"
    "x_ecef_m,y_ecef_m,z_ecef_m,vx_ecef_m_s,vy_ecef_m_s,vz_ecef_m_s"
)


def path_csv(path: FlightPath) -> str:
    """The path as comma-separated values, a sample a line; kilometres and degrees where people read them."""
    names = {number: name for number, name, _ in PHASES}
    lines = io.StringIO()
    lines.write(CSV_HEAD + "\n")
    places = np.degrees(np.column_stack((path.lat_rad, path.lon_rad)))
    for i in range(len(path)):
        states = (*path.position_ecef_m[i], *path.velocity_ecef_m_s[i])
        lines.write(
            f"{path.time_s[i]:.3f},{names[int(path.phase[i])]},{places[i, 0]:.7f},{places[i, 1]:.7f},"
            f"{path.altitude_m[i] / 1e3:.4f},{path.downrange_m[i] / 1e3:.4f},{path.speed_m_s[i]:.3f},"
            f"{','.join(f'{value:.3f}' for value in states)}\n"
        )
    return lines.getvalue()


def ticks(longest: float, count: int = TICKS) -> list[float]:
    """Round numbers from 0 to at most ``longest``, about ``count`` of them."""
    rough = longest / count
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * part for part in (1.0, 2.0, 2.5, 5.0, 10.0) if size * part >= rough * (1.0 - 1e-9))
    return [step * i for i in range(int(longest / step + 1e-9) + 1)]


def profile_svg(path: FlightPath, title: str, caption: str) -> str:
    """Height over ground range as a figure of its own; each axis has its own scale."""
    downrange, altitude = path.downrange_m / 1e3, np.maximum(path.altitude_m, 0.0) / 1e3
    across, up = max(float(downrange.max()), 1e-3), max(float(altitude.max()) * 1.05, 1e-3)
    x = LEFT + downrange / across * (WIDTH - LEFT - RIGHT)
    y = HEIGHT - BOTTOM - altitude / up * (HEIGHT - TOP - BOTTOM)
    body = joined(
        element("title", title),
        element("rect", width=WIDTH, height=HEIGHT, fill=PAPER),
        _text(LEFT, 24, title, size=16, weight=600),
        _text(LEFT, 42, caption, colour=QUIET),
        _grid(across, up),
        *(_line(x, y, path.phase, number, colour) for number, _, colour in PHASES),
        _legend(path.phase),
    )
    return element(
        "svg", body, xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {HEIGHT}", width=WIDTH, height=HEIGHT,
        role="img", font_family=FONT, font_size=12,
    )  # fmt: skip


def _grid(across_km: float, up_km: float) -> Markup:
    floor, marks = HEIGHT - BOTTOM, []
    for value in ticks(across_km):
        at = LEFT + value / across_km * (WIDTH - LEFT - RIGHT)
        marks += [_rule(at, floor, at, floor + 5), _text(at, floor + 18, f"{value:,.10g}", anchor="middle")]
    for value in ticks(up_km):
        at = floor - value / up_km * (HEIGHT - TOP - BOTTOM)
        marks += [_rule(LEFT, at, WIDTH - RIGHT, at), _text(LEFT - 8, at + 4, f"{value:,.10g}", anchor="end")]
    middle = 0.5 * (LEFT + WIDTH - RIGHT)
    marks += [
        _text(middle, floor + 36, "ground range, km", colour=QUIET, anchor="middle"),
        _text(8, TOP - 8, "height, km", colour=QUIET),
    ]
    return joined(*marks)


def _line(x: NDArray[np.float64], y: NDArray[np.float64], phase: NDArray[np.uint8], number: int, colour: str) -> Markup:
    """The samples of one phase, and the one before so that the phases meet."""
    rows = np.flatnonzero(phase == number)
    if not len(rows):
        return Markup("")
    rows = np.arange(max(rows[0] - 1, 0), rows[-1] + 1)
    points = " ".join(f"{x[i]:.1f},{y[i]:.1f}" for i in rows)
    return element("polyline", points=points, fill="none", stroke=colour, stroke_width=2.2, stroke_linejoin="round")


def _legend(phase: NDArray[np.uint8]) -> Markup:
    shown: Sequence[tuple[str, str]] = [(name, colour) for number, name, colour in PHASES if (phase == number).any()]
    keys = []
    for i, (name, colour) in enumerate(shown):
        at = LEFT + 90 * i
        keys.append(element("rect", x=at, y=HEIGHT - 18, width=18, height=4, fill=colour))
        keys.append(_text(at + 24, HEIGHT - 12, name))
    return joined(*keys)


def _rule(x1: float, y1: float, x2: float, y2: float) -> Markup:
    return element("line", x1=round(x1, 1), y1=round(y1, 1), x2=round(x2, 1), y2=round(y2, 1), stroke=RULE)


def _text(
    x: float, y: float, said: str, *, size: int = 12, weight: int = 400, colour: str = INK, anchor: str = "start"
) -> Markup:
    return element(
        "text", said, x=round(x, 1), y=round(y, 1), font_size=size, font_weight=weight, fill=colour, text_anchor=anchor
    )
