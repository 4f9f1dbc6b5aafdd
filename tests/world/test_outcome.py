"""What came of each shot: the basket, the shared discrimination, the keyed kill, and shots that came too late."""

import numpy as np
import pytest

from detente.chance.draws import Stage, uniforms
from detente.geodesy.ellipsoid import geodetic_to_ecef
from detente.records.stages import Shots
from detente.world.outcome import NEVER_S, Lethality, intercepted_s, resolve

SEED = 5


def place(lat_deg, lon_deg, height_m):
    return geodetic_to_ecef([(np.radians(lat_deg), np.radians(lon_deg), height_m)])[0]


def shots_at(made, rows):
    """Shots as (row, site, intercept_s, place) with optional side and launch time."""
    n = len(rows)
    columns = {name: np.zeros((n, *spec.shape), spec.dtype) for name, spec in Shots.columns()}
    for i, one in enumerate(rows):
        values = {"replicate": 0, "site": 0, "side": 0, "launched_s": 0.0, **one}
        for name, value in values.items():
            columns[name][i] = value
    return Shots(**columns)


def lethality(rows=1, sites=1, kill=1.0, basket_m=1_000.0, discrimination=1.0):
    return Lethality(
        kill_probability=np.full((rows, sites), kill),
        basket_m=np.full((rows, sites), basket_m),
        discrimination=np.full(rows, discrimination),
    )


@pytest.fixture
def world(made):
    """Two objects that hang still over the equator from 0 to 1,000 s."""
    return made.world([made.still(0, 0, 100e3), made.still(0, 1, 100e3)], [made.radar()])


def test_a_shot_within_the_basket_hits_and_one_beside_it_does_not(made, world):
    shots = shots_at(made, [
        {"intercept_s": 500.0, "intercept_ecef_m": place(0, 0, 100.9e3)},
        {"intercept_s": 500.0, "intercept_ecef_m": place(0, 1, 101.1e3)},
    ])  # fmt: skip
    outcomes = resolve(shots, np.array([0, 1]), world, lethality(), seed=SEED)
    assert outcomes.in_basket.tolist() == [1, 0]
    assert outcomes.hit.tolist() == [1, 0]
    assert outcomes.object.tolist() == [0, 1]
    assert intercepted_s(shots, outcomes, rows=1, objects=2).tolist() == [[500.0, NEVER_S]]


@pytest.mark.parametrize(("moment_s", "met"), [(-1.0, 0), (0.0, 1), (999.0, 1), (1_000.0, 0), (1_500.0, 0)])
def test_only_what_flies_can_be_met(made, world, moment_s, met):
    shots = shots_at(made, [{"intercept_s": moment_s, "intercept_ecef_m": place(0, 0, 100e3)}])
    assert resolve(shots, np.array([0]), world, lethality(), seed=SEED).in_basket.tolist() == [met]


def test_a_track_of_no_object_is_met_by_nothing(made, world):
    shots = shots_at(made, [{"intercept_s": 500.0, "intercept_ecef_m": place(0, 0, 100e3)}])
    outcomes = resolve(shots, np.array([-1]), world, lethality(), seed=SEED)
    assert (outcomes.in_basket.tolist(), outcomes.hit.tolist(), outcomes.object.tolist()) == ([0], [0], [-1])
    empty = resolve(Shots.empty(), np.array([], np.int64), world, lethality(), seed=SEED)
    assert len(empty) == 0


def test_the_true_place_lies_on_the_cubic_between_samples(made):
    """A thrown stone, sampled every 20 s: the cubic has its parabola exactly."""
    start, speed = place(0, 0, 100e3), np.array([0.0, 2_000.0, 1_000.0])
    pull = np.array([-9.0, 0.0, 0.0])
    times = np.arange(0.0, 101.0, 20.0)
    flight = made.Flight(
        times, start + speed * times[:, None] + 0.5 * pull * times[:, None] ** 2, speed + pull * times[:, None]
    )
    world = made.world([flight], [made.radar()])
    moment = 33.0
    truly = start + speed * moment + 0.5 * pull * moment**2
    beside = [truly + np.array([0.0, offset, 0.0]) for offset in (0.0, 0.9, 1.1)]
    rows = [{"intercept_s": moment, "intercept_ecef_m": planned} for planned in beside]
    outcomes = resolve(shots_at(made, rows), np.zeros(3, np.int64), world, lethality(kill=0.0, basket_m=1.0), seed=SEED)
    assert outcomes.in_basket.tolist() == [1, 1, 0]
    assert outcomes.hit.tolist() == [0, 0, 0]


