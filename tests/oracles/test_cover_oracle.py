"""Agreements compared the slow way: every message of a small world is put to both, and each answers."""

from itertools import product

from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests import made_exchange as made

from detente.centre.exchange.comparison import difference
from detente.centre.exchange.explanation import Facts, Place, explain
from detente.scenario.agreement import Agreement

PARTIES = ("A", "B")
ZONES = (made.box(0, 10, 0, 10), made.box(0, 10, 10, 20), made.box(0, 10, 0, 20))
WHERE = (None, *(Place(lat_deg=5.0, lon_deg=lon_deg) for lon_deg in (5.0, 15.0, 25.0)))
EIGHTHS = [(a / 8, b / 8) for a in range(9) for b in range(9 - a)]
"""Probabilities that an impact lies in A's and in B's territory; all sums of them are exact."""


def world():
    """Every message that clauses of :func:`clauses` could tell apart: phase, places known or not, probabilities."""
    bound = [(None, (0.0, 0.0)), *((WHERE[3], shares) for shares in EIGHTHS)]
    for phase, launch, thing, (impact, shares) in product(("boost", "coast", "reentry"), WHERE, WHERE[1:], bound):
        yield Facts.model_construct(
            data="track", giver="A", receiver="B", at=made.EPOCH, owners=("USA",), phase=phase, launch=launch,
            object=thing, impact=impact, impact_probability=dict(zip(PARTIES, shares, strict=True)),
        )  # fmt: skip


WORLD = list(world())


@st.composite
def clauses(draw, name):
    when = {}
    if draw(st.booleans()):
        when["phases"] = draw(st.lists(st.sampled_from(["boost", "coast", "reentry"]), min_size=1, unique=True))
    for zone in ("launch_zone", "object_zone"):
        if draw(st.integers(0, 2)) == 0:
            when[zone] = draw(st.sampled_from((*ZONES, ZONES[2])))
    if draw(st.integers(0, 1)) == 0:
        when["impact_in"] = draw(st.sampled_from(["receiver", "giver", "any-party"]))
        when["impact_probability"] = draw(st.sampled_from([0.25, 0.5, 0.75]))
    return made.clause(name, when=when, delay_s=draw(st.sampled_from([0.0, 0.0, 60.0])))


AGREEMENTS = st.integers(1, 4).flatmap(
    lambda count: st.tuples(*(clauses(f"c{i}") for i in range(count))).map(
        lambda some: made.agreement(*some, parties=PARTIES)
    )
)


def halves(clause, how, threshold):
    """A clause as two that may or may not tell the same together; itself where there is nothing to halve."""
    when = clause["when"]
    ways = {
        "phases": [{"phases": ["boost"]}, {"phases": ["coast", "reentry"]}] if not when["phases"] else [],
        "launch_zone": [{"launch_zone": zone} for zone in ZONES[:2]] if when["launch_zone"] == ZONES[2] else [],
        "object_zone": [{"object_zone": zone} for zone in ZONES[:2]] if when["object_zone"] == ZONES[2] else [],
        "ground": [{"impact_in": side, "impact_probability": threshold} for side in ("receiver", "giver")]
        if when["impact_in"] == "any-party"
        else [],
    }
    parts = [clause | {"name": f"{clause['name']}-{i}", "when": when | part} for i, part in enumerate(ways[how])]
    return parts or [clause]


@st.composite
def halved(draw, agreement):
    """The same agreement with clauses in halves, one of which may be missing."""
    model, some = agreement.model_dump(mode="python"), []
    for clause in model["clauses"]:
        hows = [how for how in ("phases", "launch_zone", "object_zone", "ground") if len(halves(clause, how, 0.5)) > 1]
        how = draw(st.sampled_from(hows or ["phases"]))
        some += halves(clause, how, draw(st.sampled_from([0.25, 0.5])))
    if draw(st.booleans()):
        del some[draw(st.integers(0, len(some) - 1))]
    return Agreement(**{**model, "clauses": some})


PAIRS = AGREEMENTS.flatmap(
    lambda agreement: st.tuples(st.just(agreement), st.one_of(AGREEMENTS, halved(agreement), halved(agreement)))
)


def soonest_s(agreement, facts):
    """When an agreement tells a message, at the soonest; never where no clause does."""
    told = (judged.waits_s for judged in explain(agreement, facts).judgements if judged.releases)
    return min(told, default=float("inf"))


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_what_is_newly_released_is_what_some_message_shows(pair):
    """Both ways: nothing is said to change that no message shows, and no message changes of which nothing is said."""
    one, other = pair
    change = difference(one, other)
    more = less = False
    for facts in WORLD:
        before_s, after_s = soonest_s(one, facts), soonest_s(other, facts)
        more, less = more or after_s < before_s, less or before_s < after_s
        if more and less:
            break
    event(f"more {more}, less {less}")
    assert bool(change.newly_releases) == more
    assert bool(change.newly_withholds) == less
    assert all(moved.shown for moved in (*change.newly_releases, *change.newly_withholds))
