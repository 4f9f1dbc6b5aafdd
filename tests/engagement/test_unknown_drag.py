"""What it costs a plan not to know how heavy the thing is that falls: the miss in kilometres that the README tells."""

import math

import numpy as np
import pytest

from detente.engagement.plan import PlanRules
from detente.flight.prediction import predicted_path
from detente.flight.twobody import minimum_energy
from detente.geodesy.ellipsoid import ecef_to_geodetic, geodetic_to_ecef

HEIGHTS_M = np.array([80e3, 25e3, 20e3, 15e3, 10e3, 5e3])
BASKET_M = 1e3, 6e3  # the catalogue's, of interceptors that meet things in the air
DRAWS = 200


def falling(range_m):
    """A body of a minimum-energy flight on its way down through 100 km: position and velocity ECEF."""
    lat, lon, height_m = 0.7, 0.7, 100e3
    position = geodetic_to_ecef([(lat, lon, height_m)])[0]
    start = minimum_energy([range_m])
    speed, elevation = start.speed_m_s.item(), start.elevation_rad.item()
    level = speed * math.cos(elevation)
    sinking = math.sqrt(speed**2 - 2.0 * 9.66 * height_m - level**2)
    east = np.array([-math.sin(lon), math.cos(lon), 0.0])
    return position, level * east - sinking * position / np.linalg.norm(position)


def at(path, time_s):
    return np.stack([np.interp(time_s, path[:, 0], path[:, i]) for i in (1, 2, 3)], axis=-1)


@pytest.mark.parametrize(
    ("range_m", "least", "most", "miss_km", "within"),
    [
        (750e3, 1_000.0, 8_000.0, (0.0, 0.20, 0.40, 0.80, 1.53, 2.65), (1.0, 1.0, 0.98, 0.93, 0.80, 0.63)),
        (2_000e3, 1_000.0, 8_000.0, (0.0, 0.21, 0.42, 0.85, 1.65, 2.88), (1.0, 1.0, 0.98, 0.92, 0.78, 0.59)),
        (5_500e3, 2_000.0, 10_000.0, (0.0, 0.33, 0.69, 1.39, 2.63, 4.48), (1.0, 1.0, 1.0, 0.90, 0.68, 0.39)),
    ],
)
def test_a_planned_meeting_is_off_by_so_much(range_m, least, most, miss_km, within):
    position, velocity = falling(range_m)
    planned = predicted_path(
        position, velocity, PlanRules(decider=0, extra_delay_s=np.zeros(1)).ballistic_coefficient_kg_m2, 1.0
    )
    times = np.interp(-HEIGHTS_M, -ecef_to_geodetic(planned[:, 1:4])[:, 2], planned[:, 0])
    shares = (np.arange(DRAWS) + 0.5) / DRAWS
    flown = [predicted_path(position, velocity, least + (most - least) * share, 1.0) for share in shares]
    off_m = np.array([np.linalg.norm(at(planned, times) - at(path, times), axis=1) for path in flown])
    landed = np.array([times >= path[-1, 0] for path in flown])
    off_m[landed] = np.inf  # a heavier one has come down before
    assert np.median(off_m, axis=0) / 1e3 == pytest.approx(miss_km, abs=0.01)
    baskets_m = np.linspace(*BASKET_M, 51)
    assert (off_m[:, :, None] <= baskets_m).mean(axis=(0, 2)) == pytest.approx(within, abs=0.01)
