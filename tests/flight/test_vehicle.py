"""What a missile may be, and how it is laid out."""

import dataclasses
import math

import numpy as np
import pytest
from tests.made_missiles import CD, MACH

from detente.flight import _kernels as kernels
from detente.flight.vehicle import PITCH_OVER_END_FRACTION, VERTICAL_RISE_S, Missile, Stage, pack
from detente.geodesy.constants import G0_M_S2
from detente.records.errors import InputError

STAGE = Stage(4_897.0, 1_198.0, 230.0, 75.0, 0.84)
UPPER = Stage(1_000.0, 200.0, 250.0, 40.0, 0.6, 0.5)
MISSILE = Missile("one", 500.0, (STAGE, UPPER), MACH, CD, 2_000.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("fuelled_kg", -1.0),
        ("fuelled_kg", 1_198.0),  # no propellant
        ("fuelled_kg", 1_000.0),  # dry mass above fuelled
        ("dry_kg", 0.0),
        ("dry_kg", -5.0),
        ("isp_s", 0.0),
        ("isp_s", 5_000.0),
        ("burn_s", 0.0),
        ("burn_s", math.inf),
        ("diameter_m", 0.0),
        ("nozzle_exit_diameter_m", -0.1),
        ("nozzle_exit_diameter_m", math.nan),
        ("fuelled_kg", math.nan),
        ("isp_s", math.nan),
        ("throttle", 0.0),
        ("throttle", 1.01),
        ("throttle", math.nan),
        ("throttle", 0.03),  # a burn of 2,500 s
    ],
)
def test_a_stage_that_cannot_be_is_refused(field, value):
    with pytest.raises(InputError) as raised:
        dataclasses.replace(STAGE, **{field: value})
    assert raised.value.remedy == "correct the stage"


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        ("payload_kg", -1.0, "payload_kg"),
        ("payload_kg", math.nan, "payload_kg"),
        ("stages", (), "stages"),
        ("stages", (STAGE,) * 5, "stages"),
        ("cd_mach", (0.0, 1.0, 0.9, 1.2, 2.0, 4.5), "cd_mach"),
        ("cd_mach", (0.0, 0.85, 0.85, 1.2, 2.0, 4.5), "cd_mach"),
        ("cd_mach", (0.0, 1.0), "cd"),
        ("cd", (0.2, 0.2, math.nan, 0.2, 0.2, 0.2), "cd"),
        ("cd", (0.2, 0.2, -0.1, 0.2, 0.2, 0.2), "cd"),
        ("reentry_ballistic_coefficient_kg_m2", 0.0, "reentry_ballistic_coefficient_kg_m2"),
        ("payload_kg", 10_000.0, "stages.0"),  # too heavy to leave the pad
    ],
)
def test_a_missile_that_cannot_be_is_refused(field, value, path):
    with pytest.raises(InputError) as raised:
        dataclasses.replace(MISSILE, **{field: value})
    assert raised.value.path == path


def test_a_throttled_stage_burns_the_same_propellant_for_longer():
    """The same impulse, later: without a change of mass, of speed in free space, or of what is left."""
    half = dataclasses.replace(UPPER, throttle=0.5)
    assert half.burning_s == 80.0
    assert half.thrust_n == pytest.approx(0.5 * UPPER.thrust_n)
    missile = dataclasses.replace(MISSILE, stages=(STAGE, half))
    assert missile.burn_s == 155.0
    assert missile.ideal_speed_m_s == MISSILE.ideal_speed_m_s
    rows = pack((missile, MISSILE)).stages[:, 1]
    ignition, burnout, mass, flow, thrust = rows[0, :5]
    assert (ignition, burnout) == (75.0, 155.0)
    assert flow * (burnout - ignition) == pytest.approx(half.propellant_kg)
    assert mass == rows[1, 2]
    assert 2.0 * thrust == pytest.approx(rows[1, 4])


def test_the_ideal_speed_is_the_rocket_equation_s():
    first = 230.0 * G0_M_S2 * math.log(6_397.0 / (6_397.0 - 3_699.0))
    second = 250.0 * G0_M_S2 * math.log(1_500.0 / 700.0)
    assert MISSILE.ideal_speed_m_s == pytest.approx(first + second, rel=1e-12)


