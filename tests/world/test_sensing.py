"""What sensors see, how often, how well, and what they must not see. Fixed seeds; bounds are five sigma or exact."""

import math

import numpy as np
import pytest

from detente.geodesy import _kernels as geodesy
from detente.records.errors import InputError
from detente.records.stages import Detections
from detente.world import _kernels_path as path
from detente.world import _kernels_sensing as kernels
from detente.world.sensing import FALSE_PLOTS_MOST, check_suite, detect, sensor_address

FOREVER = 40_000.0


def columns(table):
    return {name: getattr(table, name) for name, _ in type(table).columns()}


def same(a, b):
    first, second = columns(a), columns(b)
    return all(np.array_equal(first[name], second[name]) for name in first)


def by_sensor(sensed, suite, name):
    """Rows of one sensor, without its index: what it alone reported."""
    rows = sensed.detections.sensor == suite.names.index(name)
    kept = {key: value[rows] for key, value in columns(sensed.detections).items() if key != "sensor"}
    return {**kept, "object": sensed.key.object[rows]}


@pytest.mark.parametrize("rcs_m2", [0.05, 0.3, 1.0, 4.0])
def test_probability_of_detection_is_swerling_one(made, rcs_m2):
    world = made.world([made.still(5, 5, 3e5, 0, FOREVER, rcs_m2=rcs_m2)], [made.radar()], range(2))
    sensed = detect(world, made.asked(FOREVER), 11)
    site, target = (geodesy.geodetic_to_ecef(0.0, 0.0, 0.0), world.truth.position_ecef_m[0])
    distance = np.linalg.norm(target - np.array(site))
    snr = 20.0 * (1e6 / distance) ** 4 * rcs_m2
    expected = 1e-6 ** (1.0 / (1.0 + snr))
    looks = 2 * 4000
    assert len(sensed.detections) / looks == pytest.approx(
        expected, abs=5 * math.sqrt(expected * (1 - expected) / looks)
    )
    assert np.all(sensed.detections.range_m > 0)


def test_errors_are_normal_with_the_stated_sigma(made):
    world = made.world([made.still(8, 3, 8e5, 0, FOREVER)], [made.radar(reference_snr=100.0)], range(3))
    seen = detect(world, made.asked(FOREVER), 5).detections
    x, y, z = world.truth.position_ecef_m[0]
    azimuth, elevation, distance = geodesy.azimuth_elevation_range(*geodesy.geodetic_to_ecef(0, 0, 0), 0, 0, x, y, z)
    count = len(seen)
    assert count > 5000
    errors = {
        "range": (seen.range_m - distance) / seen.sigma_range_m,
        "azimuth": (seen.azimuth_rad - azimuth) / seen.sigma_azimuth_rad,
        "elevation": (seen.elevation_rad - elevation) / seen.sigma_elevation_rad,
    }
    for name, error in errors.items():
        assert abs(error.mean()) < 5 / math.sqrt(count), name
        assert error.std() == pytest.approx(1.0, abs=5 / math.sqrt(2 * count)), name
        assert (np.abs(error) < 1).mean() == pytest.approx(0.6827, abs=5 * math.sqrt(0.2166 / count)), name
    stacked = np.corrcoef(np.array(list(errors.values())))
    assert np.all(np.abs(stacked - np.eye(3)) < 5 / math.sqrt(count))


def test_errors_follow_the_power_received_down_to_a_floor(made):
    world = made.world([made.still(2, 0, 2e5, 0, FOREVER)], [made.radar()])
    seen = detect(world, made.asked(FOREVER), 5).detections
    factor = np.maximum(0.1, np.sqrt(20.0 / 10 ** (seen.snr_db / 10)))
    assert seen.sigma_range_m == pytest.approx(30.0 * factor)
    assert seen.sigma_elevation_rad == pytest.approx(3e-3 * factor)
    assert seen.sigma_azimuth_rad == pytest.approx(2e-3 * factor / np.cos(seen.elevation_rad))
    assert seen.sigma_range_m.min() == 30.0 * 0.1
    # No plot is weaker than the threshold, so no error is larger than the threshold allows.
    assert seen.snr_db.min() >= 10 * math.log10(-math.log(1e-6) - 1) - 1e-12


