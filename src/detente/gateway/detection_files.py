"""What was measured: anyone's file of detections, Parquet or CSV, to the tracker's own terms.

The columns are those of ``docs/detections.md``. Nothing is mended in silence: a number that means nothing is an error
with its row, and what is left out (exact repeats, columns nobody asked for) is told.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import csv

from detente.centre.tracking.follower import Plots
from detente.gateway.csv_files import printable, read_csv
from detente.gateway.detection_cautions import cautions
from detente.gateway.sensor_files import Network
from detente.gateway.writing import owned_disk_errors, there_already, whole
from detente.records.errors import InputError
from detente.records.lines import line_of_row
from detente.records.slots import DetectionKind

DEGREE = np.pi / 180.0
SPEED_OF_LIGHT_M_S = 299_792_458.0
MOST = 1e12
"""No time in seconds, no length in metres and no noise is as large: 30,000 years, the way to Jupiter. A time that is
larger counts in milliseconds or nanoseconds."""
SIGMAS = ("sigma_range_m", "sigma_azimuth_rad", "sigma_elevation_rad", "sigma_range_rate_m_s")
UNITS = {
    "range": {"range_m": 1.0, "range_km": 1e3},
    "azimuth": {"azimuth_rad": 1.0, "azimuth_deg": DEGREE},
    "elevation": {"elevation_rad": 1.0, "elevation_deg": DEGREE},
    "range_rate": {"range_rate_m_s": 1.0, "range_rate_km_s": 1e3},
}
"""What may be measured, by the columns it may stand in and what takes each to SI."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The plots of a file, and what was found on the way."""

    plots: Plots
    rows: int
    repeats: int  # exact repeats, left out
    backwards: int  # rows earlier than the row before: put in order
    ignored: tuple[str, ...]  # columns nobody asked for
    places: NDArray[np.int64]  # of each plot, its row in the file, from 0
    cautions: tuple[str, ...]  # what is most likely a mistake, though it may be meant


