"""An agreement as arrays: what the release kernel reads instead of the signed text."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from detente.records.errors import InputError
from detente.records.slots import Bytes, Floats, Ints, Masks, Phase, Slots
from detente.scenario.agreement import CLASSIFICATIONS, RANGE_CLASSES, RATES_S, Agreement, Clause, DataClass, Label
from detente.scenario.words import Box

SENSORS_MAX = 64
"""Bits in a pedigree."""

OF_TRACKS = (DataClass.LAUNCH_WARNING, DataClass.IMPACT_PREDICTION, DataClass.TRACK, DataClass.TRACKLET)
"""What is told of an object; a sensor's status is told of a sensor."""

PERIODS_S = np.array(RATES_S)
PERIODS_S.flags.writeable = False  # as all that the kernels are given

NAMED = 1 << 4
"""Of a mask of phases or classes: a clause that names them all asks that they be known, which one that names none
does not."""

IMPACT_IN = {None: 0, "receiver": 1, "giver": 2, "any-party": 3}
DATA = {data.name.lower().replace("_", "-"): data for data in DataClass}
PHASES = {phase.name.lower(): phase for phase in Phase}


@dataclass(frozen=True, kw_only=True)
class Rules(Slots):
    """One agreement between the sides of one scenario, C clauses. SI units; times since the scenario's epoch."""

    sides: int
    names: tuple[str, ...]  # (C,) of the clauses
    start_s: float  # in force from here
    end_s: float  # until just before here
    parties: Bytes  # (sides,) 1 where the side is a party
    giver: Ints  # (C,) index of the side
    receiver: Ints
    data: Bytes  # (C,) DataClass
    delay_s: Floats
    rate: Ints  # (C,) index of scenario.agreement.RATES_S
    impact_in: Bytes  # (C,) 0 anywhere, 1 receiver, 2 giver, 3 any party
    impact_probability: Floats
    phases: Bytes  # (C,) bit p set where Phase p may be spoken of, NAMED where the clause names them
    zoned: Bytes  # (C,) bit 0 set where the launch must lie in a zone, 1 the object, 2 the impact
    zones: Floats  # (C, 3, 4) those zones: south, north, west, and how far east of west, rad; 0 where none
    range_classes: Bytes  # (C,) bit k set where the k-th of RANGE_CLASSES may be spoken of, and NAMED likewise
    sensors_withheld: Masks  # (C,) bit i set where sensor i belongs to an owner that withholds
    sigma_position_m: Floats
    sigma_velocity_m_s: Floats
    grid_m: Floats
    time_step_s: Floats
    retention_s: Floats  # (C,) the receiver's to keep: inf where nothing is said
    labels: tuple[Label, ...]  # (C,)

    def __post_init__(self) -> None:
        super().__post_init__()
        assert {len(column) for column in (self.giver, self.data, self.grid_m)} == {len(self.names)}
        assert self.parties.shape == (self.sides,)

    @property
    def period_s(self) -> Floats:
        """Seconds between two turns of each clause to speak. (C,)"""
        return np.array(RATES_S)[self.rate]

    def in_force_at(self, time_s: float) -> bool:
        """True while the agreement holds."""
        return self.start_s <= time_s < self.end_s


def compile_agreement(
    agreement: Agreement | None, side_names: Sequence[str], sensor_owners: Sequence[str], epoch: datetime
) -> Rules:
    """The rules of an agreement for these sides; no agreement gives rules that release nothing.

    ``sensor_owners`` is the owner's country code of every sensor, in scenario order; ``epoch`` is the scenario's.
    Raises InputError where the agreement names a side or an owner's sensor bit that the scenario cannot hold, or asks
    for a coarsening that would be without effect.
    """
    if len(sensor_owners) > SENSORS_MAX:
        raise InputError(
            f"{len(sensor_owners)} sensors",
            f"at most {SENSORS_MAX}: a pedigree has as many bits",
            "remove some sensors",
        )
    clauses = () if agreement is None else agreement.clauses
    if agreement is not None:
        _check(agreement, side_names)
    return Rules(
        sides=len(side_names),
        names=tuple(clause.name for clause in clauses),
        start_s=0.0 if agreement is None else (agreement.valid.start - epoch).total_seconds(),
        end_s=0.0 if agreement is None else (agreement.valid.end - epoch).total_seconds(),
        parties=np.array([agreement is not None and name in agreement.parties for name in side_names], np.uint8),
        giver=np.array([list(side_names).index(clause.giver) for clause in clauses], np.int64),
        receiver=np.array([list(side_names).index(clause.receiver) for clause in clauses], np.int64),
        data=np.array([DATA[clause.data] for clause in clauses], np.uint8),
        delay_s=_floats([clause.delay_s for clause in clauses]),
        rate=np.array([clause.rate for clause in clauses], np.int64),
        impact_in=np.array([IMPACT_IN[clause.when.impact_in] for clause in clauses], np.uint8),
        impact_probability=_floats([clause.when.impact_probability for clause in clauses]),
        phases=np.array([_phase_mask(clause) for clause in clauses], np.uint8),
        zoned=np.array([_zone_mask(clause) for clause in clauses], np.uint8),
        zones=np.array([[_zone(zone) for zone in _zones(clause)] for clause in clauses], float).reshape(-1, 3, 4),
        range_classes=np.array([_range_mask(clause) for clause in clauses], np.uint8),
        sensors_withheld=np.array([_sensor_mask(clause, sensor_owners) for clause in clauses], np.uint64),
        sigma_position_m=_floats([clause.coarsen.sigma_position_m for clause in clauses]),
        sigma_velocity_m_s=_floats([clause.coarsen.sigma_velocity_m_s for clause in clauses]),
        grid_m=_floats([clause.coarsen.grid_km * 1e3 for clause in clauses]),
        time_step_s=_floats([clause.coarsen.time_s for clause in clauses]),
        retention_s=_floats([math.inf if clause.retention_s is None else clause.retention_s for clause in clauses]),
        labels=tuple(clause.label for clause in clauses),
    )


