"""The tables that a study leaves for the report and for whoever reads its Parquet files."""

from dataclasses import dataclass
from typing import Any

from detente.records.columns import latitude, longitude, moment, position
from detente.records.table import Table, column


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyTable(Table):
    """One tidy row for each replicate, architecture, side and metric."""

    stage = "study"
    replicate: Any = column("i8", "replicate number")
    architecture: Any = column("U16", "name of the architecture")
    side: Any = column("U64", "name of the side, or all")
    metric: Any = column("U32", "name of the metric")
    value: Any = column("f8", "its value in this replicate; 0 where not defined")
    defined: Any = column("u1", "0 where the quantity does not exist in this replicate")


@dataclass(frozen=True, kw_only=True, eq=False)
class ObjectResults(Table):
    """What became of each object under each architecture. Moments that never came are -1."""

    stage = "object_results"
    replicate: Any = column("i8", "replicate number")
    object: Any = column("i8", "number of the object in the raid")
    architecture: Any = column("i8", "index into the architectures flown, alone first (about.json: architecture_index)")
    threatened: Any = column("u1", "bit mask of the sides whose territory holds the true impact point")
    aim_side: Any = column("i8", "index of the side whose ground was drawn for the aim point")
    aim_by: Any = column("i8", "0 by area, 1 by people, 2 troops, 3 fixed point")
    wave: Any = column("i8", "index of the wave")
    missile: Any = column("i8", "index into the scenario's missiles, in order of name")
    launch_s: Any = moment("launch time")
    launch_lat_rad: Any = latitude("launch")
    launch_lon_rad: Any = longitude("launch")
    impact_s: Any = moment("true impact time")
    impact_lat_rad: Any = latitude("true impact")
    impact_lon_rad: Any = longitude("true impact")
    own_warned_s: Any = moment("first warning by the threatened side's own sensors alone")
    warned_s: Any = moment("first warning by the threatened side, from whatever it knows")
    launch_error_m: Any = column("f8", "error of the launch point stated at first warning; -1 where none", unit="m")
    impact_error_m: Any = column("f8", "error of the impact point stated at first warning; -1 where none", unit="m")
    impact_nees: Any = column(
        "f8", "its square in units of the covariance stated with it (95 % below 5.99 where consistent); -1 where none"
    )
    useful_s: Any = moment("first statement to the threatened side that put the impact within 300 km, and rightly; -1")
    attributed: Any = column("u1", "1 where the launch country was named rightly at first warning")
    opportunities: Any = column("i8", "sites with a non-empty window, as the deciding pictures saw it")
    earliest_s: Any = moment("earliest feasible intercept")
    shots: Any = column("i8", "interceptors committed at it")
    shooters: Any = column("u1", "bit mask of the sides that shot at it")
    intercepted: Any = column("u1", "1 where it was intercepted")


@dataclass(frozen=True, kw_only=True, eq=False)
class FlightPath(Table):
    """One flight from launch, or from burn-out, to impact."""

    stage = "flight_path"
    time_s: Any = moment("time since launch")
    phase: Any = column("u1", "1 boost, 2 coast, 3 reentry (descending below 100 km)")
    lat_rad: Any = latitude()
    lon_rad: Any = longitude()
    altitude_m: Any = column("f8", "height above the ellipsoid", unit="m", frame="WGS84 geodetic")
    downrange_m: Any = column("f8", "distance over the ground from the launch point", unit="m")
    speed_m_s: Any = column("f8", "speed relative to the Earth", unit="m/s")
    position_ecef_m: Any = position()
    velocity_ecef_m_s: Any = column("f8", "velocity relative to the Earth", unit="m/s", frame="ECEF", shape=(3,))


FOLLOWED_FRAME = "ECEF, or the sensors' local frame"


@dataclass(frozen=True, kw_only=True, eq=False)
class FollowedTracks(Table):
    """Every live track after every moment at which a sensor looked, in order of time."""

    stage = "followed_tracks"
    track: Any = column("i8", "number of the track, from 1, never used again")
    time_s: Any = moment("time of the state")
    x_m: Any = column("f8", "position", unit="m", frame=FOLLOWED_FRAME)
    y_m: Any = column("f8", "position", unit="m", frame=FOLLOWED_FRAME)
    z_m: Any = column("f8", "position", unit="m", frame=FOLLOWED_FRAME)
    vx_m_s: Any = column("f8", "velocity", unit="m/s", frame=FOLLOWED_FRAME)
    vy_m_s: Any = column("f8", "velocity", unit="m/s", frame=FOLLOWED_FRAME)
    vz_m_s: Any = column("f8", "velocity", unit="m/s", frame=FOLLOWED_FRAME)
    covariance: Any = column("f8", "lower triangle by rows of the 6×6 covariance", unit="m, m/s", shape=(21,))
    hits: Any = column("i8", "detections used so far")
    confirmed: Any = column("u1", "1 where the track is believed, 0 where it is tentative")
