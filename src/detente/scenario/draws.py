"""Drawing the uncertain numbers: each quantity once a replicate, at an address made from its name.

The address is a digest of the quantity's path (``sensor/gabala/reference_range_km``), so that adding a sensor or
reordering a file changes no other draw, and every architecture of a study shares the same values.
"""

import hashlib
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.chance.draws import Stage, uniforms
from detente.records.slots import DetectionKind, SensorSuite
from detente.scenario.asked import Scenario, Sensor
from detente.scenario.catalogue import RadarEntry, SatelliteEntry
from detente.scenario.words import Quantity

Floats = NDArray[np.float64]


def address(path: str) -> int:
    """A stable 63-bit number for a path."""
    return int.from_bytes(hashlib.blake2b(path.encode(), digest_size=8).digest(), "big") >> 1


def drawn(quantity: Quantity, path: str, seed: int, replicates: NDArray[np.int64]) -> Floats:
    """Values of a quantity, in its unit, one a replicate, uniform between its low and its high. Shape (R,)."""
    u = uniforms(seed, replicates, Stage.PARAMETER, np.array([address(path)], np.int64))[:, 0]
    return quantity.low + (quantity.high - quantity.low) * u


def sensor_suite(scenario: Scenario, seed: int, replicates: NDArray[np.int64]) -> SensorSuite:
    """Every sensor of the scenario with the values that ``replicates`` (R,), by their numbers, drew; SI and radians."""
    owners = tuple(sorted({sensor.owner for sensor in scenario.sensors}))
    columns = [_sensor_columns(sensor, owners, seed, replicates) for sensor in scenario.sensors]
    assert columns, "a scenario has at least one sensor"
    per_sensor, per_draw = columns[0][0].keys(), columns[0][1].keys()
    fixed = {name: np.array([column[0][name] for column in columns]) for name in per_sensor}
    varied = {name: np.ascontiguousarray(np.stack([c[1][name] for c in columns], axis=1)) for name in per_draw}
    fixed["kind"] = fixed["kind"].astype(np.uint8)
    return SensorSuite(
        owners=owners, names=tuple(sensor.name for sensor in scenario.sensors), **fixed, **varied
    )  # fmt: skip


def _sensor_columns(
    sensor: Sensor, owners: tuple[str, ...], seed: int, replicates: NDArray[np.int64]
) -> tuple[dict[str, Any], dict[str, Any]]:
    def draw(quantity: Quantity, what: str, scale: float = 1.0) -> Floats:
        return scale * drawn(quantity, f"sensor/{sensor.name}/{what}", seed, replicates)

    entry = sensor.entry
    fixed, varied = _radar_columns(entry, draw) if isinstance(entry, RadarEntry) else _satellite_columns(entry, draw)
    fixed |= {"side": sensor.side, "owner": owners.index(sensor.owner)}
    phase = uniforms(seed, replicates, Stage.REVISIT, np.array([address(f"sensor/{sensor.name}")], np.int64))[:, 0]
    varied["offset_s"] = phase * varied["revisit_s"]
    return fixed, varied


def _radar_columns(entry: RadarEntry, draw) -> tuple[dict[str, Any], dict[str, Any]]:
    fixed: dict[str, Any] = {
        "kind": int(DetectionKind.RADAR),
        "lat_rad": math.radians(entry.position.lat_deg),
        "lon_rad": math.radians(entry.position.lon_deg),
        "height_m": entry.position.altitude_m,
        "boresight_rad": math.radians(entry.boresight_azimuth_deg),
        "sector_half_width_rad": math.radians(entry.sector_width_deg / 2.0),
        "elevation_min_rad": math.radians(entry.elevation_min_deg),
        "elevation_max_rad": math.radians(entry.elevation_max_deg),
        "watch_rad": (-math.pi / 2, math.pi / 2, -math.pi, math.pi),
        "grazing_m": 0.0,
    }
    none = np.zeros_like(draw(entry.revisit_s, "revisit_s"))
    varied = {
        "orbit": np.zeros((len(none), 6)),
        "revisit_s": draw(entry.revisit_s, "revisit_s"),
        "reference_range_m": draw(entry.reference_range_km, "reference_range_km", 1e3),
        "reference_snr": 10.0 ** (draw(entry.reference_snr_db, "reference_snr_db") / 10.0),
        "instrumented_range_m": draw(entry.instrumented_range_km, "instrumented_range_km", 1e3),
        "false_alarm_probability": draw(entry.false_alarm_probability, "false_alarm_probability"),
        "false_plots_per_scan": draw(entry.false_plots_per_scan, "false_plots_per_scan"),
        "detection_probability": none,
        "cloud_top_m": none,
        "sigma_range_m": draw(entry.sigma_range_m, "sigma_range_m"),
        "sigma_azimuth_rad": draw(entry.sigma_azimuth_mrad, "sigma_azimuth_mrad", 1e-3),
        "sigma_elevation_rad": draw(entry.sigma_elevation_mrad, "sigma_elevation_mrad", 1e-3),
    }
    return fixed, varied


def _satellite_columns(entry: SatelliteEntry, draw) -> tuple[dict[str, Any], dict[str, Any]]:
    watch = (
        (-math.pi / 2, math.pi / 2, -math.pi, math.pi)
        if entry.watch is None
        else tuple(math.radians(value) for value in entry.watch)
    )
    fixed: dict[str, Any] = {
        "kind": int(DetectionKind.INFRARED),
        "lat_rad": 0.0,
        "lon_rad": 0.0,
        "height_m": 0.0,
        "boresight_rad": 0.0,
        "sector_half_width_rad": math.pi,
        "elevation_min_rad": -math.pi / 2,
        "elevation_max_rad": math.pi / 2,
        "watch_rad": watch,
        "grazing_m": entry.earth_limb_grazing_km * 1e3,
    }
    node = np.radians(draw(entry.node_longitude_deg, "node_longitude_deg"))
    anomaly = np.radians(draw(entry.mean_anomaly_deg, "mean_anomaly_deg"))
    constant = np.ones_like(node)
    orbit = np.stack(
        [
            constant * entry.semi_major_axis_km * 1e3,
            constant * entry.eccentricity,
            constant * math.radians(entry.inclination_deg),
            constant * math.radians(entry.argument_of_perigee_deg),
            node,
            anomaly,
        ],
        axis=1,
    )
    sigma = draw(entry.sigma_line_of_sight_urad, "sigma_line_of_sight_urad", 1e-6)
    none = np.zeros_like(sigma)
    varied = {
        "orbit": orbit,
        "revisit_s": draw(entry.revisit_s, "revisit_s"),
        "reference_range_m": none,
        "reference_snr": none,
        "instrumented_range_m": none,
        "false_alarm_probability": none,
        "false_plots_per_scan": draw(entry.false_plots_per_scan, "false_plots_per_scan"),
        "detection_probability": draw(entry.detection_probability, "detection_probability"),
        "cloud_top_m": draw(entry.cloud_top_km, "cloud_top_km", 1e3),
        "sigma_range_m": none,
        "sigma_azimuth_rad": sigma,
        "sigma_elevation_rad": sigma,
    }
    return fixed, varied
