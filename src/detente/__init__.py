"""Détente: two independent missile-warning systems that cooperate, and the joint analysis of how.

    >>> import detente
    >>> scenario = detente.load_scenario("lisbon-2010")
    >>> study = detente.study(scenario, replicates=20, seed=1)
    >>> study.table.to_pandas()

Open literature, point masses, public parameters with sources; for analysis and shared warning.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["InputError", "fly", "fly_burnout", "fly_observed", "load_scenario", "run", "score", "study", "track"]

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

    from detente.records.errors import InputError
    from detente.scenario.files import load_scenario
    from detente.scoring.files import score
    from detente.studies.bare_flight import fly_burnout, fly_observed
    from detente.studies.drivers import run, study
    from detente.studies.missile_flight import fly

    # Not by import: studies ask this module for the version, and may not reach the gateway.
    def track(
        detections: str | Path | pa.Table | pd.DataFrame | dict[str, Any],
        sensors: str | Path,
        *,
        model: str | None = None,
        filter: str = "ekf",
        out: str | Path | None = None,
        most_tracks: int = 20_000,
        progress: Callable[[int, int], None] = ...,
    ) -> Any:
        """Follow every object in a file of detections: what comes back has ``.tracks`` and ``.document``."""
        ...


_DOORS = {
    "InputError": "detente.records.errors",
    "fly": "detente.studies.missile_flight",
    "fly_burnout": "detente.studies.bare_flight",
    "fly_observed": "detente.studies.bare_flight",
    "load_scenario": "detente.scenario.files",
    "run": "detente.studies.drivers",
    "score": "detente.scoring.files",
    "study": "detente.studies.drivers",
    "track": "detente.gateway.following",
}


def __dir__() -> list[str]:
    """What completion shows: the doors, open or not yet, and the version."""
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})


def __getattr__(name: str) -> Any:
    """The doors are opened when first used, so that importing the package stays quick."""
    if name in _DOORS:
        from importlib import import_module

        return getattr(import_module(_DOORS[name]), name)
    raise AttributeError(f"module 'detente' has no attribute {name!r}")
