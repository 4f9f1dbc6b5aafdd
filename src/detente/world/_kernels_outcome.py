"""What came of each shot: one pass over the shots at each object, in the order in which they would meet it."""

import numpy as np

from detente.chance._kernels import uniforms
from detente.jit import kernel
from detente.world._kernels_path import flight_row, position_between


@kernel
def within_basket(flight, offsets, time_s, position, velocity, intercept_s, planned, basket_m):
    """True where the object of this flight still flies at the planned moment, near enough to the planned place."""
    first, last = offsets[flight], offsets[flight + 1]
    if last - first < 2 or intercept_s < time_s[first] or intercept_s >= time_s[last - 1]:
        return False
    row = flight_row(time_s, first, last, intercept_s)
    x, y, z = position_between(time_s, position, velocity, row, intercept_s)
    dx, dy, dz = x - planned[0], y - planned[1], z - planned[2]
    return dx * dx + dy * dy + dz * dz <= basket_m * basket_m


@kernel
def number_shots(by_launch, row, shot_object, ordinal):
    """Number the shots at each object in the order given, in which the shots at one object stand together."""
    for i in range(by_launch.size):
        shot = by_launch[i]
        ordinal[shot] = 0
        if i > 0:
            before = by_launch[i - 1]
            if row[before] == row[shot] and shot_object[before] == shot_object[shot]:
                ordinal[shot] = ordinal[before] + 1


@kernel
def resolve_shots(
    by_intercept, row, site, shot_object, shot_flight, ordinal, intercept_s, planned,
    offsets, time_s, position, velocity,
    kill_probability, basket_m, discrimination,
    seed, replicates, discrimination_stage, shot_stage, in_basket, hit,
):  # fmt: skip
    """Fill ``in_basket`` and ``hit`` for shots visited by object, and for each object by moment of intercept."""
    down = False
    for i in range(by_intercept.size):
        shot = by_intercept[i]
        in_basket[shot], hit[shot] = np.uint8(0), np.uint8(0)
        r, target = row[shot], shot_object[shot]
        before = by_intercept[i - 1] if i > 0 else shot
        if i == 0 or row[before] != r or shot_object[before] != target:
            down = False
        if target < 0 or down:
            continue
        if not within_basket(
            shot_flight[shot], offsets, time_s, position, velocity,
            intercept_s[shot], planned[shot], basket_m[r, site[shot]],
        ):  # fmt: skip
            continue
        in_basket[shot] = np.uint8(1)
        told_apart = uniforms(seed, replicates[r], discrimination_stage, -1, -1, target, 0, 0)[0]
        if told_apart >= discrimination[r]:
            continue
        luck = uniforms(seed, replicates[r], shot_stage, -1, -1, target, 0, ordinal[shot])[0]
        if luck < kill_probability[r, site[shot]]:
            hit[shot] = np.uint8(1)
            down = True
