"""How soon an interceptor could be where: a fly-out table from a published speed, burn time and reach.

Simplifications, all of them towards a round number the public can check: one burn of constant acceleration along a
straight line, then a Kepler arc over a round Earth that does not turn; no air, no losses, no energy kept for the end.
The published burn-out speed is taken as the speed really reached. What an interceptor does at the end of its flight is
a kill probability elsewhere; it is not modelled.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detente.flight._kernels_reach import OUT_OF_REACH_S
from detente.flight.frozen import freeze
from detente.geodesy.constants import MEAN_RADIUS_M, MU_M3_S2
from detente.records.errors import InputError

ELEVATIONS = 361  # launch directions tried
LOWEST_ELEVATION_RAD = np.radians(2.0)
NEAREST_RAD = 2e-5  # range 0 is read off 130 m away, which the steepest arc passes inside of
STEEPEST_RAD = np.radians(89.999)  # a vertical arc has no ellipse; this one passes within 40 m of it


@dataclass(frozen=True)
class ReachTable:
    """Time of flight to each ground range and altitude, even steps; out of reach is ``OUT_OF_REACH_S`` (1e9 s)."""

    range_m: NDArray[np.float64]  # (a,) from 0
    altitude_m: NDArray[np.float64]  # (b,)
    time_s: NDArray[np.float64]  # (a, b)

    @property
    def range_step_m(self) -> float:
        return float(self.range_m[1] - self.range_m[0])

    @property
    def altitude_step_m(self) -> float:
        return float(self.altitude_m[1] - self.altitude_m[0])

    @property
    def altitude_0_m(self) -> float:
        return float(self.altitude_m[0])


@dataclass(frozen=True)
class _Arcs:
    """The Kepler arcs after burn-out, one per launch elevation."""

    angle_rad: NDArray[np.float64]  # ground angle already covered at burn-out
    radius_m: NDArray[np.float64]
    sweep_rad_m2_s: NDArray[np.float64]  # angular momentum
    axis_m: NDArray[np.float64]
    eccentricity: NDArray[np.float64]
    anomaly_rad: NDArray[np.float64]  # eccentric anomaly at burn-out


def _check(speed: float, burn: float, max_range: float, low: float, high: float, delay: float) -> None:
    given = (
        ("burnout_speed_m_s", speed, 100.0, 10_500.0),
        ("burn_time_s", burn, 0.5, 1_000.0),
        ("max_range_m", max_range, 1_000.0, 1.0e7),
        ("min_altitude_m", low, 0.0, 2.0e6),
        ("max_altitude_m", high, 1_000.0, 4.0e6),
        ("launch_delay_s", delay, 0.0, 3_600.0),
    )
    for name, value, least, most in given:
        if not least <= value <= most:
            raise InputError(f"{value}", f"{least:g} to {most:g}", "correct the interceptor", path=name)
    if not low < high:
        raise InputError(f"{low} and {high}", "a lowest altitude below the highest", "swap them", path="min_altitude_m")


def _straight(elevation: NDArray, distance: NDArray) -> tuple[NDArray, NDArray]:
    """Radius and ground angle after a distance along a straight line from the ground."""
    up, out = MEAN_RADIUS_M + distance * np.sin(elevation), distance * np.cos(elevation)
    return np.hypot(up, out), np.arctan2(out, up)


def _arcs(elevation: NDArray, speed: float, burn: float) -> _Arcs:
    radius, angle = _straight(elevation, np.full_like(elevation, 0.5 * speed * burn))
    climb = elevation + angle  # the line leans back against the horizon it has moved to
    radial, across = speed * np.sin(climb), speed * np.cos(climb)
    axis = 1.0 / (2.0 / radius - speed**2 / MU_M3_S2)
    e_cos, e_sin = 1.0 - radius / axis, radius * radial / np.sqrt(MU_M3_S2 * axis)
    return _Arcs(angle, radius, radius * across, axis, np.hypot(e_cos, e_sin), np.arctan2(e_sin, e_cos))


def _crossings(arcs: _Arcs, radius: float) -> list[tuple[NDArray, NDArray]]:
    """When after burn-out, and over which ground angle, each arc passes a radius: going up, then coming down."""
    with np.errstate(invalid="ignore"):
        rising = np.arccos((1.0 - radius / arcs.axis_m) / arcs.eccentricity)
    motion = np.sqrt(MU_M3_S2 / arcs.axis_m**3)
    stretch = np.sqrt((1.0 + arcs.eccentricity) / (1.0 - arcs.eccentricity))

    def true_anomaly(eccentric: NDArray) -> NDArray:
        return 2.0 * np.arctan2(stretch * np.sin(0.5 * eccentric), np.cos(0.5 * eccentric))

    def mean_anomaly(eccentric: NDArray) -> NDArray:
        return eccentric - arcs.eccentricity * np.sin(eccentric)

    found = []
    for at in (rising, 2.0 * np.pi - rising):
        time = (mean_anomaly(at) - mean_anomaly(arcs.anomaly_rad)) / motion
        swept = np.mod(true_anomaly(at) - true_anomaly(arcs.anomaly_rad), 2.0 * np.pi)
        found.append((np.where(time >= 0.0, time, np.nan), arcs.angle_rad + swept))
    return found


def _during_burn(elevation: NDArray, radius: float, speed: float, burn: float) -> tuple[NDArray, NDArray]:
    """When, and over which ground angle, the straight burn passes a radius; NaN where it does not get there."""
    s = np.sin(elevation)
    distance = -MEAN_RADIUS_M * s + np.sqrt((MEAN_RADIUS_M * s) ** 2 + radius**2 - MEAN_RADIUS_M**2)
    time = np.sqrt(2.0 * distance * burn / speed)
    return np.where(time <= burn, time, np.nan), _straight(elevation, distance)[1]


def _earliest(times: NDArray, angles: NDArray, wanted: NDArray) -> NDArray:
    """The soonest over all pairs of neighbouring passages that straddle each wanted ground angle; linear between."""
    passed = np.isfinite(times)
    times, angles = times[passed], angles[passed]
    if len(times) < 2:
        return np.full(len(wanted), np.inf)
    a, b = angles[:-1, None], angles[1:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        s = np.where(a == b, 0.0, (wanted - a) / (b - a))
    between = times[:-1, None] + s * (times[1:, None] - times[:-1, None])
    return np.where((s >= 0.0) & (s <= 1.0), between, np.inf).min(axis=0)


def reach_table(
    burnout_speed_m_s: float,
    burn_time_s: float,
    *,
    max_range_m: float,
    min_altitude_m: float,
    max_altitude_m: float,
    launch_delay_s: float = 0.0,
    range_cells: int = 100,
    altitude_cells: int = 60,
) -> ReachTable:
    """The earliest time an interceptor could be at each ground range and altitude within its published limits.

    Metres, seconds, metres per second; ``launch_delay_s`` is added to every time. For every altitude, a fan of launch
    directions is flown and the soonest that passes each range is kept.
    """
    _check(burnout_speed_m_s, burn_time_s, max_range_m, min_altitude_m, max_altitude_m, launch_delay_s)
    ranges = np.linspace(0.0, max_range_m, range_cells + 1)
    altitudes = np.linspace(min_altitude_m, max_altitude_m, altitude_cells + 1)
    elevation = np.linspace(LOWEST_ELEVATION_RAD, STEEPEST_RAD, ELEVATIONS)
    arcs = _arcs(elevation, burnout_speed_m_s, burn_time_s)
    wanted = ranges / MEAN_RADIUS_M
    wanted[0] = NEAREST_RAD
    time_s = np.full((len(ranges), len(altitudes)), OUT_OF_REACH_S)
    for j, altitude in enumerate(altitudes):
        radius = MEAN_RADIUS_M + altitude
        time_burning, angle_burning = _during_burn(elevation, radius, burnout_speed_m_s, burn_time_s)
        (time_up, angle_up), (time_down, angle_down) = _crossings(arcs, radius)
        burning = np.isfinite(time_burning)
        # From the steepest climb down to the flattest that gets so high, then its fall, up to the steepest again: where
        # the climb and the fall of the flattest meet, at its apogee, the two branches are one curve.
        times = np.where(burning, time_burning, time_up + burn_time_s), time_down + burn_time_s
        angles = np.where(burning, angle_burning, angle_up), angle_down
        best = _earliest(
            np.concatenate((times[0][::-1], times[1])), np.concatenate((angles[0][::-1], angles[1])), wanted
        )
        time_s[:, j] = np.where(np.isfinite(best), best + launch_delay_s, OUT_OF_REACH_S)
    freeze(ranges, altitudes, time_s)
    return ReachTable(ranges, altitudes, time_s)
