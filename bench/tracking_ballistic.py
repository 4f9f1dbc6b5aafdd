"""Falling bodies over the turning Earth, drag and an unknown ballistic coefficient: a world, and its bound.

Truth moves by this file's own NumPy integrator, not by the tracker's kernels. Between looks it is shaken as the filter
believes (``Settings``), and ballistic coefficients are drawn from the filter's prior, so that the bound is Bayesian;
with ``shaken=False`` it falls undisturbed, as the studies' worlds do.

The bound: begun by one detection, the filter's spread of speeds and its prior of the coefficient's logarithm; looks
count with their detection probability (information reduction); Jacobians and drag are taken at the true path, body by
body; the process noise is the filter's in either case. Position and velocity are the marginal of seven numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from tracking_linear import Step, position_offsets

from detente.centre.tracking.follower import Plots, Sensors
from detente.centre.tracking.settings import Settings
from detente.flight.atmosphere import density_kg_m3
from detente.geodesy.constants import A_M, E2, J2, MU_M3_S2, OMEGA_RAD_S
from detente.geodesy.ellipsoid import geodetic_to_ecef
from detente.geodesy.frames import enu_axes
from detente.records.paths import TruePaths
from detente.records.slots import DetectionKind
from detente.scoring.bounds import Bounds, bound, next_information, radar_information

Floats = NDArray[np.float64]
HOME = (np.radians(46.0), np.radians(24.0), 200.0)  # of the radar: latitude, longitude, height
ABROAD = (np.radians(48.5), np.radians(28.0), 200.0)  # of the other side's, 410 km off
Site = tuple[float, float, float]
SIGMAS = (50.0, 1e-3, 1e-3)  # range m, azimuth and elevation rad
DETECTION, FALSE_PLOTS, STEP_S = 0.9, 5.0, 1.0
LOWEST = np.radians(2.0)
CLUTTER = ((20e3, 1200e3), (0.0, 2 * np.pi), (LOWEST, np.radians(85)))
SUBSTEPS = 4  # of Runge and Kutta's fourth order a second: 0.25 s
AIR_M, REENTRY_M, GROUND_M = 120e3, 100e3, 0.0
HEIGHTS_M = np.arange(0.0, AIR_M + 1.0, 250.0)
LOG_DENSITY = np.log(density_kg_m3(HEIGHTS_M))
FILTER = Settings()


@dataclass(frozen=True, kw_only=True)
class Falls:
    """Scans by bodies: from the scan at which the radar could first see a body to its fall."""

    states: Floats  # (scans, n, 7): ECEF position, velocity, log of the ballistic coefficient over the nominal
    there: NDArray[np.bool_]  # (scans, n)
    seen: NDArray[np.bool_]  # (sites, scans, n) there and above that radar's horizon
    shaken: Floats  # (scans, n, 7) what each scan hid
    errors: Floats  # (sites, scans, n, 3) of range, azimuth and elevation
    detected: NDArray[np.bool_]  # (sites, scans, n)
    sites: tuple[Site, ...]
    plots: Plots  # of all radars

    @property
    def sensors(self) -> Sensors:
        """A radar at each site."""
        return radars(self.sites)

    def heard_by(self, index: int) -> tuple[Plots, Sensors]:
        """What one radar alone has."""
        heard = picked(self.plots, self.plots.sensor == index)
        return replace(heard, sensor=np.zeros_like(heard.sensor)), radars(self.sites[index : index + 1])

    @property
    def truth(self) -> TruePaths:
        """In order of body, then time; phase 2 above 100 km, 3 below."""
        thing, scan = np.nonzero(self.there.T)
        states = self.states[scan, thing]
        return TruePaths(
            object=thing, time_s=scan * STEP_S, position_m=states[:, :3], velocity_m_s=states[:, 3:6],
            phase=np.where(height(states) > REENTRY_M, 2, 3),
            ballistic_coefficient_kg_m2=FILTER.nominal_beta_kg_m2 * np.exp(states[:, 6]),
        )  # fmt: skip


def picked(plots: Plots, rows: NDArray[np.bool_]) -> Plots:
    """Some of the detections."""
    return Plots(**{name: values[rows] for name, values in plots.__dict__.items() if values is not None})


def height(states: Floats) -> Floats:
    """Above the ellipsoid, along the line to the Earth's centre."""
    x, y, z = np.moveaxis(states[..., :3], -1, 0)
    return np.sqrt(x * x + y * y + z * z) * (1.0 - A_M / np.sqrt(x * x + y * y + z * z / (1.0 - E2)))


