"""The fixed-capacity arrays that a centre's rooms hand to one another: first axis replicate, second axis slot.

A replicate is a row: a kernel loops over rows, and a live centre has one. A slot is a place for one track; an empty
slot holds zeros and status 0. Nothing here ever holds a NaN.
"""

from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Masks = NDArray[np.uint64]


class Status(IntEnum):
    """Of a slot."""

    EMPTY = 0
    TENTATIVE = 1
    CONFIRMED = 2


class Phase(IntEnum):
    """Of a flight, as truth has it or as a tracker believes it."""

    BOOST = 1
    COAST = 2
    REENTRY = 3


class Origin(IntEnum):
    """Where a line of a side's picture comes from."""

    NONE = 0
    OWN = 1
    FUSED = 2
    PARTNER = 3


class DetectionKind(IntEnum):
    """What a detection measures."""

    RADAR = 1  # range, azimuth, elevation at the sensor (local east-north-up; azimuth clockwise from north)
    INFRARED = 2  # direction only: azimuth atan2(y, x) and elevation asin(z) of the line of sight along ECEF axes


class SensorState(IntEnum):
    """Of a sensor, as its side declares it."""

    UNKNOWN = 0  # nothing was said
    UP = 1
    DEGRADED = 2  # works, not as it should
    DOWN = 3


class Slots:
    """Base of records of equally shaped arrays; makes them read-only."""

    def __post_init__(self) -> None:
        held = self.__dict__
        for name in _names(type(self)):
            value = held[name]
            if isinstance(value, np.ndarray) and value.flags.writeable:
                held[name] = value.view()
                held[name].flags.writeable = False


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(item.name for item in fields(kind))


@dataclass(frozen=True, kw_only=True)
class Tracks(Slots):
    """One centre's own tracks, all predicted to ``time_s``. R rows (replicates), S slots."""

    time_s: float
    status: Bytes  # (R, S) Status
    number: Ints  # (R, S) local track number, from 1, never reused in a replicate; 0 where empty
    mean: Floats  # (R, S, 6) position_ecef_m, velocity_ecef_m_s (rotating frame)
    covariance: Floats  # (R, S, 6, 6) m², m²/s, m²/s²
    phase: Bytes  # (R, S) Phase, as the tracker believes
    born_s: Floats  # (R, S) time of the first detection
    updated_s: Floats  # (R, S) time of the last detection
    hits: Ints  # (R, S)
    misses: Ints  # (R, S) in a row
    sensors: Masks  # (R, S) pedigree: bit i set where sensor i (scenario order, ≤ 64) contributed
    burning_s: Floats  # (R, S) when it was last seen burning: its last infrared detection; 0 where there was none
    burning_by: Ints  # (R, S) the sensor that saw it so; -1 where none: nothing but a satellite sees a motor burn
    first_mean: Floats  # (R, S, 6) state when the track was confirmed
    first_covariance: Floats  # (R, S, 6, 6)
    first_s: Floats  # (R, S) the moment of that state
    start_ecef_m: (
        Floats  # (R, S, 3) position of the very first detection (infrared: where its ray meets the cloud tops)
    )
    updated_row: (
        Ints  # (R, S) row of the detection used last in this step, -1 where none was: for the study's answer key only
    )
    next_number: Ints  # (R,)
    overflow: Ints  # (R,) detections or tracks shed for want of slots


@dataclass(frozen=True, kw_only=True)
class Estimates(Slots):
    """What a track says of its launch and its impact. All (R, S, ...). Angles geodetic, in radians."""

    launch_valid: Bytes
    launch_lat_rad: Floats
    launch_lon_rad: Floats
    launch_s: Floats
    launch_sigma_m: Floats  # circular, one sigma
    impact_valid: Bytes
    impact_lat_rad: Floats
    impact_lon_rad: Floats
    impact_s: Floats
    impact_sigma_s: Floats
    impact_covariance_m2: Floats  # (R, S, 3) east-east, east-north, north-north
    threat_probability: Floats  # (R, S, sides) P(impact in that side's territory)


@dataclass(frozen=True, kw_only=True)
class PartnerTracks(Slots):
    """What partners' messages said last, a slot for each of their tracks; states are kept at the time they speak of."""

    status: Bytes  # (R, Q) EMPTY or CONFIRMED
    giver: Ints  # (R, Q) side index
    number: Ints  # (R, Q) the giver's own track number
    has_state: Bytes  # (R, Q) 1 where a track (not only a warning) was received
    valid_s: Floats  # (R, Q) the moment of the state
    received_s: Floats  # (R, Q) arrival of the latest message
    mean: Floats  # (R, Q, 6) at valid_s
    covariance: Floats  # (R, Q, 6, 6)
    phase: Bytes
    sensors: Masks  # (R, Q) pedigree as declared
    coarsened: Bytes  # (R, Q) 1 where the clause took detail away
    estimates: Estimates  # (R, Q) as received; threat probabilities recomputed by the receiver
    overflow: Ints  # (R,)


