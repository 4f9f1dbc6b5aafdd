"""What a command says when it cannot go on, and the status that it ends with."""

from concurrent.futures.process import BrokenProcessPool

import pytest
import typer

from detente.cli.options import owned_failures


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
