"""Track and truth files in, one score a picture out; tables in memory are taken as well. The room's only I/O.

Two shapes are taken, as Parquet or CSV. Anyone's: ``track,time_s,x_m,y_m,z_m,vx_m_s,vy_m_s,vz_m_s`` and, if they are
known, ``covariance`` (21 numbers: the lower triangle by rows, position before velocity; in CSV separated by blanks, or
in columns ``covariance_0`` to ``covariance_20``) and ``confirmed``; truth has ``object`` in place of ``track``. And the
``tracks`` and ``truth`` stages that ``detente run`` leaves, or the run's folder itself.
"""

import json
import warnings
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from detente.records.errors import InputError
from detente.records.lines import line_of_row
from detente.records.paths import TrackPaths, TruePaths
from detente.records.slots import Phase
from detente.records.table import Table
from detente.scoring.score import Bounding, Document, Score, ScoringRules, score_states

Source = str | Path | pa.Table | pd.DataFrame | dict[str, Any] | Table
STATE = ("x_m", "y_m", "z_m", "vx_m_s", "vy_m_s", "vz_m_s")
TRACK_COLUMNS, TRUTH_COLUMNS = ("track", "time_s", *STATE), ("object", "time_s", *STATE)
RUN_TRACKS = ("side", "giver", "number", "time_s", "position_ecef_m", "velocity_ecef_m_s", "covariance")
RUN_TRUTH = ("object", "time_s", "position_ecef_m", "velocity_ecef_m_s", "phase")
NUMBERS_A_SIDE = 10_000_000  # a run's track is named by side and number; together they make one number
POOLED = "pooled"
COEFFICIENT = "ballistic_coefficient_kg_m2"
WHOLE_BELOW = 2.0**53
"""Every whole number below is one float64; above, one stands for several."""
BELOW = {"time_s": 1e12, **dict.fromkeys(STATE[:3], 1e12), **dict.fromkeys(STATE[3:], 299_792_458.0)}
"""Sizes that no number of a state has, in s, m and m/s: 30,000 years, the way to Jupiter, the speed of light. Beyond,
the unit is another one (a time in milliseconds or nanoseconds), or the number is broken."""
NO_BRACKETS = str.maketrans("[](),;", "      ")  # as numpy, pandas and JSON write a list into one cell
CSV_ERRORS = (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning)
CONFIRMED = {"false": 0, "true": 1}
PHASES = {"": 0} | {phase.name.lower(): int(phase) for phase in Phase}


class Scores(dict[str, Score]):
    """Scores by the name of the picture: one without a name for anyone's tracks, one a side for a run's."""

    @property
    def document(self) -> Document:
        """What ``--json`` prints: the one score, or all under ``pictures``."""
        if set(self) == {""}:
            return self[""].document
        return {"pictures": {name: score.document for name, score in self.items()}}


def score(
    tracks: Source,
    truth: Source | None = None,
    *,
    cutoff_m: float = 5000.0,
    order: float = 2.0,
    every_s: float | None = None,
    settle_s: float = 0.0,
    side: str | None = None,
    replicate: int | None = None,
    bounds: Bounding | None = None,
) -> Scores:
    """Score tracks against truth: files, folders of ``detente run``, our tables, Arrow tables or data frames.

    ``truth`` may be left out where ``tracks`` is a run's folder. ``side`` and ``replicate`` choose where a run's tables
    hold several; every side's picture is scored otherwise. ``bounds``: the least errors possible, to divide by
    (``detente.gateway.bounding.bound_by`` makes them from a sensors file). Raises
    :class:`~detente.records.errors.InputError`.
    """
    rules = ScoringRules(cutoff_m=cutoff_m, order=order, every_s=every_s, settle_s=settle_s)
    if truth is None:
        if isinstance(tracks, str | Path) and not Path(tracks).exists():
            raise InputError(
                "no such file or folder", "the folder of a run, or tracks and their truth", "correct the path",
                file=str(tracks),
            )  # fmt: skip
        if not (isinstance(tracks, str | Path) and Path(tracks).is_dir()):
            raise InputError(
                "tracks without a truth", "a truth file, or the folder of a run", "name the truth as well", path="TRUTH"
            )
        truth = tracks
    was = read_truth(truth, replicate)
    return Scores(
        {
            name: score_states(said, was, rules, bounds)
            for name, said in read_tracks(tracks, side, replicate).items()
        }
    )  # fmt: skip


