"""``detente agreement``: what it says, and its exit codes."""

import json

import pytest

from detente.scenario.files import load_agreement

FACTS = """
data: track
giver: NATO
receiver: Russia
at: "2011-06-01T12:00:00Z"
owners: [USA, TUR]
phase: coast
"""

TORN = """
name: torn
title: An agreement at odds with itself
source: made for a test
parties: [NATO, Russia]
valid: {start: "2011-01-01T00:00:00Z", end: "2012-01-01T00:00:00Z"}
clauses:
  - {name: coarse, data: track, giver: NATO, receiver: Russia, delay_s: 60, coarsen: {sigma_position_m: 5000}}
  - {name: exact, data: track, giver: NATO, receiver: Russia}
  - {name: again, data: track, giver: NATO, receiver: Russia}
  - {name: nobody, data: launch-warning, giver: Russia, receiver: NATO, owners_consenting: []}
"""


@pytest.mark.parametrize("name", ["jdec-2000", "lisbon-2011", "sectoral-2011", "nothing"])
def test_bundled_agreements_are_sound(command, name):
    result = command("agreement", "check", name, "--at", "2011-06-01T00:00:00Z", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["sound"]
    assert all(clause["at_most"].endswith(".") for clause in found["clauses"])
    assert not [finding for finding in found["findings"] if finding["serious"]]


def test_an_agreement_at_odds_with_itself(command, tmp_path):
    (tmp_path / "torn.yaml").write_text(TORN)
    result = command("agreement", "check", tmp_path / "torn.yaml", "--at", "2013-01-01T00:00:00Z", "--json")
    assert result.exit_code == 1
    found = {(one["kind"], one["clause"]) for one in json.loads(result.stdout)["findings"]}
    assert found == {
        ("contradiction", "coarse"), ("shadowed", "again"), ("unreachable", "nobody"), ("one-sided", "coarse"),
        ("one-sided", "nobody"), ("ended", ""),
    }  # fmt: skip
    words = command("agreement", "check", tmp_path / "torn.yaml", "--at", "2013-01-01T00:00:00Z").stdout
    assert "clause 'exact' tells the same without its restrictions (sooner: after 0 s, not 60 s" in words
    assert "it ended on 2012-01-01" in words


def test_the_rate_at_which_a_clause_really_speaks_is_told(command, tmp_path):
    (tmp_path / "slow.yaml").write_text(TORN.replace("delay_s: 60", "every_s: 15"))
    words = command("agreement", "check", tmp_path / "slow.yaml", "--at", "2011-06-01T00:00:00Z").stdout
    assert "at most every 30 s (the first rate no faster than 15 s) of each object" in " ".join(words.split())
    (tmp_path / "slower.yaml").write_text(TORN.replace("delay_s: 60", "every_s: 30"))
    assert command("agreement", "diff", tmp_path / "slow.yaml", tmp_path / "slower.yaml").stdout == (
        "the two tell the same, on the same terms, though not in the same words\n"
    )
    (tmp_path / "never.yaml").write_text(TORN.replace("delay_s: 60", "every_s: 100000"))
    refused = command("agreement", "check", tmp_path / "never.yaml")
    assert refused.exit_code == 2
    assert "86400" in refused.stderr.replace(",", "")


def test_one_message_is_explained(command, tmp_path):
    (tmp_path / "message.yaml").write_text(FACTS)
    result = command("agreement", "explain", "lisbon-2011", tmp_path / "message.yaml", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["released"], found["clauses"][0]["name"]) == (False, "nato-tracks")
    assert found["clauses"][0]["reasons"] == ["TUR withholds what its sensors contribute"]
    (tmp_path / "message.yaml").write_text(FACTS.replace(", TUR", ""))
    assert "released by nato-tracks" in command("agreement", "explain", "lisbon-2011", tmp_path / "message.yaml").stdout
    assert "no clause lets NATO" in command("agreement", "explain", "nothing", tmp_path / "message.yaml").stdout
    for option, value in (("--track", "nonsense"), ("--limit", "3")):
        result = command("agreement", "explain", "lisbon-2011", tmp_path / "message.yaml", option, value)
        assert (result.exit_code, f"leave {option} out" in result.stderr) == (2, True)


def test_what_another_kind_of_data_holds_is_told_with_what_is_withheld(command, tmp_path):
    """A tracklet holds a whole exact track: a track clause that withholds protects nothing beside an open one."""
    clauses = """
  - {name: late, data: track, giver: NATO, receiver: Russia, when: {phases: [reentry]}}
  - {name: exact, data: tracklet, giver: NATO, receiver: Russia}
"""
    file, facts = tmp_path / "both.yaml", tmp_path / "message.yaml"
    facts.write_text(FACTS)
    file.write_text(TORN[: TORN.index("clauses:")] + f"clauses:{clauses}")
    found = json.loads(command("agreement", "explain", file, facts, "--json").stdout)
    assert (found["released"], found["told_in"]) == (False, ["exact"])
    assert found["why"].endswith("; but a tracklet holds all of it, and exact may release that")
    file.write_text(file.read_text().replace("data: tracklet,", "data: tracklet, owners_withheld: [TUR],"))
    found = json.loads(command("agreement", "explain", file, facts, "--json").stdout)
    assert (found["told_in"], found["why"]) == ([], "withheld by every clause that speaks of it")


def test_facts_that_make_no_sense_are_told_by_line(command, tmp_path):
    (tmp_path / "message.yaml").write_text(FACTS.replace("coast", "hover"))
    result = command("agreement", "explain", "lisbon-2011", tmp_path / "message.yaml")
    assert result.exit_code == 2
    assert "message.yaml:7:8" in result.stderr


@pytest.mark.parametrize(
    ("was", "now", "place"),
    [
        ("receiver: Russia", "receiver: France", "message.yaml:4:11: receiver: 'France'"),
        ("receiver: Russia", "receiver: NATO", "message.yaml:4:11: receiver: 'NATO', the giver"),
        ("giver: NATO", "giver: Nato", "did you mean 'NATO'?"),
        ("USA, TUR", "USA, TRU", "message.yaml:6:15: owners.1: 'TRU'"),
        ("phase: coast", "impact_probability: {Rusia: 0.7}", "message.yaml:7:29: impact_probability.Rusia: 'Rusia'"),
    ],
)
def test_a_name_that_nobody_has_is_refused_not_judged(command, tmp_path, was, now, place):
    (tmp_path / "message.yaml").write_text(FACTS.replace(was, now))
    result = command("agreement", "explain", "lisbon-2011", tmp_path / "message.yaml")
    assert result.exit_code == 2
    assert place in result.stderr


def test_one_clause_written_as_two_is_no_difference(command, tmp_path):
    def split(phases):
        text = TORN
        for name, part in (("exact", "boost"), ("again", phases)):
            whole = f"name: {name}, data: track, giver: NATO, receiver: Russia"
            text = text.replace(whole, f"{whole}, when: {{phases: [{part}]}}")
        return text

    for name, text in (("one", TORN), ("two", split("coast, reentry")), ("part", split("coast"))):
        (tmp_path / f"{name}.yaml").write_text(text)
    same = command("agreement", "diff", tmp_path / "one.yaml", tmp_path / "two.yaml")
    assert same.stdout == "the two tell the same, on the same terms, though not in the same words\n"
    less = command("agreement", "diff", tmp_path / "one.yaml", tmp_path / "part.yaml").stdout
    assert "newly withholds exact in reentry" in less
    assert "beyond coarse: sooner: after 0 s, not 60 s" in less  # the nearest that speaks in reentry
    assert "boost" not in less


def test_a_misspelt_owner_protects_nobody(command, tmp_path):
    for key in ("owners_withheld", "owners_consenting"):
        (tmp_path / "torn.yaml").write_text(TORN.replace("delay_s: 60", f"delay_s: 60, {key}: [TRU]"))
        found = json.loads(command("agreement", "check", tmp_path / "torn.yaml", "--json").stdout)["findings"]
        (one,) = [finding for finding in found if finding["kind"] == "unknown-owner"]
        assert (one["clause"], one["serious"]) == ("coarse", True)


def test_an_agreement_that_has_ended_does_not_end_sound(command):
    words = command("agreement", "check", "lisbon-2011", "--at", "2050-06-01T00:00:00Z")
    assert words.exit_code == 1
    assert words.stdout.endswith("over: what it says no longer releases anything\n")


def test_a_difference_is_told_both_ways(command):
    result = command("agreement", "diff", "sectoral-2011", "lisbon-2011", "--json")
    found = json.loads(result.stdout)
    assert [line["clause"] for line in found["newly_releases"]] == ["nato-status", "russia-status"]
    assert found["newly_withholds"] == []
    back = json.loads(command("agreement", "diff", "lisbon-2011", "sectoral-2011", "--json").stdout)
    assert [line["clause"] for line in back["newly_withholds"]] == ["nato-status", "russia-status"]
    same = command("agreement", "diff", "lisbon-2011", "lisbon-2011")
    assert same.stdout == "the two tell the same, on the same terms\n"


def with_terms(path, **clauses):
    """lisbon-2011 with more said in some of its clauses, as a file."""
    document = load_agreement("lisbon-2011").model_dump(mode="json")
    for clause in document["clauses"]:
        clause.update(clauses.get(clause["name"].replace("-", "_"), {}))
    path.write_text(json.dumps(document))
    return path


def test_what_else_binds_is_told_with_who_loses_by_it(command, tmp_path):
    theirs = {"suspended_by": "giver", "withdrawal_notice_s": 86400}
    changed = with_terms(
        tmp_path / "changed.yaml", russia_tracks={"terms": theirs, "label": {"classification": "SECRET"}},
        nato_tracks={"terms": {"after_withdrawal": "deleted"}, "retention_s": 3600},
    )  # fmt: skip
    found = json.loads(command("agreement", "diff", "lisbon-2011", changed, "--json").stdout)
    assert (found["same"], found["same_text"]) == (False, False)
    assert [(one["kind"], one["loses"], one["gains"]) for one in found["terms"]] == [
        ("suspension", ["NATO"], []), ("withdrawal-notice", ["NATO", "Russia"], []), ("retention", ["Russia"], []),
        ("after-withdrawal", ["Russia"], []), ("label", [], []),
    ]  # fmt: skip
    words = command("agreement", "diff", "lisbon-2011", changed).stdout
    assert "NATO may no longer suspend the exchange with Russia: it has no right to by clause 'russia-tracks'" in words
    assert "a withdrawal between NATO and Russia takes effect 86400 s after the word, not at once" in words
    assert "Russia may keep what NATO told it of track for 3600 s, not for as long as it likes" in words
    assert "of track is labelled EXERCISE SECRET, not EXERCISE UNCLASSIFIED" in words
    back = json.loads(command("agreement", "diff", changed, "lisbon-2011", "--json").stdout)["terms"]
    assert [(one["kind"], one["loses"], one["gains"]) for one in back] == [
        (one["kind"], one["gains"], one["loses"]) for one in found["terms"]
    ]
    assert command("agreement", "diff", changed, changed).stdout == "the two tell the same, on the same terms\n"


def test_a_check_tells_the_terms_and_where_they_bind_one_side(command, tmp_path):
    file = with_terms(
        tmp_path / "changed.yaml", russia_tracks={"terms": {"suspended_by": "giver", "withdrawal_notice_s": 60}},
        nato_tracks={"terms": {"after_withdrawal": "deleted"}, "label": {"releasable_to": ["Russia"]}},
    )  # fmt: skip
    result = command("agreement", "check", file, "--at", "2011-06-01T00:00:00Z", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["at"] == "2011-06-01T00:00:00Z"
    bound = {clause["name"]: clause["bound"] for clause in found["clauses"]}
    assert bound["russia-tracks"] == (
        "Russia alone may suspend it, at once; either may leave, with a notice of 60 s, and what was told before is "
        "kept; labelled EXERCISE UNCLASSIFIED."
    )
    assert "is deleted; labelled EXERCISE UNCLASSIFIED, releasable to Russia." in bound["nato-tracks"]
    assert "labelled EXERCISE UNCLASSIFIED" in command("agreement", "check", file).stdout
    assert [one["text"] for one in found["findings"] if one["clause"] == ""] == [
        "Russia must delete what NATO told it of track once either leaves; NATO may keep what Russia told it",
        "Russia may suspend the exchange with NATO; NATO has no right to by 'russia-tracks'",
        "what NATO tells Russia of track is labelled EXERCISE UNCLASSIFIED, releasable to Russia, the other way "
        "EXERCISE UNCLASSIFIED",
    ]
    stuck = with_terms(
        tmp_path / "stuck.yaml",
        **{f"{side}_tracks": {"terms": {"suspended_by": "giver"}} for side in ("nato", "russia")},
    )
    findings = json.loads(command("agreement", "check", stuck, "--json").stdout)["findings"]
    (one,) = [finding for finding in findings if finding["kind"] == "unsuspendable"]
    assert one["text"].startswith("neither NATO nor Russia may suspend their exchange, for a pause is of all clauses")


def test_owners_that_one_side_protects_are_not_said_to_be_the_others(command):
    found = json.loads(command("agreement", "check", "lisbon-2011", "--json").stdout)["findings"]
    assert {one["text"] for one in found} == {
        f"tells more than its counterpart 'nato-{kind}': also from sensors of NOR, TUR, should Russia have any"
        for kind in ("launch", "impact", "tracks", "status")
    }


def test_moments_end_in_z(command):
    late = command("agreement", "check", "lisbon-2011", "--at", "2050-06-01T00:00:00Z").stdout
    assert "it ended on 2050-01-01T00:00:00Z" in late
    words = command("agreement", "diff", "lisbon-2011", "jdec-2000").stdout
    assert "validity: start earlier: 2000-06-04T00:00:00Z, not 2010-11-20T00:00:00Z" in words


def test_signing_and_verifying(command, tmp_path, pem_keys):
    signatures = tmp_path / "lisbon.signatures.json"
    verify = ["agreement", "verify", "lisbon-2011", "--signatures", signatures]
    trusted = [word for side, (_, public) in pem_keys.items() for word in ("--key", f"{side}={public}")]
    missing = command(*verify)
    assert (missing.exit_code, "cannot be read" in missing.stderr) == (2, True), "a file named on purpose is there"
    for done, (side, (private, _)) in enumerate(pem_keys.items(), 1):
        sign = ["agreement", "sign", "lisbon-2011", "--party", side, "--private-key", private]
        result = command(*sign, "--signatures", signatures, "--json")
        assert result.exit_code == 0
        assert len(json.loads(result.stdout)["signed_by"]) == done
        assert command(*verify, *trusted).exit_code == (0 if done == 2 else 1)
    assert "nobody vouched" in command(*verify).stdout
    assert command(*verify).exit_code == 0
    stranger = command(*verify, *trusted, "--key", f"France={pem_keys['NATO'][1]}")
    assert (stranger.exit_code, "France is no party" in stranger.stderr) == (2, True)
    swapped = ["--key", f"NATO={pem_keys['Russia'][1]}", "--key", f"Russia={pem_keys['NATO'][1]}"]
    assert command(*verify, *swapped).exit_code == 1
    assert command(*sign, "--signatures", signatures).exit_code == 0, "the same text may be signed anew"
    there = signatures.read_bytes()
    replaced = command("agreement", "sign", "jdec-2000", "--party", side, "--private-key", private, *verify[3:])
    assert replaced.exit_code == 2, "signatures under another text are nobody's to overwrite"
    assert "not under this text of 'jdec-2000'" in replaced.stderr
    assert signatures.read_bytes() == there
    other = command("agreement", "verify", "jdec-2000", "--signatures", signatures, "--json")
    assert other.exit_code == 1
    assert {line["why"] for line in json.loads(other.stdout)["parties"]} == {
        "signed another text, or the signature was altered"
    }


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 1}', '{"schema": 2, "signatures": []}', "x" * 70_000])
def test_a_file_that_holds_no_signatures_is_refused(command, tmp_path, content):
    (tmp_path / "s.json").write_text(content)
    result = command("agreement", "verify", "lisbon-2011", "--signatures", tmp_path / "s.json")
    assert result.exit_code == 2
    assert "not a file of signatures" in result.stderr
    for python in ("Error", "'schema'\n", "NoneType", "indices"):
        assert python not in result.stderr


def test_keys_that_are_none_are_refused(command, tmp_path, pem_keys):
    for words in (["--key", "NATO"], ["--key", f"NATO={tmp_path / 'none'}"], ["--key", f"NATO={pem_keys['NATO'][0]}"]):
        assert command("agreement", "verify", "lisbon-2011", *words).exit_code == 2
    signing = ["agreement", "sign", "lisbon-2011", "--signatures", tmp_path / "s.json"]
    result = command(*signing, "--party", "NATO", "--private-key", pem_keys["NATO"][1])
    assert result.exit_code == 2
    stranger = command(*signing, "--party", "Norway", "--private-key", pem_keys["NATO"][0])
    assert stranger.exit_code == 2
    assert "is no party" in stranger.stderr
    assert not (tmp_path / "s.json").exists()
