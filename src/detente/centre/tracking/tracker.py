"""The door of tracking: begin with no tracks, then step them with each tick's detections."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detente.centre.tracking import _kernels
from detente.centre.tracking import _kernels_places as places
from detente.centre.tracking._kernels_sigma import MEASURED, SEEN_ROWS
from detente.centre.tracking.settings import Association, Registration, Settings, log_odds
from detente.geodesy._kernels import ecef_rows
from detente.geodesy.constants import A_M
from detente.records.slots import DetectionKind, Floats, Ints, Phase, SensorSuite, Status, Tracks
from detente.records.stages import Detections

DEFAULTS = Settings()
EARTH_AXES = (0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)  # in place of a site's east, north and up
MOST_SENSORS = 64  # bits of a pedigree
PAIRS_EACH = 32  # room for pairs of a track and a detection, for each of them
SITE = slice(places.SITE_PRECISION, places.SITE_PULL + 1)
RADAR_DETECTION = 0.9  # of a radar that shares its plots out. source: assumption, 0.5-0.99 as range and size have it
FALSE_PLOTS_LEAST = 0.01  # a look: what a sensor said to have none is taken to have
LARGEST_CLUSTER = 256  # tracks that are assigned together at least cost; a larger cluster is settled hurriedly


@dataclass(frozen=True, kw_only=True)
class KeptTracks(Tracks):
    """Tracks with what the tracker remembers but does not tell: the hidden force of each.

    In boost the hidden force is the thrust's acceleration along the velocity (m/s²); otherwise the body's
    lightness: nominal over own ballistic coefficient, to which drag is proportional.
    """

    hidden: Floats  # (R, S, 8): value, its covariances with position and velocity, its variance
    site: Floats  # (R, S, 2): what the prior of the lightness has come to be (`_kernels_lightness`)
    past_s: Floats  # (R, S, M) times of steps before, for the sake of late detections
    past_number: Ints  # (R, S, M) of the track that was in the slot then
    past_phase: Ints  # (R, S, M)
    past_state: Floats  # (R, S, M, 7) position, velocity and hidden force then
    past_covariance: Floats  # (R, S, M, 7, 7)


PAST = ("past_s", "past_number", "past_phase", "past_state", "past_covariance")
LATE_S = 30.0  # how late a detection may be for a track to remember what it knew before: beyond, it says little


def moments_of(step_s: float) -> int:
    """How many steps of this length a track must remember so that detections ``LATE_S`` late are used in full."""
    return math.ceil(LATE_S / step_s) + 1


def start(replicates: int, slots: int, moments: int = 0) -> KeptTracks:
    """A tracker that has seen nothing: ``replicates`` rows of ``slots`` empty places.

    Each track remembers its last ``moments`` steps for the sake of late detections (`_kernels_late`). On detections
    that are never late the results are the same, to the bit, with and without.
    """
    assert min(replicates, slots) >= 1, "a tracker has at least one replicate and one slot"
    assert moments >= 0, f"{moments} moments cannot be remembered"
    shape = (replicates, slots)
    return KeptTracks(
        time_s=0.0,
        status=np.zeros(shape, np.uint8),
        number=np.zeros(shape, np.int64),
        mean=np.zeros((*shape, 6)),
        covariance=np.zeros((*shape, 6, 6)),
        phase=np.zeros(shape, np.uint8),
        born_s=np.zeros(shape),
        updated_s=np.zeros(shape),
        hits=np.zeros(shape, np.int64),
        misses=np.zeros(shape, np.int64),
        sensors=np.zeros(shape, np.uint64),
        burning_s=np.zeros(shape),
        burning_by=np.full(shape, -1, np.int64),
        first_mean=np.zeros((*shape, 6)),
        first_covariance=np.zeros((*shape, 6, 6)),
        first_s=np.zeros(shape),
        start_ecef_m=np.zeros((*shape, 3)),
        updated_row=np.full(shape, -1, np.int64),
        next_number=np.ones(replicates, np.int64),
        overflow=np.zeros(replicates, np.int64),
        hidden=np.zeros((*shape, 8)),
        site=np.zeros((*shape, 2)),
        **_nothing_past((*shape, moments)),
    )


def _nothing_past(shape: tuple[int, int, int]) -> dict[str, NDArray]:
    """Memory of no moments yet, (R, S, M)."""
    return {
        "past_s": np.zeros(shape), "past_number": np.zeros(shape, np.int64), "past_phase": np.zeros(shape, np.int64),
        "past_state": np.zeros((*shape, 7)), "past_covariance": np.zeros((*shape, 7, 7)),
    }  # fmt: skip


def track(
    tracks: Tracks,
    detections: Detections,
    offsets: Ints,
    suite: SensorSuite,
    now_s: float,
    settings: Settings = DEFAULTS,
) -> KeptTracks:
    """The tracks at ``now_s``, after what the sensors reported since the last step.

    ``detections`` rows ``offsets[r]`` to ``offsets[r + 1]`` are those of row r, by time, none later than ``now_s``;
    those of one time and sensor are one scan. A detection from before ``tracks.time_s`` is late, and is used for what
    it says of the present (``_kernels_late``), given what its track remembers from before it. Unusable detections, and
    tracks for which there is no slot or whose covariance is no longer sound, are counted in ``overflow``. What is given
    is not changed.
    Errors: assertions on shapes, order in time and sensor count.
    """
    assert now_s >= tracks.time_s, f"tracks are at {tracks.time_s} s; they cannot go back to {now_s} s"
    rows, slots = tracks.status.shape
    assert offsets.shape == (rows + 1,), f"{len(offsets)} offsets for {rows} rows: one more is needed"
    assert offsets[-1] <= len(detections), f"offsets reach {offsets[-1]} of {len(detections)} detections"
    assert suite.orbit.shape[0] == rows, f"a suite of {suite.orbit.shape[0]} rows for tracks of {rows}"
    assert suite.kind.size <= MOST_SENSORS, f"{suite.kind.size} sensors; a pedigree holds {MOST_SENSORS}"
    assert len(detections) == 0 or detections.time_s.max() <= now_s, "no detection may be later than now"
    assert settings.registration == Registration.TRUSTED, "biases are estimated from whole files"
    tags, clocks = _tags(tracks), _clocks(tracks)
    arrays = {name: getattr(tracks, name).copy() for name in ("mean", "covariance", "first_mean", "first_covariance")}
    hidden, past = _hidden(tracks, settings), _past(tracks)
    counts = np.zeros((rows, places.COUNTS), np.int64)
    counts[:, places.NEXT], counts[:, places.UNUSABLE] = tracks.next_number, tracks.overflow
    plots, plot_tags = _plots(detections)
    sites, draws = _sensors(suite, settings)
    most = int(np.diff(offsets).max(initial=1))
    _kernels.step_rows(
        arrays["mean"], arrays["covariance"], hidden, tags, clocks, arrays["first_mean"], arrays["first_covariance"],
        counts, plots, plot_tags, np.array(offsets, np.int64), float(tracks.time_s), float(now_s),
        np.array(suite.kind), np.array(suite.side), sites, draws, settings.packed(), tuple(past.values()),
        *desk_of(slots, most, suite.kind.size, joint=settings.association != Association.GNN),
    )  # fmt: skip
    return _tracks(float(now_s), arrays | past, hidden, tags, clocks, counts)


def _tags(tracks: Tracks) -> Ints:
    """(R, S, TAGS): a slot's whole numbers side by side."""
    tags = np.empty((*tracks.status.shape, places.TAGS), np.int64)
    tags[..., places.STATUS] = tracks.status
    tags[..., places.NUMBER] = tracks.number
    tags[..., places.PHASE] = tracks.phase
    tags[..., places.HITS] = tracks.hits
    tags[..., places.MISSES] = tracks.misses
    tags[..., places.SENSORS] = tracks.sensors.view(np.int64)
    tags[..., places.SEEN] = tracks.burning_by >= 0
    tags[..., places.ROW] = -1
    tags[..., places.BURNING_BY] = tracks.burning_by + 1
    return tags


