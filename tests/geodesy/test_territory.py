"""Ground: union, clip, who holds a point, and points drawn evenly."""

from datetime import date

import numpy as np
import pytest
import shapely
from scipy import stats

from detente.geodesy import _kernels_territory
from detente.geodesy.borders import load_borders
from detente.geodesy.distance import destinations
from detente.geodesy.shapes import polygon_rings
from detente.geodesy.territory import contains, make_territory, sample_area, with_shore
from detente.geodesy.territory_index import index_territories, territory_masks
from detente.records.errors import InputError

LISBON = date(2010, 12, 1)
EUROPEAN_NATO = [
    "ALB",
    "BEL",
    "BGR",
    "HRV",
    "CZE",
    "DNK",
    "EST",
    "FRA",
    "DEU",
    "GRC",
    "HUN",
    "ISL",
    "ITA",
    "LVA",
    "LTU",
    "LUX",
    "NLD",
    "NOR",
    "POL",
    "PRT",
    "ROU",
    "SVK",
    "SVN",
    "ESP",
    "TUR",
    "GBR",
]
EUROPE = (34.0, 72.0, -25.0, 45.0)
SQUARE = [(50.0, 10.0), (50.0, 20.0), (60.0, 20.0), (60.0, 10.0)]


def rings_of_countries(*codes):
    return [ring for code in codes for ring in load_borders().country_rings(code, LISBON)]


def degrees(*points):
    return np.deg2rad(points)


@pytest.fixture(scope="module")
def nato():
    return make_territory(rings_of_countries(*EUROPEAN_NATO), [EUROPE])


@pytest.fixture(scope="module")
def russia():
    return make_territory(rings_of_countries("RUS"))


def test_the_clip_keeps_europe_and_drops_what_lies_overseas(nato):
    paris, ankara, van, cayenne, svalbard = (48.85, 2.35), (39.92, 32.85), (38.5, 43.4), (4.93, -52.33), (78.5, 16.0)
    assert contains(nato, degrees(paris, ankara, van, cayenne, svalbard)).tolist() == [True, True, True, False, False]
    west_of_turkey = make_territory(rings_of_countries(*EUROPEAN_NATO), [(34.0, 72.0, -25.0, 30.0)])
    assert contains(west_of_turkey, degrees(paris, ankara, (41.02, 28.95))).tolist() == [True, False, True]


def test_several_boxes_keep_what_lies_in_any_of_them():
    square = polygon_rings(SQUARE)
    both = make_territory(square, [(50, 54, 10, 14), (52, 60, 12, 20)])
    assert contains(both, degrees((51, 11), (53, 13), (59, 19), (51, 19), (59, 11))).tolist() == [1, 1, 1, 0, 0]
    whole = make_territory(square, [(40, 55, 0, 30), (54, 70, 0, 30)])
    assert whole.area_m2 == pytest.approx(make_territory(square).area_m2, rel=1e-12)


def test_a_box_across_the_antimeridian():
    chukotka = make_territory(rings_of_countries("RUS"), [(60.0, 75.0, 170.0, -165.0)])
    assert contains(chukotka, degrees((66.4, -179.2), (64.55, -173.3), (64.7, 170.5), (55.75, 37.6))).tolist() == [
        1,
        1,
        1,
        0,
    ]


def test_shapes_that_overlap_count_once():
    one = make_territory(polygon_rings(SQUARE))
    twice = make_territory([*polygon_rings(SQUARE), *polygon_rings([(a, b + 5) for a, b in SQUARE])])
    assert twice.area_m2 == pytest.approx(1.5 * one.area_m2, rel=1e-12)
    assert len(twice.rings()) == 1


def test_a_hole_stays_a_hole():
    south_africa = make_territory(rings_of_countries("ZAF"))
    assert contains(south_africa, degrees((-29.5, 28.3), (-28.5, 25.0))).tolist() == [
        False,
        True,
    ]  # Lesotho, Free State


def test_direction_of_a_users_polygon_does_not_matter():
    forward, backward = make_territory(polygon_rings(SQUARE)), make_territory(polygon_rings(SQUARE[::-1]))
    assert forward.area_m2 == backward.area_m2
    # 10° by 10° of a sphere with the ellipsoid's local size: R² Δλ (sin 60° - sin 50°), to the ellipsoid's 1 %.
    sphere = 6_371_008.8**2 * np.deg2rad(10) * (np.sin(np.deg2rad(60)) - np.sin(np.deg2rad(50)))
    assert forward.area_m2 == pytest.approx(sphere, rel=0.01)


