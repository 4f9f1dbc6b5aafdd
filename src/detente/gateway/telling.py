"""What a side's process tells people: one JSON document a line."""

import json
import sys
from typing import Any

import numpy as np

from detente.centre.picture.identity import track_name
from detente.records.stages import Warnings


def show_line(document: dict[str, Any]) -> None:
    """One JSON document a line on stdout: the structured log."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def warning_fields(warnings: Warnings, row: int, names: tuple[str, ...]) -> dict[str, Any]:
    """One warning; ``names`` are all sides', in index order."""
    return {
        "threatened": names[int(warnings.threatened[row])],
        "update": int(warnings.update[row]),
        "track": track_name(names[int(warnings.giver[row])], int(warnings.number[row])),
        "probability": round(float(warnings.probability[row]), 3), "at_s": float(warnings.time_s[row]),
        "impact_lat_deg": round(float(np.degrees(warnings.impact_lat_rad[row])), 3),
        "impact_lon_deg": round(float(np.degrees(warnings.impact_lon_rad[row])), 3),
        "impact_s": round(float(warnings.impact_s[row]), 1),
    }  # fmt: skip
