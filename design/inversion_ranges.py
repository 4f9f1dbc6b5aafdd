"""Measure what our powered flights do between pad and burn-out, and print it: the ranges that an inversion draws from.

Run: ``python design/inversion_ranges.py``. ``src/detente/flight/inversion.py`` holds rounded ranges about as wide as
what this prints for all programmes together (2.5 to 97.5 of 100), with the acceleration carried on to 60 m/s2 for short
solid boosts, of which there are none among the made-up missiles.

Recipe. Sixty made-up missiles of one to three stages (``tests/made_missiles.py``) are flown over an Earth that does not
turn, from the pitch of their longest range up to 88 degrees, under each of six pitch programmes: vertical rise of 3 to
15 s, pitch-over until half to all of the burn, about which published profiles differ.
"""

import dataclasses
import runpy
from math import radians
from pathlib import Path

import numpy as np

from detente.flight.aiming import max_range
from detente.flight.burnout import boosted
from detente.flight.trajectory import fly_out
from detente.flight.vehicle import PackedMissiles, pack
from detente.geodesy.constants import G0_M_S2
from detente.geodesy.distance import shortest_paths
from detente.geodesy.ellipsoid import ecef_to_geodetic

PROGRAMMES = ((5, 0.5), (3, 0.5), (10, 0.5), (3, 1.0), (10, 0.8), (15, 1.0))  # vertical rise s, end of pitch-over
PAD = (0.6, 0.9)
AZIMUTH = 0.7
NAMES = ("acceleration_m_s2", "chord_share", "chord_lift", "loss_share")
MARKS = (0, 2.5, 50, 97.5, 100)


def measured(packed: PackedMissiles, row: int, best: float) -> np.ndarray:
    """Rows of (acceleration, chord share, chord lift, loss share): one for each pitch steeper than the best."""
    pitches = np.concatenate(([best], np.linspace(best + 0.03, radians(88.0), 6)))
    states = boosted(packed, row, *PAD, AZIMUTH, pitches, rotation=False)
    landed = fly_out(packed, row, *PAD, AZIMUTH, pitches, rotation=False).flag == 0
    places = ecef_to_geodetic(states.position_ecef_m)
    level, height = shortest_paths(np.array(PAD), places[:, :2]).distance_m, places[:, 2]
    latitude, longitude = places[:, 0], places[:, 1]
    up = np.column_stack((np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)))
    speed = np.linalg.norm(states.velocity_ecef_m_s, axis=1)
    elevation = np.arcsin((up * states.velocity_ecef_m_s).sum(axis=1) / speed)
    chord, burn_s = np.arctan2(height, level), packed.missiles[row].burn_s
    pulled = G0_M_S2 * burn_s * (np.sin(chord[1:]) - np.sin(chord[0]))
    rows = np.column_stack((
        speed[1:] / burn_s, np.hypot(level, height)[1:] / (speed[1:] * burn_s),
        (chord - elevation)[1:] / (0.5 * np.pi - elevation[1:]), (speed[0] - speed[1:]) / pulled,
    ))  # fmt: skip
    return rows[landed[1:]]


def main() -> None:
    """Print the ranges, programme by programme and over all."""
    made = runpy.run_path(str(Path(__file__).parents[1] / "tests" / "made_missiles.py"))["made_missile"]
    packed = pack([made(seed) for seed in range(60)])
    everything = []
    for rise_s, end in PROGRAMMES:
        body = packed.body.copy()
        body[:, 0], body[:, 1] = rise_s, end * body[:, 2]
        flown = dataclasses.replace(packed, body=body)
        reach = max_range(flown, np.arange(60), *PAD, AZIMUTH, rotation=False)
        kept = [i for i in range(60) if reach.flag[i] == 0]
        rows = np.concatenate([measured(flown, i, float(reach.pitch_final_rad[i])) for i in kept])
        everything.append(rows)
        report(f"rise {rise_s} s, pitch-over until {end} of the burn", rows)
    report("all", np.concatenate(everything))


def report(title: str, rows: np.ndarray) -> None:
    """A line for each number: least, 2.5, 50, 97.5 of 100, greatest."""
    print(f"{title}: {len(rows)} flights")
    for name, values in zip(NAMES, rows.T):
        print(f"  {name:18}", *(f"{mark:8.3f}" for mark in np.percentile(values, MARKS)))


if __name__ == "__main__":
    main()
