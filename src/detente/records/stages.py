"""The tables that cross rooms, stage by stage, and that a run writes to disk.

Frames: ECEF is WGS84 Earth-centred, Earth-fixed; velocities are relative to the rotating Earth. Times are seconds
since the scenario's epoch (UTC).
"""

from dataclasses import dataclass
from typing import Any

from detente.records.columns import (
    covariance,
    impact_ellipse,
    latitude,
    longitude,
    moment,
    pedigree,
    position,
    replicate,
    track_giver,
    track_number,
    velocity,
)
from detente.records.table import Table, column

POOLED = -1
"""Whose the pooled centre's tracks and warnings are: no side's."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Objects(Table):
    """What was really launched: one row an object, in order of replicate, then object."""

    stage = "objects"
    replicate: Any = replicate()
    object: Any = column("i8", "number of the object in the raid, the same in every replicate")
    missile: Any = column("i8", "index into the scenario's missiles, in order of name")
    wave: Any = column("i8", "index of the wave")
    launch_place: Any = column("i8", "index into the scenario's places, in order of name")
    launch_s: Any = moment("launch time")
    launch_lat_rad: Any = latitude("launch")
    launch_lon_rad: Any = longitude("launch")
    aim_side: Any = column("i8", "index of the side whose ground was drawn for the aim point")
    aim_by: Any = column("i8", "0 by area, 1 by people, 2 troops, 3 fixed point")
    burnout_s: Any = moment("end of powered flight")
    impact_s: Any = moment("impact time")
    impact_lat_rad: Any = latitude("impact")
    impact_lon_rad: Any = longitude("impact")
    apogee_m: Any = column("f8", "greatest height", unit="m")
    range_m: Any = column("f8", "ground range", unit="m")
    threatened: Any = column("u1", "bit mask of the sides whose territory holds the impact point")
    ballistic_coefficient_kg_m2: Any = column("f8", "of what reenters", unit="kg/m²")
    radar_cross_section_m2: Any = column("f8", "mean", unit="m²")
    estimated_error_m: Any = column("f8", "of the impact point, numerical", unit="m")
    flag: Any = column("u1", "0 flown; else why not (flight's flags); a flagged object is not launched")


@dataclass(frozen=True, kw_only=True, eq=False)
class Truth(Table):
    """What really flies: samples along each flight, in order of replicate, object, time."""

    stage = "truth"
    replicate: Any = replicate()
    object: Any = column("i8", "number of the object in the raid")
    time_s: Any = moment("time of the sample")
    position_ecef_m: Any = position()
    velocity_ecef_m_s: Any = velocity()
    phase: Any = column("u1", "1 boost, 2 coast, 3 reentry")


@dataclass(frozen=True, kw_only=True, eq=False)
class Detections(Table):
    """What sensors report; order inside a replicate is by time, then by a keyed shuffle that tells nothing."""

    stage = "detections"
    replicate: Any = replicate()
    time_s: Any = moment("time of the measurement")
    sensor: Any = column("i8", "index of the sensor in the scenario")
    kind: Any = column("u1", "1 radar, 2 infrared (direction only: range and its sigma are 0 and mean nothing)")
    range_m: Any = column("f8", "slant range", unit="m")
    azimuth_rad: Any = column(
        "f8", "radar: clockwise from north; infrared: atan2(y, x)", unit="rad", frame="radar ENU; infrared ECEF axes"
    )
    elevation_rad: Any = column(
        "f8", "radar: above the horizon; infrared: asin(z)", unit="rad", frame="radar ENU; infrared ECEF axes"
    )
    sigma_range_m: Any = column("f8", "standard deviation the sensor states", unit="m")
    sigma_azimuth_rad: Any = column(
        "f8", "of azimuth times cos(elevation) for infrared, of azimuth for radar", unit="rad"
    )
    sigma_elevation_rad: Any = column("f8", "standard deviation the sensor states", unit="rad")
    snr_db: Any = column("f8", "signal-to-noise ratio; 0 for infrared", unit="dB")


@dataclass(frozen=True, kw_only=True, eq=False)
class AnswerKey(Table):
    """Which object each detection came from; only a study holds it."""

    stage = "answer_key"
    replicate: Any = replicate()
    detection: Any = column("i8", "row of the detections table")
    object: Any = column("i8", "number of the object; -1 for a false plot")


@dataclass(frozen=True, kw_only=True, eq=False)
class TrackHistory(Table):
    """Every confirmed line of a side's picture, sampled at each tick."""

    stage = "tracks"
    replicate: Any = replicate()
    side: Any = column("i8", "index of the side whose picture this is; -1 for the pooled picture")
    time_s: Any = moment("time of the state")
    giver: Any = track_giver()
    number: Any = track_number()
    origin: Any = column("u1", "1 own, 2 fused, 3 partner")
    phase: Any = column("u1", "1 boost, 2 coast, 3 reentry, as believed")
    position_ecef_m: Any = position()
    velocity_ecef_m_s: Any = velocity()
    covariance: Any = covariance()
    sensors: Any = pedigree()
    impact_valid: Any = column("u1", "1 where an impact was predicted")
    impact_lat_rad: Any = latitude("predicted impact")
    impact_lon_rad: Any = longitude("predicted impact")
    impact_s: Any = moment("predicted impact time")
    impact_covariance_m2: Any = impact_ellipse()


