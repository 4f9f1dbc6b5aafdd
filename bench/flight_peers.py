"""The peers' side of ``flight.py``: the same physics written for scipy and for heyoka."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from detente.flight._kernels_air import DRAG_CEILING_M, standard_air
from detente.geodesy._kernels import geodetic_to_ecef
from detente.geodesy.constants import A_M, B_M, J2, MU_M3_S2, OMEGA_RAD_S

LANES = 8
BULGE = 1.5 * J2 * MU_M3_S2 * A_M**2
SEA_LEVEL_KG_M3, SCALE_HEIGHT_M = 1.225, 7_200.0
COAST_TOLERANCE, FALL_TOLERANCE, FALL_STEP_S = 1e-7, 1e-6, 8.0
LONGEST_S = 7_000.0


def burnouts(rng: np.random.Generator, count: int, height_m: float, speed_m_s: float, climb_deg: float) -> np.ndarray:
    """ECEF states scattered about a burn-out, mid-latitudes, all azimuths: (count, 6)."""
    latitude, longitude = np.radians(40.0 + rng.uniform(-10.0, 10.0, count)), rng.uniform(-math.pi, math.pi, count)
    height, azimuth = height_m * (1.0 + 0.05 * rng.normal(size=count)), rng.uniform(-math.pi, math.pi, count)
    speed = speed_m_s * (1.0 + 0.005 * rng.normal(size=count))
    climb = np.radians(climb_deg + np.clip(rng.normal(size=count), -2.0, 2.0))
    east = np.stack((-np.sin(longitude), np.cos(longitude), 0.0 * longitude), axis=1)
    up = np.stack(
        (np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)), axis=1
    )
    ahead = np.sin(azimuth)[:, None] * east + np.cos(azimuth)[:, None] * np.cross(up, east)
    position = np.array([geodetic_to_ecef(*place) for place in zip(latitude, longitude, height, strict=True)])
    return np.hstack((position, speed[:, None] * (np.sin(climb)[:, None] * up + np.cos(climb)[:, None] * ahead)))


def inertial(states: np.ndarray) -> np.ndarray:
    """The same states in the frame that does not turn, at time 0."""
    moved = np.array(states, dtype=float)
    moved[..., 3] -= OMEGA_RAD_S * states[..., 1]
    moved[..., 4] += OMEGA_RAD_S * states[..., 0]
    return moved


def to_earth(time_s: Any, position: np.ndarray) -> np.ndarray:
    """Positions of the frame that does not turn as the Earth has them at a time."""
    c, s = np.cos(OMEGA_RAD_S * np.asarray(time_s)), np.sin(OMEGA_RAD_S * np.asarray(time_s))
    x, y, z = position[..., 0], position[..., 1], position[..., 2]
    return np.stack((c * x + s * y, c * y - s * x, z), axis=-1)


def _pull(x: float, y: float, z: float) -> tuple[float, float, float]:
    r2 = x * x + y * y + z * z
    r = math.sqrt(r2)
    central, bulge, q = -MU_M3_S2 / (r2 * r), BULGE / (r2 * r2 * r), 5.0 * z * z / r2
    return (central + bulge * (q - 1)) * x, (central + bulge * (q - 1)) * y, (central + bulge * (q - 3)) * z


def _over_ellipsoid(x: float, y: float, z: float) -> float:
    """``radial_height``: along the line to the Earth's centre."""
    return math.sqrt(x * x + y * y + z * z) * (1.0 - 1.0 / math.sqrt((x * x + y * y) / A_M**2 + z * z / B_M**2))


def scipy_coast(state: np.ndarray, rtol: float = 1e-12, atol: float = 1e-6) -> tuple[float, np.ndarray]:
    """Time and place of landing in a vacuum."""

    def ground(_: float, s: np.ndarray) -> float:
        return _over_ellipsoid(*s[:3])

    ground.terminal, ground.direction = True, -1.0  # type: ignore[attr-defined]
    flown = solve_ivp(
        lambda _, s: (*s[3:], *_pull(*s[:3])), (0.0, LONGEST_S), inertial(state), "DOP853", events=ground, rtol=rtol,
        atol=atol,
    )  # fmt: skip
    return flown.t_events[0][0], to_earth(flown.t_events[0][0], flown.y_events[0][0][:3])


def scipy_descent(state: np.ndarray, beta: float, exponential: bool = False) -> tuple[float, np.ndarray]:
    """Time and place of landing with drag below 150 km, the steps kept short enough not to jump over the air."""

    def rates(_: float, s: np.ndarray) -> tuple[float, ...]:
        ax, ay, az = _pull(*s[:3])
        u, v, w = s[3] + OMEGA_RAD_S * s[1], s[4] - OMEGA_RAD_S * s[0], s[5]
        height = _over_ellipsoid(*s[:3])
        if height < DRAG_CEILING_M:
            density = SEA_LEVEL_KG_M3 * math.exp(-height / SCALE_HEIGHT_M)
            if not exponential:
                density = math.exp(standard_air(max(height, 0.0))[0])
            drag = 0.5 * density / beta * math.sqrt(u * u + v * v + w * w)
            ax, ay, az = ax - drag * u, ay - drag * v, az - drag * w
        return (*s[3:], ax, ay, az)

    def ground(_: float, s: np.ndarray) -> float:
        return _over_ellipsoid(*s[:3])

    ground.terminal, ground.direction = True, -1.0  # type: ignore[attr-defined]
    flown = solve_ivp(
        rates, (0.0, LONGEST_S), inertial(state), "DOP853", events=ground, rtol=1e-9, atol=1e-4, max_step=8.0
    )
    return flown.t_events[0][0], to_earth(flown.t_events[0][0], flown.y_events[0][0][:3])


