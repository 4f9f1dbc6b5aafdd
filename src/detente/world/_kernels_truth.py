"""Draws for many objects at once, each at its own address."""

from detente.chance._kernels import uniforms
from detente.jit import kernel


@kernel
def uniform_rows(seed, replicates, stage, things, ordinal, out):
    """out[i] = the four uniforms at the address of replicates[i] and things[i]."""
    for i in range(things.size):
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = uniforms(seed, replicates[i], stage, -1, -1, things[i], 0, ordinal)
