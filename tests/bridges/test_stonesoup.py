"""The bridge to Stone Soup: what goes over comes back, and their tracker takes what we hand it."""

import datetime
import subprocess
import sys

import numpy as np
import pytest
from tests import made_paths as made

from detente.bridges import stonesoup as bridge
from detente.centre.tracking.follower import Plots, Sensors
from detente.records.errors import InputError
from detente.records.slots import DetectionKind

EPOCH = datetime.datetime(2025, 1, 1)
NORTH_EAST_UP = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]])


def sensors(count: int) -> Sensors:
    return Sensors(
        kind=np.full(count, DetectionKind.RADAR, np.uint8), position_m=1e4 * np.arange(3.0 * count).reshape(count, 3),
        axes=np.tile(NORTH_EAST_UP, (count, 1, 1)), orbit=np.zeros((count, 6)), cloud_top_m=np.zeros(count),
        detection_probability=np.full(count, 0.9), revisit_s=np.ones(count),
        elevation_min_rad=np.full(count, -np.pi / 2),
        elevation_max_rad=np.full(count, np.pi / 2), range_max_m=np.full(count, 1e12),
    )  # fmt: skip


def plots(kinds: list[int], sensor: list[int], rated: bool = False) -> Plots:
    count, rng = len(kinds), np.random.default_rng(2)
    kind = np.array(kinds, np.uint8)
    radar, seen = kind == DetectionKind.RADAR, kind > 0
    return Plots(
        time_s=np.arange(count) / 4.0, sensor=np.array(sensor, np.int64), kind=kind,
        range_m=np.where(radar, rng.uniform(1e5, 9e5, count), 0.0), azimuth_rad=seen * rng.uniform(-3, 3, count),
        elevation_rad=seen * rng.uniform(-1.5, 1.5, count),
        range_rate_m_s=radar * rated * rng.uniform(-1e3, 1e3, count),
        sigma_range_m=radar * 50.0, sigma_azimuth_rad=seen * 1e-3, sigma_elevation_rad=seen * 2e-3,
        sigma_range_rate_m_s=radar * rated * 3.0,
    )  # fmt: skip


CASES = {
    "one radar, with a look at nothing": (plots([1, 1, 0, 1], [0, 0, 0, 0]), 1),
    "range rate": (plots([1, 1, 1], [0, 0, 0], rated=True), 1),
    "a radar and a bearing": (plots([1, 2, 1], [0, 1, 0]), 2),
}


@pytest.mark.parametrize("name", CASES)
def test_detections_come_back_as_they_went(name: str) -> None:
    given, count = CASES[name]
    scans = bridge.detections_to(given, sensors(count), EPOCH)
    assert [len(found) for _, found in scans] == (given.kind > 0).astype(int).tolist()
    back = bridge.detections_from(scans, epoch=EPOCH)
    assert back.plots.received_s is None
    for column in set(Plots.__dataclass_fields__) - {"received_s"}:
        np.testing.assert_allclose(getattr(back.plots, column), getattr(given, column), rtol=1e-14, err_msg=column)
    np.testing.assert_allclose(back.sensors.position_m, sensors(count).position_m)
    np.testing.assert_allclose(back.sensors.axes, sensors(count).axes)
    assert back.epoch == EPOCH


def test_their_measurement_of_a_state_is_ours() -> None:
    """Their model, turned and moved: the axes we read from it give the same numbers."""
    from stonesoup.models.measurement.nonlinear import CartesianToElevationBearingRange
    from stonesoup.types.detection import Detection
    from stonesoup.types.state import State

    place, offset = np.array([4e5, -2e5, 3e5]), np.array([1e4, 2e4, 500.0])
    model = CartesianToElevationBearingRange(
        6, np.array([0, 2, 4]), np.diag([1e-6, 1e-6, 2500.0]), translation_offset=offset.reshape(3, 1),
        rotation_offset=np.array([[0.1], [-0.2], [0.7]]),
    )  # fmt: skip
    state = State(np.array([place[0], 0, place[1], 0, place[2], 0]).reshape(6, 1))
    seen = Detection(model.function(state, noise=False), timestamp=EPOCH, measurement_model=model)
    found = bridge.detections_from([(EPOCH, {seen})])
    east, north, up = found.sensors.axes[0] @ (place - found.sensors.position_m[0])
    assert found.plots.azimuth_rad[0] == pytest.approx(np.arctan2(east, north), abs=1e-12)
    assert found.plots.elevation_rad[0] == pytest.approx(np.arcsin(up / np.linalg.norm([east, north, up])), abs=1e-12)
    assert found.plots.range_m[0] == pytest.approx(np.linalg.norm([east, north, up]), rel=1e-14)


def test_tracks_and_truth_come_back_as_they_went() -> None:
    rng = np.random.default_rng(1)
    seconds = np.arange(6.0)
    paths = {k: (seconds[k:], rng.normal(size=(6 - k, 6))) for k in (1, 2)}
    factor = rng.normal(size=(6, 6))
    for covariance in (factor @ factor.T, None):
        given = made.tracks_of(paths, covariance)
        back = bridge.tracks_from(bridge.tracks_to(given, EPOCH), EPOCH)
        for column, _ in given.columns():
            np.testing.assert_allclose(getattr(back, column), getattr(given, column), err_msg=column)
    truth = made.truth_of(paths)
    returned = bridge.truth_from(bridge.truth_to(truth, EPOCH), EPOCH)
    np.testing.assert_array_equal(returned.position_m, truth.position_m)
    np.testing.assert_array_equal(returned.velocity_m_s, truth.velocity_m_s)
    np.testing.assert_array_equal(returned.object, truth.object)
    first = bridge.tracks_to(made.tracks_of(paths), EPOCH)[0]
    assert np.asarray(first[0].state_vector).ravel()[[0, 2, 4]].tolist() == paths[1][1][0, :3].tolist()


def test_nothing_goes_over_as_nothing() -> None:
    empty = bridge.detections_from([])
    assert empty.plots.time_s.size == empty.sensors.kind.size == 0
    assert bridge.detections_to(empty.plots, empty.sensors, EPOCH) == []
    assert len(bridge.tracks_from([], EPOCH)) == 0


def test_what_has_no_place_here_is_named() -> None:
    from stonesoup.models.measurement.nonlinear import CartesianToBearingRange, CartesianToElevationBearingRange
    from stonesoup.types.detection import Detection

    flat = CartesianToBearingRange(6, np.array([0, 2]), np.eye(2))
    mixed = CartesianToElevationBearingRange(6, np.array([0, 2, 4]), np.eye(3) + 0.5)
    for model, said in ((flat, "CartesianToBearingRange"), (mixed, "noise covariance")):
        seen = Detection(np.ones((model.ndim_meas, 1)), timestamp=EPOCH, measurement_model=model)
        with pytest.raises(InputError, match=said):
            bridge.detections_from([(EPOCH, {seen})])
    turned = sensors(1)
    turned = Sensors(**{**turned.__dict__, "axes": np.eye(3)[None]})
    with pytest.raises(InputError, match="axes of its own"):
        bridge.detections_to(plots([1], [0]), turned, EPOCH)


def test_without_stone_soup_the_bridge_says_what_to_install() -> None:
    code = """
import sys
sys.modules["stonesoup"] = None
from detente.bridges import stonesoup
from detente.records.errors import InputError
try:
    stonesoup.detections_from([])
except InputError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "Stone Soup is not installed" in result.stdout, result.stderr
    assert "pip install 'detente[stonesoup]'" in result.stdout
