"""Track and truth files: every shape that is taken, and words that help where one is not."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import detente
from detente.records.errors import InputError
from detente.records.stages import TrackHistory, Truth
from detente.scoring.files import NUMBERS_A_SIDE, read_tracks, read_truth

STATE = ["x_m", "y_m", "z_m", "vx_m_s", "vy_m_s", "vz_m_s"]


@pytest.fixture
def truth() -> pd.DataFrame:
    seconds = np.arange(5.0)
    zero = np.zeros(5)
    return pd.DataFrame(
        {"object": 3, "time_s": seconds, "x_m": 1000 * seconds, "y_m": zero, "z_m": zero + 1e5,
         "vx_m_s": zero + 1000, "vy_m_s": zero, "vz_m_s": zero}
    )  # fmt: skip


@pytest.fixture
def tracks(truth: pd.DataFrame) -> pd.DataFrame:
    said = truth.rename(columns={"object": "track"})
    said["y_m"] += 60.0
    said["covariance"] = [np.eye(6)[np.tril_indices(6)] * 3600.0] * 5
    return said


def test_parquet_csv_arrow_and_pandas_give_one_score(truth: pd.DataFrame, tracks: pd.DataFrame, tmp_path: Path) -> None:
    tracks.to_parquet(tmp_path / "tracks.parquet")
    truth.to_parquet(tmp_path / "truth.parquet")
    truth.to_csv(tmp_path / "truth.csv", index=False)
    blanks = tracks.assign(covariance=[" ".join(map(str, cell)) for cell in tracks["covariance"]])
    blanks.to_csv(tmp_path / "blanks.csv", index=False)
    columns = {f"covariance_{k}": np.stack(tracks["covariance"])[:, k] for k in range(21)}
    tracks.drop(columns="covariance").assign(**columns).to_csv(tmp_path / "columns.csv", index=False)
    expected = detente.score(tracks, truth).document
    assert expected["errors"]["position_rmse_m"] == pytest.approx(60.0)
    assert expected["errors"]["nees"]["mean"] == pytest.approx(1.0)
    pairs = [
        (tmp_path / "tracks.parquet", tmp_path / "truth.parquet"),
        (str(tmp_path / "blanks.csv"), tmp_path / "truth.csv"),
        (tmp_path / "columns.csv", tmp_path / "truth.csv"),
        (pa.Table.from_pandas(tracks), pa.Table.from_pandas(truth)),
        (tracks.sample(frac=1, random_state=1), truth[::-1]),
    ]
    for said, was in pairs:
        assert detente.score(said, was).document == expected


def test_unconfirmed_rows_are_not_scored_and_no_covariance_is_no_nees(
    truth: pd.DataFrame, tracks: pd.DataFrame
) -> None:
    document = detente.score(tracks.assign(confirmed=[0, 0, 1, 1, 1]), truth).document
    assert document["gospa"]["missed"] == pytest.approx(0.4)
    assert detente.score(tracks.drop(columns="covariance"), truth).document["errors"]["nees"] is None
    some = tracks.assign(covariance=[None, *tracks["covariance"][1:]])
    assert detente.score(some, truth).document["errors"]["nees"]["samples"] == 4


def run_folder(folder: Path, truth: pd.DataFrame) -> None:
    """A run of two sides: the first has a track of its own, the second one that the first gave it."""
    import pyarrow.parquet as pq

    n = len(truth)
    states = truth[STATE].to_numpy()
    common = {"replicate": np.zeros(n, int), "time_s": truth["time_s"], "phase": np.full(n, 2)}
    was = Truth(**common, object=truth["object"], position_ecef_m=states[:, :3], velocity_ecef_m_s=states[:, 3:])
    pq.write_table(was.to_arrow(), folder / "truth.parquet")
    blank = {name: np.zeros((n, *spec.shape)) for name, spec in TrackHistory.columns()}
    parts = [
        TrackHistory(**blank | common | {
            "side": np.full(n, side), "giver": np.zeros(n), "number": np.full(n, 7), "origin": np.full(n, 1),
            "position_ecef_m": states[:, :3] + [0, off, 0], "velocity_ecef_m_s": states[:, 3:],
            "covariance": np.tile(np.eye(6)[np.tril_indices(6)], (n, 1)),
        })
        for side, off in ((0, 30.0), (1, 40.0))
    ]  # fmt: skip
    pq.write_table(TrackHistory.concatenate(parts).to_arrow(), folder / "tracks.parquet")
    (folder / "run.json").write_text('{"metrics": {"NATO": {}, "Russia": {}, "all": {}}}')


def test_a_runs_folder_is_scored_side_by_side(truth: pd.DataFrame, tmp_path: Path) -> None:
    run_folder(tmp_path, truth)
    found = detente.score(tmp_path)
    assert {side: one.document["errors"]["position_rmse_m"] for side, one in found.items()} == {
        "NATO": pytest.approx(30.0), "Russia": pytest.approx(40.0),
    }  # fmt: skip
    assert list(found.document) == ["pictures"]
    assert found.document["pictures"]["NATO"]["errors_by_phase"]["coast"]["samples"] == 5
    only = detente.score(tmp_path / "tracks.parquet", tmp_path / "truth.parquet", side="Russia", replicate=0)
    assert list(only) == ["Russia"]
    states = read_tracks(tmp_path, "NATO")["NATO"]
    assert states.track.tolist() == [7] * 5
    assert NUMBERS_A_SIDE > 10**6


def test_a_runs_table_alone_tells_its_sides_by_index_and_its_tracks_by_who_gave_them(
    truth: pd.DataFrame, tmp_path: Path
) -> None:
    """Without run.json beside it; and two givers' tracks of one number are two tracks."""
    run_folder(tmp_path, truth)
    table = pd.read_parquet(tmp_path / "tracks.parquet")
    given = table[table["side"] == 1].assign(giver=1)
    assert list(read_tracks(table)) == ["0", "1"]
    both = read_tracks(pd.concat([table, given], ignore_index=True), "1")["1"]
    assert both.track.tolist() == [7] * 5 + [NUMBERS_A_SIDE + 7] * 5
    pooled = read_tracks(table.assign(side=-1).drop_duplicates("time_s"))
    assert list(pooled) == ["pooled"]


