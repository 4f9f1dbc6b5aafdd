"""Tracks as CCSDS orbit data (502.0-B-3): Orbit Ephemeris Messages and Orbit Comprehensive Messages.

Kilometres and kilometres a second on the wire, metres here; Earth-fixed axes; covariance as lower triangle by rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detente.centre.picture.identity import track_name
from detente.gateway.ccsds.kvn import FRAME, FRAMES, Block, Line, Message, header, parse, stamp
from detente.records.stages import TrackHistory

KM = 1e-3
TERMS = 21


@dataclass(frozen=True, kw_only=True)
class Ephemeris:
    """One object's states over time, in ECEF."""

    name: str
    time_s: NDArray[np.float64]  # (n,) since the epoch it was read or written with
    state: NDArray[np.float64]  # (n, 6) m, m/s
    covariance: NDArray[np.float64]  # (n, 21) lower triangle by rows, m², m²/s, m²/s²; NaN-free: 0 where not given


def of_tracks(tracks: TrackHistory, side: int, side_names: Sequence[str]) -> list[Ephemeris]:
    """Each line of one side's picture, in order of giver and number; a replicate at a time."""
    mine = tracks.take(tracks.side == side)
    order = np.lexsort((mine.time_s, mine.number, mine.giver, mine.replicate))
    mine = mine.take(order)
    keys = np.stack([mine.replicate, mine.giver, mine.number], axis=1)
    edges = [0, *(np.flatnonzero(np.any(np.diff(keys, axis=0) != 0, axis=1)) + 1), len(mine)]
    found = []
    for first, last in pairwise(edges if len(mine) else []):
        part = mine.rows(int(first), int(last))
        found.append(
            Ephemeris(
                name=track_name(side_names[int(part.giver[0])], int(part.number[0])), time_s=part.time_s,
                state=np.concatenate([part.position_ecef_m, part.velocity_ecef_m_s], axis=1),
                covariance=part.covariance,
            )
        )  # fmt: skip
    return found


