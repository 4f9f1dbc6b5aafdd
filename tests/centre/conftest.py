"""A small raid, what really flies and what sensors say of it, in plain numpy: independent of the world's kernels."""

import math
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from tests.made_sensors import make_suite

from detente.flight import trajectory
from detente.flight._kernels_orbit import orbit_position
from detente.flight.vehicle import Missile, Stage, pack
from detente.geodesy import _kernels as geodesy
from detente.records.stages import Detections

# Forden 2007 (GUI_Missile_Flyout): Scud-B, Al Hussein, No-dong; and a made-up two-stage missile of longer reach.
CD = ((0.0, 0.85, 1.0, 1.2, 2.0, 4.5), (0.20, 0.20, 0.27, 0.27, 0.20, 0.20))
MISSILES = (
    Missile("Scud-B", 1000.0, (Stage(4897.0, 1198.0, 230.0, 75.0, 0.84),), *CD, 2000.0),
    Missile("Al Hussein", 191.0, (Stage(6073.0, 1334.0, 230.0, 90.0, 0.84),), *CD, 1500.0),
    Missile("No-dong", 1000.0, (Stage(19900.0, 3900.0, 240.0, 70.0, 0.88),), *CD, 3000.0),
    Missile(
        "two-stage", 700.0,
        (Stage(20000.0, 3000.0, 240.0, 70.0, 1.2), Stage(6000.0, 1000.0, 250.0, 60.0, 1.2)), *CD, 4000.0,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Flown:
    """One object's true path from launch to impact."""

    launch_s: float
    burnout_s: float
    time_s: np.ndarray
    position: np.ndarray
    velocity: np.ndarray
    phase: np.ndarray
    beta: float

    def at(self, time_s):
        """State (6,) by cubic Hermite interpolation, and its phase; None outside the flight."""
        t = time_s - self.launch_s
        if t < 0.0 or t > self.time_s[-1]:
            return None, 0
        j = min(int(np.searchsorted(self.time_s, t, side="right")) - 1, len(self.time_s) - 2)
        h = self.time_s[j + 1] - self.time_s[j]
        s = (t - self.time_s[j]) / h
        p0, p1, v0, v1 = self.position[j], self.position[j + 1], self.velocity[j] * h, self.velocity[j + 1] * h
        place = (
            (1 + 2 * s) * (1 - s) ** 2 * p0 + s * (1 - s) ** 2 * v0 + s * s * (3 - 2 * s) * p1 + s * s * (s - 1) * v1
        )
        rate = (6 * s * s - 6 * s) * (p0 - p1) + (3 * s * s - 4 * s + 1) * v0 + (3 * s * s - 2 * s) * v1
        return np.concatenate([place, rate / h]), self.phase[j]


def fly(launches):
    """``launches``: (missile, lat_deg, lon_deg, azimuth_deg, pitch_deg, launch_s) each."""
    rows = np.array([row[1:5] for row in launches], float)
    index = np.array([row[0] for row in launches])
    found = trajectory.ephemeris(
        pack(MISSILES), index, *np.radians(rows.T), np.full(len(launches), np.inf), tolerance_m=1.0
    )  # fmt: skip
    assert not found.flag.any()
    out = []
    for n, row in enumerate(launches):
        part = slice(found.offsets[n], found.offsets[n + 1])
        time_s, phase = found.time_s[part], found.phase[part]
        out.append(
            Flown(
                row[5], row[5] + float(time_s[phase == 1].max()), time_s, found.position_ecef_m[part],
                found.velocity_ecef_m_s[part], phase, MISSILES[row[0]].reentry_ballistic_coefficient_kg_m2,
            )
        )  # fmt: skip
    return out


def radar(name, lat_deg, lon_deg, **values):
    base = {
        "kind": 1, "name": name, "side": 0, "lat_rad": math.radians(lat_deg), "lon_rad": math.radians(lon_deg),
        "height_m": 100.0, "boresight_rad": 0.0, "sector_half_width_rad": math.pi,
        "elevation_min_rad": math.radians(2.0), "elevation_max_rad": math.radians(85.0),
        "watch_rad": (-math.pi / 2, math.pi / 2, -math.pi, math.pi), "grazing_m": 0.0, "orbit": (0.0,) * 6,
        "revisit_s": 8.0, "offset_s": 3.0, "reference_range_m": 1.5e6, "reference_snr": 20.0,
        "instrumented_range_m": 4e6, "false_alarm_probability": 1e-6, "false_plots_per_scan": 1.0,
        "detection_probability": 0.9, "cloud_top_m": 0.0, "sigma_range_m": 60.0, "sigma_azimuth_rad": 2e-3,
        "sigma_elevation_rad": 2e-3,
    }  # fmt: skip
    return {**base, **values}


def satellite(name, lon_deg, **values):
    base = radar(
        name, 0.0, 0.0, kind=2, height_m=0.0, orbit=(42_164_172.0, 0.0, 0.0, 0.0, 0.0, math.radians(lon_deg)),
        lat_rad=0.0, lon_rad=0.0, revisit_s=10.0, offset_s=1.0, cloud_top_m=9_000.0, grazing_m=15_000.0,
        sigma_range_m=0.0, sigma_azimuth_rad=30e-6, sigma_elevation_rad=30e-6,
    )  # fmt: skip
    return {**base, **values}


def sensor_place(sensor, time_s):
    if sensor["kind"] == 1:
        return np.array(geodesy.geodetic_to_ecef(sensor["lat_rad"], sensor["lon_rad"], sensor["height_m"]))
    return np.array(orbit_position(*sensor["orbit"], time_s))


def measure(sensor, place, time_s, chance):
    """(range, azimuth, elevation) with noise, and their sigmas; None where the sensor cannot see the place."""
    site = sensor_place(sensor, time_s)
    errors = chance.standard_normal(3) * (
        sensor["sigma_range_m"], sensor["sigma_azimuth_rad"], sensor["sigma_elevation_rad"]
    )  # fmt: skip
    away = place - site
    distance = float(np.linalg.norm(away))
    if sensor["kind"] == 1:
        axes = np.array(geodesy.enu_axes(sensor["lat_rad"], sensor["lon_rad"])).reshape(3, 3)
        local = axes @ away
        azimuth, elevation = math.atan2(local[0], local[1]), math.asin(local[2] / distance)
        if not sensor["elevation_min_rad"] < elevation < sensor["elevation_max_rad"]:
            return None
        spread = 1.0 / max(math.cos(elevation), 0.05)
        return (
            distance + errors[0], azimuth + errors[1] * spread, elevation + errors[2],
            sensor["sigma_range_m"], sensor["sigma_azimuth_rad"] * spread, sensor["sigma_elevation_rad"],
        )  # fmt: skip
    line = away / distance
    right = np.array([-line[1], line[0], 0.0]) / math.hypot(line[0], line[1])
    line = line + errors[1] * right + errors[2] * np.cross(line, right)
    line /= np.linalg.norm(line)
    return (
        0.0, math.atan2(line[1], line[0]), math.asin(line[2]),
        0.0, sensor["sigma_azimuth_rad"], sensor["sigma_elevation_rad"],
    )  # fmt: skip


def look(sensor, index, time_s, flown, chance):
    """One look: rows (time, sensor, kind, range, azimuth, elevation, sigmas) and the objects they came from."""
    rows, key = [], []
    for n, path in enumerate(flown):
        state, phase = path.at(time_s)
        if state is None:
            continue
        height = geodesy.ecef_height(*state[:3])
        if sensor["kind"] == 2 and (phase != 1 or time_s > path.burnout_s or height < sensor["cloud_top_m"]):
            continue
        seen = measure(sensor, state[:3], time_s, chance)
        if seen is None or chance.random() > sensor["detection_probability"]:
            continue
        rows.append((time_s, index, sensor["kind"], *seen))
        key.append(n)
    for _ in range(chance.poisson(sensor["false_plots_per_scan"])):
        if sensor["kind"] == 1:
            seen = (
                chance.random() * sensor["instrumented_range_m"], chance.random() * 2 * math.pi,
                math.asin(0.035 + chance.random() * 0.95),
                sensor["sigma_range_m"], sensor["sigma_azimuth_rad"], sensor["sigma_elevation_rad"],
            )  # fmt: skip
        else:
            point = geodesy.geodetic_to_ecef(
                math.radians(20 + 40 * chance.random()), math.radians(20 + 60 * chance.random()), 9e3
            )
            seen = measure(sensor, np.array(point), time_s, chance)
        rows.append((time_s, index, sensor["kind"], *seen))
        key.append(-1)
    return rows, key


def sense(sensors, flown, duration_s, seed):
    """All detections of one replicate in order of time (list of rows) and the object of each."""
    chance = np.random.default_rng(seed)
    rows, key = [], []
    for index, sensor in enumerate(sensors):
        for time_s in np.arange(sensor["offset_s"], duration_s, sensor["revisit_s"]):
            more, whose = look(sensor, index, float(time_s), flown, chance)
            rows += more
            key += whose
    order = sorted(range(len(rows)), key=lambda k: (rows[k][0], chance.random()))
    return [rows[k] for k in order], [key[k] for k in order]


def table(rows, replicate):
    """A Detections table from rows of ``look``."""
    a = np.array(rows, float).reshape(-1, 9)
    return Detections(
        replicate=np.asarray(replicate), time_s=a[:, 0], sensor=a[:, 1].astype(int), kind=a[:, 2].astype(np.uint8),
        range_m=a[:, 3], azimuth_rad=a[:, 4], elevation_rad=a[:, 5], sigma_range_m=a[:, 6], sigma_azimuth_rad=a[:, 7],
        sigma_elevation_rad=a[:, 8], snr_db=np.zeros(len(a)),
    )  # fmt: skip


def batch(plots, low_s, high_s):
    """Detections in (low, high] of several replicates' rows: (table, offsets, objects)."""
    parts, counts, key = [], [0], []
    for rows, whose in plots:
        picked = [k for k, row in enumerate(rows) if low_s < row[0] <= high_s]
        parts += [rows[k] for k in picked]
        key += [whose[k] for k in picked]
        counts.append(len(picked))
    offsets = np.cumsum(counts)
    replicate = np.repeat(np.arange(len(plots)), np.diff(offsets))
    return table(parts, replicate), offsets.astype(np.int64), np.array(key, int)


@pytest.fixture(scope="session")
def made():
    """Everything above, for tests to build with."""
    return SimpleNamespace(
        fly=fly, radar=radar, satellite=satellite, suite=make_suite, sense=sense, table=table, batch=batch,
        measure=measure, sensor_place=sensor_place,
    )  # fmt: skip
