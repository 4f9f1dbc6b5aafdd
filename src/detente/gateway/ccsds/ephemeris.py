"""Tracks as CCSDS orbit data (502.0-B-3): Orbit Ephemeris Messages and Orbit Comprehensive Messages.

Kilometres and kilometres a second on the wire, metres here; Earth-fixed axes; covariance as lower triangle by rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detente.centre.picture.identity import track_name
from detente.gateway.ccsds.kvn import CUT, FRAME, FRAMES, Block, Line, Message, figure, header, parse, stamp
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
    apart: int = 0  # matrices that were read and left out: of moments that no state is of


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
    before: Block | None = None
    for block in message.blocks:
        follows = before.name if before is not None else None
        if block.name == "META" and follows != "META":
            message.require(block.words, block.start, TIME_SYSTEM=("UTC",), CENTER_NAME=("EARTH",), REF_FRAME=FRAMES)
        elif block.name == "" and before is not None and follows == "META":
            found.append(_states(message, before, block, epoch))
        elif block.name == "COVARIANCE" and follows == "":
            found[-1] = _with_covariance(message, block, found[-1], epoch)
        else:
            raise message.refused(block.start, _named(block), "metadata, then states, then perhaps a covariance")
        before = block
    if before is None or before.name == "META":
        at = message.version if before is None else before.start
        raise message.refused(at, f"{'nothing' if before is None else 'metadata'} without states", "states", CUT)
    return found


def _named(block: Block) -> str:
    return f"{block.name}_START here" if block.name else "states without metadata of their own"


def _states(message: Message, meta: Block, block: Block, epoch: datetime) -> Ephemeris:
    """One object's states, which its metadata announce."""
    name = message.value(meta.words, "OBJECT_NAME", meta.start)
    for keyword in ("START_TIME", "STOP_TIME"):
        message.value(meta.words, keyword, meta.start)
    lines = [*block.words.values(), *block.rows]
    times, rows = _timed(message, lines, 6, epoch)
    message.require_span(meta.words, lines, times.tolist(), epoch)
    return Ephemeris(name=name, time_s=times, state=rows[:, :6] / KM, covariance=np.zeros((len(times), TERMS)))


def _with_covariance(message: Message, block: Block, one: Ephemeris, epoch: datetime) -> Ephemeris:
    """An object with the matrices of a COVARIANCE block laid to the states of the same moments."""
    at: dict[float, list[float]] = {}
    terms: list[float] | None = None
    for line in (*block.words.values(), *block.rows):
        pair = line.pair
        if pair is not None and pair[0] == "EPOCH":
            moment_s = message.time_s(pair[1], line, epoch)
            if moment_s in at:
                raise message.refused(line, f"a second matrix of {pair[1]}", "one of each moment")
            terms = at.setdefault(moment_s, [])
        elif pair is not None:
            message.require({pair[0]: line}, line, COV_REF_FRAME=FRAMES)
        elif terms is None:
            raise message.refused(line, "a matrix without a time", "EPOCH = … before it")
        else:
            terms += [message.number(word, line) for word in line.text.split()]
    for time_s, matrix in at.items():
        if len(matrix) != TERMS:
            raise message.refused(block.start, f"{len(matrix)} terms of a covariance at {time_s} s", f"{TERMS} terms")
    return _laid(one, list(at), np.array(list(at.values())).reshape(-1, TERMS))


def _laid(one: Ephemeris, time_s: Sequence[float], terms: NDArray[np.float64]) -> Ephemeris:
    """An object with these matrices, in km² and so on, laid to the states of the same moments."""
    place = {float(t): i for i, t in enumerate(one.time_s)}
    covariance, apart = one.covariance.copy(), 0
    for moment_s, matrix in zip(time_s, terms, strict=True):
        if moment_s in place:
            covariance[place[moment_s]] = matrix / (KM * KM)
        else:
            apart += 1
    return replace(one, covariance=covariance, apart=apart)