def rates(states: Floats) -> tuple[Floats, Floats]:
    """Time derivatives (…, 7), and the drag's size (…): central gravity, J2, the turning Earth, drag."""
    position, velocity = states[..., :3], states[..., 3:6]
    x, y, z = np.moveaxis(position, -1, 0)
    r2 = x * x + y * y + z * z
    central = MU_M3_S2 / (r2 * np.sqrt(r2))
    bulge, sine2 = 1.5 * J2 * A_M * A_M / r2, 5.0 * z * z / r2
    out = np.zeros_like(states)
    out[..., :3] = velocity
    out[..., 3] = -central * x * (1.0 + bulge * (1.0 - sine2)) + OMEGA_RAD_S * (
        OMEGA_RAD_S * x + 2.0 * velocity[..., 1]
    )
    out[..., 4] = -central * y * (1.0 + bulge * (1.0 - sine2)) + OMEGA_RAD_S * (
        OMEGA_RAD_S * y - 2.0 * velocity[..., 0]
    )
    out[..., 5] = -central * z * (1.0 + bulge * (3.0 - sine2))
    above = height(states)
    density = np.where(above < AIR_M, np.exp(np.interp(above, HEIGHTS_M, LOG_DENSITY)), 0.0)
    speed = np.linalg.norm(velocity, axis=-1)
    braking = 0.5 * density * np.exp(-states[..., 6]) / FILTER.nominal_beta_kg_m2 * speed
    out[..., 3:6] -= braking[..., None] * velocity
    return out, braking * speed


def fall(states: Floats, seconds: float = STEP_S) -> Floats:
    """States some time later."""
    h = seconds / SUBSTEPS
    for _ in range(SUBSTEPS):
        a = rates(states)[0]
        b = rates(states + h / 2 * a)[0]
        c = rates(states + h / 2 * b)[0]
        d = rates(states + h * c)[0]
        states = states + h / 6 * (a + 2 * b + 2 * c + d)
    return states


SCALES = np.array([10.0, 10.0, 10.0, 0.1, 0.1, 0.1, 1e-3])


def slopes(states: Floats) -> Floats:
    """The derivative (n, 7, 7) of ``fall``, by central differences."""
    steps = np.concatenate([np.diag(SCALES), -np.diag(SCALES)])
    ends = fall(states[:, None, :] + steps)
    return np.moveaxis((ends[:, :7] - ends[:, 7:]) / (2 * SCALES[:, None]), 1, 2)


def noise(states: Floats) -> Floats:
    """What a step hides, as the filter has it (n, 7, 7): white acceleration; in the air the coefficient walks."""
    _, drag = rates(states)
    white = FILTER.coast_noise_m2_s3 + FILTER.air_noise_s * drag**2
    eye, h = np.eye(3), STEP_S
    found = np.zeros((len(states), 7, 7))
    block = np.block([[h**3 / 3 * eye, h**2 / 2 * eye], [h**2 / 2 * eye, h * eye]])
    found[:, :6, :6] = white[:, None, None] * block
    found[:, 6, 6] = np.where(height(states) < AIR_M, FILTER.log_beta_noise_hz * h, 0.0)
    return found


