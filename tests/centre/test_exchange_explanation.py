"""An agreement in words: what its reader signs, and why one message leaves or does not."""

import runpy
from pathlib import Path
from types import SimpleNamespace

from detente.centre.exchange.comparison import difference
from detente.centre.exchange.explanation import Facts, explain
from detente.centre.exchange.wording import most_revealing

made = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "made_exchange.py")))
clause = made.clause


def sentence(*words, **values):
    (only,) = made.agreement(clause(*words, **values)).clauses
    return most_revealing(only)


def test_a_clause_that_holds_nothing_back_says_so():
    assert sentence() == (
        "B learns from A position and velocity with all 21 terms of their covariance, phase of flight and the sensors "
        "that saw it, as exactly as the giver itself knows it; without added delay, at most every 10 s of each object; "
        "of every confirmed track."
    )


def test_every_term_of_a_clause_is_in_its_sentence():
    when = {
        "impact_in": "any-party", "impact_probability": 0.4, "launch_zone": made.box(30, 40.5, 50, 60),
        "object_zone": made.box(-90, 90, -180, 180), "impact_zone": made.box(45, 60, 170, -170),
        "phases": ["boost", "reentry"], "range_classes": ["short", "medium"],
    }  # fmt: skip
    coarsen = {"sigma_position_m": 900.0, "grid_km": 40.0, "time_s": 20.0}
    said = sentence(
        "c", "impact-prediction", when=when, coarsen=coarsen, delay_s=60.0, every_s=20.0, retention_s=3600.0,
        owners_withheld=["TUR"], owners_consenting=["USA", "NOR"],
    )  # fmt: skip
    assert said == (
        "B learns from A impact point and time with their spreads, phase of flight and the sensors that saw it, "
        "places moved by a secret offset of 900 m (1 sigma), points on a 40 km grid, times in steps of 20 s; "
        "no sooner than 60 s after the fact, at most every 30 s (the first rate no faster than 20 s) of each object; "
        "only if it is bound for any party's territory with a probability of at least 0.4, "
        "and if launched from latitude 30 to 40.5, longitude 50 eastwards to 60, "
        "and if over latitude -90 to 90, longitude -180 eastwards to 180, "
        "and if bound for latitude 45 to 60, longitude 170 eastwards to -170, "
        "and in boost or reentry, and of short or medium range; "
        "only from sensors of USA, NOR; never if a sensor of TUR contributed; to be deleted after 3600 s."
    )
    velocity = sentence(coarsen={"sigma_velocity_m_s": 9.0}, when={"impact_in": "giver"})
    assert ", velocities moved by 9 m/s (1 sigma);" in velocity
    assert "; only if it is bound for A's territory with a probability of at least " in velocity


FACTS = {"data": "track", "giver": "A", "receiver": "B", "at": made.EPOCH, "owners": ("USA",), "phase": "coast"}


def explained(*clauses, **values):
    return explain(made.agreement(*clauses), Facts(**FACTS | values))


def test_a_message_waits_for_the_shortest_delay_that_is_left():
    late, later = clause("late", delay_s=60.0), clause("later", delay_s=90.0)
    waits = explained(late, later, age_s=59.5)
    assert (waits.released, waits.why) == (False, "released by late, later, after waiting 0.5 s more")
    assert [judgement.waits_s for judgement in waits.judgements] == [0.5, 30.5]
    assert waits.judgements[0].reasons == ("every condition holds; its delay of 60 s runs",)
    one = explained(late, later, age_s=60.0)
    assert (one.released, one.why) == (True, "released by late")
    assert one.judgements[0].reasons == ("every condition holds",)


def test_another_kind_that_holds_all_of_it_is_told_where_the_message_is_withheld_and_only_there():
    tracks, tracklets = clause("tracks", when={"phases": ["boost"]}), clause("tracklets", "tracklet")
    withheld = explained(tracks, tracklets)
    assert (withheld.released, withheld.told_in) == (False, ("tracklets",))
    assert withheld.why == (
        "withheld by every clause that speaks of it; but a tracklet holds all of it, and tracklets may release that"
    )
    released = explained(tracks, tracklets, phase="boost")
    assert (released.released, released.told_in, released.why) == (True, (), "released by tracks")


def test_a_turn_of_a_rate_is_told_a_period_after_the_last():
    slow = clause("slow", every_s=20.0)  # its rate is 30 s
    assert not explained(slow, since_last_s=29.9).released
    assert explained(slow, since_last_s=30.0).released


def test_a_change_names_each_way_in_which_it_tells_more():
    """A shared edge of a zone is no way; of classes and phases only those that are new."""
    zone, wider = made.box(40, 60, 0, 90), made.box(40, 60, 0, 95)
    strict = clause(
        "x", delay_s=60.0, every_s=30.0, coarsen={"sigma_position_m": 900.0}, owners_withheld=["TUR"],
        when={"object_zone": zone, "launch_zone": zone, "range_classes": ["short", "medium"]},
    )  # fmt: skip
    loose = clause(
        "x", delay_s=30.0, every_s=10.0, coarsen={"sigma_position_m": 90.0},
        when={"object_zone": wider, "launch_zone": zone, "range_classes": ["short", "intermediate"]},
    )  # fmt: skip
    (change,) = difference(made.agreement(strict), made.agreement(loose)).newly_releases
    assert change.beyond == (
        "in range classes intermediate", "outside the other's object zone", "sooner: after 30 s, not 60 s",
        "more often: every 10 s, not 30 s", "more finely: sigma_position_m 90, not 900", "also from sensors of TUR",
    )  # fmt: skip
