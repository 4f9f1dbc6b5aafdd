"""The numbers that the figures draw, as one document: everything is computed here, the page's script only draws."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.report import coverage, ground, hexes, labels, world
from detente.report.saved import BASELINE, Saved
from detente.report.words import label, possible

STEPS = 90  # of a warning curve
SHARES = ("territory_defended_fraction", "people_defended_fraction", "leakage_fraction", "false_warnings")


def figures(saved: Saved) -> dict[str, Any]:
    """All figures of the page."""
    middle = ground.middle(saved)
    return {
        "sides": list(saved.sides),
        "architectures": list(saved.architectures),
        "baseline": BASELINE,
        "warning": warning_curves(saved),
        "shares": share_points(saved),
        "ground": ground.base_map(saved),
        "sensors": sensors(saved),
        "labels": labels.labels(saved),
        "sites": [
            {"title": s["title"], "side": s["side"], "at": [s["lon_deg"], s["lat_deg"]]} for s in saved.about["sites"]
        ],
        "places": [{"title": p["title"], "at": [p["lon_deg"], p["lat_deg"]]} for p in ground.launch_places(saved)],
        "world": world.sample_world(saved),
        "defended": hexes.defended_ground(saved, middle),
    }


def warning_curves(saved: Saved) -> dict[str, Any]:
    """Share of a side's threatening objects warned of at least so long before impact, own sensors and all it knows."""
    curves, longest = [], 60.0
    leads = {}
    for name in saved.architectures:
        under = saved.objects_under(name)
        for side in range(len(saved.sides)):
            rows = np.flatnonzero((under.threatened >> side) & 1)
            own = lead_s(under.impact_s[rows], under.own_warned_s[rows])
            known = lead_s(under.impact_s[rows], under.warned_s[rows])
            leads[name, side] = own, known
            longest = max(longest, float(np.max(own, initial=0.0)), float(np.max(known, initial=0.0)))
    step = max(5.0, math.ceil(longest / STEPS / 5.0) * 5.0)
    grid = np.arange(0.0, longest + step, step)
    for (name, side), (own, known) in leads.items():
        curves.append(
            {
                "architecture": name,
                "side": side,
                "objects": len(own),
                "own": survival(own, grid),
                "known": survival(known, grid),
                "never": _never(known),
                "never_own": _never(own),
            }
        )
    return {"minutes": np.round(grid / 60.0, 3).tolist(), "curves": curves}


def lead_s(impact_s: NDArray[np.float64], warned_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Time from warning to impact, s, (n,) of (n,); minus infinity where there was no warning."""
    return np.where(warned_s >= 0.0, impact_s - warned_s, -np.inf)


def survival(leads: NDArray[np.float64], grid: NDArray[np.float64]) -> list[float]:
    """Share of leads (n,) that are at least each value of the grid (g,), both s."""
    if not len(leads):
        return [0.0] * len(grid)
    below = np.searchsorted(np.sort(leads), grid, side="left")
    return np.round(1.0 - below / len(leads), 4).tolist()


def _never(leads: NDArray[np.float64]) -> float | None:
    return round(float(np.mean(np.isneginf(leads))), 4) if len(leads) else None


def share_points(saved: Saved) -> list[dict[str, Any]]:
    """Mean, interval and envelope of the metrics that the dot plot shows, for every architecture and side."""
    found = []
    for metric in (m for m in saved.metrics if m["name"] in SHARES):
        for name in saved.architectures:
            for index, side in enumerate(saved.sides):
                cell, envelope = saved.cell(name, side, metric["name"]), saved.envelope(name, side, metric["name"])
                if cell is not None:
                    low, high = possible(metric, (cell["low"], cell["high"]))
                    several = cell["n"] > 1
                    found.append(
                        {
                            "metric": metric["name"],
                            "label": label(metric["name"]),
                            "architecture": name,
                            "side": index,
                            "mean": cell["mean"],
                            "low": low if several else cell["mean"],
                            "high": high if several else cell["mean"],
                            "wide": envelope if several else None,
                            "share": metric["is_fraction"],
                        }
                    )
    return found


def sensors(saved: Saved) -> list[dict[str, Any]]:
    """Every radar with what a map shows of it: place and fans. Ends of a range are drawn for warning radars only."""
    found = []
    for sensor in (each for each in saved.about["sensors"] if each["kind"] == "radar"):
        fans = coverage.fans(sensor)
        if labels.is_of_a_site(saved, sensor):
            fans |= {"low": None, "high": None}
        found.append(
            {
                "title": sensor["title"],
                "short": labels.short(sensor["title"]),
                "side": sensor["side"],
                "at": [sensor["lon_deg"], sensor["lat_deg"]],
                "fans": fans,
            }
        )
    return found
