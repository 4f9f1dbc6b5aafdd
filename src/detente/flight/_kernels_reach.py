"""How soon an interceptor could be somewhere: a reading of its fly-out table."""

from detente.jit import kernel

OUT_OF_REACH_S = 1e9


@kernel
def reach_time(range_m, altitude_m, range_step_m, altitude_0_m, altitude_step_m, time_s):
    """Seconds from launch order to a point at this ground range and altitude; ``OUT_OF_REACH_S`` if out of reach.

    Bilinear in a table (ranges, altitudes) with even steps, ranges from 0. A cell with any corner out of reach is out
    of reach, so that the answer errs to the short side by less than a cell.
    """
    if not (range_m >= 0.0 and altitude_m >= altitude_0_m):
        return OUT_OF_REACH_S
    across, up = range_m / range_step_m, (altitude_m - altitude_0_m) / altitude_step_m
    last_i, last_j = time_s.shape[0] - 1, time_s.shape[1] - 1
    if not (across <= last_i and up <= last_j):
        return OUT_OF_REACH_S
    i, j = min(int(across), last_i - 1), min(int(up), last_j - 1)
    s, t = across - i, up - j
    a, b, c, d = time_s[i, j], time_s[i + 1, j], time_s[i, j + 1], time_s[i + 1, j + 1]
    if max(max(a, b), max(c, d)) >= OUT_OF_REACH_S:
        return OUT_OF_REACH_S
    return (1.0 - t) * ((1.0 - s) * a + s * b) + t * ((1.0 - s) * c + s * d)
