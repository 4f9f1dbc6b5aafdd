"""What comes with Détente loads, is what it says it is, and treats its sides alike."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from detente.geodesy.distance import great_circle_m
from detente.geodesy.shapes import polygon_rings
from detente.geodesy.territory import make_territory
from detente.records.errors import InputError
from detente.scenario.agreement import Agreement
from detente.scenario.asked import ARCHITECTURES, Scenario
from detente.scenario.cities import Cities, cities_within
from detente.scenario.complaints import FOUND_CHARACTERS_MAX, shown
from detente.scenario.files import (
    check_file,
    list_agreements,
    list_scenarios,
    load_agreement,
    load_catalogue,
    load_scenario,
)

NAMES = ("lisbon-2010", "lisbon-2020", "theatre-2011", "three-sides")
DATA = Path(__file__).parents[2] / "src/detente/scenario/data"


@pytest.fixture(scope="module")
def scenarios() -> dict[str, Scenario]:
    return {name: load_scenario(name) for name in NAMES}


def launches(scenario: Scenario) -> int:
    return sum(launch.count for wave in scenario.raid.waves for launch in wave.launches)


def test_the_list_names_them_all() -> None:
    assert [entry["name"] for entry in list_scenarios()] == list(NAMES)
    assert all(entry["title"] and entry["about"] for entry in list_scenarios())


@pytest.mark.parametrize("path", sorted(DATA.rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_bundled_file_is_sound(path: Path) -> None:
    kind = {"scenarios": "scenario", "agreements": "agreement"}.get(path.parent.name, "catalogue")
    assert check_file(path) == kind


def test_check_file_knows_bundled_names() -> None:
    assert check_file("lisbon-2010") == "scenario"
    assert check_file("jdec-2000") == "agreement"


def test_lisbon_2010_is_what_stood(scenarios: dict[str, Scenario]) -> None:
    lisbon = scenarios["lisbon-2010"]
    assert lisbon.side_names == ("NATO", "Russia")
    assert lisbon.file.epoch == datetime(2010, 12, 1, 6, tzinfo=UTC)
    assert lisbon.file.duration_s == 2400
    assert (len(lisbon.sensors), len(lisbon.sites)) == (36, 20)
    assert launches(lisbon) == 30
    assert len(lisbon.raid.waves) == 3
    names = {sensor.name for sensor in lisbon.sensors}
    assert {"gabala", "armavir", "fylingdales", "thule"} <= names
    assert not {"kurecik", "pionersky", "armavir-south-east", "aegis-east-mediterranean", "vardo"} & names
    assert lisbon.cautions == ()


def test_areas_and_people_are_of_the_right_size(scenarios: dict[str, Scenario]) -> None:
    lisbon = scenarios["lisbon-2010"]
    nato, russia = lisbon.territories
    assert nato.area_km2 == pytest.approx(4.645e6, rel=0.01)
    assert russia.area_km2 == pytest.approx(3.863e6, rel=0.01)
    assert lisbon.cities[0].people.sum() == pytest.approx(413e6, rel=0.01)
    assert lisbon.cities[1].people.sum() == pytest.approx(86.5e6, rel=0.01)
    assert "Moscow" in lisbon.cities[1].names
    assert "Istanbul" in lisbon.cities[0].names
    assert "Simferopol" not in lisbon.cities[1].names  # Crimea in 2010 is Ukraine
    assert not lisbon.cities[0].lat_rad.flags.writeable


def test_two_sides_get_the_same_raid_and_the_same_doctrine(scenarios: dict[str, Scenario]) -> None:
    for scenario in scenarios.values():
        assert len({side.doctrine for side in scenario.sides}) == 1
        assert len({side.command_delay_s for side in scenario.sides}) == 1
        for wave in scenario.raid.waves:
            aimed: Counter[tuple[str, str]] = Counter()
            for launch in wave.launches:
                aimed[launch.aim.side, launch.missile] += launch.count
            for missile in {launch.missile for launch in wave.launches}:
                assert len({aimed[name, missile] for name in scenario.side_names}) == 1


def test_batteries_of_every_side_defend_as_far_as_their_type_is_said_to_reach(scenarios: dict[str, Scenario]) -> None:
    bound = [site for one in scenarios.values() for site in one.sites if site.use.defends_own_radius_km is not None]
    assert len(bound) == 6
    far = {site.name: (site.use.defends_own_radius_km, site.entry.range_max_km.high) for site in bound}
    assert {name: radius for name, (radius, _) in far.items()} == {name: high for name, (_, high) in far.items()}


@pytest.mark.parametrize("name", [entry["name"] for entry in list_agreements()])
def test_agreements_give_both_ways(name: str) -> None:
    agreement = load_agreement(name)
    assert agreement.name == name
    ways = Counter((clause.data, clause.giver, clause.receiver) for clause in agreement.clauses)
    for data, giver, receiver in ways:
        assert ways[data, giver, receiver] == ways[data, receiver, giver]
    assert all(not clause.onward for clause in agreement.clauses)


def test_architectures_and_their_agreements(scenarios: dict[str, Scenario]) -> None:
    found = {name: one and one.name for name, one in scenarios["lisbon-2010"].agreements.items()}
    assert tuple(found) == ARCHITECTURES
    assert found == {
        "alone": None, "warning": "jdec-2000", "cooperating": "lisbon-2011", "two-key": "lisbon-2011",
        "sectoral": "sectoral-2011", "joint": None,
    }  # fmt: skip


def test_the_memorandum_of_2000_lists_launches_and_impacts() -> None:
    jdec: Agreement = load_agreement("jdec-2000")
    assert {clause.data for clause in jdec.clauses} == {"launch-warning", "impact-prediction"}
    assert load_agreement("nothing").clauses == ()


def test_the_sector_takes_the_baltics_from_nato(scenarios: dict[str, Scenario]) -> None:
    from detente.geodesy.territory import contains

    nato, russia = scenarios["lisbon-2010"].sectors
    assert nato is not None
    assert russia is not None
    cities = {"Riga": (56.95, 24.1), "Tallinn": (59.4, 24.75), "Tromsø": (69.65, 18.95), "Bialystok": (53.13, 23.16)}
    kept = {"Oslo": (59.9, 10.7), "Warsaw west": (52.2, 19.5), "Berlin": (52.5, 13.4), "Ankara": (39.9, 32.8)}
    taken = np.radians(list(cities.values()))
    assert contains(russia, taken).all()
    assert not contains(nato, taken).any()
    assert contains(nato, np.radians(list(kept.values()))).all()


def test_sensor_names_are_few_enough_for_a_pedigree(scenarios: dict[str, Scenario]) -> None:
    for scenario in scenarios.values():
        names = [sensor.name for sensor in scenario.sensors]
        assert len(set(names)) == len(names) <= 60
        assert scenario.cautions == ()


def test_the_digest_is_of_what_was_resolved(scenarios: dict[str, Scenario]) -> None:
    lisbon = scenarios["lisbon-2010"]
    assert load_scenario("lisbon-2010").digest == lisbon.digest
    assert len(lisbon.digest) == 64
    assert load_scenario("lisbon-2010", set_values=["tick_s=6"]).digest != lisbon.digest
    assert load_scenario("lisbon-2010", set_values=["agreements.warning=nothing"]).digest != lisbon.digest


def test_a_threat_view_thins_the_raid_out() -> None:
    views = {
        name: load_scenario("lisbon-2010", set_values=[f"threat_view={name}"]) for name in load_catalogue().threat_views
    }
    assert {name: launches(scenario) for name, scenario in views.items()} == {
        "united-states": 30, "russia": 10, "eastwest-2009": 18,
    }  # fmt: skip
    assert "bm-25" not in views["russia"].missiles
    assert "bm-25" in views["eastwest-2009"].missiles


def test_three_sides_have_a_catalogue_of_their_own(scenarios: dict[str, Scenario]) -> None:
    three = scenarios["three-sides"]
    assert three.side_names == ("North", "West", "South")
    assert {sensor.entry.name for sensor in three.sensors} == {"made-up-radar", "made-up-satellite"}
    moved = next(sensor for sensor in three.sensors if sensor.name == "south-radar")
    assert (moved.owner, moved.entry.country) == ("XXS", "XXS")  # pyright: ignore[reportAttributeAccessIssue]
    assert "made-up-radar" not in load_catalogue().radars
    assert [camp.people.sum() for camp in three.troops] == [500_000, 500_000, 500_000]


def test_a_sensor_out_of_service_is_allowed_but_told() -> None:
    scenario = load_scenario("lisbon-2010", set_values=["sides.NATO.sensors.fylingdales.use=kurecik"])
    assert scenario.cautions == (
        "sensor kurecik: in service from 2012-01-01 to 2099-12-31, but the scenario's epoch is 2010-12-01",
    )


@pytest.mark.parametrize("name", NAMES)
def test_named_aim_points_lie_within_the_least_reach_of_a_site_of_their_side(
    scenarios: dict[str, Scenario], name: str
) -> None:  # fmt: skip
    """On each side alike, or what cooperation buys would rest on where a raid's writer put them."""
    scenario = scenarios[name]
    for wave in scenario.raid.waves:
        for launch in wave.launches:
            side = scenario.side_names.index(launch.aim.side)
            own = [site for site in scenario.sites if site.side == side]
            places = np.radians([[site.position.lat_deg, site.position.lon_deg] for site in own])
            reach_m = 1e3 * np.array([site.entry.range_max_km.low for site in own])
            for point in launch.aim.at:
                aimed_at = np.radians([[point.lat_deg, point.lon_deg]])
                assert np.any(great_circle_m(aimed_at, places) <= reach_m), f"{launch.aim.side}: {point}"


