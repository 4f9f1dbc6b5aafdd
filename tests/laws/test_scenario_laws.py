"""Whatever stands in a file, loading it ends in a scenario or in an InputError that says where."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detente.records.errors import InputError, InputErrors
from detente.scenario.asked import Scenario
from detente.scenario.files import check_file, load_scenario
from detente.scenario.located import parse

FILE = Path(__file__).parents[2] / "src/detente/scenario/data/scenarios/three-sides.yaml"
THREE = parse(FILE.read_text(encoding="utf-8"), "three-sides").data
THREE["catalogue"] = str(FILE.parent / THREE["catalogue"])

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["North", "notional-irbm", "NATO", "2010-12-01", "2010-12-01T00:00:00Z", -1, 1e308]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


def paths(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    steps = data.keys() if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    return found + [deeper for step in steps for deeper in paths(data[step], (*path, step))]


PATHS = paths(THREE)


def check(error: InputError) -> None:
    for problem in error.problems if isinstance(error, InputErrors) else (error,):
        assert problem.found
        assert problem.expected
        assert problem.remedy


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.sampled_from(PATHS), value=ANYTHING, delete=st.booleans())
def test_a_scenario_with_one_value_replaced(tmp_path: Path, where: tuple[Any, ...], value: Any, delete: bool) -> None:
    data = copy.deepcopy(THREE)
    holder = data
    for step in where[:-1]:
        holder = holder[step]
    if delete:
        del holder[where[-1]]
    else:
        holder[where[-1]] = value
    path = tmp_path / "changed.yaml"
    path.write_text(json.dumps(data), encoding="utf-8")
    try:
        assert isinstance(load_scenario(path), Scenario)
    except InputError as error:
        check(error)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200) | st.text(alphabet="ab:-?[]{}&*!|>'\"%@#,\n \t0<~", max_size=60).map(str.encode))
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        check_file(path)
    check(caught.value)
    assert caught.value.file == str(path)


@settings(max_examples=150, deadline=None)
@given(said=st.text(alphabet="sideNorth.0129=[{}]: raw-x", max_size=40))
def test_any_set(said: str) -> None:
    try:
        assert isinstance(load_scenario("three-sides", set_values=[said]), Scenario)
    except InputError as error:
        check(error)
