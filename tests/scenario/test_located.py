"""YAML text in, values with places out; hostile text stopped before it grows."""

import pytest

from detente.records.errors import InputError
from detente.scenario import located
from detente.scenario.located import Mark, parse, scalar


def refused(text: str) -> InputError:
    with pytest.raises(InputError) as caught:
        parse(text, "f.yaml")
    return caught.value


def test_values_and_their_places() -> None:
    found = parse('a: 1\nb:\n  - x: 2.5\n    y: "3"\n', "f.yaml")
    assert found.data == {"a": 1, "b": [{"x": 2.5, "y": "3"}]}
    assert found.mark(("b", 0, "y")) == Mark(4, 8)
    assert found.mark(("b", 0, "y"), key=True) == Mark(4, 5)
    assert found.mark(("b", 0, "nowhere")) == Mark(3, 5)  # the mapping that would hold it


@pytest.mark.parametrize(
    ("text", "value"),
    [("12", 12), ("-0.5", -0.5), ("1e3", 1000.0), ("0x1f", 31), ("0o17", 15), ("true", True), ("~", None), ("no", "no"),
     ("2010-12-01", "2010-12-01"), ("1_000", "1_000"), ("+", "+"), (".5", 0.5)],
)  # fmt: skip
def test_scalars_of_yaml_1_2(text: str, value: object) -> None:
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


def test_a_time_in_braces_is_text() -> None:
    # The compiled parser refuses this colon, YAML 1.2 does not.
    assert parse("{start: 2010-12-01T00:00:00Z}", "f").data == {"start": "2010-12-01T00:00:00Z"}


def test_aliases_share_values() -> None:
    assert parse("a: &x {b: 1}\nc: *x\n", "f").data == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: 1\na: 2\n", 2, 1, "key 'a' twice (first in line 1)"),
        ("a: [1,\n", 2, 1, "text that is not YAML"),
        ("a: 1\n---\nb: 2\n", 2, 1, "a second YAML document"),
        ("? [a]\n: 1\n", 1, 3, "a mapping or list as a key"),
        ("a: *x\n", 1, 4, "alias *x"),
        ("a: !!python/object:os.system x\n", 1, 4, "the tag"),
        ("b: {<<: {a: 1}}\n", 1, 5, "a merge key"),
        ("a: b: c\n", 1, 5, "text that is not YAML"),
        ("", 1, 1, "an empty file"),
        ("# nothing\n", 1, 1, "an empty file"),
    ],
)
def test_bad_text(text: str, line: int, column: int, words: str) -> None:
    error = refused(text)
    assert (error.file, error.line, error.column) == ("f.yaml", line, column)
    assert words in error.found
    assert error.remedy


def test_truncated_text_says_so() -> None:
    assert "end early" in refused('a: "x').remedy


def test_control_characters() -> None:
    assert "does not allow" in refused("a: \x00").found
    assert "surrogate" in refused("a: \ud800").found
    error = refused('a: 1\nb: "\\ud800"\n')
    assert "surrogate" in error.found
    assert (error.line, error.column) == (2, 4)


def test_deep_nesting_is_stopped() -> None:
    error = refused("[" * 100_000)
    assert (error.line, error.column) == (1, located.DEPTH_MAX + 1)


def test_an_alias_bomb_is_stopped() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    error = refused("\n".join(rows))
    assert "more values" in error.found
    assert error.line == 6


def test_a_long_scalar_is_stopped() -> None:
    assert "characters" in refused("a: " + "x" * (located.SCALAR_CHARACTERS_MAX + 1)).found


def test_an_alias_to_its_own_list_is_unknown() -> None:
    assert refused("a: &a [*a]").found == "alias *a"
