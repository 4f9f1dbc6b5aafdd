"""Whose ground lies under a point, and points drawn evenly over ground.

The world is a grid of 0.1 degree cells. A cell that no border crosses holds its answer. In any other, an even-odd
test along the parallel decides: it looks only at the edges of that row, which stand together ("a bucket").

    edges[k] = (lat_low, lat_high, lon_low, slope)    lon = lon_low + (lat - lat_low) * slope

Every edge is written from its lower end, so that both sides of a shared border compute the same bits.
"""

import math

import numpy as np

from detente.geodesy._kernels import wrap_lon
from detente.geodesy.constants import A_M, E2, MEAN_RADIUS_M
from detente.jit import kernel

ROWS, COLUMNS = 1800, 3600
CELL_RAD = math.pi / ROWS
CELLS_PER_RAD = ROWS / math.pi
GUARD_RAD = 1e-9  # 6 mm: cells this near to an edge count as crossed by it, against rounding
INSIDE, EDGE = 1, 2


@kernel
def row_of(lat):
    """The grid row of a latitude; row 0 touches the south pole."""
    return min(ROWS - 1, max(0, int((lat + 0.5 * math.pi) * CELLS_PER_RAD)))


@kernel
def column_of(lon):
    """The grid column of a longitude in [-π, π]; column 0 lies east of the antimeridian."""
    return min(COLUMNS - 1, max(0, int((lon + math.pi) * CELLS_PER_RAD)))


@kernel
def edges_of(vertices, ring_offsets, edges, signs):
    """All edges of rings of (lat, lon), and +1 where the ring runs north along the edge, -1 where south, 0 level."""
    for ring in range(ring_offsets.size - 1):
        first, last = ring_offsets[ring], ring_offsets[ring + 1]
        for k in range(first, last):
            after = k + 1 if k + 1 < last else first
            low, high = k, after
            signs[k] = 1
            if vertices[after, 0] < vertices[k, 0]:
                low, high = after, k
                signs[k] = -1
            rise = vertices[high, 0] - vertices[low, 0]
            edges[k, 0], edges[k, 1], edges[k, 2] = vertices[low, 0], vertices[high, 0], vertices[low, 1]
            if rise > 0.0:
                edges[k, 3] = (vertices[high, 1] - vertices[low, 1]) / rise
            else:
                signs[k] = 0
                edges[k, 3] = vertices[high, 1]  # of a level edge: its other longitude


@kernel
def count_buckets(edges, row_offsets):
    """row_offsets[r] to row_offsets[r + 1] are to hold the edges that touch row r; returns how many in all."""
    row_offsets[:] = 0
    for k in range(edges.shape[0]):
        for row in range(row_of(edges[k, 0]), row_of(edges[k, 1]) + 1):
            row_offsets[row + 1] += 1
    for row in range(ROWS):
        row_offsets[row + 1] += row_offsets[row]
    return row_offsets[ROWS]


@kernel
def fill_buckets(edges, row_offsets, order):
    """order[row_offsets[r]:row_offsets[r + 1]] = the edges that touch row r, in their given order."""
    filled = np.zeros(ROWS, np.int64)
    for k in range(edges.shape[0]):
        for row in range(row_of(edges[k, 0]), row_of(edges[k, 1]) + 1):
            order[row_offsets[row] + filled[row]] = k
            filled[row] += 1


@kernel
def paint(edges, row_offsets, inside_code, edge_code, raster):
    """Paint one shape's cells: edge cells always, inside cells where nothing stands yet."""
    most = 0
    for row in range(ROWS):
        most = max(most, row_offsets[row + 1] - row_offsets[row])
    crossings = np.empty(most)
    for row in range(ROWS):
        if row_offsets[row] == row_offsets[row + 1]:
            continue
        middle = -0.5 * math.pi + (row + 0.5) * CELL_RAD
        count = 0
        for k in range(row_offsets[row], row_offsets[row + 1]):
            if edges[k, 0] <= middle < edges[k, 1]:
                crossings[count] = edges[k, 2] + (middle - edges[k, 0]) * edges[k, 3]
                count += 1
        crossings[:count].sort()
        for pair in range(0, count - 1, 2):
            # A cell between two crossings that no edge touches has its whole width between them.
            for column in range(column_of(crossings[pair]), column_of(crossings[pair + 1]) + 1):
                if raster[row, column] == 0:
                    raster[row, column] = inside_code
        for k in range(row_offsets[row], row_offsets[row + 1]):
            paint_edge(edges, k, row, edge_code, raster)


