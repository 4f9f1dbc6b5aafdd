"""How architectures differ once pictures are there: two keys, sectors, and who knows of a hit. Made by hand.

One replicate, two sides, a site of each near the path of one object a line; who shoots hits surely, or surely never.
"""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from tests import made_engagement as made

from detente.engagement.arms import arm
from detente.engagement.plan import Sectors
from detente.geodesy.ellipsoid import ecef_to_geodetic
from detente.geodesy.territory import make_territory
from detente.geodesy.territory_index import index_territories
from detente.records.stages import Truth
from detente.scenario.files import load_scenario
from detente.scenario.sides import Doctrine
from detente.studies.architectures import BY_NAME
from detente.studies.chunk import chunk_of
from detente.studies.cooperation import Cooperation
from detente.studies.replicates import fly
from detente.world.outcome import Lethality

NORTH, SOUTH = 0, 1
NOW_S = 1_000.0
COMMAND_S = {NORTH: 20.0, SOUTH: 30.0}
LOOK_S = 10.0
ONE_SHOT = Doctrine(salvo=1, shots_max=1, look_s=LOOK_S)
ONE_A_LOOK = Doctrine(mode="salvo", salvo=1, shots_max=9, look_s=LOOK_S)
BOTH = (0.6, 0.6)
FOR_NORTH, FOR_SOUTH = (1.0, 0.0), (0.0, 1.0)


class Numbered:
    """A track's number says its object: 1 is object 0."""

    @staticmethod
    def of(row, giver, number):
        return np.asarray(number) - 1


def world(objects):
    """Objects that are always there: with a basket as large as the Earth, every shot is near enough."""
    columns = {name: np.zeros((2 * objects, *spec.shape), spec.dtype) for name, spec in Truth.columns()}
    columns["object"], columns["time_s"] = np.repeat(np.arange(objects), 2), np.tile([0.0, 9_000.0], objects)
    offsets = 2 * np.arange(objects + 1)
    return SimpleNamespace(
        replicates=np.zeros(1, np.int64), object_count=objects, truth=Truth(**columns), offsets=offsets
    )


def chunk(objects=1, doctrine=ONE_SHOT, sites=None, kill=0.0, consent_delay_s=0.0, refused=None, sectors=None):
    sites = [made.site("northern", 5, 0, side=NORTH, stock=9), made.site("southern", 5, 0, side=SOUTH, stock=9)] if (
        sites is None
    ) else sites  # fmt: skip
    asked = made.scenario(sites, (doctrine, doctrine), tuple(COMMAND_S.values()))
    return SimpleNamespace(
        rows=1, objects=objects, seed=1, scenario=asked, arms=arm(asked, 1, np.zeros(1, np.int64)),
        world=world(objects), sectors=sectors, consent_delay_s=np.array([consent_delay_s]),
        refused=np.zeros((1, objects), np.uint8) if refused is None else np.array([refused], np.uint8),
        lethality=Lethality(
            kill_probability=np.full((1, len(sites)), kill), basket_m=np.full((1, len(sites)), 1e9),
            discrimination=np.ones(1),
        ),
        looked_at=lambda now_s: True,
    )  # fmt: skip


class Under:
    """One architecture on the same picture for every decider, look after look."""

    def __init__(self, name, lines, **setting):
        self.lines, architecture = lines, BY_NAME[name]
        deciders = (2,) if architecture.pooled else (NORTH, SOUTH)
        self.pictures = SimpleNamespace(
            watching=deciders, lines=len(lines), picture=lambda side: self.now,
            line_objects={side: np.arange(len(lines))[None] for side in deciders},
        )  # fmt: skip
        setting = chunk(objects=len(lines), **setting)
        self.cooperation = Cooperation(setting, architecture, self.pictures, record=True)  # type: ignore[arg-type]

    def look(self, *moments_s):
        """The shots of these looks, by all deciders; the lines are where they were."""
        before = len(self.cooperation.shots)
        for moment_s in moments_s:
            self.now = made.picture(self.lines, now_s=moment_s)
            self.cooperation.tick(moment_s, Numbered())  # type: ignore[arg-type]
        return self.cooperation.shots.rows(before, len(self.cooperation.shots))


