"""Bad files: what is wrong, where, what was expected and what to do, all of it at once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.scenario.made_files import AGREEMENT, LISBON, line_of

from detente.records.errors import InputError, InputErrors
from detente.scenario.files import check_file, load_scenario

Refused = Callable[..., tuple[InputError, ...]]


@pytest.fixture
def refused(tmp_path: Path) -> Refused:
    """Load a text as a scenario file and hand back what was complained of."""

    def load(text: str, *set_values: str) -> tuple[InputError, ...]:
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError) as caught:
            load_scenario(path, set_values=set_values)
        error = caught.value
        problems = error.problems if isinstance(error, InputErrors) else (error,)
        for problem in problems:
            assert problem.file in (str(path), "--set")
            assert problem.found
            assert problem.expected
            assert problem.remedy
            assert problem.file in str(error)
        return problems

    return load


ONE_CHANGE = [
    # (what stands in the file, what is put there, path, words in `found`, words in `expected`, words in `remedy`)
    ("tick_s: 5", "tik_s: 5", "tik_s", "unknown key 'tik_s'", "tick_s", "did you mean 'tick_s'?"),
    (
        "duration_s: 2400",
        "duration_s: 40 min",
        "duration_s",
        "'40 min'",
        "a number (seconds)",
        "the unit is in the key's name",
    ),
    ("tick_s: 5", "tick_s: 500", "tick_s", "500", "at most 60", "within the limits"),
    (
        'epoch: "2010-12-01T06:00:00Z"',
        'epoch: "2010-12-01T06:00:00"',
        "epoch",
        "2010-12-01T06:00:00",
        "a UTC time",
        "with its zone",
    ),
    ('epoch: "2010-12-01T06:00:00Z"', "epoch: 1291183200", "epoch", "1291183200", "as text", "2010-12-01T06:00:00Z"),
    (
        "as_of: 2010-12-01",
        "as_of: yesterday",
        "sides.0.territory.as_of",
        "'yesterday'",
        "a date such as",
        "in that form",
    ),
    ("as_of: 2010-12-01", "as_of: 1988-12-01", "sides.0.territory.as_of", "1988-12-01", "2005-01-01", "nearest date"),
    ("ALB, BEL", "ALB, BEQ", "sides.0.territory.countries.1", "'BEQ'", "alpha-3", "'BEL'"),
    ("ALB, BEL", "ALB, UK", "sides.0.territory.countries.1", "'UK'", "alpha-3", "in that form"),
    (
        "use: fylingdales",
        "use: fylingdale",
        "sides.0.sensors.7.use",
        "'fylingdale'",
        "detente catalogue",
        "did you mean 'fylingdales'?",
    ),
    (
        "interceptor: aster-30",
        "interceptor: aster30",
        "sides.0.sites.7.interceptor",
        "'aster30'",
        "",
        "did you mean 'aster-30'?",
    ),
    ("place: husum", "place: hussum", "sides.0.sites.1.place", "no place called 'hussum'", "", "did you mean 'husum'?"),
    (", place: husum", "", "sides.0.sites.1", "", "either place", "give one of the two"),
    ("owner: NLD", "owner: FIN", "sides.0.sites.3.owner", "owner FIN", "an owner of NATO", "add FIN"),
    (
        "missile: ghadr-1",
        "missile: ghadr1",
        "raid.waves.0.launches.0.missile",
        "'ghadr1'",
        "",
        "did you mean 'ghadr-1'?",
    ),
    (
        "places: [tabriz, urmia]",
        "places: [tabris, urmia]",
        "raid.waves.0.launches.0.places.0",
        "'tabris'",
        "",
        "did you mean 'tabriz'?",
    ),
    (
        "aim: {side: NATO, by: area}",
        "aim: {side: Nato, by: area}",
        "raid.waves.0.launches.0.aim.side",
        "'Nato'",
        "NATO, Russia",
        "did you mean 'NATO'?",
    ),
    (
        "aim: {side: NATO, by: area}",
        "aim: {side: NATO, by: aera}",
        "raid.waves.0.launches.0.aim.by",
        "'aera'",
        "'area'",
        "did you mean 'area'?",
    ),
    (
        "aim: {side: NATO, by: area}",
        "aim: {side: NATO, by: troops}",
        "raid.waves.0.launches.0.aim.by",
        "troops of NATO",
        "",
        "`troops`",
    ),
    (
        "lat_deg: 37.98, lon_deg: 23.73",
        "lat_deg: 55.7, lon_deg: 37.6",
        "raid.waves.0.launches.4.aim.at.0",
        "outside the territory of NATO",
        "",
        "move the point",
    ),
    ("at_s: 480", "at_s: 4800", "raid.waves.2.at_s", "a wave at 4800 s", "2400", "run longer"),
    (
        "cooperating: lisbon-2011",
        "cooperating: lisbon-2012",
        "agreements.cooperating",
        "'lisbon-2012'",
        "bundled agreement",
        "did you mean 'lisbon-2011'?",
    ),
    (
        "cooperating: lisbon-2011",
        "cooperating: three-sides-2011",
        "agreements.cooperating",
        "North, West, South",
        "NATO, Russia",
        "choose an agreement",
    ),
    (
        "countries: [RUS]",
        "countries: [RUS, POL]",
        "sides.1.territory",
        "territory of Russia that shares ground with that of NATO: ",
        "one side only",
        "take the shared",
    ),
    (
        "north_deg: 72, west_deg: -25",
        "north_deg: 33, west_deg: -25",
        "sides.0.territory.clip.0.north_deg",
        "33",
        "above south_deg",
        "exchange",
    ),
    (
        "south_deg: 41, north_deg: 72, west_deg: 19",
        "south_deg: -60, north_deg: -50, west_deg: 19",
        "sides.1.territory",
        "without ground",
        "",
        "clip boxes",
    ),
    ("name: Russia\n", "name: NATO\n", "sides.1.name", "second side called 'NATO'", "differ", "rename"),
    ("use: thule", "use: fylingdales", "sides.0.sensors.8", "second sensor called 'fylingdales'", "differ", "`name`"),
    ("name: patriot-husum", "name: patriot-athens", "sides.0.sites.4.name", "second site", "differ", "rename"),
    (
        "{value: 2, low: 0.5, high: 10,",
        "{value: 20, low: 0.5, high: 10,",
        "link.delay_s",
        "value 20, low 0.5, high 10",
        "low ≤ value ≤ high",
        "widen",
    ),
    ("{value: 2, low: 0.5, high: 10,", "{value: 2, low: -5, high: 10,", "link.delay_s", "low -5", "0 or more", "unit"),
    (
        "{value: 2, low: 0.5, high: 10,",
        "{value: 2,",
        "link.delay_s",
        "value 2",
        "an assumption needs one",
        "public source",
    ),
    ("high: 0.05", "high: 5", "link.loss_probability", "high 5", "at most 1", "unit"),
    ("shots_max: 4", "shots_max: true", "sides.0.doctrine.shots_max", "true", "a whole number", "a number"),
    ("shots_max: 4", 'shots_max: "4"', "sides.0.doctrine.shots_max", "4", "a whole number", "a number"),
    ("shots_max: 4", "shots_max: 4.5", "sides.0.doctrine.shots_max", "4.5", "a whole number", "a number"),
    (
        "use: oko-1",
        "{use: oko-1, set: {semi_major_axis_km: 9000}}",
        "sides.1.sensors.0.set.semi_major_axis_km",
        "perigee",
        "above the ground",
        "raise",
    ),
    (
        "use: gabala",
        "{use: gabala, set: {position: {lat_deg: 40, lon_deg: 47, altitude_m: -7000}}}",
        "sides.1.sensors.3.set.position.altitude_m",
        "7,000 m inside the Earth",
        "-430 m, the lowest dry land",
        "height of the ground",
    ),
    (
        "use: gabala",
        "{use: gabala, set: {sector_widht_deg: 10}}",
        "sides.1.sensors.3.set.sector_widht_deg",
        "unknown key",
        "sector_width_deg",
        "did you mean 'sector_width_deg'?",
    ),
    (
        "use: gabala",
        "{use: gabala, set: {kind: satellite}}",
        "sides.1.sensors.3.set.kind",
        "'kind' under set",
        "",
        "`name`",
    ),
    (
        "use: gabala",
        "{use: gabala, set: {revisit_s: 5}}",
        "sides.1.sensors.3.set.revisit_s",
        "5",
        "a quantity",
        "in that form",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "path", "found", "expected", "remedy"),
    ONE_CHANGE,
    ids=[f"{c[2]}-{i}" for i, c in enumerate(ONE_CHANGE)],
)
def test_one_fault_is_told_with_its_line(
    refused: Refused, old: str, new: str, path: str, found: str, expected: str, remedy: str
) -> None:
    old = f"- {old}" if new.startswith("{use") else old
    new = f"- {new}" if new.startswith("{use") else new
    assert old in LISBON
    problems = refused(LISBON.replace(old, new, 1))
    first = problems[0]
    assert first.path == path
    assert found in first.found
    assert expected in first.expected
    assert remedy in first.remedy
    # The line is that of the change, or of the mapping or list around it.
    if path.endswith(("territory", "sites.1")):
        assert 0 <= line_of(LISBON, old) - first.line <= 4
    elif path != "sides.0.sites.4.name":  # the second of two: further down
        assert first.line == line_of(LISBON, old)


def test_a_missing_key_points_at_what_should_hold_it(refused: Refused) -> None:
    (problem,) = refused(LISBON.replace("duration_s: 2400\n", ""))
    assert (problem.line, problem.found, problem.remedy) == (2, "no 'duration_s'", "add 'duration_s' here")
    (problem,) = refused(LISBON.replace('stock: 16, stock_source: "assumption (8', 'stock_source: "assumption (8'))
    assert problem.path == "sides.0.sites.6"
    assert problem.found == "no 'stock'"


def test_every_fault_is_told_not_only_the_first(refused: Refused) -> None:
    text = LISBON.replace("tick_s: 5", "tick_s: five").replace("ALB, BEL", "ALB, be").replace("by: people", "by: peple")
    problems = refused(text)
    assert [problem.path for problem in problems[:2]] == ["tick_s", "sides.0.territory.countries.1"]
    assert len(problems) == 1 + LISBON.count("ALB, BEL") + LISBON.count("by: people")
    assert all(problem.line > 0 for problem in problems)
    text = LISBON.replace("use: fylingdales", "use: fylingdale").replace("use: gabala", "use: gabla")
    text = text.replace("missile: bm-25", "missile: bm25").replace("owner: NLD", "owner: FIN")
    assert [problem.found for problem in refused(text)[:3]] == [
        "no radar or satellite called 'fylingdale'", "no radar or satellite called 'gabla'", "owner FIN",
    ]  # fmt: skip


def test_an_empty_raid(refused: Refused) -> None:
    head, rest = LISBON.split("raid:\n")
    tail = rest[rest.index("\ndiscrimination") :]
    (problem,) = refused(head + "raid:\n  waves: []\n" + tail)
    assert (problem.path, problem.found, problem.expected) == ("raid.waves", "an empty list", "a list of at least 1")
    (problem,) = refused(head + "raid:\n" + tail)
    assert (problem.path, problem.found) == ("raid", "nothing (null)")


def test_a_view_that_leaves_nothing(refused: Refused) -> None:
    text = LISBON.replace("missile: ghadr-1", "missile: bm-25").replace("missile: shahab-3", "missile: bm-25")
    (problem,) = refused(text.replace("missile: sejjil-2", "missile: bm-25"), "threat_view=russia")
    assert (problem.file, problem.path) == ("--set", "threat_view")
    assert "leaves nothing" in problem.found


def test_an_unknown_view(refused: Refused) -> None:
    (problem,) = refused(LISBON + "threat_view: russi\n")
    assert problem.remedy == "did you mean 'russia'?"
    assert problem.line == LISBON.count("\n") + 1


def test_troops_of_nobody_and_people_of_empty_ground(refused: Refused) -> None:
    camp = 'troops:\n  - {name: a, side: Rusia, position: {lat_deg: 50, lon_deg: 40}, people: 5, source: "made up"}\n'
    (problem,) = refused(LISBON + camp)
    assert (problem.path, problem.remedy) == ("troops.0.side", "did you mean 'Russia'?")
    problems = refused(LISBON + "city_population_min: 99000000\n")
    assert "people of NATO" in problems[0].found


def test_a_bad_polygon(refused: Refused) -> None:
    text = LISBON.replace(
        "      countries: [RUS]\n      as_of: 2010-12-01\n", "      polygons: [[[50, 40], [51, 41]]]\n", 1
    )
    problems = refused(text)
    assert problems[0].path == "sides.1.territory.polygons.0"
    assert problems[0].expected == "at least three different points"


def test_too_many_sensors(refused: Refused) -> None:
    more = "".join(f"      - {{use: fylingdales, name: more-{i}}}\n" for i in range(40))
    (problem,) = refused(LISBON.replace("      - use: fylingdales\n", more, 1))
    assert problem.found == "75 sensors over all sides"


BAD_SETS = [
    ("sides.NATO.command_delay_s.value=300", "sides.0.command_delay_s", "value 300", "low ≤ value ≤ high"),
    ("sides.NATTO.title=x", "sides.NATTO.title", "no item called 'NATTO'", "NATO, Russia"),
    ("sides.9.title=x", "sides.9.title", "item 9", "from 0 to 1"),
    ("tick_s=abc", "tick_s", "'abc'", "a number (seconds)"),
    ("tik_s=3", "tik_s", "unknown key 'tik_s'", "tick_s"),
    ("tick_s", "tick_s", "'tick_s'", "path=value"),
    ("duration_s.value=3", "duration_s.value", "'value' below 2400", "a path that ends there"),
    ("epoch=[1", "epoch", "'[1'", "valid YAML"),
    ("sides.Russia.sensors.gabala.owner=AZE", "sides.1.sensors.3.owner", "owner AZE", "RUS"),
    ("raid.waves.disputed.launches.0.count=0", "raid.waves.1.launches.0.count", "0", "at least 1"),
]


@pytest.mark.parametrize(("said", "path", "found", "expected"), BAD_SETS, ids=[said for said, *_ in BAD_SETS])
def test_a_bad_set_names_itself(refused: Refused, said: str, path: str, found: str, expected: str) -> None:
    problem = refused(LISBON, said)[0]
    assert (problem.file, problem.line, problem.path) == ("--set", 0, path)
    assert found in problem.found
    assert expected in problem.expected


def test_a_good_set_changes_one_thing() -> None:
    scenario = load_scenario(
        "lisbon-2010", set_values=["sides.NATO.command_delay_s=30", "sides.Russia.doctrine.salvo=2"]
    )
    nato, russia = scenario.sides
    delay = nato.command_delay_s
    assert (delay.value, delay.low, delay.high, delay.source) == (30, 30, 30, "fixed by --set")
    assert russia.command_delay_s.value == 60  # an alias in the file shares it; a replacement does not
    assert (nato.doctrine.salvo, russia.doctrine.salvo) == (1, 2)


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as stream:
        stream.truncate(100_000_000)
    with pytest.raises(InputError, match="100,000,000 bytes") as caught:
        load_scenario(path)
    assert "at most 5,000,000" in caught.value.expected


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("name: x\ntitle: Détente\n".encode("latin-1"))
    with pytest.raises(InputError, match="not UTF-8") as caught:
        check_file(path)
    assert (caught.value.line, caught.value.column) == (2, 9)


def test_a_file_cut_short(refused: Refused) -> None:
    (problem,) = refused(LISBON[: LISBON.index("stock_source") + 20])
    assert "end early" in problem.remedy
    assert problem.line == line_of(LISBON, "stock_source")


def test_no_such_file_or_name(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_scenario("lisbon-2011")
    assert "did you mean 'lisbon-20" in caught.value.remedy
    with pytest.raises(InputError, match="cannot be read"):
        load_scenario(tmp_path)


def test_a_file_of_no_known_kind(tmp_path: Path) -> None:
    path = tmp_path / "what.yaml"
    path.write_text("colour: red\n", encoding="utf-8")
    with pytest.raises(InputError, match="'colour'") as caught:
        check_file(path)
    assert "a scenario (sides, raid)" in caught.value.expected
    path.write_text("- 1\n", encoding="utf-8")
    with pytest.raises(InputError, match="a list of 1"):
        check_file(path)


def test_an_agreement_beside_the_scenario(tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "own.yaml").write_text(AGREEMENT.replace("name: lisbon-2011", "name: own"), encoding="utf-8")
    path = tmp_path / "mine.yaml"
    path.write_text(LISBON.replace("cooperating: lisbon-2011", "cooperating: own.yaml"), encoding="utf-8")
    found = load_scenario(path).agreements
    assert found["cooperating"] is not None
    assert found["cooperating"].name == "own"
    assert found["two-key"] == found["cooperating"]
    (tmp_path / "own.yaml").write_text(AGREEMENT.replace('start: "2010-11-20', 'start: "2015-11-20'), encoding="utf-8")
    (problem,) = refused(path.read_text(encoding="utf-8"))
    assert "in force at the epoch" in problem.expected


def test_a_catalogue_that_is_not_there(refused: Refused) -> None:
    (problem,) = refused(LISBON + "catalogue: nowhere.yaml\n")
    assert problem.path == "catalogue"
    assert problem.line == LISBON.count("\n") + 1