def _clocks(tracks: Tracks) -> Floats:
    """(R, S, CLOCKS): a slot's times and first place side by side."""
    clocks = np.empty((*tracks.status.shape, places.CLOCKS))
    clocks[..., places.BORN] = tracks.born_s
    clocks[..., places.UPDATED] = tracks.updated_s
    clocks[..., places.START : places.START + 3] = tracks.start_ecef_m
    clocks[..., places.FIRST_S] = tracks.first_s
    clocks[..., places.AT] = tracks.time_s
    clocks[..., places.BURNING] = tracks.burning_s
    clocks[..., SITE] = tracks.site if isinstance(tracks, KeptTracks) else 0.0
    return clocks


def _hidden(tracks: Tracks, settings: Settings) -> Floats:
    """(R, S, 8): the hidden forces, a copy; tracks that come without (from a file, say) get the prior ones."""
    if isinstance(tracks, KeptTracks):
        return tracks.hidden.copy()
    hidden = np.zeros((*tracks.status.shape, 8))
    burning = tracks.phase == Phase.BOOST
    hidden[..., 0] = np.where(burning, settings.thrust_mean_m_s2, settings.lightness_mean)
    hidden[..., 7] = np.where(burning, settings.thrust_sigma_m_s2**2, settings.lightness_variance)
    hidden[tracks.status == Status.EMPTY] = 0.0
    return hidden


