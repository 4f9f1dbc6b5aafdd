"""Recorded detections: a Parquet file as a run writes it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from detente.records.errors import InputError
from detente.records.stages import Detections


def read_recorded(path: Path) -> Detections:
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
