"""What the commands say of an agreement's terms is what gateways keep to."""

from itertools import product
from types import SimpleNamespace

import pytest
from tests import made_exchange as made

from detente.centre.exchange import obligations
from detente.gateway.logic import terms
from detente.gateway.logic.limits import LANE_OF, Lane
from detente.scenario.agreement import DataClass


def gateway(agreement, name="A"):
    return SimpleNamespace(name=name, setting=SimpleNamespace(agreement=agreement))


def test_what_is_kept_together_shares_a_lane():
    lanes = [
        {LANE_OF.get(DataClass[data.upper().replace("-", "_")], Lane.OTHER) for data in kinds}
        for kinds in obligations.KEPT_TOGETHER
    ]
    assert [len(lane) for lane in lanes] == [1, 1, 1]
    assert len(set.union(*lanes)) == 3
    assert sum(map(len, obligations.KEPT_TOGETHER)) == len(DataClass)


@pytest.mark.parametrize(("there", "back"), list(product(("giver", "receiver", "either"), repeat=2)))
def test_who_may_pause(there, back):
    clauses = [
        made.clause("x", terms={"suspended_by": there}),
        made.clause("y", giver="B", receiver="A", terms={"suspended_by": back}),
        made.clause("z", receiver="C", terms={"suspended_by": "receiver"}),
    ]
    agreement = made.agreement(*clauses)
    for party, other in (("A", "B"), ("B", "A")):
        barred = obligations.bars_to_suspend(agreement, party, other)
        assert terms.may_not_pause(gateway(agreement, party), other) == (barred[0] if barred else "")


@pytest.mark.parametrize("word", ["suspension", "withdrawal"])
def test_the_longest_notice_of_all_clauses_counts(word):
    def agreement(*notices_s):
        return made.agreement(
            *(made.clause(f"c{i}", terms={f"{word}_notice_s": one}) for i, one in enumerate(notices_s))
        )

    before, same, longer = agreement(5.0, 60.0), agreement(60.0, 0.0), agreement(60.0, 90.0)
    assert obligations.shifts(before, same) == ()
    (shift,) = obligations.shifts(before, longer)
    order = {"suspension": "pause", "withdrawal": "withdraw"}[word]
    for kept, said in ((longer, "takes effect 90 s after the word"), (before, "not 60 s after the word")):
        assert said in shift.text
        assert f"{terms.notice_s(gateway(kept), 'B', order):g} s" in said
    assert (shift.loses, shift.gains) == (("A", "B"), ())


def test_the_strictest_clause_of_a_lane_counts_for_all_that_is_kept_there():
    def agreement(**impact):
        clauses = [
            made.clause("l", "launch-warning", "B", "A"),
            made.clause("i", "impact-prediction", "B", "A", **impact),
        ]
        return made.agreement(*clauses)

    strict = agreement(retention_s=60.0, terms={"after_withdrawal": "deleted"})
    assert terms.retention_s(gateway(strict), "B") == {Lane.WARNING: 60.0}
    assert terms.deleted_on_leaving(gateway(strict), "B") == {Lane.WARNING}
    for_a_time, on_leaving = obligations.shifts(agreement(), strict)
    assert for_a_time.text == (
        "A may keep what B told it of launch-warning, impact-prediction for 60 s, not for as long as it likes"
    )
    assert on_leaving.text.endswith("impact-prediction only until either leaves, not also after either leaves")
    assert for_a_time.loses == on_leaving.loses == ("A",)
    assert [shift.gains for shift in obligations.shifts(strict, agreement())] == [("A",), ("A",)]


def test_labels_are_compared_by_what_is_told_not_by_clause():
    secret = {"classification": "SECRET"}
    halves = [made.clause(name, when={"phases": [name]}, label=secret) for name in ("boost", "coast", "reentry")]
    whole = made.agreement(made.clause("all", label=secret))
    assert obligations.shifts(whole, made.agreement(*halves)) == ()
    (shift,) = obligations.shifts(whole, made.agreement(*halves, made.clause("open")))
    assert (
        shift.text
        == "what A tells B of track is labelled EXERCISE SECRET or EXERCISE UNCLASSIFIED, not EXERCISE SECRET"
    )


def test_between_parties_that_have_no_clauses_nothing_shifts():
    open_to_c = made.agreement(made.clause(), made.clause("d", receiver="C", terms={"suspended_by": "giver"}))
    assert obligations.shifts(made.agreement(made.clause()), open_to_c) == ()