def test_cities_count_from_the_least_number_of_people_and_only_on_the_ground():
    """Of five: one too small, one just large enough, two on neither side's ground, one beyond its box."""
    places = np.radians([(51, 13), (52, 13), (52, 25), (59, 11), (30, 13)])
    world = Cities(
        lat_rad=places[:, 0], lon_rad=places[:, 1], people=np.array([99_999.0, 1e5, 1e7, 1e7, 1e7]),
        names=("small", "enough", "east", "corner", "south"), digest="", source="",
    )  # fmt: skip
    ground = make_territory(polygon_rings([(50, 10), (50, 20), (60, 20)]))  # the corner north-west of it is not its own
    found = cities_within(world, ground, 100_000)
    assert (found.names, found.people.tolist()) == (("enough",), [1e5])
    assert (found.lat_rad[0], found.lon_rad[0]) == tuple(places[1])
    assert cities_within(world, ground, 10_000_001).names == ()


def test_what_is_found_is_shown_whole_or_cut_with_a_sign_that_it_is():
    room = FOUND_CHARACTERS_MAX - 2  # two quotes
    assert shown("x" * room) == repr("x" * room)
    cut = shown("x" * (room + 1))
    assert (len(cut), cut[:3], cut[-2:]) == (FOUND_CHARACTERS_MAX, "'xx", "x…")
    assert (shown(True), shown(None), shown([]), shown([1, 2])) == (
        "true",
        "nothing (null)",
        "an empty list",
        "a list of 2",
    )
    assert shown(dict.fromkeys("abcde", 1)) == "a mapping with 'a', 'b', 'c', 'd' …"
    assert shown(dict.fromkeys("abcd", 1)) == "a mapping with 'a', 'b', 'c', 'd'"
    assert shown({"value": 3, "low": 2, "high": 4, "source": "x"}) == "value 3, low 2, high 4"


def test_a_quantity_may_be_set_anew_with_its_own_range_and_is_no_yes_or_no():
    anew = "sides.NATO.command_delay_s={value: 30, low: 20, high: 45, source: mine, confidence: low}"
    ranged = load_scenario("lisbon-2010", set_values=[anew]).sides[0].command_delay_s
    assert (ranged.low, ranged.value, ranged.high, ranged.source) == (20.0, 30.0, 45.0, "mine")
    with pytest.raises(InputError, match="true"):
        load_scenario("lisbon-2010", set_values=["sides.NATO.command_delay_s=true"])
