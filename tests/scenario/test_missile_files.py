"""A missile alone in a file: read, or refused with the place of what is wrong."""

import pytest

from detente.records.errors import InputError, InputErrors
from detente.scenario.catalogue import MissileEntry, MissileFile
from detente.scenario.files import check_file, load_agreement, load_missile, load_scenario

GOOD = """\
name: mine
source: made up
payload_kg: 1000
cd: [[0.0, 0.2], [0.85, 0.2], [1.0, 0.27]]
stages:
  - {fuelled_kg: 4897, dry_kg: 1198, isp_s: 230, burn_s: 75, diameter_m: 0.84}
  - fuelled_kg: 900
    dry_kg: 150
    isp_s: 260
    burn_s: 40
    diameter_m: 0.6
    nozzle_exit_diameter_m: 0.4
    throttle: 0.8
"""


def written(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_file_is_read(tmp_path):
    path = written(tmp_path, GOOD)
    missile = load_missile(path)
    assert isinstance(missile, MissileFile)
    assert (missile.name, len(missile.stages), missile.stages[1].nozzle_exit_diameter_m) == ("mine", 2, 0.4)
    assert [stage.throttle for stage in missile.stages] == [1.0, 0.8]
    assert missile.ballistic_coefficient_kg_m2 is None
    assert check_file(path) == "missile"


def test_a_name_of_the_catalogue_is_its_entry():
    assert isinstance(load_missile("qiam"), MissileEntry)


BAD = [  # what is written for what, line and column, path, words of the complaint
    ("payload_kg: 1000", "payload_kg: 0", 3, 13, "payload_kg", "more than 0"),
    ("payload_kg: 1000", "payload_kg: -3", 3, 13, "payload_kg", "more than 0"),
    ("payload_kg: 1000", "payload_kg: .nan", 3, 13, "payload_kg", "a number"),
    ("payload_kg: 1000", "payload_kg: heavy", 3, 13, "payload_kg", "a number"),
    ("fuelled_kg: 4897", "fuelled_kg: -1", 6, 18, "stages.0.fuelled_kg", "more than 0"),
    ("dry_kg: 1198", "dry_kg: 0", 6, 32, "stages.0.dry_kg", "more than 0"),
    ("dry_kg: 1198", "dry_kg: 5000", 6, 32, "stages.0.dry_kg", "less than fuelled_kg"),
    ("burn_s: 75", "burn_s: 0", 6, 58, "stages.0.burn_s", "at least 0.1"),
    ("isp_s: 230", "isp_s: 2300", 6, 45, "stages.0.isp_s", "less than 600"),
    ("diameter_m: 0.84", "diameter_m: .inf", 6, 74, "stages.0.diameter_m", "a number"),
    ("[0.85, 0.2], [1.0, 0.27]", "[1.0, 0.2], [0.85, 0.27]", 4, 5, "cd", "Mach from 0 up"),
    ("[0.85, 0.2], [1.0, 0.27]", "[1.0, 0.2], [0.85, 0.27]", 4, 5, "cd", "Mach 0.85 after Mach 1"),
    ("[0.85, 0.2]", "[0.0, 0.2]", 4, 5, "cd", "Mach 0 after Mach 0"),
    ("[0.0, 0.2]", "[-0.5, 0.2]", 4, 5, "cd", "Mach -0.5"),
    ("[1.0, 0.27]", "[1.0, 10]", 4, 5, "cd", "a coefficient of 10"),
    ("[1.0, 0.27]", "[1.0, -0.27]", 4, 5, "cd", "drag coefficients of 0 to 10"),
    ("[1.0, 0.27]", "[1.0, .nan]", 4, 37, "cd.2.1", "a number"),
    ("isp_s: 230", "isp_s: 23", 6, 5, "stages.0", "a push above"),
    ("payload_kg: 1000", "payload: 1000", 3, 1, "payload", "payload_kg"),
    ("throttle: 0.8", "throttle: 0", 13, 15, "stages.1.throttle", "more than 0"),
    ("throttle: 0.8", "throttle: 1.2", 13, 15, "stages.1.throttle", "at most 1"),
    ("throttle: 0.8", "throttle: 0.01", 13, 15, "stages.1.throttle", "a burn of at most 2,000 s"),
    ("    burn_s: 40\n", "", 7, 5, "stages.1", "burn_s"),
    ("source: made up\n", "", 1, 1, "", "source"),
]


@pytest.mark.parametrize(("old", "new", "line", "column", "path", "said"), BAD, ids=[f"{b[1] or b[0]}" for b in BAD])
def test_a_bad_file_is_told_where_and_why(tmp_path, old, new, line, column, path, said):
    assert GOOD.count(old) == 1
    with pytest.raises(InputError) as raised:
        load_missile(written(tmp_path, GOOD.replace(old, new)))
    problems = raised.value.problems if isinstance(raised.value, InputErrors) else (raised.value,)
    (problem,) = [p for p in problems if p.path == path]
    assert (problem.line, problem.column) == (line, column)
    assert said in f"{problem.found} {problem.expected} {problem.remedy}"


def test_a_typing_error_in_a_key_is_guessed(tmp_path):
    with pytest.raises(InputError, match="did you mean 'fuelled_kg'"):
        load_missile(written(tmp_path, GOOD.replace("  - {fuelled_kg", "  - {fueled_kg")))


def test_no_name_is_no_folder():
    for name in ("", "  "):
        for load in (load_missile, load_scenario, load_agreement, check_file):
            with pytest.raises(InputError, match="an empty name"):
                load(name)


def test_another_kind_of_file_and_no_file_are_refused(tmp_path):
    path = written(tmp_path, "entries: []\n")
    with pytest.raises(InputError, match="a file of kind catalogue"):
        load_missile(path)
    with pytest.raises(InputError, match=r"no missile 'nowhere\.yaml'"):
        load_missile("nowhere.yaml")
