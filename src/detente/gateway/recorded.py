"""A centre on recorded detections: a Parquet file in, the own stream's warnings and tracks out.

The same centre that a study flies, with a disk around it instead of a study: no world, no answer key, no partner.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from detente.centre.exchange.offsets import SECRET_BYTES, Secret
from detente.centre.exchange.rules import compile_agreement
from detente.centre.step import Centre, Inputs, Own, State, begin_assisted, begin_own, step
from detente.geodesy.timescale import parse_moment
from detente.records.errors import InputError
from detente.records.stages import Detections, Messages, Warnings

ORIGIN = parse_moment("2000-01-01T00:00:00Z")  # of the empty rules, which never hold: any moment will do


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What the centre knew at the end, and every warning it gave."""

    own: Own
    warnings: Warnings


def read_detections(path: Path) -> Detections:
    """The detections in a Parquet file with the columns of ``records.stages.Detections``, in order of time."""
    try:
        found = Detections.from_arrow(pq.read_table(path))
    except FileNotFoundError as error:
        raise InputError(
            found="no such file", expected="a Parquet file as `detente run` writes it (detections.parquet)",
            remedy="correct the name, or record one", file=str(path),
        ) from error  # fmt: skip
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        raise InputError(
            found=f"not a detections table: {error}",
            expected="a Parquet file as `detente run` writes it (detections.parquet)",
            remedy="give such a file",
            file=str(path),
        ) from error
    return found.take(np.argsort(found.time_s, kind="stable"))


def watch(centre: Centre, detections_file: Path, *, tick_s: float, ticks: int) -> Watched:
    """Step a centre (one replicate) through a recorded file, deaf to partners, and collect what it warned of.

    Only detections of the centre's own sensors are heard, whatever else the file holds.
    """
    everything = read_detections(detections_file)
    heard = everything.take(np.flatnonzero(centre.suite.side[everything.sensor] == centre.side))
    rules = compile_agreement(None, [f"side {index}" for index in range(centre.sides)], [], ORIGIN)
    assisted = begin_assisted(
        centre, rules, np.zeros(1, np.int64), secret=Secret(bytes(SECRET_BYTES)), exchanging=False
    )
    state = State(own=begin_own(centre, 1), assisted=assisted)
    edges = np.searchsorted(heard.time_s, tick_s * np.arange(ticks + 1), side="right")
    edges[0] = 0
    said = []
    for index in range(ticks):
        part = heard.rows(int(edges[index]), int(edges[index + 1]))
        inputs = Inputs(
            detections=part,
            detection_offsets=np.array([0, len(part)]),
            messages=Messages.empty(),
            message_offsets=np.zeros(2, np.int64),
        )
        state, outputs = step(centre, state, inputs, (index + 1) * tick_s)
        said.append(outputs.own_warnings)
    return Watched(own=state.own, warnings=Warnings.concatenate(said))
