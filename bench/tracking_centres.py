"""Falling bodies as centres see them: the tracker's own step, a second at a time, with live false plots."""

from collections.abc import Iterator

import numpy as np
import tracking_ballistic as falling
from numpy.typing import NDArray
from tracking_ballistic import Falls

from detente.centre.tracking import tracker
from detente.centre.tracking.follower import Plots
from detente.records.slots import DetectionKind, SensorSuite, Tracks
from detente.records.stages import Detections

Floats = NDArray[np.float64]
SLOTS = 256


def stepped(world: Falls, plots: Plots, arrival_s: Floats, seconds: int) -> Iterator[tuple[int, Tracks]]:
    """Every second from 0 on: the tracks of a centre that has heard of these detections by then."""
    tracks, suite = tracker.start(1, SLOTS, tracker.moments_of(1.0)), _suite(world)
    order = np.lexsort((plots.time_s, np.ceil(arrival_s)))
    ticks = np.ceil(arrival_s)[order]
    for now in range(seconds + 1):
        rows = order[np.searchsorted(ticks, now) : np.searchsorted(ticks, now, side="right")]
        rows = rows[plots.kind[rows] > 0]
        offsets = np.array([0, len(rows)])
        tracks = tracker.track(tracks, _detections(plots, rows), offsets, suite, float(now), falling.FILTER)
        yield now, tracks


def _detections(plots: Plots, rows: NDArray[np.int64]) -> Detections:
    return Detections(
        replicate=np.zeros(len(rows)), time_s=plots.time_s[rows], sensor=plots.sensor[rows], kind=plots.kind[rows],
        range_m=plots.range_m[rows], azimuth_rad=plots.azimuth_rad[rows] % (2 * np.pi),
        elevation_rad=plots.elevation_rad[rows], sigma_range_m=plots.sigma_range_m[rows],
        sigma_azimuth_rad=plots.sigma_azimuth_rad[rows], sigma_elevation_rad=plots.sigma_elevation_rad[rows],
        snr_db=np.full(len(rows), 15.0),
    )  # fmt: skip


def _suite(world: Falls) -> SensorSuite:
    """The same radars as a centre knows them, one replicate."""
    n = len(world.sites)
    lat, lon, height = np.array(world.sites).T
    one = np.ones((1, n))
    return SensorSuite(
        kind=np.full(n, DetectionKind.RADAR, np.uint8), side=np.zeros(n, np.int64), owner=np.zeros(n, np.int64),
        owners=("XXX",), names=tuple(f"radar {k}" for k in range(n)), lat_rad=lat.copy(), lon_rad=lon.copy(),
        height_m=height.copy(), boresight_rad=np.zeros(n), sector_half_width_rad=np.full(n, np.pi),
        elevation_min_rad=np.full(n, falling.LOWEST), elevation_max_rad=np.full(n, np.pi / 2),
        watch_rad=np.tile([-np.pi / 2, np.pi / 2, -np.pi, np.pi], (n, 1)), grazing_m=np.zeros(n),
        orbit=np.zeros((1, n, 6)), revisit_s=one * falling.STEP_S, offset_s=0 * one, reference_range_m=one * 1e6,
        reference_snr=one * 30.0, instrumented_range_m=one * 2e6, false_alarm_probability=one * 1e-6,
        false_plots_per_scan=one * falling.FALSE_PLOTS, detection_probability=one * falling.DETECTION,
        cloud_top_m=0 * one, sigma_range_m=one * falling.SIGMAS[0], sigma_azimuth_rad=one * falling.SIGMAS[1],
        sigma_elevation_rad=one * falling.SIGMAS[2],
    )  # fmt: skip
