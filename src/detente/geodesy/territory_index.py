"""Several sides' ground at once: which sides hold a point, in tens of nanoseconds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.geodesy import _kernels_territory
from detente.geodesy.rows import frozen, rows_of
from detente.geodesy.territory import Territory

SIDES_MAX = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class TerritoryIndex:
    """What ``_kernels_territory.territory_mask`` needs, in its order. Made by :func:`index_territories`."""

    raster: NDArray[
        np.uint16
    ]  # (1800, 3600): low byte, sides that own the whole cell; high byte, sides with a border in it
    row_offsets: NDArray[np.int64]  # (1801,)
    edges: NDArray[np.float64]  # (M, 4)
    edge_side: NDArray[np.uint8]  # (M,)
    side_count: int

    def __post_init__(self) -> None:
        assert self.raster.shape == (_kernels_territory.ROWS, _kernels_territory.COLUMNS)
        assert len(self.edges) == len(self.edge_side) == self.row_offsets[-1]
        assert 0 < self.side_count <= SIDES_MAX


def index_territories(territories: Sequence[Territory]) -> TerritoryIndex:
    """Put up to eight territories, in order of side, into one index. Ground may belong to several sides."""
    assert 0 < len(territories) <= SIDES_MAX, f"{len(territories)} sides; an index holds 1 to {SIDES_MAX}"
    raster = np.zeros((_kernels_territory.ROWS, _kernels_territory.COLUMNS), np.uint16)
    for side, territory in enumerate(territories):
        own = np.zeros(raster.shape, np.uint8)
        _kernels_territory.paint(
            territory.edges, territory.row_offsets, _kernels_territory.INSIDE, _kernels_territory.EDGE, own
        )
        codes = np.array([0, 1 << side, 1 << (side + 8)], np.uint16)
        raster |= codes[own]
    rows = np.concatenate([np.repeat(np.arange(_kernels_territory.ROWS), np.diff(t.row_offsets)) for t in territories])
    order = np.argsort(rows, kind="stable")
    sides = np.repeat(np.arange(len(territories), dtype=np.uint8), [len(t.edges) for t in territories])
    row_offsets = np.sum([t.row_offsets for t in territories], axis=0).astype(np.int64)
    return TerritoryIndex(
        raster=frozen(raster),
        row_offsets=frozen(row_offsets),
        edges=frozen(np.concatenate([t.edges for t in territories])[order]),
        edge_side=frozen(sides[order]),
        side_count=len(territories),
    )


def territory_masks(index: TerritoryIndex, points_rad: ArrayLike) -> NDArray[np.uint8]:
    """Which sides hold each point: bit s for side s. ``points_rad``: rows (lat, lon), shape (n, 2). Returns (n,)."""
    points = rows_of(points_rad, 2)
    out = np.empty(len(points), np.uint8)
    _kernels_territory.mask_rows(points, index.raster, index.row_offsets, index.edges, index.edge_side, out)
    return frozen(out)
