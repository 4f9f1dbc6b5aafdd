"""The least error any tracker could have with these sensors: from a sensors file to what a score divides by."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detente.centre.tracking.settings import Model
from detente.gateway.sensor_files import read_sensors
from detente.records.errors import InputError
from detente.records.paths import TruePaths
from detente.scoring.bounds import Bounds, Watch, network_bounds


def bound_by(sensors: str | Path, *, model: str | None = None) -> Callable[[TruePaths, NDArray[np.float64]], Bounds]:
    """What ``detente.score(..., bounds=…)`` takes: the posterior Cramér–Rao bound under a sensors file and its rules.

    For the constant-gravity model; the truth must be in its frame. The ballistic model's bound asks for each body's
    ballistic coefficient, which no truth file holds: InputError (``bench/tracking_ballistic.py`` has it, for bodies
    whose coefficient is known). Raises InputError for a sensor without noise or that moves.
    """
    path = Path(sensors)
    network = read_sensors(path, model=model)
    if network.settings.model != Model.CONSTANT_GRAVITY:
        raise InputError(
            "the ballistic model", "--model constant-gravity: its bound needs nothing but sensors and truth",
            "give --model constant-gravity, or leave --sensors out", file=str(path), path="--sensors",
        )  # fmt: skip
    given, sigmas = network.sensors, network.sigmas
    silent = (sigmas["azimuth"] <= 0.0) | (sigmas["elevation"] <= 0.0) | np.any(given.orbit != 0.0, axis=1)
    if silent.any():
        raise InputError(
            f"sensor {network.names[int(np.argmax(silent))]!r} moves, or has no noise of its own",
            "sensors that stay, with sigma_azimuth and sigma_elevation", "state the sensors' noise in the file",
            file=str(path),
        )  # fmt: skip
    watch = Watch(
        position_m=given.position_m, axes=given.axes,
        sigmas=np.stack([sigmas["range"], sigmas["azimuth"], sigmas["elevation"]], axis=1),
        detection_probability=given.detection_probability, revisit_s=given.revisit_s,
        elevation_min_rad=given.elevation_min_rad, elevation_max_rad=given.elevation_max_rad,
        range_max_m=given.range_max_m,
    )  # fmt: skip
    white, speed = network.settings.local_noise_m2_s3, network.settings.radar_speed_sigma_m_s
    return lambda truth, moments_s: network_bounds(truth, moments_s, watch, white, speed)
