"""The U.S. Standard Atmosphere 1976, as a table smooth enough to integrate through, and the kernel that reads it.

To 86 km the standard is a formula (layers of constant temperature gradient in geopotential height); above, it is the
table the standard prints. Source: U.S. Standard Atmosphere, 1976, NASA-TM-X-74335, parts 1 and 4.

Kernels that step to where the standard bends read it in pieces that bend there too (``air``; as a sum over layers,
for lanes). Those that step across read a cubic in each 500 m cell, continuous with its first derivative
(``air_density``): kinks would limit the order of their integrators.
"""

import itertools
import math

import numpy as np

from detente.jit import kernel

EARTH_RADIUS_M = 6_356_766.0  # the standard's own, for geopotential height
GRAVITY_M_S2 = 9.80665
GAS_CONSTANT_J_KG_K = 287.05287
HEAT_RATIO = 1.4
FORMULA_TOP_M = 86_000.0
LAYER_BASE_M = (0.0, 11_000.0, 20_000.0, 32_000.0, 47_000.0, 51_000.0, 71_000.0)
LAYER_GRADIENT_K_M = (-6.5e-3, 0.0, 1.0e-3, 2.8e-3, 0.0, -2.8e-3, -2.0e-3)
# Height in km, density in kg/m3, pressure in Pa, as printed in the standard.
UPPER_AIR = np.array(
    [
        (86.0, 6.958e-6, 3.7338e-1),
        (90.0, 3.416e-6, 1.8359e-1),
        (95.0, 1.393e-6, 7.5966e-2),
        (100.0, 5.604e-7, 3.2011e-2),
        (105.0, 2.325e-7, 1.4477e-2),
        (110.0, 9.708e-8, 7.1042e-3),
        (115.0, 4.289e-8, 4.0096e-3),
        (120.0, 2.222e-8, 2.5382e-3),
        (130.0, 8.152e-9, 1.2505e-3),
        (140.0, 3.831e-9, 7.2028e-4),
        (150.0, 2.076e-9, 4.5422e-4),
        (160.0, 1.233e-9, 3.0395e-4),
        (180.0, 5.194e-10, 1.5271e-4),
        (200.0, 2.541e-10, 8.4736e-5),
        (250.0, 6.073e-11, 2.4767e-5),
        (300.0, 1.916e-11, 8.7704e-6),
        (350.0, 7.014e-12, 3.4498e-6),
        (400.0, 2.803e-12, 1.4518e-6),
        (450.0, 1.184e-12, 6.4468e-7),
        (500.0, 5.215e-13, 3.0236e-7),
        (600.0, 1.137e-13, 8.2130e-8),
        (700.0, 3.070e-14, 3.1908e-8),
        (800.0, 1.136e-14, 1.7036e-8),
        (900.0, 5.759e-15, 1.0873e-8),
        (1000.0, 3.561e-15, 7.5138e-9),
    ]
)
DRAG_CEILING_M = 150_000.0  # above it the kernels fly in a vacuum
CELL_M = 500.0
PARTS_OF_LAYERS = 3, 1, 1, 2, 1, 3, 2  # cubics to each layer of the formula
DEGREES_OF_LAYERS = 5, 1, 5, 5, 1, 5, 5  # of one polynomial to each
NEVER_M = 1e9  # where a row begins that is not used


def _layer_bases() -> list[tuple[float, float]]:
    """Temperature in K and pressure in Pa at the foot of each layer."""
    bases = [(288.15, 101_325.0)]
    for layer in range(6):
        temperature, pressure = _in_layer(layer, LAYER_BASE_M[layer + 1], bases[layer])
        bases.append((temperature, pressure))
    return bases


def _in_layer(layer: int, geopotential_m: float, base: tuple[float, float]) -> tuple[float, float]:
    temperature_base, pressure_base = base
    gradient, rise = LAYER_GRADIENT_K_M[layer], geopotential_m - LAYER_BASE_M[layer]
    temperature = temperature_base + gradient * rise
    if gradient == 0.0:
        return temperature, pressure_base * math.exp(-GRAVITY_M_S2 * rise / (GAS_CONSTANT_J_KG_K * temperature_base))
    power = GRAVITY_M_S2 / (GAS_CONSTANT_J_KG_K * gradient)
    return temperature, pressure_base * (temperature_base / temperature) ** power


_BASES = _layer_bases()


