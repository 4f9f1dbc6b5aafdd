"""The least error any tracker could have with these sensors: from a sensors file to what a score divides by."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detente.centre.tracking.motion import spread
from detente.centre.tracking.settings import Model, Settings
from detente.gateway.sensor_files import read_sensors
from detente.records.errors import InputError
from detente.records.paths import TruePaths
from detente.records.slots import DetectionKind
from detente.scoring.bounds import Bounds, ConstantGravity, Watch, network_bounds
from detente.scoring.files import COEFFICIENT


@dataclass(frozen=True)
class Ballistic:
    """The tracker's ballistic motion, linearised at the true path: gravity, drag, an unknown coefficient, its noise."""

    settings: Settings
    size: int = 7

    @property
    def prior(self) -> NDArray[np.float64]:
        """Information (7, 7) on velocity, s²/m², and the coefficient's logarithm: what a body is before it is seen."""
        speed, coefficient = self.settings.radar_speed_sigma_m_s, self.settings.log_beta_sigma
        return np.diag(np.r_[np.zeros(3), np.full(3, speed**-2), coefficient**-2])

    def spread(
        self, states: NDArray[np.float64], coefficients: NDArray[np.float64], covariances: NDArray[np.float64],
        seconds: NDArray[np.float64],
    ) -> NDArray[np.float64]:  # fmt: skip
        """Covariances (n, 7, 7) some seconds later. Raises InputError where a body's coefficient is not told."""
        if np.any(coefficients <= 0.0):
            raise InputError(
                "a truth without ballistic coefficients", f"column {COEFFICIENT}, above 0 in every row",
                "add the column, or leave --sensors out", path="TRUTH",
            )  # fmt: skip
        lightness = self.settings.nominal_beta_kg_m2 / coefficients
        scale = np.ones((len(states), self.size))
        scale[:, 6] = -lightness  # the tracker's hidden number is the lightness; ours, the coefficient's logarithm
        outer = scale[:, :, None] * scale[:, None, :]
        return spread(np.hstack([states, lightness[:, None]]), covariances * outer, seconds, self.settings) / outer


def bound_by(sensors: str | Path, *, model: str | None = None) -> Callable[[TruePaths, NDArray[np.float64]], Bounds]:
    """What ``detente.score(..., bounds=…)`` takes: the posterior Cramér–Rao bound under a sensors file and its rules.

    The truth must be in the model's frame; for the ballistic one it must tell each body's ballistic coefficient, and
    looks at a burning missile are left out. Raises InputError for a sensor that is no radar, or whose noise is not
    stated.
    """
    path = Path(sensors)
    network = read_sensors(path, model=model)
    given, sigmas, settings = network.sensors, network.sigmas, network.settings
    silent = np.any([sigmas[what] <= 0.0 for what in ("range", "azimuth", "elevation")], axis=0)
    silent |= given.kind != DetectionKind.RADAR
    if silent.any():
        raise InputError(
            f"sensor {network.names[int(np.argmax(silent))]!r} is no radar, or its noise is not in the file",
            "radars, with sigma_range, sigma_azimuth and sigma_elevation", "state them, or leave --sensors out",
            file=str(path),
        )  # fmt: skip
    watch = Watch(
        position_m=given.position_m, axes=given.axes,
        sigmas=np.stack([sigmas["range"], sigmas["azimuth"], sigmas["elevation"]], axis=1),
        detection_probability=given.detection_probability, revisit_s=given.revisit_s,
        elevation_min_rad=given.elevation_min_rad, elevation_max_rad=given.elevation_max_rad,
        range_max_m=given.range_max_m,
    )  # fmt: skip
    motion = (
        Ballistic(settings)
        if settings.model == Model.BALLISTIC
        else ConstantGravity(settings.local_noise_m2_s3, settings.radar_speed_sigma_m_s)
    )
    return lambda truth, moments_s: network_bounds(truth, moments_s, watch, motion)