@dataclass(frozen=True, kw_only=True)
class Picture(Slots):
    """What one side knows at ``time_s``: its own tracks in slots 0..S-1, partners' tracks in S..S+Q-1.

    Where own slot i and partner slot j are the same object, slot i is FUSED and holds the combined state,
    ``twin[i] = S + j``, and slot S + j keeps status EMPTY.
    """

    time_s: float
    status: Bytes  # (R, S+Q)
    origin: Bytes  # (R, S+Q) Origin
    giver: Ints  # (R, S+Q) side whose track number ``number`` is (own side, or the partner's)
    number: Ints
    twin: Ints  # (R, S+Q) -1 where none
    has_state: Bytes
    mean: Floats  # (R, S+Q, 6) at time_s
    covariance: Floats  # (R, S+Q, 6, 6)
    phase: Bytes
    sensors: Masks
    estimates: Estimates  # (R, S+Q)


@dataclass(frozen=True, kw_only=True)
class SensorStatus(Slots):
    """How a scenario's n sensors are, as far as their sides have declared it to somebody. R replicates."""

    state: Bytes  # (R, n) SensorState
    stated_s: Floats  # (R, n) the moment it speaks of; 0 where unknown
    sector: Floats  # (R, n, 5) a working radar watches at least: boresight, half width, lowest, highest elevation, rad;
    # range, m. Coarse. 0 for satellites and for what does not work


@dataclass(frozen=True, kw_only=True)
class SensorSuite(Slots):
    """All sensors of a scenario as a replicate has them: n sensors in scenario order, R replicates. SI and radians."""

    kind: Bytes  # (n,) DetectionKind
    side: Ints  # (n,) whose centre hears it
    owner: Ints  # (n,) index into ``owners``
    owners: tuple[str, ...]  # ISO alpha-3 codes, sorted
    names: tuple[str, ...]
    lat_rad: Floats  # (n,) radar site; 0 for satellites
    lon_rad: Floats
    height_m: Floats
    boresight_rad: Floats  # (n,) azimuth
    sector_half_width_rad: Floats  # π: all round
    elevation_min_rad: Floats
    elevation_max_rad: Floats
    watch_rad: Floats  # (n, 4) satellites: south, north, west, east of the watched box; -π/2, π/2, -π, π for all
    grazing_m: Floats  # (n,) satellites: height of the lowest ray that passes the limb
    orbit: Floats  # (R, n, 6) satellites: semi-major axis m, eccentricity, inclination, argument of perigee,
    # geographic longitude of the ascending node and mean anomaly at the epoch (rad); 0 for radars
    revisit_s: Floats  # (R, n)
    offset_s: Floats  # (R, n) time of the first look, in [0, revisit_s)
    reference_range_m: Floats  # (R, n) radar: where 1 m² gives the reference signal-to-noise ratio
    reference_snr: Floats  # (R, n) as a ratio, not decibels
    instrumented_range_m: Floats  # (R, n)
    false_alarm_probability: Floats  # (R, n)
    false_plots_per_scan: Floats  # (R, n)
    detection_probability: Floats  # (R, n) satellites: a look at a burning missile above the clouds
    cloud_top_m: Floats  # (R, n) satellites
    sigma_range_m: Floats  # (R, n) at the reference signal-to-noise ratio; 0 for satellites
    sigma_azimuth_rad: Floats  # (R, n) at the reference ratio; satellites: line of sight
    sigma_elevation_rad: Floats


SUITE_FIXED = (
    "lat_rad", "lon_rad", "height_m", "boresight_rad", "sector_half_width_rad", "elevation_min_rad",
    "elevation_max_rad", "watch_rad", "grazing_m",
)  # fmt: skip
"""Numbers of a :class:`SensorSuite` that are the same in every replicate: first axis sensor."""

SUITE_DRAWN = (
    "orbit", "revisit_s", "offset_s", "reference_range_m", "reference_snr", "instrumented_range_m",
    "false_alarm_probability", "false_plots_per_scan", "detection_probability", "cloud_top_m", "sigma_range_m",
    "sigma_azimuth_rad", "sigma_elevation_rad",
)  # fmt: skip
"""Those that each replicate draws: first axis replicate, then sensor."""
