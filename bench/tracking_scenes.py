"""Made-up worlds to track in: one radar over a flat frame, many objects, false plots. Same seed, same world."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tracking_linear import Step, position_offsets

from detente.centre.tracking.follower import Plots, Sensors
from detente.records.paths import TruePaths
from detente.records.slots import DetectionKind
from detente.scoring.bounds import Bounds, ConstantGravity, Watch, constant_gravity, network_bounds, radar_information

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
    shaken: Floats  # (scans, n, 6) what white acceleration added in each scan
    errors: Floats  # (scans, n, 3) of range, azimuth and elevation, whether or not the object was detected
    detected: NDArray[np.bool_]  # (scans, n)
    plots: Plots
    sensors: Sensors

    @property
    def truth(self) -> TruePaths:
        """In order of object, then time."""
        scan, thing = np.nonzero(np.arange(len(self.states))[:, None] >= self.born[None])
        order = np.lexsort((scan, thing))
        scan, thing = scan[order], thing[order]
        states = self.states[scan, thing]
        return TruePaths(
            object=thing, time_s=scan * STEP_S, position_m=states[:, :3], velocity_m_s=states[:, 3:],
            phase=np.full(len(thing), 2), ballistic_coefficient_kg_m2=np.zeros(len(thing)),
        )  # fmt: skip

    def steps(self) -> Iterator[Step]:
        """How every object moves and is looked at, scan by scan."""
        transition, noise = constant_gravity(STEP_S, NOISE_M2_S3)
        prior = np.diag(np.r_[np.zeros(3), np.full(3, SPEED_SIGMA_M_S**-2)])
        for scan, states in enumerate(self.states):
            alive = np.flatnonzero(self.born <= scan)
            new = self.born[alive] == scan
            old = int(np.sum(~new))
            places = states[alive, :3]
            yield Step(
                alive, new, prior, np.tile(transition, (old, 1, 1)), np.tile(noise, (old, 1, 1)),
                radar_information(places, SIGMAS), self.shaken[scan, alive[~new]], self.detected[scan, alive],
                position_offsets(places, self.errors[scan, alive]),
            )  # fmt: skip

    @property
    def bounds(self) -> Bounds:
        """Posterior Cramér–Rao: begun by one detection and the tracker's own spread of speeds."""
        given = self.sensors
        watch = Watch(
            position_m=given.position_m, axes=given.axes, sigmas=np.array([SIGMAS]),
            detection_probability=given.detection_probability, revisit_s=given.revisit_s,
            elevation_min_rad=given.elevation_min_rad, elevation_max_rad=given.elevation_max_rad,
            range_max_m=given.range_max_m,
        )  # fmt: skip
        moments_s = np.arange(len(self.states)) * STEP_S
        return network_bounds(self.truth, moments_s, watch, ConstantGravity(NOISE_M2_S3, SPEED_SIGMA_M_S))


def flat(objects: int, seed: int, scans: int = SCANS) -> Scene:
    """Objects under constant gravity and white acceleration: half are there at once, the rest within 30 scans."""
    rng = np.random.default_rng(seed)
    transition, noise = constant_gravity(STEP_S, NOISE_M2_S3)
    shake = np.linalg.cholesky(noise)
    fall = np.array([0, 0, -GRAVITY_M_S2 / 2 * STEP_S**2, 0, 0, -GRAVITY_M_S2 * STEP_S])
    now = _starts(rng, objects)
    born = np.where(rng.random(objects) < 0.5, 0, rng.integers(0, 30, objects))
    states, shaken = np.empty((scans, objects, 6)), rng.standard_normal((scans, objects, 6)) @ shake.T
    for scan in range(scans):
        if scan:
            now = now @ transition.T + fall + shaken[scan]
        states[scan] = now
    errors = rng.standard_normal((scans, objects, 3)) * SIGMAS
    detected = (born <= np.arange(scans)[:, None]) & (rng.random((scans, objects)) < DETECTION)
    looks = [_look(rng, states[scan, detected[scan], :3], errors[scan, detected[scan]]) for scan in range(scans)]
    return Scene(
        states=states, born=born, shaken=shaken, errors=errors, detected=detected, plots=plots_of(looks),
        sensors=radar_at_origin(),
    )  # fmt: skip


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


def _look(rng: np.random.Generator, places: Floats, errors: Floats) -> Floats:
    """One scan: detected objects with noise, false plots evenly over what is covered, in no telling order."""
    away = np.linalg.norm(places, axis=1)
    true = np.stack([away, np.arctan2(places[:, 1], places[:, 0]), np.arcsin(places[:, 2] / away)], axis=1)
    true += errors
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
