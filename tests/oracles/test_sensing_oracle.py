"""A slow plain twin of ``detect``: one look after another, with textbook formulas, must report the same plots."""

import hashlib
import math
from types import SimpleNamespace

import numpy as np
import pytest

from detente.chance._kernels import normals, uniforms
from detente.chance.draws import Stage
from detente.records.slots import SensorSuite
from detente.records.stages import Objects, Truth
from detente.world.history import World
from detente.world.sensing import detect

A, F = 6_378_137.0, 1 / 298.257223563
MU, OMEGA = 3.986004418e14, 7.292115e-5
SEED, DURATION = 77, 700.0


def ecef(lat, lon, height):
    e2 = F * (2 - F)
    n = A / math.sqrt(1 - e2 * math.sin(lat) ** 2)
    across = (n + height) * math.cos(lat)
    return np.array([across * math.cos(lon), across * math.sin(lon), (n * (1 - e2) + height) * math.sin(lat)])


def geodetic(point):
    """Latitude, longitude and height by repeated substitution."""
    x, y, z = point
    p, e2 = math.hypot(x, y), F * (2 - F)
    lat = math.atan2(z, p * (1 - e2))
    for _ in range(30):
        n = A / math.sqrt(1 - e2 * math.sin(lat) ** 2)
        lat = math.atan2(z + e2 * n * math.sin(lat), p)
    return lat, math.atan2(y, x), p / math.cos(lat) - n


def axes(lat, lon):
    east = np.array([-math.sin(lon), math.cos(lon), 0.0])
    up = np.array([math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)])
    return east, np.cross(up, east), up


def clear(p, q, grazing):
    """Whether the line clears the raised ellipsoid: its lowest point by trial, where that is a unit sphere."""
    scale = np.array([A + grazing, A + grazing, A * (1 - F) + grazing])

    def height(share):
        return np.linalg.norm((p + share * (q - p)) / scale)

    low, high = 0.0, 1.0
    for _ in range(80):
        third = (high - low) / 3
        low, high = (low, high - third) if height(low + third) < height(high - third) else (low + third, high)
    # An end may lie below the raised surface without hiding itself: only what is lower in between does.
    return low < 1e-9 or low > 1 - 1e-9 or height(low) >= 1.0


def satellite_at(orbit, t):
    a, e, inclination, perigee, node, anomaly = orbit
    mean = anomaly + math.sqrt(MU / a**3) * t
    eccentric = mean
    for _ in range(200):
        eccentric = mean + e * math.sin(eccentric)
    true = 2 * math.atan2(math.sqrt(1 + e) * math.sin(eccentric / 2), math.sqrt(1 - e) * math.cos(eccentric / 2))
    radius, along = a * (1 - e * math.cos(eccentric)), perigee + true
    node = node - OMEGA * t
    return radius * np.array([
        math.cos(node) * math.cos(along) - math.sin(node) * math.sin(along) * math.cos(inclination),
        math.sin(node) * math.cos(along) + math.cos(node) * math.sin(along) * math.cos(inclination),
        math.sin(along) * math.sin(inclination),
    ])  # fmt: skip


def shifted(direction, sideways, upwards, first, second, pole):
    """A direction pushed sideways and upwards; ``first``, ``second``, ``pole`` are the axes angles are counted in."""
    level = direction - (direction @ pole) * pole
    level /= np.linalg.norm(level)
    left = np.cross(pole, level)
    raised = np.cross(direction, left)
    pushed = direction + sideways * left + upwards * raised
    pushed /= np.linalg.norm(pushed)
    return math.atan2(pushed @ second, pushed @ first), math.asin(pushed @ pole)


def between(flight, t):
    """The cubic through both neighbours' positions and velocities, solved as four linear equations."""
    j = int(np.clip(np.searchsorted(flight.t, t, side="right") - 1, 0, len(flight.t) - 2))
    t0, t1 = flight.t[j], flight.t[j + 1]
    h = t1 - t0
    rows = np.array([[1, 0, 0, 0], [0, 1 / h, 0, 0], [1, 1, 1, 1], [0, 1 / h, 2 / h, 3 / h]])
    known = np.array([flight.x[j], flight.v[j], flight.x[j + 1], flight.v[j + 1]])
    s = (t - t0) / h
    return np.array([1, s, s**2, s**3]) @ np.linalg.solve(rows, known)


