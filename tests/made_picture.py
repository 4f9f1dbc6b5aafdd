"""Tracks, messages and ground made for the picture room's tests: ballistic states over Europe, in plain numpy."""

import math

import numpy as np

from detente.flight.prediction import coast, predict_impacts
from detente.geodesy._kernels import enu_axes, geodetic_to_ecef
from detente.geodesy.territory import make_territory
from detente.geodesy.territory_index import index_territories
from detente.records.slots import Phase, Status, Tracks
from detente.records.stages import Messages

TRIANGLE = tuple((i, j) for i in range(6) for j in range(i + 1))
WEST, EAST = 0, 1
NOMINAL_BETA = 4_130.0


def box(south, north, west, east):
    """A ring in radians."""
    return np.radians(np.array([(south, west), (south, east), (north, east), (north, west)], float))


def territories():
    """Two sides: one over Central Europe, one over western Russia, made of boxes."""
    return index_territories([make_territory([box(46, 56, 4, 20)]), make_territory([box(50, 62, 30, 50)])])


def three_territories():
    """The same and a third, over Scandinavia."""
    return index_territories(
        [
            make_territory([box(46, 56, 4, 20)]),
            make_territory([box(50, 62, 30, 50)]),
            make_territory([box(58, 66, 6, 20)]),
        ]
    )


def state(azimuth_deg=-40.0, lat_deg=36.0, lon_deg=48.0, height_m=250e3, speed=4800.0, climb_deg=38.0):
    """A climbing ballistic state, ECEF: by default from north-western Iran towards Central Europe."""
    lat, lon, azimuth, climb = (math.radians(x) for x in (lat_deg, lon_deg, azimuth_deg, climb_deg))
    axes = np.array(enu_axes(lat, lon)).reshape(3, 3)
    level = math.cos(climb)
    local = np.array([level * math.sin(azimuth), level * math.cos(azimuth), math.sin(climb)])
    return np.concatenate([np.array(geodetic_to_ecef(lat, lon, height_m)), speed * local @ axes])


def covariance(position_m=500.0, velocity_m_s=10.0, seed=None):
    """A covariance; with a seed, with cross terms."""
    spread = np.diag([position_m] * 3 + [velocity_m_s] * 3)
    if seed is None:
        return spread @ spread
    mixing = np.eye(6) + 0.3 * np.random.default_rng(seed).normal(size=(6, 6))
    return spread @ mixing @ mixing.T @ spread


def tracks(means, covariances, *, time_s=0.0, slots=None, numbers=None, rows=1, **changes):
    """Confirmed coasting tracks of these states in slots 0.., the same in every row."""
    n = len(means)
    slots = max(n, 1) if slots is None else slots

    def shaped(values, dtype, *shape):
        out = np.zeros((rows, slots, *shape), dtype)
        if n:
            out[:, :n] = np.asarray(values)
        return out

    first = shaped(means, float, 6) if n else np.zeros((rows, slots, 6))
    spread = shaped(covariances, float, 6, 6) if n else np.zeros((rows, slots, 6, 6))
    given = {
        "time_s": float(time_s),
        "status": shaped([Status.CONFIRMED] * n, np.uint8),
        "number": shaped(np.arange(1, n + 1) if numbers is None else numbers, np.int64),
        "mean": first,
        "covariance": spread,
        "phase": shaped([Phase.COAST] * n, np.uint8),
        "born_s": shaped([time_s - 60.0] * n, float),
        "updated_s": shaped([time_s] * n, float),
        "hits": shaped([5] * n, np.int64),
        "misses": shaped([0] * n, np.int64),
        "sensors": shaped([1] * n, np.uint64),
        "burning_s": shaped([0.0] * n, float),
        "burning_by": shaped([-1] * n, np.int64),
        "first_mean": first.copy(),
        "first_covariance": spread.copy(),
        "first_s": shaped([time_s] * n, float),
        "start_ecef_m": first[..., :3].copy(),
        "updated_row": shaped([-1] * n, np.int64),
        "next_number": np.full(rows, n + 1, np.int64),
        "overflow": np.zeros(rows, np.int64),
    }
    return Tracks(**{**given, **changes})


def replaced(record, **changes):
    """The same record with other columns; columns are copied."""
    return type(record)(**{name: changes.get(name, getattr(record, name)) for name in record.__dataclass_fields__})


def message(mean=None, spread=None, **changes):
    """One message as a dictionary of columns: a track where a state is given, else a warning."""
    zero = {name: np.zeros(spec.shape) for name, spec in Messages.columns()}
    given = {
        **zero, "giver": EAST, "receiver": WEST, "data": 1 if mean is None else 3, "number": 1, "phase": 2,
        "sensors": 2,
        "state": np.zeros(6) if mean is None else mean,
        "covariance": np.zeros(21) if spread is None else np.array([spread[i, j] for i, j in TRIANGLE]),
    }  # fmt: skip
    return {**given, **changes}


def warning(impact=None, launch=None, **changes):
    """A warning: ``impact`` (lat, lon, time, sigma m, sigma s), ``launch`` (lat, lon, time, sigma); radians."""
    given = {}
    if impact is not None:
        lat, lon, at_s, sigma_m, sigma_s = impact
        given |= {
            "impact_valid": 1, "impact_lat_rad": lat, "impact_lon_rad": lon, "impact_s": at_s,
            "impact_sigma_s": sigma_s, "impact_covariance_m2": np.array([sigma_m**2, 0.0, sigma_m**2]), "data": 2,
        }  # fmt: skip
    if launch is not None:
        lat, lon, at_s, sigma_m = launch
        given |= {
            "launch_valid": 1, "launch_lat_rad": lat, "launch_lon_rad": lon, "launch_s": at_s,
            "launch_sigma_m": sigma_m,
        }  # fmt: skip
    return message(**{**given, **changes})


def table(*messages):
    """A table of messages, all of row 0, and its offsets."""
    if not messages:
        return Messages.empty(), np.array([0, 0])
    return Messages(
        **{name: np.array([m[name] for m in messages], spec.dtype) for name, spec in Messages.columns()}
    ), np.array([0, len(messages)])


def same_arrays(a, b):
    """Names of the columns in which two records differ."""
    wrong = []
    for name in a.__dataclass_fields__:
        x, y = getattr(a, name), getattr(b, name)
        if hasattr(x, "__dataclass_fields__"):
            wrong += same_arrays(x, y)
        elif not np.array_equal(x, y):
            wrong.append(name)
    return wrong


def finite(record):
    """True when no column holds a NaN or an infinity."""
    for name in record.__dataclass_fields__:
        value = getattr(record, name)
        if hasattr(value, "__dataclass_fields__"):
            if not finite(value):
                return False
        elif not np.isfinite(value).all():
            return False
    return True


def landed(means, beta=NOMINAL_BETA):
    """True impacts of states: latitude, longitude and time from now, by the flight room."""
    means = np.atleast_2d(means)
    return predict_impacts(means[:, :3].copy(), means[:, 3:].copy(), np.full(len(means), beta))


def moved(mean, dt_s):
    """A state a time later, in a vacuum."""
    position, velocity = coast(mean[None, :3].copy(), mean[None, 3:].copy(), np.array([dt_s]))
    return np.concatenate([position[0], velocity[0]])
