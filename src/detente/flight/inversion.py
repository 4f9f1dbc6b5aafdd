"""From an observed test, ground range and apogee, to what the missile can do: burn-out, time, standard range.

Two numbers do not say where boost ended. Whatever is not known of it is drawn from stated ranges, the burn-out state is
solved for each draw on the turning, flattened Earth with air, and the spread of the answers is the interval. The
ranges are about what 95 of 100 powered flights of ours do, over made-up missiles, lofts and the pitch programmes that
published sources differ by (``design/inversion_ranges.py``).

    chord: pad to burn-out, ``chord_share`` · speed · boost long, between the burn-out velocity and the vertical
    speed on the standard trajectory = speed + ``loss_share`` · g · boost · (sine of this chord − sine of that one)
"""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from detente.flight.burnout import Burnouts, burnouts, fall
from detente.flight.flags import Flag
from detente.flight.trajectory import Flights, freeze
from detente.flight.twobody import RADIUS_M, arc_of, farthest_impulse
from detente.geodesy.constants import G0_M_S2
from detente.geodesy.distance import shortest_paths
from detente.records.errors import InputError

Floats = NDArray[np.float64]

ACCELERATION_M_S2 = (10.0, 60.0)
"""Burn-out speed over boost time. Assumption; our powered flights: 10 to 36, short solid ones up to about 60."""
CHORD_SHARE = (0.28, 0.52)
"""Distance from pad to burn-out over speed times boost time. Assumption; our powered flights: 0.28 to 0.54."""
CHORD_LIFT = (0.0, 0.40)
"""How far the chord stands up from the burn-out velocity towards the vertical. Assumption; ours: 0.01 to 0.42."""
LOSS_SHARE = (0.0, 0.65)
"""Share of gravity's pull during boost that a flatter boost wins back. Assumption; ours: -0.28 to 0.64, below
0 only for slow missiles that pitch over late."""
BALLISTIC_COEFFICIENT_KG_M2 = (1_000.0, 10_000.0)
"""Of what reenters. Assumption: no public number."""

