"""Stone Soup's detections, tracks and truth to our tables, and back.

With it a Stone Soup user can hand the same detections to either tracker, and score either's tracks with either's
metrics. Stone Soup 1.9.1 or newer is needed: ``pip install 'detente[stonesoup]'``.

Frames: their Cartesian frame is taken as the local frame of the constant-gravity model. Their bearing is atan2(y, x) in
the sensor's axes, our azimuth atan2(east, north): so their x is our north and their y our east, and the two numbers are
the same. Their state vectors are read through a mapping, by default x, vx, y, vy, z, vz.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detente.centre.tracking.follower import Plots, Sensors
from detente.records.errors import InputError
from detente.records.paths import TrackPaths, TruePaths, pack_covariance, unpack_covariance
from detente.records.slots import DetectionKind

POSITION, VELOCITY = (0, 2, 4), (1, 3, 5)
"""Where their usual state vector holds x, y, z and their rates."""
RANGED, RATED, BARE = (
    "CartesianToElevationBearingRange", "CartesianToElevationBearingRangeRate", "CartesianToElevationBearing",
)  # fmt: skip
EPOCH = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
Scan = tuple[datetime, set[Any]]


class Detected(NamedTuple):
    """Detections in our tables; times count from the epoch."""

    plots: Plots
    sensors: Sensors
    epoch: datetime


def _their(module: str) -> Any:
    """One of Stone Soup's modules; an InputError that says what to install where it is missing."""
    from importlib import import_module

    try:
        return import_module(f"stonesoup.{module}")
    except ModuleNotFoundError as error:
        raise InputError(
            found=f"Stone Soup is not installed (no module {error.name})", expected="Stone Soup 1.9.1 or newer",
            remedy="pip install 'detente[stonesoup]'",
        ) from error  # fmt: skip


def detections_from(
    scans: Iterable[Scan], *, epoch: datetime | None = None, detection_probability: float = 0.9, revisit_s: float = 1.0
) -> Detected:
    """Detections as any Stone Soup detector yields them: (time, set of detections), by time.

    Sensors are told apart by their measurement models' offset, rotation and noise. An empty set is a look that saw
    nothing if all detections are one sensor's; of several, nobody knows whose look it was, and it is left out. The
    epoch is the first scan's time unless given. Raises InputError for a model that has no place in our tables.
    """
    _their("types.detection")
    told = list(scans)
    if epoch is None:
        epoch = told[0][0] if told else EPOCH
    models: dict[tuple[float, ...], Any] = {}
    rows = []
    for time, detections in told:
        found = [_measured(one, models, (one.timestamp - epoch).total_seconds()) for one in detections]
        rows += sorted(found) if found else [(_seconds(time, epoch), -1, 0, *[0.0] * 8)]
    if len(models) != 1:
        rows = [row for row in rows if row[1] >= 0]
    table = np.array(rows, float).reshape(-1, 11)
    plots = Plots(
        time_s=table[:, 0], sensor=np.maximum(table[:, 1], 0).astype(np.int64), kind=table[:, 2].astype(np.uint8),
        range_m=table[:, 3], azimuth_rad=table[:, 4], elevation_rad=table[:, 5], range_rate_m_s=table[:, 6],
        sigma_range_m=table[:, 7], sigma_azimuth_rad=table[:, 8], sigma_elevation_rad=table[:, 9],
        sigma_range_rate_m_s=table[:, 10],
    )  # fmt: skip
    return Detected(plots, _sensors(list(models.values()), detection_probability, revisit_s), epoch)


def _seconds(time: datetime, epoch: datetime) -> float:
    return (time - epoch).total_seconds()


