"""Whose ground it is, as of a date."""

from datetime import date

import numpy as np
import pytest

from detente.geodesy.borders import load_borders
from detente.geodesy.countries import NO_COUNTRY, countries_at, index_countries
from detente.geodesy.territory import contains, make_territory
from detente.records.errors import InputError

LISBON = date(2010, 12, 1)
LATER = date(2020, 6, 1)

CITIES = {  # degrees, GeoNames
    "Moscow": (55.752, 37.616),
    "Sevastopol": (44.589, 33.522),
    "Simferopol": (44.957, 34.110),
    "Kerch": (45.358, 36.468),
    "Novorossiysk": (44.724, 37.769),
    "Paris": (48.853, 2.349),
    "Cayenne": (4.933, -52.330),
    "Kaliningrad": (54.706, 20.511),
    "Ankara": (39.920, 32.854),
    "Tehran": (35.694, 51.422),
    "Juba": (4.852, 31.582),
    "Khartoum": (15.552, 32.532),
    "Pristina": (42.673, 21.167),
    "Belgrade": (44.804, 20.465),
    "Podgorica": (42.441, 19.264),
    "North Nicosia": (35.25, 33.35),
    "Hargeisa": (9.560, 44.065),
    "Donetsk": (48.023, 37.802),
    "Egvekinot, Chukotka": (66.40, -179.20),
    "Provideniya, Chukotka": (64.55, -173.30),
    "Taveuni, west of 180": (-16.90, 179.93),
    "Taveuni, east of 180": (-16.83, -179.97),
    "South Pole": (-90.0, 12.0),
}


def country_of(index, *names):
    found = countries_at(index, np.deg2rad([CITIES[name] for name in names]))
    return [index.codes[k] if k != NO_COUNTRY else None for k in found]


@pytest.fixture(scope="module")
def lisbon():
    return index_countries(load_borders(), LISBON)


def test_cities_lie_in_their_countries(lisbon):
    names = (
        "Moscow",
        "Paris",
        "Cayenne",
        "Kaliningrad",
        "Ankara",
        "Tehran",
        "Novorossiysk",
        "Donetsk",
        "North Nicosia",
        "Hargeisa",
    )
    assert country_of(lisbon, *names) == ["RUS", "FRA", "FRA", "RUS", "TUR", "IRN", "RUS", "UKR", "CYP", "SOM"]


def test_a_harbour_city_that_a_smoothed_coast_puts_at_sea_is_reached(lisbon):
    points = np.deg2rad([(38.717, -9.133), (45.0, -30.0), (52.52, 13.40)])  # Lisbon, mid-Atlantic, Berlin
    codes = [lisbon.codes[k] if k >= 0 else None for k in countries_at(lisbon, points, reach_m=5_000.0)]
    assert codes == ["PRT", None, "DEU"]
    assert countries_at(lisbon, points)[0] == NO_COUNTRY


@pytest.mark.parametrize("resolution", ["50m", "110m"])
@pytest.mark.parametrize("as_of", [date(2005, 1, 1), LISBON, date(2014, 6, 1), LATER])
def test_crimea_is_ukraine_at_every_date(resolution, as_of):
    index = index_countries(load_borders(resolution), as_of)
    assert country_of(index, "Sevastopol", "Simferopol", "Kerch") == ["UKR"] * 3


def test_both_sides_of_the_antimeridian_and_the_pole(lisbon):
    east_of_180 = ("Egvekinot, Chukotka", "Provideniya, Chukotka")
    assert country_of(lisbon, *east_of_180) == ["RUS", "RUS"]
    assert country_of(lisbon, "Taveuni, west of 180", "Taveuni, east of 180", "South Pole") == ["FJI", "FJI", "ATA"]
    points = np.deg2rad([CITIES[name] for name in east_of_180])
    assert contains(make_territory(load_borders().country_rings("RUS", LISBON)), points).all()
    assert (countries_at(lisbon, points) == countries_at(lisbon, points + np.array([0.0, 2 * np.pi]))).all()


def test_a_point_on_the_antimeridian_has_one_answer_under_both_its_names(lisbon):
    lat = np.deg2rad(np.linspace(65.2, 68.8, 50))
    names = [np.column_stack([lat, np.full(50, lon)]) for lon in (np.pi, -np.pi)]
    assert (countries_at(lisbon, names[0]) == countries_at(lisbon, names[1])).all()
    assert {lisbon.codes[k] for k in countries_at(lisbon, names[0])} == {"RUS"}


@pytest.mark.parametrize(
    ("as_of", "city", "code"),
    [
        (date(2011, 7, 8), "Juba", "SDN"),
        (date(2011, 7, 9), "Juba", "SSD"),
        (date(2011, 7, 9), "Khartoum", "SDN"),
        (date(2006, 6, 2), "Podgorica", "SCG"),
        (date(2006, 6, 2), "Belgrade", "SCG"),
        (date(2006, 6, 3), "Podgorica", "MNE"),
        (date(2006, 6, 3), "Belgrade", "SRB"),
        (date(2008, 2, 16), "Pristina", "SRB"),
        (date(2008, 2, 17), "Pristina", "XKX"),
        (date(2008, 2, 17), "Belgrade", "SRB"),
    ],
)
def test_dated_changes(as_of, city, code):
    assert country_of(index_countries(load_borders(), as_of), city) == [code]


def test_codes_come_and_go():
    borders = load_borders()
    before, after = borders.known_codes(LISBON), borders.known_codes(LATER)
    assert len(before) == len(set(before)) == 237
    assert set(after) - set(before) == {"SSD"}
    assert borders.alpha_2("RUS", LISBON) == "RU"
    assert borders.name_of("TUR", LISBON) == "Turkey"


def test_errors_name_what_is_known():
    borders = load_borders()
    with pytest.raises(InputError, match="a date for which SSD is drawn: from 2011-07-09"):
        borders.country_rings("SSD", LISBON)
    with pytest.raises(InputError, match="an ISO 3166-1 alpha-3 code"):
        borders.country_rings("QQQ", LISBON)
    with pytest.raises(InputError, match="a date from 2005-01-01 to 2025-12-31"):
        borders.known_codes(date(1991, 12, 25))


@pytest.mark.parametrize("resolution", ["50m", "110m"])
def test_rings_stay_on_the_globe_and_no_ground_has_two_countries(resolution):
    borders = load_borders(resolution)
    assert np.abs(borders.vertices_rad).max(axis=0).tolist() == [np.pi / 2, np.pi]
    index = index_countries(borders, LISBON)
    draws = np.random.default_rng(1)
    cells = np.argwhere(index.raster == 255)
    chosen = cells[draws.integers(0, len(cells), 3000)]
    points = (chosen + draws.random((3000, 2))) * np.pi / 1800 - [np.pi / 2, np.pi]
    held = np.full(len(points), NO_COUNTRY)
    times_held = np.zeros(len(points), int)
    for k, code in enumerate(index.codes):
        inside = contains(make_territory(borders.country_rings(code, LISBON)), points)
        held[inside] = k
        times_held += inside
    assert times_held.max() == 1
    assert (countries_at(index, points) == held).all()


def test_the_data_are_small():
    from importlib.resources import files

    data = files("detente.geodesy").joinpath("data")
    assert sum(len(entry.read_bytes()) for entry in data.iterdir()) < 1_500_000
