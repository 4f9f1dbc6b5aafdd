"""The last look at the bytes: honest envelopes pass, and nothing that was planted in them does."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests import made_exchange as made

from detente.centre.exchange import egress_check
from detente.centre.exchange.digest import digest
from detente.centre.exchange.egress_check import check_egress
from detente.centre.exchange.message import Header, Mark, seal
from detente.centre.exchange.release import initial, release
from detente.centre.exchange.rules import compile_agreement, label_of
from detente.centre.exchange.second_check import Setting, Snapshot
from detente.records.stages import Messages

SECRET = {"classification": "SECRET", "releasable_to": ["B", "A"], "policy": "NATO"}
AGREEMENT = made.agreement(
    made.clause("t", "track", coarsen={"sigma_position_m": 900.0}), made.clause("w", "launch-warning", label=SECRET),
    made.clause("i", "impact-prediction"),
)  # fmt: skip
RULES = compile_agreement(AGREEMENT, made.SIDES, made.OWNERS, made.EPOCH)
SETTING = Setting(
    agreement=AGREEMENT, side_names=made.SIDES, sensor_owners=made.OWNERS, sensor_sides=made.SENSOR_SIDES,
    epoch=made.EPOCH,
)  # fmt: skip
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TRACKS, ESTIMATES = made.moment(np.random.default_rng(4), 20.0, [[1, 2]])
SAID = release(initial(RULES, np.array([0]), 2), TRACKS, ESTIMATES, RULES, 0, 3, made.SECRET, 20.0)[0]
HISTORY = [Snapshot(tracks=TRACKS, estimates=ESTIMATES)]


def header(messages=SAID, **values):
    said = {
        "mark": Mark.SIMULATED, "giver": "A", "receiver": "B", "agreement": digest(AGREEMENT),
        "origin": made.EPOCH.isoformat(), "epoch": 1, "sequence": 0, "sealed_s": 20.0,
        "label": label_of(RULES, "B", messages.clause),
    }  # fmt: skip
    return Header(**said | values)


def rules_broken(envelope, **values):
    found = check_egress(envelope, HISTORY, SETTING, 0, 1, **{"mark": "simulated", **values})
    return sorted({breach.rule for breach in found})


def test_honest_bytes_may_leave():
    assert rules_broken(seal(SAID, header(), SIGNER)) == []
    assert "NATO SECRET RELEASABLE TO B" in header().label
    tracks = SAID.take(SAID.data == 3)
    assert rules_broken(seal(tracks, header(tracks), SIGNER)) == []
    nothing = Messages.empty()
    assert rules_broken(seal(nothing, header(nothing), SIGNER)) == []


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"mark": Mark.EXERCISE}, "header-mark"), ({"giver": "C", "hops": ("A",)}, "header-giver"),
        ({"receiver": "C"}, "header-receiver"),
        ({"agreement": "0" * 64}, "header-agreement"), ({"hops": ("C", "A")}, "header-hops"),
        ({"sealed_s": 19.0}, "header-sealed"), ({"label": "EXERCISE UNCLASSIFIED RELEASABLE TO B"}, "header-label"),
    ],
)  # fmt: skip
def test_a_header_that_lies_does_not_leave(values, rule):
    assert rules_broken(seal(SAID, header(**values), SIGNER)) == [rule]


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("state", 1.0, "coarsening"), ("sensors", 2, "pedigree"), ("phase", 3, "content"), ("number", 9, "source"),
        ("clause", 7, "closed"), ("valid_s", 10.0, "source"), ("coarsened", 0, "coarsening"),
    ],
)  # fmt: skip
def test_a_message_that_was_tampered_with_after_release_does_not_leave(column, value, rule):
    tracks = SAID.take(SAID.data == 3)
    columns = {column: getattr(tracks, column).copy()}
    columns[column][0] = value
    assert rule in rules_broken(seal(replace(tracks, **columns), header(tracks), SIGNER))


def test_bytes_that_cannot_be_read_do_not_leave():
    whole = seal(SAID, header(), SIGNER)
    for bad in (b"", whole[:100], whole[:-1], whole + b"x", b"?" + whole[1:], whole[:120] + b"?" + whole[121:]):
        assert rules_broken(bad) == ["bytes"]


def test_it_shares_no_code_with_what_it_checks():
    tree = ast.parse(Path(egress_check.__file__).read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module for module in imported if module.startswith("detente")} == {
        "detente.centre.exchange.second_check", "detente.records.stages",
    }  # fmt: skip


def test_an_envelope_is_as_secret_as_its_most_secret_message_and_for_those_who_may_have_all():
    """Both who writes a label and who checks it, with clauses in whatever order."""
    kinds = {
        "open": {}, "held": {"classification": "RESTRICTED", "releasable_to": ["A", "B"], "policy": "JOINT"},
        "kept": {"classification": "SECRET", "releasable_to": ["B", "C"], "policy": "NATO"},
    }  # fmt: skip
    expected = {
        ("open",): "EXERCISE UNCLASSIFIED RELEASABLE TO B", ("held",): "JOINT RESTRICTED RELEASABLE TO A, B",
        ("open", "held"): "JOINT RESTRICTED RELEASABLE TO B", ("held", "open"): "JOINT RESTRICTED RELEASABLE TO B",
        ("held", "kept"): "NATO SECRET RELEASABLE TO B", ("kept", "held"): "NATO SECRET RELEASABLE TO B",
        ("kept", "open"): "NATO SECRET RELEASABLE TO B", ("kept",): "NATO SECRET RELEASABLE TO B, C",
    }  # fmt: skip
    for names, label in expected.items():
        agreement = made.agreement(*(made.clause(name, label=kinds[name]) for name in names))
        rules = compile_agreement(agreement, made.SIDES, made.OWNERS, made.EPOCH)
        said = release(initial(rules, np.array([0]), 2), TRACKS, ESTIMATES, rules, 0, 3, made.SECRET, 20.0)[0]
        assert set(said.clause.tolist()) == set(range(len(names)))
        assert label_of(rules, "B", said.clause) == label
        envelope = seal(said, header(said, agreement=digest(agreement), label=label), SIGNER)
        setting = replace(SETTING, agreement=agreement)
        assert check_egress(envelope, HISTORY, setting, 0, 1, mark="simulated") == []


def test_nothing_leaves_where_nothing_is_agreed():
    envelope = seal(SAID, header(agreement="", label="EXERCISE UNCLASSIFIED RELEASABLE TO B"), SIGNER)
    found = check_egress(envelope, HISTORY, replace(SETTING, agreement=None), 0, 1, mark="simulated")
    assert [breach.rule for breach in found] == ["closed"] * len(SAID)