def falls(
    bodies: int, seed: int, *, shaken: bool = True, scans: int = 400, false_plots: float = FALSE_PLOTS,
    sites: tuple[Site, ...] = (HOME,),
) -> Falls:  # fmt: skip
    """Bodies that come down around the first radar, each seen from where it is first above a horizon."""
    rng = np.random.default_rng(seed)
    states, added = np.zeros((scans, bodies, 7)), np.zeros((scans, bodies, 7))
    born = rng.integers(0, 60, bodies)
    now = _starts(rng, bodies)
    for scan in range(scans):
        flying = (born < scan) & (height(now) > GROUND_M)
        if flying.any():
            moved = fall(now[flying])
            if shaken:
                added[scan, flying] = _shake(rng, noise(now[flying]))
            now[flying] = moved + added[scan, flying]
        states[scan] = now
    up = (height(states) > GROUND_M) & (np.arange(scans)[:, None] >= born)
    seen = np.array([up & (_elevation(states, site) > LOWEST) for site in sites])
    there = up & (np.cumsum(seen.any(axis=0), axis=0) > 0)
    errors = rng.standard_normal((*seen.shape, 3)) * SIGMAS
    detected = seen & (rng.random(seen.shape) < DETECTION)
    tables = [
        _table(rng, _offsets(states, site), errors[k], detected[k], false_plots, k) for k, site in enumerate(sites)
    ]
    return Falls(
        states=states, there=there, seen=seen, shaken=added, errors=errors, detected=detected, sites=sites,
        plots=_plots(np.vstack(tables)),
    )  # fmt: skip


def _shake(rng: np.random.Generator, covariances: Floats) -> Floats:
    values, vectors = np.linalg.eigh(covariances)
    drawn = rng.standard_normal(values.shape) * np.sqrt(np.maximum(values, 0.0))
    return np.einsum("nij,nj->ni", vectors, drawn)


def _starts(rng: np.random.Generator, bodies: int) -> Floats:
    """High over places some hundred kilometres off, falling towards the radar's surroundings."""
    east, north, _ = enu_axes(HOME[0], HOME[1])
    site = geodetic_to_ecef([HOME])[0]
    bearing, away = rng.uniform(0, 2 * np.pi, bodies), rng.uniform(350e3, 700e3, bodies)
    outward = np.sin(bearing)[:, None] * east + np.cos(bearing)[:, None] * north
    place = site + outward * away[:, None]
    local_up = place / np.linalg.norm(place, axis=1)[:, None]
    place = local_up * (np.linalg.norm(site) + rng.uniform(160e3, 300e3, bodies))[:, None]
    aim = bearing + np.pi + rng.uniform(-0.5, 0.5, bodies)
    inward = np.sin(aim)[:, None] * east + np.cos(aim)[:, None] * north
    states = np.zeros((bodies, 7))
    states[:, :3] = place
    states[:, 3:6] = inward * rng.uniform(1500, 3200, bodies)[:, None]
    states[:, 3:6] += local_up * rng.uniform(-900, 300, bodies)[:, None]
    states[:, 6] = rng.normal(0.0, FILTER.log_beta_sigma, bodies)
    return states


def _offsets(states: Floats, site: Site) -> Floats:
    """East, north and up of a radar (…, 3)."""
    return (states[..., :3] - geodetic_to_ecef([site])[0]) @ enu_axes(site[0], site[1]).T


def _elevation(states: Floats, site: Site) -> Floats:
    local = _offsets(states, site)
    return np.arcsin(local[..., 2] / np.linalg.norm(local, axis=-1))


def _table(
    rng: np.random.Generator,
    offsets: Floats,
    errors: Floats,
    detected: NDArray[np.bool_],
    false_plots: float,
    sensor: int,
) -> Floats:
    """One radar's rows (time, sensor, kind, range, azimuth, elevation), in no telling order; or a row of none."""
    parts = []
    for scan, here in enumerate(offsets):
        local = here[detected[scan]]
        away = np.linalg.norm(local, axis=1)
        true = np.stack([away, np.arctan2(local[:, 0], local[:, 1]), np.arcsin(local[:, 2] / away)], axis=1)
        true += errors[scan, detected[scan]]
        count = rng.poisson(false_plots)
        false = np.stack([rng.uniform(*edges, count) for edges in CLUTTER], axis=1)
        found = rng.permutation(np.vstack([true, false]))
        head = [scan * STEP_S, sensor, DetectionKind.RADAR if len(found) else 0]
        found = found if len(found) else np.zeros((1, 3))
        parts.append(np.hstack([np.tile(head, (len(found), 1)), found]))
    return np.vstack(parts)


