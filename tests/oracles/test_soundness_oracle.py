"""The soundness of messages once more, slowly: one check after the other over whole columns."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import made_exchange as made

from detente.centre.exchange import _kernels_soundness as bounds
from detente.centre.exchange import soundness
from detente.centre.exchange.message import COLUMNS
from detente.centre.exchange.release import initial, release
from detente.centre.exchange.rules import compile_agreement
from detente.records.slots import SensorStatus

RULES = compile_agreement(
    made.agreement(
        made.clause("w", "launch-warning"), made.clause("i", "impact-prediction"), made.clause("t", "track"),
        made.clause("c", "track", receiver="C"), made.clause("l", "tracklet"),
        made.clause("s", "sensor-status"), start_s=-10, end_s=50,
    ),
    made.SIDES, made.OWNERS, made.EPOCH,
)  # fmt: skip
PARTS = {
    1: ("launch_lat_rad", "launch_lon_rad", "launch_s", "launch_sigma_m"),
    2: ("impact_lat_rad", "impact_lon_rad", "impact_s", "impact_sigma_s", "impact_covariance_m2"),
    (3, 4, 5): ("state",),
    (3, 5): ("covariance",),
}


def plain_fault(columns, giver, receiver):
    for name, values in columns.items():
        if values.dtype.kind == "f" and not np.all(np.isfinite(values)):
            return f"{name} is not a number"
    data = columns["data"]
    words = list(soundness.FAULTS.values())
    checks = [
        np.isin(data, [1, 2, 3, 4, 5]), np.isin(columns["phase"], [1, 2, 3]), flags(columns), columns["number"] >= 1,
        times(columns), (columns["valid_s"] >= RULES.start_s) & (columns["released_s"] < RULES.end_s),
        clauses(columns, giver, receiver), nothing_else(columns), launch(columns) | (data != 1),
        impact(columns) | (data != 2), states(columns) | ~np.isin(data, [3, 5]),
    ]  # fmt: skip
    wrong = next((word for word, sound in zip(words, checks) if not np.all(sound)), "")
    wrong = wrong or covariances(columns["covariance"][np.isin(data, [3, 5])], words[11:14])
    last = [
        (columns["sensors"] & ~np.uint64(3)) == 0, columns["released_s"] <= 40.000001,
        one_sensor(columns) | (data != 4), sectors(columns) | (data != 4),
    ]  # fmt: skip
    return wrong or next((word for word, sound in zip(words[14:], last) if not np.all(sound)), "")


def fault(columns, giver, receiver):
    return soundness.fault(columns, RULES, giver, receiver, sensors_of_giver=3, sealed_s=40.0)


def flags(columns):
    data = columns["data"]
    return (
        (columns["coarsened"] <= 1)
        & (columns["launch_valid"] == (data == 1))
        & (columns["impact_valid"] == (data == 2))
    )


def times(columns):
    bounded = [np.abs(columns[name]) <= 1e9 for name in ("released_s", "valid_s", "launch_s", "impact_s")]
    return np.all(bounded, axis=0) & (columns["valid_s"] <= columns["released_s"])


def clauses(columns, giver, receiver):
    known = (columns["clause"] >= 0) & (columns["clause"] < 6)
    named = np.where(known, columns["clause"], 0)
    return known & (
        (RULES.giver[named] == giver) & (RULES.receiver[named] == receiver) & (RULES.data[named] == columns["data"])
    )


def nothing_else(columns):
    sound = np.ones(len(columns["data"]), bool)
    for data, names in PARTS.items():
        for name in names:
            used = columns[name].reshape(len(sound), -1) != 0
            sound &= ~used.any(axis=1) | np.isin(columns["data"], data)
    return sound


def on_the_map(lat_rad, lon_rad):
    return (np.abs(lat_rad) <= math.pi / 2) & (np.abs(lon_rad) <= math.pi)


def launch(columns):
    sigma = columns["launch_sigma_m"]
    return on_the_map(columns["launch_lat_rad"], columns["launch_lon_rad"]) & (sigma >= 0) & (sigma <= 1e9)


def impact(columns):
    east, both, north = columns["impact_covariance_m2"].T
    spread = (east >= 0) & (north >= 0) & (np.maximum(east, north) <= 1e18) & (np.abs(both) <= 1e18)
    with np.errstate(over="ignore"):
        related = both * both <= east * north * (1 + bounds.CORRELATION_SLACK)
    sigma = columns["impact_sigma_s"]
    place = on_the_map(columns["impact_lat_rad"], columns["impact_lon_rad"])
    return place & spread & related & (sigma >= 0) & (sigma <= 1e9)


def states(columns):
    state = np.abs(columns["state"])
    return np.all(state[:, :3] <= 1e9, axis=1) & np.all(state[:, 3:] <= 1e6, axis=1)


def one_sensor(columns):
    named = [[i for i in range(64) if int(mask) >> i & 1] for mask in columns["sensors"]]
    return np.array([names == [number - 1] for names, number in zip(named, columns["number"].tolist())])


def sectors(columns):
    boresight, half_width, lowest, highest, range_m, nothing = columns["state"].T
    turned = (np.abs(boresight) <= math.pi) & (half_width >= 0) & (half_width <= math.pi)
    raised = (np.abs(lowest) <= math.pi / 2) & (np.abs(highest) <= math.pi / 2) & (lowest <= highest)
    return turned & raised & (range_m >= 0) & (range_m <= 1e8) & (nothing == 0)


def covariances(lower, words):
    rows, columns = np.tril_indices(6)
    matrix = np.zeros((len(lower), 6, 6))
    matrix[:, rows, columns] = lower
    matrix[:, columns, rows] = lower
    found = len(words)
    for one in matrix:
        variance = np.diag(one)
        if np.any(variance < 1e-12) or np.any(np.abs(one) > 1e18):
            found = min(found, 0)
            continue
        correlation = one / np.outer(np.sqrt(variance), np.sqrt(variance))
        if np.any(np.abs(correlation) > 1 + bounds.CORRELATION_SLACK):
            found = min(found, 1)
        elif np.linalg.eigvalsh(correlation)[0] < -bounds.CORRELATION_SLACK:
            found = min(found, 2)
    return words[found] if found < len(words) else ""


def said():
    tracks, est = made.moment(np.random.default_rng(0), 20.0, [[1, 2]])
    known = SensorStatus(
        state=np.array([[1, 3, 0, 0, 0, 0]], np.uint8), stated_s=np.zeros((1, 6)),
        sector=np.array([[[0.5, 1.0, 0.1, 1.2, 3e6], *[[0.0] * 5] * 5]]),
    )  # fmt: skip
    messages, _, _ = release(
        initial(RULES, np.array([0]), 2), tracks, est, RULES, 0, 3, made.SECRET, 20.0, status=known
    )
    return messages.take(messages.receiver == 1)


SAID = said()
FLOATS = [name for name, kind, _ in COLUMNS if kind == "<f8"]
WHOLE = ["clause", "number", "sensors"]
SMALL = ["data", "phase", "coarsened", "launch_valid", "impact_valid"]
STRANGE = st.sampled_from([0.0, 45.0, -0.0, 1.0, -1.0, 0.1, 2.0, 3.2, 51.0, -11.0, 1e10, -1e10, 1e19, 1e300, 5e-324])
ODD = st.one_of(STRANGE, st.sampled_from([math.nan, math.inf, -math.inf]), st.floats(-1e4, 1e4))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_the_kernel_finds_what_the_plain_checks_find(data):
    columns = {name: getattr(SAID, name).copy() for name, _, _ in COLUMNS}
    for _ in range(data.draw(st.integers(0, 2))):
        name = data.draw(st.sampled_from(FLOATS + WHOLE + SMALL))
        row = data.draw(st.integers(0, len(SAID) - 1))
        flat = columns[name].reshape(len(SAID), -1)[row]
        place = data.draw(st.integers(0, len(flat) - 1))
        least = 0 if name not in WHOLE or name == "sensors" else -2
        whole = st.integers(least, 7)
        flat[place] = data.draw(ODD if name in FLOATS else whole)
    giver, receiver = data.draw(st.sampled_from([(0, 1), (0, 1), (0, 2), (1, 0)]))
    assert fault(columns, giver, receiver) == plain_fault(columns, giver, receiver)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.5, 1.5))
def test_covariances_near_the_edge_are_judged_alike(seed, stretch):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(6, rng.integers(3, 9)))
    one = root @ root.T
    one[np.triu_indices(6, 1)] *= stretch
    lower = one.T[np.tril_indices(6)] * np.outer(*[10.0 ** rng.uniform(-2, 3, 6)] * 2)[np.tril_indices(6)]
    columns = {name: getattr(SAID, name).copy() for name, _, _ in COLUMNS}
    columns["covariance"][columns["data"] == 3] = lower
    assert fault(columns, 0, 1) == plain_fault(columns, 0, 1)
