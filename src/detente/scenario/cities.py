"""Where people live on a side's ground: GeoNames' cities, and the camps and ports that a scenario adds."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from detente.geodesy.territory import Territory, contains
from detente.scenario.asked import People
from detente.scenario.sides import Troops


@dataclass(frozen=True, kw_only=True, eq=False)
class Cities:
    """The world's cities, in the order of their GeoNames identifiers."""

    lat_rad: NDArray[np.float64]
    lon_rad: NDArray[np.float64]
    people: NDArray[np.float64]
    names: tuple[str, ...]
    digest: str
    source: str


@lru_cache(maxsize=64)
def cities_within(cities: Cities, territory: Territory, population_min: int) -> People:
    """The cities of at least so many people inside a territory."""
    corners = territory.vertices_rad
    (south, west), (north, east) = corners.min(axis=0), corners.max(axis=0)
    near = (cities.people >= population_min) & (cities.lat_rad >= south) & (cities.lat_rad <= north)
    near &= (cities.lon_rad >= west) & (cities.lon_rad <= east)
    rows = np.flatnonzero(near)
    if len(rows):
        rows = rows[contains(territory, np.stack([cities.lat_rad[rows], cities.lon_rad[rows]], axis=1))]
    return _people(cities.lat_rad[rows], cities.lon_rad[rows], cities.people[rows], [cities.names[row] for row in rows])


def troops_of(troops: Sequence[Troops], side: str) -> People:
    """A side's troops and ports, in the order of the file."""
    own = [camp for camp in troops if camp.side == side]
    return _people(
        np.radians([camp.position.lat_deg for camp in own]),
        np.radians([camp.position.lon_deg for camp in own]),
        np.array([camp.people for camp in own], np.float64),
        [camp.name for camp in own],
    )


def _people(lat: NDArray, lon: NDArray, people: NDArray, names: Sequence[str]) -> People:
    columns = [np.ascontiguousarray(column, np.float64) for column in (lat, lon, people)]
    for column in columns:
        column.flags.writeable = False
    return People(lat_rad=columns[0], lon_rad=columns[1], people=columns[2], names=tuple(names))