def _measured(detection: Any, models: dict[tuple[float, ...], Any], time_s: float) -> tuple[float, ...]:
    """One row (time, sensor, kind, range, azimuth, elevation, range rate, and their four sigmas)."""
    model = detection.measurement_model
    name = next((one.__name__ for one in type(model).__mro__ if one.__name__ in (RANGED, RATED, BARE)), None)
    if name is None:
        raise InputError(
            f"a detection measured by {type(model).__name__}", f"{RANGED}, {RATED} or {BARE}",
            "convert the detections to elevation, bearing and range",
        )  # fmt: skip
    noise = np.asarray(model.noise_covar, float)
    if np.any(noise != np.diag(np.diag(noise))) or not np.all(np.diag(noise) > 0.0):
        raise InputError(
            f"a noise covariance {noise.tolist()}", "a diagonal one, with each variance above 0",
            "give each measured number its own variance",
        )  # fmt: skip
    elevation, bearing, distance, rate = [float(part) for part in detection.state_vector.ravel()] + [0.0] * (
        4 - noise.shape[0]
    )
    sigmas = np.r_[np.sqrt(np.diag(noise)), np.zeros(4 - noise.shape[0])]
    key = (*_offset(model), *np.asarray(model.rotation_offset, float).ravel(), *sigmas)
    models.setdefault(key, model)
    kind = DetectionKind.INFRARED if name == BARE else DetectionKind.RADAR
    return (
        time_s, list(models).index(key), kind, distance, bearing, elevation, rate,
        sigmas[2], sigmas[1], sigmas[0], sigmas[3],
    )  # fmt: skip


def _offset(model: Any) -> NDArray[np.float64]:
    return np.asarray(model.translation_offset, float).ravel()


def _sensors(models: Sequence[Any], detection_probability: float, revisit_s: float) -> Sensors:
    """Their axes forward, left and up are our north, east and up."""
    count = len(models)
    ranged = np.array([model.ndim_meas > 2 for model in models], bool)
    axes = np.array([np.asarray(model.rotation_matrix, float)[[1, 0, 2]] for model in models]).reshape(count, 3, 3)
    return Sensors(
        kind=np.where(ranged, DetectionKind.RADAR, DetectionKind.INFRARED).astype(np.uint8),
        position_m=np.array([_offset(model) for model in models]).reshape(count, 3), axes=axes,
        orbit=np.zeros((count, 6)), cloud_top_m=np.zeros(count),
        detection_probability=np.full(count, detection_probability), revisit_s=np.full(count, revisit_s),
        elevation_min_rad=np.full(count, -np.pi / 2),
        elevation_max_rad=np.full(count, np.pi / 2), range_max_m=np.full(count, 1e12),
    )  # fmt: skip


def detections_to(plots: Plots, sensors: Sensors, epoch: datetime, *, dimensions: int = 6) -> list[Scan]:
    """Scans as a Stone Soup tracker takes them: (time, set of detections), by time; a look at nothing is an empty set.

    A sensor whose axes are not those of the frame is not taken: Stone Soup tells rotations by angles, ours by axes.
    """
    models = _models(plots, sensors, dimensions)
    detection_of, state_vector = _their("types.detection").Detection, _their("types.array").StateVector
    angle = _their("types.angle")
    scans = []
    order = np.argsort(plots.time_s, kind="stable")
    for time_s, rows in groupby(order.tolist(), key=lambda row: float(plots.time_s[row])):
        time, found = epoch + timedelta(seconds=time_s), set()
        for row in rows:
            if plots.kind[row] == 0:
                continue
            parts = [
                angle.Elevation(plots.elevation_rad[row]), angle.Bearing(plots.azimuth_rad[row]), plots.range_m[row],
                plots.range_rate_m_s[row],
            ]  # fmt: skip
            model = models[_model_key(plots, row)]
            measured = state_vector(parts[: model.ndim_meas])
            found.add(detection_of(measured, timestamp=time, measurement_model=model))
        scans.append((time, found))
    return scans


def _model_key(plots: Plots, row: int) -> tuple[float, ...]:
    sigmas = (plots.sigma_elevation_rad, plots.sigma_azimuth_rad, plots.sigma_range_m, plots.sigma_range_rate_m_s)
    return (int(plots.sensor[row]), int(plots.kind[row]), *(float(sigma[row]) for sigma in sigmas))


def _models(plots: Plots, sensors: Sensors, dimensions: int) -> dict[tuple[float, ...], Any]:
    """A measurement model for each sensor and noise that the plots hold."""
    if not np.allclose(sensors.axes, np.eye(3)[[1, 0, 2]]):
        raise InputError("a sensor with axes of its own", "axes along the frame's", "turn the detections first")
    theirs = _their("models.measurement.nonlinear")
    found = {}
    for row in np.flatnonzero(plots.kind).tolist():
        key = _model_key(plots, row)
        if key in found:
            continue
        sensor, kind, *sigmas = key
        size = 2 if kind == DetectionKind.INFRARED else 3 if sigmas[3] <= 0.0 else 4
        common: dict[str, Any] = {"translation_offset": sensors.position_m[int(sensor)].reshape(3, 1)}
        if size == 4:
            common |= {"velocity_mapping": np.array(VELOCITY)}
        found[key] = getattr(theirs, {2: BARE, 3: RANGED, 4: RATED}[size])(
            ndim_state=dimensions, mapping=np.array(POSITION), noise_covar=np.diag(np.square(sigmas[:size])), **common
        )
    return found