def _lower_air(height_m: float) -> tuple[float, float, float]:
    geopotential = EARTH_RADIUS_M * height_m / (EARTH_RADIUS_M + height_m)
    layer = max(i for i in range(7) if geopotential >= LAYER_BASE_M[i] or i == 0)
    temperature, pressure = _in_layer(layer, geopotential, _BASES[layer])
    sound = math.sqrt(HEAT_RATIO * GAS_CONSTANT_J_KG_K * temperature)
    return math.log(pressure / (GAS_CONSTANT_J_KG_K * temperature)), math.log(pressure), sound


_UPPER_HEIGHT_M = UPPER_AIR[:, 0] * 1000.0
_UPPER_LOG = np.log(UPPER_AIR[:, 1:])
_UPPER_SLOPE = np.gradient(_UPPER_LOG, _UPPER_HEIGHT_M, axis=0, edge_order=2)
_SOUND_AT_TOP_M_S = _lower_air(FORMULA_TOP_M)[2]


def _upper_air(height_m: float) -> tuple[float, float, float]:
    i = int(np.clip(np.searchsorted(_UPPER_HEIGHT_M, height_m, side="right") - 1, 0, len(_UPPER_HEIGHT_M) - 2))
    width = _UPPER_HEIGHT_M[i + 1] - _UPPER_HEIGHT_M[i]
    s = (height_m - _UPPER_HEIGHT_M[i]) / width
    low, high = _UPPER_LOG[i], _UPPER_LOG[i + 1]
    logs = (
        low * (1 - s) ** 2 * (1 + 2 * s)
        + high * s**2 * (3 - 2 * s)
        + width * s * (1 - s) * (_UPPER_SLOPE[i] * (1 - s) - _UPPER_SLOPE[i + 1] * s)
    )
    return float(logs[0]), float(logs[1]), _SOUND_AT_TOP_M_S


def standard_air(height_m: float) -> tuple[float, float, float]:
    """Logarithm of density (kg/m3), logarithm of pressure (Pa) and speed of sound (m/s) at a height of 0-1000 km.

    The standard gives no speed of sound above 86 km; the value there is kept, and only a drag table's Mach number
    sees it.
    """
    return _lower_air(height_m) if height_m <= FORMULA_TOP_M else _upper_air(height_m)


def _cells() -> np.ndarray:
    """Cubic coefficients (cells, 8) in s = 0..1 across each cell: four for log density, four for the speed of sound."""
    count = round(DRAG_CEILING_M / CELL_M)
    heights = np.arange(count + 1) * CELL_M
    reach = 1.0
    values, above, below = (
        np.array([standard_air(max(h + off, 0.0)) for h in heights])[:, (0, 2)] for off in (0.0, reach, -reach)
    )
    slopes = CELL_M * (above - below) / np.where(heights > 0.0, 2.0 * reach, reach)[:, None]
    low, high, left, right = values[:-1], values[1:], slopes[:-1], slopes[1:]
    cubic = np.stack((low, left, 3 * (high - low) - 2 * left - right, 2 * (low - high) + left + right), axis=-1)
    return np.ascontiguousarray(cubic.reshape(count, 8))


def _pieces() -> np.ndarray:
    """From each of ``_piece_ends`` to the next (k, 8): where it starts; logarithm of density, a cubic; speed of sound,
    a parabola.

    Through the standard at both ends and evenly spaced angles of a half circle between them: within 4e-6 of density and
    of sound, and bent where the standard bends.
    """
    rows = []
    for low, high in itertools.pairwise(_piece_ends()):
        row = [low]
        for column, terms in ((0, 4), (2, 3)):
            share = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, terms))
            inside = np.clip(low + (high - low) * share, low + 1e-6, high - 1e-6)
            values = np.array([standard_air(height)[column] for height in inside])
            row += list(np.linalg.solve(np.vander(share, increasing=True), values) / (high - low) ** np.arange(terms))
        rows.append(row)
    return np.array(rows)


def _piece_ends() -> list[float]:
    edges = [EARTH_RADIUS_M * base / (EARTH_RADIUS_M - base) for base in LAYER_BASE_M] + [FORMULA_TOP_M]
    ends = []
    for low, high, parts in zip(edges[:-1], edges[1:], PARTS_OF_LAYERS, strict=True):
        ends += list(np.linspace(low, high, parts, endpoint=False))
    return ends + list(_UPPER_HEIGHT_M[_UPPER_HEIGHT_M <= DRAG_CEILING_M])


