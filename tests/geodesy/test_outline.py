"""Lines for maps."""

import json
from datetime import date
from itertools import pairwise

import pytest

from detente.geodesy.borders import load_borders
from detente.geodesy.outline import country_outline, land_outline, multipolygon, strokes, territory_outline
from detente.geodesy.territory import make_territory

DAY = date(2010, 12, 1)


def test_land_is_closed_rings_of_degrees_that_fit_a_report():
    rings = land_outline(load_borders("110m"))
    assert len(rings) == 128
    assert all(ring[0] == ring[-1] and len(ring) >= 4 for ring in rings)
    assert max(abs(lon) for ring in rings for lon, _ in ring) == 180.0
    assert len(json.dumps(rings)) < 100_000


def test_simplifying_drops_vertices_and_keeps_the_place():
    borders = load_borders()
    full, coarse = country_outline(borders, "FRA", DAY), country_outline(borders, "FRA", DAY, tolerance_deg=0.2)
    assert sum(map(len, coarse)) < 0.3 * sum(map(len, full))
    islands = country_outline(borders, "GRC", DAY, decimals=0)
    assert 0 < len(islands) < len(country_outline(borders, "GRC", DAY))
    assert all(ring[0] == ring[-1] and len(ring) >= 4 for ring in islands), "what shrinks to a point is no ground"
    assert max(lat for lat in (point[1] for point in coarse[0])) == pytest.approx(51.1, abs=0.2)


def test_a_geojson_polygon_has_its_holes_inside_it():
    shape = multipolygon(country_outline(load_borders("110m"), "ZAF", DAY))
    assert shape["type"] == "MultiPolygon"
    assert [len(polygon) for polygon in shape["coordinates"]] == [2]
    flipped = multipolygon(country_outline(load_borders("110m"), "ZAF", DAY), clockwise=True)
    assert flipped["coordinates"][0][0] == shape["coordinates"][0][0][::-1]


def test_strokes_leave_out_the_cut_along_the_antimeridian():
    rings = country_outline(load_borders("110m"), "RUS", DAY)
    lines = strokes(rings)
    cuts = [line for line in lines if any(a[0] == b[0] and abs(a[0]) == 180.0 for a, b in pairwise(line))]
    assert cuts == []
    assert len(lines) > len(rings)


def test_a_territory_shows_no_borders_inside_it():
    borders = load_borders()
    benelux = make_territory(
        [r for code in ("BEL", "NLD", "LUX") for r in borders.country_rings(code, DAY)], [(49, 54, 2, 8)]
    )
    outline = territory_outline(benelux, tolerance_deg=0.01)
    luxembourg_city_to_brussels = [
        point for ring in outline for point in ring if 4.5 < point[0] < 5.7 and 50.2 < point[1] < 51.1
    ]
    assert luxembourg_city_to_brussels == []
