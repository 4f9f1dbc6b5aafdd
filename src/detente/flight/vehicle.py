"""A ballistic missile as the open literature describes one: stages, payload, drag. Point masses, public parameters."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detente.geodesy.constants import G0_M_S2
from detente.records.errors import InputError

MAX_STAGES = 4
VERTICAL_RISE_S = 5.0
"""Every launch starts straight up for this long. Assumption (range 3-15 s): published profiles differ."""
PITCH_OVER_END_FRACTION = 0.5
"""The pitch falls linearly from the vertical rise to this share of the whole burn. Assumption (range 0.5-1)."""
NO_MACH = 1e9  # where pieces of a drag curve start that are not used
# Vertical rise s, pitch-over end s, burn-out s, last ignition s, ballistic coefficient, gravity turn, speed m/s that
# burn-out would have in free space.
BODY_COLUMNS = 7
STAGE_COLUMNS = 7  # ignition s, burn-out s, mass at ignition kg, flow kg/s, thrust N, nozzle exit area m2, area m2


def _require(ok: bool, path: str, found: object, expected: str, remedy: str) -> None:
    if not ok:
        raise InputError(found=f"{found}", expected=expected, remedy=remedy, path=path)


def _finite(*values: float) -> bool:
    return all(math.isfinite(value) for value in values)


@dataclass(frozen=True)
class Stage:
    """One stage of a missile, alone: no payload and no stage above it.

    Thrust is specific impulse times standard gravity times propellant over burn time, constant. If the diameter of
    the nozzle exit is given, the specific impulse is the vacuum one and the air's pressure on the exit is taken off.
    A ``throttle`` below 1 burns the same propellant at that share of the full flow, so for longer by as much.
    ``coast_before_s`` is a rest between the burn-out below and this ignition; the spent stage is carried through it.
    """

    fuelled_kg: float
    dry_kg: float
    isp_s: float
    burn_s: float
    diameter_m: float
    nozzle_exit_diameter_m: float | None = None
    coast_before_s: float = 0.0
    throttle: float = 1.0

    def __post_init__(self) -> None:
        fix = "correct the stage"
        _require(0.0 < self.throttle <= 1.0, "throttle", self.throttle, "a share of full thrust, above 0 up to 1", fix)
        rest = self.coast_before_s
        _require(_finite(rest) and 0.0 <= rest <= 1_000.0, "coast_before_s", rest, "a coast of 0 to 1,000 s", fix)
        given = (self.fuelled_kg, self.dry_kg, self.isp_s, self.burn_s, self.diameter_m)
        _require(_finite(*given), "stage", given, "finite numbers", fix)
        _require(self.dry_kg > 0.0, "dry_kg", self.dry_kg, "a dry mass above 0 kg", fix)
        _require(self.fuelled_kg > self.dry_kg, "fuelled_kg", self.fuelled_kg, "more than the dry mass", fix)
        _require(0.0 < self.isp_s < 600.0, "isp_s", self.isp_s, "a specific impulse of 0 to 600 s", fix)
        _require(0.1 <= self.burn_s <= 2_000.0, "burn_s", self.burn_s, "a burn of 0.1 to 2,000 s", fix)
        throttled = f"{self.throttle}, so a burn of {self.burning_s:.0f} s"
        _require(self.burning_s <= 2_000.0, "throttle", throttled, "a burn of at most 2,000 s", fix)
        _require(0.0 < self.diameter_m < 20.0, "diameter_m", self.diameter_m, "a diameter of 0 to 20 m", fix)
        if self.nozzle_exit_diameter_m is not None:
            exit_m = self.nozzle_exit_diameter_m
            _require(_finite(exit_m) and 0.0 < exit_m < 20.0, "nozzle_exit_diameter_m", exit_m, "0 to 20 m", fix)

    @property
    def propellant_kg(self) -> float:
        return self.fuelled_kg - self.dry_kg

    @property
    def burning_s(self) -> float:
        """How long it burns as throttled."""
        return self.burn_s / self.throttle

    @property
    def thrust_n(self) -> float:
        return self.isp_s * G0_M_S2 * self.propellant_kg / self.burning_s


@dataclass(frozen=True)
class Missile:
    """A ballistic missile: what the launch, the flight and the fall need to know of it.

    ``cd`` over ``cd_mach`` is the drag coefficient on the burning stage's cross-section, smooth and monotone between
    the given Mach numbers, constant outside them. After the last burn-out a body of the given ballistic coefficient
    flies on; None means the burnt-out last stage and its payload fly on whole, on the same drag table.

    The pitch programme is a straight climb for ``vertical_rise_s``, then a linear pitch down to one free angle at
    ``pitch_over_end_s`` (none: half the whole boost), then that angle held; or, with ``gravity_turn``, thrust along the
    velocity from there on.
    """

    name: str
    payload_kg: float
    stages: tuple[Stage, ...]
    cd_mach: tuple[float, ...]
    cd: tuple[float, ...]
    reentry_ballistic_coefficient_kg_m2: float | None = None
    can_cut_off: bool = True
    vertical_rise_s: float = VERTICAL_RISE_S
    pitch_over_end_s: float | None = None
    gravity_turn: bool = False

    def __post_init__(self) -> None:
        fix = f"correct missile {self.name!r}"
        _require(
            _finite(self.payload_kg) and self.payload_kg >= 0.0, "payload_kg", self.payload_kg, "0 kg or more", fix
        )
        count = len(self.stages)
        _require(1 <= count <= MAX_STAGES, "stages", f"{count} stages", f"1 to {MAX_STAGES} stages", fix)
        mach, cd = self.cd_mach, self.cd
        _require(len(mach) == len(cd) >= 1, "cd", f"{len(mach)} and {len(cd)} values", "as many as Mach numbers", fix)
        _require(_finite(*mach, *cd), "cd", (mach, cd), "finite numbers", fix)
        rising = mach[0] >= 0.0 and all(a < b for a, b in itertools.pairwise(mach))
        _require(rising, "cd_mach", mach, "Mach numbers from 0 up, each above the one before", fix)
        _require(all(0.0 <= value < 10.0 for value in cd), "cd", cd, "drag coefficients of 0 to 10", fix)
        beta = self.reentry_ballistic_coefficient_kg_m2
        if beta is not None:
            known = _finite(beta) and 10.0 <= beta <= 1e6
            _require(known, "reentry_ballistic_coefficient_kg_m2", beta, "10 to 1,000,000 kg/m2, or none", fix)
        _require(self.stages[0].coast_before_s == 0.0, "stages.0", "a coast before it", "none before the first", fix)
        rise, over = self.vertical_rise_s, self.pitch_over_end_s
        _require(_finite(rise) and rise >= 0.0, "vertical_rise_s", rise, "0 s or more", fix)
        if over is not None:
            _require(_finite(over) and rise < over <= self.burn_s, "pitch_over_end_s", over, "in the boost", fix)
        weight_n = G0_M_S2 * (self.payload_kg + sum(stage.fuelled_kg for stage in self.stages))
        thrust_n = self.stages[0].thrust_n
        _require(
            thrust_n > weight_n, "stages.0", f"thrust {thrust_n:.0f} N", f"more than its weight {weight_n:.0f} N", fix
        )

    @property
    def burn_s(self) -> float:
        """The whole boost, first ignition to last burn-out."""
        return sum(stage.coast_before_s + stage.burning_s for stage in self.stages)

    @property
    def ideal_speed_m_s(self) -> float:
        """The speed at the last burn-out without gravity and air, by the rocket equation."""
        speed, mass = 0.0, self.payload_kg
        for stage in reversed(self.stages):
            mass += stage.fuelled_kg
            speed += stage.isp_s * G0_M_S2 * math.log(mass / (mass - stage.propellant_kg))
        return speed


@dataclass(frozen=True)
class PackedMissiles:
    """Missiles as contiguous arrays, for kernels. Row order is that of ``missiles``."""

    missiles: tuple[Missile, ...]
    stage_count: NDArray[np.int64]  # (n,)
    stages: NDArray[np.float64]  # (n, MAX_STAGES, STAGE_COLUMNS)
    body: NDArray[np.float64]  # (n, BODY_COLUMNS)
    cd: NDArray[np.float64]  # (n, k, 5): Mach where the piece starts, four cubic coefficients in Mach from there
    can_cut_off: NDArray[np.bool_]  # (n,)
    drag_table: NDArray[np.int64]  # (n,): which of the tables below
    drag_tables: NDArray[np.float64]  # (tables, k, 3): where the curve bends, by how much; see ``_drag_jumps``


def _monotone_slopes(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slopes that keep a cubic from overshooting its data.

    Weighted harmonic means: F. N. Fritsch and J. Butland, "A method for constructing local monotone piecewise cubic
    interpolants", SIAM J. Sci. Stat. Comput. 5 (1984).
    """
    slope = np.zeros_like(y)
    width, rise = np.diff(x), np.diff(y) / np.diff(x)
    for i in range(1, len(x) - 1):
        if rise[i - 1] * rise[i] > 0.0:
            first, second = 2.0 * width[i] + width[i - 1], width[i] + 2.0 * width[i - 1]
            slope[i] = (first + second) / (first / rise[i - 1] + second / rise[i])
    return slope


