"""A side that lies in well-formed, well-signed messages: what it makes of what it would have said."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from detente.centre.step import Own
from detente.geodesy.constants import MEAN_RADIUS_M
from detente.geodesy.ellipsoid import ecef_to_geodetic
from detente.geodesy.frames import enu_axes
from detente.records.errors import InputError
from detente.records.slots import Status
from detente.records.stages import Messages
from detente.scenario.agreement import DataClass

LieName = Literal["ghosts", "suppression", "bias", "over-confidence", "replay", "drift"]
LIES: tuple[str, ...] = get_args(LieName)
LOWER = np.tril_indices(6)

GHOST_TURN_RAD = np.radians(2.0)
"""How far east of a true object its ghost flies: some 160 km at 45° north. Source: assumption, 1 to 5 degrees."""
GHOST_NUMBERS = 1_000_000  # what a ghost's track number is above the true one's
BIAS_M = 20_000.0
"""How far north of the truth all is said to be. Source: assumption, 5 to 50 km: two to twenty sigmas of a track."""
DRIFT_M_S = 30.0
"""How fast what is said of a track moves north of the truth, once it was first told of. Source: assumption, 10-100."""
CONFIDENCE = 0.1
"""What a stated sigma is of the true one. Source: assumption, 0.03 to 0.3."""
REPLAYED_S = 60.0
"""How old what is told as new is. (The same envelope again is no lie: the inbox refuses it.) Source: assumption."""
SUPPRESSED_PROBABILITY = 0.3
"""P(impact in the receiver's territory) from which on nothing is told of an object. Source: assumption, 0.1 to 0.5."""


@dataclass(frozen=True)
class Lie:
    """Who lies, and how. Both sides may be asked: nothing here depends on which."""

    name: str
    side: int

    def __post_init__(self) -> None:
        if self.name not in LIES:
            raise InputError(f"lie {self.name!r}", f"one of {', '.join(LIES)}", "correct it", path="lie")


class Liar:
    """One liar's memory, in a chunk of replicates. ``tell`` is given what honesty would say, and says another thing."""

    def __init__(self, lie: Lie, rows: int) -> None:
        self.lie = lie
        self.told: list[Messages] = []  # of late, for replay
        self.first_s: dict[tuple[int, int], float] = {}  # when a (row, track) was told first, for drift
        self.hidden: set[tuple[int, int]] = set()  # (row, track) that nothing is told of
        self.lied_s = np.full(rows, -1.0)  # first lie that left; -1 where none did

    def tell(self, honest: Messages, own: Own, now_s: float) -> Messages:
        """What leaves instead of ``honest`` at ``now_s``."""
        said = getattr(self, "_" + self.lie.name.replace("-", "_"))(honest, own, now_s)
        if len(said) or len(honest):
            changed = honest if self.lie.name == "suppression" else said
            new = np.unique(changed.replicate)
            if self.lie.name == "suppression":
                new = np.array(sorted({row for row, _ in self.hidden}), np.int64)
            self.lied_s[new] = np.where(self.lied_s[new] < 0.0, now_s, self.lied_s[new])
        return said

    def _ghosts(self, honest: Messages, own: Own, now_s: float) -> Messages:
        turned = replace(
            honest, number=honest.number + GHOST_NUMBERS, state=_turned(honest.state, GHOST_TURN_RAD),
            covariance=_turned_covariance(honest.covariance, GHOST_TURN_RAD),
            launch_lon_rad=np.where(honest.launch_valid == 1, _east(honest.launch_lon_rad), 0.0),
            impact_lon_rad=np.where(honest.impact_valid == 1, _east(honest.impact_lon_rad), 0.0),
        )  # fmt: skip
        both = Messages.concatenate([honest, turned])
        return both.take(np.argsort(both.replicate, kind="stable"))

    def _suppression(self, honest: Messages, own: Own, now_s: float) -> Messages:
        others = np.arange(own.estimates.threat_probability.shape[2]) != self.lie.side
        threat = own.estimates.threat_probability[:, :, others].max(axis=2)
        rows, slots = np.nonzero((threat >= SUPPRESSED_PROBABILITY) & (own.tracks.status == Status.CONFIRMED))
        self.hidden |= set(zip(rows.tolist(), own.tracks.number[rows, slots].tolist()))
        kept = [pair not in self.hidden for pair in _tracks(honest)]
        return honest.take(np.array(kept, bool))

    def _bias(self, honest: Messages, own: Own, now_s: float) -> Messages:
        return _moved(honest, np.full(len(honest), BIAS_M), np.zeros(len(honest)))

    def _drift(self, honest: Messages, own: Own, now_s: float) -> Messages:
        first_s = np.array([
            self.first_s.setdefault(pair, float(at_s)) for pair, at_s in zip(_tracks(honest), honest.valid_s)
        ])  # fmt: skip
        return _moved(honest, DRIFT_M_S * (honest.valid_s - first_s), np.full(len(honest), DRIFT_M_S))

    def _over_confidence(self, honest: Messages, own: Own, now_s: float) -> Messages:
        return replace(
            honest, covariance=CONFIDENCE**2 * honest.covariance,
            impact_covariance_m2=CONFIDENCE**2 * honest.impact_covariance_m2,
            impact_sigma_s=CONFIDENCE * honest.impact_sigma_s, launch_sigma_m=CONFIDENCE * honest.launch_sigma_m,
        )  # fmt: skip

    def _replay(self, honest: Messages, own: Own, now_s: float) -> Messages:
        """What was told a minute ago, told again as if it were of now."""
        self.told.append(honest)
        old = [part for part in self.told if len(part) and now_s - part.released_s[0] >= REPLAYED_S]
        self.told = [part for part in self.told if len(part) and now_s - part.released_s[0] < REPLAYED_S]
        again = Messages.concatenate(old)
        late = np.full(len(again), REPLAYED_S)
        return replace(
            again, released_s=again.released_s + late, valid_s=again.valid_s + late,
            launch_s=again.launch_s + late * again.launch_valid, impact_s=again.impact_s + late * again.impact_valid,
        )  # fmt: skip


def _tracks(messages: Messages) -> list[tuple[int, int]]:
    return list(zip(messages.replicate.tolist(), messages.number.tolist()))


def _east(lon_rad: NDArray[np.float64]) -> NDArray[np.float64]:
    turned = lon_rad + GHOST_TURN_RAD
    return np.where(turned > np.pi, turned - 2.0 * np.pi, turned)


def _turn(angle_rad: float) -> NDArray[np.float64]:
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.asarray(np.kron(np.eye(2), np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])), np.float64)


