"""What a command says when it cannot go on, and the status that it ends with."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
import typer

from detente.cli.options import owned_failures, results_folder


def test_a_lost_worker_is_told_with_what_is_kept(capsys):
    with pytest.raises(typer.Exit) as end, owned_failures("all else is kept"):
        raise BrokenProcessPool("a process in the pool was terminated abruptly")
    assert end.value.exit_code == 1
    assert "a worker process was killed, perhaps for want of memory; all else is kept" in capsys.readouterr().err


def test_a_stop_by_hand_is_told_with_what_is_kept(capsys):
    with pytest.raises(typer.Exit) as end, owned_failures("all else is kept"):
        raise KeyboardInterrupt
    assert end.value.exit_code == 130
    assert "stopped; all else is kept" in capsys.readouterr().err


def test_a_drill_that_is_told_to_end_leaves_no_process_and_keeps_what_is_finished(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    command = [sys.executable, "-m", "detente", "drill", "--seeds", "0:100000", "--workers", "2", "--resume", str(kept)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
    assert process.stderr is not None
    process.stderr.read(1)  # it has begun
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert kept.exists()
    end_s = time.monotonic() + 20.0
    while _alive(process.pid):
        assert time.monotonic() < end_s, "of the whole group nobody is left"
        time.sleep(0.1)


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("seed", "values", "further", "folder"),
    [
        (1, None, (None,), "out/lisbon-2010"),
        (1, ["threat_view=russia"], (None,), "out/lisbon-2010-threat_view=russia"),
        (2, ["sides[0].stock=3"], ("alone,joint",), "out/lisbon-2010-sides+0+.stock=3-seed-2-alone+joint"),
        (1, ["a=../../etc/x"], (), "out/lisbon-2010-a=..+..+etc+x"),
    ],
)  # fmt: skip
def test_each_question_has_a_folder_of_its_own(seed, values, further, folder):
    assert results_folder("lisbon-2010", seed, values, *further).as_posix() == folder


def test_a_long_question_is_named_by_a_digest():
    one, other = (results_folder("x", 1, ["a=" + "b" * 300 + end]).name for end in "12")
    assert one != other
    assert len(one) < 100
