"""The least error any tracker could have: posterior Cramér–Rao bounds of motion with noise, seen with gaps.

The recursion is that of P. Tichavský, C. Muravchik, A. Nehorai, "Posterior Cramér–Rao bounds for discrete-time
nonlinear filtering", IEEE TSP 46 (1998), eq. 21, in its information-reduction form for a probability of detection
below one: a look gives its information times that probability. Enumerating which looks succeeded gives a tighter bound
(Tong et al., 2012), so a ratio to this one may be a little larger than to the best bound known, never smaller. False
plots are left out: they only make tracking harder.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


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
    """The covariance (n, d, d) that no unbiased tracker beats on average."""
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


def straight_flight_bound(
    offset_m: Floats,
    born: NDArray[np.int64],
    step_s: float,
    sigmas: tuple[float, float, float],
    detection_probability: float,
    acceleration_psd_m2_s3: float,
    speed_sigma_m_s: float,
) -> Floats:
    """Bounds (scans, n, 6, 6) of objects under constant gravity seen by one radar; NaN-free: 0 before ``born``.

    ``offset_m`` (scans, n, 3): true positions from the radar, z up. ``born`` (n,): first scan. It begins with what one
    detection and a speed of standard deviation ``speed_sigma_m_s`` on each axis tell: the tracker's own initiation.
    """
    scans, count = offset_m.shape[:2]
    transition, noise = constant_gravity(step_s, acceleration_psd_m2_s3)
    found, known = np.zeros((scans, count, 6, 6)), np.zeros((count, 6, 6))
    for scan in range(scans):
        look = np.zeros((count, 6, 6))
        look[:, :3, :3] = radar_information(offset_m[scan], sigmas)
        new, old = born == scan, born < scan
        known[new] = look[new]
        known[np.ix_(new.nonzero()[0], [3, 4, 5], [3, 4, 5])] = np.eye(3) / speed_sigma_m_s**2
        if old.any():
            known[old] = next_information(known[old], transition, noise, detection_probability * look[old])
        alive = new | old
        found[scan, alive] = bound(known[alive])
    return found
