"""The door for whole files: one tracker follows everybody's detections to their end, and every track is kept.

It is the same tracker as a centre's: the scan, the filters and the assignment are one set of kernels.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from detente.centre.tracking import _kernels_follow
from detente.centre.tracking import _kernels_places as places
from detente.centre.tracking.settings import Association, Registration, Settings, log_odds
from detente.centre.tracking.tracker import LATE_S, MOST_SENSORS, desk_of
from detente.records.results import FollowedTracks
from detente.records.slots import Bytes, DetectionKind, Floats, Ints, Slots

MOST_TRACKS = 20_000
CHUNK_ROWS = 65_536
CLUTTER_DENSITY = (1e-7, 10.0)  # of radar and of a direction alone. source: assumption: a false plot a look in
# 3,000 km by π sr (1e-8 to 1e-5), and one on the Earth's disc as seen from a geostationary orbit (1 to 1,000)
EDGES_TOLD = 1_000
MOST_MOMENTS = 64  # that a track remembers for the sake of late detections


@dataclass(frozen=True, kw_only=True)
class Sensors(Slots):
    """Who measures: n sensors. Positions and axes are in ECEF, or in the local frame of the constant-gravity model."""

    kind: Bytes  # (n,) DetectionKind: range and direction, or direction alone
    position_m: Floats  # (n, 3)
    axes: Floats  # (n, 3, 3) unit vectors east, north, up: azimuth turns from the second to the first
    orbit: Floats  # (n, 6) of a satellite, as in `SensorSuite`; zeros for a sensor that stays at its position
    detection_probability: Floats  # (n,)
    revisit_s: Floats  # (n,)
    cloud_top_m: Floats  # (n,) of a direction alone: the height at which a missile is first seen
    elevation_min_rad: Floats  # (n,) of what is in view
    elevation_max_rad: Floats
    range_max_m: Floats
    clutter_density: Floats | None = None
    """(n,) false plots a look in each m sr (a direction alone: sr); in the flat model each m rad². None: assumed."""
    bias_sigma: Floats | None = None
    """(n, 3) how far off its range (m), azimuth and elevation (rad) may be, a priori. None: as the settings say."""


@dataclass(frozen=True, kw_only=True)
class Plots(Slots):
    """What was measured, D rows in any order; kind 0 is a look that saw nothing. NaN nowhere."""

    time_s: Floats
    sensor: Ints  # (D,) index into the sensors
    kind: Bytes  # (D,) 0 nothing, else DetectionKind
    range_m: Floats
    azimuth_rad: Floats  # about the sensor's own axes
    elevation_rad: Floats
    range_rate_m_s: Floats
    sigma_range_m: Floats
    sigma_azimuth_rad: Floats  # of the azimuth; for a direction alone, of the azimuth times cos(elevation)
    sigma_elevation_rad: Floats
    sigma_range_rate_m_s: Floats  # 0 where no range rate was measured
    received_s: Floats | None = None  # when it came in; None: at once


@dataclass(frozen=True, kw_only=True)
class Shed:
    """What could not be kept or done in full, by reason."""

    unusable: int = 0  # detections whose numbers mean nothing
    without_slot: int = 0  # detections that could have begun a track
    pairs: int = 0  # candidates of a track and a detection
    unsound: int = 0  # tracks whose covariance was no longer positive definite
    too_late: int = 0  # detections more than ``LATE_S`` older than the newest at hand
    hurried: int = 0  # clusters too large to be assigned at least cost: settled cheapest pair first


@dataclass(frozen=True, kw_only=True)
class GateEdge:
    """A detection so near a track's gate that rounding decides whether it is inside."""

    row: int  # of the plots
    track: int
    distance_sigmas: float
    inside: bool


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What was decided on the way that a user may want to know of."""

    shared: int = 0  # clusters settled by joint probabilities
    crowded: int = 0  # clusters with too many joint events for that: assigned at least cost
    merged: int = 0  # tracks that ended because another is of the same object
    edges: int = 0  # detections on a gate's edge
    gate_edges: tuple[GateEdge, ...] = ()  # the first of them, at most ``EDGES_TOLD``
    bias: Floats | None = None  # (n, 3) of range, azimuth and elevation, in m and rad; None where sensors are trusted
    bias_covariance: Floats | None = None  # (3 n, 3 n), sensor by sensor
    bias_prior: Floats | None = None  # (n, 3) sigmas before anything was learnt


@dataclass(kw_only=True)
class Follower:
    """A tracker on its way through a file: ``chunks()`` gives the history part by part; then ``shed`` and ``decided``
    are complete.
    """

    plots: Plots
    sensors: Sensors
    settings: Settings
    most_tracks: int = MOST_TRACKS
    shed: Shed = field(default_factory=Shed)
    decided: Decided = field(default_factory=Decided)
    done: int = 0  # detections used so far

    def chunks(self) -> Iterator[FollowedTracks]:
        """The history in order of time, at most ``CHUNK_ROWS`` rows (or ``most_tracks``, if more) at once."""
        assert self.sensors.kind.size <= MOST_SENSORS, f"{self.sensors.kind.size} sensors; there is room for 64"
        plots, plot_tags = _packed_plots(self.plots)
        sites, draws = _packed_sensors(self.sensors, self.settings)
        order, moments = _arrival(plots[:, places.TIME], self.plots.received_s)
        too_late = len(plots) - len(order)
        most = _largest_moment(plots[order, places.TIME])
        slots = int(min(self.most_tracks, max(len(plots), 1)))
        joint = self.settings.association != Association.GNN
        prior = _bias_prior(self.sensors, self.settings)
        desk, bench = desk_of(
            slots, most, self.sensors.kind.size, moments, joint=joint, edges=EDGES_TOLD, biases=prior.size
        )
        _begin_biases(desk[13], prior)
        state, covariance, seen_by, _, _, scan, rates, work, factor, looks = bench
        tags = np.zeros((slots, places.TAGS), np.int64)
        clocks, first_mean, first_covariance = (
            np.zeros((slots, places.CLOCKS)), np.zeros((slots, 6)), np.zeros((slots, 6, 6))
        )  # fmt: skip
        counts = np.zeros(places.COUNTS, np.int64)
        counts[places.NEXT] = 1
        sides, packed = np.zeros(self.sensors.kind.size, np.int64), self.settings.packed()
        k, top, now_s = 0, 0, -np.inf
        while k < len(order):
            history = _history(max(CHUNK_ROWS, slots))
            k, top, now_s, rows = _kernels_follow.follow(
                state, covariance, tags, clocks, first_mean, first_covariance, seen_by, counts, order, k, top, now_s,
                plots, plot_tags, np.array(self.sensors.kind), sides, sites, draws, packed, desk, rates, work,
                factor, looks, scan, history,
            )  # fmt: skip
            self.done = int(k)
            yield _table(history, rows)
        self.shed = Shed(
            unusable=int(counts[places.UNUSABLE]), without_slot=int(counts[places.NO_SLOT]),
            pairs=int(counts[places.PAIRS_SHED]), unsound=int(counts[places.UNSOUND]),
            too_late=too_late, hurried=int(counts[places.HURRIED]),
        )  # fmt: skip
        gate_edges = _gate_edges(desk[12], self.settings.gate_sigmas)
        self.decided = Decided(
            shared=int(counts[places.SHARED]), crowded=int(counts[places.CROWDED]), merged=int(counts[places.MERGED]),
            edges=int(desk[12][3][0]), gate_edges=gate_edges,
            bias=desk[13][0].reshape(-1, 3) if prior.size else None,
            bias_covariance=desk[13][1] if prior.size else None, bias_prior=prior if prior.size else None,
        )  # fmt: skip


def follow(
    plots: Plots, sensors: Sensors, settings: Settings, *, most_tracks: int = MOST_TRACKS
) -> tuple[FollowedTracks, Shed]:
    """Every track of a file of detections, at every look, and what was shed on the way.

    Detections of one time and sensor are one scan; their order in the file means nothing. Memory grows with the
    detections and ``most_tracks``, never with their product.
    """
    follower = Follower(plots=plots, sensors=sensors, settings=settings, most_tracks=most_tracks)
    return FollowedTracks.concatenate(list(follower.chunks())), follower.shed


def _arrival(time_s: Floats, received_s: Floats | None) -> tuple[Ints, int]:
    """Detections in order of arrival, without those too late, and how many moments tracks must remember for them."""
    if received_s is None:
        return np.argsort(time_s, kind="stable"), 0
    order = np.lexsort((time_s, received_s))
    behind = np.maximum.accumulate(time_s[order]) - time_s[order]
    kept = order[behind <= LATE_S]
    if not (behind[behind <= LATE_S] > 0.0).any():
        return kept, 0
    moments = np.unique(time_s)
    within = np.arange(1, moments.size + 1) - np.searchsorted(moments, moments - LATE_S)
    return kept, int(min(within.max() + 1, MOST_MOMENTS))


def _largest_moment(times: Floats) -> int:
    """The greatest number of detections that follow one another at one time."""
    edges = np.flatnonzero(np.diff(times, prepend=-np.inf, append=np.inf) != 0.0)
    return int(np.diff(edges).max(initial=1))


def _packed_plots(given: Plots) -> tuple[Floats, Ints]:
    plots = np.empty((given.time_s.size, places.PLOTS))
    for place, values in (
        (places.TIME, given.time_s), (places.DET_RANGE, given.range_m), (places.DET_AZIMUTH, given.azimuth_rad),
        (places.DET_ELEVATION, given.elevation_rad), (places.DET_RATE, given.range_rate_m_s),
        (places.SIGMA_RANGE, given.sigma_range_m), (places.SIGMA_AZIMUTH, given.sigma_azimuth_rad),
        (places.SIGMA_ELEVATION, given.sigma_elevation_rad), (places.SIGMA_RATE, given.sigma_range_rate_m_s),
    ):  # fmt: skip
        plots[:, place] = values
    return plots, np.stack([given.sensor, given.kind.astype(np.int64)], axis=1)


def _gate_edges(noted: tuple, gate_sigmas: float) -> tuple[GateEdge, ...]:
    """What the kernels noted of detections on a gate's edge."""
    numbers, rows, distances, many = noted
    return tuple(
        GateEdge(
            row=int(rows[e]), track=int(numbers[e]), distance_sigmas=float(np.sqrt(distances[e])),
            inside=bool(distances[e] < gate_sigmas**2),
        )
        for e in range(min(int(many[0]), len(rows)))
    )  # fmt: skip


