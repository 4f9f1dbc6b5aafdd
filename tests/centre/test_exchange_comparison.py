"""Agreements held against one another: clauses that cover a third together, and those that only seem to."""

import pytest
from tests import made_exchange as made

from detente.centre.exchange import cover
from detente.centre.exchange.comparison import difference
from detente.centre.exchange.review import Kind, review
from detente.scenario.agreement import RANGE_CLASSES

clause, box = made.clause, made.box
LATER = made.EPOCH


def when(name="c", **conditions):
    return clause(name, when=conditions)


NORTH, SOUTH, EAST = box(40, 60, 0, 90), box(20, 40, 0, 90), box(20, 60, 45, 90)
BOTH = box(20, 60, 0, 90)

SAME = {
    "phases": ([when()], [when("x", phases=["boost"]), when("y", phases=["coast", "reentry"])]),
    "phases and ranges": (
        [when(range_classes=["short", "medium"])],
        [
            when("x", phases=["boost"], range_classes=["short", "medium"]),
            when("y", phases=["coast", "reentry"], range_classes=["short"]),
            when("z", phases=["coast", "reentry"], range_classes=["medium"]),
        ],
    ),
    "ranges, where both ends are known": (
        [when(launch_zone=BOTH, impact_zone=BOTH)],
        [when(f"{name}", launch_zone=BOTH, impact_zone=BOTH, range_classes=[name]) for name in RANGE_CLASSES],
    ),
    "zones side by side": ([when(object_zone=BOTH)], [when("x", object_zone=NORTH), when("y", object_zone=SOUTH)]),
    "launch or impact": (
        [when(launch_zone=BOTH, impact_zone=BOTH)],
        [
            when("x", launch_zone=NORTH, impact_zone=BOTH), when("y", launch_zone=SOUTH, impact_zone=NORTH),
            when("z", launch_zone=BOTH, impact_zone=SOUTH),
        ],
    ),
    "owners of sensors, told one by one": (
        [clause("s", "sensor-status", owners_consenting=["USA", "TUR"])],
        [clause(owner, "sensor-status", owners_consenting=[owner]) for owner in ("USA", "TUR")],
    ),
    "a clause that can tell nothing": ([when(), clause("never", owners_consenting=[])], [when()]),
    "a whole Earth, where the launch is known": (
        [clause("w", "launch-warning")], [clause("w", "launch-warning", when={"launch_zone": box(-90, 90, -180, 180)})],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SAME)
def test_what_clauses_tell_together_is_no_change(case):
    one, other = (made.agreement(*clauses) for clauses in SAME[case])
    assert difference(one, other).same
    assert difference(other, one).same


def told(before, after):
    """What the second newly releases."""
    return [
        (change.clause.name, change.where, change.beyond, change.nearest, change.shown)
        for change in difference(made.agreement(*before), made.agreement(*after)).newly_releases
    ]


def test_a_change_names_the_cases_that_are_new_and_no_others():
    before = [when("x", phases=["boost"]), clause("y", when={"phases": ["coast"]}, delay_s=60.0)]
    beyond = ("in phases reentry", "sooner: after 0 s, not 60 s")
    assert told(before, [when("all")]) == [("all", ("in coast or reentry",), beyond, "y", True)]
    ranges = [when("x", range_classes=["short"]), when("y", phases=["boost"])]
    ((_, where, _, _, shown),) = told(ranges, [when("all", range_classes=["short", "medium"])])
    assert (where, shown) == (("in coast or reentry of medium range",), True)


def test_all_classes_named_are_less_than_none():
    every = [when("x", range_classes=list(RANGE_CLASSES))]
    assert told([when("any")], every) == []
    assert told(every, [when("any")]) == [
        ("any", ("with launch or impact unknown",), ("in range classes unknown",), "x", True)
    ]


def test_zones_and_owners_that_leave_something_out():
    assert told([when("x", object_zone=NORTH), when("y", object_zone=EAST)], [when(object_zone=BOTH)])[0][4]
    apart = [clause("x", owners_consenting=["USA"]), clause("y", owners_consenting=["TUR"])]
    together = [clause("z", owners_consenting=["USA", "TUR"])]  # a track to which both contributed
    assert told(apart, together) == [("z", (), ("also from sensors of TUR",), "x", True)]


def test_territories_that_share_out_a_probability():
    """Two parties: bound for either with 0.8 is bound for one of them with 0.4. With a third there is more room."""
    split = [
        when("x", impact_in="receiver", impact_probability=0.4),
        when("y", impact_in="giver", impact_probability=0.4),
    ]
    either = [when("any", impact_in="any-party", impact_probability=0.8)]
    two = {"parties": ("A", "B")}
    assert not difference(made.agreement(*split, **two), made.agreement(*either, **two)).newly_releases
    assert difference(made.agreement(*split), made.agreement(*either)).newly_releases
    lower = [when("any", impact_in="any-party", impact_probability=0.7)]
    assert difference(made.agreement(*split, **two), made.agreement(*lower, **two)).newly_releases


def test_any_party_is_of_the_agreement_that_says_it():
    any_party = when("any", impact_in="any-party")
    two, three = made.agreement(any_party, parties=("A", "B")), made.agreement(any_party)
    (change,) = difference(two, three).newly_releases
    assert change.beyond == ("of objects bound for C, no party there",)
    assert not difference(three, two).newly_releases


def test_what_is_too_much_to_decide_is_not_said_to_be_new(monkeypatch):
    halves = [when("x", object_zone=NORTH), when("y", object_zone=SOUTH)]
    monkeypatch.setattr(cover, "STEPS_MAX", 0)
    assert told(halves, [when(object_zone=BOTH)])[0][4] is False
    found = review(made.agreement(clause("late", when={"object_zone": BOTH}, delay_s=60.0), *halves), LATER)
    assert (Kind.UNDECIDED, "late") in {(finding.kind, finding.clause) for finding in found}


def test_a_tracklet_tells_a_track():
    held = {"delay_s": 60.0, "coarsen": {"sigma_position_m": 50e3}, "owners_withheld": ["TUR"]}
    track = clause("a", when={"impact_in": "receiver"}, **held)
    found = {finding.kind: finding for finding in review(made.agreement(track, clause("t", "tracklet")), LATER)}
    assert found[Kind.CONTRADICTION].clause == "a"
    assert "'t', whose tracklets hold the whole exact track, tells the same without" in found[Kind.CONTRADICTION].text
    plain = review(made.agreement(clause("a"), clause("t", "tracklet")), LATER)
    assert (Kind.SHADOWED, "a") in {(finding.kind, finding.clause) for finding in plain}
    tracks, tracklets = made.agreement(clause("a")), made.agreement(clause("a", "tracklet"))
    assert not difference(tracks, tracklets).newly_withholds
    assert difference(tracks, tracklets).newly_releases
    assert difference(tracklets, tracks).newly_withholds


def test_clauses_that_undo_a_third_together_are_named():
    parts = [when("x", phases=["boost"]), when("y", phases=["coast", "reentry"]), clause("spare", delay_s=90.0)]
    found = review(made.agreement(*parts, clause("late", delay_s=60.0)), LATER)
    (undone,) = [finding for finding in found if finding.kind is Kind.CONTRADICTION and finding.clause == "late"]
    assert undone.serious
    assert undone.text.startswith("clause 'x' and clause 'y' together tell the same without its restrictions")
    tracklets = [clause(f"{phase}-t", "tracklet", when={"phases": [phase]}) for phase in ("boost", "coast")]
    told_already = review(made.agreement(*tracklets, when("track", phases=["boost", "coast"])), LATER)
    assert [(finding.clause, finding.kind) for finding in told_already if "together" in finding.text] == [
        ("track", Kind.SHADOWED)
    ]
    whole = review(made.agreement(*parts[:2], when("all")), LATER)
    assert {finding.clause for finding in whole if finding.kind is Kind.CONTRADICTION} == {"x", "y"}


def test_a_counterpart_may_stand_in_several_clauses():
    there = [when("x", phases=["boost"]), when("y", phases=["coast", "reentry"])]
    back = clause("back", giver="B", receiver="A")
    found = review(made.agreement(*there, back, parties=("A", "B")), LATER)
    assert not [finding for finding in found if finding.kind is Kind.ONE_SIDED and finding.clause == "back"]
    found = review(made.agreement(there[0], back, parties=("A", "B")), LATER)
    (finding,) = [finding for finding in found if finding.kind is Kind.ONE_SIDED]
    assert finding.text == (
        "tells more than its counterpart 'x', in coast or reentry: in phases coast, reentry"
    )  # fmt: skip


def test_a_range_that_no_flight_between_its_zones_has_is_unreachable():
    small = box(50, 51, 10, 11)
    asked = when("icbm", launch_zone=small, impact_zone=small, range_classes=["intercontinental"])
    found = review(made.agreement(asked), LATER)
    assert (Kind.UNREACHABLE, "icbm") in {(finding.kind, finding.clause) for finding in found}


def test_an_agreement_that_has_ended_is_not_sound():
    (finding,) = review(made.agreement(end_s=-1.0), LATER)
    assert (finding.kind, finding.serious) == (Kind.ENDED, True)
    assert not any(finding.serious for finding in review(made.agreement(start_s=1.0), LATER))


def test_the_same_words_for_others_or_for_longer_are_not_the_same():
    """Each of who is party, for how long, and what binds them, changes an agreement by itself."""
    one = made.agreement(clause())
    assert difference(one, made.agreement(clause())).same
    later = difference(one, made.agreement(clause(), end_s=2e6))
    parties = difference(one, made.agreement(clause(), parties=("A", "B")))
    terms = difference(one, made.agreement(clause(terms={"suspension_notice_s": 60.0})))
    for changed in (later, parties, terms):
        assert (changed.newly_releases, changed.newly_withholds, changed.same) == ((), (), False)
    assert (parties.parties_in, parties.parties_out) == ((), ("C",))
    assert (later.terms, later.validity != "", terms.validity, len(terms.terms)) == ((), True, "", 1)


def test_who_alone_may_not_suspend_is_told_and_who_both_may_not():
    """A pause is of all clauses between two: one that only the other may suspend bars a side."""

    def found(there, back):
        clauses = (
            clause("x", terms={"suspended_by": there}),
            clause("y", "track", "B", "A", terms={"suspended_by": back}),
        )
        said = review(made.agreement(*clauses, parties=("A", "B")), LATER)
        return [(finding.kind, finding.text) for finding in said if "suspend" in finding.text]

    assert found("either", "either") == []
    ((kind, text),) = found("giver", "either")
    assert (kind, text) == (Kind.ONE_SIDED, "A may suspend the exchange with B; B has no right to by 'x'")
    ((kind, text),) = found("giver", "giver")
    assert (kind, text.endswith("A has no right to by 'y' and B has no right to by 'x'")) == (Kind.UNSUSPENDABLE, True)
