"""A picture as rows of the tracks table, for the worlds that are kept."""

import numpy as np

from detente.records.slots import Picture, Status
from detente.records.stages import TrackHistory

LOWER = np.tril_indices(6)


def history_of(picture: Picture, side: int) -> TrackHistory:
    """Every confirmed line of a picture that has a state, at the picture's moment."""
    r, s = np.nonzero((picture.status == Status.CONFIRMED) & (picture.has_state == 1))
    mean, estimates = picture.mean[r, s], picture.estimates
    return TrackHistory(
        replicate=r,
        side=np.full(len(r), side),
        time_s=np.full(len(r), picture.time_s),
        giver=picture.giver[r, s],
        number=picture.number[r, s],
        origin=picture.origin[r, s],
        phase=picture.phase[r, s],
        position_ecef_m=mean[:, :3],
        velocity_ecef_m_s=mean[:, 3:],
        covariance=picture.covariance[r, s][:, LOWER[0], LOWER[1]],
        sensors=picture.sensors[r, s],
        impact_valid=estimates.impact_valid[r, s],
        impact_lat_rad=estimates.impact_lat_rad[r, s],
        impact_lon_rad=estimates.impact_lon_rad[r, s],
        impact_s=estimates.impact_s[r, s],
        impact_covariance_m2=estimates.impact_covariance_m2[r, s],
    )
