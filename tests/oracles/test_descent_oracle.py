"""Two thousand of the hundred thousand descents against scipy's DOP853, which flies some hundreds as one system.

The right-hand side, the air and the clock are written out here once more and share nothing with the kernels but the
Earth's constants and the printed table of the upper air. Each body's clock runs from 0 to 1 over the time that the
kernels say it takes; where scipy's body then is, a straight line takes it to the ellipsoid. With a fifth of the
tolerance no answer of scipy's moves by more than 1.5 m.
"""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicHermiteSpline
from tests.oracles.made_descents import envelope

from detente.flight._kernels_air import UPPER_AIR
from detente.flight.descent import descend
from detente.geodesy.constants import A_M, B_M, J2, MU_M3_S2, OMEGA_RAD_S

AIR_TOP_M, FORMULA_TOP_M = 150_000.0, 86_000.0
PARTS = 8  # so that several workers share them; by flight time, so that a part's bodies meet the air at about one time
GAS, GRAVITY = 287.05287, 9.80665
BASE_M = np.array((0.0, 11e3, 20e3, 32e3, 47e3, 51e3, 71e3))
GRADIENT = np.array((-6.5e-3, 0.0, 1e-3, 2.8e-3, 0.0, -2.8e-3, -2e-3))
# U.S. Standard Atmosphere 1976, table of the defining layers: temperature (K) and pressure (Pa) at each one's foot.
TEMPERATURE = np.array((288.15, 216.65, 216.65, 228.65, 270.65, 270.65, 214.65))
PRESSURE = np.array((101_325.0, 22_632.06, 5_474.889, 868.0187, 110.9063, 66.93887, 3.956420))
UPPER_M, UPPER_LOG = UPPER_AIR[:, 0] * 1e3, np.log(UPPER_AIR[:, 1])
UPPER = CubicHermiteSpline(UPPER_M, UPPER_LOG, np.gradient(UPPER_LOG, UPPER_M, edge_order=2))


def density(height):
    """kg/m3 at heights (n,): the standard's layers to 86 km, its printed table to 150 km, nothing above."""
    geopotential = np.maximum(6_356_766.0 * height / (6_356_766.0 + height), 0.0)
    layer = np.searchsorted(BASE_M, geopotential, side="right") - 1
    foot, gradient, rise = TEMPERATURE[layer], GRADIENT[layer], geopotential - BASE_M[layer]
    temperature = np.maximum(foot + gradient * rise, 100.0)
    steep = np.where(gradient == 0.0, 1.0, gradient)
    fallen = np.where(gradient == 0.0, rise / foot, np.log(temperature / foot) / steep)
    found = PRESSURE[layer] * np.exp(-GRAVITY / GAS * fallen) / (GAS * temperature)
    high = (height > FORMULA_TOP_M) & (height < AIR_TOP_M)
    found[high] = np.exp(UPPER(height[high]))
    found[height >= AIR_TOP_M] = 0.0
    return found


def height_of(x, y, z):
    """Above the ellipsoid, along the radius: within 1 m of the geodetic one as high as there is air."""
    return np.sqrt(x * x + y * y + z * z) * (1.0 - 1.0 / np.sqrt((x * x + y * y) / A_M**2 + z * z / B_M**2))


def rates(state, beta):
    """In the frame that does not turn; ``state`` (6, n)."""
    x, y, z, u, v, w = state
    r2 = x * x + y * y + z * z
    pull = MU_M3_S2 / (r2 * np.sqrt(r2))
    bulge, ratio = 1.5 * J2 * A_M**2 / r2, 5.0 * z * z / r2
    level = pull * (bulge * (ratio - 1.0) - 1.0)
    out = np.stack((u, v, w, level * x, level * y, pull * (bulge * (ratio - 3.0) - 1.0) * z))
    height = height_of(x, y, z)
    if height.min() < AIR_TOP_M:
        wind = np.stack((u + OMEGA_RAD_S * y, v - OMEGA_RAD_S * x, w))
        out[3:] -= 0.5 * density(height) / beta * np.sqrt((wind**2).sum(axis=0)) * wind
    return out


def flown(states, beta, times):
    """Where each body comes to the ellipsoid by scipy, (n, 3) ECEF, and how much later than its ``times``, (n,)."""
    count = len(states)
    start = states.T.copy()
    start[3] -= OMEGA_RAD_S * start[1]
    start[4] += OMEGA_RAD_S * start[0]
    tolerance = np.repeat((5e-5, 5e-7), 3 * count)  # scipy averages over the system: one body may be off by far more
    solved = solve_ivp(
        lambda _, flat: (times * rates(flat.reshape(6, count), beta)).ravel(), (0.0, 1.0), start.ravel(), "DOP853",
        rtol=5e-11, atol=tolerance, max_step=12.0 / times.max(), t_eval=(1.0,),
    )  # fmt: skip
    x, y, z, u, v, w = solved.y[:, -1].reshape(6, count)
    c, s = np.cos(OMEGA_RAD_S * times), np.sin(OMEGA_RAD_S * times)
    u, v = u + OMEGA_RAD_S * y, v - OMEGA_RAD_S * x
    place, speed = np.stack((c * x + s * y, c * y - s * x, z)), np.stack((c * u + s * v, c * v - s * u, w))
    sinking = (height_of(*place) - height_of(*(place + 1e-3 * speed))) / 1e-3
    late = height_of(*place) / sinking
    return (place + late * speed).T, late


def the_sample():
    """Every 49th of the hundred thousand of ``test_flight_blocks``: states and ballistic coefficients."""
    rows, beta = envelope(np.random.default_rng(20), 100_000)
    return rows[::49], beta[::49]


@pytest.mark.parametrize("part", range(PARTS))
def test_two_thousand_descents_end_where_scipys_do(part):
    rows, beta = the_sample()
    down = descend(rows[:, :3], rows[:, 3:], beta)
    landed = np.flatnonzero(down.flag == 0)
    assert len(landed) >= 2_000
    assert len(landed) >= 0.999 * len(rows)
    some = np.array_split(landed[np.argsort(down.time_s[landed])], PARTS)[part]
    places, late = flown(rows[some], beta[some], down.time_s[some])
    off = np.linalg.norm(places - down.position_ecef_m[some], axis=1)
    assert np.max(np.abs(late) * np.linalg.norm(down.velocity_ecef_m_s[some], axis=1)) < 10.0
    assert np.median(off) < 0.5
    assert np.percentile(off, 99.0) < 4.0
    assert off.max() < 10.0
    assert np.mean(off > np.maximum(down.estimated_error_m[some], 1.0)) < 0.02


def test_the_twins_air_is_the_standards():
    """Heights and densities as printed: NASA-TM-X-74335, part 4, table I (geometric height)."""
    printed = {0.0: 1.2250, 5e3: 7.3643e-1, 20e3: 8.8910e-2, 50e3: 1.0269e-3, 80e3: 1.8458e-5, 120e3: 2.222e-8}
    found = density(np.array(list(printed)))
    assert found == pytest.approx(list(printed.values()), rel=2e-4)
    assert density(np.array((150e3, 1_000e3))).tolist() == [0.0, 0.0]