def write_oem(ephemerides: Sequence[Ephemeris], originator: str, epoch: datetime, created: datetime) -> str:
    """An Orbit Ephemeris Message, version 2.0 in form, a segment an object."""
    lines = header("OEM", "2.0", originator, created)
    for one in ephemerides:
        lines += [
            "", "META_START", f"OBJECT_NAME = {one.name}", f"OBJECT_ID = {one.name}", "CENTER_NAME = EARTH",
            f"REF_FRAME = {FRAME}", "TIME_SYSTEM = UTC", f"START_TIME = {stamp(epoch, float(one.time_s[0]))}",
            f"STOP_TIME = {stamp(epoch, float(one.time_s[-1]))}", "META_STOP", "",
        ]  # fmt: skip
        lines += [f"{stamp(epoch, float(t))} {_numbers(row)}" for t, row in zip(one.time_s, one.state, strict=True)]
        lines += ["", "COVARIANCE_START"]
        for t, terms in zip(one.time_s, one.covariance, strict=True):
            lines += [f"EPOCH = {stamp(epoch, float(t))}", f"COV_REF_FRAME = {FRAME}"]
            lines += [_numbers(terms[i * (i + 1) // 2 : (i + 1) * (i + 2) // 2], KM * KM) for i in range(6)]
        lines += ["COVARIANCE_STOP"]
    return "\n".join(lines) + "\n"


def read_oem(text: str, epoch: datetime, file: str = "") -> list[Ephemeris]:
    """The objects of an Orbit Ephemeris Message, in Earth-fixed axes and UTC. Raises InputError with the line."""
    message = parse(text, file, "OEM")
    found: list[Ephemeris] = []
    meta: Block | None = None
    for block in message.blocks:
        if block.name == "META":
            message.require(block.words, block.start, TIME_SYSTEM=("UTC",), CENTER_NAME=("EARTH",), REF_FRAME=FRAMES)
            meta = block
        elif block.name == "" and meta is not None:
            times, rows = _timed(message, block.rows, 6, epoch)
            name = message.value(meta.words, "OBJECT_NAME", meta.start)
            empty = np.zeros((len(times), TERMS))
            found.append(Ephemeris(name=name, time_s=times, state=rows[:, :6] / KM, covariance=empty))
        elif block.name == "COVARIANCE" and found:
            found[-1] = _with_covariance(message, block, found[-1], epoch)
    return found


def _with_covariance(message: Message, block: Block, one: Ephemeris, epoch: datetime) -> Ephemeris:
    """An object with the matrices of a COVARIANCE block laid to the states of the same moments."""
    at: dict[float, list[float]] = {}
    terms: list[float] = []
    for line in (*block.words.values(), *block.rows):
        pair = line.pair
        if pair is not None and pair[0] == "EPOCH":
            terms = at.setdefault((message.moment(pair[1], line) - epoch).total_seconds(), [])
        elif pair is not None:
            message.require({pair[0]: line}, line, COV_REF_FRAME=FRAMES)
        else:
            terms += [message.number(word, line) for word in line.text.split()]
    for time_s, matrix in at.items():
        if len(matrix) != TERMS:
            raise message.refused(block.start, f"{len(matrix)} terms of a covariance at {time_s} s", f"{TERMS} terms")
    covariance = np.zeros_like(one.covariance)
    for i, time_s in enumerate(one.time_s):
        if float(time_s) in at:
            covariance[i] = np.array(at[float(time_s)]) / (KM * KM)
    return Ephemeris(name=one.name, time_s=one.time_s, state=one.state, covariance=covariance)


def write_ocm(one: Ephemeris, originator: str, epoch: datetime, created: datetime) -> str:
    """An Orbit Comprehensive Message of one object: trajectory and covariance, times since EPOCH_TZERO."""
    lines = header("OCM", "3.0", originator, created)
    lines += [
        "", "META_START", f"OBJECT_NAME = {one.name}", f"OBJECT_DESIGNATOR = {one.name}", "TIME_SYSTEM = UTC",
        f"EPOCH_TZERO = {stamp(epoch, 0.0)}", "META_STOP", "", "TRAJ_START", "CENTER_NAME = EARTH",
        f"TRAJ_REF_FRAME = {FRAME}", "TRAJ_TYPE = CARTPV",
    ]  # fmt: skip
    lines += [f"{t!r} {_numbers(row)}" for t, row in zip(one.time_s.tolist(), one.state, strict=True)]
    lines += ["TRAJ_STOP", "", "COV_START", f"COV_REF_FRAME = {FRAME}", "COV_TYPE = CARTPV", "COV_ORDERING = LTM"]
    lines += [f"{t!r} {_numbers(row, KM * KM)}" for t, row in zip(one.time_s.tolist(), one.covariance, strict=True)]
    return "\n".join([*lines, "COV_STOP"]) + "\n"


def read_ocm(text: str, epoch: datetime, file: str = "") -> Ephemeris:
    """The object of an Orbit Comprehensive Message with a CARTPV trajectory in Earth-fixed axes. Raises InputError."""
    message = parse(text, file, "OCM")
    by_name = {block.name: block for block in message.blocks}
    if "META" not in by_name or "TRAJ" not in by_name:
        raise message.refused(message.version, "no META or no TRAJ block", "both")
    meta, trajectory, spread = by_name["META"], by_name["TRAJ"], by_name.get("COV")
    message.require(meta.words, meta.start, TIME_SYSTEM=("UTC",))
    message.require(
        trajectory.words, trajectory.start, CENTER_NAME=("EARTH",), TRAJ_REF_FRAME=FRAMES, TRAJ_TYPE=("CARTPV",)
    )
    zero = message.moment(message.value(meta.words, "EPOCH_TZERO", meta.start), meta.start)
    times, rows = _timed(message, trajectory.rows, 6, epoch, zero)
    covariance = np.zeros((len(times), TERMS))
    if spread is not None:
        message.require(
            spread.words, spread.start, COV_REF_FRAME=FRAMES, COV_TYPE=("CARTPV",), COV_ORDERING=("LTM",)
        )  # fmt: skip
        moments, terms = _timed(message, spread.rows, TERMS, epoch, zero)
        place = {float(t): i for i, t in enumerate(moments)}
        for i, time_s in enumerate(times):
            if float(time_s) in place:
                covariance[i] = terms[place[float(time_s)]] / (KM * KM)
    name = message.value(meta.words, "OBJECT_NAME", meta.start, "unnamed")
    return Ephemeris(name=name, time_s=times, state=rows / KM, covariance=covariance)


def _numbers(values: NDArray[np.float64], scale: float = KM) -> str:
    return " ".join(repr(float(value) * scale) for value in values)


def _timed(
    message: Message, lines: Sequence[Line], count: int, epoch: datetime, zero: datetime | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times since ``epoch`` (n,) and numbers (n, count) of rows that begin with a time.

    The time is absolute, or seconds since ``zero`` where there is one. Accelerations behind a state are left out.
    """
    times, rows = [], []
    for line in lines:
        first, *rest = line.text.split()
        if zero is not None and "T" not in first:
            times.append(message.number(first, line) + (zero - epoch).total_seconds())
        else:
            times.append((message.moment(first, line) - epoch).total_seconds())
        if len(rest) != count and not (count == 6 and len(rest) == 9):
            raise message.refused(line, f"{len(rest)} numbers", f"a time and {count} numbers")
        rows.append([message.number(word, line) for word in rest[:count]])
    return np.array(times), np.array(rows, float).reshape(-1, count)