@kernel
def paint_edge(edges, k, row, edge_code, raster):
    """Mark the cells of one row that an edge passes through, or nearly."""
    if edges[k, 1] > edges[k, 0]:
        south = -0.5 * math.pi + row * CELL_RAD
        low, high = max(edges[k, 0], south - GUARD_RAD), min(edges[k, 1], south + CELL_RAD + GUARD_RAD)
        a = edges[k, 2] + (low - edges[k, 0]) * edges[k, 3]
        b = edges[k, 2] + (high - edges[k, 0]) * edges[k, 3]
    else:
        a, b = edges[k, 2], edges[k, 3]
    for column in range(column_of(min(a, b) - GUARD_RAD), column_of(max(a, b) + GUARD_RAD) + 1):
        raster[row, column] = edge_code


@kernel
def on_the_globe(lat, lon):
    """False for NaN and for what cannot be a latitude and a longitude in radians."""
    return abs(lat) <= 0.5 * math.pi + 1e-12 and abs(lon) <= 100.0


@kernel
def holds(lat, lon, row_offsets, edges):
    """True where the shape behind these edges holds the point. NaN is nobody's ground."""
    if not on_the_globe(lat, lon):
        return False
    lon = wrap_lon(lon)
    row = row_of(lat)
    inside = False
    for k in range(row_offsets[row], row_offsets[row + 1]):
        if edges[k, 0] <= lat < edges[k, 1] and edges[k, 2] + (lat - edges[k, 0]) * edges[k, 3] > lon:
            inside = not inside
    return inside


@kernel
def territory_mask(lat, lon, raster, row_offsets, edges, edge_side):
    """Bit s is set where side s's territory holds the point (lat_rad, lon_rad); up to eight sides. NaN gives 0.

    ``raster`` holds in its low byte the sides that own the whole cell, in its high byte those with a border in it.
    """
    if not on_the_globe(lat, lon):
        return np.uint8(0)
    lon = wrap_lon(lon)
    row = row_of(lat)
    code = np.int64(raster[row, column_of(lon)])
    doubtful = code >> 8
    if doubtful == 0:
        return np.uint8(code)
    parity = 0
    for k in range(row_offsets[row], row_offsets[row + 1]):
        if edges[k, 0] <= lat < edges[k, 1] and edges[k, 2] + (lat - edges[k, 0]) * edges[k, 3] > lon:
            parity ^= 1 << np.int64(edge_side[k])
    return np.uint8((code & 255 & ~doubtful) | (parity & doubtful))


@kernel
def country_at(lat, lon, raster, row_offsets, edges, edge_country):
    """The index of the country that holds the point, or -1 at sea, on no country's ground and for NaN.

    ``raster`` holds 0 at sea, 1 + the index where one country owns the whole cell, 255 where borders cross it.
    """
    if not on_the_globe(lat, lon):
        return -1
    lon = wrap_lon(lon)
    row = row_of(lat)
    code = np.int64(raster[row, column_of(lon)])
    if code != 255:
        return code - 1
    # 256 parities in four words: a country holds the point where its edges are crossed an odd number of times.
    parity = np.zeros(4, np.uint64)
    for k in range(row_offsets[row], row_offsets[row + 1]):
        if edges[k, 0] <= lat < edges[k, 1] and edges[k, 2] + (lat - edges[k, 0]) * edges[k, 3] > lon:
            country = np.int64(edge_country[k])
            parity[country >> 6] ^= np.uint64(1) << np.uint64(country & 63)
    for country in range(255):
        if (parity[country >> 6] >> np.uint64(country & 63)) & np.uint64(1):
            return country
    return -1


@kernel
def country_near(lat, lon, reach_m, raster, row_offsets, edges, edge_country):
    """The country at the point, or else the first met half of ``reach_m`` away, then all of it, in eight directions.

    For a point known to lie ashore although a smoothed coast puts it at sea. -1 where there is none so near.
    """
    found = country_at(lat, lon, raster, row_offsets, edges, edge_country)
    if found >= 0 or reach_m <= 0.0:
        return found
    for ring in range(1, 3):
        arc = 0.5 * ring * reach_m / MEAN_RADIUS_M
        for k in range(8):
            north, east = arc * math.cos(0.25 * math.pi * k), arc * math.sin(0.25 * math.pi * k)
            beside = lon + east / max(1e-3, math.cos(lat))
            found = country_at(lat + north, beside, raster, row_offsets, edges, edge_country)
            if found >= 0:
                return found
    return -1


@kernel
def ground_per_rad2(lat):
    """Area of the ellipsoid per radian of latitude and longitude, m²."""
    sin_lat = math.sin(lat)
    flat = 1.0 - E2 * sin_lat * sin_lat
    return A_M * A_M * (1.0 - E2) * math.cos(lat) / (flat * flat)


@kernel
def width_at(lat, row, middle, row_offsets, edges, signs):
    """How much longitude the shape holds at a latitude, rad, by the edges that stand at ``middle`` of its band."""
    width = 0.0
    for k in range(row_offsets[row], row_offsets[row + 1]):
        if edges[k, 0] <= middle < edges[k, 1]:
            width += signs[k] * (edges[k, 2] + (lat - edges[k, 0]) * edges[k, 3])
    return max(0.0, width)