def _turned(state: NDArray[np.float64], angle_rad: float) -> NDArray[np.float64]:
    """States turned about the Earth's axis: what flies there falls as freely as what flies here."""
    return state @ _turn(angle_rad).T


def _turned_covariance(lower: NDArray[np.float64], angle_rad: float) -> NDArray[np.float64]:
    full = np.zeros((len(lower), 6, 6))
    full[:, LOWER[0], LOWER[1]] = lower
    full[:, LOWER[1], LOWER[0]] = lower
    turn = _turn(angle_rad)
    return (turn @ full @ turn.T)[:, LOWER[0], LOWER[1]]


def _moved(honest: Messages, north_m: NDArray[np.float64], rate_m_s: NDArray[np.float64]) -> Messages:
    """All said to be so far north, and to move there: states, launches and impacts alike."""
    state = np.array(honest.state)
    tells = np.flatnonzero((honest.data == DataClass.TRACK) | (honest.data == DataClass.TRACKLET))
    if len(tells):
        places = ecef_to_geodetic(state[tells, :3])
        north = np.array([enu_axes(lat, lon)[1] for lat, lon in places[:, :2]])
        state[tells, :3] += north_m[tells, None] * north
        state[tells, 3:] += rate_m_s[tells, None] * north
    launch_lat = honest.launch_lat_rad + north_m / MEAN_RADIUS_M
    launch_lat = np.clip(launch_lat, -np.pi / 2, np.pi / 2)
    to_come_s = np.maximum(honest.impact_s - honest.valid_s, 0.0)
    impact_lat = honest.impact_lat_rad + (north_m + rate_m_s * to_come_s) / MEAN_RADIUS_M
    impact_lat = np.clip(impact_lat, -np.pi / 2, np.pi / 2)
    return replace(
        honest, state=state, impact_lat_rad=np.where(honest.impact_valid == 1, impact_lat, 0.0),
        launch_lat_rad=np.where(honest.launch_valid == 1, launch_lat, 0.0),
    )  # fmt: skip
