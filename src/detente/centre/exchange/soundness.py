"""Whether the numbers in a partner's message can be what they claim to be; nothing here trusts the signature's owner.

These bounds keep later arithmetic finite and filters alive. They do not judge whether a statement is likely: that is
the picture's work, with its own data beside it.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.centre.exchange.rules import Rules
from detente.records.slots import Phase
from detente.scenario.agreement import DataClass

Columns = Mapping[str, NDArray[Any]]

TIME_MAX_S = 1e9
POSITION_MAX_M = 1e9
SPEED_MAX_M_S = 1e6
VARIANCE_MAX = 1e18
VARIANCE_MIN = 1e-12
"""Bounds far outside anything that flies: a billion seconds, a million kilometres, a thousand kilometres a second, a
standard deviation of a million kilometres or less than a micrometre. Source: assumption; any within a factor of a
thousand would do, since they only keep sums and products of doubles finite."""

CORRELATION_SLACK = 1e-9
"""How far below zero rounding may push the least eigenvalue of a correlation matrix. Source: assumption, range
1e-12–1e-6; a double holds 1e-16 of the largest, which here is at most 6."""

PARTS = {
    DataClass.LAUNCH_WARNING: ("launch_lat_rad", "launch_lon_rad", "launch_s", "launch_sigma_m"),
    DataClass.IMPACT_PREDICTION: (
        "impact_lat_rad", "impact_lon_rad", "impact_s", "impact_sigma_s", "impact_covariance_m2",
    ),
    DataClass.TRACK: ("state", "covariance"),
}  # fmt: skip
"""What a message of each class carries; the other parts are zero."""


def fault(columns: Columns, rules: Rules, giver: int, receiver: int) -> str:
    """What is wrong with the columns of an envelope's messages; empty where nothing is."""
    for name, values in columns.items():
        if values.dtype.kind == "f" and not np.all(np.isfinite(values)):
            return f"{name} is not a number"
    checks = {
        "a data class that no message carries": np.isin(columns["data"], list(PARTS)),
        "a phase that is none": np.isin(columns["phase"], list(Phase)),
        "a flag that is neither 0 nor 1": _flags(columns),
        "a track number below 1": columns["number"] >= 1,
        "a time out of bounds, or released before the moment it speaks of": _times(columns),
        "said while the agreement was not in force": _in_force(columns, rules),
        "a clause that is not this giver's, this receiver's or of this class": _clauses(
            columns, rules, giver, receiver
        ),
        "a part that this class of message does not carry": _nothing_else(columns),
        "a launch point that is nowhere": _launch(columns),
        "an impact point that is nowhere": _impact(columns),
        "a state out of bounds": _states(columns),
    }
    wrong = next((what for what, sound in checks.items() if not np.all(sound)), "")
    return wrong or _covariance_fault(columns["covariance"][columns["data"] == DataClass.TRACK])


def _flags(columns: Columns) -> NDArray[np.bool_]:
    data = columns["data"]
    return (
        (columns["coarsened"] <= 1)
        & (columns["launch_valid"] == (data == DataClass.LAUNCH_WARNING))
        & (columns["impact_valid"] == (data == DataClass.IMPACT_PREDICTION))
    )


def _times(columns: Columns) -> NDArray[np.bool_]:
    bounded = [np.abs(columns[name]) <= TIME_MAX_S for name in ("released_s", "valid_s", "launch_s", "impact_s")]
    return np.all(bounded, axis=0) & (columns["valid_s"] <= columns["released_s"])


def _in_force(columns: Columns, rules: Rules) -> NDArray[np.bool_]:
    return (columns["valid_s"] >= rules.start_s) & (columns["released_s"] < rules.end_s)


def _clauses(columns: Columns, rules: Rules, giver: int, receiver: int) -> NDArray[np.bool_]:
    clause = columns["clause"]
    known = (clause >= 0) & (clause < len(rules.names))
    if not len(rules.names):
        return known
    named = np.where(known, clause, 0)
    same = (rules.giver[named] == giver) & (rules.receiver[named] == receiver) & (rules.data[named] == columns["data"])
    return known & same


def _nothing_else(columns: Columns) -> NDArray[np.bool_]:
    sound = np.ones(len(columns["data"]), bool)
    for data, names in PARTS.items():
        for name in names:
            used = columns[name] != 0
            sound &= ~(used.any(axis=1) if used.ndim > 1 else used) | (columns["data"] == data)
    return sound


def _on_the_map(lat_rad: NDArray[Any], lon_rad: NDArray[Any]) -> NDArray[np.bool_]:
    return (np.abs(lat_rad) <= math.pi / 2) & (np.abs(lon_rad) <= math.pi)


def _launch(columns: Columns) -> NDArray[np.bool_]:
    sigma = columns["launch_sigma_m"]
    place = _on_the_map(columns["launch_lat_rad"], columns["launch_lon_rad"])
    return place & (sigma >= 0) & (sigma <= math.sqrt(VARIANCE_MAX))


def _impact(columns: Columns) -> NDArray[np.bool_]:
    east, both, north = columns["impact_covariance_m2"].T
    place = _on_the_map(columns["impact_lat_rad"], columns["impact_lon_rad"])
    spread = (east >= 0) & (north >= 0) & (np.maximum(east, north) <= VARIANCE_MAX) & (np.abs(both) <= VARIANCE_MAX)
    sigma = columns["impact_sigma_s"]
    with np.errstate(over="ignore"):  # what overflows here is out of bounds, and refused for that
        related = both * both <= east * north * (1 + CORRELATION_SLACK)
    return place & spread & related & (sigma >= 0) & (sigma <= TIME_MAX_S)


def _states(columns: Columns) -> NDArray[np.bool_]:
    state = np.abs(columns["state"])
    return np.all(state[:, :3] <= POSITION_MAX_M, axis=1) & np.all(state[:, 3:] <= SPEED_MAX_M_S, axis=1)


def _covariance_fault(lower: NDArray[np.float64]) -> str:
    """What is wrong with these covariances (n, 21); one that is not positive would break the filter it is fed to."""
    rows, columns = np.tril_indices(6)
    matrix = np.zeros((len(lower), 6, 6))
    matrix[:, rows, columns] = lower
    matrix[:, columns, rows] = lower
    variance = np.diagonal(matrix, axis1=1, axis2=2)
    if np.any(variance < VARIANCE_MIN) or np.any(np.abs(matrix) > VARIANCE_MAX):
        return "a variance out of bounds"
    sigma = np.sqrt(variance)
    correlation = matrix / (sigma[:, :, None] * sigma[:, None, :])
    if np.any(np.abs(correlation) > 1 + CORRELATION_SLACK):
        return "a correlation above 1"
    return "a covariance that is not positive" if np.any(np.linalg.eigvalsh(correlation) < -CORRELATION_SLACK) else ""
