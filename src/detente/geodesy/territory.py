"""Ground that a side protects: rings, what they hold, how large it is, and points drawn evenly over it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from detente.geodesy import _kernels_territory, shapes
from detente.geodesy.rows import frozen, rows_of
from detente.geodesy.shapes import Box, Ring
from detente.records.errors import InputError

SHORE_M = 5_000.0
"""Width of the water counted with a coast. Source: assumption, 3 to 8 km. Of the people in European NATO's cities of
15,000 and more (GeoNames) 3.1 % live outside its 1:50m rings, in Russia's 0.3 %; with this shore 0.17 % and 0.04 %."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Territory:
    """One side's ground. Made by :func:`make_territory`; every array is read-only.

    Edges run straight in latitude and longitude from vertex to vertex. They stand by grid row, each row's together;
    ``_kernels_territory`` says how.
    """

    vertices_rad: NDArray[np.float64]  # (V, 2): lat, lon; exteriors counter-clockwise, holes clockwise
    ring_offsets: NDArray[np.int64]  # (K + 1,): ring k is vertices ring_offsets[k] to ring_offsets[k + 1]
    row_offsets: NDArray[np.int64]  # (1801,): row r has edges row_offsets[r] to row_offsets[r + 1]
    edges: NDArray[np.float64]  # (M, 4): lat_low, lat_high, lon_low, slope
    bands: NDArray[np.float64]  # (B, 5): lat_low, lat_high, m² per rad of latitude at each, m²
    band_rows: NDArray[np.int64]  # (B,): the grid row a band lies in
    cumulative_m2: NDArray[np.float64]  # (B,): area from the southernmost band to the end of each

    def __post_init__(self) -> None:
        assert self.vertices_rad.shape[1:] == (2,)
        assert self.ring_offsets[-1] == len(self.vertices_rad)
        assert self.row_offsets.shape == (_kernels_territory.ROWS + 1,)
        assert self.row_offsets[-1] == len(self.edges)
        assert len(self.bands) == len(self.band_rows) == len(self.cumulative_m2) > 0

    @property
    def area_m2(self) -> float:
        """Area over the ellipsoid."""
        return float(self.cumulative_m2[-1])

    @property
    def area_km2(self) -> float:
        """Area over the ellipsoid, for reports."""
        return self.area_m2 / 1e6

    def rings(self) -> tuple[Ring, ...]:
        """The rings one by one: lat, lon in radians."""
        return tuple(self.vertices_rad[a:b] for a, b in zip(self.ring_offsets[:-1], self.ring_offsets[1:]))


def make_territory(rings: Sequence[Ring], clip_boxes_deg: Sequence[Box] = ()) -> Territory:
    """The ground of all these rings together, less what lies outside every clip box.

    ``rings``: those of several countries and polygons, one after the other, as :meth:`Borders.country_rings` and
    :func:`polygon_rings` give them; shapes may overlap. ``clip_boxes_deg``: (south, north, west, east), west above
    east across the antimeridian; none keeps everything. No ground left is an :class:`InputError`.
    """
    shape = shapes.united(rings)
    if clip_boxes_deg:
        shape = shapes.clipped(shape, clip_boxes_deg)
    return _territory(shapes.rings_of(shape))


def with_shore(territory: Territory, land_rings: Sequence[Ring], width_m: float = SHORE_M) -> Territory:
    """The same ground and the water within ``width_m`` of it: for asking whose ground an impact hits.

    At 1:50m coasts are smoothed, and harbour cities (Copenhagen, Lisbon) lie offshore by up to a few kilometres.
    ``land_rings``: all land, :meth:`Borders.land_rings`, none of which is added. Draw aim points from the ground
    without its shore. Shores of neighbours may overlap; a point there lies in both.
    """
    assert width_m > 0.0, "a shore has a width"
    own, land = shapes.polygons_of(territory.rings()), shapes.polygons_of(land_rings)
    return _territory(shapes.rings_of(shapes.with_shore(shapely.multipolygons(own), land, width_m)))


def _territory(merged: Sequence[Ring]) -> Territory:
    if not merged:
        raise InputError(
            found="a territory without ground",
            expected="at least one country or polygon, some of it inside the clip boxes",
            remedy="add ground, or widen the clip boxes (south, north, west, east in degrees)",
        )
    vertices = np.concatenate(merged)
    ring_offsets = np.concatenate([[0], np.cumsum([len(ring) for ring in merged])]).astype(np.int64)
    row_offsets, edges, signs, _ = bucketed_edges(vertices, ring_offsets)
    bands = np.empty((2 * len(edges) + _kernels_territory.ROWS, 5))
    band_rows = np.empty(len(bands), np.int64)
    count = _kernels_territory.make_bands(row_offsets, edges, signs, bands, band_rows)
    return Territory(
        vertices_rad=frozen(vertices),
        ring_offsets=frozen(ring_offsets),
        row_offsets=frozen(row_offsets),
        edges=frozen(edges),
        bands=frozen(bands[:count].copy()),
        band_rows=frozen(band_rows[:count].copy()),
        cumulative_m2=frozen(np.cumsum(bands[:count, 4])),
    )


def bucketed_edges(
    vertices_rad: NDArray[np.float64], ring_offsets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Edges of rings by grid row: row offsets (1801,), edges (M, 4), north or south (M,), the vertex each starts at.

    An edge stands once in every row it touches.
    """
    edges, signs = np.empty((len(vertices_rad), 4)), np.empty(len(vertices_rad), np.int64)
    _kernels_territory.edges_of(np.array(vertices_rad), np.array(ring_offsets, np.int64), edges, signs)
    row_offsets = np.empty(_kernels_territory.ROWS + 1, np.int64)
    order = np.empty(_kernels_territory.count_buckets(edges, row_offsets), np.int64)
    _kernels_territory.fill_buckets(edges, row_offsets, order)
    return row_offsets, np.ascontiguousarray(edges[order]), signs[order], order


def contains(territory: Territory, points_rad: ArrayLike) -> NDArray[np.bool_]:
    """True where the territory holds a point. ``points_rad``: rows (lat, lon), shape (n, 2). Returns shape (n,)."""
    points = rows_of(points_rad, 2)
    out = np.empty(len(points), np.uint8)
    _kernels_territory.holds_rows(points, territory.row_offsets, territory.edges, out)
    return frozen(out.astype(np.bool_))


def sample_area(territory: Territory, uniforms: ArrayLike) -> NDArray[np.float64]:
    """Points drawn evenly by area over the territory: rows (lat_rad, lon_rad), shape (n, 2).

    ``uniforms``: numbers in [0, 1), shape (n, 2) or wider; the first column takes the latitude, the second the
    longitude, further ones are left alone. Nothing is rejected: the same numbers always give the same point.
    """
    given = np.asarray(uniforms, np.float64)
    assert given.ndim == 2, "rows of uniforms"
    assert given.shape[1] >= 2, "two uniforms a point"
    draws = rows_of(given[:, :2], 2)
    assert ((draws >= 0.0) & (draws < 1.0)).all(), "a uniform lies outside [0, 1)"
    out = np.empty_like(draws)
    crossings = np.empty(int(np.diff(territory.row_offsets).max()))
    _kernels_territory.sample_rows(
        draws, territory.bands, territory.band_rows, territory.cumulative_m2,
        territory.row_offsets, territory.edges, crossings, out,
    )  # fmt: skip
    return frozen(out)
