"""What a terminal, a pipe or a file is given, whatever it can show."""

import os
import pty
import subprocess
import sys

import pytest


def detente(*words: str, encoding: str = "ascii", **given) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "80"}
    command = [sys.executable, "-m", "detente", *words]
    return subprocess.run(command, env=environment, check=False, **{"capture_output": True, **given})


@pytest.mark.parametrize(
    ("words", "encoding"),
    [(("fly", "forden-scud-b"), "latin-1"), (("catalogue", "radars", "gabala", "--json"), "ascii")],
)
def test_a_pipe_gets_utf_8_whatever_the_locale(words: tuple[str, ...], encoding: str) -> None:
    """A traceback in the middle of a table was what another locale got."""
    result, usual = detente(*words, encoding=encoding), detente(*words, encoding="utf-8")
    assert (result.returncode, result.stderr) == (0, usual.stderr)
    assert result.stdout == usual.stdout
    assert "°" in result.stdout.decode("utf-8")


def test_a_terminal_that_lacks_a_sign_shows_another() -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "wb") as screen:
        result = detente("catalogue", "radars", "gabala", stdout=screen, stderr=screen, capture_output=False)
    shown = os.read(ours, 1 << 16)
    os.close(ours)
    assert result.returncode == 0
    assert b"40?52'14.6\"N" in shown
    assert b"Traceback" not in shown


@pytest.mark.parametrize("group", [(), ("agreement",), ("ccsds",), ("envelope",), ("ledger",), ("sapient",)])
def test_the_list_of_commands_cuts_no_sentence_short(group: tuple[str, ...]) -> None:
    text = detente(*group, "--help", encoding="utf-8").stdout.decode("utf-8")
    listed = text.partition("\nCommands:\n")[2]
    assert listed.strip()
    assert "..." not in listed
    assert max(map(len, text.splitlines())) <= 80
