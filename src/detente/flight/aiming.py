"""Launch here, land there: the farthest a missile reaches, and the launch that hits an aim."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.flight import _kernels_aim as kernels
from detente.flight import search
from detente.flight.flags import Flag
from detente.flight.frozen import freeze
from detente.flight.trajectory import (
    ONE_METRE_TOLERANCE_M,
    TOLERANCE_M,
    check_tolerance,
    good_launches,
    launch_rows,
)
from detente.flight.vehicle import PackedMissiles
from detente.records.errors import InputError

SOLVED_M = 10.0
EXACT_TOLERANCE_M = 1e-3
PLANNED_CUTOFFS = 12
EARLIEST_CUTOFF_FRACTION = 0.15
"""The earliest planned cut-off, as a share of the last stage's burn."""
PLAN_LATITUDE_RAD = 0.7
"""Plans are made for a still Earth from here, eastward; what rotation adds, the solver finds."""


class Mode(IntEnum):
    """How a missile comes to fly less far than it could."""

    CUT_OFF = kernels.CUT_OFF
    """Its last motor is stopped early, at the pitch that needs least burn; lofted where that cannot be."""
    LOFTED = kernels.LOFTED
    """Full burn, steeper than the best pitch."""
    DEPRESSED = kernels.DEPRESSED
    """Full burn, flatter than the best pitch."""


@dataclass(frozen=True)
class Reaches:
    """The longest range of each launch site, missile and azimuth. Rows whose ``flag`` is not OK hold zeros."""

    range_m: NDArray[np.float64]
    pitch_final_rad: NDArray[np.float64]
    flag: NDArray[np.uint8]


@dataclass(frozen=True)
class LaunchPlans:
    """For each missile, the best pitch and the range for a ladder of cut-off times, over an Earth that stands still."""

    packed: PackedMissiles
    table: NDArray[np.float64]  # (n, 3, k): cut-off s, final pitch rad, range m

    @property
    def longest_range_m(self) -> NDArray[np.float64]:
        """At full burn and the best pitch, one for each missile, (n,)."""
        return self.table[:, 2, -1]


@dataclass(frozen=True)
class Launches:
    """One row per aim. Rows whose ``flag`` is not OK hold zeros but for ``shortfall_m`` and ``flights_flown``."""

    azimuth_rad: NDArray[np.float64]
    pitch_final_rad: NDArray[np.float64]
    cutoff_s: NDArray[np.float64]
    miss_m: NDArray[np.float64]
    shortfall_m: NDArray[np.float64]  # UNREACHABLE: above 0 the aim is that much too far, below 0 too close
    flight_time_s: NDArray[np.float64]
    flights_flown: NDArray[np.float64]
    flag: NDArray[np.uint8]


def max_range(
    packed: PackedMissiles,
    missile_index: ArrayLike,
    latitude_rad: ArrayLike,
    longitude_rad: ArrayLike,
    azimuth_rad: ArrayLike,
    cutoff_s: ArrayLike = np.inf,
    *,
    ballistic_coefficient_kg_m2: ArrayLike | None = None,
    rotation: bool = True,
    drag: bool = True,
) -> Reaches:
    """How far a missile can go in a direction, and the final pitch that takes it there.

    All arguments (n,) or scalars, broadcast. A scan and a golden section over the one free pitch: the pitch is good to
    a few hundredths of a degree, the range to a few metres. A flight that need not come down is flagged NEVER_LANDS.
    """
    given, missile = launch_rows(
        packed, missile_index, latitude_rad, longitude_rad, azimuth_rad, cutoff_s, beta=ballistic_coefficient_kg_m2
    )
    launches = np.insert(given, kernels.AT_PITCH, 0.5, axis=1)
    reach, pitch = search.farthest(search.Fly(packed, rotation, drag, TOLERANCE_M), launches, missile)
    flag = np.where(reach >= kernels.BEYOND_M, Flag.NEVER_LANDS, np.where(reach > 0.0, Flag.OK, Flag.GROUND_IN_BOOST))
    flag = np.where(good_launches(packed, launches, missile), flag, Flag.BAD_INPUT).astype(np.uint8)
    reach[flag != 0] = 0.0
    pitch[flag != 0] = 0.0
    freeze(reach, pitch, flag)
    return Reaches(reach, pitch, flag)


