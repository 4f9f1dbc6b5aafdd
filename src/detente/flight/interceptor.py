"""How soon an interceptor could be where: a fly-out table from a published speed, burn time and reach.

Simplifications, all of them towards a round number the public can check: one burn of constant acceleration along a
straight line, then free motion as every coasting body here has it, over a flattened Earth that does not turn; no air,
no losses, no energy kept for the end. The published burn-out speed is taken as the speed really reached. What an
interceptor does at the end of its flight is a kill probability elsewhere; it is not modelled.

A table serves every site and every direction, so one launch stands for all: eastward from where the ellipsoid's radius
is the mean one and J2's pull along the vertical is nil. What another site or direction, or the Earth's turning,
would change is in the README.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detente.flight._kernels_flyout import FALLING, RISING, passages
from detente.flight._kernels_reach import OUT_OF_REACH_S
from detente.flight.frozen import freeze
from detente.geodesy.constants import A_M, E2, MEAN_RADIUS_M
from detente.records.errors import InputError

ELEVATIONS = 361  # launch directions tried
LOWEST_ELEVATION_RAD = np.radians(2.0)
NEAREST_RAD = 2e-5  # range 0 is read off 130 m away, which the steepest arc passes inside of
STEEPEST_RAD = np.radians(89.999)  # the vertical would pass over no ground; this one passes within 40 m of it
UP = np.sqrt((2.0 / 3.0, 0.0, 1.0 / 3.0))  # at the geocentric latitude whose sine squared is a third
EAST = np.array((0.0, 1.0, 0.0))
SITE_ECEF_M = A_M / np.sqrt(2.0 / 3.0 + 1.0 / (3.0 * (1.0 - E2))) * UP
STILL = 0.0  # how fast the Earth turns here, rad/s


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
    wanted = ranges / MEAN_RADIUS_M
    wanted[0] = NEAREST_RAD
    times = np.empty((ELEVATIONS, 2, len(altitudes)))
    angles = np.empty_like(times)
    speed, burn_s = float(burnout_speed_m_s), float(burn_time_s)  # whole numbers would have the kernel compiled anew
    passages(SITE_ECEF_M, UP, EAST, elevation, speed, burn_s, STILL, altitudes, times, angles)
    # From the steepest climb down to the flattest that gets so high, then its fall, up to the steepest again: where the
    # climb and the fall of the flattest meet, at its apogee, the two branches are one curve.
    times = np.concatenate((times[::-1, RISING], times[:, FALLING]))
    angles = np.concatenate((angles[::-1, RISING], angles[:, FALLING]))
    best = np.stack([_earliest(*passed, wanted) for passed in zip(times.T, angles.T, strict=True)], axis=1)
    time_s = np.where(np.isfinite(best), best + launch_delay_s, OUT_OF_REACH_S)
    freeze(ranges, altitudes, time_s)
    return ReachTable(ranges, altitudes, time_s)
