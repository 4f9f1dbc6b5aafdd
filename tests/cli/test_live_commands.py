"""``drill``, ``play`` and ``keys`` from the command line."""

import asyncio
import errno
import json
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from tests.gateway.made_gateway import world
from tests.gateway.made_live import laid
from tests.made_disks import little_room
from typer.testing import CliRunner

from detente.cli.app import app
from detente.cli.live import OF_A_PARTNER
from detente.exercise.briefing import Played
from detente.exercise.drill import drills
from detente.exercise.play import play
from detente.gateway.keys import AUTHORITY_DAYS, certificate_name, make_keys, only_issuer, renew_keys
from detente.gateway.logic.operator import ORDERS
from detente.gateway.prepare import Clock
from detente.gateway.theatre import read_theatre
from detente.records.errors import InputError

RUN = CliRunner()


def test_drill_prints_one_document() -> None:
    result = RUN.invoke(app, ["drill", "--seeds", "40:43", "--json", "--quiet"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"seeds": 3, "failures": []}


def test_a_failing_drill_prints_its_seed_and_its_last_events(monkeypatch: pytest.MonkeyPatch) -> None:
    failure = drills.Failure(seed=8, promise="P1", what="lost one", events=("   1.000 s  0 tick", "   2.000 s  0 tick"))
    monkeypatch.setattr(drills, "drill", lambda seed: [failure] if seed == 8 else [])
    result = RUN.invoke(app, ["drill", "--seeds", "7:10", "--quiet"])
    assert result.exit_code == 1
    assert "seed 8: P1 is broken: lost one" in result.output
    assert "2.000 s  0 tick" in result.output
    assert "3 drills, 1 failed" in result.output
    as_json = RUN.invoke(app, ["drill", "--seeds", "7:10", "--quiet", "--json"])
    assert json.loads(as_json.stdout)["failures"] == [{"seed": 8, "promise": "P1", "what": "lost one"}]


def test_drills_are_shared_kept_and_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "drills.jsonl"
    command = ["drill", "--seeds", "48:53", "--json", "--quiet", "--resume", str(kept)]
    assert RUN.invoke(app, [*command, "--workers", "2"]).exit_code == 0
    header, *lines = kept.read_text().splitlines()
    assert sorted(json.loads(line)["seeds"] for line in lines) == [[48, 50], [50, 53]]
    # One line is cut short, as by a kill: its seeds are held again, and only they.
    kept.write_text("\n".join([header, *sorted(lines)])[:-3])
    held: list[int] = []
    failure = drills.Failure(seed=51, promise="P2", what="twice", events=("one", "two"))
    monkeypatch.setattr(drills, "drill", lambda seed: held.append(seed) or ([failure] if seed == 51 else []))
    again = RUN.invoke(app, command)
    assert (again.exit_code, held) == (1, [50, 51, 52])
    assert json.loads(again.stdout) == {"seeds": 5, "failures": [{"seed": 51, "promise": "P2", "what": "twice"}]}
    third = RUN.invoke(app, command)
    assert (third.stdout, held) == (again.stdout, [50, 51, 52])


def test_a_file_that_holds_no_drills(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("something else\n")
    result = RUN.invoke(app, ["drill", "--seeds", "0:1", "--resume", str(other)])
    assert result.exit_code == 2
    assert "drills of release" in result.output
    assert other.read_text() == "something else\n"


def test_where_no_drills_can_be_kept(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none" / "x"):
        result = RUN.invoke(app, ["drill", "--seeds", "0:1", "--resume", str(place)])
        assert (result.exit_code, "nothing can be kept" in result.stderr) == (2, True)
    (tmp_path / "raw").write_bytes(b"\xff\xfe")
    assert RUN.invoke(app, ["drill", "--seeds", "0:1", "--resume", str(tmp_path / "raw")]).exit_code == 2
    assert (tmp_path / "raw").read_bytes() == b"\xff\xfe"


def test_an_empty_file_holds_no_drills_yet_and_what_is_no_line_is_held_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, held = tmp_path / "kept", list[int]()
    kept.touch()
    monkeypatch.setattr(drills, "drill", lambda seed: held.append(seed) or [])
    command = ["drill", "--seeds", "0:2", "--quiet", "--resume", str(kept)]
    assert RUN.invoke(app, command).exit_code == 0
    kept.write_text(kept.read_text().splitlines()[0] + '\n5\n{"seeds": [0, 2]}\n')
    assert RUN.invoke(app, command).exit_code == 0
    assert held == [0, 1, 0, 1]


@pytest.mark.parametrize("seeds", ["9", "9:9", "9:3", "a:b", ":5"])
def test_seeds_that_are_no_span(seeds: str) -> None:
    result = RUN.invoke(app, ["drill", "--seeds", seeds])
    assert result.exit_code == 2
    assert "A:B" in result.output


@pytest.mark.parametrize(
    "feed",
    [
        [],
        ["--feed", "Atlantis=127.0.0.1:1"],
        ["--feed", "NATO"],
        ["--feed", "NATO=here"],
        ["--feed", "NATO=127.0.0.1:99999"],
        ["--feed", "NATO=127.0.0.1:0"],
        ["--feed", "NATO=:1"],
        ["--feed", "NATO=127.0.0.1:1", "--feed", "NATO=127.0.0.1:2"],
    ],
)
def test_a_feed_that_is_nowhere(feed: list[str]) -> None:
    result = RUN.invoke(app, ["play", "theatre-2011", *feed])
    assert result.exit_code == 2
    assert "--feed" in result.output


def test_a_brief_is_a_theatre_without_a_raid(tmp_path: Path) -> None:
    path = tmp_path / "theatre.yaml"
    result = RUN.invoke(app, ["play", "theatre-2011", "--brief", str(path), "--seed", "3"])
    assert result.exit_code == 0
    theatre = read_theatre(path)
    assert theatre.names == ("NATO", "Russia")
    assert set(json.loads(path.read_text())) == {"theatre", "epoch", "tick_s", "slots", "sides", "sensors"}
    for word in ("raid", "launch", "aim", "missile"):
        assert word not in path.read_text()


def test_a_brief_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "theatre.yaml"
    command = ["play", "theatre-2011", "--brief", str(path)]
    assert RUN.invoke(app, [*command, "--seed", "3"]).exit_code == 0
    before = path.read_bytes()
    again = RUN.invoke(app, [*command, "--seed", "3"])
    assert (again.exit_code, "there already, the same" in again.output) == (0, True)
    other = RUN.invoke(app, [*command, "--seed", "4"])
    assert other.exit_code == 2
    assert "says something else" in other.output
    assert path.read_bytes() == before
    assert RUN.invoke(app, ["play", "theatre-2011", "--brief", str(tmp_path)]).exit_code == 2


@pytest.mark.parametrize(
    "words", [["--feed", "NATO=127.0.0.1:1"], ["--start", "2011-06-01T12:00:00Z"], ["--rate", "2"]]
)
def test_a_brief_plays_nothing(tmp_path: Path, words: list[str]) -> None:
    result = RUN.invoke(app, ["play", "theatre-2011", "--brief", str(tmp_path / "t.yaml"), *words])
    assert (result.exit_code, f"leave {words[0]} out" in result.stderr) == (2, True)
    assert not (tmp_path / "t.yaml").exists()


def test_a_player_says_whom_it_does_not_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, and again while that lasts; not five times a second."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        address = f"127.0.0.1:{held.getsockname()[1]}"
    monkeypatch.setattr("detente.exercise.play.RECONNECT_S", 0.001)
    monkeypatch.setattr("detente.exercise.play.MISSED_S", 0.1)
    played: Played = world()
    told: list[tuple[str, str, str]] = []

    async def story() -> None:
        async with asyncio.timeout(0.35):
            await play(
                played,
                {"NATO": address},
                Clock(datetime.now(UTC), 1.0),
                ticks=1,
                missing=lambda *said: told.append(said),
            )

    with pytest.raises(TimeoutError):
        asyncio.run(story())
    assert 2 <= len(told) <= 4
    assert told[0] == ("NATO", address, "Connection refused")


def test_keys_as_json(tmp_path: Path) -> None:
    result = RUN.invoke(app, ["keys", str(tmp_path), "--sides", "NATO,Russia", "--json"])
    assert result.exit_code == 0
    said = json.loads(result.stdout)
    assert said["sides"] == ["NATO", "Russia"]
    assert {Path(path) for path in said["files"]} == {path for path in tmp_path.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("sides", "complaint"),
    [
        ("public", "the folder of what is given to partners"),
        ("NATO,Public", "the folder of what is given to partners"),
        ("../x", "digits, spaces and . _ -"),
        ("Ä", "digits, spaces and . _ -"),
        ("NATO,nato", "name each side once"),
    ],
)
def test_names_that_no_folder_of_keys_can_have(tmp_path: Path, sides: str, complaint: str) -> None:
    result = RUN.invoke(app, ["keys", str(tmp_path / "keys"), "--sides", sides])
    assert (result.exit_code, complaint in result.stderr) == (2, True)
    assert not list(tmp_path.iterdir())


def test_a_place_where_no_keys_can_be_put(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        result = RUN.invoke(app, ["keys", str(place)])
        assert (result.exit_code, "no keys can be put" in result.stderr) == (2, True)
    (tmp_path / "keys/public/Russia").mkdir(parents=True)
    assert RUN.invoke(app, ["keys", str(tmp_path / "keys")]).exit_code == 2
    assert not (tmp_path / "keys/NATO").exists(), "nothing is made where one side's folder is there"


@pytest.mark.parametrize("room", [100, 200, 500])
@pytest.mark.parametrize("renewed", [False, True])
def test_keys_are_all_made_or_none(tmp_path: Path, room: int, renewed: bool) -> None:
    """On a disk that fills half-way nothing is left in the way of the next attempt, and what was there stays."""
    keys = tmp_path / "of all/keys"
    ask = ["keys", str(keys)]
    if renewed:
        assert RUN.invoke(app, ["keys", str(tmp_path / "old")]).exit_code == 0
        ask += ["--sides", "NATO", "--issued-by", str(tmp_path / "old/NATO")]
    before = set(tmp_path.rglob("*"))
    with little_room(room):
        result = RUN.invoke(app, ask)
    assert (result.exit_code, "no keys can be put" in result.stderr) == (2, True)
    assert str(keys) in result.stderr.partition(": a place")[0]
    assert set(tmp_path.rglob("*")) == before
    assert RUN.invoke(app, ask).exit_code == 0


def test_no_side_has_keys_where_the_last_ones_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "public/Elsewhere").mkdir(parents=True)
    before, opened, opens = set(tmp_path.rglob("*")), os.open, 0

    def full(path: Path, *how: int) -> int:
        nonlocal opens
        opens += 1
        if opens == 18:  # of 2 x 9 files
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return opened(path, *how)

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(InputError, match="No space left on device"):
        make_keys(tmp_path, ["NATO", "Russia"], datetime.now(UTC))
    assert set(tmp_path.rglob("*")) == before


def test_keys_are_renewed_by_the_authority_that_is_there(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    assert RUN.invoke(app, ["keys", str(old)]).exit_code == 0
    before = {path: path.read_bytes() for path in old.rglob("*") if path.is_file()}
    renew = ["keys", str(new), "--sides", "NATO", "--issued-by", str(old / "NATO"), "--json"]
    result = RUN.invoke(app, renew)
    assert result.exit_code == 0
    made = {str(path.relative_to(new)) for path in new.rglob("*") if path.is_file()}
    assert made == {
        "NATO/signing.key", "NATO/tls.key", "NATO/tls.pem", "public/NATO/signing.pub", "public/NATO/tls.pem"
    }  # fmt: skip
    assert set(json.loads(result.stdout)["files"]) == {str(new / name) for name in made}
    assert certificate_name(new / "NATO/tls.pem") == "NATO"
    assert only_issuer(new / "NATO/tls.pem", old / "public/NATO/authority.pem"), "partners believe it as it is"
    assert (new / "NATO/signing.key").read_bytes() != (old / "NATO/signing.key").read_bytes()
    assert (new / "NATO/signing.key").stat().st_mode & 0o077 == 0
    assert RUN.invoke(app, renew).exit_code == 2
    assert {path: path.read_bytes() for path in old.rglob("*") if path.is_file()} == before


def test_an_authority_that_cannot_renew(tmp_path: Path) -> None:
    began = datetime.now(UTC) - timedelta(days=AUTHORITY_DAYS - 5)
    make_keys(tmp_path, ["NATO", "Russia"], began)
    files, end = renew_keys(tmp_path / "new", "NATO", tmp_path / "NATO", datetime.now(UTC))
    assert abs(end - began - timedelta(days=AUTHORITY_DAYS)) < timedelta(seconds=1), "no longer than its authority"
    assert len(files) == 5
    refused = [
        ("Russia", tmp_path / "NATO", began, "NATO authority"),
        ("NATO", tmp_path / "new/NATO", began, "authority.key"),
        ("NATO", tmp_path / "NATO", end, "ended"),
    ]
    for side, issuer, now, complaint in refused:
        with pytest.raises(InputError, match=complaint):
            renew_keys(tmp_path / "other", side, issuer, now)
    shutil.copy(tmp_path / "Russia/authority.key", tmp_path / "NATO/authority.key")
    with pytest.raises(InputError, match="something else"):
        renew_keys(tmp_path / "other", "NATO", tmp_path / "NATO", began)
    two = ["keys", str(tmp_path / "other"), "--issued-by", str(tmp_path / "NATO")]
    assert "one side, whose authority is there" in RUN.invoke(app, two).stderr
    assert not (tmp_path / "other").exists()


@contextmanager
def answering(status: int, text: str) -> Iterator[tuple[str, list[str]]]:
    """A gateway's health address that answers every order so; what it was asked."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on stderr."""

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "text", "code"), [(200, "done\n", 0), (409, "Mars is no partner\n", 2), (500, "a fault\n", 1)]
)
def test_an_order_has_an_answer(tmp_path: Path, status: int, text: str, code: int) -> None:
    config = laid(tmp_path) / "NATO.yaml"
    document = json.loads(config.read_text())
    with answering(status, text) as (address, asked):
        config.write_text(json.dumps(document | {"health": address}))
        result = RUN.invoke(app, ["order", str(config), "pause", "Third side", "--json"])
    assert result.exit_code == code
    assert asked == ["/order/pause/Third%20side"]
    if code:
        assert text.strip() in result.stderr
        assert result.stdout == ""
    else:
        assert json.loads(result.stdout) == {"order": "pause", "partner": "Third side", "answer": "done"}


def test_an_order_names_whom_it_could_be_about(tmp_path: Path) -> None:
    config = laid(tmp_path) / "NATO.yaml"
    assert OF_A_PARTNER == ORDERS
    for word in OF_A_PARTNER:
        nobody = RUN.invoke(app, ["order", str(config), word])
        assert (nobody.exit_code, f"{word} of nobody" in nobody.stderr, "a partner: Russia" in nobody.stderr) == (
            2,
            True,
            True,
        )
    document = json.loads(config.read_text())
    with answering(409, "Mars is no partner\n") as (address, _):
        config.write_text(json.dumps(document | {"health": address}))
        stranger = RUN.invoke(app, ["order", str(config), "pause", "Mars"])
    assert (stranger.exit_code, "a partner: Russia" in stranger.stderr) == (2, True)


def test_an_order_that_is_given_and_not_answered_in_time_may_count_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway whose disk is far behind is not one that is not there."""
    monkeypatch.setattr("detente.cli.live.ANSWER_S", 0.2)
    config = laid(tmp_path) / "NATO.yaml"
    document = json.loads(config.read_text())
    with socket.create_server(("127.0.0.1", 0)) as slow:
        address = f"127.0.0.1:{slow.getsockname()[1]}"
        config.write_text(json.dumps(document | {"health": address}))
        late = RUN.invoke(app, ["order", str(config), "pause", "Russia"])
    assert (late.exit_code, late.stdout) == (1, "")
    assert "not answered within 0.2 s: it counts once it is kept" in late.stderr
    nobody = RUN.invoke(app, ["order", str(config), "pause", "Russia"])
    assert nobody.exit_code == 2
    assert "no gateway answers" in nobody.stderr