def by_decider(shots):
    return {side: int((shots.side == side).sum()) for side in sorted(set(shots.side.tolist()))}


def test_a_refused_object_is_left_alone_under_two_keys_and_nowhere_else():
    lines = [made.line(0, 0, threat=BOTH), made.line(0.5, 0.5, threat=BOTH)]
    shots = {name: Under(name, lines, refused=[1, 0]).look(NOW_S) for name in ("cooperating", "two-key")}
    assert sorted(shots["cooperating"].number.tolist()) == [1, 1, 2, 2]
    assert sorted(shots["two-key"].number.tolist()) == [2, 2]
    refused = Under("two-key", lines, refused=[1, 1])
    assert len(refused.look(NOW_S, NOW_S + 10.0, NOW_S + 20.0)) == 0
    assert not refused.cooperation.seen.any()
    assert (refused.cooperation.earliest_s == -1.0).all()


@pytest.mark.parametrize("consent_s", [0.0, 15.0, 60.0])
def test_consent_takes_its_time_under_two_keys_and_nowhere_else(consent_s):
    """Whoever shoots could launch when command, and the second key, have spoken: no sooner, and then at once."""
    lines = [made.line(0, 0, threat=BOTH)]
    at_once, asked = (Under(name, lines, consent_delay_s=consent_s).look(NOW_S) for name in ("cooperating", "two-key"))
    for side in (NORTH, SOUTH):
        (first,), (later,) = (shots.launched_s[shots.side == side] for shots in (at_once, asked))
        assert 0.0 <= first - (NOW_S + COMMAND_S[side]) < 0.5
        assert 0.0 <= later - (NOW_S + COMMAND_S[side] + consent_s) < 0.5
    assert (asked.intercept_s > at_once.intercept_s).all() == (consent_s > 0.0)


def box(south, north, west=-10.0, east=10.0):
    corners = [(south, west), (north, west), (north, east), (south, east)]
    return make_territory([np.radians(corners)])


BORDER_DEG = 2.35  # objects are over South's sector now, and on their way into North's
SECTORS = Sectors(
    index=index_territories([box(BORDER_DEG, 25.0), box(-25.0, BORDER_DEG)]), bit=np.array([1, 2], np.int64)
)


def latitudes_deg(shots):
    return np.degrees(ecef_to_geodetic(shots.intercept_ecef_m)[:, 0])


def test_whose_sector_it_is_meets_what_is_bound_for_the_partner():
    """What threatens South alone comes within reach over North's ground only."""
    lines = [made.line(-1, 0, threat=FOR_SOUTH)]
    by = {name: Under(name, lines, sectors=SECTORS).look(NOW_S) for name in ("cooperating", "sectoral")}
    assert by_decider(by["cooperating"]) == {SOUTH: 1}
    assert by_decider(by["sectoral"]) == {NORTH: 1}
    assert (latitudes_deg(by["sectoral"]) > BORDER_DEG).all()


def test_nothing_is_met_outside_the_deciders_sector():
    """Both could meet it on either ground; without sectors both do so early, over South's."""
    near = [made.site("northern", 2, 0, side=NORTH), made.site("southern", 2, 0, side=SOUTH)]
    lines = [made.line(-1, 0, threat=BOTH), made.line(-1, 1, threat=FOR_NORTH), made.line(-1, -1, threat=FOR_SOUTH)]
    free = Under("sectoral", lines, sites=near).look(NOW_S)
    assert (latitudes_deg(free) < BORDER_DEG).all()
    assert by_decider(free) == {NORTH: 3, SOUTH: 3}
    held = Under("sectoral", lines, sites=near, sectors=SECTORS)
    shots = held.look(NOW_S)
    assert by_decider(shots) == {NORTH: 3, SOUTH: 3}
    assert ((latitudes_deg(shots) > BORDER_DEG) == (shots.side == NORTH)).all()
    partly = Under("cooperating", lines, sites=near, sectors=SECTORS).look(NOW_S)
    assert (latitudes_deg(partly) < BORDER_DEG).all()  # sectors bind in the sectoral architecture alone