def _past(tracks: Tracks) -> dict[str, NDArray]:
    """What tracks remember, a copy; those that come without remember nothing."""
    if isinstance(tracks, KeptTracks):
        return {name: getattr(tracks, name).copy() for name in PAST}
    return _nothing_past((*tracks.status.shape, 0))


def _plots(detections: Detections) -> tuple[Floats, Ints]:
    """(D, PLOTS) what was measured, (D, PLOT_TAGS) by which sensor and kind."""
    plots = np.empty((len(detections), places.PLOTS))
    plots[:, places.TIME] = detections.time_s
    plots[:, places.DET_RANGE] = detections.range_m
    plots[:, places.DET_AZIMUTH] = detections.azimuth_rad
    plots[:, places.DET_ELEVATION] = detections.elevation_rad
    plots[:, places.SIGMA_RANGE] = detections.sigma_range_m
    plots[:, places.SIGMA_AZIMUTH] = detections.sigma_azimuth_rad
    plots[:, places.SIGMA_ELEVATION] = detections.sigma_elevation_rad
    plots[:, places.DET_RATE], plots[:, places.SIGMA_RATE] = 0.0, 0.0
    plot_tags = np.empty((len(detections), places.PLOT_TAGS), np.int64)
    plot_tags[:, places.DET_SENSOR] = detections.sensor
    plot_tags[:, places.DET_KIND] = detections.kind
    return plots, plot_tags


def _sensors(suite: SensorSuite, settings: Settings) -> tuple[Floats, Floats]:
    """(n, SITES) sensors as they stand, (R, n, DRAWS) as each replicate drew them."""
    sites = np.empty((suite.kind.size, places.SITES))
    points = np.stack([suite.lat_rad, suite.lon_rad, suite.height_m], axis=1)
    ecef = np.empty((suite.kind.size, 3))
    ecef_rows(points, ecef)
    sin_lat, cos_lat = np.sin(suite.lat_rad), np.cos(suite.lat_rad)
    sin_lon, cos_lon = np.sin(suite.lon_rad), np.cos(suite.lon_rad)
    none = np.zeros_like(sin_lon)
    sites[:, places.SITE : places.SITE + 3] = ecef
    sites[:, places.EAST : places.EAST + 3] = np.stack([-sin_lon, cos_lon, none], axis=1)
    sites[:, places.NORTH : places.NORTH + 3] = np.stack([-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat], axis=1)
    sites[:, places.UP : places.UP + 3] = np.stack([cos_lat * cos_lon, cos_lat * sin_lon, sin_lat], axis=1)
    # A satellite's angles are from the Earth's axes: azimuth turns from x to y, elevation rises to z.
    sites[suite.kind == DetectionKind.INFRARED, places.EAST : places.EAST + 9] = EARTH_AXES
    sites[:, places.AHEAD_EAST] = np.sin(suite.boresight_rad)
    sites[:, places.AHEAD_NORTH] = np.cos(suite.boresight_rad)
    sites[:, places.COS_HALF_WIDTH] = np.cos(suite.sector_half_width_rad)
    sites[:, places.SINE_MIN] = np.sin(suite.elevation_min_rad)
    sites[:, places.SINE_MAX] = np.sin(suite.elevation_max_rad)
    sites[:, places.GRAZING] = suite.grazing_m
    draws = np.empty((*suite.revisit_s.shape, places.DRAWS))
    draws[..., places.ORBIT : places.ORBIT + 6] = suite.orbit
    draws[..., places.REVISIT] = suite.revisit_s
    draws[..., places.OFFSET] = suite.offset_s
    draws[..., places.INSTRUMENTED] = suite.instrumented_range_m
    draws[..., places.DETECTION] = suite.detection_probability
    draws[..., places.CLOUD] = suite.cloud_top_m
    nearness = (suite.reference_snr * settings.faint_rcs_m2 / settings.sure_snr) ** 0.25
    draws[..., places.SURE_RANGE] = suite.reference_range_m * nearness
    radar = np.broadcast_to(suite.kind == DetectionKind.RADAR, suite.revisit_s.shape)
    draws[..., places.ODDS] = log_odds(
        np.where(radar, RADAR_DETECTION, np.clip(suite.detection_probability, 0.1, 0.99)), _clutter(suite), radar,
        settings.gate_sigmas,
    )  # fmt: skip
    return sites, draws


