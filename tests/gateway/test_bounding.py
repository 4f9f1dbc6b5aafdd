"""From detections to a score over the bound: the whole way on made-up flights."""

import importlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import detente
from detente.gateway.bounding import bound_by
from detente.records.errors import InputError
from detente.scoring.bounds import constant_gravity

SENSORS = """
frame: local
azimuth: counterclockwise-from-x
rules: {local_noise_m2_s3: 1, gravity_m_s2: 9.8, radar_speed_sigma_m_s: 2000}
sensors:
  - {name: one, position_m: [0, 0, 0], sigma_range_m: 50, sigma_azimuth_rad: 0.001, sigma_elevation_rad: 0.001, SEEN}
"""


@pytest.fixture
def sensors(tmp_path: Path) -> Path:
    path = tmp_path / "sensors.yaml"
    path.write_text(SENSORS.replace("SEEN", "revisit_s: 1, detection_probability: 0.9"))
    return path


def flights(objects: int, scans: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Detections and truth of objects that fall and are shaken, far from one another."""
    rng = np.random.default_rng(seed)
    transition, noise = constant_gravity(1.0, 1.0)
    states = np.zeros((objects, 6))
    states[:, 0], states[:, 1], states[:, 2] = 5e5, np.linspace(-3e5, 3e5, objects), 2e5
    states[:, 3:] = rng.normal([0, 0, 900], 800, (objects, 3))
    was, seen = [], []
    for scan in range(scans):
        away = np.linalg.norm(states[:, :3], axis=1)
        plots = np.stack([away, np.arctan2(states[:, 1], states[:, 0]), np.arcsin(states[:, 2] / away)], axis=1)
        plots += rng.standard_normal(plots.shape) * [50, 1e-3, 1e-3]
        hit = (rng.random(objects) < 0.9) | (scan == 0)
        seen.append(np.hstack([np.full((hit.sum(), 1), float(scan)), plots[hit]]))
        was.append(np.hstack([np.arange(objects)[:, None], np.full((objects, 1), float(scan)), states]))
        fall = np.array([0, 0, -4.9, 0, 0, -9.8])
        states = states @ transition.T + fall + rng.multivariate_normal(np.zeros(6), noise, objects)
    detections = pd.DataFrame(np.vstack(seen), columns=["time_s", "range_m", "azimuth_rad", "elevation_rad"])
    columns = ["object", "time_s", "x_m", "y_m", "z_m", "vx_m_s", "vy_m_s", "vz_m_s"]
    return detections.assign(sensor="one"), pd.DataFrame(np.vstack(was), columns=columns).astype({"object": int})


def test_a_tracker_with_the_right_model_is_at_its_bound(sensors: Path, tmp_path: Path) -> None:
    detections, truth = flights(40, 60, 3)
    detections.to_parquet(tmp_path / "detections.parquet")
    tracks = detente.track(tmp_path / "detections.parquet", sensors).tracks
    document = detente.score(tracks, truth, settle_s=20.0, bounds=bound_by(sensors)).document
    unbroken = document["bound"]["unbroken"]
    assert unbroken["share"] > 0.98
    assert 0.95 < unbroken["position_ratio"] < 1.05
    assert 0.92 < unbroken["velocity_ratio"] < 1.10
    assert 0.93 < document["errors"]["nees"]["inside_band_fraction"] < 0.97
    assert document["siap"]["ambiguity"] == 1.0


GLOBE = """
sensors:
  - {name: home, latitude_deg: 46, longitude_deg: 24, height_m: 200, sigma_range_m: 50, sigma_azimuth_rad: 0.001,
     sigma_elevation_rad: 0.001, revisit_s: 1, detection_probability: 0.9, elevation_min_deg: 2}
"""


def test_the_ballistic_bound_is_that_of_the_benchmarks_own_integrator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tracker's kernels spread covariances as central differences of another integrator do, coefficient unknown.

    Where drag is hard the two differ: process noise goes with its square, which doubles in a second, and is taken in
    mid-step by one, at the beginning of the second by the other.
    """
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "bench"))
    falling = importlib.import_module("tracking_ballistic")
    world = falling.falls(12, 5, scans=300)
    path = tmp_path / "globe.yaml"
    path.write_text(GLOBE)
    plain, truth = falling.bounds_of(world), world.truth
    found = bound_by(path)(truth, np.unique(truth.time_s))
    keys = [list(zip(one.object.tolist(), one.time_s.tolist(), strict=True)) for one in (plain, found)]
    row_of = {key: row for row, key in enumerate(keys[1])}
    rows = np.array([row_of[key] for key in keys[0]])
    assert len(rows) > 1000
    position = np.abs(np.sqrt(found.position_m2[rows] / plain.position_m2) - 1.0)
    velocity = np.abs(np.sqrt(found.velocity_m2_s2[rows] / plain.velocity_m2_s2) - 1.0)
    _, drag = falling.rates(world.states[plain.time_s.astype(int), plain.object])
    for least, most, share in ((0.0, 0.01, 1e-4), (0.01, 5.0, 0.02), (5.0, 1e4, 0.12)):
        felt = (drag >= least) & (drag < most)
        assert felt.sum() > 100
        assert max(position[felt].max(), velocity[felt].max()) < share
    with pytest.raises(InputError, match="without ballistic coefficients"):
        bound_by(path)(replace(truth, ballistic_coefficient_kg_m2=np.zeros(len(truth))), np.unique(truth.time_s))


def test_a_sensor_without_noise_is_named(sensors: Path, tmp_path: Path) -> None:
    quiet = tmp_path / "quiet.yaml"
    quiet.write_text(sensors.read_text().replace("sigma_azimuth_rad: 0.001, ", ""))
    with pytest.raises(InputError, match="'one' is no radar, or its noise"):
        bound_by(quiet)
