"""The release decisions of a recorded run, in words, held to the agreement that they were made under."""

import json
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from detente.centre.exchange.digest import digest
from detente.centre.exchange.release import ReleaseReason
from detente.centre.exchange.rules import DATA
from detente.records.errors import InputError
from detente.records.stages import Releases
from detente.records.table import Table
from detente.scenario.agreement import Agreement, Clause, DataClass
from detente.scenario.asked import Scenario
from detente.scenario.catalogue import RadarEntry, SatelliteEntry

SETTING_FILE = "setting.json"
Stage = TypeVar("Stage", bound=Table)
WHY = {
    ReleaseReason.NO_CLAUSE: "withheld: no clause speaks of it",
    ReleaseReason.NOT_IN_FORCE: "withheld: the agreement is not in force",
    ReleaseReason.NO_ESTIMATE: "nothing to say yet",
    ReleaseReason.ONWARD: "withheld: a sensor that is not the giver's contributed",
    ReleaseReason.OWNER_WITHHELD: "withheld: a sensor whose owner does not consent contributed",
    ReleaseReason.PHASE: "withheld: not in a phase that the clause names",
    ReleaseReason.IMPACT_ELSEWHERE: "withheld: impact elsewhere, unknown, or not probable enough",
    ReleaseReason.ZONE: "withheld: outside the clause's zone, or not known to be inside",
    ReleaseReason.RANGE_CLASS: "withheld: not of the clause's class of range, or not known to be",
    ReleaseReason.RATE: "withheld: too soon after the last one",
    ReleaseReason.OVERFLOW: "shed: too many delayed messages waited",
    ReleaseReason.DELAYED: "sampled: waits for its delay to pass",
    ReleaseReason.RELEASED: "released",
}
NAMES = {int(code): name for name, code in DATA.items()}


def setting_document(scenario: Scenario, architecture: str) -> dict[str, Any]:
    """What a run notes of who took part: what its tables' indices and times mean, and the agreement it worked under."""
    agreement = scenario.agreements.get(architecture)
    return {
        "epoch": scenario.file.epoch.isoformat(),
        "sides": list(scenario.side_names),
        "sensors": [
            {
                "name": sensor.name,
                "side": scenario.side_names[sensor.side],
                "owner": sensor.owner,
                **_where(sensor.entry),
            }
            for sensor in scenario.sensors
        ],
        "agreement": None
        if agreement is None
        else {"name": agreement.name, "digest": digest(agreement), "text": agreement.model_dump(mode="json")},
    }


def _where(entry: RadarEntry | SatelliteEntry) -> dict[str, Any]:
    """What kind of sensor it is, and where a radar stands."""
    if not isinstance(entry, RadarEntry):
        return {"kind": "infrared"}
    at = entry.position
    return {"kind": "radar", "lat_deg": at.lat_deg, "lon_deg": at.lon_deg, "altitude_m": at.altitude_m}


def decisions_of(folder: Path, agreement: Agreement, *, track: str | None, limit: int) -> dict[str, Any]:
    """How often each clause released or withheld what, why, and the first decisions one by one.

    ``track`` as ``SIDE:NUMBER`` keeps those about one side's track. Raises InputError where the folder is no run's, or
    the run worked under another agreement.
    """
    setting, releases = read_setting(folder), read_stage(folder, Releases)
    noted = setting["agreement"] or {"name": "none", "digest": ""}
    if noted["digest"] != digest(agreement):
        raise InputError(
            found=f"a run under agreement {noted['name']!r}, digest {noted['digest'][:16]}…",
            expected=f"one under {agreement.name!r}, digest {digest(agreement)[:16]}…",
            remedy="explain it by the agreement that it worked under", file=str(folder),
        )  # fmt: skip
    sides, clauses = setting["sides"], [clause.name for clause in agreement.clauses]
    shared = _counted_together(agreement, np.bincount(releases.clause[releases.clause >= 0], minlength=len(clauses)))
    if track is not None:
        releases = _about(track, releases, sides)
    keys = np.stack([releases.giver, releases.receiver, releases.data, releases.clause, releases.reason], axis=1)
    kinds, counts = np.unique(keys, axis=0, return_counts=True)

    def line(row: Any) -> dict[str, Any]:
        giver, receiver, data, clause, reason = (int(value) for value in row)
        return {
            "giver": sides[giver], "receiver": sides[receiver], "data": NAMES[data],
            "clause": clauses[clause] if clause >= 0 else None, "reason": ReleaseReason(reason).name.lower(),
            "why": WHY[ReleaseReason(reason)],
        }  # fmt: skip

    sensors = [sensor["name"] for sensor in setting["sensors"]]

    def about(i: int) -> dict[str, Any]:
        number = int(first.number[i])
        named = {"sensor": sensors[number - 1]} if first.data[i] == DataClass.SENSOR_STATUS else {}
        return {"time_s": float(first.time_s[i]), "number": number, **named}

    first = releases.rows(0, min(limit, len(releases)))
    return {
        "agreement": agreement.name,
        "run": str(folder),
        "counted_together": shared,
        "counts": [line(row) | {"count": int(count)} for row, count in zip(kinds, counts, strict=True)],
        "decisions": [line(keys[i]) | about(i) for i in range(len(first))],
    }


