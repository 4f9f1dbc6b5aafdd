"""Slow plain twins of what the picture asks of a missile last seen burning: energy, and fit to its launch."""

import math

import numpy as np
import pytest
from tests import made_picture as made

from detente.centre.picture import _kernels_burnout as kernels
from detente.centre.picture._kernels_layout import (
    DOUBTED,
    ENERGY,
    ENERGY_S,
    ENERGY_VARIANCE,
    LAUNCH_LAT,
    LAUNCH_LON,
    LAUNCH_S,
    LAUNCH_SIGMA,
    LAUNCH_VALID,
    THREAT,
)
from detente.centre.picture.settings import PictureSettings
from detente.geodesy._kernels import enu_axes, geodetic_to_ecef
from detente.geodesy.constants import MU_M3_S2, OMEGA_RAD_S

SETTINGS = PictureSettings()


def launched(lat_deg=35.5, lon_deg=49.0, launch_s=10.0):
    """A line of estimates with a launch and nothing else."""
    line = np.zeros(THREAT + 2)
    line[LAUNCH_VALID], line[LAUNCH_LAT], line[LAUNCH_LON] = 1.0, math.radians(lat_deg), math.radians(lon_deg)
    line[LAUNCH_S], line[LAUNCH_SIGMA] = launch_s, 15_000.0
    return line


def plain_strangeness2(mean, spread, burning_s, time_s, line):
    """The three numbers as vectors: expected from the launch, with every variance that bears on them."""
    age, since = burning_s - line[LAUNCH_S], time_s - burning_s
    pad = np.array(geodetic_to_ecef(line[LAUNCH_LAT], line[LAUNCH_LON], 0.0))
    east, north, _ = np.array(enu_axes(line[LAUNCH_LAT], line[LAUNCH_LON])).reshape(3, 3)
    place, velocity = mean[:3] - since * mean[3:], mean[3:]
    covered = (place - pad) @ east * east + (place - pad) @ north * north
    distance, height = np.linalg.norm(covered), np.linalg.norm(place) - np.linalg.norm(pad)
    ahead, up = covered / distance, place / np.linalg.norm(place)
    across = ahead @ east * north - ahead @ north * east
    position, speed = spread[:3, :3], spread[3:, 3:]
    relative = (8.0 / age) ** 2
    level = 3.3 * distance / age
    variances = (
        ahead @ speed @ ahead
        + level**2 * ((ahead @ position @ ahead + 15_000.0**2) / distance**2 + (0.3 / 3.3) ** 2 + relative),
        across @ speed @ across
        + (velocity @ ahead) ** 2 * ((across @ position @ across + 15_000.0**2) / distance**2 + 0.05**2),
        up @ speed @ up + (2.4 * height / age) ** 2 * (up @ position @ up / height**2 + (0.4 / 2.4) ** 2 + relative),
    )
    off = (velocity @ ahead - level, velocity @ across, velocity @ up + 9.8 * since - 2.4 * height / age)
    return sum(one * one / variance for one, variance in zip(off, variances, strict=True))


@pytest.mark.parametrize("seed", range(8))
def test_how_strange_a_state_is_for_its_launch(seed):
    rng = np.random.default_rng(seed)
    mean = made.state(rng.uniform(-90, 90), 36.0, 48.0, rng.uniform(60e3, 150e3), rng.uniform(1_500, 4_000), 40.0)
    spread, line = made.covariance(3_000.0, 300.0, seed=seed + 1), launched()
    plain = plain_strangeness2(mean, spread, 110.0, 116.0, line)
    assert kernels.strangeness2(mean, spread, 110.0, 116.0, SETTINGS, line) == pytest.approx(plain, rel=1e-9)
    assert kernels.is_strange(mean, spread, 110.0, 116.0, SETTINGS, line) == (plain > 6.25)
    assert kernels.is_strange(mean, spread, 60.0, 66.0, SETTINGS, line)  # no motor stops at 50 s


def plain_energy(mean):
    """Of the flight around the Earth, seen from where the Earth turns."""
    velocity = mean[3:] + np.cross([0.0, 0.0, OMEGA_RAD_S], mean[:3])
    return 0.5 * velocity @ velocity - MU_M3_S2 / np.linalg.norm(mean[:3])


def test_the_energy_and_its_spread():
    mean, spread, line = made.state(), made.covariance(400.0, 20.0, seed=3), launched()
    kernels.note_energy(mean, spread, 100.0, line)
    steps = np.array([10.0] * 3 + [0.1] * 3)
    slope = [(plain_energy(mean + step) - plain_energy(mean - step)) / (2.0 * step.sum()) for step in np.diag(steps)]
    assert line[ENERGY] == pytest.approx(plain_energy(mean), rel=1e-12)
    assert line[ENERGY_VARIANCE] == pytest.approx(slope @ spread @ slope, rel=1e-6)
    assert line[ENERGY_S] == 100.0


def test_a_body_that_coasts_is_not_doubted_and_one_that_burns_is():
    """A coasting body keeps its energy, but for the Earth's bulge: 200 s of that are well inside a metre a second."""
    mean, spread = made.state(), made.covariance(50.0, 0.3)
    line = launched()
    for time_s in range(0, 210, 10):
        kernels.note_energy(made.moved(mean, float(time_s)), spread, 100.0 + time_s, line)
        assert line[DOUBTED] == 0.0
    burnt = mean.copy()
    burnt[3:] *= 1.0 + 5.0 / np.linalg.norm(mean[3:])
    kernels.note_energy(made.moved(burnt, 210.0), spread, 310.0, line)
    assert line[DOUBTED] == 1.0