def tracks_from(
    tracks: Iterable[Any], epoch: datetime, *, position: Sequence[int] = POSITION, velocity: Sequence[int] = VELOCITY
) -> TrackPaths:
    """Stone Soup tracks, numbered from 1 in the order given; of several states at one moment the last is kept."""
    places = [*position, *velocity]
    rows = []
    for number, track in enumerate(tracks, 1):
        for time, state in {state.timestamp: state for state in track.states}.items():
            rows.append((number, _seconds(time, epoch), state))
    rows.sort(key=lambda row: row[:2])
    vectors = np.array([np.asarray(state.state_vector, float).ravel()[places] for *_, state in rows]).reshape(-1, 6)
    has = np.array([getattr(state, "covar", None) is not None for *_, state in rows], bool)
    blocks = [
        np.asarray(state.covar, float)[np.ix_(places, places)] if known else np.zeros((6, 6))
        for (*_, state), known in zip(rows, has, strict=True)
    ]
    return TrackPaths(
        track=np.array([row[0] for row in rows], np.int64), time_s=np.array([row[1] for row in rows]),
        position_m=vectors[:, :3], velocity_m_s=vectors[:, 3:],
        covariance=pack_covariance(np.array(blocks).reshape(-1, 6, 6)), has_covariance=has,
    )  # fmt: skip


def tracks_to(states: TrackPaths, epoch: datetime) -> list[Any]:
    """Stone Soup tracks with states x, vx, y, vy, z, vz, in order of number; Gaussian where a covariance is stated."""
    track, state, gaussian = (
        _their("types.track").Track,
        _their("types.state").State,
        _their("types.state").GaussianState,
    )
    vectors = _woven(states)
    covariances = unpack_covariance(states.covariance)[:, _WOVEN][:, :, _WOVEN]
    found: dict[int, Any] = {}
    for row, number in enumerate(states.track.tolist()):
        time, vector = epoch + timedelta(seconds=float(states.time_s[row])), vectors[row].reshape(6, 1)
        made = (
            gaussian(vector, covariances[row], timestamp=time)
            if states.has_covariance[row]
            else state(vector, timestamp=time)
        )
        found.setdefault(number, track(id=str(number))).append(made)
    return list(found.values())


def truth_from(
    paths: Iterable[Any], epoch: datetime, *, position: Sequence[int] = POSITION, velocity: Sequence[int] = VELOCITY
) -> TruePaths:
    """Stone Soup ground truth paths, numbered from 1 in the order given."""
    said = tracks_from(paths, epoch, position=position, velocity=velocity)
    return TruePaths(
        object=said.track, time_s=said.time_s, position_m=said.position_m, velocity_m_s=said.velocity_m_s,
        phase=np.zeros(len(said)), ballistic_coefficient_kg_m2=np.zeros(len(said)),
    )  # fmt: skip


def truth_to(truth: TruePaths, epoch: datetime) -> list[Any]:
    """Stone Soup ground truth paths with states x, vx, y, vy, z, vz, in order of number."""
    theirs = _their("types.groundtruth")
    vectors = _woven(truth)
    found: dict[int, Any] = {}
    for row, number in enumerate(truth.object.tolist()):
        time = epoch + timedelta(seconds=float(truth.time_s[row]))
        made = theirs.GroundTruthState(vectors[row].reshape(6, 1), timestamp=time)
        found.setdefault(number, theirs.GroundTruthPath(id=str(number))).append(made)
    return list(found.values())


_WOVEN = np.array([0, 3, 1, 4, 2, 5])  # from position, velocity to x, vx, y, vy, z, vz


def _woven(states: TrackPaths | TruePaths) -> NDArray[np.float64]:
    return np.hstack([states.position_m, states.velocity_m_s])[:, _WOVEN]
