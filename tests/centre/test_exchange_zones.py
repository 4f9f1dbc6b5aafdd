"""Zones: what is inside, what is left free, and how far flights between two can go."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.centre.exchange.zones import RANGE_CLASSES, distance_km, free_points, inside, possible_ranges, range_class
from detente.scenario.words import Box


def box(south, north, west, east):
    return Box(south_deg=float(south), north_deg=float(north), west_deg=float(west), east_deg=float(east))


@pytest.mark.parametrize(
    ("launch", "impact", "expected"),
    [
        (box(50, 51, 10, 11), box(50, 51, 10, 11), ("short",)),  # one small box: the case that "check" let pass
        (box(35, 36, 50, 51), box(55, 56, 37, 38), ("medium",)),  # 2,300 km
        (box(-1, 1, 179, -179), box(-1, 1, 0, 1), ("intercontinental",)),  # across the antimeridian
        (box(-90, 90, -180, 180), box(0, 1, 0, 1), RANGE_CLASSES),
    ],
)
def test_ranges_between_zones(launch, impact, expected):
    assert possible_ranges(launch, impact) == expected
    assert possible_ranges(impact, launch) == expected
    assert possible_ranges(None, impact) == possible_ranges(launch, None) == RANGE_CLASSES


BOXES = st.builds(
    lambda south, high, west, wide: box(south, min(90, south + high), west, (west + wide + 180) % 360 - 180),
    st.integers(-90, 89), st.integers(1, 60), st.integers(-180, 179), st.integers(1, 200),
)  # fmt: skip


def drawn(rng, zone):
    """A point of a zone."""
    width = (zone.east_deg - zone.west_deg) % 360
    lon_deg = zone.west_deg + rng.uniform(0, width)
    return rng.uniform(zone.south_deg, zone.north_deg), (lon_deg + 180) % 360 - 180


@settings(max_examples=150, deadline=None)
@given(BOXES, BOXES, st.integers(0, 1000))
def test_no_flight_between_two_zones_is_of_a_range_said_to_be_impossible(launch, impact, seed):
    rng = np.random.default_rng(seed)
    possible = possible_ranges(launch, impact)
    for _ in range(20):
        assert range_class(distance_km(drawn(rng, launch), drawn(rng, impact))) in possible


@settings(max_examples=150, deadline=None)
@given(BOXES, st.lists(BOXES, max_size=4), st.integers(0, 1000))
def test_free_points_are_found_wherever_there_are_any(zone, taken, seed):
    rng, found = np.random.default_rng(seed), free_points(zone, taken)
    for point in found:
        assert inside(point, zone, 1e-9)
        assert not any(inside(point, other) for other in taken)
    if not found:
        assert all(
            any(inside(point, other, 1e-6) for other in taken) for point in (drawn(rng, zone) for _ in range(50))
        )
    assert free_points(zone, [*taken, zone]) == []