def test_overhead_the_same_error_across_the_line_of_sight_is_more_azimuth(made):
    sensors = [made.radar(elevation_max_rad=math.pi / 2)]
    world = made.world([made.still(0.02, 0.0, 5e5, 0, FOREVER)], sensors)
    seen = detect(world, made.asked(FOREVER), 5).detections
    _, elevation, _ = geodesy.azimuth_elevation_range(
        *geodesy.geodetic_to_ecef(0, 0, 0), 0, 0, *world.truth.position_ecef_m[0]
    )
    assert math.degrees(elevation) > 89.7
    assert np.all(seen.elevation_rad <= math.pi / 2)
    assert np.all(seen.sigma_azimuth_rad <= math.pi / math.sqrt(3))
    assert np.all((seen.azimuth_rad >= 0) & (seen.azimuth_rad < 2 * math.pi))
    # Placed back in the sky, the errors sideways are those of the horizon: some 2 mrad, not the azimuth's whole circle.
    east = np.cos(seen.elevation_rad) * np.sin(seen.azimuth_rad)
    factor = seen.sigma_elevation_rad / 3e-3
    assert np.std(east / factor) == pytest.approx(2e-3, rel=0.06)


def test_a_sector_has_edges(made):
    ring = [
        made.still(math.degrees(0.1 * math.cos(a)), math.degrees(0.1 * math.sin(a)), 4e5)
        for a in np.radians(np.arange(0, 360, 10))
    ]
    strong = {"reference_snr": 1e9, "sigma_azimuth_rad": 1e-9}
    sector = made.radar(boresight_rad=math.radians(350), sector_half_width_rad=math.radians(45), **strong)
    world = made.world(ring, [sector])
    sensed = detect(world, made.asked(100.0), 1)
    assert set(sensed.key.object) == {35 - k for k in range(5)} | {0, 1, 2, 3}
    assert len(sensed.key.object) == 9 * 10


def test_elevation_limits_range_limit_and_horizon(made):
    strong = {"reference_snr": 1e12}
    flights = [made.still(lat, 0, 3e5) for lat in (0.5, 3, 10, 16, 17.5, 20)]
    elevations = [
        geodesy.azimuth_elevation_range(*geodesy.geodetic_to_ecef(0, 0, 0), 0, 0, *flight.position_ecef_m[0])[1:]
        for flight in flights
    ]
    low, high, reach = math.radians(3), math.radians(70), 1.8e6
    sensor = made.radar(elevation_min_rad=low, elevation_max_rad=high, instrumented_range_m=reach, **strong)
    wide = made.radar("wide", elevation_min_rad=math.radians(-5), instrumented_range_m=9e6, **strong)
    world = made.world(flights, [sensor, wide])
    sensed = detect(world, made.asked(20.0), 1)
    narrow = by_sensor(sensed, world.suite, "radar")
    expected = {n for n, (el, r) in enumerate(elevations) if low <= el <= high and r <= reach}
    assert set(narrow["object"]) == expected == {1, 2}
    # Straight lines over a round Earth: from sea level nothing below the level is in sight.
    assert set(by_sensor(sensed, world.suite, "wide")["object"]) == {
        n for n, (el, _) in enumerate(elevations) if el > 0
    }
    assert elevations[4][0] < 0 < elevations[3][0] < low


def test_from_a_hill_one_sees_below_the_level_as_far_as_the_ground_allows(made):
    hill = made.radar(height_m=2000.0, elevation_min_rad=math.radians(-5), reference_snr=1e9)
    near = made.still(0, 2.0, 1500.0)  # 1.4 degrees to the horizon and beyond it
    far = made.still(0, 3.0, 1500.0)
    world = made.world([near, far], [hill])
    site = geodesy.geodetic_to_ecef(0, 0, 2000.0)
    for flight, clear in ((near, True), (far, False)):
        point = flight.position_ecef_m[0]
        assert geodesy.azimuth_elevation_range(*site, 0, 0, *point)[1] < 0
        assert geodesy.line_of_sight_clear(*site, *point, 0.0) == clear
    assert set(detect(world, made.asked(20.0), 1).key.object) == {0}


def test_nothing_is_seen_before_launch_or_after_impact(made):
    world = made.world([made.still(5, 0, 3e5, 100.0, 205.0)], [made.radar(reference_snr=1e12)])
    seen = detect(world, made.asked(1000.0), 1).detections
    assert seen.time_s.tolist() == [103.0 + 10 * k for k in range(11)]
    short = detect(world, made.asked(150.0), 1).detections
    assert short.time_s.tolist() == [103.0 + 10 * k for k in range(5)]