def draw(function, replicate, stage, sensor, thing, look, ordinal=0):
    return function(np.uint64(SEED), replicate, int(stage), sensor.side, sensor.address, thing, look, ordinal)


def radar_plot(sensor, r, thing, look, point, rcs, t):
    site, (east, north, up) = ecef(sensor.lat, sensor.lon, sensor.height), axes(sensor.lat, sensor.lon)
    line = point - site
    distance = float(np.linalg.norm(line))
    azimuth, elevation = math.atan2(line @ east, line @ north), math.asin(line @ up / distance)
    off = (azimuth - sensor.boresight + math.pi) % (2 * math.pi) - math.pi
    if abs(off) > sensor.half or not sensor.el_min <= elevation <= sensor.el_max or distance > sensor.far:
        return None
    if not clear(site, point, 0.0):
        return None
    mean = sensor.snr * (sensor.ref / distance) ** 4 * rcs
    u = draw(uniforms, r, Stage.DETECTION, sensor, thing, look)[0]
    if u >= sensor.pfa ** (1 / (1 + mean)):
        return None
    snr = max(1.0, -(1 + mean) * math.log(u) - 1)
    factor = max(0.1, math.sqrt(sensor.snr / snr))
    n = draw(normals, r, Stage.NOISE, sensor, thing, look)
    # Azimuth runs from north to east, so "left" of the line of sight is against it.
    azimuth, elevation = shifted(
        line / distance, -factor * sensor.s_az * n[1], factor * sensor.s_el * n[2], north, east, up
    )
    distance = abs(distance + factor * sensor.s_r * n[0])
    return (
        t, distance, azimuth % (2 * math.pi), elevation, factor * sensor.s_r,
        min(math.pi / math.sqrt(3), factor * sensor.s_az / math.cos(elevation)), factor * sensor.s_el,
        10 * math.log10(snr),
    )  # fmt: skip


def infrared_plot(sensor, r, thing, look, point, t):
    if draw(uniforms, r, Stage.DETECTION, sensor, thing, look)[0] >= sensor.pd:
        return None
    lat, lon, height = geodetic(point)
    south, north, west, east = sensor.watch
    if height <= sensor.cloud or not south <= lat <= north or not west <= lon <= east:
        return None
    eye = satellite_at(sensor.orbit, t)
    if not clear(eye, point, sensor.grazing):
        return None
    n = draw(normals, r, Stage.NOISE, sensor, thing, look)
    line = (point - eye) / np.linalg.norm(point - eye)
    azimuth, elevation = shifted(line, sensor.s_az * n[0], sensor.s_el * n[1], *np.eye(3))
    return (t, 0.0, azimuth, elevation, 0.0, sensor.s_az, sensor.s_el, 0.0)


def poisson_count(mean, u):
    total, count = math.exp(-mean), 0
    while u > total:
        count += 1
        total += math.exp(-mean) * mean**count / math.factorial(count)
    return count


def false_plot(sensor, r, thing, look, t):
    if sensor.kind == 1:
        a, b, c, d = draw(uniforms, r, Stage.FALSE_ALARM, sensor, thing, look)
        sine = math.sin(sensor.el_min) + (math.sin(sensor.el_max) - math.sin(sensor.el_min)) * b
        snr = max(1.0, -math.log(sensor.pfa) - math.log(d) - 1)
        factor = max(0.1, math.sqrt(sensor.snr / snr))
        azimuth = (sensor.boresight + (2 * a - 1) * sensor.half) % (2 * math.pi)
        elevation = math.asin(sine)
        sigma = min(math.pi / math.sqrt(3), factor * sensor.s_az / math.cos(elevation))
        errors = (factor * sensor.s_r, sigma, factor * sensor.s_el)
        return (t, c * sensor.far, azimuth, elevation, *errors, 10 * math.log10(snr))
    eye = satellite_at(sensor.orbit, t)
    south, north, west, east = sensor.watch
    for ordinal in range(32):
        a, b, _, _ = draw(uniforms, r, Stage.FALSE_ALARM, sensor, thing, look, ordinal)
        lat = math.asin(math.sin(south) + (math.sin(north) - math.sin(south)) * a)
        point = ecef(lat, west + (east - west) * b, sensor.cloud)
        if clear(eye, point, sensor.grazing):
            x, y, z = (point - eye) / np.linalg.norm(point - eye)
            return (t, 0.0, math.atan2(y, x), math.asin(z), 0.0, sensor.s_az, sensor.s_el, 0.0)
    return None