def _plots(table: Floats) -> Plots:
    table = table[np.argsort(table[:, 0], kind="stable")]
    one = np.ones(len(table))
    return Plots(
        time_s=table[:, 0].copy(), sensor=table[:, 1].astype(np.int64), kind=table[:, 2].astype(np.uint8),
        range_m=table[:, 3].copy(), azimuth_rad=table[:, 4].copy(), elevation_rad=table[:, 5].copy(),
        range_rate_m_s=0 * one, sigma_range_m=SIGMAS[0] * one, sigma_azimuth_rad=SIGMAS[1] * one,
        sigma_elevation_rad=SIGMAS[2] * one, sigma_range_rate_m_s=0 * one,
    )  # fmt: skip


def radars(sites: tuple[Site, ...]) -> Sensors:
    """All round, down to 2 degrees, once a second."""
    n = len(sites)
    return Sensors(
        kind=np.full(n, DetectionKind.RADAR, np.uint8), position_m=np.array(geodetic_to_ecef(sites)),
        axes=np.array([enu_axes(lat, lon) for lat, lon, _ in sites]), orbit=np.zeros((n, 6)), cloud_top_m=np.zeros(n),
        detection_probability=np.full(n, DETECTION), revisit_s=np.full(n, STEP_S), elevation_min_rad=np.full(n, LOWEST),
        elevation_max_rad=np.full(n, np.pi / 2), range_max_m=np.full(n, 2e6),
    )  # fmt: skip


def steps_of(world: Falls) -> Iterator[Step]:
    """How every body moves and is looked at, scan by scan, at its true path."""
    prior = np.diag(np.r_[np.zeros(3), np.full(3, FILTER.radar_speed_sigma_m_s**-2), FILTER.log_beta_sigma**-2])
    began = np.argmax(world.there, axis=0)
    for scan in range(len(world.states)):
        alive = np.flatnonzero(world.there[scan])
        new = began[alive] == scan
        look = np.zeros((len(alive), 3, 3))
        for site, seen in zip(world.sites, world.seen, strict=True):
            axes = np.array(enu_axes(site[0], site[1]))
            told = axes.T @ radar_information(_offsets(world.states[scan, alive], site), SIGMAS) @ axes
            look += told * seen[scan, alive, None, None]
        before = world.states[scan - 1, alive[~new]]
        yield Step(
            alive, new, prior, slopes(before), noise(before), look, world.shaken[scan, alive[~new]],
            world.detected[0, scan, alive], _plot_offsets(world, scan, alive),
        )  # fmt: skip


def _plot_offsets(world: Falls, scan: int, alive: NDArray[np.int64]) -> Floats:
    """How far the first radar's plots lie from the bodies, in ECEF. Azimuth turns from its second axis to its first."""
    east, north, up = enu_axes(world.sites[0][0], world.sites[0][1])
    turned = np.array([north, east, up])
    local = _offsets(world.states[scan, alive], world.sites[0])[:, [1, 0, 2]]
    return position_offsets(local, world.errors[0, scan, alive]) @ turned


def bounds_over(world: Falls) -> Iterator[tuple[int, NDArray[np.int64], Floats]]:
    """Scan by scan, the bodies that there are and the bound on each one's covariance, (n, 7, 7)."""
    known = np.zeros((world.states.shape[1], 7, 7))
    for scan, (alive, new, prior, transition, hidden, look, *_) in enumerate(steps_of(world)):
        if not len(alive):
            continue
        gained = np.zeros((len(alive), 7, 7))
        gained[:, :3, :3] = look
        known[alive[new]] = prior + gained[new]
        if not new.all():
            old = alive[~new]
            known[old] = next_information(known[old], transition, hidden, DETECTION * gained[~new])
        yield scan, alive, bound(known[alive])


def bounds_of(world: Falls) -> Bounds:
    """The bound of every body at every scan at which a radar could see it."""
    rows = []
    for scan, alive, covariances in bounds_over(world):
        variances = np.diagonal(covariances, axis1=1, axis2=2)
        place, speed = variances[:, :3].sum(axis=1), variances[:, 3:6].sum(axis=1)
        told = np.stack([alive, np.full(len(alive), scan * STEP_S), place, speed], axis=1)
        rows.append(told[world.seen[:, scan, alive].any(axis=0)])
    table = np.vstack(rows)
    return Bounds(
        object=table[:, 0].astype(np.int64), time_s=table[:, 1], position_m2=table[:, 2], velocity_m2_s2=table[:, 3]
    )