def test_packing_nothing_is_refused():
    with pytest.raises(InputError, match="at least one missile"):
        pack([])


def test_a_packed_missile_says_what_the_missile_is():
    packed = pack([MISSILE, Missile("two", 1_000.0, (STAGE,), MACH, CD)])
    first, second = packed.stages[0, 0], packed.stages[0, 1]
    propellant = 4_897.0 - 1_198.0
    assert packed.stage_count.tolist() == [2, 1]
    assert first.tolist() == pytest.approx(
        [0.0, 75.0, 6_397.0, propellant / 75.0, 230.0 * G0_M_S2 * propellant / 75.0, 0.0, math.pi * 0.42**2]
    )
    assert second[:3].tolist() == [75.0, 115.0, 1_500.0]
    assert second[5] == pytest.approx(math.pi * 0.25**2)
    programme = [VERTICAL_RISE_S, PITCH_OVER_END_FRACTION * 115.0, 115.0, 75.0, 2_000.0, 0.0]
    assert packed.body[0].tolist() == [*programme, MISSILE.ideal_speed_m_s]
    assert packed.body[1, 4] == 0.0
    assert not packed.stages.flags.writeable


def test_the_drag_curve_passes_through_its_table_and_never_overshoots():
    packed = pack([MISSILE])
    for mach, cd in zip(MACH, CD, strict=True):
        assert kernels.drag_coefficient(mach, packed.cd[0]) == pytest.approx(cd, abs=1e-15)
    curve = np.array([kernels.drag_coefficient(mach, packed.cd[0]) for mach in np.linspace(0.0, 8.0, 2_001)])
    assert curve.min() >= 0.2 - 1e-12
    assert curve.max() <= 0.27 + 1e-12
    assert np.abs(np.diff(curve)).max() < 0.005
    assert curve[-1] == pytest.approx(0.2)


def test_one_drag_number_is_a_table_too():
    packed = pack([dataclasses.replace(MISSILE, cd_mach=(1.0,), cd=(0.3,))])
    assert [kernels.drag_coefficient(mach, packed.cd[0]) for mach in (0.0, 1.0, 7.0)] == pytest.approx([0.3] * 3)


def test_a_rest_between_stages_puts_off_what_follows():
    resting = dataclasses.replace(MISSILE, stages=(STAGE, dataclasses.replace(STAGE, coast_before_s=10.0)))
    packed = pack([resting])
    assert packed.stages[0, 1, :2].tolist() == [85.0, 160.0]
    assert resting.burn_s == packed.body[0, 2] == 160.0
    with pytest.raises(InputError, match="before the first"):
        dataclasses.replace(MISSILE, stages=(dataclasses.replace(STAGE, coast_before_s=10.0),))
    with pytest.raises(InputError, match="coast"):
        dataclasses.replace(STAGE, coast_before_s=math.nan)


def test_a_pitch_programme_of_the_missiles_own():
    turning = dataclasses.replace(MISSILE, vertical_rise_s=3.0, pitch_over_end_s=12.0, gravity_turn=True)
    assert pack([turning]).body[0, [0, 1, 5]].tolist() == [3.0, 12.0, 1.0]
    with pytest.raises(InputError, match="in the boost"):
        dataclasses.replace(MISSILE, pitch_over_end_s=1_000.0)


def test_equal_drag_curves_are_kept_once_and_say_the_same_as_the_pieces():
    other = Missile("other", 1_000.0, (STAGE,), (0.0, 1.0, 1.3), (0.2, 0.4, 0.3))
    packed = pack([MISSILE, dataclasses.replace(MISSILE, name="same"), other])
    assert packed.drag_table.tolist() == [0, 0, 1]
    assert len(packed.drag_tables) == 2
    for missile, table in ((0, 0), (2, 1)):
        for mach in (0.0, 0.5, 0.93, 1.0, 1.21, 2.0, 3.3, 7.0):
            past = np.maximum(mach - packed.drag_tables[table, 1:, 0], 0.0)
            square, cube = packed.drag_tables[table, 1:, 1:].T
            read = packed.drag_tables[table, 0, 1] + np.sum(past**2 * (square + cube * past))
            assert read == pytest.approx(kernels.drag_coefficient(mach, packed.cd[missile]), abs=1e-10)
