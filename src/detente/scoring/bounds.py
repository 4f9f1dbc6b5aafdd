"""The least error any tracker could have: posterior Cramér–Rao bounds of motion with noise, seen with gaps.

The recursion is that of P. Tichavský, C. Muravchik, A. Nehorai, "Posterior Cramér–Rao bounds for discrete-time
nonlinear filtering", IEEE TSP 46 (1998), eq. 21, in its information-reduction form for a probability of detection
below one: a look gives its information times that probability. Enumerating which looks succeeded gives a tighter bound
(Tong et al., 2012), so a ratio to this one may be a little larger than to the best bound known, never smaller. False
plots are left out: they only make tracking harder.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detente.records.paths import TruePaths
from detente.scoring.moments import align

Floats = NDArray[np.float64]
BOOST = 1


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The least mean square errors possible, a row an object and moment, in order of object, then time."""

    object: NDArray[np.int64]
    time_s: Floats
    position_m2: Floats  # trace of the position block
    velocity_m2_s2: Floats


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Who looks, from where and how well: n radars in the frame of the truth."""

    position_m: Floats  # (n, 3)
    axes: Floats  # (n, 3, 3) unit vectors east, north, up of each sensor's angles
    sigmas: Floats  # (n, 3) of range (m), azimuth and elevation (rad)
    detection_probability: Floats  # (n,)
    revisit_s: Floats  # (n,)
    elevation_min_rad: Floats  # (n,) of what is in view
    elevation_max_rad: Floats
    range_max_m: Floats


def radar_information(offset_m: Floats, sigmas: tuple[float, float, float]) -> Floats:
    """What one look tells of a position: (n, 3, 3), 1/m².

    ``offset_m`` (n, 3): objects as seen from the radar. ``sigmas``: range (m), azimuth and elevation (rad). Each is
    measured by itself, so the information is the sum of three squares of gradients.
    """
    distance = np.linalg.norm(offset_m, axis=1)[:, None]
    ground = np.linalg.norm(offset_m[:, :2], axis=1)[:, None]
    along = offset_m / distance
    across = np.stack([-offset_m[:, 1], offset_m[:, 0], np.zeros(len(offset_m))], axis=1) / ground
    up = np.cross(along, across)
    rows = (along / sigmas[0], across / (sigmas[1] * ground), up / (sigmas[2] * distance))
    return sum((row[:, :, None] * row[:, None, :] for row in rows), np.zeros((len(offset_m), 3, 3)))


def next_information(information: Floats, transition: Floats, noise: Floats, gained: Floats) -> Floats:
    """One step of the recursion for a batch: what is known (n, d, d) after moving on and looking once.

    ``transition`` (n, d, d) or (d, d): the motion's Jacobian at the true path; ``noise`` (d, d) its covariance, which
    may be singular or zero; ``gained`` (n, d, d): expected information of the look, detection probability included.
    """
    spread = transition @ _inverse(information) @ np.swapaxes(transition, -1, -2) + noise
    return _inverse(spread) + gained


def bound(information: Floats) -> Floats:
    """The covariance (n, d, d) that no unbiased tracker beats on average, from what is known, (n, d, d)."""
    return _inverse(information)


def _inverse(matrices: Floats) -> Floats:
    """Of positive definite matrices of mixed units: scaled to a unit diagonal first, so that no digits are lost."""
    scale = 1.0 / np.sqrt(np.diagonal(matrices, axis1=-2, axis2=-1))
    outer = scale[..., :, None] * scale[..., None, :]
    inverse = np.linalg.inv(matrices * outer) * outer
    return (inverse + np.swapaxes(inverse, -1, -2)) / 2


def constant_gravity(step_s: float, acceleration_psd_m2_s3: float) -> tuple[Floats, Floats]:
    """Transition (6, 6) and noise (6, 6) of straight flight with white acceleration; state is position, velocity.

    Gravity is known and moves the mean alone. Y. Bar-Shalom, X. R. Li, T. Kirubarajan, *Estimation with Applications to
    Tracking and Navigation*, 2001, eq. 6.2.2-12: continuous white noise acceleration of power spectral density q.
    """
    h, q = step_s, acceleration_psd_m2_s3
    eye = np.eye(3)
    transition = np.block([[eye, h * eye], [0 * eye, eye]])
    noise = q * np.block([[h**3 / 3 * eye, h**2 / 2 * eye], [h**2 / 2 * eye, h * eye]])
    return transition, noise


class Motion(Protocol):
    """How what is known of an object fades between looks. A state's first six numbers are position and velocity."""

    @property
    def size(self) -> int:
        """How many numbers."""
        ...

    @property
    def prior(self) -> Floats:
        """What is known before the first look, as information (size, size)."""
        ...

    def spread(self, states: Floats, coefficients: Floats, covariances: Floats, seconds: Floats) -> Floats:
        """Covariances (n, size, size) some seconds (n,) after true states (n, 6) and coefficients (n,)."""
        ...


