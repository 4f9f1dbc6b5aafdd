"""What is said of a computed thing, in reports, files and rooms' own words, is what it computes."""

import ast
import re
from pathlib import Path

import numpy as np

import detente
from detente.flight import interceptor
from detente.scenario.files import load_catalogue, load_scenario
from detente.studies.simplifications import SIMPLIFICATIONS
from detente.world.launches import _impulses

PACKAGE = Path(detente.__file__).parent
CLASSES = ("short", "medium", "intermediate", "intercontinental")


def test_the_impulses_that_fly_the_bundled_ranges_are_those_that_are_told():
    factors = _impulses(list(load_catalogue().missiles.values()))
    told = f"{factors.min():.3f} to {factors.max():.3f}"
    (effect,) = (effect for _, what, effect in SIMPLIFICATIONS if "specific impulse" in what)
    assert effect.startswith(f"{told} of the written impulse")
    assert f"({told}" in (PACKAGE / "world/README.md").read_text(encoding="utf-8")


def test_interceptors_fly_over_the_earth_that_is_told():
    (what,) = (what for room, what, _ in SIMPLIFICATIONS if room == "engagement" and "Earth" in what)
    over = "a flattened Earth that does not turn"
    assert over in what
    assert "airless" not in what
    assert over in " ".join((interceptor.__doc__ or "").split())
    assert over in " ".join((PACKAGE / "flight/README.md").read_text(encoding="utf-8").split())


def test_a_scenario_that_names_the_class_of_its_missiles_names_them_all():
    scenario = load_scenario("theatre-2011")
    ranges = [missile.range_km.value for missile in scenario.missiles.values()]
    flown = {CLASSES[k] for k in np.digitize(ranges, [1_000.0, 3_000.0, 5_500.0])}
    for text in (scenario.file.title, scenario.file.about):
        assert set(re.findall("|".join(CLASSES), text.lower())) == flown


def test_docstrings_have_no_quotes_left_from_a_broken_line():
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef):
                lines = (ast.get_docstring(node) or "").splitlines()
                broken = [line for line in lines if line.strip().count('"') % 2 and line.rstrip().endswith(' "')]
                assert not broken, f"{path}: {broken}"
