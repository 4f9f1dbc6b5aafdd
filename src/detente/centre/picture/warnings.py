"""Warnings: a centre's first statement that a track will land in a territory, once for each line and side; and its
corrections, whenever what it states of the impact is no more what it stated last."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from detente.centre.picture import _kernels_warnings
from detente.centre.picture.estimates import DEFAULTS, DatedEstimates
from detente.centre.picture.settings import PictureSettings
from detente.records.slots import Bytes, Floats, Ints, Picture, Slots, Tracks
from detente.records.stages import Warnings


class Stream(IntEnum):
    """Where a warning's evidence comes from."""

    OWN = 1  # own sensors alone
    ASSISTED = 3  # with what the partner added


@dataclass(frozen=True, kw_only=True)
class Issued(Slots):
    """What has been warned of, slot by slot; a slot that changes hands starts anew."""

    giver: Ints  # (R, slots) of the line last seen there
    number: Ints  # (R, slots)
    seen_rounds: Ints  # (R, slots) predictions of that line already counted
    over: Ints  # (R, slots, sides) predictions in a row at or over the threshold
    issued: Bytes  # (R, slots, sides) statements given: the warning and its corrections
    said: Floats  # (R, slots, 5) impact stated last: latitude, longitude (rad), east², east × north, north² (m²)


def start_issued(rows: int, slots: int, sides: int) -> Issued:
    """No warning given yet."""
    return Issued(
        giver=np.zeros((rows, slots), np.int64),
        number=np.zeros((rows, slots), np.int64),
        seen_rounds=np.zeros((rows, slots), np.int64),
        over=np.zeros((rows, slots, sides), np.int64),
        issued=np.zeros((rows, slots, sides), np.uint8),
        said=np.zeros((rows, slots, _kernels_warnings.SAID)),
    )


@dataclass(frozen=True, kw_only=True)
class _Lines:
    """What a warning is drawn from, whichever record it came in."""

    status: Bytes
    giver: Ints
    number: Ints
    twin: Ints
    estimates: DatedEstimates


def _table(lines: _Lines, found: NDArray[np.int64], now_s: float, stream: Stream, side: int) -> Warnings:
    at = (found[:, 0], found[:, 1])
    said = lines.estimates
    return Warnings(
        replicate=found[:, 0],
        side=np.full(len(found), side, np.int64),
        time_s=np.full(len(found), now_s),
        stream=np.full(len(found), int(stream), np.uint8),
        threatened=found[:, 2],
        update=found[:, 3],
        giver=lines.giver[at],
        number=lines.number[at],
        probability=said.threat_probability[found[:, 0], found[:, 1], found[:, 2]],
        launch_valid=said.launch_valid[at],
        launch_lat_rad=said.launch_lat_rad[at],
        launch_lon_rad=said.launch_lon_rad[at],
        launch_s=said.launch_s[at],
        launch_sigma_m=said.launch_sigma_m[at],
        impact_lat_rad=said.impact_lat_rad[at],
        impact_lon_rad=said.impact_lon_rad[at],
        impact_s=said.impact_s[at],
        impact_covariance_m2=said.impact_covariance_m2[at],
    )


def _warn(
    lines: _Lines,
    issued: Issued,
    thresholds: Floats,
    now_s: float,
    stream: Stream,
    side: int,
    settings: PictureSettings,
) -> tuple[Warnings, Issued]:
    said = lines.estimates
    rows, slots, sides = said.threat_probability.shape
    assert thresholds.shape == (sides,)
    assert issued.issued.shape == (rows, slots, sides)
    giver, number, seen = issued.giver.copy(), issued.number.copy(), issued.seen_rounds.copy()
    over, given, stated = issued.over.copy(), issued.issued.copy(), issued.said.copy()
    found = np.empty((rows * slots * sides, 4), np.int64)
    count = _kernels_warnings.warn_rows(
        lines.status, lines.giver, lines.number, lines.twin, said.lines, np.ascontiguousarray(thresholds, np.float64),
        settings, giver, number, seen, over, given, stated, found,
    )  # fmt: skip
    after = Issued(giver=giver, number=number, seen_rounds=seen, over=over, issued=given, said=stated)
    if count == 0:
        return Warnings.empty(), after
    return _table(lines, found[:count], now_s, stream, side), after


def _constant(like: Ints, value: int) -> Ints:
    """Read-only, as the columns of records are, so that one compiled kernel serves both."""
    array = np.full(like.shape, value, np.int64)
    array.flags.writeable = False
    return array


def warn_own(
    tracks: Tracks,
    estimates: DatedEstimates,
    issued: Issued,
    thresholds: Floats,
    side: int,
    settings: PictureSettings = DEFAULTS,
) -> tuple[Warnings, Issued]:
    """Warn from own sensors alone: stream 1, which no partner can add to, delay or silence.

    A warning names a side k when P(impact in k's territory) has reached ``thresholds[k]`` in ``confirmations``
    predictions in a row, once for each line and side (``update`` 0). From then on every prediction whose ellipse is
    ``update_shrunk`` times shorter or longer than the one stated last, or whose middle has moved by more than it
    allows, corrects what was said (``update`` 1, 2, …), whatever P has become. ``side``: who warns (-1 for a pooled
    centre).
    """
    lines = _Lines(
        status=tracks.status,
        giver=_constant(tracks.number, side),
        number=tracks.number,
        twin=_constant(tracks.number, -1),
        estimates=estimates,
    )
    return _warn(lines, issued, thresholds, tracks.time_s, Stream.OWN, side, settings)


def warn_picture(
    picture: Picture, issued: Issued, thresholds: Floats, side: int, settings: PictureSettings = DEFAULTS
) -> tuple[Warnings, Issued]:
    """Warn from the picture, partner's data and all: stream 3, kept apart from the own stream.

    As :func:`warn_own`, ``thresholds`` (sides,) likewise. What was said of a partner's line is not said again when that
    line proves to be an own one.
    """
    assert isinstance(picture.estimates, DatedEstimates)
    lines = _Lines(
        status=picture.status,
        giver=picture.giver,
        number=picture.number,
        twin=picture.twin,
        estimates=picture.estimates,
    )
    return _warn(lines, issued, thresholds, picture.time_s, Stream.ASSISTED, side, settings)
