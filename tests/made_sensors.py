"""A suite of sensors made by hand, the same in every replicate."""

import numpy as np

from detente.records.slots import SUITE_DRAWN, SUITE_FIXED, SensorSuite


def make_suite(sensors, replicates):
    """Sensors, each a mapping of the suite's columns (SI, radians) and its name, ``kind`` and side's index."""
    columns = {name: np.array([sensor[name] for sensor in sensors], float) for name in SUITE_FIXED}
    columns |= {name: np.array([[s[name] for s in sensors]] * replicates, float) for name in SUITE_DRAWN}
    return SensorSuite(
        kind=np.array([s["kind"] for s in sensors], np.uint8), side=np.array([s["side"] for s in sensors], np.int64),
        owner=np.zeros(len(sensors), np.int64), owners=("XXX",), names=tuple(s["name"] for s in sensors), **columns,
    )  # fmt: skip
