"""Two radars in a flat frame, each off by constants of its own, that look at the same objects in turn."""

import numpy as np
from tests import made_tracking as made

from detente.centre.tracking.follower import Plots, Sensors
from detente.records.slots import DetectionKind

SITES = np.array([[0.0, 0.0, 0.0], [9e5, 5e5, 0.0]])
SIGMAS = np.array([50.0, 1e-3, 1e-3])  # range, azimuth, elevation


def radars():
    """Both, axes as a map's: azimuth from north, which is y."""
    each = np.ones(2)
    return Sensors(
        kind=np.full(2, DetectionKind.RADAR, np.uint8), position_m=SITES, axes=np.tile(np.eye(3), (2, 1, 1)),
        orbit=np.zeros((2, 6)), detection_probability=0.9 * each, revisit_s=each, cloud_top_m=0.0 * each,
        elevation_min_rad=-1.5 * each, elevation_max_rad=1.5 * each, range_max_m=1e9 * each,
    )  # fmt: skip


def measured(places, site):
    """Range, azimuth and elevation (n, 3) of places (n, 3)."""
    away = places - site
    far = np.linalg.norm(away, axis=1)
    return np.stack([far, np.arctan2(away[:, 0], away[:, 1]), np.arcsin(away[:, 2] / far)], axis=1)


def scene(seed, bias, *, objects=6, scans=60, detection=0.9, who=(0, 1)):
    """Truth (scans, objects, 6) by seconds, and plots: ``who[k mod n]`` looks at second k, off by its ``bias``."""
    chance = np.random.default_rng(seed)
    states = np.stack(
        [
            chance.uniform(2e5, 7e5, objects), chance.uniform(1e5, 4e5, objects), chance.uniform(2e5, 4e5, objects),
            chance.uniform(-2e3, 2e3, objects), chance.uniform(-2e3, 2e3, objects), chance.uniform(0, 1e3, objects),
        ],
        axis=1,
    )  # fmt: skip
    truth, rows, times, sensors = np.zeros((scans, objects, 6)), [], [], []
    for k in range(scans):
        states = made.moved(states, chance) if k else states
        truth[k] = states
        sensor = who[k % len(who)]
        seen = measured(states[:, :3], SITES[sensor]) + bias[sensor] + chance.standard_normal((objects, 3)) * SIGMAS
        seen = seen[chance.random(objects) < detection]
        rows.append(seen)
        times += [float(k)] * len(seen)
        sensors += [sensor] * len(seen)
    rows = np.concatenate(rows)
    one = np.ones(len(rows))
    plots = Plots(
        time_s=np.array(times), sensor=np.array(sensors), kind=np.full(len(rows), DetectionKind.RADAR, np.uint8),
        range_m=rows[:, 0].copy(), azimuth_rad=rows[:, 1].copy(), elevation_rad=rows[:, 2].copy(),
        range_rate_m_s=0.0 * one, sigma_range_m=SIGMAS[0] * one, sigma_azimuth_rad=SIGMAS[1] * one,
        sigma_elevation_rad=SIGMAS[2] * one, sigma_range_rate_m_s=0.0 * one,
    )  # fmt: skip
    return truth, plots


def errors(truth, history, time_s):
    """Errors (n, 6) and covariances of confirmed tracks at a time, each against the nearest object."""
    mean, covariance = made.states_of(history, (history.time_s == time_s) & (history.confirmed == 1))
    there = truth[int(time_s)]
    near = np.linalg.norm(there[:, None, :3] - mean[None, :, :3], axis=2).argmin(axis=0)
    return mean - there[near], covariance


def nees(error, covariance):
    """Normalised squared errors, (n,)."""
    return (error * np.linalg.solve(covariance, error[:, :, None])[:, :, 0]).sum(axis=1)
