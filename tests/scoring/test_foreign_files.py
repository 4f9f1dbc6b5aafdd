"""Tracks as other people's programs write them: read as meant, or refused in words; nothing chosen in silence."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import detente
from detente.records.errors import InputError
from detente.scoring.files import read_tracks

COLUMNS = ["track", "time_s", "x_m", "y_m", "z_m", "vx_m_s", "vy_m_s", "vz_m_s"]
ROWS = [[1, t, 1000.0 * t, 0.0, 1e5, 1000.0, 0.0, 0.0] for t in range(4)]
COVARIANCE = [float(k + 1) for k in range(21)]


@pytest.fixture
def tracks():
    return pd.DataFrame(ROWS, columns=COLUMNS)


@pytest.mark.parametrize(
    "cell",
    [
        " ".join(map(repr, COVARIANCE)),
        str(COVARIANCE),
        str(np.array(COVARIANCE)),  # two lines, in brackets: what pandas makes of a column of arrays
        "(" + ";".join(map(repr, COVARIANCE)) + ")",
    ],
    ids=["blanks", "JSON", "numpy", "semicolons"],
)
def test_a_covariance_is_read_however_a_list_is_written_into_a_cell(tracks, tmp_path, cell):
    tracks.assign(covariance=cell).to_csv(tmp_path / "t.csv", index=False)
    states = read_tracks(tmp_path / "t.csv")[""]
    assert states.has_covariance.tolist() == [1] * 4
    assert states.covariance.tolist() == [COVARIANCE] * 4


def test_a_cell_of_another_length_is_told_in_a_line(tracks, tmp_path):
    tracks.assign(covariance=[np.eye(6).ravel().tolist()] * 4).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(InputError) as caught:
        read_tracks(tmp_path / "t.parquet")
    assert caught.value.found == "row 1: covariance holds 36 numbers"
    tracks.assign(covariance="x" * 500).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError) as caught:
        read_tracks(tmp_path / "t.csv")
    assert len(caught.value.found) < 90


def test_a_covariance_with_a_column_missing_is_refused_not_left_out(tracks):
    spread = tracks.assign(**{f"covariance_{k}": 1.0 for k in range(20)})
    with pytest.raises(InputError, match="no column covariance_20"):
        read_tracks(spread)


def test_a_column_that_stands_twice_is_refused_not_chosen_from(tracks, tmp_path):
    double = pd.concat([tracks, tracks[["x_m"]]], axis=1)
    double.to_csv(tmp_path / "t.csv", index=False)
    arrow = pa.Table.from_arrays([pa.array(double.iloc[:, k]) for k in range(9)], names=list(double.columns))
    for source in (tmp_path / "t.csv", double, arrow):
        with pytest.raises(InputError, match="column x_m twice"):
            read_tracks(source)


def test_a_cell_too_many_moves_no_column(tracks, tmp_path):
    """A first column without a name would be taken for row names, and all numbers read as their neighbours'."""
    lines = tracks.to_csv(index=False).splitlines()
    (tmp_path / "empty.csv").write_text("\n".join([lines[0], *(f"{line}," for line in lines[1:])]) + "\n")
    assert read_tracks(tmp_path / "empty.csv")[""].position_m.tolist() == tracks[["x_m", "y_m", "z_m"]].values.tolist()
    (tmp_path / "more.csv").write_text("\n".join([lines[0], *(f"{line},9" for line in lines[1:])]) + "\n")
    with pytest.raises(InputError, match="cannot be read: Length of header"):
        read_tracks(tmp_path / "more.csv")


def test_a_folder_that_is_not_there_is_what_is_complained_of(tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        detente.score(tmp_path / "run-3")


def test_separators_other_than_commas_are_named(tracks, tmp_path):
    tracks.to_csv(tmp_path / "t.csv", index=False, sep=";")
    with pytest.raises(InputError, match="separate the columns by commas"):
        read_tracks(tmp_path / "t.csv")


@pytest.mark.parametrize("source", [[1, 2], 5, object()])
def test_what_is_no_table_is_refused_in_words(source, tracks):
    with pytest.raises(InputError, match="a path, a data frame, an Arrow table, or columns by name"):
        detente.score(source, tracks.rename(columns={"track": "object"}))
    columns = {name: tracks[name].tolist() for name in COLUMNS}
    assert detente.score(columns, tracks.rename(columns={"track": "object"})).document["siap"]["completeness"] == 1.0