def plain_detect(sensors, flights, replicates):
    """Rows (replicate row, time, shuffle, sensor, object, the rest) in order."""
    rows = []
    for row, r in enumerate(replicates):
        for i, sensor in enumerate(sensors):
            look = 0
            while (t := sensor.offset + look * sensor.revisit) <= DURATION:
                seen = []
                for n, flight in enumerate(flights):
                    if not flight.t[0] <= t <= flight.t[-1] or (sensor.kind == 2 and t > flight.burnout):
                        continue
                    point = between(flight, t)
                    if sensor.kind == 1:
                        plot = radar_plot(sensor, r, n, look, point, flight.rcs, t)
                    else:
                        plot = infrared_plot(sensor, r, n, look, point, t)
                    seen.append((plot, n, n, 0))
                count = poisson_count(sensor.false, draw(uniforms, r, Stage.FALSE_ALARM, sensor, 0, look)[0])
                seen += [(false_plot(sensor, r, k, look, t), -1, k, 1) for k in range(1, count + 1)]
                for plot, n, thing, ordinal in seen:
                    if plot is not None:
                        shuffle = draw(uniforms, r, Stage.ORDER, sensor, thing, look, ordinal)[0]
                        rows.append((row, t, shuffle, i, n, plot))
                look += 1
    return sorted(rows, key=lambda row: row[:3])


def sensors_and_flights():
    def address(name):
        return int.from_bytes(hashlib.blake2b(f"sensor/{name}".encode(), digest_size=8).digest(), "big") >> 33

    radar = {
        "kind": 1, "side": 0, "height": 300.0, "boresight": math.radians(140), "half": math.radians(60),
        "el_min": math.radians(2), "el_max": math.radians(85), "far": 2.5e6, "revisit": 9.7, "offset": 2.2, "ref": 9e5,
        "snr": 25.0, "pfa": 1e-5, "false": 0.8, "s_r": 40.0, "s_az": 3e-3, "s_el": 4e-3, "orbit": (0.0,) * 6, "pd": 0.0,
        "cloud": 0.0, "grazing": 0.0, "watch": (-math.pi / 2, math.pi / 2, -math.pi, math.pi),
    }  # fmt: skip
    north = {**radar, "name": "north", "lat": math.radians(43), "lon": math.radians(42)}
    south = {
        **radar, "name": "south", "side": 1, "lat": math.radians(38), "lon": math.radians(38), "half": math.pi,
        "el_min": math.radians(-4), "height": 2000.0, "revisit": 6.1,
    }  # fmt: skip
    eye = {
        **radar, "name": "eye", "kind": 2, "lat": 0.0, "lon": 0.0, "height": 0.0, "far": 0.0, "ref": 0.0, "snr": 0.0,
        "pfa": 0.0, "s_r": 0.0, "s_az": 6e-5, "s_el": 6e-5, "pd": 0.7, "cloud": 9e3, "grazing": 15e3, "false": 0.3,
        "orbit": (26.6e6, 0.7, math.radians(63.4), math.radians(270), math.radians(100), math.radians(160)),
        "watch": tuple(np.radians((25.0, 50.0, 30.0, 70.0))), "revisit": 4.3, "offset": 0.4,
    }  # fmt: skip
    sensors = [SimpleNamespace(**s, address=address(s["name"])) for s in (north, south, eye)]
    return sensors, [thrown(35.0, 48.0, 33.0, 0.3), thrown(36.0, 50.0, 64.0, 2.0), thrown(34.0, 45.0, 5.0, 0.05)]


def thrown(lat_deg, lon_deg, begin_s, rcs):
    """A lob towards the north-west over a flat patch: not physics, but smooth, high and quick."""
    lat, lon = math.radians(lat_deg), math.radians(lon_deg)
    east, north, up = axes(lat, lon)
    t = np.concatenate([np.arange(0.0, 90.0, 1.0), np.arange(90.0, 480.1, 5.0)])
    velocity = -1300.0 * east + 1700.0 * north
    x = ecef(lat, lon, 0.0) + t[:, None] * velocity + (2300.0 * t - 4.2 * t * t)[:, None] * up
    v = velocity + (2300.0 - 8.4 * t)[:, None] * up
    return SimpleNamespace(t=t + begin_s, x=x, v=v, burnout=begin_s + 80.0, rcs=rcs)


