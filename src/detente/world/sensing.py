"""What the sensors of all sides report of what really flies, and the answer key that only a study holds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detente.records.errors import InputError
from detente.records.slots import DetectionKind, SensorSuite
from detente.records.stages import AnswerKey, Detections
from detente.scenario.asked import Scenario
from detente.scenario.draws import address
from detente.world import _kernels_sensing as kernels
from detente.world.history import World

ROOM = 1 << 17  # plots a kernel call has room for at first; it doubles where one replicate needs more
FALSE_PLOTS_MOST = 500.0  # a scan and sensor


@dataclass(frozen=True)
class Sensed:
    """What was reported, and what each report really was."""

    detections: Detections
    key: AnswerKey


def detect(world: World, scenario: Scenario, seed: int) -> Sensed:
    """What every sensor reports of this world, look by look, errors and false plots included.

    Rows are in order of replicate row, then time, then a keyed shuffle that tells nothing. ``key`` has one row for
    each detection, in the same order. Every draw is keyed by the sensor's side and name, the object and the number of
    the look, so that another sensor, or other replicates beside a replicate, change nothing. A sensor whose numbers
    make no sense raises InputError.
    """
    check_suite(world.suite)
    parts = _look(world, seed, scenario.file.duration_s, scenario.file.false_alarms)
    return _tables(parts)


def sensor_address(name: str) -> int:
    """A stable 31-bit number for a sensor, from its name alone: the sensor's part of every draw's address."""
    return address(f"sensor/{name}") >> 32


def check_suite(suite: SensorSuite) -> None:
    """Refuse sensors that cannot work: the first number out of its range is an InputError."""
    radar = suite.kind == DetectionKind.RADAR
    infrared = suite.kind == DetectionKind.INFRARED
    everywhere = np.ones_like(radar)
    positive = "more than 0"
    _require(suite, "revisit_s", everywhere, suite.revisit_s > 0.0, positive)
    _require(suite, "offset_s", everywhere, suite.offset_s >= 0.0, "0 or more")
    few = (suite.false_plots_per_scan >= 0.0) & (suite.false_plots_per_scan <= FALSE_PLOTS_MOST)
    _require(suite, "false_plots_per_scan", everywhere, few, f"0 to {FALSE_PLOTS_MOST:.0f}")
    for name in ("reference_range_m", "reference_snr", "instrumented_range_m"):
        _require(suite, name, radar, getattr(suite, name) > 0.0, positive)
    chance = (suite.false_alarm_probability > 0.0) & (suite.false_alarm_probability < 1.0)
    _require(suite, "false_alarm_probability", radar, chance, "between 0 and 1, neither included")
    _require(suite, "sigma_range_m", radar, suite.sigma_range_m > 0.0, positive)
    for name in ("sigma_azimuth_rad", "sigma_elevation_rad"):
        _require(suite, name, everywhere, getattr(suite, name) > 0.0, positive)
    seen = (suite.detection_probability >= 0.0) & (suite.detection_probability <= 1.0)
    _require(suite, "detection_probability", infrared, seen, "0 to 1")


def _require(suite: SensorSuite, name: str, which: NDArray, good: NDArray, expected: str) -> None:
    bad = ~good & which[None, :]
    if bad.any():
        row, sensor = np.argwhere(bad)[0]
        raise InputError(
            found=f"{suite.names[sensor]}: {name} of {getattr(suite, name)[row, sensor]:g}",
            expected=expected,
            remedy="correct the sensor's entry in the catalogue, or what the scenario sets over it",
            path=f"sensor.{suite.names[sensor]}.{name}",
        )


def _fixed(suite: SensorSuite) -> NDArray[np.float64]:
    """What is the same of each sensor in every replicate: (n, FIXED_COLUMNS)."""
    columns = (
        suite.lat_rad, suite.lon_rad, suite.height_m, suite.boresight_rad, suite.sector_half_width_rad,
        suite.elevation_min_rad, suite.elevation_max_rad,
    )  # fmt: skip
    return np.ascontiguousarray(np.column_stack([*columns, suite.watch_rad, suite.grazing_m]), dtype=np.float64)


def _drawn(suite: SensorSuite) -> NDArray[np.float64]:
    """What each replicate drew of each sensor: (R, n, DRAWN_COLUMNS)."""
    columns = (
        suite.revisit_s, suite.offset_s, suite.reference_range_m, suite.reference_snr, suite.instrumented_range_m,
        suite.false_alarm_probability, suite.false_plots_per_scan, suite.detection_probability, suite.cloud_top_m,
        suite.sigma_range_m, suite.sigma_azimuth_rad, suite.sigma_elevation_rad,
    )  # fmt: skip
    return np.ascontiguousarray(np.concatenate([np.stack(columns, axis=2), suite.orbit], axis=2))


@dataclass(frozen=True)
class _Plots:
    """A batch of raw plots, already in order."""

    floats: NDArray[np.float64]  # (rows, FLOAT_COLUMNS)
    ints: NDArray[np.int64]  # (rows, INT_COLUMNS)


def _look(world: World, seed: int, duration_s: float, false_alarms: bool) -> list[_Plots]:
    """All plots of all replicates, in batches of whole replicates."""
    suite, count = world.suite, len(world.replicates)
    shape = (count, world.object_count)
    fixed, drawn = _fixed(suite), _drawn(suite)
    assert fixed.shape[1] == kernels.FIXED_COLUMNS, "the columns the kernel counts on"
    assert drawn.shape == (count, len(suite.names), kernels.DRAWN_COLUMNS), "a row of the suite for each replicate"
    addresses = np.array([sensor_address(name) for name in suite.names], np.int64)
    # Columns of a table are read-only; numba compiles for that, and always gets them so.
    given = (
        np.array(suite.side, np.int64), addresses, np.array(suite.kind, np.int64), fixed, drawn,
        world.truth.time_s, world.truth.position_ecef_m, world.truth.velocity_ecef_m_s,
        np.array(world.offsets, np.int64), np.array(world.objects.burnout_s).reshape(shape),
        np.array(world.objects.radar_cross_section_m2).reshape(shape), float(duration_s), bool(false_alarms),
    )  # fmt: skip
    replicates = np.array(world.replicates, np.int64)
    floats = np.zeros((ROOM, kernels.FLOAT_COLUMNS))
    ints = np.zeros((ROOM, kernels.INT_COLUMNS), np.int64)
    ends = np.zeros(count, np.int64)
    parts, r0 = [], 0
    while r0 < count:
        r1 = kernels.look_rows(np.uint64(seed), replicates, r0, *given, floats, ints, ends)
        if r1 == r0:
            floats = np.zeros((2 * len(floats), kernels.FLOAT_COLUMNS))
            ints = np.zeros((len(floats), kernels.INT_COLUMNS), np.int64)
            continue
        parts.append(_in_order(floats, ints, ends[r0:r1]))
        r0 = r1
    return parts


def _in_order(floats: NDArray[np.float64], ints: NDArray[np.int64], ends: NDArray[np.int64]) -> _Plots:
    """A copy of the plots of some replicates; inside each by time, then by the shuffle."""
    order = np.empty(ends[-1], np.int64)
    begin = 0
    for end in ends:
        rows = floats[begin:end]
        order[begin:end] = begin + np.lexsort((rows[:, kernels.SHUFFLE], rows[:, kernels.TIME]))
        begin = end
    return _Plots(floats[order], ints[order])


def _tables(parts: list[_Plots]) -> Sensed:
    if not parts:
        return Sensed(Detections.empty(), AnswerKey.empty())
    floats = np.concatenate([part.floats for part in parts])
    ints = np.concatenate([part.ints for part in parts])
    detections = Detections(
        replicate=ints[:, kernels.ROW],
        time_s=floats[:, kernels.TIME],
        sensor=ints[:, kernels.SENSOR],
        kind=ints[:, kernels.KIND],
        range_m=floats[:, kernels.RANGE],
        azimuth_rad=floats[:, kernels.AZIMUTH],
        elevation_rad=floats[:, kernels.ELEVATION],
        sigma_range_m=floats[:, kernels.SIGMA_RANGE],
        sigma_azimuth_rad=floats[:, kernels.SIGMA_AZIMUTH],
        sigma_elevation_rad=floats[:, kernels.SIGMA_ELEVATION],
        snr_db=floats[:, kernels.SNR_DB],
    )
    key = AnswerKey(
        replicate=ints[:, kernels.ROW], detection=np.arange(len(ints)), object=ints[:, kernels.OBJECT]
    )  # fmt: skip
    return Sensed(detections, key)