def test_a_satellite_sees_only_what_burns_above_the_clouds(made):
    climb_s = np.arange(0.0, 101.0)
    heights = 500.0 * climb_s
    positions = np.array([geodesy.geodetic_to_ecef(0.5, 0.2, h) for h in heights])
    up = np.array(geodesy.enu_axes(0.5, 0.2)[6:])
    rocket = made.Flight(climb_s, positions, np.tile(500.0 * up, (101, 1)), burnout_s=70.0)
    world = made.world([rocket], [made.satellite(offset_s=0.5, revisit_s=1.0)])
    seen = detect(world, made.asked(), 3).detections
    # Above 10 km from 20 s on; the motor stops at 70 s.
    assert seen.time_s.tolist() == [0.5 + k for k in range(20, 70)]
    assert set(seen.kind) == {2}
    assert not seen.range_m.any()
    assert not seen.sigma_range_m.any()
    assert not seen.snr_db.any()


def test_a_satellite_measures_the_direction_from_its_orbit(made):
    world = made.world([made.still(40, 20, 5e4, 0, FOREVER, burnout_s=FOREVER)], [made.satellite()])
    seen = detect(world, made.asked(FOREVER), 3).detections
    line = world.truth.position_ecef_m[0] - np.array([42_164_172.0, 0.0, 0.0])
    azimuth, elevation = math.atan2(line[1], line[0]), math.asin(line[2] / np.linalg.norm(line))
    count = len(seen)
    assert count == 8000
    # A geostationary satellite of this semi-major axis drifts by less than a microradian an hour.
    for error in ((seen.azimuth_rad - azimuth) * math.cos(elevation), seen.elevation_rad - elevation):
        assert abs(error.mean()) < 5 * 50e-6 / math.sqrt(count) + 2e-6
        assert error.std() == pytest.approx(50e-6, rel=5 / math.sqrt(2 * count))


@pytest.mark.parametrize(
    ("place", "watch", "seen"),
    [
        ((40, 20), None, True),
        ((40, 20), (30, 50, 10, 30), True),
        ((40, 20), (30, 39, 10, 30), False),
        ((40, 20), (30, 50, 170, 30), True),
        ((40, 20), (30, 50, 170, 10), False),
        ((40, -175), (30, 50, 170, -170), False),  # in the box, behind the Earth
        ((0, 80.9), None, True),
        ((0, 81.9), None, False),  # within the disc, but its ray grazes the air too low
    ],
)
def test_a_satellite_sees_its_box_and_not_through_the_earth(made, place, watch, seen):
    box = (-math.pi / 2, math.pi / 2, -math.pi, math.pi) if watch is None else tuple(np.radians(watch))
    world = made.world([made.still(*place, 12_000.0, burnout_s=500.0)], [made.satellite(watch_rad=box)])
    assert (len(detect(world, made.asked(), 3).detections) > 0) == seen


def test_false_plots_are_as_many_as_stated_and_fill_the_sector(made):
    sector = made.radar(
        boresight_rad=math.radians(10), sector_half_width_rad=math.radians(30), false_plots_per_scan=2.5
    )
    world = made.world([made.still(0, 120, 3e5)], [sector], range(40))
    sensed = detect(world, made.asked(1000.0, false_alarms=True), 9)
    seen, looks = sensed.detections, 40 * 100
    assert set(sensed.key.object) == {-1}
    assert len(seen) / looks == pytest.approx(2.5, abs=5 * math.sqrt(2.5 / looks))
    scan = (np.round((seen.time_s - 3.0) / 10.0) + 100 * seen.replicate).astype(int)
    counts = np.bincount(scan, minlength=looks)
    assert len(counts) == looks
    # The variance of a sample variance of a Poisson count: (mean + 2 mean²) / n.
    assert counts.var() == pytest.approx(2.5, abs=5 * math.sqrt((2.5 + 2 * 2.5**2) / looks))
    away = (seen.azimuth_rad - math.radians(10) + math.pi) % (2 * math.pi) - math.pi
    assert np.abs(away).max() <= math.radians(30)
    assert np.std(away) == pytest.approx(math.radians(60) / math.sqrt(12), rel=0.03)
    assert np.all((seen.elevation_rad >= math.radians(2)) & (seen.elevation_rad <= math.radians(88)))
    assert seen.range_m.mean() == pytest.approx(1.5e6, rel=0.03)
    assert seen.snr_db.min() >= 10 * math.log10(-math.log(1e-6) - 1)
    assert len(detect(world, made.asked(1000.0, false_alarms=False), 9).detections) == 0


