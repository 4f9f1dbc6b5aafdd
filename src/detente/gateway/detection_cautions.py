"""What in sound detections is most likely a mistake: told, never refused, for it may be meant."""

import numpy as np
from numpy.typing import NDArray

from detente.centre.tracking.follower import Plots
from detente.centre.tracking.settings import Model
from detente.gateway.sensor_files import Network
from detente.records.slots import DetectionKind

ENOUGH = 20  # detections of a radar, before what all of them have in common is no chance
SHORT_M, LONG_M = 10e3, 100_000e3
"""No ballistic missile is followed within the one alone; no radar sees beyond the other."""


def cautions(plots: Plots, network: Network, units: dict[str, str | None]) -> tuple[str, ...]:
    """Sentences about units that look mistaken, and about detections where their own sensor sees nothing.

    ``units``: the column that each of range, azimuth, elevation stood in, None where there was none.
    """
    radar = plots.kind == DetectionKind.RADAR
    of_units = _of_units(plots, radar, network, units) if radar.sum() >= ENOUGH else []
    return tuple(of_units or _out_of_view(plots, radar, network))


def _of_units(
    plots: Plots, radar: NDArray[np.bool_], network: Network, units: dict[str, str | None]
) -> list[str]:  # fmt: skip
    found = []
    azimuth_deg, elevation_deg = np.degrees(plots.azimuth_rad[radar]), np.degrees(plots.elevation_rad[radar])
    both_deg = (units["azimuth"], units["elevation"]) == ("azimuth_deg", "elevation_deg")
    if both_deg and np.all(np.abs(azimuth_deg) <= 2.0 * np.pi) and np.all(np.abs(elevation_deg) <= 0.5 * np.pi):
        found.append("every azimuth_deg is within ±6.3 and every elevation_deg within ±1.6: are they radians?")
    away = plots.range_m[radar]
    if np.all(away > LONG_M):
        found.append(f"every {units['range']} is beyond 100,000 km: is it in another unit?")
    if network.settings.model == Model.BALLISTIC and np.all(away < SHORT_M):
        found.append(f"every {units['range']} is below 10 km: is it in another unit?")
    return found


def _out_of_view(plots: Plots, radar: NDArray[np.bool_], network: Network) -> list[str]:
    """Detections beyond what the file of sensors says of a radar's view, by more than their noise explains."""
    sensors, by = network.sensors, plots.sensor
    low_rad, high_rad = sensors.elevation_min_rad[by], sensors.elevation_max_rad[by]
    slack_rad = 5.0 * plots.sigma_elevation_rad
    told = {
        "beyond its range_max_km": plots.range_m > sensors.range_max_m[by] + 5.0 * plots.sigma_range_m,
        "below its elevation_min_deg": plots.elevation_rad < low_rad - slack_rad,
        "above its elevation_max_deg": plots.elevation_rad > high_rad + slack_rad,
    }
    counts = {words: np.bincount(by[rows & radar], minlength=len(network.names)) for words, rows in told.items()}
    return [
        f"{name}: {count[index]:,} detections {words}"
        for index, name in enumerate(network.names)
        for words, count in counts.items()
        if count[index]
    ]
