"""Which lines of a picture are to be warned of now, once for each side they threaten."""

import numpy as np

from detente.jit import kernel

CONFIRMED = 2


@kernel
def reset(r, s, giver, number, kept_giver, kept_number, seen_rounds, over, issued):
    """A slot that changes hands starts anew."""
    kept_giver[r, s] = giver
    kept_number[r, s] = number
    seen_rounds[r, s] = 0
    for k in range(over.shape[2]):
        over[r, s, k] = 0
        issued[r, s, k] = np.uint8(0)


@kernel
def warn_rows(
    status, giver, number, twin, impact_valid, probability, rounds, thresholds, confirmations,
    kept_giver, kept_number, seen_rounds, over, issued, out,
):  # fmt: skip
    """List new warnings as (row, slot, side) in ``out`` and return how many; bring what was issued up to date.

    ``over``: predictions in a row at or over the threshold. A partner's line that was found to be another line hands
    on what was issued for it.
    """
    count = 0
    rows, slots = status.shape
    sides = probability.shape[2]
    for r in range(rows):
        for s in range(slots):
            if kept_giver[r, s] != giver[r, s] or kept_number[r, s] != number[r, s]:
                reset(r, s, giver[r, s], number[r, s], kept_giver, kept_number, seen_rounds, over, issued)
        for s in range(slots):
            line = twin[r, s]
            if status[r, s] == 0 and line >= 0:
                for k in range(sides):
                    issued[r, line, k] |= issued[r, s, k]
                    issued[r, s, k] = issued[r, line, k]
        for s in range(slots):
            if status[r, s] != CONFIRMED or impact_valid[r, s] == 0:
                continue
            news = rounds[r, s] != seen_rounds[r, s]
            seen_rounds[r, s] = rounds[r, s]
            for k in range(sides):
                if news:
                    over[r, s, k] = over[r, s, k] + 1 if probability[r, s, k] >= thresholds[k] else 0
                if issued[r, s, k] == 0 and over[r, s, k] >= confirmations:
                    issued[r, s, k] = np.uint8(1)
                    out[count, 0], out[count, 1], out[count, 2] = r, s, k
                    count += 1
    return count
