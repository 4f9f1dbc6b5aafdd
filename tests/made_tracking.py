"""Small raids, in a flat frame and about the Earth, one radar and false plots, for the tests of following files."""

import numpy as np

from detente.centre.tracking.follower import Plots, Sensors
from detente.centre.tracking.settings import TEXTBOOK
from detente.flight.atmosphere import density_kg_m3
from detente.geodesy.ellipsoid import geodetic_to_ecef
from detente.geodesy.frames import enu_axes
from detente.records.slots import DetectionKind

SIGMAS = (1e-3, 1e-3, 50.0)  # elevation, azimuth, range
DETECTION = 0.9
FALSE_PLOTS = 5.0
SCANS = 60
GRAVITY = TEXTBOOK.gravity_m_s2
NOISE = TEXTBOOK.local_noise_m2_s3


def moved(states, chance):
    """States (n, 6) x y z vx vy vz one second on, with white acceleration drawn from ``chance``."""
    states = states.copy()
    root = np.linalg.cholesky(np.array([[1 / 3, 1 / 2], [1 / 2, 1.0]]) * NOISE)
    shake = chance.standard_normal((len(states), 3, 2)) @ root.T
    states[:, :3] += states[:, 3:] + shake[:, :, 0] - [0.0, 0.0, 0.5 * GRAVITY]
    states[:, 3:] += shake[:, :, 1] - [0.0, 0.0, GRAVITY]
    return states


def fly(objects, seed, scans=SCANS):
    """Truth (scans, objects, 6) and, scan by scan, plots (m, 3): elevation, azimuth counter-clockwise from x, range."""
    chance = np.random.default_rng(seed)
    away, bearing = chance.uniform(4e5, 9e5, objects), chance.uniform(-0.8, 0.8, objects)
    speed, heading = chance.uniform(1_500.0, 3_000.0, objects), chance.uniform(-np.pi, np.pi, objects)
    states = np.stack(
        [
            away * np.cos(bearing), away * np.sin(bearing), chance.uniform(1.5e5, 4e5, objects),
            speed * np.cos(heading), speed * np.sin(heading), chance.uniform(-300.0, 1_200.0, objects),
        ],
        axis=1,
    )  # fmt: skip
    truth, seen = np.zeros((scans, objects, 6)), []
    for k in range(scans):
        states = moved(states, chance) if k else states
        truth[k] = states
        level = np.hypot(states[:, 0], states[:, 1])
        exact = np.stack(
            [np.arctan2(states[:, 2], level), np.arctan2(states[:, 1], states[:, 0]), np.hypot(level, states[:, 2])], 1
        )
        plots = (exact + chance.standard_normal((objects, 3)) * SIGMAS)[chance.random(objects) < DETECTION]
        false = chance.poisson(FALSE_PLOTS)
        low, high = (np.radians(3.0), -np.pi / 3, 1.5e5), (np.radians(70.0), np.pi / 3, 1.2e6)
        plots = np.concatenate([plots, chance.uniform(low, high, (false, 3))])
        seen.append(plots[chance.permutation(len(plots))])
    return truth, seen


def plots_of(scans, times=None):
    """Scans as the tracker takes them."""
    times = np.arange(len(scans), dtype=float) if times is None else times
    rows = np.concatenate(scans)
    count = np.ones(len(rows))
    return Plots(
        time_s=np.repeat(times, [len(scan) for scan in scans]), sensor=np.zeros(len(rows), np.int64),
        kind=np.full(len(rows), DetectionKind.RADAR, np.uint8), range_m=rows[:, 2].copy(),
        azimuth_rad=rows[:, 1].copy(), elevation_rad=rows[:, 0].copy(), range_rate_m_s=0.0 * count,
        sigma_range_m=SIGMAS[2] * count, sigma_azimuth_rad=SIGMAS[1] * count, sigma_elevation_rad=SIGMAS[0] * count,
        sigma_range_rate_m_s=0.0 * count,
    )  # fmt: skip