def test_false_infrared_plots_point_into_the_watched_box(made):
    box = tuple(np.radians((30, 50, 10, 30)))
    sensors = [
        made.satellite(watch_rad=box, false_plots_per_scan=0.4),
        made.satellite("disc", false_plots_per_scan=0.4),
    ]
    world = made.world([made.still(0, 0, 0.0)], sensors, range(20))
    sensed = detect(world, made.asked(1000.0, false_alarms=True), 9)
    satellite = np.array([42_164_172.0, 0.0, 0.0])
    for name in ("satellite", "disc"):
        rows = by_sensor(sensed, world.suite, name)
        assert len(rows["time_s"]) / (20 * 200) == pytest.approx(0.4, abs=0.05)
        cos_el = np.cos(rows["elevation_rad"])
        line = np.column_stack([
            cos_el * np.cos(rows["azimuth_rad"]), cos_el * np.sin(rows["azimuth_rad"]), np.sin(rows["elevation_rad"])
        ])  # fmt: skip
        along = -line @ satellite
        half_chord2 = along**2 - satellite @ satellite + 6.374e6**2
        assert half_chord2.min() > -((6.4e6**2) - (6.374e6**2))  # at the limb a ray may pass a round Earth by
        ground = satellite + line * (along - np.sqrt(np.maximum(0.0, half_chord2)))[:, None]
        lat, lon = (
            np.degrees(np.arcsin(np.clip(ground[:, 2] / 6.374e6, -1.0, 1.0))),
            np.degrees(np.arctan2(ground[:, 1], ground[:, 0])),
        )
        if name == "satellite":
            assert lat.min() > 29
            assert lat.max() < 51
            assert lon.min() > 9
            assert lon.max() < 31
        else:
            assert lat.max() - lat.min() > 130
            assert lon.max() - lon.min() > 130


def scene(made):
    flights = [made.still(5, 5, 3e5, burnout_s=300.0), made.still(3, -4, 2e5, rcs_m2=0.2), made.still(-6, 3, 4e5)]
    sensors = [
        made.radar("north", false_plots_per_scan=1.0),
        made.radar("south", 1, lat_rad=-0.05, false_plots_per_scan=2.0),
        made.satellite("eye", 1, false_plots_per_scan=0.5, detection_probability=0.8),
    ]
    return flights, sensors


def test_a_replicate_is_the_same_alone_and_in_company(made):
    flights, sensors = scene(made)
    asked = made.asked(800.0, True)
    together = detect(made.world(flights, sensors, range(6)), asked, 4)
    for r in (0, 3, 5):
        alone = detect(made.world(flights, sensors, (r,)), asked, 4)
        rows = together.detections.replicate == r
        for name, value in columns(alone.detections).items():
            if name != "replicate":
                assert np.array_equal(value, getattr(together.detections, name)[rows]), name
        assert np.array_equal(alone.key.object, together.key.object[rows])


def test_a_small_buffer_changes_nothing(made, monkeypatch):
    flights, sensors = scene(made)
    world, asked = made.world(flights, sensors, range(6)), made.asked(800.0, True)
    whole = detect(world, asked, 4)
    monkeypatch.setattr("detente.world.sensing.ROOM", 64)
    pieces = detect(world, asked, 4)
    assert same(whole.detections, pieces.detections)
    assert same(whole.key, pieces.key)


def test_adding_a_sensor_disturbs_no_other_draw(made):
    flights, sensors = scene(made)
    asked = made.asked(800.0, True)
    few, more = made.world(flights, sensors, range(3)), made.world(flights, [made.radar("new"), *sensors], range(3))
    before, after = detect(few, asked, 4), detect(more, asked, 4)
    for name in ("north", "south", "eye"):
        first, second = by_sensor(before, few.suite, name), by_sensor(after, more.suite, name)
        assert len(first["time_s"]) > 100
        for column, value in first.items():
            assert np.array_equal(value, second[column]), (name, column)


def test_adding_an_object_disturbs_no_other_draw(made):
    flights, sensors = scene(made)
    asked = made.asked(800.0)
    before = detect(made.world(flights[:2], sensors), asked, 4)
    after = detect(made.world(flights, sensors), asked, 4)
    old = after.key.object < 2
    assert np.array_equal(before.detections.azimuth_rad, after.detections.azimuth_rad[old])


def test_rows_are_in_order_and_their_order_tells_nothing(made):
    flights = [made.still(5, 5, 3e5, 0, 5000.0), made.still(5, 5.1, 3e5, 0, 5000.0)]
    world = made.world(flights, [made.radar(reference_snr=1e9)], range(2))
    sensed = detect(world, made.asked(5000.0), 4)
    seen, key = sensed.detections, sensed.key
    assert np.all(np.diff(seen.replicate) >= 0)
    assert np.all(np.diff(seen.time_s)[np.diff(seen.replicate) == 0] >= 0)
    assert np.array_equal(key.detection, np.arange(len(seen)))
    assert np.array_equal(key.replicate, seen.replicate)
    first = key.object.reshape(-1, 2)[:, 0]
    assert first.mean() == pytest.approx(0.5, abs=5 * 0.5 / math.sqrt(len(first)))
    assert "object" not in {name for name, _ in Detections.columns()}