@dataclass(frozen=True)
class ConstantGravity:
    """Straight flight with white acceleration; before the first look, speeds spread about zero."""

    acceleration_psd_m2_s3: float
    speed_sigma_m_s: float
    size: int = 6

    @property
    def prior(self) -> Floats:
        """Information (6, 6), 1/m² and s²/m², of the velocity alone."""
        return np.diag(np.r_[np.zeros(3), np.full(3, self.speed_sigma_m_s**-2)])

    def spread(self, states: Floats, coefficients: Floats, covariances: Floats, seconds: Floats) -> Floats:
        """Covariances (n, 6, 6), m and m/s, ``seconds`` later: as :func:`constant_gravity`, whatever the states."""
        found = np.empty_like(covariances)
        for value in np.unique(seconds):
            rows = seconds == value
            transition, noise = constant_gravity(float(value), self.acceleration_psd_m2_s3)
            found[rows] = transition @ covariances[rows] @ transition.T + noise
        return found


def network_bounds(truth: TruePaths, moments_s: Floats, watch: Watch, motion: Motion) -> Bounds:
    """Bounds of objects seen by several radars, at the moments at which they are scored.

    A radar looks at the first moment, and again whenever its revisit has passed. An object's bound begins at the first
    look at it that does not find it burning; that look is taken to have seen it, and what others see at the same
    moment counts with its probability. Looks at a burning object are left out. ``truth`` is in order of object, then
    time; ``moments_s`` (m,) ascend.
    """
    there = align(truth, moments_s, np.inf)
    names, index = np.unique(there.path, return_inverse=True)
    covariances, states = np.zeros((len(names), motion.size, motion.size)), np.zeros((len(names), 6))
    last_s, next_look = np.full(len(names), -np.inf), np.full(len(watch.revisit_s), -np.inf)
    parts = [np.empty((0, 4))]
    for moment, now_s in enumerate(moments_s.tolist()):
        here = np.arange(*there.edges[moment : moment + 2])
        here = here[truth.phase[there.row[here]] != BOOST]
        looks = next_look <= now_s + 1e-6
        next_look[looks] = now_s + watch.revisit_s[looks]
        gained, first = _gained(there.position_m[here], watch, looks, motion.size)
        who, coefficients = index[here], truth.ballistic_coefficient_kg_m2[there.row[here]]
        old = np.isfinite(last_s[who])
        new = ~old & first.any(axis=(1, 2))
        known, ago = who[old], now_s - last_s[who[old]]
        ahead = motion.spread(states[known], coefficients[old], covariances[known], ago)
        covariances[known] = bound(_inverse(ahead) + gained[old])
        covariances[who[new]] = bound(motion.prior + first[new])
        alive = old | new
        states[who] = np.hstack([there.position_m[here], there.velocity_m_s[here]])
        last_s[who[alive]] = now_s
        variances = np.diagonal(covariances[who[alive]], axis1=1, axis2=2)
        place, speed = variances[:, :3].sum(axis=1), variances[:, 3:6].sum(axis=1)
        parts.append(np.stack([names[who[alive]], np.full(int(alive.sum()), now_s), place, speed], axis=1))
    table = np.concatenate(parts)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    return Bounds(
        object=table[:, 0].astype(np.int64), time_s=table[:, 1], position_m2=table[:, 2], velocity_m2_s2=table[:, 3]
    )


def _gained(positions_m: Floats, watch: Watch, looks: NDArray[np.bool_], size: int) -> tuple[Floats, Floats]:
    """Information (n, size, size) expected of these looks, and the same if the first that is in view sees for sure."""
    gained, sure = np.zeros((len(positions_m), size, size)), np.zeros((len(positions_m), size, size))
    begun = np.zeros(len(positions_m), bool)
    for sensor in np.flatnonzero(looks):
        axes, sigmas = watch.axes[sensor], watch.sigmas[sensor]
        offsets = (positions_m - watch.position_m[sensor]) @ axes.T
        away = np.linalg.norm(offsets, axis=1)
        elevation = np.arcsin(offsets[:, 2] / away)
        seen = (away <= watch.range_max_m[sensor]) & (elevation >= watch.elevation_min_rad[sensor])
        seen &= elevation <= watch.elevation_max_rad[sensor]
        look = axes.T @ radar_information(offsets, (sigmas[0], sigmas[1], sigmas[2])) @ axes * seen[:, None, None]
        share = watch.detection_probability[sensor]
        gained[:, :3, :3] += share * look
        sure[:, :3, :3] += np.where(begun, share, 1.0)[:, None, None] * look
        begun |= seen
    return gained, sure