def _layers() -> np.ndarray:
    """The formula's layers, for many heights at once and without a branch (7, 8).

    Of each: geopotential height of its base, and its thickness; what the logarithm of density gains over the layer, as
    powers 1 to 5 of the height above its base; the temperature's gradient. With d the part of a height that lies in a
    layer, log density and temperature are their values at the ground plus the sum of that over all layers: density
    within 2e-6.
    """
    tops = (*LAYER_BASE_M[1:], EARTH_RADIUS_M * FORMULA_TOP_M / (EARTH_RADIUS_M + FORMULA_TOP_M))
    rows = np.zeros((7, 8))
    for row, low, high, gradient, degree in zip(
        rows, LAYER_BASE_M, tops, LAYER_GRADIENT_K_M, DEGREES_OF_LAYERS, strict=True
    ):
        share = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, degree + 1))
        inside = np.clip(low + (high - low) * share, low + 1e-6, high - 1e-6)
        values = np.array([_lower_air(EARTH_RADIUS_M * at / (EARTH_RADIUS_M - at))[0] for at in inside])
        powers = np.linalg.solve(np.vander(share, increasing=True), values) / (high - low) ** np.arange(degree + 1)
        row[0], row[1], row[7] = low, high - low, gradient
        row[2 : 2 + degree] = powers[1:]
    return rows


def _upper_bends(pieces: np.ndarray) -> np.ndarray:
    """The logarithm of density above the formula's top, by the same kind of sum (k, 4), k even.

    With d = max(height - start, 0): what is gained over the top is the sum over rows of d (a + d (b + d c)), where each
    piece's coefficients are what they are more than those of the piece below, carried on to where it starts.
    """
    upper = pieces[pieces[:, 0] >= FORMULA_TOP_M]
    rows = np.zeros((2 * ((len(upper) + 1) // 2), 4))
    rows[:, 0] = NEVER_M
    rows[0] = upper[0, [0, 2, 3, 4]]
    for i in range(1, len(upper)):
        _, _, a, b, c = upper[i - 1, :5]
        width = upper[i, 0] - upper[i - 1, 0]
        carried = a + width * (2.0 * b + 3.0 * width * c), b + 3.0 * width * c, c
        rows[i, 0], rows[i, 1:] = upper[i, 0], upper[i, 2:5] - carried
    return rows


def _per_sound() -> np.ndarray:
    """One over the speed of sound, as powers of how far the temperature is from ``MIDDLE_K``: within 1e-7."""
    coldest = _in_layer(6, EARTH_RADIUS_M * FORMULA_TOP_M / (EARTH_RADIUS_M + FORMULA_TOP_M), _BASES[6])[0]
    off = np.polynomial.chebyshev.chebpts1(64) * 0.5 * (_BASES[0][0] - coldest)
    middle = 0.5 * (_BASES[0][0] + coldest)
    values = 1.0 / np.sqrt(HEAT_RATIO * GAS_CONSTANT_J_KG_K * (middle + off))
    fitted = np.polynomial.Chebyshev.fit(off, values, 6).convert(kind=np.polynomial.Polynomial)
    return np.array((middle, *fitted.coef))


AIR_PIECES = _pieces()
AIR_LAYERS, UPPER_BENDS, PER_SOUND = _layers(), _upper_bends(AIR_PIECES), _per_sound()
AIR = _cells()
TOP_CELL = float(len(AIR)) - 1e-9


@kernel
def air(height_m):
    """Density, pressure and speed of sound below the drag ceiling; heights outside are brought to the nearest end.

    The pressure is that of air of the ground's composition, which above 86 km (0.4 Pa) is not quite what there is.
    """
    height = min(max(height_m, 0.0), DRAG_CEILING_M)
    i = 0
    while i + 1 < AIR_PIECES.shape[0] and height >= AIR_PIECES[i + 1, 0]:
        i += 1
    d = height - AIR_PIECES[i, 0]
    density = math.exp(AIR_PIECES[i, 1] + d * (AIR_PIECES[i, 2] + d * (AIR_PIECES[i, 3] + d * AIR_PIECES[i, 4])))
    sound = AIR_PIECES[i, 5] + d * (AIR_PIECES[i, 6] + d * AIR_PIECES[i, 7])
    return density, density * sound * sound * (1.0 / HEAT_RATIO), sound


@kernel
def air_density(height_m):
    """Density alone, for a body whose ballistic coefficient is given."""
    place = min(max(height_m * (1.0 / CELL_M), 0.0), TOP_CELL)
    i = int(place)
    s = place - i
    return math.exp(AIR[i, 0] + s * (AIR[i, 1] + s * (AIR[i, 2] + s * AIR[i, 3])))
