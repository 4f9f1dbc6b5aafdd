"""Made-up worlds to track in: one radar over a flat frame, many objects, false plots. Same seed, same world."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tracking_linear import Step

from detente.centre.tracking.follower import Plots, Sensors
from detente.records.paths import TrueStates
from detente.records.slots import DetectionKind
from detente.scoring.bounds import constant_gravity, radar_information, straight_flight_bound
from detente.scoring.score import Bounds

Floats = NDArray[np.float64]
SCANS, STEP_S = 100, 1.0
SIGMAS = (50.0, 1e-3, 1e-3)  # range m, azimuth and elevation rad
DETECTION, FALSE_PLOTS = 0.9, 5.0
GRAVITY_M_S2, NOISE_M2_S3, SPEED_SIGMA_M_S = 9.8, 1.0, 2000.0
CLUTTER = ((150e3, 1200e3), (-np.pi / 3, np.pi / 3), (np.radians(3), np.radians(70)))  # range, azimuth, elevation


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Truth, and what the radar at the origin made of it. The state order is position, velocity."""

    states: Floats  # (scans, n, 6)
    born: NDArray[np.int64]  # (n,) first scan
    scans: list[Floats]  # each (detections, 3): range, azimuth from x to y, elevation
    plots: Plots
    sensors: Sensors

    @property
    def truth(self) -> TrueStates:
        """In order of object, then time."""
        scan, thing = np.nonzero(np.arange(len(self.states))[:, None] >= self.born[None])
        order = np.lexsort((scan, thing))
        scan, thing = scan[order], thing[order]
        states = self.states[scan, thing]
        return TrueStates(
            object=thing, time_s=scan * STEP_S, position_m=states[:, :3], velocity_m_s=states[:, 3:],
            phase=np.full(len(thing), 2),
        )  # fmt: skip

    def steps(self) -> Iterator[Step]:
        """How every object moves and is looked at, scan by scan."""
        transition, noise = constant_gravity(STEP_S, NOISE_M2_S3)
        prior = np.diag(np.r_[np.zeros(3), np.full(3, SPEED_SIGMA_M_S**-2)])
        for scan, states in enumerate(self.states):
            alive = np.flatnonzero(self.born <= scan)
            new = self.born[alive] == scan
            old = int(np.sum(~new))
            look = radar_information(states[alive, :3], SIGMAS)
            yield Step(alive, new, prior, np.tile(transition, (old, 1, 1)), np.tile(noise, (old, 1, 1)), look)

    @property
    def bounds(self) -> Bounds:
        """Posterior Cramér–Rao: begun by one detection and the tracker's own spread of speeds."""
        covariances = straight_flight_bound(
            self.states[:, :, :3], self.born, STEP_S, SIGMAS, DETECTION, NOISE_M2_S3, SPEED_SIGMA_M_S
        )
        variances = np.diagonal(covariances, axis1=2, axis2=3)
        truth = self.truth
        scan = np.rint(truth.time_s / STEP_S).astype(int)
        return Bounds(
            object=truth.object, time_s=truth.time_s,
            position_m2=variances[scan, truth.object, :3].sum(axis=1),
            velocity_m2_s2=variances[scan, truth.object, 3:].sum(axis=1),
        )  # fmt: skip


def flat(objects: int, seed: int, scans: int = SCANS) -> Scene:
    """Objects under constant gravity and white acceleration: half are there at once, the rest within 30 scans."""
    rng = np.random.default_rng(seed)
    transition, noise = constant_gravity(STEP_S, NOISE_M2_S3)
    shake = np.linalg.cholesky(noise)
    fall = np.array([0, 0, -GRAVITY_M_S2 / 2 * STEP_S**2, 0, 0, -GRAVITY_M_S2 * STEP_S])
    now = _starts(rng, objects)
    born = np.where(rng.random(objects) < 0.5, 0, rng.integers(0, 30, objects))
    states, seen = np.empty((scans, objects, 6)), []
    for scan in range(scans):
        if scan:
            now = now @ transition.T + fall + rng.standard_normal((objects, 6)) @ shake.T
        states[scan] = now
        seen.append(_look(rng, now[(born <= scan) & (rng.random(objects) < DETECTION), :3]))
    return Scene(states=states, born=born, scans=seen, plots=plots_of(seen), sensors=radar_at_origin())


def _starts(rng: np.random.Generator, objects: int) -> Floats:
    away, bearing = rng.uniform(400e3, 900e3, objects), rng.uniform(-0.8, 0.8, objects)
    speed, heading = rng.uniform(1500, 3000, objects), rng.uniform(-np.pi, np.pi, objects)
    return np.stack(
        [
            away * np.cos(bearing), away * np.sin(bearing), rng.uniform(150e3, 400e3, objects),
            speed * np.cos(heading), speed * np.sin(heading), rng.uniform(-300, 1200, objects),
        ],
        axis=1,
    )  # fmt: skip


def _look(rng: np.random.Generator, places: Floats) -> Floats:
    """One scan: detected objects with noise, false plots evenly over what is covered, in no telling order."""
    away = np.linalg.norm(places, axis=1)
    true = np.stack([away, np.arctan2(places[:, 1], places[:, 0]), np.arcsin(places[:, 2] / away)], axis=1)
    true += rng.standard_normal(true.shape) * SIGMAS
    count = rng.poisson(FALSE_PLOTS)
    false = np.stack([rng.uniform(*edges, count) for edges in CLUTTER], axis=1)
    return rng.permutation(np.vstack([true, false]))


def plots_of(scans: list[Floats]) -> Plots:
    """Scans as a file of detections; a scan of none is a look that saw nothing."""
    rows = [scan if len(scan) else np.zeros((1, 3)) for scan in scans]
    counts = [len(part) for part in rows]
    measured, time_s = np.vstack(rows), np.repeat(np.arange(len(scans)) * STEP_S, counts)
    kind = np.repeat([DetectionKind.RADAR if len(scan) else 0 for scan in scans], counts).astype(np.uint8)
    one = np.ones(len(measured))
    return Plots(
        time_s=time_s, sensor=np.zeros(len(measured), np.int64), kind=kind, range_m=measured[:, 0].copy(),
        azimuth_rad=measured[:, 1].copy(), elevation_rad=measured[:, 2].copy(), range_rate_m_s=0 * one,
        sigma_range_m=SIGMAS[0] * one, sigma_azimuth_rad=SIGMAS[1] * one, sigma_elevation_rad=SIGMAS[2] * one,
        sigma_range_rate_m_s=0 * one,
    )  # fmt: skip


def radar_at_origin() -> Sensors:
    """Azimuth turns from x to y, as atan2(y, x)."""
    return Sensors(
        kind=np.array([DetectionKind.RADAR], np.uint8), position_m=np.zeros((1, 3)),
        axes=np.array([[[0.0, 1, 0], [1, 0, 0], [0, 0, 1]]]), orbit=np.zeros((1, 6)), cloud_top_m=np.zeros(1),
        detection_probability=np.array([DETECTION]), revisit_s=np.array([STEP_S]),
        elevation_min_rad=np.array([-np.pi / 2]), elevation_max_rad=np.array([np.pi / 2]), range_max_m=np.array([1e12]),
    )  # fmt: skip