def _clutter(suite: SensorSuite) -> Floats:
    """(R, n) false plots in each m sr of a radar's sector, or each sr of the Earth's disc as a satellite sees it."""
    plots = np.maximum(suite.false_plots_per_scan, FALSE_PLOTS_LEAST)
    sector = 2.0 * suite.sector_half_width_rad * (np.sin(suite.elevation_max_rad) - np.sin(suite.elevation_min_rad))
    away = np.maximum(suite.orbit[..., 0], 1.01 * A_M)
    disc = 2.0 * np.pi * (1.0 - np.sqrt(1.0 - (A_M / away) ** 2))
    return plots / np.where(suite.kind == DetectionKind.RADAR, sector * suite.instrumented_range_m, disc)


def desk_of(
    slots: int, most: int, sensors: int, moments: int = 0, *, joint: bool = False, edges: int = 0, biases: int = 0
) -> tuple[tuple, tuple]:
    """Scratch for the kernels: this many slots, at most this many detections in a row, sensors, and moments that each
    slot remembers for the sake of late detections; room for joint probabilities, for so many detections on a gate's
    edge, and for so many biases.

    It grows with the sum of both, not with their product: what a flood of plots does not leave room for is shed.
    """
    most = max(most, 1)
    nodes, pairs = slots + most, min(slots * most, PAIRS_EACH * (slots + most)) + 1
    rows, wide = min(slots, LARGEST_CLUSTER), min(slots, LARGEST_CLUSTER) + min(most, 2 * LARGEST_CLUSTER)
    desk = (
        np.empty((most, places.LINES)),
        np.empty(most, np.int64),
        np.empty(slots, np.int64),
        (np.empty(pairs, np.int64), np.empty(pairs, np.int64), np.empty(pairs)),
        np.empty((4, nodes), np.int64),
        np.empty(pairs, np.int64),
        (
            np.empty((rows, wide)), np.empty(rows), np.empty(wide), np.empty(wide), np.empty(wide, np.int64),
            np.empty(wide, np.int64), np.empty(rows, np.int64), np.empty(wide, np.int64),
            np.empty(rows, np.int64), np.empty(wide, np.int64),
        ),
        (np.empty(3), np.empty((3, 3)), np.empty(6)),
        (np.empty((2, 7)), np.empty((7, 7)), np.empty(7), np.empty((SEEN_ROWS, MEASURED))),
        (
            np.zeros((slots, moments)), np.zeros((slots, moments), np.int64), np.zeros((slots, moments), np.int64),
            np.zeros((slots, moments, 7)), np.zeros((slots, moments, 7, 7)),
        ),
        (np.empty(7), np.empty((7, 7)), np.empty((7, 7))),
        (
            np.empty(pairs if joint else 0), np.empty(pairs if joint else 0), np.empty(slots if joint else 0),
            np.empty(most if joint else 0),
        ),
        (np.empty(edges, np.int64), np.empty(edges, np.int64), np.empty(edges), np.zeros(1, np.int64)),
        (
            np.zeros(biases), np.zeros((biases, biases)), np.zeros((biases, biases)), np.zeros(biases),
            np.zeros((slots if biases else 0, 7, biases)), np.zeros((biases, biases)),
        ),
    )  # fmt: skip
    bench = (
        np.zeros((slots, 7)), np.zeros((slots, 7, 7)), np.empty(slots, np.int64), np.empty(slots, np.int64),
        np.empty(most, np.int64), np.empty(most, np.int64),
        np.zeros((3, 7)), np.zeros((7, 7)), np.zeros((7, 7)), np.zeros(sensors, np.int64),
    )  # fmt: skip
    return desk, bench


def _tracks(
    now_s: float, arrays: dict[str, NDArray], hidden: Floats, tags: Ints, clocks: Floats, counts: Ints
) -> KeptTracks:
    """The record again, from the kernels' arrays."""

    def column(place: int, dtype: type) -> NDArray:
        return tags[..., place].astype(dtype)

    return KeptTracks(
        time_s=now_s,
        status=column(places.STATUS, np.uint8),
        number=column(places.NUMBER, np.int64),
        phase=column(places.PHASE, np.uint8),
        hits=column(places.HITS, np.int64),
        misses=column(places.MISSES, np.int64),
        sensors=column(places.SENSORS, np.int64).view(np.uint64),
        burning_s=clocks[..., places.BURNING].copy(),
        burning_by=column(places.BURNING_BY, np.int64) - 1,
        updated_row=column(places.ROW, np.int64),
        born_s=clocks[..., places.BORN].copy(),
        updated_s=clocks[..., places.UPDATED].copy(),
        start_ecef_m=clocks[..., places.START : places.START + 3].copy(),
        first_s=clocks[..., places.FIRST_S].copy(),
        next_number=counts[:, places.NEXT].copy(),
        overflow=counts[:, list(places.SHED)].sum(axis=1),
        hidden=hidden,
        site=clocks[..., SITE].copy(),
        **arrays,
    )
