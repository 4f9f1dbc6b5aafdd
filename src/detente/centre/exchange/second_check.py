"""A second opinion on everything that is about to leave: reads the agreement itself and shares no code with release.

Plain and slow on purpose. It knows nothing of rules, kernels or secrets, so that a mistake there cannot hide here. It
is given the messages, and the tracks and estimates they were drawn from, and says what breaks the agreement.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.records.slots import Estimates, SensorStatus, Status, Tracks
from detente.records.stages import Messages
from detente.scenario.agreement import Agreement, Clause, Condition
from detente.scenario.words import Box

SLACK_S = 1e-6
"""Times closer than this are the same: sums of steps round."""

SPHERE_M = 6_371_008.8
"""Mean radius of the Earth, (2a + b)/3 of GRS 80 (H. Moritz, "Geodetic Reference System 1980", 1980)."""

PERIODS_S = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 86400)
"""The rates at which anybody may speak; a clause's is the first that is no faster than what it says."""

STEP_RAD, STEP_M = math.radians(5), 50_000.0
"""No sector of a sensor is told in finer steps."""

SIGMAS = 8.0
"""An honest normal offset exceeds eight sigma once in 10^15 draws."""

CLASS_NAMES = {1: "launch-warning", 2: "impact-prediction", 3: "track", 4: "sensor-status", 5: "tracklet"}
PHASE_NAMES = {1: "boost", 2: "coast", 3: "reentry"}
PARTS = {
    "launch-warning": ("launch_lat_rad", "launch_lon_rad", "launch_s", "launch_sigma_m"),
    "impact-prediction": (
        "impact_lat_rad", "impact_lon_rad", "impact_s", "impact_sigma_s", "impact_covariance_m2",
    ),
    "track": ("state", "covariance"),
    "tracklet": ("state", "covariance"),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What the giver knew at one moment, before any release."""

    tracks: Tracks
    estimates: Estimates
    sensors: SensorStatus | None = None  # of its own sensors; None: it could say nothing of them


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Who is who: all that the agreement's words refer to."""

    agreement: Agreement | None
    side_names: tuple[str, ...]
    sensor_owners: tuple[str, ...]  # country code of every sensor's owner, in scenario order
    sensor_sides: tuple[int, ...]  # side that hears each sensor
    epoch: datetime

    @cached_property
    def agreement_text(self) -> str:
        """The agreement as JSON; empty where there is none."""
        return "" if self.agreement is None else self.agreement.model_dump_json()


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One way in which one message breaks the agreement."""

    row: int  # of the messages
    rule: str
    text: str


@dataclass(frozen=True)
class _Case:
    """One message with the clause it invokes and the track it speaks of."""

    told: dict[str, Any]
    clause: Clause
    snapshot: Snapshot
    row: int
    slot: int

    def knew(self, name: str) -> NDArray[np.float64]:
        """What the giver's own column held."""
        return getattr(self.snapshot.estimates, name)[self.row, self.slot]


def check(
    messages: Messages, history: Sequence[Snapshot], setting: Setting, giver: int, earlier: Messages | None = None
) -> list[Violation]:
    """Every breach of the agreement in what ``giver`` is about to say; an empty list where there is none.

    ``history`` holds a snapshot for every moment that the messages speak of; ``earlier`` what was said before, for the
    rate and for offsets (of each object the last by each clause is enough, with the snapshot of its moment).
    """
    moments = {float(snapshot.tracks.time_s): snapshot for snapshot in history}
    found, offsets = [], _offsets_told(messages, earlier or Messages.empty(), moments, setting)
    for row in range(len(messages)):
        told = {name: getattr(messages, name)[row] for name, _ in messages.columns()}
        for rule, text in _faults(told, moments, setting, giver, offsets):
            found.append(Violation(row=row, rule=rule, text=text))
    return found + _rate_faults(messages, earlier or Messages.empty(), setting)


def _faults(
    told: dict[str, Any], moments: dict[float, Snapshot], setting: Setting, giver: int, offsets: dict
) -> Iterator[tuple[str, str]]:
    agreement = setting.agreement
    if agreement is None:
        yield "closed", "there is no agreement, so nothing may leave"
        return
    if not 0 <= told["clause"] < len(agreement.clauses):
        yield "closed", f"no clause {told['clause']} stands in the agreement"
        return
    clause = agreement.clauses[int(told["clause"])]
    yield from _address_faults(told, clause, setting, giver)
    yield from _time_faults(told, clause, setting)
    snapshot = moments.get(float(told["valid_s"]))
    if snapshot is None:
        yield "source", f"speaks of {told['valid_s']} s, of which no picture was kept"
        return
    if clause.data == "sensor-status":
        yield from _status_faults(told, clause, snapshot, setting, giver)
        return
    slot = _confirmed_slot(told, snapshot)
    if slot is None:
        yield "source", f"speaks of track {told['number']}, which was not a confirmed track"
        return
    case = _Case(told, clause, snapshot, int(told["replicate"]), slot)
    yield from _pedigree_faults(case, setting, giver)
    yield from _condition_faults(case, agreement, setting)
    yield from _content_faults(case)
    yield from _constancy_faults(case, offsets)


def _confirmed_slot(told: dict[str, Any], snapshot: Snapshot) -> int | None:
    """Where the one confirmed track stands that a message speaks of."""
    row = int(told["replicate"])
    slots = np.flatnonzero((snapshot.tracks.number[row] == told["number"]) & (snapshot.tracks.status[row] > 0))
    if told["number"] < 1 or len(slots) != 1 or snapshot.tracks.status[row, slots[0]] != Status.CONFIRMED:
        return None
    return int(slots[0])


def _status_faults(
    told: dict[str, Any], clause: Clause, snapshot: Snapshot, setting: Setting, giver: int
) -> Iterator[tuple[str, str]]:  # fmt: skip
    """A word about one sensor: the giver's, its owner consenting, no finer than the public steps, and true."""
    row, sensor = int(told["replicate"]), int(told["number"]) - 1
    if not 0 <= sensor < len(setting.sensor_sides) or setting.sensor_sides[sensor] != giver:
        yield "onward", f"sensor {sensor} is not the giver's"
        return
    owner, consenting = setting.sensor_owners[sensor], clause.owners_consenting
    if owner in clause.owners_withheld or not (consenting is None or owner in consenting):
        yield "owner", f"{owner} does not consent to what is said of its sensor {sensor}"
    if clause.when != Condition():
        yield "conditions", f"clause {clause.name!r} asks of an object, and a sensor is none"
    if int(told["sensors"]) != 1 << sensor:
        yield "pedigree", "the sensor named is not the one spoken of"
    stray = [name for names in PARTS.values() for name in names if name != "state" and np.any(told[name] != 0)]
    if stray or told["launch_valid"] or told["impact_valid"] or told["coarsened"]:
        yield "content", "carries more than a sensor's status"
    if snapshot.sensors is None or int(snapshot.sensors.state[row, sensor]) != int(told["phase"]):
        yield "content", "the stated status is not the sensor's"
        return
    sector = [float(value) for value in told["state"]]
    if sector != [*(float(value) for value in snapshot.sensors.sector[row, sensor]), 0.0]:
        yield "content", "the stated sector is not the declared one"
    steps = [sector[0] / STEP_RAD, sector[2] / STEP_RAD, sector[3] / STEP_RAD, sector[4] / STEP_M]
    if abs(sector[1] - math.pi) > 1e-9:  # all round is no edge
        steps.append(sector[1] / STEP_RAD)
    if not all(_whole(step) for step in steps):
        yield "coarsening", "the stated sector is finer than the public steps"


def _address_faults(
    told: dict[str, Any], clause: Clause, setting: Setting, giver: int
) -> Iterator[tuple[str, str]]:  # fmt: skip
    if told["giver"] != giver or setting.side_names[giver] != clause.giver:
        yield "giver", f"clause {clause.name!r} speaks of what {clause.giver} gives"
    if not 0 <= told["receiver"] < len(setting.side_names) or (
        setting.side_names[int(told["receiver"])] != clause.receiver
    ):
        yield "receiver", f"clause {clause.name!r} releases to {clause.receiver} alone"
    if CLASS_NAMES.get(int(told["data"])) != clause.data:
        yield "class", f"clause {clause.name!r} releases {clause.data} alone"


def _time_faults(told: dict[str, Any], clause: Clause, setting: Setting) -> Iterator[tuple[str, str]]:
    agreement = setting.agreement
    assert agreement is not None
    for name in ("valid_s", "released_s"):
        if not agreement.holds_at(setting.epoch + timedelta(seconds=float(told[name]))):
            yield "force", f"{name} {told[name]} is outside the agreement's validity"
    if told["released_s"] < told["valid_s"] + clause.delay_s - SLACK_S:
        yield "delay", f"left {told['released_s'] - told['valid_s']} s after its moment, not {clause.delay_s} s"


def _pedigree_faults(case: _Case, setting: Setting, giver: int) -> Iterator[tuple[str, str]]:
    pedigree = int(case.snapshot.tracks.sensors[case.row, case.slot])
    if int(case.told["sensors"]) != pedigree:
        yield "pedigree", "the stated pedigree is not the track's"
    for index in range(64):
        if not pedigree >> index & 1:
            continue
        if index >= len(setting.sensor_owners) or setting.sensor_sides[index] != giver:
            yield "onward", f"sensor {index} is not the giver's, and nothing is passed on"
            continue
        owner, consenting = setting.sensor_owners[index], case.clause.owners_consenting
        if owner in case.clause.owners_withheld or not (consenting is None or owner in consenting):
            yield "owner", f"{owner} does not consent to what its sensor {index} contributed"


def _condition_faults(case: _Case, agreement: Agreement, setting: Setting) -> Iterator[tuple[str, str]]:
    when = case.clause.when
    phase = PHASE_NAMES.get(int(case.snapshot.tracks.phase[case.row, case.slot]), "none")
    if when.phases and phase not in when.phases:
        yield "phase", f"in phase {phase}, not {' or '.join(when.phases)}"
    yield from _zone_faults(case)
    yield from _range_faults(case)
    if when.impact_in is None:
        return
    parties = {"receiver": (case.clause.receiver,), "giver": (case.clause.giver,), "any-party": agreement.parties}
    threat = case.knew("threat_probability")
    named = set(parties[when.impact_in])
    likely = sum(float(threat[i]) for i, name in enumerate(setting.side_names) if name in named)
    if not case.knew("impact_valid") or likely < when.impact_probability - 1e-12:
        yield "impact", f"impact in {when.impact_in} has probability {likely:.3g}, below {when.impact_probability}"


def _zone_faults(case: _Case) -> Iterator[tuple[str, str]]:
    when = case.clause.when
    for what, zone in (("launch", when.launch_zone), ("impact", when.impact_zone)):
        if zone is None:
            continue
        if not case.knew(f"{what}_valid"):
            yield "zone", f"no {what} was estimated, and the clause asks where it is"
        elif not _in_box(math.degrees(case.knew(f"{what}_lat_rad")), math.degrees(case.knew(f"{what}_lon_rad")), zone):
            yield "zone", f"the {what} lies outside the zone"
    if when.object_zone is not None:
        lat_deg, lon_deg = _below(case.snapshot.tracks.mean[case.row, case.slot])
        if not _in_box(lat_deg, lon_deg, when.object_zone):
            yield "zone", f"the object is over {lat_deg:.4f}°, {lon_deg:.4f}°, outside the zone"


def _range_faults(case: _Case) -> Iterator[tuple[str, str]]:
    allowed = case.clause.when.range_classes
    if not allowed:
        return
    if not (case.knew("launch_valid") and case.knew("impact_valid")):
        yield "range", "launch or impact is unknown, and the clause asks how far the flight goes"
        return
    ends = [(float(case.knew(f"{end}_lat_rad")), float(case.knew(f"{end}_lon_rad"))) for end in ("launch", "impact")]
    km = _distance_m(*ends) / 1000
    bounds = {"short": (0, 1000), "medium": (1000, 3000), "intermediate": (3000, 5500), "intercontinental": (5500, 1e9)}
    if not any(bounds[name][0] - 1e-6 <= km <= bounds[name][1] + 1e-6 for name in allowed):
        yield "range", f"a flight of {km:.0f} km is not {' or '.join(allowed)}"


def _content_faults(case: _Case) -> Iterator[tuple[str, str]]:
    told, data = case.told, case.clause.data
    for other, names in PARTS.items():
        if any(name not in PARTS.get(data, ()) and told[name].any() for name in names):
            yield "content", f"carries parts of {other}"
    stated = (int(told["launch_valid"]), int(told["impact_valid"]))
    if stated != (int(data == "launch-warning"), int(data == "impact-prediction")):
        yield "content", "states a launch or an impact that its class does not carry, or leaves its own out"
    if int(told["phase"]) != int(case.snapshot.tracks.phase[case.row, case.slot]):
        yield "content", "the stated phase is not the track's"
    coarsening = case.clause.coarsen
    if bool(told["coarsened"]) != any(amount > 0 for _, amount in coarsening):
        yield "coarsening", "the coarsened flag does not say what the clause says"
    if data in ("track", "tracklet"):
        yield from _state_faults(case)
    elif data in PARTS:
        yield from _point_faults(case, data.split("-")[0])


def _state_faults(case: _Case) -> Iterator[tuple[str, str]]:
    """Offsets within eight sigma, there where they must be, and variances that own up to them."""
    tracks, coarsen = case.snapshot.tracks, case.clause.coarsen
    sigma = np.repeat([coarsen.sigma_position_m, coarsen.sigma_velocity_m_s], 3)
    moved = np.asarray(case.told["state"]) - tracks.mean[case.row, case.slot]
    if not sigma.any() and moved.any():
        yield "content", "the state is not the track's"
        return
    if np.any((sigma > 1e-6) & (moved == 0)):
        yield "coarsening", "the state was not moved"
    if np.any(np.abs(moved) > SIGMAS * sigma + 1e-6 * (sigma > 0)):
        yield "coarsening", "the state was moved further than the clause says"
    least = tracks.covariance[case.row, case.slot] + np.diag(sigma**2)
    stated, index = np.zeros((6, 6)), 0
    for i in range(6):
        for j in range(i + 1):
            stated[i, j] = stated[j, i] = case.told["covariance"][index]
            index += 1
    if np.any(np.abs(stated - least) > 1e-9 * np.sqrt(np.outer(np.diag(least), np.diag(least)))):
        yield "coarsening", "the covariance is not the track's with the added variance"


def _point_faults(case: _Case, what: str) -> Iterator[tuple[str, str]]:
    """A launch or impact point: on the grid, near enough, and with variances that own up to the coarsening."""
    told, coarsen = case.told, case.clause.coarsen
    if not case.knew(f"{what}_valid"):
        yield "source", f"no {what} was estimated"
    grid_m, sigma_m, step_s = coarsen.grid_km * 1000, coarsen.sigma_position_m, coarsen.time_s
    place = (float(told[f"{what}_lat_rad"]), float(told[f"{what}_lon_rad"]))
    knew = (float(case.knew(f"{what}_lat_rad")), float(case.knew(f"{what}_lon_rad")))
    if grid_m == 0 and sigma_m == 0 and place != knew:
        yield "content", f"the {what} point is not the estimate's"
    if sigma_m > 0 and place == knew:
        yield "coarsening", f"the {what} point was not moved"
    if grid_m > 0 and not _on_grid(*place, grid_m):
        yield "coarsening", f"the {what} point is not on the {coarsen.grid_km} km grid"
    if (grid_m > 0 or sigma_m > 0) and _distance_m(place, knew) > 2 * SIGMAS * sigma_m + 3 * grid_m:
        yield "coarsening", f"the {what} point was moved further than the clause says"
    late = float(told[f"{what}_s"]) - float(case.knew(f"{what}_s"))
    if abs(late) > step_s * (1 + 1e-9) or (step_s > 0 and not _whole(float(told[f"{what}_s"]) / step_s)):
        yield "coarsening", f"the {what} time is not the estimate's in steps of {step_s} s"
    yield from _spread_faults(case, what, sigma_m**2 + grid_m**2 / 6, step_s**2 / 6)


def _spread_faults(case: _Case, what: str, added_m2: float, added_s2: float) -> Iterator[tuple[str, str]]:
    told = case.told
    if what == "launch":
        pairs = [(told["launch_sigma_m"] ** 2, case.knew("launch_sigma_m") ** 2, added_m2)]
    else:
        stated, knew = told["impact_covariance_m2"], case.knew("impact_covariance_m2")
        pairs = [(stated[0], knew[0], added_m2), (stated[2], knew[2], added_m2), (stated[1], knew[1], 0.0)]
        pairs.append((told["impact_sigma_s"] ** 2, case.knew("impact_sigma_s") ** 2, added_s2))
    for stated, knew, added in pairs:
        if added == 0 and abs(stated - knew) > 1e-9 * abs(knew):
            yield "content", f"the {what} spread is not the estimate's"
        if stated < (knew + added) - 1e-9 * abs(knew + added):
            yield "coarsening", f"the {what} spread does not own up to the coarsening"


def _offsets_told(
    messages: Messages, earlier: Messages, moments: dict[float, Snapshot], setting: Setting
) -> dict:  # fmt: skip
    """The offsets of these messages' objects in the first message about each that was told before.

    As far as the picture of its moment is still known.
    """
    offsets: dict = {}
    clauses = () if setting.agreement is None else setting.agreement.clauses
    coarse = {index for index, clause in enumerate(clauses) if any(amount for _, amount in clause.coarsen)}
    asked = {key for key in _subjects(messages) if key[2] in coarse}
    for row, key in enumerate(_subjects(earlier)):
        if key not in asked:
            continue
        told = {name: getattr(earlier, name)[row] for name, _ in earlier.columns()}
        snapshot = moments.get(float(told["valid_s"]))
        slot = None if snapshot is None else _confirmed_slot(told, snapshot)
        if snapshot is not None and slot is not None:
            asked.remove(key)
            list(_constancy_faults(_Case(told, clauses[key[2]], snapshot, key[0], slot), offsets))
    return offsets


def _subjects(messages: Messages) -> list[tuple[int, int, int]]:
    """(replicate, track, clause) of each message."""
    columns = messages.replicate.tolist(), messages.number.tolist(), messages.clause.tolist()
    return list(zip(*columns, strict=True))


def _constancy_faults(case: _Case, offsets: dict) -> Iterator[tuple[str, str]]:
    """Offsets that changed from one message to the next could be averaged away."""
    moved = _moved(case)
    if moved is None:
        return
    first = offsets.setdefault((case.row, int(case.told["number"]), case.clause.name), moved)
    if np.any(np.abs(moved - first) > (1e-6 if len(moved) > 1 else 1e-3)):
        yield "coarsening", "the offset is not the same in each message about this track"


def _moved(case: _Case) -> NDArray[np.float64] | None:
    """By how much a message is off: a state's six numbers, or the metres of a point; None where that may change.

    Points on a grid are off by a constant and a rounding.
    """
    coarsen, data = case.clause.coarsen, case.clause.data
    if data == "track" and coarsen.sigma_position_m + coarsen.sigma_velocity_m_s > 0:
        return np.asarray(case.told["state"]) - case.snapshot.tracks.mean[case.row, case.slot]
    if data in ("launch-warning", "impact-prediction") and coarsen.sigma_position_m > 0 and coarsen.grid_km == 0:
        what = data.split("-")[0]
        told = float(case.told[f"{what}_lat_rad"]), float(case.told[f"{what}_lon_rad"])
        knew = float(case.knew(f"{what}_lat_rad")), float(case.knew(f"{what}_lon_rad"))
        return np.array([_distance_m(told, knew)])
    return None


def _rate_faults(messages: Messages, earlier: Messages, setting: Setting) -> list[Violation]:
    if setting.agreement is None:
        return []
    spoken: dict[tuple[int, int, int], list[tuple[float, int]]] = {}
    for row, table in ((-1, earlier), (0, messages)):
        for i in range(len(table)):
            key = (int(table.replicate[i]), int(table.number[i]), int(table.clause[i]))
            spoken.setdefault(key, []).append((float(table.valid_s[i]), i if row == 0 else -1))
    found = []
    for (_, number, clause), moments in spoken.items():
        if not 0 <= clause < len(setting.agreement.clauses):
            continue
        every_s = min(period for period in PERIODS_S if period >= setting.agreement.clauses[clause].every_s)
        moments.sort()
        for (before_s, first), (after_s, second) in pairwise(moments):
            if after_s - before_s < every_s - SLACK_S and max(first, second) >= 0:
                text = f"track {number} was told {after_s - before_s} s apart, not {every_s} s"
                found.append(Violation(row=max(first, second), rule="rate", text=text))
    return found


def _whole(number: float) -> bool:
    return abs(number - round(number)) < 1e-6 + 1e-14 * abs(number)


def _on_grid(lat_rad: float, lon_rad: float, grid_m: float) -> bool:
    """True on the public grid: 2·⌊πR/2g⌋ steps of latitude from pole to pole; ⌊2πR·cos(lat)/g⌋ steps of longitude."""
    pairs = max(1, math.floor(math.pi * SPHERE_M / (2 * grid_m)))
    # The last bits of a parallel's cosine may decide how many meridians fit; either neighbour's count is a true grid.
    around = 2 * math.pi * SPHERE_M * math.cos(lat_rad) / grid_m
    counts = {max(1, math.floor(around * (1 + nudge))) for nudge in (-1e-12, 0.0, 1e-12)}
    on_meridian = any(_whole(lon_rad * count / (2 * math.pi)) for count in counts)
    return _whole(lat_rad * 2 * pairs / math.pi) and on_meridian


def _in_box(lat_deg: float, lon_deg: float, box: Box) -> bool:
    """True in a box of latitude and longitude, or within a tenth of a millimetre of it."""
    slack = 1e-9
    width = box.east_deg - box.west_deg + (360 if box.east_deg < box.west_deg else 0)
    east = (lon_deg - box.west_deg + slack) % 360
    return box.south_deg - slack <= lat_deg <= box.north_deg + slack and east <= width + 2 * slack


def _below(state: NDArray[np.float64]) -> tuple[float, float]:
    """Geodetic latitude and longitude, degrees, of an ECEF state, by plain iteration on WGS 84."""
    x, y, z = (float(value) for value in state[:3])
    squash = 0.0066943799901413165  # first eccentricity squared
    around, lat = math.hypot(x, y), math.atan2(z, math.hypot(x, y))
    for _ in range(30):
        normal = 6_378_137 / math.sqrt(1 - squash * math.sin(lat) ** 2)
        lat = math.atan2(z + squash * normal * math.sin(lat), around)
    return math.degrees(lat), math.degrees(math.atan2(y, x))


def _distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Great-circle distance on the mean sphere, by haversines."""
    (lat_a, lon_a), (lat_b, lon_b) = one, other
    half = math.sin((lat_b - lat_a) / 2) ** 2
    half += math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * SPHERE_M * math.asin(min(1.0, math.sqrt(half)))