def test_a_shot_at_what_is_already_intercepted_is_spent_for_nothing(made, world):
    here = place(0, 0, 100e3)
    rows = [
        {"intercept_s": 600.0, "intercept_ecef_m": here, "launched_s": 300.0},
        {"intercept_s": 500.0, "intercept_ecef_m": here, "launched_s": 400.0, "side": 1},
        {"intercept_s": 500.0, "intercept_ecef_m": here, "launched_s": 400.0},
    ]
    shots = shots_at(made, rows)
    outcomes = resolve(shots, np.zeros(3, np.int64), world, lethality(), seed=SEED)
    assert outcomes.hit.tolist() == [0, 0, 1]
    assert outcomes.in_basket.tolist() == [0, 0, 1]
    assert intercepted_s(shots, outcomes, rows=1, objects=2).tolist() == [[500.0, NEVER_S]]


def test_the_shots_at_an_object_share_one_discrimination(made):
    """With a chance of 0.5, either all five shots at an object may kill or none does."""
    count = 400
    world = made.world([made.still(0, 0, 100e3)], [made.radar()], replicates=range(count))
    here = place(0, 0, 100e3)
    moments = [500.0, 501.0, 502.0, 503.0, 504.0]
    rows = [{"replicate": r, "intercept_s": s, "intercept_ecef_m": here} for r in range(count) for s in moments]
    one = lethality(rows=count, kill=0.5, discrimination=0.5)
    outcomes = resolve(shots_at(made, rows), np.zeros(len(rows), np.int64), world, one, seed=SEED)
    down = outcomes.hit.reshape(count, 5).sum(axis=1)
    told_apart = uniforms(SEED, np.arange(count), Stage.DISCRIMINATION, np.array([0]))[:, 0] < 0.5
    assert set(down.tolist()) == {0, 1}
    assert not down[~told_apart].any()
    luck = np.stack([uniforms(SEED, np.arange(count), Stage.SHOT, np.array([0]), ordinal=k)[:, 0] for k in range(5)])
    assert down.tolist() == (told_apart & (luck < 0.5).any(axis=0)).astype(int).tolist()


def test_luck_goes_by_object_and_ordinal_whoever_shoots_and_whatever_else_flies(made, world):
    """The second shot launched at object 1 meets the same luck from any site, in any order of rows."""
    here = place(0, 1, 100e3)
    luck = uniforms(SEED, np.array([0]), Stage.SHOT, np.array([1]), ordinal=1)[0, 0]
    first = {"intercept_s": 700.0, "intercept_ecef_m": place(0, 1, 150e3), "launched_s": 100.0, "side": 1, "site": 1}
    second = {"intercept_s": 500.0, "intercept_ecef_m": here, "launched_s": 200.0}
    for rows, which in (([first, second], 1), ([second, first], 0)):
        for kill, hit in ((luck + 1e-9, 1), (luck - 1e-9, 0)):
            outcomes = resolve(shots_at(made, rows), np.array([1, 1]), world, lethality(sites=2, kill=kill), seed=SEED)
            assert outcomes.hit[which] == hit


def test_a_replicate_is_the_same_in_any_batch(made):
    flight = made.still(0, 0, 100e3)
    numbers = np.arange(20, 60)
    world = made.world([flight], [made.radar()], replicates=numbers)
    here = place(0, 0, 100e3)
    rows = [{"replicate": r, "intercept_s": 500.0, "intercept_ecef_m": here} for r in range(40)]
    whole = resolve(shots_at(made, rows), np.zeros(40, np.int64), world, lethality(40, kill=0.5), seed=SEED)
    assert 0 < whole.hit.sum() < 40
    for r in (0, 17, 39):
        alone = made.world([flight], [made.radar()], replicates=numbers[r : r + 1])
        one = resolve(shots_at(made, rows[:1]), np.zeros(1, np.int64), alone, lethality(kill=0.5), seed=SEED)
        assert one.hit[0] == whole.hit[r]
