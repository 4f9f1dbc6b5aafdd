"""``detente ledger`` and ``detente agreement explain`` on a recorded run."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from detente.centre.exchange.digest import digest
from detente.centre.exchange.ledger import EMPTY_HEAD, document
from detente.centre.exchange.message import Mark
from detente.centre.exchange.statement import Address, Receipt, sign_receipt
from detente.cli.app import app
from detente.cli.ledger import FAULTS_SAID, _say
from detente.gateway.ledger_file import read_ledger
from detente.scenario.agreement import Agreement
from detente.scenario.files import load_agreement
from detente.studies.drivers import run


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    run("theatre-2011", architecture="cooperating", seed=7, replicate=0, out=folder)
    return folder


@pytest.fixture
def command():
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


OURS, THEIRS = "ledger-NATO-with-Russia.json", "ledger-Russia-with-NATO.json"


def verified(command, one, other):
    result = command("ledger", "verify", one, "--against", other, "--json")
    return result.exit_code, json.loads(result.stdout)


def changed(recorded, tmp_path, change):
    said = json.loads((recorded / OURS).read_text())
    change(said)
    path = tmp_path / OURS
    path.write_text(json.dumps(said))
    return path


def test_an_honest_run_verifies_both_ways(command, recorded):
    for one, other in ((OURS, THEIRS), (THEIRS, OURS)):
        code, found = verified(command, recorded / one, recorded / other)
        assert (code, found["sound"], found["first_bad_entry"]) == (0, True, None)
        assert (found["words"], found["proved"]) == (2, 2)
        assert found["entries"] > 100


@pytest.mark.parametrize("place", [0, 17, 100])
def test_an_edit_is_named(command, recorded, tmp_path, place):
    path = changed(recorded, tmp_path, lambda said: said["entries"][place].update(written_s=1.25))
    code, found = verified(command, path, recorded / THEIRS)
    assert (code, found["first_bad_entry"], found["faults"][0]["kind"]) == (1, place, "edit")


def test_a_deletion_and_a_truncation_are_named(command, recorded, tmp_path):
    code, found = verified(command, changed(recorded, tmp_path, lambda s: s["entries"].pop(31)), recorded / THEIRS)
    assert (code, found["first_bad_entry"], found["faults"][0]["kind"]) == (1, 31, "deletion")
    path = changed(recorded, tmp_path, lambda said: said.update(entries=said["entries"][:40]))
    code, found = verified(command, path, recorded / THEIRS)
    assert (code, found["first_bad_entry"], found["faults"][0]["kind"]) == (1, 40, "truncation")


def test_a_log_cut_short_and_headed_anew_is_caught_by_the_partners_word(command, recorded, tmp_path):
    def cut(said):
        said["entries"] = said["entries"][:40]
        from detente.centre.exchange.ledger import head_fields
        from detente.gateway.ledger_file import _head_of

        said["head"] = head_fields(_head_of(read_ledger(recorded / OURS).book.entries[:40]))
        said["words"] = []

    path = changed(recorded, tmp_path, cut)
    alone = command("ledger", "verify", path)
    assert (alone.exit_code, "no signed word vouches for any" in alone.stdout) == (1, True)
    code, found = verified(command, path, recorded / THEIRS)
    assert (code, found["first_bad_entry"], found["faults"][0]["kind"]) == (1, 40, "truncation")


def test_words_count_only_by_keys_known_beforehand(command, recorded, pem_keys):
    keys = [word for side, (_, public) in pem_keys.items() for word in ("--key", f"{side}={public}")]
    result = command("ledger", "verify", recorded / OURS, "--against", recorded / THEIRS, *keys, "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["proved"], found["words"], found["sound"]) == (1, 0, 2, False)
    said = command("ledger", "verify", recorded / OURS, "--against", recorded / THEIRS, *keys).stdout
    assert "not verified: its entries agree, but 2 of its signed words do not hold" in said


@pytest.mark.parametrize(
    "content", ["", "{}", "[1]", '{"schema": 1}', '{"schema": 2, "side": "A"}', "SQLite format 3\0 and nothing"]
)
def test_what_is_no_ledger_is_refused(command, tmp_path, content):
    (tmp_path / "l.json").write_text(content)
    result = command("ledger", "verify", tmp_path / "l.json")
    assert result.exit_code == 2
    assert "ledger" in result.stderr


def test_folders_missing_files_and_wrong_partners_are_told(command, recorded):
    assert OURS in command("ledger", "verify", recorded).stderr
    assert command("ledger", "verify", recorded / "none").exit_code == 2
    assert "name the partner's ledger" in command(
        "ledger", "verify", recorded / OURS, "--against", recorded / OURS
    ).stderr  # fmt: skip


def document_of(path, side, partner, *, agreement="a" * 64, mark=Mark.SIMULATED, seed="s"):
    """An empty ledger as a run writes it, with the partner's last word."""
    keys = {name: Ed25519PrivateKey.from_private_bytes((seed + name).ljust(32).encode()) for name in (side, partner)}
    address = Address(
        mark=mark, giver=partner, receiver=side, agreement=agreement, origin="2026-01-01T00:00:00+00:00", epoch=1,
        ordinal=0, sealed_s=0.0, head=EMPTY_HEAD,
    )  # fmt: skip
    word = sign_receipt(Receipt(address=address, acknowledged=()), keys[partner])
    public = {name: [key.public_key().public_bytes_raw()] for name, key in keys.items()}
    path.write_text(json.dumps(document(side, partner, (), EMPTY_HEAD, [word], public)))
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"agreement": "b" * 64}, "its agreement is bbb"),
        ({"mark": Mark.EXERCISE}, "its marking is exercise, that of the first is simulated"),
        ({"seed": "t"}, "its key of NATO is"),
    ],
)
def test_the_ledger_of_another_run_is_refused(command, tmp_path, change, said):
    one = document_of(tmp_path / OURS, "NATO", "Russia")
    same = document_of(tmp_path / THEIRS, "Russia", "NATO")
    assert command("ledger", "verify", one, "--against", same).exit_code == 1  # nothing vouches for it; no fault either
    other = document_of(tmp_path / "other.json", "Russia", "NATO", **change)
    result = command("ledger", "verify", one, "--against", other)
    assert result.exit_code == 2
    assert f"other.json: a ledger of another exercise: {said}" in result.stderr