def test_a_polygon_may_end_where_it_began_and_its_last_edge_may_be_long():
    """A ring closed by hand is the ring; a triangle whose last edge spans 80° goes round no pole."""
    triangle = [(0.0, 0.0), (30.0, 40.0), (0.0, 80.0)]
    (open_ring,), (closed_ring,) = polygon_rings(triangle), polygon_rings([*triangle, triangle[0]])
    assert open_ring.tolist() == closed_ring.tolist()
    assert sorted(np.rad2deg(open_ring).round(9).tolist()) == sorted(map(list, triangle))


def test_a_users_polygon_may_cross_the_antimeridian():
    fiji = make_territory(polygon_rings([(-20, 175), (-20, -175), (-15, -175), (-15, 175)]))
    assert contains(fiji, degrees((-17, 179), (-17, -179), (-17, 170), (-17, 0), (-17, 181))).tolist() == [
        1,
        1,
        0,
        0,
        1,
    ]
    assert len(fiji.rings()) == 2


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([(50, 10), (50, 20)], "a polygon of 2 points"),
        ([(50, 10), (60, 20), (50, 20), (60, 10)], "a polygon with self-intersection"),
        ([(80, 0), (80, 120), (80, -120)], "goes round a pole"),
        ([(50, 10), (50, 20), (50, 30)], "a polygon"),
    ],
)
def test_a_bad_polygon_is_the_users_error(points, message):
    with pytest.raises(InputError, match=message):
        polygon_rings(points)


def test_no_ground_is_the_users_error():
    with pytest.raises(InputError, match="a territory without ground"):
        make_territory([])
    with pytest.raises(InputError, match="a territory without ground"):
        make_territory(polygon_rings(SQUARE), [(-10.0, 0.0, 0.0, 10.0)])


def test_the_index_agrees_with_each_territory_and_with_geos(nato, russia):
    index = index_territories([nato, russia])
    draws = np.random.default_rng(2)
    spread = np.deg2rad(np.column_stack([draws.uniform(33, 75, 20_000), draws.uniform(-30, 70, 20_000)]))
    cells = np.argwhere(index.raster >> 8)
    chosen = cells[draws.integers(0, len(cells), 20_000)]
    near_borders = (chosen + draws.random((20_000, 2))) * np.pi / 1800 - [np.pi / 2, np.pi]
    points = np.concatenate([spread, near_borders])
    masks = territory_masks(index, points)
    for side, territory in enumerate((nato, russia)):
        own = contains(territory, points)
        assert ((masks >> side & 1) == own).all()
        shape = shapely.union_all(
            shapely.polygons([shapely.linearrings(r[:, ::-1]) for r in territory.rings() if ccw(r)])
        )
        holes = [shapely.Polygon(r[:, ::-1]) for r in territory.rings() if not ccw(r)]
        shape = shapely.difference(shape, shapely.union_all(holes))
        shapely.prepare(shape)
        assert (shapely.contains_xy(shape, points[:, 1], points[:, 0]) == own).all()


def ccw(ring):
    return bool(shapely.is_ccw(shapely.linearrings(ring[:, ::-1])))


def test_ground_may_belong_to_several_sides():
    left, right = make_territory(polygon_rings(SQUARE)), make_territory(polygon_rings([(a, b + 5) for a, b in SQUARE]))
    index = index_territories([left, right, left])
    points = degrees((55, 12), (55, 17), (55, 22), (55, 30), (50.001, 10.001))
    assert territory_masks(index, points).tolist() == [0b101, 0b111, 0b010, 0, 0b101]
    with pytest.raises(AssertionError, match="9 sides"):
        index_territories([left] * 9)


def test_a_shore_takes_in_harbour_cities_and_no_other_land(nato):
    wide = with_shore(nato, load_borders().land_rings())
    copenhagen, lisbon, alicante = (55.676, 12.566), (38.717, -9.133), (38.345, -0.483)
    at_sea, konstanz_switzerland, tangier, crete = (38.7, -9.7), (47.55, 8.9), (35.77, -5.80), (35.2, 24.9)
    points = degrees(copenhagen, lisbon, alicante, at_sea, konstanz_switzerland, tangier, crete)
    assert contains(nato, points).tolist() == [0, 0, 0, 0, 0, 0, 1]
    assert contains(wide, points).tolist() == [1, 1, 1, 0, 0, 0, 1]
    assert wide.area_m2 / nato.area_m2 == pytest.approx(1.053, abs=0.003)