def wrong(frame: pd.DataFrame, column: str, value: object) -> pd.DataFrame:
    changed = frame.astype({column: object})
    changed.loc[2, column] = value
    return changed


def test_bad_numbers_are_named_with_their_line(truth: pd.DataFrame, tracks: pd.DataFrame, tmp_path: Path) -> None:
    plain = tracks.drop(columns="covariance")
    spread = plain.assign(**{f"covariance_{k}": 1.0 for k in range(21)})
    cases = [
        (wrong(plain, "x_m", "nan"), "x_m is nan"),
        (wrong(plain, "vz_m_s", "fast"), "vz_m_s is 'fast'"),
        (wrong(plain, "time_s", "inf"), "time_s is inf"),
        (wrong(plain, "track", 1.5), "track is 1.5"),
        (wrong(plain, "track", 10**20), "track is 100000000000000000000"),
        (wrong(plain, "track", "1e20"), "track is 1e+20"),
        (wrong(plain, "track", -(2**53)), "track is -9007199254740992"),
        (wrong(plain, "x_m", 1e200), "x_m is 1e+200"),
        (wrong(plain, "vy_m_s", -3e8), "vy_m_s is -3"),
        (wrong(plain, "time_s", 1291183200000000000), "time_s is 1"),
        (wrong(plain.assign(confirmed=1), "confirmed", "no"), "confirmed is 'no'"),
        (wrong(plain.assign(confirmed=1), "confirmed", 2), "confirmed is 2"),
        (wrong(plain.assign(confirmed=1), "confirmed", None), "confirmed is nan"),
        (wrong(spread, "covariance_4", "much"), "that is no number"),
        (wrong(plain, "time_s", 1.0), "told twice at 1.0 s"),
        (wrong(plain.assign(covariance="1 " * 21), "covariance", "1 2 3"), "covariance holds 3 numbers"),
        (wrong(plain.assign(covariance="1 " * 21), "covariance", "1 " * 20 + "nan"), "a part that is no number"),
    ]
    for number, (frame, said) in enumerate(cases):
        path = tmp_path / f"{number}.csv"
        frame.to_csv(path, index=False)
        with pytest.raises(InputError) as caught:
            detente.score(path, truth)
        assert said in str(caught.value)
        assert caught.value.line == 4, said
        assert caught.value.file == str(path)
        assert caught.value.expected
        assert caught.value.remedy


def test_the_line_that_is_named_is_the_files_own(truth: pd.DataFrame, tracks: pd.DataFrame, tmp_path: Path) -> None:
    """Blank lines are no rows, a quoted cell may hold ends of lines; an editor counts both."""
    frame = wrong(tracks.drop(columns="covariance").assign(remark="on\ntwo lines"), "x_m", "nan")
    lines = frame.to_csv(index=False).splitlines(keepends=True)
    head, first, second = lines[0], "".join(lines[1:3]), "".join(lines[3:5])
    path = tmp_path / "tracks.csv"
    path.write_text("".join(["\n  \n", head, "\r\n", first, "\n", second, "\n\n", *lines[5:]]))
    with pytest.raises(InputError, match="x_m is nan") as caught:
        detente.score(path, truth)
    assert path.read_text().splitlines()[caught.value.line - 1].startswith(lines[5].rpartition(",")[0])
    assert caught.value.line == 12


BAD_TRUTH = [
    ("phase", "glide", "phase is 'glide'"),
    ("phase", 9, "phase is 9"),
    ("phase", 1.5, "phase is 1.5"),
    ("phase", -1, "phase is -1"),
    ("ballistic_coefficient_kg_m2", "heavy", "ballistic_coefficient_kg_m2 is 'heavy'"),
    ("ballistic_coefficient_kg_m2", None, "ballistic_coefficient_kg_m2 is nan"),
    ("object", 2**53, "object is 9007199254740992"),
]