def test_show_prints_entries(command, recorded):
    shown = command("ledger", "show", recorded / OURS, "--last", "3").stdout.splitlines()
    assert len(shown) == 4
    assert "NATO's ledger with Russia" in shown[0]
    assert len(json.loads(command("ledger", "show", recorded / OURS, "--last", "3", "--json").stdout)["entries"]) == 3


def test_decisions_of_a_run_are_explained(command, recorded):
    result = command("agreement", "explain", "lisbon-2011", recorded, "--limit", "4", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert len(found["decisions"]) == 4
    released = sum(line["count"] for line in found["counts"] if line["reason"] == "released")
    assert released > 1000
    assert {line["clause"] for line in found["counts"]} <= {
        f"{side}-{what}" for side in ("nato", "russia") for what in ("launch", "impact", "tracks", "status")
    }
    every = json.loads(command("agreement", "explain", "lisbon-2011", recorded, "--limit", "100", "--json").stdout)
    owners = {one["name"]: one["side"] for one in json.loads((recorded / "setting.json").read_text())["sensors"]}
    status = [line for line in every["decisions"] if line["data"] == "sensor-status"]
    assert status
    assert all(owners[line["sensor"]] == line["giver"] for line in status)
    words = command("agreement", "explain", "lisbon-2011", recorded, "--limit", "100").stdout
    assert f"sensor-status of {status[0]['sensor']}, " in words
    one = next(line for line in every["decisions"] if line["data"] != "sensor-status")
    track = f"{one['giver']}:{one['number']}"
    mine = json.loads(command("agreement", "explain", "lisbon-2011", recorded, "--track", track, "--json").stdout)
    assert {line["number"] for line in mine["decisions"]} == {one["number"]}
    assert "sensor-status" not in {line["data"] for line in mine["counts"]}  # a sensor's number is no track's
    assert command("agreement", "explain", "nothing", recorded).exit_code == 2
    assert command("agreement", "explain", "lisbon-2011", recorded, "--track", "NATO").exit_code == 2
    unknown = command("agreement", "explain", "lisbon-2011", recorded, "--track", "NATO:99999")
    assert unknown.exit_code == 2
    assert "about which nothing was decided" in unknown.stderr
    assert found["counted_together"] == []


def test_withholdings_that_hide_behind_another_clause_are_told(command, recorded, tmp_path):
    """A track that one clause told is not counted as withheld by another, so the other's line may be missing."""
    lisbon = load_agreement("lisbon-2011")
    tracks = next(clause for clause in lisbon.clauses if clause.name == "nato-tracks")
    exact = tracks.model_copy(update={"name": "nato-tracklets", "data": "tracklet"})
    both = Agreement(**{**lisbon.model_dump(), "clauses": [*lisbon.clauses, exact]})
    (tmp_path / "both.yaml").write_text(both.model_dump_json())
    run = tmp_path / "run"
    run.mkdir()
    (run / "releases.parquet").write_bytes((recorded / "releases.parquet").read_bytes())
    noted = json.loads((recorded / "setting.json").read_text())
    noted["agreement"] = {"name": both.name, "digest": digest(both)}
    (run / "setting.json").write_text(json.dumps(noted))
    found = json.loads(command("agreement", "explain", tmp_path / "both.yaml", run, "--json").stdout)
    told = {line["clause"]: line for line in found["counted_together"]}
    assert set(told) == {"nato-tracks", "nato-tracklets"}
    assert told["nato-tracks"]["with"] == ["nato-tracklets"]
    assert (told["nato-tracklets"]["decisions"], told["nato-tracks"]["decisions"] > 0) == (0, True)
    words = command("agreement", "explain", tmp_path / "both.yaml", run).stdout
    assert "nato-tracklets: 0 decisions of its own; counted together with nato-tracks" in words


def test_a_run_is_written_as_ccsds_messages_and_read_back(command, recorded, tmp_path):
    for kind in ("oem", "tdm"):
        written = command("ccsds", "write", recorded, "--kind", kind, "--side", "NATO", "--out", tmp_path / kind)
        assert written.exit_code == 0, written.stderr
        assert (tmp_path / kind).read_text().startswith(f"CCSDS_{kind.upper()}_VERS")
    found = json.loads(command("ccsds", "read", tmp_path / "oem", "--json").stdout)
    assert len(found) > 2
    line = found[0]["name"]
    ocm = command("ccsds", "write", recorded, "--side", "NATO", "--kind", "ocm", "--line", line)
    (tmp_path / "ocm").write_text(ocm.stdout)
    (one,) = json.loads(command("ccsds", "read", tmp_path / "ocm", "--json").stdout)
    assert one["name"] == line
    assert one["state"] == found[0]["state"]
    for words in (["--kind", "cdm"], ["--kind", "ocm", "--line", "nobody"]):
        assert command("ccsds", "write", recorded, "--side", "NATO", *words).exit_code == 2
    assert command("ccsds", "write", recorded, "--side", "Norway").exit_code == 2
    assert command("ccsds", "write", tmp_path, "--side", "NATO").exit_code == 2
    assert command("ccsds", "read", recorded / "run.json").exit_code == 2


def test_what_a_run_told_of_sensors_is_written_as_sapient_and_read_back(command, recorded, tmp_path):
    file = tmp_path / "russia.sapient"
    written = command("sapient", "write", recorded, "--side", "Russia", "--to", "NATO", "--out", file)
    assert written.exit_code == 0, written.stderr
    found = json.loads(command("sapient", "read", file, "--sensors", recorded, "--json").stdout)
    sensors = {one["name"] for one in json.loads((recorded / "setting.json").read_text())["sensors"]}
    assert found["sensors"]
    assert set(found["sensors"]) < sensors
    assert {(one["side"], one["state"]) for one in found["sensors"].values()} == {("Russia", "up")}
    assert found["reports"] >= len(found["sensors"])
    said = command("sapient", "read", file, "--sensors", recorded)
    assert "up, as of 20" in said.stdout
    theatre = tmp_path / "theatre.yaml"
    assert command("play", "theatre-2011", "--brief", theatre).exit_code == 0
    assert command("sapient", "read", file, "--sensors", theatre).stdout == said.stdout
    before = file.read_bytes()
    other = command("sapient", "write", recorded, "--side", "NATO", "--to", "Russia", "--out", file)
    assert (other.exit_code, "there already" in other.stderr, file.read_bytes() == before) == (2, True, True)
    (tmp_path / "empty").touch()
    empty = command("sapient", "read", tmp_path / "empty", "--sensors", recorded)
    assert (empty.exit_code, "it is empty" in empty.stderr) == (2, True)
    cut = tmp_path / "cut.sapient"
    cut.write_bytes(file.read_bytes()[:-3])
    result = command("sapient", "read", cut, "--sensors", recorded)
    assert (result.exit_code, "cut.sapient: byte" in result.stderr, "cut off" in result.stderr) == (2, True, True)
    both = ["--side", "NATO", "--to", "Russia"]
    for words in (["--side", "Norway", "--to", "Russia"], ["--side", "NATO", "--to", "NATO"]):
        assert command("sapient", "write", recorded, *words, "--out", tmp_path / "x").exit_code == 2
    for option, words in (("--side", both[2:]), ("--to", both[:2]), ("--side", [])):
        unsaid = command("sapient", "write", recorded, *words, "--out", tmp_path / "x")
        assert unsaid.exit_code == 2
        assert f"error: {option}: none given\n  expected: one of NATO, Russia" in unsaid.stderr
    assert command("sapient", "write", tmp_path, *both, "--out", tmp_path / "x").exit_code == 2
    assert command("sapient", "read", tmp_path / "none", "--sensors", recorded).exit_code == 2
    nowhere = command("sapient", "write", recorded, *both, "--out", tmp_path / "no" / "such")
    assert (nowhere.exit_code, "cannot be written" in nowhere.stderr) == (2, True)
    assert not (tmp_path / "x").exists()


FOUND = {
    "side": "A", "partner": "B", "entries": 9, "root": "ab", "out_of_sight": [], "words": 5, "proved": 5,
    "vouched_for": 8, "keys_known_beforehand": True, "sound": True, "faults": [], "first_bad_entry": None,
    "first_bad_entry_at_most": None,
}  # fmt: skip
ALL_HOLD = "5 of 5 signed words hold, by keys known beforehand; they vouch for the first 8 entries"
NOT_VERIFIED = "not verified: its entries agree, but "
FAULTY = {"kind": "edit", "what": "entry 3 is not the one that was written"}


@pytest.mark.parametrize(
    ("values", "words", "verdict"),
    [
        ({}, ALL_HOLD, "sound"),
        ({"keys_known_beforehand": False}, "5 of 5 signed words hold, by keys that the files name themselves; they "
         "vouch for the first 8 entries", "sound, if those keys are the sides' own"),
        ({"sound": False, "proved": 0, "vouched_for": 0, "keys_known_beforehand": False},
         "5 signed words, and no key to check them by",
         f"{NOT_VERIFIED}none of its signed words could be checked; give the sides' keys with --key"),
        ({"sound": False, "proved": 0, "vouched_for": 0},
         "0 of 5 signed words hold, by keys known beforehand; they vouch for the first 0 entries",
         f"{NOT_VERIFIED}5 of its signed words do not hold; give every key the sides had"),
        ({"sound": False, "proved": 3, "keys_known_beforehand": False},
         "3 of 5 signed words hold, by keys that the files name themselves; they vouch for the first 8 entries",
         f"{NOT_VERIFIED}2 of its signed words do not hold; give every key the sides had"),
        ({"sound": False, "words": 0, "proved": 0, "vouched_for": 0}, "no signed word is kept with it",
         f"{NOT_VERIFIED}no signed word vouches for any of them"),
        ({"sound": False, "faults": [FAULTY], "first_bad_entry": 3, "first_bad_entry_at_most": 3}, ALL_HOLD,
         "first bad entry: 3"),
        ({"sound": False, "faults": [FAULTY], "first_bad_entry": 3, "first_bad_entry_at_most": 6}, ALL_HOLD,
         "first bad entry: one of 3 to 6"),
        ({"sound": False, "out_of_sight": [{"side": "A", "epoch": 2, "envelopes": 4}]}, ALL_HOLD,
         "not verified: nothing that is seen is bad, but there is more than these two files show"),
    ],
)  # fmt: skip
def test_a_verdict_says_what_was_found_out_and_no_more(capsys, values, words, verdict):
    _say(FOUND | values)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "A's ledger with B: 9 entries, root ab"
    assert (said[1], said[-1]) == (words, verdict)
    assert len(said) == 3 + len(values.get("faults", ())) + len(values.get("out_of_sight", ()))


def test_of_many_faults_the_first_are_said_and_the_rest_counted(capsys):
    faults = [FAULTY] * (FAULTS_SAID + 2)
    _say(FOUND | {"sound": False, "faults": faults, "first_bad_entry": 3, "first_bad_entry_at_most": 3})
    said = capsys.readouterr().out.splitlines()
    assert said.count("edit: entry 3 is not the one that was written") == FAULTS_SAID
    assert said[-2] == "and 2 more (--json tells all)"