class _Freeze:
    """Notes when and where a lane met its event, and stops it; as heyoka's batch mode asks for."""

    def __init__(self, lanes: int) -> None:
        self.time_s = np.zeros(lanes)

    def __call__(self, integrator: Any, _sign: int, lane: int) -> bool:
        self.time_s[lane] = integrator.time[lane]
        integrator.pars[0, lane] = 0.0
        # Going on is pointless once every lane has stopped.
        return bool(integrator.pars[0].any())

    def __copy__(self) -> "_Freeze":
        return self

    def __deepcopy__(self, _: Any) -> "_Freeze":
        return self


def _system(drag: bool) -> tuple[list[Any], Any, Any]:
    """Equations of motion, height above the ellipsoid's own measure, and height along the radius."""
    import heyoka as hy

    x, y, z, u, v, w = hy.make_vars("x", "y", "z", "u", "v", "w")
    r2 = x * x + y * y + z * z
    central, bulge, q = -MU_M3_S2 * r2**-1.5, BULGE * r2**-2.5, 5.0 * z * z / r2
    ax, ay, az = (central + bulge * (q - 1.0)) * x, (central + bulge * (q - 1.0)) * y, (central + bulge * (q - 3.0)) * z
    height = hy.sqrt(r2) * (1.0 - ((x * x + y * y) / A_M**2 + z * z / B_M**2) ** -0.5)
    if drag:
        s, t = u + OMEGA_RAD_S * y, v - OMEGA_RAD_S * x
        k = -0.5 * SEA_LEVEL_KG_M3 * hy.exp(-height / SCALE_HEIGHT_M) * hy.par[1] * hy.sqrt(s * s + t * t + w * w)
        ax, ay, az = ax + k * s, ay + k * t, az + k * w
    running = hy.par[0]
    rates = [running * rate for rate in (u, v, w, ax, ay, az)]
    return list(zip((x, y, z, u, v, w), rates, strict=True)), (x * x + y * y) / A_M**2 + z * z / B_M**2 - 1.0, height


def _integrator(system: list[Any], event: Any, freeze: _Freeze, tolerance: float, pars: int) -> Any:
    import heyoka as hy

    falling = hy.t_event_batch(event, direction=hy.event_direction.negative, callback=freeze)
    return hy.taylor_adaptive_batch(
        system, np.ones((6, LANES)), pars=np.ones((pars, LANES)), t_events=[falling], compact_mode=False, tol=tolerance
    )


def _blocks(states: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(states[: len(states) // LANES * LANES].reshape(-1, LANES, 6).transpose(0, 2, 1))


def heyoka_coast(states: np.ndarray, time_s: np.ndarray, event: bool) -> tuple[Callable[[], None], Callable[[], Any]]:
    """A call that flies all states in a vacuum, and one that gives where they came down."""
    import heyoka as hy

    system, ground, _ = _system(drag=False)
    freeze, blocks = _Freeze(LANES), _blocks(inertial(states))
    times, ends = np.zeros((len(blocks), LANES)), np.zeros_like(blocks)
    if event:
        flier = _integrator(system, ground, freeze, COAST_TOLERANCE, 1)
    else:
        plain = [(variable, rate) for variable, rate in system]
        flier = hy.taylor_adaptive_batch(plain, np.ones((6, LANES)), pars=np.ones((1, LANES)), tol=COAST_TOLERANCE)
    until = [list(row) for row in time_s[: blocks.shape[0] * LANES].reshape(-1, LANES)]

    def call() -> None:
        for b in range(len(blocks)):
            if event:
                flier.reset_cooldowns()
            flier.set_time(0.0)
            flier.state[:], flier.pars[:] = blocks[b], 1.0
            flier.propagate_until(LONGEST_S if event else until[b])
            times[b], ends[b] = (freeze.time_s if event else until[b]), flier.state

    def places() -> np.ndarray:
        return to_earth(times.ravel(), ends.transpose(0, 2, 1).reshape(-1, 6)[:, :3])

    return call, places


def heyoka_descent(states: np.ndarray, beta: np.ndarray) -> tuple[Callable[[], None], Callable[[], Any]]:
    """The same with drag: a vacuum to 150 km, an event there, then exponential air with capped steps to the ground."""
    system, _, height = _system(drag=False)
    in_air, ground, _ = _system(drag=True)
    entry, landing = _Freeze(LANES), _Freeze(LANES)
    above = _integrator(system, height - DRAG_CEILING_M, entry, COAST_TOLERANCE, 1)
    below = _integrator(in_air, ground, landing, FALL_TOLERANCE, 2)
    blocks = _blocks(inertial(states))
    inverse = (1.0 / beta[: len(blocks) * LANES]).reshape(-1, LANES)
    times, ends = np.zeros((len(blocks), LANES)), np.zeros_like(blocks)

    def call() -> None:
        for b in range(len(blocks)):
            above.reset_cooldowns()
            above.set_time(0.0)
            above.state[:], above.pars[:] = blocks[b], 1.0
            above.propagate_until(LONGEST_S)
            below.reset_cooldowns()
            below.set_time(0.0)
            # Time goes on from each lane's own entry; the air turns with the Earth, so only its sum is needed.
            below.state[:], below.pars[0], below.pars[1] = above.state, 1.0, inverse[b]
            below.propagate_until(LONGEST_S, max_delta_t=FALL_STEP_S)
            times[b], ends[b] = entry.time_s + landing.time_s, below.state

    def places() -> np.ndarray:
        return to_earth(times.ravel(), ends.transpose(0, 2, 1).reshape(-1, 6)[:, :3])

    return call, places