@pytest.mark.parametrize(("column", "value", "said"), BAD_TRUTH, ids=[f"{column} {v}" for column, v, _ in BAD_TRUTH])
def test_a_bad_truth_is_named_with_its_line(
    truth: pd.DataFrame, tracks: pd.DataFrame, tmp_path: Path, column: str, value: object, said: str
) -> None:
    path = tmp_path / "truth.csv"
    wrong(truth.assign(**({} if column in truth else {column: 1})), column, value).to_csv(path, index=False)
    with pytest.raises(InputError) as caught:
        detente.score(tracks, path)
    assert said in str(caught.value)
    assert (caught.value.file, caught.value.line) == (str(path), 4)


def test_phases_are_numbers_or_words_and_may_be_unknown(truth: pd.DataFrame, tmp_path: Path) -> None:
    for phases in (["boost", "coast", "Reentry", "", None], [1, 2, 3, 0, None], ["1", "coast", "3", None, "0"]):
        truth.assign(phase=phases).to_csv(tmp_path / "truth.csv", index=False)
        assert read_truth(tmp_path / "truth.csv").phase.tolist() == [1, 2, 3, 0, 0]
        assert read_truth(truth.assign(phase=pd.Series(phases, dtype=object))).phase.tolist() == [1, 2, 3, 0, 0]
    assert read_truth(truth.assign(phase=[None] * 5)).phase.tolist() == [0] * 5
    by_word = truth.assign(phase=pd.Categorical(["boost", "coast", "coast", "reentry", "reentry"]))
    assert read_truth(pa.Table.from_pandas(by_word)).phase.tolist() == [1, 2, 2, 3, 3]


@pytest.mark.parametrize(
    "confirmed",
    [[0, 1, 0, 1, 1], [False, True, False, True, True], ["false", "TRUE", "0", "1", "true"], [0.0, 1, 0, 1, "True"]],
)
def test_confirmed_is_said_by_number_or_word(tracks: pd.DataFrame, confirmed: list, tmp_path: Path) -> None:
    said = tracks.drop(columns="covariance").assign(confirmed=pd.Series(confirmed, dtype=object))
    said.to_csv(tmp_path / "tracks.csv", index=False)
    for source in (said, said.infer_objects(), tmp_path / "tracks.csv"):
        assert read_tracks(source)[""].time_s.tolist() == [1.0, 3.0, 4.0]


def test_columns_of_moments_or_lists_are_no_numbers(truth: pd.DataFrame, tracks: pd.DataFrame) -> None:
    moments = tracks.assign(time_s=pd.date_range("2010-12-01", periods=5, freq="s"))
    with pytest.raises(InputError, match=r"row 1: time_s is 2010-12-01"):
        detente.score(moments, truth)
    with pytest.raises(InputError, match=r"row 1: x_m is \["):
        detente.score(tracks.assign(x_m=[np.ones(3)] * 5), truth)


def test_files_that_are_not_tracks_are_named(truth: pd.DataFrame, tracks: pd.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no")
    (tmp_path / "empty.csv").write_text("")
    run_folder(tmp_path, truth)
    with pytest.raises(InputError, match=r"no column track, vx_m_s"):
        detente.score(tracks.drop(columns=["track", "vx_m_s"]), truth)
    with pytest.raises(InputError, match="no such file"):
        detente.score(tmp_path / "nowhere.parquet", truth)
    for name in ("broken.parquet", "empty.csv"):
        with pytest.raises(InputError, match="cannot be read"):
            detente.score(tmp_path / name, truth)
    with pytest.raises(InputError, match="without a truth"):
        detente.score(tracks)
    with pytest.raises(InputError, match="truth without rows"):
        detente.score(tracks, truth[:0])
    with pytest.raises(InputError, match="no sides"):
        detente.score(tracks, truth, side="NATO")
    with pytest.raises(InputError, match="no picture of 'Nato'"):
        detente.score(tmp_path, side="Nato")
    with pytest.raises(InputError, match="no replicate 4"):
        detente.score(tmp_path, replicate=4)
    twice = pd.concat([pd.read_parquet(tmp_path / "truth.parquet").assign(replicate=r) for r in (0, 1)])
    with pytest.raises(InputError, match="2 replicates"):
        read_truth(twice.reset_index(drop=True))


def test_a_runs_truth_takes_its_coefficients_from_the_objects_beside_it(truth: pd.DataFrame, tmp_path: Path) -> None:
    run_folder(tmp_path, truth)
    assert read_truth(tmp_path).ballistic_coefficient_kg_m2.tolist() == [0.0] * 5
    objects = pd.DataFrame({"replicate": [0, 0], "object": [2, 3], "ballistic_coefficient_kg_m2": [900.0, 1500.0]})
    objects.to_parquet(tmp_path / "objects.parquet")
    assert read_truth(tmp_path).ballistic_coefficient_kg_m2.tolist() == [1500.0] * 5
    assert (
        read_truth(truth.assign(ballistic_coefficient_kg_m2=700.0)).ballistic_coefficient_kg_m2.tolist() == [700.0] * 5
    )
    with pytest.raises(InputError, match="ballistic_coefficient_kg_m2 is -1"):
        read_truth(truth.assign(ballistic_coefficient_kg_m2=-1.0))