@kernel
def make_bands(row_offsets, edges, signs, bands, band_rows):
    """Cut a shape into bands between which its width changes evenly: (low, high, ground per rad at low, at high, area).

    Bands end at every vertex and every row. Returns how many there are; ``bands`` needs room for two per edge in a
    bucket and one per row.
    """
    count = 0
    most = 0
    for row in range(ROWS):
        most = max(most, row_offsets[row + 1] - row_offsets[row])
    stops = np.empty(2 * most + 2)
    for row in range(ROWS):
        if row_offsets[row] == row_offsets[row + 1]:
            continue
        south, north = -0.5 * math.pi + row * CELL_RAD, -0.5 * math.pi + (row + 1) * CELL_RAD
        stops[0], stops[1] = south, north
        used = 2
        for k in range(row_offsets[row], row_offsets[row + 1]):
            for end in range(2):
                if south < edges[k, end] < north:
                    stops[used] = edges[k, end]
                    used += 1
        stops[:used].sort()
        for k in range(used - 1):
            low, high = stops[k], stops[k + 1]
            middle = 0.5 * (low + high)
            if not low < middle < high:
                continue
            at_low = width_at(low, row, middle, row_offsets, edges, signs)
            at_high = width_at(high, row, middle, row_offsets, edges, signs)
            if at_low + at_high <= 0.0:
                continue
            ground_low, ground_high = ground_per_rad2(low) * at_low, ground_per_rad2(high) * at_high
            ground_middle = ground_per_rad2(middle) * 0.5 * (at_low + at_high)
            bands[count, 0], bands[count, 1] = low, high
            bands[count, 2], bands[count, 3] = ground_low, ground_high
            bands[count, 4] = (high - low) / 6.0 * (ground_low + 4.0 * ground_middle + ground_high)
            band_rows[count] = row
            count += 1
    return count


@kernel
def sample_rows(uniforms, bands, band_rows, cumulative, row_offsets, edges, crossings, out):
    """out[i] = (lat, lon) drawn evenly by area: the first uniform takes the latitude, the second the longitude."""
    for i in range(uniforms.shape[0]):
        wanted = uniforms[i, 0] * cumulative[-1]
        band = min(np.searchsorted(cumulative, wanted, side="right"), cumulative.size - 1)
        before = cumulative[band - 1] if band > 0 else 0.0
        share = min(1.0, max(0.0, (wanted - before) / bands[band, 4]))
        low, high, ground_low, ground_high = bands[band, 0], bands[band, 1], bands[band, 2], bands[band, 3]
        # Ground per radian is a straight line across a band (to 1 part in 10⁶); this inverts its integral.
        root = math.sqrt(ground_low * ground_low + share * (ground_high - ground_low) * (ground_high + ground_low))
        lat = low + (high - low) * share * (ground_low + ground_high) / (ground_low + root)
        row = band_rows[band]
        middle = 0.5 * (low + high)
        count = 0
        width = 0.0
        for k in range(row_offsets[row], row_offsets[row + 1]):
            if edges[k, 0] <= middle < edges[k, 1]:
                crossings[count] = edges[k, 2] + (lat - edges[k, 0]) * edges[k, 3]
                count += 1
        crossings[:count].sort()
        for pair in range(0, count - 1, 2):
            width += crossings[pair + 1] - crossings[pair]
        left = uniforms[i, 1] * width
        lon = crossings[count - 1]
        for pair in range(0, count - 1, 2):
            piece = crossings[pair + 1] - crossings[pair]
            if left <= piece:
                lon = crossings[pair] + left
                break
            left -= piece
        out[i, 0], out[i, 1] = lat, lon


@kernel
def holds_rows(points, row_offsets, edges, out):
    """out[i] = 1 where the shape holds points[i] = (lat, lon)."""
    for i in range(points.shape[0]):
        out[i] = holds(points[i, 0], points[i, 1], row_offsets, edges)


@kernel
def mask_rows(points, raster, row_offsets, edges, edge_side, out):
    """out[i] = the mask of sides that hold points[i] = (lat, lon)."""
    for i in range(points.shape[0]):
        out[i] = territory_mask(points[i, 0], points[i, 1], raster, row_offsets, edges, edge_side)


@kernel
def country_rows(points, reach_m, raster, row_offsets, edges, edge_country, out):
    """out[i] = the index of the country that holds points[i] = (lat, lon), or lies within ``reach_m`` of it."""
    for i in range(points.shape[0]):
        out[i] = country_near(points[i, 0], points[i, 1], reach_m, raster, row_offsets, edges, edge_country)
