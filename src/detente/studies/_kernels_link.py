"""Which messages the line loses."""

from detente.chance._kernels import uniforms
from detente.jit import kernel


@kernel
def lost(seed, replicate_ids, row, giver, receiver, data, number, tick, loss_probability, stage, out):
    """out[i] = 1 where message i is lost. The draw is addressed by giver, receiver, data class, track and tick."""
    for i in range(row.size):
        r = row[i]
        u = uniforms(seed, replicate_ids[r], stage, giver[i], receiver[i] * 8 + data[i], number[i], tick, 0)[0]
        out[i] = 1 if u < loss_probability[r] else 0
