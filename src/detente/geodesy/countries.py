"""Which country a point lies in, on a date: how a launch is attributed."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.geodesy import _kernels_territory
from detente.geodesy.borders import Borders
from detente.geodesy.rows import frozen, rows_of
from detente.geodesy.territory import bucketed_edges

NO_COUNTRY = -1
_CROSSED = 255


@dataclass(frozen=True, kw_only=True, eq=False)
class CountryIndex:
    """What ``_kernels_territory.country_at`` needs, in its order. Made by :func:`index_countries`."""

    codes: tuple[str, ...]  # alpha-3, by index
    raster: NDArray[
        np.uint8
    ]  # (1800, 3600): 0 at sea, 1 + index where one country owns the cell, 255 crossed by a border
    row_offsets: NDArray[np.int64]  # (1801,)
    edges: NDArray[np.float64]  # (M, 4)
    edge_country: NDArray[np.uint8]  # (M,)

    def __post_init__(self) -> None:
        assert 0 < len(self.codes) < _CROSSED
        assert len(self.edges) == len(self.edge_country) == self.row_offsets[-1]


def index_countries(borders: Borders, as_of: date) -> CountryIndex:
    """Every country of the world on a date, ready to be asked."""
    codes = borders.known_codes(as_of)
    raster = np.zeros((_kernels_territory.ROWS, _kernels_territory.COLUMNS), np.uint8)
    all_rings, ring_country = [], []
    for index, code in enumerate(codes):
        rings = borders.country_rings(code, as_of)
        row_offsets, edges, _, _ = bucketed_edges(*_stacked(list(rings)))
        _kernels_territory.paint(frozen(edges), frozen(row_offsets), index + 1, _CROSSED, raster)
        all_rings += rings
        ring_country += [index] * len(rings)
    vertices, ring_offsets = _stacked(all_rings)
    row_offsets, edges, _, order = bucketed_edges(vertices, ring_offsets)
    vertex_country = np.repeat(np.array(ring_country, np.uint8), np.diff(ring_offsets))
    return CountryIndex(
        codes=codes,
        raster=frozen(raster),
        row_offsets=frozen(row_offsets),
        edges=frozen(edges),
        edge_country=frozen(vertex_country[order]),
    )


def countries_at(index: CountryIndex, points_rad: ArrayLike, reach_m: float = 0.0) -> NDArray[np.int64]:
    """The index into ``codes`` of the country that holds each point, or -1. ``points_rad``: (n, 2) of lat, lon.

    With ``reach_m`` a point at sea goes to a country met within that distance in one of eight directions.
    """
    points = rows_of(points_rad, 2)
    out = np.empty(len(points), np.int64)
    _kernels_territory.country_rows(
        points, float(reach_m), index.raster, index.row_offsets, index.edges, index.edge_country, out
    )
    return frozen(out)


def _stacked(rings: list[NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vertices of all rings one after the other, and where each ring starts."""
    return np.concatenate(rings), np.concatenate([[0], np.cumsum([len(ring) for ring in rings])]).astype(np.int64)
