"""What maps write and what the page says of satellites: titles not file names, once for what stands together."""

from dataclasses import replace

import pytest

from detente.report import labels
from detente.report.labels import Thing, short, together, words
from detente.report.satellites import orbit_words, satellites, watch_words


def _thing(lat, lon, system, side=0, **more):
    return Thing(side=side, at=(lat, lon), system=system, **more)


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("S-300V (9M82)", "S-300V"),
        ("Armavir, Voronezh-DM, south-western face", "Armavir"),
        ("Patriot PAC-3", "Patriot PAC-3"),
    ],
)
def test_titles_without_what_they_add(title, shown):
    assert short(title) == shown


def test_what_stands_together_shares_one_label():
    ring = [_thing(55.6, 37.9, "A-135"), _thing(55.9, 37.8, "A-135"), _thing(56.17, 37.77, "Don-2N", wide=True)]
    far = _thing(59.3, 30.5, "Lekhtusi")
    groups = together([ring[0], far, *ring[1:]])
    assert sorted(len(group) for group in groups) == [1, 3]
    assert {words(group) for group in groups} == {"Don-2N, A-135 ×2", "Lekhtusi"}


def test_a_chain_of_neighbours_is_one_group_but_sides_stay_apart():
    chain = [_thing(50.0 + 0.4 * step, 20.0, "S") for step in (0, 2, 1)]
    assert [len(group) for group in together(chain)] == [3]
    assert len(together([_thing(50.0, 20.0, "S"), _thing(50.0, 20.0, "S", side=1)])) == 2


def test_one_thing_is_named_with_its_place():
    assert words([_thing(50.0, 20.0, "S-300V", place="Korenovsk")]) == "S-300V, Korenovsk"


def test_labels_of_a_study(saved):
    found = {label["words"]: label for label in labels.labels(saved)}
    assert set(found) == {"The western-radar", "The eastern-radar", "The western-battery", "A made interceptor"}
    assert found["The western-radar"]["at"] == [21.0, 52.0]
    assert found["The western-radar"]["wide"]
    assert not found["The western-battery"]["wide"]
    wide = [label["wide"] for label in labels.labels(saved)]
    assert wide == sorted(wide, reverse=True), "a map that has no room for all writes those of wide radars"


def test_a_battery_s_radar_is_its_site_s(saved):
    battery = {**saved.about["sensors"][2], "lat_deg": 44.05, "lon_deg": 24.4, "side": 0}
    about = {**saved.about, "sensors": [battery]}
    with_site = replace(saved, about=about)
    assert labels.is_of_a_site(with_site, battery)
    assert not labels.is_of_a_site(with_site, {**battery, "side": 1})
    assert {label["words"] for label in labels.labels(with_site)} == {"A made interceptor"}


STATIONARY = {
    "title": "Eye, east", "kind": "satellite", "side": 0, "sub_point_lon_deg": -37.0, "semi_major_axis_km": 42164.2,
    "eccentricity": 0.0, "inclination_deg": 0.0, "watch": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "above 37° W"),
        ({"semi_major_axis_km": 26562.0, "eccentricity": 0.7, "inclination_deg": 63.4}, "highly elliptical orbit"),
        ({"semi_major_axis_km": 8000.0}, "orbit 1,620 km high"),
    ],
)
def test_orbits_in_words(changes, said):
    assert orbit_words(STATIONARY | changes) == said


def test_a_watched_box_is_said():
    assert watch_words(STATIONARY) == ""
    box = watch_words(STATIONARY | {"watch": [-30.0, 52.0, -125.0, 88.0]})
    assert box == ", watching only 30° S to 52° N, 125° W to 88° E"


def test_satellites_are_listed_for_each_side_alike(saved):
    pair = [STATIONARY, STATIONARY | {"sub_point_lon_deg": 10.0}]
    said = str(satellites(replace(saved, about={**saved.about, "sensors": pair})))
    assert "Eye ×2, above 37° W and 10° E." in said
    assert '<strong class="side-1">Russia</strong>: none.' in said
    assert satellites(replace(saved, about={**saved.about, "sensors": saved.about["sensors"][:2]})) is None
