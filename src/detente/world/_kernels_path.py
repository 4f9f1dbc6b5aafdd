"""Where an object is between the samples of its path."""

from detente.jit import kernel


@kernel
def flight_row(time_s, first, last, now_s):
    """The last of the rows first to last - 1 whose time is not after ``now_s``; the caller knows that there is one."""
    low, high = first, last
    while high - low > 1:
        middle = (low + high) // 2
        if time_s[middle] <= now_s:
            low = middle
        else:
            high = middle
    return low


@kernel
def position_between(time_s, position, velocity, j, t):
    """Position at ``t`` between truth samples j and j + 1: the cubic through both positions and velocities."""
    step = time_s[j + 1] - time_s[j]
    if step <= 0.0:
        return position[j, 0], position[j, 1], position[j, 2]
    s = (t - time_s[j]) / step
    w1 = s * s * (3.0 - 2.0 * s)
    w0 = 1.0 - w1
    v0 = s * (1.0 - s) * (1.0 - s) * step
    v1 = s * s * (s - 1.0) * step
    return (
        w0 * position[j, 0] + w1 * position[j + 1, 0] + v0 * velocity[j, 0] + v1 * velocity[j + 1, 0],
        w0 * position[j, 1] + w1 * position[j + 1, 1] + v0 * velocity[j, 1] + v1 * velocity[j + 1, 1],
        w0 * position[j, 2] + w1 * position[j + 1, 2] + v0 * velocity[j, 2] + v1 * velocity[j + 1, 2],
    )
