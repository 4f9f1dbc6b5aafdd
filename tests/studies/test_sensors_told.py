"""A world's sensors as a file: read back they are the world's own, and its detections give tracks that are honest."""

import numpy as np
import pyarrow.parquet as pq
import pytest

import detente
from detente.gateway.sensor_files import read_sensors
from detente.geodesy.ellipsoid import geodetic_to_ecef
from detente.records.slots import DetectionKind
from detente.scenario.draws import sensor_suite
from detente.scenario.files import list_scenarios, load_scenario
from detente.studies.sensors_told import SENSORS_FILE, sensors_text


@pytest.mark.parametrize("name", [entry["name"] for entry in list_scenarios()])
def test_what_is_read_back_is_what_was_drawn(name, tmp_path):
    suite = sensor_suite(load_scenario(name), 5, np.array([2]))
    (tmp_path / SENSORS_FILE).write_text(sensors_text(suite), encoding="utf-8")
    network = read_sensors(tmp_path / SENSORS_FILE)
    read, radar = network.sensors, suite.kind == DetectionKind.RADAR
    assert network.names == suite.names
    assert np.array_equal(read.kind, suite.kind)
    places = geodetic_to_ecef(np.stack([suite.lat_rad, suite.lon_rad, suite.height_m], axis=1))
    assert np.allclose(read.position_m[radar], places[radar], rtol=0, atol=1e-6)
    assert np.allclose(read.orbit[~radar], suite.orbit[0, ~radar], rtol=1e-14)
    assert np.allclose(read.range_max_m[radar], suite.instrumented_range_m[0, radar], rtol=1e-14)
    for ours, drawn in (
        (read.elevation_min_rad[radar], suite.elevation_min_rad[radar]),
        (read.elevation_max_rad[radar], suite.elevation_max_rad[radar]),
        (read.revisit_s, suite.revisit_s[0]),
        (read.detection_probability[~radar], suite.detection_probability[0, ~radar]),
        (read.cloud_top_m[~radar], suite.cloud_top_m[0, ~radar]),
        (network.sigmas["range"][radar], suite.sigma_range_m[0, radar]),
        (network.sigmas["azimuth"], suite.sigma_azimuth_rad[0]),
        (network.sigmas["elevation"], suite.sigma_elevation_rad[0]),
    ):
        assert np.allclose(ours, drawn, rtol=1e-14)


def test_a_runs_detections_are_anyones_to_follow(tmp_path):
    """As its first lines say: track, then score. What it learns of each object is as good as it says."""
    detente.run("theatre-2011", seed=7, out=tmp_path)
    done = detente.track(tmp_path / "detections.parquet", tmp_path / SENSORS_FILE)
    rows = pq.read_metadata(tmp_path / "detections.parquet").num_rows
    assert done.document["detections"]["used"] == rows
    assert done.document["cautions"] == []
    score = detente.score(done.tracks, tmp_path / "truth.parquet").document
    assert score["siap"]["completeness"] > 0.5
    nees = score["errors"]["nees"]
    assert nees["inside_band_fraction"] > 0.8
    assert nees["median"] < 8.0