@pytest.mark.parametrize(("south_deg", "share"), [(60.0, 0.03), (60.4, 0.01), (-70.6, 0.01)])
def test_a_shore_is_as_wide_as_it_says(south_deg, share):
    """Around an island across the antimeridian: to 1 % in the middle of a degree of latitude, 3 % at its edge."""
    north_deg, most, least = south_deg + 0.2, 10_000.0 * (1.0 + share), 10_000.0 * (1.0 - share)
    corners = [(south_deg, 179.8), (south_deg, -179.8), (north_deg, -179.8), (north_deg, 179.8)]
    island = make_territory(polygon_rings(corners))
    wide = with_shore(island, island.rings(), 10_000.0)
    middle_deg = south_deg + 0.1
    west = destinations(np.deg2rad([middle_deg, 179.8]), -np.pi / 2, np.array([least, most]))[:, :2]
    north = destinations(np.deg2rad([north_deg, 180.0]), 0.0, np.array([least, most]))[:, :2]
    east = destinations(np.deg2rad([middle_deg, -179.8]), np.pi / 2, np.array([least, most]))[:, :2]
    for ends in (west, north, east):
        assert contains(wide, ends).tolist() == [True, False]


def test_a_nan_is_nobodys_ground(nato):
    index = index_territories([nato])
    arrays = (index.raster, index.row_offsets, index.edges, index.edge_side)
    for lat, lon in ((np.nan, 0.1), (0.8, np.nan), (np.inf, 0.1), (0.8, np.inf), (55.0, 10.0)):
        assert _kernels_territory.territory_mask(lat, lon, *arrays) == 0
    assert _kernels_territory.territory_mask(np.deg2rad(52.0), np.deg2rad(10.0) + 2 * np.pi, *arrays) == 1


def test_every_drawn_point_lies_on_the_ground_and_depends_on_its_own_uniforms_alone(nato):
    uniforms = np.random.default_rng(3).random((5000, 3))
    points = sample_area(nato, uniforms)
    assert contains(nato, points).all()
    assert (sample_area(nato, uniforms[100:200]) == points[100:200]).all()


def test_points_are_drawn_evenly_by_area(nato):
    """Counts over boxes of 6° by 10° against each box's share of the area; seed fixed, so the outcome is too."""
    boxes = [(s, s + 6, w, w + 10) for s in range(34, 70, 6) for w in range(-25, 45, 10)]
    shape_rings = nato.rings()
    shares, counts = [], []
    lat, lon = np.rad2deg(sample_area(nato, np.random.default_rng(4).random((40_000, 3)))).T
    for south, north, west, east in boxes:
        inside = ((lat >= south) & (lat < north) & (lon >= west) & (lon < east)).sum()
        try:
            share = make_territory(shape_rings, [(south, north, west, east)]).area_m2 / nato.area_m2
        except InputError:
            assert inside == 0
            continue
        if share * 40_000 >= 5:
            shares.append(share)
            counts.append(inside)
    assert len(shares) > 20
    rest, others = 1.0 - sum(shares), 40_000 - sum(counts)
    result = stats.chisquare([*counts, others], np.array([*shares, rest]) * 40_000)
    assert result.pvalue > 0.01


def test_latitudes_in_a_box_follow_the_cosine():
    """In a box evenly drawn points have sin(lat) nearly uniform (the ellipsoid bends this by less than a percent)."""
    box = make_territory(polygon_rings([(-60, 0), (-60, 5), (60, 5), (60, 0)]))
    points = sample_area(box, np.random.default_rng(5).random((20_000, 2)))
    low, high = np.sin(np.deg2rad([-60, 60]))
    assert stats.kstest((np.sin(points[:, 0]) - low) / (high - low), "uniform").pvalue > 0.01
    assert stats.kstest(points[:, 1] / np.deg2rad(5), "uniform").pvalue > 0.01


def test_uniforms_outside_their_range_are_our_error(nato):
    with pytest.raises(AssertionError, match="outside"):
        sample_area(nato, [[0.5, 1.0]])