def _bias_prior(sensors: Sensors, settings: Settings) -> Floats:
    """(n, 3) one sigma of each sensor's range, azimuth and elevation biases; (0, 3) where sensors are trusted."""
    if settings.registration == Registration.TRUSTED:
        return np.empty((0, 3))
    assumed = [settings.bias_range_m, settings.bias_angle_rad, settings.bias_angle_rad]
    return np.tile(assumed, (sensors.kind.size, 1)) if sensors.bias_sigma is None else np.array(sensors.bias_sigma)


def _begin_biases(biases: tuple, prior: Floats) -> None:
    """Covariance and information before anything was learnt."""
    np.fill_diagonal(biases[1], prior.ravel() ** 2)
    np.fill_diagonal(biases[5], prior.ravel() ** -2.0)


def _packed_sensors(given: Sensors, settings: Settings) -> tuple[Floats, Floats]:
    """(n, SITES) and (n, DRAWS). A radar that has not seen a track is not expected to: its sure range is none."""
    sites, draws = np.zeros((given.kind.size, places.SITES)), np.zeros((given.kind.size, places.DRAWS))
    sites[:, places.SITE : places.SITE + 3] = given.position_m
    sites[:, places.EAST : places.EAST + 9] = given.axes.reshape(-1, 9)
    sites[:, places.COS_HALF_WIDTH] = -1.0
    sites[:, places.SINE_MIN], sites[:, places.SINE_MAX] = (
        np.sin(given.elevation_min_rad),
        np.sin(given.elevation_max_rad),
    )
    draws[:, places.ORBIT : places.ORBIT + 6] = given.orbit
    draws[:, places.REVISIT], draws[:, places.DETECTION] = given.revisit_s, given.detection_probability
    draws[:, places.CLOUD] = given.cloud_top_m
    draws[:, places.INSTRUMENTED] = given.range_max_m
    radar = given.kind == DetectionKind.RADAR
    density = np.where(radar, *CLUTTER_DENSITY) if given.clutter_density is None else given.clutter_density
    draws[:, places.ODDS] = log_odds(
        np.clip(given.detection_probability, 0.01, 0.999), density, radar, settings.gate_sigmas
    )
    return sites, draws


def _history(rows: int) -> tuple:
    """Room for this many rows, written by the kernel: numbers, times, states (6, rows), triangles, hits, confirmed."""
    return (
        np.empty(rows, np.int64), np.empty(rows), np.empty((6, rows)), np.empty((rows, 21)), np.empty(rows, np.int64),
        np.empty(rows, np.uint8),
    )  # fmt: skip


def _table(history: tuple, rows: int) -> FollowedTracks:
    numbers, times, states, triangles, hits, confirmed = history
    return FollowedTracks(
        track=numbers[:rows], time_s=times[:rows], x_m=states[0, :rows], y_m=states[1, :rows], z_m=states[2, :rows],
        vx_m_s=states[3, :rows], vy_m_s=states[4, :rows], vz_m_s=states[5, :rows], covariance=triangles[:rows],
        hits=hits[:rows], confirmed=confirmed[:rows],
    )  # fmt: skip
