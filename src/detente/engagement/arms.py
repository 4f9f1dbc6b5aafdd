"""What can be shot, from where, how soon and on whose order: the sites and doctrines as these replicates drew them."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from detente.flight.interceptor import OUT_OF_REACH_S, ReachTable, reach_table
from detente.geodesy.ellipsoid import geodetic_to_ecef
from detente.records.slots import Slots
from detente.scenario.asked import Scenario, Site
from detente.scenario.catalogue import InterceptorEntry
from detente.scenario.draws import drawn
from detente.scenario.sides import Doctrine

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RANGE_CELLS, ALTITUDE_CELLS = 60, 30  # of a table of times
SPEED_STEP = 0.1  # tables stand this far apart in burnout speed, as a share; between them they are interpolated
ANY_SPEED_M_S = 1e9  # fastest target, where the catalogue names none


@dataclass(frozen=True, kw_only=True)
class Arms(Slots):
    """K sites of all sides, in scenario order, in R replicates. Sites of one type share that type's draws."""

    names: tuple[str, ...]
    side: Ints  # (K,) whose site it is
    direction_ecef: Floats  # (K, 3) unit vector from the Earth's centre
    position_rad: Floats  # (K, 2) geodetic latitude, longitude
    stock: Ints  # (R, K) interceptors at the start
    limits: Floats  # (R, K, 5) lowest and highest meeting m, range m, fastest target m/s, radius it defends m (0: any)
    kill_probability: Floats  # (R, K) single shot, given that the object was told apart
    basket_m: Floats  # (R, K)
    command_delay_s: Floats  # (R, sides) from a picture to a launch
    burnout_speed_m_s: Floats  # (R, K)
    burn_s: Floats  # (R, K)
    table_first: Ints  # (R, K) where the site's table of times begins in ``times_s``
    table_shape: Ints  # (R, K, 2) ranges, heights
    table_steps: Floats  # (R, K, 3) range step, first height, height step, m
    times_s: Floats  # (n,) all tables, one after the other
    quickest_s: Floats  # (R, K) the shortest time in the site's table
    threshold: Floats  # (sides,) P(impact) needed to shoot
    mode: Ints  # (sides,) 0 shoot-look-shoot, 1 salvo
    salvo: Ints  # (sides, 2) interceptors at once, and at one object in all
    look_s: Floats  # (sides,) from intercept to knowing its result
    reserve_fraction: Floats  # (sides,) of stock kept from lines that a partner alone sees

    @property
    def replicates(self) -> int:
        """R."""
        return self.stock.shape[0]


def arm(scenario: Scenario, seed: int, replicates: Ints) -> Arms:
    """All sites of a scenario with the values these replicates drew. ``replicates``: their numbers, shape (R,)."""
    sites, rows = scenario.sites, len(replicates)
    types = {site.entry.name: _draw_type(site.entry, seed, replicates) for site in sites}
    tables, flat = _lay_tables({site.entry.name: site.entry for site in sites}, types, rows)
    direction, angles = _positions(sites)
    limits = np.empty((rows, len(sites), 5))
    for k, site in enumerate(sites):
        limits[:, k, :4] = types[site.entry.name]["limits"]
        limits[:, k, 4] = 1e3 * (site.use.defends_own_radius_km or 0.0)
    delays = [
        drawn(side.command_delay_s, f"side/{side.name}/command_delay_s", seed, replicates) for side in scenario.sides
    ]

    def by_site(key: str) -> Floats:
        return _columns([types[site.entry.name][key] for site in sites], rows)

    return Arms(
        names=tuple(site.name for site in sites),
        side=np.array([site.side for site in sites], np.int64),
        direction_ecef=direction,
        position_rad=angles,
        stock=np.tile(np.array([site.stock for site in sites], np.int64), (rows, 1)),
        limits=limits,
        kill_probability=by_site("kill_probability"),
        basket_m=by_site("basket_m"),
        command_delay_s=_columns(delays, rows),
        burnout_speed_m_s=by_site("burnout_speed_m_s"),
        burn_s=by_site("burn_s"),
        times_s=flat,
        **_table_columns(sites, tables, flat, rows),
        **_doctrines([side.doctrine for side in scenario.sides]),
    )


def _columns(values: list[Floats], rows: int) -> Floats:
    return np.ascontiguousarray(np.stack(values, axis=1)) if values else np.zeros((rows, 0))


def _draw_type(entry: InterceptorEntry, seed: int, replicates: Ints) -> dict[str, Floats]:
    """The drawn values of one interceptor type, in metres and seconds."""

    def draw(what: str, scale: float = 1.0) -> Floats:
        return scale * drawn(getattr(entry, what), f"interceptor/{entry.name}/{what}", seed, replicates)

    fastest = np.full(len(replicates), ANY_SPEED_M_S)
    if entry.target_speed_max_km_s is not None:
        fastest = draw("target_speed_max_km_s", 1e3)
    limits = [draw("altitude_min_km", 1e3), draw("altitude_max_km", 1e3), draw("range_max_km", 1e3), fastest]
    return {
        "limits": np.stack(limits, axis=1),
        "kill_probability": draw("kill_probability"),
        "basket_m": draw("basket_km", 1e3),
        "burnout_speed_m_s": draw("burnout_speed_km_s", 1e3),
        "burn_s": draw("burn_s"),
    }