def test_between_samples_the_path_is_the_cubic(made):
    times = np.array([0.0, 0.7, 2.0, 5.0])
    cubic = np.array([[1.0, -2.0, 0.5, 0.1], [3.0, 0.0, -1.0, 0.2], [0.0, 1.0, 0.0, -0.3]])
    position = np.ascontiguousarray(np.array([np.polynomial.Polynomial(c)(times) for c in cubic]).T)
    velocity = np.ascontiguousarray(np.array([np.polynomial.Polynomial(c).deriv()(times) for c in cubic]).T)
    for j, t in ((0, 0.3), (1, 0.7), (1, 1.9), (2, 4.4), (2, 5.0)):
        assert path.position_between(times, position, velocity, j, t) == pytest.approx(
            [np.polynomial.Polynomial(c)(t) for c in cubic], abs=1e-12
        )


def test_first_look_is_the_first_at_or_after():
    for offset, revisit, start in (
        (3.0, 10.0, 3.0),
        (3.0, 10.0, 3.1),
        (0.1, 0.3, 0.7),
        (5.0, 2.0, 0.0),
        (0.1, 0.1, 1.1),
    ):
        look = kernels.first_look(offset, revisit, start)
        assert look >= 0
        assert offset + look * revisit >= start
        assert look == 0 or offset + (look - 1) * revisit < start


def test_sensor_address_depends_on_the_name_alone():
    assert sensor_address("gabala") == sensor_address("gabala")
    names = [f"sensor-{i}" for i in range(2000)]
    found = {sensor_address(name) for name in names}
    assert len(found) == len(names)
    assert all(0 <= value < 2**31 for value in found)


OF_RADARS = [
    ("revisit_s", [0.0, -1.0], [1e-3]), ("offset_s", [-1e-3], [0.0]),
    ("false_plots_per_scan", [-0.1, FALSE_PLOTS_MOST + 0.1], [0.0, FALSE_PLOTS_MOST]),
    ("reference_range_m", [0.0], [1e-3]), ("reference_snr", [0.0], [1e-3]), ("instrumented_range_m", [0.0], [1e-3]),
    ("false_alarm_probability", [0.0, 1.0], [1e-9, 0.999]), ("sigma_range_m", [0.0], [1e-3]),
    ("sigma_azimuth_rad", [0.0], [1e-9]), ("sigma_elevation_rad", [0.0], [1e-9]),
    ("detection_probability", [], [7.0]),  # a radar's follows from its signal
]  # fmt: skip
OF_SATELLITES = [
    ("revisit_s", [0.0], [1e-3]), ("offset_s", [-1e-3], [0.0]), ("false_plots_per_scan", [-0.1], [0.0]),
    ("detection_probability", [-0.1, 1.1], [0.0, 1.0]), ("sigma_azimuth_rad", [0.0], [1e-9]),
    ("sigma_elevation_rad", [0.0], [1e-9]), ("sigma_range_m", [], [-1.0]), ("reference_snr", [], [-1.0]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name", "wrong", "right"),
    [("radar", *row) for row in OF_RADARS] + [("satellite", *row) for row in OF_SATELLITES],
)
def test_a_sensor_that_cannot_work_is_refused_by_name_and_number(made, kind, name, wrong, right):
    """And one whose numbers are just within what can be is not; nor for a number that its kind does not have."""
    other = made.satellite if kind == "radar" else made.radar
    for value in (*wrong, *right):
        sensors = [other("good"), getattr(made, kind)("bad", **{name: value})]
        world = made.world([made.still(5, 5, 3e5)], sensors)
        if value in right:
            check_suite(world.suite)
            continue
        with pytest.raises(InputError) as caught:
            detect(world, made.asked(), 1)
        assert caught.value.found == f"bad: {name} of {value:g}"
        assert caught.value.path == f"sensor.bad.{name}"


def test_an_object_that_was_not_launched_is_not_seen(made):
    nothing = made.Flight(np.zeros(0), np.zeros((0, 3)), np.zeros((0, 3)))
    world = made.world([nothing, made.still(5, 5, 3e5)], [made.radar(reference_snr=1e9)], range(2))
    assert set(detect(world, made.asked(), 1).key.object) == {1}


def test_a_world_in_which_nobody_sees_anything(made):
    sensed = detect(made.world([made.still(0, 120, 3e5)], [made.radar()]), made.asked(), 1)
    assert len(sensed.detections) == 0
    assert len(sensed.key) == 0