def read_tracks(source: Source, side: str | None = None, replicate: int | None = None) -> dict[str, TrackPaths]:
    """Confirmed track states by name of picture, each in order of track, then time."""
    frame, name = _read(source, "tracks")
    if "number" in frame.columns and "track" not in frame.columns:
        frame = _one_replicate(_needed(frame, RUN_TRACKS, name), replicate, name)
        chosen = _sides(frame, source, side)
        return {
            title: _track_states(_of_run(frame[frame["side"] == index], name), name) for title, index in chosen.items()
        }
    if side is not None:
        raise InputError(f"{name} has no sides", "the tracks of a run", "leave --side out", path="--side")
    frame = _needed(frame, TRACK_COLUMNS, name)
    if "confirmed" in frame.columns:
        expected = "0 or 1, false or true"
        frame = frame[_coded(frame, "confirmed", CONFIRMED, expected, name) == 1]
    return {"": _track_states(frame, name)}


def read_truth(source: Source, replicate: int | None = None) -> TruePaths:
    """True states in order of object, then time."""
    frame, name = _read(source, "truth")
    if "position_ecef_m" in frame.columns:
        frame = _spread(_one_replicate(_needed(frame, RUN_TRUTH, name), replicate, name), name)
        frame = _with_coefficients(frame, source)
    frame = _needed(frame, TRUTH_COLUMNS, name)
    frame, states = _checked(frame, "object", name)
    phase, coefficient = np.zeros(len(frame), "u1"), np.zeros(len(frame))
    if "phase" in frame.columns:
        expected = "boost, coast or reentry, or 1, 2 or 3 for them; 0 or nothing where unknown"
        phase = _coded(frame, "phase", PHASES, expected, name)
    if COEFFICIENT in frame.columns:
        coefficient = _numbers(frame[COEFFICIENT])
        wrong = ~(np.isfinite(coefficient) & (coefficient >= 0.0))
        _refuse(frame, COEFFICIENT, wrong, "more than 0, or 0 where unknown", name)
    return TruePaths(
        object=frame["object"].to_numpy("i8"), time_s=frame["time_s"].to_numpy("f8"),
        position_m=states[:, :3], velocity_m_s=states[:, 3:], phase=phase, ballistic_coefficient_kg_m2=coefficient,
    )  # fmt: skip


def _read(source: Source, stage: str) -> tuple[pd.DataFrame, str]:
    """A data frame whose index counts the source's rows from 0, and what to call it."""
    if not isinstance(source, str | Path):
        if isinstance(source, Table):
            source = source.to_arrow()
        if not isinstance(source, pd.DataFrame | pa.Table | dict):
            raise InputError(
                f"{type(source).__name__}, for {stage}", "a path, a data frame, an Arrow table, or columns by name",
                f"give {stage} as one of them", path=stage.upper(),
            )  # fmt: skip
        frame = source if isinstance(source, pd.DataFrame) else pa.table(source).to_pandas()
        return frame.reset_index(drop=True), f"the {stage} table"
    path = Path(source)
    if path.is_dir():
        path = path / f"{stage}.parquet"
    name = str(path)
    if not path.is_file():
        raise InputError(
            "no such file", f"a Parquet or CSV file of {stage}, or the folder of `detente run`", "correct the path",
            file=name,
        )  # fmt: skip
    try:
        is_csv = path.suffix.lower() == ".csv"
        frame = _read_csv(path) if is_csv else pq.read_table(path).to_pandas()
    except (pa.ArrowInvalid, *CSV_ERRORS, UnicodeDecodeError, OSError) as error:
        said = str(error).splitlines()[0]
        raise InputError(
            f"cannot be read: {said}", "a Parquet file, or CSV with a line of column names and the ending .csv",
            "write the file again", file=name,
        ) from error  # fmt: skip
    return frame, name