def given(values: NDArray, dtype: type) -> NDArray:
    """The same numbers, of any shape, as kernels were compiled for: contiguous, read-only, so each compiles once."""
    array = np.ascontiguousarray(values, dtype).view()
    array.flags.writeable = False
    return array


def columns_of(rules: Rules) -> tuple[NDArray, NDArray]:
    """All rules' whole numbers (C, 8) and real ones (C, 2: delay, s, and P(impact)), a clause a row, for kernels."""
    whole = (
        rules.giver, rules.receiver, rules.data, rules.impact_in, rules.phases, rules.zoned, rules.range_classes,
        rules.rate,
    )  # fmt: skip
    real = (rules.delay_s, rules.impact_probability)
    return given(np.stack(whole, axis=1), np.int64), given(np.stack(real, axis=1), np.float64)


def label_of(rules: Rules, receiver: str, clauses: NDArray[np.int64]) -> str:
    """The label of an envelope with messages under these clauses: the highest classification, for whom all may go to.

    ``clauses``: the index of each message's, any shape. An envelope without messages says nothing, and has the default
    label.
    """
    labels = [rules.labels[clause] for clause in sorted(set(clauses.tolist()))] or [Label()]
    highest = max(labels, key=lambda label: CLASSIFICATIONS.index(label.classification))
    allowed = set.intersection(*(set(label.releasable_to or (receiver,)) for label in labels))
    return f"{highest.policy} {highest.classification} RELEASABLE TO {', '.join(sorted(allowed))}"


def _floats(values: list[float]) -> NDArray[np.float64]:
    return np.array(values, np.float64)


def _check(agreement: Agreement, side_names: Sequence[str]) -> None:
    for index, party in enumerate(agreement.parties):
        if party not in side_names:
            raise InputError(
                f"agreement {agreement.name!r}: party {party!r} is no side of the scenario",
                f"one of {', '.join(side_names)}",
                "name the scenario's sides, or choose another agreement",
                path=f"parties.{index}",
            )
    for index, clause in enumerate(agreement.clauses):
        idle = idle_coarsening(clause)
        if idle:
            raise InputError(
                f"clause {clause.name!r} coarsens {idle}, which does nothing to {clause.data}",
                "a track is coarsened by sigma_position_m and sigma_velocity_m_s; launch and impact points by "
                "sigma_position_m, grid_km and time_s; a tracklet never, for it would spoil what it is fused with",
                "remove it, or coarsen what the clause releases",
                path=f"clauses.{index}.coarsen.{idle}",
            )


def idle_coarsening(clause: Clause) -> str:
    """The first coarsening that would take nothing away: a rule that looks stricter than it is deceives its signer."""
    idle = {
        DataClass.TRACK: ("grid_km", "time_s"),
        DataClass.LAUNCH_WARNING: ("sigma_velocity_m_s",),
        DataClass.IMPACT_PREDICTION: ("sigma_velocity_m_s",),
    }.get(DATA[clause.data], tuple(type(clause.coarsen).model_fields))
    return next((name for name in idle if getattr(clause.coarsen, name) > 0), "")


def _phase_mask(clause: Clause) -> int:
    named = set(clause.when.phases)
    return sum(1 << PHASES[name] for name in named or set(PHASES)) + (NAMED if named else 0)


def _zones(clause: Clause) -> tuple[Box | None, ...]:
    return clause.when.launch_zone, clause.when.object_zone, clause.when.impact_zone


def _zone_mask(clause: Clause) -> int:
    return sum(1 << place for place, zone in enumerate(_zones(clause)) if zone is not None)


def _zone(zone: Box | None) -> tuple[float, float, float, float]:
    if zone is None:
        return 0.0, 0.0, 0.0, 0.0
    width_deg = zone.east_deg - zone.west_deg
    if width_deg < 0:  # across the antimeridian
        width_deg += 360.0
    return (
        math.radians(zone.south_deg),
        math.radians(zone.north_deg),
        math.radians(zone.west_deg),
        math.radians(width_deg),
    )


def _range_mask(clause: Clause) -> int:
    named = set(clause.when.range_classes)
    return sum(1 << RANGE_CLASSES.index(name) for name in named or RANGE_CLASSES) + (NAMED if named else 0)


def _sensor_mask(clause: Clause, sensor_owners: Sequence[str]) -> int:
    """The sensors whose contribution holds a track back: of owners that withhold, or that are not among those asked."""
    consenting = clause.owners_consenting
    return sum(
        1 << index
        for index, owner in enumerate(sensor_owners)
        if owner in clause.owners_withheld or (consenting is not None and owner not in consenting)
    )
