"""Columns that several tables have: what a moment, a place on the ground or a state is, declared once.

Each call declares a column anew; what it is called in its table, and whose it is, the table says.
"""

from typing import Any

from detente.records.table import column

ECEF = "ECEF"
GEODETIC = "WGS84 geodetic"


def replicate() -> Any:
    """Which replicate a row is of."""
    return column("i8", "replicate number (inside a step: row of the centre's arrays)")


def moment(what: str) -> Any:
    """A time, s."""
    return column("f8", what, unit="s")


def latitude(of: str = "") -> Any:
    """A geodetic latitude, rad."""
    return column("f8", f"{of} latitude".strip(), unit="rad", frame=GEODETIC)


def longitude(of: str = "") -> Any:
    """A longitude, rad."""
    return column("f8", f"{of} longitude".strip(), unit="rad", frame=GEODETIC)


def position(frame: str = ECEF) -> Any:
    """A place in Cartesian axes, m, (3,)."""
    return column("f8", "position", unit="m", frame=frame, shape=(3,))


def velocity(frame: str = ECEF) -> Any:
    """A velocity in Cartesian axes, m/s, (3,)."""
    return column("f8", "velocity", unit="m/s", frame=frame, shape=(3,))


def covariance(frame: str = ECEF) -> Any:
    """A covariance of position and velocity, (21,): ``paths.pack_covariance`` makes it."""
    return column("f8", "lower triangle by rows of the 6×6 covariance", unit="m, m/s", frame=frame, shape=(21,))


def impact_ellipse() -> Any:
    """The covariance of an impact point on the ground, m², (3,)."""
    return column("f8", "east-east, east-north, north-north", unit="m²", frame="ENU at the impact", shape=(3,))


def track_giver() -> Any:
    """Whose track it is, to begin with."""
    return column("i8", "side whose numbering the track number belongs to")


def track_number() -> Any:
    """Which of the giver's tracks it is."""
    return column("i8", "track number")


def pedigree() -> Any:
    """Which sensors contributed."""
    return column("u8", "pedigree: bit i set where sensor i contributed")
