"""Draws for many objects at once, each at its own address."""

import numpy as np

from detente.chance._kernels import uniforms
from detente.jit import kernel

# Of a full integer type, not that of a literal: numba would compile ``uniforms`` again for it.
ABSENT = np.int64(-1)
NONE = np.int64(0)


@kernel
def uniform_rows(seed, replicates, stage, things, ordinal, out):
    """out[i] = the four uniforms at the address of replicates[i] and things[i]."""
    for i in range(things.size):
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = uniforms(
            seed, replicates[i], stage, ABSENT, ABSENT, things[i], NONE, ordinal
        )