def _drag_pieces(missile: Missile, count: int) -> NDArray[np.float64]:
    """Cubic pieces of drag coefficient over Mach number; unused rows start at a Mach number never reached."""
    mach, cd = np.asarray(missile.cd_mach, dtype=float), np.asarray(missile.cd, dtype=float)
    slope = _monotone_slopes(mach, cd)
    pieces = np.zeros((count, 5))
    pieces[:, 0] = NO_MACH
    pieces[0, :2] = 0.0, cd[0]
    for i in range(len(mach) - 1):
        width, rise = mach[i + 1] - mach[i], (cd[i + 1] - cd[i]) / (mach[i + 1] - mach[i])
        second = (3.0 * rise - 2.0 * slope[i] - slope[i + 1]) / width
        third = (slope[i] + slope[i + 1] - 2.0 * rise) / width**2
        pieces[i + 1] = mach[i], cd[i], slope[i], second, third
    pieces[len(mach), :2] = mach[-1], cd[-1]
    return pieces


def _drag_jumps(pieces: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same curve for kernels that look up many at once and must not branch: (k, 3).

    With d = max(Mach - m, 0): the first row's second number, plus (second + third d) d² of every other row, whose first
    number is m. Second and third are the jumps of the second derivative, halved, and of the third, over six.
    """
    rows = np.zeros((len(pieces), 3))
    rows[0] = 0.0, pieces[0, 1], 0.0
    for i in range(1, len(pieces)):
        start, before = pieces[i], pieces[i - 1]
        if start[0] < NO_MACH:
            carried = before[3] + 3.0 * before[4] * (start[0] - before[0])
            rows[i] = start[0], start[3] - carried, start[4] - before[4]
    return rows


def _shared_tables(pieces: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Each missile's table number, and the tables, equal ones once."""
    numbers: dict[bytes, int] = {}
    table = np.array([numbers.setdefault(rows.tobytes(), len(numbers)) for rows in pieces], dtype=np.int64)
    firsts = [int(np.flatnonzero(table == number)[0]) for number in range(len(numbers))]
    return table, np.stack([_drag_jumps(pieces[first]) for first in firsts])


def _stage_rows(missile: Missile) -> NDArray[np.float64]:
    rows = np.zeros((MAX_STAGES, STAGE_COLUMNS))
    ignition_s = 0.0
    for i, stage in enumerate(missile.stages):
        mass = missile.payload_kg + sum(later.fuelled_kg for later in missile.stages[i:])
        exit_m = stage.nozzle_exit_diameter_m or 0.0
        ignition_s += stage.coast_before_s
        burnout_s = ignition_s + stage.burning_s
        flow, thrust = stage.propellant_kg / stage.burning_s, stage.thrust_n
        areas = 0.25 * math.pi * exit_m**2, 0.25 * math.pi * stage.diameter_m**2
        rows[i] = ignition_s, burnout_s, mass, flow, thrust, *areas
        ignition_s = burnout_s
    return rows


def pack(missiles: Sequence[Missile]) -> PackedMissiles:
    """Missiles laid out for the kernels. Costs microseconds; pack a catalogue once and index into it."""
    _require(len(missiles) > 0, "missiles", "none", "at least one missile", "name a missile")
    pieces = max(len(missile.cd) for missile in missiles) + 1
    stages = np.stack([_stage_rows(missile) for missile in missiles])
    count = np.array([len(missile.stages) for missile in missiles], dtype=np.int64)
    body = np.zeros((len(missiles), BODY_COLUMNS))
    for i, missile in enumerate(missiles):
        burn_s = missile.burn_s
        rise_s = min(missile.vertical_rise_s, 0.25 * burn_s)
        pitch_end_s = max(missile.pitch_over_end_s or PITCH_OVER_END_FRACTION * burn_s, rise_s + 1e-3)
        beta = missile.reentry_ballistic_coefficient_kg_m2 or 0.0
        body[i] = rise_s, pitch_end_s, burn_s, stages[i, count[i] - 1, 0], beta, missile.gravity_turn, missile.ideal_speed_m_s
    drag_pieces = np.stack([_drag_pieces(missile, pieces) for missile in missiles])
    table, tables = _shared_tables(drag_pieces)
    packed = PackedMissiles(
        missiles=tuple(missiles),
        stage_count=count,
        stages=np.ascontiguousarray(stages),
        body=body,
        cd=drag_pieces,
        can_cut_off=np.array([missile.can_cut_off for missile in missiles]),
        drag_table=table,
        drag_tables=tables,
    )
    for array in (packed.stage_count, packed.stages, packed.body, packed.cd, packed.can_cut_off, table, tables):
        array.setflags(write=False)
    return packed
