"""Tables keep what they are given, refuse what does not fit, and survive Parquet."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from detente.records.results import ObjectResults, StudyTable
from detente.records.stages import STAGES, Shots, Warnings
from detente.records.table import Table

EVERY = (*STAGES, StudyTable, ObjectResults)


def filled(kind: type[Table], rows: int) -> Table:
    values = {}
    for index, (name, spec) in enumerate(kind.columns()):
        count = rows * int(np.prod(spec.shape, dtype=int))
        values[name] = (np.arange(count) % 100 + index).astype(spec.dtype).reshape(rows, *spec.shape)
    return kind(**values)


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.stage)
@pytest.mark.parametrize("rows", [0, 3])
def test_parquet_round_trip(kind: type[Table], rows: int, tmp_path) -> None:
    table = filled(kind, rows)
    pq.write_table(table.to_arrow(), tmp_path / "t.parquet")
    back = kind.from_arrow(pq.read_table(tmp_path / "t.parquet"))
    for name, _ in kind.columns():
        assert np.array_equal(getattr(back, name), getattr(table, name)), name


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.stage)
def test_every_column_says_what_it_is(kind: type[Table]) -> None:
    for name, spec in kind.columns():
        assert len(spec.about) > 3, name
        for ending, unit in (("_s", "s"), ("_rad", "rad"), ("_m", "m"), ("_m2", "m²")):
            if name.endswith(ending) and not name.endswith(("_m_s", "_kg_m2")):
                assert spec.unit == unit, name
        assert kind.arrow_schema().field(name).metadata[b"unit"].decode() == spec.unit


def test_columns_cannot_be_written() -> None:
    table = filled(Shots, 2)
    with pytest.raises(ValueError, match="read-only"):
        table.site[0] = 5


def test_columns_of_different_length_are_refused() -> None:
    columns = {name: getattr(filled(Shots, 2), name) for name, _ in Shots.columns()}
    with pytest.raises(AssertionError, match="3 rows, not 2"):
        Shots(**{**columns, "site": np.zeros(3, np.int64)})


def test_a_wrong_shape_is_refused() -> None:
    columns = {name: getattr(filled(Warnings, 2), name) for name, _ in Warnings.columns()}
    with pytest.raises(AssertionError, match="impact_covariance_m2"):
        Warnings(**{**columns, "impact_covariance_m2": np.zeros((2, 2))})


def test_columns_that_are_known_to_be_sound_are_taken_as_they_are() -> None:
    table = filled(Shots, 2)
    columns = {name: getattr(table, name) for name, _ in Shots.columns()}
    again = Shots.of_sound(**columns)
    assert len(again) == 2
    assert all(getattr(again, name) is columns[name] for name in columns)
    del columns["site"]
    with pytest.raises(AssertionError, match="all columns"):
        Shots.of_sound(**columns)


def test_take_and_concatenate_undo_each_other() -> None:
    table = filled(Shots, 5)
    parts = [table.take(np.array([0, 1])), table.take(np.array([False, False, True, True, True]))]
    assert np.array_equal(Shots.concatenate(parts).intercept_ecef_m, table.intercept_ecef_m)


def test_pandas_and_a_missing_column() -> None:
    table = filled(Shots, 2)
    assert list(table.to_pandas()["site"]) == list(table.site)
    with pytest.raises(KeyError):
        Shots.from_arrow(pa.table({"site": [1]}))
