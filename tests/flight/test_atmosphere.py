"""The air against the standard's own printed values and against an independent implementation."""

import math
import warnings

import numpy as np
import pytest

from detente.flight import _kernels_air as kernels
from detente.flight.atmosphere import DRAG_CEILING_M, density_kg_m3, pressure_pa, sound_speed_m_s
from detente.records.errors import InputError

# U.S. Standard Atmosphere 1976, table I: geometric height m, density kg/m3, pressure Pa, speed of sound m/s.
PRINTED = [
    (0.0, 1.2250, 101_325.0, 340.29),
    (5_000.0, 7.3643e-1, 54_048.0, 320.55),
    (11_000.0, 3.6480e-1, 22_700.0, 295.15),
    (20_000.0, 8.8910e-2, 5_529.3, 295.07),
    (50_000.0, 1.0269e-3, 79.779, 329.80),
    (80_000.0, 1.8458e-5, 1.0524, 282.54),
]


@pytest.mark.parametrize(("height", "density", "pressure", "sound"), PRINTED)
def test_printed_values(height, density, pressure, sound):
    assert float(density_kg_m3(height)) == pytest.approx(density, rel=2e-4)
    assert float(pressure_pa(height)) == pytest.approx(pressure, rel=2e-4)
    assert float(sound_speed_m_s(height)) == pytest.approx(sound, rel=2e-4)


def test_against_an_independent_implementation():
    """``ussa1976`` integrates the upper air itself and drifts from the printed table there, by up to 7 % at 500 km."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ussa1976

        height = np.concatenate((np.arange(0.0, 86e3, 2_000.0), np.arange(90e3, 1_000.1e3, 35e3)))
        other = ussa1976.compute(z=height, variables=["rho", "p", "cs"])
    density = np.abs(density_kg_m3(height) / other["rho"].to_numpy() - 1.0)
    pressure = np.abs(pressure_pa(height) / other["p"].to_numpy() - 1.0)
    low = height < 86e3
    assert density[low].max() < 3e-4
    assert pressure[low].max() < 3e-4
    assert np.abs(sound_speed_m_s(height[low]) / other["cs"].to_numpy()[low] - 1.0).max() < 3e-4
    assert density[height <= 120e3].max() < 0.02
    assert density[height <= 200e3].max() < 0.04
    assert density.max() < 0.15
    assert pressure.max() < 0.15


def test_the_kernel_reads_the_same_air_below_the_ceiling():
    height = np.linspace(0.0, DRAG_CEILING_M - 1.0, 997)
    read = np.array([kernels.air(h) for h in height])
    low = height < kernels.FORMULA_TOP_M
    assert np.abs(read[:, 0] / density_kg_m3(height) - 1.0).max() < 1e-5
    assert np.abs(read[low, 1] / pressure_pa(height[low]) - 1.0).max() < 1e-5
    assert np.abs(read[:, 2] / sound_speed_m_s(height) - 1.0).max() < 1e-5
    # Where the gas is no longer the ground's, pressure is told from density all the same: what there is of it.
    assert np.abs(read[~low, 1] - pressure_pa(height[~low])).max() < 0.05
    table = np.array([kernels.air_density(h) for h in height])
    assert np.abs(table / read[:, 0] - 1.0).max() < 4e-3


def test_many_lanes_read_the_same_air():
    """The sum over layers and bends is the piece that holds."""
    low, thickness, *powers, gradient = kernels.AIR_LAYERS.T
    start, *upper = kernels.UPPER_BENDS.T
    middle, *per_sound = kernels.PER_SOUND
    for height in (-50.0, 0.0, 5_000.0, 11_019.0, 30_000.0, 48_000.0, 60_000.0, 86_000.0, 112_000.0, 149_999.0):
        within = min(max(height, 0.0), kernels.FORMULA_TOP_M)
        d = np.clip(kernels.EARTH_RADIUS_M * within / (kernels.EARTH_RADIUS_M + within) - low, 0.0, thickness)
        over = np.maximum(height - start, 0.0)
        gained = sum((c * d ** (i + 1)).sum() for i, c in enumerate(powers))
        gained += sum((c * over ** (i + 1)).sum() for i, c in enumerate(upper))
        density, _, sound = kernels.air(height)
        # The standard's formula and its table do not quite meet at 86 km; the sum cannot jump.
        near = 5e-6 if height < kernels.FORMULA_TOP_M else 4e-5
        assert kernels.AIR_PIECES[0, 1] + gained == pytest.approx(np.log(density), abs=near)
        warmth = 288.15 + (gradient * d).sum()
        assert 1.0 / np.polyval(per_sound[::-1], warmth - middle) == pytest.approx(sound, rel=2e-6)


def test_the_table_has_no_kinks():
    """Value and slope meet at every cell's edge, for density and sound."""
    cells = kernels.AIR.reshape(-1, 2, 4)
    ends = cells.sum(axis=2)
    slopes = cells[:, :, 1] + 2.0 * cells[:, :, 2] + 3.0 * cells[:, :, 3]
    assert np.allclose(ends[:-1], cells[1:, :, 0], rtol=1e-12, atol=1e-12)
    assert np.allclose(slopes[:-1], cells[1:, :, 1], rtol=1e-9, atol=1e-11)


def test_below_the_ground_the_kernel_keeps_to_sea_level():
    assert kernels.air_density(-100.0) == pytest.approx(1.225, rel=1e-6)


@pytest.mark.parametrize("height", [-1.0, 1.1e6, math.nan])
def test_heights_outside_the_standard_are_refused(height):
    with pytest.raises(InputError, match="0 to 1,000 km"):
        density_kg_m3(height)