def one_radar():
    """A radar at the origin whose azimuth turns from x to y."""
    one = np.ones(1)
    return Sensors(
        kind=np.full(1, DetectionKind.RADAR, np.uint8), position_m=np.zeros((1, 3)),
        axes=np.array([[[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]]), orbit=np.zeros((1, 6)),
        detection_probability=DETECTION * one, revisit_s=one, cloud_top_m=0.0 * one, elevation_min_rad=-1.5 * one,
        elevation_max_rad=1.5 * one, range_max_m=1e9 * one,
    )  # fmt: skip


def states_of(history, rows):
    """Means (n, 6) and covariances (n, 6, 6) of these rows of a history."""
    mean = np.stack([getattr(history, n)[rows] for n in ("x_m", "y_m", "z_m", "vx_m_s", "vy_m_s", "vz_m_s")], axis=1)
    covariance = np.zeros((len(mean), 6, 6))
    below = np.tril_indices(6)
    covariance[:, below[0], below[1]] = history.covariance[rows]
    covariance[:, below[1], below[0]] = history.covariance[rows]
    return mean, covariance


MU, J2, EARTH_M, TURN = 3.986004418e14, 1.0826298213129e-3, 6_378_137.0, 7.292115e-5
SITE_LAT, SITE_LON = np.radians(42.0), np.radians(35.0)


def pull(states, light):
    """Accelerations (n, 3) in ECEF: gravity with J2, the turning Earth, drag on bodies of ``light`` (n,) m²/kg."""
    p, v = states[:, :3], states[:, 3:6]
    r = np.linalg.norm(p, axis=1, keepdims=True)
    bulge = 5.0 * (p[:, 2:3] / r) ** 2
    out = -MU / r**3 * p + 1.5 * J2 * MU * EARTH_M**2 / r**5 * p * np.hstack([bulge - 1.0, bulge - 1.0, bulge - 3.0])
    out += np.stack([TURN**2 * p[:, 0] + 2 * TURN * v[:, 1], TURN**2 * p[:, 1] - 2 * TURN * v[:, 0], 0 * v[:, 0]], 1)
    stretched = np.sqrt(p[:, 0] ** 2 + p[:, 1] ** 2 + p[:, 2] ** 2 / (1.0 - 0.0066943799901413165))
    height = r[:, 0] * (1.0 - EARTH_M / stretched)
    air = np.zeros(len(p))
    low = height < 120_000.0
    air[low] = density_kg_m3(np.maximum(height[low], 0.0))
    return out - (0.5 * air * light * np.linalg.norm(v, axis=1))[:, None] * v


def fall(states, light, span_s, step_s=1.0):
    """States ``span_s`` on, by Runge and Kutta in steps of at most ``step_s``."""
    count = max(int(np.ceil(span_s / step_s)), 1)
    h = span_s / count

    def rate(y):
        return np.hstack([y[:, 3:6], pull(y, light)])

    for _ in range(count):
        a = rate(states)
        b = rate(states + 0.5 * h * a)
        c = rate(states + 0.5 * h * b)
        states = states + h / 6.0 * (a + 2.0 * b + 2.0 * c + rate(states + h * c))
    return states


def site_axes():
    """East, north and up of the radar on the Earth, and where it stands (ECEF)."""
    axes = enu_axes(SITE_LAT, SITE_LON)
    return axes, geodetic_to_ecef([(SITE_LAT, SITE_LON, 0.0)])[0]


def radar_on_earth(count=1):
    """``count`` radars at one site, as the ballistic model takes them."""
    axes, site = site_axes()
    each = np.ones(count)
    return Sensors(
        kind=np.full(count, DetectionKind.RADAR, np.uint8), position_m=np.tile(site, (count, 1)),
        axes=np.tile(axes, (count, 1, 1)), orbit=np.zeros((count, 6)), detection_probability=DETECTION * each,
        revisit_s=each, cloud_top_m=8e3 * each, elevation_min_rad=0.0 * each, elevation_max_rad=1.58 * each,
        range_max_m=1e9 * each,
    )  # fmt: skip


def measured(states, chance, sigmas=SIGMAS):
    """What the radar on the Earth measures of states (n, 6): (n, 3) elevation, azimuth from north, range; noisy."""
    axes, site = site_axes()
    local = (states[:, :3] - site) @ axes.T
    away = np.linalg.norm(local, axis=1)
    exact = np.stack([np.arcsin(local[:, 2] / away), np.arctan2(local[:, 0], local[:, 1]), away], axis=1)
    return exact + chance.standard_normal(exact.shape) * sigmas


def orbiting(count, seed, height_m=(2e5, 5e5)):
    """Objects about the Earth in view of the radar: states (n, 6) and inverse ballistic coefficients."""
    chance = np.random.default_rng(seed)
    axes, site = site_axes()
    away, bearing = chance.uniform(4e5, 9e5, count), chance.uniform(-1.0, 1.0, count)
    local = np.stack([away * np.sin(bearing), away * np.cos(bearing), chance.uniform(*height_m, count)], axis=1)
    speed, heading = chance.uniform(1_500.0, 3_500.0, count), chance.uniform(-np.pi, np.pi, count)
    level = np.stack([speed * np.sin(heading), speed * np.cos(heading), chance.uniform(0.0, 1_200.0, count)], axis=1)
    return np.hstack([site + local @ axes, level @ axes]), np.full(count, 1.0 / 2_500.0)


def looked_at(states, light, scans, seed, *, step_s=1.0, false=5, detection=0.9):
    """Truth (scans, n, 6) and the radar's scans of it."""
    chance = np.random.default_rng(seed)
    truth, plots = np.zeros((scans, *states.shape)), []
    for k in range(scans):
        states = fall(states, light, step_s) if k else states
        truth[k] = states
        own = measured(states, chance)[chance.random(len(states)) < detection]
        stray = chance.uniform([0.05, -1.2, 1.5e5], [1.2, 1.2, 1.4e6], (chance.poisson(false), 3))
        plots.append(np.concatenate([own, stray]))
    return truth, plots
