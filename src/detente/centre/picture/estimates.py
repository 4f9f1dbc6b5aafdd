"""What a track says of its launch and its impact, kept from tick to tick and renewed at a cadence."""

from dataclasses import dataclass

import numpy as np

from detente.centre.picture import _kernels_estimate, _kernels_layout
from detente.centre.picture._kernels_layout import Ground
from detente.centre.picture.settings import PictureSettings
from detente.geodesy.territory_index import TerritoryIndex
from detente.records.slots import Estimates, Floats, Ints, Tracks

DEFAULTS = PictureSettings()
MISSILE_CLASSES = ("short range", "medium range", "intermediate range", "intercontinental")


@dataclass(frozen=True, kw_only=True)
class DatedEstimates(Estimates):
    """Estimates that know whose they are and how old they are, so that the next tick may keep them."""

    number: Ints  # (R, S) track number they belong to; 0 where none
    estimated_s: Floats  # (R, S) when the impact was predicted last
    rounds: Ints  # (R, S) how often it was predicted
    foretold: Ints  # (R, S) how often from a state that no longer burns, since it burnt last
    class_probability: Floats  # (R, S, 4) P(missile class): MISSILE_CLASSES; all 0 where nothing is known
    lines: Floats  # (n, R, S) all of it, a column after another, as kernels read it


def from_lines(lines: Floats) -> DatedEstimates:
    """The record of what a kernel wrote, (n, R, S): most of its columns are views of that."""
    layout = _kernels_layout

    def flags(index: int) -> np.ndarray:
        return lines[index].astype(np.uint8)

    def last(first: int, end: int) -> Floats:
        return np.ascontiguousarray(np.moveaxis(lines[first:end], 0, -1))

    return DatedEstimates(
        launch_valid=flags(layout.LAUNCH_VALID),
        launch_lat_rad=lines[layout.LAUNCH_LAT],
        launch_lon_rad=lines[layout.LAUNCH_LON],
        launch_s=lines[layout.LAUNCH_S],
        launch_sigma_m=lines[layout.LAUNCH_SIGMA],
        impact_valid=flags(layout.IMPACT_VALID),
        impact_lat_rad=lines[layout.IMPACT_LAT],
        impact_lon_rad=lines[layout.IMPACT_LON],
        impact_s=lines[layout.IMPACT_S],
        impact_sigma_s=lines[layout.IMPACT_SIGMA_S],
        impact_covariance_m2=last(layout.IMPACT_EE, layout.IMPACT_NN + 1),
        threat_probability=last(layout.THREAT, len(lines)),
        number=lines[layout.NUMBER].astype(np.int64),
        estimated_s=lines[layout.ESTIMATED_S],
        rounds=lines[layout.ROUNDS].astype(np.int64),
        foretold=lines[layout.FORETOLD].astype(np.int64),
        class_probability=np.moveaxis(lines[layout.CLASS : layout.THREAT], 0, -1),
        lines=lines,
    )


def empty_estimates(rows: int, slots: int, sides: int) -> DatedEstimates:
    """Estimates of no track: (rows, slots), for this many sides."""
    return from_lines(np.zeros((_kernels_layout.THREAT + sides, rows, slots)))


def ground_of(territories: TerritoryIndex) -> Ground:
    """The territories as a kernel reads them."""
    return Ground(territories.raster, territories.row_offsets, territories.edges, territories.edge_side)


def estimate(
    tracks: Tracks,
    previous: DatedEstimates | None,
    territories: TerritoryIndex,
    settings: PictureSettings = DEFAULTS,
) -> DatedEstimates:
    """Say of each confirmed track where and when it was launched, and where and when it will land.

    ``previous``: what this function returned for the step before, or None. A launch once stated is kept; an impact is
    predicted again when the track has news and its last prediction is a cadence old. While the motor burns the ellipse
    holds all that it may yet reach: the direction from the state, the distance from the classes' ranges and burns.
    All (R, S, ...), ECEF and SI in, geodetic radians out.
    """
    rows, slots = tracks.status.shape
    if previous is None:
        previous = empty_estimates(rows, slots, territories.side_count)
    assert previous.threat_probability.shape == (rows, slots, territories.side_count)
    if not tracks.status.any() and not previous.number.any():
        return previous
    lines = previous.lines.copy()
    _kernels_estimate.estimate_rows(
        float(tracks.time_s), tracks.status, tracks.number, tracks.mean, tracks.covariance, tracks.phase, tracks.born_s,
        tracks.updated_s, tracks.burning_s, tracks.burning_by, tracks.first_mean,
        tracks.first_covariance, tracks.first_s, tracks.start_ecef_m, settings, ground_of(territories), lines,
    )  # fmt: skip
    return from_lines(lines)
