"""Countries as of a date: codes, names and rings. The only module of this room that reads a file, and only when asked.

What the file holds, where it comes from and which disputed borders it draws how: the README beside this module.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detente.geodesy.rows import frozen
from detente.records.errors import InputError

Resolution = Literal["110m", "50m"]
Ring = NDArray[np.float64]
"""One closed line, shape (n, 2): lat_rad, lon_rad in [-π, π], first vertex not repeated. Land lies to its left."""

FIRST_DATE, LAST_DATE = date(2005, 1, 1), date(2025, 12, 31)
"""The span in which the dated borders were checked."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Borders:
    """The world's countries at one resolution. A row is one country in one span of time."""

    resolution: Resolution
    codes: tuple[str, ...]  # ISO 3166-1 alpha-3, and XKX for Kosovo
    codes_2: tuple[str, ...]  # alpha-2
    names: tuple[str, ...]
    valid_from: NDArray[np.datetime64]  # inclusive
    valid_to: NDArray[np.datetime64]  # exclusive
    country_offsets: NDArray[np.int32]  # row k has rings country_offsets[k] to country_offsets[k + 1]
    ring_offsets: NDArray[np.int32]
    vertices_rad: NDArray[np.float64]  # (V, 2): lat, lon
    land_ring_offsets: NDArray[np.int32]
    land_vertices_rad: NDArray[np.float64]

    def known_codes(self, as_of: date) -> tuple[str, ...]:
        """The alpha-3 codes of the countries there were on a date, in order."""
        return tuple(self.codes[row] for row in self._rows_at(as_of))

    def name_of(self, code: str, as_of: date) -> str:
        """The country's short English name."""
        return self.names[self._row_of(code, as_of)]

    def alpha_2(self, code: str, as_of: date) -> str:
        """The country's two-letter code."""
        return self.codes_2[self._row_of(code, as_of)]

    def country_rings(self, code: str, as_of: date) -> tuple[Ring, ...]:
        """A country's rings on a date: each exterior counter-clockwise, followed by its holes, clockwise."""
        row = self._row_of(code, as_of)
        first, last = self.country_offsets[row], self.country_offsets[row + 1]
        return tuple(self._ring(self.ring_offsets, self.vertices_rad, k) for k in range(first, last))

    def land_rings(self) -> tuple[Ring, ...]:
        """The coasts of all land, as :meth:`country_rings` gives a country's."""
        count = len(self.land_ring_offsets) - 1
        return tuple(self._ring(self.land_ring_offsets, self.land_vertices_rad, k) for k in range(count))

    @staticmethod
    def _ring(offsets: NDArray[np.int32], vertices: NDArray[np.float64], k: int) -> Ring:
        return vertices[offsets[k] : offsets[k + 1]]

    def _rows_at(self, as_of: date) -> list[int]:
        if not FIRST_DATE <= as_of <= LAST_DATE:
            raise InputError(
                found=f"borders as of {as_of}",
                expected=f"a date from {FIRST_DATE} to {LAST_DATE}",
                remedy="give the nearest date in that span, or draw the ground as polygons",
            )
        day = np.datetime64(as_of, "D")
        return [int(row) for row in np.flatnonzero((self.valid_from <= day) & (day < self.valid_to))]

    def _span(self, row: int) -> str:
        begin, end = self.valid_from[row], self.valid_to[row]
        return f"from {begin}" if end > np.datetime64(LAST_DATE, "D") else f"{begin} to {end}"

    def _row_of(self, code: str, as_of: date) -> int:
        for row in self._rows_at(as_of):
            if self.codes[row] == code:
                return row
        spans = [self._span(k) for k, name in enumerate(self.codes) if name == code]
        raise InputError(
            found=f"country {code!r} as of {as_of}",
            expected=f"a date for which {code} is drawn: {', '.join(spans)}"
            if spans
            else "an ISO 3166-1 alpha-3 code, such as FRA",
            remedy="give the code of the state that held the ground on that date",
        )


@cache
def load_borders(resolution: Resolution = "50m") -> Borders:
    """Read the borders that come with Détente. ``50m`` for whose ground it is, ``110m`` for small maps."""
    with files("detente.geodesy").joinpath("data/borders.npz").open("rb") as stream, np.load(stream) as data:
        column = {name: data[f"{resolution}_{name}"] for name in _COLUMNS}
        scale = int(data["units_per_degree"])
    return Borders(
        resolution=resolution,
        codes=tuple(column["codes"].tolist()),
        codes_2=tuple(column["codes_2"].tolist()),
        names=tuple(column["names"].tolist()),
        valid_from=frozen(column["valid_from"]),
        valid_to=frozen(column["valid_to"]),
        country_offsets=frozen(column["country_offsets"]),
        ring_offsets=frozen(column["ring_offsets"]),
        vertices_rad=_vertices(column["vertex_steps"], scale),
        land_ring_offsets=frozen(column["land_ring_offsets"]),
        land_vertices_rad=_vertices(column["land_vertex_steps"], scale),
    )


_COLUMNS = (
    "codes", "codes_2", "names", "valid_from", "valid_to", "country_offsets",
    "ring_offsets", "vertex_steps", "land_ring_offsets", "land_vertex_steps",
)  # fmt: skip


def _vertices(steps: NDArray[np.int32], units_per_degree: int) -> NDArray[np.float64]:
    """Vertices, rad, from differences in units of a fraction of a degree; 180 degrees becomes π to the last bit."""
    return frozen(np.ascontiguousarray(np.deg2rad(np.cumsum(steps, axis=1) / units_per_degree).T))
