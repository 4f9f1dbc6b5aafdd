"""Agreements, tracks and estimates made by hand or by lot, for the exchange's tests."""

import hashlib
from datetime import UTC, datetime, timedelta

import numpy as np

from detente.centre.exchange.offsets import Secret
from detente.records.slots import Estimates, Tracks
from detente.scenario.agreement import Agreement

EPOCH = datetime(2011, 6, 1, 12, 0, tzinfo=UTC)
SIDES = ("A", "B", "C")
OWNERS = ("USA", "TUR", "NOR", "RUS", "RUS", "CHE")  # of six sensors, two a side
SENSOR_SIDES = (0, 0, 1, 1, 2, 2)
SENSORS_OF = {side: sum(1 << i for i, of in enumerate(SENSOR_SIDES) if of == side) for side in range(3)}


def secret(number):
    """A giver's secret, made from a number."""
    return Secret(hashlib.sha256(f"secret {number}".encode()).digest())


SECRET = secret(7)


def clause(name="c", data="track", giver="A", receiver="B", **values):
    return {"name": name, "data": data, "giver": giver, "receiver": receiver, **values}


def box(south, north, west, east):
    return {"south_deg": south, "north_deg": north, "west_deg": west, "east_deg": east}


def agreement(*clauses, parties=SIDES, start_s=-1e6, end_s=1e6):
    valid = {"start": EPOCH + timedelta(seconds=start_s), "end": EPOCH + timedelta(seconds=end_s)}
    return Agreement(
        name="made", title="made for a test", source="made", parties=parties, valid=valid, clauses=list(clauses)
    )


def spread(rng, shape, scale):
    """Random positive covariances of this many dimensions."""
    root = rng.normal(size=(*shape, len(scale), len(scale)))
    return (root @ np.swapaxes(root, -1, -2) + np.eye(len(scale))) * np.outer(scale, scale)


def moment(rng, time_s, number, status=None, phase=None, sensors=None):
    """Tracks and estimates at one time, drawn by lot where not given; ``number`` is (R, S), 0 where empty."""
    number = np.array(number, np.int64)  # a copy: a story goes on changing its own
    shape, here = number.shape, number > 0
    state = np.where(rng.random((*shape, 1)) < 0.5, 1.0, -1.0) * rng.uniform(3e6, 5e6, (*shape, 6))
    state[..., 3:] *= 1e-3
    zero, none = np.zeros(shape), np.zeros(shape, np.int64)
    tracks = Tracks(
        time_s=time_s,
        status=np.asarray(np.where(here, 2, 0) if status is None else status, np.uint8),
        number=number,
        mean=state * here[..., None],
        covariance=spread(rng, shape, np.repeat([200.0, 5.0], 3)) * here[..., None, None],
        phase=np.asarray(2 * here if phase is None else phase, np.uint8),
        born_s=zero, updated_s=zero, hits=none, misses=none,
        sensors=np.asarray(1 * here if sensors is None else sensors, np.uint64),
        burning_s=zero, burning_by=none - 1, first_mean=state, first_covariance=np.zeros((*shape, 6, 6)),
        first_s=zero, start_ecef_m=np.zeros((*shape, 3)), updated_row=none - 1,
        next_number=number.max(axis=1) + 1, overflow=np.zeros(shape[0], np.int64),
    )  # fmt: skip
    return tracks, estimates(rng, shape, time_s)


def estimates(rng, shape, time_s, launch_valid=1, impact_valid=1, threat=None):
    """Launch and impact estimates drawn by lot, with the given validity and threat probabilities."""
    lot = rng.uniform
    impact = spread(rng, shape, np.array([3e3, 3e3]))
    threat = rng.dirichlet(np.ones(4), shape)[..., :3] if threat is None else np.broadcast_to(threat, (*shape, 3))
    return Estimates(
        launch_valid=np.broadcast_to(np.asarray(launch_valid, np.uint8), shape).copy(),
        launch_lat_rad=lot(-1.2, 1.2, shape), launch_lon_rad=lot(-np.pi, np.pi, shape),
        launch_s=lot(-100, 0, shape) + time_s, launch_sigma_m=lot(1e3, 2e4, shape),
        impact_valid=np.broadcast_to(np.asarray(impact_valid, np.uint8), shape).copy(),
        impact_lat_rad=lot(-1.2, 1.2, shape), impact_lon_rad=lot(-np.pi, np.pi, shape),
        impact_s=lot(100, 900, shape) + time_s, impact_sigma_s=lot(1, 20, shape),
        impact_covariance_m2=np.stack([impact[..., 0, 0], impact[..., 0, 1], impact[..., 1, 1]], axis=-1),
        threat_probability=np.ascontiguousarray(threat, float),
    )  # fmt: skip


def story(seed, rows=2, slots=3, ticks=8, tick_s=5.0, foreign=0.05, churn=0.1):
    """What one side knew, tick by tick: tracks come, go, change slots, get confirmed and change their pedigree.

    ``churn`` is the probability, each tick, that a track is renumbered, and that it ends.
    """
    rng = np.random.default_rng(seed)
    number, last = np.zeros((rows, slots), np.int64), np.zeros(rows, np.int64)
    told = []
    for tick in range(ticks):
        for r in range(rows):
            for s in range(slots):
                if rng.random() < (0.4 if number[r, s] == 0 else churn):
                    last[r] += 1
                    number[r, s] = last[r]
                elif rng.random() < churn:
                    number[r, s] = 0
            if rng.random() < 0.1:
                number[r] = rng.permutation(number[r])
        here = number > 0
        status = np.where(here, np.where(rng.random(number.shape) < 0.8, 2, 1), 0)
        phase = rng.integers(1, 4, number.shape) * here
        sensors = rng.integers(1, 4, number.shape) * here
        sensors = np.where(here & (rng.random(number.shape) < foreign), sensors | 8, sensors)
        tracks, _ = moment(rng, tick * tick_s, number, status, phase, sensors)
        valid = rng.random((2, *number.shape)) < 0.7
        told.append((tracks, estimates(rng, number.shape, tick * tick_s, valid[0], valid[1])))
    return told