@dataclass(frozen=True, kw_only=True, eq=False)
class Warnings(Table):
    """Warnings: a centre's first statement that a track's impact lies in a territory, and its corrections."""

    stage = "warnings"
    replicate: Any = replicate()
    side: Any = column("i8", "index of the side that warns; -1 for the pooled centre")
    time_s: Any = moment("when the warning was given")
    stream: Any = column("u1", "1 own sensors alone; 3 with what the partner added")
    threatened: Any = column("i8", "index of the side whose territory is named")
    update: Any = column("i8", "0 the first statement of this track to this side; n its nth correction")
    giver: Any = track_giver()
    number: Any = track_number()
    probability: Any = column("f8", "P(impact in that territory)")
    launch_valid: Any = column("u1", "1 where a launch point is stated")
    launch_lat_rad: Any = latitude("estimated launch")
    launch_lon_rad: Any = longitude("estimated launch")
    launch_s: Any = moment("estimated launch time")
    launch_sigma_m: Any = column("f8", "standard deviation of the launch point", unit="m")
    impact_lat_rad: Any = latitude("predicted impact")
    impact_lon_rad: Any = longitude("predicted impact")
    impact_s: Any = moment("predicted impact time")
    impact_covariance_m2: Any = impact_ellipse()


@dataclass(frozen=True, kw_only=True, eq=False)
class Messages(Table):
    """What one side releases to another: the content that an envelope carries. Unused parts are 0 with a 0 valid flag."""

    stage = "messages"
    replicate: Any = replicate()
    giver: Any = column("i8", "index of the giving side")
    receiver: Any = column("i8", "index of the receiving side")
    data: Any = column("u1", "DataClass: 1 launch warning, 2 impact prediction, 3 track, 4 sensor status, 5 tracklet")
    clause: Any = column("i8", "index of the clause that released it")
    released_s: Any = moment("when it left")
    valid_s: Any = moment("the moment it speaks of")
    number: Any = column("i8", "the giver's track number; sensor status: the sensor's index and one")
    phase: Any = column("u1", "1 boost, 2 coast, 3 reentry, as believed; sensor status: SensorState")
    state: Any = column(
        "f8",
        "track: position and velocity; sensor status: boresight, half width, lowest and highest elevation (rad), range (m) that it watches, and 0",
        unit="m, m/s",
        frame="ECEF",
        shape=(6,),
    )
    covariance: Any = column(
        "f8", "track: lower triangle by rows of the 6×6 covariance", unit="m, m/s", frame="ECEF", shape=(21,)
    )
    sensors: Any = pedigree()
    coarsened: Any = column("u1", "1 where the clause took detail away")
    launch_valid: Any = column("u1", "1 where a launch point is stated")
    launch_lat_rad: Any = latitude("estimated launch")
    launch_lon_rad: Any = longitude("estimated launch")
    launch_s: Any = moment("estimated launch time")
    launch_sigma_m: Any = column("f8", "standard deviation of the launch point", unit="m")
    impact_valid: Any = column("u1", "1 where an impact point is stated")
    impact_lat_rad: Any = latitude("predicted impact")
    impact_lon_rad: Any = longitude("predicted impact")
    impact_s: Any = moment("predicted impact time")
    impact_sigma_s: Any = moment("standard deviation of the impact time")
    impact_covariance_m2: Any = impact_ellipse()


@dataclass(frozen=True, kw_only=True, eq=False)
class Releases(Table):
    """The result of every release decision: what left, what was withheld, by which clause, and why."""

    stage = "releases"
    replicate: Any = replicate()
    time_s: Any = moment("when it was decided")
    giver: Any = column("i8", "index of the giving side")
    receiver: Any = column("i8", "index of the receiving side")
    number: Any = column("i8", "the giver's track number; sensor status: the sensor's index and one")
    data: Any = column("u1", "DataClass")
    clause: Any = column("i8", "index of the clause that decided; -1 where no clause speaks of it")
    released: Any = column("u1", "1 released, 0 withheld")
    reason: Any = column("u1", "ReleaseReason")


@dataclass(frozen=True, kw_only=True, eq=False)
class Opportunities(Table):
    """Windows in which an interceptor could meet a tracked object, as the deciding picture first saw them."""

    stage = "opportunities"
    replicate: Any = replicate()
    side: Any = column("i8", "index of the deciding side; -1 for the joint plan")
    time_s: Any = moment("when the window was first seen")
    site: Any = column("i8", "index of the site in the scenario")
    giver: Any = track_giver()
    number: Any = track_number()
    earliest_s: Any = moment("earliest feasible intercept")
    latest_s: Any = moment("latest feasible intercept")


@dataclass(frozen=True, kw_only=True, eq=False)
class Shots(Table):
    """Interceptors committed: by which site, at which track, to meet it where and when."""

    stage = "shots"
    replicate: Any = replicate()
    side: Any = column("i8", "index of the deciding side; -1 for the joint plan")
    site: Any = column("i8", "index of the site in the scenario")
    giver: Any = track_giver()
    number: Any = track_number()
    slot: Any = column("i8", "slot of the deciding picture")
    ordinal: Any = column("i8", "how many were committed at this track before, by this side")
    cued: Any = column("u1", "Origin of the track: 1 own, 2 fused, 3 partner alone")
    decided_s: Any = moment("when it was decided")
    launched_s: Any = moment("when the interceptor leaves")
    intercept_s: Any = moment("planned moment of intercept")
    intercept_ecef_m: Any = column("f8", "planned place of intercept", unit="m", frame="ECEF", shape=(3,))


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcomes(Table):
    """What came of each shot, against truth."""

    stage = "outcomes"
    replicate: Any = replicate()
    shot: Any = column("i8", "row of the shots table")
    object: Any = column("i8", "number of the object the track was; -1 where the track was of no object")
    in_basket: Any = column("u1", "1 where the object was near enough to the planned point to be met")
    hit: Any = column("u1", "1 where it was intercepted")


STAGES: tuple[type[Table], ...] = (
    Objects, Truth, Detections, AnswerKey, TrackHistory, Warnings, Messages, Releases, Opportunities, Shots, Outcomes,
)  # fmt: skip
