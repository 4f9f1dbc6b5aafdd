"""Flights at speed: this package beside heyoka and scipy, the same work on one core, CPU time and worst error.

    python bench/flight.py [--quick] [--json]

Every time is the median of repeats; every ratio is of two times of this run; every error is against scipy's DOP853 at a
tight tolerance on a sample, and for whole boosted flights against the package's own adaptive integrator, which the
tests hold to scipy.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import flight_peers as peers

from detente.flight.aiming import launch_plans, solve_launch
from detente.flight.descent import descend
from detente.flight.trajectory import fly_out
from detente.flight.vehicle import Missile, PackedMissiles, Stage, pack
from detente.geodesy._kernels_geodesic import geodesic_direct
from detente.geodesy.ellipsoid import geodetic_to_ecef

MACH, CD = (0.0, 0.85, 1.0, 1.2, 2.0, 4.5), (0.2, 0.2, 0.27, 0.27, 0.2, 0.2)
ONE_STAGE = Missile("one stage", 1_000.0, (Stage(4_897.0, 1_198.0, 230.0, 75.0, 0.84),), MACH, CD)
THREE_STAGES = Missile(
    "three stages",
    1_000.0,
    (
        Stage(50_000.0, 5_000.0, 250.0, 60.0, 2.0),
        Stage(20_000.0, 2_500.0, 280.0, 70.0, 1.6),
        Stage(7_000.0, 900.0, 290.0, 70.0, 1.3),
    ),
    MACH,
    CD,
    8_000.0,
)
FIRST_CALL = """
import time; a = time.process_time(); import numpy as np
from detente.flight.{module} import {door}
from detente.flight.vehicle import Missile, Stage, pack
b = time.process_time()
{call}
print(b - a, time.process_time() - b)
"""
DESCEND_CALL = "descend(np.tile([6.6e6, 0.0, 0.0], (64, 1)), np.tile([500.0, 4e3, 0.0], (64, 1)), {beta})"
FLY_CALL = (
    "p = pack([Missile('m', 1e3, (Stage(4897.0, 1198.0, 230.0, 75.0, 0.84),), (0.0, 1.0, 2.0), (0.2, 0.3, 0.2))]);"
    "fly_out(p, 0, 0.6, 0.8, 0.7, 0.75)"
)


LEAST_S = 0.5  # of CPU time spent on each number at least: the first milliseconds of a burst are slower


def cpu_s(call: Callable[[], Any], repeats: int) -> float:
    """Median CPU time of a call, after one to warm up."""
    call()
    times = []
    while len(times) < repeats or sum(times) < LEAST_S:
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return float(np.median(times))


def row(name: str, us: float, error_m: float | None, target_us: float | None = None, **more: Any) -> dict[str, Any]:
    """One line of the table."""
    met = None if target_us is None else bool(us <= target_us)
    return {"name": name, "us": us, "worst_error_m": error_m, "target_us": target_us, "met": met, **more}


def vacuum(count: int, repeats: int, sample: int) -> list[dict[str, Any]]:
    """10,000 km in a vacuum: burn-outs near 6.95 km/s and 24 degrees at 200 km, all azimuths."""
    states = peers.burnouts(np.random.default_rng(1), count, 200e3, 6_950.0, 24.0)
    down = descend(states[:, :3], states[:, 3:], 0.0)
    truth = [peers.scipy_coast(state) for state in states[:sample]]
    error_m = max(np.linalg.norm(down.position_ecef_m[i] - at) for i, (_, at) in enumerate(truth))
    ours = cpu_s(lambda: descend(states[:, :3], states[:, 3:], 0.0), repeats) / count * 1e6
    start = time.process_time()
    peers.scipy_coast(states[0], rtol=1e-9, atol=1e-3)
    scipy_us = (time.process_time() - start) * 1e6
    rows = [row("vacuum 10,000 km", ours, error_m, 0.2), row("  scipy DOP853, rtol 1e-9", scipy_us, None)]
    some = states[: min(count, 4096)]
    for event, least in ((True, 15.0), (False, 4.0)):
        call, places = peers.heyoka_coast(some, down.time_s[: len(some)], event)
        us = cpu_s(call, max(3, repeats // 3)) / len(some) * 1e6
        off = max(np.linalg.norm(places()[i] - at) for i, (_, at) in enumerate(truth))
        name = "  heyoka batch 8, event" if event else "  heyoka batch 8, no event, times given"
        rows.append(row(name, us, off, ratio=us / ours, least_ratio=least, met=bool(us / ours >= least)))
    return rows


def reentry(count: int, repeats: int, sample: int) -> list[dict[str, Any]]:
    """Burn-out to ground with drag: three lofts, ballistic coefficients from 500 to 10,000 kg/m2 (even logarithm)."""
    rng = np.random.default_rng(2)
    each = count // 3
    states = np.vstack(
        [peers.burnouts(rng, each, 200e3, 6_950.0, 24.0), peers.burnouts(rng, each, 150e3, 6_600.0, 9.0),
         peers.burnouts(rng, count - 2 * each, 200e3, 6_500.0, 45.0)]
    )  # fmt: skip
    beta = np.exp(rng.uniform(np.log(500.0), np.log(10_000.0), count))
    down = descend(states[:, :3], states[:, 3:], beta)
    picked = rng.permutation(count)[:sample]
    off = [np.linalg.norm(down.position_ecef_m[i] - peers.scipy_descent(states[i], beta[i])[1]) for i in picked]
    ours = cpu_s(lambda: descend(states[:, :3], states[:, 3:], beta), repeats) / count * 1e6
    rows = [row("reentry with drag, β 500-10,000", ours, float(max(off)), 1.25, flagged=int((down.flag != 0).sum()))]
    one = np.full(count, 5_000.0)
    at_5000 = cpu_s(lambda: descend(states[:, :3], states[:, 3:], one), repeats) / count * 1e6
    rows.append(row("  the same at β 5,000", at_5000, None))
    some, betas = states[: min(count, 2048)], beta[: min(count, 2048)]
    call, places = peers.heyoka_descent(some, betas)
    us = cpu_s(call, 3) / len(some) * 1e6
    few = range(0, len(some), max(1, len(some) // 16))
    off = max(np.linalg.norm(places()[i] - peers.scipy_descent(some[i], betas[i], exponential=True)[1]) for i in few)
    rows.append(
        row("  heyoka batch 8, split at 150 km, exponential air", us, float(off), ratio=us / ours, least_ratio=5.0,
            met=bool(us / ours >= 5.0))
    )  # fmt: skip
    return rows


def launches(packed: PackedMissiles, kind: int, count: int) -> tuple[Any, ...]:
    """Pads all over the Earth, all azimuths, pitches of 25 to 65 degrees, cut-offs from half the last burn on."""
    rng = np.random.default_rng(3 + kind)
    ignition, burnout = packed.body[kind, 3], packed.body[kind, 2]
    return (
        packed, kind, np.arcsin(rng.uniform(-1.0, 1.0, count)), rng.uniform(-np.pi, np.pi, count),
        rng.uniform(-np.pi, np.pi, count), np.radians(rng.uniform(25.0, 65.0, count)),
        ignition + (burnout - ignition) * rng.uniform(0.5, 1.0, count),
    )  # fmt: skip


def boosted(count: int, repeats: int, sample: int) -> list[dict[str, Any]]:
    """Whole flights, pad to impact."""
    packed, rows = pack((ONE_STAGE, THREE_STAGES)), []
    for kind, missile in enumerate(packed.missiles):
        given = launches(packed, kind, count)
        few = (*given[:2], *(column[:sample] for column in given[2:]))
        exact = fly_out(*few, tolerance_m=1e-5)
        level = np.zeros(sample)
        place = geodetic_to_ecef(np.stack((exact.impact_latitude_rad, exact.impact_longitude_rad, level), axis=1))
        for name, tolerance_m, target in (("10 m", 0.1, 3.0), ("1 m", 0.01, 10.0)):
            flown = fly_out(*few, tolerance_m=tolerance_m)
            at = geodetic_to_ecef(np.stack((flown.impact_latitude_rad, flown.impact_longitude_rad, level), axis=1))
            good = (flown.flag == 0) & (exact.flag == 0)
            error_m = float(np.linalg.norm(at - place, axis=1)[good].max())
            us = cpu_s(lambda tol=tolerance_m: fly_out(*given, tolerance_m=tol), repeats) / count * 1e6  # noqa: B023
            rows.append(row(f"boosted, {missile.name}, for {name}", us, error_m, target))
        alone = cpu_s(lambda: fly_out(*few, tolerance_m=0.009), 3) / sample * 1e6  # noqa: B023
        rows.append(row("  adaptive, one by one", alone, None))
    return rows


def boundary(count: int, repeats: int) -> list[dict[str, Any]]:
    """Launch here, land there: aims at 15 to 93 % of reach, by cut-off time and by loft."""
    packed = pack((ONE_STAGE, THREE_STAGES))
    start = time.process_time()
    plans = launch_plans(packed)
    rows = [row("launch plans, a missile", (time.process_time() - start) / 2 * 1e6, None)]
    rng = np.random.default_rng(5)
    for mode, name in ((0, "cut-off"), (1, "lofted")):
        latitude, longitude = rng.uniform(-1.3, 1.3, count), rng.uniform(-np.pi, np.pi, count)
        distance = rng.uniform(0.15, 0.93, count) * plans.longest_range_m[0]
        azimuth = rng.uniform(-np.pi, np.pi, count)
        aim = np.array([geodesic_direct(*r)[:2] for r in zip(latitude, longitude, azimuth, distance, strict=True)])

        def call(mode: int = mode, pads: tuple = (latitude, longitude), aim: np.ndarray = aim) -> Any:
            return solve_launch(packed, 0, *pads, aim[:, 0], aim[:, 1], mode=mode, plans=plans)

        found = call()
        solved, us = float((found.flag == 0).mean()), cpu_s(call, max(3, repeats // 3)) / count * 1e6
        rows.append(
            row(f"boundary solve, by {name}, 10 m", us, float(found.miss_m.max()), 100.0, solved=solved,
                flights=float(np.median(found.flights_flown)))
        )  # fmt: skip
    return rows


def scaling(largest: int) -> list[dict[str, Any]]:
    """From a thousand trajectories up, and from one thread to two (wall time)."""
    rows, packed = [], pack((ONE_STAGE,))
    count = 1_000
    while count <= largest:
        states = peers.burnouts(np.random.default_rng(1), count, 200e3, 6_950.0, 24.0)
        given = launches(packed, 0, count)
        coast = cpu_s(lambda: descend(states[:, :3], states[:, 3:], 0.0), 3) / count * 1e6  # noqa: B023
        fall = cpu_s(lambda: descend(states[:, :3], states[:, 3:], 3_000.0), 3) / count * 1e6  # noqa: B023
        boost = cpu_s(lambda: fly_out(*given), 1) / count * 1e6  # noqa: B023
        rows.append({"name": f"{count:,} trajectories", "vacuum_us": coast, "reentry_us": fall, "boosted_us": boost})
        count *= 10
    states = peers.burnouts(np.random.default_rng(1), 2 * 65_536, 200e3, 6_950.0, 24.0)

    def work(part: np.ndarray) -> None:
        descend(part[:, :3], part[:, 3:], 3_000.0)

    wall = []
    for workers in (1, 2):
        threads = [threading.Thread(target=work, args=(part,)) for part in np.array_split(states, workers)]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wall.append(time.perf_counter() - start)
    rows.append({"name": "two threads over one (wall)", "speedup": wall[0] / wall[1]})
    return rows


def first_calls() -> list[dict[str, Any]]:
    """CPU seconds of the first call in a new process, nothing compiled and everything compiled; imports apart."""
    rows = []
    for name, module, door, call in (
        ("vacuum", "descent", "descend", DESCEND_CALL.format(beta=0.0)),
        ("reentry", "descent", "descend", DESCEND_CALL.format(beta=3000.0)),
        ("boosted", "trajectory", "fly_out", FLY_CALL),
    ):
        code = FIRST_CALL.format(module=module, door=door, call=call)
        with tempfile.TemporaryDirectory() as folder:
            seconds = [_child(code, folder) for _ in range(2)]
        rows.append(
            {"name": f"first call, {name}", "import_s": seconds[1][0], "uncached_s": seconds[0][1],
             "cached_s": seconds[1][1], "met": bool(seconds[0][1] <= 3.0 and seconds[1][1] <= 0.5)}
        )  # fmt: skip
    return rows


def _child(code: str, cache: str) -> tuple[float, float]:
    out = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "DETENTE_CACHE": cache}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    imported, called = out.stdout.split()
    return float(imported), float(called)


def show(rows: list[dict[str, Any]]) -> None:
    """The table, on a terminal."""
    for one in rows:
        numbers = [f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
                   for key, value in one.items() if key not in ("name", "met") and value is not None]  # fmt: skip
        verdict = {None: "", True: "  meets it", False: "  MISSES it"}[one.get("met")]
        print(f"{one['name']:<52}{', '.join(numbers)}{verdict}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller counts, a minute in all")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    options = parser.parse_args()
    count, repeats, sample = (4_096, 3, 16) if options.quick else (16_384, 9, 64)
    rows = [
        *vacuum(count, repeats, sample), *reentry(count, repeats, sample),
        *boosted(count, repeats, 4 * sample), *boundary(count // 8, repeats),
        *scaling(10_000 if options.quick else 1_000_000), *first_calls(),
    ]  # fmt: skip
    if options.json:
        print(json.dumps({"rows": rows}, indent=1))
    else:
        show(rows)


if __name__ == "__main__":
    main()
