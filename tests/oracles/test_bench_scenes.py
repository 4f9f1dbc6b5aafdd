"""The benchmark's worlds against what they claim: their draws, their bounds, and the perfect filter beside them."""

import importlib
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from detente.scoring.consistency import band


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "bench"))
    return {name: importlib.import_module(f"tracking_{name}") for name in ("scenes", "ballistic", "linear")}


def test_the_perfect_filter_is_perfect(bench: dict[str, ModuleType]) -> None:
    """Its mean NEES of all ages lies where that of so many objects must, at moments far apart."""
    falling = bench["ballistic"]
    worlds = [(bench["scenes"].flat(60, 3, 60).steps(), 60), (falling.steps_of(falling.falls(40, 3)), 40)]
    for steps, count in worlds:
        scans = bench["linear"].linear_nees(steps, count)
        apart = [scans[k][1] for k in range(20, len(scans), 30) if len(scans[k][1])]
        low, high = band(6, sum(len(nees) for nees in apart), 0.999)
        assert low <= np.mean(np.concatenate(apart)) <= high


def test_a_fall_is_the_flight_rooms(bench: dict[str, ModuleType]) -> None:
    """Bodies that nothing shakes fall as the flight room says, from the same states, for half a minute and more."""
    from detente.flight.prediction import predicted_path

    falling = bench["ballistic"]
    world = falling.falls(8, 2, shaken=False)
    for body in range(8):
        flown = np.flatnonzero(world.there[:, body])
        start = world.states[flown[0], body]
        coefficient = falling.FILTER.nominal_beta_kg_m2 * np.exp(start[6])
        path = predicted_path(start[None, :3], start[None, 3:6], coefficient, 1.0)
        seconds = min(len(flown), len(path)) - 5
        apart = np.linalg.norm(world.states[flown[:seconds], body, :3] - path[:seconds, 1:4], axis=1)
        np.testing.assert_allclose(path[:seconds, 0], np.arange(seconds), atol=1e-6)
        assert apart.max() < 20.0


def test_a_centre_stepped_tick_by_tick_has_the_tracks_of_the_whole_file(
    bench: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two doors, one tracker: nothing late, the centre's step and the file's follower agree body by body."""
    late, falling = importlib.import_module("tracking_late"), bench["ballistic"]
    monkeypatch.setattr(late, "JUDGED_S", (90, 150))
    world = falling.falls(10, 6, sites=(falling.HOME, falling.ABROAD), scans=200)
    stepped, whole = late._stepped(world, world.plots.time_s), late._rerun(world, world.plots.time_s)
    assert len(stepped) >= 10
    assert stepped == pytest.approx(whole, rel=1e-6)


def test_pictures_of_falling_bodies_lie_between_one_side_and_both(
    bench: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told once a second or every ten, by each lawful rule: better than alone, no better than one centre for both."""
    fusing, falling = importlib.import_module("tracking_fusion"), bench["ballistic"]
    monkeypatch.setattr(fusing, "SECONDS", 130)
    world = falling.falls(8, 5, sites=(falling.HOME, falling.ABROAD), scans=160)
    parts = [falling.picked(world.plots, world.plots.sensor == side) for side in (0, 1)]
    own, other, central = (
        [tracks for _, tracks in fusing.stepped(world, plots, plots.time_s, 130)] for plots in (*parts, world.plots)
    )
    shown = {"alone": fusing._tracked(world, own), "centralised": fusing._tracked(world, central)}
    for every_s in (1, 10):
        for rule in ("covariance intersection", "tracklets"):
            shown[f"{rule}, {every_s} s"] = fusing.pictured(world, own, other, every_s, fusing.RULES[rule])
    lines = {line.what: line.value for line in fusing._compared(world, shown, "made") if "coast" in line.case}
    ratio = {name: lines[f"{name}: position RMSE over the central tracker's"] for name in shown}
    assert ratio["centralised"] == 1.0
    assert ratio["alone"] > 1.3
    for name in set(shown) - {"alone", "centralised"}:
        assert 0.97 < ratio[name] < 0.9 * ratio["alone"]
    for rule in ("covariance intersection", "tracklets"):
        assert ratio[f"{rule}, 1 s"] < ratio[f"{rule}, 10 s"]


def test_impacts_foretold_are_held_to_the_bound_of_the_state(
    bench: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound's ellipse is never much longer than the centre's; and across the direction in which a body's unknown
    coefficient moves its impact, the centre's error is what its own ellipse says.
    """
    foretelling, falling = importlib.import_module("tracking_impacts"), bench["ballistic"]
    monkeypatch.setattr(foretelling, "SECONDS", 150)
    world = falling.falls(8, 3, shaken=False)
    landed = foretelling._landed(world)
    (ours, anew), least = foretelling._told(world), foretelling._bounded(world)
    both = [key for key in ours if key in least and key[0] in landed and foretelling._settled(world, key)]
    assert len(both) > 300
    ratio = [np.trace(ours[key][1]) / np.trace(least[key][1]) for key in both]
    assert np.mean(np.array(ratio) > 0.9) > 0.95
    assert np.median(ratio) < 1.5
    # What is up to ten seconds old is vaguer, a young track's very much so.
    assert np.median([np.linalg.det(anew[key][1]) / np.linalg.det(ours[key][1]) for key in both]) < 0.9
    off = np.array([foretelling._off(ours[key][0], landed[key[0]]) for key in both])
    lengths, axes = np.linalg.eigh(np.array([ours[key][1] for key in both]))
    across = np.einsum("ni,ni->n", off, axes[:, :, 0]) / np.sqrt(lengths[:, 0])
    assert 0.93 < np.mean(np.abs(across) < 1.96) < 0.995


@pytest.mark.usefixtures("bench")
def test_a_measured_line_is_json_and_knows_whether_its_target_is_met() -> None:
    line = importlib.import_module("lines").Line
    met = line("case", "what", np.float64(2.0), "×", at_least=np.float64(1.0))
    assert json.loads(json.dumps(met.__dict__ | {"met": met.met}))["met"] is True
    assert met.text.endswith("≥ 1              met")
    assert line("case", "what", 2.0, at_most=1.0).met is False
    assert line("case", "what", 2.0).met is None