def read_setting(folder: Path) -> dict[str, Any]:
    """What a run noted by :func:`setting_document`. Raises InputError where the folder is no run's."""
    try:
        setting = json.loads((folder / SETTING_FILE).read_text(encoding="utf-8"))
        assert {"epoch", "sides", "sensors", "agreement"} <= set(setting), "it lacks a part"
    except (OSError, ValueError, TypeError, AssertionError) as error:
        raise _no_run(folder, error) from error
    return setting


def read_stage(folder: Path, kind: type[Stage]) -> Stage:
    """One table of a run. Raises InputError where the folder is no run's."""
    try:
        return kind.from_arrow(pq.read_table(folder / f"{kind.stage}.parquet"))
    except (OSError, KeyError, pa.ArrowInvalid) as error:
        raise _no_run(folder, error) from error


def _no_run(folder: Path, error: Exception) -> InputError:
    if (folder / "study.json").exists():
        return InputError(
            found="a study's folder, which holds many worlds", expected="one world's, with all its tables",
            remedy=f"name one of its samples, {folder / 'sample'}/ARCHITECTURE", file=str(folder),
        )  # fmt: skip
    missing = isinstance(error, FileNotFoundError)
    why = f"it has no {Path(error.filename or str(error)).name}" if missing else str(error)
    return InputError(
        found=f"a folder that is no run's: {why}",
        expected=f"{SETTING_FILE} and tables, as `detente run` writes them",
        remedy="fly one with `detente run … --out DIR`", file=str(folder),
    )  # fmt: skip


def _counted_together(agreement: Agreement, decided: Any) -> list[dict[str, Any]]:
    """The clauses whose withholdings hide behind others: by these the same giver tells the same receiver the same.

    A withholding is a moment at which none of them told an object, and is put down to the one that came nearest.
    """

    def key(clause: Clause) -> tuple[str, str, str]:
        return clause.giver, clause.receiver, "track" if clause.data == "tracklet" else clause.data

    def others(clause: Clause) -> list[str]:
        return [other.name for other in agreement.clauses if other is not clause and key(other) == key(clause)]

    return [
        {"clause": clause.name, "decisions": int(count), "with": others(clause)}
        for clause, count in zip(agreement.clauses, decided, strict=True)
        if others(clause) and clause.data != "sensor-status"  # of sensors each clause is counted by itself
    ]


def _about(track: str, releases: Releases, sides: list[str]) -> Releases:
    """The decisions about one side's track. Raises InputError where there are none."""
    side, number = _track(track, sides)
    of_tracks = (releases.giver == side) & (releases.data != DataClass.SENSOR_STATUS)
    found = releases.take(of_tracks & (releases.number == number))
    if not len(found):
        numbers = releases.number[of_tracks]
        there = f"from {numbers.min()} to {numbers.max()}" if len(numbers) else "none in this run"
        raise InputError(
            found=f"--track {track!r}, about which nothing was decided",
            expected=f"a track that {sides[side]} confirmed; its numbers: {there}",
            remedy="take a number from the decisions, or from the run's tracks",
        )  # fmt: skip
    return found


def _track(said: str, sides: list[str]) -> tuple[int, int]:
    side, _, number = said.rpartition(":")
    if side not in sides or not (number.isascii() and number.isdecimal()):
        raise InputError(f"--track {said!r}", f"SIDE:NUMBER, with a side of {', '.join(sides)}", "write, say, NATO:12")
    return sides.index(side), int(number)
