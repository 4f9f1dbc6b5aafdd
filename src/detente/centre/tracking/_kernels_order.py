"""Which of a step's detections can be used at all, and in which order, whatever the order they came in."""

import math

from detente.centre.tracking._kernels_places import (
    DET_KIND,
    DET_RANGE,
    DET_SENSOR,
    INFRARED,
    PLOTS,
    RADAR,
    SIGMA_AZIMUTH,
    SIGMA_ELEVATION,
    SIGMA_RANGE,
    SIGMA_RATE,
    TIME,
)
from detente.jit import kernel


@kernel
def comes_before(plots, plot_tags, a, b):
    """Order of detections: time, sensor, then what was measured; a telling of equal ones apart is never needed."""
    if plots[a, TIME] != plots[b, TIME]:
        return plots[a, TIME] < plots[b, TIME]
    if plot_tags[a, DET_SENSOR] != plot_tags[b, DET_SENSOR]:
        return plot_tags[a, DET_SENSOR] < plot_tags[b, DET_SENSOR]
    for k in range(DET_RANGE, PLOTS):
        if plots[a, k] != plots[b, k]:
            return plots[a, k] < plots[b, k]
    return False


@kernel
def put_in_order(plots, plot_tags, first, last, order, spare):
    """Fill ``order`` with the detections first..last-1 in the order above (merge sort, stable)."""
    count = last - first
    for k in range(count):
        order[k] = first + k
    width = 1
    while width < count:
        for low in range(0, count, 2 * width):
            middle, high = min(low + width, count), min(low + 2 * width, count)
            a, b = low, middle
            for k in range(low, high):
                if b >= high or (a < middle and not comes_before(plots, plot_tags, order[b], order[a])):
                    spare[k] = order[a]
                    a += 1
                else:
                    spare[k] = order[b]
                    b += 1
        for k in range(count):
            order[k] = spare[k]
        width *= 2


@kernel
def is_usable(plots, plot_tags, d, sensors):
    """Whether a detection's numbers mean something."""
    if plot_tags[d, DET_SENSOR] < 0 or plot_tags[d, DET_SENSOR] >= sensors:
        return False
    for k in range(PLOTS):
        if not math.isfinite(plots[d, k]):
            return False
    if not (plots[d, SIGMA_AZIMUTH] > 0.0 and plots[d, SIGMA_ELEVATION] > 0.0 and plots[d, SIGMA_RATE] >= 0.0):
        return False
    if plot_tags[d, DET_KIND] == RADAR:
        return plots[d, SIGMA_RANGE] > 0.0 and plots[d, DET_RANGE] > 0.0
    return plot_tags[d, DET_KIND] == INFRARED