@pytest.mark.parametrize(("name", "for_whom"), [("alone", FOR_NORTH), ("sectoral", FOR_SOUTH)])
def test_a_known_hit_draws_no_further_shot(name, for_whom):
    """North shoots at every look until it knows that its first shot hit, not once after; if it missed, it goes on."""
    lines, sites = [made.line(0, 0, threat=for_whom)], [made.site("northern", 5, 0, side=NORTH, stock=99)]
    decided_s = {}
    for kill in (0.0, 1.0):
        under = Under(name, lines, sites=sites, doctrine=ONE_A_LOOK, kill=kill)
        known_s = float(under.look(NOW_S).intercept_s[0]) + LOOK_S
        later_s = known_s + np.array([-35.0, -25.0, -15.0, -5.0, 5.0, 15.0, 25.0])
        decided_s[kill] = under.look(*later_s).decided_s.tolist()
    assert decided_s[0.0] == later_s.tolist()
    assert decided_s[1.0] == later_s[:4].tolist()


def test_a_hit_is_known_once_the_look_is_over_to_the_moment():
    lines, sites = [made.line(0, 0, threat=FOR_NORTH)], [made.site("northern", 5, 0, side=NORTH, stock=99)]
    for wait_s, further in ((-1e-3, 1), (0.0, 0), (1e-3, 0)):
        under = Under("alone", lines, sites=sites, doctrine=ONE_A_LOOK, kill=1.0)
        known_s = float(under.look(NOW_S).intercept_s[0]) + LOOK_S
        assert len(under.look(known_s + wait_s)) == further


def test_the_partner_does_not_know_of_a_hit_but_one_plan_does():
    """South's later shots at what North shot down are spent for nothing; a joint plan knows what any site hit."""
    lines = [made.line(0, 0, threat=BOTH)]
    apart = Under("alone", lines, doctrine=ONE_A_LOOK, kill=1.0)
    first = apart.look(NOW_S)
    assert by_decider(first) == {NORTH: 1, SOUTH: 1}
    hitter = int(first.side[np.argmin(first.intercept_s)])
    assert hitter == NORTH  # its command takes less long
    after = apart.look(float(first.intercept_s.max()) + LOOK_S + 1.0)
    assert by_decider(after) == {SOUTH: 1}
    assert apart.cooperation.outcomes.hit.sum() == 1
    together = Under("joint", lines, doctrine=ONE_A_LOOK, kill=1.0)
    first = together.look(NOW_S)
    assert by_decider(first) == {-1: 1}
    assert len(together.look(float(first.intercept_s[0]) + LOOK_S + 1.0)) == 0


SAID = "two-key.{0}.value={1} two-key.{0}.low={1} two-key.{0}.high={1} two-key.{0}.source=given"


def asked_with(refusal, consent_s):
    given = SAID.format("refusal_probability", refusal) + " " + SAID.format("consent_delay_s", consent_s)
    return load_scenario("theatre-2011", set_values=given.split())


@pytest.mark.parametrize(("refusal", "consent_s"), [(0.0, 15.0), (0.25, 45.0), (1.0, 180.0)])
def test_refusals_and_delays_are_drawn_as_the_scenario_says(refusal, consent_s):
    drawn = chunk_of(asked_with(refusal, consent_s), 1, np.arange(3), pooled=False)
    assert drawn.consent_delay_s.tolist() == [consent_s] * 3
    share, sigma = float(drawn.refused.mean()), math.sqrt(refusal * (1.0 - refusal) / drawn.refused.size)
    assert drawn.refused.size == 3 * 22
    assert abs(share - refusal) <= 4.0 * sigma


def test_a_second_key_that_always_refuses_fires_nothing():
    flown = fly(asked_with(1.0, 60.0), 1, np.array([0]), ("cooperating", "two-key"), record=False).table

    def value(architecture, metric):
        kept = (flown.architecture == architecture) & (flown.metric == metric) & (flown.side == "all")
        return float(flown.value[kept][0])

    for metric, without in (("interceptors_spent", 0.0), ("engagement_opportunities", 0.0), ("leakage_fraction", 1.0)):
        assert value("two-key", metric) == without
        assert value("cooperating", metric) != without
    assert value("two-key", "warning_time_s") == value("cooperating", "warning_time_s") > 0.0
