"""Launch here, land there, at a given final pitch: the cut-off and the azimuth are what is left to find."""

import numpy as np
from numpy.typing import NDArray

from detente.flight.aiming import Launches
from detente.flight.flags import Flag
from detente.flight.trajectory import Flights, fly_out
from detente.flight.vehicle import PackedMissiles
from detente.geodesy.distance import shortest_paths

LADDER = 12  # cut-offs tried at once
ROUNDS = 12
EARLIEST_CUTOFF_FRACTION = 0.02  # of the last stage's burn: a missile cannot be stopped before that stage burns


def solve_cutoff(
    packed: PackedMissiles,
    missile: int,
    latitude_rad: float,
    longitude_rad: float,
    aim_latitude_rad: float,
    aim_longitude_rad: float,
    pitch_final_rad: float,
    *,
    tolerance_m: float = 10.0,
    rotation: bool = True,
    drag: bool = True,
) -> Launches:
    """The azimuth and the cut-off at which a missile held to a final pitch comes down on its aim. One launch.

    Each round flies a ladder of cut-offs along one azimuth, keeps the rung below which the range is still too short,
    and turns the azimuth by as much as that flight missed to the side. Flags and shortfall are those of
    ``aiming.solve_launch``.
    """
    pad, aim = np.array([latitude_rad, longitude_rad]), np.array([aim_latitude_rad, aim_longitude_rad])
    way = shortest_paths(pad, aim)
    wanted, bearing = float(way.distance_m[0]), float(way.azimuth_start_rad[0])
    first, last = float(packed.body[missile, 3]), float(packed.body[missile, 2])
    low, high = first + EARLIEST_CUTOFF_FRACTION * (last - first), last
    azimuth, flown = bearing, 0
    whole = low, high
    for _ in range(ROUNDS):
        cutoffs = np.linspace(low, high, LADDER)
        flights = fly_out(
            packed, missile, latitude_rad, longitude_rad, azimuth, pitch_final_rad, cutoffs,
            rotation=rotation, drag=drag,
        )  # fmt: skip
        flown += LADDER
        reached = _ranges(flights)
        if reached[0] > wanted or reached[-1] < wanted:
            if (low, high) != whole:
                # The azimuth has turned since, and the rung with it: look at the whole ladder again.
                low, high = max(whole[0], low - (high - low)), min(whole[1], high + (high - low))
                continue
            return _refused(Flag.UNREACHABLE, wanted - float(reached[0] if reached[0] > wanted else reached[-1]), flown)
        impacts = np.column_stack((flights.impact_latitude_rad, flights.impact_longitude_rad))
        misses = np.where(flights.flag == 0, shortest_paths(aim, impacts).distance_m, np.inf)
        best = int(misses.argmin())
        if misses[best] <= tolerance_m:
            time = float(flights.flight_time_s[best])
            return _answer(azimuth, pitch_final_rad, cutoffs[best], misses[best], 0.0, time, flown, flag=Flag.OK)
        rung = int(np.flatnonzero(reached >= wanted)[0])
        low, high = float(cutoffs[max(rung - 1, 0)]), float(cutoffs[rung])
        flew = float(shortest_paths(pad, impacts[best]).azimuth_start_rad[0])
        azimuth -= float(np.angle(np.exp(1j * (flew - bearing))))
    return _refused(Flag.NO_CONVERGENCE, 0.0, flown)


def _ranges(flights: Flights) -> NDArray[np.float64]:
    """Ranges flown; nothing for what fell back in boost, without end for what never lands."""
    endless = (flights.flag == Flag.NEVER_LANDS) | (flights.flag == Flag.ESCAPES)
    return np.where(endless, np.inf, np.where(flights.flag == 0, flights.range_m, 0.0))


def _refused(flag: Flag, shortfall_m: float, flown: int) -> Launches:
    return _answer(0.0, 0.0, 0.0, 0.0, shortfall_m, 0.0, flown, flag=flag)


def _answer(*values: float, flag: Flag) -> Launches:
    return Launches(*(np.array([value], dtype=float) for value in values), flag=np.array([flag], dtype=np.uint8))
