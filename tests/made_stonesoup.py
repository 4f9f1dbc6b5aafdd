"""Stone Soup's own parts for the textbook's model, and plots in its words: what its trackers are built from here.

Stone Soup takes the slopes of a measurement by differences whose step collapses for negative states; it is given exact
slopes, so that both filters are the same filter.
"""

import warnings

import numpy as np
from tests import made_tracking as made

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from stonesoup.models.measurement.nonlinear import CartesianToElevationBearingRange
    from stonesoup.models.transition.linear import CombinedLinearGaussianTransitionModel, ConstantVelocity
    from stonesoup.predictor.kalman import ExtendedKalmanPredictor
    from stonesoup.types.angle import Bearing, Elevation
    from stonesoup.types.array import StateVector
    from stonesoup.types.detection import Detection
    from stonesoup.updater.kalman import ExtendedKalmanUpdater

TO_OURS = [0, 2, 4, 1, 3, 5]  # their x vx y vy z vz in our order
TO_THEIRS = [0, 3, 1, 4, 2, 5]


class Falling(CombinedLinearGaussianTransitionModel):
    """Constant velocity, gravity known."""

    def function(self, state, noise=False, **given):
        h = given["time_interval"].total_seconds()
        fall = StateVector([0, 0, 0, 0, -0.5 * made.GRAVITY * h * h, -made.GRAVITY * h])
        return super().function(state, noise=noise, **given) + fall


class Exact(CartesianToElevationBearingRange):
    """Their radar with its slopes written out."""

    def jacobian(self, state, **given):
        x, y, z = np.asarray(state.state_vector, float).ravel()[[0, 2, 4]]
        level, far2 = np.hypot(x, y), x * x + y * y + z * z
        slopes = np.zeros((3, 6))
        slopes[:, [0, 2, 4]] = [
            [-x * z / (far2 * level), -y * z / (far2 * level), level / far2],
            [-y / level**2, x / level**2, 0.0],
            [x / far2**0.5, y / far2**0.5, z / far2**0.5],
        ]
        return slopes


def models():
    """The radar, predictor and updater of the textbook's model."""
    sees = Exact(6, np.array([0, 2, 4]), np.diag(np.square(made.SIGMAS)))
    return sees, ExtendedKalmanPredictor(Falling([ConstantVelocity(made.NOISE)] * 3)), ExtendedKalmanUpdater(sees)


def detections(scan, time, sees):
    """A scan (m, 3) of elevation, bearing and range as their detections."""
    return {
        Detection(StateVector([Elevation(e), Bearing(b), r]), timestamp=time, measurement_model=sees)
        for e, b, r in scan
    }


def moments(state):
    """Mean (6,) and covariance (6, 6) of one of their states, in our order."""
    return np.asarray(state.mean, float).ravel()[TO_OURS], np.asarray(state.covar, float)[np.ix_(TO_OURS, TO_OURS)]
