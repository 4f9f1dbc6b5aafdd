"""A world's sensors as the file of sensors that `detente track` takes: a run's detections are anyone's to follow.

The keys are those of ``docs/detections.md``. They are what this world drew, not the nominal numbers. What such a file
has no word for is left out: the sector a radar looks into, the ground a satellite watches, and whose the sensors are.
"""

import json
from typing import Any

import numpy as np

from detente.records.slots import DetectionKind, SensorSuite

SENSORS_FILE = "sensors.yaml"
HEAD = """\
# Who measured in this world. In the run's folder:
#   detente track detections.parquet --sensors sensors.yaml --out tracked
#   detente score tracked truth.parquet
# Noise is told in every row of the detections; here it is a sensor's at its reference signal-to-noise ratio.
sensors:
"""


def sensors_text(suite: SensorSuite) -> str:
    """The file's text for a suite of one replicate, sensors in the order of their numbers in the detections."""
    assert len(suite.revisit_s) == 1, "the sensors of one world"
    rows = (
        _radar(suite, i) if kind == DetectionKind.RADAR else _satellite(suite, i) for i, kind in enumerate(suite.kind)
    )
    return HEAD + "".join(f"  - {_flow(row)}\n" for row in rows)


def _radar(suite: SensorSuite, i: int) -> dict[str, Any]:
    return {
        "name": suite.names[i],
        "kind": "radar",
        **_degrees(latitude=suite.lat_rad[i], longitude=suite.lon_rad[i]),
        "height_m": float(suite.height_m[i]),
        "range_max_km": float(suite.instrumented_range_m[0, i]) / 1e3,
        **_degrees(elevation_min=suite.elevation_min_rad[i], elevation_max=suite.elevation_max_rad[i]),
        "revisit_s": float(suite.revisit_s[0, i]),
        "sigma_range_m": float(suite.sigma_range_m[0, i]),
        **_noise(suite, i),
    }


def _satellite(suite: SensorSuite, i: int) -> dict[str, Any]:
    axis_m, eccentricity, inclination, perigee, node, anomaly = suite.orbit[0, i]
    orbit = {"semi_major_axis_m": float(axis_m), "eccentricity": float(eccentricity)} | _degrees(
        inclination=inclination, argument_of_perigee=perigee, node_longitude=node, mean_anomaly=anomaly
    )
    return {
        "name": suite.names[i],
        "kind": "infrared",
        "orbit": orbit,
        "detection_probability": float(suite.detection_probability[0, i]),
        "cloud_top_m": float(suite.cloud_top_m[0, i]),
        "revisit_s": float(suite.revisit_s[0, i]),
        **_noise(suite, i),
    }


def _noise(suite: SensorSuite, i: int) -> dict[str, float]:
    return {
        "sigma_azimuth_rad": float(suite.sigma_azimuth_rad[0, i]),
        "sigma_elevation_rad": float(suite.sigma_elevation_rad[0, i]),
    }


def _degrees(**angles_rad: float) -> dict[str, float]:
    return {f"{name}_deg": float(np.degrees(angle)) for name, angle in angles_rad.items()}


def _flow(value: Any) -> str:
    """A mapping on one line of YAML; what stands in it is written as in JSON, which is YAML."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_flow(part)}' for key, part in value.items())}}}"
    return json.dumps(value)