DRAWS = 256
ROUNDS = 15
CLOSE_M = 10.0  # how near range and apogee of a solved draw come to the observed ones
UNKNOWN = 4
NUDGES = np.array([0.5, 0.5, 0.5, 0.1])  # m/s and s, for difference quotients
TIME_SCALE_M_S = 1_000.0  # a time off by a hundredth of a second counts as 10 m
HALVINGS = 4  # of a step that ends in an orbit or in the ground
LARGEST_CHANGE = 0.25  # of the speed or the boost time, in one round
HIGHEST_M, FARTHEST_M = 1.0e7, 1.9e7
FANS_RAD = tuple(np.radians(fan) for fan in ((-12.0, -6.0, 0.0, 6.0, 12.0), (-2.5, 0.0, 2.5)))


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What was seen of a test: distance over the ground from pad to impact, greatest height, and perhaps times."""

    range_m: float
    apogee_m: float
    boost_s: float | None = None
    flight_time_s: float | None = None  # launch to impact
    flight_time_error_s: float = 30.0  # either way: reports give whole minutes

    def __post_init__(self) -> None:
        _within(self.range_m, 0.0, FARTHEST_M, "range_m", "a range of 0 to 19,000 km")
        _within(self.apogee_m, 5e3, HIGHEST_M, "apogee_m", "an apogee of 5 to 10,000 km")
        if self.boost_s is not None:
            _within(self.boost_s, 1.0, 1_000.0, "boost_s", "a boost of 1 to 1,000 s")
        if self.flight_time_s is not None:
            _within(self.flight_time_s, 10.0, 14_400.0, "flight_time_s", "a flight of 10 to 14,400 s")
        _within(self.flight_time_error_s, 0.0, 600.0, "flight_time_error_s", "an error of 0 to 600 s")


@dataclass(frozen=True, kw_only=True)
class Unknowns:
    """What an observation leaves open, one row a draw, (n,) each. The first row is the middle of every range."""

    acceleration_m_s2: Floats
    chord_share: Floats
    chord_lift: Floats
    loss_share: Floats
    ballistic_coefficient_kg_m2: Floats
    time_error: Floats  # -1 to 1, in units of the observation's flight_time_error_s
    bearing_rad: Floats  # from pad to impact


@dataclass(frozen=True, kw_only=True)
class Inversion:
    """One row a draw. No flight was found of a draw that is not ``solved``: its numbers mean nothing.

    They are zeros, but for ``states`` and ``flights``, which are where the search gave up.
    """

    solved: NDArray[np.bool_]
    states: Burnouts
    flights: Flights
    elevation_rad: Floats  # of the burn-out velocity above the horizon
    downrange_m: Floats  # of burn-out
    standard_range_m: Floats  # the farthest the same boost takes the same payload


def unknowns(bearing_rad: float | None, *, middle_bearing_rad: float = 0.0, draws: int = DRAWS) -> Unknowns:
    """Draws spread evenly over all ranges; a bearing that is not known goes round the compass.

    An additive recurrence (M. Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018): the same draws
    every time, no chance in it.
    """
    dimensions = len(fields(Unknowns))
    ratio = 1.5
    for _ in range(60):
        ratio = (1.0 + ratio) ** (1.0 / (dimensions + 1))
    steps = ratio ** -np.arange(1.0, dimensions + 1)
    shares = (0.5 + np.arange(draws + 1)[:, None] * steps) % 1.0
    round_rad = 2.0 * np.pi * (shares[:, 6] - 0.5)
    bearings = middle_bearing_rad + round_rad if bearing_rad is None else np.full(draws + 1, bearing_rad)
    return Unknowns(
        acceleration_m_s2=_ratio(ACCELERATION_M_S2, shares[:, 0]),
        chord_share=_spread(CHORD_SHARE, shares[:, 1]),
        chord_lift=_spread(CHORD_LIFT, shares[:, 2]),
        loss_share=_spread(LOSS_SHARE, shares[:, 3]),
        ballistic_coefficient_kg_m2=_ratio(BALLISTIC_COEFFICIENT_KG_M2, shares[:, 4]),
        time_error=2.0 * shares[:, 5] - 1.0,
        bearing_rad=bearings,
    )


def invert(
    seen: Observation,
    latitude_rad: float,
    longitude_rad: float,
    unknown: Unknowns,
    *,
    rotation: bool = True,
    drag: bool = True,
) -> Inversion:
    """The burn-out state of every draw that flies as was observed, and the standard range that goes with it.

    Newton's method on the three parts of the burn-out velocity and the boost time: the impact's two distances from the
    pad, the apogee and the times are smooth in them, through the vertical too. Solved means within 10 m and 0.01 s.
    """
    boost = _Boost(seen, latitude_rad, longitude_rad, unknown, rotation, drag)
    guess = boost.first_guess()
    off, _ = boost.miss(guess)
    for _ in range(ROUNDS):
        far = np.flatnonzero(np.abs(off).max(axis=1) >= CLOSE_M)
        if not len(far):
            break
        guess[far], off[far] = boost.only(far).closer(guess[far], off[far])
    states, elevation, downrange = boost.states(guess)
    flights = boost.flown(guess)
    close = (flights.flag == 0) & (np.abs(off).max(axis=1) < CLOSE_M)
    solved = close & (elevation > 0.0) & boost.plausible(guess)
    rows, standard = np.flatnonzero(solved), np.zeros(len(guess))
    standard[rows] = np.maximum(boost.only(rows).standard_range(guess[rows]), seen.range_m)
    values = [np.where(solved, value, 0.0) for value in (elevation, downrange, standard)]
    freeze(solved, *values)
    return Inversion(
        solved=solved, states=states, flights=flights,
        elevation_rad=values[0], downrange_m=values[1], standard_range_m=values[2],
    )  # fmt: skip


@dataclass(frozen=True)
class _Boost:
    """What is held fixed while burn-outs are sought: rows of velocity east, north, up (m/s) and boost time (s)."""

    seen: Observation
    latitude_rad: float
    longitude_rad: float
    unknown: Unknowns
    rotation: bool
    drag: bool

    def first_guess(self) -> Floats:
        """The velocity of the closed form less what the height at burn-out costs, and the boost it takes. (n, 4)"""
        arc = arc_of(self.seen.range_m, self.seen.apogee_m)
        elevation = float(arc.elevation_rad[0])
        speed, bearing = np.full(len(self.unknown.bearing_rad), arc.speed_m_s[0]), self.unknown.bearing_rad
        boost_s = speed / self.unknown.acceleration_m_s2
        if self.seen.boost_s is not None:
            boost_s = np.full(len(speed), self.seen.boost_s)
        height = self.unknown.chord_share * speed * boost_s * np.sin(elevation)
        speed = np.sqrt(np.maximum(speed**2 - 2.0 * G0_M_S2 * height, 0.25 * speed**2))
        level, up = speed * np.cos(elevation), speed * np.sin(elevation)
        return np.column_stack((level * np.sin(bearing), level * np.cos(bearing), up, boost_s))

    def only(self, rows: NDArray[np.int64]) -> "_Boost":
        """The same for some of the draws."""
        chosen = Unknowns(**{part.name: getattr(self.unknown, part.name)[rows] for part in fields(Unknowns)})
        return replace(self, unknown=chosen)

    def closer(self, guess: Floats, off: Floats) -> tuple[Floats, Floats]:
        """One round of Newton's method; a step that ends in an orbit or in the ground is halved until it does not."""
        slopes = np.empty((len(guess), UNKNOWN, UNKNOWN))
        for part, nudge in enumerate(np.diag(NUDGES)):
            slopes[:, :, part] = (self.miss(guess + nudge)[0] - off) / NUDGES[part]
        after = self.stepped(guess, _newton(slopes, off))
        off, lost = self.miss(after)
        for _ in range(HALVINGS):
            rows = np.flatnonzero(lost)
            if not len(rows):
                break
            after[rows] = 0.5 * (guess[rows] + after[rows])
            off[rows], lost[rows] = self.only(rows).miss(after[rows])
        return after, off

    def stepped(self, guess: Floats, change: Floats) -> Floats:
        """The next guess: no row's speed or boost changes by more than a quarter at once."""
        largest = np.column_stack((np.linalg.norm(guess[:, :3], axis=1), guess[:, 3])) * LARGEST_CHANGE
        sizes = np.column_stack((np.linalg.norm(change[:, :3], axis=1), np.abs(change[:, 3])))
        return guess + change * np.minimum(1.0, largest / np.maximum(sizes, 1e-9)).min(axis=1)[:, None]

    def plausible(self, guess: Floats) -> NDArray[np.bool_]:
        """Whether the boost that a flight time leaves is one that some missile might have."""
        if self.seen.boost_s is not None or self.seen.flight_time_s is None:
            return np.ones(len(guess), dtype=np.bool_)
        acceleration = np.linalg.norm(guess[:, :3], axis=1) / guess[:, 3]
        return (acceleration >= ACCELERATION_M_S2[0]) & (acceleration <= ACCELERATION_M_S2[1])

    def states(self, guess: Floats) -> tuple[Burnouts, Floats, Floats]:
        """Burn-out states, elevations and distances over the ground."""
        east, north, up, boost_s = guess.T
        speed, elevation = np.linalg.norm(guess[:, :3], axis=1), np.arctan2(up, np.hypot(east, north))
        chord = self.chord(elevation)
        length = self.unknown.chord_share * speed * boost_s
        downrange = length * np.cos(chord)
        states = burnouts(
            self.latitude_rad, self.longitude_rad, np.arctan2(east, north), speed, elevation,
            altitude_m=length * np.sin(chord), downrange_m=downrange, time_s=boost_s,
        )  # fmt: skip
        return states, elevation, downrange

    def chord(self, elevation: Floats) -> Floats:
        """Elevation of the line from pad to burn-out."""
        return elevation + self.unknown.chord_lift * (0.5 * np.pi - elevation)

    def flown(self, guess: Floats) -> Flights:
        """The flights of burn-outs."""
        states, _, _ = self.states(guess)
        return fall(states, self.unknown.ballistic_coefficient_kg_m2, rotation=self.rotation, drag=self.drag)

    def miss(self, guess: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """By how much flights miss what was seen: east, north, height, time (n, 4), m; and which never landed (n,)."""
        flights = self.flown(guess)
        pad = np.array([self.latitude_rad, self.longitude_rad])
        way = shortest_paths(pad, np.column_stack((flights.impact_latitude_rad, flights.impact_longitude_rad)))
        bearing = self.unknown.bearing_rad
        east = way.distance_m * np.sin(way.azimuth_start_rad) - self.seen.range_m * np.sin(bearing)
        north = way.distance_m * np.cos(way.azimuth_start_rad) - self.seen.range_m * np.cos(bearing)
        late_s = self.late_s(guess, flights.flight_time_s)
        off = np.column_stack((east, north, flights.apogee_m - self.seen.apogee_m, TIME_SCALE_M_S * late_s))
        return off, flights.flag != 0

    def late_s(self, guess: Floats, flight_time_s: Floats) -> Floats:
        """How far the boost is from the one observed, or left by the flight time, or said by the acceleration."""
        if self.seen.boost_s is not None:
            return guess[:, 3] - self.seen.boost_s
        if self.seen.flight_time_s is not None:
            return flight_time_s - self.seen.flight_time_s - self.unknown.time_error * self.seen.flight_time_error_s
        return guess[:, 3] - np.linalg.norm(guess[:, :3], axis=1) / self.unknown.acceleration_m_s2

    def standard_range(self, guess: Floats) -> Floats:
        """The longest range over the elevation at burn-out, each with the speed that boost then ends at."""
        east, north, up, boost_s = guess.T
        speed, bearing = np.linalg.norm(guess[:, :3], axis=1), self.unknown.bearing_rad
        chord_seen = self.chord(np.arctan2(up, np.hypot(east, north)))
        best, reach = farthest_impulse(speed).elevation_rad, np.zeros(len(speed))
        for fan in FANS_RAD:
            tried = np.clip(best + np.array(fan)[:, None], 0.02, 1.55)
            ranges = np.empty_like(tried)
            for i, elevation in enumerate(tried):
                won = G0_M_S2 * boost_s * (np.sin(chord_seen) - np.sin(self.chord(elevation)))
                ended = np.maximum(speed + self.unknown.loss_share * won, 1.0)
                level = ended * np.cos(elevation)
                parts = (level * np.sin(bearing), level * np.cos(bearing), ended * np.sin(elevation), boost_s)
                flights = self.flown(np.column_stack(parts))
                stays_up = np.isin(flights.flag, (Flag.NEVER_LANDS, Flag.ESCAPES))
                ranges[i] = np.where(stays_up, np.pi * RADIUS_M, flights.range_m)
            top, rows = ranges.argmax(axis=0), np.arange(len(speed))
            best, reach = tried[top, rows], np.maximum(reach, ranges[top, rows])
        return reach


def _newton(slopes: Floats, off: Floats) -> Floats:
    """The change that makes each row's miss vanish; none where the slopes are flat."""
    flat = ~(np.abs(np.linalg.det(slopes)) > 1e-9)
    safe = np.where(flat[:, None, None], np.eye(UNKNOWN), slopes)
    return np.where(flat[:, None], 0.0, -np.linalg.solve(safe, off[:, :, None])[:, :, 0])


def _spread(limits: tuple[float, float], share: Floats) -> Floats:
    return limits[0] + share * (limits[1] - limits[0])


def _ratio(limits: tuple[float, float], share: Floats) -> Floats:
    """Even in the logarithm: the middle is the geometric mean."""
    return limits[0] * (limits[1] / limits[0]) ** share


def _within(value: float, low: float, high: float, path: str, expected: str) -> None:
    if not low <= value <= high:
        raise InputError(f"{value:g}", expected, "correct the observation", path=path)