def read_detections(path: Path, network: Network) -> Reading:
    """The detections in a Parquet or CSV file, by sensors of ``network``; InputError for what cannot be meant.

    A folder stands for the ``detections.parquet`` in it, and not for all that Arrow would find there.
    """
    path = path / "detections.parquet" if path.is_dir() else path
    try:
        table = read_csv(path) if path.suffix.lower() == ".csv" else pq.read_table(path)
        if not table.column_names:  # which is where names that are no UTF-8 show
            raise pa.ArrowInvalid("it has no columns")
    except (OSError, pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise InputError(
            found=f"cannot read it: {printable(str(error))}",
            expected="a Parquet file, or a CSV file with a header and a name in .csv",
            remedy="see docs/detections.md", file=str(path),
        ) from error  # fmt: skip
    return take_detections(table, network, file=str(path))


def write_detections(path: Path, table: pa.Table) -> None:
    """A table with the columns of ``docs/detections.md`` as a new file that :func:`read_detections` reads.

    It is there whole or not at all; InputError where it cannot be, or where there is a file already.
    """
    with owned_disk_errors(path):
        try:
            with whole(path) as scratch:
                if path.suffix.lower() == ".csv":
                    csv.write_csv(table, scratch)
                else:
                    pq.write_table(table, scratch)
        except FileExistsError as error:
            raise there_already(path) from error


def take_detections(table: pa.Table, network: Network, *, file: str = "") -> Reading:
    """The detections in an Arrow table; see :func:`read_detections`."""
    asked = _Asked(table, network, file)
    return asked.reading()


class _Asked:
    """A table on its way to plots: every question to it, with complaints that name file and row."""

    def __init__(self, table: pa.Table, network: Network, file: str) -> None:
        self._table, self._network, self._file = table, network, file
        self._is_csv = file.lower().endswith(".csv")
        self._used: set[str] = set()

    def reading(self) -> Reading:
        """All of it."""
        time_s = self._numbers("time_s")
        self._refuse(
            ~(np.abs(time_s) < MOST),
            "time_s",
            "a time in seconds, less than 10¹²",
            "give every row its time, in seconds",
        )
        self._one_replicate()
        sensor = self._sensor()
        kind = np.array(self._network.sensors.kind)[sensor]
        radar = kind == DetectionKind.RADAR
        needed = ("azimuth", "elevation", "range") if radar.any() else ("azimuth", "elevation")
        given = {what: self._measured(what, needed=what in needed) for what in UNITS}
        blank = np.all([np.isnan(values) for values in given.values()], axis=0)
        self._check(given, radar, blank)
        sigmas = {what: self._sigma(what, sensor) for what in UNITS}
        rated = np.isfinite(given["range_rate"]) & radar & ~blank
        self._check_sigmas(sigmas, sensor, radar, rated, blank)
        clean = {what: np.where(blank, 0.0, np.nan_to_num(values)) for what, values in given.items()}
        plots = Plots(
            time_s=time_s,
            sensor=sensor,
            kind=np.where(blank, 0, kind).astype(np.uint8),
            range_m=np.where(radar, clean["range"], 0.0),
            azimuth_rad=clean["azimuth"],
            elevation_rad=clean["elevation"],
            range_rate_m_s=np.where(rated, clean["range_rate"], 0.0),
            sigma_range_m=np.where(radar, sigmas["range"], 0.0),
            sigma_azimuth_rad=sigmas["azimuth"],
            sigma_elevation_rad=sigmas["elevation"],
            sigma_range_rate_m_s=np.where(rated, sigmas["range_rate"], 0.0),
            received_s=self._received(time_s),
        )
        once, places = _without_repeats(plots)
        return Reading(
            plots=once,
            places=places,
            rows=time_s.size,
            repeats=time_s.size - once.time_s.size,
            backwards=int((np.diff(time_s) < 0.0).sum()),
            cautions=cautions(once, self._network, {what: self._stands_in(UNITS[what]) for what in UNITS}),
            ignored=tuple(name or "''" for name in self._table.column_names if name not in self._used),
        )

    def _error(self, row: int, column: str, found: str, expected: str, remedy: str) -> InputError:
        """Of a row of the table (from 0), or of no single one (-1). A CSV file's own line is counted only now."""
        place, line = f"row {row}, {column}" if row >= 0 and not self._is_csv else column, 0
        if self._is_csv and row >= 0:
            with open(self._file, encoding="utf-8", errors="replace", newline="") as text:
                line = line_of_row(text, row)
        return InputError(found=found, expected=expected, remedy=remedy, file=self._file, line=line, path=place)

    def _refuse(self, wrong: NDArray[np.bool_], column: str, expected: str, remedy: str) -> None:
        """Complain of the first row that is wrong, as the file has it, and say how many more there are."""
        rows = np.flatnonzero(wrong)
        if rows.size:
            more = f" (and {rows.size - 1} more)" if rows.size > 1 else ""
            cell = _said(self._table.column(column)[int(rows[0])].as_py())
            raise self._error(int(rows[0]), column, f"{cell}{more}", expected, remedy)

    def _column(self, name: str) -> pa.ChunkedArray:
        self._used.add(name)
        there = self._table.column_names
        if there.count(name) > 1:
            raise self._error(
                -1, name, f"{there.count(name)} columns of that name", "one", "delete or rename the others"
            )
        if name not in there:
            alike = next((other for other in there if other.strip().casefold() == name), None)
            remedy = "see docs/detections.md for the columns there are"
            raise self._error(
                -1, name, f"no column {name!r} among {', '.join(map(_named, there[:12]))}", "that column",
                remedy if alike is None else f"rename {alike!r} to {name!r}",
            )  # fmt: skip
        return self._table.column(name)

    def _numbers(self, name: str) -> NDArray[np.float64]:
        """A column as numbers; nothing there is NaN."""
        column = self._column(name)
        if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_null(column.type)):
            bad = next((k for k, value in enumerate(column.to_pylist()) if not _is_number(value)), 0)
            remedy = "write the number alone; leave it empty for none"
            raise self._error(
                bad, name, _said(column[bad].as_py()), "a number",
                "write seconds since any epoch, such as 12.5" if name in ("time_s", "received_s") else remedy,
            )  # fmt: skip
        return column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(float)

    def _sensor(self) -> NDArray[np.int64]:
        """Each row's index into the sensors, by name or by number."""
        names, column = self._network.names, self._column("sensor").combine_chunks()
        if pa.types.is_integer(column.type) and column.null_count == 0:
            index = column.to_numpy(zero_copy_only=False).astype(np.int64)
        else:
            encoded = self._text(column).dictionary_encode()
            known = {name: place for place, name in enumerate(names)}
            places = np.array([known.get(name, -1) for name in encoded.dictionary.to_pylist()] or [-1], np.int64)
            codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
            index = np.where(codes < 0, -1, places[codes])
        wrong = np.flatnonzero((index < 0) | (index >= len(names)))
        if wrong.size:
            row = int(wrong[0])
            found = column[row].as_py()
            alike = next((name for name in names if name.casefold() == str(found).strip().casefold()), None)
            raise self._error(
                row, "sensor", _said(found), f"one of {', '.join(names)} (or their numbers from 0)",
                "name the sensor in the sensors file" if alike is None else f"write it as there: {alike}",
            )  # fmt: skip
        return index

    def _text(self, column: pa.Array) -> pa.Array:
        """A column of sensors' names as text."""
        try:
            return column.cast(pa.string())
        except pa.ArrowException:
            row = next((k for k, value in enumerate(column) if not _is_text(value)), 0)
            raise self._error(
                row, "sensor", repr(column[row].as_py()), f"one of {', '.join(self._network.names)}, as text",
                "write the name as text (UTF-8), or the sensor's number",
            ) from None  # fmt: skip

    def _one_replicate(self) -> None:
        if "replicate" in self._table.column_names and len(self._table):
            numbers = np.unique(self._numbers("replicate"))
            if numbers.size > 1:
                raise self._error(
                    -1, "replicate", f"{numbers.size} replicates", "one", "keep one replicate's rows in the file"
                )

    def _received(self, time_s: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """When each row came in, where the file says it: not before it was measured."""
        if "received_s" not in self._table.column_names:
            return None
        received_s = self._numbers("received_s")
        self._refuse(
            ~((received_s >= time_s) & (received_s < MOST)), "received_s",
            "a time in seconds, not before time_s", "give every row when it came in, or leave the column out",
        )  # fmt: skip
        return received_s

    def _stands_in(self, names: Iterable[str]) -> str | None:
        """Which of some columns, alike but for the unit, is there."""
        there = [name for name in names if name in self._table.column_names]
        if len(there) > 1:
            raise self._error(-1, there[0], f"both {there[0]} and {there[1]}", "one of them", "delete the other")
        return there[0] if there else None

    def _measured(self, what: str, *, needed: bool) -> NDArray[np.float64]:
        """A measured column in SI, whichever unit it stands in; NaN where it is empty, or absent and not needed."""
        name = self._stands_in(UNITS[what])
        if name is None:
            if needed:
                self._column(next(iter(UNITS[what])))
            return np.full(len(self._table), np.nan)
        return self._numbers(name) * UNITS[what][name]

    def _sigma(self, what: str, sensor: NDArray[np.int64]) -> NDArray[np.float64]:
        """A row's noise where the file gives it, its sensor's elsewhere."""
        ours = self._network.sigmas[what][sensor]
        name = self._stands_in(f"sigma_{unit}" for unit in UNITS[what])
        if name is None:
            return ours
        own = self._numbers(name) * UNITS[what][name.removeprefix("sigma_")]
        return np.where(np.isnan(own), ours, own)

    def _check(self, given: dict[str, NDArray[np.float64]], radar: NDArray[np.bool_], blank: NDArray[np.bool_]) -> None:
        """Refuse numbers that no sensor measures. A row without any is a look that saw nothing."""
        empty = "leave azimuth, elevation and range all empty for a look that saw nothing; else give each"
        stands = {what: self._stands_in(UNITS[what]) or what for what in UNITS}
        for angle in ("azimuth", "elevation"):
            self._refuse(~blank & ~np.isfinite(given[angle]), stands[angle], "a finite angle", empty)
        away = given["range"]
        self._refuse(
            ~blank & radar & ~((away > 0.0) & (away < MOST)), stands["range"], "a range above 0, below 10¹² m", empty
        )
        for what in ("range", "range_rate"):
            self._refuse(
                ~radar & (np.nan_to_num(given[what]) != 0.0), stands[what], f"no {what} from an infrared sensor",
                "leave it empty, or say kind: radar in the sensors file",
            )  # fmt: skip
        for angle, most, words in (
            ("elevation", 0.5 * np.pi, "an elevation between -π/2 and π/2 rad (-90 and 90 degrees)"),
            ("azimuth", 2.0 * np.pi, "an azimuth between -2π and 2π rad (-360 and 360 degrees)"),
        ):
            remedy = "correct it" if stands[angle].endswith("_deg") else f"use {angle}_deg for degrees"
            self._refuse(~blank & (np.abs(given[angle]) > most), stands[angle], words, remedy)
        self._refuse(
            np.abs(given["range_rate"]) >= SPEED_OF_LIGHT_M_S, stands["range_rate"], "a speed slower than light",
            "correct it, or leave it empty",
        )  # fmt: skip

    def _check_sigmas(
        self, sigmas: dict[str, NDArray[np.float64]], sensor: NDArray[np.int64], radar: NDArray[np.bool_],
        rated: NDArray[np.bool_], blank: NDArray[np.bool_],
    ) -> None:  # fmt: skip
        """Refuse a sensor, or a row, without noise: no measurement is exact."""
        for what, needed in (("range", radar), ("azimuth", ~blank), ("elevation", ~blank), ("range_rate", rated)):
            wrong = np.flatnonzero(needed & ~blank & ~((sigmas[what] > 0.0) & (sigmas[what] < MOST)))
            if wrong.size:
                row, name = int(wrong[0]), self._network.names[sensor[wrong[0]]]
                raise self._error(
                    row, f"sigma_{what}", f"noise {sigmas[what][row]:g} of sensor {name!r}",
                    "a noise above 0, below 10¹²",
                    f"give sigma_{what}_… in the sensors file, or in a column of the detections",
                )  # fmt: skip


def _said(cell: object) -> str:
    """A cell as a complaint shows it."""
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return f"{cell:g}"
    return "nothing" if cell is None else cell.isoformat() if isinstance(cell, (date, time)) else repr(cell)


def _named(column: str) -> str:
    """A column's name, in quotes where its ends would not be seen."""
    return column if column and column == column.strip() else repr(column)


def _is_number(value: object) -> bool:
    """Whether a cell holds a number, or nothing; of a column of text, whether it would be one by itself."""
    if not isinstance(value, str):
        return value is None or isinstance(value, (int, float))
    try:
        float(value)
    except ValueError:
        return False
    return True


def _is_text(value: pa.Scalar) -> bool:
    try:
        value.cast(pa.string())
    except pa.ArrowException:
        return False
    return True


def _without_repeats(plots: Plots) -> tuple[Plots, NDArray[np.int64]]:
    """The plots without exact repeats, and which rows they are: a report received twice was measured once."""
    names = ("time_s", "sensor", "kind", "range_m", "azimuth_rad", "elevation_rad", "range_rate_m_s")
    keys = [np.ascontiguousarray(getattr(plots, name)) for name in names]
    order = np.lexsort(keys[::-1])
    same = np.ones(max(order.size - 1, 0), bool)
    for key in keys:
        same &= key[order][1:] == key[order][:-1]
    kept = np.ones(order.size, bool)
    kept[order[1:][same]] = False
    if kept.all():
        return plots, np.arange(order.size)
    changed = {name: getattr(plots, name)[kept] for name in (*names, *SIGMAS)}
    received_s = None if plots.received_s is None else plots.received_s[kept]
    return replace(plots, **changed, received_s=received_s), np.flatnonzero(kept)
