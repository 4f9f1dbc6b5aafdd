"""What a command says when it cannot go on, and the status that it ends with."""

import errno
import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
import typer
from tests.made_disks import little_room

from detente.cli.options import owned_failures, results_folder, write_file
from detente.records.errors import InputError


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


def test_a_file_is_written_whole_or_not_at_all_and_never_over_another(tmp_path: Path) -> None:
    path = tmp_path / "result"
    with little_room(1000), pytest.raises(InputError, match="cannot be written: File too large"):
        write_file(path, b"x" * 5000)
    assert list(tmp_path.iterdir()) == []
    assert write_file(path, b"x" * 5000) == f"wrote {path}"
    assert path.read_bytes() == b"x" * 5000
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()
    assert write_file(path, b"x" * 5000) == f"{path} is there already, the same"
    with pytest.raises(InputError, match="there already"):
        write_file(path, b"y")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="there already"):
        write_file(tmp_path / "link", b"y")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "result"]
    for path in (Path("/dev/full"), tmp_path / "result" / "below"):
        with pytest.raises(InputError, match="cannot be written"):
            write_file(path, b"y")
    for path in (Path(), Path("/"), tmp_path):
        with pytest.raises(InputError, match="there already"):
            write_file(path, b"y")


def test_a_disk_without_links_serves_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "result"
    assert write_file(path, b"x") == f"wrote {path}"
    with pytest.raises(InputError, match="there already"):
        write_file(path, b"y")
    assert [one.name for one in tmp_path.iterdir()] == ["result"]
    assert path.read_bytes() == b"x"

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match="No space left on device"):
        write_file(tmp_path / "other", b"y")
    assert [one.name for one in tmp_path.iterdir()] == ["result"], "no empty file is left"


def test_signatures_that_cannot_be_written_leave_those_that_were_there(command, pem_keys, tmp_path: Path) -> None:
    folder = tmp_path / "signed"
    folder.mkdir()
    file = folder / "s.json"
    words = [
        ("agreement", "sign", "lisbon-2011", "--party", side, "--private-key", key, "--signatures", file)
        for side, (key, _) in pem_keys.items()
    ]
    for room, done, left in ((100, words[0], []), (None, words[0], ["s.json"]), (500, words[1], ["s.json"])):
        before = file.read_bytes() if file.exists() else b""
        if room is None:
            assert command(*done).exit_code == 0
            continue
        with little_room(room):
            result = command(*done)
        assert (result.exit_code, "cannot be written: File too large" in result.stderr) == (2, True)
        assert [path.name for path in folder.iterdir()] == left
        assert (file.read_bytes() if left else b"") == before


def _umask() -> int:
    was = os.umask(0)
    os.umask(was)
    return was


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


def test_worlds_under_two_agreements_of_one_file_name_have_two_folders(monkeypatch, command):
    folders = []

    def flown(*_, out, **__):
        folders.append(out.as_posix())
        raise InputError("nothing is flown here", "", "")

    monkeypatch.setattr("detente.studies.drivers.run", flown)
    for agreement in ("a/x.yaml", "b/x.yaml", "jdec-2000"):
        command("run", "lisbon-2010", "--agreement", agreement, "--quiet")
    assert folders == [f"out/lisbon-2010/run-cooperating-0-{name}" for name in ("a+x.yaml", "b+x.yaml", "jdec-2000")]