def as_world(sensors, flights, replicates):
    count, objects = len(replicates), {name: None for name, _ in Objects.columns()}
    for name, spec in Objects.columns():
        objects[name] = np.zeros(count * len(flights), spec.dtype)
    objects["burnout_s"] = np.tile([flight.burnout for flight in flights], count)
    objects["radar_cross_section_m2"] = np.tile([flight.rcs for flight in flights], count)
    sizes = np.tile([len(flight.t) for flight in flights], count)
    rows = int(sizes.sum())
    truth = Truth(
        replicate=np.zeros(rows, int), object=np.zeros(rows, int),
        time_s=np.tile(np.concatenate([flight.t for flight in flights]), count),
        position_ecef_m=np.tile(np.concatenate([flight.x for flight in flights]), (count, 1)),
        velocity_ecef_m_s=np.tile(np.concatenate([flight.v for flight in flights]), (count, 1)),
        phase=np.zeros(rows, np.uint8),
    )  # fmt: skip

    def each(name):
        return np.array([getattr(sensor, name) for sensor in sensors], float)

    def drawn(name):
        return np.stack([each(name)] * count)

    radar = each("kind") == 1
    suite = SensorSuite(
        kind=each("kind").astype(np.uint8), side=each("side").astype(np.int64), owner=np.zeros(len(sensors), np.int64),
        owners=("XXX",), names=tuple(sensor.name for sensor in sensors), lat_rad=each("lat"), lon_rad=each("lon"),
        height_m=each("height"), boresight_rad=each("boresight"), sector_half_width_rad=each("half"),
        elevation_min_rad=each("el_min"), elevation_max_rad=each("el_max"), watch_rad=each("watch"),
        grazing_m=each("grazing"), orbit=drawn("orbit"), revisit_s=drawn("revisit"), offset_s=drawn("offset"),
        reference_range_m=drawn("ref"), reference_snr=drawn("snr"), instrumented_range_m=drawn("far"),
        false_alarm_probability=drawn("pfa"), false_plots_per_scan=drawn("false"), detection_probability=drawn("pd"),
        cloud_top_m=drawn("cloud"), sigma_range_m=drawn("s_r") * radar, sigma_azimuth_rad=drawn("s_az"),
        sigma_elevation_rad=drawn("s_el"),
    )  # fmt: skip
    return World(
        objects=Objects(**objects), truth=truth, offsets=np.concatenate([[0], np.cumsum(sizes)]), suite=suite,
        missiles=("thrown",), places=("there",), object_count=len(flights), replicates=np.array(replicates, np.int64),
    )  # fmt: skip


def test_the_plain_twin_reports_the_same_plots():
    sensors, flights = sensors_and_flights()
    replicates = (2, 9)
    asked = SimpleNamespace(file=SimpleNamespace(duration_s=DURATION, false_alarms=True))
    sensed = detect(as_world(sensors, flights, replicates), asked, SEED)
    expected = plain_detect(sensors, flights, replicates)
    seen = sensed.detections
    assert len(seen) == len(expected)
    assert seen.replicate.tolist() == [row[0] for row in expected]
    assert seen.sensor.tolist() == [row[3] for row in expected]
    assert sensed.key.object.tolist() == [row[4] for row in expected]
    measured = np.column_stack([
        seen.time_s, seen.range_m, seen.azimuth_rad, seen.elevation_rad, seen.sigma_range_m, seen.sigma_azimuth_rad,
        seen.sigma_elevation_rad, seen.snr_db,
    ])  # fmt: skip
    twin = np.array([row[5] for row in expected])
    assert measured == pytest.approx(twin, rel=1e-9, abs=1e-11)
    # The case is not an empty one: every sensor saw objects and things that are not there, and missed some.
    for i, sensor in enumerate(sensors):
        truly = sensed.key.object[seen.sensor == i]
        assert (truly >= 0).sum() > 10, sensor.name
        assert (truly < 0).sum() > 10, sensor.name
    assert set(sensed.key.object) == {-1, 0, 1, 2}