def write_ocm(one: Ephemeris, originator: str, epoch: datetime, created: datetime) -> str:
    """An Orbit Comprehensive Message of one object: trajectory and covariance, times since EPOCH_TZERO."""
    lines = header("OCM", "3.0", originator, created)
    lines += [
        "", "META_START", f"OBJECT_NAME = {one.name}", f"OBJECT_DESIGNATOR = {one.name}", "TIME_SYSTEM = UTC",
        f"EPOCH_TZERO = {stamp(epoch, 0.0)}", f"START_TIME = {stamp(epoch, float(one.time_s[0]))}",
        f"STOP_TIME = {stamp(epoch, float(one.time_s[-1]))}", "META_STOP", "", "TRAJ_START", "CENTER_NAME = EARTH",
        f"TRAJ_REF_FRAME = {FRAME}", "TRAJ_TYPE = CARTPV",
    ]  # fmt: skip
    lines += [f"{figure(t)} {_numbers(row)}" for t, row in zip(one.time_s.tolist(), one.state, strict=True)]
    lines += ["TRAJ_STOP", "", "COV_START", f"COV_REF_FRAME = {FRAME}", "COV_TYPE = CARTPV", "COV_ORDERING = LTM"]
    lines += [
        f"{figure(t)} {_numbers(row, KM * KM)}" for t, row in zip(one.time_s.tolist(), one.covariance, strict=True)
    ]
    return "\n".join([*lines, "COV_STOP"]) + "\n"


def read_ocm(text: str, epoch: datetime, file: str = "") -> Ephemeris:
    """The object of an Orbit Comprehensive Message with a CARTPV trajectory in Earth-fixed axes. Raises InputError."""
    message = parse(text, file, "OCM")
    by_name: dict[str, Block] = {}
    for block in message.blocks:
        if block.name == "":
            raise message.refused(block.start, f"{block.start.text[:60]!r} outside of all blocks", "blocks alone")
        if block.name in ("META", "TRAJ", "COV") and block.name in by_name:
            raise message.refused(block.start, f"a second {block.name} block", "one: no more are read")
        by_name[block.name] = block
    if "META" not in by_name or "TRAJ" not in by_name:
        raise message.refused(message.version, "no META or no TRAJ block", "both", CUT)
    meta, trajectory, spread = by_name["META"], by_name["TRAJ"], by_name.get("COV")
    message.require(meta.words, meta.start, TIME_SYSTEM=("UTC",))
    message.require(
        trajectory.words, trajectory.start, CENTER_NAME=("EARTH",), TRAJ_REF_FRAME=FRAMES, TRAJ_TYPE=("CARTPV",)
    )
    zero = message.moment(message.value(meta.words, "EPOCH_TZERO", meta.start), meta.start)
    times, rows = _timed(message, trajectory.rows, 6, epoch, zero)
    name = message.value(meta.words, "OBJECT_NAME", meta.start, "unnamed")
    one = Ephemeris(name=name, time_s=times, state=rows / KM, covariance=np.zeros((len(times), TERMS)))
    lines, moments = list(trajectory.rows), times.tolist()
    if spread is not None:
        message.require(
            spread.words, spread.start, COV_REF_FRAME=FRAMES, COV_TYPE=("CARTPV",), COV_ORDERING=("LTM",)
        )  # fmt: skip
        at, terms = _timed(message, spread.rows, TERMS, epoch, zero)
        one = _laid(one, at.tolist(), terms)
        lines, moments = lines + spread.rows, moments + at.tolist()
    if not lines:
        raise message.refused(trajectory.start, "no states", "a line for each state")
    if "MAN" not in by_name:  # manoeuvres count too in the span that an OCM announces
        message.require_span(meta.words, lines, moments, epoch, zero)
    return one


def _numbers(values: NDArray[np.float64], scale: float = KM) -> str:
    return " ".join(figure(float(value) * scale) for value in values)


def _timed(
    message: Message, lines: Sequence[Line], count: int, epoch: datetime, zero: datetime | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times since ``epoch`` (n,) and numbers (n, count) of rows that begin with a time.

    The time is absolute, or seconds since ``zero`` where there is one. Accelerations behind a state are left out.
    """
    times: list[float] = []
    rows: list[list[float]] = []
    for line in lines:
        first, *rest = line.text.split()
        times.append(message.time_s(first, line, epoch, zero))
        if len(times) > 1 and times[-1] <= times[-2]:
            raise message.refused(line, f"{first}, not later than the line before", "times that increase")
        if len(rest) != count and not (count == 6 and len(rest) == 9):
            raise message.refused(line, f"{len(rest)} numbers", f"a time and {count} numbers")
        rows.append([message.number(word, line) for word in rest[:count]])
    return np.array(times), np.array(rows, float).reshape(-1, count)
