"""Range, azimuth, latitude and longitude of many impacts at once, against the geodesic and the ellipsoid one by one."""

import numpy as np

from detente.flight import _kernels as columns
from detente.flight import _kernels_ascent as ascent
from detente.flight import _kernels_coast as coasting
from detente.flight import _kernels_ground as ground
from detente.flight._kernels_lanes import LANES, room_for
from detente.flight.flags import Flag
from detente.geodesy.distance import shortest_paths
from detente.geodesy.ellipsoid import geodetic_to_ecef


def described(pads, ends):
    """(results, settled) of flights from pads to ends, rows (latitude, longitude), flown in 100 s."""
    count = len(pads)
    level = np.cos(pads[:, 0])
    verticals = np.stack((level * np.cos(pads[:, 1]), level * np.sin(pads[:, 1]), np.sin(pads[:, 0])), axis=1)
    left, landed = np.zeros((count, ascent.LEFT)), np.zeros((count, coasting.RESULTS))
    landed[:, coasting.AT_X : coasting.AT_X + 3] = geodetic_to_ecef(np.column_stack((ends, np.zeros(count))))
    landed[:, coasting.TIME_S], landed[:, coasting.ERROR_M], left[:, ascent.LEFT_TIME] = 60.0, 1.0, 40.0
    left[:, ascent.LEFT_APOGEE] = 5e4
    landed[::2, coasting.TOP_M] = 7e4
    results, settled, flags = np.zeros((count, columns.RESULTS)), np.zeros(count, np.bool_), np.zeros(count, np.uint8)
    flags[-1] = Flag.NEVER_LANDS
    ground.describe_rows(
        room_for(ground.ROWS * LANES), verticals, left, landed, np.full(count, 2.0), flags, results, settled
    )
    return results, settled


def scattered(rng, count, spread_rad):
    pads = np.column_stack((np.arcsin(rng.uniform(-1, 1, count)), rng.uniform(-np.pi, np.pi, count)))
    ends = pads + rng.normal(0.0, spread_rad, (count, 2))
    ends[:, 0] = np.clip(ends[:, 0], -0.5 * np.pi, 0.5 * np.pi)
    return pads, (ends + np.pi) % (2.0 * np.pi) - np.pi


def test_where_flights_came_down_is_what_the_scalar_geodesic_says():
    rng = np.random.default_rng(60)
    pads, ends = (
        np.vstack(both) for both in zip(*(scattered(rng, 700, spread) for spread in (0.05, 0.6)), strict=True)
    )
    # Poles, the antimeridian, the equator, a meridian.
    pads[:6] = (0.5 * np.pi, 1.0), (-0.5 * np.pi, 1.0), (0.3, 3.1), (0.0, 0.5), (0.4, 0.2), (-0.4, -3.1)
    ends[:6] = (1.2, -2.0), (-1.1, 0.4), (0.2, -3.1), (0.0, 0.9), (-0.3, 0.2), (-0.3, 3.1)
    results, settled = described(pads, ends)
    assert settled[:6].all()
    assert settled.mean() > 0.99
    ways = shortest_paths(pads, ends)
    sure = settled & (np.arange(len(pads)) < len(pads) - 1)
    assert np.abs(results[sure, columns.RANGE] - ways.distance_m[sure]).max() < 1e-4
    off = results[sure, columns.AZIMUTH] - ways.azimuth_start_rad[sure]
    assert np.abs(np.sin(off) * ways.distance_m[sure]).max() < 1e-4
    assert np.cos(off).min() > 0.0
    assert np.abs(results[:-1, columns.LATITUDE] - ends[:-1, 0]).max() < 1e-12
    assert np.abs(np.sin(results[:-1, columns.LONGITUDE] - ends[:-1, 1])).max() < 1e-12
    assert np.all(results[:-1, columns.FLIGHT_S] == 100.0)
    assert np.all(results[:-1, columns.ERROR] == 3.0)
    assert np.array_equal(results[:-1, columns.APOGEE_M], np.where(np.arange(len(pads) - 1) % 2 == 0, 7e4, 5e4))


def test_what_never_landed_and_what_does_not_settle():
    pads = np.array(((0.3, 0.1), (0.3, 0.1), (0.3, 0.1), (0.3, 0.1)))
    ends = np.array(((-0.3, 0.1 + np.pi - 1e-4), (0.3, 0.1), (0.4, 0.2), (0.4, 0.2)))
    results, settled = described(pads, ends)
    assert settled.tolist() == [False, False, True, True]
    assert not results[3].any()
    assert results[2, columns.RANGE] > 8e5