def launch_plans(packed: PackedMissiles, *, drag: bool = True) -> LaunchPlans:
    """Best pitch for each cut-off of each missile: some tens of milliseconds a missile, once for a catalogue."""
    count = len(packed.missiles)
    ignition, burnout = packed.body[:, 3], packed.body[:, 2]
    share = np.linspace(EARLIEST_CUTOFF_FRACTION, 1.0, PLANNED_CUTOFFS)
    cutoff = ignition[:, None] + share * (burnout - ignition)[:, None]
    index = np.repeat(np.arange(count), PLANNED_CUTOFFS)
    reaches = max_range(
        packed, index, PLAN_LATITUDE_RAD, 0.0, 0.5 * np.pi, cutoff.ravel(), rotation=False, drag=drag
    )  # fmt: skip
    table = np.empty((count, 3, PLANNED_CUTOFFS))
    table[:, 0] = cutoff
    table[:, 1] = reaches.pitch_final_rad.reshape(count, -1)
    # A missile that can leave the Earth reaches everywhere: its plan ends half-way round.
    table[:, 2] = np.where(reaches.flag == 1, kernels.BEYOND_M, reaches.range_m).reshape(count, -1)
    table[:, 2] = np.maximum.accumulate(table[:, 2], axis=1) + 1e-3 * np.arange(PLANNED_CUTOFFS)
    freeze(table)
    return LaunchPlans(packed, table)


def solve_launch(
    packed: PackedMissiles,
    missile_index: ArrayLike,
    latitude_rad: ArrayLike,
    longitude_rad: ArrayLike,
    aim_latitude_rad: ArrayLike,
    aim_longitude_rad: ArrayLike,
    *,
    mode: ArrayLike = Mode.CUT_OFF,
    plans: LaunchPlans | None = None,
    ballistic_coefficient_kg_m2: ArrayLike | None = None,
    tolerance_m: float = SOLVED_M,
    rotation: bool = True,
    drag: bool = True,
) -> Launches:
    """The azimuth, pitch and cut-off that bring a missile from its pad down on its aim.

    All arguments (n,) or scalars, broadcast; aims at height 0. ``tolerance_m`` is numerical: how near the computed
    impact comes to the aim, not how well a missile would. Give ``plans`` to spare their making. An aim out of reach
    is flagged UNREACHABLE with the distance by which it is. Raises InputError for a mode that is none, and for plans
    of other missiles.
    """
    rows, missile = launch_rows(
        packed, missile_index, latitude_rad, longitude_rad, aim_latitude_rad, aim_longitude_rad, mode,
        beta=ballistic_coefficient_kg_m2,
    )  # fmt: skip
    modes = rows[:, 4].astype(np.int64)
    if not np.isin(modes, list(Mode)).all():
        raise InputError(f"modes {set(modes.tolist())}", "CUT_OFF 0, LOFTED 1 or DEPRESSED 2", "use aiming.Mode")
    if plans is None:
        plans = launch_plans(packed, drag=drag)
    if plans.packed is not packed:
        raise InputError("plans of other missiles", "plans of these missiles", "make them with launch_plans(packed)")
    # Flights are flown as exactly as the search needs them: the same as ``fly_out`` flies them by default, for 10 m.
    fine = ONE_METRE_TOLERANCE_M if tolerance_m >= 1.0 else EXACT_TOLERANCE_M
    flown_m = TOLERANCE_M if tolerance_m >= SOLVED_M else fine
    fly = search.Fly(packed, rotation, drag, flown_m)
    answers, flag = search.solve(fly, search.Aims(rows, missile, plans.table[missile], check_tolerance(tolerance_m)))
    values = [np.ascontiguousarray(answers[:, column]) for column in range(kernels.ANSWERS)]
    freeze(*values, flag)
    return Launches(*values, flag=flag)
