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
from detente.scenario.agreement import Agreement
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
    if track is not None:
        side, number = _track(track, sides)
        releases = releases.take((releases.giver == side) & (releases.number == number))
    keys = np.stack([releases.giver, releases.receiver, releases.data, releases.clause, releases.reason], axis=1)
    kinds, counts = np.unique(keys, axis=0, return_counts=True)

    def line(row: Any) -> dict[str, Any]:
        giver, receiver, data, clause, reason = (int(value) for value in row)
        return {
            "giver": sides[giver], "receiver": sides[receiver], "data": NAMES[data],
            "clause": clauses[clause] if clause >= 0 else None, "reason": ReleaseReason(reason).name.lower(),
            "why": WHY[ReleaseReason(reason)],
        }  # fmt: skip

    first = releases.rows(0, min(limit, len(releases)))
    return {
        "agreement": agreement.name,
        "run": str(folder),
        "counts": [line(row) | {"count": int(count)} for row, count in zip(kinds, counts, strict=True)],
        "decisions": [
            line(keys[i]) | {"time_s": float(first.time_s[i]), "number": int(first.number[i])}
            for i in range(len(first))
        ],
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
    return InputError(
        found=f"a folder that is no run's: {error}",
        expected=f"{SETTING_FILE} and tables, as `detente run` writes them",
        remedy="fly one with `detente run … --out DIR`", file=str(folder),
    )  # fmt: skip


def _track(said: str, sides: list[str]) -> tuple[int, int]:
    side, _, number = said.rpartition(":")
    if side not in sides or not number.isdigit():
        raise InputError(f"--track {said!r}", f"SIDE:NUMBER, with a side of {', '.join(sides)}", "write, say, NATO:12")
    return sides.index(side), int(number)
