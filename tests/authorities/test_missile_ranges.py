"""The catalogue's fitted missiles fly as far as their published ranges say, within 3 %.

Their masses were fitted to exactly that (``design/fit_missiles.py``), so this guards against drift of either side; it
is no evidence for the flight model. Forden's three, which were not fitted, are the flight room's own authority.
"""

from math import radians

import numpy as np
import pytest

from detente.flight.aiming import max_range
from detente.flight.vehicle import Missile, Stage, pack
from detente.scenario.files import load_catalogue


def test_fitted_missiles_reach_their_published_ranges() -> None:
    entries = [entry for entry in load_catalogue().missiles.values() if entry.fitted]
    missiles = [
        Missile(
            entry.name, entry.payload_kg, tuple(Stage(**stage.model_dump()) for stage in entry.stages),
            tuple(row[0] for row in entry.cd), tuple(row[1] for row in entry.cd),
            entry.ballistic_coefficient_kg_m2.value,
        )
        for entry in entries
    ]  # fmt: skip
    reach = max_range(pack(missiles), np.arange(len(missiles)), radians(33), radians(44), radians(40), rotation=False)
    assert (reach.flag == 0).all()
    assert len(entries) == 9
    for entry, range_m in zip(entries, reach.range_m):
        assert range_m / 1e3 == pytest.approx(entry.range_km.value, rel=0.03), entry.name