def _read_csv(path: Path) -> pd.DataFrame:
    """A CSV file under the names it has, where pandas would number one that stands twice and take a first column
    without a name for an index.
    """
    names = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False, encoding="utf-8-sig").iloc[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        frame = pd.read_csv(path, low_memory=False, index_col=False)
    return frame.set_axis(names, axis="columns")


def _needed(frame: pd.DataFrame, columns: tuple[str, ...], name: str) -> pd.DataFrame:
    there = [str(column) for column in frame.columns]
    missing = [column for column in columns if column not in there]
    if missing:
        remedy = "separate the columns by commas" if len(there) == 1 else "rename or add the columns"
        raise InputError(
            f"no column {', '.join(missing)}; there are {', '.join(there)}", f"columns {','.join(columns)}", remedy,
            file=name,
        )  # fmt: skip
    twice = next((column for column in there if column and there.count(column) > 1), None)
    if twice is not None:
        raise InputError(f"column {twice} twice", "each name once", "delete or rename one of them", file=name)
    return frame


def _one_replicate(frame: pd.DataFrame, replicate: int | None, name: str) -> pd.DataFrame:
    there = sorted(int(value) for value in frame["replicate"].unique()) if "replicate" in frame.columns else [0]
    if replicate is None and len(there) <= 1:
        return frame
    if replicate not in there:
        found = f"{len(there)} replicates" if replicate is None else f"no replicate {replicate}"
        raise InputError(
            found, f"one of replicates {there[0]} to {there[-1]}", "choose one with --replicate",
            file=name, path="--replicate",
        )  # fmt: skip
    return frame[frame["replicate"] == replicate]


def _sides(frame: pd.DataFrame, source: Source, side: str | None) -> dict[str, int]:
    """Name → index of the pictures to score: those chosen, in order of index."""
    names = _names_of_sides(source)
    found = sorted(int(index) for index in frame["side"].unique())
    titles = {POOLED if i < 0 else names[i] if i < len(names) else str(i): i for i in found}
    if side is None:
        return titles
    if side not in titles:
        raise InputError(f"no picture of {side!r}", f"one of {', '.join(titles)}", "correct --side", path="--side")
    return {side: titles[side]}


def _names_of_sides(source: Source) -> list[str]:
    """The sides' names from a run's ``run.json``, in order of index; none where there is no such file."""
    if not isinstance(source, str | Path):
        return []
    path = Path(source)
    beside = (path if path.is_dir() else path.parent) / "run.json"
    if not beside.is_file():
        return []
    try:
        return [name for name in json.loads(beside.read_text(encoding="utf-8"))["metrics"] if name != "all"]
    except (ValueError, KeyError, TypeError):
        return []


def _spread(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """A run's vectors as one column a component."""
    frame = frame.copy()
    for column, parts in (("position_ecef_m", STATE[:3]), ("velocity_ecef_m_s", STATE[3:])):
        frame[list(parts)] = _rows_of(frame, column, 3, name)
    return frame


def _with_coefficients(frame: pd.DataFrame, source: Source) -> pd.DataFrame:
    """What a run's truth leaves to its ``objects`` stage, where that lies beside it."""
    if not isinstance(source, str | Path):
        return frame
    path = Path(source)
    beside = (path if path.is_dir() else path.parent) / "objects.parquet"
    if not beside.is_file():
        return frame
    objects = pq.read_table(beside, columns=["replicate", "object", COEFFICIENT]).to_pandas()
    joined = frame.merge(objects, on=["replicate", "object"], how="left")
    return joined.set_index(frame.index).fillna({COEFFICIENT: 0.0})


def _of_run(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    frame = _spread(frame, name)
    frame["track"] = frame["giver"].to_numpy("i8") * NUMBERS_A_SIDE + frame["number"].to_numpy("i8")
    return frame


def _track_states(frame: pd.DataFrame, name: str) -> TrackPaths:
    frame, states = _checked(frame, "track", name)
    covariance, has = _covariances(frame, name)
    return TrackPaths(
        track=frame["track"].to_numpy("i8"), time_s=frame["time_s"].to_numpy("f8"), position_m=states[:, :3],
        velocity_m_s=states[:, 3:], covariance=covariance, has_covariance=has,
    )  # fmt: skip


def _checked(frame: pd.DataFrame, key: str, name: str) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Rows in order of path, then time, and their states (n, 6): no number beyond its bound, no moment said twice."""
    values = {column: _numbers(frame[column]) for column in (key, "time_s", *STATE)}
    wrong = ~(np.abs(values[key]) < WHOLE_BELOW) | (values[key] % 1 != 0)
    _refuse(frame, key, wrong, f"a whole number, less than {WHOLE_BELOW:,.0f} either way", name)
    for column, below in BELOW.items():
        wrong = ~(np.abs(values[column]) < below)
        _refuse(frame, column, wrong, f"a finite number, less than {below:,.0f} either way", name)
    frame = frame.assign(**values).astype({key: "i8"})
    frame = frame.sort_values([key, "time_s"], kind="stable")
    twice = frame.duplicated([key, "time_s"])
    if twice.any():
        row = frame.index[np.flatnonzero(twice)[0]]
        found = f"{key} {frame[key][row]} is told twice at {frame['time_s'][row]} s"
        raise _bad_row(name, row, found, f"one row a {key} and moment", "keep one of the two rows")
    return frame, frame[list(STATE)].to_numpy("f8")


def _numbers(cells: pd.Series) -> NDArray[np.float64]:
    """A column as numbers; NaN where a cell holds none."""
    if not pd.api.types.is_numeric_dtype(cells):
        cells = cells.map(lambda cell: cell if isinstance(cell, str | Real) else None).astype(object)
    return pd.to_numeric(cells, errors="coerce").to_numpy("f8", na_value=np.nan)


def _coded(frame: pd.DataFrame, column: str, words: dict[str, int], expected: str, name: str) -> NDArray[np.uint8]:
    """A column of codes, each as a number or as its word; an empty cell has the code of the empty word, if any."""
    cells = frame[column]
    codes = _numbers(cells).copy()
    odd = np.flatnonzero(np.isnan(codes))
    blank = cells.isna().to_numpy()
    codes[odd] = [words.get("" if blank[i] else str(cells.iloc[i]).strip().lower(), np.nan) for i in odd]
    _refuse(frame, column, ~np.isin(codes, list(words.values())), expected, name)
    return codes.astype("u1")


def _refuse(frame: pd.DataFrame, column: str, wrong: NDArray[np.bool_], expected: str, name: str) -> None:
    """Complain of the first row whose cell is wrong."""
    places = np.flatnonzero(wrong)
    if len(places):
        cell = frame[column].iloc[places[0]]
        found = f"{column} is {cell!r}" if isinstance(cell, str) else f"{column} is {cell}"
        raise _bad_row(name, frame.index[places[0]], found, expected, "correct or leave out the row")


def _bad_row(name: str, row: Any, found: str, expected: str, remedy: str) -> InputError:
    """In a CSV file the line is known; elsewhere the row is counted from 1."""
    if name.lower().endswith(".csv"):
        with open(name, encoding="utf-8", errors="replace", newline="") as text:
            line = line_of_row(text, int(row))
        return InputError(found, expected, remedy, file=name, line=line)
    return InputError(f"row {int(row) + 1}: {found}", expected, remedy, file=name)


def _covariances(frame: pd.DataFrame, name: str) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Lower triangles (n, 21), and 1 where one is stated."""
    spread = [f"covariance_{k}" for k in range(21)]
    if any(column in frame.columns for column in spread):
        _needed(frame, tuple(spread), name)
        values = np.column_stack([_numbers(frame[column]) for column in spread])
    elif "covariance" in frame.columns:
        values = _rows_of(frame, "covariance", 21, name)
    else:
        return np.zeros((len(frame), 21)), np.zeros(len(frame), "u1")
    has = np.isfinite(values).all(axis=1)
    half = ~has & ~np.isnan(values).all(axis=1)
    if np.any(half):
        row = frame.index[np.flatnonzero(half)[0]]
        raise _bad_row(
            name, row, "a covariance with a part that is no number", "21 finite numbers, or none", "correct the row"
        )
    return np.where(np.asarray(has)[:, None], values, 0.0), has.astype("u1")


def _rows_of(frame: pd.DataFrame, column: str, size: int, name: str) -> NDArray[np.float64]:
    """A column whose cells hold ``size`` numbers, as (n, size); an empty cell is a row of NaN."""
    cells = frame[column].to_numpy()
    if len(cells) and all(isinstance(cell, np.ndarray) and cell.shape == (size,) for cell in cells):
        return np.stack(cells).astype("f8")
    rows = np.full((len(frame), size), np.nan)
    for place, (row, cell) in enumerate(frame[column].items()):
        if cell is None or (isinstance(cell, float) and np.isnan(cell)):
            continue
        try:
            parts = np.asarray(cell.translate(NO_BRACKETS).split() if isinstance(cell, str) else cell, "f8").ravel()
        except (ValueError, TypeError):
            said = repr(cell)
            found = f"{column} holds {said if len(said) <= 60 else said[:59] + '…'}"
            raise _bad_row(name, row, found, f"{size} numbers", "correct the cell") from None
        if len(parts) != size:
            raise _bad_row(name, row, f"{column} holds {len(parts)} numbers", f"{size}", "correct the cell")
        rows[place] = parts
    return rows
