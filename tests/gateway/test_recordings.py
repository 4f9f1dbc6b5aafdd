"""A recorded file as a feed: what is silent in it, and whose world it is."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.gateway.made_gateway import SIDES, world
from tests.gateway.made_live import laid, ready
from typer.testing import CliRunner

from detente.cli.app import app
from detente.gateway.feed import GAP_TOLD_S, recorded_ticks, silences
from detente.gateway.serve import Server
from detente.records.errors import InputError
from detente.records.stages import Detections

NATO = SIDES[0]


def rows_of_nato() -> Detections:
    played = world()
    return played.detections.take(np.flatnonzero(played.theatre.suite.side[played.detections.sensor] == 0))


def written(path: Path, table: Detections) -> Path:
    pq.write_table(table.to_arrow(), path)
    return path


def read(path: Path, **asked: Any) -> Any:
    theatre = world().theatre
    return recorded_ticks(path, theatre.suite, 0, theatre.tick_s, **asked)


def with_a_hole(table: Detections, first_s: float, last_s: float) -> Detections:
    return table.take(np.flatnonzero((table.time_s <= first_s) | (table.time_s >= last_s)))


def test_silences_are_between_detections_and_at_both_ends() -> None:
    times = np.array([10.0, 12.0, 90.0, 91.0])
    assert silences(times, 60.0, None) == [(12.0, 90.0)]
    assert silences(times, 5.0, None) == [(0.0, 10.0), (12.0, 90.0)]
    assert silences(times, 60.0, 200.0) == [(12.0, 90.0), (91.0, 200.0)]
    assert silences(times, 60.0, 80.0) == [(12.0, 80.0)], "what comes after the end ends no silence"
    assert silences(times, 78.0, None) == [], "longer, not as long"
    assert silences(np.zeros(0), 60.0, 100.0) == [(0.0, 100.0)]
    assert silences(np.zeros(0), 60.0, None) == []


def test_a_gap_is_refused_wherever_it_is(tmp_path: Path) -> None:
    table = rows_of_nato()
    first_s, last_s = float(table.time_s.min()), float(table.time_s.max())
    middle_s = 0.5 * (first_s + last_s)
    path = written(tmp_path / "hole.parquet", with_a_hole(table, middle_s - 60.0, middle_s + 60.0))
    with pytest.raises(InputError, match=r"a gap of 1[2-4]\d\.\d s, from "):
        read(path, gap_s=115.0)
    late = written(tmp_path / "late.parquet", replace(table, time_s=table.time_s + 400.0))
    with pytest.raises(InputError, match=rf"from 0\.0 s to {first_s + 400.0:.1f} s"):
        read(late, gap_s=300.0)
    whole = written(tmp_path / "whole.parquet", table)
    assert read(whole, gap_s=115.0, end_s=last_s + 100.0).gaps == []
    with pytest.raises(InputError, match=rf"from {last_s:.1f} s to {last_s + 130.0:.1f} s"):
        read(whole, gap_s=115.0, end_s=last_s + 130.0)
    with pytest.raises(InputError, match="a gap of 500"):
        read(written(tmp_path / "none.parquet", table.rows(0, 0)), gap_s=60.0, end_s=500.0)


def test_a_gap_that_nobody_forbade_is_told(tmp_path: Path) -> None:
    """Sensors that were off look like sensors that saw nothing; whoever reads the warnings must know."""
    folder = laid(tmp_path)
    table = rows_of_nato()
    middle_s = 0.5 * float(table.time_s.min() + table.time_s.max())
    written(folder / "d.parquet", with_a_hole(table, middle_s - 107.0, middle_s + 107.0))
    document = json.loads((folder / "NATO.yaml").read_text())
    document["feed"] = {"file": "d.parquet"}
    (folder / "NATO.yaml").write_text(json.dumps(document))
    told: list[dict[str, Any]] = []
    server = Server(ready(folder, NATO), told.append)
    server.store.discard()
    gaps = [(one["gap_from_s"], one["gap_to_s"]) for one in told if one["event"] == "feed"]
    assert gaps == [pytest.approx(gap, abs=1e-3) for gap in silences(
        np.sort(table.time_s[(table.time_s <= middle_s - 107.0) | (table.time_s >= middle_s + 107.0)]), GAP_TOLD_S, None
    )]  # fmt: skip
    assert any(last_s - first_s >= 214.0 for first_s, last_s in gaps)
    assert sum(map(len, server.batches.values())) == int(np.sum(np.abs(table.time_s - middle_s) >= 107.0))


def test_several_worlds_in_one_file_are_not_one(tmp_path: Path) -> None:
    table = rows_of_nato()
    other = replace(table, replicate=table.replicate + 3).rows(0, 50)
    path = written(tmp_path / "two.parquet", Detections.concatenate([table, other]))
    with pytest.raises(InputError, match=r"2 replicates \(0, 3\): as many worlds at once") as refusal:
        read(path)
    assert "feed.replicate" in refusal.value.remedy
    assert sum(map(len, read(path, replicate=3).ticks)) == 50
    assert sum(map(len, read(path, replicate=0).ticks)) == len(table)
    assert all(set(tick.replicate.tolist()) <= {0} for tick in read(path, replicate=3).ticks)
    with pytest.raises(InputError, match="no row of replicate 2: its rows are of replicate 0, 3"):
        read(path, replicate=2)


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file") as refusal:
        read(tmp_path / "nowhere.parquet")
    assert refusal.value.file == str(tmp_path / "nowhere.parquet")


@pytest.mark.parametrize("key", ["gap_s", "replicate"])
def test_a_feed_on_a_socket_has_no_gaps_to_refuse(tmp_path: Path, key: str) -> None:
    document = json.loads((laid(tmp_path) / "NATO.yaml").read_text())
    document["feed"][key] = 3
    (tmp_path / "NATO.yaml").write_text(json.dumps(document))
    result = CliRunner().invoke(app, ["serve", str(tmp_path / "NATO.yaml")])
    assert result.exit_code == 2
    assert "it beside file alone" in result.output
