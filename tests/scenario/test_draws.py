"""What is drawn reaches the sensors in SI units, evenly from its range, and nothing else moves it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from detente.records.slots import DetectionKind
from detente.scenario.catalogue import RadarEntry
from detente.scenario.draws import drawn, sensor_suite
from detente.scenario.files import load_scenario
from detente.scenario.words import Quantity

WORLDS = np.arange(300)
INVERSE = {
    "revisit_s": ("revisit_s", lambda s: s),
    "reference_range_km": ("reference_range_m", lambda m: m / 1000.0),
    "reference_snr_db": ("reference_snr", lambda ratio: 10.0 * np.log10(ratio)),
    "instrumented_range_km": ("instrumented_range_m", lambda m: m / 1000.0),
    "false_alarm_probability": ("false_alarm_probability", lambda p: p),
    "false_plots_per_scan": ("false_plots_per_scan", lambda n: n),
    "sigma_range_m": ("sigma_range_m", lambda m: m),
    "sigma_azimuth_mrad": ("sigma_azimuth_rad", lambda rad: 1000.0 * rad),
    "sigma_elevation_mrad": ("sigma_elevation_rad", lambda rad: 1000.0 * rad),
    "sigma_line_of_sight_urad": ("sigma_azimuth_rad", lambda rad: 1e6 * rad),
    "detection_probability": ("detection_probability", lambda p: p),
    "cloud_top_km": ("cloud_top_m", lambda m: m / 1000.0),
}
"""Quantities of the catalogue: where each goes, and how it is told in the catalogue's unit."""


@pytest.fixture(scope="module", params=["lisbon-2020", "three-sides"])
def scenario(request):
    return load_scenario(request.param)


def test_every_quantity_of_a_sensor_is_in_its_range_and_fills_it(scenario):
    suite = sensor_suite(scenario, 3, WORLDS)
    for index, sensor in enumerate(scenario.sensors):
        told = 0
        for name, (column, back) in INVERSE.items():
            quantity = getattr(sensor.entry, name, None)
            if quantity is None:
                continue
            values = back(getattr(suite, column)[:, index])
            width = quantity.high - quantity.low
            assert values.min() >= quantity.low - 1e-9 * abs(quantity.low), (sensor.name, name)
            assert values.max() <= quantity.high + 1e-9 * abs(quantity.high), (sensor.name, name)
            assert np.ptp(values) >= 0.95 * width, (sensor.name, name)
            told += 1
        assert told == (9 if isinstance(sensor.entry, RadarEntry) else 5)
        offsets = suite.offset_s[:, index] / suite.revisit_s[:, index]
        assert 0.0 <= offsets.min() < 0.05 < 0.95 < offsets.max() < 1.0, "a first look anywhere within a revisit"


def test_where_a_radar_stands_and_looks_is_as_the_catalogue_has_it(scenario):
    suite = sensor_suite(scenario, 3, WORLDS[:1])
    radars = 0
    for index, sensor in enumerate(scenario.sensors):
        entry = sensor.entry
        if not isinstance(entry, RadarEntry):
            continue
        radars += 1
        assert suite.kind[index] == DetectionKind.RADAR
        assert (suite.side[index], suite.owners[suite.owner[index]]) == (sensor.side, sensor.owner)
        assert np.degrees(suite.lat_rad[index]) == pytest.approx(entry.position.lat_deg)
        assert np.degrees(suite.lon_rad[index]) == pytest.approx(entry.position.lon_deg)
        assert suite.height_m[index] == entry.position.altitude_m
        assert np.degrees(suite.boresight_rad[index]) == pytest.approx(entry.boresight_azimuth_deg)
        assert 2.0 * np.degrees(suite.sector_half_width_rad[index]) == pytest.approx(entry.sector_width_deg)
        assert np.degrees(suite.elevation_min_rad[index]) == pytest.approx(entry.elevation_min_deg)
        assert np.degrees(suite.elevation_max_rad[index]) == pytest.approx(entry.elevation_max_deg)
    assert radars >= 3


def test_a_satellite_flies_its_catalogues_orbit_and_watches_what_it_says():
    scenario = load_scenario("lisbon-2020")
    suite = sensor_suite(scenario, 3, WORLDS)
    satellites = [index for index, one in enumerate(scenario.sensors) if not isinstance(one.entry, RadarEntry)]
    assert satellites
    for index in satellites:
        entry = scenario.sensors[index].entry
        assert suite.kind[index] == DetectionKind.INFRARED
        height, eccentricity, inclination, perigee, node, anomaly = suite.orbit[:, index].T
        assert height.tolist() == pytest.approx([1000.0 * entry.semi_major_axis_km] * len(WORLDS))
        assert set(eccentricity.tolist()) == {entry.eccentricity}
        assert np.degrees(inclination) == pytest.approx(entry.inclination_deg)
        assert np.degrees(perigee) == pytest.approx(entry.argument_of_perigee_deg)
        for found, quantity in ((node, entry.node_longitude_deg), (anomaly, entry.mean_anomaly_deg)):
            assert np.degrees(found).min() >= quantity.low - 1e-9
            assert np.degrees(found).max() <= quantity.high + 1e-9
        assert suite.grazing_m[index] == pytest.approx(1000.0 * entry.earth_limb_grazing_km)
        watch = (-90.0, 90.0, -180.0, 180.0) if entry.watch is None else entry.watch
        assert np.degrees(suite.watch_rad[index]) == pytest.approx(watch)
        assert (suite.sigma_azimuth_rad[:, index] == suite.sigma_elevation_rad[:, index]).all()
        assert not suite.sigma_range_m[:, index].any()


def test_a_draw_is_even_and_its_own():
    """Uniform from low to high, by the name of the quantity, the seed and the replicate alone."""
    quantity = Quantity(value=3.0, low=2.0, high=6.0, source="made", confidence="low")
    many = np.arange(4000)
    one, other = (drawn(quantity, f"sensor/x/{name}", 1, many) for name in ("a", "b"))
    assert stats.kstest(one, stats.uniform(2.0, 4.0).cdf).pvalue > 0.01
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.05
    assert drawn(quantity, "sensor/x/a", 1, many[7:9]).tolist() == one[7:9].tolist()
    assert drawn(quantity, "sensor/x/a", 2, many[7:9]).tolist() != one[7:9].tolist()


def test_a_sensor_more_changes_no_other_sensors_draws(scenario):
    whole = sensor_suite(scenario, 3, WORLDS[:5])
    fewer = sensor_suite(replace(scenario, sensors=scenario.sensors[1:]), 3, WORLDS[:5])
    for column in ("revisit_s", "reference_snr", "offset_s", "orbit"):
        assert np.array_equal(getattr(whole, column)[:, 1:], getattr(fewer, column))