def _positions(sites: tuple[Site, ...]) -> tuple[Floats, Floats]:
    """Unit vectors from the Earth's centre (K, 3); geodetic latitude and longitude (K, 2)."""
    places = [site.position for site in sites]
    geodetic = np.array(
        [(math.radians(place.lat_deg), math.radians(place.lon_deg), place.altitude_m) for place in places]
    ).reshape(-1, 3)
    ecef = geodetic_to_ecef(geodetic)
    radius = np.sqrt((ecef**2).sum(axis=1, keepdims=True))
    return ecef / radius, np.ascontiguousarray(geodetic[:, :2])


def _doctrines(doctrines: list[Doctrine]) -> dict[str, NDArray]:
    return {
        "threshold": np.array([doctrine.threat_probability for doctrine in doctrines]),
        "mode": np.array([int(doctrine.mode == "salvo") for doctrine in doctrines], np.int64),
        "salvo": np.array([(doctrine.salvo, doctrine.shots_max) for doctrine in doctrines], np.int64),
        "look_s": np.array([doctrine.look_s for doctrine in doctrines]),
        "reserve_fraction": np.array([doctrine.reserve_fraction for doctrine in doctrines]),
    }


def _lay_tables(
    entries: dict[str, InterceptorEntry], types: dict[str, dict[str, Floats]], rows: int
) -> tuple[dict[str, tuple[ReachTable, int]], Floats]:
    """A table for every type and replicate, laid end to end; and by type one table, for its steps, and the start."""
    laid: dict[str, tuple[ReachTable, int]] = {}
    parts: list[Floats] = []
    start = 0
    for name, entry in entries.items():
        nodes = _nodes(entry)
        laid[name] = nodes[0][2], start
        start += rows * nodes[0][2].time_s.size
        parts += [_between(nodes, types[name]["burnout_speed_m_s"][r], types[name]["burn_s"][r]) for r in range(rows)]
    return laid, np.concatenate(parts) if parts else np.zeros(0)


def _table_columns(
    sites: tuple[Site, ...], tables: dict[str, tuple[ReachTable, int]], times_s: Floats, rows: int
) -> dict[str, NDArray]:
    first = np.zeros((rows, len(sites)), np.int64)
    shape = np.zeros((rows, len(sites), 2), np.int64)
    steps = np.zeros((rows, len(sites), 3))
    quickest = np.zeros((rows, len(sites)))
    for k, site in enumerate(sites):
        table, start = tables[site.entry.name]
        size = table.time_s.size
        first[:, k] = start + size * np.arange(rows)
        quickest[:, k] = times_s[start : start + size * rows].reshape(rows, size).min(axis=1)
        shape[:, k] = table.time_s.shape
        steps[:, k] = table.range_step_m, table.altitude_0_m, table.altitude_step_m
    return {"table_first": first, "table_shape": shape, "table_steps": steps, "quickest_s": quickest}


Node = tuple[float, float, ReachTable]


def _nodes(entry: InterceptorEntry) -> tuple[Node, ...]:
    """Tables over the type's range of burnout speeds and burns, all on one grid that holds its widest limits."""
    speed, burn = entry.burnout_speed_km_s, entry.burn_s
    return _table_nodes(
        1e3 * speed.low, 1e3 * speed.high, burn.low, burn.high,
        1e3 * entry.range_max_km.high, 1e3 * entry.altitude_min_km.low, 1e3 * entry.altitude_max_km.high,
    )  # fmt: skip


@lru_cache(maxsize=64)
def _table_nodes(
    speed_low: float, speed_high: float, burn_low: float, burn_high: float, reach: float, low: float, high: float
) -> tuple[Node, ...]:
    speeds = np.linspace(speed_low, speed_high, 1 + math.ceil(math.log(speed_high / speed_low) / SPEED_STEP - 1e-9))
    burns = (burn_low,) if burn_high == burn_low else (burn_low, burn_high)
    return tuple(
        (float(speed), burn, reach_table(
            float(speed), burn, max_range_m=reach, min_altitude_m=low, max_altitude_m=high,
            range_cells=RANGE_CELLS, altitude_cells=ALTITUDE_CELLS,
        ))
        for speed in speeds
        for burn in burns
    )  # fmt: skip


def _between(nodes: tuple[Node, ...], speed: float, burn: float) -> Floats:
    """The flat table at a drawn speed and burn: linear in both; out of reach where any table it rests on is."""
    burns = sorted({node[1] for node in nodes})
    speeds = sorted({node[0] for node in nodes})
    total, missing = np.zeros(nodes[0][2].time_s.size), np.zeros(nodes[0][2].time_s.size, bool)
    for i, speed_share in _shares(speeds, speed):
        for j, burn_share in _shares(burns, burn):
            times = nodes[i * len(burns) + j][2].time_s.reshape(-1)
            missing |= times >= OUT_OF_REACH_S
            total += speed_share * burn_share * times
    return np.where(missing, OUT_OF_REACH_S, total)


def _shares(nodes: list[float], value: float) -> list[tuple[int, float]]:
    """Which of the ascending nodes a value rests on, and with what share each."""
    if len(nodes) == 1:
        return [(0, 1.0)]
    at = min(max(int(np.searchsorted(nodes, value, side="right")) - 1, 0), len(nodes) - 2)
    share = min(1.0, max(0.0, (value - nodes[at]) / (nodes[at + 1] - nodes[at])))
    return [(i, s) for i, s in ((at, 1.0 - share), (at + 1, share)) if s > 0.0]
